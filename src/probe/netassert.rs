//! A file for netassert 2, in the form that its own validation accepts.

use super::words::{comment, containers, reasons};
use super::{Probe, ProbePlan, ProbeTarget, ProbedEnd};
use crate::flow::FlowSet;
use crate::source::Sources;
use std::fmt::Write as _;

/// Seconds in which a container has to come up, try and end.
const SECONDS: u32 = 60;

/// The connections of a plan as tests of netassert.
pub fn netassert_file(plan: &ProbePlan, set: &FlowSet, sources: &Sources) -> String {
    let mut text = String::new();
    let head = ["Run with: netassert run --input-file FILE".to_owned()];
    comment(&mut text, "", &[head.as_slice(), &containers(plan)].concat());
    for probe in &plan.probes {
        text.push('\n');
        comment(&mut text, "", &reasons(probe, set, sources));
        test(&mut text, probe);
    }
    text
}

fn test(text: &mut String, probe: &Probe) {
    let Probe { name, protocol, port, passes, .. } = probe;
    // A connection that is refused ends as one to a closed port does.
    let exit = u8::from(!passes);
    let _ = write!(
        text,
        "- name: {}\n  type: k8s\n  protocol: {}\n  targetPort: {port}\n  timeoutSeconds: {SECONDS}\n  attempts: 1\n  \
         exitCode: {exit}\n  src:\n{}  dst:\n{}",
        quoted(name),
        protocol.keyword(),
        resource(&probe.source),
        match &probe.destination {
            ProbeTarget::Pods(end) => resource(end),
            ProbeTarget::Address(address) => format!("    host:\n      name: {}\n", quoted(&address.to_string())),
        }
    );
}

fn resource(end: &ProbedEnd) -> String {
    let (kind, name, namespace) = (end.kind.word(), quoted(&end.name), quoted(&end.namespace));
    format!("    k8sResource:\n      kind: {kind}\n      name: {name}\n      namespace: {namespace}\n")
}

/// A text of YAML that is nothing but a text, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' '..='~' => quoted.push(character),
            other if u32::from(other) <= 0xffff => _ = write!(quoted, "\\u{:04x}", u32::from(other)),
            other => _ = write!(quoted, "\\U{:08x}", u32::from(other)),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_yaml_would_read_as_something_else_stays_a_text() {
        assert_eq!(quoted("null"), "\"null\"");
        assert_eq!(quoted("a: \"b\\"), "\"a: \\\"b\\\\\"");
        assert_eq!(quoted("a\n\u{85}\u{1f600}"), "\"a\\u000a\\u0085\\U0001f600\"");
    }
}
