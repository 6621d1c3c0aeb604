//! All tests of the whole, in one program: linking the library into one for each file took most of the time.
//!
//! `README.md` beside this file says where a case goes. `cargo test NAME::` runs the tests of one file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[cfg(feature = "cli")]
mod addresses;
mod architecture;
mod assertions;
#[cfg(all(feature = "cli", unix))]
mod builds;
#[cfg(all(feature = "cli", unix))]
mod ci;
#[cfg(all(feature = "cli", unix))]
mod cli;
mod cni;
mod codes;
mod diagnostics;
mod diff;
mod documents;
mod editors;
mod engine;
mod everybody;
mod examples;
mod features;
mod fmt;
#[cfg(all(feature = "cli", unix))]
mod gitops;
mod growth;
mod hostile;
mod import;
mod init;
#[cfg(unix)]
mod install;
mod json_schemas;
mod judges;
#[cfg(all(feature = "cli", unix))]
mod learn;
mod lexed;
mod lint;
mod lint_redundant;
#[cfg(feature = "lsp")]
mod lsp;
#[cfg(all(feature = "cli", unix))]
mod machine_formats;
mod manifests;
mod meaning;
mod names;
mod net;
mod oracle;
mod oracle_cases;
mod oracle_itself;
mod output;
#[cfg(feature = "cli")]
mod pictures;
mod proof;
mod proof_operators;
#[cfg(feature = "cli")]
mod questions;
mod release_targets;
#[cfg(feature = "disk")]
mod replay;
mod rollout;
mod settings_schema;
mod slips;
mod targets;
mod threads;
#[cfg(all(feature = "cli", unix))]
mod traps;
mod valid;
mod validation;
mod why;
#[cfg(feature = "cli")]
mod workloads;
