//! `polder reach`: what is allowed.

mod ends;
mod json;
mod lines;
mod matrix;

use super::args::QuestionArgs;
use super::ask::{self, Ends};
use super::exit::Exit;
use super::report::out_width;
use super::terminal::Terminal;
use crate::ask::{Asked, Between, Beyond, Detail, Names, Only, Reach, Situation, ToldReach, Untold, beyond};
use crate::cover::Budget;
use crate::diag::render::sanitize;
use crate::engine::Engine;
use crate::session::{Subject, TOO_HARD};

pub(super) use ends::end_text;

/// Everything that the formats are made of.
pub(super) struct ReachReport<'a> {
    pub subject: &'a Subject,
    pub situation: &'a Situation,
    pub engine: &'a Engine<'a>,
    pub reach: &'a Reach,
    pub names: Names,
    /// What is allowed to those of whom none was given.
    pub beyond: Vec<Beyond>,
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
  polder reach --format matrix")]
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
    /// JSON
    Json,
}

pub(super) fn run(args: &ReachArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &ReachArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    if args.names && args.format == ReachFormat::Matrix {
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
            ReachFormat::Human | ReachFormat::Matrix => {
                names.iter().map(|name| format!("{}\n", sanitize(name))).collect()
            }
        });
        return Ok(Exit::Yes);
    }
    let (ends, notes) = ends.meant(&subject, terminal)?;
    let (told, given_up) = match subject.situation(&ends.asked()) {
        Some(situation) => among_workloads(&subject, situation, &ends, args.format, terminal)?,
        None => (among_everybody(&subject, &ends, args.format, &mut Budget::of_question(), terminal)?, false),
    };
    let ToldReach { reach, situation } = &told;
    let mut engine = Engine::new(&situation.world, subject.policies());
    if is_overview(args.format, &ends) {
        engine = engine.without_doubtful_blocks();
    }
    let names = Names::new(&reach.groups);
    let beyond = if subject.may_lack_pods() {
        beyond_of(&subject, &engine, situation, &ends).map_err(|untold| refuse(&untold, terminal))?
    } else {
        Vec::new()
    };
    let report = ReachReport { subject: &subject, situation, engine: &engine, reach, names, beyond, notes: &notes };
    match args.format {
        ReachFormat::Human => terminal.result(&lines::painted(&lines::table(&report), terminal.out_color())),
        ReachFormat::Matrix => terminal.result(&matrix::matrix(&report, out_width())),
        ReachFormat::Json => json::print(&report, terminal),
    }
    Ok(if given_up { ask::given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

/// What is allowed beyond the workloads that were given.
fn beyond_of(
    subject: &Subject,
    engine: &Engine<'_>,
    situation: &Situation,
    ends: &Ends,
) -> Result<Vec<Beyond>, Untold<String>> {
    let find = |asked: &Option<Asked>| {
        asked.as_ref().map(|asked| subject.find(situation, asked)).transpose().map_err(Untold::Wrong)
    };
    // Whoever asks about all of them means those, too, that were not given.
    let named = |asked: &Option<Asked>| asked.clone().filter(|one| !matches!(one.name(), Some("anywhere" | "cluster")));
    let (from, to) = (find(&named(&ends.from))?, find(&named(&ends.to))?);
    Ok(beyond(engine, [from.as_deref(), to.as_deref()], &mut Budget::of_question())?)
}

/// Whether one remark tells what address blocks may let through: lines are for people, and not about two ends alone.
fn is_overview(format: ReachFormat, ends: &Ends) -> bool {
    format == ReachFormat::Human && (ends.from.is_none() || ends.to.is_none())
}

/// What is allowed among the workloads that were given, and whether finding that out was given up somewhere.
fn among_workloads(
    subject: &Subject,
    situation: Situation,
    ends: &Ends,
    format: ReachFormat,
    terminal: &mut Terminal,
) -> Result<(ToldReach, bool), Exit> {
    let only = |asked: Option<&Asked>| -> Result<Option<Only>, String> {
        asked.map(|asked| Ok(Only { text: asked.to_string(), ends: subject.find(&situation, asked)? })).transpose()
    };
    let mut engine = Engine::new(&situation.world, subject.policies());
    if is_overview(format, ends) {
        engine = engine.without_doubtful_blocks();
    }
    let reach = || -> Result<Reach, Untold<String>> {
        let only = |asked| only(asked).map_err(Untold::Wrong);
        let (from, to) = (only(ends.from.as_ref())?, only(ends.to.as_ref())?);
        let ports = |end| ends.ports.as_ref().map(|asked| subject.ports_at(&situation, asked, ends.to.as_ref(), end));
        Reach::new(&engine, &situation, [from.as_ref(), to.as_ref()], detail(format), ports)
    };
    let mut reach = reach().map_err(|untold| refuse(&untold, terminal))?;
    reach.left_out = engine.has_left_out();
    let given_up = engine.has_given_up() && reach.cells.iter().any(|cell| !cell.unknown.is_empty());
    Ok((ToldReach { reach, situation }, given_up))
}

/// What is allowed among all pods that could exist.
fn among_everybody(
    subject: &Subject,
    ends: &Ends,
    format: ReachFormat,
    budget: &mut Budget,
    terminal: &mut Terminal,
) -> Result<ToldReach, Exit> {
    let everyone = subject.everyone(&ends.asked());
    for asked in ends.asked() {
        subject.find_among(&everyone, &asked).map_err(|message| terminal.refuse(&message))?;
    }
    let grants = everyone.grants(subject.policies());
    let between = Between { from: ends.from.as_ref(), to: ends.to.as_ref(), detail: detail(format) };
    let mut ports = |at: &[_], budget: &mut Budget| match (&ends.to, &ends.ports) {
        (Some(to), Some(ports)) => subject.ports_among(&everyone, to, at, ports, budget).map(Some),
        _ => Ok(None),
    };
    let told = everyone.reach(&grants, between, &mut ports, budget);
    told.map_err(|untold| refuse(&untold, terminal))
}

/// What a format tells.
fn detail(format: ReachFormat) -> Detail {
    match format {
        ReachFormat::Human => Detail::Lines,
        ReachFormat::Matrix => Detail::Marks,
        ReachFormat::Json => Detail::Table,
    }
}

/// Says why there is no answer.
fn refuse(untold: &Untold<String>, terminal: &mut Terminal) -> Exit {
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
        for format in [ReachFormat::Human, ReachFormat::Json, ReachFormat::Matrix] {
            let ask = |steps| {
                let (mut terminal, said) = Terminal::captured();
                let budget = &mut Budget::new(steps);
                let told = among_everybody(&subject, &Ends::default(), format, budget, &mut terminal);
                (told.map(|told| told.reach.cells.len()), said.text())
            };
            assert_eq!(ask(20), (Err(Exit::CannotAnswer), format!("error: {TOO_HARD}\n")));
            let (found, said) = ask(100_000);
            assert!(found.is_ok() && said.is_empty(), "{found:?} {said}");
        }
    }
}
