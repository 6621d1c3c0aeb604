//! Pictures as Mermaid, for Markdown: within the limits that a page cannot change.

use super::escape::mermaid as quoted;
use super::layout::folded_text;
use super::picture::{Certainty, ChangeSign, Closure, EdgeEnd, GraphEdge, GraphNodeKind, Picture};
use super::spots::{EVERY_POD, id, nodes_of, whole_frames};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// More edges are counted: a page draws 500 at most, and nobody follows so many.
const MOST_EDGES: usize = 60;

/// A page takes 50,000 characters. What has no edge is counted before it is so much.
const MOST_TEXT: usize = 40_000;

/// The picture as a flow chart.
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    if let Some(verdict) = &picture.verdict {
        let _ = writeln!(out, "  verdict>{}]", quoted(verdict));
    }
    let edges: Vec<&GraphEdge> = picture.edges.iter().take(MOST_EDGES).collect();
    let ends: BTreeSet<EdgeEnd> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    let frames: BTreeSet<usize> = ends.iter().filter_map(|spot| picture.frame_of(*spot)).collect();
    let whole = whole_frames(picture);
    let mut left_out = 0;
    // Those with an edge first, for which there is always room.
    let (with, without): (Vec<usize>, Vec<usize>) = picture.frames.ids().partition(|frame| frames.contains(frame));
    for frame in with {
        push_frame(picture, frame, whole.contains(&frame), &mut out);
    }
    for frame in without {
        match out.len() < MOST_TEXT {
            true => push_frame(picture, frame, whole.contains(&frame), &mut out),
            false => left_out += 1,
        }
    }
    for node in picture.nodes.ids().filter(|node| picture.nodes[*node].frame.is_none()) {
        push_node(picture, node, "  ", &mut out);
    }
    let mut styles: Vec<(usize, &str)> = Vec::new();
    for (place, edge) in edges.iter().enumerate() {
        let arrow = match (edge.change, edge.certainty) {
            (Some(ChangeSign::Removed), _) | (_, Certainty::Some | Certainty::Unknown) => "-.->",
            (Some(ChangeSign::Added), _) => "==>",
            (Some(ChangeSign::Changed) | None, Certainty::All) => "-->",
        };
        let label = if edge.label.is_empty() { String::new() } else { format!("|{}|", quoted(&edge.label)) };
        let _ = writeln!(out, "  {} {arrow}{label} {}", id(edge.from), id(edge.to));
        styles.extend(edge.change.map(|change| (place, style(change))));
    }
    for (place, style) in styles {
        let _ = writeln!(out, "  linkStyle {place} {style}");
    }
    let more = picture.edges.len().saturating_sub(MOST_EDGES);
    for (count, what) in [(more, "edges"), (left_out, "namespaces without an edge")] {
        if count > 0 {
            let _ = writeln!(out, "  more{}[{}]", what.len(), quoted(&format!("and {count} more {what}")));
        }
    }
    out.push_str("  classDef open stroke-dasharray:3 4\n  classDef half stroke-dasharray:9 5\n");
    out.push_str("  classDef outside stroke-width:2px\n");
    for note in &picture.notes {
        // As a label is, so that no note is a directive.
        let _ = writeln!(out, "  %% {}", quoted(note).trim_matches('"'));
    }
    out
}

fn push_frame(picture: &Picture, place: usize, is_whole: bool, out: &mut String) {
    let frame = &picture.frames[place];
    let about = frame.title();
    let class = match frame.closure {
        Some(Closure::Closed) | None => "",
        Some(Closure::HalfOpen(_) | Closure::Partly) => ":::half",
        Some(Closure::Open) => ":::open",
    };
    let mut nodes = nodes_of(picture, place).peekable();
    if nodes.peek().is_none() {
        let folded = folded_text(picture, place).map(|text| format!(": {text}")).unwrap_or_default();
        let _ = writeln!(out, "  {}[[{}]]{class}", id(EdgeEnd::Frame(place)), quoted(&format!("{about}{folded}")));
        return;
    }
    let _ = writeln!(out, "  subgraph f{}[{}]", place + 1, quoted(&about));
    if is_whole {
        let _ = writeln!(out, "    {}[[{}]]", id(EdgeEnd::Frame(place)), quoted(EVERY_POD));
    }
    nodes.for_each(|node| push_node(picture, node, "    ", out));
    out.push_str("  end\n");
    if !class.is_empty() {
        let _ = writeln!(out, "  class f{} {}", place + 1, class.trim_start_matches(':'));
    }
}

fn push_node(picture: &Picture, place: usize, indent: &str, out: &mut String) {
    let node = &picture.nodes[place];
    let beside = if node.beside.is_empty() { String::new() } else { format!(" ({})", node.beside) };
    let name = quoted(&super::layout::shown(&format!("{}{beside}", node.name)));
    let spot = id(EdgeEnd::Node(place));
    let _ = match node.kind {
        GraphNodeKind::Pods => writeln!(out, "{indent}{spot}[{name}]"),
        GraphNodeKind::Many => writeln!(out, "{indent}{spot}[[{name}]]"),
        GraphNodeKind::Outside | GraphNodeKind::Internet => writeln!(out, "{indent}{spot}([{name}]):::outside"),
    };
}

/// How a change looks, beside its sign and its line.
fn style(change: ChangeSign) -> &'static str {
    match change {
        ChangeSign::Added => "stroke:#1a7f4b,stroke-width:3px",
        ChangeSign::Removed => "stroke:#b3383d,stroke-width:2px",
        ChangeSign::Changed => "stroke:#9a6b00,stroke-width:2px",
    }
}
