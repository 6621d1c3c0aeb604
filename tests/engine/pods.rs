//! Random clusters: pods of every kind of labels, ports and addresses, in namespaces that are known or not.

use crate::engine::random::{Maker, NAMES, NAMESPACE_KEYS, NAMESPACES, NUMBERS, POD_KEYS, VALUES};
use polder::cluster::{Cluster, ContainerPort, Kind, Labels, Namespace, Pods, Workload};
use polder::net::Protocol;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Addresses that pods have: inside, outside and at the edges of the blocks.
const ADDRESSES: [&str; 7] =
    ["10.0.0.1", "10.1.2.3", "10.1.2.4", "10.255.255.255", "172.16.0.1", "fd00::1", "fd00:1::5"];

impl Maker<'_> {
    /// A cluster.
    pub(super) fn cluster(&mut self) -> Cluster {
        let mut cluster = Cluster::default();
        for name in NAMESPACES {
            // Of the last one, and sometimes of one with policies, only the name is known.
            if name == "w" || (name == "z" && self.rng.chance(40)) {
                self.seen("namespace of unknown labels");
                continue;
            }
            let mut labels = self.labels(&NAMESPACE_KEYS);
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
            cluster.namespaces.push(Namespace { name: name.into(), labels, span: None });
        }
        cluster.namespaces.sort_by(|one, other| one.name.cmp(&other.name));
        for namespace in NAMESPACES {
            for index in 0..self.rng.between(1, 4) {
                let pods = (0..self.rng.between(1, 2)).map(|_| self.pods()).collect();
                cluster.workloads.push(Workload {
                    namespace: namespace.into(),
                    name: format!("workload-{index}").into(),
                    kind: Kind::Deployment,
                    // The labels of an owner mean nothing.
                    labels: self.labels(&POD_KEYS),
                    selector: Labels::new(),
                    pods,
                    first_number: 0,
                    span: None,
                });
            }
        }
        cluster.workloads.sort_by(|one, other| one.namespace.cmp(&other.namespace));
        cluster
    }

    fn labels(&mut self, keys: &[&str]) -> Labels {
        let mut labels = Labels::new();
        for key in keys {
            match self.rng.below(5) {
                0 | 1 => {}
                2 => _ = labels.insert((*key).to_owned(), "another".to_owned()),
                _ => _ = labels.insert((*key).to_owned(), (*self.rng.pick(&VALUES)).to_owned()),
            }
        }
        labels
    }

    fn pods(&mut self) -> Pods {
        let mut ports = BTreeSet::new();
        for _ in 0..self.rng.below(5) {
            let protocol = Protocol::ALL[self.rng.below(3)];
            let name = self.rng.chance(80).then(|| (*self.rng.pick(&NAMES)).into());
            ports.insert(ContainerPort { protocol, number: *self.rng.pick(&NUMBERS), name });
        }
        let mut of_one: Vec<IpAddr> = match self.rng.below(4) {
            0 => {
                self.seen("pod of unknown address");
                Vec::new()
            }
            1 => {
                self.seen("pod of two families");
                vec![ADDRESSES[self.rng.below(5)].parse().unwrap(), ADDRESSES[self.rng.between(5, 6)].parse().unwrap()]
            }
            _ => vec![self.rng.pick(&ADDRESSES).parse().unwrap()],
        };
        of_one.sort_unstable();
        let mut addresses: Vec<Vec<IpAddr>> = Some(of_one).filter(|known| !known.is_empty()).into_iter().collect();
        let count = [0, 1, 1, 1, 1, 1, 1, 3][self.rng.below(8)];
        if count > 1 {
            self.seen("several pods alike");
            if self.rng.chance(50) {
                let some = self.rng.between(1, 3);
                addresses = ADDRESSES[..some].iter().map(|address| vec![address.parse().unwrap()]).collect();
                if self.rng.chance(50) {
                    addresses[0].push(ADDRESSES[6].parse().unwrap());
                }
            }
        }
        if count == 0 {
            addresses.clear();
        }
        let pods = Pods {
            labels: self.labels(&POD_KEYS),
            ports: ports.into_iter().collect(),
            count,
            several: count > 1 || self.rng.chance(30),
            host_network: self.rng.chance(5),
            finished: self.rng.chance(5),
            addresses,
            seen: Vec::new(),
            span: None,
        };
        if pods.host_network || pods.finished || pods.count == 0 {
            self.seen("pods out of the reach of policies");
        }
        pods
    }
}
