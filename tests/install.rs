//! `dist/install.sh` against a server of this machine: what it installs, and everything that it refuses.
//!
//! The archives are made here, with a command in them that only says its version; `dist/test` installs real ones.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGET: &str = "x86_64-unknown-linux-musl";

/// A folder with a release, served over HTTP for as long as the test runs.
struct Release {
    folder: TempDir,
    address: String,
    home: TempDir,
}

impl Release {
    /// A release whose command is a script.
    fn new(script: &str) -> Release {
        let folder = tempfile::tempdir().unwrap();
        let release =
            Release { address: serve(folder.path().to_path_buf()), folder, home: tempfile::tempdir().unwrap() };
        let name = format!("polder-{VERSION}-{TARGET}");
        let inside = release.folder.path().join(&name);
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("polder"), script).unwrap();
        fs::set_permissions(inside.join("polder"), fs::Permissions::from_mode(0o755)).unwrap();
        release.pack();
        release.sign();
        release
    }

    fn of_this_version() -> Release {
        Release::new(&format!("#!/bin/sh\necho polder {VERSION}\n"))
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join(format!("polder-{VERSION}-{TARGET}.tar.gz"))
    }

    fn pack(&self) {
        let name = format!("polder-{VERSION}-{TARGET}");
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(self.archive()).arg("-C").arg(self.folder.path()).arg(name);
        assert!(tar.status().unwrap().success());
    }

    /// Writes the sums of the archive as it is now.
    fn sign(&self) {
        let mut sums = Command::new("sha256sum");
        let sums = sums.arg(self.archive().file_name().unwrap()).current_dir(&self.folder).output().unwrap();
        assert!(sums.status.success());
        fs::write(self.folder.path().join("SHA256SUMS"), sums.stdout).unwrap();
    }

    fn install(&self, args: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/install.sh");
        let mut command = Command::new("sh");
        command.arg(script).args(["--from", &self.address]).args(args);
        // With a target of its own, the test is the same on every machine.
        if !args.contains(&"--target") {
            command.args(["--target", TARGET]);
        }
        command.env("HOME", self.home.path()).env_remove("http_proxy").env("no_proxy", "127.0.0.1").output().unwrap()
    }

    /// Runs it, expects it to fail with these words, and to leave nothing behind.
    fn refuses(&self, args: &[&str], words: &str) {
        let output = self.install(args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(said.ends_with("nothing was installed\n"), "{said}");
        let left = self.home.path().join(".local/bin");
        let left = fs::read_dir(left).map_or(0, Iterator::count);
        assert_eq!(left, 0, "a file is left behind");
    }
}

/// Serves the files of a folder, as many requests as there are.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let request = lines.next().unwrap().unwrap();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let name = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let (status, body) = match fs::read(folder.join(name)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // Whoever hangs up early has what it wanted.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    format!("http://{address}")
}

/// Whether the programs that the script needs are here.
fn tools() -> bool {
    let has = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    let all = has("curl") && has("tar") && has("sha256sum");
    assert!(all || std::env::var_os("POLDER_REQUIRE_TOOLS").is_none(), "curl, tar or sha256sum is missing");
    all
}

#[test]
fn installs_what_fits() {
    if !tools() {
        return;
    }
    let release = Release::of_this_version();
    let output = release.install(&[]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with(&format!("installed polder {VERSION} as ")), "{said}");
    assert!(said.contains("is not on your path yet"), "{said}");
    let installed = release.home.path().join(".local/bin/polder");
    assert_eq!(installed.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    // And over the one that is there, into a folder whose name has a space.
    let other = release.home.path().join("a folder");
    for _ in 0..2 {
        assert!(release.install(&["--to", other.to_str().unwrap()]).status.success());
    }
    let left: Vec<_> = fs::read_dir(other).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["polder"]);
}

#[test]
fn refuses_what_does_not_fit() {
    if !tools() {
        return;
    }
    let release = Release::of_this_version();
    let to = format!("{}/below", release.archive().display());
    release.refuses(&["--to", &to], "cannot write into");
    release.refuses(&["--to", "/proc/nowhere"], "cannot write into");
    release
        .refuses(&["--target", "riscv64gc-unknown-linux-musl"], "there is no archive for riscv64gc-unknown-linux-musl");
    release.refuses(&["--version", "9.9.9"], "SHA256SUMS of version 9.9.9 has no one sum for polder-9.9.9-");
    release.refuses(&["--target", "aarch64-apple-darwin"], "has no one sum for");
    release.refuses(&["--from", &format!("{}/nowhere", release.address)], "cannot download");
    release.refuses(&["--target"], "--target takes a value");
    release.refuses(&["--prefix", "x"], "--prefix is not understood");

    // Another sum than that of the archive.
    let sums = release.folder.path().join("SHA256SUMS");
    let right = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, format!("{}{}", "0".repeat(64), &right[64..])).unwrap();
    release.refuses(&[], "is not what the release says");
    // Two sums for one archive are none.
    fs::write(&sums, format!("{right}{right}")).unwrap();
    release.refuses(&[], "has no one sum for");
    fs::write(&sums, "<html>a page of some proxy</html>\n").unwrap();
    release.refuses(&[], "has no one sum for");

    // The right sum of an archive that is cut off, and of one that holds something else.
    let bytes = fs::read(release.archive()).unwrap();
    fs::write(release.archive(), &bytes[..bytes.len() / 2]).unwrap();
    release.sign();
    release.refuses(&[], "cannot be opened");
    fs::remove_file(release.folder.path().join(format!("polder-{VERSION}-{TARGET}/polder"))).unwrap();
    release.pack();
    release.sign();
    release.refuses(&[], "holds no polder-");
}

#[test]
fn refuses_a_command_that_is_another() {
    if !tools() {
        return;
    }
    Release::new("#!/bin/sh\necho polder 0.0.1\n").refuses(&[], "says that it is \"polder 0.0.1\"");
    Release::new("#!/bin/sh\necho no library >&2\nexit 127\n").refuses(&[], "does not run here");
}

/// A script that was cut off on its way does nothing at all: only its last line begins.
#[test]
fn does_nothing_when_it_is_cut_off() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/install.sh")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = script.lines().collect();
    for count in (1..lines.len()).step_by(7) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(lines[..count].join("\n")).env("HOME", home.path());
        let output = command.output().unwrap();
        assert!(output.stdout.is_empty(), "{count} lines: {output:?}");
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "{count} lines");
    }
}
