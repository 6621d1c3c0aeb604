//! What to write into a program, and where, for people and for programs.

use crate::ask::Edit;
use crate::source::Span;
use serde_json::{Value, json};

/// The text of an edit.
pub(super) fn text(edit: &Edit) -> &str {
    match edit {
        Edit::Line { text, .. } | Edit::Port { text, .. } | Edit::Flow { text, .. } => text,
    }
}

/// Where it goes, in words; `at` says of a place where it is.
pub(super) fn place(edit: &Edit, at: impl Fn(Option<Span>) -> String) -> String {
    match edit {
        Edit::Line { namespace: Some(name), span, .. } => format!("in namespace {name}{}", at(*span)),
        Edit::Line { namespace: None, .. } => "outside of every namespace".to_owned(),
        Edit::Port { tier, span, .. } => format!("into the ports of {tier}{}", at(Some(*span))),
        Edit::Flow { flow, span, .. } => format!("in place of `{flow}`{}", at(Some(*span))),
    }
}

/// The edit as JSON, with its place as `place` has it.
pub(super) fn json(edit: &Edit, place: impl Fn(Option<Span>) -> Option<Value>) -> Value {
    match edit {
        Edit::Line { namespace, span, text } => {
            json!({ "kind": "line", "namespace": namespace.as_deref(), "place": place(*span), "text": text })
        }
        Edit::Port { tier, span, text, .. } => {
            json!({ "kind": "port", "tier": tier, "place": place(Some(*span)), "text": text })
        }
        Edit::Flow { flow, span, text, .. } => {
            json!({ "kind": "flow", "flow": &**flow, "place": place(Some(*span)), "text": text })
        }
    }
}
