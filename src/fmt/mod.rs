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
use crate::syntax::{self, Parsed};

/// No line is longer, unless a single item is.
const WIDTH: usize = 100;

/// How much deeper a block, the items of a list in brackets, and what continues a statement stand.
const STEP: usize = 2;

/// Why a file has no canonical form, so that it has to stay as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unformatted {
    /// Something in it was not understood, as the parser has said: nobody can tell what its spaces mean.
    NotUnderstood,
    /// An internal error: the result could not be proved to be the same program.
    NotProved(Box<Diagnostic>),
}

/// The canonical text of a file. There is none as soon as one statement of it is broken: it may be no program at all, and
/// spaces may be what it consists of.
pub fn format(sources: &Sources, parsed: &Parsed) -> Result<String, Unformatted> {
    if !is_understood(parsed) {
        return Err(Unformatted::NotUnderstood);
    }
    let tree = &parsed.tree;
    let Some(file) = sources.file(tree.file) else { return Ok(String::new()) };
    let formatted = parts::text(&file.text, tree);
    let not_proved = |what: &str| Err(Unformatted::NotProved(Box::new(internal(file, what))));
    match read_back(&formatted) {
        Some((_, shape)) if shape != shape::of(&file.text, tree) => not_proved("would change what it says"),
        Some((again, _)) if again == formatted => Ok(formatted),
        Some(_) => not_proved("has no stable form"),
        None => not_proved("would not be understood any more"),
    }
}

fn is_understood(parsed: &Parsed) -> bool {
    !parsed.diagnostics.iter().any(|problem| problem.code.stops())
}

/// Parses a text: its canonical form, and what it says. Nothing when something in it is not understood.
fn read_back(text: &str) -> Option<(String, shape::Shape)> {
    let mut sources = Sources::default();
    let id = sources.add("formatted", text);
    let parsed = syntax::parse(&sources, id);
    is_understood(&parsed).then(|| (parts::text(text, &parsed.tree), shape::of(text, &parsed.tree)))
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
        let mut sources = Sources::default();
        let id = sources.add("a.polder", text);
        shape::of(text, &syntax::parse(&sources, id).tree)
    }

    #[test]
    fn the_proof_sees_every_difference_that_is_more_than_space() {
        let program = "# a\nnamespace shop {\n  ## b\n  tier web (x=y, k in (a, b), !c) { http: {80, 81}/tcp }\n  a -> {b, c}:80 \
                       # d\n  $ broken\n  never a -> b except c\n}\ncidr n = 10.0.0.0/8 except 10.1.0.0/16\n\
                       # polder: allow(W0003)\nexternal namespace o\nexternal namespace p {}\nplatform { cni any }\n\
                       never e/{f, g} -> {h:80, i:81} except j/{k, l}, j/m\n\
                       namespace q, r {\n  disjoint s, t\n}\n";
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
            ("a -> {b", "a ->> {b"),
            ("e/{f, g}", "{f, g}"),
            ("e/{f, g}", "{e/f, g}"),
            ("{h:80, i:81}", "{h, i:81}"),
            ("{h:80, i:81}", "{h:80, i}"),
            ("{h:80, i:81}", "{h, i}:81"),
            ("j/{k, l}, j/m", "j/{k}, j/l, j/m"),
            ("j/{k, l}, j/m", "j/{k}, j/{l}, j/m"),
            ("j/{k, l}, j/m", "j/{k, l, m}"),
            (" except c", ""),
            (" except 10.1.0.0/16", ", 10.1.0.0/16"),
            ("W0003", "W0004"),
            ("external namespace o\nexternal namespace p {}", "external namespace p {}\nexternal namespace o"),
            ("p {}", "p"),
            ("external namespace o", "namespace o {}"),
            ("any", "calico"),
            ("namespace q, r", "namespace q"),
            ("namespace q, r", "namespace r, q"),
            ("disjoint s, t", "disjoint t, s"),
            ("disjoint s, t", "disjoint s, t, u"),
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
