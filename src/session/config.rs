//! `polder.toml`: how to build, never what is allowed.

use crate::diag::{Code, Diagnostic, Level, Levels};
use crate::policy::Layout;
use crate::source::{FileId, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use toml::Spanned;

/// What `polder.toml` says; what it leaves out is `None` or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The output folder, relative to the folder of `polder.toml` and inside it.
    pub output: Option<PathBuf>,
    /// How policies are grouped.
    pub layout: Option<Layout>,
    /// The environment that is compiled when the command line names none.
    pub environment: Option<String>,
    /// The kind of objects that are written.
    pub target: Target,
    /// Whether `kustomization.yaml` files are written too.
    pub kustomize: Option<bool>,
    /// The levels of warnings, which the command line may set otherwise.
    pub levels: Vec<(String, Level)>,
}

/// The kind of objects that a build writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// `networking.k8s.io/v1` NetworkPolicy.
    #[default]
    NetworkPolicy,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    build: Build,
    warnings: Warnings,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Build {
    output: Option<Spanned<PathBuf>>,
    layout: Option<LayoutName>,
    environment: Option<String>,
    target: Target,
    kustomize: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Warnings {
    deny: Vec<Spanned<String>>,
    warn: Vec<Spanned<String>>,
    allow: Vec<Spanned<String>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum LayoutName {
    Flow,
    Tier,
    Namespace,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Flow => Layout::Flow,
            LayoutName::Tier => Layout::Tier,
            LayoutName::Namespace => Layout::Namespace,
        }
    }
}

impl Config {
    /// Reads the text of a `polder.toml`, which is `file` for the places in the diagnostics.
    pub(super) fn parse(text: &str, file: FileId) -> (Config, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let parsed: File = match toml::from_str(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let range = error.span().unwrap_or(0..0);
                diagnostics.push(bad(file, range, error.message().trim_end().replace('\n', ", ")));
                return (Config::default(), diagnostics);
            }
        };
        let output = parsed.build.output.and_then(|output| {
            let inside = is_inside(output.get_ref());
            if !inside {
                diagnostics.push(
                    bad(file, output.span(), "the output folder has to be inside of the folder of polder.toml")
                        .with_help("another folder can be named with `polder build -o DIR`"),
                );
            }
            inside.then(|| output.into_inner())
        });
        let mut levels = Vec::new();
        let mut listed: BTreeMap<Code, Level> = BTreeMap::new();
        let Warnings { deny, warn, allow } = parsed.warnings;
        for (names, level) in [(deny, Level::Deny), (warn, Level::Warn), (allow, Level::Allow)] {
            for name in names {
                match Levels::default().set(name.get_ref(), level) {
                    Ok(()) => {
                        let earlier = Code::parse(name.get_ref()).and_then(|code| listed.insert(code, level));
                        if let Some(earlier) = earlier.filter(|earlier| *earlier != level) {
                            let (earlier, level) = (entry(earlier), entry(level));
                            let message = format!("`{}` is in both `{earlier}` and `{level}`", name.get_ref());
                            diagnostics.push(bad(file, name.span(), message).with_help("keep one of them"));
                        }
                        levels.push((name.into_inner(), level));
                    }
                    Err(message) => diagnostics.push(bad(file, name.span(), message)),
                }
            }
        }
        let config = Config {
            output,
            layout: parsed.build.layout.map(Layout::from),
            environment: parsed.build.environment,
            target: parsed.build.target,
            kustomize: parsed.build.kustomize,
            levels,
        };
        (config, diagnostics)
    }
}

fn bad(file: FileId, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::E0403, Span::new(file, range), message)
}

/// The entry that lists warnings of a level.
fn entry(level: Level) -> &'static str {
    match level {
        Level::Deny => "deny",
        Level::Warn => "warn",
        Level::Allow => "allow",
    }
}

/// A path that cannot leave the folder it is relative to, so that a project from elsewhere writes only into itself.
fn is_inside(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}
