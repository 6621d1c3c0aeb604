//! Flow logs on the command line: what of them is read, and how.

use super::args::{QuestionArgs, named};
use super::exit::Exit;
use super::json::{unmodelled, unread};
use super::replay::{counted, left_out};
use super::terminal::Terminal;
use crate::replay::{LogFormat, PodsThatRun, Replay, ReplayOptions, ReplayReport, Stopped, parse_time, time_text};
use crate::session::{LogFile, Named, Subject, reason};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The logs.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Logs, folders of logs, or `-` for standard input [default: standard input].
    #[arg(value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Leave out what is older: a time as in `2026-11-23T08:00:00Z`, a day, or seconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<i64>,
    /// Leave out what is newer; a day counts from its first moment.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<i64>,
    /// The format of the logs [default: as the first line of each shows].
    #[arg(long, value_name = "NAME", value_parser = FormatParser)]
    pub log_format: Option<LogFormat>,
}

/// Reads the name of a format.
#[derive(Debug, Clone)]
pub(super) struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = LogFormat;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<LogFormat, clap::Error> {
        let names = LogFormat::ALL.map(|(_, name, _)| name);
        let name = PossibleValuesParser::new(names).parse_ref(command, arg, value)?;
        let known = LogFormat::ALL.into_iter().find(|(_, known, _)| *known == name);
        known.map(|(format, ..)| format).ok_or_else(|| command.clone().error(ErrorKind::InvalidValue, name))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(LogFormat::ALL.into_iter().map(|(_, name, help)| PossibleValue::new(name).help(help))))
    }
}

fn time(text: &str) -> Result<i64, String> {
    parse_time(text).ok_or_else(|| {
        "write a time as in `2026-11-23T08:00:00Z`, a day as in `2026-11-23`, or seconds since 1970".to_owned()
    })
}

pub(super) fn current_folder(terminal: &mut Terminal) -> Result<PathBuf, Exit> {
    terminal.folder().map_err(|message| terminal.refuse(&message))
}

impl LogArgs {
    /// The logs that are named, where the rest of the question may not read standard input, too.
    pub(super) fn find(&self, question: &QuestionArgs, terminal: &mut Terminal) -> Result<Vec<LogFile>, Exit> {
        let folder = current_folder(terminal)?;
        let mut logs = named(&self.logs);
        if logs.is_empty() {
            if std::io::stdin().is_terminal() {
                return Err(
                    terminal.refuse("which log? name one, as in `polder replay hubble.jsonl`, or pipe one into it")
                );
            }
            logs.push(Named::Input);
        }
        let reads_input = |paths: &[PathBuf]| paths.iter().any(|path| path.as_os_str() == "-");
        let others = [&question.program, &question.manifests, &question.workloads];
        if logs.contains(&Named::Input) && others.iter().any(|paths| reads_input(paths)) {
            return Err(terminal.refuse("standard input is one thing: the log, or what it is held against"));
        }
        LogFile::find(&logs, &folder).map_err(|message| terminal.refuse(&message))
    }

    /// Nothing yet, where these run.
    pub(super) fn replay<'c>(&self, running: PodsThatRun<'c>) -> Replay<'c> {
        Replay::new(running, ReplayOptions { format: self.log_format, since: self.since, until: self.until })
    }

    /// Reads them, where these run.
    pub(super) fn read<'c>(
        &self,
        logs: &[LogFile],
        running: PodsThatRun<'c>,
        terminal: &mut Terminal,
    ) -> Result<Replay<'c>, Exit> {
        let mut replay = self.replay(running);
        let mut progress = Progress::new(logs, terminal);
        for log in logs {
            read(&mut replay, log, &mut progress, terminal)?;
        }
        progress.end();
        Ok(replay)
    }
}

fn read(replay: &mut Replay<'_>, log: &LogFile, progress: &mut Progress, terminal: &mut Terminal) -> Result<(), Exit> {
    let read = log.open().map_err(Stopped::Io).and_then(|mut input| {
        replay.read(&log.name, &mut input, &mut |replay, _| {
            progress.tell(replay.lines());
            true
        })
    });
    if read.is_err() {
        progress.end();
    }
    stopped(log, read, terminal)
}

/// Says why a log was not read to its end.
pub(super) fn stopped(log: &LogFile, read: Result<(), Stopped>, terminal: &mut Terminal) -> Result<(), Exit> {
    let Err(stopped) = read else { return Ok(()) };
    let name = &log.name;
    match stopped {
        Stopped::Io(error) => Err(terminal.refuse(&format!("cannot read `{name}`: {}", reason(&error)))),
        Stopped::UnknownFormat(line) if log.is_named => {
            let formats: Vec<&str> = LogFormat::ALL.iter().map(|(_, name, _)| *name).collect();
            Err(terminal.refuse(&format!(
                "`{name}` begins like no log that is known: `{line}`; `--log-format` says which it is: {}",
                formats.join(", ")
            )))
        }
        Stopped::UnknownFormat(_) => {
            terminal.note_line(&format!("note: `{name}` begins like no log that is known, and is not read"));
            Ok(())
        }
        Stopped::TooMany => Err(terminal.refuse(&format!(
            "more than {} kinds of connections: ask about less of the log, with `--since` and `--until`",
            crate::replay::MOST_GROUPS
        ))),
        Stopped::Interrupted => Ok(()),
    }
}

/// Says why a log is no base for an answer.
pub(super) fn no_answer(report: &ReplayReport, terminal: &mut Terminal) -> Exit {
    let (lines, unreadable) = (report.lines, report.unreadable());
    if report.rows.is_empty() {
        let left_out = left_out(report).map(|text| format!(";{text}")).unwrap_or_default();
        let lines = counted(lines, "line");
        return terminal.refuse(&format!("no connection in {lines}, so there is no answer{left_out}"));
    }
    let line = report.left_out.get(&crate::replay::ReasonLeftOut::Unreadable).and_then(|lines| lines.first.first());
    let first = line.map(|line| format!(", first {}:{}", report.log(line), line.line)).unwrap_or_default();
    terminal.refuse(&format!("{unreadable} of {lines} lines cannot be read{first}, so there is no answer"))
}

/// Says on a terminal how far it is, where that takes a while.
struct Progress {
    started: Instant,
    told: Option<Instant>,
    is_on: bool,
}

impl Progress {
    /// So many lines are read between two looks at the clock.
    const EVERY: u64 = 16_384;

    fn new(logs: &[LogFile], terminal: &Terminal) -> Progress {
        let is_short = logs.iter().all(|log| log.size.is_some_and(|size| size < 1 << 20));
        let is_on = std::io::stderr().is_terminal() && !terminal.quiet() && !is_short;
        Progress { started: Instant::now(), told: None, is_on }
    }

    fn tell(&mut self, lines: u64) {
        if !self.is_on || !lines.is_multiple_of(Self::EVERY) {
            return;
        }
        let now = Instant::now();
        let waits = Duration::from_millis(if self.told.is_some() { 200 } else { 1000 });
        if now - self.told.unwrap_or(self.started) >= waits {
            self.told = Some(now);
            let text = format!("\r{lines} lines");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        }
    }

    fn end(&mut self) {
        if self.told.take().is_some() {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), b"\r\x1b[K");
        }
    }
}

/// A document about logs: what they are, and then its `own` members.
pub(super) fn about_logs(schema: &str, subject: &Subject, report: &ReplayReport, own: Value) -> Value {
    let mut document = json!({
        "schema": schema,
        "complete": subject.unmodelled().is_empty() && subject.unread().is_empty(),
        "unmodelled": unmodelled(subject.unmodelled()),
        "unread": unread(subject.unread()),
        "logs": report.logs,
        "formats": report.formats.iter().map(|format| format.name()).collect::<Vec<_>>(),
        "lines": report.lines,
        "lost": report.lost,
        "first": report.times.span.map(|(first, _)| time_text(first)),
        "last": report.times.span.map(|(_, last)| time_text(last)),
    });
    if let (Some(members), Value::Object(own)) = (document.as_object_mut(), own) {
        members.extend(own);
    }
    document
}
