//! `polder check`: everything up to the policies, nothing written.

use super::args::Check;
use super::exit::Exit;
use super::open::{Opened, open};
use super::report::{Stream, count, show, tally};
use super::terminal::Terminal;

pub(super) fn run(args: &Check, terminal: &mut Terminal) -> Exit {
    let Opened { session, levels, .. } = match open(&args.input, None, false) {
        Ok(opened) => opened,
        Err(message) => return terminal.refuse(&message),
    };
    let reports = session.reports(&levels);
    let format = args.input.format;
    if format.is_for_machines() {
        show(&reports, session.sources(), format, Stream::Out, terminal);
        return Exit::of(&reports);
    }
    show(&reports, session.sources(), format, Stream::Err, terminal);
    let files = count(session.project().file_count, "file");
    let policies = session.policies().map(|set| format!(" ({})", count(set.policies.len(), "policy")));
    let exit = Exit::of(&reports);
    if exit != Exit::CannotAnswer {
        terminal.line(&format!("{} in {files}{}", tally(&reports), policies.unwrap_or_default()));
    }
    exit
}
