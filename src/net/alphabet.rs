//! The alphabets of names and labels in Kubernetes.

/// Whether a text is a DNS-1123 label: the rule for names of namespaces, and for all names in Polder.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

/// Whether a text is a DNS-1123 subdomain of at most 253 characters. Its parts may be longer than labels.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_part)
}

/// A part of a DNS name, however long.
fn is_part(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a text is a label value (Kubernetes' `IsValidLabelValue`): it may be empty.
pub fn is_label_value(text: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 63 && text.bytes().all(inside) && edge(text.bytes().next()) && edge(text.bytes().last())
}

/// Why a text is no label key (Kubernetes' `IsQualifiedName`), as a sentence about it; `None` where it is one.
pub fn wrong_label_key(text: &str) -> Option<&'static str> {
    let (prefix, name) = match text.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.is_empty() || !is_label_value(name) {
        return Some(
            "its name has 1 to 63 letters, digits, `-`, `_` or `.`, and starts and ends with a letter or digit",
        );
    }
    prefix
        .is_some_and(|prefix| !is_dns_subdomain(prefix))
        .then_some("what stands before the `/` is a DNS name in lower case, such as `app.kubernetes.io`")
}
