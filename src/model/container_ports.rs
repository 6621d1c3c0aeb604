//! Named ports of containers, and which network plugins know them.

use super::NamedPortSupport;
use super::resolve::{Resolver, shorten};
use crate::diag::{Code, Diagnostic};
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
            let message = format!("`{}` is not the name of a container port", shorten(name));
            let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            let help = match is_number {
                true => format!("write the number without quotes: `{name}`"),
                false => {
                    "such a name has at most 15 lower-case letters, digits and single `-`, and at least one letter"
                        .to_owned()
                }
            };
            self.report(Diagnostic::new(Code::E0215, item.span, message).with_help(help));
            return None;
        }
        self.check_container_port(item, name);
        Some(PortSet::named(protocol, name.into()))
    }

    fn check_container_port(&mut self, item: &PortExpr, name: &str) {
        let cni = self.model.platform.cni_text();
        let help = "write the port's number";
        match self.model.platform.cni.named_ports() {
            NamedPortSupport::Ignored => self.report(
                Diagnostic::new(
                    Code::E0218,
                    item.span,
                    format!("{cni} ignores the name of the port `{name}` and may open every port"),
                )
                .with_help(help),
            ),
            NamedPortSupport::Refused => self.report(
                Diagnostic::new(
                    Code::E0218,
                    item.span,
                    format!("{cni} refuses a whole policy for its named port `{name}`"),
                )
                .with_help(help),
            ),
            NamedPortSupport::OneNumber => self.report(
                Diagnostic::new(
                    Code::W0012,
                    item.span,
                    format!("{cni} drops the named port `{name}` where it is several numbers in different pods",),
                )
                .with_help(help),
            ),
            NamedPortSupport::NotOnWindows => self.report(
                Diagnostic::new(
                    Code::W0012,
                    item.span,
                    format!("{cni} does not know the named port `{name}` on nodes with Windows"),
                )
                .with_help(help),
            ),
            NamedPortSupport::OpenUnlisted => self.report(
                Diagnostic::new(
                    Code::W0012,
                    item.span,
                    format!("{cni} opens every port where no pod lists the named port `{name}`"),
                )
                .with_help(help),
            ),
            NamedPortSupport::NotSaid => self.report(
                Diagnostic::new(
                    Code::W0012,
                    item.span,
                    format!("not every CNI knows named ports; some ignore the name `{name}` and open every port"),
                )
                .with_help("write the port's number, or name the CNI in `platform { cni NAME }`"),
            ),
            NamedPortSupport::Known => {}
        }
    }
}
