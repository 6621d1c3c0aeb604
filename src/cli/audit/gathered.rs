//! What a report is made of, gathered from all that was read.

use super::AuditArgs;
use crate::ask::Summary;
use crate::cli::report::{is_readable, unmodelled_kinds};
use crate::cli::terminal::Terminal;
use crate::cli::test::cases;
use crate::cli::{Exit, step};
use crate::diag::{Levels, Report, Severity};
use crate::diff::DifferenceOrigin;
use crate::graph::{Focus, folded, picture, reach_lines};
use crate::model::Cni;
use crate::net::Direction;
use crate::netpol::Policy;
use crate::report::{
    AuditAssertion, AuditChanges, AuditFinding, AuditInput, AuditLog, AuditPlace, AuditPlugin, AuditPolicy,
    AuditReport, PodCount,
};
use crate::session::{Manifests, Named, Subject};
use crate::source::{Sources, Span};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All that a report is made of.
pub(super) struct ReportParts<'a> {
    pub args: &'a AuditArgs,
    pub subject: &'a Subject,
    pub summary: &'a Summary,
    pub table: Option<&'a Summary>,
    /// What is said beside the lines of the summary.
    pub remarks: Vec<String>,
}

impl<'a> ReportParts<'a> {
    pub(super) fn report(
        self,
        changes: Option<AuditChanges>,
        seen: Option<AuditLog>,
        terminal: &mut Terminal,
    ) -> Result<AuditReport<'a>, Exit> {
        let focus = Focus { namespaces: &[], dns: None, lonely: true };
        let drawn = picture(self.summary, &focus).map_err(|name| terminal.refuse(&name))?;
        let sources = self.subject.sources();
        let causes = self.subject.causes(self.summary);
        let causes = causes.iter().map(|all| all.iter().map(|one| place_of(sources, one)).collect()).collect();
        let (findings, not_linted) = self.findings(terminal);
        Ok(AuditReport {
            title: self.title(),
            date: self.args.date.clone(),
            facts: self.facts(),
            summary: self.summary,
            table: self.table,
            connections: reach_lines(self.summary),
            causes,
            picture: folded(drawn, &[]),
            pods: self.pods(),
            assertions: self.assertions(),
            findings,
            policies: self.policies(),
            plugin: self.plugin(),
            notes: self.remarks.iter().filter(|remark| !remark.starts_with("incomplete: ")).cloned().collect(),
            gaps: self.gaps(not_linted),
            changes,
            seen,
            inputs: inputs(sources),
        })
    }

    fn title(&self) -> String {
        if let Some(title) = &self.args.title {
            return title.clone();
        }
        let question = &self.args.question;
        let named = question.program.iter().chain(&question.manifests).next();
        let root = self.subject.session().and_then(|session| session.project().root.clone());
        let path = named.cloned().or(root);
        let name = path.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        match name {
            Some(name) => format!("Network policies of {name}"),
            None => "Network policies".to_owned(),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        match self.subject.session() {
            Some(session) => {
                let count = session.project().file_count;
                facts.push(("Of", format!("a program of {}", crate::cli::report::count(count, "file"))));
                let environment = session.settings().environment.clone();
                facts.push(("Environment", environment.unwrap_or_else(|| "none".to_owned())));
                facts.push(("Target", session.settings().target.name().to_owned()));
            }
            None => facts.push(("Of", "policies that were given".to_owned())),
        }
        let about = match self.subject.cluster() {
            None => "every pod that could exist".to_owned(),
            Some(cluster) if cluster.is_live() => "the pods of the cluster".to_owned(),
            Some(cluster) => format!(
                "the pods of {} that were given",
                crate::cli::report::count(cluster.workloads.len(), "workload")
            ),
        };
        facts.push(("About", about));
        if let Some(step) = self.subject.step() {
            facts.push(("Enforced", step::of_answer(step)));
        }
        facts
    }

    /// How many of those that run are isolated.
    fn pods(&self) -> Option<PodCount> {
        self.subject.cluster()?;
        let world = &self.summary.situation.world;
        let engine = self.subject.engine(world, self.subject.policies());
        let mut count = PodCount::default();
        for (end, kind) in world.ids().filter_map(|end| Some((end, world.pods(end)?))) {
            let members = kind.members.len();
            let [ingress, egress] = Direction::ALL.map(|direction| engine.is_isolated(direction, end));
            count.all += members;
            count.ingress += if ingress { members } else { 0 };
            count.egress += if egress { members } else { 0 };
            count.both += if ingress && egress { members } else { 0 };
        }
        Some(count)
    }

    fn assertions(&self) -> Option<Vec<AuditAssertion>> {
        let cases = cases(self.subject.session()?);
        let one = cases.iter().map(|case| AuditAssertion {
            statement: AuditPlace {
                text: case.statement.text.to_string(),
                place: Some(format!("{}:{}", case.path, case.line)),
            },
            verdict: case.verdict(),
            message: case.message().map(str::to_owned),
        });
        Some(one.collect())
    }

    /// What is wrong, and why it was not looked for.
    fn findings(&self, terminal: &mut Terminal) -> (Vec<AuditFinding>, Option<String>) {
        let mut levels = Levels::default();
        if let Some(session) = self.subject.session() {
            for (code, level) in &session.project().config.levels {
                // They were checked when the configuration was read.
                let _ = levels.set(code, *level);
            }
            let reports = match self.subject.cluster() {
                Some(_) => session.findings(&levels),
                None => session.reports(&levels),
            };
            return (told_findings(&reports, self.subject.sources()), None);
        }
        let question = self.args.question.question("report");
        let named: Vec<Named> = question.manifests.iter().chain(&question.workloads).cloned().collect();
        if named.iter().any(|one| !matches!(one, Named::Path(_))) {
            let gap =
                "mistakes in the policies, which `polder lint` looks for: they are no files that can be read again";
            return (Vec::new(), Some(gap.to_owned()));
        }
        let Ok(folder) = terminal.folder() else { return (Vec::new(), None) };
        let manifests = Manifests::load(terminal.files().as_ref(), &folder, &named, "default");
        let manifests = if question.complete { manifests.as_a_whole() } else { manifests };
        let reports = manifests.lint(question.cluster.cni.unwrap_or_default(), &levels);
        (told_findings(&reports, &manifests.sources), None)
    }

    fn policies(&self) -> Vec<AuditPolicy> {
        let sources = self.subject.sources();
        let spans: BTreeMap<&str, Span> = self
            .subject
            .flows()
            .into_iter()
            .flat_map(|flows| flows.statements.iter().map(|one| (&*one.text, one.span)))
            .collect();
        let of_manifests = self.subject.session().is_none();
        let one = self.subject.policies().iter().enumerate().map(|(at, policy)| {
            let name = format!("{}/{}", policy.namespace, policy.title());
            let statements = policy.statements.iter().map(|text| AuditPlace {
                text: text.to_string(),
                place: spans
                    .get(&**text)
                    .copied()
                    .or_else(|| self.setting(policy, text))
                    .and_then(|span| place(sources, span)),
            });
            let span = self.subject.manifests().policy_spans.get(at).copied().flatten();
            let written = of_manifests.then(|| AuditPlace {
                text: policy.name.to_string(),
                place: span.and_then(|span| place(sources, span)),
            });
            let subject =
                if policy.subject.is_everything() { "every pod".to_owned() } else { policy.subject.to_string() };
            AuditPolicy {
                name,
                subject,
                ingress: policy.ingress.as_ref().map(Vec::len),
                egress: policy.egress.as_ref().map(Vec::len),
                description: policy.description.clone(),
                because: match written {
                    Some(written) => vec![written],
                    None => statements.collect(),
                },
            }
        });
        one.collect()
    }

    /// Where a setting of a namespace is written that a policy comes from, or where the namespace is declared that has it by
    /// default.
    fn setting(&self, policy: &Policy, text: &str) -> Option<Span> {
        let model = self.subject.model()?;
        let namespace = model.namespaces.iter().find(|one| one.name == policy.namespace && one.managed().is_some())?;
        let managed = namespace.managed()?;
        let isolate = managed.isolates.iter().find(|one| *one.text == *text).map(|one| one.span);
        let dns = managed.dns.span.filter(|_| model.dns_setting(&managed.dns) == text);
        Some(isolate.or(dns).unwrap_or(namespace.span))
    }

    fn plugin(&self) -> AuditPlugin {
        let said = self.args.question.said.said().cni;
        let of_program = self.subject.model().map(|model| (model.platform.cni, model.platform.cni_version));
        let (cni, version) = said.or(of_program).unwrap_or_default();
        let name = (!cni.is_not_said()).then(|| match version {
            Some(version) => format!("{} {version}", cni.name()),
            None => cni.name().to_owned(),
        });
        let shown = if cni == Cni::Any { "the plugin".to_owned() } else { format!("`{}`", cni.name()) };
        let limits = cni.all_differences().map(|row| {
            let sentence = row.sentence(&shown, row.trigger.in_general());
            let versions = row.versions.in_words();
            let sentence = if versions.is_empty() { sentence } else { format!("{sentence} ({versions})") };
            let mend = if self.subject.session().is_some() { row.mend } else { row.mend_of_manifests() };
            (sentence, mend.to_owned())
        });
        AuditPlugin { name, limits: limits.collect() }
    }

    /// What was not looked at.
    fn gaps(&self, not_linted: Option<String>) -> Vec<String> {
        let mut gaps: Vec<String> = Vec::new();
        let objects = unmodelled_kinds(self.subject.unmodelled()).into_iter();
        gaps.extend(objects.map(|(kind, version)| format!("{kind} ({version}), which changes what is allowed")));
        gaps.extend(self.subject.unread().iter().map(|one| match one.line {
            _ if !is_readable(&one.path) => one.what.clone(),
            0 => format!("{} ({})", one.what, one.path),
            line => format!("{} ({}:{line})", one.what, one.path),
        }));
        gaps.extend(not_linted);
        if let Some(session) = self.subject.session() {
            let own = session.settings().environment.as_deref();
            let others: Vec<&str> =
                session.environments().iter().map(String::as_str).filter(|name| Some(*name) != own).collect();
            if !others.is_empty() {
                gaps.push(format!("other environments of the program: {}", others.join(", ")));
            }
            if session.judgements().is_none_or(<[_]>::is_empty) {
                gaps.push("whether what is allowed is what is wanted: the program asserts nothing".to_owned());
            }
        }
        if self.subject.cluster().is_some() && self.subject.session().is_some() {
            gaps.push("how the program fits what runs: `polder check --workloads` says it".to_owned());
        }
        if self.subject.cluster().is_none() {
            gaps.push("what runs: this is about every pod that could exist".to_owned());
        }
        if !self.subject.is_of_cluster() {
            gaps.push("which policies a cluster has: this is about what was given".to_owned());
        }
        if self.args.log.is_empty() {
            gaps.push("which connections are really made: no log was given".to_owned());
        }
        gaps.push("pods on the network of their node, what is in a connection, and whether the plugin enforces the policies: `polder test \
                   --probe` tries it".to_owned());
        gaps
    }
}

fn told_findings(reports: &[Report], sources: &Sources) -> Vec<AuditFinding> {
    let mut reports: Vec<&Report> = reports.iter().collect();
    reports.sort_by_key(|report| report.severity);
    let one = |report: &&Report| {
        let diagnostic = &report.diagnostic;
        AuditFinding {
            severity: match report.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            },
            code: diagnostic.code.to_string(),
            message: diagnostic.message.clone(),
            place: diagnostic.primary().and_then(|span| place(sources, span)),
            help: diagnostic.help.iter().cloned().collect(),
        }
    };
    reports.iter().map(one).collect()
}

/// `path:line` of a place that somebody can look at.
fn place(sources: &Sources, span: Span) -> Option<String> {
    let file = sources.file(span.file).filter(|file| is_readable(&file.path))?;
    Some(format!("{}:{}", file.path, file.position(span.start).line))
}

fn place_of(sources: &Sources, origin: &DifferenceOrigin) -> AuditPlace {
    AuditPlace { text: origin.text.clone(), place: origin.span.and_then(|span| place(sources, span)) }
}

/// What was read, with the digest of each.
fn inputs(sources: &Sources) -> Vec<AuditInput> {
    let own = sources.files().map(|(_, file)| file).filter(|file| !file.built_in);
    let mut all: Vec<AuditInput> = own
        .map(|file| {
            let mut digest = String::new();
            for byte in Sha256::digest(file.text.as_bytes()) {
                let _ = write!(digest, "{byte:02x}");
            }
            AuditInput { path: file.path.clone(), bytes: file.text.len(), digest }
        })
        .collect();
    all.sort_by(|one, other| (&one.path, &one.digest).cmp(&(&other.path, &other.digest)));
    all.dedup();
    all
}
