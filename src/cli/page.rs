//! A page of text with a few marks, as it is read in a terminal: paragraphs filled to its width, examples set in.

use crate::diag::render::sanitize;

/// How far examples are set in.
const INDENT: &str = "    ";

/// The page without its marks, in lines of at most `width` columns where words allow that.
pub(super) fn page(text: &str, width: usize, color: bool) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut is_example = false;
    for line in text.lines() {
        let heading = line.trim_start_matches('#').trim_start();
        let is_heading = line.starts_with('#') && !is_example;
        let stands_alone =
            is_example || is_heading || line.is_empty() || line.starts_with("```") || line.starts_with('|');
        if stands_alone || line.starts_with("- ") {
            fill(&std::mem::take(&mut paragraph), width, &mut out);
        }
        match line.strip_prefix("```") {
            Some(_) => is_example = !is_example,
            None if is_example && line.is_empty() => out.push('\n'),
            None if is_example => out.push_str(&format!("{INDENT}{}\n", sanitize(line))),
            None if is_heading => out.push_str(&strong(heading, color)),
            None if line.starts_with('|') => out.push_str(&format!("{line}\n")),
            None if line.is_empty() => out.push('\n'),
            None => {
                paragraph.push_str(line.trim_start());
                paragraph.push(' ');
            }
        }
    }
    fill(&paragraph, width, &mut out);
    out
}

fn strong(text: &str, color: bool) -> String {
    if color { format!("\u{1b}[1m{text}\u{1b}[0m\n") } else { format!("{text}\n") }
}

/// Writes the words of a paragraph, or of an item of a list, whose lines stand below its text.
fn fill(paragraph: &str, width: usize, out: &mut String) {
    let hang = if paragraph.starts_with("- ") { "  " } else { "" };
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(hang);
            column = hang.len();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    if column > 0 {
        out.push('\n');
    }
}
