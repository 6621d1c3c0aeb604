//! From the policies that are there to a program that means the same.
//!
//! The policies are taken apart into atoms, one for each rule, peer and port. What the others let through anyway is taken
//! away. An atom becomes a flow: a plain one where the policies open its other side, too, and else one of its own side only.
//! Nothing is widened and nothing guessed; whoever writes the program proves that it means the same, side by side.

#![warn(clippy::wildcard_enum_match_arm)]

mod atoms;
mod cells;
mod declared;
mod dns;
mod findings;
mod flows;
mod limits;
mod lines;
mod names;
mod notes;
mod places;
mod runs;
mod shared;
mod sides;
mod write;

pub use atoms::RuleOrigin;
pub use declared::Declared;
pub use findings::{Finding, Kind, Where, beginning};
pub use limits::{HeavyNamespace, left_out};
pub use runs::RunningPods;
pub use write::Said;

use crate::draft::{Namespace, Program, Statement};
use crate::netpol::Policy;
use atoms::Atoms;
use cells::Patience;
use findings::Found;
use flows::Flows;
use names::Names;
use sides::Sides;
use std::cell::RefCell;
use std::sync::Arc;

/// Policies as a program.
#[derive(Debug, Default)]
pub struct Lifted {
    /// What all blocks use: namespaces of others and addresses.
    pub head: Vec<Statement>,
    /// What several managed namespaces say alike, then what else each says, in the order of their names.
    pub blocks: Vec<Namespace>,
    /// The namespaces that it manages, sorted.
    pub namespaces: Vec<Arc<str>>,
    /// The flows and DNS settings, in the order of the program, each with what of the policies it says.
    pub said: Vec<Said>,
    /// The `isolate` statements of each namespace, also where they go without saying.
    pub isolate: Vec<Vec<String>>,
    /// Notes that no statement is left for.
    pub lost: Vec<Note>,
    /// What there is to know of the policies, in order.
    pub findings: Vec<Finding>,
    /// How many comparisons of what policies let through it took.
    pub comparisons: usize,
}

/// What the file is called that all others use.
const SHARED: &str = "shared";

impl Lifted {
    /// The program in one file.
    pub fn whole(&self) -> Program {
        let mut statements = self.head.clone();
        let mut before: Option<&Namespace> = None;
        for block in &self.blocks {
            // Blocks of one line each stand together.
            let is_line = |block: &Namespace| block.statements.len() == 1;
            let together = is_line(block) && before.is_some_and(is_line);
            if !statements.is_empty() && !together {
                statements.push(Statement::Space);
            }
            statements.push(Statement::Namespace(block.clone()));
            before = Some(block);
        }
        Program { statements }
    }

    /// The program in a file for each managed namespace that says something of its own and one for what they share, each with
    /// the stem of its name.
    pub fn apart(&self) -> Vec<(String, Program)> {
        if let [name] = self.namespaces.as_slice() {
            return vec![(name.to_string(), self.whole())];
        }
        let stem = |name: &Arc<str>| match &**name {
            SHARED => format!("namespace-{SHARED}"),
            name => name.to_owned(),
        };
        let mut shared = self.head.clone();
        let mut own = Vec::new();
        for block in &self.blocks {
            let statement = Statement::Namespace(block.clone());
            if let [name] = block.names.as_slice() {
                own.push((stem(name), Program { statements: vec![statement] }));
                continue;
            }
            if !shared.is_empty() {
                shared.push(Statement::Space);
            }
            shared.push(statement);
        }
        let shared = (!shared.is_empty()).then(|| (SHARED.to_owned(), Program { statements: shared }));
        shared.into_iter().chain(own).collect()
    }
}

/// What somebody wrote down beside a policy or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub place: Where,
    /// What it says, on as many lines as it has.
    pub text: String,
    /// Whether it describes the policy, and else it is a comment.
    pub is_description: bool,
}

/// What policies are lifted beside.
#[derive(Debug, Default)]
pub struct Surroundings<'a> {
    /// The policies of the program that they become a part of; they are sorted as well.
    pub beside: &'a [Policy],
    /// What that program declares.
    pub declared: Declared,
    /// The components that there are, each with what it declares.
    pub catalogue: &'a [(Arc<str>, Declared)],
    /// What runs.
    pub runs: &'a [RunningPods],
}

/// Lifts policies, which are sorted by namespace and name, no two of one name, with the notes on them.
pub fn lift(policies: &[Policy], notes: &[Note], around: Surroundings<'_>) -> Lifted {
    let mut patience = Patience::new();
    let mut atoms = Atoms::new(policies, around.beside);
    let sides = Sides::new(&atoms, &mut patience);
    Sides::trim_isolated(&mut atoms, &mut patience);
    let (flows, atoms) = Flows::new(atoms, &sides, &mut patience);
    let names = Names::new(&atoms, &flows, around);
    let written = write::write(&atoms, &flows, &names, policies, notes);
    let (texts, needless) = (RefCell::default(), sides.needless.as_slice());
    let found = Found { policies, atoms: &atoms, flows: &flows, names: &names, needless, texts };
    Lifted {
        findings: found.all(),
        head: written.head,
        blocks: written.blocks,
        said: written.said,
        lost: written.lost,
        isolate: written.isolate,
        namespaces: atoms.names,
        comparisons: patience.spent(),
    }
}
