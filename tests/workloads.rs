//! What is said of pods that run, by their names, against the oracle: every name in `reach`, `blast` and `diff` is spelled
//! out, and what is said of it has to be true of each pod that it stands for; and what is not said, of none.

use crate::oracle::check::Draw;
use crate::oracle::evaluate::{Direction, Labels, Party, Pod, PolicySet, Protocol, Stated, allowed};
use crate::oracle::meaning::Meaning;
use crate::oracle::universe::{Atoms, Universe};
use crate::oracle::{generate, mutate, naive, read};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// How many random sets of policies are asked about unless `POLDER_CASES` says another number.
const CASES: u64 = 24;

/// Different pods of each.
const PODS: usize = 8;

fn cases() -> u64 {
    std::env::var("POLDER_CASES").map_or(CASES, |text| text.parse().unwrap())
}

/// Pods that run, each a workload; some are like others.
struct Running {
    pods: Vec<Pod>,
    /// Whether there can be two of each.
    several: Vec<bool>,
    points: Vec<(Protocol, u16)>,
    folder: tempfile::TempDir,
}

impl Running {
    fn new(seed: u64, manifests: &[Value]) -> Running {
        let meaning = Meaning::of(&generate::program(seed));
        let mut atoms = meaning.atoms();
        atoms.join(Atoms::of(&read::policies(manifests).unwrap()));
        // What mutants have besides.
        for (_, mutant) in mutate::mutants(manifests, seed) {
            atoms.join(Atoms::of(&read::policies(&mutant).unwrap()));
        }
        let mut draw = Draw::new(seed, &meaning, &atoms);
        let mut homes: BTreeMap<String, Labels> = BTreeMap::new();
        let mut pods: Vec<Pod> = Vec::new();
        while pods.len() < PODS {
            let Party::Pod(mut pod) = draw.party() else { continue };
            pod.namespace_labels = homes.entry(pod.namespace.clone()).or_insert(pod.namespace_labels).clone();
            pods.push(pod);
        }
        // Some that no policy can tell from others.
        for index in 0..PODS / 2 {
            let mut twin = pods[index].clone();
            twin.labels.insert("nobody-asks-for".to_owned(), "this".to_owned());
            pods.push(twin);
        }
        let several = (0..pods.len()).map(|index| index % 3 == 1).collect();
        let mut points: BTreeSet<(Protocol, u16)> =
            Universe::new(&atoms, &Stated::new()).points.iter().map(|point| (point.protocol, point.number)).collect();
        points.extend(pods.iter().flat_map(|pod| &pod.ports).map(|port| (port.protocol, port.number)));
        let running =
            Running { pods, several, points: points.into_iter().collect(), folder: tempfile::tempdir().unwrap() };
        running.write("pods.json", &running.manifests());
        running
    }

    fn write(&self, name: &str, documents: &[Value]) {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": documents });
        std::fs::write(self.folder.path().join(name), list.to_string()).unwrap();
    }

    fn manifests(&self) -> Vec<Value> {
        let pod = |(index, pod): (usize, &Pod)| {
            let ports: Vec<Value> = pod
                .ports
                .iter()
                .map(|port| {
                    let protocol = port.protocol.to_string().to_uppercase();
                    json!({ "name": port.name, "containerPort": port.number, "protocol": protocol })
                })
                .collect();
            let spec = json!({ "containers": [{ "name": "c", "image": "x", "ports": ports }] });
            let metadata = json!({ "name": format!("p{index}"), "namespace": pod.namespace, "labels": pod.labels });
            match self.several[index] {
                false => json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec }),
                true => json!({
                    "apiVersion": "apps/v1", "kind": "DaemonSet",
                    "metadata": { "name": format!("p{index}"), "namespace": pod.namespace },
                    "spec": { "template": { "metadata": { "labels": pod.labels }, "spec": spec } },
                }),
            }
        };
        let mut documents: Vec<Value> = self.pods.iter().enumerate().map(pod).collect();
        let namespaces: BTreeMap<&String, &Labels> =
            self.pods.iter().map(|pod| (&pod.namespace, &pod.namespace_labels)).collect();
        documents.extend(namespaces.into_iter().map(
            |(name, labels)| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } }),
        ));
        documents
    }

    fn ask(&self, args: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(args)
            .args(["--workloads", "pods.json", "--ipblock-matches-pods=false"])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn name(&self, index: usize) -> String {
        let kind = if self.several[index] { "DaemonSet" } else { "Pod" };
        format!("{}/p{index}[{kind}]", self.pods[index].namespace)
    }

    /// Whether a pod is one of those that are asked for names wherever nobody says whom to ask.
    fn is_dns(&self, index: usize) -> bool {
        let Pod { namespace, labels, .. } = &self.pods[index];
        let label = |key: &str| labels.get(key).map(String::as_str);
        match namespace.as_str() {
            "kube-system" => matches!(label("k8s-app"), Some("kube-dns" | "coredns" | "node-local-dns")),
            "openshift-dns" => label("dns.operator.openshift.io/daemonset-dns") == Some("default"),
            _ => false,
        }
    }

    fn allowed(&self, set: &PolicySet, source: usize, destination: usize, (protocol, number): (Protocol, u16)) -> bool {
        let [source, destination] = [source, destination].map(|index| Party::Pod(self.pods[index].clone()));
        allowed(set, &source, &destination, protocol, number)
    }

    /// The ports between two pods, in the order of the points.
    fn ports(&self, set: &PolicySet, source: usize, destination: usize) -> Vec<bool> {
        self.points.iter().map(|point| self.allowed(set, source, destination, *point)).collect()
    }

    fn is_isolated(&self, set: &PolicySet, direction: Direction, index: usize) -> bool {
        let pod = Party::Pod(self.pods[index].clone());
        set.policies.iter().any(|policy| policy.selects(&pod) && policy.rules(direction).is_some())
    }

    /// The pods that a name stands for, as seen from a namespace; `None` when it does not say it.
    fn meant(&self, set: &PolicySet, text: &str, home: &str) -> Option<BTreeSet<usize>> {
        if let Some((whole, less)) = text.split_once(" except ") {
            let mut whole = self.meant(set, whole, home)?;
            for name in less.split(", ") {
                let less = self.meant(set, name, home)?;
                assert!(less.is_subset(&whole), "{text}");
                whole.retain(|index| !less.contains(index));
            }
            return Some(whole);
        }
        if let Some(list) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let mut all = BTreeSet::new();
            for name in list.split(", ") {
                all.extend(self.meant(set, name, home)?);
            }
            return Some(all);
        }
        let of = |is: &dyn Fn(usize) -> bool| Some((0..self.pods.len()).filter(|index| is(*index)).collect());
        let isolated = |direction, index| self.is_isolated(set, direction, index);
        let both = |index| [Direction::Ingress, Direction::Egress].map(|direction| isolated(direction, index));
        match text {
            "cluster" | "anywhere" => return of(&|_| true),
            "(all that is isolated)" => return of(&|index| both(index) == [true, true]),
            "(all that is not isolated)" => return of(&|index| both(index) == [false, false]),
            "(all isolated for ingress)" => return of(&|index| isolated(Direction::Ingress, index)),
            "(all isolated for egress)" => return of(&|index| isolated(Direction::Egress, index)),
            "(all not isolated for ingress)" => return of(&|index| !isolated(Direction::Ingress, index)),
            "(all not isolated for egress)" => return of(&|index| !isolated(Direction::Egress, index)),
            more if more.ends_with(" more") => return None,
            _ => {}
        }
        if let Some(namespace) = text.strip_suffix("/*") {
            return of(&|index| self.pods[index].namespace == namespace);
        }
        // Everything else with a kind is a workload, and the rest are addresses.
        let is_it = |index: usize| self.name(index) == text || self.name(index) == format!("{home}/{text}");
        let found: BTreeSet<usize> = (0..self.pods.len()).filter(|index| is_it(*index)).collect();
        assert_eq!(found.is_empty(), !text.ends_with("[Pod]") && !text.ends_with("[DaemonSet]"), "{text}");
        Some(found)
    }
}

/// The numbers and protocols of `{53/udp, 80-90/tcp}` or `{80, 443}/tcp`; `None` with names of ports.
fn parsed(ports: &str) -> Option<Vec<(Option<String>, u16, u16)>> {
    if ports.contains('"') {
        return None;
    }
    let (list, common) = match ports.strip_prefix('{').map(|rest| rest.split_once('}').unwrap()) {
        Some((list, protocol)) => (list, protocol),
        None => (ports, ""),
    };
    let item = |item: &str| {
        let (numbers, protocol) = match format!("{item}{common}").split_once('/') {
            Some((numbers, protocol)) => (numbers.to_owned(), Some(protocol.to_owned())),
            None => (item.to_owned(), None),
        };
        let (low, high) = numbers.split_once('-').unwrap_or((&numbers, &numbers));
        match numbers.as_str() {
            "*" => (protocol, 1, u16::MAX),
            _ => (protocol, low.parse().unwrap(), high.parse().unwrap()),
        }
    };
    Some(list.split(", ").filter(|item| *item != "(other protocols)").map(item).collect())
}

#[test]
fn every_line_of_reach_is_true_of_all_pods_that_it_names() {
    let (mut lines, mut diagonals) = (0, 0);
    for seed in 0..cases() {
        let manifests = naive::lower(&generate::program(seed));
        let set = read::policies(&manifests).unwrap();
        let running = Running::new(seed, &manifests);
        running.write("policies.json", &manifests);
        let text = running.ask(&["reach", "--manifests", "policies.json"]);
        let mut home = "";
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if !line.starts_with(' ') {
                home = line.strip_prefix("namespace ").unwrap_or("");
            }
            let Some((source, rest)) = line.split_once(" -> ") else { continue };
            assert!(!rest.contains('#'), "all is known: {line}");
            let (destination, ports) = rest.rsplit_once(':').unwrap();
            let Some(ports) = parsed(ports) else { continue };
            let ends = [source, destination].map(|text| running.meant(&set, text.trim(), home));
            let [Some(sources), Some(destinations)] = ends else { continue };
            lines += 1;
            for (source, destination) in sources.iter().flat_map(|one| destinations.iter().map(move |to| (*one, *to))) {
                // That a pod reaches itself makes no line longer.
                diagonals += usize::from(source == destination);
                for point in &running.points {
                    let is_of = |(protocol, low, high): &(Option<String>, u16, u16)| {
                        protocol.as_ref().is_none_or(|name| *name == point.0.to_string())
                            && (*low..=*high).contains(&point.1)
                    };
                    let said = ports.iter().any(is_of);
                    let is = running.allowed(&set, source, destination, *point);
                    assert!(!said || is, "seed {seed}: `{line}` is not true on {point:?}\n{text}");
                }
            }
        }
    }
    assert!(lines > 30 && diagonals > 10, "{lines} {diagonals}");
}

#[test]
fn blast_counts_the_workloads_that_can_be_reached() {
    let (mut some, mut all, mut stops) = (0, 0, 0);
    for seed in 0..cases() {
        let manifests = naive::lower(&generate::program(seed));
        let set = read::policies(&manifests).unwrap();
        let running = Running::new(seed, &manifests);
        running.write("policies.json", &manifests);
        let count = running.pods.len();
        let next = |from: usize, to: usize| running.ports(&set, from, to).contains(&true);
        let is_dns = |index: usize| running.is_dns(index);
        for (back, through) in [(false, false), (true, false), (false, true), (true, true)] {
            for start in [0, 1, PODS] {
                let mut reached = BTreeSet::from([start]);
                let mut waiting = vec![start];
                while let Some(at) = waiting.pop() {
                    let link = |other: &usize| if back { next(*other, at) } else { next(at, *other) };
                    let found: Vec<usize> = (0..count).filter(link).filter(|other| reached.insert(*other)).collect();
                    stops += found.iter().filter(|other| is_dns(**other)).count();
                    waiting.extend(found.into_iter().filter(|other| through || !is_dns(*other)));
                }
                reached.remove(&start);
                let name = running.name(start);
                let mut flags = if back { vec!["--to", &name] } else { vec![name.as_str()] };
                flags.extend(if through { &["--through", "dns"][..] } else { &[] });
                let args = [&["blast", "--manifests", "policies.json", "--format", "json"], &flags[..]].concat();
                let said: Value = serde_json::from_str(&running.ask(&args)).unwrap();
                let what = || format!("seed {seed}: {args:?}: {reached:?}\n{said:#}");
                assert_eq!((&said["reached"], &said["of"]), (&json!(reached.len()), &json!(count - 1)), "{}", what());
                let steps = said["steps"].as_array().unwrap().iter().filter(|step| step["repeated"] == false);
                let steps = steps.chain(Some(&said["dns"]).filter(|dns| !dns.is_null()));
                let names = steps.flat_map(|step| step["names"].as_array().unwrap());
                let named: BTreeSet<&str> = names.map(|name| name.as_str().unwrap()).collect();
                for index in 0..count {
                    let is_named = named.contains(running.name(index).as_str());
                    assert!(index == start || is_named == reached.contains(&index), "{index}: {}", what());
                }
                some += usize::from(!reached.is_empty());
                all += usize::from(reached.len() == count - 1);
            }
        }
    }
    assert!(some > all && all > 5 && stops > 5, "{some} {all} {stops}");
}

#[test]
fn a_diff_names_exactly_the_pods_of_which_something_changed() {
    let (mut same, mut isolations, mut connections) = (0, 0, 0);
    for seed in 0..cases() {
        let manifests = naive::lower(&generate::program(seed));
        let running = Running::new(seed, &manifests);
        running.write("old.json", &manifests);
        let old = read::policies(&manifests).unwrap();
        for (kind, mutant) in mutate::mutants(&manifests, seed).into_iter() {
            running.write("new.json", &mutant);
            let new = read::policies(&mutant).unwrap();
            let text = running.ask(&["diff", "old.json", "new.json", "--format", "json"]);
            let said: Value = serde_json::from_str(&text).unwrap();
            let what = || format!("seed {seed}, {kind}:\n{text}");
            let pods = |names: &Value| -> BTreeSet<usize> {
                let names = names.as_array().unwrap().iter();
                names.flat_map(|name| running.meant(&old, name.as_str().unwrap(), "").unwrap()).collect()
            };
            let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
            let everybody = || 0..running.pods.len();
            for change in said["isolation"].as_array().unwrap() {
                isolations += 1;
                for direction in change["directions"].as_array().unwrap() {
                    let egress = direction == "egress";
                    let way = if egress { Direction::Egress } else { Direction::Ingress };
                    for pod in pods(&change["pods"]) {
                        let [was, is] = [&old, &new].map(|set| running.is_isolated(set, way, pod));
                        assert_eq!((was, is), (!is, change["change"] == "introduced"), "{pod}: {}", what());
                        told.extend(everybody().map(|other| if egress { (pod, other) } else { (other, pod) }));
                    }
                }
            }
            for change in said["connections"].as_array().unwrap() {
                connections += 1;
                let (sources, destinations) = (pods(&change["sources"]), pods(&change["destinations"]));
                for pair in sources.iter().flat_map(|from| destinations.iter().map(move |to| (*from, *to))) {
                    let [was, is] = [&old, &new].map(|set| running.ports(set, pair.0, pair.1));
                    let itself = pair.0 == pair.1 && !running.several[pair.0];
                    assert!(was != is || itself, "{pair:?} has not changed: {}", what());
                    told.insert(pair);
                }
            }
            same += usize::from(said["same"] == true);
            for pair in everybody().flat_map(|from| everybody().map(move |to| (from, to))) {
                let [was, is] = [&old, &new].map(|set| running.ports(set, pair.0, pair.1));
                let itself = pair.0 == pair.1 && !running.several[pair.0];
                assert!(was == is || itself || told.contains(&pair), "{pair:?} has changed: {}", what());
            }
        }
    }
    assert!(same > 5 && isolations > 5 && connections > 5, "{same} {isolations} {connections}");
}
