//! What is told of a project that was made of what is deployed.

use crate::cli::report::count;
use crate::cli::terminal::Terminal;
use crate::seed::{BlockCounts, DeployedTier, FlowSource, InferredFlow, QuestionKind};
use crate::session::{CONFIG_NAME, Seeded, shell_word};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What there is to tell.
pub(super) struct ToldInit<'a> {
    pub(super) seeded: &'a Seeded,
    /// The files that were written, as they would be typed: the settings, then the program.
    pub(super) created: &'a [String],
    /// The folder of the project, as it would be typed.
    pub(super) folder: String,
    /// The namespace of objects that name none, where somebody said one.
    pub(super) namespace: Option<&'a str>,
    /// The first flow log that was named, as it was typed.
    pub(super) log: Option<String>,
    /// How many kinds of connections passed there and have no flow; `None` without a log.
    pub(super) dropped: Option<usize>,
}

/// Longer lists are cut; `--format json` has all.
const MOST: usize = 20;

/// So many names are told in one line.
const MOST_NAMES: usize = 6;

impl ToldInit<'_> {
    /// Prints it for people.
    pub(super) fn tell(&self, terminal: &mut Terminal) {
        let width = self.created.iter().map(|path| path.chars().count()).max().unwrap_or_default();
        let counts = std::iter::once(None).chain(self.seeded.files.iter().map(|file| Some(file.counts)));
        for (path, counts) in self.created.iter().zip(counts.chain(std::iter::repeat(None))) {
            let said = match counts {
                Some(Some(counts)) => in_words(counts),
                Some(None) => "what the others use".to_owned(),
                None if path.ends_with(CONFIG_NAME) => "enforces nothing yet: [rollout] enforce = []".to_owned(),
                None => String::new(),
            };
            let line = format!("created  {path:width$}  {said}");
            terminal.line(line.trim_end());
        }
        self.findings().iter().for_each(|line| terminal.line(line));
        terminal.line("");
        terminal.line("Next:");
        let steps = self.next_steps();
        let width = steps.iter().map(|(step, _)| step.chars().count()).max().unwrap_or_default();
        steps.iter().for_each(|(step, purpose)| terminal.line(&format!("  {step:width$}  {purpose}")));
    }

    /// What there is to know of the program, a line each.
    fn findings(&self) -> Vec<String> {
        let inferred = &self.seeded.inferred;
        let mut lines: Vec<String> = self.managed().filter_map(alike).collect();
        if !inferred.system.is_empty() {
            let names: Vec<&str> = inferred.system.iter().map(|name| &**name).collect();
            lines.push(format!("not managed, as the system's: {}", listed(&names)));
        }
        if let (None, count @ 1..) = (self.namespace, self.seeded.homeless) {
            let (name, are) = if count == 1 { ("names", "is") } else { ("name", "are") };
            lines.push(format!(
                "{} {name} no namespace and {are} in `default` here; `--namespace NAME` says another one",
                crate::cli::report::count(count, "workload")
            ));
        }
        let left_out = inferred.left_out.iter().map(|(what, why)| format!("no tier: {what}: {why}"));
        lines.extend(first(left_out.collect()));
        let refused = self.seeded.refused.iter().map(|(what, why)| format!("left out: {what}: {why}"));
        lines.extend(first(refused.collect()));
        let unread = self.seeded.manifests.unread.iter().map(|one| format!("not read: {}: {}", one.what, one.reason));
        lines.extend(first(unread.collect()));
        lines.extend(self.seeded.manifests.notes.iter().cloned());
        let policies = self.seeded.manifests.policies.policies.len();
        if policies > 0 {
            lines.push(format!("{} not looked at: `polder import` reads them", count(policies, "NetworkPolicy")));
        }
        lines.extend(self.not_known());
        if let Some(dropped @ 1..) = self.dropped {
            lines.push(format!(
                "{} of the log passed and would not with this program",
                match dropped {
                    1 => "1 kind of connection".to_owned(),
                    several => format!("{several} kinds of connections"),
                }
            ));
        }
        lines
    }

    /// What is not known, in a line.
    fn not_known(&self) -> Option<String> {
        let inferred = &self.seeded.inferred;
        let mut by_kind: BTreeMap<QuestionKind, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for question in &inferred.questions {
            let tier = question.tier.and_then(|at| inferred.tiers.get(at)).map_or("", |tier| &tier.name);
            by_kind.entry(question.kind).or_default().entry(&question.about).or_default().insert(tier);
        }
        let parts: Vec<String> = by_kind.iter().map(|(kind, about)| not_known_of(*kind, about)).collect();
        (!parts.is_empty()).then(|| format!("not known: {}", parts.join(", ")))
    }

    /// The tiers of the namespaces that the program manages.
    fn managed(&self) -> impl Iterator<Item = &DeployedTier> {
        let inferred = &self.seeded.inferred;
        inferred.tiers.iter().filter(|tier| !inferred.system.contains(&tier.namespace))
    }

    /// What to do next, each with what it is for.
    fn next_steps(&self) -> Vec<(String, String)> {
        let is_here = self.folder == ".";
        let word = shell_word(&self.folder);
        let (argument, program) = match is_here {
            true => (String::new(), String::new()),
            false => (format!(" {word}"), format!(" -p {word}")),
        };
        let mut managed = self.managed();
        let first = managed.next().map_or("", |tier| &tier.namespace);
        let step = |step: String, purpose: &str| (step, purpose.to_owned());
        vec![
            step(format!("polder check{argument}"), "look at the program, whose guesses say so"),
            match &self.log {
                None => step(format!("polder replay LOG{program}"), "what last week's connections say"),
                Some(log) => {
                    step(format!("polder replay {}{program}", shell_word(log)), "what the log has beside that")
                }
            },
            step(
                format!("polder rollout {}{program}", self.log.as_deref().map_or("LOG".into(), shell_word)),
                "in which order to enforce it",
            ),
            step(
                format!("polder build{argument} --enforce {first}:ingress"),
                "write the policies of a first step; `enforce` in polder.toml keeps it",
            ),
        ]
    }

    /// The document with the schema `polder/init/v1`.
    pub(super) fn document(&self) -> Value {
        let Seeded { inferred, manifests, written, .. } = self.seeded;
        let end = |tier: &DeployedTier| format!("{}/{}", tier.namespace, tier.name);
        let tiers = self.managed().map(|tier| {
            let ports = tier.ports.iter().map(|port| {
                json!({
                    "name": &*port.name,
                    "protocol": port.protocol.keyword(),
                    "port": port.number,
                    "from": port.from.as_deref(),
                })
            });
            json!({
                "namespace": &*tier.namespace,
                "name": &*tier.name,
                "selector": tier.selector.to_string(),
                "workloads": tier.members.iter().map(|one| format!("{} {}", one.kind, one.name)).collect::<Vec<_>>(),
                "ports": ports.collect::<Vec<Value>>(),
            })
        });
        let flow = |flow: &InferredFlow, namespace: &str, statement: &str| {
            let source = match &flow.source {
                FlowSource::Tier(at) => inferred.tiers.get(*at).map(end).unwrap_or_default(),
                FlowSource::Other(namespace, tier) => format!("{namespace}/{tier}"),
            };
            json!({
                "namespace": namespace,
                "statement": statement,
                "source": source,
                "destination": inferred.tiers.get(flow.destination).map(end),
                "protocol": flow.protocol.keyword(),
                "port": flow.number,
                "trust": flow.trust.word(),
                "evidence": flow.evidence,
                "seen": flow.seen,
            })
        };
        let flows = written
            .flows
            .iter()
            .filter_map(|one| Some(flow(inferred.flows.get(one.flow)?, &one.namespace, &one.statement)));
        let questions = inferred.questions.iter().map(|one| {
            json!({
                "namespace": &*one.namespace,
                "tier": one.tier.and_then(|at| inferred.tiers.get(at)).map(end),
                "kind": one.kind.word(),
                "about": &*one.about,
                "message": one.text,
            })
        });
        let left_out = inferred.left_out.iter().map(|(what, why)| json!({ "what": what, "reason": why }));
        let refused = self.seeded.refused.iter().map(|(what, why)| json!({ "statement": what, "reason": why }));
        json!({
            "schema": "polder/init/v1",
            "files": self.created,
            "tiers": tiers.collect::<Vec<Value>>(),
            "flows": flows.collect::<Vec<Value>>(),
            "not_known": questions.collect::<Vec<Value>>(),
            "no_tier": left_out.collect::<Vec<Value>>(),
            "left_out": refused.collect::<Vec<Value>>(),
            "not_managed": inferred.system.iter().map(|name| &**name).collect::<Vec<_>>(),
            "without_namespace": self.seeded.homeless,
            "unread": crate::cli::json::unread(&manifests.unread),
            "dropped": self.dropped,
            "policies": manifests.policies.policies.len(),
            "notes": manifests.notes,
            "next_steps": self.next_steps().into_iter().map(|(step, _)| step).collect::<Vec<_>>(),
        })
    }
}

/// Workloads with the same labels.
fn alike(tier: &DeployedTier) -> Option<String> {
    let names: BTreeSet<&Arc<str>> = tier.members.iter().map(|member| &member.name).collect();
    let names: Vec<&str> = names.into_iter().map(|name| &**name).collect();
    (names.len() > 1).then(|| {
        let namespace = &tier.namespace;
        format!("{} of `{namespace}` have the same labels and became tier `{}`", listed(&names), tier.name)
    })
}

/// Some names, the first of them where there are many.
fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MOST_NAMES);
    let told = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{told} and {more} more") } else { told }
}

/// The first of some lines.
fn first(lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    let rest = (more > 0).then(|| format!("and {more} more; `--format json` has all"));
    lines.into_iter().take(MOST).chain(rest).collect()
}

/// How much is said of a namespace.
fn in_words(counts: BlockCounts) -> String {
    let BlockCounts { tiers, sure, seen, likely, guessed } = counts;
    let parts = [(sure, "sure"), (seen, "seen"), (likely, "likely"), (guessed, "guessed")];
    let parts: Vec<String> =
        parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    let flows = count(sure + seen + likely + guessed, "flow");
    let colon = if parts.is_empty() { "" } else { ": " };
    format!("{}, {flows}{colon}{}", count(tiers, "tier"), parts.join(", "))
}

/// What is not known of a kind.
fn not_known_of(kind: QuestionKind, about: &BTreeMap<&str, BTreeSet<&str>>) -> String {
    let names: Vec<&str> = about.keys().copied().collect();
    let readers: BTreeSet<&str> = about.values().flatten().copied().collect();
    let tiers = listed(&readers.into_iter().collect::<Vec<_>>());
    let number = names.len();
    match kind {
        QuestionKind::ApiServer => format!("the addresses of the API server (for {tiers})"),
        QuestionKind::Front => format!("who is in front of {tiers}"),
        QuestionKind::Port => format!("on which port {tiers} ask {}", listed(&names)),
        QuestionKind::NotGiven => format!("{} not here ({})", count(number, "Service"), listed(&names)),
        QuestionKind::Outside => format!("{} outside ({})", count(number, "host"), listed(&names)),
        QuestionKind::Nodes => format!("the addresses of the nodes (for {})", listed(&names)),
        QuestionKind::Nowhere => format!("where {} lead{}", listed(&names), if number == 1 { "s" } else { "" }),
        QuestionKind::Secret if number == 1 => format!("Secret {} (read by {tiers})", listed(&names)),
        QuestionKind::Secret => format!("{} ({})", count(number, "Secret"), listed(&names)),
    }
}
