//! `polder import`: from the policies that are there to a program that means the same.

mod human;

use super::args::{AnswerFormat, Format, named, namespace_name};
use super::exit::Exit;
use super::json;
use super::live::LiveCluster;
use super::new_files::{self, WritingCommand};
use super::report::{count, show, show_plain, tell_empty};
use super::terminal::Terminal;
use crate::diag::{Code, Diagnostic, Report, Severity};
use crate::session::{Import, ImportOptions, ImportReport, NotCarried};
use std::path::PathBuf;

/// Turn NetworkPolicies that are there into a program that means exactly the same, proved side by side.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder import policies > shop.polder  a folder of policies
  polder import --cluster -o network    a whole cluster, a file for each namespace
  kubectl get networkpolicies,namespaces -A -o json | polder import - -o network
                                        the same through a pipe
  polder import chart.yaml --namespace shop
                                        objects that name no namespace
  polder import policies --workloads apps -o network
                                        with the names of what runs, and of its ports

The exit code is 0 when every policy is in the program, and 1 when some were refused; then the rest is, and program and
refused policies together mean what was there before. It is 2 when there is no program.")]
pub(super) struct ImportArgs {
    /// Files, folders or `-` for standard input: YAML or JSON with NetworkPolicies.
    #[arg(value_name = "PATH", required_unless_present = "cluster")]
    pub paths: Vec<PathBuf>,
    /// The folder to write, a file for each namespace; nothing that is there is overwritten. `-` prints the program.
    #[arg(short, long, value_name = "FOLDER", default_value = "-")]
    pub output: PathBuf,
    /// The namespace of policies that name none [default: default].
    #[arg(long, value_name = "NAME", value_parser = namespace_name)]
    pub namespace: Option<String>,
    /// What runs, as YAML: gives tiers the names of workloads where labels have none, and lists the named ports of containers
    /// where no flow names others; may be repeated.
    #[arg(long, value_name = "PATH", conflicts_with = "cluster")]
    pub workloads: Vec<PathBuf>,
    #[command(flatten)]
    pub live: LiveCluster,
    /// How to print the report: for people to standard error, or JSON with the program in it to standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
}

pub(super) fn run(args: &ImportArgs, terminal: &mut Terminal) -> Exit {
    let folder = match terminal.folder() {
        Ok(folder) => folder,
        Err(message) => return terminal.refuse(&message),
    };
    let is_printed = args.output.as_os_str() == "-";
    let mut paths = named(&args.paths);
    let mut workloads = named(&args.workloads);
    let live = args.live.named(!paths.is_empty(), "polder import -");
    if paths.is_empty() { &mut paths } else { &mut workloads }.extend(live);
    let options = ImportOptions {
        namespace: args.namespace.as_deref(),
        workloads: &workloads,
        apart: !is_printed,
        ..ImportOptions::default()
    };
    let import = Import::load(terminal.files().as_ref(), &folder, &paths, &options);
    tell_empty(&import.manifests, terminal);
    // A document takes only itself away; a text that cannot be read at all may hold any policy.
    let own_part =
        |code: Code| code.severity() == Severity::Warning || matches!(code, Code::E0003 | Code::E0501 | Code::E0503);
    let unreadable = import.manifests.diagnostics.iter().filter(|found| !own_part(found.code));
    let unreadable: Vec<Report> = unreadable.cloned().map(Report::from).collect();
    if !unreadable.is_empty() {
        show(&unreadable, &import.manifests.sources, Format::Human, terminal);
        return Exit::CannotAnswer;
    }
    if import.policies.is_empty() && import.refused.is_empty() {
        return terminal.refuse("there is no NetworkPolicy in what was named");
    }
    if let Some(why) = &import.failure {
        let message = format!("the program does not mean what the policies do: {why}; nothing was written");
        let help = "please report this, with the smallest policies that show it";
        show_plain(vec![Diagnostic::about(Code::E0900, message).with_help(help)], Format::Human, terminal);
        return Exit::CannotAnswer;
    }
    let reported = ImportReport::new(&import, (!is_printed).then(|| args.output.display().to_string()));
    let mut created = Vec::new();
    if !is_printed && !import.policies.is_empty() {
        match new_files::write(WritingCommand::IMPORT, &folder, &args.output, &import.files) {
            Ok(written) => created = written,
            Err(message) => return terminal.refuse(&message),
        }
    }
    match args.format {
        AnswerFormat::Json => {
            let program = is_printed.then(|| import.text());
            terminal.result(&json::document(&reported.document(program, &created)));
        }
        AnswerFormat::Human => {
            if is_printed {
                terminal.result(import.text());
            }
            created.iter().for_each(|path| terminal.line(&format!("created  {path}")));
            human::tell(&reported, terminal);
        }
    }
    if import.refused.is_empty() { Exit::Yes } else { Exit::No }
}

/// What is known of a key that is not in the program.
fn about_key(one: &NotCarried) -> String {
    let what = if one.annotation { "annotation" } else { "label" };
    let decides = if one.decides { ", which decides whether or where an object is applied" } else { "" };
    format!("{what} {} of {}{decides}", one.key, count(one.policies, "policy"))
}
