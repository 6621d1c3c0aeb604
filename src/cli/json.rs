//! What all JSON results have in common.

use super::report::unmodelled_kinds;
use crate::cluster::Unmodelled;
use crate::diag::render::sanitize_json;
use crate::net::{PortSet, Protocol, Truth};
use crate::session::Unread;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::cell::RefCell;

/// A document as it is printed.
pub(super) fn document(value: &Value) -> String {
    let mut text = sanitize_json(&format!("{value:#}"));
    text.push('\n');
    text
}

/// The same, where one member is a list whose items are made one after the other, in place of what is there: of a long one
/// there is no room for all at once.
pub(super) fn document_with_list(value: &Value, member: &str, items: impl Iterator<Item = Value>) -> String {
    let items = RefCell::new(Some(items));
    let text = serde_json::to_string_pretty(&WithList { value, member, items: &items });
    // Neither a map with other keys than texts nor a writer that fails is in it.
    let mut text = sanitize_json(&text.unwrap_or_default());
    text.push('\n');
    text
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
