//! What a build would change: what is there, held against what shall be there.

use super::BuildOptions;
use super::entry::{self, Content, Kind};
use super::error::{Obstacle, OutputError, PathConflict};
use super::names::{Folder, STAGING, Wanted, fold};
use crate::output::OutputFile;
use crate::output::seal::{HEADER_LEN, Ownership, header, ownership};
use cap_fs_ext::MetadataExt;
use cap_std::fs::Dir;
use std::num::NonZero;

/// From how many folders on a second thread reads along.
const WORTH_A_THREAD: usize = 16;

/// The file that Kustomize reads in a folder.
const KUSTOMIZATION: &str = "kustomization.yaml";

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It is not there yet.
    Create,
    /// It is there with other bytes.
    Update,
    /// The program no longer produces it.
    Remove,
}

/// A file that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The path relative to the folder, with forward slashes.
    pub path: String,
    /// What happens to it.
    pub change: ChangeKind,
    /// The bytes that it has now, unless it is to be created.
    pub old: Option<Vec<u8>>,
}

/// What a build changes in the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files that change, in the order of their paths.
    pub changes: Vec<FileChange>,
    /// How many files are already as they shall be.
    pub unchanged: usize,
    /// The files with policies that somebody else wrote, in the order of their paths. They count in a cluster as well.
    pub foreign: Vec<String>,
    /// An earlier build was killed while its files were taking their places. Such a folder is never as it shall be,
    /// even without any change: writing completes that build first.
    pub interrupted: bool,
    /// The file system has no locks: another build may work in the folder at the same time.
    pub unlocked: bool,
    /// Folders that files go into and that are not there yet.
    pub(super) fresh: Vec<String>,
}

impl Plan {
    /// Whether the folder is exactly what would be written.
    pub fn is_clean(&self) -> bool {
        self.changes.is_empty() && !self.interrupted
    }

    /// How many files are changed in this way.
    pub fn count(&self, change: ChangeKind) -> usize {
        self.changes.iter().filter(|entry| entry.change == change).count()
    }

    /// The plan for a folder that does not exist.
    pub(super) fn for_nothing(wanted: &Wanted) -> Plan {
        let mut found = FolderFindings::default();
        for (folder, files) in &wanted.folders {
            found.create(folder, files.keys().copied());
        }
        found.into_plan(wanted, &[])
    }
}

/// Plans the changes in an open folder; fails with all conflicts.
pub(super) fn judge(root: &Dir, wanted: &Wanted, options: &BuildOptions) -> Result<Plan, OutputError> {
    let listed = entry::entries(root, "")?;
    let judge = FileJudge { root, wanted, options, device: device(root, "")? };
    let mut found = FolderFindings::default();
    judge.folder(root, "", &listed, &mut found)?;
    let folders: Vec<&str> =
        listed.iter().filter(|(_, kind)| *kind == Kind::Folder).map(|(name, _)| name.as_str()).collect();
    judge.subfolders(&folders, &mut found)?;
    for (folder, files) in &wanted.folders {
        if !folder.is_empty() && !folders.contains_sorted(folder) {
            found.create(folder, files.keys().copied());
        }
    }
    if !found.conflicts.is_empty() {
        return Err(OutputError::conflicts(found.conflicts));
    }
    let plan = found.into_plan(wanted, &folders);
    let removed = plan.count(ChangeKind::Remove);
    if wanted.is_empty() && removed > 0 && !options.allow_empty {
        return Err(OutputError::WouldBeEmpty { owned: removed });
    }
    Ok(plan)
}

/// Whether a build was killed between its decision and its end.
pub(super) fn is_interrupted(root: &Dir) -> Result<bool, OutputError> {
    let Some(staging) = entry::open_staging(root)? else { return Ok(false) };
    let journal = entry::kind_of(&staging, super::journal::NAME).map_err(OutputError::io(STAGING, "read"))?;
    Ok(journal.is_some())
}

/// What was found in some of the folders.
#[derive(Default)]
struct FolderFindings {
    changes: Vec<FileChange>,
    unchanged: usize,
    foreign: Vec<String>,
    conflicts: Vec<PathConflict>,
}

impl FolderFindings {
    fn change(&mut self, path: String, change: ChangeKind, old: Option<Vec<u8>>) {
        self.changes.push(FileChange { path, change, old });
    }

    fn conflict(&mut self, path: String, obstacle: Obstacle) {
        self.conflicts.push(PathConflict { path, obstacle });
    }

    fn create<'a>(&mut self, folder: &str, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.change(join(folder, name), ChangeKind::Create, None);
        }
    }

    fn merge(&mut self, other: FolderFindings) {
        self.changes.extend(other.changes);
        self.unchanged += other.unchanged;
        self.foreign.extend(other.foreign);
        self.conflicts.extend(other.conflicts);
    }

    fn into_plan(mut self, wanted: &Wanted, existing: &[&str]) -> Plan {
        self.changes.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        self.foreign.sort_unstable();
        let fresh = wanted.folders.keys().filter(|name| !name.is_empty() && !existing.contains_sorted(name));
        Plan {
            changes: self.changes,
            unchanged: self.unchanged,
            foreign: self.foreign,
            interrupted: false,
            unlocked: false,
            fresh: fresh.map(|name| (*name).to_owned()).collect(),
        }
    }
}

struct FileJudge<'a> {
    root: &'a Dir,
    wanted: &'a Wanted<'a>,
    options: &'a BuildOptions,
    device: u64,
}

impl FileJudge<'_> {
    /// Judges the folders inside DIR, on two threads when there are many.
    fn subfolders(&self, folders: &[&str], found: &mut FolderFindings) -> Result<(), OutputError> {
        let one_by_one = |folders: &[&str]| -> Result<FolderFindings, OutputError> {
            let mut found = FolderFindings::default();
            folders.iter().try_for_each(|name| self.subfolder(name, &mut found))?;
            Ok(found)
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        if folders.len() < WORTH_A_THREAD || cores < 2 {
            found.merge(one_by_one(folders)?);
            return Ok(());
        }
        let (here, there) = folders.split_at(folders.len() / 2);
        let (here, there) = std::thread::scope(|scope| {
            let helper = std::thread::Builder::new().spawn_scoped(scope, || one_by_one(there));
            let here = one_by_one(here);
            let there = match helper.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                // No thread to be had, or it died: do its part here.
                _ => one_by_one(there),
            };
            (here, there)
        });
        found.merge(here?);
        found.merge(there?);
        Ok(())
    }

    fn subfolder(&self, name: &str, found: &mut FolderFindings) -> Result<(), OutputError> {
        let files = self.wanted.folders.get(name);
        let open = entry::open_folder(self.root, name).map_err(OutputError::io(name, "open"))?;
        let Some(dir) = open else {
            found.create(name, files.into_iter().flat_map(Folder::keys).copied());
            return Ok(());
        };
        if device(&dir, name)? != self.device {
            // Nothing of ours can have been moved in there.
            if files.is_some() {
                found.conflict(name.to_owned(), Obstacle::OtherFileSystem);
            }
            return Ok(());
        }
        let listed = entry::entries(&dir, name)?;
        self.folder(&dir, name, &listed, found)
    }

    /// Judges the entries of one folder.
    fn folder(
        &self,
        dir: &Dir,
        folder: &str,
        listed: &[(String, Kind)],
        found: &mut FolderFindings,
    ) -> Result<(), OutputError> {
        let none = Folder::new();
        let wanted = self.wanted.folders.get(folder).unwrap_or(&none);
        let is_folder = |name: &str| folder.is_empty() && !name.is_empty() && self.wanted.folders.contains_key(name);
        let mut seen: Vec<&str> = Vec::new();
        for (name, kind) in listed {
            let path = join(folder, name);
            let twin = fold(name);
            if twin != *name && (wanted.contains_key(twin.as_str()) || is_folder(&twin)) {
                found.conflict(join(folder, &twin), Obstacle::CaseTwin(path.clone()));
            }
            let file = wanted.get(name.as_str()).copied();
            if file.is_some() {
                seen.push(name);
            }
            match kind {
                Kind::Folder if file.is_some() => found.conflict(path, Obstacle::NotAFile),
                Kind::Folder => {}
                Kind::Link if file.is_some() || is_folder(name) => found.conflict(path, Obstacle::Link),
                _ if is_folder(name) => found.conflict(path, Obstacle::NotAFolder),
                Kind::Other if file.is_some() => found.conflict(path, Obstacle::NotAFile),
                Kind::Link | Kind::Other => {}
                Kind::File => self.file(dir, name, path, file, found)?,
            }
        }
        found.create(folder, wanted.keys().copied().filter(|name| !seen.contains_sorted(name)));
        Ok(())
    }

    /// Judges one regular file, which shall be `wanted` or nothing.
    fn file(
        &self,
        dir: &Dir,
        name: &str,
        path: String,
        wanted: Option<&OutputFile>,
        found: &mut FolderFindings,
    ) -> Result<(), OutputError> {
        let content = entry::read(dir, name).map_err(OutputError::io(&path, "read"))?;
        let old = match (content, wanted) {
            (Content::Ours(old), _) => old,
            (Content::Gone, Some(_)) => {
                found.change(path, ChangeKind::Create, None);
                return Ok(());
            }
            (Content::NotAFile, Some(_)) => {
                found.conflict(path, Obstacle::NotAFile);
                return Ok(());
            }
            (Content::Foreign { .. }, Some(_)) => {
                found.conflict(path, Obstacle::Foreign);
                return Ok(());
            }
            (Content::Foreign { is_policy: true }, None) if is_manifest(name) => {
                found.foreign.push(path);
                return Ok(());
            }
            (_, None) => return Ok(()),
        };
        if wanted.is_some_and(|file| is_same(&old, &file.body)) {
            found.unchanged += 1;
            return Ok(());
        }
        if wanted.is_none() && path.contains('/') && name == KUSTOMIZATION && lists_folders(&old) {
            return Ok(());
        }
        let change = if wanted.is_some() { ChangeKind::Update } else { ChangeKind::Remove };
        match ownership(&old) {
            Ownership::Owned => found.change(path, change, Some(old)),
            Ownership::Edited if self.options.force => found.change(path, change, Some(old)),
            Ownership::Edited => found.conflict(path, Obstacle::Edited),
            Ownership::Foreign => {}
        }
        Ok(())
    }
}

/// Whether tools that apply a folder read a file of it.
fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

/// Whether a file for Kustomize lists folders alone. That of a namespace lists only files with policies, so this one stands
/// at the top of another output folder, and its namespaces are folders below.
fn lists_folders(bytes: &[u8]) -> bool {
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut items = lines.filter_map(|line| line.trim_ascii_end().strip_prefix(b"  - \"")).peekable();
    items.peek().is_some() && items.all(|item| !item.ends_with(b".yaml\""))
}

/// Whether a file has the bytes that a body is written as.
fn is_same(bytes: &[u8], body: &str) -> bool {
    // The checksum is only worked out where the rest agrees.
    bytes
        .strip_suffix(body.as_bytes())
        .is_some_and(|first| first.len() == HEADER_LEN && first == header(body).as_bytes())
}

/// The file system that a folder is on.
fn device(dir: &Dir, path: &str) -> Result<u64, OutputError> {
    dir.dir_metadata().map(|data| data.dev()).map_err(OutputError::io(path, "read"))
}

/// The path of an entry of a folder.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Looking up in a sorted list.
trait ContainsSorted {
    fn contains_sorted(&self, name: &str) -> bool;
}

impl ContainsSorted for [&str] {
    fn contains_sorted(&self, name: &str) -> bool {
        self.binary_search(&name).is_ok()
    }
}
