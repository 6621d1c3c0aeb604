//! What objects say of whom pods may talk to, beside what policies are about. Whoever wrote them may have meant something else:
//! nothing that is asked of policies goes by it.

use super::{ContainerPort, Labels, TargetPort};
use std::sync::Arc;

/// What one object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployHint {
    /// What runs pods.
    Pods(PodHints),
    /// A ConfigMap.
    Config(ConfigText),
    /// A RoleBinding or a ClusterRoleBinding.
    Binding(RoleBinding),
    /// What has a class, or is one: Ingress, Gateway, and the classes of both.
    Class(ClassHint),
    /// A Secret: its name and its type, never what is in it.
    Secret {
        /// Its namespace.
        namespace: Arc<str>,
        /// `metadata.name`.
        name: Arc<str>,
        /// `type`; empty where it is not written.
        secret_type: Arc<str>,
    },
}

/// What the template of some pods says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodHints {
    /// The namespace of the object.
    pub namespace: Arc<str>,
    /// Whether the object names it itself.
    pub names_namespace: bool,
    /// `kind` of the object.
    pub kind: Arc<str>,
    /// `metadata.name` of the object.
    pub name: Arc<str>,
    /// The labels of the pods.
    pub labels: Labels,
    /// The ports that their containers list.
    pub ports: Vec<ContainerPort>,
    /// Whether they use the network of their node.
    pub host_network: bool,
    /// `serviceName` of a StatefulSet.
    pub governing_service: Option<Arc<str>>,
    /// The ServiceAccount with whose token they run; `None` where they are given none.
    pub service_account: Option<Arc<str>>,
    /// The containers, those that run first among them.
    pub containers: Vec<ContainerHints>,
    /// The ConfigMaps that are mounted.
    pub config_maps: Vec<Arc<str>>,
    /// The Secrets that are mounted.
    pub secrets: Vec<Arc<str>>,
}

/// What one container says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerHints {
    /// `command` and `args`.
    pub args: Vec<Arc<str>>,
    /// `env`.
    pub env: Vec<(Arc<str>, EnvValue)>,
    /// The ConfigMaps of `envFrom`.
    pub config_maps: Vec<Arc<str>>,
    /// The Secrets of `envFrom`.
    pub secrets: Vec<Arc<str>>,
    /// The ports that probes ask.
    pub probed: Vec<TargetPort>,
}

/// Where the value of an environment variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvValue {
    /// It is written.
    Text(Arc<str>),
    /// A key of a ConfigMap.
    ConfigKey(Arc<str>, Arc<str>),
    /// A Secret.
    Secret(Arc<str>),
    /// The namespace of the pod.
    Namespace,
}

/// The texts of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigText {
    /// Its namespace.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Keys and texts.
    pub data: Vec<(Arc<str>, Arc<str>)>,
}

/// Who may ask the API server for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleBinding {
    /// `kind`.
    pub kind: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// The ServiceAccounts, by namespace and name.
    pub accounts: Vec<(Arc<str>, Arc<str>)>,
}

/// A class, or what is of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassHint {
    /// `kind`.
    pub kind: Arc<str>,
    /// Its namespace; empty for a class.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// The name of its class, or of a class the controller that looks after it.
    pub of: Arc<str>,
    /// Whether it is the class of those that name none.
    pub is_default: bool,
}
