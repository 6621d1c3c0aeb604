//! What is told of how far somebody gets.

use crate::ask::{Beyond, Blast, GroupName, Situation, Step};
use crate::cli::report::{count, incomplete, overlap, unicode};
use crate::cli::step::{of_answer, with_step};
use crate::cli::terminal::Terminal;
use crate::cli::{beyond, json};
use crate::diag::render::sanitize;
use crate::graph::{BlastDrawn, Picture, blasted};
use crate::net::Truth;
use crate::session::Subject;
use rustc_hash::FxHashMap;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// More names than these of one node are counted and not listed.
const MOST_NAMES: usize = 4;

/// A list of more names than these is given once, and referred to by other steps.
const MOST_REPEATED_NAMES: usize = 16;

/// A line of the tree.
struct PrintedNode {
    /// The step, when there are others below.
    place: Option<usize>,
    step: Step,
}

impl PrintedNode {
    fn is_alike(&self, other: &PrintedNode) -> bool {
        let (mine, theirs) = (&self.step, &other.step);
        self.place.is_none()
            && (mine.open, mine.repeated) == (theirs.open, theirs.repeated)
            && (&mine.ports, &mine.unknown) == (&theirs.ports, &theirs.unknown)
    }
}

/// Where groups are: what is all of one place has one name.
struct Homes {
    all: Vec<TreeHome>,
    /// That of each group.
    of: Vec<usize>,
}

/// A namespace, or where addresses are.
struct TreeHome {
    pods: bool,
    name: Option<String>,
    /// How many groups are there.
    size: usize,
}

impl Homes {
    fn new(groups: &[GroupName]) -> Self {
        let mut places: BTreeMap<(bool, Option<String>), usize> = BTreeMap::new();
        let mut all: Vec<TreeHome> = Vec::new();
        let of = groups.iter().map(|group| {
            let (pods, name) = (group.is_pods(), group.home());
            let place = *places.entry((pods, name.clone())).or_insert(all.len());
            match all.get_mut(place) {
                Some(home) => home.size += 1,
                None => all.push(TreeHome { pods, name, size: 1 }),
            }
            place
        });
        let of = of.collect();
        Homes { all, of }
    }

    fn of(&self, group: usize) -> Option<(usize, &TreeHome)> {
        let place = *self.of.get(group)?;
        Some((place, self.all.get(place)?))
    }
}

/// A name of some groups.
enum Short<'a> {
    Namespace(&'a str),
    EveryAddress,
    Group(&'a GroupName),
}

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Short::Namespace(name) => write!(f, "{name}/*"),
            Short::EveryAddress => f.write_str("every address"),
            Short::Group(group) => write!(f, "{group}"),
        }
    }
}

/// How many are reached, for sure and perhaps.
struct ReachedCounts {
    noun: &'static str,
    reached: usize,
    perhaps: usize,
    all: usize,
}

/// What the formats are made of.
pub(super) struct ToldBlast<'a> {
    homes: Homes,
    blast: &'a Blast,
    text: &'a str,
    back: bool,
    /// Those who were given, and what is allowed to others.
    situation: &'a Situation,
    beyond: &'a [Beyond],
}

impl<'a> ToldBlast<'a> {
    /// Of the pods that somebody has named so, or to them.
    pub(super) fn new(
        blast: &'a Blast,
        text: &'a str,
        back: bool,
        (situation, beyond): (&'a Situation, &'a [Beyond]),
    ) -> Self {
        ToldBlast { homes: Homes::new(&blast.groups), blast, text, back, situation, beyond }
    }

    /// What is below each step, the start being the first; steps that end there are one where they are alike.
    fn children(&self) -> Vec<Vec<PrintedNode>> {
        let steps = &self.blast.steps;
        let parents: BTreeSet<usize> = steps.iter().filter_map(|step| step.before).collect();
        let mut children: Vec<Vec<PrintedNode>> = steps.iter().map(|_| Vec::new()).chain([Vec::new()]).collect();
        for (place, step) in steps.iter().enumerate() {
            let Some(list) = children.get_mut(step.before.map_or(0, |before| before + 1)) else { continue };
            let mut node = PrintedNode { place: parents.contains(&place).then_some(place), step: step.clone() };
            let alike = list.iter_mut().find(|known| node.place.is_none() && known.is_alike(&node));
            match alike {
                Some(known) => known.step.groups.append(&mut node.step.groups),
                None => list.push(node),
            }
        }
        if let (Some(list), Some(step)) = (children.first_mut(), &self.blast.dns) {
            list.push(PrintedNode { place: None, step: Step { open: false, repeated: false, ..step.clone() } });
        }
        children
    }

    /// The tree, for people.
    pub(super) fn tree(&self, subject: &Subject) -> String {
        let mut text = format!("{}\n", sanitize(self.text));
        let children = self.children();
        let [tee, corner, bar] = if unicode() { ["├─ ", "└─ ", "│  "] } else { ["|- ", "`- ", "|  "] };
        let mut stack: Vec<(&PrintedNode, String, bool)> = Vec::new();
        let below = |parent: usize, indent: &str| -> Vec<(&PrintedNode, String, bool)> {
            let list = children.get(parent).map(Vec::as_slice).unwrap_or_default();
            let nodes = list.iter().enumerate().rev();
            nodes.map(|(at, node)| (node, indent.to_owned(), at + 1 == list.len())).collect()
        };
        stack.extend(below(0, ""));
        while let Some((node, indent, last)) = stack.pop() {
            let branch = if last { corner } else { tee };
            let once = if last && indent.is_empty() && self.blast.dns.is_some() { "  DNS, told once" } else { "" };
            text.push_str(&format!("{indent}{branch}{}{once}\n", sanitize(&self.line(&node.step))));
            if let Some(place) = node.place {
                stack.extend(below(place + 1, &format!("{indent}{}", if last { "   " } else { bar })));
            }
        }
        text.push_str(&format!("\n{}\n", self.summary()));
        if self.blast.steps.iter().any(|step| !step.unknown.is_empty()) {
            text.push_str("? not known, because a fact is missing: `polder can` names it\n");
        }
        if self.blast.stops_at_dns {
            text.push_str("DNS servers are no stepping stone here; with `--through dns` they are\n");
        }
        if self.blast.steps.iter().any(|step| step.repeated) {
            text.push_str("(*) told elsewhere in the tree\n");
        }
        for line in beyond::lines(self.situation, self.beyond) {
            text.push_str(&format!("{}\n", sanitize(&line)));
        }
        overlap(&self.overlapping(), subject.model())
            .iter()
            .for_each(|sentence| text.push_str(&format!("{sentence}\n")));
        let step = subject.step().map(of_answer);
        let unknown = incomplete(subject.unmodelled(), subject.unread());
        step.into_iter().chain(unknown).for_each(|sentence| text.push_str(&format!("{sentence}\n")));
        text
    }

    /// The same as a picture.
    pub(super) fn picture(&self, subject: &Subject, depth: Option<usize>) -> Picture {
        let name = |step: &Step| self.name(step);
        let drawn = BlastDrawn { blast: self.blast, start: self.text, back: self.back, depth, name: &name };
        let mut picture = blasted(&drawn, self.summary());
        if self.blast.stops_at_dns {
            picture.notes.push("DNS servers are no stepping stone here; with `--through dns` they are".to_owned());
        }
        picture.notes.extend(beyond::lines(self.situation, self.beyond));
        picture.notes.extend(overlap(&self.overlapping(), subject.model()));
        picture.notes.extend(subject.step().map(of_answer));
        picture.notes.extend(incomplete(subject.unmodelled(), subject.unread()));
        picture
    }

    /// What a step is called.
    fn name(&self, step: &Step) -> String {
        let all = self.short_names(step);
        let mut names: Vec<String> = all.iter().take(MOST_NAMES).map(ToString::to_string).collect();
        if let Some(more @ 1..) = all.len().checked_sub(MOST_NAMES) {
            names.push(format!("{more} more"));
        }
        match names.as_slice() {
            [one] => one.clone(),
            many => format!("{{{}}}", many.join(", ")),
        }
    }

    fn line(&self, step: &Step) -> String {
        let name = self.name(step);
        let mut line = match (step.ports.is_empty(), step.unknown.is_empty()) {
            (true, _) => format!("{name}:{} ?", step.unknown),
            (false, true) => format!("{name}:{}", step.ports),
            (false, false) => format!("{name}:{}, {} ?", step.ports, step.unknown),
        };
        if step.open {
            line.push_str(if self.back { "  open to everybody" } else { "  not isolated for egress" });
        }
        if step.repeated {
            line.push_str(" (*)");
        }
        line
    }

    /// The names of which a pod can have several.
    fn overlapping(&self) -> Vec<String> {
        let groups = self.blast.overlapping.iter().filter_map(|place| self.blast.groups.get(*place));
        groups.map(ToString::to_string).collect()
    }

    fn names(&self, step: &Step) -> Vec<String> {
        let groups = step.groups.iter().filter_map(|place| self.blast.groups.get(*place));
        groups.map(ToString::to_string).collect()
    }

    /// The names, with one for all of a namespace and one for all addresses.
    fn short_names(&self, step: &Step) -> Vec<Short<'_>> {
        let mut by_home: FxHashMap<usize, Vec<&GroupName>> = FxHashMap::default();
        let homes =
            || step.groups.iter().filter_map(|group| Some((self.blast.groups.get(*group)?, self.homes.of(*group)?)));
        homes().for_each(|(group, (place, _))| by_home.entry(place).or_default().push(group));
        let mut names = Vec::new();
        for (_, (place, home)) in homes() {
            let Some(groups) = by_home.remove(&place) else { continue };
            let rest = |group: &&GroupName| matches!(group, GroupName::Rest(Some(_)) | GroupName::Labelled(_));
            let many = groups.len() > 1 || groups.iter().all(rest);
            let is_whole = many && home.size == groups.len();
            match home {
                TreeHome { pods: true, name: Some(home), .. } if is_whole => names.push(Short::Namespace(home)),
                TreeHome { pods: false, .. } if is_whole => names.push(Short::EveryAddress),
                _ => names.extend(groups.into_iter().map(Short::Group)),
            }
        }
        names
    }

    /// How many of the tiers or workloads are reached, without those at the start.
    fn counts(&self) -> ReachedCounts {
        type Wanted = fn(&GroupName) -> bool;
        let groups = self.blast.groups.iter().enumerate();
        let groups = groups.filter(|(place, _)| !self.blast.start.contains(place));
        let of = |noun, wanted: Wanted| {
            // A workload is one, whatever kinds of pods it has.
            let mut all: BTreeMap<GroupName, Truth> = BTreeMap::new();
            for (place, group) in groups.clone().filter(|(_, group)| wanted(group)) {
                let truth = match place {
                    place if self.blast.reached.contains(&place) => Truth::Yes,
                    place if self.blast.perhaps.contains(&place) => Truth::Maybe,
                    _ => Truth::No,
                };
                let known = all.entry(group.whole()).or_insert(truth);
                *known = truth.max(*known);
            }
            let count = |wanted| all.values().filter(|truth| **truth == wanted).count();
            ReachedCounts { noun, reached: count(Truth::Yes), perhaps: count(Truth::Maybe), all: all.len() }
        };
        let known: [(&str, Wanted); 3] = [
            ("tier", |name| matches!(name, GroupName::Tier(..))),
            ("workload", |name| name.workload().is_some()),
            ("kind of pods", GroupName::is_pods),
        ];
        let found = known.map(|(noun, wanted)| of(noun, wanted));
        let found = found.into_iter().find(|counts| counts.all > 0);
        found.unwrap_or(ReachedCounts { noun: "pod", reached: 0, perhaps: 0, all: 0 })
    }

    fn summary(&self) -> String {
        let ReachedCounts { noun, reached, perhaps, all } = self.counts();
        if all == 0 {
            return self.summary_of_all_pods();
        }
        let of = match noun {
            "kind of pods" => format!("{reached} of {all} kinds of pods"),
            noun => format!("{reached} of {}", count(all, noun)),
        };
        let more = if perhaps > 0 { format!(", and {perhaps} more perhaps,") } else { String::new() };
        let steps = self.blast.steps.iter().filter(|step| !step.repeated).chain(&self.blast.dns);
        let hops = steps.map(|step| step.hops).max().unwrap_or(0);
        let hops = count(hops, "hop");
        match (self.back, self.blast.internet) {
            (false, Truth::Yes) => format!("reaches {of}{more} in {hops}, and the internet"),
            (false, Truth::Maybe) => format!("reaches {of}{more} in {hops}, and perhaps the internet"),
            (false, Truth::No) => format!("reaches {of}{more} in {hops}, and not the internet"),
            (true, Truth::Yes) => format!("{of}{more} can get there in {hops}, and so can the internet"),
            (true, Truth::Maybe) => format!("{of}{more} can get there in {hops}, and perhaps the internet can"),
            (true, Truth::No) => format!("{of}{more} can get there in {hops}; the internet cannot"),
        }
    }

    /// What is left to say where it begins with every pod.
    fn summary_of_all_pods(&self) -> String {
        let internet = match (self.back, self.blast.internet) {
            (false, Truth::Yes) => "they reach the internet",
            (false, Truth::Maybe) => "they perhaps reach the internet",
            (false, Truth::No) => "they do not reach the internet",
            (true, Truth::Yes) => "the internet can get there",
            (true, Truth::Maybe) => "perhaps the internet can get there",
            (true, Truth::No) => "the internet cannot get there",
        };
        format!("it begins with all pods that there are; {internet}")
    }

    /// The JSON document.
    pub(super) fn print(&self, subject: &Subject, terminal: &mut Terminal) {
        let ReachedCounts { noun, reached, perhaps, all } = self.counts();
        let mut told: FxHashMap<&[usize], usize> = FxHashMap::default();
        let steps = self.blast.steps.iter().enumerate().map(|(id, step)| {
            // The same long lists of names come again and again.
            let is_long = step.groups.len() > MOST_REPEATED_NAMES;
            let first = if is_long { *told.entry(&step.groups).or_insert(id) } else { id };
            let names = if first == id { self.names(step) } else { Vec::new() };
            json!({
                "id": id,
                "before": step.before,
                "hops": step.hops,
                "names": names,
                "same_names_as": (first != id).then_some(first),
                "ports": json::ports(&step.ports),
                "unknown_ports": json::ports(&step.unknown),
                "onward_isolated": !step.open,
                "repeated": step.repeated,
            })
        });
        let dns = self.blast.dns.as_ref().map(|step| {
            json!({
                "hops": step.hops,
                "names": self.names(step),
                "ports": json::ports(&step.ports),
                "unknown_ports": json::ports(&step.unknown),
            })
        });
        let document = json!({
            "schema": "polder/blast/v1",
            "complete": subject.unmodelled().is_empty() && subject.unread().is_empty(),
            "unmodelled": json::unmodelled(subject.unmodelled()),
            "unread": json::unread(subject.unread()),
            "start": self.text,
            "direction": if self.back { "to" } else { "from" },
            "steps": null,
            "dns": dns,
            "stops_at_dns": self.blast.stops_at_dns,
            "not_given": beyond::list(self.situation, self.beyond),
            "overlapping": self.overlapping(),
            "counted": noun,
            "reached": reached,
            "perhaps_reached": perhaps,
            "of": all,
            "internet": self.blast.internet == Truth::Yes,
            "perhaps_internet": self.blast.internet == Truth::Maybe,
        });
        let document = with_step(document, subject.step());
        json::print_with_list(&document, "steps", steps, terminal);
    }
}
