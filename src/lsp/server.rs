//! The thread that speaks with the editor. It holds the documents, answers at once what their text alone can tell, and
//! hands everything else to the analysis, so that formatting waits for nothing.

use super::analysis::{Analysis, Job, Outbox, Waiting, read, refusal, write};
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
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, PoisonError};

/// Serves one editor until it says `exit` or is gone; whether it said goodbye before.
pub fn serve(connection: Connection, disk: Box<dyn FileSystem + Send>) -> bool {
    let sender = connection.sender.clone();
    let send = move |message| {
        // An editor that is gone needs no answer.
        let _ = sender.send(message);
    };
    let begin = |analysis: NewAnalysis, jobs: Receiver<Job>| {
        std::thread::spawn(move || analysis.make().run(&jobs));
    };
    let mut conversation = Conversation::new(Arc::new(send), disk, Box::new(begin));
    let mut messages = connection.receiver.iter();
    messages.find_map(|message| conversation.take(message)).unwrap_or(false)
}

/// How the analysis is started, once the editor is known.
pub(super) type Begin = Box<dyn FnOnce(NewAnalysis, Receiver<Job>)>;

/// What an analysis is made of, which has to be made where it works.
pub(super) struct NewAnalysis {
    disk: Box<dyn FileSystem + Send>,
    editor: Editor,
    waiting: Waiting,
    outbox: Outbox,
}

impl NewAnalysis {
    /// Makes it.
    pub(super) fn make(self) -> Analysis {
        let workspace = Workspace::new(Overlay::new(self.disk), self.editor.encoding);
        Analysis::new(workspace, self.editor, self.waiting, self.outbox)
    }
}

/// All that one editor says, and what is answered at once.
pub(super) struct Conversation {
    outbox: Outbox,
    /// What the server is made of, until the editor says who it is.
    beginning: Option<(Box<dyn FileSystem + Send>, Begin)>,
    server: Option<Server>,
    goodbye: bool,
}

impl Conversation {
    /// Nothing was said.
    pub(super) fn new(outbox: Outbox, disk: Box<dyn FileSystem + Send>, begin: Begin) -> Conversation {
        Conversation { outbox, beginning: Some((disk, begin)), server: None, goodbye: false }
    }

    /// Takes what the editor says. Once it says `exit`, whether it said goodbye before.
    pub(super) fn take(&mut self, message: Message) -> Option<bool> {
        match message {
            Message::Notification(note) if note.method == "exit" => return Some(self.goodbye),
            Message::Request(request) if self.goodbye => {
                let why = refusal(ErrorCode::InvalidRequest, "the server was asked to shut down");
                respond(&self.outbox, request.id, Err(why));
            }
            Message::Request(request) if request.method == "shutdown" => {
                self.goodbye = true;
                respond(&self.outbox, request.id, Ok(Value::Null));
            }
            Message::Request(request) => match (&mut self.server, self.beginning.take()) {
                (Some(server), _) => server.request(request),
                (None, Some((disk, begin))) if request.method == "initialize" => {
                    let (started, result) = Server::start(&self.outbox, disk, begin, &request.params);
                    self.server = Some(started);
                    respond(&self.outbox, request.id, result);
                }
                (None, beginning) => {
                    self.beginning = beginning;
                    let why = refusal(ErrorCode::ServerNotInitialized, "`initialize` comes first");
                    respond(&self.outbox, request.id, Err(why));
                }
            },
            Message::Notification(note) => {
                if let (Some(server), false) = (&mut self.server, self.goodbye) {
                    server.notification(note);
                }
            }
            Message::Response(_) => {}
        }
        None
    }
}

fn respond(outbox: &Outbox, id: RequestId, response_result: Result<Value, ResponseError>) {
    outbox(Response { id, response_result }.into());
}

struct Server {
    editor: Editor,
    documents: Documents,
    folders: Vec<PathBuf>,
    jobs: Sender<Job>,
    waiting: Waiting,
    outbox: Outbox,
}

impl Server {
    fn start(
        outbox: &Outbox,
        disk: Box<dyn FileSystem + Send>,
        begin: Begin,
        params: &Value,
    ) -> (Server, Result<Value, ResponseError>) {
        let editor = Editor::read(params);
        let (jobs, inbox) = mpsc::channel();
        let (waiting, outbox) = (Waiting::default(), Arc::clone(outbox));
        begin(NewAnalysis { disk, editor, waiting: waiting.clone(), outbox: Arc::clone(&outbox) }, inbox);
        let folders = folders(params);
        let server = Server { editor, documents: Documents::new(editor.encoding), folders, jobs, waiting, outbox };
        server.send(Job::Folders(server.folders.clone()));
        let info = ServerInfo { name: "polder".to_owned(), version: Some(env!("CARGO_PKG_VERSION").to_owned()) };
        let result = InitializeResult { capabilities: capabilities::of(editor), server_info: Some(info) };
        (server, write(result))
    }

    fn send(&self, job: Job) {
        // Without a receiver the analysis is gone, and so is the process soon.
        let _ = self.jobs.send(job);
    }

    fn request(&mut self, request: Request) {
        let own = match request.method.as_str() {
            "textDocument/formatting"
            | "textDocument/rangeFormatting"
            | "textDocument/foldingRange"
            | "textDocument/selectionRange" => true,
            "initialize" => {
                let why = refusal(ErrorCode::InvalidRequest, "`initialize` comes once");
                return respond(&self.outbox, request.id, Err(why));
            }
            _ => false,
        };
        if !own {
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(request.id.clone(), false);
            return self.send(Job::Request(request));
        }
        let Request { id, method, params } = request;
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(&method, params))).unwrap_or_else(|_| {
            Err(refusal(ErrorCode::InternalError, &format!("an internal error of polder, in {method}")))
        });
        respond(&self.outbox, id, answer);
    }

    /// Answers from the text of a document; nothing when it is not open.
    fn answer(&self, method: &str, params: Value) -> Result<Value, ResponseError> {
        let encoding = self.editor.encoding;
        match method {
            "textDocument/formatting" => {
                let uri = read::<DocumentFormattingParams>(params)?.text_document.uri;
                self.format(&uri, None)
            }
            "textDocument/rangeFormatting" => {
                let DocumentRangeFormattingParams { text_document, range, .. } = read(params)?;
                self.format(&text_document.uri, Some(range))
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
    fn format(&self, uri: &Uri, within: Option<Range>) -> Result<Value, ResponseError> {
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
        (self.outbox)(Message::Notification(note));
        write(())
    }

    fn notification(&mut self, note: Notification) {
        let Notification { method, params } = note;
        // Of what cannot be read nothing is known; there is nobody to tell.
        let _ = catch_unwind(AssertUnwindSafe(|| self.note(&method, params)));
    }

    fn note(&mut self, method: &str, params: Value) -> Result<(), ResponseError> {
        match method {
            "initialized" => self.watch(),
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
    fn watch(&self) {
        if !self.editor.watches {
            return;
        }
        let globs = ["**/*.polder", "**/polder.toml", "**/.gitignore", "**/*.csv"];
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
        (self.outbox)(Message::Request(request));
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
