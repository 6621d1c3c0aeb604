#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod human;
mod machines;

use super::*;
use crate::diag::{Code, Diagnostic};
use crate::source::FileId;
use std::time::{Duration, Instant};

const PLAIN: Human = Human { unicode: false, color: false, width: 80, limit: 100 };

const SHOP: &str = "namespace shop {\n  tier web\n  tier database\n\n  web -> databse:5432/tcp\n}\n";

fn span(sources: &Sources, file: FileId, word: &str) -> Span {
    let start = sources.file(file).unwrap().text.find(word).unwrap();
    Span::new(file, start..start + word.len())
}

/// Two files, and a diagnostic with labels in both.
fn example() -> (Sources, Vec<Report>) {
    let mut sources = Sources::default();
    let shop = sources.add("k8s/shop.polder", SHOP);
    let other = sources.add("k8s/more, or: less.polder", "# nothing\ncidr database = 10.0.0.0/8\n");
    let unknown = Diagnostic::new(Code::E0102, span(&sources, shop, "databse"), "there is no `databse`")
        .with_text("not declared")
        .with_label(span(&sources, shop, "database"), "a tier with a similar name")
        .with_label(span(&sources, other, "database"), "a cidr of this name")
        .with_help("write `database`");
    let missing = Diagnostic::about(Code::E0401, "`x.polder` cannot be read: 100% gone");
    let unused = Diagnostic::new(Code::W0003, span(&sources, other, "database"), "never used");
    (sources, vec![missing.into(), unknown.into(), unused.into()])
}

#[test]
fn a_raised_warning_is_an_error_with_its_code() {
    let (sources, mut reports) = example();
    reports[2].severity = Severity::Error;
    assert!(human(&reports[2..], &sources, &PLAIN).starts_with("error[W0003]\n"));
    assert!(short(&reports[2..], &sources).contains(": error: never used [W0003]"));
    assert!(github(&reports[2..], &sources).starts_with("::error "));
    assert!(json(&reports[2..], &sources).contains(r#""severity": "error""#));
    assert!(sarif(&reports[2..], &sources).contains(r#""level": "error""#));
}

#[test]
fn a_span_of_no_file_loses_its_place_but_not_its_message() {
    let report = [Diagnostic::new(Code::E0001, Span::new(FileId::at(7), 0..1), "the message").into()];
    let sources = Sources::default();
    for text in [
        human(&report, &sources, &PLAIN),
        short(&report, &sources),
        github(&report, &sources),
        json(&report, &sources),
        sarif(&report, &sources),
    ] {
        assert!(text.contains("the message"), "{text}");
    }
}

/// Text of the input with one odd character, which may be the beginning of an escape.
fn odd_texts() -> Vec<String> {
    let odd = (0..0x3200u32).chain(0xfe00..=0xffff).chain(0x1_10bd..=0x1_10cd).chain(0xe_0000..0xe_0200);
    let hidden = odd.filter_map(char::from_u32).filter(|character| is_hidden(*character));
    hidden.map(|character| format!("a{character}[8mb")).collect()
}

#[test]
fn no_hidden_character_reaches_a_terminal_from_any_place() {
    let odd = odd_texts();
    assert!(odd.len() > 150, "only {} characters tried", odd.len());
    for text in &odd {
        let mut sources = Sources::default();
        let file = sources.add(format!("{text}.polder"), format!("{text}\nx {text} y {text}\n{text}\n"));
        let other = sources.add(format!("b{text}"), text.clone());
        let line = u32::try_from(text.len() + 1).unwrap() as usize;
        let report = Diagnostic::new(Code::E0001, Span::new(file, line..line + 8), format!("message {text}"))
            .with_text(format!("label {text}"))
            .with_label(Span::new(file, 0..line + 3), format!("over lines {text}"))
            .with_label(Span::new(other, 1..2), text.clone())
            .with_help(format!("help {text}"));
        let reports = [report.into()];
        let colored = Human { unicode: true, color: true, ..PLAIN };
        for shown in [human(&reports, &sources, &PLAIN), short(&reports, &sources), github(&reports, &sources)] {
            check_visible(&shown);
        }
        let shown = human(&reports, &sources, &colored);
        assert!(!shown.contains("\u{1b}[8m"), "{shown:?}");
        check_visible(&without_styles(&shown));
    }
}

#[track_caller]
fn check_visible(shown: &str) {
    let hidden = shown.chars().find(|character| *character != '\n' && is_hidden(*character));
    assert_eq!(hidden, None, "{shown:?}");
}

/// The text without the escapes that the tool itself writes.
fn without_styles(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or("").to_owned();
    parts.fold(first, |plain, part| {
        let (style, rest) = part.split_once('m').unwrap();
        assert!(style.chars().all(|character| character.is_ascii_digit() || character == ';'), "{style:?}");
        plain + rest
    })
}

#[test]
fn no_input_line_end_begins_a_line_of_a_report() {
    let mut sources = Sources::default();
    let file = sources.add("a\nerror: forged", "x");
    let report = Diagnostic::new(Code::E0001, Span::new(file, 0..1), "m\nerror: forged\r\nwarning")
        .with_text("l\nerror: forged");
    for text in [short(&[report.clone().into()], &sources), human(&[report.into()], &sources, &PLAIN)] {
        assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{text}");
    }
}

#[test]
fn harmless_text_stays_as_it_is() {
    let text = "a tier: `web` -> \"x\" äöü 全 🙂 \\u{202e} é";
    assert_eq!(sanitize(text), text);
    assert_eq!(sanitize("a\tb\u{1b}\u{2028}"), "a    b\\u{1b}\\u{2028}");
}

#[test]
fn a_report_costs_what_it_shows_and_not_what_the_file_holds() {
    let mut sources = Sources::default();
    let long = "x".repeat(4_000_000);
    let file = sources.add("a.polder", format!("{}{long}\n", "tier a\n".repeat(500_000)));
    let end = sources.file(file).unwrap().text.len();
    let reports: Vec<Report> = (0..500)
        .flat_map(|index| [3_400_000 - index * 7, end - 100 - index])
        .map(|start| Diagnostic::new(Code::W0001, Span::new(file, start..start + 4), "m").into())
        .collect();
    let begun = Instant::now();
    let _ = human(&reports, &sources, &Human { limit: 1000, ..PLAIN });
    let _ = (short(&reports, &sources), json(&reports, &sources), sarif(&reports, &sources));
    // Walking through the file once for each of them takes minutes in a build without optimisation.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
