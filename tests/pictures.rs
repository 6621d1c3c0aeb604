//! Pictures: that they show every line of `reach` and no other, over generated programs, and that those of the documents are
//! what the command draws. `POLDER_UPDATE=1 cargo test --test tests pictures::` draws them again.

use crate::oracle::{generate, render};
use polder::ask::{Detail, Names, Summary};
use polder::cover::Budget;
use polder::graph::{
    Focus, Matrix, MatrixSides, MatrixSources, Picture, csv, dot, folded, html, matrix_page, mermaid, picture, svg,
};
use polder::session::{Asking, Memory, Named, Question, Subject, SummaryScope};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// How many random programs are drawn unless `POLDER_CASES` says another number.
const CASES: u64 = 60;

fn subject(program: &str) -> Subject {
    let memory = Memory::default().with("/p/main.polder", program);
    let question = Question { program: vec![Named::Path("main.polder".into())], ..Question::default() };
    Subject::load(&memory, Path::new("/p"), &question)
}

/// What a program allows.
fn summary(program: &str) -> Option<Summary> {
    let subject = subject(program);
    summary_of(&subject, Detail::Lines)
}

fn summary_of(subject: &Subject, detail: Detail) -> Option<Summary> {
    let scope = SummaryScope { detail, without_doubtful_blocks: true };
    subject.summary(&Asking::default(), scope, &mut Budget::of_question()).ok()
}

fn whole(summary: &Summary) -> Picture {
    picture(summary, &Focus { namespaces: &[], dns: None, lonely: true }).unwrap()
}

#[test]
fn a_picture_shows_every_line_of_reach_and_no_other() {
    let cases = std::env::var("POLDER_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let mut edges = 0;
    for seed in 0..cases {
        let program = render::render(&generate::program(seed));
        let Some(summary) = summary(&program) else { continue };
        let names = Names::new(&summary.reach.groups);
        let mut lines: BTreeMap<[String; 2], usize> = BTreeMap::new();
        for cell in summary.reach.lines() {
            let (source, destination) = summary.reach.rows_of(cell).unwrap();
            *lines.entry([source, destination].map(|row| names.of(row, None))).or_default() += 1;
        }
        let picture = whole(&summary);
        let mut drawn: BTreeMap<[String; 2], usize> = BTreeMap::new();
        for edge in &picture.edges {
            *drawn.entry([edge.from, edge.to].map(|spot| picture.name_of(spot))).or_default() += 1;
        }
        assert_eq!(lines, drawn, "seed {seed}\n{program}");
        let text = svg(&picture);
        assert_eq!(text.matches("<g class=\"edge").count() - legends(&text), picture.edges.len(), "seed {seed}");
        assert_eq!(text, svg(&whole(&summary)), "seed {seed}");
        assert_eq!(
            dot(&picture).matches(" -> ").count() - arrows_in_tooltips(&picture),
            picture.edges.len(),
            "seed {seed}"
        );
        assert!(mermaid(&picture).len() < 50_000, "seed {seed}");
        assert_eq!(html(&picture, "").matches("<tr data-edge=").count(), picture.edges.len(), "seed {seed}");
        edges += picture.edges.len();
    }
    assert!(edges > 200, "only {edges} edges were drawn");
}

/// The edges below a picture, which explain those in it: they have no title.
fn legends(text: &str) -> usize {
    text.matches("<g class=\"edge").count() - text.matches("\" id=\"e").count()
}

/// Each tooltip tells its edge as a line.
fn arrows_in_tooltips(picture: &Picture) -> usize {
    picture.edges.iter().map(|edge| picture.line(edge).matches(" -> ").count()).sum()
}

#[test]
fn a_page_has_every_cell_of_the_matrix_and_each_leads_to_a_line() {
    let cases = std::env::var("POLDER_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let (mut cells, mut links) = (0, 0);
    for seed in 0..cases {
        let program = render::render(&generate::program(seed));
        let subject = subject(&program);
        let Some((lines, table)) = summary_of(&subject, Detail::Lines).zip(summary_of(&subject, Detail::Marks)) else {
            continue;
        };
        let matrix = Matrix::exact(&table, MatrixSides::Everybody);
        if matrix.ends.len() > 48 {
            continue;
        }
        let sources = MatrixSources { lines: &lines, table: Some(&table), sides: MatrixSides::Everybody };
        let page = matrix_page(sources, "title", &[]);
        let told = page.matches("<a class=m-").count() + page.matches("<b class=m-").count();
        assert_eq!(told, matrix.cells.len(), "seed {seed}\n{program}");
        for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("<tr id=\"{link}\">")), "seed {seed}: {link}");
            links += 1;
        }
        let sheet = csv(&matrix);
        let filled = matrix.cells.values().filter(|cell| !cell.ports.is_empty()).count();
        assert_eq!((sheet.matches("\r\n").count(), filled), (matrix.ends.len() + 1, matrix.cells.len()), "seed {seed}");
        cells += told;
    }
    assert!(cells > 2_000 && links > 1_000, "only {cells} cells and {links} links");
}

#[test]
fn a_folded_matrix_says_something_wherever_the_whole_one_does() {
    for seed in 0..20 {
        let program = render::render(&generate::program(seed));
        let Some(table) = summary_of(&subject(&program), Detail::Marks) else { continue };
        let whole = Matrix::exact(&table, MatrixSides::Used);
        let folded = whole.folded();
        let name = |matrix: &Matrix, end: usize| {
            let end = &matrix.ends[end];
            let home = end.home.as_ref().map(|home| format!("{home}/*"));
            let is_there = |name: &String| folded.ends.iter().any(|other| other.full == *name);
            home.filter(is_there).unwrap_or_else(|| end.full.clone())
        };
        let pairs = |matrix: &Matrix| -> BTreeSet<[String; 2]> {
            matrix.cells.keys().map(|(from, to)| [name(matrix, *from), name(matrix, *to)]).collect()
        };
        assert_eq!(pairs(&whole), pairs(&folded), "seed {seed}\n{program}");
    }
}

#[test]
fn hundreds_of_namespaces_are_folded_and_drawn_in_time() {
    let mut program = String::new();
    for place in 0..300 {
        program.push_str(&format!("namespace n{place} {{\n  tier web\n  tier db\n  web -> db:5432\n"));
        for other in [place * 7 % 40, place * 13 % 300].into_iter().filter(|other| *other != place) {
            program.push_str(&format!("  web -> n{other}/web:8080\n"));
        }
        program.push_str("}\n");
    }
    let start = std::time::Instant::now();
    let picture = folded(whole(&summary(&program).unwrap()), &[]);
    assert!(picture.notes.iter().any(|note| note.contains("folded to namespaces")), "{:?}", picture.notes);
    let text = svg(&picture);
    assert_eq!(text.matches("\" id=\"f").count(), picture.frames.len());
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn graphviz_reads_what_is_written_for_it() {
    let Ok(version) = Command::new("dot").arg("-V").output() else {
        println!("no dot: what Graphviz reads is left out");
        return;
    };
    assert!(version.status.success());
    for seed in 0..12 {
        let Some(summary) = summary(&render::render(&generate::program(seed))) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("graph.dot");
        std::fs::write(&path, dot(&whole(&summary))).unwrap();
        let output = Command::new("dot").arg("-Tcanon").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "seed {seed}: {said}");
    }
}

/// The pictures of the documents, each with the command that draws it.
const PICTURES: [(&str, &[&str]); 6] = [
    ("three-tier.svg", &["graph", "-p", "examples/three-tier"]),
    ("shop.svg", &["graph", "-p", "examples/shop"]),
    ("payments.svg", &["graph", "-p", "examples/shop", "-n", "payments"]),
    ("blast.svg", &["blast", "-p", "examples/shop", "storefront/web", "--format", "svg"]),
    ("internet.svg", &["graph", "-p", "examples/shop", "--to", "internet"]),
    (
        "review.svg",
        &[
            "diff",
            "tests/cli/graph-diff/old.polder",
            "tests/cli/graph-diff/new.polder",
            "--format",
            "svg",
            "--fail-on",
            "none",
        ],
    ),
];

#[test]
fn the_pictures_of_the_documents_are_what_the_command_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, words) in PICTURES {
        let output = Command::new(env!("CARGO_BIN_EXE_polder")).args(words).current_dir(root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let path = root.join("docs/pictures").join(name);
        if std::env::var_os("POLDER_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &output.stdout).unwrap();
        }
        let known = std::fs::read(&path).unwrap_or_default();
        assert!(known == output.stdout, "docs/pictures/{name} is not what `polder {}` draws", words.join(" "));
    }
}
