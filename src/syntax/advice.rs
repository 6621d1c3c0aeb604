//! What to write instead of statements that say what a program does not say in that way.

use super::foreign::foreign;
use super::grammar::Rule;
use super::repair::repaired;
use std::net::IpAddr;

/// What to do instead of a broken statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// In words.
    pub help: String,
    /// The statements to put in its place, when they are no example.
    pub statements: Vec<String>,
}

impl Advice {
    pub(super) fn said(help: impl Into<String>) -> Option<Advice> {
        Some(Advice { help: help.into(), statements: Vec::new() })
    }

    pub(super) fn instead(help: impl Into<String>, statements: Vec<String>) -> Option<Advice> {
        Some(Advice { help: help.into(), statements })
    }
}

/// Advice for a statement without line ends and comments that breaks `at` bytes from its start.
pub(super) fn advise(rule: Rule, statement: &str, at: usize) -> Option<Advice> {
    match rule {
        Rule::flow | Rule::assertion => foreign(rule, statement, at)
            .or_else(|| exception(rule, statement, at))
            .or_else(|| selector(rule, statement))
            .or_else(|| address(rule, statement))
            .or_else(|| dns_name(rule, statement)),
        Rule::tier => tiers(statement).or_else(|| alternatives(statement)).or_else(|| pattern(statement, at)),
        Rule::namespace => namespaces(statement),
        Rule::cidr | Rule::replace_cidr => range(statement).or_else(|| ports_of_block(statement)),
        _ => None,
    }
}

/// `web -> internet except metadata`, `web -> !db`
fn exception(rule: Rule, statement: &str, at: usize) -> Option<Advice> {
    const WORDS: &[&str] = &["except", "excluding", "exclude", "without", "minus", "but", "unless", "not", "!"];
    let rest = statement.get(at..)?.trim_start();
    let takes_away = WORDS.iter().any(|word| {
        rest.strip_prefix(word).is_some_and(|rest| *word == "!" || rest.starts_with([' ', '\t']) || rest.is_empty())
    });
    (rule == Rule::flow && takes_away).then(|| {
        Advice::said(
            "flows add up, and none takes anything away: name those that are meant, or declare a block with its exception, \
             such as `cidr outside = 0.0.0.0/0 except 10.0.0.0/8`",
        )
    })?
}

/// `web -> {app=x}:80`, `web -> shop/(app=x):80`
fn selector(rule: Rule, statement: &str) -> Option<Advice> {
    let open = statement.find(['{', '('])?;
    let close = open + statement.get(open..)?.find(['}', ')'])?;
    let labels = statement.get(open + 1..close)?;
    let (_, value) = labels.split_once(['=', ':']).filter(|_| labels.contains('='))?;
    let value = value.trim_matches(['=', ' ', '"', '\'']).split([',', ' ', '"', '\'']).next()?;
    let name = if is_name(value) { value } else { "pods" };
    let tier = format!("tier {name} ({labels})");
    let tier = repaired(Rule::tier, &tier).map_or(tier, |repaired| repaired.text);
    let flow = format!("{}{name}{}", statement.get(..open)?, statement.get(close + 1..)?);
    let flow = repaired(rule, &flow).map_or(flow, |repaired| repaired.text);
    let is_here = !statement.get(..open)?.ends_with('/');
    let place = if is_here { "" } else { " in its namespace" };
    let help = format!("pods have a name, by which flows refer to them: declare `{tier}`{place}, and write `{flow}`");
    if is_here { Advice::instead(help, vec![tier, flow]) } else { Advice::said(help) }
}

pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().all(inner) && !text.is_empty() && !text.starts_with('-') && !text.ends_with('-')
}

/// The word of a statement that holds `is`, and the port behind it.
fn endpoint(statement: &str, is: impl Fn(&str) -> bool) -> Option<(&str, Option<&str>)> {
    let words =
        statement.split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '<' | '>' | '"' | '(' | ')'));
    words
        .flat_map(|word| [Some((word, None)), word.rsplit_once(':').map(|(host, port)| (host, Some(port)))])
        .flatten()
        .find(|(host, port)| {
            !host.is_empty() && port.is_none_or(|port| !port.is_empty()) && is(host.trim_matches(['[', ']']))
        })
}

/// The address and the length of the prefix of a text, if it is an address or a block.
fn block(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(whole), |length| length.parse().ok().filter(|length| *length <= whole))?;
    Some((address, length))
}

/// The block without its host bits.
fn canonical((address, length): (IpAddr, u8)) -> String {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            format!("{}/{length}", std::net::Ipv4Addr::from(u32::from(address) & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            format!("{}/{length}", std::net::Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

/// `web -> 10.0.0.1:80`
fn address(rule: Rule, statement: &str) -> Option<Advice> {
    let (written, port) = endpoint(statement, |host| block(host).is_some())?;
    let block = block(written.trim_matches(['[', ']']))?;
    let whole = port.map_or_else(|| written.to_owned(), |port| format!("{written}:{port}"));
    let with = |name: &str| {
        let new = port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let flow = statement.replacen(&whole, &new, 1);
        repaired(rule, &flow).map_or(flow, |repaired| repaired.text)
    };
    if block.1 == 0 {
        let flow = with("anywhere");
        return Advice::instead(format!("every address is called `anywhere`: `{flow}`"), vec![flow]);
    }
    let name = if written.contains("169.254.169.254") { "metadata" } else { "office" };
    let (cidr, flow) = (format!("cidr {name} = {}", canonical(block)), with(name));
    let help = format!("addresses have a name, by which flows refer to them: declare `{cidr}`, and write `{flow}`");
    Advice::instead(help, vec![cidr, flow])
}

/// `web -> github.com:443`, `web -> https://github.com`, `web -> db.data:80`
fn dns_name(rule: Rule, statement: &str) -> Option<Advice> {
    let (text, scheme) = match statement.split_once("://") {
        Some((before, host)) => {
            let scheme = before.rsplit([' ', '>']).next()?;
            let host = host.split('/').next()?;
            (format!("{}{host}", before.strip_suffix(scheme)?), Some(scheme))
        }
        None => (statement.to_owned(), None),
    };
    let is_host = |host: &str| {
        let labels: Vec<&str> = host.trim_start_matches('*').trim_start_matches('.').split('.').collect();
        let ends_in_letters =
            labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_alphabetic()) && !last.is_empty());
        let all = labels.iter().all(|label| is_name(&label.to_ascii_lowercase()));
        all && ends_in_letters && (labels.len() > 1 || host.starts_with('*') && host.len() > 1)
    };
    let (host, port) = endpoint(&text, is_host)?;
    let port = match (port, scheme) {
        (Some(port), _) => port,
        (None, Some("http")) => "80",
        (None, _) => "443",
    };
    let whole = if text.contains(&format!("{host}:{port}")) { format!("{host}:{port}") } else { host.to_owned() };
    let with = |name: &str| {
        let flow = text.replacen(&whole, &format!("{name}:{port}"), 1);
        repaired(rule, &flow).map_or(flow, |repaired| repaired.text)
    };
    let labels: Vec<&str> = host.trim_start_matches('*').split('.').filter(|label| !label.is_empty()).collect();
    if let ([tier, namespace], false) = (labels.as_slice(), host.starts_with('*'))
        && !is_top_level(namespace)
        && scheme.is_none()
    {
        let flow = with(&format!("{namespace}/{tier}"));
        return Advice::instead(
            format!("a tier of another namespace is written `NAMESPACE/TIER`: `{flow}`"),
            vec![flow],
        );
    }
    let name = labels.iter().rev().nth(1).or(labels.first())?.to_ascii_lowercase();
    let (cidr, named, wide) = (format!("cidr {name} = 203.0.113.0/24"), with(&name), with("internet"));
    Advice::said(format!(
        "NetworkPolicies know no DNS names: declare the addresses that it publishes, such as `{cidr}`, and write `{named}`; or \
         open `{wide}`"
    ))
}

/// Whether a word is the end of names in the DNS, as far as people write them in a program.
fn is_top_level(word: &str) -> bool {
    const KNOWN: &[&str] = &[
        "com", "org", "net", "io", "dev", "app", "cloud", "info", "biz", "gov", "edu", "local", "internal", "lan",
        "corp", "tech", "online", "site", "shop", "test", "example",
    ];
    word.len() == 2 || KNOWN.contains(&word)
}

/// `tier x, y`
fn tiers(statement: &str) -> Option<Advice> {
    let rest = statement.strip_prefix("tier")?;
    let end = rest.find(['(', '{', '=', '[', ':', '!']).unwrap_or(rest.len());
    let (names, rest) = rest.split_at(end);
    let names: Vec<&str> = names.split([',', ' ', '\t']).filter(|name| !["", "and", "tier"].contains(name)).collect();
    let statement = |(index, name): (usize, &&str)| match index {
        // Labels are those of one tier.
        0 if !rest.is_empty() => format!("tier {name} {rest}"),
        _ => format!("tier {name}"),
    };
    let statements: Vec<String> = names.iter().enumerate().map(statement).collect();
    let mended = |text: String| repaired(Rule::tier, &text).map_or(text, |repaired| repaired.text);
    let statements: Vec<String> = statements.into_iter().map(mended).collect();
    let shown: Vec<String> = statements.iter().map(|statement| format!("`{statement}`")).collect();
    let is_list = names.len() > 1 && names.iter().all(|name| is_name(name)) && !rest.ends_with('{');
    is_list.then(|| Advice::instead(format!("each tier has a line of its own: {}", shown.join(", ")), statements))?
}

/// `tier x (app=x || track=y)`
fn alternatives(statement: &str) -> Option<Advice> {
    let labels = statement.split_once('(').map(|(_, labels)| labels)?;
    let is_either = labels.contains('|') || labels.to_ascii_lowercase().contains(" or ");
    is_either.then(|| {
        Advice::said(
            "the pods of a tier have all of its labels: declare a tier for each case, and `group both = one, other`",
        )
    })?
}

/// `tier x (app=~web.*)`
fn pattern(statement: &str, at: usize) -> Option<Advice> {
    let (before, rest) = (statement.get(..at)?, statement.get(at..)?.trim_start());
    let is_in_labels = before.matches('(').count() > before.matches(')').count();
    (is_in_labels && rest.starts_with(['~', '*', '^', '/', '?', '.', '$', '%'])).then(|| {
        Advice::said(
            "there are no patterns: a label has one of the values that are listed, as in `tier web (app in (web, web-canary))`, \
             or any, as in `tier web (app)`",
        )
    })?
}

/// `namespace a/b {`
fn namespaces(statement: &str) -> Option<Advice> {
    let names = statement.strip_prefix("namespace")?.trim_end_matches('{').trim();
    let first = names.split([',', ' ', '/']).next().filter(|first| is_name(first))?;
    let help = format!("what belongs to a namespace stands in its block: `namespace {first} {{`");
    names.contains('/').then(|| Advice::said(help))?
}

/// `cidr x = 10.0.0.1-10.0.0.9`
fn range(statement: &str) -> Option<Advice> {
    let (first, last) = statement.split_once(['-', '–'])?;
    let first = first.trim().rsplit([' ', '=', ',']).next()?;
    let is_range = first.parse::<IpAddr>().is_ok() && last.trim().starts_with(|c: char| c.is_ascii_hexdigit());
    is_range.then(|| {
        Advice::said(format!("a range of addresses is written as blocks, such as `{first}/32` for the first one"))
    })?
}

/// `cidr x = 10.0.0.0/8:80-90`
fn ports_of_block(statement: &str) -> Option<Advice> {
    let (_, value) = statement.split_once('=')?;
    let (written, ports) = value.trim().rsplit_once(':')?;
    let is_port = |part: &str| part.parse::<u16>().is_ok();
    let is_block = written.contains('.') && block(written).is_some();
    (is_block && ports.split('-').all(is_port))
        .then(|| Advice::said(format!("ports stand in flows, as in `web -> NAME:{ports}`, and a block has none")))?
}
