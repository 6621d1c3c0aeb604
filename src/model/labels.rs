//! The labels that managed namespaces state of themselves.

use super::resolve::{Resolver, shorten};
use super::{NamespaceId, NamespaceKind};
use crate::diag::{Code, Diagnostic};
use crate::net::{NAMESPACE_NAME, Selector, Values};
use crate::source::Span;
use crate::syntax::{Operator, RequirementExpr, SelectorExpr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Labels that are stated, and where: each key with its value, or `None` where there is no such label.
pub(super) type Stated = BTreeMap<Arc<str>, (Option<Arc<str>>, Span)>;

impl<'a> Resolver<'a> {
    /// Adds what one place states to what others do.
    pub(super) fn state_labels(&mut self, namespace: NamespaceId, expression: &'a SelectorExpr) {
        let mut known = self.stated.remove(&namespace).unwrap_or_default();
        let name = self.model.namespaces[namespace].name.clone();
        self.read_stated(expression, &name, &mut known);
        self.set_labels(namespace, &known);
        self.stated.insert(namespace, known);
    }

    /// What another name states, which nothing else does.
    pub(super) fn labels_of_rename(&mut self, name: &str, expression: Option<&'a SelectorExpr>) -> Stated {
        let mut stated = Stated::new();
        if let Some(expression) = expression {
            self.read_stated(expression, name, &mut stated);
        }
        stated
    }

    /// Gives a managed namespace these labels and no others.
    pub(super) fn set_labels(&mut self, namespace: NamespaceId, stated: &Stated) {
        let NamespaceKind::Managed(managed) = &mut self.model.namespaces[namespace].kind else { return };
        managed.labels = Selector::everything();
        for (key, (value, _)) in stated {
            let values = value.clone().map_or_else(Values::does_not_exist, |value| Values::one_of([value]));
            managed.labels.require(key.clone(), values);
        }
    }

    fn read_stated(&mut self, expression: &'a SelectorExpr, name: &str, known: &mut Stated) {
        if let Some(star) = expression.star {
            let help = "state a label as `key=value`, or as `!key` where it has none; what is not stated is not known";
            self.report(
                Diagnostic::new(Code::E0225, star, "`*` is no label that a namespace could carry")
                    .with_help(help)
                    .with_mend(self.with_blanks_before(expression.span), ""),
            );
        } else if expression.requirements.is_empty() {
            let message = "no labels stand between the parentheses";
            let help = "leave the parentheses out, or state labels: `(tenant=acme, !internal)`";
            let diagnostic = Diagnostic::new(Code::E0001, expression.span, message);
            self.report(diagnostic.with_help(help).with_mend(self.with_blanks_before(expression.span), ""));
        }
        for requirement in &expression.requirements {
            let Some((key, value)) = self.stated_label(requirement, name) else { continue };
            match known.get(&key) {
                Some((earlier, _)) if *earlier == value => {}
                Some((_, earlier)) => {
                    let earlier = *earlier;
                    let message = format!("the label `{key}` of this namespace is stated twice, and not alike");
                    self.report(
                        Diagnostic::new(Code::E0115, requirement.span, message)
                            .with_label(earlier, "first stated here")
                            .with_help("a label has one value: keep one of them"),
                    );
                }
                None => _ = known.insert(key, (value, requirement.span)),
            }
        }
    }

    /// A label of the namespace `name` and its value, or `None` where it is said to be absent.
    fn stated_label(&mut self, requirement: &RequirementExpr, name: &str) -> Option<(Arc<str>, Option<Arc<str>>)> {
        let key = self.label_key(requirement.key)?;
        if &*key == NAMESPACE_NAME {
            let message = format!("`{NAMESPACE_NAME}` is what the cluster sets by itself: the namespace's name");
            let diagnostic = Diagnostic::new(Code::E0225, requirement.span, message);
            self.report(diagnostic.with_help("leave it out"));
            return None;
        }
        let value = match (requirement.operator, requirement.values.as_slice()) {
            (Operator::DoesNotExist, _) => return Some((key, None)),
            // `k in (v)` is a list, even of one.
            (Operator::In, [value]) if !self.text(requirement.span).ends_with(')') => {
                return Some((key, Some(self.label_value(*value)?)));
            }
            (_, values) => values.first().map(|value| self.text(*value)),
        };
        let listed = value.filter(|_| requirement.operator == Operator::In);
        let value = listed.unwrap_or(name);
        let (present, absent) = (format!("{key}={value}"), format!("!{key}"));
        let message = format!("`{}` does not say what label it is", shorten(self.text(requirement.span)));
        let help = format!("a namespace carries a label, `{present}`, or does not, `{absent}`");
        // Nobody but a person knows which value it is, where none is listed.
        let mends = [listed.map(|_| present), Some(absent)].into_iter().flatten();
        let diagnostic = Diagnostic::new(Code::E0225, requirement.span, message).with_help(help);
        self.report(diagnostic.with_mends(requirement.span, mends));
        None
    }

    /// A place together with the blanks before it.
    pub(super) fn with_blanks_before(&self, span: Span) -> Span {
        let before = self.text(Span { start: 0, end: span.start, ..span });
        let start = u32::try_from(before.trim_end_matches([' ', '\t']).len()).unwrap_or(span.start);
        Span { start, ..span }
    }
}
