//! What was learned as a patch, and in the files.

use crate::cli::args::QuestionArgs;
use crate::cli::replace::{on_disk, replace, target};
use crate::diag::render::sanitize;
use crate::session::{
    EnforceChoice, FileSystem, FolderWalk, KubectlAnswer, KubectlCall, LearnedFile, Named, Question, reason,
};
use similar::TextDiff;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The changes as one patch, whose paths are those that the user would type.
pub(super) fn text(files: &[LearnedFile]) -> String {
    files.iter().map(one).collect()
}

fn one(file: &LearnedFile) -> String {
    let name = sanitize(&file.name);
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
    let diff = TextDiff::from_lines(&file.before, &file.after).unified_diff().header(&old, &new).to_string();
    diff.lines().map(|line| format!("{}\n", sanitize(line))).collect()
}

/// Writes all files or none. `root` is the folder of the project.
pub(super) fn write(files: &[LearnedFile], root: Option<&Path>) -> Result<(), String> {
    let mut planned = Vec::new();
    for file in files {
        let path = file.path.as_deref().ok_or("standard input cannot be written: name the files of the program")?;
        let original = on_disk(path, &file.name, &file.before)?;
        let bom = if original.len() > file.before.len() { "\u{feff}" } else { "" };
        let target = target(path, root).map_err(|error| failed(&file.name, &error))?;
        planned.push((file, target, original, format!("{bom}{}", file.after)));
    }
    for (place, (file, target, original, new)) in planned.iter().enumerate() {
        let Err(error) = replace(target, original, new) else { continue };
        let mut message = failed(&file.name, &error);
        for (file, target, original, new) in planned.iter().take(place) {
            if let Err(error) = replace(target, new, original) {
                message.push_str(&format!("; `{}` stays as it was written: {}", file.name, reason(&error)));
            }
        }
        return Err(message);
    }
    Ok(())
}

fn failed(name: &str, error: &io::Error) -> String {
    format!("cannot write `{name}`: {}", reason(error))
}

/// What is asked of a program that is not there yet.
pub(super) fn question(args: &QuestionArgs, path: &Path) -> Question {
    Question {
        program: vec![Named::Path(path.to_path_buf())],
        enforce: EnforceChoice::Whole,
        ..args.of_program("learn LOG")
    }
}

/// The files that there are, and a program that is not among them yet.
pub(super) struct FreshFiles {
    files: Rc<dyn FileSystem>,
    path: PathBuf,
    text: String,
}

impl FreshFiles {
    pub(super) fn new(files: Rc<dyn FileSystem>, path: PathBuf, text: String) -> Self {
        FreshFiles { files, path, text }
    }
}

impl FileSystem for FreshFiles {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        if path == self.path { Ok(self.text.clone().into_bytes()) } else { self.files.read(path, limit) }
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.files.read_input(limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        if path == self.path { Ok(false) } else { self.files.is_folder(path) }
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        self.files.walk(folder, extension)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        self.files.identity(path)
    }

    fn kubectl(&self, call: &KubectlCall) -> io::Result<KubectlAnswer> {
        self.files.kubectl(call)
    }
}
