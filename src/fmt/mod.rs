//! The canonical form: from a tree to the one text that everybody writes.
//!
//! Spaces, line ends and the places where lines break change, and nothing else: no order, no name, no comment. Every run
//! proves it: the new text has to parse to the same tree, and formatting it again has to give the same text.

mod layout;
mod lex;
mod parts;
mod shape;

use crate::diag::{Code, Diagnostic};
use crate::source::{SourceFile, Sources};
use crate::syntax::{self, Tree};

/// No line is longer, unless a single item is.
const WIDTH: usize = 100;

/// How much deeper a block, the items of a list in brackets, and what continues a statement stand.
const STEP: usize = 2;

/// The canonical text of a file from its tree. Broken statements are copied, all others are formatted. The error is an
/// internal one: the result could not be proved to be the same program, so it is not given out. A file is left as it is
/// when it holds a carriage return that ends no line, or would begin with a byte order mark that was none: both are
/// errors of the syntax, and in another place they would pass.
pub fn format(sources: &Sources, tree: &Tree) -> Result<String, Diagnostic> {
    let Some(file) = sources.file(tree.file) else { return Ok(String::new()) };
    let formatted = parts::text(&file.text, tree);
    if has_lone_return(&file.text) || formatted.starts_with('\u{feff}') {
        return Ok(file.text.clone());
    }
    let (again, shape) = read_back(&formatted);
    if shape != shape::of(&file.text, tree) {
        return Err(internal(file, "would change what it says"));
    }
    if again != formatted {
        return Err(internal(file, "has no stable form"));
    }
    Ok(formatted)
}

fn has_lone_return(text: &str) -> bool {
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\r' && bytes.peek() != Some(&b'\n') {
            return true;
        }
    }
    false
}

/// Parses a text: its canonical form, and what it says.
fn read_back(text: &str) -> (String, shape::Shape) {
    let mut sources = Sources::default();
    let id = sources.add("formatted", text);
    let tree = syntax::parse(&sources, id).tree;
    (parts::text(text, &tree), shape::of(text, &tree))
}

fn internal(file: &SourceFile, what: &str) -> Diagnostic {
    Diagnostic::about(Code::E0900, format!("`{}` {what} when it is formatted, so it is left as it is", file.path))
        .with_help("please report it with the file; `polder explain E0900` says more")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    fn shape(text: &str) -> shape::Shape {
        read_back(text).1
    }

    #[test]
    fn the_proof_sees_every_difference_that_is_more_than_space() {
        let program = "# a\nnamespace shop {\n  ## b\n  tier web (x=y, k in (a, b), !c) { http: {80, 81}/tcp }\n  a -> {b, c}:80 \
                       # d\n  $ broken\n  never a -> b except c\n}\ncidr n = 10.0.0.0/8 except 10.1.0.0/16\n\
                       # polder: allow(W0003)\nexternal namespace o\nexternal namespace p {}\nplatform { cni any }\n";
        let changes = [
            ("# a", "# e"),
            ("# a", "## a"),
            ("# a\n", ""),
            ("## b\n", "## b\n\n"),
            ("web", "wob"),
            ("x=y", "x!=y"),
            ("x=y, ", ""),
            ("a, b), !c", "b, a), !c"),
            ("!c", "c"),
            ("{80, 81}/tcp", "{80, 81}/udp"),
            ("{80, 81}/tcp", "{81, 80}/tcp"),
            ("http", "https"),
            (" { http: {80, 81}/tcp }", " {}"),
            ("(x=y, k in (a, b), !c)", "()"),
            ("(x=y, k in (a, b), !c)", ""),
            ("{b, c}:80", "{c, b}:80"),
            ("{b, c}:80", "{b, c}:81"),
            ("{b, c}:80", "{b, c}"),
            (" # d\n", "\n"),
            ("$ broken", "$ broken  too"),
            ("never", "always"),
            ("->", "->>"),
            (" except c", ""),
            (" except 10.1.0.0/16", ", 10.1.0.0/16"),
            ("W0003", "W0004"),
            ("external namespace o\nexternal namespace p {}", "external namespace p {}\nexternal namespace o"),
            ("p {}", "p"),
            ("external namespace o", "namespace o {}"),
            ("any", "calico"),
            ("}\ncidr n", "cidr n"),
        ];
        for (from, to) in changes {
            let other = program.replace(from, to);
            assert!(other != program, "{from} is not there");
            assert!(shape(&other) != shape(program), "{from} -> {to} is not seen");
        }
        assert_eq!(
            shape(
                &program
                    .replace(' ', "  ")
                    .replace("$  broken", "$ broken")
                    .replace("#  ", "# ")
                    .replace(":  allow", ": allow")
            ),
            shape(program)
        );
    }
}
