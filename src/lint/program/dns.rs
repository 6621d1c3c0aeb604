//! Whether pods find DNS: those that a program gives no DNS rule, and everybody else where it isolates the DNS servers.

use crate::cover::{Budget, GaveUp, missing, unmatched};
use crate::diag::{Code, Diagnostic};
use crate::flow::FlowSet;
use crate::model::{DnsServer, Managed, Model, Namespace, NamespaceId, PlatformList, PresetPods, Tier, TierId};
use crate::net::{Direction, NAMESPACE_NAME, Peers, PortSet, Protocol, Region, Selector, Values};
use crate::prove::Grants;
use crate::source::Span;
use std::collections::BTreeMap;

/// Comparisons of two regions in all: well under a second. Where they do not suffice, the warning is given.
const BUDGET: usize = 1_000_000;

/// Where a program shuts pods off from DNS.
pub fn dns(model: &Model, flows: &FlowSet) -> Vec<Diagnostic> {
    dns_within(model, flows, Budget::new(BUDGET))
}

fn dns_within(model: &Model, flows: &FlowSet, budget: Budget) -> Vec<Diagnostic> {
    let managed = || model.namespaces.iter().filter_map(Namespace::managed);
    let asked = |preset: &DnsServer| {
        let settings = managed().map(|managed| &managed.dns).chain([&model.dns]);
        // Whoever is not asked at all has the pods of every distribution all the same.
        let nobody = model.dns.servers.is_empty() && *preset == DnsServer::Cluster;
        nobody || settings.into_iter().any(|dns| dns.servers.contains(preset))
    };
    let presets = DnsServer::PRESETS.iter().map(|preset| &preset.server).filter(|preset| asked(preset));
    let presets: Vec<PresetPods> = presets.filter_map(DnsServer::preset_pods).collect();
    let is_asked = |server: &DnsServer, namespace: &Namespace| match server {
        DnsServer::Tier(tier, _) => {
            let home = model.tier(*tier).and_then(|tier| model.namespace(tier.namespace));
            home.is_some_and(|home| home.name == namespace.name)
        }
        DnsServer::Cluster | DnsServer::Strict | DnsServer::OpenShift | DnsServer::Any | DnsServer::Address(_) => false,
    };
    let answers = |namespace: &Namespace| {
        let preset = presets.iter().any(|preset| *preset.namespace == *namespace.name);
        preset || model.dns.servers.iter().any(|server| is_asked(server, namespace))
    };
    let concerned = |namespace: &&Namespace| {
        namespace.managed().is_some_and(|managed| asks_nobody(managed).is_some() || answers(namespace))
    };
    if !model.namespaces.iter().any(|namespace| concerned(&namespace)) {
        return Vec::new();
    }
    let mut tiers: BTreeMap<NamespaceId, Vec<TierId>> = BTreeMap::new();
    for (at, tier) in model.tiers.iter().enumerate() {
        tiers.entry(tier.namespace).or_default().push(TierId::at(at));
    }
    let mut asked = Asked { model, flows, tiers, grants: Grants::of_program(flows), budget };
    let mut found = asked.without_dns();
    found.extend(asked.shut_off(&presets));
    found
}

/// Where it is said that a namespace asks nobody, though egress of some of its pods is isolated.
fn asks_nobody(managed: &Managed) -> Option<Span> {
    managed.dns.span.filter(|_| managed.dns.servers.is_empty() && !managed.egress.is_nobody())
}

struct Asked<'a> {
    model: &'a Model,
    flows: &'a FlowSet,
    /// The tiers of each namespace.
    tiers: BTreeMap<NamespaceId, Vec<TierId>>,
    grants: Grants,
    budget: Budget,
}

/// Who of a namespace has no DNS.
enum Without {
    Everybody,
    /// The names of these tiers.
    Tiers(Vec<String>),
    /// Only pods that are in no tier.
    Others,
}

impl<'a> Asked<'a> {
    /// The managed namespaces, each with its place in the flow set.
    fn managed(&self) -> Vec<(usize, NamespaceId, &'a Namespace, &'a Managed)> {
        let model = self.model;
        let all = model.namespaces.iter().enumerate();
        let managed = all.filter_map(|(id, namespace)| Some((id, namespace, namespace.managed()?)));
        let placed = managed.filter_map(|(id, namespace, managed)| {
            let at = self.flows.namespaces.as_slice().binary_search_by(|one| one.name.cmp(&namespace.name)).ok()?;
            Some((at, NamespaceId::at(id), namespace, managed))
        });
        placed.collect()
    }

    /// The tiers of a namespace, each with the port on which the whole program asks it, where it does.
    fn tiers(&self, namespace: NamespaceId) -> Vec<(&'a Tier, Option<u16>)> {
        let port = |id: TierId| {
            self.model.dns.servers.iter().find_map(|server| match server {
                DnsServer::Tier(tier, port) if *tier == id => Some(*port),
                DnsServer::Cluster
                | DnsServer::Strict
                | DnsServer::OpenShift
                | DnsServer::Any
                | DnsServer::Address(_)
                | DnsServer::Tier(..) => None,
            })
        };
        let all = self.tiers.get(&namespace).into_iter().flatten();
        all.filter_map(|id| Some((self.model.tier(*id)?, port(*id)))).collect()
    }

    fn without_dns(&mut self) -> Vec<Diagnostic> {
        let mut whole: BTreeMap<Span, Vec<String>> = BTreeMap::new();
        let mut found = Vec::new();
        for (at, id, namespace, managed) in self.managed() {
            let Some(span) = asks_nobody(managed) else { continue };
            let name = namespace.declared.to_string();
            match self.without(at, id) {
                Ok(None) => {}
                Err(GaveUp) => {
                    let message =
                        format!("it takes too many steps to find out who of namespace `{name}` resolves names");
                    found.push((span, message));
                }
                Ok(Some(Without::Everybody)) => whole.entry(span).or_default().push(name),
                Ok(Some(Without::Tiers(tiers))) => {
                    let (word, verb) = if tiers.len() == 1 { ("tier", "resolves") } else { ("tiers", "resolve") };
                    found.push((span, format!("{word} {} of namespace `{name}` {verb} no names", quoted(&tiers))));
                }
                Ok(Some(Without::Others)) => {
                    found.push((span, format!("the pods of namespace `{name}` that are in no tier resolve no names")));
                }
            }
        }
        let whole = whole.into_iter().map(|(span, namespaces)| {
            let one = namespaces.len() == 1;
            let (word, verb) = if one { ("namespace", "resolves") } else { ("namespaces", "resolve") };
            (span, format!("egress of {word} {} is isolated and {verb} no names", quoted(&namespaces)), true)
        });
        let some = found.into_iter().map(|(span, message)| (span, format!("{message}: egress is isolated"), false));
        let mut all: Vec<_> = whole.chain(some).collect();
        all.sort();
        let said = all.into_iter().map(|(span, message, whole)| {
            let advice = match whole {
                true => "remove `dns none`",
                false => "open port 53 of its servers to them, too",
            };
            let help = format!("most programs need DNS: {advice}, or silence this if addresses are all they use");
            Diagnostic::new(Code::W0007, span, message).with_help(help)
        });
        said.collect()
    }

    /// Which isolated pods of a namespace no flow lets ask for names.
    fn without(&mut self, at: usize, id: NamespaceId) -> Result<Option<Without>, GaveUp> {
        let side = self.grants.get(at, Direction::Egress);
        let asking = [Protocol::Udp, Protocol::Tcp].map(|protocol| {
            let granted = side.granted.iter().filter(|region| is_for_dns(region, protocol));
            granted.map(|region| &region.subject).collect::<Vec<&Selector>>()
        });
        let budget = &mut self.budget;
        let lacks = |pods: &Selector, budget: &mut Budget| -> Result<bool, GaveUp> {
            for asking in &asking {
                if unmatched(pods, asking, budget)?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let mut isolated = Vec::new();
        for pods in &side.isolated {
            if lacks(pods, budget)? {
                isolated.push(pods);
            }
        }
        if isolated.is_empty() {
            return Ok(None);
        }
        if asking.iter().any(Vec::is_empty) {
            return Ok(Some(Without::Everybody));
        }
        let own = self.tiers.get(&id).into_iter().flatten();
        let own: Vec<&Tier> = own.filter_map(|id| self.model.tier(*id)).collect();
        let mut tiers = Vec::new();
        for tier in &own {
            budget.spend(isolated.len())?;
            let some = isolated.iter().map(|pods| tier.selector.and(pods));
            for pods in some.filter(|pods| pods.contradiction().is_none()) {
                if lacks(&pods, budget)? {
                    tiers.push(tier.name.to_string());
                    break;
                }
            }
        }
        if !tiers.is_empty() {
            return Ok(Some(Without::Tiers(tiers)));
        }
        // Pods that are in no tier need names only where they may reach something.
        let known: Vec<&Selector> = own.iter().map(|tier| &tier.selector).chain(asking.into_iter().flatten()).collect();
        for pods in side.granted.iter().map(|region| &region.subject) {
            if unmatched(pods, &known, &mut self.budget)?.is_some() {
                return Ok(Some(Without::Others));
            }
        }
        Ok(None)
    }

    /// The DNS servers of the program that are isolated, and whom that shuts off from what.
    fn shut_off(&mut self, presets: &[PresetPods]) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (at, id, namespace, _) in self.managed() {
            for server in servers(&self.tiers(id), namespace, presets) {
                if self.closed_to_others(at, &server) != Ok(false) {
                    found.push(server.closed_to_others());
                }
                if self.cut_from_apiserver(at, &server) {
                    found.push(server.cut_from_apiserver(self.model.platform.list(PlatformList::ApiServer).is_some()));
                }
            }
        }
        found
    }

    /// Whether some pods of namespaces that are not managed may not ask a server.
    fn closed_to_others(&mut self, at: usize, server: &NamespaceServer<'_>) -> Result<bool, GaveUp> {
        let side = self.grants.get(at, Direction::Ingress);
        let mut others = Selector::everything();
        let managed = self.flows.namespaces.iter().map(|namespace| namespace.name.clone());
        others.require(NAMESPACE_NAME, Values::none_of(managed));
        others.require(NAMESPACE_NAME, Values::exists());
        let peers = Peers::Pods { namespaces: others, pods: Selector::everything() };
        for (protocol, pods) in server.protocols.iter().flat_map(|one| server.among(&side.isolated).map(|p| (*one, p)))
        {
            let granted = side.granted.iter().filter(|region| opens(&region.ports, protocol, server.port));
            let ports = PortSet::number(protocol, server.port);
            let granted: Vec<Region> =
                granted.map(|region| Region { ports: ports.clone(), ..region.clone() }).collect();
            let wanted = Region { subject: pods, peers: peers.clone(), ports: ports.clone() };
            if missing(wanted, &granted.iter().collect::<Vec<_>>(), &mut self.budget)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether no connection that a server may open could be one to the API server: that one speaks tcp, and on no port of
    /// DNS.
    fn cut_from_apiserver(&mut self, at: usize, server: &NamespaceServer<'_>) -> bool {
        let side = self.grants.get(at, Direction::Egress);
        // The caches of a node are on its network, and pass on what they are asked.
        let is_cache = server.pods.required_value("k8s-app").is_some_and(|apps| apps == ["node-local-dns".into()]);
        if !server.is_preset || is_cache {
            return false;
        }
        let dns = [53, server.port].map(|port| PortSet::number(Protocol::Tcp, port));
        let others = dns.iter().fold(PortSet::whole(Protocol::Tcp), |left, port| left.subtract(port));
        let listed = self.model.platform.addresses(PlatformList::ApiServer);
        let may_be_it = |peers: &Peers| match (peers, &listed) {
            (Peers::Addresses(addresses), Some(listed)) => addresses.overlaps(listed),
            (Peers::Addresses(_), None) | (Peers::Any | Peers::Pods { .. }, _) => true,
        };
        let may = side.granted.iter().filter(|region| region.ports.overlaps(&others) && may_be_it(&region.peers));
        let may: Vec<&Selector> = may.map(|region| &region.subject).collect();
        let mut isolated = server.among(&side.isolated);
        isolated.any(|pods| unmatched(&pods, &may, &mut self.budget) != Ok(None))
    }
}

/// DNS servers of a managed namespace.
struct NamespaceServer<'a> {
    namespace: &'a Namespace,
    /// What they are called, when they are declared.
    tier: Option<&'a Tier>,
    /// A name that is not taken, for the case that they are not.
    free: String,
    pods: Selector,
    /// Whether these are what a preset means, so that it is known what they need themselves.
    is_preset: bool,
    port: u16,
    /// Those that they answer over.
    protocols: Vec<Protocol>,
}

/// The servers among the pods of a namespace: its tiers that are asked by the whole program or are what a preset means;
/// without any, the pods that a preset means.
fn servers<'a>(
    tiers: &[(&'a Tier, Option<u16>)],
    namespace: &'a Namespace,
    presets: &[PresetPods],
) -> Vec<NamespaceServer<'a>> {
    let both = [Protocol::Udp, Protocol::Tcp];
    let own = presets.iter().filter(|preset| *preset.namespace == *namespace.name);
    let mut found: Vec<NamespaceServer<'a>> = Vec::new();
    for (tier, port) in tiers {
        let preset = own.clone().find(|preset| preset.pods.contains(&tier.selector));
        let Some(port) = port.or(preset.map(|preset| preset.port)) else { continue };
        let serves = |protocol: &Protocol| tier.served.as_ref().is_none_or(|ports| opens(ports, *protocol, port));
        let protocols: Vec<Protocol> = both.into_iter().filter(serves).collect();
        if !protocols.is_empty() {
            let (pods, is_preset) = (tier.selector.clone(), preset.is_some());
            found.push(NamespaceServer {
                namespace,
                tier: Some(tier),
                free: String::new(),
                pods,
                is_preset,
                port,
                protocols,
            });
        }
    }
    if found.is_empty() {
        let widest = own.clone().find(|preset| own.clone().all(|other| preset.pods.contains(&other.pods)));
        let is_taken = |name: &String| tiers.iter().any(|(tier, _)| *tier.name == **name);
        let names = ["kube-dns", "cluster-dns"].map(str::to_owned).into_iter();
        let mut names = names.chain((2..).map(|number| format!("cluster-dns-{number}")));
        let free = names.find(|name| !is_taken(name)).unwrap_or_default();
        found.extend(widest.map(|PresetPods { pods, port, .. }| {
            let (pods, port, protocols) = (pods.clone(), *port, both.to_vec());
            NamespaceServer { namespace, tier: None, free, pods, is_preset: true, port, protocols }
        }));
    }
    found
}

impl NamespaceServer<'_> {
    /// The servers that each of the selectors isolates.
    fn among(&self, isolated: &[Selector]) -> impl Iterator<Item = Selector> {
        let both = isolated.iter().map(|isolated| self.pods.and(isolated));
        both.filter(|pods| pods.contradiction().is_none())
    }

    fn span(&self) -> Span {
        self.tier.map_or(self.namespace.span, |tier| tier.span)
    }

    /// How flows call them, from outside of all namespaces.
    fn name(&self) -> String {
        let name = self.tier.map_or(self.free.as_str(), |tier| &tier.name);
        format!("{}/{name}", self.namespace.declared)
    }

    /// What has to be declared before they can be called so.
    fn declaration(&self) -> String {
        match self.tier {
            Some(_) => String::new(),
            None => format!("declare `tier {} ({})` in it, and ", self.free, self.pods),
        }
    }

    fn closed_to_others(&self) -> Diagnostic {
        let ports: Vec<String> =
            self.protocols.iter().map(|protocol| format!("{}/{}", self.port, protocol.keyword())).collect();
        let ports = match ports.as_slice() {
            [one] => one.clone(),
            several => format!("{{{}}}", several.join(", ")),
        };
        let message = format!(
            "the DNS servers of namespace `{}` answer no pod of the namespaces that are not managed",
            self.namespace.declared
        );
        let line = format!("ingress cluster -> {}:{ports}", self.name());
        let help = format!("to keep names resolved there, {}write `{line}`", self.declaration());
        Diagnostic::new(Code::W0019, self.span(), message).with_help(help)
    }

    fn cut_from_apiserver(&self, listed: bool) -> Diagnostic {
        let message = format!(
            "the DNS servers of namespace `{}` may not connect to the API server, which tells them the Services",
            self.namespace.declared
        );
        let list = if listed { "" } else { "list its addresses in `platform { apiserver ... }`, " };
        let line = format!("{} -> apiserver:{{443, 6443}}/tcp", self.name());
        let help = format!(
            "{list}{}write `{line}`, and open port 53 of the servers that they pass other names on to",
            self.declaration()
        );
        Diagnostic::new(Code::W0019, self.span(), message).with_help(help)
    }
}

/// Whether a grant opens the port of DNS servers over a protocol.
fn is_for_dns(region: &Region, protocol: Protocol) -> bool {
    let openshift = || {
        let pods = DnsServer::OpenShift.preset_pods();
        pods.is_some_and(|servers| {
            region.ports.has(protocol, servers.port)
                && region.peers.overlaps(&peers_of(servers.namespace, &servers.pods))
        })
    };
    opens(&region.ports, protocol, 53) || openshift()
}

/// Whether a number is among ports, as far as is known: any name may stand for it.
fn opens(ports: &PortSet, protocol: Protocol, number: u16) -> bool {
    ports.has(protocol, number) || ports.names(protocol).next().is_some()
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn peers_of(namespace: &str, pods: &Selector) -> Peers {
    Peers::Pods { namespaces: Selector::equals(NAMESPACE_NAME, namespace), pods: pods.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::{flow, model, syntax};

    /// The codes and messages of what is said of a program within so many steps.
    fn said(text: &str, steps: usize) -> Vec<(Code, String)> {
        let mut sources = Sources::default();
        let file = sources.add("main.polder", text);
        let tree = syntax::parse(&sources, file).tree;
        let model = model::resolve(&sources, &[tree], &model::Options::default()).model;
        let found = dns_within(&model, &flow::lower(&model), Budget::new(steps));
        found.into_iter().map(|one| (one.code, one.message)).collect()
    }

    #[test]
    fn what_takes_too_many_steps_is_warned_of() {
        let asking = "namespace app {\n  dns none\n  tier web\n  web -> kube:53/udp\n  web -> kube:53/tcp\n  \
                      isolate egress for web\n}\ncidr kube = 10.96.0.10/32\n";
        assert_eq!(said(asking, BUDGET), []);
        let message = "it takes too many steps to find out who of namespace `app` resolves names: egress is isolated";
        assert_eq!(said(asking, 0), [(Code::W0007, message.to_owned())]);
        let servers = "platform {\n  apiserver 10.0.0.1/32\n}\nnamespace kube-system {\n  tier dns (k8s-app=kube-dns)\n  \
                       cluster -> dns:{53/udp, 53/tcp}\n  dns -> apiserver:443\n}\n";
        assert_eq!(said(servers, BUDGET), []);
        assert_eq!(said(servers, 0).len(), 2, "whom the servers let in, and whether they find the API server");
    }
}
