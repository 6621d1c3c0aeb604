//! What is wrong with one file, as much of it as anybody reads.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Mistakes of one file past this many are only counted: such a file is no program, and would fill the memory.
const MOST: usize = 1000;

/// The mistakes of one file.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<Diagnostic>,
    left_out: usize,
    /// The place of the first one that is left out.
    first_left_out: Option<Span>,
}

impl Findings {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < MOST {
            self.list.push(diagnostic);
            return;
        }
        self.left_out += 1;
        if self.first_left_out.is_none() {
            self.first_left_out = diagnostic.primary();
        }
    }

    /// The mistakes, the last of which says how many there are besides.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        if let Some(span) = self.first_left_out {
            let message = match self.left_out {
                1 => "one more mistake, here, is left out".to_owned(),
                count => format!("{count} more mistakes, from here on, are left out"),
            };
            let diagnostic = Diagnostic::new(Code::E0001, span, message);
            self.list.push(diagnostic.with_help("mend the first ones; if this is no Polder program, leave it out"));
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn very_many_are_counted() {
        let mut findings = Findings::default();
        for at in 0..MOST + 7 {
            findings.push(Diagnostic::new(Code::E0001, Span::new(FileId::at(0), at..at + 1), "wrong"));
        }
        let list = findings.finish();
        assert_eq!(list.len(), MOST + 1);
        let last = list.last().map(|last| (last.message.as_str(), last.primary().map(|span| span.start)));
        assert_eq!(last, Some(("7 more mistakes, from here on, are left out", Some(1000))));
    }
}
