//! What is said of flows and their ends.

use crate::diag::{Code, Diagnostic};
use crate::model::{Cni, CniVersion, PlatformList, Target};
use crate::net::Direction;
use crate::source::Span;

/// A word with a colon in front of a flow, to be left out or to stand without one: `start` takes its place.
pub(crate) fn word_in_front(at: Span, what: &str, start: String, flow: &str) -> Diagnostic {
    Diagnostic::new(Code::E0001, at, what).with_help(format!("write `{start}{flow}`")).with_mend(at, start)
}

/// Every port of every protocol.
pub(crate) fn every_port(at: Span) -> Diagnostic {
    Diagnostic::new(Code::W0005, at, "this opens every port of every protocol")
        .with_help("name the ports that are needed, such as `8080/tcp`")
}

/// A destination that says no ports and is named without any.
pub(crate) fn no_ports(at: Span, written: &str, end: &str, through: Option<&str>, is_addresses: bool) -> Diagnostic {
    let message = match through {
        Some(group) => format!("`{end}`, a member of `{group}`, lists no ports, so the flow has to name them"),
        None => format!("`{end}` lists no ports, so the flow has to name them"),
    };
    let help = match is_addresses {
        true => format!("write `{written}:443/tcp`, or `:*` if you mean every port"),
        false => format!("write `{written}:8080/tcp` with the port of the pods, or `:*` if you mean every port"),
    };
    Diagnostic::new(Code::E0203, at, message).with_help(help)
}

/// DNS names that connect.
pub(crate) fn dns_names_as_source(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0212, at, "DNS names can only be a destination: who connects is seen by its address")
        .with_help("declare the addresses: `cidr NAME = ...`")
}

/// DNS names that somebody connects to, and the target that could say it on this plugin.
pub(crate) fn dns_names_as_destination(at: Span, helping: Option<Target>) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::E0213,
        at,
        "NetworkPolicy knows addresses and labels, no DNS names: this flow cannot be enforced",
    );
    let addresses = "declare the addresses behind the name: `cidr NAME = ...`";
    match helping {
        Some(target) => diagnostic.with_help(format!(
            "write `target = \"{}\"` below `[build]` in polder.toml, which has names; or {addresses}",
            target.name()
        )),
        None => diagnostic.with_help(addresses),
    }
}

/// A flow to DNS names out of a namespace whose pods ask nobody for them.
pub(crate) fn names_never_asked(at: Span, namespace: &str) -> Diagnostic {
    let message = format!(
        "the addresses of DNS names are learnt from the answers of DNS servers, and the pods of `{namespace}` ask none \
         (`dns none`)"
    );
    Diagnostic::new(Code::E0223, at, message).with_help(format!(
        "let namespace `{namespace}` ask, as with `dns cluster`, or name the addresses: `cidr NAME = ...`"
    ))
}

/// A flow to DNS names out of a namespace whose pods may ask anybody.
pub(crate) fn names_from_anywhere(at: Span, namespace: &str) -> Diagnostic {
    let message = format!(
        "the addresses of DNS names are learnt from DNS servers that are pods, and those of `{namespace}` may ask others, \
         too (`dns any`): what these answer stays closed"
    );
    Diagnostic::new(Code::W0014, at, message).with_help("name the DNS servers, as with `dns cluster`")
}

/// `**.` for a plugin that may take it for `*.`.
pub(crate) fn several_labels(at: Span, name: &str, plugin: &str, since: CniVersion) -> Diagnostic {
    let message = format!("{plugin} reads `{name}` as names of one label more, and deeper ones only from {since} on");
    Diagnostic::new(Code::W0014, at, message)
        .with_help(format!("list each depth, as with `*.a.example.com`, or say that it is newer: `cni cilium {since}`"))
}

/// A target whose objects the plugin does not read.
pub(crate) fn target_not_read(target: Target, cni: Cni, at: Option<Span>) -> Diagnostic {
    let (name, maker) = (target.name(), target.maker());
    let message = match cni {
        Cni::Any => format!("the target `{name}` is for a cluster with {maker}, and the program names no CNI"),
        cni => format!(
            "the target `{name}` is for a cluster with {maker}, and `{}` does not read what it writes",
            cni.name()
        ),
    };
    let plugins: Vec<String> = target.plugins().iter().map(|cni| format!("`cni {}`", cni.name())).collect();
    let diagnostic = match at {
        Some(at) => Diagnostic::new(Code::E0223, at, message),
        None => Diagnostic::about(Code::E0223, message),
    };
    diagnostic
        .with_help(format!("write {} in `platform {{ ... }}`, or build without this target", plugins.join(" or ")))
}

/// Two ends that both hold addresses.
pub(crate) fn addresses_on_both_ends([from, to]: [Span; 2], [source, destination]: [&str; 2]) -> Diagnostic {
    let message =
        format!("`{source}` and `{destination}` both hold addresses: one end of a flow is pods and nothing else");
    Diagnostic::new(Code::E0211, from, message)
        .with_label(to, "addresses too")
        .with_help("a flow needs pods of a managed namespace on one end; `cluster` means every pod")
}

/// Two ends of which no manifest is about one.
pub(crate) fn no_end_managed(at: Span, [source, destination]: [&str; 2]) -> Diagnostic {
    let message = format!("neither `{source}` nor `{destination}` is in a managed namespace");
    Diagnostic::new(Code::E0210, at, message).with_help(
        "no manifest could express this flow: leave it out, or manage one of the namespaces (without `external`)",
    )
}

/// The side of an end that no manifest is about.
pub(crate) fn opened_end_not_managed(at: Span, side: Direction, end: &str) -> Diagnostic {
    let (word, other) = (side.word(), side.other().word());
    Diagnostic::new(Code::E0210, at, format!("`{word}` opens the side of `{end}`, which is in no managed namespace"))
        .with_help(format!(
            "no manifest could express this: `{other}` opens the other side, and so does no word at all"
        ))
}

/// `internet` where the platform has all of it.
pub(crate) fn no_internet(at: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0222,
        at,
        "`internet` holds no address: `platform` lists all public ones as the cluster's own",
    )
    .with_help("list only the blocks of the cluster itself in `platform`, such as `pods 10.244.0.0/16`")
}

/// An endpoint whose addresses `platform` has to list.
pub(crate) fn not_listed(at: Span, name: &str, list: PlatformList) -> Diagnostic {
    let message = format!("the addresses of `{name}` are not known: no manifest can find them out");
    Diagnostic::new(Code::E0214, at, message).with_help(format!(
        "{}: `platform {{ {} }}`",
        list.shown_by(),
        list.example()
    ))
}

/// Everybody who connects to a tier that lists no ports.
pub(crate) fn everybody_to_unlisted_ports([from, to]: [Span; 2], source: &str, tier: &str) -> Diagnostic {
    let message = format!("`{source}` lets everybody in to tier `{tier}`, which lists no ports");
    Diagnostic::new(Code::W0006, from, message).with_label(to, "lists no ports").with_help(format!(
        "list what it serves, so that a mistyped port is an error: `tier {tier} {{ https: 8443/tcp }}`"
    ))
}
