//! What a build writes: named texts, each sealed by a line that says whose it is. `folder/` brings a folder of the disk to
//! hold exactly them.

#![warn(clippy::wildcard_enum_match_arm)]

#[cfg(feature = "disk")]
mod folder;
mod names;
mod seal;

#[cfg(feature = "disk")]
pub use folder::{BuildOptions, ChangeKind, FileChange, Obstacle, OutputError, PathConflict, Plan, plan, write};
pub use names::folder_name;
pub use seal::{Ownership, is_header, ownership, seal};

use crate::source::Excerpt;

/// A file that shall be in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Its path relative to the folder, with forward slashes: a name, or a folder and a name. Made of `a` to `z`, `0`
    /// to `9`, `.`, `_` and `-` only; see [`folder_name`].
    pub path: Excerpt,
    /// The text below the first line, which [`seal`] puts above it.
    pub body: Excerpt,
}
