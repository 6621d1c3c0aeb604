//! What the page calls. Texts go in and out as UTF-8, in memory that `reserve` gives.

use polder::cli::{Console, Printed};
use polder::lsp::Alone;
use polder::session::Memory;
use serde::Deserialize;
use serde_json::json;
use std::cell::RefCell;

thread_local! {
    static SERVER: RefCell<Option<Alone>> = const { RefCell::new(None) };
    /// What was said last, until the page has read it.
    static SAID: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// What the page is about to say.
    static HEARD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where the page has to write the next text of so many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    HEARD.with_borrow_mut(|heard| {
        heard.clear();
        heard.resize(length, 0);
        heard.as_mut_ptr()
    })
}

/// Where the last answer is.
#[unsafe(no_mangle)]
pub extern "C" fn said() -> *const u8 {
    SAID.with_borrow(Vec::as_ptr)
}

/// Takes a message of the Language Server Protocol, and says how long the answer is: a list of messages as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn take() -> usize {
    let message = HEARD.with_borrow(|heard| String::from_utf8_lossy(heard).into_owned());
    let messages = SERVER.with_borrow_mut(|server| {
        server.get_or_insert_with(|| Alone::new(Box::new(Memory::default()))).take(&message).unwrap_or_default()
    });
    say(format!("[{}]", messages.join(",")))
}

/// What is asked: a command line, over files that it may name.
#[derive(Deserialize)]
struct Question {
    words: Vec<String>,
    /// Names with their texts.
    files: Vec<(String, String)>,
}

/// Takes a question as JSON, and says how long the answer is: `code` and `text` as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn ask() -> usize {
    let question = HEARD.with_borrow(|heard| serde_json::from_slice::<Question>(heard));
    let answer = match question {
        Ok(Question { words, files }) => {
            let all = files.into_iter().fold(Memory::default(), |all, (name, text)| all.with(format!("/{name}"), text));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let Printed { exit, text } = Console::new(all, "/").run(&words);
            json!({ "code": exit as i32, "text": text })
        }
        Err(error) => json!({ "code": 2, "text": error.to_string() }),
    };
    say(answer.to_string())
}

fn say(text: String) -> usize {
    SAID.with_borrow_mut(|said| {
        *said = text.into_bytes();
        said.len()
    })
}
