//! `dist/targets.json`, the list of what is released: the installer and the workflows know the same.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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

#[test]
fn the_workflow_builds_every_archive() {
    let workflow = read(".github/workflows/release.yml");
    for (target, runner) in targets() {
        let line = format!("- {{ target: {target}, runner: {runner} }}");
        assert_eq!(workflow.matches(&line).count(), 1, "{line}");
    }
    assert_eq!(workflow.matches("- { target: ").count(), targets().len());
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
