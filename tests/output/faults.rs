//! Killed or refused at every system call: each file stays whole, and the next build leaves one whole set.

use crate::output::support::{
    Node, STAGING, Set, add_writer, build, check, codes, copy, files, missing, options, put, sealed, set, temp_dir,
    tree, visible, writer,
};
use polder::output::{seal, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Tree = BTreeMap<String, Node>;

/// Calls that change something or end a handle: the builder is killed in front of each of them.
const WRITING: [&str; 14] = [
    "open",
    "openat",
    "openat2",
    "write",
    "writev",
    "pwrite64",
    "close",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "unlinkat",
    "ftruncate",
];

/// Calls that only read.
const READING: [&str; 9] = ["read", "statx", "fstat", "newfstatat", "getdents64", "flock", "lseek", "fcntl", "access"];

const ERRORS: [&str; 6] = ["error=ENOSPC", "error=EIO", "error=EACCES", "error=EROFS", "error=EDQUOT", "error=EINTR"];

/// What is done at a call. The errors take turns, because the builder treats all but the last, which writing repeats,
/// alike; with `POLDER_TEST_FAULTS=all` each call gets each of them.
fn faults(call: &str, number: usize) -> impl Iterator<Item = &'static str> + use<> {
    let all = std::env::var("POLDER_TEST_FAULTS").is_ok_and(|value| value == "all");
    let writing = WRITING.contains(&call);
    let kill = writing.then_some("signal=KILL");
    let turn = number % (ERRORS.len() - 1);
    let errors = ERRORS
        .into_iter()
        .enumerate()
        .filter(move |(at, error)| all || *at == turn || (writing && *error == "error=EINTR"));
    kill.into_iter().chain(errors.map(|(_, error)| error))
}

/// Whether strace is there and may trace.
fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// A folder, what is built into it, and what may be there afterwards.
struct Scenario {
    /// The folder before; it is missing if this is.
    template: Option<PathBuf>,
    /// The files that are not Polder's. The folder always holds them.
    foreign: Tree,
    /// The sets that the folder may hold if the build does not complete.
    before: Vec<Tree>,
    new: Set,
    flags: &'static str,
}

impl Scenario {
    fn prepare(&self, dir: &Path) {
        if let Some(template) = &self.template {
            fs::create_dir_all(dir).unwrap();
            copy(template, dir);
        }
    }

    fn with_foreign(&self, set: &Set) -> Tree {
        let mut tree = sealed(set);
        tree.extend(self.foreign.clone());
        tree
    }

    fn new_tree(&self) -> Tree {
        self.with_foreign(&self.new)
    }

    /// Whether every file is one of those that were there or shall be there.
    fn assert_whole(&self, found: &Tree, what: &str) {
        let new = self.new_tree();
        for (path, node) in found {
            let known = self.before.iter().chain([&new]).any(|tree| tree.get(path) == Some(node));
            assert!(known, "{what}: {path} is {node:?}");
        }
        for (path, node) in &self.foreign {
            assert_eq!(found.get(path), Some(node), "{what}: {path}");
        }
    }

    /// Checks the folder after a build that ended with `code`, or was killed.
    fn assert_recovers(&self, dir: &Path, code: Option<i32>, what: &str) {
        let found = visible(dir);
        let new = self.new_tree();
        let decided = dir.join(STAGING).join("journal").exists();
        self.assert_whole(&found, what);
        if code == Some(0) {
            assert_eq!(tree(dir), new, "{what}");
            return;
        }
        if !decided && dir.exists() {
            let one_set = found == new || self.before.contains(&found);
            assert!(one_set, "{what}: neither old nor new: {:?}", found.keys());
        }
        let _ = check(dir, &self.new);
        assert_eq!(visible(dir), found, "{what}: a plan changed something");
        // A build that is refused leaves one whole set, because the one before it is ended first.
        if let Some(path) = self.foreign.iter().find(|(_, node)| matches!(node, Node::File(_))).map(|it| it.0)
            && dir.exists()
        {
            let mut refused = self.new.clone();
            refused.insert(path.clone(), "1\n".to_owned());
            let error = write(dir, &files(&refused), &options(true, true)).expect_err(what);
            assert_eq!(codes(&error), ["E0404"], "{what}");
            let found = tree(dir);
            let one_set = found == new || self.before.contains(&found);
            assert!(one_set, "{what}: neither old nor new after the next: {:?}", found.keys());
        }
        let force = self.flags.contains("force");
        write(dir, &files(&self.new), &options(force, true)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(tree(dir), new, "{what}");
        assert!(check(dir, &self.new).unwrap().is_clean(), "{what}");
    }

    fn run(&self, temp: &Path) {
        if !can_trace() {
            return missing("strace cannot be used, so no system call was made to fail");
        }
        let points = self.points(temp);
        assert!(points.iter().map(|(_, numbers)| numbers.len()).sum::<usize>() > 10, "{points:?}");
        let (mut total, mut kills) = (0, 0);
        for (call, numbers) in &points {
            for (number, fault) in numbers.iter().flat_map(|number| faults(call, *number).map(move |it| (number, it))) {
                let dir = temp.join(format!("{call}-{number}-{fault}"));
                self.prepare(&dir);
                let what = format!("{call} number {number} with {fault}");
                let code = self.inject(&dir, &format!("{call}:{fault}:when={number}"));
                (total, kills) = (total + 1, kills + usize::from(code.is_none()));
                assert!(code.is_none() == fault.contains("KILL"), "{what}: ended with {code:?}");
                self.assert_recovers(&dir, code, &what);
                fs::remove_dir_all(&dir).unwrap();
            }
        }
        assert!(kills >= 10, "{kills}");
        eprintln!("{total} faults, {kills} of them kills");
    }

    fn strace(&self, dir: &Path, arguments: &[&str]) -> Option<i32> {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq"]).args(arguments).arg(std::env::current_exe().unwrap());
        add_writer(&mut command, dir, &self.new, self.flags);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
    }

    fn inject(&self, dir: &Path, fault: &str) -> Option<i32> {
        let call = fault.split(':').next().unwrap();
        self.strace(dir, &["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={fault}")])
    }

    /// Which system calls the writing makes, each with the numbers that they have in the whole run.
    fn points(&self, temp: &Path) -> Vec<(String, Vec<usize>)> {
        let dir = temp.join("untouched");
        self.prepare(&dir);
        let log = temp.join("log");
        assert_eq!(self.strace(&dir, &["-o", log.to_str().unwrap()]), Some(0));
        assert_eq!(tree(&dir), self.new_tree());
        let log = fs::read_to_string(log).unwrap();
        let start = log.lines().find(|line| line.contains("/polder-test-start")).unwrap();
        let thread = start.split(' ').next().unwrap();
        let (mut counts, mut points) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, Vec<usize>>::new());
        let mut inside = false;
        for line in log.lines().filter(|line| line.split(' ').next() == Some(thread)) {
            let rest = line[thread.len()..].trim_start();
            let Some((call, _)) = rest.split_once('(').filter(|_| !rest.starts_with(['<', '+', '-'])) else { continue };
            *counts.entry(call).or_default() += 1;
            if line.contains("/polder-test-end") {
                break;
            }
            if inside {
                points.entry(call).or_default().push(counts[call]);
            }
            inside |= line.contains("/polder-test-start");
        }
        // Memory, locks between threads and sleep touch no file.
        let harmless =
            ["mmap", "munmap", "brk", "mremap", "madvise", "mprotect", "futex", "sched_getaffinity", "prctl"];
        points.retain(|call, _| !harmless.contains(call));
        for call in points.keys() {
            assert!(WRITING.contains(call) || READING.contains(call), "a new kind of call: {call}");
        }
        points.into_iter().map(|(call, numbers)| (call.to_owned(), numbers)).collect()
    }
}

/// A scenario over a folder that holds `old` and some foreign files.
fn over(temp: &Path, old: &[(&str, &str)], new: &[(&str, &str)], flags: &'static str) -> Scenario {
    let template = temp.join("template");
    build(&template, &set(old)).unwrap();
    put(&template, "a/foreign.yaml", "foreign\n");
    put(&template, "notes.txt", "notes\n");
    let mut foreign = tree(&template);
    foreign.retain(|path, _| ["a", "a/foreign.yaml", "notes.txt"].contains(&path.as_str()));
    let before = vec![tree(&template)];
    Scenario { template: Some(template), foreign, before, new: set(new), flags }
}

#[test]
fn a_new_folder() {
    let temp = temp_dir();
    let new = set(&[("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1"), ("kustomization.yaml", "1")]);
    let before = vec![Tree::new()];
    Scenario { template: None, foreign: Tree::new(), before, new, flags: "" }.run(temp.path());
}

#[test]
fn an_update() {
    let temp = temp_dir();
    let old = [("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1"), ("kustomization.yaml", "1")];
    let new = [("a/x.yaml", "2"), ("a/y.yaml", "1"), ("b/z.yaml", "2"), ("c/w.yaml", "1"), ("kustomization.yaml", "2")];
    over(temp.path(), &old, &new, "").run(temp.path());
}

#[test]
fn a_removal() {
    let temp = temp_dir();
    let old = [("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1"), ("kustomization.yaml", "1")];
    over(temp.path(), &old, &[("a/x.yaml", "1")], "").run(temp.path());
}

#[test]
fn a_removal_of_everything() {
    let temp = temp_dir();
    over(temp.path(), &[("a/x.yaml", "1"), ("b/z.yaml", "1")], &[], "allow-empty").run(temp.path());
}

#[test]
fn a_renamed_namespace() {
    let temp = temp_dir();
    let old = [("b/x.yaml", "1"), ("b/y.yaml", "1")];
    over(temp.path(), &old, &[("c/x.yaml", "1"), ("c/y.yaml", "1")], "").run(temp.path());
}

#[test]
fn a_forced_update() {
    let temp = temp_dir();
    let mut scenario = over(temp.path(), &[("a/x.yaml", "1"), ("b/y.yaml", "1")], &[("a/x.yaml", "2")], "force");
    let template = scenario.template.clone().unwrap();
    put(&template, "a/x.yaml", seal("1\n") + "edited\n");
    put(&template, "b/y.yaml", seal("1\n") + "edited\n");
    scenario.before = vec![tree(&template)];
    scenario.run(temp.path());
}

#[test]
fn remains_of_a_build_that_had_not_decided() {
    let temp = temp_dir();
    let scenario = over(temp.path(), &[("a/x.yaml", "1")], &[("a/x.yaml", "2"), ("b/y.yaml", "2")], "");
    let template = scenario.template.as_ref().unwrap();
    put(template, ".polder-staging/.gitignore", "*\n");
    put(template, ".polder-staging/0/y.yaml", seal("1\n"));
    put(template, ".polder-staging/1", &seal("1\n")[..20]);
    scenario.run(temp.path());
}

#[test]
fn a_build_that_was_killed_while_it_swapped() {
    let temp = temp_dir();
    let old = [("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1")];
    let middle = set(&[("a/x.yaml", "2"), ("a/y.yaml", "2"), ("c/w.yaml", "2")]);
    let mut first = over(temp.path(), &old, &[], "");
    first.new = middle.clone();
    if !can_trace() {
        return missing("strace cannot be used, so no build was killed");
    }
    // The renames are the record, the folder c, and the two files of a: killed in front of the last.
    let points = first.points(temp.path());
    let (call, numbers) = points.iter().find(|(call, _)| call.starts_with("rename")).unwrap();
    let killed = temp.path().join("killed");
    first.prepare(&killed);
    assert_eq!(first.inject(&killed, &format!("{call}:signal=KILL:when={}", numbers[3])), None);
    assert!(killed.join(STAGING).join("journal").exists());
    let mixed = visible(&killed);
    assert!(mixed != first.before[0] && mixed != first.with_foreign(&middle), "half of it is done");

    let second = Scenario {
        template: Some(killed),
        before: vec![first.with_foreign(&middle), mixed],
        foreign: first.foreign,
        new: set(&[("a/x.yaml", "3"), ("d/v.yaml", "3")]),
        flags: "",
    };
    let temp = temp_dir();
    second.run(temp.path());
}

/// Many folders are looked at by two threads; where the system gives no second one, the first does it all.
#[test]
fn a_build_that_gets_no_other_thread() {
    if !can_trace() {
        return missing("strace cannot be used, so no thread was refused");
    }
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return;
    }
    let names: Vec<String> = (10..40).map(|folder| format!("n{folder}/x.yaml")).collect();
    let of = |names: &[String], text: &'static str| -> Set {
        set(&names.iter().map(|name| (name.as_str(), text)).collect::<Vec<_>>())
    };
    let temp = temp_dir();
    let mut scenario = over(temp.path(), &[], &[], "");
    fs::remove_dir_all(scenario.template.as_ref().unwrap()).unwrap();
    build(scenario.template.as_ref().unwrap(), &of(&names, "1")).unwrap();
    scenario.foreign.clear();
    scenario.new = of(&names[..28], "2");
    let log = temp.path().join("clones");
    let run = |dir: &str, inject: &[&str]| {
        let dir = temp.path().join(dir);
        scenario.prepare(&dir);
        let arguments = [&["-o", log.to_str().unwrap(), "-e", "trace=clone,clone3"], inject].concat();
        assert_eq!(scenario.strace(&dir, &arguments), Some(0), "{inject:?}");
        assert_eq!(tree(&dir), scenario.new_tree(), "{inject:?}");
        fs::read_to_string(&log).unwrap()
    };
    // The first is the one that the test itself would run in.
    let usual = run("usual", &[]).lines().filter(|line| line.contains("clone3(") || line.contains("clone(")).count();
    let refused = run("refused", &["-e", "inject=clone,clone3:error=EAGAIN:when=1+"]).matches("INJECTED").count();
    assert_eq!((usual, refused), (2, 2));
}

/// A small file system that is gone with this value.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, with: &str) -> Option<Small> {
        fs::create_dir_all(at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", with, "polder-test"]).arg(at).output();
        mount.is_ok_and(|done| done.status.success()).then(|| Small(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Builds with ever more room until it succeeds; each failure must leave the old set and no remains.
fn with_ever_more_room(option: &str, rooms: impl Iterator<Item = u32>) {
    let temp = tempfile::tempdir().unwrap();
    let long = "x".repeat(9000);
    let old = set(&[("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1")]);
    let new = set(&[("a/x.yaml", &long), ("a/y.yaml", "2"), ("c/w.yaml", &long), ("c/v.yaml", "2"), ("k.yaml", "2")]);
    let mut refusals = 0;
    for room in rooms {
        let at = temp.path().join("small");
        let Some(_small) = Small::mount(&at, &option.replace("{}", &room.to_string())) else {
            return missing("no right to mount a small file system, so no disk was filled");
        };
        let dir = at.join("out");
        if build(&dir, &old).is_err() {
            assert_eq!(tree(&dir).len(), 0, "room {room}");
            continue;
        }
        let status = writer(&dir, &new, "").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        if status.success() {
            assert_eq!(tree(&dir), sealed(&new));
            assert!(refusals >= 2, "{refusals}");
            return;
        }
        assert_eq!(status.code(), Some(2));
        assert_eq!(tree(&dir), sealed(&old), "room {room}");
        refusals += 1;
    }
    panic!("there was never room enough");
}

#[test]
fn a_full_disk() {
    with_ever_more_room("size={}k", (8..200).step_by(4));
}

#[test]
fn a_disk_without_room_for_more_files() {
    with_ever_more_room("size=10m,nr_inodes={}", 4..60);
}
