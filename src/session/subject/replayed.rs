//! A subject as what flow logs are held against.

use super::Subject;
use crate::ask::Program;
use crate::cluster::Cluster;
use crate::model::Model;
use crate::replay::{Candidate, PodsThatRun};
use crate::session::manifests::Manifests;
use crate::session::stages::Session;
use crate::source::Sources;

impl Subject {
    /// A program by itself, of which it is asked what to write.
    pub(in crate::session) fn of_program(session: Session) -> Subject {
        let facts = session.model().map(Model::facts).unwrap_or_default();
        let cni = session.model().map(|model| model.platform.cni);
        Subject { session: Some(session), manifests: Manifests::default(), sources: Sources::default(), facts, cni }
    }

    /// The same, where this is what runs.
    pub(in crate::session) fn with_cluster(mut self, cluster: Cluster) -> Subject {
        self.manifests.cluster = cluster;
        self
    }

    /// The policies that flow logs are held against.
    pub fn candidate(&self) -> Candidate<'_> {
        Candidate {
            policies: self.policies(),
            program: self.model().zip(self.flows()).map(|(model, flows)| Program { model, flows }),
            facts: &self.facts,
            namespaces: &self.manifests.cluster.namespaces,
            cluster: &self.manifests.cluster,
            cni: self.cni,
        }
    }

    /// What is known to run, by name and by address.
    pub fn running(&self) -> PodsThatRun<'_> {
        PodsThatRun::new(&self.manifests.cluster, &self.facts)
    }
}
