//! How many pods there are at a time of what makes pods.

use super::node::{Value, YamlNode};
use super::walk::{MapFields, Path, Walk};
use super::{field_text, fields as fields_of, kinds, metadata_text};
use crate::cluster::{Kind, Scaler};

/// How many pods there are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Number {
    /// As far as is known.
    pub(super) count: u64,
    /// Whether there can be two at a time.
    pub(super) several: bool,
}

impl Number {
    /// One pod, and never another beside it.
    pub(super) const ONE: Number = Number { count: 1, several: false };

    /// This many in each of `others`.
    pub(super) fn for_each_of(self, others: Number) -> Number {
        Number { count: self.count.saturating_mul(others.count), several: self.several || others.several }
    }
}

/// The fields that are read of the specification of an object of this kind.
pub(super) fn fields(kind: &Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod | Kind::DaemonSet | Kind::Other(..) => &["template"],
        Kind::Deployment => &["replicas", "strategy", "template"],
        Kind::StatefulSet | Kind::ReplicaSet | Kind::ReplicationController => &["replicas", "template"],
        Kind::Job => &["completions", "parallelism", "suspend", "template"],
        Kind::CronJob => &["concurrencyPolicy", "jobTemplate", "suspend"],
    }
}

/// How many pods a specification asks for, and of a CronJob how many Jobs.
///
/// There can be two unless it says one and its own strategy never has two. A number that is left out is often left to
/// somebody who scales. As a Deployment rolls out, the new pod runs beside the old one, with `maxSurge: 0` until that has
/// ended; only `Recreate` waits for the end. A StatefulSet waits, too: it has one pod of each name. A CronJob that
/// replaces a Job does not wait for its pods.
pub(super) fn of(walk: &mut Walk, fields: MapFields, path: Path, kind: &Kind) -> Number {
    let mut number = |field: &str| {
        let node = fields.get(field);
        let count = walk.count(node, path.field(field), 1);
        (count, node.is_some() && count <= 1)
    };
    let (count, one) = match kind {
        Kind::Pod => (1, true),
        Kind::DaemonSet | Kind::Other(..) => (1, false),
        Kind::StatefulSet | Kind::ReplicaSet | Kind::ReplicationController => number("replicas"),
        Kind::Deployment => {
            let (count, one) = number("replicas");
            (count, one & is_recreated(walk, fields, path))
        }
        Kind::Job => {
            let (at_once, one_at_once) = number("parallelism");
            let (in_all, one_in_all) = number("completions");
            (if one_in_all { at_once.min(in_all) } else { at_once }, one_at_once || one_in_all)
        }
        Kind::CronJob => (1, word(walk, fields, path, "concurrencyPolicy") == Some("Forbid")),
    };
    let is_suspended = walk.flag(fields.get("suspend"), path.field("suspend"));
    Number { count: if is_suspended { 0 } else { count }, several: !one }
}

/// The number of the first pod: `ordinals.start` of a specification.
pub(super) fn first(spec: Option<&YamlNode>) -> u64 {
    let ordinals = spec.and_then(MapFields::of).and_then(|spec| MapFields::of(spec.get("ordinals")?));
    match ordinals.and_then(|ordinals| ordinals.get("start")).map(|start| &start.value) {
        Some(Value::Integer(start)) => u64::try_from(*start).unwrap_or_default(),
        _ => 0,
    }
}

/// Whether a Deployment ends its pods before it makes new ones.
fn is_recreated(walk: &mut Walk, fields: MapFields, path: Path) -> bool {
    let path = path.field("strategy");
    let strategy = walk.parts(fields.get("strategy"), path, &["type"], &["rollingUpdate"]);
    strategy.is_some_and(|strategy| word(walk, strategy, path, "type") == Some("Recreate"))
}

fn word<'n>(walk: &mut Walk, object: MapFields<'n, '_>, path: Path, field: &str) -> Option<&'n str> {
    object.get(field).and_then(|node| walk.text(node, path.field(field)))
}

/// What an object scales, when it may run two pods of it: a HorizontalPodAutoscaler, or one of another kind that names its
/// target in the same way. Its other fields are not looked at.
pub(super) fn scaler(pairs: &[(YamlNode, YamlNode)], default_namespace: &str) -> Option<Scaler> {
    let Value::Map(spec) = &fields_of(pairs, "spec").next()?.value else { return None };
    let Value::Map(target) = &fields_of(spec, "scaleTargetRef").next()?.value else { return None };
    let most = ["maxReplicas", "maxReplicaCount"].iter().find_map(|field| fields_of(spec, field).next());
    if matches!(most, Some(YamlNode { value: Value::Integer(most), .. }) if *most <= 1) {
        return None;
    }
    let version = field_text(target, "apiVersion").unwrap_or("apps/v1");
    let kind = kinds::owner(version, field_text(target, "kind").unwrap_or("Deployment"))?;
    let namespace = metadata_text(pairs, "namespace").unwrap_or(default_namespace);
    Some(Scaler { namespace: namespace.into(), kind, name: field_text(target, "name")?.into() })
}
