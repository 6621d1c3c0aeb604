//! Labels as selectors.

use crate::net::{Selector, Values};
use std::collections::BTreeMap;

/// Labels as a selector of exactly these values.
pub fn equal(labels: &BTreeMap<String, String>) -> Selector {
    labels.iter().map(|(key, value)| (key.as_str().into(), Values::one_of([value.as_str()]))).collect()
}
