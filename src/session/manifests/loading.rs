//! Texts in, one after the other, and what comes of them together.

use super::around::Around;
use super::cluster_policies::LoadedClusterPolicy;
use super::given_text::{GivenText, NoText};
use super::inputs::{NamedInput, inputs, is_program, something_else_below};
use super::mentions::{folder_of, may_be_objects, names_policy};
use super::passed::{Found, PassedOver, Why, is_locked, is_marked};
use super::said::{StagedObjects, as_read, inside, nowhere, refused, token, told_staged, unfilled, unmodelled};
use super::twice::UNREADABLE;
use super::{Manifests, OfOperator, Reader, Remark, patches, unsure};
use crate::cluster::{Cluster, Object, UnreadParts, Whole, is_set_at_runtime};
use crate::diag::{Code, Diagnostic};
use crate::k8s::{self, Ignored, Inside, ReadObject, ReadPolicy, ReadProblem, Reading};
use crate::netpol::{Peer, Policy, Written};
use crate::parallel;
use crate::session::load::{EXTENSION, Named};
use crate::session::metadata::MetadataKeys;
use crate::session::path::{shell_word, shown};
use crate::session::system::{FileSystem, reason};
use crate::session::text::{not_utf8, unreadable};
use crate::source::{FileId, Span};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A policy, the place of its name, how it is written, and the keys of its metadata.
pub(super) type Loaded = (Policy, Option<Span>, Written<Span>, MetadataKeys);

/// Adds what was named to `manifests`, which is empty but for its sources.
pub(super) fn load(
    manifests: Manifests,
    system: &dyn FileSystem,
    folder: &Path,
    named: &[Named],
    default_namespace: &str,
    reader: Reader,
) -> Manifests {
    let mut load = Load {
        manifests,
        folder,
        default_namespace,
        reader,
        policies: Vec::new(),
        objects: Vec::new(),
        cluster_policies: Vec::new(),
        passed: PassedOver::default(),
        held: Vec::new(),
        parts: Vec::new(),
        staged: StagedObjects::new(),
        unread: UnreadParts::default(),
        is_live: false,
    };
    let inputs = inputs(system, folder, named);
    let around = Around::new(system, &inputs);
    for input in inputs {
        load.input(system, &around, input);
    }
    load.manifests.notes.extend(around.note(folder, reader));
    load.finish()
}

pub(super) struct Load<'l> {
    pub(super) manifests: Manifests,
    folder: &'l Path,
    pub(super) default_namespace: &'l str,
    pub(super) reader: Reader,
    policies: Vec<Loaded>,
    objects: Vec<Object>,
    cluster_policies: Vec<LoadedClusterPolicy>,
    passed: PassedOver,
    /// The objects with policies inside, and whether those could be read.
    held: Vec<(String, bool)>,
    /// The files with parts of objects, and the first object of each.
    parts: Vec<(String, String)>,
    staged: StagedObjects,
    /// What depends on something that could not be read.
    unread: UnreadParts,
    /// Whether a cluster was asked for all that it has.
    pub(super) is_live: bool,
}

/// How many bytes of texts are read at once: as many as are worth some threads, and not all of a repository.
const AT_ONCE: usize = 8 * 1024 * 1024;

/// What is wrong with a text, sorted.
#[derive(Default)]
struct Sorted {
    /// How many documents are not for Kubernetes.
    foreign: usize,
    /// What could not be read.
    unread: Vec<Lacking>,
    /// Whether something has to be rendered first.
    waits: bool,
}

/// An object that could not be read.
struct Lacking {
    span: Option<Span>,
    object: Option<String>,
    is_policy: bool,
    /// Why, in the words of Kubernetes.
    reason: String,
}

impl Load<'_> {
    fn input(&mut self, system: &dyn FileSystem, around: &Around, input: NamedInput) {
        let errors = self.errors();
        const CLUSTER: &str = "`kubectl get networkpolicies,pods,namespaces -A -o json` prints those of a cluster";
        let mut help = CLUSTER.to_owned();
        // What a pipe leaves empty is what failed at its other end.
        let mut may_be_empty = !matches!(input, NamedInput::Stdin);
        let is_folder = matches!(input, NamedInput::Folder { .. });
        let (name, count, what) = match input {
            NamedInput::Cluster(access) => return self.cluster(system, &access),
            NamedInput::Stdin => {
                let bytes = system.read_input(k8s::LONGEST_TEXT as u64);
                let name = "<stdin>".to_owned();
                let namespace = self.default_namespace;
                (name.clone(), self.named(name, bytes, namespace), "no object")
            }
            NamedInput::File(path) if path.extension().is_some_and(|end| end == EXTENSION) => {
                self.program_instead(&shown(&path, self.folder), false);
                self.manifests.file_count += 1;
                self.manifests.places.push(path);
                return;
            }
            NamedInput::File(path) => {
                let name = shown(&path, self.folder);
                if let Some(folder) = around.kustomization_of(&path) {
                    self.manifests.notes.push(patches::of_kustomization(
                        &name,
                        &shown(folder, self.folder),
                        self.reader,
                    ));
                    self.manifests.file_count += 1;
                    self.manifests.places.push(path);
                    return;
                }
                let bytes = system.read(&path, k8s::LONGEST_TEXT as u64);
                let namespace = around.namespace_of(&path).unwrap_or(self.default_namespace);
                let count = self.named(name.clone(), bytes, namespace);
                self.manifests.places.push(path);
                (name, count, "no object")
            }
            NamedInput::Folder { path, found, files, problems, dangling, templates } => {
                self.manifests.notes.extend(nowhere(&dangling, self.folder));
                for (path, reason) in problems {
                    self.manifests.diagnostics.push(unreadable(&shown(&path, self.folder), &reason));
                }
                let what = match found {
                    0 => "no file whose name ends in .yaml, .yml or .json",
                    _ => "no object",
                };
                // What the files hold that are read for another input is told there.
                let count = found - files.len()
                    + self.files(system, around, &files)
                    + self.templates(system, around, &templates);
                let name = shown(&path, self.folder);
                let other = if found == 0 { something_else_below(system, &path, &name) } else { None };
                may_be_empty = other.is_none();
                help = other.unwrap_or(help);
                self.manifests.places.push(path);
                (name, count, what)
            }
            NamedInput::Missing(path, reason) => {
                self.manifests.diagnostics.push(unreadable(&shown(&path, self.folder), &reason));
                self.manifests.places.push(path);
                return;
            }
        };
        if count == 0 && self.errors() == errors && may_be_empty {
            let hidden = if is_folder { "; hidden files and those in `.gitignore` do not count" } else { "" };
            self.manifests
                .empty
                .push(format!("`{name}` holds {what}, so there is no policy in it, nor anything that runs{hidden}"));
        } else if count == 0 && self.errors() == errors {
            let message = format!("no manifest: `{name}` holds {what}");
            self.manifests.diagnostics.push(Diagnostic::about(Code::E0502, message).with_help(help));
        }
    }

    /// Reads the files of a folder, and says how many documents for Kubernetes they hold.
    fn files(&mut self, system: &dyn FileSystem, around: &Around, files: &[PathBuf]) -> usize {
        let (mut count, mut waiting, mut bytes_waiting) = (0, Vec::new(), 0);
        for path in files {
            let name = shown(path, self.folder);
            let bytes = system.read(path, k8s::LONGEST_TEXT as u64);
            if let Some(chart) = around.chart_of(path) {
                self.manifests.file_count += 1;
                let mentions = bytes.is_ok_and(|bytes| names_policy(&String::from_utf8_lossy(&bytes)));
                let found = Found { object: None, is_policy: mentions, span: None, namespace: None };
                self.passed.add(Why::Chart, &shown(chart, self.folder), &name, found);
                count += 1;
            } else if around.is_part(path) {
                self.manifests.file_count += 1;
                count += 1;
            } else {
                let namespace = around.namespace_of(path).unwrap_or(self.default_namespace);
                bytes_waiting += bytes.as_ref().map_or(0, Vec::len);
                waiting.push(GivenText::new(name, bytes, false, namespace, self.reader));
            }
            if bytes_waiting > AT_ONCE {
                count += self.add_all(std::mem::take(&mut waiting));
                bytes_waiting = 0;
            }
        }
        count += self.add_all(waiting);
        count
    }

    /// Tells of the templates of a folder that hold a policy, and says how many do.
    fn templates(&mut self, system: &dyn FileSystem, around: &Around, files: &[PathBuf]) -> usize {
        let read = |path: &PathBuf| system.read(path, k8s::LONGEST_TEXT as u64);
        let holds_policy = |bytes: Vec<u8>| names_policy(&String::from_utf8_lossy(&bytes));
        let files = files.iter().filter(|path| around.chart_of(path).is_none());
        let found: Vec<String> =
            files.filter(|path| read(path).is_ok_and(holds_policy)).map(|path| shown(path, self.folder)).collect();
        found.iter().for_each(|name| self.passed.add_whole(Why::Template, name, true));
        self.manifests.file_count += found.len();
        found.len()
    }

    fn named(&mut self, name: String, bytes: io::Result<Vec<u8>>, namespace: &str) -> usize {
        let text = GivenText::new(name, bytes, true, namespace, self.reader);
        let reading = text.read();
        self.take(text, reading)
    }

    /// Says that what was named is a program.
    fn program_instead(&mut self, name: &str, is_input: bool) {
        let path = if is_input { "-".into() } else { shell_word(name) };
        let help =
            format!("`polder check {path}` looks for mistakes in it, `polder reach -p {path}` says what it allows");
        let message = format!("`{name}` is a program of Polder, and no manifest");
        self.manifests.diagnostics.push(Diagnostic::about(Code::E0502, message).with_help(help));
    }

    fn errors(&self) -> usize {
        self.manifests.diagnostics.len()
    }

    /// Reads texts that know nothing of each other, and says how many documents for Kubernetes they hold.
    fn add_all(&mut self, texts: Vec<GivenText<'_>>) -> usize {
        /// Fewer are read sooner than a thread has begun with them.
        const LEAST: usize = 16;
        let read = parallel::parts(&texts, LEAST, |texts| texts.iter().map(GivenText::read).collect::<Vec<_>>());
        texts.into_iter().zip(read.into_iter().flatten()).map(|(text, reading)| self.take(text, reading)).sum()
    }

    /// Takes in what was read of a text, and says how many documents for Kubernetes it holds.
    pub(super) fn take(
        &mut self,
        GivenText { name, text, is_named, .. }: GivenText<'_>,
        mut reading: Reading,
    ) -> usize {
        self.manifests.file_count += 1;
        let (text, is_wide) = match text {
            Ok(text) => text,
            Err(NoText::NotUtf8(error)) if !is_named && is_locked(error.as_bytes()) => {
                self.passed.add_whole(Why::Locked, &name, false);
                return 1;
            }
            Err(NoText::NotUtf8(error)) if !is_named && !may_be_objects(&String::from_utf8_lossy(error.as_bytes())) => {
                self.manifests.passed_over += 1;
                return 0;
            }
            Err(NoText::NotUtf8(error)) => {
                let diagnostic = not_utf8(&mut self.manifests.sources, name, Code::E0003, &error);
                self.manifests.diagnostics.push(diagnostic);
                return 0;
            }
            Err(NoText::Unreadable(error)) => {
                self.manifests.diagnostics.push(unreadable(&name, &reason(&error)));
                return 0;
            }
        };
        if is_named
            && !reading.problems.is_empty()
            && reading.policies.is_empty()
            && !may_be_objects(&text)
            && is_program(&text)
        {
            self.program_instead(&name, name == "<stdin>");
            return 0;
        }
        let problems = std::mem::take(&mut reading.problems);
        let documents = reading.documents;
        let file = self.manifests.sources.add(name.clone(), text);
        if is_wide {
            self.manifests.wide.insert(name.clone());
            self.manifests.notes.push(format!(
                "`{name}` is UTF-16, and is read as such; save it as UTF-8, which is what most programs expect"
            ));
        }
        if !reading.unfilled.is_empty() {
            self.manifests.notes.push(unfilled(&name, &reading.unfilled, self.reader));
        }
        // The texts stay where they are: they may be large.
        let sources = std::mem::take(&mut self.manifests.sources);
        let text = sources.file(file).map_or("", |file| file.text.as_str());
        let Sorted { foreign, unread, waits } = self.problems(file, text, &name, is_named, problems);
        self.read(file, text, &name, is_named, reading);
        self.manifests.sources = sources;
        for Lacking { span, object, is_policy, reason } in unread {
            let what = object.unwrap_or_else(|| "a document".to_owned());
            self.manifests.lack((format!("{what}{UNREADABLE}"), reason), span, is_policy, false);
        }
        // What has to be rendered first may be no document yet.
        documents.saturating_sub(foreign).max(usize::from(waits))
    }

    /// Sorts what is wrong with a text into mistakes, what has to be rendered first, and what is not for Kubernetes, and
    /// passes the last two over.
    fn problems(&mut self, file: FileId, text: &str, name: &str, is_named: bool, problems: Vec<ReadProblem>) -> Sorted {
        let mut sorted = Sorted::default();
        let mut told: BTreeSet<Why> = BTreeSet::new();
        let (mut is_foreign_text, mut is_noted) = (false, false);
        let folder = folder_of(name);
        let mut patterns: BTreeSet<usize> = BTreeSet::new();
        // Of all problems of the text, once.
        let marked = LazyCell::new(|| is_marked(text));
        let may_be_objects = LazyCell::new(|| may_be_objects(text));
        let names_policy = LazyCell::new(|| names_policy(text));
        let partial: BTreeSet<String> = if is_named { BTreeSet::new() } else { patches::partial(&problems) };
        self.parts.extend(partial.first().map(|object| (name.to_owned(), object.clone())));
        for mut problem in problems {
            let is_whole = problem.object.is_none() && problem.path.is_empty();
            if is_whole && !is_named {
                problem.is_policy = *names_policy;
            }
            if !is_named && (problem.foreign || (is_whole && !*may_be_objects)) {
                // However many faults a text has that is for something else, it is one document.
                if !std::mem::replace(&mut is_foreign_text, is_whole) {
                    sorted.foreign += 1;
                    self.pass_over(file, text, problem);
                }
                continue;
            }
            if problem.object.as_ref().is_some_and(|object| partial.contains(object)) {
                continue;
            }
            if problem.is_pattern && !is_named {
                // However many faults it has, it is one.
                if patterns.insert(problem.number) {
                    self.pass_over(file, text, problem);
                }
                continue;
            }
            let why = Why::of(text, &problem, &|| *marked);
            if let (Some(why), false) = (why, is_named) {
                sorted.waits = true;
                let span = problem.at.map(|at| token(file, text, at));
                let (object, is_policy) = (problem.object.as_deref(), problem.is_policy);
                let found = Found { object, is_policy, span, namespace: problem.namespace.as_deref() };
                self.passed.add(why, folder, name, found);
                continue;
            }
            // In all of a text it is looked for once.
            if !(is_whole && std::mem::replace(&mut is_noted, is_whole)) {
                unsure::note(&mut self.unread, &problem, text);
            }
            let (object, is_policy) = (problem.object.clone(), problem.is_policy);
            let mut diagnostic = refused(file, text, problem);
            if let Some(why) = why {
                if !told.insert(why) {
                    continue;
                }
                diagnostic.message = why.sentence(name).unwrap_or(diagnostic.message);
                diagnostic = diagnostic.with_help(why.help(folder, name, self.reader));
            }
            let span = diagnostic.primary();
            let reason = match (&diagnostic.help, why) {
                (Some(help), Some(_)) => format!("{}: {help}", diagnostic.message),
                _ => diagnostic.message.clone(),
            };
            sorted.unread.push(Lacking { span, object, is_policy, reason });
            self.manifests.diagnostics.push(diagnostic);
        }
        // The first problem of each object is enough.
        sorted.unread.dedup_by(|next, first| next.object.is_some() && next.object == first.object);
        sorted
    }

    fn pass_over(&mut self, file: FileId, text: &str, problem: ReadProblem) {
        self.manifests.passed_over += 1;
        let reason = format!("this is not for Kubernetes and is left out: {}", problem.reason);
        let span = token(file, text, problem.at.unwrap_or_default());
        self.manifests.remarks.push(Remark { span, path: problem.path, reason });
    }

    /// Takes in what was read. What was named itself is whole.
    fn read(&mut self, file: FileId, text: &str, name: &str, is_named: bool, reading: Reading) {
        let place = |at: Option<usize>| at.map(|at| token(file, text, at));
        let loaded = |read: ReadPolicy| -> Loaded {
            let keys = MetadataKeys::of(&read);
            let written = read.written.map(|at| token(file, text, at));
            (read.policy, place(read.name_at.or(read.at)), written, keys)
        };
        let warnings = reading.warnings.into_iter().map(|warning| {
            let span = token(file, text, warning.at.unwrap_or_default());
            let found = Diagnostic::new(Code::W0102, span, format!("`{}`: {}", warning.path, warning.reason))
                .with_help("write the block as it is read");
            match as_read(text, span) {
                Some(block) => found.with_mend(span, block),
                None => found,
            }
        });
        self.manifests.diagnostics.extend(warnings);
        let remarks = reading.remarks.into_iter().map(|remark| {
            let span = token(file, text, remark.at.unwrap_or_default());
            Remark { span, path: remark.path, reason: remark.reason }
        });
        self.manifests.remarks.extend(remarks);
        self.policies.extend(reading.policies.into_iter().map(loaded));
        for Inside { object, policy, .. } in reading.inside {
            self.held.push((object, policy.is_some()));
            self.manifests.inside.extend(policy.map(loaded).map(|(policy, span, written, _)| (policy, span, written)));
        }
        let of_cluster = reading.cluster_policies.into_iter();
        self.cluster_policies.extend(of_cluster.map(|one| LoadedClusterPolicy::new(place(one.at), one)));
        let runs: BTreeSet<(Arc<str>, Arc<str>)> = reading.objects.iter().filter_map(runner).collect();
        for one in reading.ignored.iter().filter(|one| one.is_staged()) {
            *self.staged.entry((one.kind.clone(), one.api_version.clone())).or_default() += 1;
        }
        let of_operators = reading.ignored.into_iter().filter(Ignored::is_of_operator);
        let of_operators =
            of_operators.map(|Ignored { kind, namespace, name, .. }| OfOperator { kind, namespace, name });
        let unknown = of_operators.filter(|one| !runs.contains(&(Arc::from(&*one.namespace), Arc::from(&*one.name))));
        self.manifests.of_operators.extend(unknown);
        self.manifests.hints.extend(reading.hints.unwrap_or_default());
        for read in reading.objects {
            if let Some(part) = patches::part(&read.object).filter(|_| !is_named) {
                self.parts.push((name.to_owned(), part));
                continue;
            }
            let mut object = read.object;
            object.set_spans(place(read.at), place(read.pods_at));
            self.objects.push(object);
        }
    }

    fn finish(self) -> Manifests {
        let Load {
            mut manifests, mut policies, objects, passed, held, parts, staged, mut unread, reader, is_live, ..
        } = self;
        let of_cluster = self.cluster_policies;
        passed.tell(&mut manifests, &mut unread, reader);
        manifests.notes.extend(patches::passed_over(&parts));
        manifests.notes.extend(told_staged(&staged));
        manifests.notes.extend(inside(&held));
        policies.sort_by(|(a, ..), (b, ..)| (&a.namespace, &a.name, a.kind).cmp(&(&b.namespace, &b.name, b.kind)));
        let mut conflicts = Vec::new();
        for loaded in policies {
            conflicts.extend(manifests.add_policy(loaded));
        }
        let (mut cluster, of_objects) = Cluster::assemble(objects);
        if manifests.policies.policies.iter().any(asks_at_runtime) {
            cluster.add_labels_of_runtime();
        }
        if is_live {
            cluster.whole = Whole::listed();
        }
        cluster.unread = unread;
        manifests.cluster = cluster;
        manifests.take_cluster_policies(reader, of_cluster);
        manifests.conflicts(&conflicts, &of_objects);
        let warnings = unmodelled(&manifests.cluster.unmodelled, reader);
        manifests.diagnostics.extend(warnings);
        manifests
    }
}

/// The namespace and name of what runs pods.
fn runner(read: &ReadObject) -> Option<(Arc<str>, Arc<str>)> {
    match &read.object {
        Object::Runner(runner) => Some((runner.workload.namespace.clone(), runner.workload.name.clone())),
        Object::Namespace(_)
        | Object::Scaler(_)
        | Object::Service(_)
        | Object::Ingress(_)
        | Object::Node(_)
        | Object::Endpoints(_)
        | Object::Caller(_)
        | Object::Unmodelled(_) => None,
    }
}

/// Whether a policy selects by labels that pods only have where they run.
fn asks_at_runtime(policy: &Policy) -> bool {
    let peers = [&policy.ingress, &policy.egress].into_iter().flatten().flatten().flat_map(|rule| &rule.peers);
    let peers = peers.filter_map(|peer| match peer {
        Peer::Pods { pods, .. } => Some(pods),
        Peer::Block(_) | Peer::Unlisted(_) => None,
    });
    peers.chain([&policy.subject]).any(|selector| selector.keys().any(|key| is_set_at_runtime(key)))
}
