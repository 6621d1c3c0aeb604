//! Finds the project and reads its files.

use super::cluster::ClusterAccess;
use super::config::Config;
use super::path::{normal, shell_word, shown};
use super::system::{FileSystem, LARGEST_FILE, reason};
use super::text::{not_utf8, text_of, unreadable};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Sources};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name of the file that makes a folder a project.
pub const CONFIG_NAME: &str = "polder.toml";

/// What the names of source files end in.
pub const EXTENSION: &str = "polder";

/// The output folder when nothing else is said.
pub(super) const OUTPUT: &str = "policies";

/// Something that was named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Standard input.
    Input,
    /// A file, or a folder with the files below it.
    Path(PathBuf),
    /// A cluster, of which there are manifests and no program.
    Cluster(ClusterAccess),
}

/// The sources of one program and how to build it.
#[derive(Debug, Clone)]
pub struct Project {
    /// The folder that holds `polder.toml`, when there is one.
    pub root: Option<PathBuf>,
    /// What `polder.toml` says.
    pub config: Config,
    /// The texts.
    pub sources: Sources,
    /// Those of the sources that are the program, in order.
    pub files: Vec<FileId>,
    /// Where each of them was read from; `None` is standard input.
    pub paths: Vec<Option<PathBuf>>,
    /// Those of the sources that are no text and only shown, with where they were read from.
    pub refused: Vec<(FileId, Option<PathBuf>)>,
    /// How many files the program has, with those that cannot be read.
    pub file_count: usize,
    /// The folders and files that a change can come from.
    pub places: Vec<PathBuf>,
    /// Whether the program leaves out files of the project, so that it must not be built over the whole one's output.
    pub partial: bool,
    /// What could not be found or read.
    pub diagnostics: Vec<Diagnostic>,
    folder: PathBuf,
}

impl Project {
    /// Reads what was named, seen from the absolute path `folder`, or without anything named the project that
    /// `folder` is in. Never fails: what is wrong is among the diagnostics.
    pub fn load(system: &dyn FileSystem, folder: &Path, named: &[Named]) -> Project {
        let mut project = Self::new(folder);
        project.find_root(system, named);
        if named.is_empty() {
            project.add_root(system);
        } else {
            project.add_named(system, named);
        }
        project.read_own_config(system);
        project
    }

    /// Only what `polder.toml` says for what was named, without the files of the program.
    pub fn load_config(system: &dyn FileSystem, folder: &Path, named: &[Named]) -> Project {
        let mut project = Self::new(folder);
        project.find_root(system, named);
        project.read_own_config(system);
        project
    }

    fn new(folder: &Path) -> Project {
        Project {
            root: None,
            config: Config::default(),
            sources: Sources::default(),
            files: Vec::new(),
            paths: Vec::new(),
            refused: Vec::new(),
            file_count: 0,
            places: Vec::new(),
            partial: false,
            diagnostics: Vec::new(),
            folder: folder.to_path_buf(),
        }
    }

    fn read_own_config(&mut self, system: &dyn FileSystem) {
        if let Some(root) = self.root.clone() {
            self.read_config(system, &root.join(CONFIG_NAME));
        }
    }

    /// Whether nothing but comments stands in it.
    pub fn is_blank(&self) -> bool {
        let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let mut texts = self.files.iter().filter_map(|file| self.sources.file(*file));
        !self.files.is_empty() && self.diagnostics.is_empty() && texts.all(|file| file.text.lines().all(is_blank))
    }

    /// Where a build for an environment, or for none, writes when the command line does not say.
    pub fn output_folder(&self, environment: Option<&str>) -> PathBuf {
        let base = self.root.as_ref().unwrap_or(&self.folder);
        let own = environment.and_then(|name| self.config.environments.get(name)?.output.as_deref());
        base.join(own.or(self.config.output.as_deref()).unwrap_or(Path::new(OUTPUT)))
    }

    /// Whether something is so wrong that the program cannot be known.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code.stops())
    }

    fn find_root(&mut self, system: &dyn FileSystem, named: &[Named]) {
        let start = match named.first() {
            Some(Named::Path(path)) => self.folder.join(path),
            Some(Named::Input | Named::Cluster(_)) | None => self.folder.clone(),
        };
        let start = normal(&start);
        let root = start.ancestors().find(|folder| matches!(system.is_folder(&folder.join(CONFIG_NAME)), Ok(false)));
        self.root = root.map(Path::to_path_buf);
    }

    fn read_config(&mut self, system: &dyn FileSystem, path: &Path) {
        let name = shown(path, &self.folder);
        let text = match system.read(path, LARGEST_FILE) {
            Ok(bytes) => match text_of(bytes) {
                Ok(text) => text,
                Err(error) => {
                    self.diagnostics.push(not_utf8(&mut self.sources, name, Code::E0403, &error));
                    return;
                }
            },
            Err(error) => {
                self.diagnostics.push(unreadable(&name, &reason(&error)));
                return;
            }
        };
        // It becomes a source only when there is something to show in it.
        let (config, problems) = Config::parse(&text, self.next_id());
        let has_places = !config.entries.is_empty() || !config.environments.is_empty();
        self.config = config;
        if has_places || !problems.is_empty() {
            self.sources.add(name, text);
            self.diagnostics.extend(problems);
        }
    }

    fn next_id(&self) -> FileId {
        FileId::at(self.sources.files().count())
    }

    fn add_root(&mut self, system: &dyn FileSystem) {
        let Some(root) = self.root.clone() else {
            let help = "`polder init` writes a program to start from; one without a project can be named, as in `polder check .` or \
                        `polder reach -p .`";
            let message = format!("no program: neither this folder nor one above holds {CONFIG_NAME}");
            self.diagnostics.push(Diagnostic::about(Code::E0402, message).with_help(help));
            return;
        };
        let paths = self.walk(system, &root);
        self.places.push(root.clone());
        self.read_all(system, paths);
        if self.files.is_empty() && !self.has_errors() {
            self.nothing_below(system, &root);
        }
    }

    fn nothing_below(&mut self, system: &dyn FileSystem, folder: &Path) {
        let name = shown(folder, &self.folder);
        let message = format!("no program: `{name}` holds no file whose name ends in .{EXTENSION}");
        let help = self.what_is_below(system, folder, &shell_word(&name));
        self.diagnostics.push(Diagnostic::about(Code::E0402, message).with_help(help));
    }

    /// What to do about a folder without a program, which may hold what was meant.
    fn what_is_below(&self, system: &dyn FileSystem, folder: &Path, name: &str) -> String {
        let upper = EXTENSION.to_ascii_uppercase();
        if let Some(path) = system.walk(folder, &upper).files.first() {
            return format!("write the end of `{}` in small letters: `.{EXTENSION}`", shown(path, &self.folder));
        }
        if self.root.is_some() {
            let example = shell_word(&shown(&folder.join("main.polder"), &self.folder)).into_owned();
            return format!("write one, such as `{example}`; hidden files and those in `.gitignore` do not count");
        }
        let manifests = super::manifests::EXTENSIONS.iter().any(|end| !system.walk(folder, end).files.is_empty());
        if manifests {
            return format!(
                "it holds manifests: `polder lint {name}` looks for mistakes in NetworkPolicies, `polder reach --manifests \
                 {name}` says what they allow"
            );
        }
        let place = if name == "." { String::new() } else { format!(" {name}") };
        format!(
            "`polder init{place}` writes a program to start from; hidden files and those in `.gitignore` do not count"
        )
    }

    fn add_named(&mut self, system: &dyn FileSystem, named: &[Named]) {
        let mut paths = Vec::new();
        let mut input = false;
        for item in named {
            let Named::Path(path) = item else {
                input |= *item == Named::Input;
                continue;
            };
            let path = self.folder.join(path);
            match system.is_folder(&path) {
                Ok(true) => {
                    let known = self.diagnostics.len();
                    let found = self.walk(system, &path);
                    // What cannot be looked into may hold some.
                    if found.is_empty() && self.diagnostics.len() == known {
                        self.nothing_below(system, &path);
                    }
                    paths.extend(found);
                }
                // What has no ending may be a pipe.
                Ok(false) if path.extension().is_some_and(|end| end != EXTENSION) => {
                    self.diagnostics.push(not_a_program(&path, &shown(&path, &self.folder)));
                }
                Ok(false) => paths.push(path.clone()),
                Err(error) => {
                    let problem = unreadable(&shown(&path, &self.folder), &reason(&error));
                    self.diagnostics.push(problem);
                }
            }
            self.places.push(path);
        }
        let mut seen = BTreeSet::new();
        paths.retain(|path| seen.insert(system.identity(path)));
        if input {
            self.read_input(system);
        }
        self.read_all(system, paths);
        if let Some(root) = &self.root {
            let whole = system.walk(root, EXTENSION).files;
            self.partial = input || whole.iter().any(|path| !seen.contains(&system.identity(path)));
        }
    }

    fn walk(&mut self, system: &dyn FileSystem, folder: &Path) -> Vec<PathBuf> {
        let walk = system.walk(folder, EXTENSION);
        let nowhere =
            walk.dangling.into_iter().map(|path| (path, "it is a symbolic link that leads nowhere".to_owned()));
        for (path, reason) in walk.problems.into_iter().chain(nowhere) {
            self.diagnostics.push(unreadable(&shown(&path, &self.folder), &reason));
        }
        let mut seen = BTreeSet::new();
        let mut files = walk.files;
        files.retain(|path| seen.insert(system.identity(path)));
        files
    }

    fn read_all(&mut self, system: &dyn FileSystem, paths: Vec<PathBuf>) {
        for path in paths {
            let name = shown(&path, &self.folder);
            let bytes = system.read(&path, LARGEST_FILE);
            self.add(name, Some(path), bytes);
        }
    }

    fn read_input(&mut self, system: &dyn FileSystem) {
        self.add("<stdin>".to_owned(), None, system.read_input(LARGEST_FILE));
    }

    fn add(&mut self, name: String, path: Option<PathBuf>, bytes: std::io::Result<Vec<u8>>) {
        self.file_count += 1;
        match bytes.map(text_of) {
            Ok(Ok(text)) if !ends_so(path.as_deref()) && is_manifest(&text) => {
                self.diagnostics.push(manifest_instead(&name, path.is_none()));
            }
            Ok(Ok(text)) => {
                let id = self.sources.add(name, text);
                self.files.push(id);
                self.paths.push(path);
            }
            Ok(Err(error)) => {
                self.refused.push((self.next_id(), path));
                self.diagnostics.push(not_utf8(&mut self.sources, name, Code::E0003, &error));
            }
            Err(error) => self.diagnostics.push(unreadable(&name, &reason(&error))),
        }
    }
}

fn ends_so(path: Option<&Path>) -> bool {
    path.and_then(Path::extension).is_some_and(|end| end == EXTENSION)
}

/// Whether a text is a manifest, by what each of them has on lines of its own.
fn is_manifest(text: &str) -> bool {
    let has = |key: &str| {
        let (plain, quoted) = (format!("{key}:"), format!("\"{key}\":"));
        let mut lines = text.lines();
        lines.any(|line| line.starts_with(&plain) || line.trim_start_matches(['{', ' ', '\t']).starts_with(&quoted))
    };
    has("apiVersion") && has("kind") || text.starts_with('{') && text.contains("\"apiVersion\":")
}

fn manifest_instead(name: &str, is_input: bool) -> Diagnostic {
    let path = if is_input { "-".into() } else { shell_word(name) };
    let help = format!(
        "`polder lint {path}` looks for mistakes in NetworkPolicies, `polder reach --manifests {path}` says what they allow"
    );
    Diagnostic::about(Code::E0402, format!("`{name}` is a manifest of Kubernetes, and no program")).with_help(help)
}

/// A file that was named as a program and is none, by its name. `name` is the path as it is shown.
pub fn not_a_program(path: &Path, name: &str) -> Diagnostic {
    let message = format!("`{name}` is no program: the name of a program's file ends in .{EXTENSION}");
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let folder = name.rsplit_once('/').map_or(".", |(folder, _)| folder);
    let name = shell_word(name);
    let help = if path.file_name().is_some_and(|file| file == CONFIG_NAME) {
        format!("name the folder of the project instead, as in `polder check {}`", shell_word(folder))
    } else if super::manifests::EXTENSIONS.contains(&end) {
        format!(
            "`polder lint {name}` looks for mistakes in NetworkPolicies, `polder reach --manifests {name}` says what they allow"
        )
    } else if end.eq_ignore_ascii_case(EXTENSION) {
        format!("write the end of its name in small letters: `.{EXTENSION}`")
    } else {
        format!("rename it, or give the text of a program on standard input: `polder check - < {name}`")
    };
    Diagnostic::about(Code::E0402, message).with_help(help)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use crate::session::{Disk, Memory};

    fn load(system: &dyn FileSystem, folder: &str, named: &[&str]) -> Project {
        let named: Vec<Named> =
            named.iter().map(|name| if *name == "-" { Named::Input } else { Named::Path(name.into()) }).collect();
        Project::load(system, Path::new(folder), &named)
    }

    fn paths(project: &Project) -> Vec<&str> {
        project.files.iter().map(|id| project.sources.file(*id).unwrap().path.as_str()).collect()
    }

    fn said(project: &Project) -> Vec<String> {
        let line = |diagnostic: &Diagnostic| format!("{} {}", diagnostic.code, diagnostic.message);
        project.diagnostics.iter().map(line).collect()
    }

    fn project() -> Memory {
        Memory::default()
            .with("/p/polder.toml", "[build]\noutput = \"out\"\n")
            .with("/p/b.polder", "b")
            .with("/p/a/z.polder", "z")
            .with("/p/a-b/y.polder", "y")
            .with("/p/.hidden/x.polder", "x")
            .with("/p/a/notes.txt", "notes")
            .with("/elsewhere/w.polder", "w")
    }

    #[test]
    fn a_project_is_the_nearest_folder_upwards_that_holds_a_configuration() {
        let project = load(&project(), "/p/a", &[]);
        assert_eq!(project.root.as_deref(), Some(Path::new("/p")));
        // By the bytes of the paths, `-` before `/`; shown as seen from the current folder.
        assert_eq!(paths(&project), ["../a-b/y.polder", "z.polder", "../b.polder"]);
        assert_eq!(project.output_folder(None), Path::new("/p/out"));
        assert!(!project.partial && !project.has_errors());
    }

    #[test]
    fn what_is_named_is_the_program_each_file_once() {
        let system = project().with_input("input");
        let named = load(&system, "/p", &["a", "b.polder", "/p/a/z.polder", "a"]);
        assert_eq!(paths(&named), ["a/z.polder", "b.polder"]);
        assert!(named.partial, "y is left out");
        let all = load(&system, "/elsewhere", &["/p"]);
        assert_eq!(paths(&all), ["/p/a-b/y.polder", "/p/a/z.polder", "/p/b.polder"]);
        assert!(!all.partial);
        assert_eq!(all.output_folder(None), Path::new("/p/out"));
        let input = load(&system, "/elsewhere", &["-"]);
        assert_eq!((paths(&input), input.partial), (vec!["<stdin>"], false));
        assert_eq!(input.output_folder(None), Path::new("/elsewhere/policies"));
        assert!(load(&system, "/p", &["-"]).partial);
    }

    #[test]
    fn says_what_cannot_be_found_or_read() {
        let system = project().with("/p/bad.polder", b"ok \xff".to_vec()).with("/p/bom.polder", "\u{feff}text");
        let project = load(&system, "/p", &["none.polder", "bad.polder", "bom.polder"]);
        let expected = [
            "E0401 cannot read `none.polder`: entity not found",
            "E0003 `bad.polder` is not UTF-8: byte 4 is not part of a character",
        ];
        assert_eq!(said(&project), expected);
        assert_eq!(project.sources.file(project.files[0]).unwrap().text, "text");
        assert!(said(&load(&system, "/elsewhere", &[]))[0].starts_with("E0402 no program"));
        let empty = Memory::default().with("/q/polder.toml", "");
        assert!(said(&load(&empty, "/q", &[]))[0].starts_with("E0402 no program: `.` holds no file"));
    }

    /// A disk with a folder that nobody may look into.
    struct Closed(Memory);

    impl FileSystem for Closed {
        fn read(&self, path: &Path, limit: u64) -> std::io::Result<Vec<u8>> {
            self.0.read(path, limit)
        }

        fn read_input(&self, limit: u64) -> std::io::Result<Vec<u8>> {
            self.0.read_input(limit)
        }

        fn is_folder(&self, path: &Path) -> std::io::Result<bool> {
            self.0.is_folder(path)
        }

        fn walk(&self, folder: &Path, _: &str) -> crate::session::FolderWalk {
            let problems = vec![(folder.into(), "permission denied".into())];
            crate::session::FolderWalk { problems, ..crate::session::FolderWalk::default() }
        }

        fn identity(&self, path: &Path) -> PathBuf {
            self.0.identity(path)
        }
    }

    #[test]
    fn nothing_is_said_of_what_a_closed_folder_holds() {
        let system = Closed(Memory::default().with("/p/closed/a.polder", "a").with("/p/polder.toml", ""));
        let expected = ["E0401 cannot read `closed`: permission denied"];
        assert_eq!(said(&load(&system, "/p", &["closed"])), expected);
    }

    #[test]
    fn bytes_that_are_no_text_have_a_place() {
        let latin = b"\xef\xbb\xbf# a\n# caf\xe9 au lait\nrest".to_vec();
        let project = load(&Memory::default().with("/p/a.polder", latin), "/p", &["a.polder"]);
        let span = project.diagnostics[0].primary().unwrap();
        let file = project.sources.file(span.file).unwrap();
        let place = file.position(span.start);
        assert_eq!((file.path.as_str(), place.line, place.column), ("a.polder", 2, 6));
        assert_eq!(file.text, "# a\n# caf\u{fffd} au lait");
        assert_eq!(said(&project), ["E0003 `a.polder` is not UTF-8: byte 13 is not part of a character"]);
        assert!(project.files.is_empty());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_without_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.polder");
        // Without a single block on the disk.
        std::fs::File::create(&path).unwrap().set_len(LARGEST_FILE + 1).unwrap();
        let project = Project::load(&Disk, folder.path(), &[Named::Path("large.polder".into())]);
        let expected = format!("E0401 cannot read `large.polder`: it is larger than {LARGEST_FILE} bytes");
        assert_eq!(said(&project), [expected]);
    }

    #[test]
    fn paths_are_shown_as_they_would_be_typed() {
        for (path, folder, expected) in [
            ("/a/b/c.polder", "/a/b", "c.polder"),
            ("/a/c.polder", "/a/b", "../c.polder"),
            ("/a/./b/../c.polder", "/a", "c.polder"),
            ("/a/b", "/a/b", "."),
            ("/x/c.polder", "/a/b", "/x/c.polder"),
            ("/c.polder", "/", "c.polder"),
        ] {
            assert_eq!(shown(Path::new(path), Path::new(folder)), expected, "{path} from {folder}");
        }
    }
}
