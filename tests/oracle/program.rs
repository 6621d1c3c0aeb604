//! Polder programs as a small tree of the oracle's own.

use super::evaluate::{self, Direction, Labels, NAME_LABEL, Operator, Protocol};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// A whole program. References are by name; names are unique in their scope.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// The seed of its formatting.
    pub style: u64,
    pub platform: Platform,
    /// `label KEY` at file level.
    pub label: Option<String>,
    pub namespaces: Vec<Namespace>,
    pub cidrs: Vec<Cidr>,
    pub groups: Vec<Group>,
    pub port_sets: Vec<PortSet>,
    pub flows: Vec<Flow>,
    pub environments: Vec<Environment>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Platform {
    pub cni: Option<String>,
    pub dns: Option<Dns>,
    pub apiserver: Vec<IpNet>,
    pub nodes: Vec<IpNet>,
    pub pods: Vec<IpNet>,
    pub services: Vec<IpNet>,
}

#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    /// The name in the program.
    pub name: String,
    /// The name in the cluster, which an environment can change.
    pub actual: String,
    pub kind: Kind,
    /// The labels that a managed one states: a value, or that there is no such label.
    pub stated: BTreeMap<String, Option<String>>,
    pub label: Option<String>,
    pub dns: Option<Dns>,
    pub isolates: Vec<Isolate>,
    pub tiers: Vec<Tier>,
    pub groups: Vec<Group>,
    pub cidrs: Vec<Cidr>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Managed,
    External,
    /// Every namespace whose labels match; without requirements every namespace.
    Matching(Selector),
}

#[derive(Debug, Clone)]
pub(crate) struct Tier {
    pub name: String,
    pub selector: Option<Selector>,
    pub ports: Vec<(String, Port)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cidr {
    pub name: String,
    pub blocks: Vec<IpNet>,
    pub except: Vec<IpNet>,
}

#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub name: String,
    pub members: Vec<Endpoint>,
}

#[derive(Debug, Clone)]
pub(crate) struct PortSet {
    pub name: String,
    pub ports: Vec<Port>,
}

/// `isolate DIRECTIONS [for TIER, ...]`; no directions is `none`.
#[derive(Debug, Clone)]
pub(crate) struct Isolate {
    pub directions: Vec<Direction>,
    pub tiers: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Dns {
    pub preset: Preset,
    pub addresses: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Preset {
    Cluster,
    Strict,
    OpenShift,
    Any,
    None,
    /// A tier and, when written, its port.
    Tier(Name, Option<u16>),
}

/// `namespace/name`, or a global name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub namespace: Option<String>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Tier(Name),
    Group(Name),
    Cidr(Name),
    /// `namespace/*`.
    Pods(String),
    Cluster,
    Internet,
    Anywhere,
    ApiServer,
    Nodes,
    Set(Vec<Endpoint>),
}

#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// The one side that it opens; `None` for both.
    pub side: Option<Direction>,
    pub source: Endpoint,
    pub destination: Endpoint,
    /// `None`: no ports are written, so all those that the destination lists.
    pub ports: Option<Vec<PortSpec>>,
}

/// An item of a flow's ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PortSpec {
    Port(Port),
    /// A port that the destination serves under this name.
    Served(String),
    /// A declared port set.
    Set(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Port {
    Every,
    EveryOf(Protocol),
    Range(u16, u16, Protocol),
    Container(String, Protocol),
}

#[derive(Debug, Clone)]
pub(crate) struct Environment {
    pub name: String,
    pub namespaces: Vec<Rename>,
    pub cidrs: Vec<Cidr>,
    /// Where not empty, they replace the platform's.
    pub apiserver: Vec<IpNet>,
    pub nodes: Vec<IpNet>,
}

/// `namespace NAME = NAME (LABELS)`.
#[derive(Debug, Clone)]
pub(crate) struct Rename {
    pub from: String,
    pub to: String,
    pub stated: BTreeMap<String, Option<String>>,
}

/// A selector as `kubectl -l` has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Selector(pub Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Requirement {
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    Lacks(String),
}

impl Requirement {
    /// The label that it asks about.
    pub(crate) fn key(&self) -> &str {
        match self {
            Requirement::Is(key, _)
            | Requirement::IsNot(key, _)
            | Requirement::In(key, _)
            | Requirement::NotIn(key, _)
            | Requirement::Has(key)
            | Requirement::Lacks(key) => key,
        }
    }
}

impl Selector {
    /// Whether all of it holds for these labels.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|r| match r {
            Requirement::Is(key, value) => labels.get(key) == Some(value),
            Requirement::IsNot(key, value) => labels.get(key) != Some(value),
            Requirement::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Requirement::NotIn(key, values) => !labels.get(key).is_some_and(|v| values.contains(v)),
            Requirement::Has(key) => labels.contains_key(key),
            Requirement::Lacks(key) => !labels.contains_key(key),
        })
    }

    /// The one requirement `key=value`.
    pub(crate) fn is(key: &str, value: &str) -> Selector {
        Selector(vec![Requirement::Is(key.to_string(), value.to_string())])
    }

    /// The same in the evaluator's terms.
    pub(crate) fn translated(&self) -> evaluate::Selector {
        let one = |r: &Requirement| {
            let (key, operator, values) = match r {
                Requirement::Is(key, value) => (key, Operator::In, vec![value.clone()]),
                Requirement::IsNot(key, value) => (key, Operator::NotIn, vec![value.clone()]),
                Requirement::In(key, values) => (key, Operator::In, values.clone()),
                Requirement::NotIn(key, values) => (key, Operator::NotIn, values.clone()),
                Requirement::Has(key) => (key, Operator::Exists, Vec::new()),
                Requirement::Lacks(key) => (key, Operator::DoesNotExist, Vec::new()),
            };
            evaluate::Requirement { key: key.clone(), operator, values }
        };
        evaluate::Selector { requirements: self.0.iter().map(one).collect() }
    }
}

impl Program {
    /// The program with the replacements of one of its environments.
    pub(crate) fn in_environment(&self, name: &str) -> Program {
        let mut program = self.clone();
        let environment = self.environments.iter().find(|e| e.name == name).expect("a declared environment");
        for Rename { from, to, stated } in &environment.namespaces {
            let namespace = program.namespaces.iter_mut().find(|n| n.name == *from).expect("a declared namespace");
            namespace.actual = to.clone();
            namespace.stated = stated.clone();
        }
        for cidr in &environment.cidrs {
            *program.cidrs.iter_mut().find(|c| c.name == cidr.name).expect("a declared cidr") = cidr.clone();
        }
        let Platform { apiserver, nodes, .. } = &mut program.platform;
        for (here, there) in [(apiserver, &environment.apiserver), (nodes, &environment.nodes)] {
            if !there.is_empty() {
                here.clone_from(there);
            }
        }
        program
    }

    /// A namespace by its name in the program.
    pub(crate) fn namespace(&self, name: &str) -> &Namespace {
        self.namespaces.iter().find(|n| n.name == name).expect("a declared namespace")
    }

    /// A tier by its name.
    pub(crate) fn tier(&self, name: &Name) -> &Tier {
        let namespace = self.namespace(name.namespace.as_deref().expect("a tier's namespace"));
        namespace.tiers.iter().find(|t| t.name == name.name).expect("a declared tier")
    }

    /// A group by its name.
    pub(crate) fn group(&self, name: &Name) -> &Group {
        let groups = name.namespace.as_ref().map_or(&self.groups, |n| &self.namespace(n).groups);
        groups.iter().find(|g| g.name == name.name).expect("a declared group")
    }

    /// An address list by its name.
    pub(crate) fn cidr(&self, name: &Name) -> &Cidr {
        let cidrs = name.namespace.as_ref().map_or(&self.cidrs, |n| &self.namespace(n).cidrs);
        cidrs.iter().find(|c| c.name == name.name).expect("a declared cidr")
    }

    /// The endpoint's parts that are no groups and no sets.
    pub(crate) fn parts(&self, endpoint: &Endpoint) -> Vec<Endpoint> {
        match endpoint {
            Endpoint::Group(name) => self.group(name).members.iter().flat_map(|m| self.parts(m)).collect(),
            Endpoint::Set(members) => members.iter().flat_map(|m| self.parts(m)).collect(),
            other => vec![other.clone()],
        }
    }

    /// The labels of a namespace's name or the selector that it was declared with.
    pub(crate) fn namespace_selector(&self, name: &str) -> Selector {
        let namespace = self.namespace(name);
        match &namespace.kind {
            Kind::Matching(selector) => selector.clone(),
            Kind::Managed | Kind::External => Selector::is(NAME_LABEL, &namespace.actual),
        }
    }

    /// The selector of a tier, written or not.
    pub(crate) fn tier_selector(&self, name: &Name) -> Selector {
        let tier = self.tier(name);
        let namespace = self.namespace(name.namespace.as_deref().expect("a tier's namespace"));
        let key = namespace.label.as_deref().or(self.label.as_deref()).unwrap_or("app");
        tier.selector.clone().unwrap_or_else(|| Selector::is(key, &tier.name))
    }
}

/// A block from its text.
pub(crate) fn block(text: &str) -> IpNet {
    text.parse().expect("a block")
}
