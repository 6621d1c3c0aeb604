//! Pictures as one page of HTML that asks for nothing: the picture, the same as tables, and as data. It holds with scripts
//! off, and its policy lets nothing run or be styled but what is written here.

use super::escape::xml;
use super::json::json;
use super::page::{HtmlPage, drawn_by};
use super::picture::{Certainty, Picture};
use super::svg::{STYLE, drawn};
use std::fmt::Write as _;

const SCRIPT: &str = include_str!("page.js");

/// A search, where there are scripts.
pub(super) const TOOLS: &str = "<div class=\"tools\" id=\"tools\" hidden>\n<input id=\"search\" type=\"search\" \
    placeholder=\"Search names and ports\" aria-label=\"Search names and ports\">\n<button id=\"all\" type=\"button\">Show \
    all</button>\n<p id=\"count\" role=\"status\"></p>\n</div>\n";

/// The picture as a page; its frames are namespaces.
pub fn html(picture: &Picture, title: &str) -> String {
    html_of(picture, title, "Namespace")
}

/// The same, where frames are something else.
pub fn html_of(picture: &Picture, title: &str, frames: &'static str) -> String {
    let heading = picture.verdict.as_deref().unwrap_or(title);
    let mut body = format!("<header>\n<h1>{}</h1>\n", xml(heading));
    for note in &picture.notes {
        let _ = writeln!(body, "<p>{}</p>", xml(note));
    }
    body.push_str(TOOLS);
    body.push_str("</header>\n<main>\n<div class=\"picture\">\n");
    body.push_str(&drawn(picture, title, ""));
    body.push_str("\n</div>\n");
    push_edges(picture, &mut body);
    push_ends(picture, frames, &mut body);
    body.push_str("</main>\n");
    body.push_str(&drawn_by());
    let data = json(picture).to_string();
    let page = HtmlPage {
        title: heading,
        kind: None,
        styles: &[],
        inner_styles: &[STYLE],
        script: SCRIPT,
        body: &body,
        data: Some(&data),
    };
    page.text()
}

/// All edges as a table.
fn push_edges(picture: &Picture, out: &mut String) {
    let is_diff = picture.edges.iter().any(|edge| edge.change.is_some());
    let change = if is_diff { "<th scope=\"col\">Change</th>" } else { "" };
    let _ = writeln!(
        out,
        "<h2>Connections</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr>{change}<th scope=\"col\">From</th><th \
         scope=\"col\">To</th><th scope=\"col\">Ports</th><th scope=\"col\">For</th></tr></thead>\n<tbody>"
    );
    for (place, edge) in picture.edges.iter().enumerate() {
        let change = match edge.change {
            Some(change) => format!("<td>{} {}</td>", change.sign(), change.word()),
            None if is_diff => "<td></td>".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(
            out,
            "<tr data-edge=\"e{}\">{change}<td class=\"code\">{}</td><td class=\"code\">{}</td><td class=\"code\">{}</td>\
             <td>{}</td></tr>",
            place + 1,
            xml(&picture.name_of(edge.from)),
            xml(&picture.name_of(edge.to)),
            xml(&edge.detail),
            whom(edge.certainty)
        );
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

pub(super) fn whom(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::All => "all of them",
        Certainty::Some => "~ some of them, or perhaps not all",
        Certainty::Unknown => "? not known",
    }
}

/// Namespaces with what is in them, and what is outside, as a table.
fn push_ends(picture: &Picture, frames: &'static str, out: &mut String) {
    let _ = writeln!(
        out,
        "<h2>{frames}s</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">{frames}</th><th \
         scope=\"col\">Isolation</th><th scope=\"col\">Holds</th></tr></thead>\n<tbody>"
    );
    let name = |node: usize| {
        let node = &picture.nodes[node];
        if node.beside.is_empty() { node.name.clone() } else { format!("{} ({})", node.name, node.beside) }
    };
    for (place, frame) in picture.frames.iter().enumerate() {
        let names: Vec<String> = super::spots::nodes_of(picture, place).map(name).collect();
        let holds = super::layout::folded_text(picture, place).unwrap_or_else(|| names.join(", "));
        let _ = writeln!(
            out,
            "<tr><td class=\"code\">{}</td><td>{}</td><td class=\"code\">{}</td></tr>",
            xml(&frame.name),
            frame.closure.map(|closure| format!("{}: {}", closure.word(), closure.meaning())).unwrap_or_default(),
            xml(&holds)
        );
    }
    let outside: Vec<String> =
        picture.nodes.ids().filter(|node| picture.nodes[*node].frame.is_none()).map(name).collect();
    if !outside.is_empty() {
        let _ = writeln!(
            out,
            "<tr><td>outside of these</td><td></td><td class=\"code\">{}</td></tr>",
            xml(&outside.join(", "))
        );
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}
