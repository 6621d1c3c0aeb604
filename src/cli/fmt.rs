//! `polder fmt`: sources in the canonical form.

use super::args::{Format, named};
use super::exit::Exit;
use super::replace::{on_disk, replace, target};
use super::report::{count, show};
use super::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::diag::{self, Diagnostic, Report};
use crate::fmt::{self, Unformatted};
use crate::session::{Disk, EXTENSION, Project, not_a_program, reason, shown};
use crate::syntax;
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// Rewrite sources in the one canonical form; what they say stays the same. A file with a syntax error, or whose name does
/// not end in `.polder`, stays as it is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder fmt                            the project that this folder is in
  polder fmt --check                    in CI: fail when a file is in another form
  polder fmt --diff shop.polder         what would change
  polder fmt - < shop.polder            standard input to standard output")]
pub(super) struct FmtArgs {
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

impl FmtArgs {
    /// Whether it formats standard input.
    pub(super) fn reads_input(&self) -> bool {
        self.paths.iter().any(|path| path.as_os_str() == "-")
    }
}

pub(super) fn run(args: &FmtArgs, terminal: &mut Terminal) -> Exit {
    let folder = match terminal.folder() {
        Ok(folder) => folder,
        Err(message) => return terminal.refuse(&message),
    };
    let mut project = Project::load(&Disk, &folder, &named(&args.paths));
    let mut diagnostics = std::mem::take(&mut project.diagnostics);
    let Formattable { sources, left } = sort(&project, &folder, &mut diagnostics);
    diag::sort(&mut diagnostics, &project.sources);
    let reports: Vec<Report> = diagnostics.into_iter().map(Report::from).collect();
    show(&reports, &project.sources, args.format, terminal);
    let run = FmtRun { args, project: &project };
    let mut exit = Exit::of(&reports);
    let (mut changed, mut failed) = (0, false);
    for source in &sources {
        match run.finish(source, terminal) {
            Ok(true) => changed += 1,
            Ok(false) => {}
            Err(message) => {
                exit = exit.max(terminal.refuse(&message));
                failed = true;
            }
        }
    }
    for name in &left {
        terminal.note_line(&format!("left as it is  {name}: not all of it is understood"));
    }
    if (args.check || args.diff) && changed > 0 {
        exit = exit.max(Exit::No);
    }
    let prints = args.diff || (project.paths.iter().any(Option::is_none) && !args.check);
    if !prints && !failed && project.file_count > 0 {
        let changed = match (changed, args.check) {
            (0, _) => None,
            (changed, true) => Some(format!("{changed} to format")),
            (changed, false) => Some(format!("{changed} formatted")),
        };
        let left = (!left.is_empty()).then(|| format!("{} left as it is", left.len()));
        let parts: Vec<String> = changed.into_iter().chain(left).collect();
        let what = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
        terminal.line(&format!("{}: {what}", count(project.file_count, "file")));
    }
    exit
}

/// A source and its canonical form.
struct Source<'a> {
    /// `None` is standard input.
    path: Option<&'a Path>,
    name: &'a str,
    text: &'a str,
    formatted: String,
}

/// What can be formatted, and what has to stay as it is.
#[derive(Default)]
struct Formattable<'a> {
    sources: Vec<Source<'a>>,
    /// The names of the files in which something is not understood.
    left: Vec<&'a str>,
}

/// Formats all files. What keeps one from that is added to the diagnostics.
fn sort<'a>(project: &'a Project, folder: &Path, diagnostics: &mut Vec<Diagnostic>) -> Formattable<'a> {
    let mut sorted = Formattable::default();
    for (id, path) in project.files.iter().zip(&project.paths) {
        let Some(file) = project.sources.file(*id) else { continue };
        let path = path.as_deref();
        // Nobody meant that, and what another language makes of other spaces nobody here knows.
        if let Some(other) = path.filter(|path| path.extension().is_none_or(|end| end != EXTENSION)) {
            diagnostics.push(not_a_program(other, &shown(other, folder)));
            continue;
        }
        let parsed = syntax::parse(&project.sources, *id);
        match fmt::format(&project.sources, &parsed) {
            Ok(formatted) => {
                sorted.sources.push(Source { path, name: &file.path, text: &file.text, formatted });
            }
            Err(Unformatted::NotUnderstood) => sorted.left.push(&file.path),
            Err(Unformatted::NotProved(problem)) => diagnostics.push(*problem),
        }
        diagnostics.extend(parsed.diagnostics);
    }
    sorted
}

struct FmtRun<'a> {
    args: &'a FmtArgs,
    project: &'a Project,
}

impl FmtRun<'_> {
    /// Does with one source what was asked for, and says whether it was in another form. The error is in words.
    fn finish(&self, source: &Source<'_>, terminal: &mut Terminal) -> Result<bool, String> {
        let original = match source.path {
            Some(path) => on_disk(path, source.name, source.text)?,
            None => source.text.to_owned(),
        };
        let changes = original != source.formatted;
        if self.args.diff {
            if changes {
                terminal.result(&difference(source.name, &original, &source.formatted));
            }
        } else if self.args.check {
            if changes {
                terminal.line(&format!("would format  {}", source.name));
            }
        } else if let Some(path) = source.path {
            if changes {
                let written = target(path, self.project.root.as_deref())
                    .and_then(|target| replace(&target, &original, &source.formatted));
                written.map_err(|error| format!("cannot write `{}`: {}", source.name, reason(&error)))?;
                terminal.line(&format!("formatted  {}", source.name));
            }
        } else {
            terminal.result(&source.formatted);
        }
        Ok(changes)
    }
}

/// The change as a patch, whose paths are those that the user would type.
fn difference(name: &str, before: &str, after: &str) -> String {
    let name = sanitize(name);
    let diff = TextDiff::from_lines(before, after).unified_diff().header(&name, &name).to_string();
    diff.lines().map(|line| format!("{}\n", sanitize(line))).collect()
}
