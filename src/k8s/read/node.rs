//! Any YAML or JSON document as a tree that loses nothing: every pair of a map, in order and even when the key was
//! there before, and for plain scalars what Kubernetes' YAML 1.1 reader makes of them.

use super::merge::merged;
use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct YamlNode<'a> {
    /// The offset of the value in the text, or of the nearest thing around it whose place the parser tells.
    pub(super) at: Option<usize>,
    /// The value.
    pub(super) value: Value<'a>,
}

/// A value as Kubernetes reads it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer written in a way that YAML 1.1 and 1.2 read alike.
    Integer(i64),
    /// Another number.
    Number,
    /// A string.
    Text(Cow<'a, str>),
    /// A plain scalar that looks like a string but is something else to Kubernetes.
    Misread(Cow<'a, str>, Misreading),
    /// A list.
    List(Vec<YamlNode<'a>>),
    /// A map, with every pair as written.
    Map(Vec<(YamlNode<'a>, YamlNode<'a>)>),
}

/// What a YAML 1.1 reader takes a plain scalar for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misreading {
    /// `on`, `no`, `y` and the like.
    Boolean,
    /// `010`, `1_000`, `1e3` and the like.
    Number,
}

impl Value<'_> {
    /// What it is, for a message: `a list`, `the number 8080`.
    pub(super) fn describe(&self) -> String {
        match self {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => format!("the boolean {value}"),
            Value::Integer(value) => format!("the number {value}"),
            Value::Number => "a number".to_owned(),
            Value::Text(text) => format!("the string {:?}", shortened(text)),
            Value::Misread(text, Misreading::Boolean) => format!("{text}, a boolean to Kubernetes"),
            Value::Misread(text, Misreading::Number) => format!("{}, a number to Kubernetes", shortened(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

/// As much of a string of the text as a message can show.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    // As long as the longest name and label key, so those are shown whole.
    const LONGEST: usize = 317;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// What a plain scalar is to the YAML 1.1 reader that kubectl uses, when that is no string. (Null is null to every
/// reader.)
pub(super) fn misreading(text: &str) -> Option<Misreading> {
    // Nearly all scalars are words, and no word for a boolean is as long.
    if text.len() > 5 && text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" | "n" | "N" | "no" | "No"
        | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => return Some(Misreading::Boolean),
        _ => {}
    }
    is_number(text).then_some(Misreading::Number)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    // Underscores may stand anywhere between digits, but not in front of the number.
    if !text.starts_with(['+', '-', '.']) && !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return false;
    }
    let digits = unsigned.replace('_', "");
    let radix = match digits.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return is_decimal(&digits),
    };
    digits.get(2..).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix)))
}

/// `12`, `1.5`, `1.`, `.5`, each perhaps with an exponent.
fn is_decimal(text: &str) -> bool {
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent.is_empty()
        && all_digits(exponent)
}

/// The field of the metadata that says who wrote which field. Nothing is read from it, and it can be most of an object.
pub(super) const MANAGED_FIELDS: &str = "managedFields";

/// What one document is read with: the text that strings are borrowed from, and how many more values may come.
#[derive(Clone, Copy)]
pub(super) struct Seed<'a, 's> {
    pub(super) text: &'a str,
    /// Aliases repeat what they stand for, so a small text can hold any number of values.
    pub(super) budget: &'s Cell<usize>,
    /// Set when this reader itself refused the document, so that the parser can go on with the next one.
    pub(super) refused: &'s Cell<bool>,
}

impl<'a> Seed<'a, '_> {
    fn refuse<E: Error>(self, reason: impl fmt::Display) -> E {
        self.refused.set(true);
        E::custom(reason)
    }

    fn spend<E: Error>(self) -> Result<(), E> {
        match self.budget.get().checked_sub(1) {
            Some(rest) => {
                self.budget.set(rest);
                Ok(())
            }
            None => Err(self.refuse("there are too many values, or its aliases stand for too many")),
        }
    }

    /// Where a string stands that was borrowed from the text.
    pub(super) fn offset(self, borrowed: &str) -> Option<usize> {
        let offset = (borrowed.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        (offset <= self.text.len()).then_some(offset)
    }

    /// Whether a tag in front of a scalar makes a string of it: `!!str 1`. An anchor may stand beside it.
    fn is_tagged_text(self, at: usize) -> bool {
        // No longer anchor is worth a look, and there may be many scalars.
        const FAR: usize = 200;
        let start = self.text.floor_char_boundary(at.saturating_sub(FAR));
        let before = self.text.get(start..at).unwrap_or_default().trim_end();
        let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let before =
            if word.starts_with('&') { before.strip_suffix(word).unwrap_or_default().trim_end() } else { before };
        before.ends_with("!!str") || before.ends_with("!<tag:yaml.org,2002:str>")
    }

    /// A string that stands in the text as it is: plain, unless there is a quote in front of it.
    pub(super) fn borrowed(self, text: &'a str) -> YamlNode<'a> {
        let at = self.offset(text);
        let before = at.and_then(|at| self.text.as_bytes().get(at.checked_sub(1)?));
        if matches!(before, Some(b'"' | b'\'')) {
            return node(at.map(|at| at - 1), Value::Text(Cow::Borrowed(text)));
        }
        match misreading(text).filter(|_| !at.is_some_and(|at| self.is_tagged_text(at))) {
            Some(misreading) => node(at, Value::Misread(Cow::Borrowed(text), misreading)),
            None => node(at, Value::Text(Cow::Borrowed(text))),
        }
    }
}

fn node(at: Option<usize>, value: Value<'_>) -> YamlNode<'_> {
    YamlNode { at, value }
}

impl<'a> DeserializeSeed<'a> for Seed<'a, '_> {
    type Value = YamlNode<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<YamlNode<'a>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Seed<'a, '_> {
    type Value = YamlNode<'a>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<YamlNode<'a>, E> {
        self.visit_unit()
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, i64::try_from(value).map_or(Value::Number, Value::Integer)))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Number))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(self.borrowed(text))
    }

    /// A string that had to be put together: one with escapes, or over several lines. None of those is plain and
    /// anything but a string.
    fn visit_str<E: Error>(self, text: &str) -> Result<YamlNode<'a>, E> {
        self.spend()?;
        Ok(node(None, Value::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<YamlNode<'a>, A::Error> {
        self.spend()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(node(list.iter().find_map(|item| item.at), Value::List(list)))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut pairs: A) -> Result<YamlNode<'a>, A::Error> {
        self.spend()?;
        let mut map: Vec<(YamlNode, YamlNode)> = Vec::new();
        while let Some(key) = pairs.next_key_seed(self)? {
            let mut value = if matches!(&key.value, Value::Text(name) if name == MANAGED_FIELDS) {
                pairs.next_value::<IgnoredAny>()?;
                node(None, Value::Null)
            } else {
                pairs.next_value_seed(self)?
            };
            value.at = value.at.or(key.at);
            map.push((key, value));
        }
        let at = map.first().and_then(|(key, _)| key.at);
        let mut map = merged(self, map);
        // Most maps are small, and there are many.
        map.shrink_to_fit();
        Ok(node(at, Value::Map(map)))
    }

    fn visit_enum<A: EnumAccess<'a>>(self, tagged: A) -> Result<YamlNode<'a>, A::Error> {
        let _ = tagged;
        Err(self.refuse("a tag other than YAML's own (`!name`) has no meaning to Kubernetes"))
    }
}
