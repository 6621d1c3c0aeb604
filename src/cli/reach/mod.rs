//! `polder reach`: what is allowed.

mod blocks;
mod ends;
mod json;
mod lines;
mod matrix;

use super::args::QuestionArgs;
use super::ask::{self, Ends};
use super::exit::Exit;
use super::report::out_width;
use super::terminal::Terminal;
use crate::ask::{Detail, Names, Summary, Untold};
use crate::cover::Budget;
use crate::diag::render::sanitize;
use crate::engine::Engine;
use crate::graph::{MOST_DETAILED, Matrix, MatrixSides, csv};
use crate::session::{Asking, Subject, SummaryScope, TOO_HARD};

pub(super) use ends::end_text;

/// Everything that the formats are made of.
pub(super) struct ReachReport<'a> {
    pub subject: &'a Subject,
    pub summary: &'a Summary,
    pub engine: &'a Engine<'a>,
    pub names: Names,
    /// What the words of the question mean.
    pub notes: &'a [String],
}

/// Show what is allowed: who may connect to whom, on which ports.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder reach                          everything that the program allows
  polder reach shop/web                 whom the web may connect to
  polder reach cluster shop/database    who may connect to the database
  polder reach internet 'shop/*:443'    what the internet reaches on one port
  polder reach --manifests deploy/      of any NetworkPolicies and workloads
  polder reach --cluster                of the cluster that kubectl is set up for
  polder reach -p network --cluster     what the program would allow among the pods that run there
  polder reach --format matrix
  polder reach --format html > reach.html
  polder reach --format csv > reach.csv")]
pub(super) struct ReachArgs {
    /// Who connects: a tier, workload, group, `NAMESPACE/*`, `NAMESPACE/{key=value}`, an address [default: anybody].
    #[arg(value_name = "FROM")]
    pub from: Option<String>,
    /// To whom, perhaps with ports as in a flow [default: anybody].
    #[arg(value_name = "TO[:PORTS]")]
    pub to: Option<String>,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// List the names that can be asked about instead.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub names: bool,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: ReachFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ReachFormat {
    /// Lines of the language, by namespace
    Human,
    /// A matrix of who may connect to whom
    Matrix,
    /// A page with the matrix and all lines, that asks for nothing
    Html,
    /// The matrix for spreadsheets, with the ports
    Csv,
    /// JSON
    Json,
}

pub(super) fn run(args: &ReachArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &ReachArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    if args.names && matches!(args.format, ReachFormat::Matrix | ReachFormat::Html | ReachFormat::Csv) {
        return Err(terminal.refuse("`--names` lists names, and there is no matrix of them; leave one of the two out"));
    }
    let subject = ask::subject(&args.question, "reach", terminal)?;
    let ends = Ends::read(&subject, args.from.as_deref(), args.to.as_deref(), terminal)?;
    if args.names {
        let names = match subject.situation(&ends.asked()) {
            Some(situation) => situation.names(),
            None => subject.everyone(&ends.asked()).names(),
        };
        terminal.result(&match args.format {
            ReachFormat::Json => json::names(&names),
            ReachFormat::Human | ReachFormat::Matrix | ReachFormat::Html | ReachFormat::Csv => {
                names.iter().map(|name| format!("{}\n", sanitize(name))).collect()
            }
        });
        return Ok(Exit::Yes);
    }
    let (ends, notes) = ends.meant(&subject, terminal)?;
    let scope = scope(args.format, &ends);
    let asking = ends.asking();
    let told = subject.summary(&asking, scope, &mut Budget::of_question());
    let summary = told.map_err(|untold| refuse(&untold, terminal))?;
    let engine = subject.engine_of(&summary, scope);
    let names = Names::new(&summary.reach.groups);
    let report = ReachReport { subject: &subject, summary: &summary, engine: &engine, names, notes: &notes };
    let sides = sides(&ends, args.format);
    match args.format {
        ReachFormat::Human => terminal.result(&lines::painted(&lines::table(&report), terminal.out_color())),
        ReachFormat::Matrix => terminal.result(&matrix::matrix(&report, out_width(), sides)),
        ReachFormat::Html => {
            let table = table_of(&subject, &summary, &asking, scope);
            terminal.result(&matrix::page(&report, table.as_ref(), sides));
        }
        ReachFormat::Csv => {
            terminal.result(&csv(&Matrix::exact(&summary, sides)));
            matrix::asides(&report).iter().for_each(|sentence| terminal.note_line(&format!("note: {sentence}")));
        }
        ReachFormat::Json => json::print(&report, terminal),
    }
    Ok(if summary.given_up { ask::given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

/// What a format tells. One remark tells what address blocks may let through where it is for people, and not about two ends
/// alone.
fn scope(format: ReachFormat, ends: &Ends) -> SummaryScope {
    let detail = match format {
        ReachFormat::Human | ReachFormat::Html => Detail::Lines,
        ReachFormat::Matrix | ReachFormat::Csv => Detail::Marks,
        ReachFormat::Json => Detail::Table,
    };
    let is_for_people = matches!(format, ReachFormat::Human | ReachFormat::Html);
    let without_doubtful_blocks = is_for_people && (ends.from.is_none() || ends.to.is_none());
    SummaryScope { detail, without_doubtful_blocks }
}

/// What there is to know beside the lines of a summary.
#[cfg(feature = "cli")]
pub(super) fn remarks_of(subject: &Subject, summary: &Summary, scope: SummaryScope) -> Vec<String> {
    let (engine, names) = (subject.engine_of(summary, scope), Names::new(&summary.reach.groups));
    lines::remarks(&ReachReport { subject, summary, engine: &engine, names, notes: &[] })
}

/// Who stands at the sides of a matrix. In a file, those stand there too who have no connection.
fn sides(ends: &Ends, format: ReachFormat) -> MatrixSides {
    match format {
        _ if ends.from.is_some() || ends.to.is_some() => MatrixSides::Asked,
        ReachFormat::Html | ReachFormat::Csv => MatrixSides::Everybody,
        ReachFormat::Human | ReachFormat::Matrix | ReachFormat::Json => MatrixSides::Used,
    }
}

/// Every two ends of a summary of lines, where they are not too many for a page.
pub(super) fn table_of(subject: &Subject, lines: &Summary, asking: &Asking, scope: SummaryScope) -> Option<Summary> {
    let count = lines.reach.rows.iter().filter(|row| !row.names.is_wide()).count();
    if count > MOST_DETAILED {
        return None;
    }
    let scope = SummaryScope { detail: Detail::Marks, ..scope };
    subject.summary(asking, scope, &mut Budget::of_question()).ok()
}

/// Says why there is no answer.
pub(super) fn refuse(untold: &Untold<String>, terminal: &mut Terminal) -> Exit {
    match untold {
        Untold::TooHard => terminal.refuse(TOO_HARD),
        Untold::TooLong(pairs) => terminal.refuse(&format!(
            "there are {pairs} pairs of ends to list one by one; name those that you ask about, as in `polder reach \
             'NAMESPACE/*'`"
        )),
        Untold::Wrong(message) => terminal.refuse(message),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::session::{Memory, Named, Question};
    use std::path::Path;

    #[test]
    fn what_takes_too_many_steps_is_given_up_in_one_sentence() {
        let program = "namespace shop {\n  tier web\n  tier db\n  web -> db:5432\n}\n";
        let memory = Memory::default().with("/p/main.polder", program);
        let question = Question { program: vec![Named::Path("main.polder".into())], ..Question::default() };
        let subject = Subject::load(&memory, Path::new("/p"), &question);
        for format in [ReachFormat::Human, ReachFormat::Html, ReachFormat::Json, ReachFormat::Matrix] {
            let ask = |steps| {
                let (mut terminal, said) = Terminal::captured();
                let ends = Ends::default();
                let told = subject.summary(&ends.asking(), scope(format, &ends), &mut Budget::new(steps));
                let told = told.map_err(|untold| refuse(&untold, &mut terminal));
                (told.map(|told| told.reach.cells.len()), said.text())
            };
            assert_eq!(ask(20), (Err(Exit::CannotAnswer), format!("error: {TOO_HARD}\n")));
            let (found, said) = ask(100_000);
            assert!(found.is_ok() && said.is_empty(), "{found:?} {said}");
        }
    }
}
