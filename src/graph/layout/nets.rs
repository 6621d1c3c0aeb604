//! Edges that are drawn as one: the callers of one port, or those whom one calls on the same port.

use crate::graph::picture::{Certainty, ChangeSign, EdgeEnd, GraphEdge, Picture};
use std::collections::{BTreeMap, BTreeSet};

/// Edges with one label, which stands beside the end that they have in common.
#[derive(Debug, Clone)]
pub(super) struct Net {
    pub hub: EdgeEnd,
    /// Whether the hub is who connects.
    pub is_source: bool,
    /// The other ends, each with its edge.
    pub rims: Vec<(EdgeEnd, usize)>,
    pub label: String,
}

/// What edges have in common that can be one net.
type NetKey<'a> = (bool, EdgeEnd, &'a str, Certainty, Option<ChangeSign>);

/// The nets of a picture, each edge in one.
pub(super) fn nets(picture: &Picture) -> Vec<Net> {
    let mut groups: BTreeMap<NetKey<'_>, Vec<usize>> = BTreeMap::new();
    for (place, edge) in picture.edges.iter().enumerate() {
        for is_source in [false, true] {
            let hub = if is_source { edge.from } else { edge.to };
            let key = (is_source, hub, edge.label.as_str(), edge.certainty, edge.change);
            groups.entry(key).or_default().push(place);
        }
    }
    let mut groups: Vec<(NetKey<'_>, Vec<usize>)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, edges)| std::cmp::Reverse(edges.len()));
    let mut left: BTreeSet<usize> = picture.edges.ids().collect();
    let mut nets = Vec::new();
    for ((is_source, hub, label, ..), edges) in groups {
        let other = |edge: &GraphEdge| if is_source { edge.to } else { edge.from };
        let rims = edges.into_iter().filter(|edge| left.remove(edge));
        let rims: Vec<(EdgeEnd, usize)> = rims.map(|edge| (other(&picture.edges[edge]), edge)).collect();
        if !rims.is_empty() {
            nets.push(Net { hub, is_source, rims, label: label.to_owned() });
        }
    }
    nets.sort_by_key(|net| net.rims.iter().map(|(_, edge)| *edge).min());
    nets
}
