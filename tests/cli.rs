//! Runs the command as users do: each folder of `tests/cli/` is a story in a fresh copy of that folder.
//!
//! Its file `cmd` has steps. `$` begins a command; below it stand what it printed, `|` on standard output and `!` on
//! standard error, and `? N` for an exit code other than 0. `#` begins a comment. There is no shell: words are split at
//! spaces, and `"..."` holds them together, with the escapes `\n`, `\e`, `\xNN`, `\"` and `\\`. In front of a command
//! may stand `NAME=value` for its environment, behind it `< FILE` for its standard input. The steps `write FILE TEXT`,
//! `rm PATH`, `mkdir PATH`, `link TARGET PATH`, `cd FOLDER`, `cat FILE` and `ls FOLDER` need no program; `git ARGS` is
//! silent.
//!
//! `POLDER_UPDATE=1 cargo test --test tests cli::` writes down what is printed now; look at the difference before committing it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const POLDER: &str = env!("CARGO_BIN_EXE_polder");

/// What one step did.
#[derive(Debug, Default)]
struct Answer {
    out: Vec<u8>,
    err: Vec<u8>,
    exit: i32,
}

/// Runs Git, whatever its user has set.
fn git(folder: &Path, args: &[OsString]) {
    let output = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // A hook that runs the tests has these set, to the repository that it is called for.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A running story: the copy of its folder and where in it the next command is run.
struct Story {
    root: PathBuf,
    here: PathBuf,
}

impl Story {
    fn step(&mut self, line: &str) -> Answer {
        let mut words = words(line);
        let mut variables = Vec::new();
        while let Some(split) = assignment(&words[0]) {
            variables.push(split);
            words.remove(0);
        }
        let path = |index: usize| self.here.join(&words[index]);
        let mut answer = Answer::default();
        match words[0].to_str().unwrap() {
            "polder" => {
                let input = words.iter().position(|word| word == "<").map(|at| words.split_off(at));
                let input = input.map(|redirection| fs::read(self.here.join(&redirection[1])).unwrap());
                return self.polder(&words[1..], variables, input.unwrap_or_default());
            }
            "write" => {
                fs::create_dir_all(path(1).parent().unwrap()).unwrap();
                fs::write(path(1), words[2].as_bytes()).unwrap();
            }
            "rm" if path(1).is_dir() => fs::remove_dir_all(path(1)).unwrap(),
            "rm" => fs::remove_file(path(1)).unwrap(),
            "mkdir" => fs::create_dir_all(path(1)).unwrap(),
            "link" => std::os::unix::fs::symlink(&words[1], path(2)).unwrap(),
            "cd" => self.here = path(1),
            "git" => git(&self.here, &words[1..]),
            "cat" => answer.out = fs::read(path(1)).unwrap(),
            "ls" => answer.out = list(&path(1)).into_bytes(),
            other => panic!("no such step: {other}"),
        }
        answer
    }

    fn polder(&self, args: &[OsString], variables: Vec<(OsString, OsString)>, input: Vec<u8>) -> Answer {
        let mut child = Command::new(POLDER)
            .args(args)
            .current_dir(&self.here)
            .env_clear()
            .env("LC_ALL", "C")
            .env("COLUMNS", "100")
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // Whoever does not read its input closes it early.
        let writer = std::thread::spawn(move || pipe.write_all(&input).is_ok());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Answer { out: output.stdout, err: output.stderr, exit: output.status.code().unwrap_or(-1) }
    }

    /// What was printed, without what differs from one run to the next.
    fn lines(&self, mark: char, bytes: &[u8]) -> String {
        let mut text = String::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = escaped(&rest[..end.unwrap_or(rest.len())]);
            let line = without_digest(&line.replace(self.root.to_str().unwrap(), "[ROOT]"));
            let line = line.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
            let space = if line.is_empty() { "" } else { " " };
            writeln!(text, "{mark}{space}{line}").unwrap();
            let Some(end) = end else {
                text.push_str("\\ no newline\n");
                break;
            };
            rest = &rest[end + 1..];
        }
        text
    }

    /// Carries out the steps and gives the script with what they did.
    fn tell(&mut self, script: &str) -> String {
        let mut told = String::new();
        for line in script.lines() {
            if let Some(step) = line.strip_prefix("$ ") {
                let answer = self.step(step);
                writeln!(told, "{line}").unwrap();
                told.push_str(&self.lines('|', &answer.out));
                told.push_str(&self.lines('!', &answer.err));
                if answer.exit != 0 {
                    writeln!(told, "? {}", answer.exit).unwrap();
                }
            } else if line.is_empty() || line.starts_with('#') {
                writeln!(told, "{line}").unwrap();
            } else {
                assert!(line.starts_with(['|', '!', '?', '\\']), "not a line of a script: {line}");
            }
        }
        told
    }
}

fn assignment(word: &OsString) -> Option<(OsString, OsString)> {
    let (name, value) = word.to_str()?.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_name.then(|| (name.into(), value.into()))
}

fn words(line: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' if !quoted => words.extend(word.take()),
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' if quoted => {
                let byte = match bytes.next().unwrap() {
                    b'n' => b'\n',
                    b'e' => 0x1b,
                    b'x' => {
                        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    other => other,
                };
                word.get_or_insert_default().push(byte);
            }
            byte => word.get_or_insert_default().push(byte),
        }
    }
    assert!(!quoted, "a quote is never closed: {line}");
    words.extend(word);
    words.into_iter().map(OsString::from_vec).collect()
}

/// Text as it is; what is not text, as escapes.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => text.push_str("\\t"),
                control if control.is_control() => write!(text, "\\x{:02x}", u32::from(control)).unwrap(),
                plain => text.push(plain),
            }
        }
        chunk.invalid().iter().for_each(|byte| write!(text, "\\x{byte:02x}").unwrap());
    }
    text
}

fn without_digest(line: &str) -> String {
    let Some(at) = line.find("sha256:") else { return line.to_owned() };
    let (before, digest) = line.split_at(at + "sha256:".len());
    let rest = digest.trim_start_matches(|character: char| character.is_ascii_hexdigit());
    format!("{before}[DIGEST]{rest}")
}

/// All files below a folder, hidden ones too.
fn list(folder: &Path) -> String {
    fn visit(folder: &Path, base: &Path, lines: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                visit(&path, base, lines);
            } else {
                lines.push(escaped(path.strip_prefix(base).unwrap().as_os_str().as_bytes()) + "\n");
            }
        }
    }
    let mut lines = Vec::new();
    visit(folder, folder, &mut lines);
    lines.sort();
    lines.concat()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.file_name().unwrap() != "cmd" {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A story in a fresh folder, whose path the file system spells in one way only.
fn fresh() -> (tempfile::TempDir, Story) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    (folder, Story { here: root.clone(), root })
}

#[test]
fn stories() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let mut cases: Vec<PathBuf> = fs::read_dir(base).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "the stories were not found");
    let update = std::env::var_os("POLDER_UPDATE").is_some();
    let mut failures = String::new();
    for case in cases {
        let script = fs::read_to_string(case.join("cmd")).unwrap();
        let (_folder, mut story) = fresh();
        copy(&case, &story.root);
        let told = story.tell(&script);
        if told == script {
            continue;
        }
        if update {
            fs::write(case.join("cmd"), told).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&script, &told);
            let diff = diff.unified_diff().header("expected", "found").to_string();
            write!(failures, "\n== {}\n{diff}", case.file_name().unwrap().display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_story_tells_what_happened_and_not_what_was_expected() {
    let (_folder, mut story) = fresh();
    let script = "# comment\n\n$ write \"a b\" \"x\\e\\xff\\n\\\"y\"\n$ cat \"a b\"\n| wrong\n$ polder nonsense\n";
    let told = story.tell(script);
    assert!(
        told.starts_with("# comment\n\n$ write \"a b\" \"x\\e\\xff\\n\\\"y\"\n$ cat \"a b\"\n| x\\x1b\\xff\n| \"y\n"),
        "{told}"
    );
    assert!(told.contains("\\ no newline\n$ polder nonsense\n! error: "), "{told}");
    assert!(told.ends_with("? 2\n"), "{told}");
}

/// Writes a project into the story's folder.
fn project(story: &Story, program: &str) {
    fs::write(story.root.join("polder.toml"), "").unwrap();
    fs::write(story.root.join("main.polder"), program).unwrap();
}

fn command(story: &Story, args: &[&str]) -> Command {
    let mut command = Command::new(POLDER);
    command.args(args).current_dir(&story.root).env_clear().env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// Ends with this answer and this on standard error, and does not wait for somebody to write into a pipe.
fn refuses(story: &Story, args: &[&str], message: &str) {
    let mut child = command(story, args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{args:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert!(escaped(&output.stderr).contains(message), "{args:?}: {}", escaped(&output.stderr));
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn a_configuration_that_is_no_file_is_an_error_at_once() {
    let (_folder, story) = fresh();
    fs::write(story.root.join("main.polder"), "namespace shop {\n  tier web\n}\n").unwrap();
    let config = story.root.join("polder.toml");
    let target = story.root.join("pipe");
    pipe(&target);
    let all: [&[&str]; 3] = [&["build", "-o", "-"], &["check"], &["check", "main.polder"]];
    for plant in [
        pipe as fn(&Path),
        |path| std::os::unix::fs::symlink("pipe", path).unwrap(),
        |path| {
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        },
    ] {
        plant(&config);
        for args in all {
            refuses(&story, args, "cannot read `polder.toml`: it is not a regular file");
        }
        fs::remove_file(&config).unwrap();
    }
    fs::create_dir(&config).unwrap();
    for args in &all[..2] {
        refuses(&story, args, "no program: neither this folder nor one above holds polder.toml");
    }
}

#[test]
fn a_link_to_a_pipe_is_not_waited_for() {
    let (_folder, story) = fresh();
    project(&story, "namespace shop {\n  tier web\n}\n");
    pipe(&story.root.join("pipe"));
    std::os::unix::fs::symlink("pipe", story.root.join("more.polder")).unwrap();
    refuses(&story, &["check"], "cannot read `more.polder`: it is not a regular file");
}

/// A program whose policies are more than a pipe holds.
fn large() -> String {
    let mut text = "namespace shop {\n".to_owned();
    for index in 0..300 {
        writeln!(text, "  tier a{index}\n  a{index} -> a{}:80", (index + 1) % 300).unwrap();
    }
    text + "}\n"
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let (_folder, story) = fresh();
    project(&story, &large());
    for args in [vec!["build", "-o", "-"], vec!["build", "--dry-run"], vec!["explain"], vec!["--help"]] {
        let mut child = command(&story, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The reading end goes at once, or after the first bytes when there are many.
        let mut pipe = child.stdout.take().unwrap();
        if args.contains(&"-") {
            pipe.read_exact(&mut [0; 10]).unwrap();
        }
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(escaped(&output.stderr), "", "{args:?}");
    }
    // The answer stays what it is.
    let mut child = command(&story, &["build", "--check"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_result_that_cannot_be_printed_is_no_success() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let (_folder, story) = fresh();
    project(&story, "namespace shop { tier a\n a -> a:80 }\n");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&story, &["build", "-o", "-"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(escaped(&output.stderr).contains("error: cannot write to standard output"));
}

#[test]
fn the_stream_is_yaml_whatever_is_said_about_the_program() {
    let (_folder, story) = fresh();
    project(&story, "namespace shop {\n  tier a\n  tier b\n  a -> b:*\n}\nexternal namespace unused\n");
    let output = command(&story, &["build", "-o", "-"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(escaped(&output.stderr).contains("warning[W0005]"));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut kinds = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&text) {
        let value: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
        kinds.push(value["kind"].as_str().unwrap().to_owned());
    }
    assert!(kinds.len() >= 4 && kinds.iter().all(|kind| kind == "NetworkPolicy"), "{kinds:?}");
}

/// Formats the file `a.polder` of the story, and gives what is known of it afterwards.
fn formatted(story: &Story) -> fs::Metadata {
    let path = story.root.join("a.polder");
    let output = command(story, &["fmt", "a.polder"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", escaped(&output.stderr));
    assert_eq!(fs::read_to_string(&path).unwrap(), "namespace shop {\n  tier web\n}\n");
    assert_eq!(fs::read_dir(&story.root).unwrap().count(), 2, "something was left behind");
    fs::metadata(path).unwrap()
}

#[test]
fn a_file_that_is_rewritten_keeps_its_other_names() {
    let (_folder, story) = fresh();
    // Longer than its canonical form.
    fs::write(story.root.join("a.polder"), "namespace   shop   {\n\n\n\n\n\n\n     tier    web\n}\n").unwrap();
    fs::hard_link(story.root.join("a.polder"), story.root.join("b.polder")).unwrap();
    assert_eq!(formatted(&story).nlink(), 2);
    assert_eq!(fs::read_to_string(story.root.join("b.polder")).unwrap(), "namespace shop {\n  tier web\n}\n");
}

#[test]
fn a_file_that_is_rewritten_keeps_its_mode_and_owner() {
    let (_folder, story) = fresh();
    let path = story.root.join("a.polder");
    fs::write(&path, "namespace shop{\ntier web}\n").unwrap();
    fs::write(story.root.join("other.txt"), "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    // Who may give files away is root, as who formats the files of others is; others give them to one of their groups.
    let groups = Command::new("id").arg("-G").output().unwrap().stdout;
    let group = String::from_utf8(groups).unwrap().split_whitespace().last().unwrap().parse().unwrap();
    let is_root = chown(&path, Some(4321), Some(8765)).is_ok();
    if !is_root {
        chown(&path, None, Some(group)).unwrap();
    }
    let before = fs::metadata(&path).unwrap();
    let after = formatted(&story);
    assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
    assert!(!is_root || after.uid() == 4321);
}

#[test]
fn no_control_character_of_the_input_is_printed() {
    let (_folder, story) = fresh();
    let nasty = "a\u{1b}[31m\u{7}\u{9b}2J\u{202e}\u{200b}\rb";
    fs::write(story.root.join("polder.toml"), format!("[build]\n\"{}\" = 1\n", nasty.replace('\r', ""))).unwrap();
    fs::write(story.root.join(format!("{nasty}.polder")), format!("namespace {nasty} {{\n  tier \u{0} # {nasty}\n"))
        .unwrap();
    fs::write(story.root.join("good.polder"), "namespace shop {\n  tier web\n}\n").unwrap();
    let folder = format!("./{nasty}");
    let (port, pod) = (format!("shop/web:{nasty}"), format!("shop/{{app={nasty}}}"));
    let runs: Vec<Vec<&str>> = vec![
        vec!["check", "."],
        vec!["check", "--format", "short", "."],
        vec!["check", "--format", "github", "."],
        vec!["check", "--format", "json", "."],
        vec!["check", "--format", "sarif", "."],
        vec!["check", "--color", "never", &folder],
        vec!["check", "--env", nasty, "good.polder"],
        vec!["check", "-A", nasty],
        vec!["fmt", "--diff", "."],
        vec!["fmt", "--check", &folder],
        vec!["fmt", "."],
        vec!["check", "--format", nasty],
        vec![nasty],
        vec!["explain", nasty],
        vec!["build", "-o", nasty, "good.polder"],
        vec!["build", "-o", nasty, "--diff", "good.polder"],
        vec!["init", nasty],
        vec!["init", nasty, "--ci", "none"],
        vec!["init", nasty, "--ci", "none"],
        vec!["man", "--dir", "good.polder"],
        vec!["reach", nasty, "-p", "good.polder"],
        vec!["reach", "-p", "good.polder", "cluster", nasty],
        vec!["reach", "--manifests", "."],
        vec!["can", "shop/web", nasty, "-p", "good.polder"],
        vec!["can", "shop/web", &port, "-p", "good.polder"],
        vec!["can", &pod, "shop/web:80", "-p", "good.polder"],
        vec!["blast", &pod, "-p", "good.polder"],
        vec!["test", "--filter", nasty, "good.polder"],
    ];
    for args in runs {
        let output = command(&story, &args).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            let text = std::str::from_utf8(stream).unwrap();
            let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || "\u{202e}\u{200b}".contains(*c));
            assert_eq!(bad, None, "{args:?}: {}", escaped(stream));
        }
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn every_code_is_explained() {
    let (_folder, story) = fresh();
    let list = escaped(&command(&story, &["explain"]).output().unwrap().stdout);
    for code in polder::diag::Code::ALL {
        assert!(list.contains(&format!("{}  {}", code.as_str(), code.title())), "{}", code.as_str());
        let lower = code.as_str().to_ascii_lowercase();
        let output = command(&story, &["explain", &lower]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{lower}");
        // The same words, without the marks of headings and fences.
        let lines =
            code.page().lines().filter(|line| !line.starts_with("```")).map(|line| line.trim_start_matches("## "));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).skip(1).collect();
        let told = String::from_utf8(output.stdout).unwrap();
        assert_eq!(told.split_whitespace().collect::<Vec<_>>(), words);
        assert!(
            !told.contains("```")
                && told.lines().all(|line| line.chars().count() <= 100 || line.starts_with(['|', ' ']))
        );
    }
}

#[test]
fn every_command_has_help_with_examples_and_a_manual_page() {
    let (_folder, story) = fresh();
    let commands =
        ["build", "check", "reach", "can", "blast", "test", "fmt", "init", "explain", "completions", "man", "version"];
    for name in commands {
        let output = command(&story, &[name, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("\nExamples:\n") && text.contains(&format!("Usage: polder {name}")), "{text}");
        assert!(output.stderr.is_empty(), "{name}");
    }
    let page = String::from_utf8(command(&story, &["man"]).output().unwrap().stdout).unwrap();
    assert!(page.contains(".TH polder 1"), "{page}");
    assert!(commands.iter().all(|name| page.contains(&format!("polder\\-{name}(1)"))), "{page}");
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef polder"),
        ("fish", "complete -c polder"),
        ("powershell", "Register"),
        ("elvish", "set edit:"),
    ] {
        let output = command(&story, &["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains(mark) && script.contains("allow-empty"), "{shell}: {script}");
    }
}

/// Ends the process when the test does.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn watching_builds_after_each_change_and_survives_errors() {
    let (_folder, story) = fresh();
    project(&story, "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n");
    let log = story.root.join("log.txt");
    let file = fs::File::create(&log).unwrap();
    let mut command = command(&story, &["build", "--watch"]);
    let _running = Running(command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap());
    let until = |text: &str, times: usize| {
        let start = Instant::now();
        loop {
            let log = fs::read_to_string(&log).unwrap();
            if log.matches(text).count() >= times {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "never printed: {text}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("watching for changes; Ctrl-C ends", 1);
    let source = story.root.join("main.polder");
    fs::write(&source, "namespace shop {\n  tier a\n  tier b\n  a -> b:90\n}\n").unwrap();
    until("updated  policies/shop/allow-a-to-b.yaml", 1);
    fs::write(&source, "namespace shop {\n  tier a\n  tier b\n  a -> c:90\n}\n").unwrap();
    until("unknown tier", 1);
    // Saved as editors do it: another file takes the place of the old one.
    fs::write(story.root.join("new"), "namespace shop {\n  tier a\n  tier b\n  b -> a:90\n}\n").unwrap();
    fs::rename(story.root.join("new"), &source).unwrap();
    until("removed  policies/shop/allow-a-to-b.yaml", 1);
    fs::write(story.root.join("polder.toml"), "[build]\nkustomize = true\n").unwrap();
    until("created  policies/kustomization.yaml", 1);
    // Its own writing wakes nobody.
    let before = fs::read_to_string(&log).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(fs::read_to_string(&log).unwrap(), before);
}
