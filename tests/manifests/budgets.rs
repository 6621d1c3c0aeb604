//! Hostile texts end in a problem, soon and without much memory.

use crate::hostile::given;
use polder::k8s::read;
use std::time::Duration;

/// What reads in a release build within 2 seconds has this long in a slow one.
const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(name: &str, text: &str) {
    let start = given();
    let reading = read(text, "default");
    let taken = given() - start;
    assert!(taken < LIMIT, "{name}: {taken:?}");
    assert!(!reading.problems.is_empty(), "{name}");
    assert!(reading.policies.is_empty(), "{name}");
}

/// Each alias stands for ten of the one before.
fn bomb(levels: u32) -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..=levels {
        let alias = format!("*a{}", level - 1);
        text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    text
}

#[test]
fn aliases() {
    refused("nine levels", &bomb(9));
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(100_000), "*a, ".repeat(1_000));
    refused("one wide level", &wide);
    refused("a document after the other", &format!("---\n{}", bomb(4)).repeat(2_000));
    refused("an alias of itself", "a: &a [*a]\n");
    refused("an unknown alias", "a: *a\n");
}

#[test]
fn nesting() {
    for (name, piece) in [("lists", "["), ("maps", "{a: "), ("items", "- "), ("keys", "? "), ("json", "{\"a\":[")] {
        refused(name, &piece.repeat(200_000));
        refused(name, &piece.repeat(1_000));
    }
    let blocks: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refused("blocks", &blocks);
    refused("brackets over lines", &"[\n".repeat(200_000));
    refused("quotes that hide brackets", &format!("{}\"", "[\"]]\", ".repeat(100_000)));
}

#[test]
fn size() {
    refused("a long list", &format!("[{}]", "a,".repeat(2_000_000)));
    refused("many items", &"- \n".repeat(2_000_000));
    refused("many documents", &"--- a\n".repeat(300_000));
    refused("a long word", &"a".repeat(8 * 1024 * 1024));
    refused("much JSON", &format!("{{\"a\": [{}1]}}", "1,".repeat(4_000_000)));
    refused("a long text", &"#".repeat(70 * 1024 * 1024));
    refused("no text at all", "\0\u{1}\u{FFFE}");
}

/// What kubectl gives for a large cluster is one document.
#[test]
fn a_dump_of_many_pods() {
    let fields: Vec<String> = (0..100).map(|field| format!("\"f:{field}\": {{\".\": {{}}}}")).collect();
    let mounts: Vec<String> = (0..20).map(|mount| format!("{{\"name\": \"m{mount}\", \"readOnly\": true}}")).collect();
    let pods: Vec<String> = (0..5_000)
        .map(|pod| {
            format!(
                "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p{pod}\", \"managedFields\": [{{{}}}]}}, \
                 \"spec\": {{\"containers\": [{{\"name\": \"c\", \"volumeMounts\": [{}]}}]}}}}",
                fields.join(","),
                mounts.join(",")
            )
        })
        .collect();
    let text = format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}", pods.join(","));
    let start = given();
    let reading = read(&text, "default");
    let taken = given() - start;
    assert!(taken < LIMIT, "{taken:?}");
    assert_eq!((reading.objects.len(), reading.problems.len()), (5_000, 0));
}

/// As many values as a text may have if it is no list are not too many for a whole list.
#[test]
fn a_list_of_more_values_than_one_object_may_have() {
    let ports: Vec<&str> = vec!["{\"name\": \"a\", \"value\": \"b\"}"; 2_000];
    let pod = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\"}}, \"spec\": {{\"containers\": \
         [{{\"name\": \"c\", \"env\": [{}]}}]}}}}",
        ports.join(",")
    );
    let text = format!("{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{}]}}", vec![pod; 400].join(","));
    let start = given();
    let reading = read(&text, "default");
    let taken = given() - start;
    assert!(taken < LIMIT, "{taken:?}");
    assert_eq!((reading.objects.len(), reading.problems.len()), (400, 0));
}

/// Aliases may also stand for parts of what runs.
#[test]
fn a_bomb_in_a_workload() {
    let workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n";
    let inside: String = bomb(9).lines().map(|line| format!("  {line}\n")).collect();
    refused("a workload", &format!("{workload}{inside}"));
}

/// A text may be wrong at every one of its places.
#[test]
fn many_problems() {
    let fields: String = (0..200_000).map(|field| format!("  labels-{field}: a\n")).collect();
    for kind in ["apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy", "apiVersion: v1\nkind: Pod"] {
        let text = format!("{kind}\nmetadata:\n  name: a\n{fields}");
        refused("unknown fields", &text);
        assert!(read(&text, "default").problems.len() < 2_000);
    }
    let pods = "---\n{apiVersion: v1, kind: Pod, metadata: {name: A}}\n".repeat(5_000);
    refused("many documents, each wrong", &pods);
    assert_eq!(read(&pods, "default").objects, []);
}

/// As many policies as fit are read, in time that goes with their number.
#[test]
fn many_policies() {
    let policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {podSelector: {}}\n";
    let reading = read(&policy.repeat(5_000), "default");
    assert_eq!((reading.policies.len(), reading.problems.len()), (5_000, 0));
}
