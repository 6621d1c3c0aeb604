//! What begins with a word and goes on with a list: groups, cidrs, port sets and all kinds of settings.

use super::members::ports_length;
use super::ports::usual_port_name;
use super::{Broken, Rule, StatementEdit, is_port, word};

const QUOTES: &str = "names and addresses stand without quotes";

impl Broken<'_> {
    pub(super) fn list(self) -> Option<StatementEdit> {
        if self.quoted().is_some() {
            return self.unquote(QUOTES);
        }
        if self.is_assigned() && !self.before().contains('=') {
            return self.unnamed().or_else(|| self.assign());
        }
        self.needless_sign()
            .or_else(|| self.version())
            .or_else(|| self.isolated())
            .or_else(|| self.own_tier())
            .or_else(|| self.grouped())
            .or_else(|| self.except())
            .or_else(|| self.behind_port())
            .or_else(|| self.list_brackets())
            .or_else(|| self.comma())
            .or_else(|| self.comma_before_end())
    }

    /// Whether the statement gives something to a name.
    fn is_assigned(self) -> bool {
        matches!(
            self.rule,
            Rule::group
                | Rule::cidr
                | Rule::fqdn
                | Rule::ports_entry
                | Rule::rename_namespace
                | Rule::replace_cidr
                | Rule::replace_fqdn
        )
    }

    /// `cidr 10.0.0.0/8`, `ports 80/tcp`, `group web, api`
    fn unnamed(self) -> Option<StatementEdit> {
        let keyword = word(self.text);
        let list = self.text.get(keyword.len()..)?.trim_start();
        let first = word(list);
        let name = match self.rule {
            Rule::cidr
                if self.after().starts_with(['.', ':', '/']) && first.starts_with(|c: char| c.is_ascii_hexdigit()) =>
            {
                "office".to_owned()
            }
            Rule::fqdn if self.after().starts_with('.') => first.to_owned(),
            Rule::ports_entry if is_port(first) => usual_port_name(first),
            Rule::group if self.after().starts_with(',') => "both".to_owned(),
            _ => return None,
        };
        let start = self.text.len() - list.len();
        Some(
            StatementEdit::new(start..start, format!("{name} = "), "it has a name, by which flows refer to it")
                .guessed(),
        )
    }

    /// `group g: web`, `cidr x 10.0.0.0/8`
    fn assign(self) -> Option<StatementEdit> {
        const WHY: &str = "an `=` stands behind the name";
        let is_named = self.before().contains([' ', '\t']);
        let sign = self.one_of(&[":=", "::", ":", "->", "=>", "<-", "is", "as", "of", "in", "are"]);
        let length = sign.map_or(0, str::len);
        let rest = self.after().get(length..)?.trim_start();
        (is_named && !rest.is_empty()).then(|| self.instead(length, " = ", WHY))?
    }

    /// `label = app`, `dns: cluster`, `cni = calico`
    fn needless_sign(self) -> Option<StatementEdit> {
        let sign = self.one_of(&["==", "=", ":", "->", "=>"]).filter(|_| !self.is_assigned())?;
        let words = self.before().split_ascii_whitespace().count();
        let rest = self.after().get(sign.len()..)?.trim_start();
        let why = "nothing stands between the first word and its value";
        (words == 1 && !rest.is_empty()).then(|| self.instead(sign.len(), " ", why))?
    }

    /// `cni cilium@1.18`, `cni cilium = 1.18`, `cni cilium >= 1.18`
    fn version(self) -> Option<StatementEdit> {
        let is_cni = self.rule == Rule::platform_entry && word(self.text) == "cni";
        let before = self.before();
        let words = before.split_ascii_whitespace().count();
        let sign = self.one_of(&["@", "==", "=", ">=", "<=", ">", "<", "~>", "~", "^"]);
        match sign.filter(|_| is_cni) {
            Some(sign) => self.instead(sign.len(), " ", "a version stands behind the name of the CNI"),
            None => (is_cni && words == 3 && !before.contains(',')).then(|| {
                StatementEdit::new(before.len()..self.text.len(), "", "nothing stands behind the version of the CNI")
            }),
        }
    }

    /// `isolate ingress web`, `isolate egress on web`, `isolate ingress egress`
    fn isolated(self) -> Option<StatementEdit> {
        if self.rule != Rule::isolate {
            return None;
        }
        if self.before().contains(" for ") {
            let start = self.before().rfind([' ', ',']).map_or(0, |at| at + 1);
            let why = "only tiers of this namespace stand behind `for`, by their names";
            return self.after().starts_with('/').then(|| StatementEdit::new(start..self.at + 1, "", why));
        }
        if matches!(self.word(), "ingress" | "egress") {
            return self.insert(", ", "commas stand between the directions");
        }
        if let Some(sign) = self.one_of(&["and", "&&", "&", "+", "|", "/", "or"]) {
            return self.instead(sign.len(), ", ", "commas stand between the directions");
        }
        const WHY: &str = "the tiers that are isolated stand behind `for`";
        match self.one_of(&["to", "of", "on", "from", "in", ":", "="]) {
            Some(sign) => self.instead(sign.len(), " for ", WHY),
            None if self.before().ends_with("isolate") => None,
            None => self.after().starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| self.insert(" for ", WHY))?,
        }
    }

    /// `disjoint shop/web, api`
    fn own_tier(self) -> Option<StatementEdit> {
        let start = self.before().rfind([' ', ',']).map_or(0, |at| at + 1);
        let why = "`disjoint` is about tiers of this namespace, by their names";
        let is_path = self.rule == Rule::disjoint && self.after().starts_with('/');
        is_path.then(|| StatementEdit::new(start..self.at + 1, "", why))
    }

    /// `group g = kafka/(broker|zookeeper)`, `group g = {web, kafka/{broker, zookeeper}}`, `group g = web:80`
    fn grouped(self) -> Option<StatementEdit> {
        if self.rule != Rule::group {
            return None;
        }
        if self.after().starts_with(':') {
            let why = "a group holds no ports, which stand in the flows to it";
            return Some(StatementEdit::new(self.at..self.at + ports_length(self.after()), "", why).guessed());
        }
        let is_member = self.before().ends_with('/') || self.bracket().is_some();
        is_member.then(|| self.members_of_a_namespace())?
    }

    /// `cidr x = 10.0.0.0/8 - 10.1.0.0/16`, `cidr x = 10.0.0.0/8, except 10.1.0.0/16`
    fn except(self) -> Option<StatementEdit> {
        const WHY: &str = "exceptions stand behind `except`, without a comma before it";
        if !matches!(self.rule, Rule::cidr | Rule::replace_cidr) {
            return None;
        }
        let before = self.before();
        if let Some(blocks) =
            before.strip_suffix("except").map(str::trim_end).and_then(|blocks| blocks.strip_suffix(','))
        {
            return Some(StatementEdit::new(blocks.len()..self.at, " except ", WHY));
        }
        const OTHERS: &[&str] = &["-", "!", "\\", "minus", "without", "excluding", "exclude", "but not", "not", "~"];
        let sign = self.one_of(OTHERS)?;
        let start = before.trim_end_matches(',').trim_end().len();
        let end = self.around(sign.len()).end;
        // `10.0.0.1-10.0.0.9` is a range.
        let blocks = (before.trim_end_matches([',', ' ']).rsplit([' ', ',']).next()?, self.text.get(end..)?);
        let has_length = |block: &str| {
            let length = block.rsplit_once('/').map(|(_, length)| length);
            length.is_some_and(|length| length.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let is_block = has_length(blocks.0) && blocks.1.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':');
        let text = if before.contains(" except ") { ", " } else { " except " };
        is_block.then(|| StatementEdit::new(start..end, text, WHY))
    }

    /// `group g = [web, api]`, `ports p = [80, 443]`
    fn list_brackets(self) -> Option<StatementEdit> {
        let (range, inner) = self.brackets()?;
        Some(StatementEdit::new(range, inner, "a list stands without brackets"))
    }

    /// `group g = web,` with nothing behind it.
    fn comma_before_end(self) -> Option<StatementEdit> {
        let rest = self.before().strip_suffix(',')?;
        self.after()
            .is_empty()
            .then(|| StatementEdit::new(rest.len()..self.text.len(), "", "no comma stands behind the last item"))
    }
}
