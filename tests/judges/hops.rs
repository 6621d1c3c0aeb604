//! What is one hop away is told with its own ports, with those that are known and those that are not.

use crate::judges::asked::subject;
use polder::ask::{Asked, Blast, BlastFrom, Dns};
use polder::cover::Budget;
use polder::engine::Engine;

/// Both tiers may be reached on port 80. Nobody knows whether the block has the pods of the first; ingress of the second is
/// isolated, so there the other port is closed for sure.
const PROGRAM: &str = "platform {\n  cni any\n  pods 10.244.0.0/16\n}\ncidr net = 10.244.1.0/24\nnamespace app {\n  tier a\n  tier x\n  \
                       tier y\n  a -> {x, y}:80\n  a -> net:443\n  isolate egress for a\n  isolate ingress for y\n}\n";

/// The ports of the hops to a name, and of those of which it is not known.
fn hop(blast: &Blast, name: &str) -> (String, String) {
    let is_it = |group: &usize| blast.groups[*group].to_string().starts_with(name);
    let step = blast.steps.iter().find(|step| step.hops == 1 && step.groups.iter().any(is_it)).unwrap();
    (step.ports.to_string(), step.unknown.to_string())
}

fn hold(blast: &Blast) {
    assert_eq!(hop(blast, "app/x"), ("80/tcp".to_owned(), "443/tcp".to_owned()));
    let (ports, unknown) = hop(blast, "app/y");
    assert_eq!((ports.as_str(), unknown.as_str()), ("80/tcp", "{}"), "{:?}", blast.steps);
}

#[test]
fn tiers_that_are_open_on_the_same_ports_may_differ_in_what_is_not_known() {
    let subject = subject(PROGRAM, None).unwrap();
    let asked = Asked::Name("app/a".to_owned());
    let everyone = subject.everyone(std::slice::from_ref(&asked));
    let from = BlastFrom { asked: &asked, back: false, depth: usize::MAX, servers: None };
    hold(&everyone.blast(&everyone.grants(subject.policies()), from, &mut Budget::of_question()).unwrap());
}

#[test]
fn pods_that_are_open_on_the_same_ports_may_differ_in_what_is_not_known() {
    let pod = |app: &str| {
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"{app}\", \"namespace\": \"app\", \
             \"labels\": {{\"app\": \"{app}\"}}}}, \"spec\": {{\"containers\": [{{\"name\": \"c\", \"image\": \"x\"}}]}}}}"
        )
    };
    let all = ["a", "x", "y"].map(pod).join("\n");
    let subject = subject(PROGRAM, Some(&all)).unwrap();
    let asked = Asked::Name("app/a".to_owned());
    let situation = subject.situation(std::slice::from_ref(&asked)).unwrap();
    let engine = Engine::new(&situation.world, subject.policies());
    let start = subject.find(&situation, &asked).unwrap();
    hold(&Blast::new(&engine, &situation, &start, false, usize::MAX, &Dns::default()));
}
