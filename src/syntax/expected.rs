//! What could have stood where a statement broke, in the user's words.

use super::error::Place;
use super::grammar::Rule;
use pest::error::ErrorVariant;

/// The rules of which one had to match where the statement broke.
pub(super) fn possible(rule: Rule, problem: Option<&ErrorVariant<Rule>>) -> Vec<Rule> {
    match problem {
        Some(ErrorVariant::ParsingError { positives, .. }) if !positives.is_empty() => positives.clone(),
        _ => vec![rule],
    }
}

/// The words that something has to follow.
const KEYWORDS: &[(Rule, &str, &str)] = &[
    (Rule::namespace, "namespace", "a name"),
    (Rule::external, "external namespace", "a name"),
    (Rule::external, "external", "`namespace`"),
    (Rule::platform, "platform", "`{`"),
    (Rule::environment, "environment", "a name"),
    (Rule::use_entry, "use", "a component such as `ingress-nginx`"),
    (Rule::tier, "tier", "a name"),
    (Rule::group, "group", "a name"),
    (Rule::cidr, "cidr", "a name"),
    (Rule::replace_cidr, "cidr", "a name"),
    (Rule::fqdn, "fqdn", "a name"),
    (Rule::replace_fqdn, "fqdn", "a name"),
    (Rule::ports_entry, "ports", "a name"),
    (Rule::rename_namespace, "namespace", "a name"),
    (Rule::isolate, "isolate", "`ingress`, `egress` or `none`"),
    (Rule::isolate_for, "for", "a tier"),
    (Rule::label, "label", "a label key such as `app`"),
    (Rule::dns, "dns", "a DNS preset, an address block or a tier"),
    (Rule::assertion, "never", "a tier or another endpoint"),
    (Rule::assertion, "only", "a tier or another endpoint"),
    (Rule::assertion, "always", "a tier or another endpoint"),
    (Rule::set_operator, "in", "`(`"),
    (Rule::set_operator, "notin", "`(`"),
    (Rule::except_blocks, "except", "an address block such as `10.0.0.0/8`"),
    (Rule::except_sides, "except", "a tier or another endpoint"),
    (Rule::one_side, "ingress", "a tier or another endpoint"),
    (Rule::one_side, "egress", "a tier or another endpoint"),
    (Rule::through, "through", "`dns`"),
    (Rule::platform_key, "cni", "a CNI such as `calico`"),
    (Rule::platform_key, "dns", "a DNS preset, an address block or a tier"),
    (Rule::platform_key, "apiserver", "an address block such as `10.96.0.1/32`"),
    (Rule::platform_key, "nodes", "an address block such as `10.0.0.0/8`"),
    (Rule::platform_key, "pods", "an address block such as `10.0.0.0/8`"),
    (Rule::platform_key, "services", "an address block such as `10.0.0.0/8`"),
];

/// The rules that begin with the keywords of a rule, which is how pest names them when nothing in them has matched.
fn has_keyword(rule: Rule, of: Rule) -> bool {
    rule == of || (of == Rule::platform_key && rule == Rule::platform_entry)
}

/// A keyword without its argument is named by pest as what is missing. What is missing stands behind it.
pub(super) fn pass_keyword(place: &mut Place<'_>, possible: &[Rule]) {
    let after = place.after();
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let passed = KEYWORDS.iter().find_map(|(of, keyword, _)| {
        possible.iter().any(|rule| has_keyword(*rule, *of)).then_some(())?;
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
    let argument = KEYWORDS.iter().find(|(rule, keyword, _)| match rule {
        Rule::isolate_for | Rule::set_operator | Rule::except_blocks | Rule::except_sides | Rule::through => {
            last == *keyword && before != *keyword && place.is_in(*rule)
        }
        _ => before == *keyword && place.is_in(*rule),
    });
    if let Some((_, keyword, wanted)) = argument {
        return format!("{wanted} after `{keyword}`");
    }
    let mut words: Vec<&str> = Vec::new();
    let environment = if place.in_environment { &["`namespace`", "`cidr`", "`fqdn`"][..] } else { &[] };
    for rule in possible {
        let before = if matches!(rule, Rule::platform_entry | Rule::platform_key) { environment } else { &[] };
        for word in before.iter().chain(in_words(*rule)) {
            if !words.contains(word) {
                words.push(word);
            }
        }
    }
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
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
        Rule::star | Rule::endpoint | Rule::side | Rule::sides | Rule::hop => &["a tier or another endpoint"],
        Rule::ports | Rule::port_set | Rule::port | Rule::number | Rule::quoted => &["a port such as `8080/tcp`"],
        Rule::protocol => &["`/tcp`", "`/udp`", "`/sctp`"],
        Rule::port_list => &["ports such as `{ http: 8080/tcp }`"],
        Rule::port_entry => &["a port with its name such as `http: 8080/tcp`"],
        Rule::isolate_for => &["`for`"],
        Rule::flow => &["a statement or a flow such as `frontend -> backend:8080/tcp`"],
        Rule::namespace => &["`namespace NAME {`"],
        Rule::external => &["`external namespace NAME`"],
        Rule::platform => &["`platform {`"],
        Rule::environment => &["`environment NAME {`"],
        Rule::use_entry => &["`use NAME`"],
        Rule::tier => &["`tier NAME`"],
        Rule::group => &["`group NAME = ...`"],
        Rule::cidr | Rule::replace_cidr => &["`cidr NAME = ...`"],
        Rule::fqdn | Rule::replace_fqdn => &["`fqdn NAME = ...`"],
        Rule::ports_entry => &["`ports NAME = ...`"],
        Rule::isolate => &["`isolate ingress, egress`"],
        Rule::label => &["`label KEY`"],
        Rule::dns => &["`dns PRESET`"],
        Rule::assertion | Rule::assertion_word => &["`never A -> B`"],
        Rule::platform_entry | Rule::platform_key => PLATFORM_ENTRIES,
        Rule::rename_namespace => &["`namespace NAME = NAME`"],
        Rule::sp | Rule::blank | Rule::gap | Rule::comment | Rule::next_line | Rule::flows | Rule::tiers => &[],
        Rule::cni_setting | Rule::setting => &[],
    }
}

/// The entries of `platform { }`, in the words of an error.
pub(super) const PLATFORM_ENTRIES: &[&str] = &["`cni`", "`dns`", "`apiserver`", "`nodes`", "`pods`", "`services`"];
