//! The outside: frames in columns by who calls whom, what is outside of the cluster at the edges, and what has no edge
//! below.

use super::inner::{FrameSides, Inner, inner};
use super::level::{BoxSide, Coordinate, Gaps, LayoutLevel, LevelItem, PlacedLevel, PortKey, Wire, WireEnd};
use super::nets::{Net, nets};
use super::rank::ranks;
use super::{
    BESIDE_SIZE, BOX_PADDING, EdgeLabel, EdgePath, HEAD, PictureLayout, Rect, folded_text, head_width, is_inside,
    label_rect, label_width, moved, node_size, simplified,
};
use crate::graph::picture::{EdgeEnd, Picture};
use crate::graph::text;
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

const GAPS: Gaps = Gaps { boxes: 30, lanes: 10, both: 20, zone: 14 };

/// What is free below the nodes of a frame.
const FOOT: i32 = 16;

/// Everything stands in a frame of this width.
const MARGIN: i32 = 24;

/// Rows of what has no edge are so wide at least.
const ROW_WIDTH: i32 = 720;

/// How much of the width of a row may be gone before its last box.
const BOX_GAP: i32 = 24;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stands {
    Frame(usize),
    /// A node outside of all frames, as the one that connects or not.
    Node(usize, bool),
}

pub(super) struct Outer<'a> {
    picture: &'a Picture,
    nets: Vec<Net>,
    all: Vec<Stands>,
    at: BTreeMap<Stands, usize>,
    columns: Vec<usize>,
    count: usize,
}

impl<'a> Outer<'a> {
    pub(super) fn new(picture: &'a Picture) -> Self {
        let nets = nets(picture);
        let mut outer = Outer { picture, nets, all: Vec::new(), at: BTreeMap::new(), columns: Vec::new(), count: 0 };
        let ends = picture.edges.iter().flat_map(|edge| [(edge.from, true), (edge.to, false)]);
        let found: BTreeSet<Stands> = ends.map(|(spot, is_source)| outer.stands(spot, is_source)).collect();
        // In the order of the picture.
        outer.all = picture.frames.ids().map(Stands::Frame).collect();
        outer.all.extend(found.into_iter().filter(|one| matches!(one, Stands::Node(..))));
        outer.at = outer.all.iter().copied().zip(0..).collect();
        outer.rank();
        outer
    }

    fn stands(&self, spot: EdgeEnd, is_source: bool) -> Stands {
        match (self.picture.frame_of(spot), spot) {
            (Some(frame), _) | (None, EdgeEnd::Frame(frame)) => Stands::Frame(frame),
            (None, EdgeEnd::Node(node)) => Stands::Node(node, is_source),
        }
    }

    /// The place of an end among all that stands in columns.
    fn place(&self, spot: EdgeEnd, is_source: bool) -> usize {
        self.at.get(&self.stands(spot, is_source)).copied().unwrap_or_default()
    }

    /// Finds the column of everything: frames by who calls whom, all others at the edges.
    fn rank(&mut self) {
        let frames = self.picture.frames.len();
        let mut calls: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        for edge in &self.picture.edges {
            if is_inside(self.picture, edge.from) && is_inside(self.picture, edge.to) {
                *calls.entry((self.place(edge.from, true), self.place(edge.to, false))).or_default() += 1;
            }
        }
        let ranks = ranks(frames, &calls);
        let last = ranks.iter().copied().max().map_or(0, |last| last + 2);
        let column = |one: &Stands| match one {
            Stands::Frame(frame) => ranks.get(*frame).copied().unwrap_or_default() + 1,
            Stands::Node(_, true) => 0,
            Stands::Node(_, false) => last.max(1),
        };
        let wired = self.wired();
        let columns: Vec<usize> = self.all.iter().map(column).collect();
        let used: BTreeSet<usize> = wired.iter().filter_map(|place| columns.get(*place)).copied().collect();
        let renumbered: BTreeMap<usize, usize> = used.iter().copied().zip(0..).collect();
        self.count = used.len();
        self.columns = columns.iter().map(|column| renumbered.get(column).copied().unwrap_or_default()).collect();
    }

    /// Those that an edge ties to another one, or to themselves as a whole.
    fn wired(&self) -> BTreeSet<usize> {
        let mut wired = BTreeSet::new();
        for edge in &self.picture.edges {
            let ends = [self.place(edge.from, true), self.place(edge.to, false)];
            let [from, to] = ends;
            if from != to || (edge.from == edge.to && matches!(edge.from, EdgeEnd::Frame(_))) {
                wired.extend(ends);
            }
        }
        wired
    }

    fn column(&self, place: usize) -> usize {
        self.columns.get(place).copied().unwrap_or_default()
    }

    /// The sides of a hub and of a rim at which they are tied.
    fn sides(&self, hub: usize, rim: usize) -> [BoxSide; 2] {
        match self.column(rim).cmp(&self.column(hub)) {
            std::cmp::Ordering::Greater => [BoxSide::Right, BoxSide::Left],
            std::cmp::Ordering::Less => [BoxSide::Left, BoxSide::Right],
            std::cmp::Ordering::Equal => [BoxSide::Right, BoxSide::Right],
        }
    }

    /// The ends of a net outside of frames: the hub, and for each rim its place where it is tied from outside.
    fn ends(&self, net: &Net) -> (usize, Vec<Option<usize>>) {
        let hub = self.place(net.hub, net.is_source);
        let rim = |(rim, _): &(EdgeEnd, usize)| {
            let place = self.place(*rim, !net.is_source);
            let whole = *rim == net.hub && matches!(rim, EdgeEnd::Frame(_));
            (place != hub || whole).then_some(place)
        };
        (hub, net.rims.iter().map(rim).collect())
    }

    pub(super) fn draw(self) -> PictureLayout {
        let mut sides: Vec<FrameSides> = vec![FrameSides::new(); self.all.len()];
        let mut wires: Table<usize, Wire> = Table::default();
        for (place, net) in self.nets.iter().enumerate() {
            let (hub, rims) = self.ends(net);
            let rims: BTreeSet<usize> = rims.into_iter().flatten().collect();
            for rim in &rims {
                let [here, there] = self.sides(hub, *rim);
                sides.get_mut(hub).into_iter().for_each(|all| _ = all.insert((place, here, WireEnd::Hub)));
                sides.get_mut(*rim).into_iter().for_each(|all| _ = all.insert((place, there, WireEnd::Rim)));
            }
            let is_hub_outside = !matches!(net.hub, EdgeEnd::Node(_)) || !is_inside(self.picture, net.hub);
            let label = if is_hub_outside { label_width(&net.label) } else { 0 };
            wires.push(Wire { hub, rims: rims.into_iter().collect(), label });
        }
        let inners: Vec<Option<Inner>> =
            self.all.iter().zip(&sides).map(|(one, sides)| self.inner(*one, sides)).collect();
        let mut items: Table<usize, LevelItem> = self
            .all
            .iter()
            .zip(&inners)
            .zip(0..)
            .map(|((one, inner), place)| self.item(*one, inner.as_ref(), place))
            .collect();
        let wired = self.wired();
        self.even(&inners, &wired, &mut items);
        // What has no edge has no place in a column.
        let mut kept: Table<usize, LevelItem> = Table::default();
        let at: BTreeMap<usize, usize> = wired.iter().map(|place| (*place, kept.push(items[*place].clone()))).collect();
        let new = |place: usize| at.get(&place).copied().unwrap_or_default();
        let has_ends = |wire: &Wire| !wire.rims.is_empty();
        let renumbered = |wire: &Wire| match has_ends(wire) {
            true => Wire { hub: new(wire.hub), rims: wire.rims.iter().map(|rim| new(*rim)).collect(), ..wire.clone() },
            false => Wire::default(),
        };
        let level = match kept.is_empty() {
            true => PlacedLevel::default(),
            false => LayoutLevel {
                items: kept,
                wires: wires.iter().map(renumbered).collect(),
                columns: self.count,
                gaps: GAPS,
            }
            .place(),
        };
        let mut rects: Vec<Rect> = vec![Rect::default(); self.all.len()];
        for (place, item) in &at {
            let [x, y] = level.corners.get(*item).copied().unwrap_or_default();
            let height = level.heights.get(*item).copied().unwrap_or_default();
            let rect = Rect { x: x + MARGIN, y: y + MARGIN, width: items[*place].width, height };
            rects.get_mut(*place).into_iter().for_each(|slot| *slot = rect);
        }
        let [width, height] = self.add_rest(&items, &wired, [level.width, level.height], &mut rects);
        let composer = LayoutComposer { outer: &self, inners: &inners, rects: &rects, level: &level, wires: &wires };
        let mut drawing =
            PictureLayout { width: width + 2 * MARGIN, height: height + 2 * MARGIN, ..PictureLayout::default() };
        composer.compose(&mut drawing);
        drawing
    }

    /// The inside of a frame with nodes.
    fn inner(&self, one: Stands, sides: &FrameSides) -> Option<Inner> {
        let Stands::Frame(frame) = one else { return None };
        let has_nodes = self.picture.nodes.iter().any(|node| node.frame == Some(frame));
        has_nodes.then(|| inner(self.picture, frame, &self.nets, sides))
    }

    fn item(&self, one: Stands, inner: Option<&Inner>, place: usize) -> LevelItem {
        let [width, height] = match (one, inner) {
            (Stands::Node(node, _), _) => node_size(self.picture, node),
            (Stands::Frame(frame), Some(inner)) => {
                [inner.width.max(head_width(self.picture, frame)), HEAD + inner.height + FOOT]
            }
            (Stands::Frame(frame), None) => {
                let folded = folded_text(self.picture, frame);
                let beside = folded.as_ref().map_or(0, |text| text::width(text, BESIDE_SIZE) + 2 * BOX_PADDING);
                [head_width(self.picture, frame).max(beside), if folded.is_some() { 58 } else { 42 }]
            }
        };
        let ports = inner.map(|inner| &inner.ports).into_iter().flatten();
        let offsets: BTreeMap<PortKey, i32> = ports.map(|(key, y)| (*key, y + HEAD)).collect();
        LevelItem { column: self.column(place), width, height, offsets, ..LevelItem::default() }
    }

    /// Makes all frames of a column as wide that hold nothing, and all of those that have no edge.
    fn even(&self, inners: &[Option<Inner>], wired: &BTreeSet<usize>, items: &mut Table<usize, LevelItem>) {
        let row = |place: usize| (!wired.contains(&place)).then_some(()).ok_or_else(|| self.column(place));
        let plain: Vec<usize> = self
            .all
            .iter()
            .zip(inners)
            .enumerate()
            .filter(|(_, (one, inner))| matches!(one, Stands::Frame(_)) && inner.is_none())
            .map(|(place, _)| place)
            .collect();
        let mut widest: BTreeMap<Result<(), usize>, i32> = BTreeMap::new();
        for place in &plain {
            let width = items[*place].width;
            widest.entry(row(*place)).and_modify(|known| *known = width.max(*known)).or_insert(width);
        }
        for place in plain {
            items[place].width = widest.get(&row(place)).copied().unwrap_or_default();
        }
    }

    /// Puts what has no edge below, in rows; tells the size of all.
    fn add_rest(
        &self,
        items: &Table<usize, LevelItem>,
        wired: &BTreeSet<usize>,
        [width, height]: [i32; 2],
        rects: &mut [Rect],
    ) -> [i32; 2] {
        let most = width.max(ROW_WIDTH);
        let mut size = [width, height];
        let (mut x, mut y) = (0, if height == 0 { 0 } else { height + GAPS.boxes });
        let mut row = 0;
        for (place, rect) in rects.iter_mut().enumerate().filter(|(place, _)| !wired.contains(place)) {
            let item = &items[place];
            if x > 0 && x + item.width > most {
                (x, y, row) = (0, y + row + BOX_GAP, 0);
            }
            *rect = Rect { x: x + MARGIN, y: y + MARGIN, width: item.width, height: item.height };
            row = row.max(item.height);
            let [wide, high] = size;
            size = [wide.max(x + item.width), high.max(y + row)];
            x += item.width + BOX_GAP;
        }
        size
    }
}

/// Puts the levels together.
struct LayoutComposer<'a> {
    outer: &'a Outer<'a>,
    inners: &'a [Option<Inner>],
    rects: &'a [Rect],
    level: &'a PlacedLevel,
    wires: &'a Table<usize, Wire>,
}

impl LayoutComposer<'_> {
    fn compose(&self, drawing: &mut PictureLayout) {
        for (place, one) in self.outer.all.iter().enumerate() {
            let rect = self.rect(place);
            match one {
                Stands::Frame(_) => drawing.frames.push(rect),
                Stands::Node(node, _) => drawing.nodes.push((*node, rect)),
            }
            if let Some(inner) = self.inner(place) {
                let [x, y] = self.origin(place);
                let nodes =
                    inner.nodes.iter().map(|(node, rect)| (*node, Rect { x: rect.x + x, y: rect.y + y, ..*rect }));
                drawing.nodes.extend(nodes);
            }
        }
        for (place, net) in self.outer.nets.iter().enumerate() {
            let (hub, rims) = self.outer.ends(net);
            for ((rim, edge), outside) in net.rims.iter().zip(rims) {
                let points = simplified(self.way(place, net, hub, *rim, outside));
                drawing.paths.push(EdgePath { edge: *edge, from_source: net.is_source, points });
            }
            self.label(place, net, hub, drawing);
        }
        drawing.paths.sort_by_key(|path| path.edge);
    }

    fn rect(&self, place: usize) -> Rect {
        self.rects.get(place).copied().unwrap_or_default()
    }

    fn inner(&self, place: usize) -> Option<&Inner> {
        self.inners.get(place).and_then(Option::as_ref)
    }

    /// Where the inside of a frame begins.
    fn origin(&self, place: usize) -> Coordinate {
        let rect = self.rect(place);
        let width = self.inner(place).map_or(0, |inner| inner.width);
        [rect.x + (rect.width - width) / 2, rect.y + HEAD]
    }

    fn way(&self, place: usize, net: &Net, hub: usize, rim: EdgeEnd, outside: Option<usize>) -> Vec<Coordinate> {
        let inside = |frame: usize, rim: EdgeEnd| {
            let route = self.inner(frame).and_then(|inner| inner.rims.get(&(place, rim)));
            route.map(|route| moved(route, self.origin(frame))).unwrap_or_default()
        };
        let Some(target) = outside else {
            let mut points = inside(hub, rim);
            let rect = self.rect(hub);
            // To or from the side of the frame itself.
            if matches!(rim, EdgeEnd::Frame(_))
                && let Some([_, y]) = points.last().copied()
            {
                points.push([rect.x + rect.width, y]);
            }
            if matches!(net.hub, EdgeEnd::Frame(_))
                && let Some([_, y]) = points.first().copied()
            {
                points.insert(0, [rect.x, y]);
            }
            return points;
        };
        let [side, _] = self.outer.sides(hub, target);
        let out = self.inner(hub).and_then(|inner| inner.out.get(&(place, side)));
        let mut points = out.map(|out| moved(out, self.origin(hub))).unwrap_or_default();
        let rims = &self.wires[place].rims;
        let route = rims.iter().position(|one| *one == target);
        let route = route.and_then(|at| self.level.routes.get(place)?.get(at));
        points.extend(route.map(|route| moved(route, [MARGIN; 2])).unwrap_or_default());
        if matches!(rim, EdgeEnd::Node(_)) {
            points.extend(inside(target, rim));
        }
        points
    }

    fn label(&self, place: usize, net: &Net, hub: usize, drawing: &mut PictureLayout) {
        let width = label_width(&net.label);
        let Some((_, edge)) = net.rims.first().filter(|_| width > 0) else { return };
        let mut add = |side: BoxSide, at: Coordinate| {
            let rect = label_rect(side, at, width);
            drawing.labels.push(EdgeLabel { edge: *edge, text: net.label.clone(), rect });
        };
        let is_node = matches!(net.hub, EdgeEnd::Node(_));
        if let Some(inner) = self.inner(hub) {
            let [x, y] = self.origin(hub);
            let own = inner.hubs.iter().filter(|(net, ..)| *net == place);
            own.for_each(|(_, side, [a, b])| add(*side, [a + x, b + y]));
            if is_node {
                return;
            }
        }
        for (side, point) in self.level.hubs.get(place).into_iter().flatten() {
            let [x, y] = *point;
            if !self.wires[place].rims.is_empty() {
                add(*side, [x + MARGIN, y + MARGIN]);
            }
        }
    }
}
