//! How much more it takes to answer for twice as many label keys, rules and tiers that overlap: in steps that are counted,
//! which are the same on every machine.

use polder::ask::{Asked, Between, BlastFrom, Detail, Ends, Reach, Untold};
use polder::cover::{Budget, GaveUp};
use polder::engine::Engine;
use polder::net::PortSet;
use polder::session::{Import, ImportOptions, Memory, Named, Question, Subject};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

/// Twice as much of everything takes at most so many times the steps: pairs of what there is, and a little.
const MOST: f64 = 4.5;

/// The same for `reach` over policies by a label of pods each, every two of which can share a pod.
const MOST_OF_SUBJECTS: f64 = 6.0;

/// The same for `reach --format json` over rules that are all near each two of as many names.
const MOST_OF_TABLES: f64 = 7.0;

/// The same for an import: each pair, split by all that is near.
const MOST_OF_IMPORT: f64 = 8.5;

/// The same where all is asked about, of which most has nothing to do with each other.
const MOST_OF_ALL: f64 = 2.5;

/// What is asked about: a program, or manifests.
enum Text {
    Program(String),
    Manifests(String),
}

/// Makes one of a size, and says where to start from.
type Make = fn(usize) -> (Text, &'static str);

fn subject(text: &Text) -> Subject {
    let path = |name: &str| vec![Named::Path(name.into())];
    let (memory, question) = match text {
        Text::Program(text) => (
            Memory::default().with("/p/main.polder", text.as_str()),
            Question { program: path("main.polder"), ..Question::default() },
        ),
        Text::Manifests(text) => (
            Memory::default().with("/p/all.yaml", text.as_str()),
            Question { manifests: path("all.yaml"), ..Question::default() },
        ),
    };
    let subject = Subject::load(&memory, Path::new("/p"), &question);
    assert!(subject.is_answerable());
    subject
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(|at| format!("  {}\n", line(at))).collect()
}

/// Each client by a label of its own, which a pod can have several of.
fn keys(count: usize) -> (Text, &'static str) {
    let tiers = lines(count, |at| format!("tier c{at} (allow-{at}=true)\n  tier s{at} (app=s{at})"));
    let flows = lines(count, |at| format!("c{at} -> s{at}:80"));
    (Text::Program(format!("namespace app {{\n{tiers}{flows}}}\n")), "app/c0")
}

/// Tiers of which every two can share a pod, in a ring.
fn overlapping(count: usize) -> (Text, &'static str) {
    let tiers = lines(count, |at| format!("tier t{at} (k{at})"));
    let flows = lines(count, |at| format!("t{at} -> t{}:{}", (at + 1) % count, 8000 + at));
    (Text::Program(format!("namespace app {{\n{tiers}{flows}}}\n")), "app/t0")
}

/// Rules for namespaces by a label of each.
fn selectors(count: usize) -> (Text, &'static str) {
    let rule = |at| {
        format!(
            "    - {{from: [{{namespaceSelector: {{matchLabels: {{k{at}: v}}}}}}], ports: [{{port: {}}}]}}",
            8000 + at
        )
    };
    let rules = lines(count, rule);
    let head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: shop}\nspec:\n";
    let text = format!("{head}  podSelector: {{}}\n  policyTypes: [Ingress]\n  ingress:\n{rules}");
    (Text::Manifests(text), "shop/*")
}

/// Policies by a key of pods each.
fn subjects(count: usize) -> (Text, &'static str) {
    let mut text = String::new();
    for at in 0..count {
        writeln!(
            text,
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at}, namespace: shop}}\nspec:\n  \
             podSelector: {{matchLabels: {{k{at}: v}}}}\n  policyTypes: [Ingress]\n  ingress: [{{ports: [{{port: {}}}]}}]\n---",
            8000 + at
        )
        .unwrap();
    }
    (Text::Manifests(text), "shop/*")
}

fn reach(subject: &Subject, detail: Detail, budget: &mut Budget) -> Result<(), GaveUp> {
    let everyone = subject.everyone(&[]);
    let grants = everyone.grants(subject.policies());
    let between = Between { from: None, to: None, detail };
    let mut ports = |_: &[Ends], _: &mut Budget| Ok(None::<Result<PortSet, ()>>);
    match everyone.reach(&grants, between, &mut ports, budget) {
        Ok(told) => {
            assert!(!told.reach.cells.is_empty());
            Ok(())
        }
        Err(Untold::TooHard) => Err(GaveUp),
        Err(other) => panic!("{other:?}"),
    }
}

fn blast(subject: &Subject, from: &str, back: bool, budget: &mut Budget) -> Result<(), GaveUp> {
    let asked = Asked::Name(from.to_owned());
    let (servers, ports) = subject.dns_servers();
    let everyone = subject.everyone(&[asked.clone(), servers.clone()]);
    let grants = everyone.grants(subject.policies());
    let from = BlastFrom { asked: &asked, back, depth: usize::MAX, servers: Some((&servers, &ports)) };
    everyone.blast(&grants, from, budget).map(|found| assert!(found.groups.len() > 1))
}

fn steps(ask: impl Fn(&mut Budget) -> Result<(), GaveUp>) -> usize {
    let mut budget = Budget::of_question();
    let all = budget.left();
    ask(&mut budget).expect("few enough steps");
    all - budget.left()
}

#[test]
fn twice_as_many_take_four_times_the_steps_at_most() {
    let cases: [(&str, Make); 4] =
        [("keys", keys), ("overlapping", overlapping), ("selectors", selectors), ("subjects", subjects)];
    let mut wrong = Vec::new();
    for (name, make) in cases {
        let count = |size: usize| {
            let (text, start) = make(size);
            let subject = subject(&text);
            [
                steps(|budget| reach(&subject, Detail::Lines, budget)),
                steps(|budget| reach(&subject, Detail::Table, budget)),
                steps(|budget| blast(&subject, start, false, budget)),
                steps(|budget| blast(&subject, start, true, budget)),
            ]
        };
        let (small, large) = (count(15), count(30));
        for (what, (one, two)) in
            ["reach", "reach --format json", "blast", "blast --to"].iter().zip(small.iter().zip(&large))
        {
            let growth = *two as f64 / *one as f64;
            let most = match (*what, name) {
                ("reach", "subjects") => MOST_OF_SUBJECTS,
                ("reach --format json", "selectors" | "subjects") => MOST_OF_TABLES,
                _ => MOST,
            };
            if growth > most {
                wrong.push(format!("{what} of {name}: {one} and {two} steps, {growth:.1} times as many"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Policies of one namespace, as one document on one line each: a spec for a number.
fn policies_of(count: usize, spec: impl Fn(usize) -> String) -> String {
    let head = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:";
    (0..count).map(|at| format!("{head} {{name: p{at}, namespace: shop}}\nspec: {{{}}}\n---\n", spec(at))).collect()
}

/// One policy with so many rules, all on one line.
fn rules_of(count: usize, rule: impl Fn(usize) -> String) -> String {
    let rules: Vec<String> = (0..count).map(rule).collect();
    policies_of(1, |_| format!("podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{}]", rules.join(", ")))
}

#[test]
fn an_import_reads_each_line_once_and_compares_no_more_than_it_may() {
    type Text = fn(usize) -> String;
    let cases: [(&str, Text); 9] = [
        ("policies on one selector", |n| {
            policies_of(n, |at| {
                format!(
                    "podSelector: {{matchLabels: {{app: web}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{app: c{at}}}}}}}]}}]"
                )
            })
        }),
        ("policies on many keys", |n| {
            policies_of(n, |at| {
                format!(
                    "podSelector: {{matchLabels: {{k{at}: v}}}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{k{}: v}}}}}}]}}]",
                    at + 1
                )
            })
        }),
        ("keys that are there or not", |n| {
            policies_of(n, |at| {
                format!(
                    "podSelector: {{matchExpressions: [{{key: k{at}, operator: DoesNotExist}}]}}, ingress: [{{ports: [{{port: {}}}]}}]",
                    at + 1
                )
            })
        }),
        ("large selectors", |n| {
            let labels: Vec<String> = (0..n).map(|at| format!("k{at}: v")).collect();
            policies_of(10, |at| {
                format!("podSelector: {{matchLabels: {{{}, own{at}: v}}}}, ingress: [{{}}]", labels.join(", "))
            })
        }),
        ("values of one label", |n| {
            let values: Vec<String> = (0..n).map(|at| format!("v{at}")).collect();
            policies_of(10, |at| {
                format!(
                    "podSelector: {{matchExpressions: [{{key: app, operator: NotIn, values: [{}, own{at}]}}]}}, ingress: [{{}}]",
                    values.join(", ")
                )
            })
        }),
        ("rules of one policy", |n| {
            rules_of(n, |at| {
                format!("{{from: [{{podSelector: {{matchLabels: {{app: c{at}}}}}}}], ports: [{{port: {}}}]}}", at + 1)
            })
        }),
        ("ranges that overlap", |n| {
            rules_of(n, |at| format!("{{ports: [{{port: {}, endPort: {}}}]}}", at + 1, at + 5000))
        }),
        ("blocks of one rule", |n| {
            let blocks: Vec<String> =
                (0..n).map(|at| format!("{{ipBlock: {{cidr: 10.{}.{}.0/24}}}}", at / 128, at % 128 * 2)).collect();
            rules_of(1, |_| format!("{{from: [{}]}}", blocks.join(", ")))
        }),
        ("comments above each policy", |n| {
            policies_of(n, |_| "podSelector: {}, ingress: [{}]".to_owned()).replace("---\n", "---\n# note\n")
        }),
    ];
    let mut wrong = Vec::new();
    for (name, text) in cases {
        let count = |size: usize| {
            let text = text(size);
            let system = Memory::default().with("/p/all.yaml", text.as_str());
            let named = [Named::Path("/p/all.yaml".into())];
            let import = Import::load(&system, Path::new("/p"), &named, &ImportOptions::default());
            assert_eq!((import.failure, import.refused), (None, Vec::new()), "{name}");
            assert!(import.looked_at <= text.len() + 1, "{name}: {} bytes of {}", import.looked_at, text.len());
            import.lifted.comparisons.max(1)
        };
        let (small, large) = (count(40), count(80));
        if large as f64 > MOST_OF_IMPORT * small as f64 {
            wrong.push(format!("{name}: {small} and {large} comparisons"));
        }
        // However much there is, there is an end.
        assert!(large <= 6_000_000, "{name}: {large} comparisons");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Namespaces with policies of their own, of which some are open and one lets in all others by a port's name.
fn namespaces(count: usize) -> String {
    let mut text = String::new();
    for at in 0..count {
        let ingress = match at % 3 {
            0 => "ingress: []",
            1 => "ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]",
            _ => "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 443}]}]",
        };
        let direction = if at % 3 == 2 { "Egress" } else { "Ingress" };
        writeln!(
            text,
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p, namespace: n{at}}}\nspec:\n  \
             podSelector: {{matchLabels: {{app: db}}}}\n  policyTypes: [{direction}]\n  {ingress}\n---",
        )
        .unwrap();
    }
    text
}

/// Such namespaces, others by labels that none of them states, and blocks that may match pods.
fn teams(count: usize) -> Text {
    let mut text = namespaces(count);
    for at in 0..count {
        writeln!(
            text,
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: q, namespace: n{at}}}\nspec:\n  \
             podSelector: {{matchLabels: {{app: api}}}}\n  ingress: [{{from: [{{namespaceSelector: {{matchLabels: {{team: t{}}}}}}}]}}]\n---",
            at % 3
        )
        .unwrap();
    }
    Text::Manifests(text)
}

#[test]
fn tables_of_many_namespaces_take_pairs_of_them() {
    let count = |size: usize| {
        let subject = subject(&teams(size));
        steps(|budget| reach(&subject, Detail::Table, budget))
    };
    let (small, large) = (count(8), count(16));
    assert!(large as f64 <= MOST * small as f64 && large < 1_000_000, "{small} and {large} steps");
}

#[test]
fn what_is_granted_is_looked_for_once_however_many_get_there() {
    // Some pods of each namespace may leave for all that a block may match, and get to all that nothing isolates.
    let count = |size: usize| {
        let subject = subject(&teams(size));
        [false, true].map(|back| steps(|budget| blast(&subject, "n1/*", back, budget)))
    };
    let (small, large) = (count(40), count(80));
    for (one, two) in small.iter().zip(&large) {
        assert!(*two as f64 <= MOST * *one as f64 && *two < 200_000, "{small:?} and {large:?} steps");
    }
}

/// Pods of such namespaces, of several kinds in each.
fn with_pods(count: usize) -> String {
    let mut text = namespaces(count);
    for (at, app) in (0..count).flat_map(|at| ["web", "db"].map(|app| (at, app))) {
        writeln!(
            text,
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {app}, namespace: n{at}, labels: {{app: {app}}}}}\nspec:\n  \
             containers: [{{name: c, image: x}}]\n---"
        )
        .unwrap();
    }
    text
}

/// Pods of one kind, of which a policy says the same.
fn pods_alike(count: usize) -> (Text, &'static str) {
    let mut text = policies_of(1, |_| "podSelector: {}, ingress: [{from: [{podSelector: {}}]}]".to_owned());
    for at in 0..count {
        writeln!(
            text,
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web-{at}, namespace: shop, labels: {{app: web-{at}}}}}\nspec: \
             {{containers: [{{name: c, image: x}}]}}\n---"
        )
        .unwrap();
    }
    (Text::Manifests(text), "shop/*")
}

/// Tiers that all may connect to, each on a port of its own.
fn ports_of_each(count: usize) -> (Text, &'static str) {
    let tiers = lines(count, |at| format!("tier t{at}"));
    let flows = lines(count, |at| format!("cluster -> t{at}:{}", 8000 + at));
    (Text::Program(format!("namespace app {{\n{tiers}{flows}}}\n")), "app/t0")
}

#[test]
fn the_json_of_reach_grows_with_what_it_names() {
    let cases: [(&str, Make); 5] = [
        ("pods that no policy tells apart", pods_alike),
        ("keys", keys),
        ("overlapping", overlapping),
        ("subjects", subjects),
        ("ports", ports_of_each),
    ];
    let size = |text: &Text| {
        let folder = tempfile::tempdir().unwrap();
        let (option, name, text) = match text {
            Text::Program(text) => ("-p", "main.polder", text),
            Text::Manifests(text) => ("--manifests", "all.yaml", text),
        };
        std::fs::write(folder.path().join(name), text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_polder"))
            .args(["reach", "--format", "json", option, name])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(!document["connections"].as_array().unwrap().is_empty());
        output.stdout.len()
    };
    let mut wrong = Vec::new();
    for (name, make) in cases {
        let [small, large] = [30, 60].map(|count| size(&make(count).0));
        let growth = large as f64 / small as f64;
        if growth > MOST_OF_ALL {
            wrong.push(format!("{name}: {small} and {large} bytes, {growth:.1} times as many"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn connections_that_nothing_isolates_are_not_gone_through() {
    let count = |size: usize| {
        let subject = subject(&Text::Manifests(with_pods(size)));
        let situation = subject.situation(&[]).unwrap();
        let engine = Engine::new(&situation.world, subject.policies()).without_doubtful_blocks();
        let (mut all, mut closed) = (0, 0);
        engine.connections(|_, _, _| {
            all += 1;
            ControlFlow::Continue(())
        });
        let asked = engine.steps();
        let engine = Engine::new(&situation.world, subject.policies()).without_doubtful_blocks();
        engine.closed_connections(|_, _, _| {
            closed += 1;
            ControlFlow::Continue(())
        });
        assert!(engine.has_left_out() && engine.steps() <= asked);
        [all, closed, 1 + engine.steps()]
    };
    let (small, large) = (count(30), count(60));
    let [all, closed, asked] = [0, 1, 2].map(|at| f64::from(large[at] as u32) / f64::from(small[at] as u32));
    assert!(all > 3.0 && closed <= MOST_OF_ALL && asked <= MOST_OF_ALL, "{small:?} and {large:?}");
}

#[test]
fn more_pairs_than_anybody_reads_are_not_listed() {
    let tiers = lines(1_001, |at| format!("tier t{at}"));
    let program = subject(&Text::Program(format!("namespace app {{\n{tiers}  t0 -> t1:80\n}}\n")));
    let everyone = program.everyone(&[]);
    let between = Between { from: None, to: None, detail: Detail::Table };
    let mut ports = |_: &[Ends], _: &mut Budget| Ok(None::<Result<PortSet, ()>>);
    let told =
        everyone.reach(&everyone.grants(program.policies()), between, &mut ports, &mut Budget::of_question()).err();
    assert!(matches!(told, Some(Untold::TooLong(1_002_001..))), "{told:?}");
    let mut text = String::new();
    for at in 0..1_001 {
        writeln!(
            text,
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p{at}, namespace: shop}}\nspec: \
             {{podSelector: {{matchLabels: {{app: a{at}}}}}, ingress: [{{}}]}}\n---\napiVersion: v1\nkind: Pod\nmetadata: \
             {{name: a{at}, namespace: shop, labels: {{app: a{at}}}}}\nspec: {{containers: [{{name: c, image: x}}]}}\n---"
        )
        .unwrap();
    }
    let subject = subject(&Text::Manifests(text));
    let situation = subject.situation(&[]).unwrap();
    let engine = Engine::new(&situation.world, subject.policies());
    let reach = |detail| Reach::new(&engine, &situation, [None, None], detail, |_| None::<Result<PortSet, ()>>).err();
    let told = reach(Detail::Marks);
    assert!(matches!(told, Some(Untold::TooLong(1_002_001..))), "{told:?}");
}

#[test]
fn what_takes_more_steps_than_there_are_is_given_up() {
    let (text, start) = keys(10);
    let subject = subject(&text);
    for few in [1, 100] {
        assert_eq!(reach(&subject, Detail::Lines, &mut Budget::new(few)), Err(GaveUp));
        assert_eq!(blast(&subject, start, false, &mut Budget::new(few)), Err(GaveUp));
    }
}
