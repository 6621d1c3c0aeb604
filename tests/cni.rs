//! What is known of the CNIs: every row of the table is met by a case, what Polder writes meets none of those that it writes
//! around, and limits are told of programs that come near.

use polder::diag::{Code, Levels};
use polder::model::Cni;
use polder::netpol::{Peer, Policy};
use polder::session::{Layout, Manifests, Memory, Named, Project, Session, Settings};
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
        Peer::Pods { .. } => None,
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
