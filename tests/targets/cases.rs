//! `cases/NAME.polder`, whose first line is `# target NAME`. What is written for it stands in `NAME.yaml`, and what is said
//! of it in `NAME.said`; `POLDER_UPDATE=1` writes both.

use polder::diag::Levels;
use polder::model::Target;
use polder::session::{Memory, Named, Project, Session, Settings};
use std::fs;
use std::path::{Path, PathBuf};

/// A program for a target.
pub(super) fn session(source: &str, target: Target) -> Session {
    let memory = Memory::default().with("/p/a.polder", source);
    let project = Project::load(&memory, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings { target, ..Settings::default() })
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/targets/cases");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "polder"));
    all.sort();
    all
}

/// The files that a build writes, with what stands above each.
fn written(session: &Session) -> String {
    let Some(output) = session.output() else { return String::new() };
    output.files().iter().map(|file| format!("# {}\n{}", &*file.path, &*file.body)).collect::<Vec<_>>().join("---\n")
}

fn said(session: &Session) -> String {
    let reports = session.reports(&Levels::default());
    let line = |report: &polder::diag::Report| {
        let diagnostic = &report.diagnostic;
        let help = diagnostic.help.as_deref().unwrap_or_default();
        format!("{}: {}\n  {help}\n", diagnostic.code, diagnostic.message)
    };
    reports.iter().map(line).collect()
}

fn compare(path: &Path, text: &str) {
    let known = fs::read_to_string(path).unwrap_or_default();
    if known == text {
        return;
    }
    if std::env::var_os("POLDER_UPDATE").is_some() {
        match text {
            "" => fs::remove_file(path).unwrap(),
            text => fs::write(path, text).unwrap(),
        }
        return;
    }
    panic!("{}:\n{text}\nand not\n{known}", path.display());
}

#[test]
fn programs_become_what_stands_beside_them() {
    let cases = cases();
    assert!(cases.len() > 10);
    for path in cases {
        let source = fs::read_to_string(&path).unwrap();
        let name = source.lines().next().and_then(|line| line.strip_prefix("# target ")).unwrap();
        let session = session(&source, Target::parse(name).unwrap());
        compare(&path.with_extension("yaml"), &written(&session));
        compare(&path.with_extension("said"), &said(&session));
    }
}

#[test]
fn a_target_that_has_nothing_to_add_writes_the_same_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for folder in ["three-tier"] {
        let mut sources = String::new();
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "polder") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
        let sources = sources.replace("cni calico", "cni cilium");
        let both = [Target::NetworkPolicy, Target::Cilium].map(|target| written(&session(&sources, target)));
        assert!(both[0] == both[1] || both[1].is_empty(), "{folder}");
    }
}
