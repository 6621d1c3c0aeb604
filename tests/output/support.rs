//! What the tests of the folder share.

use polder::output::{BuildOptions, OutputError, OutputFile, Plan, plan, seal, write};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const STAGING: &str = ".polder-staging";

/// The bodies of a set of files by their paths.
pub(crate) type Set = BTreeMap<String, String>;

pub(crate) fn set(files: &[(&str, &str)]) -> Set {
    files.iter().map(|(path, body)| ((*path).to_owned(), format!("{body}\n"))).collect()
}

pub(crate) fn files(set: &Set) -> Vec<OutputFile> {
    set.iter().map(|(path, body)| OutputFile { path: path.as_str().into(), body: body.as_str().into() }).collect()
}

pub(crate) fn options(force: bool, allow_empty: bool) -> BuildOptions {
    BuildOptions { force, allow_empty, ..BuildOptions::default() }
}

pub(crate) fn build(dir: &Path, set: &Set) -> Result<Plan, OutputError> {
    write(dir, &files(set), &BuildOptions::default())
}

pub(crate) fn check(dir: &Path, set: &Set) -> Result<Plan, OutputError> {
    plan(dir, &files(set), &BuildOptions::default())
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    File(Vec<u8>),
    Folder,
    Link(PathBuf),
    Other,
}

/// Everything below a folder, no link followed; empty if there is none.
pub(crate) fn tree(dir: &Path) -> BTreeMap<String, Node> {
    let mut found = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(dir.join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let kind = entry.file_type().unwrap();
            let node = if kind.is_symlink() {
                Node::Link(fs::read_link(entry.path()).unwrap())
            } else if kind.is_dir() {
                open.push(path.clone());
                Node::Folder
            } else if kind.is_file() {
                Node::File(fs::read(entry.path()).unwrap())
            } else {
                Node::Other
            };
            found.insert(path, node);
        }
    }
    found
}

/// The tree that holds exactly these sealed files and their folders.
pub(crate) fn sealed(set: &Set) -> BTreeMap<String, Node> {
    let mut tree = BTreeMap::new();
    for (path, body) in set {
        if let Some((folder, _)) = path.split_once('/') {
            tree.insert(folder.to_owned(), Node::Folder);
        }
        tree.insert(path.clone(), Node::File(seal(body).into_bytes()));
    }
    tree
}

/// The tree without the folder that a killed build leaves.
pub(crate) fn visible(dir: &Path) -> BTreeMap<String, Node> {
    let mut tree = tree(dir);
    tree.retain(|path, _| path != STAGING && !path.starts_with(".polder-staging/"));
    tree
}

pub(crate) fn put(dir: &Path, path: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A temporary folder in memory where there is one: these tests make thousands of files and need no disk.
pub(crate) fn temp_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Copies a tree of files, folders and links.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (path, node) in tree(from) {
        match node {
            Node::Folder => fs::create_dir_all(to.join(path)).unwrap(),
            Node::File(bytes) => put(to, &path, bytes),
            Node::Link(_) | Node::Other => panic!("{path} cannot be copied"),
        }
    }
}

/// A command that runs [`writer_main`] in a process of its own.
pub(crate) fn writer(dir: &Path, set: &Set, flags: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    add_writer(&mut command, dir, set, flags);
    command
}

/// Gives a command that starts this program what the writer needs.
pub(crate) fn add_writer(command: &mut Command, dir: &Path, set: &Set, flags: &str) {
    let lines: Vec<String> = set.iter().map(|(path, body)| format!("{path}={}", body.trim_end())).collect();
    command.args(["--exact", "output::writer_process", "--nocapture", "--test-threads=1"]);
    command.env("POLDER_TEST_DIR", dir).env("POLDER_TEST_SET", lines.join("\n")).env("POLDER_TEST_FLAGS", flags);
}

pub(crate) const BUSY: i32 = 3;

/// The body of the process that [`writer`] starts: 0 written, 1 refused, 2 the system refused, 3 busy.
pub(crate) fn writer_main() {
    let Ok(dir) = std::env::var("POLDER_TEST_DIR") else { return };
    let lines = std::env::var("POLDER_TEST_SET").unwrap();
    let flags = std::env::var("POLDER_TEST_FLAGS").unwrap();
    let pairs = lines.lines().map(|line| line.split_once('=').unwrap());
    let files = files(&pairs.map(|(path, body)| (path.to_owned(), format!("{body}\n"))).collect());
    let wait = Duration::from_secs(if flags.contains("no-wait") { 0 } else { 60 });
    let options = BuildOptions { wait, ..options(flags.contains("force"), flags.contains("allow-empty")) };
    // These two calls show in a trace where the writing starts and ends.
    let _ = fs::metadata("/polder-test-start");
    let result = write(Path::new(&dir), &files, &options);
    let _ = fs::metadata("/polder-test-end");
    std::process::exit(match result {
        Ok(_) => 0,
        Err(OutputError::Busy) => BUSY,
        Err(error @ OutputError::Io { .. }) => {
            eprintln!("{error}");
            2
        }
        Err(error) => {
            eprintln!("{error}");
            1
        }
    });
}

/// A tool or right that a test needs is missing: says so, and fails where everything has to be there.
pub(crate) fn missing(what: &str) {
    assert!(std::env::var_os("POLDER_REQUIRE_TOOLS").is_none(), "{what}, and POLDER_REQUIRE_TOOLS is set");
    // Not with `eprintln`, which the test runner swallows.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}; set POLDER_REQUIRE_TOOLS=1 to make this a failure");
}

/// The codes of an error, in order.
pub(crate) fn codes(error: &OutputError) -> Vec<&'static str> {
    error.diagnostics("out").iter().map(|diagnostic| diagnostic.code.as_str()).collect()
}
