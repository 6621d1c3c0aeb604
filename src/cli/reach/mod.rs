//! `polder reach`: what is allowed.

mod json;
mod lines;
mod matrix;
mod names;

use super::args::{Reach as Args, ReachFormat};
use super::ask::{self, Ends};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::analyze::{Asked, Engine, Only, Reach, Situation};
use crate::diag::render::sanitize;
use crate::session::Subject;

pub(super) use names::{Names, end_text};

/// Everything that the formats are made of.
pub(super) struct Report<'a> {
    pub subject: &'a Subject,
    pub situation: &'a Situation,
    pub engine: &'a Engine<'a>,
    pub reach: &'a Reach,
    pub names: Names,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &Args, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, terminal)?;
    let ends = Ends::read(&subject, args.from.as_deref(), args.to.as_deref(), terminal)?;
    let situation = ask::situation(&subject, &ends.asked(), terminal)?;
    if args.names {
        let names: String = situation.names().iter().map(|name| format!("{}\n", sanitize(name))).collect();
        terminal.result(&names);
        return Ok(Exit::Yes);
    }
    let only = |asked: Option<&Asked>| -> Result<Option<Only>, String> {
        asked.map(|asked| Ok(Only { text: asked.to_string(), ends: subject.find(&situation, asked)? })).transpose()
    };
    let limits = only(ends.from.as_ref()).and_then(|from| Ok((from, only(ends.to.as_ref())?)));
    let (from, to) = limits.map_err(|message| terminal.refuse(&message))?;
    let mut engine = Engine::new(&situation.world, subject.policies());
    if args.format == ReachFormat::Human {
        engine = engine.without_doubtful_blocks();
    }
    let ports = |end| ends.ports.as_ref().map(|asked| subject.ports_at(&situation, asked, ends.to.as_ref(), end));
    let reach = Reach::new(&engine, &situation, from.as_ref(), to.as_ref(), ports);
    let reach = reach.map_err(|message| terminal.refuse(&message))?;
    let names = Names::new(&reach.groups);
    let report = Report { subject: &subject, situation: &situation, engine: &engine, reach: &reach, names };
    let text = match args.format {
        ReachFormat::Human => lines::table(&report),
        ReachFormat::Matrix => matrix::matrix(&report),
        ReachFormat::Json => json::document(&report),
    };
    terminal.result(&text);
    let given_up = engine.has_given_up() && reach.cells.iter().any(|cell| !cell.unknown.is_empty());
    Ok(if given_up { ask::given_up(terminal) } else { Exit::Yes })
}
