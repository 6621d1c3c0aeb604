//! What is told of an assertion that does not hold: the pods, why they may, and what would settle it.

use super::{AssertionJudge, place};
use crate::ask::search::{Connection, End, KnownNamespace, example};
use crate::cover::{Budget, GaveUp};
use crate::flow::{Flow, ManagedNamespace, PartyId, PartyName, Place};
use crate::model::{PlatformList, Settling, stating};
use crate::net::{AddressSet, EntitySet, NAMESPACE_NAME, PortSet, Selector, Truth, Unlisted};
use crate::prove::ExampleEnd;
use crate::table::known;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

impl<'a> AssertionJudge<'a> {
    /// Whether it is known that address blocks match pods, and which addresses those have.
    pub(super) fn is_sure(&self) -> bool {
        self.facts.matches().pods == Truth::Yes && self.facts.pods_are_stated()
    }

    /// What would have to be known of the cluster for an address block to let through or not; of pods, with the ends among
    /// addresses as the other case.
    pub(super) fn settled_by(&self, ends: [&End; 2]) -> String {
        let addresses = ends.into_iter().find_map(|end| match end {
            End::Addresses(addresses) => Some(addresses),
            End::Pods(_) => None,
        });
        let name = "name it, as in `platform { cni calico }`";
        if let Some(addresses) = addresses {
            let what = if self.facts.is_api_server(addresses) { "the API server" } else { "nodes" };
            return match self.facts.matches().pods {
                Truth::Maybe => format!("whether the CNI matches {what} by addresses is not known: {name}"),
                Truth::No | Truth::Yes => format!(
                    "this CNI matches {what} by addresses only in some clusters: a policy of its own kind is what lets it \
                     through there"
                ),
            };
        }
        let pods = "say which addresses pods have, as in `platform { pods 10.244.0.0/16 }`";
        match (self.facts.matches().pods, self.facts.pods_are_stated()) {
            (Truth::Yes, true) => "the CNI matches pods by their addresses, too".to_owned(),
            (Truth::Yes, false) => format!("the CNI matches pods by their addresses, too: {pods}"),
            (_, true) => format!("whether the CNI matches pods by their addresses is not known: {name}"),
            (_, false) => {
                format!("whether the CNI matches pods by their addresses is not known: {name}, or {pods}")
            }
        }
    }

    /// What would have to be so of the labels of managed namespaces for these ends to be there.
    pub(super) fn unstated<'e>(&mut self, ends: impl IntoIterator<Item = &'e End>) -> Result<UnstatedLabels, GaveUp> {
        let mut found = UnstatedLabels::default();
        for end in ends {
            if let Some((home, labels)) = self.connections.unstated(end, &mut self.budget)? {
                found.add(home, &labels);
            }
        }
        Ok(found)
    }

    /// Why a connection is allowed that no flow has opened by itself.
    pub(super) fn reason(&mut self, link: &Connection, without_flow: bool) -> Result<Option<String>, GaveUp> {
        Ok(match (link.open_source, link.open_destination) {
            (true, true) if self.set.is_cut => Some(
                "neither end is isolated there, as not all of the program is enforced: `--enforce all` asks about the whole"
                    .to_owned(),
            ),
            (true, true) => Some(
                "neither end is isolated there: pods are only isolated in managed namespaces, where an `isolate` covers \
                 them"
                    .to_owned(),
            ),
            _ if link.by_address => {
                let settled = self.settled_by([&link.source, &link.destination]);
                let or = if self.is_sure() { "" } else { "or " };
                Some(format!("{settled}; {or}take the addresses of pods out of the block with `except`"))
            }
            _ if without_flow => Some(self.opened_by_dns(link)?),
            _ => None,
        })
    }

    /// On what condition a flow to names or entities is one to an address, and what to do about it.
    pub(super) fn stands_for(&self, flow: &Flow, ends: [&End; 2]) -> Option<(String, String)> {
        let addresses = ends.into_iter().find_map(|end| match end {
            End::Addresses(addresses) => Some(addresses),
            End::Pods(_) => None,
        })?;
        let parties = flow.targets.iter().map(|(id, _)| *id).chain(known(self.set.party(flow.source)).leaves.clone());
        let unlisted = parties.filter_map(|id| match place(self.set, id) {
            Some(Place::Unlisted(unlisted)) if !unlisted.addresses().overlaps(addresses) => Some(unlisted),
            _ => None,
        });
        let unlisted = unlisted.filter(|one| self.facts.matched(&one.addresses()).truth(addresses) == Truth::Maybe);
        unlisted.map(condition).next()
    }

    /// What to do about a connection that a namespace opens so that its pods can ask for names.
    fn opened_by_dns(&mut self, link: &Connection) -> Result<String, GaveUp> {
        let home = match self.connections.one(&link.source, &mut self.budget)? {
            Some(ExampleEnd::Pod { namespace, .. }) => namespace.get(NAMESPACE_NAME).cloned().unwrap_or_default(),
            _ => String::new(),
        };
        let setting = self.set.namespaces.iter().find(|one| *one.name == *home).map(|one| one.dns_setting.clone());
        let mut ways = Vec::new();
        if let (End::Addresses(addresses), Some("dns cluster")) = (&link.destination, setting.as_deref())
            && is_link_local(addresses)
        {
            ways.push(format!("`dns strict` in namespace `{home}` closes it, unless names are asked for on the node"));
        }
        let text = &self.statement.text;
        let has_more = text.contains([':', '{']) || text.contains(" except ") || text.contains("->>");
        // Who goes on from DNS servers gets everywhere, whatever the ports of the first step.
        let without = text.split(" through dns").collect::<String>();
        ways.push(match (self.assertion.through_dns, has_more) {
            (true, _) => format!("leave out `through dns`, so that DNS servers are no step: `{without}`"),
            (false, false) => format!("name the ports that are meant, as in `{text}:80`"),
            (false, true) => "leave port 53 out of the assertion".to_owned(),
        });
        let setting = setting.map_or(String::new(), |setting| format!(" (`{setting}`)"));
        Ok(format!("the pods of `{home}` may ask for names there{setting}, which no flow says: {}", ways.join("; or ")))
    }

    /// That those whom `except` names are reached, where somebody may have meant to allow that.
    pub(super) fn except_is_reached(&mut self, link: &Connection) -> Result<Option<String>, GaveUp> {
        let leaves = |id: &PartyId| known(self.set.party(*id)).leaves.clone();
        let out: Vec<PartyId> = self.assertion.except.iter().flat_map(leaves).collect();
        // Who speaks of all that lies in one place may well except those who connect from there.
        if self.assertion.targets.iter().flat_map(|(id, _)| leaves(id)).all(|id| out.contains(&id)) {
            return Ok(None);
        }
        let out = out.iter().filter_map(|id| place(self.set, *id)).flat_map(|place| self.connections.ends(place));
        for end in out {
            if let Some(both) = self.connections.both(&link.destination, &end)
                && self.connections.settled(&both, &mut self.budget)?.is_some()
            {
                let why = "`except` takes away some who connect, and nobody who is reached: assert it of those that must not be \
                           reached";
                return Ok(Some(why.to_owned()));
            }
        }
        Ok(None)
    }

    /// The flows that allow some connection between the two; those that name pods by their addresses only where it is
    /// `by_address` that there is one.
    pub(super) fn flows(
        &mut self,
        [source, target]: [&End; 2],
        ports: &PortSet,
        by_address: bool,
    ) -> Result<Vec<&'a Flow>, GaveUp> {
        let (set, connections) = (self.set, self.connections);
        let to_address = matches!(target, End::Addresses(_));
        let mut found = Vec::new();
        let common = |end: &End, id: PartyId, budget: &mut Budget| -> Result<bool, GaveUp> {
            match place(set, id) {
                Some(Place::Addresses(_) | Place::Unlisted(_)) if !by_address && matches!(end, End::Pods(_)) => {
                    Ok(false)
                }
                Some(place) => connections.meets(end, place, budget),
                None => Ok(false),
            }
        };
        let mut from: BTreeMap<PartyId, bool> = BTreeMap::new();
        for flow in &set.flows {
            for leaf in &known(set.party(flow.source)).leaves {
                if !from.contains_key(leaf) {
                    from.insert(*leaf, common(source, *leaf, &mut self.budget)?);
                }
            }
            let leaves = &known(set.party(flow.source)).leaves;
            if !leaves.iter().any(|leaf| from.get(leaf) == Some(&true)) {
                continue;
            }
            for (id, theirs) in &flow.targets {
                if example([ports, theirs, theirs], to_address).is_some()
                    && common(target, *id, &mut self.budget)?
                    && (flow.side.is_none() || self.is_answered(flow, [source, target], (*id, ports))?)
                {
                    found.push(flow);
                    break;
                }
            }
        }
        found.dedup_by_key(|flow| flow.statement);
        Ok(found)
    }

    /// Whether something that a flow with one side asks for is let through on the other side as well.
    fn is_answered(
        &mut self,
        flow: &Flow,
        [source, target]: [&End; 2],
        (id, ports): (PartyId, &PortSet),
    ) -> Result<bool, GaveUp> {
        let connections = self.connections;
        let parts = |end: &End, leaf: PartyId| -> Vec<End> {
            // Pods that are let through by their addresses are at no place by themselves.
            let places = place(self.set, leaf).map(|place| connections.ends(place)).unwrap_or_default();
            match (end, places.as_slice()) {
                (End::Pods(_), [End::Addresses(_)]) => vec![end.clone()],
                _ => places.iter().filter_map(|part| connections.both(end, part)).collect(),
            }
        };
        let leaves = &known(self.set.party(flow.source)).leaves;
        let sources: Vec<End> = leaves.iter().flat_map(|leaf| parts(source, *leaf)).collect();
        let targets = parts(target, id);
        let theirs = flow.targets.iter().filter(|(one, _)| *one == id).map(|(_, ports)| ports);
        let ports = theirs.fold(PortSet::empty(), |all, theirs| all.union(theirs)).intersect(ports);
        for source in &sources {
            for target in &targets {
                if connections.links(source, target, &ports, &mut self.budget, &mut |_| true)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What messages call one of those of an end: by its tiers, where it has some.
    pub(super) fn name(&mut self, end: &End) -> Result<String, GaveUp> {
        let Some(party) = self.connections.one(end, &mut self.budget)? else { return Ok("nobody".to_owned()) };
        let ExampleEnd::Pod { namespace, labels } = &party else { return Ok(party.to_string()) };
        let mut tiers = Vec::new();
        let mut plain = false;
        for tier in &self.set.parties {
            let (PartyName::Local(home, name), Some(Place::Pods { pods, .. })) = (&tier.name, &tier.place) else {
                continue;
            };
            let there = namespace.get(NAMESPACE_NAME).map(String::as_str) == Some(home) && namespace.len() == 1;
            if there && pods.matches(labels) {
                plain |= pods.witness().as_ref() == Some(labels);
                tiers.push(format!("`{home}/{name}`"));
            }
        }
        if tiers.is_empty() {
            return Ok(party.to_string());
        }
        tiers.sort();
        tiers.dedup();
        let tiers = tiers.join(" and ");
        if plain {
            return Ok(format!("a pod of {tiers}"));
        }
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ok(format!("a pod of {tiers} with ({})", labels.join(", ")))
    }
}

fn is_link_local(addresses: &AddressSet) -> bool {
    let inside =
        |&(low, high): &(u32, u32)| Ipv4Addr::from(low).is_link_local() && Ipv4Addr::from(high).is_link_local();
    addresses.v6().is_empty() && addresses.v4().iter().all(inside)
}

/// What would have to be so of labels that nobody stated.
#[derive(Debug, Default)]
pub(super) struct UnstatedLabels {
    conditions: Vec<String>,
    /// The statements that say that it is not so, where a program can.
    statements: Vec<String>,
}

impl UnstatedLabels {
    fn add(&mut self, home: &KnownNamespace<'_>, labels: &Selector) {
        let condition = format!("namespace `{}` has ({labels})", home.name);
        let Some(settling) = Settling::of(labels, &home.labels, &home.name, |_| None) else { return };
        if !self.conditions.contains(&condition) {
            self.conditions.push(condition);
            let state = |managed: &ManagedNamespace| stating(&managed.declared, &managed.name, &settling.is_not.text);
            self.statements.extend(home.managed.map(state));
        }
    }

    /// What comes of an assertion for something that may be so, or is.
    pub(super) fn verdict(&self, assertion: &str, is_sure: bool, found: &str) -> String {
        match (self.conditions.is_empty(), is_sure) {
            (true, true) => format!("`{assertion}` does not hold: {found}"),
            (true, false) => format!("`{assertion}` is not sure to hold: {found}"),
            (false, _) => {
                format!("`{assertion}` is not sure to hold: if {}, {found}", self.conditions.join(" and "))
            }
        }
    }

    /// Advice to state labels, or to give the objects that have them, before other advice.
    pub(super) fn or_else(&self, help: &str) -> String {
        match self.statements.first() {
            Some(statement) => format!("if that is not so, state it, as in `{statement}`; else {help}"),
            None if !self.conditions.is_empty() => {
                format!("`polder check --workloads` goes by the labels of Namespace objects; or {help}")
            }
            None => help.to_owned(),
        }
    }
}

/// When names or entities have an address, and what can be done where that must not be.
fn condition(unlisted: &Unlisted) -> (String, String) {
    match unlisted {
        Unlisted::Names(patterns) => {
            let names: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            let names = names.join(" or ");
            let help =
                format!("nobody knows where {names} will resolve to: assert it of pods that may connect to no name");
            (format!("if {names} resolves to it"), help)
        }
        Unlisted::Entities(entities) => {
            let lists = [(EntitySet::API_SERVER, PlatformList::ApiServer), (EntitySet::NODES, PlatformList::Nodes)];
            let mut lists = lists.into_iter().filter(|(own, _)| !own.intersect(*entities).is_empty());
            let example = lists.next().map_or("", |(_, list)| list.example());
            let help = format!("say which addresses these have, as in `platform {{ {example} }}`");
            (format!("if that is the address of {entities}"), help)
        }
    }
}
