//! Who is asked about by an address or the name of a Service: random small clusters, as the API server lists them, held against
//! a judge that looks at one pair of addresses after another.

use crate::oracle::rng::Rng;
use polder::ask::can;
use polder::engine::Engine;
use polder::model::Cni;
use polder::session::{Memory, Named, Posed, Question, SaidOfCluster, Subject};
use serde_json::{Value, json};
use std::path::Path;

const NODES: [(&str, &str); 3] = [("north", "192.0.2.1"), ("south", "192.0.2.2"), ("west", "192.0.2.3")];
const NAMESPACES: [&str; 2] = ["red", "blue"];
const BLOCKS: [&str; 4] = ["203.0.113.0/24", "192.0.2.0/24", "192.0.2.2/32", "10.8.0.0/28"];
const OUTSIDE: &str = "203.0.113.9";
const NUMBERS: [u16; 3] = [80, 8080, 9090];

struct Pod {
    namespace: &'static str,
    name: String,
    app: &'static str,
    tier: &'static str,
    address: String,
    node: usize,
    on_node: bool,
    /// What it gives to the name `web`.
    web: u16,
    owner: Option<&'static str>,
    ended: bool,
}

/// A peer: pods by labels, perhaps of another namespace, or a block.
enum Peer {
    Pods(Option<&'static str>, Option<&'static str>),
    Block(&'static str),
}

struct Policy {
    namespace: &'static str,
    app: Option<&'static str>,
    ingress: bool,
    rules: Vec<(Peer, Option<u16>)>,
}

struct Service {
    namespace: &'static str,
    name: String,
    address: String,
    app: &'static str,
    /// The port, and what it is at the pods; `None` for what they call `web`.
    port: u16,
    target: Option<u16>,
    headless: bool,
}

struct Cluster {
    pods: Vec<Pod>,
    policies: Vec<Policy>,
    services: Vec<Service>,
}

const APPS: [&str; 3] = ["a", "b", "c"];

fn cluster(rng: &mut Rng) -> Cluster {
    let mut pods = Vec::new();
    for (at, namespace) in NAMESPACES.iter().enumerate() {
        for place in 0..rng.between(2, 4) {
            let node = rng.below(NODES.len());
            let on_node = rng.chance(15);
            let owner = (!on_node && rng.chance(40)).then_some("set");
            // Those of one owner have one template.
            let (app, tier, web) = match owner {
                Some(_) => ("a", "x", 8080),
                None => (*rng.pick(&APPS), *rng.pick(&["x", "y"]), *rng.pick(&[8080, 9090])),
            };
            let own = format!("10.8.{at}.{}", place + 1);
            pods.push(Pod {
                namespace,
                name: format!("{}-{place}", owner.unwrap_or("pod")),
                app,
                tier,
                address: if on_node { NODES[node].1.to_owned() } else { own },
                node,
                on_node,
                web,
                owner,
                ended: rng.chance(10),
            });
        }
    }
    let policy = |rng: &mut Rng| Policy {
        namespace: rng.pick::<&str>(&NAMESPACES),
        app: rng.chance(70).then(|| *rng.pick(&APPS)),
        ingress: rng.chance(60),
        rules: (0..rng.below(3)).map(|_| (peer(rng), rng.chance(60).then(|| *rng.pick(&NUMBERS)))).collect(),
    };
    let policies = (0..rng.between(1, 4)).map(|_| policy(rng)).collect();
    let service = |rng: &mut Rng, at: usize| Service {
        namespace: rng.pick::<&str>(&NAMESPACES),
        name: format!("s{at}"),
        address: format!("10.9.0.{}", at + 1),
        app: rng.pick::<&str>(&APPS),
        port: *rng.pick(&[80, 443]),
        target: rng.chance(50).then(|| *rng.pick(&[8080, 9090])),
        headless: rng.chance(20),
    };
    let services = (0..3).map(|at| service(rng, at)).collect();
    Cluster { pods, policies, services }
}

fn peer(rng: &mut Rng) -> Peer {
    match rng.below(3) {
        0 => Peer::Block(rng.pick::<&str>(&BLOCKS)),
        _ => Peer::Pods(rng.chance(50).then(|| *rng.pick(&NAMESPACES)), rng.chance(70).then(|| *rng.pick(&APPS))),
    }
}

impl Pod {
    fn labels(&self) -> Value {
        json!({ "app": self.app, "tier": self.tier })
    }

    fn object(&self) -> Value {
        let owners = self.owner.map(|name| {
            json!([{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": "1", "controller": true }])
        });
        let (node, host) = NODES[self.node];
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "labels": self.labels(),
                "ownerReferences": owners.unwrap_or_else(|| json!([])),
            },
            "spec": {
                "nodeName": node, "hostNetwork": self.on_node,
                "containers": [{ "name": "c", "image": "x", "ports": [
                    { "containerPort": self.web, "name": "web" },
                ] }],
            },
            "status": {
                "phase": if self.ended { "Succeeded" } else { "Running" },
                "podIP": self.address, "podIPs": [{ "ip": self.address }], "hostIP": host,
            },
        })
    }
}

impl Policy {
    fn object(&self, at: usize) -> Value {
        let selector =
            |app: Option<&str>| app.map_or_else(|| json!({}), |app| json!({ "matchLabels": { "app": app } }));
        let peer = |peer: &Peer| match peer {
            Peer::Block(block) => json!({ "ipBlock": { "cidr": block } }),
            Peer::Pods(None, app) => json!({ "podSelector": selector(*app) }),
            Peer::Pods(Some(name), app) => json!({
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } },
                "podSelector": selector(*app),
            }),
        };
        let word = if self.ingress { "from" } else { "to" };
        let rules = self.rules.iter().map(|(one, port)| {
            let ports = port.map_or_else(|| json!([]), |port| json!([{ "port": port }]));
            json!({ word: [peer(one)], "ports": ports })
        });
        let mut spec = json!({
            "podSelector": selector(self.app),
            "policyTypes": [if self.ingress { "Ingress" } else { "Egress" }],
        });
        spec[if self.ingress { "ingress" } else { "egress" }] = rules.collect();
        let name = format!("p{at}");
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": { "name": name, "namespace": self.namespace }, "spec": spec,
        })
    }

    /// Whether it lets `who` through on a port.
    fn allows(&self, who: &Who<'_>, port: u16) -> bool {
        self.rules.iter().any(|(peer, on)| {
            on.is_none_or(|on| on == port)
                && match peer {
                    Peer::Block(block) => block
                        .parse::<ipnet::IpNet>()
                        .unwrap()
                        .contains(&who.address().parse::<std::net::IpAddr>().unwrap()),
                    Peer::Pods(namespace, app) => who.pod().is_some_and(|pod| {
                        pod.namespace == namespace.unwrap_or(self.namespace) && app.is_none_or(|app| app == pod.app)
                    }),
                }
        })
    }
}

/// One end of one connection, as it is on the wire.
#[derive(Clone, Copy)]
enum Who<'c> {
    Pod(&'c Pod),
    Address(&'c str),
}

impl<'c> Who<'c> {
    fn of(pod: &'c Pod) -> Self {
        if pod.on_node { Who::Address(NODES[pod.node].1) } else { Who::Pod(pod) }
    }

    fn pod(&self) -> Option<&'c Pod> {
        match self {
            Who::Pod(pod) => Some(pod),
            Who::Address(_) => None,
        }
    }

    fn address(&self) -> &str {
        match self {
            Who::Pod(pod) => &pod.address,
            Who::Address(address) => address,
        }
    }
}

impl Cluster {
    fn text(&self) -> String {
        let mut items: Vec<Value> = self.pods.iter().map(Pod::object).collect();
        items.extend(NAMESPACES.iter().map(|name| {
            let labels = json!({ "kubernetes.io/metadata.name": name });
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } })
        }));
        items.extend(NODES.iter().map(|(name, address)| {
            let addresses =
                json!([{ "type": "InternalIP", "address": address }, { "type": "Hostname", "address": name }]);
            json!({
                "apiVersion": "v1", "kind": "Node", "metadata": { "name": name },
                "spec": { "podCIDR": "10.8.0.0/16" }, "status": { "addresses": addresses },
            })
        }));
        items.extend(self.services.iter().map(|one| {
            let target = one.target.map_or_else(|| json!("web"), |number| json!(number));
            let address = if one.headless { "None" } else { &one.address };
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": one.name, "namespace": one.namespace },
                "spec": {
                    "clusterIP": address, "selector": { "app": one.app },
                    "ports": [{ "port": one.port, "targetPort": target }],
                },
            })
        }));
        items.extend(self.policies.iter().enumerate().map(|(at, policy)| policy.object(at)));
        json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
    }

    fn subject(&self) -> Subject {
        let memory = Memory::default().with("/p/all.json", self.text());
        let manifests = vec![Named::Path("/p/all.json".into())];
        let cluster = SaidOfCluster { cni: Some((Cni::Calico, None)), ..SaidOfCluster::default() };
        Subject::load(&memory, Path::new("/p"), &Question { manifests, cluster, ..Question::default() })
    }

    /// Whether a connection comes about.
    fn allows(&self, from: &Who<'_>, to: &Who<'_>, port: u16) -> bool {
        let side = |own: &Who<'_>, other: &Who<'_>, ingress: bool| {
            let Some(pod) = own.pod() else { return true };
            let of_pod = |policy: &&Policy| {
                policy.namespace == pod.namespace
                    && policy.ingress == ingress
                    && policy.app.is_none_or(|app| app == pod.app)
            };
            let mut policies = self.policies.iter().filter(of_pod).peekable();
            policies.peek().is_none() || policies.any(|policy| policy.allows(other, port))
        };
        if let (Some(one), Some(other)) = (from.pod(), to.pod())
            && std::ptr::eq(one, other)
        {
            return true;
        }
        let own_node = to.pod().is_some_and(|pod| from.address() == NODES[pod.node].1);
        side(from, to, false) && (own_node || side(to, from, true))
    }

    fn running(&self) -> Vec<&Pod> {
        self.pods.iter().filter(|pod| !pod.ended).collect()
    }

    /// The pods behind a Service, with the port of each; `None` where it selects nobody.
    fn behind(&self, service: &Service) -> Option<Vec<(&Pod, u16)>> {
        let is_it = |pod: &&&Pod| pod.namespace == service.namespace && pod.app == service.app;
        let port = |pod: &Pod| if service.headless { service.port } else { service.target.unwrap_or(pod.web) };
        let all: Vec<(&Pod, u16)> = self.running().iter().filter(is_it).map(|pod| (*pod, port(pod))).collect();
        (!all.is_empty()).then_some(all)
    }
}

/// The answer of `can FROM TO`: `None` where nobody knows, an error where there is none.
fn ask(subject: &Subject, from: &str, to: &str) -> Result<Option<bool>, String> {
    let (from, to) = (subject.asked(from)?, subject.target(to)?);
    let Posed { situation, from, to, doubtful, .. } = subject.pose(&from, &to.asked, to.ports.as_ref())?;
    let engine = Engine::new(&situation.world, subject.policies());
    Ok(can(&engine, &from, &to, &doubtful).is_yes())
}

/// What an end may be called.
fn names(pod: &Pod) -> Vec<String> {
    let name = format!("{}/{}", pod.namespace, pod.name);
    // The address of a pod on its node is that of the node.
    if pod.on_node { vec![name] } else { vec![name, pod.address.clone()] }
}

#[test]
fn an_address_and_a_name_are_answered_as_what_has_them() {
    let (mut yes, mut no, mut of_services, mut of_nodes) = (0, 0, 0, 0);
    for seed in 0..24 {
        let mut rng = Rng::new(seed);
        let cluster = cluster(&mut rng);
        let subject = cluster.subject();
        assert!(subject.is_answerable(), "{}", cluster.text());
        let mut hold = |from: &str, to: &str, expected: bool| {
            let answer = ask(&subject, from, to);
            assert_eq!(answer, Ok(Some(expected)), "seed {seed}: {from} -> {to}\n{}", cluster.text());
            if expected { yes += 1 } else { no += 1 }
        };
        let running = cluster.running();
        for from in &running {
            for to in &running {
                if from.on_node && to.on_node {
                    continue;
                }
                for port in NUMBERS {
                    let expected = cluster.allows(&Who::of(from), &Who::of(to), port);
                    for source in names(from) {
                        // By their names, pods have on the ports of their Services what these have there.
                        let skipped = if port == 80 { 1 } else { 0 };
                        for target in names(to).iter().skip(skipped) {
                            hold(&source, &format!("{target}:{port}"), expected);
                        }
                    }
                }
            }
            for service in &cluster.services {
                let Some(behind) = cluster.behind(service) else { continue };
                let has_pods = !from.on_node || behind.iter().any(|(pod, _)| !pod.on_node);
                if !has_pods {
                    continue;
                }
                let expected = behind.iter().all(|(pod, port)| cluster.allows(&Who::of(from), &Who::of(pod), *port));
                let mut called = vec![
                    format!("{}.{}", service.name, service.namespace),
                    format!("{}.{}.svc", service.name, service.namespace),
                    format!("{}.{}.svc.cluster.local", service.name, service.namespace),
                ];
                called.extend((!service.headless).then(|| service.address.clone()));
                for name in called {
                    of_services += 1;
                    hold(&names(from)[0], &format!("{name}:{}", service.port), expected);
                }
            }
        }
        for to in running.iter().filter(|pod| !pod.on_node) {
            for address in NODES.iter().map(|(_, address)| *address).chain([OUTSIDE]) {
                for port in NUMBERS {
                    of_nodes += 1;
                    let target = format!("{}:{port}", names(to)[1]);
                    hold(address, &target, cluster.allows(&Who::Address(address), &Who::Pod(to), port));
                }
            }
        }
        // Nobody knows which pod has it.
        for pod in cluster.pods.iter().filter(|pod| pod.ended && !pod.on_node) {
            let Some(other) = running.iter().find(|other| !other.on_node) else { continue };
            assert!(ask(&subject, &pod.address, &format!("{}:80", names(other)[0])).is_err(), "{}", cluster.text());
        }
    }
    assert!([yes, no, of_services, of_nodes].iter().all(|count| *count > 200), "{yes} {no} {of_services} {of_nodes}");
}

/// Whether no selector tells two pods apart: they are one, or of one owner.
fn is_like(one: &Pod, other: &Pod) -> bool {
    let is_of_one = one.owner.is_some() && one.owner == other.owner && one.namespace == other.namespace;
    std::ptr::eq(one, other) || is_of_one
}

#[test]
fn a_policy_that_is_told_makes_the_answer_yes_and_changes_nothing_else() {
    let (mut told, mut not_told) = (0, 0);
    for seed in 1_000..1_040 {
        let mut rng = Rng::new(seed);
        let cluster = cluster(&mut rng);
        let subject = cluster.subject();
        let running = cluster.running();
        let pairs: Vec<(&Pod, &Pod)> =
            running.iter().flat_map(|one| running.iter().map(move |other| (*one, *other))).collect();
        for (from, to) in pairs.iter().filter(|(from, to)| !from.on_node && !to.on_node) {
            if cluster.allows(&Who::of(from), &Who::of(to), 9090) || rng.chance(85) {
                continue;
            }
            let asked = |pod: &Pod| subject.asked(&names(pod)[0]).unwrap();
            let target = subject.target(&format!("{}:9090", names(to)[0])).unwrap();
            let added = subject.added(&asked(from), &target.asked, target.ports.as_ref());
            if added.policies.is_empty() {
                assert!(added.why_not.is_some(), "seed {seed}: {} -> {}\n{}", from.name, to.name, cluster.text());
                not_told += 1;
                continue;
            }
            told += 1;
            let all = [subject.policies(), &added.policies].concat();
            for (one, other) in &pairs {
                for port in NUMBERS {
                    if one.on_node && other.on_node {
                        continue;
                    }
                    let question = |pod: &Pod| names(pod).pop().unwrap_or_default();
                    let is_asked = is_like(one, from) && is_like(other, to) && port == 9090;
                    let before = cluster.allows(&Who::of(one), &Who::of(other), port);
                    let (source, target) = (
                        subject.asked(&question(one)).unwrap(),
                        subject.target(&format!("{}:{port}", question(other))),
                    );
                    let target = target.unwrap();
                    let posed = subject.pose_by(&all, &source, &target.asked, target.ports.as_ref()).unwrap();
                    let engine = Engine::new(&posed.situation.world, &all);
                    let now = can(&engine, &posed.from, &posed.to, &posed.doubtful).is_yes();
                    assert_eq!(
                        now,
                        Some(before || is_asked),
                        "seed {seed}: {} -> {}\n{}",
                        one.name,
                        other.name,
                        cluster.text()
                    );
                }
            }
        }
    }
    assert!(told > 10 && not_told > 3, "{told} {not_told}");
}
