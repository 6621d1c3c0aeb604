//! `polder build`: brings the output folder up to date, or says what that would change.

use super::args::{Format, ProgramInput, listed};
use super::build_choice::{BuildChoice, LayoutName, TargetName};
use super::exit::Exit;
use super::foreign;
use super::holder::other_holder;
use super::leftover;
use super::open::{OpenedSession, open};
use super::report::{count, show, show_plain, tally, tell_blank};
use super::step::{self, RestParser};
use super::terminal::Terminal;
use super::watch;
use crate::diag::render::sanitize;
use crate::diag::{Code, Diagnostic, Levels};
use crate::k8s;
use crate::netpol::PolicySet;
use crate::output::{self, ChangeKind, FileChange, OutputFile, Ownership, Plan};
use crate::session::{
    Built, EnforceChoice, EnforceEntry, EnvironmentChoice, Output, Project, UnenforcedRest, shell_word, shown,
};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Compile the program and bring the output folder up to date.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder build                          the project that this folder is in
  polder build -o - | kubectl apply -f -
                                        apply without writing files
  polder build --check                  in CI: fail when the folder is out of date
  polder build --diff                   what a build would change
  polder build --enforce data/redis:ingress,audit
                                        a step of a roll-out: all else stays open
  polder build --env staging -o staging/policies
                                        the same program for another environment
  polder build web.polder db.polder     a program of these files")]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub input: ProgramInput,
    /// The folder to write; `-` prints one YAML stream, with `--format json` one JSON list [default: `output` of polder.toml, else policies].
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// How to group policies [default: `layout` of polder.toml, else flow].
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<LayoutName>,
    /// What to compile to: NetworkPolicies alone, or what a CNI has besides them [default: `target` of polder.toml, else
    /// networkpolicy].
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetName>,
    /// Write kustomization.yaml files too.
    #[arg(long)]
    pub kustomize: bool,
    /// Isolate only what is enforced: places as in `data/redis:ingress`, `all` or `none` [default: `enforce` of
    /// polder.toml, else all].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub enforce: Option<Vec<EnforceEntry>>,
    /// What to write of what is not enforced: `calico` and `kguardian` have objects that show what would be denied, and
    /// deny nothing [default: `rest` of polder.toml, else none].
    #[arg(long, value_name = "KIND", value_parser = RestParser)]
    pub rest: Option<UnenforcedRest>,
    /// Write nothing; fail when the folder is not what would be written.
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Write nothing; print the differences of the text, and fail when there are any.
    #[arg(long)]
    pub diff: bool,
    /// Write nothing; print what a build would do.
    #[arg(long)]
    pub dry_run: bool,
    /// Build again whenever a source changes.
    #[arg(long, conflicts_with_all = ["check", "diff", "dry_run"])]
    pub watch: bool,
    /// Take over generated files that somebody edited; files of others are never touched.
    #[arg(long, conflicts_with_all = ["check", "diff"])]
    pub force: bool,
    /// Allow a build that leaves nothing where there was something.
    #[arg(long)]
    pub allow_empty: bool,
}

pub(super) fn run(args: &BuildArgs, terminal: &mut Terminal) -> Exit {
    if let Some(message) = contradiction(args) {
        return terminal.refuse(message);
    }
    if args.watch { watch::run(args, terminal) } else { once(args, terminal).exit }
}

/// What cannot be done together and the parser of the command line cannot know.
fn contradiction(args: &BuildArgs) -> Option<&'static str> {
    let prints = prints(args);
    if prints && (args.check || args.diff || args.dry_run || args.watch) {
        return Some("`-o -` prints everything, so there is no folder to compare with or to keep up to date");
    }
    if prints && args.kustomize {
        return Some("`-o -` prints one stream of policies, so there is no folder for a kustomization.yaml");
    }
    if prints && (args.force || args.allow_empty) {
        return Some("`-o -` writes no folder, so there is nothing to take over or to empty");
    }
    let reads_input = args.input.paths.iter().any(|path| is_standard(path));
    if args.watch && reads_input {
        return Some("standard input cannot be watched");
    }
    if args.watch && args.input.format.is_for_machines() {
        return Some(
            "`--watch` goes on building, so there is no one document to print; choose `--format human` or `short`",
        );
    }
    None
}

/// Whether a build prints its manifests.
pub(super) fn prints(args: &BuildArgs) -> bool {
    args.output.as_deref().is_some_and(is_standard)
}

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What one build came to.
pub(super) struct BuildOutcome {
    /// The answer.
    pub exit: Exit,
    /// The folder that is written, unless the command line is so wrong that there is none.
    pub output: Option<PathBuf>,
}

/// Builds one time.
pub(super) fn once(args: &BuildArgs, terminal: &mut Terminal) -> BuildOutcome {
    let enforce = listed(&args.enforce, EnforceChoice::Configured);
    let opened = open(&args.input, BuildChoice::of(args), (&enforce, args.rest), terminal);
    let OpenedSession { session, levels, folder } = match opened {
        Ok(opened) => opened,
        Err(message) => return BuildOutcome { exit: terminal.refuse(&message), output: None },
    };
    let environments = session.environments().clone();
    let built = session.build();
    let output = match &args.output {
        Some(output) => folder.join(output),
        None => built.project().output_folder(built.settings().environment.as_deref()),
    };
    let root = built.project().root.as_ref().map_or_else(|| ".".to_owned(), |root| shown(root, &folder));
    let run = BuildRun { args, built: &built, environments, output: &output, name: shown(&output, &folder), root };
    BuildOutcome { exit: run.finish(&levels, &folder, terminal), output: Some(output) }
}

/// A program that was compiled, and the folder for what it has become.
struct BuildRun<'a> {
    args: &'a BuildArgs,
    built: &'a Built,
    environments: BTreeSet<String>,
    output: &'a Path,
    /// The folder as the user would type it.
    name: String,
    /// The project in the same way.
    root: String,
}

impl BuildRun<'_> {
    /// Says what the build came to, and brings the folder, seen from `folder`, up to date.
    fn finish(&self, levels: &Levels, folder: &Path, terminal: &mut Terminal) -> Exit {
        let (args, project) = (self.args, self.built.project());
        let reports = self.built.reports(levels);
        show(&reports, &project.sources, args.input.format, terminal);
        let exit = Exit::of(&reports);
        let built = self.built.policies().zip(self.built.output());
        let Some((policies, built)) = built.filter(|_| exit == Exit::Yes) else {
            if !args.input.format.is_for_machines() && exit != Exit::CannotAnswer {
                let environment = self.built.settings().environment.as_deref();
                let place = environment.map(|name| format!(" in environment `{name}`")).unwrap_or_default();
                terminal.note_line(&format!("{}{place}; nothing is built", tally(&reports)));
            }
            return exit;
        };
        tell_blank(project, terminal);
        if prints(args) {
            return self.print(policies, built, terminal);
        }
        if args.output.is_none() && project.partial {
            return terminal.refuse(
                "what is named is only a part of the project, and building it would remove the policies of the rest; \
                 name no path to build the whole project, or another folder with `-o DIR`",
            );
        }
        let wrong = match args.output {
            None => leads_out(project, self.output, folder),
            Some(_) => is_root(self.output),
        };
        if let Some(error) = wrong {
            show_plain(vec![error], args.input.format, terminal);
            return Exit::CannotAnswer;
        }
        OutputFolder { run: self, policies, built }.bring_up_to_date(terminal)
    }

    /// Prints the manifests: as a stream of YAML, or where machines read along, as one list of JSON.
    fn print(&self, policies: &PolicySet, built: &Output, terminal: &mut Terminal) -> Exit {
        if self.args.input.format != Format::Json {
            built.stream().for_each(|piece| terminal.result(piece));
            return Exit::Yes;
        }
        let enforced = policies.policies.iter().map(|policy| (policy, None));
        let staged = self.built.staged().into_iter();
        let staged = staged.flat_map(|(kind, policies)| policies.iter().map(move |policy| (policy, Some(kind))));
        match k8s::json_list_of(enforced.chain(staged)) {
            Ok(list) => terminal.result(&list),
            Err(reason) => return terminal.refuse(&format!("the policies cannot be written as JSON: {reason}")),
        }
        Exit::Yes
    }
}

/// What is wrong with the root of a file system: folders of the system would stand among those of the namespaces.
fn is_root(output: &Path) -> Option<Diagnostic> {
    let real = std::fs::canonicalize(output).ok()?;
    real.parent().is_none().then(|| {
        Diagnostic::about(Code::E0409, format!("`{}` is the root of the file system", output.display()))
            .with_help("name a folder of its own, such as `-o policies`")
    })
}

/// What is wrong with an output folder that only the project names, when a symbolic link leads it out of that: a project
/// from elsewhere writes only into itself.
fn leads_out(project: &Project, output: &Path, folder: &Path) -> Option<Diagnostic> {
    let root = std::fs::canonicalize(project.root.as_ref()?).ok()?;
    // What is not there yet is made as plain folders.
    let real = output.ancestors().find_map(|path| std::fs::canonicalize(path).ok())?;
    if real.starts_with(&root) {
        return None;
    }
    let message =
        format!("a symbolic link leads `{}` out of the project, to `{}`", shown(output, folder), real.display());
    let help = "name the folder that is meant with `polder build -o DIR`, or remove the link";
    Some(Diagnostic::about(Code::E0409, message).with_help(help))
}

/// What shall be in the folder.
struct OutputFolder<'a> {
    run: &'a BuildRun<'a>,
    policies: &'a PolicySet,
    built: &'a Output,
}

impl OutputFolder<'_> {
    fn bring_up_to_date(&self, terminal: &mut Terminal) -> Exit {
        let (args, folder) = (self.run.args, self.run.output);
        let files = self.built.files();
        let compares = args.check || args.diff;
        let writes = !compares && !args.dry_run;
        let options = output::BuildOptions {
            // A comparison shows what is there, edited or not, and what would be taken away.
            force: args.force || compares,
            allow_empty: args.allow_empty || compares || self.is_emptied_by_name(),
            ..output::BuildOptions::default()
        };
        let plan = if writes && self.run.environments.is_empty() {
            output::write(folder, files, &options)
        } else {
            output::plan(folder, files, &options)
        };
        let holder = plan.as_ref().ok().and_then(|plan| self.other_holder(plan));
        if let Some(holder) = holder.as_ref().filter(|_| !compares) {
            show_plain(vec![self.held(holder.as_deref())], args.input.format, terminal);
            return Exit::CannotAnswer;
        }
        let plan = match plan {
            Ok(_) if writes && !self.run.environments.is_empty() => output::write(folder, files, &options),
            plan => plan,
        };
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                show_plain(error.diagnostics(&self.run.name), args.input.format, terminal);
                return Exit::CannotAnswer;
            }
        };
        if args.diff {
            terminal.result(&self.differences(&plan, files));
        } else {
            self.list(&plan, writes, terminal);
        }
        let foreign = foreign::note(&plan, &self.run.name, &self.project());
        foreign.into_iter().for_each(|note| terminal.note_line(&note));
        let folder = shell_word(&self.run.name);
        let leftover = writes.then(|| leftover::note(&plan, files, &folder)).flatten();
        let unlocked = (writes && plan.unlocked).then(|| {
            format!("note: the file system of `{}` has no locks, so two builds there at once may mix", self.run.name)
        });
        leftover.into_iter().chain(unlocked).for_each(|note| terminal.note_line(&note));
        if args.check && !plan.is_clean() {
            show_plain(vec![self.outdated(&plan, holder)], args.input.format, terminal);
        }
        if compares && !args.dry_run && !plan.is_clean() { Exit::No } else { Exit::Yes }
    }

    /// Whether the list of what is enforced leaves nothing of a program that has policies: whoever wrote it asks for that.
    fn is_emptied_by_name(&self) -> bool {
        self.policies.policies.is_empty() && self.run.built.step().is_some_and(|(_, whole)| whole > 0)
    }

    /// The environment whose policies the folder holds instead.
    fn other_holder(&self, plan: &Plan) -> Option<Option<String>> {
        let BuildRun { built, environments, .. } = self.run;
        other_holder(built, environments, self.built, plan)
    }

    /// What keeps a build out of the folder of another environment.
    fn held(&self, holder: Option<&str>) -> Diagnostic {
        let name = &self.run.name;
        let (holds, own) = (of_environment(holder), self.run.built.settings().environment.as_deref());
        let message = format!("`{name}` holds the policies {holds}, and building {} would replace them", called(own));
        let own_folder = own.map_or("policies-plain".to_owned(), |own| format!("policies-{own}"));
        let setting = own.map(|own| format!("`[environments.{own}]` with `output = \"{own_folder}\"`"));
        let setting = setting.map_or(String::new(), |setting| format!(", or write {setting} into polder.toml"));
        Diagnostic::about(Code::E0412, message)
            .with_help(format!("name another folder, as in `{} -o {own_folder}`{setting}", self.command(false)))
    }

    /// What `--check` found.
    fn outdated(&self, plan: &Plan, holder: Option<Option<String>>) -> Diagnostic {
        let (name, changes) = (&self.run.name, count(plan.changes.len(), "file"));
        let message = match plan.changes.len() {
            0 => format!("`{name}` is not what the program says: a build was interrupted there"),
            _ => format!("`{name}` is not what the program says: {changes} would change"),
        };
        let edited = plan.changes.iter().filter(|change| is_edited(change)).count();
        let help = match (holder, edited) {
            (Some(holder), _) => {
                format!("it holds the policies {}; `-o DIR` names another folder", of_environment(holder.as_deref()))
            }
            (None, 0) => format!("run `{}`, and commit what it changes", self.command(true)),
            (None, edited) => format!(
                "somebody edited {}: `{} --force` takes that back, and the result is to be committed",
                count(edited, "file"),
                self.command(true)
            ),
        };
        Diagnostic::about(Code::E0410, message).with_help(help)
    }

    /// The command that builds the same, `into` the same folder or as far as that is left out.
    fn command(&self, into: bool) -> String {
        let BuildArgs { input, output, layout, target, kustomize, allow_empty, enforce, rest, .. } = self.run.args;
        let mut command = "polder build".to_owned();
        let mut add = |word: &str| command.push_str(&format!(" {}", shell_word(word)));
        input.paths.iter().for_each(|path| add(&path.to_string_lossy()));
        match input.environment.choice() {
            EnvironmentChoice::Configured => {}
            EnvironmentChoice::Without => add("--no-env"),
            EnvironmentChoice::Named(name) => ["--env", &name].into_iter().for_each(&mut add),
        }
        if let Some(output) = output.as_ref().filter(|_| into) {
            ["-o", &*output.to_string_lossy()].into_iter().for_each(&mut add);
        }
        if let Some(layout) = layout {
            ["--layout", layout.name()].into_iter().for_each(&mut add);
        }
        if let Some(target) = target {
            ["--target", target.name()].into_iter().for_each(&mut add);
        }
        if let Some(entries) = enforce {
            let entries: Vec<&str> = entries.iter().map(EnforceEntry::text).collect();
            ["--enforce", &entries.join(",")].into_iter().for_each(&mut add);
        }
        if let Some(rest) = rest {
            ["--rest", rest.word()].into_iter().for_each(&mut add);
        }
        for (given, option) in [(kustomize, "--kustomize"), (allow_empty, "--allow-empty")] {
            given.then(|| add(option));
        }
        command
    }

    /// The program as it can be named to a command.
    fn project(&self) -> String {
        let paths: Vec<String> =
            self.run.args.input.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        match (paths.as_slice(), &self.run.root) {
            ([], root) => shell_word(root).into_owned(),
            ([one], _) => shell_word(one).into_owned(),
            _ => "PROGRAM".to_owned(),
        }
    }

    fn list(&self, plan: &Plan, done: bool, terminal: &mut Terminal) {
        for change in in_order(plan) {
            let word = match (change.change, done) {
                (ChangeKind::Create, true) => "created  ",
                (ChangeKind::Update, true) => "updated  ",
                (ChangeKind::Remove, true) => "removed  ",
                (ChangeKind::Create, false) => "would create  ",
                (ChangeKind::Update, false) => "would update  ",
                (ChangeKind::Remove, false) => "would remove  ",
            };
            let note = if is_edited(change) && !done { "  (it was edited)" } else { "" };
            terminal.line(&format!("{word}{}/{}{note}", self.run.name, change.path));
        }
        terminal.line(&self.summary(plan, done));
        if let Some((step, _)) = self.run.built.step() {
            let removed = if self.is_emptied_by_name() { plan.count(ChangeKind::Remove) } else { 0 };
            let staged = self.run.built.staged().map(|(kind, policies)| (kind, policies.len()));
            step::tell(step, staged, removed, done, terminal);
        }
    }

    fn summary(&self, plan: &Plan, done: bool) -> String {
        let groups = self.policies.policies.chunk_by(|a, b| a.namespace == b.namespace).count();
        let policies = count(self.policies.policies.len(), "policy");
        let mut subject = format!("{policies} in {}", count(groups, "namespace"));
        let files = plan.unchanged + plan.count(ChangeKind::Create) + plan.count(ChangeKind::Update);
        if files != self.policies.policies.len() {
            subject.push_str(&format!(", {}", count(files, "file")));
        }
        if plan.changes.is_empty() {
            let rest = match (plan.interrupted, done) {
                (false, _) => return format!("{subject}: nothing to do in {}", self.run.name),
                (true, true) => "completed a build that was interrupted",
                (true, false) => "a build was interrupted and has to be completed",
            };
            return format!("{subject}: {rest}");
        }
        let words = if done { ["created", "updated", "removed"] } else { ["to create", "to update", "to remove"] };
        let counts = [ChangeKind::Create, ChangeKind::Update, ChangeKind::Remove].map(|change| plan.count(change));
        let parts = counts.into_iter().zip(words).chain([(plan.unchanged, "unchanged")]);
        let parts: Vec<String> =
            parts.filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
        format!("{subject}: {}", parts.join(", "))
    }

    /// The changes as a patch, whose paths are those that the user would type.
    fn differences(&self, plan: &Plan, files: &[OutputFile]) -> String {
        let bodies: BTreeMap<&str, &str> = files.iter().map(|file| (&*file.path, &*file.body)).collect();
        let mut patch = String::new();
        for change in in_order(plan) {
            let old = change.old.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let new = match (change.change, bodies.get(&*change.path)) {
                (ChangeKind::Create | ChangeKind::Update, Some(body)) => output::seal(body),
                _ => String::new(),
            };
            let path = format!("{}/{}", self.run.name, change.path);
            let side = |present: bool| if present { sanitize(&path).into_owned() } else { "/dev/null".to_owned() };
            let (before, after) =
                (side(change.change != ChangeKind::Create), side(change.change != ChangeKind::Remove));
            let diff = TextDiff::from_lines(old.as_ref(), &new);
            let text = diff.unified_diff().header(&before, &after).to_string();
            for line in text.lines() {
                patch.push_str(&sanitize(line));
                patch.push('\n');
            }
        }
        patch
    }
}

fn is_edited(change: &FileChange) -> bool {
    change.old.as_ref().is_some_and(|old| output::ownership(old) == Ownership::Edited)
}

fn of_environment(name: Option<&str>) -> String {
    name.map_or("of the program without an environment".to_owned(), |name| format!("of environment `{name}`"))
}

fn called(environment: Option<&str>) -> String {
    environment.map_or("it without any".to_owned(), |name| format!("`{name}`"))
}

/// What is added comes before what is taken away, so that whoever applies it in this order is never cut off.
fn in_order(plan: &Plan) -> Vec<&FileChange> {
    let mut changes: Vec<&FileChange> = plan.changes.iter().collect();
    changes.sort_by(|a, b| (a.change, &a.path).cmp(&(b.change, &b.path)));
    changes
}
