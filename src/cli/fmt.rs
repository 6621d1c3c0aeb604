//! `polder fmt`: sources in the canonical form.

use super::args::{Fmt, named};
use super::exit::Exit;
use super::report::{Stream, count, show};
use super::terminal::Terminal;
use crate::diag::render::sanitize;
use crate::diag::{self, Diagnostic, Report};
use crate::session::{Disk, Project, reason};
use crate::{fmt, syntax};
use similar::TextDiff;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(super) fn run(args: &Fmt, terminal: &mut Terminal) -> Exit {
    let folder = match std::env::current_dir() {
        Ok(folder) => folder,
        Err(error) => return terminal.refuse(&format!("cannot find the current folder: {}", reason(&error))),
    };
    let mut project = Project::load(&Disk, &folder, &named(&args.paths));
    let mut diagnostics = std::mem::take(&mut project.diagnostics);
    let sources = sources(&project, &mut diagnostics);
    diag::sort(&mut diagnostics, &project.sources);
    let reports: Vec<Report> = diagnostics.into_iter().map(Report::from).collect();
    show(&reports, &project.sources, args.format, Stream::Err, terminal);
    let run = Run { args, project: &project };
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
    if (args.check || args.diff) && changed > 0 {
        exit = exit.max(Exit::No);
    }
    let prints = args.diff || (sources.iter().any(|source| source.path.is_none()) && !args.check);
    if !prints && !failed && project.file_count > 0 {
        let change = match (changed, args.check) {
            (0, _) => "nothing to do".to_owned(),
            (changed, true) => format!("{changed} to format"),
            (changed, false) => format!("{changed} formatted"),
        };
        terminal.line(&format!("{}: {change}", count(project.file_count, "file")));
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

/// Formats all files. Mistakes of the syntax are added to the diagnostics; a file whose form cannot be proved is left out.
fn sources<'a>(project: &'a Project, diagnostics: &mut Vec<Diagnostic>) -> Vec<Source<'a>> {
    let mut sources = Vec::new();
    for (id, path) in project.files.iter().zip(&project.paths) {
        let Some(file) = project.sources.file(*id) else { continue };
        let parsed = syntax::parse(&project.sources, *id);
        diagnostics.extend(parsed.diagnostics);
        match fmt::format(&project.sources, &parsed.tree) {
            Ok(formatted) => {
                sources.push(Source { path: path.as_deref(), name: &file.path, text: &file.text, formatted });
            }
            Err(problem) => diagnostics.push(problem),
        }
    }
    sources
}

struct Run<'a> {
    args: &'a Fmt,
    project: &'a Project,
}

impl Run<'_> {
    /// Does with one source what was asked for, and says whether it was in another form. The error is in words.
    fn finish(&self, source: &Source<'_>, terminal: &mut Terminal) -> Result<bool, String> {
        let original = self.original(source)?;
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
                let written = self.target(path).and_then(|target| replace(&target, &original, &source.formatted));
                written.map_err(|error| format!("cannot write `{}`: {}", source.name, reason(&error)))?;
                terminal.line(&format!("formatted  {}", source.name));
            }
        } else if !source.formatted.contains(syntax::is_forbidden) {
            // What must not stand in a source does not go to a terminal either; it has been reported.
            terminal.result(&source.formatted);
        }
        Ok(changes)
    }

    /// What the file holds: a byte order mark, which is no part of a source's text, goes too.
    fn original(&self, source: &Source<'_>) -> Result<String, String> {
        let Some(path) = source.path else { return Ok(source.text.to_owned()) };
        let text =
            fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {}", source.name, reason(&error)))?;
        if text == source.text || text.strip_prefix('\u{feff}') == Some(source.text) {
            Ok(text)
        } else {
            Err(format!("`{}` was changed by somebody else meanwhile; it is left as it is", source.name))
        }
    }

    /// The file behind a path. A symbolic link is followed within the project only.
    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        let target = fs::canonicalize(path)?;
        if !fs::symlink_metadata(path)?.is_symlink() {
            return Ok(target);
        }
        let root = match &self.project.root {
            Some(root) => root.clone(),
            None => path.parent().map(Path::to_path_buf).unwrap_or_default(),
        };
        if target.starts_with(fs::canonicalize(root)?) {
            Ok(target)
        } else {
            Err(io::Error::other("it is a symbolic link that leads out of the project"))
        }
    }
}

/// Puts a new text in the place of a file at once: whoever reads it sees the old text or the new one.
fn replace(target: &Path, original: &str, formatted: &str) -> io::Result<()> {
    let permissions = fs::metadata(target)?.permissions();
    if permissions.readonly() {
        return Err(io::Error::other("it is read-only"));
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = target.with_file_name(name);
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let moved = fill(file, formatted, permissions).and_then(|()| {
        if fs::read(target)? != original.as_bytes() {
            return Err(io::Error::other("somebody else changed it meanwhile"));
        }
        fs::rename(&temporary, target)
    });
    if moved.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    moved
}

fn fill(mut file: File, text: &str, permissions: fs::Permissions) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.set_permissions(permissions)?;
    file.sync_all()
}

/// The change as a patch, whose paths are those that the user would type.
fn difference(name: &str, before: &str, after: &str) -> String {
    let name = sanitize(name);
    let diff = TextDiff::from_lines(before, after).unified_diff().header(&name, &name).to_string();
    diff.lines().map(|line| format!("{}\n", sanitize(line))).collect()
}
