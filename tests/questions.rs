//! What `reach` and `can` answer about random programs, against the oracle: for pods that run, one by one, and for tiers,
//! over pods that could be theirs.

use crate::oracle;
use crate::oracle::check::Draw;
use crate::oracle::compile::compile;
use crate::oracle::evaluate::{Labels, Party, Pod, PolicySet, Protocol, allowed};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::program::{Kind, Name, Program};
use crate::oracle::read::{documents, policies};
use crate::oracle::render::render;
use crate::oracle::universe::Atoms;
use ipnet::IpNet;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output};

/// How many random programs are asked about unless `POLDER_CASES` says another number.
const CASES: u64 = 24;

/// Pods of each program.
const PODS: usize = 9;

struct Case {
    program: Program,
    set: PolicySet,
    draw: Draw,
    folder: tempfile::TempDir,
}

impl Case {
    fn new(seed: u64) -> Case {
        let program = generate::program(seed);
        let source = render(&program);
        let manifests = compile(&source, "flow", None).unwrap().join("\n---\n");
        let set = policies(&documents(&manifests).unwrap()).unwrap();
        let meaning = Meaning::of(&program);
        let mut atoms = meaning.atoms();
        atoms.join(Atoms::of(&set));
        let draw = Draw::new(seed, &meaning, &atoms);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.polder"), source).unwrap();
        Case { program, set, draw, folder }
    }

    fn pod(&mut self) -> Pod {
        loop {
            if let Party::Pod(pod) = self.draw.party() {
                return pod;
            }
        }
    }

    fn ask(&self, args: &[&str]) -> Output {
        ask(self.folder.path(), args)
    }

    fn reach(&self, args: &[&str]) -> Reach {
        let output = self.ask(&[&["reach", "--format", "json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        Reach::read(&serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn ask(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(args)
        .args(["-p", "main.polder", "--ipblock-matches-pods=false"])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What `reach` says.
struct Reach {
    connections: BTreeMap<(String, String), Connection>,
    tiers: BTreeSet<String>,
    addresses: Vec<(String, Vec<IpNet>)>,
}

#[derive(Default)]
struct Connection {
    every: Vec<Value>,
    some: Vec<Value>,
    unknown: Vec<Value>,
}

impl Reach {
    fn read(document: &Value) -> Reach {
        assert_eq!(document["schema"], "polder/reach/v2");
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let texts = |value: &Value| list(value).iter().map(text).collect::<Vec<String>>();
        let mut reach = Reach { connections: BTreeMap::new(), tiers: BTreeSet::new(), addresses: Vec::new() };
        // The names of what connections call by one.
        let mut meant: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for end in list(&document["endpoints"]) {
            meant.entry(text(&end["listed_as"])).or_default().push(text(&end["name"]));
            match end["kind"].as_str().unwrap() {
                "tier" => _ = reach.tiers.insert(text(&end["name"])),
                "addresses" => {
                    let nets = list(&end["addresses"]).iter().map(|net| text(net).parse().unwrap()).collect();
                    reach.addresses.push((text(&end["name"]), nets));
                }
                _ => {}
            }
        }
        for set in list(&document["sets"]) {
            let names = texts(&set["endpoints"]).iter().flat_map(|name| meant[name].clone()).collect();
            assert!(meant.insert(text(&set["name"]), names).is_none(), "a set is called like an endpoint");
        }
        for one in list(&document["connections"]) {
            let [sources, destinations] =
                ["sources", "destinations"].map(|side| texts(&one[side]).into_iter().flat_map(|name| &meant[&name]));
            let destinations: Vec<&String> = destinations.collect();
            for (from, to) in sources.flat_map(|from| destinations.iter().map(move |to| (from, *to))) {
                let connection = reach.connections.entry((from.clone(), to.clone())).or_default();
                match one["certainty"].as_str().unwrap() {
                    "all" => connection.every.extend(list(&one["ports"])),
                    "some" => connection.some.extend(list(&one["ports"])),
                    "unknown" => connection.unknown.extend(list(&one["ports"])),
                    certainty => assert_eq!(certainty, "perhaps"),
                }
            }
        }
        reach
    }

    /// The names of the ends that an address belongs to.
    fn names_of(&self, address: IpAddr) -> Vec<&String> {
        let holds = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&address));
        let names = self.addresses.iter().filter(|(_, nets)| holds(nets));
        names.map(|(name, _)| name).collect()
    }

    /// Says whether a port is for sure allowed to all, and whether it may be to some.
    fn verdict(&self, source: &str, destination: &str, to: &Party, protocol: Protocol, number: u16) -> (bool, bool) {
        let Some(found) = self.connections.get(&(source.to_owned(), destination.to_owned())) else {
            return (false, false);
        };
        let named: Vec<&str> = match to {
            Party::Pod(pod) => {
                let same = pod.ports.iter().filter(|port| port.protocol == protocol && port.number == number);
                same.map(|port| port.name.as_str()).collect()
            }
            Party::Address(_) => Vec::new(),
        };
        let holds = |ports: &[Value]| {
            ports.iter().any(|port| {
                let range = port["port"].as_u64().unwrap_or(1)..=port["end_port"].as_u64().unwrap_or(0);
                port["protocol"] == protocol.to_string().to_lowercase()
                    && (range.contains(&number.into())
                        || port["name"].as_str().is_some_and(|name| named.contains(&name)))
            })
        };
        let every = holds(&found.every);
        (every, every || holds(&found.some) || holds(&found.unknown))
    }
}

fn cases() -> u64 {
    std::env::var("POLDER_CASES").map_or(CASES, |text| text.parse().unwrap())
}

/// The manifests of pods and of their namespaces, but for those of `unknown`.
fn manifests(pods: &[Pod], unknown: Option<&str>) -> String {
    let mut documents: Vec<Value> = Vec::new();
    let mut namespaces: BTreeMap<&String, &Labels> = BTreeMap::new();
    for (index, pod) in pods.iter().enumerate() {
        namespaces.insert(&pod.namespace, &pod.namespace_labels);
        let ports: Vec<Value> = pod
            .ports
            .iter()
            .map(|port| {
                let protocol = port.protocol.to_string().to_uppercase();
                json!({ "name": port.name, "containerPort": port.number, "protocol": protocol })
            })
            .collect();
        documents.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("p{index}"), "namespace": pod.namespace, "labels": pod.labels },
            "spec": { "containers": [{ "name": "c", "image": "x", "ports": ports }] },
        }));
    }
    for (name, labels) in namespaces {
        if Some(name.as_str()) != unknown {
            let metadata = json!({ "name": name, "labels": labels });
            documents.push(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata }));
        }
    }
    json!({ "apiVersion": "v1", "kind": "List", "items": documents }).to_string()
}

#[test]
fn pods_that_run_reach_what_the_policies_allow() {
    let (mut yes, mut no, mut unsure) = (0, 0, 0);
    for seed in 0..cases() {
        let mut case = Case::new(seed);
        let mut homes: BTreeMap<String, Labels> = BTreeMap::new();
        let mut pods: Vec<Pod> = (0..PODS).map(|_| case.pod()).collect();
        for pod in &mut pods {
            // A namespace has one set of labels.
            pod.namespace_labels = homes.entry(pod.namespace.clone()).or_insert(pod.namespace_labels.clone()).clone();
        }
        let hidden = pods[0].namespace.clone();
        let unknown = (seed % 4 == 0).then_some(hidden.as_str());
        std::fs::write(case.folder.path().join("pods.json"), manifests(&pods, unknown)).unwrap();
        let reach = case.reach(&["--workloads", "pods.json"]);
        let name = |index: usize| format!("{}/p{index}[Pod]", pods[index].namespace);
        for (index, source) in pods.iter().enumerate() {
            for (other, destination) in pods.iter().enumerate().filter(|(other, _)| *other != index) {
                let (source, destination) = (Party::Pod(source.clone()), Party::Pod(destination.clone()));
                for _ in 0..6 {
                    let (protocol, number) = case.draw.port();
                    let meant = allowed(&case.set, &source, &destination, protocol, number);
                    let (sure, possible) = reach.verdict(&name(index), &name(other), &destination, protocol, number);
                    let what = || format!("seed {seed}: {source} -> {destination} on {number}/{protocol}");
                    assert!(!sure || meant, "{}: told as allowed", what());
                    assert!(!meant || possible, "{}: told as denied", what());
                    let exact = sure == possible;
                    assert!(exact || unknown.is_some(), "{}: told as unknown", what());
                    *if !exact {
                        &mut unsure
                    } else if sure {
                        &mut yes
                    } else {
                        &mut no
                    } += 1;
                    if number % 7 == 0 {
                        let to = format!("{}:{number}/{}", name(other), protocol.to_string().to_lowercase());
                        let answer = case.ask(&["can", &name(index), &to, "--workloads", "pods.json"]);
                        let expected = if !exact { 2 } else { i32::from(!sure) };
                        assert_eq!(answer.status.code(), Some(expected), "{}: can", what());
                    }
                }
            }
        }
    }
    assert!(yes > 100 && no > 100, "{yes} allowed, {no} denied, {unsure} unknown");
}

#[test]
fn tiers_reach_what_the_policies_allow_to_their_pods() {
    let (mut sure_ones, mut possible_ones) = (0, 0);
    for seed in 0..cases() {
        let mut case = Case::new(seed);
        let reach = case.reach(&[]);
        let mut tiers = Vec::new();
        for namespace in case.program.namespaces.iter().filter(|one| one.kind == Kind::Managed) {
            for tier in &namespace.tiers {
                let name = Name { namespace: Some(namespace.name.clone()), name: tier.name.clone() };
                let told = format!("{}/{}", namespace.actual, tier.name);
                assert!(reach.tiers.contains(&told), "seed {seed}: {told} is not told");
                tiers.push((told, namespace.actual.clone(), case.program.tier_selector(&name)));
            }
        }
        let names = |reach: &Reach, party: &Party| -> Vec<String> {
            match party {
                Party::Address(address) => reach.names_of(*address).into_iter().cloned().collect(),
                Party::Pod(pod) => {
                    let is_its = |(_, namespace, selector): &&(String, String, oracle::program::Selector)| {
                        *namespace == pod.namespace && selector.matches(&pod.labels)
                    };
                    tiers.iter().filter(is_its).map(|(name, ..)| name.clone()).collect()
                }
            }
        };
        for _ in 0..400 {
            let (source, destination) = (case.draw.party(), case.draw.party());
            if matches!((&source, &destination), (Party::Address(_), Party::Address(_))) {
                continue;
            }
            let (protocol, number) = case.draw.port();
            let meant = allowed(&case.set, &source, &destination, protocol, number);
            for from in names(&reach, &source) {
                for to in names(&reach, &destination) {
                    let (sure, possible) = reach.verdict(&from, &to, &destination, protocol, number);
                    let what =
                        format!("seed {seed}: {source} -> {destination} ({from} -> {to}) on {number}/{protocol}");
                    assert!(!sure || meant, "{what}: told as allowed to all");
                    assert!(!meant || possible, "{what}: told as denied");
                    sure_ones += usize::from(sure);
                    possible_ones += usize::from(possible);
                }
            }
        }
    }
    assert!(sure_ones > 100 && possible_ones >= sure_ones, "{sure_ones} {possible_ones}");
}
