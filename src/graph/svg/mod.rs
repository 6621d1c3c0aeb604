//! Pictures as SVG: no scripts, no fonts from elsewhere, light and dark by what the reader prefers.

mod legend;
mod shapes;

use super::escape::xml;
use super::layout::{self, BOX_PADDING, EdgePath, HEAD, PictureLayout, Rect};
use super::picture::{Certainty, ChangeSign, Closure, EdgeEnd, GraphEdge, GraphNodeKind, Picture};
use super::text;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The styles of all pictures. Nothing of the input is in them.
pub(crate) const STYLE: &str = include_str!("style.css");

/// How high the line of a verdict is.
const VERDICT: i32 = 34;

/// The picture as a document of its own.
pub fn svg(picture: &Picture) -> String {
    let mut text = drawn(picture, "Who may connect to whom", "");
    text.push('\n');
    text
}

/// The picture as an element, whose ids begin with a word of its own where there are several in one page.
pub(crate) fn drawn(picture: &Picture, title: &str, ids: &str) -> String {
    let drawing = layout::layout(picture);
    let mut writer = SvgWriter { picture, ids, text: String::new(), top: 0 };
    let verdict = picture.verdict.as_deref();
    let least = verdict.map_or(0, |verdict| text::width(verdict, 15) + 48);
    let width = drawing.width.max(least).max(420);
    writer.top = if verdict.is_some() { VERDICT } else { 0 };
    let mut rest = String::new();
    let foot = legend::legend(picture, width, writer.top + drawing.height, &mut rest);
    let height = foot;
    let name = picture.verdict.clone().unwrap_or_else(|| title.to_owned());
    let _ = write!(
        writer.text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"polder\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-labelledby=\"{ids}picture\">\n<title id=\"{ids}picture\">{}</title>\n",
        xml(&name)
    );
    let _ = writeln!(writer.text, "<style>\n{STYLE}</style>");
    let (inner_width, inner_height) = (width - 1, height - 1);
    let _ = writeln!(
        writer.text,
        "<rect class=\"sheet\" x=\".5\" y=\".5\" width=\"{inner_width}\" height=\"{inner_height}\" rx=\"8\"/>"
    );
    if let Some(verdict) = verdict {
        let _ = writeln!(writer.text, "<text class=\"verdict\" x=\"24\" y=\"32\">{}</text>", xml(verdict));
    }
    let shift = [(width - drawing.width) / 2, writer.top];
    let [x, y] = shift;
    let _ = writeln!(writer.text, "<g transform=\"translate({x} {y})\">");
    writer.frames(&drawing);
    writer.edges(&drawing);
    writer.labels(&drawing);
    writer.nodes(&drawing);
    writer.text.push_str("</g>\n");
    writer.text.push_str(&rest);
    writer.text.push_str("</svg>");
    writer.text
}

struct SvgWriter<'a> {
    picture: &'a Picture,
    /// What all ids begin with.
    ids: &'a str,
    text: String,
    top: i32,
}

impl SvgWriter<'_> {
    fn frames(&mut self, drawing: &PictureLayout) {
        let ids = self.ids;
        for ((place, frame), rect) in self.picture.frames.iter().enumerate().zip(&drawing.frames) {
            let Rect { x, y, width, height } = *rect;
            let class = closure_class(frame.closure);
            let _ = writeln!(
                self.text,
                "<g class=\"frame {class}\" id=\"{ids}f{}\"><title>{}</title>",
                place + 1,
                xml(&frame.about())
            );
            let _ = writeln!(self.text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"9\"/>");
            let has_nodes = self.picture.nodes.iter().any(|node| node.frame == Some(place));
            let folded = layout::folded_text(self.picture, place);
            // Without anything inside, the name stands in the middle.
            let middle = y + height / 2 + if folded.is_some() { -3 } else { 5 };
            let line = if has_nodes { y + HEAD / 2 + 5 } else { middle };
            let _ = writeln!(
                self.text,
                "<text class=\"name m\" x=\"{}\" y=\"{line}\">{}</text>",
                x + BOX_PADDING,
                xml(&layout::shown(&frame.name))
            );
            if let Some(folded) = folded {
                let _ = writeln!(
                    self.text,
                    "<text class=\"beside m\" x=\"{}\" y=\"{}\">{}</text>",
                    x + BOX_PADDING,
                    line + 17,
                    xml(&folded)
                );
            }
            if let Some(closure) = frame.closure {
                let (word, right) = (closure.word(), x + width - BOX_PADDING);
                let _ = writeln!(
                    self.text,
                    "<text class=\"badge\" text-anchor=\"end\" x=\"{right}\" y=\"{line}\">{word}</text>"
                );
                let at = right - shapes::badge_width(word) - 17;
                self.text.push_str(&shapes::lock(at, line - 9, closure));
            }
            self.text.push_str("</g>\n");
        }
    }

    fn nodes(&mut self, drawing: &PictureLayout) {
        let ids = self.ids;
        let mut twice: BTreeMap<usize, usize> = BTreeMap::new();
        for (place, rect) in &drawing.nodes {
            let node = &self.picture.nodes[*place];
            let Rect { x, y, width, height } = *rect;
            let again = twice.entry(*place).or_default();
            let suffix = if *again == 0 { "" } else { "b" };
            *again += 1;
            let (class, round) = match node.kind {
                GraphNodeKind::Pods => ("pods", 5),
                GraphNodeKind::Many => ("many", 5),
                GraphNodeKind::Outside | GraphNodeKind::Internet => ("outside", height / 2),
            };
            let about: Vec<&str> =
                [node.full.as_str(), node.beside.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
            let _ = writeln!(
                self.text,
                "<g class=\"node {class}\" id=\"{ids}n{}{suffix}\"><title>{}</title>",
                place + 1,
                xml(&about.join("\n"))
            );
            let _ =
                writeln!(self.text, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\"/>");
            let icon = if node.kind == GraphNodeKind::Internet { 20 } else { 0 };
            let middle = x + (width + icon) / 2;
            let line = y + height / 2 + if node.beside.is_empty() { 5 } else { -1 };
            if icon > 0 {
                let name = text::width(&layout::shown(&node.name), layout::NAME_SIZE);
                self.text.push_str(&shapes::globe(middle - name / 2 - 12, y + height / 2));
            }
            let _ = writeln!(
                self.text,
                "<text class=\"name m\" text-anchor=\"middle\" x=\"{middle}\" y=\"{line}\">{}</text>",
                xml(&layout::shown(&node.name))
            );
            if !node.beside.is_empty() {
                let _ = writeln!(
                    self.text,
                    "<text class=\"beside m\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{}</text>",
                    line + 14,
                    xml(&layout::shown(&node.beside))
                );
            }
            self.text.push_str("</g>\n");
        }
    }

    fn edges(&mut self, drawing: &PictureLayout) {
        let ids = self.ids;
        for path in &drawing.paths {
            let edge = &self.picture.edges[path.edge];
            let class = edge_class(self.picture, edge);
            let about = self.picture.line(edge);
            let _ = writeln!(
                self.text,
                "<g class=\"edge{class}\" id=\"{ids}e{}\"><title>{}</title>",
                path.edge + 1,
                xml(&about)
            );
            let EdgePath { from_source, points, .. } = path;
            let way = shapes::way(points, *from_source);
            let _ = writeln!(self.text, "<path class=\"hit\" d=\"{way}\"/><path class=\"line\" d=\"{way}\"/>");
            let _ = writeln!(self.text, "<path class=\"tip\" d=\"{}\"/></g>", shapes::tip(points, *from_source));
        }
    }

    fn labels(&mut self, drawing: &PictureLayout) {
        for label in &drawing.labels {
            let edge = &self.picture.edges[label.edge];
            let Rect { x, y, width, height } = label.rect;
            let is_in = |frame: &Rect| {
                frame.x < x && x + width < frame.x + frame.width && frame.y < y && y + height < frame.y + frame.height
            };
            let inside = if drawing.frames.iter().any(is_in) { " inside" } else { "" };
            let change = edge.change.map(|change| format!(" {}", change.word())).unwrap_or_default();
            let _ = writeln!(
                self.text,
                "<g class=\"label{inside}{change}\"><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>\
                 <text class=\"m\" text-anchor=\"middle\" x=\"{}\" y=\"{}\">{}</text></g>",
                x + width / 2,
                y + 12,
                xml(&label.text)
            );
        }
    }
}

/// The class of a frame.
fn closure_class(closure: Option<Closure>) -> &'static str {
    match closure {
        Some(Closure::Closed) | None => "closed",
        Some(Closure::HalfOpen(_)) => "half",
        Some(Closure::Partly) => "partly",
        Some(Closure::Open) => "open",
    }
}

/// The classes of an edge, each with a space before it.
fn edge_class(picture: &Picture, edge: &GraphEdge) -> String {
    let certainty = match edge.certainty {
        Certainty::All => "",
        Certainty::Some => " some",
        Certainty::Unknown => " unknown",
    };
    let is_internet = |spot: EdgeEnd| match spot {
        EdgeEnd::Node(node) => picture.nodes[node].kind == GraphNodeKind::Internet,
        EdgeEnd::Frame(_) => false,
    };
    let world = if is_internet(edge.from) || is_internet(edge.to) { " world" } else { "" };
    let change = match edge.change {
        Some(ChangeSign::Added) => " added",
        Some(ChangeSign::Removed) => " removed",
        Some(ChangeSign::Changed) => " changed",
        None => "",
    };
    format!("{world}{certainty}{change}")
}
