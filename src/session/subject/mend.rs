//! What would have to be added to policies so that all that is asked about is allowed, tried before it is told.

use super::{AskedPorts, Posed, Subject};
use crate::ask::{
    Asked, AskedEnd, Edit, Explanation, Program, Says, WhySide, can, policies_for, say_the_same_but_for, suggest, why,
};
use crate::engine::{Doubt, EndId, Verdict};
use crate::net::{AddressSet, Direction, PortSet};
use crate::netpol::{Policy, PolicyTier};
use crate::source::FileId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How many times policies are added before it is given up.
const MOST_ROUNDS: usize = 8;

/// More names than these are not listed.
const MOST_NAMES: usize = 4;

/// Policies to add.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Added {
    /// They, with which the answer is yes, and nothing else is another one; none where there are no such policies.
    pub policies: Vec<Policy>,
    /// Why there are none, where that is known: a sentence without a full stop.
    pub why_not: Option<String>,
}

/// What to write into a program so that all is allowed that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenEdits {
    /// All of these.
    pub edits: Vec<Edit>,
    /// What nobody said, on which it still depends then.
    pub doubts: Vec<Doubt>,
}

impl Posed {
    /// The addresses that are asked about, if any.
    pub fn addresses(&self) -> Option<&AddressSet> {
        let mut addresses = self.meant.iter().flatten().flat_map(Asked::each).filter_map(Asked::addresses);
        addresses.next().filter(|_| addresses.next().is_none())
    }
}

impl Subject {
    /// The policies to add so that a question is answered with yes.
    pub fn added(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Added {
        let mut added: Vec<Policy> = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let all = [self.policies(), &added].concat();
            let Ok(posed) = self.pose_by(&all, from, to, ports) else { return Added::default() };
            let engine = self.engine(&posed.situation.world, &all);
            let Some(explanation) = why(&engine, None, &posed.from, &posed.to, &posed.doubtful) else {
                return Added::default();
            };
            if explanation.says == Says::Allowed {
                return self.tried(added, &posed);
            }
            if explanation.says == Says::Unknown {
                let doubts: Vec<String> = explanation.doubts.iter().map(ToString::to_string).collect();
                let why_not =
                    format!("whether a policy more could allow it depends: nobody said {}", doubts.join(", "));
                return Added { policies: Vec::new(), why_not: Some(why_not) };
            }
            let is_known = |end: &EndId| !posed.doubtful.contains_key(end);
            let more = match is_known(&explanation.source) && is_known(&explanation.destination) {
                true => policies_for(&engine, self.cluster(), &explanation, posed.addresses()),
                false => Vec::new(),
            };
            if let Some(why_not) = self.denied_by(&explanation) {
                return Added { policies: Vec::new(), why_not: Some(why_not) };
            }
            if more.is_empty() {
                return Added::default();
            }
            added.extend(more);
        }
        Added::default()
    }

    /// Why no policy of a namespace helps where a rule of the whole cluster denies: a sentence without a full stop.
    pub fn denied_by(&self, explanation: &Explanation) -> Option<String> {
        let denied_by = explanation.sides.iter().find_map(WhySide::denied_by)?;
        let policy = self.cluster_policies().get(denied_by.policy)?;
        Some(match policy.tier {
            PolicyTier::Admin => {
                format!("no NetworkPolicy can allow it: {} denies it before any of them", policy.title())
            }
            PolicyTier::Baseline => format!(
                "{} denies it, which counts only where no NetworkPolicy isolates the pods: one that allows it would do so, \
                 and has to allow all that they need",
                policy.title()
            ),
        })
    }

    /// Policies in a world that was made for them, if they change nothing that is not asked about.
    fn tried(&self, added: Vec<Policy>, posed: &Posed) -> Added {
        let world = &posed.situation.world;
        let all = [self.policies(), &added].concat();
        let (before, after) = (self.engine(world, self.policies()), self.engine(world, &all));
        if can(&after, &posed.from, &posed.to, &posed.doubtful).is_yes() != Some(true) {
            return Added::default();
        }
        let mut others: BTreeSet<String> = BTreeSet::new();
        // Where nobody was given, nobody knows whom the labels tell apart.
        let policies = added.iter().filter(|_| self.cluster().is_some());
        for policy in policies {
            let direction = if policy.ingress.is_some() { Direction::Ingress } else { Direction::Egress };
            let selected = |id: &EndId| {
                let home = world.namespace_of(*id).and_then(|home| home.name.as_ref());
                home == Some(&policy.namespace)
                    && world.pods(*id).is_some_and(|pods| policy.subject.matches(&pods.labels) && !pods.asked)
            };
            for subject in world.ids().filter(selected) {
                for peer in world.ids() {
                    let (source, destination) =
                        if direction == Direction::Egress { (subject, peer) } else { (peer, subject) };
                    let changed = changed(&before.between(source, destination), &after.between(source, destination));
                    if !posed.asked_between(source, destination).contains(&changed) {
                        let end = if posed.is_asked(subject) { peer } else { subject };
                        others.extend(posed.situation.names_of(end).first().map(ToString::to_string));
                    }
                }
            }
        }
        if others.is_empty() {
            return Added { policies: added, why_not: None };
        }
        let mut names: Vec<String> = others.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
        if others.len() > MOST_NAMES {
            names.push(format!("{} more", others.len() - MOST_NAMES));
        }
        let why_not = format!(
            "no policy can allow it alone: by their labels, no selector tells these apart from those that are asked about: {}",
            names.join(", ")
        );
        Added { policies: Vec::new(), why_not: Some(why_not) }
    }
}

impl Subject {
    /// What to write into the program so that a question is answered with yes, as far as a program can say that; none where
    /// there is no such thing.
    pub fn edits(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Option<WrittenEdits> {
        let mut all: Vec<Edit> = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let session = self.session()?.with_texts(self.edited(&all)?);
            let policies = session.proved_policies()?.policies.clone();
            let program = Program { model: session.model()?, flows: session.flows()? };
            let posed = self.pose_by(&policies, from, to, ports).ok()?;
            let world = &posed.situation.world;
            let engine = self.engine(world, &policies);
            let explanation = why(&engine, Some(program), &posed.from, &posed.to, &posed.doubtful)?;
            if explanation.says != Says::Denied {
                let lines = all.iter().filter_map(|edit| match edit {
                    Edit::Line { text, .. } => Some(text.as_str()),
                    Edit::Port { .. } | Edit::Flow { .. } => None,
                });
                let before = self.session()?.flows()?;
                if !say_the_same_but_for(before, session.flows()?, &lines.collect()) {
                    return None;
                }
                let doubts = if explanation.says == Says::Unknown { explanation.doubts } else { Vec::new() };
                return (!all.is_empty()).then_some(WrittenEdits { edits: all, doubts });
            }
            let is_known = |end: &EndId| !posed.doubtful.contains_key(end);
            let [Some(from), Some(to)] = &posed.meant else { return None };
            if !is_known(&explanation.source) || !is_known(&explanation.destination) {
                return None;
            }
            let targets: Vec<EndId> = posed.to.iter().map(|(end, _)| *end).collect();
            let (from, to) = (AskedEnd { asked: from, ends: &posed.from }, AskedEnd { asked: to, ends: &targets });
            let more = suggest(program, session.sources(), world, &explanation, from, to)?;
            let more: Vec<Edit> = more.into_iter().filter(|edit| !all.contains(edit)).collect();
            // The places of ports are those of the text before.
            let is_placed = |edit: &Edit| matches!(edit, Edit::Port { .. } | Edit::Flow { .. });
            if more.is_empty() || (all.iter().any(is_placed) && more.iter().any(is_placed)) {
                return None;
            }
            all.extend(more);
        }
        None
    }

    /// The texts with some edits.
    fn edited(&self, edits: &[Edit]) -> Option<BTreeMap<FileId, String>> {
        let session = self.session()?;
        let first = *session.project().files.first()?;
        let mut inserts: BTreeMap<FileId, Vec<(Range<usize>, String)>> = BTreeMap::new();
        let end = usize::MAX..usize::MAX;
        for edit in edits {
            let (file, at, text) = match edit {
                Edit::Line { namespace: None, text, .. } => (first, end.clone(), format!("\n{text}\n")),
                Edit::Line { namespace: Some(name), span, text } => {
                    let mut namespaces = self.model()?.namespaces.iter();
                    let is_managed = namespaces.any(|one| one.declared == *name && one.managed().is_some());
                    let external = if is_managed { "" } else { "external " };
                    let block = format!("\n{external}namespace {name} {{\n{text}\n}}\n");
                    (span.map_or(first, |span| span.file), end.clone(), block)
                }
                Edit::Flow { destination: (span, text), .. } => {
                    (span.file, span.start as usize..span.end as usize, text.clone())
                }
                Edit::Port { first: Some(first), text, .. } => {
                    let at = first.start as usize;
                    (first.file, at..at, format!("{text}, "))
                }
                Edit::Port { first: None, span, text, .. } => {
                    let end = span.end as usize;
                    let rest = session.sources().file(span.file)?.text.get(end..)?;
                    let at = end + rest.find('{')? + 1;
                    (span.file, at..at, format!(" {text} "))
                }
            };
            inserts.entry(file).or_default().push((at, text));
        }
        let text = |(file, mut inserts): (FileId, Vec<(Range<usize>, String)>)| {
            let mut text = session.sources().file(file)?.text.clone();
            inserts.sort_by_key(|(at, _)| at.start);
            // What goes to the end stays in its order.
            let (inside, behind): (Vec<_>, Vec<_>) = inserts.into_iter().partition(|(at, _)| at.end <= text.len());
            for (at, insert) in inside.into_iter().rev() {
                if text.is_char_boundary(at.start) && text.is_char_boundary(at.end) {
                    text.replace_range(at, &insert);
                }
            }
            behind.into_iter().for_each(|(_, insert)| text.push_str(&insert));
            Some((file, text))
        };
        inserts.into_iter().map(text).collect()
    }
}

/// The ports on which one of two verdicts allows something and the other one does not.
fn changed(before: &Verdict, after: &Verdict) -> PortSet {
    let opened = after.possible().subtract(&before.possible());
    opened.union(&before.allowed.subtract(&after.allowed))
}

impl Posed {
    /// The ports that are asked about between two. A pod stands for all of its workload, which no selector tells it from.
    fn asked_between(&self, source: EndId, destination: EndId) -> PortSet {
        let world = &self.situation.world;
        let runs =
            |end: EndId| world.pods(end).into_iter().flat_map(|pods| &pods.members).map(|member| member.workload);
        // Whoever was given and has just the labels that a pod is asked about by is such a pod.
        let is_such = |end: EndId, asked: EndId| {
            let home = |end| world.namespace_of(end).and_then(|namespace| namespace.name.as_ref());
            let (Some(pods), Some(such)) = (world.pods(end), world.pods(asked)) else { return false };
            such.asked && home(end) == home(asked) && pods.labels == such.labels
        };
        let is_meant = |end: EndId, asked: EndId| {
            let [here, there]: [BTreeSet<usize>; 2] = [end, asked].map(|end| runs(end).collect());
            end == asked || is_such(end, asked) || (!here.is_empty() && here.is_subset(&there))
        };
        if !self.from.iter().any(|asked| is_meant(source, *asked)) {
            return PortSet::empty();
        }
        let at = self.to.iter().filter(|(asked, _)| is_meant(destination, *asked));
        at.fold(PortSet::empty(), |all, (_, ports)| all.union(ports))
    }

    fn is_asked(&self, end: EndId) -> bool {
        self.from.contains(&end) || self.to.iter().any(|(to, _)| *to == end)
    }
}
