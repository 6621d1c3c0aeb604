//! The inside of a frame: its nodes in columns, and the ways of edges from its sides to them.

use super::level::{BoxSide, Coordinate, Gaps, LayoutLevel, LevelItem, PlacedLevel, PortKey, Wire, WireEnd};
use super::nets::Net;
use super::rank::ranks;
use super::{Rect, label_width, node_size};
use crate::graph::picture::{EdgeEnd, Picture};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

const GAPS: Gaps = Gaps { boxes: 16, lanes: 10, both: 14, zone: 12 };

/// Of more frames than these none is wider than its widest node.
const MOST_WIDE: usize = 3;

/// What is free around nodes that have no edge.
const LONELY_GAP: i32 = 14;

/// Which sides of a frame a net is at.
pub(super) type FrameSides = BTreeSet<(usize, BoxSide, WireEnd)>;

/// The inside of a frame, from its upper left corner on.
#[derive(Debug, Clone, Default)]
pub(super) struct Inner {
    pub width: i32,
    pub height: i32,
    pub nodes: Vec<(usize, Rect)>,
    /// How high nets go through the sides.
    pub ports: BTreeMap<PortKey, i32>,
    /// From hubs inside to a side.
    pub out: BTreeMap<(usize, BoxSide), Vec<Coordinate>>,
    /// To rims inside, from the hub or from a side.
    pub rims: BTreeMap<(usize, EdgeEnd), Vec<Coordinate>>,
    /// Where nets leave hubs inside.
    pub hubs: Vec<(usize, BoxSide, Coordinate)>,
}

/// What a wire of the level is.
struct WireMeaning {
    net: usize,
    /// For each rim, the end that it is or the side that it goes to.
    rims: Vec<Result<EdgeEnd, BoxSide>>,
    has_hub: bool,
}

struct InnerBuilder<'a> {
    picture: &'a Picture,
    frame: usize,
    items: Table<usize, LevelItem>,
    of_node: BTreeMap<usize, usize>,
    of_side: BTreeMap<PortKey, usize>,
    /// The sides beside which labels stand.
    labelled: BTreeSet<PortKey>,
    wires: Table<usize, Wire>,
    meanings: Vec<WireMeaning>,
}

/// Lays out the inside of a frame.
pub(super) fn inner(picture: &Picture, frame: usize, nets: &[Net], sides: &FrameSides) -> Inner {
    let nodes: Vec<usize> = picture.nodes.ids().filter(|node| picture.nodes[*node].frame == Some(frame)).collect();
    let is_here = |spot: &EdgeEnd| picture.frame_of(*spot) == Some(frame);
    let ends = nets.iter().flat_map(|net| net.rims.iter().map(|(rim, _)| *rim).chain([net.hub]));
    let tied: BTreeSet<EdgeEnd> = ends.filter(is_here).collect();
    let (wired, lonely): (Vec<usize>, Vec<usize>) =
        nodes.into_iter().partition(|node| tied.contains(&EdgeEnd::Node(*node)));
    let mut builder = InnerBuilder {
        picture,
        frame,
        items: Table::default(),
        of_node: BTreeMap::new(),
        of_side: BTreeMap::new(),
        labelled: labelled(frame, nets),
        wires: Table::default(),
        meanings: Vec::new(),
    };
    let columns = builder.add_nodes(&wired, nets);
    for (place, net) in nets.iter().enumerate() {
        builder.add_net(place, net, sides, columns);
    }
    let level =
        LayoutLevel { items: builder.items.clone(), wires: builder.wires.clone(), columns: columns + 2, gaps: GAPS };
    let placed = level.place();
    let mut inner = builder.read(&placed);
    if wired.is_empty() {
        (inner.width, inner.height) =
            (inner.width.max(2 * LONELY_GAP), if sides.is_empty() { 0 } else { inner.height });
    }
    add_lonely(picture, &lonely, &mut inner);
    inner
}

/// The sides of a frame beside which labels stand: those of nets that have all of it as their hub.
fn labelled(frame: usize, nets: &[Net]) -> BTreeSet<PortKey> {
    let own = nets.iter().enumerate().filter(|(_, net)| net.hub == EdgeEnd::Frame(frame));
    own.flat_map(|(place, _)| [BoxSide::Left, BoxSide::Right].map(|side| (side, place, WireEnd::Hub))).collect()
}

impl InnerBuilder<'_> {
    /// Adds the nodes, and tells how many columns they take.
    fn add_nodes(&mut self, nodes: &[usize], nets: &[Net]) -> usize {
        let place: BTreeMap<usize, usize> = nodes.iter().copied().zip(0..).collect();
        let mut calls: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let at = |spot: EdgeEnd| match spot {
            EdgeEnd::Node(node) => place.get(&node).copied(),
            EdgeEnd::Frame(_) => None,
        };
        for (net, (rim, _)) in nets.iter().flat_map(|net| net.rims.iter().map(move |rim| (net, rim))) {
            let (from, to) = if net.is_source { (net.hub, *rim) } else { (*rim, net.hub) };
            if let (Some(from), Some(to)) = (at(from), at(to)) {
                *calls.entry((from, to)).or_default() += 1;
            }
        }
        let ranks = ranks(nodes.len(), &calls);
        // Among many frames, each is as narrow as it can be: one column, callers above.
        let is_stacked = self.picture.frames.len() > MOST_WIDE;
        let mut nodes: Vec<(usize, usize)> = nodes.iter().copied().zip(ranks).collect();
        if is_stacked {
            nodes.sort_by_key(|(_, rank)| *rank);
            nodes.iter_mut().for_each(|(_, rank)| *rank = 0);
        }
        let columns = nodes.iter().map(|(_, rank)| *rank).max().map_or(0, |last| last + 1);
        // All of one column are as wide.
        let mut widths: BTreeMap<usize, i32> = BTreeMap::new();
        for (node, rank) in &nodes {
            let [width, _] = node_size(self.picture, *node);
            widths.entry(*rank).and_modify(|known| *known = width.max(*known)).or_insert(width);
        }
        for (node, rank) in &nodes {
            let [_, height] = node_size(self.picture, *node);
            let width = widths.get(rank).copied().unwrap_or_default();
            let item = LevelItem { column: rank + 1, width, height, ..LevelItem::default() };
            self.of_node.insert(*node, self.items.push(item));
        }
        columns
    }

    /// The item of a side for a net.
    fn side(&mut self, key: PortKey, columns: usize) -> usize {
        if let Some(known) = self.of_side.get(&key) {
            return *known;
        }
        let (side, ..) = key;
        let column = if side == BoxSide::Left { 0 } else { columns + 1 };
        let item =
            self.items.push(LevelItem { column, is_labelled: self.labelled.contains(&key), ..LevelItem::default() });
        self.of_side.insert(key, item);
        item
    }

    fn node(&self, spot: EdgeEnd) -> Option<usize> {
        match spot {
            EdgeEnd::Node(node) => self.of_node.get(&node).copied(),
            EdgeEnd::Frame(_) => None,
        }
    }

    fn add_net(&mut self, place: usize, net: &Net, sides: &FrameSides, columns: usize) {
        let own: Vec<(BoxSide, WireEnd)> =
            sides.iter().filter(|(of, ..)| *of == place).map(|(_, side, role)| (*side, *role)).collect();
        for (side, role) in &own {
            self.side((*side, place, *role), columns);
        }
        let rims: Vec<EdgeEnd> = net.rims.iter().map(|(rim, _)| *rim).collect();
        let inside: Vec<(Result<EdgeEnd, BoxSide>, usize)> =
            rims.iter().filter_map(|rim| Some((Ok(*rim), self.node(*rim)?))).collect();
        let label = label_width(&net.label);
        if let Some(hub) = self.node(net.hub) {
            let mut ends = inside;
            if rims.contains(&EdgeEnd::Frame(self.frame)) {
                ends.push((Ok(EdgeEnd::Frame(self.frame)), self.side((BoxSide::Right, place, WireEnd::Rim), columns)));
            }
            for (side, _) in own.iter().filter(|(_, role)| *role == WireEnd::Hub) {
                ends.push((Err(*side), self.side((*side, place, WireEnd::Hub), columns)));
            }
            self.wire(place, hub, ends, label, true);
        } else if net.hub == EdgeEnd::Frame(self.frame) {
            if !inside.is_empty() {
                let hub = self.side((BoxSide::Left, place, WireEnd::Hub), columns);
                self.wire(place, hub, inside, label, true);
            }
        } else if let Some((side, role)) = own.first() {
            let hub = self.side((*side, place, *role), columns);
            self.wire(place, hub, inside, 0, false);
        }
    }

    fn wire(
        &mut self,
        net: usize,
        hub: usize,
        ends: Vec<(Result<EdgeEnd, BoxSide>, usize)>,
        label: i32,
        has_hub: bool,
    ) {
        if ends.is_empty() {
            return;
        }
        let (rims, items) = ends.into_iter().unzip();
        self.wires.push(Wire { hub, rims: items, label });
        self.meanings.push(WireMeaning { net, rims, has_hub });
    }

    fn read(&self, placed: &PlacedLevel) -> Inner {
        let mut inner = Inner { width: placed.width, height: placed.height, ..Inner::default() };
        let corner = |item: usize| placed.corners.get(item).copied().unwrap_or_default();
        for (node, item) in &self.of_node {
            let [x, y] = corner(*item);
            let height = placed.heights.get(*item).copied().unwrap_or_default();
            inner.nodes.push((*node, Rect { x, y, width: self.items[*item].width, height }));
        }
        for (key, item) in &self.of_side {
            let [_, y] = corner(*item);
            inner.ports.insert(*key, y);
        }
        for ((meaning, routes), hubs) in self.meanings.iter().zip(&placed.routes).zip(&placed.hubs) {
            for (rim, route) in meaning.rims.iter().zip(routes) {
                match rim {
                    Ok(spot) => _ = inner.rims.insert((meaning.net, *spot), route.clone()),
                    Err(side) => _ = inner.out.insert((meaning.net, *side), route.clone()),
                }
            }
            if meaning.has_hub {
                inner.hubs.extend(hubs.iter().map(|(side, point)| (meaning.net, *side, *point)));
            }
        }
        inner
    }
}

/// Adds the nodes without an edge in rows below the others.
fn add_lonely(picture: &Picture, nodes: &[usize], inner: &mut Inner) {
    if nodes.is_empty() {
        return;
    }
    let sizes: Vec<[i32; 2]> = nodes.iter().map(|node| node_size(picture, *node)).collect();
    let width = sizes.iter().map(|[width, _]| *width).max().unwrap_or_default();
    let height = sizes.iter().map(|[_, height]| *height).max().unwrap_or_default();
    let room = (inner.width - LONELY_GAP) / (width + LONELY_GAP);
    let square = i32::try_from(nodes.len().isqrt().max(1)).unwrap_or(1);
    let columns = room.max(square);
    let top = if inner.height == 0 { 0 } else { inner.height + LONELY_GAP };
    for (node, place) in nodes.iter().zip(0..) {
        let x = LONELY_GAP + (place % columns) * (width + LONELY_GAP);
        let y = top + (place / columns) * (height + LONELY_GAP);
        inner.nodes.push((*node, Rect { x, y, width, height }));
        inner.width = inner.width.max(x + width + LONELY_GAP);
        inner.height = inner.height.max(y + height);
    }
}
