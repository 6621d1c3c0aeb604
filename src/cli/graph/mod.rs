//! `polder graph`: a picture of what is allowed.

use super::args::QuestionArgs;
use super::ask::{self, Ends};
use super::exit::Exit;
use super::json::document;
use super::reach;
use super::terminal::Terminal;
use crate::ask::Detail;
use crate::cover::Budget;
use crate::graph::{Focus, Picture, dot, folded, html, json, mermaid, picture, svg};
use crate::net::{PortSet, Protocol};
use crate::session::{Subject, SummaryScope};

/// What a page is called.
const TITLE: &str = "Who may connect to whom";

/// Draw what is allowed: who may connect to whom, on which ports.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder graph > network.svg            everything that the program allows
  polder graph -n shop                  what one namespace has to do with
  polder graph --from internet          what the internet reaches
  polder graph --to shop/database       who reaches the database
  polder graph --format mermaid         for Markdown
  polder graph --format dot | dot -Tpng > network.png
  polder graph --format html > network.html
  polder graph --manifests deploy/      of any NetworkPolicies and workloads
  polder graph --cluster                of the cluster that kubectl is set up for")]
pub(super) struct GraphArgs {
    /// Only connections of these: a tier, workload, group, `NAMESPACE/*`, `NAMESPACE/{key=value}`, an address.
    #[arg(long, value_name = "FROM")]
    pub from: Option<String>,
    /// Only connections to these, perhaps with ports as in a flow.
    #[arg(long, value_name = "TO[:PORTS]")]
    pub to: Option<String>,
    /// Only connections on these ports.
    #[arg(long, value_name = "PORTS")]
    pub port: Option<String>,
    /// Only what this namespace has to do with, which is not folded; may be repeated.
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Vec<String>,
    /// Also draw connections that only ask for names.
    #[arg(long)]
    pub dns: bool,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// What to draw it in.
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    pub format: GraphFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum GraphFormat {
    /// A picture for pages and documents, light and dark
    Svg,
    /// Mermaid, for Markdown
    Mermaid,
    /// DOT, for Graphviz
    Dot,
    /// One page with the picture, tables and a search, that asks for nothing
    Html,
    /// JSON
    Json,
}

pub(super) fn run(args: &GraphArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &GraphArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, "graph", terminal)?;
    let to = target(args).map_err(|message| terminal.refuse(&message))?;
    let ends = Ends::read(&subject, args.from.as_deref(), to.as_deref(), terminal)?;
    let (ends, notes) = ends.meant(&subject, terminal)?;
    let without_doubtful_blocks = ends.from.is_none() || ends.to.is_none();
    let scope = SummaryScope { detail: Detail::Lines, without_doubtful_blocks };
    let summary = subject.summary(&ends.asking(), scope, &mut Budget::of_question());
    let summary = summary.map_err(|untold| reach::refuse(&untold, terminal))?;
    let dns = dns_ports(&subject);
    let focus = Focus {
        namespaces: &args.namespace,
        dns: (!args.dns).then_some(&dns),
        lonely: ends.from.is_none() && ends.to.is_none(),
    };
    let mut drawn = picture(&summary, &focus).map_err(|name| terminal.refuse(&unknown(&name)))?;
    drawn.notes.extend(notes);
    let drawn = folded(drawn, &args.namespace);
    terminal.result(&text(&drawn, args.format));
    Ok(if summary.given_up { ask::given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

fn text(picture: &Picture, format: GraphFormat) -> String {
    match format {
        GraphFormat::Svg => svg(picture),
        GraphFormat::Mermaid => mermaid(picture),
        GraphFormat::Dot => dot(picture),
        GraphFormat::Html => html(picture, TITLE),
        GraphFormat::Json => document(&json(picture)),
    }
}

/// The second end of the question, with the ports.
fn target(args: &GraphArgs) -> Result<Option<String>, String> {
    match (&args.to, &args.port) {
        (to, None) => Ok(to.clone()),
        (None, Some(ports)) => Ok(Some(format!("anywhere:{ports}"))),
        (Some(to), Some(ports)) => Ok(Some(format!("{to}:{ports}"))),
    }
}

/// The ports on which names are asked for.
fn dns_ports(subject: &Subject) -> PortSet {
    const DNS: u16 = 53;
    let (_, ports) = subject.dns_servers();
    [Protocol::Udp, Protocol::Tcp].into_iter().fold(ports, |all, protocol| all.union(&PortSet::number(protocol, DNS)))
}

fn unknown(name: &str) -> String {
    format!("nothing is in a namespace `{name}`; `polder reach --names` lists what can be asked about")
}
