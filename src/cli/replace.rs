//! A new text for a file that is there.

use crate::session::reason;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Puts a new text in the place of a file at once: whoever reads it sees the old text or the new one. A file that has
/// other names, or an owner that a new file would not get, is written over instead, so that it keeps them.
pub(super) fn replace(target: &Path, original: &str, formatted: &str) -> io::Result<()> {
    let known = fs::metadata(target)?;
    if known.permissions().readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = target.with_file_name(name);
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let keeps_all =
        fill(file, formatted, &known).and_then(|keeps_all| match fs::read(target)? == original.as_bytes() {
            true => Ok(keeps_all),
            false => Err(io::Error::other("somebody else changed it meanwhile")),
        });
    let moved = match keeps_all {
        Ok(true) => fs::rename(&temporary, target),
        Ok(false) => {
            write_over(target, formatted).map_err(|error| {
                // Now it may be the only whole text there is.
                io::Error::other(format!("{}; the new text is in `{}`", reason(&error), temporary.display()))
            })?;
            fs::remove_file(&temporary)
        }
        Err(error) => Err(error),
    };
    if moved.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    moved
}

/// Fills a file that is to take the place of another one. Says whether nothing of that one would be lost.
fn fill(mut file: File, text: &str, known: &fs::Metadata) -> io::Result<bool> {
    file.write_all(text.as_bytes())?;
    let keeps_all = take_owner(&file, known)?;
    file.set_permissions(known.permissions())?;
    file.sync_all()?;
    Ok(keeps_all)
}

/// Gives a file the owner and the group of another one, and says whether it may take its place: a rename would part that
/// one from its other names.
#[cfg(unix)]
fn take_owner(file: &File, known: &fs::Metadata) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let own = file.metadata()?;
    let is_same = (own.uid(), own.gid()) == (known.uid(), known.gid());
    let has_owner = is_same || fchown(file, Some(known.uid()), Some(known.gid())).is_ok();
    Ok(has_owner && known.nlink() == 1)
}

#[cfg(not(unix))]
fn take_owner(_: &File, _: &fs::Metadata) -> io::Result<bool> {
    Ok(true)
}

/// Writes a text over the one that a file has.
fn write_over(target: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(target)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

/// What the file of a source holds: a byte order mark, which is no part of a source's text, too. The error is in words.
pub(super) fn on_disk(path: &Path, name: &str, text: &str) -> Result<String, String> {
    let found = fs::read_to_string(path).map_err(|error| format!("cannot read `{name}`: {}", reason(&error)))?;
    if found == text || found.strip_prefix('\u{feff}') == Some(text) {
        Ok(found)
    } else {
        Err(format!("`{name}` was changed by somebody else meanwhile; it is left as it is"))
    }
}

/// The file behind a path. A symbolic link is followed within the project only.
pub(super) fn target(path: &Path, root: Option<&Path>) -> io::Result<PathBuf> {
    let target = fs::canonicalize(path)?;
    if !fs::symlink_metadata(path)?.is_symlink() {
        return Ok(target);
    }
    let root = root.or_else(|| path.parent()).unwrap_or(Path::new(""));
    match target.starts_with(fs::canonicalize(root)?) {
        true => Ok(target),
        false => Err(io::Error::other("it is a symbolic link that leads out of the project")),
    }
}
