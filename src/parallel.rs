//! Work that falls into parts which know nothing of each other, on as many cores as there are.
//!
//! What comes out must be the same however many parts there are; the feature `threads` only decides how soon.

use std::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this have more to do with each other than with the work.
const MOST_THREADS: usize = 16;

/// How many threads there may be; 0 is as many as there are cores.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Lets work go on so many threads at most from now on, in this process; 0 is as many as there are cores.
pub fn limit(threads: usize) {
    THREADS.store(threads, Ordering::Relaxed);
}

/// What `work` makes of the parts of a list, in their order. No part is smaller than `least` items, which should take longer
/// than to start a thread: some hundred microseconds.
pub fn parts<T: Sync, R: Send>(items: &[T], least: usize, work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let threads = (items.len() / least.max(1)).clamp(1, threads());
    in_parts(items, items.len().div_ceil(threads).max(1), &work)
}

#[cfg(feature = "threads")]
fn threads() -> usize {
    match THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS)),
        limit => limit.min(MOST_THREADS),
    }
}

#[cfg(not(feature = "threads"))]
fn threads() -> usize {
    THREADS.load(Ordering::Relaxed).clamp(1, MOST_THREADS)
}

/// The first part is for the thread that asks.
#[cfg(feature = "threads")]
fn in_parts<T: Sync, R: Send>(items: &[T], size: usize, work: &(impl Fn(&[T]) -> R + Sync)) -> Vec<R> {
    if items.len() <= size {
        return vec![work(items)];
    }
    std::thread::scope(|scope| {
        let mut parts = items.chunks(size);
        let first = parts.next();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let mut made: Vec<R> = first.into_iter().map(work).collect();
        // What panics there ends the work here, as it would have on one thread.
        made.extend(others.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        made
    })
}

#[cfg(not(feature = "threads"))]
fn in_parts<T: Sync, R: Send>(items: &[T], size: usize, work: &(impl Fn(&[T]) -> R + Sync)) -> Vec<R> {
    if items.is_empty() { vec![work(items)] } else { items.chunks(size).map(work).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, for the limit is that of the process.
    #[test]
    fn all_items_are_worked_on_once_and_in_their_order() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [1, 2, 3, 7, 16] {
            limit(threads);
            for least in [1, 9, 60, 1_000] {
                let parts = parts(&items, least, <[usize]>::to_vec);
                assert!(parts.len() <= threads);
                assert!(parts.iter().rev().skip(1).all(|part| part.len() >= least), "{threads} {least}");
                assert_eq!(parts.concat(), items);
            }
            assert_eq!(parts(&[] as &[usize], 1, <[usize]>::len), [0]);
            // A panic in one part is one of the whole.
            let work = |part: &[usize]| assert!(!part.contains(&99));
            assert!(std::panic::catch_unwind(|| parts(&items, 1, work)).is_err());
        }
        limit(0);
    }
}
