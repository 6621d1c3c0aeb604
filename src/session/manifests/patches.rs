//! Files with a part of an object, as patches have it, and no object.

use super::Reader;
use crate::cluster::{Kind, Object, Runner};
use crate::k8s::ReadProblem;
use crate::session::path::shell_word;
use std::collections::BTreeSet;

/// Where what runs pods says what they are like.
const TEMPLATES: [&str; 2] = ["spec.template", "spec.jobTemplate"];

/// Whether an object that runs pods does not say what they are like: a cluster takes none such.
fn lacks_template(problem: &ReadProblem) -> bool {
    TEMPLATES.contains(&&*problem.path) && problem.reason == "Required value"
}

/// The objects of a text of which only a part is there, and nothing else is wrong with it.
pub(super) fn partial(problems: &[ReadProblem]) -> BTreeSet<String> {
    let of = |is_part: bool| {
        let some = problems.iter().filter(move |problem| lacks_template(problem) == is_part);
        some.filter_map(|problem| problem.object.clone()).collect::<BTreeSet<_>>()
    };
    &of(true) - &of(false)
}

/// What it is of that runs pods and says neither which pods are its own nor what labels they have: no cluster takes it, and
/// patches of a container or a volume look so.
pub(super) fn part(object: &Object) -> Option<String> {
    let Object::Runner(runner) = object else { return None };
    let Runner { workload, asleep, is_live, .. } = runner;
    let is_of_apps = matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet);
    let is_part = is_of_apps
        && !is_live
        && workload.selector.is_empty()
        && workload.pods.iter().chain(asleep).all(|pods| pods.labels.is_empty());
    is_part.then(|| format!("{} {}/{}", workload.kind.as_str(), workload.namespace, workload.name))
}

/// What is told of parts of objects that no kustomization lists: each file, with the first object of it.
pub(super) fn passed_over(parts: &[(String, String)]) -> Option<String> {
    let ((file, object), more) = parts.split_first()?;
    let more: BTreeSet<&str> = more.iter().map(|(other, _)| other.as_str()).filter(|other| other != file).collect();
    Some(match more.len() {
        0 => format!("`{file}` holds a part of {object}, as patches do, and is passed over"),
        1 => format!("`{file}` and 1 more file hold parts of objects, as patches do, and are passed over"),
        more => format!("`{file}` and {more} more files hold parts of objects, as patches do, and are passed over"),
    })
}

/// What is told of a file that was named itself, and that a kustomization in a folder takes a part from.
pub(super) fn of_kustomization(file: &str, folder: &str, Reader { command, does, .. }: Reader) -> String {
    let word = shell_word(folder);
    format!(
        "the kustomization `{folder}` takes a part from `{file}`, which holds no object and is passed over: `kubectl kustomize \
         {word} | {command} -` builds and {does} it"
    )
}
