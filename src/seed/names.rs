//! What tiers and their ports are called.

use super::tiers::{DeployedPort, DeployedTier};
use crate::draft::{free, names_of};
use crate::model::BuiltIn;
use crate::net::{Protocol, is_dns_label};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What nobody has a better name for.
const BASE: &str = "pods";

fn is_built_in(name: &str) -> bool {
    BuiltIn::ALL.into_iter().any(|one| one.word() == name)
}

/// Names the tiers of one namespace: each by as few words of its labels as no other one is called by, or else by what runs it.
pub(super) fn name_tiers(tiers: &mut [DeployedTier]) {
    let mut candidates: Vec<Vec<String>> = tiers.iter().map(|tier| names_of(&tier.selector, BASE)).collect();
    for (names, tier) in candidates.iter_mut().zip(tiers.iter()) {
        let members = tier.members.iter().map(|member| member.name.to_string()).filter(|name| is_dns_label(name));
        names.extend(members.take(1));
    }
    let mut levels = vec![0; tiers.len()];
    let current = |levels: &[usize]| -> Vec<String> {
        let name = |(names, level): (&Vec<String>, &usize)| names.get(*level).cloned().unwrap_or_default();
        candidates.iter().zip(levels).map(name).collect()
    };
    loop {
        let names = current(&levels);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let mut has_changed = false;
        for ((name, level), all) in names.iter().zip(&mut levels).zip(&candidates) {
            let is_taken = is_built_in(name) || counts.get(&**name).is_some_and(|count| *count > 1);
            // The name of what runs there is only for those that labels do not tell apart.
            if is_taken && *level + 1 < all.len() {
                *level += 1;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (name, tier) in current(&levels).into_iter().zip(tiers.iter_mut()) {
        let name = free(&[name], |name| taken.contains(name) || is_built_in(name) || !is_dns_label(name));
        taken.insert(name.clone());
        tier.name = name.into();
    }
}

/// Gives each port a name of its own, a good one where somebody gave it one.
pub(super) fn name_ports(ports: &mut [DeployedPort]) {
    let is_good = |name: &str| is_dns_label(name) && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    let mut taken: BTreeSet<Arc<str>> = BTreeSet::new();
    for port in ports {
        let numbered = format!("port-{}", port.number);
        let with_protocol = format!("{numbered}-{}", port.protocol.keyword());
        let own = Some(&*port.name).filter(|name| is_good(name));
        let behind = match port.protocol {
            Protocol::Tcp => port.number.to_string(),
            Protocol::Udp | Protocol::Sctp => port.protocol.keyword().to_owned(),
        };
        let longer = own.map(|name| format!("{name}-{behind}")).filter(|name| is_good(name));
        let all = own.map(str::to_owned).into_iter().chain(longer).chain([numbered, with_protocol]);
        let candidates: Vec<String> = all.collect();
        let name: Arc<str> = free(&candidates, |name| taken.contains(name)).into();
        taken.insert(name.clone());
        port.name = name;
    }
}
