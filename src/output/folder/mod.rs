//! The owned folder: plain bytes go in, and DIR holds exactly them and whatever else somebody keeps there.
//!
//! Polder owns the regular files in DIR and one level below it whose first line says so and carries the right checksum
//! of the rest. It creates, updates and removes only those. One level below, a `kustomization.yaml` that lists folders
//! belongs to another output folder and stays. Entries whose names start with a dot or are not UTF-8 are never looked
//! at, links inside DIR are never followed, and every path is opened relative to a handle of its folder.
//!
//! Writing is all or nothing: the new bytes are prepared in a hidden folder inside DIR (`stage.rs`), a record of the
//! steps makes the decision (`journal.rs`), the steps are carried out (`swap.rs`), and the record goes. A build that was
//! killed before the decision has changed nothing; one that was killed after it is completed by the next. A loss of
//! power is another matter: files that were just created may then be empty, as with any program that does not wait
//! for the disk after each file.

mod entry;
mod error;
mod journal;
mod lock;
mod names;
mod plan;
mod stage;
mod swap;

pub use error::{Obstacle, OutputError, PathConflict};
pub use plan::{ChangeKind, FileChange, Plan};

use super::OutputFile;
use cap_std::fs::Dir;
use names::Wanted;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// What a build may do, and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildOptions {
    /// Replace or remove generated files although somebody edited them.
    pub force: bool,
    /// Remove all generated files if no file is given.
    pub allow_empty: bool,
    /// How long to wait for another build in the same folder.
    pub wait: Duration,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions { force: false, allow_empty: false, wait: Duration::from_secs(5) }
    }
}

/// What [`write()`] would change now. Changes nothing itself, and fails where `write` would refuse.
pub fn plan(dir: &Path, files: &[OutputFile], options: &BuildOptions) -> Result<Plan, OutputError> {
    let wanted = Wanted::new(files)?;
    let Some(root) = open(dir)? else {
        return Ok(Plan::for_nothing(&wanted));
    };
    let lock = lock::acquire(&root, lock::Mode::Shared, options.wait)?;
    let interrupted = plan::is_interrupted(&root)?;
    let plan = plan::judge(&root, &wanted, options)?;
    Ok(Plan { interrupted, unlocked: lock.is_missing(), ..plan })
}

/// Makes the folder hold exactly these files of Polder's, all or none of them, and gives what that changed. Creates
/// the folder if it is missing. Completes an earlier build first, if that was killed after it had decided.
pub fn write(dir: &Path, files: &[OutputFile], options: &BuildOptions) -> Result<Plan, OutputError> {
    let wanted = Wanted::new(files)?;
    let root = match open(dir)? {
        Some(root) => root,
        None if wanted.is_empty() => return Ok(Plan::default()),
        None => create(dir)?,
    };
    let lock = lock::acquire(&root, lock::Mode::Exclusive, options.wait)?;
    let interrupted = swap::recover(&root)?;
    let plan = Plan { interrupted, unlocked: lock.is_missing(), ..plan::judge(&root, &wanted, options)? };
    if plan.changes.is_empty() {
        return Ok(plan);
    }
    let (staging, journal) = stage::stage(&root, &plan, &wanted)?;
    let conflicts = swap::carry_out(&root, &staging, &journal).map_err(OutputError::after_commit)?;
    drop(staging);
    stage::discard(&root).map_err(OutputError::after_commit)?;
    // Somebody changed these between the plan and the swap; their bytes are still there.
    if conflicts.is_empty() { Ok(plan) } else { Err(OutputError::conflicts(conflicts)) }
}

/// Opens the folder, if it exists.
fn open(dir: &Path) -> Result<Option<Dir>, OutputError> {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    match entry::open_root(dir) {
        Err(error) if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) => {
            Err(OutputError::conflicts(vec![PathConflict { path: String::new(), obstacle: Obstacle::NotAFolder }]))
        }
        result => result.map_err(OutputError::io("", "open")),
    }
}

/// Creates the folder and those above it.
fn create(dir: &Path) -> Result<Dir, OutputError> {
    std::fs::create_dir_all(dir).map_err(OutputError::io("", "create"))?;
    let root = open(dir)?;
    root.ok_or(ErrorKind::NotFound.into()).map_err(OutputError::io("", "open"))
}
