//! Each file of `cases/` is read, and what comes of it is a snapshot beside it.

use crate::manifests::cluster;
use polder::k8s::{ReadProblem, Reading, read};
use polder::source::Sources;
use std::fmt::Write as _;

/// What was read, as text: problems with their places, then what was ignored, then the policies in our own form.
fn summary(text: &str) -> String {
    let Reading {
        policies,
        problems,
        warnings,
        remarks,
        objects,
        ignored,
        inside,
        unfilled,
        hints: _,
        documents: _,
        ..
    } = read(text, "default");
    let mut sources = Sources::default();
    let file = sources.add("case", text);
    let place = |at: Option<usize>| match at {
        Some(at) => {
            let position = sources.file(file).unwrap().position(u32::try_from(at).unwrap());
            format!("{}:{}", position.line, position.column)
        }
        None => "?".to_owned(),
    };
    let mut out = String::new();
    let mut list = |word: &str, problems: &[ReadProblem]| {
        for ReadProblem { at, path, reason, foreign, .. } in problems {
            let word = if *foreign { "foreign" } else { word };
            writeln!(out, "{word} {} [{path}] {reason}", place(*at)).unwrap();
        }
    };
    list("problem", &problems);
    list("warning", &warnings);
    list("remark", &remarks);
    for object in objects {
        let pods = if object.pods_at == object.at { String::new() } else { format!(" pods {}", place(object.pods_at)) };
        writeln!(out, "object {}{pods} {}", place(object.at), cluster::object(&object.object)).unwrap();
    }
    for object in ignored {
        writeln!(out, "ignored {} {} {} {}", place(object.at), object.api_version, object.kind, object.name).unwrap();
    }
    for one in inside {
        let word = if one.policy.is_some() { "a policy" } else { "an unread policy" };
        writeln!(out, "inside {} of {}: {word}", place(one.at), one.object).unwrap();
        if let Some(policy) = one.policy {
            polder::k8s::manifest(&policy.policy, &mut out);
        }
    }
    if !unfilled.is_empty() {
        writeln!(out, "unfilled {}", unfilled.join(" ")).unwrap();
    }
    for policy in policies {
        writeln!(out, "--- # {}", place(policy.at)).unwrap();
        polder::k8s::manifest(&policy.policy, &mut out);
    }
    out
}

#[test]
fn cases() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("cases");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("cases/*.yaml", |path| {
            insta::assert_snapshot!("read", summary(&std::fs::read_to_string(path).unwrap()));
        });
    });
}

#[test]
fn json_is_read_as_yaml_is() {
    let yaml = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/manifests/cases/everything.yaml"));
    let yaml = yaml.unwrap();
    let from_yaml = read(&yaml, "default");
    let documents = serde_yaml::Deserializer::from_str(&yaml);
    let documents = documents.map(|document| <serde_json::Value as serde::Deserialize>::deserialize(document).unwrap());
    let json: String = documents.map(|document| serde_json::to_string_pretty(&document).unwrap()).collect();
    let from_json = read(&json, "default");
    assert_eq!(from_json.problems, []);
    let policies = |reading: Reading| reading.policies.into_iter().map(|read| read.policy).collect::<Vec<_>>();
    let policies = [from_yaml, from_json].map(policies);
    assert!(!policies[0].is_empty());
    assert_eq!(policies[0], policies[1]);
}

/// The place of a problem is the same in a file with a byte order mark, other alphabets and Windows line ends.
#[test]
fn places() {
    let text = "# ä\u{1F600}\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: \"a\" # é\nspec:\n  podSelector: {matchLabels: {a: on}}\n";
    for text in [text.to_owned(), format!("\u{FEFF}{text}"), text.replace('\n', "\r\n")] {
        let reading = read(&text, "default");
        assert_eq!(reading.problems.len(), 1);
        let at = reading.problems[0].at.unwrap();
        assert!(text[at..].starts_with("on}}"), "{at} {:?}", &text[at..]);
    }
    let peers = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec:\n  podSelector: {}\n  \
                 ingress:\n  - from: [{podSelector: {}}]\n    ports: [{port: 80}]\n";
    let [plain, marked] = [peers.to_owned(), format!("\u{FEFF}{peers}")].map(|text| read(&text, "default"));
    let moved = plain.policies[0].written.clone().map(|at| at + "\u{FEFF}".len());
    assert_eq!(format!("{:?}", marked.policies[0].written), format!("{moved:?}"));
    let broken = "# ä\u{1F600}\na: b\n\tc: d\n";
    for text in [broken.to_owned(), format!("\u{FEFF}{broken}")] {
        let at = read(&text, "default").problems[0].at.unwrap();
        assert!(text[at..].starts_with("\tc"), "{at}");
    }
    let json = "{\"kind\": \"ä\"}\n{\"apiVersion\": \"networking.k8s.io/v1\", \"kind\": \"NetworkPolicy\", \"metadata\": {\"name\": \"A\"}}";
    let at = read(json, "default").problems[1].at.unwrap();
    assert!(json[at..].starts_with("\"A\""), "{at}");
}

/// What of a reading does not depend on where it stands.
fn without_places(reading: Reading) -> String {
    let problems =
        |list: Vec<ReadProblem>| list.into_iter().map(|one| (one.path, one.reason, one.object)).collect::<Vec<_>>();
    let objects: Vec<String> = reading.objects.iter().map(|one| cluster::object(&one.object)).collect();
    let ignored: Vec<(String, String)> = reading.ignored.into_iter().map(|one| (one.kind, one.name)).collect();
    let policies: Vec<_> = reading.policies.into_iter().map(|one| one.policy).collect();
    format!(
        "{:#?}",
        (problems(reading.problems), problems(reading.remarks), objects, ignored, policies, reading.documents)
    )
}

/// The items of a list in JSON are read one by one, and come out as those in YAML do.
#[test]
fn lists_are_read_alike_in_json_and_yaml() {
    let deployment = r#"{"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"labels": {"app": "a"}}}}}"#;
    let policy = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "a"}, "spec": {"podSelector": {}}}"#;
    let texts = [
        format!(
            r#"{{"apiVersion": "v1", "items": [{policy}, {policy}], "kind": "List", "metadata": {{"resourceVersion": ""}}}}"#
        ),
        format!(r#"{{"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{deployment}, null, 7, {{}}]}}"#),
        format!(
            r#"{{"apiVersion": "v1", "kind": "List", "items": [{{"apiVersion": "v1", "kind": "List", "items": [{policy}]}}]}}"#
        ),
        format!(
            r#"{{"items": [{policy}], "kind": "NetworkPolicyList", "apiVersion": "networking.k8s.io/v1", "other": 1}}"#
        ),
        format!(
            r#"{{"items": [{policy}], "kind": "Bundle", "apiVersion": "example.com/v1", "metadata": {{"name": "b"}}}}"#
        ),
        format!(r#"{{"items": [{policy}]}}"#),
        r#"{"apiVersion": "v1", "kind": "List", "items": null}"#.to_owned(),
        r#"{"apiVersion": "v1", "kind": "List", "items": {}}"#.to_owned(),
        r#"{"apiVersion": "v1", "kind": "List"}"#.to_owned(),
    ];
    for text in texts {
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let yaml = serde_yaml::to_string(&value).unwrap();
        assert_eq!(without_places(read(&text, "default")), without_places(read(&yaml, "default")), "{text}");
    }
    let twice = format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [], "items": [{policy}]}}"#);
    assert!(!read(&twice, "default").problems.is_empty());
}
