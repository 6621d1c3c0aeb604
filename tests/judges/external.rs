//! A namespace that is known by name alone is asked about like a managed one that nothing isolates: of neither has anybody
//! stated the labels, so either may be among those that a selection by labels means.

use crate::judges::asked::{Source, ask, name, port, subject, target};
use crate::judges::asserted::some_port;
use crate::judges::seeds;
use crate::oracle::generate;
use crate::oracle::program::{Dns, Endpoint, Isolate, Kind, Name, Namespace, Preset, Program, Selector};
use crate::oracle::rng::Rng;

/// Questions about each program.
const QUESTIONS: usize = 24;

/// The program with namespaces that are known by name beside some that are known by labels, and the same with managed ones for the
/// first.
fn twins(seed: u64) -> Option<(Program, Program)> {
    let mut program = generate::program(seed);
    program.environments.clear();
    let is_free = |one: &Namespace| one.kind == Kind::External && one.name != "kube-system";
    let mut managed = program.clone();
    let mut found = false;
    for namespace in managed.namespaces.iter_mut().filter(|one| is_free(one)) {
        namespace.kind = Kind::Managed;
        namespace.isolates = vec![Isolate { directions: Vec::new(), tiers: Vec::new() }];
        // Managed DNS servers answer those that ask them.
        namespace.dns = Some(Dns { preset: Preset::None, addresses: Vec::new() });
        found = true;
    }
    let by_labels = |one: &Namespace| matches!(&one.kind, Kind::Matching(selector) if *selector != Selector::default());
    (found && managed.namespaces.iter().any(by_labels)).then_some((program, managed))
}

fn ends(program: &Program) -> (Vec<Endpoint>, Vec<Endpoint>) {
    let (mut own, mut external) = (Vec::new(), Vec::new());
    for namespace in &program.namespaces {
        let list = match namespace.kind {
            Kind::Managed => &mut own,
            Kind::External => &mut external,
            Kind::Matching(_) => continue,
        };
        let tier = |name: &String| Endpoint::Tier(Name { namespace: Some(namespace.name.clone()), name: name.clone() });
        list.extend(namespace.tiers.iter().map(|tier_| tier(&tier_.name)));
        list.push(Endpoint::Pods(namespace.name.clone()));
    }
    (own, external)
}

#[test]
fn a_namespace_known_by_name_is_asked_about_like_a_managed_one() {
    let (mut unknown, mut sure, mut denied) = (0, 0, 0);
    for seed in seeds(60) {
        let Some((program, managed)) = twins(seed) else { continue };
        let (source, twin) = (Source::of(&program).text, Source::of(&managed).text);
        let (Some(one), Some(other)) = (subject(&source, None), subject(&twin, None)) else { continue };
        let (own, external) = ends(&program);
        let mut rng = Rng::new(seed ^ 0x7e57);
        for _ in 0..QUESTIONS {
            let (mine, theirs) = (name(&program, rng.pick(&own)), name(&program, rng.pick(&external)));
            let (from, to) = if rng.chance(70) { (theirs, mine) } else { (mine, theirs) };
            let (protocol, number) = some_port(&program, &mut rng);
            let to = target(&to, &port(protocol, number));
            let (Ok(seen), Ok(expected)) = (ask(&one, &from, &to), ask(&other, &from, &to)) else { continue };
            assert_eq!(seen, expected, "seed {seed}: can {from} {to}\n{source}\n{twin}");
            unknown += u32::from(seen.unknown);
            sure += u32::from(seen.is_sure());
            denied += u32::from(seen.denied && !seen.may());
        }
    }
    assert!(unknown > 20 && sure > 20 && denied > 20, "{unknown} {sure} {denied}");
}
