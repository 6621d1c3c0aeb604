//! A step of a roll-out: what of a program is enforced, to be asked about and to be written.

use super::{Session, disproof, internal_error, is_error};
use crate::diag::{Code, Diagnostic};
use crate::flow::FlowSet;
use crate::k8s::StagedKind;
use crate::lint;
use crate::model::{Cni, CniVersion};
use crate::netpol::{Policy, PolicySet};
use crate::session::rollout::{EnforceList, RolloutStep, UnenforcedRest};
use crate::target;
use crate::target::network_policy::{Counted, Output};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// The first version of Calico that has staged policies in its open source.
const FIRST_STAGED: CniVersion = CniVersion(3, 30);

/// Which program the flows of a session are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AskedStep {
    /// The whole one.
    Whole,
    /// That of a step.
    Step(RolloutStep),
}

impl AskedStep {
    /// What is to be said of policies: that flows add nothing is so of the whole program or not at all.
    pub(super) fn worth_saying(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        match self {
            AskedStep::Whole => diagnostics,
            AskedStep::Step(_) => diagnostics.into_iter().filter(is_error).collect(),
        }
    }
}

/// What a build writes of a step.
#[derive(Debug)]
pub(super) struct Emitted {
    step: RolloutStep,
    policies: PolicySet,
    staged: Option<(StagedKind, Vec<Policy>)>,
    output: Output,
    /// Why the files do not mean what the step says.
    wrong: Option<Diagnostic>,
}

impl Emitted {
    /// The step.
    pub(super) fn step(&self) -> &RolloutStep {
        &self.step
    }

    /// What is enforced.
    pub(super) fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// What is only looked at, and by whom.
    pub(super) fn staged(&self) -> Option<(StagedKind, &[Policy])> {
        self.staged.as_ref().map(|(kind, policies)| (*kind, policies.as_slice()))
    }

    /// The files; `None` when they could not be proved to mean what the step says.
    pub(super) fn output(&self) -> Option<&Output> {
        self.wrong.is_none().then_some(&self.output)
    }
}

impl Session {
    /// The session as if the program isolated no more than what its settings enforce: for questions about a step of a
    /// roll-out.
    pub fn at_step(self) -> Session {
        let Some(list) = self.settings.enforce.clone() else { return self };
        let Some((flows, found)) = self.lowered() else { return self };
        let (mut step, mut found) = (flows.clone(), found.clone());
        let (sides, wrong) = list.resolve(flows);
        step.enforce_only(&sides);
        let told = RolloutStep::new(&list, flows, &step);
        if let Some(model) = self.model() {
            found = lint::dns(model, &step);
        }
        found.extend(self.that_count(&list, wrong));
        Session {
            flows: OnceCell::from((step, found)),
            policies: OnceCell::new(),
            disproof: OnceCell::new(),
            asserted: OnceCell::new(),
            output: OnceCell::new(),
            asked_step: AskedStep::Step(told),
            ..self
        }
    }

    /// The step that the answers of this session are about; `None` when they are about the whole program.
    pub fn step(&self) -> Option<&RolloutStep> {
        match &self.asked_step {
            AskedStep::Whole => None,
            AskedStep::Step(step) => Some(step).filter(|step| !step.is_done()),
        }
    }

    /// The step that `polder.toml` enforces of a program that is asked about as a whole; `None` when that is all of it.
    pub fn enforced_so_far(&self) -> Option<RolloutStep> {
        match &self.asked_step {
            AskedStep::Whole => RolloutStep::configured(&self.project.config, self.flows()?),
            AskedStep::Step(_) => None,
        }
    }

    /// The files for this environment, without any proof: what a build of it would have written.
    pub fn files_of_build(&self) -> Option<Output> {
        let (layout, kustomize) = (self.settings.layout, self.settings.kustomize);
        match &self.settings.enforce {
            None => Some(Output::new(self.policies()?, layout, kustomize)),
            Some(list) => {
                let (_, policies) = self.policies_of(list, self.flows()?)?;
                let staged = self.staged_beside(&policies)?;
                Some(self.files_of(&policies, staged.as_ref()))
            }
        }
    }

    /// What is wrong with lists of what is enforced: with that of `polder.toml` even where another one counts.
    pub(super) fn rollout_mistakes(&self) -> Vec<Diagnostic> {
        if self.asked_step != AskedStep::Whole {
            return Vec::new();
        }
        let Some(flows) = self.flows() else { return Vec::new() };
        let configured = EnforceList::of(&self.project.config);
        let own = self.settings.enforce.clone().filter(|list| !list.is_configured);
        let lists = configured.into_iter().chain(own);
        let of_lists = lists.flat_map(|list| self.that_count(&list, list.resolve(flows).1));
        of_lists.chain(self.rest_mistake().cloned()).collect()
    }

    /// What is wrong with a list for this program, which is asked about as a whole.
    pub fn mistakes_of(&self, list: &EnforceList) -> Vec<Diagnostic> {
        self.flows().map(|flows| self.that_count(list, list.resolve(flows).1)).unwrap_or_default()
    }

    /// Of what is wrong with a list: `polder.toml` is about the whole program, of which not all may have been read.
    fn that_count(&self, list: &EnforceList, wrong: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if list.is_configured && self.project.partial { Vec::new() } else { wrong }
    }

    /// Why what a build would write of a step must not be written.
    pub(super) fn disproof_of_emitted(&self) -> Option<&Diagnostic> {
        self.emitted.get()?.as_ref()?.wrong.as_ref()
    }

    /// What a build writes of the step, proved against it; `None` without one, and while anything is wrong.
    pub(super) fn emitted(&self) -> Option<&Emitted> {
        let list = self.settings.enforce.as_ref().filter(|_| self.asked_step == AskedStep::Whole)?;
        let emitted = self.emitted.get_or_init(|| {
            let flows = self.flows().filter(|_| self.policies().is_some() && self.rest_mistake().is_none())?;
            let (cut, policies) = self.policies_of(list, flows)?;
            let staged = self.staged_beside(&policies)?;
            let output = self.files_of(&policies, staged.as_ref());
            let manifests = || output.manifests().iter().map(|file| &*file.body);
            let wrong = disproof(&cut, manifests(), Counted::Enforced);
            // Together they are the whole program: what is looked at is what would come.
            let as_whole = || disproof(flows, manifests(), Counted::WithStaged);
            let wrong = wrong.or_else(|| staged.as_ref().and_then(|_| as_whole()));
            let wrong = wrong.map(|message| internal_error(format!("{message}; nothing was written")));
            Some(Emitted { step: RolloutStep::new(list, flows, &cut), policies, staged, output, wrong })
        });
        emitted.as_ref()
    }

    /// The program of a step with its policies; `None` when the list names what is not there.
    fn policies_of(&self, list: &EnforceList, flows: &FlowSet) -> Option<(FlowSet, PolicySet)> {
        let (sides, wrong) = list.resolve(flows);
        if !self.that_count(list, wrong).is_empty() {
            return None;
        }
        let mut cut = flows.clone();
        cut.enforce_only(&sides);
        let planned = target::policies(&cut, self.settings.layout, self.settings.target);
        (!planned.diagnostics.iter().any(is_error)).then_some((cut, planned.policies))
    }

    /// The policies of the whole program that are not among the enforced ones, where they are staged. `None` while anything is
    /// wrong.
    #[expect(clippy::option_option, reason = "the outer level is for a program with errors")]
    fn staged_beside(&self, enforced: &PolicySet) -> Option<Option<(StagedKind, Vec<Policy>)>> {
        let UnenforcedRest::Staged(kind) = self.settings.rest else { return Some(None) };
        let key = |policy: &Policy| (policy.namespace.clone(), policy.name.clone(), policy.kind);
        let known: BTreeMap<_, &Policy> = enforced.policies.iter().map(|policy| (key(policy), policy)).collect();
        let whole = self.policies()?.policies.iter();
        let others = whole.filter(|policy| known.get(&key(policy)) != Some(policy)).cloned().collect();
        Some(Some((kind, others)))
    }

    fn files_of(&self, enforced: &PolicySet, staged: Option<&(StagedKind, Vec<Policy>)>) -> Output {
        let (layout, kustomize) = (self.settings.layout, self.settings.kustomize);
        match staged {
            None => Output::new(enforced, layout, kustomize),
            Some((kind, staged)) => Output::with_staged(enforced, staged, *kind, layout, kustomize),
        }
    }

    /// Why the cluster of the program cannot take what the rest shall be.
    pub(super) fn rest_mistake(&self) -> Option<&Diagnostic> {
        let mistake = self.rest_mistake.get_or_init(|| {
            let UnenforcedRest::Staged(StagedKind::Calico) = self.settings.rest else { return None };
            let platform = &self.model()?.platform;
            let help = "leave `rest` out; `polder replay LOG` says what a step would drop without any staged policy";
            let message = match platform.cni {
                Cni::Any => return None,
                Cni::Calico | Cni::Canal if platform.cni_version.is_none_or(|version| version >= FIRST_STAGED) => {
                    return None;
                }
                Cni::Calico | Cni::Canal => format!(
                    "Calico has staged policies from {FIRST_STAGED} on, and the program is for an older `{}`",
                    platform.cni.name()
                ),
                other => format!("staged policies of Calico need Calico, and the program is for `{}`", other.name()),
            };
            let config = &self.project.config;
            let place = config.entries.get("rollout.rest").filter(|_| config.rollout.rest == Some(self.settings.rest));
            let diagnostic = match place {
                Some(at) => Diagnostic::new(Code::E0403, *at, message),
                None => Diagnostic::about(Code::E0411, message),
            };
            Some(diagnostic.with_help(help))
        });
        mistake.as_ref()
    }
}
