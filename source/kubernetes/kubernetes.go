// Package kubernetes is the source of one Kubernetes cluster: its workloads and
// what leads to them, who may do what, and how its namespaces are separated.
package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"

	"tieout/audit"
	"tieout/source"
	"tieout/source/cloud"
)

// Driver reads a cluster through its API server.
var Driver = &source.Driver{
	Name: "kubernetes", Version: 1, Title: "Kubernetes",
	Types: []string{"account", "membership", "network", "resource"},
	Scopes: []source.Scope{
		{Name: "list on namespaces, pods, services, serviceaccounts", Why: "what runs, what leads to it, whose accounts there are"},
		{Name: "list on deployments, statefulsets, daemonsets, replicasets (apps); cronjobs, jobs (batch)", Why: "workloads, and with what rights they run"},
		{Name: "list on ingresses, networkpolicies (networking.k8s.io)", Why: "what leads in, and what keeps namespaces apart"},
		{Name: "list on clusterroles, roles, clusterrolebindings, rolebindings (rbac.authorization.k8s.io)", Why: "who may do what"},
	},
	Cannot: []string{
		"secrets: to list them is to be allowed to read them, which is not asked for; so neither their age nor the ends of certificates in them",
		"members of groups, and users without a binding: the cluster knows no list of users; what other authorizers than RBAC allow",
		"whether the cluster's network enforces network policies; policies of other kinds than NetworkPolicy; traffic that leaves",
		"what stands before a node's ports or an address; gateways (Gateway API) and other custom resources",
		"the control plane: audit logging, encryption of what it keeps",
	},
	Settings: settingsDoc,
	Open:     open, Normalize: normalize,
}

var settingsDoc = []source.Setting{
	{Name: "kubeconfig", Doc: "a kubeconfig, by reference; users with a token or a client certificate only. This, or `server` with `token`", Example: "file:/run/secrets/kubeconfig", Secret: true},
	{Name: "context", Doc: "context of the kubeconfig; absent: its current one", Example: "production"},
	{Name: "server", Doc: "address of the API server", Example: "https://k8s.halyard.example:6443"},
	{Name: "token", Doc: "bearer token of a service account, by reference", Example: "env:KUBE_TOKEN", Secret: true},
	{Name: "ca", Doc: "certificate authority of the server (PEM), by reference; absent: this machine's", Example: "file:certs/cluster-ca.pem", Secret: true},
	{Name: "privileged", Doc: "globs of roles that grant administrative or production rights, besides cluster-admin and roles that allow everything or let one become another", Example: "[admin, deployer-*]"},
	cloud.Setting("label"),
	{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks", Example: "private"},
}

type settings struct {
	Kubeconfig string       `json:"kubeconfig"`
	Context    string       `json:"context"`
	Server     string       `json:"server"`
	Token      string       `json:"token"`
	CA         string       `json:"ca"`
	Privileged source.Globs `json:"privileged"`
	Labels     cloud.Labels `json:"labels"`
	Allow      string       `json:"allow"`
}

// A config is what normalizing needs.
type config struct {
	System     string       `json:"system"` // the connection's name: the cluster's
	Privileged source.Globs `json:"privileged,omitempty"`
	Labels     cloud.Labels `json:"labels,omitempty"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if err := s.check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	b, err := json.Marshal(config{System: name, Privileged: s.Privileged, Labels: s.Labels})
	return &collector{name: name, settings: s, env: env}, b, err
}

func (s settings) check() error {
	direct := s.Server != "" && s.Token != ""
	switch {
	case s.Kubeconfig == "" && !direct:
		return errors.New("give a reference to a kubeconfig (`kubeconfig: file:PATH`), or `server` and a reference to a token (`token: env:NAME`)")
	case s.Kubeconfig != "" && (s.Server != "" || s.Token != "" || s.CA != ""):
		return errors.New("server, token and ca stand in the kubeconfig; leave them out")
	case s.Kubeconfig == "" && s.Context != "":
		return errors.New("context: it is a part of a kubeconfig, which is not given")
	}
	var err error
	if direct {
		_, err = source.BaseURL("server", s.Server, "", s.Allow)
	}
	return errors.Join(source.CheckSecret("kubeconfig", s.Kubeconfig), source.CheckSecret("token", s.Token), source.CheckSecret("ca", s.CA),
		source.CheckAllow(s.Allow), s.Privileged.Check("privileged"), s.Labels.Check(), err)
}
