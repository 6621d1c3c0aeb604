//! What a picture shows, before it has a form: frames, nodes, edges, and what is said beside them.

use crate::ask::IsolatedShare;
use crate::net::Direction;
use crate::table::Table;

/// Everything that a picture shows.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// What stands above it: the verdict of a comparison.
    pub verdict: Option<String>,
    /// Namespaces, by name.
    pub frames: Table<usize, GraphFrame>,
    /// Who connects and is connected to.
    pub nodes: Table<usize, GraphNode>,
    /// What is allowed.
    pub edges: Table<usize, GraphEdge>,
    /// What there is to know beside it, in sentences.
    pub notes: Vec<String>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphFrame {
    /// Its name.
    pub name: String,
    /// How far its pods are isolated, where that is told.
    pub closure: Option<Closure>,
    /// What is inside, where that is not drawn.
    pub folded: Option<Folded>,
}

/// What a frame holds that is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// How many nodes.
    pub nodes: usize,
    /// How many connections among them.
    pub edges: usize,
}

/// How far some pods are isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closure {
    /// For both directions.
    Closed,
    /// For the other direction only.
    HalfOpen(Direction),
    /// Only some of them are, or may be.
    Partly,
    /// For none.
    Open,
}

impl Closure {
    /// Every one, those that are closed first.
    pub const ALL: [Closure; 5] = [
        Closure::Closed,
        Closure::HalfOpen(Direction::Ingress),
        Closure::HalfOpen(Direction::Egress),
        Closure::Partly,
        Closure::Open,
    ];

    /// What some isolation comes to, in the order of [`Direction::ALL`].
    pub fn of(isolated: [IsolatedShare; 2]) -> Closure {
        use IsolatedShare::{No, Partly, Yes};
        match isolated {
            [Yes, Yes] => Closure::Closed,
            [No, Yes] => Closure::HalfOpen(Direction::Ingress),
            [Yes, No] => Closure::HalfOpen(Direction::Egress),
            [No, No] => Closure::Open,
            [Partly, _] | [_, Partly] => Closure::Partly,
        }
    }

    /// In one or two words.
    pub fn word(self) -> &'static str {
        match self {
            Closure::Closed => "closed",
            Closure::HalfOpen(Direction::Ingress) => "ingress open",
            Closure::HalfOpen(Direction::Egress) => "egress open",
            Closure::Partly => "partly closed",
            Closure::Open => "open",
        }
    }

    /// In a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Closure::Closed => "only what is drawn is let in and out",
            Closure::HalfOpen(Direction::Ingress) => "whoever may leave may come in",
            Closure::HalfOpen(Direction::Egress) => "may reach every address and all that is open",
            Closure::Partly => "some pods are isolated, some are not or may not be",
            Closure::Open => "open to each other and to every address",
        }
    }
}

/// Pods or addresses under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphNode {
    /// The frame that it is in, by its place.
    pub frame: Option<usize>,
    /// What it is.
    pub kind: GraphNodeKind,
    /// Its name in its frame.
    pub name: String,
    /// What kind of workload it is, or how far it is isolated where that differs from its frame.
    pub beside: String,
    /// Its whole name.
    pub full: String,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GraphNodeKind {
    /// Pods of a namespace.
    Pods,
    /// Pods of several namespaces, which are or may be in other nodes too.
    Many,
    /// Addresses outside of the cluster.
    Outside,
    /// Public addresses.
    Internet,
}

/// One end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeEnd {
    /// All pods of a frame, by its place.
    Frame(usize),
    /// A node, by its place.
    Node(usize),
}

/// What one may do with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphEdge {
    /// Who connects.
    pub from: EdgeEnd,
    /// To whom.
    pub to: EdgeEnd,
    /// The ports, short enough to be written beside it.
    pub label: String,
    /// All that is known of it.
    pub detail: String,
    /// For whom it is so.
    pub certainty: Certainty,
    /// What became of it, where two versions are compared.
    pub change: Option<ChangeSign>,
}

/// For whom something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// For all of both ends.
    All,
    /// For some of them only.
    Some,
    /// That is not known.
    Unknown,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeSign {
    /// It came.
    Added,
    /// It went.
    Removed,
    /// It is there in another way.
    Changed,
}

impl ChangeSign {
    /// The sign that lines of a comparison begin with.
    pub fn sign(self) -> char {
        match self {
            ChangeSign::Added => '+',
            ChangeSign::Removed => '−',
            ChangeSign::Changed => '~',
        }
    }

    /// The same in a word.
    pub fn word(self) -> &'static str {
        match self {
            ChangeSign::Added => "added",
            ChangeSign::Removed => "removed",
            ChangeSign::Changed => "changed",
        }
    }
}

impl Picture {
    /// The frame that an end is or is in.
    pub fn frame_of(&self, spot: EdgeEnd) -> Option<usize> {
        match spot {
            EdgeEnd::Frame(frame) => Some(frame),
            EdgeEnd::Node(node) => self.nodes[node].frame,
        }
    }

    /// What an end is called.
    pub fn name_of(&self, spot: EdgeEnd) -> String {
        match spot {
            EdgeEnd::Frame(frame) => format!("{}/*", self.frames[frame].name),
            EdgeEnd::Node(node) => self.nodes[node].full.clone(),
        }
    }

    /// An edge in one line.
    pub fn line(&self, edge: &GraphEdge) -> String {
        let sign = edge.change.map(|change| format!("{} ", change.sign())).unwrap_or_default();
        format!("{sign}{} -> {}:{}", self.name_of(edge.from), self.name_of(edge.to), edge.detail)
    }
}

impl GraphFrame {
    /// Its name, with how far it is isolated.
    pub fn title(&self) -> String {
        match self.closure {
            Some(closure) => format!("{} ({})", self.name, closure.word()),
            None => self.name.clone(),
        }
    }

    /// The same in a sentence.
    pub fn about(&self) -> String {
        match self.closure {
            Some(closure) => format!("{}: {}, {}", self.name, closure.word(), closure.meaning()),
            None => self.name.clone(),
        }
    }
}
