//! What a cluster has, asked of it by the user's own `kubectl`: two calls that read, and nothing that is kept.
//!
//! How to log in, by which proxy, with which certificates: `kubectl` knows it, with whatever it is set up for.

use super::path::shell_word;
use super::system::{FileSystem, KubectlAnswer, KubectlCall, reason};
use crate::diag::{Code, Diagnostic};
use crate::k8s;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// What is asked for of every cluster: without one of these an answer would be wrong, and nobody would see it. There are no
/// Secrets among them, and no ConfigMaps.
const CORE: [&str; 12] = [
    "namespaces",
    "nodes",
    "pods",
    "services",
    "networkpolicies.networking.k8s.io",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
    "jobs.batch",
    "cronjobs.batch",
    "ingresses.networking.k8s.io",
];

/// What is asked for beside that where it is about who talks to whom, as far as the cluster has it. There are no Secrets among them.
const HINTS: [&str; 18] = [
    "configmaps",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "ingressclasses.networking.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "apiservices.apiregistration.k8s.io",
    "gatewayclasses.gateway.networking.k8s.io",
    "gateways.gateway.networking.k8s.io",
    "grpcroutes.gateway.networking.k8s.io",
    "httproutes.gateway.networking.k8s.io",
    "tcproutes.gateway.networking.k8s.io",
    "tlsroutes.gateway.networking.k8s.io",
    "udproutes.gateway.networking.k8s.io",
    "podmonitors.monitoring.coreos.com",
    "servicemonitors.monitoring.coreos.com",
    "rollouts.argoproj.io",
    "routes.route.openshift.io",
];

/// How long `kubectl` waits for the API server at one request.
const TIMEOUT: &str = "--request-timeout=60s";

/// What the text of a cluster is called in messages.
pub const CLUSTER_NAME: &str = "<cluster>";

/// How to ask a cluster, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAccess {
    /// The program that asks: a path, or a name that is looked for as a shell would.
    pub kubectl: PathBuf,
    /// The context of its settings; `None` for the one that is in use.
    pub context: Option<String>,
    /// Whether it is only about what runs there, since the policies are others.
    pub only_runs: bool,
    /// Whether it is also about what shows who talks to whom: settings, routes, roles, webhooks.
    pub wants_hints: bool,
    /// Whether each call is said before it is made.
    pub is_said: bool,
    /// The command that reads from a pipe what `kubectl` prints, such as `polder lint -`.
    pub pipe: String,
}

/// What a cluster gave.
#[derive(Debug)]
pub(super) struct ClusterListing {
    /// A list of objects, in JSON.
    pub bytes: Vec<u8>,
    /// The kinds that change what is allowed and could not be looked at, each with the reason.
    pub not_looked_at: Vec<(String, String)>,
    /// What could not be asked for and may have no part in the answer.
    pub notes: Vec<String>,
}

/// A kind that the API server has.
struct ServedKind<'k> {
    /// Its plural and its group, as `kubectl get` takes it.
    resource: String,
    version: &'k str,
    kind: &'k str,
}

/// Asks a cluster for everything that answers are made of. The error says why there can be none.
pub(super) fn list(system: &dyn FileSystem, access: &ClusterAccess) -> Result<ClusterListing, Diagnostic> {
    if access.context.as_ref().is_some_and(|context| context.starts_with('-')) {
        return Err(failed("the name of a context cannot begin with `-`", "`kubectl config get-contexts` lists them"));
    }
    let kinds = ask(system, access, &["api-resources", "--no-headers", "--verbs=list", TIMEOUT])?;
    let text = String::from_utf8_lossy(&kinds.output);
    let served: Vec<ServedKind<'_>> = text.lines().filter_map(ServedKind::read).collect();
    let unserved = kinds.unserved_groups();
    if served.is_empty() || (!kinds.is_success && unserved.is_empty()) {
        return Err(access.did_not_answer(&kinds));
    }
    let has = |resource: &str| served.iter().any(|kind| kind.resource == resource);
    let lacking: Vec<&str> = CORE.into_iter().filter(|resource| !has(resource)).collect();
    if !lacking.is_empty() {
        let message = format!("the cluster does not have {}", quoted(&lacking));
        let help =
            format!("`{} api-resources` lists what it has; Kubernetes has all of these since 1.21", access.typed());
        return Err(failed(message, help));
    }
    let mut foreign: Vec<&ServedKind<'_>> = served.iter().filter(|kind| kind.matters()).collect();
    // Calico serves its kinds a second time, as what it keeps them in.
    foreign.retain(|kind| kind.is_first_of(&served));
    let hints = HINTS.into_iter().filter(|resource| access.wants_hints && has(resource));
    let foreign =
        foreign.iter().map(|kind| kind.resource.as_str()).filter(|one| !access.wants_hints || !HINTS.contains(one));
    let asked: Vec<&str> = CORE.into_iter().chain(hints).chain(foreign).collect();
    let given = ask(system, access, &["get", &asked.join(","), "-A", "-o", "json", TIMEOUT])?;
    let mut listing = ClusterListing { bytes: Vec::new(), not_looked_at: Vec::new(), notes: Vec::new() };
    for (group, reason) in unserved {
        match k8s::may_change_answers(group) {
            true => listing.not_looked_at.push((format!("the kinds of {group}"), reason.to_owned())),
            false => listing.notes.push(format!("the cluster does not answer for {group}: {reason}")),
        }
    }
    if !given.is_success {
        let refused = refusals(&given.said).ok_or_else(|| access.did_not_answer(&given))?;
        let core: Vec<&str> =
            refused.iter().map(|(resource, _)| resource.as_str()).filter(|one| CORE.contains(one)).collect();
        if !core.is_empty() {
            return Err(access.may_not(&core));
        }
        listing.not_looked_at.extend(refused);
    }
    listing.bytes = given.output;
    Ok(listing)
}

fn ask(system: &dyn FileSystem, access: &ClusterAccess, words: &[&str]) -> Result<KubectlAnswer, Diagnostic> {
    let context = access.context.iter().map(|context| format!("--context={context}"));
    let call = KubectlCall {
        program: access.kubectl.clone(),
        arguments: context.chain(words.iter().map(|word| (*word).to_owned())).collect(),
        limit: k8s::LONGEST_TEXT as u64,
        is_said: access.is_said,
    };
    system.kubectl(&call).map_err(|error| access.cannot_run(&error))
}

impl ClusterAccess {
    /// `kubectl`, with the context, as somebody would type it.
    pub(super) fn typed(&self) -> String {
        let program = shell_word(&self.kubectl.to_string_lossy()).into_owned();
        match &self.context {
            Some(context) => format!("{program} --context={}", shell_word(context)),
            None => program,
        }
    }

    fn cannot_run(&self, error: &io::Error) -> Diagnostic {
        let program = self.kubectl.to_string_lossy();
        if error.kind() == io::ErrorKind::FileTooLarge {
            return failed(format!("the cluster has too much: {}", reason(error)), self.look());
        }
        if error.kind() == io::ErrorKind::TimedOut {
            return failed(format!("gave up on `{program}`: {}", reason(error)), self.look());
        }
        let help = format!(
            "`--kubectl PATH` says where it is; or run it where there is one: `kubectl get {} -A -o json | {}`",
            CORE.join(","),
            self.pipe
        );
        failed(format!("cannot run `{program}`: {}", reason(error)), help)
    }

    fn did_not_answer(&self, answer: &KubectlAnswer) -> Diagnostic {
        let said = answer.told();
        let message = match said.as_str() {
            "" => "the cluster gave no answer, and `kubectl` does not say why".to_owned(),
            said => format!("the cluster gave no answer: {said}"),
        };
        failed(message, self.look())
    }

    fn may_not(&self, core: &[&str]) -> Diagnostic {
        let message = format!("the cluster does not let you list {}, and no answer is sure without", quoted(core));
        let help = format!(
            "ask for a ClusterRole with `get` and `list` on that, bound to you: `kubectl create clusterrole polder-reader \
             --verb=get,list --resource={}`",
            core.join(",")
        );
        failed(message, help)
    }

    fn look(&self) -> String {
        format!("`{} get namespaces` has to work first", self.typed())
    }
}

impl<'k> ServedKind<'k> {
    /// A line of `kubectl api-resources`: name, perhaps short names, version, whether it is of namespaces, kind.
    fn read(line: &'k str) -> Option<ServedKind<'k>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, .., version, "true" | "false", kind] = words.as_slice() else { return None };
        let resource = match version.split_once('/') {
            Some((group, _)) => format!("{name}.{group}"),
            None => (*name).to_owned(),
        };
        Some(ServedKind { resource, version, kind })
    }

    /// Whether objects of it change what is allowed, beside those that are always asked for.
    fn matters(&self) -> bool {
        !CORE.contains(&self.resource.as_str()) && k8s::changes_answers(self.version, self.kind)
    }

    fn is_first_of(&self, all: &[ServedKind<'_>]) -> bool {
        let kept = self.resource.strip_suffix(".crd.projectcalico.org");
        !kept.is_some_and(|name| all.iter().any(|one| one.resource == format!("{name}.projectcalico.org")))
    }
}

impl KubectlAnswer {
    /// The groups that another server should answer for and does not, each with the reason.
    fn unserved_groups(&self) -> Vec<(&str, &str)> {
        const SAID: &str = "unable to retrieve the complete list of server APIs: ";
        let list = self.said.lines().find_map(|line| Some(line.split_once(SAID)?.1)).unwrap_or_default();
        list.split(", ").filter_map(|one| one.split_once(": ")).filter(|(group, _)| group.contains('/')).collect()
    }

    /// What it said, as the end of a sentence, without what its libraries log.
    fn told(&self) -> String {
        /// More lines say nothing more.
        const MOST: usize = 8;
        let lines: BTreeSet<&str> = self.said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let is_new = |line: &&str| lines.contains(line);
        let mut told: Vec<&str> = Vec::new();
        for line in self.said.lines().map(str::trim).filter(is_new).filter(|line| !is_logged(line)) {
            if !told.contains(&line) && told.len() < MOST {
                told.push(line);
            }
        }
        // Better a log than nothing.
        if told.is_empty() {
            told.extend(lines.iter().next());
        }
        told.join("; ")
    }
}

/// Whether a line is of the log of a library, as in `E1130 23:54:02.124273   30955 memcache.go:287] ...`.
pub(super) fn is_logged(line: &str) -> bool {
    let Some((level, rest)) = line.split_at_checked(1) else { return false };
    let day = rest.get(..4).is_some_and(|day| day.bytes().all(|byte| byte.is_ascii_digit()));
    "IWEF".contains(level) && day && rest.get(4..).is_some_and(|rest| rest.starts_with(' ') && rest.contains(".go:"))
}

/// The resources that could not be listed, each with the reason, where nothing else went wrong.
fn refusals(said: &str) -> Option<Vec<(String, String)>> {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !is_logged(line));
    let mut refused: Vec<(String, String)> = Vec::new();
    for line in lines {
        let found = match line.strip_prefix("Error from server (") {
            Some(rest) => refusal(rest)?,
            None if line.starts_with("error:") || line.starts_with("The connection to the server") => return None,
            // What a plugin says, and warnings.
            None => continue,
        };
        refused.push(found);
    }
    (!refused.is_empty()).then_some(refused)
}

/// `Forbidden): pods is forbidden: User "ci" cannot list resource "pods" in API group "" at the cluster scope`, or
/// `NotFound): Unable to list "cilium.io/v2, Resource=ciliumnetworkpolicies": ...`.
fn refusal(rest: &str) -> Option<(String, String)> {
    let (why, rest) = rest.split_once("): ")?;
    let between = |before: &str| Some(rest.split_once(before)?.1.split_once('"')?.0);
    if let Some(listed) = between("Unable to list \"") {
        let (version, resource) = listed.split_once(", Resource=")?;
        return Some((resource_of(resource, version.rsplit_once('/').map_or("", |(group, _)| group)), in_words(why)));
    }
    let resource = between("cannot list resource \"")?;
    Some((resource_of(resource, between("in API group \"").unwrap_or_default()), in_words(why)))
}

fn resource_of(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// `Forbidden` as it stands in a sentence.
fn in_words(reason: &str) -> String {
    match reason {
        "Forbidden" => "you may not list them".to_owned(),
        "NotFound" => "the cluster does not have them any more".to_owned(),
        other => format!("the cluster says {other}"),
    }
}

fn quoted(all: &[&str]) -> String {
    all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")
}

fn failed(message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::about(Code::E0504, message.into()).with_help(help.into())
}

#[cfg(test)]
mod tests;
