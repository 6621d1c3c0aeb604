//! What is known of the CNIs: every row of the table is met by a case, what Polder writes meets none of those that it writes
//! around, and limits are told of programs that come near.

use polder::diag::{Code, Levels};
use polder::model::{CNI_DIFFERENCES, Cni, CniDifference, CniNotice, CniTrigger};
use polder::net::Truth;
use polder::netpol::{Peer, Policy};
use polder::session::{Layout, Manifests, Memory, Named, Project, Session, Settings};
use std::collections::BTreeSet;
use std::path::Path;

fn session(text: &str, layout: Layout) -> Session {
    let memory = Memory::default().with("/p/main.polder", text);
    let project = Project::load(&memory, Path::new("/p"), &[Named::Path("/p".into())]);
    Session::new(project, Settings { layout, ..Settings::default() })
}

/// A group of pods and of blocks with exceptions, and the internet, which is written with exceptions.
fn mixed(cni: &str) -> String {
    format!(
        "platform {{\n  cni {cni}\n}}\n\ncidr partners = 198.51.100.0/24 except 198.51.100.7/32\n\nnamespace shop {{\n  tier web\n  \
         tier api\n  group callers = {{ api, partners }}\n\n  callers -> web:8080\n  web -> internet:443\n  web -> \
         partners:443\n}}\n"
    )
}

fn blocks(policy: &Policy) -> impl Iterator<Item = &polder::net::IpBlock> {
    let rules = policy.ingress.iter().chain(&policy.egress).flatten();
    rules.flat_map(|rule| &rule.peers).filter_map(|peer| match peer {
        Peer::Block(block) => Some(block),
        Peer::Pods { .. } | Peer::Unlisted(_) => None,
    })
}

#[test]
fn aws_gets_the_blocks_that_are_left_and_no_exception() {
    for (cni, layout) in ["aws-vpc-cni", "eks-auto"]
        .into_iter()
        .flat_map(|cni| [Layout::Flow, Layout::Tier, Layout::Namespace].map(|layout| (cni, layout)))
    {
        let session = session(&mixed(cni), layout);
        // Proved against the program.
        assert!(session.output().is_some(), "{:?}", session.reports(&Levels::default()));
        let policies = &session.policies().unwrap().policies;
        assert!(policies.iter().flat_map(blocks).all(|block| block.except.is_empty()), "{cni}");
        let out = policies.iter().find(|policy| *policy.name == *"allow-web-to-internet");
        // Public IPv4 is 51 blocks without what is private, shared, link-local, loopback, multicast or reserved.
        assert!(layout != Layout::Flow || blocks(out.unwrap()).count() == 52);
    }
}

#[test]
fn kube_ovn_gets_no_pods_beside_exceptions() {
    let mixes = |policy: &Policy| {
        policy.ingress.iter().chain(&policy.egress).flatten().any(|rule| {
            let has_pods = rule.peers.iter().any(|peer| matches!(peer, Peer::Pods { .. }));
            has_pods && rule.peers.iter().any(|peer| matches!(peer, Peer::Block(block) if !block.except.is_empty()))
        })
    };
    for layout in [Layout::Flow, Layout::Tier, Layout::Namespace] {
        let of = |cni: &str| session(&mixed(cni), layout);
        let (others, kube_ovn) = (of("calico"), of("kube-ovn"));
        assert!(others.policies().unwrap().policies.iter().any(mixes), "the program mixes nothing");
        assert!(kube_ovn.output().is_some(), "{:?}", kube_ovn.reports(&Levels::default()));
        assert!(!kube_ovn.policies().unwrap().policies.iter().any(mixes));
    }
}

/// Lint says nothing of the CNI about what a build for it has written.
#[test]
fn what_is_written_for_a_cni_is_nothing_that_lint_finds_for_it() {
    for cni in Cni::ALL.into_iter().filter(|cni| *cni != Cni::Flannel) {
        let session = session(&mixed(cni.name()), Layout::Flow);
        let text: String = session.output().unwrap().stream().collect();
        let manifests =
            Manifests::load(&Memory::default().with_input(text), Path::new("/p"), &[Named::Input], "default");
        let of_cni = [Code::W0232, Code::W0015, Code::W0016];
        let reports = manifests.lint((cni, None), &Levels::default());
        let found = reports.iter().map(|report| &report.diagnostic).filter(|found| of_cni.contains(&found.code));
        let found: Vec<&str> = found.map(|found| found.message.as_str()).collect();
        // Windows is no choice of the program.
        assert!(found.is_empty() || cni == Cni::AzureNpm, "{}: {found:?}", cni.name());
    }
}

/// What `docs/cni.md` says of a CNI.
fn described(cni: Cni) -> String {
    let mut lines: Vec<String> = Vec::new();
    if !matches!(cni, Cni::Any | Cni::Flannel) {
        lines.push(exact(cni));
    }
    let rows = cni.all_differences();
    lines.extend(rows.map(|row| format!("- {}", said(cni, row))));
    let paragraphs = lines.iter().map(|line| wrapped(line));
    let text: Vec<String> = paragraphs.collect();
    match (lines.first(), text.split_first()) {
        (Some(first), Some((head, rest))) if !first.starts_with('-') && !rest.is_empty() => {
            format!("{head}\n{}", rest.concat())
        }
        _ => text.concat(),
    }
}

/// What it reads as Kubernetes says, and what its blocks match.
fn exact(cni: Cni) -> String {
    use CniTrigger::*;
    let things: [(&str, &[CniTrigger]); 4] = [
        ("named ports", &[NamedPort, NamedPortOfSeveralNumbers]),
        ("ranges of ports", &[PortRange]),
        ("SCTP", &[SctpPort]),
        ("exceptions of blocks", &[BlockException, ExceptionAllowedElsewhere, PodsBesideException]),
    ];
    let is_exact = |triggers: &[CniTrigger]| !cni.all_differences().any(|row| triggers.contains(&row.trigger));
    let exact: Vec<&str> = things.iter().filter(|(_, triggers)| is_exact(triggers)).map(|(name, _)| *name).collect();
    let known = |truth: Truth| match truth {
        Truth::Yes => "yes",
        Truth::Maybe => "not known",
        Truth::No => "no",
    };
    let matches = cni.blocks_match(None);
    let start = if exact.is_empty() { String::new() } else { format!("Exact: {}. ", exact.join(", ")) };
    let [pods, nodes, server] = [matches.pods, matches.nodes, matches.api_server].map(known);
    format!("{start}Address blocks match pods: {pods}; nodes: {nodes}; the API server: {server}.")
}

/// A row in a line.
fn said(cni: Cni, row: &CniDifference) -> String {
    let sentence = row.sentence(&format!("`{}`", cni.name()), row.trigger.in_general());
    let mut letters = sentence.chars();
    let sentence: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let versions = Some(row.versions.in_words()).filter(|words| !words.is_empty()).map(|words| format!(" ({words})"));
    let notice = |notice: CniNotice| match notice {
        CniNotice::Said(code) | CniNotice::SaidOfAll(code) => Some(format!("`{code}`")),
        CniNotice::Noted(code) => Some(format!("`{code}`, a note")),
        CniNotice::WrittenAround | CniNotice::Unseen => None,
    };
    let told = match (row.program, notice(row.program), notice(row.manifests)) {
        (CniNotice::WrittenAround, _, lint) => {
            format!("Polder writes around it{}.", lint.map(|lint| format!("; `lint`: {lint}")).unwrap_or_default())
        }
        (_, program, lint) if program == lint => format!("{}.", program.unwrap_or_default()),
        (_, Some(program), Some(lint)) => format!("{program}; `lint`: {lint}."),
        (_, Some(program), None) => format!("{program}."),
        (_, None, Some(lint)) => format!("`lint`: {lint}."),
        (_, None, None) => panic!("nobody is told of {}", row.says),
    };
    let mend = match row.program {
        CniNotice::WrittenAround => String::new(),
        _ => {
            let mut letters = row.mend.chars();
            let mend: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
            format!(" {mend}.")
        }
    };
    format!("{sentence}{}.{mend} {told}", versions.unwrap_or_default())
}

/// The words of a line, where what stands in backquotes is one.
fn unbroken(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in line.split(' ') {
        match words.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
        is_open ^= word.matches('`').count() % 2 == 1;
    }
    words
}

/// A line in several of no more than 120 characters, with a line end.
fn wrapped(line: &str) -> String {
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut lines: Vec<String> = Vec::new();
    let mut last = String::new();
    for word in unbroken(line) {
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > 120 {
            lines.push(std::mem::replace(&mut last, format!("{indent}{word}")));
        } else {
            let gap = if last.is_empty() { "" } else { " " };
            last.push_str(gap);
            last.push_str(&word);
        }
    }
    lines.push(last);
    lines.join("\n") + "\n"
}

#[test]
fn the_page_of_cnis_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cni.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut written = String::new();
    let mut named = BTreeSet::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("<!-- cni: ") {
        let (name, after) = after.split_once(" -->\n").unwrap();
        let (_, after) = after.split_once("<!-- end -->\n").unwrap();
        let cni = Cni::parse(name).unwrap();
        assert!(named.insert(cni.name()), "{name} is there twice");
        written += &format!("{before}<!-- cni: {name} -->\n{}<!-- end -->\n", described(cni));
        rest = after;
    }
    written += rest;
    // Canal is said with Calico, of which everything is so.
    let (calico, canal) = (words(&described(Cni::Calico)), words(&described(Cni::Canal)));
    assert_eq!(canal.replace("`canal`", "`calico`"), calico, "give canal a place of its own");
    named.insert(Cni::Canal.name());
    let missing: Vec<&str> = Cni::names().filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "the page does not name {missing:?}");
    if std::env::var_os("POLDER_UPDATE").is_some() {
        std::fs::write(&path, written).unwrap();
    } else {
        assert!(page == written, "docs/cni.md is not what the table says: POLDER_UPDATE=1 writes it");
    }
}

/// The words of a text, without what a snapshot puts around them.
fn words(text: &str) -> String {
    let is_frame = |word: &&str| {
        word.chars().all(|one| !one.is_alphanumeric() && !one.is_ascii_punctuation() || "|:!x>".contains(one))
    };
    text.split_whitespace().filter(|word| !is_frame(word)).collect::<Vec<_>>().join(" ")
}

/// All snapshots of a folder in one text.
fn snapshots(folder: &str, start: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with(start) {
            all += &words(&std::fs::read_to_string(path).unwrap());
            all.push('\n');
        }
    }
    all
}

/// Each row is met by a case: in programs and in manifests, as far as it is said there, for one of its CNIs at least. Those
/// of limits are met below.
#[test]
fn every_row_has_a_case() {
    let (programs, manifests) = (snapshots("tests/diagnostics", "said@"), snapshots("tests/lint/cases", "lint@"));
    let is_limit = |row: &CniDifference| {
        matches!(row.trigger, CniTrigger::EntriesOfPod | CniTrigger::PoliciesOfPod | CniTrigger::PoliciesOfAll)
    };
    let is_shown = |row: &CniDifference, shown: &str| {
        row.cnis.iter().any(|cni| {
            let name = match cni {
                Cni::Any => String::new(),
                other => other.name().to_owned(),
            };
            // The version may stand behind the name, and what it is about anywhere.
            let sentence = row.says.replace("{cni}", &format!("\0{name}\0")).replace("{what}", "\0");
            let pieces: Vec<&str> = sentence.split('\0').map(str::trim).filter(|piece| piece.len() > 1).collect();
            shown.lines().any(|shown| pieces.iter().all(|piece| shown.contains(piece)))
        })
    };
    let mut missing = Vec::new();
    for row in CNI_DIFFERENCES.iter().filter(|row| !is_limit(row)) {
        let is_said = |notice: CniNotice| matches!(notice, CniNotice::Said(_) | CniNotice::Noted(_));
        if is_said(row.program) && !is_shown(row, &programs) {
            missing.push(format!("no program shows: {}", row.says));
        }
        if is_said(row.manifests) && !is_shown(row, &manifests) {
            missing.push(format!("no manifest shows: {}", row.says));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What is said of a program with these codes.
fn told(session: &Session, code: Code) -> Vec<String> {
    let reports = session.reports(&Levels::default());
    let found = reports.into_iter().map(|report| report.diagnostic).filter(|found| found.code == code);
    found.map(|found| found.message).collect()
}

/// A program with a flow of one tier to each of so many cidrs.
fn wide(cni: &str, cidrs: usize, ports: &str) -> String {
    let mut text = format!("platform {{\n  cni {cni}\n}}\n\n");
    for at in 0..cidrs {
        text += &format!("cidr c{at} = 198.{}.{}.0/24\n", at / 256, at % 256);
    }
    text += "\nnamespace shop {\n  tier web\n";
    for at in 0..cidrs {
        text += &format!("  web -> c{at}:{ports}\n");
    }
    text + "}\n"
}

#[test]
fn programs_near_a_limit_are_told() {
    let of = |cni: &str, cidrs: usize, ports: &str, layout: Layout| {
        told(&session(&wide(cni, cidrs, ports), layout), Code::W0016)
    };
    // A range of 30 aligned prefixes for each block.
    let many = of("cilium", 300, "1-65534", Layout::Flow);
    assert!(matches!(many.as_slice(), [one] if one.contains("may come to about 90")), "{many:?}");
    assert_eq!(of("cilium", 300, "443", Layout::Flow), Vec::<String>::new());
    assert_eq!(of("calico", 300, "1-65534", Layout::Flow), Vec::<String>::new());
    let many = of("calico", 1001, "443", Layout::Flow);
    assert!(matches!(many.as_slice(), [one] if one.contains("have 1003")), "{many:?}");
    assert_eq!(of("calico", 1001, "443", Layout::Tier), Vec::<String>::new());
    let many = of("ovn-kubernetes", 1001, "443", Layout::Flow);
    assert!(matches!(many.as_slice(), [one] if one.contains("the program has 1003 policies")), "{many:?}");
    assert_eq!(of("ovn-kubernetes", 1001, "443", Layout::Tier), Vec::<String>::new());
    assert_eq!(of("antrea", 1001, "443", Layout::Flow), Vec::<String>::new());
}

/// And so are manifests, whoever wrote them.
#[test]
fn manifests_near_a_limit_are_told() {
    for (cni, cidrs, ports, has) in
        [("cilium", 300, "1-65534", "may come to about 90"), ("calico", 1001, "443", "have 1003")]
    {
        let text: String = session(&wide(cni, cidrs, ports), Layout::Flow).output().unwrap().stream().collect();
        let system = Memory::default().with_input(text);
        let manifests = Manifests::load(&system, Path::new("/p"), &[Named::Input], "default");
        let reports = manifests.lint((Cni::parse(cni).unwrap(), None), &Levels::default());
        let found = reports.iter().filter(|report| report.diagnostic.code == Code::W0016);
        let found: Vec<&str> = found.map(|report| report.diagnostic.message.as_str()).collect();
        assert!(matches!(found.as_slice(), [one] if one.contains(has)), "{found:?}");
    }
}
