//! The ends of a picture for languages that lay it out themselves. All pods of a frame stand in it as a node of their own,
//! since not all of these languages know edges of frames.

use super::picture::{EdgeEnd, Picture};
use std::collections::BTreeSet;

/// What all pods of a frame are called in it.
pub(super) const EVERY_POD: &str = "every pod";

/// The frames that edges end at.
pub(super) fn whole_frames(picture: &Picture) -> BTreeSet<usize> {
    let ends = picture.edges.iter().flat_map(|edge| [edge.from, edge.to]);
    let frame = |spot: EdgeEnd| match spot {
        EdgeEnd::Frame(frame) => Some(frame),
        EdgeEnd::Node(_) => None,
    };
    ends.filter_map(frame).collect()
}

/// A name that is safe in every language.
pub(super) fn id(spot: EdgeEnd) -> String {
    match spot {
        EdgeEnd::Frame(frame) => format!("a{}", frame + 1),
        EdgeEnd::Node(node) => format!("n{}", node + 1),
    }
}

/// The nodes of a frame.
pub(super) fn nodes_of(picture: &Picture, frame: usize) -> impl Iterator<Item = usize> {
    picture.nodes.ids().filter(move |node| picture.nodes[*node].frame == Some(frame))
}
