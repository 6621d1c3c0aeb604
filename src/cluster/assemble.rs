//! From single objects to a cluster: each object once, and pods with those who run them.

use super::chain::{Key, top};
use super::runtime::POD_NAME;
use super::whole::Seen;
use super::{
    Caller, Cluster, ContainerPort, Endpoints, Ingress, Kind, Labels, Namespace, Node, Object, Pods, Runner, Scaler,
    SeenPod, Service, Workload,
};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Two objects of one kind and name that do not say the same. Kubernetes would have whichever is applied last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// `kind`.
    pub kind: Arc<str>,
    /// The namespace; empty when it has none.
    pub namespace: Arc<str>,
    /// The name.
    pub name: Arc<str>,
    /// Where the first one was read.
    pub first: Option<Span>,
    /// Where the other one was read.
    pub second: Option<Span>,
}

/// A name in a namespace.
type Name = (Arc<str>, Arc<str>);

/// What calls others, by its namespace, name and kind.
type CallerKey = (Arc<str>, Arc<str>, Arc<str>);

impl Cluster {
    /// The cluster that has these objects, and those that were given twice and do not say the same, of which the first
    /// one counts.
    ///
    /// The pods of a workload are those that were given and belong to it: by the controllers that they and what they
    /// belong to name, as far up as these are of a known kind. A pod of a ReplicaSet that was not given belongs to a
    /// Deployment when the name of the ReplicaSet is one plus the `pod-template-hash` of the pod. When none of its pods
    /// was given, or all of them have ended, the workload has those of its template as well. A workload that was not
    /// given itself is there when something names it as its controller.
    ///
    /// That some pods are alike and only one was given says nothing of how many there can be: whoever runs them does, or
    /// something that scales it.
    pub fn assemble(objects: impl IntoIterator<Item = Object>) -> (Cluster, Vec<Conflict>) {
        let mut given = Given::default();
        for object in objects {
            given.add(object);
        }
        let mut unmodelled = given.unmodelled;
        unmodelled.sort_unstable();
        let whole = given.seen.whole();
        let cluster = Cluster {
            whole,
            namespaces: given.namespaces.into_values().collect(),
            workloads: workloads(given.runners, &given.scaled),
            services: given.services.into_values().collect(),
            ingresses: given.ingresses.into_values().collect(),
            nodes: given.nodes.into_values().collect(),
            endpoints: given.endpoints.into_iter().collect(),
            callers: given.callers.into_values().collect(),
            unmodelled,
            unread: super::UnreadParts::default(),
        };
        (cluster, given.conflicts)
    }
}

#[derive(Default)]
struct Given {
    namespaces: BTreeMap<Arc<str>, Namespace>,
    runners: BTreeMap<Key, Runner>,
    scaled: BTreeSet<Key>,
    services: BTreeMap<Name, Service>,
    ingresses: BTreeMap<Name, Ingress>,
    nodes: BTreeMap<Arc<str>, Node>,
    endpoints: BTreeSet<Endpoints>,
    callers: BTreeMap<CallerKey, Caller>,
    unmodelled: Vec<super::Unmodelled>,
    conflicts: Vec<Conflict>,
    seen: Seen,
    /// How many there are whose names begin in one way.
    generated: BTreeMap<Key, usize>,
}

/// Adds `object` unless there is one already, and says where that is when it is not the same.
fn add<K: Ord, T>(
    map: &mut BTreeMap<K, T>,
    key: K,
    object: T,
    wrap: impl Fn(T) -> Object,
) -> Option<(Option<Span>, Option<Span>)>
where
    T: Clone,
{
    let Some(first) = map.get(&key) else {
        map.insert(key, object);
        return None;
    };
    let (one, other) = (wrap(first.clone()), wrap(object));
    let spans = (one.span(), other.span());
    (one.meaning() != other.meaning()).then_some(spans)
}

/// Where what runs the same pods was given before, it runs as many as either says.
fn more(runners: &mut BTreeMap<Key, Runner>, key: &Key, other: &Runner) {
    let Some(runner) = runners.get_mut(key) else { return };
    if runner.workload.pods.is_empty() && !other.workload.pods.is_empty() {
        std::mem::swap(&mut runner.workload.pods, &mut runner.asleep);
    }
    for (pods, others) in runner.workload.pods.iter_mut().zip(&other.workload.pods) {
        pods.count = pods.count.max(others.count);
        pods.several |= others.several;
    }
}

impl Given {
    fn add(&mut self, object: Object) {
        let none = Arc::from("");
        self.seen.add(&object);
        let (kind, namespace, name, spans): (Arc<str>, _, _, _) = match object {
            Object::Unmodelled(unmodelled) => return self.unmodelled.push(unmodelled),
            Object::Scaler(Scaler { namespace, kind, name }) => {
                self.scaled.insert((namespace, name, kind));
                return;
            }
            // What is seen of a cluster changes from one look to the next.
            Object::Node(node) => {
                self.nodes.entry(node.name.clone()).or_insert(node);
                return;
            }
            Object::Endpoints(endpoints) => {
                self.endpoints.insert(endpoints);
                return;
            }
            Object::Caller(caller) => {
                let Caller { kind, namespace, name, .. } = &caller;
                self.callers.entry((namespace.clone(), name.clone(), kind.clone())).or_insert(caller);
                return;
            }
            Object::Namespace(one) => {
                let name = one.name.clone();
                ("Namespace".into(), none, name.clone(), add(&mut self.namespaces, name, one, Object::Namespace))
            }
            Object::Runner(mut one) => {
                if one.is_generated {
                    one.workload.name = self.name_of_its_own(&one);
                }
                let Workload { namespace, name, kind, .. } = &one.workload;
                let (namespace, name, kind) = (namespace.clone(), name.clone(), kind.clone());
                let key = (namespace.clone(), name.clone(), kind.clone());
                more(&mut self.runners, &key, &one);
                (kind.as_str().into(), namespace, name, add(&mut self.runners, key, one, Object::Runner))
            }
            Object::Service(one) => {
                let key = (one.namespace.clone(), one.name.clone());
                ("Service".into(), key.0.clone(), key.1.clone(), add(&mut self.services, key, one, Object::Service))
            }
            Object::Ingress(one) => {
                let key = (one.namespace.clone(), one.name.clone());
                ("Ingress".into(), key.0.clone(), key.1.clone(), add(&mut self.ingresses, key, one, Object::Ingress))
            }
        };
        if let Some((first, second)) = spans {
            self.conflicts.push(Conflict { kind, namespace, name, first, second });
        }
    }

    /// What is called by how its name begins runs beside all others that begin so: each has a name of its own. Those that say
    /// the same are as good as one.
    fn name_of_its_own(&mut self, one: &Runner) -> Arc<str> {
        let Workload { namespace, name, kind, .. } = &one.workload;
        let key = (namespace.clone(), name.clone(), kind.clone());
        let meaning = |one: &Runner| Object::Runner(one.clone()).meaning();
        let is_free = |known: Option<&Runner>| known.is_none_or(|known| meaning(known) == meaning(one));
        if is_free(self.runners.get(&key)) {
            return key.1;
        }
        let count = self.generated.entry(key).or_insert(1);
        loop {
            *count += 1;
            let own: Arc<str> = format!("{name}{count}").into();
            if !self.runners.contains_key(&(namespace.clone(), own.clone(), kind.clone())) {
                return own;
            }
        }
    }
}

/// What is known of the pods of one workload.
#[derive(Default)]
struct Known {
    /// The labels, the selector, the number of the first pod and the place of the workload itself.
    itself: Option<(Labels, Labels, u64, Option<Span>)>,
    /// The selector of what it has made.
    selector_of_made: Labels,
    /// The pods that were given.
    seen: Vec<Pods>,
    /// Its own template.
    template: Vec<Pods>,
    /// The templates of what it has made.
    made: Vec<Pods>,
    /// Whether the workload never has two pods at a time.
    single: bool,
}

/// Gives those that make the pods of another object what its template says.
fn lend(runners: &mut BTreeMap<Key, Runner>) {
    let borrowers: Vec<(Key, Key)> = runners
        .iter()
        .filter_map(|(key, runner)| {
            let lender = runner.template_of.as_ref()?;
            Some((key.clone(), (key.0.clone(), lender.name.clone(), lender.kind.clone()?)))
        })
        .collect();
    for (borrower, lender) in borrowers {
        let Some(lender) = runners.get(&lender) else { continue };
        let templates = lender.workload.pods.iter().chain(&lender.asleep);
        let lent: Vec<Pods> = templates.map(|pods| Pods { several: true, ..pods.clone() }).collect();
        if let Some(runner) = runners.get_mut(&borrower) {
            runner.workload.pods.extend(lent);
        }
    }
}

fn workloads(mut runners: BTreeMap<Key, Runner>, scaled: &BTreeSet<Key>) -> Vec<Workload> {
    lend(&mut runners);
    let tops: Vec<Key> = runners.iter().map(|(key, runner)| top(&runners, key, runner)).collect();
    let mut found: BTreeMap<Key, Known> = BTreeMap::new();
    for ((key, runner), top) in runners.into_iter().zip(tops) {
        let is_top = key == top;
        let says_one = matches!(runner.workload.pods.as_slice(), [pods] if !pods.several);
        let single = is_top && says_one && !scaled.contains(&key);
        let known = found.entry(top).or_default();
        let Workload { kind, labels, selector, pods, first_number, span, .. } = runner.workload;
        match kind {
            Kind::Pod => known.seen.extend(pods),
            _ if is_top => known.template.extend(pods),
            Kind::Deployment
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::Job
            | Kind::CronJob
            | Kind::Other(..) => {
                known.made.extend(pods);
                known.selector_of_made.clone_from(&selector);
            }
        }
        if is_top {
            known.itself = Some((labels, selector, first_number, span));
            known.single = single;
        }
    }
    let workload = |((namespace, name, kind), known): (Key, Known)| {
        let is_running = known.seen.iter().any(|pods| !pods.finished);
        let template = if known.itself.is_some() { known.template } else { known.made };
        let template = template.into_iter().filter(|_| !is_running);
        let single = |labels: &Labels| known.single || (kind.is_stateful() && labels.contains_key(POD_NAME));
        let pods = alike(known.seen.into_iter().chain(template), single);
        let (labels, selector, first_number, span) = known
            .itself
            .unwrap_or_else(|| (Labels::new(), known.selector_of_made, 0, pods.first().and_then(|pods| pods.span)));
        Workload { namespace, name, kind, labels, selector, pods, first_number, span }
    };
    found.into_iter().map(workload).collect()
}

/// Pods that differ in nothing that matters become one, with their number; `single` says of labels that there never are
/// two pods with them.
fn alike(pods: impl Iterator<Item = Pods>, single: impl Fn(&Labels) -> bool) -> Vec<Pods> {
    type Sort = (bool, bool, Labels, Vec<ContainerPort>);
    /// How many, the addresses of each, those that were given one by one, and where the first was read.
    type Alike = (u64, Vec<Vec<IpAddr>>, Vec<SeenPod>, Option<Span>);
    let mut groups: BTreeMap<Sort, Alike> = BTreeMap::new();
    for Pods { labels, ports, count, host_network, finished, addresses, seen, span, .. } in pods {
        let group = groups.entry((finished, host_network, labels, ports));
        let (sum, all, all_seen, _) = group.or_insert((0, Vec::new(), Vec::new(), span));
        *sum = sum.saturating_add(count);
        all.extend(addresses);
        all_seen.extend(seen);
    }
    let groups = groups.into_iter();
    let pods = groups.map(|((finished, host_network, labels, ports), (count, mut addresses, mut seen, span))| {
        addresses.sort_unstable();
        seen.sort_unstable();
        let several = count > 1 || !single(&labels);
        Pods { labels, ports, count, several, host_network, finished, addresses, seen, span }
    });
    pods.collect()
}
