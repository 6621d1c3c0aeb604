//! The files that a session reads, behind one small trait.

use super::path::shell_word;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Larger files are refused; offsets in a source are 32 bits wide.
pub const LARGEST_FILE: u64 = 1 << 30;

/// What a walk through a folder found.
#[derive(Debug, Clone, Default)]
pub struct FolderWalk {
    /// The files, sorted by the bytes of their paths.
    pub files: Vec<PathBuf>,
    /// What could not be looked at, and why.
    pub problems: Vec<(PathBuf, String)>,
    /// Symbolic links that lead nowhere, sorted.
    pub dangling: Vec<PathBuf>,
}

/// Where sources come from. Paths are absolute.
pub trait FileSystem {
    /// The bytes of a file, which is refused when there are more than `limit`.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// The bytes of standard input, refused when there are more than `limit`.
    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>>;

    /// Whether there is a folder, after following symbolic links; an error when there is nothing.
    fn is_folder(&self, path: &Path) -> io::Result<bool>;

    /// The files below `folder` whose names end in `.extension`, without hidden and ignored ones.
    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk;

    /// One path for all the paths of one file, so that a file named twice is read once.
    fn identity(&self, path: &Path) -> PathBuf;

    /// Runs `kubectl` to its end. The error is why it could not be run.
    fn kubectl(&self, _call: &KubectlCall) -> io::Result<KubectlAnswer> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "no other program can be run here"))
    }
}

/// A program that stands for `kubectl`, and what it is given: a list, which no shell ever sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubectlCall {
    /// The program, by its path or as it is found.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// More than so many bytes of output are refused.
    pub limit: u64,
    /// Whether the call is said before it is made.
    pub is_said: bool,
}

impl KubectlCall {
    /// The call as somebody would type it.
    pub fn line(&self) -> String {
        let program = self.program.to_string_lossy();
        let word = |word: &String| match word.split_once('=').filter(|(option, _)| option.starts_with("--")) {
            Some((option, value)) => format!("{option}={}", shell_word(value)),
            None => shell_word(word).into_owned(),
        };
        let words = std::iter::once(shell_word(&program).into_owned()).chain(self.arguments.iter().map(word));
        words.collect::<Vec<_>>().join(" ")
    }
}

/// What `kubectl` gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubectlAnswer {
    /// Its standard output.
    pub output: Vec<u8>,
    /// What it said on standard error.
    pub said: String,
    /// Whether it ended well.
    pub is_success: bool,
}

pub(super) fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"))
}

pub(super) fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// Why the system refused, as the end of a sentence: without its number, and in small letters.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    let mut letters = words.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain([second]).chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

pub(super) fn sort(walk: &mut FolderWalk) {
    walk.files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    walk.problems.sort();
    walk.dangling.sort();
}

/// Files that are held in memory, for tests and for callers that have no disk. It knows no links and no ignore files.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
    input: Vec<u8>,
    /// What `kubectl` answers, by a word among its arguments.
    kubectl: BTreeMap<String, KubectlAnswer>,
}

impl Memory {
    /// Adds or replaces a file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), bytes.into());
        self
    }

    /// Sets what standard input holds.
    #[must_use]
    pub fn with_input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Sets what `kubectl` answers to calls with a word among their arguments, such as `get`.
    #[must_use]
    pub fn with_kubectl(mut self, word: &str, answer: KubectlAnswer) -> Self {
        self.kubectl.insert(word.to_owned(), answer);
        self
    }

    fn folders(&self) -> BTreeSet<&Path> {
        self.files.keys().flat_map(|path| path.ancestors().skip(1)).collect()
    }
}

impl FileSystem for Memory {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        read_at_most(bytes.as_slice(), limit)
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        read_at_most(self.input.as_slice(), limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        if self.folders().contains(path) {
            return Ok(true);
        }
        if self.files.contains_key(path) { Ok(false) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        let visible = |path: &&PathBuf| {
            path.strip_prefix(folder).is_ok_and(|rest| {
                rest.components().all(|part| match part {
                    Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
                    _ => false,
                })
            })
        };
        let files = self.files.keys().filter(|path| has_extension(path, extension)).filter(visible);
        let mut walk = FolderWalk { files: files.cloned().collect(), ..FolderWalk::default() };
        sort(&mut walk);
        walk
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }

    fn kubectl(&self, call: &KubectlCall) -> io::Result<KubectlAnswer> {
        let answer = call.arguments.iter().find_map(|word| self.kubectl.get(word));
        let answer = answer.ok_or(io::ErrorKind::NotFound)?;
        let output = read_at_most(answer.output.as_slice(), call.limit)?;
        Ok(KubectlAnswer { output, ..answer.clone() })
    }
}
