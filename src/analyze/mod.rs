//! What a flow set and a policy set allow, for every pod that could exist; and that both are the same.

mod assertions;
mod blast;
mod can;
mod connect;
mod counterexample;
mod cover;
mod dns;
mod engine;
mod everyone;
mod located;
mod names;
pub mod near;
mod proof;
mod reach;
mod side;
mod situation;
mod space;
mod why;
mod workloads;
mod world;

pub use assertions::{Judgement, Outcome, judge};
pub use blast::{Blast, Dns, Step};
pub use can::{Answer, can};
pub use counterexample::{Counterexample, Difference, Port};
pub use cover::{Budget, GaveUp, missing};
pub use dns::dns;
pub use engine::{Comparison, Decision, Delta, Doubt, Engine, Grant, Matched, SideChange, Verdict};
pub use everyone::{Everyone, Named, Samples, Set};
pub use proof::{Proof, prove};
pub use reach::{Between, Cell, Detail, Isolated, Only, PortsAt, Reach, Row, RowNames, Told, Untold};
pub use side::{Party, worlds};
pub use situation::{Asked, Group, GroupName, INTERNET, NotFound, Situation};
pub use space::{Ends, Space};
pub use why::{
    AskedEnd, Edit, Explanation, Misfit, NearFlow, NearRule, Origin, Program, Says, Setting, WhySide, Wrong, WrongRule,
    policies_for, suggest, why,
};
pub use workloads::fit;
pub use world::{End, EndId, Member, NamedPorts, Namespace, NamespaceId, PodKind, Scope, TooMany, Truth, World};
