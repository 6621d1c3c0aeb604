//! A test oracle that shares no code with the compiler.
//!
//! - [`evaluate`]: NetworkPolicy documents, read and judged naively by Kubernetes' rules.
//! - [`universe`]: the pods, addresses and ports that a set of policies can tell apart, and the comparison of two
//!   sets on all of them.
//! - [`law`]: what an address block covers, and what is not known of that.
//! - [`program`]: Polder programs as a small tree of its own; [`meaning`]: what they mean by the language's definition.
//! - [`render`]: such a program as source text, in random legal formatting; [`generate`]: random programs that make
//!   the hard cases on purpose, [`features`] names them; [`shrink`]: smaller programs that still fail.
//! - [`naive`]: a program as policies, one per flow and pair, in the most obvious way: the oracle's check on itself.
//! - [`mutate`]: manifests with one thing wrong, to see that it is found.
//! - [`minimal`]: which parts of a policy set can be taken away without a change.
//! - [`compile`]: the one place that calls the compiler; [`check`]: everything that must hold of its output.

//!
//! Not judged: a pod's traffic to itself, pods on the host's network, and protocols other than tcp, udp and sctp. An
//! `ipBlock` covers addresses outside the cluster only, unless a policy set or a meaning is asked for more.

// Each test binary that includes this module uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod evaluate;
pub(crate) mod features;
pub(crate) mod generate;
pub(crate) mod law;
pub(crate) mod meaning;
pub(crate) mod minimal;
pub(crate) mod mutate;
pub(crate) mod naive;
pub(crate) mod program;
pub(crate) mod read;
pub(crate) mod render;
pub(crate) mod rng;
pub(crate) mod shrink;
pub(crate) mod universe;
