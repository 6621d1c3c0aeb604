//! The owned folder, from outside: what it does, what it refuses, and what is left when it is killed or cut short.

mod basics;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(unix)]
mod links;
#[cfg(unix)]
mod model;
mod names;
mod races;
pub(crate) mod support;

/// Not a test: the process that the fault and race tests start. It does nothing in an ordinary run.
#[test]
fn writer_process() {
    support::writer_main();
}
