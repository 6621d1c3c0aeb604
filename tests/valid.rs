//! Every manifest passes the API server's validation without a warning: those of the examples, and those of random
//! programs in every layout.

use crate::oracle::compile::{LAYOUTS, compile};
use crate::oracle::generate;
use crate::oracle::render::render;
use crate::validation::validate;
use std::path::{Path, PathBuf};

fn manifests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            manifests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn examples_are_valid() {
    let mut found = Vec::new();
    manifests(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &mut found);
    assert!(found.len() > 100, "only {} manifests were found", found.len());
    for path in found {
        let problems = validate(&std::fs::read_to_string(&path).unwrap());
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
}

#[test]
fn random_programs_are_valid() {
    let mut documents = 0;
    for seed in 1_000..1_500 {
        let program = generate::program(seed);
        for layout in LAYOUTS {
            let compiled = match compile(&render(&program), layout, None) {
                // Kube-OVN takes policies for one whose names differ in `-` and `.` alone.
                Err(said) if said.contains("[E0224]") => continue,
                compiled => compiled.unwrap_or_else(|said| panic!("seed {seed}: {said}")),
            };
            for text in compiled {
                let problems = validate(&text);
                assert!(problems.is_empty(), "seed {seed}, layout {layout}: {problems:#?}\n{text}");
                documents += 1;
            }
        }
    }
    assert!(documents > 4_000, "only {documents} manifests were checked");
}
