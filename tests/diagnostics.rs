//! Each file of `diagnostics/` is a program with mistakes, and what the compiler says of it is a snapshot beside it: the
//! sentences, their places and the help. A program of several files begins each with a line `# file: NAME`, of
//! which those in YAML are what runs; a first line
//! `# env: NAME` names the environment, and `# notes` says notes, too.

use polder::diag::{Code, Levels, render};
use polder::session::{Manifests, Memory, Named, Project, Session, Settings};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = "/project";

/// The files of a case.
fn files(text: &str) -> Vec<(&str, String)> {
    let mut files: Vec<(&str, String)> = vec![("main.polder", String::new())];
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("# file: ") {
            Some(name) => files.push((name.trim_end(), String::new())),
            None => files.last_mut().unwrap().1.push_str(line),
        }
    }
    files.retain(|(_, text)| !text.is_empty());
    files
}

fn session(text: &str) -> Session {
    let root = Path::new(ROOT);
    let mut system = Memory::default().with(root.join("polder.toml"), "");
    for (name, text) in files(text).into_iter().filter(|(name, _)| !name.ends_with(".yaml")) {
        system = system.with(root.join(name), text);
    }
    let environment = text.strip_prefix("# env: ").and_then(|rest| rest.lines().next());
    let settings = Settings { environment: environment.map(str::to_owned), ..Settings::default() };
    Session::new(Project::load(&system, root, &[]), settings)
}

/// What runs, when a case says it.
fn running(text: &str, session: &Session) -> Option<Manifests> {
    let (mut system, mut named) = (Memory::default(), Vec::new());
    for (name, text) in files(text).into_iter().filter(|(name, _)| name.ends_with(".yaml")) {
        system = system.with(Path::new(ROOT).join(name), text);
        named.push(Named::Path(name.into()));
    }
    let load = || Manifests::load_beside(session.sources().clone(), &system, Path::new(ROOT), &named, "default");
    (!named.is_empty()).then(load)
}

#[test]
fn cases() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("diagnostics");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let seen: RefCell<BTreeSet<Code>> = RefCell::default();
    settings.bind(|| {
        insta::glob!("diagnostics/*.polder", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let session = session(&text);
            let mut levels = Levels::default();
            if text.starts_with("# notes\n") {
                levels.show_notes();
            }
            let running = running(&text, &session);
            let (reports, sources) = match &running {
                Some(running) => (session.reports_with(&levels, running), &running.sources),
                None => (session.reports(&levels), session.sources()),
            };
            for diagnostic in reports.iter().map(|report| &report.diagnostic) {
                seen.borrow_mut().insert(diagnostic.code);
                let place = diagnostic.primary().and_then(|span| sources.file(span.file));
                // Nobody can change a file that came with the compiler.
                assert!(place.is_none_or(|file| !file.built_in), "{}: {diagnostic:?}", path.display());
            }
            let how = render::Human { unicode: false, color: false, width: 110, limit: 200 };
            insta::assert_snapshot!("said", render::human(&reports, sources, &how));
        });
    });
    let least = "E0001 E0004 E0005 E0006 E0101 E0102 E0103 E0104 E0105 E0106 E0107 E0108 E0109 E0110 E0111 E0112 E0113 E0114 \
                 E0115 E0201 E0202 E0203 E0204 E0205 E0206 E0207 E0208 E0209 E0210 E0211 E0212 E0213 E0214 E0215 E0216 E0217 \
                 E0218 E0219 E0220 E0221 W0011";
    let missing: Vec<&str> =
        least.split_ascii_whitespace().filter(|code| !seen.borrow().contains(&Code::parse(code).unwrap())).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}
