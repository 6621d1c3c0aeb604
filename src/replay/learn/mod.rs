//! What a log teaches: the flows that a program lacks for what passed and would be dropped, in the program's own names.
//!
//! Nothing is guessed. A row becomes a flow where the log and what runs say who is at both ends, and else a reason why not.

mod addresses;
mod ends;
mod ports;
mod quiet;
mod reason;
mod selector;
mod workloads;

pub use addresses::CidrWidening;
pub use reason::WhyNotLearned;

use super::groups::GroupKey;
use super::packets::EPHEMERAL;
use super::place::PlacedEnd;
use super::verdict::{Candidate, GroupJudge};
use super::{EndKind, Replay, ReplayChange, ReplayReport, ReplayRow, SeenOfGroup};
use crate::ask::{Program, Says};
use crate::model::{Endpoint, TierId};
use crate::net::{PortSet, Selector, is_dns_label};
use crate::source::FileId;
use addresses::{AddressedFlow, AddressedRow};
use ends::{FoundEnd, NewNames};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use workloads::SeenWorkloads;

/// How to learn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LearnOptions {
    /// What was seen less often is not learned.
    pub min_attempts: u64,
    /// What becomes of addresses.
    pub widening: CidrWidening,
    /// The label whose value is a tier's name where nothing else is said, by the name of the namespace in the program.
    pub naming_labels: BTreeMap<Arc<str>, Arc<str>>,
    /// The same for all other namespaces.
    pub naming_label: Option<Arc<str>>,
    /// The files that can be changed.
    pub files: BTreeSet<FileId>,
}

impl LearnOptions {
    /// The label whose value is a tier's name in a namespace.
    fn naming_label(&self, namespace: &str) -> Option<&Arc<str>> {
        self.naming_labels.get(namespace).or(self.naming_label.as_ref())
    }
}

/// What a log teaches of a program.
pub struct Lessons {
    /// The rows, each address in one of its own.
    pub report: ReplayReport,
    /// The flows that are missing.
    pub flows: Vec<LearnedFlow>,
    /// The tiers that they need, each once.
    pub tiers: Vec<LearnedTier>,
    /// The lists of addresses that they need, each once.
    pub cidrs: Vec<LearnedCidr>,
    /// The rows that would be dropped and of which nothing is learned, with the reason, in their order.
    pub left: Vec<(usize, WhyNotLearned)>,
}

/// A flow to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedFlow {
    /// The rows that it is for, by their places in the report; sorted.
    pub rows: Vec<usize>,
    /// Who connects.
    pub source: LearnedEnd,
    /// To whom.
    pub destination: LearnedEnd,
    /// On which port.
    pub port: LearnedPort,
    /// The list that one of its ends is, where that has more addresses than the rows.
    pub wider: Option<WiderEnd>,
}

/// A list of addresses at the end of a flow, with more of them than were seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WiderEnd {
    /// Its name.
    pub name: Arc<str>,
    /// How many it has.
    pub addresses: u128,
    /// How many of them were seen.
    pub seen: u128,
}

/// An end of a flow to add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LearnedEnd {
    /// The namespace that it is local to, by its name in the program.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
    /// The tier, where it is one that the program has.
    pub tier: Option<TierId>,
    /// Whether its namespace is managed.
    pub is_managed: bool,
}

/// The port of a flow to add.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LearnedPort {
    /// Its number.
    pub ports: PortSet,
    /// What the destination calls it.
    pub name: Option<Arc<str>>,
    /// The tier whose list it has to be added to.
    pub added_to: Option<TierId>,
}

/// A tier to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedTier {
    /// Its namespace, by its name in the program.
    pub namespace: Arc<str>,
    /// Whether that is managed.
    pub is_managed: bool,
    /// Its name.
    pub name: Arc<str>,
    /// Its labels; `None` where they are those that its name implies.
    pub selector: Option<Selector>,
}

/// A list of addresses to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedCidr {
    /// Its name.
    pub name: Arc<str>,
    /// Its blocks.
    pub blocks: Vec<IpNet>,
    /// Whether they are more than the addresses that were seen.
    pub is_widened: bool,
}

impl Replay<'_> {
    /// What was read teaches of a candidate's program; `None` without one. In the `environments` of the program, other
    /// addresses may be allowed.
    pub fn lessons(
        &self,
        candidate: &Candidate<'_>,
        environments: &[(&str, Candidate<'_>)],
        options: &LearnOptions,
    ) -> Option<Lessons> {
        let program = candidate.program?;
        Some(self.judged(candidate, |judge| {
            let report = self.report_by(judge, false);
            let elsewhere = self.elsewhere(&report, environments);
            let workloads = SeenWorkloads::new(&self.roster.kinds, &self.running, &self.names_of_pods());
            let mut learner = Learner {
                judge,
                replay: self,
                program,
                report: &report,
                options,
                workloads,
                new: NewNames::default(),
                flows: BTreeMap::new(),
                public: BTreeMap::new(),
                refused: BTreeMap::new(),
                left: BTreeMap::new(),
            };
            learner.learn(&elsewhere);
            let flows = learner.found();
            let Learner { new, left, .. } = learner;
            Lessons { flows, tiers: new.tiers, cidrs: new.cidrs, left: left.into_iter().collect(), report }
        }))
    }

    /// What a candidate says of some groups.
    pub fn says(&self, candidate: &Candidate<'_>, groups: &[GroupKey]) -> Vec<Option<Says>> {
        let says = |judge: &GroupJudge<'_>, key| judge.judge(key).ok().map(|judged| judged.says);
        self.judged(candidate, |judge| groups.iter().map(|key| says(judge, key)).collect())
    }

    /// The namespaces of which the log shows pods with labels, but for those of Kubernetes itself, with the keys of the labels of
    /// each kind of pods.
    pub fn namespaces_of_pods(&self) -> BTreeMap<Arc<str>, Vec<BTreeSet<String>>> {
        let home = self.home();
        let mut found: BTreeMap<Arc<str>, Vec<BTreeSet<String>>> = BTreeMap::new();
        for kind in &self.roster.kinds {
            let (namespace, labels) = match kind {
                EndKind::Pods(pods) if pods.cluster.is_empty() || Some(&*pods.cluster) == home.as_deref() => {
                    let Some(labels) = &pods.labels else { continue };
                    (pods.namespace.clone(), labels.clone())
                }
                EndKind::Known(place) => {
                    let Some((workload, pods, _)) = self.running.pods.get(*place) else { continue };
                    (workload.namespace.clone(), pods.labels.clone())
                }
                _ => continue,
            };
            // Names that begin so are kept for Kubernetes.
            if is_dns_label(&namespace) && !namespace.starts_with("kube-") {
                found.entry(namespace).or_default().push(labels.into_keys().collect());
            }
        }
        found
    }

    /// The dropped rows about addresses that an environment allows, with its name.
    fn elsewhere(&self, report: &ReplayReport, environments: &[(&str, Candidate<'_>)]) -> BTreeMap<usize, String> {
        let is_address = |kind: &EndKind| matches!(kind, EndKind::Address(..) | EndKind::Node(_));
        let is_asked = |row: &&(usize, &ReplayRow)| {
            row.1.change == ReplayChange::Dropped && (is_address(&row.1.ends.0) || is_address(&row.1.ends.1))
        };
        let rows: Vec<(usize, &ReplayRow)> = report.rows.iter().enumerate().filter(|row| is_asked(&row)).collect();
        let mut found = BTreeMap::new();
        if rows.is_empty() {
            return found;
        }
        // What is open because nothing isolates it is not meant for anybody.
        let is_meant = |judge: &GroupJudge<'_>, key: &GroupKey| {
            judge.judge(key).is_ok_and(|judged| judged.says == Says::Allowed && judged.why.is_none())
        };
        for (name, candidate) in environments {
            self.judged(candidate, |judge| {
                for (place, _) in rows.iter().filter(|(_, row)| row.groups.iter().all(|key| is_meant(judge, key))) {
                    found.entry(*place).or_insert_with(|| (*name).to_owned());
                }
            });
        }
        found
    }

    /// A name of a pod of each kind of ends, where the log has one.
    fn names_of_pods(&self) -> BTreeMap<super::EndKindId, &str> {
        let mut names = BTreeMap::new();
        for (key, tally) in &self.groups.all {
            let Some(sample) = &tally.sample else { continue };
            for (id, (name, _)) in [key.from, key.to].into_iter().zip(&sample.ends) {
                if let Some(name) = name {
                    names.entry(id).or_insert(&**name);
                }
            }
        }
        names
    }
}

/// More public addresses of one source on one port are for a person to name.
const MOST_PUBLIC: usize = 32;

/// Whether an end is what the platform lists.
fn is_of_platform(end: &FoundEnd) -> bool {
    match end {
        FoundEnd::Named(end) => {
            end.tier.is_none() && end.namespace.is_none() && Endpoint::built_in(&end.name).is_some()
        }
        FoundEnd::Address(_) => false,
    }
}

/// What tells flows to add apart.
type FlowKey = (LearnedEnd, LearnedEnd, LearnedPort);

/// Learns, row by row.
struct Learner<'l> {
    judge: &'l GroupJudge<'l>,
    replay: &'l Replay<'l>,
    program: Program<'l>,
    report: &'l ReplayReport,
    options: &'l LearnOptions,
    workloads: SeenWorkloads,
    new: NewNames,
    flows: BTreeMap<FlowKey, Vec<usize>>,
    /// The public addresses that each source connects to on each port, whatever they are called.
    public: BTreeMap<(LearnedEnd, PortSet), BTreeSet<IpAddr>>,
    /// How often flows of these ends and ports were refused.
    refused: BTreeMap<(LearnedEnd, LearnedEnd, PortSet), u64>,
    left: BTreeMap<usize, WhyNotLearned>,
}

impl<'l> Learner<'l> {
    fn learn(&mut self, elsewhere: &BTreeMap<usize, String>) {
        let rows = &self.report.rows;
        let scans = quiet::scans(rows);
        let dynamic = quiet::dynamic_ports(rows);
        self.refused = self.refused();
        let mut meant: Vec<(usize, &ReplayRow)> = Vec::new();
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| row.change == ReplayChange::Dropped) {
            let why_not = match (scans.contains(&place), elsewhere.get(&place)) {
                (true, _) => Some(WhyNotLearned::Scan),
                (_, Some(name)) => Some(WhyNotLearned::Environment(name.clone())),
                _ if dynamic.contains(&place) => Some(WhyNotLearned::DynamicPorts),
                _ => self.why_not(row),
            };
            match why_not {
                Some(why) => _ = self.left.insert(place, why),
                None => meant.push((place, row)),
            }
        }
        self.public = self.public(&meant);
        let mut addressed: BTreeMap<AddressedFlow, Vec<AddressedRow>> = BTreeMap::new();
        for (place, row) in &meant {
            if let Err(why) = self.row(*place, row, &mut addressed) {
                self.left.insert(*place, why);
            }
        }
        for (flow, rows) in addressed {
            self.name_addresses(&flow, rows);
        }
        self.name_others(&meant);
    }

    /// The public addresses of the rows, by who connects and on which port. Those that the platform lists are nobody's.
    fn public(&mut self, rows: &[(usize, &ReplayRow)]) -> BTreeMap<(LearnedEnd, PortSet), BTreeSet<IpAddr>> {
        let new = self.new.clone();
        let mut found: BTreeMap<(LearnedEnd, PortSet), BTreeSet<IpAddr>> = BTreeMap::new();
        for (_, row) in rows {
            let Some(address) = self.public_destination(row) else { continue };
            if let (Ok((to, ports)), Ok(FoundEnd::Named(from))) = (self.destination(row), self.source(row))
                && !is_of_platform(&to)
            {
                found.entry((from, ports)).or_default().insert(address);
            }
        }
        self.new = new;
        found
    }

    fn public_destination(&self, row: &ReplayRow) -> Option<IpAddr> {
        match row.ends.1 {
            EndKind::Address(address, _) if self.is_public(address) => Some(address),
            _ => None,
        }
    }

    /// Rows about addresses that had no name, and that have one now for what others of the log say of them.
    fn name_others(&mut self, rows: &[(usize, &ReplayRow)]) {
        for (place, row) in rows {
            if !matches!(
                self.left.get(place),
                Some(WhyNotLearned::WhoseAddress | WhyNotLearned::MaybeNode | WhyNotLearned::Node)
            ) {
                continue;
            }
            if self.row(*place, row, &mut BTreeMap::new()).is_ok() {
                self.left.remove(place);
            }
        }
    }

    /// What was refused and still would be, by the names that a flow would have for it.
    fn refused(&mut self) -> BTreeMap<(LearnedEnd, LearnedEnd, PortSet), u64> {
        // What has no name in the program is no part of what gets one.
        let new = self.new.clone();
        let mut refused = BTreeMap::new();
        let is_refused = |row: &&ReplayRow| row.seen == SeenOfGroup::Refused && row.candidate == Says::Denied;
        for row in self.report.rows.iter().filter(is_refused) {
            if let (Ok((FoundEnd::Named(to), ports)), Ok(FoundEnd::Named(from))) =
                (self.destination(row), self.source(row))
                && !self.is_new(&from)
                && !self.is_new(&to)
            {
                *refused.entry((from, to, ports)).or_default() += row.tally.attempts();
            }
        }
        self.new = new;
        refused
    }

    fn is_new(&self, end: &LearnedEnd) -> bool {
        self.new.tiers.iter().any(|tier| tier.name == end.name && Some(&tier.namespace) == end.namespace.as_ref())
    }

    /// Why nothing is to be learned of a row, whatever its ends could be called.
    fn why_not(&self, row: &ReplayRow) -> Option<WhyNotLearned> {
        debug_assert!(matches!(row.seen, SeenOfGroup::Passed | SeenOfGroup::Audited));
        let number = quiet::number(row);
        if (row.tally.is_only_established() || row.tally.may_answer())
            && number.is_some_and(|number| number >= EPHEMERAL)
        {
            return Some(WhyNotLearned::Established);
        }
        if let Some(why) = self.unclear_ends(row) {
            return Some(why);
        }
        if row.tally.attempts() < self.options.min_attempts {
            return Some(WhyNotLearned::FewAttempts);
        }
        let forbidden = row.explanation.iter().flat_map(|one| &one.forbidden);
        let forbidden: Vec<_> = forbidden.copied().collect();
        if !forbidden.is_empty() {
            return Some(WhyNotLearned::Breaks(forbidden));
        }
        self.is_dns(row).then_some(WhyNotLearned::Dns)
    }

    /// Names both ends of a row, or notes the one that is an address.
    fn row(
        &mut self,
        place: usize,
        row: &ReplayRow,
        addressed: &mut BTreeMap<AddressedFlow, Vec<AddressedRow>>,
    ) -> Result<(), WhyNotLearned> {
        let (to, ports) = self.destination(row)?;
        let from = self.source(row)?;
        if let FoundEnd::Named(from) = &from
            && !is_of_platform(&to)
            && self.public_destination(row).is_some()
            && let Some(all) = self.public.get(&(from.clone(), ports.clone()))
            && all.len() > MOST_PUBLIC
        {
            return Err(WhyNotLearned::ManyAddresses(all.len()));
        }
        let mut address = |is_source: bool, other: LearnedEnd, port: LearnedPort, address| {
            let names = row.names.iter().filter(|_| !is_source).cloned().collect();
            let flow = AddressedFlow { is_source, other, port };
            addressed.entry(flow).or_default().push(AddressedRow { place, address, names });
            Ok(())
        };
        match (from, to) {
            (FoundEnd::Named(from), FoundEnd::Named(to)) => {
                let key = (from, to, ports);
                if let Some(times) = self.refused.get(&key) {
                    return Err(WhyNotLearned::Refused(*times));
                }
                let (from, to, ports) = key;
                let port = self.port(&to, &ports)?;
                self.add(from, to, port, &[place]);
                Ok(())
            }
            (FoundEnd::Named(from), FoundEnd::Address(to)) => {
                address(false, from, LearnedPort { ports, name: None, added_to: None }, to)
            }
            (FoundEnd::Address(from), FoundEnd::Named(to)) => {
                let port = self.port(&to, &ports)?;
                address(true, to, port, from)
            }
            (FoundEnd::Address(_), FoundEnd::Address(_)) => Err(WhyNotLearned::NoName),
        }
    }

    /// The flows that were found.
    fn found(&self) -> Vec<LearnedFlow> {
        let flow = |((source, destination, port), rows): (&FlowKey, &Vec<usize>)| {
            let mut rows = rows.clone();
            rows.sort_unstable();
            let (source, destination, port) = (source.clone(), destination.clone(), port.clone());
            let wider = self.wider(&source, &rows, true).or_else(|| self.wider(&destination, &rows, false));
            LearnedFlow { rows, source, destination, port, wider }
        };
        self.flows.iter().map(flow).collect()
    }

    fn add(&mut self, from: LearnedEnd, to: LearnedEnd, port: LearnedPort, rows: &[usize]) {
        self.flows.entry((from, to, port)).or_default().extend(rows);
    }

    fn placed(&self, id: super::EndKindId) -> Option<&'l PlacedEnd> {
        self.judge.placement.places.get(id.0 as usize)
    }
}
