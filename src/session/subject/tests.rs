#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::ask::can;
use crate::cover::Budget;
use crate::diag::Code;
use crate::engine::{Doubt, Engine, Matched, Verdict};
use crate::net::{BlocksMatch, Protocol, Truth};
use crate::session::{Memory, with_wrong_policies};

const PROGRAM: &str = "external namespace monitoring (team=platform)\n\
    cidr partners = 203.0.113.0/24\n\
    fqdn mail = smtp.example.org\n\
    namespace shop {\n\
      tier web { http: 8080/tcp }\n\
      tier api { http: {8080, 8081}/tcp, dns: 53/udp }\n\
      tier db\n\
      group all = web, api\n\
      web -> api:http\n\
      all -> db:5432\n\
      api -> partners:443\n\
      monitoring/* -> web:http\n\
    }\n";

const RUNNING: &str = "apiVersion: v1\nkind: List\nitems:\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: web}}, spec: {containers: \
       [{name: c, image: x, ports: [{name: web, containerPort: 80}]}]}}\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: shop, labels: {app: api}}, spec: {containers: \
       [{name: c, image: x}]}}\n\
    - {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: lab, labels: {app: web}}, spec: {containers: \
       [{name: c, image: x}]}}\n";

fn named(path: &str) -> Vec<Named> {
    vec![Named::Path(path.into())]
}

fn system() -> Memory {
    Memory::default().with("/p/main.polder", PROGRAM).with("/p/all.yaml", RUNNING)
}

fn program() -> Subject {
    let question = Question { program: named("main.polder"), ..Question::default() };
    Subject::load(&system(), Path::new("/p"), &question)
}

fn running() -> Subject {
    let question = Question { manifests: named("all.yaml"), ..Question::default() };
    Subject::load(&system(), Path::new("/p"), &question)
}

/// How many ends a text stands for: of a program, or of what runs.
fn ends(subject: &Subject, text: &str) -> Result<usize, String> {
    let asked = subject.target(text)?.asked;
    match subject.situation(std::slice::from_ref(&asked)) {
        Some(situation) => subject.find(&situation, &asked).map(|ends| ends.len()),
        None => subject.find_among(&subject.everyone(std::slice::from_ref(&asked)), &asked).map(|ends| ends.len()),
    }
}

/// The names of the groups that a text stands for.
fn meant(subject: &Subject, text: &str) -> Vec<String> {
    let asked = subject.target(text).unwrap().asked;
    let Some(situation) = subject.situation(std::slice::from_ref(&asked)) else { return meant_by_all(subject, &asked) };
    let ends = subject.find(&situation, &asked).unwrap();
    let groups = situation.groups.iter().filter(|group| group.ends.iter().all(|end| ends.contains(end)));
    groups.map(|group| group.name.to_string()).collect()
}

fn meant_by_all(subject: &Subject, asked: &Asked) -> Vec<String> {
    let everyone = subject.everyone(std::slice::from_ref(asked));
    let meant = subject.find_among(&everyone, asked).unwrap();
    let mut budget = Budget::of_question();
    let mut is_meant = |group: &&crate::ask::NamedEnds| {
        let ends = group.set.ends(&everyone.space);
        ends.iter().all(|end| everyone.space.covers(&meant, end, &mut budget).unwrap())
    };
    everyone.groups.iter().filter(|group| is_meant(group)).map(|group| group.name.to_string()).collect()
}

/// Two ends that are asked about, with the ports of the second.
fn pose(subject: &Subject, from: &str, to: &str) -> Result<Posed, String> {
    let to = subject.target(to)?;
    subject.pose(&subject.asked(from)?, &to.asked, to.ports.as_ref())
}

#[test]
fn nothing_is_answered_from_policies_that_are_not_proved() {
    let subject = with_wrong_policies(|| {
        let subject = program();
        assert!(!subject.is_answerable());
        subject
    });
    assert!(subject.policies().is_empty());
    let reports = subject.reports();
    assert!(matches!(reports.as_slice(), [one] if one.diagnostic.code == Code::E0900), "{reports:?}");
}

#[test]
fn names_mean_tiers_groups_namespaces_and_addresses() {
    let subject = program();
    assert!(subject.is_answerable(), "{:?}", subject.reports());
    assert_eq!(meant(&subject, "shop/web"), ["shop/web"]);
    assert_eq!(meant(&subject, "db:5432"), ["shop/db"]);
    assert_eq!(meant(&subject, "all"), ["shop/api", "shop/web"]);
    assert_eq!(meant(&subject, "shop/*"), ["shop/api", "shop/db", "shop/web", "shop/(other pods)"]);
    assert_eq!(meant(&subject, "partners:443"), ["partners"]);
    assert_eq!(meant(&subject, "internet"), ["partners", "internet"]);
    assert!(meant(&subject, "monitoring/*").contains(&"monitoring/*".to_owned()));
    let everywhere = meant(&subject, "anywhere").len();
    assert_eq!(everywhere, meant(&subject, "cluster").len() + 4, "two lists, the caches' and all other addresses");
    assert_eq!(ends(&subject, "203.0.113.9"), Ok(1));
    assert_eq!(ends(&subject, "shop/{app=web,track=x}"), Ok(1));
}

#[test]
fn what_cannot_be_found_is_told_with_what_to_write() {
    let subject = program();
    let said = |text: &str| ends(&subject, text).unwrap_err();
    assert_eq!(said("shop/wbe"), "nothing in this program is called `shop/wbe`; did you mean `shop/web`?");
    assert_eq!(said("partnerz"), "nothing in this program is called `partnerz`; did you mean `partners`?");
    assert!(said("mail").starts_with("`mail` is a list of DNS names"));
    assert!(said("").starts_with("a name is missing"));
    assert!(said("shop/{app=web,app=api}").contains("is not a label of its own"));
    assert!(said("[10.0.0.1:80").contains("never closed"));
    assert!(said("[nobody]:80").contains("no address with ports"));
    assert!(said("db:http/").contains("is not a port"));
    assert!(said("db:80\nnamespace x").contains("is not a port"));
    assert!(said("db:{}").contains("is not a port"));
    let subject = running();
    assert_eq!(ends(&subject, "a").unwrap_err(), "`a` can be any of `lab/a[Pod]` and `shop/a[Pod]`; write one of them");
    assert_eq!(ends(&subject, "c").unwrap_err().split(';').next(), Some("no workload is called `c`"));
}

#[test]
fn ports_are_those_of_the_language_and_names_those_of_the_destination() {
    let at = |subject: &Subject, text: &str| {
        let to = pose(subject, "cluster", text)?.to;
        Ok::<_, String>(to.first().unwrap().1.to_string())
    };
    let subject = program();
    for (text, ports) in [
        ("db:5432", "5432/tcp"),
        ("db:53/udp", "53/udp"),
        ("db:{80, 443}/tcp", "{80, 443}/tcp"),
        ("db:30000-32767/sctp", "30000-32767/sctp"),
        ("db:*", "*"),
        ("db:*/udp", "*/udp"),
        ("db:\"web\"/tcp", "\"web\"/tcp"),
        ("api:http", "{8080, 8081}/tcp"),
        ("api:{http, dns}", "{8080/tcp, 8081/tcp, 53/udp}"),
        ("[2001:db8::1]:443", "443/tcp"),
        ("[2001:db8::/32]:443/udp", "443/udp"),
        ("10.0.0.0/8:443", "443/tcp"),
    ] {
        assert_eq!(at(&subject, text).as_deref(), Ok(ports), "{text}");
    }
    assert_eq!(at(&subject, "api:ftp").unwrap_err(), "`shop/api` has no port `ftp`; it has dns, http");
    assert_eq!(
        at(&subject, "db:ftp").unwrap_err(),
        "`shop/db` has no port `ftp`; write a number, as in `8080/tcp`, or `\"ftp\"` for the port that its containers call so"
    );
    assert!(subject.target("db:65536").unwrap_err().contains("from 1 to 65535"));
    assert!(subject.target("db:9-8").unwrap_err().contains("write the lower number first, `8-9`"));
    assert_eq!(subject.target("2001:db8::1").unwrap().ports, None);
    assert_eq!(at(&running(), "shop/a:web").as_deref(), Ok("80/tcp"));
    assert_eq!(at(&subject, "web").as_deref(), Ok("8080/tcp"));
    assert!(at(&subject, "db").unwrap_err().starts_with("which ports?"));
}

#[test]
fn a_program_can_be_asked_about_what_runs() {
    let question = Question { program: named("main.polder"), workloads: named("all.yaml"), ..Question::default() };
    let subject = Subject::load(&system(), Path::new("/p"), &question);
    assert!(subject.flows().is_some() && subject.cluster().is_some());
    assert_eq!(meant(&subject, "shop/web"), ["shop/a[Pod]"]);
    assert_eq!(meant(&subject, "all"), ["shop/a[Pod]", "shop/b[Pod]"]);
    assert_eq!(meant(&subject, "shop/b"), ["shop/b[Pod]"]);
    assert_eq!(meant(&subject, "partners"), ["partners"]);
    for text in ["shop/db", "db"] {
        let said = ends(&subject, text).unwrap_err();
        assert_eq!(said, format!("none of the pods that were given is of `{text}`"));
    }
}

#[test]
fn the_facts_are_those_of_the_platform_unless_more_is_said() {
    let ask = |platform: &str, cluster: SaidOfCluster| {
        let text = format!("platform {{\n{platform}\n}}\nnamespace shop {{\n  tier web\n}}\n");
        let question = Question { program: named("main.polder"), cluster, ..Question::default() };
        let subject = Subject::load(&Memory::default().with("/p/main.polder", text), Path::new("/p"), &question);
        (subject.facts().matches(), subject.facts().pods_are_stated())
    };
    let said = |cni, blocks_match_pods| SaidOfCluster { cni, blocks_match_pods };
    let nothing = SaidOfCluster::default();
    let pods = |pods, matches| BlocksMatch { pods, ..matches };
    assert_eq!(ask("cni any", nothing), (BlocksMatch::UNKNOWN, false));
    assert_eq!(ask("cni calico\npods 10.244.0.0/16", nothing), (BlocksMatch::EVERYTHING, true));
    assert_eq!(ask("cni cilium", nothing), (pods(Truth::No, BlocksMatch::UNKNOWN), false));
    assert_eq!(ask("cni cilium", said(None, Some(true))), (pods(Truth::Yes, BlocksMatch::UNKNOWN), false));
    assert_eq!(ask("cni cilium", said(Some((Cni::Antrea, None)), None)), (BlocksMatch::EVERYTHING, false));
    assert_eq!(
        ask("cni any", said(Some((Cni::Antrea, None)), Some(false))),
        (pods(Truth::No, BlocksMatch::EVERYTHING), false)
    );
    let question = Question { manifests: named("all.yaml"), ..Question::default() };
    let subject = Subject::load(&system(), Path::new("/p"), &question);
    assert_eq!(*subject.facts(), Facts::default());
}

/// What a tier `web` may do with a tier `db`, by a block.
fn by_block(platform: &str, cidr: &str) -> Verdict {
    let text = format!(
        "platform {{\n {platform}\n}}\nnamespace shop {{\n  tier web\n  tier db\n  isolate egress\n  \
         web -> out:443\n}}\ncidr out = {cidr}\n"
    );
    let question = Question { program: named("main.polder"), ..Question::default() };
    let subject = Subject::load(&Memory::default().with("/p/main.polder", text), Path::new("/p"), &question);
    let Posed { situation, from, to, .. } = pose(&subject, "web", "db:443").unwrap();
    Engine::new(&situation.world, subject.policies()).between(from[0], to[0].0)
}

#[test]
fn where_pods_are_says_whether_a_block_has_them() {
    let with_pods = "cni calico\n pods 10.244.0.0/16";
    assert!(by_block(with_pods, "198.51.100.0/24").is_denied());
    assert!(by_block(with_pods, "10.0.0.0/8 except 10.244.0.0/16").is_denied());
    assert!(by_block(with_pods, "10.244.1.0/24").unknown.has(Protocol::Tcp, 443));
    assert!(by_block(with_pods, "10.0.0.0/8").allowed.has(Protocol::Tcp, 443));
    assert!(by_block(with_pods, "10.244.0.0/17, 10.244.128.0/17").allowed.has(Protocol::Tcp, 443));
    assert!(by_block("cni cilium\n pods 10.244.0.0/16", "10.0.0.0/8").is_denied());
    assert!(by_block("cni any\n pods 10.244.0.0/16", "10.0.0.0/8").unknown.has(Protocol::Tcp, 443));
}

#[test]
fn without_a_list_of_pods_private_addresses_that_nobody_else_has_may_be_theirs() {
    assert!(by_block("cni any", "203.0.113.0/24").is_denied());
    assert!(by_block("cni any", "100.64.1.0/24").unknown.has(Protocol::Tcp, 443));
    assert!(by_block("cni any\n services 10.96.0.0/12", "10.96.0.0/16").is_denied());
    assert!(by_block("cni any\n nodes 10.0.0.0/16", "10.0.1.0/24").is_denied());
    assert!(by_block("cni any\n apiserver 10.0.0.1/32", "10.0.0.1/32").is_denied());
    assert!(by_block("cni any\n dns cluster, 10.96.0.10/32", "10.96.0.10/32").is_denied());
    assert!(by_block("cni any\n dns cluster, 10.96.0.10/32", "10.96.0.0/24").unknown.has(Protocol::Tcp, 443));
}

#[test]
fn what_a_node_or_the_api_server_is_to_a_block_is_up_to_the_plugin() {
    let ask = |cni: &str, to: &str| {
        let text = format!(
            "platform {{\n cni {cni}\n apiserver 10.96.0.1/32\n nodes 192.0.2.0/24\n}}\nnamespace op {{\n  tier op\n  \
             op -> {{apiserver, nodes, range}}:443\n}}\ncidr range = 192.0.0.0/16\n"
        );
        let question = Question { program: named("main.polder"), ..Question::default() };
        let subject = Subject::load(&Memory::default().with("/p/main.polder", text), Path::new("/p"), &question);
        let Posed { situation, from, to, doubtful, .. } = pose(&subject, "op", &format!("{to}:443")).unwrap();
        let engine = Engine::new(&situation.world, subject.policies());
        let answer = can(&engine, &from, &to, &doubtful);
        let doubts = answer.unknown.iter().flat_map(|(from, to, ports)| engine.doubts(*from, *to, ports)).collect();
        (answer.is_yes(), doubts)
    };
    let unsure = |matched| (None, vec![Doubt::BlocksMatch(matched)]);
    for cni in ["any", "cilium", "gke-dataplane-v2"] {
        assert_eq!(ask(cni, "apiserver"), unsure(Matched::ApiServer));
        assert_eq!(ask(cni, "nodes"), unsure(Matched::Nodes));
        assert_eq!(ask(cni, "192.0.2.7"), unsure(Matched::Nodes));
        assert_eq!(ask(cni, "192.0.3.7"), (Some(true), Vec::new()));
    }
    for to in ["apiserver", "nodes", "192.0.2.7"] {
        assert_eq!(ask("calico", to), (Some(true), Vec::new()));
    }
}

#[test]
fn what_stands_in_the_way_is_reported() {
    let load =
        |question: &Question| Subject::load(&system().with("/p/bad.polder", "namespace"), Path::new("/p"), question);
    let broken = load(&Question { program: named("bad.polder"), ..Question::default() });
    assert!(!broken.is_answerable() && !broken.reports().is_empty() && broken.policies().is_empty());
    let missing = load(&Question { manifests: named("nothing.yaml"), ..Question::default() });
    assert!(!missing.is_answerable() && !missing.reports().is_empty());
    assert!(program().reports().is_empty());
}

#[test]
fn a_question_that_takes_too_many_steps_is_given_up_in_one_sentence() {
    let subject = program();
    let [from, to] = ["shop/web", "shop/api"].map(|text| subject.asked(text).unwrap());
    let ports = subject.target("shop/api:8080").unwrap().ports;
    let ask = |steps| {
        let asked = [from.clone(), to.clone()];
        let facts = subject.facts().clone();
        let posed =
            subject.pose_to_everyone(subject.policies(), &facts, &asked, ports.as_ref(), &mut Budget::new(steps));
        posed.map(|posed| posed.to.len())
    };
    assert_eq!(ask(2), Err(TOO_HARD.to_owned()));
    assert!(ask(100_000).is_ok());
}

#[test]
fn a_name_of_a_port_that_not_all_have_is_said_of_all() {
    let subject = program();
    let ask = |to: &str| {
        let to = subject.target(to).unwrap();
        subject.pose(&subject.asked("cluster").unwrap(), &to.asked, to.ports.as_ref()).map(|_| ()).unwrap_err()
    };
    let [one, other] = ["8080/tcp of `shop/web`", " of `shop/api`"];
    let said = ask("cluster:http");
    assert!(said.starts_with("not all of `cluster` have a port `http`, which is "), "{said}");
    assert!(said.contains(one) && said.contains(other), "{said}");
    assert!(ask("shop/*:http").starts_with("not all of `shop/*` have a port `http`, which is "));
    assert_eq!(ask("cluster:nosuch"), "no port of `cluster` is called `nosuch`: write a number, as in `8080/tcp`");
    assert!(ask("shop/db:http").starts_with("`shop/db` has no port `http`"));
}
