package kubernetes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

func TestConform(t *testing.T) {
	r := newReplay(t)
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "k8s", With: r.with(`,"labels":{"environment":"env"}`), Env: r.env(), Window: window()}, Driver.Types...)
}

func body(t *testing.T, rec *sourcetest.Recorder, typ, id string) string {
	t.Helper()
	var got []string
	for _, it := range rec.ByType(typ) {
		if it.ID == id && !slices.Contains(got, string(it.Body)) {
			got = append(got, string(it.Body))
		}
	}
	if len(got) != 1 {
		t.Fatalf("%s %s: %d different bodies %q", typ, id, len(got), got)
	}
	return got[0]
}

func collected(t *testing.T, r *replay, more string) *sourcetest.Recorder {
	t.Helper()
	rec, _, err := r.collect(r.with(more))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestItems(t *testing.T) {
	rec := collected(t, newReplay(t), `,"labels":{"environment":"env"}`)
	thing := func(kind, name, more string) string {
		return `{"account":"k8s","environment":"production","kind":"` + kind + `","name":"` + name + `",` + more
	}
	member := func(account, group string, privileged string) string {
		return `{"account":"` + account + `","group":"` + group + `","privileged":` + privileged + `,"role":"member","system":"k8s"}`
	}
	for _, tc := range []struct{ name, typ, id, want string }{
		{"a deployment", "resource", "k8s/deployments/shop/api", `{"account":"k8s","enabled":true,"environment":"production","kind":"deployment","name":"shop/api","openPorts":[],"privileged":false,"provider":"kubernetes"}`},
		{"one with no pods", "resource", "k8s/deployments/shop/idle", `{"account":"k8s","enabled":false,"environment":"production","kind":"deployment","name":"shop/idle","openPorts":[],"privileged":false,"provider":"kubernetes"}`},
		{"on the host's network", "resource", "k8s/deployments/shop/agent", `{"account":"k8s","enabled":true,"environment":"production","kind":"deployment","name":"shop/agent","privileged":true,"provider":"kubernetes"}`},
		{"with the host's files, made by an operator", "resource", "k8s/statefulsets/shop/db", `{"account":"k8s","enabled":true,"environment":"production","kind":"stateful set","name":"shop/db","openPorts":[],"privileged":true,"provider":"kubernetes"}`},
		{"a privileged first step", "resource", "k8s/daemonsets/kube-system/node-agent", thing("daemon set", "kube-system/node-agent", `"openPorts":[],"privileged":true,"provider":"kubernetes"}`)},
		{"a capability over the host, switched off", "resource", "k8s/cronjobs/shop/nightly", `{"account":"k8s","enabled":false,"environment":"production","kind":"cron job","name":"shop/nightly","openPorts":[],"privileged":true,"provider":"kubernetes"}`},
		{"a pod of a node", "resource", "k8s/pods/kube-system/etcd", thing("pod", "kube-system/etcd", `"openPorts":[],"privileged":true,"provider":"kubernetes"}`)},
		{"a pod of nobody", "resource", "k8s/pods/shop/debug", thing("pod", "shop/debug", `"openPorts":[],"privileged":false,"provider":"kubernetes"}`)},
		{"a service within", "resource", "k8s/services/shop/inside", thing("service", "shop/inside", `"openPorts":[],"provider":"kubernetes","public":false}`)},
		{"a service for everyone", "resource", "k8s/services/shop/web", thing("load balancer", "shop/web", `"openPorts":["443","53/udp"],"provider":"kubernetes","public":true}`)},
		{"for some addresses", "resource", "k8s/services/shop/some", thing("load balancer", "shop/some", `"openPorts":[],"provider":"kubernetes","public":false}`)},
		{"said to be private", "resource", "k8s/services/shop/private", thing("load balancer", "shop/private", `"openPorts":[],"provider":"kubernetes","public":false}`)},
		{"a name that may lead anywhere", "resource", "k8s/services/shop/named", thing("load balancer", "shop/named", `"provider":"kubernetes"}`)},
		{"ports of nodes", "resource", "k8s/services/shop/ports", thing("service", "shop/ports", `"provider":"kubernetes"}`)},
		{"an ingress with TLS", "resource", "k8s/ingresses/shop/www", `{"account":"k8s","encrypted":true,"environment":"production","kind":"ingress","name":"shop/www","openPorts":[],"provider":"kubernetes","public":false}`},
		{"denied unless allowed", "network", "k8s/namespaces/shop", `{"account":"k8s","environment":"production","isolated":true,"name":"shop","provider":"kubernetes"}`},
		{"a policy of what goes out", "network", "k8s/namespaces/ops", `{"account":"k8s","environment":"production","isolated":false,"name":"ops","provider":"kubernetes"}`},
		{"denied, and all allowed", "network", "k8s/namespaces/open", `{"account":"k8s","environment":"production","isolated":false,"name":"open","provider":"kubernetes"}`},
		{"a person", "account", "k8s/user:Ana@halyard.example", `{"email":"ana@halyard.example","kind":"human","login":"Ana@halyard.example","system":"k8s"}`},
		{"a part of the control plane", "account", "k8s/user:system:kube-scheduler", `{"kind":"service","login":"system:kube-scheduler","system":"k8s"}`},
		{"a service account", "account", "k8s/serviceaccount:ops/deployer", `{"createdAt":"2025-05-06T07:08:09Z","kind":"service","login":"ops/deployer","status":"active","system":"k8s"}`},
		{"administers the cluster", "membership", "k8s/clusterrolebindings/admins/user:Ana@halyard.example", member("k8s/user:Ana@halyard.example", "ClusterRole cluster-admin in the whole cluster", "true")},
		{"a group", "membership", "k8s/clusterrolebindings/admins/group:system:masters", member("k8s/group:system:masters", "ClusterRole cluster-admin in the whole cluster", "true")},
		{"may look", "membership", "k8s/clusterrolebindings/viewers/user:ben@halyard.example", member("k8s/user:ben@halyard.example", "ClusterRole view in the whole cluster", "false")},
		{"may become another", "membership", "k8s/clusterrolebindings/helpers/serviceaccount:ops/deployer", member("k8s/serviceaccount:ops/deployer", "ClusterRole helper in the whole cluster", "true")},
		{"everything in a namespace", "membership", "k8s/rolebindings/shop/owners/user:Ana@halyard.example", member("k8s/user:Ana@halyard.example", "Role owner in namespace shop", "true")},
		{"a role of the same name elsewhere", "membership", "k8s/rolebindings/ops/owners/user:Ana@halyard.example", member("k8s/user:Ana@halyard.example", "Role owner in namespace ops", "false")},
		{"a service account written as a user", "membership", "k8s/rolebindings/ops/owners/serviceaccount:shop/default", member("k8s/serviceaccount:shop/default", "Role owner in namespace ops", "false")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := body(t, rec, tc.typ, tc.id); got != tc.want {
				t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, tc.want)
			}
		})
	}
	for _, it := range rec.Items {
		if strings.HasSuffix(it.ID, "/api-1") || strings.HasSuffix(it.ID, "/api-1-x") || strings.HasSuffix(it.ID, "/nightly-1") {
			t.Errorf("%s is made by a controller that is an item itself", it.ID)
		}
	}
}

func TestSecretsAreNotAskedFor(t *testing.T) {
	r := newReplay(t)
	rec := collected(t, r, "")
	for _, uri := range r.asked {
		if strings.Contains(uri, "secrets") || strings.Contains(uri, "configmaps") {
			t.Errorf("asked for %s", uri)
		}
	}
	all, err := json.Marshal(rec.Manifests)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all) + string(rec.Config)
	for _, p := range rec.Pages {
		text += p.Query + string(p.Body)
	}
	if strings.Contains(text, theToken) {
		t.Error("the token is in what was kept")
	}
}

func manifest(rec *sourcetest.Recorder, typ, scope string) audit.Manifest {
	i := slices.IndexFunc(rec.Manifests, func(m audit.Manifest) bool { return m.Type == typ && m.Scope == scope })
	if i < 0 {
		return audit.Manifest{}
	}
	return rec.Manifests[i]
}

func TestFailures(t *testing.T) {
	is := func(part string, code int, text string) func(*http.Request) (int, string) {
		return func(q *http.Request) (int, string) {
			if strings.Contains(q.URL.RequestURI(), part) {
				return code, text
			}
			return 0, ""
		}
	}
	forbidden := status(403, "Forbidden", `cronjobs.batch is forbidden: User "system:serviceaccount:audit:tieout" cannot list resource "cronjobs" in API group "batch" at the cluster scope`)
	for _, tc := range []struct {
		name   string
		fail   func(*http.Request) (int, string)
		broken []string // type and scope
		reason string
	}{
		{"one kind is forbidden", is("/cronjobs", 403, forbidden), []string{"resource cronjobs"}, "cronjobs: 403 Forbidden: cronjobs.batch is forbidden"},
		{"page 2", is("/deployments?continue=2", 502, ""), []string{"resource deployments"}, "deployments: page 2: 502 Bad Gateway"},
		{"broken JSON", is("/services", 200, `{"items":`), []string{"resource services"}, "services: "},
		{"no list", is("/pods", 200, `{"kind":"Status"}`), []string{"resource pods"}, "no list of the API server"},
		{"an older version in between", is("/deployments?continue=2", 200, `{"metadata":{"resourceVersion":"4000"},"items":[]}`), []string{"resource deployments"}, "it is of version 4000, those before of 4711"},
		{"bindings are forbidden", is("/clusterrolebindings", 403, forbidden), []string{"account rbac", "membership rbac"}, "clusterrolebindings: 403"},
		{"namespaces are forbidden", is("/namespaces", 403, forbidden), []string{"network namespaces"}, "namespaces: 403"},
		{"roles and policies are forbidden", func(q *http.Request) (int, string) {
			if strings.HasSuffix(q.URL.Path, "/clusterroles") || strings.HasSuffix(q.URL.Path, "/networkpolicies") {
				return 403, forbidden
			}
			return 0, ""
		}, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.fail = tc.fail
			rec := collected(t, r, "")
			var broken []string
			for _, m := range rec.Manifests {
				if !m.Complete {
					broken = append(broken, m.Type+" "+m.Scope)
					if !strings.Contains(m.Reason, tc.reason) {
						t.Errorf("%s %s: %q; want %q", m.Type, m.Scope, m.Reason, tc.reason)
					}
				}
			}
			slices.Sort(broken)
			if !slices.Equal(broken, tc.broken) {
				t.Errorf("incomplete are %q; want %q", broken, tc.broken)
			}
		})
	}
}

// TestUnknownRules: where rules and policies cannot be read, nothing is said to
// be harmless or closed.
func TestUnknownRules(t *testing.T) {
	r := newReplay(t)
	r.fail = func(q *http.Request) (int, string) {
		if strings.HasSuffix(q.URL.Path, "/clusterroles") || strings.HasSuffix(q.URL.Path, "/networkpolicies") {
			return 403, status(403, "Forbidden", "no")
		}
		return 0, ""
	}
	rec := collected(t, r, "")
	for _, tc := range []struct{ typ, id, want string }{
		{"membership", "k8s/clusterrolebindings/viewers/user:ben@halyard.example", `{"account":"k8s/user:ben@halyard.example","group":"ClusterRole view in the whole cluster","role":"member","system":"k8s"}`},
		{"membership", "k8s/clusterrolebindings/admins/user:Ana@halyard.example", `{"account":"k8s/user:Ana@halyard.example","group":"ClusterRole cluster-admin in the whole cluster","privileged":true,"role":"member","system":"k8s"}`},
		{"network", "k8s/namespaces/shop", `{"account":"k8s","name":"shop","provider":"kubernetes"}`},
	} {
		if got := body(t, rec, tc.typ, tc.id); got != tc.want {
			t.Errorf("got %s; want %s", got, tc.want)
		}
	}
	if m := manifest(rec, "membership", "rbac"); !strings.Contains(strings.Join(m.Cannot, "\n"), "clusterroles: 403") {
		t.Errorf("the stream does not say what it cannot show: %q", m.Cannot)
	}
}

// TestGone: a list whose version is gone is begun again, and given up in the end.
func TestGone(t *testing.T) {
	for _, tc := range []struct {
		name     string
		times    int
		complete bool
	}{{"once", 1, true}, {"twice", 2, true}, {"always", 1 << 30, false}} {
		t.Run(tc.name, func(t *testing.T) {
			r, gone := newReplay(t), 0
			r.fail = func(q *http.Request) (int, string) {
				if strings.Contains(q.URL.RequestURI(), "/services?continue=4") && gone < tc.times {
					gone++
					return 410, status(410, "Expired", "The provided continue parameter is too old")
				}
				return 0, ""
			}
			rec := collected(t, r, "")
			m := manifest(rec, "resource", "services")
			if m.Complete != tc.complete {
				t.Errorf("complete %v: %q", m.Complete, m.Reason)
			}
			if gone > maxAttempts || !strings.Contains(strings.Join(m.Cannot, "\n"), "begun again") {
				t.Errorf("asked %d times; the limits say %q", gone, m.Cannot)
			}
			ids := map[string]bool{}
			for _, it := range rec.ByType("resource") {
				if strings.HasPrefix(it.ID, "k8s/services/") {
					ids[it.ID] = true
				}
			}
			if tc.complete && len(ids) != 6 {
				t.Errorf("%d services; want 6", len(ids))
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	r, times := newReplay(t), 0
	r.fail = func(q *http.Request) (int, string) {
		if strings.HasSuffix(q.URL.Path, "/pods") && times < 2 {
			times++
			return 429, status(429, "TooManyRequests", "please try again later")
		}
		return 0, ""
	}
	rec, waits, err := r.collect(r.with(""))
	if err != nil || !manifest(rec, "resource", "pods").Complete || len(waits) != 2 {
		t.Errorf("waited %v; %v", waits, err)
	}
}

// clientPair is a certificate with its key, in PEM and base64.
func clientPair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "auditor"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kd, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(typ string, b []byte) string {
		return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: b}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", kd)
}

func TestKubeconfig(t *testing.T) {
	r := newReplay(t)
	r.server.TLS.ClientAuth = tls.RequestClientCert
	cert, key := clientPair(t)
	r.files["file:kube/token"] = theToken + "\n"
	const with = `{"kubeconfig":"file:kube/config","allow":"loopback"}`
	for _, tc := range []struct{ name, user, want string }{
		{"a token", "token: " + theToken, ""},
		{"a file with a token, beside", "tokenFile: token", ""},
		{"a client certificate", "client-certificate-data: " + cert + ", client-key-data: " + key, ""},
		{"a program", "exec: { apiVersion: client.authentication.k8s.io/v1, command: /usr/bin/aws-iam-authenticator, args: [token] }", "exec: aws-iam-authenticator), which is not run"},
		{"a provider", "auth-provider: { name: gcp }", "auth-provider gcp, which is not supported"},
		{"a password", "username: admin, password: hunter2", "signs in with a password"},
		{"as another", "token: x, as: admin", "acts as another"},
		{"nothing", "client-certificate-data: " + cert, "neither a token nor a client certificate with its key"},
		{"no base64", "client-certificate-data: '%%%', client-key-data: " + key, "client-certificate-data is not base64"},
		{"a key that is none", "client-certificate-data: " + cert + ", client-key-data: " + cert, "do not fit"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.files["file:kube/config"] = r.kubeconfig(tc.user)
			rec, _, err := r.collect(with)
			if tc.want == "" {
				if err != nil || !manifest(rec, "resource", "pods").Complete {
					t.Errorf("%v, %q", err, manifest(rec, "resource", "pods").Reason)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("got %v; want %q", err, tc.want)
			}
			if len(rec.Manifests) != len(plain)+3 || strings.Contains(rec.Manifests[0].Reason, "hunter2") {
				t.Errorf("%d streams were closed; want %d", len(rec.Manifests), len(plain)+3)
			}
		})
	}
}

func TestBadClusters(t *testing.T) {
	r := newReplay(t)
	whole := r.kubeconfig("token: " + theToken)
	for _, tc := range []struct{ name, config, more, want string }{
		{"not verified", strings.Replace(whole, "certificate-authority-data:", "insecure-skip-tls-verify: true, certificate-authority-data:", 1), "", "the server must be known"},
		{"a proxy", strings.Replace(whole, "certificate-authority-data:", "proxy-url: http://p, certificate-authority-data:", 1), "", "proxies are not used"},
		{"another context", whole, `,"context":"other"`, `context "other"`},
		{"no YAML", "\t{", "", "no YAML of a kubeconfig"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.files["file:kube/config"] = tc.config
			_, _, err := r.collect(`{"kubeconfig":"file:kube/config","allow":"loopback"` + tc.more + `}`)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v; want %q", err, tc.want)
			}
		})
	}
	t.Run("a server nobody vouches for", func(t *testing.T) {
		rec, waits, err := r.collect(strings.Replace(r.with(""), `"ca":"file:certs/ca.pem",`, "", 1))
		if err != nil || !strings.Contains(manifest(rec, "resource", "pods").Reason, "certificate") || len(rec.Manifests) != len(plain)+3 {
			t.Errorf("%v, %q, %d streams", err, manifest(rec, "resource", "pods").Reason, len(rec.Manifests))
		}
		if len(waits) > 4 {
			t.Errorf("waited %d times for a server that is not the one meant", len(waits))
		}
	})
	t.Run("a token that is not known", func(t *testing.T) {
		r.files["env:KUBE_TOKEN"] = "another"
		r.lists = nil
		rec, _, err := r.collect(r.with(""))
		if m := manifest(rec, "membership", "rbac"); err != nil || m.Complete || !strings.Contains(m.Reason, "401 Unauthorized") {
			t.Errorf("%v, %q", err, m.Reason)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"nothing", `{}`, "give a reference to a kubeconfig"},
		{"no token", `{"server":"https://k8s.example"}`, "give a reference"},
		{"both", `{"kubeconfig":"file:x","server":"https://k8s.example","token":"env:T"}`, "stand in the kubeconfig"},
		{"the secret itself", `{"server":"https://k8s.example","token":"abc"}`, "never the secret itself"},
		{"a path", `{"kubeconfig":"/root/.kube/config"}`, "never the secret itself"},
		{"plain http", `{"server":"http://k8s.example","token":"env:T"}`, "https only"},
		{"a context of nothing", `{"server":"https://k8s.example","token":"env:T","context":"x"}`, "context"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Driver.Open("k8s", json.RawMessage(tc.with), source.Env{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v; want %q", err, tc.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	all := objects()
	for path, items := range all {
		f.Add(prefix+path[strings.LastIndex(path, "/")+1:], []byte(`{"metadata":{},"items":[`+strings.Join(items, ",")+`]}`))
	}
	join := func(path string) string { return strings.Join(all[path], ",") }
	f.Add(kindNetworks, []byte(`{"format":1,"policiesWhole":true,"policies":[`+join("/apis/networking.k8s.io/v1/networkpolicies")+`],"items":[`+join("/api/v1/namespaces")+`]}`))
	f.Add(kindBindings, []byte(`{"format":1,"rolesWhole":true,"roles":[`+join("/apis/rbac.authorization.k8s.io/v1/clusterroles")+`],"items":[`+join("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings")+`]}`))
	f.Add(kindBindings, []byte(`null`))
	f.Fuzz(func(t *testing.T, kind string, page []byte) {
		items, err := normalize(json.RawMessage(`{"system":"k8s","labels":{"owner":"o"}}`), audit.Page{Kind: kind, Body: page, About: audit.At(window().AsOf)})
		for _, it := range items {
			if v := sourcetest.Valid(it); v != nil {
				t.Errorf("%s %s: %v (%v)", it.Type, it.ID, v, err)
			}
		}
	})
}

// FuzzKubeconfig: whatever a kubeconfig holds, it is read or refused, and no
// program in it is taken for a user.
func FuzzKubeconfig(f *testing.F) {
	f.Add([]byte("current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://h'}}]\nusers: [{name: u, user: {token: t}}]\n"), "")
	f.Add([]byte("contexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://h'}}]\nusers: [{name: u, user: {exec: {command: x}}}]\n"), "a")
	f.Add([]byte("&a [*a, *a]"), "")
	f.Fuzz(func(t *testing.T, b []byte, context string) {
		cl, u, err := parse(b, context)
		if err == nil && (cl.Server == "" || cl.Insecure || u.Exec != nil) {
			t.Errorf("%+v %+v was let through", cl, u)
		}
	})
}

// TestGrantsMuch: every verb on roles, accounts or groups is escalating, binding
// and acting as others too.
func TestGrantsMuch(t *testing.T) {
	for rules, want := range map[string]bool{
		`{"verbs":["*"],"resources":["*"]}`:                true,
		`{"verbs":["*"],"resources":["clusterroles"]}`:     true,
		`{"verbs":["*"],"resources":["serviceaccounts"]}`:  true,
		`{"verbs":["impersonate"],"resources":["users"]}`:  true,
		`{"verbs":["*"],"resources":["configmaps"]}`:       false,
		`{"verbs":["get","list"],"resources":["secrets"]}`: false,
		`{"verbs":["*"],"nonResourceURLs":["/healthz"]}`:   false,
	} {
		var o role
		if err := json.Unmarshal([]byte(`{"rules":[`+rules+`]}`), &o); err != nil {
			t.Fatal(err)
		}
		if got := o.grantsMuch(); got != want {
			t.Errorf("%s: %v", rules, got)
		}
	}
}

// TestPublic: an annotation of another cloud's does not make an address of the
// internet an inner one.
func TestPublic(t *testing.T) {
	azure := map[string]string{"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}
	for _, tc := range []struct {
		name        string
		annotations map[string]string
		given       []address
		want        any
	}{
		{"an address of the internet", nil, []address{{IP: "8.8.8.8"}}, true},
		{"an inner address", nil, []address{{IP: "10.1.2.3"}}, false},
		{"the annotation alone", azure, nil, false},
		{"the annotation, and an address of the internet", azure, []address{{IP: "10.1.2.3"}, {IP: "8.8.8.8"}}, true},
		{"a name", nil, []address{{Hostname: "lb.example.com"}}, nil},
		{"nothing yet", nil, nil, nil},
	} {
		var o object
		o.Metadata.Annotations = tc.annotations
		if got := public(o, tc.given); got != tc.want {
			t.Errorf("%s: %v; want %v", tc.name, got, tc.want)
		}
	}
}
