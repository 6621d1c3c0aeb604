//! Builds at the same time: the folder is always one build's.

use crate::output::support::{BUSY, STAGING, Set, check, sealed, temp_dir, tree, writer};
use std::process::Stdio;

/// The set of one of the builds of a round.
fn set_of(round: usize, build: usize) -> Set {
    let body = |file: usize| format!("round {round} build {build} file {file}\n");
    let mut set: Set = (0..6).map(|file| (format!("shared/f-{file}.yaml"), body(file))).collect();
    set.extend((0..3).map(|file| (format!("own-{build}/f-{file}.yaml"), body(file))));
    set.insert("kustomization.yaml".to_owned(), body(9));
    set
}

#[test]
fn builds_at_the_same_time_do_not_mix() {
    let temp = temp_dir();
    let mut winners = 0_usize;
    for round in 0..200 {
        let dir = temp.path().join(format!("out-{}", round / 20));
        let flags = if round % 4 == 3 { "no-wait" } else { "" };
        let sets: Vec<Set> = (0..2 + round % 7).map(|build| set_of(round, build)).collect();
        let processes: Vec<_> = sets
            .iter()
            .map(|set| writer(&dir, set, flags).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let outputs: Vec<_> = processes.into_iter().map(|it| it.wait_with_output().unwrap()).collect();
        let codes: Vec<Option<i32>> = outputs.iter().map(|output| output.status.code()).collect();
        let allowed = |code: &Option<i32>| *code == Some(0) || (flags == "no-wait" && *code == Some(BUSY));
        let said = || outputs.iter().map(|output| String::from_utf8_lossy(&output.stderr)).collect::<Vec<_>>();
        assert!(codes.iter().all(allowed), "round {round}: {codes:?} {:#?}", said());
        assert!(codes.contains(&Some(0)));
        let found = tree(&dir);
        let winner = sets.iter().zip(&codes).position(|(set, code)| *code == Some(0) && sealed(set) == found);
        let winner = winner.unwrap_or_else(|| panic!("round {round} is nobody's: {:?}", found.keys()));
        assert!(!found.contains_key(STAGING));
        assert!(check(&dir, &sets[winner]).unwrap().is_clean());
        winners += winner;
    }
    assert!(winners > 0, "not always the first");
}
