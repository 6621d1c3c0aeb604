//! Polder's judges of who may connect to whom, held against each other over random programs: assertions, `can`, `reach`,
//! `why`, `diff` and the editor. None of them may contradict another one; what they say is held against the oracle elsewhere.
//!
//! `POLDER_CASES` is how many programs, `POLDER_SEED` the first seed.

mod asked;
mod asserted;
mod beyond;
mod budgeted;
mod changed;
#[cfg(feature = "lsp")]
mod edited;
mod explained;
mod external;
mod hops;
mod listed;
mod probed;
mod running;
mod said;

/// The seeds of the programs, unless the environment says others: so many of a test's own choice.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("POLDER_SEED", 0);
    first..first + number("POLDER_CASES", count)
}
