//! What `polder init --from` makes of manifests.
//!
//! Each folder of `cases/` has manifests, `*.yaml` or `*.json`, as somebody would have them, and in `expected/` the program that they
//! become, with `told.txt`: what is told beside it. `POLDER_UPDATE=1` writes what comes out today; read the difference.
//!
//! Whatever is inferred compiles without an error and is formatted; every flow of it is allowed by the policies that it becomes, as
//! assertions; and no word of a Secret or a password is in it. Manifests that somebody has damaged end in a program that compiles,
//! or in none.

use crate::oracle::rng::Rng;
use polder::diag::{Levels, Severity};
use polder::seed::FlowSource;
use polder::session::{Memory, Named, Project, Seeded, Session, Settings};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What no program may hold, for all cases have it where passwords are.
const PASSWORD: &str = "hunter2";

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/init/cases");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// The manifests of a case, by name.
fn manifests(case: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect()
}

fn seeded(files: &BTreeMap<String, String>) -> Seeded {
    let system =
        files.iter().fold(Memory::default(), |system, (name, text)| system.with(format!("/in/{name}"), text.as_str()));
    Seeded::load(&system, Path::new("/in"), &[Named::Path("/in".into())], "default")
}

/// What is told of a program, for people who read cases.
fn told(seeded: &Seeded) -> String {
    let mut text = String::new();
    let inferred = &seeded.inferred;
    for tier in &inferred.tiers {
        let members: Vec<String> = tier.members.iter().map(|one| format!("{} {}", one.kind, one.name)).collect();
        writeln!(text, "tier {}/{}: {}", tier.namespace, tier.name, members.join(", ")).unwrap();
    }
    inferred.left_out.iter().for_each(|(what, why)| writeln!(text, "no tier: {what}: {why}").unwrap());
    seeded.refused.iter().for_each(|(what, why)| writeln!(text, "left out: {what}: {why}").unwrap());
    seeded.manifests.unread.iter().for_each(|one| writeln!(text, "not read: {}: {}", one.what, one.reason).unwrap());
    seeded.manifests.notes.iter().for_each(|note| writeln!(text, "note: {note}").unwrap());
    if seeded.homeless > 0 {
        writeln!(text, "without a namespace: {}", seeded.homeless).unwrap();
    }
    text
}

/// Compiles a program with an assertion for each of its flows, and wants no error.
fn hold(seeded: &Seeded) -> Result<(), String> {
    if let Some(why) = &seeded.failure {
        return Err(why.clone());
    }
    let mut system = Memory::default();
    for file in &seeded.files {
        system = system.with(format!("/p/{}", file.name), file.text.as_str());
        let mut sources = polder::source::Sources::default();
        let id = sources.add(&*file.name, file.text.as_str());
        let formatted = polder::fmt::format(&sources, &polder::syntax::parse(&sources, id));
        if formatted.ok().as_deref() != Some(&*file.text) {
            return Err(format!("{} is not formatted", file.name));
        }
        for word in [PASSWORD, "polder: allow"] {
            if file.text.contains(word) {
                return Err(format!("{} holds {word}", file.name));
            }
        }
    }
    let mut assertions = String::new();
    let inferred = &seeded.inferred;
    for written in &seeded.written.flows {
        let flow = &inferred.flows[written.flow];
        let destination = &inferred.tiers[flow.destination];
        let FlowSource::Tier(source) = flow.source else { continue };
        let source = &inferred.tiers[source];
        writeln!(
            assertions,
            "always {}/{} -> {}/{}:{}/{}",
            source.namespace,
            source.name,
            destination.namespace,
            destination.name,
            flow.number,
            flow.protocol.keyword()
        )
        .unwrap();
    }
    let system = system.with("/p/assertions.polder", assertions);
    let session =
        Session::new(Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]), Settings::default());
    for report in session.reports(&Levels::default()) {
        let code = report.diagnostic.code.as_str();
        // Neither wrong, nor said twice, nor without effect.
        if report.severity == Severity::Error || ["W0001", "W0002", "W0011"].contains(&code) {
            return Err(format!("{code}: {}", report.diagnostic.message));
        }
    }
    Ok(())
}

#[test]
fn manifests_become_the_programs_beside_them() {
    let updates = std::env::var_os("POLDER_UPDATE").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let seeded = seeded(&manifests(&case));
        if let Err(why) = hold(&seeded) {
            let texts: String = seeded.files.iter().map(|file| file.text.as_str()).collect();
            wrong.push(format!("{}: {why}\n{texts}", case.display()));
        }
        let mut files: BTreeMap<String, String> =
            seeded.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        files.insert("told.txt".to_owned(), told(&seeded));
        let folder = case.join("expected");
        if updates {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        }
        let expected = if folder.is_dir() { manifests(&folder) } else { BTreeMap::new() };
        for name in files.keys().chain(expected.keys().filter(|name| !files.contains_key(*name))) {
            let (found, wanted) = (files.get(name), expected.get(name));
            if found != wanted {
                wrong.push(format!("{}/{name}:\n{}", case.display(), found.map_or("", String::as_str)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Neither the order of documents nor the files that they stand in change the program.
#[test]
fn the_order_of_documents_does_not_matter() {
    for case in cases() {
        let files = manifests(&case);
        let Some(text) = files.get("input.yaml").filter(|_| files.len() == 1) else { continue };
        let documents: Vec<&str> = text.split("\n---\n").collect();
        let first = seeded(&files);
        let apart: BTreeMap<String, String> = documents
            .iter()
            .rev()
            .enumerate()
            .map(|(at, text)| (format!("{at:03}.yaml"), format!("{text}\n")))
            .collect();
        assert_eq!(first.files, seeded(&apart).files, "{}", case.display());
    }
}

/// Lines that are gone, doubled, or have another value, and texts that end somewhere.
#[test]
fn damaged_manifests_become_a_program_that_compiles_or_none() {
    const WORDS: [&str; 12] = [
        "null",
        "[]",
        "{}",
        "\"\"",
        "-1",
        "65536",
        "true",
        "internet",
        "A_b.C",
        "é",
        "a.b.c.d:99999",
        "http://x@y@z/@",
    ];
    let count = std::env::var("POLDER_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(6);
    for (at, case) in cases().into_iter().enumerate() {
        let files = manifests(&case);
        for round in 0..count {
            let mut rng = Rng::new(at as u64 * 1_000 + round);
            let mut damaged = files.clone();
            for text in damaged.values_mut() {
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                for _ in 0..1 + rng.below(4) {
                    let place = rng.below(lines.len());
                    match rng.below(4) {
                        0 => _ = lines.remove(place),
                        1 => lines.insert(place, lines[place].clone()),
                        2 => {
                            let word = WORDS[rng.below(WORDS.len())];
                            if let Some((key, _)) = lines[place].clone().split_once(": ") {
                                lines[place] = format!("{key}: {word}");
                            }
                        }
                        _ => lines.swap(place, 0),
                    }
                    if lines.is_empty() {
                        lines.push(String::new());
                    }
                }
                *text = lines.join("\n");
                if rng.below(8) == 0 {
                    let end = text.floor_char_boundary(rng.below(text.len() + 1));
                    text.truncate(end);
                }
            }
            let seeded = seeded(&damaged);
            if let Err(why) = hold(&seeded) {
                let texts: String = damaged.values().map(String::as_str).collect();
                panic!("{} round {round}: {why}\n{texts}", case.display());
            }
        }
    }
}
