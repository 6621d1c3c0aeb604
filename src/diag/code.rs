//! The closed list of codes.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $title:literal $($level:ident)?,)*) => {
        /// Every condition that Polder reports. A code is never given another meaning. `E` stops, whatever is said of it;
        /// how grave a `W` is can be chosen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as it is written, such as `E0101`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($name)),* }
            }

            /// What the code means, with an example that fails and the same mended, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("codes/", stringify!($name), ".md"))),* }
            }

            /// The condition in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }

            /// The level that the table names.
            fn listed(self) -> Option<Severity> {
                match self { $(Code::$name => level!($($level)?)),* }
            }
        }
    };
}

macro_rules! level {
    () => {
        None
    };
    ($level:ident) => {
        Some(Severity::$level)
    };
}

// Behind the title stands the level at which a code is said when nobody chooses another one, where that is not the usual
// one of its letter: error for `E`, warning for `W`.
//
// `Error`: what is written does not do what it plainly says. `Warning`: sure facts say that it is likely a mistake.
// `Note`: it does what it says, and is a matter of form or of choice.
codes! {
    // Text and grammar.
    E0001 "syntax error",
    E0002 "forbidden character",
    E0003 "source is not UTF-8",
    E0004 "block is never closed",
    E0005 "statement in the wrong place",
    E0006 "bad name",
    // Names.
    E0101 "unknown namespace",
    E0102 "unknown tier, group, cidr or fqdn",
    E0103 "unknown port name",
    E0104 "unknown DNS preset",
    E0105 "unknown CNI or version",
    E0106 "unknown catalogue entry",
    E0107 "declared twice",
    E0108 "built-in name declared",
    E0109 "group contains itself",
    E0110 "unknown environment",
    E0111 "environment replaces nothing",
    E0112 "environment makes two namespaces one",
    E0113 "namespace both managed and external",
    E0114 "component both used and declared",
    E0115 "setting given twice",
    // Types.
    E0201 "port not served",
    E0202 "wrong protocol",
    E0203 "ports missing",
    E0204 "bad port",
    E0205 "bad label key or value",
    E0206 "bad address block",
    E0207 "host bits set",
    E0208 "exception outside of its block",
    E0209 "selector that no pod can match",
    E0210 "both ends unmanaged",
    E0211 "addresses on both ends",
    E0212 "fqdn as a source",
    E0213 "fqdn cannot be enforced",
    E0214 "addresses of the cluster unknown",
    E0215 "bad named container port",
    E0216 "bad DNS name",
    E0217 "CNI enforces nothing",
    E0218 "CNI cannot do named ports",
    E0219 "CNI cannot do port ranges",
    E0220 "endpoint of the wrong kind",
    E0221 "assertion about nothing",
    E0222 "no address left",
    E0223 "target cannot write it",
    E0224 "the CNI opens more, or mixes things up",
    E0225 "label that cannot be stated",
    E0226 "tiers that cannot be disjoint",
    // Assertions.
    E0301 "broken assertion",
    // Building.
    E0401 "file cannot be read",
    E0402 "no program found",
    E0403 "bad polder.toml",
    E0404 "foreign file in the way",
    E0405 "generated file was edited",
    E0406 "nothing would be left",
    E0407 "output folder in use",
    E0408 "output cannot be written",
    E0409 "output folder is not safe to write",
    E0410 "output folder is not up to date",
    E0411 "cannot be done as asked",
    E0412 "folder of another environment",
    // Manifests.
    E0501 "bad manifest",
    E0502 "no manifest found",
    E0503 "object declared twice",
    E0504 "cluster cannot be listed",
    E0900 "internal error",
    // Warnings.
    W0001 "flow already covered",
    W0002 "flow written twice",
    W0003 "never used",
    W0004 "overlapping tiers",
    W0005 "every port opened",
    W0006 "wide source towards a tier that lists no ports",
    W0007 "egress isolated without DNS",
    W0008 "exception changes nothing",
    W0009 "repeated member",
    W0010 "tier without any flow",
    W0011 "flow without effect",
    W0012 "CNIs differ",
    W0013 "allow comment without effect",
    W0014 "the CNI matches something else",
    W0015 "the CNI needs a switch or a version",
    W0016 "near a limit of the CNI",
    W0017 "one side of a closed connection",
    W0018 "labels of a namespace not stated",
    W0019 "cluster DNS shut off",
    W0020 "flow that opens other namespaces",
    W0021 "policy too large for kubectl apply",
    // Warnings about manifests.
    W0101 "not modelled",
    W0102 "block in another form",
    W0103 "variants of an object",
    // Mistakes in policies.
    W0201 "pods without DNS",
    W0202 "DNS over one protocol only",
    W0203 "two that look like one",
    W0204 "policyTypes missing",
    W0205 "protocol missing",
    W0206 "rules of an unlisted type" Error,
    W0207 "list missing or empty",
    W0208 "exception opened again",
    W0209 "policy selects nothing",
    W0211 "policy changes nothing",
    W0212 "rule, peer or port changes nothing",
    W0213 "every address",
    W0214 "IPv4 without IPv6",
    W0215 "every namespace" Note,
    W0216 "namespace labels that no namespace has",
    W0217 "peer matches no pod",
    W0218 "labels of the owner, not of its pods" Error,
    W0219 "port that the pods do not list",
    W0220 "named port that fits no pod",
    W0221 "one side only",
    W0222 "pods on the network of their node" Error,
    W0223 "pods that no policy isolates",
    W0224 "DNS port open to every destination" Note,
    W0225 "selector that nothing can match" Error,
    W0226 "podSelector missing",
    W0227 "whoever has no such label",
    W0228 "addresses of pods",
    W0229 "closed to the outside",
    W0230 "DNS by label, with a cache on the node",
    W0231 "restriction without effect",
    W0232 "CNI cannot do it",
    W0233 "namespaces by what they lack",
    W0234 "rule for replies",
    W0235 "API server by labels",
    W0236 "address of a Service",
    W0237 "Service that nobody may use",
    W0238 "closed to who scrapes it",
    W0239 "webhook closed to the API server",
    W0240 "replicas closed to each other",
    W0241 "addresses of clients that do not arrive",
    W0242 "ports of the wrong side",
    W0243 "not everything was looked at",
    // What runs.
    W0301 "tier matches no pod",
    W0302 "pods that no tier covers",
    W0303 "pods in two tiers",
    W0304 "port that no container lists",
    W0305 "port of the Service, not of its pods",
    W0306 "named port that no container has",
    W0307 "pods on the network of their node",
    W0308 "labels of the owner, not of its pods",
    W0309 "no namespace has the labels",
    W0310 "namespace where nothing runs",
    W0311 "stated label not there",
    W0312 "pods in two disjoint tiers" Error,
    W0313 "seen in the log, and would be dropped",
}

impl Code {
    /// The code with this name, in any case of letters.
    pub fn parse(name: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether it stops the build, or keeps what it is about from being read. No flag or comment makes less of it.
    pub fn stops(self) -> bool {
        self.as_str().starts_with('E')
    }

    /// How grave it is when nobody says otherwise.
    pub fn severity(self) -> Severity {
        self.listed().unwrap_or(if self.stops() { Severity::Error } else { Severity::Warning })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
