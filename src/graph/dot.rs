//! Pictures as DOT, for Graphviz.

use super::escape::dot as quoted;
use super::layout::{folded_text, shown};
use super::picture::{Certainty, ChangeSign, Closure, EdgeEnd, GraphEdge, GraphNodeKind, Picture};
use super::spots::{EVERY_POD, id, nodes_of, whole_frames};
use std::fmt::Write as _;

/// The picture as a directed graph.
pub fn dot(picture: &Picture) -> String {
    let mut out = String::from("digraph polder {\n");
    let notes = [picture.verdict.clone()].into_iter().flatten().chain(picture.notes.iter().cloned());
    let notes: Vec<String> = notes.collect();
    if !notes.is_empty() {
        let _ = writeln!(out, "  graph [label={}, labelloc=b, labeljust=l];", quoted(&notes.join("\n")));
    }
    out.push_str(
        "  graph [rankdir=LR, nodesep=0.3, ranksep=0.9, fontname=\"Helvetica\", fontsize=11, color=\"#5f7d95\"];\n",
    );
    out.push_str("  node [shape=box, style=rounded, fontname=\"Courier\", fontsize=11, color=\"#8fa1b2\"];\n");
    out.push_str("  edge [fontname=\"Courier\", fontsize=9, color=\"#5b6f84\", arrowsize=0.7];\n");
    let whole = whole_frames(picture);
    for place in picture.frames.ids() {
        push_frame(picture, place, whole.contains(&place), &mut out);
    }
    for node in picture.nodes.ids().filter(|node| picture.nodes[*node].frame.is_none()) {
        push_node(picture, node, "  ", &mut out);
    }
    for edge in &picture.edges {
        let _ = writeln!(
            out,
            "  {} -> {} [label={}, tooltip={}{}];",
            id(edge.from),
            id(edge.to),
            quoted(&edge.label),
            quoted(&picture.line(edge)),
            style(edge)
        );
    }
    out.push_str("}\n");
    out
}

fn push_frame(picture: &Picture, place: usize, is_whole: bool, out: &mut String) {
    let frame = &picture.frames[place];
    let style = match frame.closure {
        Some(Closure::Closed) | None => "rounded",
        Some(Closure::HalfOpen(_) | Closure::Partly) => "rounded,dashed",
        Some(Closure::Open) => "rounded,dotted",
    };
    let (label, about) = (frame.title(), frame.about());
    let _ = writeln!(
        out,
        "  subgraph cluster_f{} {{\n    label={};\n    tooltip={};\n    style=\"{style}\";",
        place + 1,
        quoted(&shown(&label)),
        quoted(&about)
    );
    let folded = folded_text(picture, place);
    let is_empty = nodes_of(picture, place).next().is_none();
    if is_whole || is_empty {
        let name = folded.unwrap_or_else(|| EVERY_POD.to_owned());
        let _ = writeln!(out, "    {} [label={}, shape=box3d];", id(EdgeEnd::Frame(place)), quoted(&name));
    }
    nodes_of(picture, place).for_each(|node| push_node(picture, node, "    ", out));
    out.push_str("  }\n");
}

fn push_node(picture: &Picture, place: usize, indent: &str, out: &mut String) {
    let node = &picture.nodes[place];
    let shape = match node.kind {
        GraphNodeKind::Pods => "",
        GraphNodeKind::Many => ", style=\"rounded,dashed\"",
        GraphNodeKind::Outside => ", shape=oval",
        GraphNodeKind::Internet => ", shape=doublecircle, margin=0",
    };
    let lines: Vec<String> =
        [node.name.as_str(), node.beside.as_str()].into_iter().filter(|line| !line.is_empty()).map(shown).collect();
    let (label, about) = (quoted(&lines.join("\n")), quoted(&node.full));
    let _ = writeln!(out, "{indent}{} [label={label}, tooltip={about}{shape}];", id(EdgeEnd::Node(place)));
}

/// How an edge looks, with a comma before it.
fn style(edge: &GraphEdge) -> &'static str {
    match (edge.change, edge.certainty) {
        (Some(ChangeSign::Added), _) => ", color=\"#1a7f4b\", penwidth=2",
        (Some(ChangeSign::Removed), _) => ", color=\"#b3383d\", style=dashed",
        (Some(ChangeSign::Changed), _) => ", color=\"#9a6b00\", penwidth=1.5",
        (None, Certainty::All) => "",
        (None, Certainty::Some) => ", style=dashed",
        (None, Certainty::Unknown) => ", style=dotted",
    }
}
