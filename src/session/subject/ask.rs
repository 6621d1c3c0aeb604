//! The ends of a question: from the words of the command line to the ends of a world, or to what is wrong with them.

use super::{AskedPorts, Subject};
use crate::ask::{Asked, Ends, Everyone, INTERNET, NotFound, Situation};
use crate::diag::closest;
use crate::engine::EndId;
use crate::flow::public_addresses;
use std::sync::Arc;

/// More names than these are not listed in a message.
const MOST_NAMES: usize = 12;

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
        let address = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        match Asked::parse(address) {
            Ok(asked @ Asked::Addresses(_)) => Ok(asked),
            _ => Asked::parse(text),
        }
    }

    /// Reads `TO` or `TO:PORTS`; an IPv6 address with ports stands in brackets. The error is a sentence.
    pub fn target(&self, text: &str) -> Result<AskedTarget, String> {
        // Addresses have colons of their own.
        if let Ok(asked @ Asked::Addresses(_)) = Asked::parse(text) {
            return Ok(AskedTarget { asked, ports: None });
        }
        let (who, ports) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => match (Asked::parse(address), rest.strip_prefix(':')) {
                (Ok(Asked::Addresses(_)), ports) if ports.is_some() || rest.is_empty() => (address, ports),
                _ => return Err(format!("`{text}` is no address with ports: write `[2001:db8::1]:443`")),
            },
            None if text.starts_with('[') => {
                return Err(format!("the bracket of `{text}` is never closed: write `[2001:db8::1]:443`"));
            }
            None => match text.split_once(':') {
                Some((who, ports)) => (who, Some(ports)),
                None => (text, None),
            },
        };
        Ok(AskedTarget { asked: self.asked(who)?, ports: ports.map(AskedPorts::parse).transpose()? })
    }

    /// The ends that are asked for in a situation that was made for them. The error is a sentence that says what to
    /// write instead.
    pub fn find(&self, situation: &Situation, asked: &Asked) -> Result<Vec<EndId>, String> {
        let text = asked.to_string();
        let found = situation.find(asked).map_err(|NotFound { candidates }| {
            if !candidates.is_empty() {
                return format!("`{text}` can be any of {}; write one of them", quoted(&candidates));
            }
            self.unknown(situation.names(), &text)
        })?;
        if found.is_empty() {
            return Err(format!("none of the pods that were given is of `{text}`"));
        }
        Ok(found)
    }

    /// The same among all pods that could exist.
    pub fn find_among(&self, everyone: &Everyone<'_>, asked: &Asked) -> Result<Vec<Ends>, String> {
        let text = asked.to_string();
        everyone.find(asked).map_err(|NotFound { candidates }| match candidates.is_empty() {
            true => self.unknown(everyone.names(), &text),
            false => format!("`{text}` can be any of {}; write one of them", quoted(&candidates)),
        })
    }

    fn unknown(&self, names: Vec<String>, text: &str) -> String {
        let is_fqdn = |name: &Arc<str>, namespace: Option<&Arc<str>>| match namespace {
            Some(namespace) => text == &**name || text == format!("{namespace}/{name}"),
            None => text == &**name,
        };
        if let Some(model) = self.model()
            && model.fqdns.iter().any(|fqdn| {
                let namespace = fqdn.namespace.and_then(|id| model.namespace(id)).map(|namespace| &namespace.name);
                is_fqdn(&fqdn.name, namespace)
            })
        {
            return format!(
                "`{text}` is a list of DNS names, and nobody knows their addresses before they are looked up; ask about \
                 an address instead, as in `203.0.113.7`"
            );
        }
        let workloads = self.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
        let outside = workloads.iter().filter(|one| one.is_called(text)).find_map(|one| Some((one, one.outside()?)));
        if let Some((workload, why)) = outside {
            return format!("nothing can be said about `{workload}`: {why}");
        }
        let nothing = match self.cluster() {
            Some(_) => "no workload is called",
            None if self.session.is_some() => "nothing in this program is called",
            None => "nothing is called",
        };
        let short = |name: &str| name.rsplit_once('/').map_or(name, |(_, short)| short).to_owned();
        let wanted = short(text);
        let near = closest(text, names.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
            let shorts: Vec<String> = names.iter().map(|name| short(name)).collect();
            let near = closest(&wanted, shorts.iter().map(String::as_str))?;
            names.iter().zip(&shorts).find(|(_, short)| *short == near).map(|(name, _)| name.clone())
        });
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.len() <= MOST_NAMES => format!("there are {}", quoted(&names)),
            None => "`polder reach --names` lists all names".to_owned(),
        };
        format!("{nothing} `{text}`; {help}")
    }
}

/// `a`, `b` and `c`; of many, only the first.
fn quoted(names: &[String]) -> String {
    let (shown, more) = match names.get(..MOST_NAMES) {
        Some(shown) if names.len() > MOST_NAMES => (shown, names.len() - MOST_NAMES),
        _ => (names, 0),
    };
    let mut words: Vec<String> = shown.iter().map(|name| format!("`{name}`")).collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
