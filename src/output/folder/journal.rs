//! The record that a build has decided: from it on, the new set holds, and a killed build is completed by the next.
//!
//! A record may also have come with a repository from somebody else. So it is believed only as far as it names plain
//! paths and whole generated files, and [`super::swap`] looks at every target again before it touches it.

use super::entry::{self, Content, Kind};
use super::error::OutputError;
use super::names::{STAGING, check_path, check_segment, is_visible, split};
use super::plan::join;
use crate::output::seal::{self, Ownership, ownership};
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

/// The record's name in the staging folder.
pub(super) const NAME: &str = "journal";
/// Its name until it is complete.
pub(super) const UNFINISHED: &str = "journal.new";

/// What is still to be done, in this order: so a reader of the folder sees what is added before it misses what is
/// removed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// Whole folders to move into place.
    pub(super) folders: Vec<NewFolder>,
    /// Files to move into place.
    pub(super) files: Vec<NewFile>,
    /// Files to remove.
    pub(super) removals: Vec<Orphan>,
}

/// A folder that was not there before, with all its files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFolder {
    /// Its number in the staging folder.
    pub(super) staged: u32,
    /// Its name in DIR.
    pub(super) name: String,
}

/// A file for a folder that was there before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFile {
    /// Its number in the staging folder.
    pub(super) staged: u32,
    /// Its path in DIR.
    pub(super) path: String,
    /// The SHA-256 of the file that it replaces, if it replaces one.
    pub(super) old: Option<String>,
}

/// A file that is no longer produced.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Orphan {
    /// Its path in DIR.
    pub(super) path: String,
    /// The SHA-256 of its bytes.
    pub(super) old: String,
}

impl Journal {
    /// The bytes of the record, sealed so that a torn one is recognised.
    pub(super) fn to_text(&self) -> Result<String, OutputError> {
        let json = serde_json::to_string(self).map_err(std::io::Error::from);
        Ok(seal::seal(&json.map_err(OutputError::io(STAGING, "write"))?))
    }

    /// The record that is still to be carried out, if there is a whole and believable one.
    pub(super) fn read(staging: &Dir) -> Result<Option<Journal>, OutputError> {
        let content = entry::read(staging, NAME).map_err(OutputError::io(&join(STAGING, NAME), "read"))?;
        let Content::Ours(bytes) = content else { return Ok(None) };
        let parsed = seal::body(&bytes).and_then(|body| serde_json::from_slice::<Journal>(body).ok());
        let Some(mut journal) = parsed.filter(Journal::is_plain) else { return Ok(None) };
        Ok(journal.keep_outstanding(staging)?.then_some(journal))
    }

    /// Whether all paths are such that a build can have written them.
    fn is_plain(&self) -> bool {
        // A file that somebody renamed is still removed, so a removal may have any visible name.
        let removable = |path: &str| {
            let (folder, name) = split(path);
            is_visible(name) && (is_visible(folder) || !path.contains('/'))
        };
        self.folders.iter().all(|folder| check_segment(&folder.name).is_ok())
            && self.files.iter().all(|file| check_path(&file.path).is_ok())
            && self.removals.iter().all(|removal| removable(&removal.path))
    }

    /// Drops the moves that have been made; false if anything that is still to be moved is not whole.
    fn keep_outstanding(&mut self, staging: &Dir) -> Result<bool, OutputError> {
        let staged = entry::all_entries(staging, STAGING)?;
        let kind = |number: u32| {
            let name = number.to_string();
            staged.binary_search_by(|(entry, _)| entry.cmp(&name)).ok().and_then(|at| staged.get(at)).map(|it| it.1)
        };
        self.folders.retain(|folder| kind(folder.staged).is_some());
        self.files.retain(|file| kind(file.staged).is_some());
        for folder in &self.folders {
            if kind(folder.staged) != Some(Kind::Folder) || !is_whole_folder(staging, &folder.staged.to_string())? {
                return Ok(false);
            }
        }
        for file in &self.files {
            if !is_whole(staging, &file.staged.to_string())? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether everything in a staged folder is a whole generated file.
fn is_whole_folder(staging: &Dir, name: &str) -> Result<bool, OutputError> {
    let path = join(STAGING, name);
    let Some(dir) = entry::open_folder(staging, name).map_err(OutputError::io(&path, "open"))? else {
        return Ok(false);
    };
    for (name, _) in entry::all_entries(&dir, &path)? {
        if check_segment(&name).is_err() || !is_whole(&dir, &name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_whole(dir: &Dir, name: &str) -> Result<bool, OutputError> {
    if entry::kind_of(dir, name).map_err(OutputError::io(STAGING, "read"))? != Some(Kind::File) {
        return Ok(false);
    }
    let content = entry::read(dir, name).map_err(OutputError::io(STAGING, "read"))?;
    Ok(matches!(content, Content::Ours(bytes) if ownership(&bytes) == Ownership::Owned))
}
