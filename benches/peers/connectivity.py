#!/usr/bin/env python3
"""Times another analyser and Polder on the same manifests: who can reach whom, among workloads of growing number.

The peer is `nca`, the command of the PyPI package network-config-analyzer. It is no part of any build or test:

    python3 -m venv /tmp/nca && /tmp/nca/bin/pip install network-config-analyzer
    cargo bench --bench analyze --no-run
    python3 benches/peers/connectivity.py /tmp/nca/bin/nca [SECONDS [WORKLOADS...]]

Each run is a process of its own that reads the YAML, so the times of both include starting and reading. They are times
of the processor, so that other work on the machine counts little. SECONDS is when to give up on the peer.
"""

import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PER_NAMESPACE = 10


def documents(workloads):
    """Namespaces of ten deployments each: the denial, DNS, a chain from one application to the next, monitoring."""
    for first in range(0, workloads, PER_NAMESPACE):
        namespace = f"space-{first // PER_NAMESPACE}"
        yield f"""apiVersion: v1
kind: Namespace
metadata:
  name: {namespace}
  labels: {{kubernetes.io/metadata.name: {namespace}, team: team-{first // PER_NAMESPACE % 3}}}
"""
        count = min(PER_NAMESPACE, workloads - first)
        for app in range(count):
            yield f"""apiVersion: apps/v1
kind: Deployment
metadata: {{name: app-{app}, namespace: {namespace}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: app-{app}}}}}
  template:
    metadata: {{labels: {{app: app-{app}}}}}
    spec:
      containers:
        - name: main
          image: example
          ports: [{{name: http, containerPort: 8080}}]
"""
        yield policy(namespace, "default-deny", "{}", "policyTypes: [Ingress, Egress]")
        domain = "egress: [{ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]}]"
        yield policy(namespace, "dns", "{}", "policyTypes: [Egress]", domain)
        scrape = "ingress: [{from: [{namespaceSelector: {matchLabels: {team: team-0}}}], ports: [{port: 9090}]}]"
        yield policy(namespace, "monitoring", "{}", "policyTypes: [Ingress]", scrape)
        outside = "egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}], ports: [{port: 443}]}]"
        yield policy(namespace, "outside", "{matchLabels: {app: app-0}}", "policyTypes: [Egress]", outside)
        for app in range(count - 1):
            client, server = (f"{{matchLabels: {{app: app-{number}}}}}" for number in (app, app + 1))
            to = f"egress: [{{to: [{{podSelector: {server}}}], ports: [{{port: 8080}}]}}]"
            yield policy(namespace, f"app-{app}-out", client, "policyTypes: [Egress]", to)
            come = f"ingress: [{{from: [{{podSelector: {client}}}], ports: [{{port: 8080}}]}}]"
            yield policy(namespace, f"app-{app + 1}-in", server, "policyTypes: [Ingress]", come)


def policy(namespace, name, subject, *spec):
    lines = "\n".join(f"  {line}" for line in (f"podSelector: {subject}", *spec))
    return f"""apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{lines}
"""


def used():
    """The time of the processor that all runs so far have taken."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(command, seconds, **options):
    before = used()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True, **options)
    except subprocess.TimeoutExpired:
        return None, ""
    return used() - before, done.stdout


def bench():
    """The program of `cargo bench --bench analyze`."""
    built = ["cargo", "bench", "--bench", "analyze", "--no-run"]
    done = subprocess.run(built, cwd=ROOT, capture_output=True, text=True, check=True)
    return ROOT / done.stderr.split("(")[-1].split(")")[0]


def main():
    nca = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 600
    sizes = [int(size) for size in sys.argv[3:]] or [50, 100, 200, 320]
    program = bench()
    print(f"{'workloads':>9} {'policies':>8} {'nca':>9} {'polder':>9} {'ratio':>8}  polder without reading")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            all_documents = list(documents(size))
            (pathlib.Path(folder) / "all.yaml").write_text("---\n".join(all_documents))
            theirs, _ = timed([nca, "--connectivity", folder, "-n", folder, "-p", folder], seconds)
            own, output = timed([program], seconds, env={"POLDER_BENCH_MANIFESTS": folder})
        policies = sum("NetworkPolicy" in document for document in all_documents)
        shown = f"{theirs:.1f}s" if theirs else f">{seconds:.0f}s"
        ratio = f"{'' if theirs else '>'}{(theirs or seconds) / own:.0f}x"
        print(f"{size:>9} {policies:>8} {shown:>9} {own * 1e3:>7.1f}ms {ratio:>8}  {output.strip()}", flush=True)


main()
