//! Statements as the language writes them.

use super::{End, External, Flow, IpBlocks, Namespace, Ports, Program, Statement, Tier};
use crate::fmt::{Unformatted, format};
use crate::net::Direction;
use crate::source::Sources;
use crate::syntax::{self, is_forbidden};
use std::fmt;

/// Why a program has no text: something in it cannot be said. It should not have been put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotWritten(pub String);

impl Program {
    /// The canonical text.
    pub fn text(&self) -> Result<String, NotWritten> {
        let raw: String = self.statements.iter().map(|statement| format!("{statement}\n")).collect();
        let mut sources = Sources::default();
        let file = sources.add("draft", raw.as_str());
        let parsed = syntax::parse(&sources, file);
        format(&sources, &parsed).map_err(|why| match why {
            Unformatted::NotUnderstood => {
                let said = parsed.diagnostics.first().map(|found| found.message.clone()).unwrap_or_default();
                NotWritten(format!("what was put together is no program: {said}"))
            }
            Unformatted::NotProved(found) => NotWritten(found.message.clone()),
        })
    }
}

impl fmt::Display for Statement {
    /// One statement, without a line end; a block of more than one statement has several lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Statement::Comment(text) => comment(f, "#", text),
            Statement::Description(text) => comment(f, "##", text),
            Statement::Space => Ok(()),
            Statement::Use(names) => write!(f, "use {}", names.join(", ")),
            Statement::Cidr { name, blocks } => write!(f, "cidr {name} = {blocks}"),
            Statement::Group { name, members } => write!(f, "group {name} = {}", members_of_group(members)),
            Statement::External(external) => external.fmt(f),
            Statement::Namespace(namespace) => namespace.fmt(f),
            Statement::Isolate { directions, tiers } => isolate(f, directions, tiers),
            Statement::Label(key) => write!(f, "label {key}"),
            Statement::Dns(servers) => write!(f, "dns {}", servers.join(", ")),
            Statement::Tier(tier) => tier.fmt(f),
            Statement::Flow(flow) => flow.fmt(f),
            Statement::Remarked { statement, remark } => remarked(f, statement, remark),
        }
    }
}

/// The columns that a line in a block has.
const COLUMNS: usize = 98;

/// A statement with a comment, which breaks between words where it has lines of its own.
fn remarked(f: &mut fmt::Formatter<'_>, statement: &Statement, remark: &str) -> fmt::Result {
    let words = words(remark);
    let line = format!("{statement}  # {}", words.join(" "));
    if !line.contains('\n') && line.chars().count() <= COLUMNS {
        return f.write_str(&line);
    }
    writeln!(f, "{}", Statement::Comment(wrapped(&words)))?;
    write!(f, "{statement}")
}

/// A comment whose text breaks between words.
pub fn comment_of(text: &str) -> Statement {
    Statement::Comment(wrapped(&words(text)))
}

/// The words of a text, without what may not stand in a program.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(|word| word.chars().filter(|one| !is_forbidden(*one)).collect()).collect()
}

/// Words on lines of a comment.
fn wrapped(words: &[String]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < COLUMNS - 2 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
    lines.join("\n")
}

/// A comment of some lines, without what may not stand in one.
fn comment(f: &mut fmt::Formatter<'_>, mark: &str, text: &str) -> fmt::Result {
    for (index, line) in text.lines().enumerate() {
        let line: String = line.chars().filter(|one| !is_forbidden(*one)).collect();
        let end = if index > 0 { "\n" } else { "" };
        write!(f, "{end}{}", format!("{mark} {line}").trim_end())?;
    }
    Ok(())
}

fn isolate(f: &mut fmt::Formatter<'_>, directions: &[Direction], tiers: &[std::sync::Arc<str>]) -> fmt::Result {
    let words: Vec<&str> = directions.iter().map(|direction| direction.word()).collect();
    write!(f, "isolate {}", if words.is_empty() { "none".to_owned() } else { words.join(", ") })?;
    if tiers.is_empty() { Ok(()) } else { write!(f, " for {}", tiers.join(", ")) }
}

fn listed(items: &[impl fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Several ends in braces, behind their namespace where that is the same, and one as it is. `behind` gives what stands behind
/// each of them.
fn braces(ends: &[End], behind: impl Fn(usize) -> String) -> String {
    let first = ends.first().and_then(|end| end.namespace.as_ref());
    let home = first.filter(|home| ends.len() > 1 && ends.iter().all(|end| end.namespace.as_ref() == Some(*home)));
    let written = |(at, end): (usize, &End)| match home {
        Some(_) => format!("{}{}", end.name, behind(at)),
        None => format!("{end}{}", behind(at)),
    };
    let list = ends.iter().enumerate().map(written).collect::<Vec<_>>().join(", ");
    match (home, ends.len()) {
        (Some(home), _) => format!("{home}/{{{list}}}"),
        (None, 1) => list,
        (None, _) => format!("{{{list}}}"),
    }
}

/// The members of a group: those of one namespace that follow each other stand in its braces.
fn members_of_group(members: &[End]) -> String {
    let runs = members.chunk_by(|one, other| one.namespace.is_some() && one.namespace == other.namespace);
    runs.map(|run| braces(run, |_| String::new())).collect::<Vec<_>>().join(", ")
}

/// Statements in braces: one of them on the line of the brace, several below it.
fn block(f: &mut fmt::Formatter<'_>, statements: &[impl fmt::Display]) -> fmt::Result {
    match statements {
        [] => f.write_str("{}"),
        // A comment goes to the end of its line.
        [one] if !one.to_string().contains('#') => write!(f, "{{ {one} }}"),
        several => {
            f.write_str("{\n")?;
            several.iter().try_for_each(|one| writeln!(f, "{one}"))?;
            f.write_str("}")
        }
    }
}

impl fmt::Display for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "external namespace {}", self.names.join(", "))?;
        match &self.selector {
            Some(selector) if selector.is_everything() => f.write_str(" (*)")?,
            Some(selector) => write!(f, " ({selector})")?,
            None => {}
        }
        if self.tiers.is_empty() {
            return Ok(());
        }
        f.write_str(" ")?;
        match (self.tiers.as_slice(), &self.selector) {
            // Two selectors in one line are hard to tell apart.
            ([tier], Some(_)) => write!(f, "{{\n{tier}\n}}"),
            (tiers, _) => block(f, tiers),
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "namespace {} ", self.names.join(", "))?;
        block(f, &self.statements)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tier {}", self.name)?;
        match &self.selector {
            Some(selector) if selector.is_everything() => f.write_str(" (*)")?,
            Some(selector) => write!(f, " ({selector})")?,
            None => {}
        }
        if self.ports.is_empty() {
            return Ok(());
        }
        let ports: Vec<String> = self.ports.iter().map(|(name, ports)| format!("{name}: {ports}")).collect();
        write!(f, " {{ {} }}", ports.join(", "))
    }
}

impl fmt::Display for IpBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&listed(&self.blocks))?;
        if self.except.is_empty() { Ok(()) } else { write!(f, " except {}", listed(&self.except)) }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ports::Named(name) => f.write_str(name),
            Ports::These(ports) => ports.fmt(f),
            Ports::Each(each) => f.write_str(&listed(each)),
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(side) = self.side {
            write!(f, "{} ", side.word())?;
        }
        let source = braces(&self.sources, |_| String::new());
        write!(f, "{source} -> {}", destinations_text(&self.destinations, &self.ports))
    }
}

/// The destinations of a flow, with their ports.
pub fn destinations_text(destinations: &[End], ports: &Ports) -> String {
    match ports {
        Ports::Each(each) => {
            braces(destinations, |at| each.get(at).map_or_else(String::new, |ports| format!(":{ports}")))
        }
        Ports::Named(_) | Ports::These(_) => format!("{}:{ports}", braces(destinations, |_| String::new())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::net::{PortSet, Protocol, Selector};

    fn end(name: &str) -> End {
        match name.split_once('/') {
            Some((namespace, name)) => End { namespace: Some(namespace.into()), name: name.into() },
            None => End { namespace: None, name: name.into() },
        }
    }

    fn tier(name: &str, selector: Option<Selector>) -> Tier {
        Tier { name: name.into(), selector, ports: Vec::new() }
    }

    #[test]
    fn a_program_is_written_in_the_canonical_form() {
        let tcp = |number| PortSet::number(Protocol::Tcp, number);
        let flow = |side, sources: &[&str], destinations: &[&str], ports| {
            let ends = |names: &[&str]| names.iter().map(|name| end(name)).collect();
            Statement::Flow(Flow { side, sources: ends(sources), destinations: ends(destinations), ports })
        };
        let http = Tier { ports: vec![("http".into(), tcp(8080))], ..tier("api", Some(Selector::equals("x", "y"))) };
        let shop = Namespace {
            names: vec!["shop".into(), "blog".into()],
            statements: vec![
                Statement::Isolate { directions: vec![Direction::Ingress], tiers: vec!["web".into()] },
                Statement::Dns(vec!["none".into()]),
                Statement::Tier(tier("web", None)),
                Statement::Tier(http),
                Statement::Space,
                Statement::Description("Pages.\nAnd more\u{7}".into()),
                flow(None, &["ingress/*", "office"], &["web"], Ports::These(tcp(80).union(&tcp(81)))),
                flow(Some(Direction::Egress), &["web"], &["api"], Ports::Named("http".into())),
                flow(None, &["web"], &["pay/db", "pay/*"], Ports::Each(vec![tcp(82).union(&tcp(83)), tcp(84)])),
                flow(None, &["web"], &["pay/db", "api"], Ports::Each(vec![tcp(85), tcp(86)])),
            ],
        };
        let blocks = |cidr: &str, except: &[&str]| IpBlocks {
            blocks: vec![cidr.parse().unwrap()],
            except: except.iter().map(|block| block.parse().unwrap()).collect(),
        };
        let everywhere = External {
            names: vec!["everywhere".into()],
            selector: Some(Selector::everything()),
            tiers: vec![tier("dns", Some(Selector::equals("k8s-app", "kube-dns")))],
        };
        let program = Program {
            statements: vec![
                Statement::Comment("made".into()),
                Statement::External(External {
                    names: vec!["ingress".into(), "pay".into()],
                    selector: None,
                    tiers: Vec::new(),
                }),
                Statement::External(everywhere),
                Statement::Cidr { name: "office".into(), blocks: blocks("10.0.0.0/8", &["10.1.0.0/16"]) },
                Statement::Group {
                    name: "clients".into(),
                    members: vec![end("shop/api"), end("shop/web"), end("office")],
                },
                Statement::Space,
                Statement::Namespace(shop),
            ],
        };
        let text = program.text().unwrap();
        assert_eq!(
            text,
            "# made\nexternal namespace ingress, pay\nexternal namespace everywhere (*) {\n  \
             tier dns (k8s-app=kube-dns)\n}\ncidr office = 10.0.0.0/8 except 10.1.0.0/16\ngroup clients = shop/{api, web}, office\n\n\
             namespace shop, blog {\n  isolate ingress for web\n  dns none\n  tier web\n  \
             tier api (x=y) { http: 8080/tcp }\n\n  ## Pages.\n  ## And more\n  \
             {ingress/*, office} -> web:{80, 81}/tcp\n  egress web -> api:http\n  \
             web -> pay/{db:{82, 83}/tcp, *:84/tcp}\n  web -> {pay/db:85/tcp, api:86/tcp}\n}\n"
        );
    }

    #[test]
    fn a_remark_stands_behind_its_statement_or_above_it() {
        let remarked = |remark: &str| Statement::Remarked {
            statement: Box::new(Statement::Tier(tier("web", None))),
            remark: remark.into(),
        };
        let long = "word ".repeat(25);
        let statements = vec![remarked("from\nService \u{202e}web"), remarked(&long)];
        let namespace = Statement::Namespace(Namespace { names: vec!["shop".into()], statements });
        let text = Program { statements: vec![namespace] }.text().unwrap();
        let one = Namespace { names: vec!["blog".into()], statements: vec![remarked("alone")] };
        let text = text + &Program { statements: vec![Statement::Namespace(one)] }.text().unwrap();
        let (first, second) = (["word"; 19].join(" "), ["word"; 6].join(" "));
        let wanted = format!(
            "namespace shop {{\n  tier web  # from Service web\n  # {first}\n  # {second}\n  tier web\n}}\n\
                 namespace blog {{\n  tier web  # alone\n}}\n"
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn what_is_no_program_is_not_written() {
        let program = Program { statements: vec![Statement::Label("no key".into())] };
        assert!(program.text().is_err());
    }
}
