//! Who may connect to whom, for all that lists or draws it.

use super::{Asking, Subject};
use crate::ask::{Asked, Between, Beyond, Detail, Only, Reach, Situation, Summary, Untold, beyond};
use crate::cover::Budget;
use crate::engine::Engine;

/// How much a summary tells.
#[derive(Debug, Clone, Copy)]
pub struct SummaryScope {
    /// Of each two.
    pub detail: Detail,
    /// Whether pods are left out that only address blocks may let through, which one remark tells.
    pub without_doubtful_blocks: bool,
}

impl Subject {
    /// What is allowed between the ends that are asked for, among the workloads that were given or among all pods that could
    /// exist. What is wrong with the question is a sentence.
    pub fn summary(
        &self,
        asking: &Asking,
        scope: SummaryScope,
        budget: &mut Budget,
    ) -> Result<Summary, Untold<String>> {
        let asked: Vec<Asked> = asking.from.iter().chain(&asking.to).cloned().collect();
        match self.situation(&asked) {
            Some(situation) => self.among_workloads(situation, asking, scope),
            None => self.among_everybody(&asked, asking, scope.detail, budget),
        }
    }

    /// The policies at work in the world of a summary.
    pub fn engine_of<'a>(&'a self, summary: &'a Summary, scope: SummaryScope) -> Engine<'a> {
        self.engine_in(&summary.situation, scope)
    }

    fn engine_in<'a>(&'a self, situation: &'a Situation, scope: SummaryScope) -> Engine<'a> {
        let engine = self.engine(&situation.world, self.policies());
        if scope.without_doubtful_blocks { engine.without_doubtful_blocks() } else { engine }
    }

    fn among_workloads(
        &self,
        situation: Situation,
        asking: &Asking,
        scope: SummaryScope,
    ) -> Result<Summary, Untold<String>> {
        let only = |asked: &Option<Asked>| -> Result<Option<Only>, Untold<String>> {
            let found = |asked: &Asked| {
                let ends = self.find(&situation, asked).map_err(Untold::Wrong)?;
                Ok(Only { text: asked.to_string(), ends })
            };
            asked.as_ref().map(found).transpose()
        };
        let engine = self.engine_in(&situation, scope);
        let (from, to) = (only(&asking.from)?, only(&asking.to)?);
        let ports = |end| asking.ports.as_ref().map(|asked| self.ports_at(&situation, asked, asking.to.as_ref(), end));
        let mut reach = Reach::new(&engine, &situation, [from.as_ref(), to.as_ref()], scope.detail, ports)?;
        reach.left_out = engine.has_left_out();
        let given_up = engine.has_given_up() && reach.cells.iter().any(|cell| !cell.unknown.is_empty());
        let beyond = if self.may_lack_pods() { self.beyond(&engine, &situation, asking)? } else { Vec::new() };
        Ok(Summary { reach, beyond, given_up, situation })
    }

    /// What is allowed beyond the workloads that were given.
    fn beyond(
        &self,
        engine: &Engine<'_>,
        situation: &Situation,
        asking: &Asking,
    ) -> Result<Vec<Beyond>, Untold<String>> {
        // Whoever asks about all of them means those, too, that were not given.
        let named = |asked: &&Asked| !matches!(asked.name(), Some("anywhere" | "cluster"));
        let find = |asked: &Option<Asked>| {
            asked.as_ref().filter(named).map(|asked| self.find(situation, asked)).transpose().map_err(Untold::Wrong)
        };
        let (from, to) = (find(&asking.from)?, find(&asking.to)?);
        Ok(beyond(engine, [from.as_deref(), to.as_deref()], &mut Budget::of_question())?)
    }

    fn among_everybody(
        &self,
        asked: &[Asked],
        asking: &Asking,
        detail: Detail,
        budget: &mut Budget,
    ) -> Result<Summary, Untold<String>> {
        let everyone = self.everyone(asked);
        asked.iter().try_for_each(|one| self.find_among(&everyone, one).map(|_| ())).map_err(Untold::Wrong)?;
        let grants = everyone.grants(self.policies());
        let between = Between { from: asking.from.as_ref(), to: asking.to.as_ref(), detail };
        let mut ports = |at: &[_], budget: &mut Budget| match (&asking.to, &asking.ports) {
            (Some(to), Some(ports)) => self.ports_among(&everyone, to, at, ports, budget).map(Some),
            _ => Ok(None),
        };
        everyone.reach(&grants, between, &mut ports, budget)
    }
}
