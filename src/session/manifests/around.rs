//! What the files of a folder say of each other: charts of Helm, kustomizations.

use super::Reader;
use super::inputs::NamedInput;
use crate::k8s::{self, Kustomization};
use crate::session::path::{normal, shell_word, shown};
use crate::session::system::FileSystem;
use crate::session::text::text_of;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The file by which a folder is a chart of Helm.
const CHART: &str = "Chart.yaml";

/// The folder of a chart that holds its templates.
const TEMPLATES: &str = "templates";

/// The files by which a folder is a kustomization.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The namespaces that something gets in all that it is built into.
type Found<'a> = BTreeSet<Option<&'a str>>;

/// What is known of the files of a folder before they are read as manifests.
#[derive(Debug, Default)]
pub(super) struct Around {
    charts: BTreeSet<PathBuf>,
    kustomizations: BTreeMap<PathBuf, Kustomization>,
    /// The folders of the kustomizations that a file or folder is listed in.
    listed: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// The files that kustomizations take a part from, with the folder of one that does.
    parts: BTreeMap<PathBuf, PathBuf>,
    /// The folders that were named, or are below such.
    walked: BTreeSet<PathBuf>,
    /// The folders that were looked at for a kustomization, and those above them.
    looked_at: BTreeSet<PathBuf>,
    above: BTreeSet<PathBuf>,
}

/// So many folders above a named one are looked at for a kustomization that takes a part from it.
const ABOVE: usize = 3;

impl Around {
    /// Looks at the files that were named, or found below named folders.
    pub(super) fn new(system: &dyn FileSystem, named: &[NamedInput]) -> Around {
        let mut around = Around::default();
        for input in named {
            match input {
                NamedInput::File(path) => {
                    around.add(system, path.parent().unwrap_or(path), std::slice::from_ref(path), false);
                }
                NamedInput::Folder { path, files, .. } => around.add(system, path, files, true),
                NamedInput::Stdin | NamedInput::Cluster(_) | NamedInput::Missing(..) => {}
            }
        }
        around
    }

    fn add(&mut self, system: &dyn FileSystem, folder: &Path, files: &[PathBuf], is_walked: bool) {
        let of = |file: &PathBuf| file.parent().map(normal);
        let is_chart = |file: &&PathBuf| file.file_name().is_some_and(|name| name == CHART);
        self.charts.extend(files.iter().filter(is_chart).filter_map(of));
        let folder = normal(folder);
        if let Some(parent) = folder.parent().filter(|_| folder.file_name().is_some_and(|name| name == TEMPLATES))
            && system.read(&parent.join(CHART), k8s::LONGEST_TEXT as u64).is_ok()
        {
            self.charts.insert(parent.to_owned());
        }
        for above in folder.ancestors().skip(1).take(ABOVE) {
            if self.above.insert(above.to_owned())
                && let Some(found) = kustomization_in(system, above)
            {
                self.take_parts(above, &found);
            }
        }
        let folders: BTreeSet<PathBuf> = files.iter().filter_map(of).collect();
        for folder in folders {
            if is_walked {
                self.walked.insert(folder.clone());
            }
            if self.looked_at.insert(folder.clone())
                && let Some(found) = kustomization_in(system, &folder)
            {
                self.take_parts(&folder, &found);
                for resource in &found.resources {
                    self.listed.entry(normal(&folder.join(resource))).or_default().push(folder.clone());
                }
                self.kustomizations.insert(folder, found);
            }
        }
    }

    fn take_parts(&mut self, folder: &Path, found: &Kustomization) {
        let parts = found.parts.iter().map(|part| normal(&folder.join(part)));
        parts.for_each(|part| _ = self.parts.entry(part).or_insert_with(|| folder.to_owned()));
    }

    /// The folder of a kustomization that takes a part from a file, which holds no object.
    pub(super) fn kustomization_of(&self, file: &Path) -> Option<&Path> {
        self.parts.get(&normal(file)).map(PathBuf::as_path)
    }

    /// The chart of whose templates a file is one: the outermost, which brings the others with it.
    pub(super) fn chart_of(&self, file: &Path) -> Option<&Path> {
        let file = normal(file);
        let is_template = |chart: &&PathBuf| {
            let inside = file.strip_prefix(chart.as_path()).ok();
            inside.is_some_and(|path| path.components().any(|part| part.as_os_str() == TEMPLATES))
        };
        self.charts.iter().find(is_template).map(PathBuf::as_path)
    }

    /// Whether a file is a kustomization, or holds a part for one and no object.
    pub(super) fn is_part(&self, file: &Path) -> bool {
        let file = normal(file);
        let is_itself = file.file_name().is_some_and(|name| KUSTOMIZATIONS.iter().any(|one| name == *one));
        let known = |folder: &Path| self.kustomizations.contains_key(folder);
        (is_itself && file.parent().is_some_and(known)) || self.parts.contains_key(&file)
    }

    /// The namespace that the kustomizations which list a file give to what is in it: of those that build on each other the
    /// outermost that names one. `None` where none does, and where the file is built into several.
    pub(super) fn namespace_of(&self, file: &Path) -> Option<&str> {
        let file = normal(file);
        let found = self.namespaces_of(&file, &mut BTreeMap::new());
        let mut found = found.into_iter();
        found.next().flatten().filter(|_| found.next().is_none())
    }

    fn namespaces_of<'a>(&'a self, item: &Path, known: &mut BTreeMap<PathBuf, Found<'a>>) -> Found<'a> {
        if let Some(known) = known.get(item) {
            return known.clone();
        }
        // Kustomizations that list each other are none.
        known.insert(item.to_owned(), Found::new());
        let mut all = Found::new();
        for folder in self.listed.get(item).into_iter().flatten() {
            let own = self.kustomizations.get(folder).and_then(|one| one.namespace.as_deref());
            let outer = self.namespaces_of(folder, known);
            if outer.is_empty() {
                all.insert(own);
            }
            all.extend(outer.into_iter().map(|outer| outer.or(own)));
        }
        known.insert(item.to_owned(), all.clone());
        all
    }

    /// What is told of kustomizations that change what they are made of, seen from the folder `here`.
    pub(super) fn note(&self, here: &Path, reader: Reader) -> Option<String> {
        let is_walked = |folder: &PathBuf| self.walked.contains(folder);
        let changing = || self.kustomizations.iter().filter(|(folder, one)| one.changes && is_walked(folder));
        let is_used = |folder: &Path| {
            changing().any(|(from, one)| one.resources.iter().any(|resource| normal(&from.join(resource)) == folder))
        };
        let outermost: Vec<&PathBuf> = changing().map(|(folder, _)| folder).filter(|folder| !is_used(folder)).collect();
        let first = shown(outermost.first()?, here);
        let word = shell_word(&first);
        let (what, it) = match outermost.len() - 1 {
            0 => (format!("`{first}` is a kustomization that changes what it is made of, and is not built"), "it"),
            more => (
                format!(
                    "`{first}` and {more} more are kustomizations that change what they are made of, and are not built"
                ),
                "one",
            ),
        };
        let Reader { command, does, .. } = reader;
        Some(format!("{what}: `kubectl kustomize {word} | {command} -` builds and {does} {it}"))
    }
}

fn kustomization_in(system: &dyn FileSystem, folder: &Path) -> Option<Kustomization> {
    KUSTOMIZATIONS.iter().find_map(|name| read(system, &folder.join(name)))
}

fn read(system: &dyn FileSystem, file: &Path) -> Option<Kustomization> {
    let bytes = system.read(file, k8s::LONGEST_TEXT as u64).ok()?;
    k8s::kustomization(&text_of(bytes).ok()?)
}
