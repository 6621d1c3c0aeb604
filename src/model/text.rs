//! Statements on one line, as they go into manifests and reports.

use super::resolve::Resolver;
use crate::syntax::{EndpointRef, Hop, PortsExpr};

impl Resolver<'_> {
    /// One side of an arrow as written, with regular spacing.
    pub(super) fn hop_text(&self, hop: &Hop) -> String {
        let mut text = self.side_text(&hop.endpoints);
        if let Some(ports) = &hop.ports {
            text.push(':');
            text.push_str(&self.ports_text(ports));
        }
        text
    }

    /// Ports as written, on one line, without comments and without a comma behind the last.
    fn ports_text(&self, ports: &PortsExpr) -> String {
        let written = self.text(ports.span);
        if !written.starts_with('{') {
            return written.to_owned();
        }
        let items: Vec<&str> = ports.items.iter().map(|item| self.text(item.span)).collect();
        let protocol = written.rsplit('}').next().unwrap_or("");
        format!("{{{}}}{protocol}", items.join(", "))
    }

    /// Endpoints as written, in braces when there are several.
    pub(super) fn side_text(&self, endpoints: &[EndpointRef]) -> String {
        match endpoints {
            [one] => self.text(one.span).to_owned(),
            several => {
                let names: Vec<&str> = several.iter().map(|endpoint| self.text(endpoint.span)).collect();
                format!("{{{}}}", names.join(", "))
            }
        }
    }
}
