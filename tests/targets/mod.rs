//! What a program becomes for each target, and that it means the same.
//!
//! `cases/*.polder` are programs whose first line names the target; beside each stands what is written, or what is refused.
//! `cilium.rs` reads what is written with a reader of its own and asks it about every end.

mod cases;
mod cilium;
