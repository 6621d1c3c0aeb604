//! Everything that some policies can tell apart, and the comparison of two policy sets on all of it.
//!
//! **Pods.** For each namespace that is mentioned, and one that is not: every combination of labels (per key: absent,
//! each mentioned value, one value that nobody mentions) over the keys that a selector which applies to that namespace
//! mentions. Pods that the same selectors match are one class, and one of them stands for it; nothing else about a pod
//! matters to a policy, so this leaves no case out. Namespaces are made in the same way from their labels, those of which
//! something is *stated* from the others. There is only one namespace of such a name, so two pods of it never see two sets
//! of labels. When a namespace has more than [`LIMIT`]
//! combinations, that many are drawn with a fixed seed instead, and a witness of each selector and of each pair of
//! selectors is always among them.
//!
//! **Addresses.** For each block its first and last address and the ones before and after it, one for each set of
//! blocks that contain it; and one of each family that need not be in any.
//!
//! **Ports.** For each range its ends and the numbers beside them, 1 and 65535, for each protocol. A container port's
//! name is a matter of the destination pod, so it is a part of the port here: each number also comes as one that the
//! destination pod serves under each mentioned name.

use super::evaluate::{
    Direction, Labels, NAME_LABEL, NamedPort, Operator, Party, Peer, Pod, Policy, PolicySet, PortMatch, Protocol, Rule,
    Selector, Stated,
};
use super::law::Blocks;
use super::read;
use super::rng::Rng;
use ipnet::IpNet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many label combinations of one namespace are enumerated before sampling starts.
pub(crate) const LIMIT: usize = 4096;

/// What policies, or programs, can tell apart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Atoms {
    /// Names of namespaces.
    pub namespaces: BTreeSet<String>,
    /// Pods: a selector of namespaces and one of pods.
    pub pods: BTreeSet<(Selector, Selector)>,
    /// Address blocks; an exclusion is a block too.
    pub blocks: BTreeSet<IpNet>,
    /// Port ranges.
    pub ports: BTreeSet<(Protocol, u16, u16)>,
    /// Named container ports.
    pub names: BTreeSet<(String, Protocol)>,
}

impl Atoms {
    /// What a policy set can tell apart.
    pub(crate) fn of(set: &PolicySet) -> Atoms {
        let mut atoms = Atoms::default();
        for policy in &set.policies {
            atoms.namespaces.insert(policy.namespace.clone());
            atoms.pods.insert((Selector::named(&policy.namespace), policy.subject.clone()));
            for rule in [&policy.ingress, &policy.egress].into_iter().flatten().flatten() {
                atoms.add_rule(&policy.namespace, rule);
            }
        }
        atoms
    }

    fn add_rule(&mut self, namespace: &str, rule: &Rule) {
        for peer in &rule.peers {
            match peer {
                Peer::Pods { namespaces, pods } => {
                    let namespaces = namespaces.clone().unwrap_or_else(|| Selector::named(namespace));
                    self.pods.insert((namespaces, pods.clone().unwrap_or_default()));
                }
                Peer::Block { cidr, except } => {
                    self.blocks.insert(*cidr);
                    self.blocks.extend(except);
                }
            }
        }
        for item in &rule.ports {
            match &item.port {
                PortMatch::Every => {}
                PortMatch::Range(low, high) => {
                    self.ports.insert((item.protocol, *low, *high));
                }
                PortMatch::Named(name) => {
                    self.names.insert((name.clone(), item.protocol));
                }
            }
        }
    }

    /// What is to be stated of namespaces that have no labels but their names.
    pub(crate) fn bare(&self, names: &BTreeSet<String>) -> Stated {
        let asked = self.pods.iter().flat_map(|(namespaces, _)| &namespaces.requirements);
        let absent: BTreeMap<String, Option<String>> =
            asked.filter(|r| r.key != NAME_LABEL).map(|r| (r.key.clone(), None)).collect();
        names.iter().map(|name| (name.clone(), absent.clone())).collect()
    }

    /// Adds what `other` can tell apart.
    pub(crate) fn join(&mut self, other: Atoms) {
        self.namespaces.extend(other.namespaces);
        self.pods.extend(other.pods);
        self.blocks.extend(other.blocks);
        self.ports.extend(other.ports);
        self.names.extend(other.names);
    }
}

/// A port as the destination serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub protocol: Protocol,
    pub number: u16,
    /// The names that the destination pod has for it; an address has none.
    pub names: Vec<String>,
}

/// Parties and ports that stand for all that could exist.
pub(crate) struct Universe {
    pub parties: Vec<Party>,
    pub points: Vec<Point>,
    /// The names of which there is one namespace.
    single: BTreeSet<String>,
}

/// A set of ports: one bit for each point of a chunk.
pub(crate) type Bits = u128;

impl Universe {
    /// The universe for `atoms`, where something is stated of some namespaces.
    pub(crate) fn new(atoms: &Atoms, stated: &Stated) -> Universe {
        let mut parties: Vec<Party> = pods(atoms, stated).into_iter().map(Party::Pod).collect();
        parties.extend(addresses(&atoms.blocks).into_iter().map(Party::Address));
        Universe { parties, points: points(atoms), single: stated.keys().cloned().collect() }
    }

    /// The same, where each pod comes with each of these sets of addresses.
    pub(crate) fn with_addresses(self, sets: &[Vec<IpAddr>]) -> Universe {
        let place = |party: Party| match party {
            Party::Pod(pod) => {
                sets.iter().map(|set| Party::Pod(Pod { addresses: set.clone(), ..pod.clone() })).collect()
            }
            Party::Address(address) => vec![Party::Address(address)],
        };
        Universe { parties: self.parties.into_iter().flat_map(place).collect(), ..self }
    }

    /// The points, in pieces that fit into [`Bits`].
    pub(crate) fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> {
        self.points.chunks(Bits::BITS as usize).map(|points| {
            let nameless = bits(points, |p| p.names.is_empty());
            Chunk { parties: &self.parties, points, single: &self.single, all: bits(points, |_| true), nameless }
        })
    }
}

/// All parties and some ports of a universe.
pub(crate) struct Chunk<'u> {
    pub parties: &'u [Party],
    pub points: &'u [Point],
    single: &'u BTreeSet<String>,
    all: Bits,
    nameless: Bits,
}

/// For each source and destination the ports on which something holds.
pub(crate) struct Matrix {
    pub cells: Vec<Bits>,
}

/// What each side of each connection allows, by itself.
pub(crate) struct Sides {
    pub egress: Matrix,
    pub ingress: Matrix,
}

/// The points for which `holds`.
pub(crate) fn bits(points: &[Point], holds: impl Fn(&Point) -> bool) -> Bits {
    points.iter().enumerate().filter(|(_, p)| holds(p)).fold(0, |set, (i, _)| set | 1 << i)
}

impl Chunk<'_> {
    /// The same ports among other parties.
    pub(crate) fn among<'a>(&'a self, parties: &'a [Party]) -> Chunk<'a> {
        Chunk { parties, ..*self }
    }

    /// How many parties there are.
    pub(crate) fn size(&self) -> usize {
        self.parties.len()
    }

    /// The ports on which a connection can be thought of: none between two addresses, none with a name to an address, none
    /// between pods that cannot be there at once or have addresses of different families.
    pub(crate) fn possible(&self, source: usize, destination: usize) -> Bits {
        let family = |party: &Pod, v4| party.addresses.iter().any(|one| one.is_ipv4() == v4);
        match (&self.parties[source], &self.parties[destination]) {
            (Party::Address(_), Party::Address(_)) => 0,
            (Party::Pod(one), Party::Pod(other))
                if !one.addresses.is_empty()
                    && !other.addresses.is_empty()
                    && ![true, false].iter().any(|v4| family(one, *v4) && family(other, *v4)) =>
            {
                0
            }
            (_, Party::Address(_)) => self.nameless,
            (Party::Pod(one), Party::Pod(other))
                if one.namespace == other.namespace
                    && one.namespace_labels != other.namespace_labels
                    && self.single.contains(&one.namespace) =>
            {
                0
            }
            _ => self.all,
        }
    }

    /// For each party as the peer, the ports that one policy's rules allow.
    pub(crate) fn allowance(&self, policy: &Policy, rules: &[Rule], blocks: &Blocks) -> Vec<Bits> {
        let mut allowance = vec![0; self.size()];
        for rule in rules {
            let ports = self.ports(rule);
            for (party, bits) in self.parties.iter().zip(&mut allowance) {
                if *bits & ports != ports && rule.admits(&policy.namespace, party, blocks) {
                    *bits |= ports;
                }
            }
        }
        allowance
    }

    fn ports(&self, rule: &Rule) -> Bits {
        if rule.ports.is_empty() {
            return self.all;
        }
        let matches = |point: &Point, item: &super::evaluate::PortItem| {
            item.protocol == point.protocol
                && match &item.port {
                    PortMatch::Every => true,
                    PortMatch::Range(low, high) => (*low..=*high).contains(&point.number),
                    PortMatch::Named(name) => point.names.contains(name),
                }
        };
        bits(self.points, |point| rule.ports.iter().any(|item| matches(point, item)))
    }

    /// The indexes of the parties that a policy selects.
    pub(crate) fn selected(&self, policy: &Policy) -> Vec<usize> {
        (0..self.size()).filter(|&i| policy.selects(&self.parties[i])).collect()
    }

    /// What each side allows.
    pub(crate) fn sides(&self, set: &PolicySet) -> Sides {
        let side = |direction| {
            let n = self.size();
            let mut isolated = vec![false; n];
            let mut cells = vec![0; n * n];
            for policy in &set.policies {
                let Some(rules) = policy.rules(direction) else { continue };
                let allowance = self.allowance(policy, rules, &set.blocks);
                for subject in self.selected(policy) {
                    isolated[subject] = true;
                    for (peer, bits) in allowance.iter().enumerate() {
                        cells[index(n, direction, subject, peer)] |= bits;
                    }
                }
            }
            for subject in (0..n).filter(|&i| !isolated[i]) {
                for peer in 0..n {
                    cells[index(n, direction, subject, peer)] = self.all;
                }
            }
            Matrix { cells }
        };
        Sides { egress: side(Direction::Egress), ingress: side(Direction::Ingress) }
    }

    /// What is allowed by `judge`, who looks at pods of one address each at most. Between two pods that have addresses, a
    /// connection is made over a family in which both have one, and allowed when it is over some family.
    pub(crate) fn over_each_family(&self, judge: &dyn Fn(&Chunk) -> Matrix) -> Matrix {
        let n = self.size();
        let mut all = vec![0; n * n];
        for v4 in [true, false] {
            let of_family = |party: &Party| match party {
                Party::Pod(pod) => {
                    let addresses = pod.addresses.iter().copied().filter(|one| one.is_ipv4() == v4).collect();
                    Party::Pod(Pod { addresses, ..pod.clone() })
                }
                Party::Address(address) => Party::Address(*address),
            };
            let parties: Vec<Party> = self.parties.iter().map(of_family).collect();
            let missing = |i: usize| match (&self.parties[i], &parties[i]) {
                (Party::Pod(all), Party::Pod(left)) => !all.addresses.is_empty() && left.addresses.is_empty(),
                _ => false,
            };
            let pod = |i: usize| matches!(self.parties[i], Party::Pod(_));
            let matrix = judge(&self.among(&parties));
            for (i, cell) in matrix.cells.into_iter().enumerate() {
                let (s, d) = (i / n, i % n);
                if !(pod(s) && pod(d) && (missing(s) || missing(d))) {
                    all[i] |= cell;
                }
            }
        }
        Matrix { cells: all }
    }

    /// What a policy set allows.
    pub(crate) fn allowed(&self, set: &PolicySet) -> Matrix {
        match set.blocks.pods {
            true => self.over_each_family(&|chunk| chunk.allowed_over(set)),
            false => self.allowed_over(set),
        }
    }

    fn allowed_over(&self, set: &PolicySet) -> Matrix {
        let sides = self.sides(set);
        let n = self.size();
        let both = |(i, (e, x)): (usize, (&Bits, &Bits))| e & x & self.possible(i / n, i % n);
        Matrix { cells: sides.egress.cells.iter().zip(&sides.ingress.cells).enumerate().map(both).collect() }
    }

    /// The first connection on which two matrices differ.
    pub(crate) fn compare(&self, left: &Matrix, right: &Matrix) -> Option<Counterexample> {
        let n = self.size();
        let cell = (0..n * n).find(|&i| left.cells[i] != right.cells[i])?;
        let bit = (left.cells[cell] ^ right.cells[cell]).trailing_zeros();
        let left = left.cells[cell] >> bit & 1 == 1;
        Some(self.connection(cell / n, cell % n, bit as usize, left))
    }

    /// The first connection on one side of which two policy sets differ.
    pub(crate) fn compare_sides(&self, left: &Sides, right: &Sides) -> Option<(Direction, Counterexample)> {
        let n = self.size();
        let some = |matrix: &Matrix| {
            let cells = matrix.cells.iter().enumerate();
            Matrix { cells: cells.map(|(i, bits)| bits & self.possible(i / n, i % n)).collect() }
        };
        let pairs =
            [(Direction::Egress, &left.egress, &right.egress), (Direction::Ingress, &left.ingress, &right.ingress)];
        pairs.into_iter().find_map(|(side, left, right)| Some((side, self.compare(&some(left), &some(right))?)))
    }

    /// The counterexample for a pair and a bit, allowed on the left side or else on the right one.
    pub(crate) fn connection(&self, source: usize, destination: usize, bit: usize, left: bool) -> Counterexample {
        let point = &self.points[bit];
        Counterexample {
            source: self.parties[source].clone(),
            destination: serving(&self.parties[destination], point),
            protocol: point.protocol,
            number: point.number,
            left,
        }
    }
}

/// Where the cell of a subject and its peer is: cells are in the order of sources, then of destinations.
pub(crate) fn index(n: usize, direction: Direction, subject: usize, peer: usize) -> usize {
    match direction {
        Direction::Egress => subject * n + peer,
        Direction::Ingress => peer * n + subject,
    }
}

/// `party` with the container ports that `point` asks for.
pub(crate) fn serving(party: &Party, point: &Point) -> Party {
    match party {
        Party::Address(address) => Party::Address(*address),
        Party::Pod(pod) => {
            let port = |name: &String| NamedPort { name: name.clone(), protocol: point.protocol, number: point.number };
            Party::Pod(Pod { ports: point.names.iter().map(port).collect(), ..pod.clone() })
        }
    }
}

/// A connection that one side allows and the other does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counterexample {
    pub source: Party,
    pub destination: Party,
    pub protocol: Protocol,
    pub number: u16,
    /// Whether it is the left side that allows it.
    pub left: bool,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counterexample { source, destination, protocol, number, left } = self;
        let side = if *left { "left" } else { "right" };
        write!(f, "{source} -> {destination} on {number}/{protocol}: only the {side} side allows it")
    }
}

/// The first connection on which two sets of manifests differ, where every namespace can have any labels.
pub(crate) fn difference(left: &[Value], right: &[Value]) -> Result<Option<Counterexample>, String> {
    Ok(compare(&read::policies(left)?, &read::policies(right)?, &Stated::new()))
}

/// The same for policies, where something is stated of some namespaces.
pub(crate) fn compare(left: &PolicySet, right: &PolicySet, stated: &Stated) -> Option<Counterexample> {
    let mut atoms = Atoms::of(left);
    atoms.join(Atoms::of(right));
    let universe = Universe::new(&atoms, stated);
    universe.chunks().find_map(|chunk| chunk.compare(&chunk.allowed(left), &chunk.allowed(right)))
}

fn pods(atoms: &Atoms, stated: &Stated) -> Vec<Pod> {
    let selectors: BTreeSet<&Selector> = atoms.pods.iter().map(|(namespaces, _)| namespaces).collect();
    let mut names = atoms.namespaces.clone();
    for requirement in selectors.iter().flat_map(|s| &s.requirements).filter(|r| r.key == NAME_LABEL) {
        names.extend(requirement.values.iter().cloned());
    }
    names.insert(fresh(&names, "elsewhere"));
    let selectors: Vec<&Selector> = selectors.into_iter().collect();
    let mut all = Vec::new();
    for name in names {
        let mut given = stated.get(&name).cloned().unwrap_or_default();
        given.insert(NAME_LABEL.to_string(), Some(name.clone()));
        for namespace_labels in classes(&selectors, &given) {
            let applicable: BTreeSet<&Selector> =
                atoms.pods.iter().filter(|(n, _)| n.matches(&namespace_labels)).map(|(_, pods)| pods).collect();
            let applicable: Vec<&Selector> = applicable.into_iter().collect();
            all.extend(classes(&applicable, &BTreeMap::new()).into_iter().map(|labels| Pod {
                namespace: name.clone(),
                namespace_labels: namespace_labels.clone(),
                labels,
                ..Pod::default()
            }));
        }
    }
    all
}

/// One label set for each set of selectors that can match at once. All of them have the labels that are `given`, and lack
/// those that are given as lacking.
fn classes(selectors: &[&Selector], given: &BTreeMap<String, Option<String>>) -> Vec<Labels> {
    let mut domains: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for requirement in selectors.iter().flat_map(|s| &s.requirements) {
        if !given.contains_key(&requirement.key) {
            domains.entry(&requirement.key).or_default().extend(requirement.values.iter().cloned());
        }
    }
    let domains: Vec<(&str, Vec<Option<String>>)> = domains
        .into_iter()
        .map(|(key, values)| {
            let other = fresh(&values, "other");
            (key, std::iter::once(None).chain(values.into_iter().map(Some)).chain([Some(other)]).collect())
        })
        .collect();
    let mut found: BTreeMap<Vec<bool>, Labels> = BTreeMap::new();
    let mut add = |choice: &[usize]| {
        let chosen = domains
            .iter()
            .zip(choice)
            .filter_map(|((key, domain), i)| domain[*i].as_ref().map(|value| (key.to_string(), value.clone())));
        let given = given.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let labels: Labels = given.chain(chosen).collect();
        found.entry(selectors.iter().map(|s| s.matches(&labels)).collect()).or_insert(labels);
    };
    let sizes: Vec<usize> = domains.iter().map(|(_, domain)| domain.len()).collect();
    if sizes.iter().try_fold(1usize, |n, size| n.checked_mul(*size)).is_some_and(|n| n <= LIMIT) {
        every_choice(&sizes, &mut add);
    } else {
        witnesses(selectors, &domains, &mut add);
        let mut rng = Rng::new(1);
        for _ in 0..LIMIT {
            let choice: Vec<usize> = sizes.iter().map(|size| rng.below(*size)).collect();
            add(&choice);
        }
    }
    found.into_values().collect()
}

fn every_choice(sizes: &[usize], add: &mut impl FnMut(&[usize])) {
    let mut choice = vec![0; sizes.len()];
    loop {
        add(&choice);
        let Some(place) = (0..sizes.len()).find(|&i| choice[i] + 1 < sizes[i]) else { return };
        choice[place] += 1;
        choice[..place].fill(0);
    }
}

/// Label sets that match each selector and each pair of selectors: all of the labels that nothing is asked of absent,
/// and for each key the first and the last value that will do.
fn witnesses(selectors: &[&Selector], domains: &[(&str, Vec<Option<String>>)], add: &mut impl FnMut(&[usize])) {
    let good = |key: &str, value: Option<&str>, selector: &Selector| {
        selector.requirements.iter().filter(|r| r.key == key).all(|r| r.holds(value))
    };
    for (i, one) in selectors.iter().enumerate() {
        for two in &selectors[i..] {
            let fitting = |(key, domain): &(&str, Vec<Option<String>>)| -> Option<(usize, usize)> {
                let fits = |v: &Option<String>| good(key, v.as_deref(), one) && good(key, v.as_deref(), two);
                Some((domain.iter().position(fits)?, domain.iter().rposition(fits)?))
            };
            if let Some(choices) = domains.iter().map(fitting).collect::<Option<Vec<_>>>() {
                add(&choices.iter().map(|c| c.0).collect::<Vec<_>>());
                add(&choices.iter().map(|c| c.1).collect::<Vec<_>>());
            }
        }
    }
}

/// A word that is not among `taken`.
fn fresh(taken: &BTreeSet<String>, word: &str) -> String {
    let mut word = word.to_string();
    while taken.contains(&word) {
        word.push('x');
    }
    word
}

/// An address for each set of the blocks that can contain one, in each family.
pub(crate) fn addresses(blocks: &BTreeSet<IpNet>) -> Vec<IpAddr> {
    let mut candidates =
        vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
    for block in blocks {
        let (first, last) = (block.network(), block.broadcast());
        candidates.extend([first, last]);
        candidates.extend(step(first, false));
        candidates.extend(step(last, true));
    }
    let mut found: BTreeMap<(bool, Vec<bool>), IpAddr> = BTreeMap::new();
    for address in candidates {
        let class = (address.is_ipv4(), blocks.iter().map(|b| b.contains(&address)).collect());
        found.entry(class).or_insert(address);
    }
    found.into_values().collect()
}

/// The address after or before this one, in its family.
fn step(address: IpAddr, up: bool) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let bits = v4.to_bits();
            let next = if up { bits.checked_add(1) } else { bits.checked_sub(1) };
            next.map(|b| IpAddr::V4(Ipv4Addr::from_bits(b)))
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let next = if up { bits.checked_add(1) } else { bits.checked_sub(1) };
            next.map(|b| IpAddr::V6(Ipv6Addr::from_bits(b)))
        }
    }
}

fn points(atoms: &Atoms) -> Vec<Point> {
    let mut all = Vec::new();
    for protocol in Protocol::ALL {
        let ranges: Vec<(u16, u16)> =
            atoms.ports.iter().filter(|p| p.0 == protocol).map(|&(_, low, high)| (low, high)).collect();
        let class = |number: u16| ranges.iter().map(|r| (r.0..=r.1).contains(&number)).collect::<Vec<bool>>();
        let mut candidates: Vec<u16> = ranges.iter().flat_map(|&(low, high)| [low, high]).collect();
        candidates.extend(ranges.iter().flat_map(|&(low, high)| [low.saturating_sub(1), high.saturating_add(1)]));
        candidates.extend([1, 65535]);
        let mut numbers: BTreeMap<Vec<bool>, u16> = BTreeMap::new();
        for number in candidates.into_iter().filter(|n| *n > 0) {
            numbers.entry(class(number)).or_insert(number);
        }
        let names: Vec<&String> = atoms.names.iter().filter(|n| n.1 == protocol).map(|n| &n.0).collect();
        let mut name_sets: Vec<Vec<String>> = vec![Vec::new()];
        name_sets.extend(names.iter().map(|name| vec![name.to_string()]));
        if names.len() > 1 {
            name_sets.push(names.iter().map(|name| name.to_string()).collect());
        }
        for number in numbers.into_values() {
            all.extend(name_sets.iter().map(|names| Point { protocol, number, names: names.clone() }));
        }
    }
    all
}

/// Every operator that a selector of the universe uses, to show what was covered.
pub(crate) fn operators(atoms: &Atoms) -> BTreeSet<Operator> {
    atoms.pods.iter().flat_map(|(a, b)| [a, b]).flat_map(|s| &s.requirements).map(|r| r.operator).collect()
}
