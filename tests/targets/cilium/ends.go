package main

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/k8s"
	"github.com/cilium/cilium/pkg/k8s/utils"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/types"
)

const ownCluster = "default"

// port is one that is asked about.
type port struct {
	Number   uint16 `json:"number"`
	Protocol string `json:"protocol"`
}

// namedPort is a port of a pod's containers.
type namedPort struct {
	Name string `json:"name"`
	port
}

// end is a party to connections.
type end struct {
	// pod, address, name (what a DNS name resolved to), apiserver, host, remote-node, health or ingress.
	Kind            string            `json:"kind"`
	Namespace       string            `json:"namespace,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	NamespaceLabels map[string]string `json:"namespaceLabels,omitempty"`
	NamedPorts      []namedPort       `json:"namedPorts,omitempty"`
	Name            string            `json:"name,omitempty"`
	// Of an address; of a name, what it resolved to; of an API server, where it is outside of the cluster. Without one
	// the API server runs on another node.
	Address string `json:"address,omitempty"`
}

func (e end) isPod() bool { return e.Kind == "pod" }

// learnt are the selectors of names, by which the agent knows what a name resolved to.
type learnt map[api.FQDNSelector]*regexp.Regexp

func (l learnt) labels(name string) labels.Labels {
	all := labels.Labels{}
	for selector, regex := range l {
		// Cilium matches names with the dot of the root.
		if regex.MatchString(name + ".") {
			label := selector.IdentityLabel()
			all[label.Key] = label
		}
	}
	return all
}

// home is the namespace of a pod, as Cilium asks for it.
type home struct{ end }

func (h home) GetName() string              { return h.Namespace }
func (h home) GetLabels() map[string]string { return h.NamespaceLabels }

// identity gives an end the labels and the sort of number that the agent gives it.
func (e end) identity(index int, names learnt) (*identity.Identity, error) {
	local := identity.IdentityScopeLocal + identity.NumericIdentity(1+index)
	reserved := func(number identity.NumericIdentity) (*identity.Identity, error) {
		return identity.LookupReservedIdentity(number), nil
	}
	switch e.Kind {
	case "pod":
		all := labels.Map2Labels(utils.SanitizePodLabels(e.Labels, home{e}, "default", ownCluster), labels.LabelSourceK8s)
		known, _ := labelsfilter.Filter(all)
		ports, err := e.ports()
		for _, label := range k8s.NamedPortsIdentityLabels(ports) {
			known[label.Key] = label
		}
		return identity.NewIdentity(identity.NumericIdentity(1000+index), known), err
	case "address", "name":
		all, err := e.addressLabels()
		if err == nil && e.Kind == "name" {
			all.MergeLabels(names.labels(e.Name))
		}
		return identity.NewIdentity(local, all), err
	case "apiserver":
		if e.Address == "" {
			return reserved(identity.ReservedIdentityKubeAPIServer)
		}
		all, err := e.addressLabels()
		if err == nil {
			all.MergeLabels(labels.LabelKubeAPIServer)
		}
		return identity.NewIdentity(local, all), err
	case "host":
		return reserved(identity.ReservedIdentityHost)
	case "remote-node":
		return reserved(identity.ReservedIdentityRemoteNode)
	case "health":
		return reserved(identity.ReservedIdentityHealth)
	case "ingress":
		return reserved(identity.ReservedIdentityIngress)
	default:
		return nil, fmt.Errorf("there is no end of kind %q", e.Kind)
	}
}

func (e end) addressLabels() (labels.Labels, error) {
	address, err := netip.ParseAddr(e.Address)
	if err != nil {
		return nil, err
	}
	return labels.GetCIDRLabels(netip.PrefixFrom(address, address.BitLen())), nil
}

func (e end) ports() (types.NamedPortMap, error) {
	all := types.NamedPortMap{}
	for _, one := range e.NamedPorts {
		if err := all.AddPort(one.Name, int(one.Number), one.Protocol); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// namedPorts are the named ports of all pods, as a repository asks for them.
type namedPorts struct{ all types.NamedPortMultiMap }

func (n namedPorts) GetNamedPorts() types.NamedPortMultiMap { return n.all }
