//! The proof of every build, the kernel that is trusted: what policies grant is what a flow set says.

mod counterexample;
mod grants;
mod named_ports;
mod proof;

pub use counterexample::{Counterexample, Difference, Port};
pub use grants::{Party, Side, Sides, worlds};
pub use named_ports::{every_number, names, numbers};
pub use proof::{Proof, prove};
