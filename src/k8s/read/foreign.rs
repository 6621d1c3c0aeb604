//! Policies of other kinds than NetworkPolicy, as far as they say what can be told of.
//!
//! Nothing is refused: what is not understood makes the object one that answers lack, and that is said of it.

use super::node::{Value, YamlNode};
use super::policy::expression_values;
use super::syntax;
use super::walk::MapFields;
use crate::net::Values;

/// What of a policy is not understood, as the path of a field.
pub(super) struct NotUnderstood(pub(super) String);

pub(super) type Understood<T> = Result<T, NotUnderstood>;

pub(super) fn beyond<T>(path: &str) -> Understood<T> {
    Err(NotUnderstood(path.to_owned()))
}

/// A field that is none of the known ones.
pub(super) fn unknown(object: MapFields, known: &[&str]) -> Option<String> {
    object.keys().find(|key| !known.contains(key)).map(str::to_owned)
}

/// The fields of an object that has none but those.
pub(super) fn fields<'n, 'a>(
    node: Option<&'n YamlNode<'a>>,
    name: &str,
    known: &[&str],
) -> Understood<MapFields<'n, 'a>> {
    let Some(object) = node.and_then(MapFields::of) else { return beyond(name) };
    match unknown(object, known) {
        Some(field) if name.is_empty() => beyond(&field),
        Some(field) => beyond(&format!("{name}.{field}")),
        None => Ok(object),
    }
}

/// The items of a list that is there; the error of anything else.
pub(super) fn items<'n, 'a>(node: &'n YamlNode<'a>, name: &str) -> Understood<&'n [YamlNode<'a>]> {
    match &node.value {
        Value::List(items) => Ok(items),
        _ => beyond(name),
    }
}

/// A string.
pub(super) fn text<'n>(node: Option<&'n YamlNode>, name: &str) -> Understood<&'n str> {
    match node.map(|node| &node.value) {
        Some(Value::Text(text)) => Ok(text),
        _ => beyond(name),
    }
}

/// A port number, from 1.
pub(super) fn port_number(node: Option<&YamlNode>, name: &str) -> Understood<u16> {
    match node.map(|node| &node.value) {
        Some(Value::Integer(number)) => match u16::try_from(*number) {
            Ok(number @ 1..) => Ok(number),
            _ => beyond(name),
        },
        _ => beyond(name),
    }
}

/// What a selector with `matchLabels` and `matchExpressions` asks of each label.
pub(super) fn requirements<'n>(node: Option<&'n YamlNode>, at: &str) -> Understood<Vec<(&'n str, Values)>> {
    let object = fields(node, at, &["matchLabels", "matchExpressions"])?;
    let mut found = Vec::new();
    if let Some(labels) = object.get("matchLabels") {
        let Some(labels) = MapFields::of(labels) else { return beyond(at) };
        if labels.texts().count() != labels.keys().count() {
            return beyond(at);
        }
        found.extend(labels.texts().map(|(key, value)| (key, Values::one_of([value]))));
    }
    let expressions = object.get("matchExpressions").map(|node| items(node, at)).transpose()?.unwrap_or_default();
    for expression in expressions {
        let object = fields(Some(expression), at, &["key", "operator", "values"])?;
        let (key, operator) = (text(object.get("key"), at)?, text(object.get("operator"), at)?);
        let listed = object.get("values").map(|node| items(node, at)).transpose()?.unwrap_or_default();
        let values: Vec<&str> = listed.iter().map(|node| text(Some(node), at)).collect::<Understood<_>>()?;
        if matches!(operator, "In" | "NotIn") == values.is_empty() {
            return beyond(at);
        }
        let Some(values) = expression_values(operator, values) else { return beyond(at) };
        found.push((key, values));
    }
    Ok(found)
}

/// The same of plain labels, whose keys must be such.
pub(super) fn plain_requirements<'n>(node: Option<&'n YamlNode>, at: &str) -> Understood<Vec<(&'n str, Values)>> {
    let found = requirements(node, at)?;
    match found.iter().all(|(key, _)| syntax::label_key(key).is_none()) {
        true => Ok(found),
        false => beyond(at),
    }
}
