//! `polder test --probe`: connections to try in a cluster, for netassert or as commands of kubectl.

use super::args::named;
use super::ask;
use super::exit::Exit;
use super::log::current_folder;
use super::new_files::create_one;
use super::report::{count, incomplete};
use super::terminal::Terminal;
use super::test::{TestArgs, TestFormat};
use super::{json, step};
use crate::flow::{FlowSet, StatementId};
use crate::probe::{
    NotProbed, Probe, ProbeOptions, ProbePlan, ProbeSubject, ProbeTarget, ProbedEnd, WhyNotProbed, netassert_file,
    probe_commands, probe_plan,
};
use crate::session::{EnforceChoice, Session, Subject};
use serde_json::{Value, json};
use std::path::PathBuf;

/// So much of what is left out is listed.
const MOST_LEFT: usize = 20;

/// Why there are no commands.
const NO_POD: &str = "commands are about pods by their names and addresses, and only what makes pods was given: \
                      `kubectl get pods -A -o json` lists them";

/// What to try in a cluster.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Probes of a cluster")]
pub(super) struct ProbeArgs {
    /// Instead of verdicts, print connections to try in the cluster, with what has to come of each: tests for netassert, or
    /// commands. Nothing is run.
    #[arg(long, value_name = "FORM")]
    pub probe: Option<ProbeForm>,
    /// Print no more of them, with those that only show that others prove something.
    #[arg(long, value_name = "N", default_value = "40", requires = "probe")]
    pub max: usize,
    /// Try flows, too, and not assertions alone.
    #[arg(long, requires = "probe")]
    pub flows: bool,
    /// Try UDP, too; what netassert listens with needs the capability NET_RAW.
    #[arg(long, requires = "probe")]
    pub udp: bool,
    /// Write them into a new file; nothing that is there is overwritten.
    #[arg(short, long, value_name = "FILE", requires = "probe")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ProbeForm {
    /// YAML for netassert 2
    Netassert,
    /// Commands with `kubectl debug`
    Kubectl,
}

pub(super) fn answer(form: ProbeForm, args: &TestArgs, terminal: &mut Terminal) -> Result<Exit, Exit> {
    let ProbeArgs { max, flows, udp, output, .. } = &args.probe;
    if named(&args.workloads).is_empty() && !args.live.cluster {
        return Err(terminal.refuse(
            "probes are of pods that run: `--cluster` asks for them, or `--workloads PATH` reads what `kubectl get pods,deployments,\
             statefulsets,daemonsets,replicasets,namespaces -A -o json` lists",
        ));
    }
    if form == ProbeForm::Kubectl && *udp {
        return Err(terminal.refuse("nc hears nothing of UDP that is refused: `--udp` is for `--probe netassert`"));
    }
    if args.format == TestFormat::Junit {
        return Err(
            terminal.refuse("`--format junit` is of verdicts; probes are printed as they are, or with `--format json`")
        );
    }
    let subject = ask::load(&args.question(EnforceChoice::Configured), terminal)?;
    let (Some(session), Some(set)) = (subject.session(), subject.flows()) else { return Err(Exit::CannotAnswer) };
    let Some(cluster) = subject.cluster() else {
        return Err(terminal.refuse("nothing that was given runs a pod, so there is nobody to try a connection from"));
    };
    let of = ProbeSubject { set, policies: subject.policies(), facts: subject.facts(), cluster };
    let options = ProbeOptions {
        most: *max,
        flows: *flows,
        udp: *udp,
        by_pod: form == ProbeForm::Kubectl,
        filter: args.filter.as_deref(),
    };
    let plan = probe_plan(&of, &options);
    let told = ToldProbes { plan: &plan, set, session };
    if plan.probes.is_empty() {
        told.left(terminal);
        let is_by_template = form == ProbeForm::Kubectl && cluster.seen().next().is_none();
        return Err(terminal.refuse(&if is_by_template { NO_POD.to_owned() } else { told.none(args) }));
    }
    let text = match (args.format, form) {
        (TestFormat::Json, _) => told.document(&subject),
        (_, ProbeForm::Netassert) => netassert_file(&plan, set, session.sources()),
        (_, ProbeForm::Kubectl) => probe_commands(&plan, set, session.sources(), args.live.context.as_deref()),
    };
    match output {
        Some(path) => {
            let folder = current_folder(terminal)?;
            let name = create_one(&folder, path, &text).map_err(|message| terminal.refuse(&message))?;
            terminal.line(&format!("created  {name}"));
        }
        None => terminal.result(&text),
    }
    told.summary(terminal);
    subject.step().iter().for_each(|step| terminal.note_line(&step::of_answer(step)));
    incomplete(subject.unmodelled(), subject.unread()).iter().for_each(|sentence| terminal.note_line(sentence));
    Ok(Exit::Yes)
}

struct ToldProbes<'a> {
    plan: &'a ProbePlan,
    set: &'a FlowSet,
    session: &'a Session,
}

impl ToldProbes<'_> {
    /// Why there are none.
    fn none(&self, args: &TestArgs) -> String {
        match (&args.probe, &args.filter) {
            (ProbeArgs { max, .. }, _) if self.plan.rest > 0 => format!(
                "`--max {max}` leaves no room: a connection that has to be refused needs two more that have to pass"
            ),
            _ if !self.plan.left.is_empty() => "nothing of the program can be tried with these pods".to_owned(),
            (_, Some(text)) => format!("no assertion holds the text `{text}`"),
            (ProbeArgs { flows: false, .. }, None) => {
                "the program asserts nothing to try; `--flows` tries its flows, too".to_owned()
            }
            (ProbeArgs { flows: true, .. }, None) => "the program says nothing to try".to_owned(),
        }
    }

    fn summary(&self, terminal: &mut Terminal) {
        let probes = &self.plan.probes;
        let refused = probes.iter().filter(|probe| !probe.passes).count();
        let controls = probes.iter().filter(|probe| probe.statements.is_empty()).count();
        let controls = if controls > 0 { format!(", {controls} of them only beside others") } else { String::new() };
        terminal.note_line(&format!(
            "{}: {refused} to be refused, {} to pass{controls}",
            count(probes.len(), "probe"),
            probes.len() - refused
        ));
        self.left(terminal);
        if self.plan.rest > 0 {
            terminal.note_line(&format!("{} more: `--max N` takes more of them", count(self.plan.rest, "connection")));
        }
    }

    /// Says what is not tried.
    fn left(&self, terminal: &mut Terminal) {
        let left = &self.plan.left;
        if left.is_empty() {
            return;
        }
        terminal.note_line(&format!("left out: {}", left.len()));
        let mut before = None;
        for NotProbed { statement, which, why } in left.iter().take(MOST_LEFT) {
            let (path, line) = self.place(*statement).unwrap_or_default();
            let stated = format!("  {}  ({path}:{line})", self.text(*statement));
            let because = because(*why);
            let Some(pair) = which else {
                terminal.note_line(&format!("{stated}: {because}"));
                continue;
            };
            if before.replace(*statement) != Some(*statement) {
                terminal.note_line(&stated);
            }
            let (protocol, port) = pair.port;
            terminal.note_line(&format!("    {} -> {}:{port}/{}: {because}", pair.from, pair.to, protocol.keyword()));
        }
        if left.len() > MOST_LEFT {
            terminal.note_line(&format!("  ... {} more: --format json", left.len() - MOST_LEFT));
        }
    }

    fn text(&self, id: StatementId) -> &str {
        self.set.statement(id).map(|statement| &*statement.text).unwrap_or_default()
    }

    fn place(&self, id: StatementId) -> Option<(&str, usize)> {
        let span = self.set.statement(id)?.span;
        let file = self.session.sources().file(span.file)?;
        Some((&file.path, file.position(span.start).line))
    }

    /// One object with the schema `polder/probe/v1`.
    fn document(&self, subject: &Subject) -> String {
        let probes = self.plan.probes.iter().map(|probe| {
            let Probe { name, source, destination, protocol, port, passes, statements, controls } = probe;
            json!({
                "name": name,
                "passes": passes,
                "protocol": protocol.keyword(),
                "port": port,
                "source": end(source),
                "destination": match destination {
                    ProbeTarget::Pods(to) => end(to),
                    ProbeTarget::Address(address) => json!({ "address": address.to_string() }),
                },
                "statements": statements.iter().map(|id| self.statement(*id)).collect::<Vec<_>>(),
                "controls": controls,
            })
        });
        let containers = self.plan.containers.iter().map(|(of, number)| json!({ "of": end(of), "count": number }));
        let left = self.plan.left.iter().map(|NotProbed { statement, which, why }| {
            json!({
                "statement": self.statement(*statement),
                "from": which.as_ref().map(|pair| &pair.from),
                "to": which.as_ref().map(|pair| &pair.to),
                "protocol": which.as_ref().map(|pair| pair.port.0.keyword()),
                "port": which.as_ref().map(|pair| pair.port.1),
                "reason": why.word(),
                "because": because(*why),
            })
        });
        let document = json!({
            "schema": "polder/probe/v1",
            "complete": subject.unmodelled().is_empty() && subject.unread().is_empty(),
            "unmodelled": json::unmodelled(subject.unmodelled()),
            "unread": json::unread(subject.unread()),
            "probes": probes.collect::<Vec<_>>(),
            "containers": containers.collect::<Vec<_>>(),
            "left": left.collect::<Vec<_>>(),
            "rest": self.plan.rest,
        });
        json::document(&step::with_step(document, subject.step()))
    }

    fn statement(&self, id: StatementId) -> Value {
        let (path, line) = self.place(id).unwrap_or_default();
        json!({ "statement": self.text(id), "path": path, "line": line })
    }
}

fn end(end: &ProbedEnd) -> Value {
    json!({
        "kind": end.kind.word(),
        "namespace": &*end.namespace,
        "name": &*end.name,
        "address": end.address.map(|address| address.to_string()),
    })
}

/// Why something is not tried.
fn because(why: WhyNotProbed) -> &'static str {
    match why {
        WhyNotProbed::Chain => "chains of connections are not tried",
        WhyNotProbed::NoSource => "no pod that runs is among those who connect",
        WhyNotProbed::NoDestination => "no pod that runs is among those who are connected to, and no single address",
        WhyNotProbed::NoPort => "no container lists one of its ports",
        WhyNotProbed::Itself => "it may be one pod that connects to itself",
        WhyNotProbed::Allowed => "the policies let it through",
        WhyNotProbed::Refused => "the policies refuse it",
        WhyNotProbed::Unclear => "it is not known what the policies do, or it differs from pod to pod",
        WhyNotProbed::NobodyElse => "nobody else may connect there, so that a refusal would prove nothing",
        WhyNotProbed::NothingElse => "the source may connect to nobody, so that a refusal would prove nothing",
    }
}
