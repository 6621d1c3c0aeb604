//! The thread that knows programs: it takes edits and requests in the order in which they came, and says what is wrong
//! whenever nothing else is waiting.

use super::actions::actions;
use super::capabilities::Editor;
use super::edits::workspace_edit;
use super::program::Program;
use super::workspace::Workspace;
use super::{
    command, completion, diagnostics, graph, hierarchy, hover, import, inlay, lens, navigation, paste, rename, symbols,
    tokens,
};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use lsp_types::{
    CallHierarchyIncomingCallsParams, CallHierarchyOutgoingCallsParams, CodeActionParams, Diagnostic,
    DocumentSymbolParams, ExecuteCommandParams, InlayHintParams, Position, PrepareRenamePlaceholder,
    PublishDiagnosticsParams, Range, ReferenceParams, RenameParams, SemanticTokensRangeParams, TextDocumentIdentifier,
    TextDocumentPositionParams, Uri, WorkspaceSymbolParams,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};

/// Symbols of a workspace that are sent, at most.
const MOST_SYMBOLS: usize = 500;

/// Something to do.
pub(super) enum Job {
    /// A document was opened.
    Open(Uri, i32, Arc<str>),
    /// A document has another text.
    Change(Uri, i32, Arc<str>),
    /// A document was closed.
    Close(Uri),
    /// Files have changed on the disk.
    Changed,
    /// These folders are open.
    Folders(Vec<PathBuf>),
    /// Something was asked.
    Request(Request),
}

/// The requests that wait for an answer; `true` when the editor does not want it any more.
pub(super) type Waiting = Arc<Mutex<HashMap<RequestId, bool>>>;

/// Where messages to the editor go.
pub(super) type Outbox = Arc<dyn Fn(Message) + Send + Sync>;

/// What is shown of a file: the version, and what is wrong.
type Shown = (Option<i32>, Vec<Diagnostic>);

type Reply = Result<Value, ResponseError>;

/// The state of the thread.
pub(super) struct Analysis {
    workspace: Workspace,
    editor: Editor,
    waiting: Waiting,
    outbox: Outbox,
    published: BTreeMap<String, Shown>,
    /// Whether something has changed since diagnostics were sent.
    dirty: bool,
    /// How many requests were sent to the editor.
    asked: i32,
}

impl Analysis {
    /// Nothing is known.
    pub(super) fn new(workspace: Workspace, editor: Editor, waiting: Waiting, outbox: Outbox) -> Analysis {
        Analysis { workspace, editor, waiting, outbox, published: BTreeMap::new(), dirty: false, asked: 0 }
    }

    /// Works until nobody sends any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut queue = VecDeque::new();
        loop {
            if queue.is_empty() && !self.dirty {
                match jobs.recv() {
                    Ok(job) => queue.push_back(job),
                    Err(_) => return,
                }
            }
            if take_all(jobs, &mut queue) {
                return;
            }
            self.step(jobs, &mut queue);
        }
    }

    /// Works until there is nothing to do.
    pub(super) fn settle(&mut self, jobs: &Receiver<Job>) {
        let mut queue = VecDeque::new();
        take_all(jobs, &mut queue);
        while self.dirty || !queue.is_empty() {
            self.step(jobs, &mut queue);
            take_all(jobs, &mut queue);
        }
    }

    /// Does what comes first, or says what is wrong where nothing waits.
    fn step(&mut self, jobs: &Receiver<Job>, queue: &mut VecDeque<Job>) {
        match queue.pop_front() {
            Some(job) => self.handle(job),
            None => {
                let published = catch_unwind(AssertUnwindSafe(|| self.publish(jobs, queue)));
                if published.is_err() {
                    // The same text would end the same way: wait for another.
                    self.dirty = false;
                    self.recover();
                }
            }
        }
    }

    fn handle(&mut self, job: Job) {
        let Job::Request(request) = job else {
            self.dirty = true;
            if catch_unwind(AssertUnwindSafe(|| self.note(job))).is_err() {
                self.recover();
            }
            return;
        };
        let Request { id, method, params } = request;
        let answer = if self.is_unwanted(&id) {
            Err(refusal(ErrorCode::RequestCanceled, "the editor does not want the answer any more"))
        } else {
            catch_unwind(AssertUnwindSafe(|| self.answer(&method, params))).unwrap_or_else(|_| {
                self.recover();
                Err(refusal(ErrorCode::InternalError, &format!("an internal error of polder, in {method}")))
            })
        };
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        (self.outbox)(Response { id, response_result: answer }.into());
    }

    fn is_unwanted(&self, id: &RequestId) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or(false)
    }

    /// What was derived may be half done; what the editor holds is not.
    fn recover(&mut self) {
        self.workspace.reset();
        let message = "polder: an internal error; please report it with the program, standard error says where it was";
        self.tell("window/logMessage", &json!({ "type": 1, "message": message }));
    }

    fn tell(&self, method: &str, params: &impl Serialize) {
        (self.outbox)(Message::Notification(Notification::new(method.to_owned(), params)));
    }

    fn note(&mut self, job: Job) {
        match job {
            Job::Open(uri, version, text) => self.workspace.open(&uri, version, text),
            Job::Change(uri, version, text) => self.workspace.change(&uri, version, text),
            Job::Close(uri) => self.workspace.close(&uri),
            Job::Changed => self.workspace.unsettle(),
            Job::Folders(folders) => self.workspace.set_folders(folders),
            Job::Request(_) => {}
        }
    }

    /// Sends what is wrong with all programs, unless something comes in before it is found.
    fn publish(&mut self, jobs: &Receiver<Job>, queue: &mut VecDeque<Job>) {
        let mut files: BTreeMap<String, Shown> =
            self.workspace.documents().map(|(uri, version)| (uri.0.clone(), (Some(version), Vec::new()))).collect();
        let mut is_news = false;
        for program in self.workspace.programs() {
            is_news |= program.has_log() && program.seen_so_far().is_none();
            let stages: [&dyn Fn(&Program) -> bool; 6] = [
                &|program| program.session().trees().is_empty(),
                &|program| program.session().model().is_some(),
                &|program| program.session().flows().is_some(),
                &|program| program.session().policies().is_some(),
                &|program| program.reports().is_empty(),
                &|program| program.reports_of_log().is_empty(),
            ];
            for stage in stages {
                if take_all(jobs, queue) || !queue.is_empty() {
                    return;
                }
                stage(program);
            }
            for (uri, found) in diagnostics::all(program) {
                let (_, list) = files.entry(uri).or_default();
                // A file of two projects is told once what is wrong with it in both.
                let new: Vec<Diagnostic> = found.into_iter().filter(|one| !list.contains(one)).collect();
                list.extend(new);
            }
        }
        self.dirty = false;
        let before = std::mem::take(&mut self.published);
        for (uri, shown) in &files {
            if before.get(uri) != Some(shown) {
                self.show(uri, shown);
            }
        }
        for uri in before.keys().filter(|uri| !files.contains_key(*uri)) {
            self.show(uri, &(None, Vec::new()));
        }
        files.retain(|_, (version, list)| version.is_some() || !list.is_empty());
        self.published = files;
        self.refresh();
        let is_refreshed = self.workspace.documents().count() > 1;
        if is_news && !is_refreshed && self.editor.refreshes.lenses {
            self.request("workspace/codeLens/refresh");
        }
    }

    /// Asks the editor for something that has no parameters.
    fn request(&mut self, method: &str) {
        self.asked += 1;
        let id = RequestId::from(format!("polder-{}", self.asked));
        (self.outbox)(Message::Request(Request { id, method: method.to_owned(), params: Value::Null }));
    }

    fn show(&self, uri: &str, (version, diagnostics): &Shown) {
        let params =
            PublishDiagnosticsParams { uri: Uri(uri.to_owned()), version: *version, diagnostics: diagnostics.clone() };
        self.tell("textDocument/publishDiagnostics", &params);
    }

    /// An edit in one document changes what is shown in the others.
    fn refresh(&mut self) {
        if self.workspace.documents().count() < 2 {
            return;
        }
        let can = self.editor.refreshes;
        for (method, can) in [
            ("workspace/semanticTokens/refresh", can.tokens),
            ("workspace/codeLens/refresh", can.lenses),
            ("workspace/inlayHint/refresh", can.hints),
        ] {
            if can {
                self.request(method);
            }
        }
    }

    fn answer(&mut self, method: &str, params: Value) -> Reply {
        match method {
            "textDocument/completion" => {
                let snippets = self.editor.snippets;
                self.at(params, |program, spot| completion::complete(program, spot, snippets))
            }
            "textDocument/hover" => self.at(params, hover::hover),
            "textDocument/definition" => self.at(params, |program, spot| Some(navigation::definition(program, spot))),
            "textDocument/documentHighlight" => {
                self.at(params, |program, spot| Some(navigation::highlight(program, spot)))
            }
            "textDocument/references" => {
                let declarations = read::<ReferenceParams>(params.clone())?.context.include_declaration;
                self.at(params, |program, spot| Some(navigation::references(program, spot, declarations)))
            }
            "textDocument/prepareCallHierarchy" => {
                self.at(params, |program, spot| Some(hierarchy::prepare(program, spot)))
            }
            "callHierarchy/incomingCalls" => {
                let item = read::<CallHierarchyIncomingCallsParams>(params)?.item;
                let found = self.workspace.find(&item.uri);
                write(found.map(|(program, _)| hierarchy::incoming(program, &item)))
            }
            "callHierarchy/outgoingCalls" => {
                let item = read::<CallHierarchyOutgoingCallsParams>(params)?.item;
                let found = self.workspace.find(&item.uri);
                write(found.map(|(program, _)| hierarchy::outgoing(program, &item)))
            }
            "textDocument/prepareRename" => self.prepare_rename(params),
            "textDocument/rename" => self.rename(params),
            "textDocument/documentSymbol" => {
                let uri = read::<DocumentSymbolParams>(params)?.text_document.uri;
                write(self.workspace.find(&uri).map(|(program, file)| symbols::document(program, file)))
            }
            "workspace/symbol" => {
                let query = read::<WorkspaceSymbolParams>(params)?.query;
                let programs = self.workspace.programs();
                let mut found: Vec<_> =
                    programs.into_iter().flat_map(|program| symbols::workspace(program, &query)).collect();
                found.truncate(MOST_SYMBOLS);
                write(found)
            }
            "textDocument/codeAction" => {
                let params = read::<CodeActionParams>(params)?;
                let kinds = params.context.only.as_deref();
                if kinds.is_some_and(|kinds| !kinds.iter().any(|kind| "quickfix".starts_with(&kind.to_string()))) {
                    return write(Vec::<Value>::new());
                }
                let (versioned, uri) = (self.editor.versioned, &params.text_document.uri);
                let Some((program, file)) = self.workspace.find(uri) else { return write(()) };
                let told = params.context.diagnostics.iter().map(|one| offsets(program, file, one.range));
                let told: Vec<std::ops::Range<usize>> = told.collect();
                let within = offsets(program, file, params.range);
                let mends = actions(program, file, within.clone(), &told, versioned);
                let pasted = paste::action(&mut self.workspace, uri, &within, &told, versioned);
                write(pasted.into_iter().chain(mends).collect::<Vec<_>>())
            }
            "textDocument/codeLens" => {
                let uri = document(params)?;
                // Who asks again once more is known does not wait.
                let waits = !self.editor.refreshes.lenses;
                write(self.workspace.find(&uri).map(|(program, file)| lens::lenses(program, file, waits)))
            }
            "textDocument/inlayHint" => {
                let InlayHintParams { text_document, range, .. } = read(params)?;
                let found = self.workspace.find(&text_document.uri);
                write(found.map(|(program, file)| inlay::hints(program, file, range)))
            }
            "textDocument/semanticTokens/full" => {
                let uri = document(params)?;
                let found = self.workspace.find(&uri);
                write(found.map(|(program, file)| tokens::tokens(program, file, 0..usize::MAX)))
            }
            "textDocument/semanticTokens/range" => {
                let SemanticTokensRangeParams { text_document, range, .. } = read(params)?;
                let found = self.workspace.find(&text_document.uri);
                write(found.map(|(program, file)| tokens::tokens(program, file, offsets(program, file, range))))
            }
            "workspace/executeCommand" => self.execute(params),
            graph::METHOD => {
                let params: graph::GraphParams = read(params)?;
                let Some((program, _)) = self.workspace.find(&params.text_document.uri) else { return write(()) };
                graph::graph(program, &params)
            }
            import::METHOD => import::import(self.workspace.overlay(), self.editor.encoding, read(params)?),
            _ => Err(refusal(ErrorCode::MethodNotFound, &format!("polder does not know {method}"))),
        }
    }

    /// An answer about a place; nothing when the document is not of a program.
    fn at<T: Serialize>(
        &mut self,
        params: Value,
        answer: impl FnOnce(&Program, super::program::FileSpot) -> Option<T>,
    ) -> Reply {
        let TextDocumentPositionParams { text_document, position } = read(params)?;
        let found = self.workspace.spot(&text_document.uri, position);
        write(found.and_then(|(program, spot)| answer(program, spot)))
    }

    fn prepare_rename(&mut self, params: Value) -> Reply {
        let TextDocumentPositionParams { text_document, position } = read(params)?;
        let Some((program, spot)) = self.workspace.spot(&text_document.uri, position) else { return write(()) };
        let (_, span) = rename::prepare(program, spot).map_err(|why| refusal(ErrorCode::RequestFailed, &why))?;
        let placeholder = program.span_text(span).to_owned();
        write(PrepareRenamePlaceholder { range: program.range(span), placeholder })
    }

    fn rename(&mut self, params: Value) -> Reply {
        let RenameParams { new_name, text_document_position_params, .. } = read(params)?;
        let TextDocumentPositionParams { text_document, position } = text_document_position_params;
        let refused = |why: String| refusal(ErrorCode::RequestFailed, &why);
        let Some((program, spot)) = self.workspace.spot(&text_document.uri, position) else { return write(()) };
        let plan = rename::plan(program, spot, &new_name).map_err(refused)?;
        let edit = workspace_edit(program, &plan.changes, self.editor.versioned);
        let changed = self.workspace.with_changes(&text_document.uri, &plan.texts);
        changed.map_or(Ok(()), |changed| plan.check(&changed)).map_err(refused)?;
        write(edit)
    }

    fn execute(&mut self, params: Value) -> Reply {
        let ExecuteCommandParams { command, arguments, .. } = read(params)?;
        let arguments: Vec<Value> = arguments.into_iter().flatten().collect();
        let text = |at: usize| arguments.get(at).and_then(Value::as_str);
        let uri = || text(0).map(|uri| Uri(uri.to_owned()));
        match command.as_str() {
            command::MANIFESTS => {
                let program = uri().and_then(|uri| self.workspace.find(&uri)).map(|(program, _)| program);
                write(program.and_then(|program| command::manifests(program, text(1))))
            }
            command::REACH => {
                let at: Option<Position> = arguments.get(1).cloned().and_then(|at| serde_json::from_value(at).ok());
                let spot = uri().zip(at).and_then(|(uri, at)| self.workspace.spot(&uri, at));
                write(spot.and_then(|(program, spot)| command::reach(program, spot)))
            }
            command::EXPLAIN => write(text(0).and_then(command::explain)),
            _ => Err(refusal(ErrorCode::InvalidParams, &format!("polder has no command {command}"))),
        }
    }
}

/// Takes everything that has come in; whether nothing will come any more.
fn take_all(jobs: &Receiver<Job>, queue: &mut VecDeque<Job>) -> bool {
    loop {
        match jobs.try_recv() {
            Ok(job) => queue.push_back(job),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => return queue.is_empty(),
        }
    }
}

fn offsets(program: &Program, file: crate::source::FileId, range: Range) -> std::ops::Range<usize> {
    program.offset(file, range.start)..program.offset(file, range.end)
}

/// The document that a request is about.
fn document(params: Value) -> Result<Uri, ResponseError> {
    let document = params.get("textDocument").cloned().unwrap_or_default();
    read::<TextDocumentIdentifier>(document).map(|document| document.uri)
}

/// The parameters of a request.
pub(super) fn read<T: DeserializeOwned>(params: Value) -> Result<T, ResponseError> {
    serde_json::from_value(params).map_err(|error| refusal(ErrorCode::InvalidParams, &error.to_string()))
}

/// The answer to a request.
pub(super) fn write(result: impl Serialize) -> Reply {
    serde_json::to_value(result).map_err(|error| refusal(ErrorCode::InternalError, &error.to_string()))
}

/// Why there is no answer.
pub(super) fn refusal(code: ErrorCode, message: &str) -> ResponseError {
    ResponseError { code: code as i32, message: message.to_owned(), data: None }
}
