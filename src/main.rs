//! The polder command.

use std::process::ExitCode;

fn main() -> ExitCode {
    polder::cli::main()
}
