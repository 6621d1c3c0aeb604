//! Pictures as one page of HTML that asks for nothing: the picture, the same as tables, and as data. It holds with scripts
//! off, and its policy lets nothing run or be styled but what is written here.

use super::escape::{json_in_html, xml};
use super::json::json;
use super::picture::{Certainty, GraphEdge, Picture};
use super::svg::{STYLE, drawn};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

const PAGE_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The picture as a page.
pub fn html(picture: &Picture, title: &str) -> String {
    let heading = picture.verdict.as_deref().unwrap_or(title);
    let styles = [format!("\n{PAGE_STYLE}"), format!("\n{STYLE}")].map(|style| hash(&style));
    let script = hash(&format!("\n{SCRIPT}"));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src {}; script-src {script}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"generator\" content=\"polder {}\">\n\
         <title>{}</title>\n<style>\n{PAGE_STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{}</h1>\n",
        styles.join(" "),
        env!("CARGO_PKG_VERSION"),
        xml(heading),
        xml(heading)
    );
    for note in &picture.notes {
        let _ = writeln!(out, "<p>{}</p>", xml(note));
    }
    out.push_str(
        "<div class=\"tools\" id=\"tools\" hidden>\n<input id=\"search\" type=\"search\" placeholder=\"Search names and ports\" \
         aria-label=\"Search names and ports\">\n<button id=\"all\" type=\"button\">Show all</button>\n<p id=\"count\" \
         role=\"status\"></p>\n</div>\n</header>\n<main>\n<div class=\"picture\">\n",
    );
    out.push_str(&drawn(picture, title));
    out.push_str("\n</div>\n");
    push_edges(picture, &mut out);
    push_ends(picture, &mut out);
    let _ = write!(
        out,
        "</main>\n<footer>Drawn by polder {}.</footer>\n<script type=\"application/json\" id=\"data\">{}</script>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        json_in_html(&json(picture).to_string())
    );
    out
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
            whom(edge)
        );
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn whom(edge: &GraphEdge) -> &'static str {
    match edge.certainty {
        Certainty::All => "all of them",
        Certainty::Some => "~ some of them, or perhaps not all",
        Certainty::Unknown => "? not known",
    }
}

/// Namespaces with what is in them, and what is outside, as a table.
fn push_ends(picture: &Picture, out: &mut String) {
    out.push_str(
        "<h2>Namespaces</h2>\n<div class=\"scroll\">\n<table>\n<thead><tr><th scope=\"col\">Namespace</th><th \
         scope=\"col\">Isolation</th><th scope=\"col\">Holds</th></tr></thead>\n<tbody>\n",
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

/// The hash of an inline style or script, as policies write it.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

/// Bytes in base64.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let all = (0..3).fold(0, |all, at| all << 8 | usize::from(three.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = LETTERS.get(all >> (18 - 6 * at) & 63).copied().unwrap_or(b'=');
            text.push(if at > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_policies_have_them() {
        for (bytes, text) in [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu"), ("Many", "TWFueQ==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
    }
}
