//! An editor, as far as the server can tell.

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use polder::lsp::serve;
use polder::session::{FileSystem, FolderWalk, Memory};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// No answer takes so long, unless the server is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A disk whose files the test can change while the server runs.
#[derive(Clone, Default)]
pub(crate) struct Files(Arc<Mutex<BTreeMap<PathBuf, String>>>);

impl Files {
    pub(crate) fn set(&self, path: &str, text: &str) {
        self.0.lock().unwrap().insert(path.into(), text.to_owned());
    }

    pub(crate) fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(Path::new(path));
    }

    fn now(&self) -> Memory {
        let files = self.0.lock().unwrap();
        files.iter().fold(Memory::default(), |memory, (path, text)| memory.with(path.clone(), text.clone()))
    }
}

impl FileSystem for Files {
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.now().read(path, limit)
    }

    fn read_input(&self, limit: u64) -> io::Result<Vec<u8>> {
        self.now().read_input(limit)
    }

    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        self.now().is_folder(path)
    }

    fn walk(&self, folder: &Path, extension: &str) -> FolderWalk {
        self.now().walk(folder, extension)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// A document's text and version, as the editor keeps them.
#[derive(Clone)]
struct Document {
    text: String,
    version: i32,
}

pub(crate) struct Client {
    connection: Connection,
    server: Option<JoinHandle<bool>>,
    next: i32,
    documents: BTreeMap<String, Document>,
    /// What the server last said about each file, and for which version.
    pub diagnostics: BTreeMap<String, (Option<i64>, Vec<Value>)>,
    /// What else it said.
    pub told: Vec<Notification>,
    /// What it asked for.
    pub asked: Vec<Request>,
}

pub(crate) fn uri(path: &str) -> String {
    if path.starts_with('/') { format!("file://{path}") } else { path.to_owned() }
}

impl Client {
    pub(crate) fn start(files: &Files, folders: &[&str]) -> Client {
        Client::start_with(files, folders, json!({}))
    }

    /// Starts a server for an editor with these capabilities.
    pub(crate) fn start_with(files: &Files, folders: &[&str], capabilities: Value) -> Client {
        let (client, server) = Connection::memory();
        let disk = files.clone();
        let server = std::thread::spawn(move || serve(server, Box::new(disk)));
        let (documents, diagnostics) = (BTreeMap::new(), BTreeMap::new());
        let mut client = Client {
            connection: client,
            server: Some(server),
            next: 0,
            documents,
            diagnostics,
            told: Vec::new(),
            asked: Vec::new(),
        };
        let folders: Vec<Value> = folders.iter().map(|folder| json!({ "uri": uri(folder), "name": folder })).collect();
        let params =
            json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders });
        client.request("initialize", params).unwrap();
        client.notify("initialized", json!({}));
        client
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        let note = Notification { method: method.to_owned(), params };
        self.connection.sender.send(Message::Notification(note)).unwrap();
    }

    /// Sends a request and does not wait.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        let request = Request { id: id.clone(), method: method.to_owned(), params };
        self.connection.sender.send(Message::Request(request)).unwrap();
        id
    }

    /// The answer, or the message of the refusal.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.send(method, params);
        self.answer(&id).response_result.map_err(|error| error.message)
    }

    pub(crate) fn answer(&mut self, id: &RequestId) -> Response {
        loop {
            if let Some(response) = self.receive() {
                assert_eq!(response.id, *id, "answers in the order of the questions");
                return response;
            }
        }
    }

    /// Takes one message; an answer is given back.
    pub(crate) fn receive(&mut self) -> Option<Response> {
        match self.connection.receiver.recv_timeout(PATIENCE).expect("the server is stuck or gone") {
            Message::Response(response) => return Some(response),
            Message::Notification(note) if note.method == "textDocument/publishDiagnostics" => {
                let uri = note.params["uri"].as_str().unwrap().to_owned();
                let list = note.params["diagnostics"].as_array().unwrap().clone();
                self.diagnostics.insert(uri, (note.params["version"].as_i64(), list));
            }
            Message::Notification(note) => self.told.push(note),
            Message::Request(request) => self.asked.push(request),
        }
        None
    }

    pub(crate) fn open(&mut self, path: &str, text: &str) {
        let uri = uri(path);
        self.documents.insert(uri.clone(), Document { text: text.to_owned(), version: 1 });
        let item = json!({ "uri": uri, "languageId": "polder", "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub(crate) fn close(&mut self, path: &str) {
        self.documents.remove(&uri(path));
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    /// Replaces the whole text.
    pub(crate) fn replace(&mut self, path: &str, text: &str) {
        self.change(path, vec![json!({ "text": text })]);
        self.documents.get_mut(&uri(path)).unwrap().text = text.to_owned();
    }

    /// Replaces a part of the text, given in bytes.
    pub(crate) fn edit(&mut self, path: &str, part: std::ops::Range<usize>, new: &str) {
        let text = self.documents[&uri(path)].text.clone();
        let range = json!({ "start": position(&text, part.start), "end": position(&text, part.end) });
        self.change(path, vec![json!({ "range": range, "text": new })]);
        self.documents.get_mut(&uri(path)).unwrap().text.replace_range(part, new);
    }

    fn change(&mut self, path: &str, changes: Vec<Value>) {
        let document = self.documents.get_mut(&uri(path)).unwrap();
        document.version += 1;
        let document = json!({ "uri": uri(path), "version": document.version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        &self.documents[&uri(path)].text
    }

    /// Waits until the server has spoken about the documents as they are now.
    pub(crate) fn settle(&mut self) {
        while !self.documents.iter().all(|(uri, document)| {
            self.diagnostics.get(uri).is_some_and(|(version, _)| *version == Some(i64::from(document.version)))
        }) {
            assert!(self.receive().is_none(), "nothing was asked");
        }
        // What it says of other files comes right behind, and before its next answer.
        self.request("workspace/symbol", json!({ "query": "nothing" })).unwrap();
    }

    /// Waits for something that the server says by itself.
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Client) -> bool) {
        while !done(self) {
            let message = self.connection.receiver.recv_timeout(PATIENCE);
            match message.unwrap_or_else(|_| panic!("{what}: {:?}", self.diagnostics)) {
                Message::Notification(note) if note.method == "textDocument/publishDiagnostics" => {
                    let uri = note.params["uri"].as_str().unwrap().to_owned();
                    let list = note.params["diagnostics"].as_array().unwrap().clone();
                    self.diagnostics.insert(uri, (note.params["version"].as_i64(), list));
                }
                Message::Request(request) => self.asked.push(request),
                Message::Notification(note) => self.told.push(note),
                Message::Response(response) => panic!("nothing was asked: {response:?}"),
            }
        }
    }

    /// The codes that are shown for a file.
    pub(crate) fn codes(&self, path: &str) -> Vec<&str> {
        let shown = self.diagnostics.get(&uri(path)).map(|(_, list)| list.as_slice()).unwrap_or_default();
        shown.iter().map(|one| one["code"].as_str().unwrap()).collect()
    }

    /// Says goodbye; whether the server takes it so.
    pub(crate) fn stop(mut self) -> bool {
        assert_eq!(self.request("shutdown", Value::Null), Ok(Value::Null));
        self.notify("exit", Value::Null);
        self.server.take().unwrap().join().unwrap()
    }

    /// Goes away without a word.
    pub(crate) fn vanish(mut self) -> bool {
        let server = self.server.take().unwrap();
        drop(self);
        server.join().unwrap()
    }
}

/// A byte as the protocol counts.
pub(crate) fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

/// What the protocol counts as a byte.
pub(crate) fn offset(text: &str, position: &Value) -> usize {
    let (line, column) = (position["line"].as_u64().unwrap(), position["character"].as_u64().unwrap());
    let start: usize = text.split_inclusive('\n').take(usize::try_from(line).unwrap()).map(str::len).sum();
    let mut left = usize::try_from(column).unwrap();
    for (at, character) in text[start..].char_indices() {
        if left == 0 {
            return start + at;
        }
        assert!(character != '\n', "column {column} of line {line} is past its end");
        left = left.checked_sub(character.len_utf16()).expect("inside of a character");
    }
    text.len()
}

/// A text after edits of the protocol.
pub(crate) fn edited(text: &str, edits: &[Value]) -> String {
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(text, &range["start"]), offset(text, &range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort();
    assert!(edits.windows(2).all(|pair| pair[0].1 <= pair[1].0), "edits overlap: {edits:?}");
    let mut result = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        result.replace_range(start..end, new);
    }
    result
}
