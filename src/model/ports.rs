//! Ports: numbers, ranges, names, and whether a destination serves them.

use super::errors::ports::{self as errors, UnknownPort, Unserved};
use super::listed::ListedPorts;
use super::resolve::Resolver;
use super::scope::NameScope;
use super::{CniTrigger, Endpoint, Entity, Role, Tier};
use crate::net::{PortSet, Protocol};
use crate::source::Span;
use crate::syntax::{PortExpr, PortKind, PortsExpr};
use crate::table::number;

impl<'a> Resolver<'a> {
    /// The ports of a declaration, where names of other ports cannot stand.
    pub(super) fn declared_ports(&mut self, expression: &PortsExpr) -> PortSet {
        let mut sets: Vec<PortSet> = Vec::with_capacity(expression.items.len());
        let mut listed = ListedPorts::default();
        for item in &expression.items {
            let set = match item.kind {
                PortKind::Every => {
                    self.report(errors::every_port_declared(item.span));
                    None
                }
                PortKind::Name => {
                    self.report(errors::name_for_a_number(item.span, self.text(item.span)));
                    None
                }
                PortKind::Number => self.number(item),
                PortKind::Container => self.container_port(item),
            };
            let Some(set) = set else { continue };
            if let Some(earlier) = listed.add(&set, item.span) {
                self.report(errors::listed_twice(item.span, earlier, self.text(item.span)));
            }
            sets.push(set);
        }
        PortSet::union_of(&sets)
    }

    /// `8080` or `30000-32767`, with `tcp` when no protocol is given.
    fn number(&mut self, item: &PortExpr) -> Option<PortSet> {
        let protocol = item.protocol().map_or(Protocol::Tcp, |(protocol, _)| protocol);
        let written = self.text(item.span).split('/').next().unwrap_or("").trim();
        let (low, high) = written.split_once('-').unwrap_or((written, written));
        let (Some(low), Some(high)) = (port_number(low), port_number(high)) else {
            self.report(errors::no_port(item.span, written));
            return None;
        };
        if low > high {
            let start = item.span.start as usize;
            let range = Span::new(item.span.file, start..start + written.len());
            self.report(errors::turned_range(item.span, range, written, [low, high]));
            return None;
        }
        if low != high {
            self.check_range(item, low, high);
        }
        self.check_sctp(item);
        Some(PortSet::range(protocol, low, high))
    }

    fn check_range(&mut self, item: &PortExpr, low: u16, high: u16) {
        let cni = self.model.platform.chosen_cni();
        let Some(row) = cni.difference(CniTrigger::PortRange) else { return };
        let what = format!("the range `{}`", self.text(item.span));
        let Some(found) = row.in_program(&cni.text(), Some(item.span), &what) else { return };
        // Where it cannot be done at all, the ports are what to write.
        let found = if found.code.stops() { found.with_help(self.one_by_one(item, low, high)) } else { found };
        self.report(found);
    }

    /// Says what the CNI makes of SCTP.
    pub(super) fn check_sctp(&mut self, item: &PortExpr) {
        if item.protocol().is_some_and(|(protocol, _)| protocol == Protocol::Sctp) {
            let what = format!("`{}`", self.text(item.span));
            self.report_difference(CniTrigger::SctpPort, item.span, &what);
        }
    }

    /// What to write for a range where ranges are not known.
    fn one_by_one(&self, item: &PortExpr, low: u16, high: u16) -> String {
        const MOST: u16 = 8;
        let protocol = item.protocol().map_or(Protocol::Tcp, |(protocol, _)| protocol).keyword();
        if high - low >= MOST {
            let next = low + 1;
            return format!("list the ports that are in use one by one, as in `{{{low}, {next}}}/{protocol}`");
        }
        let start = item.span.start as usize;
        let before = self.sources.file(item.span.file).and_then(|file| file.text.get(..start)).unwrap_or("");
        let ports = (low..=high).map(|port| port.to_string());
        // In a list already, the ports only take the place of the range.
        if before.trim_end().ends_with(['{', ',']) {
            let ports: Vec<String> = ports.map(|port| format!("{port}/{protocol}")).collect();
            return format!("list the ports one by one: `{}`", ports.join(", "));
        }
        format!("list the ports one by one: `{{{}}}/{protocol}`", ports.collect::<Vec<_>>().join(", "))
    }

    /// The ports of a flow to one destination without groups; nothing when they are wrong, which is reported.
    ///
    /// `through` names the group that the destination was reached through, for the messages.
    pub(super) fn flow_ports(
        &mut self,
        scope: NameScope,
        expression: &PortsExpr,
        destination: Endpoint,
        through: Option<&str>,
        checks: Checks,
    ) -> Option<PortSet> {
        let ports = expression.items.iter().map(|item| self.flow_port(scope, item, destination, through, checks));
        let ports: Vec<Option<PortSet>> = ports.collect();
        let mut sound = ports.iter().all(Option::is_some);
        if expression.items.is_empty() {
            self.report(errors::none_named(expression.span));
            sound = false;
        }
        sound.then(|| PortSet::union_of(ports.iter().flatten()))
    }

    fn flow_port(
        &mut self,
        scope: NameScope,
        item: &PortExpr,
        destination: Endpoint,
        through: Option<&str>,
        checks: Checks,
    ) -> Option<PortSet> {
        let set = match item.kind {
            PortKind::Every => match item.protocol() {
                Some((protocol, _)) => {
                    self.check_sctp(item);
                    PortSet::whole(protocol)
                }
                None => PortSet::everything(),
            },
            PortKind::Number if checks.first => self.number(item)?,
            PortKind::Number => self.quietly(|this| this.number(item))?,
            PortKind::Container => {
                if destination.is_addresses() {
                    self.report(errors::named_port_of_addresses(item.span));
                    return None;
                }
                if checks.first { self.container_port(item)? } else { self.quietly(|this| this.container_port(item))? }
            }
            PortKind::Name => return self.port_by_name(scope, item, destination, through),
        };
        if checks.served {
            self.check_served(item, &set, destination, through)?;
        }
        Some(set)
    }

    /// Ports with the colon before them.
    pub(super) fn with_colon(&self, ports: Span) -> Span {
        let text = self.sources.file(ports.file).and_then(|file| file.text.get(..ports.start as usize)).unwrap_or("");
        let before = text.trim_end_matches([' ', '\t']);
        let start = before.strip_suffix(':').map_or(ports.start as usize, |endpoint| endpoint.trim_end().len());
        Span::new(ports.file, start..ports.end as usize)
    }

    /// Runs a step whose diagnostics have been reported for another member of the same group.
    fn quietly<T>(&mut self, step: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.diagnostics.len();
        let result = step(self);
        self.diagnostics.truncate(known);
        result
    }

    fn tier_of(&self, destination: Endpoint) -> Option<&Tier> {
        match destination {
            Endpoint::Tier(id) => self.model.tier(id),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => None,
        }
    }

    /// A port of the tier by its name, or a port set.
    fn port_by_name(
        &mut self,
        scope: NameScope,
        item: &PortExpr,
        destination: Endpoint,
        through: Option<&str>,
    ) -> Option<PortSet> {
        let name = self.text(item.span).split('/').next().unwrap_or("").trim();
        let own = match destination {
            Endpoint::Tier(id) => self.model.tier(id).and_then(|tier| {
                let index = *self.port_places.get(&id)?.get(name)?;
                let port = tier.ports.as_ref()?.get(index)?;
                Some((Entity::Port(id, number(index)), port.ports.clone()))
            }),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => None,
        };
        let (entity, set, is_own) = match own {
            Some((entity, ports)) => (entity, ports, true),
            None => match self.scopes.ports.find(scope, name).map(|declared| declared.value) {
                Some(id) => {
                    self.used.port_sets.insert(id);
                    (Entity::PortSet(id), self.model.port_sets[id].ports.clone(), false)
                }
                None => return self.unknown_port(scope, item, name, destination, through),
            },
        };
        let start = item.span.start as usize;
        self.note(Span::new(item.span.file, start..start + name.len()), entity, Role::Names);
        if set.is_empty() {
            // Its declaration has been reported.
            return None;
        }
        let narrowed = match item.protocol() {
            None => set.clone(),
            Some((protocol, _)) => set.intersect(&PortSet::whole(protocol)),
        };
        if let (true, Some((protocol, span))) = (narrowed.is_empty(), item.protocol()) {
            self.report(errors::not_of_protocol(span, name, protocol));
            return None;
        }
        if !is_own {
            self.check_served(item, &narrowed, destination, through)?;
        }
        Some(narrowed)
    }

    fn unknown_port(
        &mut self,
        scope: NameScope,
        item: &PortExpr,
        name: &str,
        destination: Endpoint,
        through: Option<&str>,
    ) -> Option<PortSet> {
        let broken = match destination {
            Endpoint::Tier(id) => self.broken_ports.get(&id).cloned().unwrap_or_default(),
            Endpoint::Namespace(_)
            | Endpoint::Group(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => Vec::new(),
        };
        if broken.contains(&name) || self.unreadable.contains(name) {
            return None;
        }
        let tier = self.tier_of(destination);
        let own = tier.into_iter().flat_map(|tier| tier.ports.iter().flatten()).map(|port| port.name.to_string());
        let broken = broken.iter().filter(|_| tier.is_some()).map(|name| (*name).to_owned());
        let names: Vec<String> = own.chain(broken).collect();
        let listed_at = tier.filter(|tier| tier.ports.is_some()).map(|tier| tier.span);
        let known = self.closest(name, |this| {
            let own = names.iter().map(String::as_str);
            own.chain(this.scopes.ports.names(scope)).chain(this.scopes.ports.names(None)).collect()
        });
        let known = known.or(every_port(name));
        let end = item.protocol().map_or(item.span.end, |(_, protocol)| protocol.start.max(item.span.start));
        let word = Span { end: end.min(item.span.end), ..item.span };
        let (at, tier) = (item.span, self.write_endpoint(destination));
        let diagnostic = UnknownPort { at, word, name, tier, through, listed_at, names: &names, known }.diagnostic();
        self.report(diagnostic);
        None
    }

    /// A tier that lists ports takes no others.
    fn check_served(
        &mut self,
        item: &PortExpr,
        set: &PortSet,
        destination: Endpoint,
        through: Option<&str>,
    ) -> Option<()> {
        let Some(tier) = self.tier_of(destination) else { return Some(()) };
        let Some(served) = &tier.served else { return Some(()) };
        if served.contains(set) {
            return Some(());
        }
        if matches!(destination, Endpoint::Tier(id) if self.broken_ports.contains_key(&id)) {
            // It may be one of those that could not be read.
            return None;
        }
        let listed: Vec<String> =
            tier.ports.iter().flatten().map(|port| format!("{} ({})", port.name, describe(&port.ports))).collect();
        let names: Vec<String> = tier.ports.iter().flatten().map(|port| port.name.to_string()).collect();
        let protocol = item.protocol().map_or(Protocol::Tcp, |(protocol, _)| protocol);
        let other = Protocol::ALL.into_iter().find(|other| {
            let same_numbers = set.ranges(protocol).iter().map(|&(low, high)| PortSet::range(*other, low, high));
            *other != protocol
                && !set.ranges(protocol).is_empty()
                && same_numbers.into_iter().all(|set| served.contains(&set))
        });
        let unserved = Unserved {
            at: item.span,
            port: self.text(item.span),
            tier: self.write_endpoint(destination),
            through,
            listed_at: tier.span,
        };
        let diagnostic = match other {
            Some(other) => unserved.over_another_protocol(other, protocol),
            None if item.kind == PortKind::Every => unserved.not_every_port(self.with_colon(item.span)),
            None if listed.is_empty() => unserved.nothing_served(),
            None => unserved.other_ports(&listed, names),
        };
        self.report(diagnostic);
        None
    }
}

/// What to check of the ports of a flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checks {
    /// Whether a tier's list binds: it does for flows, not for assertions.
    pub served: bool,
    /// Whether it is the first destination of the flow: what is wrong with the port itself is reported once.
    pub first: bool,
}

fn port_number(text: &str) -> Option<u16> {
    text.parse::<u16>().ok().filter(|number| *number != 0)
}

/// Ports as the language writes them.
pub fn describe(ports: &PortSet) -> String {
    if ports.is_everything() {
        return "*".to_owned();
    }
    let mut parts = Vec::new();
    for protocol in Protocol::ALL {
        let keyword = protocol.keyword();
        if ports.is_whole(protocol) {
            parts.push(format!("*/{keyword}"));
            continue;
        }
        for &(low, high) in ports.ranges(protocol) {
            parts.push(if low == high { format!("{low}/{keyword}") } else { format!("{low}-{high}/{keyword}") });
        }
        parts.extend(ports.names(protocol).map(|name| format!("\"{name}\"/{keyword}")));
    }
    parts.join(", ")
}

/// How every port is written, for a word that another language has for it.
fn every_port(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "any" | "all" | "every" | "everything" => Some("*"),
        "tcp" => Some("*/tcp"),
        "udp" => Some("*/udp"),
        "sctp" => Some("*/sctp"),
        _ => None,
    }
}
