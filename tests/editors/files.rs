//! The files of the packages: they know the words of the compiler and no others, and copies are copies.

use super::words::{self, Words};
use super::{editor, expected, root};

/// The words in a pattern, without its escapes and its classes of characters.
fn pattern_words(pattern: &str) -> Words {
    let mut plain = String::new();
    let mut characters = pattern.chars();
    let mut inside = false;
    while let Some(character) = characters.next() {
        match character {
            // `\ze` of Vim has two letters.
            '\\' => {
                if characters.next() == Some('z') {
                    characters.next();
                }
                plain.push(' ');
            }
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside => plain.push(character),
            _ => {}
        }
    }
    let words = plain.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 1);
    words.map(str::to_owned).collect()
}

/// What stands in double quotes.
fn quoted(text: &str) -> Words {
    text.split('"').skip(1).step_by(2).filter(|word| is_word(word)).map(str::to_owned).collect()
}

fn is_word(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_lowercase())
}

#[test]
fn text_mate_knows_the_words() {
    fn visit(value: &serde_json::Value, found: &mut Words) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    match (name.as_str(), member) {
                        ("match" | "begin" | "end", serde_json::Value::String(pattern)) => {
                            found.extend(pattern_words(pattern));
                        }
                        _ => visit(member, found),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
            _ => {}
        }
    }
    let mut found = Words::new();
    visit(&serde_json::from_str(&editor("textmate/polder.tmLanguage.json")).unwrap(), &mut found);
    // Of `# polder: allow(...)`.
    assert!(found.remove("polder"));
    assert_eq!(found, words::all());
}

#[test]
fn vim_knows_the_words() {
    let text = editor("vim/syntax/polder.vim");
    let mut found = Words::new();
    for line in text.lines() {
        // Patterns stand between pluses or in single quotes; the other strings say what is contained in what.
        let between_pluses = line.strip_prefix("syn match ").and_then(|rest| rest.split('+').nth(1));
        let is_call = line.starts_with("call s:Match") || line.starts_with("call s:Statement");
        let strings = line.split('\'').skip(1).step_by(2).filter(|_| is_call);
        let patterns = strings.filter(|text| !["polder", "contained"].iter().any(|no| text.contains(no)));
        found.extend(between_pluses.into_iter().chain(patterns).flat_map(pattern_words));
    }
    assert!(found.remove("polder"));
    assert_eq!(found, words::all());
}

#[test]
fn emacs_knows_the_words() {
    let text = editor("emacs/polder-mode.el");
    let list = |name: &str| {
        let form = text.split(&format!("(defconst {name}")).nth(1).unwrap_or_else(|| panic!("no {name}"));
        quoted(form.split(')').next().unwrap())
    };
    let mut found = Words::new();
    for name in ["polder-statement-words", "polder-inner-words", "polder-built-in", "polder-choices"] {
        found.extend(list(name));
    }
    assert_eq!(found, words::all());
    assert_eq!(list("polder-built-in"), words::built_in());

    let keywords = text.split(":feature keyword").nth(1).unwrap().split(":language").next().unwrap();
    assert_eq!(&quoted(keywords), words::keywords());
    let protocols = text.split("/\\\\(").nth(1).unwrap().split("\\\\)").next().unwrap();
    assert_eq!(pattern_words(protocols), words::protocols());
}

#[test]
fn highlights_know_the_words() {
    // Neovim's checks the spelling of comments too.
    let neovim = editor("nvim/queries/polder/highlights.scm").replace(" @spell", "");
    assert_eq!(neovim, editor("tree-sitter-polder/queries/highlights.scm"));
    for folder in ["tree-sitter-polder/queries", "helix/queries/polder", "zed/languages/polder"] {
        assert_eq!(&quoted(&editor(&format!("{folder}/highlights.scm"))), words::keywords(), "{folder}");
    }
}

#[test]
fn copies_are_copies() {
    let mut copies =
        vec![("vscode/language-configuration.json".to_owned(), "textmate/language-configuration.json".to_owned())];
    for path in ["syntax/polder.vim", "indent/polder.vim", "compiler/polder.vim", "ftdetect/polder.vim"] {
        copies.push((format!("vim/{path}"), format!("nvim/{path}")));
    }
    for query in ["folds", "indents", "locals", "injections", "textobjects"] {
        copies.push((format!("tree-sitter-polder/queries/{query}.scm"), format!("nvim/queries/polder/{query}.scm")));
    }
    for query in ["injections", "tags"] {
        copies.push((format!("tree-sitter-polder/queries/{query}.scm"), format!("helix/queries/polder/{query}.scm")));
    }
    for (from, to) in copies {
        if std::env::var_os("POLDER_UPDATE").is_some() {
            std::fs::write(root().join("editors").join(&to), editor(&from)).unwrap();
        }
        assert_eq!(editor(&from), editor(&to), "{to} is not {from}; POLDER_UPDATE=1 copies it");
    }
}

/// A snippet as it stands after its places have been left as they are.
fn expand(body: &str) -> String {
    let mut text = String::new();
    let mut rest = body;
    while let Some(start) = rest.find('$') {
        text += &rest[..start];
        let place = &rest[start + 1..];
        rest = match place.strip_prefix('{') {
            None => place.trim_start_matches(|c: char| c.is_ascii_digit()),
            Some(place) => {
                let (inner, after) = place.split_once('}').unwrap();
                // `1:text`, or `1|first,second|`.
                let text_of = inner.trim_start_matches(|c: char| c.is_ascii_digit());
                text += text_of[1..].split([',', '|']).next().unwrap();
                after
            }
        };
    }
    text + rest
}

#[test]
fn snippets_are_statements() {
    let snippets: serde_json::Value = serde_json::from_str(&editor("vscode/snippets/polder.json")).unwrap();
    let snippets = snippets.as_object().unwrap();
    assert!(snippets.len() > 10);
    for (name, snippet) in snippets {
        let lines: Vec<&str> = match &snippet["body"] {
            serde_json::Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect(),
            line => vec![line.as_str().unwrap()],
        };
        let text = expand(&lines.join("\n"));
        assert!(expected::words(&text).is_some_and(|words| !words.is_empty()), "{name}:\n{text}");
    }
}
