//! What JSON of logs is made of, taken from the line without a copy where that can be.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A text; what has no escapes stays where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    pub(super) fn get(&self) -> &str {
        &self.0
    }
}

/// The text of a member that may be missing.
pub(super) fn text<'t>(member: &'t Option<Text<'_>>) -> &'t str {
    member.as_ref().map_or("", |text| text.get())
}

struct OfText;

impl<'de> Visitor<'de> for OfText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(OfText)
    }
}

/// A number, as such or as a text: JSON of Protocol Buffers has those of 64 bits as texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct WireNumber(pub u64);

struct OfNumber;

impl<'de> Visitor<'de> for OfNumber {
    type Value = WireNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that is not negative")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<WireNumber, E> {
        Ok(WireNumber(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<WireNumber, E> {
        u64::try_from(number).map(WireNumber).map_err(E::custom)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WireNumber, E> {
        match text {
            "" => Ok(WireNumber(0)),
            _ => text.parse().map(WireNumber).map_err(E::custom),
        }
    }
}

impl<'de> Deserialize<'de> for WireNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfNumber)
    }
}

/// A number of a member that may be missing.
pub(super) fn number(member: Option<WireNumber>) -> u64 {
    member.map_or(0, |number| number.0)
}

/// The number of a port; none that there cannot be.
pub(super) fn port(member: Option<WireNumber>) -> Option<u16> {
    u16::try_from(number(member)).ok()
}
