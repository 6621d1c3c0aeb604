//! `polder import -o FOLDER`, killed or refused at every system call that changes something: no part of the program is ever
//! taken for the whole.

use crate::output::support::{missing, temp_dir};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const POLDER: &str = env!("CARGO_BIN_EXE_polder");

const POLICIES: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: data}
spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}}
";

/// Calls by which files come and go.
const CALLS: [&str; 7] = ["openat", "write", "close", "mkdir", "unlink", "unlinkat", "mkdirat"];

fn trace(dir: &Path, arguments: &[&str]) -> Option<i32> {
    let mut command = Command::new("strace");
    command.current_dir(dir).args(["-f", "-qq"]).args(arguments);
    command.args([POLDER, "import", "live.yaml", "-o", "out", "-q"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
}

/// The files of the folder, sorted, with their texts.
fn files(dir: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(dir.join("out")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<(String, String)> =
        paths.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
    files.sort();
    files
}

fn polder(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(POLDER).current_dir(dir).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_part_of_a_program_is_never_taken_for_the_whole() {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|status| status.success()) {
        return missing("strace cannot be used, so no import was stopped");
    }
    let temp = temp_dir();
    let prepare = |name: &str| {
        let dir = temp.path().join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("live.yaml"), POLICIES).unwrap();
        dir
    };
    let dir = prepare("whole");
    assert_eq!(trace(&dir, &["-o", "log"]), Some(0));
    let whole = files(&dir);
    assert_eq!(
        whole.iter().map(|(name, _)| &**name).collect::<Vec<_>>(),
        ["data.polder", "shared.polder", "shop.polder"]
    );
    // The calls from the folder on, each with its number in the whole run.
    let log = fs::read_to_string(dir.join("log")).unwrap();
    let (mut counts, mut points, mut inside) = ([0; CALLS.len()], Vec::new(), false);
    for line in log.lines() {
        let Some((_, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        let Some(at) = CALLS.iter().position(|one| *one == call) else { continue };
        counts[at] += 1;
        inside |= call.starts_with("mkdir") && line.contains("/out\"");
        if inside {
            points.push((call, counts[at], line.contains("unfinished")));
        }
    }
    let end = points.iter().rposition(|(call, _, unfinished)| *unfinished && call.starts_with("unlink")).unwrap();
    assert!(end > 10, "{points:?}");
    let (mut none, mut parts, mut all) = (0, 0, 0);
    for (call, number, _) in &points[..=end] {
        for fault in ["signal=KILL", "error=ENOSPC"] {
            let what = format!("{call} number {number} with {fault}");
            let dir = prepare(&format!("{call}-{number}-{fault}"));
            let inject = format!("inject={call}:{fault}:when={number}");
            let code = trace(&dir, &["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
            let found = files(&dir);
            if found == whole {
                all += 1;
                continue;
            }
            assert_ne!(code, Some(0), "{what}");
            if code.is_some() {
                assert!(!dir.join("out").exists(), "{what}: {found:?}");
            }
            if found.iter().all(|(name, _)| name == "unfinished-import.polder") {
                none += 1;
                continue;
            }
            parts += 1;
            let (code, errors) = polder(&dir, &["check", "out"]);
            assert!(code != Some(0) && errors.contains("unfinished"), "{what}: {found:?}\n{errors}");
            let (code, errors) = polder(&dir, &["import", "live.yaml", "-o", "out"]);
            assert!(code == Some(2) && errors.contains("was stopped"), "{what}: {errors}");
            assert_eq!(files(&dir), found, "{what}");
        }
    }
    assert!(none > 2 && parts > 5 && all > 0, "{none} {parts} {all}");
}
