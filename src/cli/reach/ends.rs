//! What single ends of a report are called.

use crate::ask::{GroupName, Situation};
use crate::engine::EndId;

/// One of the pods or addresses of an end.
pub(in crate::cli) fn end_text(situation: &Situation, end: EndId) -> String {
    if let Some(pods) = situation.world.pods(end)
        && pods.members.is_empty()
    {
        let namespace = situation.world.namespace(pods.namespace);
        // Without a name of its own, a namespace is known by its labels, when the program does.
        let by_labels = || {
            situation.names_of(end).into_iter().find_map(|name| match name {
                GroupName::Labelled(name) => Some(&**name),
                _ => None,
            })
        };
        let name = namespace.and_then(|namespace| namespace.name.as_deref()).or_else(by_labels);
        let name = name.unwrap_or("(other namespace)");
        let labels: Vec<String> = pods.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return format!("{name}/{{{}}}", labels.join(","));
    }
    situation.names_of(end).first().map(ToString::to_string).unwrap_or_default()
}
