//! What a program reads is always exactly one document on the stream that `docs/commands.md` names, whatever happens.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const GOOD: &str =
    "namespace shop {\n  tier web\n  tier db { sql: 5432/tcp }\n  web -> db:sql\n}\nnever shop/db -> shop/web\n";
const BROKEN: &str = "namespace shop {\n  tier web\n  web -> nobody:80\n  $\n}\n";
const WARNED: &str = "namespace shop {\n  tier web\n  tier db\n  web -> db:*\n}\nexternal namespace unused\n";
const POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\n\
                      spec: {podSelector: {}, policyTypes: [Ingress]}\n";

/// Writes what the commands are asked about.
fn prepare(folder: &Path) {
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("good/polder.toml", "");
    write("good/a.polder", GOOD);
    write("unformatted.polder", &GOOD.replace("tier web", "tier   web"));
    write("empty/polder.toml", "");
    write("config/polder.toml", "[build]\nlayuot = 1\n");
    write("config/a.polder", GOOD);
    write("foreign/polder.toml", "");
    write("foreign/a.polder", GOOD);
    write("foreign/policies/shop/default-deny-all.yaml", POLICY);
    write("broken.polder", BROKEN);
    write("warned.polder", WARNED);
    write("latin.polder", "");
    fs::write(folder.join("latin.polder"), b"# caf\xe9\n").unwrap();
    write("np.yaml", POLICY);
    write("bad.yaml", "kind: NetworkPolicy\n");
    write("no.yaml", "{{ template }}\n");
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(args).current_dir(folder).env_clear().env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let text = if args.contains(&"broken") { BROKEN } else { GOOD };
    // Whoever does not read its input closes it early.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes());
    child.wait_with_output().unwrap()
}

/// The one document that a text is.
fn document(text: &[u8], what: &str) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{what}: {error}\n{}", String::from_utf8_lossy(text)))
}

/// How many problems a document tells of.
fn problems(document: &Value) -> usize {
    if let Some(list) = document.as_array() {
        return list.len();
    }
    let run = &document["runs"][0];
    let lists = [&document["diagnostics"], &run["results"], &run["invocations"][0]["toolExecutionNotifications"]];
    lists.into_iter().filter_map(Value::as_array).map(Vec::len).sum()
}

#[test]
fn diagnostics_are_one_document() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    // What is asked, how many problems are told, and the exit code.
    let asked: &[(&[&str], usize, i32)] = &[
        (&["build", "good"], 0, 0),
        (&["build", "good", "--check"], 0, 0),
        (&["build", "good", "--check", "-o", "other"], 1, 1),
        (&["build", "good", "--dry-run", "-o", "other"], 0, 0),
        (&["build", "warned.polder", "--check"], 3, 1),
        (&["build", "warned.polder", "--check", "-q"], 3, 1),
        (&["build", "foreign"], 1, 2),
        (&["build", "broken.polder"], 2, 1),
        (&["build", "latin.polder"], 1, 1),
        (&["build", "nowhere"], 1, 2),
        (&["build", "empty"], 1, 2),
        (&["build", "config"], 1, 2),
        (&["build", "np.yaml"], 1, 2),
        (&["build", "good", "-A", "nonsense"], 1, 2),
        (&["build", "good", "--env", "nowhere"], 1, 2),
        (&["build", "good", "--watch"], 1, 2),
        (&["check", "good"], 0, 0),
        (&["check", "warned.polder"], 2, 0),
        (&["check", "warned.polder", "--deny-warnings"], 2, 1),
        (&["check", "broken.polder"], 2, 1),
        (&["check", "nowhere", "--workloads", "np.yaml"], 1, 2),
        (&["check", "good", "--workloads", "bad.yaml"], 1, 2),
        (&["check", "-", "--workloads", "-"], 1, 2),
        (&["lint", "np.yaml"], 0, 0),
        (&["lint", "bad.yaml"], 1, 2),
        (&["lint", "no.yaml", "nowhere"], 2, 2),
        (&["lint", "np.yaml", "-A", "nonsense"], 1, 2),
        (&["fmt", "good"], 0, 0),
        (&["fmt", "--check", "unformatted.polder"], 0, 1),
        (&["fmt", "--check", "broken.polder"], 1, 1),
        (&["fmt", "np.yaml", "good"], 1, 2),
        (&["fmt", "--check", "-"], 0, 0),
    ];
    for (args, count, exit) in asked {
        for format in ["json", "sarif", "gitlab"] {
            let args: Vec<&str> = args.iter().copied().chain(["--format", format]).collect();
            let output = run(folder.path(), &args);
            let document = document(&output.stdout, &format!("{args:?}"));
            assert_eq!((problems(&document), output.status.code()), (*count, Some(*exit)), "{args:?}: {document:#}");
        }
    }
}

#[test]
fn where_the_output_is_taken_they_are_one_document_on_standard_error() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let asked: &[(&[&str], &str, usize)] = &[
        (&["build", "good", "-o", "-"], "apiVersion: ", 0),
        (&["build", "warned.polder", "-o", "-"], "apiVersion: ", 2),
        (&["build", "broken.polder", "-o", "-"], "", 2),
        (&["build", "warned.polder", "--diff", "-o", "other"], "--- ", 2),
        (&["fmt", "-"], "namespace shop", 0),
        (&["fmt", "--diff", "unformatted.polder"], "--- ", 0),
        (&["fmt", "--diff", "broken.polder"], "", 1),
    ];
    for (args, start, count) in asked {
        for format in ["json", "sarif", "gitlab"] {
            let args: Vec<&str> = args.iter().copied().chain(["--format", format]).collect();
            let output = run(folder.path(), &args);
            let out = String::from_utf8(output.stdout).unwrap();
            // A stream of manifests is JSON where that is asked for.
            let start = if format == "json" && *start == "apiVersion: " { "{" } else { *start };
            assert!(out.starts_with(start) && (out.is_empty() || !start.is_empty()), "{args:?}: {out}");
            let document = document(&output.stderr, &format!("{args:?}"));
            assert_eq!(problems(&document), *count, "{args:?}: {document:#}");
        }
    }
}

#[test]
fn a_question_without_an_answer_has_a_document_that_says_why() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let programs: [(&[&str], bool); 6] = [
        (&["-p", "good"], true),
        (&["-p", "broken.polder"], false),
        (&["-p", "nowhere"], false),
        (&["-p", "np.yaml"], false),
        (&["--manifests", "bad.yaml"], false),
        (&["--manifests", "np.yaml", "--workloads", "nowhere.yaml"], false),
    ];
    let questions: [(&[&str], bool); 10] = [
        (&["reach"], true),
        (&["reach", "shop/web"], true),
        (&["reach", "shop/nobody"], false),
        (&["can", "shop/web", "shop/db:5432"], true),
        (&["can", "shop/web", "shop/nobody:80"], false),
        (&["why", "shop/web", "shop/db:5432"], true),
        (&["why", "10.0.0.1", "10.0.0.2:80"], false),
        (&["blast", "shop/web"], true),
        (&["blast", "--to", "shop/db"], true),
        (&["blast", "shop/nobody"], false),
    ];
    for (program, is_program) in programs {
        for (question, is_question) in questions {
            let args: Vec<&str> = question.iter().chain(program).copied().chain(["--format", "json"]).collect();
            let output = run(folder.path(), &args);
            let document = document(&output.stdout, &format!("{args:?}"));
            let schema = document["schema"].as_str().unwrap();
            assert_eq!(schema != "polder/diagnostics/v1", is_program && is_question, "{args:?}: {document:#}");
            if !(is_program && is_question) {
                assert!(problems(&document) > 0 && output.status.code() == Some(2), "{args:?}: {document:#}");
            }
        }
    }
    let others: [(&[&str], &str); 7] = [
        (&["test", "good"], "polder/test/v1"),
        (&["test", "good", "--filter", "nonsense"], "polder/diagnostics/v1"),
        (&["test", "broken.polder"], "polder/diagnostics/v1"),
        (&["diff", "good/a.polder", "warned.polder"], "polder/diff/v1"),
        (&["diff", "broken.polder", "latin.polder"], "polder/diagnostics/v1"),
        (&["diff", "nowhere", "good"], "polder/diagnostics/v1"),
        (&["diff", "good"], "polder/diagnostics/v1"),
    ];
    for (args, schema) in others {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        let output = run(folder.path(), &args);
        let document = document(&output.stdout, &format!("{args:?}"));
        assert_eq!(document["schema"], schema, "{args:?}: {document:#}");
        assert!(schema != "polder/diagnostics/v1" || problems(&document) > 0, "{args:?}");
    }
}
