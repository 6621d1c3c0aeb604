//! The texts that a container is started with, each with what is told of where it stands.

use super::Deployed;
use crate::cluster::{ConfigText, ContainerHints, DeployHint, EnvValue, PodHints};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A text that a container is given.
#[derive(Debug, Clone)]
pub(super) struct ContainerText<'a> {
    /// The word that says what it is: the name of a variable or of a key.
    pub(super) key: Option<Cow<'a, str>>,
    /// The text, with variables filled in.
    pub(super) text: Cow<'a, str>,
    /// Where it stands, in words.
    pub(super) place: String,
    /// The port that stands beside it, where its name is that of a host.
    pub(super) port: Option<u16>,
}

/// Filling in makes no text longer than this.
const LONGEST: usize = 64 * 1024;

/// Longer names are cut where they are told.
const LONGEST_NAME: usize = 60;

/// The words at the end of the names of hosts, which others call the port beside them by.
const HOST_WORDS: [&str; 9] =
    ["HOST", "HOSTNAME", "ADDR", "ADDRESS", "SERVER", "ENDPOINT", "SERVICE", "host", "hostname"];

/// The texts of all containers of some pods.
pub(super) fn texts<'a>(deployed: Deployed<'a>, pods: &'a PodHints) -> Vec<ContainerText<'a>> {
    let config = |name: &Arc<str>| {
        let is_it = |text: &&ConfigText| (&text.namespace, &text.name) == (&pods.namespace, name);
        configs(deployed).find(is_it)
    };
    let mut all = Vec::new();
    for text in pods.config_maps.iter().filter_map(config) {
        let beside = values_of(text);
        all.extend(text.data.iter().map(|(key, value)| of_config(text, key, Cow::Borrowed(value), &beside)));
    }
    for container in &pods.containers {
        of_container(pods, container, &config, &mut all);
    }
    all
}

fn configs(deployed: Deployed<'_>) -> impl Iterator<Item = &ConfigText> {
    deployed.hints.iter().filter_map(|hint| match hint {
        DeployHint::Config(text) => Some(text),
        DeployHint::Pods(_) | DeployHint::Binding(_) | DeployHint::Class(_) | DeployHint::Secret { .. } => None,
    })
}

type Variables<'a> = BTreeMap<&'a str, Cow<'a, str>>;

fn values_of(text: &ConfigText) -> Variables<'_> {
    text.data.iter().map(|(key, value)| (&**key, Cow::Borrowed(&**value))).collect()
}

fn of_config<'a>(config: &ConfigText, key: &'a str, text: Cow<'a, str>, beside: &Variables<'_>) -> ContainerText<'a> {
    let place = format!("ConfigMap {} ({})", config.name, told(key));
    ContainerText { key: Some(key.into()), text, place, port: port_beside(key, beside) }
}

/// The name of a variable, its text, and the key of a ConfigMap that it is from.
type WrittenVariable<'a> = (&'a str, Cow<'a, str>, Option<(&'a ConfigText, &'a str)>);

fn of_container<'a>(
    pods: &'a PodHints,
    container: &'a ContainerHints,
    config: &impl Fn(&Arc<str>) -> Option<&'a ConfigText>,
    all: &mut Vec<ContainerText<'a>>,
) {
    let mut variables: Variables<'a> = BTreeMap::new();
    let mut configured: Vec<(&'a ConfigText, &'a str, &'a str)> = Vec::new();
    for text in container.config_maps.iter().filter_map(config) {
        variables.extend(values_of(text));
        configured.extend(text.data.iter().map(|(key, value)| (text, &**key, &**value)));
    }
    let mut written: Vec<WrittenVariable<'a>> = Vec::new();
    for (name, value) in &container.env {
        let (text, from) = match value {
            EnvValue::Text(text) => (filled(text, &variables), None),
            EnvValue::Namespace => (Cow::Borrowed(&*pods.namespace), None),
            EnvValue::Secret(_) => continue,
            EnvValue::ConfigKey(map, key) => {
                let Some(text) = config(map) else { continue };
                let Some((key, value)) = text.data.iter().find(|(known, _)| known == key) else { continue };
                (Cow::Borrowed(&**value), Some((text, &**key)))
            }
        };
        variables.insert(name, text.clone());
        if *value != EnvValue::Namespace {
            written.push((name, text, from));
        }
    }
    for (text, key, value) in configured {
        all.push(of_config(text, key, Cow::Borrowed(value), &variables));
    }
    for (name, text, from) in written {
        let place = match from {
            Some((config, key)) => format!("ConfigMap {} ({})", config.name, told(key)),
            None => format!("env {} of {} {}", told(name), pods.kind, pods.name),
        };
        all.push(ContainerText { key: Some(name.into()), text, place, port: port_beside(name, &variables) });
    }
    let mut flag: Option<&str> = None;
    for arg in &container.args {
        let place = format!("args of {} {}", pods.kind, pods.name);
        let key = flag.take().map(Cow::Borrowed);
        all.push(ContainerText { key, text: filled(arg, &variables), place, port: None });
        flag = Some(&**arg).filter(|arg| arg.starts_with('-') && !arg.contains('='));
    }
}

/// A name as it is told.
fn told(name: &str) -> String {
    let plain = name.chars().map(|one| if one.is_ascii_graphic() && one != '#' { one } else { '_' });
    plain.take(LONGEST_NAME).collect()
}

/// The port that a variable beside that of a host has: `DB_PORT` beside `DB_HOST`.
fn port_beside(name: &str, variables: &Variables<'_>) -> Option<u16> {
    let word = HOST_WORDS.iter().find(|word| name.ends_with(**word))?;
    let stem = name.strip_suffix(word)?;
    let port = if word.starts_with('h') { "port" } else { "PORT" };
    let found = variables.get(&*format!("{stem}{port}"))?;
    found.trim().parse().ok().filter(|port| *port > 0)
}

/// A text with `$(NAME)` and `${NAME}` filled in, as far as they are known.
fn filled<'a>(text: &'a str, variables: &Variables<'_>) -> Cow<'a, str> {
    if !text.contains("$(") && !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        result.push_str(before);
        let closing = match from.as_bytes().get(1) {
            Some(b'(') => ')',
            Some(b'{') => '}',
            _ => {
                result.push('$');
                rest = from.get(1..).unwrap_or_default();
                continue;
            }
        };
        let inner = from.get(2..).unwrap_or_default();
        let known = inner.find(closing).and_then(|end| Some((variables.get(inner.get(..end)?)?, end)));
        match known.filter(|(value, _)| result.len() + value.len() <= LONGEST) {
            Some((value, end)) => {
                result.push_str(value);
                rest = inner.get(end + 1..).unwrap_or_default();
            }
            None => {
                result.push('$');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    result.push_str(rest);
    Cow::Owned(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_where_they_are_known() {
        let variables: Variables<'_> = BTreeMap::from([("A", "x".into()), ("DB_PORT", "5432".into())]);
        for (text, wanted) in
            [("$(A)-${A}$A", "x-x$A"), ("$(B)$(", "$(B)$("), ("$$(A)", "$x"), ("${A", "${A"), ("é$(A)", "éx")]
        {
            assert_eq!(filled(text, &variables), wanted);
        }
        assert_eq!(port_beside("DB_HOST", &variables), Some(5432));
        assert_eq!(port_beside("DB_NAME", &variables), None);
    }
}
