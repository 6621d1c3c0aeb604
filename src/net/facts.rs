//! What an address block means in a cluster: the one answer to it, that everybody takes from here.
//!
//! An `ipBlock` always matches the addresses outside of the cluster that are in it. Whether it matches pods, nodes and the
//! API server as well is up to the network plugin. A rule's block speaks of the *other end* of the traffic of the pods
//! that its policy selects; which pods a policy selects is a matter of labels alone.

use super::{AddressSet, ClusterEntity, EntitySet, NameSet, Truth};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::LazyLock;

/// What address blocks match, beside what is outside of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlocksMatch {
    /// Pods, by the addresses that they have.
    pub pods: Truth,
    /// Nodes.
    pub nodes: Truth,
    /// The API server.
    pub api_server: Truth,
}

impl BlocksMatch {
    /// Nothing is known.
    pub const UNKNOWN: BlocksMatch = BlocksMatch { pods: Truth::Maybe, nodes: Truth::Maybe, api_server: Truth::Maybe };

    /// Everything that has an address in them.
    pub const EVERYTHING: BlocksMatch = BlocksMatch { pods: Truth::Yes, nodes: Truth::Yes, api_server: Truth::Yes };
}

/// The addresses that are known to be somebody's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Those that pods get: exactly these.
    pub pods: Option<AddressSet>,
    /// Those of nodes.
    pub nodes: AddressSet,
    /// Those of the API server.
    pub api_server: AddressSet,
    /// Others that are no pod's: of Services, of DNS servers.
    pub others: AddressSet,
}

/// The facts about a cluster that say what an address block means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    matches: BlocksMatch,
    nodes: AddressSet,
    api_server: AddressSet,
    pods: AddressSet,
    pods_are_stated: bool,
    unlisted: UnlistedEnds,
}

/// What of DNS names and entities counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnlistedEnds {
    /// No policy can name them.
    None,
    /// They are ends of their own.
    Apart,
    /// They are ends of their own, and what is allowed to them may be to an address.
    WithAddresses,
}

/// Which ends outside of pods some peers match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchedAddresses {
    /// For sure.
    pub sure: AddressSet,
    /// Perhaps; none of them for sure.
    pub perhaps: AddressSet,
}

impl MatchedAddresses {
    /// Whether they match all of some addresses, all of which are alike in what [`Facts::distinctions`] tells apart and in
    /// which peers have them.
    pub fn truth(&self, addresses: &AddressSet) -> Truth {
        match () {
            () if self.sure.overlaps(addresses) => Truth::Yes,
            () if self.perhaps.overlaps(addresses) => Truth::Maybe,
            () => Truth::No,
        }
    }
}

impl Default for Facts {
    /// Those of a cluster of which nobody has said anything.
    fn default() -> Self {
        Facts::new(BlocksMatch::UNKNOWN, Listed::default())
    }
}

impl Facts {
    /// The facts of a cluster with these addresses.
    ///
    /// Where those of pods are not listed, any private or shared address may be a pod's that is nobody else's. A public
    /// address is never a pod's unless it is listed as one.
    pub fn new(matches: BlocksMatch, listed: Listed) -> Facts {
        let Listed { pods, nodes, api_server, others } = listed;
        let pods_are_stated = pods.is_some();
        let pods = pods.unwrap_or_else(|| {
            let taken = nodes.union(&api_server).union(&others);
            private_addresses().subtract(&taken)
        });
        Facts { matches, nodes, api_server, pods, pods_are_stated, unlisted: UnlistedEnds::None }
    }

    /// The same where policies may name DNS names and entities as well.
    #[must_use]
    pub fn with_unlisted(self) -> Facts {
        Facts { unlisted: UnlistedEnds::WithAddresses, ..self }
    }

    /// The same where names and entities are ends by themselves, whatever addresses they have: for answers that list all ends.
    #[must_use]
    pub fn with_unlisted_apart(self) -> Facts {
        match self.unlisted {
            UnlistedEnds::None => self,
            UnlistedEnds::Apart | UnlistedEnds::WithAddresses => Facts { unlisted: UnlistedEnds::Apart, ..self },
        }
    }

    /// Everything outside of pods that there is for policies.
    pub fn every_address(&self) -> AddressSet {
        if self.has_unlisted() { AddressSet::everything() } else { AddressSet::all() }
    }

    /// Whether policies may name DNS names and entities.
    pub fn has_unlisted(&self) -> bool {
        self.unlisted != UnlistedEnds::None
    }

    /// What is known only of the network plugin.
    pub fn of_plugin(matches: BlocksMatch) -> Facts {
        Facts::new(matches, Listed::default())
    }

    /// The same addresses in a cluster whose blocks match this.
    #[must_use]
    pub fn with(self, matches: BlocksMatch) -> Facts {
        Facts { matches, ..self }
    }

    /// The same where some more addresses are known to be those of nodes and of the API server.
    #[must_use]
    pub fn knowing(self, nodes: &AddressSet, api_server: &AddressSet) -> Facts {
        let pods = match self.pods_are_stated {
            true => self.pods,
            false => self.pods.subtract(nodes).subtract(api_server),
        };
        let (nodes, api_server) = (self.nodes.union(nodes), self.api_server.union(api_server));
        Facts { nodes, api_server, pods, ..self }
    }

    /// What blocks match.
    pub fn matches(&self) -> BlocksMatch {
        self.matches
    }

    /// The addresses that a pod may have whose own are not known. Each pod has at least one of them, and at most one of
    /// each family.
    pub fn pod_addresses(&self) -> &AddressSet {
        &self.pods
    }

    /// Whether somebody has said which addresses pods have.
    pub fn pods_are_stated(&self) -> bool {
        self.pods_are_stated
    }

    /// Whether a block of these addresses matches a pod that has exactly the `known` ones, or of which nothing is known
    /// where there are none: then yes when it matches every pod.
    pub fn pod(&self, block: &AddressSet, known: &[IpAddr]) -> Truth {
        self.matches.pods.and(self.inside(block, known))
    }

    /// Whether such a pod is where a block is, whatever the plugin makes of that. A connection is made over one family, so
    /// with an address in the block and one of the other family outside, it may be.
    pub fn inside(&self, block: &AddressSet, known: &[IpAddr]) -> Truth {
        if known.is_empty() {
            return match () {
                () if !block.overlaps(&self.pods) => Truth::No,
                () if block.contains(&self.pods) => Truth::Yes,
                () => Truth::Maybe,
            };
        }
        match known.iter().filter(|address| block.has(**address)).count() {
            0 => Truth::No,
            all if all == known.len() => Truth::Yes,
            _ => Truth::Maybe,
        }
    }

    /// Whether a block that holds these addresses matches what has them and is no pod. All of them are alike in what
    /// [`Facts::distinctions`] tells apart.
    pub fn outside(&self, addresses: &AddressSet) -> Truth {
        let of = |truth: Truth, listed: &AddressSet| if listed.overlaps(addresses) { truth } else { Truth::Yes };
        of(self.matches.nodes, &self.nodes).and(of(self.matches.api_server, &self.api_server))
    }

    /// What peers match that are blocks of addresses, DNS names or entities, of all that is no pod.
    ///
    /// A name may stand for any address that is not known to be a node's or the API server's. An entity stands for those that
    /// are known to be its own, and where none are, perhaps for any. So blocks match names and entities perhaps, too. That two
    /// names may share an address does not count.
    pub fn matched(&self, peers: &AddressSet) -> MatchedAddresses {
        let blocks = peers.listed();
        let (never, unsure) = (self.unmatched(Truth::Maybe), self.unmatched(Truth::Yes));
        let (mut sure, mut perhaps) = match unsure.is_empty() {
            true => (blocks.clone(), AddressSet::empty()),
            false => (blocks.subtract(&unsure), blocks.intersect(&unsure).subtract(&never)),
        };
        if self.unlisted == UnlistedEnds::None {
            return MatchedAddresses { sure, perhaps };
        }
        sure = sure.union(&peers.subtract(&blocks));
        if self.unlisted == UnlistedEnds::Apart {
            return MatchedAddresses { sure, perhaps };
        }
        let known = self.nodes.union(&self.api_server).union(unreachable_by_name());
        if !peers.names().is_empty() {
            perhaps = perhaps.union(&AddressSet::all().subtract(&known));
        }
        if !blocks.subtract(&known).is_empty() {
            perhaps = perhaps.union(&AddressSet::of_names(NameSet::all()));
        }
        for (entities, own, truth) in [
            (EntitySet::NODES, &self.nodes, self.matches.nodes),
            (EntitySet::API_SERVER, &self.api_server, self.matches.api_server),
        ] {
            // By entity, some addresses.
            let named = peers.entities().intersect(entities);
            let anywhere = || AddressSet::all().subtract(unreachable_by_name());
            let stands_for = if own.is_empty() { anywhere() } else { own.clone() };
            match (named.is_empty(), named == entities && !own.is_empty()) {
                (true, _) => {}
                (false, true) => sure = sure.union(&stands_for),
                (false, false) => perhaps = perhaps.union(&stands_for),
            }
            // By address, some entities.
            let truth = match () {
                () if own.is_empty() => {
                    truth.and(Truth::Maybe).and((!blocks.subtract(unreachable_by_name()).is_empty()).into())
                }
                () if blocks.contains(own) => truth,
                () => truth.and(Truth::Maybe).and(blocks.overlaps(own).into()),
            };
            match truth {
                Truth::Yes => sure = sure.union(&AddressSet::of_entities(entities)),
                Truth::Maybe => perhaps = perhaps.union(&AddressSet::of_entities(entities)),
                Truth::No => {}
            }
        }
        if peers.entities().has(ClusterEntity::Plugin) {
            perhaps = perhaps.union(&AddressSet::all().subtract(&known));
        }
        MatchedAddresses { perhaps: perhaps.subtract(&sure), sure }
    }

    /// The addresses of what is no pod and that blocks do not match at least so surely.
    pub fn unmatched(&self, least: Truth) -> AddressSet {
        let all = [(self.matches.nodes, &self.nodes), (self.matches.api_server, &self.api_server)];
        let lists = all.into_iter().filter(|(truth, _)| *truth < least).map(|(_, listed)| listed);
        lists.fold(AddressSet::empty(), |all, listed| all.union(listed))
    }

    /// The addresses that blocks do not match like all others.
    pub fn distinctions(&self) -> impl Iterator<Item = &AddressSet> {
        let all = [(self.matches.nodes, &self.nodes), (self.matches.api_server, &self.api_server)];
        let differs = |truth: Truth| truth != Truth::Yes || self.unlisted == UnlistedEnds::WithAddresses;
        all.into_iter().filter(move |(truth, listed)| differs(*truth) && !listed.is_empty()).map(|(_, listed)| listed)
    }

    /// The nodes, when blocks do not surely match them.
    pub fn is_node(&self, addresses: &AddressSet) -> bool {
        self.nodes.overlaps(addresses)
    }

    /// Whether some of them are the API server's.
    pub fn is_api_server(&self, addresses: &AddressSet) -> bool {
        self.api_server.overlaps(addresses)
    }
}

/// Addresses that no name resolves to and no part of a cluster is reached by from elsewhere: loopback (RFC 1122, RFC 4291),
/// link-local (RFC 3927, RFC 4291) and multicast ones (RFC 5771, RFC 4291).
fn unreachable_by_name() -> &'static AddressSet {
    const BLOCKS: [&str; 6] = ["127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8"];
    static ALL: LazyLock<AddressSet> =
        LazyLock::new(|| AddressSet::from_nets(BLOCKS.iter().filter_map(|net| net.parse::<IpNet>().ok())));
    &ALL
}

/// Addresses that are not routed in the internet and that clusters give to pods: private ones (RFC 1918), shared ones
/// (RFC 6598) and unique local ones (RFC 4193).
fn private_addresses() -> AddressSet {
    const PRIVATE: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
    AddressSet::from_nets(PRIVATE.iter().filter_map(|net| net.parse::<IpNet>().ok()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Truth::{Maybe, No, Yes};
    use super::*;

    fn set(nets: &[&str]) -> AddressSet {
        AddressSet::from_nets(nets.iter().map(|net| net.parse().unwrap()))
    }

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn pods(truth: Truth) -> BlocksMatch {
        BlocksMatch { pods: truth, ..BlocksMatch::EVERYTHING }
    }

    #[test]
    fn pods_have_the_listed_addresses_and_no_others() {
        let listed = Listed { pods: Some(set(&["10.244.0.0/16", "34.118.0.0/17"])), ..Listed::default() };
        let facts = Facts::new(pods(Yes), listed);
        assert!(facts.pods_are_stated());
        for (nets, truth) in [
            (&["10.0.0.0/8"][..], Maybe),
            (&["10.0.0.0/8", "34.118.0.0/16"], Yes),
            (&["34.118.1.0/24"], Maybe),
            (&["10.0.0.0/9"], No),
            (&["192.168.0.0/16"], No),
            (&[], No),
        ] {
            assert_eq!(facts.pod(&set(nets), &[]), truth, "{nets:?}");
        }
    }

    #[test]
    fn without_a_list_a_private_or_shared_address_that_is_nobody_elses_may_be_a_pods() {
        let facts = Facts::new(
            pods(Yes),
            Listed {
                pods: None,
                nodes: set(&["192.168.0.0/16"]),
                api_server: set(&["10.96.0.1/32"]),
                others: set(&["172.16.0.0/12", "203.0.113.9/32"]),
            },
        );
        assert!(!facts.pods_are_stated());
        for (net, truth) in [
            ("10.0.0.0/8", Maybe),
            ("10.96.0.1/32", No),
            ("10.96.0.0/31", Maybe),
            ("192.168.7.0/24", No),
            ("172.20.0.0/16", No),
            ("100.64.0.0/10", Maybe),
            ("fd12::/16", Maybe),
            ("fc00::/7", Maybe),
            ("203.0.113.0/24", No),
            ("169.254.0.0/16", No),
            ("127.0.0.0/8", No),
            ("198.18.0.0/15", No),
            ("2000::/3", No),
            ("fe80::/10", No),
            ("172.16.0.0/11", No),
            ("0.0.0.0/0", Maybe),
        ] {
            assert_eq!(facts.pod(&set(&[net]), &[]), truth, "{net}");
        }
        assert_eq!(facts.pod(&AddressSet::all(), &[]), Yes);
    }

    #[test]
    fn a_pod_of_two_families_may_be_matched_over_one() {
        let facts = Facts::of_plugin(pods(Yes));
        let both = addresses(&["10.244.0.11", "fd44::11"]);
        assert_eq!(facts.pod(&set(&["10.244.0.0/24"]), &both), Maybe);
        assert_eq!(facts.pod(&set(&["10.244.0.0/24", "fd44::/16"]), &both), Yes);
        assert_eq!(facts.pod(&set(&["10.245.0.0/24"]), &both), No);
        // An address that is known counts, wherever pods are otherwise.
        assert_eq!(facts.pod(&set(&["203.0.113.0/24"]), &addresses(&["203.0.113.7"])), Yes);
    }

    #[test]
    fn what_the_plugin_does_with_pods_decides() {
        let known = addresses(&["10.244.0.11"]);
        for (plugin, hit) in [(No, No), (Maybe, Maybe), (Yes, Yes)] {
            let facts = Facts::of_plugin(pods(plugin));
            assert_eq!(facts.pod(&set(&["10.244.0.0/16"]), &known), hit);
            assert_eq!(facts.pod(&set(&["10.245.0.0/16"]), &known), No);
            assert_eq!(facts.pod(&AddressSet::all(), &[]), hit);
            assert_eq!(facts.pod(&set(&["8.8.8.0/24"]), &[]), No);
        }
    }

    #[test]
    fn nodes_and_the_api_server_are_told_apart_only_where_that_matters() {
        let listed = || Listed {
            nodes: set(&["192.0.2.0/24"]),
            api_server: set(&["192.0.2.10/32", "10.96.0.1/32"]),
            ..Listed::default()
        };
        let sure = Facts::new(BlocksMatch::EVERYTHING, listed());
        assert_eq!(sure.distinctions().count(), 0);
        let facts = Facts::new(BlocksMatch { nodes: No, api_server: Maybe, ..BlocksMatch::EVERYTHING }, listed());
        assert_eq!(facts.distinctions().count(), 2);
        for (net, truth) in
            [("192.0.2.1/32", No), ("192.0.2.10/32", No), ("10.96.0.1/32", Maybe), ("203.0.113.0/24", Yes)]
        {
            assert_eq!(facts.outside(&set(&[net])), truth, "{net}");
            assert_eq!(sure.outside(&set(&[net])), Yes);
        }
        assert!(facts.is_node(&set(&["192.0.2.10/32"])) && facts.is_api_server(&set(&["192.0.2.10/32"])));
        assert!(!facts.is_node(&set(&["10.96.0.1/32"])) && !facts.is_api_server(&set(&["192.0.2.1/32"])));
        assert_eq!(
            Facts::default().with(BlocksMatch { pods: No, ..BlocksMatch::EVERYTHING }).pod(&AddressSet::all(), &[]),
            No
        );
    }
}
