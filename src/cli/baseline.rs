//! The file with what `lint` found before.

use super::replace::replace;
use crate::session::{Baseline, Disk, FileSystem as _, LARGEST_FILE, reason};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Reads one; the error says why there is none.
pub(super) fn read(path: &Path) -> Result<Baseline, String> {
    let name = path.display();
    let bytes = Disk.read(path, LARGEST_FILE).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no `{name}`; `polder lint --write-baseline {name}` writes it"),
        _ => format!("cannot read `{name}`: {}", reason(&error)),
    })?;
    parse(&bytes).map_err(|why| format!("`{name}` is no baseline of `polder lint`: {why}"))
}

fn parse(bytes: &[u8]) -> Result<Baseline, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Baseline::parse(text)
}

/// Writes one to where nothing or another one is; the error says why it was not written.
pub(super) fn write(path: &Path, baseline: &Baseline) -> Result<(), String> {
    let (name, text) = (path.display(), baseline.write());
    let cannot = |error: io::Error| format!("cannot write `{name}`: {}", reason(&error));
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(cannot),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let bytes = Disk.read(path, LARGEST_FILE).map_err(cannot)?;
            parse(&bytes)
                .map_err(|why| format!("`{name}` is no baseline of `polder lint` and stays as it is: {why}"))?;
            let before = String::from_utf8_lossy(&bytes);
            if before == text { Ok(()) } else { replace(path, &before, &text).map_err(cannot) }
        }
        Err(error) => Err(cannot(error)),
    }
}
