//! Commands of kubectl, one for each connection, to be run by hand.

use super::words::{comment, containers, reasons};
use super::{Probe, ProbePlan, ProbeTarget};
use crate::flow::FlowSet;
use crate::source::Sources;
use std::fmt::Write as _;

/// What the containers are made of. The user of the image is root, whom the profile refuses, so another one is named.
const CONTAINER: &str =
    "--image=nicolaka/netshoot --profile=restricted --custom=<(echo '{\"securityContext\":{\"runAsUser\":65532}}') -it";

/// The connections of a plan as commands, in a context of kubectl's settings where one is named.
pub fn probe_commands(plan: &ProbePlan, set: &FlowSet, sources: &Sources, context: Option<&str>) -> String {
    let mut text = String::new();
    let head = ["For bash or zsh, and kubectl 1.32 or newer. By address, for names may not be answered.".to_owned()];
    comment(&mut text, "", &[head.as_slice(), &containers(plan)].concat());
    for probe in &plan.probes {
        text.push('\n');
        comment(&mut text, "", std::slice::from_ref(&probe.name));
        comment(&mut text, "", &reasons(probe, set, sources));
        let outcome = if probe.passes { "has to connect" } else { "has to time out: no flow" };
        comment(&mut text, "", &[outcome.to_owned()]);
        let _ = writeln!(text, "{}", command(probe, context));
    }
    text
}

fn command(probe: &Probe, context: Option<&str>) -> String {
    let context = context.map(|name| format!(" --context {}", word(name))).unwrap_or_default();
    let address = match &probe.destination {
        ProbeTarget::Pods(end) => end.address,
        ProbeTarget::Address(address) => Some(*address),
    };
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let (namespace, name) = (word(&probe.source.namespace), word(&probe.source.name));
    format!("kubectl{context} -n {namespace} debug {name} {CONTAINER} -- nc -zvw 3 {address} {}", probe.port)
}

/// A word of a shell, whatever is in it.
fn word(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._/:@".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}
