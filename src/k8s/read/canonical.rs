//! The fast way back from text in the one form that [`manifest`](crate::k8s::manifest) writes.
//!
//! Every build reads back what it is about to write, and the general reader would take most of the build's time. This
//! one knows only the one form. Whatever it takes, the general reader takes too, as the same policies.

use super::syntax;
use crate::k8s::staged::{ENFORCED_HEADER, StagedKind};
use crate::k8s::write::needs_escape;
use crate::k8s::{DESCRIPTION, MANAGED_BY, SOURCE};
use crate::net::{IpBlock, Protocol, Selector, Values};
use crate::netpol::{Peer, Policy, PolicyKind, Port, PortTarget, Rule};
use crate::source::Excerpt;
use ipnet::IpNet;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

/// The most bytes of one annotation; a longer one is left to the general reader, which knows the limit for all.
const LONGEST_ANNOTATION: usize = 64 * 1024;

/// A policy that was read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RereadPolicy {
    /// The policy.
    pub policy: Policy,
    /// Who only looks at it; `None` where it is enforced.
    pub staged: Option<StagedKind>,
}

/// Reads many texts, whose policies share what is the same in them.
#[derive(Debug, Default)]
pub struct Rereader<'a> {
    /// The selectors read so far, by their depth and their text.
    selectors: FxHashMap<(usize, &'a str), Selector>,
    /// The namespace of the last policy.
    namespace: Arc<str>,
}

impl<'a> Rereader<'a> {
    /// The policies of a stream of manifests as Polder writes them, comments in front of a document left out. `None` when
    /// anything in it is of another form: then [`read`](super::read) can tell what it is.
    pub fn policies(&mut self, text: &'a str) -> Option<Vec<RereadPolicy>> {
        let mut cursor = Cursor { rest: text, known: self };
        let mut policies = Vec::new();
        while !cursor.rest.is_empty() {
            let marked = cursor.preamble();
            if !marked && !policies.is_empty() {
                return None;
            }
            if !cursor.rest.is_empty() {
                policies.push(cursor.policy()?);
            }
        }
        Some(policies)
    }
}

/// What is left of the text. A method that gives `None` has met another form.
struct Cursor<'k, 'a> {
    rest: &'a str,
    known: &'k mut Rereader<'a>,
}

impl<'a> Cursor<'_, 'a> {
    /// Comment lines and at most one document mark. Says whether there was a mark.
    fn preamble(&mut self) -> bool {
        let mut marked = false;
        loop {
            if !marked && self.take("---\n").is_some() {
                marked = true;
            } else if self.rest.starts_with('#')
                && let Some((comment, rest)) = self.rest.split_once('\n')
                && !comment.chars().any(needs_escape)
            {
                self.rest = rest;
            } else {
                return marked;
            }
        }
    }

    /// The first lines of an object. Says whether it is staged.
    #[expect(clippy::option_option, reason = "the outer level is for another form")]
    fn header(&mut self) -> Option<Option<StagedKind>> {
        if self.take(ENFORCED_HEADER).is_some() {
            return Some(None);
        }
        let kind = StagedKind::ALL.into_iter().find(|kind| self.take(&kind.header()).is_some())?;
        Some(Some(kind))
    }

    fn policy(&mut self) -> Option<RereadPolicy> {
        let staged = self.header()?;
        self.take("metadata:\n  name: ")?;
        let name = self.checked(syntax::dns_subdomain)?.into_owned();
        self.take("\n  namespace: ")?;
        let namespace = self.checked(syntax::dns_label)?;
        if *self.known.namespace != *namespace {
            self.known.namespace = namespace.into();
        }
        let namespace = self.known.namespace.clone();
        self.take("\n  labels:\n    ")?;
        self.quoted().filter(|key| key == MANAGED_BY.0)?;
        self.take(": ")?;
        self.quoted().filter(|value| value == MANAGED_BY.1)?;
        let annotations = self.take("\n  annotations:\n").is_some();
        if !annotations {
            self.take("\n")?;
        }
        let description = if annotations { self.annotation(DESCRIPTION)? } else { None };
        let source = if annotations { self.annotation(SOURCE)? } else { None };
        if annotations && description.is_none() && source.is_none() {
            return None;
        }
        self.take("spec:\n")?;
        if let Some(kind) = staged {
            self.take(&kind.action_line())?;
        }
        self.take("  podSelector:")?;
        let subject = self.selector(4)?;
        self.take("  policyTypes:\n")?;
        let isolates_ingress = self.take("    - Ingress\n").is_some();
        let isolates_egress = self.take("    - Egress\n").is_some();
        let ingress = self.rules("  ingress:\n", "from:\n")?;
        let egress = self.rules("  egress:\n", "to:\n")?;
        let inert = (!isolates_ingress && !ingress.is_empty()) || (!isolates_egress && !egress.is_empty());
        if inert || !(isolates_ingress || isolates_egress) {
            return None;
        }
        let policy = Policy {
            kind: PolicyKind::NetworkPolicy,
            namespace,
            name: name.into(),
            subject,
            ingress: isolates_ingress.then_some(ingress),
            egress: isolates_egress.then_some(egress),
            description: description.map(Cow::into_owned),
            statements: source.map(|text| text.split('\n').map(Excerpt::from).collect()).unwrap_or_default(),
        };
        Some(RereadPolicy { policy, staged })
    }

    /// The annotation `key`, when it is the next one.
    #[expect(clippy::option_option, reason = "the outer level is for another form")]
    fn annotation(&mut self, key: &str) -> Option<Option<Cow<'a, str>>> {
        let Some(rest) = self.rest.strip_prefix("    \"").and_then(|rest| rest.strip_prefix(key)) else {
            return Some(None);
        };
        self.rest = rest;
        self.take("\": ")?;
        let value = self.quoted()?;
        self.take("\n")?;
        (value.len() <= LONGEST_ANNOTATION).then_some(Some(value))
    }

    /// What follows the key of a selector whose fields stand `depth` blanks deep.
    fn selector(&mut self, depth: usize) -> Option<Selector> {
        if self.take(" {}\n").is_some() {
            return Some(Selector::everything());
        }
        self.take("\n")?;
        // No field of the selector is past its last line, and none of its lines is read as anything else.
        let (text, rest) = self.rest.split_at_checked(self.indented(depth))?;
        if let Some(known) = self.known.selectors.get(&(depth, text)) {
            self.rest = rest;
            return Some(known.clone());
        }
        let selector = self.fields(depth)?;
        if self.rest.len() == rest.len() {
            self.known.selectors.insert((depth, text), selector.clone());
        }
        Some(selector)
    }

    /// The length of the lines ahead that stand at least `depth` blanks deep.
    fn indented(&self, depth: usize) -> usize {
        let deep = |line: &&str| line.as_bytes().iter().take(depth).filter(|byte| **byte == b' ').count() == depth;
        self.rest.split_inclusive('\n').take_while(deep).map(str::len).sum()
    }

    /// The fields of a selector, `depth` blanks deep.
    fn fields(&mut self, depth: usize) -> Option<Selector> {
        let mut required: Vec<(Arc<str>, Values)> = Vec::new();
        let labels = self.line(depth, "matchLabels:\n");
        let mut last: Option<Arc<str>> = None;
        while labels && self.line(depth + 2, "\"") {
            let key: Arc<str> = self.string().filter(|key| syntax::label_key(key).is_none())?.into();
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            self.take(": ")?;
            let value = self.checked(syntax::label_value)?;
            self.take("\n")?;
            required.push((key.clone(), Values::one_of([value])));
            last = Some(key);
        }
        let expressions = self.line(depth, "matchExpressions:\n");
        let mut any = false;
        while expressions && self.line(depth + 2, "- key: ") {
            any = true;
            let key = self.quoted().filter(|key| syntax::label_key(key).is_none())?;
            self.take("\n")?;
            let values = self.expression(depth + 4)?;
            required.push((key.into(), values));
        }
        let is_whole = labels == last.is_some() && expressions == any && (labels || expressions);
        is_whole.then(|| required.into_iter().collect())
    }

    /// The operator and the values of an expression.
    fn expression(&mut self, depth: usize) -> Option<Values> {
        if !self.line(depth, "operator: ") {
            return None;
        }
        if self.take("Exists\n").is_some() {
            return Some(Values::exists());
        }
        if self.take("DoesNotExist\n").is_some() {
            return Some(Values::does_not_exist());
        }
        let negative = self.take("NotIn\n").is_some();
        if !negative {
            self.take("In\n")?;
        }
        let mut values = Vec::new();
        if self.line(depth, "values:\n") {
            while self.line(depth + 2, "- ") {
                values.push(self.checked(syntax::label_value)?);
                self.take("\n")?;
            }
        }
        let build = if negative { Values::none_of } else { Values::one_of };
        (!values.is_empty()).then(|| build(values))
    }

    fn rules(&mut self, heading: &str, peers_key: &str) -> Option<Vec<Rule>> {
        let mut rules = Vec::new();
        if self.take(heading).is_none() {
            return Some(rules);
        }
        while self.take("    - ").is_some() {
            let mut rule = Rule { peers: SmallVec::new(), ports: SmallVec::new(), learns_names: false };
            if self.take("{}\n").is_none() {
                let has_peers = self.take(peers_key).is_some();
                if has_peers {
                    rule.peers = self.items(Self::peer)?;
                }
                if self.line(if has_peers { 6 } else { 0 }, "ports:\n") {
                    rule.ports = self.items(Self::port)?;
                } else if !has_peers {
                    return None;
                }
            }
            rules.push(rule);
        }
        (!rules.is_empty()).then_some(rules)
    }

    /// The items of a list of peers or ports, of which there is at least one.
    fn items<T>(&mut self, item: fn(&mut Self) -> Option<T>) -> Option<SmallVec<[T; 1]>> {
        let mut items = SmallVec::new();
        while self.take("        - ").is_some() {
            items.push(item(self)?);
        }
        (!items.is_empty()).then_some(items)
    }

    fn peer(&mut self) -> Option<Peer> {
        if self.take("ipBlock:\n").is_some() {
            return self.block().map(Peer::Block);
        }
        if self.take("podSelector:").is_some() {
            return Some(Peer::Pods { namespaces: None, pods: self.selector(12)? });
        }
        self.take("namespaceSelector:")?;
        let namespaces = Some(self.selector(12)?.of_namespaces());
        let pods = if self.line(10, "podSelector:") { self.selector(12)? } else { Selector::everything() };
        Some(Peer::Pods { namespaces, pods })
    }

    fn block(&mut self) -> Option<IpBlock> {
        self.take("            cidr: ")?;
        let cidr = self.cidr()?;
        let mut except: Vec<IpNet> = Vec::new();
        if self.take("            except:\n").is_some() {
            while self.take("              - ").is_some() {
                let block = self.cidr().filter(|block| cidr.contains(block) && cidr != *block)?;
                // Sorted, a block comes right before those that are inside it.
                if except.last().is_some_and(|last| *last >= block || last.contains(&block)) {
                    return None;
                }
                except.push(block);
            }
            if except.is_empty() {
                return None;
            }
        }
        Some(IpBlock { cidr, except })
    }

    fn cidr(&mut self) -> Option<IpNet> {
        let (block, None) = syntax::block(&self.quoted()?).ok()? else { return None };
        self.take("\n")?;
        Some(block)
    }

    fn port(&mut self) -> Option<Port> {
        self.take("protocol: ")?;
        let protocol = Protocol::ALL.into_iter().find(|protocol| self.take(protocol.as_str()).is_some())?;
        self.take("\n")?;
        let target = if !self.line(10, "port: ") {
            PortTarget::Every
        } else if self.rest.starts_with('"') {
            let name = self.checked(syntax::port_name)?;
            self.take("\n")?;
            PortTarget::Named(name.into())
        } else {
            let low = self.number()?;
            if self.line(10, "endPort: ") {
                let high = self.number().filter(|high| *high > low)?;
                PortTarget::Range(low, high)
            } else {
                PortTarget::Number(low)
            }
        };
        Some(Port { protocol, target })
    }

    /// A port number and the line end.
    fn number(&mut self) -> Option<u16> {
        let (digits, rest) = self.rest.split_once('\n')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        self.rest = rest;
        digits.parse().ok().filter(|_| plain)
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Takes `depth` blanks and the text, or nothing.
    fn line(&mut self, depth: usize, text: &str) -> bool {
        let Some((blanks, rest)) = self.rest.split_at_checked(depth) else { return false };
        match rest.strip_prefix(text) {
            Some(rest) if blanks.bytes().all(|byte| byte == b' ') => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn checked(&mut self, check: fn(&str) -> Option<&'static str>) -> Option<Cow<'a, str>> {
        self.quoted().filter(|text| check(text).is_none())
    }

    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        self.take("\"")?;
        self.string()
    }

    /// A string whose opening quote is taken already.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let simple = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        let end = self.rest.bytes().position(|byte| !simple(byte))?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        if self.take("\"").is_some() {
            return Some(Cow::Borrowed(text));
        }
        let mut text = text.to_owned();
        loop {
            let mut letters = self.rest.chars();
            let letter = letters.next()?;
            self.rest = letters.as_str();
            match letter {
                '"' => return Some(Cow::Owned(text)),
                '\\' => text.push(self.escape()?),
                _ if needs_escape(letter) => return None,
                _ => text.push(letter),
            }
        }
    }

    /// The character of an escape whose backslash is taken already.
    fn escape(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let kind = letters.next()?;
        self.rest = letters.as_str();
        let digits = match kind {
            '"' | '\\' => return Some(kind),
            'n' => return Some('\n'),
            'r' => return Some('\r'),
            't' => return Some('\t'),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let (digits, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|_| all_hex)
    }
}
