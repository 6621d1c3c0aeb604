//! `polder init --from`: a project with a program out of what is deployed.

use super::told::ToldInit;
use super::{CONFIG, Ci, InitArgs, New, ProjectFolder, jobs, of_release, project_folder, taken};
use crate::cli::args::{AnswerFormat, Format, named};
use crate::cli::exit::Exit;
use crate::cli::log::{LogArgs, no_answer};
use crate::cli::new_files::{self, WritingCommand};
use crate::cli::report::{show, show_plain, tell_empty};
use crate::cli::terminal::Terminal;
use crate::diag::{Code, Diagnostic, Report};
use crate::replay::ReplayChange;
use crate::session::{
    CONFIG_NAME, DEFAULT_NAMESPACE, Disk, EXTENSION, FileSystem as _, LogFile, Named, Seeded, shell_word, shown,
};

/// What the settings say beside the usual: a program of guesses is not enforced at once.
const ROLLOUT: &str = "\n[rollout]\n# What is enforced so far, as in \"NAMESPACE:ingress\" or \"NAMESPACE/TIER\": nothing yet. \
                       Without this line, everything is.\nenforce = []\n";

/// Starts a project with what is deployed.
pub(super) fn run(args: &InitArgs, terminal: &mut Terminal) -> Exit {
    let (place, ci) = match place(args, terminal) {
        Ok(place) => place,
        Err(message) => return terminal.refuse(&message),
    };
    let namespace = args.namespace.as_deref();
    let deployed: Vec<Named> = named(&args.from).into_iter().chain(args.live.named()).collect();
    let files = terminal.files();
    let mut seeded = Seeded::load(files.as_ref(), &place.here, &deployed, namespace.unwrap_or(DEFAULT_NAMESPACE));
    if let Some(exit) = no_program(&seeded, terminal) {
        return exit;
    }
    let dropped = match hold(&mut seeded, args, &place, terminal) {
        Ok(dropped) => dropped,
        Err(exit) => return exit,
    };
    let created = match write(&seeded, &place, ci) {
        Ok(created) => created,
        Err(message) => return terminal.refuse(&message),
    };
    let log = args.log.first().map(|log| log.display().to_string());
    let folder = shown(&place.folder, &place.here);
    let told = ToldInit { seeded: &seeded, created: &created, folder, namespace, log, dropped };
    match args.format {
        AnswerFormat::Human => told.tell(terminal),
        AnswerFormat::Json => terminal.result(&crate::cli::json::document(&told.document())),
    }
    Exit::Yes
}

/// Holds the program against the logs that were named, and says how many kinds of connections that passed have no flow in it.
fn hold(
    seeded: &mut Seeded,
    args: &InitArgs,
    ProjectFolder { here, .. }: &ProjectFolder,
    terminal: &mut Terminal,
) -> Result<Option<usize>, Exit> {
    if args.log.is_empty() {
        return Ok(None);
    }
    let log = LogArgs { logs: args.log.clone(), since: None, until: None, log_format: args.log_format };
    let logs = LogFile::find(&named(&args.log), here).map_err(|message| terminal.refuse(&message))?;
    let subject = seeded.subject();
    let replay = log.read(&logs, subject.running(), terminal)?;
    let report = replay.report(&subject.candidate());
    if report.is_no_answer() {
        return Err(no_answer(&report, terminal));
    }
    seeded.note_seen(&report);
    Ok(Some(report.count(ReplayChange::Dropped)))
}

/// Where the project goes, and the CI job that was asked for.
fn place(args: &InitArgs, terminal: &Terminal) -> Result<(ProjectFolder, Option<New>), String> {
    if [&args.log, &args.from].iter().all(|paths| named(paths).contains(&Named::Input)) {
        return Err("standard input is one thing: the manifests, or the log".to_owned());
    }
    let place = project_folder(args, terminal)?;
    let ProjectFolder { here, folder } = &place;
    if let Some(program) = Disk.walk(folder, EXTENSION).files.first() {
        return Err(format!(
            "`{}` is there already, and the new program would become one with it: choose another folder, as in \
             `polder init --from MANIFESTS {}`",
            shown(program, here),
            shell_word("network")
        ));
    }
    let ci = jobs(args.ci.unwrap_or(Ci::None), folder)?;
    let config = New { path: folder.join(CONFIG_NAME), text: String::new() };
    taken(std::slice::from_ref(&config), &place)?;
    taken(ci.as_slice(), &place)?;
    Ok((place, ci))
}

/// Why there is no program, where there is none.
fn no_program(seeded: &Seeded, terminal: &mut Terminal) -> Option<Exit> {
    let manifests = &seeded.manifests;
    tell_empty(manifests, terminal);
    if manifests.has_no_answer() {
        let wrong = manifests.diagnostics.iter().filter(|found| found.code.stops());
        let wrong: Vec<Report> = wrong.cloned().map(Report::from).collect();
        show(&wrong, &manifests.sources, Format::Human, terminal);
        return Some(Exit::CannotAnswer);
    }
    if let Some(why) = &seeded.failure {
        let message = format!("the program that was inferred does not compile: {why}; nothing was written");
        let help = "please report this, with the smallest manifests that show it";
        show_plain(vec![Diagnostic::about(Code::E0900, message).with_help(help)], Format::Human, terminal);
        return Some(Exit::CannotAnswer);
    }
    if !seeded.files.is_empty() {
        return None;
    }
    let reason = match seeded.inferred.left_out.first() {
        Some((first, why)) => format!("nothing in what was named can be a tier; {first}: {why}"),
        None => "there is nothing that makes pods in what was named".to_owned(),
    };
    Some(terminal.refuse(&reason))
}

/// Writes all files, and gives their paths as they would be typed.
fn write(seeded: &Seeded, place: &ProjectFolder, ci: Option<New>) -> Result<Vec<String>, String> {
    let ProjectFolder { here, folder } = place;
    let config = (CONFIG_NAME.to_owned(), format!("{}{ROLLOUT}", of_release(CONFIG)));
    let programs = seeded.files.iter().map(|file| (file.name.clone(), file.text.clone()));
    let files: Vec<(String, String)> = std::iter::once(config).chain(programs).collect();
    let mut created = new_files::write(WritingCommand::INIT, here, folder, &files)?;
    if let Some(job) = ci {
        super::create(&job.path, &job.text).map_err(|error| {
            format!("cannot write `{}`: {}", shown(&job.path, here), crate::session::reason(&error))
        })?;
        created.push(shown(&job.path, here));
    }
    Ok(created)
}
