//! The labels that pods are known by.

use super::{Cluster, Labels, Pods, Workload, is_set_at_runtime};
use crate::net::{Selector, Values};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Labels that are other ones after each new version, which charts and meshes write.
const OF_VERSIONS: [&str; 8] = [
    "app.kubernetes.io/version",
    "chart",
    "helm.sh/chart",
    "helm.sh/revision",
    "istio.io/rev",
    "security.istio.io/tlsMode",
    "service.istio.io/canonical-revision",
    "version",
];

/// Whether other pods of the same owner have another label of this key, or will have after the next change.
fn changes(key: &str) -> bool {
    is_set_at_runtime(key) || OF_VERSIONS.contains(&key)
}

/// Labels that say who pods are, those first that say most, and those that say nothing of it last.
const TELLING: [&str; 12] = [
    "app",
    "k8s-app",
    "app.kubernetes.io/name",
    "app.kubernetes.io/component",
    "component",
    "name",
    "app.kubernetes.io/instance",
    "tier",
    "role",
    "app.kubernetes.io/part-of",
    "heritage",
    "app.kubernetes.io/managed-by",
];

/// Between the labels that say who pods are and those that do not are all others.
const OTHERS: usize = 9;

/// How much a label says of who pods are; the most has the least.
fn rank(key: &str) -> usize {
    let place = TELLING.iter().position(|known| *known == key);
    place.map_or(OTHERS, |place| if place < OTHERS { place } else { place + 1 })
}

/// As few labels of pods as are needed so that no selector of them matches `others`: those that they are `known` by already,
/// where these are enough, and else the telling ones, those that change left out. Where that cannot be, keys that only the
/// others have as well, those of `avoid` left out; and where that cannot be either, all that stay.
fn telling(own: &Labels, known: &Labels, others: &[&Labels], avoid: &BTreeSet<&String>) -> Selector {
    let stay = lasting(own);
    let is_own = |(key, value): &(&String, &String)| stay.get(*key) == Some(*value);
    let known: Vec<(&String, &String)> = known.iter().filter(is_own).collect();
    let says = |(key, _): &(&String, &String)| rank(key) <= OTHERS;
    let is_enough = known.iter().any(says);
    let known = known.into_iter().filter(|label| !is_enough || says(label));
    let mut told: Labels = known.map(|(key, value)| (key.clone(), value.clone())).collect();
    let matching = |told: &Labels| {
        let has_all = |other: &&&Labels| told.iter().all(|(key, value)| other.get(key) == Some(value));
        others.iter().filter(has_all).count()
    };
    let mut rest: Vec<(&String, &String)> = stay.iter().filter(|(key, _)| !told.contains_key(*key)).collect();
    rest.sort_by_key(|(key, _)| rank(key));
    let mut rest = rest.into_iter();
    let mut left = matching(&told);
    while told.is_empty() || left > 0 {
        let Some((key, value)) = rest.next() else { break };
        told.insert(key.clone(), value.clone());
        let now = matching(&told);
        // What tells nobody apart is not needed, unless nothing else is there.
        if now == left && told.len() > 1 {
            told.remove(key);
        }
        left = now;
    }
    apart(&told, others, avoid)
}

/// Labels, and keys that only those of the others have who have these, too, where that is enough to tell them apart.
fn apart(told: &Labels, others: &[&Labels], avoid: &BTreeSet<&String>) -> Selector {
    let told = told.iter().map(|(key, value)| (key.as_str().into(), Values::one_of([value.as_str()]))).collect();
    let others: Vec<&Labels> = others.iter().copied().filter(|other| Selector::matches(&told, other)).collect();
    told.and(&absent(&others, avoid).unwrap_or_default())
}

/// Keys, as few as are needed, of which each of some pods has one, and which they therefore do not match without. Whoever has
/// a key of versions has it in each of them, with other values.
fn absent(others: &[&Labels], avoid: &BTreeSet<&String>) -> Option<Selector> {
    let mut left = others.to_vec();
    let mut without = Selector::everything();
    while !left.is_empty() {
        let keys: BTreeSet<&String> = left.iter().flat_map(|labels| labels.keys()).collect();
        let count = |key: &&String| left.iter().filter(|labels| labels.contains_key(*key)).count();
        let keys = keys.into_iter().filter(|key| !is_set_at_runtime(key) && !avoid.contains(key));
        let key = keys.min_by_key(|key| (changes(key), Reverse(count(key)), rank(key)))?;
        without = without.and(&Selector::from_iter([(key.as_str().into(), Values::does_not_exist())]));
        left.retain(|labels| !labels.contains_key(key));
    }
    Some(without)
}

/// The labels of a pod that its owner chose.
pub fn lasting(labels: &Labels) -> Labels {
    labels.iter().filter(|(key, _)| !changes(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

impl Cluster {
    /// The labels that a pod of a namespace is selected by which was not given, and has just these: all that stay, and as many
    /// keys that it lacks as it needs to be told from those that were given. `None` where all of them change.
    pub fn telling_asked(&self, namespace: &str, own: &Labels) -> Option<Selector> {
        let stay = lasting(own);
        if stay.is_empty() && !own.is_empty() {
            return None;
        }
        let here = self.workloads.iter().filter(|workload| *workload.namespace == *namespace);
        let others = here.flat_map(|workload| &workload.pods).filter(|pods| pods.is_in_pod_network());
        let others: Vec<&Labels> = others.map(|pods| &pods.labels).filter(|labels| *labels != own).collect();
        Some(apart(&stay, &others, &own.keys().collect()))
    }

    /// The labels that some pods are selected by, which are named by the places of their workloads and theirs among the pods of
    /// these: as few as they need to be told from all others that were given. `None` where all of them change.
    pub fn telling(&self, pods: impl Iterator<Item = (usize, usize)>) -> Option<Selector> {
        let member = |(place, pods): (usize, usize)| {
            let workload = self.workloads.get(place)?;
            Some((place, workload, workload.pods.get(pods)?))
        };
        let members: Vec<(usize, &Workload, &Pods)> = pods.filter_map(member).collect();
        let (_, first, some) = members.first()?;
        let shared =
            |(key, value): &(&String, &String)| members.iter().all(|(.., pods)| pods.labels.get(*key) == Some(*value));
        let own: Labels = some.labels.iter().filter(shared).map(|(key, value)| (key.clone(), value.clone())).collect();
        if lasting(&own).is_empty() && !own.is_empty() {
            return None;
        }
        let is_other = |(place, workload): &(usize, &Workload)| {
            workload.namespace == first.namespace && members.iter().all(|(member, ..)| member != place)
        };
        let others = self.workloads.iter().enumerate().filter(is_other).flat_map(|(_, workload)| &workload.pods);
        let others: Vec<&Labels> = others.filter(|pods| pods.is_in_pod_network()).map(|pods| &pods.labels).collect();
        let is_one = members.iter().all(|(_, one, _)| one.selector == first.selector);
        let avoid = members.iter().flat_map(|(.., pods)| pods.labels.keys()).collect();
        Some(telling(&own, if is_one { &first.selector } else { &own }, &others, &avoid))
    }
}
