//! `cargo bench --bench lsp`: from a key stroke to what is wrong, in a program of 10,000 lines in 50 files, and how long
//! an editor waits for everything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod programs;

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use polder::diag::Levels;
use polder::lsp::serve;
use polder::session::{Memory, Project, Session, Settings};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const FILES: usize = 50;
const LINES: usize = 10_000;

/// Key strokes that are measured.
const STROKES: usize = 300;

struct Editor {
    connection: Connection,
    version: i64,
    asked: i32,
}

impl Editor {
    fn notify(&self, method: &str, params: Value) {
        let note = Notification { method: method.to_owned(), params };
        self.connection.sender.send(Message::Notification(note)).unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        let request = Request { id: id.clone(), method: method.to_owned(), params };
        self.connection.sender.send(Message::Request(request)).unwrap();
        loop {
            if let Message::Response(response) = self.connection.receiver.recv().unwrap() {
                assert_eq!(response.id, id);
                return response.response_result.unwrap();
            }
        }
    }

    /// Replaces a part of a line.
    fn edit(&mut self, line: usize, from: usize, to: usize, text: &str) {
        self.version += 1;
        let range = json!({ "start": place(line, from), "end": place(line, to) });
        let document = json!({ "uri": "file:///p/team-7.polder", "version": self.version });
        let changes = json!([{ "range": range, "text": text }]);
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Waits until the last edit has been judged; gives the number of findings in the document.
    fn judged(&self) -> usize {
        loop {
            let Message::Notification(note) = self.connection.receiver.recv().unwrap() else { continue };
            if note.method == "textDocument/publishDiagnostics" && note.params["version"] == self.version {
                return note.params["diagnostics"].as_array().unwrap().len();
            }
        }
    }
}

fn place(line: usize, character: usize) -> Value {
    json!({ "line": line, "character": character })
}

/// A clock that others on the machine do not move: what all threads of this process have computed. Where the system does
/// not tell, time as it passes.
struct Clock {
    wall: Instant,
    busy: Option<Duration>,
}

impl Clock {
    fn start() -> Clock {
        Clock { wall: Instant::now(), busy: busy() }
    }

    fn elapsed(&self) -> Times {
        let wall = self.wall.elapsed();
        Times { wall, busy: self.busy.zip(busy()).map_or(wall, |(before, now)| now.saturating_sub(before)) }
    }
}

#[derive(Clone, Copy)]
struct Times {
    wall: Duration,
    busy: Duration,
}

fn busy() -> Option<Duration> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Some(Duration::from_nanos(nanos.sum()))
}

/// The stages of one key stroke, one by one.
fn stages(files: &[(String, String)]) {
    let disk = |extra: &str| {
        let disk = Memory::default().with("/p/polder.toml", "");
        files.iter().enumerate().fold(disk, |disk, (index, (name, text))| {
            let text = if index == 7 { format!("{extra}{text}") } else { text.clone() };
            disk.with(format!("/p/{name}"), text)
        })
    };
    let settings = || Settings { references: true, ..Settings::default() };
    let mut session = Session::new(Project::load(&disk(""), Path::new("/p"), &[]), settings());
    let mut times: [(&str, Vec<Times>); 6] =
        ["load", "parse", "resolve", "lower", "plan", "findings"].map(|name| (name, Vec::new()));
    for count in 0..20 {
        let disk = disk(&"#".repeat(count % 2 + 1));
        session.trees();
        let start = Clock::start();
        session = session.again(Project::load(&disk, Path::new("/p"), &[]), settings());
        times[0].1.push(start.elapsed());
        let steps: [&dyn Fn(&Session); 5] = [
            &|session| assert!(!session.trees().is_empty()),
            &|session| assert!(session.model().is_some()),
            &|session| assert!(session.flows().is_some()),
            &|session| assert!(session.policies().is_some()),
            &|session| assert!(session.findings(&Levels::default()).len() < usize::MAX),
        ];
        for (step, (_, times)) in steps.iter().zip(times.iter_mut().skip(1)) {
            let start = Clock::start();
            step(&session);
            times.push(start.elapsed());
        }
    }
    for (name, times) in times {
        show(name, times);
    }
}

/// As the command has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    stages(&programs::files(FILES, LINES));
    let files = programs::files(FILES, LINES);
    let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
    let disk = files.iter().fold(Memory::default().with("/p/polder.toml", ""), |disk, (name, text)| {
        disk.with(format!("/p/{name}"), text.clone())
    });
    let (client, server) = Connection::memory();
    let thread = std::thread::spawn(move || serve(server, Box::new(disk)));
    let mut editor = Editor { connection: client, version: 1, asked: 0 };
    editor.ask("initialize", json!({ "capabilities": {}, "workspaceFolders": [{ "uri": "file:///p", "name": "p" }] }));
    let text = &files[7].1;
    let start = Clock::start();
    let item = json!({ "uri": "file:///p/team-7.polder", "languageId": "polder", "version": 1, "text": text });
    editor.notify("textDocument/didOpen", json!({ "textDocument": item }));
    let found = editor.judged();
    println!(
        "{lines} lines in {FILES} files; opened and judged in {:.1?}, {found} findings in the open file",
        start.elapsed().wall
    );

    // A flow that is typed behind an existing one: most states are half written, the last of each round is whole.
    let line = text.lines().position(|line| line.contains("->")).unwrap();
    let typed = "  service-3 -> service-6:http";
    editor.edit(line, 0, 0, "\n");
    editor.judged();
    let (mut whole, mut broken, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    while whole.len() + broken.len() < STROKES {
        for at in 0..typed.len() {
            let start = Clock::start();
            editor.edit(line, at, at, &typed[at..=at]);
            editor.judged();
            if typed[..=at].ends_with("service-6") || at + 1 == typed.len() {
                whole.push(start.elapsed())
            } else {
                broken.push(start.elapsed())
            }
            let start = Clock::start();
            let params =
                json!({ "textDocument": { "uri": "file:///p/team-7.polder" }, "position": place(line, at + 1) });
            editor.ask("textDocument/completion", params);
            replies.push(start.elapsed());
        }
        editor.edit(line, 0, typed.len(), "");
        editor.judged();
    }
    // A name in a program that stays right: every stage runs each time.
    let mut right = Vec::new();
    for count in 0..STROKES {
        let start = Clock::start();
        editor.edit(0, 1, 1 + count % 2, if count % 2 == 0 { "x" } else { "" });
        editor.judged();
        right.push(start.elapsed());
    }
    show("a key stroke, program with an error", broken);
    show("a key stroke that makes it whole", whole);
    show("a key stroke, program without errors", right);
    show("completion", replies);
    let document = json!({ "textDocument": { "uri": "file:///p/team-7.polder" } });
    let with = |more: Value| {
        let mut params = document.clone();
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let all = json!({ "start": place(0, 0), "end": place(999, 0) });
    for (method, params) in [
        ("textDocument/formatting", with(json!({ "options": { "tabSize": 2, "insertSpaces": true } }))),
        ("textDocument/hover", with(json!({ "position": place(5, 10) }))),
        (
            "textDocument/references",
            with(json!({ "position": place(5, 10), "context": { "includeDeclaration": true } })),
        ),
        ("textDocument/rename", with(json!({ "position": place(5, 10), "newName": "renamed" }))),
        ("textDocument/semanticTokens/full", document.clone()),
        ("textDocument/codeLens", document.clone()),
        ("textDocument/inlayHint", with(json!({ "range": all }))),
        ("textDocument/codeAction", with(json!({ "range": all, "context": { "diagnostics": [] } }))),
        ("workspace/symbol", json!({ "query": "service-1" })),
    ] {
        let times = (0..20).map(|_| {
            let start = Clock::start();
            editor.ask(method, params.clone());
            start.elapsed()
        });
        show(method, times.collect());
    }
    editor.ask("shutdown", Value::Null);
    editor.notify("exit", Value::Null);
    assert!(thread.join().unwrap());
}

fn show(what: &str, times: Vec<Times>) {
    let at = |percent: usize, of: fn(&Times) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(of).collect();
        sorted.sort_unstable();
        sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1e3
    };
    let wall = |times: &Times| times.wall;
    let busy = |times: &Times| times.busy;
    println!(
        "{what:<40} p50 {:>7.2} ms  p95 {:>7.2} ms  most {:>7.2} ms   computing: p50 {:>6.2} ms  p95 {:>6.2} ms",
        at(50, wall),
        at(95, wall),
        at(100, wall),
        at(50, busy),
        at(95, busy),
    );
}
