//! Everything that must hold of what the compiler makes of a program.

use super::compile::LAYOUTS;
use super::evaluate::{self, Labels, NAME_LABEL, NamedPort, Party, Pod, PolicySet, Protocol, Stated};
use super::meaning::Meaning;
use super::minimal::{self, Needed};
use super::program::Program;
use super::read;
use super::render::render;
use super::rng::Rng;
use super::universe::{Atoms, Universe};
use std::collections::BTreeMap;

/// A compiler: source, layout and environment to manifests or diagnostics.
pub(crate) type Compiler<'c> = dyn Fn(&str, &str, Option<&str>) -> Result<Vec<String>, String> + 'c;

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A legal program is refused.
    Refused,
    /// The manifests are not valid.
    Invalid,
    /// The manifests allow something else than the program says.
    Meaning,
    /// A part of the manifests could be taken away.
    Superfluous,
}

/// A program that was compiled wrongly.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub wrong: Wrong,
    pub detail: String,
}

/// Checks a program in each of its environments and all layouts.
pub(crate) fn check(program: &Program, compiler: &Compiler) -> Result<(), Failure> {
    check_all(program, compiler, true)
}

/// The same; only with `minimal` are superfluous parts looked for.
pub(crate) fn check_all(program: &Program, compiler: &Compiler, minimal: bool) -> Result<(), Failure> {
    let source = render(program);
    let environments = program.environments.iter().map(|e| Some(e.name.as_str()));
    for environment in std::iter::once(None).chain(environments) {
        let there = environment.map_or_else(|| program.clone(), |name| program.in_environment(name));
        let compiled = |layout| one_layout(compiler, &source, layout, environment);
        // Kube-OVN takes policies for one whose names differ in `-` and `.` alone: in a layout that has such, nothing is written.
        let is_one = |found: &Result<Output, Failure>| {
            found.as_ref().is_err_and(|failure| failure.wrong == Wrong::Refused && failure.detail.contains("[E0224]"))
        };
        let compiled = LAYOUTS.into_iter().map(compiled).filter(|found| !is_one(found));
        let outputs = compiled.collect::<Result<Vec<_>, _>>()?;
        judge(&there, &outputs, minimal)?;
    }
    Ok(())
}

/// One layout's manifests, as text and read.
struct Output {
    layout: &'static str,
    environment: String,
    text: String,
    set: PolicySet,
}

fn one_layout(
    compiler: &Compiler,
    source: &str,
    layout: &'static str,
    environment: Option<&str>,
) -> Result<Output, Failure> {
    let environment_name = environment.unwrap_or("none").to_string();
    let manifests = compiler(source, layout, environment).map_err(|detail| Failure {
        wrong: Wrong::Refused,
        detail: format!("layout {layout}, environment {environment_name}: {detail}"),
    })?;
    let text = manifests.join("\n---\n");
    let set = read::documents(&text).and_then(|documents| read::policies(&documents)).map_err(|e| Failure {
        wrong: Wrong::Invalid,
        detail: format!("layout {layout}, environment {environment_name}: {e}\n{text}"),
    })?;
    Ok(Output { layout, environment: environment_name, text, set })
}

impl Output {
    fn failure(&self, wrong: Wrong, what: &str) -> Failure {
        let Output { layout, environment, text, .. } = self;
        Failure { wrong, detail: format!("layout {layout}, environment {environment}: {what}\n{text}") }
    }
}

fn judge(program: &Program, outputs: &[Output], minimal: bool) -> Result<(), Failure> {
    let meaning = Meaning::of(program);
    let mut atoms = meaning.atoms();
    outputs.iter().for_each(|output| atoms.join(Atoms::of(&output.set)));
    let universe = Universe::new(&atoms, &meaning.managed);
    // What is stated need not be so; a part is only superfluous when it is whatever the labels of namespaces are.
    let open = Universe::new(&atoms, &Stated::new());
    let one_sided = program.flows.iter().any(|flow| flow.side.is_some());
    let needed = if one_sided { Needed::ForSides } else { Needed::ForConnections };
    for chunk in universe.chunks() {
        let written = meaning.matrix(&chunk);
        let written_sides = meaning.sides(&chunk);
        for output in outputs {
            if let Some(found) = chunk.compare(&written, &chunk.allowed(&output.set)) {
                let what = format!("left is the program, right are its manifests\n{found}");
                return Err(output.failure(Wrong::Meaning, &what));
            }
            if let Some((side, found)) = chunk.compare_sides(&written_sides, &chunk.sides(&output.set)) {
                let what = format!("left is the program, right are its manifests, of {side:?} alone\n{found}");
                return Err(output.failure(Wrong::Meaning, &what));
            }
        }
    }
    for output in outputs {
        if let Some(found) = sampled(program, &meaning, &output.set, &atoms) {
            return Err(output.failure(Wrong::Meaning, &found));
        }
        let parts = if minimal { minimal::superfluous(&output.set, &open, needed) } else { Vec::new() };
        if !parts.is_empty() {
            return Err(output.failure(Wrong::Superfluous, &format!("can be taken away: {}", parts.join("; "))));
        }
    }
    Ok(())
}

/// Judges some random connections one by one, without the classes and the tables of the universe.
fn sampled(program: &Program, meaning: &Meaning, set: &PolicySet, atoms: &Atoms) -> Option<String> {
    let mut draw = Draw::new(program.style, meaning, atoms);
    for _ in 0..100 {
        let (source, destination) = (draw.party(), draw.party());
        if matches!((&source, &destination), (Party::Address(_), Party::Address(_))) {
            continue;
        }
        let (protocol, number) = draw.port();
        let written = meaning.allows(&source, &destination, protocol, number);
        if evaluate::allowed(set, &source, &destination, protocol, number) != written {
            return Some(format!("{source} -> {destination} on {number}/{protocol}: the program says {written}"));
        }
    }
    None
}

/// Random parties and ports from everything that is mentioned.
pub(crate) struct Draw {
    rng: Rng,
    names: Vec<String>,
    stated: Stated,
    homes: BTreeMap<String, Labels>,
    namespace_labels: Vec<(String, Vec<String>)>,
    labels: Vec<(String, Vec<String>)>,
    addresses: Vec<std::net::IpAddr>,
    numbers: Vec<u16>,
    port_names: Vec<String>,
}

impl Draw {
    pub(crate) fn new(seed: u64, meaning: &Meaning, atoms: &Atoms) -> Draw {
        let mut names: Vec<String> = atoms.namespaces.iter().cloned().collect();
        names.extend(["kube-system", "openshift-dns", "somewhere"].map(String::from));
        let domain = |selectors: Vec<&evaluate::Selector>| -> Vec<(String, Vec<String>)> {
            let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for requirement in selectors.into_iter().flat_map(|s| &s.requirements).filter(|r| r.key != NAME_LABEL) {
                keys.entry(requirement.key.clone()).or_default().extend(requirement.values.iter().cloned());
            }
            keys.into_iter().map(|(k, v)| (k, v.into_iter().chain(["free".to_string()]).collect())).collect()
        };
        let mut addresses: Vec<std::net::IpAddr> =
            atoms.blocks.iter().flat_map(|b| [b.network(), b.broadcast()]).collect();
        addresses.extend(["8.8.8.8", "2606:4700::1111"].map(|text| text.parse::<std::net::IpAddr>().unwrap()));
        let mut numbers: Vec<u16> = atoms.ports.iter().flat_map(|p| [p.1, p.2, p.1.max(2) - 1]).collect();
        numbers.extend([1, 53, 8080]);
        Draw {
            rng: Rng::new(seed),
            names,
            stated: meaning.managed.clone(),
            homes: BTreeMap::new(),
            namespace_labels: domain(atoms.pods.iter().map(|p| &p.0).collect()),
            labels: domain(atoms.pods.iter().map(|p| &p.1).collect()),
            addresses,
            numbers,
            port_names: atoms.names.iter().map(|n| n.0.clone()).chain(["free".to_string()]).collect(),
        }
    }

    pub(crate) fn party(&mut self) -> Party {
        if self.rng.chance(15) {
            return Party::Address(*self.rng.pick(&self.addresses));
        }
        let which = self.rng.below(self.names.len());
        let namespace_labels = self.labels_of(&self.names[which].clone());
        let (protocol, number) = self.port();
        let port = NamedPort { name: self.rng.pick(&self.port_names).clone(), protocol, number };
        Party::Pod(Pod {
            namespace: self.names[which].clone(),
            namespace_labels,
            labels: labels(&mut self.rng, &self.labels),
            ports: vec![port],
            addresses: Vec::new(),
        })
    }

    /// Labels that a namespace could have. There is one managed namespace of a name, so it keeps those that it was given first.
    fn labels_of(&mut self, name: &str) -> Labels {
        if let Some(known) = self.homes.get(name) {
            return known.clone();
        }
        let mut drawn = labels(&mut self.rng, &self.namespace_labels);
        drawn.insert(NAME_LABEL.to_string(), name.to_string());
        if let Some(stated) = self.stated.get(name) {
            for (key, value) in stated {
                drawn.remove(key);
                drawn.extend(value.iter().map(|value| (key.clone(), value.clone())));
            }
            self.homes.insert(name.to_string(), drawn.clone());
        }
        drawn
    }

    pub(crate) fn port(&mut self) -> (Protocol, u16) {
        (*self.rng.pick(&Protocol::ALL), *self.rng.pick(&self.numbers))
    }
}

fn labels(rng: &mut Rng, domains: &[(String, Vec<String>)]) -> Labels {
    let mut labels = Labels::new();
    for (key, values) in domains {
        if rng.chance(70) {
            labels.insert(key.clone(), rng.pick(values).clone());
        }
    }
    labels
}
