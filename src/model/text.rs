//! Statements on one line, as they go into manifests and reports.

use super::resolve::Resolver;
use crate::syntax::{EndpointRef, Hop, PortsExpr};
use std::borrow::Cow;

impl Resolver<'_> {
    /// One side of an arrow as written, with regular spacing.
    pub(super) fn hop_text(&self, hop: &Hop) -> String {
        let mut text = String::new();
        self.push_hop(hop, &mut text);
        text
    }

    /// Appends [`Resolver::hop_text`].
    pub(super) fn push_hop(&self, hop: &Hop, text: &mut String) {
        self.push_side(&hop.endpoints, text);
        if let Some(ports) = &hop.ports {
            text.push(':');
            text.push_str(&self.ports_text(ports));
        }
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
        match endpoints {
            [one] => text.push_str(self.text(one.span)),
            several => {
                let names: Vec<&str> = several.iter().map(|endpoint| self.text(endpoint.span)).collect();
                text.push('{');
                text.push_str(&names.join(", "));
                text.push('}');
            }
        }
    }
}
