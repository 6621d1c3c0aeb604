//! The words that statements begin with and the keys of `platform`: the rule that each has to match, what follows it, and
//! what it is for. The parser, its errors and the language server read them here; the grammar is held against this table.

use super::grammar::Rule;

/// Where a statement may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementPlace {
    /// Outside of blocks.
    File,
    /// In a `namespace`.
    Namespace,
    /// In both.
    Both,
    /// In an `environment`, beside the keys of `platform`.
    Environment,
}

/// A kind of statement.
#[derive(Debug, Clone, Copy)]
pub struct StatementKind {
    /// The words that it begins with.
    pub words: &'static str,
    /// Where it may stand.
    pub place: StatementPlace,
    /// What it is for, in a few words.
    pub purpose: &'static str,
    /// A whole one, with tab stops for an editor.
    pub snippet: &'static str,
    /// The rule that it has to match.
    pub(super) rule: Rule,
    /// What has to follow its words, as an error says it.
    pub(super) wanted: &'static str,
    /// How one looks, as an error says it.
    pub(super) form: &'static str,
    /// Whether it opens a block.
    pub(super) is_block: bool,
}

impl StatementKind {
    /// The first of its words.
    pub fn first_word(&self) -> &'static str {
        self.words.split(' ').next().unwrap_or(self.words)
    }

    /// The rule that begins with the words: a flow of one side is a flow behind them.
    pub(super) fn rule_of_words(&self) -> Rule {
        if self.rule == Rule::flow { Rule::one_side } else { self.rule }
    }
}

/// A row whose statement is one line.
const fn line(
    (words, rule, place): (&'static str, Rule, StatementPlace),
    [wanted, form]: [&'static str; 2],
    [purpose, snippet]: [&'static str; 2],
) -> StatementKind {
    StatementKind { words, place, purpose, snippet, rule, wanted, form, is_block: false }
}

/// A row whose statement may open a block.
const fn block(
    what: (&'static str, Rule, StatementPlace),
    errors: [&'static str; 2],
    editors: [&'static str; 2],
) -> StatementKind {
    StatementKind { is_block: true, ..line(what, errors, editors) }
}

const AN_END: &str = "a tier or another endpoint";

/// All statements that begin with a word. What begins with none is a flow.
pub const STATEMENTS: &[StatementKind] = &[
    block(
        ("namespace", Rule::namespace, StatementPlace::File),
        ["a name", "`namespace NAME {`"],
        ["a namespace of your own, closed but for its flows", "namespace ${1:name} {\n  $0\n}"],
    ),
    block(
        ("external namespace", Rule::external, StatementPlace::File),
        ["a name", "`external namespace NAME`"],
        ["a namespace of others, to refer to", "external namespace ${1:name}"],
    ),
    block(
        ("platform", Rule::platform, StatementPlace::File),
        ["`{`", "`platform {`"],
        ["facts about the cluster", "platform {\n  $0\n}"],
    ),
    block(
        ("environment", Rule::environment, StatementPlace::File),
        ["a name", "`environment NAME {`"],
        ["other names and addresses for the same flows", "environment ${1:name} {\n  $0\n}"],
    ),
    line(
        ("use", Rule::use_entry, StatementPlace::File),
        ["a component such as `ingress-nginx`", "`use NAME`"],
        ["well-known components of a cluster", "use ${1:ingress-nginx}"],
    ),
    line(
        ("tier", Rule::tier, StatementPlace::Namespace),
        ["a name", "`tier NAME`"],
        ["pods, by their labels", "tier ${1:name} { ${2:http}: ${3:8080}/tcp }"],
    ),
    line(
        ("group", Rule::group, StatementPlace::Both),
        ["a name", "`group NAME = ...`"],
        ["a union of endpoints", "group ${1:name} = ${2:one}, ${3:other}"],
    ),
    line(
        ("cidr", Rule::cidr, StatementPlace::Both),
        ["a name", "`cidr NAME = ...`"],
        ["addresses", "cidr ${1:name} = ${2:192.0.2.0/24}"],
    ),
    line(
        ("fqdn", Rule::fqdn, StatementPlace::Both),
        ["a name", "`fqdn NAME = ...`"],
        ["DNS names", "fqdn ${1:name} = ${2:example.com}"],
    ),
    line(
        ("ports", Rule::ports_entry, StatementPlace::Both),
        ["a name", "`ports NAME = ...`"],
        ["a port set", "ports ${1:name} = ${2:8080/tcp}"],
    ),
    line(
        ("isolate", Rule::isolate, StatementPlace::Namespace),
        ["`ingress`, `egress` or `none`", "`isolate ingress, egress`"],
        ["which pods are closed, and in which direction", "isolate ${1:ingress, egress}"],
    ),
    line(
        ("disjoint", Rule::disjoint, StatementPlace::Namespace),
        ["a tier", "`disjoint TIER, TIER`"],
        ["tiers that have no pod in common", "disjoint ${1:one}, ${2:other}"],
    ),
    line(
        ("label", Rule::label, StatementPlace::Both),
        ["a label key such as `app`", "`label KEY`"],
        ["the label that tiers are known by", "label ${1:app.kubernetes.io/name}"],
    ),
    line(
        ("dns", Rule::dns, StatementPlace::Namespace),
        [A_SERVER, "`dns PRESET`"],
        ["where the pods find DNS", "dns ${1:cluster}"],
    ),
    line(
        ("never", Rule::assertion, StatementPlace::Both),
        [AN_END, "`never A -> B`"],
        ["an assertion: this may never be allowed", "never ${1:one} -> ${2:other}"],
    ),
    line(
        ("only", Rule::assertion, StatementPlace::Both),
        [AN_END, "`never A -> B`"],
        ["an assertion: nobody else may", "only ${1:one} -> ${2:other}"],
    ),
    line(
        ("always", Rule::assertion, StatementPlace::Both),
        [AN_END, "`never A -> B`"],
        ["an assertion: this has to be allowed", "always ${1:one} -> ${2:other}"],
    ),
    line(
        ("ingress", Rule::flow, StatementPlace::Both),
        [AN_END, A_FLOW],
        ["a flow that opens only its destination's side", "ingress ${1:one} -> ${2:other}:${3:8080}"],
    ),
    line(
        ("egress", Rule::flow, StatementPlace::Both),
        [AN_END, A_FLOW],
        ["a flow that opens only its source's side", "egress ${1:one} -> ${2:other}:${3:8080}"],
    ),
    line(
        ("namespace", Rule::rename_namespace, StatementPlace::Environment),
        ["a name", "`namespace NAME = NAME`"],
        ["another name for a namespace", "namespace ${1:name} = ${2:other}"],
    ),
    line(
        ("cidr", Rule::replace_cidr, StatementPlace::Environment),
        ["a name", "`cidr NAME = ...`"],
        ["other addresses for a cidr", "cidr ${1:name} = ${2:192.0.2.0/24}"],
    ),
    line(
        ("fqdn", Rule::replace_fqdn, StatementPlace::Environment),
        ["a name", "`fqdn NAME = ...`"],
        ["other names for an fqdn", "fqdn ${1:name} = ${2:example.com}"],
    ),
];

const A_FLOW: &str = "a statement or a flow such as `frontend -> backend:8080/tcp`";

const A_SERVER: &str = "a DNS preset, an address block or a tier";

/// What can be said of the platform: in `platform`, and with `=` in an `environment`.
#[derive(Debug, Clone, Copy)]
pub struct PlatformKey {
    /// The word that the entry begins with.
    pub word: &'static str,
    /// What it says.
    pub purpose: &'static str,
    /// What has to follow, as an error says it.
    pub(super) wanted: &'static str,
}

/// All keys of `platform`.
pub const PLATFORM_KEYS: &[PlatformKey] = &[
    PlatformKey { word: "cni", purpose: "what enforces the policies", wanted: "a CNI such as `calico`" },
    PlatformKey { word: "dns", purpose: "where pods find DNS", wanted: A_SERVER },
    PlatformKey {
        word: "apiserver",
        purpose: "the addresses of the API server",
        wanted: "an address block such as `10.96.0.1/32`",
    },
    PlatformKey { word: "nodes", purpose: "the addresses of the nodes", wanted: A_BLOCK },
    PlatformKey { word: "pods", purpose: "the addresses that pods get", wanted: A_BLOCK },
    PlatformKey { word: "services", purpose: "the addresses that Services get", wanted: A_BLOCK },
];

const A_BLOCK: &str = "an address block such as `10.0.0.0/8`";

/// The statements of an environment, or all others.
pub(super) fn statements(in_environment: bool) -> impl Iterator<Item = &'static StatementKind> {
    STATEMENTS.iter().filter(move |one| (one.place == StatementPlace::Environment) == in_environment)
}

/// The statement that begins with a word, in an environment or elsewhere.
pub(super) fn statement(word: &str, in_environment: bool) -> Option<&'static StatementKind> {
    statements(in_environment).find(|one| one.first_word() == word)
}

/// The words that start a statement.
pub fn first_words() -> impl Iterator<Item = &'static str> {
    statements(false).map(StatementKind::first_word)
}

/// The statements that open a block.
pub(super) fn blocks() -> impl Iterator<Item = &'static StatementKind> {
    STATEMENTS.iter().filter(|one| one.is_block)
}

/// Whether a word starts an assertion.
pub fn starts_assertion(word: &str) -> bool {
    statement(word, false).is_some_and(|one| one.rule == Rule::assertion)
}

/// Whether a word is a key of `platform`.
pub fn is_platform_key(word: &str) -> bool {
    PLATFORM_KEYS.iter().any(|key| key.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::grammar::PolderGrammar;
    use pest::Parser as _;

    /// A snippet as an editor leaves it when all its tab stops are passed by.
    fn written(snippet: &str) -> String {
        let mut text = String::new();
        let mut rest = snippet;
        while let Some((before, after)) = rest.split_once('$') {
            text.push_str(before);
            let (stop, behind) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
                Some((stop, behind)) => (stop.split_once(':').map_or("", |(_, default)| default), behind),
                None => ("", after.get(1..).unwrap_or("")),
            };
            text.push_str(stop);
            rest = behind;
        }
        text + rest
    }

    #[test]
    fn snippets_match_the_rules_of_their_words() {
        for one in STATEMENTS {
            let text = written(one.snippet);
            let first = text.lines().next().unwrap_or("");
            assert!(text.starts_with(one.words), "{text}");
            let pairs = PolderGrammar::parse(one.rule, first);
            assert!(pairs.is_ok(), "{first}: {pairs:?}");
        }
    }

    /// Every word in quotes in a rule of the grammar.
    fn quoted(rule: &str) -> Vec<&'static str> {
        let grammar = include_str!("../../grammar/polder.pest");
        let start = |line: &&str| line.split_whitespace().next() == Some(rule);
        let line = grammar.lines().find(start).unwrap_or_default();
        line.split('"').skip(1).step_by(2).filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect()
    }

    #[test]
    fn the_grammar_has_these_keys_and_no_others() {
        let known: Vec<&str> = PLATFORM_KEYS.iter().map(|key| key.word).collect();
        assert_eq!(quoted("platform_key"), known);
    }

    #[test]
    fn the_grammar_has_these_words_and_no_others() {
        for one in STATEMENTS {
            let rule = if one.rule == Rule::assertion { Rule::assertion_word } else { one.rule_of_words() };
            let words = quoted(&format!("{rule:?}"));
            let is_there = words.contains(&one.first_word());
            assert!(is_there, "{} in {rule:?}: {words:?}", one.words);
        }
        let assertions: Vec<&str> = first_words().filter(|word| starts_assertion(word)).collect();
        assert_eq!(quoted("assertion_word"), assertions);
    }
}
