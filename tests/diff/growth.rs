//! A comparison costs as much as there is to compare, and not as much as labels can be put together.

use crate::diff::outside_only;
use polder::ask::{Everyone, Program};
use polder::cover::{Budget, GaveUp};
use polder::diff::{Diff, Kind, Version, compare_everyone};
use polder::netpol::Policy;
use polder::session::{Memory, Named, Project, Session, Settings};
use std::fmt::Write as _;
use std::path::Path;

const MOST: usize = 20_000_000;

/// Access labels as charts write them: whoever has the label may connect to the server; without one of the flows.
fn tiers(count: usize, without: Option<usize>, to: impl Fn(usize) -> String) -> Session {
    let mut text = String::from("namespace app {\n");
    for tier in 0..count {
        writeln!(text, "tier c{tier} (allow-{tier}=true)\ntier s{tier} (app=s{tier})").unwrap();
    }
    for tier in (0..count).filter(|tier| Some(*tier) != without) {
        writeln!(text, "c{tier} -> {}", to(tier)).unwrap();
    }
    text.push_str("}\n");
    let system = Memory::default().with("/p/main.polder", text);
    Session::new(Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]), Settings::default())
}

fn own(tier: usize) -> String {
    format!("s{tier}:80")
}

fn compare(old: &Session, new: &Session) -> (Diff, usize) {
    let [before, after] = [old, new].map(|session| Version {
        policies: &session.policies().unwrap().policies,
        policy_spans: &[],
        program: Some(Program { model: session.model().unwrap(), flows: session.flows().unwrap() }),
    });
    let flows = [old.flows().unwrap(), new.flows().unwrap()];
    let everyone = Everyone::new(&flows, &[before.policies, after.policies], &[], &[], &outside_only());
    let mut budget = Budget::new(MOST);
    let diff = compare_everyone(&everyone, &before, &after, true, &mut budget).unwrap();
    (diff, MOST - budget.left())
}

fn names(diff: &Diff) -> Vec<(Kind, Vec<String>, Vec<String>, bool)> {
    let one = |change: &polder::diff::ConnectionChange| {
        (change.kind, change.sources.clone(), change.destinations.clone(), change.partly)
    };
    diff.connections.iter().map(one).collect()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn one_flow_among_many_access_labels() {
    let mut steps = Vec::new();
    for count in [40, 80] {
        let (diff, used) = compare(&tiers(count, None, own), &tiers(count, Some(7), own));
        assert_eq!(names(&diff), [(Kind::Removed, strings(&["app/c7"]), strings(&["app/s7"]), false)]);
        assert!(diff.isolation.is_empty());
        steps.push(used);
    }
    assert!(steps[1] <= 5 * steps[0] && steps[0] < 20_000, "{steps:?}");
}

#[test]
fn everybody_beside_many_who_could_before() {
    let (diff, used) = compare(&tiers(40, None, |_| "s0:80".to_owned()), &tiers(40, Some(7), |_| "s0:80".to_owned()));
    assert_eq!(names(&diff), [(Kind::Removed, strings(&["app/c7"]), strings(&["app/s0"]), true)]);
    assert!(used < 20_000, "{used}");
}

#[test]
fn every_flow_on_another_port() {
    let mut steps = Vec::new();
    for count in [40, 80] {
        let (diff, used) =
            compare(&tiers(count, None, own), &tiers(count, None, |tier| format!("s{tier}:{}", 90 + tier)));
        assert_eq!(diff.connections.len(), count);
        assert!(diff.connections.iter().all(|change| change.kind == Kind::Changed), "{diff:#?}");
        steps.push(used);
    }
    assert!(steps[1] <= 5 * steps[0], "{steps:?}");
}

/// Policies over many label keys, as they are where many vendors write some; `keys` of them.
fn vendors(keys: usize, of_namespaces: bool) -> Vec<Policy> {
    let mut text = String::new();
    let head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n";
    if of_namespaces {
        write!(text, "{head}metadata: {{name: p, namespace: shop}}\nspec:\n  podSelector: {{}}\n").unwrap();
        text.push_str("  policyTypes: [Ingress]\n  ingress:\n");
        for key in 0..keys {
            let from = format!("[{{namespaceSelector: {{matchLabels: {{k{key}: v}}}}}}]");
            writeln!(text, "    - {{from: {from}, ports: [{{port: {}}}]}}", 8000 + key).unwrap();
        }
    } else {
        for key in 0..keys {
            write!(text, "---\n{head}metadata: {{name: p{key}, namespace: shop}}\nspec:\n").unwrap();
            writeln!(text, "  podSelector: {{matchLabels: {{k{key}: v}}}}\n  policyTypes: [Ingress]").unwrap();
            writeln!(text, "  ingress: [{{ports: [{{port: {}}}]}}]", 8000 + key).unwrap();
        }
    }
    let reading = polder::k8s::read(&text, "default");
    assert_eq!(reading.problems, [], "{text}");
    reading.policies.into_iter().map(|read| read.policy).collect()
}

fn compare_policies(old: &[Policy], new: &[Policy], most: usize) -> Result<(Diff, usize), GaveUp> {
    let [before, after] = [old, new].map(|policies| Version { policies, policy_spans: &[], program: None });
    let everyone = Everyone::new(&[], &[old, new], &[], &[], &outside_only());
    let mut budget = Budget::new(most);
    let diff = compare_everyone(&everyone, &before, &after, true, &mut budget)?;
    Ok((diff, most - budget.left()))
}

#[test]
fn many_keys_of_namespaces_and_of_pods() {
    for of_namespaces in [true, false] {
        let mut steps = Vec::new();
        for keys in [40, 80] {
            let (old, new) = (vendors(keys - 1, of_namespaces), vendors(keys, of_namespaces));
            let (diff, used) = compare_policies(&old, &new, MOST).unwrap();
            assert!(!diff.is_empty() && diff.connections.len() < 10, "{diff:#?}");
            steps.push(used);
        }
        assert!(steps[1] <= 5 * steps[0] && steps[0] < 50_000, "{steps:?}");
    }
}

#[test]
fn what_takes_too_long_is_given_up() {
    let (old, new) = (vendors(39, false), vendors(40, false));
    assert_eq!(compare_policies(&old, &new, 10).map(|_| ()), Err(GaveUp));
}
