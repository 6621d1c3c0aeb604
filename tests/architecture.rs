//! The table of rooms in `src/ARCHITECTURE.md` is true: no room uses one that its row does not permit.

use crate::lexed::{Lexed, Reference};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms and what each may use, from the table.
#[derive(Debug, Default)]
struct Table {
    permitted: BTreeMap<String, BTreeSet<String>>,
    planned: BTreeSet<String>,
}

impl Table {
    fn parse(text: &str) -> Table {
        let mut table = Table::default();
        let mut above = BTreeSet::new();
        let rows = text.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
        for row in rows.take_while(|line| line.starts_with('|')) {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "a row has three cells: {row}");
            let name = cells[0].split('`').nth(1).expect("the room stands in backquotes");
            let room = name.trim_end_matches('/').trim_end_matches(".rs").to_owned();
            let named = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect::<BTreeSet<String>>();
            let mut uses: BTreeSet<String> = match cells[2].strip_prefix("all above") {
                Some("") => above.clone(),
                Some(but) => {
                    above.difference(&named(but.strip_prefix(" but ").expect("`all above but x`"))).cloned().collect()
                }
                None if cells[2].is_empty() => BTreeSet::new(),
                None => named(cells[2]),
            };
            uses.extend(["source", "table"].map(str::to_owned));
            if cells[0].contains("planned") {
                table.planned.insert(room.clone());
            }
            above.insert(room.clone());
            table.permitted.insert(room, uses);
        }
        let unknown: Vec<_> =
            table.permitted.values().flatten().filter(|name| !table.permitted.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "no row for {unknown:?}");
        table
    }

    fn exists(&self, room: &str) -> bool {
        self.permitted.contains_key(room) && !self.planned.contains(room)
    }

    /// What is wrong with a file of `room`.
    fn judge(&self, room: &str, lexed: &Lexed) -> Vec<String> {
        let mut wrong = Vec::new();
        for Reference { path, line } in lexed.references() {
            let Some((first, rest)) = path.split_first() else { continue };
            let (root, used) = match first.as_str() {
                "crate" => ("crate", rest.first().map(String::as_str)),
                "polder" if room == "main" => ("polder", rest.first().map(String::as_str)),
                _ => {
                    wrong.extend(foreign(room, &path).map(|why| format!("{line}: {} {why}", path.join("::"))));
                    continue;
                }
            };
            match used {
                None | Some("*") => wrong.push(format!("{line}: `{root}` as a whole hides which rooms are used")),
                Some(used) if used == room => {}
                Some(used) if !self.exists(used) => wrong.push(format!("{line}: `{used}` is no room")),
                Some(used) if self.permitted[room].contains(used) => {}
                Some(used) => wrong.push(format!("{line}: {room} may not use {used}")),
            }
        }
        if room != "cli" {
            let prints = ["print", "println", "eprint", "eprintln", "dbg"];
            let found = lexed.macros().filter(|(name, _)| prints.contains(&name.as_str()));
            wrong.extend(found.map(|(name, line)| format!("{line}: {room} may not print ({name}!)")));
        }
        wrong
    }
}

/// Crates and parts of the standard library that only some rooms may know.
fn foreign(room: &str, path: &[String]) -> Option<&'static str> {
    let is = |start: &[&str]| path.len() >= start.len() && start.iter().zip(path).all(|(a, b)| a == b);
    let only = |start: &[&str], rooms: &[&str], why: &'static str| (is(start) && !rooms.contains(&room)).then_some(why);
    only(&["k8s_openapi"], &["k8s"], "belongs to k8s")
        .or_else(|| only(&["serde_yaml"], &["k8s"], "belongs to k8s"))
        .or_else(|| only(&["pest"], &["syntax"], "belongs to syntax"))
        .or_else(|| only(&["pest_derive"], &["syntax"], "belongs to syntax"))
        .or_else(|| only(&["miette"], &["diag"], "belongs to diag"))
        .or_else(|| only(&["clap"], &["cli"], "belongs to cli"))
        .or_else(|| only(&["lsp_server"], &["lsp"], "belongs to lsp"))
        .or_else(|| only(&["lsp_types"], &["lsp"], "belongs to lsp"))
        .or_else(|| only(&["std", "fs"], &["output", "session", "cli"], "touches the disk"))
        .or_else(|| only(&["cap_std"], &["output"], "touches the disk"))
        .or_else(|| only(&["ignore"], &["session"], "touches the disk"))
        .or_else(|| only(&["std", "env"], &["session", "cli"], "reads the environment"))
        .or_else(|| only(&["std", "process"], &["session", "cli", "main"], "is about processes"))
        .or_else(|| only(&["std", "time", "SystemTime"], &[], "reads the clock"))
        .or_else(|| only(&["std", "time", "Instant"], &["output", "cli"], "reads the clock"))
        .or_else(|| (path == ["std"]).then_some("as a whole hides what is used"))
}

/// The files of a folder and of those in it, sorted.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn table() -> Table {
    Table::parse(&fs::read_to_string(src().join("ARCHITECTURE.md")).unwrap())
}

/// The modules of a file from the root of the crate, such as `diag::render::human`.
fn modules(file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(src()).unwrap().with_extension("");
    let mut parts: Vec<String> = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Modules that are compiled only for tests: `#[cfg(test)] mod NAME;`.
fn test_modules(files: &BTreeMap<Vec<String>, Lexed>) -> BTreeSet<Vec<String>> {
    let below = |(path, lexed): (&Vec<String>, &Lexed)| {
        let path = path.clone();
        lexed.test_modules().iter().map(move |name| [path.clone(), vec![name.clone()]].concat()).collect::<Vec<_>>()
    };
    files.iter().flat_map(below).collect()
}

#[test]
fn no_room_uses_what_its_row_does_not_permit() {
    let table = table();
    let files: BTreeMap<Vec<String>, Lexed> = rust_files(&src())
        .into_iter()
        .map(|file| {
            let modules = modules(&file);
            let lexed = Lexed::new(&fs::read_to_string(&file).unwrap(), &modules);
            (modules, lexed)
        })
        .collect();
    let tests = test_modules(&files);
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for (path, lexed) in &files {
        let is_test = tests.iter().any(|test| path.starts_with(test));
        if is_test || path[0] == "lib" {
            continue;
        }
        looked_at += lexed.references().count();
        wrong.extend(table.judge(&path[0], lexed).into_iter().map(|why| format!("src/{}:{why}", path.join("/"))));
    }
    assert!(looked_at > 100, "the references were not found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_table_has_exactly_the_rooms_that_exist() {
    let table = table();
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(src()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.remove("lib");
    let rooms: BTreeSet<String> = table.permitted.keys().filter(|room| table.exists(room)).cloned().collect();
    assert_eq!(rooms, found);
    let clash: Vec<_> = table.planned.intersection(&found).collect();
    assert!(clash.is_empty(), "these exist and are still marked as planned: {clash:?}");
}

/// What is wrong with one made-up file, by the real table.
fn wrong(modules: &[&str], text: &str) -> Vec<String> {
    let modules: Vec<String> = modules.iter().map(|&name| name.to_owned()).collect();
    table().judge(&modules[0], &Lexed::new(text, &modules))
}

#[test]
fn finds_every_way_to_use_a_room() {
    let forbidden = [
        "use crate::cli;",
        "use crate::cli::Exit;",
        "use crate::{diag, cli};",
        "use crate::{diag::{Code, Diagnostic}, session::{Project, Session}};",
        "use crate::{\n    diag,\n    k8s::{self as other},\n};",
        "use super::super::cli;",
        "use super::super::{diag, cli::Exit};",
        "fn f() { crate::cli::main(); }",
        "fn f() -> super::super::cli::Exit { x }",
        "fn f() { <crate::cli::Exit as Copy>::clone(&x) }",
        "mod inner { fn f() { super::super::super::cli::main(); } }",
        "macro_rules! m { () => { $crate::cli::main() } }",
        "#[derive(crate::cli::Derive)] struct S;",
        "pub use crate::cli as c;",
        "pub(in crate::cli) fn f() {}",
        "use crate as root;",
        "use crate::*;",
        "use crate::nowhere;",
        "use crate::nowhere::{self};",
        "use r#crate::x; use crate :: cli ;",
        "use crate::/* between */cli;",
        "const S: &str = \"//\"; use crate::cli;",
        "const C: char = '\"'; use crate::cli; // \"",
        "fn f<'a>(x: &'a str) { crate::cli::main() }",
        "#[cfg(not(test))] mod inner { use crate::cli; }",
    ];
    for text in forbidden {
        assert!(!wrong(&["model", "resolve"], text).is_empty(), "not found: {text}");
    }
    assert!(!wrong(&["model"], "use super::cli;").is_empty());
    assert!(!wrong(&["main"], "fn main() { polder::session::open() }").is_empty());
    // The planner belongs to the targets alone, and the proof shares nothing with it.
    for room in ["prove", "ask", "engine", "lsp", "cli", "diff", "session"] {
        assert!(!wrong(&[room, "file"], "use crate::plan::plan;").is_empty(), "{room}");
    }
    assert!(!wrong(&["plan", "file"], "use crate::cover::missing;").is_empty());
}

#[test]
fn leaves_alone_what_is_permitted() {
    let permitted = [
        "use crate::diag::Code; use crate::net::{PortSet, Selector};",
        "use crate::source::Span;",
        "use crate::model::Tier; use super::scope; use super::super::diag;",
        "use self::inner::crate_name;",
        "// use crate::cli;",
        "/* use crate::cli; /* nested */ use crate::cli; */",
        "/// See [`crate::cli`].\nfn f() {}",
        "const S: &str = \"use crate::cli;\"; const R: &str = r#\"\" crate::cli::x \"#;",
        "const B: &[u8] = b\"crate::cli\"; const C: &std::ffi::CStr = c\"crate::cli\";",
        "#[cfg(test)]\nmod tests { use crate::cli; fn f() { if x { println!() } } }",
        "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests { use crate::cli; }",
        "#[cfg(test)] use crate::cli;",
        "fn f<'a>() -> impl Iterator + use<'a> { x; y }",
        "mod inner { use super::super::scope; }",
        "fn f() { writeln!(out, \"println!\").ok(); }",
    ];
    for text in permitted {
        assert_eq!(wrong(&["model", "resolve"], text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(wrong(&["main"], "fn main() { polder::cli::main() }"), Vec::<String>::new());
    assert_eq!(wrong(&["cli", "build"], "use crate::output; fn f() { println!(); }"), Vec::<String>::new());
}

#[test]
fn keeps_crates_and_the_outside_world_in_their_rooms() {
    for (room, text) in [
        ("plan", "use k8s_openapi::api::networking::v1::NetworkPolicy;"),
        ("output", "fn f() { serde_yaml::to_string(&x) }"),
        ("model", "use pest::Parser;"),
        ("model", "use pest_derive::Parser;"),
        ("session", "#[derive(miette::Diagnostic)] struct S;"),
        ("session", "use clap::Parser;"),
        ("cli", "use lsp_server::Connection;"),
        ("session", "use lsp_types::Range;"),
        ("model", "use std::fs;"),
        ("model", "use std::{fmt, fs::File};"),
        ("k8s", "fn f() { std::fs::read(x) }"),
        ("k8s", "use std::env::var;"),
        ("k8s", "use std as s;"),
        ("plan", "use std::time::SystemTime;"),
        ("diff", "use std::process::Command;"),
        ("model", "fn f() { println!(\"x\"); }"),
        ("model", "fn f() { std::eprintln!(\"x\"); }"),
        ("diag", "fn f() { dbg!(x); }"),
    ] {
        assert!(!wrong(&[room, "file"], text).is_empty(), "not found in {room}: {text}");
    }
    for (room, text) in [
        ("k8s", "use k8s_openapi::api::networking::v1::NetworkPolicy; use serde_yaml::Value;"),
        ("syntax", "use pest::Parser; use pest_derive::Parser;"),
        ("diag", "use miette::Report;"),
        ("output", "use std::fs; use std::time::{Duration, Instant};"),
        ("session", "use std::{fs, io};"),
        ("cli", "fn f() { std::fs::read(x); std::env::args(); std::process::exit(1); }"),
    ] {
        assert_eq!(wrong(&[room, "file"], text), Vec::<String>::new(), "{room}: {text}");
    }
}

#[test]
fn reads_the_table() {
    let table = Table::parse(
        "text\n| room | holds | may use |\n|---|---|---|\n| `source.rs` | x | |\n| `table.rs` | x | |\n| `a/` | x | source |\n\
         | `b/` (planned) | x | a, source |\n| `c/` | x | all above |\n| `e/` | x | all above but b, c |\n\n\
         | `d/` | another table | |\n",
    );
    assert_eq!(table.permitted.keys().collect::<Vec<_>>(), ["a", "b", "c", "e", "source", "table"]);
    assert_eq!(table.permitted["e"].iter().collect::<Vec<_>>(), ["a", "source", "table"]);
    assert_eq!(table.permitted["c"].iter().collect::<Vec<_>>(), ["a", "b", "source", "table"]);
    assert!(table.exists("a") && !table.exists("b"));
}

#[test]
fn every_file_of_tests_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let root = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let is_module = path.extension().is_some_and(|extension| extension == "rs") || path.join("mod.rs").exists();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_run = name == "main" || root.lines().any(|line| line == format!("mod {name};"));
        assert!(!is_module || is_run, "`mod {name};` is missing in tests/main.rs");
    }
}

/// Files of more lines than these do too much, unless they are tables.
const MOST_LINES: usize = 500;

/// Files that are long because they are lists of data, with one entry for each of something.
const TABLES: [&str; 1] = ["model/cni_table.rs"];

#[test]
fn no_file_is_long_but_tables() {
    let all = rust_files(&src());
    let name = |file: &Path| file.strip_prefix(src()).unwrap().to_str().unwrap().replace('\\', "/");
    let count = |file: &PathBuf| (name(file), fs::read_to_string(file).unwrap().lines().count());
    let lines: BTreeMap<String, usize> = all.iter().map(count).collect();
    let long = lines.iter().filter(|(name, lines)| **lines > MOST_LINES && !TABLES.contains(&name.as_str()));
    let long: Vec<String> = long.map(|(name, lines)| format!("src/{name} has {lines} lines")).collect();
    assert!(long.is_empty(), "split these, by what they are about:\n{}", long.join("\n"));
    for table in TABLES {
        assert!(
            lines.get(table).is_some_and(|lines| *lines > MOST_LINES),
            "src/{table} is not long: take it out of the list"
        );
    }
}

/// So many names stand for two types or more, at most. Each new one makes a reader ask which is meant: lower it with them.
const MOST_NAMES_USED_TWICE: usize = 28;

#[test]
fn few_names_stand_for_several_types() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust_files(&src()) {
        let modules = modules(&file);
        if modules.iter().any(|module| module == "tests") {
            continue;
        }
        // What is indented belongs to a module of tests, or to a function.
        for line in fs::read_to_string(&file).unwrap().lines() {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let kind = words.iter().position(|word| ["struct", "enum", "trait", "type"].contains(word));
            let is_item = line.starts_with("pub") || kind == Some(0);
            if let (true, Some(name)) = (is_item, kind.and_then(|at| words.get(at + 1))) {
                places.entry((*name).to_owned()).or_default().push(modules.join("::"));
            }
        }
    }
    assert!(places.len() > 100, "the types were not found");
    let twice: Vec<String> = places
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(twice.len() <= MOST_NAMES_USED_TWICE, "{} names:\n{}\n", twice.len(), twice.join("\n"));
}
