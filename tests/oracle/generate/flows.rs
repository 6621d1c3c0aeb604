//! The flows of a random program: their ends, and ports that all destinations take.

use super::super::evaluate::{Direction, Protocol};
use super::super::program::{Endpoint, Flow, Kind, Port, PortSpec};
use super::{Maker, global};

impl Maker {
    pub(super) fn flows(&mut self) {
        let count = self.rng.between(2, 9);
        let mut tries = 0;
        while self.program.flows.len() < count && tries < 60 {
            tries += 1;
            let chained = self.program.flows.last().map(|f| f.destination.clone()).filter(|_| self.rng.chance(20));
            let (source, destination) = self.ends(chained);
            if source == destination && !matches!(source, Endpoint::Tier(_) | Endpoint::Pods(_)) {
                continue;
            }
            if let Some(ports) = self.ports(&destination) {
                let side = self.side(&source, &destination);
                self.program.flows.push(Flow { side, source, destination, ports });
            }
        }
        if self.rng.chance(15) && !self.program.flows.is_empty() {
            // A flow that another covers already.
            let mut again = self.rng.pick(&self.program.flows).clone();
            let parts = self.program.parts(&again.source);
            again.source = self.rng.pick(&parts).clone();
            again.side = again.side.filter(|_| self.program.parts(&again.source).iter().all(|p| self.is_ours(p)));
            self.program.flows.push(again);
        }
        if self.rng.chance(30) && !self.program.flows.is_empty() {
            // A flow with another word, or with none.
            let mut again = self.rng.pick(&self.program.flows).clone();
            let side = again.side.map_or(*self.rng.pick(&[Direction::Ingress, Direction::Egress]), opposite);
            again.side = Some(side).filter(|side| self.can_open(*side, &again.source, &again.destination));
            self.program.flows.push(again);
        }
    }

    /// The one side that a flow opens, at times.
    fn side(&mut self, source: &Endpoint, destination: &Endpoint) -> Option<Direction> {
        let side = *self.rng.pick(&[Direction::Ingress, Direction::Egress]);
        (self.rng.chance(25) && self.can_open(side, source, destination)).then_some(side)
    }

    /// Whether all of a side are pods of managed namespaces.
    fn can_open(&self, side: Direction, source: &Endpoint, destination: &Endpoint) -> bool {
        let end = if side == Direction::Ingress { destination } else { source };
        self.program.parts(end).iter().all(|part| self.is_ours(part) || *part == Endpoint::Cluster)
    }

    /// The two ends of a flow, one of which at least is pods of managed namespaces.
    fn ends(&mut self, chained: Option<Endpoint>) -> (Endpoint, Endpoint) {
        let ours = self.pods(true);
        let mine = match chained {
            Some(endpoint) if self.is_ours(&endpoint) => endpoint,
            _ => self.some_of(&ours),
        };
        match self.rng.below(100) {
            0..45 => {
                let other = self.some_of(&ours);
                (mine, other)
            }
            45..70 => {
                let other = self.outside();
                (mine, other)
            }
            70..93 => {
                let other = self.outside();
                (other, mine)
            }
            // Every managed namespace is on one end.
            _ => {
                let other = self.outside();
                let both = [(Endpoint::Cluster, other.clone()), (other, Endpoint::Cluster)];
                self.rng.pick(&both).clone()
            }
        }
    }

    fn is_ours(&self, endpoint: &Endpoint) -> bool {
        self.program.parts(endpoint).iter().all(|part| match part {
            Endpoint::Tier(name) => self.program.namespace(name.namespace.as_deref().unwrap()).kind == Kind::Managed,
            Endpoint::Pods(namespace) => self.program.namespace(namespace).kind == Kind::Managed,
            _ => false,
        })
    }

    /// One endpoint, or at times a set of two or three.
    fn some_of(&mut self, endpoints: &[Endpoint]) -> Endpoint {
        let count = if self.rng.chance(15) { self.rng.between(2, 3) } else { 1 };
        let mut chosen = self.rng.some(endpoints, count);
        if chosen.len() == 1 { chosen.remove(0) } else { Endpoint::Set(chosen) }
    }

    /// What is not, or not only, pods of managed namespaces.
    fn outside(&mut self) -> Endpoint {
        if self.rng.chance(12) {
            return Endpoint::Anywhere;
        }
        let mut candidates = self.pods(false);
        candidates.extend(self.lists());
        candidates.extend([Endpoint::Internet, Endpoint::Internet, Endpoint::Cluster]);
        candidates.extend((!self.program.platform.apiserver.is_empty()).then_some(Endpoint::ApiServer));
        candidates.extend((!self.program.platform.nodes.is_empty()).then_some(Endpoint::Nodes));
        candidates
            .extend(self.program.groups.iter().filter(|g| g.name == "mixed").map(|g| Endpoint::Group(global(&g.name))));
        self.some_of(&candidates)
    }

    /// Ports that all parts of a destination take: `None` when there are none, `Some(None)` when none are written.
    fn ports(&mut self, destination: &Endpoint) -> Option<Option<Vec<PortSpec>>> {
        let parts = self.program.parts(destination);
        let mut lists: Vec<&[(String, Port)]> = Vec::new();
        let (mut open, mut addresses) = (false, false);
        for part in &parts {
            match part {
                Endpoint::Tier(name) if !self.program.tier(name).ports.is_empty() => {
                    lists.push(&self.program.tier(name).ports);
                }
                Endpoint::Tier(_) | Endpoint::Pods(_) | Endpoint::Cluster | Endpoint::Anywhere => open = true,
                _ => (open, addresses) = (true, true),
            }
        }
        let Some((first, rest)) = lists.split_first() else { return Some(Some(self.free_ports(addresses))) };
        let shared = |same: fn(&(String, Port), &(String, Port)) -> bool| -> Vec<(String, Port)> {
            first.iter().filter(|p| rest.iter().all(|list| list.iter().any(|q| same(p, q)))).cloned().collect()
        };
        let usable = |port: &Port| !(addresses && matches!(port, Port::Container(..)));
        let by_port: Vec<(String, Port)> = shared(|p, q| p.1 == q.1).into_iter().filter(|p| usable(&p.1)).collect();
        let by_name = if open { Vec::new() } else { shared(|p, q| p.0 == q.0) };
        let mut choices: Vec<Vec<PortSpec>> = by_port.iter().map(|(_, p)| vec![PortSpec::Port(p.clone())]).collect();
        choices.extend(by_name.iter().map(|(name, _)| vec![PortSpec::Served(name.clone())]));
        if by_name.len() > 1 {
            choices.push(by_name.iter().map(|(name, _)| PortSpec::Served(name.clone())).collect());
        }
        if !open && self.rng.chance(40) {
            return Some(None);
        }
        if choices.is_empty() {
            return (!open).then_some(None);
        }
        Some(Some(self.rng.pick(&choices).clone()))
    }

    fn free_ports(&mut self, addresses: bool) -> Vec<PortSpec> {
        if self.rng.chance(12) {
            return vec![PortSpec::Port(Port::Every)];
        }
        let count = if self.rng.chance(30) { self.rng.between(2, 4) } else { 1 };
        let mut all = Vec::new();
        for _ in 0..count {
            let protocol = *self.rng.pick(&Protocol::ALL);
            let container = ["web", "metrics"];
            let spec = match self.rng.below(100) {
                0..8 => PortSpec::Port(Port::EveryOf(protocol)),
                8..20 if !addresses => PortSpec::Port(Port::Container(
                    self.rng.pick(&container).to_string(),
                    *self.rng.pick(&[Protocol::Tcp, protocol]),
                )),
                20..30 if !self.program.port_sets.is_empty() => {
                    PortSpec::Set(self.rng.pick(&self.program.port_sets).name.clone())
                }
                _ => PortSpec::Port(self.number()),
            };
            if !all.contains(&spec) {
                all.push(spec);
            }
        }
        all
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    }
}
