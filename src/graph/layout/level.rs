//! One level of a layout: boxes in columns, and wires between them that go through gaps and never through a box.
//!
//! A wire has a hub and some rims: one port with many callers, or one caller of many. It leaves a box at its side, turns in
//! the zone between two columns, and passes a column that lies between in a lane of its own.

pub(super) use super::Coordinate;
use super::order;
use super::place;
use super::tracks;
use crate::table::Table;
use std::collections::BTreeMap;

/// The distance of two ports of a box.
pub(super) const PORT_PITCH: i32 = 19;

/// How far the first port is from the end of its side at least.
pub(super) const PORT_MARGIN: i32 = 12;

/// Which side of a box a wire is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum BoxSide {
    Left,
    Right,
}

/// Which end of a wire is there: the hub, or a rim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WireEnd {
    Hub,
    Rim,
}

/// What a wire is fixed to a box by.
pub(super) type PortKey = (BoxSide, usize, WireEnd);

/// Something in a column.
#[derive(Debug, Clone, Default)]
pub(super) struct LevelItem {
    pub column: usize,
    pub width: i32,
    pub height: i32,
    /// Whether it is a place where wires pass, which has no size.
    pub is_lane: bool,
    /// Whether a label stands beside it, where it has no size.
    pub is_labelled: bool,
    /// How far its ports are from its upper end, where that is given.
    pub offsets: BTreeMap<PortKey, i32>,
}

impl LevelItem {
    /// How far a label goes beyond an item that has no size.
    pub(super) fn half_label(&self) -> i32 {
        if self.is_labelled { PORT_PITCH / 2 } else { 0 }
    }
}

/// A net of this level.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire {
    pub hub: usize,
    pub rims: Vec<usize>,
    /// How wide the label beside its hub is; 0 without one.
    pub label: i32,
}

/// The distances between what is stacked in a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gaps {
    pub boxes: i32,
    pub lanes: i32,
    pub both: i32,
    /// What is free before the first and after the last track of a zone.
    pub zone: i32,
}

/// What is laid out.
#[derive(Debug, Clone)]
pub(super) struct LayoutLevel {
    pub items: Table<usize, LevelItem>,
    pub wires: Table<usize, Wire>,
    pub columns: usize,
    pub gaps: Gaps,
}

/// Where everything of a level is.
#[derive(Debug, Clone, Default)]
pub(super) struct PlacedLevel {
    /// The upper left corners of the items.
    pub corners: Vec<Coordinate>,
    /// The heights of the items, which grow with their ports.
    pub heights: Vec<i32>,
    /// From the hub of each wire to each of its rims, in their order.
    pub routes: Vec<Vec<Vec<Coordinate>>>,
    /// The ports of each wire's hub.
    pub hubs: Vec<Vec<(BoxSide, Coordinate)>>,
    pub width: i32,
    pub height: i32,
}

/// A wire in the zone behind a column: what it is tied to there, on the left and on the right.
#[derive(Debug, Clone, Default)]
pub(super) struct Tied {
    pub left: Vec<(usize, WireEnd)>,
    pub right: Vec<(usize, WireEnd)>,
}

/// A level with the lanes of its wires.
pub(super) struct Expanded {
    pub items: Table<usize, LevelItem>,
    /// By zone, the wires in it.
    pub zones: Vec<BTreeMap<usize, Tied>>,
    /// The lanes of each wire, by column.
    pub lanes: Vec<BTreeMap<usize, usize>>,
    /// The items of each column, from above.
    pub columns: Vec<Vec<usize>>,
    pub gaps: Gaps,
}

impl LayoutLevel {
    /// Lays it out.
    pub(super) fn place(self) -> PlacedLevel {
        let count = self.items.len();
        let mut all = self.expand();
        order::order(&mut all);
        let ports = order::ports(&all);
        grow(&mut all, &ports);
        let offsets = offsets(&all, &ports);
        let tops = place::tops(&all, &offsets);
        let drawn = tracks::Zones { all: &all, wires: &self.wires, offsets: &offsets, tops: &tops }.draw();
        let heights = all.items.iter().take(count).map(|item| item.height).collect();
        PlacedLevel { heights, corners: drawn.corners.into_iter().take(count).collect(), ..drawn.placed }
    }

    /// Gives each wire a lane in every column that it passes.
    fn expand(&self) -> Expanded {
        let mut items = self.items.clone();
        let mut zones: Vec<BTreeMap<usize, Tied>> = vec![BTreeMap::new(); self.columns];
        let mut lanes = vec![BTreeMap::new(); self.wires.len()];
        for (place, wire) in self.wires.iter().enumerate() {
            let hub = self.items[wire.hub].column;
            let columns: Vec<usize> = wire.rims.iter().map(|rim| self.items[*rim].column).collect();
            let (first, last) = (columns.iter().copied().min(), columns.iter().copied().max());
            let (first, last) = (first.unwrap_or(hub), last.unwrap_or(hub));
            let passed = (hub + 1..last).chain(first + 1..hub);
            let own: BTreeMap<usize, usize> = passed
                .map(|column| (column, items.push(LevelItem { column, is_lane: true, ..LevelItem::default() })))
                .collect();
            let mut tie = |zone: usize, right: bool, item: usize, role: WireEnd| {
                if let Some(tied) = zones.get_mut(zone).map(|zone| zone.entry(place).or_default()) {
                    let ends = if right { &mut tied.right } else { &mut tied.left };
                    ends.push((item, role));
                }
            };
            if columns.iter().any(|column| *column >= hub) {
                tie(hub, false, wire.hub, WireEnd::Hub);
            }
            if columns.iter().any(|column| *column < hub) {
                tie(hub.saturating_sub(1), true, wire.hub, WireEnd::Hub);
            }
            for (column, lane) in &own {
                // Both sides of a lane are ends of the wire; which role it has there makes no difference.
                tie(column.saturating_sub(1), true, *lane, WireEnd::Rim);
                tie(*column, false, *lane, WireEnd::Rim);
            }
            for (rim, column) in wire.rims.iter().zip(&columns) {
                match *column > hub {
                    true => tie(column - 1, true, *rim, WireEnd::Rim),
                    false => tie(*column, false, *rim, WireEnd::Rim),
                }
            }
            if let Some(slot) = lanes.get_mut(place) {
                *slot = own;
            }
        }
        let mut columns = vec![Vec::new(); self.columns];
        for (place, item) in items.iter().enumerate() {
            columns.get_mut(item.column).into_iter().for_each(|column| column.push(place));
        }
        Expanded { items, zones, lanes, columns, gaps: self.gaps }
    }
}

/// Makes boxes high enough for their ports.
fn grow(all: &mut Expanded, ports: &BTreeMap<(usize, BoxSide), Vec<PortKey>>) {
    for ((item, _), keys) in ports {
        let item = &mut all.items[*item];
        if item.is_lane || !item.offsets.is_empty() {
            continue;
        }
        let count = i32::try_from(keys.len()).unwrap_or(i32::MAX);
        // A boundary has one port and no size.
        if item.width > 0 {
            item.height = item.height.max(2 * PORT_MARGIN + (count - 1) * PORT_PITCH);
        }
    }
}

/// How far each port is from the upper end of its item.
pub(super) type Offsets = BTreeMap<(usize, PortKey), i32>;

fn offsets(all: &Expanded, ports: &BTreeMap<(usize, BoxSide), Vec<PortKey>>) -> Offsets {
    let mut offsets = Offsets::new();
    for ((place, _), keys) in ports {
        let item = &all.items[*place];
        let count = i32::try_from(keys.len()).unwrap_or(i32::MAX);
        let first = (item.height - (count - 1) * PORT_PITCH) / 2;
        for (key, nth) in keys.iter().zip(0..) {
            let even = if item.is_lane || item.width == 0 { 0 } else { first + nth * PORT_PITCH };
            offsets.insert((*place, *key), item.offsets.get(key).copied().unwrap_or(even));
        }
    }
    offsets
}

impl Expanded {
    /// Whether an item is a lane or a boundary, which have no size.
    pub(super) fn is_thin(&self, item: usize) -> bool {
        self.items[item].is_lane || self.is_boundary(item)
    }

    /// Whether an item is a place where a wire goes through the side of a frame.
    pub(super) fn is_boundary(&self, item: usize) -> bool {
        !self.items[item].is_lane && self.items[item].width == 0
    }

    /// From where to where an item reaches that begins somewhere.
    pub(super) fn held(&self, item: usize, top: i32) -> (i32, i32) {
        let item = &self.items[item];
        (top - item.half_label(), top + item.height + item.half_label())
    }

    /// How far two neighbours of a column are apart at least.
    pub(super) fn gap(&self, one: usize, other: usize) -> i32 {
        match (self.is_thin(one), self.is_thin(other)) {
            (true, true) if self.items[one].is_labelled || self.items[other].is_labelled => PORT_PITCH,
            (true, true) => self.gaps.lanes,
            (false, false) => self.gaps.boxes,
            _ => self.gaps.both,
        }
    }
}
