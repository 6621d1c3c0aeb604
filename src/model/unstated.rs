//! Labels that would have to be stated: of managed namespaces that may be among those of a selection by labels, or not.

use super::resolve::Resolver;
use super::{DnsServer, Endpoint, Isolated, Managed, Model, Namespace, NamespaceId, NamespaceKind};
use crate::diag::{Code, Diagnostic};
use crate::net::{Direction, NAMESPACE_NAME, Selector, Truth, Values};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// So many namespaces are named.
const MOST_NAMED: usize = 3;

/// What would settle whether a namespace is among those of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// Labels that make it one.
    pub is: Labels,
    /// A label that makes it none.
    pub is_not: Labels,
}

/// Labels as a namespace states them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// The labels.
    pub text: String,
    /// The keys of which any value will do: the name of the namespace stands for that which it has.
    pub any: Vec<Arc<str>>,
    /// The keys of which some other values will do as well, with all of these.
    pub several: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

impl Settling {
    /// What to state of the namespace `name` beside what is `known`, where that does not settle it. `own` has the value of
    /// a label where that is known.
    pub fn of(
        labels: &Selector,
        known: &Selector,
        name: &str,
        own: impl Fn(&str) -> Option<Arc<str>>,
    ) -> Option<Settling> {
        let unknown =
            || labels.entries().filter(|(key, _)| ***key != *NAMESPACE_NAME && known.values(key).is_anything());
        let (key, values) = unknown().next()?;
        let (mut is, mut is_not) = (Labels::default(), Labels::default());
        unknown().for_each(|(key, values)| is.meet(key, values, name, own(key)));
        is_not.miss(key, values, name);
        Some(Settling { is, is_not })
    }
}

impl Labels {
    /// Adds a label that meets what is asked of it.
    fn meet(&mut self, key: &Arc<str>, values: &Values, name: &str, own: Option<Arc<str>>) {
        let required = values.required().unwrap_or_default();
        match (own.filter(|own| values.allows(Some(own))), required.first()) {
            (Some(own), _) => self.add(format!("{key}={own}")),
            (None, Some(value)) => {
                if required.len() > 1 {
                    self.several.push((key.clone(), required.to_vec()));
                }
                self.add(format!("{key}={value}"));
            }
            (None, None) if values.allows(None) => self.add(format!("!{key}")),
            (None, None) => self.add_any(key, values, name),
        }
    }

    /// Adds a label that does not.
    fn miss(&mut self, key: &Arc<str>, values: &Values, name: &str) {
        match values.listed().first() {
            _ if !values.allows(None) => self.add(format!("!{key}")),
            Some(value) => self.add(format!("{key}={value}")),
            None => self.add_any(key, &Values::exists(), name),
        }
    }

    fn add_any(&mut self, key: &Arc<str>, values: &Values, name: &str) {
        self.any.push(key.clone());
        let not = if values.allows(Some(name)) { "" } else { "not-" };
        self.add(format!("{key}={not}{name}"));
    }

    fn add(&mut self, label: String) {
        if !self.text.is_empty() {
            self.text.push_str(", ");
        }
        self.text.push_str(&label);
    }

    /// What is to be said of values that only a person knows.
    fn open(&self) -> impl Iterator<Item = String> {
        let any = self.any.iter().map(|key| format!("`{key}` can be anything"));
        let several = self.several.iter().map(|(key, values)| {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("`{key}` can be {}", values.join(" or "))
        });
        any.chain(several)
    }
}

/// The statement that states labels of a namespace, by its name in the program and in the cluster.
pub fn stating(declared: &str, name: &str, labels: &str) -> String {
    if declared == name {
        format!("namespace {name} ({labels}) {{}}")
    } else {
        format!("namespace {declared} = {name} ({labels})")
    }
}

/// A selection of namespaces by labels that may mean managed ones, on whose side its flows write nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unstated {
    /// The selection.
    pub selection: NamespaceId,
    /// The first flow or setting that uses it.
    pub used: Option<Span>,
    /// The namespaces.
    pub namespaces: Vec<NamespaceId>,
}

impl Unstated {
    /// What is said of it; nothing where it means none of them.
    pub fn warning(&self, model: &Model) -> Option<Diagnostic> {
        let selection = model.namespace(self.selection)?;
        let NamespaceKind::External(Some(labels)) = &selection.kind else { return None };
        let namespaces: Vec<&Namespace> = self.namespaces.iter().filter_map(|id| model.namespace(*id)).collect();
        let names: Vec<String> = namespaces.iter().take(MOST_NAMED).map(|one| format!("`{}`", one.name)).collect();
        let named = match (names.as_slice(), namespaces.len() - names.len()) {
            ([], _) => return None,
            ([one], _) => one.clone(),
            (names, 0) => names.join(" or "),
            (names, more) => format!("{} or {more} more", names.join(", ")),
        };
        let message =
            format!("nobody stated whether {named} is one of `{}`: its flows write nothing there", selection.declared);
        let advice = |namespace: &&Namespace| {
            let Settling { is, is_not } = Settling::of(labels, &namespace.known_labels()?, &namespace.name, |_| None)?;
            let state = |labels: &Labels| stating(&namespace.declared, &namespace.name, &labels.text);
            let advice = format!("`{}`, or `{}` if it is none", state(&is), state(&is_not));
            Some((advice, is.open().chain(is_not.open()).collect::<Vec<_>>()))
        };
        let (advice, open): (Vec<String>, Vec<Vec<String>>) =
            namespaces.iter().take(MOST_NAMED).filter_map(advice).unzip();
        let open: BTreeSet<String> = open.into_iter().flatten().collect();
        let open = match open.is_empty() {
            true => String::new(),
            false => format!(", with the values that it has ({})", Vec::from_iter(open).join(", ")),
        };
        let warning = Diagnostic::new(Code::W0018, selection.span, message);
        let warning = self.used.into_iter().fold(warning, |warning, used| warning.with_label(used, "used here"));
        Some(warning.with_help(format!("state the labels{open}: {}", advice.join("; "))))
    }
}

/// Where a selection of namespaces by labels is used.
#[derive(Debug, Default)]
struct UsedAt {
    /// The first flow or setting.
    span: Option<Span>,
    /// The sides that would be opened, of which pods.
    sides: Vec<(Direction, Selector)>,
}

impl Resolver<'_> {
    /// Reports each selection whose flows would open the side of managed namespaces that only may be meant.
    pub(super) fn warn_about_unstated(&mut self) {
        let mut found = Vec::new();
        for (selection, used) in self.selections() {
            let Some(NamespaceKind::External(Some(labels))) = self.model.namespace(selection).map(|one| &one.kind)
            else {
                continue;
            };
            let asked = |one: &Namespace| {
                let closed = |managed| used.sides.iter().any(|(side, pods)| self.isolates(managed, *side, pods));
                one.is_among(&labels.of_namespaces()) == Some(Truth::Maybe) && one.managed().is_some_and(closed)
            };
            let namespaces: Vec<NamespaceId> =
                self.model.namespaces.ids().filter(|id| asked(&self.model.namespaces[*id])).collect();
            if !namespaces.is_empty() {
                found.push(Unstated { selection, used: used.span, namespaces });
            }
        }
        for unstated in found {
            let warned = unstated.warning(&self.model).map(|warning| self.with_stated(warning, &unstated));
            warned.into_iter().for_each(|diagnostic| self.report(diagnostic));
            self.model.unstated.push(unstated);
        }
    }

    /// The selections of namespaces by labels that flows and settings use, each with the sides that it would open.
    fn selections(&self) -> BTreeMap<NamespaceId, UsedAt> {
        let mut all: BTreeMap<NamespaceId, UsedAt> = BTreeMap::new();
        let mut add = |leaf: Endpoint, side: Direction, span: Option<Span>| {
            let (id, pods) = match leaf {
                Endpoint::Tier(id) => match self.model.tier(id) {
                    Some(tier) => (tier.namespace, tier.selector.clone()),
                    None => return,
                },
                Endpoint::Namespace(id) => (id, Selector::everything()),
                Endpoint::Group(_) | Endpoint::Cidr(_) | Endpoint::Fqdn(_) | Endpoint::BuiltIn(_) => return,
            };
            let kind = self.model.namespace(id).map(|namespace| &namespace.kind);
            if matches!(kind, Some(NamespaceKind::External(Some(_)))) {
                let used = all.entry(id).or_default();
                used.span = used.span.or(span);
                if !used.sides.contains(&(side, pods.clone())) {
                    used.sides.push((side, pods));
                }
            }
        };
        for flow in &self.model.flows {
            let span = self.model.statements.get(flow.statement.index()).map(|statement| statement.span);
            if flow.side != Some(Direction::Ingress) {
                self.model.leaves(&flow.source).iter().for_each(|leaf| add(*leaf, Direction::Egress, span));
            }
            if flow.side != Some(Direction::Egress) {
                flow.targets.iter().for_each(|(leaf, _)| add(*leaf, Direction::Ingress, span));
            }
        }
        for managed in self.model.namespaces.iter().filter_map(Namespace::managed) {
            for server in &managed.dns.servers {
                if let DnsServer::Tier(tier, _) = server {
                    add(Endpoint::Tier(*tier), Direction::Ingress, managed.dns.span);
                }
            }
        }
        all
    }

    /// Whether some pods of a selector are isolated in a direction.
    fn isolates(&self, managed: &Managed, side: Direction, pods: &Selector) -> bool {
        let isolated = match side {
            Direction::Ingress => &managed.ingress,
            Direction::Egress => &managed.egress,
        };
        match isolated {
            Isolated::Every => true,
            Isolated::Tiers(tiers) => {
                tiers.iter().any(|id| self.model.tier(*id).is_some_and(|tier| tier.selector.overlaps(pods)))
            }
        }
    }

    /// Adds the changes that state the labels of the first namespace where it is declared.
    fn with_stated(&self, diagnostic: Diagnostic, unstated: &Unstated) -> Diagnostic {
        let selection = self.model.namespace(unstated.selection).map(|one| &one.kind);
        let (Some(NamespaceKind::External(Some(labels))), Some(id)) = (selection, unstated.namespaces.first()) else {
            return diagnostic;
        };
        let namespace = &self.model.namespaces[*id];
        let known = namespace.known_labels().filter(|_| namespace.name == namespace.declared);
        let settling = known.and_then(|known| Settling::of(labels, &known, &namespace.name, |_| None));
        let Some(Settling { is, is_not }) = settling else { return diagnostic };
        let stated = self.stated.get(id).into_iter().flatten();
        let last = stated.map(|(_, (_, span))| *span).max_by_key(|span| (span.file, span.end));
        let end = last.unwrap_or(namespace.span);
        let place = Span { start: end.end, ..end };
        let text = |labels: String| if last.is_some() { format!(", {labels}") } else { format!(" ({labels})") };
        // Nobody but a person knows a value that can be anything.
        let whole = [is, is_not].into_iter().filter(|labels| labels.any.is_empty());
        diagnostic.with_mends(place, whole.map(|labels| text(labels.text)))
    }
}
