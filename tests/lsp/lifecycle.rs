//! From hello to goodbye: programs that come and go, editors that do as they please.

use crate::lsp::client::{Client, Files, position, uri};
use lsp_server::{Connection, Message, Request, RequestId};
use polder::lsp::serve;
use polder::session::{FileSystem, FolderWalk, Memory};
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};

const GOOD: &str = "namespace shop {\n  tier web\n  tier api\n  web -> api:80\n}\n";
const BAD: &str = "namespace shop {\n  tier web\n  tier api\n  web -> apy:80\n}\n";

fn files(list: &[(&str, &str)]) -> Files {
    let files = Files::default();
    list.iter().for_each(|(path, text)| files.set(path, text));
    files
}

#[test]
fn ends_orderly_only_after_a_goodbye() {
    let files = Files::default();
    assert!(Client::start(&files, &[]).stop());
    assert!(!Client::start(&files, &[]).vanish());
    let mut client = Client::start(&files, &[]);
    client.notify("exit", Value::Null);
    assert!(!client.vanish());
    let mut client = Client::start(&files, &[]);
    client.request("shutdown", Value::Null).unwrap();
    assert!(client.request("textDocument/hover", json!({})).is_err());
    client.notify("exit", Value::Null);
}

#[test]
fn answers_every_request_and_none_ends_it() {
    let (client, server) = Connection::memory();
    let thread = std::thread::spawn(move || serve(server, Box::new(Memory::default())));
    let mut next = 0;
    let mut ask = |method: &str, params: Value| {
        next += 1;
        let request = Request { id: RequestId::from(next), method: method.to_owned(), params };
        client.sender.send(Message::Request(request)).unwrap();
        loop {
            if let Message::Response(response) = client.receiver.recv().unwrap() {
                assert_eq!(response.id, RequestId::from(next));
                return response.response_result.map_err(|error| error.code);
            }
        }
    };
    assert_eq!(ask("textDocument/hover", json!({})), Err(-32002));
    let hello = ask("initialize", json!({ "capabilities": 7, "workspaceFolders": "none" })).unwrap();
    assert_eq!(hello["serverInfo"]["name"], "polder");
    assert_eq!(hello["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(ask("initialize", json!({})), Err(-32600));
    assert_eq!(ask("no/such", json!(null)), Err(-32601));
    let methods = [
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/references",
        "textDocument/documentHighlight",
        "textDocument/documentSymbol",
        "textDocument/codeAction",
        "textDocument/codeLens",
        "textDocument/formatting",
        "textDocument/rangeFormatting",
        "textDocument/foldingRange",
        "textDocument/selectionRange",
        "textDocument/inlayHint",
        "textDocument/semanticTokens/full",
        "textDocument/semanticTokens/range",
        "textDocument/prepareRename",
        "textDocument/rename",
        "textDocument/prepareCallHierarchy",
        "callHierarchy/incomingCalls",
        "callHierarchy/outgoingCalls",
        "workspace/executeCommand",
        "workspace/symbol",
    ];
    let range = json!({ "start": { "line": 9, "character": 9 }, "end": { "line": 0, "character": 0 } });
    for method in methods {
        for params in [json!(null), json!([]), json!({ "textDocument": 1 }), json!({ "item": {} })] {
            assert_eq!(ask(method, params), Err(-32602), "{method}");
        }
        let item = json!({ "name": "x", "kind": 5, "uri": "file:///no", "range": range, "selectionRange": range });
        let nowhere = json!({
            "textDocument": { "uri": "no such:/place" }, "position": { "line": 1, "character": 1 }, "range": range,
            "positions": [], "options": { "tabSize": 2, "insertSpaces": true }, "context": { "includeDeclaration": true, "diagnostics": [] },
            "newName": "x", "query": "", "command": "polder.explain", "item": item,
        });
        let answer = ask(method, nowhere).unwrap_or_else(|code| panic!("{method}: {code}"));
        assert!(answer.is_null() || answer == json!([]), "{method}: {answer}");
    }
    assert_eq!(ask("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(ask("textDocument/hover", json!({})), Err(-32600));
    drop(client);
    assert!(!thread.join().unwrap());
}

#[test]
fn what_is_mended_is_not_shown_any_more() {
    let files = files(&[("/p/polder.toml", ""), ("/p/a.polder", GOOD)]);
    let mut client = Client::start(&files, &["/p"]);
    client.open("/p/a.polder", BAD);
    client.settle();
    assert_eq!(client.codes("/p/a.polder"), ["E0102"]);
    client.replace("/p/a.polder", GOOD);
    client.settle();
    assert_eq!(client.codes("/p/a.polder"), Vec::<&str>::new());
    // What was not saved is gone with the document.
    client.replace("/p/a.polder", BAD);
    client.settle();
    client.close("/p/a.polder");
    client.wait("closed", |client| client.codes("/p/a.polder").is_empty());
    assert!(client.stop());
}

#[test]
fn a_change_in_one_file_is_judged_in_all() {
    let uses = "namespace shop {\n  tier db\n  api -> db:80\n}\n";
    let files = files(&[("/p/polder.toml", ""), ("/p/a.polder", GOOD), ("/p/b.polder", uses)]);
    let mut client = Client::start(&files, &["/p"]);
    client.open("/p/a.polder", GOOD);
    client.settle();
    assert!(client.diagnostics.values().all(|(_, list)| list.is_empty()), "{:?}", client.diagnostics);
    let at = GOOD.find("api").unwrap();
    client.edit("/p/a.polder", at..at + 3, "app");
    client.settle();
    assert_eq!(client.codes("/p/a.polder"), ["E0102"]);
    client.wait("the other file", |client| client.codes("/p/b.polder") == ["E0102"]);
    client.edit("/p/a.polder", at..at + 3, "api");
    client.settle();
    assert_eq!(client.codes("/p/a.polder"), Vec::<&str>::new());
    client.wait("the other file", |client| client.codes("/p/b.polder").is_empty());
    assert!(client.stop());
}

#[test]
fn files_appear_and_vanish() {
    let uses = "namespace shop {\n  tier db\n  api -> db:80\n}\n";
    let files = files(&[("/p/polder.toml", ""), ("/p/b.polder", uses)]);
    let mut client = Client::start(&files, &["/p"]);
    client.wait("the folder is read at once", |client| client.codes("/p/b.polder") == ["E0102"]);
    files.set("/p/a.polder", GOOD);
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    client.wait("appeared", |client| client.codes("/p/b.polder").is_empty());
    files.remove("/p/a.polder");
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    client.wait("vanished", |client| client.codes("/p/b.polder") == ["E0102"]);
    // A file that was never saved belongs to the project by its name.
    client.open("/p/new.polder", GOOD);
    client.wait("not saved yet", |client| client.codes("/p/b.polder").is_empty());
    client.close("/p/new.polder");
    client.wait("never saved", |client| client.codes("/p/b.polder") == ["E0102"]);
    files.remove("/p/b.polder");
    files.remove("/p/polder.toml");
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    client.wait("no project", |client| client.diagnostics.values().all(|(_, list)| list.is_empty()));
    assert!(client.stop());
}

#[test]
fn each_document_belongs_to_the_nearest_project_or_to_none() {
    let lonely = "namespace shop {\n  tier web\n}\n";
    let files = files(&[
        ("/w/one/polder.toml", "[warnings]\nallow = [\"W0010\"]\n"),
        ("/w/one/a.polder", lonely),
        ("/w/two/polder.toml", "[warnings]\ndeny = [\"W0010\"]\n"),
        ("/w/two/a.polder", lonely),
        ("/w/two/inner/polder.toml", ""),
        ("/w/two/inner/a.polder", "tier x\n"),
        ("/w/lone.polder", lonely),
        ("/w/other.polder", BAD),
    ]);
    let mut client = Client::start(&files, &["/w"]);
    for path in ["/w/one/a.polder", "/w/two/a.polder", "/w/two/inner/a.polder", "/w/lone.polder"] {
        let text = if path.contains("inner") { "tier x\n" } else { lonely };
        client.open(path, text);
    }
    client.open("untitled:Untitled-1", BAD);
    client.settle();
    let severity = |client: &Client, path: &str| {
        client.diagnostics[&uri(path)].1.first().map(|one| one["severity"].as_u64().unwrap())
    };
    assert_eq!(severity(&client, "/w/one/a.polder"), None);
    // The outer project takes in the inner one's file, whose error leaves no warnings to say.
    assert_eq!(severity(&client, "/w/two/a.polder"), None);
    assert_eq!(client.codes("/w/two/inner/a.polder"), ["E0005"]);
    assert_eq!(severity(&client, "/w/lone.polder"), Some(2));
    assert_eq!(client.codes("untitled:Untitled-1"), ["E0102"]);
    assert!(!client.diagnostics.contains_key(&uri("/w/other.polder")), "nobody has opened it");
    client.replace("/w/two/inner/a.polder", "\n");
    client.settle();
    assert_eq!(severity(&client, "/w/two/a.polder"), Some(1));
    // The settings of a folder are read again when they change.
    files.set("/w/two/polder.toml", "");
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [] }));
    client.wait("lowered", |client| severity(client, "/w/two/a.polder") == Some(2));
    client.close("/w/lone.polder");
    client.wait("closed", |client| client.codes("/w/lone.polder").is_empty());
    assert!(client.stop());
}

#[test]
fn counts_columns_as_the_editor_wishes() {
    let text = "namespace shop {\r\n  # é🙂\r\n  tier web  # 🙂🙂\r\n  tier api {http: 80}\r\n  /* 🙂 */ web -> apy:80\r\n  web -> apy:80\r\n}\r\n";
    let line = "  {🙂é} -> apy:80";
    for (encoding, wanted) in [("utf-8", 3 + 4 + 2 + 5), ("utf-16", 3 + 2 + 1 + 5), ("utf-32", 3 + 1 + 1 + 5)] {
        let files = Files::default();
        let capabilities = json!({ "general": { "positionEncodings": ["klingon", encoding, "utf-16"] } });
        let mut client = Client::start_with(&files, &[], capabilities);
        client.open("/a.polder", text);
        client.settle();
        let found = &client.diagnostics[&uri("/a.polder")].1;
        let unknown = found.iter().find(|one| one["code"] == "E0102").unwrap();
        assert_eq!(unknown["range"]["start"], json!({ "line": 5, "character": 9 }), "{encoding}");
        // Edits count in the same way: put a name where a column after the characters says.
        let document = json!({ "uri": uri("/a.polder"), "version": 2 });
        let change = json!({ "range": { "start": { "line": 5, "character": 0 }, "end": { "line": 5, "character": 99 } }, "text": line });
        client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        let document = json!({ "uri": uri("/a.polder"), "version": 3 });
        let at = json!({ "line": 5, "character": wanted });
        let change = json!({ "range": { "start": at, "end": at }, "text": "|" });
        client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        let params =
            json!({ "textDocument": { "uri": uri("/a.polder") }, "positions": [{ "line": 0, "character": 0 }] });
        client.request("textDocument/selectionRange", params).unwrap();
        let params = json!({
            "textDocument": { "uri": uri("/a.polder") },
            "options": { "tabSize": 2, "insertSpaces": true },
        });
        assert_eq!(client.request("textDocument/formatting", params.clone()), Ok(json!(null)), "a line is broken");
        let document = json!({ "uri": uri("/a.polder"), "version": 4 });
        let (start, end) = (json!({ "line": 4, "character": 0 }), json!({ "line": 6, "character": 0 }));
        let change = json!({ "range": { "start": start, "end": end }, "text": "" });
        client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        let edits = client.request("textDocument/formatting", params).unwrap();
        let texts: String = edits.as_array().unwrap().iter().map(|edit| edit["newText"].as_str().unwrap()).collect();
        assert!(texts.contains("tier api { http: 80 }\r\n"), "line ends stay: {texts:?}");
        client.vanish();
    }
}

#[test]
fn a_request_that_nobody_waits_for_is_answered_all_the_same() {
    let text = GOOD.to_owned() + &"# comment\n".repeat(20_000);
    let files = Files::default();
    let mut client = Client::start(&files, &[]);
    client.open("/a.polder", &text);
    let params =
        json!({ "textDocument": { "uri": uri("/a.polder") }, "position": position(GOOD, GOOD.find("web").unwrap()) });
    let ids: Vec<RequestId> = (0..50).map(|_| client.send("textDocument/hover", params.clone())).collect();
    for id in &ids {
        client.notify("$/cancelRequest", json!({ "id": id.to_string().parse::<i32>().unwrap() }));
    }
    client.notify("$/cancelRequest", json!({ "id": "never asked" }));
    client.notify("$/cancelRequest", json!({}));
    let mut unwanted = 0;
    for id in &ids {
        match client.answer(id).response_result {
            Ok(hover) => assert!(!hover.is_null()),
            Err(error) => {
                assert_eq!(error.code, -32800);
                unwanted += 1;
            }
        }
    }
    assert!(unwanted > 0, "the first answer takes long enough for the rest to be cancelled");
    assert!(client.stop());
}

#[test]
fn asks_to_be_told_of_files_and_refreshes_what_others_show() {
    let files = files(&[("/p/polder.toml", ""), ("/p/a.polder", GOOD), ("/p/b.polder", "")]);
    let capabilities = json!({ "workspace": {
        "didChangeWatchedFiles": { "dynamicRegistration": true },
        "codeLens": { "refreshSupport": true },
    } });
    let mut client = Client::start_with(&files, &["/p"], capabilities);
    client.open("/p/a.polder", GOOD);
    client.open("/p/b.polder", "");
    client.wait("both requests", |client| client.asked.len() >= 2);
    let methods: Vec<&str> = client.asked.iter().map(|request| request.method.as_str()).collect();
    assert!(
        methods.contains(&"client/registerCapability") && methods.contains(&"workspace/codeLens/refresh"),
        "{methods:?}"
    );
    assert!(!methods.contains(&"workspace/inlayHint/refresh"), "{methods:?}");
}

/// A disk with a file that Polder stumbles over.
struct Trap(Memory);

impl FileSystem for Trap {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        assert!(!path.ends_with("trap.polder"), "stumbled");
        self.0.read(path, limit)
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.0.read_input(limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        self.0.is_folder(path)
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        self.0.walk(folder, extension)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

#[test]
fn a_mistake_of_polder_ends_one_request_and_nothing_else() {
    let (client, server) = Connection::memory();
    let disk = Memory::default().with("/t/polder.toml", "").with("/t/trap.polder", "").with("/p/polder.toml", "");
    let thread = std::thread::spawn(move || serve(server, Box::new(Trap(disk))));
    let send = |message: Value| client.sender.send(serde_json::from_value(message).unwrap()).unwrap();
    let answer = |id: i32| loop {
        if let Message::Response(response) = client.receiver.recv().unwrap() {
            assert_eq!(response.id, RequestId::from(id));
            return response.response_result.map_err(|error| error.code);
        }
    };
    let open = |path: &str, text: &str| {
        let item = json!({ "uri": uri(path), "languageId": "polder", "version": 1, "text": text });
        send(json!({ "method": "textDocument/didOpen", "params": { "textDocument": item } }));
    };
    let hover = |id: i32, path: &str| {
        let place = json!({ "textDocument": { "uri": uri(path) }, "position": { "line": 1, "character": 8 } });
        send(json!({ "id": id, "method": "textDocument/hover", "params": place }));
        answer(id)
    };
    send(json!({ "id": 1, "method": "initialize", "params": {} }));
    answer(1).unwrap();
    open("/t/a.polder", GOOD);
    assert_eq!(hover(2, "/t/a.polder"), Err(-32603));
    open("/p/a.polder", GOOD);
    assert_eq!(hover(3, "/p/a.polder"), Err(-32603), "the program that it stumbles over is still open");
    send(json!({ "method": "textDocument/didClose", "params": { "textDocument": { "uri": uri("/t/a.polder") } } }));
    assert!(hover(4, "/p/a.polder").unwrap()["contents"]["value"].as_str().unwrap().contains("tier web"));
    send(json!({ "id": 5, "method": "shutdown" }));
    answer(5).unwrap();
    send(json!({ "method": "exit" }));
    assert!(thread.join().unwrap());
}

/// The command itself, on a real disk; gives what it ends with.
#[cfg(feature = "cli")]
fn speak(folder: &Path, goodbye: bool) -> Option<i32> {
    use std::io::BufReader;
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(["lsp", "--stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut send = |message: Value| serde_json::from_value::<Message>(message).unwrap().write(&mut input).unwrap();
    let mut receive = || Message::read(&mut output).unwrap().expect("the server is gone");
    let path = folder.join("a.polder");
    let address = format!("file://{}", path.display());
    let folders = json!([{ "uri": format!("file://{}", folder.display()), "name": "p" }]);
    send(json!({ "id": 1, "method": "initialize", "params": { "capabilities": {}, "workspaceFolders": folders } }));
    assert!(matches!(receive(), Message::Response(response) if response.response_result.is_ok()));
    send(json!({ "method": "initialized", "params": {} }));
    let item = json!({ "uri": address, "languageId": "polder", "version": 1, "text": BAD });
    send(json!({ "method": "textDocument/didOpen", "params": { "textDocument": item } }));
    let shown = loop {
        match receive() {
            Message::Notification(note) if note.params["version"] == 1 => break note.params,
            _ => {}
        }
    };
    assert_eq!((&shown["uri"], &shown["diagnostics"][0]["code"]), (&json!(address), &json!("E0102")));
    if goodbye {
        send(json!({ "id": 2, "method": "shutdown" }));
        assert!(matches!(receive(), Message::Response(response) if response.response_result.is_ok()));
        send(json!({ "method": "exit" }));
    }
    drop(input);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    ended.status.code()
}

#[cfg(all(unix, feature = "cli"))]
#[test]
fn the_command_serves_on_standard_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real");
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("polder.toml"), "").unwrap();
    std::fs::write(real.join("a.polder"), GOOD).unwrap();
    assert_eq!(speak(&real, true), Some(0));
    assert_eq!(speak(&real, false), Some(1));
    // A file that is reached in another way is the same file, under the name that the editor gives it.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    assert_eq!(speak(&link, true), Some(0));
}
