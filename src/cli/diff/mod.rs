//! `polder diff`: what two versions allow that the other does not.

mod drift;
mod graph;
mod human;
mod json;
mod markdown;
#[cfg(feature = "cli")]
mod since;

use super::args::{ClusterArgs, Environment, Format, listed, named};
use super::ask::{enforced, given_up, sure};
use super::exit::Exit;
use super::live::LiveCluster;
use super::report::{count, incomplete, is_readable, left_out, show, tell_empty};
use super::step;
use super::terminal::Terminal;
use crate::diag::Report;
use crate::diag::render::{sanitize, short};
use crate::diff::{ConnectionChange, Diff, DifferenceOrigin, Kind};
use crate::session::{
    CONFIG_NAME, ClusterDrift, EnforceChoice, EnforceEntry, EnvironmentChoice, FileSystem, Named, Place, Subject,
    Terms, Versions,
};
use crate::source::Sources;
#[cfg(feature = "cli")]
pub(super) use markdown::{capital as markdown_capital, code as markdown_code, plain as markdown_plain};
#[cfg(feature = "cli")]
pub(super) use since::since;
use std::path::{Path, PathBuf};

/// What is said where the comparison takes too long.
pub(super) const TOO_HARD: &str = "gave up on comparing, in very many steps, for all pods that could exist; compare for those that there \
                        are: `--workloads PATH`";

/// Everything that the formats are made of.
struct Compared<'a> {
    diff: &'a Diff,
    versions: &'a Versions,
    /// The Git revisions that the older and the newer version are of.
    revisions: [Option<&'a str>; 2],
    /// Whether it is about sides; and then whether connections are the same.
    sides: Option<bool>,
    /// What became of the policies, where the newer version is a cluster.
    drift: Option<&'a ClusterDrift>,
}

/// Compare what two versions allow: connections and isolation, not text.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder diff --git HEAD                what the changes that are not committed yet allow and forbid
  polder diff --git origin/main network this branch, of the project in a folder
  polder diff --git v1..v2              two revisions
  polder diff old.polder new.polder
  polder diff live.yaml policies        any NetworkPolicies, and those of a build
  kubectl get netpol -A -o yaml | polder diff - policies
  polder diff network --cluster         whether the cluster allows what it should: drift
  polder diff --sides old.yaml network  whether one can replace the other, whatever else is there
  polder diff --git origin/main --format markdown --fail-on none > comment.md
                                        a comment for a pull request")]
pub(super) struct DiffArgs {
    /// OLD and NEW: each a file or folder with a program or with YAML, or `-` for YAML on standard input. With `--git`,
    /// at most one; with `--cluster` one is what the cluster should allow [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Compare a Git revision with the working tree, or `OLD..NEW`, two revisions.
    #[arg(long, value_name = "REV")]
    pub git: Option<String>,
    /// Compare what each side of a connection would let through, whatever the other one says.
    #[arg(long, conflicts_with_all = ["workloads", "cluster"])]
    pub sides: bool,
    #[command(flatten)]
    pub environment: Environment,
    /// YAML with what runs: compare for these pods and not for all that could exist; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    #[command(flatten)]
    pub said: ClusterArgs,
    #[command(flatten)]
    pub live: LiveCluster,
    /// Compare what is enforced of programs, as if they isolated no more: places as in `data/redis:ingress`, `all` or `none`
    /// [default: `enforce` of each one's polder.toml, else all].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub enforce: Option<Vec<EnforceEntry>>,
    /// How to print the differences.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: DiffFormat,
    /// Which differences make the exit code 1.
    #[arg(long, value_name = "WHAT", default_value = "any")]
    pub fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum DiffFormat {
    /// Lines of the language with what is responsible
    Human,
    /// JSON
    Json,
    /// A table for a pull request's comment
    Markdown,
    /// A picture for pages and documents, light and dark
    Svg,
    /// The same in Mermaid, for Markdown
    Mermaid,
    /// One page with the picture, tables and a search, that asks for nothing
    Html,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FailOn {
    /// Every one
    Any,
    /// Those that allow something, or may allow it, that was not allowed before or should not be
    Wider,
    /// None
    None,
}

pub(super) fn run(args: &DiffArgs, terminal: &mut Terminal) -> Exit {
    if let Err(exit) = enforced(args.said.said(), terminal) {
        return exit;
    }
    answer(args, terminal).unwrap_or_else(|message| terminal.refuse(&message))
}

fn answer(args: &DiffArgs, terminal: &mut Terminal) -> Result<Exit, String> {
    let (folder, files) = (terminal.folder()?, terminal.files());
    let files = files.as_ref();
    let live = args.live.named(true, "polder diff OLD NEW --workloads -");
    let terms = Terms {
        environment: args.environment.choice(),
        workloads: named(&args.workloads).into_iter().chain(live).collect(),
        cluster: args.said.said(),
        enforce: listed(&args.enforce, EnforceChoice::Configured),
    };
    let paths = named(&args.paths);
    let disk = |named, optional| Place { system: files, named, optional };
    let versions = match (&args.git, paths.as_slice()) {
        (None, [Named::Path(old), Named::Path(new)]) if are_revisions(files, &folder, [old, new]) => {
            let (old, new) = (old.display(), new.display());
            return Err(format!(
                "`{old}` and `{new}` are no paths but Git revisions: `polder diff --git {old}..{new}` compares them, and \
                 `polder diff --git {old}` the first with the working tree"
            ));
        }
        (None, [] | [_]) if args.live.cluster => return drift::answer(args, &folder, terminal),
        (None, [old, new]) if old != new || *old != Named::Input => {
            Versions::load(&folder, [disk(old, false), disk(new, false)], &terms, files)
        }
        (None, [_, _]) => return Err("standard input can only be one of the two".to_owned()),
        (Some(revision), [] | [Named::Path(_)]) if revision.contains("...") => {
            return Err(format!("`{revision}` has three dots: write `--git OLD..NEW`, or one revision"));
        }
        (None, _) => {
            return Err(
                "name two paths, OLD and NEW, one and `--cluster`, or a Git revision with `--git REV`".to_owned()
            );
        }
        (Some(revision), [Named::Path(other)]) if are_revisions(files, &folder, [other]) => {
            let other = other.display();
            return Err(format!(
                "`{other}` is no path but a Git revision: `polder diff --git {revision}..{other}` compares the two"
            ));
        }
        (Some(_), [Named::Input]) => return Err("standard input has no Git revision".to_owned()),
        (Some(revision), [] | [_]) => {
            let path = match paths.first() {
                Some(Named::Path(path)) => path.clone(),
                _ => project(files, &folder),
            };
            let open = |revision| open_revision(&folder.join(&path), revision);
            let named = Named::Path(path.clone());
            let at = |system| Place { system, named: &named, optional: true };
            match two(revision) {
                (old, Some(new)) => {
                    let (old, new) = (open(old)?, open(new)?);
                    Versions::load(&folder, [at(old.as_ref()), at(new.as_ref())], &terms, files)
                }
                (old, None) => Versions::load(&folder, [at(open(old)?.as_ref()), at(files)], &terms, files),
            }
        }
        (Some(_), _) => return Err("`--git REV` compares one path with itself: name at most one".to_owned()),
    };
    of_programs(&versions, args)?;
    let revisions = args.git.as_deref().map(two).map_or([None, None], |(old, new)| [Some(old), new]);
    say(&versions, revisions, terminal);
    if !versions.is_answerable() {
        return Ok(Exit::CannotAnswer);
    }
    let too_hard = |_| TOO_HARD.to_owned();
    let shown = match args.format {
        _ if args.sides => versions.sides(),
        DiffFormat::Json => versions.diff(),
        DiffFormat::Human | DiffFormat::Markdown | DiffFormat::Svg | DiffFormat::Mermaid | DiffFormat::Html => {
            versions.readable_diff()
        }
    };
    let shown = shown.map_err(too_hard)?;
    // What is left out for people counts, too.
    let whole = if shown.left_out { Some(versions.diff().map_err(too_hard)?) } else { None };
    let diff = whole.as_ref().unwrap_or(&shown);
    let sides = args.sides.then(|| versions.diff().is_ok_and(|diff| diff.is_empty()));
    let report = Compared { diff: &shown, versions: &versions, revisions, sides, drift: None };
    report.print(args.format, terminal);
    if diff.given_up {
        return Ok(given_up(terminal));
    }
    let subjects = [&versions.old, &versions.new].into_iter().flatten();
    if subjects.into_iter().any(|subject| sure(subject, Exit::Yes) != Exit::Yes) {
        return Ok(Exit::CannotAnswer);
    }
    let fails = match args.fail_on {
        FailOn::Any => !diff.is_empty(),
        FailOn::Wider => diff.is_wider(),
        FailOn::None => false,
    };
    Ok(if fails { Exit::No } else { Exit::Yes })
}

/// Refuses an environment where there is no program.
fn of_programs(versions: &Versions, args: &DiffArgs) -> Result<(), String> {
    let is_about_some = [&versions.old, &versions.new].into_iter().flatten().any(|one| one.session().is_some());
    if !is_about_some && args.environment.choice() != EnvironmentChoice::Configured {
        return Err("`--env` and `--no-env` are about programs, and none of the two versions is one".to_owned());
    }
    Ok(())
}

/// What differs between two versions, for people; the error is a sentence.
#[cfg(feature = "cli")]
pub(super) fn told(versions: &Versions, color: bool) -> Result<String, String> {
    let diff = versions.readable_diff().map_err(|_| TOO_HARD.to_owned())?;
    Ok(human::text(&Compared { diff: &diff, versions, revisions: [None; 2], sides: None, drift: None }, color))
}

/// The revisions of `OLD..NEW`, or one.
fn two(revision: &str) -> (&str, Option<&str>) {
    match revision.split_once("..") {
        Some((old, "")) => (old, Some("HEAD")),
        Some(("", new)) => ("HEAD", Some(new)),
        Some((old, new)) => (old, Some(new)),
        None => (revision, None),
    }
}

/// The files of a revision of the Git repository that a path is in.
#[cfg(feature = "cli")]
fn open_revision(path: &Path, revision: &str) -> Result<Box<dyn FileSystem>, String> {
    Ok(Box::new(crate::session::Revision::open(path, revision)?))
}

/// A page has no Git.
#[cfg(not(feature = "cli"))]
fn open_revision(_: &Path, _: &str) -> Result<Box<dyn FileSystem>, String> {
    Err("there is no Git here".to_owned())
}

/// Whether these are no paths, and revisions of the Git repository that a folder is in.
fn are_revisions<const N: usize>(files: &dyn FileSystem, folder: &Path, paths: [&PathBuf; N]) -> bool {
    paths.into_iter().all(|path| {
        let is_there = files.is_folder(&folder.join(path)).is_ok();
        !is_there && path.to_str().is_some_and(|text| open_revision(folder, text).is_ok())
    })
}

/// The project that a folder is in, or without one the folder itself.
fn project(files: &dyn FileSystem, folder: &Path) -> PathBuf {
    let is_root = |folder: &&Path| matches!(files.is_folder(&folder.join(CONFIG_NAME)), Ok(false));
    folder.ancestors().find(is_root).unwrap_or(folder).to_path_buf()
}

/// Says what stands in the way, or makes the answer incomplete.
fn say(versions: &Versions, revisions: [Option<&str>; 2], terminal: &mut Terminal) {
    let lines = |subject: &Option<Subject>| -> Vec<String> {
        let line = |subject: &Subject, report: Report| short(&[report], subject.sources());
        let all = |subject: &Subject| subject.reports().into_iter().map(|one| line(subject, one)).collect::<Vec<_>>();
        subject.as_ref().map(all).unwrap_or_default()
    };
    let [in_old, in_new] = [lines(&versions.old), lines(&versions.new)];
    let note = |words: fn(&str, &str) -> String| {
        let [was, is] = revisions;
        was.map(|was| format!("note: so it is in {}", words(was, is.unwrap_or("the working tree"))))
    };
    // What is so in both versions is told once.
    for (subject, in_both, note) in [
        (&versions.old, true, note(|was, is| format!("{was} and in {is}"))),
        (&versions.old, false, note(|was, is| format!("{was}, not in {is}"))),
        (&versions.new, false, note(|was, is| format!("{is}, not in {was}"))),
    ] {
        let Some(subject) = subject else { continue };
        let is_told = |report: &Report| {
            let line = short(std::slice::from_ref(report), subject.sources());
            (in_old.contains(&line) && in_new.contains(&line)) == in_both
        };
        let reports: Vec<Report> = subject.reports().into_iter().filter(is_told).collect();
        show(&reports, subject.sources(), Format::Human, terminal);
        note.filter(|_| !reports.is_empty()).into_iter().for_each(|note| terminal.note_line(&note));
    }
    show(&versions.workload_reports(), &versions.workloads.sources, Format::Human, terminal);
    let manifests = [&versions.old, &versions.new].into_iter().flatten().map(Subject::manifests);
    manifests.chain([&versions.workloads]).for_each(|manifests| tell_empty(manifests, terminal));
    let runs =
        |subject: &&Subject| subject.session().is_none() && subject.cluster().is_some() && !subject.is_of_cluster();
    if versions.workloads.cluster.workloads.is_empty()
        && [&versions.old, &versions.new].into_iter().flatten().any(|one| runs(&one))
    {
        terminal.note_line(
            "note: the YAML also says what runs, and this compares for every pod that could exist; `--workloads PATH` compares \
             for what runs there",
        );
    }
}

/// An origin with its place in words.
struct PlacedOrigin<'a> {
    origin: &'a DifferenceOrigin,
    path: Option<&'a str>,
    line: usize,
    column: usize,
}

impl Compared<'_> {
    fn print(&self, format: DiffFormat, terminal: &mut Terminal) {
        let text = match format {
            DiffFormat::Human => human::text(self, terminal.out_color()),
            DiffFormat::Json => json::document(self),
            DiffFormat::Markdown => markdown::comment(self),
            DiffFormat::Svg | DiffFormat::Mermaid | DiffFormat::Html => graph::text(self, format),
        };
        terminal.result(&text);
    }

    /// The origins of the older version.
    fn in_old<'b>(&'b self, origins: &'b [DifferenceOrigin]) -> Vec<PlacedOrigin<'b>> {
        placed(self.versions.old.as_ref(), origins)
    }

    /// The origins of the newer version.
    fn in_new<'b>(&'b self, origins: &'b [DifferenceOrigin]) -> Vec<PlacedOrigin<'b>> {
        placed(self.versions.new.as_ref(), origins)
    }

    /// What is not in the differences, in sentences.
    fn beside(&self) -> Vec<String> {
        let known = self.versions.knowing().filter(|_| self.diff.left_out);
        let left_out = known.map(|subject| left_out(subject.facts(), subject.session().is_some()));
        let same = self.sides == Some(true) && !self.diff.is_empty();
        let same = same.then(|| "no connection differs: wherever a side does, the other one is closed".to_owned());
        let steps = step::of_versions([&self.versions.old, &self.versions.new].map(|one| one.as_ref()?.step()));
        let of_policies = self.drift.map(drift::beside).unwrap_or_default();
        let left_out = of_policies.into_iter().chain(same).chain(left_out).chain(steps);
        left_out.chain(incomplete(self.versions.unmodelled(), self.versions.unread())).collect()
    }

    /// Such as `2 added, 1 removed, isolation lifted: wider and narrower`.
    fn summary(&self) -> String {
        let Diff { isolation, connections, .. } = self.diff;
        if let Some(drift) = self.drift.filter(|_| self.diff.is_empty()) {
            return drift::no_connection(drift);
        }
        if self.diff.is_empty() {
            return match self.sides {
                Some(_) => "no difference: each side lets through the same".to_owned(),
                None => "no difference: both allow the same".to_owned(),
            };
        }
        let mut parts = Vec::new();
        for (lifted, word) in [(true, "lifted"), (false, "introduced")] {
            let places = isolation.iter().filter(|change| change.lifted == lifted).count();
            if places > 0 {
                parts.push(format!("isolation {word} in {}", count(places, "place")));
            }
        }
        for (kind, word) in [(Kind::Added, "added"), (Kind::Removed, "removed"), (Kind::Changed, "changed")] {
            for (sure, perhaps) in [(true, ""), (false, "perhaps ")] {
                let is_one = |change: &&ConnectionChange| change.kind == kind && change.is_sure() == sure;
                let number = connections.iter().filter(is_one).count();
                if number > 0 {
                    parts.push(format!("{number} {perhaps}{word}"));
                }
            }
        }
        match self.drift {
            Some(_) => format!("{}: the cluster is {} than it should be", parts.join(", "), self.verdict()),
            None => format!("{}: {} than before", parts.join(", "), self.verdict()),
        }
    }

    /// Such as `wider`, `perhaps narrower`, or both.
    fn verdict(&self) -> String {
        let Diff { isolation, connections, .. } = self.diff;
        let lifted = |lifted| isolation.iter().any(|change| change.lifted == lifted);
        let wider = (lifted(true) || connections.iter().any(|one| !one.added.allowed.is_empty()), self.diff.is_wider());
        let narrower =
            (lifted(false) || connections.iter().any(|one| !one.removed.allowed.is_empty()), self.diff.is_narrower());
        let words = [(wider, "wider"), (narrower, "narrower")].into_iter().filter_map(|(known, word)| match known {
            (true, _) => Some(word.to_owned()),
            (false, true) => Some(format!("perhaps {word}")),
            (false, false) => None,
        });
        words.collect::<Vec<_>>().join(" and ")
    }

    /// A place, with the revision in front when it is of one.
    fn place(&self, origin: &PlacedOrigin<'_>, old: bool) -> Option<String> {
        let [before, after] = self.revisions;
        let revision = if old { before } else { after }.map(|revision| format!("{revision}:")).unwrap_or_default();
        let path = origin.path.filter(|path| is_readable(path));
        path.map(|path| format!("{revision}{path}:{}", origin.line))
    }
}

fn placed<'b>(subject: Option<&'b Subject>, origins: &'b [DifferenceOrigin]) -> Vec<PlacedOrigin<'b>> {
    let sources: Option<&Sources> = subject.map(Subject::sources);
    let one = |origin: &'b DifferenceOrigin| {
        let file = origin.span.and_then(|span| Some((sources?.file(span.file)?, span)));
        let position = file.map(|(file, span)| file.position(span.start));
        PlacedOrigin {
            origin,
            path: file.map(|(file, _)| file.path.as_str()),
            line: position.as_ref().map_or(0, |position| position.line),
            column: position.as_ref().map_or(0, |position| position.column),
        }
    };
    origins.iter().map(one).collect()
}

/// Names as the language puts them together; all but some when there are very many.
fn names(names: &[String], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| sanitize(name).into_owned()).collect();
    match (shown.as_slice(), names.len().saturating_sub(shown.len())) {
        ([one], 0) => one.clone(),
        (shown, 0) => format!("{{{}}}", shown.join(", ")),
        (shown, more) => format!("{{{}, and {more} more}}", shown.join(", ")),
    }
}

/// Who connects to whom, as a flow begins: with its word where it is about one side.
fn flow(change: &ConnectionChange, most: usize) -> String {
    let [sources, destinations] = [&change.sources, &change.destinations].map(|all| names(all, most));
    let word = change.side.map(|side| format!("{} ", side.word())).unwrap_or_default();
    format!("{word}{sources} -> {destinations}")
}

/// `ingress`, or `ingress and egress`.
fn directions(change: &crate::diff::IsolationChange) -> String {
    change.directions.iter().map(|direction| direction.word()).collect::<Vec<_>>().join(" and ")
}
