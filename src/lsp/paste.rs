//! NetworkPolicies that were pasted into a program, as statements of it.

use super::diagnostics::convert;
use super::edits::{Replacements, apply, workspace_edit};
use super::import::{documents, of_text, only};
use super::program::Program;
use super::workspace::Workspace;
use crate::draft;
use crate::import::Lifted;
use crate::k8s;
use crate::netpol::Policy;
use crate::prove::{self, Grants};
use crate::session::{Beside, Import, ImportOptions};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, NodeKind};
use crate::target::network_policy as target;
use lsp_types::{CodeAction, CodeActionKind, Uri};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Lines of YAML or JSON in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pasted {
    /// The bytes, whole lines.
    range: Range<usize>,
    /// How deep they stand.
    indent: usize,
}

/// The action for the policies that stand in a file within some bytes or at one of the `told` places.
pub(super) fn action(
    workspace: &mut Workspace,
    uri: &Uri,
    within: &Range<usize>,
    told: &[Range<usize>],
    versioned: bool,
) -> Option<CodeAction> {
    let (program, file) = workspace.find(uri)?;
    let text = program.text(file).to_owned();
    let near = |range: &Range<usize>| {
        let touches = |other: &Range<usize>| range.start <= other.end && other.start <= range.end;
        touches(within) || told.iter().any(touches)
    };
    let pasted = pasted(&text).into_iter().find(|pasted| near(&pasted.range))?;
    let mut without = text.clone();
    without.replace_range(pasted.range.clone(), "");
    let before = workspace.with_changes(uri, &BTreeMap::from([(file, without.clone())]))?;
    // What the policies become a part of has to be known.
    let session = before.session();
    let (beside, model) = (&session.policies()?.policies, session.model()?);
    let around = Beside { policies: beside, model };
    let block = block_at(&without, pasted.range.start);
    let options = ImportOptions { namespace: block.as_deref(), beside: Some(around), ..ImportOptions::default() };
    let (import, rest, stays) = lift(workspace, text.get(pasted.range.clone())?, &pasted, &options)?;

    let (program, file) = workspace.find(uri)?;
    let changes = changes((file, &text), &pasted, block.as_deref(), &import.lifted, beside, &rest)?;
    let texts = apply(program, &changes);
    let reports = program.reports().iter().filter(|report| {
        let inside = |span: Span| span.file == file && pasted.range.contains(&(span.start as usize));
        report.diagnostic.primary().is_some_and(inside)
    });
    let diagnostics: Vec<lsp_types::Diagnostic> = reports.map(|report| convert(program, report).1).collect();
    let edit = workspace_edit(program, &changes, versioned);
    // With documents that stay, the program has the mistakes that these are.
    let proved = match rest.is_empty() {
        true => workspace.with_changes(uri, &texts),
        false => {
            let changed = texts.get(&file)?.replacen(&rest, "", 1);
            let texts =
                texts.iter().map(|(other, text)| (*other, if *other == file { &changed } else { text }.clone()));
            workspace.with_changes(uri, &texts.collect())
        }
    };
    if !means_both(&proved?, beside, &import.policies) {
        return None;
    }
    let title = match import.policies.len() {
        1 => format!("Turn the NetworkPolicy into statements{stays}"),
        count => format!("Turn {count} NetworkPolicies into statements{stays}"),
    };
    Some(CodeAction {
        title,
        kind: Some(CodeActionKind::QuickFix),
        diagnostics: (!diagnostics.is_empty()).then_some(diagnostics),
        is_preferred: Some(true),
        edit: Some(edit),
        ..CodeAction::default()
    })
}

/// The import of those documents that hold policies and nothing else, the text of the others, and what is told of them.
fn lift(
    workspace: &mut Workspace,
    text: &str,
    pasted: &Pasted,
    options: &ImportOptions<'_>,
) -> Option<(Import, String, String)> {
    let flush: String = text.split_inclusive('\n').map(|line| dedent(line, pasted.indent)).collect();
    let path = PathBuf::from("/%/pasted.yaml");
    let (parts, places) = (documents(&flush), documents_of_lines(&flush, text));
    let mut stays: Vec<usize> = Vec::new();
    let mut why: Vec<String> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let read = k8s::read(flush.get(part.clone())?, "default");
        let others = !read.objects.is_empty() || !read.ignored.is_empty() || !read.inside.is_empty();
        if read.documents > 0 && (others || !read.problems.is_empty() || read.policies.is_empty()) {
            stays.push(at);
            let problem = read.problems.first().map(|problem| {
                let what = problem.object.clone().unwrap_or_else(|| "a document".to_owned());
                let path = if problem.path.is_empty() { String::new() } else { format!("`{}`: ", problem.path) };
                format!("{what} stays: {path}{}", problem.reason)
            });
            why.extend(problem);
        }
    }
    loop {
        let taken = parts.iter().enumerate().filter(|(at, _)| !stays.contains(at)).map(|(_, part)| part.clone());
        let taken = only(&flush, taken);
        let import = of_text(workspace.overlay(), &path, &taken, options);
        let before = stays.len();
        for refused in &import.refused {
            let line = |part: &Range<usize>| flush.get(..part.start).unwrap_or_default().matches('\n').count();
            let at = parts.partition_point(|part| line(part) < refused.line).checked_sub(1)?;
            if !stays.contains(&at) {
                stays.push(at);
                why.push(format!("{} stays: {}", refused.what, refused.reason));
            }
        }
        if stays.len() > before {
            continue;
        }
        if import.policies.is_empty() || import.failure.is_some() || !import.refused.is_empty() {
            return None;
        }
        stays.sort_unstable();
        let rest: String =
            stays.iter().filter_map(|at| text.get(places.get(*at)?.clone())).map(str::to_owned).collect();
        let told = match (stays.len(), why.first()) {
            (0, _) => String::new(),
            (1, Some(first)) => format!("; {first}"),
            (count, Some(first)) => format!("; {first}; and {count} documents stay in all"),
            (1, None) => "; 1 document stays".to_owned(),
            (count, None) => format!("; {count} documents stay"),
        };
        return Some((import, rest, told));
    }
}

/// The documents of a text by those of the same text with its lines further to the left.
fn documents_of_lines(flush: &str, text: &str) -> Vec<Range<usize>> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        }))
        .collect();
    let line = |at: usize| flush.get(..at).unwrap_or_default().matches('\n').count();
    let of = |part: &Range<usize>| {
        let end = if part.end == flush.len() { text.len() } else { starts.get(line(part.end)).copied().unwrap_or(0) };
        starts.get(line(part.start)).copied().unwrap_or(0)..end
    };
    documents(flush).iter().map(of).collect()
}

/// What is written in place of the policies, and what above the block that they stand in.
fn changes(
    (file, text): (FileId, &str),
    pasted: &Pasted,
    block: Option<&str>,
    lifted: &Lifted,
    beside: &[Policy],
    rest: &str,
) -> Option<Replacements> {
    let (mut own, mut others): (Vec<draft::Statement>, Vec<draft::Statement>) = (Vec::new(), Vec::new());
    for draft::Namespace { names, statements } in &lifted.blocks {
        // Of what the program manages already, nothing new may be to be said.
        let is_new = |name: &&Arc<str>| !statements.is_empty() || beside.iter().all(|one| one.namespace != **name);
        let is_own = |name: &&Arc<str>| block == Some(&***name);
        if names.iter().any(|name| is_own(&name)) {
            own.extend((!own.is_empty()).then_some(draft::Statement::Space));
            own.extend(statements.iter().cloned());
        }
        let names: Vec<Arc<str>> = names.iter().filter(|name| !is_own(name)).filter(is_new).cloned().collect();
        if !names.is_empty() {
            others.push(draft::Statement::Namespace(draft::Namespace { names, statements: statements.clone() }));
        }
    }
    let mut outside = lifted.head.clone();
    for statement in others {
        if !outside.is_empty() {
            outside.push(draft::Statement::Space);
        }
        outside.push(statement);
    }
    let outside = draft::Program { statements: outside }.text().ok()?;
    let span = Span::new(file, pasted.range.clone());
    if block.is_none() {
        let gap = if rest.is_empty() || outside.is_empty() { "" } else { "\n" };
        return Some(vec![(span, format!("{outside}{gap}{rest}"))]);
    }
    let own = match own.is_empty() {
        true => String::new(),
        false => {
            let names = vec![block?.into()];
            let own = draft::Statement::Namespace(draft::Namespace { names, statements: own });
            draft::Program { statements: vec![own] }.text().ok()?
        }
    };
    let lines: Vec<&str> = own.lines().collect();
    let inside: String = match lines.as_slice() {
        [_, inside @ .., _] => inside.iter().map(|line| format!("{line}\n")).collect(),
        _ => String::new(),
    };
    let mut changes = Vec::new();
    if !outside.is_empty() {
        // The block begins with the last line above that opens it.
        let above = text.get(..pasted.range.start)?;
        let name = block?;
        let opens = |line: &str| {
            let rest = line.trim_start().strip_prefix("namespace").map(str::trim_start);
            rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.trim_start().starts_with(['{', '(']))
        };
        let mut start = None;
        let mut at = 0;
        for line in above.split_inclusive('\n') {
            if opens(line) {
                start = Some(at);
            }
            at += line.len();
        }
        let mut start = start?;
        // What is said of the block stays with it.
        while let Some(before) = above.get(..start).and_then(|before| before.strip_suffix('\n')) {
            let line = before.rfind('\n').map_or(0, |end| end + 1);
            if !before.get(line..)?.trim_start().starts_with('#') {
                break;
            }
            start = line;
        }
        changes.push((Span::new(file, start..start), format!("{outside}\n")));
    }
    changes.push((span, format!("{inside}{rest}")));
    Some(changes)
}

/// Whether each side of a program lets through what some policies do together, and isolates the same pods.
fn means_both(program: &Program, beside: &[Policy], lifted: &[Policy]) -> bool {
    let session = program.session();
    let (Some(flows), Some(output)) = (session.flows(), session.output()) else { return false };
    let all: Vec<Policy> = beside
        .iter()
        .chain(lifted)
        .filter(|policy| policy.subject.contradiction().is_none())
        .enumerate()
        // Two of them may have the same name.
        .map(|(at, policy)| Policy { name: format!("p{at}").into(), ..policy.clone() })
        .collect();
    let Ok(given) = Grants::of_policies(flows, &all) else { return false };
    let Ok(written) = target::grants(flows, output.manifests().iter().map(|file| &*file.body)) else { return false };
    prove::compare(flows, &given, &written).is_ok()
}

/// The name of the managed namespace in whose block a place is; `None` outside of all.
fn block_at(text: &str, at: usize) -> Option<Arc<str>> {
    const PROBE: &str = "tier polder-probe\n";
    let mut with = text.to_owned();
    with.insert_str(at, PROBE);
    let mut sources = Sources::default();
    let file = sources.add("probe", with);
    let tree = syntax::parse(&sources, file).tree;
    let is_probe = |span: Span| span.start as usize == at || (span.start as usize..span.end as usize).contains(&at);
    tree.nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Namespace(block) if !block.external && block.body.iter().any(|child| is_probe(child.span)) => {
            block.names.first().map(|name| sources.text(name.span).into())
        }
        _ => None,
    })
}

fn dedent(line: &str, indent: usize) -> &str {
    let blanks = line.len() - line.trim_start_matches(' ').len();
    line.get(blanks.min(indent)..).unwrap_or_default()
}

/// The lines of a program that are YAML or JSON with policies.
fn pasted(text: &str) -> Vec<Pasted> {
    if !text.contains("NetworkPolicy") {
        return Vec::new();
    }
    let mut found: Vec<Pasted> = Vec::new();
    let mut open: Option<OpenLines> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if let Some(reading) = &mut open {
            match reading.goes_on(line) {
                Goes::On => reading.end = at,
                Goes::Perhaps => {}
                Goes::Away => found.extend(open.take().map(OpenLines::pasted)),
            }
        }
        if open.is_none() && (begins(line) || begins_json(text.get(start..).unwrap_or_default())) {
            open = Some(OpenLines::new(line, start, at));
        }
    }
    found.extend(open.map(OpenLines::pasted));
    let is_policy = |pasted: &Pasted| text.get(pasted.range.clone()).is_some_and(|text| text.contains("NetworkPolicy"));
    found.retain(is_policy);
    found
}

/// Lines that are read as YAML or JSON, one after the other.
struct OpenLines {
    start: usize,
    end: usize,
    indent: usize,
    /// How deep the key of a text of several lines stands, while its lines are read.
    text: Option<usize>,
    /// How many braces of JSON are open; `None` of YAML.
    braces: Option<OpenBraces>,
}

/// Where a line of JSON left off.
#[derive(Default)]
struct OpenBraces {
    open: usize,
}

enum Goes {
    On,
    /// If another line goes on.
    Perhaps,
    Away,
}

impl OpenLines {
    fn new(line: &str, start: usize, end: usize) -> OpenLines {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let braces = line.trim_start().starts_with('{').then(OpenBraces::default);
        let mut open = OpenLines { start, end, indent, text: None, braces };
        open.goes_on(line);
        open
    }

    fn pasted(self) -> Pasted {
        Pasted { range: self.start..self.end, indent: self.indent }
    }

    fn goes_on(&mut self, line: &str) -> Goes {
        if let Some(braces) = &mut self.braces {
            if braces.open == 0 && !line.trim_start().starts_with('{') {
                return Goes::Away;
            }
            braces.read(line);
            return Goes::On;
        }
        let (content, depth) = (line.trim(), line.len() - line.trim_start_matches(' ').len());
        if content.is_empty() {
            return Goes::Perhaps;
        }
        if let Some(key) = self.text {
            if depth > key {
                return Goes::On;
            }
            self.text = None;
        }
        if content.starts_with('#') {
            return Goes::Perhaps;
        }
        let is_deeper = depth > self.indent && content.starts_with(['{', '[', ']', '}', '"', '\'']);
        let is_item = content == "-" || content.starts_with("- ");
        if depth < self.indent || !(is_mark(content) || is_item || has_key(content) || is_deeper) {
            return Goes::Away;
        }
        let value = content.split(" #").next().unwrap_or_default().trim_end();
        if value.rsplit([' ', ':']).next().is_some_and(|last| last.starts_with(['|', '>'])) {
            self.text = Some(depth);
        }
        Goes::On
    }
}

impl OpenBraces {
    fn read(&mut self, line: &str) {
        let (mut quoted, mut escaped) = (false, false);
        for character in line.chars() {
            match (quoted, character) {
                (true, _) if escaped => escaped = false,
                (true, '\\') => escaped = true,
                (_, '"') => quoted = !quoted,
                (false, '{' | '[') => self.open += 1,
                (false, '}' | ']') => self.open = self.open.saturating_sub(1),
                _ => {}
            }
        }
    }
}

fn is_mark(content: &str) -> bool {
    content == "---" || content.starts_with("--- ")
}

/// Whether a line begins a document.
fn begins(line: &str) -> bool {
    let content = line.trim();
    let content = content.strip_prefix("- ").unwrap_or(content);
    is_mark(content) || ["apiVersion:", "kind:", "metadata:"].iter().any(|key| content.starts_with(key))
}

fn begins_json(text: &str) -> bool {
    let inside = text.trim_start_matches([' ', '\t']).strip_prefix('{');
    inside.is_some_and(|inside| inside.trim_start().starts_with('"'))
}

/// Whether a line is `key:`, maybe with a value.
fn has_key(content: &str) -> bool {
    let content = content.trim_start_matches("- ");
    content.split_once(':').is_some_and(|(key, value)| {
        let plain = |one: char| one.is_ascii_alphanumeric() || "-_./\"'".contains(one);
        !key.is_empty() && key.chars().all(plain) && (value.is_empty() || value.starts_with([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_yaml_and_json_are_found_in_a_program() {
        let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\n  annotations:\n    \
                      note: |\n      web -> api:80\nspec:\n  podSelector: {}\n";
        let indented: String = policy.lines().map(|line| format!("  {line}\n")).collect();
        let json = "{\n  \"kind\": \"NetworkPolicy\", \"x\": \"}\"\n}\n";
        for (before, yaml, after) in [
            ("", policy, ""),
            ("tier web\n", policy, "web -> api:8080/tcp\n"),
            ("namespace shop {\n  tier web\n", &*indented, "  web -> api:80\n}\n"),
            ("namespace shop {\n", policy, "}\n"),
            ("# of the shop\n", policy, "\n# the rest\nnamespace shop {\n}\n"),
            ("", json, "namespace shop {\n}\n"),
        ] {
            let text = format!("{before}{yaml}{after}");
            let found: Vec<&str> = pasted(&text).into_iter().map(|one| &text[one.range]).collect();
            assert_eq!(found, [yaml], "{text}");
        }
        assert!(pasted("namespace shop {\n  tier web { http: 80/tcp }\n}\n").is_empty());
    }
}
