//! The settings that are in force for a project, and where each comes from.

use super::config::layout_name;
use super::load::{OUTPUT, Project};
use super::rollout::EnforceEntry;
use crate::diag::Level;
use crate::source::Span;
use std::path::Path;

/// What a setting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InForce {
    /// A word, a name or a path.
    Word(String),
    /// Yes or no.
    Flag(bool),
    /// A list of codes or of places.
    List(Vec<String>),
    /// Nothing is set, and nothing stands in for it.
    Nothing,
}

/// A setting of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingInForce {
    /// Its section and its name in `polder.toml`, such as `build.output`.
    pub name: String,
    /// What it is.
    pub value: InForce,
    /// Where `polder.toml` says so; `None` when it is the default.
    pub place: Option<Span>,
}

impl Project {
    /// Every setting, those that `polder.toml` leaves out among them, in its order.
    pub fn settings(&self) -> Vec<SettingInForce> {
        let config = &self.config;
        let word = |word: Option<&str>| word.map_or(InForce::Nothing, |word| InForce::Word(word.to_owned()));
        let path =
            |path: Option<&Path>| path.map_or(InForce::Nothing, |path| InForce::Word(path.display().to_string()));
        let codes = |levels: &[(String, Level)], wanted: Level| {
            InForce::List(levels.iter().filter(|(_, level)| *level == wanted).map(|(code, _)| code.clone()).collect())
        };
        let mut settings = vec![
            ("build.output".to_owned(), path(Some(config.output.as_deref().unwrap_or(Path::new(OUTPUT))))),
            ("build.layout".to_owned(), word(layout_name(config.layout.unwrap_or_default()))),
            ("build.target".to_owned(), word(Some(config.target.unwrap_or_default().name()))),
            ("build.environment".to_owned(), word(config.environment.as_deref())),
            ("build.kustomize".to_owned(), InForce::Flag(config.kustomize.unwrap_or_default())),
        ];
        for (name, environment) in &config.environments {
            settings.push((format!("environments.{name}.output"), path(environment.output.as_deref())));
        }
        let all = [("deny", Level::Deny), ("warn", Level::Warn), ("allow", Level::Allow)];
        settings.extend(all.map(|(name, level)| (format!("warnings.{name}"), codes(&config.levels, level))));
        settings.extend(all.map(|(name, level)| (format!("lint.{name}"), codes(&config.lint.levels, level))));
        settings.push(("lint.notes".to_owned(), InForce::Flag(config.lint.notes)));
        settings.push(("lint.baseline".to_owned(), path(config.lint.baseline.as_deref())));
        settings.push(("replay.log".to_owned(), path(config.replay.log.as_deref())));
        let listed = |entries: &[EnforceEntry]| entries.iter().map(|entry| entry.text().to_owned()).collect();
        let enforced = config
            .rollout
            .enforce
            .as_deref()
            .map_or(InForce::Word("all".to_owned()), |entries| InForce::List(listed(entries)));
        settings.push(("rollout.enforce".to_owned(), enforced));
        settings.push(("rollout.rest".to_owned(), word(Some(config.rollout.rest.unwrap_or_default().word()))));
        let placed = |(name, value): (String, InForce)| {
            let place = config.entries.get(&name).copied();
            SettingInForce { name, value, place }
        };
        settings.into_iter().map(placed).collect()
    }
}
