//! `textDocument/completion`: what can stand where the cursor is.

use super::complete::{Offer, OfferRank};
use super::context::{Context, EnclosingBlock, is_name_character, word_at};
use super::describe;
use super::labels::open_selector;
use super::names::{self, path};
use super::program::{FileSpot, Program};
use crate::model::{BuiltIn, COMPONENTS, Cni, DnsServer, Endpoint, Entity, Model, NamespaceId};
use crate::net::Protocol;
use crate::source::Span;
use crate::syntax::words::{self, PLATFORM_KEYS, STATEMENTS, StatementKind, StatementPlace};
use lsp_types::{CompletionItem, CompletionItemKind, CompletionList};
use std::collections::BTreeSet;

/// Characters that open a list of their own.
pub(super) const TRIGGERS: [&str; 5] = ["/", ":", "(", ",", "="];

/// What a list is made from.
pub(super) struct Finder<'a> {
    pub program: &'a Program,
    pub model: &'a Model,
    context: Context<'a>,
    scope: Option<NamespaceId>,
    /// The other namespaces of a block of several.
    beside: Vec<NamespaceId>,
    offers: Vec<Offer>,
}

/// The list for a spot. `snippets` says whether the editor knows tab stops.
pub(super) fn complete(program: &Program, spot: FileSpot, snippets: bool) -> Option<CompletionList> {
    let model = program.model()?;
    let text = program.text(spot.file);
    let context = Context::at(text, spot.offset);
    if context.comment || context.quoted {
        return None;
    }
    let mut beside = names::scopes(model, &context);
    let scope = (!beside.is_empty()).then(|| beside.remove(0));
    let mut finder = Finder { program, model, context, scope, beside, offers: Vec::new() };
    let labels = finder.find();
    let fits = |c: char| is_name_character(c) || (labels && matches!(c, '.' | '/'));
    let (start, end) = word_at(text, spot.offset, fits);
    let range = program.range(Span::new(spot.file, start..end));
    let mut offers = finder.offers;
    offers.sort_by(|one, other| (one.rank, &one.label).cmp(&(other.rank, &other.label)));
    offers.dedup_by(|one, other| one.label == other.label);
    let items: Vec<CompletionItem> = offers.into_iter().map(|offer| offer.item(range, snippets)).collect();
    Some(CompletionList { is_incomplete: false, items, ..CompletionList::default() })
}

impl Finder<'_> {
    /// Collects the offers; whether they are labels, whose words hold dots and slashes.
    fn find(&mut self) -> bool {
        let statement = self.context.statement.clone();
        if let Some(selector) = open_selector(&statement) {
            self.labels(selector);
            return true;
        }
        let word = statement.split(|c: char| !is_name_character(c)).next().unwrap_or("");
        let rest = statement.get(word.len()..).unwrap_or("");
        if rest.is_empty() {
            self.start();
            return false;
        }
        let is_entry = match self.context.block {
            EnclosingBlock::Platform => true,
            EnclosingBlock::Environment => words::is_platform_key(word),
            EnclosingBlock::File | EnclosingBlock::Namespace(_) => false,
        };
        if is_entry {
            self.platform_entry(word, rest);
            return false;
        }
        // Such a word is a name when an arrow or a slash follows it.
        let flow = rest.trim_start().starts_with("->") || rest.starts_with(['/', ':']);
        match word {
            _ if flow => self.flow(&statement, false),
            "ingress" | "egress" => self.flow(rest, false),
            "use" => self.components(rest),
            "label" => {
                self.label_keys("");
                return true;
            }
            "dns" => self.dns(),
            "external" if !rest.contains("namespace") => self.offer("namespace", CompletionItemKind::Keyword, ""),
            "namespace" if self.context.block == EnclosingBlock::Environment && !rest.contains('=') => {
                self.namespaces("")
            }
            "cidr" | "fqdn" if self.context.block == EnclosingBlock::Environment && !rest.contains('=') => {
                self.replaceable(word == "cidr");
            }
            "group" if let Some((_, list)) = rest.split_once('=') => self.last_endpoint(list),
            "isolate" => self.isolate(rest),
            "disjoint" => self.own_tiers(rest),
            "tier" => self.tier(rest),
            _ if words::starts_assertion(word) => self.flow(rest, true),
            "ports" if rest.contains('=') => self.protocols(rest),
            "namespace" | "external" | "platform" | "environment" | "cidr" | "fqdn" | "group" | "ports" => {}
            _ => self.flow(&statement, false),
        }
        false
    }

    /// Offers a word that is as near as can be.
    pub(super) fn offer(&mut self, label: &str, kind: CompletionItemKind, detail: &str) {
        self.offers.push(Offer::new(label, kind, OfferRank::First).with_detail(detail));
    }

    /// The words that can start a statement here, and the ends of a flow.
    fn start(&mut self) {
        let is_entry = matches!(self.context.block, EnclosingBlock::Platform | EnclosingBlock::Environment);
        for key in PLATFORM_KEYS.iter().filter(|_| is_entry) {
            self.offer(key.word, CompletionItemKind::Property, key.purpose);
        }
        let block = self.context.block;
        let fits = |one: &&StatementKind| match (block, one.place) {
            (EnclosingBlock::File, StatementPlace::File | StatementPlace::Both)
            | (EnclosingBlock::Namespace(_), StatementPlace::Namespace | StatementPlace::Both)
            | (EnclosingBlock::Environment, StatementPlace::Environment) => true,
            (
                EnclosingBlock::File
                | EnclosingBlock::Namespace(_)
                | EnclosingBlock::Environment
                | EnclosingBlock::Platform,
                _,
            ) => false,
        };
        let keyword = |one: &StatementKind| Offer::keyword(one.words, one.purpose, one.snippet);
        self.offers.extend(STATEMENTS.iter().filter(fits).map(keyword));
        if is_entry {
            return;
        }
        self.endpoints();
    }

    /// Endpoints, then namespaces; or after `NAMESPACE/` what it holds.
    fn endpoints_after(&mut self, written: &str) {
        match written.trim_start().rsplit_once('/') {
            Some((home, _)) => self.endpoints_of(home.trim()),
            None => self.endpoints(),
        }
    }

    /// What a namespace holds.
    fn endpoints_of(&mut self, home: &str) {
        let Some(id) = names::namespace(self.model, home) else { return };
        self.members(id);
        let detail = format!("every pod of {home}");
        self.offers.push(Offer::new("*", CompletionItemKind::Operator, OfferRank::Second).with_detail(&detail));
    }

    /// The last endpoint of a list, which is being written.
    fn last_endpoint(&mut self, list: &str) {
        match open_member(list) {
            Some(OpenMember { home: Some(home), .. }) => self.endpoints_of(home),
            Some(OpenMember { home: None, written }) => self.endpoints_after(written),
            None => self.endpoints_after(list.rsplit(',').next().unwrap_or("")),
        }
    }

    fn members(&mut self, home: NamespaceId) {
        for (endpoint, name, place) in names::endpoints(self.model) {
            if place == Some(home) {
                self.offers.push(self.endpoint(endpoint, name, OfferRank::First));
            }
        }
    }

    /// What the namespace around holds; of a block of several, what each of them does, for a statement there is one of each.
    fn own(&self) -> Vec<(Endpoint, &str)> {
        let Some(scope) = self.scope else { return Vec::new() };
        let of = |home: NamespaceId| names::endpoints(self.model).filter(move |(.., place)| *place == Some(home));
        let others: Vec<BTreeSet<&str>> =
            self.beside.iter().map(|home| of(*home).map(|(_, name, _)| name).collect()).collect();
        let is_everywhere = |name: &str| others.iter().all(|names| names.contains(name));
        of(scope).filter(|(_, name, _)| is_everywhere(name)).map(|(endpoint, name, _)| (endpoint, name)).collect()
    }

    fn endpoint(&self, endpoint: Endpoint, name: &str, rank: OfferRank) -> Offer {
        let entity = Entity::Endpoint(endpoint);
        let kind = match endpoint {
            Endpoint::Tier(_) => CompletionItemKind::Class,
            Endpoint::Group(_) => CompletionItemKind::Enum,
            Endpoint::Cidr(_) | Endpoint::Fqdn(_) => CompletionItemKind::Variable,
            Endpoint::Namespace(_) | Endpoint::BuiltIn(_) => CompletionItemKind::Constant,
        };
        let doc = describe::doc_of(self.program, entity).unwrap_or_default();
        Offer::new(name, kind, rank).with_detail(&describe::line(self.program, entity)).with_documentation(doc)
    }

    fn endpoints(&mut self) {
        let own = self.own().into_iter().map(|(endpoint, name)| self.endpoint(endpoint, name, OfferRank::First));
        let own: Vec<Offer> = own.collect();
        self.offers.extend(own);
        for (endpoint, name, place) in names::endpoints(self.model) {
            if place.is_none() {
                let rank = if self.scope.is_none() { OfferRank::First } else { OfferRank::Second };
                self.offers.push(self.endpoint(endpoint, name, rank));
            }
        }
        self.namespaces("/");
        for one in BuiltIn::ALL {
            self.offers.push(self.endpoint(Endpoint::BuiltIn(one), one.word(), OfferRank::Fourth));
        }
    }

    fn namespaces(&mut self, suffix: &str) {
        for id in self.model.namespaces.ids() {
            let detail = describe::line(self.program, Entity::Namespace(id));
            let label = format!("{}{suffix}", self.model.namespaces[id].declared);
            self.offers.push(Offer::new(&label, CompletionItemKind::Module, OfferRank::Third).with_detail(&detail));
        }
    }

    fn replaceable(&mut self, cidrs: bool) {
        for (endpoint, name, place) in names::endpoints(self.model) {
            if matches!((endpoint, cidrs), (Endpoint::Cidr(_), true) | (Endpoint::Fqdn(_), false)) {
                let home = place.and_then(|id| self.model.namespace(id));
                let label = home.map_or_else(|| name.to_owned(), |home| format!("{}/{name}", home.declared));
                self.offers.push(self.endpoint(endpoint, &label, OfferRank::First));
            }
        }
    }

    /// The side of an arrow that is being written.
    fn flow(&mut self, statement: &str, assertion: bool) {
        let (arrows, hop) = match statement.rsplit_once("->") {
            Some((_, hop)) => (true, hop.trim_start_matches('>')),
            None => (false, statement),
        };
        if let Some((_, except)) = hop.rsplit_once(" except ").filter(|_| assertion) {
            return self.last_endpoint(except);
        }
        if let Some(OpenMember { home, written }) = open_member(hop) {
            return match (home, written.split_once(':')) {
                (home, Some((name, ports))) => {
                    let home = home.map_or(String::new(), |home| format!("{home}/"));
                    self.ports(&format!("{home}{}", name.trim()), ports, None)
                }
                (Some(home), None) => self.endpoints_of(home),
                (None, None) => self.endpoints_after(written),
            };
        }
        if let Some((sides, ports)) = hop.split_once(':') {
            return self.ports(sides, ports, Some((assertion, arrows)));
        }
        let done = hop.ends_with([' ', '\t', '}']) && !hop.trim().is_empty();
        if !done {
            return self.endpoints_after(hop);
        }
        self.after_hop(assertion, arrows);
    }

    /// What can follow a side and its ports.
    fn after_hop(&mut self, assertion: bool, arrows: bool) {
        if assertion && arrows {
            if self.context.statement.contains("->>") {
                self.offer("through dns", CompletionItemKind::Keyword, "DNS servers count as stepping stones");
            }
            return self.offer("except", CompletionItemKind::Keyword, "whom it does not hold for");
        }
        self.offer("->", CompletionItemKind::Operator, "connects to");
        if assertion {
            self.offer("->>", CompletionItemKind::Operator, "reaches, through other pods too");
        }
    }

    /// What the destinations serve, and port sets. What can follow them depends on the statement and on the arrows in it,
    /// and is nothing inside of braces.
    fn ports(&mut self, sides: &str, ports: &str, end: Option<(bool, bool)>) {
        if ports.contains('/') && !ports.ends_with([',', ' ']) {
            return self.protocols(ports);
        }
        let closed = !ports.trim_start().starts_with('{') || ports.contains('}');
        if closed && ports.trim_end() != ports && !ports.trim().is_empty() {
            return end.into_iter().for_each(|(assertion, arrows)| self.after_hop(assertion, arrows));
        }
        let (home, members) = sides.trim().trim_end_matches('}').split_once('{').unwrap_or(("", sides));
        let names = members.split(',').map(|name| format!("{}{}", home.trim(), name.trim()));
        let endpoints: Vec<Endpoint> = names.filter_map(|name| path(self.model, self.scope, &name)).collect();
        for endpoint in &endpoints {
            for leaf in self.model.leaves(endpoint) {
                let Endpoint::Tier(id) = leaf else { continue };
                for (place, port) in (0..).zip(self.model.tiers[*id].ports.iter().flatten()) {
                    let detail = describe::line(self.program, Entity::Port(*id, place));
                    self.offers.push(
                        Offer::new(&port.name, CompletionItemKind::Property, OfferRank::First).with_detail(&detail),
                    );
                }
            }
        }
        for id in self.model.port_sets.ids() {
            let set = &self.model.port_sets[id];
            if set.namespace.is_none() || set.namespace == self.scope {
                let detail = describe::line(self.program, Entity::PortSet(id));
                self.offers
                    .push(Offer::new(&set.name, CompletionItemKind::Constant, OfferRank::Second).with_detail(&detail));
            }
        }
    }

    fn protocols(&mut self, ports: &str) {
        if ports.rsplit([',', '{', ':', '=', ' ']).next().is_some_and(|port| port.contains('/'))
            || ports.ends_with("}/")
        {
            for protocol in Protocol::ALL {
                self.offer(protocol.keyword(), CompletionItemKind::Keyword, "");
            }
        }
    }

    fn tier(&mut self, rest: &str) {
        let Some((_, list)) = rest.rsplit_once('{') else { return };
        let entry = list.rsplit(',').next().unwrap_or("");
        if let Some((_, port)) = entry.split_once(':') {
            return self.protocols(port);
        }
        // Names that the ports of other tiers have.
        let names: BTreeSet<&str> =
            self.model.tiers.iter().flat_map(|tier| tier.ports.iter().flatten()).map(|port| &*port.name).collect();
        for name in names {
            self.offers.push(Offer::new(name, CompletionItemKind::Property, OfferRank::First));
        }
    }

    /// The tiers of the namespace that are not listed yet.
    fn own_tiers(&mut self, list: &str) {
        let listed: Vec<&str> = list.split(',').map(str::trim).collect();
        let fits = |one: &(Endpoint, &str)| matches!(one.0, Endpoint::Tier(_)) && !listed.contains(&one.1);
        let own =
            self.own().into_iter().filter(fits).map(|(endpoint, name)| self.endpoint(endpoint, name, OfferRank::First));
        let own: Vec<Offer> = own.collect();
        self.offers.extend(own);
    }

    fn isolate(&mut self, rest: &str) {
        if rest.contains(" for ") {
            let global = names::endpoints(self.model).filter(|(.., place)| place.is_none());
            let all = self.own().into_iter().chain(global.map(|(endpoint, name, _)| (endpoint, name)));
            let fits = all.filter(|(endpoint, _)| matches!(endpoint, Endpoint::Tier(_) | Endpoint::Group(_)));
            let offers: Vec<Offer> =
                fits.map(|(endpoint, name)| self.endpoint(endpoint, name, OfferRank::First)).collect();
            self.offers.extend(offers);
            return;
        }
        let words: Vec<&str> = rest.split([',', ' ']).filter(|word| !word.is_empty()).collect();
        if rest.ends_with(' ') && !rest.trim_end().ends_with(',') && !words.is_empty() {
            return self.offer("for", CompletionItemKind::Keyword, "only for these tiers");
        }
        for (word, detail) in [
            ("ingress", "connections to the pods"),
            ("egress", "connections that they open"),
            ("none", "isolates nobody"),
        ] {
            if !words.contains(&word) {
                self.offer(word, CompletionItemKind::Keyword, detail);
            }
        }
    }

    fn components(&mut self, rest: &str) {
        let named: Vec<&str> = rest.split(',').map(str::trim).collect();
        for component in COMPONENTS.iter().filter(|component| !named.contains(&component.name)) {
            let detail = describe::component(component);
            self.offers
                .push(Offer::new(component.name, CompletionItemKind::Module, OfferRank::First).with_detail(&detail));
        }
    }

    fn platform_entry(&mut self, key: &str, rest: &str) {
        match key {
            "cni" if !rest.contains(',') && rest.split_whitespace().count() <= usize::from(!rest.ends_with(' ')) => {
                for cni in Cni::ALL {
                    let detail = if cni.has_versions() { "a version may follow" } else { "" };
                    self.offer(cni.name(), CompletionItemKind::EnumMember, detail);
                }
            }
            "dns" => self.dns(),
            "namespace" if !rest.contains('=') => self.namespaces(""),
            _ => {}
        }
    }

    fn dns(&mut self) {
        for preset in DnsServer::PRESETS {
            self.offer(preset.word, CompletionItemKind::EnumMember, preset.purpose);
        }
        self.offer(DnsServer::NONE, CompletionItemKind::EnumMember, "no DNS");
        for id in self.model.tiers.ids() {
            let endpoint = Endpoint::Tier(id);
            let rank =
                if Some(self.model.tiers[id].namespace) == self.scope { OfferRank::Second } else { OfferRank::Third };
            self.offers.push(self.endpoint(endpoint, &self.model.written(endpoint, self.scope), rank));
        }
    }
}

/// A member of braces that are open.
struct OpenMember<'a> {
    /// The namespace in front of the braces.
    home: Option<&'a str>,
    /// The member so far, with its ports.
    written: &'a str,
}

/// The member of a list of endpoints in braces, at the end of a text, that is being written.
fn open_member(text: &str) -> Option<OpenMember<'_>> {
    let mut open: Vec<usize> = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices() {
        match character {
            '{' => {
                open.push(at);
                start = if open.len() == 1 { at + 1 } else { start };
            }
            '}' => drop(open.pop()),
            ',' if open.len() == 1 => start = at + 1,
            _ => {}
        }
    }
    let before = text.get(..*open.first()?)?;
    // Braces behind a colon hold ports.
    let home = before.strip_suffix('/').and_then(|before| before.rsplit([' ', ',', '\t']).next());
    (!before.trim_end().ends_with(':')).then_some(OpenMember { home, written: text.get(start..)? })
}
