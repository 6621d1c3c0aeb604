//! Where everything of a picture is: namespaces in columns by who calls whom, their tiers inside in columns of their own,
//! and edges that go around both. In whole numbers, so that the same picture is the same everywhere.

mod inner;
mod level;
mod nets;
mod order;
mod outer;
mod place;
mod rank;
mod tracks;

#[cfg(test)]
mod tests;

use super::picture::{EdgeEnd, Picture};
use super::text;
use level::BoxSide;

/// A point, from the upper left corner to the right and down.
pub(super) type Coordinate = [i32; 2];

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// Where everything is.
#[derive(Debug, Clone, Default)]
pub(super) struct PictureLayout {
    pub width: i32,
    pub height: i32,
    /// The frames, in their order.
    pub frames: Vec<Rect>,
    /// Nodes. Those outside of all namespaces are there twice when they connect and are connected to.
    pub nodes: Vec<(usize, Rect)>,
    /// Edges, from the end that has the label.
    pub paths: Vec<EdgePath>,
    /// What stands beside edges.
    pub labels: Vec<EdgeLabel>,
}

/// The way of an edge.
#[derive(Debug, Clone)]
pub(super) struct EdgePath {
    pub edge: usize,
    /// Whether it is drawn from its source on.
    pub from_source: bool,
    pub points: Vec<Coordinate>,
}

/// Ports beside an edge.
#[derive(Debug, Clone)]
pub(super) struct EdgeLabel {
    /// One of the edges that it belongs to.
    pub edge: usize,
    pub text: String,
    pub rect: Rect,
}

/// The sizes of letters.
pub(super) const NAME_SIZE: usize = 13;
pub(super) const BESIDE_SIZE: usize = 10;
pub(super) const LABEL_SIZE: usize = 11;
pub(super) const FRAME_SIZE: usize = 13;
pub(super) const BADGE_SIZE: usize = 11;

/// How high the head of a frame is.
pub(super) const HEAD: i32 = 36;

/// How high a label is.
const LABEL_HEIGHT: i32 = 16;

/// How long the arrow is beside which a label stands.
pub(super) const ARROW: i32 = 8;

/// What is free between a label and an arrow or a box.
const LABEL_GAP: i32 = 4;

/// How far letters are from the sides of a box.
pub(super) const BOX_PADDING: i32 = 14;

/// More letters of a name than these are cut.
pub(super) const LONGEST_NAME: usize = 32;

/// Lays a picture out.
pub(super) fn layout(picture: &Picture) -> PictureLayout {
    outer::Outer::new(picture).draw()
}

/// The name of a node or a frame as it is written there.
pub(super) fn shown(name: &str) -> String {
    super::drawn::cut(name, LONGEST_NAME)
}

/// The size of a node alone.
pub(super) fn node_size(picture: &Picture, node: usize) -> [i32; 2] {
    let node = &picture.nodes[node];
    let icon = if node.kind == super::picture::GraphNodeKind::Internet { 20 } else { 0 };
    let name = text::width(&shown(&node.name), NAME_SIZE) + icon;
    let beside = text::width(&shown(&node.beside), BESIDE_SIZE);
    [(name.max(beside) + 2 * BOX_PADDING).max(84), if node.beside.is_empty() { 34 } else { 46 }]
}

/// How wide the head of a frame is.
pub(super) fn head_width(picture: &Picture, frame: usize) -> i32 {
    let frame = &picture.frames[frame];
    let badge = frame.closure.map_or(0, |closure| text::width(closure.word(), BADGE_SIZE) + 38);
    text::width(&shown(&frame.name), FRAME_SIZE) + badge + 2 * BOX_PADDING
}

/// What a folded frame says below its name.
pub(super) fn folded_text(picture: &Picture, frame: usize) -> Option<String> {
    let folded = picture.frames[frame].folded?;
    let count = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let nodes = count(folded.nodes, "node", "nodes");
    Some(match folded.edges {
        0 => nodes,
        edges => format!("{nodes}, {} inside", count(edges, "edge", "edges")),
    })
}

/// Where a label stands beside the end of an edge.
fn label_rect(side: BoxSide, [x, y]: Coordinate, width: i32) -> Rect {
    let gap = ARROW + LABEL_GAP;
    let x = if side == BoxSide::Right { x + gap } else { x - gap - width };
    Rect { x, y: y - LABEL_HEIGHT / 2, width, height: LABEL_HEIGHT }
}

/// How wide a label is.
fn label_width(label: &str) -> i32 {
    if label.is_empty() { 0 } else { text::width(label, LABEL_SIZE) + 6 }
}

/// A way without points that change nothing.
fn simplified(points: Vec<Coordinate>) -> Vec<Coordinate> {
    let mut simple: Vec<Coordinate> = Vec::with_capacity(points.len());
    for point in points {
        if simple.last() == Some(&point) {
            continue;
        }
        if let [.., before, last] = simple.as_slice() {
            let straight = |axis: fn(&Coordinate) -> i32| axis(before) == axis(last) && axis(last) == axis(&point);
            if straight(|[x, _]| *x) || straight(|[_, y]| *y) {
                simple.pop();
            }
        }
        simple.push(point);
    }
    simple
}

fn moved(points: &[Coordinate], [x, y]: Coordinate) -> Vec<Coordinate> {
    points.iter().map(|[a, b]| [a + x, b + y]).collect()
}

/// Whether an end is a frame or in one.
fn is_inside(picture: &Picture, spot: EdgeEnd) -> bool {
    picture.frame_of(spot).is_some()
}
