//! What a log teaches, put into the texts of a program, and held against them before anybody sees it.
//!
//! The new program has no error that the old one has not, allows every connection that it was made for, differs from the old
//! one by the new flows alone, and learns nothing more from the same log. What would spoil that is left out, with the reason.

mod blocks;
mod checks;
mod edits;
mod evidence;
mod fresh;

pub use edits::LearnedStatement;
pub use evidence::told as told_wider;
pub use fresh::fresh_program;

use super::stages::Session;
use super::subject::Subject;
use crate::ask::Program;
use crate::replay::{Candidate, LearnOptions, Lessons, Replay, WhyNotLearned};
use blocks::ProgramText;
use checks::{Trial, Unfit};
use edits::Composed;
use std::path::PathBuf;

/// What a log teaches of a program, as its new text.
pub struct LearnedProgram {
    /// What there is to learn; some of it may have been left out.
    pub lessons: Lessons,
    /// The flows that are added, by their places in the lessons, with their statements.
    pub added: Vec<(usize, LearnedStatement)>,
    /// The rows of which nothing is learned, with the reason, by their places in the report.
    pub left: Vec<(usize, WhyNotLearned)>,
    /// The files that change.
    pub files: Vec<LearnedFile>,
}

/// A file of the program that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedFile {
    /// Where it was read from; `None` is standard input.
    pub path: Option<PathBuf>,
    /// The path as it is shown.
    pub name: String,
    /// The text before.
    pub before: String,
    /// The text afterwards.
    pub after: String,
}

impl Subject {
    /// What a log teaches of the program. The error is a sentence: what was found cannot be shown to be right.
    pub fn learn(&self, replay: &Replay<'_>, options: &LearnOptions) -> Result<LearnedProgram, String> {
        const NO_PROGRAM: &str = "there is no program to learn for";
        let session = self.session().ok_or(NO_PROGRAM)?;
        let options = &LearnOptions { files: session.project().files.iter().copied().collect(), ..options.clone() };
        let options = &ProgramText { session }.styled(options);
        let others = self.other_environments(session);
        let environments: Vec<(&str, Candidate<'_>)> =
            others.iter().filter_map(|(name, one)| Some((name.as_str(), self.candidate_by(one)?))).collect();
        let lessons = replay.lessons(&self.candidate(), &environments, options).ok_or(NO_PROGRAM)?;
        let trial = Trial::new(self, session, &lessons, replay, (&environments, options));
        let mut flows: Vec<usize> = (0..lessons.flows.len()).collect();
        let mut left = lessons.left.clone();
        let composed = loop {
            if flows.is_empty() {
                break Composed::default();
            }
            let (out, why) = match trial.check(&flows) {
                Ok(composed) => break composed,
                Err(Unfit::Flows(some, why)) => (some, why),
                Err(Unfit::Program(why)) => (vec![trial.culprit(&flows)], why),
                Err(Unfit::GivenUp(why)) => return Err(why),
            };
            // Each turn takes one away, so that this ends.
            if out.is_empty() {
                return Err(
                    "what was learned does not add up; please report this with the log and the program".to_owned()
                );
            }
            flows.retain(|flow| !out.contains(flow));
            let rows = out.iter().filter_map(|flow| lessons.flows.get(*flow)).flat_map(|flow| &flow.rows);
            left.extend(rows.map(|row| (*row, why.clone())));
        };
        left.sort_by_key(|(row, _)| *row);
        let files = composed.texts.iter().filter_map(|(id, after)| {
            let file = session.sources().file(*id)?;
            let place = session.project().files.iter().position(|one| one == id)?;
            let path = session.project().paths.get(place)?.clone();
            Some(LearnedFile { path, name: file.path.clone(), before: file.text.clone(), after: after.clone() })
        });
        let files = files.collect();
        let added = flows.into_iter().zip(composed.statements).collect();
        Ok(LearnedProgram { files, added, left, lessons })
    }

    /// The program in the environments in which it is not asked about, and without one where it is asked about in one.
    fn other_environments(&self, session: &Session) -> Vec<(String, Session)> {
        let own = session.settings().environment.as_deref();
        let others = session.environments().iter().filter(|name| Some(name.as_str()) != own);
        let named = others.map(|name| (name.clone(), session.with_texts([]).in_environment(Some(name))));
        // What is so without one comes first, and has no name.
        let without = own.map(|_| (String::new(), session.with_texts([]).in_environment(None)));
        without.into_iter().chain(named).collect()
    }

    /// Another program as what this log is held against.
    fn candidate_by<'s>(&'s self, session: &'s Session) -> Option<Candidate<'s>> {
        let policies = session.proved_policies()?.policies.as_slice();
        let program = Some(Program { model: session.model()?, flows: session.flows()? });
        Some(Candidate { policies, program, ..self.candidate() })
    }
}
