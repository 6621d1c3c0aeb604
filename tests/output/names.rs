//! Paths that no build may write.

use crate::output::support::{build, check, codes, put, set, temp_dir, tree};
use polder::output::folder_name;

/// Names that are refused wherever they stand in a path.
fn bad_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        ".",
        "..",
        "...",
        ".hidden",
        ".git",
        ".polder-staging",
        "-.",
        "a.",
        "a ",
        " a",
        "a b",
        "A",
        "Production",
        "a\\b",
        "..\\a",
        "C:",
        "c:",
        "c:a",
        "a:stream",
        "a\0b",
        "\0",
        "a\nb",
        "a\tb",
        "a\x1bb",
        "a*",
        "a?",
        "a\"",
        "a<",
        "a>",
        "a|",
        "~",
        "$HOME",
        "%41",
        "a%2fb",
        "\u{e9}",
        "e\u{301}",
        "\u{212a}",
        "\u{17f}",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{feff}",
        "\u{ff0e}\u{ff0e}",
        "\u{2215}",
        "con",
        "prn",
        "aux",
        "nul",
        "con.yaml",
        "nul.yaml",
        "aux.b.yaml",
        "NUL.yaml",
        "CON",
        "com\u{b9}",
        "a'b",
        "a;b",
        "a&b",
        "a#b",
        "a,b",
        "a=b",
        "a+b",
        "a@b",
        "(a)",
        "[a]",
        "{a}",
        "!a",
        "a^b",
        "a`b",
    ]
    .map(str::to_owned)
    .to_vec();
    for number in 1..=9 {
        for device in ["com", "lpt"] {
            names.push(format!("{device}{number}"));
            names.push(format!("{device}{number}.yaml"));
        }
    }
    names.extend([256, 300, 5000].map(|length| "a".repeat(length)));
    names.extend((0_u8..0x20).chain([0x7f]).map(|control| format!("a{}b", char::from(control))));
    names
}

/// Whole paths that are refused.
fn bad_paths() -> Vec<String> {
    let mut paths: Vec<String> =
        ["/", "//", "/a", "//a", "/etc/passwd", "a/", "a//b", "a/b/c", "a/b/c/d", "a/../b", "../a/b"]
            .map(str::to_owned)
            .to_vec();
    for name in bad_names() {
        paths.push(format!("a/{name}"));
        paths.push(format!("{name}/a.yaml"));
        paths.push(name);
    }
    paths
}

#[test]
fn bad_names_are_refused_before_anything_is_touched() {
    let temp = temp_dir();
    let dir = temp.path().join("out");
    put(temp.path(), "outside.yaml", "outside\n");
    let paths = bad_paths();
    assert!(paths.len() >= 200, "{}", paths.len());
    for path in &paths {
        let error = build(&dir, &set(&[("a/good.yaml", "1"), (path, "1")])).expect_err(path);
        assert_eq!(codes(&error), ["E0409"], "{path:?}");
        assert_eq!(codes(&check(&dir, &set(&[(path, "1")])).expect_err(path)), ["E0409"], "{path:?}");
    }
    let all: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "1")).collect();
    let error = build(&dir, &set(&all)).unwrap_err();
    assert_eq!(codes(&error).len(), set(&all).len(), "all at once");
    assert_eq!(tree(temp.path()).len(), 1, "nothing was created");
}

#[test]
fn good_names_are_written() {
    let temp = temp_dir();
    let longest = format!("{}.yaml", "a".repeat(250));
    let paths = ["a", "a-b.yaml", "0", "a/b", "a_b/c.d.yaml", "com10/x", "con_/x", "-a/x", &format!("l/{longest}")];
    let wanted: Vec<(&str, &str)> = paths[..1].iter().chain(&paths[4..]).map(|path| (*path, "1")).collect();
    build(temp.path(), &set(&wanted)).unwrap();
    assert!(check(temp.path(), &set(&wanted)).unwrap().is_clean());
}

#[test]
fn a_path_is_written_once_and_is_not_both_file_and_folder() {
    let temp = temp_dir();
    let error = build(temp.path(), &set(&[("a", "1"), ("a/b", "1")])).unwrap_err();
    assert_eq!(codes(&error), ["E0409"]);
    let twice = [set(&[("a/b", "1")]), set(&[("a/b", "2")])].map(|set| crate::output::support::files(&set)).concat();
    let error = polder::output::write(temp.path(), &twice, &polder::output::BuildOptions::default()).unwrap_err();
    assert_eq!(codes(&error), ["E0409"]);
    assert!(tree(temp.path()).is_empty());
}

#[test]
fn existing_twins_are_conflicts() {
    for twin in ["Allow.yaml", "ALLOW.YAML", "allow.Yaml", "\u{c5}llow.yaml", "allo\u{ff57}.yaml"] {
        let temp = temp_dir();
        let path = format!("a/{twin}");
        put(temp.path(), &path, "foreign\n");
        let result = build(temp.path(), &set(&[("a/allow.yaml", "1")]));
        assert_eq!(result.is_err(), twin.is_ascii(), "{twin}");
        assert_eq!(std::fs::read(temp.path().join(path)).unwrap(), b"foreign\n");
    }
    // Some file systems take these two for k and s.
    for (twin, wanted) in [("\u{212a}.yaml", "k.yaml"), ("\u{17f}.yaml", "s.yaml"), ("K", "k/x.yaml")] {
        let temp = temp_dir();
        put(temp.path(), twin, "foreign\n");
        assert_eq!(codes(&build(temp.path(), &set(&[(wanted, "1")])).expect_err(twin)), ["E0409"], "{twin}");
    }
}

#[test]
fn folder_names_are_distinct_and_can_be_written() {
    let temp = temp_dir();
    let namespaces = ["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9", "com0", "console", "production"];
    let paths: Vec<String> = namespaces.iter().map(|name| format!("{}/x.yaml", folder_name(name))).collect();
    let wanted: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "1")).collect();
    assert_eq!(set(&wanted).len(), namespaces.len());
    build(temp.path(), &set(&wanted)).unwrap();
}
