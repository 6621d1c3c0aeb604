//! What single words of a program mean to the CNI: labels and exceptions, which not every one of them knows or sees.

use super::resolve::Resolver;
use super::{BuiltIn, CniTrigger, Endpoint, Holds, is_seen_label};
use crate::net::Direction;
use crate::source::Span;
use crate::syntax::{NodeKind, Operator, SelectorExpr};

impl Resolver<'_> {
    /// Says what the CNI reads otherwise of a place.
    pub(super) fn report_difference(&mut self, trigger: CniTrigger, span: Span, what: &str) {
        let cni = self.model.platform.chosen_cni();
        let found = cni.difference(trigger).and_then(|row| row.in_program(&cni.text(), Some(span), what));
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    /// Where external namespaces are selected by labels: they are declared before the platform is read.
    pub(super) fn check_negative_namespaces(&mut self) {
        for member in self.top.clone() {
            if let NodeKind::Namespace(block) = &member.node.kind
                && let Some(labels) = block.labels.as_ref().filter(|_| block.external)
            {
                self.check_negative_labels(labels);
            }
        }
    }

    /// Where a selector asks for what is absent or has another value.
    pub(super) fn check_negative_labels(&mut self, expression: &SelectorExpr) {
        let is_negative = |operator| matches!(operator, Operator::NotIn | Operator::DoesNotExist);
        if let Some(negative) = expression.requirements.iter().find(|one| is_negative(one.operator)) {
            let what = format!("`{}`", self.text(negative.span));
            self.report_difference(CniTrigger::NegativeLabel, negative.span, &what);
        }
    }

    /// Where a selector asks for labels of pods that the CNI does not see.
    pub(super) fn check_unseen_labels(&mut self, expression: &SelectorExpr) {
        let version = self.model.platform.chosen_cni().known_version();
        for requirement in &expression.requirements {
            let key = self.text(requirement.key);
            if is_seen_label(key, version) {
                continue;
            }
            let trigger = match requirement.operator {
                Operator::NotIn | Operator::DoesNotExist => CniTrigger::UnseenLabelLacking,
                Operator::In | Operator::Exists => CniTrigger::UnseenLabelAsked,
            };
            self.report_difference(trigger, requirement.span, &format!("the label `{key}`"));
        }
    }

    /// Where a cidr has exceptions.
    pub(super) fn check_exceptions(&mut self, except: &[Span], name: &str) {
        if let [first, ..] = except {
            self.report_difference(CniTrigger::BlockException, *first, &format!("`{name}`"));
        }
    }

    /// Where a flow goes to an endpoint that is written with exceptions: once for each of them.
    pub(super) fn check_built_in_exceptions(&mut self, one: BuiltIn, span: Span) {
        if one.holds() == Holds::Public
            && self.checked_blocks.insert((Endpoint::BuiltIn(one), Direction::Egress), None).is_none()
        {
            let cni = self.model.platform.chosen_cni();
            let row = cni.difference(CniTrigger::BlockException);
            let found = row.and_then(|row| row.in_program(&cni.text(), Some(span), &format!("`{}`", one.word())));
            let help = "declare the blocks that are meant: `cidr partners = 203.0.113.0/24`";
            found.into_iter().for_each(|diagnostic| self.report(diagnostic.with_help(help)));
        }
    }
}
