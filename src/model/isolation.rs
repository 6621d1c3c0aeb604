//! Which pods are isolated, and where they find DNS.

use super::ports::describe;
use super::resolve::{PlacedStatement, Resolver, shorten};
use super::scope::NameScope;
use super::{CniTrigger, Dns, DnsPreset, DnsServer, Endpoint, Isolate, Isolated, NamespaceId, NamespaceKind, TierId};
use crate::diag::{Code, Diagnostic, closest};
use crate::net::Protocol;
use crate::source::Span;
use crate::syntax::{EndpointRef, IsolateDecl, Name, NodeKind};
use ipnet::IpNet;
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What the `isolate` statements of one namespace come to.
#[derive(Debug, Default)]
struct Asked {
    ingress: Isolated,
    egress: Isolated,
    statements: Vec<Isolate>,
}

/// The same, sorted and each tier once.
fn each_once(mut isolated: Isolated) -> Isolated {
    if let Isolated::Tiers(tiers) = &mut isolated {
        tiers.sort_unstable();
        tiers.dedup();
    }
    isolated
}

impl<'a> Resolver<'a> {
    /// Adds up the `isolate` statements of each managed namespace.
    pub(super) fn resolve_isolation(&mut self) {
        let mut asked: BTreeMap<NamespaceId, Asked> = BTreeMap::new();
        for PlacedStatement { scope, node, repeats, .. } in self.inner.clone() {
            let (Some(namespace), NodeKind::Isolate(isolate)) = (scope, &node.kind) else { continue };
            self.repeats = repeats;
            if self.model.namespace(namespace).is_some_and(|namespace| namespace.managed().is_none()) {
                self.misplaced(
                    node.span,
                    "an external namespace belongs to others and cannot be isolated here",
                    "leave `external` out if the namespace is yours",
                );
                continue;
            }
            self.isolate(namespace, isolate, node.span, asked.entry(namespace).or_default());
        }
        self.repeats = false;
        for id in self.model.namespaces.ids() {
            let everything = Asked { ingress: Isolated::Every, egress: Isolated::Every, statements: Vec::new() };
            let asked = asked.remove(&id).unwrap_or(everything);
            if let NamespaceKind::Managed(managed) = &mut self.model.namespaces[id].kind {
                let Asked { ingress, egress, statements } = asked;
                (managed.ingress, managed.egress) = (each_once(ingress), each_once(egress));
                managed.isolates = statements;
            }
        }
    }

    fn isolate(&mut self, namespace: NamespaceId, isolate: &'a IsolateDecl, span: Span, asked: &mut Asked) {
        let words =
            |spans: &mut dyn Iterator<Item = Span>| spans.map(|span| self.text(span)).collect::<Vec<_>>().join(", ");
        let mut text = format!("isolate {}", words(&mut isolate.directions.iter().copied()));
        if let Some(tiers) = &isolate.tiers {
            text.push_str(&format!(" for {}", words(&mut tiers.iter().map(|name| name.span))));
        }
        let (ingress, egress) = Default::default();
        let mut statement = Isolate { text: text.into(), span, ingress, egress };
        let tiers = isolate.tiers.as_ref().map(|names| self.isolated_tiers(namespace, names));
        for span in &isolate.directions {
            let (direction, own) = match self.text(*span) {
                "ingress" => (&mut asked.ingress, &mut statement.ingress),
                "egress" => (&mut asked.egress, &mut statement.egress),
                "none" if isolate.directions.len() == 1 && isolate.tiers.is_none() => continue,
                "none" => {
                    self.report(
                        Diagnostic::new(Code::E0001, *span, "`none` stands alone: it isolates nobody")
                            .with_help("write `isolate none`, or leave `none` out"),
                    );
                    continue;
                }
                other => {
                    let known = closest(&other.to_ascii_lowercase(), ["ingress", "egress", "none"].into_iter());
                    let help = match known {
                        Some(known) => format!("did you mean `{known}`?"),
                        None => "write `isolate ingress`, `isolate egress` or `isolate ingress, egress`".to_owned(),
                    };
                    let message = format!("expected `ingress`, `egress` or `none`, found `{}`", shorten(other));
                    let diagnostic = Diagnostic::new(Code::E0001, *span, message).with_help(help);
                    self.report(diagnostic.with_mends(*span, known));
                    continue;
                }
            };
            *own = tiers.clone().map_or(Isolated::Every, Isolated::Tiers);
            match (&tiers, direction) {
                (None, direction) => *direction = Isolated::Every,
                (Some(tiers), Isolated::Tiers(known)) => known.extend(tiers),
                (Some(_), Isolated::Every) => {}
            }
        }
        asked.statements.push(statement);
    }

    fn isolated_tiers(&mut self, namespace: NamespaceId, names: &[Name]) -> Vec<TierId> {
        let mut tiers = Vec::new();
        for name in names {
            let Some(endpoint) = self.find_own_tier(namespace, *name) else { continue };
            self.used.endpoints.insert(endpoint);
            let leaves = match endpoint {
                Endpoint::Group(_) => self.model.leaves(&endpoint).to_vec(),
                other @ (Endpoint::Tier(_)
                | Endpoint::Namespace(_)
                | Endpoint::Cidr(_)
                | Endpoint::Fqdn(_)
                | Endpoint::BuiltIn(_)) => vec![other],
            };
            for leaf in leaves {
                let own = |id: &TierId| self.model.tier(*id).is_some_and(|tier| tier.namespace == namespace);
                match leaf {
                    Endpoint::Tier(id) if own(&id) => tiers.push(id),
                    Endpoint::Tier(_)
                    | Endpoint::Namespace(_)
                    | Endpoint::Group(_)
                    | Endpoint::Cidr(_)
                    | Endpoint::Fqdn(_)
                    | Endpoint::BuiltIn(_) => {
                        let message = format!("`{}` is not a tier of this namespace", self.name(*name));
                        let help =
                            "`isolate ... for` takes tiers of its own namespace; without `for` it takes all pods";
                        self.report(Diagnostic::new(Code::E0220, name.span, message).with_help(help));
                        break;
                    }
                }
            }
        }
        tiers
    }

    /// Gives every managed namespace its DNS servers.
    pub(super) fn resolve_dns(&mut self) {
        let default = match self.model.platform.dns.take() {
            Some((values, span)) => Dns { servers: self.dns_servers(None, &values), span: Some(span) },
            None => Dns { servers: vec![DnsServer::Cluster], span: None },
        };
        let mut own: BTreeMap<NamespaceId, Dns> = BTreeMap::new();
        for PlacedStatement { scope, node, repeats, .. } in self.inner.clone() {
            let (Some(namespace), NodeKind::Dns(values)) = (scope, &node.kind) else { continue };
            self.repeats = repeats;
            if self.model.namespace(namespace).is_some_and(|namespace| namespace.managed().is_none()) {
                let help = "leave `external` out if the namespace is yours";
                self.misplaced(node.span, "an external namespace belongs to others and gets no DNS rule here", help);
                continue;
            }
            let servers = self.dns_servers(scope, values);
            if let Some(earlier) = own.get(&namespace).and_then(|dns| dns.span) {
                self.report(
                    Diagnostic::new(Code::E0115, node.span, "`dns` is given twice for one namespace")
                        .with_label(earlier, "first given here")
                        .with_help("list all servers in one statement, separated by commas"),
                );
                continue;
            }
            own.insert(namespace, Dns { servers, span: Some(node.span) });
        }
        self.repeats = false;
        for (index, namespace) in self.model.namespaces.iter_mut().enumerate() {
            if let NamespaceKind::Managed(managed) = &mut namespace.kind {
                managed.dns = own.remove(&NamespaceId::at(index)).unwrap_or_else(|| default.clone());
            }
        }
        self.model.dns = default;
        self.check_dns_by_pods();
    }

    /// Says where the CNI's clusters have DNS that no selector of pods matches, and a namespace has nothing else.
    fn check_dns_by_pods(&mut self) {
        let cni = self.model.platform.chosen_cni();
        let rows = [CniTrigger::DnsByPods, CniTrigger::DnsWithoutNode].map(|trigger| cni.difference(trigger));
        let mut told: FxHashSet<Option<Span>> = FxHashSet::default();
        let mut found = Vec::new();
        for row in rows.into_iter().flatten() {
            for namespace in &self.model.namespaces {
                let Some(managed) = namespace.managed().filter(|managed| !managed.egress.is_nobody()) else { continue };
                let is_by_pods = |server: &DnsServer| match server {
                    DnsServer::Cluster | DnsServer::Strict | DnsServer::OpenShift => true,
                    DnsServer::Any | DnsServer::Address(_) | DnsServer::Tier(..) => false,
                };
                let Dns { servers, span } = &managed.dns;
                if !servers.is_empty() && servers.iter().all(is_by_pods) && told.insert(*span) {
                    let what = format!("the pods of `{}`", namespace.declared);
                    found.extend(row.in_program(&cni.text(), span.or(cni.span), &what));
                }
            }
        }
        found.into_iter().for_each(|diagnostic| self.report(diagnostic));
    }

    fn dns_servers(&mut self, scope: NameScope, values: &[Span]) -> Vec<DnsServer> {
        let mut servers: Vec<DnsServer> = Vec::with_capacity(values.len());
        let mut known: FxHashSet<DnsServer> = FxHashSet::default();
        for span in values {
            let text = self.text(*span);
            if text == DnsServer::NONE {
                if values.len() > 1 {
                    self.report(
                        Diagnostic::new(Code::E0104, *span, "`none` stands alone: it allows no DNS")
                            .with_help("write `dns none`, or leave `none` out"),
                    );
                }
                continue;
            }
            let Some(server) = self.dns_server(scope, *span) else { continue };
            if !known.insert(server.clone()) {
                let message = format!("`{text}` is already in the list");
                self.report(Diagnostic::new(Code::W0009, *span, message).with_help("remove it"));
            } else {
                servers.push(server);
            }
        }
        servers
    }

    fn dns_server(&mut self, scope: NameScope, span: Span) -> Option<DnsServer> {
        let text = self.text(span);
        if let Some(DnsPreset { server: preset, .. }) = DnsServer::PRESETS.iter().find(|one| one.word == text) {
            return Some(preset.clone());
        }
        let address = text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
        if address || text.contains('.') || text.contains("::") {
            return self.block(span).map(DnsServer::Address);
        }
        let (path, port) = match text.split_once(':') {
            Some((path, port)) => (path, Some(port)),
            None => (text, None),
        };
        let start = span.start as usize;
        let part = |from: usize, to: usize| Name { span: Span::new(span.file, start + from..start + to) };
        let (namespace, name) = match path.split_once('/') {
            Some((namespace, _)) => (Some(part(0, namespace.len())), part(namespace.len() + 1, path.len())),
            None => (None, part(0, path.len())),
        };
        let local = scope.is_some_and(|_| self.scopes.endpoints.get(scope, path).is_some());
        if namespace.is_none() && port.is_none() && !local {
            let presets = DnsServer::PRESETS.iter().map(|preset| preset.word).chain([DnsServer::NONE]);
            let known = closest(text, presets.clone());
            let help = match known {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!(
                    "presets are {}; a tier is written `kube-system/my-dns`",
                    presets.collect::<Vec<_>>().join(", ")
                ),
            };
            let message = format!("unknown DNS preset `{}`", shorten(text));
            self.report(Diagnostic::new(Code::E0104, span, message).with_help(help).with_mends(span, known));
            return None;
        }
        let reference = EndpointRef::named(namespace, name);
        let endpoint = self.use_endpoint(scope, &reference)?;
        let Endpoint::Tier(tier) = endpoint else {
            let message = format!("`{path}` is not a tier, so it cannot serve DNS");
            self.report(
                Diagnostic::new(Code::E0220, reference.span, message)
                    .with_help("name a tier such as `kube-system/my-dns`, or an address such as `10.96.0.10/32`"),
            );
            return None;
        };
        let port = match port {
            None => 53,
            Some(port) => match port.parse::<u16>().ok().filter(|port| *port != 0) {
                Some(port) => port,
                None => {
                    let message = format!("`{}` is not a port", shorten(port));
                    let help = "write the port of the DNS pods, such as `kube-system/my-dns:5353`; udp and tcp are both opened";
                    self.report(Diagnostic::new(Code::E0204, span, message).with_help(help));
                    return None;
                }
            },
        };
        self.check_serves_dns(tier, port, span, path)?;
        Some(DnsServer::Tier(tier, port))
    }

    /// A tier that lists ports serves no others. Over one of the two protocols is enough: DNS opens both.
    fn check_serves_dns(&mut self, id: TierId, port: u16, span: Span, path: &str) -> Option<()> {
        let tier = self.model.tier(id)?;
        let Some(served) = &tier.served else { return Some(()) };
        let protocols = [Protocol::Udp, Protocol::Tcp];
        if protocols.iter().any(|protocol| served.has(*protocol, port)) {
            return Some(());
        }
        let listed: Vec<String> =
            tier.ports.iter().flatten().map(|port| format!("{} ({})", port.name, describe(&port.ports))).collect();
        let ranges = protocols.iter().flat_map(|protocol| served.ranges(*protocol));
        let mut numbers: Vec<u16> = ranges.filter(|(low, high)| low == high).map(|(low, _)| *low).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mends: Vec<String> = numbers.iter().map(|number| format!("{path}:{number}")).collect();
        let help = match mends.first() {
            Some(first) => format!("write `dns {first}`; it serves {}", listed.join(", ")),
            None => format!("add the port to its list: `{{ dns: {port}/udp, dns-tcp: {port}/tcp }}`"),
        };
        let declared = tier.span;
        let message = format!("`{path}` does not serve port {port}");
        let diagnostic = Diagnostic::new(Code::E0201, span, message).with_label(declared, "its ports are listed here");
        self.report(diagnostic.with_help(help).with_mends(span, mends));
        None
    }
}
