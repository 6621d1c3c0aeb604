//! Which statement a note stands above.

use super::{Note, RuleOrigin, Where};
use crate::draft::Statement;
use crate::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What stands above a statement.
#[derive(Debug, Default)]
struct Above {
    comments: TextsAbove,
    descriptions: TextsAbove,
}

/// Texts, each once, in the order in which they came.
#[derive(Debug, Default)]
struct TextsAbove {
    texts: Vec<String>,
    known: BTreeSet<String>,
}

/// Notes by the statements that they stand above.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// By the place of a statement among those that are said.
    said: BTreeMap<usize, Above>,
    /// Above what isolates the pods of a namespace.
    isolate: BTreeMap<Arc<str>, Above>,
    /// For which no statement is left.
    pub lost: Vec<Note>,
}

impl Placed {
    /// Finds the first statement for each note; `origins` are those of each in the order of the program, and whether it is a
    /// flow.
    pub(super) fn new(policies: &[Policy], notes: &[Note], origins: &[(bool, &BTreeSet<RuleOrigin>)]) -> Placed {
        let mut placed = Placed::default();
        let mut firsts: BTreeMap<NotedPart, FirstStatements> = BTreeMap::new();
        for (at, (is_flow, origins)) in origins.iter().enumerate() {
            for subject in origins.iter().flat_map(subjects) {
                let first = firsts.entry(subject).or_default();
                let place = if *is_flow { &mut first.flow } else { &mut first.setting };
                place.get_or_insert(at);
            }
        }
        let described = policies.iter().enumerate().filter_map(|(at, policy)| {
            let text = policy.description.clone()?;
            Some(Note { place: Where::Policy(at), text, is_description: true })
        });
        for note in described.collect::<Vec<_>>().iter().chain(notes) {
            let found = || meant(note.place).into_iter().filter_map(|subject| firsts.get(&subject));
            let flow = found().filter_map(|first| first.flow).min();
            let first = flow.or_else(|| found().filter_map(|first| first.setting).min());
            let policy = policies.get(note.place.policy());
            match (first, policy, note.place) {
                (Some(at), ..) => placed.said.entry(at).or_default().add(note, flow.is_some()),
                (None, Some(policy), Where::Policy(_)) if policy.subject.contradiction().is_none() => {
                    placed.isolate.entry(policy.namespace.clone()).or_default().add(note, false);
                }
                _ => placed.lost.push(note.clone()),
            }
        }
        placed
    }

    /// What stands above a statement that is said.
    pub(super) fn above(&mut self, said: usize) -> Vec<Statement> {
        self.said.remove(&said).map(Above::statements).unwrap_or_default()
    }

    /// What stands above the isolation of a namespace.
    pub(super) fn above_isolation(&mut self, namespace: &Arc<str>) -> Vec<Statement> {
        self.isolate.remove(namespace).map(Above::statements).unwrap_or_default()
    }
}

/// What a statement is about, as a note may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NotedPart {
    Policy(usize),
    Rule(RuleOrigin),
    /// A peer of a rule; of none, all of them.
    Peer(RuleOrigin),
    /// A port of a rule; of none, all of them.
    Port(RuleOrigin),
}

/// The first statements that are about something.
#[derive(Debug, Default)]
struct FirstStatements {
    flow: Option<usize>,
    setting: Option<usize>,
}

/// All that something of a policy is about.
fn subjects(origin: &RuleOrigin) -> [NotedPart; 4] {
    [
        NotedPart::Policy(origin.policy),
        NotedPart::Rule(RuleOrigin { peer: None, port: None, ..*origin }),
        NotedPart::Peer(RuleOrigin { port: None, ..*origin }),
        NotedPart::Port(RuleOrigin { peer: None, ..*origin }),
    ]
}

/// What a statement has to be about so that a note is meant for it: what is about all peers of a rule is about each.
fn meant(place: Where) -> Vec<NotedPart> {
    let Where::Part(part) = place else { return vec![NotedPart::Policy(place.policy())] };
    let rule = RuleOrigin { peer: None, port: None, ..part };
    match (part.peer, part.port) {
        (None, None) => vec![NotedPart::Rule(rule)],
        (Some(_), _) => vec![NotedPart::Peer(RuleOrigin { port: None, ..part }), NotedPart::Peer(rule)],
        (None, Some(_)) => vec![NotedPart::Port(part), NotedPart::Port(rule)],
    }
}

impl Above {
    fn add(&mut self, note: &Note, is_flow: bool) {
        let list = if note.is_description && is_flow { &mut self.descriptions } else { &mut self.comments };
        // A comment of a program could silence a warning.
        let is_plain = |line: &&str| !line.trim_start_matches('#').trim_start().starts_with("polder:");
        let lines: Vec<&str> = note.text.lines().filter(is_plain).map(str::trim).collect();
        let text = lines.join("\n").trim_matches('\n').to_owned();
        if !text.is_empty() && list.known.insert(text.clone()) {
            list.texts.push(text);
        }
    }

    fn statements(self) -> Vec<Statement> {
        let comments = self.comments.texts.into_iter().map(Statement::Comment);
        let described =
            (!self.descriptions.texts.is_empty()).then(|| Statement::Description(self.descriptions.texts.join("\n")));
        comments.chain(described).collect()
    }
}
