//! Whether a program fits what runs: its tiers against the pods of a cluster.

use crate::cluster::{Cluster, Pods, Service, TranslatedPort, Workload};
use crate::diag::{Code, Diagnostic, closest};
use crate::lint::near::{listed, near, text, with_place};
use crate::model::{CniTrigger, Endpoint, Model, Namespace, NamespaceKind, Tier, TierId};
use crate::net::{PortSet, Protocol};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What does not fit. Others may run more than was given: that something is not there is said where all of it is known, as in
/// what a cluster lists, or where it looks like a slip.
pub fn fit(model: &Model, cluster: &Cluster) -> Vec<Diagnostic> {
    let mut fit = Fit { model, cluster, pods: Vec::new(), meant: BTreeSet::new(), found: Vec::new() };
    fit.pods = fit.pods_of_tiers();
    fit.namespaces();
    fit.found.extend(super::settled::stated(model, cluster));
    for (index, tier) in model.tiers.iter().enumerate() {
        fit.tier(index, tier);
    }
    fit.flows();
    fit.labels_beside_services();
    fit.pods();
    fit.found
}

/// The workloads of the namespaces of a declaration.
pub(super) fn workloads_of<'a>(cluster: &'a Cluster, namespace: &Namespace) -> Vec<&'a Workload> {
    let names: BTreeSet<&str> = match &namespace.kind {
        NamespaceKind::External(Some(selector)) => {
            let matching = cluster.namespaces.iter().filter(|one| selector.matches(&one.labels));
            matching.map(|one| &*one.name).collect()
        }
        NamespaceKind::Managed(_) | NamespaceKind::External(_) => BTreeSet::from([&*namespace.name]),
    };
    cluster.workloads.iter().filter(|workload| names.contains(&*workload.namespace)).collect()
}

/// Pods with the workload that they belong to.
type Found<'a> = (&'a Workload, &'a Pods);

struct Fit<'a> {
    model: &'a Model,
    cluster: &'a Cluster,
    /// The pods of each tier, those that have ended aside.
    pods: Vec<Vec<Found<'a>>>,
    /// The workloads that tiers without pods probably mean.
    meant: BTreeSet<(Arc<str>, Arc<str>)>,
    found: Vec<Diagnostic>,
}

impl<'a> Fit<'a> {
    /// The workloads of the namespaces of a declaration.
    fn workloads(&self, namespace: &Namespace) -> Vec<&'a Workload> {
        workloads_of(self.cluster, namespace)
    }

    /// Whether all pods of the namespaces of a declaration were given.
    fn has_all_pods_of(&self, namespace: &Namespace) -> bool {
        match &namespace.kind {
            NamespaceKind::External(Some(_)) => {
                let names = || self.workloads(namespace).into_iter().map(|workload| &workload.namespace);
                self.cluster.whole.namespaces && names().all(|name| self.cluster.has_all_pods_of(name))
            }
            NamespaceKind::Managed(_) | NamespaceKind::External(_) => self.cluster.has_all_pods_of(&namespace.name),
        }
    }

    /// Tiers to connect to by labels that the Services of their pods do not select by, where the CNI finds these so.
    fn labels_beside_services(&mut self) {
        let cni = self.model.platform.chosen_cni();
        let Some(row) = cni.difference(CniTrigger::LabelsBesideService) else { return };
        let mut reached: BTreeSet<TierId> = BTreeSet::new();
        reached.extend(self.model.flows.iter().flat_map(|flow| &flow.targets).filter_map(|(leaf, _)| match leaf {
            Endpoint::Tier(id) => Some(*id),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => None,
        }));
        for id in reached {
            let (Some(tier), Some(pods)) = (self.model.tier(id), self.pods.get(id.index())) else { continue };
            let is_of = |service: &&Service| {
                let leads = |(workload, pods): &Found<'_>| {
                    workload.namespace == service.namespace && service.selects(&pods.labels)
                };
                !service.headless && pods.iter().any(leads)
            };
            let services: Vec<&Service> = self.cluster.services.iter().filter(is_of).collect();
            let is_found = |service: &&Service| service.selector.as_ref().is_some_and(|by| tier.selector.matches(by));
            let Some(first) = services.first().filter(|_| !services.iter().any(is_found)) else { continue };
            let selector = first.selector.clone().unwrap_or_default();
            let what = format!(
                "`{}` asks for more than {}, by which `{}/{}` selects, so only the addresses of the pods are open",
                tier.name,
                text(&selector),
                first.namespace,
                first.name
            );
            let found = row.in_program(&cni.text(), Some(tier.span), &what);
            self.found.extend(found.map(|found| with_place(found, first.span, "this Service")));
        }
    }

    fn pods_of_tiers(&self) -> Vec<Vec<Found<'a>>> {
        let mut by_namespace: BTreeMap<usize, Vec<&Workload>> = BTreeMap::new();
        let pods_of = |tier: &Tier| {
            let Some(namespace) = self.model.namespace(tier.namespace) else { return Vec::new() };
            let workloads = by_namespace.entry(tier.namespace.index()).or_insert_with(|| self.workloads(namespace));
            let pods = workloads.iter().flat_map(|workload| workload.pods.iter().map(|pods| (*workload, pods)));
            pods.filter(|(_, pods)| !pods.finished && tier.selector.matches(&pods.labels)).collect()
        };
        self.model.tiers.iter().map(pods_of).collect()
    }

    /// Namespaces that nothing runs in, and selectors of namespaces that match none.
    fn namespaces(&mut self) {
        let known = || self.cluster.namespaces.iter().map(|one| &*one.name);
        let used: BTreeSet<&str> = self.cluster.workloads.iter().map(|one| &*one.namespace).chain(known()).collect();
        for namespace in &self.model.namespaces {
            let is_used = self.model.tiers.iter().any(|tier| self.is_in(tier, namespace));
            match &namespace.kind {
                NamespaceKind::External(Some(selector)) => {
                    let matched = self.cluster.namespaces.iter().any(|one| selector.matches(&one.labels));
                    if matched || self.cluster.namespaces.is_empty() {
                        continue;
                    }
                    let message = format!("no namespace has the labels of `{}`", namespace.declared);
                    let near = near(selector, self.cluster.namespaces.iter().map(|one| &one.labels));
                    if !self.cluster.whole.namespaces && !near.as_ref().is_some_and(|near| near.is_slip) {
                        continue;
                    }
                    let found = Diagnostic::new(Code::W0309, namespace.span, message).with_text("matches nothing");
                    self.found.push(found.with_help(near.map_or_else(
                        || "label the namespaces, or select them by their name: `external namespace NAME`".to_owned(),
                        |near| near.help,
                    )));
                }
                _ if is_used && !used.contains(&*namespace.name) => {
                    let is_live = self.cluster.is_live();
                    let or = if is_live { " of the cluster" } else { ", or it was not given" };
                    let message = format!("nothing runs in namespace `{}`{or}", namespace.name);
                    let found = Diagnostic::new(Code::W0310, namespace.span, message);
                    let meant = closest(&namespace.name, used.iter().copied());
                    if meant.is_none() && !self.cluster.has_all_pods_of(&namespace.name) {
                        continue;
                    }
                    self.found.push(match meant {
                        Some(meant) => found.with_help(format!("there is `{meant}`; did you mean that?")),
                        None if is_live => found.with_help("a namespace that is gone can be taken out of the program"),
                        None => found.with_help("give all manifests of the cluster with `--workloads`"),
                    });
                }
                NamespaceKind::Managed(_) | NamespaceKind::External(_) => {}
            }
        }
    }

    fn is_in(&self, tier: &Tier, namespace: &Namespace) -> bool {
        self.model.namespace(tier.namespace).is_some_and(|one| one.span == namespace.span)
    }

    fn tier(&mut self, index: usize, tier: &Tier) {
        let Some(namespace) = self.model.namespace(tier.namespace) else { return };
        let workloads = self.workloads(namespace);
        if workloads.is_empty() || is_built_in(self.model, tier) {
            return;
        }
        let pods = self.pods.get(index).cloned().unwrap_or_default();
        if pods.is_empty() {
            let NoPod { found, meant, is_sure } = no_pod(tier, namespace, &workloads);
            self.meant.extend(meant.into_iter().map(|workload| (workload.namespace.clone(), workload.name.clone())));
            if is_sure || self.has_all_pods_of(namespace) {
                self.found.push(found);
            }
            return;
        }
        let on_node: Vec<&Found> = pods.iter().filter(|(_, pods)| pods.host_network).collect();
        if let Some((workload, _)) = on_node.first() {
            let message = format!(
                "{} of tier `{}` uses the network of its node, where no policy applies",
                listed(on_node.iter().map(|(workload, _)| format!("`{workload}`"))),
                tier.name
            );
            let found = Diagnostic::new(Code::W0307, tier.span, message);
            let found = with_place(found, workload.span, "`hostNetwork: true` is in here");
            self.found.push(found.with_help(
                "these pods are not isolated, and others see them as their node: write a `cidr` or `nodes` for what \
                 has to reach them",
            ));
        }
        for port in tier.ports.iter().flatten() {
            self.ports(&pods, &port.ports, port.span, &format!("port `{}` of tier `{}`", port.name, tier.name));
        }
    }

    /// Ports that flows name and tiers do not list.
    fn flows(&mut self) {
        let model = self.model;
        let mut asked: BTreeMap<(TierId, &PortSet), Span> = BTreeMap::new();
        for flow in &model.flows {
            for (target, ports) in &flow.targets {
                let Endpoint::Tier(id) = target else { continue };
                let lists = model.tier(*id).is_some_and(|tier| tier.ports.is_some());
                if let (false, Some(statement)) = (lists, model.statements.get(flow.statement.index())) {
                    asked.entry((*id, ports)).or_insert(statement.span);
                }
            }
        }
        for ((id, ports), span) in asked {
            let (Some(pods), Some(tier)) = (self.pods.get(id.index()).cloned(), model.tier(id)) else { continue };
            self.ports(&pods, ports, span, &format!("the port of tier `{}`", tier.name));
        }
    }

    /// Single ports that no container of the pods lists. Containers need not list their ports, so pods that list none say
    /// nothing.
    fn ports(&mut self, pods: &[Found<'a>], ports: &PortSet, span: Span, what: &str) {
        let listing: Vec<Found> = pods.iter().copied().filter(|(_, pods)| !pods.ports.is_empty()).collect();
        for protocol in Protocol::ALL {
            for name in ports.names(protocol) {
                let lacking = pods.iter().find(|(_, pods)| {
                    !pods.ports.iter().any(|port| port.protocol == protocol && port.name.as_ref() == Some(name))
                });
                let Some((workload, pods)) = lacking else { continue };
                let message = format!(
                    "{what}: no container of `{workload}` has a {} port named `{name}`, so the rule matches nothing there",
                    protocol.keyword()
                );
                let names: Vec<&str> = pods.ports.iter().filter_map(|port| port.name.as_deref()).collect();
                let found = with_place(Diagnostic::new(Code::W0306, span, message), pods.span, "its containers");
                let other = pods.ports.iter().find(|port| port.name.as_ref() == Some(name));
                self.found.push(match (other, closest(name, names.iter().copied())) {
                    (Some(other), _) => found.with_help(format!(
                        "it has that name over {p}: write `\"{name}\"/{p}`",
                        p = other.protocol.keyword()
                    )),
                    (None, Some(meant)) => {
                        found.with_help(format!("did you mean `\"{meant}\"/{}`?", protocol.keyword()))
                    }
                    (None, None) => found.with_help("write the number of the port instead of its name"),
                });
            }
            if ports.is_whole(protocol) {
                continue;
            }
            for &(number, high) in ports.ranges(protocol) {
                let exposes = |pods: &Pods| {
                    pods.ports.iter().any(|port| port.protocol == protocol && (number..=high).contains(&port.number))
                };
                if listing.is_empty() || listing.iter().any(|(_, pods)| exposes(pods)) {
                    continue;
                }
                let service = (number == high).then(|| self.cluster.translated(&listing, protocol, number)).flatten();
                let found = match service {
                    Some(port) => meant_for_service(span, what, protocol, number, port),
                    None => not_exposed(span, what, protocol, (number, high), &listing),
                };
                self.found.push(found);
            }
        }
    }

    /// Pods of managed namespaces that no tier covers, and pods that two cover neither of which holds the other.
    fn pods(&mut self) {
        let mut tiers_of: BTreeMap<(&str, usize), Vec<&Tier>> = BTreeMap::new();
        for (tier, pods) in self.model.tiers.iter().zip(&self.pods) {
            for (workload, pods) in pods {
                tiers_of.entry((&*workload.namespace, std::ptr::from_ref::<Pods>(pods).addr())).or_default().push(tier);
            }
        }
        let mut overlapping: BTreeMap<(Span, Span), (Option<u32>, Vec<String>)> = BTreeMap::new();
        for namespace in &self.model.namespaces {
            let is_managed = namespace.managed().is_some();
            let mut uncovered = Vec::new();
            for workload in self.workloads(namespace) {
                for pods in workload.pods.iter().filter(|pods| !pods.finished && !pods.host_network) {
                    let key = (&*workload.namespace, std::ptr::from_ref(pods).addr());
                    let Some(tiers) = tiers_of.get(&key) else {
                        if !self.meant.contains(&(workload.namespace.clone(), workload.name.clone())) {
                            uncovered.push((workload, pods));
                        }
                        continue;
                    };
                    for (at, one) in tiers.iter().enumerate() {
                        for other in tiers.iter().skip(at + 1) {
                            let stated = one.stated_apart(other);
                            let is_inside =
                                one.selector.contains(&other.selector) || other.selector.contains(&one.selector);
                            // Of the namespaces of others only what the program says of them is looked at.
                            if stated.is_some() || is_managed && !is_inside {
                                let pair = (one.span.min(other.span), one.span.max(other.span));
                                let (_, workloads) = overlapping.entry(pair).or_insert((stated, Vec::new()));
                                workloads.push(format!("`{workload}`"));
                            }
                        }
                    }
                }
            }
            self.found.extend(not_covered(namespace, &uncovered).filter(|_| is_managed));
        }
        for ((one, other), (stated, mut workloads)) in overlapping {
            workloads.dedup();
            let workloads = listed(workloads.into_iter());
            let stated = stated.and_then(|at| self.model.disjoint.get(at as usize));
            let code = if stated.is_some() { Code::W0312 } else { Code::W0303 };
            let message = match stated {
                Some(_) => format!("{workloads} is in two tiers of which the program says that no pod is in both"),
                None => format!("{workloads} is in two tiers at once and has the flows of both"),
            };
            let found =
                Diagnostic::new(code, one, message).with_text("in this one").with_label(other, "and in this one");
            let found = stated.into_iter().fold(found, |found, stated| found.with_label(*stated, "said here"));
            let apart = "give both tiers the same key with different values, or take one out of the other: `(app=web, !canary)`";
            self.found.push(match stated {
                Some(_) => found.with_help(format!("{apart}; or leave the statement out")),
                None => found.with_help(apart),
            });
        }
    }
}

/// Whether a tier is one of the catalogue: it is declared for several ways of installing it.
fn is_built_in(model: &Model, tier: &Tier) -> bool {
    model
        .namespace(tier.namespace)
        .is_some_and(|namespace| namespace.span.file != tier.span.file && namespace.managed().is_none())
}

/// A tier that matches no pod of those that were given.
struct NoPod<'a> {
    /// What there is to say of it.
    found: Diagnostic,
    /// The workloads that it probably means.
    meant: Vec<&'a Workload>,
    /// Whether that is so whatever else runs.
    is_sure: bool,
}

fn no_pod<'a>(tier: &Tier, namespace: &Namespace, workloads: &[&'a Workload]) -> NoPod<'a> {
    let owner = workloads.iter().copied().find(|workload| {
        !workload.labels.is_empty() && tier.selector.matches(&workload.labels) && !workload.pods.is_empty()
    });
    if let Some(owner) = owner {
        let message =
            format!("no pod has the labels of tier `{}`: `{owner}` has them itself, and its pods do not", tier.name);
        let found = with_place(Diagnostic::new(Code::W0308, tier.span, message), owner.span, "the labels stand here");
        let help = match owner.pods.first() {
            Some(pods) if !pods.labels.is_empty() => format!(
                "policies look at the labels of `spec.template`, which are ({}): write them, or add the others there",
                text(&pods.labels)
            ),
            _ => "policies look at the labels of `spec.template`: add them there".to_owned(),
        };
        return NoPod { found: found.with_help(help), meant: vec![owner], is_sure: true };
    }
    let labels = workloads.iter().flat_map(|workload| &workload.pods).map(|pods| &pods.labels);
    let message = format!("no pod in namespace `{}` has the labels of tier `{}`", namespace.name, tier.name);
    let found = Diagnostic::new(Code::W0301, tier.span, message).with_text("matches nothing that runs");
    let near = near(&tier.selector, labels);
    let label = near.as_ref().and_then(|near| near.label.clone());
    let is_sure = near.as_ref().is_some_and(|near| near.is_slip);
    let has_label = |workload: &&Workload| {
        let labels = workload.pods.iter().map(|pods| &pods.labels);
        label.as_ref().is_some_and(|(key, value)| labels.into_iter().any(|labels| labels.get(key) == Some(value)))
    };
    let meant = workloads.iter().copied().filter(has_label).collect();
    let help = near.map_or_else(|| what_runs(workloads), |near| near.help);
    NoPod { found: found.with_help(help), meant, is_sure }
}

fn what_runs(workloads: &[&Workload]) -> String {
    let names = workloads
        .iter()
        .filter_map(|workload| Some(format!("`{workload}` has ({})", text(&workload.pods.first()?.labels))));
    match listed(names) {
        names if names.is_empty() => "no pods were given for that namespace".to_owned(),
        names => format!("of those that run there, {names}"),
    }
}

fn meant_for_service(span: Span, what: &str, protocol: Protocol, number: u16, port: TranslatedPort<'_>) -> Diagnostic {
    let TranslatedPort { service, target, .. } = port;
    let message = format!(
        "{what}: {number}/{p} is the {} of the Service `{}/{}`; its pods listen on {target}/{p}, and that is what \
         policies see",
        port.kind(),
        service.namespace,
        service.name,
        p = protocol.keyword()
    );
    let found = Diagnostic::new(Code::W0305, span, message);
    with_place(found, service.span, "this Service translates it")
        .with_help(format!("write `{target}/{}`", protocol.keyword()))
}

fn not_exposed(span: Span, what: &str, protocol: Protocol, (low, high): (u16, u16), pods: &[Found<'_>]) -> Diagnostic {
    let port = if low == high { low.to_string() } else { format!("{low}-{high}") };
    let all: BTreeSet<String> = pods
        .iter()
        .flat_map(|(_, pods)| &pods.ports)
        .map(|port| format!("`{}/{}`", port.number, port.protocol.keyword()))
        .collect();
    let message = format!("{what}: no container lists {port}/{}", protocol.keyword());
    let place = pods.first().and_then(|(_, pods)| pods.span);
    with_place(Diagnostic::new(Code::W0304, span, message), place, "its containers")
        .with_help(format!("they list {}", listed(all.into_iter())))
}

fn not_covered(namespace: &Namespace, pods: &[Found<'_>]) -> Option<Diagnostic> {
    let (workload, first) = pods.first()?;
    let mut names: Vec<String> = pods.iter().map(|(workload, _)| format!("`{workload}`")).collect();
    names.dedup();
    let message = format!("no tier of namespace `{}` covers {}", namespace.declared, listed(names.into_iter()));
    let found = with_place(Diagnostic::new(Code::W0302, namespace.span, message), first.span, "these pods");
    let labels = text(&first.labels);
    let help = match first.labels.is_empty() {
        true => "its pods have no labels: give them some".to_owned(),
        false => format!("declare it, as in `tier {} ({labels})`; until then no flow names it", tier_name(workload)),
    };
    Some(found.with_help(help))
}

/// The name of a workload as the name of a tier.
fn tier_name(workload: &Workload) -> String {
    workload.name.replace('.', "-")
}
