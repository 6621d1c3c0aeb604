//! Which parts of a policy set can be taken away without a change.
//!
//! A part is a policy, a rule, a peer, a port or an entry of `except`. It is needed when without it some connection
//! changes, both sides considered; or where what is written may be about one side alone, when that side changes. Two kinds of parts are judged by themselves:
//!
//! - a policy without rules is there to isolate, so it is needed when, of all policies without rules, it alone isolates
//!   some pod in a direction that it has;
//! - an `except` entry is needed when its peer matches more without it, whatever other peers match: it keeps a peer from
//!   saying more than was written.

use super::evaluate::{Direction, Peer, Policy, PolicySet, Rule};
use super::law::Blocks;
use super::universe::{Bits, Chunk, Sides, Universe, index};

/// What has to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// A connection.
    ForConnections,
    /// What one side allows.
    ForSides,
}

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// Descriptions of all parts that are not needed.
pub(crate) fn superfluous(set: &PolicySet, universe: &Universe, needed: Needed) -> Vec<String> {
    let tables: Vec<Table> = universe.chunks().map(|chunk| Table::new(set, chunk, needed)).collect();
    let mut found = Vec::new();
    for (i, policy) in set.policies.iter().enumerate() {
        let name = format!("{}/{}", policy.namespace, policy.name);
        if policy.only_denies() {
            if !tables.iter().any(|t| t.isolates_alone(set, i)) {
                found.push(format!("{name}: isolates nobody that other policies without rules do not"));
            }
            continue;
        }
        if !tables.iter().any(|t| t.policy_matters(set, i)) {
            found.push(format!("{name}: the whole policy"));
        }
        for direction in DIRECTIONS {
            let Some(rules) = policy.rules(direction) else { continue };
            for variant in variants(rules) {
                let matters = |table: &Table| match &variant.alone {
                    Some(rule) => table.differ(policy, std::slice::from_ref(rule), &variant.rules),
                    None => table.rules_matter(policy, i, direction, &variant.rules),
                };
                if !tables.iter().any(matters) {
                    found.push(format!("{name}: {direction:?} {}", variant.what));
                }
            }
        }
    }
    found
}

struct Variant {
    what: String,
    rules: Vec<Rule>,
    /// The one peer that has less, as it was: it is judged by itself, against the only rule of `rules`.
    alone: Option<Rule>,
}

/// The rules with one part taken away, for each part. A list that would become empty means everything, so with its
/// last item the whole rule goes.
fn variants(rules: &[Rule]) -> Vec<Variant> {
    let mut all = Vec::new();
    for (r, rule) in rules.iter().enumerate() {
        let mut add = |what: String, changed: Option<Rule>| {
            let mut rules = rules.to_vec();
            match changed {
                Some(rule) => rules[r] = rule,
                None => drop(rules.remove(r)),
            }
            all.push(Variant { what: format!("rule {r}{what}"), rules, alone: None });
        };
        add(String::new(), None);
        for p in 0..rule.peers.len() {
            let mut less = rule.clone();
            less.peers.remove(p);
            add(format!(", peer {p}"), (!less.peers.is_empty()).then_some(less));
        }
        for p in 0..rule.ports.len() {
            let mut less = rule.clone();
            less.ports.remove(p);
            add(format!(", port {p}"), (!less.ports.is_empty()).then_some(less));
        }
        for (p, peer) in rule.peers.iter().enumerate() {
            let Peer::Block { cidr, except } = peer else { continue };
            let only = |peer: Peer| Rule { peers: vec![peer], ports: rule.ports.clone() };
            for (e, block) in except.iter().enumerate() {
                let mut fewer = except.clone();
                fewer.remove(e);
                all.push(Variant {
                    what: format!("rule {r}, peer {p}, except {block}"),
                    rules: vec![only(Peer::Block { cidr: *cidr, except: fewer })],
                    alone: Some(only(peer.clone())),
                });
            }
        }
    }
    all
}

/// What each policy allows by itself, and all of them together.
struct Table<'u> {
    chunk: Chunk<'u>,
    selected: Vec<Vec<usize>>,
    /// For each policy and direction (in the order of [`DIRECTIONS`]), per peer.
    allowance: Vec<[Option<Vec<Bits>>; 2]>,
    /// For each party the policies that select it.
    policies: Vec<Vec<usize>>,
    sides: Sides,
    needed: Needed,
}

impl<'u> Table<'u> {
    fn new(set: &PolicySet, chunk: Chunk<'u>, needed: Needed) -> Table<'u> {
        let selected: Vec<Vec<usize>> = set.policies.iter().map(|p| chunk.selected(p)).collect();
        let mut policies = vec![Vec::new(); chunk.size()];
        for (i, parties) in selected.iter().enumerate() {
            parties.iter().for_each(|party| policies[*party].push(i));
        }
        let allowance =
            |p: &Policy| DIRECTIONS.map(|d| p.rules(d).map(|rules| chunk.allowance(p, rules, &Blocks::default())));
        let allowance = set.policies.iter().map(allowance).collect();
        let sides = chunk.sides(set);
        Table { chunk, selected, allowance, policies, sides, needed }
    }

    fn isolates_alone(&self, set: &PolicySet, policy: usize) -> bool {
        self.selected[policy].iter().any(|party| {
            DIRECTIONS.into_iter().filter(|d| set.policies[policy].rules(*d).is_some()).any(|direction| {
                let others = self.policies[*party].iter().filter(|j| **j != policy).map(|j| &set.policies[*j]);
                !others.into_iter().any(|p| p.only_denies() && p.rules(direction).is_some())
            })
        })
    }

    fn policy_matters(&self, set: &PolicySet, policy: usize) -> bool {
        let nothing = vec![0; self.chunk.size()];
        DIRECTIONS.into_iter().filter(|d| set.policies[policy].rules(*d).is_some()).any(|direction| {
            let isolates = |party: &usize| {
                let mut others = self.policies[*party].iter().filter(|j| **j != policy);
                !others.any(|j| set.policies[*j].rules(direction).is_some())
            };
            self.changes(policy, direction, &nothing) || self.selected[policy].iter().any(isolates)
        })
    }

    fn rules_matter(&self, policy: &Policy, i: usize, direction: Direction, rules: &[Rule]) -> bool {
        self.changes(i, direction, &self.chunk.allowance(policy, rules, &Blocks::default()))
    }

    fn differ(&self, policy: &Policy, one: &[Rule], two: &[Rule]) -> bool {
        self.chunk.allowance(policy, one, &Blocks::default()) != self.chunk.allowance(policy, two, &Blocks::default())
    }

    fn old(&self, policy: usize, direction: Direction) -> &[Bits] {
        self.allowance[policy][direction as usize].as_ref().expect("a direction that the policy has")
    }

    /// Whether a connection, or a side, changes when a policy allows `new` instead of what it does.
    fn changes(&self, policy: usize, direction: Direction, new: &[Bits]) -> bool {
        let n = self.chunk.size();
        let opposite = match direction {
            Direction::Ingress => &self.sides.egress,
            Direction::Egress => &self.sides.ingress,
        };
        let changed = self.old(policy, direction).iter().zip(new).map(|(old, new)| old ^ new).enumerate();
        changed.filter(|(_, bits)| *bits != 0).any(|(peer, bits)| {
            self.selected[policy].iter().any(|subject| {
                let cell = index(n, direction, *subject, peer);
                let other = if self.needed == Needed::ForSides { Bits::MAX } else { opposite.cells[cell] };
                let left = bits & other & self.chunk.possible(cell / n, cell % n);
                let others = self.policies[*subject].iter().filter(|j| **j != policy);
                let elsewhere = others.filter_map(|j| self.allowance[*j][direction as usize].as_ref());
                left & !elsewhere.fold(0, |all, bits| all | bits[peer]) != 0
            })
        })
    }
}
