//! What `test --probe` expects of connections is what `can` says of the same pods, and nothing that has to be refused stands
//! there without what shows that a policy refused it.

use crate::judges::asked::{Source, ask, name, subject};
use crate::judges::asserted::some_port;
use crate::judges::running::pods;
use crate::judges::seeds;
use crate::oracle::check::Draw;
use crate::oracle::evaluate::Pod;
use crate::oracle::generate;
use crate::oracle::meaning::Meaning;
use crate::oracle::program::Program;
use crate::oracle::rng::Rng;
use polder::ask::Says;
use polder::net::Protocol;
use polder::probe::{
    Probe, ProbeOptions, ProbePlan, ProbeSubject, ProbeTarget, ProbedEnd, ProbedKind, netassert_file, probe_commands,
    probe_plan,
};
use polder::session::Subject;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What runs, and what of it nothing can be tried from or to.
struct Running {
    text: String,
    /// The namespaces and names that must be no end.
    no_ends: BTreeSet<(String, String)>,
}

/// Pods by themselves, pods of a Deployment that were given with it, and Deployments alone; and beside each some that do not
/// run, or not on a network of their own.
fn running(pods: &[Pod], program: &Program, rng: &mut Rng) -> Running {
    let (mut all, mut no_ends) = (Vec::new(), BTreeSet::new());
    let mut namespaces = BTreeMap::new();
    for (index, pod) in pods.iter().enumerate() {
        namespaces.insert(pod.namespace.clone(), pod.namespace_labels.clone());
        let mut ports: Vec<Value> = pod
            .ports
            .iter()
            .map(|port| {
                let protocol = port.protocol.to_string().to_uppercase();
                json!({ "name": port.name, "containerPort": port.number, "protocol": protocol })
            })
            .collect();
        for _ in 0..3 {
            let (protocol, number) = some_port(program, rng);
            ports.push(json!({ "containerPort": number, "protocol": protocol.to_string().to_uppercase() }));
        }
        let spec = json!({ "containers": [{ "name": "c", "image": "x", "ports": ports }] });
        let address = |pod: usize| json!([{ "ip": format!("10.9.{index}.{pod}") }]);
        let mut one = |name: String, owner: Value, status: Value, host: bool| {
            let mut spec = spec.clone();
            spec["hostNetwork"] = json!(host);
            if host || status["phase"] != "Running" {
                no_ends.insert((pod.namespace.clone(), name.clone()));
            }
            let mut metadata = json!({ "name": name, "namespace": pod.namespace, "labels": pod.labels });
            if !owner.is_null() {
                metadata["ownerReferences"] = json!([owner]);
            }
            all.push(
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status }),
            );
        };
        let up = |number| json!({ "phase": "Running", "podIPs": address(number) });
        match rng.below(4) {
            0 => {
                one(format!("p{index}"), Value::Null, up(1), false);
                one(format!("waits{index}"), Value::Null, json!({ "phase": "Pending" }), false);
            }
            1 => {
                let owner = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": format!("p{index}"), "uid": "u", "controller": true });
                one(format!("p{index}-0"), owner.clone(), up(1), false);
                one(format!("p{index}-1"), owner, up(2), false);
                one(format!("over{index}"), Value::Null, json!({ "phase": "Succeeded" }), false);
            }
            2 => {
                let owner = json!({ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": format!("p{index}"), "uid": "u", "controller": true });
                one(format!("p{index}-x"), owner, up(1), false);
                one(format!("host{index}"), Value::Null, up(9), true);
            }
            _ => {
                let template = json!({ "metadata": { "labels": pod.labels }, "spec": spec });
                let labels = json!({ "matchLabels": pod.labels });
                if pod.labels.is_empty() {
                    one(format!("p{index}"), Value::Null, up(1), false);
                } else {
                    all.push(json!({
                        "apiVersion": "apps/v1", "kind": "Deployment",
                        "metadata": { "name": format!("p{index}"), "namespace": pod.namespace },
                        "spec": { "replicas": 2, "selector": labels, "template": template },
                    }));
                }
            }
        }
    }
    for (name, labels) in namespaces {
        all.push(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } }));
    }
    Running { text: json!({ "apiVersion": "v1", "kind": "List", "items": all }).to_string(), no_ends }
}

/// The program with assertions about the ends of its flows, those that it may have.
fn asserting(program: &Program, rng: &mut Rng) -> String {
    let mut source = Source::of(program).text;
    let ends: Vec<String> =
        program.flows.iter().flat_map(|flow| [name(program, &flow.source), name(program, &flow.destination)]).collect();
    for _ in 0..8 {
        let Some(word) = ["never", "never", "only", "always"].get(rng.below(4)) else { continue };
        let line = format!("{word} {} -> {}\n", rng.pick(&ends), rng.pick(&ends));
        if subject(&format!("{source}{line}"), None).is_some() {
            source.push_str(&line);
        }
    }
    source
}

/// What questions call an end.
fn called(end: &ProbedEnd, at: &BTreeMap<(String, String), String>) -> String {
    let kind = match end.kind {
        ProbedKind::Deployment => "Deployment",
        ProbedKind::StatefulSet => "StatefulSet",
        ProbedKind::DaemonSet => "DaemonSet",
        ProbedKind::Pod => {
            // Its workload, whose pods are alike.
            let name = at.get(&(end.namespace.to_string(), end.name.to_string())).cloned();
            return format!("{}/{}", end.namespace, name.unwrap_or_else(|| format!("{}[Pod]", end.name)));
        }
    };
    format!("{}/{}[{kind}]", end.namespace, end.name)
}

fn check(subject: &Subject, running: &Running, options: &ProbeOptions<'_>, what: &str) -> (ProbePlan, [usize; 2]) {
    let (set, cluster) = (subject.flows().unwrap(), subject.cluster().unwrap());
    let of = ProbeSubject { set, policies: subject.policies(), facts: subject.facts(), cluster };
    let plan = probe_plan(&of, options);
    assert!(plan.probes.len() <= options.most, "{what}");
    let at: BTreeMap<(String, String), String> = cluster
        .seen()
        .filter(|(workload, ..)| workload.kind.as_str() != "Pod")
        .map(|(workload, _, seen)| {
            let whole = format!("{}[{}]", workload.name, workload.kind.as_str());
            ((workload.namespace.to_string(), seen.name.to_string()), whole)
        })
        .collect();
    let by_name: BTreeMap<&str, &Probe> = plan.probes.iter().map(|probe| (probe.name.as_str(), probe)).collect();
    assert_eq!(by_name.len(), plan.probes.len(), "a name twice: {what}");
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut containers: BTreeMap<ProbedEnd, usize> = BTreeMap::new();
    let mut counts = [0, 0];
    for probe in &plan.probes {
        let told = || format!("{probe:?}\n{what}");
        let to = match &probe.destination {
            ProbeTarget::Pods(end) => called(end, &at),
            ProbeTarget::Address(address) if address.is_ipv6() => format!("[{address}]"),
            ProbeTarget::Address(address) => address.to_string(),
        };
        let asked = format!("{to}:{}/{}", probe.port, probe.protocol.keyword());
        let from = called(&probe.source, &at);
        // A workload of one kind of pods may hold the pods of both ends, of which `can` leaves out a pod and itself.
        let says = ask(subject, &from, &asked).unwrap_or_else(|error| panic!("{error}: {}", told())).says;
        assert_eq!(says, if probe.passes { Says::Allowed } else { Says::Denied }, "{}", told());
        counts[usize::from(probe.passes)] += 1;
        let mut ends = vec![&probe.source];
        if let ProbeTarget::Pods(end) = &probe.destination {
            assert_ne!(*end, probe.source, "{}", told());
            ends.push(end);
        }
        for end in &ends {
            assert!(!running.no_ends.contains(&(end.namespace.to_string(), end.name.to_string())), "{}", told());
            if options.by_pod {
                assert!(end.kind == ProbedKind::Pod && end.address.is_some(), "{}", told());
            }
        }
        assert!(probe.protocol == Protocol::Tcp || (options.udp && probe.protocol == Protocol::Udp), "{}", told());
        let left = if probe.protocol == Protocol::Udp { 2 } else { 1 };
        for end in ends.into_iter().take(left) {
            *containers.entry(end.clone()).or_default() += 1;
        }
        for statement in &probe.statements {
            let text = &*set.statement(*statement).unwrap().text;
            let refuses = text.starts_with("never ") || text.starts_with("only ");
            assert_eq!(refuses, !probe.passes, "{text}: {}", told());
        }
        assert_eq!(probe.controls.is_some(), !probe.passes, "{}", told());
        let Some([other, same]) =
            probe.controls.as_ref().map(|both| both.each_ref().map(|name| by_name[name.as_str()]))
        else {
            continue;
        };
        assert!(other.passes && same.passes, "{}", told());
        let reached = |probe: &Probe| (probe.destination.clone(), probe.protocol, probe.port);
        assert!(reached(other) == reached(probe) && called(&other.source, &at) != from, "{}", told());
        assert!(same.source == probe.source && reached(same) != reached(probe), "{}", told());
        assert_eq!(same.protocol, probe.protocol, "{}", told());
        needed.extend([other.name.as_str(), same.name.as_str()]);
    }
    let idle = plan.probes.iter().find(|probe| probe.statements.is_empty() && !needed.contains(probe.name.as_str()));
    assert_eq!(idle, None, "a control of nothing: {what}");
    assert_eq!(containers.into_iter().collect::<Vec<_>>(), plan.containers, "{what}");
    let places: Vec<_> = plan
        .probes
        .iter()
        // What has to pass may stand beside what it is a control of.
        .filter(|probe| !probe.passes)
        .filter_map(|probe| probe.statements.first())
        .map(|id| set.statement(*id).unwrap().span)
        .map(|span| (span.file, span.start))
        .collect();
    assert!(places.is_sorted(), "the order of the program: {what}");
    (plan, counts)
}

/// What netassert holds against a test before it runs it.
fn validate(text: &str) -> usize {
    let tests: Vec<serde_yaml::Value> = serde_yaml::from_str(text).unwrap();
    let mut names = BTreeSet::new();
    for test in &tests {
        let filled = |value: &serde_yaml::Value| value.as_str().is_some_and(|text| !text.is_empty());
        let resource = |end: &serde_yaml::Value| {
            let resource = &end["k8sResource"];
            let kinds = ["deployment", "statefulset", "daemonset", "pod"];
            kinds.contains(&resource["kind"].as_str().unwrap())
                && filled(&resource["name"])
                && filled(&resource["namespace"])
        };
        assert!(filled(&test["name"]) && names.insert(test["name"].as_str().unwrap().to_owned()), "{test:?}");
        assert_eq!(test["type"].as_str(), Some("k8s"));
        let protocol = test["protocol"].as_str().unwrap();
        assert!(["tcp", "udp"].contains(&protocol));
        assert!((1..=65535).contains(&test["targetPort"].as_u64().unwrap()));
        assert!(test["timeoutSeconds"].as_u64() >= Some(1) && test["attempts"].as_u64() >= Some(1));
        assert!([Some(0), Some(1)].contains(&test["exitCode"].as_u64()));
        assert!(resource(&test["src"]));
        match test["dst"].get("host") {
            Some(host) => {
                assert!(filled(&host["name"]) && protocol == "tcp" && test["dst"].get("k8sResource").is_none())
            }
            None => assert!(resource(&test["dst"])),
        }
    }
    tests.len()
}

#[test]
fn what_has_to_come_of_a_connection_is_what_can_says() {
    let (mut refused, mut passing, mut left) = (0, 0, 0);
    for seed in seeds(16) {
        let program = generate::program(seed);
        let mut rng = Rng::new(seed ^ 0x9b0b);
        let source = asserting(&program, &mut rng);
        let meaning = Meaning::of(&program);
        let mut draw = Draw::new(seed, &meaning, &meaning.atoms());
        let running = running(&pods(&mut draw), &program, &mut rng);
        let Some(subject) = subject(&source, Some(&running.text)) else { panic!("seed {seed}\n{source}") };
        let what = format!("seed {seed}\n{source}\n{}", running.text);
        for by_pod in [false, true] {
            let options = ProbeOptions {
                most: 1 + rng.below(60),
                flows: rng.below(3) > 0,
                udp: !by_pod && rng.below(2) == 0,
                by_pod,
                filter: None,
            };
            let (plan, counts) = check(&subject, &running, &options, &what);
            refused += counts[0];
            passing += counts[1];
            left += plan.left.len();
            let (set, sources) = (subject.flows().unwrap(), subject.sources());
            match by_pod {
                false => {
                    assert_eq!(validate_or_none(&netassert_file(&plan, set, sources)), plan.probes.len(), "{what}")
                }
                true => {
                    let text = probe_commands(&plan, set, sources, None);
                    assert!(
                        text.lines()
                            .all(|line| line.is_empty() || line.starts_with("# ") || line.starts_with("kubectl "))
                    );
                    assert_eq!(text.lines().filter(|line| line.starts_with("kubectl ")).count(), plan.probes.len());
                }
            }
        }
    }
    assert!(refused > 20 && passing > 60 && left > 20, "{refused} {passing} {left}");
}

/// A file with nothing but comments has no tests.
fn validate_or_none(text: &str) -> usize {
    if text.contains("- name:") { validate(text) } else { 0 }
}
