//! Flow logs and what replaying them has to say, in `tests/replay/PROGRAM/`: for the log that `NAME.expected.yaml` names, the groups
//! with their lines, or line by line. `PROGRAM` is an example, and with `workloads:` what runs is known.
//!
//! Names of lines are `3` or `"3-5"`. Of longer lists the first ten are looked at, which is what a report has.

use polder::ask::{Asked, can};
use polder::engine::Engine;
use polder::net::Direction;
use polder::replay::{
    Because, LineNumber, LoggedLines, Replay, ReplayChange, ReplayOptions, ReplayReport, ReplayRow, Unclear,
};
use polder::session::{AskedPorts, Disk, LogFile, Named, Question, Subject, save_groups};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
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

/// What Calico itself says of staged policies at the reporter's end is what the candidate does there.
#[test]
fn calico_says_the_same_of_staged_policies() {
    let subject = subject("shop", None);
    let report = replayed(&subject, &[&fs::read(root().join("shop/calico-flows.json")).unwrap()]);
    let unlike: Vec<&str> =
        report.rows.iter().filter(|row| !row.staged.is_empty()).map(|row| row.from.as_str()).collect();
    assert!(unlike.is_empty(), "{unlike:?}");
    let judged = report.rows.iter().filter(|row| Direction::ALL.iter().any(|way| row.tally.staged(*way).is_some()));
    assert!(judged.count() > 8);
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

/// What replaying a file says, which may be packed.
fn replayed_file(subject: &Subject, path: &Path) -> ReplayReport {
    let logs = LogFile::find(&[Named::Path(path.to_path_buf())], Path::new("/")).expect("there is a log");
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    for log in logs {
        let mut input = log.open().expect("it can be opened");
        replay.read(&log.name, &mut input, &mut |_, _| true).expect("it can be read");
    }
    replay.report(&subject.candidate())
}

#[test]
fn packed_and_wrapped_logs_say_the_same() {
    let subject = subject("shop", None);
    let log = fs::read(root().join("shop/hubble.jsonl")).unwrap();
    let expected = verdicts(&replayed(&subject, &[&log]));
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let gzip = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let (one, other) = log.split_at(log.iter().position(|byte| *byte == b'\n').unwrap() + 1);
    // Several of them one after the other are one file, as rotation has it.
    for path in [
        put("a.log.gz", &gzip(&log)),
        put("b.log.gz", &[gzip(one), gzip(other)].concat()),
        put("a.log.zst", &zstd(&log)),
        put("b.log.zst", &[zstd(one), zstd(other)].concat()),
    ] {
        assert_eq!(verdicts(&replayed_file(&subject, &path)), expected, "{path:?}");
    }
    // What is cut off is no log that can be read.
    let cut = put("c.log.gz", &gzip(&log)[..1000]);
    let logs = LogFile::find(&[Named::Path(cut)], Path::new("/")).unwrap();
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    let read = replay.read("c", &mut logs[0].open().unwrap(), &mut |_, _| true);
    assert!(read.is_err());
    let text = String::from_utf8(log).unwrap();
    let wrap = |line: &str| match line.starts_with("{\"flow\"") {
        true => format!("2026-11-23T08:22:42.141000Z stdout F {}", serde_json::json!({ "log": format!("{line}\n") })),
        false => line.to_owned(),
    };
    let wrapped: Vec<String> = text.lines().map(wrap).collect();
    assert_eq!(verdicts(&replayed(&subject, &[wrapped.join("\n").as_bytes()])), expected);
}

#[test]
fn hostile_lines_are_unreadable_and_change_no_other_answer() {
    let subject = subject("shop", None);
    let log = fs::read(root().join("shop/hubble.jsonl")).unwrap();
    let report = replayed(&subject, &[&log]);
    let (expected, unreadable) = (verdicts(&report), report.unreadable());
    let long = format!("{{\"flow\":{{\"uuid\":\"{}\"}}}}", "x".repeat(2 << 20));
    let deep = format!("{{\"flow\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let hostile: [&[u8]; 7] = [
        b"\xff\xfe{",
        long.as_bytes(),
        deep.as_bytes(),
        b"{\"flow\":{\"l4\":{\"TCP\":{\"destination_port\":70000}},\"verdict\":\"FORWARDED\",\"is_reply\":false}}",
        b"{\"flow\":{\"verdict\":7}}",
        b"{\"flow\":{\"verdict\":\"FORWARDED\",\"IP\":{\"source\":\"\xe2\x80\xae\"},\"is_reply\":\"x\"}}",
        b"\0\0\0",
    ];
    let mut all = log.clone();
    for line in hostile {
        all.push(b'\n');
        all.extend_from_slice(line);
    }
    let report = replayed(&subject, &[&all]);
    assert_eq!(verdicts(&report), expected);
    assert_eq!(report.unreadable(), unreadable + hostile.len() as u64);
}

#[test]
fn what_is_saved_says_the_same_and_stays_as_it_is() {
    for (log, workloads) in [("hubble.jsonl", false), ("ovn-acl.log", true), ("calico-flows.json", false)] {
        let workloads = workloads.then(|| root().join("shop/workloads.yaml"));
        let subject = subject("shop", workloads.as_deref());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seen.csv");
        let keep = |log: &Path| {
            let logs = LogFile::find(&[Named::Path(log.to_path_buf())], Path::new("/")).unwrap();
            let mut replay = Replay::new(subject.running(), ReplayOptions::default());
            replay.read("log", &mut logs[0].open().unwrap(), &mut |_, _| true).unwrap();
            save_groups(&replay.saved(&subject.candidate()), &path, folder.path()).unwrap();
            fs::read_to_string(&path).unwrap()
        };
        let first = keep(&root().join("shop").join(log));
        let changes = |report: &ReplayReport| {
            let row = |row: &ReplayRow| format!("{} -> {}:{} {}", row.from, row.to, row.port, row.change.word());
            let mut all: Vec<String> = report.rows.iter().map(row).collect();
            all.sort();
            all
        };
        let before = changes(&replayed_file(&subject, &root().join("shop").join(log)));
        let after = changes(&replayed_file(&subject, &path));
        // Of public clients no address is kept.
        let known = |all: &[String]| -> Vec<String> {
            all.iter().filter(|row| !row.starts_with("192.0.2.77") && !row.starts_with("a public")).cloned().collect()
        };
        assert_eq!(known(&after), known(&before), "{log}");
        assert_eq!(keep(&path.clone()), first, "{log}");
        assert!(!first.contains("192.0.2.77,"), "{log}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.csv"), "a,b\n").unwrap();
    let saved = polder::replay::SavedGroups::default();
    assert!(save_groups(&saved, Path::new("mine.csv"), folder.path()).is_err());
}

/// The program of a text, in one file.
fn program(text: &str) -> Subject {
    let files = polder::session::Memory::default().with("/main.polder", text);
    let question = Question { program: vec![Named::Path("/main.polder".into())], ..Question::default() };
    let subject = Subject::load(&files, Path::new("/"), &question);
    assert!(subject.is_answerable(), "{text}\n{:?}", subject.reports());
    subject
}

/// Each row: who connects to whom, what was seen, what becomes of it, and how often.
fn told(report: &ReplayReport) -> Vec<String> {
    let row = |row: &ReplayRow| {
        let (seen, change) = (row.seen.word(), row.change.word());
        format!("{} -> {}:{} {seen} {change} {}x", row.from, row.to, row.port, row.tally.attempts())
    };
    report.rows.iter().map(row).collect()
}

const TWO: &str = "namespace shop {\n  tier web\n  tier db\n\n  web -> db:5432/tcp\n  client -> web:443/tcp\n}\n\n\
                   cidr client = 192.0.2.0/24\n";

#[test]
fn what_answers_a_request_of_the_log_is_no_connection_whatever_the_order() {
    let subject = program(TWO);
    let gke = |from: &str, from_port: u16, to: &str, to_port: u16| {
        let pod = |ip: &str| serde_json::json!({ "pod_name": format!("p-{ip}"), "namespace": "shop" });
        serde_json::json!({
            "connection": { "src_ip": from, "dest_ip": to, "src_port": from_port, "dest_port": to_port, "protocol": "tcp",
                "direction": "ingress" },
            "disposition": "allow", "src": pod(from), "dest": pod(to), "node_name": "n", "timestamp": "2026-11-24T13:00:00Z",
        })
        .to_string()
    };
    let aws = |from: &str, from_port: u16, to: &str, to_port: u16| {
        format!(
            "{{\"level\":\"debug\",\"ts\":\"2026-11-24T12:00:00.000Z\",\"msg\":\"Flow Info: Src IP: {from} Src Port: {from_port} \
             Dest IP: {to} Dest Port: {to_port} Proto TCP Verdict ACCEPT Direction ingress, Tier NETWORK_POLICY\"}}"
        )
    };
    let cloud_watch = |from: &str, from_port: u16, to: &str, to_port: u16| {
        format!(
            "Node: n;SIP: {from};SPORT: {from_port};DIP: {to};DPORT: {to_port};PROTOCOL: TCP;PolicyVerdict: ACCEPT;Tier: T"
        )
    };
    let antrea = |from: &str, from_port: u16, to: &str, to_port: u16| {
        format!(
            "2026/11/24 10:00:03.1 IngressRule K8sNetworkPolicy:shop/a <nil> Ingress Allow 190 shop/p-{to} {from} {from_port} \
             {to} {to_port} TCP 60 <nil>"
        )
    };
    let calico = |from: &str, from_port: u16, to: &str, to_port: u16| {
        format!("Nov 24 13:00:00 n felix: cali3-E: policy ALLOWED proto 6 src {from}:{from_port} dest {to}:{to_port}")
    };
    let kernel = |from: &str, from_port: u16, to: &str, to_port: u16| {
        let flags = if from_port == 5432 { "ACK SYN" } else { "SYN" };
        format!(
            "Nov 24 13:00:00 n kernel: calico-packet: IN=cali1 OUT=eth0 SRC={from} DST={to} LEN=60 PROTO=TCP SPT={from_port} \
             DPT={to_port} WINDOW=1 RES=0x00 {flags} URGP=0"
        )
    };
    let hubble = |from: &str, from_port: u16, to: &str, to_port: u16| {
        let end =
            |ip: &str| serde_json::json!({ "identity": 2000, "namespace": "shop", "pod_name": format!("p-{ip}") });
        let flow = serde_json::json!({
            "time": "2026-11-24T13:00:00Z", "verdict": "FORWARDED", "IP": { "source": from, "destination": to },
            "l4": { "UDP": { "source_port": from_port, "destination_port": to_port } }, "source": end(from),
            "destination": end(to), "event_type": { "type": 4 }, "is_reply": false, "traffic_direction": "INGRESS",
        });
        serde_json::json!({ "flow": flow }).to_string()
    };
    type LineOfFormat<'f> = &'f dyn Fn(&str, u16, &str, u16) -> String;
    let formats: [(&str, LineOfFormat<'_>); 7] = [
        ("gke", &gke),
        ("aws", &aws),
        ("cloud watch", &cloud_watch),
        ("antrea", &antrea),
        ("calico", &calico),
        ("kernel", &kernel),
        ("hubble", &hubble),
    ];
    let (web, db) = ("10.244.0.1", "10.244.0.2");
    for (name, line) in formats {
        for ports in [[41_008, 5432], [33_012, 5432]] {
            let [client, server] = ports;
            let request = line(web, client, db, server);
            let reply = line(db, server, web, client);
            for log in [
                [request.as_str(), &reply, &reply].join("\n"),
                [reply.as_str(), &request, &reply].join("\n"),
                [reply.as_str(), &reply, &request].join("\n"),
            ] {
                let report = replayed(&subject, &[log.as_bytes()]);
                assert_eq!(report.rows.len(), 1, "{name}: {:?}\n{log}", told(&report));
                let protocol = if name == "hubble" { "udp" } else { "tcp" };
                assert_eq!(report.rows[0].port, format!("{server}/{protocol}"), "{name}");
                let replies = report.left_out.iter().find(|(reason, _)| reason.word() == "reply");
                assert_eq!(replies.map(|(_, lines)| lines.count), Some(2), "{name}\n{log}");
            }
        }
        // Without a request to that port it may be a connection of its own.
        let other = line(web, 41_008, db, 9999);
        let log = [line(db, 5433, web, 41_008), other].join("\n");
        assert_eq!(replayed(&subject, &[log.as_bytes()]).rows.len(), 2, "{name}");
    }
    // Of two ports that anybody may get, the first one seen is asked.
    let at = |second: u8, line: String| line.replace("13:00:00Z", &format!("13:00:0{second}Z"));
    let (request, reply) = (at(1, gke(web, 33_012, db, 50_051)), at(2, gke(db, 50_051, web, 33_012)));
    for log in [[request.as_str(), &reply].join("\n"), [reply.as_str(), &request].join("\n")] {
        let report = replayed(&subject, &[log.as_bytes()]);
        assert_eq!(report.rows.iter().map(|row| row.port.as_str()).collect::<Vec<_>>(), ["50051/tcp"], "{log}");
    }
}

#[test]
fn a_row_that_says_that_nothing_was_seen_is_no_connection() {
    let subject = program(TWO);
    let log = "source,destination,port,protocol,verdict,count\n\"shop/{app=db}\",\"shop/{app=web}\",80,tcp,,0\n\
               \"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,,2\n";
    let report = replayed(&subject, &[log.as_bytes()]);
    assert_eq!(told(&report), ["shop/web -> shop/db:5432/tcp passed same 2x"]);
    assert_eq!(report.left_out.keys().map(|reason| reason.word()).collect::<Vec<_>>(), ["not-an-attempt", "header"]);
}

#[test]
fn a_pod_that_nobody_knows_may_be_any_of_its_namespace() {
    let subject = program(TWO);
    let log = |lines: &str| format!("source,destination,port,protocol\n{lines}\n");
    for (line, word) in [
        // Some of them may.
        ("shop/web-6b9f7c8d5f-2xkqp,\"shop/{app=db}\",5432,tcp", "unknown"),
        // None may.
        ("shop/web-6b9f7c8d5f-2xkqp,\"shop/{app=db}\",22,tcp", "dropped"),
        ("tools/shell,\"shop/{app=db}\",5432,tcp", "dropped"),
        // All may: nothing is closed there.
        ("tools/shell,203.0.113.7,443,tcp", "same"),
        ("\"shop/{app=web}\",shop/db-0,5432,tcp", "unknown"),
        ("shop/web,shop/db,5432,tcp", "same"),
    ] {
        let report = replayed(&subject, &[log(line).as_bytes()]);
        let changes: Vec<&str> = report.rows.iter().map(|row| row.change.word()).collect();
        assert_eq!((changes.as_slice(), report.unreadable()), (&[word][..], 0), "{line}: {:?}", told(&report));
    }
    // What is no name of a pod is nobody's.
    for line in ["wbe,\"shop/{app=db}\",5432,tcp", "\"shop/{app\",\"shop/{app=db}\",5432,tcp"] {
        assert_eq!(replayed(&subject, &[log(line).as_bytes()]).unreadable(), 1, "{line}");
    }
}

#[test]
fn clients_that_were_refused_are_kept_beside_those_that_passed() {
    let subject = program(TWO);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seen.csv");
    let keep = |log: &[u8]| {
        let mut replay = Replay::new(subject.running(), ReplayOptions::default());
        let mut input = log;
        replay.read("log", &mut input, &mut |_, _| true).unwrap();
        save_groups(&replay.saved(&subject.candidate()), &path, folder.path()).unwrap();
        fs::read_to_string(&path).unwrap()
    };
    let log = "source,destination,port,protocol,verdict,count\n192.0.2.7,\"shop/{app=web}\",443,tcp,,3\n\
               198.51.100.9,\"shop/{app=web}\",443,tcp,denied,8\n";
    let saved = keep(log.as_bytes());
    assert_eq!(
        saved,
        "source,destination,port,protocol,verdict,count,first,last\n\
         (public address),shop/{app=web},443,tcp,,3,,\n(public address),shop/{app=web},443,tcp,denied,8,,\n"
    );
    assert_eq!(keep(saved.as_bytes()), saved);
    let report = replayed(&subject, &[saved.as_bytes()]);
    let seen: Vec<(&str, u64)> = report.rows.iter().map(|row| (row.seen.word(), row.tally.attempts())).collect();
    assert_eq!(seen, [("refused", 8), ("passed", 3)]);
}

/// Pods that the shop may have, with their namespaces.
const PODS: [(&str, &[(&str, &str)]); 9] = [
    ("storefront", &[("app.kubernetes.io/name", "web")]),
    ("storefront", &[("app.kubernetes.io/name", "api"), ("track", "canary")]),
    ("storefront", &[("app.kubernetes.io/name", "api")]),
    ("orders", &[("app.kubernetes.io/name", "worker")]),
    ("orders", &[("app.kubernetes.io/name", "migration"), ("batch.kubernetes.io/job-name", "m-1")]),
    ("data", &[("app.kubernetes.io/name", "postgres")]),
    ("data", &[("app.kubernetes.io/name", "redis")]),
    ("monitoring", &[("app.kubernetes.io/name", "prometheus")]),
    ("dev", &[("run", "x")]),
];

fn hubble_end(place: usize, with_labels: bool) -> serde_json::Value {
    let (namespace, labels) = PODS[place];
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("k8s:{key}={value}")).collect();
    let labels = if with_labels { labels } else { Vec::new() };
    serde_json::json!({ "identity": 20_000 + place, "namespace": namespace, "pod_name": format!("p-{place}"), "labels": labels })
}

fn hubble_line(source: serde_json::Value, destination: serde_json::Value, port: u16) -> String {
    let l4 =
        serde_json::json!({ "TCP": { "source_port": 40_000, "destination_port": port, "flags": { "SYN": true } } });
    let flow = serde_json::json!({
        "verdict": "FORWARDED", "l4": l4, "source": source, "destination": destination, "event_type": { "type": 4 },
        "traffic_direction": "INGRESS", "is_reply": false,
    });
    serde_json::json!({ "flow": flow }).to_string()
}

#[test]
fn the_answer_is_the_one_of_can_and_never_flips_where_labels_are_missing() {
    let subject = subject("shop", None);
    let ports = [3000, 5432, 6379, 8080, 9464];
    // All labels are shown by some pod of the log.
    let mut context: Vec<String> =
        (0..PODS.len()).map(|place| hubble_line(hubble_end(place, true), hubble_end(0, true), 1)).collect();
    context.push(String::new());
    let context = context.join("\n");
    let mut asked: Vec<(usize, usize, u16, &str)> = Vec::new();
    for source in 0..PODS.len() {
        for destination in (0..PODS.len()).filter(|place| *place != source) {
            for port in ports {
                let end = |place: usize| {
                    let (namespace, labels) = PODS[place];
                    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    Asked::parse(&format!("{namespace}/{{{}}}", labels.join(","))).unwrap()
                };
                let ports = AskedPorts::parse(&format!("{port}/tcp")).unwrap();
                let posed = subject.pose(&end(source), &end(destination), Some(&ports)).unwrap();
                let engine = Engine::new(&posed.situation.world, subject.policies());
                let word = match can(&engine, &posed.from, &posed.to, &posed.doubtful).is_yes() {
                    Some(true) => "allowed",
                    Some(false) => "denied",
                    None => "unknown",
                };
                asked.push((source, destination, port, word));
            }
        }
    }
    // All pairs in one log: the answer is the one of `can`.
    let lines =
        asked.iter().map(|(from, to, port, _)| hubble_line(hubble_end(*from, true), hubble_end(*to, true), *port));
    let log = format!("{context}{}", lines.collect::<Vec<_>>().join("\n"));
    let report = replayed(&subject, &[log.as_bytes()]);
    for (place, (from, to, port, word)) in asked.iter().enumerate() {
        let at = (PODS.len() + 1 + place) as u64;
        let row = report.rows.iter().find(|row| first(&row.tally.lines).contains(&at)).unwrap();
        assert_eq!(row.candidate.word(), *word, "{from} -> {to}:{port}");
    }
    // Without labels it stays, or is not known.
    for (from, to, port, word) in asked.iter().step_by(11) {
        for [source, destination] in [[false, true], [true, false], [false, false]] {
            let line = hubble_line(hubble_end(*from, source), hubble_end(*to, destination), *port);
            let report = replayed(&subject, &[format!("{context}{line}").as_bytes()]);
            let at = PODS.len() as u64 + 1;
            let row = report.rows.iter().find(|row| first(&row.tally.lines).contains(&at)).unwrap();
            let less = row.candidate.word();
            assert!(less == *word || less == "unknown", "{from} -> {to}:{port} {less} {word}");
        }
    }
}
