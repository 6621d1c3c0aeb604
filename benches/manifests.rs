//! `cargo bench --bench manifests`: how long it takes to read what repositories hold and what clusters print, on one core and
//! on all. With `POLDER_BENCH_WRITE=FOLDER` it writes them there instead, to ask the command about them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod dumps;

use dumps::Extent;
use polder::parallel;
use polder::session::{Manifests, Memory, Named};
use std::path::Path;
use std::time::{Duration, Instant};

const RUNS: usize = 5;

/// 10,200 policies and 10,000 workloads.
const REPOSITORY: Extent = Extent { namespaces: 200, applications: 50 };

/// 10,000 pods.
const CLUSTER: Extent = Extent { namespaces: 50, applications: 20 };

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let inputs = [
        ("a repository", dumps::repository(REPOSITORY)),
        ("a cluster", vec![("dump.json".to_owned(), dumps::dump(CLUSTER))]),
    ];
    if let Some(folder) = std::env::var_os("POLDER_BENCH_WRITE") {
        for (path, text) in inputs.iter().flat_map(|(_, files)| files) {
            let path = Path::new(&folder).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        return;
    }
    println!("best of {RUNS} runs");
    for (what, files) in inputs {
        let (count, bytes) = (files.len(), files.iter().map(|(_, text)| text.len()).sum::<usize>());
        let memory = files
            .into_iter()
            .fold(Memory::default(), |memory, (path, text)| memory.with(Path::new("/m").join(path), text));
        let times: Vec<Duration> = [1, 0].map(|threads| best(&memory, threads)).into();
        println!("{what}, {count} files, {:.1} MB: one core and all {times:.0?}", bytes as f64 / 1e6);
    }
}

/// The shortest time to read everything on so many threads; 0 is as many as there are cores.
fn best(memory: &Memory, threads: usize) -> Duration {
    parallel::limit(threads);
    let run = || {
        let start = Instant::now();
        let read = Manifests::load(memory, Path::new("/"), &[Named::Path("/m".into())], "default");
        assert!(!read.has_errors() && !read.policies.policies.is_empty());
        start.elapsed()
    };
    (0..RUNS).map(|_| run()).min().unwrap()
}
