//! Names of policies: readable, unique, and dependent on nothing but the declarations.
//!
//! `allow-SUBJECT-to-PEER` and `allow-SUBJECT-from-PEER`. A name in Polder has no dot, so a dot never comes from one:
//! a peer of another namespace is `NAMESPACE.NAME`, and where a short form could be read in two ways a longer one with
//! more dots is taken.

use super::Direction;
use super::concern::{Concern, Towards};
use super::subject::SubjectName;
use crate::flow::{FlowSet, Party, PartyId, PartyName};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The longest name: with `.yaml` it has to fit into a file name, of 255 bytes. Kubernetes takes 253 (DNS-1123 subdomain).
const LONGEST: usize = 250;

/// Gives names to the policies of one flow set.
#[derive(Debug)]
pub struct Namer<'a> {
    set: &'a FlowSet,
    /// Of each party, whether its namespace and whether its name hold one of the words between parts.
    ambiguous: Vec<[bool; 2]>,
}

impl<'a> Namer<'a> {
    /// A namer for the policies of `set`.
    pub fn new(set: &'a FlowSet) -> Self {
        let ambiguous = |party: &Party| match &party.name {
            PartyName::Local(owner, name) => [has_joint(owner), has_joint(name)],
            PartyName::Global(name) => [false, has_joint(name)],
            PartyName::AllPods(owner) => [has_joint(owner), false],
            PartyName::BuiltIn(_) => [false, false],
        };
        Namer { set, ambiguous: set.parties.iter().map(ambiguous).collect() }
    }

    /// The name of a concern's policy in the layout `flow`, in the namespace of its subject.
    pub fn concern(&self, namespace: &Arc<str>, subject: &SubjectName, concern: &Concern) -> String {
        let mut name = String::new();
        self.push_concern(namespace, subject, concern, &mut name);
        name
    }

    /// Appends [`Namer::concern`].
    pub fn push_concern(&self, namespace: &Arc<str>, subject: &SubjectName, concern: &Concern, out: &mut String) {
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
        let subject = self.subject(namespace, subject);
        let (Some(Party { name: peer, .. }), Some([owner_ambiguous, name_ambiguous])) =
            (self.set.party(peer), self.ambiguous.get(peer.0 as usize))
        else {
            return;
        };
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
        let dotted = ambiguous || has_dot(&subject) || is_ambiguous(&subject);
        let joint = if dotted { "." } else { "-" };
        let start = out.len();
        out.push_str("allow-");
        subject.into_iter().for_each(|piece| out.push_str(piece));
        [joint, word, joint].into_iter().for_each(|piece| out.push_str(piece));
        peer.into_iter().for_each(|piece| out.push_str(piece));
        if out.len() - start > LONGEST {
            let name = out.split_off(start);
            out.push_str(&fit(name));
        }
    }

    /// The one policy of a subject in a direction, in the layouts that group by tier.
    pub fn tier(&self, namespace: &Arc<str>, subject: &SubjectName, direction: Direction) -> String {
        fit(format!("allow-{}.{}", self.subject(namespace, subject).concat(), direction.word()))
    }

    /// `default-deny-all`, or with the direction, or with the tier that it is for.
    pub fn deny(&self, namespace: &Arc<str>, subject: &SubjectName, scope: &str) -> String {
        self.fixed(namespace, &format!("default-deny-{scope}"), subject)
    }

    /// `allow-dns-egress` and `allow-dns-ingress`, with the tier when it is for one.
    fn dns(&self, namespace: &Arc<str>, subject: &SubjectName, direction: Direction) -> String {
        self.fixed(namespace, &format!("allow-dns-{}", direction.word()), subject)
    }

    fn fixed(&self, namespace: &Arc<str>, start: &str, subject: &SubjectName) -> String {
        match subject {
            SubjectName::Every | SubjectName::Dns => return start.to_owned(),
            SubjectName::StrictDns => return format!("{start}.strict"),
            SubjectName::Tier(_) | SubjectName::Both(..) | SubjectName::Foreign(..) => {}
        }
        let subject = self.subject(namespace, subject);
        let joint = if is_ambiguous(&subject) { '.' } else { '-' };
        fit(format!("{start}{joint}{}", subject.concat()))
    }

    fn is_declared(&self, namespace: Option<&Arc<str>>, name: &str) -> bool {
        self.set.declared.contains(&(namespace.cloned(), Arc::from(name)))
    }

    fn subject<'n>(&self, namespace: &Arc<str>, subject: &'n SubjectName) -> Parts<'n> {
        match subject {
            SubjectName::Every if self.is_declared(Some(namespace), "all-pods") => ["all.pods.here", "", "", ""],
            SubjectName::Every => ["all-pods", "", "", ""],
            SubjectName::Tier(name) => [name, "", "", ""],
            SubjectName::Both(one, other) => [one, ".", other, ""],
            SubjectName::Foreign(owner, name) => [owner, ".", name, ".here"],
            SubjectName::Dns => ["dns.pods.here", "", "", ""],
            SubjectName::StrictDns => ["dns.strict.here", "", "", ""],
        }
    }

    fn peer<'n>(&self, namespace: &Arc<str>, peer: &'n PartyName) -> Parts<'n> {
        match peer {
            PartyName::Local(owner, name) if owner == namespace => [name, "", "", ""],
            PartyName::Local(owner, name) => [owner, ".", name, ""],
            PartyName::Global(name) if self.is_declared(Some(namespace), name) => [name, ".of.program", "", ""],
            PartyName::Global(name) => [name, "", "", ""],
            PartyName::AllPods(owner) if owner == namespace => {
                let taken = self.is_declared(Some(namespace), "all-pods") || self.is_declared(None, "all-pods");
                [if taken { "all.pods.here" } else { "all-pods" }, "", "", ""]
            }
            PartyName::AllPods(owner) if self.is_declared(Some(owner), "all") => [owner, ".all.pods", "", ""],
            PartyName::AllPods(owner) => [owner, ".all", "", ""],
            PartyName::BuiltIn(name) => [name, "", "", ""],
        }
    }
}

/// A part of a name, in pieces that a dot parts.
type Parts<'n> = [&'n str; 4];

fn has_dot(part: &Parts<'_>) -> bool {
    part.iter().any(|piece| piece.contains('.'))
}

/// Whether a part holds one of the words between parts, so that dashes would not tell where it ends.
fn is_ambiguous(part: &Parts<'_>) -> bool {
    part.iter().any(|piece| has_joint(piece))
}

fn has_joint(piece: &str) -> bool {
    piece.as_bytes().split(|byte| matches!(byte, b'-' | b'.')).any(|word| matches!(word, b"to" | b"from"))
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
