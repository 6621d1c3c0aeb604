//! DNS names, as policies of some network plugins name the other end of traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Some DNS names, as `fqdn` of the language writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamePattern {
    /// `api.example.com`: this one.
    Exact(Arc<str>),
    /// `*.example.com`: those with one label before this.
    OneBelow(Arc<str>),
    /// `**.example.com`: those with one label or more before this.
    AllBelow(Arc<str>),
}

impl NamePattern {
    /// Reads it; whether its name is a valid one is not looked at.
    pub fn parse(text: &str) -> NamePattern {
        match (text.strip_prefix("**."), text.strip_prefix("*.")) {
            (Some(name), _) => NamePattern::AllBelow(name.into()),
            (None, Some(name)) => NamePattern::OneBelow(name.into()),
            (None, None) => NamePattern::Exact(text.into()),
        }
    }

    /// The name in it, without what stands before it.
    pub fn name(&self) -> &str {
        match self {
            NamePattern::Exact(name) | NamePattern::OneBelow(name) | NamePattern::AllBelow(name) => name,
        }
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NamePattern::Exact(name) => f.write_str(name),
            NamePattern::OneBelow(name) => write!(f, "*.{name}"),
            NamePattern::AllBelow(name) => write!(f, "**.{name}"),
        }
    }
}

/// A set of DNS names. Equal sets are equal values.
///
/// Names are a tree, from the last label to the first, and so is the set of them: each node that differs from what its parent
/// says of all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NameSet(NameNode);

/// What of the names at and below one is in a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct NameNode {
    /// The name itself.
    itself: bool,
    /// Those with one more label that is not among `children`.
    direct: bool,
    /// Those with more labels, of which the first is not among `children`.
    deeper: bool,
    /// By the label before it, what differs.
    children: BTreeMap<Arc<str>, NameNode>,
}

impl NameNode {
    /// What is said of a label that is not among the children.
    fn other(&self) -> NameNode {
        NameNode { itself: self.direct, direct: self.deeper, deeper: self.deeper, children: BTreeMap::new() }
    }

    fn combine(&self, other: &NameNode, is_in: impl Fn(bool, bool) -> bool + Copy) -> NameNode {
        let mut node = NameNode {
            itself: is_in(self.itself, other.itself),
            direct: is_in(self.direct, other.direct),
            deeper: is_in(self.deeper, other.deeper),
            children: BTreeMap::new(),
        };
        let (mine, theirs, usual) = (self.other(), other.other(), node.other());
        let labels: BTreeSet<&Arc<str>> = self.children.keys().chain(other.children.keys()).collect();
        for label in labels {
            let (one, two) = (self.children.get(label), other.children.get(label));
            let child = one.unwrap_or(&mine).combine(two.unwrap_or(&theirs), is_in);
            if child != usual {
                node.children.insert(label.clone(), child);
            }
        }
        node
    }

    /// The patterns of names that are in the set, as far as they are; what single names lack is not said.
    fn patterns(&self, suffix: &str, found: &mut Vec<NamePattern>) {
        if self.itself {
            found.push(NamePattern::Exact(suffix.into()));
        }
        match (self.direct, self.deeper) {
            (_, true) => found.push(NamePattern::AllBelow(suffix.into())),
            (true, false) => found.push(NamePattern::OneBelow(suffix.into())),
            (false, false) => {}
        }
        let usual = self.other();
        for (label, child) in &self.children {
            // What is in the set anyway need not be said again.
            let more = child.combine(&usual, |one, other| one && !other);
            let below = if suffix.is_empty() { label.to_string() } else { format!("{label}.{suffix}") };
            more.patterns(&below, found);
        }
    }

    /// A name in the set that ends in `suffix`.
    fn example(&self, suffix: &str) -> Option<String> {
        if self.itself {
            return Some(suffix.to_owned());
        }
        let below = |label: &str| match suffix {
            "" => label.to_owned(),
            suffix => format!("{label}.{suffix}"),
        };
        if let Some(found) = self.children.iter().find_map(|(label, child)| child.example(&below(label))) {
            return Some(found);
        }
        let free =
            (0..).map(|number| format!("name{number}")).find(|label| !self.children.contains_key(label.as_str()));
        let free = below(&free?);
        match () {
            () if self.direct => Some(free),
            () if self.deeper => Some(format!("name.{free}")),
            () => None,
        }
    }
}

impl NameSet {
    /// No name.
    pub fn empty() -> NameSet {
        NameSet::default()
    }

    /// Every name.
    pub fn all() -> NameSet {
        NameSet(NameNode { direct: true, deeper: true, ..NameNode::default() })
    }

    /// The names of a pattern.
    pub fn of(pattern: &NamePattern) -> NameSet {
        let (name, last) = match pattern {
            NamePattern::Exact(name) => (name, NameNode { itself: true, ..NameNode::default() }),
            NamePattern::OneBelow(name) => (name, NameNode { direct: true, ..NameNode::default() }),
            NamePattern::AllBelow(name) => (name, NameNode { direct: true, deeper: true, ..NameNode::default() }),
        };
        let inside = |node: NameNode, label: &str| NameNode {
            children: BTreeMap::from([(Arc::from(label), node)]),
            ..NameNode::default()
        };
        NameSet(name.split('.').fold(last, inside))
    }

    /// The names of several patterns.
    pub fn of_all<'p>(patterns: impl IntoIterator<Item = &'p NamePattern>) -> NameSet {
        patterns.into_iter().fold(NameSet::empty(), |all, one| all.union(&NameSet::of(one)))
    }

    /// The names of either set.
    #[must_use]
    pub fn union(&self, other: &NameSet) -> NameSet {
        NameSet(self.0.combine(&other.0, |one, two| one || two))
    }

    /// The names of both sets.
    #[must_use]
    pub fn intersect(&self, other: &NameSet) -> NameSet {
        NameSet(self.0.combine(&other.0, |one, two| one && two))
    }

    /// The names of this set that are not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &NameSet) -> NameSet {
        NameSet(self.0.combine(&other.0, |one, two| one && !two))
    }

    /// Whether every name of `other` is in this set.
    pub fn contains(&self, other: &NameSet) -> bool {
        other.subtract(self).is_empty()
    }

    /// Whether the sets share a name.
    pub fn overlaps(&self, other: &NameSet) -> bool {
        !self.intersect(other).is_empty()
    }

    /// Whether there is no name in the set.
    pub fn is_empty(&self) -> bool {
        self.0 == NameNode::default()
    }

    /// Patterns that name all of the set, and of the names below a wildcard perhaps some that are not in it.
    pub fn patterns(&self) -> Vec<NamePattern> {
        let mut found = Vec::new();
        self.0.patterns("", &mut found);
        found
    }

    /// One of the names.
    pub fn example(&self) -> Option<String> {
        self.0.example("")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn set(patterns: &[&str]) -> NameSet {
        let patterns: Vec<NamePattern> = patterns.iter().map(|text| NamePattern::parse(text)).collect();
        NameSet::of_all(&patterns)
    }

    /// Whether a name is one of a pattern, label by label.
    fn matches(pattern: &str, name: &str) -> bool {
        let more = |suffix: &str| name.strip_suffix(suffix)?.strip_suffix('.').map(|before| before.split('.').count());
        match NamePattern::parse(pattern) {
            NamePattern::Exact(exact) => *exact == *name,
            NamePattern::OneBelow(suffix) => more(&suffix) == Some(1),
            NamePattern::AllBelow(suffix) => more(&suffix).is_some(),
        }
    }

    const PATTERNS: [&str; 9] = ["a.b", "b", "*.b", "**.b", "c.a.b", "*.a.b", "**.a.b", "**.c.a.b", "x.y"];

    /// All names of up to four labels out of some.
    fn names() -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        let mut longest = vec![String::new()];
        for _ in 0..4 {
            let labels = ["a", "b", "c", "x", "y"];
            longest = longest
                .iter()
                .flat_map(|name| {
                    labels.map(|label| if name.is_empty() { label.into() } else { format!("{label}.{name}") })
                })
                .collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    #[test]
    fn sets_hold_the_names_of_their_patterns() {
        let names = names();
        // Each is what some of the patterns say, less what others say.
        for choice in 0..1_u32 << PATTERNS.len() {
            let chosen = |bit: u32| PATTERNS.iter().zip(0..).filter(move |(_, at)| choice >> (at % 9) & 1 == bit);
            let (ins, outs): (Vec<&str>, Vec<&str>) =
                (chosen(1).map(|(one, _)| *one).collect(), chosen(0).map(|(one, _)| *one).collect());
            let left = set(&ins).subtract(&set(&outs));
            let both = set(&ins).intersect(&set(&outs));
            for name in names.iter().step_by(7) {
                let is_in = |list: &[&str]| list.iter().any(|pattern| matches(pattern, name));
                let one = set(&[name]);
                assert_eq!(left.contains(&one), is_in(&ins) && !is_in(&outs), "{name}: {ins:?} less {outs:?}");
                assert_eq!(both.overlaps(&one), is_in(&ins) && is_in(&outs), "{name}: {ins:?} and {outs:?}");
            }
            assert_eq!(left.union(&both), set(&ins));
            if let Some(example) = left.example() {
                let is_in = |list: &[&str]| list.iter().any(|pattern| matches(pattern, &example));
                assert!(is_in(&ins) && !is_in(&outs), "{example}: {ins:?} less {outs:?}");
            } else {
                assert!(left.is_empty() && set(&outs).contains(&set(&ins)));
            }
        }
    }

    #[test]
    fn patterns_of_a_set_are_those_that_it_was_made_of() {
        let texts =
            |patterns: &[&str]| -> Vec<String> { set(patterns).patterns().iter().map(ToString::to_string).collect() };
        assert_eq!(
            texts(&["github.com", "*.example.com", "example.com"]),
            ["example.com", "*.example.com", "github.com"]
        );
        assert_eq!(texts(&["**.b", "*.b", "c.a.b", "b"]), ["b", "**.b"]);
        assert_eq!(texts(&["*.b", "c.a.b"]), ["*.b", "c.a.b"]);
        assert!(texts(&[]).is_empty());
    }

    #[test]
    fn a_wildcard_is_covered_by_those_at_or_above_it_alone() {
        assert!(set(&["**.b"]).contains(&set(&["*.b", "*.a.b", "**.a.b", "c.a.b"])));
        assert!(!set(&["**.b"]).contains(&set(&["b"])));
        assert!(!set(&["*.b"]).contains(&set(&["*.a.b"])));
        assert!(!set(&["*.b", "*.a.b"]).contains(&set(&["**.b"])));
        assert!(NameSet::all().contains(&set(&PATTERNS)));
        assert!(NameSet::all().subtract(&set(&["**.b", "b"])).overlaps(&set(&["*.y"])));
        assert_eq!(NameSet::all().subtract(&set(&["x.y"])).union(&set(&["x.y"])), NameSet::all());
    }
}
