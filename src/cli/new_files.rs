//! New files, and none that is there already: those of a program in a folder, all of them or none, and single ones.
//!
//! Files that were written one by one would be a smaller program if the process was killed between two of them, and a
//! build of that would close what it leaves out. So one more file, which no command takes for a program, stands beside
//! them until all are there: it is the first that is created and the last that goes.

use crate::session::{EXTENSION, reason, shown};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What is written: by which command, and what that is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct WritingCommand {
    /// The command, as it is typed.
    pub(super) command: &'static str,
    /// A word for it, with its article.
    pub(super) article: &'static str,
    /// The word.
    pub(super) word: &'static str,
}

impl WritingCommand {
    pub(super) const IMPORT: WritingCommand =
        WritingCommand { command: "polder import", article: "an", word: "import" };
    pub(super) const INIT: WritingCommand =
        WritingCommand { command: "polder init --from", article: "a", word: "start" };

    /// The file that says that not all files are there.
    fn unfinished(self) -> String {
        format!("unfinished-{}.{EXTENSION}", self.word)
    }

    /// What it says.
    fn text(self) -> String {
        let WritingCommand { command, word, .. } = self;
        format!(
            "# `{command}` was stopped before it had written all files, so this is not the whole program. Delete this file \
             and\n# those that it wrote beside it, and run it again.\nunfinished {word}\n"
        )
    }
}

/// Writes files into a folder, seen from the folder `here`, and gives their paths as they would be typed.
pub(super) fn write(
    of: WritingCommand,
    here: &Path,
    folder: &Path,
    files: &[(String, String)],
) -> Result<Vec<String>, String> {
    let folder = here.join(folder);
    let name = |path: &Path| shown(path, here);
    let paths: Vec<(PathBuf, &str)> = files.iter().map(|(name, text)| (folder.join(name), text.as_str())).collect();
    let (unfinished, text) = (folder.join(of.unfinished()), of.text());
    if unfinished.symlink_metadata().is_ok() {
        let WritingCommand { article, word, .. } = of;
        return Err(format!(
            "`{}` says that {article} {word} was stopped before it had written all files: delete it and those that it wrote, \
             and {word} again",
            name(&unfinished)
        ));
    }
    if let Some((taken, _)) = paths.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(format!("`{}` is already there, and nothing is overwritten", name(taken)));
    }
    let failed = |path: &Path, error: &io::Error| format!("cannot write `{}`: {}", name(path), reason(error));
    let made = new_folders(&folder);
    let mut created: Vec<&Path> = Vec::new();
    let written = fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error)).and_then(|()| {
        let all = std::iter::once((unfinished.as_path(), text.as_str()));
        all.chain(paths.iter().map(|(path, text)| (path.as_path(), *text)))
            .try_for_each(|(path, text)| create(path, text, &mut created).map_err(|error| failed(path, &error)))?;
        fs::remove_file(&unfinished).map_err(|error| failed(&unfinished, &error))
    });
    match written {
        Ok(()) => Ok(paths.iter().map(|(path, _)| name(path)).collect()),
        Err(message) => {
            // The last that goes is what says that something is missing.
            created.iter().rev().for_each(|path| _ = fs::remove_file(path));
            made.iter().for_each(|folder| _ = fs::remove_dir(folder));
            Err(message)
        }
    }
}

/// Writes a file that must not be there yet, and gives its path as it is shown.
pub(super) fn create_one(folder: &Path, path: &Path, text: &str) -> Result<String, String> {
    let path = folder.join(path);
    let name = shown(&path, folder);
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    let failed = |error: &io::Error| format!("cannot write `{name}`: {}", reason(error));
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("`{name}` is already there, and nothing is overwritten"),
        _ => failed(&error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| {
        // A part of it would be taken for the whole.
        let _ = fs::remove_file(&path);
        failed(&error)
    })?;
    Ok(name)
}

/// The folders that are not there yet, the innermost first.
fn new_folders(folder: &Path) -> Vec<PathBuf> {
    folder.ancestors().take_while(|path| path.symlink_metadata().is_err()).map(Path::to_path_buf).collect()
}

/// Writes a file that must not be there yet, and notes it as soon as it is.
fn create<'p>(path: &'p Path, text: &str, created: &mut Vec<&'p Path>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    created.push(path);
    file.write_all(text.as_bytes())
}
