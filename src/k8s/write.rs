//! Policies as YAML text, in exactly one form.
//!
//! The text is put together by hand because general YAML writers follow YAML 1.2, in which `on` or `010` need no
//! quotes, while Kubernetes reads YAML 1.1, in which they are a boolean and a number. So every string that comes from
//! the user is double-quoted, keys included, and only the fixed words of the schema are plain.

use super::staged::{ENFORCED_HEADER, StagedKind};
use super::{DESCRIPTION, MANAGED_BY, SOURCE, cilium};
use crate::net::{IpBlock, NAMESPACE_NAME, Requirement, Selector, Values};
use crate::netpol::{Peer, Policy, PolicyKind, Port, PortTarget, Rule};
use crate::source::Excerpt;
use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::sync::Arc;

/// The longest value of one annotation, in bytes. Kubernetes allows 256 KiB for all annotations together, among which
/// `kubectl apply` keeps a second, escaped copy of the whole object.
const LONGEST_ANNOTATION: usize = 32 * 1024;

/// Appends the manifest of `policy`: one YAML document, without a `---` line, with a line end.
///
/// A policy that lists neither direction changes nothing in a cluster, but Kubernetes would read its manifest as one
/// that isolates for ingress. So nothing is written for it.
pub fn manifest(policy: &Policy, out: &mut String) {
    write(policy, true, None, out);
}

/// Appends the manifest of a policy that is only looked at: the same but for its kind and, first in the spec, the action.
pub fn staged_manifest(policy: &Policy, kind: StagedKind, out: &mut String) {
    write(policy, true, Some(kind), out);
}

/// Appends the manifest of a policy that Polder does not look after: the same without labels and annotations.
pub fn plain_manifest(policy: &Policy, out: &mut String) {
    write(policy, false, None, out);
}

fn write(policy: &Policy, own: bool, staged: Option<StagedKind>, out: &mut String) {
    if policy.ingress.is_none() && policy.egress.is_none() {
        return;
    }
    match (staged, policy.kind) {
        (Some(kind), _) => out.push_str(&kind.header()),
        (None, PolicyKind::NetworkPolicy) => out.push_str(ENFORCED_HEADER),
        (None, PolicyKind::Cilium) => return cilium::write(policy, own, out),
    }
    metadata(policy, own, out);
    out.push_str("spec:\n");
    staged.iter().for_each(|kind| out.push_str(&kind.action_line()));
    out.push_str("  podSelector:");
    selector(&policy.subject, 4, out);
    out.push_str("  policyTypes:\n");
    if policy.ingress.is_some() {
        out.push_str("    - Ingress\n");
    }
    if policy.egress.is_some() {
        out.push_str("    - Egress\n");
    }
    rules("ingress", "from", policy.ingress.as_deref().unwrap_or_default(), out);
    rules("egress", "to", policy.egress.as_deref().unwrap_or_default(), out);
}

/// Appends `metadata` of a policy: with labels and annotations where Polder looks after it.
pub(super) fn metadata(policy: &Policy, own: bool, out: &mut String) {
    out.push_str("metadata:\n");
    pair(2, "name", &policy.name, out);
    pair(2, "namespace", &policy.namespace, out);
    if own {
        out.push_str("  labels:\n");
        quoted_pair(4, MANAGED_BY.0, MANAGED_BY.1, out);
        annotations(policy, out);
    }
}

/// The annotations of a policy, in the order in which they are written.
pub(super) fn annotation_values(policy: &Policy) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
    let description = policy.description.as_deref().filter(|text| !text.is_empty()).map(shortened);
    let statements = (!policy.statements.is_empty()).then(|| joined(&policy.statements));
    [(DESCRIPTION, description), (SOURCE, statements)].into_iter().filter_map(|(key, value)| Some((key, value?)))
}

fn annotations(policy: &Policy, out: &mut String) {
    let mut values = annotation_values(policy).peekable();
    if values.peek().is_some() {
        out.push_str("  annotations:\n");
    }
    for (key, value) in values {
        quoted_pair(4, key, &value, out);
    }
}

/// The text, cut where it is too long for an annotation.
fn shortened(text: &str) -> Cow<'_, str> {
    const MARK: &str = "...";
    if text.len() <= LONGEST_ANNOTATION {
        return Cow::Borrowed(text);
    }
    let mut end = LONGEST_ANNOTATION - MARK.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(text.get(..end).unwrap_or_default().to_owned() + MARK)
}

/// The statements on a line each, as many as an annotation can hold.
fn joined(statements: &[Excerpt]) -> Cow<'_, str> {
    if let [one] = statements
        && one.len() <= LONGEST_ANNOTATION
    {
        return (&**one).into();
    }
    // What the last line takes that counts the statements left out.
    const ROOM: usize = "\nand 18446744073709551615 more".len();
    let whole = statements.iter().map(|statement| statement.len() + 1).sum::<usize>();
    let limit = if whole <= LONGEST_ANNOTATION { LONGEST_ANNOTATION } else { LONGEST_ANNOTATION - ROOM };
    let mut text = String::with_capacity(whole.min(LONGEST_ANNOTATION));
    for (index, statement) in statements.iter().enumerate() {
        let line_end = if index == 0 { "" } else { "\n" };
        if text.len() + line_end.len() + statement.len() > limit {
            let _ = write!(text, "{line_end}and {} more", statements.len() - index);
            break;
        }
        text.push_str(line_end);
        text.push_str(statement);
    }
    text.into()
}

fn rules(direction: &str, peers_key: &str, rules: &[Rule], out: &mut String) {
    if rules.is_empty() {
        return;
    }
    indent(2, out);
    out.push_str(direction);
    out.push_str(":\n");
    for rule in rules {
        let mut item = BlockItem::new(4);
        if rule.peers.is_empty() && rule.ports.is_empty() {
            out.push_str("    - {}\n");
        }
        if !rule.peers.is_empty() {
            item.key(peers_key, out);
            out.push('\n');
            rule.peers.iter().for_each(|peer| write_peer(peer, out));
        }
        if !rule.ports.is_empty() {
            item.key("ports", out);
            out.push('\n');
            rule.ports.iter().for_each(|port| write_port(port, out));
        }
    }
}

/// Both selectors of a peer are keys of one list item: as two items they would be two peers.
fn write_peer(peer: &Peer, out: &mut String) {
    let mut item = BlockItem::new(8);
    match peer {
        Peer::Pods { namespaces, pods } => {
            if let Some(namespaces) = namespaces {
                item.key("namespaceSelector", out);
                selector(&with_presence(namespaces), 12, out);
            }
            if namespaces.is_none() || !pods.is_everything() {
                item.key("podSelector", out);
                selector(pods, 12, out);
            }
        }
        Peer::Block(block) => {
            item.key("ipBlock", out);
            out.push('\n');
            write_block(block, out);
        }
        // No policy of this kind has such a peer, and one without any field is none that Kubernetes takes.
        Peer::Unlisted(_) => out.push_str("        - {}\n"),
    }
}

/// A selector of namespaces, with a requirement that holds for each of them beside those of which none asks for something
/// to be there. Without it, Cilium up to 1.18 takes hosts, nodes and addresses outside for such namespaces.
pub(super) fn with_presence(namespaces: &Selector) -> Cow<'_, Selector> {
    if !namespaces.is_negative() {
        return Cow::Borrowed(namespaces);
    }
    let mut present = namespaces.clone();
    present.require(NAMESPACE_NAME, Values::exists());
    Cow::Owned(present)
}

fn write_block(block: &IpBlock, out: &mut String) {
    let _ = writeln!(out, "            cidr: \"{}\"", block.cidr.trunc());
    if block.except.is_empty() {
        return;
    }
    out.push_str("            except:\n");
    for except in &block.except {
        let _ = writeln!(out, "              - \"{}\"", except.trunc());
    }
}

fn write_port(port: &Port, out: &mut String) {
    let mut item = BlockItem::new(8);
    item.plain("protocol", port.protocol.as_str(), out);
    match &port.target {
        PortTarget::Every => {}
        PortTarget::Number(number) => item.plain("port", number, out),
        PortTarget::Range(low, high) => {
            item.plain("port", low, out);
            item.plain("endPort", high, out);
        }
        PortTarget::Named(name) => {
            item.key("port", out);
            out.push(' ');
            quoted(name, out);
            out.push('\n');
        }
    }
}

/// Appends what follows the key of a selector, up to the line end. Its fields stand `depth` blanks deep.
fn selector(selector: &Selector, depth: usize, out: &mut String) {
    if selector.is_everything() {
        out.push_str(" {}\n");
        return;
    }
    out.push('\n');
    let mut labels = false;
    for requirement in selector.each_requirement() {
        if let Requirement::Equals(key, value) = requirement {
            if !labels {
                heading(depth, "matchLabels", out);
            }
            labels = true;
            quoted_pair(depth + 2, key, value, out);
        }
    }
    let mut expressions = false;
    for requirement in selector.each_requirement() {
        let Some(expression) = expression(&requirement) else { continue };
        if !expressions {
            heading(depth, "matchExpressions", out);
        }
        expressions = true;
        write_expression(&expression, depth + 2, out);
    }
}

/// An item of `matchExpressions`.
pub(super) struct Expression<'a> {
    pub(super) key: &'a str,
    pub(super) operator: &'static str,
    pub(super) values: &'a [Arc<str>],
}

/// The item of `matchExpressions` for a requirement. `None` is what `matchLabels` says.
pub(super) fn expression<'a>(requirement: &Requirement<'a>) -> Option<Expression<'a>> {
    let (key, operator, values): (_, _, &[_]) = match *requirement {
        Requirement::Equals(..) => return None,
        Requirement::In(key, values) => (key, "In", values),
        Requirement::NotIn(key, values) => (key, "NotIn", values),
        Requirement::Exists(key) => (key, "Exists", &[]),
        Requirement::DoesNotExist(key) => (key, "DoesNotExist", &[]),
    };
    Some(Expression { key, operator, values })
}

pub(super) fn write_expression(expression: &Expression, depth: usize, out: &mut String) {
    let mut item = BlockItem::new(depth);
    item.key("key", out);
    out.push(' ');
    quoted(expression.key, out);
    out.push('\n');
    item.plain("operator", expression.operator, out);
    if expression.values.is_empty() {
        return;
    }
    item.key("values", out);
    out.push('\n');
    for value in expression.values {
        indent(depth + 4, out);
        out.push_str("- ");
        quoted(value, out);
        out.push('\n');
    }
}

/// An item of a block list whose value is a map: the first key stands behind the dash, the others below it.
pub(super) struct BlockItem {
    depth: usize,
    started: bool,
}

impl BlockItem {
    pub(super) fn new(depth: usize) -> Self {
        BlockItem { depth, started: false }
    }

    pub(super) fn key(&mut self, key: &str, out: &mut String) {
        indent(self.depth, out);
        out.push_str(if self.started { "  " } else { "- " });
        self.started = true;
        out.push_str(key);
        out.push(':');
    }

    /// A key with a value that needs no quotes: a number or a word of the schema.
    pub(super) fn plain(&mut self, key: &str, value: impl Display, out: &mut String) {
        self.key(key, out);
        let _ = writeln!(out, " {value}");
    }
}

pub(super) fn indent(depth: usize, out: &mut String) {
    const BLANKS: &str = "                    ";
    out.push_str(BLANKS.get(..depth).unwrap_or(BLANKS));
}

pub(super) fn heading(depth: usize, key: &str, out: &mut String) {
    indent(depth, out);
    out.push_str(key);
    out.push_str(":\n");
}

fn pair(depth: usize, key: &str, value: &str, out: &mut String) {
    indent(depth, out);
    out.push_str(key);
    out.push_str(": ");
    quoted(value, out);
    out.push('\n');
}

pub(super) fn quoted_pair(depth: usize, key: &str, value: &str, out: &mut String) {
    indent(depth, out);
    quoted(key, out);
    out.push_str(": ");
    quoted(value, out);
    out.push('\n');
}

/// Appends a double-quoted YAML string on one line.
pub(super) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
        out.push_str(text);
    } else {
        text.chars().for_each(|letter| push_escaped(letter, out));
    }
    out.push('"');
}

fn push_escaped(letter: char, out: &mut String) {
    match letter {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if !needs_escape(letter) => out.push(letter),
        _ => {
            let code = u32::from(letter);
            let _ = match code {
                0..=0xFF => write!(out, "\\x{code:02X}"),
                0x100..=0xFFFF => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
        }
    }
}

/// Characters that YAML cannot hold as they are, that end a line, or that a reviewer cannot see.
pub(super) fn needs_escape(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FFFE}' | '\u{FFFF}'
            | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_leave_room_for_a_copy_of_the_object() {
        let statement = |number: usize| Excerpt::from(format!("tier-{number} -> \"database\":5432/tcp").as_str());
        let policy = Policy {
            kind: PolicyKind::NetworkPolicy,
            namespace: "shop".into(),
            name: "allow-database.ingress".into(),
            subject: Selector::everything(),
            ingress: Some(Vec::new()),
            egress: None,
            description: Some("what it is for, at length; ".repeat(10_000)),
            statements: (0..10_000).map(statement).collect(),
        };
        let values: Vec<(&str, Cow<'_, str>)> = annotation_values(&policy).collect();
        assert_eq!(values.len(), 2);
        // The copy that `kubectl apply` keeps has them escaped, and is escaped itself.
        let escaped: usize =
            values.iter().map(|(_, value)| value.len() + format!("{:?}", format!("{value:?}")).len()).sum();
        assert!(escaped < 250_000, "{escaped}");
        let statements =
            values.iter().find(|(key, _)| *key == SOURCE).map(|(_, value)| value.lines().collect::<Vec<_>>());
        let last = statements.as_ref().and_then(|lines| lines.last().copied()).unwrap_or_default();
        let shown = statements.map_or(0, |lines| lines.len() - 1);
        assert_eq!(last, format!("and {} more", 10_000 - shown));
    }

    #[test]
    fn statements_that_just_fit_are_all_told() {
        let half = LONGEST_ANNOTATION / 2;
        let both =
            |other: usize| joined(&[half, other].map(|len| Excerpt::from("x".repeat(len).as_str()))).into_owned();
        // Each is counted with the end of its line.
        let fits = both(half - 2);
        assert_eq!((fits.len(), fits.lines().count()), (LONGEST_ANNOTATION - 1, 2));
        assert_eq!(both(half - 1).lines().last(), Some("and 1 more"));
    }
}
