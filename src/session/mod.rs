//! Sources in, each stage's result on demand: what the command line and an editor share.

mod config;
mod files;
mod load;
mod manifests;
mod stages;
mod system;

pub use config::{Config, Target};
pub use files::Output;
pub use load::{CONFIG_NAME, EXTENSION, Named, Project, shown};
pub use manifests::{Manifests, Remark};
pub use stages::{Session, Settings};
pub use system::{Disk, FileSystem, LARGEST_FILE, Memory, Walk, reason};
