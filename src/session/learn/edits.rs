//! Statements put into the text of a program.

use super::blocks::{BlockAt, ProgramText, next};
use super::evidence;
use crate::ask::Edit;
use crate::draft::{self, Statement};
use crate::fmt;
use crate::model::TierId;
use crate::replay::{LearnedCidr, LearnedEnd, LearnedFlow, LearnedTier, Lessons};
use crate::session::Session;
use crate::source::{FileId, Sources, Span};
use crate::syntax;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What stands first where several statements are put at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InsertRank {
    Declaration,
    Flow,
}

/// A flow as it was put into the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LearnedStatement {
    /// The file.
    pub file: FileId,
    /// The namespace in whose block it is, by its name in the program; `None` for outside of all.
    pub namespace: Option<Arc<str>>,
    /// The flow.
    pub text: String,
    /// What is declared for it: lists of addresses, tiers, ports of tiers.
    pub declares: Vec<String>,
    /// All of that and the flow, as somebody would write it.
    pub edits: Vec<Edit>,
}

/// A program with what was learned.
#[derive(Debug, Default)]
pub(super) struct Composed {
    /// The new texts of the files that change.
    pub texts: BTreeMap<FileId, String>,
    /// The statement of each flow, in their order.
    pub statements: Vec<LearnedStatement>,
}

/// Puts some of the flows, with what they need, into the program. The error is a sentence.
pub(super) fn compose(session: &Session, lessons: &Lessons, flows: &[usize]) -> Result<Composed, String> {
    let mut composer = Composer {
        program: ProgramText { session },
        lessons,
        inserts: BTreeMap::new(),
        appended: BTreeMap::new(),
        homes: BTreeMap::new(),
        lists: BTreeMap::new(),
        declared: BTreeSet::new(),
        statements: Vec::new(),
    };
    for flow in flows.iter().filter_map(|place| lessons.flows.get(*place)) {
        composer.flow(flow).ok_or_else(|| "there is no place for it in the program".to_owned())?;
    }
    composer.finish()
}

struct Composer<'c> {
    program: ProgramText<'c>,
    lessons: &'c Lessons,
    /// What is put where, in order: at one place, tiers before flows.
    inserts: BTreeMap<FileId, BTreeMap<(usize, InsertRank), Vec<String>>>,
    /// The blocks that are put behind each file.
    appended: BTreeMap<FileId, Vec<String>>,
    /// The new blocks of namespaces, with the tiers in them; behind which file, and whether they are managed.
    homes: BTreeMap<Arc<str>, (FileId, bool, Vec<String>)>,
    /// The lists of addresses that are put behind each file.
    lists: BTreeMap<FileId, Vec<String>>,
    /// What was declared already.
    declared: BTreeSet<String>,
    statements: Vec<LearnedStatement>,
}

impl<'c> Composer<'c> {
    fn flow(&mut self, flow: &LearnedFlow) -> Option<()> {
        let (source, destination) = (&flow.source, &flow.destination);
        let home = [source, destination].into_iter().find(|end| end.is_managed)?;
        let home = home.namespace.clone()?;
        let scope =
            Some(home.clone()).filter(|home| ![source, destination].iter().any(|end| self.is_shadowed(end, home)));
        let text = statement(flow, scope.as_deref());
        let evidence = Statement::Comment(evidence::of(flow, self.lessons)).to_string();
        let (file, at) = self.place(&home, source, scope.as_deref())?;
        let (declares, mut edits): (Vec<String>, Vec<Edit>) = self.declare(flow, file)?.into_iter().unzip();
        edits.push(Edit::Line { namespace: scope.clone(), span: self.span_of(scope.as_deref()), text: text.clone() });
        match at {
            FlowPlace::Behind(span) => {
                let at = self.line_end(file, span.end as usize);
                self.insert(file, at, InsertRank::Flow, &format!("  {evidence}\n  {text}"));
            }
            FlowPlace::EndOf(block) => self.end_of_block(&block, &format!("{evidence}\n{text}")),
            FlowPlace::NewBlock => {
                let block = format!("namespace {home} {{\n{evidence}\n{text}\n}}");
                self.appended.entry(file).or_default().push(block);
            }
            FlowPlace::Outside => self.appended.entry(file).or_default().push(format!("{evidence}\n{text}")),
        }
        self.statements.push(LearnedStatement { file, namespace: scope, text, declares, edits });
        Some(())
    }

    /// Whether a name of the whole program means something else inside of a namespace.
    fn is_shadowed(&self, end: &LearnedEnd, home: &Arc<str>) -> bool {
        let Some(flows) = self.program.session.flows() else { return false };
        let actual = flows.namespaces.iter().find(|one| one.declared == *home).map(|one| one.name.clone());
        end.namespace.is_none() && flows.declared.contains(&(actual, end.name.clone()))
    }

    /// Where a flow goes: behind the last one of the same source in its namespace, or at the end of the namespace's block.
    fn place(&self, home: &str, source: &LearnedEnd, scope: Option<&str>) -> Option<(FileId, FlowPlace<'c>)> {
        let files = &self.program.session.project().files;
        let declared = source.tier.and_then(|id| self.tier_span(id));
        let of_namespace = || {
            let model = self.program.session.model()?;
            model.namespaces.iter().find(|one| *one.declared == *home).map(|one| one.span.file)
        };
        let in_program = |file: &FileId| files.contains(file);
        let file = declared.map(|span| span.file).filter(in_program).or_else(|| of_namespace().filter(in_program));
        if scope.is_none() {
            return Some((file.or(files.first().copied())?, FlowPlace::Outside));
        }
        let blocks = self.program.blocks(home, true);
        let name = end_text(source, scope);
        let behind = blocks.iter().rev().find_map(|at| Some((at.file, self.program.last_flow(at, &name)?)));
        if let Some((file, span)) = behind {
            return Some((file, FlowPlace::Behind(span)));
        }
        let holds = |at: &&BlockAt<'_>| {
            declared.is_some_and(|span| span.file == at.file && (at.start..at.end).contains(&(span.start as usize)))
        };
        match blocks.iter().find(holds).or(blocks.first()) {
            Some(block) => Some((block.file, FlowPlace::EndOf(*block))),
            None => Some((file.or(files.first().copied())?, FlowPlace::NewBlock)),
        }
    }

    fn tier_span(&self, id: TierId) -> Option<Span> {
        self.program.session.model()?.tier(id).map(|tier| tier.span)
    }

    /// Declares what a flow needs, each once, and says what it is.
    fn declare(&mut self, flow: &LearnedFlow, file: FileId) -> Option<Vec<(String, Edit)>> {
        let mut said = Vec::new();
        for end in [&flow.source, &flow.destination] {
            let is_new = |tier: &&LearnedTier| Some(&tier.namespace) == end.namespace.as_ref() && tier.name == end.name;
            if end.tier.is_none()
                && let Some(tier) = self.lessons.tiers.iter().find(is_new)
            {
                said.push(self.tier(tier, file));
            }
            let is_list = |cidr: &&LearnedCidr| end.namespace.is_none() && cidr.name == end.name;
            if let Some(cidr) = self.lessons.cidrs.iter().find(is_list) {
                said.push(self.cidr(cidr, file));
            }
        }
        if let (Some(id), Some(name)) = (flow.port.added_to, &flow.port.name) {
            let text = format!("{name}: {}", flow.port.ports);
            said.push(self.port(id, &text)?);
        }
        Some(said)
    }

    /// Where a namespace is declared first.
    fn span_of(&self, namespace: Option<&str>) -> Option<Span> {
        let model = self.program.session.model()?;
        model.namespaces.iter().find(|one| Some(&*one.declared) == namespace).map(|one| one.span)
    }

    fn tier(&mut self, tier: &LearnedTier, file: FileId) -> (String, Edit) {
        let drafted = draft::Tier { name: tier.name.clone(), selector: tier.selector.clone(), ports: Vec::new() };
        let text = Statement::Tier(drafted).to_string();
        let said = format!("{text} in {}", tier.namespace);
        let span = self.span_of(Some(&tier.namespace));
        let edit = match span {
            Some(_) => Edit::Line { namespace: Some(tier.namespace.clone()), span, text: text.clone() },
            None => {
                let whole = format!("external namespace {} {{ {text} }}", tier.namespace);
                Edit::Line { namespace: None, span, text: whole }
            }
        };
        if !self.declared.insert(said.clone()) {
            return (said, edit);
        }
        match self.program.blocks(&tier.namespace, tier.is_managed).first() {
            Some(block) => {
                let is_tier = |node: &&syntax::Node| matches!(node.kind, syntax::NodeKind::Tier(_));
                match block.block.body.iter().rfind(is_tier) {
                    Some(last) => {
                        let behind = last.span.end as usize;
                        let at = self.line_end(block.file, behind);
                        self.insert(block.file, at.min(block.end), InsertRank::Declaration, &format!("  {text}"));
                    }
                    None => self.insert(block.file, block.start, InsertRank::Declaration, &format!("  {text}")),
                }
            }
            None => {
                let home = self.homes.entry(tier.namespace.clone());
                home.or_insert_with(|| (file, tier.is_managed, Vec::new())).2.push(text);
            }
        }
        (said, edit)
    }

    fn cidr(&mut self, cidr: &LearnedCidr, file: FileId) -> (String, Edit) {
        let blocks = draft::IpBlocks { blocks: cidr.blocks.clone(), except: Vec::new() };
        let text = Statement::Cidr { name: cidr.name.clone(), blocks }.to_string();
        let edit = Edit::Line { namespace: None, span: None, text: text.clone() };
        if !self.declared.insert(text.clone()) {
            return (text, edit);
        }
        let widened = "  # wider than what was seen";
        let line = if cidr.is_widened { format!("{text}{widened}") } else { text.clone() };
        match self.program.last_cidr(file) {
            Some(span) => {
                let at = self.line_end(file, span.end as usize);
                self.insert(file, at, InsertRank::Declaration, &line);
            }
            None => self.lists.entry(file).or_default().push(line),
        }
        (text, edit)
    }

    /// Adds a port to the list of a tier.
    fn port(&mut self, id: TierId, text: &str) -> Option<(String, Edit)> {
        let span = self.tier_span(id)?;
        let model = self.program.session.model()?;
        let tier = model.tier(id)?;
        let home = model.namespace(tier.namespace)?;
        let said = format!("{text} in tier {} of {}", tier.name, home.declared);
        let first = tier.ports.iter().flatten().map(|port| port.span).next();
        let edit = Edit::Port { tier: format!("{}/{}", home.declared, tier.name), span, first, text: text.to_owned() };
        if !self.declared.insert(said.clone()) {
            return Some((said, edit));
        }
        let declared = self.program.tier(span)?;
        let (at, text) = match declared.ports.as_ref()?.last() {
            Some(last) => (last.ports.span.end as usize, format!(", {text}")),
            None => {
                let whole = self.program.text(span.file);
                let head = declared.selector.as_ref().map_or(span.end, |selector| selector.span.end);
                (next(whole, head as usize, '{')? + 1, format!(" {text} "))
            }
        };
        self.inserts.entry(span.file).or_default().entry((at, InsertRank::Declaration)).or_default().push(text);
        Some((said, edit))
    }

    /// The end of the line that a statement ends on, or the brace behind it there.
    fn line_end(&self, file: FileId, at: usize) -> usize {
        let text = self.program.text(file);
        let end = text.get(at..).and_then(|rest| rest.find(['\r', '\n'])).map_or(text.len(), |end| at + end);
        next(text, at, '}').map_or(end, |brace| brace.min(end))
    }

    /// Puts lines behind a place, which is the end of a line or a brace.
    fn insert(&mut self, file: FileId, at: usize, rank: InsertRank, lines: &str) {
        self.inserts.entry(file).or_default().entry((at, rank)).or_default().push(format!("\n{lines}"));
    }

    /// Puts lines at the end of a block, a blank line above them where something stands there.
    fn end_of_block(&mut self, block: &BlockAt<'_>, lines: &str) {
        let text = self.program.text(block.file);
        let before = text.get(..block.end).unwrap_or_default();
        let kept = before.trim_end_matches([' ', '\t']);
        let is_alone = kept.ends_with('\n');
        let at = if is_alone { kept.len() } else { block.end };
        let inserts = self.inserts.entry(block.file).or_default().entry((at, InsertRank::Flow)).or_default();
        let lines: String = lines.lines().map(|line| format!("  {line}\n")).collect();
        let first = if is_alone { "" } else { "\n" };
        inserts.push(format!("{first}\n{lines}"));
    }

    /// The new texts, in the canonical form where that is the form that they had.
    fn finish(mut self) -> Result<Composed, String> {
        for (name, (file, is_managed, tiers)) in std::mem::take(&mut self.homes) {
            let external = if is_managed { "" } else { "external " };
            let tiers: String = tiers.iter().map(|tier| format!("  {tier}\n")).collect();
            let block = format!("{external}namespace {name} {{\n{tiers}}}");
            self.appended.entry(file).or_default().push(block);
        }
        let mut texts = BTreeMap::new();
        let files = self.inserts.keys().chain(self.appended.keys()).chain(self.lists.keys());
        let files: BTreeSet<FileId> = files.copied().collect();
        for file in files {
            let old = self.program.text(file);
            let mut text = old.to_owned();
            for ((at, _), inserts) in self.inserts.get(&file).into_iter().flatten().rev() {
                if !text.is_char_boundary(*at) {
                    return Err("a statement would stand inside of a character".to_owned());
                }
                let mut lines = inserts.concat();
                let is_cut = text.get(*at..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['\n', '\r']));
                if lines.starts_with('\n') && !lines.ends_with('\n') && is_cut {
                    lines.push('\n');
                }
                text.insert_str(*at, &lines);
            }
            let lists = self.lists.get(&file).map(|lists| lists.join("\n"));
            for block in self.appended.get(&file).into_iter().flatten().chain(&lists) {
                let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                let blank = if text.trim().is_empty() { "" } else { "\n" };
                text.push_str(&format!("{end}{blank}{block}\n"));
            }
            if old.contains("\r\n") {
                text = text.replace("\r\n", "\n").replace('\n', "\r\n");
            }
            if old.trim().is_empty() || canonical(old).as_deref() == Some(old) {
                text = canonical(&text).ok_or("what was put together cannot be formatted")?;
            }
            texts.insert(file, text);
        }
        Ok(Composed { texts, statements: self.statements })
    }
}

/// Where a flow is put.
enum FlowPlace<'p> {
    /// Below this statement.
    Behind(Span),
    /// At the end of this block.
    EndOf(BlockAt<'p>),
    /// In a block of its own behind a file.
    NewBlock,
    /// Behind a file, outside of all blocks: inside of one, a name of it would mean something else.
    Outside,
}

/// The canonical form of a text, where it has one.
fn canonical(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    let file = sources.add("learned", text);
    fmt::format(&sources, &syntax::parse(&sources, file)).ok()
}

fn in_scope(end: &LearnedEnd, scope: Option<&str>) -> draft::End {
    let namespace = end.namespace.clone().filter(|namespace| Some(&**namespace) != scope);
    draft::End { namespace, name: end.name.clone() }
}

fn end_text(end: &LearnedEnd, scope: Option<&str>) -> String {
    in_scope(end, scope).to_string()
}

/// A flow as the language writes it inside of a namespace's block, or outside of all.
fn statement(flow: &LearnedFlow, scope: Option<&str>) -> String {
    let ports = match &flow.port.name {
        Some(name) => draft::Ports::Named(name.clone()),
        None => draft::Ports::These(flow.port.ports.clone()),
    };
    let (sources, destinations) = (vec![in_scope(&flow.source, scope)], vec![in_scope(&flow.destination, scope)]);
    Statement::Flow(draft::Flow { side: None, sources, destinations, ports }).to_string()
}
