package kubernetes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const theToken = "eyJhbGciOiJSUzI1NiJ9.made-up"

func window() audit.Window {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	asOf := time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: from, To: asOf.AddDate(0, 0, 1)}, AsOf: asOf, Zone: "Europe/Berlin"}
}

// A replay answers as an API server does, over TLS.
type replay struct {
	t      *testing.T
	server *httptest.Server
	chunk  int

	mu    sync.Mutex
	lists map[string][]string // path -> objects
	fail  func(q *http.Request) (int, string)
	files map[string]string // secrets by reference
	asked []string
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	r := &replay{t: t, chunk: 2, lists: objects(), files: map[string]string{}}
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of connections that tests break off
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	r.files["env:KUBE_TOKEN"] = theToken
	r.files["file:certs/ca.pem"] = r.ca()
	r.files["file:kube/config"] = r.kubeconfig("token: " + theToken)
	return r
}

func (r *replay) ca() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.server.Certificate().Raw}))
}

// kubeconfig names the server and one user, with a part of the other kind beside.
func (r *replay) kubeconfig(user string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
preferences: {}
current-context: prod
contexts:
  - name: other
    context: { cluster: nowhere, user: nobody }
  - name: prod
    context: { cluster: main, user: auditor, namespace: default }
clusters:
  - name: main
    cluster: { server: %q, certificate-authority-data: %s }
users:
  - name: auditor
    user: { %s }
`, r.server.URL, base64.StdEncoding.EncodeToString([]byte(r.ca())), user)
}

func status(code int, reason, message string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, code)
}

func (r *replay) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, q.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json")
	code, body := 0, ""
	switch {
	case q.Method == http.MethodGet && q.URL.RequestURI() == "/version":
		code, body = 200, `{"major":"1","minor":"33","gitVersion":"v1.33.1"}`
	case q.Method != http.MethodGet || q.URL.Query().Get("limit") != "500":
		r.t.Errorf("%s %s: only lists in parts are to be asked for", q.Method, q.URL)
	case len(q.TLS.PeerCertificates) == 0 && q.Header.Get("Authorization") != "Bearer "+theToken:
		code, body = 401, status(401, "Unauthorized", "Unauthorized")
	case r.fail != nil:
		code, body = r.fail(q)
	}
	if code == 0 {
		code, body = r.list(q)
	}
	w.WriteHeader(code)
	fmt.Fprint(w, body)
}

func (r *replay) list(q *http.Request) (int, string) {
	items, ok := r.lists[q.URL.Path]
	if !ok {
		return 404, status(404, "NotFound", "the server could not find the requested resource")
	}
	from, _ := strconv.Atoi(q.URL.Query().Get("continue"))
	to := min(from+r.chunk, len(items))
	more := ""
	if to < len(items) {
		more = fmt.Sprintf(`,"continue":"%d","remainingItemCount":%d`, to, len(items)-to)
	}
	return 200, fmt.Sprintf(`{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"4711"%s},"items":[%s]}`, more, strings.Join(items[from:to], ","))
}

func (r *replay) env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if s, ok := r.files[ref]; ok {
			return s, nil
		}
		return "", fmt.Errorf("there is no %s", ref)
	}}
}

func (r *replay) with(more string) string {
	return fmt.Sprintf(`{"server":%q,"token":"env:KUBE_TOKEN","ca":"file:certs/ca.pem","allow":"loopback"%s}`, r.server.URL, more)
}

// collect reads with waits counted instead of slept.
func (r *replay) collect(with string) (rec *sourcetest.Recorder, waits []time.Duration, err error) {
	r.t.Helper()
	col, conf, err := Driver.Open("k8s", json.RawMessage(with), r.env())
	if err != nil {
		r.t.Fatal(err)
	}
	col.(*collector).wait = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	rec = &sourcetest.Recorder{Driver: Driver, Config: conf}
	return rec, waits, col.Collect(r.t.Context(), window(), rec)
}

func obj(namespace, name, more string) string {
	ns := ""
	if namespace != "" {
		ns = fmt.Sprintf(`,"namespace":%q`, namespace)
	}
	return fmt.Sprintf(`{"metadata":{"name":%q%s,"uid":"u","resourceVersion":"1","creationTimestamp":"2025-05-06T07:08:09Z","labels":{"env":"production"}},%s}`, name, ns, more)
}

func ownedBy(kind, object string) string {
	return strings.Replace(object, `"uid":"u"`, `"uid":"u","ownerReferences":[{"apiVersion":"apps/v1","kind":"`+kind+`","name":"x","uid":"y","controller":true}]`, 1)
}

func annotated(annotation, object string) string {
	return strings.Replace(object, `"uid":"u"`, `"uid":"u","annotations":{`+annotation+`}`, 1)
}

func pods(spec string) string { return `"spec":{"replicas":2,"template":{"spec":{` + spec + `}}}` }

// objects are what a small cluster holds, shaped as the API's reference says
// (apps/v1, batch/v1, core/v1, networking/v1, rbac/v1).
func objects() map[string][]string {
	const plainPod = `"containers":[{"name":"c","image":"registry.halyard.example/api@sha256:0","securityContext":{"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}]`
	bind := func(kind, name, subjects string) string {
		return `"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"` + kind + `","name":"` + name + `"},"subjects":[` + subjects + `]`
	}
	const ana = `{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"Ana@halyard.example"}`
	return map[string][]string{
		"/apis/apps/v1/deployments":  {obj("shop", "api", pods(plainPod)), obj("shop", "idle", `"spec":{"replicas":0,"template":{"spec":{`+plainPod+`}}}`), obj("shop", "agent", pods(`"hostNetwork":true,`+plainPod))},
		"/apis/apps/v1/statefulsets": {ownedBy("Prometheus", obj("shop", "db", pods(plainPod+`,"volumes":[{"name":"v","hostPath":{"path":"/var"}}]`)))},
		"/apis/apps/v1/daemonsets":   {obj("kube-system", "node-agent", `"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}],"initContainers":[{"name":"i","image":"i","securityContext":{"privileged":true}}]}}}`)},
		"/apis/apps/v1/replicasets":  {ownedBy("Deployment", obj("shop", "api-1", pods(plainPod)))},
		"/apis/batch/v1/cronjobs":    {obj("shop", "nightly", `"spec":{"suspend":true,"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i","securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}}]}}}}}`)},
		"/apis/batch/v1/jobs":        {ownedBy("CronJob", obj("shop", "nightly-1", pods(plainPod)))},
		"/api/v1/pods":               {ownedBy("ReplicaSet", obj("shop", "api-1-x", `"spec":{`+plainPod+`}`)), ownedBy("Node", obj("kube-system", "etcd", `"spec":{"hostPID":true,`+plainPod+`}`)), obj("shop", "debug", `"spec":{`+plainPod+`}`)},
		"/api/v1/services": {
			obj("shop", "inside", `"spec":{"type":"ClusterIP","ports":[{"port":80}]},"status":{"loadBalancer":{}}`),
			obj("shop", "web", `"spec":{"type":"LoadBalancer","ports":[{"port":443},{"port":53,"protocol":"UDP"}]},"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.9"}]}}`),
			obj("shop", "some", `"spec":{"type":"LoadBalancer","loadBalancerSourceRanges":["198.51.100.0/24"],"ports":[{"port":443}]},"status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.8"}]}}`),
			annotated(`"service.beta.kubernetes.io/aws-load-balancer-scheme":"internal"`, obj("shop", "private", `"spec":{"type":"LoadBalancer","ports":[{"port":443}]},"status":{"loadBalancer":{"ingress":[{"hostname":"x.elb.amazonaws.com"}]}}`)),
			obj("shop", "named", `"spec":{"type":"LoadBalancer","ports":[{"port":443}]},"status":{"loadBalancer":{"ingress":[{"hostname":"x.elb.amazonaws.com"}]}}`),
			obj("shop", "ports", `"spec":{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}`),
		},
		"/apis/networking.k8s.io/v1/ingresses": {obj("shop", "www", `"spec":{"rules":[{"host":"www.halyard.example"}],"tls":[{"hosts":["www.halyard.example"],"secretName":"s"}]},"status":{"loadBalancer":{"ingress":[{"ip":"10.0.0.9"}]}}`)},
		"/api/v1/serviceaccounts":              {obj("shop", "default", `"secrets":[]`), obj("ops", "deployer", `"automountServiceAccountToken":false`)},
		"/api/v1/namespaces":                   {obj("", "shop", `"spec":{}`), obj("", "ops", `"spec":{}`), obj("", "open", `"spec":{}`), obj("", "kube-system", `"spec":{}`)},
		"/apis/networking.k8s.io/v1/networkpolicies": {
			obj("shop", "deny", `"spec":{"podSelector":{},"policyTypes":["Ingress"]}`), obj("shop", "api", `"spec":{"podSelector":{"matchLabels":{"app":"api"}},"ingress":[{}]}`),
			obj("ops", "out", `"spec":{"podSelector":{},"policyTypes":["Egress"]}`),
			obj("open", "deny", `"spec":{"podSelector":{}}`), obj("open", "allow", `"spec":{"podSelector":{},"ingress":[{}],"policyTypes":["Ingress","Egress"]}`),
		},
		"/apis/rbac.authorization.k8s.io/v1/clusterroles": {
			obj("", "cluster-admin", `"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]},{"verbs":["*"],"nonResourceURLs":["*"]}]`), obj("", "view", `"rules":[{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}]`),
			obj("", "helper", `"rules":[{"verbs":["impersonate"],"apiGroups":[""],"resources":["users"]}]`),
		},
		"/apis/rbac.authorization.k8s.io/v1/roles": {obj("shop", "owner", `"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]`), obj("ops", "owner", `"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]`)},
		"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings": {
			obj("", "admins", bind("ClusterRole", "cluster-admin", ana+`,{"kind":"Group","name":"system:masters"}`)), obj("", "viewers", bind("ClusterRole", "view", `{"kind":"User","name":"ben@halyard.example"}`)),
			obj("", "helpers", bind("ClusterRole", "helper", `{"kind":"ServiceAccount","namespace":"ops","name":"deployer"},{"kind":"User","name":"system:kube-scheduler"}`)), obj("", "nobody", `"roleRef":{"kind":"ClusterRole","name":"view"}`),
		},
		"/apis/rbac.authorization.k8s.io/v1/rolebindings": {
			obj("shop", "owners", bind("Role", "owner", ana)), obj("ops", "owners", bind("Role", "owner", ana+`,{"kind":"User","name":"system:serviceaccount:shop:default"}`)),
		},
	}
}
