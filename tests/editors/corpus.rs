//! The corpus of the tree-sitter grammar, `editors/tree-sitter-polder/test/corpus`, in the form of tree-sitter's own
//! tests: a title between two lines of `=`, a program, `---`, its tree.

use super::root;
use super::tree_sitter::parse;

/// Title, program and tree of each case.
fn cases(text: &str) -> Vec<(String, String, String)> {
    let rule = "=".repeat(20) + "\n";
    let parts: Vec<&str> = text.split(rule.as_str()).skip(1).collect();
    let read = |part: &[&str]| {
        let (program, tree) = part[1].split_once("\n---\n").expect("a case has a tree");
        (part[0].trim().to_owned(), program.to_owned(), tree.to_owned())
    };
    parts.chunks(2).map(read).collect()
}

/// A tree on one line, without the names of fields.
fn plain(tree: &str) -> String {
    let words = tree.split_whitespace().filter(|word| !word.ends_with(':'));
    words.collect::<Vec<_>>().join(" ").replace(" )", ")").replace("( ", "(")
}

#[test]
fn the_corpus_holds() {
    let mut checked = 0;
    for entry in std::fs::read_dir(root().join("editors/tree-sitter-polder/test/corpus")).unwrap() {
        let path = entry.unwrap().path();
        for (title, program, tree) in cases(&std::fs::read_to_string(&path).unwrap()) {
            checked += 1;
            let found = parse(&program).root_node().to_sexp();
            assert_eq!(plain(&found), plain(&tree), "{}: {title}\n{program}", path.display());
        }
    }
    assert!(checked > 20, "only {checked} cases were found");
}
