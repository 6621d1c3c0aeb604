//! Everything that the documents show is run: the programs of README.md, of the pages in docs/, of the language's reference
//! and of the pages of the codes, the manifests beside them, the names of all policies in blocks `text,policies`, and the transcripts.
//! `POLDER_UPDATE=1 cargo test --test tests documents::` writes what the compiler gives into the documents.

use polder::diag::{Code, Levels, Severity};
use polder::model::Cni;
use polder::session::{KeptLog, Manifests, Memory, Named, Project, Session, Settings};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block: the words after the fence, the line of the fence from 0, and the text.
struct Block {
    fence: String,
    line: usize,
    text: String,
}

impl Block {
    fn option(&self, key: &str) -> Option<&str> {
        self.fence.split(',').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn is(&self, language: &str) -> bool {
        self.fence.split(',').next() == Some(language)
    }

    fn has(&self, word: &str) -> bool {
        self.fence.split(',').any(|known| known == word)
    }
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in document.lines().enumerate() {
        match (text.strip_prefix("```"), &mut open) {
            (Some(fence), None) => open = Some(Block { fence: fence.to_owned(), line, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => writeln!(block.text, "{text}").unwrap(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is never closed");
    blocks
}

/// The files of an example: the whole text, or several parts, each under a line `# file: NAME`.
fn files(example: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in example.lines() {
        match line.strip_prefix("# file: ") {
            Some(name) => files.push((name.to_owned(), String::new())),
            None if files.is_empty() => files.push(("main.polder".to_owned(), format!("{line}\n"))),
            None => writeln!(files.last_mut().unwrap().1, "{line}").unwrap(),
        }
    }
    files
}

fn is_manifest(name: &str) -> bool {
    name.ends_with(".yaml")
}

fn session(example: &str) -> Session {
    let root = Path::new("/project");
    let mut system = Memory::default().with(root.join("polder.toml"), "");
    for (name, text) in files(example).into_iter().filter(|(name, _)| !is_manifest(name)) {
        system = system.with(root.join(name), text);
    }
    let project = Project::load(&system, root, &[] as &[Named]);
    let target = project.config.target.unwrap_or_default();
    Session::new(project, Settings { target, ..Settings::default() })
}

/// What the compiler says of an example: the code, its severity and the sentence.
fn said(session: &Session) -> Vec<(Code, Severity, String)> {
    reported(session.reports(&Levels::default()))
}

/// The same of an example with manifests in it: they are what runs.
fn said_of(example: &str) -> Vec<(Code, Severity, String)> {
    let session = session(example);
    let mut system = Memory::default();
    let manifests: Vec<(String, String)> = files(example).into_iter().filter(|(name, _)| is_manifest(name)).collect();
    if manifests.is_empty() {
        return [said(&session), said_of_log(example, &session)].concat();
    }
    for (name, text) in &manifests {
        system = system.with(Path::new("/project").join(name), text.as_str());
    }
    let named: Vec<Named> = manifests.into_iter().map(|(name, _)| Named::Path(name.into())).collect();
    let sources = session.sources().clone();
    let running = Manifests::load_beside(sources, &system, Path::new("/project"), &named, "default");
    reported(session.reports_with(&Levels::default(), &running))
}

/// What the log of an example that keeps one gives.
fn said_of_log(example: &str, session: &Session) -> Vec<(Code, Severity, String)> {
    let Some((name, text)) = files(example).into_iter().find(|(name, _)| name.ends_with(".csv")) else {
        return Vec::new();
    };
    let seen = KeptLog::read(&name, text.as_bytes()).unwrap().seen(session).unwrap();
    reported(seen.dropped.into_iter().map(|one| one.diagnostic.into()).collect())
}

fn reported(reports: Vec<polder::diag::Report>) -> Vec<(Code, Severity, String)> {
    reports.into_iter().map(|report| (report.diagnostic.code, report.severity, report.diagnostic.message)).collect()
}

/// The same of an example that is a manifest; its first line may name the CNI. Of notes only those of `code` count.
fn said_of_manifest(example: &str, code: Code) -> Vec<(Code, Severity, String)> {
    let system = Memory::default().with_input(example);
    let manifests = Manifests::load(&system, Path::new("/project"), &[Named::Input], "default");
    let cni = example.strip_prefix("# polder lint --cni ").and_then(|rest| Cni::parse_versioned(rest.lines().next()?));
    let mut levels = Levels::default();
    levels.show_notes();
    let mut said = reported(manifests.lint(cni.unwrap_or_default(), &levels));
    said.retain(|(found, severity, _)| *severity != Severity::Note || *found == code);
    // Rules of an unlisted type are a finding as well.
    assert!(manifests.remarks.is_empty() || said.iter().any(|(code, ..)| *code == Code::W0206), "{example}");
    said
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn update() -> bool {
    std::env::var_os("POLDER_UPDATE").is_some()
}

#[test]
fn pages_of_codes_fail_and_mend() {
    let mut checked = 0;
    for code in Code::ALL {
        for block in blocks(code.page()) {
            let said = if block.is("polder") {
                said_of(&block.text)
            } else if block.is("yaml") && !block.has("fragment") {
                said_of_manifest(&block.text, *code)
            } else {
                continue;
            };
            checked += 1;
            if block.has(&format!("fails({code})")) {
                let only = !said.is_empty() && said.iter().all(|(found, ..)| found == code);
                assert!(only, "the failing example of {code} gives {said:#?}\n{}", block.text);
            } else {
                assert!(said.is_empty(), "the mended example of {code} gives {said:#?}\n{}", block.text);
            }
        }
    }
    assert!(checked > 80, "only {checked} examples were found");
}

/// Checks the programs of a document and gives it with the manifests that they really become.
fn check_document(path: &str) -> (String, String) {
    let document = std::fs::read_to_string(root().join(path)).unwrap();
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    let mut replacements: Vec<(usize, usize, String)> = Vec::new();
    let mut last: Option<(usize, Session)> = None;
    for block in blocks(&document) {
        let place = format!("{path}:{}", block.line + 1);
        if block.is("polder") && !block.has("fragment") {
            let session = session(&block.text);
            let said = said(&session);
            let errors: Vec<_> = said.iter().filter(|(_, severity, _)| *severity == Severity::Error).collect();
            if let Some(code) = block.fence.split("fails(").nth(1).and_then(|rest| rest.split(')').next()) {
                assert!(said.iter().any(|(found, ..)| found.as_str() == code), "{place}: {said:#?}");
            } else {
                assert!(errors.is_empty(), "{place}: {errors:#?}\n{}", block.text);
            }
            last = Some((block.line, session));
        }
        if let Some(name) = block.option("policy") {
            let (_, session) = last.as_ref().unwrap_or_else(|| panic!("{place}: no program above"));
            let policies = session.policies().unwrap_or_else(|| panic!("{place}: the program above has errors"));
            let policy =
                policies.policies.iter().find(|policy| format!("{}/{}", policy.namespace, policy.name) == name);
            let known: Vec<_> =
                policies.policies.iter().map(|policy| format!("{}/{}", policy.namespace, policy.name)).collect();
            let policy = policy.unwrap_or_else(|| panic!("{place}: no policy {name} among {known:#?}"));
            let mut text = String::new();
            polder::k8s::manifest(policy, &mut text);
            replacements.push((block.line + 1, block.text.lines().count(), text));
        }
        if block.is("text") && block.has("policies") {
            let (_, session) = last.as_ref().unwrap_or_else(|| panic!("{place}: no program above"));
            let policies = session.policies().unwrap_or_else(|| panic!("{place}: the program above has errors"));
            let mut text = String::new();
            for policy in &policies.policies {
                writeln!(text, "{}/{}", policy.namespace, policy.name).unwrap();
            }
            replacements.push((block.line + 1, block.text.lines().count(), text));
        }
    }
    for (start, count, text) in replacements.into_iter().rev() {
        lines.splice(start..start + count, text.lines().map(str::to_owned));
    }
    (document, lines.join("\n") + "\n")
}

fn compare(path: &str, document: &str, expected: &str) {
    if document == expected {
        return;
    }
    if update() {
        std::fs::write(root().join(path), expected).unwrap();
        return;
    }
    let diff =
        similar::TextDiff::from_lines(document, expected).unified_diff().header(path, "the compiler").to_string();
    panic!("{path} shows something else than the compiler gives; POLDER_UPDATE=1 writes it\n{diff}");
}

#[test]
fn the_reference_shows_what_the_compiler_gives() {
    let (document, expected) = check_document("grammar/README.md");
    assert!(blocks(&document).iter().filter(|block| block.option("policy").is_some()).count() > 20);
    compare("grammar/README.md", &document, &expected);
}

#[test]
fn every_finding_of_an_import_has_a_section_that_says_what_to_do() {
    let (document, expected) = check_document("docs/imported.md");
    compare("docs/imported.md", &document, &expected);
    let sections: Vec<&str> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let words: Vec<&str> = polder::import::Kind::ALL.iter().map(|kind| kind.word()).collect();
    assert_eq!(sections, words);
}

#[test]
fn the_readme_shows_what_the_compiler_gives() {
    assert!(shows_what_it_gives("README.md"), "no transcript was run");
}

/// The pages for users, by their paths in the repository.
fn pages() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("docs")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".md"));
    names.sort();
    names.into_iter().map(|name| format!("docs/{name}")).collect()
}

#[test]
fn the_pages_show_what_the_compiler_gives() {
    let run = pages().iter().filter(|page| shows_what_it_gives(page)).count();
    assert!(run >= 6, "transcripts of only {run} pages were run");
}

#[test]
fn every_page_has_its_place_on_the_site() {
    let summary = std::fs::read_to_string(root().join("dist/site/summary.md")).unwrap();
    let missing: Vec<String> = pages().into_iter().filter(|page| !summary.contains(&format!("]({page})"))).collect();
    assert!(missing.is_empty(), "dist/site/summary.md has no line for {missing:?}");
}

/// Holds a document against the compiler; whether it shows transcripts.
fn shows_what_it_gives(path: &str) -> bool {
    let (document, with_manifests) = check_document(path);
    let transcripts = blocks(&document).iter().any(|block| block.is("console") && block.has("generated"));
    let expected = if transcripts { run_transcripts(&with_manifests) } else { with_manifests };
    compare(path, &document, &expected);
    transcripts
}

/// The texts that lead from one document to another.
fn documents() -> Vec<String> {
    let mut all = pages();
    let others = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "grammar/README.md", "src/ARCHITECTURE.md"];
    all.extend(others.map(str::to_owned));
    for folder in ["examples", "editors", "dist"] {
        let folders = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let names = folders.map(|name| format!("{folder}/{}/README.md", name.to_str().unwrap()));
        all.extend(names.filter(|name| root().join(name).is_file()));
    }
    all
}

/// The places that a document leads to, without those in blocks of code.
fn links(document: &str) -> Vec<String> {
    let mut text = String::new();
    let mut is_code = false;
    for line in document.lines() {
        is_code ^= line.starts_with("```");
        if !is_code && !line.starts_with("```") {
            writeln!(text, "{line}").unwrap();
        }
    }
    let text: String = text.split('`').step_by(2).collect();
    let places = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    places.map(str::to_owned).collect()
}

/// What a heading is called in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let mut looked_at = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let text = std::fs::read_to_string(root().join(&document)).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            looked_at += 1;
            let (path, place) = link.split_once('#').map_or((link.as_str(), None), |(path, place)| (path, Some(place)));
            let target = match path {
                "" => root().join(&document),
                path => root().join(&document).parent().unwrap().join(path),
            };
            if !target.exists() {
                wrong.push(format!("{document}: {link}"));
                continue;
            }
            let Some(place) = place else { continue };
            let target = std::fs::read_to_string(target).unwrap_or_default();
            let headings = target.lines().filter(|line| line.starts_with('#'));
            if !headings.map(|line| anchor(line.trim_start_matches('#'))).any(|found| found == place) {
                wrong.push(format!("{document}: {link}: there is no such heading"));
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} links were found");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Runs the tour of a document in one folder: blocks `polder,file=NAME` are saved there, comments `<!-- run: COMMAND -->`
/// are run unseen, and blocks `console,generated` get what their commands print.
fn run_transcripts(document: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
    let mut steps: Vec<(usize, Block)> = blocks(document).into_iter().map(|block| (block.line, block)).collect();
    for (line, text) in document.lines().enumerate() {
        if let Some(command) = text.strip_prefix("<!-- run: ").and_then(|rest| rest.strip_suffix(" -->")) {
            steps.push((line, Block { fence: "run".to_owned(), line, text: command.to_owned() }));
        }
    }
    steps.sort_by_key(|(line, _)| *line);
    let mut replacements = Vec::new();
    for (_, block) in steps {
        if block.is("run") {
            shell(folder.path(), &block.text);
        } else if let Some(name) = block.option("file") {
            std::fs::write(folder.path().join(name), &block.text).unwrap();
        } else if block.is("console") && block.has("generated") {
            let mut shown = String::new();
            for command in block.text.lines().filter_map(|line| line.strip_prefix("$ ")) {
                writeln!(shown, "$ {command}\n{}", shell(folder.path(), command).trim_end()).unwrap();
            }
            replacements.push((block.line + 1, block.text.lines().count(), shown));
        }
    }
    assert!(!replacements.is_empty(), "no transcript was run");
    for (start, count, text) in replacements.into_iter().rev() {
        lines.splice(start..start + count, text.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}

/// What a command prints, both streams in the order in which they come.
fn shell(folder: &Path, command: &str) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_polder")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("POLDER_EXAMPLES", root().join("examples"))
        .env("COLUMNS", "100")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("FORCE_COLOR")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // A hook that runs the tests has these set, to the repository that it is called for.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The files and folders that a text names in backquotes, by their first folder.
fn named_files(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_file = |word: &&str| {
        ["src/", "tests/", "editors/", "grammar/", "examples/", "docs/", "dist/", ".ci/"]
            .iter()
            .any(|folder| word.starts_with(folder))
            && !word.contains("NAME")
    };
    quoted.filter(is_file).collect()
}

#[test]
fn what_contributors_are_told_to_look_at_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = 0;
    for document in ["CONTRIBUTING.md", "src/ARCHITECTURE.md", "tests/README.md"] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for file in named_files(&text) {
            named += 1;
            assert!(root.join(file).exists(), "{document} names `{file}`, which is not there");
        }
    }
    assert!(named > 50, "only {named} files were found");
    assert_eq!(named_files("see `src/nowhere.rs` and `other`, `tests/x/NAME`"), ["src/nowhere.rs"]);
}
