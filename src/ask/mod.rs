//! Questions about who can reach whom, and assertions: answers of the engine and by regions, in the names that people know.

#![warn(clippy::wildcard_enum_match_arm)]

mod assertions;
mod beyond;
mod blast;
mod can;
mod changes;
mod everyone;
mod reach;
mod search;
mod situation;
mod space;
mod why;

pub use assertions::{Judgement, Outcome, judge};
pub use beyond::{Beyond, beyond, beyond_in};
pub use blast::{Blast, BlastFrom, DnsEnds, Step};
pub use can::{Answer, Doubtful, can, doubts};
pub use changes::{Came, Freed, Gain, Whom};
pub use everyone::{Everyone, Meant, NamedEnds, Samples, Set};
pub use reach::{
    Between, Cell, Detail, IsolatedShare, Names, Only, PortsAt, Reach, Row, RowNames, Sheet, Summary, Untold,
};
pub use situation::{
    Asked, AskedPod, Group, GroupName, INTERNET, KnownLabels, NamedWorkload, NotFound, Situation, SituationPolicies,
    selector_text,
};
pub use space::{Ends, Example, Space, SpaceGrants, SpacePods};
pub(crate) use space::{rule_peers, rule_ports};
pub use why::{
    AskedEnd, Edit, Explanation, Misfit, NearFlow, NearRule, Origin, Program, Says, Setting, WhySide, Wrong, WrongRule,
    policies_for, say_the_same_but_for, suggest, why,
};
