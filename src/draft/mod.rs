//! Programs as data on their way to text: for whoever proposes lines of one, or a whole one.
//!
//! The text of a statement is what the language reads, and [`Program::text`] brings all of them into the canonical form.

#![warn(clippy::wildcard_enum_match_arm)]

mod chosen;
mod labels;
mod names;
mod text;

pub use chosen::{USUAL_KEY, label_key, selecting};
pub use labels::equal;
pub use names::{NAMING, NumberedNames, free, name_of_addresses, name_of_ports, names_of};
pub use text::{NotWritten, comment_of, destinations_text};

use crate::net::{Direction, PortSet, Selector};
use std::sync::Arc;

/// A file of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// What stands in it, in this order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `# TEXT`, on as many lines as the text has.
    Comment(String),
    /// `## TEXT`, which becomes the description of the statement below it.
    Description(String),
    /// An empty line.
    Space,
    /// `use COMPONENT, ...`.
    Use(Vec<Arc<str>>),
    /// `cidr NAME = BLOCKS`.
    Cidr {
        /// The name.
        name: Arc<str>,
        /// Its blocks, whose exceptions all have in common.
        blocks: IpBlocks,
    },
    /// `group NAME = A, B`.
    Group {
        /// The name.
        name: Arc<str>,
        /// Its members.
        members: Vec<End>,
    },
    /// `external namespace NAME, ...`.
    External(External),
    /// `namespace NAME, ... { ... }`.
    Namespace(Namespace),
    /// `isolate DIRECTIONS for TIERS`.
    Isolate {
        /// The directions; none of them is `isolate none`.
        directions: Vec<Direction>,
        /// The tiers; of the whole namespace where there are none.
        tiers: Vec<Arc<str>>,
    },
    /// `label KEY`.
    Label(Arc<str>),
    /// `dns SERVERS`.
    Dns(Vec<Arc<str>>),
    /// `tier NAME (SELECTOR) { PORTS }`.
    Tier(Tier),
    /// `A -> B:PORTS`.
    Flow(Flow),
    /// Another statement with a comment behind it, or above it where both are too long for a line.
    Remarked {
        /// The statement.
        statement: Box<Statement>,
        /// What the comment says.
        remark: String,
    },
}

/// Blocks of addresses with the exceptions of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpBlocks {
    /// The blocks.
    pub blocks: Vec<ipnet::IpNet>,
    /// What is taken out of them.
    pub except: Vec<ipnet::IpNet>,
}

/// External namespaces, or several known by labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// The names; one where they are known by labels.
    pub names: Vec<Arc<str>>,
    /// The labels that it is known by; without requirements every namespace, `(*)`. `None`: by its name.
    pub selector: Option<Selector>,
    /// Its tiers.
    pub tiers: Vec<Tier>,
}

/// The block of a managed namespace, or of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The names.
    pub names: Vec<Arc<str>>,
    /// What stands in it.
    pub statements: Vec<Statement>,
}

/// A tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The name.
    pub name: Arc<str>,
    /// Its labels; `None` where they are those that its name implies.
    pub selector: Option<Selector>,
    /// The ports that it lists, by name.
    pub ports: Vec<(Arc<str>, PortSet)>,
}

/// A flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The one side that it opens; `None` where it is both.
    pub side: Option<Direction>,
    /// Who connects.
    pub sources: Vec<End>,
    /// To whom.
    pub destinations: Vec<End>,
    /// On which ports.
    pub ports: Ports,
}

/// An end of a flow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// The namespace that has to be said; `None` for those of the namespace around, and for what is of none.
    pub namespace: Option<Arc<str>>,
    /// The name, or `*`.
    pub name: Arc<str>,
}

/// The ports of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    /// A port that the destination lists, or a `ports` of the program.
    Named(Arc<str>),
    /// These.
    These(PortSet),
    /// Those of each destination, in their order.
    Each(Vec<PortSet>),
}
