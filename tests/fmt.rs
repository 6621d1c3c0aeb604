//! The canonical form. `tests/fmt/NAME.polder` becomes `tests/fmt/NAME.formatted`; `POLDER_UPDATE=1 cargo test --test tests fmt::`
//! writes what the formatter gives, also into the examples, the catalogue and the documents, which are all in that form.

use crate::oracle::generate;
use crate::oracle::render::render;
use crate::oracle::rng::Rng;
use polder::diag::{Code, Levels, Severity};
use polder::fmt::Unformatted;
use polder::session::{Memory, Named, Project, Session, Settings};
use polder::source::Sources;
use polder::syntax::{self, Parsed};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn update() -> bool {
    std::env::var_os("POLDER_UPDATE").is_some()
}

fn parsed(text: &str) -> (Sources, Parsed) {
    let mut sources = Sources::default();
    let id = sources.add("test.polder", text);
    let parsed = syntax::parse(&sources, id);
    (sources, parsed)
}

/// The form of a text, unless something in it is not understood.
fn formatted(text: &str) -> Option<String> {
    let (sources, parsed) = parsed(text);
    match polder::fmt::format(&sources, &parsed) {
        Ok(formatted) => Some(formatted),
        Err(Unformatted::NotUnderstood) => None,
        Err(Unformatted::NotProved(problem)) => panic!("{}\n{text}", problem.message),
    }
}

fn format(text: &str) -> String {
    formatted(text).unwrap_or_else(|| panic!("not understood:\n{text}"))
}

/// What a program compiles to, or the codes of what is wrong with it.
fn compiled(text: &str) -> Result<String, Vec<Code>> {
    let system = Memory::default().with("/p/a.polder", text);
    let project = Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]);
    let session = Session::new(project, Settings::default());
    match session.output() {
        Some(output) => Ok(output.stream().collect()),
        None => {
            let reports = session.reports(&Levels::default());
            let errors = reports.iter().filter(|report| report.severity == Severity::Error);
            Err(errors.map(|report| report.diagnostic.code).collect())
        }
    }
}

/// All files of a folder and those in it whose names end so.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn visit(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, extension, found);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    visit(&root().join(folder), extension, &mut found);
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The programs in a document: the words after the fence, where the text begins and ends, and the text.
fn blocks(document: &str) -> Vec<(&str, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = document[at..].find("```polder").map(|start| at + start) {
        let fence = document[start..].find('\n').unwrap() + start + 1;
        let end = document[fence..].find("```").unwrap() + fence;
        found.push((&document[start + 3..fence - 1], fence..end));
        at = end + 3;
    }
    found
}

/// The documents for users.
fn shown() -> Vec<PathBuf> {
    let mut documents = files("docs", "md");
    documents.extend(["README.md", "grammar/README.md"].map(|path| root().join(path)));
    documents
}

/// Every program at hand: examples, catalogue, documents, cases.
fn programs() -> Vec<String> {
    let folders = ["examples", "src/model/catalogue", "src/cli/templates", "tests/fmt"];
    let mut all: Vec<String> =
        folders.iter().flat_map(|folder| files(folder, "polder")).map(|path| read(&path)).collect();
    let mut documents = files("src/diag/codes", "md");
    documents.extend(shown());
    for document in documents {
        let text = read(&document);
        all.extend(blocks(&text).into_iter().map(|(_, range)| text[range].to_owned()));
    }
    assert!(all.len() > 180, "only {} programs were found", all.len());
    all
}

#[test]
fn cases() {
    let mut failures = String::new();
    let cases = files("tests/fmt", "polder");
    assert!(cases.len() >= 8, "the cases were not found");
    for case in cases {
        let expected = case.with_extension("formatted");
        let found = format(&read(&case));
        if update() {
            std::fs::write(expected, found).unwrap();
            continue;
        }
        let wanted = read(&expected);
        if found != wanted {
            let diff = similar::TextDiff::from_lines(&wanted, &found);
            failures += &format!("\n== {}\n{}", case.display(), diff.unified_diff().header("expected", "found"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn the_form_is_stable_and_says_the_same() {
    for text in programs() {
        let Some(once) = formatted(&text) else {
            assert!(compiled(&text).is_err(), "{text}");
            continue;
        };
        assert_eq!(format(&once), once, "{text}");
        assert_eq!(compiled(&once), compiled(&text), "{text}\n=>\n{once}");
        assert_well_kept(&once);
    }
}

/// What holds of every formatted text.
fn assert_well_kept(text: &str) {
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    assert!(!text.starts_with('\n') && !text.contains("\n\n\n") && !text.contains(['\r', '\u{feff}']), "{text}");
}

#[test]
fn what_is_shown_is_in_the_form() {
    for folder in ["examples", "src/model/catalogue", "src/cli/templates"] {
        for path in files(folder, "polder") {
            let text = read(&path);
            let formatted = format(&text);
            if text != formatted {
                assert!(update(), "{} is not in the canonical form:\n{formatted}", path.display());
                std::fs::write(&path, formatted).unwrap();
            }
        }
    }
    for path in shown() {
        let document = path.display();
        let text = read(&path);
        let mut formatted = text.clone();
        for (fence, range) in blocks(&text).into_iter().rev() {
            let program = &text[range.clone()];
            if !fence.contains("fails(") && !program.contains("# file: ") {
                formatted.replace_range(range, &format(program));
            }
        }
        if text != formatted {
            let diff = similar::TextDiff::from_lines(&text, &formatted);
            assert!(update(), "{document} shows programs in another form:\n{}", diff.unified_diff());
            std::fs::write(&path, formatted).unwrap();
        }
    }
}

#[test]
fn generated_programs_compile_to_the_same() {
    for seed in 0..300 {
        let text = render(&generate::program(seed));
        let once = format(&text);
        assert_eq!(format(&once), once, "{text}");
        assert_well_kept(&once);
        assert!(once.lines().all(|line| line.chars().count() <= 100 || line.contains('#')), "{once}");
        assert!(once.lines().all(|line| line.trim_end() == line && !line.contains('\t')), "{once}");
        assert_eq!(compiled(&once), compiled(&text), "{text}\n=>\n{once}");
    }
}

/// Other spaces and line ends where they mean nothing.
fn perturbed(text: &str, rng: &mut Rng) -> String {
    let mut out = String::new();
    let spaces = |rng: &mut Rng| " ".repeat(rng.below(4)) + ["", "\t"][rng.below(2)];
    for line in text.lines() {
        let (code, comment) = match line.find('#') {
            Some(at) => line.split_at(at),
            None => (line, ""),
        };
        out += &spaces(rng);
        let mut characters = code.trim().chars().peekable();
        let (mut quoted, mut depth) = (false, 0);
        while let Some(character) = characters.next() {
            quoted ^= character == '"';
            depth += usize::from(!quoted && "({".contains(character));
            depth -= usize::from(!quoted && ")}".contains(character) && depth > 0);
            match character {
                ' ' if !quoted => out += &(" ".to_owned() + &spaces(rng)),
                ',' if !quoted => {
                    out += &(spaces(rng) + ",");
                    // Not at the end of a line, where what follows may be the comment on the item.
                    if characters.peek().is_some() && rng.chance(30) {
                        out += ["\n", "\r\n", "\n\n  "][rng.below(3)];
                    }
                    out += &spaces(rng);
                }
                '(' | '{' if !quoted && characters.peek().is_some() => {
                    out.push(character);
                    if rng.chance(30) && !code.trim_start().starts_with("external") {
                        out += "\n";
                    }
                    out += &spaces(rng);
                }
                _ => out.push(character),
            }
        }
        out += &spaces(rng);
        out += comment;
        out += if rng.chance(20) { "  \t\r\n" } else { "\n" };
        if line.is_empty() && rng.chance(30) {
            out += "\n \n";
        }
    }
    out
}

#[test]
fn other_spaces_and_line_ends_give_the_same_text() {
    let mut rng = Rng::new(7);
    let folders = ["examples", "src/model/catalogue", "src/cli/templates"];
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, "polder")).collect();
    assert!(files.len() > 40);
    for path in files {
        let text = read(&path);
        for _ in 0..20 {
            let other = perturbed(&text, &mut rng);
            assert_eq!(format(&other), format(&text), "{}\n{other}", path.display());
        }
    }
}

#[test]
fn any_text_keeps_what_it_says() {
    // Parts of programs in any order: broken statements, blocks that never end, comments everywhere.
    let parts = [
        "namespace a {",
        "namespace b b {",
        "external namespace c",
        "platform {",
        "environment e {",
        "}",
        "{",
        "(",
        ")",
        "tier t",
        "(x=y",
        ", k in (a",
        "http: 80/tcp",
        ",",
        "# comment",
        "## doc",
        "# polder: allow(W0005)",
        "\n",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "\t",
        "t -> u:80",
        "->",
        "->>",
        "never t ->",
        "only",
        "a -> b:{80,443}/tcp",
        "group g = a,",
        "cidr x = 10.0.0.0/8",
        " except 10.1.0.0/16",
        "\"",
        "$",
        "ä\u{a0}",
        "\u{feff}",
        "\u{1b}",
        "isolate ingress,",
        " for t",
        "use x,",
        "dns cluster,",
        "cni any",
        "ports p = {80",
        "\r",
        "fqdn f = *.x",
        "!",
        "=",
        ":",
        "==",
    ];
    let mut rng = Rng::new(11);
    let mut understood = 0;
    for _ in 0..20_000 {
        let count = rng.below(25);
        let text: String = (0..count).map(|_| *rng.pick(&parts)).collect();
        let once = formatted(&text);
        assert_eq!(once.is_some(), parsed(&text).1.diagnostics.is_empty(), "{text:?}");
        if let Some(once) = once {
            assert_eq!(format(&once), once, "{text:?}");
            understood += 1;
        }
    }
    assert!(understood > 500, "only {understood} texts were formatted");
}

#[test]
fn a_text_in_which_something_is_not_understood_has_no_form() {
    let good = "namespace   shop {\n  tier   web\n}\n";
    assert!(formatted(good).is_some());
    let others = [
        "apiVersion: v1\nkind: NetworkPolicy\nspec:\n  podSelector: {}\n",
        "def f():\n    return 1\n",
        "all: build\n\tcargo build\n",
        "# A heading\n\nText.\n",
        "[build]\noutput = \"policies\"\n",
        "{ \"kind\": \"NetworkPolicy\" }\n",
    ];
    for other in others {
        assert_eq!(formatted(other), None, "{other}");
    }
    let broken = ["web -> $", "tier", "}", "namespace a {", "a\u{200b}", "# \u{1b}", "# \r x", "# \u{feff}"];
    for broken in broken {
        let inside = good.replace("web\n", &format!("web\n  {broken}\n"));
        for text in [format!("{good}{broken}\n"), format!("{broken}\n{good}"), inside] {
            assert_eq!(formatted(&text), None, "{text:?}");
        }
    }
}

#[test]
fn time_is_linear_in_the_length() {
    let n = 100_000;
    let families = [
        ("closing braces on one line", "}".repeat(n)),
        ("opening braces", "namespace x {\n".repeat(n / 14)),
        ("blocks on one line", "namespace x {}".repeat(n / 14)),
        ("comments behind braces", "namespace x { # y\n} # z\n".repeat(n / 25)),
        ("a long chain", format!("a{}", " -> a:80".repeat(n / 8))),
        ("a long list", format!("group g = {}a", "a,".repeat(n / 2))),
        ("many tiers", format!("namespace x {{\n{}}}\n", "tier t{a:1}\n".repeat(n / 12))),
        ("comments in a list", format!("group g = {}a", "a,#\n".repeat(n / 4))),
        ("a broken block", format!("namespace x x {{\n{}", "}\n$\n".repeat(n / 4))),
    ];
    for (name, family) in families {
        let start = Instant::now();
        formatted(&family);
        let took = start.elapsed();
        // Quadratic time would be minutes.
        assert!(took < Duration::from_secs(20), "{name} took {took:?}");
    }
}
