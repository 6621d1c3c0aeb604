//! `diff` names what made a difference: without the statements that it names the connections are as they were, and after an edit
//! of one statement it names no other.

use crate::judges::asked::{Source, subject};
use crate::judges::running::{manifests, pods};
use crate::judges::said::{Statement, without};
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Direction, Protocol};
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::program::{
    Dns, Endpoint, Flow, Isolate, Kind, Name, Namespace, Port, PortSpec, Preset, Program, Requirement, Selector, block,
};
use crate::oracle::rng::Rng;
use polder::ask::{Ends, Everyone, Example, Program as Asked, Situation, SituationPolicies};
use polder::cover::Budget;
use polder::diff::{Diff, DifferenceOrigin, MeantEnds, Version, compare, compare_everyone};
use polder::engine::{EndId, Engine, Verdict};
use polder::net::PortSet;
use polder::netpol::Policy;
use polder::session::Subject;
use std::collections::{BTreeMap, BTreeSet};

/// Ends of each side of a difference that are looked at.
const MOST_ENDS: usize = 4;

/// Edits of each program.
const EDITS: usize = 8;

/// What was edited.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Edit {
    /// The flow of that number, which has the same number in both.
    Flow(usize),
    /// The DNS servers of one namespace, or of all.
    Dns(Option<String>),
    /// Something that flows name.
    Named(Endpoint),
    /// What says more of all pods of namespaces, or of the platform.
    Wide(&'static str),
}

/// An edit that a program has a place for, and the program after it.
fn edited(program: &Program, rng: &mut Rng) -> Option<(Program, Edit)> {
    let mut new = program.clone();
    let at = |rng: &mut Rng, count: usize| (count > 0).then(|| rng.below(count.max(1)));
    let edit = match rng.below(12) {
        0..=3 => {
            let number = at(rng, new.flows.len())?;
            edit_flow(&mut new, number, rng);
            Edit::Flow(number)
        }
        4 => {
            let number = at(rng, new.namespaces.len())?;
            let namespace = &mut new.namespaces[number];
            namespace.dns = Some(some_dns(rng));
            Edit::Dns((namespace.kind == Kind::Managed).then(|| namespace.name.clone()))
        }
        5 => {
            new.platform.dns = Some(some_dns(rng));
            Edit::Dns(None)
        }
        6 | 7 => edit_tier(&mut new, rng)?,
        8 => {
            let number = at(rng, new.cidrs.len())?;
            let cidr = &mut new.cidrs[number];
            cidr.blocks.push(block("198.18.0.0/15"));
            Edit::Named(Endpoint::Cidr(Name { namespace: None, name: cidr.name.clone() }))
        }
        9 => {
            let number = at(rng, new.groups.len())?;
            let group = &mut new.groups[number];
            (group.members.len() > 1).then(|| group.members.pop())?;
            Edit::Named(Endpoint::Group(Name { namespace: None, name: group.name.clone() }))
        }
        10 => edit_labels(&mut new, rng)?,
        _ => {
            let number = at(rng, new.namespaces.len())?;
            let namespace = &mut new.namespaces[number];
            let directions = rng.pick(&[vec![], vec![Direction::Ingress], vec![Direction::Egress]]).clone();
            namespace.isolates = vec![Isolate { directions, tiers: Vec::new() }];
            (namespace.kind == Kind::Managed).then_some(Edit::Wide("isolate"))?
        }
    };
    Some((new, edit))
}

/// Takes a flow away, in effect, or changes its ports, its ends or its sides.
fn edit_flow(program: &mut Program, number: usize, rng: &mut Rng) {
    let other = rng.below(program.flows.len());
    let Flow { source, destination, .. } = program.flows[other].clone();
    let nowhere = Port::Range(9, 9, Protocol::Sctp);
    let flow = &mut program.flows[number];
    match rng.below(5) {
        0 => flow.ports = Some(vec![PortSpec::Port(Port::Range(9000, 9001, Protocol::Tcp))]),
        1 => flow.source = source,
        2 => flow.destination = destination,
        3 => flow.side = *rng.pick(&[None, Some(Direction::Ingress), Some(Direction::Egress)]),
        _ => flow.ports = Some(vec![PortSpec::Port(nowhere)]),
    }
}

fn some_dns(rng: &mut Rng) -> Dns {
    let preset = rng.pick(&[Preset::None, Preset::Strict, Preset::Any, Preset::Cluster, Preset::OpenShift]).clone();
    Dns { preset, addresses: Vec::new() }
}

/// Another selector of a tier, or another number of one of its ports.
fn edit_tier(program: &mut Program, rng: &mut Rng) -> Option<Edit> {
    let homes: Vec<&mut Namespace> = program.namespaces.iter_mut().filter(|one| !one.tiers.is_empty()).collect();
    let count = homes.len();
    let namespace = homes.into_iter().nth(rng.below(count.max(1)))?;
    let number = rng.below(namespace.tiers.len());
    let tier = &mut namespace.tiers[number];
    match tier.ports.first_mut().filter(|_| rng.chance(60)) {
        Some((_, port)) => *port = Port::Range(9100, 9100, Protocol::Tcp),
        None => tier.selector = Some(Selector(vec![Requirement::Is("app".to_owned(), "renamed".to_owned())])),
    }
    Some(Edit::Named(Endpoint::Tier(Name { namespace: Some(namespace.name.clone()), name: tier.name.clone() })))
}

/// Other labels of a namespace, or another key of tiers.
fn edit_labels(program: &mut Program, rng: &mut Rng) -> Option<Edit> {
    let number = rng.below(program.namespaces.len().max(1));
    let namespace = program.namespaces.get_mut(number)?;
    match (&mut namespace.kind, rng.below(3)) {
        (_, 0) => program.label = Some("tier".to_owned()),
        (Kind::Matching(selector), _) => selector.0.push(Requirement::Has("env".to_owned())),
        (Kind::External, _) => return None,
        (Kind::Managed, 1) if !namespace.stated.is_empty() => namespace.stated.clear(),
        (Kind::Managed, _) => _ = namespace.stated.insert("env".to_owned(), Some("dev".to_owned())),
    }
    Some(Edit::Wide("labels"))
}

/// Whether a statement says something else after an edit.
fn is_edited(program: &Program, edit: &Edit, statement: &Statement) -> bool {
    match (edit, statement) {
        (Edit::Flow(number), Statement::Flow(other)) => number == other,
        (Edit::Dns(None), Statement::Dns(_)) | (Edit::Wide(_), _) => true,
        (Edit::Dns(Some(home)), Statement::Dns(other)) => home == other,
        (Edit::Named(Endpoint::Tier(_)), Statement::Dns(_)) => true,
        (Edit::Named(what), Statement::Flow(number)) => {
            let flow = &program.flows[*number];
            [&flow.source, &flow.destination].into_iter().any(|end| mentions(program, end, what))
        }
        (Edit::Flow(_) | Edit::Named(_), Statement::Dns(_)) | (Edit::Dns(_), Statement::Flow(_)) => false,
    }
}

fn mentions(program: &Program, end: &Endpoint, what: &Endpoint) -> bool {
    end == what
        || match end {
            Endpoint::Group(name) => program.group(name).members.iter().any(|one| mentions(program, one, what)),
            Endpoint::Set(all) => all.iter().any(|one| mentions(program, one, what)),
            _ => false,
        }
}

/// A program, as it is written and as it is judged.
struct Judged<'a> {
    program: &'a Program,
    source: Source,
    subject: Subject,
}

impl<'a> Judged<'a> {
    fn of(program: &'a Program) -> Option<Judged<'a>> {
        let source = Source::of(program);
        let subject = subject(&source.text, None)?;
        Some(Judged { program, source, subject })
    }

    fn version(&self) -> Version<'_> {
        let (model, flows) = (self.subject.model().unwrap(), self.subject.flows().unwrap());
        Version { policies: self.subject.policies(), policy_spans: &[], program: Some(Asked { model, flows }) }
    }

    /// The flows and the settings of DNS that origins name; declarations of what flows name stand beside those.
    fn statements(&self, origins: &[DifferenceOrigin]) -> BTreeSet<Statement> {
        let sources = self.subject.sources();
        let is_declaration = |origin: &&DifferenceOrigin| {
            ["tier ", "group ", "cidr ", "namespace "].iter().any(|word| origin.text.starts_with(word))
        };
        let one = |origin: &DifferenceOrigin| match origin.text.split_once(" (all of namespace ") {
            Some((_, rest)) => Statement::Dns(rest.trim_end_matches(')').trim_end_matches(", by default").to_owned()),
            None => {
                let span = origin.span.unwrap();
                let line = sources.file(span.file).unwrap().position(span.start).line;
                Statement::Flow(self.source.flow_on(line))
            }
        };
        origins.iter().filter(|origin| !is_declaration(origin)).map(one).collect()
    }
}

/// All that could exist, or what runs.
#[derive(Clone, Copy)]
enum Ground<'a> {
    All(&'a Everyone<'a>),
    Running(&'a Situation),
}

impl Ground<'_> {
    fn differences(self, [old, new]: [&Judged<'_>; 2]) -> Diff {
        let (old, new) = (old.version(), new.version());
        match self {
            Ground::All(everyone) => compare_everyone(everyone, &old, &new, false, &mut Budget::of_question()).unwrap(),
            Ground::Running(situation) => compare(situation, &old, &new),
        }
    }

    /// What policies allow between two of each two sets of a difference.
    fn verdicts(self, policies: &[Policy], ends: &[MeantEnds; 2]) -> Vec<(String, Verdict)> {
        match (self, ends) {
            (Ground::All(everyone), [MeantEnds::Sets(from), MeantEnds::Sets(to)]) => {
                let grants = everyone.grants(policies);
                let examples = |ends: &[Ends]| -> Vec<Example> {
                    let one = |end: &Ends| everyone.space.example(end, &mut Budget::of_question()).unwrap();
                    ends.iter().take(MOST_ENDS).filter_map(one).collect()
                };
                let between =
                    |one: &Example, other: &Example| (format!("{one:?} -> {other:?}"), grants.between(one, other).both);
                pairs(&examples(from), &examples(to), between)
            }
            (Ground::Running(situation), [MeantEnds::Given(from), MeantEnds::Given(to)]) => {
                let engine = Engine::new(&situation.world, policies);
                let between =
                    |one: &EndId, other: &EndId| (format!("{one:?} -> {other:?}"), engine.between(*one, *other));
                let some = |ends: &[EndId]| ends.iter().copied().take(MOST_ENDS).collect::<Vec<_>>();
                let is_itself = |one: &EndId, other: &EndId| engine.is_itself(*one, *other);
                let (from, to) = (some(from), some(to));
                let two = pairs(&from, &to, |one, other| (*one, *other));
                two.iter()
                    .filter(|(one, other)| !is_itself(one, other))
                    .map(|(one, other)| between(one, other))
                    .collect()
            }
            _ => panic!("{ends:?}"),
        }
    }
}

fn pairs<T, R>(from: &[T], to: &[T], of: impl Fn(&T, &T) -> R) -> Vec<R> {
    from.iter().flat_map(|one| to.iter().map(move |other| (one, other))).map(|(one, other)| of(one, other)).collect()
}

struct Case<'a> {
    ground: Ground<'a>,
    edit: &'a Edit,
    sides: [&'a Judged<'a>; 2],
    counts: BTreeMap<&'static str, usize>,
}

impl Case<'_> {
    /// Of a declaration that was edited, the difference names it by its word and its name.
    fn hold_declared(&self, subject: &Subject, origins: &[DifferenceOrigin], diff: &dyn Fn() -> String) {
        let expected = match self.edit {
            Edit::Named(Endpoint::Tier(name)) => format!("tier {}", name.name),
            Edit::Named(Endpoint::Group(name)) => format!("group {}", name.name),
            Edit::Named(Endpoint::Cidr(name)) => format!("cidr {}", name.name),
            Edit::Flow(_) | Edit::Dns(_) | Edit::Named(_) | Edit::Wide(_) => return,
        };
        let by_dns = origins.iter().any(|origin| origin.text.contains(" (all of namespace "));
        // A group is another one when one inside of it is.
        let is_it = |origin: &&DifferenceOrigin| {
            origin.text == expected || (expected.starts_with("group ") && origin.text.starts_with("group "))
        };
        let found = origins.iter().find(is_it);
        assert!(by_dns || found.is_some(), "{expected} is not named: {origins:?}: {}", diff());
        let Some(span) = found.and_then(|origin| origin.span) else { return };
        let text = &subject.sources().file(span.file).unwrap().text;
        let stands = &text[span.start as usize..span.end as usize];
        assert!(found.is_some_and(|origin| origin.text.ends_with(stands)), "{expected} stands elsewhere");
    }

    /// Holds what is named for ports that one of the versions has and the `other` one has not.
    fn hold(
        &mut self,
        is_new: bool,
        ends: &[MeantEnds; 2],
        ports: &Verdict,
        origins: &[DifferenceOrigin],
        diff: &dyn Fn() -> String,
    ) {
        if ports.is_denied() {
            return;
        }
        let [other, one] = if is_new { self.sides } else { [self.sides[1], self.sides[0]] };
        let named = one.statements(origins);
        for statement in &named {
            let is_right = is_edited(one.program, self.edit, statement);
            assert!(is_right, "{statement:?} is named for {:?}: {}", self.edit, diff());
        }
        let rest = without(one.program, &named);
        let Some(rest) = Judged::of(&rest) else { return };
        self.hold_declared(&one.subject, origins, diff);
        let [base, rest] = [other, &rest].map(|judged| self.ground.verdicts(judged.subject.policies(), ends));
        for ((pair, was), (_, is)) in base.into_iter().zip(rest) {
            // What a name stands for is one of the numbers, and may be open by the name, which then another difference tells.
            let has_numbers = !ports.possible().without_names().is_empty();
            let left = |open: &PortSet| {
                let left = open.intersect(&ports.possible());
                if has_numbers { left.without_names() } else { left }
            };
            let gone = was.possible().contains(&left(&is.possible())) && was.allowed.contains(&left(&is.allowed));
            assert!(gone, "{named:?} is not all of it: {pair} on {is:?}: {}", diff());
        }
        let kind = match self.edit {
            Edit::Flow(_) => "flow",
            Edit::Dns(_) => "dns",
            Edit::Named(_) => "declaration",
            Edit::Wide(kind) => kind,
        };
        *self.counts.entry(kind).or_default() += 1;
    }
}

/// Makes the ground that two versions are compared on.
type MakeGround<'m> = &'m dyn Fn([&Judged<'_>; 2], &mut dyn FnMut(Ground<'_>));

/// Holds what is named for all differences of edits of a program.
fn hold_edits(seed: u64, ground: MakeGround<'_>, counts: &mut BTreeMap<&'static str, usize>) {
    let old = generate::program(seed);
    let Some(before) = Judged::of(&old) else { return };
    let mut rng = Rng::new(seed ^ 0xd1ff);
    for _ in 0..EDITS {
        let Some((new, edit)) = edited(&old, &mut rng) else { continue };
        let Some(after) = Judged::of(&new) else { continue };
        ground([&before, &after], &mut |ground| {
            let diff = ground.differences([&before, &after]);
            let mut case = Case { ground, edit: &edit, sides: [&before, &after], counts: BTreeMap::new() };
            for change in &diff.connections {
                let said =
                    || format!("seed {seed}: {change:#?}\n{}\n--- and\n{}", before.source.text, after.source.text);
                case.hold(true, &change.ends, &change.added, &change.new_origins, &said);
                case.hold(false, &change.ends, &change.removed, &change.old_origins, &said);
            }
            for (kind, count) in case.counts {
                *counts.entry(kind).or_default() += count;
            }
        });
    }
}

#[test]
fn what_diff_names_is_what_was_edited() {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in seeds(40) {
        let everybody = |both: [&Judged<'_>; 2], hold: &mut dyn FnMut(Ground<'_>)| {
            let flows = both.map(|one| one.subject.flows().unwrap());
            let policies = both.map(|one| one.subject.policies());
            hold(Ground::All(&Everyone::new(&flows, &policies, &[], &[], both[1].subject.facts())));
        };
        hold_edits(seed, &everybody, &mut counts);
    }
    let kinds = ["flow", "dns", "declaration", "labels"];
    assert!(kinds.iter().all(|kind| counts.get(kind).is_some_and(|count| *count >= 10)), "{counts:?}");
}

#[test]
fn so_it_is_of_what_runs() {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for seed in seeds(40) {
        let program = generate::program(seed);
        let meaning = Meaning::of(&program);
        let pods = pods(&mut Draw::new(seed, &meaning, &meaning.atoms()));
        let Some(running) = subject(&Source::of(&program).text, Some(&manifests(&pods, None))) else { continue };
        let cluster = running.cluster().unwrap();
        let situation = |both: [&Judged<'_>; 2], hold: &mut dyn FnMut(Ground<'_>)| {
            let flows = both.map(|one| one.subject.flows().unwrap());
            let policies = both.map(|one| one.subject.policies());
            let facts = both[1].subject.facts();
            hold(Ground::Running(&Situation::of_cluster(
                &flows,
                cluster,
                SituationPolicies::of_namespaces(&policies),
                &[],
                facts,
            )));
        };
        hold_edits(seed, &situation, &mut counts);
    }
    let kinds = ["flow", "dns", "declaration"];
    assert!(kinds.iter().all(|kind| counts.get(kind).is_some_and(|count| *count >= 5)), "{counts:?}");
}
