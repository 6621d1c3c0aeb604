//! A step of a roll-out: what is written is what the program would become if its `isolate` said no more.

use crate::oracle::check::{Failure, Wrong, check, check_all};
use crate::oracle::compile::{LAYOUTS, compile, compile_with};
use crate::oracle::evaluate::Direction;
use crate::oracle::generate;
use crate::oracle::program::{Isolate, Kind, Namespace, Platform, Program};
use crate::oracle::render::render;
use crate::oracle::rng::Rng;
use crate::oracle::shrink::shrink;

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// Whom a program isolates in a direction of a namespace: nobody, these tiers, or all pods.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Isolated {
    Tiers(Vec<String>),
    All,
}

fn isolated(namespace: &Namespace, direction: Direction) -> Isolated {
    let statements: Vec<&Isolate> =
        namespace.isolates.iter().filter(|isolate| isolate.directions.contains(&direction)).collect();
    if namespace.isolates.is_empty() || statements.iter().any(|isolate| isolate.tiers.is_empty()) {
        return Isolated::All;
    }
    let mut tiers: Vec<String> = statements.iter().flat_map(|isolate| isolate.tiers.clone()).collect();
    tiers.sort();
    tiers.dedup();
    Isolated::Tiers(tiers)
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// The `isolate` statements for what is isolated in each direction.
fn statements(all: &[(Direction, Isolated)]) -> Vec<Isolate> {
    let statement = |(direction, isolated): &(Direction, Isolated)| {
        let tiers = match isolated {
            Isolated::All => Vec::new(),
            Isolated::Tiers(tiers) if tiers.is_empty() => return None,
            Isolated::Tiers(tiers) => tiers.clone(),
        };
        Some(Isolate { directions: vec![*direction], tiers })
    };
    let all: Vec<Isolate> = all.iter().filter_map(statement).collect();
    if all.is_empty() { vec![Isolate { directions: Vec::new(), tiers: Vec::new() }] } else { all }
}

/// A list that names some of what a program isolates, and the program whose `isolate` says just that.
fn step(program: &Program, seed: u64) -> (Vec<String>, Program) {
    let (mut rng, mut list, mut cut) = (Rng::new(seed), Vec::new(), program.clone());
    for namespace in &mut cut.namespaces {
        if namespace.kind != Kind::Managed {
            continue;
        }
        let whole = DIRECTIONS.map(|direction| (direction, isolated(namespace, direction)));
        let left = match rng.below(5) {
            // All of it, in one entry.
            0 if whole.iter().any(|(_, isolated)| *isolated != Isolated::Tiers(Vec::new())) => {
                // A namespace may be called as the word for everything is.
                list.push(format!("{}/*", namespace.name));
                whole.to_vec()
            }
            1 => whole.iter().map(|(direction, _)| (*direction, Isolated::Tiers(Vec::new()))).collect(),
            _ => whole.iter().map(|side| some_of(namespace, side, &mut rng, &mut list)).collect(),
        };
        namespace.isolates = statements(&left);
    }
    (list, cut)
}

/// Some of what is isolated in a direction, with the entries that say so.
fn some_of(
    namespace: &Namespace,
    (direction, whole): &(Direction, Isolated),
    rng: &mut Rng,
    list: &mut Vec<String>,
) -> (Direction, Isolated) {
    let declared: Vec<String> = namespace.tiers.iter().map(|tier| tier.name.clone()).collect();
    let candidates = match whole {
        Isolated::All => &declared,
        Isolated::Tiers(tiers) => tiers,
    };
    if *whole != Isolated::Tiers(Vec::new()) && rng.chance(30) {
        list.push(format!("{}/*:{}", namespace.name, word(*direction)));
        return (*direction, whole.clone());
    }
    let mut kept: Vec<String> = candidates.iter().filter(|_| rng.chance(50)).cloned().collect();
    list.extend(kept.iter().map(|tier| format!("{}/{tier}:{}", namespace.name, word(*direction))));
    kept.sort();
    (*direction, Isolated::Tiers(kept))
}

/// Manifests without their doc comments, which the two texts have in other places.
fn without_docs(manifests: Vec<String>) -> Vec<String> {
    let is_plain = |line: &&str| !line.contains("kubernetes.io/description");
    manifests.iter().map(|text| text.lines().filter(is_plain).collect::<Vec<_>>().join("\n")).collect()
}

/// Whether a whole program may be refused and a step of it not: Kube-OVN takes policies for one whose names differ in `-` and
/// `.` alone.
fn may_be_refused(source: &str) -> bool {
    source.contains("kube-ovn")
}

/// Whether what is written of a step means, and is, what the program of the step would become.
fn holds(program: &Program, seed: u64) -> Result<(), Failure> {
    let (list, cut) = step(program, seed);
    let whole = render(program);
    if may_be_refused(&whole) {
        return Ok(());
    }
    let list = if list.is_empty() { "none".to_owned() } else { list.join(",") };
    let build = |_: &str, layout: &str, environment: Option<&str>| {
        compile_with(&whole, layout, environment, &["--enforce", &list])
    };
    check(&cut, &build)?;
    for layout in LAYOUTS {
        let (step, plain) = (build("", layout, None), compile(&render(&cut), layout, None));
        let (step, plain) = (step.map(without_docs), plain.map(without_docs));
        if step != plain {
            let (step, plain) = (step.unwrap_or_default(), plain.unwrap_or_default());
            let only = |one: &[String], other: &[String]| {
                one.iter().filter(|text| !other.contains(text)).cloned().collect::<Vec<_>>().join("\n---\n")
            };
            let (more, less) = (only(&step, &plain), only(&plain, &step));
            let detail = format!("--enforce {list}, layout {layout}\n{more}\n--- and not\n{less}");
            return Err(Failure { wrong: Wrong::Meaning, detail });
        }
    }
    Ok(())
}

/// What `--enforce` leaves is what the program with smaller `isolate` becomes, byte for byte, and means that to an evaluator
/// that knows nothing of the compiler.
#[test]
fn a_step_is_the_program_with_smaller_isolation() {
    let cases = std::env::var("POLDER_CASES").map_or(60, |cases| cases.parse().unwrap());
    let next = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= cases {
                return;
            }
            let program = generate::program(seed);
            let Err(failure) = holds(&program, seed) else { continue };
            let (small, failure) = shrink(&program, failure, |program| holds(program, seed));
            panic!("seed {seed}: {:?}\n{}\n{}", failure.wrong, render(&small), failure.detail);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

/// The documents of manifests, by whether they are staged; those are put back to what they would be if they were enforced.
fn put_back(manifests: &[String]) -> [Vec<String>; 2] {
    const HEAD: &str = "apiVersion: projectcalico.org/v3\nkind: StagedKubernetesNetworkPolicy\n";
    let (staged, enforced): (Vec<&String>, Vec<&String>) = manifests.iter().partition(|text| text.starts_with(HEAD));
    let back = |text: &&String| {
        let text = text.replacen(HEAD, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n", 1);
        text.replacen("\nspec:\n  stagedAction: Set\n", "\nspec:\n", 1).trim_end().to_owned()
    };
    [enforced.into_iter().map(|text| text.trim_end().to_owned()).collect(), staged.iter().map(back).collect()]
}

/// What is staged and what is enforced are together what the whole program becomes: by an evaluator that knows nothing of the
/// compiler, and where nothing is enforced byte for byte.
#[test]
fn staged_and_enforced_policies_are_the_program() {
    for seed in 0..30 {
        let program = generate::program(seed);
        // Staged policies of Calico need it.
        let program = Program { platform: Platform { cni: None, ..program.platform.clone() }, ..program };
        let (list, _) = step(&program, seed);
        let list = if list.is_empty() { "none".to_owned() } else { list.join(",") };
        let source = render(&program);
        let joint = |_: &str, layout: &str, environment: Option<&str>| {
            let options = ["--enforce", &list, "--rest", "calico"];
            Ok(put_back(&compile_with(&source, layout, environment, &options)?).concat())
        };
        // What is enforced of a part stands beside the staged whole, so parts of it could go.
        if let Err(failure) = check_all(&program, &joint, false) {
            panic!("seed {seed}: --enforce {list}\n{source}\n{}", failure.detail);
        }
        for layout in LAYOUTS {
            let [plain, _] = put_back(&compile(&source, layout, None).unwrap());
            let all = compile_with(&source, layout, None, &["--enforce", "none", "--rest", "calico"]).unwrap();
            assert_eq!(put_back(&all), [Vec::new(), plain.clone()], "{source}");
            let [enforced, _] = put_back(&compile_with(&source, layout, None, &["--enforce", &list]).unwrap());
            let both = compile_with(&source, layout, None, &["--enforce", &list, "--rest", "calico"]).unwrap();
            let [beside, staged] = put_back(&both);
            assert_eq!(beside, enforced, "{source}");
            assert!(staged.iter().all(|text| plain.contains(text) && !enforced.contains(text)), "{source}");
            let done = compile_with(&source, layout, None, &["--enforce", "*", "--rest", "calico"]).unwrap();
            assert_eq!(put_back(&done), [plain, Vec::new()]);
        }
    }
}

#[test]
fn all_of_a_program_is_the_plain_build_and_nothing_is_nothing() {
    for seed in 0..20 {
        let source = render(&generate::program(seed));
        if may_be_refused(&source) {
            continue;
        }
        for layout in LAYOUTS {
            assert_eq!(compile_with(&source, layout, None, &["--enforce", "*"]), compile(&source, layout, None));
            assert_eq!(compile_with(&source, layout, None, &["--enforce", "none"]), Ok(Vec::new()));
        }
    }
}

/// The order for the shop and the log of a day, as it was worked out by hand: entry, groups seen, dropped, unknown.
#[test]
fn the_shop_has_the_order_that_its_log_asks_for() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(["rollout", "tests/replay/shop/hubble.jsonl", "-p", "examples/shop", "--format", "json"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let document: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let steps = document["steps"].as_array().unwrap().iter();
    let line = |step: &serde_json::Value| {
        format!("{} {} {} {}", step["enforce"].as_str().unwrap(), step["seen"], step["drops"], step["unknown"])
    };
    let steps: Vec<String> = steps.map(line).collect();
    let first = ["audit:ingress 1 0 0", "notifications:ingress 1 0 0", "audit:egress 1 0 0", "orders:ingress 2 0 0"];
    assert_eq!(steps[..4], first);
    assert_eq!(steps[4], "payments:ingress 4 1 0");
    assert_eq!(steps[10..], ["data:ingress 16 6 5", "data:egress 0 0 0"]);
    assert_eq!((steps.len(), &document["clear"]), (12, &4.into()));
}
