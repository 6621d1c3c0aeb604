//! Every code has a page of a fixed form, and every page belongs to a code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use polder::diag::{Code, Severity};

/// The fenced blocks of a page: the words after the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(fence), None) => open = Some((fence, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is never closed:\n{page}");
    blocks
}

/// What stands under a heading of the second level, up to the next one.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n"))?;
    Some(rest.split("\n## ").next().unwrap_or(rest))
}

#[test]
fn every_page_begins_with_the_code_its_title_and_a_reason() {
    for code in Code::ALL {
        let mut lines = code.page().lines();
        assert_eq!(lines.next(), Some(format!("# {code}: {}", code.title()).as_str()));
        assert_eq!(lines.next(), Some(""), "{code}");
        let reason: String = lines.take_while(|line| !line.is_empty()).collect();
        assert!(reason.len() > 40 && reason.ends_with('.'), "{code} begins with no paragraph: {reason}");
    }
}

#[test]
fn every_page_has_a_failing_and_a_mended_example_or_a_transcript() {
    for code in Code::ALL {
        let page = code.page();
        let fails = ["polder", "yaml"].map(|language| format!("{language},fails({code})"));
        match (section(page, "Failing"), section(page, "Mended")) {
            (Some(failing), Some(mended)) => {
                let failing = blocks(failing);
                let [(fence, text)] = failing.as_slice() else { panic!("{code}") };
                assert!(fails.iter().any(|fails| fails == fence) && !text.is_empty(), "{code}");
                let language = fence.split(',').next();
                let mended = blocks(mended);
                assert!(
                    matches!(mended.first(), Some((fence, text)) if Some(*fence) == language && !text.is_empty()),
                    "{code}"
                );
                assert_ne!(failing[0].1, mended[0].1, "{code}");
            }
            (None, None) => {
                let transcript = blocks(page).into_iter().find(|(fence, _)| *fence == "console");
                let (_, text) = transcript.unwrap_or_else(|| panic!("{code} has no example and no transcript"));
                assert!(text.starts_with("$ polder ") && text.contains(code.as_str()), "{code}: {text}");
            }
            _ => panic!("{code} has one example without the other"),
        }
    }
}

/// The pages of what is found in manifests say how grave it is, and why: the level can be chosen.
#[test]
fn pages_say_the_level_that_the_table_has() {
    let of_manifests = |code: &&Code| code.as_str().starts_with("W01") || code.as_str().starts_with("W02");
    for code in Code::ALL.iter().filter(of_manifests) {
        let level = section(code.page(), "Level").unwrap_or_else(|| panic!("{code} says no level")).trim_start();
        let said = match code.severity() {
            Severity::Error => "An error",
            Severity::Warning => "A warning",
            Severity::Note => "A note",
        };
        assert!(level.starts_with(said), "{code} is no \"{said}\": {level}");
    }
}

#[test]
fn every_page_can_be_shown_in_a_terminal() {
    for code in Code::ALL {
        let page = code.page();
        let hidden = page.chars().find(|character| *character != '\n' && polder::diag::render::is_hidden(*character));
        assert_eq!(hidden, None, "{code}");
        let long = page.lines().find(|line| line.chars().count() > 120);
        assert_eq!(long, None, "{code}");
    }
}

#[test]
fn every_page_belongs_to_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diag/codes");
    let files: BTreeSet<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let expected: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(files, expected);
}

#[test]
fn codes_that_pages_refer_to_exist() {
    for code in Code::ALL {
        let words = code.page().split(|character: char| !character.is_ascii_alphanumeric());
        let codes = words.filter(|word| {
            word.len() == 5 && word.starts_with(['E', 'W']) && word[1..].bytes().all(|byte| byte.is_ascii_digit())
        });
        for word in codes {
            assert!(Code::parse(word).is_some(), "the page of {code} refers to {word}");
        }
    }
}
