//! What a flow set and a policy set allow, for every pod that could exist; and that both are the same.

mod assertions;
mod connect;
mod cover;
mod names;
mod proof;
mod side;

pub use assertions::hold;
pub use proof::{Counterexample, Difference, Port, prove};
pub use side::Party;
