//! Pods that are closed to who connects to them because another object says so.

use super::outside::{is_open_to_gateway, is_open_to_others, may_connect};
use super::published::{Behind, Published, is_on, port_of, shown, target as to_pods};
use super::{One, at};
use crate::cluster::{CallTarget, Caller, Cluster, Pods, Service, ServicePort, Who, Workload};
use crate::diag::{Code, Diagnostic};
use crate::lint::near::with_place;
use crate::net::{Direction, NAMESPACE_NAME, PortSet, Protocol, Selector};
use crate::netpol::{Peer, Rule};
use crate::source::Span;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Labels whose value says that pods scrape.
const OF_SCRAPERS: [&str; 4] = ["prometheus", "victoria", "vmagent", "alloy"];

/// W0229 for gateways, W0238 for scrapers and W0239 for the API server.
pub(super) fn check(published: &Published<'_, '_>, found: &mut Vec<Diagnostic>) {
    let mut told: BTreeSet<(Who, Option<Span>, String)> = BTreeSet::new();
    let has_scrapers = has_scrapers(published);
    for caller in &published.cluster.callers {
        for target in &caller.targets {
            let Some((one, behind, ports)) = closed(caller, target, published) else { continue };
            // Several webhooks of one Service, and several monitors of one program, say the same.
            if told.insert((caller.who, one.name, format!("{behind} {ports}"))) {
                let told = diagnostic(caller, one, &behind, &ports);
                // Programs have the annotations whether somebody scrapes them or not.
                let is_sure = caller.who != Who::AnnotatedScraper || has_scrapers;
                found.push(if is_sure { told } else { told.as_note() });
            }
        }
    }
}

/// Whether somebody scrapes, as far as pods and peers of policies say.
fn has_scrapers(published: &Published<'_, '_>) -> bool {
    let mut pods = published.cluster.workloads.iter().flat_map(|workload| &workload.pods);
    let mut rules = published.all.iter().flat_map(One::all_rules);
    let says = |selector: &Selector| {
        let values = selector.entries().filter_map(|(_, values)| values.required()).flatten();
        values.into_iter().any(|value| hints(value) || value.contains("monitoring"))
    };
    let is_one = |peer: &Peer| match peer {
        Peer::Pods { namespaces, pods } => says(pods) || namespaces.as_ref().is_some_and(says),
        Peer::Block(_) | Peer::Unlisted(_) => false,
    };
    pods.any(|pods| pods.labels.values().any(|value| hints(value)))
        || rules.any(|(direction, _, rule)| direction == Direction::Ingress && rule.peers.iter().any(is_one))
}

fn hints(text: &str) -> bool {
    OF_SCRAPERS.iter().any(|known| text.contains(known))
}

/// A policy that closes pods to a caller, what these are called, and the port.
fn closed<'s, 'a>(
    caller: &Caller,
    target: &CallTarget,
    published: &Published<'s, 'a>,
) -> Option<(&'s One<'a>, String, String)> {
    let services = published.cluster.services_of(target);
    if matches!(caller.who, Who::Scraper | Who::AnnotatedScraper) {
        return scraped(caller, target, &services, published);
    }
    services.into_iter().find_map(|(service, ports)| {
        let admits = |behind: &Behind<'_>, ports: &PortSet| admits(caller, behind, ports, published);
        let one = published.closed(service, &ports, admits)?;
        let pods = published.behind(service);
        let port = ports.first().and_then(|port| Some(shown(&to_pods(port, pods.first()?.pods)?)));
        Some((one, format!("the pods of the Service `{}/{}`", service.namespace, service.name), port?))
    })
}

/// The same of what is scraped: every pod, on each port.
fn scraped<'s, 'a>(
    caller: &Caller,
    target: &CallTarget,
    services: &[(&Service, Vec<ServicePort>)],
    published: &Published<'s, 'a>,
) -> Option<(&'s One<'a>, String, String)> {
    let closed = |behind: &Behind<'s>, ports: PortSet, what: String| {
        let one = published.closes(behind, admits(caller, behind, &ports, published))?;
        Some((one, what, shown(&ports)))
    };
    for (service, ports) in services {
        let what = format!("the pods of the Service `{}/{}`", service.namespace, service.name);
        for behind in published.each_behind(service) {
            let mut each = ports.iter().filter_map(|port| to_pods(port, behind.pods));
            if let Some(found) = each.find_map(|ports| closed(&behind, ports, what.clone())) {
                return Some(found);
            }
        }
    }
    let CallTarget::Pods { namespaces, labels, ports } = target else { return None };
    let all = published.each_of(|name| namespaces.has(name), |pods| labels.matches(&pods.labels));
    all.iter().find_map(|behind| {
        let mut each = ports.iter().filter_map(|port| port_of(port, Protocol::Tcp, behind.pods));
        each.find_map(|ports| closed(behind, ports, format!("the pods of `{}`", behind.workload)))
    })
}

/// Whether a caller may connect to pods, as far as can be told.
fn admits(caller: &Caller, behind: &Behind<'_>, ports: &PortSet, published: &Published<'_, '_>) -> bool {
    match caller.who {
        Who::ApiServer => {
            published.addresses().iter().any(|address| may_connect(published, behind.end, *address, ports))
        }
        Who::Gateway => {
            is_open_to_others(published, behind, ports)
                || is_open_to_gateway(&caller.gateways, published, behind, ports)
        }
        Who::Scraper | Who::AnnotatedScraper => {
            is_open_to_others(published, behind, ports) || is_open_to_own(published, behind, ports)
        }
    }
}

/// Whether a rule lets pods of the same namespace in that may scrape: those with such labels, or all of them where nobody
/// knows that none of them does.
fn is_open_to_own(published: &Published<'_, '_>, behind: &Behind<'_>, ports: &PortSet) -> bool {
    let may_scrape = |selector: &Selector| {
        let values = selector.entries().filter_map(|(_, values)| values.required()).flatten();
        values.into_iter().any(|value| hints(value))
    };
    let in_own = |workload: &Workload| workload.namespace == behind.workload.namespace;
    let is_scraper = |pods: &Pods| pods.labels.values().any(|value| hints(value));
    let runs_here = published.cluster.workloads.iter().any(|one| in_own(one) && one.pods.iter().any(is_scraper));
    let opens = |rule: &Rule| {
        is_on(rule, behind.pods, ports)
            && rule.peers.iter().any(|peer| match peer {
                Peer::Pods { pods, .. } => may_scrape(pods) || (runs_here && pods.is_everything()),
                Peer::Block(_) | Peer::Unlisted(_) => false,
            })
    };
    published.rules(behind).any(|(.., rule)| opens(rule))
}

fn diagnostic(caller: &Caller, one: &One<'_>, behind: &str, port: &str) -> Diagnostic {
    let slash = if caller.namespace.is_empty() { "" } else { "/" };
    let named = format!("{} `{}{slash}{}`", caller.kind, caller.namespace, caller.name);
    let (code, message, help) = match caller.who {
        Who::ApiServer => (
            Code::W0239,
            format!(
                "{} closes {behind} to the API server, which calls them on {port} for {named}: it is no pod that a selector \
                 matches",
                one.shown()
            ),
            "open that port without `from`, or for the addresses of the API server with `ipBlock`".to_owned(),
        ),
        Who::Gateway => (
            Code::W0229,
            format!("{named} leads to {behind}, and nobody from another namespace may connect to them on {port}"),
            format!(
                "allow the pods of the gateway, as in `from: [{{namespaceSelector: {{matchLabels: {{{NAMESPACE_NAME}: \
                 gateways}}}}}}]`"
            ),
        ),
        Who::Scraper | Who::AnnotatedScraper => (
            Code::W0238,
            format!(
                "{named} has {behind} scraped on {port}, and {} opens that to no pod of another namespace",
                one.shown()
            ),
            format!(
                "allow the pods that scrape, as in `from: [{{namespaceSelector: {{matchLabels: {{{NAMESPACE_NAME}: \
                 monitoring}}}}}}]`"
            ),
        ),
    };
    let (place, label, text) = match caller.who {
        Who::Gateway => (caller.span.or(one.name), one.name, "isolates its pods"),
        Who::ApiServer | Who::Scraper | Who::AnnotatedScraper => {
            (one.isolation_place(Direction::Ingress).or(caller.span), caller.span, "says who connects")
        }
    };
    with_place(at(code, place, message), label, text).with_help(help)
}

/// Whether a rule opens to everybody just a port on which the API server calls the pods of a policy.
pub(super) fn is_for_webhook(one: &One<'_>, direction: Direction, rule: &Rule, cluster: &Cluster) -> bool {
    if direction != Direction::Ingress || rule.ports.is_empty() {
        return false;
    }
    let mut called = PortSet::empty();
    let namespace: &Arc<str> = &one.policy.namespace;
    for target in cluster.callers.iter().filter(|caller| caller.who == Who::ApiServer).flat_map(|one| &one.targets) {
        for (service, ports) in
            cluster.services_of(target).iter().filter(|(service, _)| service.namespace == *namespace)
        {
            let workloads = cluster.workloads.iter().filter(|workload| workload.namespace == *namespace);
            let pods = workloads.flat_map(|workload| &workload.pods);
            let pods = pods.filter(|pods| service.selects(&pods.labels) && one.policy.subject.matches(&pods.labels));
            for pods in pods {
                let targets = ports.iter().filter_map(|port| to_pods(port, pods));
                targets.for_each(|ports| called.insert(&ports));
                let names =
                    pods.ports.iter().filter(|port| called.contains(&PortSet::number(port.protocol, port.number)));
                let names: Vec<_> = names.filter_map(|port| Some((port.protocol, port.name.clone()?))).collect();
                names.into_iter().for_each(|(protocol, name)| called.insert(&PortSet::named(protocol, name)));
            }
        }
    }
    rule.ports.iter().all(|port| called.contains(&super::atoms::ports(port)))
}
