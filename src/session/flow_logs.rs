//! Flow logs: found in folders, opened, unpacked.

use super::load::Named;
use super::path::shown;
use super::system::reason;
use crate::replay::SavedGroups;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How much of a log is read at once.
const AT_ONCE: usize = 256 * 1024;

/// How deep folders are looked through.
const DEEPEST: usize = 16;

/// A log that was named, or is in a folder that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// What it is called.
    pub name: String,
    /// Where it is; `None` for standard input.
    path: Option<PathBuf>,
    /// How many bytes it has, as far as that is known.
    pub size: Option<u64>,
    /// Whether it was named itself, and is not only in a folder that was.
    pub is_named: bool,
}

impl LogFile {
    /// The logs that are named, seen from `folder`, where a folder stands for all in it, by their names. The error is a sentence.
    pub fn find(named: &[Named], folder: &Path) -> Result<Vec<LogFile>, String> {
        let mut found = Vec::new();
        for one in named {
            match one {
                Named::Input => {
                    found.push(LogFile { name: "-".to_owned(), path: None, size: None, is_named: true });
                }
                Named::Cluster(_) => {}
                Named::Path(path) => {
                    let path = folder.join(path);
                    let before = found.len();
                    add(&path, folder, true, DEEPEST, &mut found)
                        .map_err(|error| format!("cannot read `{}`: {}", shown(&path, folder), reason(&error)))?;
                    if found.len() == before {
                        return Err(format!("there is no file in `{}`", shown(&path, folder)));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Opens it, and unpacks it where it is packed.
    pub fn open(&self) -> io::Result<Box<dyn BufRead>> {
        match &self.path {
            Some(path) => unpacked(BufReader::with_capacity(AT_ONCE, File::open(path)?)),
            None => unpacked(BufReader::with_capacity(AT_ONCE, io::stdin())),
        }
    }
}

fn add(path: &Path, folder: &Path, is_named: bool, deep: usize, found: &mut Vec<LogFile>) -> io::Result<()> {
    let data = fs::metadata(path)?;
    if !data.is_dir() {
        // A pipe that is named is read; in a folder nobody may ever write to it.
        if is_named || data.is_file() {
            let size = data.is_file().then_some(data.len());
            found.push(LogFile { name: shown(path, folder), path: Some(path.to_path_buf()), size, is_named });
        }
        return Ok(());
    }
    let Some(deep) = deep.checked_sub(1) else { return Ok(()) };
    let mut inside =
        fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    inside.sort();
    let is_hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    inside.iter().filter(|path| !is_hidden(path)).try_for_each(|path| add(path, folder, false, deep, found))
}

/// Keeps the groups of logs in a file, beside those that it has already. The error is a sentence.
pub fn save_groups(groups: &SavedGroups, path: &Path, folder: &Path) -> Result<(), String> {
    let place = folder.join(path);
    let name = shown(&place, folder);
    let told = |error: &io::Error| format!("cannot write `{name}`: {}", reason(error));
    let mut all = groups.clone();
    match fs::read_to_string(&place) {
        Ok(text) => match SavedGroups::parse(&text) {
            Some(older) => all.merge(&older),
            None => return Err(format!("`{name}` is something else than groups that were saved, and stays as it is")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(told(&error)),
    }
    // Whoever reads it meanwhile sees one or the other.
    let mut beside = place.clone().into_os_string();
    beside.push(".new");
    let written = fs::write(&beside, all.text()).and_then(|()| fs::rename(&beside, &place));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        told(&error)
    })
}

/// What is in a stream that may be packed with gzip or zstd.
fn unpacked(mut input: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    let start = input.fill_buf()?;
    if start.starts_with(GZIP) {
        return Ok(Box::new(BufReader::with_capacity(AT_ONCE, MultiGzDecoder::new(input))));
    }
    if start.starts_with(ZSTD) {
        return Ok(Box::new(BufReader::with_capacity(AT_ONCE, ZstdFrames::new(input))));
    }
    Ok(Box::new(input))
}

/// The frames of zstd one after the other, as several files in one have them.
struct ZstdFrames<R: BufRead> {
    state: Frame<R>,
}

enum Frame<R: BufRead> {
    Before(R),
    Within(Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>),
    Ended,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(input: R) -> Self {
        ZstdFrames { state: Frame::Before(input) }
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, Frame::Ended) {
                Frame::Ended => return Ok(0),
                Frame::Before(mut input) => {
                    if input.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let decoder = StreamingDecoder::new(input).map_err(io::Error::other)?;
                    self.state = Frame::Within(Box::new(decoder));
                }
                Frame::Within(mut decoder) => {
                    let read = decoder.read(buffer)?;
                    if read > 0 {
                        self.state = Frame::Within(decoder);
                        return Ok(read);
                    }
                    self.state = Frame::Before(decoder.into_inner());
                }
            }
        }
    }
}
