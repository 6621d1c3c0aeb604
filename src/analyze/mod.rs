//! What a flow set and a policy set allow, for every pod that could exist; and that both are the same.

mod assertions;
mod connect;
mod counterexample;
mod cover;
mod engine;
mod names;
mod proof;
mod side;
mod situation;
mod workloads;
mod world;

pub use assertions::hold;
pub use counterexample::{Counterexample, Difference, Port};
pub use engine::{Decision, Doubt, Engine, Grant, Verdict};
pub use proof::{Proof, prove};
pub use side::Party;
pub use situation::{Asked, Group, GroupName, NotFound, Situation};
pub use workloads::fit;
pub use world::{End, EndId, Member, NamedPorts, Namespace, NamespaceId, PodKind, Scope, TooMany, Truth, World};
