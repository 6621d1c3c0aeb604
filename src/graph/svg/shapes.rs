//! WireLines, arrows and small signs.

use crate::graph::layout::{ARROW, BADGE_SIZE, Coordinate};
use crate::graph::picture::Closure;
use crate::graph::text;
use std::fmt::Write as _;

/// How round the corners of lines are.
const ROUND: i32 = 7;

/// A way with round corners. It ends inside the arrow.
pub(super) fn way(points: &[Coordinate], arrow_at_end: bool) -> String {
    let points = shortened(points, arrow_at_end);
    let mut text = String::new();
    let Some(([x, y], rest)) = points.split_first() else { return text };
    let _ = write!(text, "M{x} {y}");
    let mut before = [*x, *y];
    for (at, point) in rest.iter().enumerate() {
        let [x, y] = *point;
        let Some(next) = rest.get(at + 1) else {
            let _ = write!(text, "L{x} {y}");
            break;
        };
        let round = (distance(before, *point) / 2).min(distance(*point, *next) / 2).min(ROUND);
        let ([a, b], [c, d]) = (toward(*point, before, round), toward(*point, *next, round));
        let _ = write!(text, "L{a} {b}Q{x} {y} {c} {d}");
        before = *point;
    }
    text
}

/// The arrow of a way.
pub(super) fn tip(points: &[Coordinate], arrow_at_end: bool) -> String {
    let ends = match (points, arrow_at_end) {
        ([.., before, last], true) => Some((*last, *before)),
        ([first, behind, ..], false) => Some((*first, *behind)),
        _ => None,
    };
    let Some(([x, y], beside)) = ends else { return String::new() };
    let [a, b] = toward([x, y], beside, ARROW);
    let (wide, high) = ((b - y).signum() * 4, (a - x).signum() * 4);
    format!("M{x} {y}L{} {}L{} {}Z", a + wide, b + high, a - wide, b - high)
}

fn shortened(points: &[Coordinate], arrow_at_end: bool) -> Vec<Coordinate> {
    let mut points = points.to_vec();
    if !arrow_at_end {
        points.reverse();
    }
    if let [.., before, last] = points.as_mut_slice() {
        *last = toward(*last, *before, (ARROW - 2).min(distance(*last, *before)));
    }
    if !arrow_at_end {
        points.reverse();
    }
    points
}

/// How far two points on one line are apart.
fn distance([a, b]: Coordinate, [c, d]: Coordinate) -> i32 {
    (a - c).abs() + (b - d).abs()
}

/// The point so far from one in the direction of another.
fn toward([x, y]: Coordinate, [a, b]: Coordinate, far: i32) -> Coordinate {
    [x + (a - x).signum() * far, y + (b - y).signum() * far]
}

/// How wide a badge is at most.
pub(super) fn badge_width(word: &str) -> i32 {
    text::width(word, BADGE_SIZE)
}

/// A lock, shut as far as the pods are isolated.
pub(super) fn lock(x: i32, y: i32, closure: Closure) -> String {
    let left = x + 2;
    let top = y + 5;
    let shackle = match closure {
        Closure::Closed => format!("M{left} {top}v-2a3 3 0 0 1 6 0v2"),
        Closure::HalfOpen(_) | Closure::Partly => format!("M{left} {top}v-3a3 3 0 0 1 6 0v1"),
        Closure::Open => format!("M{left} {top}v-4a3 3 0 0 1 6 0"),
    };
    format!(
        "<g class=\"icon\"><path d=\"{shackle}\"/><rect class=\"body\" x=\"{x}\" y=\"{top}\" width=\"10\" height=\"6\" rx=\"1\"/></g>\n"
    )
}

/// A globe around a point.
pub(super) fn globe(x: i32, y: i32) -> String {
    format!(
        "<g class=\"globe\"><circle cx=\"{x}\" cy=\"{y}\" r=\"7\"/><ellipse cx=\"{x}\" cy=\"{y}\" rx=\"3\" ry=\"7\"/>\
         <path d=\"M{} {y}h14\"/></g>\n",
        x - 7
    )
}
