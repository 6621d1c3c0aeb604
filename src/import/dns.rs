//! Which DNS servers a namespace asks, where a preset says exactly what its policies do.

use super::atoms::{Atom, Atoms, each_value};
use super::cells::Patience;
use super::places::{Home, Place, PlaceId};
use super::sides::Sides;
use crate::cover::{Budget, unmatched};
use crate::model::{DnsPreset, DnsServer};
use crate::net::{Direction, IpBlock, PortSet, Protocol, Region, Selector};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a namespace says of DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Servers {
    /// Nothing, so that it asks those of `dns cluster`.
    Implied,
    /// A preset by its name.
    Preset(&'static str),
    /// Pods that are a tier, on a port.
    Tier(PlaceId, u16),
    /// `dns none`.
    Nobody,
}

/// Ports that DNS servers answer on: in the cluster, and in their containers where those may not take the lower one.
const PORTS: [u16; 2] = [53, 5353];

/// Comparisons that one question may take; without an answer, flows say it.
const BUDGET: usize = 20_000;

/// What a namespace asks.
#[derive(Debug)]
pub(super) struct Asked {
    pub servers: Servers,
    /// Whom its isolated pods are let out to.
    pub places: Vec<Place>,
    /// On this port.
    pub port: u16,
    /// The pods that answer: their side is opened as well.
    pub pods: Vec<Place>,
    /// The atoms of its egress that this stands for.
    pub taken: Vec<usize>,
}

impl Asked {
    fn nobody() -> Asked {
        Asked { servers: Servers::Nobody, places: Vec::new(), port: 0, pods: Vec::new(), taken: Vec::new() }
    }

    /// What it opens, for the namespace `home`: where, in which direction and what.
    pub(super) fn opens(&self, atoms: &Atoms, home: usize) -> Vec<(usize, Direction, Region)> {
        let Some(name) = atoms.names.get(home) else { return Vec::new() };
        let everybody = Place::pods(name, Selector::everything());
        let ports = PortSet::union_of(&both(self.port));
        let region = |subject, peers| Region { subject, peers, ports: ports.clone() };
        let out = self.places.iter().flat_map(|place| {
            let isolated = atoms.isolated(&everybody, Direction::Egress);
            let open = |(home, subject): &(usize, Selector)| {
                (*home, Direction::Egress, region(subject.clone(), place.peers()))
            };
            isolated.iter().flat_map(|isolated| isolated.iter().map(open)).collect::<Vec<_>>()
        });
        let into = self.pods.iter().flat_map(|place| {
            let isolated = atoms.isolated(place, Direction::Ingress);
            let open = |(home, subject): &(usize, Selector)| {
                (*home, Direction::Ingress, region(subject.clone(), everybody.peers()))
            };
            isolated.iter().flat_map(|isolated| isolated.iter().map(open)).collect::<Vec<_>>()
        });
        out.chain(into).collect()
    }
}

/// One port over both protocols that DNS is asked over.
fn both(port: u16) -> [PortSet; 2] {
    [Protocol::Udp, Protocol::Tcp].map(|protocol| PortSet::number(protocol, port))
}

fn presets() -> impl Iterator<Item = Asked> {
    DnsServer::PRESETS.into_iter().filter_map(|DnsPreset { word, server, .. }| {
        let preset = server.preset_pods()?;
        let home = Home::Named(Arc::from(preset.namespace));
        let pods: Vec<Place> =
            each_value(&preset.pods).into_iter().map(|pods| Place::Pods(home.clone(), pods)).collect();
        let caches = server.preset_caches().map(|net| Place::Addresses(IpBlock::list(&[net], &[])));
        let places = match server {
            DnsServer::Any => vec![Place::Anywhere],
            DnsServer::Cluster
            | DnsServer::Strict
            | DnsServer::OpenShift
            | DnsServer::Address(_)
            | DnsServer::Tier(..) => pods.iter().cloned().chain(caches).collect(),
        };
        let servers = if server == DnsServer::Cluster { Servers::Implied } else { Servers::Preset(word) };
        Some(Asked { servers, places, port: preset.port, pods, taken: Vec::new() })
    })
}

impl Sides {
    /// The servers that a namespace asks.
    pub(super) fn servers(&self, atoms: &Atoms, home: usize, patience: &mut Patience) -> Asked {
        let Some(opened) = atoms.sides.get(home).map(|side| side.get(Direction::Egress)) else {
            return Asked::nobody();
        };
        if atoms.before.get(home).is_some_and(Option::is_some) {
            // The program says it already, and what it opens is known.
            return Asked { servers: Servers::Implied, ..Asked::nobody() };
        }
        if opened.isolated.is_empty() {
            // A preset may still open the side of servers that are managed themselves.
            let silent = presets().find(|one| one.servers == Servers::Implied);
            let silent = silent.filter(|one| self.lets_in(atoms, home, one, patience));
            return silent.unwrap_or_else(Asked::nobody);
        }
        let left = self.left(atoms, home, Direction::Egress);
        let mut known: FxHashMap<(&Place, &PortSet), Vec<(usize, &Selector)>> = FxHashMap::default();
        for (at, atom) in &left {
            let of_it = known.entry((atoms.places.place(atom.peer), &atom.ports)).or_default();
            of_it.push((*at, &atom.subject));
        }
        let asked = |candidate: &Asked| -> Option<Vec<usize>> {
            let mut taken = Vec::new();
            for place in &candidate.places {
                for ports in both(candidate.port) {
                    let of_it = known.get(&(place, &ports)).map(Vec::as_slice).unwrap_or_default();
                    let subjects: BTreeSet<&Selector> = of_it.iter().map(|(_, subject)| *subject).collect();
                    if !opened.isolated.iter().all(|pods| are_all(pods, &subjects)) {
                        return None;
                    }
                    taken.extend(of_it.iter().map(|(at, _)| *at));
                }
            }
            Some(taken)
        };
        for candidate in presets().chain(self.tiers(atoms, &left)) {
            if let Some(taken) = asked(&candidate)
                && self.lets_in(atoms, home, &candidate, patience)
            {
                return Asked { taken, ..candidate };
            }
        }
        Asked::nobody()
    }

    /// The pods of single namespaces that are asked on the ports of DNS.
    fn tiers(&self, atoms: &Atoms, left: &[(usize, &Atom)]) -> Vec<Asked> {
        let mut found: Vec<(&Place, PlaceId, u16)> = Vec::new();
        for (_, atom) in left {
            let place = atoms.places.place(atom.peer);
            let is_tier = matches!(place, Place::Pods(Home::Named(_), pods) if !pods.is_everything());
            let port = PORTS.into_iter().find(|port| both(*port).contains(&atom.ports));
            if let Some(port) = port.filter(|_| is_tier) {
                found.push((place, atom.peer, port));
            }
        }
        found.sort();
        found.dedup();
        let candidate = |(place, id, port): (&Place, PlaceId, u16)| Asked {
            servers: Servers::Tier(id, port),
            places: vec![place.clone()],
            port,
            pods: vec![place.clone()],
            taken: Vec::new(),
        };
        found.into_iter().map(candidate).collect()
    }

    /// Whether the servers of a preset, where they are managed, let in every pod of a namespace.
    fn lets_in(&self, atoms: &Atoms, home: usize, candidate: &Asked, patience: &mut Patience) -> bool {
        let Some(name) = atoms.names.get(home) else { return false };
        let everybody = Place::pods(name, Selector::everything());
        let opened: Option<Vec<_>> =
            candidate.pods.iter().map(|place| atoms.isolated(place, Direction::Ingress)).collect();
        opened.is_some_and(|opened| {
            opened.iter().flat_map(|opened| opened.iter()).all(|(home, subject)| {
                both(candidate.port).into_iter().all(|ports| {
                    let region = Region { subject: subject.clone(), peers: everybody.peers(), ports };
                    self.covers(*home, Direction::Ingress, &region, patience)
                })
            })
        })
    }
}

/// Whether all pods of a selector are among those of others.
fn are_all(pods: &Selector, others: &BTreeSet<&Selector>) -> bool {
    if others.contains(pods) || others.iter().any(|other| other.contains(pods)) {
        return true;
    }
    let others: Vec<&Selector> = others.iter().copied().collect();
    !others.is_empty() && unmatched(pods, &others, &mut Budget::new(BUDGET)) == Ok(None)
}
