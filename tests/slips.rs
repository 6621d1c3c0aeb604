//! Slips of people who know other languages. A file of `slips/` has one a line, below a line `# in ...` that says where it
//! stands; below each stands `? HELP` as the compiler gives it. What is offered to be pasted has to work when it is:
//! the change of a mend, and a help's last part in backquotes when that is a statement.
//!
//! `POLDER_UPDATE=1 cargo test --test tests slips::` writes the help that comes.

use polder::diag::{Code, Diagnostic, Levels};
use polder::session::{Memory, Project, Session, Settings};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What stands around a slip.
fn around<'t>(place: &str) -> (&'t str, &'t str) {
    match place {
        "in namespace shop" => (
            "external namespace kafka {\n  tier broker\n  tier zookeeper\n}\nexternal namespace data {\n  tier db { sql: 5432/tcp }\n}\n\
             cidr metadata = 169.254.169.254/32\nnamespace shop {\n  tier web\n  tier api\n  tier db\n  ",
            "\n}\n",
        ),
        "in platform" => ("platform {\n  ", "\n}\n"),
        "in environment staging" => {
            ("namespace shop {\n}\ncidr office = 10.0.0.0/8\nenvironment staging {\n  ", "\n}\n")
        }
        "at file level" => ("", "\n"),
        other => panic!("no such place: {other}"),
    }
}

/// What is wrong with a program, in the order of its lines.
fn mistakes(text: &str) -> Vec<Diagnostic> {
    let system = Memory::default().with("/p/polder.toml", "").with("/p/a.polder", text);
    let session = Session::new(Project::load(&system, Path::new("/p"), &[]), Settings::default());
    let reports = session.reports(&Levels::default());
    reports.into_iter().map(|report| report.diagnostic).filter(|one| one.code.as_str().starts_with('E')).collect()
}

fn has_syntax_error(text: &str) -> bool {
    mistakes(text).iter().any(|one| ["E0001", "E0004"].contains(&one.code.as_str()))
}

/// The help for a slip, after a look at what becomes of it when it is followed. What is wrong with that is in `problems`.
fn help(place: &str, slip: &str, problems: &mut String) -> String {
    let (before, after) = around(place);
    // What opens a block is closed.
    let closed = |statement: &str| if statement.ends_with('{') { "\n}" } else { "" };
    let text = format!("{before}{slip}{}{after}", closed(slip));
    let mistakes = mistakes(&text);
    let here = |one: &&Diagnostic| one.primary().is_some_and(|span| span.start as usize >= before.len());
    let Some(found) = mistakes.iter().find(here) else {
        writeln!(problems, "`{slip}` is no slip").unwrap();
        return String::new();
    };
    let Some(help) = &found.help else {
        writeln!(problems, "there is no help for `{slip}`: {}", found.message).unwrap();
        return String::new();
    };
    let mended = found.mends.iter().map(|mend| {
        let mut mended = text.clone();
        mended.replace_range(mend.span.range(), &mend.text);
        mended
    });
    // What is in backquotes and has more than a word is a statement, unless it is a command or has a name to fill in.
    let statements = help.split('`').skip(1).step_by(2).filter(|part| part.contains(' '));
    let statements =
        statements.filter(|part| !part.starts_with("polder ") && !part.contains("...") && found.code == Code::E0001);
    let pasted = statements.map(|part| format!("{before}{part}{}{after}", closed(part)));
    for changed in mended.chain(pasted) {
        if has_syntax_error(&changed) {
            writeln!(problems, "for `{slip}` it does not help to do as it says: {help}").unwrap();
        }
    }
    format!("{} {help}", found.code)
}

#[test]
fn each_slip_gets_help_that_can_be_pasted() {
    let update = std::env::var_os("POLDER_UPDATE").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slips");
    let (mut count, mut problems) = (0, String::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let script = fs::read_to_string(&path).unwrap();
        let (mut told, mut place) = (String::new(), "at file level");
        for line in script.lines().filter(|line| !line.starts_with("? ")) {
            writeln!(told, "{line}").unwrap();
            match line.strip_prefix("# ") {
                Some(other) => place = other,
                None if line.is_empty() => {}
                None => writeln!(told, "? {}", help(place, line, &mut problems)).unwrap(),
            }
            count += usize::from(!line.is_empty() && !line.starts_with('#'));
        }
        if update {
            fs::write(&path, told).unwrap();
        } else {
            let diff = similar::TextDiff::from_lines(&script, &told);
            assert!(told == script, "{}\n{}", path.display(), diff.unified_diff());
        }
    }
    assert!(problems.is_empty(), "{problems}");
    assert!(count > 200, "only {count} slips were found");
}
