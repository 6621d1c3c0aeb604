//! The endpoints whose names are built in. All that is particular to one of them stands in its row; whatever else there is to
//! do with them follows from what they hold.

use super::{Platform, PlatformList, Target};

/// An endpoint that needs no declaration (section 4.5 of the language).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltIn {
    /// Every pod of every namespace.
    Cluster,
    /// Public addresses.
    Internet,
    /// Everything: every pod and every address.
    Anywhere,
    /// The addresses of the API server.
    ApiServer,
    /// The addresses of the nodes.
    Nodes,
}

/// What a built-in endpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Every pod, and no address.
    Pods,
    /// Every pod and every address.
    Everything,
    /// The addresses that are public and not of the cluster itself.
    Public,
    /// The addresses that an entry of `platform` lists.
    Listed(PlatformList),
}

struct BuiltInRow {
    word: &'static str,
    /// What it is, for whoever meets the word.
    description: &'static str,
    holds: Holds,
}

impl BuiltIn {
    /// All of them, as they are offered.
    pub const ALL: [BuiltIn; 5] =
        [BuiltIn::Cluster, BuiltIn::Internet, BuiltIn::Anywhere, BuiltIn::ApiServer, BuiltIn::Nodes];

    fn row(self) -> BuiltInRow {
        match self {
            BuiltIn::Cluster => {
                BuiltInRow { word: "cluster", description: "every pod of every namespace", holds: Holds::Pods }
            }
            BuiltIn::Internet => BuiltInRow {
                word: "internet",
                description: "every address but private ones and those of the cluster",
                holds: Holds::Public,
            },
            BuiltIn::Anywhere => {
                BuiltInRow { word: "anywhere", description: "every pod and every address", holds: Holds::Everything }
            }
            BuiltIn::ApiServer => BuiltInRow {
                word: "apiserver",
                description: "the addresses of the API server, from `platform`",
                holds: Holds::Listed(PlatformList::ApiServer),
            },
            BuiltIn::Nodes => BuiltInRow {
                word: "nodes",
                description: "the addresses of the nodes, from `platform`",
                holds: Holds::Listed(PlatformList::Nodes),
            },
        }
    }

    /// The one that a word names.
    pub fn named(word: &str) -> Option<BuiltIn> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// What it is, in half a sentence.
    pub fn description(self) -> &'static str {
        self.row().description
    }

    /// What it holds.
    pub fn holds(self) -> Holds {
        self.row().holds
    }

    /// Whether it holds pods.
    pub fn has_pods(self) -> bool {
        matches!(self.holds(), Holds::Pods | Holds::Everything)
    }

    /// Whether it holds addresses.
    pub fn has_addresses(self) -> bool {
        !matches!(self.holds(), Holds::Pods)
    }

    /// Whether what it holds is known: only lists of the platform may be missing, and only where the target needs them.
    pub fn is_known(self, platform: &Platform, target: Target) -> bool {
        match self.holds() {
            Holds::Listed(list) => platform.list(list).is_some() || target.entities(list).is_some(),
            Holds::Pods | Holds::Everything | Holds::Public => true,
        }
    }
}
