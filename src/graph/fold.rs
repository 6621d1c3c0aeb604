//! Namespaces with what is in them folded away, where a picture would hold too much.

use super::drawn::{LONGEST_LABEL, cut, sorted};
use super::picture::{ChangeSign, EdgeEnd, Folded, GraphEdge, GraphNode, GraphNodeKind, Picture};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// More nodes than these are folded.
pub(super) const MOST_NODES: usize = 30;

/// More edges than these are folded.
pub(super) const MOST_EDGES: usize = 60;

/// More lines than these of one edge are counted.
const MOST_LINES: usize = 12;

/// The picture, its namespaces folded where it holds too much; those that are `open` stay so.
pub fn folded(picture: Picture, open: &[String]) -> Picture {
    let alone = picture.frames.ids().filter(|frame| !has_nodes(&picture, *frame)).count();
    if picture.nodes.len() + alone <= MOST_NODES && picture.edges.len() <= MOST_EDGES {
        return picture;
    }
    let is_open = |frame: usize| open.contains(&picture.frames[frame].name) || !has_nodes(&picture, frame);
    let shut: BTreeSet<usize> = picture.frames.ids().filter(|frame| !is_open(*frame)).collect();
    if shut.is_empty() {
        return picture;
    }
    let mut frames = picture.frames.clone();
    for frame in &shut {
        let nodes = picture.nodes.iter().filter(|node| node.frame == Some(*frame)).count();
        frames[*frame].folded = Some(Folded { nodes, edges: 0 });
    }
    let mut nodes: Table<usize, GraphNode> = Table::default();
    let mut places: BTreeMap<usize, EdgeEnd> = BTreeMap::new();
    for (place, node) in picture.nodes.iter().enumerate() {
        let spot = match node.frame.filter(|frame| shut.contains(frame)) {
            Some(frame) => EdgeEnd::Frame(frame),
            None => EdgeEnd::Node(nodes.push(node.clone())),
        };
        places.insert(place, spot);
    }
    let spot = |spot: EdgeEnd| match spot {
        EdgeEnd::Node(node) => places.get(&node).copied().unwrap_or(spot),
        EdgeEnd::Frame(_) => spot,
    };
    let mut joined: BTreeMap<(EdgeEnd, EdgeEnd), Vec<&GraphEdge>> = BTreeMap::new();
    for edge in &picture.edges {
        match (spot(edge.from), spot(edge.to)) {
            (EdgeEnd::Frame(from), EdgeEnd::Frame(to)) if from == to && shut.contains(&from) => {
                frames[from].folded.iter_mut().for_each(|folded| folded.edges += 1);
            }
            ends => joined.entry(ends).or_default().push(edge),
        }
    }
    let edges = joined.into_iter().map(|((from, to), edges)| join(&picture, from, to, &edges)).collect();
    let mut notes = picture.notes.clone();
    let (count, lines) = (picture.nodes.len(), picture.edges.len());
    notes.insert(
        0,
        format!("folded to namespaces, since there are {count} nodes and {lines} edges; `-n NAME` opens one"),
    );
    sorted(Picture { frames, nodes, edges, notes, verdict: picture.verdict.clone() })
}

/// Whether a namespace holds something that is drawn.
fn has_nodes(picture: &Picture, frame: usize) -> bool {
    picture.nodes.iter().any(|node| node.frame == Some(frame) && node.kind == GraphNodeKind::Pods)
}

/// Several edges as one.
fn join(picture: &Picture, from: EdgeEnd, to: EdgeEnd, edges: &[&GraphEdge]) -> GraphEdge {
    if let [one] = edges {
        let detail = if (one.from, one.to) == (from, to) { one.detail.clone() } else { picture.line(one) };
        return GraphEdge { from, to, detail, ..(*one).clone() };
    }
    let labels: BTreeSet<&str> = edges.iter().map(|edge| edge.label.as_str()).collect();
    let all = labels.iter().copied().collect::<Vec<_>>().join(", ");
    let label = match labels.len() {
        _ if all.chars().count() <= LONGEST_LABEL => all,
        count => format!("{count} port sets"),
    };
    let mut lines: Vec<String> = edges.iter().take(MOST_LINES).map(|edge| picture.line(edge)).collect();
    if let Some(more @ 1..) = edges.len().checked_sub(MOST_LINES) {
        lines.push(format!("and {more} more"));
    }
    let changes: BTreeSet<Option<ChangeSign>> = edges.iter().map(|edge| edge.change).collect();
    let change = match changes.iter().copied().collect::<Vec<_>>().as_slice() {
        [one] => *one,
        _ => Some(ChangeSign::Changed),
    };
    let certainty = edges.iter().map(|edge| edge.certainty).min();
    let certainty = certainty.unwrap_or(super::picture::Certainty::All);
    GraphEdge { from, to, label: cut(&label, LONGEST_LABEL), detail: lines.join("\n"), certainty, change }
}
