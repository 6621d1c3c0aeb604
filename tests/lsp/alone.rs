//! The server without threads says what the one with threads says, message by message.

use polder::lsp::Alone;
use polder::session::Memory;
use serde_json::{Value, json};

const URI: &str = "file:///main.polder";
const PROGRAM: &str = "namespace shop {\n  tier web\n  tier api { http: 8080/tcp }\n\n  web -> apy:http\n}\n";

struct Page(Alone);

impl Page {
    fn say(&mut self, message: &Value) -> Vec<Value> {
        let said = self.0.take(&message.to_string()).unwrap();
        said.iter().map(|one| serde_json::from_str(one).unwrap()).collect()
    }

    fn tell(&mut self, method: &str, params: &Value) -> Vec<Value> {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let said = self.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }));
        said.iter().find(|one| one["id"] == 1).unwrap()["result"].clone()
    }
}

#[test]
fn every_message_is_answered_before_the_next_one() {
    let mut page = Page(Alone::new(Box::new(Memory::default())));
    assert!(page.0.take("nonsense").is_err());
    let server = page.ask("initialize", &json!({ "capabilities": {}, "rootUri": null }));
    assert_eq!(server["serverInfo"]["name"], "polder");
    page.tell("initialized", &json!({}));

    let document = json!({ "uri": URI, "languageId": "polder", "version": 1, "text": PROGRAM });
    let said = page.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    let [shown] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(shown["method"], "textDocument/publishDiagnostics");
    assert_eq!(shown["params"]["diagnostics"][0]["code"], "E0102");

    let range = json!({ "start": { "line": 4, "character": 9 }, "end": { "line": 4, "character": 12 } });
    let change =
        json!({ "textDocument": { "uri": URI, "version": 2 }, "contentChanges": [{ "range": range, "text": "api" }] });
    let said = page.tell("textDocument/didChange", &change);
    assert_eq!(said[0]["params"]["diagnostics"], json!([]));

    let at = json!({ "textDocument": { "uri": URI }, "position": { "line": 4, "character": 10 } });
    let hover = page.ask("textDocument/hover", &at).to_string();
    assert!(hover.contains("tier api"), "{hover}");
    assert!(page.ask("textDocument/completion", &at).to_string().contains("\"api\""));
    let command = json!({ "command": "polder.manifests", "arguments": [URI] });
    assert!(page.ask("workspace/executeCommand", &command).as_str().unwrap().contains("allow-api-from-web"));
}
