//! Flows and assertions.

use super::members::{OF_ONE, is_end, items, of_namespace};
use super::ports::PORTS;
use super::{Broken, Rule, StatementEdit, is_port, word};
use crate::syntax::words;

const ARROW: &str = "an arrow is written `->`";
const BEHIND: &str = "ports stand behind a colon";
const BRACES: &str = "several endpoints stand in braces";

/// What people write where an arrow belongs.
const ARROWS: &[&str] =
    &["→", "⇒", "=>", "==>", "-->", "–>", "—>", "~>", "->>", ">>", "- >", "> >", ">", "--", "==", "—", "–"];

/// The same in words.
const VERBS: &[&str] = &[
    "to",
    "into",
    "talks to",
    "talk to",
    "speaks to",
    "connects to",
    "connect to",
    "goes to",
    "can reach",
    "can access",
    "can connect to",
    "can talk to",
    "may reach",
    "may access",
    "may connect to",
    "may talk to",
    "reaches",
    "accesses",
    "calls",
    "uses",
    "reach",
    "access",
];

/// Words in front of what is a flow without them.
const ALLOWING: &[&str] = &[
    "allow",
    "allows",
    "allowed",
    "permit",
    "accept",
    "grant",
    "let",
    "flow",
    "rule",
    "connect",
    "connection",
    "open",
    "from",
    "traffic",
    "can",
    "enable",
    "pass",
    "policy",
];

/// Words in front of what must not be a flow.
const DENYING: &[&str] =
    &["deny", "denied", "block", "forbid", "reject", "drop", "disallow", "prevent", "prohibit", "refuse", "not", "no"];

/// Words in front of what has to hold.
const ASSERTING: &[&str] = &["assert", "ensure", "require", "must", "expect", "check", "invariant"];

/// Whether a word in front of a flow is no misspelt keyword.
pub(in crate::syntax) fn starts_no_keyword(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    [ALLOWING, DENYING, ASSERTING].iter().any(|known| known.contains(&&*lower))
}

impl Broken<'_> {
    pub(super) fn flow(self) -> Option<StatementEdit> {
        self.first_word()
            .or_else(|| self.late_word())
            .or_else(|| self.colon_before_arrow())
            .or_else(|| self.arrow())
            .or_else(|| self.kind_in_front())
            .or_else(|| self.every_pod())
            .or_else(|| self.endpoint_quotes())
            .or_else(|| self.members_of_a_namespace())
            .or_else(|| self.service_name())
            .or_else(|| self.ports_of_hop())
            .or_else(|| self.endpoint_brackets())
            .or_else(|| self.outside_of_braces())
            .or_else(|| self.between_members())
            .or_else(|| self.statement_end())
    }

    /// What belongs to the end of the flow that the place is in, and where it starts.
    fn hop(&self) -> (usize, &str) {
        let before = self.text.get(..self.at).unwrap_or("");
        let start = match before.rfind("->") {
            Some(arrow) => {
                arrow + before.get(arrow..).map_or(0, |rest| rest.len() - rest.trim_start_matches(['-', '>']).len())
            }
            None if self.rule == Rule::assertion => word(self.text).len(),
            None => 0,
        };
        let hop = before.get(start..).unwrap_or("");
        (start + hop.len() - hop.trim_start().len(), hop.trim())
    }

    fn is_source(&self) -> bool {
        !self.text.get(..self.at).unwrap_or("").contains("->")
    }

    /// `allow web -> db`, `deny web -> db`
    fn first_word(self) -> Option<StatementEdit> {
        let first = word(self.text);
        let is_behind = self.before() == first && self.at > first.len() && self.rule == Rule::flow;
        if !is_behind
            || self.after().starts_with(['-', '=', '>', ',', ':', '→'])
            || VERBS.iter().any(|verb| *verb == self.word())
        {
            return None;
        }
        let lower = first.to_ascii_lowercase();
        let is = |known: &[&str]| known.contains(&&*lower);
        if is(ALLOWING) {
            return Some(StatementEdit::new(0..self.at, "", "a flow has no word in front"));
        }
        if is(ASSERTING) && words::starts_assertion(self.word()) {
            let rule = Some(Rule::assertion);
            return Some(StatementEdit {
                rule,
                ..StatementEdit::new(0..self.at, "", "an assertion begins with `never`, `only` or `always`")
            });
        }
        let (word, why) = match () {
            () if is(DENYING) => {
                ("never ", "nothing is open but what a flow opens, and `never` guards what has to stay closed")
            }
            () if is(ASSERTING) => ("always ", "an assertion begins with `never`, `only` or `always`"),
            () => return None,
        };
        Some(StatementEdit { rule: Some(Rule::assertion), ..StatementEdit::new(0..self.at, word, why) })
    }

    /// `web never -> db`
    fn late_word(self) -> Option<StatementEdit> {
        let word = self.one_of(&["never", "only", "always"]).filter(|_| self.rule == Rule::flow)?;
        let rest = self.text.get(self.around(word.len()).end..)?;
        let text = format!("{word} {} {rest}", self.before());
        let why = "an assertion begins with `never`, `only` or `always`";
        Some(StatementEdit { rule: Some(Rule::assertion), ..StatementEdit::new(0..self.text.len(), text, why) })
    }

    /// Another sign or a word in the place of an arrow.
    fn arrow(self) -> Option<StatementEdit> {
        if self.after().starts_with("->>") && self.rule == Rule::flow {
            return self.instead("->>".len(), " -> ", "`->>` only stands in `never A ->> B`");
        }
        let (_, hop) = self.hop();
        let is_behind_end =
            !hop.is_empty() && hop.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '}'));
        if self.after().starts_with("->") && !is_behind_end {
            // `a -> -> b`
            return (!self.is_source()).then(|| StatementEdit::new(self.around(2), " ", ARROW));
        }
        if !is_behind_end || self.after().starts_with("->") {
            return None;
        }
        if let Some(rest) = self.after().strip_prefix("<->") {
            let range = self.before().len()..self.text.len() - rest.trim_start().len();
            return Some(StatementEdit::new(range, " -> ", "replies need no flow of their own"));
        }
        if let Some(written) = self.one_of(ARROWS) {
            return self.instead(written.len(), " -> ", ARROW);
        }
        if let Some(written) = self.one_of(&["<--", "<-", "<=", "←"]) {
            return self.reversed(written.len());
        }
        let verb = VERBS.iter().filter(|verb| super::starts_with(self.after(), verb)).max_by_key(|verb| verb.len())?;
        let is_behind_source = self.is_source() && self.at > self.before().len();
        is_behind_source.then(|| self.instead(verb.len(), " -> ", ARROW))?
    }

    /// `db:80 <- web`
    fn reversed(self, length: usize) -> Option<StatementEdit> {
        let (start, destination) = self.hop();
        let source = self.after().get(length..)?.trim();
        let is_plain = !source.is_empty() && !source.contains(['-', '<', '>', ':']);
        let text = format!("{source} -> {destination}");
        is_plain
            .then(|| StatementEdit::new(start..self.text.len(), text, "a flow is written from the one who connects"))
    }

    /// `web: -> db`
    fn colon_before_arrow(self) -> Option<StatementEdit> {
        let before = self.before().strip_suffix(':').filter(|_| self.after().starts_with("->"))?;
        Some(StatementEdit::new(
            before.len()..self.at,
            " ",
            "the ports of a destination stand behind its colon, and a source has none",
        ))
    }

    /// `web -> namespace kafka:80`, `web -> service db:80`
    fn kind_in_front(self) -> Option<StatementEdit> {
        const NAMESPACES: &[&str] = &["namespace", "ns", "project"];
        const OTHERS: &[&str] = &[
            "service",
            "svc",
            "pod",
            "pods",
            "deployment",
            "deploy",
            "statefulset",
            "daemonset",
            "job",
            "tier",
            "app",
            "workload",
            "group",
            "cidr",
            "host",
        ];
        let (start, hop) = self.hop();
        let name = self.word();
        if name.is_empty() || self.at == self.before().len() {
            return None;
        }
        let end = self.at + name.len();
        if NAMESPACES.contains(&hop) {
            let text = if self.text.get(end..)?.starts_with('/') { name.to_owned() } else { format!("{name}/*") };
            return Some(StatementEdit::new(start..end, text, "every pod of a namespace is written `NAMESPACE/*`"));
        }
        OTHERS
            .contains(&hop)
            .then(|| StatementEdit::new(start..self.at, "", "an endpoint has a name, and no word in front"))
    }

    /// `kafka/:9092`, `kafka/**:9092`, `kafka.*:9092`
    fn every_pod(self) -> Option<StatementEdit> {
        const WHY: &str = "every pod of a namespace is written `NAMESPACE/*`";
        let (_, hop) = self.hop();
        if hop.ends_with('/') && (self.after().is_empty() || self.after().starts_with([':', '-', ' '])) {
            return self.insert(if self.after().starts_with('-') { "* " } else { "*" }, WHY);
        }
        if hop.ends_with("/*") && self.after().starts_with('*') {
            return Some(StatementEdit::new(self.at..self.at + 1, "", WHY));
        }
        let is_name = hop.ends_with(|c: char| c.is_ascii_alphanumeric());
        if is_name && self.after().starts_with(".{") {
            return Some(StatementEdit::new(self.at..self.at + 1, "/", OF_ONE));
        }
        (is_name && self.after().starts_with(".*")).then(|| StatementEdit::new(self.at..self.at + 2, "/*", WHY))
    }

    fn endpoint_quotes(self) -> Option<StatementEdit> {
        let is_port = self.before().ends_with(':') && !self.is_source();
        if is_port { None } else { self.unquote("names stand without quotes") }
    }

    /// `db.shop.svc.cluster.local`, `shop/db/sql`
    fn service_name(self) -> Option<StatementEdit> {
        let before = self.before();
        let start =
            before.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/'))).map_or(0, |at| at + 1);
        let is_endpoint = before.len() == self.at && !before.get(..start)?.ends_with(':');
        let name = before.get(start..).filter(|name| is_endpoint && !name.is_empty())?;
        if let Some(port) =
            self.after().strip_prefix('/').map(word).filter(|port| !port.is_empty() && name.contains('/'))
        {
            return Some(StatementEdit::new(self.at..self.at + 1 + port.len(), format!(":{port}"), BEHIND));
        }
        let rest = self.after().strip_prefix('.')?;
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))).unwrap_or(rest.len());
        let mut labels = rest.get(..length)?.split('.');
        let namespace = labels.next()?;
        let is_service =
            matches!(labels.collect::<Vec<_>>().join(".").as_str(), "svc" | "svc.cluster" | "svc.cluster.local");
        let text = format!("{namespace}/{name}");
        (is_service && !name.contains('/')).then(|| {
            StatementEdit::new(
                start..self.at + 1 + length,
                text,
                "a tier of another namespace is written `NAMESPACE/TIER`",
            )
        })
    }

    /// What is wrong with the ports of a destination, or in front of them.
    fn ports_of_hop(self) -> Option<StatementEdit> {
        let (start, hop) = self.hop();
        if self.is_source() || hop.is_empty() {
            return None;
        }
        if hop.contains(':') {
            return self
                .ports_list(start)
                .or_else(|| self.protocol_behind_colon())
                .or_else(|| self.behind_port())
                .or_else(|| self.port_words(hop));
        }
        let is_behind_end = hop.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '}'));
        if !is_behind_end {
            return None;
        }
        if self.bracket().is_some() {
            let is_number = self.after().starts_with(|c: char| c.is_ascii_digit());
            return is_number.then(|| self.insert(":", BEHIND))?;
        }
        let sign =
            self.one_of(&["on port", "on ports", "on", "ports", "port", "at", "via", "over", "using", "@", "#", "/"]);
        let length = sign.map_or(0, str::len);
        let rest = self.after().get(length..)?;
        let space = rest.len() - rest.trim_start().len();
        let place = Broken { at: self.at + length + space, ..self };
        let end = self.before().len();
        if let Some((port, length)) = place.protocol_first() {
            return Some(StatementEdit::new(end..place.at + length, format!(":{port}"), BEHIND));
        }
        if let Some((range, inner)) =
            place.brackets().filter(|(_, inner)| inner.split(',').all(|port| is_port(port.trim())))
        {
            let ports = if inner.contains(',') { format!(":{{{inner}}}") } else { format!(":{inner}") };
            return Some(StatementEdit::new(end..range.end, ports, BEHIND));
        }
        let is_number = place.after().starts_with(|c: char| c.is_ascii_digit());
        let is_name = sign.is_some_and(|sign| !matches!(sign, "/" | "#")) && !place.word().is_empty();
        (is_number || is_name).then(|| StatementEdit::new(end..place.at, ":", BEHIND))
    }

    /// `db:80:tcp`, `db:{80, 443}:tcp`
    fn protocol_behind_colon(self) -> Option<StatementEdit> {
        let rest = self.after().strip_prefix(':')?.trim_start();
        let protocol = word(rest);
        let is_protocol = ["tcp", "udp", "sctp"].iter().any(|known| protocol.eq_ignore_ascii_case(known));
        let end = self.text.len() - rest.len() + protocol.len();
        let text = format!("/{}", protocol.to_ascii_lowercase());
        is_protocol.then(|| StatementEdit::new(self.before().len()..end, text, PORTS))
    }

    /// `api:80, db:81`, `api:80 and db:81`
    fn destinations(self, start: usize) -> Option<StatementEdit> {
        let list = self.text.get(start..)?;
        let list = list.split("->").next().unwrap_or(list);
        let list = list.split(" except ").next().unwrap_or(list).trim();
        let list = list.trim_end_matches([',', ';']);
        let items = items(list);
        let has_port = |item: &&str| item.split_once(':').is_some_and(|(name, port)| is_end(name) && !port.is_empty());
        let is_list = items.len() > 1 && items.iter().all(has_port) && !list.contains(['{', '}', '[', '(']);
        let text = format!("{{{}}}", items.join(", "));
        is_list.then(|| {
            StatementEdit::new(start..start + list.len(), text, "destinations with ports of their own stand in braces")
        })
    }

    /// `db:80, 443`, `db:80/tcp,udp`
    fn ports_list(self, start: usize) -> Option<StatementEdit> {
        if let Some(edit) = self.destinations(start) {
            return Some(edit);
        }
        if !self.after().starts_with([',', ';']) && self.one_of(&["and", "&", "|", "+"]).is_none()
            || self.bracket().is_some()
        {
            return None;
        }
        let rest = self.text.get(start..)?;
        let ports = start + rest.find(':')? + 1;
        let list = self.text.get(ports..)?;
        let list = list.split("->").next().unwrap_or(list);
        let list = list.split(" except ").next().unwrap_or(list).trim();
        let from = self.text.get(ports..)?.find(list)? + ports;
        let items: Vec<&str> =
            list.split([',', ';', '&', '|', '+']).flat_map(|item| item.split(" and ")).map(str::trim).collect();
        let protocols = |item: &&str| matches!(*item, "tcp" | "udp" | "sctp");
        let text = match items.split_first()? {
            (first, others) if others.iter().all(protocols) => {
                let (number, protocol) = first.split_once('/')?;
                let each =
                    [protocol].into_iter().chain(others.iter().copied()).map(|protocol| format!("{number}/{protocol}"));
                each.collect::<Vec<_>>().join(", ")
            }
            // `web -> api:80, db:81` are two destinations.
            _ if items.iter().any(|item| item.contains(':') || item.is_empty()) => return None,
            _ => items.join(", "),
        };
        Some(StatementEdit::new(from..from + list.len(), format!("{{{text}}}"), "several ports stand in braces"))
    }

    /// `db:port 80`, `db:[80, 443]`, `db:tcp 80`
    fn port_words(self, hop: &str) -> Option<StatementEdit> {
        if !hop.ends_with(':') {
            let port = word(hop.rsplit(':').next()?.trim_start());
            let is_protocol = matches!(port, "tcp" | "udp" | "sctp" | "TCP" | "UDP" | "SCTP" | "port" | "ports");
            let number = self.word();
            let start = self.before().len() - port.len();
            let text = if port.starts_with(['p', 'P']) {
                number.to_owned()
            } else {
                format!("{number}/{}", port.to_lowercase())
            };
            return (is_protocol && is_port(number))
                .then(|| StatementEdit::new(start..self.at + number.len(), text, PORTS));
        }
        if let Some(sign) = self.one_of(&[":", "port", "ports"]) {
            return Some(StatementEdit::new(self.at..self.around(sign.len()).end, "", BEHIND));
        }
        let (range, inner) = self.brackets()?;
        Some(StatementEdit::new(range, format!("{{{inner}}}"), "several ports stand in braces"))
    }

    /// `[web, api] -> db`, `(web, api) -> db`
    fn endpoint_brackets(self) -> Option<StatementEdit> {
        let (range, inner) = self.brackets().filter(|_| self.after().starts_with(['[', '(', '<']))?;
        let (_, hop) = self.hop();
        let text = if inner.contains(',') { format!("{{{inner}}}") } else { inner.to_owned() };
        (hop.is_empty() && !inner.contains(['=', '!'])).then(|| StatementEdit::new(range, text, BRACES))
    }

    /// `web, api -> db`, `web -> api, db:80`
    fn outside_of_braces(self) -> Option<StatementEdit> {
        let (start, hop) = self.hop();
        let separator = self.one_of(&[",", "&&", "&", "||", "|", "+", "and", "or", ";"])?;
        let rest = self.after().get(separator.len()..)?;
        let is_end = |c: char| matches!(c, ':' | '{' | '}' | '>');
        let length = rest.find("->").or_else(|| rest.find(" except ")).unwrap_or(rest.len());
        let length = rest.get(..length)?.find(is_end).unwrap_or(length);
        let others = rest.get(..length)?.trim();
        if hop.is_empty() || hop.contains([':', '{']) || others.is_empty() {
            return None;
        }
        let items = others.split([',', '&', '|', '+', ';']).flat_map(|item| item.split(" and ")).map(str::trim);
        let items: Vec<&str> = [hop].into_iter().chain(items.filter(|item| !item.is_empty())).collect();
        let end = self.at + separator.len() + rest.len() - rest.trim_start().len() + others.len();
        let paths: Vec<(&str, &str)> = items.iter().filter_map(|item| item.split_once('/')).collect();
        match paths.first() {
            Some((namespace, _)) if paths.len() == items.len() && paths.iter().all(|(one, _)| one == namespace) => {
                let members: Vec<&str> = paths.iter().map(|(_, member)| *member).collect();
                Some(StatementEdit::new(start..end, of_namespace(namespace, &members), OF_ONE))
            }
            _ => Some(StatementEdit::new(start..end, format!("{{{}}}", items.join(", ")), BRACES)),
        }
    }

    /// `{web; api}`, `{web api}`
    fn between_members(self) -> Option<StatementEdit> {
        self.bracket().filter(|(_, bracket)| *bracket == '{')?;
        self.comma().or_else(|| {
            let ends = self.after().is_empty() || self.after().starts_with("->") || self.after().starts_with(':');
            let ends = ends && !self.after().contains('}');
            let space = if self.after().starts_with("->") { " " } else { "" };
            ends.then(|| self.insert(&format!("}}{space}"), "a `}` closes the list"))?
        })
    }

    /// `web -> db:80;`
    fn statement_end(self) -> Option<StatementEdit> {
        let rest = self.after().strip_prefix([';', ',', '.', '{'])?;
        let is_end = rest.trim().is_empty() || rest.trim() == "}";
        (is_end && !self.is_source())
            .then(|| StatementEdit::new(self.before().len()..self.text.len(), "", "a statement ends with its line"))
    }
}
