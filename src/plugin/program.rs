//! The same of what a program becomes.

use super::{PodLimit, crowded_blocks, large_maps, long_rules, many_policies, names_alike};
use crate::diag::Diagnostic;
use crate::flow::FlowSet;
use crate::model::CniTrigger;
use crate::netpol::{Policy, PolicySet};
use crate::source::Span;
use std::cell::OnceCell;
use std::collections::HashMap;

/// More policies than this are many for one cluster.
const MANY_POLICIES: usize = 1_000;

/// What the CNI of a program reads otherwise of its policies. Whether there is one for each concern, or fewer.
pub fn of_program(flows: &FlowSet, policies: &PolicySet, are_of_concerns: bool) -> Vec<Diagnostic> {
    let program = Compiled { flows, policies: &policies.policies, places: OnceCell::new() };
    let mut found = program.alike();
    if are_of_concerns {
        found.extend(program.policies_of_all());
    }
    found.extend(program.crowded());
    found.extend(program.long_rules());
    found.extend(program.of_pods(CniTrigger::EntriesOfPod, large_maps, "may come to about"));
    found.extend(program.of_pods(CniTrigger::PoliciesOfPod, many_policies, "have"));
    found
}

/// A program and what it becomes.
struct Compiled<'a> {
    flows: &'a FlowSet,
    policies: &'a [Policy],
    /// Where each statement stands, by its text, once somebody has asked.
    places: OnceCell<HashMap<&'a str, Span>>,
}

impl<'a> Compiled<'a> {
    /// Policies that the CNI takes for one.
    fn alike(&self) -> Vec<Diagnostic> {
        let cni = self.flows.cni;
        let Some(row) = cni.difference(CniTrigger::NamesAlike) else { return Vec::new() };
        let pairs = names_alike(self.policies.iter());
        let pairs =
            pairs.into_iter().filter_map(|(one, other)| Some((self.policies.get(one)?, self.policies.get(other)?)));
        let found = pairs.filter_map(|(one, other)| {
            let what = format!("`{}/{}` and `{}/{}`", one.namespace, one.name, other.namespace, other.name);
            let [first, second] = [one, other].map(|policy| self.place(policy));
            let found = row.in_program(&cni.text(), second.or(first).or(cni.span), &what)?;
            Some(match first.filter(|_| second.is_some()) {
                Some(place) => found.with_label(place, "the other one comes from here"),
                None => found,
            })
        });
        found.collect()
    }

    /// Very many policies, where each of them costs something.
    fn policies_of_all(&self) -> Option<Diagnostic> {
        let (cni, count) = (self.flows.cni, self.policies.len());
        let row = cni.difference(CniTrigger::PoliciesOfAll).filter(|_| count > MANY_POLICIES)?;
        row.in_program(&cni.text(), cni.span, &format!("the program has {count} policies"))
    }

    /// Blocks with more ports than are kept.
    fn crowded(&self) -> Vec<Diagnostic> {
        let cni = self.flows.cni;
        let Some(row) = cni.difference(CniTrigger::PortsOfBlock) else { return Vec::new() };
        let all: Vec<&Policy> = self.policies.iter().collect();
        let found = crowded_blocks(&all).into_iter().filter_map(|block| {
            let policy = self.policies.get(block.policy)?;
            let what =
                format!("the pods of `{}/{}` have {} for {}", policy.namespace, policy.name, block.ports, block.cidr);
            row.in_program(&cni.text(), self.place(policy).or(cni.span), &what)
        });
        found.collect()
    }

    /// Rules with many blocks.
    fn long_rules(&self) -> Vec<Diagnostic> {
        let cni = self.flows.cni;
        let Some(row) = cni.difference(CniTrigger::ManyBlocks) else { return Vec::new() };
        let found = long_rules(self.policies.iter()).into_iter().filter_map(|(policy, _, _, count)| {
            let policy = self.policies.get(policy)?;
            let what = format!("one of `{}/{}` has {count}", policy.namespace, policy.name);
            row.in_program(&cni.text(), self.place(policy).or(cni.span), &what)
        });
        found.collect()
    }

    /// Pods with very many of something.
    fn of_pods(&self, trigger: CniTrigger, law: PodLimit, have: &str) -> Vec<Diagnostic> {
        let cni = self.flows.cni;
        let Some(row) = cni.difference(trigger) else { return Vec::new() };
        let all: Vec<&Policy> = self.policies.iter().collect();
        let found = law(&all).into_iter().filter_map(|(policy, count)| {
            let policy = self.policies.get(policy)?;
            let what = format!("the pods of `{}/{}` {have} {count}", policy.namespace, policy.name);
            row.in_program(&cni.text(), self.place(policy).or(cni.span), &what)
        });
        found.collect()
    }

    /// Where the first of the statements stands that a policy comes from.
    fn place(&self, policy: &Policy) -> Option<Span> {
        let flows: &'a FlowSet = self.flows;
        let places = self.places.get_or_init(|| {
            flows.statements.iter().rev().map(|statement| (&*statement.text, statement.span)).collect()
        });
        policy.statements.iter().find_map(|text| places.get(&**text).copied())
    }
}
