//! `cargo bench --bench replay [LINES]`: how many lines of Hubble's JSON are replayed in a second on one core, beside counting
//! them, parsing them and no more, and unpacking them, in the same run. The lines are those of the shop's log with other times,
//! ports and ids.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use polder::replay::{Replay, ReplayOptions};
use polder::session::{Disk, Named, Question, Subject};
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LINES: usize = 300_000;

fn main() {
    let lines = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(LINES);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shop = std::fs::read_to_string(folder.join("tests/replay/shop/hubble.jsonl")).unwrap();
    let flows: Vec<&str> = shop.lines().filter(|line| line.starts_with("{\"flow\"") && line.ends_with('}')).collect();
    let log = generated(&flows, lines);
    println!("{lines} lines, {} MB", log.len() >> 20);
    let counted = timed(|| memchr::memchr_iter(b'\n', &log).count());
    row("counted", lines, counted, counted);
    let parsed = timed(|| {
        let each = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        each.filter(|line| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()).count()
    });
    row("parsed and no more", lines, parsed, parsed);
    let question = Question { program: vec![Named::Path(folder.join("examples/shop"))], ..Question::default() };
    let subject = Subject::load(&Disk, folder, &question);
    let replayed = timed(|| replayed(&subject, &mut log.as_slice()));
    row("replayed", lines, replayed, parsed);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&log).unwrap();
    let packed = packed.finish().unwrap();
    let unpacked = timed(|| {
        let input = BufReader::with_capacity(256 * 1024, flate2::bufread::MultiGzDecoder::new(packed.as_slice()));
        self::replayed(&subject, input)
    });
    row("replayed from gzip", lines, unpacked, parsed);
}

fn replayed(subject: &Subject, input: impl Read) -> usize {
    let mut replay = Replay::new(subject.running(), ReplayOptions::default());
    let mut input = BufReader::with_capacity(256 * 1024, input);
    replay.read("log", &mut input, &mut |_, _| true).unwrap();
    replay.report(&subject.candidate()).rows.len()
}

/// The best of some runs.
fn timed(mut run: impl FnMut() -> usize) -> Duration {
    let one = |_| {
        let start = Instant::now();
        assert!(std::hint::black_box(run()) > 0);
        start.elapsed()
    };
    (0..3).map(one).min().unwrap()
}

fn row(what: &str, lines: usize, time: Duration, parsed: Duration) {
    let rate = lines as f64 / time.as_secs_f64();
    let ratio = time.as_secs_f64() / parsed.as_secs_f64();
    println!("{what:<20} {rate:>12.0} lines/s  {ratio:>6.2} of parsing");
}

/// The lines again and again, with other times, ports of clients and ids.
fn generated(flows: &[&str], lines: usize) -> Vec<u8> {
    let mut log = Vec::with_capacity(lines * 1500);
    for number in 0..lines {
        let line = flows[number % flows.len()];
        let port = 32_768 + (number * 7919) % 28_000;
        let line = match line.split_once("\"source_port\":") {
            // A reply has the port of the server there.
            Some((before, after)) if !line.contains("\"is_reply\":true") => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}\"source_port\":{port}{rest}")
            }
            _ => line.to_owned(),
        };
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let line = match line.find("00000000-0000-4000-8000-") {
            Some(at) => format!("{}{id}{}", &line[..at], &line[at + id.len()..]),
            None => line,
        };
        log.extend_from_slice(line.as_bytes());
        log.push(b'\n');
    }
    log
}
