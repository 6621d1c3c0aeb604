//! What a list has had already, found without going through it again: lists of others' blocks and ports are long.

use crate::net::{PortSet, Protocol};
use crate::source::Span;
use ipnet::IpNet;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The ports of a declaration so far: single numbers, ranges and names.
#[derive(Default)]
pub(super) struct ListedPorts {
    /// Where each range starts and ends; none lies in another one, so that they end in the order in which they start.
    ranges: BTreeMap<(Protocol, u16), (u16, Span)>,
    names: FxHashMap<(Protocol, Arc<str>), Span>,
}

impl ListedPorts {
    /// Adds a range or a name; gives the place of an earlier item that says all of it.
    pub(super) fn add(&mut self, item: &PortSet, span: Span) -> Option<Span> {
        Protocol::ALL.into_iter().find_map(|protocol| {
            let range = item.ranges(protocol).first().and_then(|range| self.add_range(protocol, *range, span));
            range.or_else(|| item.names(protocol).next().and_then(|name| self.add_name(protocol, name, span)))
        })
    }

    fn add_range(&mut self, protocol: Protocol, (low, high): (u16, u16), span: Span) -> Option<Span> {
        let before = self.ranges.range((protocol, 0)..=(protocol, low)).next_back();
        if let Some((_, (_, earlier))) = before.filter(|(_, (end, _))| *end >= high) {
            return Some(*earlier);
        }
        let inside = self.ranges.range((protocol, low)..=(protocol, high)).take_while(|(_, (end, _))| *end <= high);
        let inside: Vec<(Protocol, u16)> = inside.map(|(start, _)| *start).collect();
        for start in inside {
            self.ranges.remove(&start);
        }
        self.ranges.insert((protocol, low), (high, span));
        None
    }

    fn add_name(&mut self, protocol: Protocol, name: &Arc<str>, span: Span) -> Option<Span> {
        // The whole protocol has all names.
        if let Some((u16::MAX, earlier)) = self.ranges.get(&(protocol, 1)) {
            return Some(*earlier);
        }
        let earlier = self.names.get(&(protocol, name.clone())).copied();
        if earlier.is_none() {
            self.names.insert((protocol, name.clone()), span);
        }
        earlier
    }
}

/// Networks of which none lies in another one.
#[derive(Default)]
pub(super) struct Outermost(BTreeSet<IpNet>);

impl Outermost {
    /// The one that holds a network.
    pub(super) fn holder(&self, net: &IpNet) -> Option<IpNet> {
        // It sorts before whatever is inside of it, and nothing else is between.
        self.0.range(..=*net).next_back().filter(|wider| wider.contains(net)).copied()
    }

    /// The first one inside a network.
    pub(super) fn inside(&self, net: &IpNet) -> Option<IpNet> {
        self.0.range(*net..).next().filter(|other| net.contains(*other)).copied()
    }

    /// Adds a network, unless one of them holds it.
    pub(super) fn add(&mut self, net: IpNet) {
        if self.holder(&net).is_some() {
            return;
        }
        while let Some(inner) = self.inside(&net) {
            self.0.remove(&inner);
        }
        self.0.insert(net);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn span(at: usize) -> Span {
        Span::new(FileId::at(0), at..at + 1)
    }

    #[test]
    fn an_item_is_repeated_when_a_single_one_before_it_says_all_of_it() {
        let range = |low, high| PortSet::range(Protocol::Tcp, low, high);
        let name = |protocol, name: &str| PortSet::named(protocol, name.into());
        let items = [
            (range(80, 80), None),
            (range(70, 79), None),
            (range(80, 80), Some(0)),
            // Two together are none.
            (range(75, 80), None),
            (range(60, 90), None),
            (range(70, 79), Some(4)),
            (range(90, 91), None),
            (PortSet::number(Protocol::Udp, 80), None),
            (name(Protocol::Tcp, "web"), None),
            (name(Protocol::Udp, "web"), None),
            (name(Protocol::Tcp, "web"), Some(8)),
            (range(1, 65535), None),
            (name(Protocol::Tcp, "api"), Some(11)),
            (name(Protocol::Udp, "api"), None),
            (range(2, 65535), Some(11)),
        ];
        let mut listed = ListedPorts::default();
        for (at, (item, earlier)) in items.iter().enumerate() {
            assert_eq!(listed.add(item, span(at)), earlier.map(span), "{at}");
        }
    }

    #[test]
    fn networks_are_found_in_and_around_one_another() {
        let net = |text: &str| text.parse::<IpNet>().unwrap_or_default();
        let mut outermost = Outermost::default();
        for text in ["10.1.0.0/16", "10.0.0.0/24", "2001:db8::/32", "10.1.2.0/24", "10.0.0.0/16", "0.0.0.0/32"] {
            outermost.add(net(text));
        }
        assert_eq!(outermost.holder(&net("10.0.0.0/24")), Some(net("10.0.0.0/16")));
        assert_eq!(outermost.holder(&net("10.1.2.3/32")), Some(net("10.1.0.0/16")));
        assert_eq!(outermost.holder(&net("10.0.0.0/8")), None);
        assert_eq!(outermost.inside(&net("10.0.0.0/8")), Some(net("10.0.0.0/16")));
        assert_eq!(outermost.inside(&net("0.0.0.0/0")), Some(net("0.0.0.0/32")));
        assert_eq!(outermost.inside(&net("11.0.0.0/8")), None);
        assert_eq!(outermost.inside(&net("::/0")), Some(net("2001:db8::/32")));
    }
}
