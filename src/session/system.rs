//! The files that a session reads, behind one small trait.

use super::load::CONFIG_NAME;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Larger files are refused; offsets in a source are 32 bits wide.
pub const LARGEST_FILE: u64 = 1 << 30;

/// Why something that is no file is not read.
const NOT_REGULAR: &str = "it is not a regular file";

/// What a walk through a folder found.
#[derive(Debug, Clone, Default)]
pub struct Walk {
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
    fn walk(&self, folder: &Path, extension: &str) -> Walk;

    /// One path for all the paths of one file, so that a file named twice is read once.
    fn identity(&self, path: &Path) -> PathBuf;
}

pub(super) fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes"))
}

fn read_at_most(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_large(limit)) } else { Ok(bytes) }
}

/// The files of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl FileSystem for Disk {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        // A program may come through a pipe that was named; this file is found, not named, and nobody may write to it.
        if path.file_name().is_some_and(|name| name == CONFIG_NAME) && !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR));
        }
        let file = File::open(path)?;
        if file.metadata()?.len() > limit {
            return Err(too_large(limit));
        }
        read_at_most(file, limit)
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        read_at_most(io::stdin().lock(), limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        Ok(fs::metadata(path)?.is_dir())
    }

    fn walk(&self, folder: &Path, extension: &str) -> Walk {
        let mut walk = Walk::default();
        let root = self.identity(folder);
        // Only what lies in the project decides what belongs to it: no settings of the user or of the machine.
        let entries = ignore::WalkBuilder::new(folder)
            .require_git(false)
            .git_global(false)
            .git_exclude(false)
            .ignore(false)
            .build();
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let Some(kind) = entry.file_type() else { continue };
                    if entry.depth() == 0 || kind.is_dir() || !has_extension(entry.path(), extension) {
                        continue;
                    }
                    let path = entry.into_path();
                    if kind.is_symlink() {
                        match follow_inside(&path, &root) {
                            Ok(Some(())) => walk.files.push(path),
                            Ok(None) => {}
                            Err(None) => walk.dangling.push(path),
                            Err(Some(reason)) => walk.problems.push((path, reason)),
                        }
                    } else if kind.is_file() {
                        walk.files.push(path);
                    }
                }
                Err(error) => walk.problems.push(problem(&error, folder)),
            }
        }
        sort(&mut walk);
        walk
    }

    fn identity(&self, path: &Path) -> PathBuf {
        fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

/// A symbolic link counts when it leads to a file in the same folder. Leaving one out silently could leave out an
/// assertion, so one that leads elsewhere is a problem; of one that leads nowhere there is no reason.
fn follow_inside(link: &Path, root: &Path) -> Result<Option<()>, Option<String>> {
    let target = fs::canonicalize(link).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => None,
        _ => Some(reason(&error)),
    })?;
    if target.is_dir() {
        return Ok(None);
    }
    if !target.starts_with(root) {
        return Err(Some("it is a symbolic link that leads out of the project".into()));
    }
    // Nobody may ever write to a pipe.
    if target.is_file() { Ok(Some(())) } else { Err(Some(NOT_REGULAR.into())) }
}

fn problem(error: &ignore::Error, folder: &Path) -> (PathBuf, String) {
    match error {
        ignore::Error::WithPath { path, err } => (path.clone(), problem(err, folder).1),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => problem(err, folder),
        ignore::Error::Io(error) => {
            // The walk wraps what the system said in a sentence of its own, with the path in it.
            let said = error.get_ref().and_then(|inner| inner.source()?.downcast_ref::<io::Error>());
            (folder.to_path_buf(), reason(said.unwrap_or(error)))
        }
        other => (folder.to_path_buf(), other.to_string()),
    }
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

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn sort(walk: &mut Walk) {
    walk.files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    walk.problems.sort();
    walk.dangling.sort();
}

/// Files that are held in memory, for tests and for callers that have no disk. It knows no links and no ignore files.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
    input: Vec<u8>,
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

    fn walk(&self, folder: &Path, extension: &str) -> Walk {
        let visible = |path: &&PathBuf| {
            path.strip_prefix(folder).is_ok_and(|rest| {
                rest.components().all(|part| match part {
                    Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
                    _ => false,
                })
            })
        };
        let files = self.files.keys().filter(|path| has_extension(path, extension)).filter(visible);
        let mut walk = Walk { files: files.cloned().collect(), ..Walk::default() };
        sort(&mut walk);
        walk
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_a_walk_is_what_the_system_said() {
        let folder = Path::new("/no/such/folder");
        let entry = ignore::WalkBuilder::new(folder).build().next();
        let said = entry.and_then(Result::err).map(|error| problem(&error, folder));
        assert_eq!(said, Some((folder.to_path_buf(), "no such file or directory".to_owned())));
    }
}
