// Judges Kubernetes NetworkPolicies and CiliumNetworkPolicies as Cilium does: with its parsers and its policy engine, as
// libraries. No cluster is needed.
//
// Standard input has a [job] on each line, as JSON; for each a line is written, with what was asked and the answers.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// The names of a cluster that selectors are made for: none, as up to Cilium 1.18, and the cluster's own, as from 1.19
// on (`policy-default-local-cluster`). What is written must mean the same for both.
var clusterNames = []string{"", ownCluster}

// job is a set of manifests, and who is asked about it.
type job struct {
	ID     string `json:"id"`
	Target string `json:"target"`
	// What the manifests were made of; for whoever reads the answers.
	Program   string `json:"program"`
	Manifests string `json:"manifests,omitempty"`
	Ends      []end  `json:"ends"`
	Ports     []port `json:"ports"`
}

type answers struct {
	// Which objects Cilium does not take, and why.
	Refused []string `json:"refused,omitempty"`
	// Of each pod, direction (egress, ingress), other end and port, in this order, a bit: whether the connection is let
	// through on the pod's side. Eight bits a byte, the first one highest, as hexadecimal digits.
	Allowed string `json:"allowed"`
	// The same for whether the connection goes through a proxy, which is how Cilium learns the addresses of names.
	Proxied string `json:"proxied"`
}

type answered struct {
	job
	answers
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	// What Cilium logs of policies that it refuses is in the answers.
	judge, err := newJudge(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	reader, writer := bufio.NewReader(in), bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return writer.Flush()
		} else if err != nil {
			return err
		}
		var job job
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&job); err != nil {
			return err
		}
		answers, err := judge.judge(job)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s\n%s", job.ID, err, job.Program, job.Manifests)
		}
		job.Manifests = ""
		if err := encoder.Encode(answered{job, answers}); err != nil {
			return err
		}
	}
}
