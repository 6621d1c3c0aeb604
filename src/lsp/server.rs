//! The thread that speaks with the editor. It holds the documents, answers at once what their text alone can tell, and
//! hands everything else to the analysis, so that formatting waits for nothing.

use super::analysis::{Analysis, Job, Waiting, read, refusal, write};
use super::capabilities::{self, Editor};
use super::documents::{Documents, OpenDocument};
use super::overlay::Overlay;
use super::uri::{is_in_no_file, path_of};
use super::workspace::Workspace;
use super::{formatting, structure};
use crate::fmt::Unformatted;
use crate::session::{EXTENSION, FileSystem};
use crate::source::Sources;
use crate::syntax::{self, Tree};
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentFormattingParams, DocumentRangeFormattingParams, FoldingRangeParams,
    InitializeResult, Range, SelectionRangeParams, ServerInfo, Uri, WorkspaceFolder,
};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError};

/// Serves one editor until it says `exit` or is gone; whether it said goodbye before.
pub fn serve(connection: Connection, disk: Box<dyn FileSystem + Send>) -> bool {
    let mut files = Some(disk);
    let mut server: Option<Server> = None;
    let mut goodbye = false;
    for message in &connection.receiver {
        match message {
            Message::Notification(note) if note.method == "exit" => return goodbye,
            Message::Request(request) if goodbye => {
                let why = refusal(ErrorCode::InvalidRequest, "the server was asked to shut down");
                respond(&connection, request.id, Err(why));
            }
            Message::Request(request) if request.method == "shutdown" => {
                goodbye = true;
                respond(&connection, request.id, Ok(Value::Null));
            }
            Message::Request(request) => match (&mut server, files.take()) {
                (Some(server), _) => server.request(&connection, request),
                (None, Some(disk)) if request.method == "initialize" => {
                    let (started, result) = Server::start(&connection, disk, &request.params);
                    server = Some(started);
                    respond(&connection, request.id, result);
                }
                (None, disk) => {
                    files = disk;
                    let why = refusal(ErrorCode::ServerNotInitialized, "`initialize` comes first");
                    respond(&connection, request.id, Err(why));
                }
            },
            Message::Notification(note) => {
                if let (Some(server), false) = (&mut server, goodbye) {
                    server.notification(&connection, note);
                }
            }
            Message::Response(_) => {}
        }
    }
    false
}

fn respond(connection: &Connection, id: RequestId, response_result: Result<Value, ResponseError>) {
    // An editor that is gone needs no answer.
    let _ = connection.sender.send(Response { id, response_result }.into());
}

struct Server {
    editor: Editor,
    documents: Documents,
    folders: Vec<PathBuf>,
    jobs: Sender<Job>,
    waiting: Waiting,
}

impl Server {
    fn start(
        connection: &Connection,
        disk: Box<dyn FileSystem + Send>,
        params: &Value,
    ) -> (Server, Result<Value, ResponseError>) {
        let editor = Editor::read(params);
        let (jobs, inbox) = mpsc::channel();
        let waiting = Waiting::default();
        let sender = connection.sender.clone();
        let outbox = Box::new(move |message| {
            let _ = sender.send(message);
        });
        let known = waiting.clone();
        std::thread::spawn(move || {
            let workspace = Workspace::new(Overlay::new(disk), editor.encoding);
            Analysis::new(workspace, editor, known, outbox).run(&inbox);
        });
        let folders = folders(params);
        let server = Server { editor, documents: Documents::new(editor.encoding), folders, jobs, waiting };
        server.send(Job::Folders(server.folders.clone()));
        let info = ServerInfo { name: "polder".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        let result = InitializeResult { capabilities: capabilities::of(editor), server_info: Some(info) };
        (server, write(result))
    }

    fn send(&self, job: Job) {
        // Without a receiver the analysis is gone, and so is the process soon.
        let _ = self.jobs.send(job);
    }

    fn request(&mut self, connection: &Connection, request: Request) {
        let own = match request.method.as_str() {
            "textDocument/formatting"
            | "textDocument/rangeFormatting"
            | "textDocument/foldingRange"
            | "textDocument/selectionRange" => true,
            "initialize" => {
                let why = refusal(ErrorCode::InvalidRequest, "`initialize` comes once");
                return respond(connection, request.id, Err(why));
            }
            _ => false,
        };
        if !own {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(request.id.clone(), false);
            return self.send(Job::Request(request));
        }
        let Request { id, method, params } = request;
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(connection, &method, params))).unwrap_or_else(|_| {
            Err(refusal(ErrorCode::InternalError, &format!("an internal error of polder, in {method}")))
        });
        respond(connection, id, answer);
    }

    /// Answers from the text of a document; nothing when it is not open.
    fn answer(&self, connection: &Connection, method: &str, params: Value) -> Result<Value, ResponseError> {
        let encoding = self.editor.encoding;
        match method {
            "textDocument/formatting" => {
                let uri = read::<DocumentFormattingParams>(params)?.text_document.uri;
                self.format(connection, &uri, None)
            }
            "textDocument/rangeFormatting" => {
                let DocumentRangeFormattingParams { text_document, range, .. } = read(params)?;
                self.format(connection, &text_document.uri, Some(range))
            }
            "textDocument/foldingRange" => {
                let uri = read::<FoldingRangeParams>(params)?.text_document.uri;
                let Some(document) = self.documents.get(&uri) else { return write(()) };
                write(structure::folding(&document.text, &parse(document)))
            }
            _ => {
                let SelectionRangeParams { text_document, positions, .. } = read(params)?;
                let Some(document) = self.documents.get(&text_document.uri) else { return write(()) };
                let tree = parse(document);
                let select = |at| structure::selection(&document.text, &tree, at, encoding);
                write(positions.into_iter().map(select).collect::<Vec<_>>())
            }
        }
    }

    /// The edits that format a document, or nothing and a line in the editor's log where it has to stay as it is. Many
    /// editors format whatever is saved, and would show an error each time.
    fn format(&self, connection: &Connection, uri: &Uri, within: Option<Range>) -> Result<Value, ResponseError> {
        let Some(document) = self.documents.get(uri) else { return write(()) };
        let path = path_of(uri);
        let why = if !is_in_no_file(&path) && path.extension().is_none_or(|end| end != EXTENSION) {
            format!("its name does not end in .{EXTENSION}")
        } else {
            match formatting::format(&document.text, within, self.editor.encoding) {
                Ok(edits) => return write(edits),
                Err(Unformatted::NotUnderstood) => "not all of it is understood".to_owned(),
                Err(Unformatted::NotProved(problem)) => {
                    return Err(refusal(ErrorCode::RequestFailed, &problem.message));
                }
            }
        };
        let message = format!("polder: {} is not formatted: {why}", uri.0);
        let note = Notification::new("window/logMessage".to_owned(), json!({ "type": 3, "message": message }));
        // An editor that is gone needs no answer.
        let _ = connection.sender.send(Message::Notification(note));
        write(())
    }

    fn notification(&mut self, connection: &Connection, note: Notification) {
        let Notification { method, params } = note;
        // Of what cannot be read nothing is known; there is nobody to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| self.note(connection, &method, params)));
    }

    fn note(&mut self, connection: &Connection, method: &str, params: Value) -> Result<(), ResponseError> {
        match method {
            "initialized" => self.watch(connection),
            "textDocument/didOpen" => {
                let item = read::<DidOpenTextDocumentParams>(params)?.text_document;
                let document = self.documents.open(item.uri, item.version, item.text);
                self.send(Job::Open(document.uri, document.version, document.text));
            }
            "textDocument/didChange" => {
                let DidChangeTextDocumentParams { text_document, content_changes } = read(params)?;
                let uri = text_document.text_document_identifier.uri;
                if let Some(document) = self.documents.change(&uri, text_document.version, content_changes) {
                    self.send(Job::Change(document.uri, document.version, document.text));
                }
            }
            "textDocument/didClose" => {
                let uri = read::<DidCloseTextDocumentParams>(params)?.text_document.uri;
                if self.documents.close(&uri).is_some() {
                    self.send(Job::Close(uri));
                }
            }
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.send(Job::Changed),
            "workspace/didChangeWorkspaceFolders" => {
                let event = read::<DidChangeWorkspaceFoldersParams>(params)?.event;
                let paths = |folders: Vec<WorkspaceFolder>| folders.into_iter().map(|folder| path_of(&folder.uri));
                let removed: Vec<PathBuf> = paths(event.removed).collect();
                self.folders.retain(|folder| !removed.contains(folder));
                self.folders.extend(paths(event.added));
                self.send(Job::Folders(self.folders.clone()));
            }
            "$/cancelRequest" => {
                let id = params.get("id").cloned().unwrap_or_default();
                let id = read::<RequestId>(id)?;
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(unwanted) = waiting.get_mut(&id) {
                    *unwanted = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Asks to be told of files that change outside of the editor.
    fn watch(&self, connection: &Connection) {
        if !self.editor.watches {
            return;
        }
        let globs = ["**/*.polder", "**/polder.toml", "**/.gitignore"];
        let watchers: Vec<Value> = globs.iter().map(|glob| json!({ "globPattern": glob })).collect();
        let registration = json!({
            "id": "polder-files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        let request = Request {
            id: RequestId::from("polder-watch".to_owned()),
            method: "client/registerCapability".to_owned(),
            params: json!({ "registrations": [registration] }),
        };
        let _ = connection.sender.send(Message::Request(request));
    }
}

/// The folders that the editor has open, in the newer way or in the two older ones.
fn folders(params: &Value) -> Vec<PathBuf> {
    let list = params.get("workspaceFolders").and_then(Value::as_array);
    let uris = list.into_iter().flatten().filter_map(|folder| folder.get("uri")?.as_str());
    let mut folders: Vec<PathBuf> = uris.map(|uri| path_of(&Uri(uri.to_owned()))).collect();
    if folders.is_empty() {
        let uri = params.get("rootUri").and_then(Value::as_str).map(|uri| path_of(&Uri(uri.to_owned())));
        let path = params.get("rootPath").and_then(Value::as_str).map(PathBuf::from);
        folders.extend(uri.or(path));
    }
    folders
}

fn parse(document: &OpenDocument) -> Tree {
    let mut sources = Sources::default();
    let file = sources.add("document", Arc::clone(&document.text).as_ref());
    syntax::parse(&sources, file).tree
}
