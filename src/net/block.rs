//! `ipBlock`s: a CIDR less some of its parts, as NetworkPolicy writes addresses.

use super::AddressSet;
use ipnet::IpNet;

/// The addresses of `cidr` less those of `except`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpBlock {
    /// `cidr`, without host bits.
    pub cidr: IpNet,
    /// `except`: blocks strictly inside `cidr`, sorted, none inside another.
    pub except: Vec<IpNet>,
}

impl IpBlock {
    /// The fewest blocks that say "these networks less those": each exception goes into every block that holds it, a
    /// block inside another one or inside an exception falls away.
    pub fn list(nets: &[IpNet], except: &[IpNet]) -> Vec<IpBlock> {
        let outermost = |nets: &[IpNet]| {
            let mut sorted = nets.to_vec();
            sorted.sort_unstable_by_key(|net| (net.prefix_len(), *net));
            let mut kept: Vec<IpNet> = Vec::new();
            for net in sorted {
                if !kept.iter().any(|wider| wider.contains(&net)) {
                    kept.push(net);
                }
            }
            kept.sort_unstable();
            kept
        };
        let except = outermost(except);
        let blocks = outermost(nets).into_iter().filter(|net| !except.iter().any(|out| out.contains(net)));
        blocks
            .map(|cidr| IpBlock { cidr, except: except.iter().copied().filter(|out| cidr.contains(out)).collect() })
            .collect()
    }

    /// The addresses that it stands for.
    pub fn addresses(&self) -> AddressSet {
        AddressSet::from_net(self.cidr).subtract(&AddressSet::from_nets(self.except.iter().copied()))
    }
}
