//! The catalogue of well-known cluster components, each a `.polder` file inside the compiler.

use crate::source::Sources;
use crate::syntax::{NodeKind, Tree};

/// A component of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// Its name, as `use` takes it.
    pub name: &'static str,
    /// Its source.
    pub source: &'static str,
}

impl Component {
    /// The path that its source is shown under.
    pub fn path(&self) -> String {
        format!("catalogue/{}.polder", self.name)
    }

    /// The components that a program uses, each once, in the order of the catalogue.
    pub fn used(sources: &Sources, trees: &[Tree]) -> Vec<&'static Component> {
        let names = trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match &node.kind {
            NodeKind::Use(names) => Some(names),
            _ => None,
        });
        let names: Vec<&str> = names.flatten().map(|name| sources.text(name.span)).collect();
        COMPONENTS.iter().filter(|component| names.contains(&component.name)).collect()
    }
}

macro_rules! components {
    ($($name:literal),* $(,)?) => {
        /// The components that `use` knows.
        pub const COMPONENTS: &[Component] = &[
            $(Component { name: $name, source: include_str!(concat!("catalogue/", $name, ".polder")) }),*
        ];
    };
}

components!(
    "ingress-nginx",
    "traefik",
    "istio-gateway",
    "contour",
    "haproxy",
    "envoy-gateway",
    "nginx-gateway-fabric",
    "openshift-router",
    "prometheus",
    "cert-manager",
    "otel-collector",
    "kube-dns",
);

/// The component of a name.
pub(super) fn find(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name)
}

/// The component that declares a namespace.
pub(super) fn bringing(namespace: &str) -> Option<&'static Component> {
    let declares = |line: &str| {
        let rest = line.strip_prefix("external namespace ");
        rest.is_some_and(|rest| rest.split(' ').next() == Some(namespace))
    };
    COMPONENTS.iter().find(|component| component.source.lines().any(declares))
}
