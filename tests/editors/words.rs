//! The one list of words: the compiler's own. Keywords are the literals of `grammar/polder.pest`, the rest is asked of
//! the compiler. Every editor file has to know exactly these.

use polder::diag::Levels;
use polder::model::{BuiltIn, DnsServer};
use polder::net::Protocol;
use polder::session::{Memory, Named, Project, Session, Settings};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

pub(super) type Words = BTreeSet<String>;

/// What `isolate` takes.
pub(super) const DIRECTIONS: [&str; 3] = ["ingress", "egress", "none"];

/// Every keyword.
pub(super) fn keywords() -> &'static Words {
    static KEYWORDS: LazyLock<Words> = LazyLock::new(|| {
        let grammar = std::fs::read_to_string(super::root().join("grammar/polder.pest")).unwrap();
        let lines = grammar.lines().filter(|line| !line.starts_with("//"));
        let literals = lines.flat_map(|line| line.split('"').skip(1).step_by(2));
        literals
            .filter(|text| text.chars().all(|c| c.is_ascii_lowercase()) && text.len() > 1)
            .map(str::to_owned)
            .collect()
    });
    &KEYWORDS
}

fn set<'a>(words: impl IntoIterator<Item = &'a str>) -> Words {
    words.into_iter().map(str::to_owned).collect()
}

pub(super) fn built_in() -> Words {
    set(BuiltIn::ALL.map(BuiltIn::word))
}

pub(super) fn protocols() -> Words {
    set(Protocol::ALL.iter().map(|protocol| protocol.keyword()))
}

/// What `dns` takes beside tiers and addresses.
pub(super) fn presets() -> impl Iterator<Item = &'static str> {
    DnsServer::PRESETS.iter().map(|preset| preset.word).chain([DnsServer::NONE])
}

/// Every word with a meaning of its own.
pub(super) fn all() -> Words {
    let mut words = keywords().clone();
    words.extend(built_in());
    words.extend(set(presets()));
    words.extend(set(DIRECTIONS));
    words
}

/// What the compiler says of a program with one mistake: the sentence and the help.
fn said(program: &str) -> (String, String) {
    let system = Memory::default().with("/p/a.polder", program);
    let session =
        Session::new(Project::load(&system, Path::new("/p"), &[Named::Path("/p".into())]), Settings::default());
    let reports = session.reports(&Levels::default());
    let diagnostic = &reports.first().unwrap().diagnostic;
    (diagnostic.message.clone(), diagnostic.help.clone().unwrap())
}

#[test]
fn the_choices_are_those_of_the_compiler() {
    let (_, help) = said("platform { dns zzzzzz }");
    let listed = help.split(';').next().unwrap().trim_start_matches("presets are ");
    assert_eq!(set(listed.split(", ")), set(presets()));

    let (message, _) = said("namespace shop { isolate zzzzzz }");
    let quoted = message.split('`').skip(1).step_by(2).filter(|word| *word != "zzzzzz");
    assert_eq!(set(quoted), set(DIRECTIONS));
}
