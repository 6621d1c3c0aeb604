//! Carrying out a record: each step is one rename or one removal, so every file is old or new at any moment.
//!
//! A file that changes is renamed over the old one and never missing. On ext4 that makes the new bytes go to the disk
//! at once, which costs about as much as removing the old file first, and makes the update safe against a loss of power.

use super::entry::{self, Content, Kind};
use super::error::{Obstacle, OutputError, PathConflict};
use super::journal::{Journal, NewFile, NewFolder, Orphan};
use super::names::split;
use super::stage::{discard, unless_gone};
use crate::output::seal::{Ownership, digest, ownership};
use cap_std::fs::Dir;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};

/// Ends what a killed build has left: completes it if it had decided, forgets it if not. Gives whether it completed one.
pub(super) fn recover(root: &Dir) -> Result<bool, OutputError> {
    let Some(staging) = entry::open_staging(root)? else { return Ok(false) };
    let journal = Journal::read(&staging)?;
    if let Some(journal) = &journal {
        // Targets that have changed since are left alone; the plan that follows judges them anew.
        carry_out(root, &staging, journal).map_err(OutputError::after_commit)?;
    }
    discard(root)?;
    Ok(journal.is_some())
}

/// Does everything that the record says, except where the target is not what the record expects; gives those.
pub(super) fn carry_out(root: &Dir, staging: &Dir, journal: &Journal) -> Result<Vec<PathConflict>, OutputError> {
    let mut swap = Swap { root, staging, open: None, conflicts: Vec::new() };
    journal.folders.iter().try_for_each(|folder| swap.folder(folder))?;
    journal.files.iter().try_for_each(|file| swap.file(file))?;
    journal.removals.iter().try_for_each(|removal| swap.removal(removal))?;
    let left: BTreeSet<&str> = journal.removals.iter().map(|removal| split(&removal.path).0).collect();
    for folder in left.into_iter().filter(|folder| !folder.is_empty()) {
        swap.remove_if_empty(folder)?;
    }
    Ok(swap.conflicts)
}

struct Swap<'a> {
    root: &'a Dir,
    staging: &'a Dir,
    /// The folder inside DIR in which the last step worked.
    open: Option<(String, Dir)>,
    conflicts: Vec<PathConflict>,
}

impl Swap<'_> {
    fn conflict(&mut self, path: &str, obstacle: Obstacle) {
        self.conflicts.push(PathConflict { path: path.to_owned(), obstacle });
    }

    fn folder(&mut self, folder: &NewFolder) -> Result<(), OutputError> {
        let name = folder.name.as_str();
        match entry::kind_of(self.root, name).map_err(OutputError::io(name, "read"))? {
            None => {
                self.staging.rename(folder.staged.to_string(), self.root, name).map_err(OutputError::io(name, "create"))
            }
            Some(kind) => {
                self.conflict(name, if kind == Kind::Link { Obstacle::Link } else { Obstacle::Foreign });
                Ok(())
            }
        }
    }

    fn file(&mut self, file: &NewFile) -> Result<(), OutputError> {
        let (folder, name) = split(&file.path);
        let staging = self.staging;
        let Some(dir) = self.open(folder, true)? else { return Ok(()) };
        let obstacle = obstacle(dir, name, file.old.as_deref()).map_err(OutputError::io(&file.path, "read"))?;
        match obstacle {
            None => staging.rename(file.staged.to_string(), dir, name).map_err(OutputError::io(&file.path, "write")),
            Some(obstacle) => {
                self.conflict(&file.path, obstacle);
                Ok(())
            }
        }
    }

    fn removal(&mut self, removal: &Orphan) -> Result<(), OutputError> {
        let (folder, name) = split(&removal.path);
        let Some(dir) = self.open(folder, false)? else { return Ok(()) };
        let obstacle = obstacle(dir, name, Some(&removal.old)).map_err(OutputError::io(&removal.path, "read"))?;
        match obstacle {
            None => dir.remove_file(name).or_else(unless_gone).map_err(OutputError::io(&removal.path, "remove")),
            Some(obstacle) => {
                self.conflict(&removal.path, obstacle);
                Ok(())
            }
        }
    }

    /// Opens the folder of a step; none if it is missing and not to be created, or if something else is there.
    fn open(&mut self, folder: &str, create: bool) -> Result<Option<&Dir>, OutputError> {
        if folder.is_empty() {
            return Ok(Some(self.root));
        }
        if self.open.as_ref().is_none_or(|(name, _)| name != folder) {
            self.open = None;
            match entry::kind_of(self.root, folder).map_err(OutputError::io(folder, "read"))? {
                None if !create => return Ok(None),
                None => self.root.create_dir(folder).map_err(OutputError::io(folder, "create"))?,
                Some(Kind::Folder) => {}
                Some(_) => {
                    self.conflict(folder, Obstacle::NotAFolder);
                    return Ok(None);
                }
            }
            let dir = entry::open_folder(self.root, folder).map_err(OutputError::io(folder, "open"))?;
            self.open = dir.map(|dir| (folder.to_owned(), dir));
        }
        Ok(self.open.as_ref().map(|(_, dir)| dir))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the system has more kinds of errors than this is about")]
    fn remove_if_empty(&mut self, folder: &str) -> Result<(), OutputError> {
        self.open = None;
        // Something else may have taken the folder's place: that is nothing to remove either.
        let gone = |error: io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory => Ok(()),
            _ => Err(error),
        };
        self.root.remove_dir(folder).or_else(gone).map_err(OutputError::io(folder, "remove"))
    }
}

/// What keeps a file from being replaced or removed: anything but the file with the recorded bytes, or none.
fn obstacle(dir: &Dir, name: &str, old: Option<&str>) -> io::Result<Option<Obstacle>> {
    Ok(match entry::kind_of(dir, name)? {
        None => None,
        Some(Kind::Link) => Some(Obstacle::Link),
        Some(Kind::Folder | Kind::Other) => Some(Obstacle::NotAFile),
        Some(Kind::File) => match entry::read(dir, name)? {
            Content::Gone => None,
            Content::Ours(bytes) if old.is_some_and(|old| digest(&bytes) == old) => None,
            Content::Ours(bytes) if ownership(&bytes) != Ownership::Foreign => Some(Obstacle::Edited),
            Content::Ours(_) | Content::Foreign { .. } => Some(Obstacle::Foreign),
            Content::NotAFile => Some(Obstacle::NotAFile),
        },
    })
}
