//! What pods, addresses and peers of one side are called: by what a program declares, or else by their labels.

use super::Version;
use crate::flow::{FlowSet, PartyName, Place};
use crate::net::{AddressSet, NAMESPACE_NAME, Peers, Selector, namespace_by_name};
use std::collections::BTreeMap;
use std::sync::Arc;

/// More blocks of a list without a name are counted.
const MOST_BLOCKS: usize = 4;

/// The names of two versions; where both declare one for the same, that of the newer.
pub(super) struct SideNames(BTreeMap<Peers, String>);

impl SideNames {
    pub(super) fn new([old, new]: [&Version<'_>; 2]) -> SideNames {
        let mut names = BTreeMap::new();
        for flows in [old, new].into_iter().filter_map(|version| version.program).map(|program| program.flows) {
            declared(flows, &mut names);
        }
        SideNames(names)
    }

    /// The pods of a namespace that have such labels.
    pub(super) fn pods(&self, namespace: &Arc<str>, pods: &Selector) -> String {
        self.peers(&Peers::Pods { namespaces: namespace_by_name(namespace), pods: pods.clone() })
    }

    pub(super) fn peers(&self, peers: &Peers) -> String {
        if let Some(name) = self.0.get(peers) {
            return name.clone();
        }
        match peers {
            Peers::Any => "anywhere".to_owned(),
            Peers::Addresses(addresses) => listed(addresses),
            Peers::Pods { namespaces, pods } => {
                let pods = if pods.is_everything() { "*".to_owned() } else { format!("{{{pods}}}") };
                match namespaces.required_value(NAMESPACE_NAME) {
                    Some([name]) if namespaces.keys().count() == 1 => format!("{name}/{pods}"),
                    _ if namespaces.is_everything() && pods == "*" => "cluster".to_owned(),
                    _ if namespaces.is_everything() => format!("*/{pods}"),
                    _ => format!("{{{namespaces}}}/{pods}"),
                }
            }
        }
    }
}

fn listed(addresses: &AddressSet) -> String {
    let nets = addresses.to_nets();
    let shown: Vec<String> = nets.iter().take(MOST_BLOCKS).map(ToString::to_string).collect();
    match (shown.as_slice(), nets.len() - shown.len()) {
        ([one], 0) => one.clone(),
        (shown, 0) => format!("{{{}}}", shown.join(", ")),
        (shown, more) => format!("{{{}, and {more} more}}", shown.join(", ")),
    }
}

/// The tiers and lists of addresses that a program declares.
fn declared(flows: &FlowSet, names: &mut BTreeMap<Peers, String>) {
    for party in &flows.parties {
        let Some(place) = &party.place else { continue };
        let name = match &party.name {
            PartyName::Local(namespace, name) => format!("{namespace}/{name}"),
            PartyName::Global(name) => name.to_string(),
            PartyName::AllPods(namespace) => format!("{namespace}/*"),
            PartyName::BuiltIn(word) => (*word).to_owned(),
        };
        let peers = match place {
            Place::Addresses(blocks) => Peers::Addresses(crate::net::IpBlock::all_addresses(blocks)),
            Place::Unlisted(unlisted) => Peers::Addresses(unlisted.addresses()),
            Place::Any | Place::Pods { .. } => match flows.peers(place).pop() {
                Some(peers) => peers,
                None => continue,
            },
        };
        names.insert(peers, name);
    }
}
