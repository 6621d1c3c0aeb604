//! Explanations are held by deletion: without what is named as the reason the answer is another one, and with what is
//! to be written too.

use crate::everybody;
use crate::oracle;
use crate::oracle::rng::Rng;
use polder::ask::{
    Asked, AskedEnd, Edit, Everyone, Explanation, Meant, Origin, Program, Samples, Says, Wrong, WrongRule,
    policies_for, suggest, why,
};
use polder::cover::Budget;
use polder::engine::{Doubt, End, EndId, Engine, World};
use polder::flow::{FlowSet, Isolation, PartyId, Place};
use polder::k8s::plain_manifest;
use polder::net::{AddressSet, Direction, Facts, IpBlock, Peers, PortSet, Protocol, Selector, Truth, Values};
use polder::netpol::{Peer, Policy, Port, PortTarget, Rule};
use polder::plan::{Layout, plan};
use polder::session::{Memory, Named, Question, Subject};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// How many programs and policy sets are looked at.
fn rounds(usual: u64) -> u64 {
    std::env::var("POLDER_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn load(source: &str) -> Subject {
    let system = Memory::default().with("/p/main.polder", source);
    let program = vec![Named::Path("/p/main.polder".into())];
    Subject::load(&system, Path::new("/p"), &Question { program, ..Question::default() })
}

/// Something to ask about at an end; `None` where nobody has a word for it.
fn asked(world: &World, end: EndId) -> Option<Asked> {
    match world.end(end)? {
        End::Addresses { addresses, .. } => Some(Asked::Addresses(AddressSet::from_net(addresses.first()?.into()))),
        End::Pods(pods) => {
            let namespace = world.namespace(pods.namespace)?.name.clone()?;
            let beside = Default::default();
            Some(Asked::Pod { namespace, beside, labels: pods.labels.clone() })
        }
    }
}

/// Two things to ask about, one of them pods at least.
fn pair(rng: &mut Rng, world: &World) -> Option<[Asked; 2]> {
    let ids: Vec<EndId> = world.ids().collect();
    let mut one = || asked(world, *rng.pick(&ids));
    let pair = [one()?, one()?];
    let addresses = pair.iter().filter(|one| matches!(one, Asked::Addresses(_))).count();
    (addresses < 2 && pair[0] != pair[1]).then_some(pair)
}

/// The most flows that one question may need.
const MOST_FLOWS: usize = 12;

const NUMBERS: [u16; 10] = [53, 80, 443, 8080, 8081, 9090, 5432, 30000, 1, 65535];

fn ports(rng: &mut Rng) -> PortSet {
    let mut one = || PortSet::number(*rng.pick(&Protocol::ALL[..2]), *rng.pick(&NUMBERS));
    let first = one();
    if rng.chance(80) { first } else { first.union(&PortSet::number(Protocol::Tcp, *rng.pick(&NUMBERS))) }
}

/// A port on which some flow is to addresses.
fn of_blocks(rng: &mut Rng, flows: &FlowSet) -> Option<PortSet> {
    let is_block = |id: PartyId| matches!(flows.party(id).unwrap().place, Some(Place::Addresses(_)));
    let targets = flows.flows.iter().flat_map(|flow| &flow.targets).filter(|(target, _)| is_block(*target));
    let number = |on: &PortSet, protocol| on.ranges(protocol).first().map(|(low, _)| PortSet::number(protocol, *low));
    let ports: Vec<PortSet> =
        targets.filter_map(|(_, on)| Protocol::ALL.into_iter().find_map(|one| number(on, one))).collect();
    (!ports.is_empty()).then(|| rng.pick(&ports).clone())
}

/// Some of all pods that could exist and of all addresses, which have the answer for two ends.
fn pose(flows: Option<&FlowSet>, policies: &[Policy], both: &[Asked; 2], ports: &PortSet) -> Samples {
    let programs: Vec<&FlowSet> = flows.into_iter().collect();
    let facts = flows.map(|flows| flows.facts.clone()).unwrap_or_default();
    let everyone = Everyone::new(&programs, &[policies], &[], both, &facts);
    let [from, to] = both.each_ref().map(|one| (everyone.find(one).unwrap(), everyone.find_perhaps(one)));
    let on = |ends: Vec<_>| ends.into_iter().map(|end| (end, ports.clone())).collect();
    let (from, to) = (Meant { sure: from.0, perhaps: from.1 }, Meant { sure: on(to.0), perhaps: on(to.1) });
    everyone.samples(&everyone.grants(policies), both, &from, &to, &mut Budget::of_question()).unwrap()
}

fn explain(engine: &Engine<'_>, program: Option<Program<'_>>, posed: &Samples) -> Option<Explanation> {
    why(engine, program, &posed.from, &posed.to, &posed.doubtful)
}

/// The ends that an answer is about.
fn ends(posed: &Samples) -> [Vec<EndId>; 2] {
    [posed.from.clone(), posed.to.iter().map(|(end, _)| *end).collect()]
}

/// The answer for two ends in a program.
fn says(flows: &FlowSet, both: &[Asked; 2], ports: &PortSet) -> Says {
    let policies = plan(flows, Layout::Flow).policies.policies;
    says_of(Some(flows), &policies, both, ports)
}

fn says_of(flows: Option<&FlowSet>, policies: &[Policy], both: &[Asked; 2], ports: &PortSet) -> Says {
    let posed = pose(flows, policies, both, ports);
    explain(&Engine::new(&posed.situation.world, policies), None, &posed).unwrap().says
}

/// What was looked at, so that no kind of case is left out by chance.
#[derive(Debug, Default)]
struct Seen {
    allowed: usize,
    by_dns: usize,
    denied: usize,
    mended: usize,
    mended_names: usize,
    unfinished: usize,
    unmended: Vec<String>,
    near: usize,
    unknown: usize,
    /// Sides of which it is not known what a block of theirs matches.
    by_block: usize,
    open: usize,
}

/// The flows without those that an explanation names on one side.
fn without(flows: &FlowSet, origins: &[Origin]) -> FlowSet {
    let mut less = flows.clone();
    less.flows.retain(|flow| !origins.contains(&Origin::Flow(flow.statement)));
    for origin in origins {
        if let Origin::Dns { namespace, .. } = origin {
            less.namespaces.iter_mut().filter(|one| one.name == *namespace).for_each(|one| one.dns.clear());
        }
    }
    less
}

/// A program with what is to be written in it.
fn edited(subject: &Subject, source: &str, edits: &[Edit]) -> String {
    let mut text = source.to_owned();
    let mut inserts: Vec<(usize, usize, String)> = Vec::new();
    let mut added = String::from("\n");
    for edit in edits {
        match edit {
            Edit::Line { namespace: None, text, .. } => added.push_str(&format!("{text}\n")),
            Edit::Line { namespace: Some(name), text, .. } => {
                let namespaces = &subject.model().unwrap().namespaces;
                let managed = namespaces.iter().any(|one| one.declared == *name && one.managed().is_some());
                let external = if managed { "" } else { "external " };
                added.push_str(&format!("{external}namespace {name} {{\n{text}\n}}\n"));
            }
            Edit::Port { first: Some(first), text, .. } => {
                inserts.push((first.start as usize, first.start as usize, format!("{text}, ")));
            }
            Edit::Port { first: None, span, text, .. } => {
                let end = span.end as usize;
                let at = end + source[end..].find('{').unwrap() + 1;
                inserts.push((at, at, text.clone()));
            }
            Edit::Flow { destination: (span, text), .. } => {
                inserts.push((span.start as usize, span.end as usize, text.clone()))
            }
        }
    }
    inserts.sort();
    for (start, end, insert) in inserts.into_iter().rev() {
        text.replace_range(start..end, &insert);
    }
    text + &added
}

/// Holds one answer about a program.
fn judge(source: &str, subject: &Subject, both: &[Asked; 2], ports: &PortSet, seen: &mut Seen) {
    let (model, flows) = (subject.model().unwrap(), subject.flows().unwrap());
    let posed = pose(Some(flows), subject.policies(), both, ports);
    let engine = Engine::new(&posed.situation.world, subject.policies());
    let told = explain(&engine, Some(Program { model, flows }), &posed).unwrap();
    let question = || format!("{} -> {} on {}\n{source}", both[0], both[1], told.ports);
    let mut open = flows.clone();
    for side in &told.sides {
        let direction = side.direction;
        assert_eq!(side.is_open(), side.settings.is_empty(), "{}", question());
        assert_eq!(side.is_open(), !engine.is_isolated(direction, side.subject), "{}", question());
        if !side.is_open() && told.says == Says::Allowed {
            assert!(!side.origins.is_empty(), "nothing lets it through for {}: {}", direction.word(), question());
            let less = without(flows, &side.origins);
            assert_ne!(says(&less, both, ports), Says::Allowed, "without {:?}: {}", side.origins, question());
        }
        if side.says == Says::Denied {
            for namespace in open.namespaces.iter_mut().filter(|one| *one.name == *side.settings[0].namespace) {
                match direction {
                    Direction::Ingress => namespace.ingress = Isolation::Tiers(Vec::new()),
                    Direction::Egress => namespace.egress = Isolation::Tiers(Vec::new()),
                }
            }
        }
    }
    seen.open += usize::from(told.is_open());
    seen.by_dns +=
        told.sides.iter().flat_map(|side| &side.origins).filter(|one| matches!(one, Origin::Dns { .. })).count();
    match told.says {
        Says::Allowed => seen.allowed += 1,
        Says::Unknown => {
            seen.unknown += 1;
            assert!(!told.doubts.is_empty(), "{}", question());
            let by_name = told.doubts.iter().any(|doubt| matches!(doubt, Doubt::NamedPort(..)));
            for side in told.sides.iter().filter(|side| side.says == Says::Unknown && !by_name) {
                seen.by_block += 1;
                assert!(!side.origins.is_empty(), "nothing may let it through: {}", question());
                let less = without(flows, &side.origins);
                // What is left may be open by a name, which did not matter before.
                let targets = less.flows.iter().flat_map(|flow| &flow.targets);
                let has_names =
                    |ports: &PortSet| Protocol::ALL.into_iter().any(|one| ports.names(one).next().is_some());
                let named = targets.clone().any(|(_, ports)| has_names(ports));
                let now = says(&less, both, &told.ports);
                let flipped = now == Says::Denied || (named && now == Says::Unknown);
                assert!(flipped, "{now:?} without {:?}: {}", side.origins, question());
            }
        }
        Says::Denied => {
            seen.denied += 1;
            assert_ne!(says(&open, both, &told.ports), Says::Denied, "not isolated: {}", question());
            for near in &told.near_flows {
                seen.near += 1;
                if let Wrong::Ports(on) = &near.wrong {
                    let number = |protocol| on.ranges(protocol).first().map(|(low, _)| PortSet::number(protocol, *low));
                    let on = Protocol::ALL.into_iter().find_map(number);
                    assert!(on.is_none_or(|on| told.allowed.contains(&on)), "{near:?}: {}", question());
                }
            }
            mend(source, subject, &posed, both, &told, seen);
        }
    }
}

/// Writes what is to be written, and asks again.
fn mend(source: &str, subject: &Subject, posed: &Samples, both: &[Asked; 2], told: &Explanation, seen: &mut Seen) {
    let program = Program { model: subject.model().unwrap(), flows: subject.flows().unwrap() };
    let ends = ends(posed);
    let end = |at: usize| AskedEnd { asked: &both[at], ends: &ends[at] };
    let edits = suggest(program, subject.sources(), &posed.situation.world, told, end(0), end(1));
    let Some(edits) = edits else {
        seen.unmended.push(format!("{} -> {} on {}", both[0], both[1], told.ports));
        return;
    };
    let text = edited(subject, source, &edits);
    let mended = load(&text);
    let reports: Vec<String> = mended.reports().iter().map(|one| one.diagnostic.message.clone()).collect();
    assert!(mended.is_answerable(), "{edits:?} cannot be written: {reports:?}\n{text}");
    let now = says_of(mended.flows(), mended.policies(), both, &told.ports);
    // No statement of the language makes sure that the plugin matches a node.
    let is_sure = |one: &Asked| match one {
        Asked::Addresses(addresses) => mended.facts().outside(addresses) == Truth::Yes,
        _ => true,
    };
    let wanted = if both.iter().all(is_sure) { Says::Allowed } else { Says::Unknown };
    assert_eq!(now, wanted, "{} -> {} on {} with {edits:?}\n{source}", both[0], both[1], told.ports);
    seen.mended += 1;
}

#[test]
fn a_program_without_the_reason_or_with_the_mend_answers_otherwise() {
    let mut seen = Seen::default();
    for seed in 0..rounds(60) {
        let source = oracle::render::render(&oracle::generate::program(seed));
        let subject = load(&source);
        assert!(subject.is_answerable(), "{source}");
        let flows = subject.flows().unwrap();
        let everyone = subject.everyone(&[]);
        let names = everyone.names();
        let marks: Vec<Peers> = everyone.groups.iter().flat_map(|group| &group.set.peers).cloned().collect();
        let world = everybody::world(subject.policies(), &marks, &everybody::managed(flows), subject.facts());
        let mut rng = Rng::new(seed ^ 0x5eed);
        for _ in 0..12 {
            let wanted = ports(&mut rng);
            if let Some(both) = pair(&mut rng, &world) {
                judge(&source, &subject, &both, &wanted, &mut seen);
            }
            if let (Some(both), Some(wanted)) = (pair(&mut rng, &world), of_blocks(&mut rng, flows)) {
                judge(&source, &subject, &both, &wanted, &mut seen);
            }
            if rng.chance(40)
                && let Some([from, _]) = pair(&mut rng, &world)
            {
                let server =
                    *rng.pick(&["kube-system/{k8s-app=kube-dns}", "169.254.20.10", "kube-system/{k8s-app=coredns}"]);
                let both = [from, Asked::parse(server).unwrap()];
                let is_address = |one: &Asked| matches!(one, Asked::Addresses(_));
                if both[0] != both[1] && !both.iter().all(is_address) {
                    judge(&source, &subject, &both, &PortSet::number(Protocol::Udp, 53), &mut seen);
                }
            }
            // By name: the answer is about all that have it.
            let mut name = || Asked::Name(rng.pick(&names).clone());
            let both = [name(), name()];
            let pods = |one: &Asked| everyone.find(one).is_ok_and(|ends| ends.iter().all(|end| end.pods().is_some()));
            if both.iter().all(is_declared) && (pods(&both[0]) || pods(&both[1])) {
                judge_names(&source, &subject, &both, &wanted, &mut seen);
            }
        }
    }
    println!("{seen:?}");
    let kinds = [seen.allowed, seen.by_dns, seen.denied, seen.mended, seen.mended_names, seen.near, seen.open];
    assert!(kinds.iter().all(|count| *count > 20), "{seen:?}");
    assert!(seen.by_block > 5, "{seen:?}");
    assert!((seen.unmended.len() + seen.unfinished) * 20 < seen.mended, "{seen:?}");
}

/// The names that are newly declared for a flow from `shop/a`.
fn declared(source: &str, to: &str) -> Vec<String> {
    let subject = load(source);
    let both = [Asked::Name("shop/a".to_owned()), Asked::parse(to).unwrap()];
    let program = Program { model: subject.model().unwrap(), flows: subject.flows().unwrap() };
    let posed = pose(Some(program.flows), subject.policies(), &both, &PortSet::number(Protocol::Tcp, 443));
    let told = explain(&Engine::new(&posed.situation.world, subject.policies()), Some(program), &posed).unwrap();
    let ends = ends(&posed);
    let end = |at: usize| AskedEnd { asked: &both[at], ends: &ends[at] };
    let edits = suggest(program, subject.sources(), &posed.situation.world, &told, end(0), end(1)).unwrap();
    let mended = load(&edited(&subject, source, &edits));
    assert!(mended.is_answerable(), "{edits:?}");
    let lines = edits.iter().filter_map(|edit| match edit {
        Edit::Line { text, .. } => Some(text),
        Edit::Port { .. } | Edit::Flow { .. } => None,
    });
    let words = lines.map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    words.filter(|words| matches!(words[0].as_str(), "tier" | "cidr")).map(|words| words[1].clone()).collect()
}

#[test]
fn a_new_name_means_nothing_yet_where_it_is_declared() {
    let with = |whole: &str, shop: &str, other: &str| {
        format!(
            "{whole}namespace shop {{\n  tier a\n  tier b\n{shop}  a -> b:80\n}}\nnamespace other {{\n  tier c\n{other}}}\n"
        )
    };
    for (to, global) in [("shop/{app=cart}", false), ("203.0.113.7", true)] {
        let first = declared(&with("", "", ""), to);
        let [name] = &first[..] else { panic!("one name for {to}") };
        let tier = format!("  tier {name} (app=taken)\n");
        let cidr = format!("cidr {name} = 198.51.100.0/24\n");
        assert_ne!(declared(&with(&cidr, "", ""), to), first, "of the whole program: {to}");
        assert_ne!(declared(&with("", &tier, ""), to), first, "of the namespace: {to}");
        assert_eq!(declared(&with("", "", &tier), to) == first, !global, "of another namespace: {to}");
    }
}

/// Those that the program does not declare change with it.
fn is_declared(name: &Asked) -> bool {
    name.to_string().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/*".contains(&byte))
}

/// As [`judge`], for what only the whole answer shows.
fn judge_names(source: &str, original: &Subject, both: &[Asked; 2], ports: &PortSet, seen: &mut Seen) {
    let (model, flows) = (original.model().unwrap(), original.flows().unwrap());
    let posed = pose(Some(flows), original.policies(), both, ports);
    let engine = Engine::new(&posed.situation.world, original.policies());
    let Some(told) = explain(&engine, Some(Program { model, flows }), &posed) else { return };
    if told.says != Says::Denied {
        return;
    }
    // One flow may not be enough where the name is for many kinds of pods.
    let (mut subject, mut source, mut told, mut posed) = (None, source.to_owned(), told, posed);
    for _ in 0..MOST_FLOWS {
        let known: &Subject = subject.as_ref().unwrap_or(original);
        let program = Program { model: known.model().unwrap(), flows: known.flows().unwrap() };
        let ends = ends(&posed);
        let end = |at: usize| AskedEnd { asked: &both[at], ends: &ends[at] };
        let Some(edits) = suggest(program, known.sources(), &posed.situation.world, &told, end(0), end(1)) else {
            seen.unmended.push(format!("{} -> {} on {}", both[0], both[1], told.ports));
            return;
        };
        source = edited(known, &source, &edits);
        let next = load(&source);
        let reports: Vec<String> = next.reports().iter().map(|one| one.diagnostic.message.clone()).collect();
        assert!(next.is_answerable(), "{edits:?} cannot be written: {reports:?}\n{source}");
        posed = pose(next.flows(), next.policies(), both, ports);
        let engine = Engine::new(&posed.situation.world, next.policies());
        let program = Program { model: next.model().unwrap(), flows: next.flows().unwrap() };
        told = explain(&engine, Some(program), &posed).unwrap();
        subject = Some(next);
        if told.says != Says::Denied {
            seen.mended_names += 1;
            return;
        }
    }
    seen.unfinished += 1;
}

/// Random policies with every kind of part.
struct Maker {
    rng: Rng,
}

impl Maker {
    fn selector(&mut self) -> Selector {
        let mut selector = Selector::everything();
        for key in ["app", "track"] {
            if self.rng.chance(45) {
                let values = match self.rng.below(4) {
                    0 => Values::none_of(["a"]),
                    1 => Values::does_not_exist(),
                    2 => Values::one_of(["a", "b"]),
                    _ => Values::one_of([*self.rng.pick(&["a", "b", "c"])]),
                };
                selector.require(key, values);
            }
        }
        selector
    }

    fn peer(&mut self) -> Peer {
        if self.rng.chance(25) {
            let net = ["10.0.0.0/8", "0.0.0.0/0", "10.1.0.0/16", "2001:db8::/32"];
            let except = ["10.1.2.0/24", "10.9.0.0/16"].map(|net| net.parse().unwrap());
            let except = if self.rng.chance(50) { &except[..] } else { &[] };
            return Peer::Block(IpBlock::list(&[self.rng.pick(&net).parse().unwrap()], except)[0].clone());
        }
        let namespaces = match self.rng.below(5) {
            0 | 1 => None,
            3 => Some(Selector::equals("team", "a")),
            2 => Some(Selector::equals("kubernetes.io/metadata.name", *self.rng.pick(&["x", "y"]))),
            _ => Some(Selector::everything()),
        };
        Peer::Pods { namespaces, pods: self.selector() }
    }

    fn rule(&mut self) -> Rule {
        let peers = (0..self.rng.below(3)).map(|_| self.peer()).collect();
        let count = self.rng.below(3);
        let mut port = || {
            let number = *self.rng.pick(&NUMBERS[..8]);
            let target = match self.rng.below(6) {
                0 => PortTarget::Every,
                1 => PortTarget::Range(number, number + 50),
                2 => PortTarget::Named(Arc::from("web")),
                _ => PortTarget::Number(number),
            };
            Port { protocol: *self.rng.pick(&Protocol::ALL[..2]), target }
        };
        Rule { peers, ports: (0..count).map(|_| port()).collect(), learns_names: false }
    }

    fn policies(&mut self) -> Vec<Policy> {
        let mut policies: Vec<Policy> = (0..self.rng.between(1, 5))
            .map(|at| {
                let mut rules = |chance| {
                    self.rng.chance(chance).then(|| (0..self.rng.below(3)).map(|_| self.rule()).collect::<Vec<_>>())
                };
                let (ingress, egress) = (rules(75), rules(50));
                Policy {
                    kind: polder::netpol::PolicyKind::NetworkPolicy,
                    namespace: Arc::from(*self.rng.pick(&["x", "y"])),
                    name: format!("p{at}").into(),
                    subject: self.selector(),
                    ingress,
                    egress,
                    description: None,
                    statements: Default::default(),
                }
            })
            .collect();
        policies.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        policies
    }
}

fn rules(policy: &mut Policy, direction: Direction) -> &mut Option<Vec<Rule>> {
    match direction {
        Direction::Ingress => &mut policy.ingress,
        Direction::Egress => &mut policy.egress,
    }
}

fn ask(policies: &[Policy], both: &[Asked; 2], ports: &PortSet) -> Says {
    says_of(None, policies, both, ports)
}

#[test]
fn policies_without_the_reason_or_with_the_mend_answer_otherwise() {
    let mut seen = Seen::default();
    for seed in 0..rounds(400) {
        let policies = Maker { rng: Rng::new(seed) }.policies();
        let world = everybody::world(&policies, &[], &everybody::Managed::new(), &Facts::default());
        let mut rng = Rng::new(seed ^ 0x5eed);
        for _ in 0..8 {
            let wanted = ports(&mut rng);
            let Some(both) = pair(&mut rng, &world) else { continue };
            judge_policies(&policies, &both, &wanted, &mut seen);
        }
    }
    println!("{seen:?}");
    let kinds = [seen.allowed, seen.denied, seen.mended, seen.near, seen.open, seen.unknown];
    assert!(kinds.iter().all(|count| *count > 20), "{seen:?}");
    assert_eq!(seen.unmended.len(), 0, "{seen:?}");
}

fn judge_policies(policies: &[Policy], both: &[Asked; 2], wanted: &PortSet, seen: &mut Seen) {
    let posed = pose(None, policies, both, wanted);
    let engine = Engine::new(&posed.situation.world, policies);
    let told = explain(&engine, None, &posed).unwrap();
    let question = || {
        let mut text = format!("{} -> {} on {}\n", both[0], both[1], told.ports);
        policies.iter().for_each(|policy| plain_manifest(policy, &mut text));
        text
    };
    seen.open += usize::from(told.is_open());
    let mut open = policies.to_vec();
    for side in &told.sides {
        let direction = side.direction;
        if told.says == Says::Allowed && !side.is_open() {
            let mut less = policies.to_vec();
            let mut named: Vec<(usize, usize)> = side.grants.iter().map(|grant| (grant.policy, grant.rule)).collect();
            named.sort();
            named.dedup();
            for (policy, rule) in named.iter().copied().rev() {
                rules(&mut less[policy], direction).as_mut().unwrap().remove(rule);
            }
            assert_ne!(ask(&less, both, wanted), Says::Allowed, "without its rules: {}", question());
        }
        if side.says == Says::Denied {
            assert!(!side.is_open());
            side.isolating.iter().for_each(|place| *rules(&mut open[*place], direction) = None);
        }
        for near in &side.near_rules {
            seen.near += 1;
            let mut mended = policies.to_vec();
            let policy = &mut mended[near.policy];
            if let WrongRule::Subject(_) = near.wrong {
                policy.subject = Selector::everything();
            }
            let rule = &mut rules(policy, direction).as_mut().unwrap()[near.rule];
            match near.wrong {
                WrongRule::Ports(_) => rule.ports.clear(),
                WrongRule::Peer(_) => rule.peers.clear(),
                WrongRule::Subject(_) => {}
            }
            let posed = pose(None, &mended, both, &told.ports);
            let now = explain(&Engine::new(&posed.situation.world, &mended), None, &posed).unwrap();
            let now = now.sides.iter().find(|now| now.direction == direction).unwrap().says;
            assert_ne!(now, Says::Denied, "{near:?}: {}", question());
        }
    }
    match told.says {
        Says::Allowed => seen.allowed += 1,
        Says::Unknown => {
            seen.unknown += 1;
            assert!(!told.doubts.is_empty(), "{}", question());
            let by_name = told.doubts.iter().any(|doubt| matches!(doubt, Doubt::NamedPort(..)));
            for side in told.sides.iter().filter(|side| side.says == Says::Unknown && !by_name) {
                seen.by_block += 1;
                let mut less = policies.to_vec();
                let named: BTreeSet<(usize, usize)> =
                    side.grants.iter().map(|grant| (grant.policy, grant.rule)).collect();
                for (policy, rule) in named.into_iter().rev() {
                    rules(&mut less[policy], side.direction).as_mut().unwrap().remove(rule);
                }
                // What is left may be open by a name, which did not matter before.
                let says = ask(&less, both, &told.ports);
                let named = less.iter().flat_map(|one| one.ingress.iter().chain(&one.egress)).flatten();
                let named = named.flat_map(|rule| &rule.ports).any(|port| matches!(port.target, PortTarget::Named(_)));
                assert!(says == Says::Denied || (named && says == Says::Unknown), "without its rules: {}", question());
            }
        }
        Says::Denied => {
            seen.denied += 1;
            // What is not known of one side is not known after the other is open.
            assert_ne!(ask(&open, both, &told.ports), Says::Denied, "not isolated: {}", question());
            let addresses = both.iter().find_map(|one| match one {
                Asked::Addresses(addresses) => Some(addresses),
                _ => None,
            });
            let more = policies_for(&engine, None, &told, addresses);
            if more.is_empty() {
                seen.unmended.push(question());
                return;
            }
            let mut all = policies.to_vec();
            all.extend(more);
            let mut text = String::new();
            all[policies.len()..].iter().for_each(|policy| plain_manifest(policy, &mut text));
            assert_ne!(ask(&all, both, &told.ports), Says::Denied, "with\n{text}: {}", question());
            seen.mended += 1;
        }
    }
}
