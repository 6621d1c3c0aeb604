//! What logs teach of programs: `tests/learn/shop/` is about the example, the rest about made-up programs.

use crate::oracle::generate;
use crate::oracle::render::render;
use polder::ask::Says;
use polder::model::{NamespaceKind, Tier};
use polder::net::{IpBlock, Protocol};
use polder::replay::{CidrWidening, LearnOptions, Replay, ReplayChange, ReplayOptions, WhyNotLearned};
use polder::session::{Disk, EnvironmentChoice, LearnedProgram, Manifests, Memory, Named, Question, Subject, Versions};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Debug, Deserialize)]
struct ExpectedLessons {
    proposed: Vec<ProposedFlow>,
    left: Vec<LeftGroup>,
    never: Vec<NeverLearned>,
}

#[derive(Debug, Deserialize)]
struct ProposedFlow {
    file: String,
    flow: String,
    declares: Option<String>,
    group: String,
}

#[derive(Debug, Deserialize)]
struct LeftGroup {
    group: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct NeverLearned {
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct KnownGroups {
    groups: Vec<KnownGroup>,
}

#[derive(Debug, Deserialize)]
struct KnownGroup {
    id: String,
    from: String,
    to: String,
    port: String,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn options() -> LearnOptions {
    LearnOptions { min_attempts: 1, ..LearnOptions::default() }
}

fn learned_with(subject: &Subject, log: &str, options: &LearnOptions) -> LearnedProgram {
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    let mut input = log.as_bytes();
    replay.read("log", &mut input, &mut |_, _| true).expect("the log is read");
    subject.learn(&replay, options).expect("there is an answer")
}

fn learned(subject: &Subject, log: &str) -> LearnedProgram {
    learned_with(subject, log, &options())
}

/// The program of a text, in one file.
fn program(text: &str) -> Subject {
    let files = Memory::default().with("/main.polder", text);
    let question = Question { program: vec![Named::Path("/main.polder".into())], ..Question::default() };
    let subject = Subject::load(&files, Path::new("/"), &question);
    assert!(subject.is_answerable(), "{text}\n{:?}", subject.reports());
    subject
}

fn flows(learned: &LearnedProgram) -> Vec<String> {
    learned.added.iter().map(|(_, statement)| statement.text.clone()).collect()
}

/// The only file, afterwards.
fn after(learned: &LearnedProgram) -> &str {
    let [file] = learned.files.as_slice() else { panic!("{:?}", learned.files) };
    &file.after
}

/// Why nothing was learned of the only row that is left.
fn why(learned: &LearnedProgram) -> &WhyNotLearned {
    let [(_, why)] = learned.left.as_slice() else { panic!("{:?} {:?}", flows(learned), learned.left) };
    why
}

fn csv(lines: &[&str]) -> String {
    format!("source,destination,port,protocol,verdict,count\n{}\n", lines.join("\n"))
}

#[test]
fn the_log_of_the_example_teaches_what_is_written_beside_it() {
    let folder = root("examples/shop");
    let question = Question { program: vec![Named::Path(folder.clone())], ..Question::default() };
    let subject = Subject::load(&Disk, &folder, &question);
    let log = fs::read_to_string(root("tests/replay/shop/hubble.jsonl")).unwrap();
    let learned = learned(&subject, &log);
    let expected: ExpectedLessons =
        serde_yaml::from_str(&fs::read_to_string(root("tests/learn/shop/hubble.expected.yaml")).unwrap()).unwrap();
    let known: KnownGroups =
        serde_yaml::from_str(&fs::read_to_string(root("tests/replay/shop/hubble.expected.yaml")).unwrap()).unwrap();
    let group = |id: &str| {
        let found = known.groups.iter().find(|group| group.id == id).unwrap_or_else(|| panic!("{id}"));
        format!("{} -> {}:{}", found.from, found.to, found.port)
    };
    let row = |place: usize| {
        let row = &learned.lessons.report.rows[place];
        format!("{} -> {}:{}", row.from, row.to, row.port)
    };
    let proposed: BTreeSet<(String, String, String)> = learned
        .added
        .iter()
        .map(|(place, statement)| {
            let rows: Vec<String> = learned.lessons.flows[*place].rows.iter().map(|place| row(*place)).collect();
            let file = &subject.sources().file(statement.file).unwrap().path;
            (file.rsplit('/').next().unwrap().to_owned(), statement.text.clone(), rows.join(", "))
        })
        .collect();
    let wanted: BTreeSet<(String, String, String)> =
        expected.proposed.iter().map(|one| (one.file.clone(), one.flow.clone(), group(&one.group))).collect();
    assert_eq!(proposed, wanted);
    for one in &expected.proposed {
        let (_, statement) = learned.added.iter().find(|(_, statement)| statement.text == one.flow).unwrap();
        let declares = one
            .declares
            .as_ref()
            .map(|text| text.replace("/tcp, in tier nats of data.polder", "/tcp in tier nats of data"));
        assert_eq!(statement.declares, declares.into_iter().collect::<Vec<_>>());
    }
    let left: BTreeMap<String, &WhyNotLearned> = learned.left.iter().map(|(place, why)| (row(*place), why)).collect();
    let named: BTreeSet<String> = expected.left.iter().map(|one| group(&one.group)).collect();
    assert_eq!(left.keys().cloned().collect::<BTreeSet<_>>(), named);
    for LeftGroup { group: id, reason } in &expected.left {
        let word = left[&group(id)].word();
        let fits = match reason.as_str() {
            reason if reason.starts_with("breaks") => "assertion",
            reason if reason.contains("excepts") => "excepted",
            reason if reason.contains("environment") => "environment",
            reason if reason.starts_with("a node") => "node",
            reason if reason.starts_with("a client") => "public-client",
            reason if reason.starts_with("neither") => "proxy",
            _ => "labels",
        };
        assert_eq!(word, fits, "{id}");
    }
    for id in expected.never.iter().flat_map(|never| &never.groups) {
        assert!(proposed.iter().all(|(.., rows)| !rows.contains(&group(id))), "{id}");
    }
}

#[test]
fn the_patch_of_the_example_is_applied_and_means_what_the_reference_does() {
    let folder = tempfile::tempdir().unwrap();
    for (name, is_ours) in [("ours", true), ("reference", false)] {
        let target = folder.path().join(name);
        fs::create_dir(&target).unwrap();
        for entry in fs::read_dir(root("examples/shop")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, target.join(path.file_name().unwrap())).unwrap();
            }
        }
        if is_ours {
            let log = root("tests/replay/shop/hubble.jsonl");
            let polder = || Command::new(env!("CARGO_BIN_EXE_polder"));
            let printed = polder().current_dir(&target).arg("learn").arg(&log).output().unwrap();
            assert_eq!(printed.status.code(), Some(1));
            fs::write(folder.path().join("ours.patch"), &printed.stdout).unwrap();
            let again = polder().current_dir(&target).arg("learn").arg(&log).output().unwrap();
            assert_eq!(again.stdout, printed.stdout);
        }
        let patch = if is_ours { folder.path().join("ours.patch") } else { root("tests/learn/shop/hubble.patch") };
        let applied = Command::new("git")
            .current_dir(&target)
            .env("GIT_CEILING_DIRECTORIES", folder.path())
            .args(["apply", "--unidiff-zero"])
            .arg(patch)
            .output()
            .unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    }
    let command = Command::new(env!("CARGO_BIN_EXE_polder"))
        .current_dir(folder.path())
        .args(["diff", "ours", "reference"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&command.stdout);
    assert_eq!(command.status.code(), Some(0), "{text}");
    let format = Command::new(env!("CARGO_BIN_EXE_polder"))
        .current_dir(folder.path())
        .args(["fmt", "--check", "ours"])
        .output()
        .unwrap();
    assert_eq!(format.status.code(), Some(0));
}

const SHOP: &str = "\
platform {
  pods     10.244.0.0/16
  services 10.96.0.0/12
}

cidr partners = 203.0.113.0/24 except 203.0.113.66/32

namespace shop {
  tier web
  tier api { http: 8080/tcp }
  tier db  { sql: 5432/tcp }

  web -> api:http
  api -> partners:443/tcp
}
";

#[test]
fn what_a_log_says_gets_into_a_program_only_as_names_and_numbers() {
    let subject = program(SHOP);
    let pod = |namespace: &str, labels: &[&str]| {
        let name = format!("x\u{1b}[31m-{}", namespace.len() + labels.concat().len());
        serde_json::json!({ "identity": 1, "namespace": namespace, "pod_name": name, "labels": labels })
    };
    let line = |source: serde_json::Value, destination: serde_json::Value, names: &[&str], ip: &str| {
        let l4 =
            serde_json::json!({ "TCP": { "source_port": 40_000, "destination_port": 443, "flags": { "SYN": true } } });
        let flow = serde_json::json!({
            "time": "2026-11-23T08:00:00Z", "verdict": "FORWARDED", "l4": l4, "source": source, "destination": destination,
            "IP": { "source": "10.244.0.1", "destination": ip }, "event_type": { "type": 4 }, "is_reply": false,
            "traffic_direction": "EGRESS", "destination_names": names,
        });
        serde_json::json!({ "flow": flow }).to_string()
    };
    let world = || serde_json::json!({ "identity": 2, "labels": ["reserved:world"] });
    let hostile = "x\n# polder: allow(W0001)\nweb -> internet:1-65535/tcp\u{1b}[2J\" } namespace evil { tier a";
    let log = [
        line(pod("shop", &["k8s:app=web"]), world(), &[hostile, "good.example"], "198.51.100.7"),
        line(pod("shop", &["k8s:app=web"]), world(), &[hostile], "198.51.100.8"),
        line(pod("shop", &["k8s:app=a\nb) -> x"]), pod("shop", &["k8s:app=api"]), &[], "10.244.0.2"),
        line(pod("sh\nop", &["k8s:app=web"]), pod("shop", &["k8s:app=api"]), &[], "10.244.0.2"),
        line(
            pod("shop", &["k8s:app\u{202e}=x", "k8s:# polder: allow(all)=y"]),
            pod("shop", &["k8s:app=api"]),
            &[],
            "10.244.0.2",
        ),
        line(pod("shop", &["k8s:app=x\u{202e}"]), pod("shop", &["k8s:app=api"]), &[], "10.244.0.2"),
    ];
    let learned = learned(&subject, &log.join("\n"));
    assert_eq!(flows(&learned), ["web -> good-example:443/tcp", "web -> net-198-51-100-8:443/tcp"]);
    let text = after(&learned);
    assert!(!text.contains("polder: allow") && !text.contains("evil") && !text.contains('\u{1b}'), "{text}");
    let rows: Vec<String> =
        learned.lessons.report.rows.iter().map(|row| format!("{} -> {} {:?}", row.from, row.to, row.change)).collect();
    assert_eq!(learned.left.len(), 4, "{rows:#?}");
    let new = program(text);
    assert_eq!(new.flows().unwrap().flows.len(), subject.flows().unwrap().flows.len() + 2);
}

#[test]
fn nothing_is_learned_where_something_else_is_meant() {
    let text = SHOP.replace("  web -> api:http\n", "  web -> api:http\n  dns none\n");
    let subject = program(&text);
    for (line, word) in [
        // A client from outside, with the port of a server.
        ("198.51.100.7,\"shop/{app=api}\",8080,tcp,,1", "public-client"),
        ("\"shop/{app=api}\",203.0.113.66,443,tcp,,1", "excepted"),
        ("\"shop/{app=web}\",\"kube-system/{k8s-app=kube-dns}\",53,udp,,9", "dns"),
    ] {
        assert_eq!(why(&learned(&subject, &csv(&[line]))).word(), word, "{line}");
    }
    // What is refused, answers, or cannot be told is no drop at all.
    for line in [
        "\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,denied,1",
        "\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,unanswered,1",
        "10.244.9.9,\"shop/{app=db}\",5432,tcp,,1",
        "\"shop/{app=web}\",10.96.0.9,5432,tcp,,1",
    ] {
        let learned = learned(&subject, &csv(&[line]));
        assert!(learned.added.is_empty() && learned.left.is_empty(), "{line}: {:?}", flows(&learned));
    }
    // Private addresses are somebody's, unless all of those are known.
    let unknown = program(&text.replace("  pods     10.244.0.0/16\n", ""));
    let line = "\"shop/{app=web}\",10.0.0.9,5432,tcp,,1";
    assert_eq!(why(&learned(&unknown, &csv(&[line]))).word(), "whose-address");
    assert_eq!(flows(&learned(&subject, &csv(&[line]))), ["web -> net-10-0-0-9:5432/tcp"]);
    let few = LearnOptions { min_attempts: 3, ..options() };
    let learned = learned_with(&subject, &csv(&["\"shop/{app=web}\",\"shop/{app=db}\",sql,tcp,,2"]), &few);
    assert_eq!(why(&learned).word(), "few-attempts");
}

#[test]
fn an_answer_to_a_port_of_a_client_is_not_learned() {
    let subject = program(SHOP);
    let end = |app: &str| serde_json::json!({ "identity": 2000, "namespace": "shop", "pod_name": app, "labels": [format!("k8s:app={app}")] });
    let line = |from: (&str, u16), to: (&str, u16)| {
        let address = |end: &str| format!("10.244.0.{}", end.len());
        let flow = serde_json::json!({
            "verdict": "FORWARDED", "IP": { "source": address(from.0), "destination": address(to.0) },
            "l4": { "UDP": { "source_port": from.1, "destination_port": to.1 } }, "source": end(from.0),
            "destination": end(to.0), "event_type": { "type": 4 }, "is_reply": false, "traffic_direction": "INGRESS",
        });
        serde_json::json!({ "flow": flow }).to_string()
    };
    let (request, answer) = (line(("web", 41_008), ("db", 53)), line(("db", 53), ("web", 41_008)));
    assert_eq!(flows(&learned(&subject, &format!("{request}\n{answer}\n"))), ["web -> db:port-53"]);
    // Its request may be older than the log.
    assert_eq!(why(&learned(&subject, &answer)), &WhyNotLearned::Established);
}

#[test]
fn scans_and_dynamic_ports_are_told_and_not_learned() {
    let subject = program(SHOP);
    let mut lines: Vec<String> =
        (1..=12).map(|port| format!("\"shop/{{app=web}}\",\"shop/{{app=db}}\",{port},tcp,denied,1")).collect();
    lines.push("\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,,1".to_owned());
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(why(&learned(&subject, &csv(&all))).word(), "scan");
    // Where nothing is closed, it passes.
    let passed: Vec<String> = lines.iter().map(|line| line.replace("denied", "")).collect();
    let open: Vec<&str> = passed.iter().map(String::as_str).collect();
    let open = learned(&subject, &csv(&open));
    assert_eq!((open.added.len(), open.left.len()), (0, 13));
    assert!(open.left.iter().all(|(_, why)| why.word() == "scan"), "{:?}", open.left);
    // As many that are used are none.
    let passed: Vec<String> = passed.iter().map(|line| line.replace(",tcp,,1", ",tcp,,2")).collect();
    let passed: Vec<&str> = passed.iter().map(String::as_str).collect();
    assert_eq!(learned(&subject, &csv(&passed)).added.len(), 13);
    let sweep: Vec<String> = (1..=22)
        .map(|host| format!("\"shop/{{app=web}}\",192.0.2.{host},22,tcp,{},1", if host == 3 { "" } else { "denied" }))
        .collect();
    let sweep: Vec<&str> = sweep.iter().map(String::as_str).collect();
    assert_eq!(why(&learned(&subject, &csv(&sweep))).word(), "scan");
    let dynamic: Vec<String> =
        (0..9).map(|port| format!("\"shop/{{app=web}}\",\"shop/{{app=db}}\",{},tcp,,1", 40_000 + port)).collect();
    let dynamic: Vec<&str> = dynamic.iter().map(String::as_str).collect();
    let learned_of = |lines: &[&str]| learned(&subject, &csv(lines));
    assert!(learned_of(&dynamic).left.iter().all(|(_, why)| why.word() == "dynamic-ports"));
    assert_eq!(learned_of(&dynamic).left.len(), 9);
    assert_eq!(learned_of(&dynamic[..8]).added.len(), 8);
}

#[test]
fn what_was_refused_is_not_let_through_with_what_passed() {
    let subject = program(SHOP);
    let lines = [
        "\"shop/{app=api,team=a}\",\"shop/{app=web}\",8080,tcp,,3",
        "\"shop/{app=api,team=b}\",\"shop/{app=web}\",8080,tcp,denied,200",
    ];
    assert_eq!(why(&learned(&subject, &csv(&lines))), &WhyNotLearned::Refused(200));
    assert_eq!(flows(&learned(&subject, &csv(&lines[..1]))), ["api -> web:8080/tcp"]);
    let listed = program(&format!("{SHOP}\ncidr corp = 192.0.2.0/24\ncorp -> shop/db:sql\n"));
    let lines = ["192.0.2.7,\"shop/{app=web}\",8080,tcp,,3", "192.0.2.8,\"shop/{app=web}\",8080,tcp,denied,2"];
    assert_eq!(learned(&listed, &csv(&lines)).added.len(), 0);
    // Addresses that mean no machine of the network.
    for address in ["169.254.169.254", "127.0.0.1", "224.0.0.251", "0.0.0.0", "fe80::1"] {
        let line = format!("\"shop/{{app=web}}\",{address},80,tcp,,3");
        assert_eq!(why(&learned(&subject, &csv(&[&line]))), &WhyNotLearned::SpecialAddress, "{address}");
    }
}

#[test]
fn ports_are_added_where_a_tier_lists_some() {
    let subject = program(SHOP);
    let learned = learned(
        &subject,
        &csv(&[
            "\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,,1",
            "\"shop/{app=web}\",\"shop/{app=db}\",9187,tcp,,1",
            "\"shop/{app=api}\",\"shop/{app=db}\",9187,tcp,,1",
            "\"shop/{app=api}\",\"shop/{app=web}\",50051,tcp,,1",
        ]),
    );
    assert_eq!(
        flows(&learned),
        ["api -> db:port-9187", "api -> web:50051/tcp", "web -> db:sql", "web -> db:port-9187"]
    );
    let text = after(&learned);
    assert!(text.contains("tier db  { sql: 5432/tcp, port-9187: 9187/tcp }"), "{text}");
    assert!(text.contains("  web -> api:http\n  # 1 attempt\n  web -> db:sql\n"), "{text}");
}

#[test]
fn new_tiers_are_known_by_as_few_labels_as_it_takes() {
    let subject = program(SHOP);
    let learned = learned(
        &subject,
        &csv(&[
            // In the style of the program, where the label is enough.
            "\"shop/{app=worker,pod-template-hash=abc,helm.sh/chart=x-1}\",\"shop/{app=db}\",5432,tcp,,1",
            // Two workloads of one name, which another label tells apart.
            "\"shop/{app=job,app.kubernetes.io/component=mail}\",\"shop/{app=db}\",5432,tcp,,1",
            "\"shop/{app=job,app.kubernetes.io/component=stock}\",\"shop/{app=api}\",8080,tcp,,1",
            // Somebody else's.
            "\"tools/{app.kubernetes.io/name=probe,version=v2}\",\"shop/{app=api}\",8080,tcp,,1",
            // No label tells this one from those above.
            "\"shop/{app=job}\",\"shop/{app=db}\",5432,tcp,,1",
            "\"shop/{pod-template-hash=abc}\",\"shop/{app=db}\",5432,tcp,,1",
        ]),
    );
    let text: String = after(&learned)
        .lines()
        .map(|line| format!("  {}\n", line.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect();
    for line in [
        "  tier worker\n",
        "  tier job-mail (app=job, app.kubernetes.io/component=mail)\n",
        "  tier job-stock (app=job, app.kubernetes.io/component=stock)\n",
        "external namespace tools {\n  tier probe (app.kubernetes.io/name=probe)\n  }\n",
        "  tools/probe -> api:http\n",
        "  worker -> db:sql\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let left: BTreeSet<&str> = learned.left.iter().map(|(_, why)| why.word()).collect();
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["inseparable", "no-labels"]);
}

#[test]
fn addresses_become_lists_of_what_was_seen() {
    let subject = program(SHOP);
    let lines = |count: usize| -> Vec<String> {
        (1..=count).map(|host| format!("\"shop/{{app=web}}\",192.0.2.{host},443,tcp,,1")).collect()
    };
    let learned_of = |lines: Vec<String>, widening| {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        learned_with(&subject, &csv(&lines), &LearnOptions { widening, ..options() })
    };
    assert_eq!(learned_of(lines(2), CidrWidening::Exact).added.len(), 2);
    let several = learned_of(lines(6), CidrWidening::Exact);
    assert_eq!(flows(&several), ["web -> nets-of-web:443/tcp"]);
    assert!(after(&several).contains("cidr nets-of-web = 192.0.2.1/32, 192.0.2.2/31, 192.0.2.4/31, 192.0.2.6/32\n"));
    let wide = learned_of(lines(6), CidrWidening::Of24);
    assert!(
        after(&wide).contains("cidr net-192-0-2-0-24 = 192.0.2.0/24  # wider than what was seen\n"),
        "{}",
        after(&wide)
    );
    let many = learned_of(lines(33), CidrWidening::Exact);
    assert!(many.added.is_empty() && many.left.len() == 33);
    assert!(many.left.iter().all(|(_, why)| *why == WhyNotLearned::ManyAddresses(33)));
    // A list that a flow uses has the name, not one of its own; it says what it opens beside.
    let known = vec!["\"shop/{app=web}\",203.0.113.9,443,tcp,,1".to_owned()];
    let known = learned_of(known, CidrWidening::Exact);
    assert_eq!(flows(&known), ["web -> partners:443/tcp"]);
    let said = "  # 1 attempt; wider: partners has 255 addresses, of which 1 was seen\n  web -> partners:443/tcp\n";
    assert!(after(&known).contains(said), "{}", after(&known));
    // All of it was seen.
    let whole = |list: &str| format!("{SHOP}\ncidr two = {list}\nshop/api -> two:5432/tcp\n");
    let lines: Vec<&str> =
        vec!["\"shop/{app=web}\",198.51.100.2,5432,tcp,,1", "\"shop/{app=web}\",198.51.100.3,5432,tcp,,1"];
    let all = learned(&program(&whole("198.51.100.2/31")), &csv(&lines));
    assert_eq!(flows(&all), ["web -> two:5432/tcp"]);
    assert!(!after(&all).contains("wider"), "{}", after(&all));
    // A list of very many is no name for one of them.
    let few = learned(&program(&whole("198.51.0.0/16")), &csv(&lines[..1]));
    assert_eq!(flows(&few), ["web -> net-198-51-100-2:5432/tcp"]);
}

#[test]
fn a_client_that_may_be_a_node_is_not_learned() {
    let line = "10.0.0.9,\"shop/{app=db}\",5432,tcp,,1";
    assert_eq!(why(&learned(&program(SHOP), &csv(&[line]))), &WhyNotLearned::MaybeNode);
    let known =
        program(&SHOP.replace("  services 10.96.0.0/12\n", "  services 10.96.0.0/12\n  nodes    10.0.8.0/24\n"));
    assert_eq!(flows(&learned(&known, &csv(&[line]))), ["net-10-0-0-9 -> db:sql"]);
    // A list of the program says who that is.
    let listed = program(&format!("{SHOP}\ncidr jump = 10.0.0.9/32\njump -> shop/web:22/tcp\n"));
    assert_eq!(flows(&learned(&listed, &csv(&[line]))), ["jump -> db:sql"]);
}

#[test]
fn what_is_allowed_without_an_environment_is_not_added_for_one() {
    let text = format!(
        "{SHOP}\ncidr bank = 198.51.100.7/32\nshop/web -> bank:443/tcp\n\nenvironment prod {{\n  cidr bank = 198.51.100.9/32\n}}\n"
    );
    let files = Memory::default().with("/main.polder", &*text);
    let question = Question {
        program: vec![Named::Path("/main.polder".into())],
        environment: EnvironmentChoice::Named("prod".to_owned()),
        ..Question::default()
    };
    let subject = Subject::load(&files, Path::new("/"), &question);
    assert!(subject.is_answerable(), "{:?}", subject.reports());
    let line = |address: &str| csv(&[&format!("\"shop/{{app=web}}\",{address},443,tcp,,1")]);
    let base = learned(&subject, &line("198.51.100.7"));
    assert_eq!(why(&base), &WhyNotLearned::Environment(String::new()));
    assert!(learned(&subject, &line("198.51.100.9")).added.is_empty());
    assert_eq!(learned(&subject, &line("198.51.100.11")).added.len(), 1);
}

#[test]
fn what_one_row_names_is_named_for_all() {
    // Of one source there are so many public addresses that a person has to say what is meant. What another source names of
    // them makes them no fewer.
    let subject = program(SHOP);
    let mut lines: Vec<String> =
        (1..=33).map(|host| format!("\"shop/{{app=web}}\",192.0.2.{host},443,tcp,,1")).collect();
    lines.push("\"shop/{app=api}\",192.0.2.7,443,tcp,,1".to_owned());
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    let many = learned(&subject, &csv(&all));
    assert_eq!(flows(&many), ["api -> net-192-0-2-7:443/tcp"]);
    assert!(many.left.len() == 33 && many.left.iter().all(|(_, why)| *why == WhyNotLearned::ManyAddresses(33)));
    // So it is with what a list of the program has already.
    let known = program(&format!("{SHOP}\ncidr one = 192.0.2.7/32\nshop/api -> one:443/tcp\n"));
    assert_eq!(learned(&known, &csv(&all)).left.len(), 33);
    // An address of which one source knows that it is outside is so for the other, too.
    let subject = program(&SHOP.replace("  pods     10.244.0.0/16\n", ""));
    let world = |app: &str, outside: bool| {
        let pod = serde_json::json!({ "identity": 2000, "namespace": "shop", "labels": [format!("k8s:app={app}")] });
        let other = if outside {
            serde_json::json!({ "identity": 2, "labels": ["reserved:world"] })
        } else {
            serde_json::json!({})
        };
        let l4 =
            serde_json::json!({ "TCP": { "source_port": 40_000, "destination_port": 443, "flags": { "SYN": true } } });
        let flow = serde_json::json!({
            "verdict": "FORWARDED", "IP": { "source": "10.244.0.1", "destination": "10.7.7.7" }, "l4": l4, "source": pod,
            "destination": other, "event_type": { "type": 4 }, "is_reply": false, "traffic_direction": "EGRESS",
        });
        serde_json::json!({ "flow": flow }).to_string()
    };
    let both = learned(&subject, &format!("{}\n{}\n", world("web", true), world("api", false)));
    assert_eq!(flows(&both), ["api -> net-10-7-7-7:443/tcp", "web -> net-10-7-7-7:443/tcp"]);
    assert_eq!(why(&learned(&subject, &world("api", false))), &WhyNotLearned::WhoseAddress);
}

/// How many random programs are learned unless `POLDER_CASES` says another number.
const CASES: u64 = 150;

fn loaded(text: &str) -> Option<Subject> {
    let files = Memory::default().with("/main.polder", text);
    let question = Question { program: vec![Named::Path("/main.polder".into())], ..Question::default() };
    let subject = Subject::load(&files, Path::new("/"), &question);
    subject.is_answerable().then_some(subject)
}

/// Pods of tiers that have none in common with others, as a flow is about all of a tier, and addresses that no list of the
/// program has, as a table names them.
fn ends_of(subject: &Subject) -> Vec<String> {
    let model = subject.model().unwrap();
    let by_labels =
        |tier: &Tier| matches!(model.namespace(tier.namespace).unwrap().kind, NamespaceKind::External(Some(_)));
    let mut ends = Vec::new();
    for tier in model.tiers.iter().filter(|tier| !by_labels(tier)) {
        let home = model.namespace(tier.namespace).unwrap();
        let Some(labels) = tier.selector.witness() else { continue };
        let others = model.tiers.iter().filter(|other| {
            (other.namespace == tier.namespace || by_labels(other)) && other.selector.overlaps(&tier.selector)
        });
        if others.count() == 1 {
            let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            ends.push(format!("\"{}/{{{}}}\"", home.name, labels.join(",")));
        }
    }
    ends.sort();
    ends.dedup();
    let is_listed = |address: &&str| {
        let address = address.parse().unwrap();
        model.cidrs.iter().any(|list| IpBlock::all_addresses(&list.blocks).has(address))
    };
    ends.extend(
        ["8.8.4.4", "2600:1901::1", "10.77.0.1"].iter().filter(|one| !is_listed(one)).map(|one| (*one).to_owned()),
    );
    ends
}

fn ports_of(subject: &Subject) -> BTreeSet<(Protocol, u16)> {
    const MOST: usize = 5;
    let targets = subject.flows().unwrap().flows.iter().flat_map(|flow| &flow.targets);
    let ports = targets
        .flat_map(|(_, ports)| Protocol::ALL.into_iter().filter_map(|one| Some((one, ports.ranges(one).first()?.0))));
    ports.filter(|(_, number)| *number > 0).collect::<BTreeSet<_>>().into_iter().take(MOST).collect()
}

/// The lines of a log that a program lets through because some flow of it says so.
fn used(subject: &Subject, lines: &[String]) -> Vec<String> {
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    let text = csv(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    replay.read("log", &mut text.as_bytes(), &mut |_, _| true).unwrap();
    let lessons = replay.lessons(&subject.candidate(), &[], &options()).unwrap();
    let rows = lessons.report.rows.iter().filter(|row| row.candidate == Says::Allowed && row.judged.why.is_none());
    let mut numbers: Vec<u64> = rows.flat_map(|row| &row.tally.lines.first).map(|line| line.line).collect();
    numbers.sort_unstable();
    numbers.iter().map(|number| lines[*number as usize - 2].clone()).collect()
}

#[test]
fn what_is_learned_of_a_program_less_some_flows_is_within_it_and_brings_back_what_was_used() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (cases, first) = (number("POLDER_CASES", CASES), number("POLDER_SEED", 0));
    let (mut added, mut back, mut left) = (0, 0, 0);
    for seed in first..first + cases {
        let whole = generate::program(seed);
        let mut less = whole.clone();
        let mut place = seed;
        less.flows.retain(|_| {
            place += 1;
            place % 2 == 0
        });
        let Some((whole, less)) = loaded(&render(&whole)).zip(loaded(&render(&less))) else { continue };
        let ends = ends_of(&whole);
        let ports = ports_of(&whole);
        let pairs = ends.iter().flat_map(|from| ends.iter().map(move |to| (from, to))).filter(|(from, to)| from != to);
        let lines: Vec<String> = pairs
            .flat_map(|(from, to)| {
                ports.iter().map(move |(protocol, port)| format!("{from},{to},{port},{},,1", protocol.keyword()))
            })
            .collect();
        let log = used(&whole, &lines);
        if log.is_empty() {
            continue;
        }
        let text = csv(&log.iter().map(String::as_str).collect::<Vec<_>>());
        let learned = learned(&less, &text);
        added += learned.added.len();
        left += learned.left.len();
        let new = match learned.files.as_slice() {
            [file] => loaded(&file.after).unwrap_or_else(|| panic!("seed {seed}\n{}", file.after)),
            _ => continue,
        };
        // All that was used is back, but for what is told.
        let told: BTreeSet<(String, String, String)> = learned
            .left
            .iter()
            .map(|(place, _)| &learned.lessons.report.rows[*place])
            .map(|row| (row.from.clone(), row.to.clone(), row.port.clone()))
            .collect();
        let mut replay = Replay::new(new.running(), ReplayOptions::default());
        replay.read("log", &mut text.as_bytes(), &mut |_, _| true).unwrap();
        let again = replay.lessons(&new.candidate(), &[], &options()).unwrap();
        for row in again.report.rows.iter().filter(|row| row.change == ReplayChange::Dropped) {
            let key = (row.from.clone(), row.to.clone(), row.port.clone());
            assert!(told.contains(&key), "seed {seed}: {key:?}\n{}", after(&learned));
        }
        back += log.len();
        // Nothing is open that the whole program keeps closed.
        let versions = Versions { old: Some(whole), new: Some(new), workloads: Manifests::default() };
        let Ok(diff) = versions.diff() else { continue };
        assert!(diff.isolation.is_empty(), "seed {seed}");
        for change in &diff.connections {
            assert!(change.added.allowed.is_empty(), "seed {seed}: {change:?}\n{}", after(&learned));
        }
    }
    assert!(cases < CASES || (added > 40 && back >= added), "{added} flows for {back} lines, {left} left");
}
