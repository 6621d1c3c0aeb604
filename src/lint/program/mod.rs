//! What a program's own policies do to DNS, and how it fits what runs.

mod dns;
mod workloads;

pub use dns::dns;
pub use workloads::fit;
