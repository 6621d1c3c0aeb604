//! What Cilium itself says of policies. `verdicts.jsonl` has the answers of its engine (`cilium/`) to what random programs
//! became; without Cilium, they are held against the naive readers and against Polder's engine. `cilium/record` asks anew.
//!
//! `POLDER_VERDICTS` names another file of answers. Into the one that `POLDER_RECORD` names, what to ask Cilium about is
//! written: of each target `POLDER_CASES` random programs.

use super::asked::{Asked, AskedPort, Record};
use super::cases::session;
use super::cilium as hybrid;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Party, Pod};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::read::{documents, policies};
use crate::oracle::render::render;
use crate::oracle::rng::Rng;
use crate::oracle::universe::Atoms;
use polder::model::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// How many programs of each target are looked at for jobs, unless `POLDER_CASES` says another number.
const CASES: u64 = 10;

/// Pods of a program for NetworkPolicies.
const PODS: usize = 7;

/// Those that no policy of a namespace is about, and what Cilium knows them by.
fn others() -> Vec<Asked> {
    let mut all = ["host", "remote-node", "apiserver", "health", "ingress"].map(Asked::of_kind).to_vec();
    all.push(Asked { address: Some("203.0.113.77".parse().unwrap()), ..Asked::of_kind("apiserver") });
    all
}

/// A random program as NetworkPolicies, and random pods and addresses of what it mentions.
fn of_network_policies(seed: u64) -> Option<Record> {
    let mut program = generate::program(seed);
    program.platform.cni = Some("cilium 1.20".to_owned());
    let source = render(&program);
    let manifests: String = session(&source, Target::NetworkPolicy).output()?.stream().collect();
    let set = policies(&documents(&manifests).unwrap()).unwrap();
    let meaning = Meaning::of(&program);
    let mut atoms = meaning.atoms();
    atoms.join(Atoms::of(&set));
    let mut draw = Draw::new(seed, &meaning, &atoms);
    let mut homes = BTreeMap::new();
    let mut pods: Vec<Asked> = Vec::new();
    let mut addresses = BTreeSet::from(["169.254.20.10".parse().unwrap(), "203.0.113.9".parse().unwrap()]);
    for _ in 0..60 {
        match draw.party() {
            Party::Pod(pod) if pods.len() < PODS => {
                // A namespace has one set of labels.
                let known = homes.entry(pod.namespace.clone()).or_insert_with(|| pod.namespace_labels.clone()).clone();
                pods.push(Asked::pod(&Pod { namespace_labels: known, ..pod }));
            }
            Party::Address(address) if addresses.len() < 6 => _ = addresses.insert(address),
            Party::Pod(_) | Party::Address(_) => {}
        }
    }
    let addresses = addresses.into_iter().map(Asked::address);
    let ports: BTreeSet<AskedPort> = (0..6).map(|_| AskedPort::new(draw.port())).collect();
    Some(Record {
        id: format!("networkpolicy {seed}"),
        target: "networkpolicy".to_owned(),
        program: source,
        manifests,
        ends: pods.into_iter().chain(addresses).chain(others()).collect(),
        ports: ports.into_iter().collect(),
        ..Record::default()
    })
}

/// A random program with names, the API server and nodes, for Cilium.
fn of_both_kinds(seed: u64) -> Option<Record> {
    let (source, ..) = hybrid::program(&mut Rng::new(seed));
    let manifests = session(&source, Target::Cilium).output()?.stream().collect();
    let mut ends: Vec<Asked> = hybrid::ENDS.into_iter().filter_map(Asked::of_end).collect();
    ends.extend(["169.254.20.10", "10.20.9.3", "2001:db8::7"].map(|text| Asked::address(text.parse().unwrap())));
    // The last one is among the addresses of the program.
    let names = [
        ("github.com", "140.82.112.3"),
        ("api.github.com", "140.82.112.6"),
        ("raw.githubusercontent.com", "185.199.108.133"),
        ("a.b.example.com", "203.0.113.80"),
        ("example.com", "203.0.113.81"),
        ("x.raw.githubusercontent.com", "2001:db8::80"),
        ("elsewhere.example.org", "10.20.0.80"),
    ];
    ends.extend(names.map(|(name, address)| Asked::name(name, address.parse().unwrap())));
    ends.extend(others());
    let ports = hybrid::PORTS.into_iter().map(|number| AskedPort { number, protocol: "TCP".to_owned() });
    let of_dns = AskedPort { number: 53, protocol: "UDP".to_owned() };
    Some(Record {
        id: format!("cilium {seed}"),
        target: "cilium".to_owned(),
        program: source,
        manifests,
        ends,
        ports: ports.chain([of_dns]).collect(),
        ..Record::default()
    })
}

#[test]
fn random_programs_become_questions_for_cilium() {
    let cases = std::env::var("POLDER_CASES").map_or(CASES, |text| text.parse().unwrap());
    let jobs: Vec<Record> =
        (0..cases).flat_map(|seed| [of_both_kinds(seed), of_network_policies(seed)]).flatten().collect();
    assert!(jobs.len() as u64 > cases, "of {cases} programs of each target {} were compiled", jobs.len());
    if let Some(path) = std::env::var_os("POLDER_RECORD") {
        fs::write(path, jobs.iter().map(|job| serde_json::to_string(job).unwrap() + "\n").collect::<String>()).unwrap();
    }
}

#[test]
fn cilium_allows_what_the_readers_and_the_engine_say() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/verdicts.jsonl");
    let path = std::env::var_os("POLDER_VERDICTS").map_or(recorded, PathBuf::from);
    let text = fs::read_to_string(path).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in text.lines() {
        let record: Record = serde_json::from_str(line).unwrap();
        count += 1;
        let found = record.differences();
        if !found.is_empty() {
            wrong.push((record.program.len(), found, record));
        }
    }
    assert!(count >= 100, "there are only {count} answers");
    // The smallest program first: that is the one to look at.
    wrong.sort_by_key(|(size, ..)| *size);
    if let Some((_, found, record)) = wrong.first() {
        let mut told = String::new();
        found.iter().take(20).for_each(|line| writeln!(told, "{line}").unwrap());
        panic!("{} of {count}; {}:\n{told}\n{}\n{}", wrong.len(), record.id, record.program, record.written().1);
    }
}
