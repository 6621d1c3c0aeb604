//! What is asked for on the command line.

use super::name::{Braces, ranges};
use crate::cluster::Labels;
use crate::net::AddressSet;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An end that somebody asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// By name: `frontend`, `shop/frontend`, `shop/frontend[Deployment]`, `shop/*`, `internet`.
    Name(String),
    /// One pod with exactly these labels: `shop/{app=web,tier=front}`.
    Pod {
        /// Its namespace.
        namespace: Arc<str>,
        /// Its labels.
        labels: Labels,
    },
    /// Addresses: `10.0.0.7`, `10.0.0.0/8`.
    Addresses(AddressSet),
}

impl Asked {
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
        // A kind of namespaces has braces of its own, and is known by name.
        let Some((namespace, rest)) = text.split_once("/{").filter(|(namespace, _)| !namespace.contains('{')) else {
            return Ok(Asked::Name(text.to_owned()));
        };
        let Some(list) = rest.strip_suffix('}') else {
            return Err(format!("the labels of `{text}` are never closed: write `{namespace}/{{app=web}}`"));
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
        Ok(Asked::Pod { namespace: namespace.into(), labels })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Name(text) => f.write_str(text),
            Asked::Pod { namespace, labels } => write!(f, "{namespace}/{}", Braces(labels)),
            Asked::Addresses(addresses) => f.write_str(&ranges(addresses)),
        }
    }
}
