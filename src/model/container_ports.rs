//! Named ports of containers, and which network plugins know them.

use super::CniTrigger;
use super::errors::container_ports as errors;
use super::resolve::Resolver;
use crate::net::{PortSet, Protocol};
use crate::syntax::PortExpr;

impl Resolver<'_> {
    /// `"web"`: a container port's name (an IANA service name: at most 15 lower-case letters, digits and `-`, with a
    /// letter).
    pub(super) fn container_port(&mut self, item: &PortExpr) -> Option<PortSet> {
        let protocol = item.protocol().map_or(Protocol::Tcp, |(protocol, _)| protocol);
        let written = self.text(item.span);
        let name = written.trim_start_matches('"').split('"').next().unwrap_or("");
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=15).contains(&name.len())
            && name.bytes().all(inside)
            && name.bytes().any(|byte| byte.is_ascii_lowercase())
            && !name.contains("--")
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !valid {
            self.report(errors::bad_name(item.span, name));
            return None;
        }
        for trigger in [CniTrigger::NamedPort, CniTrigger::NamedPortOfSeveralNumbers] {
            self.report_difference(trigger, item.span, &format!("the named port `{name}`"));
        }
        self.check_sctp(item);
        Some(PortSet::named(protocol, name.into()))
    }
}
