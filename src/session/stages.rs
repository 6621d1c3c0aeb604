//! The stages, each run once and when it is asked for. The only file that knows how the rooms fit together.

use super::load::Project;
use super::manifests::Manifests;
use crate::ask::{self, Judgement};
use crate::cluster;
use crate::diag::{self, Code, Diagnostic, Levels, Report};
use crate::flow::{self, FlowSet};
use crate::lint;
use crate::model::{self, COMPONENTS, Component, Model};
use crate::netpol::PolicySet;
use crate::prove::{self, Grants};
use crate::source::{FileId, Sources};
use crate::syntax::{self, NodeKind, Tree};
use crate::target::network_policy::{self as target, Layout, Output, Planned};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// How to build, after the command line, `polder.toml` and the defaults have been put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The environment whose replacements hold.
    pub environment: Option<String>,
    /// How policies are grouped.
    pub layout: Layout,
    /// Whether `kustomization.yaml` files are written too.
    pub kustomize: bool,
    /// Whether the model notes what each name refers to.
    pub references: bool,
}

/// What parsing a file has given.
#[derive(Debug)]
struct Known {
    tree: Tree,
    diagnostics: Vec<Diagnostic>,
}

type Stage<T> = OnceCell<(T, Vec<Diagnostic>)>;

/// One program on its way to policies. A stage after one with errors gives nothing where it could only guess.
#[derive(Debug)]
pub struct Session {
    project: Project,
    /// The sources of the catalogue's components.
    components: Vec<(&'static Component, FileId)>,
    settings: Settings,
    /// Namespaces of the cluster that is meant, whose labels are known.
    given: Vec<cluster::Namespace>,
    trees: Stage<Vec<Tree>>,
    /// The names of the environments, which are asked for when the trees are gone.
    environments: OnceCell<BTreeSet<String>>,
    /// Trees of files that a session before this one has parsed and that are still the same.
    known: RefCell<BTreeMap<FileId, Known>>,
    model: Stage<Model>,
    flows: Stage<FlowSet>,
    policies: Stage<PolicySet>,
    /// Why the policies do not mean what the flows say, if so.
    disproof: OnceCell<Option<Diagnostic>>,
    asserted: Stage<Vec<Judgement>>,
    output: Stage<Output>,
}

/// What is left of a session after its build: nothing can be asked of it but what it came to.
#[derive(Debug)]
pub struct Built(Session);

impl Built {
    /// See [`Session::project`].
    pub fn project(&self) -> &Project {
        self.0.project()
    }

    /// See [`Session::settings`].
    pub fn settings(&self) -> &Settings {
        self.0.settings()
    }

    /// See [`Session::reports`].
    pub fn reports(&self, levels: &Levels) -> Vec<Report> {
        self.0.reports(levels)
    }

    /// See [`Session::policies`].
    pub fn policies(&self) -> Option<&PolicySet> {
        self.0.policies()
    }

    /// See [`Session::output`].
    pub fn output(&self) -> Option<&Output> {
        self.0.output()
    }
}

impl Session {
    /// Nothing is done yet.
    pub fn new(mut project: Project, settings: Settings) -> Session {
        let sources = &mut project.sources;
        let add = |component: &'static Component| (component, sources.add_built_in(component.path(), component.source));
        Session {
            components: COMPONENTS.iter().map(add).collect(),
            project,
            settings,
            given: Vec::new(),
            trees: OnceCell::new(),
            environments: OnceCell::new(),
            known: RefCell::default(),
            model: OnceCell::new(),
            flows: OnceCell::new(),
            policies: OnceCell::new(),
            disproof: OnceCell::new(),
            asserted: OnceCell::new(),
            output: OnceCell::new(),
        }
    }

    /// A session for what the program has become: files that are the same are not parsed again.
    pub fn again(self, project: Project, settings: Settings) -> Session {
        let next = Session::new(project, settings);
        let (trees, diagnostics) = self.trees.into_inner().unwrap_or_default();
        let mut reported: BTreeMap<FileId, Vec<Diagnostic>> = BTreeMap::new();
        for diagnostic in diagnostics {
            if let Some(span) = diagnostic.primary() {
                reported.entry(span.file).or_default().push(diagnostic);
            }
        }
        let same = |tree: &Tree| {
            let (old, new) = (self.project.sources.file(tree.file), next.project.sources.file(tree.file));
            old.zip(new).is_some_and(|(old, new)| old.text == new.text && old.built_in == new.built_in)
        };
        let known = trees.into_iter().filter(same).map(|tree| {
            let diagnostics = reported.remove(&tree.file).unwrap_or_default();
            (tree.file, Known { tree, diagnostics })
        });
        *next.known.borrow_mut() = known.collect();
        next
    }

    /// The session for another environment of the same program, or for none; the program is not parsed again.
    pub fn in_environment(self, environment: Option<&str>) -> Session {
        Session {
            settings: Settings { environment: environment.map(str::to_owned), ..self.settings },
            model: OnceCell::new(),
            flows: OnceCell::new(),
            policies: OnceCell::new(),
            disproof: OnceCell::new(),
            asserted: OnceCell::new(),
            output: OnceCell::new(),
            ..self
        }
    }

    /// The session for a cluster some of whose namespaces are given: assertions go by the labels that those have, where the
    /// program does not state any.
    pub fn in_cluster_of(self, given: Vec<cluster::Namespace>) -> Session {
        Session { given, asserted: OnceCell::new(), ..self }
    }

    /// The environments that the program declares, each once.
    pub fn environments(&self) -> &BTreeSet<String> {
        self.environments.get_or_init(|| {
            let nodes = self.trees().iter().flat_map(|tree| &tree.nodes);
            let names = nodes.filter_map(|node| match &node.kind {
                NodeKind::Environment { name, .. } => Some(self.sources().text(name.span).to_owned()),
                _ => None,
            });
            names.collect()
        })
    }

    /// The project that is compiled.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The same with other texts of some files.
    pub fn with_texts(&self, texts: impl IntoIterator<Item = (FileId, String)>) -> Session {
        let mut project = self.project.clone();
        for (file, text) in texts {
            project.sources = project.sources.replaced(file, text);
        }
        Session::new(project, self.settings.clone()).in_cluster_of(self.given.clone())
    }

    /// The texts of the project.
    pub fn sources(&self) -> &Sources {
        &self.project.sources
    }

    /// How it is built.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The tree of each file.
    pub fn trees(&self) -> &[Tree] {
        &self.parsed().0
    }

    /// What the program declares. `None` when a part of the program could not be read: every name declared there
    /// would be unknown.
    pub fn model(&self) -> Option<&Model> {
        self.resolved().map(|stage| &stage.0)
    }

    /// The flows. `None` while the program has errors.
    pub fn flows(&self) -> Option<&FlowSet> {
        self.lowered().map(|stage| &stage.0)
    }

    /// The policies. `None` while the program has errors.
    pub fn policies(&self) -> Option<&PolicySet> {
        self.planned().map(|stage| &stage.0)
    }

    /// The policies, proved to mean what the program says. Whoever answers a question takes these: what a build would refuse
    /// to write must not be told either. `None` while the program has errors, and when the proof fails.
    pub fn proved_policies(&self) -> Option<&PolicySet> {
        self.policies().filter(|_| self.disproof().is_none())
    }

    /// Why the policies cannot be proved to mean what the program says. `None` when they are, and when there are none.
    pub fn disproof(&self) -> Option<&Diagnostic> {
        let (flows, planned) = (self.lowered()?, self.planned()?);
        let disproof = self.disproof.get_or_init(|| {
            let granted = Grants::of_policies(&flows.0, &planned.0.policies);
            let found = granted.and_then(|granted| prove::prove(&flows.0, &granted)).err()?;
            Some(internal_error(format!("{found}; no question can be answered from them")))
        });
        disproof.as_ref()
    }

    /// The files of a build. `None` while the program has errors or an assertion is broken, and when the files could not
    /// be proved to mean what the program says.
    pub fn output(&self) -> Option<&Output> {
        self.asserted().filter(|stage| !has_errors(&stage.1))?;
        self.proved().filter(|stage| !has_errors(&stage.1)).map(|stage| &stage.0)
    }

    /// Makes the output, and lets go of the trees and the model on the way: for a command that makes one build and has no
    /// other question. They would be a fifth of its memory.
    pub fn build(mut self) -> Built {
        self.environments();
        if self.flows().is_some() {
            for tree in self.trees.get_mut().into_iter().flat_map(|stage| &mut stage.0) {
                (tree.nodes, tree.comments) = (Vec::new(), Vec::new());
            }
            if let Some((model, _)) = self.model.get_mut() {
                *model = Model::default();
            }
        }
        self.output();
        Built(self)
    }

    /// What comes of each assertion. `None` while the program has errors.
    pub fn judgements(&self) -> Option<&[Judgement]> {
        self.asserted().map(|stage| stage.0.as_slice())
    }

    /// What is to be said about the program, all stages included.
    pub fn reports(&self, levels: &Levels) -> Vec<Report> {
        let disproof = self.proved().map(|stage| stage.1.as_slice()).unwrap_or_default();
        self.said(levels, self.sources(), disproof)
    }

    /// What is to be said about the program, without the proof: that is about Polder's own mistakes, and a build has it.
    pub fn findings(&self, levels: &Levels) -> Vec<Report> {
        self.said(levels, self.sources(), &[])
    }

    /// What is wrong with the texts and the names, before any flow is looked at.
    pub fn mistakes(&self) -> impl Iterator<Item = &Diagnostic> {
        let resolved = self.resolved().map(|stage| stage.1.as_slice()).unwrap_or_default();
        self.parsed().1.iter().chain(resolved).filter(|diagnostic| is_error(diagnostic))
    }

    /// What the stages say up to the proof, and what else there is to say; `sources` are those of the program and perhaps
    /// more after them.
    fn said(&self, levels: &Levels, sources: &Sources, beside: &[Diagnostic]) -> Vec<Report> {
        let mut all = self.project.diagnostics.clone();
        all.extend(beside.iter().cloned());
        all.extend(self.parsed().1.iter().cloned());
        if let Some((_, resolved)) = self.resolved() {
            // A line with an error may have used what now seems unused.
            let broken = has_errors(&self.parsed().1) || has_errors(resolved);
            all.extend(resolved.iter().filter(|diagnostic| !broken || is_error(diagnostic)).cloned());
        }
        all.extend(self.lowered().into_iter().flat_map(|stage| &stage.1).cloned());
        all.extend(self.planned().into_iter().flat_map(|stage| &stage.1).cloned());
        all.extend(self.asserted().into_iter().flat_map(|stage| &stage.1).cloned());
        self.place_environments(&mut all);
        diag::sort(&mut all, sources);
        let allows: Vec<_> = self.trees().iter().flat_map(|tree| tree.allows.iter().cloned()).collect();
        let mut reports = levels.apply(all, &allows);
        if self.policies().is_none() {
            // The stages that were left out might have said what a comment silences.
            reports.retain(|report| report.diagnostic.code != Code::W0013);
        }
        reports
    }

    /// Gives an unknown environment its place in `polder.toml`, if that named it, and adds those that have a section there.
    fn place_environments(&self, diagnostics: &mut Vec<Diagnostic>) {
        let config = &self.project.config;
        let at = config.environment_at.filter(|_| config.environment == self.settings.environment);
        let unplaced = |one: &&mut Diagnostic| one.code == Code::E0110 && one.labels.is_empty();
        if let Some((diagnostic, at)) = diagnostics.iter_mut().find(unplaced).zip(at) {
            *diagnostic = diagnostic.clone().with_label(at, "");
        }
        // What could not be read may declare it.
        if self.project.partial || self.project.has_errors() || has_errors(&self.parsed().1) {
            return;
        }
        let known = self.environments();
        for (name, environment) in config.environments.iter().filter(|(name, _)| !known.contains(*name)) {
            let message = format!("the program declares no environment `{name}`");
            let near = diag::closest(name, known.iter().map(String::as_str));
            let help = near.map_or("remove the section".to_owned(), |near| format!("did you mean `{near}`?"));
            let diagnostic = Diagnostic::new(Code::E0110, environment.at, message).with_help(help);
            diagnostics.push(diagnostic.with_mends(environment.at, near));
        }
    }

    /// What is to be said about the program and what runs. Whether the one fits the other is only asked when both could be
    /// read. `running` was read with the sources of this session before its own.
    pub fn reports_with(&self, levels: &Levels, running: &Manifests) -> Vec<Report> {
        let mut beside = running.diagnostics.clone();
        if let (false, Some(_), Some(model)) = (running.has_errors(), self.flows(), self.model()) {
            beside.extend(lint::fit(model, &running.cluster));
        }
        beside.extend(self.proved().into_iter().flat_map(|stage| &stage.1).cloned());
        self.said(levels, &running.sources, &beside)
    }

    fn parsed(&self) -> &(Vec<Tree>, Vec<Diagnostic>) {
        self.trees.get_or_init(|| {
            let mut diagnostics = Vec::new();
            let mut trees = Vec::new();
            for file in &self.project.files {
                let Known { tree, diagnostics: more } = self.parse(*file);
                trees.push(tree);
                diagnostics.extend(more);
            }
            let used = Component::used(self.sources(), &trees);
            let components =
                self.components.iter().filter(|(component, _)| used.iter().any(|one| one.name == component.name));
            for (_, file) in components {
                trees.push(self.parse(*file).tree);
            }
            (trees, diagnostics)
        })
    }

    fn parse(&self, file: FileId) -> Known {
        if let Some(known) = self.known.borrow_mut().remove(&file) {
            return known;
        }
        let parsed = syntax::parse(self.sources(), file);
        Known { tree: parsed.tree, diagnostics: parsed.diagnostics }
    }

    fn resolved(&self) -> Option<&(Model, Vec<Diagnostic>)> {
        if self.project.has_errors() {
            return None;
        }
        Some(self.model.get_or_init(|| {
            let options =
                model::Options { environment: self.settings.environment.clone(), references: self.settings.references };
            let resolved = model::resolve(self.sources(), self.trees(), &options);
            (resolved.model, resolved.diagnostics)
        }))
    }

    fn lowered(&self) -> Option<&(FlowSet, Vec<Diagnostic>)> {
        let resolved = self.resolved()?;
        if has_errors(&self.parsed().1) || has_errors(&resolved.1) {
            return None;
        }
        Some(self.flows.get_or_init(|| {
            let flows = flow::lower(&resolved.0);
            let found = lint::dns(&resolved.0, &flows);
            (flows, found)
        }))
    }

    fn planned(&self) -> Option<&(PolicySet, Vec<Diagnostic>)> {
        let lowered = self.lowered()?;
        if has_errors(&lowered.1) {
            return None;
        }
        let planned = self.policies.get_or_init(|| {
            let Planned { policies, diagnostics } = target::policies(&lowered.0, self.settings.layout);
            #[cfg(test)]
            let policies = spoiled::spoil(policies);
            (policies, diagnostics)
        });
        (!has_errors(&planned.1)).then_some(planned)
    }

    fn asserted(&self) -> Option<&(Vec<Judgement>, Vec<Diagnostic>)> {
        let (flows, _) = (self.lowered()?, self.planned()?);
        Some(self.asserted.get_or_init(|| {
            let judged = ask::judge(&flows.0, &flows.0.facts, &self.given);
            let wrong = judged.iter().filter_map(|judgement| judgement.outcome.diagnostic().cloned()).collect();
            (judged, wrong)
        }))
    }

    /// The proof is about the very text that is written, read back.
    fn proved(&self) -> Option<&(Output, Vec<Diagnostic>)> {
        let (flows, planned) = (self.lowered()?, self.planned()?);
        Some(self.output.get_or_init(|| {
            let output = Output::new(&planned.0, self.settings.layout, self.settings.kustomize);
            let wrong = disproof(&flows.0, output.manifests().iter().map(|file| &*file.body));
            let diagnostics = wrong.map(|message| internal_error(format!("{message}; nothing was written")));
            (output, diagnostics.into_iter().collect())
        }))
    }
}

fn internal_error(message: String) -> Diagnostic {
    Diagnostic::about(Code::E0900, message).with_help("please report this, with the smallest program that shows it")
}

/// Why manifests do not mean what the flows say.
fn disproof<'a>(flows: &FlowSet, manifests: impl Iterator<Item = &'a str>) -> Option<String> {
    let granted = match target::grants(flows, manifests) {
        Ok(granted) => granted,
        Err(reason) => return Some(reason),
    };
    prove::prove(flows, &granted).err().map(|found| found.to_string())
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.code.stops()
}

fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(is_error)
}

/// Policies that mean something else than the program: for the tests of what must not answer from them.
#[cfg(test)]
pub(crate) mod spoiled {
    use crate::netpol::PolicySet;
    use std::cell::Cell;

    thread_local! {
        static SPOILED: Cell<bool> = const { Cell::new(false) };
    }

    /// Does something while every program of this thread gets the wrong policies.
    pub(crate) fn with_wrong_policies<T>(act: impl FnOnce() -> T) -> T {
        SPOILED.set(true);
        let done = act();
        SPOILED.set(false);
        done
    }

    pub(super) fn spoil(mut set: PolicySet) -> PolicySet {
        if SPOILED.get() {
            set.policies.pop();
        }
        set
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::session::{Memory, Named};
    use std::path::Path;

    fn session(system: &Memory) -> Session {
        let project = Project::load(system, Path::new("/p"), &[Named::Path("/p".into())]);
        Session::new(project, Settings::default())
    }

    fn codes(session: &Session) -> Vec<&'static str> {
        session.reports(&Levels::default()).iter().map(|report| report.diagnostic.code.as_str()).collect()
    }

    const GOOD: &str = "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n";

    #[test]
    fn each_stage_has_a_result_when_the_program_is_right() {
        let session = session(&Memory::default().with("/p/a.polder", GOOD));
        assert_eq!(session.policies().unwrap().policies.len(), 4);
        assert!(session.flows().is_some() && session.model().is_some());
        assert_eq!(codes(&session), Vec::<&str>::new());
    }

    #[test]
    fn a_build_says_and_makes_the_same_as_the_session_it_is_made_of() {
        let warned = format!("# polder: allow(W0010)\n{}", GOOD.replace("tier a\n", "tier a\n  tier idle\n"));
        for text in [GOOD, &warned, "namespace shop {\n  tier a\n  a -> nobody:80\n}\n", "namespace {\n"] {
            let system = Memory::default().with("/p/a.polder", text);
            let (whole, built) = (session(&system), session(&system).build());
            assert_eq!(built.reports(&Levels::default()), whole.reports(&Levels::default()));
            assert_eq!((built.policies(), built.output()), (whole.policies(), whole.output()));
        }
    }

    #[test]
    fn policies_that_mean_something_else_are_not_for_answers() {
        let system = Memory::default().with("/p/a.polder", GOOD);
        assert_eq!(session(&system).proved_policies(), session(&system).policies());
        spoiled::with_wrong_policies(|| {
            let session = session(&system);
            assert!(session.policies().is_some() && session.proved_policies().is_none());
            let disproof = session.disproof().unwrap();
            assert_eq!(disproof.code, Code::E0900);
            assert!(disproof.message.ends_with("; no question can be answered from them"), "{}", disproof.message);
            // The editor goes on showing what is wrong with the text, which is not Polder's own mistake.
            assert!(session.findings(&Levels::default()).is_empty());
        });
    }

    #[test]
    fn a_manifest_that_means_something_else_is_an_internal_error() {
        let session = session(&Memory::default().with("/p/a.polder", GOOD));
        let flows = session.flows().unwrap();
        let output = session.output().unwrap();
        let bodies = || output.manifests().iter().map(|file| &*file.body);
        assert_eq!(disproof(flows, bodies()), None);
        assert!(disproof(flows, bodies().skip(1)).unwrap().starts_with("the policies would"));
        let changed: Vec<String> = bodies().map(|body| body.replace("port: 80", "port: 81")).collect();
        let message = disproof(flows, changed.iter().map(String::as_str)).unwrap();
        assert!(message.ends_with("on port 81/tcp"), "{message}");
        let broken = disproof(flows, ["kind: NetworkPolicy\n"].into_iter()).unwrap();
        assert!(broken.starts_with("a manifest could not be read back: "), "{broken}");
    }

    #[test]
    fn syntax_and_names_are_reported_together_and_nothing_that_only_follows() {
        let broken = "namespace shop {\n  tier\n  tier a\n  tier unused\n  a -> nobody:80\n}\n";
        let session = session(&Memory::default().with("/p/a.polder", broken).with("/p/b.polder", GOOD));
        let codes = codes(&session);
        assert!(codes.contains(&"E0001") && codes.contains(&"E0102"), "{codes:?}");
        assert!(codes.iter().all(|code| code.starts_with('E')), "{codes:?}");
        assert!(session.flows().is_none() && session.policies().is_none());
    }

    #[test]
    fn names_are_not_judged_while_a_file_cannot_be_read() {
        let uses = "namespace shop {\n  elsewhere -> elsewhere:80\n}\n";
        let readable = Memory::default().with("/p/a.polder", uses);
        assert_eq!(codes(&session(&readable)), ["E0102", "E0102"]);
        let system = readable.with("/p/b.polder", b"\xff".to_vec()).with("/p/c.polder", "namespace\n");
        let session = session(&system);
        assert_eq!(codes(&session), ["E0003", "E0001"]);
        assert!(session.model().is_none());
    }

    #[test]
    fn a_comment_is_without_effect_only_when_all_was_said() {
        let allow = "# polder: allow(W0005)\nexternal namespace x\n";
        let lone = Memory::default().with("/p/a.polder", format!("{allow}{GOOD}"));
        assert!(codes(&session(&lone)).contains(&"W0013"));
        let broken = lone.with("/p/b.polder", "namespace\n");
        assert!(!codes(&session(&broken)).contains(&"W0013"));
    }
}
