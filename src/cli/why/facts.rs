//! What an explanation says, fact by fact, in words.

use super::WhyReport;
use crate::ask::{Misfit, NearFlow, Origin, Says, Setting, WhySide, Wrong, WrongRule};
use crate::cli::reach::end_text;
use crate::cli::report::{first_doubts, incomplete, remedies};
use crate::cli::step::of_answer;
use crate::engine::{Doubt, EndId, Grant, RulingMatch};
use crate::net::{Direction, NAMESPACE_NAME, Selector, Truth};
use crate::netpol::{PolicyKind, RulingAction};
use crate::source::Span;

/// One fact.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    /// What the thing does.
    pub key: &'static str,
    /// The thing.
    pub text: String,
    /// Where it stands.
    pub span: Option<Span>,
    /// What there is to add.
    pub note: String,
}

impl Fact {
    fn new(key: &'static str, text: impl Into<String>, span: Option<Span>) -> Fact {
        Fact { key, text: text.into(), span, note: String::new() }
    }

    fn with_note(self, note: impl Into<String>) -> Fact {
        Fact { note: note.into(), ..self }
    }
}

impl WhyReport<'_> {
    /// What an end is called.
    pub(super) fn name(&self, end: EndId) -> String {
        if self.situation.world.pods(end).is_none() {
            if let Some(asked) = &self.addresses {
                return asked.to_string();
            }
            // Of nodes whose addresses nobody gave, their name is all that is known.
            if !self.is_known {
                let to = self.subject.target(&self.args.to).map(|to| to.asked.to_string());
                let is_source = end == self.explanation.source;
                return if is_source { self.args.from.clone() } else { to.unwrap_or_default() };
            }
        }
        let names = self.situation.names_of(end);
        match names.as_slice() {
            [] => end_text(self.situation, end),
            [one] => one.to_string(),
            // Who is in several tiers is known best by the labels.
            [first, ..] if !first.is_pods() => first.to_string(),
            _ => end_text(self.situation, end),
        }
    }

    /// The name of a policy, and where it stands.
    pub(super) fn policy(&self, place: usize) -> (String, Option<Span>) {
        let policy = self.subject.policies().get(place);
        let name = policy.map(|policy| format!("{}/{}", policy.namespace, policy.title())).unwrap_or_default();
        let span = match self.subject.session() {
            Some(_) => None,
            None => self.subject.manifests().policy_spans.get(place).copied().flatten(),
        };
        (name, span)
    }

    /// The path of a rule or of one of its peers, and where it stands.
    pub(super) fn rule(
        &self,
        direction: Direction,
        policy: usize,
        rule: usize,
        peer: Option<usize>,
    ) -> (String, Option<Span>) {
        let (field, peers) = match direction {
            Direction::Ingress => ("ingress", "from"),
            Direction::Egress => ("egress", "to"),
        };
        let peer_path = peer.map(|peer| format!(".{peers}[{peer}]")).unwrap_or_default();
        let path = match self.subject.policies().get(policy).map(|policy| policy.kind) {
            // An item there can be several rules.
            Some(PolicyKind::Cilium) => format!("spec.{field}"),
            Some(PolicyKind::NetworkPolicy) | None => format!("spec.{field}[{rule}]{peer_path}"),
        };
        if self.subject.session().is_some() {
            return (path, None);
        }
        let written = self.subject.manifests().written.get(policy);
        let written = written.and_then(|written| written.rules(direction).rules.get(rule));
        let at_peer = peer.and_then(|peer| written?.peers.get(peer)?.place);
        (path, at_peer.or_else(|| written?.place))
    }

    /// A policy of the whole cluster, the path of a rule, and where the policy stands.
    pub(super) fn ruling(&self, direction: Direction, one: &RulingMatch) -> (String, String, Option<Span>) {
        let policy = self.subject.cluster_policies().get(one.policy);
        let title = policy.map(|policy| format!("{} {}", policy.kind.object(), policy.name)).unwrap_or_default();
        let span = self.subject.manifests().cluster_policy_spans.get(one.policy).copied().flatten();
        (title, format!("spec.{}[{}]", direction.word(), one.ruling), span)
    }

    fn ruling_fact(&self, side: &WhySide, passes: &'static str, one: &RulingMatch) -> Fact {
        let (policy, path, span) = self.ruling(side.direction, one);
        let key = match (one.action, one.truth) {
            (RulingAction::Deny, Truth::Yes) => "denied by",
            (RulingAction::Accept, Truth::Yes) => passes,
            (RulingAction::Pass, Truth::Yes) => "passed on by",
            (RulingAction::Deny, _) => "perhaps denied by",
            (RulingAction::Accept | RulingAction::Pass, _) => "perhaps by",
        };
        let fact = Fact::new(key, format!("{policy} {path}"), span);
        let policy = self.subject.cluster_policies().get(one.policy);
        let named = policy.and_then(|policy| policy.rulings(side.direction).get(one.ruling)?.name.clone());
        match named {
            Some(name) => fact.with_note(format!("{name:?}")),
            None => fact,
        }
    }

    /// A statement of the program.
    pub(super) fn origin(&self, origin: &Origin) -> (String, Option<Span>) {
        match origin {
            Origin::Flow(id) => {
                let statement = self.subject.flows().and_then(|flows| flows.statement(*id));
                (statement.map(|one| one.text.to_string()).unwrap_or_default(), statement.map(|one| one.span))
            }
            Origin::Dns { namespace, text, span: Some(span) } => {
                (format!("{text} (all of namespace {namespace})"), Some(*span))
            }
            Origin::Dns { namespace, text, span: None } => {
                (format!("{text} (all of namespace {namespace}, by default)"), None)
            }
        }
    }

    /// The facts of one side.
    pub(super) fn side(&self, side: &WhySide) -> Vec<Fact> {
        let passes = if side.direction == Direction::Egress { "let out by" } else { "let in by" };
        let mut facts: Vec<Fact> = side.rulings.iter().map(|one| self.ruling_fact(side, passes, one)).collect();
        for Setting { namespace, text, span } in &side.settings {
            facts.push(match text {
                Some(text) => Fact::new("isolated by", &**text, Some(*span)),
                None => Fact::new("isolated by", format!("namespace {namespace}"), Some(*span)),
            });
        }
        let from_program = self.subject.session().is_some();
        if !from_program {
            facts.extend(side.isolating.iter().map(|place| {
                let (name, span) = self.policy(*place);
                Fact::new("isolated by", name, span)
            }));
        }
        let is_ruled = !side.rulings.is_empty() && side.isolating.is_empty();
        if is_ruled && side.says == Says::Allowed && !facts.iter().any(|fact| fact.key == passes) {
            facts.push(Fact::new(passes, self.open(side), None));
        }
        if side.direction == Direction::Ingress && !side.is_open() {
            let own_node = match self.situation.world.is_own_node(side.subject, side.peer) {
                Truth::Yes => Some("let in by"),
                Truth::Maybe => Some("perhaps by"),
                Truth::No => None,
            };
            let fact = |key| Fact::new(key, "no policy keeps its own node from a pod", None);
            facts.extend(own_node.map(fact));
        }
        let by_flow = if side.says == Says::Unknown { "perhaps by" } else { passes };
        for origin in &side.origins {
            let (text, span) = self.origin(origin);
            facts.push(Fact::new(by_flow, text, span));
        }
        if from_program {
            let policies = side.isolating.iter().filter_map(|place| self.subject.policies().get(*place));
            let names: Vec<String> = policies.map(|policy| policy.title().into_owned()).collect();
            if !names.is_empty() {
                facts.push(Fact::new("policies", listed(&names), None));
            }
        } else {
            // Several of which none is sure may be so together.
            let none_is_sure = side.grants.iter().all(|grant| grant.truth != Truth::Yes);
            let sure = |grant: &&Grant| side.says != Says::Allowed || none_is_sure || grant.truth == Truth::Yes;
            facts.extend(side.grants.iter().filter(sure).map(|grant| self.grant(side, passes, grant)));
            for near in &side.near_rules {
                let (name, _) = self.policy(near.policy);
                let (path, span) = self.rule(side.direction, near.policy, near.rule, near.peer);
                facts.push(Fact::new("nearly by", format!("{name} {path}"), span).with_note(wrong_rule(&near.wrong)));
            }
        }
        facts
    }

    fn grant(&self, side: &WhySide, passes: &'static str, grant: &Grant) -> Fact {
        let (name, _) = self.policy(grant.policy);
        let (path, span) = self.rule(side.direction, grant.policy, grant.rule, grant.peer);
        let fact = Fact::new(passes, format!("{name} {path}"), span);
        let fact = match grant.truth {
            Truth::Maybe if side.says != Says::Allowed => Fact { key: "perhaps by", ..fact },
            Truth::No | Truth::Maybe | Truth::Yes => fact,
        };
        if grant.ports.contains(&self.explanation.ports) {
            return fact;
        }
        fact.with_note(format!("on {} only", grant.ports))
    }

    /// What keeps a subject open.
    pub(super) fn open(&self, side: &WhySide) -> String {
        let word = side.direction.word();
        let Some(namespace) = self.situation.world.namespace_of(side.subject) else {
            return "no policy has a say over addresses".to_owned();
        };
        let name = namespace.name.as_deref();
        let managed = self
            .subject
            .flows()
            .map(|flows| name.is_some_and(|name| flows.namespaces.iter().any(|namespace| *namespace.name == *name)));
        match managed {
            Some(false) => {
                let whose = name.map_or("its namespace".to_owned(), |name| format!("namespace {name}"));
                format!("{whose} is not managed by this program, so nothing here isolates it")
            }
            Some(true) => format!("nothing isolates it for {word}"),
            None => format!("no policy isolates it for {word}"),
        }
    }

    /// The flows that nearly allow it.
    pub(super) fn near(&self) -> Vec<Fact> {
        let fact = |near: &NearFlow| {
            let (text, span) = self.origin(&near.origin);
            Fact::new("nearly", text, span).with_note(wrong(&near.wrong))
        };
        self.explanation.near_flows.iter().map(fact).collect()
    }

    /// The assertions that the flow would break.
    pub(super) fn forbidden(&self) -> Vec<Fact> {
        let statements = self.explanation.forbidden.iter().filter_map(|id| self.subject.flows()?.statement(*id));
        statements.map(|one| Fact::new("forbidden by", &*one.text, Some(one.span))).collect()
    }

    /// Facts that hold for both sides.
    pub(super) fn remarks(&self) -> Vec<String> {
        let explanation = &self.explanation;
        let mut remarks = self.notes.clone();
        let pair = |source, destination| format!("{} -> {}", self.name(source), self.name(destination));
        if explanation.itself {
            remarks.push("both are one pod, and no policy keeps a pod from itself".to_owned());
        }
        if let Some(family) = explanation.over {
            remarks.push(format!("over {family} only: by their other addresses, it is denied"));
        }
        let both_let_through = explanation.sides.iter().all(|side| side.says == Says::Allowed);
        if explanation.says == Says::Denied && both_let_through {
            remarks.push(
                "each side lets it through over another family of addresses, and a connection is made over one"
                    .to_owned(),
            );
        }
        if let Some((source, destination)) = explanation.unlike {
            remarks.push(format!("not all that were asked for are alike: {} is allowed", pair(source, destination)));
        }
        if explanation.says == Says::Unknown {
            remarks.extend(explanation.doubts.iter().map(|doubt| format!("nobody said {doubt}")));
            remarks.extend(remedies(&explanation.doubts, self.subject));
        }
        remarks.extend(self.subject.step().map(of_answer));
        remarks.extend(incomplete(self.subject.unmodelled(), self.subject.unread()));
        remarks
    }

    /// What it still depends on once all is written that is to be, and what would say it.
    pub(super) fn left(&self, doubts: &[Doubt]) -> Vec<String> {
        if doubts.is_empty() {
            return Vec::new();
        }
        let left = format!("then it is not known yet: nobody said {}", first_doubts(doubts));
        [left].into_iter().chain(remedies(doubts, self.subject)).collect()
    }
}

/// Names; of many, only the first.
fn listed(names: &[String]) -> String {
    const MOST: usize = 4;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST { format!("{shown} and {} more", names.len() - MOST) } else { shown }
}

/// The namespaces that a selector asks for.
fn namespaces(selector: &Selector) -> String {
    match selector.required_value(NAMESPACE_NAME) {
        Some(names) => format!("namespace {}", names.join(", ")),
        None => format!("namespaces with ({})", selector),
    }
}

/// What is wrong with a flow.
pub(in crate::cli) fn wrong(wrong: &Wrong) -> String {
    let who = |who: &str, misfit: &Misfit| match misfit {
        Misfit::Labels { missing, close: true } => format!("only if the {who} had ({})", missing),
        Misfit::Labels { missing, close: false } => format!("is for another {who}: ({})", missing),
        Misfit::Namespace(selector) => format!("is for a {who} in {}", namespaces(selector)),
        Misfit::Addresses(_) => format!("is for other addresses as the {who}"),
        Misfit::Kind => format!("is for another {who}"),
    };
    match wrong {
        Wrong::Ports(ports) => format!("is about {ports}"),
        Wrong::Source(misfit) => who("source", misfit),
        Wrong::Destination(misfit) => who("destination", misfit),
        Wrong::OneSide(side) => format!("opens only the side of {}", side.word()),
        Wrong::NotStated(name, labels) => format!("the program does not state that namespace {name} has ({labels})"),
        Wrong::Reverse => "is the other way round".to_owned(),
        Wrong::Dns => "these are not among its DNS servers".to_owned(),
    }
}

/// What is wrong with a rule.
fn wrong_rule(wrong: &WrongRule) -> String {
    match wrong {
        WrongRule::Ports(ports) => format!("is about {ports}"),
        WrongRule::Peer(Misfit::Labels { missing, close: true }) => format!("only with labels ({})", missing),
        WrongRule::Peer(Misfit::Labels { missing, close: false }) => format!("is for ({})", missing),
        WrongRule::Peer(Misfit::Namespace(selector)) => format!("is for {}", namespaces(selector)),
        WrongRule::Peer(Misfit::Addresses(_) | Misfit::Kind) => "is for other addresses".to_owned(),
        WrongRule::Subject(missing) => {
            format!("does not select this pod, which lacks ({})", missing)
        }
    }
}
