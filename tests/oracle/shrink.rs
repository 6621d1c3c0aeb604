//! Smaller programs that still fail.

use super::check::{Failure, Wrong};
use super::program::{Endpoint, Kind, Name, PortSpec, Preset, Program};
use super::render::mentioned;

/// Takes statements and parts of statements away for as long as `check` fails in the same way.
pub(crate) fn shrink(
    program: &Program,
    first: Failure,
    check: impl Fn(&Program) -> Result<(), Failure>,
) -> (Program, Failure) {
    let (mut program, mut failure) = (program.clone(), first);
    loop {
        let still = |smaller: Program| match check(&smaller) {
            Err(found) if alike(&found, &failure) => Some((smaller, found)),
            _ => None,
        };
        match smaller(&program).into_iter().filter(sound).find_map(still) {
            Some(found) => (program, failure) = found,
            None => return (program, failure),
        }
    }
}

/// Whether two failures are of one kind; refusals also need the same code, or one mistake would shrink into another.
fn alike(one: &Failure, two: &Failure) -> bool {
    let code = |failure: &Failure| {
        failure.detail.split("error[").nth(1).and_then(|rest| rest.split(']').next().map(str::to_string))
    };
    one.wrong == two.wrong && (one.wrong != Wrong::Refused || code(one) == code(two))
}

/// The program with one thing less, for each thing that can go.
fn smaller(program: &Program) -> Vec<Program> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Program)| {
        let mut less = program.clone();
        change(&mut less);
        all.push(less);
    };
    for i in 0..program.flows.len() {
        add(&|p| drop(p.flows.remove(i)));
    }
    for i in 0..program.namespaces.len() {
        add(&|p| drop(p.namespaces.remove(i)));
    }
    for i in 0..program.environments.len() {
        add(&|p| drop(p.environments.remove(i)));
    }
    for i in 0..program.groups.len() {
        add(&|p| drop(p.groups.remove(i)));
        (0..program.groups[i].members.len()).for_each(|m| add(&|p| drop(p.groups[i].members.remove(m))));
    }
    (0..program.cidrs.len()).for_each(|i| add(&|p| drop(p.cidrs.remove(i))));
    (0..program.port_sets.len()).for_each(|i| add(&|p| drop(p.port_sets.remove(i))));
    if program.platform.dns.is_some() {
        add(&|p| p.platform.dns = None);
    }
    for list in [0, 1, 2, 3] {
        add(&|p| {
            let platform = &mut p.platform;
            [&mut platform.apiserver, &mut platform.nodes, &mut platform.pods, &mut platform.services][list].clear();
        });
    }
    if program.platform.cni.is_some() {
        add(&|p| p.platform.cni = None);
    }
    inside_namespaces(program, &mut add);
    inside_flows(program, &mut add);
    // Lists that were empty before give the program itself.
    all.retain(|less| size(less) < size(program));
    all
}

type Add<'a> = dyn FnMut(&dyn Fn(&mut Program)) + 'a;

fn inside_namespaces(program: &Program, add: &mut Add) {
    for (i, namespace) in program.namespaces.iter().enumerate() {
        for t in 0..namespace.tiers.len() {
            add(&|p| drop(p.namespaces[i].tiers.remove(t)));
            add(&|p| p.namespaces[i].tiers[t].selector = None);
            add(&|p| p.namespaces[i].tiers[t].ports.clear());
            let requirements = namespace.tiers[t].selector.as_ref().map_or(0, |s| s.0.len());
            for r in (0..requirements).filter(|_| requirements > 1) {
                add(&|p| drop(p.namespaces[i].tiers[t].selector.as_mut().unwrap().0.remove(r)));
            }
        }
        for s in 0..namespace.isolates.len() {
            add(&|p| drop(p.namespaces[i].isolates.remove(s)));
            for t in (0..namespace.isolates[s].tiers.len()).filter(|_| namespace.isolates[s].tiers.len() > 1) {
                add(&|p| drop(p.namespaces[i].isolates[s].tiers.remove(t)));
            }
        }
        (0..namespace.groups.len()).for_each(|g| add(&|p| drop(p.namespaces[i].groups.remove(g))));
        (0..namespace.cidrs.len()).for_each(|c| add(&|p| drop(p.namespaces[i].cidrs.remove(c))));
        add(&|p| p.namespaces[i].dns = None);
        add(&|p| p.namespaces[i].label = None);
        for key in namespace.stated.keys() {
            add(&|p| drop(p.namespaces[i].stated.remove(key)));
        }
    }
}

fn inside_flows(program: &Program, add: &mut Add) {
    for (i, flow) in program.flows.iter().enumerate() {
        add(&|p| p.flows[i].side = None);
        let specs = flow.ports.as_ref().map_or(0, Vec::len);
        for s in (0..specs).filter(|_| specs > 1) {
            add(&|p| drop(p.flows[i].ports.as_mut().unwrap().remove(s)));
        }
        for part in program.parts(&flow.source).into_iter().filter(|part| *part != flow.source) {
            add(&|p| p.flows[i].source = part.clone());
        }
        for part in program.parts(&flow.destination).into_iter().filter(|part| *part != flow.destination) {
            add(&|p| p.flows[i].destination = part.clone());
        }
    }
}

/// Something that becomes less with every step of [`smaller`].
fn size(program: &Program) -> usize {
    format!("{program:?}").len()
}

/// Whether everything that is mentioned is declared, and every flow has its ports and a managed end.
fn sound(program: &Program) -> bool {
    let mut names = Vec::new();
    let groups = program.namespaces.iter().flat_map(|n| &n.groups).chain(&program.groups);
    groups.clone().flat_map(|g| &g.members).for_each(|m| mentioned(m, &mut names));
    for flow in &program.flows {
        mentioned(&flow.source, &mut names);
        mentioned(&flow.destination, &mut names);
    }
    let settings = program.namespaces.iter().filter_map(|n| n.dns.as_ref()).chain(&program.platform.dns);
    names.extend(settings.filter_map(|dns| match &dns.preset {
        Preset::Tier(name, _) => Some(name.clone()),
        _ => None,
    }));
    let isolated = |n: &super::program::Namespace| {
        n.isolates.iter().flat_map(|i| &i.tiers).all(|t| n.tiers.iter().any(|x| x.name == *t))
    };
    names.iter().all(|name| declared(program, name))
        && groups.into_iter().all(|g| !g.members.is_empty())
        && program.namespaces.iter().all(isolated)
        && program.namespaces.iter().any(|n| n.kind == Kind::Managed)
        && program.environments.iter().all(|e| {
            e.namespaces.iter().all(|r| program.namespaces.iter().any(|n| n.name == r.from))
                && e.cidrs.iter().all(|c| program.cidrs.iter().any(|d| d.name == c.name))
        })
        && program.flows.iter().all(|flow| flow_is_sound(program, flow))
}

fn flow_is_sound(program: &Program, flow: &super::program::Flow) -> bool {
    let parts = program.parts(&flow.destination);
    let listed = |part: &Endpoint| match part {
        Endpoint::Tier(name) => program.tier(name).ports.clone(),
        _ => Vec::new(),
    };
    let taken = |spec: &PortSpec| match spec {
        PortSpec::Served(name) => parts.iter().all(|p| listed(p).iter().any(|(n, _)| n == name)),
        PortSpec::Set(name) => program.port_sets.iter().any(|s| s.name == *name),
        PortSpec::Port(_) => true,
    };
    let known = |end: &Endpoint| {
        program.parts(end).iter().all(|part| match part {
            Endpoint::ApiServer => !program.platform.apiserver.is_empty(),
            Endpoint::Nodes => !program.platform.nodes.is_empty(),
            _ => true,
        })
    };
    known(&flow.source)
        && known(&flow.destination)
        && match &flow.ports {
            Some(specs) => specs.iter().all(taken),
            None => parts.iter().all(|p| !listed(p).is_empty()),
        }
}

fn declared(program: &Program, name: &Name) -> bool {
    let (tiers, groups, cidrs) = match &name.namespace {
        None => (&[][..], &program.groups, &program.cidrs),
        Some(namespace) => match program.namespaces.iter().find(|n| n.name == *namespace) {
            Some(_) if name.name == "*" => return true,
            Some(n) => (n.tiers.as_slice(), &n.groups, &n.cidrs),
            None => return false,
        },
    };
    tiers.iter().any(|t| t.name == name.name)
        || groups.iter().any(|g| g.name == name.name)
        || cidrs.iter().any(|c| c.name == name.name)
}
