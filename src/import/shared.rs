//! Blocks of several namespaces: those that say all the same, and what many of them say beside what is their own.

use crate::draft::{End, Flow, Namespace, Statement};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Fewer namespaces have blocks of their own, unless they say all the same.
const FEWEST_NAMESPACES: usize = 3;

/// Fewer statements stay where they are.
const FEWEST_STATEMENTS: usize = 2;

/// So many statements are read at a glance, without a blank line between settings and flows.
const FEW_LINES: usize = 3;

/// So many sets of namespaces are looked at, lest thousands of them take the square of that.
const MOST_SETS: usize = 200;

/// How many steps it may take to find what many namespaces say alike, and how many a statement takes each time.
const MOST_STEPS: usize = 50_000_000;
const STEPS_OF_ITEM: usize = 16;

/// What is said in the block of a namespace, or of several.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// The namespaces.
    names: Vec<Arc<str>>,
    items: Vec<Item>,
    /// The comments behind the last statement.
    rest: Vec<Statement>,
}

/// A statement with what stands above it.
#[derive(Debug)]
struct Item {
    comments: Vec<Statement>,
    description: Option<Statement>,
    statement: Statement,
    /// What makes it the same as another one: all but its comments, which no policy holds.
    key: String,
}

impl Body {
    /// The block of one namespace, in which nothing is said yet.
    pub(super) fn of(name: Arc<str>) -> Body {
        Body { names: vec![name], ..Body::default() }
    }

    /// Adds comments and a description that belong to the next statement.
    pub(super) fn above(&mut self, statements: Vec<Statement>) {
        self.rest.extend(statements);
    }

    /// Adds a statement.
    pub(super) fn add(&mut self, statement: Statement) {
        let (described, comments): (Vec<Statement>, Vec<Statement>) =
            self.rest.drain(..).partition(|one| matches!(one, Statement::Description(_)));
        let description = described.into_iter().next();
        let key = format!("{}\n{statement}", description.as_ref().map(ToString::to_string).unwrap_or_default());
        self.items.push(Item { comments, description, statement, key });
    }

    fn keys(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.key.as_str()).collect()
    }

    /// Takes the comments of another one that says the same.
    fn join(&mut self, other: Body) {
        self.names.extend(other.names);
        for (item, more) in self.items.iter_mut().zip(other.items) {
            item.take_comments(more.comments);
        }
        add_new(&mut self.rest, other.rest);
    }

    fn block(self) -> Namespace {
        let mut statements = Vec::new();
        let is_flow = |item: &Item| matches!(item.statement, Statement::Flow(_));
        let has_comments = self.items.iter().any(|item| !item.comments.is_empty() || item.description.is_some());
        let is_short = self.items.len() <= FEW_LINES && !has_comments;
        let first_flow = self.items.iter().position(is_flow).filter(|at| *at > 0 && !is_short);
        for (at, item) in self.items.into_iter().enumerate() {
            if first_flow == Some(at) {
                statements.push(Statement::Space);
            }
            statements.extend(item.comments);
            statements.extend(item.description);
            statements.push(item.statement);
        }
        statements.extend(self.rest);
        Namespace { names: self.names, statements }
    }
}

/// Adds the comments that are not among the known ones yet.
pub(super) fn add_new(known: &mut Vec<Statement>, more: Vec<Statement>) {
    if more.is_empty() {
        return;
    }
    let mut texts: BTreeSet<String> = known.iter().map(Statement::to_string).collect();
    known.extend(more.into_iter().filter(|one| texts.insert(one.to_string())));
}

impl Item {
    fn take_comments(&mut self, comments: Vec<Statement>) {
        add_new(&mut self.comments, comments);
    }

    /// Whether it is about all pods of its namespace, so that no tier has to be looked up to read it.
    fn is_of_all(&self) -> bool {
        let is_own = |end: &End| end.namespace.is_none() && &*end.name == "*";
        let all = |ends: &[End]| !ends.is_empty() && ends.iter().all(is_own);
        let others = |ends: &[End]| ends.iter().all(|end| end.namespace.is_some());
        match &self.statement {
            Statement::Isolate { tiers, .. } => tiers.is_empty(),
            Statement::Label(_) | Statement::Dns(_) => true,
            Statement::Flow(Flow { sources, destinations, .. }) => {
                all(sources) && (all(destinations) || others(destinations)) || others(sources) && all(destinations)
            }
            Statement::Comment(_)
            | Statement::Description(_)
            | Statement::Space
            | Statement::Use(_)
            | Statement::Cidr { .. }
            | Statement::Group { .. }
            | Statement::External(_)
            | Statement::Namespace(_)
            | Statement::Tier(_)
            | Statement::Remarked { .. } => false,
        }
    }
}

/// The blocks of a program: what several namespaces say alike, then the others, in the order of their names.
pub(super) fn in_blocks(bodies: Vec<Body>) -> Vec<Namespace> {
    let mut bodies = joined(bodies);
    let mut shared = Vec::new();
    let mut left = MOST_STEPS;
    while let Some(body) = most_shared(&mut bodies, &mut left) {
        shared.push(body);
    }
    shared.sort_by(|one, other| one.names.cmp(&other.names));
    shared.into_iter().chain(bodies).map(Body::block).collect()
}

/// Namespaces that say all the same, as one.
fn joined(bodies: Vec<Body>) -> Vec<Body> {
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut joined: Vec<Body> = Vec::with_capacity(bodies.len());
    for body in bodies {
        let keys = body.keys().into_iter().map(str::to_owned).collect();
        let at = *known.entry(keys).or_insert(joined.len());
        match joined.get_mut(at) {
            Some(first) => first.join(body),
            None => joined.push(body),
        }
    }
    joined
}

/// Takes out of some bodies what makes the program shorter by most lines when it is said once for all of them.
/// Takes of the steps that are `left`; without enough of them everything stays where it is.
fn most_shared(bodies: &mut Vec<Body>, left: &mut usize) -> Option<Body> {
    let items: usize = bodies.iter().map(|body| 1 + body.items.len()).sum();
    *left = left.checked_sub(items.saturating_mul(STEPS_OF_ITEM))?;
    let mut holders: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, body) in bodies.iter().enumerate() {
        for item in body.items.iter().filter(|item| item.is_of_all()) {
            holders.entry(&item.key).or_default().insert(at);
        }
    }
    holders.retain(|_, holders| holders.len() >= FEWEST_NAMESPACES);
    let mut sets: Vec<&BTreeSet<usize>> = holders.values().collect();
    sets.sort_by_key(|set| (std::cmp::Reverse(set.len()), *set));
    sets.dedup();
    *left = left.checked_sub(sets.len().min(MOST_SETS).saturating_mul(holders.len()))?;
    let gain = |set: &BTreeSet<usize>| {
        let said: BTreeSet<&str> = holders.iter().filter(|(_, all)| set.is_subset(all)).map(|(key, _)| *key).collect();
        let emptied = set
            .iter()
            .filter_map(|at| bodies.get(*at))
            .filter(|body| body.rest.is_empty() && body.items.iter().all(|item| said.contains(item.key.as_str())));
        let head: usize =
            set.iter().filter_map(|at| bodies.get(*at)).flat_map(|body| &body.names).map(|name| name.len() + 2).sum();
        let names: usize = set.iter().filter_map(|at| bodies.get(*at)).map(|body| body.names.len()).sum();
        let lines = if head + "namespace ".len() <= 100 { 3 } else { names + 2 };
        // A block is a line of its own, a line that ends it, and an empty one.
        let less = (set.len() - 1) * said.len() + 3 * emptied.count();
        (said.len() >= FEWEST_STATEMENTS).then(|| less.checked_sub(lines)).flatten().filter(|gain| *gain > 0)
    };
    let found = sets.into_iter().take(MOST_SETS).filter_map(|set| Some((gain(set)?, set)));
    // The first of the best, in the order above.
    let (_, set) = found.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let said: BTreeSet<String> =
        holders.iter().filter(|(_, all)| set.is_subset(all)).map(|(key, _)| (*key).to_owned()).collect();
    let set = set.clone();
    let mut shared = Body::default();
    for at in set {
        let Some(body) = bodies.get_mut(at) else { continue };
        shared.names.extend(body.names.iter().cloned());
        let (taken, own): (Vec<Item>, Vec<Item>) =
            std::mem::take(&mut body.items).into_iter().partition(|item| said.contains(&item.key));
        body.items = own;
        for item in taken {
            match shared.items.iter_mut().find(|known| known.key == item.key) {
                Some(known) => known.take_comments(item.comments),
                None => shared.items.push(item),
            }
        }
    }
    shared.names.sort();
    bodies.retain(|body| {
        !body.items.is_empty() || !body.rest.is_empty() || body.names.iter().any(|name| !shared.names.contains(name))
    });
    Some(shared)
}
