//! `why` says what `can` says, and the statements that it names are those that decide: a side that is isolated lets
//! through as long as one of the statements that are named for it is there, and no others matter; and where it does not, it
//! does once the settings that are named are gone.

use crate::judges::asked::{Source, ask, party, port, pose, subject, target};
use crate::judges::asserted::some_port;
use crate::judges::said::{Statement, without};
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::Party;
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::program::{Isolate, Program};
use crate::oracle::rng::Rng;
use polder::ask::{Explanation, Origin, Program as Asked, Says, WhySide, why};
use polder::engine::Engine;
use polder::session::Subject;
use std::collections::BTreeSet;

/// Questions about each program.
const QUESTIONS: usize = 20;

fn explain(subject: &Subject, from: &str, to: &str) -> Result<Explanation, String> {
    let posed = pose(subject, from, to)?;
    let engine = Engine::new(&posed.situation.world, subject.policies());
    let program = Asked { model: subject.model().unwrap(), flows: subject.flows().unwrap() };
    why(&engine, Some(program), &posed.from, &posed.to, &posed.doubtful).ok_or_else(|| "nobody".to_owned())
}

/// The answer of `can` about a program that is a little different; every pair of it is the same pair.
fn says(program: &Program, from: &str, to: &str) -> Says {
    let subject = subject(&Source::of(program).text, None).unwrap();
    ask(&subject, from, to).unwrap().says
}

struct Case<'a> {
    program: &'a Program,
    source: &'a Source,
    subject: &'a Subject,
    from: String,
    to: String,
}

impl Case<'_> {
    fn named(&self, side: &WhySide) -> BTreeSet<Statement> {
        let sources = self.subject.sources();
        let one = |origin: &Origin| match origin {
            Origin::Flow(id) => {
                let span = self.subject.flows().unwrap().statement(*id).unwrap().span;
                let line = sources.file(span.file).unwrap().position(span.start).line;
                Statement::Flow(self.source.flow_on(line))
            }
            Origin::Dns { namespace, .. } => Statement::Dns(namespace.to_string()),
        };
        side.origins.iter().map(one).collect()
    }

    /// All that the program says, of which some is taken away.
    fn everything(&self) -> Vec<Statement> {
        let flows = (0..self.program.flows.len()).map(Statement::Flow);
        let managed =
            self.subject.flows().unwrap().namespaces.iter().map(|one| Statement::Dns(one.declared.to_string()));
        flows.chain(managed).collect()
    }

    /// Takes statements away, and looks whether what is left of those that are named decides.
    fn check_statements(&self, found: &Explanation, rng: &mut Rng) {
        let closed: Vec<(BTreeSet<Statement>, Says)> =
            found.sides.iter().filter(|side| !side.is_open()).map(|side| (self.named(side), side.says)).collect();
        for (named, says) in &closed {
            assert!(!named.is_empty() || *says == Says::Denied, "nothing is named: {}", self.text(found));
        }
        let all = self.everything();
        let mut taken: Vec<BTreeSet<Statement>> = closed.iter().map(|(named, _)| named.clone()).collect();
        let others = |named: &BTreeSet<Statement>| all.iter().filter(|one| !named.contains(one)).cloned().collect();
        taken.extend(closed.iter().map(|(named, _)| others(named)));
        for (named, _) in &closed {
            let kept: Vec<Statement> = named.iter().cloned().collect();
            if !kept.is_empty() {
                let one = rng.pick(&kept).clone();
                taken.push(named.iter().filter(|other| **other != one).cloned().collect());
            }
        }
        for gone in taken {
            let is_left = |(named, _): &(BTreeSet<Statement>, Says)| named.iter().any(|one| !gone.contains(one));
            let left = closed.iter().all(is_left);
            let after = says(&without(self.program, &gone), &self.from, &self.to);
            let right = match (found.says, left) {
                (Says::Denied, _) => true,
                (Says::Allowed, true) => after == Says::Allowed,
                (Says::Allowed, false) => after != Says::Allowed,
                (Says::Unknown, true) => after != Says::Allowed,
                (Says::Unknown, false) => after == Says::Denied,
            };
            assert!(right, "without {gone:?} it is {after:?}: {}", self.text(found));
        }
    }

    /// Takes the settings away that isolate the sides that deny, after which they are open.
    fn check_settings(&self, found: &Explanation) {
        let mut open = self.program.clone();
        for side in found.sides.iter().filter(|side| side.says != Says::Allowed) {
            assert!(!side.settings.is_empty(), "no setting is named: {}", self.text(found));
            for setting in &side.settings {
                let namespace = open.namespaces.iter_mut().find(|one| one.name == *setting.namespace).unwrap();
                if let Some(text) = &setting.text {
                    let named: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                    let is_it = |one: &Isolate| isolate_words(one) == named;
                    namespace.isolates.retain(|one| !is_it(one));
                }
                if namespace.isolates.is_empty() {
                    namespace.isolates.push(Isolate { directions: Vec::new(), tiers: Vec::new() });
                }
            }
        }
        let after = says(&open, &self.from, &self.to);
        assert_eq!(after, Says::Allowed, "without the settings: {}", self.text(found));
    }

    fn text(&self, found: &Explanation) -> String {
        let sides: String = found
            .sides
            .iter()
            .map(|side| {
                format!("  {} {:?}: {:?} by {:?}\n", side.direction.word(), side.says, self.named(side), side.settings)
            })
            .collect();
        format!(
            "seed {}: {} -> {}: {:?}\n{sides}{}",
            self.program.style, self.from, self.to, found.says, self.source.text
        )
    }
}

fn isolate_words(isolate: &Isolate) -> Vec<String> {
    let mut words = vec!["isolate".to_owned()];
    let directions: Vec<String> = isolate.directions.iter().map(|one| format!("{one:?}").to_lowercase()).collect();
    words.extend(list(if directions.is_empty() { vec!["none".to_owned()] } else { directions }));
    if !isolate.tiers.is_empty() {
        words.push("for".to_owned());
        words.extend(list(isolate.tiers.clone()));
    }
    words
}

/// Words with commas between them.
fn list(words: Vec<String>) -> Vec<String> {
    words.join(", ").split(' ').map(str::to_owned).collect()
}

#[test]
fn what_why_names_is_what_decides() {
    let (mut allowed, mut denied, mut unknown) = (0, 0, 0);
    for seed in seeds(30) {
        let program = generate::program(seed);
        let source = Source::of(&program);
        let subject = subject(&source.text, None).unwrap();
        let meaning = Meaning::of(&program);
        let mut draw = Draw::new(seed, &meaning, &meaning.atoms());
        let mut rng = Rng::new(seed ^ 0x3b1);
        for _ in 0..QUESTIONS {
            let (one, other) = (draw.party(), draw.party());
            if matches!((&one, &other), (Party::Address(_), Party::Address(_))) {
                continue;
            }
            let (protocol, number) = some_port(&program, &mut rng);
            let (from, to) = (party(&one), target(&party(&other), &port(protocol, number)));
            let Ok(found) = explain(&subject, &from, &to) else { continue };
            let case = Case { program: &program, source: &source, subject: &subject, from, to };
            let answer = says(&program, &case.from, &case.to);
            assert_eq!(found.says, answer, "{}", case.text(&found));
            if found.itself || found.is_open() {
                continue;
            }
            match found.says {
                Says::Denied => {
                    case.check_settings(&found);
                    denied += 1;
                }
                Says::Allowed => allowed += 1,
                Says::Unknown => unknown += 1,
            }
            case.check_statements(&found, &mut rng);
        }
    }
    assert!(allowed > 20 && denied > 40 && unknown > 3, "{allowed} {denied} {unknown}");
}
