//! `polder init`: a project to start from. Overwrites nothing.

mod from;
mod told;

use super::args::{AnswerFormat, namespace_name};
use super::exit::Exit;
use super::live::DeployedCluster;
use super::log::FormatParser;
use super::terminal::Terminal;
use crate::netpol::{Policy, PolicyKind};
use crate::replay::LogFormat;
use crate::session::{
    CONFIG_NAME, Disk, EXTENSION, FileSystem as _, Manifests, Named, normal, reason, shell_word, shown,
};
use clap::ArgGroup;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("../templates/polder.toml");
const PROGRAM: &str = include_str!("../templates/main.polder");
const GITHUB: &str = include_str!("../templates/github.yml");
const GITLAB: &str = include_str!("../templates/gitlab.yml");

/// What stands in the CI jobs for the path of the project in the repository.
const PROJECT: &str = "PROJECT";

/// Where Polder comes from, which CI installs it from.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// A file to write.
struct New {
    path: PathBuf,
    text: String,
}

/// Start a project: polder.toml, a program to start from, and a CI job.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("deployed").args(["from", "from_cluster"]).multiple(true))]
#[command(after_long_help = "\
Examples:
  polder init
  polder init network --ci none
  helm template shop ./chart --namespace shop | polder init --from - network
                                        a program to start from, out of what is deployed
  kubectl kustomize deploy | polder init --from -
  polder init --from deploy network --log hubble.jsonl
                                        the manifests of a folder, held against last week's connections
  polder init --from-cluster network    what is deployed in the cluster, as kubectl lists it")]
pub(super) struct InitArgs {
    /// The folder of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
    /// The CI system that gets a job [default: github, with `--from` none].
    #[arg(long, value_name = "SYSTEM")]
    pub ci: Option<Ci>,
    /// Manifests of what is deployed, files, folders or `-` for standard input: instead of a sample, the program has a tier for
    /// those who are deployed, and the flows that their Services, Ingresses, monitors and settings show, with what shows them;
    /// may be repeated.
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    #[command(flatten)]
    pub live: DeployedCluster,
    /// Flow logs, as `polder replay` takes them, with `--from`: what they show is no guess; may be repeated.
    #[arg(long, value_name = "LOG", requires = "deployed")]
    pub log: Vec<PathBuf>,
    /// The format of the logs [default: as the first line of each shows].
    #[arg(long, value_name = "NAME", value_parser = FormatParser, requires = "log")]
    pub log_format: Option<LogFormat>,
    /// The namespace of objects that name none, with `--from` [default: default].
    #[arg(long, value_name = "NAME", value_parser = namespace_name, requires = "deployed")]
    pub namespace: Option<String>,
    /// How to print what was written, with `--from`.
    #[arg(long, value_name = "FORMAT", default_value = "human", requires = "deployed")]
    pub format: AnswerFormat,
}

/// The folder of a new project.
struct ProjectFolder {
    /// The current folder.
    here: PathBuf,
    /// That of the project.
    folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
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

pub(super) fn run(args: &InitArgs, terminal: &mut Terminal) -> Exit {
    if !args.from.is_empty() || args.live.from_cluster {
        return from::run(args, terminal);
    }
    match write(args, terminal) {
        Ok(()) => Exit::Yes,
        Err(message) => terminal.refuse(&message),
    }
}

/// Where the project goes, where one can be there.
fn project_folder(args: &InitArgs, terminal: &Terminal) -> Result<ProjectFolder, String> {
    let here = terminal.folder()?;
    let folder = normal(&here.join(&args.folder));
    if let Some(outer) = folder.ancestors().skip(1).map(|above| above.join(CONFIG_NAME)).find(|path| path.is_file()) {
        // The outer project takes in every file below it, so one program would become two.
        let inner = inside(&shown(&folder, &here), "NAME.polder");
        return Err(format!(
            "`{}` makes the folder part of a project already: add files such as `{}` to that one, or choose a folder \
             outside of it",
            shown(&outer, &here),
            shell_word(&inner)
        ));
    }
    let is_project = |path: &PathBuf| path.ends_with(CONFIG_NAME) && path.parent() != Some(&*folder);
    if let Some(inner) = Disk.walk(&folder, "toml").files.into_iter().find(is_project) {
        return Err(format!(
            "`{}` makes a folder below a project already, and its files would belong to both: choose a folder beside it",
            shown(&inner, &here)
        ));
    }
    if let Some(file) = folder.ancestors().find(|path| path.is_file()) {
        let file = shown(file, &here);
        return Err(format!(
            "`{file}` is a file: `polder init` takes the folder of the project, and without one the current"
        ));
    }
    Ok(ProjectFolder { here, folder })
}

/// The CI job that was asked for, as a file.
fn jobs(ci: Ci, folder: &Path) -> Result<Option<New>, String> {
    Ok(match ci {
        Ci::Github => Some(job(folder, ".github/workflows/polder.yml", GITHUB)?),
        Ci::Gitlab => Some(job(folder, ".gitlab/polder.yml", GITLAB)?),
        Ci::None => None,
    })
}

/// What is wrong with files that are there already.
fn taken(files: &[New], ProjectFolder { here, folder }: &ProjectFolder) -> Result<(), String> {
    let Some(taken) = files.iter().find(|file| file.path.symlink_metadata().is_ok()) else { return Ok(()) };
    let hint = if taken.path.starts_with(folder) && !taken.path.ends_with("polder.yml") {
        ""
    } else {
        "; `--ci none` leaves the CI job out"
    };
    Err(format!("`{}` is already there, and nothing is overwritten{hint}", shown(&taken.path, here)))
}

fn write(args: &InitArgs, terminal: &mut Terminal) -> Result<(), String> {
    let ci = args.ci.unwrap_or(Ci::Github);
    let place = project_folder(args, terminal)?;
    let ProjectFolder { here, folder } = &place;
    // A sample beside a program would be part of it.
    let programs = Disk.walk(folder, EXTENSION).files;
    let policies = if programs.is_empty() { policies_of_others(folder) } else { 0 };
    let mut files = vec![New { path: folder.join("polder.toml"), text: of_release(CONFIG) }];
    if programs.is_empty() && policies == 0 {
        files.push(New { path: folder.join("main.polder"), text: PROGRAM.to_owned() });
    }
    files.extend(jobs(ci, folder)?);
    taken(&files, &place)?;
    for file in &files {
        create(&file.path, &file.text)
            .map_err(|error| format!("cannot write `{}`: {}", shown(&file.path, here), reason(&error)))?;
        terminal.line(&format!("created  {}", shown(&file.path, here)));
    }
    let loose = repository(folder).is_none();
    let beginning = match programs.first() {
        Some(path) => Beginning::Program(shown(path, here)),
        None if policies > 0 => Beginning::Policies(policies),
        None => Beginning::Sample,
    };
    next_steps(&shown(folder, here), &beginning, ci, loose, terminal);
    Ok(())
}

/// What there is to begin with.
enum Beginning {
    /// The sample that was written.
    Sample,
    /// A file of a program that was there before.
    Program(String),
    /// So many NetworkPolicies.
    Policies(usize),
}

/// How many NetworkPolicies are in a folder, without those that a program becomes.
fn policies_of_others(folder: &Path) -> usize {
    let manifests = Manifests::load(&Disk, folder, &[Named::Path(folder.to_path_buf())], "default");
    let is_of_others = |policy: &&Policy| policy.kind == PolicyKind::NetworkPolicy && policy.statements.is_empty();
    manifests.policies.policies.iter().filter(is_of_others).count()
}

/// The root of the Git repository that a folder is in.
fn repository(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| above.join(".git").exists())
}

/// The CI job, which belongs to the root of the repository that `folder` is in.
fn job(folder: &Path, path: &str, template: &str) -> Result<New, String> {
    let root = repository(folder).unwrap_or(folder);
    let project = shown(folder, root);
    if !is_plain(&project) {
        return Err(format!("the path `{project}` cannot be written into a CI job; `--ci none` leaves the job out"));
    }
    Ok(New { path: root.join(path), text: in_job(template, &project) })
}

/// A template with the address and the version of this release in it.
fn of_release(template: &str) -> String {
    let action = REPOSITORY.trim_start_matches("https://github.com/");
    template
        .replace("ACTION", action)
        .replace("RELEASES", &format!("{REPOSITORY}/releases"))
        .replace("VERSION", env!("CARGO_PKG_VERSION"))
}

/// The text of a CI job for the project at this path from the root of its repository.
fn in_job(template: &str, project: &str) -> String {
    let text = of_release(template);
    if project != "." {
        return text.replace(PROJECT, project);
    }
    // The root is what is taken without it.
    text.replace(&format!("        with:\n          project: {PROJECT}\n"), "").replace(&format!("{PROJECT} "), "")
}

/// Writes a file that must not be there yet.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// A path below a folder.
fn inside(folder: &str, name: &str) -> String {
    if folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}

/// `loose` says that the folder is in no Git repository yet: CI
/// only reads the root of one.
fn next_steps(folder: &str, beginning: &Beginning, ci: Ci, loose: bool, terminal: &mut Terminal) {
    let inside = |name: &str| inside(folder, name);
    let argument = if folder == "." { String::new() } else { format!(" {}", shell_word(folder)) };
    let mut steps = vec![
        match beginning {
            Beginning::Sample => {
                (format!("edit {}", shell_word(&inside("main.polder"))), "write down what may talk to what".to_owned())
            }
            Beginning::Program(path) => (
                format!("polder check{argument}"),
                format!("look at the program that is there already, such as {}", shell_word(path)),
            ),
            Beginning::Policies(count) => {
                let folder = shell_word(folder);
                let are =
                    if *count == 1 { "1 NetworkPolicy is".to_owned() } else { format!("{count} NetworkPolicies are") };
                let purpose = format!("{are} here already: turn them into a program that means the same");
                (format!("polder import {folder} -o {folder}"), purpose)
            }
        },
        (format!("polder build{argument}"), "write the policies".to_owned()),
        (format!("git add {}", shell_word(&inside("policies"))), "commit them with the program".to_owned()),
    ];
    if ci == Ci::Gitlab {
        steps.push(("include .gitlab/polder.yml".to_owned(), "in .gitlab-ci.yml".to_owned()));
    }
    if let (true, Some(jobs)) = (loose && folder != "." && !folder.starts_with(".."), ci.folder()) {
        let purpose =
            format!("here if this folder becomes the repository, and run `polder build{argument}` in its job");
        steps.push((format!("move {}", shell_word(&inside(jobs))), purpose));
    }
    terminal.line("");
    terminal.line("Next:");
    let width = steps.iter().map(|(step, _)| step.len()).max().unwrap_or_default();
    for (step, purpose) in steps {
        terminal.line(&format!("  {step:width$}  {purpose}"));
    }
}

/// Whether a shell and YAML take the path for one word.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !path.starts_with('-') && path.bytes().all(plain)
}
