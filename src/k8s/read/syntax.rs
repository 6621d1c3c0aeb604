//! The alphabets of Kubernetes: names, labels, ports and blocks, refused in the words of its API server.

use crate::net::{is_dns_label, is_dns_subdomain, is_label_value};
use ipnet::IpNet;
use std::borrow::Cow;

/// Why `value` is no DNS-1123 label.
pub(super) fn dns_label(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    (!is_dns_label(value)).then_some(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
         with an alphanumeric character",
    )
}

/// Why `value` is no DNS-1123 subdomain.
pub(super) fn dns_subdomain(value: &str) -> Option<&'static str> {
    if value.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    (!is_dns_subdomain(value)).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
         and end with an alphanumeric character",
    )
}

/// Why `key` is no label or annotation key.
pub(super) fn label_key(key: &str) -> Option<Cow<'static, str>> {
    let name = match key.split_once('/') {
        None => key,
        Some(("", _)) => return Some("prefix part must be non-empty".into()),
        Some((prefix, name)) => match dns_subdomain(prefix) {
            Some(reason) => return Some(format!("prefix part {reason}").into()),
            None => name,
        },
    };
    if name.is_empty() {
        return Some("name part must be non-empty".into());
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 characters".into());
    }
    (!is_label_value(name)).then_some(
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
         alphanumeric character"
            .into(),
    )
}

/// Why `value` is no label value.
pub(super) fn label_value(value: &str) -> Option<&'static str> {
    if value.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    (!is_label_value(value)).then_some(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
         and end with an alphanumeric character",
    )
}

/// Why `name` is no port name (an IANA service name).
pub(super) fn port_name(name: &str) -> Option<&'static str> {
    if name.len() > 15 {
        return Some("must be no more than 15 characters");
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Some("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Some("must contain at least one letter (a-z)");
    }
    if name.contains("--") {
        return Some("must not contain consecutive hyphens");
    }
    (name.starts_with('-') || name.ends_with('-')).then_some("must not begin or end with a hyphen")
}

/// The block that `text` says to a cluster that holds it, and what a newer one has against that way to write it; or why
/// there is none.
///
/// Kubernetes 1.36 refuses leading zeros and host bits. Before, and in objects that are older, it reads past both.
pub(super) fn block(text: &str) -> Result<(IpNet, Option<String>), Cow<'static, str>> {
    const INVALID: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    let (address, length) = text.split_once('/').ok_or(INVALID)?;
    let zero_led = |digits: &str| digits.len() > 1 && digits.starts_with('0');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(length) {
        return Err(INVALID.into());
    }
    // The IPv4 part of an IPv6 address may have zeros, too.
    let (start, decimal) =
        address.rsplit_once(':').map_or((String::new(), address), |(start, end)| (format!("{start}:"), end));
    let octets: Vec<&str> = if decimal.contains('.') { decimal.split('.').collect() } else { Vec::new() };
    let has_zeros =
        zero_led(length) || (octets.iter().all(|octet| digits(octet)) && octets.iter().any(|octet| zero_led(octet)));
    let plain = |number: &str| match number.trim_start_matches('0') {
        "" => "0".to_owned(),
        number => number.to_owned(),
    };
    let block: IpNet = if has_zeros {
        let address = if octets.is_empty() {
            address.to_owned()
        } else {
            format!("{start}{}", octets.iter().map(|octet| plain(octet)).collect::<Vec<_>>().join("."))
        };
        format!("{address}/{}", plain(length)).parse().map_err(|_| INVALID)?
    } else {
        text.parse().map_err(|_| INVALID)?
    };
    if let IpNet::V6(block) = block
        && let Some(mapped) = block.addr().to_ipv4_mapped()
    {
        // Whether it is the one or the other, every plugin has its own opinion.
        const MAPPED: u8 = 96;
        let length = block.prefix_len().checked_sub(MAPPED);
        let meant = length.and_then(|length| ipnet::Ipv4Net::new(mapped, length).ok());
        let write = meant.map(|meant| format!("; write {}", meant.trunc())).unwrap_or_default();
        return Err(format!("must not have an IPv4-mapped IPv6 address{write}").into());
    }
    let read = block.trunc();
    let warning = if block != read {
        let whole = IpNet::from(block.addr());
        Some(format!(
            "Invalid value: {text:?} from Kubernetes 1.36 on: must not have bits set beyond the prefix length; it is read \
             as {read}, or should it be {whole}?"
        ))
    } else if has_zeros {
        Some(format!(
            "Invalid value: {text:?} from Kubernetes 1.36 on: must not have leading 0s in IP or prefix length; it is read \
             as {read}"
        ))
    } else {
        (read.to_string() != text)
            .then(|| format!("IPv6 CIDR value {text:?} should be in RFC 5952 canonical format ({read:?})"))
    };
    Ok((read, warning))
}
