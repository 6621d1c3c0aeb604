package main

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcache "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2/validator"
	networking "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	policytypes "github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	"github.com/cilium/cilium/pkg/types"
	"github.com/cilium/cilium/pkg/u8proto"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// judge answers what policies let through.
type judge struct {
	logger    *slog.Logger
	validator *validator.NPValidator
}

func newJudge(logger *slog.Logger) (*judge, error) {
	// What an agent's start does, as far as policies are concerned.
	option.Config.EnableIPv4, option.Config.EnableIPv6 = true, true
	option.Config.EnableSCTP = true
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	api.InitEntities(ownCluster)
	if err := labelsfilter.ParseLabelPrefixCfg(logger, nil, nil, ""); err != nil {
		return nil, err
	}
	validator, err := validator.NewNPValidator(logger)
	return &judge{logger, validator}, err
}

// set is what the objects of a job come to.
type set struct {
	refused []string
	entries map[ipcache.ResourceID]policytypes.PolicyEntries
	names   learnt
}

func (j *judge) judge(job job) (answers, error) {
	var first answers
	for at, cluster := range clusterNames {
		set, err := j.parse(cluster, job.Manifests)
		if err != nil {
			return first, err
		}
		found, err := j.ask(set, job.Ends, job.Ports)
		if err != nil {
			return first, err
		}
		if at == 0 {
			first = found
		} else if first.Allowed != found.Allowed || first.Proxied != found.Proxied {
			return first, fmt.Errorf("the policies mean something else once selectors are of the own cluster alone")
		}
	}
	return first, nil
}

// parse reads manifests as the API server and then the agent do. What either refuses is told, and has no effect.
func (j *judge) parse(cluster, manifests string) (*set, error) {
	all := &set{entries: map[ipcache.ResourceID]policytypes.PolicyEntries{}, names: learnt{}}
	for _, text := range strings.Split("\n"+manifests, "\n---\n") {
		var head struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			return nil, err
		}
		if head.Kind == "" {
			continue
		}
		id := ipcache.NewResourceID(ipcache.ResourceKind(head.Kind), head.Metadata.Namespace, head.Metadata.Name)
		if _, known := all.entries[id]; known {
			return nil, fmt.Errorf("there are two of %s", id)
		}
		entries, err := j.object(cluster, head.Kind, []byte(text), all.names)
		if err != nil {
			all.refused = append(all.refused, fmt.Sprintf("%s: %v", id, err))
		}
		all.entries[id] = entries
	}
	return all, nil
}

func (j *judge) object(cluster, kind string, text []byte, names learnt) (policytypes.PolicyEntries, error) {
	switch kind {
	case "NetworkPolicy":
		var object networking.NetworkPolicy
		if err := yaml.Unmarshal(text, &object); err != nil {
			return nil, err
		}
		return k8s.ParseNetworkPolicy(j.logger, cluster, &object)
	case "CiliumNetworkPolicy":
		var fields unstructured.Unstructured
		if err := yaml.Unmarshal(text, &fields.Object); err != nil {
			return nil, err
		}
		if err := j.validator.ValidateCNP(&fields); err != nil {
			return nil, fmt.Errorf("its schema: %w", err)
		}
		var object v2.CiliumNetworkPolicy
		if err := yaml.UnmarshalStrict(text, &object); err != nil {
			return nil, err
		}
		rules, err := object.Parse(j.logger, cluster)
		if err != nil {
			return nil, err
		}
		for _, rule := range rules {
			for _, egress := range rule.Egress {
				for _, selector := range egress.ToFQDNs {
					if names[selector], err = selector.ToRegex(); err != nil {
						return nil, err
					}
				}
			}
		}
		return utils.RulesToPolicyEntries(rules), nil
	default:
		return nil, fmt.Errorf("%s is no kind of policy", kind)
	}
}

// ask puts policies into a repository and asks it about every pod, direction, other end and port.
func (j *judge) ask(set *set, ends []end, ports []port) (answers, error) {
	identities := make([]*identity.Identity, len(ends))
	known := identity.IdentityMap{}
	named := types.NewNamedPortMultiMap()
	for at, end := range ends {
		one, err := end.identity(at, set.names)
		if err != nil {
			return answers{}, err
		}
		ports, err := end.ports()
		if err != nil {
			return answers{}, err
		}
		identities[at] = one
		known[one.ID] = one.LabelArray
		named.Update(one.ID, nil, ports)
	}
	manager := identitymanager.NewIDManager(j.logger)
	repository := policy.NewPolicyRepository(j.logger, identity.ListReservedIdentities(), nil, nil, manager, nil)
	repository.SetNamedPortsGetter(namedPorts{named})
	repository.GetSelectorCache().UpdateIdentities(known, nil, &sync.WaitGroup{})
	repository.UpdateIdentities(known, nil)
	for id, entries := range set.entries {
		if len(entries) > 0 {
			repository.ReplaceByResource(entries, id)
		}
	}
	var allowed, proxied bits
	for at, subject := range identities {
		if !ends[at].isPod() {
			continue
		}
		computed, _, err := repository.ComputeSelectorPolicy(subject)
		if err != nil {
			return answers{}, err
		}
		own, err := ends[at].ports()
		if err != nil {
			return answers{}, err
		}
		// One port stands for all proxies: none is started.
		proxy := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
		distilled := computed.DistillPolicy(j.logger, owner{subject, own}, proxy)
		distilled.Ready()
		distilled.Detach(j.logger)
		computed.Supersede()
		for _, key := range []policytypes.Key{policy.EgressKey(), policy.IngressKey()} {
			for _, peer := range identities {
				for _, port := range ports {
					protocol, err := u8proto.ParseProtocol(port.Protocol)
					if err != nil {
						return answers{}, err
					}
					entry, _, _ := distilled.Lookup(key.WithIdentity(peer.ID).WithPortProto(protocol, port.Number))
					allowed.push(!entry.IsDeny())
					proxied.push(!entry.IsDeny() && entry.IsRedirectEntry())
				}
			}
		}
	}
	return answers{Refused: set.refused, Allowed: allowed.String(), Proxied: proxied.String()}, nil
}

// bits is a list of yes and no.
type bits struct {
	bytes []byte
	count int
}

func (b *bits) push(one bool) {
	if b.count%8 == 0 {
		b.bytes = append(b.bytes, 0)
	}
	if one {
		b.bytes[b.count/8] |= 0x80 >> (b.count % 8)
	}
	b.count++
}

func (b *bits) String() string { return hex.EncodeToString(b.bytes) }

// owner is a pod as the engine wants it.
type owner struct {
	*identity.Identity
	ports types.NamedPortMap
}

func (o owner) GetID() uint64 { return uint64(o.ID) }

func (o owner) GetIngressNamedPort(name string, protocol u8proto.U8proto) uint16 {
	// An error is for a name that the pod does not have: no port.
	number, _ := o.ports.GetNamedPort(name, protocol)
	return number
}

func (o owner) PolicyDebug(string, ...any)                  {}
func (o owner) IsHost() bool                                { return false }
func (o owner) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }

func (o owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}
