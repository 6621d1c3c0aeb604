#![allow(clippy::unwrap_used)]

use super::*;
use crate::session::{Manifests, Memory, Named};
use std::path::Path;

const KINDS: &str = "\
namespaces ns v1 false Namespace
nodes no v1 false Node
pods po v1 true Pod
secrets v1 true Secret
services svc v1 true Service
daemonsets ds apps/v1 true DaemonSet
deployments deploy apps/v1 true Deployment
replicasets rs apps/v1 true ReplicaSet
statefulsets sts apps/v1 true StatefulSet
cronjobs cj batch/v1 true CronJob
jobs batch/v1 true Job
ingresses ing networking.k8s.io/v1 true Ingress
networkpolicies netpol networking.k8s.io/v1 true NetworkPolicy
";

const LIST: &str = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}},
{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},"spec":{"containers":[]}},
{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"deny","namespace":"shop"},"spec":{"podSelector":{}}}]}"#;

fn access(only_runs: bool) -> ClusterAccess {
    ClusterAccess {
        kubectl: "kubectl".into(),
        context: None,
        only_runs,
        wants_hints: false,
        is_said: false,
        pipe: "polder lint -".to_owned(),
    }
}

fn answer(output: &str, said: &str) -> KubectlAnswer {
    KubectlAnswer { output: output.into(), said: said.to_owned(), is_success: said.is_empty() }
}

fn load(kinds: KubectlAnswer, list: KubectlAnswer, only_runs: bool) -> Manifests {
    let system = Memory::default().with_kubectl("api-resources", kinds).with_kubectl("get", list);
    Manifests::load(&system, Path::new("/p"), &[Named::Cluster(access(only_runs))], "default")
}

#[test]
fn a_cluster_is_all_that_there_is() {
    for (only_runs, policies) in [(false, 1), (true, 0)] {
        let read = load(answer(KINDS, ""), answer(LIST, ""), only_runs);
        assert_eq!(read.diagnostics, []);
        assert_eq!(read.policies.policies.len(), policies);
        assert!(read.cluster.has_all_pods() && read.cluster.has_listed("anywhere") && read.cluster.is_live());
        assert!(read.as_a_whole().cluster.is_live());
    }
}

#[test]
fn what_is_asked_for_has_no_secrets() {
    let foreign = "networkpolicies crd.projectcalico.org/v1 true NetworkPolicy\nnetworkpolicies projectcalico.org/v3 true NetworkPolicy\n\
                   globalnetworkpolicies crd.projectcalico.org/v1 false GlobalNetworkPolicy\ntiers projectcalico.org/v3 false Tier\n\
                   multi-networkpolicies net-attach-def k8s.cni.cncf.io/v1beta1 true MultiNetworkPolicy\n";
    let table = format!("{KINDS}{foreign}");
    let served: Vec<ServedKind<'_>> = table.lines().filter_map(ServedKind::read).collect();
    let asked: Vec<&str> =
        served.iter().filter(|kind| kind.matters() && kind.is_first_of(&served)).map(|kind| &*kind.resource).collect();
    assert_eq!(
        asked,
        [
            "networkpolicies.projectcalico.org",
            "globalnetworkpolicies.crd.projectcalico.org",
            "multi-networkpolicies.k8s.cni.cncf.io"
        ]
    );
    assert!(CORE.iter().all(|resource| !resource.contains("secret") && !resource.contains("configmap")));
    assert!(HINTS.iter().all(|resource| !resource.contains("secret")));
}

#[test]
fn every_kind_that_may_not_be_listed_is_told() {
    let forbidden = |resource: &str, group: &str| {
        format!(
            "Error from server (Forbidden): {resource} is forbidden: User \"ci\" cannot list resource \"{resource}\" in API group \
             \"{group}\" at the cluster scope\n"
        )
    };
    let log = "E1130 23:54:02.124273   30955 memcache.go:287] \"Unhandled Error\" err=\"no\"\n";
    let said = format!("{log}{}{}", forbidden("nodes", ""), forbidden("jobs", "batch"));
    let read = load(answer(KINDS, ""), answer(LIST, &said), false);
    let [problem] = read.diagnostics.as_slice() else { unreachable!() };
    assert!(problem.message.contains("`nodes`, `jobs.batch`"), "{}", problem.message);
    assert!(problem.help.as_ref().unwrap().ends_with("--resource=nodes,jobs.batch`"));
    let gone =
        "Error from server (NotFound): Unable to list \"cilium.io/v2, Resource=ciliumnetworkpolicies\": not found\n";
    let read = load(answer(KINDS, ""), answer(LIST, gone), false);
    assert_eq!(read.unread.len(), 1);
    assert!(read.unread.first().unwrap().what.contains("ciliumnetworkpolicies.cilium.io"));
    assert_eq!(read.policies.policies.len(), 1);
}

#[test]
fn whatever_else_it_says_is_no_answer() {
    let timeout = "Error from server (Timeout): the server was unable to return a response in the time allotted\n";
    for (kinds, list) in [
        (answer("", "error: no context\n"), answer(LIST, "")),
        (answer(KINDS, "error: something else\n"), answer(LIST, "")),
        (answer("nonsense", ""), answer(LIST, "")),
        (answer(KINDS, ""), answer(LIST, timeout)),
        (answer(KINDS, ""), answer(LIST, "error: You must be logged in to the server (Unauthorized)\n")),
        (answer(KINDS, ""), answer("", "")),
        (answer(KINDS, ""), answer("\u{0}\u{1b}", "")),
        (answer(KINDS, ""), answer(LIST.get(..200).unwrap(), "")),
        (answer(KINDS, ""), answer("apiVersion: v1\nkind: List\nitems: []\n", "")),
    ] {
        let read = load(kinds, list, false);
        assert!(read.has_no_answer());
        assert_eq!(read.diagnostics.iter().map(|one| one.code).collect::<Vec<_>>(), [Code::E0504]);
        assert!(read.policies.policies.is_empty());
    }
}

#[test]
fn a_context_is_no_option() {
    let system = Memory::default();
    let access = ClusterAccess { context: Some("--kubeconfig=x".to_owned()), ..access(false) };
    assert!(list(&system, &access).is_err_and(|problem| problem.message.contains("cannot begin with `-`")));
}

#[test]
fn half_a_list_is_told_as_such() {
    let half = LIST.split_at(LIST.len() / 2).0;
    let read = load(answer(KINDS, ""), answer(half, ""), false);
    assert_eq!(read.diagnostics.len(), 1);
    let problem = read.diagnostics.first().unwrap();
    assert_eq!(problem.code, Code::E0504);
    assert!(problem.message.starts_with("what `kubectl` printed cannot be read to its end: "), "{}", problem.message);
}
