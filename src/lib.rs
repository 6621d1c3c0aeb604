//! Polder compiles flows between declared tiers to Kubernetes NetworkPolicies that are closed by default.
//!
//! `ARCHITECTURE.md` beside this file shows the rooms, the way of the data and who may use whom.

pub mod analyze;
#[cfg(feature = "cli")]
pub mod cli;
pub mod cluster;
pub mod diag;
pub mod diff;
pub mod flow;
pub mod fmt;
pub mod k8s;
pub mod lint;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod model;
pub mod net;
pub mod output;
pub mod policy;
pub mod session;
pub mod source;
pub mod syntax;
