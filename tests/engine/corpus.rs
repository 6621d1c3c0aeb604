//! Policies that people wrote, for every pod that could exist.

use crate::engine::concrete::Blocks;
use crate::engine::read;
use crate::engine::symbolic::hold;
use polder::net::Truth;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            None if path.is_dir() => files(&path, found),
            Some(extension) if extension == "yaml" => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn recipes_and_tutorials() {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"), &mut paths);
    paths.sort();
    assert!(paths.len() > 15);
    let mut counts = [0; 3];
    let texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (path, text) in paths.iter().zip(&texts) {
        let (policies, set) = read(text);
        assert!(!policies.is_empty(), "{}", path.display());
        for pods in [Truth::No, Truth::Maybe, Truth::Yes] {
            let blocks = Blocks { pods, addresses: Some(vec!["10.0.0.0/8".parse().unwrap()]) };
            hold(&policies, &set, &blocks, &BTreeSet::new(), &mut counts);
        }
    }
    assert!(counts[0] > 0 && counts[1] > 0);
}
