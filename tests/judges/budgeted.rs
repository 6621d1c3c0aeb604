//! What is given up is given up as a whole: within fewer steps there is the same answer or none.

use crate::judges::asked::{Seen, Source, name, subject};
use crate::judges::asserted::{ends, protocol_of, some_port};
use crate::judges::seeds;
use crate::oracle::generate;
use crate::oracle::rng::Rng;
use polder::ask::{Asked, Between, Detail, Everyone, Meant, Untold, can};
use polder::cover::{Budget, GaveUp};
use polder::engine::Engine;
use polder::net::PortSet;
use polder::session::Subject;
use std::fmt::Debug;

/// More than any of these questions takes.
const MANY: usize = 20_000_000;

/// Holds the answers within fewer steps against the one within many, of which it says how many it took.
fn hold<T: PartialEq + Debug>(answer: impl Fn(&mut Budget) -> Result<T, GaveUp>, what: &str) -> usize {
    let mut budget = Budget::new(MANY);
    let whole = answer(&mut budget).unwrap();
    let taken = MANY - budget.left();
    let mut steps = taken;
    while steps > 0 {
        steps = if steps == taken { taken - 1 } else { steps / 3 };
        if let Ok(answer) = answer(&mut Budget::new(steps)) {
            assert_eq!(answer, whole, "within {steps} of {taken} steps: {what}");
        }
    }
    if taken > 0 {
        assert!(answer(&mut Budget::new(0)).is_err(), "nothing is spent: {what}");
    }
    assert_eq!(answer(&mut Budget::new(taken)), Ok(whole), "within all {taken} steps: {what}");
    taken
}

/// What `can` finds.
fn seen(subject: &Subject, both: &[Asked; 2], ports: &PortSet, budget: &mut Budget) -> Result<Seen, GaveUp> {
    let everyone = subject.everyone(both);
    let [from, to] = both.each_ref().map(|one| (everyone.find(one).unwrap(), everyone.find_perhaps(one)));
    let on = |ends: Vec<_>| ends.into_iter().map(|end| (end, ports.clone())).collect();
    let (from, to) = (Meant { sure: from.0, perhaps: from.1 }, Meant { sure: on(to.0), perhaps: on(to.1) });
    let posed = everyone.samples(&everyone.grants(subject.policies()), both, &from, &to, budget)?;
    let engine = Engine::new(&posed.situation.world, subject.policies());
    Ok(Seen::of(&can(&engine, &posed.from, &posed.to, &posed.doubtful)))
}

/// What `reach` lists.
fn listed(everyone: &Everyone<'_>, subject: &Subject, budget: &mut Budget) -> Result<String, GaveUp> {
    let between = Between { from: None, to: None, detail: Detail::Table };
    let told =
        everyone.reach(&everyone.grants(subject.policies()), between, &mut |_, _| Ok(None::<Result<_, ()>>), budget);
    match told {
        Ok(told) => Ok(format!("{:?}", told.reach)),
        Err(Untold::TooHard) => Err(GaveUp),
        Err(_) => panic!("too long or refused"),
    }
}

#[test]
fn within_fewer_steps_there_is_the_same_answer_or_none() {
    let (mut questions, mut lists) = (Vec::new(), Vec::new());
    for seed in seeds(12) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let mut rng = Rng::new(seed ^ 0xb0d6);
        let named = ends(&program);
        for _ in 0..6 {
            let both = [rng.pick(&named), rng.pick(&named)].map(|end| Asked::Name(name(&program, end)));
            let (protocol, number) = some_port(&program, &mut rng);
            let ports = PortSet::number(protocol_of(protocol), number);
            let what = format!("seed {seed}: {} -> {} on {ports}\n{source}", both[0], both[1]);
            questions.push(hold(|budget| seen(&subject, &both, &ports, budget), &what));
        }
        let everyone = subject.everyone(&[]);
        lists.push(hold(|budget| listed(&everyone, &subject, budget), &format!("seed {seed}: reach\n{source}")));
    }
    let counted = |all: &[usize]| all.iter().filter(|taken| **taken > 10).count();
    assert!(counted(&questions) > 20 && counted(&lists) > 5, "{questions:?} {lists:?}");
}
