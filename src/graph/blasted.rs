//! From how far somebody gets to one picture of it: a frame for each hop with those who are reached by it, and where it ends.

use super::drawn::{LONGEST_LABEL, cut, is_somebody, sorted, without_parentheses};
use super::picture::{Certainty, EdgeEnd, GraphEdge, GraphFrame, GraphNode, GraphNodeKind, Picture};
use crate::ask::{Blast, GroupName, INTERNET, Step};
use std::collections::{BTreeMap, BTreeSet};

/// More of those who are not reached than these are counted.
const MOST_OTHERS: usize = 24;

/// What is drawn of a blast.
pub struct BlastDrawn<'a> {
    /// How far it goes.
    pub blast: &'a Blast,
    /// From whom, or to whom.
    pub start: &'a str,
    /// Whether it goes backwards: who can get there.
    pub back: bool,
    /// The most hops that were gone.
    pub depth: Option<usize>,
    /// What a step is called.
    pub name: &'a dyn Fn(&Step) -> String,
}

/// The picture; what it comes to is its verdict.
pub fn blasted(drawn: &BlastDrawn<'_>, verdict: String) -> Picture {
    let mut drawing = BlastDrawing::default();
    let start = drawing.start(drawn);
    let mut nodes: Vec<usize> = Vec::new();
    for step in &drawn.blast.steps {
        let before = step.before.map_or(start, |before| nodes.get(before).copied().unwrap_or(start));
        // Each is drawn where it is nearest, and once.
        nodes.push(if step.repeated { before } else { drawing.step(drawn, step, before) });
    }
    if let Some(dns) = &drawn.blast.dns {
        drawing.step(drawn, dns, start);
    }
    drawing.tell_ends(drawn, start);
    drawing.others(drawn);
    drawing.picture.verdict = Some(verdict);
    sorted(drawing.picture)
}

/// What stands above those who are so many hops away.
fn hops(count: usize) -> String {
    if count == 1 { "1 hop".to_owned() } else { format!("{count} hops") }
}

#[derive(Default)]
struct BlastDrawing {
    picture: Picture,
    frames: BTreeMap<String, usize>,
    /// The groups that are in some node.
    told: BTreeSet<usize>,
}

impl BlastDrawing {
    fn start(&mut self, drawn: &BlastDrawn<'_>) -> usize {
        let groups: Vec<usize> = drawn.blast.start.iter().copied().collect();
        let frame = self.frame(if drawn.back { "where it is to get" } else { "taken over" });
        let node = self.node(drawn, &groups, frame, drawn.start.to_owned(), String::new());
        groups.into_iter().for_each(|group| _ = self.told.insert(group));
        node
    }

    fn step(&mut self, drawn: &BlastDrawn<'_>, step: &Step, before: usize) -> usize {
        let frame = self.frame(&hops(step.hops));
        let beside = match (step.open, drawn.back) {
            (false, _) => "",
            (true, false) => "free to leave",
            (true, true) => "open to everybody",
        };
        let node = self.node(drawn, &step.groups, frame, (drawn.name)(step), beside.to_owned());
        self.told.extend(&step.groups);
        self.edge(drawn, before, node, step);
        node
    }

    fn node(&mut self, drawn: &BlastDrawn<'_>, groups: &[usize], frame: usize, full: String, beside: String) -> usize {
        let named: Vec<&GroupName> = groups.iter().filter_map(|group| drawn.blast.groups.get(*group)).collect();
        let kind = match named.as_slice() {
            [one] if one.to_string() == INTERNET => GraphNodeKind::Internet,
            [_, ..] if named.iter().all(|one| !one.is_pods()) => GraphNodeKind::Outside,
            [_] => GraphNodeKind::Pods,
            _ => GraphNodeKind::Many,
        };
        let name = without_parentheses(&full).to_owned();
        self.picture.nodes.push(GraphNode { frame: Some(frame), kind, name, beside, full })
    }

    fn frame(&mut self, name: &str) -> usize {
        if let Some(known) = self.frames.get(name) {
            return *known;
        }
        let frame = self.picture.frames.push(GraphFrame { name: name.to_owned(), closure: None, folded: None });
        self.frames.insert(name.to_owned(), frame);
        frame
    }

    fn edge(&mut self, drawn: &BlastDrawn<'_>, before: usize, end: usize, step: &Step) {
        let (from, to) = if drawn.back { (end, before) } else { (before, end) };
        let sure = (!step.ports.is_empty()).then(|| step.ports.to_string());
        let perhaps = (!step.unknown.is_empty()).then(|| format!("? {}", step.unknown));
        let detail = sure.iter().chain(&perhaps).cloned().collect::<Vec<String>>().join(" ");
        let label = if detail == "*" { "every port".to_owned() } else { cut(&detail, LONGEST_LABEL) };
        let certainty = if sure.is_some() { Certainty::All } else { Certainty::Unknown };
        let (from, to) = (EdgeEnd::Node(from), EdgeEnd::Node(to));
        self.picture.edges.push(GraphEdge { from, to, label, detail, certainty, change: None });
    }

    /// Says of pods that nobody new is reached from that it ends there.
    fn tell_ends(&mut self, drawn: &BlastDrawn<'_>, start: usize) {
        let lead_on: BTreeSet<EdgeEnd> =
            self.picture.edges.iter().map(|edge| if drawn.back { edge.to } else { edge.from }).collect();
        // What is as far as was gone may lead on.
        let last = drawn.depth.and_then(|depth| self.frames.get(&hops(depth)).copied());
        let is_end = |place: &usize| {
            let node = &self.picture.nodes[*place];
            let is_last = last.is_some() && node.frame == last;
            *place != start && node.kind == GraphNodeKind::Pods && !is_last && !lead_on.contains(&EdgeEnd::Node(*place))
        };
        let ends: Vec<usize> = self.picture.nodes.ids().filter(is_end).collect();
        for place in ends {
            let node = &mut self.picture.nodes[place];
            if node.beside.is_empty() {
                node.beside.push_str(if drawn.back { "nobody new before" } else { "leads to nobody new" });
            }
        }
    }

    /// Those who are not reached, without an edge.
    fn others(&mut self, drawn: &BlastDrawn<'_>) {
        let blast = drawn.blast;
        let is_other = |(place, group): &(usize, &GroupName)| {
            is_somebody(group)
                && !self.told.contains(place)
                && ![&blast.reached, &blast.perhaps, &blast.start].iter().any(|known| known.contains(place))
        };
        let others: Vec<(usize, String)> =
            blast.groups.iter().enumerate().filter(is_other).map(|(place, group)| (place, group.to_string())).collect();
        let word = if drawn.back { "cannot get there" } else { "not reached" };
        for (place, name) in others.iter().take(MOST_OTHERS) {
            let frame = self.frame(word);
            self.node(drawn, &[*place], frame, name.clone(), String::new());
        }
        if let Some(more @ 1..) = others.len().checked_sub(MOST_OTHERS) {
            self.picture.notes.push(format!("and {more} more: {word}"));
        }
    }
}
