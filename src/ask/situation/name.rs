//! What ends are called.

use crate::cluster::{Kind, Labels};
use crate::flow::public_addresses;
use crate::net::{AddressSet, Requirement, Selector};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What ends are called. Pods come before addresses, and sort by namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupName {
    /// A declared tier.
    Tier(Arc<str>, Arc<str>),
    /// A workload of a namespace. Only when its pods are not all alike, the labels that tell these from the others.
    Workload(Arc<str>, Arc<str>, Kind, Option<Labels>),
    /// Pods of a kind: the namespace or `None` for those that nothing names, what labels the namespace has beside its
    /// name, and an example of the pods' own.
    Pods(Option<Arc<str>>, Labels, Labels),
    /// What policies select, where nothing names it: in the namespace of a name, or in those of some labels, pods of
    /// some labels.
    Selected(Option<Arc<str>>, Selector, Selector),
    /// All pods of the namespaces that a program knows by labels.
    Labelled(Arc<str>),
    /// The DNS servers in a namespace that no tier names.
    Dns(Arc<str>),
    /// All pods of a namespace that have no name of their own; `None`: of all namespaces without one.
    Rest(Option<Arc<str>>),
    /// A declared address list, perhaps of a namespace.
    Cidr(Option<Arc<str>>, Arc<str>),
    /// A built-in endpoint.
    BuiltIn(&'static str),
    /// Addresses without a name.
    Addresses(AddressSet),
    /// All addresses that nothing names.
    OtherAddresses,
}

/// A workload by its name, as [`GroupName::Workload`].
#[derive(Debug, Clone, Copy)]
pub struct NamedWorkload<'a> {
    /// Its namespace.
    pub namespace: &'a Arc<str>,
    /// Its own name.
    pub name: &'a Arc<str>,
    /// What runs the pods.
    pub kind: &'a Kind,
    /// Where only some of its pods are meant: the labels that tell these from the others.
    pub some: Option<&'a Labels>,
}

impl GroupName {
    /// The namespace of pods.
    pub fn namespace(&self) -> Option<&Arc<str>> {
        match self {
            GroupName::Tier(namespace, _)
            | GroupName::Workload(namespace, ..)
            | GroupName::Labelled(namespace)
            | GroupName::Dns(namespace) => Some(namespace),
            GroupName::Pods(namespace, ..) | GroupName::Selected(namespace, ..) | GroupName::Rest(namespace) => {
                namespace.as_ref()
            }
            GroupName::Cidr(..) | GroupName::BuiltIn(_) | GroupName::Addresses(_) | GroupName::OtherAddresses => None,
        }
    }

    /// The namespace of pods, with what labels it has beside its name.
    pub fn home(&self) -> Option<String> {
        match self {
            GroupName::Pods(namespace, beside, _) => {
                let name = namespace.as_deref().unwrap_or("(other namespaces)");
                Some(if beside.is_empty() { name.to_owned() } else { format!("{name}{}", LabelBraces(beside)) })
            }
            GroupName::Selected(None, namespaces, _) => Some(format!("*{}", selector_text(namespaces))),
            GroupName::Tier(..)
            | GroupName::Workload(..)
            | GroupName::Selected(..)
            | GroupName::Labelled(_)
            | GroupName::Dns(_)
            | GroupName::Rest(_)
            | GroupName::Cidr(..)
            | GroupName::BuiltIn(_)
            | GroupName::Addresses(_)
            | GroupName::OtherAddresses => self.namespace().map(ToString::to_string),
        }
    }

    /// Whether it is pods.
    pub fn is_pods(&self) -> bool {
        use GroupName::{Addresses, BuiltIn, Cidr, OtherAddresses};
        !matches!(self, Cidr(..) | BuiltIn(_) | Addresses(_) | OtherAddresses)
    }

    /// The name of all pods of a workload, when it is that of some of them.
    pub fn whole(&self) -> GroupName {
        match self.workload() {
            Some(workload) => {
                GroupName::Workload(workload.namespace.clone(), workload.name.clone(), workload.kind.clone(), None)
            }
            None => self.clone(),
        }
    }

    /// The workload, where it is one or some of its pods.
    pub fn workload(&self) -> Option<NamedWorkload<'_>> {
        match self {
            GroupName::Workload(namespace, name, kind, some) => {
                Some(NamedWorkload { namespace, name, kind, some: some.as_ref() })
            }
            GroupName::Tier(..)
            | GroupName::Pods(..)
            | GroupName::Selected(..)
            | GroupName::Labelled(_)
            | GroupName::Dns(_)
            | GroupName::Rest(_)
            | GroupName::Cidr(..)
            | GroupName::BuiltIn(_)
            | GroupName::Addresses(_)
            | GroupName::OtherAddresses => None,
        }
    }

    /// The name without the namespace.
    pub fn short(&self) -> String {
        match self {
            GroupName::Tier(_, name) | GroupName::Cidr(_, name) => name.to_string(),
            GroupName::Workload(_, name, kind, None) => format!("{name}[{}]", kind.as_str()),
            GroupName::Workload(_, name, kind, Some(labels)) => {
                format!("{name}[{}]{}", kind.as_str(), LabelBraces(labels))
            }
            GroupName::Pods(_, _, labels) if labels.is_empty() => "(other pods)".to_owned(),
            GroupName::Pods(_, _, labels) => LabelBraces(labels).to_string(),
            GroupName::Selected(.., labels) if labels.is_everything() => "*".to_owned(),
            GroupName::Selected(.., labels) => selector_text(labels),
            GroupName::Labelled(_) => "*".to_owned(),
            GroupName::Dns(_) => "(DNS servers)".to_owned(),
            GroupName::Rest(_) => "(other pods)".to_owned(),
            GroupName::BuiltIn(name) => (*name).to_owned(),
            GroupName::Addresses(addresses) => ranges(addresses),
            GroupName::OtherAddresses => "(other addresses)".to_owned(),
        }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupName::Rest(None) => f.write_str("(other namespaces)"),
            GroupName::Cidr(Some(namespace), name) => write!(f, "{namespace}/{name}"),
            GroupName::Tier(..)
            | GroupName::Workload(..)
            | GroupName::Pods(..)
            | GroupName::Selected(..)
            | GroupName::Labelled(_)
            | GroupName::Dns(_)
            | GroupName::Rest(_)
            | GroupName::Cidr(..)
            | GroupName::BuiltIn(_)
            | GroupName::Addresses(_)
            | GroupName::OtherAddresses => match self.home() {
                Some(home) => write!(f, "{home}/{}", self.short()),
                None => f.write_str(&self.short()),
            },
        }
    }
}

/// Labels as questions write them: `{app=web,tier=front}`.
pub(super) struct LabelBraces<'a>(pub &'a Labels);

impl fmt::Display for LabelBraces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
        write!(f, "{{{}}}", pairs.join(","))
    }
}

/// A selector as questions write labels, where it is of labels that are equal to something, and else as the language does.
pub fn selector_text(selector: &Selector) -> String {
    if selector.is_everything() {
        return String::new();
    }
    let pair = |requirement| match requirement {
        Requirement::Equals(key, value) => Some((key.to_string(), value.to_string())),
        Requirement::In(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => None,
    };
    let labels: Option<Labels> = selector.each_requirement().map(pair).collect();
    labels.map_or_else(|| format!("({selector})"), |labels| LabelBraces(&labels).to_string())
}

/// What the language calls public addresses.
pub const INTERNET: &str = "internet";

/// All addresses.
const EVERY_ADDRESS: &str = "(every address)";

/// Addresses by their name, as blocks when they are few, and as ranges otherwise.
pub(super) fn ranges(addresses: &AddressSet) -> String {
    if addresses.has_all() {
        return EVERY_ADDRESS.to_owned();
    }
    if addresses == public_addresses() {
        return INTERNET.to_owned();
    }
    if addresses.has_unlisted() {
        let listed = addresses.listed();
        let unlisted = addresses.unlisted_text();
        return if listed.is_empty() { unlisted } else { format!("{}, {unlisted}", ranges(&listed)) };
    }
    let nets = addresses.to_nets();
    let count = addresses.v4().len() + addresses.v6().len();
    if nets.len() <= count.max(3) {
        return nets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    let range = |low: IpAddr, high: IpAddr| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let v4 = addresses
        .v4()
        .iter()
        .map(|&(low, high)| range(IpAddr::from(low.to_be_bytes()), IpAddr::from(high.to_be_bytes())));
    let v6 = addresses
        .v6()
        .iter()
        .map(|&(low, high)| range(IpAddr::from(low.to_be_bytes()), IpAddr::from(high.to_be_bytes())));
    v4.chain(v6).collect::<Vec<_>>().join(", ")
}
