//! From the command line to what a question is about: what all questions have in common.

use super::args::{Format, QuestionArgs};
use super::exit::Exit;
use super::report::{show, tell_blank, tell_empty};
use super::terminal::Terminal;
use crate::ask::Asked;
use crate::session::{AskedPorts, Asking, FileSystem, Posed, Question, SaidOfCluster, Subject};
use crate::source::Sources;

/// Reads what is asked about, and says on standard error what makes answers incomplete. When something stands in the way
/// of any answer, that is said, and there is only an exit code.
pub(super) fn subject(args: &QuestionArgs, command: &str, terminal: &mut Terminal) -> Result<Subject, Exit> {
    load(&args.question(command), terminal)
}

/// The same, for a question that has its own arguments.
pub(super) fn load(question: &Question, terminal: &mut Terminal) -> Result<Subject, Exit> {
    let files = terminal.files();
    load_from(files.as_ref(), question, terminal)
}

/// The same, from other files.
pub(super) fn load_from(files: &dyn FileSystem, question: &Question, terminal: &mut Terminal) -> Result<Subject, Exit> {
    enforced(question.cluster, terminal)?;
    let folder = terminal.folder().map_err(|message| terminal.refuse(&message))?;
    let subject = Subject::load(files, &folder, question);
    show(&subject.reports(), subject.sources(), Format::Human, terminal);
    if !subject.is_answerable() {
        return Err(Exit::CannotAnswer);
    }
    tell_empty(subject.manifests(), terminal);
    if let Some(session) = subject.session() {
        tell_blank(session.project(), terminal);
    }
    let beside = subject.manifests().policies.policies.len();
    if subject.session().is_some() && beside > 0 {
        terminal.note_line(&format!(
            "note: the policies of the program count, not the {beside} beside the workloads; `--manifests` asks about those"
        ));
    }
    Ok(subject)
}

/// Refuses to answer by policies that the named plugin does not enforce.
pub(super) fn enforced(said: SaidOfCluster, terminal: &mut Terminal) -> Result<(), Exit> {
    let Some(report) = said.refusal() else { return Ok(()) };
    show(&[report], &Sources::default(), Format::Human, terminal);
    Err(Exit::CannotAnswer)
}

/// The answer to the shell, of which nobody can be sure when a policy could not be read.
pub(super) fn sure(subject: &Subject, exit: Exit) -> Exit {
    if subject.manifests().lacks_policies() && subject.session().is_none() { Exit::CannotAnswer } else { exit }
}

/// The two ends that are asked about, in a world that has the answer.
pub(super) fn pose(subject: &Subject, ends: &Ends, terminal: &mut Terminal) -> Result<Posed, Exit> {
    let (Some(from), Some(to)) = (&ends.from, &ends.to) else { return Ok(Posed::default()) };
    subject.pose(from, to, ends.ports.as_ref()).map_err(|message| terminal.refuse(&message))
}

/// Says that the answer is not all that could be found out, where something in it is unknown for that reason.
pub(super) fn given_up(terminal: &mut Terminal) -> Exit {
    terminal.refuse(
        "gave up on finding out, in very many steps, what is allowed whatever labels and addresses nobody gave, so some of \
         what is unknown here may not be; give the Namespace objects with their labels, and pods with their addresses",
    )
}

/// The two ends of a question and the ports of the second.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub from: Option<Asked>,
    pub to: Option<Asked>,
    pub ports: Option<AskedPorts>,
}

impl Ends {
    /// Reads the words of the command line.
    pub(super) fn read(
        subject: &Subject,
        from: Option<&str>,
        to: Option<&str>,
        terminal: &mut Terminal,
    ) -> Result<Ends, Exit> {
        let read = || -> Result<Ends, String> {
            let from = from.map(|text| subject.asked(text)).transpose()?;
            let to = to.map(|text| subject.target(text)).transpose()?;
            let (to, ports) = to.map_or((None, None), |target| (Some(target.asked), target.ports));
            Ok(Ends { from, to, ports })
        };
        read().map_err(|message| terminal.refuse(&message))
    }

    /// Those who are meant, with what there is to say about that.
    pub(super) fn meant(self, subject: &Subject, terminal: &mut Terminal) -> Result<(Ends, Vec<String>), Exit> {
        let ends = Asking { from: self.from, to: self.to, ports: self.ports };
        let (Asking { from, to, ports }, notes) = subject.resolve(ends).map_err(|message| terminal.refuse(&message))?;
        Ok((Ends { from, to, ports }, notes))
    }

    /// The same for the library.
    pub(super) fn asking(&self) -> Asking {
        Asking { from: self.from.clone(), to: self.to.clone(), ports: self.ports.clone() }
    }

    /// Both, for the situation.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.from.iter().chain(&self.to).cloned().collect()
    }
}
