//! A report as Markdown, for wikis and pull requests.

use super::tables::{self, AuditCell, AuditTable};
use super::{AuditPlace, AuditReport};
use crate::graph::{markdown_code as code, markdown_plain as plain, mermaid};
use std::fmt::Write as _;

/// More rows of one table are counted: a page of so many nobody reads, and the HTML has them.
const MOST_ROWS: usize = 500;

/// The report. Its first line says what it is.
pub fn markdown(report: &AuditReport<'_>) -> String {
    let mut out = format!("{}\n\n# {}\n\n", super::MARKDOWN_MARK, plain(&report.title));
    if let Some(date) = &report.date {
        let _ = writeln!(out, "- Date: {}", plain(date));
    }
    for (name, value) in &report.facts {
        let _ = writeln!(out, "- {name}: {}", code(value));
    }
    for (number, of, what) in report.figures() {
        let _ =
            writeln!(out, "- **{}** {}", of.map_or(number.to_string(), |of| format!("{number} of {of}")), plain(&what));
    }
    for (title, sentences) in [("Notes", &report.notes), ("What was not looked at", &report.gaps)] {
        if !sentences.is_empty() {
            let _ = write!(out, "\n## {title}\n\n");
            sentences.iter().for_each(|sentence| _ = writeln!(out, "- {}", plain(sentence)));
        }
    }
    for table in tables::changes(report).into_iter().chain(tables::seen(report)) {
        push_table(&table, &mut out);
    }
    push_table(&tables::namespaces(report), &mut out);
    let _ = write!(out, "\n## The picture\n\n```mermaid\n{}```\n", mermaid(&report.picture));
    tables::exposure(report).iter().for_each(|table| push_table(table, &mut out));
    tables::details(report).iter().for_each(|table| push_table(table, &mut out));
    out
}

fn push_table(table: &AuditTable, out: &mut String) {
    let _ = write!(out, "\n## {}\n\n", table.title);
    for sentence in &table.intro {
        let _ = write!(out, "{}\n\n", plain(sentence));
    }
    if table.rows.is_empty() {
        let _ = writeln!(out, "{}", table.none);
        return;
    }
    let _ = writeln!(out, "| {} |", table.heads.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(table.heads.len()));
    for row in table.rows.iter().take(MOST_ROWS) {
        let cells: Vec<String> = row.cells.iter().map(cell).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    if let Some(more @ 1..) = table.rows.len().checked_sub(MOST_ROWS) {
        let _ = write!(out, "\nand {more} more\n");
    }
}

fn cell(cell: &AuditCell) -> String {
    match cell {
        AuditCell::Words(words) => plain(words),
        AuditCell::Code(text) => code(text),
        AuditCell::Verdict(_, sign, word) => format!("{} {}", plain(sign), plain(word)),
        AuditCell::Places(all) => all.iter().map(place).collect::<Vec<_>>().join("<br>"),
        AuditCell::Number(number) => number.to_string(),
    }
}

fn place(place: &AuditPlace) -> String {
    let at = place.place.as_ref().map(|at| format!(" ({})", plain(at))).unwrap_or_default();
    format!("{}{at}", code(&place.text))
}
