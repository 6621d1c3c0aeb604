//! What is released: the installer and the workflows know the targets of `dist/targets.json`, and the crate is what is meant.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The targets with the machine that each is built on.
fn targets() -> Vec<(String, String)> {
    let list: Value = serde_json::from_str(&read("dist/targets.json")).unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|entry| (text(entry, "target"), text(entry, "runner"))).collect()
}

/// The words of a text that are a target's name.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || "-_".contains(char)));
    let is_target =
        |word: &&str| word.matches('-').count() >= 2 && (word.starts_with("x86_64-") || word.starts_with("aarch64-"));
    words.filter(is_target).collect()
}

#[test]
fn the_installer_knows_every_archive() {
    let script = read("dist/install.sh");
    let targets = targets();
    assert_eq!(named(&script), targets.iter().map(|(target, _)| target.as_str()).collect());
}

/// Released on a tag, and compiled on each push.
#[test]
fn the_workflows_know_every_archive() {
    for file in [".github/workflows/release.yml", ".github/workflows/ci.yml"] {
        let workflow = read(file);
        for (target, runner) in targets() {
            let line = format!("- {{ target: {target}, runner: {runner} }}");
            assert_eq!(workflow.matches(&line).count(), 1, "{file}: {line}");
        }
        assert_eq!(workflow.matches("- { target: ").count(), targets().len(), "{file}");
    }
}

#[test]
fn actions_are_pinned() {
    for file in [".github/workflows/ci.yml", ".github/workflows/release.yml", "action.yml"] {
        for line in read(file).lines() {
            let Some((_, action)) = line.split_once("uses: ") else { continue };
            let (pin, version) = action.split_once('@').unwrap().1.split_once(" # v").expect(line);
            assert!(pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()), "{file}: {line}");
            assert!(version.starts_with(|char: char| char.is_ascii_digit()), "{file}: {line}");
        }
    }
}

#[test]
fn the_crate_holds_the_compiler_and_nothing_else() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--locked", "--offline"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap().replace('\\', "/");
    let mut tops: BTreeSet<&str> = list.lines().filter_map(|path| path.split('/').next()).collect();
    // Cargo's own; the last only where there is a repository of Git.
    for own in ["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", ".cargo_vcs_info.json"] {
        tops.remove(own);
    }
    assert_eq!(
        tops.into_iter().collect::<Vec<_>>(),
        ["CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "grammar", "src"]
    );
}
