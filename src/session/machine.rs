//! The machine that a command runs on: its files, and `kubectl`.

use super::Disk;
use super::cluster::is_logged;
use super::system::{FileSystem, FolderWalk, KubectlAnswer, KubectlCall, read_at_most};
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long `kubectl` has to be silent before what it said is passed on: it may be waiting for an answer to it. What it says
/// before it ends is told by whoever called it.
const SILENCE: Duration = Duration::from_millis(400);

/// How long `kubectl` may give no sign of life. Each of its requests ends by itself long before, and it makes one for each kind before
/// it prints anything.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often it is looked whether `kubectl` has ended, once it has said all.
const OFTEN: Duration = Duration::from_millis(10);

/// The machine that a command runs on.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    /// Says something at once, while `kubectl` runs: what it asks for, and the calls where they are to be said.
    say: fn(&str),
    /// How long `kubectl` may give no sign of life.
    patience: Duration,
}

impl Machine {
    /// The machine, with what says something at once.
    pub fn new(say: fn(&str)) -> Machine {
        Machine { say, patience: PATIENCE }
    }

    /// Waits until `kubectl` has ended, and ends it where it does not.
    fn ended(&self, child: &mut Child) -> io::Result<bool> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            if waited >= self.patience {
                return Err(self.lost(child));
            }
            thread::sleep(OFTEN);
            waited += OFTEN;
        }
    }

    /// Ends a `kubectl` that gives no sign of life.
    fn lost(&self, child: &mut Child) -> io::Error {
        let _ = child.kill();
        let _ = child.wait();
        let minutes = self.patience.as_secs() / 60;
        io::Error::new(io::ErrorKind::TimedOut, format!("it gave no sign of life for {minutes} minutes, and was ended"))
    }
}

impl FileSystem for Machine {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        Disk.read(path, limit)
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        Disk.read_input(limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        Disk.is_folder(path)
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        Disk.walk(folder, extension)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        Disk.identity(path)
    }

    fn kubectl(&self, call: &KubectlCall) -> io::Result<KubectlAnswer> {
        if call.is_said {
            (self.say)(&format!("{}\n", call.line()));
        }
        // A plugin that logs in may ask something. What is piped in is for somebody else.
        let input = if io::stdin().is_terminal() { Stdio::inherit() } else { Stdio::null() };
        let mut child = Command::new(&call.program)
            .args(&call.arguments)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (sender, parts) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            let (sender, limit) = (sender.clone(), call.limit);
            let output = HeardStream { stream: output, sender: sender.clone() };
            thread::spawn(move || sender.send(HeardPart::Output(read_at_most(output, limit))));
        }
        if let Some(said) = child.stderr.take() {
            thread::spawn(move || pass_on(said, &sender));
        }
        let mut heard = Heard::default();
        let wait = SILENCE.min(self.patience);
        let mut silent = Duration::ZERO;
        while !heard.is_all() {
            match parts.recv_timeout(wait) {
                Ok(part) => {
                    silent = Duration::ZERO;
                    heard.take(part);
                }
                // A plugin may go on running, with the stream that it was given.
                Err(RecvTimeoutError::Timeout) if heard.output.is_some() => break,
                Err(RecvTimeoutError::Timeout) if silent >= self.patience => return Err(self.lost(&mut child)),
                Err(RecvTimeoutError::Timeout) => {
                    silent += wait;
                    heard.tell(self.say);
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let output = heard.output.unwrap_or_else(|| Ok(Vec::new()));
        if output.is_err() {
            // Whoever writes to a stream that nobody reads any more may wait for ever.
            let _ = child.kill();
        }
        let is_success = self.ended(&mut child)?;
        Ok(KubectlAnswer { output: output?, said: String::from_utf8_lossy(&heard.said).into_owned(), is_success })
    }
}

/// Something that came from `kubectl`.
enum HeardPart {
    Output(io::Result<Vec<u8>>),
    /// More of the output, which is kept elsewhere.
    More,
    Said(Vec<u8>),
    SaidAll,
}

/// A stream that says whenever something comes.
struct HeardStream<R> {
    stream: R,
    sender: Sender<HeardPart>,
}

impl<R: Read> Read for HeardStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        // Nobody may wait any more.
        let _ = self.sender.send(HeardPart::More);
        Ok(count)
    }
}

/// What came so far.
#[derive(Default)]
struct Heard {
    output: Option<io::Result<Vec<u8>>>,
    said: Vec<u8>,
    /// How much of it was passed on.
    told: usize,
    said_all: bool,
}

impl Heard {
    fn is_all(&self) -> bool {
        self.output.is_some() && self.said_all
    }

    fn take(&mut self, part: HeardPart) {
        /// More is no message.
        const MOST: usize = 1024 * 1024;
        match part {
            HeardPart::Output(output) => self.output = Some(output),
            HeardPart::Said(bytes) if self.said.len() < MOST => self.said.extend(bytes),
            HeardPart::Said(_) | HeardPart::More => {}
            HeardPart::SaidAll => self.said_all = true,
        }
    }

    fn tell(&mut self, say: fn(&str)) {
        let text = String::from_utf8_lossy(self.said.get(self.told..).unwrap_or_default());
        let told: String = text.split_inclusive('\n').filter(|line| !is_logged(line)).collect();
        if !told.is_empty() {
            say(&told);
        }
        self.told = self.said.len();
    }
}

fn pass_on(mut said: impl Read, to: &Sender<HeardPart>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = said.read(&mut bytes) {
        let part = bytes.get(..count).unwrap_or_default().to_vec();
        if to.send(HeardPart::Said(part)).is_err() {
            return;
        }
    }
    let _ = to.send(HeardPart::SaidAll);
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn run(script: &str) -> io::Result<KubectlAnswer> {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Machine::new(|_| {}).kubectl(&KubectlCall { program: "sh".into(), arguments, limit: 1000, is_said: false })
    }

    #[test]
    fn what_gives_no_sign_of_life_is_ended() {
        let machine = Machine { patience: Duration::from_millis(600), ..Machine::new(|_| {}) };
        let run = |script: &str| {
            let arguments = vec!["-c".to_owned(), script.to_owned()];
            machine.kubectl(&KubectlCall { program: "sh".into(), arguments, limit: 1000, is_said: false })
        };
        // Before it says anything, between two words, and behind the last.
        for script in ["exec sleep 60", "echo some; exec sleep 60", "exec >&- 2>&-; exec sleep 60"] {
            let error = run(script).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
        // Whoever says something now and then is alive.
        let slow = run("for one in 1 2 3 4; do echo $one; sleep 0.3; done").unwrap();
        assert_eq!(slow.output, b"1\n2\n3\n4\n");
    }

    #[test]
    fn too_much_is_refused_and_ended() {
        assert!(run("while :; do echo more; done").is_err_and(|error| error.kind() == io::ErrorKind::FileTooLarge));
    }

    #[test]
    fn what_a_plugin_leaves_running_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let late = folder.path().join("late");
        let answer =
            run(&format!("(sleep 30; : > {}) > /dev/null & echo said >&2; echo given", late.display())).unwrap();
        assert_eq!(
            (answer.output.as_slice(), answer.said.as_str(), answer.is_success),
            (&b"given\n"[..], "said\n", true)
        );
        assert!(!late.exists());
    }

    #[test]
    fn how_it_ended_is_told() {
        let answer = run("printf 'half'; printf 'no\\xff' >&2; exit 3").unwrap();
        assert_eq!((answer.output.as_slice(), answer.is_success), (&b"half"[..], false));
        assert!(answer.said.starts_with("no"));
        assert!(
            Machine::new(|_| {})
                .kubectl(&KubectlCall {
                    program: "no-such-kubectl".into(),
                    arguments: Vec::new(),
                    limit: 1,
                    is_said: true
                })
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        );
    }
}
