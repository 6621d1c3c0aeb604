//! Hostile texts end in a problem, soon and without much memory.

use polder::k8s::read;
use std::time::{Duration, Instant};

/// What reads in a release build within 2 seconds has this long in a slow one.
const LIMIT: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(name: &str, text: &str) {
    let start = Instant::now();
    let reading = read(text, "default");
    assert!(start.elapsed() < LIMIT, "{name}: {:?}", start.elapsed());
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
    refused("a long text", &"#".repeat(70 * 1024 * 1024));
    refused("no text at all", "\0\u{1}\u{FFFE}");
}

/// As many policies as fit are read, in time that goes with their number.
#[test]
fn many_policies() {
    let policy = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: b}\nspec: {podSelector: {}}\n";
    let reading = read(&policy.repeat(5_000), "default");
    assert_eq!((reading.policies.len(), reading.problems.len()), (5_000, 0));
}
