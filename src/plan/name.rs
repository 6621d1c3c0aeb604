//! Names of policies: readable, unique, and dependent on nothing but the declarations.
//!
//! `allow-SUBJECT-to-PEER` and `allow-SUBJECT-from-PEER`. A name in Polder has no dot, so a dot never comes from one:
//! a peer of another namespace is `NAMESPACE.NAME`, and where a short form could be read in two ways a longer one with
//! more dots is taken. Where dots do not help either, as with a tier called `to` in another one, everything is spelled
//! out behind `allow.`, with which no other name begins.

use super::concern::{Concern, Towards};
use super::subject::SubjectName;
use crate::flow::{FlowSet, Party, PartyId, PartyName};
use crate::net::Direction;
use crate::table::Table;
use sha2::{Digest, Sha256};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// The longest name: with `.yaml` it has to fit into a file name, of 255 bytes. Kubernetes takes 253 (DNS-1123 subdomain).
const LONGEST: usize = 250;

/// Gives names to the policies of one flow set.
#[derive(Debug)]
pub(super) struct Namer<'a> {
    set: &'a FlowSet,
    /// Of each party, whether its namespace and whether its name hold one of the words between parts.
    ambiguous: Table<PartyId, [bool; 2]>,
}

impl<'a> Namer<'a> {
    /// A namer for the policies of `set`.
    pub(super) fn new(set: &'a FlowSet) -> Self {
        let ambiguous = |party: &Party| match &party.name {
            PartyName::Local(owner, name) => [has_joint(owner), has_joint(name)],
            PartyName::Global(name) => [false, has_joint(name)],
            PartyName::AllPods(owner) => [has_joint(owner), false],
            PartyName::BuiltIn(_) => [false, false],
        };
        Namer { set, ambiguous: set.parties.iter().map(ambiguous).collect() }
    }

    /// The name of a concern's policy in the layout `flow`, in the namespace of its subject.
    pub(super) fn concern(&self, namespace: &Arc<str>, subject: &SubjectName, concern: &Concern) -> String {
        let mut name = String::new();
        self.push_concern(namespace, subject, concern, &mut name);
        name
    }

    /// Appends [`Namer::concern`].
    pub(super) fn push_concern(
        &self,
        namespace: &Arc<str>,
        subject: &SubjectName,
        concern: &Concern,
        out: &mut String,
    ) {
        match concern.towards {
            Towards::Dns => out.push_str(&self.dns(namespace, subject, concern.direction)),
            Towards::Party(peer) => self.push_allow(namespace, subject, concern.direction, peer, out),
        }
    }

    /// Appends `allow-SUBJECT-to-PEER` or `allow-SUBJECT-from-PEER`.
    fn push_allow(
        &self,
        namespace: &Arc<str>,
        subject: &SubjectName,
        direction: Direction,
        peer: PartyId,
        out: &mut String,
    ) {
        let (Party { name: peer, .. }, [owner_ambiguous, name_ambiguous]) =
            (&self.set.parties[peer], &self.ambiguous[peer]);
        let own = matches!(peer, PartyName::Local(owner, _) | PartyName::AllPods(owner) if owner == namespace);
        let ambiguous = *name_ambiguous || (*owner_ambiguous && !own);
        let peer = self.peer(namespace, peer);
        debug_assert_eq!(
            ambiguous,
            is_ambiguous(&peer),
            "what is known of a party is what its name in this place says"
        );
        let word = match direction {
            Direction::Egress => "to",
            Direction::Ingress => "from",
        };
        let start = out.len();
        match self.subject(namespace, subject).filter(|subject| tells_where_it_ends(subject, &peer)) {
            Some(subject) => {
                let dotted = ambiguous || subject.len() > 1 || is_ambiguous(&subject);
                let joint = if dotted { "." } else { "-" };
                out.push_str("allow-");
                push_joined(&subject, out);
                [joint, word, joint].into_iter().for_each(|piece| out.push_str(piece));
            }
            None => {
                push_joined(&spelled(subject), out);
                [".", word, "."].into_iter().for_each(|piece| out.push_str(piece));
            }
        }
        push_joined(&peer, out);
        if out.len() - start > LONGEST {
            let name = out.split_off(start);
            out.push_str(&fit(name));
        }
    }

    /// The one policy of a subject in a direction, in the layouts that group by tier.
    pub(super) fn tier(&self, namespace: &Arc<str>, subject: &SubjectName, direction: Direction) -> String {
        match self.subject(namespace, subject) {
            Some(subject) => fit(format!("allow-{}.{}", subject.join("."), direction.word())),
            None => fit(format!("{}.{}", spelled(subject).join("."), direction.word())),
        }
    }

    /// `default-deny-all`, or with the direction, and with the tier when it is for one.
    pub(super) fn deny(&self, subject: &SubjectName, scope: &str) -> String {
        let start = format!("default-deny-{scope}");
        match subject {
            SubjectName::Every => start,
            SubjectName::Tier(name) => fit(behind(&start, &[name])),
            // Only whole tiers are isolated.
            SubjectName::Both(..) | SubjectName::Foreign(..) | SubjectName::Dns | SubjectName::StrictDns => {
                fit(format!("{start}.{}", spelled(subject).join(".")))
            }
        }
    }

    /// `allow-dns-egress` and `allow-dns-ingress`, with the tier when it is for one.
    fn dns(&self, namespace: &Arc<str>, subject: &SubjectName, direction: Direction) -> String {
        let start = format!("allow-dns-{}", direction.word());
        match subject {
            SubjectName::Every | SubjectName::Dns => return start,
            SubjectName::StrictDns => return format!("{start}.strict"),
            SubjectName::Tier(_) | SubjectName::Both(..) | SubjectName::Foreign(..) => {}
        }
        // With several parts it could be the policy of a flow, or of the tier in the layouts that group by tier.
        let by_itself = |parts: &Segments<'_>| match parts.as_slice() {
            [_] => true,
            [inner @ .., last] => !inner.iter().any(|part| is_joint(part)) && !matches!(*last, "ingress" | "egress"),
            [] => false,
        };
        match self.subject(namespace, subject).filter(by_itself) {
            Some(subject) => fit(behind(&start, &subject)),
            None => fit(format!("{}.dns.{}", spelled(subject).join("."), direction.word())),
        }
    }

    fn is_declared(&self, namespace: Option<&Arc<str>>, name: &str) -> bool {
        self.set.declared.contains(&(namespace.cloned(), Arc::from(name)))
    }

    /// A subject as policies of its namespace call it, or `None` where another one could be meant.
    fn subject<'n>(&self, namespace: &Arc<str>, subject: &'n SubjectName) -> Option<Segments<'n>> {
        let is_free = |name: &str| !self.is_declared(Some(namespace), name);
        Some(match subject {
            SubjectName::Every => own_pods(is_free("all-pods")),
            SubjectName::Tier(name) => smallvec![&**name],
            SubjectName::Foreign(owner, name) => {
                let parts: Segments<'_> = smallvec![&**owner, &**name, HERE];
                return Some(parts).filter(|parts| *parts != own_pods(false) || is_free("all-pods"));
            }
            // Only what DNS needs is about all DNS pods.
            SubjectName::Dns | SubjectName::StrictDns => return None,
            SubjectName::Both(one, other) => {
                let SubjectName::Tier(isolated) = &**other else { return None };
                match &**one {
                    SubjectName::Tier(name) => smallvec![&**name, &**isolated],
                    SubjectName::Dns if is_free(DNS) => smallvec![DNS, &**isolated],
                    SubjectName::StrictDns if is_free(STRICT_DNS) => smallvec![STRICT_DNS, &**isolated],
                    SubjectName::Foreign(owner, name) if **isolated != *HERE => {
                        smallvec![&**owner, &**name, &**isolated]
                    }
                    SubjectName::Every
                    | SubjectName::Both(..)
                    | SubjectName::Foreign(..)
                    | SubjectName::Dns
                    | SubjectName::StrictDns => return None,
                }
            }
        })
    }

    fn peer<'n>(&self, namespace: &Arc<str>, peer: &'n PartyName) -> Segments<'n> {
        match peer {
            PartyName::Local(owner, name) if owner == namespace => smallvec![&**name],
            PartyName::Local(owner, name) => smallvec![&**owner, &**name],
            PartyName::Global(name) if self.is_declared(Some(namespace), name) => smallvec![&**name, "of", "program"],
            PartyName::Global(name) => smallvec![&**name],
            PartyName::AllPods(owner) if owner == namespace => {
                let taken = self.is_declared(Some(namespace), "all-pods") || self.is_declared(None, "all-pods");
                own_pods(!taken)
            }
            PartyName::AllPods(owner) if self.is_declared(Some(owner), "all") => smallvec![&**owner, "all", "pods"],
            PartyName::AllPods(owner) => smallvec![&**owner, "all"],
            PartyName::BuiltIn(name) => smallvec![*name],
        }
    }
}

/// The parts of a name that dots part; none of them has a dot.
type Segments<'n> = SmallVec<[&'n str; 3]>;

/// The end of what has dots though it is in this namespace.
const HERE: &str = "here";

/// The DNS pods that a tier isolates, as the first of two segments.
const DNS: &str = "dns";

/// The same of those with the label of `dns strict`.
const STRICT_DNS: &str = "strict-dns";

fn own_pods<'n>(is_free: bool) -> Segments<'n> {
    if is_free { smallvec!["all-pods"] } else { smallvec!["all", "pods", HERE] }
}

/// A subject in words that cannot be read as another one: the first of each says how many names follow.
fn spelled(subject: &SubjectName) -> Segments<'_> {
    let mut words: Segments<'_> = smallvec!["allow"];
    push_spelled(subject, &mut words);
    words
}

fn push_spelled<'n>(subject: &'n SubjectName, words: &mut Segments<'n>) {
    match subject {
        SubjectName::Every => words.push("all-pods"),
        SubjectName::Tier(name) => words.extend(["tier", name]),
        SubjectName::Foreign(owner, name) => words.extend(["tier-of", owner, name]),
        SubjectName::Dns => words.push("dns-pods"),
        SubjectName::StrictDns => words.push("strict-dns-pods"),
        SubjectName::Both(one, other) => {
            words.push("both");
            [one, other].into_iter().for_each(|part| push_spelled(part, words));
        }
    }
}

/// Whether a dotted name shows where its subject ends: the only segment inside that is one of the words between parts is
/// the one between them.
fn tells_where_it_ends(subject: &[&str], peer: &[&str]) -> bool {
    let inside = |words: &[&str]| words.iter().any(|word| is_joint(word));
    let after_first = subject.get(1..).unwrap_or_default();
    let before_last = peer.split_last().map(|(_, before)| before).unwrap_or_default();
    !inside(after_first) && !inside(before_last)
}

/// `start` and a subject, apart by a dash, or by a dot where a dash would not tell.
fn behind(start: &str, subject: &[&str]) -> String {
    let joint = if is_ambiguous(subject) { '.' } else { '-' };
    format!("{start}{joint}{}", subject.join("."))
}

fn push_joined(segments: &[&str], out: &mut String) {
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 {
            out.push('.');
        }
        out.push_str(segment);
    }
}

/// Whether a part holds one of the words between parts, so that dashes would not tell where it ends.
fn is_ambiguous(part: &[&str]) -> bool {
    part.iter().any(|piece| has_joint(piece))
}

fn has_joint(piece: &str) -> bool {
    piece.split('-').any(is_joint)
}

fn is_joint(word: &str) -> bool {
    matches!(word, "to" | "from")
}

/// A name that Kubernetes takes: a very long one is cut and told apart by a checksum.
fn fit(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let mark: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = name.chars().take(LONGEST - mark.len() - 1).collect();
    format!("{}-{mark}", kept.trim_end_matches(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Id;
    use std::collections::BTreeMap;

    /// Words that names are made of, and some that are made of those.
    const WORDS: [&str; 16] = [
        "a",
        "b",
        "to",
        "from",
        "a-to",
        "all",
        "all-pods",
        "pods",
        "dns",
        "strict-dns",
        "strict",
        "here",
        "of",
        "program",
        "ingress",
        "dns-ingress",
    ];

    const NAMESPACES: [&str; 6] = ["a", "to", "all", "dns", "here", "dns-ingress"];

    fn local(owner: &str, name: &str) -> PartyName {
        PartyName::Local(owner.into(), name.into())
    }

    /// A flow set with everything that is declared, in the namespaces and for all of them; without `own` the last words
    /// are not declared in the first namespace.
    fn declared(own: usize) -> FlowSet {
        let mut set = FlowSet::default();
        let mut names: Vec<PartyName> = vec![PartyName::BuiltIn("internet"), PartyName::BuiltIn("cluster")];
        for namespace in NAMESPACES {
            let words = if namespace == NAMESPACES[0] { WORDS.get(..own).unwrap_or_default() } else { &WORDS };
            set.declared.extend(words.iter().map(|word| (Some(Arc::from(namespace)), Arc::from(*word))));
            names.push(PartyName::AllPods(namespace.into()));
            names.extend(words.iter().map(|word| local(namespace, word)));
        }
        set.declared.extend(WORDS.iter().map(|word| (None, Arc::from(*word))));
        names.extend(WORDS.iter().map(|word| PartyName::Global((*word).into())));
        set.parties = names.into_iter().map(|name| Party { name, leaves: SmallVec::new(), place: None }).collect();
        set
    }

    /// Everything that policies of the first namespace could select.
    fn subjects(own: usize) -> Vec<SubjectName> {
        let tiers = || WORDS.iter().take(own).map(|word| SubjectName::Tier((*word).into()));
        let foreign = NAMESPACES
            .iter()
            .skip(1)
            .flat_map(|owner| WORDS.iter().map(move |word| SubjectName::Foreign((*owner).into(), (*word).into())));
        let simple: Vec<SubjectName> =
            tiers().chain(foreign).chain([SubjectName::Dns, SubjectName::StrictDns]).collect();
        let both = simple.iter().flat_map(|one| tiers().map(|other| one.and(&other))).collect::<Vec<_>>();
        simple.into_iter().chain(both).chain([SubjectName::Every]).collect()
    }

    /// Every name that a policy of the first namespace could have in a layout, with what it is the name of.
    fn names(namer: &Namer<'_>, own: usize, by_tier: bool) -> Vec<(String, String)> {
        let home: Arc<str> = NAMESPACES[0].into();
        let mut all = Vec::new();
        for subject in subjects(own) {
            let whole = matches!(subject, SubjectName::Every | SubjectName::Tier(_));
            for direction in Direction::ALL {
                let what = |about: &str| format!("{subject:?} {direction:?} {about}");
                let only_dns = matches!(subject, SubjectName::Dns | SubjectName::StrictDns);
                match by_tier {
                    true if !only_dns => all.push((namer.tier(&home, &subject, direction), what("all"))),
                    true => {}
                    false => {
                        for peer in (0..namer.ambiguous.len()).take_while(|_| !only_dns) {
                            let peer = PartyId::at(peer);
                            let mut name = String::new();
                            namer.push_allow(&home, &subject, direction, peer, &mut name);
                            all.push((name, what(&format!("{peer:?}"))));
                        }
                    }
                }
                // Pods ask as whole tiers or namespaces, and DNS pods are never a whole namespace.
                let asks = match direction {
                    Direction::Ingress => subject != SubjectName::Every,
                    Direction::Egress => whole,
                };
                if asks {
                    all.push((namer.dns(&home, &subject, direction), what("dns")));
                }
            }
            if whole {
                let scopes = ["all", "ingress", "egress"];
                all.extend(scopes.map(|scope| (namer.deny(&subject, scope), format!("{subject:?} {scope}"))));
            }
        }
        all
    }

    #[test]
    fn no_name_could_be_that_of_another_policy() {
        for own in [WORDS.len(), 6] {
            let set = declared(own);
            let namer = Namer::new(&set);
            for by_tier in [false, true] {
                let mut known: BTreeMap<String, String> = BTreeMap::new();
                for (name, what) in names(&namer, own, by_tier) {
                    let earlier = known.insert(name.clone(), what.clone());
                    assert_eq!(earlier, None, "{name} is {what}, too");
                }
                assert!(known.len() > 1000);
            }
        }
    }

    #[test]
    fn what_is_cut_stays_apart() {
        let mut known = BTreeMap::new();
        for number in 0..1000 {
            let name = fit(format!("allow-{}-{number:04}", "x".repeat(LONGEST)));
            assert!(name.len() <= LONGEST);
            assert_eq!(known.insert(name, number), None);
        }
    }
}
