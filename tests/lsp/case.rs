//! A case: sources with places marked `<|NAME|>`, and questions about them with the expected answers.

use crate::lsp::client::{Client, Files, edited, offset, position, uri};
use serde_json::{Value, json};
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The capabilities of the editor that asks.
pub(super) fn editor() -> Value {
    json!({
        "workspace": { "workspaceEdit": { "documentChanges": true } },
        "textDocument": { "completion": { "completionItem": { "snippetSupport": false } } },
    })
}

/// A section of a case: what its first line says, and the text below.
pub(super) struct Section {
    pub head: String,
    pub body: String,
}

pub(super) fn sections(text: &str) -> Vec<Section> {
    let mut sections = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(head) = line.strip_prefix("=== ") {
            sections.push(Section { head: head.trim().to_owned(), body: String::new() });
        } else if let Some(Section { body, .. }) = sections.last_mut() {
            body.push_str(line);
        }
    }
    sections
}

/// Runs the questions of a case; gives the case with the answers that came.
pub(super) fn run(text: &str) -> String {
    let sections = sections(text);
    let files = Files::default();
    let mut asker = Asker { client: None, texts: BTreeMap::new(), marks: BTreeMap::new() };
    for Section { head, body } in &sections {
        if let Some(name) = head.strip_prefix("file ").or_else(|| head.strip_prefix("disk ")) {
            let body = body.strip_suffix("\n\n").map_or(body.clone(), |body| format!("{body}\n"));
            let text = asker.mark(name, &body);
            files.set(&path(name), &text);
            asker.texts.insert(path(name), text);
        }
    }
    let mut client = Client::start_with(&files, &["/p"], editor());
    for Section { head, .. } in &sections {
        if let Some(name) = head.strip_prefix("file ").filter(|name| name.ends_with(".polder")) {
            client.open(&path(name), &asker.texts[&path(name)]);
        }
    }
    client.settle();
    asker.client = Some(client);
    let mut result = text[..text.find("=== ").unwrap()].to_owned();
    for Section { head, body } in &sections {
        writeln!(result, "=== {head}").unwrap();
        match head.strip_prefix("ask ") {
            None => result.push_str(body),
            Some(question) => {
                let answer = asker.ask(question);
                result.push_str(answer.trim_end());
                result.push_str("\n\n");
            }
        }
    }
    assert!(asker.client.unwrap().stop(), "an orderly end");
    format!("{}\n", result.trim_end())
}

fn path(name: &str) -> String {
    format!("/p/{name}")
}

struct Asker {
    client: Option<Client>,
    texts: BTreeMap<String, String>,
    marks: BTreeMap<String, (String, usize)>,
}

impl Asker {
    /// Takes the marks out of a text.
    fn mark(&mut self, name: &str, body: &str) -> String {
        let mut text = String::new();
        let mut rest = body;
        while let Some((before, behind)) = rest.split_once("<|") {
            text.push_str(before);
            let (mark, behind) = behind.split_once("|>").expect("a mark ends with |>");
            let known = self.marks.insert(mark.to_owned(), (path(name), text.len()));
            assert!(known.is_none(), "{mark} is marked twice");
            rest = behind;
        }
        text + rest
    }

    fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.client.as_mut().unwrap().request(method, params)
    }

    /// A marked place as parameters.
    fn place(&self, mark: &str) -> (String, Value) {
        let (path, offset) = self.marks.get(mark).unwrap_or_else(|| panic!("no mark {mark}"));
        (path.clone(), position(&self.texts[path], *offset))
    }

    fn at(&mut self, method: &str, mark: &str, more: Value) -> Result<Value, String> {
        let (path, position) = self.place(mark);
        let mut params = json!({ "textDocument": { "uri": uri(&path) }, "position": position });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.request(method, params)
    }

    fn of(&mut self, method: &str, name: &str, more: Value) -> Result<Value, String> {
        let mut params = json!({ "textDocument": { "uri": uri(&path(name)) } });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.request(method, params)
    }

    #[expect(clippy::too_many_lines, reason = "a table of what can be asked")]
    fn ask(&mut self, question: &str) -> String {
        let words: Vec<&str> = question.split_whitespace().collect();
        let (what, first) = (words[0], words.get(1).copied().unwrap_or(""));
        let second = words.get(2).copied().unwrap_or("");
        let answer = match what {
            "diagnostics" => return self.diagnostics(),
            "completion" => self.completion(first, question.split_once(first).unwrap().1.trim_start_matches(' ')),
            "hover" => self.at("textDocument/hover", first, json!({})).map(|hover| self.hover(first, &hover)),
            "definition" => self.at("textDocument/definition", first, json!({})).map(|list| self.locations(&list)),
            "references" => {
                let context = json!({ "context": { "includeDeclaration": second != "uses" } });
                self.at("textDocument/references", first, context).map(|list| self.locations(&list))
            }
            "highlight" => {
                let path = self.place(first).0;
                self.at("textDocument/documentHighlight", first, json!({})).map(|list| {
                    lines(&list, |one| {
                        format!(
                            "{} {}",
                            self.part(&path, &one["range"]),
                            kind(&one["kind"], &["", "text", "read", "write"])
                        )
                    })
                })
            }
            "prepare-rename" => {
                let path = self.place(first).0;
                self.at("textDocument/prepareRename", first, json!({})).map(|found| self.part(&path, &found["range"]))
            }
            "rename" => {
                let new = json!({ "newName": second });
                self.at("textDocument/rename", first, new).map(|edit| self.changes(&edit))
            }
            "symbols" => self.of("textDocument/documentSymbol", first, json!({})).map(|list| {
                let mut text = String::new();
                self.symbols(&path(first), &list, 0, &mut text);
                text
            }),
            "workspace-symbols" => self.request("workspace/symbol", json!({ "query": first })).map(|list| {
                lines(&list, |one| {
                    let place = self.location(&one["location"]);
                    format!("{} ({}) {place}", one["name"].as_str().unwrap(), one["containerName"].as_str().unwrap())
                })
            }),
            "format" => {
                let options = json!({ "options": { "tabSize": 2, "insertSpaces": true } });
                self.of("textDocument/formatting", first, options).map(|edits| self.difference(&path(first), &edits))
            }
            "format-range" => {
                let (path, from) = self.place(first);
                let to = self.place(second).1;
                let params = json!({
                    "textDocument": { "uri": uri(&path) },
                    "range": { "start": from, "end": to },
                    "options": { "tabSize": 2, "insertSpaces": true },
                });
                self.request("textDocument/rangeFormatting", params).map(|edits| self.difference(&path, &edits))
            }
            "folding" => self.of("textDocument/foldingRange", first, json!({})).map(|list| {
                lines(&list, |one| {
                    let kind = one["kind"].as_str().map(|kind| format!(" {kind}")).unwrap_or_default();
                    let line = |key: &str| one[key].as_u64().unwrap() + 1;
                    format!("{}-{}{kind}", line("startLine"), line("endLine"))
                })
            }),
            "selection" => {
                let (path, position) = self.place(first);
                let params = json!({ "textDocument": { "uri": uri(&path) }, "positions": [position] });
                self.request("textDocument/selectionRange", params).map(|list| self.selection(&path, &list[0]))
            }
            "tokens" => self
                .of("textDocument/semanticTokens/full", first, json!({}))
                .map(|tokens| self.tokens(&path(first), &tokens)),
            "tokens-range" => {
                let (path, from) = self.place(first);
                let range = json!({ "start": from, "end": self.place(second).1 });
                let params = json!({ "textDocument": { "uri": uri(&path) }, "range": range });
                self.request("textDocument/semanticTokens/range", params).map(|tokens| self.tokens(&path, &tokens))
            }
            "hints" => {
                let end = position(&self.texts[&path(first)], self.texts[&path(first)].len());
                let range = json!({ "range": { "start": { "line": 0, "character": 0 }, "end": end } });
                self.of("textDocument/inlayHint", first, range).map(|list| {
                    let text = &self.texts[&path(first)];
                    let edits: Vec<Value> = list
                        .as_array()
                        .unwrap()
                        .iter()
                        .flat_map(|hint| hint["textEdits"].as_array().unwrap().clone())
                        .collect();
                    assert!(
                        list.as_array().unwrap().iter().all(|hint| hint["label"] == hint["textEdits"][0]["newText"])
                    );
                    difference(text, &edited(text, &edits))
                })
            }
            "actions" => self.actions(first),
            "graph" => {
                let namespaces: Vec<&str> = words[2..].to_vec();
                self.of("polder/graph", first, json!({ "namespaces": namespaces })).map(|answer| self.graph(&answer))
            }
            "import" => {
                let mut more = json!({});
                if !second.is_empty() {
                    more = json!({ "range": { "start": self.place(second).1, "end": self.place(words[3]).1 } });
                }
                self.of("polder/import", first, more).map(|answer| imported(&answer))
            }
            "lenses" => self.of("textDocument/codeLens", first, json!({})).map(|list| {
                lines(&list, |one| {
                    format!("{}: {}", self.part(&path(first), &one["range"]), one["command"]["title"].as_str().unwrap())
                })
            }),
            "incoming" | "outgoing" => self.calls(what, first),
            "command" => {
                let mut arguments: Vec<Value> = words[2..].iter().map(|word| json!(word)).collect();
                if let Some(name) = words.get(2).filter(|name| name.ends_with(".polder")) {
                    arguments[0] = json!(uri(&path(name)));
                }
                if let Some((path, position)) =
                    words.get(2).filter(|mark| self.marks.contains_key(**mark)).map(|mark| self.place(mark))
                {
                    arguments = vec![json!(uri(&path)), position];
                }
                self.request("workspace/executeCommand", json!({ "command": first, "arguments": arguments }))
                    .map(|text| text.as_str().unwrap_or("nothing").to_owned())
            }
            other => panic!("nobody knows how to ask for {other}"),
        };
        match answer {
            Ok(answer) if answer.is_empty() => "nothing".to_owned(),
            Ok(answer) => answer,
            Err(message) => format!("refused: {message}"),
        }
    }

    /// What is offered after a text has been typed; `_` stands for a space at its end.
    fn completion(&mut self, mark: &str, typed: &str) -> Result<String, String> {
        let typed = typed.replace('_', " ").replace('⏎', "\n");
        let (path, at) = self.marks[mark].clone();
        let client = self.client.as_mut().unwrap();
        client.edit(&path, at..at, &typed);
        let position = position(client.text(&path), at + typed.len());
        let params = json!({ "textDocument": { "uri": uri(&path) }, "position": position });
        let list = client.request("textDocument/completion", params);
        client.edit(&path, at..at + typed.len(), "");
        list.map(|list| completion(&list))
    }

    fn diagnostics(&self) -> String {
        let mut text = String::new();
        for (uri, (_, list)) in &self.client.as_ref().unwrap().diagnostics {
            let path = uri.strip_prefix("file://").unwrap();
            for one in list {
                let severity = kind(&one["severity"], &["", "error", "warning"]);
                let tags = if one["tags"].is_null() { "" } else { " (needless)" };
                let place = self.place_of(path, &one["range"]);
                writeln!(text, "{place} {severity} {}{tags}", one["code"].as_str().unwrap()).unwrap();
                for line in one["message"].as_str().unwrap().lines() {
                    writeln!(text, "  {line}").unwrap();
                }
                for related in one["relatedInformation"].as_array().into_iter().flatten() {
                    let (place, message) = (self.location(&related["location"]), related["message"].as_str().unwrap());
                    writeln!(text, "  - {place}: {message}").unwrap();
                }
            }
        }
        if text.is_empty() { "nothing".to_owned() } else { text }
    }

    fn hover(&self, mark: &str, hover: &Value) -> String {
        if hover.is_null() {
            return String::new();
        }
        let path = self.place(mark).0;
        format!("on {}\n{}", self.part(&path, &hover["range"]), hover["contents"]["value"].as_str().unwrap())
    }

    fn location(&self, location: &Value) -> String {
        let path = location["uri"].as_str().unwrap().strip_prefix("file://").unwrap();
        self.place_of(path, &location["range"])
    }

    /// A picture: its parts in words, each with where it is written.
    fn graph(&self, answer: &Value) -> String {
        let Some(svg) = answer["svg"].as_str() else { return "nothing".to_owned() };
        assert!(svg.starts_with("<svg "), "{svg}");
        let (graph, places) = (&answer["graph"], &answer["places"]);
        let mut text = String::new();
        let mut told = |id: &Value, what: String| {
            let list = &places[id.as_str().unwrap()];
            let found = if list.is_null() { String::new() } else { self.locations(list).replace('\n', ", ") };
            writeln!(text, "{what}: {}", found.trim_end_matches(", ")).unwrap();
        };
        for (list, what) in [("namespaces", "namespace"), ("nodes", "node")] {
            for one in graph[list].as_array().unwrap() {
                told(&one["id"], format!("{what} {}", one["name"].as_str().unwrap()));
            }
        }
        for one in graph["edges"].as_array().unwrap() {
            told(&one["id"], format!("edge {} -> {} {}", one["from"], one["to"], one["ports"]));
        }
        text
    }

    fn locations(&self, list: &Value) -> String {
        lines(list, |one| self.location(one))
    }

    fn place_of(&self, path: &str, range: &Value) -> String {
        format!("{}:{}", path.strip_prefix("/p/").unwrap_or(path), self.part(path, range))
    }

    /// A range, with what stands there.
    fn part(&self, path: &str, range: &Value) -> String {
        let (start, end) = (&range["start"], &range["end"]);
        let place = format!("{}:{}", start["line"].as_u64().unwrap() + 1, start["character"].as_u64().unwrap() + 1);
        let Some(text) = self.texts.get(path) else { return place };
        let part = &text[offset(text, start)..offset(text, end)];
        format!("{place} `{}`", part.replace('\n', "⏎"))
    }

    /// What a change of the workspace does, file by file.
    fn changes(&self, edit: &Value) -> String {
        let mut text = String::new();
        for change in edit["documentChanges"].as_array().unwrap() {
            let document = &change["textDocument"];
            let path = document["uri"].as_str().unwrap().strip_prefix("file://").unwrap();
            writeln!(text, "--- {}", path.strip_prefix("/p/").unwrap()).unwrap();
            text.push_str(&self.difference(path, &change["edits"]));
        }
        text
    }

    fn difference(&self, path: &str, edits: &Value) -> String {
        let text = &self.texts[path];
        if edits.is_null() {
            return "it stays as it is\n".to_owned();
        }
        difference(text, &edited(text, edits.as_array().unwrap()))
    }

    fn symbols(&self, path: &str, list: &Value, depth: usize, text: &mut String) {
        for one in list.as_array().into_iter().flatten() {
            let detail = one["detail"].as_str().unwrap_or("");
            let (name, whole) = (self.part(path, &one["selectionRange"]), self.part(path, &one["range"]));
            let indent = "  ".repeat(depth);
            let whole = whole.chars().take(60).collect::<String>();
            writeln!(text, "{indent}{} [{detail}] {name} in {whole}", one["name"].as_str().unwrap()).unwrap();
            self.symbols(path, &one["children"], depth + 1, text);
        }
    }

    fn selection(&self, path: &str, range: &Value) -> String {
        let mut text = String::new();
        let mut range = range;
        while !range.is_null() {
            writeln!(text, "{}", self.part(path, &range["range"])).unwrap();
            range = &range["parent"];
        }
        text
    }

    fn tokens(&self, path: &str, tokens: &Value) -> String {
        const KINDS: [&str; 11] = [
            "keyword",
            "namespace",
            "class",
            "enum",
            "variable",
            "property",
            "property",
            "string",
            "number",
            "comment",
            "operator",
        ];
        let numbers: Vec<u64> =
            tokens["data"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect();
        let (mut line, mut column) = (0, 0);
        let mut text = String::new();
        for token in numbers.chunks(5) {
            column = if token[0] > 0 { token[1] } else { column + token[1] };
            line += token[0];
            let at = |column: u64| json!({ "line": line, "character": column });
            let range = json!({ "start": at(column), "end": at(column + token[2]) });
            let more = [(1, " declaration"), (2, " documentation"), (4, " built-in")];
            let more: String = more.iter().filter(|(bit, _)| token[4] & bit != 0).map(|(_, word)| *word).collect();
            let kind = KINDS[usize::try_from(token[3]).unwrap()];
            writeln!(text, "{} {kind}{more}", self.part(path, &range)).unwrap();
        }
        text
    }

    /// The actions for everything that is wrong with a file, and what each does.
    fn actions(&mut self, name: &str) -> Result<String, String> {
        let shown = self.client.as_ref().unwrap().diagnostics.get(&uri(&path(name)));
        let shown = shown.map(|(_, list)| list.clone()).unwrap_or_default();
        let mut text = String::new();
        for diagnostic in shown {
            let place = self.part(&path(name), &diagnostic["range"]);
            writeln!(text, "{} at {place}", diagnostic["code"].as_str().unwrap()).unwrap();
            let params = json!({ "range": diagnostic["range"], "context": { "diagnostics": [diagnostic] } });
            let found = self.of("textDocument/codeAction", name, params)?;
            // An editor that has the cursor somewhere else in the line names what it shows there.
            let mut start = diagnostic["range"]["start"].clone();
            start["character"] = json!(0);
            let params =
                json!({ "range": { "start": start, "end": start }, "context": { "diagnostics": [diagnostic] } });
            let again = self.of("textDocument/codeAction", name, params)?;
            let of_line = |all: &Value| -> Vec<Value> {
                let all = all.as_array().unwrap().iter();
                all.filter(|action| action["diagnostics"][0] == diagnostic).cloned().collect()
            };
            assert_eq!(of_line(&found), of_line(&again));
            let own = found.as_array().unwrap().iter().filter(|action| action["diagnostics"][0] == diagnostic);
            for action in own {
                let preferred = if action["isPreferred"].is_null() { "" } else { " (preferred)" };
                writeln!(text, "* {}{preferred}", action["title"].as_str().unwrap()).unwrap();
                text.push_str(&self.changes(&action["edit"]));
            }
        }
        Ok(text)
    }

    fn calls(&mut self, what: &str, mark: &str) -> Result<String, String> {
        let roots = self.at("textDocument/prepareCallHierarchy", mark, json!({}))?;
        let root = &roots[0];
        if root.is_null() {
            return Ok(String::new());
        }
        let place = |this: &Self, item: &Value| {
            let location = json!({ "uri": item["uri"], "range": item["selectionRange"] });
            format!(
                "{} [{}] {}",
                item["name"].as_str().unwrap(),
                item["detail"].as_str().unwrap(),
                this.location(&location)
            )
        };
        let mut text = format!("{}\n", place(self, root));
        let (method, end) = if what == "incoming" {
            ("callHierarchy/incomingCalls", "from")
        } else {
            ("callHierarchy/outgoingCalls", "to")
        };
        let calls = self.request(method, json!({ "item": root }))?;
        for call in calls.as_array().unwrap() {
            writeln!(text, "  {end} {}", place(self, &call[end])).unwrap();
            let file = if what == "incoming" { &call["from"]["uri"] } else { &root["uri"] };
            for range in call["fromRanges"].as_array().unwrap() {
                let location = json!({ "uri": file, "range": range });
                writeln!(text, "    {}", self.location(&location)).unwrap();
            }
        }
        Ok(text)
    }
}

fn completion(list: &Value) -> String {
    if list.is_null() {
        return String::new();
    }
    let mut items: Vec<&Value> = list["items"].as_array().unwrap().iter().collect();
    items.sort_by_key(|item| item["sortText"].as_str().unwrap());
    let mut text = String::new();
    for item in items {
        let detail = item["detail"].as_str().map(|detail| format!(" ({detail})")).unwrap_or_default();
        writeln!(text, "{}{detail}", item["label"].as_str().unwrap()).unwrap();
    }
    text
}

/// The program of an import, what was refused and what was found.
fn imported(answer: &Value) -> String {
    let mut text = answer["program"].as_str().unwrap_or("no program\n").to_owned();
    for one in answer["refused"].as_array().unwrap() {
        let (what, reason) = (one["what"].as_str().unwrap(), one["reason"].as_str().unwrap());
        writeln!(text, "refused {}: {what}: {reason}", one["line"]).unwrap();
    }
    for one in answer["findings"].as_array().unwrap() {
        writeln!(text, "found {}: {}", one["line"], one["message"].as_str().unwrap()).unwrap();
    }
    text + answer["summary"].as_str().unwrap()
}

fn lines(list: &Value, one: impl Fn(&Value) -> String) -> String {
    list.as_array().into_iter().flatten().map(|item| one(item) + "\n").collect()
}

fn kind(number: &Value, names: &[&str]) -> String {
    number
        .as_u64()
        .and_then(|number| names.get(usize::try_from(number).unwrap()))
        .map_or(number.to_string(), |name| (*name).to_owned())
}

fn difference(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut text = String::new();
    for change in diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal) {
        write!(text, "{}{}", change.tag(), change.value()).unwrap();
        if !change.value().ends_with('\n') {
            text.push_str("⏎\n");
        }
    }
    text
}
