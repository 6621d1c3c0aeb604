//! What could have stood where a statement broke, in the user's words.

use super::error::Place;
use super::grammar::Rule;
use super::words;
use pest::error::ErrorVariant;

/// The rules of which one had to match where the statement broke.
pub(super) fn possible(rule: Rule, problem: Option<&ErrorVariant<Rule>>) -> Vec<Rule> {
    match problem {
        Some(ErrorVariant::ParsingError { positives, .. }) if !positives.is_empty() => positives.clone(),
        _ => vec![rule],
    }
}

/// Other words than those of statements and of `platform` that something has to follow.
const KEYWORDS: &[(Rule, &str, &str)] = &[
    (Rule::external, "external", "`namespace`"),
    (Rule::isolate_for, "for", "a tier"),
    (Rule::set_operator, "in", "`(`"),
    (Rule::set_operator, "notin", "`(`"),
    (Rule::except_blocks, "except", "an address block such as `10.0.0.0/8`"),
    (Rule::except_sides, "except", "a tier or another endpoint"),
    (Rule::through, "through", "`dns`"),
];

/// All words that something has to follow: the rule that begins with them, and what follows.
fn keywords() -> impl Iterator<Item = (Rule, &'static str, &'static str)> {
    let statements = words::STATEMENTS.iter().map(|one| (one.rule_of_words(), one.words, one.wanted));
    let keys = words::PLATFORM_KEYS.iter().map(|key| (Rule::platform_key, key.word, key.wanted));
    statements.chain(KEYWORDS.iter().copied()).chain(keys)
}

/// The rules that begin with the keywords of a rule, which is how pest names them when nothing in them has matched.
fn has_keyword(rule: Rule, of: Rule) -> bool {
    rule == of || (of == Rule::platform_key && rule == Rule::platform_entry)
}

/// A keyword without its argument is named by pest as what is missing. What is missing stands behind it.
pub(super) fn pass_keyword(place: &mut Place<'_>, possible: &[Rule]) {
    let after = place.after();
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let passed = keywords().find_map(|(of, keyword, _)| {
        possible.iter().any(|rule| has_keyword(*rule, of)).then_some(())?;
        // Two words may stand apart as they like.
        let rest = keyword.split(' ').try_fold(after, |rest, word| {
            rest.trim_start_matches([' ', '\t']).strip_prefix(word).filter(|rest| ends(rest))
        })?;
        Some(after.len() - rest.len())
    });
    let Some(passed) = passed else { return };
    place.failed += passed;
    if !place.line_ends() {
        let after = place.after();
        place.failed += after.len() - after.trim_start_matches([' ', '\t']).len();
    }
}

/// What could have stood there, joined to a phrase.
pub(super) fn expected(place: &Place<'_>, possible: &[Rule]) -> String {
    let before = place.before().split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let last = before.rsplit(' ').next().unwrap_or("");
    let argument = keywords().find(|(rule, keyword, _)| match rule {
        Rule::isolate_for | Rule::set_operator | Rule::except_blocks | Rule::except_sides | Rule::through => {
            last == *keyword && before != *keyword && place.is_in(*rule)
        }
        _ => before == *keyword && place.is_in(*rule),
    });
    if let Some((_, keyword, wanted)) = argument {
        return format!("{wanted} after `{keyword}`");
    }
    let mut named: Vec<String> = Vec::new();
    for rule in possible {
        let is_entry = matches!(rule, Rule::platform_entry | Rule::platform_key);
        let before = words::statements(true).filter(|_| is_entry && place.in_environment);
        let before = before.map(|one| format!("`{}`", one.words));
        let keys = words::PLATFORM_KEYS.iter().filter(|_| is_entry).map(|key| format!("`{}`", key.word));
        for word in before.chain(in_words(*rule).iter().map(|word| (*word).to_owned())).chain(keys) {
            if !named.contains(&word) {
                named.push(word);
            }
        }
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "a statement".to_owned(),
    }
}

/// A rule as the user would call it; empty for what is never worth naming.
fn in_words(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::comma => &["`,`"],
        Rule::equals => &["`=`"],
        Rule::colon => &["`:`"],
        Rule::open_brace => &["`{`"],
        Rule::close_brace => &["`}`"],
        Rule::open_paren => &["`(`"],
        Rule::selector => &["labels such as `(app=web)`"],
        Rule::close_paren => &["`)`"],
        Rule::arrow => &["`->`"],
        Rule::chain_arrow => &["`->>`"],
        Rule::end | Rule::EOI => &["the end of the line"],
        Rule::name | Rule::letter => &["a name"],
        Rule::key | Rule::requirement | Rule::absent | Rule::set | Rule::comparison => &["a label such as `app=web`"],
        Rule::operator => &["`=`", "`!=`"],
        Rule::set_operator => &["`in (...)`", "`notin (...)`"],
        Rule::value => &["a label value"],
        Rule::block | Rule::blocks => &["an address block such as `10.0.0.0/8`"],
        Rule::except_blocks | Rule::except_sides => &["`except`"],
        Rule::one_side => &["`ingress`", "`egress`"],
        Rule::through => &["`through dns`"],
        Rule::dns_name => &["a DNS name such as `api.example.com`"],
        Rule::dns_server => &["a DNS preset, an address or a tier"],
        Rule::version => &["a version such as `1.18`"],
        Rule::direction => &["`ingress`", "`egress`", "`none`"],
        Rule::star | Rule::endpoint | Rule::member | Rule::side | Rule::sides | Rule::hop => {
            &["a tier or another endpoint"]
        }
        Rule::ports | Rule::port_set | Rule::port | Rule::number | Rule::quoted => &["a port such as `8080/tcp`"],
        Rule::protocol => &["`/tcp`", "`/udp`", "`/sctp`"],
        Rule::port_list => &["ports such as `{ http: 8080/tcp }`"],
        Rule::port_entry => &["a port with its name such as `http: 8080/tcp`"],
        Rule::isolate_for => &["`for`"],
        Rule::assertion_word => &["`never A -> B`"],
        Rule::sp | Rule::blank | Rule::gap | Rule::comment | Rule::next_line | Rule::flows | Rule::tiers => &[],
        Rule::platform_entry | Rule::platform_key | Rule::cni_setting | Rule::setting => &[],
        rule => {
            words::STATEMENTS.iter().find(|one| one.rule == rule).map_or(&[], |one| std::slice::from_ref(&one.form))
        }
    }
}
