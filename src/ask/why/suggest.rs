//! What would have to be written in a program so that a connection is allowed.

use super::{Explanation, Program, Says};
use crate::ask::situation::Asked;
use crate::cluster::lasting;
use crate::draft::{self, Statement, equal, free, name_of_addresses, name_of_ports, names_of};
use crate::engine::{End, EndId, World};
use crate::flow::{Namespaces, Party, PartyId, PartyName, Place};
use crate::model::{BuiltIn, Endpoint, Namespace, NamespaceKind, Tier};
use crate::net::{AddressSet, PortSet, Protocol, Truth};
use crate::source::{Sources, Span};
use std::sync::Arc;

/// More address blocks than these are not written into one line.
const MOST_BLOCKS: usize = 16;

/// One end of a question.
#[derive(Debug, Clone, Copy)]
pub struct AskedEnd<'a> {
    /// As it was asked for.
    pub asked: &'a Asked,
    /// All ends that it means.
    pub ends: &'a [EndId],
}

/// What to write: all of it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A line.
    Line {
        /// The namespace in whose block it goes, by its name in the program; `None` for outside of every block.
        namespace: Option<Arc<str>>,
        /// Where that is declared first.
        span: Option<Span>,
        /// The line.
        text: String,
    },
    /// A port more in the list of a tier.
    Port {
        /// The tier, with its namespace.
        tier: String,
        /// Its name where it is declared.
        span: Span,
        /// The first port of the list; `None` when it is empty.
        first: Option<Span>,
        /// The port.
        text: String,
    },
    /// Another text for a flow, which means what it meant before.
    Flow {
        /// The flow, or one hop of it.
        flow: Arc<str>,
        /// Where it stands.
        span: Span,
        /// What to write in its place.
        text: String,
        /// Where its destination stands, which alone differs, and what to write there.
        destination: (Span, String),
    },
}

/// What to write so that a denied connection is allowed, from all that were asked for to all where one name says that;
/// `None` when it is not denied, or when the language has no words for it. The flow is the last edit.
pub fn suggest(
    program: Program<'_>,
    sources: &Sources,
    world: &World,
    explanation: &Explanation,
    from: AskedEnd<'_>,
    to: AskedEnd<'_>,
) -> Option<Vec<Edit>> {
    if explanation.says != Says::Denied || !explanation.ports.is_writable() {
        return None;
    }
    let writer = EndWriter { program, sources, world };
    let ends = |[from_by_name, to_by_name]: [bool; 2]| {
        let source = writer.end(from, explanation.source, from_by_name, "")?;
        let destination = writer.end(to, explanation.destination, to_by_name, "")?;
        if source.edits.is_empty() || source.edits == destination.edits {
            return Some((source, destination));
        }
        let destination = writer.end(to, explanation.destination, to_by_name, &source.name)?;
        Some((source, destination))
    };
    // A group can hold more than one flow may name.
    let is_legal = |(source, destination): &(WrittenEnd<'_>, WrittenEnd<'_>)| {
        (source.managed || destination.managed) && !(source.addresses && destination.addresses)
    };
    // As they were asked for as far as one flow may say that, and else by names of those whose answer is told.
    let by_name = [[true, true], [true, false], [false, true]];
    let legal = by_name.into_iter().find_map(|by_name| ends(by_name).filter(is_legal));
    let (source, destination) = legal.or_else(|| ends([false, false]))?;
    let mut edits = source.edits.clone();
    edits.extend(destination.edits.iter().filter(|edit| !source.edits.contains(edit)).cloned());
    let ports = writer.ports(&destination, &explanation.ports, &mut edits)?;
    let home = |end| program.home(world, end).map(|(_, namespace)| namespace).filter(|one| one.managed().is_some());
    let homes: Vec<&Namespace> = [explanation.source, explanation.destination].into_iter().filter_map(home).collect();
    let is_at_home =
        |scope: &Namespace| [&source, &destination].iter().any(|end| end.namespace.as_ref() == Some(&scope.declared));
    let scope: &Namespace = homes.iter().find(|scope| is_at_home(scope)).or(homes.first())?;
    let is_clear = [&source, &destination].iter().all(|end| !writer.is_shadowed(end, scope));
    // In a block of several namespaces it would be said of all of them, and in one that it is not about nobody would look
    // for it.
    let block = scope.own_block.filter(|_| is_clear && is_at_home(scope));
    let namespace = block.map(|_| scope.declared.clone());
    let of = |end: &WrittenEnd| vec![end.in_scope(namespace.as_deref())];
    let (sources, destinations) = (of(&source), of(&destination));
    let flow = draft::Flow { side: None, sources, destinations, ports };
    edits.push(Edit::Line { namespace, span: block, text: Statement::Flow(flow).to_string() });
    Some(edits)
}

/// An end as the language writes it.
#[derive(Debug, Clone, Default)]
struct WrittenEnd<'a> {
    /// The namespace that it is local to, by its name in the program.
    namespace: Option<Arc<str>>,
    name: String,
    /// The tiers that it holds.
    tiers: Vec<&'a Tier>,
    /// Whether all of it is in managed namespaces.
    managed: bool,
    /// Whether some of it is addresses.
    addresses: bool,
    /// What has to be declared first.
    edits: Vec<Edit>,
}

impl WrittenEnd<'_> {
    fn in_scope(&self, scope: Option<&str>) -> draft::End {
        let namespace = self.namespace.clone().filter(|namespace| Some(&**namespace) != scope);
        draft::End { namespace, name: self.name.as_str().into() }
    }
}

pub(super) struct EndWriter<'a> {
    pub(super) program: Program<'a>,
    pub(super) sources: &'a Sources,
    world: &'a World,
}

impl<'a> EndWriter<'a> {
    /// Whether the name means something else inside a namespace.
    fn is_shadowed(&self, end: &WrittenEnd<'_>, scope: &Namespace) -> bool {
        let local = (Some(scope.name.clone()), Arc::from(end.name.as_str()));
        end.namespace.is_none() && self.program.flows.declared.contains(&local)
    }

    fn namespace(&self, name: &Arc<str>) -> Option<&'a Namespace> {
        self.program.model.namespaces.iter().find(|namespace| namespace.name == *name)
    }

    /// A party of the program as it is written.
    fn party(&self, id: PartyId) -> Option<WrittenEnd<'a>> {
        let party = self.program.flows.party(id)?;
        let tiers = party.leaves.iter().filter_map(|leaf| self.tier(*leaf)).collect();
        let leaves = || party.leaves.iter().filter_map(|leaf| self.program.flows.party(*leaf));
        let is_managed = |one: &Party| {
            matches!(
                (&one.name, &one.place),
                (_, Some(Place::Pods { namespaces: Namespaces::Managed(_) | Namespaces::Every, .. }))
                    | (PartyName::BuiltIn(_), Some(Place::Pods { .. } | Place::Any))
            )
        };
        let managed = leaves().all(is_managed);
        let addresses =
            leaves().any(|one| matches!(one.place, Some(Place::Addresses(_) | Place::Unlisted(_) | Place::Any)));
        let written = |namespace: Option<&Arc<str>>, name: &str| -> Option<WrittenEnd<'a>> {
            let namespace = match namespace {
                Some(name) => Some(self.namespace(name)?.declared.clone()),
                None => None,
            };
            Some(WrittenEnd { namespace, name: name.to_owned(), tiers, managed, addresses, edits: Vec::new() })
        };
        match &party.name {
            PartyName::Local(namespace, name) => written(Some(namespace), name),
            PartyName::Global(name) => written(None, name),
            PartyName::AllPods(namespace) => Some(WrittenEnd { tiers: Vec::new(), ..written(Some(namespace), "*")? }),
            PartyName::BuiltIn(name) => written(None, name),
        }
    }

    pub(super) fn tier(&self, leaf: PartyId) -> Option<&'a Tier> {
        let PartyName::Local(namespace, name) = &self.program.flows.party(leaf)?.name else { return None };
        let home =
            |tier: &&Tier| self.program.model.namespace(tier.namespace).is_some_and(|one| one.name == *namespace);
        self.program.model.tiers.iter().filter(home).find(|tier| tier.name == *name)
    }

    /// How an end is best called: as it was asked for, or else by the narrowest name there is or could be.
    fn end(&self, asked: AskedEnd<'_>, end: EndId, by_name: bool, avoid: &str) -> Option<WrittenEnd<'a>> {
        let holds = |id: PartyId, end: EndId| self.program.party(self.world, end, id) == Ok(Truth::Yes);
        let holding: Vec<PartyId> = self.program.flows.parties.ids().filter(|id| holds(*id, end)).collect();
        if let Asked::Name(text) = asked.asked
            && by_name
        {
            // Of some it may not be known whether they are of it: by that name they are meant all the same.
            let may_hold = |id: PartyId, end: EndId| self.program.party(self.world, end, id).is_ok();
            let all = |id: &PartyId| asked.ends.iter().all(|end| may_hold(*id, *end));
            let named = holding.iter().copied().filter(all).filter_map(|id| self.party(id));
            let mut named = named.filter(|written| self.is_called(written, text));
            if let Some(written) = named.next() {
                return Some(written);
            }
            if let Some(one) = BuiltIn::named(text) {
                let (managed, addresses) = (one.has_pods(), one.has_addresses());
                return Some(WrittenEnd { name: one.word().to_owned(), managed, addresses, ..WrittenEnd::default() });
            }
        }
        let single = holding.iter().copied().filter(|id| self.is_single(*id, end));
        let size = |id: PartyId| self.world.ids().filter(|end| holds(id, *end)).count();
        let missed = |id: PartyId| asked.ends.iter().filter(|end| !holds(id, **end)).count();
        match single.min_by_key(|id| (missed(*id), size(*id))) {
            Some(id) => self.party(id),
            None => self.new_name(asked.asked, end, avoid),
        }
    }

    fn is_called(&self, written: &WrittenEnd<'_>, text: &str) -> bool {
        let Some(declared) = &written.namespace else { return written.name == text };
        let actual = self.program.model.namespaces.iter().find(|one| one.declared == *declared).map(|one| &one.name);
        written.name == text
            || [Some(declared), actual].into_iter().flatten().any(|home| format!("{home}/{}", written.name) == text)
    }

    /// Whether a party is a tier of the pods' own namespace, or a list of addresses, and so no more than it has to be.
    fn is_single(&self, id: PartyId, end: EndId) -> bool {
        let Some(party) = self.program.flows.party(id) else { return false };
        let own = self.world.namespace_of(end).and_then(|namespace| namespace.name.as_ref());
        match (&party.name, &party.place) {
            // Namespaces by their labels: what is written there goes by what those of the program state.
            (PartyName::Local(..), Some(Place::Pods { namespaces: Namespaces::Labelled(_), .. })) => {
                self.program.home(self.world, end).is_none_or(|(_, namespace)| namespace.managed().is_none())
            }
            (PartyName::Local(namespace, _), Some(Place::Pods { .. })) => Some(namespace) == own,
            // Pods are called by their labels, whichever addresses they have.
            (PartyName::Local(..) | PartyName::Global(_), Some(Place::Addresses(_) | Place::Unlisted(_))) => {
                self.world.pods(end).is_none()
            }
            _ => false,
        }
    }

    /// A name for what has none.
    fn new_name(&self, asked: &Asked, end: EndId, avoid: &str) -> Option<WrittenEnd<'a>> {
        match self.world.end(end)? {
            End::Addresses { addresses, .. } => self.new_cidr(asked.addresses().unwrap_or(addresses), avoid),
            End::Pods(pods) => {
                let actual = self.world.namespace(pods.namespace)?.name.clone()?;
                let home = self.program.home(self.world, end).map(|(_, namespace)| namespace);
                let declared = home.map_or(actual.clone(), |namespace| namespace.declared.clone());
                let is_built_in = |one: &Namespace| self.sources.file(one.span.file).is_some_and(|file| file.built_in);
                let is_free = !self.program.model.namespaces.iter().any(|one| one.declared == declared);
                match home {
                    Some(home) if is_built_in(home) => return None,
                    Some(Namespace { kind: NamespaceKind::External(Some(_)), .. }) => return None,
                    None if !is_free => return None,
                    _ => {}
                }
                let managed = home.is_some_and(|namespace| namespace.managed().is_some());
                let span = home.map(|namespace| namespace.span);
                let labels = lasting(&pods.labels);
                let external = |tiers| {
                    let external = draft::External { names: vec![declared.clone()], selector: None, tiers };
                    Edit::Line { namespace: None, span: None, text: Statement::External(external).to_string() }
                };
                if labels.is_empty() {
                    let edits = match home {
                        Some(_) => Vec::new(),
                        None => vec![external(Vec::new())],
                    };
                    return Some(WrittenEnd {
                        namespace: Some(declared),
                        name: "*".to_owned(),
                        managed,
                        edits,
                        ..WrittenEnd::default()
                    });
                }
                let selector = equal(&labels);
                let name = self.free(&names_of(&selector, "pods"), Some(&actual), avoid);
                let tier = draft::Tier { name: name.as_str().into(), selector: Some(selector), ports: Vec::new() };
                let edit = match span {
                    Some(span) => {
                        let text = Statement::Tier(tier).to_string();
                        Edit::Line { namespace: Some(declared.clone()), span: Some(span), text }
                    }
                    None => external(vec![tier]),
                };
                Some(WrittenEnd {
                    namespace: Some(declared),
                    name,
                    managed,
                    edits: vec![edit],
                    ..WrittenEnd::default()
                })
            }
        }
    }

    fn new_cidr(&self, addresses: &AddressSet, avoid: &str) -> Option<WrittenEnd<'a>> {
        let nets = addresses.to_nets();
        if nets.is_empty() || nets.len() > MOST_BLOCKS {
            return None;
        }
        let name = self.free(&[name_of_addresses(&nets)], None, avoid);
        let blocks = draft::IpBlocks { blocks: nets, except: Vec::new() };
        let text = Statement::Cidr { name: name.as_str().into(), blocks }.to_string();
        let edits = vec![Edit::Line { namespace: None, span: None, text }];
        Some(WrittenEnd { name, edits, ..WrittenEnd::default() })
    }

    /// A name that nothing has, in a namespace or, for the whole program, anywhere; and not the one to `avoid`.
    fn free(&self, names: &[String], namespace: Option<&Arc<str>>, avoid: &str) -> String {
        let taken = |name: &str| {
            name == avoid
                || Endpoint::built_in(name).is_some()
                || self.program.flows.declared.iter().any(|(home, known)| {
                    &**known == name
                        && (namespace.is_none() || home.as_ref().is_none_or(|home| Some(home) == namespace))
                })
        };
        free(names, taken)
    }

    /// The ports as the flow names them; those that a tier does not list have to be added there.
    fn ports(&self, destination: &WrittenEnd<'_>, ports: &PortSet, edits: &mut Vec<Edit>) -> Option<draft::Ports> {
        if let [tier] = destination.tiers.as_slice() {
            let listed =
                tier.ports.iter().flatten().find(|port| port.ports.contains(ports) && ports.contains(&port.ports));
            if let Some(port) = listed {
                return Some(draft::Ports::Named(port.name.clone()));
            }
        }
        for tier in &destination.tiers {
            let Some(served) = &tier.served else { continue };
            let missing = ports.subtract(served);
            if missing.is_empty() {
                continue;
            }
            let is_wide = missing.has_others() || Protocol::ALL.into_iter().any(|one| ports.is_whole(one));
            if is_wide || self.sources.file(tier.span.file).is_none_or(|file| file.built_in) {
                return None;
            }
            let known = tier.ports.iter().flatten();
            let name = free(&[name_of_ports(&missing)], |name| known.clone().any(|port| &*port.name == name));
            let home = self.program.model.namespace(tier.namespace)?;
            edits.push(Edit::Port {
                tier: format!("{}/{}", home.declared, tier.name),
                span: tier.span,
                first: known.clone().map(|port| port.span).next(),
                text: format!("{name}: {missing}"),
            });
            edits.extend(self.with_their_ports(tier, edits)?);
        }
        Some(draft::Ports::These(ports.clone()))
    }
}
