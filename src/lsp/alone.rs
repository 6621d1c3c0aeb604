//! The server without threads, for a page in a browser: each message is answered before the next one.

use super::analysis::{Analysis, Job};
use super::server::{Conversation, NewAnalysis};
use crate::session::FileSystem;
use lsp_server::Message;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

/// The analysis and what it has to do, once the editor has said who it is.
type Begun = Rc<RefCell<Option<(Analysis, Receiver<Job>)>>>;

/// A server that works while it is spoken to, and not in between.
pub struct Alone {
    conversation: Conversation,
    analysis: Begun,
    said: Arc<Mutex<Vec<Message>>>,
}

impl Alone {
    /// A server that sees these files.
    pub fn new(files: Box<dyn FileSystem + Send>) -> Alone {
        let said: Arc<Mutex<Vec<Message>>> = Arc::default();
        let outbox = Arc::clone(&said);
        let say = move |message| outbox.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        let analysis = Begun::default();
        let place = Rc::clone(&analysis);
        let begin = move |new: NewAnalysis, jobs| *place.borrow_mut() = Some((new.make(), jobs));
        Alone { conversation: Conversation::new(Arc::new(say), files, Box::new(begin)), analysis, said }
    }

    /// Takes a message of the protocol and gives all that the server says until it has nothing more to do. The error is
    /// why the message is none.
    pub fn take(&mut self, message: &str) -> Result<Vec<String>, String> {
        let message = serde_json::from_str(message).map_err(|error| error.to_string())?;
        self.conversation.take(message);
        if let Some((analysis, jobs)) = self.analysis.borrow_mut().as_mut() {
            analysis.settle(jobs);
        }
        let said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        said.iter().map(|message| serde_json::to_string(message).map_err(|error| error.to_string())).collect()
    }
}
