//! Completion inside of parentheses: the labels that the program knows.

use super::completion::Finder;
use super::context::is_name_character;
use crate::syntax::{NodeKind, RequirementExpr};
use lsp_types::CompletionItemKind;
use std::collections::BTreeSet;

impl Finder<'_> {
    /// Keys and values of labels, from what all selectors of the program ask for.
    pub(super) fn labels(&mut self, OpenSelector { selector, states }: OpenSelector<'_>) {
        let requirement = selector.rsplit(['(', ',']).next().unwrap_or("");
        let set = selector.rfind('(').filter(|at| !selector.get(*at..).is_some_and(|rest| rest.contains(')')));
        if let Some(key) = set.and_then(|at| selector.get(..at)?.trim_end().strip_suffix("in")) {
            let key = key.strip_suffix("not").unwrap_or(key).trim_end().rsplit([' ', ',', '(']).next().unwrap_or("");
            return self.label_values(key);
        }
        if let Some((key, _)) = requirement.split_once('=') {
            return self.label_values(key.trim_end_matches('!').trim());
        }
        let key = requirement.trim_start();
        if key.ends_with([' ', '\t']) && !key.trim().is_empty() {
            if states {
                return;
            }
            self.offer("in", CompletionItemKind::Keyword, "with one of these values");
            self.offer("notin", CompletionItemKind::Keyword, "absent, or with another value");
            return;
        }
        self.label_keys(selector);
    }

    fn requirements(&self) -> impl Iterator<Item = &RequirementExpr> {
        let nodes = self.program.session().trees().iter().flat_map(|tree| &tree.nodes);
        let nodes = nodes.flat_map(|node| std::iter::once(node).chain(node.children()));
        let selectors = nodes.filter_map(|node| match &node.kind {
            NodeKind::Tier(tier) => tier.selector.as_ref(),
            NodeKind::Namespace(block) => block.labels.as_ref(),
            NodeKind::RenameNamespace(rename) => rename.labels.as_ref(),
            _ => None,
        });
        selectors.flat_map(|selector| &selector.requirements)
    }

    pub(super) fn label_keys(&mut self, written: &str) {
        let used = self.requirements().map(|requirement| self.program.span_text(requirement.key).to_owned());
        let implied = self.model.tiers.iter().flat_map(|tier| tier.selector.keys().map(|key| key.to_string()));
        let mut keys: BTreeSet<String> = used.chain(implied).collect();
        keys.extend(["app", "app.kubernetes.io/name", "app.kubernetes.io/component"].map(str::to_owned));
        let given: Vec<&str> = written.split(|c: char| !(is_name_character(c) || matches!(c, '.' | '/'))).collect();
        for key in keys.iter().filter(|key| !given.contains(&key.as_str())) {
            self.offer(key, CompletionItemKind::Property, "");
        }
    }

    fn label_values(&mut self, key: &str) {
        let mut values: BTreeSet<String> = BTreeSet::new();
        for requirement in self.requirements().filter(|one| self.program.span_text(one.key) == key) {
            values.extend(requirement.values.iter().map(|value| self.program.span_text(*value).to_owned()));
        }
        for tier in &self.model.tiers {
            values.extend(tier.selector.values(key).required().into_iter().flatten().map(|value| value.to_string()));
        }
        for value in values.iter().filter(|value| !value.is_empty()) {
            self.offer(value, CompletionItemKind::Value, "");
        }
    }
}

/// A selector that a statement leaves open.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenSelector<'a> {
    /// It, from behind its parenthesis.
    selector: &'a str,
    /// Whether it states labels, and does not ask for them.
    states: bool,
}

/// The selector that a statement leaves open.
pub(super) fn open_selector(statement: &str) -> Option<OpenSelector<'_>> {
    let states = statement.starts_with("namespace ");
    let head = states || statement.starts_with("tier ") || statement.starts_with("external ");
    let start = statement.find('(').filter(|_| head)?;
    let rest = statement.get(start + 1..)?;
    let mut depth = 1;
    for character in rest.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    Some(OpenSelector { selector: rest, states })
}
