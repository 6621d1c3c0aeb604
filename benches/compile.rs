//! `cargo bench`: the stages of a build over programs of growing size, their memory, and the writing of the output
//! beside a bare loop that writes the same files. Figures are per program and as growth from one size to the next.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod programs;

use polder::diag::Levels;
use polder::output::{self, OutputFile};
use polder::plan::Layout;
use polder::session::{Memory, Named, Output, Project, Session, Settings};
use polder::source::Sources;
use polder::target::network_policy;
use polder::{flow, k8s, model, plan, prove, syntax};
use std::path::Path;
use std::time::{Duration, Instant};

/// Flows, and namespaces that they are spread over. There is a tier for every three flows.
const SIZES: [(usize, usize); 5] = [(100, 10), (1_000, 20), (10_000, 200), REFERENCE, (100_000, 200)];

/// The program that other tools were measured with.
const REFERENCE: (usize, usize) = (30_000, 200);

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if let Some(flows) = std::env::var("POLDER_BENCH_CHILD").ok().and_then(|flows| flows.parse().ok()) {
        let namespaces = SIZES.iter().find(|(known, _)| *known == flows).unwrap().1;
        return print_memory(flows, namespaces);
    }
    println!(
        "one core; best of several runs; growth is time against the size before, for the same growth of the program"
    );
    println!();
    stages();
    println!();
    writing(REFERENCE.0, REFERENCE.1);
}

/// The best of several runs of a step, and its result.
fn best<T>(runs: usize, mut step: impl FnMut() -> T) -> (Duration, T) {
    let mut shortest = Duration::MAX;
    let mut last = None;
    for _ in 0..runs {
        let start = Instant::now();
        let result = step();
        shortest = shortest.min(start.elapsed());
        last = Some(result);
    }
    (shortest, last.unwrap())
}

struct Stages {
    times: [(&'static str, Duration); 8],
    policies: usize,
    bytes: usize,
}

fn measure(flows: usize, namespaces: usize) -> Stages {
    let program = programs::program(flows, namespaces);
    // Other work on the machine slows most runs down; the smaller ones cost little to repeat.
    let runs = if flows > REFERENCE.0 { 5 } else { 15 };
    let mut sources = Sources::default();
    let file = sources.add("bench.polder", program.as_str());
    let (parse, parsed) = best(runs, || syntax::parse(&sources, file));
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics.first());
    let trees = [parsed.tree];
    let options = model::Options::default();
    let (resolve, resolved) = best(runs, || model::resolve(&sources, &trees, &options));
    let errors = resolved.diagnostics.iter().find(|found| found.code.as_str().starts_with('E'));
    assert!(errors.is_none(), "{errors:?}");
    let (lower, set) = best(runs, || flow::lower(&resolved.model));
    let (plan, planned) = best(runs, || plan::plan(&set, Layout::Flow));
    let (emit, written) = best(runs, || Output::new(&planned.policies, Layout::Flow, false));
    let files = written.files();
    let (read, reread) = best(runs, || read_back(files));
    assert_eq!(reread, planned.policies.policies.len());
    let (prove, proof) = best(runs, || {
        let granted = network_policy::grants(&set, files.iter().map(|file| &*file.body))?;
        prove::prove(&set, &granted).map_err(|found| found.to_string())
    });
    assert!(proof.is_ok(), "{proof:?}");
    let (seal, sealed) = best(runs, || files.iter().map(|file| output::seal(&file.body).len()).sum::<usize>());
    Stages {
        times: [
            ("parse", parse),
            ("resolve", resolve),
            ("lower", lower),
            ("plan", plan),
            ("to YAML", emit),
            ("prove", prove),
            ("read back", read),
            ("checksums", seal),
        ],
        policies: planned.policies.policies.len(),
        bytes: sealed,
    }
}

/// Reads the policies of files back, one file at a time as a build does, and counts them.
fn read_back(files: &[OutputFile]) -> usize {
    let mut reader = k8s::Rereader::default();
    let mut count = 0;
    for file in files {
        count += reader.policies(&file.body).unwrap().len();
    }
    count
}

fn stages() {
    println!(
        "{:>8} {:>9} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}  growth",
        "flows",
        "policies",
        "parse",
        "resolve",
        "lower",
        "plan",
        "to YAML",
        "prove",
        "reread",
        "sums",
        "whole",
        "YAML",
        "memory"
    );
    let mut before: Option<(usize, Duration)> = None;
    for (flows, namespaces) in SIZES {
        let stages = measure(flows, namespaces);
        // The proof reads back by itself.
        let parts = stages.times.iter().filter(|(stage, _)| *stage != "read back");
        let whole: Duration = parts.map(|(_, time)| *time).sum();
        let times: Vec<String> =
            stages.times.iter().map(|(_, time)| format!("{:>6.1}ms", time.as_secs_f64() * 1e3)).collect();
        let growth = before.filter(|(size, _)| *size < flows).map_or(String::new(), |(size, time)| {
            format!("{:.2}x for {:.1}x", whole.as_secs_f64() / time.as_secs_f64(), flows as f64 / size as f64)
        });
        println!(
            "{flows:>8} {:>9} {:>10} {} {:>7.1}ms {:>7.1}MB {:>7}MB  {growth}",
            stages.policies,
            times[0],
            times[1..].join(" "),
            whole.as_secs_f64() * 1e3,
            stages.bytes as f64 / 1e6,
            memory(flows),
        );
        before = Some((flows, whole));
    }
}

/// The most memory that a whole build takes, measured in a process of its own.
fn memory(flows: usize) -> String {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .env("POLDER_BENCH_CHILD", flows.to_string())
        .output()
        .unwrap();
    String::from_utf8(child.stdout).unwrap().trim().to_owned()
}

fn print_memory(flows: usize, namespaces: usize) {
    let root = Path::new("/project");
    let program = programs::program(flows, namespaces);
    let system = Memory::default().with(root.join("bench.polder"), program);
    let named = [Named::Path(root.join("bench.polder"))];
    let built = Session::new(Project::load(&system, root, &named), Settings::default()).build();
    assert!(built.reports(&Levels::default()).len() < usize::MAX);
    assert!(!built.output().expect("the program has errors").files().is_empty());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: usize = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    println!("{}", kilobytes * 1024 / 1_000_000);
}

/// Writing a new folder and building again, beside a loop that writes and reads the same files.
fn writing(flows: usize, namespaces: usize) {
    let program = programs::program(flows, namespaces);
    let mut sources = Sources::default();
    let file = sources.add("bench.polder", program.as_str());
    let trees = [syntax::parse(&sources, file).tree];
    let resolved = model::resolve(&sources, &trees, &model::Options::default());
    let planned = plan::plan(&flow::lower(&resolved.model), Layout::Flow);
    let output = Output::new(&planned.policies, Layout::Flow, false);
    let files = output.files();
    let folder = tempfile::tempdir_in(".").unwrap();
    let (bare_folder, own) = (folder.path().join("bare"), folder.path().join("own"));
    let bare = timed(|| bare_write(&bare_folder, files));
    let written = timed(|| drop(output::write(&own, files, &output::BuildOptions::default()).unwrap()));
    let read = timed(|| bare_read(&bare_folder, files));
    let unchanged = timed(|| assert!(output::plan(&own, files, &output::BuildOptions::default()).unwrap().is_clean()));
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    println!(
        "{} files into a new folder: {written:.2?}, bare loop {bare:.2?}: {:.2}x",
        files.len(),
        ratio(written, bare)
    );
    println!("nothing changed: {unchanged:.2?}, bare reading {read:.2?}: {:.2}x", ratio(unchanged, read));
}

fn timed(step: impl FnOnce()) -> Duration {
    let start = Instant::now();
    step();
    start.elapsed()
}

fn bare_write(folder: &Path, files: &[OutputFile]) {
    let mut last = String::new();
    for file in files {
        let (namespace, _) = file.path.split_once('/').unwrap();
        if namespace != last {
            std::fs::create_dir_all(folder.join(namespace)).unwrap();
            last = namespace.to_owned();
        }
        std::fs::write(folder.join(&*file.path), output::seal(&file.body)).unwrap();
    }
}

fn bare_read(folder: &Path, files: &[OutputFile]) {
    for file in files {
        assert!(std::fs::read(folder.join(&*file.path)).unwrap().ends_with(file.body.as_bytes()));
    }
}
