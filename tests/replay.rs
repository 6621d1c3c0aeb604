//! Flow logs and what replaying them has to say, in `tests/replay/PROGRAM/`: for the log that `NAME.expected.yaml` names, the groups
//! with their lines, or line by line. `PROGRAM` is an example, and with `workloads:` what runs is known.
//!
//! Names of lines are `3` or `"3-5"`. Of longer lists the first ten are looked at, which is what a report has.

use polder::replay::{
    Because, LineNumber, LoggedLines, Replay, ReplayChange, ReplayOptions, ReplayReport, ReplayRow, Unclear,
};
use polder::session::{Disk, Named, Question, Subject};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
struct Expected {
    log: String,
    workloads: Option<String>,
    exit: u8,
    #[serde(default)]
    groups: Vec<Group>,
    lines: Option<LinesOrCount>,
    #[serde(default)]
    items: Vec<Line>,
    #[serde(default)]
    left_out: Vec<LeftOutLines>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LinesOrCount {
    Count(u64),
    Each(Vec<Line>),
}

#[derive(Debug, Deserialize)]
struct Group {
    id: String,
    lines: Vec<Numbers>,
    from: String,
    to: String,
    port: String,
    seen: String,
    candidate: String,
    change: String,
    attempts: u64,
    #[serde(default)]
    only_established: bool,
    #[serde(default)]
    same_pod: bool,
    reason: Option<String>,
    addresses: Option<Vec<String>>,
    names: Option<Vec<String>>,
    service: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Line {
    line: Option<u64>,
    item: Option<u64>,
    from: Option<String>,
    to: Option<String>,
    port: Option<String>,
    seen: Option<String>,
    candidate: Option<String>,
    change: Option<String>,
    left_out: Option<String>,
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct LeftOutLines {
    reason: String,
    lines: Vec<Numbers>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(u64),
    Several(String),
}

fn numbers(all: &[Numbers]) -> Vec<u64> {
    let mut found = Vec::new();
    for one in all {
        match one {
            Numbers::One(line) => found.push(*line),
            Numbers::Several(text) => {
                let (first, last) = text.split_once('-').expect("two numbers");
                found.extend(first.parse::<u64>().unwrap()..=last.parse().unwrap());
            }
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay")
}

/// An example as what logs are held against.
fn subject(program: &str, workloads: Option<&Path>) -> Subject {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(program);
    let workloads = workloads.map(|path| Named::Path(path.to_path_buf())).into_iter().collect();
    let question = Question { program: vec![Named::Path(folder.clone())], workloads, ..Question::default() };
    let subject = Subject::load(&Disk, &folder, &question);
    assert!(subject.is_answerable(), "{:?}", subject.reports());
    subject
}

/// What replaying some bytes says.
fn replayed(subject: &Subject, logs: &[&[u8]]) -> ReplayReport {
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    for log in logs {
        let mut input: &[u8] = log;
        replay.read("log", &mut input, &mut |_, _| true).expect("the log is read");
    }
    replay.report(&subject.candidate())
}

fn first(lines: &LoggedLines) -> Vec<u64> {
    lines.first.iter().map(|LineNumber { line, .. }| *line).collect()
}

fn reason(row: &ReplayRow) -> Option<&'static str> {
    match &row.judged.why {
        Some(Because::Unclear(unclear)) => Some(Unclear::word(unclear)),
        _ => None,
    }
}

/// The words that are of this folder alone.
const REASONS: [&str; 6] = ["labels", "pod-address", "service-address", "identity", "cluster", "icmp"];

fn wrong_row(row: &ReplayRow, group: &Group, wrong: &mut Vec<String>) {
    let mut is = |what: &str, got: String, expected: &str| {
        if got != expected {
            wrong.push(format!("{}: {what} is {got}, not {expected}", group.id));
        }
    };
    let lines = numbers(&group.lines);
    is("from", row.from.clone(), &group.from);
    is("to", row.to.clone(), &group.to);
    is("port", row.port.clone(), &group.port);
    is("seen", row.seen.word().to_owned(), &group.seen);
    is("candidate", row.candidate.word().to_owned(), &group.candidate);
    is("change", row.change.word().to_owned(), &group.change);
    is("attempts", row.tally.attempts().to_string(), &group.attempts.to_string());
    is("only_established", row.tally.is_only_established().to_string(), &group.only_established.to_string());
    is("same_pod", row.itself.to_string(), &group.same_pod.to_string());
    is("number of lines", row.tally.lines.count.to_string(), &lines.len().to_string());
    let named: Vec<u64> = lines.into_iter().take(10).collect();
    is("lines", format!("{:?}", first(&row.tally.lines)), &format!("{named:?}"));
    if let Some(expected) = group.reason.as_deref().filter(|reason| REASONS.contains(reason)) {
        is("reason", reason(row).unwrap_or("none").to_owned(), expected);
    }
    if let Some(expected) = &group.addresses {
        let all: Vec<String> = row.addresses.iter().map(ToString::to_string).collect();
        is("addresses", format!("{all:?}"), &format!("{expected:?}"));
    }
    if let Some(expected) = &group.names {
        is("names", format!("{:?}", row.names), &format!("{expected:?}"));
    }
    if let Some(expected) = &group.service {
        is("service", row.service.clone().unwrap_or_default(), expected);
    }
}

fn wrong_line(report: &ReplayReport, line: &Line, wrong: &mut Vec<String>) {
    let number = line.line.or(line.item.map(|item| item + 1)).expect("a line or an item");
    let left_out =
        report.left_out.iter().find(|(_, lines)| first(lines).contains(&number)).map(|(reason, _)| reason.word());
    let row = report.rows.iter().find(|row| first(&row.tally.lines).contains(&number));
    let mut is = |what: &str, got: Option<&str>, expected: &Option<String>| {
        if got != expected.as_deref() {
            wrong.push(format!("{number}: {what} is {got:?}, not {expected:?}"));
        }
    };
    is("left_out", left_out, &line.left_out);
    is("from", row.map(|row| row.from.as_str()), &line.from);
    is("to", row.map(|row| row.to.as_str()), &line.to);
    is("port", row.map(|row| row.port.as_str()), &line.port.clone().map(|port| port.replace("0/icmp", "icmp")));
    is("candidate", row.map(|row| row.candidate.word()), &line.candidate);
    is("change", row.map(|row| row.change.word()), &line.change);
    is("seen", row.map(|row| row.seen.word()), &line.seen);
    if let Some(expected) = line.reason.as_deref().filter(|reason| REASONS.contains(reason)) {
        is("reason", row.and_then(reason), &Some(expected.to_owned()));
    }
}

#[test]
fn logs_say_what_is_written_beside_them() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for folder in fs::read_dir(root()).unwrap() {
        let folder = folder.unwrap().path();
        let program = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.filter(|path| path.to_string_lossy().ends_with(".expected.yaml")).collect();
        files.sort();
        for file in files {
            count += 1;
            let expected: Expected = serde_yaml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
            let workloads = expected.workloads.as_ref().map(|name| folder.join(name));
            let subject = subject(&program, workloads.as_deref());
            let report = replayed(&subject, &[&fs::read(folder.join(&expected.log)).unwrap()]);
            let mut here = Vec::new();
            for group in &expected.groups {
                let at = numbers(&group.lines)[0];
                match report.rows.iter().find(|row| first(&row.tally.lines).contains(&at)) {
                    Some(row) => wrong_row(row, group, &mut here),
                    None => here.push(format!("{}: no group has line {at}", group.id)),
                }
            }
            if !expected.groups.is_empty() && report.rows.len() != expected.groups.len() {
                here.push(format!("{} groups, not {}", report.rows.len(), expected.groups.len()));
            }
            let each = match &expected.lines {
                Some(LinesOrCount::Each(lines)) => lines.as_slice(),
                Some(LinesOrCount::Count(count)) if *count != report.lines => {
                    here.push(format!("{} lines, not {count}", report.lines));
                    &[]
                }
                Some(LinesOrCount::Count(_)) | None => &[],
            };
            each.iter().chain(&expected.items).for_each(|line| wrong_line(&report, line, &mut here));
            let left_out: BTreeMap<&str, &LoggedLines> =
                report.left_out.iter().map(|(reason, lines)| (reason.word(), lines)).collect();
            for one in &expected.left_out {
                let lines = numbers(&one.lines);
                let got = left_out.get(one.reason.as_str()).map(|lines| (lines.count, first(lines)));
                if got != Some((lines.len() as u64, lines.iter().copied().take(10).collect())) {
                    here.push(format!("{}: {got:?}, not {lines:?}", one.reason));
                }
            }
            let exit = u8::from(report.count(ReplayChange::Dropped) > 0);
            if exit != expected.exit {
                here.push(format!("exit {exit}"));
            }
            wrong.extend(here.into_iter().map(|one| format!("{}: {one}", expected.log)));
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_line_is_in_one_group_or_reason() {
    let subject = subject("shop", None);
    let log = fs::read(root().join("shop/hubble.jsonl")).unwrap();
    // Cut anywhere, also inside of a character.
    for end in (0..log.len()).step_by(9_973).chain([log.len()]) {
        let report = replayed(&subject, &[&log[..end]]);
        let grouped: u64 = report.rows.iter().map(|row| row.tally.lines.count).sum();
        let left_out: u64 = report.left_out.values().map(|lines| lines.count).sum();
        assert_eq!(grouped + left_out, report.lines, "{end}");
    }
}

/// What does not depend on the order of lines.
fn verdicts(report: &ReplayReport) -> Vec<String> {
    let mut all: Vec<String> = report
        .rows
        .iter()
        .map(|row| {
            let words = (row.seen.word(), row.candidate.word(), row.change.word(), row.itself);
            format!("{} -> {}:{} {words:?} {:?}", row.from, row.to, row.port, row.judged.why)
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_order_of_lines_and_files_changes_no_verdict() {
    let subject = subject("shop", None);
    let log = fs::read(root().join("shop/hubble.jsonl")).unwrap();
    let expected = verdicts(&replayed(&subject, &[&log]));
    let mut lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').collect();
    lines.reverse();
    assert_eq!(verdicts(&replayed(&subject, &[&lines.join(&b'\n')])), expected);
    let (one, other) = lines.split_at(70);
    assert_eq!(verdicts(&replayed(&subject, &[&other.join(&b'\n'), &one.join(&b'\n')])), expected);
    assert_eq!(verdicts(&replayed(&subject, &[&log, &log])), expected);
}
