//! What is asked for on the command line.

use super::name::{Braces, ranges};
use crate::cluster::Labels;
use crate::net::{AddressSet, Peers};
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
    /// All of these, of which none is several again: `{web, shop/api}`.
    Several(Vec<Asked>),
}

impl Asked {
    /// What is asked for, one by one.
    pub fn each(&self) -> &[Asked] {
        match self {
            Asked::Several(all) => all,
            one => std::slice::from_ref(one),
        }
    }

    /// The namespace of a single pod, and what is said of its labels.
    pub fn namespace(&self) -> Option<(&Arc<str>, &Labels)> {
        match self {
            Asked::Pod { namespace, beside, .. } => Some((namespace, beside)),
            Asked::Name(_) | Asked::Addresses(_) | Asked::DnsServers(_) | Asked::Several(_) => None,
        }
    }

    /// What a text asks for; an error says what is wrong with labels.
    pub fn parse(text: &str) -> Result<Asked, String> {
        if text.is_empty() {
            return Err("a name is missing: write `shop/web`, `shop/{app=web}` or `10.0.0.7`".to_owned());
        }
        if let Ok(net) = text.parse::<IpNet>() {
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
            None => (home, Labels::new()),
            // The namespaces of some labels, whatever they are called.
            Some(("*", _)) => return Ok(Asked::Name(text.to_owned())),
            Some((namespace, list)) => (namespace, labels(text, list)?),
        };
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
        let Some((key, value)) = pair.split_once('=') else {
            return Err(format!("`{pair}` is not a label: write `key=value`"));
        };
        if key.trim().is_empty() || labels.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(format!("`{pair}` is not a label of its own: write each key once, as in `key=value`"));
        }
    }
    Ok(labels)
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Name(text) => f.write_str(text),
            Asked::Pod { namespace, beside, labels } if beside.is_empty() => {
                write!(f, "{namespace}/{}", Braces(labels))
            }
            Asked::Pod { namespace, beside, labels } => {
                write!(f, "{namespace}{}/{}", Braces(beside), Braces(labels))
            }
            Asked::Addresses(addresses) => f.write_str(&ranges(addresses)),
            Asked::DnsServers(_) => f.write_str("(DNS servers)"),
            Asked::Several(all) => {
                let members: Vec<String> = all.iter().map(ToString::to_string).collect();
                write!(f, "{{{}}}", members.join(", "))
            }
        }
    }
}
