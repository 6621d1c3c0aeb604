#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use crate::diag::{Code, Diagnostic};
use crate::source::FileId;

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
fn short_is_one_line_each() {
    let (sources, reports) = example();
    insta::assert_snapshot!(short(&reports, &sources), @r#"
    error: `x.polder` cannot be read: 100% gone [E0401]
    k8s/shop.polder:5:10: error: there is no `databse` [E0102]
    k8s/more, or: less.polder:2:6: warning: never used [W0003]
    "#);
}

#[test]
fn github_escapes_what_its_commands_mean() {
    let (sources, reports) = example();
    insta::assert_snapshot!(github(&reports, &sources), @r#"
    ::error title=E0401 file cannot be read::`x.polder` cannot be read: 100%25 gone
    ::error file=k8s/shop.polder,line=5,col=10,endLine=5,endColumn=17,title=E0102 unknown tier%2C group%2C cidr or fqdn::there is no `databse`%0Awrite `database`
    ::warning file=k8s/more%2C or%3A less.polder,line=2,col=6,endLine=2,endColumn=14,title=W0003 never used::never used
    "#);
}

#[test]
fn github_gives_columns_only_within_a_line() {
    let mut sources = Sources::default();
    let file = sources.add("a.polder", "one\ntwo\n");
    let report = Diagnostic::new(Code::E0004, Span::new(file, 1..5), "m");
    assert!(github(&[report.into()], &sources).starts_with("::error file=a.polder,line=1,endLine=2,title="));
}

#[test]
fn json_gives_lines_columns_and_offsets() {
    let (sources, reports) = example();
    insta::assert_snapshot!(json(&reports[1..2], &sources), @r#"
    {
      "schema": "polder/diagnostics/v1",
      "diagnostics": [
        {
          "code": "E0102",
          "severity": "error",
          "title": "unknown tier, group, cidr or fqdn",
          "message": "there is no `databse`",
          "help": "write `database`",
          "labels": [
            {
              "path": "k8s/shop.polder",
              "line": 5,
              "column": 10,
              "end_line": 5,
              "end_column": 17,
              "start": 54,
              "end": 61,
              "text": "not declared"
            },
            {
              "path": "k8s/shop.polder",
              "line": 3,
              "column": 8,
              "end_line": 3,
              "end_column": 16,
              "start": 35,
              "end": 43,
              "text": "a tier with a similar name"
            },
            {
              "path": "k8s/more, or: less.polder",
              "line": 2,
              "column": 6,
              "end_line": 2,
              "end_column": 14,
              "start": 15,
              "end": 23,
              "text": "a cidr of this name"
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn json_and_sarif_hold_every_character_of_the_input_as_it_is() {
    let mut sources = Sources::default();
    let odd: String =
        (0..0x3000).chain(0xf000..0x1_0000).chain(0xe_0000..0xe_0100).filter_map(char::from_u32).collect();
    let file = sources.add("a.polder", "x");
    let report = Report::from(Diagnostic::new(Code::E0001, Span::new(file, 0..1), odd.clone()));
    for text in [json(std::slice::from_ref(&report), &sources), sarif(std::slice::from_ref(&report), &sources)] {
        assert_eq!(text.chars().find(|character| *character != '\n' && is_hidden(*character)), None);
        let value: Value = serde_json::from_str(&text).unwrap();
        let json_message = value.pointer("/diagnostics/0/message");
        let message = json_message.or_else(|| value.pointer("/runs/0/results/0/message/text")).unwrap();
        assert_eq!(message, &Value::from(odd.clone()));
    }
}

#[test]
fn sarif_has_used_rules_places_and_related_places() {
    let (sources, reports) = example();
    let mut log: Value = serde_json::from_str(&sarif(&reports, &sources)).unwrap();
    for rule in log.pointer_mut("/runs/0/tool/driver/rules").unwrap().as_array_mut().unwrap() {
        let help = rule.as_object_mut().unwrap().remove("help").unwrap();
        assert!(help["text"].as_str().unwrap().starts_with("# "));
    }
    log["runs"][0]["tool"]["driver"]["version"] = "VERSION".into();
    insta::assert_snapshot!(format!("{log:#}"), @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "version": "2.1.0",
      "runs": [
        {
          "tool": {
            "driver": {
              "name": "polder",
              "version": "VERSION",
              "rules": [
                {
                  "id": "E0102",
                  "shortDescription": {
                    "text": "unknown tier, group, cidr or fqdn"
                  },
                  "defaultConfiguration": {
                    "level": "error"
                  }
                },
                {
                  "id": "E0401",
                  "shortDescription": {
                    "text": "file cannot be read"
                  },
                  "defaultConfiguration": {
                    "level": "error"
                  }
                },
                {
                  "id": "W0003",
                  "shortDescription": {
                    "text": "never used"
                  },
                  "defaultConfiguration": {
                    "level": "warning"
                  }
                }
              ]
            }
          },
          "columnKind": "unicodeCodePoints",
          "invocations": [
            {
              "executionSuccessful": false,
              "toolExecutionNotifications": [
                {
                  "level": "error",
                  "message": {
                    "text": "`x.polder` cannot be read: 100% gone"
                  },
                  "associatedRule": {
                    "id": "E0401",
                    "index": 1
                  }
                }
              ]
            }
          ],
          "results": [
            {
              "ruleId": "E0102",
              "ruleIndex": 0,
              "level": "error",
              "message": {
                "text": "there is no `databse`\nwrite `database`"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "k8s/shop.polder"
                    },
                    "region": {
                      "startLine": 5,
                      "startColumn": 10,
                      "endLine": 5,
                      "endColumn": 17
                    }
                  },
                  "message": {
                    "text": "not declared"
                  }
                }
              ],
              "partialFingerprints": {
                "primaryLocationLineHash": "9958fd896edf1ba2:1"
              },
              "relatedLocations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "k8s/shop.polder"
                    },
                    "region": {
                      "startLine": 3,
                      "startColumn": 8,
                      "endLine": 3,
                      "endColumn": 16
                    }
                  },
                  "message": {
                    "text": "a tier with a similar name"
                  }
                },
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "k8s/more%2C%20or%3A%20less.polder"
                    },
                    "region": {
                      "startLine": 2,
                      "startColumn": 6,
                      "endLine": 2,
                      "endColumn": 14
                    }
                  },
                  "message": {
                    "text": "a cidr of this name"
                  }
                }
              ]
            },
            {
              "ruleId": "W0003",
              "ruleIndex": 2,
              "level": "warning",
              "message": {
                "text": "never used"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "k8s/more%2C%20or%3A%20less.polder"
                    },
                    "region": {
                      "startLine": 2,
                      "startColumn": 6,
                      "endLine": 2,
                      "endColumn": 14
                    }
                  }
                }
              ],
              "partialFingerprints": {
                "primaryLocationLineHash": "fda3f370959edda1:1"
              }
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn sarif_fingerprints_survive_moved_lines_and_tell_results_apart() {
    let prints = |text: &str| {
        let mut sources = Sources::default();
        let file = sources.add("a.polder", text);
        let word = |code| Report::from(Diagnostic::new(code, span(&sources, file, "databse"), "m"));
        let log = sarif(&[word(Code::E0102), word(Code::E0101), word(Code::E0102)], &sources);
        let log: Value = serde_json::from_str(&log).unwrap();
        let results = log.pointer("/runs/0/results").unwrap().as_array().unwrap().clone();
        results.iter().map(|result| result["partialFingerprints"].to_string()).collect::<Vec<_>>()
    };
    let before = prints(SHOP);
    assert_eq!(before, prints(&format!("# moved\n\n{SHOP}")));
    assert_ne!(before, prints(&SHOP.replace("5432", "5433")));
    assert!(before[0] != before[1] && before[0] != before[2]);
}

#[test]
fn sarif_says_when_it_leaves_results_out() {
    let mut sources = Sources::default();
    let file = sources.add("a.polder", "x");
    let at = |code| Report::from(Diagnostic::new(code, Span::new(file, 0..1), "m"));
    let mut reports = vec![at(Code::W0001); 5001];
    reports.push(at(Code::E0001));
    let log: Value = serde_json::from_str(&sarif(&reports, &sources)).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 5000);
    assert_eq!(run["results"][0]["ruleId"], "E0001");
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(notice, "2 warnings left out");
}

#[test]
fn files_of_the_compiler_are_no_places_for_services() {
    let mut sources = Sources::default();
    let file = sources.add_built_in("traefik.polder", "x");
    let report = [Diagnostic::new(Code::E0001, Span::new(file, 0..1), "m").into()];
    assert!(!github(&report, &sources).contains("file="));
    assert!(!sarif(&report, &sources).contains("traefik"));
    assert!(short(&report, &sources).contains("traefik.polder:1:1"));
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
