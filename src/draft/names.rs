//! What things could be called: names that a person would have chosen, and that are free.

use crate::net::{AddressSet, PortSet, Protocol, Requirement, Selector};
use ipnet::IpNet;
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// The keys whose values are the best names, in this order.
pub const NAMING: [&str; 12] = [
    "app.kubernetes.io/name",
    "app",
    "k8s-app",
    "app.kubernetes.io/component",
    "component",
    "name",
    "role",
    "tier",
    "service",
    "run",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
];

/// Longer names are cut. A DNS label has at most 63 characters, and a number may follow.
const LONGEST: usize = 50;

/// So many values of one key are put into a name.
const MOST_VALUES: usize = 3;

/// What those who have some labels could be called, the best first: each name says more than the one before it. `base`
/// is what there is to say of those with any labels.
pub fn names_of(selector: &Selector, base: &str) -> Vec<String> {
    let mut requirements = selector.requirements();
    let rank = |requirement: &Requirement<'_>| {
        let key = key_of(requirement);
        (NAMING.iter().position(|name| *name == key).unwrap_or(NAMING.len()), key.to_owned())
    };
    requirements.sort_by_key(|requirement| (kind(requirement), rank(requirement)));
    let mut names: Vec<String> = Vec::new();
    for word in requirements.iter().map(word).filter(|word| !word.is_empty()) {
        let longer = match names.last() {
            Some(shorter) => cut(&format!("{shorter}-{word}")),
            None => word,
        };
        if names.last() != Some(&longer) {
            names.push(longer);
        }
    }
    if names.is_empty() {
        let keys = requirements.iter().filter(|requirement| matches!(requirement, Requirement::Equals(..)));
        names.extend(keys.map(of_empty_value).find(|name| !name.is_empty()));
    }
    if names.is_empty() {
        names.push(base.to_owned());
    }
    names
}

/// What is said first: values, then several values, then that a key is there, then what is not.
fn kind(requirement: &Requirement<'_>) -> usize {
    match requirement {
        Requirement::Equals(..) => 0,
        Requirement::In(_, values) => usize::from(values.len() > 1),
        Requirement::Exists(_) => 2,
        Requirement::NotIn(..) => 3,
        Requirement::DoesNotExist(_) => 4,
    }
}

fn key_of<'a>(requirement: &Requirement<'a>) -> &'a str {
    match *requirement {
        Requirement::Equals(key, _)
        | Requirement::In(key, _)
        | Requirement::NotIn(key, _)
        | Requirement::Exists(key)
        | Requirement::DoesNotExist(key) => key,
    }
}

/// The key without the domain in front of it.
fn short_key<'a>(requirement: &Requirement<'a>) -> &'a str {
    key_of(requirement).rsplit('/').next().unwrap_or_default()
}

/// What somebody is called who has a label without a value: a key with a domain marks them, and of any other one it is the
/// value that is missing.
fn of_empty_value(requirement: &Requirement<'_>) -> String {
    let (key, short) = (key_of(requirement), clean(short_key(requirement)));
    match key.contains('/') && !NAMING.contains(&key) || short.is_empty() {
        true => short,
        false => cut(&format!("empty-{short}")),
    }
}

/// What a requirement says, as a part of a name.
fn word(requirement: &Requirement<'_>) -> String {
    let key = short_key(requirement);
    let several = |values: &[std::sync::Arc<str>], between: &str| match values.len() <= MOST_VALUES {
        true => {
            let words = values.iter().map(|value| clean(value)).filter(|word| !word.is_empty());
            words.collect::<Vec<_>>().join(between)
        }
        false => clean(key),
    };
    match requirement {
        // What only says yes is called by its question.
        Requirement::Equals(_, value) if &***value == "true" => clean(key),
        Requirement::Equals(_, value) => clean(value),
        Requirement::In(_, values) => cut(&several(values, "-or-")),
        Requirement::Exists(_) => cut(&format!("with-{}", clean(key))),
        Requirement::NotIn(_, values) => cut(&format!("not-{}", several(values, "-or-"))),
        Requirement::DoesNotExist(_) => cut(&format!("without-{}", clean(key))),
    }
}

/// A text as a DNS label; empty when nothing of it can stand in one.
fn clean(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let text: String = text.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
    cut(&text)
}

fn cut(text: &str) -> String {
    text.get(..text.len().min(LONGEST)).unwrap_or_default().trim_matches('-').to_owned()
}

/// What addresses could be called.
pub fn name_of_addresses(nets: &[IpNet]) -> String {
    let all = AddressSet::from_nets(nets.iter().copied());
    let whole = |net: &IpNet| net.prefix_len() == 0;
    match nets {
        [one] if whole(one) => match one.addr() {
            IpAddr::V4(_) => "all-ipv4".to_owned(),
            IpAddr::V6(_) => "all-ipv6".to_owned(),
        },
        _ if all.has_all() => "everywhere".to_owned(),
        [one] if one.prefix_len() == one.max_prefix_len() => clean(&format!("net-{}", one.addr())),
        [one] => clean(&format!("net-{}-{}", one.addr(), one.prefix_len())),
        _ => "nets".to_owned(),
    }
}

/// What ports could be called.
pub fn name_of_ports(ports: &PortSet) -> String {
    for protocol in Protocol::ALL {
        if let Some((low, _)) = ports.ranges(protocol).first() {
            return format!("{}-{low}", protocol.keyword());
        }
        if let Some(name) = ports.names(protocol).next() {
            return name.to_string();
        }
    }
    "port".to_owned()
}

/// The first of some names that is not taken, or else the first one with a number.
pub fn free<S: AsRef<str>>(names: &[S], taken: impl Fn(&str) -> bool) -> String {
    NumberedNames::default().free(names, taken)
}

/// The numbers behind names that were looked at: of thousands that would be called the same, none is tried twice.
#[derive(Debug, Default)]
pub struct NumberedNames(FxHashMap<String, u64>);

impl NumberedNames {
    /// [`free`], where what was taken once stays so.
    pub fn free<S: AsRef<str>>(&mut self, names: &[S], taken: impl Fn(&str) -> bool) -> String {
        if let Some(name) = names.iter().find(|name| !taken(name.as_ref())) {
            return name.as_ref().to_owned();
        }
        let base = names.first().map(AsRef::as_ref).unwrap_or_default();
        let from = self.0.get(base).copied().unwrap_or(2);
        let mut numbered = (from..).map(|number| (number, format!("{base}-{number}")));
        let (number, name) = numbered.find(|(_, name)| !taken(name)).unwrap_or_default();
        self.0.insert(base.to_owned(), number);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Values;

    fn selector(requirements: &[(&str, Values)]) -> Selector {
        let mut selector = Selector::everything();
        requirements.iter().for_each(|(key, values)| selector.require(*key, values.clone()));
        selector
    }

    #[test]
    fn the_best_label_gives_the_name_and_the_others_make_it_longer() {
        let one = |value: &str| Values::one_of([value]);
        for (requirements, names) in [
            (vec![], vec!["pods"]),
            (vec![("app", one("web"))], vec!["web"]),
            (vec![("app", one("web")), ("app.kubernetes.io/name", one("shop"))], vec!["shop", "shop-web"]),
            (vec![("zone", one("b")), ("role", one("db")), ("area", one("x"))], vec!["db", "db-x", "db-x-b"]),
            (vec![("app", one("Web_Front.1"))], vec!["web-front-1"]),
            (vec![("app", one("")), ("role", one("db"))], vec!["db"]),
            (vec![("policy-group.example.com/ingress", one(""))], vec!["ingress"]),
            (vec![("app", one(""))], vec!["empty-app"]),
            (vec![("app.kubernetes.io/name", one(""))], vec!["empty-name"]),
            (vec![("team", one(""))], vec!["empty-team"]),
            (vec![("app", Values::one_of(["a", "b"]))], vec!["a-or-b"]),
            (vec![("example.com/team", Values::one_of(["a", "b", "c", "d"]))], vec!["team"]),
            (vec![("app", Values::one_of(["a", "b"])), ("x", one("y"))], vec!["y", "y-a-or-b"]),
            (vec![("example.com/team", Values::exists())], vec!["with-team"]),
            (vec![("example.com/db-client", one("true"))], vec!["db-client"]),
            (
                vec![("env", Values::none_of(["test"])), ("team", Values::exists())],
                vec!["with-team", "with-team-not-test"],
            ),
            (vec![("env", Values::does_not_exist())], vec!["without-env"]),
        ] {
            assert_eq!(names_of(&selector(&requirements), "pods"), names, "{requirements:?}");
        }
        let long = names_of(&Selector::equals("app", "a".repeat(80)), "pods");
        assert_eq!(long, [String::from("a").repeat(LONGEST)]);
    }

    #[test]
    fn what_is_taken_is_not_given_again() {
        assert_eq!(free(&["web", "web-shop"], |_| false), "web");
        assert_eq!(free(&["web", "web-shop"], |name| name == "web"), "web-shop");
        assert_eq!(free(&["web", "web-shop"], |name| ["web", "web-shop", "web-2"].contains(&name)), "web-3");
    }

    #[test]
    fn addresses_are_called_by_what_they_are() {
        for (nets, name) in [
            (&["203.0.113.7/32"][..], "net-203-0-113-7"),
            (&["10.8.0.0/16"], "net-10-8-0-0-16"),
            (&["2001:db8::/48"], "net-2001-db8---48"),
            (&["0.0.0.0/0"], "all-ipv4"),
            (&["::/0"], "all-ipv6"),
            (&["0.0.0.0/0", "::/0"], "everywhere"),
            (&["10.0.0.0/8", "192.168.0.0/16"], "nets"),
        ] {
            let nets: Vec<IpNet> = nets.iter().filter_map(|net| net.parse().ok()).collect();
            assert_eq!(name_of_addresses(&nets), name);
        }
    }
}
