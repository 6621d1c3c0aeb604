//! Ports as the language writes them.

use super::{PortSet, Protocol};
use std::fmt;

impl fmt::Display for PortSet {
    /// `8080/tcp`, `{80, 443}/tcp`, `{53/tcp, 53/udp}`, `"web"/tcp`, `*`; what the language has no words for stands in
    /// parentheses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everything() {
            return f.write_str("*");
        }
        let mut parts: Vec<(Option<Protocol>, Vec<String>)> = Vec::new();
        for protocol in Protocol::ALL {
            let items = items(self, protocol);
            if !items.is_empty() {
                parts.push((Some(protocol), items));
            }
        }
        if self.has_others() {
            parts.push((None, vec!["(other protocols)".to_owned()]));
        }
        let suffix = |protocol: Option<Protocol>| protocol.map(|one| format!("/{}", one.keyword())).unwrap_or_default();
        match parts.as_slice() {
            [] => f.write_str("{}"),
            [(protocol, items)] => match items.as_slice() {
                [one] => write!(f, "{one}{}", suffix(*protocol)),
                items => write!(f, "{{{}}}{}", items.join(", "), suffix(*protocol)),
            },
            parts => {
                let each = parts.iter().flat_map(|(protocol, items)| {
                    items.iter().map(|item| format!("{item}{}", suffix(*protocol))).collect::<Vec<_>>()
                });
                write!(f, "{{{}}}", each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn items(ports: &PortSet, protocol: Protocol) -> Vec<String> {
    if ports.is_whole(protocol) {
        return vec!["*".to_owned()];
    }
    let range = |&(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let mut items: Vec<String> = ports.ranges(protocol).iter().map(range).collect();
    items.extend(ports.names(protocol).map(|name| format!("\"{name}\"")));
    if ports.has_unlisted_names(protocol) {
        items.push("(named ports)".to_owned());
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use Protocol::{Tcp, Udp};

    #[test]
    fn ports_are_written_as_the_language_reads_them() {
        let tcp = |numbers: &[u16]| {
            numbers.iter().fold(PortSet::empty(), |all, number| all.union(&PortSet::number(Tcp, *number)))
        };
        let dns = PortSet::number(Udp, 53).union(&tcp(&[53]));
        for (ports, text) in [
            (PortSet::everything(), "*"),
            (PortSet::empty(), "{}"),
            (PortSet::whole(Udp), "*/udp"),
            (tcp(&[8080]), "8080/tcp"),
            (tcp(&[443, 80]), "{80, 443}/tcp"),
            (dns, "{53/tcp, 53/udp}"),
            (PortSet::range(Tcp, 30000, 32767), "30000-32767/tcp"),
            (PortSet::named(Tcp, "web".into()).union(&tcp(&[80])), "{80, \"web\"}/tcp"),
            (PortSet::whole(Tcp).subtract(&PortSet::range(Tcp, 2, 65535)), "{1, (named ports)}/tcp"),
            (PortSet::everything().subtract(&PortSet::whole(Tcp)), "{*/udp, */sctp, (other protocols)}"),
        ] {
            assert_eq!(ports.to_string(), text);
        }
    }
}
