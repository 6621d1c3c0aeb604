//! Each folder of `examples/` is a project with its compiled output beside it. `POLDER_UPDATE=1 cargo test --test tests
//! examples::` writes the output anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut examples: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    examples.sort();
    assert!(examples.len() > 20, "only {} examples were found", examples.len());
    examples
}

fn polder(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments).current_dir(folder).env_remove("FORCE_COLOR").output().unwrap()
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_example_has_its_output_beside_it() {
    for example in examples() {
        if std::env::var_os("POLDER_UPDATE").is_some() {
            let output = polder(&example, &["build"]);
            assert!(output.status.success(), "{}: {}", example.display(), shown(&output));
        }
        let output = polder(&example, &["build", "--check", "--deny-warnings"]);
        assert!(output.status.success(), "{}: {}", example.display(), shown(&output));
        assert!(example.join("README.md").is_file(), "{} has no README.md", example.display());
    }
}

#[test]
fn every_environment_of_an_example_builds() {
    let mut found = 0;
    for example in examples() {
        let sources = std::fs::read_dir(&example).unwrap().map(|entry| entry.unwrap().path());
        for source in sources.filter(|path| path.extension().is_some_and(|extension| extension == "polder")) {
            let text = std::fs::read_to_string(source).unwrap();
            for line in text.lines() {
                let Some(name) = line.strip_prefix("environment ").and_then(|rest| rest.split_whitespace().next())
                else {
                    continue;
                };
                found += 1;
                let output = polder(&example, &["check", "--deny-warnings", "--env", name]);
                assert!(output.status.success(), "{} in {name}: {}", example.display(), shown(&output));
            }
        }
    }
    assert!(found >= 2, "only {found} environments were found");
}
