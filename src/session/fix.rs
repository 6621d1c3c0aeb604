//! Mends findings of `lint` in the texts that they are about: those that have one right mend.
//!
//! Nothing else is touched, and each text is held against the one before: what was read of both may differ in the mended
//! parts alone.

use super::Manifests;
use crate::diag::{Mend, Report};
use crate::k8s::{self, Reading};
use crate::netpol::{Policy, Rule};
use crate::source::{FileId, SourceFile};
use std::collections::BTreeMap;

/// A text of which something was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The path of its file, as it is shown.
    pub path: String,
    /// The text before.
    pub before: String,
    /// The text afterwards.
    pub after: String,
    /// How many findings were mended.
    pub count: usize,
}

impl Manifests {
    /// The texts with the mends of those reports that have one.
    pub fn mended(&self, reports: &[Report]) -> Vec<Mended> {
        let mut mends: BTreeMap<FileId, Vec<&Mend>> = BTreeMap::new();
        for report in reports {
            if let [mend] = report.diagnostic.mends.as_slice() {
                mends.entry(mend.span.file).or_default().push(mend);
            }
        }
        let texts = mends.into_iter().filter_map(|(file, mends)| mended(self.sources.file(file)?, &mends));
        texts.collect()
    }
}

fn mended(file: &SourceFile, mends: &[&Mend]) -> Option<Mended> {
    let mut mends: Vec<&Mend> = mends.to_vec();
    // From the back, so that places stay what they are.
    mends.sort_by_key(|mend| std::cmp::Reverse(mend.span.start));
    mends.dedup_by_key(|mend| mend.span);
    let (mut after, mut added) = (file.text.clone(), 0);
    for mend in &mends {
        let (start, end) = (mend.span.start as usize, mend.span.end as usize);
        let text = match mend.span.start == mend.span.end {
            true => as_entry(&file.text, start, &mend.text)?,
            false => mend.text.clone(),
        };
        added += usize::from(mend.span.start == mend.span.end);
        file.text.get(start..end)?;
        after.replace_range(start..end, &text);
    }
    is_proved(&file.text, &after, added).then(|| Mended {
        path: file.path.clone(),
        before: file.text.clone(),
        after,
        count: mends.len(),
    })
}

/// An entry, such as `protocol: UDP`, in the form of the map in which it comes before the key at a place.
fn as_entry(text: &str, at: usize, entry: &str) -> Option<String> {
    let before = text.get(..at)?;
    if before.trim_end().ends_with(['{', ',']) {
        let (key, value) = entry.split_once(": ")?;
        return Some(match text.get(at..)?.starts_with('"') {
            true => format!("\"{key}\": \"{value}\", "),
            false => format!("{entry}, "),
        });
    }
    let line = before.rsplit('\n').next()?;
    let is_block = line.chars().all(|character| matches!(character, ' ' | '-'));
    let end = if before.contains("\r\n") { "\r\n" } else { "\n" };
    is_block.then(|| format!("{entry}{end}{}", " ".repeat(line.len())))
}

/// Whether what is read of a text is what was read before, but for the protocols of so many ports.
fn is_proved(before: &str, after: &str, protocols: usize) -> bool {
    let (before, after) = (k8s::read(before, "default"), k8s::read(after, "default"));
    let same_rest = before.problems.len() == after.problems.len()
        && before.documents == after.documents
        && before.policies.len() == after.policies.len()
        && objects(&before).eq(objects(&after));
    let changed = before.policies.iter().zip(&after.policies).map(|(one, other)| {
        let meta = one.labels == other.labels && one.annotations == other.annotations;
        changed(&one.policy, &other.policy).filter(|_| meta)
    });
    same_rest && changed.sum::<Option<usize>>() == Some(protocols)
}

fn objects(reading: &Reading) -> impl Iterator<Item = &crate::cluster::Object> {
    reading.objects.iter().map(|read| &read.object)
}

/// How many ports of a policy have another protocol in another one; `None` when they differ in anything else.
fn changed(one: &Policy, other: &Policy) -> Option<usize> {
    let same = (&one.namespace, &one.name, &one.subject) == (&other.namespace, &other.name, &other.subject);
    let sides = [(&one.ingress, &other.ingress), (&one.egress, &other.egress)];
    let count = |(one, other): (&Option<Vec<Rule>>, &Option<Vec<Rule>>)| match (one, other) {
        (None, None) => Some(0),
        (Some(one), Some(other)) if one.len() == other.len() => {
            one.iter().zip(other).map(|(one, other)| changed_in_rule(one, other)).sum()
        }
        _ => None,
    };
    if same { sides.into_iter().map(count).sum() } else { None }
}

fn changed_in_rule(one: &Rule, other: &Rule) -> Option<usize> {
    let same_targets = one.ports.iter().map(|port| &port.target).eq(other.ports.iter().map(|port| &port.target));
    let pairs = one.ports.iter().zip(other.ports.iter());
    (one.peers == other.peers && same_targets).then(|| pairs.filter(|(one, other)| one != other).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_takes_the_form_of_its_map() {
        let entry = |before: &str, after: &str| as_entry(&format!("{before}{after}"), before.len(), "protocol: UDP");
        assert_eq!(entry("  - ", "port: 1"), Some("protocol: UDP\n    ".to_owned()));
        assert_eq!(entry("a:\n    ", "port: 1"), Some("protocol: UDP\n    ".to_owned()));
        assert_eq!(entry("ports: [{", "port: 1}]"), Some("protocol: UDP, ".to_owned()));
        assert_eq!(entry("[{\"endPort\": 2,\n ", "\"port\": 1}]"), Some("\"protocol\": \"UDP\", ".to_owned()));
        assert_eq!(entry("- ? ", "port: 1"), None);
    }
}
