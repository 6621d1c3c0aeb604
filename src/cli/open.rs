//! From the command line to a session: what `build` and `check` have in common.

use super::args::ProgramInput;
use super::build_choice::BuildChoice;
use super::terminal::Terminal;
use crate::diag::Levels;
use crate::k8s::StagedKind;
use crate::session::{Disk, EnforceChoice, EnforceList, Project, Session, Settings, Target, UnenforcedRest};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A session and what the command line says about its warnings.
pub(super) struct OpenedSession {
    /// The session.
    pub session: Session,
    /// The levels of warnings.
    pub levels: Levels,
    /// The folder that the command was given in.
    pub folder: PathBuf,
}

/// What becomes of what the target `calico-staged` does not enforce: of all, unless something is listed.
const STAGED: UnenforcedRest = UnenforcedRest::Staged(StagedKind::Calico);

/// Reads the program. The command line goes before `polder.toml`, and that before the defaults. The error is a slip on
/// the command line, in words.
pub(super) fn open(
    input: &ProgramInput,
    choice_of_build: BuildChoice,
    enforce: (&EnforceChoice, Option<UnenforcedRest>),
    terminal: &Terminal,
) -> Result<OpenedSession, String> {
    input.warnings.levels()?;
    let (project, folder) = load(input, terminal)?;
    let mut levels = Levels::default();
    for (code, level) in &project.config.levels {
        levels.set(code, *level)?;
    }
    input.warnings.set(&mut levels)?;
    let (choice, rest) = enforce;
    let list = choice.of(&project.config);
    if list.is_none() && rest.is_some_and(|rest| rest != UnenforcedRest::None) {
        return Err("`--rest` is about what is not enforced, and everything is; `--enforce none` enforces nothing yet"
            .to_owned());
    }
    let BuildChoice { layout, target, kustomize } = choice_of_build;
    let target = target.or(project.config.target).unwrap_or_default();
    let rest = rest.or(project.config.rollout.rest);
    let (list, rest) = match target {
        Target::CalicoStaged => (list.or(Some(EnforceList::default())), rest.or(Some(STAGED))),
        Target::NetworkPolicy | Target::Cilium => (list, rest),
    };
    let settings = Settings {
        environment: input.environment.choice().of(&project.config),
        layout: layout.or(project.config.layout).unwrap_or_default(),
        target,
        kustomize: kustomize || project.config.kustomize.unwrap_or_default(),
        references: false,
        enforce: list,
        rest: rest.unwrap_or_default(),
    };
    Ok(OpenedSession { session: Session::new(project, settings), levels, folder })
}

/// The folders and files that a change can come from.
pub(super) fn places(input: &ProgramInput, terminal: &Terminal) -> Result<Vec<PathBuf>, String> {
    let (project, _) = load(input, terminal)?;
    let places: BTreeSet<PathBuf> = project.places.into_iter().chain(project.root).collect();
    Ok(places.into_iter().collect())
}

fn load(input: &ProgramInput, terminal: &Terminal) -> Result<(Project, PathBuf), String> {
    let folder = terminal.folder()?;
    Ok((Project::load(&Disk, &folder, &input.named()), folder))
}
