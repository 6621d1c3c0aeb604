//! `polder why`: why something is allowed or denied, and what to write.

mod facts;
mod human;
mod json;
mod mend;

use super::args::{Why as Args, WhyFormat};
use super::ask::{self, Ends};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::ask::{Asked, AskedEnd, Explanation, Program, Says, Situation, policies_for, suggest, why};
use crate::engine::Engine;
use crate::net::PortSet;
use crate::session::{Posed, Subject};
use mend::Mend;

/// Everything that the formats are made of.
pub(super) struct Report<'a> {
    args: &'a Args,
    subject: &'a Subject,
    situation: &'a Situation,
    /// All ports that were asked for.
    asked: PortSet,
    explanation: Explanation,
    mend: Option<Mend>,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &Args, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, terminal)?;
    let ends = Ends::read(&subject, Some(&args.from), Some(&args.to), terminal)?;
    let Posed { situation, from, to, doubtful } = ask::pose(&subject, &ends, terminal)?;
    let engine = Engine::new(&situation.world, subject.policies());
    let program = subject.model().zip(subject.flows()).map(|(model, flows)| Program { model, flows });
    let Some(explanation) = why(&engine, program, &from, &to, &doubtful) else {
        return Err(terminal.refuse("no two such pods can exist at once, so there is nothing to explain"));
    };
    let to_ends: Vec<_> = to.iter().map(|(end, _)| *end).collect();
    let mend = match (program, &ends.from, &ends.to) {
        (Some(program), Some(asked_from), Some(asked_to)) => {
            let from = AskedEnd { asked: asked_from, ends: &from };
            let to = AskedEnd { asked: asked_to, ends: &to_ends };
            suggest(program, subject.sources(), &situation.world, &explanation, from, to).map(Mend::Edits)
        }
        _ => {
            let addresses = [&ends.from, &ends.to].into_iter().find_map(|asked| match asked {
                Some(Asked::Addresses(addresses)) => Some(addresses),
                _ => None,
            });
            let policies = policies_for(&engine, subject.cluster(), &explanation, addresses);
            (!policies.is_empty()).then_some(Mend::Policies(policies))
        }
    };
    let exit = if explanation.says == Says::Unknown { Exit::CannotAnswer } else { ask::sure(&subject, Exit::Yes) };
    let asked = to.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
    let report = Report { args, subject: &subject, situation: &situation, asked, explanation, mend };
    let text = match args.format {
        WhyFormat::Human => human::text(&report, terminal.out_color()),
        WhyFormat::Short => human::lines(&report),
        WhyFormat::Json => json::document(&report),
    };
    terminal.result(&text);
    Ok(if report.explanation.says == Says::Unknown && engine.has_given_up() { ask::given_up(terminal) } else { exit })
}
