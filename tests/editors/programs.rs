//! The programs that editors are tested with: all that are at hand, and generated ones.

use super::root;
use crate::oracle::generate;
use crate::oracle::render::render;
use std::path::{Path, PathBuf};

/// All files of a folder and those in it whose names end so.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn visit(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, extension, found);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    visit(&root().join(folder), extension, &mut found);
    found.sort();
    found
}

/// Examples, catalogue, documents, cases.
pub(super) fn written() -> Vec<String> {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let folders = ["examples", "src/model/catalogue", "src/cli/templates", "tests/fmt", "tests/editors"];
    let sources = folders.iter().flat_map(|folder| files(folder, "polder")).chain(files("tests/fmt", "formatted"));
    let mut all: Vec<String> = sources.map(read).collect();
    let mut documents = files("src/diag/codes", "md");
    documents.extend(files("docs", "md"));
    documents.extend(["README.md", "grammar/README.md"].map(|path| root().join(path)));
    for document in documents.into_iter().map(read) {
        let fences = document.split("```polder").skip(1);
        all.extend(fences.map(|text| text.split_once('\n').unwrap().1.split("```").next().unwrap().to_owned()));
    }
    assert!(all.len() > 180, "only {} programs were found", all.len());
    all
}

/// Random programs, in random legal formatting.
pub(super) fn generated(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|seed| render(&generate::program(seed)))
}
