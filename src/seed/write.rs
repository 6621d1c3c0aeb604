//! The program, a file for each namespace and one for what they share.

use super::flows::{FlowSource, InferredFlow, Trust};
use super::{DeployedTier, Inferred};
use crate::draft::{
    End, External, Flow, Namespace, Ports, Program, Statement, Tier, USUAL_KEY, comment_of, free, label_key,
};
use crate::net::{PortSet, Selector};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many things that show a flow are told beside it.
const MOST_EVIDENCE: usize = 2;

/// What the file is called that the others share.
const SHARED: &str = "shared";

/// A file of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOfSeed {
    /// The stem of its name.
    pub stem: String,
    /// What stands in it.
    pub program: Program,
    /// What there is of its namespace; `None` for what others share.
    pub counts: Option<BlockCounts>,
}

/// How much is said of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCounts {
    /// Tiers.
    pub tiers: usize,
    /// Flows that are sure.
    pub sure: usize,
    /// Flows that a flow log has, too, and that would not be sure without it.
    pub seen: usize,
    /// Flows that are likely.
    pub likely: usize,
    /// Flows that are guesses.
    pub guessed: usize,
}

/// A flow as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFlow {
    /// The place of the flow.
    pub flow: usize,
    /// The namespace in whose block it stands.
    pub namespace: Arc<str>,
    /// The statement.
    pub statement: String,
}

/// The program and its flows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WrittenSeed {
    /// The files.
    pub files: Vec<ProgramOfSeed>,
    /// The flows that are in it.
    pub flows: Vec<WrittenFlow>,
}

impl Inferred {
    /// Writes the program without some of its flows, by their places.
    pub fn write(&self, without: &BTreeSet<usize>) -> WrittenSeed {
        let mut written = WrittenSeed::default();
        let names: BTreeSet<&Arc<str>> =
            self.tiers.iter().map(|tier| &tier.namespace).filter(|name| !self.system.contains(*name)).collect();
        let gateways = self.named_gateways(&names);
        let mut blocks: Vec<(Arc<str>, Vec<Statement>, BlockCounts)> = Vec::new();
        let mut used = UsedOfOthers::default();
        for name in &names {
            let (mut statements, mut counts) = self.declarations(name, &gateways);
            let flows = self.flows_of(name, &gateways, without);
            if !flows.is_empty() {
                statements.push(Statement::Space);
            }
            for (at, flow, statement) in flows {
                match (flow.trust, flow.seen) {
                    (Trust::Sure, _) => counts.sure += 1,
                    (Trust::Likely | Trust::Guess, Some(_)) => counts.seen += 1,
                    (Trust::Likely, None) => counts.likely += 1,
                    (Trust::Guess, None) => counts.guessed += 1,
                }
                match &flow.source {
                    FlowSource::Other(namespace, _) => _ = used.namespaces.insert(namespace.clone()),
                    FlowSource::Tier(source) => _ = used.tiers.insert(*source),
                }
                used.tiers.insert(flow.destination);
                let text = statement.to_string();
                let namespace = (*name).clone();
                written.flows.push(WrittenFlow { flow: at, namespace, statement: text });
                statements.push(Statement::Remarked { statement: Box::new(statement), remark: remark(flow) });
            }
            statements.extend(self.questions_of(name));
            blocks.push(((*name).clone(), statements, counts));
        }
        written.files = files(self.head(&names, &used, &gateways), blocks);
        written
    }

    /// The pods of gateways, with a name that is free where they are in a namespace of the program.
    fn named_gateways(&self, managed: &BTreeSet<&Arc<str>>) -> Gateways {
        let mut named = Gateways::new();
        for (namespace, name, selector) in &self.gateways {
            let own = self.tiers.iter().filter(|tier| tier.namespace == *namespace && managed.contains(namespace));
            let own: Vec<&DeployedTier> = own.collect();
            // They may be there as a tier already.
            let same = own.iter().find(|tier| tier.selector == *selector).map(|tier| tier.name.clone());
            let candidates = [name.to_string(), format!("{name}-gateway")];
            let new = || -> Arc<str> { free(&candidates, |name| own.iter().any(|tier| *tier.name == *name)).into() };
            let tier = match same {
                Some(name) => (name, None),
                None => (new(), Some(selector.clone())),
            };
            named.insert((namespace.clone(), name.clone()), tier);
        }
        named
    }

    /// What stands above all blocks.
    fn head(&self, managed: &BTreeSet<&Arc<str>>, used: &UsedOfOthers, gateways: &Gateways) -> Vec<Statement> {
        let mut head = Vec::new();
        let components = self.components.iter().filter(|(namespace, _)| used.namespaces.contains(namespace));
        let components: BTreeSet<Arc<str>> = components.map(|(_, component)| component.clone()).collect();
        if !components.is_empty() {
            head.push(Statement::Use(components.into_iter().collect()));
        }
        let mut externals: BTreeMap<&Arc<str>, Vec<Tier>> = BTreeMap::new();
        let of_system = used.tiers.iter().filter_map(|at| self.tiers.get(*at));
        for tier in of_system.filter(|tier| self.system.contains(&tier.namespace)) {
            let is_implied = tier.selector == Selector::equals(USUAL_KEY, tier.name.clone());
            let selector = (!is_implied).then(|| tier.selector.clone());
            let tiers = externals.entry(&tier.namespace).or_default();
            tiers.push(Tier { name: tier.name.clone(), selector, ports: Vec::new() });
        }
        for ((namespace, _), (name, selector)) in gateways {
            let is_there = |tiers: &Vec<Tier>| tiers.iter().any(|tier| tier.name == *name);
            if externals.get(namespace).is_some_and(is_there) {
                continue;
            }
            if !managed.contains(namespace) && used.namespaces.contains(namespace) {
                let tier = Tier { name: name.clone(), selector: selector.clone(), ports: Vec::new() };
                externals.entry(namespace).or_default().push(tier);
            }
        }
        head.extend(
            externals.into_iter().map(|(name, tiers)| {
                Statement::External(External { names: vec![name.clone()], selector: None, tiers })
            }),
        );
        head
    }

    /// What a block declares.
    fn declarations(&self, name: &Arc<str>, gateways: &Gateways) -> (Vec<Statement>, BlockCounts) {
        let own: Vec<&DeployedTier> = self.tiers.iter().filter(|tier| tier.namespace == *name).collect();
        let key = label_key(own.iter().map(|tier| (&tier.selector, &tier.name)));
        let mut statements: Vec<Statement> = key.iter().cloned().map(Statement::Label).collect();
        let key = key.as_deref().unwrap_or(USUAL_KEY);
        let counts = BlockCounts { tiers: own.len(), ..BlockCounts::default() };
        for tier in own {
            let selector = (tier.selector != Selector::equals(key, tier.name.clone())).then(|| tier.selector.clone());
            let ports = tier.ports.iter().map(|port| (port.name.clone(), PortSet::number(port.protocol, port.number)));
            let statement = Statement::Tier(Tier { name: tier.name.clone(), selector, ports: ports.collect() });
            statements.push(match tier.origins() {
                Some(remark) => Statement::Remarked { statement: Box::new(statement), remark },
                None => statement,
            });
        }
        let of_gateways = gateways.iter().filter(|((namespace, _), _)| namespace == name);
        statements.extend(of_gateways.filter_map(|(_, (name, selector))| {
            let tier = Tier { name: name.clone(), selector: Some(selector.clone()?), ports: Vec::new() };
            Some(Statement::Tier(tier))
        }));
        (statements, counts)
    }

    /// The flows that stand in the block of a namespace: those of its tiers, and those of others to them.
    fn flows_of(
        &self,
        name: &Arc<str>,
        gateways: &Gateways,
        without: &BTreeSet<usize>,
    ) -> Vec<(usize, &InferredFlow, Statement)> {
        let mut found = Vec::new();
        for (at, flow) in self.flows.iter().enumerate().filter(|(at, _)| !without.contains(at)) {
            let Some(destination) = self.tiers.get(flow.destination) else { continue };
            let (home, source) = match &flow.source {
                FlowSource::Tier(at) => {
                    let Some(tier) = self.tiers.get(*at) else { continue };
                    let is_managed = !self.system.contains(&tier.namespace);
                    let home = if is_managed { &tier.namespace } else { &destination.namespace };
                    (home, (&tier.namespace, &tier.name))
                }
                FlowSource::Other(namespace, tier) => {
                    let known = gateways.get(&(namespace.clone(), tier.clone())).map(|(name, _)| name);
                    (&destination.namespace, (namespace, known.unwrap_or(tier)))
                }
            };
            if home != name {
                continue;
            }
            let end = |(namespace, tier): (&Arc<str>, &Arc<str>)| End {
                namespace: (namespace != name).then(|| namespace.clone()),
                name: tier.clone(),
            };
            // What is not looked after here has no list of ports here.
            let is_listed = !self.system.contains(&destination.namespace);
            let ports = match destination.port_name(flow.protocol, flow.number).filter(|_| is_listed) {
                Some(name) => Ports::Named(name.clone()),
                None => Ports::These(PortSet::number(flow.protocol, flow.number)),
            };
            let flow_statement = Flow {
                side: None,
                sources: vec![end(source)],
                destinations: vec![end((&destination.namespace, &destination.name))],
                ports,
            };
            found.push((at, flow, Statement::Flow(flow_statement)));
        }
        found
    }

    /// What is not known of a namespace, as a comment.
    fn questions_of(&self, name: &Arc<str>) -> Vec<Statement> {
        let mut before: Option<(usize, &str)> = None;
        let mut texts = Vec::new();
        for question in self.questions.iter().filter(|question| question.namespace == *name) {
            // One place that shows it is enough.
            let same = question.tier.map(|tier| (tier, &*question.about));
            if same.is_none() || before != same {
                texts.push(comment_of(&question.text));
            }
            before = same;
        }
        if texts.is_empty() {
            return Vec::new();
        }
        let title = Statement::Comment("Not known from what was read:".to_owned());
        [Statement::Space, title].into_iter().chain(texts).collect()
    }
}

/// What flows use that is not in a namespace of the program.
#[derive(Default)]
struct UsedOfOthers {
    /// The namespaces of others.
    namespaces: BTreeSet<Arc<str>>,
    /// The places of tiers, those of the program's own namespaces among them.
    tiers: BTreeSet<usize>,
}

/// By the namespace and the name of a Gateway: the name of the tier of its pods, and its labels where it is to be declared.
type Gateways = BTreeMap<(Arc<str>, Arc<str>), (Arc<str>, Option<Selector>)>;

impl DeployedTier {
    /// What is told of the ports that no container lists.
    fn origins(&self) -> Option<String> {
        let told = self.ports.iter().filter_map(|port| Some(format!("{} from {}", port.name, port.from.as_ref()?)));
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// What is told beside a flow.
fn remark(flow: &InferredFlow) -> String {
    let shown: Vec<&str> = flow.evidence.iter().take(MOST_EVIDENCE).map(String::as_str).collect();
    let more = match flow.evidence.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = shown.join("; ");
    match (flow.trust, flow.seen) {
        (Trust::Sure, _) => format!("{shown}{more}"),
        (Trust::Likely | Trust::Guess, Some(_)) => format!("seen: {shown}{more}"),
        (Trust::Likely | Trust::Guess, None) => format!("{}: {shown}{more}", flow.trust.word()),
    }
}

/// The files: one for each namespace, and one for what they share where there are several.
fn files(head: Vec<Statement>, blocks: Vec<(Arc<str>, Vec<Statement>, BlockCounts)>) -> Vec<ProgramOfSeed> {
    let is_one = blocks.len() == 1;
    let mut above = if is_one { head.clone() } else { Vec::new() };
    let shared = (!is_one && !head.is_empty()).then(|| ProgramOfSeed {
        stem: SHARED.to_owned(),
        program: Program { statements: head },
        counts: None,
    });
    let mut files: Vec<ProgramOfSeed> = shared.into_iter().collect();
    for (name, statements, counts) in blocks {
        let stem = if &*name == SHARED && !is_one { format!("namespace-{SHARED}") } else { name.to_string() };
        let mut own = std::mem::take(&mut above);
        if !own.is_empty() {
            own.push(Statement::Space);
        }
        own.push(Statement::Namespace(Namespace { names: vec![name], statements }));
        files.push(ProgramOfSeed { stem, program: Program { statements: own }, counts: Some(counts) });
    }
    files
}
