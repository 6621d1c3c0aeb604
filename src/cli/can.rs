//! `polder can`: yes or no.

use super::args::{AnswerFormat, QuestionArgs};
use super::ask::{self, Ends};
use super::exit::Exit;
use super::json;
use super::reach::end_text;
use super::report::{first_doubts, incomplete, remedies};
use super::step;
use super::terminal::Terminal;
use crate::ask::{Answer, Doubtful, Situation, can, doubts};
use crate::engine::{Doubt, EndId, Engine};
use crate::net::PortSet;
use crate::session::{Posed, Subject};
use serde_json::json;

/// Say whether every pod of FROM may connect to every pod of TO: exit code 0 is yes, 1 no, 2 cannot tell.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder can shop/web shop/api:8080
  polder can web api:http               short names where they are clear
  polder can internet 'shop/*:443'
  polder can 'shop/{app=web,tier=front}' shop/database:5432/tcp
  polder can --manifests deploy/ shop/web 10.0.0.7:443")]
pub(super) struct CanArgs {
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
    pub format: AnswerFormat,
}

pub(super) fn run(args: &CanArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &CanArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, "can", terminal)?;
    let ends = Ends::read(&subject, Some(&args.from), Some(&args.to), terminal)?;
    let Posed { situation, from, to, doubtful, notes, .. } = ask::pose(&subject, &ends, terminal)?;
    let engine = subject.engine(&situation.world, subject.policies());
    let answer = can(&engine, &from, &to, &doubtful);
    let ports = to.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
    let is_one = from.len() == 1 && to.len() == 1;
    let told = ToldAnswer { engine: &engine, doubtful: &doubtful, situation: &situation, args, ports, answer, is_one };
    match args.format {
        AnswerFormat::Human => {
            terminal.line(&told.sentence());
            notes.iter().for_each(|note| terminal.line(note));
            told.remedies(&subject).iter().for_each(|sentence| terminal.line(sentence));
            subject.step().iter().for_each(|step| terminal.line(&step::of_answer(step)));
            incomplete(subject.unmodelled(), subject.unread()).iter().for_each(|sentence| terminal.line(sentence));
        }
        AnswerFormat::Json => terminal.result(&told.document(&subject, &notes)),
    }
    Ok(match told.answer.is_yes() {
        Some(true) => ask::sure(&subject, Exit::Yes),
        Some(false) => ask::sure(&subject, Exit::No),
        None if engine.has_given_up() => ask::given_up(terminal),
        None => Exit::CannotAnswer,
    })
}

struct ToldAnswer<'a> {
    engine: &'a Engine<'a>,
    doubtful: &'a Doubtful,
    situation: &'a Situation,
    args: &'a CanArgs,
    ports: PortSet,
    answer: Answer,
    /// Whether it is about two ends alone.
    is_one: bool,
}

impl ToldAnswer<'_> {
    fn pair(&self, source: EndId, destination: EndId) -> String {
        format!("{} -> {}", end_text(self.situation, source), end_text(self.situation, destination))
    }

    fn doubts(&self, source: EndId, destination: EndId, ports: &PortSet) -> Vec<Doubt> {
        doubts(self.engine, source, destination, ports, self.doubtful)
    }

    fn missing(&self, source: EndId, destination: EndId, ports: &PortSet) -> String {
        let doubts = self.doubts(source, destination, ports);
        doubts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// What would say what nobody said.
    fn remedies(&self, subject: &Subject) -> Vec<String> {
        match (self.answer.is_yes(), &self.answer.unknown) {
            (None, Some((a, b, ports))) => remedies(&self.doubts(*a, *b, ports), subject),
            _ => Vec::new(),
        }
    }

    fn sentence(&self) -> String {
        let Answer { allowed, denied, unknown, .. } = &self.answer;
        let who = format!("{} -> {}", self.args.from, self.args.to);
        if let (None, Some((a, b, ports))) = (self.answer.is_yes(), unknown) {
            let missing = first_doubts(&self.doubts(*a, *b, ports));
            let told = format!("cannot tell: nobody said {missing} ({} on {ports})", self.pair(*a, *b));
            return match denied {
                Some((c, d, ports)) => format!("{told}; {} is denied on {ports}", self.pair(*c, *d)),
                None => told,
            };
        }
        match (denied, allowed) {
            (Some((a, b, ports)), Some((c, d))) => {
                format!("no: {} is denied on {ports}; only some may, such as {}", self.pair(*a, *b), self.pair(*c, *d))
            }
            (Some((_, _, ports)), None) if *ports == self.ports => format!("no: {who} is denied"),
            (Some((a, b, ports)), None) => format!("no: {} is denied on {ports}", self.pair(*a, *b)),
            (None, allowed) => match &self.answer.over {
                None => format!("yes: {who} is allowed"),
                Some((a, b, family)) if *allowed == Some((*a, *b)) && self.is_one => {
                    format!("yes: {who} is allowed, over {family} only")
                }
                Some((a, b, family)) => format!("yes: {who} is allowed; {} over {family} only", self.pair(*a, *b)),
            },
        }
    }

    fn document(&self, subject: &Subject, notes: &[String]) -> String {
        let Answer { allowed, denied, unknown, over, .. } = &self.answer;
        let pair = |a: &EndId, b: &EndId| json!({ "source": end_text(self.situation, *a), "destination": end_text(self.situation, *b) });
        let answer = match self.answer.is_yes() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let document = json!({
            "schema": "polder/can/v1",
            "complete": subject.unmodelled().is_empty() && subject.unread().is_empty(),
            "unmodelled": json::unmodelled(subject.unmodelled()),
            "unread": json::unread(subject.unread()),
            "from": self.args.from,
            "to": self.args.to,
            "ports": json::ports(&self.ports),
            "answer": answer,
            "notes": notes,
            "allowed": allowed.as_ref().map(|(a, b)| pair(a, b)),
            "over": over.as_ref().map(|(a, b, family)| json!({ "example": pair(a, b), "family": family.to_string() })),
            "denied": denied.as_ref().map(|(a, b, on)| json!({ "example": pair(a, b), "ports": json::ports(on) })),
            "unknown": unknown.as_ref().map(|(a, b, on)| {
                json!({ "example": pair(a, b), "ports": json::ports(on), "missing": self.missing(*a, *b, on) })
            }),
        });
        json::document(&step::with_step(document, subject.step()))
    }
}
