//! Manifests that somebody wrote or a cluster gave: their policies and what runs.

use super::load::{EXTENSION, Named};
use super::path::{shell_word, shown};
use super::system::{FileSystem, reason};
use super::text::{not_utf8, text_of, unreadable};
use crate::cluster::{Cluster, Conflict, Object, Unmodelled, Whole};
use crate::diag::{Code, Diagnostic};
use crate::k8s::{self, ReadProblem};
use crate::netpol::{Policy, PolicySet, Written};
use crate::source::{FileId, Sources, Span};
use crate::syntax;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the names of manifests end in.
pub const EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

/// Policies and what runs, out of manifests.
#[derive(Debug, Default)]
pub struct Manifests {
    /// The texts.
    pub sources: Sources,
    /// The policies, sorted by namespace and name. Two of one name are both there when they do not say the same; then
    /// there is an error, too.
    pub policies: PolicySet,
    /// Where the name of each policy stands, in the order of the policies.
    pub policy_spans: Vec<Option<Span>>,
    /// How each policy is written, in the order of the policies.
    pub written: Vec<Written<Span>>,
    /// What runs.
    pub cluster: Cluster,
    /// What is wrong, and what makes every answer incomplete.
    pub diagnostics: Vec<Diagnostic>,
    /// What answers lack, in the order of the texts. Each is among the diagnostics, too.
    pub unread: Vec<Unread>,
    /// What may surprise, in the order of the texts.
    pub remarks: Vec<Remark>,
    /// What is told of what was named and holds nothing: an empty file, a folder without manifests.
    pub empty: Vec<String>,
    /// How many files there are, with those that cannot be read.
    pub file_count: usize,
    /// How many documents of folders are none for Kubernetes, and are passed over.
    pub passed_over: usize,
    /// The folders and files that a change can come from.
    pub places: Vec<PathBuf>,
}

/// What could not be read, so that answers lack it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What it is, as in `NetworkPolicy shop/web`, as far as that is known, and what is wrong with it.
    pub what: String,
    /// The path of its text.
    pub path: String,
    /// The line there, from 1.
    pub line: usize,
    /// Whether it is a NetworkPolicy, or may be one for all that is known: then nobody can be sure of any answer.
    pub is_policy: bool,
}

/// Something that stops nothing: a field without effect, a document that is not for Kubernetes, a policy given twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The place.
    pub span: Span,
    /// The field, as in `spec.ingress`; empty when it is about the whole document.
    pub path: String,
    /// What there is to know.
    pub reason: String,
}

impl Manifests {
    /// Reads what was named, seen from the absolute path `folder`: files, folders with the `.yaml`, `.yml` and `.json`
    /// files below them, standard input. Objects that name no namespace are in `default_namespace`. Never fails: what
    /// is wrong is among the diagnostics, and what has a mistake is left out.
    ///
    /// A document that is not for Kubernetes at all (it has no `apiVersion`, `kind`, `metadata` or `spec`) is passed
    /// over in a folder, and a mistake in a file that was named itself.
    pub fn load(system: &dyn FileSystem, folder: &Path, named: &[Named], default_namespace: &str) -> Manifests {
        Self::load_beside(Sources::default(), system, folder, named, default_namespace)
    }

    /// The same, with the texts added to `sources`, so that one report can show places of both.
    pub fn load_beside(
        sources: Sources,
        system: &dyn FileSystem,
        folder: &Path,
        named: &[Named],
        default_namespace: &str,
    ) -> Manifests {
        let manifests = Manifests { sources, ..Manifests::default() };
        let mut load = Load { manifests, folder, default_namespace, policies: Vec::new(), objects: Vec::new() };
        for input in inputs(system, folder, named) {
            load.input(system, input);
        }
        load.finish()
    }

    /// The same, where somebody says that it is all that there is: all Namespaces, and all that runs.
    #[must_use]
    pub fn as_a_whole(mut self) -> Manifests {
        self.cluster.whole = Whole::said();
        self
    }

    /// Whether something is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.code.stops())
    }

    /// Whether something is so wrong that there must be no answer: a whole text could not be read, or nothing at all. An
    /// object that could not be read only takes itself away.
    pub fn has_no_answer(&self) -> bool {
        let own_part = |code: Code| matches!(code, Code::E0501 | Code::E0503);
        let mut errors = self.diagnostics.iter().filter(|diagnostic| diagnostic.code.stops());
        let is_nothing = self.policies.policies.is_empty() && self.cluster == Cluster::default();
        errors.any(|error| is_nothing || !own_part(error.code))
    }

    /// Whether a NetworkPolicy could not be read, or what may be one.
    pub fn lacks_policies(&self) -> bool {
        self.unread.iter().any(|unread| unread.is_policy)
    }
}

/// What one thing that was named leads to.
enum Input {
    Stdin,
    File(PathBuf),
    Folder { path: PathBuf, found: usize, files: Vec<PathBuf>, problems: Vec<(PathBuf, String)> },
    Missing(PathBuf, String),
}

/// What was named, with each file once: where it is named itself, or else in the first folder that holds it.
fn inputs(system: &dyn FileSystem, folder: &Path, named: &[Named]) -> Vec<Input> {
    let mut seen = BTreeSet::new();
    let mut has_input = false;
    let mut inputs = Vec::new();
    for item in named {
        let Named::Path(path) = item else {
            if !std::mem::replace(&mut has_input, true) {
                inputs.push(Input::Stdin);
            }
            continue;
        };
        let path = folder.join(path);
        match system.is_folder(&path) {
            Ok(true) => inputs.push(walk(system, path)),
            Ok(false) if seen.insert(system.identity(&path)) => inputs.push(Input::File(path)),
            Ok(false) => {}
            Err(error) => inputs.push(Input::Missing(path, reason(&error))),
        }
    }
    for input in &mut inputs {
        if let Input::Folder { files, .. } = input {
            files.retain(|path| seen.insert(system.identity(path)));
        }
    }
    inputs
}

fn walk(system: &dyn FileSystem, path: PathBuf) -> Input {
    let walks = EXTENSIONS.map(|extension| system.walk(&path, extension));
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for walk in walks {
        files.extend(walk.files);
        problems.extend(walk.problems);
    }
    files.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    problems.sort();
    // What cannot be looked at is met on each walk.
    problems.dedup();
    Input::Folder { path, found: files.len(), files, problems }
}

/// What to do about a folder without manifests that holds something else which may be meant.
fn something_else_below(system: &dyn FileSystem, folder: &Path, name: &str) -> Option<String> {
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

/// Whether a text that is no manifest is a program: more of it is understood than not.
fn is_program(text: &str) -> bool {
    let mut sources = Sources::default();
    let file = sources.add("program", text);
    let parsed = syntax::parse(&sources, file);
    parsed.tree.nodes.len() > parsed.diagnostics.len()
}

/// A policy, the place of its name, and how it is written.
type Loaded = (Policy, Option<Span>, Written<Span>);

struct Load<'l> {
    manifests: Manifests,
    folder: &'l Path,
    default_namespace: &'l str,
    policies: Vec<Loaded>,
    objects: Vec<Object>,
}

impl Load<'_> {
    fn input(&mut self, system: &dyn FileSystem, input: Input) {
        let errors = self.errors();
        const CLUSTER: &str = "`kubectl get networkpolicies,pods,namespaces -A -o json` prints those of a cluster";
        let mut help = CLUSTER.to_owned();
        let passed_over = self.manifests.passed_over;
        // What a pipe leaves empty is what failed at its other end.
        let mut may_be_empty = !matches!(input, Input::Stdin);
        let is_folder = matches!(input, Input::Folder { .. });
        let (name, count, what) = match input {
            Input::Stdin => {
                let bytes = system.read_input(k8s::LONGEST_TEXT as u64);
                ("<stdin>".to_owned(), self.add("<stdin>".to_owned(), bytes, true), "no object")
            }
            Input::File(path) if path.extension().is_some_and(|end| end == EXTENSION) => {
                self.program_instead(&shown(&path, self.folder), false);
                self.manifests.file_count += 1;
                self.manifests.places.push(path);
                return;
            }
            Input::File(path) => {
                let name = shown(&path, self.folder);
                let bytes = system.read(&path, k8s::LONGEST_TEXT as u64);
                self.manifests.places.push(path);
                (name.clone(), self.add(name, bytes, true), "no object")
            }
            Input::Folder { path, found, files, problems } => {
                for (path, reason) in problems {
                    self.manifests.diagnostics.push(unreadable(&shown(&path, self.folder), &reason));
                }
                let what = match found {
                    0 => "no file whose name ends in .yaml, .yml or .json",
                    _ => "no object",
                };
                let is_chart = files.iter().any(|file| file.file_name().is_some_and(|name| name == "Chart.yaml"));
                // What the files hold that are read for another input is told there.
                let mut count = found - files.len();
                for path in files {
                    let bytes = system.read(&path, k8s::LONGEST_TEXT as u64);
                    count += self.add(shown(&path, self.folder), bytes, false);
                }
                let name = shown(&path, self.folder);
                if is_chart {
                    let chart = shell_word(&name);
                    help = format!("it is a chart of Helm: render it first, as in `helm template {chart} > all.yaml`");
                }
                let other = if found == 0 { something_else_below(system, &path, &name) } else { None };
                may_be_empty = other.is_none();
                help = other.unwrap_or(help);
                self.manifests.places.push(path);
                (name, count, what)
            }
            Input::Missing(path, reason) => {
                self.manifests.diagnostics.push(unreadable(&shown(&path, self.folder), &reason));
                self.manifests.places.push(path);
                return;
            }
        };
        if count == 0 && self.errors() == errors && may_be_empty && self.manifests.passed_over == passed_over {
            let hidden = if is_folder { "; hidden files and those in `.gitignore` do not count" } else { "" };
            self.manifests
                .empty
                .push(format!("`{name}` holds {what}, so there is no policy in it, nor anything that runs{hidden}"));
        } else if count == 0 && self.errors() == errors {
            let message = format!("no manifest: `{name}` holds {what}");
            self.manifests.diagnostics.push(Diagnostic::about(Code::E0502, message).with_help(help));
        }
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

    /// Reads one text, and says how many documents for Kubernetes it holds.
    fn add(&mut self, name: String, bytes: std::io::Result<Vec<u8>>, is_named: bool) -> usize {
        self.manifests.file_count += 1;
        let text = match bytes.map(text_of) {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => {
                let diagnostic = not_utf8(&mut self.manifests.sources, name, Code::E0003, &error);
                self.manifests.diagnostics.push(diagnostic);
                return 0;
            }
            Err(error) => {
                self.manifests.diagnostics.push(unreadable(&name, &reason(&error)));
                return 0;
            }
        };
        let reading = k8s::read(&text, self.default_namespace);
        if is_named && !reading.problems.is_empty() && is_program(&text) {
            self.program_instead(&name, name == "<stdin>");
            return 0;
        }
        let file = self.manifests.sources.add(name, text);
        let text = self.manifests.sources.file(file).map_or("", |file| file.text.as_str());
        let place = |at: Option<usize>| at.map(|at| token(file, text, at));
        let mut unread = Vec::new();
        let foreign = reading.problems.iter().filter(|problem| problem.foreign).count();
        for problem in reading.problems {
            if problem.foreign && !is_named {
                self.manifests.passed_over += 1;
                let reason = format!("this is not for Kubernetes and is left out: {}", problem.reason);
                let span = token(file, text, problem.at.unwrap_or_default());
                self.manifests.remarks.push(Remark { span, path: problem.path, reason });
            } else {
                let (object, is_policy) = (problem.object.clone(), problem.is_policy);
                let diagnostic = refused(file, text, problem);
                unread.push((diagnostic.primary(), object, is_policy));
                self.manifests.diagnostics.push(diagnostic);
            }
        }
        let warnings = reading.warnings.into_iter().map(|warning| {
            let span = token(file, text, warning.at.unwrap_or_default());
            Diagnostic::new(Code::W0102, span, format!("`{}`: {}", warning.path, warning.reason))
                .with_help("write the block as it is read")
        });
        self.manifests.diagnostics.extend(warnings);
        let remarks = reading.remarks.into_iter().map(|remark| {
            let span = token(file, text, remark.at.unwrap_or_default());
            Remark { span, path: remark.path, reason: remark.reason }
        });
        self.manifests.remarks.extend(remarks);
        self.policies.extend(reading.policies.into_iter().map(|read| {
            let written = read.written.map(|at| token(file, text, at));
            (read.policy, place(read.name_at.or(read.at)), written)
        }));
        for read in reading.objects {
            let mut object = read.object;
            object.set_spans(place(read.at), place(read.pods_at));
            self.objects.push(object);
        }
        // The first problem of each object is enough.
        unread.dedup_by(|next, first| next.1.is_some() && next.1 == first.1);
        for (span, object, is_policy) in unread {
            let what = object.unwrap_or_else(|| "an object, and what follows it,".to_owned());
            self.manifests.lack(format!("{what} could not be read"), span, is_policy);
        }
        reading.documents.saturating_sub(foreign)
    }

    fn finish(self) -> Manifests {
        let Load { mut manifests, mut policies, objects, .. } = self;
        policies.sort_by(|(a, ..), (b, ..)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        for (policy, span, written) in policies {
            manifests.add_policy(policy, span, written);
        }
        let (cluster, conflicts) = Cluster::assemble(objects);
        manifests.cluster = cluster;
        for conflict in &conflicts {
            manifests.conflict(conflict, false);
        }
        let warnings = unmodelled(&manifests.cluster.unmodelled);
        manifests.diagnostics.extend(warnings);
        manifests
    }
}

impl Manifests {
    fn lack(&mut self, what: String, span: Option<Span>, is_policy: bool) {
        let file = span.and_then(|span| Some((self.sources.file(span.file)?, span)));
        let (path, line) =
            file.map_or((String::new(), 0), |(file, span)| (file.path.clone(), file.position(span.start).line));
        self.unread.push(Unread { what, path, line, is_policy });
    }

    fn conflict(&mut self, conflict: &Conflict, is_policy: bool) {
        let diagnostic = twice(conflict);
        let both = if is_policy { "; here both count" } else { "" };
        self.lack(format!("{}{both}", diagnostic.message), diagnostic.primary(), is_policy);
        self.diagnostics.push(diagnostic);
    }

    /// Adds a policy that comes after those that are there.
    fn add_policy(&mut self, policy: Policy, span: Option<Span>, written: Written<Span>) {
        let same_name = |one: &&Policy| one.namespace == policy.namespace && one.name == policy.name;
        let before = self.policies.policies.last().filter(same_name);
        if let Some(before) = before {
            let same = (&before.subject, &before.ingress, &before.egress)
                == (&policy.subject, &policy.ingress, &policy.egress);
            if same {
                let reason = "this policy was given before, and says the same".to_owned();
                self.remarks.extend(span.map(|span| Remark { span, path: String::new(), reason }));
                return;
            }
            let conflict = Conflict {
                kind: "NetworkPolicy".into(),
                namespace: policy.namespace.clone(),
                name: Arc::from(&*policy.name),
                first: self.policy_spans.last().copied().flatten(),
                second: span,
            };
            self.conflict(&conflict, true);
        }
        self.policies.policies.push(policy);
        self.policy_spans.push(span);
        self.written.push(written);
    }
}

fn refused(file: FileId, text: &str, problem: ReadProblem) -> Diagnostic {
    let ReadProblem { at, path, reason, .. } = problem;
    let span = token(file, text, at.unwrap_or_default());
    let message = if path.is_empty() { reason } else { format!("`{path}`: {reason}") };
    let diagnostic = Diagnostic::new(Code::E0501, span, message);
    let line_start = text.get(..span.start as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    if line.contains("{{") {
        return diagnostic.with_help("this looks like a template; render it first, as in `helm template . > all.yaml`");
    }
    diagnostic
}

fn twice(conflict: &Conflict) -> Diagnostic {
    let Conflict { kind, namespace, name, first, second } = conflict;
    let slash = if namespace.is_empty() { "" } else { "/" };
    let message = format!("{kind} {namespace}{slash}{name} is declared twice, and not the same");
    let mut diagnostic = Diagnostic::about(Code::E0503, message);
    for (span, text) in [(second, "declared again here"), (first, "declared first here")] {
        if let Some(span) = span {
            diagnostic = diagnostic.with_label(*span, text);
        }
    }
    diagnostic.with_help("Kubernetes would keep whichever is applied last; remove or rename one of them")
}

/// One warning for each kind.
fn unmodelled(objects: &[Unmodelled]) -> Vec<Diagnostic> {
    /// More places than these say nothing more.
    const MOST_PLACES: usize = 5;
    let mut kinds: BTreeMap<(&str, &str), Vec<&Unmodelled>> = BTreeMap::new();
    for object in objects {
        kinds.entry((&object.kind, &object.api_version)).or_default().push(object);
    }
    let warning = |((kind, version), objects): ((&str, &str), Vec<&Unmodelled>)| {
        let what = match objects.len() {
            1 => format!("{kind} ({version}) changes what is allowed and is not modelled"),
            count => format!("{count} of {kind} ({version}) change what is allowed and are not modelled"),
        };
        let message = format!("the answers are incomplete: {what}");
        let mut warning = Diagnostic::about(Code::W0101, message);
        for object in objects.iter().take(MOST_PLACES) {
            let slash = if object.namespace.is_empty() { "" } else { "/" };
            if let Some(span) = object.span {
                warning = warning.with_label(span, format!("{}{slash}{}", object.namespace, object.name));
            }
        }
        warning.with_help("judge by hand what it adds or takes away; only NetworkPolicies are looked at")
    };
    kinds.into_iter().map(warning).collect()
}

/// The word, quoted string or empty map that begins at a place.
fn token(file: FileId, text: &str, at: usize) -> Span {
    let start = text.floor_char_boundary(at.min(text.len()));
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let quote = line.chars().next().filter(|first| matches!(first, '"' | '\''));
    let empty = line.strip_prefix('{').and_then(|inside| inside.trim_start().strip_prefix('}'));
    let end = match quote {
        None if empty.is_some() => line.len() - empty.map_or(0, str::len),
        Some(quote) => line.get(1..).and_then(|inside| inside.find(quote)).map_or(line.len(), |end| end + 2),
        None => {
            let ends = [" #", ": ", ",", "}", "]"].iter().filter_map(|end| line.find(end));
            line.strip_suffix(':').unwrap_or(line).trim_end().len().min(ends.min().unwrap_or(line.len()))
        }
    };
    Span::new(file, start..start + end)
}
