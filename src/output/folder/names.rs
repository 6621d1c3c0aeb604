//! Which paths may be written, on every system alike.

use super::error::{Obstacle, OutputError, PathConflict};
use crate::output::OutputFile;
use crate::output::names::is_reserved;
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// The folder inside DIR in which new files are prepared.
pub(super) const STAGING: &str = ".polder-staging";

/// The longest name of a file or folder that common file systems take, in bytes.
const LONGEST: usize = 255;

/// What is wrong with one segment of a path that is about to be written.
pub(super) fn check_segment(name: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if name.is_empty() {
        Err("a part of it is empty")
    } else if !name.bytes().all(allowed) {
        Err("it has other characters than a to z, 0 to 9, `.`, `_` and `-`")
    } else if name.starts_with('.') {
        Err("a part of it starts with a dot")
    } else if name.ends_with('.') {
        Err("a part of it ends with a dot")
    } else if is_reserved(name) {
        Err("Windows reserves the name")
    } else if name.len() > LONGEST {
        Err("a part of it is longer than 255 bytes")
    } else {
        Ok(())
    }
}

/// A path that is about to be written as its folder (empty for DIR itself) and file name.
pub(super) fn check_path(path: &str) -> Result<(&str, &str), &'static str> {
    let (folder, name) = split(path);
    if !folder.is_empty() || path.starts_with('/') {
        check_segment(folder)?;
    }
    check_segment(name)?;
    Ok((folder, name))
}

/// A path at its first slash.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or(("", path))
}

/// Whether an existing name is one that Polder looks at: a plain, visible name.
pub(super) fn is_visible(name: &str) -> bool {
    let mut components = Path::new(name).components();
    let plain = matches!(components.next(), Some(Component::Normal(only)) if only == name);
    plain && components.next().is_none() && !name.starts_with('.')
}

/// The name as a file system that ignores case sees it.
pub(super) fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The files of one folder by their names.
pub(super) type Folder<'a> = BTreeMap<&'a str, &'a OutputFile>;

/// The files that shall be in DIR, by folder; those of DIR itself stand under the empty name.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) folders: BTreeMap<&'a str, Folder<'a>>,
}

impl<'a> Wanted<'a> {
    /// Sorts the files into folders; fails with every path that must not be written.
    pub(super) fn new(files: &'a [OutputFile]) -> Result<Self, OutputError> {
        let mut wanted = Wanted::default();
        let mut conflicts = Vec::new();
        for file in files {
            let problem = match check_path(&file.path) {
                Err(why) => Some(Obstacle::BadName(why)),
                Ok((folder, name)) => {
                    let earlier = wanted.folders.entry(folder).or_default().insert(name, file);
                    earlier.map(|_| Obstacle::Twice)
                }
            };
            conflicts.extend(problem.map(|obstacle| PathConflict { path: file.path.to_string(), obstacle }));
        }
        let top: Vec<&str> = wanted.folders.get("").into_iter().flat_map(BTreeMap::keys).copied().collect();
        let both = top.into_iter().filter(|name| wanted.folders.contains_key(name));
        conflicts.extend(both.map(|name| PathConflict { path: name.to_owned(), obstacle: Obstacle::Twice }));
        if conflicts.is_empty() { Ok(wanted) } else { Err(OutputError::conflicts(conflicts)) }
    }

    /// The file that shall be at a path.
    pub(super) fn get(&self, path: &str) -> Option<&'a OutputFile> {
        let (folder, name) = split(path);
        self.folders.get(folder).and_then(|files| files.get(name)).copied()
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::folder_name;

    #[test]
    fn devices_of_windows_are_escaped() {
        for name in ["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9"] {
            assert_eq!(folder_name(name), format!("{name}_"));
            assert!(check_segment(name).is_err());
            assert!(check_segment(&format!("{name}.yaml")).is_err());
            assert_eq!(check_segment(&folder_name(name)), Ok(()));
        }
        for name in ["com0", "com10", "console", "null", "production", "lpt", "com"] {
            assert_eq!(folder_name(name), name);
            assert_eq!(check_segment(name), Ok(()));
        }
    }

    #[test]
    fn letters_that_a_file_system_takes_for_others_fold_to_them() {
        assert_eq!(fold("Pro\u{17f}\u{212a}-A"), "prosk-a");
    }

    #[test]
    fn only_plain_visible_names_are_looked_at() {
        for name in ["a", "My Copy (2).yaml", "a.yaml~", "ä"] {
            assert!(is_visible(name), "{name}");
        }
        for name in ["", ".", "..", ".git", "a/b", "/", "a/", "/a", "./a"] {
            assert!(!is_visible(name), "{name}");
        }
    }
}
