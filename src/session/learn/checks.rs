//! Whether a program with what was learned is right.

use super::edits::{Composed, compose};
use crate::ask::{Everyone, Judgement, Outcome, Program, Says, Situation, SituationPolicies};
use crate::cover::Budget;
use crate::diag::{Levels, Severity};
use crate::diff::{self, Diff, Version};
use crate::flow::FlowSet;
use crate::replay::{Candidate, GroupKey, LearnOptions, Lessons, Replay, WhyNotLearned};
use crate::session::{Session, Subject};
use std::collections::BTreeSet;

/// What programs with some of the flows are tried for.
pub(super) struct Trial<'t> {
    subject: &'t Subject,
    session: &'t Session,
    lessons: &'t Lessons,
    replay: &'t Replay<'t>,
    environments: &'t [(&'t str, Candidate<'t>)],
    options: &'t LearnOptions,
    /// The assertions that do not hold without anything learned.
    broken: BTreeSet<String>,
    /// How many errors there are without anything learned, warnings that are errors among them.
    errors: usize,
}

/// Why a program with some flows is not right.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It is the work of these flows.
    Flows(Vec<usize>, WhyNotLearned),
    /// It is the work of some flow.
    Program(WhyNotLearned),
    /// Nobody can tell.
    GivenUp(String),
}

impl<'t> Trial<'t> {
    pub(super) fn new(
        subject: &'t Subject,
        session: &'t Session,
        lessons: &'t Lessons,
        replay: &'t Replay<'t>,
        (environments, options): (&'t [(&'t str, Candidate<'t>)], &'t LearnOptions),
    ) -> Trial<'t> {
        let (broken, errors) = (broken(session), errors(session));
        Trial { subject, session, lessons, replay, environments, options, broken, errors }
    }

    /// The program with some of the flows, if it is right.
    pub(super) fn check(&self, flows: &[usize]) -> Result<Composed, Unfit> {
        let composed = compose(self.session, self.lessons, flows).map_err(wrong)?;
        let new = self.compiled(&composed)?;
        let candidate = self.subject.candidate_by(&new).ok_or_else(not_sound)?;
        self.is_allowed(&candidate, flows)?;
        self.is_all_that_differs(&new, &composed, flows)?;
        let again = self.replay.lessons(&candidate, self.environments, self.options);
        match again.is_some_and(|again| again.flows.len() + flows.len() > self.lessons.flows.len()) {
            true => Err(Unfit::GivenUp(
                "learning again would add something more; please report this with the log and the program".to_owned(),
            )),
            false => Ok(composed),
        }
    }

    /// The program with what was put together, without errors and with all assertions that held.
    fn compiled(&self, composed: &Composed) -> Result<Session, Unfit> {
        let new = self.session.with_texts(composed.texts.clone());
        if new.proved_policies().is_none() {
            let mistake = new.mistakes().next().map(|found| found.message.clone());
            return Err(wrong(mistake.unwrap_or_else(|| "no policies can be made of it".to_owned())));
        }
        if let Some(assertion) = broken(&new).difference(&self.broken).next() {
            return Err(wrong(format!("it breaks `{assertion}`")));
        }
        match errors(&new) > self.errors {
            true => Err(wrong("it is an error, as polder.toml has it".to_owned())),
            false => Ok(new),
        }
    }

    /// Every connection that was learned is let through.
    fn is_allowed(&self, candidate: &Candidate<'_>, flows: &[usize]) -> Result<(), Unfit> {
        let groups = |flow: usize| -> Vec<GroupKey> {
            let rows = self.lessons.flows.get(flow).into_iter().flat_map(|flow| &flow.rows);
            let rows = rows.filter_map(|row| self.lessons.report.rows.get(*row));
            rows.flat_map(|row| row.groups.iter().cloned()).collect()
        };
        let each: Vec<Vec<GroupKey>> = flows.iter().map(|flow| groups(*flow)).collect();
        let mut says = self.replay.says(candidate, &each.concat()).into_iter();
        let mut denied = Vec::new();
        for (flow, groups) in flows.iter().zip(&each) {
            let of_flow: Vec<_> = says.by_ref().take(groups.len()).collect();
            if of_flow.iter().any(|says| *says != Some(Says::Allowed)) {
                denied.push(*flow);
            }
        }
        match denied.is_empty() {
            true => Ok(()),
            false => Err(Unfit::Flows(denied, WhyNotLearned::NoName)),
        }
    }

    /// The new flows are all that differs from the program before.
    fn is_all_that_differs(&self, new: &Session, composed: &Composed, flows: &[usize]) -> Result<(), Unfit> {
        const WIDER: &str = "more would be opened than by the flow itself";
        let diff = self.diff(new)?;
        let went = diff.connections.iter().any(|change| !change.removed.is_denied());
        if !diff.isolation.is_empty() || went {
            return Err(wrong("it would close or isolate something".to_owned()));
        }
        let known: BTreeSet<&str> = composed.statements.iter().map(|statement| statement.text.as_str()).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for origin in diff.connections.iter().flat_map(|change| &change.new_origins) {
            match known.get(origin.text.as_str()) {
                Some(text) => _ = seen.insert(text),
                None => return Err(wrong(format!("{WIDER}: by `{}`", origin.text))),
            }
        }
        let all = flows.iter().zip(&composed.statements);
        let idle: Vec<usize> =
            all.filter(|(_, one)| !seen.contains(one.text.as_str())).map(|(flow, _)| *flow).collect();
        match idle.is_empty() {
            true => Ok(()),
            false => Err(Unfit::Flows(idle, WhyNotLearned::Wrong("the others allow it already".to_owned()))),
        }
    }

    fn diff(&self, new: &Session) -> Result<Diff, Unfit> {
        let policies = |session: &'_ Session| session.proved_policies().map(|set| set.policies.clone());
        let (Some(before), Some(after)) = (policies(self.session), policies(new)) else { return Err(not_sound()) };
        let programs: Vec<&FlowSet> = [self.session, new].into_iter().filter_map(Session::flows).collect();
        let program = |session| Some(Program { model: Session::model(session)?, flows: Session::flows(session)? });
        let old = Version { policies: &before, policy_spans: &[], program: program(self.session) };
        let new = Version { policies: &after, policy_spans: &[], program: program(new) };
        let policies = [old.policies, new.policies];
        let (facts, cluster) = (self.subject.facts(), &self.subject.manifests().cluster);
        let everyone = Everyone::new(&programs, &policies, &cluster.namespaces, &[], facts);
        let compared = diff::compare_everyone(&everyone, &old, &new, false, &mut Budget::of_question());
        let gave_up = || {
            Unfit::GivenUp(
                "gave up on comparing, in very many steps, the program before and after for all pods that could exist; \
                 `--workloads PATH` compares for those that there are"
                    .to_owned(),
            )
        };
        compared.or_else(|_| match self.subject.cluster() {
            None => Err(gave_up()),
            Some(cluster) => {
                let situation =
                    Situation::of_cluster(&programs, cluster, SituationPolicies::of_namespaces(&policies), &[], facts);
                Ok(diff::compare(&situation, &old, &new))
            }
        })
    }

    /// The flow that makes a program wrong: the last of the fewest from the start that do.
    pub(super) fn culprit(&self, flows: &[usize]) -> usize {
        let is_right = |count: usize| {
            let some = flows.get(..count).unwrap_or_default();
            some.is_empty() || !matches!(self.check(some), Err(Unfit::Program(_)))
        };
        let (mut right, mut wrong) = (0, flows.len());
        while wrong - right > 1 {
            let middle = right + (wrong - right) / 2;
            if is_right(middle) { right = middle } else { wrong = middle }
        }
        flows.get(right).copied().unwrap_or_default()
    }
}

fn wrong(why: String) -> Unfit {
    Unfit::Program(WhyNotLearned::Wrong(why))
}

fn not_sound() -> Unfit {
    wrong("no policies can be made of it".to_owned())
}

/// The assertions that do not hold.
fn broken(session: &Session) -> BTreeSet<String> {
    let is_broken = |judged: &&Judgement| !matches!(judged.outcome, Outcome::Holds);
    let judged = session.judgements().into_iter().flatten().filter(is_broken);
    let statement = |judged: &Judgement| Some(session.flows()?.statement(judged.statement)?.text.to_string());
    judged.filter_map(statement).collect()
}

/// How many errors there are, warnings that are errors among them.
fn errors(session: &Session) -> usize {
    let mut levels = Levels::default();
    for (code, level) in &session.project().config.levels {
        // They were checked when the configuration was read.
        let _ = levels.set(code, *level);
    }
    session.findings(&levels).iter().filter(|report| report.severity == Severity::Error).count()
}
