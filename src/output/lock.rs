//! Two builds in one folder take turns.

use super::error::OutputError;
use cap_std::fs::Dir;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long to sleep between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The right to read or to write the folder. The system ends it with the process, so a killed build leaves no lock.
pub(super) struct Lock {
    _file: Option<File>,
}

/// Who else may work in the folder meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Others that only read.
    Shared,
    /// Nobody.
    Exclusive,
}

/// Waits until the folder is free, at most `wait`. A file system without locks gives none, as with Cargo.
pub(super) fn acquire(root: &Dir, mode: Mode, wait: Duration) -> Result<Lock, OutputError> {
    let lock = |error| OutputError::io("", "lock")(error);
    let Some(file) = open(root, mode).map_err(lock)? else {
        return Ok(Lock { _file: None });
    };
    let start = Instant::now();
    loop {
        let result = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match result {
            Ok(()) => return Ok(Lock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) if start.elapsed() >= wait => return Err(OutputError::Busy),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                return Ok(Lock { _file: None });
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(lock(error)),
        }
    }
}

/// The folder itself carries the lock, so that no lock file is left in it.
#[cfg(unix)]
fn open(root: &Dir, _mode: Mode) -> io::Result<Option<File>> {
    root.open(".").map(|file| Some(file.into_std()))
}

/// A folder cannot carry a lock here, so a hidden file does; reading alone never makes it.
#[cfg(not(unix))]
fn open(root: &Dir, mode: Mode) -> io::Result<Option<File>> {
    use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
    use cap_std::fs::OpenOptions;
    let exclusive = mode == Mode::Exclusive;
    let mut options = OpenOptions::new();
    options.read(true).write(exclusive).create(exclusive).follow(FollowSymlinks::No);
    match root.open_with(".polder-lock", &options) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(|file| Some(file.into_std())),
    }
}
