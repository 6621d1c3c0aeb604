//! Labels that somebody would have chosen: to select pods by, and to name all tiers of a namespace by.

use super::NAMING;
use crate::net::Selector;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The key that tiers are named by where no `label` says another one.
pub const USUAL_KEY: &str = "app";

/// So many tiers have to be named by a key for it to be said once.
const FEWEST_BY_KEY: usize = 3;

/// The keys that tell apart what others call alike, in this order.
const APART: [&str; 3] = ["app.kubernetes.io/component", "component", "app.kubernetes.io/instance"];

/// The labels that pods would be selected by: the first that names them, then their component and their instance, then any
/// other, but none that makes no difference to whether `others` have them all, too. `own` has only labels that stay. Where
/// others have all of them, the last ones that made a difference are there.
pub fn selecting<'l>(
    own: &'l BTreeMap<String, String>,
    others: &[&BTreeMap<String, String>],
) -> BTreeMap<&'l str, &'l str> {
    let place = |keys: &[&str], key: &str| keys.iter().position(|known| *known == key).unwrap_or(keys.len());
    let by_name = |(key, value): &(&String, &String)| (value.is_empty(), place(&NAMING, key));
    let mut rest: Vec<(&String, &String)> = own.iter().collect();
    rest.sort_by_key(by_name);
    let mut chosen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut rest = rest.into_iter();
    chosen.extend(rest.next().map(|(key, value)| (key.as_str(), value.as_str())));
    let mut rest: Vec<(&String, &String)> = rest.collect();
    rest.sort_by_key(|label| (place(&APART, label.0), by_name(label)));
    let has = |other: &BTreeMap<String, String>, key: &str, value: &str| other.get(key).is_some_and(|one| one == value);
    let mut alike: Vec<&BTreeMap<String, String>> = others.to_vec();
    alike.retain(|other| chosen.iter().all(|(key, value)| has(other, key, value)));
    for (key, value) in rest {
        if alike.is_empty() {
            break;
        }
        let left: Vec<_> = alike.iter().copied().filter(|other| has(other, key, value)).collect();
        if left.len() < alike.len() {
            chosen.insert(key, value);
            alike = left;
        }
    }
    chosen
}

/// The key for the `label` of a namespace: the one whose value is the name of at least half of its tiers and of more than a few,
/// unless it is the usual one.
pub fn label_key<'t>(tiers: impl IntoIterator<Item = (&'t Selector, &'t Arc<str>)>) -> Option<Arc<str>> {
    let (mut counts, mut all): (BTreeMap<Arc<str>, usize>, usize) = (BTreeMap::new(), 0);
    for (selector, name) in tiers {
        all += 1;
        let key = selector.keys().next().filter(|key| *selector == Selector::equals((*key).clone(), name.clone()));
        key.into_iter().for_each(|key| *counts.entry(key.clone()).or_default() += 1);
    }
    let (key, count) = counts.into_iter().max_by_key(|(key, count)| (*count, std::cmp::Reverse(key.clone())))?;
    (*key != *USUAL_KEY && count >= FEWEST_BY_KEY && count * 2 >= all).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> BTreeMap<String, String> {
        let pair = |pair: &str| pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        text.split_whitespace().filter_map(pair).collect()
    }

    #[test]
    fn pods_are_selected_by_as_few_labels_as_tell_them_apart() {
        let name = "app.kubernetes.io/name";
        let component = "app.kubernetes.io/component";
        for (own, others, chosen) in [
            ("app=web zone=a", &[][..], "app=web"),
            ("zone=a area=b", &[], "area=b"),
            ("", &["app=web"], ""),
            ("app=web tier=front", &["app=api tier=back"], "app=web"),
            ("app=shop tier=front", &["app=shop tier=back"], "app=shop tier=front"),
            (
                "app=shop tier=front zone=a",
                &["app=shop tier=back zone=a", "app=shop tier=front zone=b"],
                "app=shop tier=front zone=a",
            ),
            ("app=web", &["app=web track=canary"], "app=web"),
            ("app=web track=canary", &["app=web"], "app=web track=canary"),
            ("app=web", &["app=web"], "app=web"),
            ("app= role=db", &[], "role=db"),
        ] {
            let others: Vec<_> = others.iter().map(|other| labels(other)).collect();
            let others: Vec<_> = others.iter().collect();
            let (own, wanted) = (labels(own), labels(chosen));
            let chosen = selecting(&own, &others);
            let chosen: BTreeMap<_, _> = chosen.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            assert_eq!(chosen, wanted, "{own:?}");
        }
        let own = labels(&format!("{name}=shop {component}=web app.kubernetes.io/instance=r1 role=x"));
        let other = labels(&format!("{name}=shop {component}=api app.kubernetes.io/instance=r1 role=y"));
        assert_eq!(selecting(&own, &[&other]), BTreeMap::from([(name, "shop"), (component, "web")]));
    }
}
