//! All programs of the open documents and folders.

use super::overlay::Overlay;
use super::program::{FileSpot, Key, Program};
use super::uri::{is_in_no_file, path_of};
use crate::session::{CONFIG_NAME, EXTENSION, FileSystem};
use crate::source::{Encoding, FileId};
use lsp_types::{Position, Uri};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A document as the analysis sees it.
#[derive(Debug, Clone)]
struct AnalysedDocument {
    uri: Uri,
    version: i32,
    /// Whether it is a program's source, and not its `polder.toml`, say.
    source: bool,
}

/// The programs.
pub(super) struct Workspace {
    overlay: Overlay,
    encoding: Encoding,
    /// By identity.
    open: BTreeMap<PathBuf, AnalysedDocument>,
    folders: Vec<PathBuf>,
    programs: BTreeMap<Key, DocumentEntry>,
    /// Whether the disk has to be looked at before the next answer.
    unsettled: bool,
}

#[derive(Default)]
struct DocumentEntry {
    program: Option<Program>,
    /// Whether something has changed since it was read.
    stale: bool,
}

impl Workspace {
    /// Nothing is open.
    pub(super) fn new(overlay: Overlay, encoding: Encoding) -> Workspace {
        let (open, folders, programs) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Workspace { overlay, encoding, open, folders, programs, unsettled: false }
    }

    /// The folders that the editor has open. A project at the top of one is looked at before any of its files is open.
    pub(super) fn set_folders(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
        self.unsettled = true;
    }

    /// Opens a document.
    pub(super) fn open(&mut self, uri: &Uri, version: i32, text: Arc<str>) {
        let path = self.overlay.identity(&path_of(uri));
        let is_config = path.file_name().is_some_and(|name| name == CONFIG_NAME);
        let other = path.extension().is_some_and(|extension| extension != EXTENSION);
        let source = !is_config && (!other || is_in_no_file(&path));
        self.open.insert(path.clone(), AnalysedDocument { uri: uri.clone(), version, source });
        self.overlay.set(path, text);
        self.unsettled = true;
    }

    /// Changes the text of an open document.
    pub(super) fn change(&mut self, uri: &Uri, version: i32, text: Arc<str>) {
        let path = self.overlay.identity(&path_of(uri));
        let Some(open) = self.open.get_mut(&path) else { return };
        open.version = version;
        let source = open.source;
        self.overlay.set(path.clone(), text);
        for entry in self.programs.values_mut() {
            let program = entry.program.as_ref();
            entry.stale |= !source || program.is_none_or(|program| program.file(&path).is_some());
        }
    }

    /// Closes a document; what is on the disk counts again.
    pub(super) fn close(&mut self, uri: &Uri) {
        let path = self.overlay.identity(&path_of(uri));
        self.open.remove(&path);
        self.overlay.remove(&path);
        self.unsettled = true;
    }

    /// The files as they are, with what is open.
    pub(super) fn overlay(&mut self) -> &mut Overlay {
        &mut self.overlay
    }

    /// Something on the disk has changed.
    pub(super) fn unsettle(&mut self) {
        self.unsettled = true;
    }

    /// Looks at the disk anew where something may have changed: which projects there are, and what their files hold.
    fn settle(&mut self) {
        if !std::mem::take(&mut self.unsettled) {
            return;
        }
        self.overlay.forget();
        let documents = self.open.iter().filter(|(_, open)| open.source).map(|(path, _)| self.project_of(path));
        let mut keys: BTreeSet<Key> = documents.flatten().map(Key::Project).collect();
        let folders = self.folders.iter().map(|folder| self.overlay.identity(folder));
        keys.extend(folders.filter(|folder| self.is_project(folder)).map(Key::Project));
        self.programs.retain(|key, _| keys.contains(key));
        for key in keys {
            self.programs.entry(key).or_default();
        }
        self.programs.values_mut().for_each(|entry| entry.stale = true);
        // A document that no project takes in is a program of its own.
        let all: Vec<Key> = self.programs.keys().cloned().collect();
        all.iter().for_each(|key| self.load(key));
        let taken = |path: &&PathBuf| self.programs.values().any(|entry| holds(entry, path));
        let sources = self.open.iter().filter(|(_, open)| open.source).map(|(path, _)| path);
        let lone: Vec<PathBuf> = sources.filter(|path| !taken(path)).cloned().collect();
        for path in lone {
            self.programs.insert(Key::Lone(path), DocumentEntry { program: None, stale: true });
        }
    }

    fn project_of(&self, path: &Path) -> Option<PathBuf> {
        if is_in_no_file(path) {
            return None;
        }
        path.ancestors().skip(1).find(|folder| self.is_project(folder)).map(Path::to_path_buf)
    }

    fn is_project(&self, folder: &Path) -> bool {
        matches!(self.overlay.is_folder(&folder.join(CONFIG_NAME)), Ok(false))
    }

    /// Reads a program again if it is not as it was read.
    fn load(&mut self, key: &Key) {
        let Some(entry) = self.programs.get_mut(key) else { return };
        if entry.stale || entry.program.is_none() {
            let open = self.open.iter().map(|(path, open)| (path.clone(), (open.uri.clone(), open.version))).collect();
            let before = entry.program.take();
            entry.program = Some(Program::load(key, &self.overlay, &open, self.encoding, before));
            entry.stale = false;
        }
    }

    /// Throws away everything that was derived, after something went wrong in the midst of it.
    pub(super) fn reset(&mut self) {
        self.programs.clear();
        self.unsettled = true;
    }

    /// The programs, as they are now.
    pub(super) fn programs(&mut self) -> Vec<&Program> {
        self.settle();
        let keys: Vec<Key> = self.programs.keys().cloned().collect();
        keys.iter().for_each(|key| self.load(key));
        self.programs.values().filter_map(|entry| entry.program.as_ref()).collect()
    }

    /// The program that a document belongs to, and which of its files it is. Of several it is the innermost project.
    pub(super) fn find(&mut self, uri: &Uri) -> Option<(&Program, FileId)> {
        self.settle();
        let path = self.overlay.identity(&path_of(uri));
        let lone = Key::Lone(path.clone());
        let nearest = self.programs.iter().rev().find(|(key, entry)| match key {
            Key::Project(root) => path.starts_with(root) && holds(entry, &path),
            Key::Lone(_) => **key == lone,
        });
        let key = nearest.map(|(key, _)| key.clone())?;
        self.load(&key);
        let program = self.programs.get(&key)?.program.as_ref()?;
        Some((program, program.file(&path)?))
    }

    /// The program of a document and a place in it.
    pub(super) fn spot(&mut self, uri: &Uri, at: Position) -> Option<(&Program, FileSpot)> {
        let (program, file) = self.find(uri)?;
        Some((program, FileSpot { file, offset: program.offset(file, at) }))
    }

    /// The open documents with their versions.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&Uri, i32)> {
        self.open.values().filter(|open| open.source).map(|open| (&open.uri, open.version))
    }

    /// A program like the one of `uri` with other texts in some files, for trying a change. `None` when it has no such
    /// file.
    pub(super) fn with_changes(&mut self, uri: &Uri, texts: &BTreeMap<FileId, String>) -> Option<Program> {
        let path = self.overlay.identity(&path_of(uri));
        let (key, files) = self.programs.iter().rev().find_map(|(key, entry)| {
            let program = entry.program.as_ref().filter(|_| holds(entry, &path))?;
            let files: Option<Vec<(PathBuf, Arc<str>)>> = texts
                .iter()
                .map(|(file, text)| Some((self.overlay.identity(&path_of(program.uri(*file)?)), text.as_str().into())))
                .collect();
            Some((key.clone(), files?))
        })?;
        let before: Vec<(PathBuf, Option<Arc<str>>)> =
            files.iter().map(|(path, _)| (path.clone(), self.overlay.open().get(path).cloned())).collect();
        for (path, text) in files {
            self.overlay.set(path, text);
        }
        let tried = Program::load(&key, &self.overlay, &BTreeMap::new(), self.encoding, None);
        for (path, text) in before {
            match text {
                Some(text) => self.overlay.set(path, text),
                None => self.overlay.remove(&path),
            }
        }
        Some(tried)
    }
}

fn holds(entry: &DocumentEntry, path: &Path) -> bool {
    entry.program.as_ref().is_some_and(|program| program.file(path).is_some())
}
