//! Which statements of a program isolate an end, let it through, or nearly do.

use super::Program;
use super::membership::{self, Misfit};
use crate::engine::{EndId, World};
use crate::flow::{Assertion, AssertionKind, DnsService, Flow, PartyId, Place, StatementId};
use crate::model::{DnsServer as Preset, Isolated, NamespaceId, PresetPods};
use crate::net::{Direction, PortSet, Protocol, Selector, Truth};
use crate::source::Span;
use crate::table::known;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What isolates the pods of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The namespace, by its name in the program.
    pub namespace: Arc<str>,
    /// The `isolate` statement; `None` for the default, which holds where there is none.
    pub text: Option<Arc<str>>,
    /// It, or where the namespace is declared first.
    pub span: Span,
}

/// What lets a connection through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A flow.
    Flow(StatementId),
    /// The DNS servers of a namespace.
    Dns {
        /// Its name in the program.
        namespace: Arc<str>,
        /// The setting.
        text: Arc<str>,
        /// Where it is said; `None` for the default.
        span: Option<Span>,
    },
}

/// Something that nearly allows a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearFlow {
    /// What.
    pub origin: Origin,
    /// What keeps it from doing so.
    pub wrong: Wrong,
}

/// What is written for a party in a managed namespace.
enum Writing {
    /// What the flow allows.
    Done,
    /// Nothing: of the namespace is not stated that it has these labels.
    NotStated(Arc<str>, Selector),
}

/// The one thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is about these ports.
    Ports(PortSet),
    /// The source is another one.
    Source(Misfit),
    /// The destination is another one.
    Destination(Misfit),
    /// It opens only this side.
    OneSide(Direction),
    /// It writes nothing for this namespace, of which is not stated whether it has these labels.
    NotStated(Arc<str>, Selector),
    /// It allows the opposite direction.
    Reverse,
    /// The DNS servers of the source's namespace are others, or none.
    Dns,
}

impl Wrong {
    /// How far off it is.
    fn rank(&self) -> u8 {
        let is_close = |misfit: &Misfit| match misfit {
            Misfit::Labels { close: true, .. } => true,
            Misfit::Namespace(_) | Misfit::Addresses(_) | Misfit::Labels { .. } | Misfit::Kind => false,
        };
        match self {
            Wrong::OneSide(_) | Wrong::NotStated(..) | Wrong::Ports(_) => 0,
            Wrong::Dns => 1,
            Wrong::Source(misfit) | Wrong::Destination(misfit) if is_close(misfit) => 2,
            Wrong::Source(Misfit::Namespace(_)) | Wrong::Destination(Misfit::Namespace(_)) => 3,
            Wrong::Reverse => 4,
            Wrong::Source(_) | Wrong::Destination(_) => 5,
        }
    }
}

impl Program<'_> {
    /// The statements that isolate an end in a direction.
    pub(super) fn settings(&self, world: &World, direction: Direction, subject: EndId) -> Vec<Setting> {
        let Some(pods) = world.pods(subject) else { return Vec::new() };
        let Some(name) = world.namespace_of(subject).and_then(|home| home.name.clone()) else { return Vec::new() };
        self.isolating(&name, direction, &mut |labels| labels.matches(&pods.labels))
    }

    /// The statements that isolate some pods of a namespace in a direction; `touches` says of labels whether some have them.
    pub fn isolating(
        &self,
        name: &str,
        direction: Direction,
        touches: &mut dyn FnMut(&Selector) -> bool,
    ) -> Vec<Setting> {
        let Some(namespace) = self.managed(name) else { return Vec::new() };
        let Some(managed) = namespace.managed() else { return Vec::new() };
        let mut covers = |isolated: &Isolated| match isolated {
            Isolated::Every => true,
            Isolated::Tiers(tiers) => {
                tiers.iter().any(|id| self.model.tier(*id).is_some_and(|tier| touches(&tier.selector)))
            }
        };
        let setting = |text, span| Setting { namespace: namespace.declared.clone(), text, span };
        if managed.isolates.is_empty() {
            return vec![setting(None, namespace.span)];
        }
        let isolating = managed.isolates.iter().filter(|one| match direction {
            Direction::Ingress => covers(&one.ingress),
            Direction::Egress => covers(&one.egress),
        });
        isolating.map(|one| setting(Some(one.text.clone()), one.span)).collect()
    }

    /// All statements that isolate pods of a namespace, or keep them from it; `None` when it is not managed.
    pub fn isolation(&self, name: &str) -> Option<Vec<Setting>> {
        let namespace = self.managed(name)?;
        let setting = |one: &crate::model::Isolate| Setting {
            namespace: namespace.declared.clone(),
            text: Some(one.text.clone()),
            span: one.span,
        };
        Some(namespace.managed()?.isolates.iter().map(setting).collect())
    }

    /// The managed namespace of a name in the cluster.
    fn managed(&self, name: &str) -> Option<&crate::model::Namespace> {
        self.model.namespaces.iter().find(|one| *one.name == *name && one.managed().is_some())
    }

    /// The namespace of the program that pods are in, by name.
    pub(super) fn home(&self, world: &World, end: EndId) -> Option<(NamespaceId, &crate::model::Namespace)> {
        let name = world.namespace_of(end)?.name.clone()?;
        let found = self.model.namespaces.iter().position(|namespace| {
            namespace.name == name && !matches!(namespace.kind, crate::model::NamespaceKind::External(Some(_)))
        })?;
        let id = NamespaceId::at(found);
        Some((id, self.model.namespace(id)?))
    }

    /// The statements that cover some of the ports, in order, which `on_ports` says; `least` is how sure it has to be that
    /// they are about the two ends.
    pub(super) fn origins(
        &self,
        world: &World,
        direction: Direction,
        [subject, peer]: [EndId; 2],
        on_ports: &dyn Fn(&PortSet) -> bool,
        least: Truth,
    ) -> Vec<Origin> {
        let fits = |fit: Result<Truth, Misfit>| fit.is_ok_and(|truth| truth >= least);
        let (source, destination) = match direction {
            Direction::Ingress => (peer, subject),
            Direction::Egress => (subject, peer),
        };
        let mut found = BTreeSet::new();
        for flow in self.flows.flows.iter().filter(|flow| flow.opens(direction)) {
            // The side that is opened is written where the program says that it is, whatever labels the namespace has.
            let is_at = |end: EndId, party: PartyId, opened: bool| match opened
                .then(|| self.writing(world, end, party))
                .flatten()
            {
                Some(Writing::Done) => true,
                Some(Writing::NotStated(..)) => false,
                None => fits(self.at_side(world, end, party, opened)),
            };
            if !is_at(source, flow.source, direction == Direction::Egress) {
                continue;
            }
            let covers = |(target, on): &(PartyId, PortSet)| {
                on_ports(on) && is_at(destination, *target, direction == Direction::Ingress)
            };
            if flow.targets.iter().any(covers) {
                found.insert(Origin::Flow(flow.statement));
            }
        }
        let mut origins: Vec<Origin> = found.into_iter().collect();
        for (index, server) in self.servers(world, source) {
            let place = match direction {
                Direction::Egress => Some(&server.place),
                Direction::Ingress => server.pods.as_ref().map(|pods| &pods.place),
            };
            let there = place.is_some_and(|place| fits(membership::place(self.flows, world, destination, place)));
            if there && on_ports(&server.ports) {
                origins.extend(self.dns(index).filter(|dns| !origins.contains(dns)));
            }
        }
        origins
    }

    /// The DNS servers that pods may ask, with the place of their namespace.
    fn servers(&self, world: &World, source: EndId) -> Vec<(usize, &DnsService)> {
        let name = world.namespace_of(source).and_then(|namespace| namespace.name.as_ref());
        let all = self.flows.namespaces.iter().enumerate();
        let own = all.filter(|(_, namespace)| Some(&namespace.name) == name);
        own.flat_map(|(index, namespace)| namespace.dns.iter().map(move |server| (index, server))).collect()
    }

    /// The setting that the DNS servers of a namespace come from, which is named by its place in the flow set.
    pub fn dns(&self, index: usize) -> Option<Origin> {
        let namespace = &self.flows.namespaces[index];
        let declared = self.managed(&namespace.name)?;
        let span = declared.managed().and_then(|managed| managed.dns.span);
        Some(Origin::Dns { namespace: declared.declared.clone(), text: namespace.dns_setting.clone(), span })
    }

    /// Whether an end is in a party, at the side that a flow opens or at the other one. Addresses never say whose traffic is
    /// meant: a flow to them opens nothing of the pods that have them.
    fn at_side(&self, world: &World, end: EndId, party: PartyId, opened: bool) -> Result<Truth, Misfit> {
        let leaves = &known(self.flows.party(party)).leaves;
        let places = leaves.iter().filter_map(|leaf| known(self.flows.party(*leaf)).place.as_ref());
        let is_meant = |place: &&Place| !(opened && place.addresses().is_some());
        best(places.filter(is_meant).map(|place| membership::place(self.flows, world, end, place)))
    }

    /// Whether an end is in a party.
    pub(super) fn party(&self, world: &World, end: EndId, party: PartyId) -> Result<Truth, Misfit> {
        self.at_side(world, end, party, false)
    }

    /// Whether something is written for a party where an end is; `None` where the end is in no managed namespace, or the party
    /// has no pods with its labels.
    fn writing(&self, world: &World, end: EndId, party: PartyId) -> Option<Writing> {
        let (pods, name) = (world.pods(end)?, world.namespace_of(end)?.name.as_ref()?);
        let home = self.flows.namespaces.iter().find(|one| one.name == *name)?;
        let mut found = None;
        for leaf in self.flows.party(party).iter().flat_map(|party| &party.leaves) {
            let Some(Place::Pods { namespaces, pods: labels }) = self.flows.party(*leaf)?.place.as_ref() else {
                continue;
            };
            match home.is_among(&self.flows.namespace_selector(namespaces)) {
                _ if !labels.matches(&pods.labels) => {}
                Truth::Yes => return Some(Writing::Done),
                Truth::Maybe | Truth::No => {
                    found = Some(Writing::NotStated(name.clone(), self.flows.namespace_selector(namespaces)));
                }
            }
        }
        found
    }

    /// What keeps something from being written for a party where an end is.
    fn not_stated(&self, world: &World, end: EndId, party: PartyId) -> Option<Wrong> {
        match self.writing(world, end, party)? {
            Writing::NotStated(name, labels) => Some(Wrong::NotStated(name, labels)),
            Writing::Done => None,
        }
    }

    /// What keeps a flow that is about a connection from opening it.
    fn unopened(
        &self,
        world: &World,
        flow: &Flow,
        source: EndId,
        (destination, target): (EndId, PartyId),
    ) -> Option<Wrong> {
        if let Some(side) = flow.side {
            return Some(Wrong::OneSide(side));
        }
        self.not_stated(world, source, flow.source).or_else(|| self.not_stated(world, destination, target))
    }

    /// What nearly allows a connection, the nearest first.
    pub(super) fn near(&self, world: &World, source: EndId, destination: EndId, ports: &PortSet) -> Vec<NearFlow> {
        let mut near = Vec::new();
        for flow in &self.flows.flows {
            let mut add = |wrong| near.push(NearFlow { origin: Origin::Flow(flow.statement), wrong });
            let from = self.party(world, source, flow.source);
            for (target, on) in &flow.targets {
                let to = self.party(world, destination, *target);
                match (&from, &to) {
                    (Ok(Truth::Yes), Ok(Truth::Yes)) if !on.contains(ports) && flow.side.is_none() => {
                        add(Wrong::Ports(on.clone()));
                    }
                    (Ok(_), Ok(_)) if on.contains(ports) => {
                        self.unopened(world, flow, source, (destination, *target)).into_iter().for_each(&mut add);
                    }
                    (Err(misfit), Ok(_)) if on.contains(ports) && *misfit != Misfit::Kind => {
                        add(Wrong::Source(misfit.clone()));
                    }
                    (Ok(_), Err(misfit)) if on.contains(ports) && *misfit != Misfit::Kind => {
                        add(Wrong::Destination(misfit.clone()));
                    }
                    _ => {}
                }
                let reverse = source != destination
                    && self.party(world, destination, flow.source).is_ok()
                    && self.party(world, source, *target).is_ok();
                if reverse && from.is_err() {
                    add(Wrong::Reverse);
                }
            }
        }
        let at = self.flows.namespaces.iter().position(|namespace| {
            world.namespace_of(source).and_then(|one| one.name.as_ref()) == Some(&namespace.name)
        });
        let asks = |server: &DnsService| {
            server.ports.overlaps(ports) && membership::place(self.flows, world, destination, &server.place).is_ok()
        };
        let is_asked = self.servers(world, source).iter().any(|(_, server)| asks(server));
        if let Some(dns) = at.filter(|_| !is_asked && self.is_dns(ports)).and_then(|at| self.dns(at)) {
            near.push(NearFlow { origin: dns, wrong: Wrong::Dns });
        }
        near.sort_by_key(|one| one.wrong.rank());
        let mut told: Vec<NearFlow> = Vec::new();
        for one in near {
            if !told.iter().any(|other| other.origin == one.origin) {
                told.push(one);
            }
        }
        told
    }

    /// Whether DNS is answered on one of the ports somewhere: in this program, or where a preset is in use.
    fn is_dns(&self, ports: &PortSet) -> bool {
        let some = |protocol| !ports.is_whole(protocol);
        let presets: Vec<PresetPods> =
            Preset::PRESETS.iter().filter_map(|preset| preset.server.preset_pods()).collect();
        let usual = [Protocol::Udp, Protocol::Tcp]
            .into_iter()
            .any(|protocol| some(protocol) && presets.iter().any(|preset| ports.has(protocol, preset.port)));
        let mut servers = self.flows.namespaces.iter().flat_map(|namespace| &namespace.dns);
        usual || (Protocol::ALL.into_iter().all(some) && servers.any(|server| server.ports.overlaps(ports)))
    }

    /// The assertions that forbid a connection.
    pub(super) fn forbidden(
        &self,
        world: &World,
        source: EndId,
        destination: EndId,
        ports: &PortSet,
    ) -> Vec<StatementId> {
        let is_in = |end: EndId, parties: &[PartyId]| {
            parties.iter().any(|party| self.party(world, end, *party) == Ok(Truth::Yes))
        };
        let forbids = |assertion: &&Assertion| {
            let source = match assertion.kind {
                AssertionKind::Never => is_in(source, &assertion.sources) && !is_in(source, &assertion.except),
                AssertionKind::NeverThrough => is_in(source, &assertion.sources),
                AssertionKind::Only => !is_in(source, &assertion.sources) && !is_in(source, &assertion.except),
                AssertionKind::Always => false,
            };
            source
                && assertion
                    .targets
                    .iter()
                    .any(|(target, on)| on.overlaps(ports) && self.party(world, destination, *target) == Ok(Truth::Yes))
        };
        self.flows.assertions.iter().filter(forbids).map(|assertion| assertion.statement).collect()
    }
}

/// Whether one of several fits, or the least that is missing.
fn best(fits: impl Iterator<Item = Result<Truth, Misfit>>) -> Result<Truth, Misfit> {
    let mut found = Err(Misfit::Kind);
    let weight = |misfit: &Misfit| match misfit {
        Misfit::Labels { close: true, missing } => missing.keys().count(),
        Misfit::Namespace(_) => 100,
        Misfit::Labels { .. } => 200,
        Misfit::Addresses(_) => 300,
        Misfit::Kind => 400,
    };
    for fit in fits {
        found = match (found, fit) {
            (Ok(one), Ok(other)) => Ok(one.max(other)),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
            (Err(one), Err(other)) if weight(&other) < weight(&one) => Err(other),
            (Err(one), Err(_)) => Err(one),
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearer_is_told_first() {
        let labels = |close| Misfit::Labels { missing: Selector::everything(), close };
        let namespace = || Misfit::Namespace(Selector::everything());
        let rows: [&[Wrong]; 6] = [
            &[
                Wrong::Ports(PortSet::everything()),
                Wrong::OneSide(Direction::Egress),
                Wrong::NotStated("a".into(), Selector::everything()),
            ],
            &[Wrong::Dns],
            &[Wrong::Source(labels(true)), Wrong::Destination(labels(true))],
            &[Wrong::Source(namespace()), Wrong::Destination(namespace())],
            &[Wrong::Reverse],
            &[Wrong::Source(labels(false)), Wrong::Destination(Misfit::Kind), Wrong::Source(Misfit::Kind)],
        ];
        let ranks = rows.map(|row| row.iter().map(Wrong::rank).collect::<Vec<u8>>());
        assert!(ranks.iter().all(|row| row.iter().all(|rank| Some(rank) == row.first())), "{ranks:?}");
        assert!(ranks.array_windows().all(|[one, next]| one < next), "{ranks:?}");
    }
}
