//! From what is deployed to a program to start from: a tier for those who are deployed alike, a flow for whatever shows that
//! somebody is meant to talk to somebody, with what shows it.
//!
//! Some things are written down for that: what an Ingress leads to, what is scraped, whom the API server asks. Others only look
//! like it, such as the name of a Service in an environment variable, and their flows say that they are guesses. Of a value
//! nothing is ever passed on but the name of a host: it may hold a password.

#![warn(clippy::wildcard_enum_match_arm)]

mod callers;
mod classes;
mod flows;
mod hosts;
mod names;
mod nowhere;
mod questions;
mod services;
mod settings;
mod system;
mod texts;
mod tiers;
mod write;

pub use flows::{FlowSource, InferredFlow, Trust};
pub use questions::{OpenQuestion, QuestionKind};
pub use tiers::{DeployedMember, DeployedPort, DeployedTier};
pub use write::{BlockCounts, ProgramOfSeed, WrittenSeed};

use crate::cluster::{Cluster, DeployHint, Labels};
use crate::net::Selector;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of what is deployed.
#[derive(Debug, Clone, Copy)]
pub struct Deployed<'a> {
    /// The objects.
    pub cluster: &'a Cluster,
    /// What they say of whom pods may talk to.
    pub hints: &'a [DeployHint],
    /// What components of the catalogue declare.
    pub catalogue: &'a [CatalogueTier],
}

/// A tier that a component of the catalogue declares, or all pods of one of its namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueTier {
    /// The component.
    pub component: Arc<str>,
    /// What its namespace is called.
    pub namespace: Arc<str>,
    /// The name of the tier; `*` for all pods.
    pub tier: Arc<str>,
    /// Its labels.
    pub selector: Selector,
}

/// What was inferred.
#[derive(Debug, Clone, Default)]
pub struct Inferred {
    /// The tiers, sorted by namespace and name.
    pub tiers: Vec<DeployedTier>,
    /// The flows, in the order in which they are written.
    pub flows: Vec<InferredFlow>,
    /// What is not known, by namespace and tier.
    pub questions: Vec<OpenQuestion>,
    /// Workloads that are no tier, each with the reason.
    pub left_out: Vec<(String, &'static str)>,
    /// The namespaces of the system, of which the program manages none.
    pub system: BTreeSet<Arc<str>>,
    /// The components of the catalogue whose tiers connect, by the namespaces of those tiers.
    pub components: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Pods of gateways that are in namespaces of others: the namespace, the name of the tier and its labels.
    pub gateways: BTreeSet<(Arc<str>, Arc<str>, Selector)>,
}

/// Infers a program from what is deployed.
pub fn infer(deployed: Deployed<'_>) -> Inferred {
    let (tiers, left_out) = tiers::tiers(deployed);
    let is_others = |name: &str| !system::is_of_system(name);
    // Who names nothing else means the system.
    let of_system = match tiers.iter().any(|tier| is_others(&tier.namespace)) {
        true => tiers.iter().map(|tier| tier.namespace.clone()).filter(|name| !is_others(name)).collect(),
        false => BTreeSet::new(),
    };
    let left_out = left_out.into_iter().filter(|left| of_system.is_empty() || is_others(&left.namespace));
    let left_out = left_out.map(|left| (left.what, left.why)).collect();
    let mut inferring = flows::Inferring::new(deployed, tiers);
    inferring.add_services();
    inferring.add_callers();
    inferring.add_settings();
    inferring.finish(left_out, of_system)
}

/// Whether some labels are among others.
fn has_all<'l>(labels: &Labels, mut wanted: impl Iterator<Item = (&'l String, &'l String)>) -> bool {
    wanted.all(|(key, value)| labels.get(key) == Some(value))
}
