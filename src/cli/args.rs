//! The command line.

use crate::diag::Level;
use crate::policy::Layout;
use crate::session::Named;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  yes: done, no problems, the same
  1  no: the program has errors, or something differs
  2  no answer: bad usage, files that cannot be read or written, an internal error";

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
    #[command(visible_alias = "compile")]
    Build(Build),
    #[command(visible_alias = "validate")]
    Check(Check),
    #[command(visible_alias = "format")]
    Fmt(Fmt),
    Init(Init),
    Explain(Explain),
    #[command(visible_alias = "completion")]
    Completions(Completions),
    Man(Man),
    Version(Version),
}

/// Compile the program and bring the output folder up to date.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder build                          the project that this folder is in
  polder build -o - | kubectl apply -f -
                                        apply without writing files
  polder build --check                  in CI: fail when the folder is out of date
  polder build --diff                   what a build would change
  polder build --env staging -o staging/policies
                                        the same program for another environment
  polder build web.polder db.polder     a program of these files")]
pub(super) struct Build {
    #[command(flatten)]
    pub input: Input,
    /// The folder to write; `-` prints one YAML stream [default: `output` of polder.toml, else policies].
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// How to group policies [default: `layout` of polder.toml, else flow].
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<LayoutName>,
    /// Write kustomization.yaml files too.
    #[arg(long)]
    pub kustomize: bool,
    /// Write nothing; fail when the folder is not what would be written.
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Write nothing; print the differences of the text, and fail when there are any.
    #[arg(long)]
    pub diff: bool,
    /// Write nothing; print what a build would do.
    #[arg(long)]
    pub dry_run: bool,
    /// Build again whenever a source changes.
    #[arg(long, conflicts_with_all = ["check", "diff", "dry_run"])]
    pub watch: bool,
    /// Take over generated files that somebody edited; files of others are never touched.
    #[arg(long)]
    pub force: bool,
    /// Allow a build that leaves nothing where there was something.
    #[arg(long)]
    pub allow_empty: bool,
}

/// Check the program up to its policies and write nothing.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder check                          the project that this folder is in
  polder check --deny-warnings          warnings fail too
  polder check --format github          annotations on a pull request
  polder check --format sarif > polder.sarif
  polder check --workloads k8s/         does the program fit what runs?
  kubectl get ns,deploy,sts,ds,job,cronjob,svc -A -o yaml | polder check --workloads -
  polder check - < shop.polder          standard input")]
pub(super) struct Check {
    #[command(flatten)]
    pub input: Input,
    /// Manifests of what runs, to check the program against: files, folders or `-`. May be given again.
    #[arg(long, value_name = "PATH")]
    pub workloads: Vec<PathBuf>,
}

/// Rewrite sources in the one canonical form; what they say stays the same.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder fmt                            the project that this folder is in
  polder fmt --check                    in CI: fail when a file is in another form
  polder fmt --diff shop.polder         what would change
  polder fmt - < shop.polder            standard input to standard output")]
pub(super) struct Fmt {
    /// Files, folders or `-` for standard input [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing; list the files that would change, and fail when there are any.
    #[arg(long)]
    pub check: bool,
    /// Write nothing; print the differences, and fail when there are any.
    #[arg(long)]
    pub diff: bool,
    /// How to print diagnostics.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
}

/// Start a project: polder.toml, a program to start from, and a CI job.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder init
  polder init network --ci none")]
pub(super) struct Init {
    /// The folder of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// The CI system that gets a job.
    #[arg(long, value_name = "SYSTEM", default_value = "github")]
    pub ci: Ci,
}

/// Explain a code such as E0201; without one, list all codes.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder explain E0201
  polder explain")]
pub(super) struct Explain {
    /// The code.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder completions bash > ~/.local/share/bash-completion/completions/polder
  polder completions zsh > ~/.zfunc/_polder
  polder completions fish > ~/.config/fish/completions/polder.fish")]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Print the manual page, or write the pages of all commands.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder man | man -l -
  polder man --dir ~/.local/share/man/man1")]
pub(super) struct Man {
    /// The folder to write the pages to.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Print the version.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder version
  polder version --format json")]
pub(super) struct Version {
    /// How to print it.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: VersionFormat,
}

/// What is compiled, and what is said about it.
#[derive(Debug, Args)]
pub(super) struct Input {
    /// Files, folders or `-` for standard input [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The environment to compile for [default: `environment` of polder.toml, else none].
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// How to print diagnostics.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Make a warning an error.
    #[arg(short = 'D', long, value_name = "CODE", value_delimiter = ',', help_heading = "Warnings")]
    pub deny: Vec<String>,
    /// Keep a warning a warning.
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
}

impl Format {
    /// Whether a program reads it, so that the report is the result.
    pub fn is_for_machines(self) -> bool {
        !matches!(self, Format::Human | Format::Short)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LayoutName {
    /// One policy for each subject, direction and peer, each in its file
    Flow,
    /// One policy for each tier and direction, each in its file
    Tier,
    /// The policies of `tier`, one file for each namespace
    Namespace,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Flow => Layout::Flow,
            LayoutName::Tier => Layout::Tier,
            LayoutName::Namespace => Layout::Namespace,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    /// .github/workflows/polder.yml
    Github,
    /// .gitlab/polder.yml, to include
    Gitlab,
    /// No job
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VersionFormat {
    /// One line
    Text,
    /// JSON
    Json,
}

/// Paths of the command line, with `-` understood.
pub(super) fn named(paths: &[PathBuf]) -> Vec<Named> {
    let one = |path: &PathBuf| if path.as_os_str() == "-" { Named::Input } else { Named::Path(path.clone()) };
    paths.iter().map(one).collect()
}

impl Input {
    /// The paths, with `-` understood.
    pub fn named(&self) -> Vec<Named> {
        named(&self.paths)
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

impl Cli {
    /// Understands the command line.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let matches = Cli::command().try_get_matches_from(args)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        if let (Command::Build(Build { input, .. }) | Command::Check(Check { input, .. }), Some((_, inner))) =
            (&mut cli.command, matches.subcommand())
        {
            input.order(inner);
        }
        Ok(cli)
    }
}
