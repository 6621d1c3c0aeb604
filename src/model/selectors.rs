//! Selectors: label syntax, and whether any pod can match.

use super::resolve::{Resolver, is_dns_label, shorten};
use crate::diag::{Code, Diagnostic};
use crate::net::{NAMESPACE_NAME, Selector, Values, is_label_value, wrong_label_key};
use crate::source::Span;
use crate::syntax::{Operator, RequirementExpr, SelectorExpr};
use std::sync::Arc;

impl<'a> Resolver<'a> {
    /// The selector of an expression; what is wrong with it is reported and left out.
    pub(super) fn selector(&mut self, expression: &SelectorExpr) -> Selector {
        let requirements = expression.requirements.iter();
        let required = requirements.filter_map(|one| Some((self.label_key(one.key)?, self.requirement_values(one)?)));
        let selector: Selector = required.collect();
        if let Some(key) = selector.contradiction() {
            let written = expression.requirements.iter().filter(|item| self.text(item.key) == key);
            let mut diagnostic = Diagnostic::new(
                Code::E0209,
                expression.span,
                format!("no pod can match: the requirements on label `{key}` contradict each other"),
            )
            .with_help("all requirements of a selector must hold at once; `key in (a, b)` asks for one of several");
            for requirement in written {
                diagnostic = diagnostic.with_label(requirement.span, "");
            }
            self.report(diagnostic);
        }
        selector
    }

    /// The selector of the tier `name`, whose labels would be `implied` without one. Every pod of a namespace has a name
    /// of its own.
    pub(super) fn tier_selector(&mut self, expression: &SelectorExpr, name: &str, implied: &str) -> Selector {
        if expression.requirements.is_empty() {
            let message = match expression.star {
                Some(_) => "a tier is known by labels, and `*` is none",
                None => "no labels stand between the parentheses, so this would be every pod of the namespace",
            };
            let help = format!("`tier {name}` alone is the pods with `{implied}`; in a flow, `*` is every pod");
            let diagnostic = Diagnostic::new(Code::E0001, expression.span, message).with_help(help);
            self.report(diagnostic.with_mend(self.with_blanks_before(expression.span), ""));
        }
        self.check_negative_labels(expression);
        self.check_unseen_labels(expression);
        self.selector(expression)
    }

    /// The same for the labels of namespaces, each of which has its name as a label. `(*)` is every namespace.
    pub(super) fn namespace_selector(&mut self, expression: &SelectorExpr, name: &str) -> Selector {
        if expression.requirements.is_empty() && expression.star.is_none() {
            let message = "no labels stand between the parentheses, so this would be every namespace";
            let help =
                format!("`(*)` says so; `external namespace {name}` alone is the namespace that is called `{name}`");
            let blanks = self.with_blanks_before(expression.span);
            let diagnostic = Diagnostic::new(Code::E0001, expression.span, message).with_help(help);
            self.report(diagnostic.with_mend(expression.span, "(*)").with_mend(blanks, ""));
        }
        let selector = self.selector(expression);
        let names = selector.values(NAMESPACE_NAME);
        let absent = !names.is_nothing() && !names.overlaps(&Values::exists());
        let impossible = names.required().filter(|names| !names.iter().any(|name| is_dns_label(name)));
        let reason = match impossible.map(|names| names.first()) {
            Some(Some(name)) => format!("`{name}` cannot be the name of one"),
            _ if absent => format!("each has the label `{NAMESPACE_NAME}`, with its name"),
            _ => return selector,
        };
        let written = expression.requirements.iter().filter(|item| self.text(item.key) == NAMESPACE_NAME);
        let spans: Vec<Span> = written.map(|item| item.span).collect();
        let message = format!("no namespace can match: {reason}");
        let help = "leave the requirement out, or ask for a name: `kubernetes.io/metadata.name=my-namespace`, in lower \
                    case, with digits and `-`";
        let mut diagnostic = Diagnostic::new(Code::E0209, expression.span, message).with_help(help);
        for span in spans {
            diagnostic = diagnostic.with_label(span, "");
        }
        self.report(diagnostic);
        selector
    }

    fn requirement_values(&mut self, requirement: &RequirementExpr) -> Option<Values> {
        let mut values = Vec::with_capacity(requirement.values.len());
        for span in &requirement.values {
            values.push(self.label_value(*span)?);
        }
        Some(match requirement.operator {
            Operator::In => Values::one_of(values),
            Operator::NotIn => Values::none_of(values),
            Operator::Exists => Values::exists(),
            Operator::DoesNotExist => Values::does_not_exist(),
        })
    }

    /// A label key: an optional DNS subdomain of at most 253 characters and `/`, and a name of at most 63.
    pub(super) fn label_key(&mut self, span: Span) -> Option<Arc<str>> {
        let text = self.text(span);
        match wrong_label_key(text) {
            None => Some(text.into()),
            Some(help) => {
                let message = format!("`{}` is not a label key", shorten(text));
                self.report(Diagnostic::new(Code::E0205, span, message).with_help(help));
                None
            }
        }
    }

    /// A label value: at most 63 characters, may be empty.
    pub(super) fn label_value(&mut self, span: Span) -> Option<Arc<str>> {
        let text = self.text(span);
        if is_label_value(text) {
            return Some(text.into());
        }
        let message = format!("`{}` is not a label value", shorten(text));
        let help = match text.contains(['*', '?', '^', '$', '%']) {
            true => {
                "there are no patterns: list the values, as in `(app in (web, web-canary))`, or name the key alone, as in `(app)`"
            }
            false => {
                "a value has at most 63 letters, digits, `-`, `_` or `.`, and starts and ends with a letter or digit"
            }
        };
        self.report(Diagnostic::new(Code::E0205, span, message).with_help(help));
        None
    }
}
