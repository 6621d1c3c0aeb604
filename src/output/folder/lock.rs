//! Two builds in one folder take turns.

use super::error::OutputError;
use cap_std::fs::Dir;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// How long to sleep between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The right to read or to write the folder. The system ends it with the process, so a killed build leaves no lock.
pub(super) enum Lock {
    /// It is held as long as this is there.
    Held(#[expect(dead_code, reason = "it is held by being open")] File),
    /// Nobody has built there, so there is nothing to take turns for.
    Needless,
    /// The file system has no locks, as with Cargo.
    Missing,
}

impl Lock {
    /// Whether others may work in the folder all the same.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Lock::Missing)
    }
}

/// Who else may work in the folder meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Others that only read.
    Shared,
    /// Nobody.
    Exclusive,
}

/// Waits until the folder is free, at most `wait`.
pub(super) fn acquire(root: &Dir, mode: Mode, wait: Duration) -> Result<Lock, OutputError> {
    let Some(file) = open(root, mode).map_err(OutputError::io("", "lock"))? else {
        return Ok(Lock::Needless);
    };
    let is_held = turn(wait, || match mode {
        Mode::Shared => file.try_lock_shared(),
        Mode::Exclusive => file.try_lock(),
    })?;
    Ok(if is_held { Lock::Held(file) } else { Lock::Missing })
}

/// Tries until a lock is there, at most for `wait`; says no where there are no locks.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has more kinds of errors than this is about")]
fn turn(wait: Duration, mut try_lock: impl FnMut() -> Result<(), TryLockError>) -> Result<bool, OutputError> {
    let start = Instant::now();
    loop {
        match try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if start.elapsed() >= wait => return Err(OutputError::Busy),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => match error.kind() {
                ErrorKind::Unsupported => return Ok(false),
                ErrorKind::Interrupted => {}
                _ => return Err(OutputError::io("", "lock")(error)),
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these answers of the system, one for each try.
    fn after(answers: &[Option<ErrorKind>]) -> Result<bool, OutputError> {
        let mut answers = answers.iter().copied();
        turn(Duration::ZERO, || match answers.next() {
            Some(Some(ErrorKind::WouldBlock)) => Err(TryLockError::WouldBlock),
            Some(Some(kind)) => Err(TryLockError::Error(kind.into())),
            Some(None) | None => Ok(()),
        })
    }

    #[test]
    fn a_lock_is_there_or_known_to_be_missing() {
        assert!(matches!(after(&[None]), Ok(true)));
        assert!(matches!(after(&[Some(ErrorKind::Interrupted), Some(ErrorKind::Interrupted), None]), Ok(true)));
        assert!(matches!(after(&[Some(ErrorKind::Unsupported), None]), Ok(false)));
        assert!(matches!(after(&[Some(ErrorKind::WouldBlock), None]), Err(OutputError::Busy)));
        assert!(matches!(after(&[Some(ErrorKind::PermissionDenied), None]), Err(OutputError::Io { .. })));
    }
}
