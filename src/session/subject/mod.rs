//! What a question is about: a program, or manifests that somebody wrote or a cluster gave.

mod ask;
mod dns;
mod ports;
mod pose;

pub use ask::AskedTarget;
pub use ports::AskedPorts;
pub use pose::{Posed, TOO_HARD};

use super::config::EnvironmentChoice;
use super::load::{Named, Project};
use super::manifests::Manifests;
use super::stages::{Session, Settings};
use super::system::FileSystem;
use crate::analyze::{Asked, Blocks, Everyone, Situation, TooMany};
use crate::cluster::{Cluster, Unmodelled};
use crate::diag::{Diagnostic, Levels, Report, Severity};
use crate::flow::FlowSet;
use crate::model::Model;
use crate::net::AddressSet;
use crate::policy::Policy;
use crate::source::Sources;
use std::path::Path;

/// The namespace of objects that name none.
pub(super) const DEFAULT_NAMESPACE: &str = "default";

/// What to ask about, as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Question {
    /// The sources of a program; without any, the project that the folder is in. Only when `manifests` is empty.
    pub program: Vec<Named>,
    /// The environment of the program.
    pub environment: EnvironmentChoice,
    /// Manifests with policies, and perhaps with what runs.
    pub manifests: Vec<Named>,
    /// More manifests, with what runs.
    pub workloads: Vec<Named>,
    /// Whether `ipBlock` matches the addresses of pods; `None` for what the program's platform says.
    pub blocks_match_pods: Option<bool>,
}

/// Policies, and the pods that they are asked about: those of the workloads that were given, or every pod that could
/// exist.
#[derive(Debug)]
pub struct Subject {
    session: Option<Session>,
    manifests: Manifests,
    sources: Sources,
    blocks_match_pods: bool,
}

impl Subject {
    /// Reads what is asked about, seen from the absolute path `folder`. Never fails: what is wrong is among the reports.
    pub fn load(system: &dyn FileSystem, folder: &Path, question: &Question) -> Subject {
        if !question.manifests.is_empty() {
            let named = [question.manifests.as_slice(), &question.workloads].concat();
            let mut manifests = Manifests::load(system, folder, &named, DEFAULT_NAMESPACE);
            let sources = std::mem::take(&mut manifests.sources);
            let blocks_match_pods = question.blocks_match_pods.unwrap_or_default();
            return Subject { session: None, manifests, sources, blocks_match_pods };
        }
        let mut project = Project::load(system, folder, &question.program);
        let mut manifests = Manifests::default();
        if !question.workloads.is_empty() {
            let sources = std::mem::take(&mut project.sources);
            manifests = Manifests::load_beside(sources, system, folder, &question.workloads, DEFAULT_NAMESPACE);
            project.sources = std::mem::take(&mut manifests.sources);
        }
        let environment = question.environment.of(&project.config);
        let session = Session::new(project, Settings { environment, ..Settings::default() });
        let blocks_match_pods = question.blocks_match_pods.unwrap_or_else(|| {
            // Where nothing is known of the addresses, yes would make every block's pods a matter of doubt.
            let seen = manifests.cluster.workloads.iter().flat_map(|workload| &workload.pods);
            let known = seen.into_iter().any(|pods| !pods.addresses.is_empty());
            let platform = session.model().map(|model| &model.platform);
            platform.is_some_and(|platform| platform.cni.blocks_match_pods() && (known || platform.pods.is_some()))
        });
        Subject { session: Some(session), manifests, sources: Sources::default(), blocks_match_pods }
    }

    /// Whether nothing stands in the way of an answer.
    pub fn is_answerable(&self) -> bool {
        let sound = self.session.as_ref().is_none_or(|session| session.policies().is_some());
        sound && !self.manifests.has_errors()
    }

    /// What stands in the way of an answer, or makes it incomplete.
    pub fn reports(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        if let Some(session) = &self.session
            && session.policies().is_none()
        {
            let mut levels = Levels::default();
            for (code, level) in &session.project().config.levels {
                // They were checked when the configuration was read.
                let _ = levels.set(code, *level);
            }
            let all = session.reports(&levels);
            reports.extend(all.into_iter().filter(|report| report.severity == Severity::Error));
        }
        let manifests = self.manifests.diagnostics.iter().cloned();
        reports.extend(manifests.map(|diagnostic: Diagnostic| Report::from(diagnostic)));
        reports
    }

    /// The texts that the reports point into.
    pub fn sources(&self) -> &Sources {
        self.session.as_ref().map_or(&self.sources, Session::sources)
    }

    /// The program, when it is about one.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// What the program declares.
    pub fn model(&self) -> Option<&Model> {
        self.session.as_ref()?.model()
    }

    /// The flows of the program.
    pub fn flows(&self) -> Option<&FlowSet> {
        self.session.as_ref()?.flows()
    }

    /// What was read from manifests: everything, or beside a program what runs.
    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }

    /// The policies: those of the program, and those of manifests only where there is none.
    pub fn policies(&self) -> &[Policy] {
        match &self.session {
            Some(session) => session.policies().map(|set| set.policies.as_slice()).unwrap_or_default(),
            None => &self.manifests.policies.policies,
        }
    }

    /// What runs; `None` when no workload was given, and every pod that could exist is meant.
    pub fn cluster(&self) -> Option<&Cluster> {
        Some(&self.manifests.cluster).filter(|cluster| !cluster.workloads.is_empty())
    }

    /// What would change the answers and is not understood.
    pub fn unmodelled(&self) -> &[Unmodelled] {
        &self.manifests.cluster.unmodelled
    }

    /// Whether `ipBlock` matches the addresses of pods.
    pub fn blocks_match_pods(&self) -> bool {
        self.blocks_match_pods
    }

    /// Every pod that could exist, by name.
    pub fn everyone(&self, asked: &[Asked]) -> Everyone<'_> {
        let programs: Vec<&FlowSet> = self.flows().into_iter().collect();
        let pods = self.model().and_then(|model| model.platform.pods.clone());
        let blocks = Blocks { match_pods: self.blocks_match_pods, pods: pods.map(AddressSet::from_nets) };
        Everyone::new(&programs, &[self.policies()], asked, blocks)
    }

    /// The pods and addresses, by name, with those that are asked for told apart.
    pub fn situation(&self, asked: &[Asked]) -> Result<Situation, TooMany> {
        let policies: &[&[Policy]] = &[self.policies()];
        let mut situation = match (self.cluster(), self.flows()) {
            (Some(cluster), Some(flows)) => {
                Situation::of_program_in_cluster(flows, cluster, policies, asked, self.blocks_match_pods)
            }
            (Some(cluster), None) => Situation::of_cluster(cluster, policies, asked, self.blocks_match_pods),
            (None, Some(flows)) => Situation::of_programs(&[flows], policies, asked, self.blocks_match_pods)?,
            (None, None) => Situation::of_policies(policies, asked, self.blocks_match_pods)?,
        };
        let pods = self.model().and_then(|model| model.platform.pods.clone());
        situation.world.pod_addresses = pods.map(AddressSet::from_nets);
        Ok(situation)
    }
}

#[cfg(test)]
mod tests;
