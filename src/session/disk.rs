//! The files of the machine.

use super::load::CONFIG_NAME;
use super::system::{FileSystem, FolderWalk, has_extension, read_at_most, reason, sort, too_large};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why something that is no file is not read.
const NOT_REGULAR: &str = "it is not a regular file";

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

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        let mut walk = FolderWalk::default();
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
