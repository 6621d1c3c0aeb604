//! What people read.

use super::*;

#[test]
fn human_shows_every_place_in_every_file() {
    let (sources, reports) = example();
    insta::assert_snapshot!(human(&reports, &sources, &PLAIN), @r#"
    error[E0401]

      x `x.polder` cannot be read: 100% gone

    error[E0102]

      x there is no `databse`
       ,-[k8s/shop.polder:5:10]
     2 |   tier web
     3 |   tier database
       :        ^^^^|^^^
       :            `-- a tier with a similar name
     4 | 
     5 |   web -> databse:5432/tcp
       :          ^^^|^^^
       :             `-- not declared
     6 | }
       `----
       ,-[k8s/more, or: less.polder:2:6]
     1 | # nothing
     2 | cidr database = 10.0.0.0/8
       :      ^^^^|^^^
       :          `-- a cidr of this name
       `----
      help: write `database`

    warning[W0003]

      ! never used
       ,-[k8s/more, or: less.polder:2:6]
     1 | # nothing
     2 | cidr database = 10.0.0.0/8
       :      ^^^^^^^^
       `----
    "#);
}

#[test]
fn human_draws_in_unicode_and_color() {
    let (sources, reports) = example();
    let text = human(&reports, &sources, &Human { unicode: true, color: true, ..PLAIN });
    assert!(text.contains("\u{1b}[31m"), "no red in {text:?}");
    assert!(text.contains('╭') && text.contains('×'));
    // Links would leave escapes in logs.
    assert!(!text.contains("\u{1b}]8"));
}

#[test]
fn human_keeps_carets_under_their_place_when_characters_are_escaped() {
    let mut sources = Sources::default();
    let file = sources.add("a.polder", "a\n\ttier\u{202e}x 全 wrong # \u{7}\r\nb\n");
    let text = human(&[Diagnostic::new(Code::E0001, span(&sources, file, "wrong"), "no").into()], &sources, &PLAIN);
    let lines: Vec<_> = text.lines().collect();
    let index = lines.iter().position(|line| line.contains("wrong")).unwrap();
    assert!(lines[index].ends_with("     tier\\u{202e}x 全 wrong # \\u{7}"), "{text}");
    let (shown, carets) = (lines[index], lines[index + 1]);
    // One of the characters before it is two columns wide.
    let column = shown[..shown.find("wrong").unwrap()].chars().count() + 1;
    assert_eq!(carets.find("^^^^^"), Some(column), "{text}");
}

#[test]
fn human_cuts_long_lines_to_what_is_around_the_places() {
    let mut sources = Sources::default();
    let filler = "é".repeat(5_000_000);
    let file = sources.add("a.polder", format!("{filler} first {filler} second {filler}"));
    let diagnostic = Diagnostic::new(Code::E0001, span(&sources, file, "first"), "no")
        .with_label(span(&sources, file, "second"), "and here");
    let text = human(&[diagnostic.into()], &sources, &PLAIN);
    assert!(text.len() < 2000, "{} bytes", text.len());
    assert!(text.contains(" first ") && text.contains(" second ") && text.contains("a.polder:1:5000002"), "{text}");
    assert!(text.contains("...") && text.contains("and here"), "{text}");
}

#[test]
fn human_shows_the_first_line_of_what_covers_many() {
    let mut sources = Sources::default();
    let text = "namespace shop {\n".to_owned() + &"  tier a\n".repeat(1000);
    let file = sources.add("a.polder", text.clone());
    let diagnostic = Diagnostic::new(Code::E0004, Span::new(file, 0..text.len()), "never closed").with_text("opened");
    let text = human(&[diagnostic.into()], &sources, &PLAIN);
    assert!(text.lines().count() < 12 && text.contains("opened"), "{text}");
}

#[test]
fn human_shows_places_that_cover_a_few_lines_or_nothing_or_the_end() {
    let mut sources = Sources::default();
    let file = sources.add("a.polder", "one {\ntwo\nthree\n");
    let empty = sources.add("empty.polder", "");
    let at = |file, range| Report::from(Diagnostic::new(Code::E0001, Span::new(file, range), "no").with_text("here"));
    let reports =
        [at(file, 0..9), at(file, 4..10), at(file, 16..16), at(file, 5..6), at(empty, 0..0), at(file, 90..99)];
    insta::assert_snapshot!(human(&reports, &sources, &PLAIN), @r#"
    error[E0001]

      x no
       ,-[a.polder:1:1]
     1 | ,-> one {
     2 | |-> two
       : `---- here
     3 |     three
       `----

    error[E0001]

      x no
       ,-[a.polder:1:5]
     1 | ,-> one {
     2 | |-> two
       : `---- here
     3 |     three
       `----

    error[E0001]

      x no
       ,-[a.polder:4:1]
     3 | three
     4 | 
       : ^
       : `-- here
       `----

    error[E0001]

      x no
       ,-[a.polder:1:6]
     1 | one {
       :      ^
       :      `-- here
     2 | two
       `----

    error[E0001]

      x no
       ,-[empty.polder:1:1]
     1 | 
       : ^
       : `-- here
       `----

    error[E0001]

      x no
       ,-[a.polder:4:1]
     3 | three
     4 | 
       : ^
       : `-- here
       `----
    "#);
}

#[test]
fn human_never_breaks_names_to_paste() {
    let (sources, _) = example();
    let name = "ingress-nginx/controller->production/frontend:8080/tcp";
    let report = Diagnostic::about(Code::E0401, "m").with_help(format!("{} {name} {name}", "word ".repeat(20)));
    let text = human(&[report.into()], &sources, &Human { width: 0, ..PLAIN });
    assert_eq!(text.matches(name).count(), 2, "{text}");
}

#[test]
fn human_limits_how_much_is_shown_errors_first() {
    let (sources, reports) = example();
    let warnings = reports.iter().filter(|report| report.severity == Severity::Warning);
    let many: Vec<Report> = warnings.clone().cycle().take(5).chain(&reports).cloned().collect();
    let text = human(&many, &sources, &Human { limit: 2, ..PLAIN });
    assert!(text.contains("E0102") && text.contains("E0401") && !text.contains("W0003"), "{text}");
    assert!(text.ends_with("\nand 6 warnings more\n"), "{text}");
    let text = human(&many, &sources, &Human { limit: 1, ..PLAIN });
    assert!(text.ends_with("\nand 1 error and 6 warnings more\n"), "{text}");
    assert_eq!(human(&many, &sources, &Human { limit: 0, ..PLAIN }), "and 2 errors and 6 warnings more\n");
    assert!(!human(&many, &sources, &PLAIN).contains("more\n"));
}

#[test]
fn human_limits_the_places_of_one_report() {
    let (sources, reports) = example();
    let mut diagnostic = reports[1].diagnostic.clone();
    diagnostic.labels = diagnostic.labels.iter().cycle().take(100).cloned().collect();
    let text = human(&[diagnostic.into()], &sources, &PLAIN);
    assert!(text.ends_with("  and 84 more places\n"), "{text}");
}
