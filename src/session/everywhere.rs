//! What is found in a program in several environments, each finding once.

use crate::diag::{Code, Report};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The findings of all environments that were looked at.
#[derive(Debug)]
pub struct Everywhere {
    /// The environments in the order in which they were looked at; `None` is the program without one.
    environments: Vec<Option<String>>,
    found: Vec<Found>,
    /// What is said of the program without an environment, when that is none of those that count.
    plain: Option<BTreeSet<Key>>,
}

#[derive(Debug)]
struct Found {
    report: Report,
    /// The environments that it holds in, by their places.
    holds_in: BTreeSet<usize>,
}

/// The finding with its words.
type Key = (Code, Option<Span>, String);

impl Everywhere {
    /// What the environment that comes first has.
    pub fn new(environment: Option<String>, reports: Vec<Report>) -> Everywhere {
        let mut everywhere = Everywhere { environments: Vec::new(), found: Vec::new(), plain: None };
        everywhere.add(environment, reports);
        everywhere
    }

    /// Adds what one more environment has. What stands at the same place as before, and as often, is the same finding,
    /// whatever the environment calls its namespaces.
    pub fn add(&mut self, environment: Option<String>, reports: Vec<Report>) {
        let here = self.environments.len();
        self.environments.push(environment);
        let mut known: BTreeMap<(Code, Option<Span>), Vec<usize>> = BTreeMap::new();
        for (index, found) in self.found.iter().enumerate() {
            known.entry(place(&found.report)).or_default().push(index);
        }
        let mut groups: BTreeMap<(Code, Option<Span>), Vec<Report>> = BTreeMap::new();
        let mut order = Vec::new();
        for report in reports {
            let place = place(&report);
            let group = groups.entry(place).or_default();
            if group.is_empty() {
                order.push(place);
            }
            group.push(report);
        }
        for place in order {
            let group = groups.remove(&place).unwrap_or_default();
            self.add_at(here, known.remove(&place).unwrap_or_default(), group, place.1.is_some());
        }
    }

    /// Adds what an environment has at one place, where these are known.
    fn add_at(&mut self, here: usize, mut known: Vec<usize>, reports: Vec<Report>, is_place: bool) {
        let alike = is_place && known.len() == reports.len();
        let mut others = Vec::new();
        for report in reports {
            let same = known.iter().position(|index| {
                self.found.get(*index).is_some_and(|found| found.report.diagnostic.message == report.diagnostic.message)
            });
            match same {
                Some(at) => self.hold(known.remove(at), here),
                None => others.push(report),
            }
        }
        let mut known = known.into_iter();
        for report in others {
            match known.next().filter(|_| alike) {
                Some(index) => self.hold(index, here),
                None => self.found.push(Found { report, holds_in: BTreeSet::from([here]) }),
            }
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    fn hold(&mut self, index: usize, environment: usize) {
        if let Some(found) = self.found.get_mut(index) {
            found.holds_in.insert(environment);
        }
    }

    /// Says what is found in the program without an environment, which does not count: what is not said of it names what
    /// the source does not.
    pub fn compare(&mut self, plain: &[Report]) {
        self.plain = Some(plain.iter().map(key).collect());
    }

    /// Each finding, with the environments that it holds in unless these are all. `alike` says that all were looked at
    /// alike; if not, what the first has counts for all.
    pub fn reports(self, alike: bool) -> Vec<Report> {
        let Everywhere { environments, found, plain } = self;
        let one = |Found { mut report, holds_in }: Found| {
            let in_all = holds_in.len() == environments.len() || !alike && holds_in.contains(&0);
            let is_plain = plain.as_ref().is_none_or(|plain| plain.contains(&key(&report)));
            if !(in_all && is_plain) && report.diagnostic.code != Code::E0110 {
                let names =
                    holds_in.iter().filter_map(|at| environments.get(*at)).map(Option::as_deref).collect::<Vec<_>>();
                report.diagnostic.message = format!("{}: {}", which(&names), report.diagnostic.message);
            }
            report
        };
        found.into_iter().map(one).collect()
    }
}

/// The environments in words.
fn which(names: &[Option<&str>]) -> String {
    let named: Vec<String> = names.iter().flatten().map(|name| format!("`{name}`")).collect();
    let named = match named.as_slice() {
        [] => return "without an environment".to_owned(),
        [one] => format!("in environment {one}"),
        [others @ .., last] => format!("in environments {} and {last}", others.join(", ")),
    };
    if names.contains(&None) { format!("{named}, and without one") } else { named }
}

fn place(report: &Report) -> (Code, Option<Span>) {
    (report.diagnostic.code, report.diagnostic.primary())
}

fn key(report: &Report) -> Key {
    (report.diagnostic.code, report.diagnostic.primary(), report.diagnostic.message.clone())
}
