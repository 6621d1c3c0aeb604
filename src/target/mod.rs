//! What a program is compiled to. A target is two functions that share nothing: one from the flow set to files, and one from
//! files, as they were written, to what they grant. The proof holds the second against the flow set, so it need not know the
//! first, nor any other target.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod network_policy;
