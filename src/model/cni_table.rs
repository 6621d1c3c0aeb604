//! The table of what CNIs read otherwise than Kubernetes says. Where a fact comes from stands above its row.

use super::cni_differences::{CniDifference, CniNotice, CniTrigger, CniVersions};
use super::{Cni, CniVersion};
use crate::diag::Code;
use CniNotice::{Noted, Said, SaidOfAll, Unseen, WrittenAround};
use CniVersions::{All, Before, From};

/// Cilium and what is built on it.
const CILIUMS: &[Cni] = &[Cni::Cilium, Cni::AksCilium, Cni::GkeDataplaneV2];

/// Calico, and its policies on flannel's network.
const CALICOS: &[Cni] = &[Cni::Calico, Cni::Canal];

/// AWS' plugin on nodes of one's own and in EKS Auto Mode.
const OF_AWS: &[Cni] = &[Cni::AwsVpcCni, Cni::EksAuto];

/// Those that are not asked before the address of a Service becomes another one, as far as that is known.
const AFTER_SERVICES: &[Cni] = &[
    Cni::Calico,
    Cni::Canal,
    Cni::Cilium,
    Cni::AksCilium,
    Cni::GkeDataplaneV2,
    Cni::Antrea,
    Cni::AzureNpm,
    Cni::OvnKubernetes,
    Cni::KubeRouter,
    Cni::Weave,
    Cni::Kindnet,
];

/// Those for which an address is an address, whoever has it.
const FILTERS: &[Cni] = &[
    Cni::Calico,
    Cni::Canal,
    Cni::Antrea,
    Cni::AwsVpcCni,
    Cni::EksAuto,
    Cni::AzureNpm,
    Cni::OvnKubernetes,
    Cni::KubeOvn,
    Cni::KubeRouter,
    Cni::Weave,
    Cni::Kindnet,
];

const NAME_THE_CNI: &str = "name the CNI in `platform { cni NAME }`";
const NUMBER: &str = "write the port's number";
const ONE_BY_ONE: &str = "list the ports one by one";
const OTHER_LABEL: &str = "tell the pods apart by another label";
const TRY_IT: &str = "try it in a cluster, and silence this with `# polder: allow(W0014)`";
const BY_ITS_OWN_KIND: &str = "write `target = \"cilium\"` below `[build]` in polder.toml: then a CiliumNetworkPolicy names them; or silence \
                               this with `# polder: allow(W0014)` where there is one";

/// A row that is so in all versions.
const fn row(
    cnis: &'static [Cni],
    trigger: CniTrigger,
    notices: [CniNotice; 2],
    says: &'static str,
    mend: &'static str,
) -> CniDifference {
    let [program, manifests] = notices;
    CniDifference { cnis, versions: All, trigger, program, manifests, says, mend, mend_of_manifests: None }
}

impl CniDifference {
    const fn in_versions(self, versions: CniVersions) -> CniDifference {
        CniDifference { versions, ..self }
    }

    const fn mended_in_manifests(self, mend: &'static str) -> CniDifference {
        CniDifference { mend_of_manifests: Some(mend), ..self }
    }
}

/// All of it.
pub static CNI_DIFFERENCES: [CniDifference; 63] = [
    // `Documentation/netpol.md` of flannel-io/flannel.
    row(
        &[Cni::Flannel],
        CniTrigger::EveryPolicy,
        [Said(Code::E0217), Said(Code::W0232)],
        "{cni} alone enforces no NetworkPolicy: every pod stays open",
        "run a policy engine beside it (Canal has Calico's, flannel's chart has `netpol.enabled`) and name that engine: `cni \
         canal`, `cni kindnet` for kube-network-policies",
    )
    .mended_in_manifests(
        "run a policy engine beside it (Canal has Calico's, flannel's chart has `netpol.enabled`) and name that engine: `--cni \
         canal`, `--cni kindnet` for kube-network-policies",
    ),
    // Named ports.
    row(
        &[Cni::Any],
        CniTrigger::NamedPort,
        [Said(Code::W0012), Unseen],
        "not every CNI knows {what}; some ignore the name and open every port",
        "write the port's number, or name the CNI in `platform { cni NAME }`",
    ),
    // A name counts as the number 0, which is every port: `go-controller/pkg/ovn/gress_policy.go` of
    // ovn-kubernetes/ovn-kubernetes.
    row(
        &[Cni::OvnKubernetes],
        CniTrigger::NamedPort,
        [Said(Code::E0218), Said(Code::W0232)],
        "{cni} ignores {what} and may open every port",
        NUMBER,
    ),
    // `npc/analyser.go` of weaveworks/weave.
    row(
        &[Cni::Weave],
        CniTrigger::NamedPort,
        [Said(Code::E0218), Said(Code::W0232)],
        "{cni} refuses a whole policy for {what}",
        NUMBER,
    ),
    // cilium#30003.
    row(
        CILIUMS,
        CniTrigger::NamedPortOfSeveralNumbers,
        [Said(Code::W0012), Said(Code::W0232)],
        "{cni} drops {what} where it is several numbers in different pods",
        NUMBER,
    ),
    // `use-network-policies.md` of MicrosoftDocs/azure-aks-docs.
    row(
        &[Cni::AzureNpm],
        CniTrigger::NamedPort,
        [Said(Code::W0012), Said(Code::W0232)],
        "{cni} does not know {what} on nodes with Windows",
        NUMBER,
    ),
    // Measured on 2.1.0.
    row(
        &[Cni::KubeRouter],
        CniTrigger::NamedPort,
        [Said(Code::W0012), Said(Code::W0232)],
        "{cni} opens every port where no pod lists {what}",
        NUMBER,
    ),
    // Ranges of ports.
    row(
        &[Cni::Any],
        CniTrigger::PortRange,
        [Said(Code::W0012), Unseen],
        "not every CNI knows ranges of ports; some open only the first port of {what}",
        "name the CNI in `platform { cni NAME }`, or list the ports one by one",
    ),
    row(
        &[Cni::Weave],
        CniTrigger::PortRange,
        [Said(Code::E0219), Said(Code::W0232)],
        "{cni} opens only the first port of {what}",
        ONE_BY_ONE,
    ),
    // docs.cilium.io, `endPort`.
    row(
        &[Cni::Cilium],
        CniTrigger::PortRange,
        [Said(Code::E0219), Said(Code::W0232)],
        "{cni} opens only the first port of {what}",
        ONE_BY_ONE,
    )
    .in_versions(Before(CniVersion(1, 16))),
    // `migrate-from-npm-to-cilium-network-policy.md` of MicrosoftDocs/azure-aks-docs; the versions are Cilium's.
    row(
        &[Cni::AksCilium],
        CniTrigger::PortRange,
        [Said(Code::E0219), Said(Code::W0232)],
        "{cni} opens only the first port of {what}",
        ONE_BY_ONE,
    )
    .in_versions(Before(CniVersion(1, 17))),
    // SCTP.
    row(
        &[Cni::Any],
        CniTrigger::SctpPort,
        [Said(Code::W0012), Unseen],
        "not every CNI filters {what}: some do where SCTP is switched on, some not at all",
        NAME_THE_CNI,
    ),
    // docs.cilium.io, "SCTP support".
    row(
        &[Cni::Cilium],
        CniTrigger::SctpPort,
        [Said(Code::W0015), Said(Code::W0015)],
        "{cni} filters {what} only where SCTP is switched on",
        "set `sctp.enabled` in Cilium's Helm values, and say so with `# polder: allow(W0015): switched on`",
    ),
    row(
        &[Cni::AksCilium, Cni::GkeDataplaneV2],
        CniTrigger::SctpPort,
        [Said(Code::W0015), Said(Code::W0015)],
        "{cni} filters {what} only where SCTP is switched on",
        "try it in a cluster, and say so with `# polder: allow(W0015): tried`, or use another protocol",
    ),
    row(
        &[Cni::Weave],
        CniTrigger::SctpPort,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} does not filter {what}: it knows no SCTP",
        "use another protocol, or another CNI",
    ),
    // kube-router#1019.
    row(
        &[Cni::KubeRouter],
        CniTrigger::SctpPort,
        [Said(Code::W0014), Said(Code::W0232)],
        "nobody says that {cni} filters {what}: a request for SCTP is open",
        "try it in a cluster, or use another protocol",
    ),
    row(
        &[Cni::AzureNpm],
        CniTrigger::SctpPort,
        [Said(Code::W0012), Said(Code::W0232)],
        "on nodes with Windows {cni} does not filter {what}: it knows no SCTP there",
        "use another protocol, or run these pods on Linux",
    ),
    // Only the number is left: `getL4Match` in `go-controller/pkg/libovsdb/util/acl.go`.
    row(
        &[Cni::OvnKubernetes],
        CniTrigger::NumberBesideProtocol,
        [WrittenAround, Said(Code::W0232)],
        "where a rule lists a whole protocol and a number of it, {cni} takes the number: {what}",
        "list the whole protocol alone",
    ),
    // The API server by its addresses.
    row(
        &[Cni::Any],
        CniTrigger::ApiServerByAddress,
        [Said(Code::W0012), Unseen],
        "not every CNI matches the API server by its addresses: with some, {what} stays closed",
        NAME_THE_CNI,
    ),
    // docs.cilium.io, "Layer 3 Policies": on a node it has the identity of that, elsewhere none.
    row(
        &[Cni::Cilium, Cni::AksCilium],
        CniTrigger::ApiServerByAddress,
        [Said(Code::W0014), Unseen],
        "{cni} matches no API server that runs on a node by its addresses: {what} may stay closed",
        "write `target = \"cilium\"` below `[build]` in polder.toml: then a CiliumNetworkPolicy names it; or silence this with \
         `# polder: allow(W0014)` where there is one",
    ),
    row(
        &[Cni::GkeDataplaneV2],
        CniTrigger::ApiServerByAddress,
        [Said(Code::W0014), Unseen],
        "{cni} matches no API server that runs on a node by its addresses: {what} may stay closed",
        TRY_IT,
    ),
    row(
        &[Cni::KubeOvn],
        CniTrigger::ApiServerByAddress,
        [Said(Code::W0014), Unseen],
        "whether {cni} matches the API server by its addresses is not known: {what} may stay closed",
        TRY_IT,
    ),
    // `Documentation/security/policy/layer3.rst` of cilium/cilium: the control plane of these clouds connects through a tunnel.
    row(
        &[Cni::AksCilium, Cni::GkeDataplaneV2],
        CniTrigger::FromApiServer,
        [Said(Code::W0014), Unseen],
        "{cni} sees another source than the API server, which connects through a tunnel: {what} stays closed",
        "open the port to everyone: `anywhere -> TIER:PORT`",
    ),
    // Nodes by their addresses.
    row(
        &[Cni::Any],
        CniTrigger::NodesByAddress,
        [Said(Code::W0012), Unseen],
        "not every CNI matches nodes by their addresses: with some, {what} stays closed",
        NAME_THE_CNI,
    ),
    // `policyCIDRMatchMode`, cilium#20550.
    row(
        &[Cni::Cilium, Cni::AksCilium],
        CniTrigger::NodesByAddress,
        [Said(Code::W0014), Unseen],
        "{cni} never matches nodes by their addresses: {what} stays closed",
        BY_ITS_OWN_KIND,
    )
    .in_versions(Before(CniVersion(1, 15))),
    row(
        &[Cni::Cilium, Cni::AksCilium],
        CniTrigger::NodesByAddress,
        [Said(Code::W0014), Unseen],
        "{cni} matches nodes by their addresses only where it is set up to: {what} may stay closed",
        BY_ITS_OWN_KIND,
    )
    .in_versions(From(CniVersion(1, 15))),
    row(
        &[Cni::GkeDataplaneV2],
        CniTrigger::NodesByAddress,
        [Said(Code::W0014), Unseen],
        "{cni} matches nodes by their addresses only where it is set up to: {what} may stay closed",
        "try it in a cluster, or open the port to everyone: `anywhere -> TIER:PORT`",
    ),
    row(
        &[Cni::KubeOvn],
        CniTrigger::NodesByAddress,
        [Said(Code::W0014), Unseen],
        "whether {cni} matches nodes by their addresses is not known: {what} may stay closed",
        TRY_IT,
    ),
    // `felix/config/config_params.go` of projectcalico/calico has `Drop`, its operator and its manifests set `Accept`.
    row(
        CALICOS,
        CniTrigger::ToOwnNode,
        [Noted(Code::W0014), Unseen],
        "connections to the pod's own node are decided last by {cni}'s `defaultEndpointToHostAction`: {what} may stay closed there",
        "let the FelixConfiguration say `defaultEndpointToHostAction: Accept`, as most installations do",
    ),
    // Pods by their addresses.
    row(
        &[Cni::Any],
        CniTrigger::PodsByAddress,
        [Said(Code::W0012), SaidOfAll(Code::W0228)],
        "not every CNI matches pods by their addresses, and {what}",
        NAME_THE_CNI,
    ),
    // cilium#20550. From 1.20 a beta switch lets blocks match pods (cilium#47227): who has it on says so with
    // `--ipblock-matches-pods`.
    row(
        CILIUMS,
        CniTrigger::PodsByAddress,
        [Said(Code::W0014), SaidOfAll(Code::W0228)],
        "{cni} never matches pods by their addresses: {what}, which opens none of them",
        "name tiers instead: they match pods by their labels",
    ),
    // `libcalico-go/lib/backend/k8s/conversion/conversion.go` of projectcalico/calico; the others are plain filters, too.
    row(
        FILTERS,
        CniTrigger::PodsByAddress,
        [Said(Code::W0014), SaidOfAll(Code::W0228)],
        "{cni} matches pods by their addresses, too, and {what}",
        "leave their addresses out, and name tiers for pods",
    ),
    // Addresses of Services.
    row(
        &[Cni::Any],
        CniTrigger::ServicesByAddress,
        [Said(Code::W0012), SaidOfAll(Code::W0236)],
        "most CNIs judge egress when the address of a Service has become that of a pod: with them, {what} stays closed",
        "name the tier behind the Service, with the port of its pods",
    ),
    row(
        AFTER_SERVICES,
        CniTrigger::ServicesByAddress,
        [Said(Code::W0014), SaidOfAll(Code::W0236)],
        "{cni} judges egress when the address of a Service has become that of a pod: {what} stays closed",
        "name the tier behind the Service, with the port of its pods",
    ),
    // Families. awsdocs/amazon-eks-user-guide: one in a cluster.
    row(
        OF_AWS,
        CniTrigger::OtherFamily,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} has one family of addresses in a cluster: {what} stays closed",
        "list addresses of the cluster's family",
    ),
    row(
        &[Cni::AzureNpm],
        CniTrigger::OtherFamily,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} knows no IPv6: {what} stays closed",
        "list addresses of IPv4",
    ),
    row(
        &[Cni::AzureNpm],
        CniTrigger::ManyBlocks,
        [Noted(Code::W0014), Noted(Code::W0232)],
        "on nodes with Windows {cni} can run into a race over more than four blocks in a rule: {what}",
        "write wider blocks, or run these pods on Linux",
    ),
    // Exceptions.
    row(
        &[Cni::AzureNpm],
        CniTrigger::BlockException,
        [Said(Code::W0012), Said(Code::W0232)],
        "on nodes with Windows {cni} ignores exceptions of blocks, so it opens what {what} leaves out",
        "list the blocks that are left",
    ),
    // `pkg/fwruleprocessor` of aws/aws-network-policy-agent.
    row(
        OF_AWS,
        CniTrigger::ExceptionAllowedElsewhere,
        [WrittenAround, Said(Code::W0232)],
        "what a block excepts {cni} denies on every port, for all policies of the pods together: {what}",
        "list the blocks that are left in place of `except`",
    ),
    // rancher/k3k#690.
    row(
        &[Cni::KubeOvn],
        CniTrigger::PodsBesideException,
        [WrittenAround, Said(Code::W0232)],
        "{cni} takes the exceptions of a block off the pods of the same rule, too: {what}",
        "write pods and blocks in rules of their own",
    ),
    // Labels.
    row(
        &[Cni::AzureNpm],
        CniTrigger::NegativeLabel,
        [Said(Code::W0012), Said(Code::W0232)],
        "on nodes with Windows {cni} ignores labels that have to be absent or to have another value, as in {what}",
        "ask for the values that are meant: `(key in (a, b))`",
    )
    .mended_in_manifests("ask for the values that are meant, with `In`"),
    // cilium#46949: `policy-default-local-cluster` adds a label that has to be there.
    row(
        &[Cni::Cilium, Cni::AksCilium],
        CniTrigger::NegativeNamespaces,
        [WrittenAround, SaidOfAll(Code::W0233)],
        "labels that namespaces have to lack are lacked by everything that is no pod: {cni} takes them for {what}, too",
        "ask for `kubernetes.io/metadata.name` with `Exists` beside them",
    )
    .in_versions(Before(CniVersion(1, 19))),
    row(
        &[Cni::GkeDataplaneV2],
        CniTrigger::NegativeNamespaces,
        [WrittenAround, SaidOfAll(Code::W0233)],
        "labels that namespaces have to lack are lacked by everything that is no pod: {cni} takes them for {what}, too",
        "ask for `kubernetes.io/metadata.name` with `Exists` beside them",
    ),
    // `pkg/labelsfilter/filter.go` of cilium/cilium.
    row(
        CILIUMS,
        CniTrigger::UnseenLabelLacking,
        [Said(Code::E0224), Said(Code::W0232)],
        "{cni} does not see {what}: that it is absent or another one is so of every pod",
        OTHER_LABEL,
    ),
    row(
        CILIUMS,
        CniTrigger::UnseenLabelAsked,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} does not see {what}: no pod has it there",
        OTHER_LABEL,
    ),
    // Services and DNS. `pkg/resolvers` of aws/amazon-network-policy-controller-k8s.
    row(
        OF_AWS,
        CniTrigger::LabelsBesideService,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} judges egress before the address of a Service becomes that of a pod, and finds the Service by what it selects \
         by: {what}",
        "ask only for labels that the Service selects by",
    ),
    row(
        OF_AWS,
        CniTrigger::OneSideOfApiServer,
        [Said(Code::W0014), Said(Code::W0232)],
        "{cni} judges egress before the address of the Service of the API server becomes another one: {what}",
        "list its ClusterIP and the addresses behind it: `platform { apiserver 10.100.0.1/32, 192.0.2.10/32 }`",
    )
    .mended_in_manifests("allow its ClusterIP on the port of the Service, and the addresses behind it on theirs"),
    // aws/containers-roadmap#2546.
    row(
        &[Cni::EksAuto],
        CniTrigger::DnsByPods,
        [Said(Code::W0014), Said(Code::W0232)],
        "DNS of {cni} is no pod, and {what} cannot ask for names",
        "add the ClusterIP of DNS: `dns cluster, 10.100.0.10/32`",
    )
    .mended_in_manifests("allow the ClusterIP of DNS on port 53, over UDP and TCP: `ipBlock: {cidr: 10.100.0.10/32}`"),
    // `localdns-custom.md` of MicrosoftDocs/azure-aks-docs.
    row(
        &[Cni::AksCilium],
        CniTrigger::DnsWithoutNode,
        [Noted(Code::W0014), Unseen],
        "with LocalDNS, DNS is on the node, which {cni} matches by no address: {what} may not ask for names",
        "where it is on, as in AKS Automatic, add a CiliumNetworkPolicy with `toEntities: [host]` on port 53",
    ),
    // docs.cilium.io, "Ingress and Network Policy".
    row(
        CILIUMS,
        CniTrigger::OwnIngress,
        [Unseen, Said(Code::W0232)],
        "the Ingress of {cni} is no pod and no address, so no peer matches it: {what}",
        "let the flow come from `anywhere`",
    )
    .mended_in_manifests("leave `from` out of a rule for that port"),
    // Names and numbers. `pkg/controller/network_policy.go` of kubeovn/kube-ovn.
    row(
        &[Cni::KubeOvn],
        CniTrigger::NamesAlike,
        [Said(Code::E0224), Said(Code::W0232)],
        "{cni} joins name and namespace and takes `-` for `.`: {what} are one there, and count for the pods of both",
        "give one of the tiers or of the namespaces another name",
    )
    .mended_in_manifests("give one of the two another name"),
    // `MAX_PORT_PROTOCOL` in `pkg/ebpf/c` of aws/aws-network-policy-agent.
    row(
        OF_AWS,
        CniTrigger::PortsOfBlock,
        [Said(Code::W0016), Said(Code::W0016)],
        "{cni} keeps 24 ports for one block and loses the rest: {what}",
        "join neighbouring ports to a range: `8000-8080/tcp`",
    )
    .mended_in_manifests("join neighbouring ports with `endPort`"),
    // `bpf-policy-map-max`: cilium#46189.
    row(
        CILIUMS,
        CniTrigger::EntriesOfPod,
        [Said(Code::W0016), Said(Code::W0016)],
        "{cni} keeps 16,384 entries for a pod unless more are asked for, and loses some of the others: {what}",
        "use fewer blocks and ranges, or say that `bpf.policyMapMax` is raised: `# polder: allow(W0016): raised`",
    ),
    row(
        CALICOS,
        CniTrigger::PoliciesOfPod,
        [Said(Code::W0016), Said(Code::W0016)],
        "{cni} goes through the policies of a pod one after another: {what}",
        "build with `--layout tier`, which makes one policy of those for the same pods",
    )
    .mended_in_manifests("join policies for the same pods"),
    row(
        &[Cni::OvnKubernetes],
        CniTrigger::PoliciesOfAll,
        [Said(Code::W0016), Unseen],
        "{cni} keeps ACLs and a port group for each policy: {what}",
        "build with `--layout tier`, which makes one policy of those for the same pods",
    ),
    // What is so in every cluster. awsdocs/amazon-eks-user-guide, and the README of aws/amazon-vpc-cni-k8s.
    row(
        &[Cni::AwsVpcCni],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} enforces policies only where that is switched on",
        "set `enableNetworkPolicy: \"true\"` in the configuration of the add-on",
    ),
    row(
        &[Cni::EksAuto],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} enforces policies only where that is switched on",
        "set `enable-network-policy-controller: \"true\"` in the ConfigMap `amazon-vpc-cni` of kube-system",
    ),
    row(
        OF_AWS,
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "in the standard mode of {cni} a new pod is open until its policies arrive",
        "set the mode `strict`, in which a new pod is closed until then",
    ),
    // `azure-network-policy-manager-*-retirement.md` of MicrosoftDocs/azure-aks-docs.
    row(
        &[Cni::AzureNpm],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} is being retired: on Windows it ended on 30 September 2026, on Linux it ends on 30 September 2028",
        "move to Azure CNI Powered by Cilium: `aks-cilium`",
    ),
    // `docs/troubleshoot.md` of cloudnativelabs/kube-router.
    row(
        &[Cni::KubeRouter],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} leaves a new pod open until its policies arrive",
        "run it with `--netpol-default-deny=true`",
    ),
    row(
        &[Cni::KubeRouter],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} opens the way to Services only where it knows their addresses",
        "run it with `--service-cluster-ip-range` as the API server has it",
    ),
    // kube-ovn#5745.
    row(
        &[Cni::KubeOvn],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} lets ICMP and DHCP through where its policies are `lax`",
        "leave `NP_ENFORCEMENT` at `standard`, which it is without",
    )
    .in_versions(From(CniVersion(1, 15))),
    // `pkg/dataplane/controller.go` of kubernetes-sigs/kube-network-policies.
    row(
        &[Cni::Kindnet],
        CniTrigger::Always,
        [Noted(Code::W0015), Noted(Code::W0015)],
        "{cni} lets pass what sockets of root on the pod's own node send, which probes need",
        "nothing to do: only who is root on a node gets through",
    ),
];

/// What keys of labels begin with that Cilium does not take for part of what a pod is (`pkg/labelsfilter/filter.go` of
/// cilium/cilium).
const UNSEEN: [&str; 14] = [
    "annotation",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "controller-revision-hash",
    "controller-uid",
    "etcd_node",
    "io.kubernetes",
    "k8s.io",
    "kubernetes.io",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
    UNSEEN_LATELY,
];

/// The same since the version below.
const UNSEEN_LATELY: &str = "topology.kubernetes.io";

/// cilium#43725.
const LATELY: CniVersion = CniVersion(1, 20);

/// Whether Cilium sees a label of pods, in a version.
pub fn is_seen_label(key: &str, version: Option<CniVersion>) -> bool {
    let is_late = version.is_some_and(|version| version >= LATELY);
    let counts = |start: &&&str| is_late || **start != UNSEEN_LATELY;
    let is_namespace = key == "io.kubernetes.pod.namespace";
    is_namespace
        || !(UNSEEN.iter().filter(counts).any(|start| key.starts_with(start)) || key.contains("beta.kubernetes.io"))
}
