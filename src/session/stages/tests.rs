#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::session::{Memory, Named};
use std::path::Path;

fn session(system: &Memory) -> Session {
    let project = Project::load(system, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings::default())
}

fn codes(session: &Session) -> Vec<&'static str> {
    session.reports(&Levels::default()).iter().map(|report| report.diagnostic.code.as_str()).collect()
}

const GOOD: &str = "namespace shop {\n  tier a\n  tier b\n  a -> b:80\n}\n";

#[test]
fn each_stage_has_a_result_when_the_program_is_right() {
    let session = session(&Memory::default().with("/p/a.polder", GOOD));
    assert_eq!(session.policies().unwrap().policies.len(), 4);
    assert!(session.flows().is_some() && session.model().is_some());
    assert_eq!(codes(&session), Vec::<&str>::new());
}

#[test]
fn a_build_says_and_makes_the_same_as_the_session_it_is_made_of() {
    let warned = format!("# polder: allow(W0010)\n{}", GOOD.replace("tier a\n", "tier a\n  tier idle\n"));
    for text in [GOOD, &warned, "namespace shop {\n  tier a\n  a -> nobody:80\n}\n", "namespace {\n"] {
        let system = Memory::default().with("/p/a.polder", text);
        let (whole, built) = (session(&system), session(&system).build());
        assert_eq!(built.reports(&Levels::default()), whole.reports(&Levels::default()));
        assert_eq!((built.policies(), built.output()), (whole.policies(), whole.output()));
    }
}

#[test]
fn policies_that_mean_something_else_are_not_for_answers() {
    let system = Memory::default().with("/p/a.polder", GOOD);
    assert_eq!(session(&system).proved_policies(), session(&system).policies());
    spoiled::with_wrong_policies(|| {
        let session = session(&system);
        assert!(session.policies().is_some() && session.proved_policies().is_none());
        let disproof = session.disproof().unwrap();
        assert_eq!(disproof.code, Code::E0900);
        assert!(disproof.message.ends_with("; no question can be answered from them"), "{}", disproof.message);
        // The editor goes on showing what is wrong with the text, which is not Polder's own mistake.
        assert!(session.findings(&Levels::default()).is_empty());
    });
}

#[test]
fn a_manifest_that_means_something_else_is_an_internal_error() {
    let session = session(&Memory::default().with("/p/a.polder", GOOD));
    let flows = session.flows().unwrap();
    let output = session.output().unwrap();
    let bodies = || output.manifests().iter().map(|file| &*file.body);
    assert_eq!(disproof(flows, bodies(), Counted::Enforced), None);
    assert!(disproof(flows, bodies().skip(1), Counted::Enforced).unwrap().starts_with("the policies would"));
    let changed: Vec<String> = bodies().map(|body| body.replace("port: 80", "port: 81")).collect();
    let message = disproof(flows, changed.iter().map(String::as_str), Counted::Enforced).unwrap();
    assert!(message.ends_with("on port 81/tcp"), "{message}");
    let broken = disproof(flows, ["kind: NetworkPolicy\n"].into_iter(), Counted::Enforced).unwrap();
    assert!(broken.starts_with("a manifest could not be read back: "), "{broken}");
}

#[test]
fn syntax_and_names_are_reported_together_and_nothing_that_only_follows() {
    let broken = "namespace shop {\n  tier\n  tier a\n  tier unused\n  a -> nobody:80\n}\n";
    let session = session(&Memory::default().with("/p/a.polder", broken).with("/p/b.polder", GOOD));
    let codes = codes(&session);
    assert!(codes.contains(&"E0001") && codes.contains(&"E0102"), "{codes:?}");
    assert!(codes.iter().all(|code| code.starts_with('E')), "{codes:?}");
    assert!(session.flows().is_none() && session.policies().is_none());
}

#[test]
fn names_are_not_judged_while_a_file_cannot_be_read() {
    let uses = "namespace shop {\n  elsewhere -> elsewhere:80\n}\n";
    let readable = Memory::default().with("/p/a.polder", uses);
    assert_eq!(codes(&session(&readable)), ["E0102", "E0102"]);
    let system = readable.with("/p/b.polder", b"\xff".to_vec()).with("/p/c.polder", "namespace\n");
    let session = session(&system);
    assert_eq!(codes(&session), ["E0003", "E0001"]);
    assert!(session.model().is_none());
}

#[test]
fn a_comment_is_without_effect_only_when_all_was_said() {
    let allow = "# polder: allow(W0005)\nexternal namespace x\n";
    let lone = Memory::default().with("/p/a.polder", format!("{allow}{GOOD}"));
    assert!(codes(&session(&lone)).contains(&"W0013"));
    let broken = lone.with("/p/b.polder", "namespace\n");
    assert!(!codes(&session(&broken)).contains(&"W0013"));
}
