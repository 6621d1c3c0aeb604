//! The report for people, on standard error.

use super::about_key;
use crate::cli::report::is_readable;
use crate::cli::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::session::ImportReport;

/// Longer lists are cut; `--format json` has all.
const MOST: usize = 60;

/// Prints the report; what was refused also where only errors are wanted.
pub(super) fn tell(reported: &ImportReport<'_>, terminal: &mut Terminal) {
    section("lifted", &lifted(reported), terminal);
    for refused in &reported.import.refused {
        let place = place(&refused.path, refused.line);
        let text = format!("refused: {}{place}\n  {}", refused.what, refused.reason);
        let lines: String = text.lines().map(|line| format!("{}\n", sanitize(line))).collect();
        terminal.diagnostics(&lines);
    }
    section("not looked at", &not_looked_at(reported), terminal);
    let lost = reported.import.lifted.lost.iter().map(|note| format!("comment: {}", note.text.replace('\n', " ")));
    section("not carried", &reported.not_carried.iter().map(about_key).chain(lost).collect::<Vec<_>>(), terminal);
    section("findings", &findings(reported), terminal);
    section("next", &reported.next_steps(), terminal);
    terminal.note_line(&reported.summary());
}

fn section(title: &str, items: &[String], terminal: &mut Terminal) {
    if items.is_empty() {
        return;
    }
    terminal.note_line(&format!("{title}:"));
    for item in items.iter().take(MOST) {
        item.lines().for_each(|line| terminal.note_line(&format!("  {line}")));
    }
    if items.len() > MOST {
        terminal.note_line(&format!("  and {} more; `--format json` has all", items.len() - MOST));
    }
}

fn place(path: &str, line: usize) -> String {
    if path.is_empty() || !is_readable(path) { String::new() } else { format!("  ({path}:{line})") }
}

fn lifted(reported: &ImportReport<'_>) -> Vec<String> {
    let one = |policy: &crate::session::LiftedPolicy| {
        let place = place(&policy.path, policy.line);
        let statements: String = policy.statements.iter().map(|statement| format!("\n  {statement}")).collect();
        format!("{}/{}{place}{statements}", policy.namespace, policy.name)
    };
    reported.lifted.iter().map(one).collect()
}

fn not_looked_at(reported: &ImportReport<'_>) -> Vec<String> {
    let objects = &reported.import.manifests.cluster.unmodelled;
    let one = |object: &crate::cluster::Unmodelled| {
        let (path, line) = reported.import.place(object.span);
        let slash = if object.namespace.is_empty() { "" } else { "/" };
        let name = format!("{}{slash}{}", object.namespace, object.name);
        format!("{} {name} ({}) changes what is allowed{}", object.kind, object.api_version, place(&path, line))
    };
    objects.iter().map(one).collect()
}

fn findings(reported: &ImportReport<'_>) -> Vec<String> {
    let one = |finding: &crate::session::ToldFinding| {
        let place = place(&finding.path, finding.line);
        let statement = finding.statement.as_ref().map(|statement| format!("\n  {statement}")).unwrap_or_default();
        format!("{}{place}{statement}", finding.message)
    };
    reported.findings.iter().map(one).collect()
}
