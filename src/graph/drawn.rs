//! From what is allowed to what a picture of it shows: the lines that `reach` prints, one edge for each.

use super::picture::{Certainty, Closure, EdgeEnd, GraphEdge, GraphFrame, GraphNode, GraphNodeKind, Picture};
use crate::ask::{Cell, GroupName, INTERNET, IsolatedShare, Names, Row, RowNames, Summary};
use crate::net::PortSet;
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// What of a summary is drawn.
pub struct Focus<'a> {
    /// Only what these namespaces have to do with; none for all.
    pub namespaces: &'a [String],
    /// The ports on which names are asked for, where such connections are left out.
    pub dns: Option<&'a PortSet>,
    /// Whether those are drawn, too, who have no connection.
    pub lonely: bool,
}

/// What a picture of a summary shows, with nothing folded. The error is a namespace that nothing is in.
pub fn picture(summary: &Summary, focus: &Focus<'_>) -> Result<Picture, String> {
    let mut drawing = Collecting::new(summary, focus);
    drawing.add_edges();
    if focus.lonely {
        drawing.add_lonely();
    }
    drawing.finish()
}

/// More letters of a label than these are cut.
pub(super) const LONGEST_LABEL: usize = 26;

struct Collecting<'a> {
    summary: &'a Summary,
    focus: &'a Focus<'a>,
    names: Names,
    picture: Picture,
    frames: BTreeMap<String, usize>,
    nodes: BTreeMap<usize, usize>,
    /// How many connections are left out since they only ask for names.
    dns: usize,
}

impl<'a> Collecting<'a> {
    fn new(summary: &'a Summary, focus: &'a Focus<'a>) -> Self {
        let names = Names::new(&summary.reach.groups);
        let (frames, nodes) = (BTreeMap::new(), BTreeMap::new());
        Collecting { summary, focus, names, picture: Picture::default(), frames, nodes, dns: 0 }
    }

    fn add_edges(&mut self) {
        for cell in self.summary.reach.lines() {
            let Some((source, destination)) = self.summary.reach.rows_of(cell) else { continue };
            if self.focus.dns.is_some_and(|dns| is_only(cell, dns)) {
                self.dns += 1;
                continue;
            }
            let (from, to) = (self.spot(cell.source, source), self.spot(cell.destination, destination));
            self.picture.edges.push(edge(cell, from, to));
        }
    }

    /// The tiers and workloads that have no edge.
    fn add_lonely(&mut self) {
        for (place, row) in self.summary.reach.rows.iter().enumerate() {
            if row.names.groups().iter().any(is_somebody) {
                self.spot(place, row);
            }
        }
    }

    /// Where a row is in the picture.
    fn spot(&mut self, place: usize, row: &Row) -> EdgeEnd {
        let home = self.names.home(row);
        let name = self.names.of(row, home.as_deref());
        let frame = home.map(|home| (self.frame(&home), home));
        match frame {
            Some((frame, home)) if name == format!("{home}/*") => EdgeEnd::Frame(frame),
            frame => EdgeEnd::Node(self.node(place, row, frame.map(|(frame, _)| frame), name)),
        }
    }

    fn frame(&mut self, home: &str) -> usize {
        if let Some(known) = self.frames.get(home) {
            return *known;
        }
        let rows = self.summary.reach.rows.iter().filter(|row| self.names.home(row).as_deref() == Some(home));
        let closure = Closure::of(isolated(rows));
        let frame =
            self.picture.frames.push(GraphFrame { name: home.to_owned(), closure: Some(closure), folded: None });
        self.frames.insert(home.to_owned(), frame);
        frame
    }

    fn node(&mut self, place: usize, row: &Row, frame: Option<usize>, name: String) -> usize {
        if let Some(known) = self.nodes.get(&place) {
            return *known;
        }
        let groups = row.names.groups();
        let (name, kind_of) = match groups {
            [group] => match group.workload() {
                Some(workload) => {
                    let labels = workload.some.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
                    let beside: Vec<String> = [workload.kind.as_str().to_owned()].into_iter().chain(labels).collect();
                    (workload.name.to_string(), beside.join(" "))
                }
                None => (name, String::new()),
            },
            _ => (name, String::new()),
        };
        let kind = kind(row, frame);
        let own = Closure::of(row.at_most());
        let differs = frame.is_some_and(|frame| self.picture.frames[frame].closure != Some(own));
        let closure = if differs { own.word() } else { "" };
        let beside = [kind_of.as_str(), closure].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let node = GraphNode {
            frame,
            kind,
            name: without_parentheses(&name).to_owned(),
            beside: beside.join(" · "),
            full: self.names.of(row, None),
        };
        let node = self.picture.nodes.push(node);
        self.nodes.insert(place, node);
        node
    }

    fn finish(mut self) -> Result<Picture, String> {
        let wide: BTreeSet<EdgeEnd> = self
            .nodes
            .iter()
            .filter(|(place, _)| self.summary.reach.row(**place).is_some_and(|row| row.names.is_wide()))
            .map(|(_, node)| EdgeEnd::Node(*node))
            .collect();
        if !self.focus.namespaces.is_empty() {
            self.narrow(&wide)?;
        }
        if self.dns > 0 {
            let note = match self.dns {
                1 => "one connection that is only DNS is not drawn; `--dns` draws it".to_owned(),
                count => format!("{count} connections that are only DNS are not drawn; `--dns` draws them"),
            };
            self.picture.notes.push(note);
        }
        if !self.summary.beyond.is_empty() {
            self.picture.notes.push("policies also allow connections with pods that were not given".to_owned());
        }
        Ok(sorted(self.picture))
    }

    /// Leaves what the namespaces that are asked for have to do with.
    fn narrow(&mut self, wide: &BTreeSet<EdgeEnd>) -> Result<(), String> {
        let mut wanted = BTreeSet::new();
        for name in self.focus.namespaces {
            let known = self.frames.get(name).copied();
            wanted.insert(known.ok_or_else(|| name.clone())?);
        }
        let picture = &self.picture;
        let is_in = |spot: EdgeEnd| picture.frame_of(spot).is_some_and(|frame| wanted.contains(&frame));
        let is_meant = |edge: &GraphEdge| {
            let ends = [edge.from, edge.to];
            ends.into_iter().any(is_in) || ends.iter().any(|end| wide.contains(end))
        };
        let edges: Table<usize, GraphEdge> = picture.edges.iter().filter(|edge| is_meant(edge)).cloned().collect();
        let mut kept: BTreeSet<EdgeEnd> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
        kept.extend(picture.nodes.ids().map(EdgeEnd::Node).filter(|spot| is_in(*spot)));
        kept.extend(wanted.iter().copied().map(EdgeEnd::Frame));
        self.picture.edges = edges;
        self.picture = only(&self.picture, &kept);
        Ok(())
    }
}

/// Whether somebody named it, or it runs.
pub(crate) fn is_somebody(group: &GroupName) -> bool {
    match group {
        GroupName::Tier(..) | GroupName::Workload(..) | GroupName::Selected(..) => true,
        GroupName::Pods(_, _, labels) => !labels.is_empty(),
        GroupName::Labelled(_)
        | GroupName::Dns(_)
        | GroupName::Rest(_)
        | GroupName::Cidr(..)
        | GroupName::BuiltIn(_)
        | GroupName::Addresses(_)
        | GroupName::OtherAddresses => false,
    }
}

/// The picture with these ends, their frames and the edges among them alone.
pub(super) fn only(picture: &Picture, kept: &BTreeSet<EdgeEnd>) -> Picture {
    let frames: BTreeSet<usize> = kept.iter().filter_map(|spot| picture.frame_of(*spot)).collect();
    let frame_at: BTreeMap<usize, usize> = frames.iter().copied().zip(0..).collect();
    let nodes: Vec<usize> = picture.nodes.ids().filter(|node| kept.contains(&EdgeEnd::Node(*node))).collect();
    let node_at: BTreeMap<usize, usize> = nodes.iter().copied().zip(0..).collect();
    let spot = |spot: EdgeEnd| match spot {
        EdgeEnd::Frame(frame) => frame_at.get(&frame).copied().map(EdgeEnd::Frame),
        EdgeEnd::Node(node) => node_at.get(&node).copied().map(EdgeEnd::Node),
    };
    let edge = |edge: &GraphEdge| Some(GraphEdge { from: spot(edge.from)?, to: spot(edge.to)?, ..edge.clone() });
    let node = |node: &usize| {
        let node = picture.nodes[*node].clone();
        GraphNode { frame: node.frame.and_then(|frame| frame_at.get(&frame).copied()), ..node }
    };
    Picture {
        verdict: picture.verdict.clone(),
        frames: frames.iter().map(|frame| picture.frames[*frame].clone()).collect(),
        nodes: nodes.iter().map(node).collect(),
        edges: picture.edges.iter().filter_map(edge).collect(),
        notes: picture.notes.clone(),
    }
}

/// The same with everything in an order that only depends on what it shows.
pub(super) fn sorted(picture: Picture) -> Picture {
    let mut frames: Vec<usize> = picture.frames.ids().collect();
    frames.sort_by_key(|frame| &picture.frames[*frame].name);
    let frame_at: BTreeMap<usize, usize> = frames.iter().copied().zip(0..).collect();
    let place = |frame: Option<usize>| frame.and_then(|frame| frame_at.get(&frame).copied());
    let mut nodes: Vec<usize> = picture.nodes.ids().collect();
    nodes.sort_by_key(|node| {
        let node = &picture.nodes[*node];
        (node.frame.is_none(), place(node.frame), node.kind, &node.full)
    });
    let node_at: BTreeMap<usize, usize> = nodes.iter().copied().zip(0..).collect();
    let spot = |spot: EdgeEnd| match spot {
        EdgeEnd::Frame(frame) => EdgeEnd::Frame(frame_at.get(&frame).copied().unwrap_or(frame)),
        EdgeEnd::Node(node) => EdgeEnd::Node(node_at.get(&node).copied().unwrap_or(node)),
    };
    let mut edges: Vec<GraphEdge> = Vec::with_capacity(picture.edges.len());
    edges.extend(picture.edges.iter().map(|edge| GraphEdge {
        from: spot(edge.from),
        to: spot(edge.to),
        ..edge.clone()
    }));
    edges.sort_by(|one, other| (one.from, one.to, &one.detail).cmp(&(other.from, other.to, &other.detail)));
    Picture {
        frames: frames.iter().map(|frame| picture.frames[*frame].clone()).collect(),
        nodes: nodes
            .iter()
            .map(|node| picture.nodes[*node].clone())
            .map(|node| GraphNode { frame: place(node.frame), ..node })
            .collect(),
        edges: edges.into(),
        ..picture
    }
}

fn kind(row: &Row, frame: Option<usize>) -> GraphNodeKind {
    let is_internet = |group: &GroupName| group.to_string() == INTERNET;
    match &row.names {
        RowNames::Groups(groups) if groups.iter().any(is_internet) => GraphNodeKind::Internet,
        _ if row.addresses.is_some() => GraphNodeKind::Outside,
        RowNames::Groups(_) if frame.is_some() => GraphNodeKind::Pods,
        RowNames::Groups(_)
        | RowNames::Namespace(_)
        | RowNames::Cluster
        | RowNames::Anywhere
        | RowNames::NotIsolated(_)
        | RowNames::PodsNotIsolated(_)
        | RowNames::Isolated(_)
        | RowNames::Asked(_) => GraphNodeKind::Many,
    }
}

/// How many of all of some rows are isolated.
fn isolated<'a>(rows: impl Iterator<Item = &'a Row>) -> [IsolatedShare; 2] {
    let both = |one: IsolatedShare, other: IsolatedShare| if one == other { one } else { IsolatedShare::Partly };
    let shares = rows.map(Row::at_most).reduce(|[a, b], [c, d]| [both(a, c), both(b, d)]);
    shares.unwrap_or([IsolatedShare::No; 2])
}

/// Whether all that a cell tells is on some ports.
fn is_only(cell: &Cell, ports: &PortSet) -> bool {
    [&cell.every, &cell.some, &cell.doubted()].into_iter().all(|told| ports.contains(told))
}

fn edge(cell: &Cell, from: EdgeEnd, to: EdgeEnd) -> GraphEdge {
    let CellText { label, detail, certainty } = CellText::of(cell);
    GraphEdge { from, to, label: cut(&label, LONGEST_LABEL), detail, certainty, change: None }
}

/// What a cell says, in words.
pub(super) struct CellText {
    /// The ports, with a sign where they are only so of some.
    pub label: String,
    /// The same, with what the signs mean.
    pub detail: String,
    pub certainty: Certainty,
}

impl CellText {
    pub(super) fn of(cell: &Cell) -> CellText {
        let mut parts: Vec<(Certainty, String)> = Vec::new();
        if !cell.every.is_empty() {
            let certainty = if cell.apart.is_some() { Certainty::Some } else { Certainty::All };
            parts.push((certainty, cell.every.to_string()));
        }
        if cell.has_rest() {
            parts.push((Certainty::Some, cell.some.to_string()));
        }
        let doubted = cell.doubted();
        if !doubted.is_empty() {
            parts.push((Certainty::Unknown, doubted.to_string()));
        }
        let certainty = parts.iter().map(|(certainty, _)| *certainty).min().unwrap_or(Certainty::Unknown);
        let short = |(certainty, ports): &(Certainty, String)| match certainty {
            Certainty::All => every_port(ports),
            Certainty::Some => format!("~ {}", every_port(ports)),
            Certainty::Unknown => format!("? {}", every_port(ports)),
        };
        let long = |(certainty, ports): &(Certainty, String)| match certainty {
            Certainty::All => ports.clone(),
            Certainty::Some => format!("{ports} (only some, or perhaps not all)"),
            Certainty::Unknown => format!("{ports} (unknown)"),
        };
        let [label, detail] = [
            parts.iter().map(short).collect::<Vec<_>>().join(" "),
            parts.iter().map(long).collect::<Vec<_>>().join(" "),
        ];
        CellText { label, detail, certainty }
    }
}

fn every_port(ports: &str) -> String {
    if ports == "*" { "every port".to_owned() } else { ports.to_owned() }
}

/// A text of at most so many letters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

pub(super) fn without_parentheses(name: &str) -> &str {
    let within = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    within.filter(|within| !within.contains(['(', ')'])).unwrap_or(name)
}
