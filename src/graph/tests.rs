#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::diag::render::is_hidden;
use crate::table::Table;

/// What could be markup, or the end of something, somewhere.
const TRICKS: [&str; 16] = [
    "<script>alert(1)</script>",
    "</title></svg><b>",
    "\"><img src=x>",
    "']]><!-- x -->",
    "javascript:alert(1)",
    "`x` ${y} {{z}}",
    "a|b||c",
    "one\ntwo\r\nthree",
    "\u{1b}[31m\u{7}\u{0}red",
    "\u{202e}txt.exe\u{2066}",
    "=1+1",
    "#quot; &amp; &#60;",
    "%%{init: {}}%%",
    "x]; end; y[",
    "\\N\\G\\\" -> \"",
    "*_~**bold**",
];

/// A picture with a name everywhere that a name can be.
fn named(name: &str) -> Picture {
    let frame = GraphFrame { name: name.to_owned(), closure: Some(Closure::Closed), folded: None };
    let node =
        |frame, kind| GraphNode { frame, kind, name: name.to_owned(), beside: name.to_owned(), full: name.to_owned() };
    let edge = |from, to| GraphEdge {
        from,
        to,
        label: name.to_owned(),
        detail: name.to_owned(),
        certainty: Certainty::All,
        change: None,
    };
    let nodes = vec![
        node(Some(0), GraphNodeKind::Pods),
        node(Some(0), GraphNodeKind::Pods),
        node(None, GraphNodeKind::Internet),
    ];
    let edges = vec![edge(EdgeEnd::Node(0), EdgeEnd::Node(1)), edge(EdgeEnd::Node(2), EdgeEnd::Frame(0))];
    Picture {
        verdict: Some(name.to_owned()),
        frames: Table::from(vec![frame]),
        nodes: nodes.into(),
        edges: edges.into(),
        notes: vec![name.to_owned()],
    }
}

/// How often each character occurs that means something in a language.
fn marks(text: &str, marks: &str) -> Vec<usize> {
    marks.chars().map(|mark| text.matches(mark).count()).collect()
}

#[test]
fn no_name_is_markup_or_ends_something() {
    let plain = named("plain");
    for trick in TRICKS {
        let picture = named(trick);
        let drawn = svg(&picture);
        assert_eq!(marks(&drawn, "<>\"'`"), marks(&svg(&plain), "<>\"'`"), "{trick:?}\n{drawn}");
        let chart = mermaid(&picture);
        assert_eq!(
            marks(&chart, "\"|[]{}<`\n\\$*_%"),
            marks(&mermaid(&plain), "\"|[]{}<`\n\\$*_%"),
            "{trick:?}\n{chart}"
        );
        let graph = dot(&picture);
        let bare = |text: &str| text.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(marks(&bare(&graph), "\"\n"), marks(&bare(&dot(&plain)), "\"\n"), "{trick:?}\n{graph}");
        let page = html(&picture, "title");
        assert_eq!(marks(&page, "<>`"), marks(&html(&plain, "title"), "<>`"), "{trick:?}\n{page}");
        let data = page.split("id=\"data\">").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["nodes"][0]["name"], trick);
        for text in [&drawn, &chart, &graph, &page] {
            let hidden = text.chars().find(|character| *character != '\n' && is_hidden(*character));
            assert_eq!(hidden, None, "{trick:?}");
        }
    }
}

/// A matrix whose ends and ports are called so.
fn matrix_named(name: &str) -> Matrix {
    let end = |full: &str| MatrixEnd {
        home: Some(name.to_owned()),
        short: full.to_owned(),
        full: full.to_owned(),
        closure: Closure::Closed,
        is_addresses: false,
        is_folded: false,
    };
    let ends = Table::from(vec![end(name), end("other")]);
    let cell = MatrixCell { mark: CellMark::Ports, ports: name.to_owned(), lines: Vec::new() };
    Matrix { ends, sources: vec![0, 1], destinations: vec![0, 1], cells: [((0, 1), cell)].into() }
}

/// The fields of a line of CSV, as RFC 4180 has them.
fn fields(line: &str) -> Vec<String> {
    let (mut all, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut field)),
            plain => field.push(plain),
        }
    }
    all.push(field);
    all
}

#[test]
fn no_name_is_computed_by_a_spreadsheet_or_leaves_its_field() {
    let more = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\u{ff1d}1",
        "a,b",
        "a\"b",
        "a;b",
        "'x",
        "a\r\nb",
        "=cmd|' /C calc'!A0",
    ];
    for trick in TRICKS.into_iter().chain(more) {
        let sheet = csv(&matrix_named(trick));
        let lines: Vec<&str> = sheet.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 3, "{trick:?}\n{sheet}");
        for line in &lines {
            let all = fields(line);
            assert_eq!(all.len(), 3, "{trick:?}\n{sheet}");
            let computes = |field: &String| field.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}']);
            assert!(!all.iter().any(computes), "{trick:?}\n{sheet}");
            assert!(!line.chars().any(is_hidden), "{trick:?}\n{sheet}");
        }
    }
    assert_eq!(fields(csv(&matrix_named("a,\"b\"")).split("\r\n").nth(1).unwrap()), ["a,\"b\"", "", "a,\"b\""]);
}

#[test]
fn no_name_in_a_matrix_is_markup() {
    let plain = matrix::html::table_of(&matrix_named("plain"));
    for trick in TRICKS {
        let drawn = matrix::html::table_of(&matrix_named(trick));
        assert_eq!(marks(&drawn, "<>\"'`"), marks(&plain, "<>\"'`"), "{trick:?}\n{drawn}");
        assert!(!drawn.chars().any(|letter| letter != '\n' && is_hidden(letter)), "{trick:?}");
    }
}

#[test]
fn names_are_told_as_they_are() {
    assert!(svg(&named("a<b")).contains("<title>a&lt;b"));
    assert!(mermaid(&named("a\"b")).contains("a#34;b"));
    assert!(dot(&named("a\"b")).contains("\"a\\\"b"));
}

/// A picture of so many namespaces, each with a tier that calls the next one.
fn chain(count: usize) -> Picture {
    let mut picture = Picture::default();
    for place in 0..count {
        let name = format!("namespace-{place}");
        let frame =
            picture.frames.push(GraphFrame { name: name.clone(), closure: Some(Closure::Closed), folded: None });
        for tier in ["web", "db"] {
            picture.nodes.push(GraphNode {
                frame: Some(frame),
                kind: GraphNodeKind::Pods,
                name: tier.to_owned(),
                beside: String::new(),
                full: format!("{name}/{tier}"),
            });
        }
        let mut call = |from: usize, to: usize, label: &str| {
            let (label, detail) = (label.to_owned(), label.to_owned());
            let (from, to) = (EdgeEnd::Node(from), EdgeEnd::Node(to));
            picture.edges.push(GraphEdge { from, to, label, detail, certainty: Certainty::All, change: None });
        };
        call(2 * place, 2 * place + 1, "5432/tcp");
        if place > 0 {
            call(2 * place - 2, 2 * place, "8080/tcp");
            call(2 * place - 2, 2 * place + 1, "9090/tcp");
        }
    }
    picture
}

#[test]
fn what_holds_too_much_is_folded_but_for_what_is_opened() {
    let small = folded(chain(5), &[]);
    assert!(small.frames.iter().all(|frame| frame.folded.is_none()) && small.notes.is_empty());
    let picture = folded(chain(20), &["namespace-3".to_owned()]);
    let shut: Vec<&str> =
        picture.frames.iter().filter(|frame| frame.folded.is_none()).map(|frame| frame.name.as_str()).collect();
    assert_eq!((shut, picture.nodes.len()), (vec!["namespace-3"], 2));
    assert!(picture.notes[0].contains("40 nodes and 58 edges"), "{:?}", picture.notes);
    // What was two edges is one, that tells both.
    let joined = picture.edges.iter().find(|edge| edge.detail.contains('\n')).unwrap();
    assert_eq!(joined.label, "8080/tcp, 9090/tcp");
    let inside = picture.frames.iter().filter_map(|frame| frame.folded);
    assert!(inside.into_iter().all(|folded| folded == Folded { nodes: 2, edges: 1 }));
}

#[test]
fn a_chart_stays_within_what_a_page_takes() {
    for picture in [chain(120), folded(chain(1500), &[])] {
        let chart = mermaid(&picture);
        assert!(chart.len() < 50_000, "{}", chart.len());
        assert_eq!(chart.matches(" -->").count(), 60);
        assert!(chart.contains("more edges"));
    }
}

#[test]
fn a_page_lets_nothing_run_but_what_is_written_in_it() {
    let page = html(&named("plain"), "title");
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    assert!(!page.contains(" style=") && !page.contains("onclick=") && !page.contains("onload="), "{page}");
    assert_eq!(page, html(&named("plain"), "title"));
}
