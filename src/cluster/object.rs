//! Objects as they were read, each by itself.

use super::{Caller, Endpoints, Ingress, Kind, Namespace, Node, Pods, Service, Unmodelled, Workload};
use crate::source::Span;
use std::sync::Arc;

/// One object, before owners and their pods are put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A namespace.
    Namespace(Namespace),
    /// A pod, or something that makes pods.
    Runner(Runner),
    /// Something that may run several pods of a workload, such as a HorizontalPodAutoscaler.
    Scaler(Scaler),
    /// A Service.
    Service(Service),
    /// An Ingress.
    Ingress(Ingress),
    /// A Node.
    Node(Node),
    /// What stands behind a Service by its addresses.
    Endpoints(Endpoints),
    /// Who else connects to what runs.
    Caller(Caller),
    /// An object that would change the answer and is not understood.
    Unmodelled(Unmodelled),
}

/// A pod, or something that makes pods, and who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runner {
    /// The object; its pods are those of its template, or the pod itself.
    pub workload: Workload,
    /// The owner that is its controller.
    pub owner: Option<Owner>,
    /// The pods that it would make, where it makes none (`replicas: 0`).
    pub asleep: Vec<Pods>,
    /// Another object of its namespace whose pods it makes, as `spec.workloadRef` of a Rollout says.
    pub template_of: Option<Owner>,
    /// Whether it is as the API server gives it, and not only as somebody wrote it.
    pub is_live: bool,
    /// Whether its name is only how the one begins that the API server makes up.
    pub is_generated: bool,
}

/// Something that may run several pods of a workload, whatever the workload says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scaler {
    /// The namespace of both.
    pub namespace: Arc<str>,
    /// What the workload is.
    pub kind: Kind,
    /// The name of the workload.
    pub name: Arc<str>,
}

/// The controller of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What it is; `None` for what makes no pods itself, such as the Node of a static pod.
    pub kind: Option<Kind>,
    /// Its name; it is in the same namespace.
    pub name: Arc<str>,
}

impl Object {
    /// Says where the object was read, and where the pods that it is or makes were.
    pub fn set_spans(&mut self, object: Option<Span>, pods: Option<Span>) {
        match self {
            Object::Namespace(namespace) => namespace.span = object,
            Object::Runner(runner) => {
                runner.workload.span = object;
                runner.workload.pods.iter_mut().chain(&mut runner.asleep).for_each(|each| each.span = pods);
            }
            Object::Scaler(_) | Object::Node(_) | Object::Endpoints(_) => {}
            Object::Service(service) => service.span = object,
            Object::Ingress(ingress) => ingress.span = object,
            Object::Caller(caller) => caller.span = object,
            Object::Unmodelled(unmodelled) => unmodelled.span = object,
        }
    }

    /// What it says of what is allowed: without where it was read, from whom, and how many pods it makes.
    pub(super) fn meaning(mut self) -> Object {
        self.set_spans(None, None);
        if let Object::Runner(runner) = &mut self {
            runner.is_live = false;
            runner.workload.pods.append(&mut runner.asleep);
            for pods in &mut runner.workload.pods {
                (pods.count, pods.several) = (1, false);
            }
        }
        self
    }

    /// Where the object was read.
    pub fn span(&self) -> Option<Span> {
        match self {
            Object::Namespace(namespace) => namespace.span,
            Object::Runner(runner) => runner.workload.span,
            Object::Scaler(_) | Object::Node(_) | Object::Endpoints(_) => None,
            Object::Service(service) => service.span,
            Object::Ingress(ingress) => ingress.span,
            Object::Caller(caller) => caller.span,
            Object::Unmodelled(unmodelled) => unmodelled.span,
        }
    }
}
