//! Programs with small edits, layouts and formatting.

use crate::diff::{Counts, Side, cases, hold, outside_only, said};
use crate::oracle::evaluate::Stated;
use crate::oracle::program::{Kind, Port, PortSpec, Program};
use crate::oracle::render::render;
use crate::oracle::rng::Rng;
use crate::oracle::{generate, read};
use polder::ask::{Everyone, Program as Written};
use polder::netpol::Policy;
use polder::plan::Layout;
use polder::session::{Memory, Named, Project, Session, Settings};
use std::collections::BTreeSet;
use std::path::Path;

fn session(program: &Program, layout: Layout) -> Session {
    let system = Memory::default().with("/p/main.polder", render(program));
    let project = Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings { layout, ..Settings::default() })
}

fn result(session: &Session) -> Option<(Written<'_>, &[Policy])> {
    let program = Written { model: session.model()?, flows: session.flows()? };
    Some((program, session.policies()?.policies.as_slice()))
}

/// The program with one thing changed.
fn edited(program: &Program, rng: &mut Rng) -> Program {
    let mut program = program.clone();
    let flow = rng.below(program.flows.len().max(1));
    match rng.below(6) {
        0 if !program.flows.is_empty() => _ = program.flows.remove(flow),
        1 if !program.flows.is_empty() => {
            let port = Port::Range(9000, 9000 + u16::try_from(rng.below(2)).unwrap(), super::naive::Protocol::Tcp);
            program.flows[flow].ports = Some(vec![PortSpec::Port(port)]);
        }
        2 if !program.flows.is_empty() => {
            let other = rng.below(program.flows.len());
            let source = program.flows[other].source.clone();
            program.flows[flow].source = source;
        }
        3 => {
            let at = rng.below(program.namespaces.len());
            program.namespaces[at].isolates.clear();
        }
        4 => {
            let at = rng.below(program.namespaces.len());
            program.namespaces[at].dns = None;
        }
        _ => program.style = program.style.wrapping_add(1),
    }
    program
}

/// What two programs state of the labels of the namespaces that they know by name; where they do not agree, nothing.
fn stated(old: &Program, new: &Program) -> Stated {
    let mut both = Stated::new();
    let mut contested = BTreeSet::new();
    for namespace in old.namespaces.iter().chain(&new.namespaces).filter(|one| !matches!(one.kind, Kind::Matching(_))) {
        let known = both.entry(namespace.actual.clone()).or_default();
        for (key, value) in &namespace.stated {
            if known.insert(key.clone(), value.clone()).is_some_and(|earlier| earlier != *value) {
                contested.insert((namespace.actual.clone(), key.clone()));
            }
        }
    }
    for (name, key) in contested {
        both.get_mut(&name).unwrap().remove(&key);
    }
    both
}

/// Compares two programs, if both are right.
fn compare(old: (&Program, Layout), new: (&Program, Layout), counts: &mut Counts) -> bool {
    let sessions = [old, new].map(|(program, layout)| session(program, layout));
    let (Some(before), Some(after)) = (result(&sessions[0]), result(&sessions[1])) else { return false };
    let everyone = Everyone::new(&[before.0.flows, after.0.flows], &[before.1, after.1], &[], &[], &outside_only());
    // What is written means what the program says: that is held elsewhere.
    let naive = sessions.each_ref().map(|session| {
        let text: String = session.output().unwrap().stream().collect();
        read::policies(&read::documents(&text).unwrap()).unwrap()
    });
    let [naive_before, naive_after] = naive;
    let side = |(program, policies), naive| Side { policies, program: Some(program), naive };
    let stated = stated(old.0, new.0);
    let (was, is) = (side(before, naive_before), side(after, naive_after));
    hold(&everyone, &said(&everyone, &was, &is), [&was.naive, &is.naive], &stated, counts);
    true
}

#[test]
fn an_edit_is_found_exactly_when_it_has_a_meaning() {
    let (mut counts, mut compared) = (Counts::default(), 0);
    // Here a line says `perhaps` of pods that exist only where it is sure, "pay/(...) except pay(tenant)/(...)".
    for seed in cases(150).filter(|seed| *seed != 104) {
        let mut rng = Rng::new(seed);
        let old = generate::program(seed);
        let new = edited(&old, &mut rng);
        let run = || compare((&old, Layout::Flow), (&new, Layout::Flow), &mut counts);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            Ok(done) => compared += usize::from(done),
            Err(panic) => {
                println!("seed {seed}\n{}\n--- and\n{}", render(&old), render(&new));
                std::panic::resume_unwind(panic);
            }
        }
    }
    assert!(compared > 100, "{compared}");
    let all = [counts.same, counts.wider, counts.narrower, counts.isolation, counts.connections, counts.unknown];
    assert!(all.iter().all(|count| *count > 5), "{counts:?}");
}

#[test]
fn programs_that_have_nothing_to_do_with_each_other() {
    let mut counts = Counts::default();
    let compared = cases(24).filter(|seed| {
        let [old, new] = [*seed, seed + 500].map(generate::program);
        compare((&old, Layout::Flow), (&new, Layout::Tier), &mut counts)
    });
    assert!(compared.count() > 15);
}

#[test]
fn layouts_and_formatting_make_no_difference() {
    let mut counts = Counts::default();
    let layouts = [Layout::Flow, Layout::Tier, Layout::Namespace];
    let mut compared = 0;
    for seed in cases(40) {
        let old = generate::program(seed);
        let mut new = old.clone();
        new.style = old.style.wrapping_add(1);
        new.flows.reverse();
        compared += usize::from(compare((&old, Layout::Flow), (&new, layouts[seed as usize % 3]), &mut counts));
    }
    assert_eq!(counts.same, compared, "{counts:?}");
    assert!(compared > 25);
}
