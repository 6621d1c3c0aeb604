//! Steps through a document with the path of the field at hand, and with every problem on the way noted.

use super::node::{Misreading, Value, YamlNode, shortened};
use super::{ReadObject, ReadProblem, Reading};
use crate::cluster;
use smallvec::SmallVec;
use std::fmt;

/// The path of a field as Kubernetes writes it: `spec.ingress[0].from[1].ipBlock.cidr`.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: PathStep<'p>,
}

#[derive(Clone, Copy)]
enum PathStep<'p> {
    Field(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The document itself.
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: PathStep::Field("") };

    pub(super) fn field(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: PathStep::Field(name) }
    }

    pub(super) fn index(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: PathStep::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        parent.fmt(formatter)?;
        match self.step {
            PathStep::Field(name) => {
                let dot = if parent.parent.is_none() { "" } else { "." };
                write!(formatter, "{dot}{}", shortened(name))
            }
            PathStep::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// What is noted while one document is read. Reading goes on after a problem as far as it can, to find them all.
pub(super) struct Walk<'r> {
    pub(super) reading: &'r mut Reading,
    /// The text that the document stands in.
    pub(super) text: &'r str,
    /// The last place that was known, for values whose own place is not.
    near: Option<usize>,
    /// How many problems the document has so far, told or not.
    problems: usize,
}

/// The most problems, and the most remarks, that are told of one text. A text may have millions, and nobody reads them.
const MOST_TOLD: usize = 1_000;

/// The pairs of a map whose keys are strings. Most have few.
pub(super) type Fields<'n, 'a> = SmallVec<[(&'n str, &'n YamlNode<'a>); 8]>;

/// The fields of a map.
#[derive(Clone, Copy)]
pub(super) struct MapFields<'n, 'a> {
    pairs: &'n [(YamlNode<'a>, YamlNode<'a>)],
}

impl<'n, 'a> MapFields<'n, 'a> {
    const EMPTY: MapFields<'static, 'static> = MapFields { pairs: &[] };

    /// The fields of a map that is checked elsewhere.
    pub(super) fn of(node: &'n YamlNode<'a>) -> Option<Self> {
        match &node.value {
            Value::Map(pairs) => Some(MapFields { pairs }),
            _ => None,
        }
    }

    /// The value of a field; `None` when it is missing or null, which Kubernetes does not tell apart.
    pub(super) fn get(&self, name: &str) -> Option<&'n YamlNode<'a>> {
        self.pair(name).map(|(_, value)| value)
    }

    /// The key and the value of such a field.
    pub(super) fn pair(&self, name: &str) -> Option<(&'n YamlNode<'a>, &'n YamlNode<'a>)> {
        let field = |key: &YamlNode| matches!(&key.value, Value::Text(text) if text == name);
        let (key, value) = self.pairs.iter().find(|(key, _)| field(key))?;
        (value.value != Value::Null).then_some((key, value))
    }

    /// The keys that are strings, of values that are not null; anything else as one that nothing knows.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'n str> + use<'n, 'a> {
        self.pairs.iter().filter(|(_, value)| value.value != Value::Null).map(|(key, _)| match &key.value {
            Value::Text(text) => &**text,
            _ => "",
        })
    }

    /// The keys and values that are both strings.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'n str, &'n str)> + use<'n, 'a> {
        self.pairs.iter().filter_map(|(key, value)| match (&key.value, &value.value) {
            (Value::Text(key), Value::Text(value)) => Some((&**key, &**value)),
            _ => None,
        })
    }
}

impl<'r> Walk<'r> {
    pub(super) fn new(reading: &'r mut Reading, text: &'r str) -> Self {
        Walk { reading, text, near: None, problems: 0 }
    }

    /// How many problems there are so far.
    pub(super) fn problems(&self) -> usize {
        self.problems
    }

    /// Notes why `node` cannot be read.
    pub(super) fn refuse(&mut self, node: &YamlNode, path: Path, reason: impl Into<String>) {
        self.problems += 1;
        let at = self.place(node);
        tell(&mut self.reading.problems, at, path, reason);
    }

    /// Notes what Kubernetes would warn of, or refuse in a newer version.
    pub(super) fn warn(&mut self, node: &YamlNode, path: Path, reason: impl Into<String>) {
        let at = self.place(node);
        tell(&mut self.reading.warnings, at, path, reason);
    }

    /// Notes what somebody who reads `node` should know.
    pub(super) fn remark(&mut self, node: &YamlNode, path: Path, reason: impl Into<String>) {
        let at = self.place(node);
        tell(&mut self.reading.remarks, at, path, reason);
    }

    /// Notes an object that was read: the places of its name and of its pods.
    pub(super) fn found(&mut self, at: Option<usize>, pods_at: Option<usize>, object: cluster::Object) {
        self.reading.objects.push(ReadObject { at, pods_at, object });
    }

    fn place(&mut self, node: &YamlNode) -> Option<usize> {
        self.near = node.at.or(self.near);
        self.near
    }

    /// Notes that `node` is not of the kind that is wanted there.
    pub(super) fn wrong_kind(&mut self, node: &YamlNode, path: Path, wanted: &str) {
        let hint = match node.value {
            Value::Misread(..) | Value::Bool(_) | Value::Integer(_) | Value::Number if wanted == "a string" => {
                "; quote it"
            }
            Value::Misread(_, Misreading::Number) | Value::Number => "; write it in plain decimal digits",
            _ => "",
        };
        self.refuse(node, path, format!("must be {wanted}, not {}{hint}", node.value.describe()));
    }

    /// The pairs of a map, without those whose key is no string.
    pub(super) fn pairs<'n, 'a>(&mut self, node: &'n YamlNode<'a>, path: Path) -> Option<Fields<'n, 'a>> {
        self.place(node);
        let Value::Map(map) = &node.value else {
            self.wrong_kind(node, path, "a map");
            return None;
        };
        let mut pairs = Fields::with_capacity(map.len());
        for (key, value) in map {
            match &key.value {
                Value::Text(text) if text == "<<" => {
                    self.refuse(key, path, "a merge key (`<<`) wants a map, or a list of maps");
                }
                Value::Text(text) => pairs.push((text, value)),
                other => self.refuse(key, path, format!("a key must be a string, not {}; quote it", other.describe())),
            }
        }
        self.duplicates(&pairs, path);
        Some(pairs)
    }

    fn duplicates(&mut self, pairs: &[(&str, &YamlNode)], path: Path) {
        // Nearly all maps are so small that nothing is gained by sorting their keys.
        const SMALL: usize = 12;
        let comes_again =
            |(at, (key, _)): (usize, &(&str, &YamlNode))| pairs.iter().skip(at + 1).any(|(one, _)| one == key);
        if pairs.len() <= SMALL && !pairs.iter().enumerate().any(comes_again) {
            return;
        }
        let mut sorted: Vec<&(&str, &YamlNode)> = pairs.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        for two in sorted.windows(2) {
            if let [(one, _), (key, value)] = two
                && one == key
            {
                self.refuse(value, path.field(key), "duplicate field: Kubernetes would take the last one");
            }
        }
    }

    /// A map that may have the `known` fields and no others.
    pub(super) fn object<'n, 'a>(
        &mut self,
        node: &'n YamlNode<'a>,
        path: Path,
        known: &[&str],
    ) -> Option<MapFields<'n, 'a>> {
        for (key, value) in self.pairs(node, path)? {
            if known.contains(&key) {
                continue;
            }
            // To look for it takes far longer than anything else, so not for what is not told.
            let near = if self.problems < MOST_TOLD { nearest(known, key, 0.75) } else { None };
            let hint = near.map(|name| format!("; did you mean `{name}`?"));
            self.refuse(value, path.field(key), format!("unknown field{}", hint.unwrap_or_default()));
        }
        MapFields::of(node)
    }

    /// A map whose fields `read` are read, and that may have the `others`. Newer versions of Kubernetes have more, so
    /// an unknown field is refused only when it looks like one that is read; any other makes a remark.
    pub(super) fn parts<'n, 'a>(
        &mut self,
        node: Option<&'n YamlNode<'a>>,
        path: Path,
        read: &[&str],
        others: &[&str],
    ) -> Option<MapFields<'n, 'a>> {
        let Some(node) = node else { return Some(MapFields::EMPTY) };
        for (key, value) in self.pairs(node, path)? {
            if read.contains(&key) || others.contains(&key) {
                continue;
            }
            match nearest(read, key, 0.8) {
                Some(name) => {
                    self.refuse(value, path.field(key), format!("unknown field; did you mean `{name}`?"));
                }
                None => self.remark(value, path.field(key), "unknown field; it is not looked at"),
            }
        }
        MapFields::of(node)
    }

    /// A map that may have any fields; an empty one when the field is missing.
    pub(super) fn any_object<'n, 'a>(
        &mut self,
        node: Option<&'n YamlNode<'a>>,
        path: Path,
    ) -> Option<MapFields<'n, 'a>> {
        let Some(node) = node else { return Some(MapFields::EMPTY) };
        self.pairs(node, path)?;
        MapFields::of(node)
    }

    /// The map of an optional field; an empty one when the field is missing.
    pub(super) fn optional<'n, 'a>(
        &mut self,
        node: Option<&'n YamlNode<'a>>,
        path: Path,
        known: &[&str],
    ) -> Option<MapFields<'n, 'a>> {
        node.map_or(Some(MapFields::EMPTY), |node| self.object(node, path, known))
    }

    /// The items of an optional list as `read` reads them; none when the list is missing. Kubernetes would read a null
    /// item as an empty one, which allows everything where it stands for a rule, so it is refused.
    pub(super) fn list<'n, 'a, T>(
        &mut self,
        node: Option<&'n YamlNode<'a>>,
        path: Path,
        mut read: impl FnMut(&mut Self, &'n YamlNode<'a>, Path) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = node else { return Vec::new() };
        self.place(node);
        let Value::List(items) = &node.value else {
            self.wrong_kind(node, path, "a list");
            return Vec::new();
        };
        let mut list = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = path.index(index);
            match item.value {
                Value::Null => self.refuse(item, path, "must not be null"),
                _ => list.extend(read(self, item, path)),
            }
        }
        list
    }

    /// A string.
    pub(super) fn text<'n>(&mut self, node: &'n YamlNode, path: Path) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong_kind(node, path, "a string");
                None
            }
        }
    }

    /// A boolean; false when the field is missing.
    pub(super) fn flag(&mut self, node: Option<&YamlNode>, path: Path) -> bool {
        match node.map(|node| (node, &node.value)) {
            None => false,
            Some((_, Value::Bool(value))) => *value,
            // `yes` and `on`, too.
            Some((_, Value::Misread(text, Misreading::Boolean))) => {
                matches!(text.as_bytes().first(), Some(b'y' | b'Y' | b't' | b'T')) || text.eq_ignore_ascii_case("on")
            }
            Some((node, _)) => {
                self.wrong_kind(node, path, "a boolean");
                false
            }
        }
    }

    /// A whole number that is not negative; `default` when the field is missing.
    pub(super) fn count(&mut self, node: Option<&YamlNode>, path: Path, default: u64) -> u64 {
        let Some(node) = node else { return default };
        let Value::Integer(number) = node.value else {
            self.wrong_kind(node, path, "an integer");
            return default;
        };
        u64::try_from(number).unwrap_or_else(|_| {
            self.refuse(node, path, format!("Invalid value: {number}: must be greater than or equal to 0"));
            default
        })
    }

    /// A string for which `check` has no complaint.
    pub(super) fn checked<'n, R: fmt::Display>(
        &mut self,
        node: &'n YamlNode,
        path: Path,
        check: impl Fn(&str) -> Option<R>,
    ) -> Option<&'n str> {
        let text = self.text(node, path)?;
        match check(text) {
            None => Some(text),
            Some(reason) => {
                self.refuse(node, path, format!("Invalid value: {:?}: {reason}", shortened(text)));
                None
            }
        }
    }

    /// One of the words that the schema has for a field.
    pub(super) fn word<'n>(&mut self, node: &'n YamlNode, path: Path, words: &[&str]) -> Option<&'n str> {
        let text = self.text(node, path)?;
        if words.contains(&text) {
            return Some(text);
        }
        let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
        self.refuse(
            node,
            path,
            format!("Unsupported value: {:?}: supported values: {}", shortened(text), words.join(", ")),
        );
        None
    }
}

/// Adds to a list of problems or remarks, unless it is full.
fn tell(told: &mut Vec<ReadProblem>, at: Option<usize>, path: Path, reason: impl Into<String>) {
    if told.len() < MOST_TOLD {
        let (path, reason) = (path.to_string(), reason.into());
        told.push(ReadProblem { at, path, reason, is_policy: true, ..ReadProblem::default() });
    } else if told.len() == MOST_TOLD {
        let reason = format!("there is more to say than these {MOST_TOLD}");
        told.push(ReadProblem { at, reason, is_policy: true, ..ReadProblem::default() });
    }
}

/// The name that `key` is probably meant to be, if one is more alike than `threshold`.
fn nearest<'k>(known: &[&'k str], key: &str, threshold: f64) -> Option<&'k str> {
    // No name is that long, and comparing takes time in proportion to both lengths.
    const LONGEST: usize = 100;
    if key.len() > LONGEST {
        return None;
    }
    let near = known.iter().max_by(|a, b| strsim::jaro(a, key).total_cmp(&strsim::jaro(b, key)));
    near.copied().filter(|name| strsim::jaro(name, key) > threshold)
}
