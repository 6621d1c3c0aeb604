//! Pictures of who may connect to whom: SVG, Mermaid, DOT and HTML, all from the one [`Summary`](crate::ask::Summary).

#![warn(clippy::wildcard_enum_match_arm)]

mod dot;
mod drawn;
mod escape;
mod fold;
mod layout;
mod mermaid;
mod picture;
mod spots;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use dot::dot;
pub use drawn::{Focus, picture};
pub use fold::folded;
pub use mermaid::mermaid;
pub use picture::{
    Certainty, ChangeSign, Closure, EdgeEnd, Folded, GraphEdge, GraphFrame, GraphNode, GraphNodeKind, Picture,
};
pub use svg::svg;
