//! `polder.toml`: how to build, never what is allowed.

use super::rollout::{EnforceEntry, UnenforcedRest};
use crate::diag::{Code, Diagnostic, Level, Levels, closest};
use crate::model::Target;
use crate::source::{FileId, Span};
use crate::target::network_policy::Layout;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What `polder.toml` says; what it leaves out is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The output folder, relative to the folder of `polder.toml` and inside it.
    pub output: Option<PathBuf>,
    /// How policies are grouped.
    pub layout: Option<Layout>,
    /// What to compile to.
    pub target: Option<Target>,
    /// The environment that is compiled when the command line names none.
    pub environment: Option<String>,
    /// Where that stands.
    pub(super) environment_at: Option<Span>,
    /// What holds for single environments only, by their names.
    pub environments: BTreeMap<String, OfEnvironment>,
    /// Whether `kustomization.yaml` files are written too.
    pub kustomize: Option<bool>,
    /// The levels of warnings, which the command line may set otherwise.
    pub levels: Vec<(String, Level)>,
    /// What holds for `lint`.
    pub lint: OfLint,
    /// What holds for logs.
    pub replay: OfReplay,
    /// How far the program is enforced.
    pub rollout: OfRollout,
    /// Where each entry stands, by its section and its name, such as `build.output`.
    pub(super) entries: BTreeMap<String, Span>,
}

/// What `polder.toml` says of `lint`, which the command line may set otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfLint {
    /// The levels of its findings.
    pub levels: Vec<(String, Level)>,
    /// Whether notes are said, too.
    pub notes: bool,
    /// A file with what is not told again, relative to the folder of `polder.toml` and inside it.
    pub baseline: Option<PathBuf>,
}

/// What `polder.toml` says of logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfReplay {
    /// A log that the editor holds against the program, relative to the folder of `polder.toml` and inside it.
    pub log: Option<PathBuf>,
    /// Where that stands.
    pub log_at: Option<Span>,
}

/// What `polder.toml` says of how far the program is enforced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfRollout {
    /// What is enforced; `None` is the whole program.
    pub enforce: Option<Vec<EnforceEntry>>,
    /// What becomes of all else.
    pub rest: Option<UnenforcedRest>,
}

/// What `polder.toml` says of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfEnvironment {
    /// Its own output folder, relative to the folder of `polder.toml` and inside it.
    pub output: Option<PathBuf>,
    /// Where its name stands.
    pub(super) at: Span,
}

/// Which environment to compile for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EnvironmentChoice {
    /// The one that `polder.toml` names, if it names one.
    #[default]
    Configured,
    /// None, whatever `polder.toml` says.
    Without,
    /// The one of this name.
    Named(String),
}

impl EnvironmentChoice {
    /// The environment, when the project is configured so.
    pub fn of(&self, config: &Config) -> Option<String> {
        match self {
            EnvironmentChoice::Configured => config.environment.clone(),
            EnvironmentChoice::Without => None,
            EnvironmentChoice::Named(name) => Some(name.clone()),
        }
    }
}

const SECTIONS: &[&str] = &["build", "environments", "warnings", "lint", "replay", "rollout"];
const BUILD: &[&str] = &["output", "layout", "target", "environment", "kustomize"];
const ENVIRONMENT: &[&str] = &["output"];
const WARNINGS: &[&str] = &["deny", "warn", "allow"];
const LINT: &[&str] = &["deny", "warn", "allow", "notes", "baseline"];
const REPLAY: &[&str] = &["log"];
const ROLLOUT: &[&str] = &["enforce", "rest"];
const LAYOUTS: &[(&str, Layout)] = &[("flow", Layout::Flow), ("tier", Layout::Tier), ("namespace", Layout::Namespace)];

/// The word for a layout in `polder.toml`.
pub(super) fn layout_name(layout: Layout) -> Option<&'static str> {
    LAYOUTS.iter().find(|(_, known)| *known == layout).map(|(name, _)| *name)
}

type ConfigValue<'a> = Spanned<DeValue<'a>>;

impl Config {
    /// Reads the text of a `polder.toml`, which is `file` for the places in the diagnostics.
    pub(super) fn parse(text: &str, file: FileId) -> (Config, Vec<Diagnostic>) {
        let mut reader =
            ConfigReader { file, config: Config::default(), listed: BTreeMap::new(), diagnostics: Vec::new() };
        match DeTable::parse(text) {
            Ok(document) => {
                reader.document(document.get_ref());
                reader.check_rest();
            }
            Err(error) => {
                let message = error.message().trim_end().replace('\n', ", ");
                reader.bad(error.span().unwrap_or(0..0), message, None);
            }
        }
        (reader.config, reader.diagnostics)
    }
}

struct ConfigReader {
    file: FileId,
    config: Config,
    /// The warnings that were given a level so far in the section that is read.
    listed: BTreeMap<Code, Level>,
    diagnostics: Vec<Diagnostic>,
}

/// The entry that lists warnings of a level.
fn entry(level: Level) -> &'static str {
    match level {
        Level::Deny => "deny",
        Level::Warn => "warn",
        Level::Allow => "allow",
    }
}

impl ConfigReader {
    /// Keeps where an entry stands.
    fn found(&mut self, name: String, key: Range<usize>, value: &ConfigValue<'_>) {
        self.config.entries.insert(name, Span::new(self.file, key.start..value.span().end));
    }

    fn bad(&mut self, range: Range<usize>, message: impl Into<String>, help: Option<String>) {
        let diagnostic = Diagnostic::new(Code::E0403, Span::new(self.file, range), message);
        self.diagnostics.push(match help {
            Some(help) => diagnostic.with_help(help),
            None => diagnostic,
        });
    }

    /// A word that is none of those known here. `quote` stands around words in the file.
    fn unknown(&mut self, range: Range<usize>, message: String, word: &str, known: &[&str], quote: &str) {
        let near = closest(word, known.iter().copied());
        let help = match (near, known) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, [only]) => format!("there is only `{only}`"),
            (None, _) => format!("there are `{}`", known.join("`, `")),
        };
        let span = Span::new(self.file, range);
        let mend = near.map(|near| format!("{quote}{near}{quote}"));
        self.diagnostics.push(Diagnostic::new(Code::E0403, span, message).with_help(help).with_mends(span, mend));
    }

    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            let name = key.get_ref().as_ref();
            if name == "environments" {
                self.environments(value);
                continue;
            }
            let (section, known) = match name {
                "build" => (ConfigReader::build as fn(&mut ConfigReader, &str, &ConfigValue<'_>), BUILD),
                "warnings" => (ConfigReader::warnings as fn(&mut ConfigReader, &str, &ConfigValue<'_>), WARNINGS),
                "lint" => (ConfigReader::lint as fn(&mut ConfigReader, &str, &ConfigValue<'_>), LINT),
                "replay" => (ConfigReader::replay as fn(&mut ConfigReader, &str, &ConfigValue<'_>), REPLAY),
                "rollout" => (ConfigReader::rollout as fn(&mut ConfigReader, &str, &ConfigValue<'_>), ROLLOUT),
                _ => {
                    self.no_section(key.span(), name);
                    continue;
                }
            };
            let DeValue::Table(entries) = value.get_ref() else {
                self.wrong(value, &format!("`{name}`"), "a section", &format!("[{name}]"));
                continue;
            };
            self.listed.clear();
            for (key, value) in entries {
                let entry = key.get_ref().as_ref();
                if known.contains(&entry) {
                    self.found(format!("{name}.{entry}"), key.span(), value);
                    section(self, entry, value);
                } else {
                    self.unknown(key.span(), format!("`[{name}]` has no entry `{entry}`"), entry, known, "");
                }
            }
        }
    }

    /// Of what the list does not name, something can only become where there is a list.
    fn check_rest(&mut self) {
        let rollout = &self.config.rollout;
        let Some(at) = self.config.entries.get("rollout.rest").copied() else { return };
        if rollout.enforce.is_none() && rollout.rest.is_some_and(|rest| rest != UnenforcedRest::None) {
            let message = "`rest` is about what `enforce` leaves out, and without `enforce` everything is enforced";
            let diagnostic = Diagnostic::new(Code::E0403, at, message);
            self.diagnostics.push(diagnostic.with_help("write `enforce = []` beside it to enforce nothing yet"));
        }
    }

    /// A name at the top that is no section: perhaps an entry of one.
    fn no_section(&mut self, range: Range<usize>, name: &str) {
        let homes =
            [("build", BUILD), ("warnings", WARNINGS), ("lint", LINT), ("replay", REPLAY), ("rollout", ROLLOUT)];
        match homes.into_iter().find(|(_, entries)| entries.contains(&name)) {
            Some((section, _)) => {
                let message = format!("`{name}` is an entry of the section `[{section}]`, and stands in none");
                self.bad(range, message, Some(format!("write `[{section}]` on the line above it")));
            }
            None => self.unknown(range, format!("polder.toml has no section `{name}`"), name, SECTIONS, ""),
        }
    }

    /// An entry with a value of another kind.
    fn wrong(&mut self, value: &ConfigValue<'_>, name: &str, kind: &str, example: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "text in quotes",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "`true` or `false`",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        self.bad(value.span(), format!("{name} is {kind}, not {found}"), Some(format!("write `{example}`")));
    }

    fn text<'a>(&mut self, value: &'a ConfigValue<'_>, name: &str, example: &str) -> Option<&'a str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(value, &format!("`{name}`"), "text in quotes", &format!("{name} = \"{example}\""));
        }
        text
    }

    fn choice<T: Copy>(&mut self, value: &ConfigValue<'_>, name: &str, known: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(value, name, known.first().map_or("", |(word, _)| word))?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            self.unknown(value.span(), format!("there is no {name} `{text}`"), text, &words, "\"");
        }
        found
    }

    fn build(&mut self, name: &str, value: &ConfigValue<'_>) {
        match name {
            "output" => self.config.output = self.output(value, "policies"),
            "layout" => self.config.layout = self.choice(value, name, LAYOUTS),
            "target" => {
                let known = Target::ALL.map(|target| (target.name(), target));
                self.config.target = self.choice(value, name, &known);
            }
            "environment" => {
                self.config.environment = self.text(value, name, "staging").map(str::to_owned);
                self.config.environment_at = Some(Span::new(self.file, value.span()));
            }
            _ => {
                self.config.kustomize = value.get_ref().as_bool();
                if self.config.kustomize.is_none() {
                    self.wrong(value, "`kustomize`", "`true` or `false`", "kustomize = true");
                }
            }
        }
    }

    /// An output folder.
    fn output(&mut self, value: &ConfigValue<'_>, example: &str) -> Option<PathBuf> {
        let path = self.text(value, "output", example).map(PathBuf::from)?;
        if is_inside(&path) {
            return Some(path);
        }
        let message = "the output folder has to be inside of the folder of polder.toml";
        let help = "another folder can be named with `polder build -o DIR`";
        self.bad(value.span(), message, Some(help.to_owned()));
        None
    }

    /// The sections `[environments.NAME]`.
    fn environments(&mut self, value: &ConfigValue<'_>) {
        const EXAMPLE: &str = "[environments.staging]";
        let DeValue::Table(environments) = value.get_ref() else {
            return self.wrong(value, "`environments`", "one section for each of them", EXAMPLE);
        };
        for (key, value) in environments {
            let name = key.get_ref().as_ref();
            let DeValue::Table(entries) = value.get_ref() else {
                self.wrong(value, &format!("`{name}`"), "a section", &format!("[environments.{name}]"));
                continue;
            };
            let mut environment = OfEnvironment { output: None, at: Span::new(self.file, key.span()) };
            for (key, value) in entries {
                let entry = key.get_ref().as_ref();
                if entry == "output" {
                    self.found(format!("environments.{name}.{entry}"), key.span(), value);
                    environment.output = self.output(value, &format!("policies-{name}"));
                    self.check_apart(name, &environment, value);
                } else {
                    let message = format!("`[environments.{name}]` has no entry `{entry}`");
                    self.unknown(key.span(), message, entry, ENVIRONMENT, "");
                }
            }
            self.config.environments.insert(name.to_owned(), environment);
        }
    }

    /// Two environments in one folder, or one in the folder of the other, would be taken for one set of policies.
    fn check_apart(&mut self, name: &str, environment: &OfEnvironment, value: &ConfigValue<'_>) {
        let Some(own) = environment.output.as_deref().map(plain) else { return };
        let others = self.config.environments.iter();
        let shares = |other: &OfEnvironment| {
            other.output.as_deref().map(plain).is_some_and(|other| own.starts_with(&other) || other.starts_with(&own))
        };
        let Some((other, _)) = others.into_iter().find(|(_, other)| shares(other)) else { return };
        let message = format!("the environments `{other}` and `{name}` would write into each other's folder");
        self.bad(value.span(), message, Some(format!("give each a folder of its own: `output = \"policies-{name}\"`")));
    }

    fn warnings(&mut self, name: &str, value: &ConfigValue<'_>) {
        let levels = self.levels(name, value);
        self.config.levels.extend(levels);
    }

    fn lint(&mut self, name: &str, value: &ConfigValue<'_>) {
        match name {
            "notes" => match value.get_ref().as_bool() {
                Some(notes) => self.config.lint.notes = notes,
                None => self.wrong(value, "`notes`", "`true` or `false`", "notes = true"),
            },
            "baseline" => self.config.lint.baseline = self.baseline(value),
            _ => {
                let levels = self.levels(name, value);
                self.config.lint.levels.extend(levels);
            }
        }
    }

    fn replay(&mut self, name: &str, value: &ConfigValue<'_>) {
        let Some(path) = self.text(value, name, "seen.csv").map(PathBuf::from) else { return };
        if is_inside(&path) {
            self.config.replay = OfReplay { log: Some(path), log_at: Some(Span::new(self.file, value.span())) };
            return;
        }
        let message = "the log has to be inside of the folder of polder.toml";
        self.bad(value.span(), message, Some("`polder replay LOG --save FILE` keeps one there".to_owned()));
    }

    fn rollout(&mut self, name: &str, value: &ConfigValue<'_>) {
        const EXAMPLE: &str = "data/redis:ingress";
        if name == "rest" {
            self.config.rollout.rest = self.choice(value, name, &UnenforcedRest::ALL);
            return;
        }
        let DeValue::Array(entries) = value.get_ref() else {
            return self.wrong(value, &format!("`{name}`"), "a list of places", &format!("{name} = [\"{EXAMPLE}\"]"));
        };
        let mut read = Vec::new();
        for entry in entries.iter() {
            let Some(text) = entry.get_ref().as_str() else {
                self.wrong(entry, "a place", "text in quotes", &format!("\"{EXAMPLE}\""));
                continue;
            };
            match text.parse::<EnforceEntry>() {
                Ok(parsed) if parsed.is_nothing() => {
                    let message = "`none` is for the command line; an empty list enforces nothing";
                    self.bad(value.span(), message, Some(format!("write `{name} = []`")));
                }
                Ok(parsed) => read.push(parsed.placed(Span::new(self.file, entry.span()))),
                Err(message) => self.bad(entry.span(), message, None),
            }
        }
        self.config.rollout.enforce = Some(read);
    }

    /// The file with what is not told again.
    fn baseline(&mut self, value: &ConfigValue<'_>) -> Option<PathBuf> {
        let path = self.text(value, "baseline", ".lint.json").map(PathBuf::from)?;
        if is_inside(&path) {
            return Some(path);
        }
        let message = "the baseline has to be inside of the folder of polder.toml";
        self.bad(value.span(), message, Some("another one can be named with `polder lint --baseline FILE`".to_owned()));
        None
    }

    /// A list of codes, each with the level that the list is for.
    fn levels(&mut self, name: &str, value: &ConfigValue<'_>) -> Vec<(String, Level)> {
        let level = match name {
            "deny" => Level::Deny,
            "warn" => Level::Warn,
            _ => Level::Allow,
        };
        let DeValue::Array(codes) = value.get_ref() else {
            self.wrong(value, &format!("`{name}`"), "a list of codes", &format!("{name} = [\"W0001\"]"));
            return Vec::new();
        };
        let mut levels = Vec::new();
        for code in codes.iter() {
            let Some(text) = code.get_ref().as_str() else {
                self.wrong(code, "a code", "text in quotes", "\"W0001\"");
                continue;
            };
            if let Err(message) = Levels::default().set(text, level) {
                self.bad(code.span(), message, None);
                continue;
            }
            let earlier = Code::parse(text).and_then(|code| self.listed.insert(code, level));
            if let Some(earlier) = earlier.filter(|earlier| *earlier != level) {
                let message = format!("`{text}` is in both `{}` and `{}`", entry(earlier), entry(level));
                self.bad(code.span(), message, Some("keep one of them".to_owned()));
            }
            levels.push((text.to_owned(), level));
        }
        levels
    }
}

/// The path without `.` in it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// A path that cannot leave the folder it is relative to, so that a project from elsewhere writes only into itself.
fn is_inside(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
