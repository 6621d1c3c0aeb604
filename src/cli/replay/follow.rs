//! `polder replay --follow`: each connection once, as soon as the log has it.

use super::human::{both, head, notes};
use super::told::ToldReplay;
use super::{ReplayArgs, ReplayFormat};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::replay::{Replay, ReplayChange};
use crate::session::{LogFile, Subject};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};

/// So many bytes are taken at once.
const AT_ONCE: usize = 4 << 20;

/// What comes while a log is followed.
enum Followed {
    Bytes(io::Result<Vec<u8>>),
    Ended,
}

/// Reads a log while it is written, and tells each connection once; one that turns out to be otherwise, once more.
pub(super) fn read<'s>(
    args: &ReplayArgs,
    logs: &[LogFile],
    subject: &'s Subject,
    terminal: &mut Terminal,
) -> Result<Replay<'s>, Exit> {
    let [log] = logs else { return Err(terminal.refuse("`--follow` reads one log: name one, or `-`")) };
    if args.format != ReplayFormat::Human {
        return Err(terminal.refuse("`--follow` prints lines for people; leave out `--format`, or `--follow`"));
    }
    let mut replay = args.log.replay(subject.running());
    let mut events =
        FollowedLog { events: events(log.clone()).map_err(|message| terminal.refuse(&message))?, is_ended: false };
    let mut told = ToldSoFar { subject, seen: BTreeMap::new(), kinds: 0 };
    let read = replay.follow(&log.name, &mut || events.next(), &mut |replay| {
        told.tell(replay, terminal);
        !terminal.closed()
    });
    crate::cli::log::stopped(log, read, terminal)?;
    // What the end of a log decides: whether it leaves out labels.
    told.kinds = 0;
    told.tell(&replay, terminal);
    Ok(replay)
}

/// The last lines.
pub(super) fn end(told: &ToldReplay<'_>, terminal: &mut Terminal) {
    terminal.note_line(&head(told.report));
    for remark in told.remarks() {
        terminal.note_line(&format!("note: {remark}"));
    }
}

/// A log on a thread of its own, and the signal to end.
fn events(log: LogFile) -> Result<Receiver<Followed>, String> {
    let (sender, events) = mpsc::channel();
    let at_end = sender.clone();
    ctrlc::set_handler(move || _ = at_end.send(Followed::Ended))
        .map_err(|error| format!("cannot wait for Ctrl-C: {error}"))?;
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || pump(&log, &sender))
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok(events)
}

/// Sends what a log has, until it ends or nobody listens any more.
fn pump(log: &LogFile, sender: &Sender<Followed>) {
    let mut input = match log.open() {
        Ok(input) => input,
        Err(error) => {
            let _ = sender.send(Followed::Bytes(Err(error)));
            return;
        }
    };
    loop {
        let event = match input.fill_buf() {
            Ok([]) => Followed::Ended,
            Ok(bytes) => Followed::Bytes(Ok(bytes.to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Followed::Bytes(Err(error)),
        };
        let read = match &event {
            Followed::Bytes(Ok(bytes)) => bytes.len(),
            Followed::Bytes(Err(_)) | Followed::Ended => 0,
        };
        input.consume(read);
        if sender.send(event).is_err() || read == 0 {
            return;
        }
    }
}

/// What comes of a log.
struct FollowedLog {
    events: Receiver<Followed>,
    is_ended: bool,
}

impl FollowedLog {
    /// All that has come meanwhile; nothing at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut all = Vec::new();
        while !self.is_ended && all.len() < AT_ONCE {
            // Only where nothing has come it is waited for.
            let event = match all.is_empty() {
                true => self.events.recv().map_err(drop),
                false => self.events.try_recv().map_err(drop),
            };
            match event {
                Ok(Followed::Bytes(bytes)) => all.extend(bytes?),
                Ok(Followed::Ended) => self.is_ended = true,
                Err(()) if all.is_empty() => self.is_ended = true,
                Err(()) => break,
            }
        }
        Ok((!all.is_empty()).then_some(all))
    }
}

/// The connections that were told.
struct ToldSoFar<'s> {
    subject: &'s Subject,
    /// What was said of each.
    seen: BTreeMap<[String; 3], ReplayChange>,
    /// How many kinds there were then.
    kinds: usize,
}

impl ToldSoFar<'_> {
    fn tell(&mut self, replay: &Replay<'_>, terminal: &mut Terminal) {
        if replay.kinds_of_connections() == self.kinds {
            return;
        }
        self.kinds = replay.kinds_of_connections();
        let report = replay.report_of_each(&self.subject.candidate());
        let told = ToldReplay::without_edits(self.subject, &report);
        for row in &told.rows {
            let key = [row.row.from.clone(), row.row.to.clone(), row.row.port.clone()];
            let known = self.seen.insert(key, row.row.change);
            if known == Some(row.row.change) {
                continue;
            }
            let (from, to) = both(row);
            let now = if known.is_some() { " after all" } else { "" };
            let notes = notes(&told, row).join("; ");
            let line = format!("{:<7}{now}  {from} -> {to}  {notes}", row.row.change.word());
            terminal.line(line.trim_end());
        }
        terminal.flush();
    }
}
