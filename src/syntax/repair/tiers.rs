//! Tiers outside of the parentheses of their labels.

use super::ports::usual_port_name;
use super::{Broken, StatementEdit, is_port, word};

const LABELS: &str = "labels stand in parentheses";
const BRACES: &str = "the ports that a tier serves stand in braces, each with a name";
const NAMED: &str = "each port that a tier serves has a name";

impl Broken<'_> {
    pub(super) fn tier(self) -> Option<StatementEdit> {
        if self.bracket().is_some() {
            return self.port_entry();
        }
        if self.quoted().is_some() {
            return self.unquote("a name stands without quotes");
        }
        self.tier_brackets()
            .or_else(|| self.name_end())
            .or_else(|| self.needless())
            .or_else(|| self.bare_ports())
            .or_else(|| self.bare_labels())
    }

    /// `tier x [app=x]`, `tier x [80]`, `tier x { http: 80 } (app=x)`
    fn tier_brackets(self) -> Option<StatementEdit> {
        let (range, inner) = self.brackets()?;
        if self.after().starts_with('(') {
            let ports = self.text.find('{')?;
            let text = format!("({inner}) {}", self.text.get(ports..self.at)?.trim_end());
            return Some(StatementEdit::new(ports..range.end, text, "labels stand before the ports"));
        }
        let is_ports = inner.split(',').all(|item| item.trim().starts_with(|c: char| c.is_ascii_digit()));
        let (text, why) = if is_ports { (format!("{{ {inner} }}"), BRACES) } else { (format!("({inner})"), LABELS) };
        Some(StatementEdit::new(range, text, why))
    }

    /// `tier x:`, `tier x.y`
    fn name_end(self) -> Option<StatementEdit> {
        if let Some(rest) = self.after().strip_prefix(':')
            && rest.trim().is_empty()
        {
            return Some(StatementEdit::new(
                self.before().len()..self.text.len(),
                "",
                "the name of a tier ends the line, or its labels do",
            ));
        }
        let rest = self.after().strip_prefix('.')?;
        let is_inside = rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && self.before().len() == self.at;
        is_inside.then(|| {
            StatementEdit::new(self.at..self.at + 1, "-", "names have the letters from `a` to `z`, digits and `-`")
        })
    }

    /// `tier x: 80`, `tier x = (app=x)`, `tier x where app=x`, `tier x on port 80`
    fn needless(self) -> Option<StatementEdit> {
        const SIGNS: &[&str] = &["->", "=>", ":=", ":", "=", "@", "-"];
        const WORDS: &[&str] = &[
            "where",
            "with",
            "having",
            "labels",
            "label",
            "labelled",
            "labeled",
            "selector",
            "selects",
            "selecting",
            "matches",
            "matching",
            "matchLabels",
            "on",
            "ports",
            "port",
            "serves",
            "listens",
            "is",
            "for",
            "from",
            "by",
        ];
        let written = self.one_of(SIGNS).or_else(|| self.one_of(WORDS))?;
        let rest = self.after().get(written.len()..)?.trim_start();
        let why = match rest {
            rest if is_port(word(rest)) || rest.starts_with("port") => BRACES,
            rest if rest.contains(['=', '!', ':', '(']) || rest.contains(" in ") => LABELS,
            _ => "the name stands right behind the first word",
        };
        (!rest.is_empty()).then(|| self.instead(written.len(), " ", why))?
    }

    /// `tier x 80/tcp`
    fn bare_ports(self) -> Option<StatementEdit> {
        let first = self.protocol_first().is_some() || self.after().starts_with(|c: char| c.is_ascii_digit());
        let end = self.after().find('(').unwrap_or(self.after().len());
        let ports = self.after().get(..end)?.trim_end();
        first.then(|| StatementEdit::new(self.at..self.at + ports.len(), format!("{{ {ports} }}"), BRACES))
    }

    /// `tier x app=x`
    fn bare_labels(self) -> Option<StatementEdit> {
        let end = self.after().find(" {").unwrap_or(self.after().len());
        let labels = self.after().get(..end)?.trim_end();
        let is_labels = labels.contains(['=', '!', ':']) || labels.contains(" in ") || labels.contains(" notin ");
        let before = self.text.get(..self.at)?;
        let space = if before.ends_with([' ', '\t']) { "" } else { " " };
        is_labels.then(|| StatementEdit::new(self.at..self.at + labels.len(), format!("{space}({labels})"), LABELS))
    }

    /// What stands in the braces of a tier.
    fn port_entry(self) -> Option<StatementEdit> {
        let (open, _) = self.bracket()?;
        let inner = self.text.get(open + 1..)?;
        let inner = inner.split('}').next().unwrap_or(inner);
        let is_label = |item: &str| {
            item.split_once('=').is_some_and(|(_, value)| {
                !value.trim_start_matches('=').trim_start().starts_with(|c: char| c.is_ascii_digit())
            })
        };
        if open + 1 + inner.len() < self.text.len() && inner.split(',').any(is_label) {
            return Some(StatementEdit::new(open..open + inner.len() + 2, format!("({})", inner.trim()), LABELS));
        }
        if let Some(edit) = self.labels_in_braces(open) {
            return Some(edit);
        }
        let start = self.before().rfind(['{', ',']).map_or(open + 1, |at| at + 1);
        let entry = self.text.get(start..self.at)?.trim();
        self.port_without_name(entry)
            .or_else(|| self.port_without_colon(entry))
            .or_else(|| self.mapped(entry))
            .or_else(|| self.behind_port())
            .or_else(|| self.port_brackets(entry))
            .or_else(|| self.unquote("numbers and names of ports stand without quotes"))
            .or_else(|| self.comma())
            .or_else(|| self.after().is_empty().then(|| self.insert(" }", "a `}` closes the ports"))?)
    }

    /// `{ matchLabels: { app: web } }`, `{ labels: app=web }`
    fn labels_in_braces(self, open: usize) -> Option<StatementEdit> {
        let open = self.text.get(..open)?.find('{').unwrap_or(open);
        let inner = self.text.get(open + 1..)?.trim_end().trim_end_matches(['}', ' ']);
        let (key, labels) = inner.split_once(':')?;
        let keys = ["labels", "label", "matchLabels", "selector", "podSelector"];
        let labels = labels.trim_start_matches(['{', ' ']);
        let labels = keys.iter().fold(labels, |labels, key| {
            let inside = labels.strip_prefix(key).and_then(|rest| rest.trim_start().strip_prefix(':'));
            inside.map_or(labels, |rest| rest.trim_start_matches(['{', ' ']))
        });
        let is_labels = keys.contains(&key.trim()) && labels.contains([':', '=']);
        is_labels.then(|| StatementEdit::new(open..self.text.len(), format!("({labels})"), LABELS))
    }

    /// `{ 80/tcp }`, `{ tcp/80 }`
    fn port_without_name(self, entry: &str) -> Option<StatementEdit> {
        let start = self.before().len() - entry.len();
        if is_port(entry) && (self.after().is_empty() || self.after().starts_with(['/', ',', '}', ';'])) {
            let name = self.free_name(entry);
            return Some(StatementEdit::new(start..start, format!("{name}: "), NAMED));
        }
        let (port, length) = Broken { at: start, ..self }.protocol_first()?;
        let name = self.free_name(word(&port));
        (!entry.contains(':')).then(|| StatementEdit::new(start..start + length, format!("{name}: {port}"), NAMED))
    }

    /// The usual name of a port, unless the tier has it already.
    fn free_name(self, number: &str) -> String {
        let number = number.split('-').next().unwrap_or(number);
        let usual = usual_port_name(number);
        if self.text.contains(&format!("{usual}:")) { format!("{usual}-{number}") } else { usual }
    }

    /// `{ http 80/tcp }`, `{ http = 80/tcp }`, `{ http }`
    fn port_without_colon(self, entry: &str) -> Option<StatementEdit> {
        const WHY: &str = "a colon stands between the name of a port and its number";
        let is_name = !entry.is_empty() && word(entry) == entry && !is_port(entry);
        if !is_name {
            return None;
        }
        if let Some(sign) = self.one_of(&["->", "=>", ":=", "==", "=", "is"]) {
            return self.instead(sign.len(), ": ", WHY);
        }
        if self.after().starts_with(|c: char| c.is_ascii_digit() || c == '{') {
            return self.insert(": ", WHY);
        }
        let ends = self.after().is_empty() || self.after().starts_with(['}', ',', ';']);
        ends.then(|| self.insert(if self.after().starts_with('}') { ": 8080/tcp " } else { ": 8080/tcp" }, WHY))?
            .map(StatementEdit::guessed)
    }

    /// `{ http: 80:8080 }`
    fn mapped(self, entry: &str) -> Option<StatementEdit> {
        let (name, first) = entry.split_once(':')?;
        let second = word(self.after().strip_prefix([':'])?);
        let end = self.at + 1 + second.len();
        let start = self.before().len() - first.trim_start().len();
        (is_port(first.trim()) && is_port(second) && !name.is_empty())
            .then(|| StatementEdit::new(start..end, second, "the port of the pods is listed, not that of a Service"))
    }

    /// `{ http: [80, 81] }`
    fn port_brackets(self, entry: &str) -> Option<StatementEdit> {
        let (range, inner) = self.brackets().filter(|_| entry.ends_with(':'))?;
        Some(StatementEdit::new(range, format!("{{{inner}}}"), super::ports::PORTS))
    }
}
