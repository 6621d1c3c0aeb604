//! The files that the server sees: those of the disk, with what the editor holds over them.

use crate::session::{EXTENSION, FileSystem, FolderWalk, reason};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// An error that can be told more than once.
type ToldText<T> = Result<T, (io::ErrorKind, String)>;

/// Open documents over the disk. What the disk said is kept until [`Overlay::forget`], for a key stroke is no reason to
/// read every file again.
pub(super) struct Overlay {
    disk: Box<dyn FileSystem + Send>,
    open: BTreeMap<PathBuf, Arc<str>>,
    known: RefCell<KnownText>,
    /// How often the disk was looked at anew, or a document that is no source changed.
    look: Cell<u64>,
}

#[derive(Default)]
struct KnownText {
    bytes: HashMap<PathBuf, ToldText<Vec<u8>>>,
    folders: HashMap<PathBuf, ToldText<bool>>,
    walks: HashMap<(PathBuf, String), FolderWalk>,
    identities: HashMap<PathBuf, PathBuf>,
}

impl Overlay {
    /// Nothing is open.
    pub(super) fn new(disk: Box<dyn FileSystem + Send>) -> Overlay {
        Overlay { disk, open: BTreeMap::new(), known: RefCell::default(), look: Cell::new(0) }
    }

    /// Puts a text over the file at `path`, an [identity](FileSystem::identity).
    pub(super) fn set(&mut self, path: PathBuf, text: Arc<str>) {
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            self.look.set(self.look.get() + 1);
        }
        self.open.insert(path, text);
    }

    /// Takes a text away.
    pub(super) fn remove(&mut self, path: &Path) {
        self.open.remove(path);
    }

    /// The texts over the files.
    pub(super) fn open(&self) -> &BTreeMap<PathBuf, Arc<str>> {
        &self.open
    }

    /// Looks at the disk anew from now on.
    pub(super) fn forget(&self) {
        *self.known.borrow_mut() = KnownText::default();
        self.look.set(self.look.get() + 1);
    }

    /// Which look at the files that are no sources it is: while it is the same, so are they.
    pub(super) fn look(&self) -> u64 {
        self.look.get()
    }

    fn on_disk(&self, path: &Path) -> ToldText<bool> {
        let ask = || self.disk.is_folder(path).map_err(told);
        self.known.borrow_mut().folders.entry(path.to_path_buf()).or_insert_with(ask).clone()
    }
}

fn told(error: io::Error) -> (io::ErrorKind, String) {
    (error.kind(), reason(&error))
}

fn again((kind, text): (io::ErrorKind, String)) -> io::Error {
    io::Error::new(kind, text)
}

impl FileSystem for Overlay {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        if let Some(text) = self.open.get(path).or_else(|| self.open.get(&self.identity(path))) {
            return Ok(text.as_bytes().to_vec());
        }
        let read = || self.disk.read(path, limit).map_err(told);
        self.known.borrow_mut().bytes.entry(path.to_path_buf()).or_insert_with(read).clone().map_err(again)
    }

    fn read_input(&self, _: u64) -> io::Result<Vec<u8>> {
        // It is where the editor speaks.
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        if self.open.contains_key(path) {
            return Ok(false);
        }
        self.on_disk(path).map_err(again)
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        let key = (folder.to_path_buf(), extension.to_owned());
        let look = || self.disk.walk(folder, extension);
        let mut walk = self.known.borrow_mut().walks.entry(key).or_insert_with(look).clone();
        // A file that is not on the disk yet, or not any more, is there while it is open. One that is on the disk and
        // was not found is not of the project.
        let new = self.open.keys().filter(|path| {
            let inside = path.strip_prefix(folder).is_ok_and(|rest| !rest.components().any(is_hidden));
            inside && path.extension().is_some_and(|found| found == extension) && self.on_disk(path).is_err()
        });
        walk.files.extend(new.cloned().collect::<Vec<_>>());
        walk.files.sort_by(|one, other| one.as_os_str().as_encoded_bytes().cmp(other.as_os_str().as_encoded_bytes()));
        walk.files.dedup();
        walk
    }

    fn identity(&self, path: &Path) -> PathBuf {
        let ask = || {
            let found = self.disk.identity(path);
            // Of a file that is not there, the folder may be.
            match (found == path, path.parent(), path.file_name()) {
                (true, Some(folder), Some(name)) => self.disk.identity(folder).join(name),
                _ => found,
            }
        };
        self.known.borrow_mut().identities.entry(path.to_path_buf()).or_insert_with(ask).clone()
    }
}

fn is_hidden(part: Component<'_>) -> bool {
    match part {
        Component::Normal(name) => name.as_encoded_bytes().starts_with(b"."),
        _ => true,
    }
}
