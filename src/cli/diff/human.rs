//! Differences for people: lines of the language, and below each what is responsible.

use super::{Compared, PlacedOrigin, directions, drift, flow, names};
use crate::cli::report::first_doubts;
use crate::diag::render::sanitize;
use crate::diff::{ConnectionChange, DifferenceOrigin, IsolationChange, Kind, WithoutIsolation};
use crate::engine::Verdict;
use std::fmt::Write as _;

/// More names or origins of one difference are counted.
const MOST: usize = 6;

/// The colours of what came, what went, and what is less important.
const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";

/// All differences and a summary.
pub(super) fn text(report: &Compared<'_>, color: bool) -> String {
    let mut printer = DiffPrinter { text: String::new(), color, report };
    for change in &report.diff.isolation {
        let pods = names(&change.pods, MOST);
        let ways = directions(change);
        let line = match change.lifted {
            true => format!("{pods}: isolation lifted for {ways}, everything is let through"),
            false => format!("{pods}: isolation introduced for {ways}, only what is allowed is let through"),
        };
        printer.difference('!', if change.lifted { GREEN } else { RED }, &line);
        printer.isolation(change);
    }
    for change in &report.diff.connections {
        let (sign, color) = match change.kind {
            Kind::Added => ('+', GREEN),
            Kind::Removed => ('-', RED),
            Kind::Changed => ('~', YELLOW),
        };
        let line = format!("{}{}{}", flow(change, MOST), ports(change), report.partly(change));
        printer.difference(sign, color, &line);
        printer.both(change.origins_by_age());
        if let Some(sentence) = unknown(change) {
            let _ = writeln!(printer.text, "    {}", sanitize(&sentence));
        }
    }
    if let Some(table) = report.drift.and_then(drift::table) {
        let gap = if report.diff.is_empty() { "" } else { "\n" };
        let _ = write!(printer.text, "{gap}{table}");
    }
    if !printer.text.is_empty() {
        printer.text.push('\n');
    }
    let _ = writeln!(printer.text, "{}", report.summary());
    for sentence in report.beside() {
        let _ = writeln!(printer.text, "{sentence}");
    }
    printer.text
}

/// What follows the destination: `:8080/tcp`, and where ports only changed ` +8081/tcp -8080/tcp`.
pub(super) fn ports(change: &ConnectionChange) -> String {
    let said = |verdict: &Verdict, sign: &str| {
        let mut text = String::new();
        if !verdict.allowed.is_empty() {
            let _ = write!(text, "{sign}{}", verdict.allowed);
        }
        if !verdict.unknown.is_empty() {
            let space = if text.is_empty() || sign.starts_with(' ') { "" } else { " " };
            let _ = write!(text, "{space}{sign}{} (perhaps)", verdict.unknown);
        }
        text
    };
    match change.kind {
        Kind::Added => said(&change.added, ":"),
        Kind::Removed => said(&change.removed, ":"),
        Kind::Changed => said(&change.added, " +") + &said(&change.removed, " -"),
    }
}

/// Which facts are missing, where it is not known of some ports whether they came or went.
pub(super) fn unknown(change: &ConnectionChange) -> Option<String> {
    let missing = !change.doubts.is_empty();
    missing.then(|| format!("unknown: nobody said {}", first_doubts(&change.doubts)))
}

/// What is to be said of connections of which only some changed.
fn partly(change: &ConnectionChange) -> &'static str {
    match (change.partly, change.removed.is_denied()) {
        (false, _) => "",
        (true, _) if change.side.is_some() => "  # of some of these only",
        (true, true) => "  # some of these could before",
        (true, false) if change.added.is_denied() => "  # some of these still can",
        (true, false) => "  # some of these could before, or still can",
    }
}

impl Compared<'_> {
    /// What is to be said of connections of which only some differ.
    pub(super) fn partly(&self, change: &ConnectionChange) -> &'static str {
        match (self.drift.is_some(), change.partly, change.kind) {
            (false, ..) => partly(change),
            (true, false, _) => "",
            (true, true, Kind::Added) => "  # some of these should be",
            (true, true, Kind::Removed) => "  # some of these still are",
            (true, true, Kind::Changed) => "  # some of these as they should be",
        }
    }

    /// That a policy is somebody else's, where it matters.
    pub(super) fn whose(&self, origin: &DifferenceOrigin) -> &'static str {
        let is_foreign = self.drift.is_some_and(|drift| origin.is_policy && drift.foreign.contains(&origin.text));
        if is_foreign { ", not Polder's" } else { "" }
    }
}

/// What there is in place of isolation, where it is no statement and no policy.
pub(super) fn instead(change: &IsolationChange) -> Option<String> {
    match (&change.instead, change.lifted) {
        (WithoutIsolation::NotManaged(namespace), true) => {
            Some(format!("nothing isolates it now: namespace {namespace} is not managed any more"))
        }
        (WithoutIsolation::NotManaged(namespace), false) => {
            Some(format!("nothing isolated it: namespace {namespace} was not managed"))
        }
        (WithoutIsolation::These(_) | WithoutIsolation::Nothing, _) => None,
    }
}

struct DiffPrinter<'a> {
    text: String,
    color: bool,
    report: &'a Compared<'a>,
}

impl DiffPrinter<'_> {
    fn painted(&self, color: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn difference(&mut self, sign: char, color: &str, line: &str) {
        let line = self.painted(color, &format!("{sign} {}", sanitize(line)));
        let _ = writeln!(self.text, "{line}");
    }

    /// What isolates pods, and what there is in its place.
    fn isolation(&mut self, change: &IsolationChange) {
        self.both(change.origins_by_age());
        if let Some(sentence) = instead(change) {
            let _ = writeln!(self.text, "    {}", sanitize(&sentence));
        }
    }

    /// What is responsible in both versions, told apart where it is in both and not the same: what is enforced of a
    /// statement differs, too.
    fn both(&mut self, [was, is]: [&[DifferenceOrigin]; 2]) {
        let before = self.lines(&self.report.in_old(was), true);
        let after = self.lines(&self.report.in_new(is), false);
        let [old, new] = if before.is_empty() || after.is_empty() { ["", ""] } else { ["- ", "+ "] };
        if before == after {
            return self.origins(&after, "");
        }
        self.origins(&before, old);
        self.origins(&after, new);
    }

    fn lines(&self, origins: &[PlacedOrigin<'_>], old: bool) -> Vec<String> {
        let line = |origin: &PlacedOrigin<'_>| {
            let kind = if origin.origin.is_policy { "policy " } else { "" };
            let whose = self.report.whose(origin.origin);
            let place = self.report.place(origin, old).map(|place| format!("  {}", sanitize(&place)));
            let place = self.painted(DIM, &place.unwrap_or_default());
            format!("{kind}{}{whose}{place}", sanitize(&origin.origin.text))
        };
        origins.iter().map(line).collect()
    }

    fn origins(&mut self, lines: &[String], sign: &str) {
        for line in lines.iter().take(MOST) {
            let _ = writeln!(self.text, "    {sign}{line}");
        }
        if let Some(more @ 1..) = lines.len().checked_sub(MOST) {
            let _ = writeln!(self.text, "    {sign}and {more} more");
        }
    }
}
