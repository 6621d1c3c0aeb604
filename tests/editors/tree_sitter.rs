//! The tree-sitter grammar accepts what the compiler accepts, and the queries show every word as what it is.

use super::expected::{self, Class, Word};
use super::words;
use super::{editor, programs, root};
use std::collections::{BTreeMap, BTreeSet};
use tree_sitter::{Language, Parser, Query, QueryCursor, StreamingIterator, Tree};

/// The ABI that Neovim 0.7 and Helix load.
const ABI: usize = 14;

/// The capture of a class of words, in the words of Neovim.
fn capture(class: Class) -> &'static str {
    match class {
        Class::Keyword => "keyword",
        Class::Namespace => "module",
        Class::Endpoint => "type",
        Class::BuiltIn => "type.builtin",
        Class::Wildcard | Class::Protocol | Class::Choice => "constant.builtin",
        Class::Environment => "label",
        Class::PortName => "property",
        Class::Number => "number",
        Class::Container | Class::Value => "string",
        Class::Address | Class::DnsName => "string.special",
        Class::Key => "attribute",
        Class::Comment => "comment",
        Class::Doc => "comment.documentation",
        Class::Directive => "keyword.directive",
    }
}

/// The queries that colour a program, each with the names that it has for captures of its own.
const HIGHLIGHTS: [(&str, &[(&str, &str)]); 4] = [
    ("tree-sitter-polder/queries/highlights.scm", &[]),
    ("nvim/queries/polder/highlights.scm", &[]),
    (
        "helix/queries/polder/highlights.scm",
        &[("module", "namespace"), ("comment.documentation", "comment.line.documentation")],
    ),
    ("zed/languages/polder/highlights.scm", &[("module", "namespace"), ("comment.documentation", "comment.doc")]),
];

fn language() -> Language {
    tree_sitter_polder::LANGUAGE.into()
}

pub(super) fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&language()).unwrap();
    parser.parse(text, None).unwrap()
}

/// What is wrong with a program as the grammar and the queries see it.
fn problems(text: &str, expected: &[Word], queries: &[Highlighter]) -> Vec<String> {
    let tree = parse(text);
    if tree.root_node().has_error() {
        return vec![format!("an error node: {}", tree.root_node().to_sexp())];
    }
    queries.iter().flat_map(|query| query.problems(text, &tree, expected)).collect()
}

/// One editor's colours.
struct Highlighter {
    path: &'static str,
    names: &'static [(&'static str, &'static str)],
    query: Query,
}

impl Highlighter {
    fn all() -> Vec<Highlighter> {
        let read = |&(path, names)| Highlighter { path, names, query: query(path) };
        HIGHLIGHTS.iter().map(read).collect()
    }

    fn problems(&self, text: &str, tree: &Tree, expected: &[Word]) -> Vec<String> {
        let mut cursor = QueryCursor::new();
        let mut captures = cursor.captures(&self.query, tree.root_node(), text.as_bytes());
        let mut found: BTreeMap<(usize, usize), Vec<&str>> = BTreeMap::new();
        while let Some((found_match, index)) = captures.next() {
            let capture = found_match.captures()[*index];
            let name = self.query.capture_names()[capture.index as usize];
            let mark = name.starts_with("punctuation") || name == "operator" || name == "spell";
            if !mark {
                found.entry((capture.node.start_byte(), capture.node.end_byte())).or_default().push(name);
            }
        }
        let mut problems = Vec::new();
        for word in expected {
            let usual = capture(word.class);
            let wanted = self.names.iter().find(|(from, _)| *from == usual).map_or(usual, |(_, to)| to);
            let shown = found.remove(&(word.start, word.end)).unwrap_or_default();
            if shown != [wanted] {
                let text = &text[word.start..word.end];
                problems.push(format!("{}: `{text}` is {:?}: {shown:?}, not @{wanted}", self.path, word.class));
            }
        }
        for ((start, end), names) in found {
            problems.push(format!("{}: `{}` is nothing, but {names:?}", self.path, &text[start..end]));
        }
        problems
    }
}

fn query(path: &str) -> Query {
    Query::new(&language(), &editor(path)).unwrap_or_else(|problem| panic!("{path}: {problem}"))
}

fn check(programs: impl Iterator<Item = String>) -> usize {
    let queries = Highlighter::all();
    let mut checked = 0;
    for text in programs {
        let Some(expected) = expected::words(&text) else { continue };
        let problems = problems(&text, &expected, &queries);
        assert!(problems.is_empty(), "{}\n{text}", problems.join("\n"));
        checked += 1;
    }
    checked
}

#[test]
fn what_the_compiler_accepts_is_parsed_and_coloured() {
    let checked = check(programs::written().into_iter());
    assert!(checked > 170, "only {checked} programs were checked");
    // Other line ends.
    check(programs::written().into_iter().map(|text| text.replace('\n', "\r\n")));
    check(programs::written().into_iter().map(|text| text.trim_end().to_owned()));
}

#[test]
fn what_is_generated_is_parsed_and_coloured() {
    let checked = check(programs::generated(400));
    assert!(checked > 390, "only {checked} programs were checked");
}

#[test]
fn the_parser_has_the_abi_that_editors_load() {
    assert_eq!(language().abi_version(), ABI);
}

/// The tokens of the grammar that are words are the words of the language.
#[test]
fn the_words_are_those_of_the_compiler() {
    let language = language();
    let kinds = (0..language.node_kind_count() as u16)
        .filter(|id| !language.node_kind_is_named(*id) && !language.node_kind_is_supertype(*id));
    let tokens = kinds.filter_map(|id| language.node_kind_for_id(id));
    let found: BTreeSet<String> = tokens
        .filter(|kind| kind.chars().all(|c| c.is_ascii_lowercase()) && *kind != "end")
        .map(str::to_owned)
        .collect();
    assert_eq!(found, words::all());
}

/// Every query of every editor is one that the grammar can answer.
#[test]
fn queries_are_valid() {
    let mut checked = 0;
    for folder in ["tree-sitter-polder/queries", "nvim/queries/polder", "helix/queries/polder", "zed/languages/polder"]
    {
        for entry in std::fs::read_dir(root().join("editors").join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".scm") {
                query(&format!("{folder}/{name}"));
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "only {checked} queries were found");
}

/// Broken text has error nodes, and every one of them stays small: what stands around it keeps its colours.
#[test]
fn a_broken_line_breaks_nothing_else() {
    let text = editor("test/broken.polder");
    let tree = parse(&text);
    assert!(tree.root_node().has_error());
    let mut cursor = tree.walk();
    let mut errors = 0;
    loop {
        let node = cursor.node();
        if node.is_error() {
            errors += 1;
            let lines = node.end_position().row - node.start_position().row;
            assert!(lines <= 1, "an error over {lines} lines: {}", &text[node.byte_range()]);
        }
        if node.has_error() && cursor.goto_first_child() || cursor.goto_next_sibling() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                assert!(errors > 3, "only {errors} errors");
                return;
            }
        }
    }
}
