package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
)

const head = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: x, namespace: shop}
spec:
  endpointSelector: {}
`

// What Polder never writes, for the reason that stands here.
func TestWhatIsRefused(t *testing.T) {
	ports := strings.Repeat(`{port: "80", protocol: TCP}, `, 41)
	for reason, rules := range map[string]string{
		"combining ToCIDRSet and ToEntities": `  egress: [{toEntities: [host], toCIDRSet: [{cidr: 10.0.0.0/8}]}]`,
		"must have at least one of Ingress":  `  ingress: []`,
		"must have at most 40 items":         `  egress: [{toEntities: [host], toPorts: [{ports: [` + ports + `]}]}]`,
		"do not support port ranges": `  egress: [{toEndpoints: [{}], toPorts: [{ports: [{port: "53", endPort: 60, protocol: UDP}],
      rules: {dns: [{matchPattern: "*"}]}}]}]`,
		"unknown fields found": `  egress: [{toEntity: [host]}]`,
	} {
		answers := ask(t, head+rules)
		if len(answers.Refused) != 1 || !strings.Contains(answers.Refused[0], reason) {
			t.Errorf("%s: %q", reason, answers.Refused)
		}
	}
}

// The port and the name of a connection to it, and the question for the name that has to go through the proxy.
func TestNamesAreLearntThroughTheProxy(t *testing.T) {
	answers := ask(t, head+`  egress:
    - toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system}}]
      toPorts: [{ports: [{port: "53", protocol: UDP}], rules: {dns: [{matchPattern: "*"}]}}]
    - toFQDNs: [{matchName: github.com}]
      toPorts: [{ports: [{port: "80", protocol: TCP}]}]
`)
	// To the pod of shop, that of kube-system and the name, each with both ports, and the same from them.
	if want := "1bf"; !strings.HasPrefix(answers.Allowed, want) || !strings.HasPrefix(answers.Proxied, "100") {
		t.Errorf("%+v", answers)
	}
}

// Without the cluster's name such a selector matches everything that is no pod.
func TestNegativeSelectorsOfNamespacesDependOnTheVersion(t *testing.T) {
	judge, job := question(t, `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: x, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: internal, operator: DoesNotExist}]}}]}]
`)
	if _, err := judge.judge(job); err == nil {
		t.Error("both are the same")
	}
}

func question(t *testing.T, manifests string) (*judge, job) {
	judge, err := newJudge(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return judge, job{
		Manifests: manifests,
		Ends: []end{
			{Kind: "pod", Namespace: "shop", Labels: map[string]string{"app": "api"}},
			{Kind: "pod", Namespace: "kube-system"},
			{Kind: "name", Name: "github.com", Address: "140.82.112.3"},
		},
		Ports: []port{{80, "TCP"}, {53, "UDP"}},
	}
}

func ask(t *testing.T, manifests string) answers {
	judge, job := question(t, manifests)
	answers, err := judge.judge(job)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}
