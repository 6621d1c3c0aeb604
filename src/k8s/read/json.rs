//! A text that is nothing but JSON, as `kubectl` prints it.
//!
//! Of a list only the ends of its items are found at first: they are read one after the other, so that never all of a
//! cluster is held as values.

use super::node::{Seed, Value, YamlNode};
use super::{ReadProblem, whole_text};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;

/// The most values that one object may have, or a text that is no list.
pub(super) const MOST_VALUES: usize = 3_000_000;

/// A document.
pub(super) struct Document<'a> {
    /// The object; a list is there without its items.
    pub node: YamlNode<'a>,
    /// The items of a list, each a part of the text.
    pub items: Vec<&'a str>,
}

/// The documents of a text, and what could not be read; `None` when it is not JSON: then it is YAML.
pub(super) fn documents<'a>(seed: Seed<'a, '_>) -> Option<(Vec<Document<'a>>, Vec<ReadProblem>)> {
    if !seed.text.trim_start().starts_with('{') {
        return None;
    }
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    let mut rest = seed.text;
    while !rest.trim_start().is_empty() {
        let mut parser = serde_json::Deserializer::from_str(rest);
        match Top(seed).deserialize(&mut parser) {
            Ok(document) => {
                documents.push(document);
                rest = rest.get(parser.into_iter::<IgnoredAny>().byte_offset()..)?;
            }
            Err(error) => {
                // It may be JSON all the same, with too much in it.
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
                values.next()?.ok()?;
                let (value, after) = rest.split_at_checked(values.byte_offset())?;
                problems.push(whole_text(seed.offset(value), error.to_string()));
                rest = after;
            }
        }
    }
    Some((documents, problems))
}

/// One item of a list in `whole`.
pub(super) fn item<'a>(whole: &'a str, text: &'a str) -> Result<YamlNode<'a>, ReadProblem> {
    let (budget, refused) = (Cell::new(MOST_VALUES), Cell::new(false));
    let seed = Seed { text: whole, budget: &budget, refused: &refused };
    let node = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
    node.map_err(|error| whole_text(seed.offset(text), error.to_string()))
}

/// Reads a document, whose list of items is left apart when it is a list.
struct Top<'a, 's>(Seed<'a, 's>);

impl<'a> DeserializeSeed<'a> for Top<'a, '_> {
    type Value = Document<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Document<'a>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Top<'a, '_> {
    type Value = Document<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut fields: A) -> Result<Document<'a>, A::Error> {
        let Top(seed) = self;
        let mut pairs: Vec<(YamlNode, YamlNode)> = Vec::new();
        let mut items = None;
        while let Some(key) = fields.next_key_seed(seed)? {
            let is_items = items.is_none() && matches!(&key.value, Value::Text(name) if name == "items");
            let mut value = match is_items && has_list(seed.text, &key) {
                true => {
                    items = Some((pairs.len(), fields.next_value::<ItemTexts>()?.0));
                    YamlNode { at: None, value: Value::List(Vec::new()) }
                }
                false => fields.next_value_seed(seed)?,
            };
            value.at = value.at.or(key.at);
            pairs.push((key, value));
        }
        let mut apart = Vec::new();
        if let Some((place, texts)) = items {
            if is_list(&pairs) {
                apart = texts;
            } else if let Some((_, value)) = pairs.get_mut(place) {
                let node = |text| seed.deserialize(&mut serde_json::Deserializer::from_str(text));
                let nodes = texts.into_iter().map(node).collect::<Result<Vec<YamlNode>, _>>().map_err(Error::custom)?;
                let at = nodes.iter().find_map(|node| node.at).or(value.at);
                *value = YamlNode { at, value: Value::List(nodes) };
            }
        }
        let at = pairs.first().and_then(|(key, _)| key.at);
        Ok(Document { node: YamlNode { at, value: Value::Map(pairs) }, items: apart })
    }
}

/// Whether the value of a key is a list.
fn has_list(text: &str, key: &YamlNode) -> bool {
    let rest = key.at.and_then(|at| text.get(at..)).and_then(|rest| rest.strip_prefix("\"items\""));
    let value = rest.and_then(|rest| rest.trim_start().strip_prefix(':'));
    value.is_some_and(|value| value.trim_start().starts_with('['))
}

/// Whether an object says that it is a list.
fn is_list(pairs: &[(YamlNode, YamlNode)]) -> bool {
    super::field_text(pairs, "kind").is_some_and(|kind| kind.ends_with("List"))
}

/// The texts of the items of a list.
struct ItemTexts<'a>(Vec<&'a str>);

impl<'a> serde::Deserialize<'a> for ItemTexts<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'a> Visitor<'a> for Each {
            type Value = ItemTexts<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<ItemTexts<'a>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element::<&RawValue>()? {
                    all.push(item.get());
                }
                Ok(ItemTexts(all))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}
