//! The sets that flows are made of: ports, addresses, label selectors, and the algebra on them.
//!
//! Everything here is plain data. The operations are exact unless their documentation says otherwise.

#![warn(clippy::wildcard_enum_match_arm)]

mod address;
mod alphabet;
mod block;
mod direction;
mod dns_name;
mod entity;
mod escape;
mod facts;
mod interval;
mod matching;
mod overlap;
mod point;
mod port;
mod port_text;
mod protocol;
mod region;
mod selector;
mod selector_text;
mod truth;
mod values;
mod words;

pub use address::{AddressSet, Family, Unlisted};
pub use alphabet::{is_dns_label, is_dns_subdomain, is_label_value, wrong_label_key};
pub use block::IpBlock;
pub use direction::Direction;
pub use dns_name::{NamePattern, NameSet};
pub use entity::{ClusterEntity, EntitySet};
pub use escape::escapes;
pub use facts::{BlocksMatch, Facts, Listed, MatchedAddresses};
pub use matching::MatchIndex;
pub use overlap::{ProductIndex, RegionIndex, SelectorIndex};
pub use point::Point;
pub use port::PortSet;
pub use protocol::Protocol;
pub use region::{Peers, Region, cut, is_covered, uncovered};
pub use selector::{NAMESPACE_NAME, Requirement, Selector, namespace_by_name};
pub use truth::Truth;
pub use values::Values;
