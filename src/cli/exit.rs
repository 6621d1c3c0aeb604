//! What the command answers to the shell.

use crate::diag::{Code, Report, Severity};
use std::process::ExitCode;

/// The exit codes, the same for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Yes: done, no problems, the same, allowed.
    Yes = 0,
    /// No: the program has errors, something differs, it is denied.
    No = 1,
    /// There is no answer: bad usage, files that cannot be read or written, a fact is missing, an internal error.
    CannotAnswer = 2,
}

impl Exit {
    /// The exit code that these reports ask for.
    pub(super) fn of(reports: &[Report]) -> Exit {
        let errors = reports.iter().filter(|report| report.severity == Severity::Error);
        errors.map(|report| Exit::of_code(report.diagnostic.code)).max().unwrap_or(Exit::Yes)
    }

    /// Whether an error is a finding about the program, or keeps Polder from looking at it.
    fn of_code(code: Code) -> Exit {
        match code {
            // No environment of that name: a slip on the command line, not in the program.
            Code::E0110
            | Code::E0401
            | Code::E0402
            | Code::E0403
            | Code::E0404
            | Code::E0405
            | Code::E0406
            | Code::E0407
            | Code::E0408
            | Code::E0409
            | Code::E0411
            | Code::E0412
            | Code::E0501
            | Code::E0502
            | Code::E0503
            | Code::E0504
            | Code::E0900 => Exit::CannotAnswer,
            _ => Exit::No,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
