//! Statements on one line, as they go into manifests and reports.

use super::resolve::Resolver;
use crate::syntax::{ArrowSide, EndpointRef, HopPorts, PortsExpr};
use std::borrow::Cow;

impl Resolver<'_> {
    /// One side of an arrow as written, with regular spacing.
    pub(super) fn hop_text(&self, hop: &ArrowSide) -> String {
        let mut text = String::new();
        self.push_hop(hop, &mut text);
        text
    }

    /// Appends [`Resolver::hop_text`].
    pub(super) fn push_hop(&self, hop: &ArrowSide, text: &mut String) {
        let own = matches!(hop.ports, HopPorts::Own(_)).then_some(&hop.ports);
        self.push_members(&hop.endpoints, own, text);
        if let HopPorts::Shared(ports) = &hop.ports {
            self.push_ports(ports, text);
        }
    }

    /// Appends a colon and ports.
    fn push_ports(&self, ports: &PortsExpr, text: &mut String) {
        text.push(':');
        text.push_str(&self.ports_text(ports));
    }

    /// Ports as written, on one line, without comments and without a comma behind the last.
    fn ports_text(&self, ports: &PortsExpr) -> Cow<'_, str> {
        let written = self.text(ports.span);
        if !written.starts_with('{') {
            return written.into();
        }
        let items: Vec<&str> = ports.items.iter().map(|item| self.text(item.span)).collect();
        let protocol = written.rsplit('}').next().unwrap_or("");
        format!("{{{}}}{protocol}", items.join(", ")).into()
    }

    /// Endpoints as written, in braces when there are several.
    pub(super) fn side_text(&self, endpoints: &[EndpointRef]) -> String {
        let mut text = String::new();
        self.push_side(endpoints, &mut text);
        text
    }

    /// Appends [`Resolver::side_text`].
    pub(super) fn push_side(&self, endpoints: &[EndpointRef], text: &mut String) {
        self.push_members(endpoints, None, text);
    }

    /// A list of endpoints without braces around it, as written; those that share a namespace stand in its braces.
    pub(super) fn list_text(&self, endpoints: &[EndpointRef]) -> String {
        let mut text = String::new();
        let of_one = |one: &EndpointRef, other: &EndpointRef| {
            other.repeats_namespace() && one.shared_namespace() == other.shared_namespace()
        };
        for (index, members) in endpoints.chunk_by(of_one).enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            self.push_side(members, &mut text);
        }
        text
    }

    /// Appends one endpoint, or several in braces, with their ports where they have some of their own.
    fn push_members(&self, endpoints: &[EndpointRef], own: Option<&HopPorts>, text: &mut String) {
        if let Some(namespace) = endpoints.first().and_then(EndpointRef::shared_namespace) {
            text.push_str(self.name(namespace));
            text.push('/');
        }
        let in_braces = endpoints.len() > 1;
        if in_braces {
            text.push('{');
        }
        for (place, endpoint) in endpoints.iter().enumerate() {
            if place > 0 {
                text.push_str(", ");
            }
            text.push_str(self.text(endpoint.span));
            if let Some(ports) = own.and_then(|ports| ports.of(place)) {
                self.push_ports(ports, text);
            }
        }
        if in_braces {
            text.push('}');
        }
    }
}
