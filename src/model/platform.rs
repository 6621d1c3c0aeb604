//! The facts about the cluster that no manifest can show.

use super::cni::{Cni, CniVersion};
use super::errors::flows as errors;
use super::resolve::{Resolver, shorten};
use super::{ChosenCni, CniTrigger, DnsServer, Endpoint, Holds, Model};
use crate::diag::{Code, Diagnostic, closest};
use crate::net::{AddressSet, BlocksMatch, Facts, IpBlock, Listed};
use crate::source::Span;
use crate::syntax::{Node, NodeKind};
use crate::table::{Id, Table, entry};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The facts about the cluster.
#[derive(Debug, Clone)]
pub struct Platform {
    /// What has to enforce the policies.
    pub cni: Cni,
    /// Which version of it; `None` for the oldest that its makers support.
    pub cni_version: Option<CniVersion>,
    /// Where the program says so.
    cni_span: Option<Span>,
    /// The lists of addresses, each as far as the program has it.
    lists: Table<PlatformList, Option<Vec<IpNet>>>,
    /// The DNS servers of namespaces that say nothing themselves, as written, until they are resolved.
    pub(super) dns: Option<(Vec<Span>, Span)>,
}

/// A list of addresses among the facts about the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformList {
    /// Those of the API server: its ClusterIP and its endpoints.
    ApiServer,
    /// Those of the nodes.
    Nodes,
    /// Those that pods get.
    Pods,
    /// Those that Services get.
    Services,
}

/// All that is particular to a list.
struct ListRow {
    /// The word that the entry begins with.
    key: &'static str,
    /// How an entry may look.
    example: &'static str,
    /// What shows the addresses.
    shown_by: &'static str,
}

impl PlatformList {
    /// All of them, in their order.
    pub const ALL: [PlatformList; 4] =
        [PlatformList::ApiServer, PlatformList::Nodes, PlatformList::Pods, PlatformList::Services];

    fn row(self) -> ListRow {
        match self {
            PlatformList::ApiServer => ListRow {
                key: "apiserver",
                example: "apiserver 10.96.0.1/32, 192.0.2.10/32",
                shown_by: "`kubectl get service kubernetes -n default` shows the ClusterIP, `kubectl get endpointslices -n \
                           default -l kubernetes.io/service-name=kubernetes` the addresses behind it",
            },
            PlatformList::Nodes => ListRow {
                key: "nodes",
                example: "nodes 192.0.2.0/24",
                shown_by: "`kubectl get nodes -o wide` shows them",
            },
            PlatformList::Pods => ListRow {
                key: "pods",
                example: "pods 10.244.0.0/16",
                shown_by: "the settings of the cluster's network show them",
            },
            PlatformList::Services => ListRow {
                key: "services",
                example: "services 10.96.0.0/12",
                shown_by: "the settings of the cluster's network show them",
            },
        }
    }

    /// The word that the entry begins with.
    pub fn key(self) -> &'static str {
        self.row().key
    }

    /// How an entry may look.
    pub fn example(self) -> &'static str {
        self.row().example
    }

    /// What shows the addresses.
    pub fn shown_by(self) -> &'static str {
        self.row().shown_by
    }
}

impl Id for PlatformList {
    fn at(place: usize) -> Self {
        *entry(&Self::ALL, place)
    }

    fn place(self) -> usize {
        self as usize
    }
}

impl Default for Platform {
    fn default() -> Self {
        let lists = PlatformList::ALL.into_iter().map(|_| None).collect();
        Platform { cni: Cni::default(), cni_version: None, cni_span: None, lists, dns: None }
    }
}

impl Platform {
    /// The CNI, with all that the program says of it.
    pub fn chosen_cni(&self) -> ChosenCni {
        ChosenCni { cni: self.cni, version: self.cni_version, span: self.cni_span }
    }

    /// What address blocks match.
    pub fn blocks_match(&self) -> BlocksMatch {
        self.cni.blocks_match(self.cni_version)
    }

    /// One of the lists; `None` where the program does not have it.
    pub fn list(&self, list: PlatformList) -> Option<&[IpNet]> {
        self.lists[list].as_deref()
    }

    /// The addresses of one of the lists; `None` where the program does not have it.
    pub fn addresses(&self, list: PlatformList) -> Option<AddressSet> {
        self.list(list).map(|nets| AddressSet::from_nets(nets.iter().copied()))
    }

    /// Every address that the platform lists; none of them is part of the internet.
    pub fn listed(&self) -> impl Iterator<Item = IpNet> {
        PlatformList::ALL.into_iter().filter_map(|list| self.list(list)).flatten().copied()
    }

    /// Public addresses: not private (RFC 1918), shared (RFC 6598), link-local, loopback, multicast or reserved, and
    /// none that is listed. For IPv6 that is the one block of global unicast addresses (RFC 4291).
    pub fn internet(&self) -> Vec<IpBlock> {
        const NOT_PUBLIC: [&str; 9] = [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ];
        /// Azure's node services answer on a public address.
        const AZURE_WIRE_SERVER: &str = "168.63.129.16/32";
        let nets = |list: &[&str]| list.iter().filter_map(|net| net.parse().ok()).collect::<Vec<IpNet>>();
        let mut except = nets(&NOT_PUBLIC);
        if self.cni.is_of_azure() {
            except.extend(nets(&[AZURE_WIRE_SERVER]));
        }
        except.extend(self.listed());
        let blocks = nets(&["0.0.0.0/0", "2000::/3"]);
        // A listed block that holds all of IPv6's public addresses leaves none of them.
        IpBlock::list(&blocks, &except).into_iter().filter(|block| block.addresses() != AddressSet::empty()).collect()
    }
}

impl Model {
    /// The address blocks that an endpoint is; `None` where it is no list of addresses.
    pub fn blocks(&self, endpoint: Endpoint) -> Option<Vec<IpBlock>> {
        match endpoint {
            Endpoint::Cidr(id) => Some(self.cidrs[id].blocks.clone()),
            Endpoint::BuiltIn(one) => match one.holds() {
                Holds::Listed(list) if self.target.entities(list).is_some() => None,
                Holds::Public => Some(self.platform.internet()),
                Holds::Listed(list) => Some(IpBlock::list(self.platform.list(list).unwrap_or_default(), &[])),
                Holds::Pods | Holds::Everything => None,
            },
            Endpoint::Tier(_) | Endpoint::Namespace(_) | Endpoint::Group(_) | Endpoint::Fqdn(_) => None,
        }
    }

    /// What address blocks mean in the cluster of this program.
    pub fn facts(&self) -> Facts {
        let set = |list| self.platform.addresses(list).unwrap_or_default();
        let managed = self.namespaces.iter().filter_map(|namespace| namespace.managed());
        let dns = managed.flat_map(|managed| &managed.dns.servers).filter_map(|server| match server {
            DnsServer::Address(net) => Some(*net),
            DnsServer::Cluster | DnsServer::Strict | DnsServer::OpenShift | DnsServer::Any | DnsServer::Tier(..) => {
                None
            }
        });
        let listed = Listed {
            pods: self.platform.addresses(PlatformList::Pods),
            nodes: set(PlatformList::Nodes),
            api_server: set(PlatformList::ApiServer),
            others: set(PlatformList::Services).union(&AddressSet::from_nets(dns)),
        };
        let facts = Facts::new(self.platform.blocks_match(), listed);
        let names_others = self.target.has_names() || self.target.has_entities();
        if names_others { facts.with_unlisted() } else { facts }
    }
}

/// An entry of `platform`, as it is written.
#[derive(Clone, Copy)]
struct ListEntry<'a> {
    values: &'a [Span],
    /// What stands behind the name of a CNI.
    version: Option<Span>,
    span: Span,
}

impl<'a> Resolver<'a> {
    /// Reads `platform { ... }`, with the entries that the environment replaces.
    pub(super) fn read_platform(&mut self) {
        let mut entries: BTreeMap<&str, ListEntry<'a>> = BTreeMap::new();
        let mut first: Option<Span> = None;
        for member in self.top.clone() {
            let NodeKind::Platform(nodes) = &member.node.kind else { continue };
            if let Some(earlier) = first {
                self.report(
                    Diagnostic::new(Code::E0115, member.node.span, "`platform` is given twice")
                        .with_label(earlier, "first given here")
                        .with_help("a program has one platform; put all entries into one block"),
                );
            }
            first.get_or_insert(member.node.span);
            self.platform_entries(nodes, &mut entries);
        }
        let mut chosen = BTreeMap::new();
        for member in self.top.clone() {
            let NodeKind::Environment { entries: nodes, .. } = &member.node.kind else { continue };
            let mut replaced = BTreeMap::new();
            self.platform_entries(nodes, &mut replaced);
            for (name, entry) in replaced.iter().filter(|(name, _)| !entries.contains_key(*name)) {
                self.report_added(name, entry.span);
            }
            if self.environment.is_some_and(|chosen| std::ptr::eq(chosen, nodes.as_slice())) {
                chosen = replaced;
            }
        }
        entries.extend(chosen);
        self.set_platform(&entries);
    }

    /// An entry that only an environment has. Those with a default are no exception: who reads the program should see
    /// what may be another thing elsewhere.
    fn report_added(&mut self, name: &str, span: Span) {
        let entry = match PlatformList::ALL.into_iter().find(|list| list.key() == name) {
            Some(list) => format!("`{}`", list.example()),
            None if name == "cni" => "`cni any`, which is the default".to_owned(),
            None => "`dns cluster`, which is the default".to_owned(),
        };
        let message = format!("the program's `platform` has no `{name}` to replace");
        let help = format!("an environment never adds; state it in `platform {{ ... }}` first, such as {entry}");
        self.report(Diagnostic::new(Code::E0111, span, message).with_help(help));
    }

    fn platform_entries(&mut self, nodes: &'a [Node], entries: &mut BTreeMap<&'a str, ListEntry<'a>>) {
        for node in nodes {
            let NodeKind::PlatformEntry { key, values, version } = &node.kind else { continue };
            let name = self.text(*key);
            match entries.get(name) {
                Some(ListEntry { span: earlier, .. }) => {
                    let help = if name == "cni" {
                        "keep one of them: a cluster has one CNI that enforces policies"
                    } else {
                        "list all values in one entry, separated by commas"
                    };
                    let diagnostic = Diagnostic::new(Code::E0115, node.span, format!("`{name}` is given twice"))
                        .with_label(*earlier, "first given here")
                        .with_help(help);
                    self.report(diagnostic);
                }
                None => {
                    entries.insert(name, ListEntry { values, version: version.as_deref().copied(), span: node.span });
                }
            }
        }
    }

    fn set_platform(&mut self, entries: &BTreeMap<&'a str, ListEntry<'a>>) {
        let lists = PlatformList::ALL.map(|list| {
            let entry = entries.get(list.key())?;
            Some(entry.values.iter().filter_map(|span| self.block(*span)).collect::<Vec<_>>())
        });
        let dns = entries.get("dns").map(|entry| (entry.values.to_vec(), entry.span));
        let (cni, cni_version) = entries.get("cni").and_then(|entry| self.cni(entry)).unwrap_or_default();
        let cni_span = entries.get("cni").map(|entry| entry.span);
        self.model.platform = Platform { cni, cni_version, cni_span, lists: Vec::from(lists).into(), dns };
        let text = self.model.platform.chosen_cni().text();
        for row in cni.differences(cni_version, CniTrigger::Always) {
            row.in_program(&text, cni_span, "").into_iter().for_each(|note| self.report(note));
        }
        let target = self.model.target;
        if !target.is_read_by(cni) {
            self.report(errors::target_not_read(target, cni, cni_span));
        }
    }

    /// `cni NAME [VERSION]`.
    fn cni(&mut self, entry: &ListEntry<'a>) -> Option<(Cni, Option<CniVersion>)> {
        let [value, others @ ..] = entry.values else { return None };
        let name = self.text(*value);
        let Some(cni) = Cni::parse(name) else {
            self.report_unknown_cni(name, *value);
            return None;
        };
        let nothing = cni.enforces_nothing().and_then(|row| row.in_program(cni.name(), Some(entry.span), ""));
        nothing.into_iter().for_each(|error| self.report(error));
        if let [other, ..] = others {
            let diagnostic = Diagnostic::new(Code::E0105, *other, "a cluster has one CNI");
            let other_version = CniVersion::beginning(self.text(*other)).filter(|_| entry.version.is_none());
            self.report(match other_version {
                Some(version) => {
                    let listed = Span { start: value.end, ..*other };
                    let help = format!("no comma stands before a version: `cni {name} {version}`");
                    diagnostic.with_help(help).with_mend(listed, format!(" {version}"))
                }
                None => diagnostic.with_help("name the one that enforces policies"),
            });
        }
        let version = entry.version.and_then(|span| self.cni_version(cni, span));
        Some((cni, version))
    }

    fn cni_version(&mut self, cni: Cni, span: Span) -> Option<CniVersion> {
        let text = self.text(span);
        if cni == Cni::Any {
            let diagnostic = Diagnostic::new(Code::E0105, span, "`any` is no CNI of which there are versions");
            self.report(diagnostic.with_help("name the CNI before its version, as in `cni cilium 1.18`"));
            return None;
        }
        let cni = cni.name();
        let version = CniVersion::parse(text);
        if version.is_none() {
            let message = format!("`{}` is no version of {cni}", shorten(text));
            let diagnostic = Diagnostic::new(Code::E0105, span, message);
            self.report(match CniVersion::beginning(text) {
                Some(version) => {
                    diagnostic.with_help(format!("write `cni {cni} {version}`")).with_mend(span, version.to_string())
                }
                None if Cni::parse(text).is_some() => {
                    diagnostic.with_help("a cluster has one CNI: name the one that enforces policies")
                }
                None => diagnostic.with_help(format!(
                    "write two numbers, as in `cni {cni} 1.18`, or `cni {cni}` for the oldest version that its makers support"
                )),
            });
        }
        version
    }

    fn report_unknown_cni(&mut self, name: &str, value: Span) {
        let diagnostic = Diagnostic::new(Code::E0105, value, format!("unknown CNI `{}`", shorten(name)));
        let joined = name.split_once([':', '/']).or_else(|| name.rsplit_once(['-', '_']));
        let versioned = joined.and_then(|(cni, version)| Some((Cni::parse(cni)?, CniVersion::beginning(version)?)));
        if let Some((cni, version)) = versioned {
            let text = format!("{} {version}", cni.name());
            let help = format!("a space stands before a version: `cni {text}`");
            return self.report(diagnostic.with_help(help).with_mend(value, text));
        }
        let near = closest(&name.to_ascii_lowercase(), Cni::names());
        let help = match near {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("Polder knows {}", Cni::names().collect::<Vec<_>>().join(", ")),
        };
        self.report(diagnostic.with_help(help).with_mends(value, near));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::words::is_platform_key;

    #[test]
    fn lists_have_keys_that_the_language_knows() {
        for list in PlatformList::ALL {
            assert!(is_platform_key(list.key()), "{}", list.key());
        }
    }
}
