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
    /// block inside another one or inside an exception falls away. None of the networks has host bits.
    pub fn list(nets: &[IpNet], except: &[IpNet]) -> Vec<IpBlock> {
        let mut except = outermost(except.to_vec()).into_iter().peekable();
        let mut blocks = Vec::new();
        let mut out: Option<IpNet> = None;
        for cidr in outermost(nets.to_vec()) {
            let mut inside = Vec::new();
            // Sorted, an exception that holds a block comes before it, and those inside of it come after.
            while let Some(next) = except.next_if(|next| *next <= cidr || cidr.contains(next)) {
                if next != cidr && cidr.contains(&next) {
                    inside.push(next);
                } else {
                    out = Some(next);
                }
            }
            if !out.is_some_and(|out| out.contains(&cidr)) {
                blocks.push(IpBlock { cidr, except: inside });
            }
        }
        blocks
    }

    /// The same addresses as blocks of which none lies in another one: where one does, the wider of them is written
    /// without what the others add to it. Some CNIs hold all blocks and exceptions of a rule in one list, in which an
    /// exception would shut what another block opens.
    pub fn disjoint(mut blocks: Vec<IpBlock>) -> Vec<IpBlock> {
        blocks.sort();
        let mut groups: Vec<Vec<IpBlock>> = Vec::new();
        for block in blocks {
            match groups.last_mut() {
                Some(group) if group.first().is_some_and(|widest| widest.cidr.contains(&block.cidr)) => {
                    group.push(block)
                }
                _ => groups.push(vec![block]),
            }
        }
        groups.into_iter().filter_map(joined).collect()
    }

    /// The addresses that several stand for.
    pub fn all_addresses(blocks: &[IpBlock]) -> AddressSet {
        let sets: Vec<AddressSet> = blocks.iter().map(IpBlock::addresses).collect();
        AddressSet::union_of(&sets)
    }

    /// The addresses that it stands for.
    pub fn addresses(&self) -> AddressSet {
        AddressSet::from_net(self.cidr).subtract(&AddressSet::from_nets(self.except.iter().copied()))
    }
}

/// The networks without those inside another one, sorted.
fn outermost(nets: impl IntoIterator<Item = IpNet>) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = nets.into_iter().map(|net| net.trunc()).collect();
    nets.sort_unstable();
    // A network sorts before those inside it, and those before anything else.
    nets.dedup_by(|next, kept| kept.contains(&*next));
    nets
}

/// Blocks, all inside the first one, as one.
fn joined(blocks: Vec<IpBlock>) -> Option<IpBlock> {
    if blocks.len() < 2 {
        return blocks.into_iter().next();
    }
    let IpBlock { cidr, except } = blocks.first()?;
    let left = AddressSet::from_nets(except.iter().copied()).subtract(&IpBlock::all_addresses(&blocks));
    Some(IpBlock { cidr: *cidr, except: left.to_nets() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(text: &str) -> Vec<IpNet> {
        text.split_whitespace().map(|net| net.parse().unwrap_or_default()).collect()
    }

    fn block(text: &str) -> IpBlock {
        let (cidr, except) = text.split_once(" - ").unwrap_or((text, ""));
        IpBlock { cidr: cidr.parse().unwrap_or_default(), except: nets(except) }
    }

    fn texts(blocks: &[IpBlock]) -> Vec<String> {
        let text = |block: &IpBlock| {
            let except: Vec<String> = block.except.iter().map(ToString::to_string).collect();
            let dash = if except.is_empty() { "" } else { " - " };
            format!("{}{dash}{}", block.cidr, except.join(" "))
        };
        blocks.iter().map(text).collect()
    }

    #[test]
    fn exceptions_go_into_the_blocks_that_hold_them() {
        let cases: [(&str, &str, &[&str]); 7] = [
            ("10.0.0.0/8 10.1.0.0/16", "10.1.2.0/24", &["10.0.0.0/8 - 10.1.2.0/24"]),
            ("10.0.0.0/9 10.0.0.0/8", "10.64.0.0/10 10.65.0.0/16", &["10.0.0.0/8 - 10.64.0.0/10"]),
            (
                "10.0.0.0/8 172.16.0.0/12",
                "172.16.5.0/24 10.9.0.0/16",
                &["10.0.0.0/8 - 10.9.0.0/16", "172.16.0.0/12 - 172.16.5.0/24"],
            ),
            // Several blocks inside one exception, one that is the exception, and one behind it.
            ("10.1.0.0/24 10.1.2.0/24 10.2.0.0/16 10.3.0.0/16", "10.1.0.0/16 10.2.0.0/16", &["10.3.0.0/16"]),
            (
                "2001:db8::/32 10.0.0.0/8",
                "2001:db8:1::/48 10.0.0.0/16",
                &["10.0.0.0/8 - 10.0.0.0/16", "2001:db8::/32 - 2001:db8:1::/48"],
            ),
            ("10.0.0.0/8", "11.0.0.0/8 9.0.0.0/8", &["10.0.0.0/8"]),
            ("", "10.0.0.0/8", &[]),
        ];
        for (wanted, except, blocks) in cases {
            assert_eq!(texts(&IpBlock::list(&nets(wanted), &nets(except))), *blocks, "{wanted} - {except}");
        }
    }

    #[test]
    fn blocks_of_which_one_lies_in_another_are_joined() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["203.0.113.0/24 - 203.0.113.0/28", "203.0.113.0/27"], &["203.0.113.0/24"]),
            (&["10.0.0.0/8 - 10.1.0.0/16", "10.1.0.0/17"], &["10.0.0.0/8 - 10.1.128.0/17"]),
            (&["10.0.0.0/8 - 10.1.0.0/16", "10.2.0.0/16"], &["10.0.0.0/8 - 10.1.0.0/16"]),
            (&["10.0.0.0/8 - 10.1.0.0/16", "10.0.0.0/8 - 10.2.0.0/16"], &["10.0.0.0/8"]),
            (&["10.0.0.0/8 - 10.1.0.0/16", "10.0.0.0/8 - 10.1.0.0/24"], &["10.0.0.0/8 - 10.1.0.0/24"]),
            // Side by side they are two, as written.
            (&["10.0.0.128/25", "10.0.0.0/25"], &["10.0.0.0/25", "10.0.0.128/25"]),
            (&["::/0 - 2001:db8::/32", "0.0.0.0/0", "2001:db8::/33"], &["0.0.0.0/0", "::/0 - 2001:db8:8000::/33"]),
        ];
        for (given, wanted) in cases {
            let blocks: Vec<IpBlock> = given.iter().map(|text| block(text)).collect();
            let joined = IpBlock::disjoint(blocks.clone());
            assert_eq!(texts(&joined), *wanted, "{given:?}");
            assert_eq!(IpBlock::all_addresses(&joined), IpBlock::all_addresses(&blocks), "{given:?}");
        }
    }
}
