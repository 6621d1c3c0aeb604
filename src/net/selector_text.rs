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
                Requirement::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(", "))?,
                Requirement::Exists(key) => write!(f, "{key}")?,
                Requirement::DoesNotExist(key) => write!(f, "!{key}")?,
            }
        }
        Ok(())
    }
}
