//! The file of a report: a new one, or one in the place of an older report, and never in that of anything else.

use crate::cli::new_files::create_one;
use crate::cli::replace::replace;
use crate::report::MARKDOWN_MARK;
use crate::session::{reason, shown};
use std::fs;
use std::io;
use std::path::Path;

/// So much of a file says what it is.
const HEAD: usize = 2048;

/// Writes the text, and tells the path as it is shown and what was done. The error is a sentence.
pub(super) fn write(folder: &Path, path: &Path, text: &str) -> Result<(String, &'static str), String> {
    let target = folder.join(path);
    let name = shown(&target, folder);
    let failed = |error: &io::Error| format!("cannot write `{name}`: {}", reason(error));
    let known = match fs::symlink_metadata(&target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return create_one(folder, path, text).map(|name| (name, "wrote"));
        }
        Err(error) => return Err(failed(&error)),
        Ok(known) => known,
    };
    let other = || format!("`{name}` is already there and is no report of Polder's; nothing is overwritten");
    if !known.is_file() {
        return Err(other());
    }
    let before = match fs::read_to_string(&target) {
        Ok(before) if is_report(&before) => before,
        Ok(_) => return Err(other()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(other()),
        Err(error) => return Err(failed(&error)),
    };
    if before == text {
        return Ok((name, "unchanged:"));
    }
    replace(&target, &before, text).map_err(|error| failed(&error))?;
    Ok((name, "wrote"))
}

/// Whether a text is a report in one of the formats.
fn is_report(text: &str) -> bool {
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or_default();
    let is_page = head.starts_with("<!doctype html>")
        && head.contains("<meta name=\"generator\" content=\"polder ")
        && head.contains(" (report)\">");
    is_page
        || head.starts_with(MARKDOWN_MARK)
        || text.contains("\"schema\": \"polder/report/v1\"") && head.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reports_are_taken_for_reports() {
        let page = "<!doctype html>\n<meta name=\"generator\" content=\"polder 0.1.0 (report)\">";
        for own in [page, "<!-- polder report -->\n", "{\n  \"schema\": \"polder/report/v1\"\n}"] {
            assert!(is_report(own), "{own}");
        }
        for other in ["", "x", "<!doctype html>\n<title>polder (report)</title>", "# polder report", "{}"] {
            assert!(!is_report(other), "{other}");
        }
    }
}
