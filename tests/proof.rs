//! The proof of every build has teeth: manifests that mean something else than their program are refused, and those
//! that the compiler writes never are. What "something else" is, the oracle says.

use crate::oracle::evaluate::{NAME_LABEL, PolicySet, Stated};
use crate::oracle::generate;
use crate::oracle::read::{documents, policies};
use crate::oracle::render::render;
use crate::oracle::rng::Rng;
use crate::oracle::universe::compare;
use crate::proof_operators::{OPERATORS, Operator};
use polder::diag::Levels;
use polder::flow::{FlowSet, ManagedNamespace};
use polder::k8s;
use polder::net::Values;
use polder::netpol::Policy;
use polder::plan::Layout;
use polder::prove::{Counterexample, Grants};
use polder::session::{Memory, Named, Project, Session, Settings};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

fn prove(set: &FlowSet, policies: &[Policy]) -> Result<(), Counterexample> {
    polder::prove::prove(set, &Grants::of_policies(set, policies)?)
}

const LAYOUTS: [Layout; 3] = [Layout::Flow, Layout::Tier, Layout::Namespace];

fn session(source: &str, layout: Layout, environment: Option<&str>) -> Session {
    let memory = Memory::default().with("/p/a.polder", source);
    let project = Project::load(&memory, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings { environment: environment.map(str::to_owned), layout, ..Settings::default() })
}

fn read_back(text: &str) -> Option<Vec<Policy>> {
    let reading = k8s::read(text, "default");
    reading.problems.is_empty().then(|| reading.policies.into_iter().map(|read| read.policy).collect())
}

fn stream(session: &Session) -> String {
    let reports = session.reports(&Levels::default());
    let errors: Vec<&str> =
        reports.iter().map(|r| &r.diagnostic).filter(|d| d.code.as_str() == "E0900").map(|d| &*d.message).collect();
    assert!(errors.is_empty(), "{errors:?}");
    session.output().unwrap_or_else(|| panic!("{reports:?}")).stream().collect()
}

fn examples() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut all = Vec::new();
    for folder in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut sources: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        sources.retain(|path| path.extension().is_some_and(|e| e == "polder"));
        sources.sort();
        let source: String = sources.iter().map(|path| std::fs::read_to_string(path).unwrap() + "\n").collect();
        all.push((folder.display().to_string(), source));
    }
    all.sort();
    all
}

/// One program's manifests, and what it takes to judge a change of them.
struct Subject {
    name: String,
    flows: FlowSet,
    documents: Vec<Value>,
    meaning: PolicySet,
    stated: Stated,
}

impl Subject {
    fn new(name: &str, session: &Session) -> Subject {
        let documents = documents(&stream(session)).unwrap();
        let flows = session.flows().unwrap().clone();
        let stated = |namespace: &ManagedNamespace| {
            let label = |(key, values): (&Arc<str>, &Values)| {
                let value = values.required().map(|values| values[0].to_string());
                (key.to_string(), value)
            };
            (
                namespace.name.to_string(),
                namespace.labels.entries().filter(|(key, _)| ***key != *NAME_LABEL).map(label).collect(),
            )
        };
        let stated = flows.namespaces.iter().map(stated).collect();
        Subject { name: name.to_owned(), flows, meaning: policies(&documents).unwrap(), documents, stated }
    }

    /// Changes the manifests and lets them be proved. Gives whether the change was refused and changed the meaning.
    fn mutate(&self, operator: &Operator, rng: &mut Rng, known: bool) -> bool {
        let mut changed = Value::Array(self.documents.clone());
        if !(operator.change)(&mut changed, rng) {
            return false;
        }
        let Value::Array(changed) = changed else { panic!("documents are a list") };
        let text: Vec<String> = changed.iter().map(Value::to_string).collect();
        let text = text.join("\n---\n");
        let (Some(read), Ok(meaning)) = (read_back(&text), policies(&changed)) else { return false };
        let proof = prove(&self.flows, &read);
        if proof.is_err() && known {
            return false;
        }
        let difference = compare(&self.meaning, &meaning, &self.stated);
        match (proof, difference) {
            (Ok(()), Some(found)) => {
                panic!("{}: {}: the proof accepts a change\n{found}\n{text}", self.name, operator.name)
            }
            (Err(_), Some(_)) => true,
            (_, None) => false,
        }
    }
}

fn subjects() -> Vec<Subject> {
    let mut all = Vec::new();
    for (name, source) in examples() {
        // The largest ones take the oracle too long.
        if source.len() < 2500 {
            all.push(Subject::new(&name, &session(&source, Layout::Tier, None)));
        }
    }
    for seed in 0..40 {
        let program = generate::program(seed);
        let layout = LAYOUTS[seed as usize % 3];
        all.push(Subject::new(&format!("seed {seed}"), &session(&render(&program), layout, None)));
    }
    all.retain(|subject| !subject.documents.is_empty());
    all
}

#[test]
fn every_change_of_meaning_is_refused() {
    let subjects = subjects();
    let counts: Mutex<BTreeMap<&str, u32>> = Mutex::new(BTreeMap::new());
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(subject) = subjects.get(at as usize) else { return };
            for (index, operator) in OPERATORS.iter().enumerate() {
                let mut rng = Rng::new(at * 1000 + index as u64);
                for _ in 0..3 {
                    let known = counts.lock().unwrap().get(operator.name).is_some_and(|count| *count >= 2);
                    if subject.mutate(operator, &mut rng, known) {
                        *counts.lock().unwrap().entry(operator.name).or_default() += 1;
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().unwrap();
    let idle: Vec<&str> = OPERATORS.iter().map(|o| o.name).filter(|name| !counts.contains_key(name)).collect();
    assert!(counts.len() >= 60, "{} operators changed a meaning; without effect: {idle:?}", counts.len());
    assert!(idle.is_empty(), "these never changed a meaning: {idle:?}");
}

#[test]
fn what_the_compiler_writes_is_never_refused() {
    for (_, source) in examples() {
        LAYOUTS.iter().for_each(|layout| drop(stream(&session(&source, *layout, None))));
    }
    for seed in 1000..1080 {
        let program = generate::program(seed);
        let source = render(&program);
        for layout in LAYOUTS {
            let environments = program.environments.iter().map(|e| Some(e.name.as_str()));
            environments.chain([None]).for_each(|environment| drop(stream(&session(&source, layout, environment))));
        }
    }
}

#[test]
fn two_ranges_that_are_all_ports_hold_every_named_port() {
    let source = "namespace shop {\n  tier a\n  tier b\n  a -> b:{1-100, 101-65535}/tcp\n  a -> b:\"http\"/tcp\n}\n";
    stream(&session(source, Layout::Flow, None));
    let apart = "namespace shop {\n  tier a\n  tier b\n  tier c (app=b)\n  a -> b:1-100/tcp\n  a -> c:101-65535/tcp\n  \
                 a -> b:\"http\"/tcp\n}\n";
    stream(&session(apart, Layout::Flow, None));
}

#[test]
fn a_policy_elsewhere_and_a_name_used_twice_are_refused() {
    let source = "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n";
    let session = session(source, Layout::Flow, None);
    let flows = session.flows().unwrap();
    let policies = read_back(&stream(&session)).unwrap();
    let mut twice = policies.clone();
    twice.push(policies[0].clone());
    assert!(prove(flows, &twice).unwrap_err().to_string().contains("two policies"));
    let mut elsewhere = policies.clone();
    elsewhere.push(Policy { namespace: "other".into(), ..policies[0].clone() });
    assert!(prove(flows, &elsewhere).unwrap_err().to_string().contains("not managed"));
    let mut open = policies;
    open.retain(|policy| policy.ingress.as_ref().is_none_or(Vec::is_empty));
    assert_eq!(
        prove(flows, &open).unwrap_err().to_string(),
        "the policies would forbid what a flow says (ingress): a pod with (app=a) in namespace `shop` -> a pod with \
         (app=b) in namespace `shop` on port 80/tcp"
    );
}

#[test]
fn two_dns_settings_that_come_to_the_same_pods_make_one_policy() {
    let source = "namespace kube-system {\n  isolate ingress, egress for dns\n  tier dns (k8s-app=kube-dns)\n  \
                  dns kube-system/dns:53\n}\nnamespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n";
    LAYOUTS.iter().for_each(|layout| drop(stream(&session(source, *layout, None))));
}
