//! Kubernetes NetworkPolicies (`networking.k8s.io/v1`).

mod files;
mod large;

pub use crate::plan::{Layout, Planned};
pub use files::Output;

use crate::flow::FlowSet;
use crate::k8s;
use crate::netpol::Policy;
use crate::parallel;
use crate::plan;
use crate::prove::{Grants, PolicyGrants};
use crate::source::Excerpt;
use std::borrow::Cow;

/// The policies that a program becomes, and what is to be said of them. [`Output::new`] has their files.
pub fn policies(set: &FlowSet, layout: Layout) -> Planned {
    let mut planned = plan::plan(set, layout);
    planned.diagnostics.extend(large::too_large(&planned.policies, set, layout));
    planned
}

/// Which policies of manifests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Those that are enforced.
    Enforced,
    /// Those that are staged, too, as if they were enforced.
    WithStaged,
}

/// What manifests grant in the namespaces of `set`, or why they do not say.
pub fn grants<'a>(set: &FlowSet, manifests: impl Iterator<Item = &'a str>) -> Result<Grants, String> {
    grants_of(set, manifests, Counted::Enforced)
}

/// What those of the policies grant that count.
pub fn grants_of<'a>(
    set: &FlowSet,
    manifests: impl Iterator<Item = &'a str>,
    counted: Counted,
) -> Result<Grants, String> {
    /// Fewer are read sooner than a thread has begun with them.
    const LEAST: usize = 256;
    let manifests: Vec<&str> = manifests.collect();
    let mut all: Option<PolicyGrants> = None;
    for part in parallel::parts(&manifests, LEAST, |part| read_back(set, part, counted)) {
        let part = part?;
        match &mut all {
            Some(all) => all.append(part),
            None => all = Some(part),
        }
    }
    let all = all.unwrap_or_else(|| PolicyGrants::new(set));
    all.finish().map_err(|found| found.to_string())
}

/// The same for some of the manifests. They are read back one at a time: the policies of all of them would be most of the
/// memory of a build.
fn read_back<'s>(set: &'s FlowSet, manifests: &[&str], counted: Counted) -> Result<PolicyGrants<'s>, String> {
    let mut grants = PolicyGrants::new(set);
    let mut reader = k8s::Rereader::default();
    for text in manifests {
        if let Some(policies) = reader.policies(text) {
            let counts = |one: &&k8s::RereadPolicy| one.staged.is_none() || counted == Counted::WithStaged;
            for one in policies.iter().filter(counts) {
                add(&mut grants, &one.policy, one.staged.is_some());
            }
            continue;
        }
        // Such a text has one document for each policy, and a line of its own between two.
        for document in text.split("\n---\n") {
            let enforced = k8s::unstaged(document);
            let is_staged = matches!(enforced, Cow::Owned(_));
            if is_staged && counted == Counted::Enforced {
                continue;
            }
            let reading = k8s::read_with_foreign(&enforced, "default");
            if let Some(problem) = reading.problems.first() {
                return Err(format!("a manifest could not be read back: {}", problem.reason));
            }
            if !reading.ignored.is_empty() || !reading.objects.is_empty() {
                return Err("a manifest could not be read back: it holds something other than policies".to_owned());
            }
            reading.policies.iter().for_each(|read| add(&mut grants, &read.policy, is_staged));
        }
    }
    Ok(grants)
}

/// Adds a policy. Of one name there may be an enforced one and a staged one, for they are of different kinds.
fn add(grants: &mut PolicyGrants<'_>, policy: &Policy, is_staged: bool) {
    if !is_staged {
        return grants.add(policy);
    }
    // No name of an object has a colon.
    let name = format!("staged:{}", policy.name);
    grants.add(&Policy { name: Excerpt::from(name.as_str()), ..policy.clone() });
}
