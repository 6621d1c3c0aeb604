//! Address blocks and DNS names.

use super::fqdns;
use super::listed::Outermost;
use super::resolve::{Resolver, is_dns_label, shorten};
use crate::diag::{Code, Diagnostic};
use crate::net::IpBlock;
use crate::source::Span;
use ipnet::IpNet;
use rustc_hash::FxHashMap;
use std::net::IpAddr;
use std::sync::Arc;

impl<'a> Resolver<'a> {
    /// A CIDR in the strict form that the API server of Kubernetes 1.36 takes (KEP-4858).
    pub(super) fn block(&mut self, span: Span) -> Option<IpNet> {
        let text = self.text(span);
        let bad = |message: String, help: String| Diagnostic::new(Code::E0206, span, message).with_help(help);
        let diagnostic = match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
            (Ok(net), _) if net.trunc() != net => {
                let host = IpNet::from(net.addr());
                Diagnostic::new(
                    Code::E0207,
                    span,
                    format!("`{text}` has bits set after its prefix of {}", net.prefix_len()),
                )
                .with_help(format!("write `{}` for the whole block, or `{host}` for the one address", net.trunc()))
                .with_mends(span, [net.trunc(), host].map(|net| net.to_string()))
            }
            (Ok(IpNet::V6(net)), _) if net.addr().to_ipv4_mapped().is_some() => {
                bad(format!("`{text}` is an IPv4 address in IPv6 clothing"), "write the IPv4 block itself".to_owned())
            }
            (Ok(net), _) if has_leading_zero(text) => {
                bad(format!("`{text}` has a number with leading zeros"), format!("write `{net}`"))
                    .with_mend(span, net.to_string())
            }
            (Ok(net), _) => return Some(net),
            (Err(_), Ok(address)) => bad(
                format!("`{text}` is an address without a prefix"),
                format!("write `{}` for the one address", IpNet::from(address)),
            )
            .with_mend(span, IpNet::from(address).to_string()),
            (Err(_), Err(_)) => bad(
                format!("`{}` is not an address block", shorten(text)),
                match with_ports(text) {
                    Some((block, ports)) => {
                        format!("ports stand in flows, as in `web -> NAME:{ports}`, and a block has none: `{block}`")
                    }
                    None => "a block is an address and a prefix: `10.0.0.0/8`, `2001:db8::/32`".to_owned(),
                },
            ),
        };
        self.report(diagnostic);
        None
    }

    /// The blocks of a cidr; exceptions have to lie strictly inside one.
    pub(super) fn blocks(&mut self, blocks: &[Span], except: &[Span]) -> Vec<IpBlock> {
        let nets: Vec<IpNet> = blocks.iter().filter_map(|span| self.block(*span)).collect();
        let mut around = Outermost::default();
        if !except.is_empty() {
            nets.iter().for_each(|net| around.add(*net));
        }
        let (mut inside, mut outermost) = (Vec::new(), Outermost::default());
        for span in except {
            let Some(net) = self.block(*span) else { continue };
            let holder = around.holder(&net).filter(|block| *block != net);
            if holder.is_none() && nets.len() == blocks.len() {
                let message = match around.inside(&net) {
                    Some(block) if block == net => format!("the exception {net} takes the whole block away"),
                    Some(block) => format!("the exception {net} takes the whole block {block} away"),
                    None => format!("the exception {net} lies in none of the blocks"),
                };
                self.report(
                    Diagnostic::new(Code::E0208, *span, message).with_help(
                        "an exception lies strictly inside a block; leave it out, or add the block around it",
                    ),
                );
                continue;
            }
            if let Some(wider) = outermost.holder(&net) {
                let message = format!("the exception {net} changes nothing, {wider} is already left out");
                self.report(Diagnostic::new(Code::W0008, *span, message).with_help("remove it"));
            }
            outermost.add(net);
            inside.push(net);
        }
        let list = IpBlock::list(&nets, &inside);
        // One exception that takes a block away is no exception of it; several may do so together.
        let emptied = list.iter().filter(|block| block.except.len() > 1 && block.addresses().is_empty());
        let mut emptied: FxHashMap<IpNet, &IpBlock> = emptied.map(|block| (block.cidr, block)).collect();
        for span in blocks {
            if emptied.is_empty() {
                break;
            }
            if let Some(emptied) = self.text(*span).parse().ok().and_then(|net| emptied.remove(&net)) {
                let message = format!("the exceptions together take the whole block {} away", emptied.cidr);
                self.report(
                    Diagnostic::new(Code::E0222, *span, message)
                        .with_help("leave the block out with its exceptions, or keep a part of it"),
                );
            }
        }
        list
    }

    /// The DNS names of an fqdn: lower-case labels joined by dots, the first may be `*` for one label or `**` for several.
    pub(super) fn dns_names(&mut self, spans: &[Span]) -> Vec<Arc<str>> {
        let mut names = Vec::new();
        for span in spans {
            let text = self.text(*span);
            let plain = text.strip_prefix("**.").or(text.strip_prefix("*.")).unwrap_or(text);
            let valid = plain.len() <= 253 && plain.contains('.') && plain.split('.').all(is_dns_label);
            if valid && fqdns::is_address(plain) {
                let message = format!("`{}` is an address and no DNS name", shorten(text));
                let help = "declare addresses with `cidr NAME = ...`";
                self.report(Diagnostic::new(Code::E0216, *span, message).with_help(help));
            } else if valid && fqdns::is_of_cluster(plain) {
                let message =
                    format!("`{}` is a name of the cluster's own: policies see its pods, not its name", shorten(text));
                let help = "name the tier behind the Service, with the port of its pods";
                self.report(Diagnostic::new(Code::E0216, *span, message).with_help(help));
            } else if valid {
                names.push(text.into());
            } else {
                let message = format!("`{}` is not a DNS name", shorten(text));
                self.report(Diagnostic::new(Code::E0216, *span, message).with_help(
                    "write a full name in lower case such as `api.example.com`, `*.example.com` for all names one label below \
                     it, or `**.example.com` for all below it",
                ));
            }
        }
        names
    }
}

fn has_leading_zero(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let zero = |part: &str| part.len() > 1 && part.starts_with('0');
    zero(prefix) || (!address.contains(':') && address.split('.').any(zero))
}

/// The block and the ports of `10.0.0.1/32:443`.
fn with_ports(text: &str) -> Option<(&str, &str)> {
    let (block, ports) = text.rsplit_once(':')?;
    let is_port = |part: &str| part.parse::<u16>().is_ok();
    (block.parse::<IpNet>().is_ok() && block.contains('.') && ports.split('-').all(is_port)).then_some((block, ports))
}
