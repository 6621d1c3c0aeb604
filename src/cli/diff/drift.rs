//! `polder diff PATH --cluster`: how a cluster differs from what it should be.

use super::{Compared, DiffArgs, DiffFormat, FailOn, of_programs, project, say};
use crate::cli::args::{listed, named};
use crate::cli::ask::{given_up, sure};
use crate::cli::exit::Exit;
use crate::cli::report::count;
use crate::cli::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::diff::{Drift, DriftedPolicy};
use crate::session::{ClusterDrift, EnforceChoice, Named, Place, Terms, Versions};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// More policies are counted.
const MOST: usize = 100;

const TOO_HARD: &str = "gave up on comparing the policies of the cluster, in very many steps";

pub(super) fn answer(args: &DiffArgs, folder: &Path, terminal: &mut Terminal) -> Result<Exit, String> {
    let files = terminal.files();
    let files = files.as_ref();
    let should = match named(&args.paths).pop() {
        Some(named) => named,
        None => Named::Path(project(files, folder)),
    };
    let pipe = format!("polder diff {} -", args.paths.first().map_or(".".into(), |path| path.to_string_lossy()));
    let Some(cluster) = args.live.named(false, &pipe) else { return Err("there is no cluster to ask".to_owned()) };
    let place = |named| Place { system: files, named, optional: false };
    let terms = Terms {
        environment: args.environment.choice(),
        workloads: Vec::new(),
        cluster: args.said.said(),
        enforce: listed(&args.enforce, EnforceChoice::Configured),
    };
    let versions = Versions::load(folder, [place(&should), place(&cluster)], &terms, files);
    of_programs(&versions, args)?;
    say(&versions, [None, None], terminal);
    if !versions.is_answerable() {
        return Ok(Exit::CannotAnswer);
    }
    let too_hard = |_| TOO_HARD.to_owned();
    let drift = versions.drift(args.format != DiffFormat::Json).map_err(too_hard)?;
    // What is left out for people counts, too.
    let whole = if drift.diff.left_out { Some(versions.drift(false).map_err(too_hard)?) } else { None };
    let counted = whole.as_ref().unwrap_or(&drift);
    Compared { diff: &drift.diff, versions: &versions, revisions: [None, None], sides: None, drift: Some(&drift) }
        .print(args.format, terminal);
    if counted.diff.given_up {
        return Ok(given_up(terminal));
    }
    if [&versions.old, &versions.new].into_iter().flatten().any(|subject| sure(subject, Exit::Yes) != Exit::Yes) {
        return Ok(Exit::CannotAnswer);
    }
    let fails = match args.fail_on {
        FailOn::Any => !counted.is_empty(),
        FailOn::Wider => counted.is_wider(),
        FailOn::None => false,
    };
    Ok(if fails { Exit::No } else { Exit::Yes })
}

/// The word for what became of a policy.
fn word(drift: Drift) -> &'static str {
    match drift {
        Drift::Missing => "missing",
        Drift::Changed => "changed",
        Drift::Left => "left",
        Drift::Foreign => "foreign",
        Drift::Needless => "needless",
    }
}

/// What becomes of the sides that a policy is about.
fn effect(policy: &DriftedPolicy) -> &'static str {
    match (policy.drift, policy.wider, policy.narrower) {
        (Drift::Needless, ..) => "nothing changes without it",
        (_, true, true) => "lets through what it should not, and less of what it should",
        (_, true, false) => "lets through what should be closed",
        (_, false, _) => "closes what should be let through",
    }
}

/// What a policy that is missing leaves, which lets nothing through itself.
fn told(policy: &DriftedPolicy) -> String {
    let effect = match (policy.drift, policy.wider, policy.narrower) {
        (Drift::Missing, true, true) => "what it closes is open, and what it lets through is closed",
        (Drift::Missing, true, false) => "what it closes is open",
        (Drift::Missing, false, _) => "what it lets through is closed",
        (Drift::Changed | Drift::Left | Drift::Foreign | Drift::Needless, ..) => effect(policy),
    };
    let whose = match (policy.drift, policy.is_ours) {
        (Drift::Left, _) => "of an older build: ",
        (Drift::Needless, true) => "of an older build: ",
        (Drift::Foreign | Drift::Needless, false) => "not Polder's: ",
        (Drift::Missing | Drift::Changed, _) | (Drift::Foreign, true) => "",
    };
    format!("{whose}{effect}")
}

/// Its namespace and name, with its kind where that is no NetworkPolicy.
fn named_object(policy: &DriftedPolicy) -> String {
    format!("{}/{}", policy.namespace, policy.kind.title(&policy.name))
}

/// The policies that are not as they should be, a line each; nothing where there are none.
pub(super) fn table(drift: &ClusterDrift) -> Option<String> {
    let policies = &drift.policies.policies;
    let name = |policy: &DriftedPolicy| sanitize(&named_object(policy)).into_owned();
    let width = policies.iter().take(MOST).map(|policy| name(policy).chars().count()).max()?;
    let mut text = "policies:\n".to_owned();
    for policy in policies.iter().take(MOST) {
        let _ = writeln!(text, "  {:8}  {:width$}  {}", word(policy.drift), name(policy), told(policy));
    }
    if let Some(more @ 1..) = policies.len().checked_sub(MOST) {
        let _ = writeln!(text, "  and {more} more");
    }
    Some(text)
}

/// The same for a comment.
pub(super) fn markdown(drift: &ClusterDrift) -> String {
    let policies = &drift.policies.policies;
    if policies.is_empty() {
        return String::new();
    }
    let mut text = "\n| Policy | | |\n|---|---|---|\n".to_owned();
    for policy in policies.iter().take(MOST) {
        let name = super::markdown::code(&named_object(policy));
        let word = if policy.wider { format!("**{}**", word(policy.drift)) } else { word(policy.drift).to_owned() };
        let _ = writeln!(text, "| {name} | {word} | {} |", super::markdown::plain(&told(policy)));
    }
    if let Some(more @ 1..) = policies.len().checked_sub(MOST) {
        let _ = write!(text, "\nand {more} more\n");
    }
    text
}

/// The summary where the pods that run may connect as they should.
pub(super) fn no_connection(drift: &ClusterDrift) -> String {
    match drift.policies.is_empty() && drift.absent.is_empty() {
        true => "no drift: the cluster allows what it should".to_owned(),
        false => "among the pods that run every connection is as it should be; for others it would not be".to_owned(),
    }
}

/// What else there is to know, in sentences.
pub(super) fn beside(drift: &ClusterDrift) -> Vec<String> {
    let absent = drift.absent.iter().map(|(namespace, policies)| {
        format!("the cluster has no namespace `{namespace}`, so {} of it are missing", count(*policies, "policy"))
    });
    let mut sentences: Vec<String> = absent.collect();
    if drift.policies.replaced > 0 {
        let are = if drift.policies.replaced == 1 { "is" } else { "are" };
        let count = count(drift.policies.replaced, "policy");
        sentences.push(format!(
            "{count} of the build {are} not there by name, and others do the same: another layout, perhaps"
        ));
    }
    if let [(namespace, name), more @ ..] = drift.policies.elsewhere.as_slice() {
        let and = if more.is_empty() { String::new() } else { format!(" and {}", count(more.len(), "more")) };
        sentences.push(format!(
            "with Polder's label, in namespaces that are not managed here: `{namespace}/{name}`{and}; of another program, or left"
        ));
    }
    sentences
}

/// The members that a document of drift has beside those of any comparison.
pub(super) fn members(drift: &ClusterDrift) -> Map<String, Value> {
    let policy = |policy: &DriftedPolicy| {
        json!({
            "namespace": &*policy.namespace,
            "kind": policy.kind.object(),
            "name": policy.name,
            "drift": word(policy.drift),
            "ours": policy.is_ours,
            "wider": policy.wider,
            "narrower": policy.narrower,
        })
    };
    let absent = drift.absent.iter().map(|(namespace, count)| json!({ "namespace": &**namespace, "policies": count }));
    let elsewhere = drift.policies.elsewhere.iter();
    let elsewhere = elsewhere.map(|(namespace, name)| json!({ "namespace": &**namespace, "name": name }));
    let mut members = Map::new();
    members.insert("drift".to_owned(), drift.policies.policies.iter().map(policy).collect());
    members.insert("absent_namespaces".to_owned(), absent.collect());
    members.insert("of_other_programs".to_owned(), elsewhere.collect());
    members
}
