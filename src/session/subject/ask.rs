//! The ends of a question: from the words of the command line to the ends of a world, or to what is wrong with them.

use super::unknown::quoted;
use super::{AskedPorts, Subject};
use crate::ask::{Asked, Ends, Everyone, INTERNET, NotFound, Situation};
use crate::engine::EndId;
use crate::flow::public_addresses;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The second end of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedTarget {
    /// Who.
    pub asked: Asked,
    /// The ports after the colon.
    pub ports: Option<AskedPorts>,
}

impl Subject {
    /// What a text asks for. The error is a sentence.
    pub fn asked(&self, text: &str) -> Result<Asked, String> {
        // A program has a name for them, and may take some away.
        if self.flows().is_none() && text == INTERNET {
            return Ok(Asked::Addresses(public_addresses().clone()));
        }
        let within = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        address(within)?.map_or_else(|| Asked::parse(text), Ok)
    }

    /// Reads `TO` or `TO:PORTS`; an IPv6 address with ports stands in brackets. The error is a sentence.
    pub fn target(&self, text: &str) -> Result<AskedTarget, String> {
        if text.contains("->") {
            return Err(format!(
                "one connection is asked about at a time: `{text}` is one more, with an end of its own"
            ));
        }
        // Addresses have colons of their own.
        if let Some(asked) = address(text)? {
            return Ok(AskedTarget { asked, ports: None });
        }
        let (who, ports) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((within, rest)) => match (address(within)?, rest.strip_prefix(':')) {
                (Some(_), ports) if ports.is_some() || rest.is_empty() => (within, ports),
                _ => return Err(format!("`{text}` is no address with ports: write `[2001:db8::1]:443`")),
            },
            None if text.starts_with('[') => {
                return Err(format!("the bracket of `{text}` is never closed: write `[2001:db8::1]:443`"));
            }
            None => match split_ports(text) {
                Some((_, "")) => return Err(format!("which ports? `{text}` ends with a colon")),
                Some((who, ports)) => (who, Some(ports)),
                None => (text, None),
            },
        };
        let asked = self.asked(who)?;
        let ports = ports.map(AskedPorts::parse).transpose()?;
        let ports = ports.map(|ports| match self.model() {
            Some(model) => ports.with_sets_of(model, &asked),
            None => ports,
        });
        Ok(AskedTarget { asked, ports })
    }

    /// The ends that are asked for in a situation that was made for them. The error is a sentence that says what to
    /// write instead.
    pub fn find(&self, situation: &Situation, asked: &Asked) -> Result<Vec<EndId>, String> {
        if let Asked::Several(all) = asked {
            let found = all.iter().map(|one| self.find(situation, one)).collect::<Result<Vec<_>, _>>()?;
            let found: BTreeSet<EndId> = found.into_iter().flatten().collect();
            return Ok(found.into_iter().collect());
        }
        let text = asked.to_string();
        let found = situation.find(asked).map_err(|NotFound { candidates }| {
            if !candidates.is_empty() {
                return format!("`{text}` can be any of {}; write one of them", quoted(&candidates));
            }
            self.unknown(&situation.names(), &text)
        })?;
        if found.is_empty() {
            let whose = if self.is_of_cluster() { "of the cluster" } else { "that were given" };
            return Err(format!("none of the pods {whose} is of `{text}`"));
        }
        Ok(found)
    }

    /// The same among all pods that could exist.
    pub fn find_among(&self, everyone: &Everyone<'_>, asked: &Asked) -> Result<Vec<Ends>, String> {
        for one in asked.each() {
            self.find_one_among(everyone, one)?;
        }
        Ok(everyone.find(asked).unwrap_or_default())
    }

    fn find_one_among(&self, everyone: &Everyone<'_>, asked: &Asked) -> Result<Vec<Ends>, String> {
        let text = asked.to_string();
        everyone.find(asked).map_err(|NotFound { candidates }| match candidates.is_empty() {
            true => self.unknown(&everyone.names(), &text),
            false => format!("`{text}` can be any of {}; write one of them", quoted(&candidates)),
        })
    }
}

/// The addresses that a text is, if it is some and not a name.
fn address(text: &str) -> Result<Option<Asked>, String> {
    let is_address = text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
    is_address.then(|| Asked::parse(text)).transpose()
}

/// `TO` and `PORTS`. What stands in the braces of several ends is theirs.
fn split_ports(text: &str) -> Option<(&str, &str)> {
    let start = if text.starts_with('{') { text.rfind('}').unwrap_or(0) } else { 0 };
    // The braces of ports stand behind the colon.
    let start = if text.get(..start).is_some_and(|before| before.contains("}:")) { text.find("}:")? } else { start };
    let colon = start + text.get(start..)?.find(':')?;
    Some((text.get(..colon)?, text.get(colon + 1..)?))
}
