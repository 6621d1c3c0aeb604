//! What the library is without its features: pure enough for a page in a browser.

use crate::lexed::{Lexed, Reference};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates that the library may not use without the feature that brings them: files, processes, threads, the terminal.
const OF_FEATURES: [&str; 11] = [
    "cap-fs-ext",
    "cap-std",
    "clap",
    "crossbeam-channel",
    "ctrlc",
    "errno",
    "ignore",
    "lsp-server",
    "mimalloc",
    "notify",
    "rustix",
];

/// The crates that the library uses on a target with these features, by `cargo tree`.
fn crates(features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "wasm32-unknown-unknown"])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn without_features_the_library_has_no_files_no_threads_and_no_terminal() {
    let bare = crates(&["--no-default-features"]);
    assert!(bare.len() > 50, "the crates were not found: {bare:?}");
    let found: Vec<_> = OF_FEATURES.into_iter().filter(|name| bare.iter().any(|found| found == name)).collect();
    assert!(found.is_empty(), "these come without a feature: {found:?}");
    // The names are those of crates that are used.
    let all = crates(&["--all-features"]);
    let gone: Vec<_> = OF_FEATURES.into_iter().filter(|name| !all.iter().any(|found| found == name)).collect();
    assert!(gone.is_empty(), "nothing uses these any more: {gone:?}");
}

/// Modules that only the feature `disk` compiles.
const OF_DISK: [&str; 5] =
    ["output/folder/", "session/disk.rs", "session/flow_logs.rs", "session/git.rs", "session/machine.rs"];

/// What a page in a browser has not: the compiler takes it there, and it fails when it runs.
const OF_A_MACHINE: [&[&str]; 4] =
    [&["std", "fs"], &["std", "env"], &["std", "process"], &["std", "time", "SystemTime"]];

#[test]
fn only_what_the_disk_is_for_uses_files_processes_and_the_environment() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut looked_at = 0;
    let mut wrong = Vec::new();
    let mut open = vec![src.clone()];
    while let Some(next) = open.pop() {
        if next.is_dir() {
            open.extend(fs::read_dir(&next).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = next.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        let is_command = name.starts_with("cli/") || name == "main.rs";
        let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
        if !name.ends_with(".rs") || is_command || is_test || OF_DISK.iter().any(|module| name.starts_with(module)) {
            continue;
        }
        let modules: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let lexed = Lexed::new(&fs::read_to_string(&next).unwrap(), &modules);
        for Reference { path, line } in lexed.references() {
            looked_at += 1;
            if OF_A_MACHINE
                .iter()
                .any(|start| path.len() >= start.len() && start.iter().zip(&path).all(|(a, b)| a == b))
            {
                wrong.push(format!("src/{name}:{line}: {}", path.join("::")));
            }
        }
    }
    assert!(looked_at > 1_000, "the references were not found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
