//! `polder why`: why something is allowed or denied, and what to write.

mod facts;
mod human;
mod json;
mod mend;

use super::args::QuestionArgs;
use super::ask::{self, Ends};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::ask::{Asked, Explanation, Program, Says, Situation, why};
use crate::net::PortSet;
use crate::session::{Added, Posed, Subject};
#[cfg(feature = "cli")]
pub(super) use facts::wrong as wrong_of_flow;
use mend::WrittenMend;

/// Everything that the formats are made of.
pub(super) struct WhyReport<'a> {
    args: &'a WhyArgs,
    subject: &'a Subject,
    situation: &'a Situation,
    /// All ports that were asked for.
    asked: PortSet,
    explanation: Explanation,
    mend: Option<WrittenMend>,
    /// What the words of the question mean.
    notes: Vec<String>,
    /// The addresses that are asked about, if any.
    addresses: Option<Asked>,
    /// Whether it is known of both ends that they are meant.
    is_known: bool,
}

/// Say why FROM may connect to TO or not: what isolates them, what lets them through, what would have to be written.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder why shop/web shop/api:8080
  polder why web database:5432          denied: the flow that would have to be written
  polder why 'shop/{app=web}' 10.0.0.7:443
  polder why --manifests deploy/ shop/web shop/database:5432

The exit code is 0 when there is an answer, allowed or denied; `polder can` says yes or no with it.")]
pub(super) struct WhyArgs {
    /// Who connects: a tier, workload, group, `NAMESPACE/*`, `NAMESPACE/{key=value}`, an address.
    #[arg(value_name = "FROM")]
    pub from: String,
    /// To whom, on which ports [default: all that the tier lists].
    #[arg(value_name = "TO[:PORTS]")]
    pub to: String,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: WhyFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WhyFormat {
    /// For people
    Human,
    /// One line for each fact: path:line:column: what it does
    Short,
    /// JSON
    Json,
}

pub(super) fn run(args: &WhyArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &WhyArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, "why", terminal)?;
    let ends = Ends::read(&subject, Some(&args.from), Some(&args.to), terminal)?;
    let Posed { situation, from, to, doubtful, mut notes, meant } = ask::pose(&subject, &ends, terminal)?;
    let engine = subject.engine(&situation.world, subject.policies());
    let program = subject.model().zip(subject.flows()).map(|(model, flows)| Program { model, flows });
    let Some(explanation) = why(&engine, program, &from, &to, &doubtful) else {
        return Err(terminal.refuse("no two such pods can exist at once, so there is nothing to explain"));
    };
    let is_known = ![explanation.source, explanation.destination].iter().any(|end| doubtful.contains_key(end));
    let addresses = meant.iter().flatten().flat_map(Asked::each).find(|asked| asked.addresses().is_some());
    let addresses = addresses.cloned().filter(|_| is_known);
    let mend = match program {
        // Nobody knows who would have to be let in.
        _ if !is_known => None,
        Some(_) => match (explanation.says, &ends.from, &ends.to) {
            (Says::Denied, Some(from), Some(to)) => {
                notes.extend(subject.denied_by(&explanation));
                subject.edits(from, to, ends.ports.as_ref()).map(WrittenMend::Edits)
            }
            _ => None,
        },
        None => {
            let added = match (explanation.says, &ends.from, &ends.to) {
                (Says::Denied, Some(from), Some(to)) => subject.added(from, to, ends.ports.as_ref()),
                _ => Added::default(),
            };
            notes.extend(added.why_not);
            (!added.policies.is_empty()).then_some(WrittenMend::Policies(added.policies))
        }
    };
    let exit = if explanation.says == Says::Unknown { Exit::CannotAnswer } else { ask::sure(&subject, Exit::Yes) };
    let asked = to.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
    let report = WhyReport {
        args,
        subject: &subject,
        situation: &situation,
        asked,
        explanation,
        mend,
        notes,
        addresses,
        is_known,
    };
    let text = match args.format {
        WhyFormat::Human => human::text(&report, terminal.out_color()),
        WhyFormat::Short => human::lines(&report),
        WhyFormat::Json => json::document(&report),
    };
    terminal.result(&text);
    Ok(if report.explanation.says == Says::Unknown && engine.has_given_up() { ask::given_up(terminal) } else { exit })
}
