//! From the model to the flow set: names become selectors and addresses, presets become servers.

use super::*;
use crate::model::{self, BuiltIn, Endpoint, EndpointName, Holds, Isolated, Model, NamespaceId, NamespaceKind};
use crate::net::{AddressSet, Protocol};
use ipnet::IpNet;
use rustc_hash::FxHashMap;
use smallvec::smallvec;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Lowers a model that was resolved without errors.
pub fn lower(model: &Model) -> FlowSet {
    let set = FlowSet { facts: model.facts(), cni: model.platform.chosen_cni(), ..FlowSet::default() };
    let mut lowering = Lowering { model, set, managed: BTreeMap::new(), parties: FxHashMap::default() };
    lowering.reserve();
    lowering.namespaces();
    lowering.declared();
    lowering.flows();
    lowering.settings();
    lowering.assertions();
    lowering.everybody();
    lowering.set
}

struct Lowering<'a> {
    model: &'a Model,
    set: FlowSet,
    /// The place of each managed namespace in the flow set.
    managed: BTreeMap<NamespaceId, usize>,
    parties: FxHashMap<Endpoint, PartyId>,
}

impl Lowering<'_> {
    /// Makes room for a party of everything that is declared: see [`Lowering::everybody`].
    fn reserve(&mut self) {
        let model = self.model;
        let named = model.namespaces.len() + model.tiers.len() + model.groups.len() + model.cidrs.len();
        let all = named + BuiltIn::ALL.len();
        self.set.parties.reserve(all);
        self.parties.reserve(all);
    }

    fn namespaces(&mut self) {
        let all = self.model.namespaces.iter().enumerate();
        let managed = all.filter_map(|(index, namespace)| {
            let names = (namespace.name.clone(), namespace.declared.clone());
            Some((names, NamespaceId::at(index), namespace.known_labels()?))
        });
        let mut sorted: Vec<_> = managed.collect();
        sorted.sort();
        for (index, ((name, declared), id, labels)) in sorted.into_iter().enumerate() {
            self.managed.insert(id, index);
            self.set.namespaces.push(ManagedNamespace {
                selector: namespace_by_name(&name),
                labels,
                name,
                declared,
                ingress: Isolation::Every,
                egress: Isolation::Every,
                dns: Vec::new(),
                dns_setting: Arc::from(""),
            });
        }
    }

    fn declared(&mut self) {
        let model = self.model;
        let name_of = |namespace: Option<NamespaceId>| {
            namespace.and_then(|id| model.namespace(id)).map(|namespace| namespace.name.clone())
        };
        let tiers = model.tiers.iter().map(|tier| (Some(tier.namespace), &tier.name));
        let groups = model.groups.iter().map(|group| (group.namespace, &group.name));
        let cidrs = model.cidrs.iter().map(|cidr| (cidr.namespace, &cidr.name));
        let all = tiers.chain(groups).chain(cidrs);
        self.set.declared = all.map(|(namespace, name)| (name_of(namespace), name.clone())).collect();
    }

    fn flows(&mut self) {
        let model = self.model;
        self.set.statements = model.statements.clone();
        self.set.flows.reserve(model.flows.len());
        for flow in &model.flows {
            let source = self.party(flow.source);
            let destination = self.party(flow.destination);
            // Without a group, the target is the destination itself.
            let target = |(leaf, ports): &(Endpoint, PortSet)| {
                let party = if *leaf == flow.destination { destination } else { self.party(*leaf) };
                (party, ports.clone())
            };
            let targets = flow.targets.iter().map(target).collect();
            let (side, statement) = (flow.side, StatementId(flow.statement.0));
            self.set.flows.push(Flow { source, destination, targets, side, statement });
        }
    }

    fn assertions(&mut self) {
        let model = self.model;
        for assertion in &model.assertions {
            let sources = assertion.sources.iter().map(|endpoint| self.party(*endpoint)).collect();
            let targets = assertion.targets.iter().map(|(leaf, ports)| (self.party(*leaf), ports.clone())).collect();
            let except = assertion.except.iter().map(|endpoint| self.party(*endpoint)).collect();
            let statement = StatementId(assertion.statement.0);
            let (kind, through_dns) = (assertion.kind, assertion.through_dns);
            self.set.assertions.push(Assertion { kind, sources, targets, through_dns, except, statement });
        }
    }

    /// Whoever is declared, with or without flows: reports name them.
    fn everybody(&mut self) {
        let model = self.model;
        let (namespaces, tiers) =
            (model.namespaces.ids().map(Endpoint::Namespace), model.tiers.ids().map(Endpoint::Tier));
        let (cidrs, groups) = (model.cidrs.ids().map(Endpoint::Cidr), model.groups.ids().map(Endpoint::Group));
        let fqdns = model.fqdns.ids().map(Endpoint::Fqdn).filter(|_| model.target.has_names());
        // Those with pods hold whoever else is declared.
        let built_in =
            BuiltIn::ALL.into_iter().filter(|one| !one.has_pods() && one.is_known(&model.platform, model.target));
        let built_in = built_in.map(Endpoint::BuiltIn);
        for endpoint in namespaces.chain(tiers).chain(cidrs).chain(fqdns).chain(groups).chain(built_in) {
            self.party(endpoint);
        }
    }

    /// Isolation and DNS, which refer to tiers.
    fn settings(&mut self) {
        for (id, index) in self.managed.clone() {
            let Some(managed) = self.model.namespaces[id].managed() else { continue };
            let ingress = self.isolation(&managed.ingress);
            let egress = self.isolation(&managed.egress);
            let dns = managed.dns.servers.iter().flat_map(|server| self.dns(server)).collect();
            let namespace = &mut self.set.namespaces[index];
            namespace.ingress = ingress;
            namespace.egress = egress;
            namespace.dns = dns;
            namespace.dns_setting = self.model.dns_setting(&managed.dns).into();
        }
    }

    fn isolation(&mut self, isolated: &Isolated) -> Isolation {
        match isolated {
            Isolated::Every => Isolation::Every,
            Isolated::Tiers(tiers) => {
                Isolation::Tiers(tiers.iter().map(|id| self.party(Endpoint::Tier(*id))).collect())
            }
        }
    }

    /// The party of an endpoint, made when it is first asked for.
    fn party(&mut self, endpoint: Endpoint) -> PartyId {
        if let Some(id) = self.parties.get(&endpoint) {
            return *id;
        }
        let place = self.place(endpoint);
        let leaves: SmallVec<[PartyId; 4]> = match endpoint {
            Endpoint::Group(_) => {
                let leaves = self.model.leaves(&endpoint).to_vec();
                leaves.into_iter().map(|leaf| self.party(leaf)).collect()
            }
            Endpoint::Tier(_)
            | Endpoint::Namespace(_)
            | Endpoint::Cidr(_)
            | Endpoint::Fqdn(_)
            | Endpoint::BuiltIn(_) => SmallVec::new(),
        };
        let id = PartyId::at(self.set.parties.len());
        let leaves = if place.is_some() { smallvec![id] } else { leaves };
        self.set.parties.push(Party { name: self.party_name(endpoint), leaves, place });
        self.parties.insert(endpoint, id);
        id
    }

    fn party_name(&self, endpoint: Endpoint) -> PartyName {
        let called = |home: NamespaceId| self.model.namespaces[home].name.clone();
        match self.model.endpoint_name(endpoint) {
            EndpointName::Local(home, name) => PartyName::Local(called(home), name.clone()),
            EndpointName::Global(name) => PartyName::Global(name.clone()),
            EndpointName::AllPods(home) => PartyName::AllPods(called(home)),
            EndpointName::BuiltIn(word) => PartyName::BuiltIn(word),
        }
    }

    fn in_namespace(&self, id: NamespaceId) -> Namespaces {
        if let Some(index) = self.managed.get(&id) {
            return Namespaces::Managed(*index);
        }
        let namespace = &self.model.namespaces[id];
        match &namespace.kind {
            NamespaceKind::External(Some(selector)) => match selector.of_namespaces() {
                selector if selector.is_everything() => Namespaces::Every,
                selector => Namespaces::Labelled(selector),
            },
            NamespaceKind::External(None) | NamespaceKind::Managed(_) => Namespaces::Named(namespace.name.clone()),
        }
    }

    fn place(&self, endpoint: Endpoint) -> Option<Place> {
        if let Some(unlisted) = self.model.unlisted(endpoint) {
            return Some(Place::Unlisted(unlisted));
        }
        Some(match endpoint {
            Endpoint::Tier(id) => {
                let tier = &self.model.tiers[id];
                Place::Pods { namespaces: self.in_namespace(tier.namespace), pods: tier.selector.clone() }
            }
            Endpoint::Namespace(id) => Place::Pods { namespaces: self.in_namespace(id), pods: Selector::everything() },
            Endpoint::BuiltIn(one) if one.holds() == Holds::Pods => {
                Place::Pods { namespaces: Namespaces::Every, pods: Selector::everything() }
            }
            Endpoint::BuiltIn(one) if one.holds() == Holds::Everything => Place::Any,
            Endpoint::Cidr(_) | Endpoint::BuiltIn(_) => Place::Addresses(self.model.blocks(endpoint)?),
            Endpoint::Group(_) | Endpoint::Fqdn(_) => return None,
        })
    }

    fn namespace_called(&self, name: &str) -> Namespaces {
        // They are sorted by name.
        match self.set.namespaces.as_slice().binary_search_by(|namespace| (*namespace.name).cmp(name)) {
            Ok(managed) => Namespaces::Managed(managed),
            Err(_) => Namespaces::Named(name.into()),
        }
    }

    /// The servers of a preset: see `dns` in the language, and which distribution answers where.
    fn dns(&mut self, server: &model::DnsServer) -> Vec<DnsService> {
        let pods = |namespace: &str, pods: Selector| Place::Pods { namespaces: self.namespace_called(namespace), pods };
        let preset = server.preset_pods().map(|preset| (pods(preset.namespace, preset.pods), preset.port));
        let by_labels = |place: Place, name: DnsName, port: u16| DnsService {
            place: place.clone(),
            ports: both(port),
            pods: Some(DnsPods { place, name }),
        };
        let by_address = |net: IpNet| DnsService {
            place: Place::Addresses(IpBlock::list(&[net], &[])),
            ports: both(53),
            pods: None,
        };
        let preset = |name| preset.map(|(place, port)| by_labels(place, name, port)).into_iter();
        match server {
            model::DnsServer::Cluster => {
                let caches = server.preset_caches().map(by_address);
                preset(DnsName::Cluster).chain(caches).collect()
            }
            model::DnsServer::Strict => preset(DnsName::Strict).collect(),
            model::DnsServer::OpenShift => preset(DnsName::Cluster).collect(),
            model::DnsServer::Any => {
                preset(DnsName::Cluster).map(|server| DnsService { place: Place::Any, ..server }).collect()
            }
            model::DnsServer::Address(net) => vec![by_address(*net)],
            model::DnsServer::Tier(tier, port) => {
                let declared = self.model.tier(*tier);
                let owner = declared.and_then(|tier| self.model.namespace(tier.namespace));
                let name =
                    declared.zip(owner).map(|(tier, owner)| DnsName::Tier(owner.name.clone(), tier.name.clone()));
                let place = self.place(Endpoint::Tier(*tier));
                place.zip(name).map(|(place, name)| by_labels(place, name, *port)).into_iter().collect()
            }
        }
    }
}

fn both(port: u16) -> PortSet {
    PortSet::number(Protocol::Udp, port).union(&PortSet::number(Protocol::Tcp, port))
}

/// The public addresses of a cluster of which nothing is known.
pub fn public_addresses() -> &'static AddressSet {
    static PUBLIC: LazyLock<AddressSet> =
        LazyLock::new(|| IpBlock::all_addresses(&model::Platform::default().internet()));
    &PUBLIC
}
