//! What a CNI reads otherwise than Kubernetes says: one row for each such thing, with the versions, the sentence and the mend.
//! `check`, `lint --cni`, the language server and the documentation all take it from here.

use super::{Cni, CniVersion};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

pub use super::cni_table::{CNI_DIFFERENCES, is_seen_label};

/// What of a program or of a policy a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CniTrigger {
    /// Any policy at all.
    EveryPolicy,
    /// That there are policies, in every cluster with this CNI.
    Always,
    /// A named port of containers.
    NamedPort,
    /// A named port that could be several numbers among those who serve it.
    NamedPortOfSeveralNumbers,
    /// A range of ports.
    PortRange,
    /// A port over SCTP.
    SctpPort,
    /// A rule that lists a whole protocol and a number of it.
    NumberBesideProtocol,
    /// The addresses of the API server.
    ApiServerByAddress,
    /// The addresses of the API server as those who connect.
    FromApiServer,
    /// The addresses of nodes.
    NodesByAddress,
    /// The addresses of nodes to connect to, one of which is the own one.
    ToOwnNode,
    /// Addresses that pods have.
    PodsByAddress,
    /// Addresses of Services to connect to.
    ServicesByAddress,
    /// Blocks none of which is of the cluster's family of addresses.
    OtherFamily,
    /// More than four blocks in one rule.
    ManyBlocks,
    /// Exceptions of a block.
    BlockException,
    /// An exception that another rule for the same pods allows.
    ExceptionAllowedElsewhere,
    /// Pods and a block with exceptions in one rule.
    PodsBesideException,
    /// Labels that have to be absent or to have another value.
    NegativeLabel,
    /// Such labels of namespaces, and no others.
    NegativeNamespaces,
    /// A label that the CNI does not see, which has to be absent or another one.
    UnseenLabelLacking,
    /// A label that the CNI does not see, which has to be there.
    UnseenLabelAsked,
    /// Labels that the Service of the pods does not select by.
    LabelsBesideService,
    /// The addresses of the API server, only on one side of its Service.
    OneSideOfApiServer,
    /// DNS pods, and no address of DNS.
    DnsByPods,
    /// DNS without the node's own cache.
    DnsWithoutNode,
    /// An Ingress of the CNI's own.
    OwnIngress,
    /// Two policies that are one but for `-` and `.` in what they and their namespaces are called.
    NamesAlike,
    /// Ports of one block, for all policies of the pods together.
    PortsOfBlock,
    /// What all policies of a pod together allow.
    EntriesOfPod,
    /// Policies of one pod.
    PoliciesOfPod,
    /// All policies together.
    PoliciesOfAll,
}

impl CniTrigger {
    /// What it is about where no program is: in the place of `{what}` of a sentence.
    pub fn in_general(self) -> &'static str {
        match self {
            CniTrigger::EveryPolicy | CniTrigger::Always => "every policy",
            CniTrigger::NamedPort | CniTrigger::NamedPortOfSeveralNumbers => "a named port",
            CniTrigger::PortRange => "a range",
            CniTrigger::SctpPort => "a port over SCTP",
            CniTrigger::NumberBesideProtocol => "the rest of the protocol stays closed",
            CniTrigger::ApiServerByAddress | CniTrigger::FromApiServer => "`apiserver`",
            CniTrigger::NodesByAddress | CniTrigger::ToOwnNode => "`nodes`",
            CniTrigger::PodsByAddress => "a cidr may hold some of `pods`",
            CniTrigger::ServicesByAddress => "a cidr in `services`",
            CniTrigger::OtherFamily => "a cidr of the other family",
            CniTrigger::ManyBlocks => "a rule of a long cidr",
            CniTrigger::BlockException => "`except`",
            CniTrigger::ExceptionAllowedElsewhere => "another rule that allows it is overruled",
            CniTrigger::PodsBesideException => "a rule may have both",
            CniTrigger::NegativeLabel => "`!=`, `notin` and `!` of a label",
            CniTrigger::NegativeNamespaces => "the internet and the nodes",
            CniTrigger::UnseenLabelLacking | CniTrigger::UnseenLabelAsked => "a label such as `pod-template-hash`",
            CniTrigger::LabelsBesideService => "a tier needs no label beside those",
            CniTrigger::OneSideOfApiServer => "`apiserver` needs both",
            CniTrigger::DnsByPods | CniTrigger::DnsWithoutNode => "the pods of a namespace",
            CniTrigger::OwnIngress => "only `anywhere` opens to it",
            CniTrigger::NamesAlike => "`a` in namespace `b-c` and `a-b` in namespace `c`",
            CniTrigger::PortsOfBlock => "a cidr may have more",
            CniTrigger::EntriesOfPod => "a large program may come near",
            CniTrigger::PoliciesOfPod => "a pod may have very many",
            CniTrigger::PoliciesOfAll => "there may be very many",
        }
    }
}

/// In which versions of a CNI something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CniVersions {
    /// In all.
    All,
    /// In those before this one.
    Before(CniVersion),
    /// In this one and those after it.
    From(CniVersion),
}

impl CniVersions {
    /// Whether a version is one of them; without one, the oldest counts that the makers support.
    fn has(self, version: Option<CniVersion>) -> bool {
        match self {
            CniVersions::All => true,
            CniVersions::Before(end) => version.is_some_and(|version| version < end),
            CniVersions::From(first) => version.is_none_or(|version| version >= first),
        }
    }

    /// In words, behind what is so; nothing when it is always so.
    pub fn in_words(self) -> String {
        match self {
            CniVersions::All => String::new(),
            CniVersions::Before(end) => format!("before {end}"),
            CniVersions::From(first) => format!("from {first} on"),
        }
    }
}

/// How somebody gets to know of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CniNotice {
    /// It is said where it is met.
    Said(Code),
    /// The same, only to those who ask for notes: it is so of nearly every program, or seldom matters.
    Noted(Code),
    /// What is said of every CNI says this, too.
    SaidOfAll(Code),
    /// What Polder writes does not meet it.
    WrittenAround,
    /// It does not show there.
    Unseen,
}

impl CniNotice {
    /// The code, if something is said.
    pub fn code(self) -> Option<Code> {
        match self {
            CniNotice::Said(code) | CniNotice::Noted(code) | CniNotice::SaidOfAll(code) => Some(code),
            CniNotice::WrittenAround | CniNotice::Unseen => None,
        }
    }
}

/// Something that some CNIs read otherwise.
#[derive(Debug)]
pub struct CniDifference {
    /// Which CNIs.
    pub cnis: &'static [Cni],
    /// Which versions of them.
    pub versions: CniVersions,
    /// What it is about.
    pub trigger: CniTrigger,
    /// How a program is told.
    pub program: CniNotice,
    /// How manifests of others are told.
    pub manifests: CniNotice,
    /// The sentence, with `{cni}` and `{what}`.
    pub says: &'static str,
    /// What to write in a program instead.
    pub mend: &'static str,
    /// What to write in manifests instead, where that is something else.
    pub mend_of_manifests: Option<&'static str>,
}

impl CniDifference {
    /// The sentence about one CNI and one thing.
    pub fn sentence(&self, cni: &str, what: &str) -> String {
        self.says.replace("{cni}", cni).replace("{what}", what)
    }

    /// What to do in manifests.
    pub fn mend_of_manifests(&self) -> &'static str {
        self.mend_of_manifests.unwrap_or(self.mend)
    }

    /// What is said of a place in a program, if anything is.
    pub fn in_program(&self, cni: &str, span: Option<Span>, what: &str) -> Option<Diagnostic> {
        self.diagnostic(self.program, cni, span, what).map(|found| found.with_help(self.mend))
    }

    /// What is said of a place in manifests, if anything is.
    pub fn in_manifests(&self, cni: &str, span: Option<Span>, what: &str) -> Option<Diagnostic> {
        self.diagnostic(self.manifests, cni, span, what).map(|found| found.with_help(self.mend_of_manifests()))
    }

    fn diagnostic(&self, notice: CniNotice, cni: &str, span: Option<Span>, what: &str) -> Option<Diagnostic> {
        let (code, is_note) = match notice {
            CniNotice::Said(code) => (code, false),
            CniNotice::Noted(code) => (code, true),
            CniNotice::SaidOfAll(_) | CniNotice::WrittenAround | CniNotice::Unseen => return None,
        };
        let message = self.sentence(cni, what);
        let found = match span {
            Some(span) => Diagnostic::new(code, span, message),
            None => Diagnostic::about(code, message),
        };
        Some(if is_note { found.as_note() } else { found })
    }
}

/// The CNI that is meant, with all that is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChosenCni {
    /// Which one.
    pub cni: Cni,
    /// Which version of it; `None` for the oldest that its makers support.
    pub version: Option<CniVersion>,
    /// Where a program says so.
    pub span: Option<Span>,
}

impl ChosenCni {
    /// As sentences name it: `cilium`, `cilium 1.14`.
    pub fn text(&self) -> String {
        let name = self.cni.name();
        self.version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
    }

    /// The version that counts: the one that is said, or the oldest that its makers support, as far as that is known.
    pub fn known_version(&self) -> Option<CniVersion> {
        self.version.or(self.cni.oldest())
    }

    /// Whether exceptions of a block are to be written without `except`: they deny what others allow.
    pub fn denies_exceptions(&self) -> bool {
        self.difference(CniTrigger::ExceptionAllowedElsewhere).is_some()
    }

    /// Whether pods must not stand in one rule with exceptions of a block.
    pub fn excepts_pods(&self) -> bool {
        self.difference(CniTrigger::PodsBesideException).is_some()
    }

    /// Whether it serves Ingresses of a class itself.
    pub fn is_own_class(&self, class: Option<&str>) -> bool {
        class == Some("cilium") && self.difference(CniTrigger::OwnIngress).is_some()
    }

    /// What it reads otherwise of one thing, if it does.
    pub fn difference(&self, trigger: CniTrigger) -> Option<&'static CniDifference> {
        self.cni.differences(self.version, trigger).next()
    }
}

impl Cni {
    /// What it reads otherwise of one thing, in a version or in the oldest that its makers support.
    pub fn differences(
        self,
        version: Option<CniVersion>,
        trigger: CniTrigger,
    ) -> impl Iterator<Item = &'static CniDifference> {
        let version = version.or(self.oldest());
        let is_it =
            move |row: &&CniDifference| row.trigger == trigger && row.cnis.contains(&self) && row.versions.has(version);
        CNI_DIFFERENCES.iter().filter(is_it)
    }

    /// All that it reads otherwise, in any version.
    pub fn all_differences(self) -> impl Iterator<Item = &'static CniDifference> {
        CNI_DIFFERENCES.iter().filter(move |row| row.cnis.contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_thing_a_version_of_a_cni_has_one_sentence() {
        let versions = || (0..40).map(|minor| Some(CniVersion(1, minor))).chain([None]);
        let triggers: std::collections::BTreeSet<CniTrigger> = CNI_DIFFERENCES.iter().map(|row| row.trigger).collect();
        for cni in Cni::ALL {
            for (version, trigger) in versions().flat_map(|version| triggers.iter().map(move |one| (version, *one))) {
                let found = cni.differences(version, trigger).count();
                assert!(found <= 1 || trigger == CniTrigger::Always, "{} {version:?} {trigger:?}", cni.name());
            }
        }
    }

    #[test]
    fn sentences_name_the_cni_and_what_it_is_about() {
        for row in &CNI_DIFFERENCES {
            assert!(row.says.contains("{cni}") != row.cnis.contains(&Cni::Any), "{}", row.says);
            let of_all = matches!(row.trigger, CniTrigger::Always | CniTrigger::EveryPolicy);
            assert!(row.says.contains("{what}") != of_all, "{}", row.says);
            let mends = [Some(row.mend), row.mend_of_manifests];
            for text in mends.into_iter().flatten().chain([row.says]) {
                assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
            }
            assert!(row.program.code().is_some_and(Code::stops) || !row.mend.is_empty());
            assert!(!row.manifests.code().is_some_and(Code::stops), "what lint finds can be silenced: {}", row.says);
        }
    }
}
