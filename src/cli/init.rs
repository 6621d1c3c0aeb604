//! `polder init`: a project to start from. Overwrites nothing.

use super::args::{Ci, Init};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::session::{reason, shown};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("templates/polder.toml");
const PROGRAM: &str = include_str!("templates/main.polder");
const GITHUB: &str = include_str!("templates/github.yml");
const GITLAB: &str = include_str!("templates/gitlab.yml");

/// What stands in the CI jobs for the path of the project in the repository.
const PROJECT: &str = "PROJECT";

/// A file to write.
struct New {
    path: PathBuf,
    text: String,
}

pub(super) fn run(args: &Init, terminal: &mut Terminal) -> Exit {
    match write(args, terminal) {
        Ok(()) => Exit::Yes,
        Err(message) => terminal.refuse(&message),
    }
}

fn write(args: &Init, terminal: &mut Terminal) -> Result<(), String> {
    let here =
        std::env::current_dir().map_err(|error| format!("cannot find the current folder: {}", reason(&error)))?;
    let folder = here.join(&args.folder);
    let mut files = vec![
        New { path: folder.join("polder.toml"), text: CONFIG.to_owned() },
        New { path: folder.join("main.polder"), text: PROGRAM.to_owned() },
    ];
    match args.ci {
        Ci::Github => files.push(job(&folder, ".github/workflows/polder.yml", GITHUB)?),
        Ci::Gitlab => files.push(job(&folder, ".gitlab/polder.yml", GITLAB)?),
        Ci::None => {}
    }
    if let Some(taken) = files.iter().find(|file| file.path.symlink_metadata().is_ok()) {
        let hint = if taken.path.starts_with(&folder) && !taken.path.ends_with("polder.yml") {
            ""
        } else {
            "; `--ci none` leaves the CI job out"
        };
        return Err(format!("`{}` is already there, and nothing is overwritten{hint}", shown(&taken.path, &here)));
    }
    for file in &files {
        create(&file.path, &file.text)
            .map_err(|error| format!("cannot write `{}`: {}", shown(&file.path, &here), reason(&error)))?;
        terminal.line(&format!("created  {}", shown(&file.path, &here)));
    }
    next_steps(&shown(&folder, &here), args.ci, terminal);
    Ok(())
}

/// The CI job, which belongs to the root of the repository that `folder` is in.
fn job(folder: &Path, path: &str, template: &str) -> Result<New, String> {
    let root = folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder);
    let project = shown(folder, root);
    if !is_plain(&project) {
        return Err(format!("the path `{project}` cannot be written into a CI job; `--ci none` leaves the job out"));
    }
    let project = if project == "." { String::new() } else { format!("{project} ") };
    Ok(New { path: root.join(path), text: template.replace(&format!("{PROJECT} "), &project) })
}

/// Writes a file that must not be there yet.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

fn next_steps(folder: &str, ci: Ci, terminal: &mut Terminal) {
    let inside = |name: &str| if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
    let argument = if folder == "." { String::new() } else { format!(" {}", quoted(folder)) };
    let mut steps = vec![
        (format!("edit {}", quoted(&inside("main.polder"))), "write down what may talk to what"),
        (format!("polder build{argument}"), "write the policies"),
        (format!("git add {}", quoted(&inside("policies"))), "commit them with the program"),
    ];
    if ci != Ci::None {
        steps.push(("set POLDER_REPOSITORY".to_owned(), "where CI installs Polder from"));
    }
    if ci == Ci::Gitlab {
        steps.push(("include .gitlab/polder.yml".to_owned(), "in .gitlab-ci.yml"));
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

/// The path as a shell takes it.
fn quoted(path: &str) -> String {
    if is_plain(path) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}
