//! The command line.

use super::slips::place_of_command;
use crate::diag::{Level, Levels};
use crate::model::{Cni, CniVersion};
use crate::net::is_dns_label;
use crate::session::Layout;
use crate::session::{EnvironmentChoice, Named, Question, SaidOfCluster};
use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args, ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

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
    #[command(visible_alias = "compile")]
    Build(Build),
    #[command(visible_alias = "validate")]
    Check(Check),
    Reach(Reach),
    Can(Can),
    Why(Why),
    Blast(Blast),
    Test(Test),
    Diff(Diff),
    Lint(Lint),
    Import(Import),
    #[command(visible_alias = "format")]
    Fmt(Fmt),
    Init(Init),
    #[cfg(feature = "lsp")]
    Lsp(Lsp),
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
    /// The folder to write; `-` prints one YAML stream, with `--format json` one JSON list [default: `output` of polder.toml, else policies].
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
    #[arg(long, conflicts_with_all = ["check", "diff"])]
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

/// Show what is allowed: who may connect to whom, on which ports.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder reach                          everything that the program allows
  polder reach shop/web                 whom the web may connect to
  polder reach cluster shop/database    who may connect to the database
  polder reach internet 'shop/*:443'    what the internet reaches on one port
  polder reach --manifests deploy/      of any NetworkPolicies and workloads
  polder reach --format matrix")]
pub(super) struct Reach {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReachFormat {
    /// Lines of the language, by namespace
    Human,
    /// A matrix of who may connect to whom
    Matrix,
    /// JSON
    Json,
}

/// Say whether every pod of FROM may connect to every pod of TO: exit code 0 is yes, 1 no, 2 cannot tell.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder can shop/web shop/api:8080
  polder can web api:http               short names where they are clear
  polder can internet 'shop/*:443'
  polder can 'shop/{app=web,tier=front}' shop/database:5432/tcp
  polder can --manifests deploy/ shop/web 10.0.0.7:443")]
pub(super) struct Can {
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

/// Say why FROM may connect to TO or not: what isolates them, what lets them through, what would have to be written.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder why shop/web shop/api:8080
  polder why web database:5432          denied: the flow that would have to be written
  polder why 'shop/{app=web}' 10.0.0.7:443
  polder why --manifests deploy/ shop/web shop/database:5432

The exit code is 0 when there is an answer, allowed or denied; `polder can` says yes or no with it.")]
pub(super) struct Why {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WhyFormat {
    /// For people
    Human,
    /// One line for each fact: path:line:column: what it does
    Short,
    /// JSON
    Json,
}

/// Show how far somebody gets who has taken over a pod, hop by hop; with --to, who can get at a pod.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder blast shop/web
  polder blast shop/web --depth 1       only what can be reached at once
  polder blast --to shop/database
  polder blast shop/web --through dns   also from DNS servers on
  polder blast --manifests deploy/ shop/web")]
pub(super) struct Blast {
    /// Where it begins.
    #[arg(value_name = "FROM", required_unless_present = "to")]
    pub from: Option<String>,
    /// Go backwards: who can get there.
    #[arg(long, value_name = "TO", conflicts_with = "from")]
    pub to: Option<String>,
    /// The most hops to go.
    #[arg(long, value_name = "HOPS")]
    pub depth: Option<usize>,
    /// Whom to go through, too, who is otherwise the end of the way: the servers that pods ask for names.
    #[arg(long, value_name = "WHOM")]
    pub through: Option<Through>,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Through {
    /// DNS servers.
    Dns,
}

/// List the assertions of the program with their verdicts; `check` and `build` hold them too.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder test                           the project that this folder is in
  polder test --filter database         the assertions that hold this text
  polder test --workloads namespaces/   by the labels that the namespaces have
  polder test --format junit > polder.xml")]
pub(super) struct Test {
    /// Files, folders or `-` for standard input [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub environment: Environment,
    /// YAML with Namespace objects, whose labels decide where the program states none; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub workloads: Vec<PathBuf>,
    /// Only assertions with this text in them.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// How to print the verdicts.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: TestFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AnswerFormat {
    /// For people
    Human,
    /// JSON
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TestFormat {
    /// One line each, and the reasons
    Human,
    /// JSON
    Json,
    /// JUnit XML
    Junit,
}

/// Compare what two versions allow: connections and isolation, not text.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder diff --git HEAD                what the changes that are not committed yet allow and forbid
  polder diff --git origin/main network this branch, of the project in a folder
  polder diff --git v1..v2              two revisions
  polder diff old.polder new.polder
  polder diff live.yaml policies        any NetworkPolicies, and those of a build
  kubectl get netpol -A -o yaml | polder diff - policies
  polder diff --sides old.yaml network  whether one can replace the other, whatever else is there
  polder diff --git origin/main --format markdown --fail-on none > comment.md
                                        a comment for a pull request")]
pub(super) struct Diff {
    /// OLD and NEW: each a file or folder with a program or with YAML, or `-` for YAML on standard input. With `--git`,
    /// at most one [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Compare a Git revision with the working tree, or `OLD..NEW`, two revisions.
    #[arg(long, value_name = "REV")]
    pub git: Option<String>,
    /// Compare what each side of a connection would let through, whatever the other one says.
    #[arg(long, conflicts_with = "workloads")]
    pub sides: bool,
    #[command(flatten)]
    pub environment: Environment,
    /// YAML with what runs: compare for these pods and not for all that could exist; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub workloads: Vec<PathBuf>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// How to print the differences.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: DiffFormat,
    /// Which differences make the exit code 1.
    #[arg(long, value_name = "WHAT", default_value = "any")]
    pub fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// Lines of the language with what is responsible
    Human,
    /// JSON
    Json,
    /// A table for a pull request's comment
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Every one
    Any,
    /// Those that allow something, or may allow it, that was not allowed before
    Wider,
    /// None
    None,
}

/// Look for mistakes in NetworkPolicies, whoever wrote them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder lint policies                  the policies of a folder
  polder lint policies --workloads apps together with what they apply to
  kubectl get networkpolicies,pods,namespaces,services -A -o json | polder lint -
                                        a whole cluster
  polder lint policies --cni cilium     and what that CNI does in its own way
  polder lint policies --notes          matters of form and of choice, too
  polder lint policies --write-baseline .lint.json
  polder lint policies --baseline .lint.json
                                        start clean: tell only what was not there before
  polder lint policies -W W0205 -A W0213
                                        every port without a protocol is a warning, open blocks are none

A comment `# polder: allow(W0207): reason` silences that finding on the line below it. `[lint]` in polder.toml sets the same
for a whole project: `deny`, `warn`, `allow` with lists of codes, `notes = true`, `baseline`.
The exit code is 1 as soon as there is an error or a warning; notes leave it as it is.")]
pub(super) struct Lint {
    /// Files, folders or `-` for standard input: YAML or JSON with NetworkPolicies, and perhaps with what runs.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// More YAML, with what runs: workloads, Namespaces, Services, Ingresses; may be repeated.
    #[arg(long, value_name = "PATH")]
    pub workloads: Vec<PathBuf>,
    /// What was given is all that runs, so a policy or peer without pods is a mistake. Of what `kubectl get` lists, that is
    /// known without this.
    #[arg(long)]
    pub complete: bool,
    /// The CNI that has to enforce the policies.
    #[arg(long, value_name = "NAME[@VERSION]", value_parser = CniParser)]
    pub cni: Option<(Cni, Option<CniVersion>)>,
    /// How to print what was found.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Say notes, too: matters of form and of choice.
    #[arg(long, help_heading = "Warnings")]
    pub notes: bool,
    /// Mend what has one right mend (W0102, and W0205 where containers list the port), and tell the rest.
    #[arg(long, conflicts_with = "write_baseline")]
    pub fix: bool,
    /// Tell only what is not in this file [default: `baseline` of polder.toml].
    #[arg(long, value_name = "FILE", help_heading = "Warnings")]
    pub baseline: Option<PathBuf>,
    /// Write what is found to this file instead of telling it. Only a baseline is written over.
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", help_heading = "Warnings")]
    pub write_baseline: Option<PathBuf>,
    #[command(flatten)]
    pub warnings: Warnings,
}

/// Turn NetworkPolicies that are there into a program that means exactly the same, proved side by side.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder import policies > shop.polder  a folder of policies
  kubectl get networkpolicies,namespaces -A -o json | polder import - -o network
                                        a whole cluster, a file for each namespace
  polder import chart.yaml --namespace shop
                                        objects that name no namespace

The exit code is 0 when every policy is in the program, and 1 when some were refused; then the rest is, and program and
refused policies together mean what was there before. It is 2 when there is no program.")]
pub(super) struct Import {
    /// Files, folders or `-` for standard input: YAML or JSON with NetworkPolicies.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// The folder to write, a file for each namespace; nothing that is there is overwritten. `-` prints the program.
    #[arg(short, long, value_name = "FOLDER", default_value = "-")]
    pub output: PathBuf,
    /// The namespace of policies that name none [default: default].
    #[arg(long, value_name = "NAME", value_parser = namespace_name)]
    pub namespace: Option<String>,
    /// How to print the report: for people to standard error, or JSON with the program in it to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
}

/// Reads the name of a namespace.
fn namespace_name(text: &str) -> Result<String, String> {
    match is_dns_label(text) {
        true => Ok(text.to_owned()),
        false => Err("a namespace is named by lower-case letters, digits and `-`, at most 63 of them".to_owned()),
    }
}

/// Rewrite sources in the one canonical form; what they say stays the same. A file with a syntax error, or whose name does
/// not end in `.polder`, stays as it is.
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

impl Fmt {
    /// Whether it formats standard input.
    pub fn reads_input(&self) -> bool {
        self.paths.iter().any(|path| path.as_os_str() == "-")
    }
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

/// Serve an editor: the language server on standard input and output.
#[cfg(feature = "lsp")]
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  polder lsp                            what to give to an editor as the server's command")]
pub(super) struct Lsp {
    /// Standard input and output; there is no other way, and many editors ask for it.
    #[arg(long)]
    pub stdio: bool,
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
    pub fn choice(&self) -> EnvironmentChoice {
        match &self.env {
            Some(name) => EnvironmentChoice::Named(name.clone()),
            None if self.no_env => EnvironmentChoice::Without,
            None => EnvironmentChoice::Configured,
        }
    }
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
    #[arg(long, value_name = "PATH")]
    pub workloads: Vec<PathBuf>,
    #[command(flatten)]
    pub cluster: ClusterArgs,
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
    pub fn said(&self) -> SaidOfCluster {
        SaidOfCluster { cni: self.cni, blocks_match_pods: self.ipblock_matches_pods }
    }
}

/// Reads `cilium` or `cilium@1.18`.
#[derive(Debug, Clone)]
struct CniParser;

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
    pub fn question(&self) -> Question {
        Question {
            program: named(&self.program),
            environment: self.environment.choice(),
            manifests: named(&self.manifests),
            workloads: named(&self.workloads),
            cluster: self.cluster.said(),
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

impl LayoutName {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            LayoutName::Flow => "flow",
            LayoutName::Tier => "tier",
            LayoutName::Namespace => "namespace",
        }
    }
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

impl Ci {
    /// The folder at the root of a repository that holds the job.
    pub(super) fn folder(self) -> Option<&'static str> {
        match self {
            Ci::Github => Some(".github"),
            Ci::Gitlab => Some(".gitlab"),
            Ci::None => None,
        }
    }
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
}

impl Warnings {
    /// The levels; the error is a slip on the command line, in words.
    pub fn levels(&self) -> Result<Levels, String> {
        let mut levels = Levels::default();
        self.set(&mut levels)?;
        Ok(levels)
    }

    /// Sets the levels on top of others; the error is a slip on the command line, in words.
    pub fn set(&self, levels: &mut Levels) -> Result<(), String> {
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
pub(super) fn command() -> clap::Command {
    // What it has in common with `build` has another default.
    let help = "The environment to compile for [default: all that the program declares, and none of them unless polder.toml \
                names one]";
    let no_env = "Compile for no environment only";
    Cli::command().mut_subcommand("check", |check| {
        check.mut_arg("env", |env| env.help(help)).mut_arg("no_env", |flag| flag.help(no_env))
    })
}

impl Cli {
    /// Understands the command line.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let mut args: Vec<OsString> = args.into_iter().collect();
        help_as_an_option(&mut args);
        let matches = command().color(color_of(&args)).try_get_matches_from(args)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        if let (Command::Build(Build { input, .. }) | Command::Check(Check { input, .. }), Some((_, inner))) =
            (&mut cli.command, matches.subcommand())
        {
            input.warnings.order(inner);
        }
        if let (Command::Lint(Lint { warnings, .. }), Some((_, inner))) = (&mut cli.command, matches.subcommand()) {
            warnings.order(inner);
        }
        Ok(cli)
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
