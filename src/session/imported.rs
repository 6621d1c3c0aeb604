//! What there is to report of an import, in the order of the policies and of the findings.

use super::Import;
use super::import::{DEFAULT_NAMESPACE, WrittenPolicy};
use crate::diag::Code;
use crate::import::{Finding, Kind, Where, beginning};
use crate::lint;
use crate::model::ChosenCni;
use crate::net::Direction;
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A policy that is in the program, with what it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftedPolicy {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The path of its text.
    pub path: String,
    /// The line there.
    pub line: usize,
    /// The statements of the program that say what it says, in the block of its namespace or of another one; of long ones the
    /// beginning.
    pub statements: Vec<Arc<str>>,
}

/// Labels or annotations that are not in the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCarried {
    /// Whether it is an annotation, and else a label.
    pub annotation: bool,
    /// The key.
    pub key: String,
    /// How many policies have it.
    pub policies: usize,
    /// Whether it decides if or where an object is applied.
    pub decides: bool,
}

/// A finding with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldFinding {
    /// What it is about.
    pub kind: Kind,
    /// The policy, as `NAMESPACE/NAME`.
    pub policy: Option<String>,
    /// The path of its text.
    pub path: String,
    /// The line there; 0 where it is about no place.
    pub line: usize,
    /// The statement of the program that it is about.
    pub statement: Option<String>,
    /// What there is to know.
    pub message: String,
}

/// What keys begin with that decide whether or where an object is applied.
const DECIDING: [&str; 8] = [
    "argocd.argoproj.io/",
    "capability.openshift.io/",
    "config.kubernetes.io/",
    "exclude.release.openshift.io/",
    "helm.sh/",
    "include.release.openshift.io/",
    "kustomize.toolkit.fluxcd.io/",
    "release.openshift.io/",
];

impl Import {
    /// The policies that are in the program. What is said by several lines is told with each.
    pub fn lifted_policies(&self) -> Vec<LiftedPolicy> {
        let mut statements: BTreeMap<usize, Vec<Arc<str>>> = BTreeMap::new();
        for said in &self.lifted.said {
            let text: Arc<str> = beginning(said.text.clone()).into();
            let policies: BTreeSet<usize> = said.origins.iter().map(|origin| origin.policy).collect();
            policies.into_iter().for_each(|policy| statements.entry(policy).or_default().push(text.clone()));
        }
        let isolate: Vec<Vec<Arc<str>>> = self
            .lifted
            .isolate
            .iter()
            .map(|all| all.iter().map(|text| beginning(text.clone()).into()).collect())
            .collect();
        let all = self.policies.iter().zip(&self.given).enumerate();
        let told = all.map(|(at, (policy, given))| {
            let (path, line) = self.place(given.span);
            let said = statements.remove(&at);
            let isolated = || {
                let home = self.lifted.namespaces.binary_search(&policy.namespace).ok()?;
                isolate.get(home).cloned()
            };
            LiftedPolicy {
                namespace: policy.namespace.to_string(),
                name: policy.name.to_string(),
                path,
                line,
                statements: said.or_else(isolated).unwrap_or_default(),
            }
        });
        told.collect()
    }

    /// The labels and annotations that are not in the program, those that decide something first.
    pub fn not_carried(&self) -> Vec<NotCarried> {
        let mut counts: BTreeMap<(bool, &str), usize> = BTreeMap::new();
        for WrittenPolicy { keys, .. } in &self.given {
            let labels = keys.labels.iter().map(|key| (false, key.as_str()));
            let annotations = keys.annotations.iter().map(|key| (true, key.as_str()));
            labels.chain(annotations).for_each(|key| *counts.entry(key).or_default() += 1);
        }
        let one = |((annotation, key), policies): ((bool, &str), usize)| NotCarried {
            annotation,
            key: key.to_owned(),
            policies,
            decides: DECIDING.iter().any(|start| key.starts_with(start)),
        };
        let mut all: Vec<NotCarried> = counts.into_iter().map(one).collect();
        all.sort_by(|one, other| {
            (!one.decides, one.annotation, &one.key).cmp(&(!other.decides, other.annotation, &other.key))
        });
        all
    }

    /// The policies that the build overwrites, since it uses their names too.
    pub fn overwritten(&self) -> Vec<String> {
        let built: BTreeSet<(&str, &str)> = self.built.iter().map(|(home, name)| (&**home, name.as_str())).collect();
        let same = self.policies.iter().filter(|policy| built.contains(&(&*policy.namespace, &*policy.name)));
        same.map(|policy| format!("{}/{}", policy.namespace, policy.name)).collect()
    }

    /// What there is to know, in order: by what it is about, then by policy.
    pub fn findings(&self) -> Vec<ToldFinding> {
        let mut all: Vec<Finding> = self.lifted.findings.clone();
        for (at, given) in self.given.iter().enumerate() {
            self.of_text(at, given, &mut all);
        }
        all.sort();
        let mut told: Vec<ToldFinding> = all.iter().map(|finding| self.told(finding)).collect();
        told.extend(self.of_blocks());
        told.extend(self.of_lint());
        let without_dns = self.without_dns.iter().map(|message| ToldFinding {
            kind: Kind::NoDns,
            policy: None,
            path: String::new(),
            line: 0,
            statement: Some("dns none".to_owned()),
            message: message.clone(),
        });
        told.extend(without_dns);
        told.sort_by_key(|one| one.kind);
        told
    }

    fn told(&self, finding: &Finding) -> ToldFinding {
        let policy = finding.place.and_then(|place| self.policies.get(place.policy()));
        let (path, line) = self.place(finding.place.and_then(|place| self.span(place)));
        ToldFinding {
            kind: finding.kind,
            policy: policy.map(|policy| format!("{}/{}", policy.namespace, policy.name)),
            path,
            line,
            statement: finding.statement.clone(),
            message: finding.message.clone(),
        }
    }

    /// Where a part of a policy stands, or else the policy.
    fn span(&self, place: Where) -> Option<Span> {
        let given = self.given.get(place.policy())?;
        let Where::Part(origin) = place else { return given.span };
        let rule = given.written.rules(origin.direction).rules.get(origin.rule);
        let peer = rule.and_then(|rule| rule.peers.get(origin.peer?)?.place);
        let port = rule.and_then(|rule| rule.ports.get(origin.port?)?.place).filter(|_| origin.peer.is_none());
        peer.or(port).or_else(|| rule?.place).or(given.span)
    }

    /// What shows in the text of a policy alone.
    fn of_text(&self, at: usize, given: &WrittenPolicy, found: &mut Vec<Finding>) {
        let Some(policy) = self.policies.get(at) else { return };
        let mut add = |kind, message: String| {
            found.push(Finding { kind, place: Some(Where::Policy(at)), statement: None, message });
        };
        let name = &policy.name;
        if given.assumed {
            let message = format!(
                "`{name}` names no namespace, so it is taken to be in `{DEFAULT_NAMESPACE}`; `--namespace NAME` says another one"
            );
            add(Kind::NamespaceAssumed, message);
        }
        for (direction, counts) in [(Direction::Ingress, &policy.ingress), (Direction::Egress, &policy.egress)] {
            let rules = &given.written.rules(direction).rules;
            let word = direction.word();
            if counts.is_none() && !rules.is_empty() {
                let message = format!("the {word} rules of `{name}` have no effect: policyTypes does not list it");
                add(Kind::Inert, message);
                continue;
            }
            for (index, rule) in rules.iter().enumerate() {
                let peers = if direction == Direction::Ingress { "from" } else { "to" };
                if rule.peers_place.is_some() && rule.peers.is_empty() {
                    add(
                        Kind::EmptyList,
                        format!("`{name}`: spec.{word}[{index}].{peers} is empty, which is everybody"),
                    );
                }
            }
        }
    }

    /// Blocks that are written in another form than they are read.
    fn of_blocks(&self) -> Vec<ToldFinding> {
        let warnings = self.manifests.diagnostics.iter().filter(|found| found.code == Code::W0102);
        let mut names: Vec<(Span, usize)> =
            self.given.iter().enumerate().filter_map(|(at, given)| Some((given.span?, at))).collect();
        names.sort();
        let told = |found: &crate::diag::Diagnostic| {
            let span = found.primary();
            let (path, line) = self.place(span);
            // The name of a policy stands above its rules.
            let before =
                span.map(|span| names.partition_point(|(name, _)| (name.file, name.start) <= (span.file, span.start)));
            let owner = before.and_then(|before| names.get(before.checked_sub(1)?));
            let owner = owner.filter(|(name, _)| span.is_some_and(|span| span.file == name.file));
            let policy = owner.and_then(|(_, at)| self.policies.get(*at));
            ToldFinding {
                kind: Kind::HostBits,
                policy: policy.map(|policy| format!("{}/{}", policy.namespace, policy.name)),
                path,
                line,
                statement: None,
                message: found.message.clone(),
            }
        };
        warnings.map(told).collect()
    }

    /// Peers that look like one.
    fn of_lint(&self) -> Vec<ToldFinding> {
        let names: Vec<Option<Span>> = self.given.iter().map(|given| given.span).collect();
        let written: Vec<_> = self.given.iter().map(|given| given.written.clone()).collect();
        let found = lint::lint(&lint::Input {
            policies: &self.policies,
            names: &names,
            written: &written,
            cluster: &self.manifests.cluster,
            cni: ChosenCni::default(),
            varying: &BTreeSet::new(),
            complete: false,
        });
        let alike = found.into_iter().filter(|found| found.code == Code::W0203);
        let told = alike.map(|found| {
            let (path, line) = self.place(found.primary());
            ToldFinding { kind: Kind::LookLikeOne, policy: None, path, line, statement: None, message: found.message }
        });
        told.collect()
    }
}
