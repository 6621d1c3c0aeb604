//! The language server, asked as an editor asks. A case is a file in `tests/lsp/cases`: sources with marked places, and
//! questions with the expected answers; `POLDER_UPDATE=1` writes the answers that come.

mod alone;
mod case;
pub(crate) mod client;
mod hostile;
mod lifecycle;

use std::fs;
use std::path::Path;

#[test]
fn answers_as_the_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lsp/cases");
    let update = std::env::var_os("POLDER_UPDATE").is_some();
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let expected = fs::read_to_string(&path).unwrap();
        let found = case::run(&expected);
        if found == expected {
            continue;
        }
        if update {
            fs::write(&path, found).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&expected, &found).unified_diff().to_string();
            wrong.push(format!("{}\n{diff}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
