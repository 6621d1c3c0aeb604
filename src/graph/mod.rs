//! Pictures of who may connect to whom: SVG, Mermaid, DOT and HTML, all from the one [`Summary`](crate::ask::Summary).

#![warn(clippy::wildcard_enum_match_arm)]

mod blasted;
mod compared;
mod dot;
mod drawn;
mod escape;
mod fold;
mod html;
mod json;
mod layout;
mod matrix;
mod mermaid;
mod page;
mod picture;
mod reach_lines;
mod spots;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub use blasted::{BlastDrawn, blasted};
pub use compared::compared;
pub use dot::dot;
pub(crate) use drawn::is_somebody;
pub use drawn::{Focus, picture};
pub(crate) use escape::{markdown_code, markdown_plain, xml};
pub use fold::folded;
pub use html::{html, html_of};
pub use json::json;
pub use matrix::{
    CellMark, MOST_DETAILED, Matrix, MatrixCell, MatrixEnd, MatrixSides, MatrixSources, csv, matrix_page,
};
pub(crate) use matrix::{MATRIX_STYLE, push_matrices};
pub use mermaid::mermaid;
pub(crate) use page::{HtmlPage, drawn_by};
pub use picture::{
    Certainty, ChangeSign, Closure, EdgeEnd, Folded, GraphEdge, GraphFrame, GraphNode, GraphNodeKind, Picture,
};
pub use reach_lines::{ReachLine, reach_lines};
pub use svg::svg;
pub(crate) use svg::{STYLE as PICTURE_STYLE, drawn};
