//! The program, statement by statement.

use super::Note;
use super::atoms::{Atoms, RuleOrigin};
use super::dns::Servers;
use super::flows::Flows;
use super::lines::{Line, Lines, lines};
use super::names::Names;
use super::notes::Placed;
use super::places::Home;
use super::shared::{Body, add_new, in_blocks};
use crate::draft::{End, External, Flow, IpBlocks, Namespace, Ports, Statement, Tier, USUAL_KEY};
use crate::net::{Direction, IpBlock, Selector};
use crate::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A statement, and what of the policies it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The namespace in whose block it stands.
    pub namespace: Arc<str>,
    /// The statement.
    pub text: String,
    /// What it says.
    pub origins: BTreeSet<RuleOrigin>,
}

/// A program and where its statements come from.
#[derive(Debug, Default)]
pub(super) struct WrittenProgram {
    pub head: Vec<Statement>,
    pub blocks: Vec<Namespace>,
    pub said: Vec<Said>,
    /// The `isolate` statements of each namespace, also where they go without saying.
    pub isolate: Vec<Vec<String>>,
    /// Notes that no statement is left for.
    pub lost: Vec<Note>,
}

/// Writes the program, with the notes above the first statement that each is about.
pub(super) fn write(
    atoms: &Atoms,
    flows: &Flows,
    names: &Names,
    policies: &[Policy],
    notes: &[Note],
) -> WrittenProgram {
    let mut written = WrittenProgram::default();
    let mut head: Vec<Statement> =
        (!names.used.is_empty()).then(|| Statement::Use(names.used.clone())).into_iter().collect();
    head.extend(externals(atoms, names));
    head.extend(cidrs(names));
    written.head = head;
    let Lines { blocks: mut lines, groups } = lines(atoms, flows, names);
    written.head.extend(groups);
    let blocks: Vec<Block> = (0..atoms.names.len())
        .map(|at| Block { dns: dns(flows, names, at), lines: lines.remove(&at).unwrap_or_default() })
        .collect();
    let of_block = |block: &'_ Block| -> Vec<(bool, BTreeSet<RuleOrigin>)> {
        let dns = block.dns.said.iter().map(|said| (false, said.origins.clone()));
        dns.chain(block.lines.iter().map(|line| (true, line.origins.clone()))).collect()
    };
    let origins: Vec<(bool, BTreeSet<RuleOrigin>)> = blocks.iter().flat_map(of_block).collect();
    let origins: Vec<(bool, &BTreeSet<RuleOrigin>)> = origins.iter().map(|(is_flow, all)| (*is_flow, all)).collect();
    let mut placed = Placed::new(policies, notes, &origins);
    let mut next = 0;
    let mut bodies = Vec::with_capacity(blocks.len());
    for (at, (name, block)) in atoms.names.iter().zip(blocks).enumerate() {
        let body =
            body(atoms, names, at, block, &mut |said| placed_above(&mut placed, name, said, &mut next), &mut written);
        bodies.push(body);
    }
    written.blocks = in_blocks(bodies);
    written.lost = placed.lost;
    written
}

/// What is said in the block of a namespace.
struct Block {
    dns: DnsLine,
    lines: Vec<Line>,
}

/// What stands above the isolation of a namespace, or above the next statement that is said.
fn placed_above(placed: &mut Placed, name: &Arc<str>, is_said: bool, next: &mut usize) -> Vec<Statement> {
    if !is_said {
        return placed.above_isolation(name);
    }
    *next += 1;
    placed.above(*next - 1)
}

/// What stands in the block of a namespace. `above` gives what stands above its isolation, or above its next line.
fn body(
    atoms: &Atoms,
    names: &Names,
    at: usize,
    block: Block,
    above: &mut dyn FnMut(bool) -> Vec<Statement>,
    written: &mut WrittenProgram,
) -> Body {
    let Some(name) = atoms.names.get(at) else { return Body::default() };
    let isolate = isolate(atoms, at, names);
    let implied = Statement::Isolate { directions: Direction::ALL.to_vec(), tiers: Vec::new() };
    let stated: Vec<String> = isolate.iter().map(ToString::to_string).collect();
    written.isolate.push(if stated.is_empty() { vec![implied.to_string()] } else { stated });
    let mut body = Body::of(name.clone());
    body.above(above(false));
    isolate.into_iter().for_each(|isolate| body.add(isolate));
    names.keys.get(name).into_iter().for_each(|key| body.add(Statement::Label(key.clone())));
    if let Some(mut said) = block.dns.said {
        body.above(above(true));
        said.namespace = name.clone();
        written.said.push(said);
    }
    block.dns.statement.into_iter().for_each(|dns| body.add(dns));
    if let Some(tiers) = names.tiers.get(&Home::Named(name.clone())) {
        let key = names.keys.get(name).map_or(USUAL_KEY, |key| key);
        tier_statements(names, &Home::Named(name.clone()), tiers, key)
            .into_iter()
            .for_each(|tier| body.add(Statement::Tier(tier)));
    }
    let lines = block.lines.into_iter().map(|line| (above(true), line)).collect();
    for (above, line) in with_own_ports(lines) {
        written.said.push(Said { namespace: name.clone(), text: line.flow.to_string(), origins: line.origins });
        body.above(above);
        body.add(Statement::Flow(line.flow));
    }
    body
}

/// Fewer destinations of one source have a line each.
const FEWEST_DESTINATIONS: usize = 3;

/// The columns that a line of a block has.
const COLUMNS: usize = 98;

/// Lines that only differ in to whom and on which ports, as one with the ports of each destination, where that is one line of
/// the text. What is described stays by itself.
fn with_own_ports(lines: Vec<(Vec<Statement>, Line)>) -> Vec<(Vec<Statement>, Line)> {
    let is_single = |(above, line): &(Vec<Statement>, Line)| {
        let is_described = above.iter().any(|one| matches!(one, Statement::Description(_)));
        !is_described && line.flow.destinations.len() == 1 && matches!(line.flow.ports, Ports::These(_))
    };
    let mut alike: BTreeMap<(usize, Option<Direction>, Vec<End>), Vec<usize>> = BTreeMap::new();
    for (at, one) in lines.iter().enumerate().filter(|(_, one)| is_single(one)) {
        let (_, line) = one;
        alike.entry((line.section, line.flow.side, line.flow.sources.clone())).or_default().push(at);
    }
    let mut joined: BTreeMap<usize, usize> = BTreeMap::new();
    // Each destination takes a letter and a comma.
    let is_line = |all: &Vec<usize>| (FEWEST_DESTINATIONS..=COLUMNS / 2).contains(&all.len());
    for all in alike.into_values().filter(is_line) {
        let flows = all.iter().filter_map(|at| lines.get(*at)).map(|(_, line)| &line.flow);
        if let (Some(first), Some(flow)) = (all.first(), joined_flow(flows))
            && flow.to_string().chars().count() <= COLUMNS
        {
            joined.extend(all.iter().map(|at| (*at, *first)));
        }
    }
    let mut result: Vec<(Vec<Statement>, Line)> = Vec::with_capacity(lines.len());
    let mut places: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, (above, line)) in lines.into_iter().enumerate() {
        let known = joined.get(&at).and_then(|first| places.get(first)).and_then(|place| result.get_mut(*place));
        let Some((comments, all)) = known else {
            places.insert(at, result.len());
            result.push((above, line));
            continue;
        };
        add_new(comments, above);
        all.origins.extend(line.origins);
        if let Some(flow) = joined_flow([&all.flow, &line.flow].into_iter()) {
            all.flow = flow;
        }
    }
    result
}

/// Flows of one source as one.
fn joined_flow<'a>(flows: impl Iterator<Item = &'a Flow>) -> Option<Flow> {
    flows.cloned().reduce(|mut all, next| {
        let each = |ports: Ports| match ports {
            Ports::Each(each) => each,
            Ports::These(ports) => vec![ports],
            Ports::Named(_) => Vec::new(),
        };
        let ports = std::mem::replace(&mut all.ports, Ports::Each(Vec::new()));
        all.ports = Ports::Each([each(ports), each(next.ports)].concat());
        all.destinations.extend(next.destinations);
        all
    })
}

fn externals(atoms: &Atoms, names: &Names) -> Vec<Statement> {
    let mut all: Vec<External> = names
        .externals
        .iter()
        .filter(|(home, _)| !matches!(home, Home::Named(name) if atoms.names.binary_search(name).is_ok()))
        .map(|(home, name)| {
            let tiers = names.tiers.get(home).map(|tiers| tier_statements(names, home, tiers, USUAL_KEY));
            let selector = match home {
                Home::Named(_) => None,
                Home::Labelled(selector) => Some(selector.clone()),
            };
            (home, External { names: vec![name.clone()], selector, tiers: tiers.unwrap_or_default() })
        })
        .filter(|(home, external)| !(external.tiers.is_empty() && names.declared.namespaces.contains_key(home)))
        .map(|(_, external)| external)
        .collect();
    all.sort_by(|one, other| one.names.cmp(&other.names));
    let mut joined: Vec<External> = Vec::with_capacity(all.len());
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    for one in all {
        // What has no labels is one line with others that hold the same.
        let tiers = one.selector.is_none().then(|| Statement::External(External { names: Vec::new(), ..one.clone() }));
        let known = tiers.map(|tiers| *alike.entry(tiers.to_string()).or_insert(joined.len()));
        match known.and_then(|known| joined.get_mut(known)) {
            Some(known) => known.names.extend(one.names),
            None => joined.push(one),
        }
    }
    joined.into_iter().map(Statement::External).collect()
}

fn cidrs(names: &Names) -> Vec<Statement> {
    let new = names.cidrs.iter().filter(|(blocks, _)| !names.declared.cidrs.contains_key(*blocks));
    let mut all: Vec<(&Arc<str>, &Vec<IpBlock>)> = new.map(|(blocks, name)| (name, blocks)).collect();
    all.sort();
    let cidr = |(name, blocks): (&Arc<str>, &Vec<IpBlock>)| {
        let except: BTreeSet<_> = blocks.iter().flat_map(|block| block.except.iter().copied()).collect();
        let nets = blocks.iter().map(|block| block.cidr).collect();
        Statement::Cidr { name: name.clone(), blocks: IpBlocks { blocks: nets, except: except.into_iter().collect() } }
    };
    all.into_iter().map(cidr).collect()
}

/// The tiers of a namespace that are not declared yet.
fn tier_statements(names: &Names, home: &Home, tiers: &BTreeMap<Selector, Arc<str>>, key: &str) -> Vec<Tier> {
    let declared = names.declared.tiers.get(home);
    let tier = |(selector, name): (&Selector, &Arc<str>)| {
        // Nobody knows which key names the tiers of a program that is there.
        let implied = !names.is_beside && *selector == Selector::equals(key, name.clone());
        let ports = names.ports.get(&(home.clone(), selector.clone())).cloned().unwrap_or_default();
        Tier { name: name.clone(), selector: (!implied).then(|| selector.clone()), ports }
    };
    let new = tiers.iter().filter(|(selector, _)| declared.is_none_or(|declared| !declared.contains_key(*selector)));
    let mut all: Vec<Tier> = new.map(tier).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// The DNS servers of a namespace, and what that says of its policies.
#[derive(Default)]
struct DnsLine {
    statement: Option<Statement>,
    said: Option<Said>,
}

fn dns(flows: &Flows, names: &Names, at: usize) -> DnsLine {
    let Some((servers, origins)) = flows.dns.get(at) else { return DnsLine::default() };
    let servers: Option<Arc<str>> = match servers {
        Servers::Implied => None,
        Servers::Preset(name) => Some((*name).into()),
        Servers::Nobody => Some("none".into()),
        Servers::Tier(place, port) => {
            // Nobody's block: a name behind its namespace is what is asked for here.
            let (_, end) = names.end(flows.places.place(*place), &"".into());
            let port = if *port == 53 { String::new() } else { format!(":{port}") };
            Some(format!("{end}{port}").into())
        }
    };
    let statement = servers.map(|servers| Statement::Dns(vec![servers]));
    let text = statement.as_ref().map_or("dns cluster".to_owned(), ToString::to_string);
    let said = (!origins.is_empty()).then(|| Said { namespace: "".into(), text, origins: origins.clone() });
    DnsLine { statement, said }
}

/// Which pods are isolated; equal lists of both directions stand in one line, and all of them in none.
fn isolate(atoms: &Atoms, at: usize, names: &Names) -> Vec<Statement> {
    let of_namespace = atoms.names.get(at).and_then(|name| names.tiers.get(&Home::Named(name.clone())));
    let of = |direction: Direction| {
        let isolated: Vec<&Selector> = atoms.isolated_anew(at, direction).collect();
        let mut tiers: Vec<Arc<str>> =
            isolated.iter().filter_map(|selector| of_namespace?.get(*selector).cloned()).collect();
        tiers.sort();
        (!isolated.is_empty()).then_some(tiers)
    };
    // Beside what a program says already, nothing goes without saying.
    let is_new = atoms.before.get(at).is_none_or(Option::is_none);
    let statement =
        |directions: &[Direction], tiers: Vec<Arc<str>>| Statement::Isolate { directions: directions.to_vec(), tiers };
    use Direction::{Egress, Ingress};
    match (of(Ingress), of(Egress)) {
        (Some(ingress), Some(egress)) if is_new && ingress == egress && ingress.is_empty() => Vec::new(),
        (Some(ingress), Some(egress)) if ingress == egress => vec![statement(&[Ingress, Egress], ingress)],
        (ingress, egress) => {
            let both = [(Ingress, ingress), (Egress, egress)];
            both.into_iter().filter_map(|(direction, tiers)| Some(statement(&[direction], tiers?))).collect()
        }
    }
}
