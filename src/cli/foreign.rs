//! What somebody else put among the policies that Polder writes.

use super::report::count;
use crate::output::{self, BuildOptions, Plan};
use crate::session::{Project, shell_word, shown};
use std::path::Path;

/// What there is to say of a folder, named `name`, of the program `project` as it can be named to a command: whoever
/// applies it applies those files, too.
pub(super) fn note(plan: &Plan, name: &str, project: &str) -> Option<String> {
    let first = plan.foreign.first()?;
    let more = match plan.foreign.len() {
        1 => String::new(),
        all => format!(" and {}", count(all - 1, "more file")),
    };
    Some(format!(
        "note: somebody else wrote `{name}/{first}`{more}, and policies add up; `polder diff {project} {}` says what that opens",
        shell_word(name)
    ))
}

/// The same for the folder that a project is built into, without a build. Nothing where it cannot be looked at: a build
/// says why.
pub(super) fn in_output_of(project: &Project, environment: Option<&str>, folder: &Path) -> Option<String> {
    let root = project.root.as_ref().filter(|_| !project.partial)?;
    let output = project.output_folder(environment);
    let options = BuildOptions { force: true, allow_empty: true, ..BuildOptions::default() };
    let plan = output::plan(&output, &[], &options).ok()?;
    note(&plan, &shown(&output, folder), &shell_word(&shown(root, folder)))
}
