//! What is said of named ports of containers.

use crate::diag::{Code, Diagnostic};
use crate::model::resolve::shorten;
use crate::source::Span;

/// A name that no container port can have.
pub(crate) fn bad_name(at: Span, name: &str) -> Diagnostic {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let help = match is_number {
        true => format!("write the number without quotes: `{name}`"),
        false => {
            "such a name has at most 15 lower-case letters, digits and single `-`, and at least one letter".to_owned()
        }
    };
    Diagnostic::new(Code::E0215, at, format!("`{}` is not the name of a container port", shorten(name))).with_help(help)
}
