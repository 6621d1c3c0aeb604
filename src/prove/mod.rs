//! The proof of every build, the kernel that is trusted: what is written grants what a flow set says.

#![warn(clippy::wildcard_enum_match_arm)]

mod counterexample;
mod grants;
mod named_ports;
mod policies;
mod proof;
mod side;

pub use counterexample::{Counterexample, Difference, ExamplePort};
pub use grants::{ExampleEnd, Grants, Side, worlds};
pub use named_ports::{every_number, names, numbers};
pub use policies::{PolicyGrants, granted};
pub use proof::{compare, prove};
pub use side::lacks;
