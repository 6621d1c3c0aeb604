//! What the narrow reader takes is what the general parser makes of it.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use serde::de::DeserializeSeed;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// How many changed texts are looked at for each text.
const CHANGES: u64 = 30;

/// What may make a difference in YAML.
const PIECES: [&str; 46] = [
    ":", ": ", " :", "-", "- ", "#", " # x", "'", "\"", "{}", "[]", "{a: b}", "[a]", "|", "|-", "|+", ">", "&a ", "*a",
    "!x ", "!!str ", "%", "@", "`", "?", "? ", " ", "  ", "\n", "\n\n", "\n  ", "0", "010", "0x1", "1.5", "1e3", "-1",
    "~", "null", "yes", "true", ".inf", "\t", "\\", "\u{2028}", "\u{e9}",
];

/// The documents as the general parser has them; `None` when it finds something wrong.
fn generally<'a>(seed: Seed<'a, '_>, text: &'a str) -> Option<Vec<YamlNode<'a>>> {
    serde_yaml::Deserializer::from_str(text).map(|one| seed.deserialize(one).ok()).collect()
}

/// Whether what is taken is what the general parser makes of it. Says how many documents were taken.
fn agrees(text: &str) -> usize {
    let (budget, refused) = (Cell::new(usize::MAX), Cell::new(false));
    let seed = Seed { text, budget: &budget, refused: &refused };
    let Some(documents) = documents(text) else { return 0 };
    let whole = generally(seed, text);
    if let Some(whole) = whole.as_ref().filter(|whole| documents.len() > 1 || !whole.is_empty()) {
        let apart: Option<Vec<YamlNode>> =
            documents.iter().map(|one| generally(seed, one)).collect::<Option<Vec<_>>>().map(|all| all.concat());
        assert_eq!(apart.as_ref(), Some(whole), "the documents of {text:?}");
    }
    let taken = documents.into_iter().filter_map(|document| Some((document, read(seed, document)?)));
    taken.map(|(document, node)| assert_eq!(generally(seed, document), Some(vec![node]), "{document:?}")).count()
}

fn yaml_files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => yaml_files(&path, all),
            Some("yaml" | "yml") => all.push(path),
            _ => {}
        }
    }
}

/// The texts of all YAML files of the examples and tests.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["examples", "tests/corpus", "tests/lint", "tests/manifests", "tests/cli"] {
        yaml_files(&root.join(folder), &mut files);
    }
    files.sort();
    files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok()).filter(|text| text.len() < 8_000).collect()
}

#[test]
fn takes_what_the_general_parser_makes_of_it() {
    let texts = texts();
    let taken = texts.iter().map(|text| agrees(text)).sum::<usize>();
    assert!(taken > 200, "only {taken} documents of {} texts were taken", texts.len());
}

#[test]
fn takes_nothing_else_however_texts_are_changed() {
    let mut below = numbers();
    let mut taken = 0;
    for text in texts() {
        for _ in 0..CHANGES {
            let mut changed = text.clone();
            for _ in 0..=below(2) {
                let start = changed.floor_char_boundary(below(changed.len()));
                let end = changed.floor_char_boundary((start + below(4)).min(changed.len())).max(start);
                changed.replace_range(start..end, PIECES.get(below(PIECES.len())).unwrap());
            }
            taken += agrees(&changed);
        }
    }
    assert!(taken > 4_000, "only {taken} changed documents were taken");
}

/// Numbers below a bound that look random and are the same on every run.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut state = 7_u64;
    move |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most.max(1)
    }
}

const KEYS: [&str; 12] =
    ["a", "b c", "a.b/c", "\"q\"", "'q'", "managedFields", "f:x", "1", "true", "no", "a#b", "\"x: y\""];
const VALUES: [&str; 33] = [
    "x",
    "x y",
    "10.0.0.0/8",
    "80",
    "0",
    "007",
    "1.5",
    "1.2.3",
    "100m",
    "\"\"",
    "\"q # q\"",
    "'it: s'",
    "''''",
    "{}",
    "[]",
    "a:b",
    "http://x:80/#y",
    "x#y",
    "- x",
    "~",
    "null",
    "yes",
    "-1",
    "--flag=1",
    "&a x",
    "*a",
    "!!str 1",
    "<<",
    "a\\b",
    "\"a\\n\"",
    "ä €",
    "{a: b}",
    "|+",
];
const ENDS: [&str; 7] = ["", "", "", "", " ", " # x: y", "#"];
const STEPS: [usize; 6] = [0, 1, 2, 2, 2, 4];

/// A map or a list at a depth, of what stands in manifests and of what only might.
fn block(below: &mut impl FnMut(usize) -> usize, indent: usize, depth: usize, text: &mut String) {
    let is_list = below(3) == 0;
    let pad = " ".repeat(indent);
    let one = |below: &mut dyn FnMut(usize) -> usize, of: &[&'static str]| *of.get(below(of.len())).unwrap();
    for _ in 0..=below(3) {
        if below(12) == 0 {
            text.push_str(one(below, &["\n", "# c: d\n", "   \n", "      # e\n"]));
        }
        text.push_str(&pad);
        match is_list {
            true => text.push('-'),
            false => text.extend([one(below, &KEYS), ":"]),
        }
        match below(if depth > 3 { 6 } else { 10 }) {
            0 => text.push('\n'),
            1 => text.extend([" |", one(below, &["", "-"]), "\n", &pad, "  x\n\n", &pad, "   y # z\n"]),
            2 if is_list => {
                text.extend([" ", one(below, &KEYS), ": x\n"]);
                if below(2) == 0 {
                    text.extend([&pad, "  ", one(below, &KEYS), ": y\n"]);
                }
            }
            2..=5 => text.extend([" ", one(below, &VALUES), one(below, &ENDS), "\n"]),
            _ => {
                text.push('\n');
                let step = *STEPS.get(below(STEPS.len())).unwrap();
                block(below, indent + step, depth + 1, text);
            }
        }
    }
}

#[test]
fn takes_documents_at_random_as_the_general_parser_does() {
    let mut below = numbers();
    let mut taken = 0;
    for _ in 0..4_000 {
        let mut text = String::new();
        for _ in 0..=below(2) {
            text.push_str(["", "---\n", "--- # x\n", "---\n\n"].get(below(4)).unwrap());
            block(&mut below, 0, 0, &mut text);
        }
        taken += agrees(&text);
    }
    assert!(taken > 1_000, "only {taken} documents were taken");
}

#[test]
fn takes_the_forms_of_kubectl() {
    for text in [
        "a: b\nc:\n- d\n- e: f\n  g: h\n-\n- {}\ni: {}\nj: []\n",
        "metadata:\n  managedFields:\n  - f:x:\n      .: {}\n      k:{\"uid\":\"1\"}: {}\n  name: x\n",
        "a: |\n  {\"b\": 1}\n\n  x\n\nc: |-\n  y\nd: 1\n",
        "a: 10.0.0.0/8\nb: 10.1.2.3\nc: 100m\nd: 1.5\ne: 80 # x\nf: 'q' # y\n\"g\": \"#\"\n",
        "# c\n---\n# d\na: --port=80\nb: -x\n---\nc: no\non: y\n",
        "a:\n  # c\n  b: 1\n# d\n",
    ] {
        assert!(agrees(text) > 0, "{text:?} is not taken");
    }
}
