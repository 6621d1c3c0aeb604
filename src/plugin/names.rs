//! Names that a CNI takes for one.

use crate::netpol::Policy;
use std::collections::BTreeMap;

/// Pairs of policies, the earlier first, that Kube-OVN keeps in one port group: it calls that by the policy and its namespace
/// and takes each `-` for `.` (`pkg/controller/network_policy.go` of kubeovn/kube-ovn).
pub fn names_alike<'p>(policies: impl Iterator<Item = &'p Policy>) -> Vec<(usize, usize)> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut pairs = Vec::new();
    let mut before: Vec<&Policy> = Vec::new();
    for (place, policy) in policies.enumerate() {
        let group = format!("{}.{}", policy.name, policy.namespace).replace('-', ".");
        let earlier = *known.entry(group).or_insert(place);
        // Two of one name are another mistake.
        let is_same = |other: &&Policy| (&other.namespace, &other.name) == (&policy.namespace, &policy.name);
        if earlier != place && !before.get(earlier).is_some_and(is_same) {
            pairs.push((earlier, place));
        }
        before.push(policy);
    }
    pairs
}
