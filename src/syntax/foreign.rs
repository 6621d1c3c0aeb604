//! Statements of other languages: manifests, firewalls, Terraform.

use super::advice::Advice;
use super::grammar::Rule;
use super::repair::{is_whole, repaired};

/// What to write instead of a statement that another language has, where it has an arrow or not.
pub(super) fn foreign(rule: Rule, statement: &str, at: usize) -> Option<Advice> {
    let is_lone = !statement.contains("->");
    let lower = statement.to_ascii_lowercase();
    let first = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next()?;
    if is_lone {
        return key_of_manifest(statement)
            .or_else(|| block_or_import(statement, first))
            .or_else(|| about_everything(&lower))
            .or_else(|| one_end(rule, statement, first));
    }
    addition(rule, statement, at)
}

/// Keys of manifests, which stand in front of a colon.
const KEYS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "name",
    "namespace",
    "labels",
    "annotations",
    "podSelector",
    "namespaceSelector",
    "endpointSelector",
    "matchLabels",
    "matchExpressions",
    "policyTypes",
    "ingress",
    "egress",
    "from",
    "to",
    "ports",
    "port",
    "protocol",
    "ipBlock",
    "cidr",
    "except",
    "fromEndpoints",
    "toEndpoints",
    "fromEntities",
    "toEntities",
    "fromCIDR",
    "toCIDR",
    "toCIDRSet",
    "toFQDNs",
    "toPorts",
    "rules",
    "selector",
    "types",
    "action",
    "source",
    "destination",
    "subject",
];

/// `podSelector: {matchLabels: {app: web}}`, `- from:`
fn key_of_manifest(statement: &str) -> Option<Advice> {
    let item = statement.trim_start_matches(['-', ' ']);
    let (key, rest) = item.split_once(':')?;
    let is_item = statement.starts_with("- ");
    if !KEYS.contains(&key) && !is_item {
        // Labels may have any key.
        let value = rest.trim().trim_matches(QUOTES);
        let is_label = rest.starts_with(' ') && !key.is_empty() && super::advice::is_name(value);
        let tier = format!("tier {value} ({key}={value})");
        return (is_label && is_whole(Rule::tier, &tier))
            .then(|| Advice::said(format!("pods are known by their labels, which a tier has: `{tier}`")))?;
    }
    let labels = labels_of(rest).filter(|_| key.contains("elector") || key == "matchLabels" || key == "labels");
    if let Some((name, labels)) = labels {
        return Advice::said(format!("pods are known by their labels, which a tier has: `tier {name} ({labels})`"));
    }
    Advice::said(
        "this is a line of a manifest: a program has tiers, such as `tier web (app=web)`, and flows, such as `web -> \
         db:5432/tcp`, and manifests are what comes of it",
    )
}

/// The labels of `{matchLabels: {app: web}}` as the language has them, and a name for the tier.
fn labels_of(text: &str) -> Option<(&str, String)> {
    let start = text.rfind('{')? + 1;
    let inner = text.get(start..)?.split('}').next()?;
    let pair = |pair: &'_ str| -> Option<String> {
        let (key, value) = pair.split_once(':')?;
        Some(format!("{}={}", key.trim().trim_matches(QUOTES), value.trim().trim_matches(QUOTES)))
    };
    let pairs: Vec<String> = inner.split(',').map(pair).collect::<Option<_>>()?;
    let name = inner.split(':').nth(1)?.split(',').next()?.trim().trim_matches(QUOTES);
    let name = if super::advice::is_name(name) { name } else { "pods" };
    let labels = pairs.join(", ");
    repaired(Rule::tier, &format!("tier {name} [{labels}]")).map(|_| (name, labels))
}

const QUOTES: [char; 2] = ['"', '\''];

/// `import x`, `policy x {`, `resource "a" "b" {`
fn block_or_import(statement: &str, first: &str) -> Option<Advice> {
    let is_block = statement.ends_with('{');
    if is_block
        && ["policy", "policies", "networkpolicy", "ingress", "egress", "rule", "rules", "spec"].contains(&first)
    {
        return Advice::said("policies come of flows, which stand in the block of their namespace: `namespace shop {`");
    }
    let of_terraform =
        ["resource", "variable", "data", "locals", "output", "provider", "terraform", "module", "dynamic", "moved"];
    if is_block && of_terraform.contains(&first) {
        return Advice::said("a program has blocks of namespaces, with tiers and flows in them: `namespace shop {`");
    }
    let is_value = statement.split_once('=').is_some_and(|(name, _)| name.split_whitespace().count() == 1);
    if is_value {
        return Advice::said(
            "there are no variables: what has a name is a `group`, a `cidr`, an `fqdn` or `ports`, as in `group both = web, \
             api`, and what differs stands in an `environment`",
        );
    }
    let imports = ["import", "include", "require", "source", "load", "extends", "module", "package"];
    imports.contains(&first).then(|| {
        Advice::said(
            "there are no imports, leave it out: a program is all `.polder` files of its project, or those named together",
        )
    })?
}

/// `deny all`, `allow dns`, `default allow`
fn about_everything(lower: &str) -> Option<Advice> {
    let words: Vec<&str> = lower.split([' ', '\t', '-', '_', ':']).filter(|word| !word.is_empty()).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let every =
        ["all", "any", "everything", "traffic", "*", "default", "ingress", "egress", "inbound", "outbound", "isolate"];
    let denies = has(&["deny", "block", "drop", "reject", "forbid", "closed", "isolated"]);
    let allows = has(&["allow", "permit", "accept", "open", "no", "disable"]);
    let rest = |word: &&str| every.contains(word) || ["from", "to", "and", "policy", "both"].contains(word);
    let verbs = [
        "deny", "block", "drop", "reject", "forbid", "closed", "isolated", "allow", "permit", "accept", "open", "no",
        "disable",
    ];
    let is_known = words.len() > 1 && words.iter().all(|word| rest(word) || verbs.contains(word));
    if denies && is_known {
        return Advice::said(
            "a namespace is closed in both directions unless it says otherwise, leave it out; `isolate ingress` closes one of \
             them",
        );
    }
    if allows && is_known {
        return Advice::instead(
            "a namespace is open in both directions with `isolate none`, and for egress alone with `isolate ingress`",
            vec!["isolate none".to_owned()],
        );
    }
    let is_dns = words
        .iter()
        .all(|word| ["allow", "dns", "enable", "permit", "to", "kube", "egress", "resolution"].contains(word));
    (is_dns && has(&["dns"]))
        .then(|| Advice::said("pods may ask for names unless their namespace has `dns none`, leave it out"))?
}

/// `expose web:80`, `ingress from web`, `egress to db`
fn one_end(rule: Rule, statement: &str, first: &str) -> Option<Advice> {
    let rest = statement.get(first.len()..)?.trim();
    if rule != Rule::flow || rest.is_empty() || !statement.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    if ["expose", "publish", "listen", "serve", "public"].contains(&first) {
        let flow = mended(format!("internet -> {rest}"))?;
        return Advice::said(format!(
            "who connects stands in front: `{flow}`, or `anywhere` where a load balancer hides who it is"
        ));
    }
    let after = |word: &str| -> Option<&str> {
        let mut parts = rest.splitn(2, [' ', '\t']);
        (parts.next()? == word).then(|| parts.next())?.map(str::trim)
    };
    let verbs = ["ingress", "egress", "inbound", "outbound", "allow", "permit", "incoming", "outgoing"];
    if !verbs.contains(&first) {
        return None;
    }
    let from = after("from").or_else(|| after("ingress").and_then(|rest| rest.strip_prefix("from ")));
    let to = after("to").or_else(|| after("egress").and_then(|rest| rest.strip_prefix("to ")));
    let (flow, missing) = match (from, to) {
        (Some(from), _) if from.contains(" to ") => (mended(from.replacen(" to ", " -> ", 1))?, ""),
        (Some(from), _) => (mended(format!("{from} -> *:8080/tcp"))?, ", where `*` is every pod of the namespace"),
        (None, Some(to)) if to.contains(" from ") => {
            let (to, from) = to.split_once(" from ")?;
            (mended(format!("{from} -> {to}"))?, "")
        }
        (None, Some(to)) => (mended(format!("* -> {to}"))?, ", where `*` is every pod of the namespace"),
        _ => return None,
    };
    Advice::said(format!("a flow says who connects to whom: `{flow}`{missing}"))
}

/// A flow that is well written, perhaps after a mend.
fn mended(flow: String) -> Option<String> {
    let mended = repaired(Rule::flow, &flow).map(|repaired| repaired.text);
    Some(mended.unwrap_or(flow))
}

/// `web -> db:80 log`, `web -> db:80 with tls`, `web -> db:80 if x`
fn addition(rule: Rule, statement: &str, at: usize) -> Option<Advice> {
    let rest = statement.get(at..)?.trim_start();
    let flow = statement.get(..at)?.trim_end();
    let first = rest.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    let words = [
        "with",
        "using",
        "over",
        "if",
        "when",
        "unless",
        "log",
        "allow",
        "allowed",
        "accept",
        "permit",
        "deny",
        "drop",
        "audit",
        "tls",
        "mtls",
        "encrypted",
        "from",
        "only",
        "always",
        "never",
        "stateful",
        "established",
        "https",
        "http",
        "grpc",
        "priority",
        "comment",
        "description",
        "as",
        "where",
        "because",
        "for",
        "during",
        "until",
    ];
    (rule == Rule::flow && flow.contains("->") && is_whole(rule, flow) && words.contains(&first)).then(|| {
        Advice::instead(
            format!("a flow ends with its ports, and says nothing else: `{flow}`; what people should know stands behind a `#`"),
            vec![flow.to_owned()],
        )
    })?
}
