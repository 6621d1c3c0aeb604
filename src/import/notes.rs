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
        let mut of_policy: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, (_, origins)) in origins.iter().enumerate() {
            for policy in origins.iter().map(|origin| origin.policy).collect::<BTreeSet<_>>() {
                of_policy.entry(policy).or_default().push(at);
            }
        }
        let described = policies.iter().enumerate().filter_map(|(at, policy)| {
            let text = policy.description.clone()?;
            Some(Note { place: Where::Policy(at), text, is_description: true })
        });
        for note in described.collect::<Vec<_>>().iter().chain(notes) {
            let mine = of_policy.get(&note.place.policy()).map(Vec::as_slice).unwrap_or_default();
            let is_meant = |at: &&usize| match (note.place, origins.get(**at)) {
                (Where::Policy(_), Some(_)) => true,
                (Where::Part(part), Some((_, origins))) => origins.iter().any(|origin| is_of(origin, &part)),
                (_, None) => false,
            };
            let flow = |at: &&usize| origins.get(**at).is_some_and(|(is_flow, _)| *is_flow);
            let first = mine.iter().filter(flow).find(is_meant).or_else(|| mine.iter().find(is_meant));
            let policy = policies.get(note.place.policy());
            match (first, policy, note.place) {
                (Some(at), ..) => {
                    let is_flow = flow(&at);
                    placed.said.entry(*at).or_default().add(note, is_flow);
                }
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

/// Whether an origin is the part of a rule that a note is about.
fn is_of(origin: &RuleOrigin, part: &RuleOrigin) -> bool {
    let same = |one: Option<usize>, other: Option<usize>| other.is_none() || one.is_none() || one == other;
    (origin.policy, origin.direction, origin.rule) == (part.policy, part.direction, part.rule)
        && same(origin.peer, part.peer)
        && same(origin.port, part.port)
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
