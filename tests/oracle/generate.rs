//! Random legal programs that make the hard cases on purpose.
//!
//! Everything is drawn from short lists of names, values, blocks and numbers, so that tiers overlap, blocks and ranges
//! touch, and flows cover each other often.

mod flows;
mod names;

pub(crate) use names::COINED;

use super::evaluate::{Direction, NAME_LABEL, Protocol};
use super::program::{
    Cidr, Dns, Endpoint, Environment, Group, Isolate, Kind, Name, Namespace, Port, PortSet, PortSpec, Preset, Program,
    Rename, Requirement, Selector, Tier, block,
};
use super::rng::Rng;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The program of a seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut maker = Maker { rng: Rng::new(seed), program: Program { style: seed, ..Program::default() } };
    maker.settings();
    maker.namespaces();
    maker.addresses();
    maker.groups();
    maker.isolation();
    maker.dns();
    maker.flows();
    maker.twin();
    maker.environments();
    maker.coined_names();
    maker.plugin();
    maker.program
}

struct Maker {
    rng: Rng,
    program: Program,
}

const APPS: [&str; 4] = ["web", "api", "worker", "db"];
const KEYS: [&str; 2] = ["track", "debug"];

impl Maker {
    fn settings(&mut self) {
        let rng = &mut self.rng;
        let platform = &mut self.program.platform;
        if rng.chance(30) {
            platform.cni = Some(rng.pick(&["calico", "cilium", "antrea", "azure-npm", "any"]).to_string());
        }
        if rng.chance(40) {
            platform.apiserver = nets(rng, &["10.0.0.10/32", "10.96.0.1/32", "203.0.113.9/32", "2001:db8:9::1/128"]);
        }
        if rng.chance(40) {
            platform.nodes = nets(rng, &["192.168.0.0/24", "198.51.100.0/25", "2001:db8:a::/48"]);
        }
        if rng.chance(25) {
            platform.pods = nets(rng, &["10.244.0.0/16", "34.118.0.0/17", "2001:db8:b::/48"]);
        }
        if rng.chance(25) {
            platform.services = nets(rng, &["10.96.0.0/12", "34.118.224.0/20"]);
        }
        if rng.chance(12) {
            self.program.label = Some("app.kubernetes.io/name".to_string());
        }
        for (name, items) in [("web-ports", 2), ("bulk", 3)] {
            if self.rng.chance(30) {
                let ports = (0..items).map(|_| self.number()).collect();
                self.program.port_sets.push(PortSet { name: name.to_string(), ports });
            }
        }
    }

    /// Another network plugin, at times, of those that take the ports of the program.
    fn plugin(&mut self) {
        const ALL: [&str; 12] = [
            "canal",
            "cilium 1.14",
            "cilium 1.18",
            "aks-cilium",
            "aws-vpc-cni",
            "eks-auto",
            "gke-dataplane-v2",
            "kube-ovn",
            "kube-router",
            "kindnet",
            "ovn-kubernetes",
            "weave",
        ];
        if !self.rng.chance(30) {
            return;
        }
        let program = &self.program;
        let served = program.namespaces.iter().flat_map(|one| &one.tiers).flat_map(|tier| &tier.ports);
        let specs = program.flows.iter().flat_map(|flow| flow.ports.iter().flatten());
        let written = specs.filter_map(|spec| match spec {
            PortSpec::Port(port) => Some(port),
            PortSpec::Served(_) | PortSpec::Set(_) => None,
        });
        let sets = program.port_sets.iter().flat_map(|set| &set.ports);
        let ports: Vec<&Port> = served.map(|(_, port)| port).chain(written).chain(sets).collect();
        let names = ports.iter().any(|port| matches!(port, Port::Container(..)));
        let ranges = ports.iter().any(|port| matches!(port, Port::Range(low, high, _) if low != high));
        let takes = |plugin: &&str| match *plugin {
            "ovn-kubernetes" => !names,
            "weave" => !names && !ranges,
            "cilium 1.14" => !ranges,
            _ => true,
        };
        let some: Vec<&str> = ALL.into_iter().filter(takes).collect();
        self.program.platform.cni = Some(self.rng.pick(&some).to_string());
    }

    fn namespaces(&mut self) {
        let count = self.rng.between(1, 2);
        let mut managed = self.rng.some(&["shop", "pay", "stock"], count);
        if self.rng.chance(25) {
            managed.push("kube-system");
        }
        if self.rng.chance(8) {
            managed.push("openshift-dns");
        }
        for name in managed {
            let namespace = self.managed(name);
            self.program.namespaces.push(namespace);
        }
        for (name, percent) in [("monitoring", 60), ("tenants", 35), ("others", 20), ("everywhere", 15)] {
            if self.rng.chance(percent) {
                let namespace = self.external(name);
                self.program.namespaces.push(namespace);
            }
        }
        if !self.program.namespaces.iter().any(|n| n.name == "kube-system") && self.rng.chance(20) {
            let mut namespace = bare("kube-system", Kind::External);
            namespace.tiers.push(self.dns_tier());
            self.program.namespaces.push(namespace);
        }
    }

    /// At times a namespace once more under another name, with the same flows: what both say alike can be one block.
    fn twin(&mut self) {
        let ordinary = |n: &&Namespace| ["shop", "pay", "stock"].contains(&n.name.as_str());
        let ordinary: Vec<String> = self.program.namespaces.iter().filter(ordinary).map(|n| n.name.clone()).collect();
        if ordinary.is_empty() || !self.rng.chance(18) {
            return;
        }
        let (from, to) = (self.rng.pick(&ordinary).clone(), "depot".to_string());
        let renamed = |name: &Name| match &name.namespace {
            Some(namespace) if *namespace == from => Name { namespace: Some(to.clone()), ..name.clone() },
            _ => name.clone(),
        };
        fn moved(endpoint: &Endpoint, renamed: &impl Fn(&Name) -> Name) -> Endpoint {
            match endpoint {
                Endpoint::Tier(name) => Endpoint::Tier(renamed(name)),
                Endpoint::Group(name) => Endpoint::Group(renamed(name)),
                Endpoint::Cidr(name) => Endpoint::Cidr(renamed(name)),
                Endpoint::Pods(namespace) => {
                    let all = Name { namespace: Some(namespace.clone()), name: String::new() };
                    Endpoint::Pods(renamed(&all).namespace.expect("it had one"))
                }
                Endpoint::Set(members) => Endpoint::Set(members.iter().map(|m| moved(m, renamed)).collect()),
                other => other.clone(),
            }
        }
        let mut twin = self.program.namespace(&from).clone();
        (twin.name, twin.actual) = (to.clone(), to.clone());
        for group in &mut twin.groups {
            group.members = group.members.iter().map(|member| moved(member, &renamed)).collect();
        }
        if let Some(Dns { preset: Preset::Tier(name, _), .. }) = &mut twin.dns {
            *name = renamed(name);
        }
        let mut flows = Vec::new();
        for flow in &self.program.flows {
            let ends = [moved(&flow.source, &renamed), moved(&flow.destination, &renamed)];
            if ends != [flow.source.clone(), flow.destination.clone()] {
                let [source, destination] = ends;
                flows.push(super::program::Flow { source, destination, ..flow.clone() });
            }
        }
        self.program.namespaces.push(twin);
        self.program.flows.extend(flows);
    }

    /// Labels of a managed namespace: those that the external ones ask for, and others.
    fn stated(&mut self) -> BTreeMap<String, Option<String>> {
        let all =
            [("tenant", Some("acme")), ("tenant", None), ("env", Some("prod")), ("env", Some("dev")), ("env", None)];
        let count = self.rng.between(1, 2);
        let some = self.rng.some(&all, count);
        some.into_iter().map(|(key, value)| (key.to_string(), value.map(str::to_string))).collect()
    }

    fn managed(&mut self, name: &str) -> Namespace {
        let mut namespace = bare(name, Kind::Managed);
        if self.rng.chance(45) {
            namespace.stated = self.stated();
        }
        if self.rng.chance(12) {
            namespace.label = Some("role".to_string());
        }
        if name == "kube-system" {
            namespace.tiers.push(self.dns_tier());
            if self.rng.chance(50) {
                return namespace;
            }
        }
        let count = self.rng.between(1, 4);
        for app in self.rng.some(&APPS, count) {
            let tier = self.tier(app);
            namespace.tiers.push(tier);
        }
        if self.rng.chance(30) {
            // A tier contained in the first, which has to be a plain one for it.
            let inside = Selector(vec![is("app", APPS[0]), is("track", "canary")]);
            namespace.tiers.retain(|t| t.name != APPS[0]);
            namespace.tiers.push(Tier {
                name: APPS[0].to_string(),
                selector: Some(Selector(vec![is("app", APPS[0])])),
                ports: Vec::new(),
            });
            namespace.tiers.push(Tier { name: "canary".to_string(), selector: Some(inside), ports: Vec::new() });
        }
        namespace
    }

    fn external(&mut self, name: &str) -> Namespace {
        let text = |words: &[&str]| words.iter().map(|w| w.to_string()).collect::<Vec<_>>();
        let choices = match name {
            "tenants" => vec![
                Selector(vec![Requirement::Has("tenant".into())]),
                Selector(vec![is("env", "prod"), Requirement::Has("tenant".into())]),
                Selector(vec![Requirement::In("env".into(), text(&["prod", "staging"]))]),
            ],
            // These match managed namespaces too.
            "others" => vec![
                Selector(vec![Requirement::Lacks("tenant".into())]),
                Selector(vec![Requirement::IsNot("env".into(), "prod".into())]),
                Selector(vec![
                    Requirement::NotIn("env".into(), text(&["prod", "staging"])),
                    Requirement::Lacks("tenant".into()),
                ]),
                Selector(vec![Requirement::In(NAME_LABEL.into(), text(&["shop", "pay", "elsewhere"]))]),
            ],
            "everywhere" => vec![Selector::default(), Selector(vec![Requirement::Has(NAME_LABEL.into())])],
            _ => Vec::new(),
        };
        let kind = if choices.is_empty() { Kind::External } else { Kind::Matching(self.rng.pick(&choices).clone()) };
        let mut namespace = bare(name, kind);
        let count = self.rng.between(0, 2);
        for app in self.rng.some(&["prometheus", "web", "agent"], count) {
            let tier = self.tier(app);
            namespace.tiers.push(tier);
        }
        namespace
    }

    fn dns_tier(&mut self) -> Tier {
        let text = |words: &[&str]| words.iter().map(|w| w.to_string()).collect::<Vec<_>>();
        let selectors = [
            Selector::is("k8s-app", "kube-dns"),
            Selector(vec![Requirement::In("k8s-app".into(), text(&["kube-dns", "my-dns"]))]),
            Selector::is("app", "my-dns"),
        ];
        Tier { name: "my-dns".to_string(), selector: Some(self.rng.pick(&selectors).clone()), ports: Vec::new() }
    }

    fn tier(&mut self, app: &str) -> Tier {
        let selector = self.selector(app);
        let ports = if self.rng.chance(40) { self.listed() } else { Vec::new() };
        Tier { name: app.to_string(), selector, ports }
    }

    fn selector(&mut self, app: &str) -> Option<Selector> {
        let rng = &mut self.rng;
        let other = rng.pick(&APPS).to_string();
        let key = rng.pick(&KEYS).to_string();
        let here = app.to_string();
        let tracks = vec!["canary".to_string(), "stable".to_string()];
        Some(Selector(match rng.below(14) {
            0 | 1 => return None,
            2 => vec![is("app", app)],
            3 => vec![Requirement::In("app".into(), vec![here, other])],
            4 => vec![Requirement::NotIn("app".into(), vec![other])],
            5 => vec![is("app", app), Requirement::Lacks(key)],
            6 => vec![is("app", app), Requirement::In("track".into(), tracks)],
            7 => vec![is("track", "canary")],
            8 => vec![Requirement::Lacks(key)],
            9 => vec![Requirement::IsNot("app".into(), other), Requirement::Has(key)],
            10 => vec![Requirement::Has(key)],
            11 => vec![is("app", app), is("track", "canary")],
            12 => vec![
                Requirement::In("app".into(), vec![here, "batch".into(), "cron".into()]),
                Requirement::IsNot("app".into(), "cron".into()),
            ],
            _ => vec![Requirement::NotIn("track".into(), tracks), Requirement::Has("app".into())],
        }))
    }

    fn listed(&mut self) -> Vec<(String, Port)> {
        let tcp = |n| Port::Range(n, n, Protocol::Tcp);
        let choices = [
            ("http", vec![tcp(8080), tcp(80), Port::Range(8080, 8081, Protocol::Tcp)]),
            ("metrics", vec![tcp(9090), tcp(9091), Port::Range(9090, 9091, Protocol::Udp)]),
            ("web", vec![Port::Container("web".into(), Protocol::Tcp), tcp(8443)]),
            ("signal", vec![Port::Range(3868, 3868, Protocol::Sctp), Port::Range(53, 53, Protocol::Udp)]),
        ];
        let count = self.rng.between(1, 3);
        let chosen = self.rng.some(&choices, count);
        chosen.into_iter().map(|(name, ports)| (name.to_string(), self.rng.pick(&ports).clone())).collect()
    }

    /// A port by number.
    fn number(&mut self) -> Port {
        const NUMBERS: [(u16, u16); 15] = [
            (80, 80),
            (443, 443),
            (53, 53),
            (8080, 8080),
            (5432, 5432),
            (80, 90),
            (85, 100),
            (91, 95),
            (81, 81),
            (8080, 8090),
            (30000, 32767),
            (1, 79),
            (1, 65535),
            (65535, 65535),
            (5353, 5353),
        ];
        let (low, high) = *self.rng.pick(&NUMBERS);
        Port::Range(
            low,
            high,
            *self.rng.pick(&[Protocol::Tcp, Protocol::Tcp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp]),
        )
    }

    fn addresses(&mut self) {
        const LISTS: [(&[&str], &[&str]); 13] = [
            (&["203.0.113.0/24"], &[]),
            (&["203.0.113.0/24", "198.51.100.0/24"], &["198.51.100.7/32"]),
            (&["10.0.0.0/8", "10.1.0.0/16"], &["10.1.2.0/24"]),
            (&["10.0.0.0/9", "10.0.0.0/8"], &["10.64.0.0/10"]),
            (&["10.0.0.0/8", "10.1.2.0/24"], &["10.1.0.0/16"]),
            (&["10.0.0.0/8", "172.16.0.0/12"], &["10.9.0.0/16", "172.16.5.0/24", "10.9.1.0/24"]),
            (&["10.0.0.0/25", "10.0.0.128/25"], &[]),
            (&["2001:db8::/32"], &["2001:db8:1::/48"]),
            (&["192.168.0.0/16", "2001:db8:a::/48"], &["192.168.0.0/24"]),
            (&["0.0.0.0/0"], &["10.0.0.0/8"]),
            (&["0.0.0.0/0", "::/0"], &["2000::/3"]),
            (&["10.0.0.0/8", "0.0.0.0/0"], &["10.1.0.0/16"]),
            (&["169.254.20.10/32"], &[]),
        ];
        for name in ["payments", "office", "partner"] {
            if self.rng.chance(60) {
                let cidr = self.cidr(name, &LISTS);
                self.program.cidrs.push(cidr);
            }
        }
        // Locals, one of which can have the name of a global list or hide it by a tier.
        for i in 0..self.program.namespaces.len() {
            if self.program.namespaces[i].kind == Kind::Managed && self.rng.chance(15) {
                let name = *self.rng.pick(&["office", "lab"]);
                let cidr = self.cidr(name, &LISTS);
                self.program.namespaces[i].cidrs.push(cidr);
            }
        }
    }

    fn cidr(&mut self, name: &str, lists: &[(&[&str], &[&str])]) -> Cidr {
        let (blocks, except) = self.rng.pick(lists);
        let all = |texts: &[&str]| texts.iter().map(|t| block(t)).collect();
        Cidr { name: name.to_string(), blocks: all(blocks), except: all(except) }
    }

    fn groups(&mut self) {
        for i in 0..self.program.namespaces.len() {
            let namespace = &self.program.namespaces[i];
            if namespace.kind == Kind::Managed && namespace.tiers.len() > 1 && self.rng.chance(35) {
                let count = self.rng.between(1, 3);
                let members = tiers_of(&self.program, &self.program.namespaces[i].name);
                let members = self.rng.some(&members, count);
                self.program.namespaces[i].groups.push(Group { name: "inner".to_string(), members });
            }
        }
        if self.rng.chance(35) {
            let pods = self.pods(true);
            let count = self.rng.between(1, 3);
            let members = self.rng.some(&pods, count);
            self.program.groups.push(Group { name: "ours".to_string(), members });
            if self.rng.chance(50) {
                let mut members = vec![Endpoint::Group(global("ours"))];
                members.extend(self.rng.some(&pods, 1));
                self.program.groups.push(Group { name: "nested".to_string(), members });
            }
        }
        if self.rng.chance(40) {
            let mut candidates = self.pods(false);
            candidates.extend(self.lists());
            candidates.extend(self.pods(true));
            let count = self.rng.between(2, 4);
            let members = self.rng.some(&candidates, count);
            self.program.groups.push(Group { name: "mixed".to_string(), members });
        }
    }

    /// Endpoints that are pods of managed namespaces, or else of external ones.
    fn pods(&self, managed: bool) -> Vec<Endpoint> {
        let mut all = Vec::new();
        for namespace in self.program.namespaces.iter().filter(|n| (n.kind == Kind::Managed) == managed) {
            all.extend(tiers_of(&self.program, &namespace.name));
            all.push(Endpoint::Pods(namespace.name.clone()));
            let group =
                |g: &Group| Endpoint::Group(Name { namespace: Some(namespace.name.clone()), name: g.name.clone() });
            all.extend(namespace.groups.iter().map(group));
        }
        if managed {
            let ours = self.program.groups.iter().filter(|g| g.name == "ours" || g.name == "nested");
            all.extend(ours.map(|g| Endpoint::Group(global(&g.name))));
        }
        all
    }

    /// Declared address lists.
    fn lists(&self) -> Vec<Endpoint> {
        let locals = self.program.namespaces.iter().flat_map(|n| {
            n.cidrs.iter().map(|c| Endpoint::Cidr(Name { namespace: Some(n.name.clone()), name: c.name.clone() }))
        });
        self.program.cidrs.iter().map(|c| Endpoint::Cidr(global(&c.name))).chain(locals).collect()
    }

    fn isolation(&mut self) {
        use Direction::{Egress, Ingress};
        for i in 0..self.program.namespaces.len() {
            if self.program.namespaces[i].kind != Kind::Managed || self.rng.chance(50) {
                continue;
            }
            let names: Vec<String> = self.program.namespaces[i].tiers.iter().map(|t| t.name.clone()).collect();
            let count = self.rng.between(1, 3);
            for _ in 0..count {
                let choices = [vec![Ingress], vec![Egress], vec![Ingress, Egress], Vec::new()];
                let directions = self.rng.pick(&choices).clone();
                let some = self.rng.between(1, 2);
                let tiers = match directions.is_empty() || self.rng.chance(30) {
                    true => Vec::new(),
                    false => self.rng.some(&names, some),
                };
                self.program.namespaces[i].isolates.push(Isolate { directions, tiers });
            }
        }
    }

    fn dns(&mut self) {
        if self.rng.chance(30) {
            self.program.platform.dns = Some(self.dns_setting());
        }
        for i in 0..self.program.namespaces.len() {
            if self.program.namespaces[i].kind == Kind::Managed && self.rng.chance(30) {
                let dns = self.dns_setting();
                self.program.namespaces[i].dns = Some(dns);
            }
        }
    }

    fn dns_setting(&mut self) -> Dns {
        let mut tiers: Vec<Name> = Vec::new();
        for namespace in &self.program.namespaces {
            let answers = |t: &&Tier| t.name == "my-dns" || (namespace.name == "others" && t.ports.is_empty());
            let name = |t: &Tier| Name { namespace: Some(namespace.name.clone()), name: t.name.clone() };
            tiers.extend(namespace.tiers.iter().filter(answers).map(name));
        }
        let mut presets = vec![Preset::Cluster, Preset::Strict, Preset::OpenShift, Preset::Any, Preset::None];
        presets.extend(tiers.iter().flat_map(|t| [Preset::Tier(t.clone(), None), Preset::Tier(t.clone(), Some(5353))]));
        let preset = self.rng.pick(&presets).clone();
        let takes_addresses = matches!(preset, Preset::Cluster | Preset::Strict | Preset::OpenShift);
        let addresses = match takes_addresses && self.rng.chance(40) {
            true => nets(&mut self.rng, &["10.96.0.10/32", "169.254.20.10/32", "2001:db8::53/128"]),
            false => Vec::new(),
        };
        Dns { preset, addresses }
    }

    fn environments(&mut self) {
        if !self.rng.chance(20) {
            return;
        }
        let renamed = |n: &&Namespace| matches!(n.name.as_str(), "shop" | "pay" | "monitoring");
        let all: Vec<(String, String)> = self
            .program
            .namespaces
            .iter()
            .filter(renamed)
            .map(|n| (n.name.clone(), format!("{}-staging", n.name)))
            .collect();
        let count = self.rng.between(1, 2);
        let mut namespaces = Vec::new();
        for (from, to) in self.rng.some(&all, count) {
            let managed = self.program.namespace(&from).kind == Kind::Managed;
            let stated = if managed && self.rng.chance(50) { self.stated() } else { BTreeMap::new() };
            namespaces.push(Rename { from, to, stated });
        }
        let cidrs = self.program.cidrs.iter().take(1).map(|c| Cidr {
            name: c.name.clone(),
            blocks: vec![block("10.20.0.0/16"), block("192.0.2.0/24")],
            except: vec![block("10.20.30.0/24")],
        });
        let cidrs: Vec<Cidr> = cidrs.collect();
        let when = |list: &[IpNet], text: &str| if list.is_empty() { Vec::new() } else { vec![block(text)] };
        let apiserver = when(&self.program.platform.apiserver, "10.20.0.1/32");
        let nodes = when(&self.program.platform.nodes, "203.0.113.128/25");
        let name = "staging".to_string();
        self.program.environments.push(Environment { name, namespaces, cidrs, apiserver, nodes });
    }
}

fn bare(name: &str, kind: Kind) -> Namespace {
    Namespace {
        name: name.to_string(),
        actual: name.to_string(),
        kind,
        stated: BTreeMap::new(),
        label: None,
        dns: None,
        isolates: Vec::new(),
        tiers: Vec::new(),
        groups: Vec::new(),
        cidrs: Vec::new(),
    }
}

fn tiers_of(program: &Program, namespace: &str) -> Vec<Endpoint> {
    let tier = |t: &Tier| Endpoint::Tier(Name { namespace: Some(namespace.to_string()), name: t.name.clone() });
    program.namespace(namespace).tiers.iter().map(tier).collect()
}

fn global(name: &str) -> Name {
    Name { namespace: None, name: name.to_string() }
}

fn is(key: &str, value: &str) -> Requirement {
    Requirement::Is(key.to_string(), value.to_string())
}

fn nets(rng: &mut Rng, texts: &[&str]) -> Vec<IpNet> {
    let count = rng.between(1, 2);
    rng.some(texts, count).into_iter().map(block).collect()
}
