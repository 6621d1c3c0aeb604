//! What there is to say of each row, for people and for machines.

use crate::ask::{Edit, NearFlow, Origin, Says};
use crate::cli::step::of_answer;
use crate::cli::why::wrong_of_flow;
use crate::replay::{
    Because, EndKind, LearnOptions, Replay, ReplayChange, ReplayReport, ReplayRow, SeenOfGroup, Unclear, Unidentified,
    Unnamed,
};
use crate::session::{AskedPorts, Subject};
use crate::source::Span;
use std::collections::BTreeMap;

/// So many statements of one row are told.
const MOST: usize = 4;

/// Of so many dropped connections it is found out one by one what to write, as each takes a build of the program.
const MOST_EDITS: usize = 200;

/// A statement with its place.
pub(super) struct ToldStatement {
    pub text: String,
    pub span: Option<Span>,
    /// What there is to add.
    pub note: String,
}

/// One row with all that is said of it.
pub(super) struct ToldRow<'a> {
    pub row: &'a ReplayRow,
    /// The statements or policies that let it through.
    pub allowed_by: Vec<ToldStatement>,
    /// Those that nearly do.
    pub nearly: Vec<ToldStatement>,
    /// The assertions that a flow for it would break.
    pub breaks: Vec<ToldStatement>,
    /// What to write.
    pub write: Vec<Edit>,
    /// Why, in a sentence without a full stop, where no statement says it.
    pub reason: Option<String>,
}

/// A report with all that is said of it.
pub(super) struct ToldReplay<'a> {
    pub subject: &'a Subject,
    pub report: &'a ReplayReport,
    pub rows: Vec<ToldRow<'a>>,
}

impl<'a> ToldReplay<'a> {
    pub(super) fn new(subject: &'a Subject, report: &'a ReplayReport, replay: &Replay<'_>) -> ToldReplay<'a> {
        let mut told = Self::with_edits(subject, report, MOST_EDITS);
        // What is learned is for the whole program.
        if report.count(ReplayChange::Dropped) > MOST_EDITS && subject.step().is_none() {
            told.write_all(replay);
        }
        told
    }

    /// What to write for all other dropped connections, found out of all of them at once.
    fn write_all(&mut self, replay: &Replay<'_>) {
        let options = LearnOptions { min_attempts: 1, ..LearnOptions::default() };
        let Ok(learned) = self.subject.learn(replay, &options) else { return };
        let lessons = &learned.lessons;
        let mut edits: BTreeMap<[&str; 3], &[Edit]> = BTreeMap::new();
        for (place, statement) in &learned.added {
            let rows = lessons.flows.get(*place).into_iter().flat_map(|flow| &flow.rows);
            for row in rows.filter_map(|row| lessons.report.rows.get(*row)) {
                edits.insert([&row.from, &row.to, &row.port], &statement.edits);
            }
        }
        for told in self.rows.iter_mut().filter(|told| told.write.is_empty()) {
            let known = edits.get(&[told.row.from.as_str(), &told.row.to, &told.row.port]);
            told.write = known.map(|edits| edits.to_vec()).unwrap_or_default();
        }
    }

    /// The same without what to write.
    pub(super) fn without_edits(subject: &'a Subject, report: &'a ReplayReport) -> ToldReplay<'a> {
        Self::with_edits(subject, report, 0)
    }

    fn with_edits(subject: &'a Subject, report: &'a ReplayReport, most: usize) -> ToldReplay<'a> {
        let mut edits = 0;
        let mut told = |row: &'a ReplayRow| {
            let is_asked = row.change == ReplayChange::Dropped && edits < most;
            edits += usize::from(is_asked);
            ToldRow {
                row,
                allowed_by: allowed_by(subject, row),
                nearly: nearly(subject, row),
                breaks: breaks(subject, row),
                write: if is_asked { edits_of(subject, row).unwrap_or_default() } else { Vec::new() },
                reason: reason(subject, row),
            }
        };
        let rows = report.rows.iter().map(&mut told).collect();
        ToldReplay { subject, report, rows }
    }

    /// `path:line` of a place.
    pub(super) fn place(&self, span: Option<Span>) -> Option<(String, usize)> {
        let span = span?;
        let file = self.subject.sources().file(span.file)?;
        Some((file.path.clone(), file.position(span.start).line))
    }

    /// What there is to say of the whole, in sentences.
    pub(super) fn remarks(&self) -> Vec<String> {
        let report = self.report;
        let mut remarks: Vec<String> = self.subject.step().map(of_answer).into_iter().collect();
        if !report.rows.iter().any(|row| row.tally.has_passed()) {
            remarks.push(
                "nothing in the log was let through: it shows what is refused, and says nothing of what an open cluster needs"
                    .to_owned(),
            );
        }
        if !report.hidden.is_empty() {
            let keys: Vec<&str> = report.hidden.iter().map(|key| &**key).collect();
            remarks.push(format!(
                "no pod of the log shows the labels {}, which a tier requires: they count as not known; `--workloads` or \
                 `--cluster` would tell",
                keys.join(", ")
            ));
        }
        if report.lacks_zone {
            remarks.push("times without a zone are taken as UTC".to_owned());
        }
        let unlike = report.rows.iter().filter(|row| !row.staged.is_empty()).count();
        if unlike > 0 {
            remarks.push(format!(
                "of {unlike} connections Calico's staged policies would do something else at one end than the candidate: other \
                 policies are staged, or they are enforced beside others; --all lists them"
            ));
        }
        remarks.extend(self.meshes());
        remarks
    }

    /// Namespaces whose connections mostly end at the sidecar of a mesh.
    fn meshes(&self) -> Vec<String> {
        const SIDECARS: [&str; 3] = ["15008/tcp", "15006/tcp", "4143/tcp"];
        let mut counts: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        for row in &self.report.rows {
            let Some((namespace, _)) = row.to.split_once('/') else { continue };
            let [all, own] = counts.entry(namespace).or_default();
            *all += 1;
            *own += usize::from(SIDECARS.contains(&row.port.as_str()));
        }
        let most = counts.into_iter().filter(|(_, [all, own])| own * 2 > *all);
        most.map(|(namespace, _)| {
            format!(
                "most connections to {namespace} end at the sidecar of a mesh, which hides the ports that are meant"
            )
        })
        .collect()
    }
}

/// The text and the place of a statement.
fn origin(subject: &Subject, origin: &Origin) -> ToldStatement {
    let (text, span) = match origin {
        Origin::Flow(id) => {
            let statement = subject.flows().and_then(|flows| flows.statement(*id));
            (statement.map(|one| one.text.to_string()).unwrap_or_default(), statement.map(|one| one.span))
        }
        Origin::Dns { text, span, .. } => (text.to_string(), *span),
    };
    ToldStatement { text, span, note: String::new() }
}

fn allowed_by(subject: &Subject, row: &ReplayRow) -> Vec<ToldStatement> {
    let Some(explanation) = row.explanation.as_ref().filter(|one| one.says == Says::Allowed) else { return Vec::new() };
    let mut origins: Vec<&Origin> = Vec::new();
    for one in explanation.sides.iter().flat_map(|side| &side.origins) {
        if !origins.contains(&one) {
            origins.push(one);
        }
    }
    let mut told: Vec<ToldStatement> = origins.into_iter().take(MOST).map(|one| origin(subject, one)).collect();
    if subject.session().is_none() {
        for (side, grant) in
            explanation.sides.iter().flat_map(|side| side.grants.iter().map(move |grant| (side, grant)))
        {
            let Some(policy) = subject.policies().get(grant.policy) else { continue };
            let text = format!("{}/{} {}[{}]", policy.namespace, policy.name, side.direction.word(), grant.rule);
            let span = subject.manifests().policy_spans.get(grant.policy).copied().flatten();
            if told.len() < MOST && told.iter().all(|one| one.text != text) {
                told.push(ToldStatement { text, span, note: String::new() });
            }
        }
    }
    told
}

fn nearly(subject: &Subject, row: &ReplayRow) -> Vec<ToldStatement> {
    if row.candidate != Says::Denied {
        return Vec::new();
    }
    if let Some((text, span)) = excepted(subject, row) {
        return vec![ToldStatement { text: text.clone(), span: Some(span), note: format!("excepted by {text}") }];
    }
    let near = |near: &NearFlow| ToldStatement { note: wrong_of_flow(&near.wrong), ..origin(subject, &near.origin) };
    row.explanation.iter().flat_map(|one| &one.near_flows).take(MOST).map(near).collect()
}

/// The list that takes an address of the row away.
fn excepted(subject: &Subject, row: &ReplayRow) -> Option<(String, Span)> {
    let address = *row.addresses.first()?;
    let takes_away = |block: &crate::net::IpBlock| {
        block.cidr.contains(&address) && block.except.iter().any(|except| except.contains(&address))
    };
    let list = subject.model()?.cidrs.iter().find(|list| list.blocks.iter().any(takes_away))?;
    Some((format!("cidr {}", list.name), list.span))
}

fn breaks(subject: &Subject, row: &ReplayRow) -> Vec<ToldStatement> {
    let all = row.explanation.iter().flat_map(|one| &one.forbidden);
    let statements = all.filter_map(|id| subject.flows()?.statement(*id)).take(MOST);
    statements
        .map(|one| ToldStatement { text: one.text.to_string(), span: Some(one.span), note: String::new() })
        .collect()
}

/// The lines that would let it through.
fn edits_of(subject: &Subject, row: &ReplayRow) -> Option<Vec<Edit>> {
    let ports = row.judged.pair.as_ref().map(|(_, _, ports)| ports).or(row.ports.as_ref())?;
    let [Some(from), Some(to)] = &row.asked else { return None };
    Some(subject.edits(from, to, Some(&AskedPorts::of_numbers(ports.clone())))?.edits)
}

/// Why it is so, where no statement says it.
fn reason(subject: &Subject, row: &ReplayRow) -> Option<String> {
    if row.seen == SeenOfGroup::Unanswered {
        return Some("let through and reset: nobody listens, so nothing is lost".to_owned());
    }
    if let (EndKind::Node(_), Says::Denied) = (&row.ends.0, row.candidate) {
        return Some(
            "another node: clients behind a Service with externalTrafficPolicy Cluster come from one".to_owned(),
        );
    }
    Some(match row.judged.why.as_ref()? {
        Because::OwnNode => "a pod is always open to its own node".to_owned(),
        Because::ToOwnNode => "the network plugin keeps no pod from its own node".to_owned(),
        Because::Itself => "a pod to itself".to_owned(),
        Because::Open => "neither end is isolated".to_owned(),
        Because::Proxy => {
            "a proxy is no pod and has no address that a rule names: only a rule without peers lets it in".to_owned()
        }
        Because::Unclear(unclear) => unclear_text(subject, row, unclear),
    })
}

fn unclear_text(subject: &Subject, row: &ReplayRow, unclear: &Unclear) -> String {
    let would_tell = match subject.cluster() {
        Some(_) => "",
        None => "; `--workloads` or `--cluster` would tell",
    };
    match unclear {
        Unclear::Labels(Some(key)) => format!("some of the pods that it may be may, by their label {key}{would_tell}"),
        Unclear::Labels(None) => format!("some of the pods that it may be may{would_tell}"),
        Unclear::PodAddress => format!("an address that pods get, and nobody knows which had it{would_tell}"),
        Unclear::ServiceAddress => match &row.service {
            Some(service) => format!("address of Service {service}, whose pods are not known{would_tell}"),
            None => format!("address of a Service{would_tell}"),
        },
        Unclear::Identity(Unidentified::Starting) => "a pod that had no identity yet".to_owned(),
        Unclear::Identity(_) => "a pod that the network plugin does not manage".to_owned(),
        Unclear::Cluster => "a pod of another cluster".to_owned(),
        Unclear::Protocol(true) => "no policy is about ICMP; what becomes of it is up to the network plugin".to_owned(),
        Unclear::Protocol(false) => {
            "no policy is about this protocol; what becomes of it is up to the network plugin".to_owned()
        }
        Unclear::Unnamed(Unnamed::Public) => "some public addresses may, and which it was is not in the log".to_owned(),
        Unclear::Unnamed(Unnamed::Private) => {
            "which address it was is not in the log: a node, or something else".to_owned()
        }
        Unclear::ToOwnNode => {
            "whether the network plugin keeps a pod from its own node is not known; `--cni` says it".to_owned()
        }
        Unclear::NoPod => format!("no pod is known to have either address{would_tell}"),
        Unclear::Doubts(doubts) => {
            let doubts: Vec<String> = doubts.iter().map(ToString::to_string).collect();
            format!("nobody said {}", doubts.join(", "))
        }
        Unclear::GivenUp => "it would take too long to find out".to_owned(),
    }
}
