//! What people write on the command line who know other commands, and the line that they meant.

use super::args::command;
use crate::diag::closest;
use crate::session::{CONFIG_NAME, EXTENSION, MANIFEST_EXTENSIONS, shell_word};
#[cfg(feature = "cli")]
use crate::session::{Disk, FileSystem as _};
use clap::ArgAction;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;
use std::path::Path;

/// Commands that ask about a program or manifests, which they take as options, so that names stand alone.
const QUESTIONS: &[&str] = &["reach", "can", "why", "blast"];

/// Commands that take paths as they are.
const OF_PATHS: &[&str] = &["build", "check", "test", "diff", "lint", "import", "fmt"];

/// Commands of other tools, and what does the same here.
const FOREIGN: &[(&[&str], &str)] = &[
    (
        &["apply", "deploy", "sync", "install", "up"],
        "Polder writes manifests and applies none: `polder build`, then `kubectl apply -R -f policies`",
    ),
    (
        &["plan", "preview", "dry-run"],
        "`polder build --dry-run` says what a build would do, and `polder diff --git HEAD` what it would mean",
    ),
    (&["get", "list", "ls", "show", "describe", "policies"], "`polder reach` shows what is allowed"),
    (&["audit", "evidence"], "`polder report` writes a report for an auditor"),
    (&["matrix"], "`polder reach --format matrix` prints who may connect to whom"),
    (&["draw", "picture", "diagram", "map", "svg"], "`polder graph` draws who may connect to whom"),
    (&["generate", "gen", "render", "template", "convert", "export"], "`polder build -o -` prints the manifests"),
    (&["verify", "status"], "`polder build --check` says whether the folder is what the program becomes"),
    (&["drift", "compare"], "`polder diff . --cluster` compares the program with a cluster"),
    (&["ask", "query", "allowed"], "`polder can FROM TO:PORTS` says whether a connection is allowed"),
    (&["watch"], "`polder build --watch` builds whenever a source changes"),
    (&["new", "create", "start"], "`polder init` starts a project"),
    (
        &["delete", "destroy", "down"],
        "Polder writes manifests and deletes none in a cluster: `kubectl delete -R -f policies`",
    ),
    (
        &["adopt", "lift", "migrate", "reverse", "decompile"],
        "`polder import PATH...` turns NetworkPolicies that are there into a program that means the same",
    ),
];

/// The line that was meant, in words, where it is clear.
pub(super) fn advice(args: &[OsString]) -> Option<String> {
    let at = place_of_command(args)?;
    let name = args.get(at)?.to_str()?;
    if let Some((_, help)) = FOREIGN.iter().find(|(words, _)| words.contains(&name)) {
        return Some(format!("there is no command `{name}`: {help}"));
    }
    let asks = QUESTIONS.contains(&name);
    if !asks && !OF_PATHS.contains(&name) {
        return None;
    }
    let rest: Vec<&str> = args.get(at + 1..)?.iter().map(|arg| arg.to_str()).collect::<Option<_>>()?;
    let command = command();
    let line = CommandLine { name, options: CommandOptions(command.find_subcommand(name)?), rest: &rest };
    if asks { line.question() } else { line.of_paths() }
}

/// Makes two words of a flow that is asked about as it is written and printed: `polder can 'web -> db:80'`.
pub(super) fn separate_ends(args: &mut Vec<OsString>) {
    let asks = |at: usize| args.get(at).and_then(|arg| arg.to_str()).is_some_and(|name| QUESTIONS.contains(&name));
    let Some(at) = place_of_command(args).filter(|at| asks(*at)) else { return };
    let words = args.split_off(at + 1);
    for word in words {
        match word.to_str().filter(|text| !text.starts_with("--")).and_then(|text| text.split_once("->")) {
            Some((from, to)) => {
                let ends = [from.trim(), to.trim()].into_iter().filter(|end| !end.is_empty());
                args.extend(ends.map(OsString::from));
            }
            None => args.push(word),
        }
    }
}

/// Takes the tips of clap away that are no likely slip of what was written: one that is wrong is worse than none. What an
/// option would be as a value nobody asks who mistypes one.
pub(super) fn without_far_tips(error: &mut clap::Error) {
    const PAIRS: [(ContextKind, ContextKind); 3] = [
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
    ];
    let text = |error: &clap::Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    };
    for (written, suggested) in PAIRS {
        let plain =
            |text: &String| text.trim_start_matches('-').split(['=', ' ']).next().unwrap_or_default().to_owned();
        let written: Vec<String> = text(error, written).iter().map(plain).collect();
        let suggested_texts: Vec<String> = text(error, suggested).iter().map(plain).collect();
        let is_near = |one: &String| closest(one, suggested_texts.iter().map(String::as_str)).is_some();
        if !suggested_texts.is_empty() && !written.iter().any(is_near) {
            error.remove(suggested);
            // It is made of the tip.
            error.remove(ContextKind::Usage);
        }
    }
    if error.kind() == ErrorKind::UnknownArgument {
        error.remove(ContextKind::Suggested);
    }
}

/// Where the command stands, behind what belongs to all of them.
pub(super) fn place_of_command(args: &[OsString]) -> Option<usize> {
    let mut is_value = false;
    let command = args.iter().skip(1).position(|arg| {
        let is_option = is_value || arg.as_encoded_bytes().starts_with(b"-");
        is_value = !is_value && arg == "--color";
        !is_option
    });
    command.map(|at| at + 1)
}

/// The options of a command.
struct CommandOptions<'a>(&'a clap::Command);

impl CommandOptions<'_> {
    /// Whether an option takes the next word for its value; `None` where there is no such option.
    fn takes_value(&self, word: &str) -> Option<bool> {
        let (name, has_value) = match word.split_once('=') {
            Some((name, _)) => (name, true),
            None => (word, false),
        };
        let is_it = |arg: &&clap::Arg| match name.strip_prefix("--") {
            Some(long) => arg.get_long() == Some(long),
            None => arg.get_short() == name.chars().nth(1) && arg.get_short().is_some(),
        };
        let global = ["--color", "--quiet", "-q", "--help", "-h"];
        if global.contains(&name) {
            return Some(name == "--color" && !has_value);
        }
        let arg = self.0.get_arguments().find(is_it)?;
        let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        let is_joined = has_value || !name.starts_with("--") && name.chars().count() > 2;
        Some(takes && !is_joined && !arg.is_require_equals_set())
    }
}

/// A command line, by its words.
struct CommandLine<'a> {
    name: &'a str,
    options: CommandOptions<'a>,
    rest: &'a [&'a str],
}

/// What becomes of a word.
enum SlipWord<'a> {
    /// It stays, and belongs to the word before it where that is an option.
    Kept(&'a str),
    /// A path that stands where it is not taken.
    Path(&'a str),
    /// How to print the answer, as `kubectl` has it.
    Format(&'a str),
    /// A namespace, as `kubectl` has it.
    Namespace(&'a str),
    /// A word that says nothing here.
    Needless,
}

impl<'a> CommandLine<'a> {
    /// The words, with `is_path` for those that are no options.
    fn words(&self, is_path: impl Fn(&str) -> bool) -> Option<Vec<SlipWord<'a>>> {
        let mut words = Vec::new();
        let mut rest = self.rest.iter().copied();
        while let Some(word) = rest.next() {
            let is_option = word.starts_with('-') && word.len() > 1;
            match (is_option, self.options.takes_value(word)) {
                _ if word == "--" => words.extend(std::iter::once(word).chain(rest.by_ref()).map(SlipWord::Kept)),
                (false, _) if is_path(word) => words.push(SlipWord::Path(word)),
                (false, _) | (true, Some(false)) => words.push(SlipWord::Kept(word)),
                (true, Some(true)) => words.extend([word].into_iter().chain(rest.next()).map(SlipWord::Kept)),
                (true, None) => match word {
                    "-f" | "--file" | "--filename" | "-p" | "--program" | "--path" => {
                        words.push(SlipWord::Path(rest.next()?));
                    }
                    "-o" | "--output" => words.push(SlipWord::Format(rest.next()?)),
                    "-n" | "--namespace" if QUESTIONS.contains(&self.name) => {
                        words.push(SlipWord::Namespace(rest.next()?));
                    }
                    "-A" | "--all-namespaces" if QUESTIONS.contains(&self.name) => words.push(SlipWord::Needless),
                    _ => return None,
                },
            }
        }
        Some(words)
    }

    /// `polder reach shop.polder`, `polder reach -f shop.polder -o json`
    fn question(&self) -> Option<String> {
        if let [from, "-", ..] = self.rest
            && !from.starts_with('-')
        {
            return Some(format!(
                "a shell takes the `>` of an arrow for a file to write: quote the flow, as in `{} '{from} -> NAME:PORT'`",
                self.command()
            ));
        }
        let has = |option: &str| {
            let is_it = |word: &&str| *word == option || word.starts_with(&format!("{option}="));
            self.rest.iter().any(is_it)
        };
        let has_program = has("-p") || has("--program");
        let is_about_nothing = !has_program && !has("--manifests") && !is_in_project();
        let words = self.words(|word| is_file(word) || is_about_nothing && Path::new(word).is_dir())?;
        let paths: Vec<&str> = words.iter().filter_map(SlipWord::path).collect();
        let of_program = has_program || paths.iter().any(|path| !holds_manifests(path));
        let option = |path: &str| match holds_manifests(path) {
            false => "-p",
            true if of_program => "--workloads",
            true => "--manifests",
        };
        let line = self.mended(&words, |path| vec![option(path).to_owned(), shell_word(path).into_owned()])?;
        let command = self.command();
        let names_some = words.iter().any(|word| matches!(word, SlipWord::Namespace(_) | SlipWord::Needless));
        let why = match paths.first() {
            Some(path) => format!("`{command}` asks about names, and takes `{path}` as an option"),
            None if names_some => format!("`{command}` asks about names, which begin with their namespace"),
            None => format!("`{command}` prints as `--format` says"),
        };
        Some(format!("{why}: `{line}`"))
    }

    /// `polder check -f shop.polder`
    fn of_paths(&self) -> Option<String> {
        let words = self.words(|_| false)?;
        let line = self.mended(&words, |path| vec![shell_word(path).into_owned()])?;
        let why = match words.iter().find_map(SlipWord::path) {
            Some(_) => format!("`{}` takes paths as they are", self.command()),
            None => format!("`{}` prints as `--format` says", self.command()),
        };
        Some(format!("{why}: `{line}`"))
    }

    fn command(&self) -> String {
        format!("polder {}", self.name)
    }

    /// The line with what has to change; `None` when nothing has.
    fn mended(&self, words: &[SlipWord<'_>], path: impl Fn(&str) -> Vec<String>) -> Option<String> {
        let changes = words.iter().any(|word| !matches!(word, SlipWord::Kept(_)));
        let word = |word: &SlipWord<'_>| match word {
            SlipWord::Kept(word) => vec![shell_word(word).into_owned()],
            SlipWord::Path(word) => path(word),
            SlipWord::Format(format) => vec!["--format".to_owned(), shell_word(format).into_owned()],
            SlipWord::Namespace(name) => vec![shell_word(&format!("{name}/*")).into_owned()],
            SlipWord::Needless => Vec::new(),
        };
        let words: Vec<String> = std::iter::once(self.command()).chain(words.iter().flat_map(word)).collect();
        changes.then(|| words.join(" "))
    }
}

impl<'a> SlipWord<'a> {
    fn path(&self) -> Option<&'a str> {
        match self {
            SlipWord::Path(path) => Some(path),
            SlipWord::Kept(_) | SlipWord::Format(_) | SlipWord::Namespace(_) | SlipWord::Needless => None,
        }
    }
}

fn end(path: &str) -> &str {
    Path::new(path).extension().and_then(|end| end.to_str()).unwrap_or_default()
}

fn is_manifest(path: &str) -> bool {
    MANIFEST_EXTENSIONS.contains(&end(path))
}

/// Whether a file, or a folder without a program, has manifests.
fn holds_manifests(path: &str) -> bool {
    let below = |end: &str| has_below(path, end);
    is_manifest(path)
        || Path::new(path).is_dir() && !below(EXTENSION) && MANIFEST_EXTENSIONS.iter().any(|end| below(end))
}

/// Whether there are files of a kind below a folder.
#[cfg(feature = "cli")]
fn has_below(path: &str, end: &str) -> bool {
    !Disk.walk(Path::new(path), end).files.is_empty()
}

/// A page has no folders.
#[cfg(not(feature = "cli"))]
fn has_below(_: &str, _: &str) -> bool {
    false
}

/// Whether a word names a file or folder, and cannot be the name of pods.
fn is_file(word: &str) -> bool {
    let ends_so = end(word) == EXTENSION || is_manifest(word) || word.ends_with(CONFIG_NAME);
    let is_place = [".", "..", "~"].contains(&word) || ["./", "../", "/", "~/"].iter().any(|up| word.starts_with(up));
    ends_so && !word.contains([':', '{']) || is_place
}

/// Whether what is asked without a path is asked about a project.
fn is_in_project() -> bool {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().any(|folder| folder.join(CONFIG_NAME).is_file())
}
