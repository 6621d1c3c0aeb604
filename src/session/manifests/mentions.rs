//! What shows of a text that is not read, or could not be.

/// Whether a text that could not be parsed can be one of objects of Kubernetes.
pub(super) fn may_be_objects(text: &str) -> bool {
    text.contains("apiVersion") && text.contains("kind")
}

/// The folder that a file is in.
pub(super) fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// Whether a text that is not read holds a policy, as far as one can see.
pub(super) fn names_policy(text: &str) -> bool {
    names_kind(text, "NetworkPolicy")
}

/// Whether a text that is not read holds an object of a kind, as far as one can see.
pub(super) fn names_kind(text: &str, kind: &str) -> bool {
    text.match_indices(kind).any(|(at, _)| {
        // Not that of a CNI.
        let before = text.get(..at).unwrap_or_default().trim_end_matches(['"', '\'']);
        let behind = text.get(at + kind.len()..).unwrap_or_default();
        let behind = behind.strip_prefix("List").unwrap_or(behind);
        before.trim_end_matches(' ').ends_with(':') && !behind.starts_with(char::is_alphanumeric)
    })
}
