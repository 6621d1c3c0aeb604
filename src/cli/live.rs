//! The cluster that is asked itself: what commands that read what runs have in common.

use crate::session::{ClusterAccess, Named};
use std::path::PathBuf;

/// A cluster that is asked for what it has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The live cluster")]
pub(super) struct LiveCluster {
    /// Ask the cluster itself, with `kubectl`: what runs there, and its policies where no others are named. Nothing is changed,
    /// and no Secret is read.
    #[arg(long)]
    pub cluster: bool,
    /// The context of kubectl's settings [default: the one in use].
    #[arg(long, value_name = "NAME", requires = "cluster", value_parser = context)]
    pub context: Option<String>,
    /// The kubectl to run [default: the one on the PATH].
    #[arg(long, value_name = "PATH", requires = "cluster")]
    pub kubectl: Option<PathBuf>,
    /// Say each call of kubectl before it is made.
    #[arg(short, long, requires = "cluster")]
    pub verbose: bool,
}

/// A cluster that is asked for what is deployed there.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The live cluster")]
pub(super) struct DeployedCluster {
    /// Ask the cluster itself, with `kubectl`, for what is deployed there, instead of or beside `--from`. Nothing is changed, and no
    /// Secret is read.
    #[arg(long)]
    pub from_cluster: bool,
    /// The context of kubectl's settings [default: the one in use].
    #[arg(long, value_name = "NAME", requires = "from_cluster", value_parser = context)]
    pub context: Option<String>,
    /// The kubectl to run [default: the one on the PATH].
    #[arg(long, value_name = "PATH", requires = "from_cluster")]
    pub kubectl: Option<PathBuf>,
    /// Say each call of kubectl before it is made.
    #[arg(short, long, requires = "from_cluster")]
    pub verbose: bool,
}

impl DeployedCluster {
    /// The cluster, where it is asked.
    pub(super) fn named(&self) -> Option<Named> {
        let access = || ClusterAccess {
            kubectl: self.kubectl.clone().unwrap_or_else(|| PathBuf::from("kubectl")),
            context: self.context.clone(),
            only_runs: false,
            wants_hints: true,
            is_said: self.verbose,
            pipe: "polder init --from -".to_owned(),
        };
        self.from_cluster.then(|| Named::Cluster(access()))
    }
}

fn context(text: &str) -> Result<String, String> {
    match text.starts_with('-') || text.is_empty() {
        true => Err("the name of a context is not empty, and does not begin with `-`".to_owned()),
        false => Ok(text.to_owned()),
    }
}

impl LiveCluster {
    /// The cluster, where it is asked: for what runs alone, or for its policies too. The text is the command that could
    /// read the same from a pipe.
    pub(super) fn named(&self, only_runs: bool, pipe: &str) -> Option<Named> {
        let access = || ClusterAccess {
            kubectl: self.kubectl.clone().unwrap_or_else(|| PathBuf::from("kubectl")),
            context: self.context.clone(),
            only_runs,
            wants_hints: false,
            is_said: self.verbose,
            pipe: pipe.to_owned(),
        };
        self.cluster.then(|| Named::Cluster(access()))
    }
}
