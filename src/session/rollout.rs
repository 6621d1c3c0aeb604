//! How far a program is enforced: the `enforce` list of `polder.toml` or of the command line.

use super::config::Config;
use crate::diag::{Code, Diagnostic, closest};
use crate::flow::{EnforcedShare, EnforcedSide, FlowSet, Namespaces, PartyId, PartyName, Place};
use crate::k8s::StagedKind;
use crate::net::Direction;
use crate::source::Span;
use std::str::FromStr;

/// What becomes of what is not enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnenforcedRest {
    /// Nothing is written for it.
    #[default]
    None,
    /// Its policies are written as objects that only show what they would do.
    Staged(StagedKind),
}

impl UnenforcedRest {
    /// All, with their words.
    pub const ALL: [(&'static str, UnenforcedRest); 3] = [
        ("none", UnenforcedRest::None),
        ("calico", UnenforcedRest::Staged(StagedKind::Calico)),
        ("kguardian", UnenforcedRest::Staged(StagedKind::Kguardian)),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        UnenforcedRest::ALL.into_iter().find(|(_, rest)| *rest == self).map_or("none", |(word, _)| word)
    }
}

/// The word for the whole program in a list, and the same where a namespace has that name.
const ALL: &str = "all";
const EVERY: &str = "*";

/// The word for nothing, alone on the command line.
const NONE: &str = "none";

/// An entry of an `enforce` list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforceEntry {
    /// As it was written.
    text: String,
    scope: EnforcedPlace,
    direction: Option<Direction>,
    /// Where it stands, in `polder.toml`.
    at: Option<Span>,
}

/// Which pods an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum EnforcedPlace {
    Nothing,
    Everything,
    Namespace(String),
    Tier(String, String),
}

impl FromStr for EnforceEntry {
    type Err = String;

    fn from_str(text: &str) -> Result<EnforceEntry, String> {
        let text = text.trim();
        let (place, direction) = match text.split_once(':') {
            None => (text, None),
            Some((place, word)) => {
                let known = Direction::ALL.into_iter().find(|direction| direction.word() == word);
                let Some(direction) = known else {
                    let near = closest(word, Direction::ALL.map(Direction::word).into_iter());
                    let near = near.unwrap_or(Direction::Ingress.word());
                    return Err(format!("`{text}` names no direction; write `{place}:{near}`, or `{place}` for both"));
                };
                (place, Some(direction))
            }
        };
        let scope = match place.split_once('/') {
            None if place == ALL || place == EVERY => EnforcedPlace::Everything,
            None if place == NONE && direction.is_none() => EnforcedPlace::Nothing,
            None => EnforcedPlace::Namespace(place.to_owned()),
            Some((namespace, "*")) => EnforcedPlace::Namespace(namespace.to_owned()),
            Some((namespace, tier)) => EnforcedPlace::Tier(namespace.to_owned(), tier.to_owned()),
        };
        let is_name = |name: &String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '/');
        let is_sound = match &scope {
            EnforcedPlace::Nothing | EnforcedPlace::Everything => true,
            EnforcedPlace::Namespace(namespace) => is_name(namespace),
            EnforcedPlace::Tier(namespace, tier) => is_name(namespace) && is_name(tier),
        };
        if !is_sound {
            return Err(format!(
                "`{text}` is no place; write a namespace or a tier, as in `data` or `data/redis:ingress`"
            ));
        }
        Ok(EnforceEntry { text: text.to_owned(), scope, direction, at: None })
    }
}

impl EnforceEntry {
    /// The same, written in a file.
    pub(super) fn placed(self, at: Span) -> EnforceEntry {
        EnforceEntry { at: Some(at), ..self }
    }

    /// Whether it says that nothing is enforced.
    pub(super) fn is_nothing(&self) -> bool {
        self.scope == EnforcedPlace::Nothing
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What is to be enforced of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EnforceChoice {
    /// What `polder.toml` says, if it says so.
    #[default]
    Configured,
    /// The whole program.
    Whole,
    /// These, which the command line names.
    Listed(Vec<EnforceEntry>),
    /// Those of them that there are: an older version need not know all.
    Known(Vec<EnforceEntry>),
}

impl EnforceChoice {
    /// The list, when the project is configured so; `None` is the whole program.
    pub fn of(&self, config: &Config) -> Option<EnforceList> {
        match self {
            EnforceChoice::Configured => EnforceList::of(config),
            EnforceChoice::Whole => None,
            EnforceChoice::Listed(entries) => Some(EnforceList { entries: entries.clone(), ..EnforceList::default() }),
            EnforceChoice::Known(entries) => {
                Some(EnforceList { entries: entries.clone(), only_known: true, ..EnforceList::default() })
            }
        }
    }
}

/// A list of what is enforced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnforceList {
    entries: Vec<EnforceEntry>,
    /// Whether `polder.toml` has it.
    pub is_configured: bool,
    /// Whether it does not matter that an entry names nothing.
    only_known: bool,
}

impl EnforceList {
    /// That of `polder.toml`.
    pub(super) fn of(config: &Config) -> Option<EnforceList> {
        let entries = config.rollout.enforce.clone()?;
        Some(EnforceList { entries, is_configured: true, only_known: false })
    }

    /// The entries, as they were written.
    pub fn texts(&self) -> Vec<String> {
        self.entries.iter().filter(|one| !one.is_nothing()).map(|one| one.text.clone()).collect()
    }

    /// What of a program it names, and what is wrong with entries that name nothing.
    pub(super) fn resolve(&self, flows: &FlowSet) -> (Vec<EnforcedSide>, Vec<Diagnostic>) {
        let (mut sides, mut wrong) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            match entry.resolve(flows) {
                Ok(found) => sides.extend(found),
                Err(_) if self.only_known => {}
                Err(nothing) => wrong.push(nothing.diagnostic(entry)),
            }
            if entry.is_nothing() && self.entries.len() > 1 {
                let help = "leave it out, or leave all else out";
                wrong.push(NamesNothing::new("`none` stands alone: it enforces nothing", help).diagnostic(entry));
            }
        }
        (sides, wrong)
    }
}

/// Why an entry names nothing.
struct NamesNothing {
    message: String,
    help: String,
    mends: Vec<String>,
}

impl NamesNothing {
    fn new(message: impl Into<String>, help: impl Into<String>) -> NamesNothing {
        NamesNothing { message: message.into(), help: help.into(), mends: Vec::new() }
    }

    /// A name that there is not. `known` are the entries that there could be instead.
    fn unknown(message: String, entry: &EnforceEntry, wanted: &str, known: &[String], kind: &str) -> NamesNothing {
        /// More names are not told.
        const MOST: usize = 8;
        let direction = entry.direction.map(|direction| format!(":{}", direction.word())).unwrap_or_default();
        if let Some(near) = closest(wanted, known.iter().map(String::as_str)) {
            let text = format!("{near}{direction}");
            return NamesNothing { message, help: format!("did you mean `{text}`?"), mends: vec![text] };
        }
        let shown: Vec<&str> = known.iter().take(MOST).map(String::as_str).collect();
        let more = known.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        match shown.is_empty() {
            true => NamesNothing::new(message, format!("there is no {kind}; leave the entry out")),
            false => NamesNothing::new(message, format!("there are `{}`{more}", shown.join("`, `"))),
        }
    }

    fn diagnostic(self, entry: &EnforceEntry) -> Diagnostic {
        let Some(at) = entry.at else {
            return Diagnostic::about(Code::E0411, self.message).with_help(self.help);
        };
        let mends = self.mends.into_iter().map(|mend| format!("\"{mend}\""));
        Diagnostic::new(Code::E0403, at, self.message).with_help(self.help).with_mends(at, mends)
    }
}

impl EnforceEntry {
    fn resolve(&self, flows: &FlowSet) -> Result<Vec<EnforcedSide>, NamesNothing> {
        let direction = self.direction;
        self.refuse_ambiguous(flows)?;
        let (place, tier) = match &self.scope {
            EnforcedPlace::Nothing => return Ok(Vec::new()),
            EnforcedPlace::Everything => {
                let namespaces = 0..flows.namespaces.len();
                return Ok(namespaces.map(|namespace| EnforcedSide { namespace, tier: None, direction }).collect());
            }
            EnforcedPlace::Namespace(namespace) => (self.namespace(flows, namespace)?, None),
            EnforcedPlace::Tier(namespace, tier) => {
                let place = self.namespace(flows, namespace)?;
                (place, Some(self.tier(flows, place, tier)?))
            }
        };
        let namespace = &flows.namespaces[place];
        let wanted = Direction::ALL.into_iter().filter(|one| direction.is_none_or(|direction| direction == *one));
        let is_isolated = |one: Direction| {
            let isolation = namespace.isolation(one);
            tier.map_or(!isolation.is_nobody(), |tier| isolation.names(tier))
        };
        if wanted.into_iter().any(is_isolated) {
            return Ok(vec![EnforcedSide { namespace: place, tier, direction }]);
        }
        let sides = direction.map(|direction| format!(" for {}", direction.word())).unwrap_or_default();
        Err(NamesNothing::new(
            format!("`{}` enforces nothing: the program does not isolate it{sides}", self.text),
            format!("leave it out, or write `isolate` for it in namespace `{}`", namespace.declared),
        ))
    }

    /// A namespace may have the name that stands for all or for nothing.
    fn refuse_ambiguous(&self, flows: &FlowSet) -> Result<(), NamesNothing> {
        let word = self.text.split(':').next().unwrap_or_default();
        let is_word = word == ALL || word == NONE;
        if !is_word || !flows.namespaces.iter().any(|one| *one.declared == *word) {
            return Ok(());
        }
        let message = format!("`{}` could be the namespace of that name, too", self.text);
        let other = if word == ALL { ", `*` every namespace" } else { ", an empty list in polder.toml nothing" };
        Err(NamesNothing::new(message, format!("`{word}/*` is the namespace{other}")))
    }

    fn namespace(&self, flows: &FlowSet, name: &str) -> Result<usize, NamesNothing> {
        let all = || flows.namespaces.iter();
        let declared = all().position(|one| *one.declared == *name);
        if let Some(place) = declared.or_else(|| all().position(|one| *one.name == *name)) {
            return Ok(place);
        }
        let is_external = flows.parties.iter().any(|party| match &party.name {
            PartyName::AllPods(one) => **one == *name,
            PartyName::Local(..) | PartyName::Global(_) | PartyName::BuiltIn(_) => false,
        });
        if is_external {
            let message = format!("`{}` enforces nothing: namespace `{name}` is external", self.text);
            return Err(NamesNothing::new(message, "leave it out: only what the program manages is isolated"));
        }
        let known: Vec<String> = all().map(|one| one.declared.to_string()).collect();
        let message = format!("`{}` names no namespace of the program", self.text);
        let mut nothing = NamesNothing::unknown(message, self, name, &known, "namespace");
        if let EnforcedPlace::Tier(_, tier) = &self.scope {
            // The near name stands in front of the tier.
            let whole = |text: &String| match text.split_once(':') {
                Some((namespace, direction)) => format!("{namespace}/{tier}:{direction}"),
                None => format!("{text}/{tier}"),
            };
            nothing.mends = nothing.mends.iter().map(whole).collect();
            if let Some(mend) = nothing.mends.first() {
                nothing.help = format!("did you mean `{mend}`?");
            }
        }
        Err(nothing)
    }

    fn tier(&self, flows: &FlowSet, place: usize, name: &str) -> Result<PartyId, NamesNothing> {
        let tiers = tiers(flows, place);
        if let Some((id, _)) = tiers.iter().find(|(_, own)| *own == name) {
            return Ok(*id);
        }
        let namespace = &flows.namespaces[place].declared;
        let known: Vec<String> = tiers.iter().map(|(_, own)| format!("{namespace}/{own}")).collect();
        let message = format!("`{}` names no tier of namespace `{namespace}`", self.text);
        Err(NamesNothing::unknown(message, self, &format!("{namespace}/{name}"), &known, "tier"))
    }
}

/// The tiers of a managed namespace.
pub(super) fn tiers(flows: &FlowSet, place: usize) -> Vec<(PartyId, &str)> {
    let owner = &flows.namespaces[place].name;
    let own = flows.parties.ids().zip(flows.parties.iter()).filter_map(|(id, party)| {
        let PartyName::Local(home, name) = &party.name else { return None };
        let is_tier = home == owner
            && matches!(&party.place, Some(Place::Pods { namespaces: Namespaces::Managed(index), .. }) if *index == place);
        is_tier.then_some((id, &**name))
    });
    let mut own: Vec<(PartyId, &str)> = own.collect();
    own.sort_unstable_by_key(|(_, name)| *name);
    own
}

/// What is enforced of a program, to be told beside an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStep {
    /// The entries, as they were written.
    pub listed: Vec<String>,
    /// Whether `polder.toml` has them.
    pub is_configured: bool,
    /// How many directions of namespaces are enforced for all that the program isolates there.
    pub whole: usize,
    /// How many for a part of it.
    pub in_part: usize,
    /// How many there are.
    pub sides: usize,
}

impl RolloutStep {
    /// The step that `list` makes of a program.
    pub(super) fn new(list: &EnforceList, flows: &FlowSet, step: &FlowSet) -> RolloutStep {
        let shares = flows.shares(step);
        let count = |wanted| shares.iter().filter(|(.., share)| *share == wanted).count();
        RolloutStep {
            listed: list.texts(),
            is_configured: list.is_configured,
            whole: count(EnforcedShare::All),
            in_part: count(EnforcedShare::Part),
            sides: shares.len(),
        }
    }

    /// The step that `polder.toml` enforces of a program.
    pub(super) fn configured(config: &Config, flows: &FlowSet) -> Option<RolloutStep> {
        let list = EnforceList::of(config)?;
        let mut step = flows.clone();
        step.enforce_only(&list.resolve(flows).0);
        Some(RolloutStep::new(&list, flows, &step)).filter(|step| !step.is_done())
    }

    /// Whether everything is enforced that the program isolates.
    pub fn is_done(&self) -> bool {
        self.whole == self.sides
    }

    /// Whether nothing is.
    pub fn is_nothing(&self) -> bool {
        self.whole == 0 && self.in_part == 0
    }
}
