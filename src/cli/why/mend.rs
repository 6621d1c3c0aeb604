//! What would have to be written, as text.

use crate::k8s::plain_manifest;
use crate::netpol::Policy;
use crate::session::WrittenEdits;

/// What would have to be written for a denied connection to be allowed.
#[derive(Debug)]
pub(super) enum WrittenMend {
    /// Lines of a program.
    Edits(WrittenEdits),
    /// Policies more.
    Policies(Vec<Policy>),
}

/// Policies as a YAML stream.
pub(super) fn manifests(policies: &[Policy]) -> String {
    let mut text = String::new();
    for policy in policies {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        plain_manifest(policy, &mut text);
    }
    text
}
