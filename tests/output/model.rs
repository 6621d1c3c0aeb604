//! Random lives of a folder against a small model of who owns what.

use crate::output::support::{Node, Set, files, options, put, temp_dir, tree};
use polder::output::{seal, write};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const PATHS: [&str; 8] = ["k.yaml", "a/x.yaml", "a/y.yaml", "a/z.yaml", "b/x.yaml", "b/y.yaml", "c/x.yaml", "c.yaml"];

#[derive(Debug, Clone)]
enum Step {
    Build { set: Vec<(usize, u8)>, force: bool, allow_empty: bool },
    Edit(usize),
    Delete(usize),
    AddForeign(usize, u8),
    Move(usize, usize),
    Copy(usize, usize),
    Link(usize),
    Folder(usize),
    FileForFolder(usize),
    HardLink(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let path = || 0..PATHS.len();
    let build = (prop::collection::vec((path(), 0_u8..3), 0..7), any::<bool>(), any::<bool>());
    prop_oneof![
        6 => build.prop_map(|(set, force, allow_empty)| Step::Build { set, force, allow_empty }),
        1 => path().prop_map(Step::Edit),
        1 => path().prop_map(Step::Delete),
        1 => (path(), any::<u8>()).prop_map(|(path, byte)| Step::AddForeign(path, byte)),
        1 => (path(), path()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => (path(), path()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => path().prop_map(Step::Link),
        1 => path().prop_map(Step::Folder),
        1 => path().prop_map(Step::FileForFolder),
        1 => path().prop_map(Step::HardLink),
    ]
}

/// The model: what is at each path, and whose it is.
#[derive(Debug, Clone, PartialEq)]
enum Item {
    Owned(Vec<u8>),
    Edited(Vec<u8>),
    Foreign(Vec<u8>),
    Link,
    Folder,
}

type Model = BTreeMap<String, Item>;

fn folder_of(path: &str) -> Option<&str> {
    path.split_once('/').map(|(folder, _)| folder)
}

/// What a build does to the model; false if it refuses.
fn model_build(model: &mut Model, set: &Set, force: bool, allow_empty: bool) -> bool {
    let in_the_way = |path: &String| match model.get(path) {
        None | Some(Item::Owned(_)) => false,
        Some(Item::Edited(_)) => !force,
        Some(_) => true,
    };
    let blocked = |path: &String| folder_of(path).is_some_and(|folder| model.contains_key(folder));
    let ours = |item: &Item| matches!(item, Item::Owned(_) | Item::Edited(_));
    let edited = model.values().any(|item| matches!(item, Item::Edited(_)));
    let kept = model.iter().any(|(path, item)| matches!(item, Item::Edited(_)) && !set.contains_key(path));
    if set.keys().any(|path| in_the_way(path) || blocked(path)) || (kept && !force) {
        return false;
    }
    if set.is_empty() && !allow_empty && (edited || model.values().any(ours)) {
        return false;
    }
    model.retain(|_, item| !ours(item));
    model.extend(set.iter().map(|(path, body)| (path.clone(), Item::Owned(seal(body).into_bytes()))));
    true
}

/// A folder, its model, and what lies outside.
struct Life<'a> {
    dir: &'a Path,
    outside: &'a Path,
    model: Model,
    linked: Vec<Vec<u8>>,
}

impl Life<'_> {
    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self.model.get(path)? {
            Item::Owned(bytes) | Item::Edited(bytes) | Item::Foreign(bytes) => Some(bytes.clone()),
            Item::Link | Item::Folder => None,
        }
    }

    /// Whether somebody can put a new thing at the path.
    fn is_free(&self, path: &str) -> bool {
        !self.model.contains_key(path)
            && !folder_of(path).is_some_and(|folder| self.model.contains_key(folder))
            && !self.dir.join(path).exists()
    }

    fn put(&mut self, path: &str, item: Item, bytes: &[u8]) {
        put(self.dir, path, bytes);
        self.model.insert(path.to_owned(), item);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Build { set, force, allow_empty } => {
                let set: Set = set.iter().map(|(path, body)| (PATHS[*path].to_owned(), format!("{body}\n"))).collect();
                let expected = model_build(&mut self.model, &set, *force, *allow_empty);
                let result = write(self.dir, &files(&set), &options(*force, *allow_empty));
                assert_eq!(result.is_ok(), expected, "{result:?} of {set:?}");
            }
            Step::Edit(path) => {
                if let Some(mut bytes) = self.bytes(PATHS[*path]) {
                    bytes.extend(b"# edited\n");
                    let foreign = matches!(self.model[PATHS[*path]], Item::Foreign(_));
                    let item = if foreign { Item::Foreign(bytes.clone()) } else { Item::Edited(bytes.clone()) };
                    // Editors write a new file, so other names of the old one keep its bytes.
                    fs::remove_file(self.dir.join(PATHS[*path])).unwrap();
                    self.put(PATHS[*path], item, &bytes);
                }
            }
            Step::Delete(path) => {
                if self.bytes(PATHS[*path]).is_some() {
                    fs::remove_file(self.dir.join(PATHS[*path])).unwrap();
                    self.model.remove(PATHS[*path]);
                }
            }
            Step::AddForeign(path, byte) => {
                let bytes = if byte % 4 == 0 { vec![] } else { vec![b'x', *byte] };
                if self.is_free(PATHS[*path]) {
                    self.put(PATHS[*path], Item::Foreign(bytes.clone()), &bytes);
                }
            }
            Step::Move(from, to) | Step::Copy(from, to) => {
                if let (Some(bytes), true) = (self.bytes(PATHS[*from]), self.is_free(PATHS[*to])) {
                    let item = self.model[PATHS[*from]].clone();
                    self.put(PATHS[*to], item, &bytes);
                    if matches!(step, Step::Move(..)) {
                        fs::remove_file(self.dir.join(PATHS[*from])).unwrap();
                        self.model.remove(PATHS[*from]);
                    }
                }
            }
            Step::Link(path) => {
                if self.is_free(PATHS[*path]) && folder_of(PATHS[*path]).is_none_or(|it| self.dir.join(it).exists()) {
                    symlink(self.outside.join("secret"), self.dir.join(PATHS[*path])).unwrap();
                    self.model.insert(PATHS[*path].to_owned(), Item::Link);
                }
            }
            Step::Folder(path) => {
                if self.is_free(PATHS[*path]) {
                    fs::create_dir_all(self.dir.join(PATHS[*path])).unwrap();
                    self.model.insert(PATHS[*path].to_owned(), Item::Folder);
                }
            }
            Step::FileForFolder(path) => {
                if let Some(folder) = folder_of(PATHS[*path]).filter(|folder| !self.dir.join(folder).exists()) {
                    self.put(folder, Item::Foreign(b"mine".to_vec()), b"mine");
                }
            }
            Step::HardLink(path) => {
                if let Some(bytes) = self.bytes(PATHS[*path]) {
                    let name = format!("hard-{}", self.linked.len());
                    fs::hard_link(self.dir.join(PATHS[*path]), self.outside.join(name)).unwrap();
                    self.linked.push(bytes);
                }
            }
        }
    }

    /// Whether the disk is what the model says, inside and outside.
    fn check(&self) {
        let mut found = tree(self.dir);
        found.retain(|path, node| *node != Node::Folder || self.model.contains_key(path));
        let node = |item: &Item| match item {
            Item::Owned(bytes) | Item::Edited(bytes) | Item::Foreign(bytes) => Node::File(bytes.clone()),
            Item::Link => Node::Link(self.outside.join("secret")),
            Item::Folder => Node::Folder,
        };
        let expected: BTreeMap<String, Node> =
            self.model.iter().map(|(path, item)| (path.clone(), node(item))).collect();
        assert_eq!(found, expected);
        assert_eq!(fs::read(self.outside.join("secret")).unwrap(), b"secret");
        for (number, bytes) in self.linked.iter().enumerate() {
            assert_eq!(&fs::read(self.outside.join(format!("hard-{number}"))).unwrap(), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_folder_lives_as_its_model(steps in prop::collection::vec(step(), 1..30)) {
        let temp = temp_dir();
        let (dir, outside) = (temp.path().join("out"), temp.path().join("outside"));
        fs::create_dir(&dir).unwrap();
        put(&outside, "secret", "secret");
        let mut life = Life { dir: &dir, outside: &outside, model: Model::new(), linked: Vec::new() };
        for step in &steps {
            life.step(step);
            life.check();
        }
    }
}
