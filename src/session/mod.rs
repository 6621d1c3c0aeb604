//! Sources in, each stage's result on demand: what the command line and an editor share.

mod baseline;
mod cluster;
mod comments;
mod config;
#[cfg(feature = "disk")]
mod disk;
mod drift;
mod everywhere;
mod fix;
#[cfg(feature = "disk")]
mod flow_logs;
#[cfg(feature = "disk")]
mod git;
mod import;
mod import_report;
mod imported;
mod in_force;
mod kept_log;
mod learn;
mod lint;
mod load;
#[cfg(feature = "disk")]
mod machine;
mod manifests;
mod metadata;
mod next_steps;
mod path;
mod rollout;
mod seeded;
mod stages;
mod subject;
mod system;
mod text;
mod versions;

pub use crate::target::Target;
pub use crate::target::network_policy::{Layout, Output};
pub use baseline::Baseline;
pub use cluster::{CLUSTER_NAME, ClusterAccess};
pub use config::{Config, EnvironmentChoice, OfEnvironment, OfLint, OfReplay, OfRollout};
#[cfg(feature = "disk")]
pub use disk::Disk;
pub use drift::ClusterDrift;
pub use everywhere::Everywhere;
pub use fix::Mended;
#[cfg(feature = "disk")]
pub use flow_logs::{LogFile, save_groups};
#[cfg(feature = "disk")]
pub use git::Revision;
pub use import::{Beside, DEFAULT_NAMESPACE, Import, ImportOptions, Refused, WrittenPolicy};
pub use import_report::ImportReport;
pub use imported::{LiftedPolicy, NotCarried, ToldFinding};
pub use in_force::{InForce, SettingInForce};
pub use kept_log::{DroppedInLog, KeptLog, LARGEST_KEPT_LOG, SeenInLog, SeenOfFlow};
pub use learn::{LearnedFile, LearnedProgram, LearnedStatement, fresh_program, told_wider};
pub use load::{CONFIG_NAME, EXTENSION, Named, Project, not_a_program};
#[cfg(feature = "disk")]
pub use machine::Machine;
pub use manifests::{EXTENSIONS as MANIFEST_EXTENSIONS, Manifests, OfOperator, Remark, Unread};
pub use metadata::MetadataKeys;
pub use next_steps::{NextStep, RolloutUnit, StepCost, joined as joined_entries};
#[cfg(feature = "cli")]
pub(crate) use path::normal;
pub use path::{shell_word, shown};
pub use rollout::{EnforceChoice, EnforceEntry, EnforceList, RolloutStep, UnenforcedRest};
pub use seeded::{Seeded, SeededFile};
#[cfg(test)]
pub(crate) use stages::spoiled::with_wrong_policies;
pub use stages::{Built, Session, Settings};
pub use subject::{
    Added, AskedPorts, AskedTarget, Asking, Posed, Question, SaidOfCluster, Subject, SummaryScope, TOO_HARD,
    WrittenEdits,
};
pub use system::{FileSystem, FolderWalk, KubectlAnswer, KubectlCall, LARGEST_FILE, Memory, reason};
pub use versions::{Place, Terms, Versions};
