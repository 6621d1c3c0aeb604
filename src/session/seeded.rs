//! What is deployed as a program to start from: read, inferred, written, and compiled before anybody sees it.

use super::import::PLACE;
use super::manifests::Reader;
use super::stages::{Session, Settings};
use super::{EXTENSION, FileSystem, Manifests, Memory, Named, Project, Question, Subject};
use crate::ask::Says;
use crate::cluster::DeployHint;
use crate::diag::{Levels, Report, Severity};
use crate::model::{COMPONENTS, NamespaceKind};
use crate::net::{Protocol, Selector};
use crate::replay::{ReplayReport, ReplayRow, SeenOfGroup};
use crate::seed::{self, BlockCounts, CatalogueTier, Deployed, Inferred, WrittenSeed};
use crate::source::Sources;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What is deployed, and the program that it became.
#[derive(Debug, Default)]
pub struct Seeded {
    /// What was read.
    pub manifests: Manifests,
    /// What was inferred.
    pub inferred: Inferred,
    /// The statements of the flows that are in the program.
    pub written: WrittenSeed,
    /// The files of the program.
    pub files: Vec<SeededFile>,
    /// Flows that are left out because the program would not compile with them, each with the reason.
    pub refused: Vec<(String, String)>,
    /// The places of those flows.
    without: BTreeSet<usize>,
    /// How many workloads name no namespace themselves.
    pub homeless: usize,
    /// Why there is no program: a mistake of Polder's own.
    pub failure: Option<String>,
}

/// A file of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeededFile {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What there is of its namespace; `None` for what the others share.
    pub counts: Option<BlockCounts>,
}

/// So many times something that does not compile is left out.
const MOST_TRIES: usize = 50;

impl Seeded {
    /// Reads what was named, seen from the absolute path `folder`, and infers a program. Objects that name no namespace are in
    /// `namespace`.
    pub fn load(system: &dyn FileSystem, folder: &Path, named: &[Named], namespace: &str) -> Seeded {
        let manifests = Manifests::load_for(Reader::INIT, Sources::default(), system, folder, named, namespace);
        let catalogue = catalogue_tiers();
        let (cluster, hints) = (&manifests.cluster, manifests.hints.as_slice());
        let inferred = seed::infer(Deployed { cluster, hints, catalogue: &catalogue });
        let is_homeless = |hint: &&DeployHint| matches!(hint, DeployHint::Pods(pods) if !pods.names_namespace && &*pods.namespace == namespace);
        let homeless = hints.iter().filter(is_homeless).count();
        let mut seeded = Seeded { manifests, inferred, homeless, ..Seeded::default() };
        if !seeded.inferred.tiers.is_empty() {
            seeded.write();
        }
        seeded
    }

    /// Writes the program with all flows that compile.
    fn write(&mut self) {
        let mut without: BTreeSet<usize> = BTreeSet::new();
        for _ in 0..MOST_TRIES {
            let written = self.inferred.write(&without);
            let files = match texts(&written) {
                Ok(files) => files,
                Err(why) => return self.failure = Some(why),
            };
            let errors = errors(&files);
            if errors.is_empty() {
                (self.written, self.files, self.without) = (written, files, without);
                return;
            }
            let wrong = wrong_flows(&written, &errors);
            let Some(first) = errors.first() else { return };
            if wrong.is_empty() {
                return self.failure = Some(first.message.clone());
            }
            for (flow, statement, why) in wrong {
                without.insert(flow);
                self.refused.push((statement, why));
            }
        }
        self.failure = Some("too many of its flows do not compile".to_owned());
    }

    /// The program as what flow logs are held against, with what runs.
    pub fn subject(&self) -> Subject {
        let question = Question { program: vec![Named::Path(PLACE.into())], ..Question::default() };
        Subject::load(&system(&self.files), Path::new(PLACE), &question).with_cluster(self.manifests.cluster.clone())
    }

    /// Takes note of the connections of a flow log that passed: flows that have some are no guesses.
    pub fn note_seen(&mut self, report: &ReplayReport) {
        let is_passed = |row: &&ReplayRow| {
            row.candidate == Says::Allowed && matches!(row.seen, SeenOfGroup::Passed | SeenOfGroup::Audited)
        };
        for row in report.rows.iter().filter(is_passed) {
            let Some((number, keyword)) = row.port.split_once('/') else { continue };
            let protocol = Protocol::ALL.into_iter().find(|one| one.keyword() == keyword);
            if let (Some(protocol), Ok(number)) = (protocol, number.parse()) {
                self.inferred.note_seen(&row.from, &row.to, protocol, number, row.tally.attempts());
            }
        }
        let written = self.inferred.write(&self.without);
        match texts(&written) {
            Ok(files) => (self.written, self.files) = (written, files),
            Err(why) => self.failure = Some(why),
        }
    }
}

/// A folder with the program.
fn system(files: &[SeededFile]) -> Memory {
    let place = |system: Memory, file: &SeededFile| system.with(format!("{PLACE}/{}", file.name), file.text.as_str());
    files.iter().fold(Memory::default(), place)
}

/// An error of a program, and the line that it is about.
struct ErrorAtLine {
    line: String,
    message: String,
}

fn texts(written: &WrittenSeed) -> Result<Vec<SeededFile>, String> {
    let text = |file: &seed::ProgramOfSeed| {
        let text = file.program.text().map_err(|why| why.0)?;
        Ok(SeededFile { name: format!("{}.{EXTENSION}", file.stem), text, counts: file.counts })
    };
    written.files.iter().map(text).collect()
}

/// Compiles the program, proof and all.
fn errors(files: &[SeededFile]) -> Vec<ErrorAtLine> {
    let project = Project::load(&system(files), Path::new(PLACE), &[Named::Path(PLACE.into())]);
    let session = Session::new(project, Settings::default());
    let reports = session.reports(&Levels::default());
    let error = |report: &Report| {
        let span = report.diagnostic.primary();
        let line = span.and_then(|span| {
            let file = session.sources().file(span.file)?;
            Some(file.text.get(..span.start as usize)?.lines().count().max(1))
                .and_then(|at| file.text.lines().nth(at - 1))
        });
        ErrorAtLine { line: line.unwrap_or_default().trim().to_owned(), message: report.diagnostic.message.clone() }
    };
    let found: Vec<ErrorAtLine> =
        reports.iter().filter(|report| report.severity == Severity::Error).map(error).collect();
    match found.is_empty() && session.output().is_none() {
        true => vec![ErrorAtLine { line: String::new(), message: "it does not compile".to_owned() }],
        false => found,
    }
}

/// The flows that errors are about.
fn wrong_flows(written: &WrittenSeed, errors: &[ErrorAtLine]) -> Vec<(usize, String, String)> {
    let wrong = written.flows.iter().filter_map(|flow| {
        let error = errors.iter().find(|error| error.line.starts_with(&flow.statement))?;
        Some((flow.flow, format!("{}: {}", flow.namespace, flow.statement), error.message.clone()))
    });
    wrong.collect()
}

/// What the components of the catalogue declare.
fn catalogue_tiers() -> Vec<CatalogueTier> {
    let of_component = |name: &'static str| {
        let system = Memory::default().with(format!("{PLACE}/use.{EXTENSION}"), format!("use {name}\n"));
        let project = Project::load(&system, Path::new(PLACE), &[Named::Path(PLACE.into())]);
        let session = Session::new(project, Settings::default());
        let Some(model) = session.model() else { return Vec::new() };
        let mut found: Vec<CatalogueTier> = Vec::new();
        let entry = |namespace: &Arc<str>, tier: Arc<str>, selector| CatalogueTier {
            component: name.into(),
            namespace: namespace.clone(),
            tier,
            selector,
        };
        for namespace in model.namespaces.iter().filter(|one| matches!(one.kind, NamespaceKind::External(_))) {
            found.push(entry(&namespace.declared, "*".into(), Selector::everything()));
        }
        for tier in model.tiers.iter() {
            if let Some(namespace) = model.namespace(tier.namespace) {
                found.insert(0, entry(&namespace.declared, tier.name.clone(), tier.selector.clone()));
            }
        }
        found
    };
    COMPONENTS.iter().flat_map(|component| of_component(component.name)).collect()
}
