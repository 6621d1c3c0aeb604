//! Who may reach whom: what `polder reach` says of the policies, once they are proved.

use super::names;
use super::program::Program;
use crate::ask::{
    self, Asked, Between, Detail, Ends, Everyone, GroupName, IsolatedShare, Names, RowNames, Sheet, Summary,
};
use crate::cover::Budget;
use crate::flow::{FlowSet, PartyId};
use crate::model::{BuiltIn, Endpoint, Model};
use crate::net::Direction;
use crate::session::Session;
use crate::source::Span;
use crate::table::known;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// Why nothing is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silence {
    /// The program has errors.
    Errors,
    /// The policies cannot be proved to mean what the program says.
    Unproved(String),
    /// It takes too many steps.
    TooHard,
}

impl Silence {
    /// Why nothing is said about the policies of a program.
    pub(super) fn of(session: &Session) -> Silence {
        session.disproof().map_or(Silence::Errors, |disproof| Silence::Unproved(disproof.message.clone()))
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::Errors => f.write_str("not known while the program has errors"),
            Silence::Unproved(why) => write!(f, "not known for an internal error of polder: {why}"),
            Silence::TooHard => f.write_str("not known, for it takes too many steps to find out"),
        }
    }
}

/// One of those on the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReachPeer {
    /// What `polder reach` calls it; from within the namespace of the question, what is short there.
    pub text: String,
    /// The names that it can be asked for by; none when nobody has a name for it.
    pub names: Vec<String>,
    /// How far off it is: of the same namespace, of another one, or declared nowhere.
    distance: u8,
}

/// Who may reach something, or what it may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReachPeers {
    /// How many of those that are asked about are isolated in that direction.
    pub isolated: IsolatedShare,
    /// Those on the other end that are told of.
    pub all: Vec<ReachPeer>,
}

impl ReachPeers {
    /// They in words, so many by name.
    pub(super) fn text(&self, direction: Direction, most: usize) -> String {
        let mut words: Vec<&str> = self.all.iter().take(most).map(|peer| peer.text.as_str()).collect();
        let more = self.all.len().saturating_sub(most);
        let more = (more > 0).then(|| format!("{more} more"));
        words.extend(more.as_deref());
        let others = match (self.isolated, direction) {
            (IsolatedShare::Yes, _) => None,
            (IsolatedShare::No, Direction::Ingress) => Some("whoever may leave"),
            (IsolatedShare::No, Direction::Egress) => Some("all that is open"),
            (IsolatedShare::Partly, Direction::Ingress) => Some("whoever may leave for some of them"),
            (IsolatedShare::Partly, Direction::Egress) => Some("all that is open for some of them"),
        };
        match (words.split_last(), others.or(more.as_deref())) {
            (None, None) => "nobody".to_owned(),
            (None, Some(others)) => others.to_owned(),
            (Some(_), None) => words.join(", "),
            (Some((_, first)), Some(last)) => {
                let first = if others.is_some() { words.as_slice() } else { first };
                format!("{} and {last}", first.join(", "))
            }
        }
    }
}

/// A program that can be asked.
pub(super) struct ReachQuery<'a> {
    model: &'a Model,
    flows: &'a FlowSet,
    everyone: &'a Everyone<'a>,
    sheet: &'a Sheet<'a, 'a>,
    /// All rows, with what is told of the last question.
    told: RefCell<ask::Reach>,
    names: Names,
}

/// Asks a program questions.
pub(super) fn look<T>(program: &Program, question: impl FnOnce(&ReachQuery<'_>) -> T) -> Result<T, Silence> {
    let session = program.session();
    let (Some(model), Some(flows), Some(policies)) = (session.model(), session.flows(), session.proved_policies())
    else {
        return Err(Silence::of(session));
    };
    let everyone = Everyone::new(&[flows], &[&policies.policies], &[], &[], &flows.facts);
    let grants = everyone.grants(&policies.policies);
    let sheet = Sheet::new(&everyone, &grants, [None, None], &mut Budget::of_question());
    let groups: Vec<GroupName> = everyone.groups.iter().map(|group| group.name.clone()).collect();
    let sheet = sheet.map_err(|_| Silence::TooHard)?;
    let (names, rows) = (Names::new(&groups), sheet.rows());
    let told = RefCell::new(ask::Reach { groups, rows, ..ask::Reach::default() });
    Ok(question(&ReachQuery { model, flows, everyone: &everyone, sheet: &sheet, told, names }))
}

impl ReachQuery<'_> {
    /// Who may reach what is called so (ingress), or what that may reach (egress), as it is called from within a namespace.
    pub(super) fn peers(&self, name: &str, direction: Direction, home: Option<&str>) -> Result<ReachPeers, Silence> {
        let asked = Asked::Name(name.to_owned());
        let mut budget = Budget::of_question();
        let between = match direction {
            Direction::Ingress => [None, Some(&asked)],
            Direction::Egress => [Some(&asked), None],
        };
        let [ingress, egress] = self.sheet.isolated(&asked, &mut budget).map_err(|_| Silence::TooHard)?;
        let mut told = self.told.borrow_mut();
        told.cells = self.sheet.cells(between, &mut budget).map_err(|_| Silence::TooHard)?;
        let mut all: Vec<ReachPeer> = Vec::new();
        for cell in told.lines() {
            let row = match direction {
                Direction::Ingress => cell.source,
                Direction::Egress => cell.destination,
            };
            let Some(row) = told.row(row) else { continue };
            let (text, names) = (self.names.of(row, home), asked_by(&row.names));
            let is_near = home.is_some() && self.names.home(row).as_deref() == home;
            let distance = if is_declared(&row.names) { u8::from(!is_near) } else { 2 };
            let peer = ReachPeer { text, names, distance };
            if !all.contains(&peer) {
                all.push(peer);
            }
        }
        all.sort_by_key(|peer| peer.distance);
        let isolated = if direction == Direction::Ingress { ingress } else { egress };
        Ok(ReachPeers { isolated, all })
    }

    /// All that is allowed, as lines.
    pub(super) fn summary(&self) -> Result<Summary, Silence> {
        let between = Between { from: None, to: None, detail: Detail::Lines };
        let summary = self.sheet.reach::<()>(between, &mut |_, _| Ok(None), &mut Budget::of_question());
        summary.map_err(|_| Silence::TooHard)
    }

    /// What an endpoint of the program can be asked for by.
    pub(super) fn name(&self, endpoint: Endpoint) -> Option<String> {
        name(self.model, endpoint)
    }

    /// The endpoint that is called so; none for those that nothing declares.
    pub(super) fn endpoint(&self, name: &str) -> Option<Endpoint> {
        let namespaces = self.model.namespaces.ids().map(Endpoint::Namespace);
        let declared = names::endpoints(self.model).map(|(endpoint, ..)| endpoint);
        let built_in = BuiltIn::ALL.into_iter().map(Endpoint::BuiltIn);
        namespaces.chain(declared).chain(built_in).find(|one| self.name(*one).as_deref() == Some(name))
    }

    /// The statements with flows that are about two ends, by what they are called.
    pub(super) fn statements(&self, source: &str, destination: &str) -> Vec<Span> {
        let mut budget = Budget::of_question();
        let find = |name: &str| self.everyone.find(&Asked::Name(name.to_owned())).unwrap_or_default();
        let (source, destination) = (find(source), find(destination));
        let mut known: BTreeMap<(PartyId, bool), bool> = BTreeMap::new();
        let mut spans = Vec::new();
        for flow in &self.flows.flows {
            let mut is_about = |party: PartyId, is_source: bool| {
                let ends = if is_source { &source } else { &destination };
                *known.entry((party, is_source)).or_insert_with(|| self.holds(party, ends, &mut budget))
            };
            if is_about(flow.source, true)
                && flow.targets.iter().any(|(target, _)| is_about(*target, false))
                && let Some(statement) = self.flows.statement(flow.statement)
                && !spans.contains(&statement.span)
            {
                spans.push(statement.span);
            }
        }
        spans
    }

    /// Whether a party has all of some ends, or is among them.
    fn holds(&self, party: PartyId, ends: &[Ends], budget: &mut Budget) -> bool {
        let leaves = &known(self.flows.party(party)).leaves;
        let places = leaves.iter().filter_map(|leaf| known(self.flows.party(*leaf)).place.as_ref());
        let space = &self.everyone.space;
        let theirs: Vec<Ends> =
            places.flat_map(|place| self.flows.peers(place)).flat_map(|peers| space.ends(&peers)).collect();
        let mut covers = |wide: &[Ends], narrow: &[Ends]| {
            let mut all = narrow.iter().map(|end| space.covers(wide, end, budget));
            !narrow.is_empty() && all.all(Result::unwrap_or_default)
        };
        covers(&theirs, ends) || covers(ends, &theirs)
    }
}

/// What an endpoint of the program can be asked for by; none for names of DNS, whose addresses nobody knows.
pub(super) fn name(model: &Model, endpoint: Endpoint) -> Option<String> {
    (!matches!(endpoint, Endpoint::Fqdn(_))).then(|| model.asked_for(endpoint))
}

/// Whether the program has a word for a row.
fn is_declared(row: &RowNames) -> bool {
    match row {
        RowNames::Groups(groups) => groups.iter().any(|group| match group {
            GroupName::Tier(..) | GroupName::Labelled(_) | GroupName::Cidr(..) | GroupName::BuiltIn(_) => true,
            GroupName::Workload(..)
            | GroupName::Pods(..)
            | GroupName::Selected(..)
            | GroupName::Dns(_)
            | GroupName::Rest(_)
            | GroupName::Addresses(_)
            | GroupName::OtherAddresses => false,
        }),
        RowNames::Namespace(_) | RowNames::Cluster | RowNames::Anywhere | RowNames::Asked(_) => true,
        RowNames::Isolated(_) | RowNames::NotIsolated(_) | RowNames::PodsNotIsolated(_) => false,
    }
}

/// The names that a row can be asked for by.
fn asked_by(row: &RowNames) -> Vec<String> {
    match row {
        RowNames::Groups(groups) => groups.iter().map(ToString::to_string).collect(),
        RowNames::Namespace(name) => vec![format!("{name}/*")],
        RowNames::Cluster => vec!["cluster".to_owned()],
        RowNames::Anywhere => vec!["anywhere".to_owned()],
        RowNames::Asked(text) => vec![text.clone()],
        RowNames::Isolated(_) | RowNames::NotIsolated(_) | RowNames::PodsNotIsolated(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::lsp::overlay::Overlay;
    use crate::lsp::program::{FileSpot, Key};
    use crate::lsp::{command, hierarchy, hover, lens};
    use crate::session::{Memory, with_wrong_policies};
    use crate::source::Encoding;
    use std::path::Path;

    const TEXT: &str = "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n";

    fn load() -> Program {
        let system = Memory::default().with("/p/polder.toml", "").with("/p/a.polder", TEXT);
        let overlay = Overlay::new(Box::new(system));
        Program::load(&Key::Project("/p".into()), &overlay, &BTreeMap::new(), Encoding::Utf16, None)
    }

    /// What hovers, the lenses and the call hierarchy of the first tier say, and the manifests.
    fn said(program: &Program) -> [String; 5] {
        let file = program.file(Path::new("/p/a.polder")).unwrap();
        let at = |word: &str| FileSpot { file, offset: TEXT.find(word).unwrap() + 5 };
        let lenses: Vec<String> =
            lens::lenses(program, file, true).iter().map(|lens| lens.command.as_ref().unwrap().title.clone()).collect();
        let root = hierarchy::prepare(program, at("tier a")).pop().unwrap();
        [
            lenses.join("\n"),
            format!("{:?}", hover::hover(program, at("tier a")).unwrap()),
            format!("{:?}", hover::hover(program, at("-> b")).map(|hover| hover.contents)),
            hierarchy::outgoing(program, &root).iter().map(|call| call.to.name.clone()).collect(),
            command::manifests(program, None).unwrap_or_default(),
        ]
    }

    #[test]
    fn an_editor_is_told_nothing_from_policies_that_are_not_proved() {
        let [lenses, tier, _, calls, manifests] = said(&load());
        assert!(lenses.contains("reachable from nobody · reaches b") && tier.contains("Reaches: `shop/b`"), "{lenses}");
        assert!(calls.contains("shop/b") && manifests.contains("NetworkPolicy"), "{calls}");
        let [lenses, tier, flow, calls, manifests] = with_wrong_policies(|| said(&load()));
        let why = "internal error of polder: the policies would";
        assert!(lenses.contains(why) && !lenses.contains("reachable from") && !lenses.contains("polic\n"), "{lenses}");
        assert!(tier.contains(why) && !tier.contains("Reaches"), "{tier}");
        assert!(!flow.contains("Becomes part"), "{flow}");
        assert_eq!((calls.as_str(), manifests.as_str()), ("", ""));
    }
}
