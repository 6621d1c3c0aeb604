#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::diag::render::is_hidden;
use crate::graph::{Certainty, ChangeSign, GraphNode, GraphNodeKind};

/// What could be markup, or the end of something, somewhere.
const TRICKS: [&str; 12] = [
    "<script>alert(1)</script>",
    "</title></script><b>",
    "\"><img src=x onerror=alert(1)>",
    "']]><!-- x -->",
    "`x` ${y} {{z}}",
    "a|b||c",
    "one\ntwo\r\nthree",
    "\u{1b}[31m\u{7}\u{0}red",
    "\u{202e}txt.exe\u{2066}",
    "&lt;b&gt; &#60;",
    "[x](javascript:alert(1)) @somebody #1",
    "*_~**bold**",
];

/// A report with a text everywhere that a text can be.
fn named<'a>(name: &str, summary: &'a Summary) -> AuditReport<'a> {
    let text = || name.to_owned();
    let place = || AuditPlace { text: text(), place: Some(text()) };
    let mut picture = Picture { verdict: Some(text()), notes: vec![text()], ..Picture::default() };
    picture.nodes.push(GraphNode {
        frame: None,
        kind: GraphNodeKind::Outside,
        name: text(),
        beside: text(),
        full: text(),
    });
    let line =
        ReachLine { source: 0, destination: 0, from: text(), to: text(), detail: text(), certainty: Certainty::All };
    let change = AuditChange {
        sign: ChangeSign::Added.sign(),
        word: ChangeSign::Added.word(),
        what: text(),
        ports: text(),
        because: vec![place()],
    };
    let policy = AuditPolicy {
        name: text(),
        subject: text(),
        ingress: Some(1),
        egress: None,
        description: Some(text()),
        because: vec![place()],
    };
    let finding = AuditFinding {
        severity: "warning",
        code: "W0001".to_owned(),
        message: text(),
        place: Some(text()),
        help: vec![text()],
    };
    let seen = AuditSeen { change: "dropped", connection: text(), times: 3, because: vec![text()] };
    AuditReport {
        title: text(),
        date: Some(text()),
        facts: vec![("Of", text())],
        summary,
        table: Some(summary),
        connections: vec![line],
        causes: vec![vec![place()]],
        picture: picture.clone(),
        pods: Some(PodCount::default()),
        assertions: Some(vec![AuditAssertion { statement: place(), verdict: "fail", message: Some(text()) }]),
        findings: vec![finding],
        policies: vec![policy],
        plugin: AuditPlugin { name: Some(text()), limits: vec![(text(), text())] },
        notes: vec![text()],
        gaps: vec![text()],
        changes: Some(AuditChanges { since: text(), picture, rows: vec![change] }),
        seen: Some(AuditLog { head: text(), remarks: vec![text()], rows: vec![seen] }),
        inputs: vec![AuditInput { path: text(), bytes: 3, digest: text() }],
    }
}

/// How often each character occurs that means something in a language.
fn marks(text: &str, marks: &str) -> Vec<usize> {
    marks.chars().map(|mark| text.matches(mark).count()).collect()
}

/// What of Markdown is neither code nor an entity.
fn outside_of_code(text: &str) -> String {
    let text = text.split("```mermaid").map(|part| part.split_once("\n```\n").map_or(part, |(_, rest)| rest));
    let text = text.collect::<String>();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('`') {
        out.push_str(before);
        let fence = 1 + behind.len() - behind.trim_start_matches('`').len();
        let inner = behind.trim_start_matches('`');
        let end = "`".repeat(fence);
        let mut at = 0;
        rest = loop {
            let Some(found) = inner[at..].find(&end).map(|found| found + at) else { break "" };
            let after = &inner[found + fence..];
            match after.starts_with('`') || inner[..found].ends_with('`') {
                true => at = found + fence + after.len() - after.trim_start_matches('`').len(),
                false => break after,
            }
        };
    }
    out.push_str(rest);
    out
}

#[test]
fn no_text_is_markup_or_ends_something() {
    let summary = Summary::default();
    let plain = named("plain", &summary);
    for trick in TRICKS {
        let report = named(trick, &summary);
        let page = html(&report);
        assert_eq!(marks(&page, "<>`"), marks(&html(&plain), "<>`"), "{trick:?}\n{page}");
        let data = page.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["connections"][0]["from"], trick);
        let text = markdown(&report);
        assert_eq!(
            marks(&outside_of_code(&text), "<>[]*_@"),
            marks(&outside_of_code(&markdown(&plain)), "<>[]*_@"),
            "{trick:?}\n{text}"
        );
        assert_eq!(text.lines().count(), markdown(&plain).lines().count(), "{trick:?}\n{text}");
        for text in [&page, &text] {
            assert!(!text.chars().any(|letter| letter != '\n' && is_hidden(letter)), "{trick:?}");
        }
    }
}

#[test]
fn a_page_lets_nothing_run_but_what_is_written_in_it() {
    let summary = Summary::default();
    let page = html(&named("plain", &summary));
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    assert!(!page.contains(" style=") && !page.contains(" onclick="), "{page}");
    assert_eq!(page, html(&named("plain", &summary)));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
}
