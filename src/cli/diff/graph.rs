//! Differences as a picture.

use super::{Compared, DiffFormat};
use crate::diff::MeantEnds;
use crate::graph::{Picture, compared, html, mermaid, svg};

/// What a page is called that has no verdict.
const TITLE: &str = "What changes";

/// The picture in a format; nothing for the others.
pub(super) fn text(report: &Compared<'_>, format: DiffFormat) -> String {
    let picture = drawn(report);
    match format {
        DiffFormat::Svg => svg(&picture),
        DiffFormat::Mermaid => mermaid(&picture),
        DiffFormat::Html => html(&picture, TITLE),
        DiffFormat::Human | DiffFormat::Json | DiffFormat::Markdown => String::new(),
    }
}

/// What differs, to be drawn.
pub(super) fn drawn(report: &Compared<'_>) -> Picture {
    Picture { notes: report.beside(), ..compared(report.diff, &is_address) }
}

/// Whether some ends are addresses, as far as they are known as more than names.
fn is_address(ends: &MeantEnds) -> bool {
    match ends {
        MeantEnds::Sets(ends) => !ends.is_empty() && ends.iter().all(|end| end.pods().is_none()),
        MeantEnds::Given(_) => false,
    }
}
