//! What is said of a program that is wrong, by subject: each error and warning has its wording here, and whoever finds the
//! mistake only names it.

pub(super) mod container_ports;
pub(super) mod flows;
pub(super) mod ports;
