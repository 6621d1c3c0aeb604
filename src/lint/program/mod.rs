//! What a program's own policies do to DNS, and how it fits what runs.

mod dns;
mod settled;
mod workloads;

pub use dns::dns;
pub use settled::settled;
pub use workloads::fit;
