//! `polder build --watch`: builds again whenever a source changes.

use super::build::{BuildArgs, BuildOutcome, once};
use super::exit::Exit;
use super::open::places;
use super::terminal::Terminal;
use crate::session::{CONFIG_NAME, EXTENSION};
use notify::event::ModifyKind;
use notify::{Event, EventKind, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long it has to be quiet before a build begins: an editor saves in several steps.
const QUIET: Duration = Duration::from_millis(100);

type Events = Receiver<notify::Result<Event>>;

/// Builds, waits for a change, and builds again, until the process is interrupted.
pub(super) fn run(args: &BuildArgs, terminal: &mut Terminal) -> Exit {
    let (sender, events) = mpsc::channel();
    let watcher = notify::recommended_watcher(move |event| {
        // When the receiver is gone the process is about to end.
        let _ = sender.send(event);
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => return terminal.refuse(&format!("cannot watch files: {error}")),
    };
    let places = match places(&args.input, terminal) {
        Ok(places) => places,
        Err(message) => return terminal.refuse(&message),
    };
    // Watching begins before the first build, so that no change falls between the two.
    for (folder, mode) in folders(&places) {
        if let Err(error) = watcher.watch(&folder, mode) {
            return terminal.refuse(&format!("cannot watch `{}`: {error}", folder.display()));
        }
    }
    let mut announced = false;
    loop {
        let outcome = once(args, terminal);
        terminal.flush();
        if places.is_empty() {
            // There is no project, so nothing can change.
            return outcome.exit;
        }
        if !announced {
            terminal.note_line("watching for changes; Ctrl-C ends");
            announced = true;
        }
        if terminal.closed() || !wait(&events, &outcome, terminal) {
            return outcome.exit;
        }
    }
}

/// The folders to watch: a named file is watched by its folder, because editors replace files.
fn folders(places: &[PathBuf]) -> Vec<(PathBuf, RecursiveMode)> {
    let folder = |place: &PathBuf| {
        if place.is_dir() {
            return Some((place.clone(), RecursiveMode::Recursive));
        }
        place.parent().map(|parent| (parent.to_path_buf(), RecursiveMode::NonRecursive))
    };
    places.iter().filter_map(folder).collect()
}

/// Waits for a change of a source and for the quiet after it. Gives `false` when no change can come any more.
fn wait(events: &Events, outcome: &BuildOutcome, terminal: &mut Terminal) -> bool {
    let output = outcome.output.as_deref().map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.into()));
    let mut until: Option<Instant> = None;
    loop {
        let event = match until {
            None => events.recv().map_err(RecvTimeoutError::from),
            Some(until) => events.recv_timeout(until.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(Ok(event)) if matters(&event, output.as_deref()) => until = Some(Instant::now() + QUIET),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => terminal.note_line(&format!("watching: {error}")),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        if until.is_some_and(|until| until <= Instant::now()) {
            return true;
        }
    }
}

/// Whether something happened that can change the result: not a mere reading, and not our own writing.
fn matters(event: &Event, output: Option<&Path>) -> bool {
    if event.need_rescan() {
        return true;
    }
    if matches!(event.kind, EventKind::Access(_)) {
        return false;
    }
    // A folder that comes or goes takes its sources along, without a word about them.
    let moves = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) | EventKind::Any
    );
    event.paths.iter().any(|path| {
        let name = path.file_name().unwrap_or_default();
        let is_source = path.extension().is_some_and(|extension| extension == EXTENSION) || name == CONFIG_NAME;
        let decides = name == ".gitignore" || (moves && path.extension().is_none());
        is_source || (decides && !output.is_some_and(|output| path.starts_with(output)))
    })
}
