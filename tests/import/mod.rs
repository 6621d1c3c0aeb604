//! What `polder import` writes means the same as the policies that it read, side by side.
//!
//! - `cases/NAME.yaml` are policies, `cases/NAME.polder` the program that they become. `POLDER_UPDATE=1` writes what comes
//!   out today; read the difference.
//! - Random policies, and those that random programs become in the most obvious way.
//!
//! Everything that is imported is held against the oracle: isolation and what each side lets through, for all pods, addresses
//! and ports that could be told apart. Importing what was built of it again gives the same program, and neither the order of
//! the documents nor the files that they stand in change a byte.

#[cfg(target_os = "linux")]
mod alike;
mod folder;
mod hostile;
mod lifted;
mod mutants;
mod random;
mod shapes;

use crate::oracle::evaluate::{Direction, PolicySet, Stated};
use crate::oracle::rng::Rng;
use crate::oracle::universe::{Atoms, Universe};
use crate::oracle::{generate, naive, read};
use polder::diag::{Levels, Severity};
use polder::session::{Import, ImportOptions, Memory, Named, Project, Session, Settings};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// How many random sets are looked at unless `POLDER_CASES` says another number.
const CASES: u64 = 150;

fn import(files: &[(String, String)]) -> Import {
    let system = files.iter().fold(Memory::default(), |system, (path, text)| system.with(path.as_str(), text.as_str()));
    Import::load(&system, Path::new("/p"), &[Named::Path("/p".into())], &ImportOptions::default())
}

fn import_text(text: &str) -> Import {
    import(&[("/p/all.yaml".to_owned(), text.to_owned())])
}

fn session(program: &str) -> Session {
    let system = Memory::default().with("/p/main.polder", program);
    let project = Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings::default())
}

/// The manifests that a program becomes.
fn build(program: &str) -> String {
    let session = session(program);
    let reports = session.reports(&Levels::default());
    let errors: Vec<_> = reports.iter().filter(|report| report.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{program}");
    // What an import must not write: what is covered, never used, or silenced for nothing.
    for report in &reports {
        let code = report.diagnostic.code.as_str();
        assert!(!["W0001", "W0002", "W0003", "W0011", "W0013"].contains(&code), "{:?}\n{program}", report.diagnostic);
    }
    session.output().unwrap().stream().collect()
}

/// The first side that differs between two sets, for all that they can tell apart.
fn difference(one: &PolicySet, other: &PolicySet) -> Option<String> {
    let mut atoms = Atoms::of(one);
    atoms.join(Atoms::of(other));
    let universe = Universe::new(&atoms, &Stated::new());
    let isolates = |set: &PolicySet, party, direction| {
        set.policies.iter().any(|policy| policy.rules(direction).is_some() && policy.selects(party))
    };
    for party in &universe.parties {
        for direction in [Direction::Ingress, Direction::Egress] {
            if isolates(one, party, direction) != isolates(other, party, direction) {
                return Some(format!("one isolates {party} for {direction:?}"));
            }
        }
    }
    universe.chunks().find_map(|chunk| {
        let (side, found) = chunk.compare_sides(&chunk.sides(one), &chunk.sides(other))?;
        Some(format!("{side:?}: {found}"))
    })
}

/// The policies as the oracle reads them, which wants blocks in their canonical form: a comment `# read A as B` says it.
fn oracle(text: &str) -> PolicySet {
    let canonical = text.lines().filter_map(|line| line.strip_prefix("# read ")?.split_once(" as "));
    let text = canonical.fold(text.to_owned(), |text, (written, read)| text.replace(written, read));
    read::policies(&read::documents(&text).unwrap()).unwrap()
}

fn stream(documents: &[Value]) -> String {
    documents.iter().map(|one| format!("---\n{}", serde_yaml::to_string(one).unwrap())).collect()
}

/// The words of a program without comments, which no policy holds; descriptions are none. A comment may keep a block from
/// being one line, or want a blank line.
fn spoken(program: &str) -> String {
    let lines = program.lines().filter(|line| !line.trim_start().starts_with("# "));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Holds all that must be true of the import of policies, and gives the program.
fn hold(name: &str, text: &str) -> String {
    let imported = import_text(text);
    assert_eq!(
        (imported.failure.as_deref(), &*imported.refused),
        (None, &[][..]),
        "{name}\n{text}\n{}",
        imported.text()
    );
    let program = imported.text().to_owned();
    let built = build(&program);
    if let Some(found) = difference(&oracle(text), &oracle(&built)) {
        panic!("{name}: {found}\n{text}\n{program}");
    }
    let again = import_text(&built);
    assert_eq!(spoken(again.text()), spoken(&program), "{name}: imported again\n{text}\n{built}");
    program
}

/// The same documents in another order and in several files.
fn hold_order(name: &str, text: &str, program: &str) {
    let mut documents = read::documents(text).unwrap();
    let mut rng = Rng::new(documents.len() as u64);
    rng.shuffle(&mut documents);
    let files: Vec<(String, String)> = documents
        .chunks(2)
        .enumerate()
        .map(|(at, some)| (format!("/p/{}/{at}.yaml", rng.below(3)), stream(some)))
        .collect();
    // The documents have lost their comments.
    assert_eq!(spoken(import(&files).text()), spoken(program), "{name} in another order");
}

#[test]
fn cases_become_what_a_person_would_have_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let program = hold(&name, &text);
        hold_order(&name, &text, &program);
        let expected = path.with_extension("polder");
        if std::env::var_os("POLDER_UPDATE").is_some() {
            fs::write(&expected, &program).unwrap();
        }
        assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), program, "{name}");
    }
}

#[test]
fn many_isolated_pods_come_again() {
    let policy = |at: usize, labels: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at}, namespace: shop}}\nspec: {{podSelector: \
             {{{labels}}}, policyTypes: [Ingress]}}\n---\n"
        )
    };
    let expression = |operator: &str| format!("matchExpressions: [{{key: track, operator: {operator}}}]");
    let mut text = policy(0, &expression("Exists")) + &policy(1, &expression("DoesNotExist"));
    text.extend((2..260).map(|at| policy(at, &format!("matchLabels: {{app: a{at}}}"))));
    let program = import_text(&text).text().to_owned();
    // Those two are everybody.
    assert_eq!(program.matches("tier ").count(), 2, "{program}");
    assert_eq!(import_text(&build(&program)).text(), program);
}

#[test]
fn a_kustomization_gives_its_namespace_to_what_it_is_made_of() {
    let policy =
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}}\n";
    let named = |name: &str| policy.replace("deny", name);
    let system = Memory::default()
        .with("/p/kustomization.yaml", "namespace: shop\nresources: [deny.yaml, parts/more.yaml, sub, twice]\n")
        .with("/p/deny.yaml", policy)
        .with("/p/parts/more.yaml", named("more"))
        .with("/p/sub/kustomization.yaml", "resources: [inner.yaml]\n")
        .with("/p/sub/inner.yaml", named("inner"))
        .with("/p/other/kustomization.yaml", "namespace: other\nresources: [../twice]\n")
        .with("/p/twice/kustomization.yaml", "resources: [both.yaml]\n")
        .with("/p/twice/both.yaml", named("both"))
        .with("/p/loose.yaml", named("loose"));
    let homes = |path: &str| -> Vec<String> {
        let named = [Named::Path(path.into())];
        let import = Import::load(&system, Path::new("/p"), &named, &ImportOptions::default());
        import.policies.iter().map(|one| format!("{}/{}", one.namespace, one.name)).collect()
    };
    // What two of them take in is in no one namespace.
    assert_eq!(homes("/p"), ["default/both", "default/loose", "shop/deny", "shop/inner", "shop/more"]);
    assert_eq!(homes("/p/deny.yaml"), ["shop/deny"]);
    assert_eq!(homes("/p/loose.yaml"), ["default/loose"]);
    let options = ImportOptions { namespace: Some("team"), ..ImportOptions::default() };
    let import = Import::load(&system, Path::new("/p"), &[Named::Path("/p/loose.yaml".into())], &options);
    assert_eq!(&*import.policies[0].namespace, "team");
}

#[test]
fn what_runs_names_tiers_and_their_ports() {
    let policy = |name: &str, labels: &str, from: &str, port: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{podSelector: \
             {{matchExpressions: [{labels}]}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {from}}}}}}}], ports: \
             [{{port: {port}}}]}}]}}\n---\n"
        )
    };
    let policies = policy("api", "{key: app, operator: In, values: [api]}", "web", "8080")
        + &policy("db", "{key: stateful, operator: Exists}", "api", "5432")
        + &policy("cache", "{key: app, operator: In, values: [cache]}", "api", "6380");
    let deployment = |name: &str, labels: &str, ports: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{selector: {{matchLabels: \
             {{{labels}}}}}, template: {{metadata: {{labels: {{{labels}}}}}, spec: {{containers: [{{name: c, image: x, ports: \
             [{ports}]}}]}}}}}}\n---\n"
        )
    };
    let workloads =
        deployment("api-server", "app: api", "{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}")
            + &deployment("postgres", "stateful: 'yes'", "{name: pg, containerPort: 5432}")
            + &deployment("redis", "app: cache", "{name: redis, containerPort: 6379}");
    let system = Memory::default().with("/p/policies.yaml", policies).with("/p/runs.yaml", workloads);
    let runs = [Named::Path("/p/runs.yaml".into())];
    let options = ImportOptions { workloads: &runs, ..ImportOptions::default() };
    let import = Import::load(&system, Path::new("/p"), &[Named::Path("/p/policies.yaml".into())], &options);
    assert_eq!((import.failure.as_deref(), &*import.refused), (None, &[][..]));
    // A label that has a value is the better name, and a port that a container has no name for leaves its tier open.
    assert_eq!(
        import.text(),
        "namespace shop {\n  isolate ingress for api, cache, postgres\n  tier api                 { http: 8080/tcp, metrics: 9090/tcp }\n  \
         tier cache\n  tier postgres (stateful) { pg: 5432/tcp }\n  tier web\n\n  web -> api:http\n  api -> cache:6380/tcp\n  \
         api -> postgres:pg\n}\n"
    );
}

fn cases() -> std::ops::Range<u64> {
    let first = std::env::var("POLDER_SEED").map_or(0, |text| text.parse().unwrap());
    first..first + std::env::var("POLDER_CASES").map_or(CASES, |text| text.parse().unwrap())
}

#[test]
fn random_policies_become_a_program_that_means_the_same() {
    for seed in cases() {
        let text = stream(&random::policies(seed));
        let program = hold(&format!("seed {seed}"), &text);
        hold_order(&format!("seed {seed}"), &text, &program);
    }
}

#[test]
fn what_random_programs_become_is_imported() {
    for seed in cases().take(60) {
        let documents: Vec<Value> = naive::lower(&generate::program(seed)).into_iter().take(12).collect();
        if !documents.is_empty() {
            hold(&format!("seed {seed}"), &stream(&documents));
        }
    }
}
