//! Policies of the whole cluster around those of namespaces, against a list that is gone through rule by rule.
//!
//! The list knows nothing of ports or regions as sets: for one connection it looks for the first rule. Where the priority of
//! two policies is the same, every order counts; and where something is not known, every way of completing it.

use crate::engine::concrete::{Blocks, Place, Unknown, hold_connections, of, places, points, random_nets, same};
use crate::engine::random::{Features, Maker, POD_KEYS};
use crate::engine::{read, stream};
use crate::oracle::evaluate::{self as naive, Direction, Party, Stated};
use crate::oracle::law::Blocks as Covered;
use crate::oracle::rng::Rng;
use crate::oracle::universe::{Atoms, Universe};
use polder::cluster::Cluster;
use polder::engine::{Engine, Scope, World};
use polder::k8s;
use polder::net::{PortSet, Protocol, Truth};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Accept,
    Deny,
    Pass,
}

/// Of more ways of completing what is not known, some are tried.
const MOST_WAYS: usize = 6;

/// So many ports are asked about between two.
const POINTS: usize = 5;

/// A rule as the list has it.
#[derive(Debug)]
struct ListedRule {
    action: Action,
    written: naive::Rule,
}

#[derive(Debug)]
struct ListedPolicy {
    is_admin: bool,
    priority: usize,
    /// As a peer: the namespaces and the pods.
    subject: naive::Peer,
    ingress: Vec<ListedRule>,
    egress: Vec<ListedRule>,
}

/// Rules of v1 that say the same as some of the cluster: what the list is made of.
fn as_v1(rules: &[Value], subject: &Value) -> naive::PolicySet {
    let ingress: Vec<Value> = std::iter::once(json!({ "from": [subject] })).chain(rules.iter().cloned()).collect();
    let spec = json!({ "podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress });
    let policy = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": "p", "namespace": "x" }, "spec": spec });
    read(&stream(&[policy])).1
}

struct MadePolicy {
    document: Value,
    listed: ListedPolicy,
    /// For what it tells apart.
    shadow: naive::PolicySet,
}

impl Maker<'_> {
    fn of_cluster(&mut self, index: usize) -> MadePolicy {
        let kind = ["ClusterNetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"]
            [if index == 0 { 3 } else { self.rng.below(3) }];
        let is_newest = kind == "ClusterNetworkPolicy";
        let is_admin = match kind {
            "ClusterNetworkPolicy" => self.rng.chance(60),
            "AdminNetworkPolicy" => true,
            _ => false,
        };
        let priority = if kind == "BaselineAdminNetworkPolicy" { 1001 } else { self.rng.below(4) };
        let (subject, as_peer) = match self.rng.chance(40) {
            true => {
                let namespaces = self.namespaces();
                (json!({ "namespaces": namespaces }), json!({ "namespaceSelector": namespaces }))
            }
            false => {
                let pods = json!({ "namespaceSelector": self.namespaces(), "podSelector": self.selector(&POD_KEYS) });
                (json!({ "pods": pods }), pods)
            }
        };
        let (mut written, mut v1, mut actions) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
        for (at, side) in ["from", "to"].into_iter().enumerate() {
            for _ in 0..self.rng.below(4) {
                let actions_here: &[Action] = if kind == "BaselineAdminNetworkPolicy" {
                    &[Action::Accept, Action::Deny]
                } else {
                    &[Action::Accept, Action::Deny, Action::Pass]
                };
                let action = *self.rng.pick(actions_here);
                let (theirs, own) = self.ruling(side, is_newest, action);
                written[at].push(theirs);
                v1.push(own);
                actions.push((at, action));
            }
        }
        let [ingress, egress] = written;
        let mut spec = json!({ "subject": subject, "ingress": ingress, "egress": egress });
        if kind != "BaselineAdminNetworkPolicy" {
            spec["priority"] = json!(priority);
        }
        if is_newest {
            spec["tier"] = json!(if is_admin { "Admin" } else { "Baseline" });
        }
        let version = if is_newest { *self.rng.pick(&["v1alpha2", "v1beta1"]) } else { "v1alpha1" };
        let document = json!({ "apiVersion": format!("policy.networking.k8s.io/{version}"), "kind": kind,
            "metadata": { "name": if priority == 1001 { "default".to_owned() } else { format!("policy-{index}") } },
            "spec": spec });
        let shadow = as_v1(&v1, &as_peer);
        let rules = shadow.policies[0].ingress.clone().unwrap();
        let subject = rules[0].peers[0].clone();
        let (mut ingress, mut egress) = (Vec::new(), Vec::new());
        for ((at, action), written) in actions.into_iter().zip(rules.into_iter().skip(1)) {
            if at == 0 { &mut ingress } else { &mut egress }.push(ListedRule { action, written });
        }
        let listed = ListedPolicy { is_admin, priority, subject, ingress, egress };
        MadePolicy { document, listed, shadow }
    }

    /// A rule as the kind writes it, and as v1 would.
    fn ruling(&mut self, side: &str, is_newest: bool, action: Action) -> (Value, Value) {
        let (mut peers, mut v1_peers) = (Vec::new(), Vec::new());
        for _ in 0..self.rng.between(1, 2) {
            match self.rng.below(if side == "to" { 4 } else { 3 }) {
                0 => {
                    let namespaces = self.namespaces();
                    v1_peers.push(json!({ "namespaceSelector": namespaces }));
                    peers.push(json!({ "namespaces": namespaces }));
                }
                3 => {
                    let nets = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "192.0.2.7/32", "fd00::/8", "::/0"];
                    let count = self.rng.between(1, 2);
                    let nets = self.rng.some(&nets, count);
                    v1_peers.extend(nets.iter().map(|net| json!({ "ipBlock": { "cidr": net } })));
                    peers.push(json!({ "networks": nets }));
                }
                _ => {
                    let pods =
                        json!({ "namespaceSelector": self.namespaces(), "podSelector": self.selector(&POD_KEYS) });
                    v1_peers.push(pods.clone());
                    peers.push(json!({ "pods": pods }));
                }
            }
        }
        let (mut ports, mut v1_ports) = (Vec::new(), Vec::new());
        for _ in 0..self.rng.below(3) {
            let protocol = *self.rng.pick(&["TCP", "UDP", "SCTP"]);
            let lower = protocol.to_lowercase();
            let mut ends = [*self.rng.pick(&[1u16, 53, 80, 8080]), *self.rng.pick(&[53u16, 80, 8080, 65535])];
            ends.sort_unstable();
            let [low, high] = ends;
            match self.rng.below(3) {
                0 => {
                    let name = *self.rng.pick(&["http", "metrics", "dns"]);
                    ports.push(match is_newest {
                        true => json!({ "destinationNamedPort": name }),
                        false => json!({ "namedPort": name }),
                    });
                    let all = ["TCP", "UDP", "SCTP"].map(|one| json!({ "protocol": one, "port": name }));
                    v1_ports.extend(all);
                }
                1 if low < high => {
                    ports.push(match is_newest {
                        true => json!({ lower: { "destinationPort": { "range": { "start": low, "end": high } } } }),
                        false => json!({ "portRange": { "protocol": protocol, "start": low, "end": high } }),
                    });
                    v1_ports.push(json!({ "protocol": protocol, "port": low, "endPort": high }));
                }
                _ => {
                    ports.push(match is_newest {
                        true => json!({ lower: { "destinationPort": { "number": low } } }),
                        false => json!({ "portNumber": { "protocol": protocol, "port": low } }),
                    });
                    v1_ports.push(json!({ "protocol": protocol, "port": low }));
                }
            }
        }
        let word = match (action, is_newest) {
            (Action::Accept, true) => "Accept",
            (Action::Accept, false) => "Allow",
            (Action::Deny, _) => "Deny",
            (Action::Pass, _) => "Pass",
        };
        let mut ruling = json!({ "action": word, side: peers });
        if !ports.is_empty() {
            ruling[if is_newest { "protocols" } else { "ports" }] = json!(ports);
        }
        (ruling, json!({ "from": v1_peers, "ports": v1_ports }))
    }
}

/// A connection that is asked about.
struct Asked<'a> {
    set: &'a naive::PolicySet,
    of_cluster: &'a [&'a ListedPolicy],
    source: Party,
    destination: Party,
    protocol: naive::Protocol,
    number: u16,
}

impl Asked<'_> {
    /// What can come of it: one answer, or both.
    fn outcomes(&self) -> BTreeSet<bool> {
        let (from, to) = (self.source.addresses(), self.destination.addresses());
        if !self.set.blocks.pods || from.is_empty() || to.is_empty() || from.len() + to.len() == 2 {
            return self.over();
        }
        let pairs = || from.iter().flat_map(|one| to.iter().map(move |other| (*one, *other)));
        let alike = pairs().any(|(one, other)| one.is_ipv4() == other.is_ipv4());
        let usable = pairs().filter(|(one, other)| !alike || one.is_ipv4() == other.is_ipv4());
        let each: Vec<BTreeSet<bool>> = usable
            .map(|(one, other)| {
                Asked { source: self.source.at(one), destination: self.destination.at(other), ..*self }.over()
            })
            .collect();
        let some = each.iter().any(|outcomes| outcomes.contains(&true));
        let none = each.iter().all(|outcomes| outcomes.contains(&false));
        [some.then_some(true), none.then_some(false)].into_iter().flatten().collect()
    }

    fn over(&self) -> BTreeSet<bool> {
        let [one, other] = [Direction::Egress, Direction::Ingress].map(|direction| self.side(direction));
        one.iter().flat_map(|one| other.iter().map(move |other| *one && *other)).collect()
    }

    fn side(&self, direction: Direction) -> BTreeSet<bool> {
        let mut found = BTreeSet::new();
        for action in self.first(direction, true) {
            match action {
                Some(Action::Accept) => _ = found.insert(true),
                Some(Action::Deny) => _ = found.insert(false),
                Some(Action::Pass) | None => {
                    match naive::one_side(
                        self.set,
                        direction,
                        &self.source,
                        &self.destination,
                        self.protocol,
                        self.number,
                    ) {
                        Some(says) => _ = found.insert(says),
                        None => {
                            let after = self.first(direction, false);
                            found.extend(after.into_iter().map(|action| action != Some(Action::Deny)));
                        }
                    }
                }
            }
        }
        found
    }

    /// What the first rule of a tier does that is about it, in every order of policies of one priority.
    fn first(&self, direction: Direction, is_admin: bool) -> Vec<Option<Action>> {
        let (subject, peer) = match direction {
            Direction::Egress => (&self.source, &self.destination),
            Direction::Ingress => (&self.destination, &self.source),
        };
        let about = |policy: &&&ListedPolicy| {
            policy.is_admin == is_admin
                && matches!(subject, Party::Pod(_))
                && policy.subject.matches("", subject, &self.set.blocks)
        };
        let mut by_priority: BTreeMap<usize, Vec<Option<Action>>> = BTreeMap::new();
        for policy in self.of_cluster.iter().filter(about) {
            let rules = if direction == Direction::Egress { &policy.egress } else { &policy.ingress };
            let matches = |rule: &&ListedRule| {
                rule.written.admits("", peer, &self.set.blocks)
                    && rule.written.serves(&self.destination, self.protocol, self.number)
            };
            let decides = rules.iter().find(matches).map(|rule| rule.action);
            by_priority.entry(policy.priority).or_default().push(decides);
        }
        for same in by_priority.into_values() {
            let deciding: Vec<_> = same.into_iter().filter(Option::is_some).collect();
            if !deciding.is_empty() {
                return deciding;
            }
        }
        vec![None]
    }
}

/// Holds the engine against the list. Counts allowed, denied, unknown, and unknown though there is one answer.
fn hold(
    (text, set): (&str, &naive::PolicySet),
    made: &[MadePolicy],
    blocks: &Blocks,
    cluster: &Cluster,
    counts: &mut [usize; 4],
    rng: &mut Rng,
) {
    let reading = k8s::read_with_foreign(text, "default");
    assert_eq!(reading.problems, [], "{text}");
    let policies: Vec<_> = reading.policies.into_iter().map(|one| one.policy).collect();
    let of_cluster: Vec<_> = reading.cluster_policies.into_iter().map(|one| one.policy).collect();
    assert_eq!(of_cluster.len(), made.len(), "all are understood: {text}");
    let facts = blocks.facts();
    let scope = Scope { policies: &[&policies], of_cluster: &[&of_cluster], marks: &[], facts: &facts };
    let world = World::concrete(&scope, cluster);
    let engine = Engine::among(&world, &policies, &of_cluster);
    let mut told_apart = set.clone();
    told_apart.policies.extend(made.iter().flat_map(|one| one.shadow.policies.clone()));
    let mut atoms = Atoms::of(&told_apart);
    let unknown = Unknown::new(cluster, &atoms);
    atoms.blocks.extend(blocks.addresses.iter().flatten());
    let universe = Universe::new(&atoms, &Stated::new());
    let places = places(&world, cluster, &universe, &told_apart);
    let listed: Vec<&ListedPolicy> = made.iter().map(|one| &one.listed).collect();
    let points: Vec<(Protocol, u16)> = points(&universe, cluster).into_iter().collect();
    for source in &places {
        for destination in &places {
            let outside = matches!((&source.party, &destination.party), (Party::Address(_), Party::Address(_)));
            if outside || (source.name == destination.name && source.single) {
                continue;
            }
            let verdict = engine.between(source.end, destination.end);
            let mut ways = unknown.completions(source, destination);
            let is_known = is_known(source) && is_known(destination) && blocks.ways().len() == 1 && ways.len() == 1;
            if ways.len() > MOST_WAYS {
                rng.shuffle(&mut ways);
                ways.truncate(MOST_WAYS);
            }
            for (protocol, number) in rng.some(&points, POINTS) {
                let mut is = BTreeSet::new();
                for pods in blocks.ways() {
                    let set = naive::PolicySet { blocks: Covered { pods: *pods, ..Covered::default() }, ..set.clone() };
                    for (one, other) in &ways {
                        let (source, destination) = (one.clone(), other.clone());
                        let protocol = same(protocol);
                        let asked = Asked { set: &set, of_cluster: &listed, source, destination, protocol, number };
                        is.extend(asked.outcomes());
                    }
                }
                let says = of(&verdict, protocol, number);
                let what = || {
                    let names = format!("{} -> {}", source.name, destination.name);
                    format!("{names} on {number}/{}: {verdict:?}, and not {is:?}", protocol.keyword())
                };
                match (says, is.len()) {
                    (Some(says), _) => {
                        assert!(is.len() == 1 && is.contains(&says), "{}", what());
                        counts[usize::from(!says)] += 1;
                    }
                    (None, 2) => counts[2] += 1,
                    (None, _) => {
                        assert!(!is_known, "{}", what());
                        counts[3] += 1;
                    }
                }
            }
            let doubts = engine.doubts(source.end, destination.end, &PortSet::everything());
            assert_eq!(doubts.is_empty(), verdict.unknown.is_empty(), "what is unknown has a name: {verdict:?}");
        }
    }
    hold_connections(&world, &engine);
}

/// Whether a place is in one way in or outside of each block.
fn is_known(place: &Place) -> bool {
    place.addresses.iter().all(|one| one.len() <= 1)
}

#[test]
fn the_first_rule_decides() {
    let mut counts = [0; 4];
    let seeds = std::env::var("POLDER_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    for seed in 0..seeds {
        let mut rng = Rng::new(40_000 + seed);
        let mut maker = Maker { rng: &mut rng, features: Features::new(), keys: 2 };
        let v1 = stream(&maker.policies());
        let first = maker.rng.below(2);
        let count = maker.rng.between(1, 3);
        let made: Vec<MadePolicy> = (first..first + count).map(|index| maker.of_cluster(index)).collect();
        let cluster = maker.cluster();
        let text = v1.clone() + &stream(&made.iter().map(|one| one.document.clone()).collect::<Vec<_>>());
        let (_, set) = read(&v1);
        let pods = [Truth::No, Truth::Yes, Truth::Maybe, Truth::Yes][seed as usize % 4];
        let blocks = Blocks { pods, addresses: (seed % 8 > 2).then(|| random_nets(&mut rng)) };
        let run = || hold((&text, &set), &made, &blocks, &cluster, &mut counts, &mut rng);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            println!("seed {seed}, blocks match pods: {pods:?} in {:?}\n{text}\n{cluster:#?}", blocks.addresses);
            std::panic::resume_unwind(panic);
        }
    }
    let [allowed, denied, unknown, imprecise] = counts;
    assert!(allowed > 5_000 && denied > 2_000 && unknown > 500, "{counts:?}");
    assert!(imprecise * 5 < allowed + denied + unknown, "more is unknown than need be: {counts:?}");
}
