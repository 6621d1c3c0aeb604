//! Two versions of what is allowed, to be compared.

use super::config::EnvironmentChoice;
use super::load::{CONFIG_NAME, EXTENSION, Named};
use super::manifests::{Manifests, Unread};
use super::rollout::EnforceChoice;
use super::subject::{DEFAULT_NAMESPACE, Question, SaidOfCluster, Subject};
use super::system::FileSystem;
use crate::ask::{Everyone, Program, Situation, SituationPolicies};
use crate::cluster::Unmodelled;
use crate::cover::{Budget, GaveUp};
use crate::diag::Report;
use crate::diff::{self, Diff, Version};
use crate::flow::FlowSet;
use crate::net::Facts;
use crate::source::Sources;
use std::path::Path;

/// One of the versions, as it is named on the command line.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Where its files are.
    pub system: &'a dyn FileSystem,
    /// A file or folder of a program or of manifests, or standard input, which has manifests.
    pub named: &'a Named,
    /// Whether it may be missing, as what was not there yet in an older revision.
    pub optional: bool,
}

/// What else is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// The environment of programs.
    pub environment: EnvironmentChoice,
    /// Manifests with what runs: then it is about that, and not about every pod that could exist.
    pub workloads: Vec<Named>,
    /// What else is said of the cluster; what the newer program says is known beside it.
    pub cluster: SaidOfCluster,
    /// How far programs are enforced.
    pub enforce: EnforceChoice,
}

/// Two versions.
#[derive(Debug)]
pub struct Versions {
    /// The older one; `None` when there was nothing yet.
    pub old: Option<Subject>,
    /// The newer one; `None` when there is nothing any more.
    pub new: Option<Subject>,
    /// What runs.
    pub workloads: Manifests,
}

/// What one of the versions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VersionKind {
    Program,
    Manifests,
}

impl Versions {
    /// Reads both, seen from the absolute path `folder`. What one of them does not have is nothing, if the other has it.
    /// Never fails: what is wrong is among the reports.
    pub fn load(folder: &Path, [old, new]: [Place<'_>; 2], terms: &Terms, system: &dyn FileSystem) -> Versions {
        let as_built = matches!(new.named, Named::Cluster(_));
        let contents = [old, new].map(|place| content(folder, place));
        let in_old = match &terms.enforce {
            EnforceChoice::Listed(entries) => EnforceChoice::Known(entries.clone()),
            EnforceChoice::Configured | EnforceChoice::Whole | EnforceChoice::Known(_) => terms.enforce.clone(),
        };
        let load = |place: Place<'_>, [own, other]: [Option<VersionKind>; 2], enforce: &EnforceChoice| {
            // Without either, the message is the one for a path that does not exist.
            let content = own.or(other.is_none().then_some(VersionKind::Manifests))?;
            let mut question = Question { cluster: terms.cluster, as_built, ..Question::default() };
            match content {
                VersionKind::Program => {
                    question.program = vec![place.named.clone()];
                    question.environment = terms.environment.clone();
                    question.enforce = enforce.clone();
                }
                VersionKind::Manifests => question.manifests = vec![place.named.clone()],
            }
            Some(Subject::load(place.system, folder, &question))
        };
        let [before, after] = contents;
        let workloads = match terms.workloads.is_empty() {
            true => Manifests::default(),
            false => Manifests::load_beside(Sources::default(), system, folder, &terms.workloads, DEFAULT_NAMESPACE),
        };
        Versions {
            old: load(old, [before, after], &in_old),
            new: load(new, [after, before], &terms.enforce),
            workloads,
        }
    }

    /// Whether nothing stands in the way of an answer.
    pub fn is_answerable(&self) -> bool {
        let subjects = [&self.old, &self.new].into_iter().flatten();
        subjects.into_iter().all(Subject::is_answerable) && !self.workloads.has_no_answer()
    }

    /// What the answer lacks, because it could not be read.
    pub fn unread(&self) -> Vec<&Unread> {
        let subjects = [&self.old, &self.new].into_iter().flatten();
        subjects.flat_map(Subject::unread).chain(&self.workloads.unread).collect()
    }

    /// What was met that would change the answer and is not understood.
    pub fn unmodelled(&self) -> Vec<&Unmodelled> {
        let subjects = [&self.old, &self.new].into_iter().flatten();
        subjects.flat_map(Subject::unmodelled).chain(&self.workloads.cluster.unmodelled).collect()
    }

    /// What is wrong with the workloads.
    pub fn workload_reports(&self) -> Vec<Report> {
        self.workloads.diagnostics.iter().cloned().map(Report::from).collect()
    }

    /// What differs.
    pub fn diff(&self) -> Result<Diff, GaveUp> {
        self.compared(false)
    }

    /// The same for people: pods that address blocks may let through are left out where there are other differences, which
    /// there are whenever the blocks are what differs.
    pub fn readable_diff(&self) -> Result<Diff, GaveUp> {
        let readable = self.compared(true)?;
        if readable.is_empty() && readable.left_out { self.diff() } else { Ok(readable) }
    }

    /// What differs of each side, whatever the other one says.
    pub fn sides(&self) -> Result<Diff, GaveUp> {
        let [old, new] = [&self.old, &self.new].map(|subject| version(subject.as_ref()));
        diff::compare_sides(&old, &new, &mut Budget::of_question())
    }

    fn compared(&self, readable: bool) -> Result<Diff, GaveUp> {
        let [old, new] = [&self.old, &self.new].map(|subject| version(subject.as_ref()));
        let facts = &self.facts();
        let programs: Vec<&FlowSet> = [old.program, new.program].into_iter().flatten().map(|one| one.flows).collect();
        let policies = &[old.policies, new.policies];
        if self.workloads.cluster.workloads.is_empty() {
            let given = &self.workloads.cluster.namespaces;
            let everyone = Everyone::new(&programs, policies, given, &[], facts);
            return diff::compare_everyone(&everyone, &old, &new, readable, &mut Budget::of_question());
        }
        let situation = Situation::of_cluster(
            &programs,
            &self.workloads.cluster,
            SituationPolicies::of_namespaces(policies),
            &[],
            facts,
        );
        let compare = if readable { diff::compare_without_doubtful_blocks } else { diff::compare };
        Ok(compare(&situation, &old, &new))
    }

    /// What address blocks mean, where names and entities are ends by themselves: what differs is listed.
    pub(super) fn facts(&self) -> Facts {
        self.knowing().map(|subject| subject.facts().clone().with_unlisted_apart()).unwrap_or_default()
    }

    /// The version that says what address blocks mean: there is one cluster, and the newer version knows it better; a program
    /// knows more than manifests.
    pub fn knowing(&self) -> Option<&Subject> {
        let subjects = || [&self.new, &self.old].into_iter().flatten();
        subjects().find(|subject| subject.model().is_some()).or_else(|| subjects().next())
    }
}

/// What there is at a place: a program where its files are, manifests elsewhere. Nothing when there need be no such path,
/// and in a folder that holds neither.
fn content(folder: &Path, place: Place<'_>) -> Option<VersionKind> {
    let Named::Path(path) = place.named else { return Some(VersionKind::Manifests) };
    let path = folder.join(path);
    let has = |extension| !place.system.walk(&path, extension).files.is_empty();
    match place.system.is_folder(&path) {
        Ok(false) if path.extension().is_some_and(|extension| extension == EXTENSION) => Some(VersionKind::Program),
        Ok(false) => Some(VersionKind::Manifests),
        Ok(true) if has(EXTENSION) || place.system.is_folder(&path.join(CONFIG_NAME)).is_ok() => {
            Some(VersionKind::Program)
        }
        Ok(true) => ["yaml", "yml", "json"].into_iter().any(has).then_some(VersionKind::Manifests),
        Err(_) if place.optional => None,
        // The message is the one for a path that does not exist.
        Err(_) => Some(VersionKind::Manifests),
    }
}

pub(super) fn version(subject: Option<&Subject>) -> Version<'_> {
    Version {
        policies: subject.map(Subject::policies).unwrap_or_default(),
        policy_spans: subject.map(|subject| subject.manifests().policy_spans.as_slice()).unwrap_or_default(),
        program: subject.and_then(|subject| Some(Program { model: subject.model()?, flows: subject.flows()? })),
    }
}
