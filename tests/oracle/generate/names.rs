//! Names that Polder makes up itself, drawn by programs: what the compiler calls something must never be taken for what
//! somebody declared.

use super::super::evaluate::{Direction, Protocol};
use super::super::program::{Dns, Endpoint, Flow, Isolate, Kind, Name, Port, PortSpec, Preset, Program};
use super::Maker;

/// Words of which the compiler makes the names of policies, or that stand between the parts of one.
pub(crate) const COINED: [&str; 12] =
    ["dns", "strict-dns", "all-pods", "all", "to", "from", "here", "program", "pods", "strict", "ingress", "egress"];

/// Those of the namespaces that the compiler knows by name.
const FIXED: [&str; 2] = ["kube-system", "openshift-dns"];

impl Maker {
    /// Renames some tiers, namespaces and lists to words of the compiler's own.
    pub(super) fn coined_names(&mut self) {
        if !self.rng.chance(50) {
            return;
        }
        self.isolate_some_dns_pods();
        for at in 0..self.program.namespaces.len() {
            let namespace = &self.program.namespaces[at];
            let owner = namespace.name.clone();
            let names: Vec<String> = namespace.tiers.iter().map(|tier| tier.name.clone()).collect();
            for name in names {
                let dns = name == "my-dns";
                if self.rng.chance(if dns { 60 } else { 30 }) {
                    let words = if dns { &COINED[..2] } else { &COINED[..] };
                    let word = self.rng.pick(words).to_string();
                    self.rename_local(&owner, &name, &word);
                }
            }
            if !FIXED.contains(&owner.as_str()) && self.rng.chance(25) {
                let word = self.rng.pick(&COINED[..8]).to_string();
                self.rename_namespace(&owner, &word);
            }
        }
        for name in ["office", "ours"] {
            if self.rng.chance(20) {
                let word = self.rng.pick(&["here", "program", "all-pods", "dns"]).to_string();
                self.rename_global(name, &word);
            }
        }
    }

    /// Isolates the pods of another tier than that of the DNS pods, some of which are in both, and connects somebody to
    /// the latter: policies then select the DNS pods that are in a tier for two reasons.
    fn isolate_some_dns_pods(&mut self) {
        let ours = self.pods(true);
        let program = &mut self.program;
        let Some(namespace) = program.namespaces.iter_mut().find(|one| one.name == FIXED[0]) else { return };
        let others: Vec<String> =
            namespace.tiers.iter().map(|tier| tier.name.clone()).filter(|name| name != "my-dns").collect();
        if namespace.kind != Kind::Managed || others.is_empty() || !self.rng.chance(50) {
            return;
        }
        let tiers = vec![self.rng.pick(&others).clone()];
        namespace.isolates = vec![Isolate { directions: vec![Direction::Ingress], tiers }];
        let dns = Name { namespace: Some(namespace.name.clone()), name: "my-dns".to_string() };
        let ports = program.tier(&dns).ports.is_empty().then(|| vec![PortSpec::Port(Port::EveryOf(Protocol::Udp))]);
        let source = self.rng.pick(&ours).clone();
        program.flows.push(Flow { side: None, source, destination: Endpoint::Tier(dns), ports });
    }

    fn rename_local(&mut self, owner: &str, from: &str, to: &str) {
        let program = &mut self.program;
        let namespace = program.namespaces.iter_mut().find(|one| one.name == owner).unwrap();
        let groups = namespace.groups.iter().map(|group| &group.name);
        let cidrs = namespace.cidrs.iter().map(|cidr| &cidr.name);
        if namespace.tiers.iter().map(|tier| &tier.name).chain(groups).chain(cidrs).any(|name| name == to) {
            return;
        }
        namespace.tiers.iter_mut().filter(|tier| tier.name == from).for_each(|tier| tier.name = to.to_string());
        let isolated = namespace.isolates.iter_mut().flat_map(|isolate| &mut isolate.tiers);
        isolated.filter(|tier| *tier == from).for_each(|tier| *tier = to.to_string());
        rename(program, &mut |name, _| {
            if name.namespace.as_deref() == Some(owner) && name.name == from {
                name.name = to.to_string();
            }
        });
    }

    fn rename_namespace(&mut self, from: &str, to: &str) {
        let program = &mut self.program;
        if program.namespaces.iter().any(|one| one.name == to) {
            return;
        }
        for namespace in program.namespaces.iter_mut().filter(|one| one.name == from) {
            namespace.name = to.to_string();
            if !matches!(namespace.kind, Kind::Matching(_)) {
                namespace.actual = to.to_string();
            }
        }
        let renamed = program.environments.iter_mut().flat_map(|environment| &mut environment.namespaces);
        renamed.filter(|r| r.from == from).for_each(|r| r.from = to.to_string());
        rename(program, &mut |name, _| {
            if name.namespace.as_deref() == Some(from) {
                name.namespace = Some(to.to_string());
            }
        });
    }

    fn rename_global(&mut self, from: &str, to: &str) {
        let program = &mut self.program;
        let cidrs = program.cidrs.iter_mut().map(|cidr| &mut cidr.name);
        let replaced = program.environments.iter_mut().flat_map(|one| &mut one.cidrs).map(|cidr| &mut cidr.name);
        let mut globals: Vec<&mut String> =
            cidrs.chain(replaced).chain(program.groups.iter_mut().map(|group| &mut group.name)).collect();
        if globals.iter().any(|name| *name == to) {
            return;
        }
        globals.iter_mut().filter(|name| **name == from).for_each(|name| **name = to.to_string());
        rename(program, &mut |name, is_tier| {
            if name.namespace.is_none() && !is_tier && name.name == from {
                name.name = to.to_string();
            }
        });
    }
}

/// Gives every reference of a program to `change`, and whether it is one to a tier.
fn rename(program: &mut Program, change: &mut dyn FnMut(&mut Name, bool)) {
    for flow in &mut program.flows {
        [&mut flow.source, &mut flow.destination].into_iter().for_each(|end| rename_in(end, change));
    }
    let local = program.namespaces.iter_mut().flat_map(|namespace| &mut namespace.groups);
    let members = program.groups.iter_mut().chain(local).flat_map(|group| &mut group.members);
    members.for_each(|member| rename_in(member, change));
    let settings = program.namespaces.iter_mut().filter_map(|namespace| namespace.dns.as_mut());
    for Dns { preset, .. } in settings.chain(&mut program.platform.dns) {
        if let Preset::Tier(name, _) = preset {
            change(name, true);
        }
    }
}

fn rename_in(endpoint: &mut Endpoint, change: &mut dyn FnMut(&mut Name, bool)) {
    match endpoint {
        Endpoint::Tier(name) => change(name, true),
        Endpoint::Group(name) | Endpoint::Cidr(name) => change(name, false),
        Endpoint::Pods(namespace) => {
            let mut name = Name { namespace: Some(namespace.clone()), name: String::new() };
            change(&mut name, false);
            *namespace = name.namespace.unwrap();
        }
        Endpoint::Set(members) => members.iter_mut().for_each(|member| rename_in(member, change)),
        Endpoint::Cluster | Endpoint::Internet | Endpoint::Anywhere | Endpoint::ApiServer | Endpoint::Nodes => {}
    }
}
