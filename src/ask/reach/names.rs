//! What the rows of a report are called.

use super::{Row, RowNames};
use crate::ask::situation::GroupName;
use std::collections::BTreeMap;

/// More names than these of one row are counted and not listed.
const MOST_NAMES: usize = 6;

/// Finds names.
#[derive(Debug)]
pub struct Names {
    /// How many groups each namespace has.
    groups: BTreeMap<String, usize>,
}

impl Names {
    /// For rows of these groups.
    pub fn new(all: &[GroupName]) -> Self {
        let mut groups = BTreeMap::new();
        for home in all.iter().filter_map(GroupName::home) {
            *groups.entry(home).or_default() += 1;
        }
        Names { groups }
    }

    /// The namespace that a row is told under, when all of it is there.
    pub fn home(&self, row: &Row) -> Option<String> {
        if let RowNames::Namespace(name) = &row.names {
            return Some(name.to_string());
        }
        let groups = groups_of(row);
        let first = groups.first()?.home()?;
        let one = !first.starts_with(['(', '*']) && groups.iter().all(|group| group.home().as_ref() == Some(&first));
        one.then_some(first)
    }

    /// What a row is called by those who are in the namespace `home`.
    pub fn of(&self, row: &Row, home: Option<&str>) -> String {
        let groups = groups_of(row);
        let whole = match groups {
            [one] => {
                matches!(one, GroupName::Rest(Some(_)))
                    || matches!(one, GroupName::Pods(_, _, labels) if labels.is_empty())
            }
            groups => groups.len() > 1,
        };
        if let (Some(namespace), true) = (self.home(row), whole)
            && self.groups.get(&namespace) == Some(&groups.len())
        {
            return format!("{namespace}/*");
        }
        let only = |group: &GroupName| whole && group.home().is_some_and(|home| self.groups.get(&home) == Some(&1));
        let name = |group: &GroupName| match group.home() {
            Some(home) if home.starts_with('(') && only(group) => home,
            Some(own) if Some(own.as_str()) == home => group.short(),
            _ => group.to_string(),
        };
        match &row.names {
            RowNames::Namespace(namespace) => format!("{namespace}/*"),
            RowNames::Cluster => "cluster".to_owned(),
            RowNames::Anywhere => "anywhere".to_owned(),
            RowNames::Isolated(None) => "(all that is isolated)".to_owned(),
            RowNames::Isolated(Some(direction)) => format!("(all isolated for {})", direction.word()),
            RowNames::NotIsolated(None) => "(all that is not isolated)".to_owned(),
            RowNames::NotIsolated(Some(direction)) => format!("(all not isolated for {})", direction.word()),
            RowNames::PodsNotIsolated(None) => "(all pods not isolated)".to_owned(),
            RowNames::PodsNotIsolated(Some(direction)) => format!("(all pods not isolated for {})", direction.word()),
            RowNames::Asked(text) => text.clone(),
            RowNames::Groups(_) => match groups {
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

fn groups_of(row: &Row) -> &[GroupName] {
    match &row.names {
        RowNames::Groups(groups) => groups,
        RowNames::Namespace(_)
        | RowNames::Cluster
        | RowNames::Anywhere
        | RowNames::NotIsolated(_)
        | RowNames::PodsNotIsolated(_)
        | RowNames::Isolated(_)
        | RowNames::Asked(_) => &[],
    }
}
