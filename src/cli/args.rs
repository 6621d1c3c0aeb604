//! The command line: what commands have in common. What one alone takes stands beside it.

#[cfg(feature = "cli")]
use super::audit::AuditArgs;
use super::blast::BlastArgs;
#[cfg(feature = "cli")]
use super::build::BuildArgs;
use super::can::CanArgs;
#[cfg(feature = "cli")]
use super::check::CheckArgs;
#[cfg(feature = "cli")]
use super::completions::CompletionsArgs;
#[cfg(feature = "cli")]
use super::config::ConfigArgs;
use super::diff::DiffArgs;
use super::explain::ExplainArgs;
#[cfg(feature = "cli")]
use super::fmt::FmtArgs;
use super::graph::GraphArgs;
#[cfg(feature = "cli")]
use super::import::ImportArgs;
#[cfg(feature = "cli")]
use super::init::InitArgs;
#[cfg(feature = "cli")]
use super::learn::LearnArgs;
#[cfg(feature = "cli")]
use super::lint::LintArgs;
use super::live::LiveCluster;
#[cfg(feature = "cli")]
use super::man::ManArgs;
use super::reach::ReachArgs;
#[cfg(feature = "cli")]
use super::replay::ReplayArgs;
#[cfg(feature = "cli")]
use super::rollout::RolloutArgs;
use super::slips::place_of_command;
use super::test::TestArgs;
#[cfg(feature = "cli")]
use super::version::VersionArgs;
use super::why::WhyArgs;
use crate::diag::{Level, Levels};
use crate::model::{Cni, CniVersion};
use crate::session::{EnforceChoice, EnforceEntry, EnvironmentChoice, Named, Question, SaidOfCluster};
use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  yes: done, no problems, the same, allowed
  1  no: the program has errors, something differs, it is denied
  2  no answer: bad usage, files that cannot be read or written, a fact is missing, an internal error";

/// Compiles flows to Kubernetes NetworkPolicies that are closed by default.
#[derive(Debug, Parser)]
#[command(name = "polder", bin_name = "polder", version, styles = STYLES, after_help = EXIT_CODES)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say nothing but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb; everywhere when FORCE_COLOR or CLICOLOR_FORCE is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[cfg(feature = "cli")]
    #[command(visible_alias = "compile")]
    Build(BuildArgs),
    #[cfg(feature = "cli")]
    #[command(visible_alias = "validate")]
    Check(CheckArgs),
    Reach(ReachArgs),
    Graph(GraphArgs),
    #[cfg(feature = "cli")]
    Report(AuditArgs),
    Can(CanArgs),
    Why(WhyArgs),
    Blast(BlastArgs),
    #[cfg(feature = "cli")]
    Replay(ReplayArgs),
    #[cfg(feature = "cli")]
    Rollout(RolloutArgs),
    #[cfg(feature = "cli")]
    Learn(LearnArgs),
    Test(TestArgs),
    Diff(DiffArgs),
    #[cfg(feature = "cli")]
    Lint(LintArgs),
    #[cfg(feature = "cli")]
    Import(ImportArgs),
    #[cfg(feature = "cli")]
    #[command(visible_alias = "format")]
    Fmt(FmtArgs),
    #[cfg(feature = "cli")]
    Init(InitArgs),
    #[cfg(all(feature = "cli", feature = "lsp"))]
    Lsp(super::lsp::LspArgs),
    #[cfg(feature = "cli")]
    Config(ConfigArgs),
    Explain(ExplainArgs),
    #[cfg(feature = "cli")]
    #[command(visible_alias = "completion")]
    Completions(CompletionsArgs),
    #[cfg(feature = "cli")]
    Man(ManArgs),
    #[cfg(feature = "cli")]
    Version(VersionArgs),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AnswerFormat {
    /// For people
    Human,
    /// JSON
    Json,
}

/// What is compiled, and what is said about it.
#[derive(Debug, Args)]
pub(super) struct ProgramInput {
    /// Files, folders or `-` for standard input [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub environment: Environment,
    /// How to print diagnostics: for people to standard error, for machines as one document to standard output, or to
    /// standard error where that holds something else.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    #[command(flatten)]
    pub warnings: Warnings,
}

/// The environment to compile for.
#[derive(Debug, Args)]
pub(super) struct Environment {
    /// The environment to compile for [default: `environment` of polder.toml, else none].
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Compile for no environment, whatever polder.toml says.
    #[arg(long, conflicts_with = "env")]
    pub no_env: bool,
}

impl Environment {
    /// The choice that it is.
    pub(super) fn choice(&self) -> EnvironmentChoice {
        match &self.env {
            Some(name) => EnvironmentChoice::Named(name.clone()),
            None if self.no_env => EnvironmentChoice::Without,
            None => EnvironmentChoice::Configured,
        }
    }
}

/// What `--enforce` says of how far the program is enforced, or what holds without it.
pub(super) fn listed(entries: &Option<Vec<EnforceEntry>>, otherwise: EnforceChoice) -> EnforceChoice {
    entries.as_ref().map_or(otherwise, |entries| EnforceChoice::Listed(entries.clone()))
}

/// Which warnings are errors, and which are not said.
#[derive(Debug, Args)]
pub(super) struct Warnings {
    /// Make a warning an error; `-D warnings` for all of them.
    #[arg(short = 'D', long, value_name = "CODE", value_delimiter = ',', help_heading = "Warnings")]
    pub deny: Vec<String>,
    /// Keep a warning a warning, make an error of `lint` or a note one.
    #[arg(short = 'W', long, value_name = "CODE", value_delimiter = ',', help_heading = "Warnings")]
    pub warn: Vec<String>,
    /// Silence a warning.
    #[arg(short = 'A', long, value_name = "CODE", value_delimiter = ',', help_heading = "Warnings")]
    pub allow: Vec<String>,
    /// Make all warnings errors.
    #[arg(long, help_heading = "Warnings")]
    pub deny_warnings: bool,
    /// The three lists in the order in which they were given.
    #[arg(skip)]
    pub levels: Vec<(String, Level)>,
}

/// What a question is about.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is asked about")]
pub(super) struct QuestionArgs {
    /// A file or folder of the program, or `-` for standard input; may be repeated [default: the project that this
    /// folder is in].
    #[arg(short, long, value_name = "PATH", conflicts_with = "manifests")]
    pub program: Vec<PathBuf>,
    #[command(flatten)]
    pub environment: Environment,
    /// Instead of a program, YAML with any NetworkPolicies, and perhaps with what runs; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["env", "no_env"])]
    pub manifests: Vec<PathBuf>,
    /// YAML with what runs: ask about these pods and not about all that could exist; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    /// What was given is all that runs. Of what `kubectl get` lists, that is known without this.
    #[arg(long)]
    pub complete: bool,
    #[command(flatten)]
    pub said: ClusterArgs,
    #[command(flatten)]
    pub live: LiveCluster,
    /// Ask about what is enforced: places as in `data/redis:ingress`, `all` or `none` [default: `enforce` of polder.toml,
    /// else all].
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "manifests")]
    pub enforce: Option<Vec<EnforceEntry>>,
}

/// What is said of the cluster that is asked about.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// The CNI that enforces the policies [default: `cni` of the program; without one, it is not known].
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = CniParser)]
    pub cni: Option<(Cni, Option<CniVersion>)>,
    /// Whether `ipBlock` matches the addresses of pods [default: as the CNI does; where that is not known, neither is this].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub ipblock_matches_pods: Option<bool>,
}

impl ClusterArgs {
    /// The same for the library.
    pub(super) fn said(&self) -> SaidOfCluster {
        SaidOfCluster { cni: self.cni, blocks_match_pods: self.ipblock_matches_pods }
    }
}

/// Reads `cilium` or `cilium@1.18`.
#[derive(Debug, Clone)]
pub(super) struct CniParser;

impl CniParser {
    fn names() -> PossibleValuesParser {
        PossibleValuesParser::new(Cni::ALL.map(Cni::name))
    }
}

impl TypedValueParser for CniParser {
    type Value = (Cni, Option<CniVersion>);

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let text = value.to_string_lossy();
        if let Some(known) = Cni::parse_versioned(&text) {
            return Ok(known);
        }
        // A program has a space there.
        let (name, version) = text.split_once(['@', ' ', ':', '=']).unwrap_or((&text, ""));
        let name = CniParser::names().parse_ref(command, arg, OsStr::new(name))?;
        let meant = CniVersion::beginning(version.trim()).map_or("1.18".to_owned(), |version| version.to_string());
        let message = format!("`{text}` is no version of {name}; write it as in `{name}@{meant}`");
        Err(command.clone().error(clap::error::ErrorKind::ValueValidation, message))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = clap::builder::PossibleValue> + '_>> {
        Some(Box::new(Cni::names().map(clap::builder::PossibleValue::new)))
    }
}

impl QuestionArgs {
    /// What is asked about, with `-` understood.
    pub(super) fn question(&self, command: &str) -> Question {
        let mut question = Question { counts_cluster_policies: true, ..self.of_program(command) };
        let names_step = question.environment != EnvironmentChoice::Configured || self.enforce.is_some();
        let of_program = !question.program.is_empty() || names_step;
        // Nobody named other policies: it is about those that the cluster has.
        if !of_program && question.manifests.is_empty() && self.live.cluster {
            question.workloads = Vec::new();
            question.manifests.extend(self.live.named(false, &format!("polder {command} --manifests -")));
        }
        question
    }

    /// The same, where it is about the program of this folder when nothing else is named.
    pub(super) fn of_program(&self, command: &str) -> Question {
        let live = self.live.named(true, &format!("polder {command} --workloads -"));
        Question {
            program: named(&self.program),
            environment: self.environment.choice(),
            manifests: named(&self.manifests),
            workloads: named(&self.workloads).into_iter().chain(live).collect(),
            complete: self.complete,
            cluster: self.said.said(),
            enforce: listed(&self.enforce, EnforceChoice::Configured),
            as_built: false,
            counts_cluster_policies: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// With the lines of the source
    Human,
    /// One line each: path:line:col: level: message [code]
    Short,
    /// JSON
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0
    Sarif,
    /// The code quality report of GitLab
    Gitlab,
}

impl Format {
    /// Whether a program reads it, so that the report is the result.
    pub(super) fn is_for_machines(self) -> bool {
        !matches!(self, Format::Human | Format::Short)
    }
}

/// Paths of the command line, with `-` understood.
pub(super) fn named(paths: &[PathBuf]) -> Vec<Named> {
    let one = |path: &PathBuf| if path.as_os_str() == "-" { Named::Input } else { Named::Path(path.clone()) };
    paths.iter().map(one).collect()
}

impl ProgramInput {
    /// The paths, with `-` understood.
    pub(super) fn named(&self) -> Vec<Named> {
        named(&self.paths)
    }
}

impl Warnings {
    /// The levels; the error is a slip on the command line, in words.
    pub(super) fn levels(&self) -> Result<Levels, String> {
        let mut levels = Levels::default();
        self.set(&mut levels)?;
        Ok(levels)
    }

    /// Sets the levels on top of others; the error is a slip on the command line, in words.
    pub(super) fn set(&self, levels: &mut Levels) -> Result<(), String> {
        if self.deny_warnings {
            levels.deny_warnings();
        }
        self.levels.iter().try_for_each(|(code, level)| levels.set(code, *level))
    }

    /// Puts the levels in the order of the command line, where the last one for a code counts.
    fn order(&mut self, matches: &ArgMatches) {
        let mut all = Vec::new();
        for (id, level) in [("deny", Level::Deny), ("warn", Level::Warn), ("allow", Level::Allow)] {
            let places = matches.indices_of(id).into_iter().flatten();
            let codes = matches.get_many::<String>(id).into_iter().flatten();
            all.extend(places.zip(codes).map(|(place, code)| (place, code.clone(), level)));
        }
        all.sort_by_key(|(place, ..)| *place);
        self.levels = all.into_iter().map(|(_, code, level)| (code, level)).collect();
    }
}

/// The command line, to be parsed or described.
#[cfg(feature = "cli")]
pub(super) fn command() -> clap::Command {
    // What it has in common with `build` has another default.
    let help = "The environment to compile for [default: all that the program declares, and none of them unless polder.toml \
                names one]";
    let no_env = "Compile for no environment only";
    let of_check = Cli::command().mut_subcommand("check", |check| {
        check.mut_arg("env", |env| env.help(help)).mut_arg("no_env", |flag| flag.help(no_env))
    });
    // It is about programs only, and says so.
    let of_learn = of_check.mut_subcommand("learn", |learn| {
        learn.mut_arg("manifests", |manifests| manifests.hide(true)).mut_arg("enforce", |enforce| enforce.hide(true))
    });
    let logs =
        "Logs, folders of logs, or `-` for standard input [default: none, and the order goes by isolation alone]";
    let enforced = "What is enforced already: places as in `data/redis:ingress`, `all` or `none` [default: `enforce` of \
                    polder.toml, else none]";
    of_learn.mut_subcommand("rollout", |rollout| {
        let rollout = rollout.mut_arg("manifests", |manifests| manifests.hide(true));
        rollout.mut_arg("logs", |arg| arg.help(logs)).mut_arg("enforce", |enforce| enforce.help(enforced))
    })
}

/// The questions, to be parsed.
#[cfg(not(feature = "cli"))]
pub(super) fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    /// Understands the command line.
    pub(super) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        help_as_an_option(&mut args);
        let matches = command().bin_name(called(&args)).color(color_of(&args)).try_get_matches_from(args)?;
        let cli = Cli::from_arg_matches(&matches)?;
        #[cfg(feature = "cli")]
        let cli = cli.with_levels_of(&matches);
        Ok(cli)
    }

    /// The levels of warnings in the order of the command line.
    #[cfg(feature = "cli")]
    fn with_levels_of(mut self, matches: &ArgMatches) -> Cli {
        if let (Command::Build(BuildArgs { input, .. }) | Command::Check(CheckArgs { input, .. }), Some((_, inner))) =
            (&mut self.command, matches.subcommand())
        {
            input.warnings.order(inner);
        }
        if let (Command::Lint(LintArgs { warnings, .. }), Some((_, inner))) = (&mut self.command, matches.subcommand())
        {
            warnings.order(inner);
        }
        self
    }
}

/// What people type to start the command. A plugin of kubectl is called by the name of its file.
fn called(args: &[OsString]) -> &'static str {
    match args.first().map(Path::new).and_then(Path::file_stem).and_then(OsStr::to_str) {
        Some("kubectl-polder") => "kubectl polder",
        _ => "polder",
    }
}

/// `polder help build` as `polder build --help`. It is not a command of its own, so that the manual and the completions
/// stay free of one more page for every command.
fn help_as_an_option(args: &mut Vec<OsString>) {
    if let Some(at) = place_of_command(args).filter(|at| args.get(*at).is_some_and(|arg| arg == "help")) {
        args.remove(at);
        args.push("--help".into());
    }
}

/// What `--color` says for clap's own texts, which it prints before the command line is understood.
fn color_of(args: &[OsString]) -> ColorChoice {
    let options = args.iter().take_while(|arg| *arg != "--");
    let values = options.clone().skip(1).map(Some).chain([None]);
    let said = options.zip(values).filter_map(|(arg, next)| match arg.to_str()? {
        "--color" => next?.to_str(),
        arg => arg.strip_prefix("--color="),
    });
    match said.last() {
        Some("always") => ColorChoice::Always,
        Some("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

/// Reads the name of a namespace.
#[cfg(feature = "cli")]
pub(super) fn namespace_name(text: &str) -> Result<String, String> {
    match crate::net::is_dns_label(text) {
        true => Ok(text.to_owned()),
        false => Err("a namespace is named by lower-case letters, digits and `-`, at most 63 of them".to_owned()),
    }
}
