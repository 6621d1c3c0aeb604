//! `polder blast`: how far somebody gets from pods, or who gets at them.

use super::args::{AnswerFormat, Blast as Args};
use super::exit::Exit;
use super::report::{count, incomplete, unicode};
use super::terminal::Terminal;
use super::{ask, json};
use crate::ask::{Asked, Blast, BlastFrom, Dns, GroupName, Situation, Step};
use crate::cover::Budget;
use crate::diag::render::sanitize;
use crate::engine::Engine;
use crate::net::PortSet;
use crate::session::{Subject, TOO_HARD};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// More names than these of one node are counted and not listed.
const MOST_NAMES: usize = 4;

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &Args, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, terminal)?;
    let (text, back) = match (&args.from, &args.to) {
        (Some(from), _) => (from, false),
        (None, Some(to)) => (to, true),
        (None, None) => return Err(terminal.refuse("blast from where? name a tier, or `--to` one")),
    };
    let asked = subject.asked(text).map_err(|message| terminal.refuse(&message))?;
    let (servers, ports) = subject.dns_servers();
    // Those who go through them need not tell them apart.
    let servers = args.through.is_none().then_some((servers, ports));
    let from = From { asked: &asked, back, depth: args.depth.unwrap_or(usize::MAX), servers: servers.as_ref() };
    let (blast, given_up) = match subject.situation(&from.ends()) {
        Some(situation) => among_workloads(&subject, &situation, &from, terminal)?,
        None => (among_everybody(&subject, &from, terminal)?, false),
    };
    let groups = blast.groups.iter();
    let homes: Vec<Home> = groups.map(|group| Home { pods: group.is_pods(), name: group.home() }).collect();
    let mut sizes = BTreeMap::new();
    homes.iter().for_each(|home| *sizes.entry(home.clone()).or_default() += 1);
    let told = Told { homes, sizes, blast: &blast, text, back };
    terminal.result(&match args.format {
        AnswerFormat::Human => told.tree(&subject),
        AnswerFormat::Json => told.document(&subject),
    });
    Ok(if given_up { ask::given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

/// What is asked.
struct From<'a> {
    asked: &'a Asked,
    back: bool,
    depth: usize,
    /// The DNS servers and their ports, where they are not gone through.
    servers: Option<&'a (Asked, PortSet)>,
}

impl From<'_> {
    /// The ends that have to be told apart.
    fn ends(&self) -> Vec<Asked> {
        let servers = self.servers.map(|(servers, _)| servers);
        std::iter::once(self.asked).chain(servers).cloned().collect()
    }
}

/// How far it goes among the workloads that were given, and whether finding that out was given up somewhere.
fn among_workloads(
    subject: &Subject,
    situation: &Situation,
    from: &From<'_>,
    terminal: &mut Terminal,
) -> Result<(Blast, bool), Exit> {
    let start = subject.find(situation, from.asked).map_err(|message| terminal.refuse(&message))?;
    let engine = Engine::new(&situation.world, subject.policies());
    let dns = from.servers.map(|(servers, ports)| Dns {
        ends: situation.find(servers).unwrap_or_default().into_iter().collect(),
        ports: ports.clone(),
    });
    let blast = Blast::new(&engine, situation, &start, from.back, from.depth, &dns.unwrap_or_default());
    let given_up = engine.has_given_up() && blast.steps.iter().any(|step| !step.unknown.is_empty());
    Ok((blast, given_up))
}

/// How far it goes among all pods that could exist.
fn among_everybody(subject: &Subject, from: &From<'_>, terminal: &mut Terminal) -> Result<Blast, Exit> {
    let everyone = subject.everyone(&from.ends());
    subject.find_among(&everyone, from.asked).map_err(|message| terminal.refuse(&message))?;
    let grants = everyone.grants(subject.policies());
    let servers = from.servers.map(|(servers, ports)| (servers, ports));
    let from = BlastFrom { asked: from.asked, back: from.back, depth: from.depth, servers };
    let blast = everyone.blast(&grants, from, &mut Budget::of_question());
    blast.map_err(|_| terminal.refuse(TOO_HARD))
}

/// A line of the tree.
struct Node {
    /// The step, when there are others below.
    place: Option<usize>,
    step: Step,
}

impl Node {
    fn is_alike(&self, other: &Node) -> bool {
        let (mine, theirs) = (&self.step, &other.step);
        self.place.is_none()
            && (mine.open, mine.repeated) == (theirs.open, theirs.repeated)
            && (&mine.ports, &mine.unknown) == (&theirs.ports, &theirs.unknown)
    }
}

/// Where a group is: what is all of one place has one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Home {
    pods: bool,
    name: Option<String>,
}

struct Told<'a> {
    /// The home of each group.
    homes: Vec<Home>,
    /// How many groups are in each.
    sizes: BTreeMap<Home, usize>,
    blast: &'a Blast,
    text: &'a str,
    back: bool,
}

impl Told<'_> {
    /// What is below each step, the start being the first; steps that end there are one where they are alike.
    fn children(&self) -> Vec<Vec<Node>> {
        let steps = &self.blast.steps;
        let parents: BTreeSet<usize> = steps.iter().filter_map(|step| step.before).collect();
        let mut children: Vec<Vec<Node>> = steps.iter().map(|_| Vec::new()).chain([Vec::new()]).collect();
        for (place, step) in steps.iter().enumerate() {
            let Some(list) = children.get_mut(step.before.map_or(0, |before| before + 1)) else { continue };
            let mut node = Node { place: parents.contains(&place).then_some(place), step: step.clone() };
            let alike = list.iter_mut().find(|known| node.place.is_none() && known.is_alike(&node));
            match alike {
                Some(known) => known.step.groups.append(&mut node.step.groups),
                None => list.push(node),
            }
        }
        if let (Some(list), Some(step)) = (children.first_mut(), &self.blast.dns) {
            list.push(Node { place: None, step: Step { open: false, repeated: false, ..step.clone() } });
        }
        children
    }

    fn tree(&self, subject: &Subject) -> String {
        let mut text = format!("{}\n", sanitize(self.text));
        let children = self.children();
        let [tee, corner, bar] = if unicode() { ["├─ ", "└─ ", "│  "] } else { ["|- ", "`- ", "|  "] };
        let mut stack: Vec<(&Node, String, bool)> = Vec::new();
        let below = |parent: usize, indent: &str| -> Vec<(&Node, String, bool)> {
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
        incomplete(subject.unmodelled(), subject.unread())
            .iter()
            .for_each(|sentence| text.push_str(&format!("{sentence}\n")));
        text
    }

    fn line(&self, step: &Step) -> String {
        let mut names = self.short_names(step);
        if names.len() > MOST_NAMES {
            let more = names.len() - MOST_NAMES;
            names.truncate(MOST_NAMES);
            names.push(format!("{more} more"));
        }
        let name = match names.as_slice() {
            [one] => one.clone(),
            many => format!("{{{}}}", many.join(", ")),
        };
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

    fn names(&self, step: &Step) -> Vec<String> {
        let groups = step.groups.iter().filter_map(|place| self.blast.groups.get(*place));
        groups.map(ToString::to_string).collect()
    }

    /// The names, with one for all of a namespace and one for all addresses.
    fn short_names(&self, step: &Step) -> Vec<String> {
        let mut by_home: BTreeMap<&Home, Vec<usize>> = BTreeMap::new();
        for place in &step.groups {
            by_home.entry(self.home(*place)).or_default().push(*place);
        }
        let mut names = Vec::new();
        for place in &step.groups {
            let Some(places) = by_home.remove(self.home(*place)) else { continue };
            let rest = |place: &usize| {
                let group = self.blast.groups.get(*place);
                group.is_some_and(|group| matches!(group, GroupName::Rest(Some(_)) | GroupName::Labelled(_)))
            };
            let many = places.len() > 1 || places.iter().all(rest);
            let whole = many && self.sizes.get(self.home(*place)) == Some(&places.len());
            match self.home(*place) {
                Home { pods: true, name: Some(home) } if whole => names.push(format!("{home}/*")),
                Home { pods: false, .. } if whole => names.push("every address".to_owned()),
                _ => {
                    let groups = places.iter().filter_map(|place| self.blast.groups.get(*place));
                    names.extend(groups.map(ToString::to_string));
                }
            }
        }
        names
    }

    fn home(&self, place: usize) -> &Home {
        const NOWHERE: &Home = &Home { pods: false, name: None };
        self.homes.get(place).unwrap_or(NOWHERE)
    }

    /// How many of the tiers or workloads are reached, without those at the start, and of how many.
    fn counts(&self) -> (&'static str, usize, usize) {
        type Wanted = fn(&GroupName) -> bool;
        let groups = self.blast.groups.iter().enumerate();
        let groups = groups.filter(|(place, _)| !self.blast.start.contains(place));
        let of = |wanted: Wanted| {
            // A workload is one, whatever kinds of pods it has.
            let mut all: BTreeMap<GroupName, bool> = BTreeMap::new();
            for (place, group) in groups.clone().filter(|(_, group)| wanted(group)) {
                *all.entry(group.whole()).or_default() |= self.blast.reached.contains(&place);
            }
            (all.values().filter(|reached| **reached).count(), all.len())
        };
        let known: [(&str, Wanted); 3] = [
            ("tier", |name| matches!(name, GroupName::Tier(..))),
            ("workload", |name| matches!(name, GroupName::Workload(..))),
            ("kind of pods", GroupName::is_pods),
        ];
        let found = known.map(|(noun, wanted)| (noun, of(wanted)));
        let found = found.into_iter().find(|(_, (_, all))| *all > 0);
        found.map_or(("pod", 0, 0), |(noun, (reached, all))| (noun, reached, all))
    }

    fn summary(&self) -> String {
        let (noun, reached, all) = self.counts();
        let of = match noun {
            "kind of pods" => format!("{reached} of {all} kinds of pods"),
            noun => format!("{reached} of {}", count(all, noun)),
        };
        let steps = self.blast.steps.iter().filter(|step| !step.repeated).chain(&self.blast.dns);
        let hops = steps.map(|step| step.hops).max().unwrap_or(0);
        let hops = count(hops, "hop");
        match (self.back, self.blast.internet) {
            (false, true) => format!("reaches {of} in {hops}, and the internet"),
            (false, false) => format!("reaches {of} in {hops}, and not the internet"),
            (true, true) => format!("{of} can get there in {hops}, and so can the internet"),
            (true, false) => format!("{of} can get there in {hops}; the internet cannot"),
        }
    }

    fn document(&self, subject: &Subject) -> String {
        let (noun, reached, all) = self.counts();
        let step = |(id, step): (usize, &Step)| {
            json!({
                "id": id,
                "before": step.before,
                "hops": step.hops,
                "names": self.names(step),
                "ports": json::ports(&step.ports),
                "unknown_ports": json::ports(&step.unknown),
                "onward_isolated": !step.open,
                "repeated": step.repeated,
            })
        };
        let steps: Vec<Value> = self.blast.steps.iter().enumerate().map(step).collect();
        let dns = self.blast.dns.as_ref().map(|step| {
            json!({
                "hops": step.hops,
                "names": self.names(step),
                "ports": json::ports(&step.ports),
                "unknown_ports": json::ports(&step.unknown),
            })
        });
        json::document(&json!({
            "schema": "polder/blast/v1",
            "complete": subject.unmodelled().is_empty() && subject.unread().is_empty(),
            "unmodelled": json::unmodelled(subject.unmodelled()),
            "unread": json::unread(subject.unread()),
            "start": self.text,
            "direction": if self.back { "to" } else { "from" },
            "steps": steps,
            "dns": dns,
            "stops_at_dns": self.blast.stops_at_dns,
            "counted": noun,
            "reached": reached,
            "of": all,
            "internet": self.blast.internet,
        }))
    }
}
