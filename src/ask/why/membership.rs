//! Whether an end is at a place, and what is missing where it is not.

use crate::cluster::Labels;
use crate::engine::{End, EndId, World};
use crate::flow::{FlowSet, Namespaces, Place};
use crate::net::{AddressSet, IpBlock, Selector, Truth, Values};

/// What keeps an end from being at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// Its labels: what they would have to be.
    Labels {
        /// The requirements that do not hold.
        missing: Selector,
        /// Whether others hold, so that it is nearly one of those.
        close: bool,
    },
    /// Its namespace, whose labels would have to be these.
    Namespace(Selector),
    /// Its addresses, which would have to be among these.
    Addresses(AddressSet),
    /// It is pods and would have to be addresses, or the other way round.
    Kind,
}

/// Whether pods in any namespace have some labels; the truth, and what is missing when it is no.
pub(super) fn pods(
    world: &World,
    end: EndId,
    namespaces: Option<&Selector>,
    labels: &Selector,
) -> Result<Truth, Misfit> {
    let Some(pods) = world.pods(end) else { return Err(Misfit::Kind) };
    let home = world.namespace(pods.namespace);
    let truth = match (namespaces, home) {
        (Some(selector), Some(home)) => home.matches(selector),
        _ => Truth::Yes,
    };
    let has_labels = labels.matches(&pods.labels);
    match (truth, has_labels) {
        (Truth::No, true) => Err(Misfit::Namespace(namespaces.cloned().unwrap_or_default())),
        (Truth::No, false) => Err(Misfit::Kind),
        (_, false) => Err(misfit(labels, &pods.labels)),
        (truth, true) => Ok(truth),
    }
}

/// What of a selector labels do not meet.
pub(super) fn misfit(selector: &Selector, labels: &Labels) -> Misfit {
    let mut missing = Selector::everything();
    let mut close = false;
    for (key, values) in selector.entries() {
        let value = labels.get(&**key).map(String::as_str);
        if values.allows(value) {
            // That a label is not there is nothing that two have in common.
            close |= value.is_some();
        } else {
            close |= is_elsewhere(values, labels);
            missing.require(key.clone(), values.clone());
        }
    }
    Misfit::Labels { missing, close }
}

/// Whether a value that is wanted stands under another key.
fn is_elsewhere(values: &Values, labels: &Labels) -> bool {
    values.required().is_some_and(|wanted| labels.values().any(|value| wanted.iter().any(|one| **one == *value)))
}

/// Whether an end is at a place of a program.
pub(super) fn place(set: &FlowSet, world: &World, end: EndId, place: &Place) -> Result<Truth, Misfit> {
    match place {
        Place::Any => Ok(Truth::Yes),
        Place::Pods { namespaces, pods: labels } => {
            let everywhere = matches!(namespaces, Namespaces::Every);
            let selector = (!everywhere).then(|| set.namespace_selector(namespaces));
            pods(world, end, selector.as_ref(), labels)
        }
        Place::Addresses(blocks) => addresses(world, end, &IpBlock::all_addresses(blocks)),
        Place::Unlisted(unlisted) => addresses(world, end, &unlisted.addresses()),
    }
}

/// Whether an end is among addresses.
pub(super) fn addresses(world: &World, end: EndId, all: &AddressSet) -> Result<Truth, Misfit> {
    match world.end(end) {
        Some(End::Addresses { addresses, .. }) => match world.facts.matched(all).truth(addresses) {
            Truth::No if all.contains(addresses) => Err(Misfit::Kind),
            Truth::No => Err(Misfit::Addresses(all.clone())),
            truth @ (Truth::Maybe | Truth::Yes) => Ok(truth),
        },
        Some(End::Pods(pods)) => match pods.in_block(&world.facts, all) {
            Truth::No if world.facts.matches().pods == Truth::No => Err(Misfit::Kind),
            Truth::No if pods.addresses.is_empty() => Err(Misfit::Kind),
            Truth::No => Err(Misfit::Addresses(all.clone())),
            truth @ (Truth::Maybe | Truth::Yes) => Ok(truth),
        },
        None => Err(Misfit::Kind),
    }
}
