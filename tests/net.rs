//! The set algebra against brute force over small universes.

use ipnet::IpNet;
use polder::net::{
    AddressSet, MatchIndex, Peers, PortSet, Protocol, Region, RegionIndex, Requirement, Selector, SelectorIndex,
    Values, is_covered, uncovered,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

// Labels. A universe is every assignment of states to some keys; "z" stands for all values that no selector names.

const STATES: [Option<&str>; 5] = [None, Some("a"), Some("b"), Some("c"), Some("z")];
const SUBJECT: &[&str] = &["k", "l"];
const NAMESPACE: &[&str] = &["n"];
const POD: &[&str] = &["p"];

type Labels = BTreeMap<String, String>;

fn universe(keys: &[&str]) -> Vec<Labels> {
    keys.iter().fold(vec![Labels::new()], |all, key| {
        let with = |state: Option<&str>, labels: &Labels| {
            let mut labels = labels.clone();
            labels.extend(state.map(|value| ((*key).to_owned(), value.to_owned())));
            labels
        };
        all.iter().flat_map(|labels| STATES.map(|state| with(state, labels))).collect()
    })
}

#[derive(Debug, Clone)]
enum Operator {
    In(Vec<&'static str>),
    NotIn(Vec<&'static str>),
    Exists,
    DoesNotExist,
}

impl Operator {
    fn values(&self) -> Values {
        match self {
            Operator::In(values) => Values::one_of(values.iter().copied()),
            Operator::NotIn(values) => Values::none_of(values.iter().copied()),
            Operator::Exists => Values::exists(),
            Operator::DoesNotExist => Values::does_not_exist(),
        }
    }

    /// As the documentation of Kubernetes has it.
    fn holds(&self, state: Option<&String>) -> bool {
        match self {
            Operator::In(values) => state.is_some_and(|value| values.contains(&value.as_str())),
            Operator::NotIn(values) => state.is_none_or(|value| !values.contains(&value.as_str())),
            Operator::Exists => state.is_some(),
            Operator::DoesNotExist => state.is_none(),
        }
    }
}

type Requirements = Vec<(&'static str, Operator)>;

fn operator() -> impl Strategy<Value = Operator> {
    let values = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..4);
    prop_oneof![
        3 => values().prop_map(Operator::In),
        3 => values().prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::DoesNotExist),
    ]
}

fn requirements(keys: &'static [&'static str]) -> impl Strategy<Value = Requirements> {
    prop::collection::vec((prop::sample::select(keys), operator()), 0..4)
}

fn build(requirements: &Requirements) -> Selector {
    let mut selector = Selector::everything();
    for (key, operator) in requirements {
        selector.require(*key, operator.values());
    }
    selector
}

fn selector(keys: &'static [&'static str]) -> impl Strategy<Value = Selector> {
    requirements(keys).prop_map(|requirements| build(&requirements))
}

fn bits(all: impl IntoIterator<Item = bool>) -> u64 {
    all.into_iter().enumerate().fold(0, |mask, (index, bit)| mask | (u64::from(bit) << index))
}

fn labels_of(selector: &Selector, keys: &[&str]) -> u64 {
    bits(universe(keys).iter().map(|labels| selector.matches(labels)))
}

/// What Kubernetes understands by the written requirements.
fn written(selector: &Selector) -> u64 {
    let list = selector.requirements();
    let words = |values: &[Arc<str>], value: &String| values.iter().any(|one| **one == **value);
    bits(universe(SUBJECT).iter().map(|labels| {
        list.iter().all(|requirement| match requirement {
            Requirement::Equals(key, value) => labels.get(&***key).is_some_and(|one| **one == ***value),
            Requirement::In(key, values) => {
                assert!(values.len() > 1);
                labels.get(&***key).is_some_and(|one| words(values, one))
            }
            Requirement::NotIn(key, values) => {
                assert!(!values.is_empty());
                labels.get(&***key).is_none_or(|one| !words(values, one))
            }
            Requirement::Exists(key) => labels.contains_key(&***key),
            Requirement::DoesNotExist(key) => !labels.contains_key(&***key),
        })
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn selectors_match_what_kubernetes_says(requirements in requirements(SUBJECT)) {
        let selector = build(&requirements);
        let expected = bits(universe(SUBJECT).iter().map(|labels| {
            requirements.iter().all(|(key, operator)| operator.holds(labels.get(*key)))
        }));
        prop_assert_eq!(labels_of(&selector, SUBJECT), expected);
        prop_assert_eq!(written(&selector), expected);
        prop_assert_eq!(selector.contradiction().is_some(), expected == 0);
        prop_assert_eq!(selector.is_everything(), expected == (1 << 25) - 1);
        match selector.witness() {
            Some(labels) => {
                prop_assert!(selector.matches(&labels));
                for key in labels.keys() {
                    let mut fewer = labels.clone();
                    fewer.remove(key);
                    prop_assert!(!selector.matches(&fewer), "{key} is not needed");
                }
            }
            None => prop_assert_eq!(expected, 0),
        }
    }

    #[test]
    fn selector_operations_are_exact(a in selector(SUBJECT), b in selector(SUBJECT)) {
        let (mask_a, mask_b) = (labels_of(&a, SUBJECT), labels_of(&b, SUBJECT));
        prop_assert_eq!(labels_of(&a.and(&b), SUBJECT), mask_a & mask_b);
        prop_assert_eq!(a.and(&b), b.and(&a));
        prop_assert_eq!(a.overlaps(&b), mask_a & mask_b != 0);
        prop_assert_eq!(a.contains(&b), mask_b & !mask_a == 0);
        if mask_a != 0 {
            prop_assert_eq!(a == b, mask_a == mask_b);
        }
        for key in SUBJECT {
            let expected = STATES.iter().skip(1).flatten().filter(|value| a.values(key).allows(Some(value)));
            if let Some(values) = a.required_value(key) {
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                prop_assert_eq!(values, expected.copied().collect::<Vec<_>>());
            } else {
                prop_assert!(a.values(key).allows(None) || a.values(key).allows(Some("z")));
            }
        }
    }
}

// Ports. Between two bounds, one number stands for all.

const BOUNDS: [u16; 9] = [1, 2, 79, 80, 81, 82, 100, 65534, 65535];
const NUMBERS: [u16; 12] = [1, 2, 3, 79, 80, 81, 82, 83, 100, 101, 65534, 65535];
const NAMES: [&str; 3] = ["a", "b", "z"];
const EVERY_PORT: u64 = (1 << 46) - 1;

fn protocol_bits(protocol: Protocol) -> u64 {
    ((1 << 15) - 1) << (15 * Protocol::ALL.iter().position(|one| *one == protocol).unwrap())
}

fn numbers_of(protocol: Protocol) -> u64 {
    bits(Protocol::ALL.iter().flat_map(|one| (0..15).map(move |index| *one == protocol && index < 12)))
}

fn ports_of(ports: &PortSet) -> u64 {
    let one = |protocol| {
        let numbers = NUMBERS.iter().map(move |&number| ports.has(protocol, number));
        numbers.chain(NAMES.iter().map(move |name| ports.has_name(protocol, name)))
    };
    bits(Protocol::ALL.into_iter().flat_map(one).chain([ports.has_others()]))
}

/// A port set, and what is in it by brute force.
type Ports = (PortSet, u64);

fn protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select(vec![Protocol::Tcp, Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp])
}

fn range_bits(protocol: Protocol, low: u16, high: u16) -> u64 {
    if (low, high) == (1, 65535) {
        return protocol_bits(protocol);
    }
    let one = |other| {
        (0..15).map(move |index| other == protocol && NUMBERS.get(index).is_some_and(|&n| low <= n && n <= high))
    };
    bits(Protocol::ALL.into_iter().flat_map(one))
}

fn leaf_ports() -> impl Strategy<Value = Ports> {
    let bound = || prop::sample::select(BOUNDS.to_vec());
    let named = |(protocol, name): (Protocol, &'static str)| {
        let at = NAMES.iter().position(|one| *one == name).unwrap();
        let first = protocol_bits(protocol) & protocol_bits(protocol).wrapping_neg();
        (PortSet::named(protocol, name.into()), first << (12 + at))
    };
    prop_oneof![
        1 => Just((PortSet::empty(), 0)),
        1 => Just((PortSet::everything(), EVERY_PORT)),
        2 => protocol().prop_map(|protocol| (PortSet::whole(protocol), protocol_bits(protocol))),
        4 => (protocol(), bound()).prop_map(|(protocol, number)| {
            (PortSet::number(protocol, number), range_bits(protocol, number, number))
        }),
        8 => (protocol(), bound(), bound()).prop_map(|(protocol, low, high)| {
            (PortSet::range(protocol, low, high), range_bits(protocol, low, high))
        }),
        3 => (protocol(), prop::sample::select(vec!["a", "b"])).prop_map(named),
    ]
}

fn unite(a: &Ports, b: &Ports) -> Ports {
    let mut mask = a.1 | b.1;
    for protocol in Protocol::ALL {
        if mask & numbers_of(protocol) == numbers_of(protocol) {
            mask |= protocol_bits(protocol);
        }
    }
    (a.0.union(&b.0), mask)
}

fn ports() -> impl Strategy<Value = Ports> {
    leaf_ports().prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| unite(&a, &b)),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| (a.0.intersect(&b.0), a.1 & b.1)),
            2 => (inner.clone(), inner).prop_map(|(a, b)| (a.0.subtract(&b.0), a.1 & !b.1)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn port_operations_are_exact(a in ports(), b in ports()) {
        let ((set_a, mask_a), (set_b, mask_b)) = (&a, &b);
        prop_assert_eq!(ports_of(set_a), *mask_a);
        let (both, both_mask) = unite(&a, &b);
        prop_assert_eq!(ports_of(&both), both_mask);
        prop_assert_eq!(&both, &set_b.union(set_a));
        prop_assert_eq!(ports_of(&set_a.intersect(set_b)), mask_a & mask_b);
        prop_assert_eq!(ports_of(&set_a.subtract(set_b)), mask_a & !mask_b);
        prop_assert_eq!(set_a.contains(set_b), mask_b & !mask_a == 0);
        prop_assert_eq!(set_a.overlaps(set_b), mask_a & mask_b != 0);
        prop_assert_eq!(set_a.is_empty(), *mask_a == 0);
        prop_assert_eq!(set_a.is_everything(), *mask_a == EVERY_PORT);
        let others = EVERY_PORT & !Protocol::ALL.into_iter().fold(0, |all, protocol| all | protocol_bits(protocol));
        let numbers = Protocol::ALL.into_iter().fold(others, |all, protocol| all | numbers_of(protocol));
        let (nameless, nameless_mask) = unite(&(set_a.without_names(), mask_a & numbers), &(PortSet::empty(), 0));
        prop_assert_eq!(ports_of(&nameless), nameless_mask);
        prop_assert_eq!(&nameless, &set_a.without_names());
        prop_assert_eq!(&nameless, &nameless.without_names());
        prop_assert!(Protocol::ALL.into_iter().all(|protocol| nameless.names(protocol).next().is_none()));
        prop_assert!(set_a != set_b || mask_a == mask_b);
        let mut writable = PortSet::empty();
        for protocol in Protocol::ALL {
            let all = protocol_bits(protocol);
            prop_assert_eq!(set_a.is_whole(protocol), mask_a & all == all);
            let ranges = set_a.ranges(protocol);
            prop_assert!(ranges.iter().all(|range| 0 < range.0 && range.0 <= range.1));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
            for &(low, high) in ranges {
                writable.insert(&PortSet::range(protocol, low, high));
            }
            for name in set_a.names(protocol) {
                writable.insert(&PortSet::named(protocol, name.clone()));
            }
        }
        // Written as ranges and names, a writable set says the same; all numbers are written as the whole protocol.
        if set_a.is_writable() && !set_a.is_everything() {
            prop_assert_eq!(&writable, &set_a.union(&PortSet::empty()));
        }
    }

    #[test]
    fn port_unions_do_not_depend_on_order(pieces in prop::collection::vec(leaf_ports(), 0..7).prop_shuffle()) {
        let fold = |mut all: PortSet, piece: &Ports| { all.insert(&piece.0); all };
        let forward = pieces.iter().fold(PortSet::empty(), fold);
        let backward = pieces.iter().rev().fold(PortSet::empty(), fold);
        prop_assert_eq!(&forward, &backward);
        let sets: Vec<&PortSet> = pieces.iter().map(|piece| &piece.0).collect();
        prop_assert_eq!(&forward, &PortSet::union_of(sets));
    }

    #[test]
    fn shared_ports_are_those_of_two(sets in prop::collection::vec(ports(), 0..7)) {
        let sets: Vec<&PortSet> = sets.iter().map(|one| &one.0).collect();
        let others = |at: usize| (0..sets.len()).filter(move |other| *other != at);
        let expected: Vec<bool> = (0..sets.len()).map(|at| others(at).any(|other| sets[at].overlaps(sets[other]))).collect();
        prop_assert_eq!(PortSet::shared(&sets), expected);
    }
}

// Addresses. Each point stands for those that no block of the universe tells from it.

const POINTS: [&str; 28] = [
    "0.0.0.0",
    "1.1.1.1",
    "10.0.0.0",
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.6",
    "10.0.0.7",
    "10.0.0.8",
    "11.0.0.0",
    "128.0.0.0",
    "255.255.255.255",
    "::",
    "1::",
    "2001:db8::",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
    "2001:db8::4",
    "2001:db8::5",
    "2001:db8::6",
    "2001:db8::7",
    "2001:db8::8",
    "2001:db9::",
    "8000::",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
];
const BLOCKS: [&str; 12] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "128.0.0.0/1",
    "10.0.0.0/8",
    "0.0.0.0/32",
    "255.255.255.255/32",
    "::/0",
    "::/1",
    "8000::/1",
    "2001:db8::/32",
    "::/128",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
];

fn points() -> impl Iterator<Item = IpAddr> {
    POINTS.iter().map(|point| point.parse().unwrap())
}

fn block() -> impl Strategy<Value = IpNet> {
    let inner = (0..8_u8, 0..4_u8, any::<bool>()).prop_map(|(host, bits, v4)| {
        let text = if v4 { format!("10.0.0.{host}/{}", 32 - bits) } else { format!("2001:db8::{host}/{}", 128 - bits) };
        text.parse().unwrap()
    });
    prop_oneof![1 => prop::sample::select(BLOCKS.to_vec()).prop_map(|text| text.parse().unwrap()), 3 => inner]
}

fn blocks() -> impl Strategy<Value = Vec<IpNet>> {
    prop::collection::vec(block(), 0..8)
}

fn addresses_of(set: &AddressSet) -> u64 {
    bits(points().map(|point| set.has(point)))
}

fn addresses() -> impl Strategy<Value = AddressSet> {
    (blocks(), blocks(), any::<bool>()).prop_map(|(with, without, whole)| {
        let with = if whole { AddressSet::all() } else { AddressSet::from_nets(with) };
        with.subtract(&AddressSet::from_nets(without))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn address_sets_hold_their_blocks(nets in blocks()) {
        let set = AddressSet::from_nets(nets.iter().copied());
        let expected = bits(points().map(|point| nets.iter().any(|net| net.contains(&point))));
        prop_assert_eq!(addresses_of(&set), expected);
        let one_by_one = nets.iter().fold(AddressSet::empty(), |all, net| all.union(&AddressSet::from_net(*net)));
        prop_assert_eq!(one_by_one, set);
    }

    #[test]
    fn address_operations_are_exact(a in addresses(), b in addresses()) {
        let (mask_a, mask_b) = (addresses_of(&a), addresses_of(&b));
        prop_assert_eq!(addresses_of(&a.union(&b)), mask_a | mask_b);
        prop_assert_eq!(addresses_of(&a.intersect(&b)), mask_a & mask_b);
        prop_assert_eq!(addresses_of(&a.subtract(&b)), mask_a & !mask_b);
        prop_assert_eq!(a.contains(&b), mask_b & !mask_a == 0);
        prop_assert_eq!(a.overlaps(&b), mask_a & mask_b != 0);
        prop_assert_eq!(a == b, mask_a == mask_b);
        prop_assert_eq!(a.is_empty(), mask_a == 0);
        prop_assert_eq!(a.first().is_some(), mask_a != 0);
        prop_assert!(a.first().is_none_or(|first| a.has(first)));
        let nets = a.to_nets();
        prop_assert_eq!(&AddressSet::from_nets(nets.iter().copied()), &a);
        prop_assert_eq!(IpNet::aggregate(&nets).len(), nets.len());
        prop_assert!(nets.iter().all(|net| net.trunc() == *net));
        prop_assert!(nets.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

#[test]
fn all_addresses_are_two_blocks() {
    let nets: Vec<String> = AddressSet::all().to_nets().iter().map(ToString::to_string).collect();
    assert_eq!(nets, ["0.0.0.0/0", "::/0"]);
}

// Regions.

/// The peers as bits: 25 pairs of namespace and pod, then the addresses.
fn peers_of(peers: &Peers) -> u64 {
    match peers {
        Peers::Any => (1 << 54) - 1,
        Peers::Pods { namespaces, pods } => {
            let (namespaces, pods) = (labels_of(namespaces, NAMESPACE), labels_of(pods, POD));
            bits((0..25).map(|pair| namespaces >> (pair / 5) & 1 == 1 && pods >> (pair % 5) & 1 == 1))
        }
        // The last one is whatever has no address.
        Peers::Addresses(addresses) => addresses_of(addresses) << 25 | u64::from(addresses.has_unlisted()) << 53,
    }
}

#[derive(Clone, Copy)]
struct Box {
    subject: u64,
    peers: u64,
    ports: u64,
}

impl Box {
    fn of(region: &Region) -> Box {
        Box {
            subject: labels_of(&region.subject, SUBJECT),
            peers: peers_of(&region.peers),
            ports: ports_of(&region.ports),
        }
    }

    fn is_empty(self) -> bool {
        self.subject == 0 || self.peers == 0 || self.ports == 0
    }

    fn and(self, other: Box) -> Box {
        Box { subject: self.subject & other.subject, peers: self.peers & other.peers, ports: self.ports & other.ports }
    }

    /// Point by point (the ports of a point at once).
    fn is_covered(self, by: &[Box]) -> bool {
        (0..25).filter(|subject| self.subject >> subject & 1 == 1).all(|subject| {
            (0..54).filter(|peer| self.peers >> peer & 1 == 1).all(|peer| {
                let there = by.iter().filter(|one| one.subject >> subject & 1 == 1 && one.peers >> peer & 1 == 1);
                self.ports & !there.fold(0, |all, one| all | one.ports) == 0
            })
        })
    }
}

fn peers() -> impl Strategy<Value = Peers> {
    prop_oneof![
        1 => Just(Peers::Any),
        3 => (selector(NAMESPACE), selector(POD)).prop_map(|(namespaces, pods)| Peers::Pods { namespaces, pods }),
        2 => addresses().prop_map(Peers::Addresses),
    ]
}

fn region() -> impl Strategy<Value = Region> {
    (selector(SUBJECT), peers(), ports()).prop_map(|(subject, peers, (ports, _))| Region { subject, peers, ports })
}

/// A way to cut a region in two that together are the whole.
#[derive(Debug, Clone)]
struct Cut {
    piece: prop::sample::Index,
    dimension: u8,
    key: bool,
    operator: Operator,
    ports: PortSet,
    addresses: AddressSet,
}

fn cut() -> impl Strategy<Value = Cut> {
    (any::<prop::sample::Index>(), 0..4_u8, any::<bool>(), operator(), ports(), addresses()).prop_map(
        |(piece, dimension, key, operator, (ports, _), addresses)| Cut {
            piece,
            dimension,
            key,
            operator,
            ports,
            addresses,
        },
    )
}

fn halves(selector: &Selector, key: &'static str, operator: &Operator) -> [Selector; 2] {
    let other = match operator {
        Operator::In(values) => Operator::NotIn(values.clone()),
        Operator::NotIn(values) => Operator::In(values.clone()),
        Operator::Exists => Operator::DoesNotExist,
        Operator::DoesNotExist => Operator::Exists,
    };
    [operator, &other].map(|operator| {
        let mut half = selector.clone();
        half.require(key, operator.values());
        half
    })
}

impl Cut {
    fn apply(&self, region: &Region) -> Vec<Region> {
        let with_peers = |peers| Region { peers, ..region.clone() };
        match (self.dimension, &region.peers) {
            (0, _) => {
                let ports = [region.ports.intersect(&self.ports), region.ports.subtract(&self.ports)];
                ports.into_iter().map(|ports| Region { ports, ..region.clone() }).collect()
            }
            (1, _) => halves(&region.subject, if self.key { "k" } else { "l" }, &self.operator)
                .into_iter()
                .map(|subject| Region { subject, ..region.clone() })
                .collect(),
            (_, Peers::Any) => vec![
                with_peers(Peers::Pods { namespaces: Selector::everything(), pods: Selector::everything() }),
                with_peers(Peers::Addresses(AddressSet::everything())),
            ],
            (_, Peers::Addresses(set)) => [set.intersect(&self.addresses), set.subtract(&self.addresses)]
                .into_iter()
                .map(|set| with_peers(Peers::Addresses(set)))
                .collect(),
            (2, Peers::Pods { namespaces, pods }) => halves(namespaces, "n", &self.operator)
                .into_iter()
                .map(|namespaces| with_peers(Peers::Pods { namespaces, pods: pods.clone() }))
                .collect(),
            (_, Peers::Pods { namespaces, pods }) => halves(pods, "p", &self.operator)
                .into_iter()
                .map(|pods| with_peers(Peers::Pods { namespaces: namespaces.clone(), pods }))
                .collect(),
        }
    }
}

/// A region that is seldom empty and has much to cut.
fn large_region() -> impl Strategy<Value = Region> {
    let subject = prop_oneof![Just(Selector::everything()), operator().prop_map(|one| build(&vec![("k", one)]))];
    let ports = prop_oneof![Just(PortSet::everything()), ports().prop_map(|(ports, _)| ports)];
    let peers = prop_oneof![Just(Peers::Any), peers()];
    (subject, peers, ports).prop_map(|(subject, peers, ports)| Region { subject, peers, ports })
}

/// A region and others: it cut into pieces, now and then one piece short, among regions of no account.
fn question() -> impl Strategy<Value = (Region, Vec<Region>)> {
    let drop = prop::option::of(any::<prop::sample::Index>());
    let cuts = prop::collection::vec(cut(), 0..10);
    let others = prop::collection::vec(region(), 0..3);
    (large_region(), cuts, drop, others).prop_flat_map(|(region, cuts, drop, others)| {
        let mut pieces = vec![region.clone()];
        for cut in cuts {
            let piece = pieces.swap_remove(cut.piece.index(pieces.len()));
            pieces.extend(cut.apply(&piece));
            if pieces.iter().any(|piece| !Box::of(piece).is_empty()) {
                pieces.retain(|piece| !Box::of(piece).is_empty());
            }
        }
        if let Some(drop) = drop {
            pieces.swap_remove(drop.index(pieces.len()));
        }
        pieces.extend(others);
        (Just(region), Just(pieces).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn uncovered_is_exact((region, by) in question()) {
        let boxes: Vec<Box> = by.iter().map(Box::of).collect();
        let whole = Box::of(&region);
        let by: Vec<&Region> = by.iter().collect();
        match uncovered(&region, &by) {
            None => prop_assert!(whole.is_covered(&boxes), "not covered"),
            Some(part) => {
                prop_assert!(!whole.is_covered(&boxes), "covered");
                let left = Box::of(&part);
                prop_assert!(!left.is_empty() && !part.is_empty());
                prop_assert!(left.is_covered(&[whole]));
                prop_assert!(boxes.iter().all(|one| left.and(*one).is_empty()));
                prop_assert!(part.subject.witness().is_some_and(|labels| region.subject.matches(&labels)));
            }
        }
        prop_assert_eq!(is_covered(&region, &by), whole.is_covered(&boxes));
    }

    #[test]
    fn region_comparisons_are_exact(a in region(), b in region()) {
        let (box_a, box_b) = (Box::of(&a), Box::of(&b));
        prop_assert_eq!(a.is_empty(), box_a.is_empty());
        prop_assert_eq!(a.overlaps(&b), !box_a.and(box_b).is_empty());
        prop_assert_eq!(a.contains(&b), box_b.is_covered(&[box_a]));
        prop_assert_eq!(a.peers.overlaps(&b.peers), box_a.peers & box_b.peers != 0);
    }
}

#[test]
fn the_questions_are_hard() {
    let (mut together, mut nearly) = (0, 0);
    let mut runner = TestRunner::deterministic();
    for _ in 0..1000 {
        let (region, by) = question().new_tree(&mut runner).unwrap().current();
        let whole = Box::of(&region);
        let boxes: Vec<Box> = by.iter().map(Box::of).collect();
        let alone = boxes.iter().any(|one| whole.is_covered(&[*one]));
        if !whole.is_empty() && !alone {
            let overlapping = boxes.iter().filter(|one| !whole.and(**one).is_empty()).count();
            if whole.is_covered(&boxes) {
                together += 1;
            } else if overlapping > 2 {
                nearly += 1;
            }
        }
    }
    assert!(together >= 100, "{together} are covered together only");
    assert!(nearly >= 100, "{nearly} are covered in part");
}

// Indexes.

fn is_sorted_set(ids: &[usize]) -> bool {
    ids.windows(2).all(|pair| pair[0] < pair[1])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_selector_index_misses_nothing(
        items in prop::collection::vec(selector(&["k", "l", "m"]), 0..80),
        query in selector(&["k", "l", "m"]),
    ) {
        let found = SelectorIndex::new(items.iter().enumerate()).query(&query);
        prop_assert!(is_sorted_set(&found));
        for (id, item) in items.iter().enumerate() {
            prop_assert!(!item.overlaps(&query) || found.contains(&id), "{item:?}");
        }
    }

    #[test]
    fn the_match_index_finds_what_matches(
        items in prop::collection::vec(selector(&["k", "l", "m"]), 0..40),
        object in prop::sample::select(universe(&["k", "l", "m"])),
    ) {
        let index = MatchIndex::new(items.iter().enumerate());
        let matching: Vec<usize> = (0..).zip(&items).filter(|(_, item)| item.matches(&object)).map(|(id, _)| id).collect();
        prop_assert_eq!(index.matching(&object), matching);
    }

    #[test]
    fn the_region_index_misses_nothing(
        items in prop::collection::vec((selector(SUBJECT), peers()), 0..80),
        subject in selector(SUBJECT),
        peers in peers(),
    ) {
        let index = RegionIndex::new(items.iter().enumerate().map(|(id, item)| (id, &item.0, &item.1)));
        let found = index.query(&subject, &peers);
        prop_assert!(is_sorted_set(&found));
        for (id, item) in items.iter().enumerate() {
            let overlap = item.0.overlaps(&subject) && item.1.overlaps(&peers);
            prop_assert!(!overlap || found.contains(&id), "{item:?}");
        }
    }
}

fn app(number: usize) -> Selector {
    Selector::equals("app", format!("a{number}"))
}

#[test]
fn the_selector_index_finds_few() {
    let mut items: Vec<Selector> = (0..3000).map(app).collect();
    for (number, item) in items.iter_mut().enumerate() {
        item.require("env", Values::one_of([if number % 2 == 0 { "prod" } else { "test" }]));
    }
    items.push(Selector::everything());
    let index = SelectorIndex::new(items.iter().enumerate());
    assert_eq!(index.query(&app(17)), [17, 3000]);
    assert_eq!(index.query(&app(5000)), [3000]);
    assert_eq!(index.query(&Selector::everything()).len(), 3001);
    assert_eq!(index.query(&Selector::equals("env", "prod")).len(), 3001);
}

#[test]
fn the_region_index_finds_few() {
    let pods = |number| Peers::Pods {
        namespaces: Selector::equals("kubernetes.io/metadata.name", format!("n{}", number % 7)),
        pods: app(number),
    };
    let net = |number: usize| {
        let net = format!("10.{}.{}.0/24", number / 250, number % 250);
        Peers::Addresses(AddressSet::from_net(net.parse().unwrap()))
    };
    let mut items: Vec<(Selector, Peers)> = Vec::new();
    for subject in 0..40 {
        items.extend((0..100).map(|peer| (app(subject), pods(peer))));
    }
    items.extend((0..2000).map(|number| (app(3), net(number))));
    items.push((app(3), Peers::Any));
    let index = RegionIndex::new(items.iter().enumerate().map(|(id, item)| (id, &item.0, &item.1)));
    let few = index.query(&app(3), &pods(50));
    assert!(few.contains(&350) && few.contains(&6000) && few.len() <= 10, "{few:?}");
    assert_eq!(index.query(&app(3), &net(1500)), [5500, 6000]);
    assert!(index.query(&app(4), &net(1500)).len() <= 2);
    assert_eq!(index.query(&app(3), &Peers::Any).len(), 2101);
}
