//! Selectors as the language writes them.

use super::{Requirement, Selector};
use std::fmt;

impl fmt::Display for Selector {
    /// `app=web, !debug, tier in (a, b)`: without parentheses around it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements().into_iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            match requirement {
                Requirement::Equals(key, value) => write!(f, "{key}={value}")?,
                Requirement::In(key, values) => write!(f, "{key} in ({})", values.join(", "))?,
                Requirement::NotIn(key, [value]) => write!(f, "{key}!={value}")?,
                // Sorted, the empty value comes first, and no list has a form for it.
                Requirement::NotIn(key, [first, rest @ ..]) if first.is_empty() => match rest {
                    [value] => write!(f, "{key}!=, {key}!={value}")?,
                    _ => write!(f, "{key}!=, {key} notin ({})", rest.join(", "))?,
                },
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(", "))?,
                Requirement::Exists(key) => write!(f, "{key}")?,
                Requirement::DoesNotExist(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}
