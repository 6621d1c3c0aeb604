//! The two streams. Everything that is printed goes through here.

use super::args::Color;
#[cfg(feature = "cli")]
use super::args::Global;
use super::document::{MachineDocument, Stream};
use super::exit::Exit;
use crate::diag::render::sanitize;
use crate::diag::{Code, Diagnostic, Report};
#[cfg(feature = "cli")]
use crate::session::Machine;
use crate::session::{FileSystem, reason};
use crate::source::Sources;
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{self, Write};
#[cfg(feature = "cli")]
use std::io::{BufWriter, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;

/// The files that a command sees, and where among them it was called.
pub(super) struct Workplace {
    /// The files.
    pub files: Rc<dyn FileSystem>,
    /// The current folder; `None` is that of the process.
    pub folder: Option<PathBuf>,
}

#[cfg(feature = "cli")]
impl Workplace {
    /// The files of the machine, where the process is.
    fn of_the_process() -> Workplace {
        Workplace { files: Rc::new(Machine::new(say_at_once)), folder: None }
    }
}

/// Standard output for results, standard error for messages.
pub(super) struct Terminal {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_color: bool,
    err_color: bool,
    quiet: bool,
    closed: bool,
    failure: Option<io::Error>,
    /// What a program reads; none for people.
    document: Option<MachineDocument>,
    /// Whether the result was printed.
    answered: bool,
    workplace: Workplace,
}

impl Terminal {
    /// The streams of the process.
    #[cfg(feature = "cli")]
    pub(super) fn new(global: &Global, document: Option<MachineDocument>) -> Terminal {
        let (out, err) = (io::stdout(), io::stderr());
        let variable = |name: &str| std::env::var_os(name);
        Terminal {
            out_color: wants_color(global.color, out.is_terminal(), variable),
            err_color: wants_color(global.color, err.is_terminal(), variable),
            out: Box::new(BufWriter::new(out)),
            err: Box::new(BufWriter::new(err)),
            quiet: global.quiet,
            closed: false,
            failure: None,
            document,
            answered: false,
            workplace: Workplace::of_the_process(),
        }
    }

    /// Prints both streams into one memory.
    pub(super) fn in_memory(document: Option<MachineDocument>, workplace: Workplace) -> (Terminal, Said) {
        let said = Said::default();
        let terminal = Terminal { document, ..Terminal::on(said.clone(), said.clone(), workplace) };
        (terminal, said)
    }

    fn on(out: impl Write + 'static, err: Said, workplace: Workplace) -> Terminal {
        Terminal {
            out: Box::new(out),
            err: Box::new(err),
            out_color: false,
            err_color: false,
            quiet: false,
            closed: false,
            failure: None,
            document: None,
            answered: false,
            workplace,
        }
    }

    /// The files that there are.
    pub(super) fn files(&self) -> Rc<dyn FileSystem> {
        Rc::clone(&self.workplace.files)
    }

    /// The current folder; the error is a sentence.
    pub(super) fn folder(&self) -> Result<PathBuf, String> {
        if let Some(folder) = &self.workplace.folder {
            return Ok(folder.clone());
        }
        std::env::current_dir().map_err(|error| format!("cannot find the current folder: {}", reason(&error)))
    }

    /// Whether standard output takes colours.
    pub(super) fn out_color(&self) -> bool {
        self.out_color
    }

    /// Whether standard error takes colours.
    pub(super) fn err_color(&self) -> bool {
        self.err_color
    }

    /// Whether only errors are to be said.
    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    /// Whether nobody reads standard output any more.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// The result itself, already free of control characters: YAML, JSON, a page.
    pub(super) fn result(&mut self, text: &str) {
        self.answered = true;
        if self.closed || self.failure.is_some() {
            return;
        }
        let written = self.out.write_all(text.as_bytes());
        self.note(written);
    }

    /// Takes reports into the document, if there is to be one.
    pub(super) fn gather(&mut self, reports: &[Report], sources: &Sources) {
        if let Some(document) = &mut self.document {
            document.gather(reports, sources);
        }
    }

    /// A line of the result about what was done. Left out when only errors are wanted.
    pub(super) fn line(&mut self, text: &str) {
        if self.document.as_ref().is_some_and(MachineDocument::takes_output) {
            return self.note_line(text);
        }
        if !self.quiet {
            self.result(&format!("{}\n", sanitize(text)));
        }
    }

    /// Diagnostics, already rendered. Left out where the document is the one thing on standard error.
    pub(super) fn diagnostics(&mut self, text: &str) {
        self.flush();
        if self.document.as_ref().is_some_and(|document| document.stream == Stream::Err) {
            return;
        }
        // When nobody reads the messages, there is nobody to tell so.
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// A line on standard error that is no diagnostic. Left out when only errors are wanted.
    pub(super) fn note_line(&mut self, text: &str) {
        if !self.quiet {
            self.diagnostics(&format!("{}\n", sanitize(text)));
        }
    }

    /// Says why a command cannot do what was asked.
    pub(super) fn refuse(&mut self, text: &str) -> Exit {
        self.gather(&[Diagnostic::about(Code::E0411, text).into()], &Sources::default());
        self.diagnostics(&format!("error: {}\n", sanitize(text)));
        Exit::CannotAnswer
    }

    /// Lets everything out that was printed so far.
    pub(super) fn flush(&mut self) {
        if !self.closed && self.failure.is_none() {
            let flushed = self.out.flush();
            self.note(flushed);
        }
    }

    /// The last word: a result that could not be printed is no success, unless its reader went away on purpose.
    pub(super) fn finish(mut self, exit: Exit) -> Exit {
        let document = self.document.take();
        let text = document.as_ref().and_then(|document| Some((document.text(self.answered)?, document.stream)));
        match text {
            Some((text, Stream::Out)) => self.result(&text),
            Some((text, Stream::Err)) => self.diagnostics(&text),
            None => {}
        }
        self.flush();
        match self.failure.take() {
            Some(error) => self.refuse(&format!("cannot write to standard output: {}", reason(&error))),
            None => exit,
        }
    }

    fn note(&mut self, written: io::Result<()>) {
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => self.failure = Some(error),
        }
    }
}

/// Says something while another program runs, which may wait for the answer to it.
#[cfg(feature = "cli")]
fn say_at_once(text: &str) {
    let shown: String = text.split_inclusive('\n').map(one_line).collect();
    let mut err = io::stderr();
    // When nobody reads the messages, there is nobody to tell so.
    let _ = err.write_all(shown.as_bytes()).and_then(|()| err.flush());
}

/// A line without what it holds of control characters, but the end of it.
#[cfg(feature = "cli")]
fn one_line(line: &str) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    format!("{}{end}", sanitize(text.trim_end_matches('\r')))
}

/// The flag counts first, then the variables that users know, then what the stream is.
fn wants_color(flag: Color, terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let on = |name: &str| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
    match flag {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if on("CLICOLOR_FORCE") || on("FORCE_COLOR") => true,
        Color::Auto => terminal && variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// What a command has said, on both streams.
#[derive(Clone, Default)]
pub(super) struct Said(Rc<RefCell<Vec<u8>>>);

impl Said {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, feature = "cli"))]
impl Terminal {
    /// Prints to memory.
    pub(super) fn captured() -> (Terminal, Said) {
        let said = Said::default();
        (Terminal::on(said.clone(), said.clone(), Workplace::of_the_process()), said)
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn color_follows_flag_then_variables_then_stream() {
        let wants = |flag, terminal, variables: &[(&str, &str)]| {
            wants_color(flag, terminal, |name| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            })
        };
        assert!(wants(Color::Auto, true, &[]));
        assert!(wants(Color::Auto, true, &[("TERM", "xterm"), ("NO_COLOR", ""), ("FORCE_COLOR", "0")]));
        assert!(!wants(Color::Auto, false, &[("TERM", "xterm")]));
        assert!(!wants(Color::Auto, true, &[("TERM", "dumb")]));
        assert!(!wants(Color::Auto, true, &[("NO_COLOR", "1")]));
        assert!(wants(Color::Auto, false, &[("FORCE_COLOR", "1")]));
        assert!(wants(Color::Auto, false, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")]));
        assert!(!wants(Color::Auto, true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")]));
        assert!(wants(Color::Always, false, &[("NO_COLOR", "1"), ("TERM", "dumb")]));
        assert!(!wants(Color::Never, true, &[("FORCE_COLOR", "1")]));
    }

    /// Fails with the same error from the first byte on.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_changes_no_answer() {
        let err = Said::default();
        for exit in [Exit::Yes, Exit::No] {
            let mut terminal =
                Terminal::on(Failing(io::ErrorKind::BrokenPipe), err.clone(), Workplace::of_the_process());
            terminal.line("text");
            assert!(terminal.closed());
            terminal.line("text");
            assert_eq!(terminal.finish(exit), exit);
        }
        assert!(err.text().is_empty());
    }

    #[test]
    fn a_result_that_cannot_be_printed_is_no_success() {
        let err = Said::default();
        let mut terminal = Terminal::on(Failing(io::ErrorKind::StorageFull), err.clone(), Workplace::of_the_process());
        terminal.line("text");
        assert_eq!(terminal.finish(Exit::Yes), Exit::CannotAnswer);
        assert!(err.text().contains("standard output"));
    }
}
