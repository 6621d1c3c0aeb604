//! What stands below a picture: its signs, as far as they are in it, and what there is to know beside it.

use super::{closure_class, shapes};
use crate::graph::escape::xml;
use crate::graph::picture::{Certainty, ChangeSign, Closure, Picture};
use crate::graph::text;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// How high a line is.
const LINE: i32 = 20;

/// Where lines begin.
const LEFT: i32 = 24;

/// How wide a sign is, with what is free behind it.
const SIGN: i32 = 36;

/// How large the letters are.
const SIZE: usize = 11;

/// Writes the lines below `top`, and tells where they end.
pub(super) fn legend(picture: &Picture, width: i32, top: i32, out: &mut String) -> i32 {
    let mut y = top + 6;
    let room = width - 2 * LEFT;
    let mut x = LEFT;
    let mut lines = 0;
    for (sign, meaning) in signs(picture) {
        let wide = SIGN + text::width(&meaning, SIZE) + 12;
        if x > LEFT && x + wide > LEFT + room {
            (x, y) = (LEFT, y + LINE);
        }
        out.push_str(&sign(x, y));
        let _ = writeln!(out, "<text class=\"note\" x=\"{}\" y=\"{}\">{}</text>", x + SIGN, y + 4, xml(&meaning));
        x += wide;
        lines += 1;
    }
    if lines > 0 {
        y += LINE;
    }
    for note in &picture.notes {
        for line in wrapped(note, room) {
            let _ = writeln!(out, "<text class=\"note\" x=\"{LEFT}\" y=\"{}\">{}</text>", y + 4, xml(&line));
            y += LINE;
        }
    }
    y + if lines > 0 || !picture.notes.is_empty() { 0 } else { -6 }
}

/// How a sign is drawn at a place, and what it means.
type LegendSign = (Box<dyn Fn(i32, i32) -> String>, String);

fn signs(picture: &Picture) -> Vec<LegendSign> {
    let mut signs: Vec<LegendSign> = Vec::new();
    let closures: BTreeSet<Closure> = picture.frames.iter().filter_map(|frame| frame.closure).collect();
    for closure in Closure::ALL.into_iter().filter(|closure| closures.contains(closure)) {
        let draw = move |x: i32, y: i32| {
            let class = closure_class(Some(closure));
            let frame = format!("<rect x=\"{x}\" y=\"{}\" width=\"28\" height=\"16\" rx=\"4\"/>", y - 8);
            format!("<g class=\"frame {class}\">{frame}{}</g>\n", shapes::lock(x + 8, y - 6, closure))
        };
        signs.push((Box::new(draw), format!("{}: {}", closure.word(), closure.meaning())));
    }
    let certainties: BTreeSet<Certainty> = picture.edges.iter().map(|edge| edge.certainty).collect();
    let labels = |sign: char| picture.edges.iter().any(|edge| edge.label.contains(sign));
    for (certainty, class, sign, meaning) in [
        (Certainty::Some, "some", '~', "~ only some of the pods, or perhaps not all"),
        (Certainty::Unknown, "unknown", '?', "? not known, since something was not said"),
    ] {
        if certainties.contains(&certainty) || (picture.verdict.is_none() && labels(sign)) {
            signs.push((Box::new(line(class)), meaning.to_owned()));
        }
    }
    let changes: BTreeSet<ChangeSign> = picture.edges.iter().filter_map(|edge| edge.change).collect();
    for change in changes {
        signs.push((Box::new(line(change.word())), format!("{} {}", change.sign(), change.word())));
    }
    signs
}

fn line(class: &'static str) -> impl Fn(i32, i32) -> String {
    move |x, y| format!("<g class=\"edge {class}\"><path class=\"line\" d=\"M{x} {y}h28\"/></g>\n")
}

/// The words of a sentence in lines of at most some width.
fn wrapped(note: &str, room: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in note.split(' ') {
        match lines.last_mut() {
            Some(line) if text::width(line, SIZE) + text::width(word, SIZE) + 8 <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
