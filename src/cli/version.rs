//! `polder version`.

use super::args::{Version, VersionFormat};
use super::exit::Exit;
use super::terminal::Terminal;

pub(super) fn run(args: &Version, terminal: &mut Terminal) -> Exit {
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
