//! The stages, each run once and when it is asked for. The only file that knows how the rooms fit together.

mod findings;
mod step;
#[cfg(test)]
mod tests;

use super::load::Project;
use super::rollout::{EnforceList, RolloutStep, UnenforcedRest};
use crate::ask::{self, Judgement};
use crate::cluster;
use crate::diag::{Code, Diagnostic, Levels, Report};
use crate::flow::{self, FlowSet};
use crate::k8s::StagedKind;
use crate::lint;
use crate::model::{self, COMPONENTS, Component, Model, Target};
use crate::netpol::{Policy, PolicySet};
use crate::parallel;
use crate::plugin;
use crate::prove::{self, Grants};
use crate::source::{FileId, Sources};
use crate::syntax::{self, NodeKind, Tree};
use crate::target;
use crate::target::network_policy::{Counted, Layout, Output, Planned, grants_of};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use step::{AskedStep, Emitted};

/// How to build, after the command line, `polder.toml` and the defaults have been put together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The environment whose replacements hold.
    pub environment: Option<String>,
    /// How policies are grouped.
    pub layout: Layout,
    /// What the program is compiled to.
    pub target: Target,
    /// Whether `kustomization.yaml` files are written too.
    pub kustomize: bool,
    /// Whether the model notes what each name refers to.
    pub references: bool,
    /// What is enforced of the program; `None` for all. A build writes only that, and [`Session::at_step`] asks about it.
    pub enforce: Option<EnforceList>,
    /// What a build writes of all else.
    pub rest: UnenforcedRest,
}

/// What parsing a file has given.
#[derive(Debug)]
struct KnownProgram {
    tree: Tree,
    diagnostics: Vec<Diagnostic>,
}

impl KnownProgram {
    fn parsed(sources: &Sources, file: FileId) -> KnownProgram {
        let parsed = syntax::parse(sources, file);
        KnownProgram { tree: parsed.tree, diagnostics: parsed.diagnostics }
    }
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
    known: RefCell<BTreeMap<FileId, KnownProgram>>,
    model: Stage<Model>,
    flows: Stage<FlowSet>,
    policies: Stage<PolicySet>,
    /// Why the policies do not mean what the flows say, if so.
    disproof: OnceCell<Option<Diagnostic>>,
    asserted: Stage<Vec<Judgement>>,
    output: Stage<Output>,
    /// Whether the flows are those of a step of a roll-out, and then which that is.
    asked_step: AskedStep,
    /// What a build writes of the step.
    emitted: OnceCell<Option<Emitted>>,
    /// Why the rest cannot be written so.
    rest_mistake: OnceCell<Option<Diagnostic>>,
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

    /// The session, which has let go of what it is made of.
    pub fn session(&self) -> &Session {
        &self.0
    }

    /// See [`Session::reports`].
    pub fn reports(&self, levels: &Levels) -> Vec<Report> {
        self.0.reports(levels)
    }

    /// The policies that are enforced: those of the program, or of the step that it is at.
    pub fn policies(&self) -> Option<&PolicySet> {
        match self.0.emitted() {
            Some(emitted) => Some(emitted.policies()),
            None => self.0.policies(),
        }
    }

    /// What is written.
    pub fn output(&self) -> Option<&Output> {
        let whole = self.0.output()?;
        match &self.0.settings.enforce {
            Some(_) => self.0.emitted()?.output(),
            None => Some(whole),
        }
    }

    /// The step of a roll-out that is built, and how many policies the whole program has; `None` without a roll-out.
    pub fn step(&self) -> Option<(&RolloutStep, usize)> {
        let whole = self.0.policies()?.policies.len();
        Some((self.0.emitted()?.step(), whole))
    }

    /// The policies that are only looked at, and by whom.
    pub fn staged(&self) -> Option<(StagedKind, &[Policy])> {
        self.0.emitted()?.staged()
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
            asked_step: AskedStep::Whole,
            emitted: OnceCell::new(),
            rest_mistake: OnceCell::new(),
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
            (tree.file, KnownProgram { tree, diagnostics })
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
            asked_step: AskedStep::Whole,
            emitted: OnceCell::new(),
            rest_mistake: OnceCell::new(),
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
        self.rest_mistake();
        if self.flows().is_some() {
            for tree in self.trees.get_mut().into_iter().flat_map(|stage| &mut stage.0) {
                (tree.nodes, tree.comments) = (Vec::new(), Vec::new());
            }
            if let Some((model, _)) = self.model.get_mut() {
                *model = Model::default();
            }
        }
        self.output();
        self.emitted();
        Built(self)
    }

    /// What comes of each assertion. `None` while the program has errors.
    pub fn judgements(&self) -> Option<&[Judgement]> {
        self.asserted().map(|stage| stage.0.as_slice())
    }

    fn parsed(&self) -> &(Vec<Tree>, Vec<Diagnostic>) {
        self.trees.get_or_init(|| {
            let mut diagnostics = Vec::new();
            let mut trees = Vec::new();
            self.parse_unknown();
            for file in &self.project.files {
                let KnownProgram { tree, diagnostics: more } = self.parse(*file);
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

    /// Parses the files that no session before this one has parsed.
    fn parse_unknown(&self) {
        /// Fewer are parsed sooner than a thread has begun with them.
        const LEAST: usize = 4;
        let sources = self.sources();
        let mut known = self.known.borrow_mut();
        let unknown: Vec<FileId> =
            self.project.files.iter().filter(|file| !known.contains_key(*file)).copied().collect();
        let parsed = parallel::parts(&unknown, LEAST, |files| {
            files.iter().map(|file| (*file, KnownProgram::parsed(sources, *file))).collect::<Vec<_>>()
        });
        known.extend(parsed.into_iter().flatten());
    }

    fn parse(&self, file: FileId) -> KnownProgram {
        let known = self.known.borrow_mut().remove(&file);
        known.unwrap_or_else(|| KnownProgram::parsed(self.sources(), file))
    }

    fn resolved(&self) -> Option<&(Model, Vec<Diagnostic>)> {
        if self.project.has_errors() {
            return None;
        }
        Some(self.model.get_or_init(|| {
            let Settings { environment, target, references, .. } = self.settings.clone();
            let options = model::Options { environment, target, references };
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
        self.tried_plan().filter(|planned| !has_errors(&planned.1))
    }

    /// The same, whatever is wrong with it.
    fn tried_plan(&self) -> Option<&(PolicySet, Vec<Diagnostic>)> {
        let lowered = self.lowered()?;
        if has_errors(&lowered.1) {
            return None;
        }
        Some(self.policies.get_or_init(|| {
            let Planned { policies, diagnostics } =
                target::policies(&lowered.0, self.settings.layout, self.settings.target);
            #[cfg(test)]
            let policies = spoiled::spoil(policies);
            let mut diagnostics = diagnostics;
            diagnostics.extend(plugin::of_program(&lowered.0, &policies, self.settings.layout == Layout::Flow));
            (policies, self.asked_step.worth_saying(diagnostics))
        }))
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
            let wrong = disproof(&flows.0, output.manifests().iter().map(|file| &*file.body), Counted::Enforced);
            let diagnostics = wrong.map(|message| internal_error(format!("{message}; nothing was written")));
            (output, diagnostics.into_iter().collect())
        }))
    }
}

fn internal_error(message: String) -> Diagnostic {
    Diagnostic::about(Code::E0900, message).with_help("please report this, with the smallest program that shows it")
}

/// Why manifests do not mean what the flows say.
fn disproof<'a>(flows: &FlowSet, manifests: impl Iterator<Item = &'a str>, counted: Counted) -> Option<String> {
    let granted = match grants_of(flows, manifests, counted) {
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
