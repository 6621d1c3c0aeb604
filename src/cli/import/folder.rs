//! The files of a program in a folder: all of them or none, and none that is there already.

use crate::session::{reason, shown};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes files into a folder, seen from the folder `here`, and gives their paths as they would be typed.
pub(super) fn write(here: &Path, folder: &Path, files: &[(String, String)]) -> Result<Vec<String>, String> {
    let folder = here.join(folder);
    let name = |path: &Path| shown(path, here);
    let paths: Vec<(PathBuf, &str)> = files.iter().map(|(name, text)| (folder.join(name), text.as_str())).collect();
    if let Some((taken, _)) = paths.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(format!("`{}` is already there, and nothing is overwritten", name(taken)));
    }
    let failed = |path: &Path, error: &io::Error| format!("cannot write `{}`: {}", name(path), reason(error));
    let made = new_folders(&folder);
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let mut created: Vec<&Path> = Vec::new();
    for (path, text) in &paths {
        if let Err(error) = create(path, text, &mut created) {
            created.iter().for_each(|path| _ = fs::remove_file(path));
            made.iter().for_each(|folder| _ = fs::remove_dir(folder));
            return Err(failed(path, &error));
        }
    }
    Ok(paths.iter().map(|(path, _)| name(path)).collect())
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
