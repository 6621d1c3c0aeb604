//! Each file of `lint/correct/` is a set of policies without a mistake: nothing is found in it but notes. Each file of
//! `lint/planted/` has one or more: a comment `# expect: W0203` at the end of a line says that this is found there, and nothing
//! else is. Each file of `lint/cases/` is linted with notes, and what is found is a snapshot beside it. In the file, a comment `# W0203` at
//! the end of a line says that this is found there: all of it, and nothing else. A first line `# cni: NAME` or
//! `# cni: NAME@VERSION` names the CNI, and `# complete` says that this is all that runs.

use polder::diag::{Code, Levels, Report, render};
use polder::model::Cni;
use polder::session::{Manifests, Memory, Named, Project, Session, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn lint(text: &str) -> (Manifests, Vec<Report>) {
    let mut levels = Levels::default();
    levels.show_notes();
    lint_at(&levels, text)
}

fn lint_at(levels: &Levels, text: &str) -> (Manifests, Vec<Report>) {
    let system = Memory::default().with_input(text);
    let mut manifests = Manifests::load(&system, Path::new("/project"), &[Named::Input], "default");
    if text.starts_with("# complete\n") {
        manifests = manifests.as_a_whole();
    }
    let cni = text.strip_prefix("# cni: ").map(|rest| Cni::parse_versioned(rest.lines().next().unwrap()).unwrap());
    let reports = manifests.lint(cni.unwrap_or_default(), levels);
    (manifests, reports)
}

/// The codes at the end of each line, by line from 1.
fn expected(text: &str) -> BTreeMap<usize, Vec<String>> {
    let codes = |line: &str| -> Option<Vec<String>> {
        let (_, comment) = line.rsplit_once(" # ")?;
        let words: Vec<String> = comment.split(' ').map(str::to_owned).collect();
        words.iter().all(|word| Code::parse(word).is_some()).then_some(words)
    };
    (1..).zip(text.lines()).filter_map(|(number, line)| Some((number, codes(line)?))).collect()
}

#[test]
fn cases() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("lint/cases");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut seen: BTreeSet<String> = BTreeSet::new();
    settings.bind(|| {
        insta::glob!("lint/cases/*.yaml", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let (manifests, reports) = lint(&text);
            let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
            for report in &reports {
                let span = report.diagnostic.primary().unwrap();
                let line = manifests.sources.file(span.file).unwrap().position(span.start).line;
                found.entry(line).or_default().push(report.diagnostic.code.as_str().to_owned());
                seen.insert(report.diagnostic.code.as_str().to_owned());
            }
            let how = render::Human { unicode: true, color: false, width: 110, limit: 100 };
            let shown = render::human(&reports, &manifests.sources, &how);
            assert_eq!(found, expected(&text), "{}\n{shown}", path.display());
            insta::assert_snapshot!("lint", shown);
        });
    });
    // No file of a size to be read takes too many steps: see the test below.
    seen.insert("W0243".to_owned());
    let all: BTreeSet<String> =
        Code::ALL.iter().map(|code| code.as_str().to_owned()).filter(|code| code.starts_with("W02")).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a case");
}

/// Policies that are about all pods together, which is as hard to see as that more pigeons than holes have to share one: each
/// pigeon has a label for each hole; a pod has none of those of a pigeon, or those of two pigeons for one hole.
#[test]
fn what_takes_too_many_steps_is_told() {
    const HOLES: usize = 7;
    let mut subjects = Vec::new();
    for pigeon in 0..=HOLES {
        let none: Vec<String> =
            (0..HOLES).map(|hole| format!("{{key: p{pigeon}-{hole}, operator: DoesNotExist}}")).collect();
        subjects.push(format!("{{matchExpressions: [{}]}}", none.join(", ")));
        for (other, hole) in (0..pigeon).flat_map(|other| (0..HOLES).map(move |hole| (other, hole))) {
            let both = [pigeon, other].map(|one| format!("{{key: p{one}-{hole}, operator: Exists}}"));
            subjects.push(format!("{{matchExpressions: [{}]}}", both.join(", ")));
        }
    }
    // The last one is looked at first.
    subjects.push("{}".to_owned());
    let policies = subjects.iter().enumerate().map(|(at, subject)| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at:03}, namespace: shop}}\nspec:\n  \
             podSelector: {subject}\n  policyTypes: [Ingress]\n  ingress: [{{ports: [{{port: 80}}], from: [{{podSelector: {{}}}}]}}]\n"
        )
    });
    let (_, reports) = lint(&policies.collect::<Vec<_>>().join("---\n"));
    let told: Vec<&str> = reports
        .iter()
        .filter(|report| report.diagnostic.code == Code::W0243)
        .map(|report| &*report.diagnostic.message)
        .collect();
    let sentence = "comparing the rules of each namespace with each other takes too many steps and was given up: a rule that others \
                    make needless may not be told here";
    assert_eq!(told, [sentence]);
}

/// What is found in a text by line, without notes, and what is shown of it.
fn found_by_line(text: &str) -> (BTreeMap<usize, Vec<String>>, String) {
    let (manifests, reports) = lint_at(&Levels::default(), text);
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for report in &reports {
        let span = report.diagnostic.primary();
        let line = span.map_or(0, |span| manifests.sources.file(span.file).unwrap().position(span.start).line);
        found.entry(line).or_default().push(report.diagnostic.code.as_str().to_owned());
    }
    (found, render::short(&reports, &manifests.sources))
}

#[test]
fn correct_policies_have_no_mistake() {
    let files = yaml_files(&root().join("tests/lint/correct"));
    let mut wrong = String::new();
    for path in &files {
        let (found, shown) = found_by_line(&std::fs::read_to_string(path).unwrap());
        if !found.is_empty() {
            wrong += &format!("{}\n{shown}", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(files.len() >= 30, "only {} sets were found", files.len());
}

#[test]
fn planted_mistakes_are_found_where_they_are() {
    let expected = |text: &str| {
        let codes = |line: &str| Some(line.split_once("# expect: ")?.1.split(' ').map(str::to_owned).collect());
        let lines = (1..).zip(text.lines());
        lines.filter_map(|(number, line)| Some((number, codes(line)?))).collect::<BTreeMap<usize, Vec<String>>>()
    };
    let files = yaml_files(&root().join("tests/lint/planted"));
    let (mut wrong, mut planted) = (String::new(), 0);
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let (found, shown) = found_by_line(&text);
        let expected = expected(&text);
        assert!(!expected.is_empty(), "{} has no mistake", path.display());
        planted += expected.values().map(Vec::len).sum::<usize>();
        if found != expected {
            wrong += &format!("{} has {expected:?}\n{shown}", path.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(planted >= 80, "only {planted} mistakes were planted");
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What is found in some files together: each code, and how often.
fn codes(files: &[PathBuf]) -> BTreeMap<String, usize> {
    let texts: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let (_, reports) = lint(&texts.join("---\n"));
    let mut codes = BTreeMap::new();
    for report in reports {
        *codes.entry(report.diagnostic.code.as_str().to_owned()).or_default() += 1;
    }
    codes
}

/// Policies that Polder wrote have no mistake but what their program asks for by name.
#[test]
fn what_polder_writes_is_free_of_mistakes() {
    let on_purpose: BTreeMap<&str, &[(&str, usize)]> = BTreeMap::from([
        // `anywhere -> web`.
        ("recipe-02a-allow-all-traffic-to-an-application", [("W0207", 1), ("W0231", 1)].as_slice()),
        ("recipe-08-allow-external-traffic", &[("W0207", 1), ("W0231", 1)]),
        // `cluster -> web`.
        ("recipe-05-allow-traffic-from-all-namespaces", &[("W0215", 1)]),
        // `dns any`.
        ("three-tier", &[("W0224", 1)]),
        ("tutorial-allow-dns-egress", &[("W0224", 1)]),
    ]);
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        checked += 1;
        let name = folder.file_name().unwrap().to_str().unwrap();
        let wanted = on_purpose.get(name).copied().unwrap_or_default();
        let wanted: BTreeMap<String, usize> = wanted.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
        assert_eq!(codes(&yaml_files(&folder.join("policies"))), wanted, "{name}");
    }
    assert!(checked > 20, "only {checked} examples were found");
}

/// Of well-known examples that others wrote, only what they leave out, and what they open on purpose.
#[test]
fn good_policies_of_others_are_free_of_mistakes() {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    for file in yaml_files(&root().join("tests/corpus")) {
        for (code, count) in codes(std::slice::from_ref(&file)) {
            *all.entry(code).or_default() += count;
        }
    }
    let wanted = [("W0204", 11), ("W0205", 1), ("W0207", 2), ("W0215", 1), ("W0224", 2)];
    assert_eq!(all, wanted.into_iter().map(|(code, count)| (code.to_owned(), count)).collect());
}

/// What Polder writes of a program, and what lint finds in it.
fn written(program: &str) -> (String, Vec<String>) {
    let system = Memory::default().with("/p/a.polder", program);
    let project = Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]);
    let session = Session::new(project, Settings::default());
    let text: String = session.output().unwrap().stream().collect();
    let (_, reports) = lint(&text);
    (text, reports.iter().map(|report| report.diagnostic.code.as_str().to_owned()).collect())
}

/// The blocks of one rule are written without those that others open again, and namespaces that lack something have a
/// name.
#[test]
fn what_programs_ask_for_in_odd_ways_is_written_without_a_mistake() {
    let blocks = "cidr most = 203.0.113.0/24 except 203.0.113.0/28\ncidr some = 203.0.113.0/27\ngroup clients = most, some\n\
                  namespace shop {\n  tier web\n}\nclients -> shop/web:80/tcp\n";
    let (text, found) = written(blocks);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(text.matches("cidr: \"203.").count(), 1, "{text}");
    assert!(text.contains("cidr: \"203.0.113.0/24\"") && !text.contains("except"), "{text}");
    for (selector, name) in [("!a", true), ("a!=b", true), ("a notin (b, c), !d", true), ("!a, d", false), ("d", false)]
    {
        let program = format!(
            "external namespace others ({selector}) {{\n  tier web\n}}\nnamespace shop {{\n  tier api\n  \
             others/web -> api:80\n}}\n"
        );
        let (text, found) = written(&program);
        // Those without the label are meant, as `!=` says.
        assert!(found.iter().all(|code| code == "W0227"), "{selector}: {found:?}");
        let key = "- key: \"kubernetes.io/metadata.name\"";
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let exists = lines.windows(2).any(|pair| pair == [key, "operator: Exists"]);
        assert_eq!(exists, name, "{selector}\n{text}");
    }
    // Every namespace has its name anyway.
    let (text, _) = written(
        "external namespace others (kubernetes.io/metadata.name)\nnamespace shop {\n  tier api\n  others/* -> api:80\n}\n",
    );
    assert!(text.contains("namespaceSelector: {}\n"), "{text}");
}
