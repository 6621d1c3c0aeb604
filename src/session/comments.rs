//! The comments of manifests that say something of a policy: those directly above it, a rule, a peer or a port, or behind one.

use super::import::WrittenPolicy;
use crate::diag::Allow;
use crate::import::{Note, RuleOrigin, Where};
use crate::net::Direction;
use crate::output::is_header;
use crate::source::{FileId, Sources, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Keys of a NetworkPolicy: a comment that begins with one is YAML that somebody took out.
const KEYS: [&str; 27] = [
    "annotations",
    "apiVersion",
    "cidr",
    "egress",
    "endPort",
    "except",
    "from",
    "ingress",
    "ipBlock",
    "key",
    "kind",
    "labels",
    "matchExpressions",
    "matchLabels",
    "metadata",
    "name",
    "namespace",
    "namespaceSelector",
    "operator",
    "podSelector",
    "policyTypes",
    "port",
    "ports",
    "protocol",
    "spec",
    "to",
    "values",
];

/// What the comments of some policies say of them, in the order of the policies, and how many bytes were looked at for it.
pub(super) fn notes(sources: &Sources, given: &[WrittenPolicy]) -> (Vec<Note>, usize) {
    let mut reader =
        CommentReader { sources, lines: BTreeMap::new(), taken: BTreeSet::new(), notes: Vec::new(), looked_at: 0 };
    for (at, one) in given.iter().enumerate() {
        reader.policy(at, one);
    }
    (reader.notes, reader.looked_at)
}

struct CommentReader<'s> {
    sources: &'s Sources,
    /// The lines of each text; none of those that are JSON.
    lines: BTreeMap<FileId, TextLines<'s>>,
    /// The lines that were looked at: all of a policy may stand on one.
    taken: BTreeSet<(FileId, usize)>,
    notes: Vec<Note>,
    /// How many bytes were looked at.
    looked_at: usize,
}

/// The lines of a text.
#[derive(Default)]
struct TextLines<'s> {
    lines: Vec<&'s str>,
    /// The first line of each document, in order: that behind the line of dashes, and the first one that says something.
    documents: Vec<(usize, Option<usize>)>,
}

impl<'s> TextLines<'s> {
    fn new(text: &'s str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut documents = vec![(0, None)];
        for (at, line) in lines.iter().enumerate() {
            if line.starts_with("---") {
                documents.push((at + 1, None));
            } else if let Some((_, first @ None)) = documents.last_mut()
                && !line.trim().is_empty()
                && !line.trim_start().starts_with('#')
            {
                *first = Some(at);
            }
        }
        TextLines { lines, documents }
    }

    /// The first line that says something in the document that a line is in.
    fn first(&self, line: usize) -> Option<usize> {
        let before = self.documents.partition_point(|(start, _)| *start <= line);
        self.documents.get(before.checked_sub(1)?)?.1
    }
}

impl CommentReader<'_> {
    fn policy(&mut self, at: usize, given: &WrittenPolicy) {
        let Some((file, name)) = given.span.and_then(|span| self.line(span)) else { return };
        let Some(first) = self.lines.get(&file).and_then(|lines| lines.first(name)) else { return };
        self.at(file, first, Where::Policy(at));
        for direction in Direction::ALL {
            for (rule, written) in given.written.rules(direction).rules.iter().enumerate() {
                let origin = RuleOrigin { policy: at, direction, rule, peer: None, port: None };
                self.part(written.place, origin);
                for (peer, written) in written.peers.iter().enumerate() {
                    self.part(written.place, RuleOrigin { peer: Some(peer), ..origin });
                }
                for (port, written) in written.ports.iter().enumerate() {
                    self.part(written.place, RuleOrigin { port: Some(port), ..origin });
                }
            }
        }
    }

    fn part(&mut self, place: Option<Span>, origin: RuleOrigin) {
        if let Some((file, line)) = place.and_then(|span| self.line(span)) {
            self.at(file, line, Where::Part(origin));
        }
    }

    /// The comments above and behind a line.
    fn at(&mut self, file: FileId, line: usize, place: Where) {
        if !self.taken.insert((file, line)) {
            return;
        }
        let Some(TextLines { lines, .. }) = self.lines.get(&file) else { return };
        let above = (0..line).rev().take_while(|at| lines.get(*at).is_some_and(|line| line.trim().starts_with('#')));
        let mut places: Vec<usize> = above.filter(|at| self.taken.insert((file, *at))).collect();
        places.reverse();
        places.push(line);
        self.looked_at += places.iter().filter_map(|at| lines.get(*at)).map(|line| line.len() + 1).sum::<usize>();
        let texts: Vec<String> = places.iter().filter_map(|at| comment(lines.get(*at)?)).collect();
        if !texts.is_empty() {
            self.notes.push(Note { place, text: texts.join("\n"), is_description: false });
        }
    }

    /// The file and the line of a place.
    fn line(&mut self, span: Span) -> Option<(FileId, usize)> {
        let source = self.sources.file(span.file)?;
        let is_json = source.text.trim_start().starts_with('{');
        let lines = || if is_json { TextLines::default() } else { TextLines::new(&source.text) };
        self.lines.entry(span.file).or_insert_with(lines);
        Some((span.file, source.position(span.start).line.checked_sub(1)?))
    }
}

/// The comment of a line, if it says something.
fn comment(line: &str) -> Option<String> {
    let at = if line.trim_start().starts_with('#') { line.find('#') } else { behind(line) }?;
    let text = line.get(at..)?;
    if is_header(text) {
        return None;
    }
    let is_allow = Allow::read(text, Span::new(FileId::at(0), 0..0), None).is_some();
    let text = text.trim_start_matches('#').trim();
    (!text.is_empty() && !is_allow && !is_yaml(text)).then(|| text.to_owned())
}

/// Where a comment begins behind something.
fn behind(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') if before.is_whitespace() => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        before = character;
    }
    None
}

/// Whether a comment is a line of a policy that somebody took out.
fn is_yaml(text: &str) -> bool {
    let item = text.strip_prefix("- ");
    let rest = item.unwrap_or(text).trim_start();
    let keyed = rest.split_once(':').is_some_and(|(key, value)| {
        KEYS.contains(&key.trim_matches(['"', '\''])) && (value.is_empty() || value.starts_with(' '))
    });
    let listed = item.is_some_and(|item| {
        let item = item.trim().trim_matches(['"', '\'']);
        ["Ingress", "Egress", "{}"].contains(&item) || item.parse::<ipnet::IpNet>().is_ok() || item.starts_with('{')
    });
    keyed || listed || text == "---"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_what_somebody_says_and_no_yaml() {
        for (line, expected) in [
            ("  # the pages", Some("the pages")),
            ("### Pages", Some("Pages")),
            ("- port: 80  # http", Some("http")),
            ("- port: 80 # was: 81", Some("was: 81")),
            ("name: \"a # b\"", None),
            ("name: 'a # b'  # c", Some("c")),
            ("name: a#b", None),
            ("# - podSelector: {}", None),
            ("#   port: 80", None),
            ("# - 10.0.0.0/8", None),
            ("# - Ingress", None),
            ("# - for the office", Some("- for the office")),
            ("# polder: allow(W0203): known", None),
            ("#", None),
            ("port: 80", None),
        ] {
            assert_eq!(comment(line).as_deref(), expected, "{line}");
        }
    }
}
