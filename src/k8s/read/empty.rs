//! Where the items of a list stand, those that are empty maps included: they have no first key whose place could be
//! taken.

use super::node::{Value, YamlNode};

/// The place of each item of `list`, the value of `key`, in `text`; of an empty map that of its brace. `None` where that
/// cannot be told.
pub(super) fn item_places(key: &YamlNode, list: &YamlNode, text: &str) -> Vec<Option<usize>> {
    let Value::List(items) = &list.value else { return Vec::new() };
    if items.iter().all(|item| item.at.is_some()) {
        return items.iter().map(|item| item.at).collect();
    }
    let mut scan = Scan { text, after: key.at };
    items.iter().map(|item| scan.node(item)).collect()
}

/// A walk over nodes in the order of the text.
struct Scan<'t> {
    text: &'t str,
    /// Where what was met last begins, or an empty map ends; `None` once the way was lost.
    after: Option<usize>,
}

impl Scan<'_> {
    /// Steps over a node, and gives its place.
    fn node(&mut self, node: &YamlNode) -> Option<usize> {
        match &node.value {
            Value::Map(pairs) if pairs.is_empty() => return self.empty_map(),
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    self.node(key);
                    self.node(value);
                }
            }
            Value::List(items) => {
                for item in items {
                    self.node(item);
                }
            }
            _ => self.pass(node.at),
        }
        node.at
    }

    /// What an alias stands for is further up.
    fn pass(&mut self, at: Option<usize>) {
        self.after = self.after.map(|after| after.max(at.unwrap_or_default()));
    }

    fn empty_map(&mut self) -> Option<usize> {
        let found = self.after.and_then(|after| next_empty(self.text, after));
        self.after = found.map(|(_, end)| end);
        found.map(|(start, _)| start)
    }
}

/// The next brace from a place on and the end of its map, when nothing stands in it. Comments and quoted strings are passed
/// over.
fn next_empty(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut open = None;
    while let Some(byte) = bytes.get(at) {
        match (byte, open) {
            (b'{', None) => open = Some(at),
            (b'}', Some(start)) => return Some((start, at + 1)),
            (b'#', _) if at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(u8::is_ascii_whitespace) => {
                at += text.get(at..)?.find('\n')?;
            }
            (quote @ (b'"' | b'\''), None) => at = end_of_quoted(bytes, at + 1, *quote)?,
            (byte, Some(_)) if !byte.is_ascii_whitespace() => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the quote stands that ends a string.
fn end_of_quoted(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if *byte == quote => return Some(at),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::k8s;

    /// The rules of a policy for egress, and the texts from their places on.
    #[track_caller]
    fn check(egress: &str, expected: &[&str]) {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a}}\nspec:\n  podSelector: {{}}\n  \
             egress: {egress}\n"
        );
        let reading = k8s::read(&text, "default");
        assert!(reading.problems.is_empty(), "{:?}", reading.problems);
        let [_, egress] = &reading.policies.first().unwrap().written.directions;
        let found: Vec<&str> = egress.rules.iter().map(|rule| &text[rule.place.unwrap()..]).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn empty_rules_have_a_place_of_their_own() {
        check("[{}]", &["{}]"]);
        check("[{}, {to: [{podSelector: {}}]}, {}]", &["{}, {to", "to: ", "{}]"]);
        check("\n    # {}\n    - {} # {}\n    - to:\n        - podSelector: {}\n    - { }\n", &["{} #", "to:", "{ }"]);
        check(
            "\n    - to: [{ipBlock: {cidr: \"10.0.0.0/8\"}}]\n      ports: [{port: 1}]\n    - {\n    }\n",
            &["to", "{\n"],
        );
        check("[{to: [{podSelector: {matchLabels: {'a': '', \"b\": ''}}}]}, {}]", &["to", "{}]"]);
        check("&all [{}, {}]\n  ingress: *all", &["{}, {", "{}]"]);
    }
}
