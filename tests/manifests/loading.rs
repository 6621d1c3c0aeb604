//! Each folder of `sets/` is loaded as a set of manifests, and what comes of it is a snapshot beside it.

use crate::manifests::cluster;
use polder::diag::{Code, Diagnostic, Report, render};
use polder::session::{Disk, Manifests, Memory, Named, Remark};
use polder::source::{Sources, Span};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/sets")
}

fn place(sources: &Sources, span: Option<Span>) -> String {
    let Some(span) = span else { return "?".to_owned() };
    let file = sources.file(span.file).unwrap();
    let position = file.position(span.start);
    format!("{}:{}:{} `{}`", file.path, position.line, position.column, sources.text(span))
}

/// Whether nothing was left out and nothing was met that is not understood.
fn is_complete(manifests: &Manifests) -> bool {
    !manifests.has_errors() && manifests.cluster.unmodelled.is_empty()
}

/// What was loaded, as text: what was said as a terminal shows it, remarks, policies with their places, what runs.
fn summary(manifests: &Manifests) -> String {
    let sources = &manifests.sources;
    let mut diagnostics = manifests.diagnostics.clone();
    polder::diag::sort(&mut diagnostics, sources);
    let reports: Vec<Report> = diagnostics.into_iter().map(Report::from).collect();
    let mut out =
        render::human(&reports, sources, &render::Human { unicode: true, color: false, width: 110, limit: 100 });
    writeln!(out, "files {}, complete {}", manifests.file_count, is_complete(manifests)).unwrap();
    for Remark { span, path, reason } in &manifests.remarks {
        writeln!(out, "remark {} [{path}] {reason}", place(sources, Some(*span))).unwrap();
    }
    let policies = &manifests.policies.policies;
    assert_eq!(policies.len(), manifests.policy_spans.len());
    for (policy, span) in policies.iter().zip(&manifests.policy_spans) {
        writeln!(out, "policy {}/{} at {}", policy.namespace, policy.name, place(sources, *span)).unwrap();
    }
    out + &cluster::whole(&manifests.cluster)
}

#[test]
fn sets() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("sets");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    settings.bind(|| {
        for name in names {
            let manifests = Manifests::load(&Disk, &folder().join(&name), &[Named::Path(".".into())], "default");
            insta::assert_snapshot!(name, summary(&manifests));
        }
    });
}

fn said(manifests: &Manifests) -> Vec<String> {
    manifests.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect()
}

fn in_memory(system: &Memory, named: &[&str]) -> Manifests {
    let named: Vec<Named> =
        named.iter().map(|name| if *name == "-" { Named::Input } else { Named::Path(name.into()) }).collect();
    Manifests::load(system, Path::new("/p"), &named, "default")
}

fn policy(name: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}}}, spec: {{podSelector: {{}}}}}}\n"
    )
}

#[test]
fn the_corpus_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifests = Manifests::load(&Disk, root, &[Named::Path("tests/corpus".into())], "default");
    // The recipes are one cluster each, so some policies of theirs have the same name.
    let is_twice = |one: &Diagnostic| matches!(one.code, Code::E0503 | Code::W0103);
    assert!(manifests.diagnostics.iter().all(is_twice), "{:?}", said(&manifests));
    assert!(manifests.policies.policies.len() >= 20, "{}", manifests.policies.policies.len());
    assert!(manifests.policies.policies.is_sorted_by_key(|one| (one.namespace.clone(), one.name.clone())));
}

#[test]
fn each_file_is_read_once_and_standard_input_too() {
    let system = Memory::default()
        .with("/p/a/b.yaml", policy("b"))
        .with("/p/a/c.yml", policy("c"))
        .with("/p/a/d.json", "{\"a\": 1}")
        .with("/p/a/e.txt", policy("e"))
        .with_input(policy("input"));
    let manifests = in_memory(&system, &["a", "a/b.yaml", "-", "-", "/p/a"]);
    let names: Vec<&str> = manifests.policies.policies.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["b", "c", "input"]);
    assert_eq!((manifests.file_count, manifests.remarks.len()), (4, 1));
    // The second naming of the folder finds every file read.
    assert_eq!(said(&manifests), [] as [String; 0]);
    // A file that is named itself must be for Kubernetes.
    let manifests = in_memory(&system, &["a", "a/d.json"]);
    assert_eq!(said(&manifests), ["E0501 Object 'Kind' is missing"]);
    let manifests = in_memory(&system, &["a/e.txt"]);
    assert!(is_complete(&manifests) && manifests.policies.policies.len() == 1);
}

#[test]
fn what_holds_nothing_is_no_policies_and_what_holds_something_else_an_error() {
    let system = Memory::default()
        .with("/p/empty/notes.txt", "notes")
        .with("/p/comment.yaml", "# nothing\n---\n")
        .with("/p/blank/a.yaml", "")
        .with("/p/blank/b.json", "\n")
        .with("/p/values/values.yaml", "replicas: 3\n")
        .with("/p/chart/Chart.yaml", "name: x\n")
        .with("/p/program/main.polder", "namespace a {\n}\n")
        .with("/p/capitals/A.YAML", "")
        .with("/p/latin.yaml", b"name: \xe4".to_vec())
        .with("/p/list.yaml", "apiVersion: v1\nkind: List\nitems: []\n")
        .with("/p/other.yaml", "apiVersion: v1\nkind: ConfigMap\n");
    for (named, expected) in [
        ("program", "E0502 no manifest: `program` holds no file whose name ends in .yaml, .yml or .json"),
        ("capitals", "E0502 no manifest: `capitals` holds no file whose name ends in .yaml, .yml or .json"),
        ("-", "E0502 no manifest: `<stdin>` holds no object"),
        ("none.yaml", "E0401 cannot read `none.yaml`: entity not found"),
        ("latin.yaml", "E0003 `latin.yaml` is not UTF-8: byte 7 is not part of a character"),
    ] {
        assert_eq!(said(&in_memory(&system, &[named])), [expected]);
    }
    for named in ["list.yaml", "other.yaml"] {
        let manifests = in_memory(&system, &[named]);
        assert!(is_complete(&manifests) && manifests.empty.is_empty());
    }
    for named in ["empty", "comment.yaml", "blank", "values", "chart"] {
        let manifests = in_memory(&system, &[named]);
        assert!(is_complete(&manifests) && !manifests.has_no_answer(), "{named}");
        let [said] = manifests.empty.as_slice() else { panic!("{named}: {:?}", manifests.empty) };
        assert!(said.starts_with(&format!("`{named}` holds no ")), "{said}");
    }
}

#[test]
fn ignored_and_hidden_files_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(".gitignore", "build/\n");
    write("build/a.yaml", &policy("a"));
    write(".hidden/b.yaml", &policy("b"));
    write("kept/c.yaml", &policy("c"));
    let manifests = Manifests::load(&Disk, folder.path(), &[Named::Path(".".into())], "default");
    assert_eq!((manifests.file_count, said(&manifests).len()), (1, 0));
    assert_eq!(&*manifests.policies.policies[0].name, "c");
}

/// The texts of a program and of manifests can be shown in one report.
#[test]
fn sources_can_be_shared() {
    let mut sources = Sources::default();
    sources.add("main.polder", "namespace shop {}\n");
    let system = Memory::default().with_input(policy("\"a\""));
    let manifests = Manifests::load_beside(sources, &system, Path::new("/p"), &[Named::Input], "default");
    assert_eq!(manifests.sources.text(manifests.policy_spans[0].unwrap()), "\"a\"");
}
