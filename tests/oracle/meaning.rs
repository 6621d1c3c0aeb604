//! What a program means, by the language's definition.
//!
//! A connection is allowed when the source pod is not isolated for egress or a flow that is not `ingress`, or the DNS rule,
//! covers it; and the destination pod is not isolated for ingress or a flow that is not `egress` covers it. (Where the DNS
//! pods are isolated, their ingress is open to every managed namespace that asks them, isolated or not.)
//!
//! A flow whose end is namespaces by labels covers a pod there on the side of the other end. On the pod's own side it does
//! so only where the program states enough of the labels of its namespace.

use super::evaluate::{Direction, NAME_LABEL, Party, Protocol, Stated};
use super::law::Blocks;
use super::program::{
    Dns, Endpoint, Flow, Isolate, Kind, Name, Namespace, Platform, Port, PortSpec, Preset, Program, Requirement,
    Selector, block,
};
use super::universe::{Atoms, Bits, Chunk, Matrix, Point, Sides, bits};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// What an endpoint stands for, without names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaf {
    /// Pods by their namespace's labels and their own.
    Pods(Selector, Selector),
    /// The addresses of the blocks less the exclusions.
    Addresses(Vec<IpNet>, Vec<IpNet>),
    /// Every pod and every address.
    Anyone,
}

impl Leaf {
    /// Whether the party is one of those.
    pub(crate) fn contains(&self, party: &Party) -> bool {
        match (self, party) {
            (Leaf::Anyone, _) => true,
            (Leaf::Pods(namespaces, pods), Party::Pod(pod)) => {
                namespaces.matches(&pod.namespace_labels) && pods.matches(&pod.labels)
            }
            (Leaf::Addresses(blocks, except), Party::Address(address)) => {
                blocks.iter().any(|b| b.contains(address)) && !except.iter().any(|b| b.contains(address))
            }
            (Leaf::Pods(..), Party::Address(_)) | (Leaf::Addresses(..), Party::Pod(_)) => false,
        }
    }
}

impl Leaf {
    /// Whether the party is one of those by what is stated of its namespace, whatever else that has.
    pub(crate) fn holds_for_sure(&self, party: &Party, stated: &Stated) -> bool {
        let Party::Pod(pod) = party else { return self.contains(party) };
        let (Leaf::Pods(namespaces, _), Some(known)) = (self, stated.get(&pod.namespace)) else {
            return self.contains(party);
        };
        let known = |requirement: &Requirement| {
            let key = requirement.key();
            key == NAME_LABEL || known.contains_key(key)
        };
        namespaces.0.iter().all(known) && self.contains(party)
    }

    /// Whether the party is one of those as the other end of somebody's traffic, where addresses can be those of pods.
    pub(crate) fn admits(&self, party: &Party, blocks: &Blocks) -> bool {
        match (self, party) {
            (Leaf::Addresses(..), Party::Pod(pod)) => {
                blocks.pods && pod.addresses.iter().any(|address| self.contains(&Party::Address(*address)))
            }
            (Leaf::Addresses(..), Party::Address(address)) => {
                self.contains(party) && !blocks.unmatched.iter().any(|net| net.contains(address))
            }
            _ => self.contains(party),
        }
    }
}

impl Port {
    /// Whether the port is meant, for a destination that has these names for it.
    pub(crate) fn contains(&self, protocol: Protocol, number: u16, names: &[String]) -> bool {
        match self {
            Port::Every => true,
            Port::EveryOf(p) => *p == protocol,
            Port::Range(low, high, p) => *p == protocol && (*low..=*high).contains(&number),
            Port::Container(name, p) => *p == protocol && names.contains(name),
        }
    }
}

/// One source, one destination, and ports.
#[derive(Debug, Clone)]
pub(crate) struct Cover {
    /// The one side that is opened; `None` for both.
    pub side: Option<Direction>,
    pub source: Leaf,
    pub destination: Leaf,
    pub ports: Vec<Port>,
}

impl Cover {
    pub(crate) fn opens(&self, direction: Direction) -> bool {
        self.side.is_none_or(|side| side == direction)
    }
}

/// What the DNS rule gives to a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// All of its pods.
    pub clients: Leaf,
    /// Where they may ask.
    pub destinations: Vec<Cover>,
    /// The pods that answer, as destinations whose ingress is opened where they are isolated.
    pub servers: Vec<Cover>,
}

/// The pods that an `isolate` covers.
#[derive(Debug, Clone)]
pub(crate) struct Isolation {
    pub namespace: String,
    pub direction: Direction,
    pub pods: Leaf,
}

/// A program's meaning, ready to be asked.
pub(crate) struct Meaning {
    pub covers: Vec<Cover>,
    pub isolations: Vec<Isolation>,
    pub grants: Vec<Grant>,
    /// What address blocks cover; only the outside unless it is asked for more.
    pub blocks: Blocks,
    /// The managed namespaces, by their names in the cluster, with the labels that they state.
    pub managed: Stated,
    namespaces: BTreeSet<String>,
}

/// Whether a program allows a connection.
pub(crate) fn means(program: &Program, source: &Party, destination: &Party, protocol: Protocol, number: u16) -> bool {
    Meaning::of(program).allows(source, destination, protocol, number)
}

impl Program {
    /// What a part stands for.
    pub(crate) fn leaf(&self, part: &Endpoint) -> Leaf {
        match part {
            Endpoint::Tier(name) => {
                let namespace = name.namespace.as_deref().expect("a tier's namespace");
                Leaf::Pods(self.namespace_selector(namespace), self.tier_selector(name))
            }
            Endpoint::Pods(namespace) => Leaf::Pods(self.namespace_selector(namespace), Selector::default()),
            Endpoint::Cidr(name) => {
                let cidr = self.cidr(name);
                Leaf::Addresses(cidr.blocks.clone(), cidr.except.clone())
            }
            Endpoint::Cluster => Leaf::Pods(Selector::default(), Selector::default()),
            Endpoint::Anywhere => Leaf::Anyone,
            Endpoint::ApiServer => Leaf::Addresses(self.platform.apiserver.clone(), Vec::new()),
            Endpoint::Nodes => Leaf::Addresses(self.platform.nodes.clone(), Vec::new()),
            Endpoint::Internet => self.internet(),
            Endpoint::Group(_) | Endpoint::Set(_) => panic!("not a part"),
        }
    }

    fn internet(&self) -> Leaf {
        let private = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ];
        let mut except: Vec<IpNet> = private.map(block).to_vec();
        let Platform { cni, apiserver, nodes, pods, services, .. } = &self.platform;
        except.extend([apiserver, nodes, pods, services].into_iter().flatten());
        if matches!(cni.as_deref(), Some("azure-npm" | "aks-cilium")) {
            except.push(block("168.63.129.16/32"));
        }
        Leaf::Addresses(vec![block("0.0.0.0/0"), block("2000::/3")], except)
    }

    /// The ports that a flow means for one of its destinations.
    fn ports(&self, flow: &Flow, part: &Endpoint) -> Vec<Port> {
        let listed: &[(String, Port)] = match part {
            Endpoint::Tier(name) => &self.tier(name).ports,
            _ => &[],
        };
        let Some(specs) = &flow.ports else { return listed.iter().map(|(_, port)| port.clone()).collect() };
        let one = |spec: &PortSpec| match spec {
            PortSpec::Port(port) => vec![port.clone()],
            PortSpec::Served(name) => listed.iter().filter(|(n, _)| n == name).map(|(_, p)| p.clone()).collect(),
            PortSpec::Set(name) => {
                self.port_sets.iter().find(|s| s.name == *name).expect("a declared port set").ports.clone()
            }
        };
        specs.iter().flat_map(one).collect()
    }

    fn isolations(&self, namespace: &Namespace) -> Vec<Isolation> {
        let here = Selector::is(NAME_LABEL, &namespace.actual);
        let both = Isolate { directions: vec![Direction::Ingress, Direction::Egress], tiers: Vec::new() };
        let statements = match namespace.isolates.as_slice() {
            [] => std::slice::from_ref(&both),
            written => written,
        };
        let mut all = Vec::new();
        for statement in statements {
            let selector = |tier: &String| {
                self.tier_selector(&Name { namespace: Some(namespace.name.clone()), name: tier.clone() })
            };
            let pods = match statement.tiers.as_slice() {
                [] => vec![Selector::default()],
                tiers => tiers.iter().map(selector).collect(),
            };
            for direction in &statement.directions {
                all.extend(pods.iter().map(|pods| Isolation {
                    namespace: namespace.actual.clone(),
                    direction: *direction,
                    pods: Leaf::Pods(here.clone(), pods.clone()),
                }));
            }
        }
        all
    }

    fn grant(&self, namespace: &Namespace) -> Option<Grant> {
        let default = Dns { preset: Preset::Cluster, addresses: Vec::new() };
        let dns = namespace.dns.as_ref().or(self.platform.dns.as_ref()).unwrap_or(&default);
        let to = |leaf: Leaf, port: u16| Cover {
            side: None,
            source: Leaf::Anyone,
            destination: leaf,
            ports: vec![Port::Range(port, port, Protocol::Udp), Port::Range(port, port, Protocol::Tcp)],
        };
        let within = |name: &str, pods: Selector| Leaf::Pods(Selector::is(NAME_LABEL, name), pods);
        let servers_of_kubernetes = || {
            let apps = ["kube-dns", "coredns", "node-local-dns"].map(String::from).to_vec();
            within("kube-system", Selector(vec![Requirement::In("k8s-app".to_string(), apps)]))
        };
        let (mut destinations, servers) = match &dns.preset {
            Preset::None => return None,
            Preset::Any => (vec![to(Leaf::Anyone, 53)], vec![to(servers_of_kubernetes(), 53)]),
            Preset::Cluster => {
                let local = Leaf::Addresses(vec![block("169.254.0.0/16")], Vec::new());
                (vec![to(servers_of_kubernetes(), 53), to(local, 53)], vec![to(servers_of_kubernetes(), 53)])
            }
            Preset::Strict => {
                let servers = vec![to(within("kube-system", Selector::is("k8s-app", "kube-dns")), 53)];
                (servers.clone(), servers)
            }
            Preset::OpenShift => {
                let pods = Selector::is("dns.operator.openshift.io/daemonset-dns", "default");
                let servers = vec![to(within("openshift-dns", pods), 5353)];
                (servers.clone(), servers)
            }
            Preset::Tier(name, port) => {
                let servers = vec![to(self.leaf(&Endpoint::Tier(name.clone())), port.unwrap_or(53))];
                (servers.clone(), servers)
            }
        };
        if !dns.addresses.is_empty() {
            destinations.push(to(Leaf::Addresses(dns.addresses.clone(), Vec::new()), 53));
        }
        Some(Grant { clients: within(&namespace.actual, Selector::default()), destinations, servers })
    }
}

impl Meaning {
    /// The meaning of a program.
    pub(crate) fn of(program: &Program) -> Meaning {
        let mut covers = Vec::new();
        for flow in &program.flows {
            let sources: BTreeSet<Leaf> = program.parts(&flow.source).iter().map(|p| program.leaf(p)).collect();
            for part in program.parts(&flow.destination) {
                let (destination, ports) = (program.leaf(&part), program.ports(flow, &part));
                covers.extend(sources.iter().map(|source| Cover {
                    side: flow.side,
                    source: source.clone(),
                    destination: destination.clone(),
                    ports: ports.clone(),
                }));
            }
        }
        let (mut isolations, mut grants, mut managed) = (Vec::new(), Vec::new(), Stated::new());
        for namespace in program.namespaces.iter().filter(|n| n.kind == Kind::Managed) {
            managed.insert(namespace.actual.clone(), namespace.stated.clone());
            let here = program.isolations(namespace);
            grants.extend(program.grant(namespace));
            isolations.extend(here);
        }
        let namespaces = program.namespaces.iter().map(|n| n.actual.clone()).collect();
        Meaning { covers, isolations, grants, blocks: Blocks::default(), managed, namespaces }
    }

    /// The same, where address blocks cover this.
    pub(crate) fn where_blocks_cover(self, blocks: Blocks) -> Meaning {
        Meaning { blocks, ..self }
    }

    /// Whether the party is isolated in a direction.
    pub(crate) fn isolated(&self, direction: Direction, party: &Party) -> bool {
        self.isolations.iter().any(|i| i.direction == direction && i.pods.contains(party))
    }

    /// Whether a connection is allowed. A pod has one address, or none that matters.
    pub(crate) fn allows(&self, source: &Party, destination: &Party, protocol: Protocol, number: u16) -> bool {
        let names: Vec<String> = match destination {
            Party::Address(_) => Vec::new(),
            Party::Pod(pod) => {
                let here = pod.ports.iter().filter(|p| p.protocol == protocol && p.number == number);
                here.map(|p| p.name.clone()).collect()
            }
        };
        let on = |cover: &&Cover| cover.ports.iter().any(|p| p.contains(protocol, number, &names));
        let leaves = |source_of: &Leaf, c: &Cover| {
            source_of.holds_for_sure(source, &self.managed) && c.destination.admits(destination, &self.blocks)
        };
        let enters = |source_of: &Leaf, c: &Cover| {
            source_of.admits(source, &self.blocks) && c.destination.holds_for_sure(destination, &self.managed)
        };
        let opening = |direction| self.covers.iter().filter(move |c| c.opens(direction)).filter(on);
        let mut out = opening(Direction::Egress).map(|c| leaves(&c.source, c));
        let mut into = opening(Direction::Ingress).map(|c| enters(&c.source, c));
        let asks = self.grants.iter().any(|g| g.destinations.iter().filter(on).any(|c| leaves(&g.clients, c)));
        let answers = self.grants.iter().any(|g| g.servers.iter().filter(on).any(|c| enters(&g.clients, c)));
        (out.any(|yes| yes) || asks || !self.isolated(Direction::Egress, source))
            && (into.any(|yes| yes) || answers || !self.isolated(Direction::Ingress, destination))
    }

    /// What a program can tell apart.
    pub(crate) fn atoms(&self) -> Atoms {
        let mut atoms = Atoms { namespaces: self.namespaces.clone(), ..Atoms::default() };
        let grants = self.grants.iter().flat_map(|g| g.destinations.iter().chain(&g.servers));
        for cover in self.covers.iter().chain(grants) {
            add_leaf(&mut atoms, &cover.source);
            add_leaf(&mut atoms, &cover.destination);
            for port in &cover.ports {
                match port {
                    Port::Every | Port::EveryOf(_) => {}
                    Port::Range(low, high, protocol) => {
                        atoms.ports.insert((*protocol, *low, *high));
                    }
                    Port::Container(name, protocol) => {
                        atoms.names.insert((name.clone(), *protocol));
                    }
                }
            }
        }
        self.isolations.iter().for_each(|i| add_leaf(&mut atoms, &i.pods));
        self.grants.iter().for_each(|g| add_leaf(&mut atoms, &g.clients));
        atoms
    }

    /// The same as [`Meaning::allows`] for all connections at once.
    pub(crate) fn matrix(&self, chunk: &Chunk) -> Matrix {
        match self.blocks.pods {
            true => chunk.over_each_family(&|chunk| self.matrix_over(chunk)),
            false => self.matrix_over(chunk),
        }
    }

    fn matrix_over(&self, chunk: &Chunk) -> Matrix {
        let Sides { egress, ingress } = self.sides(chunk);
        let n = chunk.size();
        let both = |(i, (out, into)): (usize, (&Bits, &Bits))| out & into & chunk.possible(i / n, i % n);
        Matrix { cells: egress.cells.iter().zip(&ingress.cells).enumerate().map(both).collect() }
    }

    /// What each side of each connection allows, where pods have one address each at most.
    pub(crate) fn sides(&self, chunk: &Chunk) -> Sides {
        let n = chunk.size();
        let named = |leaf: &Leaf| -> Vec<usize> { (0..n).filter(|&i| leaf.contains(&chunk.parties[i])).collect() };
        let sure = |leaf: &Leaf| -> Vec<usize> {
            (0..n).filter(|&i| leaf.holds_for_sure(&chunk.parties[i], &self.managed)).collect()
        };
        let admitted =
            |leaf: &Leaf| -> Vec<usize> { (0..n).filter(|&i| leaf.admits(&chunk.parties[i], &self.blocks)).collect() };
        let cover = |cells: &mut [Bits], sources: &[usize], destinations: &[usize], cover: &Cover| {
            let has = |point: &Point, p: &Port| p.contains(point.protocol, point.number, &point.names);
            let ports = bits(chunk.points, |point| cover.ports.iter().any(|p| has(point, p)));
            for source in sources {
                destinations.iter().for_each(|d| cells[source * n + d] |= ports);
            }
        };
        let [mut out, mut into, mut asks, mut answers] = [0; 4].map(|none: Bits| vec![none; n * n]);
        for one in &self.covers {
            if one.opens(Direction::Egress) {
                cover(&mut out, &sure(&one.source), &admitted(&one.destination), one);
            }
            if one.opens(Direction::Ingress) {
                cover(&mut into, &admitted(&one.source), &sure(&one.destination), one);
            }
        }
        for grant in &self.grants {
            let clients = named(&grant.clients);
            for one in &grant.destinations {
                cover(&mut asks, &clients, &admitted(&one.destination), one);
            }
            for one in &grant.servers {
                cover(&mut answers, &clients, &sure(&one.destination), one);
            }
        }
        let open = |direction| -> Vec<Bits> {
            chunk.parties.iter().map(|p| if self.isolated(direction, p) { 0 } else { Bits::MAX }).collect()
        };
        let (open_out, open_in) = (open(Direction::Egress), open(Direction::Ingress));
        for i in 0..n * n {
            out[i] |= asks[i] | open_out[i / n];
            into[i] |= answers[i] | open_in[i % n];
        }
        Sides { egress: Matrix { cells: out }, ingress: Matrix { cells: into } }
    }
}

fn add_leaf(atoms: &mut Atoms, leaf: &Leaf) {
    match leaf {
        Leaf::Anyone => {}
        Leaf::Pods(namespaces, pods) => {
            atoms.pods.insert((namespaces.translated(), pods.translated()));
        }
        Leaf::Addresses(blocks, except) => {
            atoms.blocks.extend(blocks);
            atoms.blocks.extend(except);
        }
    }
}
