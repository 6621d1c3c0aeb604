//! What programs read.

use super::*;
use serde_json::Value;

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
#[expect(clippy::too_many_lines, reason = "most of it is the report")]
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
