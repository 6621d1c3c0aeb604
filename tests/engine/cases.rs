//! The files of `cases/`: policies among nine pods, and the whole table of who reaches whom on which port.
//!
//! They are the cases of Kubernetes' own tests (`tcp-NN`, `udp-N`, `sctp-N`), and the traps that other tools fell into.
//! A row is a source, a column a destination: `x` is allowed, `.` denied, `?` not known. The engine has to say so, and the
//! naive evaluator too. `POLDER_UPDATE=1` writes the tables anew, from the naive evaluator.

use crate::engine::concrete::{Blocks, Unknown, hold, judged, places};
use crate::engine::read;
use crate::oracle::evaluate::Stated;
use crate::oracle::universe::{Atoms, Universe};
use polder::cluster::{Cluster, ContainerPort, Kind, Labels, Namespace, Pods, Workload};
use polder::engine::{Engine, Scope, World};
use polder::net::{Protocol, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const POINTS: [(Protocol, u16); 6] = [
    (Protocol::Tcp, 80),
    (Protocol::Tcp, 81),
    (Protocol::Udp, 80),
    (Protocol::Udp, 81),
    (Protocol::Sctp, 80),
    (Protocol::Sctp, 81),
];

const TABLE: &str = "# on ";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/cases")
}

/// What a case says in its comments.
#[derive(Default)]
struct Head {
    /// Whether blocks match pods; they do not unless a line says so.
    blocks: Option<Truth>,
    unknown: BTreeSet<String>,
    labels: BTreeMap<String, (String, String)>,
    addresses: BTreeMap<String, Vec<std::net::IpAddr>>,
}

impl Head {
    fn read(text: &str) -> Head {
        let mut head = Head::default();
        // The first line says what it is about.
        for line in text.lines().skip(1).map_while(|line| line.strip_prefix("# ")) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["blocks", "match", "pods"] => head.blocks = Some(Truth::Yes),
                ["blocks", "may", "match", "pods"] => head.blocks = Some(Truth::Maybe),
                ["labels", "of", "namespace", name, "are", "unknown"] => _ = head.unknown.insert(name.to_owned()),
                [who, "has", "the", "label", label] => {
                    let (key, value) = label.split_once('=').unwrap();
                    head.labels.insert(who.to_owned(), (key.to_owned(), value.to_owned()));
                }
                [who, "has", "the", "addresses", ref addresses @ ..] => {
                    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
                    head.addresses.insert(who.to_owned(), addresses);
                }
                ["on", ..] => break,
                _ => panic!("a line that says nothing: {line}"),
            }
        }
        head
    }

    /// The nine pods. Each serves both ports of every protocol, under a name.
    fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::default();
        for (index, name) in ["x", "y", "z"].into_iter().enumerate() {
            let mut labels = Labels::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]);
            labels.insert("ns".to_owned(), name.to_owned());
            labels.extend(self.labels.get(name).cloned());
            if !self.unknown.contains(name) {
                cluster.namespaces.push(Namespace { name: name.into(), labels, span: None });
            }
            for (at, pod) in ["a", "b", "c"].into_iter().enumerate() {
                let who = format!("{name}/{pod}");
                let mut labels = Labels::from([("pod".to_owned(), pod.to_owned())]);
                labels.extend(self.labels.get(&who).cloned());
                let own = || vec![format!("10.0.{}.{}", index + 1, at + 1).parse().unwrap()];
                let served = POINTS.map(|(protocol, number)| {
                    let name = format!("serve-{number}-{}", protocol.keyword());
                    ContainerPort { protocol, number, name: Some(name.as_str().into()) }
                });
                let pods = Pods {
                    labels: labels.clone(),
                    ports: served.into(),
                    count: 1,
                    several: false,
                    host_network: false,
                    finished: false,
                    addresses: match self.addresses.get(&who).cloned().unwrap_or_else(own) {
                        none if none.is_empty() => Vec::new(),
                        known => vec![known],
                    },
                    seen: Vec::new(),
                    span: None,
                };
                let (namespace, name) = (name.into(), pod.into());
                let workload = Workload {
                    namespace,
                    name,
                    kind: Kind::Pod,
                    labels,
                    selector: Labels::new(),
                    pods: vec![pods],
                    first_number: 0,
                    span: None,
                };
                cluster.workloads.push(workload);
            }
        }
        cluster
    }
}

/// The tables of all ports, those that are equal once.
fn tables(judge: impl Fn(usize, usize, Protocol, u16) -> Option<bool>) -> String {
    let mut tables: Vec<(String, String)> = Vec::new();
    let pods: Vec<String> = ["x", "y", "z"].iter().flat_map(|n| ["a", "b", "c"].map(|p| format!("{n}/{p}"))).collect();
    for (protocol, number) in POINTS {
        let mut table = format!("#       {}\n", pods.join(" "));
        for (source, name) in pods.iter().enumerate() {
            let mut row = format!("#   {name}");
            for destination in 0..pods.len() {
                let cell = match judge(source, destination, protocol, number) {
                    _ if source == destination => "-",
                    Some(true) => "x",
                    Some(false) => ".",
                    None => "?",
                };
                let width = if destination == 0 { 2 } else { 4 };
                write!(row, "{cell:>width$}").unwrap();
            }
            table += &row;
            table.push('\n');
        }
        let point = format!("{}/{number}", protocol.keyword());
        match tables.iter_mut().find(|(_, known)| *known == table) {
            Some((points, _)) => *points += &format!(", {point}"),
            None => tables.push((point, table)),
        }
    }
    tables.iter().map(|(points, table)| format!("{TABLE}{points}:\n{table}")).collect()
}

fn run(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    let (written, expected) = text.split_at(text.find(TABLE).unwrap_or(text.len()));
    let head = Head::read(&text);
    let cluster = head.cluster();
    let (policies, set) = read(written);
    let blocks = Blocks { pods: head.blocks.unwrap_or(Truth::No), addresses: None };

    let sets = [&policies[..]];
    let facts = blocks.facts();
    let scope = Scope { policies: &sets, of_cluster: &[], marks: &[], facts: &facts };
    let world = World::concrete(&scope, &cluster);
    let engine = Engine::new(&world, &policies);
    let atoms = Atoms::of(&set);
    let universe = Universe::new(&atoms, &Stated::new());
    let places = places(&world, &cluster, &universe, &set);
    let unknown = Unknown::new(&cluster, &atoms);
    let by_rules = tables(|source, destination, protocol, number| {
        let ways = unknown.completions(&places[source], &places[destination]);
        judged(&set, &blocks, &ways, protocol, number)
    });
    if std::env::var_os("POLDER_UPDATE").is_some() {
        std::fs::write(path, format!("{written}{by_rules}")).unwrap();
    } else {
        assert_eq!(by_rules, expected, "{name}: by the naive evaluator");
    }
    let by_engine = tables(|source, destination, protocol, number| {
        let verdict = engine.between(places[source].end, places[destination].end);
        match (verdict.allowed.has(protocol, number), verdict.unknown.has(protocol, number)) {
            (_, true) => None,
            (allowed, false) => Some(allowed),
        }
    });
    assert_eq!(by_engine, by_rules, "{name}: by the engine");
    hold(&policies, &set, &blocks, &cluster, &mut [0; 3]);
}

#[test]
fn every_case_has_its_table() {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let names: Vec<String> =
        paths.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for number in 1..=42 {
        assert!(names.iter().any(|name| name.starts_with(&format!("tcp-{number:02}-"))), "case {number} is missing");
    }
    for path in &paths {
        run(path);
    }
}
