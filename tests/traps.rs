//! What logs tempt one to misread, each by the smallest log that shows it: what a replay says, and that nothing wrong is learned.

use polder::replay::{LearnOptions, Replay, ReplayOptions, ReplayReport, SavedGroups, parse_time};
use polder::session::{LearnedProgram, Memory, Named, Question, Subject};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SHOP: &str = "\
platform {
  cni      cilium
  pods     10.244.0.0/16
  services 10.96.0.0/12
}

namespace shop {
  tier web
  tier api     { grpc: 50051/tcp }
  tier db      { sql: 5432/tcp }
  tier nightly (app=nightly, job-name)

  web -> api:grpc
  nightly -> db:sql
}
";

/// The API's Service, with its pod.
const RUNNING: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- apiVersion: v1
  kind: Pod
  metadata: {name: db-0, namespace: shop, labels: {app: db}}
  spec: {nodeName: a, containers: [{name: main, ports: [{name: sql, containerPort: 5432}]}]}
  status: {phase: Running, podIP: 10.244.1.5, podIPs: [{ip: 10.244.1.5}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: web-0, namespace: shop, labels: {app: web}}
  spec: {nodeName: a, containers: [{name: main}]}
  status: {phase: Running, podIP: 10.244.1.6, podIPs: [{ip: 10.244.1.6}]}
- apiVersion: v1
  kind: Service
  metadata: {name: db, namespace: shop}
  spec: {clusterIP: 10.96.0.5, clusterIPs: [10.96.0.5], selector: {app: db}, ports: [{port: 80, targetPort: sql, protocol: TCP}]}
";

fn subject(workloads: bool) -> Subject {
    let files = Memory::default().with("/main.polder", SHOP).with("/running.yaml", RUNNING);
    let workloads = if workloads { vec![Named::Path("/running.yaml".into())] } else { Vec::new() };
    let question = Question { program: vec![Named::Path("/main.polder".into())], workloads, ..Question::default() };
    let subject = Subject::load(&files, Path::new("/"), &question);
    assert!(subject.is_answerable(), "{:?}", subject.reports());
    subject
}

struct Seen {
    report: ReplayReport,
    learned: LearnedProgram,
    saved: SavedGroups,
}

fn seen_by(subject: &Subject, log: &str) -> Seen {
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    replay.read("log", &mut log.as_bytes(), &mut |_, _| true).expect("the log is read");
    let options = LearnOptions { min_attempts: 1, ..LearnOptions::default() };
    Seen {
        report: replay.report(&subject.candidate()),
        learned: subject.learn(&replay, &options).expect("there is an answer"),
        saved: replay.saved(&subject.candidate()),
    }
}

fn seen(lines: &[String]) -> Seen {
    seen_by(&subject(false), &lines.join("\n"))
}

impl Seen {
    /// `FROM -> TO:PORT seen change Nx` of each row.
    fn rows(&self) -> Vec<String> {
        let told = self.report.rows.iter().map(|row| {
            let (seen, change, times) = (row.seen.word(), row.change.word(), row.tally.attempts());
            format!("{} -> {}:{} {seen} {change} {times}x", row.from, row.to, row.port)
        });
        told.collect()
    }

    fn flows(&self) -> Vec<&str> {
        self.learned.added.iter().map(|(_, statement)| statement.text.as_str()).collect()
    }

    fn left_out(&self) -> Vec<(&str, u64)> {
        self.report.left_out.iter().map(|(reason, lines)| (reason.word(), lines.count)).collect()
    }
}

fn pod(namespace: &str, name: &str, labels: &[&str]) -> Value {
    json!({ "identity": 20_000, "cluster_name": "default", "namespace": namespace, "pod_name": name, "labels": labels })
}

fn web() -> Value {
    pod("shop", "web-0", &["k8s:app=web"])
}

fn db() -> Value {
    pod("shop", "db-0", &["k8s:app=db"])
}

/// An opening packet that was let through; `with` replaces members.
fn line(source: Value, destination: Value, ports: [u16; 2], with: Value) -> String {
    let [from, to] = ports;
    let mut flow = json!({
        "time": "2026-11-23T08:00:00Z", "verdict": "FORWARDED", "Type": "L3_L4", "event_type": { "type": 4 },
        "IP": { "source": "10.244.1.6", "destination": "10.244.1.5", "ipVersion": "IPv4" },
        "l4": { "TCP": { "source_port": from, "destination_port": to, "flags": { "SYN": true } } },
        "source": source, "destination": destination, "traffic_direction": "INGRESS", "is_reply": false,
    });
    for (key, value) in with.as_object().unwrap() {
        flow[key] = value.clone();
    }
    json!({ "flow": flow }).to_string()
}

#[test]
fn what_leaves_its_node_and_is_dropped_at_the_other_is_refused() {
    let drop = json!({ "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "event_type": { "type": 1 }, "is_reply": null });
    let seen = seen(&[
        line(web(), db(), [40_000, 5432], json!({ "traffic_direction": "EGRESS" })),
        line(web(), db(), [40_000, 5432], drop),
    ]);
    assert_eq!(seen.rows(), ["shop/web -> shop/db:5432/tcp refused same 1x"]);
    assert!(seen.flows().is_empty() && seen.learned.left.is_empty());
}

#[test]
fn pods_that_passed_say_nothing_of_others_of_their_tier_that_were_refused() {
    let by_rule = line(
        pod("shop", "web-1", &["k8s:app=web", "k8s:team=b"]),
        pod("shop", "api-0", &["k8s:app=api"]),
        [40_000, 50051],
        json!({ "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "event_type": { "type": 1 } }),
    );
    let seen = seen(&[line(web(), pod("shop", "api-0", &["k8s:app=api"]), [40_001, 50051], json!({})), by_rule]);
    assert_eq!(
        seen.rows(),
        ["shop/web -> shop/api:50051/tcp refused opened 1x", "shop/web -> shop/api:50051/tcp passed same 1x"]
    );
    assert!(seen.flows().is_empty());
}

#[test]
fn a_dropped_reply_is_no_flow_to_the_port_of_a_client() {
    let flags =
        json!({ "TCP": { "source_port": 5432, "destination_port": 40_000, "flags": { "SYN": true, "ACK": true } } });
    let drop = json!({ "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "event_type": { "type": 1 }, "is_reply": null, "l4": flags });
    let udp = json!({ "UDP": { "source_port": 53, "destination_port": 40_000 } });
    let unclear = json!({ "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "event_type": { "type": 1 }, "is_reply": null, "l4": udp });
    let seen = seen(&[
        line(web(), db(), [40_000, 5432], json!({})),
        line(db(), web(), [5432, 40_000], drop),
        line(db(), web(), [53, 40_000], unclear),
    ]);
    assert_eq!(seen.rows(), ["shop/web -> shop/db:5432/tcp passed dropped 1x"]);
    assert_eq!(seen.flows(), ["web -> db:sql"]);
}

#[test]
fn the_port_is_the_one_of_whoever_was_connected_to_whatever_its_number() {
    let seen = seen(&[line(db(), web(), [33_012, 50_051], json!({}))]);
    assert_eq!(seen.rows(), ["shop/db -> shop/web:50051/tcp passed dropped 1x"]);
    assert_eq!(seen.flows(), ["db -> web:50051/tcp"]);
    // Without its beginning, nobody knows whose port a high one is.
    let open = json!({ "TCP": { "source_port": 33_012, "destination_port": 50_051, "flags": { "ACK": true } } });
    let open = json!({ "l4": open, "trace_reason": "ESTABLISHED" });
    let seen = self::seen(&[line(db(), web(), [33_012, 50_051], open)]);
    assert!(seen.flows().is_empty(), "{:?}", seen.flows());
}

#[test]
fn the_address_of_a_service_becomes_its_pods_and_their_port_or_nothing() {
    let log = "source,destination,port,protocol\nshop/web-0,10.96.0.5,80,tcp\n";
    let with = seen_by(&subject(true), log);
    assert_eq!(with.flows(), ["web -> db:sql"]);
    let without = seen_by(&subject(false), &log.replace("shop/web-0", "\"shop/{app=web}\""));
    assert!(without.rows()[0].contains("unknown") && without.flows().is_empty());
}

#[test]
fn a_label_that_the_log_hides_is_not_absent() {
    // Cilium leaves `job-name` in, but no pod of this log shows it: it may be left out.
    let job = || pod("shop", "nightly-x", &["k8s:app=nightly"]);
    let seen = seen(&[line(job(), db(), [40_000, 5432], json!({}))]);
    assert!(seen.rows()[0].contains("unknown"), "{:?}", seen.rows());
    assert!(seen.flows().is_empty());
}

#[test]
fn labels_of_the_namespace_are_not_the_pods_and_values_may_have_signs() {
    let labels = [
        "k8s:app=web",
        "k8s:io.cilium.k8s.namespace.labels.app=api",
        "k8s:note=a=b",
        "any:zone=x",
        "container:app=db",
        "k8s:io.kubernetes.pod.namespace=shop",
    ];
    let seen = seen(&[line(pod("shop", "web-0", &labels), db(), [40_000, 5432], json!({}))]);
    assert_eq!(seen.rows(), ["shop/web -> shop/db:5432/tcp passed dropped 1x"]);
}

#[test]
fn the_time_span_is_always_known_and_weeks_merge() {
    let day = |time: &str| seen(&[line(web(), db(), [40_000, 5432], json!({ "time": time }))]);
    let (one, other) = (day("2026-11-23T08:00:00Z"), day("2026-11-30T09:00:00.5Z"));
    assert!(one.report.times.span.is_some());
    let mut merged = one.saved.clone();
    merged.merge(&other.saved);
    assert!(merged.text().ends_with(",1,2026-11-23,2026-11-30\n"), "{}", merged.text());
}

#[test]
fn a_log_of_refusals_alone_says_nothing_of_an_open_cluster() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.polder"), SHOP).unwrap();
    let replayed = |log: &str| {
        std::fs::write(folder.path().join("log.csv"), log).unwrap();
        let mut polder = Command::new(env!("CARGO_BIN_EXE_polder"));
        let done = polder.current_dir(folder.path()).args(["replay", "log.csv", "-p", "main.polder"]).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let text =
        replayed("source,destination,port,protocol,verdict\n\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp,denied\n");
    assert!(text.contains("nothing in the log was let through"), "{text}");
    // A mesh hides the ports that are meant.
    let text = replayed("source,destination,port,protocol\n\"shop/{app=web}\",\"shop/{app=db}\",15008,tcp\n");
    assert!(text.contains("sidecar of a mesh"), "{text}");
}

#[test]
fn the_own_node_is_a_probe_and_another_one_a_client_that_nobody_knows() {
    let node = |labels: &[&str]| json!({ "identity": 1, "labels": labels });
    let seen = seen(&[
        line(node(&["reserved:host"]), web(), [40_000, 3000], json!({})),
        line(
            node(&["reserved:remote-node"]),
            web(),
            [40_000, 3000],
            json!({ "IP": { "source": "10.0.8.22", "destination": "10.244.1.6" } }),
        ),
    ]);
    let rows = seen.rows();
    assert!(rows.iter().any(|row| row.starts_with("its own node -> shop/web:3000/tcp passed same")), "{rows:?}");
    assert!(rows.iter().any(|row| row.starts_with("node")), "{rows:?}");
    assert!(seen.flows().is_empty());
}

#[test]
fn one_packet_at_several_points_is_one_connection_and_so_is_one_refusal() {
    let points = [
        json!({ "event_type": { "type": 4, "sub_type": 4 }, "traffic_direction": "EGRESS" }),
        json!({ "event_type": { "type": 4, "sub_type": 3 }, "traffic_direction": "EGRESS" }),
        json!({ "event_type": { "type": 5 }, "traffic_direction": "EGRESS" }),
        json!({ "event_type": { "type": 4, "sub_type": 5 } }),
        json!({ "event_type": { "type": 5 } }),
        json!({ "event_type": { "type": 4 } }),
    ];
    let lines: Vec<String> = points.into_iter().map(|with| line(web(), db(), [40_000, 5432], with)).collect();
    assert_eq!(seen(&lines).rows(), ["shop/web -> shop/db:5432/tcp passed dropped 1x"]);
    let refused = |kind: u8| json!({ "verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "event_type": { "type": kind }, "is_reply": null });
    let lines = [refused(5), refused(1)].map(|with| line(web(), db(), [40_000, 5432], with));
    assert_eq!(seen(&lines).rows(), ["shop/web -> shop/db:5432/tcp refused same 1x"]);
}

#[test]
fn times_are_read_as_each_log_writes_them_in_any_order() {
    let rfc = parse_time("2026-11-24T10:00:03.1Z");
    assert!(rfc.is_some());
    for other in ["2026/11/24 10:00:03.1", "2026-11-24T11:00:03.100+01:00", "1795514403.1", "1795514403100"] {
        assert_eq!(parse_time(other), rfc, "{other}");
    }
    let at = |time: &str| line(web(), db(), [40_000, 5432], json!({ "time": time }));
    let seen = seen(&[at("2026-11-24T10:00:00Z"), at("2026-11-23T10:00:00.123456789Z"), at("2026-11-25T10:00:00Z")]);
    let span = seen.report.times.span.unwrap();
    assert_eq!(
        span,
        (parse_time("2026-11-23T10:00:00.123456789Z").unwrap(), parse_time("2026-11-25T10:00:00Z").unwrap())
    );
    assert!(!seen.report.lacks_zone);
    let without = seen_by(
        &subject(false),
        "time,source,destination,port,protocol\n2026-11-24 10:00:00,\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp\n",
    );
    assert!(without.report.lacks_zone);
}

#[test]
fn what_is_saved_is_harmless_in_a_spreadsheet_and_names_no_client() {
    let hostile = pod("shop", "web-0", &["k8s:=cmd|' /C calc'!A0=x"]);
    let world = json!({ "identity": 2, "labels": ["reserved:world"] });
    let client = json!({ "IP": { "source": "198.51.100.77", "destination": "10.244.1.6" } });
    let seen = seen(&[line(hostile, db(), [40_000, 5432], json!({})), line(world, web(), [40_000, 3000], client)]);
    let text = seen.saved.text();
    assert!(text.lines().all(|line| !line.starts_with(['=', '+', '-', '@'])), "{text}");
    assert!(!text.contains("198.51.100.77"), "{text}");
}

#[test]
fn labels_of_namespaces_are_saved_and_read_again() {
    let labels = ["k8s:app=x", "k8s:io.cilium.k8s.namespace.labels.tenant=acme"];
    let seen = seen(&[line(pod("other", "x-0", &labels), db(), [40_000, 5432], json!({}))]);
    let text = seen.saved.text();
    assert!(text.contains("other{tenant=acme}/{app=x}"), "{text}");
    let again = seen_by(&subject(false), &text);
    assert_eq!(again.saved.text(), text);
    assert_eq!(again.rows(), seen.rows());
}

#[test]
fn long_lines_are_read_up_to_a_limit() {
    let labels: Vec<String> = (0..4000).map(|number| format!("k8s:label-{number}=value-{number}")).collect();
    let mut labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    labels.push("k8s:app=web");
    let long = line(pod("shop", "web-0", &labels), db(), [40_000, 5432], json!({}));
    assert!(long.len() > 64 << 10);
    let too_long = line(pod("shop", &"x".repeat(2 << 20), &["k8s:app=web"]), db(), [40_000, 1], json!({}));
    let seen = seen(&[long, too_long]);
    assert_eq!(seen.rows(), ["shop/web -> shop/db:5432/tcp passed dropped 1x"]);
    assert_eq!(seen.left_out(), [("unreadable", 1)]);
}

#[test]
fn pods_of_another_cluster_are_none_of_the_programs_tiers() {
    let mut other = web();
    other["cluster_name"] = json!("west");
    let home = || line(web(), pod("shop", "api-0", &["k8s:app=api"]), [40_000, 50_051], json!({}));
    let seen = seen(&[home(), home(), line(other, db(), [40_000, 5432], json!({}))]);
    let rows = seen.rows();
    assert!(rows.iter().any(|row| row.contains("of cluster west") && row.contains("unknown")), "{rows:?}");
    assert!(seen.flows().is_empty());
}

#[test]
fn staged_policies_of_calico_are_held_against_each_end() {
    let item = |reporter: &str, pending: &str| {
        json!({
            "start_time": "2026-11-24T09:00:00Z", "end_time": "2026-11-24T09:05:00Z", "action": "Allow",
            "source_name": "web-6b9f7c8d5f-*", "source_namespace": "shop", "source_labels": "app=web | pod-template-hash=x",
            "dest_name": "db-0", "dest_namespace": "shop", "dest_labels": "app=db", "protocol": "tcp", "dest_port": 5432,
            "reporter": reporter, "policies": { "enforced": [], "pending": [{ "action": pending }] },
        })
        .to_string()
    };
    // A tier that requires a label which no pod of the log shows makes all others uncertain.
    let files = Memory::default().with("/main.polder", SHOP.replace("app=nightly, job-name", "app=nightly"));
    let question = Question { program: vec![Named::Path("/main.polder".into())], ..Question::default() };
    let subject = Subject::load(&files, Path::new("/"), &question);
    let staged = |lines: [String; 2]| seen_by(&subject, &lines.join("\n")).report.rows[0].staged.len();
    assert_eq!(staged([item("Src", "Deny"), item("Dst", "Deny")]), 0);
    assert_eq!(staged([item("Src", "Allow"), item("Dst", "Deny")]), 1);
    assert_eq!(staged([item("Src", "Allow"), item("Dst", "Allow")]), 2);
}

/// Reads lines of what a command prints until one has a text in it.
fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, text: &str) -> String {
    let mut found = lines.map(|line| line.expect("it is text"));
    found.find(|line| line.contains(text)).unwrap_or_else(|| panic!("no line has {text}"))
}

#[test]
fn a_log_that_is_followed_is_told_at_once_and_ends_cleanly() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.polder"), SHOP).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_polder"))
        .current_dir(folder.path())
        .args(["replay", "-", "--follow", "-p", "main.polder"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut tell = |line: &str| {
        log.write_all(line.as_bytes()).unwrap();
        log.flush().unwrap();
    };
    tell("source,destination,port,protocol\n\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp\n");
    assert!(until(&mut out, "shop/db").starts_with("dropped"));
    // Once, and then what is new; what is half a line waits for the rest of it.
    tell("\"shop/{app=web}\",\"shop/{app=db}\",5432,tcp\n\"shop/{app=web}\",\"shop/{app=a");
    tell("pi}\",50051,tcp\n");
    assert!(until(&mut out, "shop/").starts_with("same"));
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert!(out.next().is_none());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "what is dropped makes the exit code");
    let text = String::from_utf8_lossy(&ended.stderr);
    assert!(text.contains("2 connections"), "{text}");
}

#[test]
fn what_to_write_is_said_for_all_that_would_be_dropped_however_many() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.polder"), SHOP).unwrap();
    let lines = (1..=230).map(|port| format!("\"shop/{{app=web}}\",\"shop/{{app=db}}\",{port},tcp,,2\n"));
    let log = format!("source,destination,port,protocol,verdict,count\n{}", lines.collect::<String>());
    std::fs::write(folder.path().join("log.csv"), log).unwrap();
    let replayed = Command::new(env!("CARGO_BIN_EXE_polder"))
        .current_dir(folder.path())
        .args(["replay", "log.csv", "-p", "main.polder", "--format", "json"])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    let groups = document["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 230);
    assert!(groups.iter().all(|group| group["write"].as_array().is_some_and(|edits| !edits.is_empty())));
}
