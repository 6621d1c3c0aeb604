//! `polder why`: why something is allowed or denied, and what to write.

mod facts;
mod human;
mod json;
mod mend;

use super::args::{Why as Args, WhyFormat};
use super::ask::{self, Ends};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::ask::{Asked, Explanation, Program, Says, Situation, why};
use crate::engine::Engine;
use crate::net::PortSet;
use crate::session::{Added, Posed, Subject};
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
    /// What the words of the question mean.
    notes: Vec<String>,
    /// The addresses that are asked about, if any.
    addresses: Option<Asked>,
    /// Whether it is known of both ends that they are meant.
    is_known: bool,
}

pub(super) fn run(args: &Args, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &Args, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, terminal)?;
    let ends = Ends::read(&subject, Some(&args.from), Some(&args.to), terminal)?;
    let Posed { situation, from, to, doubtful, mut notes, meant } = ask::pose(&subject, &ends, terminal)?;
    let engine = Engine::new(&situation.world, subject.policies());
    let program = subject.model().zip(subject.flows()).map(|(model, flows)| Program { model, flows });
    let Some(explanation) = why(&engine, program, &from, &to, &doubtful) else {
        return Err(terminal.refuse("no two such pods can exist at once, so there is nothing to explain"));
    };
    let is_known = ![explanation.source, explanation.destination].iter().any(|end| doubtful.contains_key(end));
    let addresses = meant.iter().flatten().flat_map(Asked::each).find(|asked| matches!(asked, Asked::Addresses(_)));
    let addresses = addresses.cloned().filter(|_| is_known);
    let mend = match program {
        // Nobody knows who would have to be let in.
        _ if !is_known => None,
        Some(_) => match (explanation.says, &ends.from, &ends.to) {
            (Says::Denied, Some(from), Some(to)) => subject.edits(from, to, ends.ports.as_ref()).map(Mend::Edits),
            _ => None,
        },
        None => {
            let added = match (explanation.says, &ends.from, &ends.to) {
                (Says::Denied, Some(from), Some(to)) => subject.added(from, to, ends.ports.as_ref()),
                _ => Added::default(),
            };
            notes.extend(added.why_not);
            (!added.policies.is_empty()).then_some(Mend::Policies(added.policies))
        }
    };
    let exit = if explanation.says == Says::Unknown { Exit::CannotAnswer } else { ask::sure(&subject, Exit::Yes) };
    let asked = to.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
    let report =
        Report { args, subject: &subject, situation: &situation, asked, explanation, mend, notes, addresses, is_known };
    let text = match args.format {
        WhyFormat::Human => human::text(&report, terminal.out_color()),
        WhyFormat::Short => human::lines(&report),
        WhyFormat::Json => json::document(&report),
    };
    terminal.result(&text);
    Ok(if report.explanation.says == Says::Unknown && engine.has_given_up() { ask::given_up(terminal) } else { exit })
}
