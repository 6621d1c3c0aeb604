//! What all JSON results have in common.

use super::report::unmodelled_kinds;
use super::terminal::Terminal;
use crate::cluster::Unmodelled;
use crate::diag::render::sanitize_json;
use crate::net::{PortSet, Protocol, Truth};
use crate::session::Unread;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{self, Write};

/// A document as it is printed.
pub(super) fn document(value: &Value) -> String {
    let mut text = sanitize_json(&format!("{value:#}"));
    text.push('\n');
    text
}

/// Prints the same, where one member is a list whose items are made one after the other, in place of what is there, and
/// printed as they are made: of a long one there is no room for all at once.
pub(super) fn print_with_list(
    value: &Value,
    member: &str,
    items: impl Iterator<Item = Value>,
    terminal: &mut Terminal,
) {
    let items = RefCell::new(Some(items));
    let mut printer = Printer { terminal, waiting: Vec::new() };
    // Neither a map with other keys than texts nor a writer that fails is in it.
    let _ = serde_json::to_writer_pretty(&mut printer, &WithList { value, member, items: &items });
    printer.waiting.push(b'\n');
    printer.print();
}

/// Prints what is written, some of it at a time.
struct Printer<'t> {
    terminal: &'t mut Terminal,
    waiting: Vec<u8>,
}

impl Printer<'_> {
    /// More bytes than these do not wait.
    const MOST: usize = 64 * 1024;

    /// Prints what waits, but for the beginning of a character.
    fn print(&mut self) {
        let whole = match std::str::from_utf8(&self.waiting) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.waiting.split_off(whole);
        self.terminal.result(&sanitize_json(&String::from_utf8_lossy(&self.waiting)));
        self.waiting = rest;
    }
}

impl Write for Printer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() > Self::MOST {
            self.print();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct WithList<'a, I> {
    value: &'a Value,
    member: &'a str,
    items: &'a RefCell<Option<I>>,
}

impl<I: Iterator<Item = Value>> Serialize for WithList<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.value.as_object().into_iter().flatten() {
            match key == self.member {
                true => map.serialize_entry(key, &List(self.items))?,
                false => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

struct List<'a, I>(&'a RefCell<Option<I>>);

impl<I: Iterator<Item = Value>> Serialize for List<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}

/// A list of `{ "protocol": "tcp", "port": 80, "end_port": 80 }`, `{ "protocol": "tcp", "name": "web" }` and, for what is
/// not tcp, udp or sctp, `{ "protocol": "other" }`. A protocol with all numbers has all names too.
pub(super) fn ports(ports: &PortSet) -> Vec<Value> {
    let mut list = Vec::new();
    for protocol in Protocol::ALL {
        let keyword = protocol.keyword();
        let ranges = ports.ranges(protocol).iter();
        list.extend(ranges.map(|(low, high)| json!({ "protocol": keyword, "port": low, "end_port": high })));
        list.extend(ports.names(protocol).map(|name| json!({ "protocol": keyword, "name": &**name })));
    }
    if ports.has_others() {
        list.push(json!({ "protocol": "other" }));
    }
    list
}

/// Whether something is so; `null` when it is not known.
pub(super) fn truth(truth: Truth) -> Option<bool> {
    match truth {
        Truth::No => Some(false),
        Truth::Maybe => None,
        Truth::Yes => Some(true),
    }
}

/// What could not be read, as `{ "what": "...", "path": "...", "line": 1 }`.
pub(super) fn unread<'u>(unread: impl IntoIterator<Item = &'u Unread>) -> Vec<Value> {
    unread.into_iter().map(|one| json!({ "what": one.what, "path": one.path, "line": one.line })).collect()
}

/// The kinds of objects that are not understood, each once, as `{ "kind": "...", "api_version": "..." }`.
pub(super) fn unmodelled<'u>(objects: impl IntoIterator<Item = &'u Unmodelled>) -> Vec<Value> {
    let kinds = unmodelled_kinds(objects).into_iter();
    kinds.map(|(kind, api_version)| json!({ "kind": kind, "api_version": api_version })).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_long_list_is_printed_piece_by_piece() {
        // More than fits at once, with characters of several bytes and hidden ones wherever a piece may end.
        let item = |at: usize| json!({ "name": format!("{}\u{fc}\u{1f600}\u{202e}\u{7f}", "x".repeat(at % 7)) });
        let items: Vec<Value> = (0..20_000).map(item).collect();
        let (mut terminal, said) = Terminal::captured();
        print_with_list(&json!({ "a": 1, "list": [], "z": null }), "list", items.iter().cloned(), &mut terminal);
        terminal.flush();
        let text = said.text();
        assert_eq!(text, document(&json!({ "a": 1, "list": items, "z": null })));
        assert!(text.len() > 4 * Printer::MOST && text.contains("\\u202e"));
    }
}
