//! Names that every system takes.

use std::borrow::Cow;

/// The folder for a namespace, or the name without its ending for a policy: the name itself, or with a `_` behind it
/// where Windows reserves the name for a device. No Kubernetes name contains a `_`, so two never meet.
pub fn folder_name(namespace: &str) -> Cow<'_, str> {
    if is_reserved(namespace) { Cow::Owned(format!("{namespace}_")) } else { Cow::Borrowed(namespace) }
}

/// Whether Windows takes this name, or the part of it before the first dot, for a device.
pub(super) fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let numbered =
        |device: &str| stem.strip_prefix(device).is_some_and(|digit| matches!(digit.as_bytes(), [b'1'..=b'9']));
    matches!(stem, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}
