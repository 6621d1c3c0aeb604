//! A program as source text, in random but legal formatting.

use super::evaluate::Direction;
use super::program::{
    Cidr, Dns, Endpoint, Flow, Group, Isolate, Kind, Name, Namespace, Port, PortSpec, Preset, Program, Rename,
    Requirement, Selector, Tier,
};
use super::rng::Rng;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The source text of a program; its `style` chooses among the ways to write it.
pub(crate) fn render(program: &Program) -> String {
    let mut writer = Writer { program, rng: Rng::new(program.style) };
    let text = writer.program();
    if writer.rng.chance(5) { text.replace('\n', "\r\n") } else { text }
}

/// A flow as it is written, apart from its formatting, for messages.
pub(crate) fn flow_text(program: &Program, flow: &Flow) -> String {
    Writer { program, rng: Rng::new(0) }.chain(&[flow], None)
}

struct Writer<'p> {
    program: &'p Program,
    rng: Rng,
}

/// A namespace in which a statement stands, or none at file level.
type Scope<'a> = Option<&'a str>;

impl Writer<'_> {
    fn program(&mut self) -> String {
        let program = self.program;
        let mut file: Vec<String> = Vec::new();
        file.extend(self.platform());
        file.extend(program.label.iter().map(|key| format!("label {key}")));
        for cidr in &program.cidrs {
            let text = self.cidr(cidr);
            file.push(text);
        }
        for group in &program.groups {
            let text = self.group(group, None);
            file.push(text);
        }
        for set in &program.port_sets {
            let ports: Vec<String> = set.ports.iter().map(|p| self.port(p, true)).collect();
            file.push(format!("ports {} = {}", set.name, self.list(&ports)));
        }
        for environment in &program.environments {
            let rename =
                |rename: &Rename| format!("namespace {} = {}{}", rename.from, rename.to, self.stated(&rename.stated));
            let mut inner: Vec<String> = environment.namespaces.iter().map(rename).collect();
            for cidr in &environment.cidrs {
                let text = self.cidr(cidr);
                inner.push(text);
            }
            for (word, blocks) in [("apiserver", &environment.apiserver), ("nodes", &environment.nodes)] {
                if !blocks.is_empty() {
                    inner.push(format!("{word} {}", self.nets(blocks)));
                }
            }
            file.push(format!("environment {} {{\n{}}}", environment.name, self.indented(inner)));
        }
        let mut bodies: Vec<Vec<String>> = program.namespaces.iter().map(|n| self.namespace(n)).collect();
        self.place_flows(&mut file, &mut bodies);
        file.extend(self.shared_blocks(&mut bodies));
        for (namespace, body) in program.namespaces.iter().zip(bodies) {
            let blocks = self.blocks(namespace, body);
            file.extend(blocks);
        }
        self.rng.shuffle(&mut file);
        let mut text = String::new();
        for statement in file {
            if self.rng.chance(30) {
                text.push('\n');
            }
            text.push_str(&self.commented(&statement));
        }
        text
    }

    fn platform(&mut self) -> Option<String> {
        let platform = &self.program.platform;
        let mut inner = Vec::new();
        inner.extend(platform.cni.iter().map(|cni| format!("cni {cni}")));
        inner.extend(platform.dns.as_ref().map(|dns| self.dns(dns, None)));
        let lists = [
            ("apiserver", &platform.apiserver),
            ("nodes", &platform.nodes),
            ("pods", &platform.pods),
            ("services", &platform.services),
        ];
        for (word, blocks) in lists {
            if !blocks.is_empty() {
                inner.push(format!("{word} {}", self.nets(blocks)));
            }
        }
        (!inner.is_empty()).then(|| format!("platform {{\n{}}}", self.indented(inner)))
    }

    /// The statements of a namespace, flows apart.
    fn namespace(&mut self, namespace: &Namespace) -> Vec<String> {
        let scope = Some(namespace.name.as_str());
        let mut body = Vec::new();
        body.extend(namespace.label.iter().map(|key| format!("label {key}")));
        body.extend(namespace.dns.as_ref().map(|dns| self.dns(dns, scope)));
        body.extend(namespace.isolates.iter().map(isolate));
        for tier in &namespace.tiers {
            let text = self.tier(tier);
            body.push(text);
        }
        for group in &namespace.groups {
            let text = self.group(group, scope);
            body.push(text);
        }
        for cidr in &namespace.cidrs {
            let text = self.cidr(cidr);
            body.push(text);
        }
        body.extend(self.disjoint(namespace));
        body
    }

    /// At times, that two tiers have no pod in common: it changes nothing, and nobody may say it of one inside of another.
    fn disjoint(&mut self, namespace: &Namespace) -> Option<String> {
        let selector = |tier: &Tier| {
            let name = Name { namespace: Some(namespace.name.clone()), name: tier.name.clone() };
            self.program.tier_selector(&name).0
        };
        let values = |tier: &Tier| {
            let is = |one: &Requirement| match one {
                Requirement::Is(key, value) => Some((key.clone(), value.clone())),
                _ => None,
            };
            selector(tier).iter().filter_map(is).collect::<BTreeMap<String, String>>()
        };
        // Each asks for a label of which the other does not speak, or has another value of it.
        let outside = |one: &Tier, other: &Tier| {
            let keys: Vec<String> = selector(other).iter().map(|r| r.key().to_string()).collect();
            let theirs = values(other);
            values(one).iter().any(|(key, value)| match theirs.get(key) {
                Some(other) => other != value,
                None => !keys.contains(key),
            })
        };
        let tiers = &namespace.tiers;
        let pairs = (0..tiers.len()).flat_map(|i| (i + 1..tiers.len()).map(move |j| (&tiers[i], &tiers[j])));
        let apart: Vec<(&Tier, &Tier)> = pairs.filter(|(a, b)| outside(a, b) && outside(b, a)).collect();
        if apart.is_empty() || !self.rng.chance(25) {
            return None;
        }
        let (one, other) = *self.rng.pick(&apart);
        Some(format!("disjoint {}", self.list(&[one.name.clone(), other.name.clone()])))
    }

    /// What several namespaces say alike, taken out of their bodies, in blocks for all of them.
    fn shared_blocks(&mut self, bodies: &mut [Vec<String>]) -> Vec<String> {
        let program = self.program;
        let mut blocks: BTreeMap<Vec<usize>, Vec<String>> = BTreeMap::new();
        for kind in [Kind::Managed, Kind::External] {
            let of_kind: Vec<usize> = (0..bodies.len()).filter(|&i| program.namespaces[i].kind == kind).collect();
            let said: Vec<String> = of_kind.iter().flat_map(|&i| bodies[i].clone()).collect();
            for statement in said {
                let homes: Vec<usize> = of_kind.iter().copied().filter(|&i| bodies[i].contains(&statement)).collect();
                if homes.len() < 2 || self.rng.chance(25) {
                    continue;
                }
                for &home in &homes {
                    let at = bodies[home].iter().position(|one| *one == statement).expect("it is there");
                    bodies[home].remove(at);
                }
                blocks.entry(homes).or_default().push(statement);
            }
        }
        let mut texts = Vec::new();
        for (homes, mut body) in blocks {
            self.rng.shuffle(&mut body);
            let names: Vec<String> = homes.iter().map(|&home| program.namespaces[home].name.clone()).collect();
            let word = if program.namespaces[homes[0]].kind == Kind::External { "external " } else { "" };
            texts.push(format!("{word}namespace {} {{\n{}}}", self.list(&names), self.indented(body)));
        }
        texts
    }

    /// Writes each flow at file level or in the block of a managed namespace that it concerns.
    fn place_flows(&mut self, file: &mut Vec<String>, bodies: &mut [Vec<String>]) {
        let mut flows: Vec<&Flow> = self.program.flows.iter().collect();
        let mut fans = Vec::new();
        let mut start = 0;
        while start < flows.len() {
            let fan = self.fan(&mut flows, start);
            if fan.is_empty() {
                start += 1;
            } else {
                fans.push(fan);
            }
        }
        let mut start = 0;
        while start < flows.len() {
            let mut end = start + 1;
            while end < flows.len() && linked(flows[end - 1], flows[end]) && self.rng.chance(80) {
                end += 1;
            }
            self.place(&flows[start..end], file, bodies, Self::chain);
            start = end;
        }
        for fan in fans {
            self.place(&fan, file, bodies, Self::fan_text);
        }
    }

    /// Writes flows as one statement, at file level or in the block of a managed namespace that they concern.
    fn place(
        &mut self,
        flows: &[&Flow],
        file: &mut Vec<String>,
        bodies: &mut [Vec<String>],
        text: impl Fn(&mut Self, &[&Flow], Scope) -> String,
    ) {
        let homes: Vec<usize> = (0..bodies.len()).filter(|&i| self.concerns(i, flows)).collect();
        if homes.is_empty() || self.rng.chance(40) {
            file.push(text(self, flows, None));
        } else {
            let home = *self.rng.pick(&homes);
            let scope = Some(self.program.namespaces[home].name.as_str());
            bodies[home].push(text(self, flows, scope));
        }
    }

    /// Takes the flows out that can stand with the one at `start` in braces, each destination with its ports, at times.
    fn fan<'f>(&mut self, flows: &mut Vec<&'f Flow>, start: usize) -> Vec<&'f Flow> {
        let first = flows[start];
        let fits = |flow: &Flow| {
            flow.source == first.source && flow.side == first.side && !matches!(flow.destination, Endpoint::Set(_))
        };
        let all: Vec<usize> = (start..flows.len()).filter(|&at| fits(flows[at])).collect();
        if !fits(first) || all.len() < 2 && self.rng.chance(90) || self.rng.chance(40) {
            return Vec::new();
        }
        let fan = all.iter().map(|&at| flows[at]).collect();
        for at in all.into_iter().rev() {
            flows.remove(at);
        }
        fan
    }

    /// Flows of one source as one statement.
    fn fan_text(&mut self, flows: &[&Flow], scope: Scope) -> String {
        let first = flows[0];
        let source = self.endpoint(&first.source, scope);
        let ends: Vec<Endpoint> = flows.iter().map(|flow| flow.destination.clone()).collect();
        let home = self.home(&ends);
        let mut members = Vec::new();
        for flow in flows {
            let name = match &home {
                Some(_) => in_home(&flow.destination),
                None => self.endpoint(&flow.destination, scope),
            };
            let ports = flow.ports.as_ref().map_or(String::new(), |ports| format!(":{}", self.ports(ports)));
            members.push(format!("{name}{ports}"));
        }
        let home = home.map_or(String::new(), |home| format!("{home}/"));
        format!("{}{source} -> {home}{{{}}}", side_word(first), self.list(&members))
    }

    /// The namespace that can stand in front of the braces around some endpoints, and does at times.
    fn home(&mut self, ends: &[Endpoint]) -> Option<String> {
        let home = |end: &Endpoint| match end {
            Endpoint::Tier(name) | Endpoint::Group(name) | Endpoint::Cidr(name) => name.namespace.clone(),
            Endpoint::Pods(namespace) => Some(namespace.clone()),
            _ => None,
        };
        let first = home(ends.first()?)?;
        (ends.iter().all(|end| home(end).as_ref() == Some(&first)) && self.rng.chance(60)).then_some(first)
    }

    /// Whether a chain may stand in a namespace: it is managed, is mentioned, and hides no global name of the chain.
    fn concerns(&self, namespace: usize, chain: &[&Flow]) -> bool {
        let namespace = &self.program.namespaces[namespace];
        let mut names = Vec::new();
        for flow in chain {
            mentioned(&flow.source, &mut names);
            mentioned(&flow.destination, &mut names);
        }
        let local = |name: &str| {
            namespace.tiers.iter().any(|t| t.name == name)
                || namespace.groups.iter().any(|g| g.name == name)
                || namespace.cidrs.iter().any(|c| c.name == name)
        };
        namespace.kind == Kind::Managed
            && names.iter().any(|n| n.namespace.as_deref() == Some(&namespace.name))
            && !names.iter().any(|n| n.namespace.is_none() && local(&n.name))
    }

    /// One or, for a managed one, several blocks that hold a namespace's statements.
    fn blocks(&mut self, namespace: &Namespace, mut body: Vec<String>) -> Vec<String> {
        self.rng.shuffle(&mut body);
        let head = match &namespace.kind {
            Kind::Managed => format!("namespace {}", namespace.name),
            Kind::External => format!("external namespace {}", namespace.name),
            Kind::Matching(selector) => {
                format!("external namespace {} {}", namespace.name, self.selector(selector))
            }
        };
        let (mut stated, mut states) = (namespace.stated.clone(), Vec::new());
        if body.is_empty() && namespace.kind != Kind::Managed {
            return vec![head];
        }
        let count = if namespace.kind == Kind::Managed && self.rng.chance(30) { self.rng.between(2, 3) } else { 1 };
        let mut parts = vec![Vec::new(); count];
        for statement in body {
            let part = self.rng.below(count);
            parts[part].push(statement);
        }
        for left in (1..=count).rev() {
            // Each block states some of the labels; nothing forbids to say one twice.
            let some = if left == 1 { std::mem::take(&mut stated) } else { self.some_of(&mut stated) };
            states.push(self.stated(&some));
        }
        let block = |(part, states): (Vec<String>, String)| format!("{head}{states} {{\n{}}}", self.indented(part));
        parts.into_iter().zip(states).map(block).collect()
    }

    fn tier(&mut self, tier: &Tier) -> String {
        let mut text = format!("tier {}", tier.name);
        if let Some(selector) = &tier.selector {
            text.push_str(&format!(" {}", self.selector(selector)));
        }
        if !tier.ports.is_empty() {
            let ports: Vec<String> =
                tier.ports.iter().map(|(name, port)| format!("{name}: {}", self.port(port, true))).collect();
            text.push_str(&format!(" {{ {} }}", self.list(&ports)));
        }
        text
    }

    fn cidr(&mut self, cidr: &Cidr) -> String {
        let mut text = format!("cidr {} ={}{}", cidr.name, self.gap(), self.nets(&cidr.blocks));
        if !cidr.except.is_empty() {
            text.push_str(&format!(" except {}", self.nets(&cidr.except)));
        }
        text
    }

    fn group(&mut self, group: &Group, scope: Scope) -> String {
        let home = if group.members.len() > 1 { self.home(&group.members) } else { None };
        let members: Vec<String> = match home {
            Some(_) => group.members.iter().map(in_home).collect(),
            None => group.members.iter().map(|m| self.endpoint(m, scope)).collect(),
        };
        let list = self.list(&members);
        let list = home.map_or(list.clone(), |home| format!("{home}/{{{list}}}"));
        format!("group {} ={}{list}", group.name, self.gap())
    }

    fn dns(&mut self, dns: &Dns, scope: Scope) -> String {
        let preset = match &dns.preset {
            Preset::Cluster => "cluster".to_string(),
            Preset::Strict => "strict".to_string(),
            Preset::OpenShift => "openshift".to_string(),
            Preset::Any => "any".to_string(),
            Preset::None => "none".to_string(),
            Preset::Tier(name, port) => {
                let name = self.name(name, scope.filter(|_| false));
                port.map_or(name.clone(), |port| format!("{name}:{port}"))
            }
        };
        let all: Vec<String> = std::iter::once(preset).chain(dns.addresses.iter().map(IpNet::to_string)).collect();
        format!("dns {}", self.list(&all))
    }

    /// Labels as a namespace states them, if it states any.
    fn stated(&mut self, stated: &BTreeMap<String, Option<String>>) -> String {
        let one = |(key, value): (&String, &Option<String>)| match value {
            Some(value) => format!("{key}={value}"),
            None => format!("!{key}"),
        };
        let all: Vec<String> = stated.iter().map(one).collect();
        if all.is_empty() { String::new() } else { format!(" ({})", self.list(&all)) }
    }

    /// Takes some labels out, and repeats some of those that stay.
    fn some_of(&mut self, stated: &mut BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
        let mut some = BTreeMap::new();
        for (key, value) in stated.clone() {
            if self.rng.chance(50) {
                if self.rng.chance(70) {
                    stated.remove(&key);
                }
                some.insert(key, value);
            }
        }
        some
    }

    fn selector(&mut self, selector: &Selector) -> String {
        if selector.0.is_empty() {
            return "(*)".to_string();
        }
        let one = |rng: &mut Rng, r: &Requirement| match r {
            Requirement::Is(key, value) if rng.chance(20) => format!("{key}=={value}"),
            Requirement::Is(key, value) => format!("{key}={value}"),
            Requirement::IsNot(key, value) => format!("{key}!={value}"),
            Requirement::In(key, values) => format!("{key} in ({})", values.join(", ")),
            Requirement::NotIn(key, values) => format!("{key} notin ({})", values.join(",")),
            Requirement::Has(key) => key.clone(),
            Requirement::Lacks(key) => format!("!{key}"),
        };
        let all: Vec<String> = selector.0.iter().map(|r| one(&mut self.rng, r)).collect();
        format!("({})", self.list(&all))
    }

    fn chain(&mut self, flows: &[&Flow], scope: Scope) -> String {
        let mut text = side_word(flows[0]).to_string();
        text.push_str(&self.endpoint(&flows[0].source, scope));
        for flow in flows {
            let arrow = match self.rng.below(10) {
                0 => "->".to_string(),
                1 => " ->\n      ".to_string(),
                _ => " -> ".to_string(),
            };
            text.push_str(&arrow);
            text.push_str(&self.endpoint(&flow.destination, scope));
            if let Some(ports) = &flow.ports {
                text.push(':');
                text.push_str(&self.ports(ports));
            }
        }
        text
    }

    fn endpoint(&mut self, endpoint: &Endpoint, scope: Scope) -> String {
        match endpoint {
            Endpoint::Tier(name) | Endpoint::Group(name) | Endpoint::Cidr(name) => self.name(name, scope),
            Endpoint::Pods(namespace) if scope == Some(namespace) && self.rng.chance(80) => "*".to_string(),
            Endpoint::Pods(namespace) => format!("{namespace}/*"),
            Endpoint::Cluster => "cluster".to_string(),
            Endpoint::Internet => "internet".to_string(),
            Endpoint::Anywhere => "anywhere".to_string(),
            Endpoint::ApiServer => "apiserver".to_string(),
            Endpoint::Nodes => "nodes".to_string(),
            Endpoint::Set(members) if let Some(home) = self.home(members) => {
                let members: Vec<String> = members.iter().map(in_home).collect();
                format!("{home}/{{{}}}", self.list(&members))
            }
            Endpoint::Set(members) => {
                let members: Vec<String> = members.iter().map(|m| self.endpoint(m, scope)).collect();
                format!("{{{}}}", self.list(&members))
            }
        }
    }

    fn name(&mut self, name: &Name, scope: Scope) -> String {
        match &name.namespace {
            Some(namespace) if scope != Some(namespace) || self.rng.chance(10) => format!("{namespace}/{}", name.name),
            _ => name.name.clone(),
        }
    }

    fn ports(&mut self, specs: &[PortSpec]) -> String {
        if let [spec] = specs {
            return self.spec(spec, true);
        }
        let ranges: Vec<(u16, u16, _)> = specs
            .iter()
            .filter_map(|s| match s {
                PortSpec::Port(Port::Range(low, high, protocol)) => Some((*low, *high, *protocol)),
                _ => None,
            })
            .collect();
        if ranges.len() == specs.len() && ranges.iter().all(|r| r.2 == ranges[0].2) && self.rng.chance(70) {
            let numbers: Vec<String> = ranges.iter().map(|r| numbers(r.0, r.1)).collect();
            return format!("{{{}}}/{}", self.list(&numbers), ranges[0].2);
        }
        let items: Vec<String> = specs.iter().map(|s| self.spec(s, false)).collect();
        format!("{{{}}}", self.list(&items))
    }

    fn spec(&mut self, spec: &PortSpec, short: bool) -> String {
        match spec {
            PortSpec::Port(port) => self.port(port, short),
            PortSpec::Served(name) | PortSpec::Set(name) => name.clone(),
        }
    }

    fn port(&mut self, port: &Port, short: bool) -> String {
        match port {
            Port::Every => "*".to_string(),
            Port::EveryOf(protocol) => format!("*/{protocol}"),
            Port::Range(low, high, super::evaluate::Protocol::Tcp) if short && low == high && self.rng.chance(30) => {
                low.to_string()
            }
            Port::Range(low, high, protocol) => format!("{}/{protocol}", numbers(*low, *high)),
            Port::Container(name, protocol) => format!("\"{name}\"/{protocol}"),
        }
    }

    fn nets(&mut self, nets: &[IpNet]) -> String {
        let all: Vec<String> = nets.iter().map(IpNet::to_string).collect();
        self.list(&all)
    }

    fn list(&mut self, items: &[String]) -> String {
        let mut text = String::new();
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                text.push_str(match self.rng.below(12) {
                    0 => ",",
                    1 => ",\n        ",
                    _ => ", ",
                });
            }
            text.push_str(item);
        }
        text
    }

    /// What stands after `=`.
    fn gap(&mut self) -> &'static str {
        if self.rng.chance(8) { "\n    " } else { " " }
    }

    fn indented(&mut self, statements: Vec<String>) -> String {
        let indent = *self.rng.pick(&["  ", "  ", "  ", "\t", ""]);
        let mut text = String::new();
        for statement in statements {
            if self.rng.chance(10) {
                text.push('\n');
            }
            for line in self.commented(&statement).lines() {
                text.push_str(&format!("{indent}{line}\n"));
            }
        }
        text
    }

    /// A statement with, at times, a comment before or behind it or a doc comment before it.
    fn commented(&mut self, statement: &str) -> String {
        match self.rng.below(20) {
            0 => format!("# see the runbook: a -> b\n{statement}\n"),
            1 => format!("{statement}  # since \"2024\"\n"),
            2 => format!("## Owner: team-net.\n## Keep until the move.\n{statement}\n"),
            _ => format!("{statement}\n"),
        }
    }
}

/// The word of a flow that opens one side, and a space.
fn side_word(flow: &Flow) -> &'static str {
    match flow.side {
        Some(Direction::Ingress) => "ingress ",
        Some(Direction::Egress) => "egress ",
        None => "",
    }
}

/// An endpoint of a namespace in the braces behind its name.
fn in_home(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tier(name) | Endpoint::Group(name) | Endpoint::Cidr(name) => name.name.clone(),
        _ => "*".to_string(),
    }
}

fn isolate(statement: &Isolate) -> String {
    let word = |d: &Direction| match d {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    };
    let directions: Vec<&str> = statement.directions.iter().map(word).collect();
    let mut text =
        format!("isolate {}", if directions.is_empty() { "none".to_string() } else { directions.join(", ") });
    if !statement.tiers.is_empty() {
        text.push_str(&format!(" for {}", statement.tiers.join(", ")));
    }
    text
}

fn numbers(low: u16, high: u16) -> String {
    if low == high { low.to_string() } else { format!("{low}-{high}") }
}

/// Whether two flows can be one chain.
fn linked(one: &Flow, two: &Flow) -> bool {
    one.destination == two.source && one.side == two.side
}

/// Every name in an endpoint; `ns/*` counts as a name of that namespace.
pub(crate) fn mentioned(endpoint: &Endpoint, names: &mut Vec<Name>) {
    match endpoint {
        Endpoint::Tier(name) | Endpoint::Group(name) | Endpoint::Cidr(name) => names.push(name.clone()),
        Endpoint::Pods(namespace) => names.push(Name { namespace: Some(namespace.clone()), name: "*".to_string() }),
        Endpoint::Set(members) => members.iter().for_each(|m| mentioned(m, names)),
        _ => {}
    }
}
