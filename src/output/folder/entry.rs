//! Reading what is in the folder, without following links and without waiting for pipes.

use super::error::{Obstacle, OutputError, PathConflict};
use super::names::{STAGING, is_visible};
use crate::output::seal::{HEADER_LEN, may_be_ours};
use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// What kind of thing an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Other,
}

/// The bytes of a file, as far as they matter.
pub(super) enum Content {
    /// There is no such file any more.
    Gone,
    /// It is no regular file.
    NotAFile,
    /// A file that Polder cannot have written; not read any further.
    Foreign {
        /// Whether it looks like a policy.
        is_policy: bool,
    },
    /// All bytes of a file that starts as Polder's files do.
    Ours(Vec<u8>),
}

/// Opens the output folder, or gives nothing if there is none. It may itself be a link: the user named it.
pub(super) fn open_root(dir: &Path) -> io::Result<Option<Dir>> {
    match Dir::open_ambient_dir(dir, ambient_authority()) {
        Err(error) if error.kind() == ErrorKind::NotFound => match dir.symlink_metadata() {
            Err(_) => Ok(None),
            // It leads to nothing.
            Ok(found) if found.is_symlink() => Err(error),
            // Another build has made it between the two looks.
            Ok(_) => Dir::open_ambient_dir(dir, ambient_authority()).map(Some),
        },
        result => result.map(Some),
    }
}

/// The visible entries of a folder with readable names, in the order of their names. Polder looks at no others.
pub(super) fn entries(dir: &Dir, path: &str) -> Result<Vec<(String, Kind)>, OutputError> {
    let mut found = all_entries(dir, path)?;
    found.retain(|(name, _)| is_visible(name));
    Ok(found)
}

/// All entries of a folder whose names are UTF-8, in the order of their names.
pub(super) fn all_entries(dir: &Dir, path: &str) -> Result<Vec<(String, Kind)>, OutputError> {
    let list = || -> io::Result<Vec<(String, Kind)>> {
        let mut found = Vec::new();
        for entry in dir.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => Kind::Link,
                Ok(kind) if kind.is_dir() => Kind::Folder,
                Ok(kind) if kind.is_file() => Kind::File,
                Ok(_) => Kind::Other,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            found.push((name, kind));
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    };
    list().map_err(OutputError::io(path, "list"))
}

/// What is at `name`, if anything.
pub(super) fn kind_of(dir: &Dir, name: &str) -> io::Result<Option<Kind>> {
    match dir.symlink_metadata(name) {
        Ok(data) if data.is_symlink() => Ok(Some(Kind::Link)),
        Ok(data) if data.is_dir() => Ok(Some(Kind::Folder)),
        Ok(data) if data.is_file() => Ok(Some(Kind::File)),
        Ok(_) => Ok(Some(Kind::Other)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a folder inside `dir`; gives nothing if there is none, and an error if it is something else.
pub(super) fn open_folder(dir: &Dir, name: &str) -> io::Result<Option<Dir>> {
    match dir.open_dir_nofollow(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// Opens the folder of new files that a build has left behind, if there is one.
pub(super) fn open_staging(root: &Dir) -> Result<Option<Dir>, OutputError> {
    match kind_of(root, STAGING).map_err(OutputError::io(STAGING, "read"))? {
        None => Ok(None),
        Some(Kind::Folder) => open_folder(root, STAGING).map_err(OutputError::io(STAGING, "open")),
        Some(_) => {
            let conflict = PathConflict { path: STAGING.to_owned(), obstacle: Obstacle::NotAFolder };
            Err(OutputError::conflicts(vec![conflict]))
        }
    }
}

/// What stands near the start of every policy.
const KIND: &[u8] = b"NetworkPolicy";

/// Reads a file, or as much of it as shows that it is not ours.
pub(super) fn read(dir: &Dir, name: &str) -> io::Result<Content> {
    // Without waiting, because a pipe may have taken the place of the file since it was listed.
    let mut options = OpenOptions::new();
    options.read(true).follow(FollowSymlinks::No).nonblock(true);
    let file = match dir.open_with(name, &options) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::Gone),
        result => result?,
    };
    let data = file.metadata()?;
    if !data.is_file() {
        return Ok(Content::NotAFile);
    }
    let mut bytes = Vec::with_capacity(4096);
    (&file).take(HEADER_LEN.max(4096) as u64).read_to_end(&mut bytes)?;
    if !may_be_ours(&bytes) {
        return Ok(Content::Foreign { is_policy: bytes.windows(KIND.len()).any(|part| part == KIND) });
    }
    if data.len() > bytes.len() as u64 {
        (&file).read_to_end(&mut bytes)?;
    }
    Ok(Content::Ours(bytes))
}
