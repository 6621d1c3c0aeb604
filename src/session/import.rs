//! Policies as a program: read, lifted, compiled again and compared side by side with what was read.

use super::comments::notes;
use super::manifests::Reader;
use super::metadata::MetadataKeys;
use super::stages::{Session, Settings};
use super::{EXTENSION, FileSystem, Manifests, Memory, Named, Project};
use crate::cluster::{Pods, Workload};
use crate::diag::{Code, Levels, Severity};
use crate::import::{self, Declared, HeavyNamespace, Lifted, RunningPods, Surroundings};
use crate::model::{COMPONENTS, Model};
use crate::netpol::{Policy, Written};
use crate::prove::{self, Counterexample, Difference, Grants};
use crate::source::{Sources, Span};
use crate::target::network_policy as target;
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// Policies, and the program that they became.
#[derive(Debug, Default)]
pub struct Import {
    /// What was read.
    pub manifests: Manifests,
    /// The policies that were lifted, sorted by namespace and name; origins count them.
    pub policies: Vec<Policy>,
    /// Where and how each of them is written.
    pub given: Vec<WrittenPolicy>,
    /// What is not in the program, each with the reason.
    pub refused: Vec<Refused>,
    /// What the policies became.
    pub lifted: Lifted,
    /// The files of the program, each with its name: one, or several when that was asked for.
    pub files: Vec<(String, String)>,
    /// The policies that a build of the program writes, by namespace and name.
    pub built: Vec<(Arc<str>, String)>,
    /// Isolated pods that may ask nobody for names, in words.
    pub without_dns: Vec<String>,
    /// How many bytes of manifests were looked at for comments.
    pub looked_at: usize,
    /// Why there is no program, though there are policies: a mistake of Polder's own.
    pub failure: Option<String>,
}

/// Where and how a policy is written.
#[derive(Debug, Clone)]
pub struct WrittenPolicy {
    /// The place of its name.
    pub span: Option<Span>,
    /// How it is written.
    pub written: Written<Span>,
    /// Whether nobody says in which namespace the policy is.
    pub assumed: bool,
    /// The keys of its labels and annotations.
    pub keys: MetadataKeys,
}

/// A policy that is not in the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What it is called, as far as that is known.
    pub what: String,
    /// Why, in the words of the API server.
    pub reason: String,
    /// The path of its text.
    pub path: String,
    /// The line there, from 1.
    pub line: usize,
}

/// How policies are imported.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// The namespace of those that name none and that no kustomization gives one.
    pub namespace: Option<&'a str>,
    /// Manifests of what runs, which names tiers and their ports.
    pub workloads: &'a [Named],
    /// Whether the program is in a file for each namespace.
    pub apart: bool,
    /// A program that they become a part of. Then there are statements and no files, and nothing is proved: whoever puts
    /// them into the program has to.
    pub beside: Option<Beside<'a>>,
}

/// A program that policies become a part of.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The policies that it becomes.
    pub policies: &'a [Policy],
    /// What it declares.
    pub model: &'a Model,
}

/// The namespace of objects that name none, where nobody says another one.
pub const DEFAULT_NAMESPACE: &str = "default";

/// What no namespace is called, for policies that name none.
const NOWHERE: &str = "";

/// Where the program lies that is proved.
pub(super) const PLACE: &str = "/import";

impl Import {
    /// Reads what was named, seen from the absolute path `folder`, and lifts its policies.
    pub fn load(system: &dyn FileSystem, folder: &Path, named: &[Named], options: &ImportOptions<'_>) -> Import {
        let manifests = Manifests::load_for(Reader::IMPORT, Sources::default(), system, folder, named, NOWHERE);
        let mut import = Import { manifests, ..Import::default() };
        import.sort(options.namespace);
        import.leave_out();
        let (notes, looked_at) = notes(&import.manifests.sources, &import.given);
        import.looked_at = looked_at;
        let catalogue = catalogue();
        let runs = import.runs(system, folder, options.workloads);
        let around = Surroundings {
            catalogue: &catalogue,
            runs: &runs,
            beside: options.beside.map(|beside| beside.policies).unwrap_or_default(),
            declared: options.beside.map(|beside| Declared::of(beside.model)).unwrap_or_default(),
        };
        import.lifted = import::lift(&import.policies, &notes, around);
        if options.beside.is_some() {
            return import;
        }
        let programs = match options.apart {
            true => import.lifted.apart(),
            false => vec![("main".to_owned(), import.lifted.whole())],
        };
        for (stem, program) in programs {
            match program.text() {
                Ok(text) => import.files.push((format!("{stem}.{EXTENSION}"), text)),
                Err(error) => import.failure = Some(error.0),
            }
        }
        if import.failure.is_none() && !import.policies.is_empty() {
            import.failure = import.prove().err();
        }
        import
    }

    /// What runs by manifests; what is wrong with them goes to the other mistakes.
    fn runs(&mut self, system: &dyn FileSystem, folder: &Path, named: &[Named]) -> Vec<RunningPods> {
        if named.is_empty() {
            return Vec::new();
        }
        let sources = std::mem::take(&mut self.manifests.sources);
        let found = Manifests::load_for(Reader::IMPORT, sources, system, folder, named, DEFAULT_NAMESPACE);
        self.manifests.sources = found.sources;
        self.manifests.notes.extend(found.notes);
        self.manifests.empty.extend(found.empty);
        self.manifests.diagnostics.extend(found.diagnostics.into_iter().filter(|found| found.code.stops()));
        let run = |workload: &Workload| {
            let (namespace, name) = (workload.namespace.clone(), workload.name.clone());
            let of = move |pods: &Pods| RunningPods {
                namespace: namespace.clone(),
                workload: name.clone(),
                labels: pods.labels.clone(),
                ports: pods
                    .ports
                    .iter()
                    .filter_map(|one| Some((one.name.clone()?, one.protocol, one.number)))
                    .collect(),
            };
            workload.pods.iter().filter(|pods| !pods.host_network).map(of).collect::<Vec<_>>()
        };
        let mut runs: Vec<RunningPods> = found.cluster.workloads.iter().flat_map(run).collect();
        runs.sort();
        runs.dedup();
        runs
    }

    /// Puts the policies in order, and takes out those of which there are two.
    fn sort(&mut self, given: Option<&str>) {
        let namespace: Arc<str> = given.unwrap_or(DEFAULT_NAMESPACE).into();
        let manifests = &mut self.manifests;
        let policies = std::mem::take(&mut manifests.policies.policies).into_iter();
        let written =
            std::mem::take(&mut manifests.written).into_iter().zip(std::mem::take(&mut manifests.policy_keys));
        let places = manifests.policy_spans.iter().zip(written);
        let mut all: Vec<(Policy, WrittenPolicy)> = policies
            .zip(places)
            .map(|(mut policy, (span, (written, keys)))| {
                let homeless = &*policy.namespace == NOWHERE;
                if homeless {
                    policy.namespace = namespace.clone();
                }
                (policy, WrittenPolicy { span: *span, written, assumed: homeless && given.is_none(), keys })
            })
            .collect();
        all.sort_by(|(one, _), (other, _)| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
        for unread in manifests.unread.iter().filter(|unread| unread.is_policy && !unread.twice) {
            let what = unread.what.strip_suffix(" could not be read").unwrap_or(&unread.what).to_owned();
            let (reason, path, line) = (unread.reason.clone(), unread.path.clone(), unread.line);
            self.refused.push(Refused { what, reason, path, line });
        }
        // A text that cannot be read at all takes only itself away.
        for found in manifests.diagnostics.iter().filter(|found| found.code == Code::E0003) {
            let file = found.primary().and_then(|span| Some((manifests.sources.file(span.file)?, span)));
            let (path, line) =
                file.map_or((String::new(), 0), |(file, span)| (file.path.clone(), file.position(span.start).line));
            let what = format!("all of `{path}`");
            self.refused.push(Refused { what, reason: found.message.clone(), path, line });
        }
        let same_name = |one: &(Policy, WrittenPolicy), other: &(Policy, WrittenPolicy)| {
            (&one.0.namespace, &one.0.name) == (&other.0.namespace, &other.0.name)
        };
        for same in all.chunk_by(same_name) {
            let Some((first, rest)) = same.split_first() else { continue };
            if rest.iter().all(|(other, _)| says_the_same(&first.0, other)) {
                self.policies.push(first.0.clone());
                self.given.push(first.1.clone());
                continue;
            }
            for (policy, given) in same {
                let what = format!("NetworkPolicy {}/{}", policy.namespace, policy.name);
                let reason = format!(
                    "there are {} policies of this name that do not say the same; the cluster would keep the last one",
                    same.len()
                );
                let (path, line) = self.place(given.span);
                self.refused.push(Refused { what, reason, path, line });
            }
        }
        self.refused.sort_by(in_order);
    }

    /// Refuses the namespaces that would take too long.
    fn leave_out(&mut self) {
        for HeavyNamespace { policies: range, reason } in import::left_out(&self.policies).into_iter().rev() {
            let span = self.given.get(range.start).and_then(|given| given.span);
            let (path, line) = self.place(span);
            self.given.drain(range.clone());
            let policies: Vec<Policy> = self.policies.drain(range).collect();
            let Some(namespace) = policies.first().map(|policy| &policy.namespace) else { continue };
            let what = match policies.len() {
                1 => format!("the policy of namespace `{namespace}`"),
                count => format!("the {count} policies of namespace `{namespace}`"),
            };
            self.refused.push(Refused { what, reason: reason.to_owned(), path, line });
        }
        self.refused.sort_by(in_order);
    }

    /// Compiles the program and compares what its policies grant, read back from their text, with what those that were lifted
    /// do: for every side of every namespace.
    fn prove(&mut self) -> Result<(), String> {
        let place =
            |system: Memory, (name, text): &(String, String)| system.with(format!("{PLACE}/{name}"), text.as_str());
        let system = self.files.iter().fold(Memory::default(), place);
        let project = Project::load(&system, Path::new(PLACE), &[Named::Path(PLACE.into())]);
        let session = Session::new(project, Settings::default());
        let reports = session.reports(&Levels::default());
        let (Some(flows), Some(output)) = (session.flows(), session.output()) else {
            let error = reports.into_iter().find(|report| report.severity == Severity::Error);
            let message = error.map(|report| format!("{} ({})", report.diagnostic.message, report.diagnostic.code));
            return Err(message.unwrap_or_else(|| "it does not compile".to_owned()));
        };
        // A policy that selects nothing makes no namespace managed.
        let managed = |policy: &&Policy| {
            policy.subject.contradiction().is_none() || flows.namespaces.iter().any(|one| one.name == policy.namespace)
        };
        let given: Vec<Policy> = self.policies.iter().filter(managed).cloned().collect();
        let given = Grants::of_policies(flows, &given).map_err(|found| difference(&found))?;
        let written = target::grants(flows, output.manifests().iter().map(|file| &*file.body))?;
        prove::compare(flows, &given, &written).map_err(|found| difference(&found))?;
        let dns = reports.into_iter().filter(|report| report.diagnostic.code == Code::W0007);
        self.without_dns = dns.map(|report| report.diagnostic.message).collect();
        let built = session.policies().map(|set| set.policies.as_slice()).unwrap_or_default();
        self.built = built.iter().map(|policy| (policy.namespace.clone(), policy.name.to_string())).collect();
        Ok(())
    }

    /// The text of the whole program, where it is one file.
    pub fn text(&self) -> &str {
        self.files.first().map_or("", |(_, text)| text)
    }

    /// The path and the line of a place.
    pub fn place(&self, span: Option<Span>) -> (String, usize) {
        let file = span.and_then(|span| Some((self.manifests.sources.file(span.file)?, span)));
        file.map_or((String::new(), 0), |(file, span)| (file.path.clone(), file.position(span.start).line))
    }
}

fn in_order(one: &Refused, other: &Refused) -> Ordering {
    (&one.path, one.line, &one.what, &one.reason).cmp(&(&other.path, other.line, &other.what, &other.reason))
}

fn says_the_same(one: &Policy, other: &Policy) -> bool {
    (&one.subject, &one.ingress, &one.egress) == (&other.subject, &other.ingress, &other.egress)
}

/// What differs between policies and the program, in words.
fn difference(found: &Counterexample) -> String {
    let namespace = &found.namespace;
    match &*found.difference {
        Difference::Isolation { direction, pod, by_policies } => {
            let word = if *by_policies { "the program isolates" } else { "the program does not isolate" };
            format!("{word} for {}: {pod}", direction.word())
        }
        Difference::Grant { direction, pod, peer, port, by_policies } => {
            let word = if *by_policies { "the program allows" } else { "the program forbids" };
            let (source, destination) = match direction {
                crate::net::Direction::Ingress => (peer, pod),
                crate::net::Direction::Egress => (pod, peer),
            };
            format!("{word} ({}): {source} -> {destination} on {port}", direction.word())
        }
        Difference::Unmanaged(_) | Difference::SameName(_) | Difference::Unlearnt(_) => found.to_string(),
        Difference::Unknown => {
            format!("it takes too many steps to prove that namespace `{namespace}` means the same")
        }
    }
}

/// The components of the catalogue, each with what it declares.
fn catalogue() -> Vec<(Arc<str>, Declared)> {
    let component = |name: &'static str| {
        let system = Memory::default().with(format!("{PLACE}/use.{EXTENSION}"), format!("use {name}\n"));
        let project = Project::load(&system, Path::new(PLACE), &[Named::Path(PLACE.into())]);
        let session = Session::new(project, Settings::default());
        session.model().map(|model| (name.into(), Declared::of(model)))
    };
    COMPONENTS.iter().filter_map(|one| component(one.name)).collect()
}
