//! What there is to say about a program, of all its stages together.

use super::{Session, has_errors, is_error};
use crate::diag::{self, Code, Diagnostic, Levels, Report};
use crate::lint;
use crate::session::manifests::Manifests;
use crate::source::Sources;

impl Session {
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
        all.extend(self.tried_plan().into_iter().flat_map(|stage| &stage.1).cloned());
        all.extend(self.asserted().into_iter().flat_map(|stage| &stage.1).cloned());
        all.extend(self.rollout_mistakes());
        all.extend(self.disproof_of_emitted().cloned());
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
}
