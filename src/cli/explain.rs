//! `polder explain`: the page of a code.

use super::exit::Exit;
use super::page::page;
use super::report::out_width;
use super::terminal::Terminal;
use crate::diag::{Code, closest};

/// Longer lines are hard to read.
const WIDEST: usize = 100;

/// Explain a code such as E0201; without one, list all codes.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder explain E0201
  polder explain")]
pub(super) struct ExplainArgs {
    /// The code.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

pub(super) fn run(args: &ExplainArgs, terminal: &mut Terminal) -> Exit {
    let Some(name) = &args.code else {
        let list: String = Code::ALL.iter().map(|code| format!("{}  {}\n", code.as_str(), code.title())).collect();
        terminal.result(&list);
        return Exit::Yes;
    };
    let Some(code) = Code::parse(name) else {
        let hint = match closest(name, Code::ALL.iter().map(|code| code.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`polder explain` lists them all".to_owned(),
        };
        return terminal.refuse(&format!("there is no code `{name}`; {hint}"));
    };
    let width = out_width().unwrap_or(WIDEST).min(WIDEST);
    terminal.result(&page(code.page().trim_end(), width, terminal.out_color()));
    Exit::Yes
}
