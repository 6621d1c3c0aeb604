//! Which pods serve a class of Ingresses or Gateways.

use super::Deployed;
use crate::cluster::{ClassHint, DeployHint};
use std::sync::Arc;

/// Who serves what is of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServedBy {
    /// A tier of a component of the catalogue.
    Component {
        /// The component.
        component: &'static str,
        /// The namespace that it declares.
        namespace: &'static str,
        /// The tier there.
        tier: &'static str,
    },
    /// Pods of its own for each Gateway, in the namespace of the Gateway.
    PodsOfGateway,
    /// No pods that a policy could name.
    NoPods(&'static str),
}

/// The label of the pods of a Gateway, whose value is the name of it.
pub(super) const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";

/// A controller: what the class of its Ingresses or Gateways is usually called, what its class names as the controller, and who
/// serves them.
struct ClassController {
    classes: &'static [&'static str],
    controllers: &'static [&'static str],
    served_by: ServedBy,
}

const fn component(component: &'static str, namespace: &'static str, tier: &'static str) -> ServedBy {
    ServedBy::Component { component, namespace, tier }
}

const ON_NODES: &str = "its proxy runs on the nodes, beside all pods";
const OF_CLOUD: &str = "a load balancer of the cloud connects, from addresses of its own";

/// Those that Ingresses name.
static OF_INGRESSES: [ClassController; 8] = [
    ClassController {
        classes: &["nginx", "ingress-nginx"],
        controllers: &["k8s.io/ingress-nginx"],
        served_by: component("ingress-nginx", "ingress-nginx", "controller"),
    },
    ClassController {
        classes: &["traefik"],
        controllers: &["traefik.io/ingress-controller"],
        served_by: component("traefik", "traefik", "traefik"),
    },
    ClassController {
        classes: &["haproxy"],
        controllers: &["haproxy.org/ingress-controller", "haproxy.org/ingress-controller/haproxy"],
        served_by: component("haproxy", "haproxy-controller", "controller"),
    },
    ClassController {
        classes: &["contour"],
        controllers: &["projectcontour.io/ingress-controller"],
        served_by: component("contour", "projectcontour", "envoy"),
    },
    ClassController {
        classes: &["istio"],
        controllers: &["istio.io/ingress-controller"],
        served_by: component("istio-gateway", "istio-system", "gateway"),
    },
    ClassController {
        classes: &["openshift-default"],
        controllers: &["openshift.io/ingress-to-route"],
        served_by: component("openshift-router", "openshift-ingress", "*"),
    },
    ClassController {
        classes: &["cilium"],
        controllers: &["cilium.io/ingress-controller"],
        served_by: ServedBy::NoPods(ON_NODES),
    },
    ClassController {
        classes: &["alb", "gce", "gce-internal", "azure-application-gateway"],
        controllers: &["ingress.k8s.aws/alb", "azure/application-gateway"],
        served_by: ServedBy::NoPods(OF_CLOUD),
    },
];

/// Those that Gateways name.
static OF_GATEWAYS: [ClassController; 7] = [
    ClassController {
        classes: &["eg", "envoy", "envoy-gateway"],
        controllers: &["gateway.envoyproxy.io/gatewayclass-controller"],
        served_by: component("envoy-gateway", "envoy-gateway-system", "proxy"),
    },
    ClassController {
        classes: &["contour"],
        controllers: &["projectcontour.io/gateway-controller"],
        served_by: component("contour", "projectcontour", "envoy"),
    },
    ClassController {
        classes: &["traefik"],
        controllers: &["traefik.io/gateway-controller"],
        served_by: component("traefik", "traefik", "traefik"),
    },
    ClassController {
        classes: &["nginx", "istio", "istio-waypoint", "openshift-default", "kgateway"],
        controllers: &[
            "gateway.nginx.org/nginx-gateway-controller",
            "istio.io/gateway-controller",
            "openshift.io/gateway-controller/v1",
            "kgateway.dev/kgateway",
        ],
        served_by: ServedBy::PodsOfGateway,
    },
    ClassController {
        classes: &["cilium"],
        controllers: &["io.cilium/gateway-controller"],
        served_by: ServedBy::NoPods(ON_NODES),
    },
    ClassController {
        classes: &["gke-l7-global-external-managed", "gke-l7-regional-external-managed", "gke-l7-rilb", "gke-l7-gxlb"],
        controllers: &["networking.gke.io/gateway"],
        served_by: ServedBy::NoPods(OF_CLOUD),
    },
    ClassController {
        classes: &["amazon-vpc-lattice"],
        controllers: &["application-networking.k8s.aws/gateway-api-controller"],
        served_by: ServedBy::NoPods(OF_CLOUD),
    },
];

/// Who serves all Routes of OpenShift.
pub(super) const OF_ROUTES: ServedBy = component("openshift-router", "openshift-ingress", "*");

fn classes(deployed: Deployed<'_>) -> impl Iterator<Item = &ClassHint> {
    deployed.hints.iter().filter_map(|hint| match hint {
        DeployHint::Class(class) => Some(class),
        DeployHint::Pods(_) | DeployHint::Config(_) | DeployHint::Binding(_) | DeployHint::Secret { .. } => None,
    })
}

/// The class that an object names.
fn class_of<'a>(deployed: Deployed<'a>, kind: &str, namespace: &str, name: &str) -> Option<&'a Arc<str>> {
    let is_it = |class: &&ClassHint| (&*class.kind, &*class.namespace, &*class.name) == (kind, namespace, name);
    classes(deployed).find(is_it).map(|class| &class.of)
}

/// Who serves a class: by the controller that the class itself names where it is given, or else by what it is called.
fn served(of: &[ClassController], controller: Option<&str>, class: &str) -> Option<ServedBy> {
    let found = match controller {
        Some(named) => of.iter().find(|one| one.controllers.contains(&named)),
        None => of.iter().find(|one| one.classes.contains(&class)),
    };
    found.map(|one| one.served_by)
}

/// Who serves an Ingress; else the class that nobody is known for, if it names one.
pub(super) fn of_ingress<'a>(deployed: Deployed<'a>, namespace: &str, name: &str) -> Result<ServedBy, Option<&'a str>> {
    let named = class_of(deployed, "Ingress", namespace, name).map(|class| &**class);
    let defaults = classes(deployed).filter(|class| &*class.kind == "IngressClass" && class.is_default);
    let class = named.or_else(|| defaults.map(|class| &*class.name).min()).ok_or(None)?;
    let controller = class_of(deployed, "IngressClass", "", class).map(|controller| &**controller);
    served(&OF_INGRESSES, controller, class).ok_or(Some(class))
}

/// Who serves a Gateway; else the class that nobody is known for, if it is known.
pub(super) fn of_gateway<'a>(deployed: Deployed<'a>, namespace: &str, name: &str) -> Result<ServedBy, Option<&'a str>> {
    let class = class_of(deployed, "Gateway", namespace, name).map(|class| &**class).ok_or(None)?;
    let controller = class_of(deployed, "GatewayClass", "", class).map(|controller| &**controller);
    served(&OF_GATEWAYS, controller, class).ok_or(Some(class))
}
