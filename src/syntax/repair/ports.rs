//! Ports: of a tier, of a flow, and in lists.

use super::{Broken, StatementEdit, is_port, word};

pub(super) const PORTS: &str = "a port is written `8080/tcp`, and a range of them `30000-32767/tcp`";
const SEVERAL: &str = "several ports stand in braces";

/// The name that a port usually has.
pub fn usual_port_name(number: &str) -> String {
    let name = match number {
        "22" => "ssh",
        "25" | "587" => "smtp",
        "53" => "dns",
        "80" | "3000" | "8000" | "8080" => "http",
        "443" | "8443" => "https",
        "3306" => "mysql",
        "5432" => "postgres",
        "5672" => "amqp",
        "6379" => "redis",
        "9090" => "metrics",
        "9092" => "kafka",
        "27017" => "mongo",
        "50051" => "grpc",
        number => return format!("port-{number}"),
    };
    name.to_owned()
}

impl Broken<'_> {
    /// What is wrong behind a port: `80 tcp`, `80/tcp/udp`, `80:81`, `80..90`.
    pub(super) fn behind_port(self) -> Option<StatementEdit> {
        let before = self.before();
        let start =
            before.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/'))).map_or(0, |at| at + 1);
        let port = before.get(start..).filter(|port| is_port(port))?;
        let (number, protocol) =
            port.split_once('/').map_or((port, None), |(number, protocol)| (number, Some(protocol)));
        if let Some(written) = self.one_of(&["tcp", "udp", "sctp", "TCP", "UDP", "SCTP"])
            && protocol.is_none()
        {
            let range = before.len()..self.at + written.len();
            return Some(StatementEdit::new(range, format!("/{}", written.to_lowercase()), PORTS));
        }
        let second = self.after().strip_prefix(['/', '|', '+']).map(|rest| (rest, word(rest)));
        if let (Some(first), Some((rest, second))) = (protocol, second) {
            let end = self.text.len() - rest.len() + second.len();
            return Some(StatementEdit::new(start..end, format!("{{{number}/{first}, {number}/{second}}}"), SEVERAL));
        }
        let sign = self.one_of(&["...", "..", "–", "—", "-", "to", ":", ";", "|", "+", "and", "&"])?;
        let rest = self.after().get(sign.len()..)?.trim_start();
        let second = word(rest).split('/').next().filter(|number| is_port(number))?;
        let end = self.text.len() - rest.len() + second.len();
        let is_range = matches!(sign, "..." | ".." | "–" | "—" | "-" | "to");
        let text = if is_range { format!("{number}-{second}") } else { format!("{{{number}, {second}}}") };
        let why = if is_range { PORTS } else { SEVERAL };
        protocol.is_none().then(|| StatementEdit::new(start..end, text, why))
    }

    /// `tcp/80`, `tcp:80`, `tcp 80` at the place: what it is and how long.
    pub(super) fn protocol_first(self) -> Option<(String, usize)> {
        let written = ["tcp", "udp", "sctp", "TCP", "UDP", "SCTP"].into_iter().find(|known| {
            self.after().strip_prefix(known).is_some_and(|rest| rest.starts_with(['/', ':', ' ', '-']))
        })?;
        let rest = self.after().get(written.len() + 1..)?.trim_start();
        let number = word(rest);
        let length = self.after().len() - rest.len() + number.len();
        is_port(number).then(|| (format!("{number}/{}", written.to_lowercase()), length))
    }
}
