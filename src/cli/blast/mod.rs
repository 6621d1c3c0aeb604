//! `polder blast`: how far somebody gets from pods, or who gets at them.

mod told;

use super::args::QuestionArgs;
use super::ask;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::ask::{Asked, Beyond, Blast, BlastFrom, DnsEnds, Situation, beyond_in};
use crate::cluster::Service;
use crate::cover::Budget;
use crate::engine::EndId;
use crate::graph::{html_of, mermaid, svg};
use crate::net::{Direction, PortSet};
use crate::session::{Subject, TOO_HARD};
use told::ToldBlast;

/// Show how far somebody gets who has taken over a pod, hop by hop; with --to, who can get at a pod.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder blast shop/web
  polder blast shop/web --depth 1       only what can be reached at once
  polder blast --to shop/database
  polder blast shop/web --through dns   also from DNS servers on
  polder blast shop/web --format svg > blast.svg
  polder blast --manifests deploy/ shop/web")]
pub(super) struct BlastArgs {
    /// Where it begins.
    #[arg(value_name = "FROM", required_unless_present = "to")]
    pub from: Option<String>,
    /// Go backwards: who can get there.
    #[arg(long, value_name = "TO", conflicts_with = "from")]
    pub to: Option<String>,
    /// The most hops to go.
    #[arg(long, value_name = "HOPS")]
    pub depth: Option<usize>,
    /// Whom to go through, too, who is otherwise the end of the way: the servers that pods ask for names.
    #[arg(long, value_name = "WHOM")]
    pub through: Option<Through>,
    #[command(flatten)]
    pub question: QuestionArgs,
    /// How to print the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: BlastFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum BlastFormat {
    /// A tree
    Human,
    /// A picture for pages and documents, light and dark
    Svg,
    /// The same in Mermaid, for Markdown
    Mermaid,
    /// One page with the picture, tables and a search, that asks for nothing
    Html,
    /// JSON
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Through {
    /// DNS servers.
    Dns,
}

pub(super) fn run(args: &BlastArgs, terminal: &mut Terminal) -> Exit {
    answer(args, terminal).unwrap_or_else(|exit| exit)
}

fn answer(args: &BlastArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let subject = ask::subject(&args.question, "blast", terminal)?;
    let (text, back) = match (&args.from, &args.to) {
        (Some(from), _) => (from, false),
        (None, Some(to)) => (to, true),
        (None, None) => return Err(terminal.refuse("blast from where? name a tier, or `--to` one")),
    };
    let asked = subject.asked(text).map_err(|message| terminal.refuse(&message))?;
    if let Some(message) = inside(&subject, &asked) {
        return Err(terminal.refuse(&message));
    }
    let (servers, ports) = subject.dns_servers();
    // Those who go through them need not tell them apart.
    let servers = args.through.is_none().then_some((servers, ports));
    let from = From { asked: &asked, back, depth: args.depth.unwrap_or(usize::MAX), servers: servers.as_ref() };
    let situation = subject.situation(&from.ends());
    let (blast, beyond, given_up) = match &situation {
        Some(situation) => among_workloads(&subject, situation, &from, terminal)?,
        None => (among_everybody(&subject, &from, &mut Budget::of_question(), terminal)?, Vec::new(), false),
    };
    let situation = situation.unwrap_or_default();
    let told = ToldBlast::new(&blast, text, back, (&situation, &beyond));
    match args.format {
        BlastFormat::Human => terminal.result(&told.tree(&subject)),
        BlastFormat::Svg => terminal.result(&svg(&told.picture(&subject, args.depth))),
        BlastFormat::Mermaid => terminal.result(&mermaid(&told.picture(&subject, args.depth))),
        BlastFormat::Html => {
            terminal.result(&html_of(&told.picture(&subject, args.depth), "How far it goes", "Hop"));
        }
        BlastFormat::Json => told.print(&subject, terminal),
    }
    Ok(if given_up { ask::given_up(terminal) } else { ask::sure(&subject, Exit::Yes) })
}

/// Why addresses are no end from outside: pods have them, or a Service that stands for pods.
fn inside(subject: &Subject, asked: &Asked) -> Option<String> {
    let Asked::Addresses(addresses) = asked else { return None };
    let cluster = subject.cluster()?;
    if let Some((workload, seen)) = cluster.pods_at(addresses).next() {
        return Some(format!(
            "`{asked}` is where pod `{}` of `{workload}` is, which is not outside: ask about `{workload}`",
            seen.name
        ));
    }
    let has = |service: &&Service| service.cluster_ips.iter().any(|address| addresses.has(*address));
    let service = cluster.services.iter().find(has)?;
    Some(format!(
        "`{asked}` is the clusterIP of the Service `{}/{}`, which stands for pods: ask about these",
        service.namespace, service.name
    ))
}

/// What is asked.
struct From<'a> {
    asked: &'a Asked,
    back: bool,
    depth: usize,
    /// The DNS servers and their ports, where they are not gone through.
    servers: Option<&'a (Asked, PortSet)>,
}

impl From<'_> {
    /// The ends that have to be told apart.
    fn ends(&self) -> Vec<Asked> {
        let servers = self.servers.map(|(servers, _)| servers);
        std::iter::once(self.asked).chain(servers).cloned().collect()
    }
}

/// How far it goes among the workloads that were given, what is allowed beyond them, and whether finding that out was given
/// up somewhere.
fn among_workloads(
    subject: &Subject,
    situation: &Situation,
    from: &From<'_>,
    terminal: &mut Terminal,
) -> Result<(Blast, Vec<Beyond>, bool), Exit> {
    let start = subject.find(situation, from.asked).map_err(|message| terminal.refuse(&message))?;
    let engine = subject.engine(&situation.world, subject.policies());
    let dns = from.servers.map(|(servers, ports)| DnsEnds {
        ends: situation.find(servers).unwrap_or_default().into_iter().collect(),
        ports: ports.clone(),
    });
    let blast = Blast::new(&engine, situation, &start, from.back, from.depth, &dns.unwrap_or_default());
    let given_up = engine.has_given_up() && blast.steps.iter().any(|step| !step.unknown.is_empty());
    if !subject.may_lack_pods() {
        return Ok((blast, Vec::new(), given_up));
    }
    let direction = if from.back { Direction::Ingress } else { Direction::Egress };
    let gone_from: Vec<EndId> = blast.gone_from.iter().copied().collect();
    let beyond = beyond_in(&engine, direction, &gone_from, &mut Budget::of_question());
    let beyond = beyond.map_err(|_| terminal.refuse(TOO_HARD))?;
    Ok((blast, beyond, given_up))
}

/// How far it goes among all pods that could exist.
fn among_everybody(
    subject: &Subject,
    from: &From<'_>,
    budget: &mut Budget,
    terminal: &mut Terminal,
) -> Result<Blast, Exit> {
    let everyone = subject.everyone(&from.ends());
    subject.find_among(&everyone, from.asked).map_err(|message| terminal.refuse(&message))?;
    let grants = everyone.grants(subject.policies());
    let servers = from.servers.map(|(servers, ports)| (servers, ports));
    let from = BlastFrom { asked: from.asked, back: from.back, depth: from.depth, servers };
    let blast = everyone.blast(&grants, from, budget);
    blast.map_err(|_| terminal.refuse(TOO_HARD))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::session::{Memory, Named, Question};
    use std::path::Path;

    #[test]
    fn what_takes_too_many_steps_is_given_up_in_one_sentence() {
        let program = "namespace shop {\n  tier web\n  tier db\n  web -> db:5432\n}\n";
        let memory = Memory::default().with("/p/main.polder", program);
        let question = Question { program: vec![Named::Path("main.polder".into())], ..Question::default() };
        let subject = Subject::load(&memory, Path::new("/p"), &question);
        let asked = Asked::Name("shop/web".to_owned());
        let from = From { asked: &asked, back: false, depth: usize::MAX, servers: None };
        let ask = |steps| {
            let (mut terminal, said) = Terminal::captured();
            let blast = among_everybody(&subject, &from, &mut Budget::new(steps), &mut terminal);
            (blast.map(|blast| blast.steps.len()), said.text())
        };
        assert_eq!(ask(20), (Err(Exit::CannotAnswer), format!("error: {TOO_HARD}\n")));
        let (found, said) = ask(100_000);
        assert!(found.is_ok() && said.is_empty(), "{found:?} {said}");
    }
}
