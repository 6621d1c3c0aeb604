//! `workspace/executeCommand`: texts to show beside the program.

use super::describe::markdown;
use super::names;
use super::program::{FileSpot, Program};
use crate::diag::Code;
use crate::k8s;

/// The manifests of a program, or of one of its namespaces: arguments are a document and maybe a namespace.
pub(super) const MANIFESTS: &str = "polder.manifests";

/// What is to be said about a place, such as who may reach a tier: arguments are a document and a position.
pub(super) const REACH: &str = "polder.reach";

/// The page of a code: the argument is the code.
pub(super) const EXPLAIN: &str = "polder.explain";

/// All commands.
pub(super) const ALL: [&str; 3] = [MANIFESTS, REACH, EXPLAIN];

/// The manifests as one YAML stream; `None` while the program has errors, and when they are not proved.
pub(super) fn manifests(program: &Program, namespace: Option<&str>) -> Option<String> {
    let policies = &program.session().proved_policies()?.policies;
    let wanted = policies.iter().filter(|policy| namespace.is_none_or(|name| name == &*policy.namespace));
    let texts = wanted.map(|policy| {
        let mut text = String::new();
        k8s::manifest(policy, &mut text);
        text
    });
    Some(texts.collect::<Vec<_>>().join("---\n"))
}

/// What is to be said about a place, as Markdown.
pub(super) fn reach(program: &Program, spot: FileSpot) -> Option<String> {
    let (entity, _) = names::at(program, spot)?;
    markdown(program, entity)
}

/// The page of a code, as Markdown.
pub(super) fn explain(code: &str) -> Option<&'static str> {
    Code::parse(code).map(Code::page)
}
