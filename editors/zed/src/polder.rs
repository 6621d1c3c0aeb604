//! Tells Zed how to start the language server.

use zed_extension_api::{self as zed, LanguageServerId, Result, settings::LspSettings};

struct Polder;

impl zed::Extension for Polder {
    fn new() -> Self {
        Polder
    }

    fn language_server_command(&mut self, server: &LanguageServerId, worktree: &zed::Worktree) -> Result<zed::Command> {
        let settings = LspSettings::for_worktree(server.as_ref(), worktree).ok();
        let binary = settings.and_then(|settings| settings.binary);
        let configured = binary.as_ref().and_then(|binary| binary.path.clone());
        let arguments = binary.and_then(|binary| binary.arguments);
        let command = configured
            .or_else(|| worktree.which("polder"))
            .ok_or("`polder` is not on the path; install it, or set `lsp.polder.binary.path`")?;
        Ok(zed::Command {
            command,
            args: arguments.unwrap_or_else(|| vec!["lsp".to_owned()]),
            env: worktree.shell_env(),
        })
    }
}

zed::register_extension!(Polder);
