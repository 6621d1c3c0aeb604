//! What is said of ports.

use crate::diag::{Code, Diagnostic};
use crate::model::resolve::shorten;
use crate::net::Protocol;
use crate::source::Span;

/// `*` where a declaration lists ports.
pub(crate) fn every_port_declared(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0204, at, "a declaration lists ports; `*` is none")
        .with_help("leave the list out when any port may be named, and write `:*` in the flow")
}

/// A name where only numbers stand.
pub(crate) fn name_for_a_number(at: Span, name: &str) -> Diagnostic {
    Diagnostic::new(Code::E0204, at, format!("`{}` is a name where a number belongs", shorten(name))).with_help(
        "write a number such as `8080/tcp`, or a named container port in quotes: `\"web\"/tcp`; labels stand in \
         parentheses: `(app=web)`",
    )
}

/// A port that an `earlier` one of the list has already.
pub(crate) fn listed_twice(at: Span, earlier: Span, written: &str) -> Diagnostic {
    Diagnostic::new(Code::W0009, at, format!("`{written}` is already in the list"))
        .with_label(earlier, "here")
        .with_help("remove it")
}

/// A number that no port has.
pub(crate) fn no_port(at: Span, written: &str) -> Diagnostic {
    let message = format!("`{}` is not a port: ports are numbers from 1 to 65535", shorten(written));
    Diagnostic::new(Code::E0204, at, message).with_help("write a port of the pod, such as `8080/tcp`")
}

/// A range that ends before it starts; `range` is without its protocol.
pub(crate) fn turned_range(at: Span, range: Span, written: &str, [low, high]: [u16; 2]) -> Diagnostic {
    let turned = format!("{high}-{low}");
    Diagnostic::new(Code::E0204, at, format!("the range `{written}` is empty: it ends before it starts"))
        .with_help(format!("write `{turned}`"))
        .with_mend(range, turned)
}

/// Braces without ports.
pub(crate) fn none_named(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0203, at, "no ports are named").with_help("name them: `{80, 443}/tcp`")
}

/// A named container port of what is no container.
pub(crate) fn named_port_of_addresses(at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0215, at, "addresses have no named container ports").with_help("write the port's number")
}

/// A port that is of no such protocol, which stands at `protocol`.
pub(crate) fn not_of_protocol(at: Span, name: &str, protocol: Protocol) -> Diagnostic {
    Diagnostic::new(Code::E0202, at, format!("`{name}` has no {} port", protocol.keyword()))
        .with_help(format!("leave the protocol out: `{name}`"))
        .with_mend(at, "")
}

/// A name that no port has.
pub(crate) struct UnknownPort<'a> {
    /// Where it stands, with its protocol, and by itself.
    pub at: Span,
    pub word: Span,
    pub name: &'a str,
    /// How the destination is written, and as a member of what group it is meant.
    pub tier: String,
    pub through: Option<&'a str>,
    /// Where it lists its ports, if it does.
    pub listed_at: Option<Span>,
    /// What it calls them.
    pub names: &'a [String],
    /// The name that was meant, most likely.
    pub known: Option<&'a str>,
}

impl UnknownPort<'_> {
    /// What is said of it.
    pub(crate) fn diagnostic(self) -> Diagnostic {
        let UnknownPort { name, tier, names, .. } = &self;
        let message = match (self.listed_at, self.through) {
            (Some(_), Some(group)) => format!("`{tier}`, a member of `{group}`, serves no port `{name}`"),
            (Some(_), None) => format!("`{tier}` serves no port `{name}`"),
            (None, _) => format!("unknown port `{}`", shorten(name)),
        };
        let help = match (self.known, *names) {
            (Some(known), _) => format!("did you mean `{known}`?"),
            (None, []) if name.starts_with(|c: char| c.is_ascii_digit()) => {
                "a range has two ends, as in `30000-32767/tcp`; several ports stand in braces: `{80, 443}/tcp`"
                    .to_owned()
            }
            (None, []) => format!("write a number such as `8080/tcp`, or declare `ports {name} = 8080/tcp`"),
            (None, names) => format!("it serves {}", names.join(", ")),
        };
        let mends = match self.known {
            Some(known) => vec![known],
            None => names.iter().map(String::as_str).collect(),
        };
        let code = if self.listed_at.is_some() { Code::E0201 } else { Code::E0103 };
        let diagnostic = Diagnostic::new(code, self.at, message).with_help(help).with_mends(self.word, mends);
        match self.listed_at {
            Some(at) => diagnostic.with_label(at, "its ports are listed here"),
            None => diagnostic,
        }
    }
}

/// A tier that serves something else than a flow asks for.
pub(crate) struct Unserved<'a> {
    /// What the flow asks for.
    pub at: Span,
    /// The same as written.
    pub port: &'a str,
    /// How the tier is written, and as a member of what group it is meant.
    pub tier: String,
    pub through: Option<&'a str>,
    /// Where it lists its ports.
    pub listed_at: Span,
}

impl Unserved<'_> {
    fn of_tier(&self, code: Code, what: &str) -> Diagnostic {
        let member = self.through.map(|group| format!(", a member of `{group}`,")).unwrap_or_default();
        Diagnostic::new(code, self.at, format!("`{}`{member} {what}", self.tier))
            .with_label(self.listed_at, "its ports are listed here")
    }

    /// It serves the number over another protocol.
    pub(crate) fn over_another_protocol(&self, other: Protocol, asked: Protocol) -> Diagnostic {
        let number = self.port.split('/').next().unwrap_or(self.port);
        let (other, asked) = (other.keyword(), asked.keyword());
        let meant = format!("{number}/{other}");
        self.of_tier(Code::E0202, &format!("serves {number} over {other}, not over {asked}"))
            .with_help(format!("write `{meant}`"))
            .with_mend(self.at, meant)
    }

    /// It was asked for every port; `ports` is what to leave out.
    pub(crate) fn not_every_port(&self, ports: Span) -> Diagnostic {
        self.of_tier(Code::E0201, "serves only the ports that it lists")
            .with_help("leave the ports out to mean all that it serves")
            .with_mend(ports, "")
    }

    /// It serves nothing.
    pub(crate) fn nothing_served(&self) -> Diagnostic {
        self.of_tier(Code::E0201, "serves no ports at all")
            .with_help(format!("add the port to its list: `{{ NAME: {} }}`", self.port))
    }

    /// It serves others: as they are described, and their names.
    pub(crate) fn other_ports(&self, described: &[String], names: Vec<String>) -> Diagnostic {
        self.of_tier(Code::E0201, &format!("does not serve port {}", self.port))
            .with_help(format!("it serves {}", described.join(", ")))
            .with_mends(self.at, names)
    }
}
