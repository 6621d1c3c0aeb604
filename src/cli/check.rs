//! `polder check`: everything up to the policies, nothing written.

use super::args::{Check, named};
use super::exit::Exit;
use super::open::{Opened, open};
use super::report::{Stream, count, show, tally};
use super::terminal::Terminal;
use crate::session::{Disk, Manifests};
use std::path::PathBuf;

pub(super) fn run(args: &Check, terminal: &mut Terminal) -> Exit {
    let from_input = |paths: &[PathBuf]| paths.iter().any(|path| path.as_os_str() == "-");
    if from_input(&args.workloads) && from_input(&args.input.paths) {
        return terminal.refuse("the program and the workloads cannot both come from standard input");
    }
    let Opened { mut session, levels, folder } = match open(&args.input, None, false) {
        Ok(opened) => opened,
        Err(message) => return terminal.refuse(&message),
    };
    let running = (!args.workloads.is_empty())
        .then(|| Manifests::load_beside(session.sources().clone(), &Disk, &folder, &named(&args.workloads), "default"));
    let reports = match &running {
        Some(running) => session.reports_with(&levels, running),
        None => {
            session.build();
            session.reports(&levels)
        }
    };
    let sources = running.as_ref().map_or(session.sources(), |running| &running.sources);
    let format = args.input.format;
    if format.is_for_machines() {
        show(&reports, sources, format, Stream::Out, terminal);
        return Exit::of(&reports);
    }
    show(&reports, sources, format, Stream::Err, terminal);
    let files = count(session.project().file_count, "file");
    let policies = session.policies().map(|set| format!(" ({})", count(set.policies.len(), "policy")));
    let exit = Exit::of(&reports);
    if exit != Exit::CannotAnswer {
        terminal.line(&format!("{} in {files}{}", tally(&reports), policies.unwrap_or_default()));
    }
    exit
}
