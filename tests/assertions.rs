//! Assertions are judged as the oracle judges them pair by pair: random programs with random assertions.

use crate::oracle::evaluate::{Party, Protocol};
use crate::oracle::generate;
use crate::oracle::law::{Blocks, Law};
use crate::oracle::meaning::{Cover, Leaf, Meaning};
use crate::oracle::program::{Endpoint, Flow, Kind, Port, PortSpec, Program};
use crate::oracle::render::{flow_text, render};
use crate::oracle::rng::Rng;
use crate::oracle::universe::{Atoms, Bits, Chunk, Universe, addresses, bits};
use polder::diag::Levels;
use polder::session::{Memory, Named, Project, Session, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Never,
    Through,
    Only,
    Always,
}

struct Assertion {
    sort: Sort,
    flow: Flow,
    except: Option<Endpoint>,
}

impl Assertion {
    fn random(program: &Program, rng: &mut Rng) -> Assertion {
        let mut ends: Vec<Endpoint> =
            program.flows.iter().flat_map(|flow| [flow.source.clone(), flow.destination.clone()]).collect();
        let managed = program.namespaces.iter().filter(|namespace| namespace.kind == Kind::Managed);
        ends.extend(managed.map(|namespace| Endpoint::Pods(namespace.name.clone())));
        ends.extend([Endpoint::Cluster, Endpoint::Internet, Endpoint::Anywhere]);
        let ports = match rng.below(6) {
            0 => vec![Port::Range(443, 443, Protocol::Tcp)],
            1 => vec![Port::Range(1, 65534, Protocol::Tcp)],
            2 => vec![Port::EveryOf(Protocol::Udp)],
            3 => vec![Port::Container("http".to_owned(), Protocol::Tcp)],
            _ => vec![Port::Every],
        };
        let sort = *rng.pick(&[Sort::Never, Sort::Through, Sort::Only, Sort::Always]);
        // Most flows hold of their own ends, so they make assertions that hold.
        let (source, destination, ports) = match program.flows.first() {
            Some(_) if rng.chance(50) => {
                let flow = rng.pick(&program.flows).clone();
                let ports = flow.ports.clone().filter(|_| rng.chance(60));
                let every = || ports_of(vec![Port::Range(8080, 8080, Protocol::Tcp)]);
                (flow.source, flow.destination, ports.unwrap_or_else(every))
            }
            _ => (rng.pick(&ends).clone(), rng.pick(&ends).clone(), ports_of(ports)),
        };
        let except = (sort != Sort::Only && rng.chance(30)).then(|| rng.pick(&ends).clone());
        Assertion { sort, flow: Flow { side: None, source, destination, ports: Some(ports) }, except }
    }

    fn text(&self, program: &Program) -> String {
        let text = flow_text(program, &self.flow);
        let (word, text) = match self.sort {
            Sort::Never => ("never", text),
            Sort::Through => ("never", text.replacen("->", "->>", 1)),
            Sort::Only => ("only", text),
            Sort::Always => ("always", text),
        };
        let except = self.except.as_ref().map(|end| {
            let flow = Flow { source: end.clone(), ..self.flow.clone() };
            let text = flow_text(program, &flow);
            // Members of a set are excepted one by one.
            format!(" except {}", text.split("->").next().unwrap().trim().trim_matches(['{', '}']).trim())
        });
        format!("{word} {text}{}", except.unwrap_or_default())
    }
}

fn ports_of(ports: Vec<Port>) -> Vec<PortSpec> {
    ports.into_iter().map(PortSpec::Port).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Holds,
    Broken,
    Vacuous,
}

/// What an assertion comes to when every pair on every port is looked at.
struct Brute<'a> {
    sort: Sort,
    covers: &'a [Cover],
    except: &'a [Leaf],
    universe: &'a Universe,
}

impl Brute<'_> {
    fn source(&self, party: &Party) -> bool {
        let named = self.covers.iter().any(|cover| cover.source.contains(party));
        let named = if self.sort == Sort::Only { !named } else { named };
        named && !self.except.iter().any(|leaf| leaf.contains(party))
    }

    /// The ports on which the assertion is about a destination.
    fn ports(&self, chunk: &Chunk, destination: &Party) -> Bits {
        let covers = self.covers.iter().filter(|cover| cover.destination.contains(destination));
        let ports: Vec<&Port> = covers.flat_map(|cover| &cover.ports).collect();
        bits(chunk.points, |point| ports.iter().any(|port| port.contains(point.protocol, point.number, &point.names)))
    }

    fn judge(&self, meaning: &Meaning) -> Verdict {
        let parties = &self.universe.parties;
        let n = parties.len();
        let mut from: Vec<bool> = parties.iter().map(|party| self.source(party)).collect();
        let chunks: Vec<Chunk> = self.universe.chunks().collect();
        let matrices: Vec<_> = chunks.iter().map(|chunk| meaning.matrix(chunk)).collect();
        let wanted: Vec<Vec<Bits>> =
            chunks.iter().map(|chunk| parties.iter().map(|party| self.ports(chunk, party)).collect()).collect();
        let pairs = || (0..n).flat_map(|s| (0..n).map(move |d| (s, d)));
        let about = |from: &[bool], chunk: usize, (s, d): (usize, usize)| {
            if from[s] { wanted[chunk][d] & chunks[chunk].possible(s, d) } else { 0 }
        };
        if !(0..chunks.len()).any(|c| pairs().any(|pair| about(&from, c, pair) != 0)) {
            return Verdict::Vacuous;
        }
        if self.sort == Sort::Through {
            // Whoever gets to a DNS server goes no further.
            let servers: Vec<&Leaf> =
                meaning.grants.iter().flat_map(|grant| &grant.servers).map(|server| &server.destination).collect();
            let is_step =
                |party: &Party| matches!(party, Party::Pod(_)) && !servers.iter().any(|server| server.contains(party));
            let edge = |s: usize, d: usize| matrices.iter().any(|matrix| matrix.cells[s * n + d] != 0);
            let mut open: Vec<usize> = (0..n).filter(|s| from[*s]).collect();
            while let Some(s) = open.pop() {
                for d in 0..n {
                    if !from[d] && is_step(&parties[d]) && edge(s, d) {
                        from[d] = true;
                        open.push(d);
                    }
                }
            }
        }
        let broken = (0..chunks.len()).any(|c| {
            pairs().any(|(s, d)| {
                let (about, allowed) = (about(&from, c, (s, d)), matrices[c].cells[s * n + d]);
                if self.sort == Sort::Always { about & !allowed != 0 } else { about & allowed != 0 }
            })
        });
        if broken { Verdict::Broken } else { Verdict::Holds }
    }
}

fn brute(program: &Program, assertion: &Assertion) -> Verdict {
    let only = |flows: Vec<Flow>| Meaning::of(&Program { flows, ..program.clone() });
    let with = program.flows.iter().cloned().chain([assertion.flow.clone()]);
    let excepted = assertion.except.as_ref().map(|end| Flow { source: end.clone(), ..assertion.flow.clone() });
    let mut atoms = only(with.chain(excepted.clone()).collect()).atoms();
    atoms.namespaces.insert("elsewhere".to_owned());
    let covers = only(vec![assertion.flow.clone()]).covers;
    let except: Vec<Leaf> = only(excepted.into_iter().collect()).covers.into_iter().map(|cover| cover.source).collect();
    let law = Law::of(program);
    atoms.blocks.extend(law.ways().iter().flat_map(|way| &way.unmatched));
    let judge = |blocks: Blocks| {
        let meaning = Meaning::of(program).where_blocks_cover(blocks);
        let mut universe = Universe::new(&atoms, &meaning.managed);
        if meaning.blocks.pods {
            universe = universe.with_addresses(&addresses_of_pods(&law, &atoms, assertion.sort));
        }
        Brute { sort: assertion.sort, covers: &covers, except: &except, universe: &universe }.judge(&meaning)
    };
    // What may be breaks it, and only what is sure is always so.
    law.ways().into_iter().map(judge).max_by_key(|verdict| *verdict == Verdict::Broken).unwrap()
}

/// The sets of addresses that a pod could have, as far as blocks tell them apart. That a pod has one of each family only
/// matters to those who go on from it.
fn addresses_of_pods(law: &Law, atoms: &Atoms, sort: Sort) -> Vec<Vec<IpAddr>> {
    let all = atoms.blocks.iter().copied().chain(law.bounds()).collect();
    let mut kinds: BTreeMap<(bool, Vec<bool>), IpAddr> = BTreeMap::new();
    for address in addresses(&all).into_iter().filter(|address| law.may_be_a_pods(address)) {
        let kind = (address.is_ipv4(), atoms.blocks.iter().map(|block| block.contains(&address)).collect());
        kinds.entry(kind).or_insert(address);
    }
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = kinds.into_values().partition(IpAddr::is_ipv4);
    let single = v4.iter().chain(&v6).map(|one| vec![*one]);
    let both = v4.iter().flat_map(|one| v6.iter().map(|other| vec![*one, *other]));
    single.chain(both.filter(|_| sort == Sort::Through)).collect()
}

/// What the compiler says, or nothing when it has other objections.
fn compiled(program: &Program, line: &str) -> Option<Verdict> {
    let source = format!("{}\n{line}\n", render(program));
    let memory = Memory::default().with("/p/a.polder", source.as_str());
    let project = Project::load(&memory, Path::new("/p"), &[Named::Path("/p".into())]);
    let session = Session::new(project, Settings::default());
    let reports = session.reports(&Levels::default());
    let codes: BTreeSet<&str> =
        reports.iter().map(|report| report.diagnostic.code.as_str()).filter(|code| code.starts_with('E')).collect();
    assert!(!codes.contains("E0900"), "{source}\n{reports:?}");
    match codes.into_iter().collect::<Vec<_>>().as_slice() {
        [] => Some(Verdict::Holds),
        ["E0301"] => Some(Verdict::Broken),
        ["E0221"] => Some(Verdict::Vacuous),
        _ => None,
    }
}

/// `POLDER_CASES` is how many programs, `POLDER_SEED` the first seed.
#[test]
fn random_assertions_are_judged_as_pair_by_pair() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (cases, first): (u64, u64) = (number("POLDER_CASES", 60), number("POLDER_SEED", 0));
    let mut counts: BTreeMap<(Sort, Verdict), u32> = BTreeMap::new();
    for seed in first..first + cases {
        let program = generate::program(seed);
        let mut rng = Rng::new(seed ^ 0x5eed);
        for _ in 0..4 {
            let assertion = Assertion::random(&program, &mut rng);
            let line = assertion.text(&program);
            let Some(verdict) = compiled(&program, &line) else { continue };
            let expected = brute(&program, &assertion);
            assert_eq!(verdict, expected, "seed {seed}: {line}\n{}", render(&program));
            *counts.entry((assertion.sort, verdict)).or_default() += 1;
        }
    }
    if cases >= 60 {
        for sort in [Sort::Never, Sort::Through, Sort::Only, Sort::Always] {
            for verdict in [Verdict::Holds, Verdict::Broken] {
                assert!(counts.contains_key(&(sort, verdict)), "no {sort:?} {verdict:?}: {counts:?}");
            }
        }
    }
    println!("{counts:?}");
}
