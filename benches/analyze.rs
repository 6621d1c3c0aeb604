//! `cargo bench --bench analyze`: all connections among the pods of clusters of growing size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod clusters;

use clusters::{Habit, Size};
use polder::engine::{Engine, Scope, World};
use polder::net::Facts;
use polder::session::{Disk, Manifests, Named};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

const SIZES: [Size; 5] = [
    Size { pods: 1_000, namespaces: 20, policies: 200 },
    Size { pods: 10_000, namespaces: 200, policies: 2_000 },
    Size { pods: 20_000, namespaces: 200, policies: 2_000 },
    Size { pods: 75_000, namespaces: 500, policies: 5_000 },
    Size { pods: 150_000, namespaces: 1_000, policies: 10_000 },
];

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if let Some(number) = std::env::var("POLDER_BENCH_CHILD").ok().and_then(|number| number.parse().ok()) {
        return print_memory(number);
    }
    if let Some(folder) = std::env::var_os("POLDER_BENCH_MANIFESTS") {
        return manifests(Path::new(&folder));
    }
    println!("one core; best of several runs; growth is against the size before");
    for habit in [Habit::Closed, Habit::Open] {
        println!();
        println!(
            "{:<7} {:>7} {:>8} {:>6} {:>12} {:>9} {:>9} {:>12} {:>9} {:>9}  growth of kinds, connections, time",
            "habit", "pods", "policies", "kinds", "connections", "world", "engine", "connections", "whole", "memory"
        );
        let mut before: Option<Measured> = None;
        for (index, size) in SIZES.into_iter().enumerate() {
            let now = measure(size, habit);
            let ms = |time: Duration| format!("{:.1}ms", time.as_secs_f64() * 1e3);
            let growth = before.map_or(String::new(), |before| {
                let ratio = |now: f64, before: f64| format!("{:.1}x", now / before);
                format!(
                    "{} {} {}",
                    ratio(now.kinds as f64, before.kinds as f64),
                    ratio(now.connections as f64, before.connections as f64),
                    ratio(now.whole().as_secs_f64(), before.whole().as_secs_f64())
                )
            });
            println!(
                "{:<7} {:>7} {:>8} {:>6} {:>12} {:>9} {:>9} {:>12} {:>9} {:>7}MB  {growth}",
                format!("{habit:?}"),
                size.pods,
                size.policies,
                now.kinds,
                now.connections,
                ms(now.world),
                ms(now.engine),
                ms(now.all),
                ms(now.whole()),
                memory(index + if habit == Habit::Open { SIZES.len() } else { 0 }),
            );
            before = Some(now);
        }
    }
}

/// What is in a folder, once: `benches/peers` does the same with other tools.
fn manifests(folder: &Path) {
    let read = Manifests::load(&Disk, folder, &[Named::Path(folder.to_owned())], "default");
    assert!(!read.has_errors(), "{:?}", read.diagnostics.first());
    let done = run(&read.cluster, &read.policies.policies);
    println!("{:.1}ms, {} connections", done.whole().as_secs_f64() * 1e3, done.connections);
}

#[derive(Clone, Copy)]
struct Measured {
    kinds: usize,
    connections: usize,
    world: Duration,
    engine: Duration,
    all: Duration,
}

impl Measured {
    fn whole(&self) -> Duration {
        self.world + self.engine + self.all
    }
}

fn measure(size: Size, habit: Habit) -> Measured {
    let (cluster, policies) = (clusters::cluster(size), clusters::policies(size, habit));
    let runs = if size.pods > 50_000 { 2 } else { 5 };
    (0..runs).map(|_| run(&cluster, &policies)).min_by_key(Measured::whole).unwrap()
}

fn run(cluster: &polder::cluster::Cluster, policies: &[polder::netpol::Policy]) -> Measured {
    let sets = [policies];
    let facts = Facts::default();
    let scope = Scope { policies: &sets, of_cluster: &[], marks: &[], facts: &facts };
    let (world, world_time) = timed(|| World::concrete(&scope, cluster));
    let (engine, engine_time) = timed(|| Engine::new(&world, policies));
    let mut connections = 0;
    let ((), all) = timed(|| {
        engine.connections(|_, _, verdict| {
            connections += usize::from(!verdict.is_denied());
            ControlFlow::Continue(())
        });
    });
    Measured { kinds: world.ends.len(), connections, world: world_time, engine: engine_time, all }
}

fn timed<T>(step: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = step();
    (result, start.elapsed())
}

/// The most memory that it takes, the cluster and the policies included, measured in a process of its own.
fn memory(number: usize) -> String {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .env("POLDER_BENCH_CHILD", number.to_string())
        .output()
        .unwrap();
    String::from_utf8(child.stdout).unwrap().trim().to_owned()
}

fn print_memory(number: usize) {
    let habit = if number < SIZES.len() { Habit::Closed } else { Habit::Open };
    let size = SIZES[number % SIZES.len()];
    assert!(run(&clusters::cluster(size), &clusters::policies(size, habit)).connections > 0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: usize = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    println!("{}", kilobytes * 1024 / 1_000_000);
}
