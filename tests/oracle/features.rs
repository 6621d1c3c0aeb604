//! The hard cases that a program holds, to show that the generator makes them.

use super::evaluate::{Direction, NAME_LABEL, Protocol, Stated};
use super::generate::COINED;
use super::meaning::{Cover, Leaf, Meaning};
use super::program::{Endpoint, Flow, Kind, Name, Namespace, Port, PortSpec, Preset, Program, Requirement, Selector};
use super::render::render;
use super::universe::{Atoms, Universe};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Every hard case.
pub(crate) const ALL: &[&str] = &[
    "tiers that overlap",
    "tier inside another",
    "tiers that overlap by different keys",
    "selector k=v",
    "selector k!=v",
    "selector in",
    "selector notin",
    "selector k",
    "selector !k",
    "one key required twice",
    "tier without a selector",
    "label setting of the program",
    "label setting of a namespace",
    "every pod of a namespace",
    "every pod of an external namespace",
    "cluster as a source",
    "cluster as a destination",
    "cluster to something unmanaged",
    "internet as a source",
    "internet as a destination",
    "internet with platform lists",
    "internet on azure-npm",
    "anywhere as a source",
    "anywhere as a destination",
    "apiserver",
    "nodes",
    "cidr with an exclusion",
    "cidr whose blocks share an exclusion",
    "cidr with overlapping blocks",
    "cidr with adjacent blocks",
    "cidr whose exclusion takes a block away",
    "cidr of IPv6",
    "cidr local to a namespace",
    "name that hides another",
    "group as a source",
    "group as a destination",
    "group in a group",
    "group of mixed kinds",
    "group local to a namespace",
    "set as a source",
    "set as a destination",
    "port range",
    "ranges that overlap",
    "ranges that are adjacent",
    "every port",
    "every port of a protocol",
    "named container port",
    "named container port in a tier's list",
    "named container port beside its whole protocol",
    "udp",
    "sctp",
    "port set",
    "ports by the names of a tier",
    "no ports where the destination lists them",
    "no ports towards several tiers",
    "isolate ingress",
    "isolate egress",
    "isolate both",
    "isolate none",
    "isolate for a tier",
    "isolate for tiers that overlap",
    "isolate statements that add up",
    "isolate nobody at all",
    "external namespaces by labels",
    "external namespaces that match managed ones",
    "external namespaces that may be managed ones",
    "external namespaces by labels that a managed one states",
    "every namespace",
    "tier of every namespace",
    "label that is stated",
    "label that is stated as lacking",
    "label that is stated in an environment",
    "ingress flow",
    "egress flow",
    "ingress and egress flow with the same ends",
    "one-sided flow with anywhere",
    "one-sided flow with cluster",
    "one-sided flow to or from namespaces by labels",
    "one-sided flow covered by a plain one",
    "external namespace without tiers",
    "dns cluster",
    "dns strict",
    "dns openshift",
    "dns any",
    "dns none",
    "dns by a tier",
    "dns by a tier and a port",
    "dns by a tier of namespaces by labels",
    "dns with an address",
    "dns for the whole program",
    "dns pods in a managed namespace",
    "openshift dns pods in a managed namespace",
    "environment",
    "environment that renames a managed namespace",
    "environment that replaces a cidr",
    "environment that replaces platform addresses",
    "tier with a name that policies make up",
    "namespace with a name that policies make up",
    "list with a name that policies make up",
    "dns pods isolated with a tier that has their name",
    "flow covered by another",
    "flow between namespaces",
    "flow of a tier to itself",
    "written: chain",
    "written: split namespace",
    "written: local names",
    "written: qualified names",
    "written: comments",
    "written: doc comments",
    "written: broken lines",
    "written: CRLF",
    "written: default protocol",
    "written: members of a namespace",
    "written: ports of members",
    "written: block of several namespaces",
    "written: flow in a block of several namespaces",
    "written: disjoint tiers",
];

/// Those that a program holds.
pub(crate) fn of(program: &Program) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let mut add = |feature: &'static str, holds: bool| {
        if holds {
            found.insert(feature);
        }
    };
    selectors(program, &mut add);
    overlaps(program, &mut add);
    endpoints(program, &mut add);
    blocks(program, &mut add);
    ports(program, &mut add);
    isolation(program, &mut add);
    coined(program, &mut add);
    labels_of_namespaces(program, &mut add);
    one_sided(program, &mut add);
    settings(program, &mut add);
    text(program, &mut add);
    found
}

type Add<'a> = dyn FnMut(&'static str, bool) + 'a;

fn selectors(program: &Program, add: &mut Add) {
    for tier in program.namespaces.iter().flat_map(|n| &n.tiers) {
        add("tier without a selector", tier.selector.is_none());
        let requirements: &[Requirement] = tier.selector.as_ref().map_or(&[], |s| &s.0);
        let mut keys = BTreeSet::new();
        for requirement in requirements {
            let (feature, key) = match requirement {
                Requirement::Is(key, _) => ("selector k=v", key),
                Requirement::IsNot(key, _) => ("selector k!=v", key),
                Requirement::In(key, _) => ("selector in", key),
                Requirement::NotIn(key, _) => ("selector notin", key),
                Requirement::Has(key) => ("selector k", key),
                Requirement::Lacks(key) => ("selector !k", key),
            };
            add(feature, true);
            add("one key required twice", !keys.insert(key));
        }
    }
    add("label setting of the program", program.label.is_some());
    add("label setting of a namespace", program.namespaces.iter().any(|n| n.label.is_some()));
}

/// How the tiers of each managed namespace lie to each other, judged on the pods of the program's universe.
fn overlaps(program: &Program, add: &mut Add) {
    let atoms = tier_atoms(program);
    let universe = Universe::new(&atoms, &Stated::new());
    for namespace in program.namespaces.iter().filter(|n| n.kind == Kind::Managed) {
        let leaf = |tier: &String| {
            let name = Name { namespace: Some(namespace.name.clone()), name: tier.clone() };
            program.leaf(&Endpoint::Tier(name))
        };
        let names: Vec<String> = namespace.tiers.iter().map(|t| t.name.clone()).collect();
        let members = |tier: &String| -> BTreeSet<usize> {
            let leaf = leaf(tier);
            (0..universe.parties.len()).filter(|&i| leaf.contains(&universe.parties[i])).collect()
        };
        let isolated: BTreeSet<&String> = namespace.isolates.iter().flat_map(|i| &i.tiers).collect();
        for (i, one) in names.iter().enumerate() {
            for two in &names[i + 1..] {
                let (a, b) = (members(one), members(two));
                let shared = a.intersection(&b).count();
                let contained = shared > 0 && (shared == a.len()) != (shared == b.len());
                let overlap = shared > 0 && shared < a.len() && shared < b.len();
                add("tier inside another", contained);
                add("tiers that overlap", overlap);
                add("tiers that overlap by different keys", overlap && keys(&leaf(one)).is_disjoint(&keys(&leaf(two))));
                add("isolate for tiers that overlap", overlap && isolated.contains(one) && isolated.contains(two));
            }
        }
    }
}

fn tier_atoms(program: &Program) -> Atoms {
    let mut atoms = Meaning::of(program).atoms();
    for namespace in &program.namespaces {
        for tier in &namespace.tiers {
            let name = Name { namespace: Some(namespace.name.clone()), name: tier.name.clone() };
            let selector = program.namespace_selector(&namespace.name);
            atoms.pods.insert((selector.translated(), program.tier_selector(&name).translated()));
        }
    }
    atoms
}

fn keys(leaf: &Leaf) -> BTreeSet<String> {
    match leaf {
        Leaf::Pods(_, Selector(requirements)) => {
            let translated = Selector(requirements.clone()).translated();
            translated.requirements.into_iter().map(|r| r.key).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn endpoints(program: &Program, add: &mut Add) {
    let managed = |e: &Endpoint| match e {
        Endpoint::Tier(Name { namespace: Some(n), .. }) | Endpoint::Pods(n) => {
            program.namespace(n).kind == Kind::Managed
        }
        _ => false,
    };
    for flow in &program.flows {
        let (source, destination) = (program.parts(&flow.source), program.parts(&flow.destination));
        for part in source.iter().chain(&destination) {
            add("every pod of a namespace", matches!(part, Endpoint::Pods(_)) && managed(part));
            add("every pod of an external namespace", matches!(part, Endpoint::Pods(_)) && !managed(part));
            add("apiserver", *part == Endpoint::ApiServer);
            add("nodes", *part == Endpoint::Nodes);
            if *part == Endpoint::Internet {
                let platform = &program.platform;
                add("internet with platform lists", !platform.nodes.is_empty() || !platform.pods.is_empty());
                add("internet on azure-npm", platform.cni.as_deref() == Some("azure-npm"));
            }
            if let Endpoint::Cidr(name) = part {
                add("cidr local to a namespace", name.namespace.is_some());
            }
        }
        add("cluster as a source", source.contains(&Endpoint::Cluster));
        add("cluster as a destination", destination.contains(&Endpoint::Cluster));
        add(
            "cluster to something unmanaged",
            source.contains(&Endpoint::Cluster) && destination.iter().any(|d| !managed(d)),
        );
        add("internet as a source", source.contains(&Endpoint::Internet));
        add("internet as a destination", destination.contains(&Endpoint::Internet));
        add("anywhere as a source", source.contains(&Endpoint::Anywhere));
        add("anywhere as a destination", destination.contains(&Endpoint::Anywhere));
        add("group as a source", matches!(flow.source, Endpoint::Group(_)));
        add("group as a destination", matches!(flow.destination, Endpoint::Group(_)));
        add("set as a source", matches!(flow.source, Endpoint::Set(_)));
        add("set as a destination", matches!(flow.destination, Endpoint::Set(_)));
        add("flow of a tier to itself", flow.source == flow.destination && matches!(flow.source, Endpoint::Tier(_)));
        if let (Endpoint::Tier(a), Endpoint::Tier(b)) = (&flow.source, &flow.destination) {
            add(
                "flow between namespaces",
                a.namespace != b.namespace && managed(&flow.source) && managed(&flow.destination),
            );
        }
    }
    let globals = program.groups.iter();
    for group in globals.chain(program.namespaces.iter().flat_map(|n| &n.groups)) {
        let parts: Vec<Endpoint> = group.members.iter().flat_map(|m| program.parts(m)).collect();
        let lists = parts.iter().filter(|p| matches!(p, Endpoint::Cidr(_))).count();
        add("group of mixed kinds", lists > 0 && lists < parts.len());
        add("group in a group", group.members.iter().any(|m| matches!(m, Endpoint::Group(_))));
    }
    add("group local to a namespace", program.namespaces.iter().any(|n| !n.groups.is_empty()));
    let globally = |name: &String| program.cidrs.iter().any(|c| c.name == *name);
    add("name that hides another", program.namespaces.iter().flat_map(|n| &n.cidrs).any(|c| globally(&c.name)));
    let meaning = Meaning::of(program);
    let inside = |a: &Cover, b: &Cover| a.source == b.source && a.destination == b.destination && a.ports == b.ports;
    let covers = &meaning.covers;
    let repeated = covers.iter().enumerate().any(|(i, a)| covers[i + 1..].iter().any(|b| inside(a, b)));
    add("flow covered by another", repeated);
}

fn labels_of_namespaces(program: &Program, add: &mut Add) {
    for namespace in &program.namespaces {
        add("label that is stated", namespace.stated.values().any(Option::is_some));
        add("label that is stated as lacking", namespace.stated.values().any(Option::is_none));
        if let Kind::Matching(selector) = &namespace.kind {
            add("every namespace", selector.0.is_empty());
            add("tier of every namespace", selector.0.is_empty() && !namespace.tiers.is_empty());
        }
    }
    let renames = program.environments.iter().flat_map(|e| &e.namespaces);
    add("label that is stated in an environment", renames.filter(|r| !r.stated.is_empty()).count() > 0);
    let managed = || program.namespaces.iter().filter(|n| n.kind == Kind::Managed);
    for flow in &program.flows {
        for part in [&flow.source, &flow.destination].into_iter().flat_map(|end| program.parts(end)) {
            let Leaf::Pods(Selector(asked), _) = program.leaf(&part) else { continue };
            let asked = || asked.iter().map(Requirement::key).filter(|key| *key != NAME_LABEL);
            let stated = |n: &&Namespace| asked().all(|key| n.stated.contains_key(key));
            let by_labels = asked().next().is_some();
            add("external namespaces that may be managed ones", by_labels && managed().any(|n| !stated(&n)));
            add("external namespaces by labels that a managed one states", by_labels && managed().any(|n| stated(&n)));
        }
    }
}

fn one_sided(program: &Program, add: &mut Add) {
    let flows = &program.flows;
    for flow in flows.iter().filter(|f| f.side.is_some()) {
        add("ingress flow", flow.side == Some(Direction::Ingress));
        add("egress flow", flow.side == Some(Direction::Egress));
        let same = |other: &&Flow| other.source == flow.source && other.destination == flow.destination;
        let beside = |side| flows.iter().filter(same).any(|other| other.side == side);
        add(
            "ingress and egress flow with the same ends",
            beside(Some(Direction::Ingress)) && beside(Some(Direction::Egress)),
        );
        add("one-sided flow covered by a plain one", beside(None));
        for part in [&flow.source, &flow.destination].into_iter().flat_map(|end| program.parts(end)) {
            add("one-sided flow with anywhere", part == Endpoint::Anywhere);
            add("one-sided flow with cluster", part == Endpoint::Cluster);
            let by_labels = match part {
                Endpoint::Tier(Name { namespace: Some(namespace), .. }) | Endpoint::Pods(namespace) => {
                    matches!(program.namespace(&namespace).kind, Kind::Matching(_))
                }
                _ => false,
            };
            add("one-sided flow to or from namespaces by labels", by_labels);
        }
    }
}

fn blocks(program: &Program, add: &mut Add) {
    for cidr in program.cidrs.iter().chain(program.namespaces.iter().flat_map(|n| &n.cidrs)) {
        let holds = |a: &IpNet, b: &IpNet| a.contains(b);
        add("cidr with an exclusion", !cidr.except.is_empty());
        let shared = |e: &&IpNet| cidr.blocks.iter().filter(|b| holds(b, e)).count() > 1;
        add("cidr whose blocks share an exclusion", cidr.except.iter().filter(shared).count() > 0);
        let pairs = || cidr.blocks.iter().flat_map(|a| cidr.blocks.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
        add("cidr with overlapping blocks", pairs().any(|(a, b)| holds(a, b)));
        add("cidr with adjacent blocks", pairs().any(|(a, b)| a.is_sibling(b)));
        let away = |e: &IpNet| cidr.blocks.iter().any(|b| holds(e, b));
        add("cidr whose exclusion takes a block away", cidr.except.iter().any(away));
        add("cidr of IPv6", cidr.blocks.iter().any(|b| b.addr().is_ipv6()));
    }
}

fn ports(program: &Program, add: &mut Add) {
    for flow in &program.flows {
        let parts = program.parts(&flow.destination).len();
        add("no ports where the destination lists them", flow.ports.is_none());
        add("no ports towards several tiers", flow.ports.is_none() && parts > 1);
        let specs = flow.ports.as_deref().unwrap_or(&[]);
        let mut ranges: Vec<(u16, u16, Protocol)> = Vec::new();
        for spec in specs {
            match spec {
                PortSpec::Served(_) => add("ports by the names of a tier", true),
                PortSpec::Set(_) => add("port set", true),
                PortSpec::Port(Port::Every) => add("every port", true),
                PortSpec::Port(Port::EveryOf(p)) => {
                    add("every port of a protocol", true);
                    let beside = |s: &PortSpec| matches!(s, PortSpec::Port(Port::Container(_, q)) if q == p);
                    add("named container port beside its whole protocol", specs.iter().any(beside));
                }
                PortSpec::Port(Port::Container(..)) => add("named container port", true),
                PortSpec::Port(Port::Range(low, high, protocol)) => {
                    add("port range", low != high);
                    add("udp", *protocol == Protocol::Udp);
                    add("sctp", *protocol == Protocol::Sctp);
                    let same = || ranges.iter().filter(|r| r.2 == *protocol);
                    add("ranges that overlap", same().any(|r| *low <= r.1 && r.0 <= *high));
                    let next = |a: u16, b: u16| a.checked_add(1) == Some(b);
                    add("ranges that are adjacent", same().any(|r| next(r.1, *low) || next(*high, r.0)));
                    ranges.push((*low, *high, *protocol));
                }
            }
        }
    }
    let listed = program.namespaces.iter().flat_map(|n| &n.tiers).flat_map(|t| &t.ports);
    add("named container port in a tier's list", listed.into_iter().any(|(_, p)| matches!(p, Port::Container(..))));
}

fn isolation(program: &Program, add: &mut Add) {
    for namespace in program.namespaces.iter().filter(|n| n.kind == Kind::Managed) {
        for statement in &namespace.isolates {
            match statement.directions.as_slice() {
                [] => add("isolate none", true),
                [Direction::Ingress] => add("isolate ingress", true),
                [Direction::Egress] => add("isolate egress", true),
                _ => add("isolate both", true),
            }
            add("isolate for a tier", !statement.tiers.is_empty());
        }
        add("isolate statements that add up", namespace.isolates.len() > 1);
        let nobody = !namespace.isolates.is_empty() && namespace.isolates.iter().all(|i| i.directions.is_empty());
        add("isolate nobody at all", nobody);
    }
}

fn coined(program: &Program, add: &mut Add) {
    let is = |name: &String| COINED.contains(&name.as_str());
    for namespace in &program.namespaces {
        add("namespace with a name that policies make up", is(&namespace.name));
        add("tier with a name that policies make up", namespace.tiers.iter().any(|tier| is(&tier.name)));
        let isolated = namespace.isolates.iter().any(|isolate| !isolate.tiers.is_empty());
        let dns = namespace.tiers.iter().any(|tier| ["dns", "strict-dns"].contains(&tier.name.as_str()));
        add("dns pods isolated with a tier that has their name", namespace.name == "kube-system" && isolated && dns);
    }
    let lists = program.cidrs.iter().map(|cidr| &cidr.name).chain(program.groups.iter().map(|group| &group.name));
    add("list with a name that policies make up", lists.into_iter().any(is));
}

fn settings(program: &Program, add: &mut Add) {
    let managed: Vec<_> = program.namespaces.iter().filter(|n| n.kind == Kind::Managed).collect();
    for namespace in &program.namespaces {
        if let Kind::Matching(selector) = &namespace.kind {
            add("external namespaces by labels", true);
            let labels = |name: &str| [(super::evaluate::NAME_LABEL.to_string(), name.to_string())].into();
            let ours = managed.iter().any(|n| selector.matches(&labels(&n.actual)));
            add("external namespaces that match managed ones", ours);
        }
        add("external namespace without tiers", namespace.kind != Kind::Managed && namespace.tiers.is_empty());
        add("dns pods in a managed namespace", namespace.kind == Kind::Managed && namespace.name == "kube-system");
        add(
            "openshift dns pods in a managed namespace",
            namespace.kind == Kind::Managed && namespace.name == "openshift-dns",
        );
    }
    add("dns for the whole program", program.platform.dns.is_some());
    for dns in managed.iter().filter_map(|n| n.dns.as_ref()).chain(&program.platform.dns) {
        let feature = match &dns.preset {
            Preset::Cluster => "dns cluster",
            Preset::Strict => "dns strict",
            Preset::OpenShift => "dns openshift",
            Preset::Any => "dns any",
            Preset::None => "dns none",
            Preset::Tier(_, None) => "dns by a tier",
            Preset::Tier(_, Some(_)) => "dns by a tier and a port",
        };
        add(feature, true);
        if let Preset::Tier(Name { namespace: Some(namespace), .. }, _) = &dns.preset {
            let by_labels = matches!(program.namespace(namespace).kind, Kind::Matching(_));
            add("dns by a tier of namespaces by labels", by_labels);
        }
        add("dns with an address", !dns.addresses.is_empty());
    }
    for environment in &program.environments {
        add("environment", true);
        let ours = |name: &String| program.namespace(name).kind == Kind::Managed;
        add("environment that renames a managed namespace", environment.namespaces.iter().any(|r| ours(&r.from)));
        add("environment that replaces a cidr", !environment.cidrs.is_empty());
        let platform = !environment.apiserver.is_empty() || !environment.nodes.is_empty();
        add("environment that replaces platform addresses", platform);
    }
}

fn text(program: &Program, add: &mut Add) {
    let text = render(program);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    add("written: chain", lines.iter().any(|l| !l.starts_with('#') && l.matches("->").count() > 1));
    for namespace in program.namespaces.iter().filter(|n| n.kind == Kind::Managed) {
        let head = format!("namespace {} {{", namespace.name);
        add("written: split namespace", lines.iter().filter(|l| **l == head).count() > 1);
    }
    add("written: local names", lines.iter().any(|l| l.contains(" -> ") && !l.contains('/') && !l.starts_with('#')));
    add("written: qualified names", lines.iter().any(|l| l.contains("/web -> ") || l.contains("/api -> ")));
    add("written: comments", lines.iter().any(|l| l.starts_with("# ")));
    add("written: doc comments", lines.iter().any(|l| l.starts_with("## ")));
    add("written: broken lines", lines.iter().any(|l| l.ends_with("->") || l.ends_with(',')));
    add("written: CRLF", text.contains("\r\n"));
    let said = |part: &str| lines.iter().any(|l| l.contains(part) && !l.starts_with('#'));
    add("written: members of a namespace", said("/{"));
    let own_ports = |l: &&str| {
        l.split("-> ").nth(1).and_then(|end| end.split_once('{')).is_some_and(|(before, inside)| {
            let first = inside.split([',', '}']).next().unwrap_or("");
            !before.contains(':') && first.contains(':')
        })
    };
    add("written: ports of members", lines.iter().any(own_ports));
    let heads = |l: &&&str| l.starts_with("namespace ") && l.contains(',') && l.ends_with('{') && !l.contains('(');
    let shared = lines.iter().position(|l| heads(&l));
    add("written: block of several namespaces", shared.is_some());
    let body = shared.map_or(&[][..], |at| &lines[at..]);
    let flow = body.iter().take_while(|l| **l != "}").any(|l| l.contains("->") && !l.starts_with('#'));
    add("written: flow in a block of several namespaces", flow);
    add("written: disjoint tiers", lines.iter().any(|l| l.starts_with("disjoint ")));
    add("written: default protocol", lines.iter().any(|l| [":80", ":443", ":8080"].iter().any(|p| l.ends_with(p))));
}
