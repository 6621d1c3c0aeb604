//! The files of a Git revision, read by the `git` command and without touching the working tree.

use super::path::normal;
use super::system::{FileSystem, FolderWalk, reason, too_large};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// How many symbolic links may lead from one to the next.
const MOST_LINKS: usize = 16;

/// The files that a revision holds, at the places where they would be in the working tree.
#[derive(Debug)]
pub struct Revision {
    /// The files and symbolic links, by their absolute paths.
    entries: BTreeMap<PathBuf, TreeEntry>,
    folders: BTreeSet<PathBuf>,
    /// The rules of each folder with a `.gitignore`.
    ignores: BTreeMap<PathBuf, Gitignore>,
    reader: RefCell<ObjectReader>,
}

#[derive(Debug)]
struct TreeEntry {
    object: String,
    size: u64,
    is_link: bool,
}

/// `git cat-file`, which is asked for one object after the other.
#[derive(Debug)]
struct ObjectReader {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Revision {
    /// Opens a revision of the repository that a path is in. The path may be gone. The error is a sentence.
    pub fn open(path: &Path, revision: &str) -> Result<Revision, String> {
        let path = normal(path);
        let base = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(&path).to_path_buf();
        let prefix = git(&base, &["rev-parse", "--show-prefix"])?;
        let prefix = PathBuf::from(String::from_utf8_lossy(&prefix).trim_end_matches(['\n', '/']));
        // As the user reached it, which need not be how Git knows it.
        let root = match base.ends_with(&prefix) {
            true => base.ancestors().nth(prefix.components().count()).unwrap_or(&base).to_path_buf(),
            false => {
                let top = git(&base, &["rev-parse", "--show-toplevel"])?;
                PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches('\n'))
            }
        };
        let wanted = format!("{revision}^{{tree}}");
        let tree = git(&base, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])
            .map_err(|_| format!("there is no revision `{revision}` in the Git repository `{}`", root.display()))?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        let listing = git(&root, &["ls-tree", "-r", "-z", "--long", "--full-tree", &tree])?;
        let mut entries = BTreeMap::new();
        for line in listing.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let (path, entry) = entry(line).ok_or("`git ls-tree` gave a line that is not understood")?;
            entries.extend(entry.map(|entry| (root.join(path), entry)));
        }
        let folders = entries.keys().flat_map(|path| path.ancestors().skip(1)).map(Path::to_path_buf).collect();
        let reader = RefCell::new(ObjectReader::start(&root)?);
        let mut revision = Revision { entries, folders, ignores: BTreeMap::new(), reader };
        revision.read_ignores();
        Ok(revision)
    }

    fn read_ignores(&mut self) {
        let files = self.entries.keys().filter(|path| path.file_name().is_some_and(|name| name == ".gitignore"));
        for file in files.cloned().collect::<Vec<_>>() {
            let (Some(folder), Ok(bytes)) = (file.parent(), self.read(&file, 1 << 20)) else { continue };
            let mut rules = GitignoreBuilder::new(folder);
            for line in String::from_utf8_lossy(&bytes).lines() {
                // A line that is no rule has no effect, as in Git itself.
                let _ = rules.add_line(None, line);
            }
            if let Ok(rules) = rules.build() {
                self.ignores.insert(folder.to_path_buf(), rules);
            }
        }
    }

    fn is_ignored(&self, path: &Path) -> bool {
        let folders = path.ancestors().skip(1).filter_map(|folder| self.ignores.get(folder));
        let mut verdicts = folders.map(|rules| rules.matched_path_or_any_parents(path, false));
        verdicts.find(|verdict| !verdict.is_none()).is_some_and(|verdict| verdict.is_ignore())
    }

    /// The entry at a path after following symbolic links, and its own path.
    fn resolve(&self, path: &Path) -> Option<(PathBuf, &TreeEntry)> {
        let mut path = normal(path);
        for _ in 0..MOST_LINKS {
            let entry = self.entries.get(&path)?;
            if !entry.is_link {
                return Some((path, entry));
            }
            let target = self.reader.borrow_mut().read(&entry.object).ok()?;
            let target = PathBuf::from(String::from_utf8(target).ok()?);
            path = normal(&path.parent()?.join(target));
        }
        None
    }
}

impl FileSystem for Revision {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let (_, entry) = self.resolve(path).ok_or_else(missing)?;
        if entry.size > limit {
            return Err(too_large(limit));
        }
        self.reader.borrow_mut().read(&entry.object)
    }

    fn read_input(&self, _: u64) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        let path = normal(path);
        if self.folders.contains(&path) {
            return Ok(true);
        }
        self.resolve(&path).map(|_| false).ok_or_else(missing)
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        let folder = normal(folder);
        let mut walk = FolderWalk::default();
        for (path, entry) in self.entries.range(folder.clone()..).take_while(|(path, _)| path.starts_with(&folder)) {
            let visible = path.strip_prefix(&folder).is_ok_and(|rest| {
                rest.components().all(|part| match part {
                    Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
                    _ => false,
                })
            });
            let fits = path.extension().is_some_and(|found| found == extension);
            if !visible || !fits || self.is_ignored(path) {
                continue;
            }
            match self.resolve(path) {
                Some((target, _)) if entry.is_link && !target.starts_with(&folder) => {
                    walk.problems
                        .push((path.clone(), "it is a symbolic link that leads out of the project".to_owned()));
                }
                Some(_) => walk.files.push(path.clone()),
                None => walk.dangling.push(path.clone()),
            }
        }
        walk.files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
        walk
    }

    fn identity(&self, path: &Path) -> PathBuf {
        self.resolve(path).map_or_else(|| normal(path), |(path, _)| path)
    }
}

fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the revision has no such file")
}

/// A line of `git ls-tree --long`: `MODE TYPE OBJECT SIZE<tab>PATH`. Nothing for a submodule.
fn entry(line: &[u8]) -> Option<(PathBuf, Option<TreeEntry>)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(line.get(..tab)?).ok()?;
    let path = PathBuf::from(String::from_utf8_lossy(line.get(tab + 1..)?).into_owned());
    let mut words = head.split_ascii_whitespace();
    let (mode, kind, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if kind != "blob" {
        return Some((path, None));
    }
    let entry = TreeEntry { object: object.to_owned(), size: size.parse().ok()?, is_link: mode == "120000" };
    Some((path, Some(entry)))
}

impl ObjectReader {
    fn start(folder: &Path) -> Result<ObjectReader, String> {
        let mut child = command(folder)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| cannot_run(&error))?;
        let questions = child.stdin.take();
        let answers = child.stdout.take().ok_or("`git cat-file` has no output")?;
        Ok(ObjectReader { child, questions, answers: BufReader::new(answers) })
    }

    fn read(&mut self, object: &str) -> io::Result<Vec<u8>> {
        let questions = self.questions.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(questions, "{object}")?;
        questions.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        let size = head.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| io::Error::other("Git has lost its content"))?;
        let mut bytes = vec![0; size];
        self.answers.read_exact(&mut bytes)?;
        // A line ends the content.
        self.answers.read_exact(&mut [0])?;
        Ok(bytes)
    }
}

impl Drop for ObjectReader {
    fn drop(&mut self) {
        // It ends by itself when nothing can be asked any more.
        self.questions = None;
        let _ = self.child.wait();
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    command
}

/// What a `git` command printed; the error is a sentence.
fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, String> {
    let output = command(folder).args(args).stdin(Stdio::null()).output().map_err(|error| cannot_run(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("fatal: ").unwrap_or(line);
    Err(format!("`git {}` failed: {line}", args.first().unwrap_or(&"")))
}

fn cannot_run(error: &io::Error) -> String {
    format!("cannot run `git`: {}", reason(error))
}
