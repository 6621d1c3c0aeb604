//! Parts of manifests on one line, for sentences that say what to write.

use super::write::{expression, quoted};
use crate::net::{Requirement, Selector};

/// What YAML 1.1 reads as something else than a text, in any case.
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A `LabelSelector` as the value of a key: `{matchLabels: {app: web}}`.
pub fn inline_selector(selector: &Selector) -> String {
    let requirements = selector.requirements();
    let labels = requirements.iter().filter_map(|requirement| match requirement {
        Requirement::Equals(key, value) => Some(format!("{}: {}", inline(key), inline(value))),
        Requirement::In(..) | Requirement::NotIn(..) | Requirement::Exists(_) | Requirement::DoesNotExist(_) => None,
    });
    let labels: Vec<String> = labels.collect();
    let expressions = requirements.iter().filter_map(expression).map(|one| {
        let values: Vec<String> = one.values.iter().map(|value| inline(value)).collect();
        let values = if values.is_empty() { String::new() } else { format!(", values: [{}]", values.join(", ")) };
        format!("{{key: {}, operator: {}{values}}}", inline(one.key), one.operator)
    });
    let expressions: Vec<String> = expressions.collect();
    let labels = (!labels.is_empty()).then(|| format!("matchLabels: {{{}}}", labels.join(", ")));
    let expressions = (!expressions.is_empty()).then(|| format!("matchExpressions: [{}]", expressions.join(", ")));
    let parts: Vec<String> = labels.into_iter().chain(expressions).collect();
    format!("{{{}}}", parts.join(", "))
}

/// A key or a value of a label, which has quotes only where it would be read as something else without.
fn inline(text: &str) -> String {
    let is_text = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let mut out = String::new();
    if is_text {
        out.push_str(text)
    } else {
        quoted(text, &mut out)
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::inline_selector;
    use crate::net::{Selector, Values};

    #[test]
    fn every_requirement_is_read_as_it_was_meant() {
        let requirements = [
            ("app", Values::one_of(["web"])),
            ("app.kubernetes.io/tier", Values::one_of(["1.0", "no"])),
            ("debug", Values::does_not_exist()),
            ("on", Values::one_of([""])),
            ("team", Values::exists()),
            ("zone", Values::none_of(["a", "0x1f"])),
        ];
        let selector: Selector = requirements.into_iter().map(|(key, values)| (key.into(), values)).collect();
        let text = inline_selector(&selector);
        let read: k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector = serde_yaml::from_str(&text).unwrap();
        let labels = read.match_labels.unwrap();
        assert_eq!(
            labels.into_iter().collect::<Vec<_>>(),
            [("app".into(), "web".into()), ("on".into(), String::new())]
        );
        let expressions: Vec<String> = read
            .match_expressions
            .unwrap()
            .into_iter()
            .map(|one| format!("{} {} {}", one.key, one.operator, one.values.unwrap_or_default().join(",")))
            .collect();
        assert_eq!(
            expressions,
            ["app.kubernetes.io/tier In 1.0,no", "debug DoesNotExist ", "team Exists ", "zone NotIn 0x1f,a"]
        );
        assert_eq!(inline_selector(&Selector::everything()), "{}");
    }
}
