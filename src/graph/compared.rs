//! From what differs between two versions to one picture of it: only what was touched.

use super::drawn::{LONGEST_LABEL, cut, sorted, without_parentheses};
use super::picture::{Certainty, ChangeSign, EdgeEnd, GraphEdge, GraphFrame, GraphNode, GraphNodeKind, Picture};
use crate::ask::INTERNET;
use crate::diff::{ConnectionChange, Diff, IsolationChange, Kind, MeantEnds};
use crate::engine::Verdict;
use std::collections::BTreeMap;

/// More edges of one change are drawn as one between all who are meant.
const MOST_PAIRS: usize = 24;

/// More names than these of one node are counted.
const MOST_NAMES: usize = 4;

/// What a comparison shows. Which ends are addresses, those tell of whom that is known.
pub fn compared(diff: &Diff, is_address: &dyn Fn(&MeantEnds) -> bool) -> Picture {
    let mut changes = ChangesDrawn::default();
    for change in &diff.isolation {
        changes.add_isolation(change);
    }
    for change in &diff.connections {
        changes.add_connection(change, is_address);
    }
    changes.picture.verdict = Some(verdict(diff));
    sorted(changes.picture)
}

/// Such as `opens 2, closes 1, narrows 1`.
fn verdict(diff: &Diff) -> String {
    let mut counts: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for change in &diff.isolation {
        let key = if change.lifted { (0, "lifts isolation in") } else { (1, "isolates") };
        *counts.entry(key).or_default() += 1;
    }
    for change in &diff.connections {
        let key = match (change.kind, change.added.is_denied(), change.removed.is_denied()) {
            (Kind::Added, ..) => (2, "opens"),
            (Kind::Removed, ..) => (3, "closes"),
            (Kind::Changed, false, true) => (4, "widens"),
            (Kind::Changed, true, _) => (5, "narrows"),
            (Kind::Changed, false, false) => (6, "changes"),
        };
        *counts.entry(key).or_default() += 1;
    }
    if counts.is_empty() {
        return "no difference: both allow the same".to_owned();
    }
    let part = |((order, word), count): ((usize, &str), usize)| {
        let places = match (order, count) {
            (0 | 1, 1) => " place",
            (0 | 1, _) => " places",
            _ => "",
        };
        format!("{word} {count}{places}")
    };
    counts.into_iter().map(part).collect::<Vec<_>>().join(", ")
}

#[derive(Default)]
struct ChangesDrawn {
    picture: Picture,
    frames: BTreeMap<String, usize>,
    nodes: BTreeMap<String, usize>,
}

impl ChangesDrawn {
    fn add_isolation(&mut self, change: &IsolationChange) {
        let ways: Vec<&str> = change.directions.iter().map(|direction| direction.word()).collect();
        let what = if change.lifted { "isolation lifted" } else { "isolation introduced" };
        let sign = if change.lifted { ChangeSign::Added } else { ChangeSign::Removed }.sign();
        for name in &change.pods {
            let node = self.node(name, false);
            let beside = &mut self.picture.nodes[node].beside;
            if !beside.is_empty() {
                beside.push_str(", ");
            }
            beside.push_str(&format!("{sign} {what}: {}", ways.join(" and ")));
        }
    }

    fn add_connection(&mut self, change: &ConnectionChange, is_address: &dyn Fn(&MeantEnds) -> bool) {
        let [from, to] = change.ends.each_ref().map(is_address);
        let pairs = change.sources.len().saturating_mul(change.destinations.len());
        let [sources, destinations] = [&change.sources, &change.destinations].map(|names| match names.len() {
            count if pairs > MOST_PAIRS && count > 1 => vec![together(names)],
            _ => names.clone(),
        });
        let side = change.side.map(|side| format!("{} ", side.word())).unwrap_or_default();
        let some = if change.partly { "some: " } else { "" };
        let label = format!("{side}{some}{}", ports(change));
        let kind = match change.kind {
            Kind::Added => ChangeSign::Added,
            Kind::Removed => ChangeSign::Removed,
            Kind::Changed => ChangeSign::Changed,
        };
        for source in &sources {
            for destination in &destinations {
                let (from, to) = (self.node(source, from), self.node(destination, to));
                self.picture.edges.push(GraphEdge {
                    from: EdgeEnd::Node(from),
                    to: EdgeEnd::Node(to),
                    label: cut(&label, LONGEST_LABEL),
                    detail: label.clone(),
                    certainty: if change.is_sure() { Certainty::All } else { Certainty::Unknown },
                    change: Some(kind),
                });
            }
        }
    }

    fn node(&mut self, name: &str, is_address: bool) -> usize {
        if let Some(known) = self.nodes.get(name) {
            return *known;
        }
        let home = name.split_once('/').filter(|(home, _)| !is_address && crate::net::is_dns_label(home));
        let frame = home.map(|(home, _)| self.frame(home));
        let short = match home {
            Some((_, "*")) => "every pod",
            Some((_, short)) => short,
            None => name,
        };
        let kind = match frame {
            Some(_) => GraphNodeKind::Pods,
            None if name == INTERNET => GraphNodeKind::Internet,
            None if !is_address && is_wide(name) => GraphNodeKind::Many,
            None => GraphNodeKind::Outside,
        };
        let node = self.picture.nodes.push(GraphNode {
            frame,
            kind,
            name: without_parentheses(short).to_owned(),
            beside: String::new(),
            full: name.to_owned(),
        });
        self.nodes.insert(name.to_owned(), node);
        node
    }

    fn frame(&mut self, home: &str) -> usize {
        if let Some(known) = self.frames.get(home) {
            return *known;
        }
        let frame = self.picture.frames.push(GraphFrame { name: home.to_owned(), closure: None, folded: None });
        self.frames.insert(home.to_owned(), frame);
        frame
    }
}

/// Whether a name is one of pods of many namespaces.
fn is_wide(name: &str) -> bool {
    name.starts_with(['(', '{', '*']) || ["cluster", "anywhere"].contains(&name)
}

/// Many names as one.
fn together(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMES).map(String::as_str).collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => format!("{{{}}}", shown.join(", ")),
        more => format!("{{{}, and {more} more}}", shown.join(", ")),
    }
}

/// The ports that came and went, each with its sign.
fn ports(change: &ConnectionChange) -> String {
    let said = |verdict: &Verdict, sign: ChangeSign| {
        let sure = (!verdict.allowed.is_empty()).then(|| format!("{} {}", sign.sign(), verdict.allowed));
        let perhaps = (!verdict.unknown.is_empty()).then(|| format!("{}? {}", sign.sign(), verdict.unknown));
        sure.into_iter().chain(perhaps)
    };
    let all = said(&change.added, ChangeSign::Added).chain(said(&change.removed, ChangeSign::Removed));
    all.collect::<Vec<_>>().join(" ")
}
