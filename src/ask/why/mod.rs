//! Why two ends may connect or not: what isolates each of them, what lets them through, and what nearly does.

mod draft_policy;
mod membership;
mod policies;
mod port_lists;
mod program;
mod suggest;

pub use draft_policy::policies_for;
pub use membership::Misfit;
pub use policies::{NearRule, WrongRule};
pub use port_lists::say_the_same_but_for;
pub use program::{NearFlow, Origin, Setting, Wrong};
pub use suggest::{AskedEnd, Edit, suggest};

use super::can::{Doubtful, can, doubts};
use crate::engine::{Doubt, EndId, Engine, Grant, RulingMatch};
use crate::flow::{FlowSet, StatementId};
use crate::model::Model;
use crate::net::{Direction, Family, PortSet, Truth};
use crate::netpol::RulingAction;

/// How many near misses are told.
const MOST_NEAR: usize = 5;

/// A program that the policies come from.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// What it declares.
    pub model: &'a Model,
    /// Its flows.
    pub flows: &'a FlowSet,
}

/// What there is to know about a connection.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The one who connects.
    pub source: EndId,
    /// To whom.
    pub destination: EndId,
    /// The ports that the answer is about: of those that were asked for, the ones that are denied or unknown, if any.
    pub ports: PortSet,
    /// The answer.
    pub says: Says,
    /// Two other ends that were asked for, which may connect although these may not, or not for sure.
    pub unlike: Option<(EndId, EndId)>,
    /// The family over which alone it is allowed.
    pub over: Option<Family>,
    /// Whether both ends are one pod, which no policy keeps from itself.
    pub itself: bool,
    /// The egress side of the source, and the ingress side of the destination.
    pub sides: [WhySide; 2],
    /// All that is allowed between the two.
    pub allowed: PortSet,
    /// What would have to be known.
    pub doubts: Vec<Doubt>,
    /// The flows of the program that nearly allow it, the nearest first; only when it is denied.
    pub near_flows: Vec<NearFlow>,
    /// The assertions that a flow which allows it would break.
    pub forbidden: Vec<StatementId>,
}

/// An answer, of one side or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// All the ports are allowed.
    Allowed,
    /// Some port is not.
    Denied,
    /// It is not known.
    Unknown,
}

impl Says {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Says::Allowed => "allowed",
            Says::Denied => "denied",
            Says::Unknown => "unknown",
        }
    }
}

/// One side of a connection.
#[derive(Debug, Clone)]
pub struct WhySide {
    /// The direction, as seen from the subject.
    pub direction: Direction,
    /// The end whose policies decide.
    pub subject: EndId,
    /// The other end.
    pub peer: EndId,
    /// What it says about the ports.
    pub says: Says,
    /// The rules of the whole cluster that are or may be about the ports, in the order in which they decide.
    pub rulings: Vec<RulingMatch>,
    /// The policies that isolate the subject, by their place; none when it is open.
    pub isolating: Vec<usize>,
    /// The statements of the program that isolate it.
    pub settings: Vec<Setting>,
    /// The rules that let some of the ports through.
    pub grants: Vec<Grant>,
    /// The statements of the program that do.
    pub origins: Vec<Origin>,
    /// The rules that nearly let the ports through, when the side denies some; only without a program.
    pub near_rules: Vec<NearRule>,
}

impl WhySide {
    /// Whether nothing isolates the subject, and no rule of the whole cluster is about it.
    pub fn is_open(&self) -> bool {
        self.isolating.is_empty() && self.rulings.is_empty()
    }

    /// The rule of the whole cluster that denies some of the ports for sure, whatever policies of namespaces say.
    pub fn denied_by(&self) -> Option<&RulingMatch> {
        let denies = |one: &&RulingMatch| one.action == RulingAction::Deny && one.truth == Truth::Yes;
        self.rulings.iter().find(denies).filter(|_| self.says == Says::Denied)
    }
}

impl Explanation {
    /// Whether neither end is isolated.
    pub fn is_open(&self) -> bool {
        self.sides.iter().all(WhySide::is_open)
    }
}

/// Why each of `from` may connect to each of `to`, or why not, by the first two that have the answer of all; `None` when
/// no two of them can both exist. The ports are those that are asked for at each destination.
pub fn why(
    engine: &Engine<'_>,
    program: Option<Program<'_>>,
    from: &[EndId],
    to: &[(EndId, PortSet)],
    doubtful: &Doubtful,
) -> Option<Explanation> {
    let answer = can(engine, from, to, doubtful);
    let all = (from, to);
    let (says, (source, destination, ports)) = match (answer.is_yes(), answer.denied, answer.unknown) {
        (Some(false), Some(denied), _) => (Says::Denied, denied),
        (None, _, Some(unknown)) => (Says::Unknown, unknown),
        _ => {
            let is_meant = |end: &EndId| !doubtful.contains_key(end);
            let from: Vec<EndId> = from.iter().copied().filter(is_meant).collect();
            let to: Vec<(EndId, PortSet)> = to.iter().filter(|(end, _)| is_meant(end)).cloned().collect();
            // Where nobody is meant for sure, all who may be may connect.
            (Says::Allowed, telling(engine, &from, &to).or_else(|| telling(engine, all.0, all.1))?)
        }
    };
    let itself = engine.is_itself(source, destination);
    let side = |direction, subject, peer| AskedSide { engine, program, direction, subject, peer, ports: &ports }.side();
    let sides = [side(Direction::Egress, source, destination), side(Direction::Ingress, destination, source)];
    let (mut near_flows, mut forbidden) = (Vec::new(), Vec::new());
    if let (Some(program), Says::Denied) = (program, says) {
        near_flows = program.near(engine.world(), source, destination, &ports);
        near_flows.truncate(MOST_NEAR);
        forbidden = program.forbidden(engine.world(), source, destination, &ports);
    }
    Some(Explanation {
        source,
        destination,
        says,
        unlike: answer.allowed.filter(|_| says != Says::Allowed),
        over: engine.only_over(source, destination, &ports).filter(|_| says == Says::Allowed),
        itself,
        sides,
        allowed: engine.between(source, destination).allowed,
        doubts: doubts(engine, source, destination, &ports, doubtful),
        near_flows,
        forbidden,
        ports,
    })
}

/// Of ends that all may connect, two of which most is to be told.
fn telling(engine: &Engine<'_>, from: &[EndId], to: &[(EndId, PortSet)]) -> Option<(EndId, EndId, PortSet)> {
    let mut best: Option<(usize, EndId, EndId, &PortSet)> = None;
    for source in from {
        for (destination, ports) in to {
            if !engine.world().coexist(*source, *destination) {
                continue;
            }
            let isolated = [(Direction::Egress, *source), (Direction::Ingress, *destination)];
            let count = match engine.is_itself(*source, *destination) {
                true => 0,
                false => 1 + isolated.iter().filter(|(direction, end)| engine.is_isolated(*direction, *end)).count(),
            };
            if best.is_none_or(|(most, ..)| count > most) {
                best = Some((count, *source, *destination, ports));
            }
        }
        if best.is_some_and(|(most, ..)| most == 3) {
            break;
        }
    }
    best.map(|(_, source, destination, ports)| (source, destination, ports.clone()))
}

/// One side that is asked about.
struct AskedSide<'a> {
    engine: &'a Engine<'a>,
    program: Option<Program<'a>>,
    direction: Direction,
    subject: EndId,
    peer: EndId,
    ports: &'a PortSet,
}

impl AskedSide<'_> {
    fn side(&self) -> WhySide {
        let AskedSide { engine, program, direction, subject, peer, ports } = *self;
        let world = engine.world();
        let verdict = engine.side_on(direction, subject, peer, ports);
        let says = match () {
            () if verdict.allowed.contains(ports) => Says::Allowed,
            () if verdict.possible().contains(ports) => Says::Unknown,
            () => Says::Denied,
        };
        let decision = engine.decision(direction, subject, peer);
        let destination = if direction == Direction::Egress { peer } else { subject };
        let covers = |least: Truth| {
            move |on: &PortSet| {
                on.overlaps(ports) || (least == Truth::Maybe && engine.may_stand_for(destination, on, ports))
            }
        };
        let mut grants = decision.grants;
        // Without a program, a rule that may be about the ports by a name is among those that nearly are.
        let least = if says == Says::Unknown && program.is_some() { Truth::Maybe } else { Truth::Yes };
        grants.retain(|grant| covers(least)(&grant.ports));
        let isolated = !decision.isolating.is_empty();
        let mut rulings = engine.rulings_about(direction, subject, peer);
        rulings.retain(|one| one.ports.overlaps(ports));
        let mut side = WhySide {
            direction,
            subject,
            peer,
            says,
            rulings,
            isolating: decision.isolating,
            settings: Vec::new(),
            grants,
            origins: Vec::new(),
            near_rules: Vec::new(),
        };
        match program.filter(|_| isolated) {
            Some(program) => {
                side.settings = program.settings(world, direction, subject);
                let origins = |least| program.origins(world, direction, [subject, peer], &covers(least), least);
                side.origins = if says == Says::Unknown { Vec::new() } else { origins(Truth::Yes) };
                // Several of which none is sure may be so together.
                if side.origins.is_empty() {
                    side.origins = origins(Truth::Maybe);
                }
            }
            None if isolated && program.is_none() && says != Says::Allowed && side.denied_by().is_none() => {
                side.near_rules = policies::near(engine, direction, subject, peer, ports);
                let lets = |near: &NearRule| {
                    let is_it = |grant: &Grant| (grant.policy, grant.rule) == (near.policy, near.rule);
                    side.grants.iter().any(is_it)
                };
                side.near_rules.retain(|near| !lets(near));
                side.near_rules.truncate(MOST_NEAR);
            }
            None => {}
        }
        side
    }
}
