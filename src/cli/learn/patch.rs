//! What was learned as a patch, and in the files.

use crate::cli::args::QuestionArgs;
use crate::cli::replace::{on_disk, replace, target};
use crate::diag::render::sanitize;
use crate::session::{
    EnforceChoice, FileSystem, FolderWalk, KubectlAnswer, KubectlCall, LearnedFile, Named, Question, reason, shown,
};
use similar::TextDiff;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The folder that a patch is applied in, where that is not the current one: tools take no path that leads out of theirs.
pub(super) fn outer_folder(files: &[LearnedFile], here: &Path) -> Option<PathBuf> {
    let is_outside = |file: &LearnedFile| file.path.as_deref().is_some_and(|path| shown(path, here).starts_with("../"));
    if !files.iter().any(is_outside) {
        return None;
    }
    let is_above_all =
        |above: &&Path| files.iter().filter_map(|file| file.path.as_ref()).all(|path| path.starts_with(above));
    here.ancestors().find(is_above_all).map(Path::to_path_buf)
}

/// The changes as one patch, whose paths are those that the user would type, or those in the folder that it is applied in.
pub(super) fn text(files: &[LearnedFile], outer: Option<&Path>) -> String {
    files.iter().map(|file| one(file, outer)).collect()
}

fn one(file: &LearnedFile, outer: Option<&Path>) -> String {
    let name = match (outer, &file.path) {
        (Some(outer), Some(path)) => shown(path, outer),
        _ => file.name.clone(),
    };
    let name = sanitize(&name);
    let (old, new) = (format!("a/{name}"), format!("b/{name}"));
    let diff = TextDiff::from_lines(&file.before, &file.after).unified_diff().header(&old, &new).to_string();
    diff.split_inclusive('\n').map(line).collect()
}

/// A line as it stands in the file, but for what no terminal should get: it has to be found there again.
fn line(text: &str) -> String {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let (body, end) = body.strip_suffix('\r').map_or((body, "\n"), |body| (body, "\r\n"));
    let parts: Vec<String> = body.split('\t').map(|part| sanitize(part).into_owned()).collect();
    format!("{}{end}", parts.join("\t"))
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
