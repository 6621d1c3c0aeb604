//! The words of the language that a completion offers, and what each is for.

/// A word that starts a statement, what it does, and the statement with tab stops.
pub type Statement = (&'static str, &'static str, &'static str);

/// What can be said of the platform.
pub const PLATFORM_KEYS: [(&str, &str); 6] = [
    ("cni", "what enforces the policies"),
    ("dns", "where pods find DNS"),
    ("apiserver", "the addresses of the API server"),
    ("nodes", "the addresses of the nodes"),
    ("pods", "the addresses that pods get"),
    ("services", "the addresses that Services get"),
];

/// What only stands in an environment.
pub const ENVIRONMENT_STATEMENTS: [Statement; 3] = [
    ("namespace", "another name for a namespace", "namespace ${1:name} = ${2:other}"),
    ("cidr", "other addresses for a cidr", "cidr ${1:name} = ${2:192.0.2.0/24}"),
    ("fqdn", "other names for an fqdn", "fqdn ${1:name} = ${2:example.com}"),
];

/// What only stands outside of blocks.
pub const FILE_STATEMENTS: [Statement; 5] = [
    ("namespace", "a namespace of your own, closed but for its flows", "namespace ${1:name} {\n  $0\n}"),
    ("external namespace", "a namespace of others, to refer to", "external namespace ${1:name}"),
    ("platform", "facts about the cluster", "platform {\n  $0\n}"),
    ("environment", "other names and addresses for the same flows", "environment ${1:name} {\n  $0\n}"),
    ("use", "well-known components of a cluster", "use ${1:ingress-nginx}"),
];

/// What only stands in a namespace.
pub const NAMESPACE_STATEMENTS: [Statement; 3] = [
    ("tier", "pods, by their labels", "tier ${1:name} { ${2:http}: ${3:8080}/tcp }"),
    ("isolate", "which pods are closed, and in which direction", "isolate ${1:ingress, egress}"),
    ("dns", "where the pods find DNS", "dns ${1:cluster}"),
];

/// What stands in a namespace and outside of one.
pub const STATEMENTS: [Statement; 10] = [
    ("group", "a union of endpoints", "group ${1:name} = ${2:one}, ${3:other}"),
    ("cidr", "addresses", "cidr ${1:name} = ${2:192.0.2.0/24}"),
    ("fqdn", "DNS names", "fqdn ${1:name} = ${2:example.com}"),
    ("ports", "a port set", "ports ${1:name} = ${2:8080/tcp}"),
    ("label", "the label that tiers are known by", "label ${1:app.kubernetes.io/name}"),
    ("ingress", "a flow that opens only its destination's side", "ingress ${1:one} -> ${2:other}:${3:8080}"),
    ("egress", "a flow that opens only its source's side", "egress ${1:one} -> ${2:other}:${3:8080}"),
    ("never", "an assertion: this may never be allowed", "never ${1:one} -> ${2:other}"),
    ("only", "an assertion: nobody else may", "only ${1:one} -> ${2:other}"),
    ("always", "an assertion: this has to be allowed", "always ${1:one} -> ${2:other}"),
];
