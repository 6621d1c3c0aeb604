//! What is said where nobody has the name that is asked for.

use super::Subject;
use crate::cluster::Workload;
use crate::diag::closest;
use crate::net::is_dns_label;
use std::collections::BTreeSet;
use std::sync::Arc;

/// More names than these are not listed in a message.
const MOST_NAMES: usize = 12;

impl Subject {
    /// A sentence that says what to write instead of `text`, where `names` are those that there are.
    pub(super) fn unknown(&self, names: &[String], text: &str) -> String {
        if let Some((who, _)) = text.split_once(':') {
            let whole = format!("{who}/*");
            let who = if names.contains(&whole) { whole.as_str() } else { who };
            return format!("`{text}` has ports, which only the second of two ends has: write `{who}`");
        }
        if let Some(why) = self.no_end(text) {
            return why;
        }
        if let Some((namespace, name)) = text.strip_suffix("[Service]").unwrap_or(text).split_once('/')
            && self.manifests().cluster.service(namespace, name).is_some()
        {
            return format!("`{text}` is a Service: write its name, as in `{name}.{namespace}.svc`");
        }
        if let Some(why) = self.no_service(text) {
            return why;
        }
        if let Some(one) = self.manifests().of_operators.iter().find(|one| one.is_called(text)) {
            return format!(
                "cannot tell: `{text}` is a {}, and which pods an operator makes of it is not known; `kubectl get pods -n {} -o \
                 json` has those that run",
                one.kind, one.namespace
            );
        }
        if let (Some(home), Some(_)) = (text.strip_suffix("/*"), self.cluster())
            && is_dns_label(home)
        {
            let none = match self.is_of_cluster() {
                true => format!("nothing runs in namespace `{home}` of the cluster"),
                false => format!("no pod of namespace `{home}` was given"),
            };
            return format!("{none}; ask about one by its labels, as in `{home}/{{app=web}}`");
        }
        let nothing = match self.cluster() {
            Some(cluster) if cluster.is_live() => "the cluster has no workload called",
            Some(_) => "no workload is called",
            None if self.session.is_some() => "nothing in this program is called",
            None => "nothing is called",
        };
        format!("{nothing} `{text}`; {}", self.instead(names, text))
    }

    /// What to say of the name of a Service, where its namespace has others.
    fn no_service(&self, text: &str) -> Option<String> {
        let (name, rest) = text.split_once('.').filter(|_| !text.contains(['/', '{', '[']))?;
        let home = rest.split('.').next()?;
        let services = &self.manifests().cluster.services;
        let here = services.iter().filter(|service| *service.namespace == *home);
        let here: Vec<String> = here.map(|service| format!("{}.{home}", service.name)).collect();
        let near = closest(&format!("{name}.{home}"), here.iter().map(String::as_str));
        let help = match near {
            _ if here.is_empty() => return None,
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", quoted(&here)),
        };
        Some(format!("no Service of namespace `{home}` is called `{name}`; {help}"))
    }

    /// The names of what was given and uses the network of its node, which no policy knows by a name.
    fn on_nodes(&self) -> impl Iterator<Item = String> {
        let workloads = self.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
        let is_on_node = |workload: &&Workload| workload.pods.iter().any(|pods| pods.host_network && !pods.finished);
        workloads.iter().filter(is_on_node).map(|workload| format!("{}/{}", workload.namespace, workload.name))
    }

    /// Why there is no answer about something that could be meant.
    fn no_end(&self, text: &str) -> Option<String> {
        let is_fqdn = |name: &Arc<str>, namespace: Option<&Arc<str>>| match namespace {
            Some(namespace) => text == &**name || text == format!("{namespace}/{name}"),
            None => text == &**name,
        };
        if let Some(model) = self.model()
            && model.fqdns.iter().any(|fqdn| {
                let namespace = fqdn.namespace.and_then(|id| model.namespace(id)).map(|namespace| &namespace.name);
                is_fqdn(&fqdn.name, namespace)
            })
        {
            return Some(format!(
                "`{text}` is a list of DNS names, and nobody knows their addresses before they are looked up; ask about \
                 an address instead, as in `203.0.113.7`"
            ));
        }
        let workloads = self.cluster().map(|cluster| cluster.workloads.as_slice()).unwrap_or_default();
        let outside = workloads.iter().filter(|one| one.is_called(text)).find_map(|one| Some((one, one.outside()?)));
        outside.map(|(workload, why)| format!("nothing can be said about `{workload}`: {why}"))
    }

    /// What could be meant.
    fn instead(&self, names: &[String], text: &str) -> String {
        let whole = format!("{text}/*");
        if names.contains(&whole) {
            return format!("it is a namespace, all pods of which are `{whole}`");
        }
        let by_labels = self.session.is_none() && self.cluster().is_none();
        if let Some(pods) = by_labels.then(|| with_label(names, text)).flatten() {
            return format!(
                "without workloads pods are known by their labels: `{pods}`; `--workloads PATH` gives what runs"
            );
        }
        let short = |name: &str| name.rsplit_once('/').map_or(name, |(_, short)| short).to_owned();
        let wanted = short(text);
        let names: BTreeSet<String> =
            names.iter().filter(|name| !name.contains('(')).cloned().chain(self.on_nodes()).collect();
        let names: Vec<&String> = names.iter().collect();
        let near = closest(text, names.iter().map(|name| name.as_str())).map(str::to_owned).or_else(|| {
            let shorts: Vec<String> = names.iter().map(|name| short(name)).collect();
            let near = closest(&wanted, shorts.iter().map(String::as_str))?;
            names.iter().zip(&shorts).find(|(_, short)| *short == near).map(|(name, _)| (*name).clone())
        });
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if by_labels && !text.contains('{') => {
                let home = text.split_once('/').map_or("NAMESPACE", |(home, _)| home);
                let name = text.rsplit('/').next().unwrap_or(text);
                format!(
                    "without workloads pods are known by their labels, as in `{home}/{{app={name}}}`; `--workloads PATH` \
                     gives what runs"
                )
            }
            None if names.len() <= MOST_NAMES => format!("there are {}", quoted(&names)),
            None => "`polder reach --names` lists all names".to_owned(),
        }
    }
}

/// Pods that a selector knows by a label with the value that somebody takes for a name.
fn with_label<'n>(names: &'n [String], text: &str) -> Option<&'n String> {
    let (home, value) = match text.split_once('/') {
        Some((home, value)) => (Some(home), value),
        None => (None, text),
    };
    let is_it = |name: &&String| {
        let Some((own, labels)) = name.split_once("/{") else { return false };
        let mut pairs = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
        home.is_none_or(|home| home == own) && pairs.any(|(_, own)| own == value)
    };
    names.iter().find(is_it)
}

/// `a`, `b` and `c`; of many, only the first.
pub(super) fn quoted(names: &[impl AsRef<str>]) -> String {
    let (shown, more) = match names.get(..MOST_NAMES) {
        Some(shown) if names.len() > MOST_NAMES => (shown, names.len() - MOST_NAMES),
        _ => (names, 0),
    };
    let mut words: Vec<String> = shown.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    if more > 0 {
        words.push(format!("{more} more"));
    }
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
