//! What the rows of a report are called.

use crate::analyze::{EndId, Group, GroupName, Row, RowNames, Situation};
use std::collections::BTreeMap;

/// More names than these of one row are counted and not listed.
const MOST_NAMES: usize = 6;

/// Finds names.
pub(in crate::cli) struct Names<'a> {
    situation: &'a Situation,
    /// How many groups each namespace has.
    groups: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    pub fn new(situation: &'a Situation) -> Self {
        let mut groups = BTreeMap::new();
        for home in situation.groups.iter().filter_map(|group| group.name.home()) {
            *groups.entry(home).or_default() += 1;
        }
        Names { situation, groups }
    }

    fn groups_of(&self, row: &Row) -> Vec<&'a Group> {
        match &row.names {
            RowNames::Groups(places) => places.iter().filter_map(|place| self.situation.groups.get(*place)).collect(),
            _ => Vec::new(),
        }
    }

    /// The namespace that a row is told under, when all of it is there.
    pub fn home(&self, row: &Row) -> Option<String> {
        if let RowNames::Namespace(name) = &row.names {
            return Some(name.to_string());
        }
        let groups = self.groups_of(row);
        let first = groups.first()?.name.home()?;
        let one = !first.starts_with('(') && groups.iter().all(|group| group.name.home().as_ref() == Some(&first));
        one.then_some(first)
    }

    /// What a row is called by those who are in the namespace `home`.
    pub fn of(&self, row: &Row, home: Option<&str>) -> String {
        let groups = self.groups_of(row);
        let whole = match groups.as_slice() {
            [one] => {
                matches!(&one.name, GroupName::Rest(Some(_)))
                    || matches!(&one.name, GroupName::Pods(_, _, labels) if labels.is_empty())
            }
            groups => groups.len() > 1,
        };
        if let (Some(namespace), true) = (self.home(row), whole)
            && self.groups.get(&namespace) == Some(&groups.len())
        {
            return format!("{namespace}/*");
        }
        let only = |group: &Group| whole && group.name.home().is_some_and(|home| self.groups.get(&home) == Some(&1));
        let name = |group: &&Group| match group.name.home() {
            Some(home) if home.starts_with('(') && only(group) => home,
            Some(own) if Some(own.as_str()) == home => group.name.short(),
            _ => group.name.to_string(),
        };
        match &row.names {
            RowNames::Namespace(namespace) => format!("{namespace}/*"),
            RowNames::Cluster => "cluster".to_owned(),
            RowNames::Anywhere => "anywhere".to_owned(),
            RowNames::Isolated(None) => "(all that is isolated)".to_owned(),
            RowNames::Isolated(Some(direction)) => format!("(all isolated for {})", direction.word()),
            RowNames::NotIsolated(None) => "(all that is not isolated)".to_owned(),
            RowNames::NotIsolated(Some(direction)) => format!("(all not isolated for {})", direction.word()),
            RowNames::Asked(text) => text.clone(),
            RowNames::Groups(_) => match groups.as_slice() {
                [one] => name(one),
                many => {
                    let mut words: Vec<String> = many.iter().take(MOST_NAMES).map(name).collect();
                    if many.len() > MOST_NAMES {
                        words.push(format!("{} more", many.len() - MOST_NAMES));
                    }
                    format!("{{{}}}", words.join(", "))
                }
            },
        }
    }
}

/// One of the pods or addresses of an end.
pub(in crate::cli) fn end_text(situation: &Situation, end: EndId) -> String {
    if let Some(pods) = situation.world.pods(end)
        && pods.members.is_empty()
    {
        let namespace = situation.world.namespace(pods.namespace);
        let name = namespace.and_then(|namespace| namespace.name.as_deref()).unwrap_or("(other namespace)");
        let labels: Vec<String> = pods.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return format!("{name}/{{{}}}", labels.join(","));
    }
    situation.names_of(end).first().map(ToString::to_string).unwrap_or_default()
}
