//! What connections are called, and what comments say of them.

use super::{Probe, ProbePlan, ProbePort, ProbeTarget, ProbedEnd, ProbedKind};
use crate::diag::render::sanitize;
use crate::flow::{FlowSet, StatementId};
use crate::net::Protocol;
use crate::source::Sources;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Names, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A name as in `never-storefront-web-to-data-postgres-5432`.
    pub(super) fn name(
        &mut self,
        word: &str,
        source: &ProbedEnd,
        destination: &ProbeTarget,
        (protocol, port): ProbePort,
    ) -> String {
        let of = |end: &ProbedEnd| format!("{}-{}", end.namespace, end.name);
        let to = match destination {
            ProbeTarget::Pods(end) => of(end),
            ProbeTarget::Address(address) => address.to_string(),
        };
        let protocol = if protocol == Protocol::Tcp { String::new() } else { format!("-{}", protocol.keyword()) };
        let plain = |character: char| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => character,
            _ => '-',
        };
        let whole: String = format!("{word}-{}-to-{to}-{port}{protocol}", of(source)).chars().map(plain).collect();
        let numbered = |number: usize| if number == 1 { whole.clone() } else { format!("{whole}-{number}") };
        let mut name = whole.clone();
        for number in 1.. {
            name = numbered(number);
            if self.taken.insert(name.clone()) {
                break;
            }
        }
        name
    }
}

/// A statement with its place, as in `never web -> db  (main.polder:4)`, on one line.
pub(super) fn stated(set: &FlowSet, sources: &Sources, id: StatementId) -> String {
    let Some(statement) = set.statement(id) else { return String::new() };
    let place = sources
        .file(statement.span.file)
        .map(|file| format!("  ({}:{})", file.path, file.position(statement.span.start).line));
    sanitize(&format!("{}{}", statement.text, place.unwrap_or_default())).into_owned()
}

/// The lines that say of a connection what it is for, without the `#` of a comment.
pub(super) fn reasons(probe: &Probe, set: &FlowSet, sources: &Sources) -> Vec<String> {
    let mut lines: Vec<String> = probe.statements.iter().map(|id| stated(set, sources, *id)).collect();
    if lines.is_empty() {
        lines.push("control: shows that a refusal beside it is a policy's".to_owned());
    }
    lines.extend(
        probe.controls.as_ref().map(|[one, other]| format!("proves nothing unless these pass: {one}, {other}")),
    );
    lines
}

/// What stays in the pods, without the `#` of a comment.
pub(super) fn containers(plan: &ProbePlan) -> Vec<String> {
    let is_udp = |probe: &Probe| probe.protocol == Protocol::Udp;
    let also = if plan.probes.iter().any(is_udp) { ", and over UDP one in its destination" } else { "" };
    let mut lines = vec![format!(
        "Each leaves an ephemeral container in its source{also}; nobody can remove it, and it is gone when the pod is."
    )];
    lines.extend(plan.containers.iter().map(|(end, count)| {
        let what = match end.kind {
            ProbedKind::Pod => String::new(),
            kind @ (ProbedKind::Deployment | ProbedKind::StatefulSet | ProbedKind::DaemonSet) => {
                format!(" {}", kind.word())
            }
        };
        sanitize(&format!("{count:5} in{what} {}/{}", end.namespace, end.name)).into_owned()
    }));
    lines
}

/// Text as a comment, whose lines it cannot leave.
pub(super) fn comment(text: &mut String, indent: &str, lines: &[String]) {
    for line in lines {
        let _ = writeln!(text, "{indent}# {}", sanitize(line));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_comment_stays_on_its_line_whatever_is_in_it() {
        let mut text = String::new();
        comment(&mut text, "", &["a\n- name: b".to_owned(), "c\r\u{2028}\u{85}d\u{1b}[31m".to_owned()]);
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.lines().all(|line| line.starts_with("# ")) && !text.contains(['\r', '\u{2028}', '\u{85}', '\u{1b}'])
        );
    }

    #[test]
    fn names_that_look_alike_are_numbered() {
        let end = |namespace: &str, name: &str| ProbedEnd {
            namespace: namespace.into(),
            name: name.into(),
            kind: ProbedKind::Pod,
            address: None,
        };
        let mut names = Names::default();
        let mut name =
            |one: ProbedEnd, port| names.name("never", &one, &ProbeTarget::Pods(end("x", "y")), (Protocol::Tcp, port));
        assert_eq!(name(end("a-b", "c"), 1), "never-a-b-c-to-x-y-1");
        assert_eq!(name(end("a", "b-c"), 1), "never-a-b-c-to-x-y-1-2");
        assert_eq!(name(end("a", "b\n#c"), 1), "never-a-b--c-to-x-y-1");
        // What has the number of another one in its own name.
        assert_eq!(name(end("a", "b-c"), 1), "never-a-b-c-to-x-y-1-3");
    }
}
