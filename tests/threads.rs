//! What comes out is the same however many threads there are.

use polder::diag::Levels;
use polder::parallel;
use polder::session::{Manifests, Memory, Named, Project, Session, Settings};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

/// So many namespaces, and tiers in each, that all work is worth to be shared. Each namespace has a file.
const NAMESPACES: usize = 40;
const TIERS: usize = 16;

fn program() -> Memory {
    let mut memory = Memory::default().with("/p/polder.toml", "");
    for namespace in 0..NAMESPACES {
        let mut text = format!("namespace team-{namespace} {{\n");
        for tier in 0..TIERS {
            writeln!(text, "  tier t{tier} {{ http: 8080/tcp }}").unwrap();
        }
        for tier in 1..TIERS {
            writeln!(text, "  t{} -> t{tier}:http", tier / 2).unwrap();
            writeln!(text, "  t{tier} -> team-{}/t0:http", (namespace + tier) % NAMESPACES).unwrap();
        }
        // Said twice, so that there is something to warn of.
        writeln!(text, "  t0 -> t1:http\n}}").unwrap();
        memory = memory.with(format!("/p/{namespace}.polder"), text);
    }
    memory
}

/// The limit is that of the process.
static LIMIT: Mutex<()> = Mutex::new(());

/// What `work` comes to on one thread, and on others.
fn on_any_number<T: PartialEq>(work: impl Fn() -> T) -> T {
    let _only = LIMIT.lock();
    let on = |threads: usize| {
        parallel::limit(threads);
        let done = work();
        parallel::limit(0);
        done
    };
    let one = on(1);
    for threads in [2, 3, 7, 16] {
        assert!(on(threads) == one, "{threads} threads come to something else than one");
    }
    one
}

fn session(memory: &Memory) -> Session {
    let settings = Settings { kustomize: true, ..Settings::default() };
    Session::new(Project::load(memory, Path::new("/p"), &[]), settings)
}

#[test]
fn a_build_is_the_same_on_any_number_of_threads() {
    let memory = program();
    let (files, reports) = on_any_number(|| {
        let built = session(&memory).build();
        (built.output().unwrap().files().to_vec(), built.reports(&Levels::default()))
    });
    assert!(files.len() > 1_000 && reports.len() >= NAMESPACES, "{} files, {} reports", files.len(), reports.len());
}

#[test]
fn what_is_wrong_is_told_in_the_same_order_on_any_number_of_threads() {
    let memory = (0..NAMESPACES).step_by(3).fold(program(), |memory, namespace| {
        memory.with(format!("/p/{namespace}-broken.polder"), "namespace {\n  tier\n}\nx ->\n")
    });
    let reports = on_any_number(|| session(&memory).reports(&Levels::default()));
    assert!(reports.len() > NAMESPACES, "{} reports", reports.len());
}

#[test]
fn manifests_are_the_same_on_any_number_of_threads() {
    let built = session(&program()).build();
    let files = built.output().unwrap().files();
    let mut memory = Memory::default();
    for (at, file) in files.iter().enumerate() {
        let path = format!("/m/{}", &*file.path);
        // Some that cannot be read, some that are no text, and some that are there twice.
        memory = match at % 50 {
            0 => memory.with(path, file.body.replace("spec:", "spce:")),
            1 => memory.with(path, b"\xff".to_vec()),
            2 => memory.with(format!("/m/again/{at}.yaml"), &*file.body).with(path, &*file.body),
            _ => memory.with(path, &*file.body),
        };
    }
    let (policies, told) = on_any_number(|| {
        let read = Manifests::load(&memory, Path::new("/"), &[Named::Path("/m".into())], "default");
        let told = format!("{:?} {:?} {:?} {:?}", read.diagnostics, read.remarks, read.unread, read.notes);
        (format!("{:?} {:?} {:?}", read.policies, read.policy_spans, read.written), told)
    });
    assert!(policies.len() > 10_000 && told.contains("spce"), "{told}");
}

#[test]
fn a_list_is_the_same_on_any_number_of_threads() {
    let pod = |at: usize| {
        let name = if at % 100 == 7 { "NO-NAME".to_owned() } else { format!("p{at}") };
        format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}", "labels": {{"n": "{at}"}}}}}}"#)
    };
    let pods: Vec<String> = (0..1_500).map(pod).collect();
    let text = format!(r#"{{"apiVersion": "v1", "items": [{}, null], "kind": "List"}}"#, pods.join(",\n"));
    let reading = on_any_number(|| polder::k8s::read(&text, "default"));
    assert_eq!((reading.objects.len(), reading.problems.len()), (1_485, 16));
}
