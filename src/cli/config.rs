//! `polder config`: the settings in force, and where each comes from.

use super::args::{AnswerFormat, Format, named};
use super::exit::Exit;
use super::json::document;
use super::report::show;
use super::terminal::Terminal;
use crate::diag::Levels;
use crate::diag::render::sanitize;
use crate::session::{CONFIG_NAME, Disk, InForce, Project, SettingInForce, shown};
use crate::source::Span;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Print the settings in force, and where each comes from.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  polder config
  polder config network --format json

What an option of another command says goes before it, for that run.")]
pub(super) struct ConfigArgs {
    /// A file or folder of the project [default: the project that this folder is in].
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// How to print them.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: AnswerFormat,
}

pub(super) fn run(args: &ConfigArgs, terminal: &mut Terminal) -> Exit {
    let folder = match terminal.folder() {
        Ok(folder) => folder,
        Err(message) => return terminal.refuse(&message),
    };
    let paths: Vec<PathBuf> = args.path.iter().cloned().collect();
    if let Some(path) = paths.iter().find(|path| !path.exists()) {
        return terminal.refuse(&format!("`{}` is not there", path.display()));
    }
    let project = Project::load_config(&Disk, &folder, &named(&paths));
    if !project.diagnostics.is_empty() {
        let reports = Levels::default().apply(project.diagnostics, &[]);
        show(&reports, &project.sources, Format::Human, terminal);
        return Exit::CannotAnswer;
    }
    let file = project.root.as_ref().map(|root| shown(&root.join(CONFIG_NAME), &folder));
    let settings = project.settings();
    let text = match args.format {
        AnswerFormat::Human => told(file.as_deref(), &settings, &project),
        AnswerFormat::Json => document(&as_json(file.as_deref(), &settings, &project)),
    };
    terminal.result(&text);
    Exit::Yes
}

/// The file, and a line for each setting.
fn told(file: Option<&str>, settings: &[SettingInForce], project: &Project) -> String {
    let mut text = match file {
        Some(file) => format!("{}\n", sanitize(file)),
        None => format!("no {CONFIG_NAME} here or above: everything is the default\n"),
    };
    let values: Vec<String> = settings.iter().map(|setting| value(&setting.value)).collect();
    let names = settings.iter().map(|setting| setting.name.chars().count()).max().unwrap_or_default();
    let widest = values.iter().map(|value| value.chars().count()).max().unwrap_or_default();
    for (setting, value) in settings.iter().zip(values) {
        let from = match setting.place.and_then(|span| line(span, project)) {
            Some((path, line)) => format!("{path}:{line}"),
            None => "default".to_owned(),
        };
        let name = &setting.name;
        text.push_str(&format!("  {}\n", sanitize(&format!("{name:names$}  {value:widest$}  {from}"))));
    }
    text
}

fn value(value: &InForce) -> String {
    match value {
        InForce::Word(word) => word.clone(),
        InForce::Flag(flag) => flag.to_string(),
        InForce::List(codes) if codes.is_empty() => "none".to_owned(),
        InForce::List(codes) => codes.join(", "),
        InForce::Nothing => "none".to_owned(),
    }
}

fn as_json(file: Option<&str>, settings: &[SettingInForce], project: &Project) -> Value {
    let setting = |setting: &SettingInForce| {
        let value = match &setting.value {
            InForce::Word(word) => json!(word),
            InForce::Flag(flag) => json!(flag),
            InForce::List(codes) => json!(codes),
            InForce::Nothing => Value::Null,
        };
        let place = setting.place.and_then(|span| line(span, project));
        let place = place.map(|(path, line)| json!({ "path": path, "line": line }));
        json!({ "name": setting.name, "value": value, "place": place })
    };
    json!({
        "schema": "polder/config/v1",
        "file": file,
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
    })
}

/// The file and the line, from 1, where a span begins.
fn line(span: Span, project: &Project) -> Option<(&str, usize)> {
    let file = project.sources.file(span.file)?;
    Some((&file.path, file.position(span.start).line))
}
