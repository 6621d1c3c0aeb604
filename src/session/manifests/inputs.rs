//! What was named, as the files that it leads to.

use super::EXTENSIONS;
use crate::session::cluster::ClusterAccess;
use crate::session::load::{EXTENSION, Named};
use crate::session::path::shell_word;
use crate::session::system::{FileSystem, reason};
use crate::source::Sources;
use crate::syntax::{self, NodeKind};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What one thing that was named leads to.
pub(super) enum NamedInput {
    Stdin,
    Cluster(ClusterAccess),
    File(PathBuf),
    Folder {
        path: PathBuf,
        found: usize,
        files: Vec<PathBuf>,
        problems: Vec<(PathBuf, String)>,
        dangling: Vec<PathBuf>,
        /// The templates of manifests.
        templates: Vec<PathBuf>,
    },
    Missing(PathBuf, String),
}

/// What was named, with each file once: where it is named itself, or else in the first folder that holds it.
pub(super) fn inputs(system: &dyn FileSystem, folder: &Path, named: &[Named]) -> Vec<NamedInput> {
    let mut seen: BTreeSet<OsString> = BTreeSet::new();
    let mut has_input = false;
    let mut inputs = Vec::new();
    for item in named {
        let path = match item {
            Named::Path(path) => folder.join(path),
            Named::Input => {
                if !std::mem::replace(&mut has_input, true) {
                    inputs.push(NamedInput::Stdin);
                }
                continue;
            }
            Named::Cluster(access) => {
                inputs.push(NamedInput::Cluster(access.clone()));
                continue;
            }
        };
        match system.is_folder(&path) {
            Ok(true) => inputs.push(walk(system, path)),
            Ok(false) if seen.insert(system.identity(&path).into_os_string()) => inputs.push(NamedInput::File(path)),
            Ok(false) => {}
            Err(error) => inputs.push(NamedInput::Missing(path, reason(&error))),
        }
    }
    for input in &mut inputs {
        if let NamedInput::Folder { files, .. } = input {
            files.retain(|path| seen.insert(system.identity(path).into_os_string()));
        }
    }
    inputs
}

fn walk(system: &dyn FileSystem, path: PathBuf) -> NamedInput {
    let walks = EXTENSIONS.map(|extension| system.walk(&path, extension));
    let (mut files, mut problems, mut dangling) = (Vec::new(), Vec::new(), Vec::new());
    for walk in walks {
        files.extend(walk.files);
        problems.extend(walk.problems);
        dangling.extend(walk.dangling);
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    problems.sort();
    // What cannot be looked at is met on each walk.
    problems.dedup();
    dangling.sort();
    let templates = TEMPLATES.iter().flat_map(|end| system.walk(&path, end).files).filter(|file| is_of_manifest(file));
    let templates = templates.collect();
    NamedInput::Folder { path, found: files.len(), files, problems, dangling, templates }
}

/// What the names of templates end in, behind the end of what is made of them.
const TEMPLATES: [&str; 4] = ["gotmpl", "j2", "tmpl", "tpl"];

/// Whether a template may be one of manifests: `policy.yaml.tpl` and `policy.tpl`, and not `README.md.tmpl`.
fn is_of_manifest(template: &Path) -> bool {
    let inner = template.file_stem().map(Path::new).and_then(Path::extension);
    inner.is_none_or(|end| EXTENSIONS.iter().any(|known| end == *known))
}

/// What to do about a folder without manifests that holds something else which may be meant.
pub(super) fn something_else_below(system: &dyn FileSystem, folder: &Path, name: &str) -> Option<String> {
    let name = shell_word(name);
    let upper = EXTENSIONS.map(str::to_ascii_uppercase).into_iter();
    if let Some(path) = upper.flat_map(|end| system.walk(folder, &end).files).next() {
        let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
        return Some(format!(
            "`{file}` has the end of its name in capitals: write it in small letters, or name the file itself"
        ));
    }
    (!system.walk(folder, EXTENSION).files.is_empty()).then(|| {
        format!(
            "it holds a program: `polder check {name}` looks for mistakes in it, `polder reach -p {name}` says what it allows"
        )
    })
}

/// Whether a text that is no manifest is a program: more of its beginning is understood than not.
pub(super) fn is_program(text: &str) -> bool {
    /// As much as tells.
    const BEGINNING: usize = 100_000;
    let text = text.get(..text.floor_char_boundary(BEGINNING)).unwrap_or(text);
    let mut sources = Sources::default();
    let file = sources.add("program", text);
    let parsed = syntax::parse(&sources, file);
    let understood = parsed.tree.nodes.iter().filter(|node| !matches!(node.kind, NodeKind::Broken { .. }));
    understood.count() > parsed.diagnostics.len()
}
