//! Objects as they were read, each by itself.

use super::{Ingress, Kind, Namespace, Service, Unmodelled, Workload};
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
    /// What it is; `None` when that is not known here, as for the kinds of operators.
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
                runner.workload.pods.iter_mut().for_each(|each| each.span = pods);
            }
            Object::Scaler(_) => {}
            Object::Service(service) => service.span = object,
            Object::Ingress(ingress) => ingress.span = object,
            Object::Unmodelled(unmodelled) => unmodelled.span = object,
        }
    }

    /// Where the object was read.
    pub fn span(&self) -> Option<Span> {
        match self {
            Object::Namespace(namespace) => namespace.span,
            Object::Runner(runner) => runner.workload.span,
            Object::Scaler(_) => None,
            Object::Service(service) => service.span,
            Object::Ingress(ingress) => ingress.span,
            Object::Unmodelled(unmodelled) => unmodelled.span,
        }
    }
}
