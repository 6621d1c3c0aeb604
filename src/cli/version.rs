//! `polder version`.

use super::exit::Exit;
use super::terminal::Terminal;

/// Print the version.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder version
  polder version --format json")]
pub(super) struct VersionArgs {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: VersionFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum VersionFormat {
    /// One line
    Text,
    /// JSON
    Json,
}

pub(super) fn run(args: &VersionArgs, terminal: &mut Terminal) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    match args.format {
        VersionFormat::Text => terminal.result(&format!("polder {version}\n")),
        VersionFormat::Json => {
            let value = serde_json::json!({
                "schema": "polder/version/v1",
                "version": version,
                "target": "networking.k8s.io/v1 NetworkPolicy",
            });
            terminal.result(&format!("{value:#}\n"));
        }
    }
    Exit::Yes
}
