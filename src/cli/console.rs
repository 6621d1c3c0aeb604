//! Command lines of a page in a browser: questions over files that are given, and what they print.

use super::args::{Cli, Command};
use super::document::MachineDocument;
use super::exit::Exit;
use super::terminal::{Terminal, Workplace};
use super::{blast, can, diff, explain, graph, reach, slips, test, why};
use crate::session::FileSystem;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;

/// A place to ask in: files, and the folder among them that paths are seen from.
pub struct Console {
    files: Rc<dyn FileSystem>,
    folder: PathBuf,
}

/// What a command printed, results and messages in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The answer to a shell.
    pub exit: Exit,
    /// The text, without colours.
    pub text: String,
}

impl Console {
    /// A console over these files.
    pub fn new(files: impl FileSystem + 'static, folder: impl Into<PathBuf>) -> Console {
        Console { files: Rc::new(files), folder: folder.into() }
    }

    /// Runs a command line, whose first word is the command.
    pub fn run(&self, words: &[&str]) -> Printed {
        let mut args: Vec<OsString> = std::iter::once("polder").chain(words.iter().copied()).map(Into::into).collect();
        slips::separate_ends(&mut args);
        let refused = |text: String| Printed { exit: Exit::CannotAnswer, text };
        match Cli::read(args) {
            Ok(cli) => self.answer(&cli),
            Err(mut error) if error.use_stderr() => {
                slips::without_far_tips(&mut error);
                refused(error.render().to_string())
            }
            Err(help) => Printed { exit: Exit::Yes, text: help.render().to_string() },
        }
    }

    fn answer(&self, cli: &Cli) -> Printed {
        let workplace = Workplace { files: Rc::clone(&self.files), folder: Some(self.folder.clone()) };
        let (mut terminal, said) = Terminal::in_memory(MachineDocument::of(&cli.command), workplace);
        let exit = match &cli.command {
            Command::Reach(args) => reach::run(args, &mut terminal),
            Command::Graph(args) => graph::run(args, &mut terminal),
            Command::Can(args) => can::run(args, &mut terminal),
            Command::Why(args) => why::run(args, &mut terminal),
            Command::Blast(args) => blast::run(args, &mut terminal),
            Command::Test(args) => test::run(args, &mut terminal),
            Command::Diff(args) => diff::run(args, &mut terminal),
            Command::Explain(args) => explain::run(args, &mut terminal),
            #[cfg(feature = "cli")]
            _ => {
                terminal.refuse("here one can ask: `reach`, `graph`, `can`, `why`, `blast`, `test`, `diff`, `explain`")
            }
        };
        let exit = terminal.finish(exit);
        Printed { exit, text: said.text() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Memory;

    #[test]
    fn what_a_page_asks_is_answered_as_in_a_terminal() {
        let program = "namespace shop {\n  tier web\n  tier api { http: 8080/tcp }\n  tier db { pg: 5432/tcp }\n\n  web -> api:http -> db:pg\n}\n";
        let files = Memory::default().with("/polder.toml", "").with("/main.polder", program);
        let files = files.with("/before/main.polder", program.replace(" -> db:pg", ""));
        let console = Console::new(files.with("/before/polder.toml", ""), "/");
        for (line, exit, expected) in [
            ("can shop/web shop/api:8080 -p main.polder", Exit::Yes, "yes: shop/web -> shop/api:8080 is allowed"),
            ("can web db:pg -p main.polder", Exit::No, "no: web -> db:pg is denied"),
            ("why web db:pg -p main.polder", Exit::Yes, "to allow it, write"),
            ("reach -p main.polder", Exit::Yes, "web"),
            ("diff before/main.polder main.polder", Exit::No, "+ shop/api -> shop/db:5432/tcp"),
            ("can web bd:pg -p main.polder", Exit::CannotAnswer, "nothing in this program is called `bd`"),
            ("can web", Exit::CannotAnswer, "required"),
            ("fmt", Exit::CannotAnswer, "here one can ask"),
            ("explain E0102", Exit::Yes, "E0102"),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let printed = console.run(&words);
            assert_eq!(printed.exit, exit, "{line}\n{}", printed.text);
            assert!(printed.text.contains(expected), "{line}\n{}", printed.text);
        }
    }
}
