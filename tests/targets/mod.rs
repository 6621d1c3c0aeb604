//! What a program becomes for each target, and that it means the same.
//!
//! `cases/*.polder` are programs whose first line names the target; beside each stands what is written, or what is refused.
//! `cilium.rs` reads what is written with a reader of its own and asks it about every end.
//! `recorded.rs` holds all of it against what Cilium's own policy engine says; `cilium/` asks that.

mod asked;
mod cases;
mod cilium;
mod recorded;
