//! The zones between columns: each wire that turns there has a track, and no two that meet share one.

use super::level::{BoxSide, Coordinate, Expanded, Offsets, PlacedLevel, Tied, Wire, WireEnd};
use crate::table::Table;
use std::collections::{BTreeMap, BTreeSet};

/// The distance of two tracks.
pub(super) const TRACK: i32 = 9;

/// What is free between a label and what it stands beside.
pub(super) const LABEL_ROOM: i32 = 18;

/// How long a wire goes straight on beside a box, so that an arrow has room.
const STUB: i32 = 14;

/// What is drawn of a level.
pub(super) struct Drawn {
    pub corners: Vec<Coordinate>,
    pub placed: PlacedLevel,
}

/// A level whose items stand at their heights.
pub(super) struct Zones<'a> {
    pub all: &'a Expanded,
    pub wires: &'a Table<usize, Wire>,
    pub offsets: &'a Offsets,
    pub tops: &'a [i32],
}

/// The ends of a wire in a zone, from above.
struct Turn {
    left: Vec<i32>,
    right: Vec<i32>,
}

impl Turn {
    fn span(&self) -> (i32, i32) {
        let all = || self.left.iter().chain(&self.right).copied();
        (all().min().unwrap_or_default(), all().max().unwrap_or_default())
    }

    fn is_straight(&self) -> bool {
        let (low, high) = self.span();
        low == high
    }

    fn meets(&self, other: &Turn) -> bool {
        let ((low, high), (from, to)) = (self.span(), other.span());
        low < to + TRACK && from < high + TRACK
    }

    /// How often two wires cross when this one turns to the left of the other.
    fn crossings_before(&self, other: &Turn) -> usize {
        let inside = |ends: &[i32], turn: &Turn| {
            let (low, high) = turn.span();
            ends.iter().filter(|end| low < **end && **end < high).count()
        };
        inside(&other.left, self) + inside(&self.right, other)
    }

    /// Whether a stub of the other would lie on one of this when this one turned to the right of it.
    fn has_to_be_before(&self, other: &Turn) -> bool {
        self.left.iter().any(|own| other.right.iter().any(|end| (own - end).abs() < 3))
    }
}

impl Zones<'_> {
    pub(super) fn draw(&self) -> Drawn {
        let tracks: Vec<BTreeMap<usize, i32>> = self.all.zones.iter().map(|zone| self.tracks(zone)).collect();
        let lefts = self.label_rooms(BoxSide::Left);
        let rights = self.label_rooms(BoxSide::Right);
        let mut corners: Vec<Coordinate> = vec![[0; 2]; self.all.items.len()];
        // Where the tracks of each zone begin.
        let mut starts = Vec::new();
        let mut x = 0;
        for (column, items) in self.all.columns.iter().enumerate() {
            x += lefts.get(column).copied().unwrap_or_default();
            let width = items.iter().map(|item| self.all.items[*item].width).max().unwrap_or_default();
            for item in items {
                let at = [x + (width - self.all.items[*item].width) / 2, self.top(*item)];
                corners.get_mut(*item).into_iter().for_each(|corner| *corner = at);
            }
            x += width + rights.get(column).copied().unwrap_or_default();
            let last = column + 1 == self.all.columns.len();
            let used = tracks.get(column).map(|zone| zone.values().copied().max().map_or(0, |last| last + 1));
            match used.unwrap_or_default() {
                0 if last => starts.push(x),
                0 => {
                    starts.push(x + self.all.gaps.zone);
                    x += 2 * self.all.gaps.zone;
                }
                count => {
                    starts.push(x + self.all.gaps.zone);
                    x += 2 * self.all.gaps.zone + (count - 1) * TRACK;
                }
            }
        }
        let bottom = |item: usize| self.top(item) + self.all.items[item].height + self.all.items[item].half_label();
        let height = (0..self.all.items.len()).map(bottom).max().unwrap_or_default();
        let lines = WireLines { zones: self, corners: &corners, tracks: &tracks, starts: &starts };
        let routes = self.wires.iter().enumerate().map(|(place, wire)| lines.routes(place, wire)).collect();
        let hubs = self.wires.iter().enumerate().map(|(place, wire)| lines.hubs(place, wire)).collect();
        let placed = PlacedLevel { routes, hubs, width: x, height, ..PlacedLevel::default() };
        Drawn { corners, placed }
    }

    fn top(&self, item: usize) -> i32 {
        self.tops.get(item).copied().unwrap_or_default()
    }

    fn port(&self, item: usize, side: BoxSide, wire: usize, role: WireEnd) -> i32 {
        self.top(item) + self.offsets.get(&(item, (side, wire, role))).copied().unwrap_or_default()
    }

    /// How much room each column has beside its boxes for labels and arrows.
    fn label_rooms(&self, side: BoxSide) -> Vec<i32> {
        let mut rooms = vec![0; self.all.columns.len()];
        for (item, (at, wire, role)) in self.offsets.keys() {
            let own = &self.all.items[*item];
            let label = if *role == WireEnd::Hub { self.wires[*wire].label } else { 0 };
            if *at != side || own.is_lane || (own.width == 0 && label == 0) {
                continue;
            }
            let room = if label > 0 { label + LABEL_ROOM } else { STUB };
            rooms.get_mut(own.column).into_iter().for_each(|slot| *slot = room.max(*slot));
        }
        rooms
    }

    fn turn(&self, wire: usize, tied: &Tied) -> Turn {
        let ends = |ends: &[(usize, WireEnd)], side| -> Vec<i32> {
            ends.iter().map(|(item, role)| self.port(*item, side, wire, *role)).collect()
        };
        Turn { left: ends(&tied.left, BoxSide::Right), right: ends(&tied.right, BoxSide::Left) }
    }

    /// The tracks of those wires of a zone that turn there.
    fn tracks(&self, zone: &BTreeMap<usize, Tied>) -> BTreeMap<usize, i32> {
        let turns: Vec<(usize, Turn)> = zone.iter().map(|(wire, tied)| (*wire, self.turn(*wire, tied))).collect();
        let turns: Vec<(usize, Turn)> = turns.into_iter().filter(|(_, turn)| !turn.is_straight()).collect();
        // Those that have to be, or rather are, before each.
        let mut before: Vec<[Vec<usize>; 2]> = vec![Default::default(); turns.len()];
        for (one, (_, a)) in turns.iter().enumerate() {
            for (other, (_, b)) in turns.iter().enumerate().skip(one + 1) {
                let mut tell = |early: usize, late: usize, hard: bool| {
                    let slot = before.get_mut(late);
                    slot.into_iter().for_each(|[must, may]| if hard { must.push(early) } else { may.push(early) });
                };
                match (a.has_to_be_before(b), b.has_to_be_before(a)) {
                    (true, false) => tell(one, other, true),
                    (false, true) => tell(other, one, true),
                    _ if !a.meets(b) => {}
                    _ if b.crossings_before(a) < a.crossings_before(b) => tell(other, one, false),
                    _ if b.crossings_before(a) > a.crossings_before(b) => tell(one, other, false),
                    // So that the higher one turns first.
                    _ => tell(
                        if a.span() <= b.span() { one } else { other },
                        if a.span() <= b.span() { other } else { one },
                        false,
                    ),
                }
            }
        }
        let mut tracks: BTreeMap<usize, i32> = BTreeMap::new();
        let mut done: Vec<(usize, i32)> = Vec::new();
        let mut left: BTreeSet<usize> = (0..turns.len()).collect();
        let is_free = |place: usize, hard: bool, left: &BTreeSet<usize>| {
            before.get(place).is_none_or(|[must, may]| {
                let waits = |all: &Vec<usize>| all.iter().any(|early| left.contains(early));
                !waits(must) && (hard || !waits(may))
            })
        };
        while let Some(first) = left.first().copied() {
            let found = left.iter().copied().find(|place| is_free(*place, false, &left));
            let next = found.or_else(|| left.iter().copied().find(|place| is_free(*place, true, &left)));
            let next = next.unwrap_or(first);
            left.remove(&next);
            let Some((wire, turn)) = turns.get(next) else { continue };
            let must = before.get(next).map(|[must, _]| must.as_slice()).unwrap_or_default();
            let meets = |place: usize| turns.get(place).is_some_and(|(_, other)| other.meets(turn));
            let behind = done.iter().filter(|(place, _)| must.contains(place) || meets(*place));
            let track = behind.map(|(_, track)| track + 1).max().unwrap_or_default();
            done.push((next, track));
            tracks.insert(*wire, track);
        }
        tracks
    }
}

/// Draws wires once it is known where everything is.
struct WireLines<'a> {
    zones: &'a Zones<'a>,
    corners: &'a [Coordinate],
    tracks: &'a [BTreeMap<usize, i32>],
    starts: &'a [i32],
}

impl WireLines<'_> {
    /// Where a wire ends at a side of an item.
    fn end(&self, item: usize, side: BoxSide, wire: usize, role: WireEnd) -> Coordinate {
        let [x, _] = self.corners.get(item).copied().unwrap_or_default();
        let x = if side == BoxSide::Right { x + self.zones.all.items[item].width } else { x };
        [x, self.zones.port(item, side, wire, role)]
    }

    fn hubs(&self, place: usize, wire: &Wire) -> Vec<(BoxSide, Coordinate)> {
        let sides = [BoxSide::Left, BoxSide::Right].into_iter();
        let used = sides.filter(|side| self.zones.offsets.contains_key(&(wire.hub, (*side, place, WireEnd::Hub))));
        used.map(|side| (side, self.end(wire.hub, side, place, WireEnd::Hub))).collect()
    }

    fn routes(&self, place: usize, wire: &Wire) -> Vec<Vec<Coordinate>> {
        wire.rims.iter().map(|rim| self.route(place, wire.hub, *rim)).collect()
    }

    fn route(&self, wire: usize, hub: usize, rim: usize) -> Vec<Coordinate> {
        let column = |item: usize| self.zones.all.items[item].column;
        let (from, to) = (column(hub), column(rim));
        let lane = |column: usize| self.zones.all.lanes.get(wire).and_then(|lanes| lanes.get(&column)).copied();
        let mut points: Vec<Coordinate> = Vec::new();
        if to >= from {
            let mut at = self.end(hub, BoxSide::Right, wire, WireEnd::Hub);
            for zone in from..to.max(from + 1) {
                let next = match (zone + 1 < to, lane(zone + 1)) {
                    (true, Some(lane)) => self.end(lane, BoxSide::Left, wire, WireEnd::Rim),
                    _ if to == from => self.end(rim, BoxSide::Right, wire, WireEnd::Rim),
                    _ => self.end(rim, BoxSide::Left, wire, WireEnd::Rim),
                };
                self.cross(wire, zone, at, next, &mut points);
                at = next;
            }
        } else {
            let mut at = self.end(hub, BoxSide::Left, wire, WireEnd::Hub);
            for zone in (to..from).rev() {
                let next = match (zone > to, lane(zone)) {
                    (true, Some(lane)) => self.end(lane, BoxSide::Right, wire, WireEnd::Rim),
                    _ => self.end(rim, BoxSide::Right, wire, WireEnd::Rim),
                };
                self.cross(wire, zone, at, next, &mut points);
                at = next;
            }
        }
        points
    }

    /// Goes from one end to another in a zone.
    fn cross(&self, wire: usize, zone: usize, from: Coordinate, to: Coordinate, points: &mut Vec<Coordinate>) {
        points.push(from);
        let track = self.tracks.get(zone).and_then(|tracks| tracks.get(&wire)).copied();
        if let (Some(track), Some(start)) = (track, self.starts.get(zone)) {
            let x = start + track * TRACK;
            points.extend([[x, from[1]], [x, to[1]]]);
        }
        points.push(to);
    }
}
