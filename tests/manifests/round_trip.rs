//! Any policy survives the way through text, and the text is the object of the published types.

use crate::manifests::{named, stream};
use crate::validation::validate;
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use polder::k8s::{Rereader, StagedKind, json_list, json_list_of, manifest, object, read, staged_manifest, unstaged};
use polder::net::{IpBlock, Protocol, Selector, Values};
use polder::netpol::{Peer, Policy, Port, PortTarget, Rule};
use proptest::collection::vec;
use proptest::prelude::*;
use smallvec::smallvec;
use std::collections::BTreeMap;

/// The policies of one text, read the fast way.
fn reread(text: &str) -> Option<Vec<Policy>> {
    let read = Rereader::default().policies(text)?;
    Some(read.into_iter().map(|one| one.policy).collect())
}

fn label_value() -> impl Strategy<Value = String> {
    prop_oneof!["([A-Za-z0-9]([-A-Za-z0-9_.]{0,8}[A-Za-z0-9])?)?", "y|no|on|010|0x1F|1e3|1_000|null|true|2024-01-01"]
}

fn label_key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", "([a-z]{1,5}\\.[a-z]{2,3}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?", "y|on|010|1e3|null",]
}

/// Values of one key; `Selector` makes contradictions of them where several meet.
fn values() -> impl Strategy<Value = Values> {
    let some = || vec(label_value(), 1..4);
    prop_oneof![
        some().prop_map(Values::one_of),
        some().prop_map(Values::none_of),
        Just(Values::exists()),
        Just(Values::does_not_exist()),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    vec((label_key(), values()), 0..4).prop_map(|requirements| {
        let mut selector = Selector::everything();
        requirements.into_iter().for_each(|(key, values)| selector.require(key, values));
        selector
    })
}

fn block_within(outer: IpNet) -> impl Strategy<Value = IpNet> {
    let most = outer.max_prefix_len();
    (outer.prefix_len()..=most, any::<u128>()).prop_map(move |(length, bits)| {
        let length = length.max(outer.prefix_len() + 1).min(most);
        match outer {
            IpNet::V4(net) => {
                let bits = u32::from(net.network()) | (u32::try_from(bits >> 96).unwrap() & u32::from(net.hostmask()));
                ipnet::Ipv4Net::new(bits.into(), length).unwrap().trunc().into()
            }
            IpNet::V6(net) => {
                let bits = u128::from(net.network()) | (bits & u128::from(net.hostmask()));
                ipnet::Ipv6Net::new(bits.into(), length).unwrap().trunc().into()
            }
        }
    })
}

fn block() -> impl Strategy<Value = IpBlock> {
    let whole = prop_oneof![Just("0.0.0.0/0"), Just("2000::/3"), Just("10.0.0.0/30"), Just("fd00::/126")];
    let cidr = whole.prop_flat_map(|whole: &str| block_within(whole.parse().unwrap()));
    (cidr.clone(), cidr.prop_flat_map(|cidr| (Just(cidr), vec(block_within(cidr), 0..4)))).prop_map(
        |(lone, (cidr, mut except))| {
            if cidr.prefix_len() == cidr.max_prefix_len() {
                return IpBlock { cidr: lone, except: Vec::new() };
            }
            let all = except.clone();
            except.retain(|block| !all.iter().any(|other| other != block && other.contains(block)));
            except.sort_unstable();
            except.dedup();
            IpBlock { cidr, except }
        },
    )
}

fn peer() -> impl Strategy<Value = Peer> {
    let pods =
        (proptest::option::of(selector()), selector()).prop_map(|(namespaces, pods)| Peer::Pods { namespaces, pods });
    prop_oneof![pods, block().prop_map(Peer::Block)]
}

fn port() -> impl Strategy<Value = Port> {
    let range = (1..65535_u16).prop_flat_map(|low| (Just(low), low + 1..=65535));
    let target = prop_oneof![
        Just(PortTarget::Every),
        (1..=65535_u16).prop_map(PortTarget::Number),
        range.prop_map(|(low, high)| PortTarget::Range(low, high)),
        prop_oneof!["y|no|on|null|true|1e3|0x1f|web", "[a-z][a-z0-9]{0,14}"]
            .prop_map(|name: String| PortTarget::Named(name.into())),
    ];
    (proptest::sample::select(&Protocol::ALL[..]), target).prop_map(|(protocol, target)| Port { protocol, target })
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    vec(
        (vec(peer(), 0..3), vec(port(), 0..3)).prop_map(|(peers, ports)| Rule {
            peers: peers.into(),
            ports: ports.into(),
            learns_names: false,
        }),
        0..3,
    )
}

/// Any text: every character of Unicode, and those that mean something in YAML more often.
fn text() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(
        "\0\u{1}\t\n\r\u{1b}\u{7f}\u{85}\u{a0}\u{ad}\u{2028}\u{2029}\u{202e}\u{200d}\u{feff}\u{fffe}\u{ffff}\u{1f600}\u{e0041}\\\"'#:-?[]{},&*!|>%@` ~ae0"
            .chars()
            .collect::<Vec<_>>(),
    );
    let words = proptest::sample::select(&["---", "...", ": ", " #", "\n- ", "\n  ", "\\u", "${a}", "{{ a }}"][..]);
    let piece =
        prop_oneof![special.prop_map(String::from), any::<char>().prop_map(String::from), words.prop_map(String::from)];
    vec(piece, 1..20).prop_map(|pieces| pieces.concat())
}

fn line() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('\n', " "))
}

prop_compose! {
    fn policy()(
        namespace in "[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?",
        name in "[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\\.[a-z]{1,3})?",
        subject in selector(),
        ingress in proptest::option::of(rules()),
        egress in proptest::option::of(rules()),
        description in proptest::option::of(text()),
        statements in vec(line(), 0..3),
    ) -> Policy {
        let ingress = if egress.is_none() { Some(ingress.unwrap_or_default()) } else { ingress };
        Policy { kind: polder::netpol::PolicyKind::NetworkPolicy, namespace: namespace.into(), name: name.into(), subject, ingress, egress, description, statements: statements.into_iter().map(Into::into).collect() }
    }
}

proptest! {
    /// Our text is the object, our reader reads the policy back from both, and the API server takes it in silence.
    #[test]
    fn a_policy_survives_its_text(policy in policy()) {
        let mut text = String::new();
        manifest(&policy, &mut text);
        let parsed: NetworkPolicy = serde_yaml::from_str(&text).unwrap();
        let object = object(&policy).unwrap();
        prop_assert_eq!(&parsed, &object);
        prop_assert_eq!(validate(&text), [""; 0]);
        prop_assert_eq!(reread(&text), Some(vec![policy.clone()]), "{}", text);
        for text in [text, serde_json::to_string_pretty(&object).unwrap(), json_list(std::slice::from_ref(&policy)).unwrap()] {
            let reading = read(&text, "default");
            prop_assert_eq!(&reading.problems, &[]);
            prop_assert_eq!(reading.policies.len(), 1);
            prop_assert_eq!(&reading.policies[0].policy, &policy, "{}", text);
        }
    }

    /// A policy that is only looked at: the same text but for its kind and its action, which enforces nothing.
    #[test]
    fn a_staged_policy_survives_its_text(policies in vec(policy(), 1..3)) {
        for kind in StagedKind::ALL {
            let (mut enforced, mut staged) = (String::new(), String::new());
            for (index, policy) in policies.iter().enumerate() {
                let mark = if index == 0 { "" } else { "---\n" };
                enforced.push_str(mark);
                staged.push_str(mark);
                manifest(policy, &mut enforced);
                staged_manifest(policy, kind, &mut staged);
            }
            let (head, action) = match kind {
                StagedKind::Calico => (
                    "apiVersion: projectcalico.org/v3\nkind: StagedKubernetesNetworkPolicy\n",
                    "\nspec:\n  stagedAction: Set\n",
                ),
                StagedKind::Kguardian => ("apiVersion: kguardian.dev/v1alpha1\nkind: AuditNetworkPolicy\n", "\nspec:\n"),
            };
            prop_assert_eq!(staged.matches(head).count(), policies.len(), "{}", staged);
            prop_assert_eq!(staged.matches(action).count(), policies.len(), "{}", staged);
            let back = staged.replace(head, "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n");
            prop_assert_eq!(&back.replace(action, "\nspec:\n"), &enforced);
            prop_assert_eq!(&*unstaged(&staged), &*enforced);
            let read_again = Rereader::default().policies(&staged).unwrap();
            prop_assert!(read_again.iter().all(|one| one.staged == Some(kind)));
            prop_assert_eq!(read_again.into_iter().map(|one| one.policy).collect::<Vec<_>>(), policies.clone());
            let json = json_list_of(policies.iter().map(|policy| (policy, Some(kind)))).unwrap();
            for text in [&staged, &json] {
                let reading = read(text, "default");
                prop_assert_eq!((&reading.problems, &reading.policies, &reading.objects), (&vec![], &vec![], &vec![]));
                prop_assert_eq!(reading.ignored.len(), policies.len());
                prop_assert!(reading.ignored.iter().all(|one| one.is_staged()));
            }
        }
    }

    /// However our text is changed, the fast reader gives up or agrees with the general one.
    #[test]
    fn the_fast_reader_agrees(
        policies in vec(policy(), 1..3),
        changes in vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), 0..7_u8), 1..3),
    ) {
        let mut text = stream(&policies);
        prop_assert_eq!(reread(&text), Some(policies));
        for (at, other, change) in changes {
            text = changed(&text, &at, &other, change);
        }
        if let Some(found) = reread(&text) {
            let reading = read(&text, "default");
            prop_assert_eq!(&reading.problems, &[], "{}", text);
            let policies: Vec<_> = reading.policies.into_iter().map(|read| read.policy).collect();
            prop_assert_eq!(found, policies, "{}", text);
        }
    }

    /// Whatever the text is, reading it ends, and every place is one of the text.
    #[test]
    fn any_text_can_be_read(
        policy in policy(),
        pieces in vec(prop_oneof![text(), "[a-z]{1,3}: ?", Just("\n".to_owned()), Just("- ".to_owned())], 0..20),
        at in any::<proptest::sample::Index>(),
    ) {
        let alone = pieces.concat();
        let ours = stream([&policy]);
        let at = at.index(ours.len());
        let at = (0..=at).rev().find(|at| ours.is_char_boundary(*at)).unwrap();
        let within = format!("{}{alone}{}", &ours[..at], &ours[at..]);
        for text in [alone, within] {
            let reading = read(&text, "default");
            let places = reading.problems.iter().chain(&reading.remarks).filter_map(|problem| problem.at);
            prop_assert!(places.into_iter().all(|at| text.get(at..).is_some()), "{text:?} {:?}", reading.problems);
            reread(&text);
        }
    }

    /// No string changes the structure around it, and each is written on one line of visible characters.
    #[test]
    fn any_string_survives(strings in vec(text(), 1..4)) {
        let policies: Vec<_> = strings.iter().enumerate().map(|(index, text)| Policy {
            description: Some(text.clone()),
            statements: smallvec![text.replace('\n', " ").into()],
            ..named("a", &format!("p{index}"))
        }).collect();
        let text = stream(&policies);
        prop_assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()));
        prop_assert_eq!(text.lines().count(), policies.len() * 15);
        let read = read(&text, "default");
        prop_assert_eq!(read.problems, &[]);
        let read: Vec<_> = read.policies.into_iter().map(|read| read.policy).collect();
        prop_assert_eq!(read, policies);
    }
}

/// The text with one line taken away, doubled, moved or indented, or with one character taken away or replaced.
fn changed(text: &str, at: &proptest::sample::Index, other: &proptest::sample::Index, change: u8) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return text.to_owned();
    }
    let (at, other) = (at.index(lines.len()), other.index(lines.len().max(64)));
    match change {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.swap(at, other % text.lines().count()),
        3 => lines[at].insert_str(0, "  "),
        4 => lines[at] = lines[at].trim_start().to_owned(),
        _ => {
            let mut letters: Vec<char> = lines[at].chars().collect();
            let place = other % (letters.len() + 1);
            let letter = *[' ', '"', '\\', ':', '0', '1', '9', 'A', 'n', '{', '#', '-', '/', '.', '\u{85}']
                .get(other % 15)
                .unwrap();
            match (change, place < letters.len()) {
                (5, true) => drop(letters.remove(place)),
                (6, true) => letters[place] = letter,
                _ => letters.push(letter),
            }
            lines[at] = letters.into_iter().collect();
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn text_that_is_long_is_cut() {
    let statements: Vec<String> = (0..100_000).map(|number| format!("a{number} -> b:80/tcp")).collect();
    let policy = Policy {
        description: Some("ä".repeat(300_000)),
        statements: statements.iter().map(|one| one.as_str().into()).collect(),
        ..named("a", "a")
    };
    let text = stream([&policy]);
    assert_eq!(validate(&text), [""; 0]);
    let read = read(&text, "default").policies.remove(0);
    let size: usize = read.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(size < 80_000 && size > 60_000, "{size}");
    let (last, shown) = read.policy.statements.split_last().unwrap();
    assert!(shown.iter().map(|one| &**one).eq(statements[..shown.len()].iter().map(String::as_str)));
    assert_eq!(**last, format!("and {} more", statements.len() - shown.len()));
    assert!(read.policy.description.unwrap().ends_with("ä..."));
}

/// Without a direction in it, the manifest would isolate for ingress.
#[test]
fn a_policy_without_a_direction_is_not_written() {
    let policy = Policy { ingress: None, ..named("a", "a") };
    let mut text = String::new();
    manifest(&policy, &mut text);
    assert_eq!(text, "");
    assert_eq!(object(&policy), None);
}

/// A policy with every construct in it.
fn everything() -> Policy {
    let labels = |pairs: &[(&str, Values)]| {
        let mut selector = Selector::everything();
        pairs.iter().for_each(|(key, values)| selector.require(*key, values.clone()));
        selector
    };
    let app = labels(&[("app", Values::one_of(["web"]))]);
    let namespace = labels(&[("kubernetes.io/metadata.name", Values::one_of(["on"]))]);
    let pods = |namespaces: Option<&Selector>, pods: &Selector| Peer::Pods {
        namespaces: namespaces.cloned(),
        pods: pods.clone(),
    };
    let everything = Selector::everything();
    let port = |protocol, target| Port { protocol, target };
    Policy {
        subject: labels(&[
            ("track", Values::one_of(["stable", "canary"])),
            ("app", Values::one_of(["web"])),
            ("tier", Values::exists().and(&Values::none_of(["db"]))),
            ("debug", Values::does_not_exist()),
            ("a", Values::one_of([""])),
        ]),
        ingress: Some(vec![
            Rule {
                peers: smallvec![
                    pods(Some(&namespace), &app),
                    pods(Some(&namespace), &everything),
                    pods(None, &app),
                    pods(None, &everything),
                    pods(Some(&everything), &everything),
                ],
                ports: smallvec![
                    port(Protocol::Tcp, PortTarget::Number(8080)),
                    port(Protocol::Udp, PortTarget::Range(30000, 32767)),
                    port(Protocol::Sctp, PortTarget::Every),
                    port(Protocol::Tcp, PortTarget::Named("http".into())),
                ],
                learns_names: false,
            },
            Rule { peers: smallvec![], ports: smallvec![port(Protocol::Tcp, PortTarget::Every)], learns_names: false },
            Rule { peers: smallvec![], ports: smallvec![], learns_names: false },
        ]),
        egress: Some(vec![Rule {
            peers: smallvec![Peer::Block(IpBlock {
                cidr: "2001:db8::/32".parse().unwrap(),
                except: vec!["2001:db8:1::/48".parse().unwrap()],
            })],
            ports: smallvec![],
            learns_names: false,
        }]),
        description: Some("The \"shop\".\nOwner: team-web.".to_owned()),
        statements: smallvec!["a -> b".into(), "a -> c".into()],
        ..named("production", "web")
    }
}

#[test]
fn the_form() {
    let policy = everything();
    let mut text = String::new();
    manifest(&policy, &mut text);
    insta::assert_snapshot!(text);
    assert_eq!(validate(&text), [""; 0]);
    let labels: BTreeMap<String, String> = object(&policy).unwrap().metadata.labels.unwrap();
    assert_eq!(labels["app.kubernetes.io/managed-by"], "polder");
}

/// What is nearly our form is left to the general reader: each replacement has something that it refuses or reads as
/// another policy than the text seems to say.
#[test]
fn the_fast_reader_gives_up() {
    let mut text = String::new();
    manifest(&everything(), &mut text);
    assert_eq!(reread(&text), Some(vec![everything()]));
    assert_eq!(
        reread(&format!("# a comment\n---\n# another\n{text}---\n{text}")),
        Some(vec![everything(), everything()])
    );
    let replacements = [
        ("      \"app\": \"web\"\n", "      \"app\": \"web\"\n      \"app\": \"web\"\n"),
        ("      \"a\": \"\"\n", "      \"b\": \"\"\n      \"a\": \"\"\n"),
        ("      \"a\": \"\"\n", "      \"a\": on\n"),
        ("      \"a\": \"\"\n", "      \"a\": \"-\"\n"),
        ("      \"a\": \"\"\n", "      \"-a\": \"\"\n"),
        ("endPort: 32767", "endPort: 30000"),
        ("endPort: 32767", "endPort: 29999"),
        ("endPort: 32767", "endPort: 032767"),
        ("endPort: 32767", "endPort: 65536"),
        ("endPort: 32767", "endPort: \"http\""),
        ("port: 8080", "port: 0"),
        ("port: 8080", "port: +8080"),
        ("port: 8080", "port: 08080"),
        ("port: 8080", "port: \"8080\""),
        ("port: \"http\"", "port: http"),
        ("protocol: UDP", "protocol: udp"),
        ("2001:db8:1::/48", "2001:db8::/32"),
        ("2001:db8:1::/48", "2001:db9::/48"),
        ("2001:db8:1::/48", "2001:db8:1::1/48"),
        ("- \"2001:db8:1::/48\"", "- \"2001:db8:1::/48\"\n              - \"2001:db8:1::/49\""),
        ("- \"2001:db8:1::/48\"", "- \"2001:db8:1::/48\"\n              - \"2001:db8::/48\""),
        ("              - \"2001:db8:1::/48\"\n", ""),
        ("2001:db8::/32", "2001:db8::/032"),
        ("name: \"web\"", "name: \"Web\""),
        ("name: \"web\"", "name: web"),
        ("namespace: \"production\"", "namespace: \"a.b\""),
        ("\"polder\"", "\"helm\""),
        ("    - Egress\n", ""),
        ("    - Ingress\n", ""),
        ("    - Ingress\n    - Egress\n", ""),
        ("    - Ingress\n    - Egress\n", "    - Egress\n    - Ingress\n"),
        ("operator: In\n", "operator: in\n"),
        ("operator: Exists\n", "operator: Exists\n        values:\n          - \"a\"\n"),
        ("        values:\n          - \"db\"\n", ""),
        ("          - \"db\"\n", ""),
        ("    - {}\n", "    -\n"),
        ("    - {}\n", "    - from:\n"),
        ("    - {}\n", "    - {}\n    - to:\n        - podSelector: {}\n"),
        ("  ingress:\n", "  ingres:\n"),
        ("  egress:\n", "  ingress:\n"),
        ("\\nOwner", "\\aOwner"),
        ("\\nOwner", "\nOwner"),
        ("Owner", "\u{85}Owner"),
        ("Owner", "\u{feff}Owner"),
        ("spec:\n", "spec: {}\nspec:\n"),
        ("spec:\n", "status: {}\nspec:\n"),
    ];
    for (old, new) in replacements {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old}");
        assert_eq!(reread(&changed), None, "{new}");
    }
    assert_eq!(reread(&format!("{text}{text}")), None);
    assert_eq!(reread(&format!("{text}...\n")), None);
    assert_eq!(reread(""), Some(vec![]));
}

#[test]
fn host_bits_are_not_written() {
    let block = IpBlock { cidr: "10.1.2.3/8".parse().unwrap(), except: vec!["10.5.6.7/16".parse().unwrap()] };
    let rule = Rule { peers: smallvec![Peer::Block(block)], ports: smallvec![], learns_names: false };
    let mut text = String::new();
    manifest(&Policy { ingress: Some(vec![rule]), ..named("a", "a") }, &mut text);
    assert!(text.contains("cidr: \"10.0.0.0/8\"\n            except:\n              - \"10.5.0.0/16\""), "{text}");
    assert_eq!(validate(&text), [""; 0]);
}
