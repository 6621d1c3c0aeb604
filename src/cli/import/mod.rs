//! `polder import`: from the policies that are there to a program that means the same.

mod folder;
mod human;
mod json;

use super::args::{AnswerFormat, Format, named};
use super::exit::Exit;
use super::report::{count, show, show_plain, tell_empty};
use super::terminal::Terminal;
use crate::diag::{Code, Diagnostic, Report, Severity};
use crate::net::is_dns_label;
use crate::session::{Disk, Import, LiftedPolicy, NotCarried, Told, reason};
use std::path::PathBuf;

/// What both formats are made of.
struct Reported<'a> {
    import: &'a Import,
    lifted: Vec<LiftedPolicy>,
    not_carried: Vec<NotCarried>,
    findings: Vec<Told>,
    overwritten: Vec<String>,
    /// The folder that the program goes to; `None` when it is printed.
    folder: Option<String>,
}

/// Turn NetworkPolicies that are there into a program that means exactly the same, proved side by side.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder import policies > shop.polder  a folder of policies
  kubectl get networkpolicies,namespaces -A -o json | polder import - -o network
                                        a whole cluster, a file for each namespace
  polder import chart.yaml --namespace shop
                                        objects that name no namespace

The exit code is 0 when every policy is in the program, and 1 when some were refused; then the rest is, and program and
refused policies together mean what was there before. It is 2 when there is no program.")]
pub(super) struct ImportArgs {
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

pub(super) fn run(args: &ImportArgs, terminal: &mut Terminal) -> Exit {
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => return terminal.refuse(&format!("cannot find the current folder: {}", reason(&error))),
    };
    let is_printed = args.output.as_os_str() == "-";
    let import = Import::load(&Disk, &folder, &named(&args.paths), args.namespace.as_deref(), !is_printed);
    tell_empty(&import.manifests, terminal);
    // A document takes only itself away; a text that cannot be read at all may hold any policy.
    let own_part = |code: Code| code.severity() == Severity::Warning || matches!(code, Code::E0501 | Code::E0503);
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
    let reported = Reported {
        lifted: import.lifted_policies(),
        not_carried: import.not_carried(),
        findings: import.findings(),
        overwritten: import.overwritten(),
        folder: (!is_printed).then(|| args.output.display().to_string()),
        import: &import,
    };
    let mut created = Vec::new();
    if !is_printed && !import.policies.is_empty() {
        match folder::write(&folder, &args.output, &import.files) {
            Ok(written) => created = written,
            Err(message) => return terminal.refuse(&message),
        }
    }
    match args.format {
        AnswerFormat::Json => {
            let program = is_printed.then(|| import.text());
            terminal.result(&json::document(&reported, program, &created));
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

impl Reported<'_> {
    /// What the import came to, in a line.
    fn summary(&self) -> String {
        let refused = match self.import.refused.len() {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        if self.lifted.is_empty() {
            return format!("no policy lifted{refused}");
        }
        let policies = count(self.lifted.len(), "policy");
        let namespaces = count(self.import.lifted.namespaces.len(), "namespace");
        format!("{policies} of {namespaces} lifted{refused}; what was lifted is proved to mean the same, side by side")
    }

    /// What to do next.
    fn next_steps(&self) -> Vec<String> {
        if self.lifted.is_empty() {
            return Vec::new();
        }
        let mut steps = vec![
            "read the program, and what there is to know of the policies".to_owned(),
            match &self.folder {
                Some(folder) => format!("`polder build {folder} -o {folder}/policies` writes the policies of the program"),
                None => "with the program in a file, `polder build FILE.polder -o policies` writes its policies".to_owned(),
            },
            "`polder diff --sides OLD NEW` compares them with those that are there".to_owned(),
            "apply the new policies first and delete the old ones afterwards: both mean the same, and so do they together"
                .to_owned(),
        ];
        if !self.overwritten.is_empty() {
            steps.push(format!(
                "the build uses these names, too, so it overwrites these policies and adds none: {}; apply the policies that deny \
                 by default first",
                self.overwritten.join(", ")
            ));
        }
        if !self.import.refused.is_empty() {
            steps.push(
                "keep the policies that were refused as they are: program and they together mean what was there"
                    .to_owned(),
            );
        }
        steps
    }
}

/// What is known of a key that is not in the program.
fn about_key(one: &NotCarried) -> String {
    let what = if one.annotation { "annotation" } else { "label" };
    let decides = if one.decides { ", which decides whether or where an object is applied" } else { "" };
    format!("{what} {} of {}{decides}", one.key, count(one.policies, "policy"))
}
