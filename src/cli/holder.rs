//! Whose policies an output folder holds.

use crate::output::{self, ChangeKind, Plan};
use crate::session::{Built, Output, Session};
use std::collections::{BTreeMap, BTreeSet};

/// The environment, or none as the inner `None`, whose policies a folder holds rather than those of the one that was built.
///
/// A folder does not say for whom it was written, so what is in it is held against what the program is for each
/// environment: the files that only one of them explains decide.
pub(super) fn other_holder(
    built: &Built,
    environments: &BTreeSet<String>,
    output: &Output,
    plan: &Plan,
) -> Option<Option<String>> {
    let settings = built.settings();
    let is_replaced = plan.changes.iter().any(|change| change.change != ChangeKind::Create);
    if environments.is_empty() || !is_replaced {
        return None;
    }
    let all = environments.iter().map(|name| Some(name.as_str())).chain([None]);
    let others = all.filter(|name| *name != settings.environment.as_deref());
    let mut session = Session::new(built.project().clone(), settings.clone());
    let mut best: Option<(usize, Option<String>)> = None;
    for name in others {
        session = session.in_environment(name);
        let Some(other) = session.files_of_build() else { continue };
        let votes = votes(plan, output, &other);
        if votes > best.as_ref().map_or(0, |(most, _)| *most) {
            best = Some((votes, name.map(str::to_owned)));
        }
    }
    best.map(|(_, name)| name)
}

/// How many more files of a folder are explained by `other` alone than by `own` alone.
fn votes(plan: &Plan, own: &Output, other: &Output) -> usize {
    let bodies: BTreeMap<&str, &str> = other.files().iter().map(|file| (&*file.path, &*file.body)).collect();
    let changed: BTreeSet<&str> = plan.changes.iter().map(|change| &*change.path).collect();
    let is_other = |path: &str, old: &[u8]| bodies.get(path).is_some_and(|body| output::seal(body).as_bytes() == old);
    let for_other =
        plan.changes.iter().filter(|change| change.old.as_deref().is_some_and(|old| is_other(&change.path, old)));
    let unchanged = own.files().iter().filter(|file| !changed.contains(&*file.path));
    let for_own = unchanged.filter(|file| bodies.get(&*file.path) != Some(&&*file.body));
    for_other.count().saturating_sub(for_own.count())
}
