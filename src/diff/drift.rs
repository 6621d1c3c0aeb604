//! How the policies that a cluster has differ from those that it should have, policy by policy: in what they mean for every
//! pod that could exist, whatever they are called.

use crate::cover::{Budget, GaveUp, unmatched};
use crate::net::{Direction, Peers, PortSet, Region, Selector, namespace_by_name};
use crate::netpol::{Policy, PolicyKind, Rule};
use crate::prove::{granted, lacks};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A policy that a cluster has.
#[derive(Debug, Clone, Copy)]
pub struct LivePolicy<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// Whether its label says that Polder looks after it.
    pub is_ours: bool,
}

/// What became of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drift {
    /// It should be there, and is not.
    Missing,
    /// It is there, and says something else.
    Changed,
    /// It is ours, should not be there, and changes something: an older build had it.
    Left,
    /// It is somebody else's, and changes something.
    Foreign,
    /// It should not be there, and nothing would change without it.
    Needless,
}

/// A policy that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DriftedPolicy {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: String,
    /// Which object it is.
    pub kind: PolicyKind,
    /// What became of it.
    pub drift: Drift,
    /// Whether Polder looks after it.
    pub is_ours: bool,
    /// Whether more is let through on a side for it, which the other side may still deny.
    pub wider: bool,
    /// Whether less is let through on a side for it.
    pub narrower: bool,
}

/// What is not as it should be, in the namespaces that policies should be in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyDrift {
    /// The policies, by namespace and name.
    pub policies: Vec<DriftedPolicy>,
    /// How many are missing whose meaning others have.
    pub replaced: usize,
    /// The policies of Polder's in other namespaces: of another program, or left when these were no longer managed.
    pub elsewhere: Vec<(Arc<str>, String)>,
}

impl PolicyDrift {
    /// Whether something is not as it should be.
    pub fn is_empty(&self) -> bool {
        self.policies.iter().all(|one| one.drift == Drift::Needless)
    }

    /// Whether a side lets more through than it should.
    pub fn is_wider(&self) -> bool {
        self.policies.iter().any(|one| one.wider)
    }
}

/// Holds the policies of a cluster against those that it should have in the namespaces that are managed.
pub fn policy_drift(
    managed: &BTreeSet<Arc<str>>,
    meant: &[Policy],
    live: &[LivePolicy<'_>],
    budget: &mut Budget,
) -> Result<PolicyDrift, GaveUp> {
    let mut found = PolicyDrift::default();
    let mut homes: BTreeMap<&Arc<str>, HomePolicies<'_>> = BTreeMap::new();
    for policy in meant {
        homes.entry(&policy.namespace).or_default().meant.push(policy);
    }
    for one in live {
        if managed.contains(&one.policy.namespace) {
            homes.entry(&one.policy.namespace).or_default().live.push(*one);
        } else if one.is_ours {
            found.elsewhere.push((one.policy.namespace.clone(), one.policy.name.to_string()));
        }
    }
    for (name, home) in homes {
        home.compare(&namespace_by_name(name), &mut found, budget)?;
    }
    found.policies.sort();
    Ok(found)
}

/// What an object is told apart by in its namespace: two of different kinds may have one name.
type ObjectKey<'p> = (PolicyKind, &'p str);

fn object_key(policy: &Policy) -> ObjectKey<'_> {
    (policy.kind, &policy.name)
}

/// The policies of a namespace.
#[derive(Default)]
struct HomePolicies<'p> {
    meant: Vec<&'p Policy>,
    live: Vec<LivePolicy<'p>>,
}

impl<'p> HomePolicies<'p> {
    fn compare(&self, own: &Selector, found: &mut PolicyDrift, budget: &mut Budget) -> Result<(), GaveUp> {
        let live: BTreeMap<ObjectKey<'_>, &Policy> =
            self.live.iter().map(|one| (object_key(one.policy), one.policy)).collect();
        let meant: BTreeSet<ObjectKey<'_>> = self.meant.iter().map(|policy| object_key(policy)).collect();
        for policy in &self.meant {
            let (drift, effect) = match live.get(&object_key(policy)) {
                Some(there) if means_the_same(policy, there) => continue,
                Some(there) => (Drift::Changed, self.changed(policy, there, own, budget)?),
                None => (Drift::Missing, adds(&self.all_live(None), policy, &self.meant, own, budget)?.reversed()),
            };
            if effect.is_none() {
                found.replaced += usize::from(drift == Drift::Missing);
                continue;
            }
            found.policies.push(drifted(policy, drift, true, effect));
        }
        for LivePolicy { policy, is_ours } in self.live.iter().filter(|one| !meant.contains(&object_key(one.policy))) {
            let effect = adds(&self.meant, policy, &self.all_live(None), own, budget)?;
            let drift = if *is_ours { Drift::Left } else { Drift::Foreign };
            if !effect.is_none() {
                found.policies.push(drifted(policy, drift, *is_ours, effect));
            } else if adds(&self.all_live(Some(policy)), policy, &[], own, budget)?.is_none() {
                found.policies.push(drifted(policy, Drift::Needless, *is_ours, effect));
            }
        }
        Ok(())
    }

    /// What is in the cluster, without one of them.
    fn all_live(&self, without: Option<&Policy>) -> Vec<&'p Policy> {
        let all = self.live.iter().map(|one| one.policy);
        all.filter(|one| without.is_none_or(|without| object_key(one) != object_key(without))).collect()
    }

    /// What it does that a policy is another one than it should be: that of one more, and that of one that is missing. Others
    /// that changed in the same way hide neither.
    fn changed(&self, meant: &Policy, there: &Policy, own: &Selector, budget: &mut Budget) -> Result<Effect, GaveUp> {
        let came = adds(&self.meant, there, &self.all_live(None), own, budget)?;
        let went = adds(&self.all_live(None), meant, &self.meant, own, budget)?.reversed();
        Ok(Effect { wider: came.wider || went.wider, narrower: came.narrower || went.narrower })
    }
}

/// What becomes of what sides let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effect {
    wider: bool,
    narrower: bool,
}

impl Effect {
    fn is_none(self) -> bool {
        !self.wider && !self.narrower
    }

    /// That of the contrary.
    fn reversed(self) -> Effect {
        Effect { wider: self.narrower, narrower: self.wider }
    }
}

fn means_the_same(one: &Policy, other: &Policy) -> bool {
    (&one.subject, &one.ingress, &one.egress) == (&other.subject, &other.ingress, &other.egress)
}

fn drifted(policy: &Policy, drift: Drift, is_ours: bool, Effect { wider, narrower }: Effect) -> DriftedPolicy {
    let (namespace, name) = (policy.namespace.clone(), policy.name.to_string());
    DriftedPolicy { namespace, name, kind: policy.kind, drift, is_ours, wider, narrower }
}

fn rules(policy: &Policy, direction: Direction) -> Option<&[Rule]> {
    let rules = if direction == Direction::Ingress { &policy.ingress } else { &policy.egress };
    rules.as_deref()
}

/// What changes where some policies are, and this one comes: it may isolate pods that none of them does, and let through to
/// pods that one of them isolates what none of them does. What the policies `beside` it let through to pods that it isolates is
/// not closed by that.
fn adds(
    base: &[&Policy],
    policy: &Policy,
    beside: &[&Policy],
    own: &Selector,
    budget: &mut Budget,
) -> Result<Effect, GaveUp> {
    let mut effect = Effect { wider: false, narrower: false };
    for direction in Direction::ALL {
        let Some(own_rules) = rules(policy, direction) else { continue };
        let of_side = || base.iter().filter_map(|one| Some((*one, rules(one, direction)?)));
        let isolated: BTreeSet<&Selector> = of_side().map(|(one, _)| &one.subject).collect();
        let by: Vec<&Selector> = isolated.iter().copied().collect();
        effect.narrower |= unmatched(&policy.subject, &by, budget)?.is_some()
            && closes(policy, direction, (&by, beside), own, budget)?;
        let all: Vec<Region> = of_side()
            .filter(|(one, _)| one.subject.overlaps(&policy.subject))
            .flat_map(|(one, rules)| rules.iter().flat_map(|rule| granted(&one.subject, own, rule)))
            .collect();
        for region in own_rules.iter().flat_map(|rule| granted(&policy.subject, own, rule)) {
            for subject in isolated.iter().map(|isolated| region.subject.and(isolated)) {
                if effect.wider {
                    break;
                }
                let region = Region { subject, ..region.clone() };
                let near: Vec<&Region> = all.iter().filter(|other| other.overlaps(&region)).collect();
                effect.wider |= !region.is_empty() && lacks(&region, &near, direction, budget)?;
            }
        }
    }
    Ok(effect)
}

/// Whether a policy closes something to pods that none of `isolated` has: what neither it nor one `beside` it lets through.
fn closes(
    policy: &Policy,
    direction: Direction,
    (isolated, beside): (&[&Selector], &[&Policy]),
    own: &Selector,
    budget: &mut Budget,
) -> Result<bool, GaveUp> {
    let all_of =
        |subject: &Selector| Region { subject: subject.clone(), peers: Peers::Any, ports: PortSet::everything() };
    let near = beside.iter().copied().filter(|one| one.subject.overlaps(&policy.subject));
    let granting = std::iter::once(policy).chain(near);
    let grants = granting.filter_map(|one| Some((one, rules(one, direction)?)));
    let grants = grants.flat_map(|(one, rules)| rules.iter().flat_map(|rule| granted(&one.subject, own, rule)));
    // Of those that are isolated anyhow, nothing is to be said.
    let open: Vec<Region> = grants.chain(isolated.iter().map(|subject| all_of(subject))).collect();
    let open: Vec<&Region> = open.iter().collect();
    lacks(&all_of(&policy.subject), &open, direction, budget)
}
