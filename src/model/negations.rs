//! Exceptions and negative labels, which not every CNI knows on all of its nodes.

use super::resolve::Resolver;
use super::{BuiltIn, Endpoint, Holds};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::{NodeKind, Operator, SelectorExpr};

impl Resolver<'_> {
    /// W0012 where external namespaces are selected by such labels: they are declared before the platform is read.
    pub(super) fn check_negative_namespaces(&mut self) {
        for member in self.top.clone() {
            if let NodeKind::Namespace(block) = &member.node.kind
                && let Some(labels) = block.labels.as_ref().filter(|_| block.external)
            {
                self.check_negative_labels(labels);
            }
        }
    }

    /// W0012 where a selector asks for what is absent or has another value.
    pub(super) fn check_negative_labels(&mut self, expression: &SelectorExpr) {
        let is_negative = |operator| matches!(operator, Operator::NotIn | Operator::DoesNotExist);
        if let Some(negative) = expression.requirements.iter().find(|one| is_negative(one.operator)) {
            let what = "labels that have to be absent or to have another value";
            self.report_negation(negative.span, what, "ask for the values that are meant: `(key in (a, b))`");
        }
    }

    /// W0012 where a cidr has exceptions.
    pub(super) fn check_exceptions(&mut self, except: &[Span]) {
        if let [first, ..] = except {
            self.report_negation(*first, "exceptions of address blocks", "list the blocks that are left");
        }
    }

    /// W0012 where a flow goes to an endpoint that is written with exceptions: once for each of them.
    pub(super) fn check_built_in_exceptions(&mut self, one: BuiltIn, span: Span) {
        if one.holds() == Holds::Public && self.checked_blocks.insert(Endpoint::BuiltIn(one), None).is_none() {
            let what = format!("exceptions of address blocks, which `{}` is written with", one.word());
            self.report_negation(span, &what, "declare the blocks that are meant: `cidr partners = 203.0.113.0/24`");
        }
    }

    fn report_negation(&mut self, span: Span, what: &str, help: &str) {
        if !self.model.platform.cni.knows_negations() {
            let cni = self.model.platform.cni_text();
            let message = format!("on nodes with Windows {cni} does not know {what}");
            self.report(Diagnostic::new(Code::W0012, span, message).with_help(help));
        }
    }
}
