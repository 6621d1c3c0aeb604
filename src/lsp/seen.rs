//! A log that the project keeps: read once, and held against the program while it is written.

use super::edits::Replacements;
use super::overlay::Overlay;
use super::program::Program;
use crate::ask::Edit;
use crate::session::{FileSystem, KeptLog, LARGEST_KEPT_LOG, Project, reason};
use crate::source::{FileId, Span};
use crate::syntax::NodeKind;
use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::rc::Rc;

/// The log of a project as its file is.
pub(super) struct ProjectLog {
    path: PathBuf,
    /// As `polder.toml` names it.
    name: String,
    /// The look at the disk by which it was read.
    look: Cell<u64>,
    bytes: Result<Vec<u8>, String>,
    read: OnceCell<Result<KeptLog, String>>,
}

impl ProjectLog {
    /// The log that a project names. One that was read `before` is kept while the file is the same, and the file is not even
    /// looked at while nothing on the disk may have changed.
    pub(super) fn of(project: &Project, overlay: &Overlay, before: Option<Rc<ProjectLog>>) -> Option<Rc<ProjectLog>> {
        let (root, name) = (project.root.as_ref()?, project.config.replay.log.as_ref()?);
        let path = root.join(name);
        let before = before.filter(|before| before.path == path);
        if let Some(before) = before.as_ref().filter(|before| before.look.get() == overlay.look()) {
            return Some(Rc::clone(before));
        }
        let bytes = overlay.read(&path, LARGEST_KEPT_LOG).map_err(|error| reason(&error));
        if let Some(before) = before.filter(|before| before.bytes == bytes) {
            before.look.set(overlay.look());
            return Some(before);
        }
        let name = name.display().to_string();
        Some(Rc::new(ProjectLog { path, name, look: Cell::new(overlay.look()), bytes, read: OnceCell::new() }))
    }

    /// What is in it. The error is a sentence.
    pub(super) fn log(&self) -> Result<&KeptLog, String> {
        let read = self.read.get_or_init(|| {
            let bytes = self.bytes.as_ref().map_err(String::clone)?;
            KeptLog::read(&self.name, bytes)
        });
        read.as_ref().map_err(|why| format!("the log `{}` cannot be read: {why}", self.name))
    }
}

/// Where some edits go in the texts of a program; `None` where one of them has no place.
pub(super) fn places(program: &Program, edits: &[Edit]) -> Option<Replacements> {
    edits.iter().map(|edit| place(program, edit)).collect()
}

fn place(program: &Program, edit: &Edit) -> Option<(Span, String)> {
    let at = |file: FileId, offset: usize| Span::new(file, offset..offset);
    match edit {
        Edit::Line { namespace: None, text, .. } => {
            let file = *program.session().project().files.first()?;
            let before = program.text(file);
            let start = if before.ends_with('\n') || before.is_empty() { "\n" } else { "\n\n" };
            Some((at(file, before.len()), format!("{start}{text}\n")))
        }
        Edit::Line { namespace: Some(_), span, text } => {
            let span = (*span)?;
            let is_it = |kind: &NodeKind| match kind {
                NodeKind::Namespace(block) => block.names.iter().any(|name| name.span == span),
                _ => false,
            };
            let node = program.tree(span.file)?.nodes.iter().find(|node| is_it(&node.kind))?;
            let last = node.children().last().unwrap_or(node);
            let end = program.text(span.file).get(..closing_brace(program.text(span.file), last.span.end as usize)?)?;
            // On a line of its own, in front of the one that ends the block.
            let inside = end.trim_end_matches([' ', '\t']);
            Some(match inside.ends_with('\n') {
                true => (at(span.file, inside.len()), format!("  {text}\n")),
                false => (at(span.file, end.len()), format!("\n  {text}\n")),
            })
        }
        Edit::Flow { destination: (span, text), .. } => Some((*span, text.clone())),
        Edit::Port { first: Some(first), text, .. } => {
            Some((at(first.file, first.start as usize), format!("{text}, ")))
        }
        Edit::Port { first: None, span, text, .. } => {
            let rest = program.text(span.file).get(span.end as usize..)?;
            let open =
                rest.find(['{', '\n']).filter(|open| rest.get(*open..).is_some_and(|rest| rest.starts_with('{')))?;
            Some((at(span.file, span.end as usize + open + 1), format!(" {text} ")))
        }
    }
}

/// The first closing brace from a place on that is in no comment.
fn closing_brace(text: &str, from: usize) -> Option<usize> {
    let mut in_comment = false;
    for (at, character) in text.get(from..)?.char_indices() {
        match character {
            '#' => in_comment = true,
            '\n' => in_comment = false,
            '}' if !in_comment => return Some(from + at),
            _ => {}
        }
    }
    None
}

/// The line that the last of some edits writes, which is the flow.
pub(super) fn line(edits: &[Edit]) -> Option<&str> {
    match edits.last()? {
        Edit::Line { text, .. } | Edit::Port { text, .. } | Edit::Flow { text, .. } => Some(text),
    }
}
