//! The words and marks of one statement that the parser has accepted.

/// One word, mark or comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, a number, a block, a quoted port, a protocol after braces: everything that holds no space.
    Word(&'a str),
    /// `{` or `(`
    Open(char),
    /// `}` or `)`
    Close(char),
    /// `,`
    Comma,
    /// `:` before ports
    Colon,
    /// `=` after a name that is declared
    Assign,
    /// `=`, also for `==`, and `!=` in a selector
    Compare(&'a str),
    /// `!`
    Not,
    /// `->` or `->>`
    Arrow(&'a str),
    /// From `#` to the end of the line, without spaces at the end; whether it has the line for itself.
    Comment(&'a str, bool),
}

/// The tokens of a statement. In `colons`, a colon stands before ports; in other statements it is part of a word, as it
/// always is in parentheses.
pub(super) fn tokens(text: &str, colons: bool) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, parentheses: 0, colons };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    parentheses: usize,
    colons: bool,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let rest = self.text.get(self.at..)?;
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let own_line = rest.get(..rest.len() - trimmed.len())?.contains('\n');
        self.at += rest.len() - trimmed.len();
        let first = trimmed.chars().next()?;
        let (token, length) = match first {
            '#' => {
                let line = trimmed.split('\n').next().unwrap_or("");
                (Token::Comment(line.trim_end_matches([' ', '\t', '\r']), own_line), line.len())
            }
            '{' | '(' => (Token::Open(first), 1),
            '}' | ')' => (Token::Close(first), 1),
            ',' => (Token::Comma, 1),
            ':' if self.marks_ports() => (Token::Colon, 1),
            '=' if self.parentheses == 0 => (Token::Assign, 1),
            '=' => (Token::Compare("="), if trimmed.starts_with("==") { 2 } else { 1 }),
            '!' if trimmed.starts_with("!=") => (Token::Compare("!="), 2),
            '!' => (Token::Not, 1),
            '-' if trimmed.starts_with("->>") => (Token::Arrow("->>"), 3),
            '-' if trimmed.starts_with("->") => (Token::Arrow("->"), 2),
            _ => {
                let length = self.word(trimmed);
                (Token::Word(trimmed.get(..length)?), length)
            }
        };
        match token {
            Token::Open('(') => self.parentheses += 1,
            Token::Close(')') => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
        self.at += length;
        Some(token)
    }

    fn marks_ports(&self) -> bool {
        self.colons && self.parentheses == 0
    }

    /// How long the word at the start of `rest` is; at least one character.
    fn word(&self, rest: &str) -> usize {
        let mut quoted = false;
        for (offset, character) in rest.char_indices() {
            if character == '"' {
                quoted = !quoted;
            }
            let ends = match character {
                _ if quoted => character == '\n',
                ' ' | '\t' | '\r' | '\n' | ',' | '{' | '}' | '(' | ')' | '=' | '!' | '#' => true,
                ':' => self.marks_ports(),
                '-' => rest.get(offset..).is_some_and(|rest| rest.starts_with("->")),
                _ => false,
            };
            if ends && offset > 0 {
                return offset;
            }
        }
        rest.len()
    }
}
