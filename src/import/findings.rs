//! What somebody who reads the program should know of the policies that it came from.

use super::atoms::{Atoms, Dead, RuleOrigin};
use super::dns::Servers;
use super::flows::{Ends, Flow, Flows};
use super::names::Names;
use super::places::{Home, Place, PlaceId};
use super::sides::Needless;
use crate::draft::{Flow as Line, Ports};
use crate::net::{AddressSet, Direction, NAMESPACE_NAME, PortSet, Protocol};
use crate::netpol::Policy;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// What a finding is about, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A policy opens its side of a connection between pods, and the other side stays closed.
    OneSide,
    /// The other side of a rule is open for a part of it.
    Split,
    /// A rule that lets everything through.
    AllowsEverything,
    /// A rule that the others say already.
    AddsNothing,
    /// What has no effect, because nobody can be meant.
    Dead,
    /// Rules of a direction that `policyTypes` does not list.
    Inert,
    /// An empty list, which is everybody.
    EmptyList,
    /// Two peers that read as one.
    LookLikeOne,
    /// A block that is written with host bits.
    HostBits,
    /// The document names no namespace.
    NamespaceAssumed,
    /// Isolated pods that may ask nobody for names.
    NoDns,
    /// DNS over one protocol, or everywhere.
    Dns,
    /// An address that looks like the API server's.
    ApiServer,
    /// Every address, with the metadata service of the cloud.
    Metadata,
    /// Namespaces that are found by a label which somebody has to set.
    NamespaceLabel,
}

impl Kind {
    /// All kinds, in order.
    pub const ALL: [Kind; 15] = [
        Kind::OneSide,
        Kind::Split,
        Kind::AllowsEverything,
        Kind::AddsNothing,
        Kind::Dead,
        Kind::Inert,
        Kind::EmptyList,
        Kind::LookLikeOne,
        Kind::HostBits,
        Kind::NamespaceAssumed,
        Kind::NoDns,
        Kind::Dns,
        Kind::ApiServer,
        Kind::Metadata,
        Kind::NamespaceLabel,
    ];

    /// Its word, in machine formats.
    pub fn word(self) -> &'static str {
        match self {
            Kind::OneSide => "one-side",
            Kind::Split => "split-rule",
            Kind::AllowsEverything => "allows-everything",
            Kind::AddsNothing => "adds-nothing",
            Kind::Dead => "dead-rule",
            Kind::Inert => "inert-rules",
            Kind::EmptyList => "empty-list",
            Kind::LookLikeOne => "look-like-one",
            Kind::HostBits => "host-bits",
            Kind::NamespaceAssumed => "namespace-assumed",
            Kind::NoDns => "no-dns",
            Kind::Dns => "dns",
            Kind::ApiServer => "api-server",
            Kind::Metadata => "metadata-service",
            Kind::NamespaceLabel => "namespace-label",
        }
    }
}

/// Where a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Where {
    /// A policy as a whole, by its place in the input.
    Policy(usize),
    /// A part of one.
    Part(RuleOrigin),
}

impl Where {
    /// The policy.
    pub fn policy(self) -> usize {
        match self {
            Where::Policy(policy) => policy,
            Where::Part(origin) => origin.policy,
        }
    }
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// Where it is; `None` for what is about no policy alone.
    pub place: Option<Where>,
    /// The statement of the program that it is about, if there is one.
    pub statement: Option<String>,
    /// What there is to know.
    pub message: String,
}

/// What is needed to tell.
pub(super) struct Found<'a> {
    pub policies: &'a [Policy],
    pub atoms: &'a Atoms,
    pub flows: &'a Flows,
    pub names: &'a Names,
    pub needless: &'a [Needless],
    /// The texts of flows that were asked for.
    pub texts: RefCell<BTreeMap<Ends, String>>,
}

/// A statement as it is told beside others: a long one by its beginning.
pub fn beginning(mut statement: String) -> String {
    /// As much as a few lines hold.
    const LONGEST: usize = 400;
    if let Some((end, _)) = statement.char_indices().nth(LONGEST) {
        statement.truncate(end);
        statement.push('…');
    }
    statement
}

/// Ports on which API servers listen.
const API_PORTS: [u16; 2] = [443, 6443];

/// The metadata service of all large clouds.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

impl Found<'_> {
    /// Everything that the policies and flows themselves show, in order.
    pub(super) fn all(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        self.sides(&mut found);
        self.everything(&mut found);
        let mut counts: BTreeMap<RuleOrigin, usize> = BTreeMap::new();
        for one in self.needless {
            *counts.entry(one.origin.every_port()).or_default() += 1;
        }
        found.extend(self.needless.iter().map(|one| self.adds_nothing(one, &counts)));
        found.extend(self.atoms.dead.iter().map(dead));
        self.dns(&mut found);
        for flow in &self.flows.flows {
            self.addresses(flow, &mut found);
        }
        self.labels(&mut found);
        found.sort();
        // Of each port of a rule the same may be told.
        let told = |one: &Finding| (one.kind, one.place.map(Where::policy), one.statement.clone(), one.message.clone());
        found.dedup_by(|next, first| told(next) == told(first));
        found
    }

    fn policy(&self, at: usize) -> &str {
        self.policies.get(at).map_or("", |policy| &policy.name)
    }

    /// A flow as it would stand alone in the block of a namespace.
    fn text(&self, flow: &Flow) -> String {
        self.texts.borrow_mut().entry(flow.ends).or_insert_with(|| self.written(flow)).clone()
    }

    fn written(&self, flow: &Flow) -> String {
        let block = self.block(flow);
        let end = |id: PlaceId| vec![self.names.end(self.flows.places.place(id), &block).1];
        let line = Line {
            side: flow.ends.side,
            sources: end(flow.ends.source),
            destinations: end(flow.ends.destination),
            ports: match self.names.port([self.flows.places.place(flow.ends.destination)], &flow.ports) {
                Some(name) => Ports::Named(name),
                None => Ports::These(flow.ports.clone()),
            },
        };
        beginning(line.to_string())
    }

    fn block(&self, flow: &Flow) -> Arc<str> {
        let at = super::lines::block(self.atoms, self.flows, flow);
        self.atoms.names.get(at).cloned().unwrap_or_else(|| "".into())
    }

    fn end(&self, id: PlaceId, flow: &Flow) -> String {
        self.names.end(self.flows.places.place(id), &self.block(flow)).1.to_string()
    }

    /// Flows of one side, and the rules that came apart.
    fn sides(&self, found: &mut Vec<Finding>) {
        let mut told: BTreeSet<RuleOrigin> = BTreeSet::new();
        for flow in &self.flows.flows {
            let (Some(side), Some(first)) = (flow.ends.side, flow.origins.first()) else { continue };
            let (own, other) = match side {
                Direction::Ingress => (flow.ends.destination, flow.ends.source),
                Direction::Egress => (flow.ends.source, flow.ends.destination),
            };
            let is_pods = matches!(self.flows.places.place(other), Place::Pods(Home::Named(_), _));
            if !is_pods {
                continue;
            }
            told.extend(flow.origins.iter().copied());
            let (name, own, other) = (self.policy(first.policy), self.end(own, flow), self.end(other, flow));
            let ports = &flow.ports;
            let message = match side {
                Direction::Ingress => format!(
                    "`{name}` lets `{other}` in to `{own}` on {ports}, and no policy lets `{other}` out there; usually a mistake"
                ),
                Direction::Egress => format!(
                    "`{name}` lets `{own}` out to `{other}` on {ports}, and no policy lets it in there; usually a mistake"
                ),
            };
            let (place, statement) = (Some(Where::Part(*first)), Some(self.text(flow)));
            found.push(Finding { kind: Kind::OneSide, place, statement, message });
        }
        let rule = |origin: &RuleOrigin| RuleOrigin { peer: None, port: None, ..*origin };
        let mut words: BTreeMap<RuleOrigin, (BTreeSet<bool>, Option<&Flow>)> = BTreeMap::new();
        for flow in &self.flows.flows {
            for origin in
                flow.origins.iter().filter(|origin| flow.ends.side.is_none_or(|side| side == origin.direction))
            {
                let (sides, one_sided) = words.entry(rule(origin)).or_default();
                sides.insert(flow.ends.side.is_some());
                if flow.ends.side.is_some() {
                    one_sided.get_or_insert(flow);
                }
            }
        }
        let told: BTreeSet<RuleOrigin> = told.iter().map(rule).collect();
        for (origin, (sides, flow)) in words {
            let Some(flow) = flow.filter(|_| sides.len() > 1 && !told.contains(&origin)) else { continue };
            let message = format!(
                "a rule of `{}` stands in two lines: policies open the other side for a part of it only",
                self.policy(origin.policy)
            );
            let (place, statement) = (Some(Where::Part(origin)), Some(self.text(flow)));
            found.push(Finding { kind: Kind::Split, place, statement, message });
        }
    }

    fn everything(&self, found: &mut Vec<Finding>) {
        for flow in &self.flows.flows {
            let anywhere =
                [flow.ends.source, flow.ends.destination].map(|id| *self.flows.places.place(id) == Place::Anywhere);
            let Some(first) = flow.origins.first() else { continue };
            if flow.ports.is_everything() && anywhere.contains(&true) {
                let word = first.direction.word();
                let name = self.policy(first.policy);
                let message = format!("`{name}` allows everything for {word}: nothing is restricted there");
                let (place, statement) = (Some(Where::Part(*first)), Some(self.text(flow)));
                found.push(Finding { kind: Kind::AllowsEverything, place, statement, message });
            }
        }
    }

    /// `counts` says how many ports of each peer of a rule add nothing.
    fn adds_nothing(&self, one: &Needless, counts: &BTreeMap<RuleOrigin, usize>) -> Finding {
        let ports = self.policies.get(one.origin.policy).and_then(|policy| {
            let rules = match one.origin.direction {
                Direction::Ingress => &policy.ingress,
                Direction::Egress => &policy.egress,
            };
            Some(rules.as_ref()?.get(one.origin.rule)?.ports.len())
        });
        // A port is named where the others of its rule add something, and where one of them says the same.
        let some = counts.get(&one.origin.every_port()).copied() != ports.filter(|ports| *ports > 0);
        let is_beside = |other: &RuleOrigin| other.every_port() == one.origin.every_port();
        let named = ports > Some(1) && (some || one.instead.iter().any(is_beside));
        let path = |origin: &RuleOrigin| if named { origin.path_to_port() } else { origin.path() };
        let mut others: Vec<String> = one
            .instead
            .iter()
            .map(|other| match other.policy == one.origin.policy {
                true => path(other),
                false => format!("`{}` {}", self.policy(other.policy), path(other)),
            })
            .collect();
        others.dedup();
        let name = self.policy(one.origin.policy);
        let message = format!("{} of `{name}` adds nothing to {}", path(&one.origin), others.join(", "));
        Finding { kind: Kind::AddsNothing, place: Some(Where::Part(one.origin)), statement: None, message }
    }

    fn dns(&self, found: &mut Vec<Finding>) {
        let port = |protocol| PortSet::number(protocol, 53);
        for flow in self.flows.flows.iter().filter(|flow| flow.ends.side != Some(Direction::Ingress)) {
            let [udp, tcp] = [Protocol::Udp, Protocol::Tcp].map(|protocol| flow.ports.contains(&port(protocol)));
            let is_whole = Protocol::ALL.into_iter().any(|protocol| flow.ports.is_whole(protocol));
            let Some(first) = flow.origins.iter().find(|origin| origin.direction == Direction::Egress) else {
                continue;
            };
            if !(udp || tcp) || is_whole {
                continue;
            }
            let wide = match self.flows.places.place(flow.ends.destination) {
                Place::Anywhere => true,
                Place::Pods(Home::Labelled(labels), pods) => labels.is_everything() && pods.is_everything(),
                Place::Pods(..) => false,
                Place::Addresses(blocks) => blocks.iter().any(|block| block.cidr.prefix_len() == 0),
            };
            let name = self.policy(first.policy);
            let said = match (udp && tcp, wide) {
                (true, false) => continue,
                (false, true) => format!("`{name}` lets pods ask everybody for names, and over one protocol only"),
                (true, true) => format!("`{name}` lets pods ask everybody for names"),
                (false, false) => {
                    format!("`{name}` lets pods ask for names over one protocol only; large answers need tcp")
                }
            };
            let message = format!("{said}: try `dns strict`");
            let (place, statement) = (Some(Where::Part(*first)), Some(self.text(flow)));
            found.push(Finding { kind: Kind::Dns, place, statement, message });
        }
        for (servers, origins) in &self.flows.dns {
            if let (Servers::Preset("any"), Some(first)) = (servers, origins.first()) {
                let name = self.policy(first.policy);
                let message = format!("`{name}` lets pods ask everybody for names: try `dns strict`");
                let (place, statement) = (Some(Where::Part(*first)), Some("dns any".to_owned()));
                found.push(Finding { kind: Kind::Dns, place, statement, message });
            }
        }
    }

    fn addresses(&self, flow: &Flow, found: &mut Vec<Finding>) {
        let (Place::Addresses(blocks), Some(first)) =
            (self.flows.places.place(flow.ends.destination), flow.origins.first())
        else {
            return;
        };
        let end = self.end(flow.ends.destination, flow);
        let mut add = |kind, message| {
            let (place, statement) = (Some(Where::Part(*first)), Some(self.text(flow)));
            found.push(Finding { kind, place, statement, message });
        };
        let is_api =
            API_PORTS.iter().any(|port| flow.ports.has(Protocol::Tcp, *port)) && !flow.ports.is_whole(Protocol::Tcp);
        let single = blocks.iter().find(|block| block.cidr.prefix_len() == block.cidr.max_prefix_len());
        if let Some(block) = single.filter(|_| is_api) {
            let message = format!(
                "{0} may be the API server: `platform {{ apiserver {0} }}` says so, and the flow `... -> apiserver`",
                block.cidr
            );
            add(Kind::ApiServer, message);
        }
        let whole = blocks.iter().any(|block| block.cidr.prefix_len() == 0);
        let all = AddressSet::union_of(&blocks.iter().map(|block| block.addresses()).collect::<Vec<_>>());
        if whole && all.has(METADATA) {
            add(
                Kind::Metadata,
                format!("`{end}` includes {METADATA}, the metadata service of clouds; `internet` would not"),
            );
        }
    }

    fn labels(&self, found: &mut Vec<Finding>) {
        let mut told = BTreeSet::new();
        for flow in &self.flows.flows {
            for end in [flow.ends.source, flow.ends.destination] {
                let Place::Pods(home @ Home::Labelled(labels), _) = self.flows.places.place(end) else { continue };
                let keys: Vec<String> =
                    labels.keys().filter(|key| ***key != *NAMESPACE_NAME).map(|key| format!("`{key}`")).collect();
                let (Some(first), Some(name)) = (flow.origins.first(), self.names.externals.get(home)) else {
                    continue;
                };
                if keys.is_empty() || !told.insert(home) {
                    continue;
                }
                let message = format!(
                    "`{name}` are the namespaces with the label {}, which somebody has to set; a name would do without",
                    keys.join(" and ")
                );
                let (place, statement) = (Some(Where::Part(*first)), Some(self.text(flow)));
                found.push(Finding { kind: Kind::NamespaceLabel, place, statement, message });
            }
        }
    }
}

impl RuleOrigin {
    /// The same with all ports of the rule.
    fn every_port(&self) -> RuleOrigin {
        RuleOrigin { port: None, ..*self }
    }

    /// The field, as in `spec.egress[0].to[1]`, with the one of the port, as in `spec.egress[0].to[1], ports[2]`.
    fn path_to_port(&self) -> String {
        let path = self.path();
        match (self.port, self.peer) {
            (None, _) => path,
            (Some(port), None) => format!("{path}.ports[{port}]"),
            (Some(port), Some(_)) => format!("{path}, ports[{port}]"),
        }
    }

    /// The field, as in `spec.egress[0].to[1]`.
    pub fn path(&self) -> String {
        let (rules, peers) = match self.direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        let peer = self.peer.map(|at| format!(".{peers}[{at}]")).unwrap_or_default();
        format!("spec.{rules}[{}]{peer}", self.rule)
    }
}

fn dead(dead: &Dead) -> Finding {
    let (place, message) = match dead {
        Dead::Subject(policy) => {
            (Where::Policy(*policy), "no pod can have these labels, so the policy does nothing".to_owned())
        }
        Dead::Peer(origin) => (Where::Part(*origin), format!("nobody can be {}", origin.path())),
        Dead::Port(origin) => (
            Where::Part(*origin),
            format!("{} has a named port, and addresses have no names for their ports", origin.path()),
        ),
    };
    Finding { kind: Kind::Dead, place: Some(place), statement: None, message }
}
