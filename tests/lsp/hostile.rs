//! Texts as they are while somebody types: every prefix of every example, and edits at random.

use crate::lsp::case::editor;
use crate::lsp::client::{Client, Files, position, uri};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Numbers that look random and are the same on every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        text.floor_char_boundary(self.below(text.len() + 1))
    }
}

/// The sources of each example, by the path that they would have.
fn examples() -> Vec<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut folders: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let sources = |folder: &Path| {
        let mut files: Vec<(String, String)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "polder"))
            .map(|path| {
                (format!("/p/{}", path.file_name().unwrap().to_str().unwrap()), fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files
    };
    folders.iter().map(|folder| sources(folder)).collect()
}

/// Asks everything that can be asked about a place.
fn ask_all(client: &mut Client, path: &str, at: usize) {
    let document = json!({ "uri": uri(path) });
    let text = client.text(path).to_owned();
    let place = position(&text, at);
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": position(&text, text.len()) });
    let params = json!({
        "textDocument": document,
        "position": place,
        "positions": [place],
        "range": whole,
        "options": { "tabSize": 2, "insertSpaces": true },
        "context": { "includeDeclaration": true, "diagnostics": [] },
        "newName": "renamed",
    });
    for method in [
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/references",
        "textDocument/documentHighlight",
        "textDocument/documentSymbol",
        "textDocument/codeAction",
        "textDocument/codeLens",
        "textDocument/formatting",
        "textDocument/foldingRange",
        "textDocument/selectionRange",
        "textDocument/inlayHint",
        "textDocument/semanticTokens/full",
        "textDocument/semanticTokens/range",
    ] {
        // `request` wants the answer to this very question, and `expect` one that is no internal error.
        client.request(method, params.clone()).unwrap_or_else(|why| panic!("{method}: {why}\n{text}"));
    }
    for method in ["textDocument/prepareRename", "textDocument/rename"] {
        let refused = client.request(method, params.clone()).err().unwrap_or_default();
        assert!(!refused.contains("internal error"), "{method}\n{text}");
    }
    let roots = client.request("textDocument/prepareCallHierarchy", params).unwrap();
    for root in roots.as_array().into_iter().flatten() {
        client.request("callHierarchy/incomingCalls", json!({ "item": root })).unwrap();
        client.request("callHierarchy/outgoingCalls", json!({ "item": root })).unwrap();
    }
}

/// Nothing that a server says by itself is about a mistake of its own.
fn check_calm(client: &Client) {
    let wrong: Vec<_> = client.told.iter().filter(|note| note.params["type"] != 3).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for (uri, (_, list)) in &client.diagnostics {
        let internal = list.iter().find(|one| one["code"] == "E0900");
        assert!(internal.is_none(), "{uri}: {internal:?}");
    }
}

#[test]
fn every_prefix_of_every_example_is_answered() {
    for example in examples() {
        let files = Files::default();
        files.set("/p/polder.toml", "");
        example.iter().for_each(|(path, text)| files.set(path, text));
        let mut client = Client::start_with(&files, &["/p"], editor());
        for (path, text) in &example {
            client.open(path, "");
            let ends = text.char_indices().map(|(at, character)| (at, at + character.len_utf8()));
            for (count, (start, end)) in ends.enumerate() {
                client.edit(path, start..start, &text[start..end]);
                if count % 23 == 0 {
                    ask_all(&mut client, path, end);
                } else {
                    let params =
                        json!({ "textDocument": { "uri": uri(path) }, "position": position(&text[..end], end) });
                    client.request("textDocument/completion", params).unwrap();
                }
            }
            client.settle();
            assert_eq!(client.codes(path), Vec::<&str>::new(), "{path}");
        }
        check_calm(&client);
        assert!(client.stop());
    }
}

/// Pieces that programs are made of, and some that they are not.
const PIECES: [&str; 48] = [
    "namespace ",
    "shop",
    " {",
    "}",
    "\n",
    "\r\n",
    "  ",
    "tier ",
    "web",
    "api",
    " -> ",
    "->",
    "->>",
    ":",
    "8080",
    "/tcp",
    "/udp",
    "http",
    ",",
    "(",
    ")",
    "app=",
    "!",
    " in ",
    "*",
    "/",
    "group g = ",
    "use prometheus",
    "cidr c = 10.0.0.0/8",
    " except ",
    "external ",
    "platform {\n",
    "environment e {\n",
    "never ",
    "only ",
    "isolate ingress",
    " for ",
    "dns none",
    "label app",
    "# polder: allow(W0004)\n",
    "## doc\n",
    "#",
    "\"",
    "é",
    "🙂",
    "\u{202e}",
    "\u{7}",
    "ports p = 1-2",
];

fn random_edit(client: &mut Client, numbers: &mut Numbers, path: &str) {
    let text = client.text(path).to_owned();
    let start = numbers.place(&text);
    let rest = text.len() - start;
    let end = match numbers.below(4) {
        0 => text.floor_char_boundary(start + numbers.below(rest.min(40) + 1)),
        1 => text.ceil_char_boundary((start + 1).min(text.len())),
        _ => start,
    };
    let new: String = (0..numbers.below(3)).map(|_| numbers.pick(&PIECES)).collect();
    // The client counts lines by line feeds alone, so a carriage return is never without one.
    let parts = |at: usize| text[..at].ends_with('\r') && text[at..].starts_with('\n');
    if parts(start) || parts(end) {
        return;
    }
    client.edit(path, start..end.max(start), &new);
}

/// All that a server shows about the documents.
fn state(client: &mut Client, paths: &[String]) -> Vec<Value> {
    client.settle();
    let mut state = Vec::new();
    for path in paths {
        let params = json!({ "textDocument": { "uri": uri(path) } });
        for method in ["textDocument/semanticTokens/full", "textDocument/documentSymbol", "textDocument/codeLens"] {
            state.push(client.request(method, params.clone()).unwrap());
        }
    }
    state.extend(client.diagnostics.values().filter(|(_, list)| !list.is_empty()).map(|(_, list)| json!(list)));
    state
}

#[test]
fn after_any_edits_the_state_is_that_of_a_fresh_server() {
    let edits: usize = std::env::var("POLDER_LSP_EDITS").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000);
    let shop = examples().into_iter().max_by_key(Vec::len).unwrap();
    let paths: Vec<String> = shop.iter().map(|(path, _)| path.clone()).collect();
    let files = Files::default();
    files.set("/p/polder.toml", "");
    shop.iter().for_each(|(path, text)| files.set(path, text));
    let mut client = Client::start_with(&files, &["/p"], editor());
    shop.iter().for_each(|(path, text)| client.open(path, text));
    let mut numbers = Numbers(11);
    for count in 1..=edits {
        let path = &paths[numbers.below(paths.len())];
        random_edit(&mut client, &mut numbers, path);
        if count % 16 == 0 {
            let at = numbers.place(client.text(path));
            ask_all(&mut client, path, at);
        }
        if count % 500 == 0 {
            let found = state(&mut client, &paths);
            let mut fresh = Client::start_with(&files, &["/p"], editor());
            paths.iter().for_each(|path| fresh.open(path, client.text(path)));
            for (found, fresh) in found.iter().zip(state(&mut fresh, &paths)) {
                assert_eq!(*found, fresh, "after {count} edits");
            }
            assert!(fresh.stop());
            // Begin with sense again, or nothing but noise is tested.
            shop.iter().for_each(|(path, text)| client.replace(path, text));
        }
    }
    check_calm(&client);
    assert!(client.stop());
}
