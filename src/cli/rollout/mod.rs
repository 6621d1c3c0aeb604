//! `polder rollout`: in which order what is not enforced yet can be, by what a flow log shows of each step.

mod human;
mod json;
mod markdown;

use super::args::{QuestionArgs, listed};
use super::exit::Exit;
use super::log::{LogArgs, no_answer};
use super::report::show;
use super::terminal::Terminal;
use super::{ask, diff};
use crate::diag::Report;
use crate::replay::ReplayReport;
use crate::session::{
    EnforceChoice, EnforceEntry, EnforceList, Manifests, NextStep, Question, RolloutUnit, Subject, Versions,
};

/// How messages name the command.
const COMMAND: &str = "rollout";

/// Print an order in which a program can be enforced, by what a flow log shows of each step.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder rollout hubble.jsonl              what to enforce next, and what that would drop of what was seen
  polder rollout hubble.jsonl --by tier    in smaller steps
  polder rollout hubble.jsonl --step 1-4   the list for polder.toml, and what it isolates
  polder rollout                           without a log: by isolation alone
  polder rollout hubble.jsonl --format markdown > comment.md

What `[rollout]` of polder.toml enforces is done already; without it, nothing is. Nothing is written.")]
pub(super) struct RolloutArgs {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What is a step of its own.
    #[arg(long, value_name = "UNIT", default_value = "namespace")]
    pub by: StepUnit,
    /// Print the `enforce` list with these steps in it, and what they isolate: `3`, or `1-4`.
    #[arg(long, value_name = "N-M", value_parser = range)]
    pub step: Option<(usize, usize)>,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: RolloutFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StepUnit {
    /// A direction of a namespace
    Namespace,
    /// A direction of a tier, and then of all other pods of its namespace
    Tier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RolloutFormat {
    /// For people
    Human,
    /// JSON
    Json,
    /// A comment on a pull request
    Markdown,
}

/// Reads `3` or `1-4`.
fn range(text: &str) -> Result<(usize, usize), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number > 0);
    let both = number(first).zip(number(last)).filter(|(first, last)| first <= last);
    both.ok_or_else(|| "write a number of a step as in `3`, or the first and the last as in `1-4`".to_owned())
}

/// Everything that the formats are made of.
struct Order<'a> {
    steps: &'a [NextStep],
    /// What was read of the logs; `None` without any.
    log: Option<&'a ReplayReport>,
    /// What is enforced already.
    enforced: Vec<String>,
    /// Whether anything says what is.
    is_listed: bool,
    chosen: Option<ChosenSteps>,
}

/// Steps that were chosen.
struct ChosenSteps {
    range: (usize, usize),
    /// The list that enforces them, too.
    entries: Vec<String>,
    /// What is enforced now, and what would be.
    versions: Versions,
}

pub(super) fn run(args: &RolloutArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &RolloutArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    if !args.question.manifests.is_empty() {
        return Err(terminal.refuse("a program is rolled out: name one with `-p PROGRAM`, not `--manifests`"));
    }
    let logs = match args.log.logs.is_empty() {
        true => Vec::new(),
        false => args.log.find(&args.question, terminal)?,
    };
    let question = Question { enforce: EnforceChoice::Whole, ..args.question.of_program(COMMAND) };
    let subject = ask::load(&question, terminal)?;
    let list = enforced_now(args, &subject, terminal)?;
    let replay = match logs.is_empty() {
        true => None,
        false => Some(args.log.read(&logs, subject.running(), terminal)?),
    };
    let report = replay.as_ref().map(|replay| replay.report(&subject.candidate()));
    if let Some(report) = report.as_ref().filter(|report| report.is_no_answer()) {
        return Err(no_answer(report, terminal));
    }
    let unit = match args.by {
        StepUnit::Namespace => RolloutUnit::Namespace,
        StepUnit::Tier => RolloutUnit::Tier,
    };
    let steps = subject.next_steps(list.as_ref(), unit, replay.as_ref());
    let steps = steps.map_err(|message| terminal.refuse(&message))?;
    let chosen = match args.step {
        None => None,
        Some(range) => Some(choose(args, &subject, list.as_ref(), (&steps, range), terminal)?),
    };
    let enforced = list.as_ref().map(EnforceList::texts).unwrap_or_default();
    let order = Order { steps: &steps, log: report.as_ref(), enforced, is_listed: list.is_some(), chosen };
    match args.format {
        RolloutFormat::Human => {
            let text = human::text(&order, args, terminal.out_color()).map_err(|message| terminal.refuse(&message))?;
            terminal.result(&text);
        }
        RolloutFormat::Json => {
            let text = json::document(&order).map_err(|message| terminal.refuse(&message))?;
            terminal.result(&text);
        }
        RolloutFormat::Markdown => terminal.result(&markdown::comment(&order)),
    }
    Ok(Exit::Yes)
}

/// What is enforced already, by the command line or by `polder.toml`.
fn enforced_now(args: &RolloutArgs, subject: &Subject, terminal: &mut Terminal) -> Result<Option<EnforceList>, Exit> {
    let Some(session) = subject.session() else { return Ok(None) };
    let list = listed(&args.question.enforce, EnforceChoice::Configured).of(&session.project().config);
    let wrong = list.iter().flat_map(|list| session.mistakes_of(list)).map(Report::from).collect::<Vec<_>>();
    if wrong.is_empty() {
        return Ok(list);
    }
    show(&wrong, subject.sources(), super::args::Format::Human, terminal);
    Err(Exit::CannotAnswer)
}

/// The list that enforces some steps, and both versions.
fn choose(
    args: &RolloutArgs,
    subject: &Subject,
    list: Option<&EnforceList>,
    (steps, (first, last)): (&[NextStep], (usize, usize)),
    terminal: &mut Terminal,
) -> Result<ChosenSteps, Exit> {
    let Some(some) = steps.get(first - 1..last) else {
        return Err(match steps.len() {
            0 => terminal.refuse("everything that the program isolates is enforced: there is no step left"),
            1 => terminal.refuse("there is only step 1"),
            all => terminal.refuse(&format!("there are only steps 1 to {all}")),
        });
    };
    let entries = subject.flows().map(|flows| crate::session::joined_entries(flows, list, some)).unwrap_or_default();
    let folder = terminal.folder().map_err(|message| terminal.refuse(&message))?;
    let files = terminal.files();
    let parsed =
        |entries: &[String]| entries.iter().filter_map(|entry| entry.parse().ok()).collect::<Vec<EnforceEntry>>();
    let load = |entries: &[String]| {
        // What it isolates is so whatever runs.
        let (enforce, workloads) = (EnforceChoice::Listed(parsed(entries)), Vec::new());
        let question = Question { enforce, workloads, ..args.question.of_program(COMMAND) };
        Subject::load(files.as_ref(), &folder, &question)
    };
    let now = subject.flows().map(|flows| crate::session::joined_entries(flows, list, &[])).unwrap_or_default();
    let versions = Versions { old: Some(load(&now)), new: Some(load(&entries)), workloads: Manifests::default() };
    Ok(ChosenSteps { range: (first, last), entries, versions })
}

/// What chosen steps isolate, as `polder diff` says it.
fn isolated(chosen: &ChosenSteps, color: bool) -> Result<String, String> {
    diff::told(&chosen.versions, color)
}

impl Order<'_> {
    /// How many steps from the first on drop nothing that the log shows.
    fn clear(&self) -> usize {
        self.steps.iter().take_while(|step| step.is_clear()).count()
    }

    /// What there is to say of the order, in sentences.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.steps.is_empty() {
            remarks.push("everything that the program isolates is enforced: there is no step left".to_owned());
            return remarks;
        }
        if self.log.is_none() {
            remarks.push(
                "without a log the order goes by isolation alone, ingress first and few tiers first; `polder rollout LOG` says \
                 what each step would drop"
                    .to_owned(),
            );
        } else {
            remarks.push(match self.clear() {
                0 => "the log shows of the first step already something that it would drop or might".to_owned(),
                1 => "step 1 drops nothing that the log shows".to_owned(),
                clear => format!("steps 1 to {clear} drop nothing that the log shows"),
            });
            let unseen = self.steps.iter().enumerate().filter(|(_, step)| step.is_unseen());
            let unseen: Vec<String> = unseen.map(|(index, _)| (index + 1).to_string()).collect();
            match unseen.as_slice() {
                [] => {}
                [one] => remarks.push(format!("of step {one} the log shows nothing, which proves nothing")),
                all => remarks.push(format!("of steps {} the log shows nothing, which proves nothing", all.join(", "))),
            }
        }
        if !self.is_listed {
            remarks.push(
                "no `[rollout]` in polder.toml says what is enforced, so nothing counts as enforced yet".to_owned(),
            );
        }
        remarks
    }
}

/// What a step closes, as in `2 tiers and other pods`.
fn closes(step: &NextStep) -> String {
    let tiers = super::report::count(step.tiers, "tier");
    match (step.tiers, step.others) {
        (0, _) => "other pods".to_owned(),
        (_, true) => format!("{tiers} and other pods"),
        (_, false) => tiers,
    }
}

/// What is worth saying beside the numbers of a step.
fn note(step: &NextStep) -> String {
    if step.is_unseen() {
        return "nothing seen: too short a log, or truly quiet".to_owned();
    }
    step.cost.as_ref().and_then(|cost| cost.example.clone()).unwrap_or_default()
}
