//! Sets against single pods: everything that they say is held against the engine, pod by pod.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::links::Link;
use super::*;
use crate::engine::{EndId, Engine, ExamplePod, Scope, Verdict, World};
use crate::net::{BlocksMatch, IpBlock, Listed};
use crate::netpol::{Peer, Port, PortTarget, Rule};
use std::net::IpAddr;

/// Random numbers that are the same on every machine.
pub(in crate::ask) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn selector(&mut self, keys: &[&str]) -> Selector {
        let mut selector = Selector::everything();
        for _ in 0..self.below(3) {
            let key = keys[self.below(keys.len())];
            selector.require(
                key,
                match self.below(5) {
                    0 => Values::exists(),
                    1 => Values::does_not_exist(),
                    2 => Values::none_of(["x"]),
                    3 => Values::one_of(["x", "y"]),
                    _ => Values::one_of(["x"]),
                },
            );
        }
        selector
    }

    fn namespaces(&mut self) -> Selector {
        match self.below(6) {
            0 => namespace_by_name(&Arc::from(["p", "q", "r"][self.below(3)])),
            1 => {
                let mut others = Selector::everything();
                others.require(NAMESPACE_NAME, Values::none_of([["p", "r"][self.below(2)]]));
                others
            }
            _ => self.selector(&["t"]),
        }
    }

    fn peer(&mut self) -> Peer {
        match self.below(6) {
            0 => {
                let (cidr, except) = [("10.0.0.0/8", vec!["10.1.0.0/16"]), ("0.0.0.0/0", vec![]), ("::/0", vec![])]
                    [self.below(3)]
                .clone();
                let except = except.into_iter().map(|net| net.parse().unwrap()).collect();
                Peer::Block(IpBlock { cidr: cidr.parse().unwrap(), except })
            }
            1 | 2 => Peer::Pods { namespaces: None, pods: self.selector(&["a", "b"]) },
            _ => Peer::Pods { namespaces: Some(self.namespaces()), pods: self.selector(&["a", "b"]) },
        }
    }

    fn ports(&mut self) -> Vec<Port> {
        let one = |random: &mut Self| Port {
            protocol: Protocol::Tcp,
            target: match random.below(5) {
                0 => PortTarget::Named("http".into()),
                1 => PortTarget::Range(80, 90),
                2 => PortTarget::Every,
                _ => PortTarget::Number([80, 443][random.below(2)]),
            },
        };
        (0..self.below(3)).map(|_| one(self)).collect()
    }

    fn rules(&mut self) -> Option<Vec<Rule>> {
        let rule = |random: &mut Self| Rule {
            peers: (0..random.below(3)).map(|_| random.peer()).collect(),
            ports: random.ports().into(),
            learns_names: false,
        };
        self.chance(70).then(|| (0..self.below(3)).map(|_| rule(self)).collect())
    }

    pub(crate) fn policies(&mut self) -> Vec<Policy> {
        let policy = |random: &mut Self, at: usize| Policy {
            kind: crate::netpol::PolicyKind::NetworkPolicy,
            namespace: ["p", "q"][random.below(2)].into(),
            name: format!("{at}").as_str().into(),
            subject: random.selector(&["a", "b"]),
            ingress: random.rules(),
            egress: random.rules(),
            description: None,
            statements: Default::default(),
        };
        (0..1 + self.below(4)).map(|at| policy(self, at)).collect()
    }

    /// Pods in all homes and elsewhere, less some.
    fn end(&mut self, space: &Space) -> Ends {
        if self.chance(15) {
            return Ends::Addresses(AddressSet::from_net("10.0.0.0/9".parse().unwrap()));
        }
        let (namespaces, labels) = (self.namespaces(), self.selector(&["a", "b"]));
        let all = space.pods(&namespaces, &labels);
        if all.is_empty() {
            return Ends::Addresses(AddressSet::all());
        }
        let mut end = Ends::Pods(all[self.below(all.len())].clone());
        for _ in 0..self.below(3) {
            let (namespaces, labels) = (self.namespaces(), self.selector(&["a", "b"]));
            for out in space.pods(&namespaces, &labels) {
                end = space.minus(&end, &Ends::Pods(out));
            }
        }
        end
    }
}

/// Everything that policies can tell apart.
pub(in crate::ask) struct Everybody {
    pub world: World,
    pub all: Vec<(Example, EndId)>,
}

pub(in crate::ask) fn everybody(space: &Space, policies: &[Policy]) -> Everybody {
    let mut pods = Vec::new();
    for (name, real) in [("p", true), ("q", true), ("r", true), ("z", false)] {
        for team in [None, Some("x"), Some("y"), Some("w")] {
            let home = space.home(name);
            let others = home.map_or(OtherLabels::Any, |home| space.homes()[home].others);
            if others != OtherLabels::Any && team.is_some() {
                continue;
            }
            for a in [None, Some("x"), Some("y"), Some("w")] {
                for b in [None, Some("x"), Some("y"), Some("w")] {
                    let labels = |pairs: [(&str, Option<&str>); 2]| -> Labels {
                        pairs
                            .iter()
                            .filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.to_owned())))
                            .collect()
                    };
                    let namespace = labels([(NAMESPACE_NAME, Some(name)), ("t", team)]);
                    let name = real.then(|| Arc::from(name));
                    pods.push((home, name, namespace, labels([("a", a), ("b", b)]), others != OtherLabels::Unknown));
                }
            }
        }
    }
    let examples: Vec<ExamplePod> = pods
        .iter()
        .map(|(_, name, namespace, labels, known)| ExamplePod {
            absent: BTreeSet::new(),
            name: name.clone(),
            namespace: namespace.clone(),
            known: *known,
            labels: labels.clone(),
            asked: false,
        })
        .collect();
    let scope = Scope { policies: &[policies], of_cluster: &[], marks: &[], facts: &space.facts };
    let (world, ends) = World::examples(&scope, &examples);
    let mut all: Vec<(Example, EndId)> = Vec::new();
    for ((home, name, namespace, labels, _), end) in pods.into_iter().zip(ends) {
        all.push((Example::Pod { home, name, namespace, labels }, end));
    }
    for address in ["10.0.0.1", "10.1.0.1", "11.0.0.1", "10.200.0.1", "::1"] {
        let address: IpAddr = address.parse().unwrap();
        let is_it = |id: &EndId| match world.end(*id) {
            Some(crate::engine::End::Addresses { addresses, .. }) => addresses.has(address),
            _ => false,
        };
        all.push((Example::Address(address), world.ids().find(is_it).unwrap()));
    }
    Everybody { world, all }
}

pub(in crate::ask) fn is_in(space: &Space, end: &Ends, example: &Example) -> bool {
    match (end, example) {
        (Ends::Addresses(all), Example::Address(address)) => all.has(*address),
        (Ends::Pods(pods), Example::Pod { home, namespace, labels, .. }) => {
            let known = home.map(|home| &space.homes()[home]);
            let of = |selector: &Selector| match known {
                Some(SpaceHome { others: OtherLabels::Unknown, stated, .. }) => {
                    selector.and(stated).contradiction().is_none()
                }
                _ => selector.matches(namespace),
            };
            *home == pods.home
                && of(&pods.namespaces)
                && pods.labels.matches(labels)
                && !pods.less.iter().any(|(one, other)| of(one) && other.matches(labels))
        }
        _ => false,
    }
}

/// Whether it depends on labels that nobody knows who is in a set.
fn is_doubtful(space: &Space, end: &Ends) -> bool {
    let Some(pods) = end.pods() else { return false };
    let unknown = pods.home.is_some_and(|home| space.homes()[home].others == OtherLabels::Unknown);
    let asks = !pods.namespaces.is_everything() || pods.less.iter().any(|(out, _)| !out.is_everything());
    unknown && asks
}

pub(in crate::ask) fn facts(random: &mut Random, seed: u64) -> Facts {
    let net = |text: &str| AddressSet::from_net(text.parse().unwrap());
    let pods = if random.chance(50) { net("10.0.0.0/16") } else { AddressSet::all() };
    let nodes = if random.chance(40) { net("11.0.0.0/8") } else { AddressSet::empty() };
    let truths = [Truth::No, Truth::Maybe, Truth::Yes];
    let [of_pods, of_nodes] = [seed, seed / 3].map(|seed| truths[usize::try_from(seed % 3).unwrap()]);
    let matches = BlocksMatch { pods: of_pods, nodes: of_nodes, ..BlocksMatch::EVERYTHING };
    Facts::new(matches, Listed { pods: Some(pods), nodes, ..Listed::default() })
}

/// Calls `check` with many policies, some of which are about namespaces whose labels are known or fixed.
fn for_many(check: impl Fn(&mut Random, &Space, &SpaceGrants<'_>, &[Policy], &Everybody)) {
    for seed in 0..45 {
        let mut random = Random(seed);
        let policies = random.policies();
        let home = |others| SpaceHome { name: "p".into(), stated: namespace_by_name(&"p".into()), others };
        let known = match seed % 3 {
            0 => vec![home(OtherLabels::None)],
            1 => vec![home(OtherLabels::Unknown)],
            _ => Vec::new(),
        };
        let space = Space::new(known, &policies, facts(&mut random, seed));
        let grants = SpaceGrants::new(&space, &policies);
        let everybody = everybody(&space, &policies);
        check(&mut random, &space, &grants, &policies, &everybody);
    }
}

pub(in crate::ask) fn may_meet(everybody: &Everybody, one: EndId, other: EndId) -> bool {
    let outside = |id| everybody.world.pods(id).is_none();
    !(outside(one) && outside(other)) && everybody.world.coexist(one, other)
}

#[test]
fn single_pods_are_judged_as_by_the_engine() {
    for_many(|_, _, grants, policies, everybody| {
        let engine = Engine::new(&everybody.world, policies);
        for (source, from) in &everybody.all {
            for (destination, to) in &everybody.all {
                if !may_meet(everybody, *from, *to) {
                    continue;
                }
                let (mine, theirs) = (grants.between(source, destination).both, engine.between(*from, *to));
                // What is missing and decides several things at once is settled by the engine alone.
                assert!(theirs.allowed.contains(&mine.allowed), "{source:?} -> {destination:?}: {mine:?} {theirs:?}");
                assert!(mine.possible().contains(&theirs.possible()), "{source:?} -> {destination:?}");
                if mine.unknown.is_empty() {
                    assert_eq!(mine, theirs, "{source:?} -> {destination:?}");
                }
            }
        }
    });
}

#[test]
fn what_is_refused_is_refused_to_a_pod_that_exists() {
    let counts = std::cell::Cell::new([0; 4]);
    for_many(|random, space, grants, policies, everybody| {
        let engine = Engine::new(&everybody.world, policies);
        for _ in 0..12 {
            let ends = [random.end(space), random.end(space)];
            let [source, destination] = &ends;
            if ends.iter().any(|end| is_doubtful(space, end)) {
                continue;
            }
            let asked = match random.below(3) {
                0 => PortSet::number(Protocol::Tcp, 80),
                // Addresses have no names for ports.
                1 if destination.pods().is_some() => PortSet::named(Protocol::Tcp, "http".into()),
                _ => PortSet::everything(),
            };
            let mut budget = Budget::new(1_000_000);
            let found = grants.refused(source, destination, &asked, Sure::Yes, &mut budget).unwrap();
            let of = |end: &Ends| -> Vec<&(Example, EndId)> {
                everybody.all.iter().filter(|(example, _)| is_in(space, end, example)).collect()
            };
            let refused = |ends: [&Ends; 2], verdict: &dyn Fn(&Verdict) -> bool| {
                let [from, to] = ends.map(of);
                from.iter().any(|(_, from)| {
                    to.iter().any(|(_, to)| may_meet(everybody, *from, *to) && verdict(&engine.between(*from, *to)))
                })
            };
            let is_refused = refused([source, destination], &|verdict| !verdict.allowed.contains(&asked));
            let doubtful = refused([source, destination], &|verdict| !verdict.unknown.is_empty());
            if !doubtful || found.is_none() {
                assert_eq!(found.is_some(), is_refused, "{source:?} -> {destination:?} on {asked}: {found:?}");
            }
            if let Some(found) = &found {
                let part = [&found.source, &found.destination];
                for (part, whole) in part.into_iter().zip(&ends) {
                    assert!(space.covers(std::slice::from_ref(whole), part, &mut budget).unwrap());
                    assert!(!space.is_empty(part, &mut budget).unwrap());
                }
            }
            let denied =
                grants.refused(source, destination, &asked, Sure::Perhaps { names: false }, &mut budget).unwrap();
            assert!(denied.is_none() || found.is_some());
            let mut all = counts.get();
            all[usize::from(found.is_some())] += 1;
            all[2 + usize::from(denied.is_some())] += 1;
            counts.set(all);
        }
    });
    assert!(counts.get().iter().all(|count| *count > 30), "{:?}", counts.get());
}

#[test]
fn links_are_all_that_may_be() {
    let linked = std::cell::Cell::new(0);
    for_many(|random, space, grants, policies, everybody| {
        let engine = Engine::new(&everybody.world, policies);
        for _ in 0..8 {
            let (source, destination) = (random.end(space), random.end(space));
            // One namespace has one set of labels, and may be in each of the two without being in both.
            if is_doubtful(space, &source) && is_doubtful(space, &destination) {
                continue;
            }
            let mut links: Vec<Link> = Vec::new();
            let mut budget = Budget::new(1_000_000);
            let add = &mut |link: Link| {
                links.push(link);
                false
            };
            grants.links(&source, &destination, &mut budget, add).unwrap();
            for (one, from) in everybody.all.iter().filter(|(one, _)| is_in(space, &source, one)) {
                for (other, to) in everybody.all.iter().filter(|(other, _)| is_in(space, &destination, other)) {
                    if !may_meet(everybody, *from, *to) {
                        continue;
                    }
                    let verdict = engine.between(*from, *to);
                    let near = links
                        .iter()
                        .filter(|link| is_in(space, &link.source, one) && is_in(space, &link.destination, other));
                    let (mut sure, mut possible) = (PortSet::empty(), PortSet::empty());
                    for link in near {
                        possible.insert(&link.ports());
                        possible.insert(&link.perhaps());
                        if link.truth == Truth::Yes {
                            sure.insert(&link.ports());
                        }
                    }
                    let numbers = |set: &PortSet| crate::prove::numbers(set);
                    assert!(verdict.allowed.contains(&sure), "{one:?} -> {other:?} {verdict:?} {sure}");
                    assert!(possible.contains(&numbers(&verdict.possible())), "{one:?} -> {other:?} {verdict:?}");
                    linked.set(linked.get() + usize::from(!sure.is_empty()));
                }
            }
            for link in &links {
                assert!(!space.is_empty(&link.source, &mut budget).unwrap());
                assert!(!space.is_empty(&link.destination, &mut budget).unwrap());
            }
        }
    });
    assert!(linked.get() > 1_000);
}

#[test]
fn sets_are_less_what_is_taken_away() {
    for_many(|random, space, _, _, everybody| {
        for _ in 0..10 {
            let ends: Vec<Ends> = (0..3).map(|_| random.end(space)).collect();
            let mut budget = Budget::new(1_000_000);
            let holds = |end: &Ends| -> Vec<bool> {
                everybody.all.iter().map(|(example, _)| is_in(space, end, example)).collect()
            };
            let inside = holds(&ends[0]);
            if ends.iter().all(|end| end.pods().is_some()) {
                if ends.iter().any(|end| is_doubtful(space, end)) {
                    continue;
                }
                let others: Vec<Vec<bool>> = ends[1..].iter().map(holds).collect();
                let covered = (0..inside.len()).all(|at| !inside[at] || others.iter().any(|other| other[at]));
                assert_eq!(space.covers(&ends[1..], &ends[0], &mut budget).unwrap(), covered, "{ends:?}");
                let both = space.both(&ends[0], &ends[1]);
                let both = both.filter(|both| !space.is_empty(both, &mut budget).unwrap());
                let expected = (0..inside.len()).any(|at| inside[at] && others[0][at]);
                assert_eq!(both.is_some(), expected);
            }
        }
    });
}
