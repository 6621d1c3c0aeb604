//! What `reach` lists is what `can` answers, pair by pair, and what it does not list is denied.

use crate::judges::asked::{Seen, Source, ask, ask_of_sure, port, subject, subject_in, target};
use crate::judges::asserted::{protocol_of, some_port};
use crate::judges::seeds;
use crate::oracle::evaluate::Protocol;
use crate::oracle::generate;
use crate::oracle::program::{Port, PortSpec, Program};
use crate::oracle::rng::Rng;

use polder::ask::{Between, Detail, Everyone, GroupName, IsolatedShare, Reach, Row, RowNames, Summary, Untold};
use polder::cover::Budget;
use polder::net::Direction;
use polder::net::PortSet;
use polder::session::{SaidOfCluster, Subject};

/// Pairs of rows that are looked at in each program.
const PAIRS: usize = 24;

fn reach(subject: &Subject, everyone: &Everyone<'_>, detail: Detail) -> Reach {
    let grants = everyone.grants(subject.policies());
    let told: Result<Summary, Untold<String>> = everyone.reach(
        &grants,
        Between { from: None, to: None, detail },
        &mut |_, _| Ok(None),
        &mut Budget::of_question(),
    );
    told.unwrap().reach
}

/// What the command line calls a row; none for those that have no name to ask by.
pub(super) fn name(row: &Row) -> Option<String> {
    match &row.names {
        RowNames::Groups(groups) => Some(groups.first()?.to_string()),
        RowNames::Namespace(name) => Some(format!("{name}/*")),
        RowNames::Cluster => Some("cluster".to_owned()),
        RowNames::Anywhere => Some("anywhere".to_owned()),
        RowNames::Asked(text) => Some(text.clone()),
        RowNames::Isolated(_) | RowNames::NotIsolated(_) | RowNames::PodsNotIsolated(_) => None,
    }
}

/// Whether a row can be asked about by its own name: what goes by labels is asked about as one pod that has just those.
fn is_single(row: &Row) -> bool {
    let by_labels = |group: &GroupName| matches!(group, GroupName::Selected(..));
    !row.names.is_wide() && !row.names.groups().first().is_some_and(by_labels)
}

/// Two rows by their places, with a port and the answer about it.
struct Pair<'a> {
    places: (usize, usize),
    protocol: Protocol,
    port: (PortSet, String),
    names: (String, String),
    seen: Seen,
    reach: &'a Reach,
}

fn pairs<'a>(subject: &Subject, reach: &'a Reach, program: &Program, rng: &mut Rng) -> Vec<Pair<'a>> {
    let single: Vec<usize> = (0..reach.rows.len()).filter(|row| is_single(&reach.rows[*row])).collect();
    let told: Vec<(usize, usize)> = reach.cells.iter().map(|cell| (cell.source, cell.destination)).collect();
    let told: Vec<(usize, usize)> =
        told.into_iter().filter(|(from, to)| single.contains(from) && single.contains(to)).collect();
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        let places = match rng.chance(50) && !told.is_empty() {
            true => *rng.pick(&told),
            false => (*rng.pick(&single), *rng.pick(&single)),
        };
        let (protocol, number) = some_port(program, rng);
        let port = port(protocol, number);
        let names = [places.0, places.1].map(|row| name(&reach.rows[row]).unwrap());
        let [from, to] = names;
        let seen = match ask_of_sure(subject, &from, &target(&to, &port)) {
            Ok(seen) => seen,
            Err(message) if message.contains("neither end is a pod") => continue,
            Err(message) => panic!("{from} -> {to}: {message}"),
        };
        let port = (PortSet::number(protocol_of(protocol), number), port);
        pairs.push(Pair { places, protocol, port, names: (from, to), seen, reach });
    }
    pairs
}

/// No port is open to addresses by what a container calls it.
fn assert_no_names_of_addresses(reach: &Reach, source: &str) {
    for cell in &reach.cells {
        let to = &reach.rows[cell.destination];
        let mixed = !to.pods && to.addresses.is_none();
        let sets = [Some(&cell.every), (!mixed).then_some(&cell.some), (!mixed).then_some(&cell.unknown)];
        for set in sets.into_iter().flatten().filter(|_| !to.pods) {
            assert_eq!(set.without_names(), *set, "{:?} -> {:?}\n{source}", reach.rows[cell.source].names, to.names);
        }
    }
}

/// Whether ports of a protocol are asked for by name.
fn has_names(program: &Program, protocol: Protocol) -> bool {
    let is_name = |port: &Port| matches!(port, Port::Container(_, own) if *own == protocol);
    let served = program.namespaces.iter().flat_map(|one| &one.tiers).flat_map(|tier| &tier.ports);
    let mut specs = program.flows.iter().flat_map(|flow| flow.ports.iter().flatten());
    served.into_iter().any(|(_, port)| is_name(port))
        || specs.any(|spec| matches!(spec, PortSpec::Port(port) if is_name(port)))
}

impl Pair<'_> {
    fn text(&self) -> String {
        format!("{} -> {} on {}: {:?}", self.names.0, self.names.1, self.port.1, self.seen)
    }

    fn rows(&self) -> (&Row, &Row) {
        (&self.reach.rows[self.places.0], &self.reach.rows[self.places.1])
    }

    /// Whether neither side is isolated, which is no line.
    fn is_open(&self) -> bool {
        let (source, destination) = self.rows();
        source.egress() == IsolatedShare::No && destination.ingress() == IsolatedShare::No
    }
}

#[test]
fn every_pair_that_reach_tabulates_is_answered_so_by_can() {
    let (mut sure, mut denied, mut partly, mut unknown) = (0, 0, 0, 0);
    for seed in seeds(24) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let everyone = subject.everyone(&[]);
        let reach = reach(&subject, &everyone, Detail::Table);
        assert_no_names_of_addresses(&reach, &source);
        for pair in pairs(&subject, &reach, &program, &mut Rng::new(seed ^ 0x7ab1e)) {
            let cell = reach.cells.iter().find(|cell| (cell.source, cell.destination) == pair.places);
            let has = |set: Option<&PortSet>| set.is_some_and(|set| set.contains(&pair.port.0));
            let (every, some) = (has(cell.map(|cell| &cell.every)), has(cell.map(|cell| &cell.some)));
            let doubt = has(cell.map(|cell| &cell.unknown));
            let what =
                || format!("seed {seed}: {}, told every {every} some {some} unknown {doubt}\n{source}", pair.text());
            let Seen { allowed, denied: refused, unknown: not_known, .. } = pair.seen;
            if pair.seen.is_about_nobody() {
                continue;
            }
            assert_eq!(every, pair.seen.is_sure(), "{}", what());
            assert_eq!(every || some, allowed, "{}", what());
            // Where some may and others may not, `can` does not look for those of whom it is not known.
            // What a name stands for is told by the name.
            let named = has_names(&program, pair.protocol);
            let exact = doubt == not_known || (named && not_known);
            assert!(exact || every || (allowed && refused), "{}", what());
            sure += u32::from(every);
            denied += u32::from(!pair.seen.may());
            partly += u32::from(allowed && refused);
            unknown += u32::from(not_known);
        }
    }
    assert!(sure > 30 && denied > 30 && partly > 10 && unknown > 10, "{sure} {denied} {partly} {unknown}");
}

#[test]
fn a_table_without_a_mark_is_so_of_those_too_who_only_may_be_meant() {
    let (mut plain, mut apart) = (0, 0);
    for seed in seeds(40) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let reach = reach(&subject, &subject.everyone(&[]), Detail::Table);
        for pair in pairs(&subject, &reach, &program, &mut Rng::new(seed ^ 0x9e77)) {
            let cell = reach.cells.iter().find(|cell| (cell.source, cell.destination) == pair.places);
            let to = target(&pair.names.1, &pair.port.1);
            let Ok(seen) = ask(&subject, &pair.names.0, &to) else { continue };
            let has = |set: Option<&PortSet>| set.is_some_and(|set| set.overlaps(&pair.port.0));
            let (every, some) = (has(cell.map(|cell| &cell.every)), has(cell.map(|cell| &cell.some)));
            let unknown = has(cell.map(|cell| &cell.unknown));
            let beside = has(cell.and_then(|cell| cell.more.as_ref()).map(|(ports, _)| ports));
            let is_apart = cell.is_some_and(|cell| cell.apart.is_some());
            let what = || format!("seed {seed}: {}, {seen:?}: {cell:?}\n{source}", pair.text());
            if pair.seen.is_about_nobody() || has_names(&program, pair.protocol) {
                continue;
            }
            // Those who have the name for sure, and others.
            assert!(!every || is_apart || seen.is_sure(), "not all: {}", what());
            assert!(every || some || unknown || beside || !seen.may(), "some may: {}", what());
            plain += u32::from(every && !is_apart);
            apart += u32::from(every && is_apart);
        }
    }
    assert!(plain > 30 && apart > 2, "{plain} {apart}");
}

#[test]
fn every_line_of_reach_is_answered_so_by_can_and_nothing_is_left_out() {
    let (mut sure, mut denied, mut partly) = (0, 0, 0);
    for seed in seeds(24) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let everyone = subject.everyone(&[]);
        let reach = reach(&subject, &everyone, Detail::Lines);
        assert_no_names_of_addresses(&reach, &source);
        let lines = reach.lines();
        for pair in pairs(&subject, &reach, &program, &mut Rng::new(seed ^ 0x11e5)) {
            let what = || format!("seed {seed}: {}\n{source}", pair.text());
            let (from, to) = pair.rows();
            // Those that hold all of the pair.
            let around =
                lines.iter().filter(|cell| from.around.contains(&cell.source) && to.around.contains(&cell.destination));
            let every = pair.is_open() || around.clone().any(|cell| cell.every.contains(&pair.port.0));
            if pair.seen.is_about_nobody() {
                continue;
            }
            assert!(!every || pair.seen.is_sure(), "told as allowed: {}", what());
            // What only some of the pair may can be a line of others that are in it, or that it is partly in.
            let is_near =
                |place: usize, row: &Row| row.around.contains(&place) || overlap(&everyone, &reach.rows[place], row);
            let near = lines.iter().filter(|cell| is_near(cell.source, from) && is_near(cell.destination, to));
            let side = |row: &Row, direction| row.isolated[usize::from(direction == Direction::Egress)];
            let is_open = |row: &Row, direction| side(row, direction) != IsolatedShare::Yes;
            // Of tiers only some of which are isolated that is said, and not what they may all the same.
            let is_partly = |row: &Row, direction| {
                let singles = reach.rows.iter().filter(|one| !one.names.is_wide());
                singles
                    .into_iter()
                    .any(|one| side(one, direction) == IsolatedShare::Partly && overlap(&everyone, one, row))
            };
            let some = (is_open(from, Direction::Egress) && is_open(to, Direction::Ingress))
                || is_partly(from, Direction::Egress)
                || is_partly(to, Direction::Ingress)
                || near.clone().any(|cell| cell.some.union(&cell.unknown).contains(&pair.port.0));
            let told = || {
                lines
                    .iter()
                    .map(|cell| {
                        format!(
                            "{:?} -> {:?} every {} some {} unknown {}\n",
                            reach.rows[cell.source].names,
                            reach.rows[cell.destination].names,
                            cell.every,
                            cell.some,
                            cell.unknown
                        )
                    })
                    .collect::<String>()
            };
            assert!(some || !pair.seen.allowed, "not told: {}\n{}", what(), told());
            sure += u32::from(every);
            denied += u32::from(!pair.seen.may());
            partly += u32::from(pair.seen.allowed && pair.seen.denied);
        }
    }
    assert!(sure > 30 && denied > 30 && partly > 10, "{sure} {denied} {partly}");
}

#[test]
fn a_line_without_a_mark_is_so_of_those_too_who_only_may_be_meant() {
    let (mut plain, mut marked) = (0, 0);
    for seed in seeds(40) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let reach = reach(&subject, &subject.everyone(&[]), Detail::Lines);
        let mut rng = Rng::new(seed ^ 0xa9a7);
        for cell in reach.lines() {
            let has = |(protocol, number): &(Protocol, u16)| {
                cell.every.contains(&PortSet::number(protocol_of(*protocol), *number))
            };
            let found = (0..8).map(|_| some_port(&program, &mut rng)).find(has);
            let names = [cell.source, cell.destination].map(|row| name(&reach.rows[row]));
            let ([Some(from), Some(to)], Some((protocol, number))) = (names, found) else { continue };
            let to = target(&to, &port(protocol, number));
            let seen = ask(&subject, &from, &to).unwrap();
            assert!(cell.apart.is_some() || seen.is_sure(), "seed {seed}: {from} -> {to}: {seen:?}\n{source}");
            plain += u32::from(cell.apart.is_none());
            marked += u32::from(cell.apart.is_some() && !seen.is_sure());
        }
    }
    assert!(plain > 100 && marked > 3, "{plain} {marked}");
}

/// Whether two rows have somebody in common, or may have.
fn overlap(everyone: &Everyone<'_>, one: &Row, other: &Row) -> bool {
    let ends = |row: &Row| Some(everyone.set(&name(row)?).ok()?.ends(&everyone.space));
    // Of those that go by isolation nobody can ask.
    let (Some(one), Some(other)) = (ends(one), ends(other)) else { return true };
    let mut budget = Budget::of_question();
    let both = one.iter().flat_map(|one| other.iter().filter_map(|other| everyone.space.both(one, other)));
    both.collect::<Vec<_>>().iter().any(|both| !everyone.space.is_empty(both, &mut budget).unwrap())
}

#[test]
fn what_is_not_known_in_tables_is_not_known_in_lines() {
    let (mut in_tables, mut in_lines) = (0, 0);
    for seed in seeds(40) {
        let source = Source::of(&generate::program(seed)).text;
        // What address blocks may let through is one remark, and no line.
        let cluster = SaidOfCluster { blocks_match_pods: Some(false), ..SaidOfCluster::default() };
        let subject = subject_in(&source, None, cluster).unwrap();
        let everyone = subject.everyone(&[]);
        let [table, lines] = [Detail::Table, Detail::Lines].map(|detail| reach(&subject, &everyone, detail));
        let doubtful = |reach: &Reach| -> Vec<(usize, usize, PortSet)> {
            let cells =
                reach.cells.iter().map(|cell| (cell.source, cell.destination, cell.unknown.subtract(&cell.some)));
            cells.filter(|(.., unknown)| !unknown.is_empty()).collect()
        };
        let (tabled, listed) = (doubtful(&table), doubtful(&lines));
        let is_near = |place: usize, row: usize| {
            let (near, row) = (&table.rows[place], &table.rows[row]);
            row.around.contains(&place) || overlap(&everyone, near, row)
        };
        let told = lines.lines();
        for (from, to, unknown) in &tabled {
            let near = told.iter().filter(|cell| is_near(cell.source, *from) && is_near(cell.destination, *to));
            let all = near.fold(PortSet::empty(), |all, cell| all.union(&cell.unknown).union(&cell.some));
            let text = || format!("{:?} -> {:?}: {unknown}", table.rows[*from].names, table.rows[*to].names);
            assert!(all.contains(unknown), "seed {seed}: no line tells {}, but {all}\n{source}", text());
        }
        for (from, to, unknown) in &listed {
            let near = table.cells.iter().filter(|cell| is_near(*from, cell.source) && is_near(*to, cell.destination));
            let all = near.fold(PortSet::empty(), |all, cell| all.union(&cell.unknown));
            let text = || format!("{:?} -> {:?}: {unknown}", table.rows[*from].names, table.rows[*to].names);
            assert!(all.overlaps(unknown), "seed {seed}: no table has {}, but {all}\n{source}", text());
        }
        in_tables += tabled.len();
        in_lines += listed.len();
    }
    assert!(in_tables > 100 && in_lines > 25, "{in_tables} {in_lines}");
}
