//! Rust source as tokens, as far as it takes to see which paths it mentions.

use std::collections::BTreeSet;

/// A path that is mentioned, from the root of the crate where it is about this crate, and the line of its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub path: Vec<String>,
    pub line: usize,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Lexed {
    references: Vec<Reference>,
    macros: Vec<(String, usize)>,
    test_modules: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    /// A word, `::`, or one other character.
    text: String,
    line: usize,
}

impl Lexed {
    /// Reads a file that is the module `modules` of the crate. What is compiled only for tests is left out.
    pub(crate) fn new(text: &str, modules: &[String]) -> Lexed {
        let (tokens, test_modules) = without_tests(tokens(text));
        Lexed { references: references(&tokens, modules), macros: macros(&tokens), test_modules }
    }

    pub(crate) fn references(&self) -> impl Iterator<Item = Reference> + '_ {
        self.references.iter().cloned()
    }

    /// The macros that are called, without `!`.
    pub(crate) fn macros(&self) -> impl Iterator<Item = &(String, usize)> {
        self.macros.iter()
    }

    /// The modules in files of their own that are compiled only for tests.
    pub(crate) fn test_modules(&self) -> &BTreeSet<String> {
        &self.test_modules
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        let rest = &chars[at..];
        let next = |n: usize| rest.get(n).copied().unwrap_or('\0');
        match rest[0] {
            '/' if next(1) == '/' => at += rest.iter().take_while(|c| **c != '\n').count(),
            '/' if next(1) == '*' => at += comment(rest),
            '"' => at += string(rest),
            '\'' => at += character(rest),
            c if is_word(c) => {
                let length = rest.iter().take_while(|c| is_word(**c)).count();
                let word: String = rest[..length].iter().collect();
                let raw = matches!(word.as_str(), "r" | "br" | "cr");
                let hashes = rest[length..].iter().take_while(|c| **c == '#').count();
                if raw && next(length + hashes) == '"' {
                    at += raw_string(rest, length + hashes, hashes);
                } else if matches!(word.as_str(), "b" | "c") && next(length) == '"' {
                    at += length + string(&rest[length..]);
                } else if word == "b" && next(length) == '\'' {
                    at += length + character(&rest[length..]);
                } else if word == "r" && hashes == 1 {
                    at += length + 1;
                } else {
                    tokens.push(Token { text: word, line });
                    at += length;
                }
            }
            ':' if next(1) == ':' => {
                tokens.push(Token { text: "::".to_owned(), line });
                at += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token { text: c.to_string(), line });
                }
                at += 1;
            }
        }
        line += chars[start..at.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn comment(chars: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(chars: &[char]) -> usize {
    let mut at = 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string(chars: &[char], quote: usize, hashes: usize) -> usize {
    let mut at = quote + 1;
    while at < chars.len() {
        if chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    at
}

/// A character, or the quote alone where it begins a lifetime.
fn character(chars: &[char]) -> usize {
    match (chars.get(1), chars.get(2)) {
        (Some('\\'), _) => {
            let escaped = 3;
            escaped + chars.iter().skip(escaped).take_while(|c| **c != '\'').count() + 1
        }
        (Some(_), Some('\'')) => 3,
        _ => 1,
    }
}

/// Leaves out the items under `#[cfg(test)]`, and gives the names of the modules in files among them.
fn without_tests(tokens: Vec<Token>) -> (Vec<Token>, BTreeSet<String>) {
    let mut kept = Vec::new();
    let mut names = BTreeSet::new();
    let mut at = 0;
    let word = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    while at < tokens.len() {
        let is_test =
            ["#", "[", "cfg", "(", "test", ")", "]"].iter().enumerate().all(|(n, text)| word(at + n) == *text);
        if !is_test {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += 7;
        while word(at) == "#" {
            at = closing(&tokens, at + 1) + 1;
        }
        if let Some(name) = (at..at + 4).find(|n| word(*n) == "mod") {
            names.insert(word(name + 1).to_owned());
        }
        // The item ends with a semicolon or with its block.
        while at < tokens.len() && word(at) != ";" {
            if word(at) == "{" {
                at = closing(&tokens, at);
                if word(at + 1) != ";" {
                    break;
                }
            }
            at += 1;
        }
        at += 1;
    }
    (kept, names)
}

/// The place of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

fn macros(tokens: &[Token]) -> Vec<(String, usize)> {
    let called = tokens.windows(2).filter(|pair| pair[1].text == "!" && pair[0].text.starts_with(is_word));
    called.map(|pair| (pair[0].text.clone(), pair[0].line)).collect()
}

/// All paths: those of `use` with their braces taken apart, and those in code.
fn references(tokens: &[Token], modules: &[String]) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut inside: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let text = tokens[at].text.as_str();
        match text {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                inside.retain(|(_, opened)| *opened <= depth);
            }
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                inside.push((tokens[at + 1].text.clone(), depth + 1));
            }
            _ => {}
        }
        let here = || modules.iter().cloned().chain(inside.iter().map(|(name, _)| name.clone())).collect::<Vec<_>>();
        let starts = text.starts_with(is_word) && (at == 0 || tokens[at - 1].text != "::");
        // Not the `use<'a>` of a type.
        if text == "use" && tokens.get(at + 1).is_some_and(|token| token.text != "<") {
            let line = tokens[at].line;
            let mut paths = Vec::new();
            at = tree(tokens, at + 1, &[], &mut paths);
            found.extend(paths.into_iter().map(|path| Reference { path: absolute(path, &here()), line }));
        } else if starts && tokens.get(at + 1).is_some_and(|token| token.text == "::") {
            let line = tokens[at].line;
            let mut path = vec![text.to_owned()];
            at += 1;
            while tokens.get(at).is_some_and(|token| token.text == "::")
                && tokens.get(at + 1).is_some_and(|token| token.text.starts_with(is_word))
            {
                path.push(tokens[at + 1].text.clone());
                at += 2;
            }
            found.push(Reference { path: absolute(path, &here()), line });
        } else {
            at += 1;
        }
    }
    found
}

/// Reads a `use` tree and gives the place after it.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut path = prefix.to_vec();
    loop {
        match word(at) {
            "{" => {
                at += 1;
                while !matches!(word(at), "}" | ";" | "") {
                    at = tree(tokens, at, &path, paths);
                    if word(at) == "," {
                        at += 1;
                    }
                }
                return at + 1;
            }
            "::" => at += 1,
            "as" => at += 2,
            "" | ";" | "," | "}" => break,
            part => {
                // `a::{self}` is `a`.
                if part != "self" || path.is_empty() {
                    path.push(part.to_owned());
                }
                at += 1;
            }
        }
    }
    paths.push(path);
    at
}

/// `self` and `super` taken from the module `here`.
fn absolute(path: Vec<String>, here: &[String]) -> Vec<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    let is_self = path.first().is_some_and(|part| part == "self");
    if ups == 0 && !is_self {
        return path;
    }
    let kept = here.len().saturating_sub(ups);
    let rest = path.into_iter().skip(ups + usize::from(is_self));
    std::iter::once("crate".to_owned()).chain(here[..kept].iter().cloned()).chain(rest).collect()
}
