//! A program to learn for, where there is none yet: the namespaces of a log, closed, and nothing else.

use crate::draft::{Namespace, NotWritten, Program, Statement};
use crate::replay::Replay;

/// The label that charts and most others know workloads by.
const RECOMMENDED: &str = "app.kubernetes.io/name";

/// The text of a program that closes the namespaces that a log shows pods of, but for those of Kubernetes itself.
pub fn fresh_program(replay: &Replay<'_>) -> Result<String, NotWritten> {
    let mut statements = Vec::new();
    let namespaces = replay.namespaces_of_pods();
    if namespaces.values().all(|keys| keys.iter().all(|keys| keys.contains(RECOMMENDED))) && !namespaces.is_empty() {
        statements.extend([Statement::Label(RECOMMENDED.into()), Statement::Space]);
    }
    for name in namespaces.into_keys() {
        let namespace = Namespace { names: vec![name], statements: Vec::new() };
        statements.extend([Statement::Namespace(namespace), Statement::Space]);
    }
    Program { statements }.text()
}
