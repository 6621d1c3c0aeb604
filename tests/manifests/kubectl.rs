//! kubectl is the measure of how Kubernetes reads YAML: `kubectl annotate --local` shows it without a cluster.

use crate::manifests::{named, stream};
use polder::k8s::{object, read};
use polder::net::{Protocol, Selector, Values};
use polder::netpol::{Peer, Policy, Port, PortTarget, Rule};
use serde_json::Value;
use smallvec::smallvec;
use std::io::Write as _;
use std::process::Command;

/// Plain scalars that some reader of YAML takes for something other than a string.
const SCALARS: &str = "y Y yes Yes YES n N no No NO on On ON off Off OFF true True TRUE false False FALSE null Null NULL \
    ~ 0 00 010 08 -010 0x1F 0X1F 0x_1F 0o14 0O7 0b11 0B1 0b2 1e3 1E3 1e+3 1.e3 1e e1 1_e3 1_000 1__0 _1 1_0.5 12:30:00 \
    1:30 2024-01-01 2024-1-1 2001-12-14t21:59:43.10-05:00 .5 -.5 1. 1.5 +1 -1 +.5 0.0 .e3 = << 1,000 _ + 0x 0xg tRue yEs \
    123456789012345678901234567890 18446744073709551615 a 1a a1 1-1 1.2.3 <nil> 0755";

/// Those that stop kubectl itself.
const UNREADABLE: [&str; 5] = [".inf", "-.inf", "+.inf", ".nan", ".NaN"];

/// The objects that kubectl makes of a file. `None` when there is no kubectl, which is an error where tools are
/// required.
fn kubectl(yaml: &str) -> Option<Result<Vec<Value>, String>> {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    let arguments = ["annotate", "--local", "--overwrite", "-o", "json", "x=1", "-f"];
    let output = match Command::new("kubectl").args(arguments).arg(file.path()).output() {
        Ok(output) => output,
        Err(error) => {
            let required = std::env::var_os("POLDER_REQUIRE_TOOLS").is_some_and(|value| value == "1");
            assert!(!required, "kubectl cannot be run: {error}");
            #[expect(clippy::explicit_write, reason = "the test harness keeps what a passing test prints to itself")]
            writeln!(std::io::stderr(), "SKIPPED: a comparison with kubectl, which cannot be run: {error}").unwrap();
            return None;
        }
    };
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
    Some(Ok(objects.collect::<Result<_, _>>().unwrap()))
}

/// Policies that have each scalar wherever it is valid: label key and value, name, namespace, port name, annotation.
fn policies() -> Vec<Policy> {
    let mut policies = Vec::new();
    for (index, scalar) in
        SCALARS.split_whitespace().chain(UNREADABLE).chain(["", "-", "?", "- a", "a: b", "a #b"]).enumerate()
    {
        let mut candidates = Vec::new();
        let plain = named("a", &format!("p{index}"));
        candidates.push(Policy { statements: smallvec![scalar.into()], ..plain.clone() });
        candidates.push(Policy { description: Some(format!("{scalar}\n")), ..plain.clone() });
        candidates.push(named(scalar, "a"));
        candidates.push(named("a", scalar));
        let mut subjects = vec![Selector::equals("a", scalar), Selector::equals(scalar, "a")];
        for (key, values) in [("a", Values::none_of([scalar, "zz"])), (scalar, Values::exists())] {
            let mut selector = Selector::everything();
            selector.require(key, values);
            subjects.push(selector);
        }
        candidates.extend(subjects.into_iter().map(|subject| Policy { subject, ..plain.clone() }));
        let peers =
            vec![Peer::Pods { namespaces: Some(Selector::equals(scalar, scalar)), pods: Selector::everything() }];
        candidates.push(Policy {
            ingress: Some(vec![Rule { peers: peers.into(), ports: smallvec![], learns_names: false }]),
            ..plain.clone()
        });
        let ports = vec![Port { protocol: Protocol::Udp, target: PortTarget::Named(scalar.into()) }];
        candidates.push(Policy {
            egress: Some(vec![Rule { peers: smallvec![], ports: ports.into(), learns_names: false }]),
            ..plain
        });
        // Without a namespace it is in the one that is asked for.
        candidates.retain(|policy| !policy.namespace.is_empty());
        // What is not valid there cannot be written: the reader says so.
        policies.extend(candidates.into_iter().filter(|policy| read(&stream([policy]), "a").problems.is_empty()));
    }
    policies
}

#[test]
fn kubectl_reads_what_was_meant() {
    let policies = policies();
    assert!(policies.len() > 400, "{}", policies.len());
    let Some(objects) = kubectl(&stream(&policies)) else { return };
    let objects = objects.unwrap();
    assert_eq!(objects.len(), policies.len());
    for (policy, found) in policies.iter().zip(objects) {
        let mut meant = object(policy).unwrap();
        meant.metadata.annotations.get_or_insert_default().insert("x".to_owned(), "1".to_owned());
        assert_eq!(found, serde_json::to_value(meant).unwrap(), "{}", stream([policy]));
    }
}

/// Every character that YAML or a line could trip over, alone and between others.
#[test]
fn kubectl_reads_any_string() {
    let codes =
        (0..0x180_u32).chain(0x2000..0x2070).chain(0xD7F0..0xD7FF).chain([0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF]);
    let codes = codes.chain([0x10000, 0x1F600, 0xE0041, 0x1FFFE, 0x10FFFF]);
    let mut strings: Vec<String> =
        codes.filter_map(char::from_u32).map(|letter| format!("{letter}a{letter}")).collect();
    strings.extend(
        ["---\na: b", "\n...\n", " a ", "a\n\n b", "\\n", "'", "\"", "{a}", "[a", "&a *a", "!!str a", "%YAML 1.1"]
            .map(str::to_owned),
    );
    let policies: Vec<_> = strings
        .iter()
        .enumerate()
        .map(|(index, text)| Policy { description: Some(text.clone()), ..named("a", &format!("p{index}")) })
        .collect();
    let Some(objects) = kubectl(&stream(&policies)) else { return };
    let objects = objects.unwrap();
    assert_eq!(objects.len(), policies.len());
    for (text, found) in strings.iter().zip(objects) {
        assert_eq!(found["metadata"]["annotations"]["kubernetes.io/description"], Value::from(text.clone()));
    }
}

/// What a plain scalar is, as the value of an annotation: our reading is kubectl's.
#[test]
fn plain_values_are_read_as_kubectl_does() {
    let scalars: Vec<&str> = SCALARS.split_whitespace().collect();
    let text: String = scalars
        .iter()
        .map(|scalar| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\nv: {scalar}\n"))
        .collect();
    let Some(objects) = kubectl(&text) else { return };
    let objects = objects.unwrap();
    assert_eq!(objects.len(), scalars.len());
    for (scalar, object) in scalars.into_iter().zip(objects) {
        let meant = object["v"].as_str();
        assert_eq!(annotation(scalar).as_deref(), meant, "{scalar}");
    }
    for scalar in UNREADABLE {
        assert_eq!(annotation(scalar), None, "{scalar}");
    }
}

/// What a plain scalar is as a key: kubectl turns booleans and numbers into strings of its own, which we refuse.
#[test]
fn plain_keys_are_read_as_kubectl_does_or_refused() {
    let stops = |scalar: &&str| ["null", "Null", "NULL", "~", "<<", "18446744073709551615"].contains(scalar);
    let scalars: Vec<&str> = SCALARS.split_whitespace().filter(|scalar| !stops(scalar)).collect();
    let text: String = scalars
        .iter()
        .map(|scalar| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\nv:\n  {scalar}: 1\n"))
        .collect();
    let Some(objects) = kubectl(&text) else { return };
    let objects = objects.unwrap();
    assert_eq!(objects.len(), scalars.len());
    let mut kept = 0;
    for (scalar, object) in scalars.into_iter().zip(objects) {
        let meant = object["v"].as_object().unwrap().keys().next().unwrap();
        if let Some(key) = label_key(scalar) {
            kept += 1;
            assert_eq!(key, *meant, "{scalar}");
        }
    }
    assert!(kept > 10);
    for scalar in SCALARS.split_whitespace().filter(stops) {
        assert_eq!(label_key(scalar), None, "{scalar}");
    }
}

const HEAD: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\n";

fn annotation(scalar: &str) -> Option<String> {
    let reading = read(&format!("{HEAD}  annotations:\n    v: {scalar}\nspec: {{}}\n"), "a");
    assert_eq!(reading.policies.is_empty(), !reading.problems.is_empty());
    reading.policies.first().map(|read| read.annotations[0].1.clone())
}

fn label_key(scalar: &str) -> Option<String> {
    let reading = read(&format!("{HEAD}  labels:\n    {scalar}: v\nspec: {{}}\n"), "a");
    reading.policies.first().map(|read| read.labels[0].0.clone())
}

/// Maps that merge others, in many orders: what stands first, what stands in lists, what is there twice.
#[test]
fn merge_keys_are_read_in_kubectls_order() {
    const PIECES: [&str; 7] =
        ["app: own", "one: own", "<<: *a", "<<: *b", "<<: [*a, *b]", "<<: [*b, *a]", "<<: {app: inner, four: inner}"];
    let mut text = String::new();
    for first in PIECES {
        for second in PIECES {
            for third in PIECES {
                let is_own_twice = [first, second, third].iter().enumerate().any(|(index, piece)| {
                    !piece.starts_with('<') && [first, second, third].iter().skip(index + 1).any(|other| other == piece)
                });
                if is_own_twice {
                    continue;
                }
                text += "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\n  annotations: &a \
                         {app: a, one: a}\nspec:\n  ingress:\n    - from:\n        - podSelector: {matchLabels: &b {app: b, \
                         two: b}}\n  podSelector:\n    matchLabels:\n";
                text += &format!("      {first}\n      {second}\n      {third}\n");
            }
        }
    }
    let reading = read(&text, "default");
    assert_eq!(reading.problems, []);
    let Some(objects) = kubectl(&text) else { return };
    let theirs: Vec<String> =
        objects.unwrap().iter().map(|one| one["spec"]["podSelector"]["matchLabels"].to_string()).collect();
    let ours = reading.policies.iter().map(|read| {
        let labels: std::collections::BTreeMap<String, String> = read
            .policy
            .subject
            .requirements()
            .into_iter()
            .map(|one| match one {
                polder::net::Requirement::Equals(key, value) => (key.to_string(), value.to_string()),
                other => panic!("{other:?}"),
            })
            .collect();
        serde_json::to_string(&labels).unwrap()
    });
    assert_eq!(ours.collect::<Vec<_>>(), theirs);
}
