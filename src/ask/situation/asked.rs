//! What is asked for on the command line.

use super::name::{LabelBraces, ranges};
use crate::cluster::Labels;
use crate::engine::Told;
use crate::net::{AddressSet, Peers, is_dns_label, is_label_value, wrong_label_key};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An end that somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// By name: `frontend`, `shop/frontend`, `shop/frontend[Deployment]`, `shop/*`, `internet`.
    Name(String),
    /// One pod with exactly these labels: `shop/{app=web,tier=front}`, perhaps in a namespace with some labels:
    /// `shop{team=x}/{app=web}`.
    Pod {
        /// Its namespace.
        namespace: Arc<str>,
        /// What is said of the labels of its namespace, beside its name.
        beside: Labels,
        /// Its labels.
        labels: Labels,
    },
    /// Addresses: `10.0.0.7`, `10.0.0.0/8`.
    Addresses(AddressSet),
    /// The pods and addresses that are asked for names, wherever they are.
    DnsServers(Vec<Peers>),
    /// The pods that were given and have one of these addresses.
    PodsAt(AddressSet),
    /// A pod that was given, by its own namespace and name, whoever runs it.
    Seen(Arc<str>, Arc<str>),
    /// The pods behind a Service.
    Behind {
        /// Its namespace and name.
        service: String,
        /// They.
        pods: Vec<Peers>,
    },
    /// All of these, of which none is several again: `{web, shop/api}`.
    Several(Vec<Asked>),
}

/// One pod that somebody asks about, as [`Asked::Pod`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskedPod<'a> {
    /// Its namespace.
    pub namespace: &'a Arc<str>,
    /// What is said of the labels of its namespace, beside its name.
    pub beside: &'a Labels,
    /// Its labels.
    pub labels: &'a Labels,
}

impl Asked {
    /// What is asked for, one by one.
    pub fn each(&self) -> &[Asked] {
        match self {
            Asked::Several(all) => all,
            one @ (Asked::Name(_)
            | Asked::Pod { .. }
            | Asked::Addresses(_)
            | Asked::DnsServers(_)
            | Asked::PodsAt(_)
            | Asked::Seen(..)
            | Asked::Behind { .. }) => std::slice::from_ref(one),
        }
    }

    /// The namespace that a name is of, where it says that.
    pub fn namespace(&self) -> Option<Arc<str>> {
        let (home, _) = self.name()?.split_once('/')?;
        is_dns_label(home).then(|| home.into())
    }

    /// The name, where it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Asked::Name(name) => Some(name),
            Asked::Pod { .. }
            | Asked::Addresses(_)
            | Asked::DnsServers(_)
            | Asked::PodsAt(_)
            | Asked::Seen(..)
            | Asked::Behind { .. }
            | Asked::Several(_) => None,
        }
    }

    /// The pod, where it is one of given labels.
    pub fn pod(&self) -> Option<AskedPod<'_>> {
        match self {
            Asked::Pod { namespace, beside, labels } => Some(AskedPod { namespace, beside, labels }),
            Asked::Name(_)
            | Asked::Addresses(_)
            | Asked::DnsServers(_)
            | Asked::PodsAt(_)
            | Asked::Seen(..)
            | Asked::Behind { .. }
            | Asked::Several(_) => None,
        }
    }

    /// The addresses, where they are given.
    pub fn addresses(&self) -> Option<&AddressSet> {
        match self {
            Asked::Addresses(addresses) => Some(addresses),
            Asked::Name(_)
            | Asked::Pod { .. }
            | Asked::DnsServers(_)
            | Asked::PodsAt(_)
            | Asked::Seen(..)
            | Asked::Behind { .. }
            | Asked::Several(_) => None,
        }
    }

    /// The labels or addresses of those who are asked for by neither a name nor labels.
    pub fn peers(&self) -> Vec<Peers> {
        match self {
            Asked::Addresses(addresses) => vec![Peers::Addresses(addresses.clone())],
            Asked::DnsServers(all) | Asked::Behind { pods: all, .. } => all.clone(),
            Asked::Name(_) | Asked::Pod { .. } | Asked::PodsAt(_) | Asked::Seen(..) | Asked::Several(_) => Vec::new(),
        }
    }

    /// What pods have to be told apart by for it.
    pub(super) fn told(&self) -> Option<Told> {
        match self {
            // Pods of one workload that are not alike are told apart anyway.
            Asked::Name(text) => {
                let whole = text.find("]{").and_then(|at| text.get(..=at)).unwrap_or(text);
                Some(Told::Called(whole.to_owned()))
            }
            Asked::PodsAt(addresses) => Some(Told::At(addresses.clone())),
            Asked::Seen(namespace, name) => Some(Told::Pod(namespace.clone(), name.clone())),
            Asked::Pod { .. }
            | Asked::Addresses(_)
            | Asked::DnsServers(_)
            | Asked::Behind { .. }
            | Asked::Several(_) => None,
        }
    }

    /// What a text asks for; an error says what is wrong with labels.
    pub fn parse(text: &str) -> Result<Asked, String> {
        if text.is_empty() {
            return Err("a name is missing: write `shop/web`, `shop/{app=web}` or `10.0.0.7`".to_owned());
        }
        if let Ok(net) = text.parse::<IpNet>() {
            if net != net.trunc() {
                let (whole, one) = (net.trunc(), net.addr());
                return Err(format!(
                    "`{text}` is an address inside a block: write the block `{whole}`, or the address `{one}`"
                ));
            }
            return Ok(Asked::Addresses(AddressSet::from_net(net)));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Asked::Addresses(AddressSet::from_net(address.into())));
        }
        if let Some(list) = text.strip_prefix('{') {
            return several(text, list);
        }
        let Some((home, rest)) = text.split_once("/{") else { return Ok(Asked::Name(text.to_owned())) };
        let (namespace, beside) = match home.split_once('{') {
            // All namespaces, or those of some labels, whatever they are called.
            None if home == "*" => return Ok(Asked::Name(text.to_owned())),
            Some(("*", _)) => return Ok(Asked::Name(text.to_owned())),
            None => (home, Labels::new()),
            Some((namespace, list)) => (namespace, labels(text, list)?),
        };
        if !is_dns_label(namespace) {
            return Err(format!(
                "`{namespace}` is not a namespace: a name has 1 to 63 lower case letters, digits or `-`, and starts and ends \
                 with a letter or digit"
            ));
        }
        if let Some(members) = members_of_namespace(rest) {
            let members: Vec<String> = members.into_iter().map(|member| format!("{namespace}/{member}")).collect();
            return Err(format!("`{text}` has names where labels belong: write `{{{}}}`", members.join(", ")));
        }
        Ok(Asked::Pod { namespace: namespace.into(), beside, labels: labels(text, rest)? })
    }
}

/// What stands in braces, as in a flow.
fn several(text: &str, list: &str) -> Result<Asked, String> {
    let Some(list) = list.strip_suffix('}') else {
        return Err(format!("the braces of `{text}` are never closed: write `{{web, api}}`"));
    };
    if list.contains('=') && !list.contains('{') {
        return Err(format!("in which namespace? write `NAMESPACE/{text}`"));
    }
    let mut members = Vec::new();
    for member in members_of(list) {
        members.extend_from_slice(Asked::parse(member)?.each());
    }
    match members.is_empty() {
        true => Err(format!("`{text}` is nobody: write `{{web, api}}`")),
        false => Ok(Asked::Several(members)),
    }
}

/// The names of a list of names behind a namespace, as in `shop/{web, api}`.
fn members_of_namespace(list: &str) -> Option<Vec<&str>> {
    let members = members_of(list.strip_suffix('}')?);
    (members.len() > 1 && members.iter().all(|member| is_dns_label(member))).then_some(members)
}

/// The members of a list, of which some have labels in braces of their own.
fn members_of(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let members = list.split(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    members.map(str::trim).filter(|member| !member.is_empty()).collect()
}

/// The labels of a list, up to the brace that closes it.
fn labels(text: &str, list: &str) -> Result<Labels, String> {
    let Some(list) = list.strip_suffix('}') else {
        return Err(format!("the labels of `{text}` are never closed: write `shop/{{app=web}}`"));
    };
    let mut labels = Labels::new();
    for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = label(pair)?;
        if labels.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(format!("`{pair}` is not a label of its own: write each key once, as in `key=value`"));
        }
    }
    Ok(labels)
}

/// A label that a pod has: `key=value`, or `key==value` as `kubectl` has it. What only a selector says is none.
fn label(pair: &str) -> Result<(&str, &str), String> {
    let Some((key, value)) = pair.split_once("==").or_else(|| pair.split_once('=')) else {
        return Err(format!("`{pair}` is not a label: write `key=value`"));
    };
    let (key, value) = (key.trim(), value.trim());
    if key.ends_with('!') {
        return Err(format!(
            "`{pair}` is not a label: a pod has the labels that are listed and no other, as in `key=value`"
        ));
    }
    if let Some(why) = wrong_label_key(key) {
        return Err(format!("`{key}` is not a label key: {why}"));
    }
    if !is_label_value(value) {
        return Err(format!(
            "`{value}` is not a label value: it has at most 63 letters, digits, `-`, `_` or `.`, and starts and ends with a \
             letter or digit"
        ));
    }
    Ok((key, value))
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Name(text) => f.write_str(text),
            Asked::Pod { namespace, beside, labels } if beside.is_empty() => {
                write!(f, "{namespace}/{}", LabelBraces(labels))
            }
            Asked::Pod { namespace, beside, labels } => {
                write!(f, "{namespace}{}/{}", LabelBraces(beside), LabelBraces(labels))
            }
            Asked::Addresses(addresses) => f.write_str(&ranges(addresses)),
            Asked::DnsServers(_) => f.write_str("(DNS servers)"),
            Asked::PodsAt(addresses) => write!(f, "(pods at {})", ranges(addresses)),
            Asked::Seen(namespace, name) => write!(f, "(pod {namespace}/{name})"),
            Asked::Behind { service, .. } => write!(f, "(pods of Service {service})"),
            Asked::Several(all) => {
                let members: Vec<String> = all.iter().map(ToString::to_string).collect();
                write!(f, "{{{}}}", members.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_labels_of_a_pod_are_those_that_it_can_have() {
        let long = "a".repeat(64);
        for (text, read) in [
            ("b/{app=y}", "b/{app=y}"),
            ("b/{app==y}", "b/{app=y}"),
            ("b/{ app == y , t= }", "b/{app=y,t=}"),
            ("b{team==x}/{a.b/c=y}", "b{team=x}/{a.b/c=y}"),
            ("b/{}", "b/{}"),
            ("*/{app=y}", "*/{app=y}"),
            ("*{team=x}/{app=y}", "*{team=x}/{app=y}"),
        ] {
            assert_eq!(Asked::parse(text).map(|asked| asked.to_string()), Ok(read.to_owned()), "{text}");
        }
        let long = [format!("b/{{app={long}}}"), format!("b/{{{long}=x}}"), format!("{long}/{{app=x}}")];
        let wrong = [
            "b/{app===y}",
            "b/{app!=y}",
            "b/{app=a=b}",
            "b/{app=-z}",
            "b/{app=z.}",
            "b/{App!x=y}",
            "b/{a/b/c=y}",
            "b/{A.b/c=y}",
            "b/{/c=y}",
            "b/{=y}",
            "b/{==y}",
            "b/{app in (y)}",
            "b/{!app}",
            "b/{app=\"y\"}",
            "B/{app=y}",
            "b_c/{app=y}",
            "/{app=y}",
            "b.c/{app=y}",
            "a/b/{app=y}",
            "b{team!=x}/{app=y}",
            "{web, b/{app=-z}}",
        ];
        for text in wrong.into_iter().chain(long.iter().map(String::as_str)) {
            assert!(Asked::parse(text).is_err(), "{text}");
        }
    }
}
