//! Planted links, pipes and records: nothing outside the folder is read, changed or waited for.

use crate::output::support::{Node, STAGING, build, check, codes, files, options, put, sealed, set, temp_dir, tree};
use polder::output::{seal, write};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs on a thread of its own and fails if that hangs.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    receive.recv_timeout(Duration::from_secs(20)).expect("hangs")
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Plants something, builds `a/x.yaml` and `a/y.yaml` over it with and without force; gives the codes.
fn refused(plant: impl FnOnce(&Path, &Path)) -> Vec<&'static str> {
    let temp = temp_dir();
    let (dir, outside) = (temp.path().join("out"), temp.path().join("outside"));
    put(&outside, "secret.yaml", "secret\n");
    put(&outside, "x.yaml", seal("0\n"));
    put(&outside, "folder/x.yaml", seal("0\n"));
    fs::create_dir(&dir).unwrap();
    plant(&dir, &outside);
    let before = tree(temp.path());
    let wanted = set(&[("a/x.yaml", "1"), ("a/y.yaml", "1")]);
    let (found, force) = in_time({
        let dir = dir.clone();
        move || (build(&dir, &wanted), write(&dir, &files(&wanted), &options(true, true)))
    });
    assert_eq!(tree(temp.path()), before);
    let found = found.unwrap_err();
    assert_eq!(force.unwrap_err().to_string(), found.to_string());
    if tree(&dir).iter().any(|(path, node)| matches!(node, Node::Link(_)) && path.starts_with('a')) {
        assert!(found.to_string().contains("is a symbolic link"), "{found}");
    }
    codes(&found)
}

#[test]
fn links_in_the_way_are_never_followed() {
    type Plant = fn(&Path, &Path);
    let at_file: [Plant; 9] = [
        |dir, out| symlink(out.join("secret.yaml"), dir.join("a/x.yaml")).unwrap(),
        |dir, out| symlink(out.join("x.yaml"), dir.join("a/x.yaml")).unwrap(),
        |dir, out| symlink(out.join("folder"), dir.join("a/x.yaml")).unwrap(),
        |dir, out| symlink(out.join("nothing"), dir.join("a/x.yaml")).unwrap(),
        |dir, _| symlink("x.yaml", dir.join("a/x.yaml")).unwrap(),
        |dir, _| symlink("../../outside/x.yaml", dir.join("a/x.yaml")).unwrap(),
        |dir, _| symlink("other.yaml", dir.join("a/x.yaml")).unwrap(),
        |dir, _| symlink("/dev/null", dir.join("a/x.yaml")).unwrap(),
        |dir, _| symlink("/proc/self/fd/1", dir.join("a/x.yaml")).unwrap(),
    ];
    for plant in at_file {
        let found = refused(|dir, outside| {
            put(dir, "a/other.yaml", "mine\n");
            plant(dir, outside);
        });
        assert_eq!(found, ["E0409"]);
    }
    let at_folder: [Plant; 7] = [
        |dir, out| symlink(out.join("folder"), dir.join("a")).unwrap(),
        |dir, out| symlink(out.join("x.yaml"), dir.join("a")).unwrap(),
        |dir, out| symlink(out.join("nothing"), dir.join("a")).unwrap(),
        |dir, _| symlink("a", dir.join("a")).unwrap(),
        |dir, _| symlink(".", dir.join("a")).unwrap(),
        |dir, _| symlink("..", dir.join("a")).unwrap(),
        |dir, _| symlink("/", dir.join("a")).unwrap(),
    ];
    for plant in at_folder {
        assert_eq!(refused(plant), ["E0409"]);
    }
    let at_staging: [Plant; 5] = [
        |dir, out| symlink(out, dir.join(STAGING)).unwrap(),
        |dir, _| symlink("..", dir.join(STAGING)).unwrap(),
        |dir, _| symlink("nothing", dir.join(STAGING)).unwrap(),
        |dir, _| symlink(STAGING, dir.join(STAGING)).unwrap(),
        |dir, _| put(dir, STAGING, "mine\n"),
    ];
    for plant in at_staging {
        assert_eq!(refused(plant), ["E0409"]);
    }
}

#[test]
fn things_that_are_no_files_are_in_the_way() {
    type Plant = fn(&Path, &Path);
    let plants: [Plant; 6] = [
        |dir, _| pipe(&dir.join("a/x.yaml")),
        |dir, _| fs::create_dir(dir.join("a/x.yaml")).unwrap(),
        |dir, _| put(dir, "a/x.yaml/x.yaml", seal("1\n")),
        |dir, _| drop(std::os::unix::net::UnixListener::bind(dir.join("a/x.yaml")).unwrap()),
        |dir, _| {
            fs::remove_dir(dir.join("a")).unwrap();
            pipe(&dir.join("a"));
        },
        |dir, _| {
            fs::remove_dir(dir.join("a")).unwrap();
            put(dir, "a", seal("1\n"));
        },
    ];
    for plant in plants {
        let found = refused(|dir, outside| {
            fs::create_dir(dir.join("a")).unwrap();
            plant(dir, outside);
        });
        assert_eq!(found, ["E0409"]);
    }
}

#[test]
fn what_is_not_in_the_way_is_left_alone() {
    let temp = temp_dir();
    let (dir, outside) = (temp.path().join("out"), temp.path().join("outside"));
    put(&outside, "x.yaml", seal("0\n"));
    fs::create_dir_all(dir.join("a")).unwrap();
    for (at, to) in [("l", "../outside"), ("a/l", "../../outside"), ("a/m.yaml", "../../outside/x.yaml"), ("n", "n")] {
        symlink(to, dir.join(at)).unwrap();
    }
    pipe(&dir.join("pipe"));
    pipe(&dir.join("a/pipe.yaml"));
    let before = tree(temp.path());
    let wanted = set(&[("a/x.yaml", "1"), ("b/x.yaml", "1")]);
    in_time({
        let dir = dir.clone();
        let wanted = wanted.clone();
        move || build(&dir, &wanted).unwrap()
    });
    let mut expected = before;
    expected.extend(sealed(&wanted).into_iter().map(|(path, node)| (format!("out/{path}"), node)));
    assert_eq!(tree(temp.path()), expected);
}

#[test]
fn the_folder_itself_may_be_a_link() {
    let temp = temp_dir();
    fs::create_dir(temp.path().join("real")).unwrap();
    symlink("real", temp.path().join("out")).unwrap();
    symlink("nothing", temp.path().join("dangling")).unwrap();
    symlink("loop", temp.path().join("loop")).unwrap();
    let wanted = set(&[("a/x.yaml", "1")]);
    build(&temp.path().join("out"), &wanted).unwrap();
    assert_eq!(tree(&temp.path().join("real")), sealed(&wanted));
    assert_eq!(codes(&build(&temp.path().join("dangling"), &wanted).unwrap_err()), ["E0409"]);
    assert_eq!(codes(&build(&temp.path().join("loop"), &wanted).unwrap_err()), ["E0408"]);
    assert!(!temp.path().join("nothing").exists());
}

#[test]
fn other_names_of_a_file_keep_its_bytes() {
    let temp = temp_dir();
    let dir = temp.path().join("out");
    build(&dir, &set(&[("a/x.yaml", "1"), ("a/y.yaml", "1"), ("a/z.yaml", "1")])).unwrap();
    for name in ["x", "y", "z"] {
        fs::hard_link(dir.join(format!("a/{name}.yaml")), temp.path().join(name)).unwrap();
    }
    put(&dir, "a/z.yaml", seal("1\n") + "edited\n");
    write(&dir, &files(&set(&[("a/x.yaml", "2"), ("a/z.yaml", "2")])), &options(true, false)).unwrap();
    let bytes = |name: &str| fs::read_to_string(temp.path().join(name)).unwrap();
    assert_eq!((bytes("x"), bytes("y"), bytes("z")), (seal("1\n"), seal("1\n"), seal("1\n") + "edited\n"));
}

/// Plants a record and staged files, builds `a/x.yaml`, and gives what is there afterwards.
fn with_record(record: &str, staged: &[(&str, &str)]) -> (tempfile::TempDir, Result<(), Vec<&'static str>>) {
    let temp = temp_dir();
    let dir = temp.path().join("out");
    put(temp.path(), "outside/x.yaml", seal("0\n"));
    build(&dir, &set(&[("a/x.yaml", "1")])).unwrap();
    put(&dir, "a/foreign.yaml", "foreign\n");
    put(&dir, ".hidden.yaml", seal("0\n"));
    put(&dir, "a/edited.yaml", "foreign too\n");
    symlink("../outside", dir.join("l")).unwrap();
    put(&dir, ".polder-staging/journal", seal(record));
    for (path, text) in staged {
        put(&dir, &format!(".polder-staging/{path}"), text);
    }
    let result = build(&dir, &set(&[("a/x.yaml", "1")])).map(drop).map_err(|error| codes(&error));
    (temp, result)
}

fn sha(text: &str) -> String {
    // The seal carries the checksum of what it is given.
    seal(text).lines().next().unwrap().rsplit(':').next().unwrap().to_owned()
}

#[test]
fn a_planted_record_cannot_touch_what_is_not_ours() {
    let foreign = sha("foreign\n");
    let owned = sha(&seal("0\n"));
    let new = seal("new\n");
    let good = new.as_str();
    let record = |folders: &str, files: &str, removals: &str| {
        format!(r#"{{"folders":[{folders}],"files":[{files}],"removals":[{removals}]}}"#)
    };
    let removal = |path: &str, old: &str| record("", "", &format!(r#"{{"path":"{path}","old":"{old}"}}"#));
    let file = |path: &str, old: &str| record("", &format!(r#"{{"staged":0,"path":"{path}","old":{old}}}"#), "");
    let folder = |name: &str| record(&format!(r#"{{"staged":0,"name":"{name}"}}"#), "", "");
    let cases: Vec<(String, Vec<(&str, &str)>)> = vec![
        (removal("a/foreign.yaml", &foreign), vec![]),
        (removal("../outside/x.yaml", &owned), vec![]),
        (removal("l/x.yaml", &owned), vec![]),
        (removal("a/../../outside/x.yaml", &owned), vec![]),
        (removal("/etc/passwd", &owned), vec![]),
        (removal(".hidden.yaml", &owned), vec![]),
        (removal("", &owned), vec![]),
        (removal("l", &owned), vec![]),
        (removal("a", &owned), vec![]),
        (file("a/foreign.yaml", "null"), vec![("0", good)]),
        (file("a/foreign.yaml", &format!("\"{foreign}\"")), vec![("0", good)]),
        (file("l/x.yaml", &format!("\"{owned}\"")), vec![("0", good)]),
        (file("../outside/x.yaml", &format!("\"{owned}\"")), vec![("0", good)]),
        (file("l", "null"), vec![("0", good)]),
        (file("a/new.yaml", "null"), vec![("0", "not whole")]),
        (file("a/new.yaml", "null"), vec![("0/x.yaml", good)]),
        (file("A/new.yaml", "null"), vec![("0", good)]),
        (folder("a"), vec![("0/foreign.yaml", good)]),
        (folder("l"), vec![("0/x.yaml", good)]),
        (folder("../outside"), vec![("0/x.yaml", good)]),
        (folder("b"), vec![("0/x.yaml", "not whole")]),
        (folder("b"), vec![("0", good)]),
        (folder(".git"), vec![("0/config", good)]),
        ("{}".to_owned(), vec![("0", good)]),
        ("not a record".to_owned(), vec![]),
        (r#"{"folders":[],"files":[],"removals":[],"more":1}"#.to_owned(), vec![]),
    ];
    for (record, staged) in cases {
        let (temp, result) = with_record(&record, &staged);
        assert_eq!(result, Ok(()), "{record}");
        let found = tree(temp.path());
        let mut expected = sealed(&set(&[("outside/x.yaml", "0")]));
        expected.insert("out".to_owned(), Node::Folder);
        expected.insert("out/a".to_owned(), Node::Folder);
        expected.insert("out/a/x.yaml".to_owned(), Node::File(seal("1\n").into_bytes()));
        expected.insert("out/.hidden.yaml".to_owned(), Node::File(seal("0\n").into_bytes()));
        expected.insert("out/a/foreign.yaml".to_owned(), Node::File(b"foreign\n".to_vec()));
        expected.insert("out/a/edited.yaml".to_owned(), Node::File(b"foreign too\n".to_vec()));
        expected.insert("out/l".to_owned(), Node::Link("../outside".into()));
        assert_eq!(found, expected, "{record}");
    }
}

#[test]
fn a_torn_record_is_forgotten() {
    let whole = r#"{"folders":[],"files":[{"staged":0,"path":"a/x.yaml","old":null}],"removals":[]}"#;
    let sealed_record = seal(whole);
    for cut in [0, 10, sealed_record.len() - 1] {
        let temp = temp_dir();
        build(temp.path(), &set(&[("a/y.yaml", "1")])).unwrap();
        put(temp.path(), ".polder-staging/journal", &sealed_record[..cut]);
        put(temp.path(), ".polder-staging/0", seal("new\n"));
        build(temp.path(), &set(&[("a/y.yaml", "1")])).unwrap();
        assert_eq!(tree(temp.path()), sealed(&set(&[("a/y.yaml", "1")])));
    }
}

#[test]
fn strange_things_in_the_staging_folder_are_kept_and_told() {
    type Plant = fn(&Path);
    let plants: [Plant; 5] = [
        |dir| put(dir, ".polder-staging/notes.txt", "mine\n"),
        |dir| put(dir, ".polder-staging/0/deep/x.yaml", "mine\n"),
        |dir| put(dir, ".polder-staging/00", "mine\n"),
        |dir| put(dir, ".polder-staging/0/My Notes", "mine\n"),
        |dir| {
            put(dir, ".polder-staging/0", "torn");
            pipe(&dir.join(".polder-staging/1"));
        },
    ];
    for plant in plants {
        let temp = temp_dir();
        build(temp.path(), &set(&[("a/x.yaml", "1")])).unwrap();
        plant(temp.path());
        let mut before = tree(temp.path());
        before
            .remove(".polder-staging/0")
            .filter(|node| *node == Node::Folder)
            .map(|node| before.insert(".polder-staging/0".to_owned(), node));
        assert_eq!(codes(&build(temp.path(), &set(&[("a/x.yaml", "2")])).unwrap_err()), ["E0404"]);
        assert_eq!(tree(temp.path()), before);
    }
    let temp = temp_dir();
    put(temp.path(), "victim", "bytes\n");
    build(&temp.path().join("out"), &set(&[("a/x.yaml", "1")])).unwrap();
    fs::create_dir(temp.path().join("out/.polder-staging")).unwrap();
    symlink("../../victim", temp.path().join("out/.polder-staging/0")).unwrap();
    symlink("../../victim", temp.path().join("out/.polder-staging/journal")).unwrap();
    assert!(check(&temp.path().join("out"), &set(&[("a/x.yaml", "1")])).unwrap().interrupted);
    let _ = build(&temp.path().join("out"), &set(&[("a/x.yaml", "1")]));
    assert_eq!(fs::read(temp.path().join("victim")).unwrap(), b"bytes\n");
}

/// What stands in the folder is changed for links and back while builds run over it.
#[test]
fn links_that_come_and_go_during_a_build_are_never_followed() {
    let temp = temp_dir();
    let (dir, outside) = (temp.path().join("out"), temp.path().join("outside"));
    for name in ["x.yaml", "y.yaml", "z.yaml"] {
        put(&outside, &format!("a/{name}"), seal("1\n"));
    }
    let before = tree(&outside);
    fs::create_dir(&dir).unwrap();
    let done = AtomicBool::new(false);
    let (mut written, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Any of these may lose against the build.
                let _ = fs::rename(dir.join("a"), dir.join(".aside"));
                let _ = symlink(outside.join("a"), dir.join("a"));
                std::thread::yield_now();
                let _ = fs::remove_file(dir.join("a"));
                let _ = fs::rename(dir.join(".aside"), dir.join("a"));
                let _ = fs::remove_dir_all(dir.join(".aside"));
                std::thread::sleep(Duration::from_micros(300));
                let _ = fs::remove_file(dir.join("a/x.yaml"));
                let _ = symlink(outside.join("a/x.yaml"), dir.join("a/x.yaml"));
                std::thread::yield_now();
                let _ = fs::remove_file(dir.join("a/x.yaml"));
            }
        });
        for round in 0..500 {
            let body = round.to_string();
            let wanted =
                if round % 3 == 0 { vec![("b/x.yaml", "1")] } else { vec![("a/x.yaml", &*body), ("a/z.yaml", &*body)] };
            match write(&dir, &files(&set(&wanted)), &options(true, true)) {
                Ok(_) => written += 1,
                Err(_) => refused += 1,
            }
            if tree(&outside) != before {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(tree(&outside), before);
    assert!(written > 0 && refused > 0, "{written} written, {refused} refused");
}
