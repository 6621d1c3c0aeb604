#!/usr/bin/env python3
"""Policies of a real cluster, as manifests on standard output: many namespaces, each by a vendor with label keys of its own.

    vendors.py NAMESPACES POLICIES VENDORS [workloads]

With `workloads`, the namespaces with their labels and a few pods in each are there, too. What it prints is made for
`polder reach --manifests`, `can`, `why`, `blast` and `diff`: these have to answer for 1,460 namespaces with 3,200 policies
of 60 vendors in 2 s of the processor and 500 MB.
"""
import json
import sys


def vendor(number, key):
    return f"vendor-{number}.example.com/{key}"


def policy(namespace, name, spec):
    head = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**head, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def pods(labels):
    return {"podSelector": {"matchLabels": labels}}


def named(name, labels=None):
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
    return peer if labels is None else {**peer, **pods(labels)}


def kinds(at, by):
    """What the policies of a namespace are, the common ones first."""
    name, part, client = vendor(by, "name"), vendor(by, "component"), vendor(by, f"client-{at % 7}")
    tcp = lambda port: {"protocol": "TCP", "port": port}
    yield {"podSelector": {}, "policyTypes": ["Ingress"]}
    # Whoever has the label of a client.
    yield {**pods({name: f"db-{at}"}), "ingress": [{"from": [pods({client: "true"})], "ports": [tcp(5432)]}]}
    # The namespaces of a team, by its label.
    team = {"namespaceSelector": {"matchLabels": {vendor(by, "team"): f"t{at % 5}"}}}
    yield {**pods({part: "api"}), "ingress": [{"from": [team, pods({part: "web"})], "ports": [tcp(8080)]}]}
    yield {**pods({part: "web"}), "ingress": [{"from": [named("ingress-nginx")], "ports": [tcp(80), tcp("http")]}]}
    yield {"podSelector": {}, "ingress": [{"from": [named("monitoring", {"app": "prometheus"})], "ports": [tcp(9090)]}]}
    dns = named("kube-system", {"k8s-app": "kube-dns"})
    yield {
        **pods({part: "worker"}),
        "policyTypes": ["Egress"],
        "egress": [
            {"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, tcp(53)]},
            {"to": [pods({name: f"db-{at}"})], "ports": [tcp(5432)]},
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}], "ports": [tcp(443)]},
        ],
    }


def workload(namespace, labels):
    metadata = {"name": "-".join(labels.values()), "namespace": namespace, "labels": labels}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [{"name": "c", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}]},
    }


def workloads(at, by, namespace):
    labels = {"kubernetes.io/metadata.name": namespace, vendor(by, "team"): f"t{at % 5}"}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    yield workload(namespace, {vendor(by, "name"): f"db-{at}"})
    for part in ["api", "web", "worker"]:
        yield workload(namespace, {vendor(by, "component"): part, vendor(by, f"client-{at % 7}"): "true"})


def main():
    namespaces, policies, vendors = map(int, sys.argv[1:4])
    documents = []
    for at in range(namespaces):
        namespace, by = f"space-{at}", at % vendors
        count = policies * (at + 1) // namespaces - policies * at // namespaces
        # Not the same ones everywhere.
        all_kinds = list(kinds(at, by))
        chosen = [all_kinds[(at + number) % len(all_kinds)] for number in range(min(count, len(all_kinds)))]
        documents += [policy(namespace, f"p{number}", spec) for number, spec in enumerate(chosen)]
        if "workloads" in sys.argv[4:]:
            documents += workloads(at, by, namespace)
    for document in documents:
        print("---")
        print(json.dumps(document))


main()
