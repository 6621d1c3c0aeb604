#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::graph::picture::{Certainty, Closure, Folded, GraphEdge, GraphFrame, GraphNode, GraphNodeKind};

/// Numbers that look random, and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }
}

/// A picture of anything.
fn any(seed: u64) -> Picture {
    let mut dice = Dice(seed);
    let mut picture = Picture::default();
    for place in 0..dice.roll(8) {
        let closure = Closure::ALL.get(dice.roll(6)).copied();
        let folded = (dice.roll(6) == 0).then_some(Folded { nodes: 3, edges: dice.roll(3) });
        let frame = picture.frames.push(GraphFrame { name: format!("space-{place}"), closure, folded });
        for at in 0..if folded.is_some() { 0 } else { dice.roll(6) } {
            let beside = ["", "Deployment", "StatefulSet · partly closed"][dice.roll(3)].to_owned();
            let name = ["web", "a-very-long-name-of-a-workload-that-is-cut", "数据库"][dice.roll(3)];
            let (name, full) = (format!("{name}{at}"), format!("space-{place}/{name}{at}"));
            picture.nodes.push(GraphNode { frame: Some(frame), kind: GraphNodeKind::Pods, name, beside, full });
        }
    }
    for place in 0..dice.roll(5) {
        let kind = [GraphNodeKind::Many, GraphNodeKind::Outside, GraphNodeKind::Internet][dice.roll(3)];
        let name = format!("outside-{place}");
        let full = name.clone();
        picture.nodes.push(GraphNode { frame: None, kind, name, beside: String::new(), full });
    }
    let spots: Vec<EdgeEnd> =
        picture.frames.ids().map(EdgeEnd::Frame).chain(picture.nodes.ids().map(EdgeEnd::Node)).collect();
    if spots.is_empty() {
        return picture;
    }
    for _ in 0..dice.roll(50) {
        let (from, to) = (spots[dice.roll(spots.len())], spots[dice.roll(spots.len())]);
        // Addresses connect to nobody but pods.
        let is_outside = |spot: EdgeEnd| matches!(spot, EdgeEnd::Node(node) if picture.nodes[node].frame.is_none());
        if is_outside(from) && is_outside(to) {
            continue;
        }
        let label = ["80/tcp", "{443, 8443}/tcp", "every port", ""][dice.roll(4)].to_owned();
        let certainty = [Certainty::All, Certainty::All, Certainty::Some, Certainty::Unknown][dice.roll(4)];
        picture.edges.push(GraphEdge { from, to, detail: label.clone(), label, certainty, change: None });
    }
    picture
}

impl Rect {
    fn overlaps(&self, other: &Rect) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    fn holds(&self, other: &Rect) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.x + other.width <= self.x + self.width
            && other.y + other.height <= self.y + self.height
    }

    fn touches(&self, [x, y]: Coordinate) -> bool {
        let (right, bottom) = (self.x + self.width, self.y + self.height);
        let beside = (x == self.x || x == right) && (self.y..=bottom).contains(&y);
        beside || ((y == self.y || y == bottom) && (self.x..=right).contains(&x))
    }
}

/// What a straight piece of a way passes, without its borders.
fn piece([a, b]: Coordinate, [c, d]: Coordinate) -> Rect {
    Rect { x: a.min(c), y: b.min(d), width: (a - c).abs(), height: (b - d).abs() }
}

/// Whether a piece goes through a box, and not along its border.
fn goes_through(piece: &Rect, rect: &Rect) -> bool {
    let within = |from: i32, long: i32, low: i32, size: i32| from < low + size && low < from + long;
    let beside = |at: i32, low: i32, size: i32| low < at && at < low + size;
    match (piece.width, piece.height) {
        (0, _) => beside(piece.x, rect.x, rect.width) && within(piece.y, piece.height, rect.y, rect.height),
        (_, _) => beside(piece.y, rect.y, rect.height) && within(piece.x, piece.width, rect.x, rect.width),
    }
}

/// The box of an end, of which a node outside of all frames has two.
fn boxes(drawing: &PictureLayout, spot: EdgeEnd) -> Vec<Rect> {
    match spot {
        EdgeEnd::Frame(frame) => vec![drawing.frames[frame]],
        EdgeEnd::Node(node) => drawing.nodes.iter().filter(|(one, _)| *one == node).map(|(_, rect)| *rect).collect(),
    }
}

fn judge(seed: u64, picture: &Picture, drawing: &PictureLayout) {
    let sheet = Rect { x: 0, y: 0, width: drawing.width, height: drawing.height };
    let heads: Vec<Rect> = drawing
        .frames
        .iter()
        .enumerate()
        .map(|(place, frame)| {
            let has_nodes = picture.nodes.iter().any(|node| node.frame == Some(place));
            let height = if has_nodes { HEAD } else { frame.height };
            assert!(frame.width >= head_width(picture, place), "seed {seed}: the head of {place} is cut");
            Rect { height, ..*frame }
        })
        .collect();
    let texts: Vec<Rect> = heads.iter().chain(drawing.nodes.iter().map(|(_, rect)| rect)).copied().collect();
    let labels = drawing.labels.iter().map(|label| label.rect);
    let all: Vec<Rect> = texts.iter().copied().chain(labels).collect();
    for (place, one) in all.iter().enumerate() {
        assert!(sheet.holds(one), "seed {seed}: {one:?} leaves the sheet");
        let over = all[place + 1..].iter().find(|other| one.overlaps(other));
        assert!(over.is_none(), "seed {seed}: {one:?} lies over {over:?}");
    }
    for (place, one) in drawing.frames.iter().enumerate() {
        assert!(!drawing.frames[place + 1..].iter().any(|other| one.overlaps(other)), "seed {seed}: frame over frame");
    }
    for (node, rect) in &drawing.nodes {
        let frame = picture.nodes[*node].frame;
        assert!(frame.is_none_or(|frame| drawing.frames[frame].holds(rect)), "seed {seed}: a node leaves its frame");
        let [width, height] = node_size(picture, *node);
        assert!(rect.width >= width && rect.height >= height, "seed {seed}: a name is cut");
    }
    assert_eq!(drawing.paths.iter().map(|path| path.edge).collect::<Vec<_>>(), picture.edges.ids().collect::<Vec<_>>());
    for path in &drawing.paths {
        judge_path(seed, picture, drawing, path);
    }
}

fn judge_path(seed: u64, picture: &Picture, drawing: &PictureLayout, path: &EdgePath) {
    let edge = &picture.edges[path.edge];
    let (hub, rim) = if path.from_source { (edge.from, edge.to) } else { (edge.to, edge.from) };
    let (first, last) = (*path.points.first().unwrap(), *path.points.last().unwrap());
    assert!(path.points.len() > 1, "seed {seed}: edge {edge:?} goes nowhere");
    assert!(boxes(drawing, hub).iter().any(|rect| rect.touches(first)), "seed {seed}: {edge:?} begins at {first:?}");
    assert!(boxes(drawing, rim).iter().any(|rect| rect.touches(last)), "seed {seed}: {edge:?} ends at {last:?}");
    let own = [picture.frame_of(edge.from), picture.frame_of(edge.to)];
    for pair in path.points.windows(2) {
        let one = piece(pair[0], pair[1]);
        assert!(one.width == 0 || one.height == 0, "seed {seed}: {edge:?} goes across");
        let node = drawing.nodes.iter().find(|(_, rect)| goes_through(&one, rect));
        assert!(node.is_none(), "seed {seed}: {edge:?} goes through node {node:?} at {one:?}");
        let foreign = drawing.frames.iter().enumerate().filter(|(place, _)| !own.contains(&Some(*place)));
        let frame = foreign.map(|(_, rect)| rect).find(|rect| goes_through(&one, rect));
        assert!(frame.is_none(), "seed {seed}: {edge:?} goes through frame {frame:?} at {one:?}");
        // Those who share a label share the way beside it.
        let is_foreign = |label: &&EdgeLabel| {
            let other = &picture.edges[label.edge];
            let shares = [(edge.from, other.from), (edge.to, other.to)].iter().any(|(own, its)| own == its);
            !(shares && label.text == edge.label)
        };
        let label = drawing.labels.iter().filter(is_foreign).find(|label| goes_through(&one, &label.rect));
        assert!(label.is_none(), "seed {seed}: {edge:?} goes through the label {label:?}");
    }
}

#[test]
fn nothing_lies_over_something_else_and_no_edge_goes_through_a_box() {
    for seed in 0..600 {
        let picture = any(seed);
        let drawing = layout(&picture);
        judge(seed, &picture, &drawing);
        let labelled = |edge: usize| drawing.labels.iter().any(|label| label.text == picture.edges[edge].label);
        let unlabelled = picture.edges.ids().find(|edge| !picture.edges[*edge].label.is_empty() && !labelled(*edge));
        assert!(unlabelled.is_none(), "seed {seed}: {unlabelled:?} has no label");
    }
}

#[test]
fn the_same_picture_is_drawn_in_the_same_way() {
    for seed in 0..50 {
        let (one, other) = (layout(&any(seed)), layout(&any(seed)));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
    }
}

#[test]
fn a_way_has_no_points_that_change_nothing() {
    let way = vec![[0, 0], [5, 0], [5, 0], [9, 0], [9, 4], [9, 4]];
    assert_eq!(simplified(way), [[0, 0], [9, 0], [9, 4]]);
}
