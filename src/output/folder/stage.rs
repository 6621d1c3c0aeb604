//! Preparing all new bytes beside the old ones. Until the record stands, nothing that is visible has changed.

use super::entry::{self, Kind};
use super::error::{Obstacle, OutputError, PathConflict};
use super::journal::{self, Journal, NewFile, NewFolder, Orphan};
use super::names::{STAGING, Wanted, check_segment};
use super::plan::{Plan, join};
use crate::output::OutputFile;
use crate::output::seal::{digest, header};
use cap_std::fs::{Dir, OpenOptions};
use std::io::{self, ErrorKind, Write};

/// Keeps the remains of a killed build out of a commit.
const IGNORE: &str = ".gitignore";

/// Writes all new files and the record into a new staging folder; cleans up if that fails.
pub(super) fn stage(root: &Dir, plan: &Plan, wanted: &Wanted) -> Result<(Dir, Journal), OutputError> {
    let result = fill(root, plan, wanted);
    if result.is_err() {
        // What went wrong is the first error; what cannot be removed now, the next build removes.
        let _ = discard(root);
    }
    result
}

fn fill(root: &Dir, plan: &Plan, wanted: &Wanted) -> Result<(Dir, Journal), OutputError> {
    root.create_dir(STAGING).map_err(OutputError::io(STAGING, "create"))?;
    let staging = entry::open_staging(root)?;
    let staging = staging.ok_or(ErrorKind::NotFound.into()).map_err(OutputError::io(STAGING, "open"))?;
    let mut writer = StageWriter::default();
    writer.write(&staging, IGNORE, &["*\n"]).map_err(OutputError::io(STAGING, "write"))?;
    let mut journal = Journal::default();
    let mut numbers = 0..;
    for (name, staged) in plan.fresh.iter().zip(&mut numbers) {
        let files = wanted.folders.get(name.as_str()).into_iter().flatten();
        let folder = new_folder(&staging, &staged.to_string()).map_err(OutputError::io(name, "create"))?;
        for (file_name, file) in files {
            writer.file(&folder, file_name, file)?;
        }
        journal.folders.push(NewFolder { staged, name: name.clone() });
    }
    for change in &plan.changes {
        let (folder, _) = super::names::split(&change.path);
        if plan.fresh.binary_search_by(|name| name.as_str().cmp(folder)).is_ok() {
            continue;
        }
        let old = change.old.as_deref().map(digest);
        let path = change.path.clone();
        match (wanted.get(&path), old) {
            (Some(file), old) => {
                let staged = numbers.next().unwrap_or(u32::MAX);
                writer.file(&staging, &staged.to_string(), file)?;
                journal.files.push(NewFile { staged, path, old });
            }
            (None, Some(old)) => journal.removals.push(Orphan { path, old }),
            (None, None) => {}
        }
    }
    let text = journal.to_text()?;
    writer
        .write(&staging, journal::UNFINISHED, &[&text])
        .and_then(|()| staging.rename(journal::UNFINISHED, &staging, journal::NAME))
        .map_err(OutputError::io(&join(STAGING, journal::NAME), "write"))?;
    Ok((staging, journal))
}

fn new_folder(staging: &Dir, name: &str) -> io::Result<Dir> {
    staging.create_dir(name)?;
    entry::open_folder(staging, name)?.ok_or(ErrorKind::NotFound.into())
}

/// Writes files, each with one call.
#[derive(Default)]
struct StageWriter {
    buffer: Vec<u8>,
}

impl StageWriter {
    fn file(&mut self, dir: &Dir, name: &str, file: &OutputFile) -> Result<(), OutputError> {
        self.write(dir, name, &[&header(&file.body), &file.body]).map_err(OutputError::io(&file.path, "write"))
    }

    fn write(&mut self, dir: &Dir, name: &str, parts: &[&str]) -> io::Result<()> {
        self.buffer.clear();
        parts.iter().for_each(|part| self.buffer.extend_from_slice(part.as_bytes()));
        dir.open_with(name, OpenOptions::new().write(true).create_new(true))?.write_all(&self.buffer)
    }
}

/// Removes the staging folder, the record first. Only what a build puts there goes; anything else is a conflict.
pub(super) fn discard(root: &Dir) -> Result<(), OutputError> {
    let Some(staging) = entry::open_staging(root)? else { return Ok(()) };
    let mut foreign = Vec::new();
    let mut listed = entry::all_entries(&staging, STAGING)?;
    listed.sort_by_key(|(name, _)| name != journal::NAME);
    for (name, kind) in listed {
        let path = join(STAGING, &name);
        let is_number = name.parse::<u32>().is_ok_and(|number| number.to_string() == name);
        let ours = is_number || [IGNORE, journal::NAME, journal::UNFINISHED].contains(&name.as_str());
        match kind {
            Kind::Folder if is_number => discard_folder(&staging, &name, &mut foreign)?,
            Kind::File | Kind::Link if ours => {
                staging.remove_file(&name).or_else(unless_gone).map_err(OutputError::io(&path, "remove"))?;
            }
            Kind::File | Kind::Folder | Kind::Link | Kind::Other => {
                foreign.push(PathConflict { path, obstacle: Obstacle::Foreign })
            }
        }
    }
    if !foreign.is_empty() {
        return Err(OutputError::conflicts(foreign));
    }
    root.remove_dir(STAGING).or_else(unless_gone).map_err(OutputError::io(STAGING, "remove"))
}

fn discard_folder(staging: &Dir, name: &str, foreign: &mut Vec<PathConflict>) -> Result<(), OutputError> {
    let path = join(STAGING, name);
    let Some(dir) = entry::open_folder(staging, name).map_err(OutputError::io(&path, "open"))? else {
        return Ok(());
    };
    let before = foreign.len();
    for (name, kind) in entry::all_entries(&dir, &path)? {
        let path = join(&path, &name);
        if check_segment(&name).is_ok() && matches!(kind, Kind::File | Kind::Link) {
            dir.remove_file(&name).or_else(unless_gone).map_err(OutputError::io(&path, "remove"))?;
        } else {
            foreign.push(PathConflict { path, obstacle: Obstacle::Foreign });
        }
    }
    if foreign.len() > before {
        return Ok(());
    }
    staging.remove_dir(name).or_else(unless_gone).map_err(OutputError::io(&path, "remove"))
}

/// What is gone already need not be removed.
pub(super) fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
