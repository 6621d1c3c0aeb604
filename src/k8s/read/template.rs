//! Templates of OpenShift: objects with parameters in their texts, `${NAME}`, and `${{NAME}}` for what is no text.
//!
//! A parameter has its value; where there is none, its name in small letters stands for whatever will be filled in.

use super::node::{Value, YamlNode};
use super::{field_text, fields, kinds};
use std::borrow::Cow;

/// The longest word that stands for a value: the name of a port may have so many letters.
const LONGEST_WORD: usize = 15;

/// A parameter and what stands for it.
pub(super) struct Parameter<'n> {
    pub(super) name: &'n str,
    value: Cow<'n, str>,
    /// Whether the value is none of the template's.
    pub(super) is_made_up: bool,
}

/// Whether a kind is a template of OpenShift.
pub(super) fn is_template(version: &str, kind: &str) -> bool {
    kind == "Template" && (kinds::group(version) == "template.openshift.io" || version == "v1")
}

/// The parameters of a template.
pub(super) fn parameters<'n>(pairs: &'n [(YamlNode, YamlNode)]) -> Vec<Parameter<'n>> {
    let Some(YamlNode { value: Value::List(items), .. }) = fields(pairs, "parameters").next() else {
        return Vec::new();
    };
    let parameter = |item: &'n YamlNode| {
        let Value::Map(pairs) = &item.value else { return None };
        let name = field_text(pairs, "name")?;
        let value = fields(pairs, "value").next().and_then(|value| text(&value.value));
        let is_made_up = value.is_none();
        Some(Parameter { name, value: value.unwrap_or_else(|| Cow::Owned(word(name))), is_made_up })
    };
    items.iter().filter_map(parameter).collect()
}

fn text<'n>(value: &'n Value) -> Option<Cow<'n, str>> {
    match value {
        Value::Text(text) | Value::Misread(text, _) => Some(Cow::Borrowed(text)),
        Value::Integer(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(value) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Number | Value::List(_) | Value::Map(_) => None,
    }
}

/// A word that may stand wherever Kubernetes wants a name.
fn word(name: &str) -> String {
    let letters = name.chars().map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' });
    let word: String = letters.take(LONGEST_WORD).collect();
    let word = word.trim_matches('-');
    if word.starts_with(|first: char| first.is_ascii_lowercase()) { word.to_owned() } else { "parameter".to_owned() }
}

/// A part of the template with its parameters filled in.
pub(super) fn filled<'a>(node: &YamlNode<'a>, parameters: &[Parameter<'_>]) -> YamlNode<'a> {
    let value = match &node.value {
        Value::Text(text) if text.contains("${") => filled_text(text, parameters),
        Value::List(items) => Value::List(items.iter().map(|item| filled(item, parameters)).collect()),
        Value::Map(pairs) => {
            Value::Map(pairs.iter().map(|(key, value)| (filled(key, parameters), filled(value, parameters))).collect())
        }
        other => other.clone(),
    };
    YamlNode { at: node.at, value }
}

fn filled_text<'a>(text: &str, parameters: &[Parameter<'_>]) -> Value<'a> {
    let inner = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
    if let Some(parameter) = parameters.iter().find(|parameter| Some(parameter.name) == inner) {
        return match (parameter.value.parse(), &*parameter.value) {
            (Ok(number), _) => Value::Integer(number),
            (_, "true") => Value::Bool(true),
            (_, "false") => Value::Bool(false),
            (_, text) => Value::Text(Cow::Owned(text.to_owned())),
        };
    }
    let fill = |text: String, one: &Parameter<'_>| text.replace(&format!("${{{}}}", one.name), &one.value);
    Value::Text(Cow::Owned(parameters.iter().fold(text.to_owned(), fill)))
}
