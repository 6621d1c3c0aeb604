//! The compiler's output means what the program says, by an oracle that shares no code with the compiler.

use crate::oracle::check::check;
use crate::oracle::compile::{LAYOUTS, compile};
use crate::oracle::generate;
use crate::oracle::read::documents;
use crate::oracle::render::render;
use crate::oracle::shrink::shrink;
use crate::oracle::universe::difference;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many random programs are compiled unless `POLDER_CASES` says another number.
const CASES: u64 = 1000;

/// Each example that names a file of the corpus in its file `equals` allows exactly the same connections.
#[test]
fn examples_equal_their_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let Ok(name) = fs::read_to_string(folder.join("equals")) else { continue };
        found += 1;
        let wanted = fs::read_to_string(root.join("tests/corpus").join(name.trim())).unwrap();
        let wanted = documents(&wanted).unwrap();
        let mut sources: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        sources.retain(|path| path.extension().is_some_and(|e| e == "polder"));
        sources.sort();
        let source: String = sources.iter().map(|path| fs::read_to_string(path).unwrap() + "\n").collect();
        for layout in LAYOUTS {
            let manifests = compile(&source, layout, None).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            let text = manifests.join("\n---\n");
            if let Some(counterexample) = difference(&documents(&text).unwrap(), &wanted).unwrap() {
                let what = folder.display();
                panic!("{what}, layout {layout}: left is the example, right the corpus\n{counterexample}\n{text}");
            }
        }
    }
    let corpus = [root.join("tests/corpus"), root.join("tests/corpus/recipes"), root.join("tests/corpus/three-tier")];
    let files = corpus.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let manifests = files.filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|e| e == "yaml")).count();
    assert_eq!(found, manifests, "each file of the corpus has an example");
}

/// Random programs: the meaning, in every layout and environment, and that nothing is superfluous.
///
/// `POLDER_CASES` is how many, `POLDER_SEED` the first seed. The first failure is shrunk and shown whole, the others are
/// listed.
#[test]
fn random_programs_mean_what_they_say() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (cases, first) = (number("POLDER_CASES", CASES), number("POLDER_SEED", 0));
    let next = AtomicU64::new(first);
    let failures = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + cases {
                return;
            }
            if let Err(failure) = check(&generate::program(seed), &compile) {
                failures.lock().unwrap().insert(seed, failure);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    let Some((seed, failure)) = failures.first_key_value() else { return };
    let program = generate::program(*seed);
    let (small, failure) = shrink(&program, failure.clone(), |p| check(p, &compile));
    let all: Vec<String> = failures.iter().map(|(seed, failure)| format!("{seed} {:?}", failure.wrong)).collect();
    panic!(
        "seed {seed}: {:?}\n--- the program, shrunk\n{}\n--- what is wrong\n{}\n--- the whole program\n{}\n\
         --- {} of {cases} programs fail: {}",
        failure.wrong,
        render(&small),
        failure.detail,
        render(&program),
        all.len(),
        all.join(", ")
    );
}

/// The order of statements, and how they are spread over lines and blocks, changes nothing but the text of annotations.
#[test]
fn order_and_formatting_change_nothing() {
    let without_annotations = |manifests: Vec<String>| -> Vec<String> {
        let plain = |line: &&str| !line.contains("polder.dev/source") && !line.contains("kubernetes.io/description");
        manifests.iter().map(|text| text.lines().filter(plain).collect::<Vec<_>>().join("\n")).collect()
    };
    let mut different = 0;
    for seed in 0..60 {
        let program = generate::program(seed);
        let mut other = program.clone();
        other.style = program.style.wrapping_add(1);
        let texts = [render(&program), render(&other)];
        different += u32::from(texts[0] != texts[1]);
        let [one, two] = texts.each_ref().map(|text| compile(text, "flow", None).map(&without_annotations));
        assert_eq!(one, two, "seed {seed}\n{}\n--- and\n{}", texts[0], texts[1]);
    }
    assert!(different > 50, "only {different} programs were written in two ways");
}
