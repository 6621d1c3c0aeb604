//! What a build does to an ordinary folder.

use crate::output::support::{build, check, codes, files, options, put, sealed, set, temp_dir, tree};
use polder::output::{BuildOptions, ChangeKind, OutputError, plan, seal, write};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

fn changes(plan: &polder::output::Plan) -> Vec<(&str, ChangeKind)> {
    plan.changes.iter().map(|change| (change.path.as_str(), change.change)).collect()
}

#[test]
fn a_folder_is_created_updated_and_emptied() {
    let temp = temp_dir();
    let dir = temp.path().join("deep/er/out");
    let first = set(&[("kustomization.yaml", "k"), ("a/x.yaml", "1"), ("a/y.yaml", "1"), ("b/z.yaml", "1")]);
    let planned = check(&dir, &first).unwrap();
    assert!(!dir.exists(), "a plan writes nothing");
    let done = build(&dir, &first).unwrap();
    assert_eq!(planned, done);
    assert!(done.changes.iter().all(|change| change.change == ChangeKind::Create && change.old.is_none()));
    assert_eq!(tree(&dir), sealed(&first));
    assert!(check(&dir, &first).unwrap().is_clean());

    let second = set(&[("a/x.yaml", "2"), ("a/y.yaml", "1"), ("c/w.yaml", "1")]);
    let planned = check(&dir, &second).unwrap();
    assert_eq!(tree(&dir), sealed(&first));
    let done = build(&dir, &second).unwrap();
    assert_eq!(planned, done);
    assert_eq!(done.unchanged, 1);
    let expected = [
        ("a/x.yaml", ChangeKind::Update),
        ("b/z.yaml", ChangeKind::Remove),
        ("c/w.yaml", ChangeKind::Create),
        ("kustomization.yaml", ChangeKind::Remove),
    ];
    assert_eq!(changes(&done), expected);
    assert_eq!(done.changes[0].old.as_deref(), Some(seal("1\n").as_bytes()));
    assert_eq!(tree(&dir), sealed(&second), "the folder b is gone too");

    let error = build(&dir, &set(&[])).unwrap_err();
    assert!(matches!(error, OutputError::WouldBeEmpty { owned: 3 }), "{error}");
    assert_eq!(codes(&error), ["E0406"]);
    assert_eq!(tree(&dir), sealed(&second));
    write(&dir, &[], &options(false, true)).unwrap();
    assert_eq!(tree(&dir), sealed(&set(&[])));
    assert!(build(&dir, &set(&[])).unwrap().is_clean(), "there was nothing, so nothing is lost");
}

#[test]
fn nothing_is_created_for_nothing() {
    let temp = temp_dir();
    build(&temp.path().join("out"), &set(&[])).unwrap();
    assert!(tree(temp.path()).is_empty());
}

#[test]
fn unchanged_files_keep_their_times() {
    let temp = temp_dir();
    let dir = temp.path();
    build(dir, &set(&[("a/x.yaml", "1"), ("a/y.yaml", "1")])).unwrap();
    let past = SystemTime::now() - Duration::from_secs(5000);
    for path in ["a/x.yaml", "a/y.yaml"] {
        fs::File::open(dir.join(path)).unwrap().set_modified(past).unwrap();
    }
    let times = || ["a/x.yaml", "a/y.yaml"].map(|path| fs::metadata(dir.join(path)).unwrap().modified().unwrap());
    let before = times();
    build(dir, &set(&[("a/x.yaml", "1"), ("a/y.yaml", "1")])).unwrap();
    assert_eq!(times(), before);
    build(dir, &set(&[("a/x.yaml", "1"), ("a/y.yaml", "2")])).unwrap();
    assert_eq!(times()[0], before[0]);
    assert!(times()[1] > before[1]);
}

#[test]
fn all_conflicts_are_told_and_nothing_is_written() {
    let temp = temp_dir();
    let dir = temp.path();
    build(dir, &set(&[("a/x.yaml", "1"), ("a/old.yaml", "1"), ("a/y.yaml", "1")])).unwrap();
    put(dir, "a/x.yaml", seal("1\n") + "# mine\n");
    put(dir, "a/old.yaml", seal("1\n").replace('1', "2"));
    put(dir, "a/foreign.yaml", "kind: NetworkPolicy\n");
    put(dir, "b", "a file\n");
    put(dir, "C/z.yaml", "upper\n");
    put(dir, "d.yaml/inner", "x\n");
    put(dir, "a/unrelated.yaml", "kind: Pod\n");
    let wanted = [
        ("a/x.yaml", "2"),
        ("a/y.yaml", "2"),
        ("a/foreign.yaml", "1"),
        ("b/z.yaml", "1"),
        ("c/z.yaml", "1"),
        ("d.yaml", "1"),
    ];
    let before = tree(dir);
    let error = build(dir, &set(&wanted)).unwrap_err();
    assert_eq!(tree(dir), before);
    assert_eq!(error.to_string(), check(dir, &set(&wanted)).unwrap_err().to_string());
    let said: Vec<String> =
        error.diagnostics("out/").iter().map(|it| format!("{} {}", it.code.as_str(), it.message)).collect();
    assert_eq!(
        said,
        [
            "E0404 `out/a/foreign.yaml` is in the way and was not written by Polder",
            "E0405 `out/a/old.yaml` was edited after Polder wrote it",
            "E0405 `out/a/x.yaml` was edited after Polder wrote it",
            "E0409 `out/b` is in the way: it is not a folder",
            "E0409 `out/c` and the existing `out/C` differ only in the case of letters",
            "E0409 `out/d.yaml` is in the way: it is not a regular file",
        ]
    );
    let forced = write(dir, &files(&set(&wanted)), &options(true, false)).unwrap_err();
    assert_eq!(codes(&forced), ["E0404", "E0409", "E0409", "E0409"], "force takes edited files only");
    assert_eq!(tree(dir), before);
    write(dir, &files(&set(&[("a/x.yaml", "2")])), &options(true, false)).unwrap();
    let mut after = before;
    after.retain(|path, _| path != "a/old.yaml" && path != "a/y.yaml");
    after.extend(sealed(&set(&[("a/x.yaml", "2")])));
    assert_eq!(tree(dir), after);
}

#[test]
fn policies_of_others_are_told_where_tools_apply_them() {
    let temp = temp_dir();
    let wanted = set(&[("a/x.yaml", "1")]);
    build(temp.path(), &wanted).unwrap();
    for name in ["a/p.yaml", "a/p.yml", "a/p.json", "a/notes.txt", "a/p.yaml.orig"] {
        put(temp.path(), name, "kind: NetworkPolicy\n");
    }
    put(temp.path(), "a/pod.yaml", "kind: Pod\n");
    assert_eq!(check(temp.path(), &wanted).unwrap().foreign, ["a/p.json", "a/p.yaml", "a/p.yml"]);
}

#[test]
fn a_file_is_no_output_folder() {
    let temp = temp_dir();
    put(temp.path(), "out", "text\n");
    for dir in ["out", "out/inner"] {
        let error = build(&temp.path().join(dir), &set(&[("x.yaml", "1")])).unwrap_err();
        assert_eq!(codes(&error), ["E0409"], "{dir}");
        assert_eq!(codes(&check(&temp.path().join(dir), &set(&[])).unwrap_err()), ["E0409"]);
    }
    assert_eq!(fs::read(temp.path().join("out")).unwrap(), b"text\n");
}

#[test]
fn hidden_entries_and_deeper_folders_are_left_alone() {
    let temp = temp_dir();
    let dir = temp.path();
    for path in [".git/x.yaml", ".x.yaml", "a/.x.yaml", "a/b/x.yaml"] {
        put(dir, path, seal("1\n"));
    }
    put(dir, "a/Copy of x.yaml", seal("1\n"));
    put(dir, "Moved/x.yaml", seal("1\n"));
    let done = build(dir, &set(&[("y.yaml", "1")])).unwrap();
    let expected = [
        ("Moved/x.yaml", ChangeKind::Remove),
        ("a/Copy of x.yaml", ChangeKind::Remove),
        ("y.yaml", ChangeKind::Create),
    ];
    assert_eq!(changes(&done), expected, "Polder's bytes are Polder's wherever they went");
    let left: Vec<String> = tree(dir).into_keys().collect();
    assert_eq!(left, [".git", ".git/x.yaml", ".x.yaml", "a", "a/.x.yaml", "a/b", "a/b/x.yaml", "y.yaml"]);
}

#[test]
fn a_folder_in_use_is_refused_at_last() {
    let temp = temp_dir();
    let wanted = set(&[("x.yaml", "1")]);
    build(temp.path(), &wanted).unwrap();
    let holder = fs::File::open(temp.path()).unwrap();
    holder.lock().unwrap();
    let hasty = BuildOptions { wait: Duration::from_millis(30), ..BuildOptions::default() };
    assert_eq!(codes(&write(temp.path(), &files(&wanted), &hasty).unwrap_err()), ["E0407"]);
    assert_eq!(codes(&plan(temp.path(), &files(&wanted), &hasty).unwrap_err()), ["E0407"]);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| build(temp.path(), &wanted));
        std::thread::sleep(Duration::from_millis(100));
        drop(holder);
        waiting.join().unwrap()
    });
    assert!(waiting.unwrap().is_clean());
}

#[test]
fn a_plan_does_not_touch_an_interrupted_folder() {
    let temp = temp_dir();
    let dir = temp.path();
    let wanted = set(&[("a/x.yaml", "1")]);
    build(dir, &wanted).unwrap();
    put(dir, ".polder-staging/journal", seal(r#"{"folders":[],"files":[],"removals":[]}"#));
    let before = tree(dir);
    let planned = check(dir, &wanted).unwrap();
    assert!(planned.interrupted && !planned.is_clean());
    assert_eq!(tree(dir), before);
    assert!(build(dir, &wanted).unwrap().interrupted);
    assert_eq!(tree(dir), sealed(&wanted));
    assert!(check(Path::new(dir), &wanted).unwrap().is_clean());
}

#[test]
fn many_folders_are_judged_as_few_are() {
    let temp = temp_dir();
    let many = |body: &str| {
        (0..50)
            .flat_map(|folder| (0..3).map(move |file| (folder, file)))
            .map(|(folder, file)| (format!("ns-{folder:02}/f-{file}.yaml"), format!("{body} {folder} {file}\n")))
            .collect::<crate::output::support::Set>()
    };
    assert_eq!(build(temp.path(), &many("one")).unwrap().count(ChangeKind::Create), 150);
    assert_eq!(check(temp.path(), &many("one")).unwrap().unchanged, 150);
    put(temp.path(), "ns-02/f-1.yaml", "foreign\n");
    put(temp.path(), "ns-47/f-1.yaml", "foreign\n");
    assert_eq!(codes(&build(temp.path(), &many("two")).unwrap_err()), ["E0404", "E0404"]);
    fs::remove_file(temp.path().join("ns-02/f-1.yaml")).unwrap();
    fs::remove_file(temp.path().join("ns-47/f-1.yaml")).unwrap();
    let done = build(temp.path(), &many("two")).unwrap();
    assert!(done.changes.is_sorted_by(|one, other| one.path < other.path));
    assert_eq!((done.count(ChangeKind::Update), done.count(ChangeKind::Create)), (148, 2));
    assert_eq!(tree(temp.path()), sealed(&many("two")));
}

/// A folder below that is an output folder itself keeps the file that names its namespaces, which stands where the one
/// of a namespace would.
#[test]
fn another_output_folder_inside_is_left_alone() {
    let kustomization = |resources: &str| format!("kind: \"Kustomization\"\nresources:\n{resources}");
    let temp = temp_dir();
    let sub = temp.path().join("sub");
    let of_sub = kustomization("  - \"other\"\n  - \"shop\"");
    let of_namespace = kustomization("  - \"x.yaml\"");
    let inner = set(&[
        ("kustomization.yaml", &of_sub),
        ("other/kustomization.yaml", &of_namespace),
        ("other/x.yaml", "1"),
        ("shop/kustomization.yaml", &of_namespace),
        ("shop/x.yaml", "1"),
    ]);
    build(&sub, &inner).unwrap();
    let of_outer = kustomization("  - \"old\"\n  - \"shop\"");
    let outer = set(&[
        ("kustomization.yaml", &of_outer),
        ("old/kustomization.yaml", &of_namespace),
        ("old/x.yaml", "1"),
        ("shop/kustomization.yaml", &of_namespace),
        ("shop/x.yaml", "1"),
    ]);
    assert_eq!(build(temp.path(), &outer).unwrap().count(ChangeKind::Remove), 0);
    assert_eq!(tree(&sub), sealed(&inner));

    // What belongs to a namespace that is gone, and the file of the folder itself, go as before.
    let done = build(temp.path(), &set(&[("shop/x.yaml", "1")])).unwrap();
    let gone = ["kustomization.yaml", "old/kustomization.yaml", "old/x.yaml", "shop/kustomization.yaml"];
    assert_eq!(changes(&done), gone.map(|path| (path, ChangeKind::Remove)));
    assert_eq!(tree(&sub), sealed(&inner));

    // Edited or not, it is nothing that a build asks about.
    put(&sub, "kustomization.yaml", format!("{}# edited\n", seal(&format!("{of_sub}\n"))));
    assert!(check(temp.path(), &set(&[("shop/x.yaml", "1")])).unwrap().is_clean());
    write(temp.path(), &[], &options(true, true)).unwrap();
    assert!(sub.join("kustomization.yaml").exists());

    // One of a namespace that somebody edited is still asked about, whatever was added and however its lines end.
    for edited in [of_namespace.replace('\n', "\r\n"), format!("{of_namespace}\n  - \"more\"")] {
        put(temp.path(), "gone/kustomization.yaml", seal(&of_namespace).replace(&of_namespace, &edited));
        assert_eq!(codes(&check(temp.path(), &set(&[("shop/x.yaml", "1")])).unwrap_err()), ["E0405"]);
    }
}
