//! A report as one page of HTML that asks for nothing, and holds with scripts off.

use super::tables::{self, AuditCell, AuditRow, AuditTable};
use super::{AuditReport, ClosureCount, json};
use crate::graph::{
    HtmlPage, MATRIX_STYLE, MatrixSides, MatrixSources, PICTURE_STYLE, drawn, drawn_by, push_matrices, xml,
};
use std::fmt::Write as _;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// The report as a page.
pub fn html(report: &AuditReport<'_>) -> String {
    let mut body = String::new();
    push_head(report, &mut body);
    body.push_str("<main>\n");
    push_sentences("notes", "Notes", &report.notes, &mut body);
    push_sentences("gaps", "What was not looked at", &report.gaps, &mut body);
    if let (Some(changes), Some(table)) = (&report.changes, tables::changes(report)) {
        open_section(&table, &mut body);
        body.push_str("<div class=\"picture\">\n");
        body.push_str(&drawn(&changes.picture, "What changed", "b-"));
        body.push_str("\n</div>\n");
        close_section(&table, &mut body);
    }
    if let Some(table) = tables::seen(report) {
        push_table(&table, &mut body);
    }
    push_table(&tables::namespaces(report), &mut body);
    body.push_str("<section id=\"graph\">\n<h2>The picture</h2>\n<div class=\"picture\">\n");
    body.push_str(&drawn(&report.picture, "Who may connect to whom", ""));
    body.push_str("\n</div>\n</section>\n");
    tables::exposure(report).iter().for_each(|table| push_table(table, &mut body));
    body.push_str("<section id=\"matrix\">\n<h2>The matrix</h2>\n");
    let sources = MatrixSources { lines: report.summary, table: report.table, sides: MatrixSides::Everybody };
    push_matrices(sources, &report.connections, &mut body);
    body.push_str("</section>\n");
    tables::details(report).iter().for_each(|table| push_table(table, &mut body));
    body.push_str("</main>\n");
    body.push_str(&drawn_by());
    let data = json(report).to_string();
    let page = HtmlPage {
        title: &report.title,
        kind: Some("report"),
        styles: &[MATRIX_STYLE, STYLE],
        inner_styles: &[PICTURE_STYLE],
        script: SCRIPT,
        body: &body,
        data: Some(&data),
    };
    page.text()
}

/// The title, what it is about, the figures, and where everything is.
fn push_head(report: &AuditReport<'_>, out: &mut String) {
    let _ = write!(out, "<header>\n<h1>{}</h1>\n<dl class=\"facts\">\n", xml(&report.title));
    let date = report.date.iter().map(|date| ("Date", date.clone()));
    for (name, value) in date.chain(report.facts.iter().cloned()) {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", xml(&value));
    }
    out.push_str("</dl>\n<ul class=\"figures\">\n");
    for (number, of, what) in report.figures() {
        let of = of.map(|of| format!("<small> of {of}</small>")).unwrap_or_default();
        let _ = writeln!(out, "<li><b>{number}{of}</b> {}</li>", xml(&what));
    }
    out.push_str("</ul>\n");
    let coverage = report.coverage();
    push_bar("Namespaces", coverage.by_namespace, out);
    push_bar("Tiers and workloads", coverage.by_end, out);
    let mut links: Vec<(&str, &str)> = Vec::new();
    links.extend((!report.notes.is_empty()).then_some(("notes", "Notes")));
    links.extend((!report.gaps.is_empty()).then_some(("gaps", "What was not looked at")));
    links.extend(report.changes.as_ref().map(|_| ("changes", "Before and after")));
    links.extend(report.seen.as_ref().map(|_| ("seen", "Connections that were seen")));
    links.extend([
        ("namespaces", "Namespaces"),
        ("graph", "The picture"),
        ("from-outside", "From outside"),
        ("to-outside", "To outside"),
        ("open", "Not isolated"),
        ("matrix", "The matrix"),
        ("connections", "Connections"),
        ("assertions", "Assertions"),
        ("findings", "Findings"),
        ("policies", "Policies"),
        ("plugin", "Network plugin"),
        ("inputs", "What this was made of"),
    ]);
    out.push_str("<nav aria-label=\"Parts\">\n");
    for (id, title) in links {
        let _ = writeln!(out, "<a href=\"#{id}\">{title}</a>");
    }
    out.push_str("</nav>\n");
    out.push_str(
        "<div class=\"tools\" id=\"tools\" hidden>\n<input id=\"search\" type=\"search\" placeholder=\"Search in all tables\" \
         aria-label=\"Search in all tables\">\n<label>Only <select id=\"focus\"><option value=\"\">everybody</option></select>\
         </label>\n<button id=\"all\" type=\"button\">Show all</button>\n<p id=\"count\" role=\"status\"></p>\n</div>\n</header>\n",
    );
}

/// How many are closed, as a bar; what its parts mean stands below it in words.
fn push_bar(what: &str, count: ClosureCount, out: &mut String) {
    let all = count.all();
    if all == 0 {
        return;
    }
    let _ = write!(
        out,
        "<figure class=\"bar\">\n<figcaption>{what}: <span class=\"t-good\">\u{25cf} {} closed</span>, <span \
         class=\"t-mixed\">\u{25d0} {} in part</span>, <span class=\"t-bad\">\u{25cb} {} open</span></figcaption>\n\
         <svg viewBox=\"0 0 {all} 1\" width=\"100%\" height=\"10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        count.closed, count.partly, count.open
    );
    let mut x = 0;
    for (number, class) in [(count.closed, "good"), (count.partly, "mixed"), (count.open, "bad")] {
        if number > 0 {
            let _ = write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"0\" width=\"{number}\" height=\"1\"/>");
        }
        x += number;
    }
    out.push_str("</svg>\n</figure>\n");
}

fn push_sentences(id: &str, title: &str, sentences: &[String], out: &mut String) {
    if sentences.is_empty() {
        return;
    }
    let _ = write!(out, "<section id=\"{id}\">\n<h2>{title}</h2>\n<ul class=\"said\">\n");
    sentences.iter().for_each(|sentence| _ = writeln!(out, "<li>{}</li>", xml(sentence)));
    out.push_str("</ul>\n</section>\n");
}

fn push_table(table: &AuditTable, out: &mut String) {
    open_section(table, out);
    close_section(table, out);
}

fn open_section(table: &AuditTable, out: &mut String) {
    let _ = write!(out, "<section id=\"{}\">\n<h2>{}", table.id, table.title);
    if !table.rows.is_empty() {
        let _ = write!(out, " <small>{}</small>", table.rows.len());
    }
    out.push_str("</h2>\n");
    table.intro.iter().for_each(|sentence| _ = writeln!(out, "<p>{}</p>", xml(sentence)));
}

fn close_section(table: &AuditTable, out: &mut String) {
    if table.rows.is_empty() {
        let _ = writeln!(out, "<p class=\"none\">{}</p>\n</section>", table.none);
        return;
    }
    out.push_str("<div class=\"scroll\">\n<table class=\"list\">\n<thead><tr>");
    table.heads.iter().for_each(|head| _ = write!(out, "<th scope=\"col\">{head}</th>"));
    out.push_str("</tr></thead>\n<tbody data-list>\n");
    table.rows.iter().for_each(|row| push_row(row, out));
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn push_row(row: &AuditRow, out: &mut String) {
    let id = row.id.as_ref().map(|id| format!(" id=\"{id}\"")).unwrap_or_default();
    let _ = write!(out, "<tr{id}>");
    for cell in &row.cells {
        match cell {
            AuditCell::Words(words) => _ = write!(out, "<td>{}</td>", xml(words)),
            AuditCell::Code(text) => _ = write!(out, "<td class=\"code\">{}</td>", xml(text)),
            AuditCell::Number(number) => _ = write!(out, "<td class=\"number\">{number}</td>"),
            AuditCell::Verdict(tone, sign, word) => {
                let _ = write!(out, "<td class=\"t-{}\"><b>{sign}</b> {}</td>", tone.word(), xml(word));
            }
            AuditCell::Places(all) => {
                out.push_str("<td class=\"because\">");
                for place in all {
                    let at = place.place.as_ref().map(|at| format!(" <span>{}</span>", xml(at))).unwrap_or_default();
                    let _ = write!(out, "<div><code>{}</code>{at}</div>", xml(&place.text));
                }
                out.push_str("</td>");
            }
        }
    }
    out.push_str("</tr>\n");
}
