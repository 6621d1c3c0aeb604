//! Why a folder cannot be written, and how that is said.

use crate::diag::{Code, Diagnostic};
use std::{fmt, io};

/// Why nothing was planned or written, or why the writing stopped.
#[derive(Debug)]
pub enum OutputError {
    /// Paths that something else holds or that must not be written; all of them, sorted.
    Conflicts(Vec<PathConflict>),
    /// No file would be written, and Polder owns files in the folder.
    WouldBeEmpty {
        /// How many files it owns there.
        owned: usize,
    },
    /// Another build has worked in the folder for the whole time that this one may wait.
    Busy,
    /// The operating system refused.
    Io {
        /// What was being read or written, relative to the folder; empty for the folder itself.
        path: String,
        /// What was being done with it, such as `read`.
        action: &'static str,
        /// What the system said.
        error: io::Error,
        /// Whether the new files had begun to take their places. Then the next build completes that first.
        begun: bool,
    },
}

/// A path that cannot be written or removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathConflict {
    /// The path relative to the folder, with forward slashes; empty for the folder itself.
    pub path: String,
    /// What is wrong with it.
    pub obstacle: Obstacle,
}

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// A file that Polder did not write.
    Foreign,
    /// A file that Polder wrote and somebody edited.
    Edited,
    /// A symbolic link, which is never followed.
    Link,
    /// Something that is no regular file where a file shall be.
    NotAFile,
    /// Something that is no folder where a folder shall be.
    NotAFolder,
    /// An entry, named here, whose name differs only in the case of letters.
    CaseTwin(String),
    /// A folder of another file system, into which no file can be moved.
    OtherFileSystem,
    /// A path that no build may write, and why.
    BadName(&'static str),
    /// A path that two files of one build claim.
    Twice,
}

impl OutputError {
    /// The error for these conflicts, in order and each once.
    pub(super) fn conflicts(mut conflicts: Vec<PathConflict>) -> Self {
        conflicts.sort();
        conflicts.dedup();
        OutputError::Conflicts(conflicts)
    }

    /// Turns what the system said about `path` into this error.
    pub(super) fn io(path: &str, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| OutputError::Io { path: path.to_owned(), action, error, begun: false }
    }

    /// The same error, said of a swap that had begun.
    pub(super) fn after_commit(mut self) -> Self {
        if let OutputError::Io { begun, .. } = &mut self {
            *begun = true;
        }
        self
    }

    /// One diagnostic for each thing that is wrong; `dir` is the output folder as the user wrote it.
    pub fn diagnostics(&self, dir: &str) -> Vec<Diagnostic> {
        match self {
            OutputError::Conflicts(conflicts) => conflicts.iter().map(|conflict| conflict.diagnostic(dir)).collect(),
            OutputError::WouldBeEmpty { owned } => {
                let files =
                    if *owned == 1 { "the only generated file".into() } else { format!("all {owned} generated files") };
                let message = format!("the program produces no policy, so {files} in `{dir}` would be removed");
                vec![Diagnostic::about(Code::E0406, message).with_help("give `--allow-empty` if that is meant")]
            }
            OutputError::Busy => {
                let message = format!("another build is writing to `{dir}`");
                vec![Diagnostic::about(Code::E0407, message).with_help("wait for it to end, then build again")]
            }
            OutputError::Io { path, action, error, begun } => {
                let message = format!("cannot {action} `{}`: {error}", join(dir, path));
                let help = if *begun {
                    "some files are new and some are old; once the cause is mended, the next build completes the set"
                } else {
                    "no generated file has been changed"
                };
                vec![Diagnostic::about(Code::E0408, message).with_help(help)]
            }
        }
    }
}

impl PathConflict {
    /// The code of the condition.
    pub fn code(&self) -> Code {
        match self.obstacle {
            Obstacle::Foreign => Code::E0404,
            Obstacle::Edited => Code::E0405,
            Obstacle::Link
            | Obstacle::NotAFile
            | Obstacle::NotAFolder
            | Obstacle::CaseTwin(_)
            | Obstacle::OtherFileSystem
            | Obstacle::BadName(_)
            | Obstacle::Twice => Code::E0409,
        }
    }

    fn diagnostic(&self, dir: &str) -> Diagnostic {
        let path = join(dir, &self.path);
        let (message, help) = match &self.obstacle {
            Obstacle::Foreign => (
                format!("`{path}` is in the way and was not written by Polder"),
                "move it away, or build into another folder with `--output`",
            ),
            Obstacle::Edited => (
                format!("`{path}` was edited after Polder wrote it"),
                "bring the change into the program, then build with `--force` to replace the file; if nobody edited it, \
                 see that Git does not convert its line ends",
            ),
            Obstacle::Link => (
                format!("`{path}` is a symbolic link, and links inside the output folder are never followed"),
                "remove the link, or build into another folder with `--output`",
            ),
            Obstacle::NotAFile => (
                format!("`{path}` is in the way: it is not a regular file"),
                "move it away, or build into another folder with `--output`",
            ),
            Obstacle::NotAFolder => (
                format!("`{path}` is in the way: it is not a folder"),
                "move it away, or build into another folder with `--output`",
            ),
            Obstacle::CaseTwin(twin) => (
                format!("`{path}` and the existing `{}` differ only in the case of letters", join(dir, twin)),
                "rename or remove the existing one: on some systems both are the same file",
            ),
            Obstacle::OtherFileSystem => (
                format!("`{path}` is on another file system than `{dir}`"),
                "build into a folder that is on one file system",
            ),
            Obstacle::BadName(why) => {
                (format!("`{path}` cannot be written: {why}"), "give the namespace or the tier a plain name")
            }
            Obstacle::Twice => {
                (format!("`{path}` would be written twice"), "give one of the namespaces or tiers another name")
            }
        };
        Diagnostic::about(self.code(), message).with_help(help)
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics(".").into_iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}{}", diagnostic.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for OutputError {}

/// A path inside the folder, as it is shown.
fn join(dir: &str, path: &str) -> String {
    match (dir, path) {
        (dir, "") => dir.to_owned(),
        ("" | ".", path) => path.to_owned(),
        (dir, path) => format!("{}/{path}", dir.trim_end_matches('/')),
    }
}
