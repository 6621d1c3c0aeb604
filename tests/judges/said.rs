//! What a program says, to be taken away from it.

use crate::oracle::program::{Dns, Preset, Program};
use std::collections::BTreeSet;

/// Something that a program says and that can be taken away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Statement {
    /// The flow of that number.
    Flow(usize),
    /// The DNS servers of a namespace.
    Dns(String),
}

/// A program that does not say some of what it says.
pub(super) fn without(program: &Program, statements: &BTreeSet<Statement>) -> Program {
    let mut rest = program.clone();
    let mut number = 0;
    rest.flows.retain(|_| {
        number += 1;
        !statements.contains(&Statement::Flow(number - 1))
    });
    for namespace in &mut rest.namespaces {
        if statements.contains(&Statement::Dns(namespace.name.clone())) {
            namespace.dns = Some(Dns { preset: Preset::None, addresses: Vec::new() });
        }
    }
    rest
}
