//! What a question is about: a program, or manifests that somebody wrote or a cluster gave.

mod ask;
mod causes;
mod dns;
mod means;
mod mend;
mod ports;
mod pose;
mod replayed;
mod service;
mod summary;
mod unknown;

pub use ask::AskedTarget;
pub use mend::{Added, WrittenEdits};
pub use ports::AskedPorts;
pub use pose::{Asking, Posed, TOO_HARD};
pub use summary::SummaryScope;

use super::config::EnvironmentChoice;
use super::load::{Named, Project};
use super::manifests::{Manifests, Reader, Unread};
use super::rollout::{EnforceChoice, RolloutStep};
use super::stages::{Session, Settings};
use super::system::FileSystem;
use crate::ask::{Asked, Everyone, Situation, SituationPolicies};
use crate::cluster::{Cluster, Unmodelled};
use crate::diag::{Diagnostic, Levels, Report, Severity};
use crate::engine::{Engine, World};
use crate::flow::FlowSet;
use crate::model::{Cni, CniVersion, Model};
use crate::net::Facts;
use crate::netpol::{ClusterPolicy, Peer, Policy, PolicyKind};
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
    /// Whether what was given is all that runs.
    pub complete: bool,
    /// Whether the policies of the program are those that a build writes: in its layout, by their names. Answers do not
    /// depend on that.
    pub as_built: bool,
    /// What else is said of the cluster.
    pub cluster: SaidOfCluster,
    /// How far the program is enforced.
    pub enforce: EnforceChoice,
    /// Whether policies of the whole cluster count, where it is known what runs; otherwise answers lack them.
    pub counts_cluster_policies: bool,
}

/// What is said of the network plugin beside a program, or without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaidOfCluster {
    /// Which it is, perhaps with its version; `None` for what the program's platform says.
    pub cni: Option<(Cni, Option<CniVersion>)>,
    /// Whether its address blocks match pods; `None` for what is known of it.
    pub blocks_match_pods: Option<bool>,
}

impl SaidOfCluster {
    /// Why there must be no answer: the plugin that is named enforces no policy.
    pub fn refusal(self) -> Option<Report> {
        let (cni, _) = self.cni?;
        let row = cni.enforces_nothing()?;
        let error = row.in_program(cni.name(), None, "")?;
        Some(Report::from(error.with_help(row.mend_of_manifests())))
    }

    /// The facts about the cluster of a program, or of policies without one.
    fn facts(self, model: Option<&Model>) -> Facts {
        let facts = model.map(Model::facts).unwrap_or_default();
        let mut matches = self.cni.map_or(facts.matches(), |(cni, version)| cni.blocks_match(version));
        if let Some(pods) = self.blocks_match_pods {
            matches.pods = pods.into();
        }
        facts.with(matches)
    }
}

/// Policies, and the pods that they are asked about: those of the workloads that were given, or every pod that could
/// exist.
#[derive(Debug)]
pub struct Subject {
    session: Option<Session>,
    manifests: Manifests,
    sources: Sources,
    facts: Facts,
    /// The network plugin, where it is said.
    cni: Option<Cni>,
}

impl Subject {
    /// Reads what is asked about, seen from the absolute path `folder`. Never fails: what is wrong is among the reports.
    pub fn load(system: &dyn FileSystem, folder: &Path, question: &Question) -> Subject {
        let reader = Reader { takes_cluster_policies: question.counts_cluster_policies, ..Reader::LINT };
        if !question.manifests.is_empty() {
            let named = [question.manifests.as_slice(), &question.workloads].concat();
            let manifests = Manifests::load_for(reader, Sources::default(), system, folder, &named, DEFAULT_NAMESPACE);
            let mut manifests = if question.complete { manifests.as_a_whole() } else { manifests };
            let sources = std::mem::take(&mut manifests.sources);
            let is_cilium = manifests.policies.policies.iter().any(|policy| policy.kind == PolicyKind::Cilium);
            // Who has policies of Cilium's kind has Cilium, if nothing else is said.
            let cni = question.cluster.cni.or(is_cilium.then_some((Cni::Cilium, None)));
            let facts = SaidOfCluster { cni, ..question.cluster }.facts(None);
            let (facts, cni) = (if is_cilium { facts.with_unlisted() } else { facts }, cni.map(|(cni, _)| cni));
            return Subject { session: None, manifests, sources, facts, cni };
        }
        let mut project = Project::load(system, folder, &question.program);
        let mut manifests = Manifests::default();
        if !question.workloads.is_empty() {
            let sources = std::mem::take(&mut project.sources);
            manifests = Manifests::load_for(reader, sources, system, folder, &question.workloads, DEFAULT_NAMESPACE);
            manifests = if question.complete { manifests.as_a_whole() } else { manifests };
            project.sources = std::mem::take(&mut manifests.sources);
        }
        let environment = question.environment.of(&project.config);
        let enforce = question.enforce.of(&project.config);
        let layout = project.config.layout.filter(|_| question.as_built).unwrap_or_default();
        let target = project.config.target.unwrap_or_default();
        let session = Session::new(project, Settings { environment, layout, target, enforce, ..Settings::default() });
        let session = session.in_cluster_of(manifests.cluster.namespaces.clone()).at_step();
        let facts = question.cluster.facts(session.model());
        let of_program = || session.model().map(|model| model.platform.cni);
        let cni = question.cluster.cni.map(|(cni, _)| cni).or_else(of_program);
        Subject { session: Some(session), manifests, sources: Sources::default(), facts, cni }
    }

    /// Whether the network plugin judges egress before the address of a Service becomes that of a pod.
    fn judges_first(&self) -> bool {
        self.cni.is_some_and(Cni::is_of_aws)
    }

    /// Whether nothing stands in the way of an answer.
    pub fn is_answerable(&self) -> bool {
        let sound = self.session.as_ref().is_none_or(|session| session.proved_policies().is_some());
        sound && !self.manifests.has_no_answer()
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
            let all = session.findings(&levels);
            reports.extend(all.into_iter().filter(|report| report.severity == Severity::Error));
        }
        let disproof = self.session.as_ref().and_then(Session::disproof);
        reports.extend(disproof.cloned().map(Report::from));
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

    /// The step of a roll-out that answers are about; `None` when they are about all of the program, or of manifests.
    pub fn step(&self) -> Option<&RolloutStep> {
        self.session.as_ref()?.step()
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

    /// The policies: those of the program, once they are proved, and those of manifests only where there is none.
    pub fn policies(&self) -> &[Policy] {
        match &self.session {
            Some(session) => session.proved_policies().map(|set| set.policies.as_slice()).unwrap_or_default(),
            None => &self.manifests.policies.policies,
        }
    }

    /// The policies of the whole cluster that count beside them.
    pub fn cluster_policies(&self) -> &[ClusterPolicy] {
        &self.manifests.cluster_policies
    }

    /// What policies allow in a world that was made with them in its scope, with those of the whole cluster around them.
    pub fn engine<'s>(&'s self, world: &'s World, policies: &'s [Policy]) -> Engine<'s> {
        Engine::among(world, policies, self.cluster_policies())
    }

    /// What runs; `None` when no workload was given, and every pod that could exist is meant.
    pub fn cluster(&self) -> Option<&Cluster> {
        Some(&self.manifests.cluster).filter(|cluster| !cluster.workloads.is_empty())
    }

    /// Whether that is what a cluster has, and nothing else.
    pub fn is_of_cluster(&self) -> bool {
        self.manifests.cluster.is_live()
    }

    /// Whether pods may run beside those that were given.
    pub fn may_lack_pods(&self) -> bool {
        self.cluster().is_some_and(|cluster| !cluster.has_all_pods())
    }

    /// What answers lack, because it could not be read.
    pub fn unread(&self) -> &[Unread] {
        &self.manifests.unread
    }

    /// What would change the answers and is not understood.
    pub fn unmodelled(&self) -> &[Unmodelled] {
        &self.manifests.cluster.unmodelled
    }

    /// What address blocks mean.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Every pod that could exist, by name.
    pub fn everyone(&self, asked: &[Asked]) -> Everyone<'_> {
        self.everyone_by(self.policies(), asked, &self.listing_facts(asked))
    }

    /// The facts for an answer that lists everybody: names and entities are among them, so that addresses that they may stand
    /// for are not told again, unless addresses are what is asked about.
    fn listing_facts(&self, asked: &[Asked]) -> Facts {
        match asked.iter().any(|one| one.addresses().is_some()) {
            true => self.facts.clone(),
            false => self.facts.clone().with_unlisted_apart(),
        }
    }

    /// Whether some policy names a DNS name or an entity, of which an answer that lists everybody does not say which addresses
    /// it may have.
    pub fn names_without_addresses(&self) -> bool {
        let rules = self.policies().iter().flat_map(|policy| policy.ingress.iter().chain(&policy.egress)).flatten();
        let mut peers = rules.flat_map(|rule| &rule.peers);
        self.facts.has_unlisted() && peers.any(|peer| matches!(peer, Peer::Unlisted(_)))
    }

    /// The same by some policies, where facts are known.
    fn everyone_by<'p>(&self, policies: &'p [Policy], asked: &[Asked], facts: &Facts) -> Everyone<'p> {
        let programs: Vec<&FlowSet> = self.flows().into_iter().collect();
        Everyone::new(&programs, &[policies], &self.manifests.cluster.namespaces, asked, facts)
    }

    /// The workloads that were given and all addresses, by name, with those that are asked for told apart; `None` when every
    /// pod that could exist is meant.
    pub fn situation(&self, asked: &[Asked]) -> Option<Situation> {
        self.situation_by(self.policies(), asked, &self.listing_facts(asked))
    }

    /// The same by some policies, where facts are known.
    fn situation_by(&self, policies: &[Policy], asked: &[Asked], facts: &Facts) -> Option<Situation> {
        let programs: Vec<&FlowSet> = self.flows().into_iter().collect();
        let scope = SituationPolicies { policies: &[policies], of_cluster: &[self.cluster_policies()] };
        Some(Situation::of_cluster(&programs, self.cluster()?, scope, asked, facts))
    }
}

#[cfg(test)]
mod tests;
