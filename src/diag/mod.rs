//! What Polder says about a program: one plain type, a closed list of codes with a page each.

mod code;
mod group;
mod levels;
pub mod render;
mod report;
mod suggest;

pub use code::Code;
pub use group::grouped;
pub use levels::{Allow, Level, Levels};
pub use report::{Report, sort};
pub use suggest::closest;

use crate::source::Span;

/// How grave a diagnostic is, the worst first. Errors stop the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program cannot be compiled, or must not be.
    Error,
    /// It can be, and probably does not do what was meant.
    Warning,
    /// It does what it says: a matter of form or of choice, said only to those who ask.
    Note,
}

impl Severity {
    /// The word that all formats use for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A place in the source, and what it has to do with the diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// A few words shown under the place; may be empty for the first label.
    pub text: String,
}

/// A change of the text that mends what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mend {
    /// What it does, for a menu: such as "Write `api`".
    pub title: String,
    /// What is replaced; empty to insert.
    pub span: Span,
    /// What it is replaced by; empty to remove.
    pub text: String,
    /// How it is made.
    pub how: How,
}

/// How a change of a text is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum How {
    /// The text stands in the place of the span.
    #[default]
    Text,
    /// The map that has a key where the span begins has the text as an entry, as in `protocol: UDP`.
    Entry,
    /// Behind that map, an item of a list, stands another one, the same but for the text as an entry.
    Another,
    /// The item of a list that has a key where the span begins is removed.
    Removal,
}

/// One thing to say: what is wrong, where, and what to type instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which condition it is.
    pub code: Code,
    /// One sentence in the user's terms, without a final full stop.
    pub message: String,
    /// The places, the first of which is where the mistake is. Without any, it is about no source (a file that cannot
    /// be read, say) and the message names what it is about.
    pub labels: Vec<Label>,
    /// What to do; text to paste stands in backquotes.
    pub help: Option<String>,
    /// Changes that would do, the likeliest first; none where nobody but the author can know.
    pub mends: Vec<Mend>,
    /// Whether it is a note, whatever the level of its code: what is written does what it says, here.
    pub is_note: bool,
}

impl Diagnostic {
    /// A diagnostic about the place `span`.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::about(code, message).with_label(span, "")
    }

    /// A diagnostic that no place in the source has caused.
    pub fn about(code: Code, message: impl Into<String>) -> Self {
        Diagnostic { code, message: message.into(), labels: Vec::new(), help: None, mends: Vec::new(), is_note: false }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Sets the words under the primary place.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// Says that it is a matter of form or of choice.
    #[must_use]
    pub fn as_note(mut self) -> Self {
        self.is_note = true;
        self
    }

    /// How grave it is when nobody says otherwise.
    pub fn severity(&self) -> Severity {
        if self.is_note { Severity::Note } else { self.code.severity() }
    }

    /// Sets the help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a change that mends it: `text` in place of `span`.
    #[must_use]
    pub fn with_mend(self, span: Span, text: impl Into<String>) -> Self {
        self.with_mend_as(How::Text, span, text)
    }

    /// Adds a change that mends it.
    #[must_use]
    pub fn with_mend_as(mut self, how: How, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        let title = if text.is_empty() {
            "Remove it".to_owned()
        } else {
            format!("Write `{}`", text.trim_matches([',', ' ', '\n']))
        };
        self.mends.push(Mend { title, span, text, how });
        self
    }

    /// The same under a title that says more than the text does.
    #[must_use]
    pub fn with_titled_mend(mut self, title: impl Into<String>, span: Span, text: impl Into<String>) -> Self {
        self.mends.push(Mend { title: title.into(), span, text: text.into(), how: How::Text });
        self
    }

    /// Adds several of which one may be meant.
    #[must_use]
    pub fn with_mends<T: Into<String>>(self, span: Span, texts: impl IntoIterator<Item = T>) -> Self {
        texts.into_iter().fold(self, |diagnostic, text| diagnostic.with_mend(span, text))
    }

    /// The first object that its sentence names, as in `shop/web`: a namespace and a name in backquotes, no block and no key
    /// of a label.
    pub fn object(&self) -> Option<&str> {
        let is_word = |text: &str| text.starts_with(|first: char| first.is_ascii_alphanumeric());
        self.message.split('`').skip(1).step_by(2).find(|quoted| {
            let parts = quoted.split_once('/').filter(|(namespace, name)| is_word(namespace) && is_word(name));
            parts.is_some_and(|(namespace, _)| !namespace.contains('.') && !quoted.contains([' ', ':', '=']))
        })
    }

    /// The place where the mistake is.
    pub fn primary(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}
