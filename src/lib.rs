//! Polder compiles flows between declared tiers to Kubernetes NetworkPolicies that are closed by default.
//!
//! `ARCHITECTURE.md` beside this file shows the rooms, the way of the data and who may use whom.

pub mod ask;
#[cfg(feature = "answers")]
pub mod cli;
pub mod cluster;
pub mod cover;
pub mod diag;
pub mod diff;
pub mod draft;
pub mod engine;
pub mod flow;
pub mod fmt;
pub mod graph;
pub mod import;
pub mod k8s;
pub mod lint;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod model;
pub mod net;
pub mod netpol;
pub mod output;
pub mod parallel;
pub mod plan;
pub mod plugin;
pub mod probe;
pub mod prove;
pub mod replay;
pub mod report;
pub mod seed;
pub mod session;
pub mod source;
pub mod syntax;
pub mod table;
pub mod target;
