package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
)

const runsOfOne = `{"kind":"sql#backupRunsList","items":[
 {"id":"9","status":"RUNNING","type":"AUTOMATED","enqueuedTime":"2026-03-31T05:00:00Z","windowStartTime":"2026-03-31T05:00:00Z","instance":"sql-instance-with-ssl"},
 {"id":"8","status":"SUCCESSFUL","type":"AUTOMATED","enqueuedTime":"2026-03-30T05:00:00Z","startTime":"2026-03-30T05:00:10Z","endTime":"2026-03-30T05:02:00.5Z","location":"us"},
 {"id":"7","status":"FAILED","type":"AUTOMATED","enqueuedTime":"2026-03-29T05:00:00Z","startTime":"2026-03-29T05:00:10Z","endTime":"2026-03-29T05:01:00Z","location":"us-central1"},
 {"id":"6","status":"SUCCESSFUL","type":"AUTOMATED","enqueuedTime":"2026-03-28T05:00:00Z","startTime":"2026-03-28T05:00:10Z","endTime":"2026-03-28T05:02:00Z","location":"us-central1"},
 {"id":"1","status":"SUCCESSFUL","type":"ON_DEMAND","enqueuedTime":"2026-03-12T05:00:00Z","startTime":"2026-03-12T05:00:10Z","endTime":"2026-03-12T05:02:00Z","location":"us"}]}`

func asset1(typ, name, project, data string) string {
	return fmt.Sprintf(`{"name":%q,"assetType":%q,"ancestors":[%q,"folders/7",%q],"resource":{"version":"v1","location":"us-east1","data":%s},"updateTime":"2026-03-30T00:00:00Z"}`, name, typ, project, org, data)
}

func policy1(typ, name, policy string) string {
	return fmt.Sprintf(`{"name":%q,"assetType":%q,"ancestors":["projects/216968792402",%q],"iamPolicy":%s}`, name, typ, org, policy)
}

// furnished adds what the recorded assets do not show.
func furnished(t *testing.T) *replay {
	r := newReplay(t)
	r.runs["v1/projects/test-project/instances/sql-instance-with-ssl/backupRuns"] = runsOfOne
	const bucket, p = "storage.googleapis.com/Bucket", "projects/216968792402"
	r.add(
		asset1(bucket, "//storage.googleapis.com/closed", p, `{"name":"closed","location":"EU","locationType":"multi-region","labels":{"env":"production","team":"core"},"versioning":{"enabled":true},"encryption":{"defaultKmsKeyName":"projects/k/locations/eu/keyRings/r/cryptoKeys/c"},"iamConfiguration":{"publicAccessPrevention":"enforced"},"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":30}}]}}`),
		asset1(bucket, "//storage.googleapis.com/open", p, `{"name":"open","location":"US-EAST1","locationType":"region","iamConfiguration":{"publicAccessPrevention":"inherited","uniformBucketLevelAccess":{"enabled":true}},"lifecycle":{"rule":[]},"encryption":{},"versioning":{}}`),
		policy1(bucket, "//storage.googleapis.com/open", `{"bindings":[{"role":"roles/storage.objectViewer","members":["allUsers"]}]}`),
		asset1(bucket, "//storage.googleapis.com/uniform", p, `{"name":"uniform","location":"US","iamConfiguration":{"publicAccessPrevention":"inherited","uniformBucketLevelAccess":{"enabled":true}}}`),
		asset1(bucket, "//storage.googleapis.com/lists", p, `{"name":"lists","location":"US","iamConfiguration":{"publicAccessPrevention":"inherited"},"acl":[{"entity":"allUsers","role":"READER"}]}`),
		asset1(bucket, "//storage.googleapis.com/unknown", p, `{"name":"unknown","location":"US","iamConfiguration":{"publicAccessPrevention":"inherited"},"acl":[]}`),
		policy1(projectType, "//cloudresourcemanager.googleapis.com/projects/216968792402", `{"bindings":[
		  {"role":"roles/compute.instanceAdmin.v1","members":["user:Ana@Halyard.example","group:ops@halyard.example"],"condition":{"title":"until   summer","expression":"request.time < timestamp('2026-07-01T00:00:00Z')"}},
		  {"role":"organizations/382777088978/roles/deployer","members":["serviceAccount:ci@halyard.iam.gserviceaccount.com","deleted:user:old@halyard.example?uid=1"]},
		  {"role":"roles/viewer","members":["user:ben@halyard.example"]}],
		  "auditConfigs":[{"service":"allServices","auditLogConfigs":[{"logType":"ADMIN_READ"},{"logType":"DATA_READ"},{"logType":"DATA_WRITE"}]}]}`),
		policy1("cloudresourcemanager.googleapis.com/Organization", "//cloudresourcemanager.googleapis.com/"+org, `{"bindings":[{"role":"roles/owner","members":["user:ana@halyard.example"]}]}`),
		asset1("logging.googleapis.com/LogBucket", "//logging.googleapis.com/projects/p/locations/global/buckets/_Required", p, `{"name":"projects/p/locations/global/buckets/_Required","retentionDays":400,"locked":true,"lifecycleState":"ACTIVE"}`),
		asset1("logging.googleapis.com/LogSink", "//logging.googleapis.com/projects/p/sinks/archive", p, `{"name":"archive","destination":"storage.googleapis.com/logs","filter":""}`),
		asset1("compute.googleapis.com/BackendService", "//compute.googleapis.com/projects/p/global/backendServices/web", p, `{"name":"web","loadBalancingScheme":"EXTERNAL_MANAGED","securityPolicy":"https://www.googleapis.com/compute/v1/projects/p/global/securityPolicies/armor","logConfig":{"enable":true}}`),
		asset1("compute.googleapis.com/Network", "//compute.googleapis.com/projects/p/global/networks/prod", p, `{"name":"prod","peerings":[{"name":"x","network":"https://www.googleapis.com/compute/v1/projects/q/global/networks/shared","state":"ACTIVE"},{"name":"y","network":"https://www.googleapis.com/compute/v1/projects/q/global/networks/gone","state":"INACTIVE"}]}`),
		asset1("compute.googleapis.com/SslCertificate", "//compute.googleapis.com/projects/p/global/sslCertificates/www", p, `{"type":"MANAGED","creationTimestamp":"2026-01-01T00:00:00.000-08:00","expireTime":"2026-06-01T00:00:00Z"}`),
		asset1("apikeys.googleapis.com/Key", "//apikeys.googleapis.com/projects/1/locations/global/keys/u", p, `{"createTime":"2025-01-02T03:04:05Z","displayName":"maps"}`),
		asset1("redis.googleapis.com/Instance", "//redis.googleapis.com/projects/p/locations/us-east1/instances/cache", p, `{"name":"projects/p/locations/us-east1/instances/cache","tier":"STANDARD_HA","transitEncryptionMode":"DISABLED"}`),
		asset1("pubsub.googleapis.com/Topic", "//pubsub.googleapis.com/projects/p/topics/events", p, `{"name":"projects/p/topics/events"}`),
		asset1("compute.googleapis.com/Firewall", "//compute.googleapis.com/projects/p/global/firewalls/ssh", p, `{"name":"ssh","direction":"INGRESS","disabled":false,"sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"tcp","ports":["22","8000-8001"]},{"IPProtocol":"udp","ports":["53"]},{"IPProtocol":"icmp"}],"logConfig":{"enable":true}}`),
	)
	return r
}

func TestConform(t *testing.T) {
	r := furnished(t)
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "google", With: r.with(`,"labels":{"environment":"env","owner":"team"}`), Env: r.env(), Window: window()},
		Driver.Types...)
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

func TestItems(t *testing.T) {
	r := furnished(t)
	rec, _ := r.collect(r.with(`,"labels":{"environment":"env","owner":"team"}`))
	const sa = "iam.googleapis.com/projects/forseti-system-test/serviceAccounts/111111-compute@developer.gserviceaccount.com/keys/"
	for _, tc := range []struct{ name, typ, id, want string }{
		{"a bucket nobody can open", "datastore", "storage.googleapis.com/closed", `{"encrypted":true,"environment":"production","key":"cloudkms.googleapis.com/projects/k/locations/eu/keyRings/r/cryptoKeys/c","kind":"bucket","logging":true,"name":"closed","owner":"core","public":false,"redundant":true,"region":"eu","retentionDays":30,"versioning":true}`},
		{"a bucket everyone can read", "datastore", "storage.googleapis.com/open", `{"encrypted":true,"key":"","kind":"bucket","logging":true,"name":"open","owner":"","public":true,"redundant":true,"region":"us-east1","retentionDays":0,"versioning":false}`},
		{"a bucket ruled by its policy alone", "datastore", "storage.googleapis.com/uniform", `{"encrypted":true,"kind":"bucket","logging":true,"name":"uniform","owner":"","public":false,"region":"us"}`},
		{"a bucket its own list opens", "datastore", "storage.googleapis.com/lists", `{"encrypted":true,"kind":"bucket","logging":true,"name":"lists","owner":"","public":true,"region":"us"}`},
		{"a bucket whose objects may be open", "datastore", "storage.googleapis.com/unknown", `{"encrypted":true,"kind":"bucket","logging":true,"name":"unknown","owner":"","region":"us"}`},
		{"a database that demands TLS", "datastore", "cloudsql.googleapis.com/projects/test-project/instances/sql-instance-with-ssl", `{"backedUp":true,"encrypted":true,"kind":"database","logging":false,"name":"sql-instance-with-ssl","owner":"","public":true,"region":"us-central1","tlsRequired":true,"versioning":true}`},
		{"a database without a word on addresses", "datastore", "cloudsql.googleapis.com/projects/test-project/instances/sql-instance-without-ipconfig", `{"backedUp":true,"encrypted":true,"kind":"database","logging":false,"name":"sql-instance-without-ipconfig","owner":"","region":"us-central1","versioning":true}`},
		{"a data set", "datastore", "bigquery.googleapis.com/projects/anand-spanner/datasets/anand_bq_test_3", `{"encrypted":true,"kind":"warehouse","logging":true,"name":"anand-spanner:anand_bq_test_3","owner":"","public":false,"region":"us","tlsRequired":true}`},
		{"a disk in two zones", "datastore", "compute.googleapis.com/projects/my-test-project/regions/europe-north1/disks/has-correct-resource-policies", `{"backedUp":true,"encrypted":true,"kind":"volume","name":"has-correct-resource-policies","owner":"","public":false,"redundant":true,"region":"europe-north1"}`},
		{"a cache", "datastore", "redis.googleapis.com/projects/p/locations/us-east1/instances/cache", `{"encrypted":true,"kind":"cache","name":"cache","owner":"","public":false,"redundant":true,"region":"us-east1","tlsRequired":false}`},
		{"a machine with an address", "resource", "compute.googleapis.com/projects/test-project/zones/us-east1-b/instances/vm-external-ip", `{"account":"projects/68478495408","enabled":false,"environment":"","kind":"instance","name":"vm-external-ip","owner":"","provider":"gcp","public":true}`},
		{"SSH to everyone", "resource", "compute.googleapis.com/projects/p/global/firewalls/ssh", `{"account":"projects/216968792402","enabled":true,"kind":"network rule","logging":true,"name":"ssh","openPorts":["22","53/udp","8000","8001"],"provider":"gcp","public":true,"region":"us-east1"}`},
		{"a load balancer behind a web firewall", "resource", "compute.googleapis.com/projects/p/global/backendServices/web", `{"account":"projects/216968792402","kind":"load balancer","logging":true,"name":"web","provider":"gcp","public":true,"region":"us-east1","waf":true}`},
		{"an open port of a load balancer", "resource", "compute.googleapis.com/projects/test-project/regions/us-east1/forwardingRules/ext-ip", `{"account":"projects/123456789012","environment":"","kind":"forwarding rule","name":"ext-ip","openPorts":["80"],"owner":"","provider":"gcp","public":true}`},
		{"open to two tags only, as recorded", "resource", "compute.googleapis.com/projects/cf-gcp-challenge-dev/global/firewalls/cf-test-fw-rule-source-6", `{"account":"projects/402901960755","enabled":true,"kind":"network rule","logging":false,"name":"cf-test-fw-rule-source-6","openPorts":[],"provider":"gcp","public":false}`},
		{"switched off, as recorded", "resource", "compute.googleapis.com/projects/cf-gcp-challenge-dev/global/firewalls/cf-test-fw-rule-2", `{"account":"projects/402901960755","enabled":false,"kind":"network rule","logging":false,"name":"cf-test-fw-rule-2","openPorts":[],"provider":"gcp","public":false}`},
		{"the audit trail", "resource", "logging.googleapis.com/projects/p/locations/global/buckets/_Required", `{"account":"projects/216968792402","enabled":true,"kind":"trail","name":"_Required","openPorts":[],"provider":"gcp","region":"us-east1","retentionDays":400,"tampering":true}`},
		{"data access logged", "resource", "cloudresourcemanager.googleapis.com/projects/216968792402/auditConfigs", `{"account":"projects/216968792402","enabled":true,"kind":"audit configuration","logging":true,"name":"data access logs of projects/216968792402","openPorts":[],"provider":"gcp","region":""}`},
		{"an organization that logs no data access", "resource", "cloudresourcemanager.googleapis.com/" + org + "/auditConfigs", `{"account":"` + org + `","enabled":false,"kind":"audit configuration","logging":false,"name":"data access logs of ` + org + `","openPorts":[],"provider":"gcp","region":""}`},
		{"logs with an exempted person", "resource", "cloudresourcemanager.googleapis.com/projects/good/auditConfigs", `{"account":"projects/good","kind":"audit configuration","name":"data access logs of projects/good","openPorts":[],"provider":"gcp","region":""}`},
		{"a cluster everyone can reach", "resource", "container.googleapis.com/projects/gkeexposure/zones/us-central1-c/clusters/public", `{"account":"projects/1111111111","enabled":true,"environment":"","kind":"cluster","logging":true,"name":"public","openPorts":["443"],"owner":"","provider":"gcp","public":true}`},
		{"a cluster that says nothing of logs, as recorded", "resource", "container.googleapis.com/projects/transfer-repos/zones/us-central1-c/clusters/joe-clust3", `{"account":"projects/282148707733","enabled":true,"environment":"","kind":"cluster","name":"canary-west","openPorts":["443"],"owner":"","provider":"gcp","public":true}`},
		{"a bucket with a rule of age and one of versions", "datastore", "storage.googleapis.com/forseti-client-c9e3dd73-multiple-delete-actions", `{"encrypted":true,"key":"","kind":"bucket","logging":false,"name":"forseti-client-c9e3dd73-multiple-delete-actions","owner":"","redundant":true,"region":"us-east4","retentionDays":200,"versioning":false}`},
		{"a network and what it is joined to", "network", "compute.googleapis.com/projects/p/global/networks/prod", `{"account":"projects/216968792402","joins":["compute.googleapis.com/projects/q/global/networks/shared"],"name":"prod","provider":"gcp","region":""}`},
		{"a subnet without flow logs", "network", "compute.googleapis.com/projects/pso-cicd8/regions/us-west1/subnetworks/bad", `{"account":"projects/13428609260","flowLogs":false,"name":"default/default","provider":"gcp","region":"us-west1-b"}`},
		{"a key on schedule", "key", "cloudkms.googleapis.com/projects/anand-spanner/locations/global/keyRings/test/cryptoKeys/test-1", `{"autoRotate":true,"createdAt":"2019-05-15T17:01:01.882806Z","kind":"encryption","owner":"","rotatedAt":"2019-05-15T17:01:01.882806Z","status":"active","system":"google"}`},
		{"a key of a service account", "key", sa + "testkeyageover90days", `{"createdAt":"2017-08-21T07:55:36Z","expiresAt":"2200-08-22T19:55:36Z","kind":"access","owner":"google/serviceAccount:111111-compute@developer.gserviceaccount.com","rotatedAt":"2017-08-21T07:55:36Z","status":"active","system":"google"}`},
		{"a key that ended", "key", sa + "1234567890abcdef", `{"createdAt":"2017-08-21T07:55:36Z","expiresAt":"2017-08-22T19:55:36Z","kind":"access","owner":"google/serviceAccount:111111-compute@developer.gserviceaccount.com","rotatedAt":"2017-08-21T07:55:36Z","status":"expired","system":"google"}`},
		{"a certificate that renews itself", "key", "compute.googleapis.com/projects/p/global/sslCertificates/www", `{"autoRotate":true,"createdAt":"2026-01-01T08:00:00Z","expiresAt":"2026-06-01T00:00:00Z","kind":"certificate","owner":"","status":"active","system":"google"}`},
		{"a service account", "account", "google/serviceAccount:myserviceaccount@test-project.iam.gserviceaccount.com", `{"email":"myserviceaccount@test-project.iam.gserviceaccount.com","kind":"service","login":"myserviceaccount@test-project.iam.gserviceaccount.com","status":"active","system":"google"}`},
		{"a person, written in two ways", "account", "google/user:ana@halyard.example", `{"email":"ana@halyard.example","kind":"human","login":"ana@halyard.example","system":"google"}`},
		{"an owner of the organization", "membership", "google/cloudresourcemanager.googleapis.com/" + org + "/roles/owner/user:ana@halyard.example", `{"account":"google/user:ana@halyard.example","group":"roles/owner on cloudresourcemanager.googleapis.com/` + org + `","privileged":true,"role":"owner","system":"google"}`},
		{"a viewer", "membership", "google/cloudresourcemanager.googleapis.com/projects/216968792402/roles/viewer/user:ben@halyard.example", `{"account":"google/user:ben@halyard.example","group":"roles/viewer on cloudresourcemanager.googleapis.com/projects/216968792402","privileged":false,"role":"member","system":"google"}`},
		{"a custom role nobody explained", "membership", "google/cloudresourcemanager.googleapis.com/projects/216968792402/organizations/382777088978/roles/deployer/serviceAccount:ci@halyard.iam.gserviceaccount.com", `{"account":"google/serviceAccount:ci@halyard.iam.gserviceaccount.com","group":"organizations/382777088978/roles/deployer on cloudresourcemanager.googleapis.com/projects/216968792402","role":"member","system":"google"}`},
		{"a backup kept elsewhere", "backup", "cloudsql.googleapis.com/projects/test-project/instances/sql-instance-with-ssl/backupRuns/8", `{"datastore":"cloudsql.googleapis.com/projects/test-project/instances/sql-instance-with-ssl","encrypted":true,"location":"us","result":"success","separate":true}`},
		{"a backup that failed", "backup", "cloudsql.googleapis.com/projects/test-project/instances/sql-instance-with-ssl/backupRuns/7", `{"datastore":"cloudsql.googleapis.com/projects/test-project/instances/sql-instance-with-ssl","location":"us-central1","result":"failure","separate":false}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := body(t, rec, tc.typ, tc.id); got != tc.want {
				t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, tc.want)
			}
		})
	}
	for _, gone := range []string{sa + "1234567891abcdef"} {
		if slices.ContainsFunc(rec.Items, func(it audit.Item) bool { return it.ID == gone }) {
			t.Errorf("%s is a key nobody can hold, and is an item", gone)
		}
	}
	if slices.ContainsFunc(rec.Items, func(it audit.Item) bool { return strings.Contains(it.ID, "deleted:") }) {
		t.Error("a deleted principal holds a role")
	}
}

// TestFirewalls: what opens a port to everyone, in each way it can be written.
func TestFirewalls(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"everything", `{"direction":"INGRESS","sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"all"}]}`, "22 22/udp"},
		{"no origin is everyone", `{"direction":"INGRESS","allowed":[{"IPProtocol":"tcp","ports":["22"]}]}`, "22"},
		{"two halves", `{"direction":"INGRESS","sourceRanges":["0.0.0.0/1","128.0.0.0/1"],"allowed":[{"IPProtocol":"6","ports":["22"]}]}`, "22"},
		{"as older records write it", `{"direction":"INGRESS","sourceRange":["0.0.0.0/0"],"allowed":[{"ipProtocol":"tcp","port":["20-25"]}]}`, "22"},
		{"a tag", `{"direction":"INGRESS","sourceTags":["a"],"allowed":[{"IPProtocol":"all"}]}`, "none"},
		{"a range", `{"direction":"INGRESS","sourceRanges":["10.0.0.0/8"],"allowed":[{"IPProtocol":"all"}]}`, "none"},
		{"outgoing", `{"direction":"EGRESS","allowed":[{"IPProtocol":"all"}]}`, "none"},
		{"off", `{"direction":"INGRESS","disabled":true,"sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"all"}]}`, "none"},
		{"denied", `{"direction":"INGRESS","sourceRanges":["0.0.0.0/0"],"denied":[{"IPProtocol":"all"}]}`, "none"},
		{"ICMP", `{"direction":"INGRESS","sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"icmp"}]}`, "none"},
		{"ports nobody can read", `{"direction":"INGRESS","sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"tcp","ports":["ssh"]}]}`, "not collected"},
		{"no direction", `{"sourceRanges":["0.0.0.0/0"],"allowed":[{"IPProtocol":"tcp","ports":["22"]}]}`, "not collected"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			page := []byte(`{"assets":[` + asset1("compute.googleapis.com/Firewall", "//compute.googleapis.com/f", "projects/1", tc.data) + `]}`)
			items, err := normalize(json.RawMessage(`{"system":"google"}`), audit.Page{Kind: kindResources, Body: page, About: audit.At(window().AsOf)})
			if err != nil || len(items) != 1 {
				t.Fatalf("%d items, %v", len(items), err)
			}
			var got struct{ OpenPorts *[]string }
			if err := json.Unmarshal(items[0].Body, &got); err != nil {
				t.Fatal(err)
			}
			switch {
			case got.OpenPorts == nil:
				if tc.want != "not collected" {
					t.Errorf("not collected; want %s", tc.want)
				}
			case tc.want == "not collected" || tc.want == "none":
				if tc.want != "none" || len(*got.OpenPorts) != 0 {
					t.Errorf("got %q; want %s", *got.OpenPorts, tc.want)
				}
			default:
				for _, p := range strings.Fields(tc.want) {
					if !slices.Contains(*got.OpenPorts, p) {
						t.Errorf("got %q; %s is not among them", *got.OpenPorts, p)
					}
				}
			}
		})
	}
}

// TestInstant: everything is about the inventory's own time, and asked for at it.
func TestInstant(t *testing.T) {
	r := furnished(t)
	rec, _ := r.collect(r.with(""))
	want, err := time.Parse(time.RFC3339Nano, readAt)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range rec.Manifests {
		if m.Mode == audit.ModeSnapshot && m.Covers != audit.At(want) {
			t.Errorf("%s covers %v; want %s", m.Type, m.Covers, readAt)
		}
	}
	lists := 0
	for _, uri := range r.asked {
		if strings.Contains(uri, "contentType=") {
			lists++
			if !strings.Contains(uri, "readTime=2026-03-31T06") {
				t.Errorf("%s does not ask at the instant", uri)
			}
		}
	}
	if lists < 5 {
		t.Errorf("%d pages of lists were asked for; the recorded ones fill more", lists)
	}
}

// TestBackupsCoverWhatIsKept: what was deleted by itself is not said to be covered.
func TestBackupsCoverWhatIsKept(t *testing.T) {
	r := furnished(t)
	rec, _ := r.collect(r.with(""))
	for _, m := range rec.Manifests {
		if m.Type != "backup" {
			continue
		}
		from := window().From
		if m.Scope == "projects/test-project/instances/sql-instance-with-ssl" {
			from = time.Date(2026, 3, 28, 5, 2, 0, 0, time.UTC)
		}
		if !m.Complete || !m.Covers.From.Equal(from) || !m.Covers.To.Equal(window().AsOf) {
			t.Errorf("%s: complete %v %q, covers %v; want from %s", m.Scope, m.Complete, m.Reason, m.Covers, from)
		}
	}
	if n := len(rec.ByType("backup")); n != 3 {
		t.Errorf("%d runs; want the 3 that ended since the oldest that is kept", n)
	}
}

func TestHiddenProject(t *testing.T) {
	for _, tc := range []struct{ name, project, want string }{
		{"not in the inventory", `{"name":"projects/77","projectId":"hidden","parent":"folders/7","state":"ACTIVE"}`, "not reached: projects/77"},
		{"in a folder nobody shows", `{"name":"projects/78","projectId":"odd","parent":"folders/404","state":"ACTIVE"}`, "whose folder is not shown, and that the inventory does not have: odd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := furnished(t)
			r.projects = append(r.projects, tc.project)
			rec, _ := r.collect(r.with(""))
			for _, typ := range []string{"datastore", "resource", "network", "key", "account", "membership"} {
				if m := rec.Manifest(typ); m.Complete || !strings.Contains(m.Reason, tc.want) {
					t.Errorf("%s: complete %v, %q; want %q", typ, m.Complete, m.Reason, tc.want)
				}
			}
		})
	}
}

const denied = `{"error":{"code":403,"message":"Cloud Asset API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED"}}`

func TestFailures(t *testing.T) {
	match := func(pattern string, status int, body string) func(*http.Request, int) (int, string) {
		re := regexp.MustCompile(pattern)
		return func(q *http.Request, _ int) (int, string) {
			if re.MatchString(q.URL.RequestURI()) {
				return status, body
			}
			return 0, ""
		}
	}
	inventory := []string{"account", "datastore", "key", "membership", "network", "resource"}
	for _, tc := range []struct {
		name    string
		fail    func(*http.Request, int) (int, string)
		reason  string
		broken  []string // types whose stream is incomplete
		missing string   // a type with no item
	}{
		{"the interface is off", match(`/cloudasset/`, 403, denied), "403 Forbidden: Cloud Asset API has not been used", append([]string{"backup"}, inventory...), "resource"},
		{"page 2 of the resources", match(`RESOURCE.*pageToken=page-25`, 502, "bad gateway"), "page 2: 502 Bad Gateway", append([]string{"backup"}, inventory...), ""},
		{"no policies", match(`IAM_POLICY`, 500, "{}"), "500 Internal Server Error", []string{"account", "membership", "resource"}, "membership"},
		{"policies that are no JSON", match(`IAM_POLICY`, 200, "<html>"), "not a JSON object", []string{"account", "membership", "resource"}, "membership"},
		{"projects cannot be listed", match(`projects:search`, 403, denied), "projects could not be listed apart from the inventory: 403", inventory, ""},
		{"folders cannot be listed", match(`folders:search`, 403, denied), "folders could not be listed: 403", inventory, ""},
		{"backups refused", match(`backupRuns`, 403, denied), "403 Forbidden", []string{"backup"}, "backup"},
		{"another instant", match(`RESOURCE.*pageToken=page-25`, 200, `{"readTime":"2026-03-31T07:00:00Z","assets":[]}`), "asked for was 2026-03-31T06:00:00.123456Z", append([]string{"backup"}, inventory...), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := furnished(t)
			r.fail = tc.fail
			rec, _ := r.collect(r.with(""))
			var broken []string
			for _, m := range rec.Manifests {
				if m.Complete {
					continue
				}
				if !slices.Contains(broken, m.Type) {
					broken = append(broken, m.Type)
				}
				if !strings.Contains(m.Reason, tc.reason) && m.Type != "backup" {
					t.Errorf("%s: %q; want %q", m.Type, m.Reason, tc.reason)
				}
			}
			slices.Sort(broken)
			slices.Sort(tc.broken)
			if !slices.Equal(broken, tc.broken) {
				t.Errorf("incomplete are %q; want %q", broken, tc.broken)
			}
			if tc.missing != "" && len(rec.ByType(tc.missing)) > 0 {
				t.Errorf("there are items of %s", tc.missing)
			}
		})
	}
}

// TestNoPolicies: without policies a bucket is not said to be closed.
func TestNoPolicies(t *testing.T) {
	r := furnished(t)
	r.fail = func(q *http.Request, _ int) (int, string) {
		if strings.Contains(q.URL.RawQuery, "IAM_POLICY") {
			return 403, denied
		}
		return 0, ""
	}
	rec, _ := r.collect(r.with(""))
	want := `{"encrypted":true,"kind":"bucket","name":"uniform","region":"us"}`
	if got := body(t, rec, "datastore", "storage.googleapis.com/uniform"); got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if m := rec.Manifest("datastore"); !strings.Contains(strings.Join(m.Cannot, "\n"), "policies, and so who may read and what is logged: 403") {
		t.Errorf("the stream does not say what it cannot show: %q", m.Cannot)
	}
}

func TestRateLimit(t *testing.T) {
	r := furnished(t)
	times := 0
	r.fail = func(q *http.Request, _ int) (int, string) {
		if strings.Contains(q.URL.RawQuery, "IAM_POLICY") && times < 2 {
			times++
			return 429, `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED"}}`
		}
		return 0, ""
	}
	rec, waits := r.collect(r.with(""))
	if !rec.Manifest("membership").Complete || len(waits) != 2 || waits[0] < time.Minute {
		t.Errorf("after two refusals: %+v, waited %v", rec.Manifest("membership"), waits)
	}
}

// TestTruncated: an asset that the inventory gives in part is named, and what
// it is on does not count as whole.
func TestTruncated(t *testing.T) {
	r := furnished(t)
	r.add(`{"name":"//compute.googleapis.com/projects/p/global/firewalls/long","assetType":"compute.googleapis.com/Firewall","resource":{"data":{"name":"long"}},"assetExceptions":[{"exceptionType":"TRUNCATION","details":"too large"}]}`)
	rec, _ := r.collect(r.with(""))
	if len(rec.Errs) != 1 || !strings.Contains(rec.Errs[0].Error(), "gives it in part: TRUNCATION") {
		t.Errorf("errors: %v", rec.Errs)
	}
}

func TestKeyFile(t *testing.T) {
	r := furnished(t)
	with := strings.Replace(r.with(""), `"token":"env:GCP_TOKEN"`, `"key":"file:key.json"`, 1)
	rec, _ := r.collect(with)
	if m := rec.Manifest("resource"); !m.Complete {
		t.Errorf("with a key: %s", m.Reason)
	}
	noSecrets(t, rec, theToken, "PRIVATE KEY")
}

func noSecrets(t *testing.T, rec *sourcetest.Recorder, secrets ...string) {
	t.Helper()
	all, err := json.Marshal(rec.Manifests)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all) + string(rec.Config)
	for _, p := range rec.Pages {
		text += p.Query + string(p.Body)
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("a secret is in what was kept")
		}
	}
}

func TestBadSecret(t *testing.T) {
	r := furnished(t)
	env := r.env()
	env.Secret = func(context.Context, string) (string, error) { return `{"type":"authorized_user"}`, nil }
	col, conf, err := Driver.Open("google", json.RawMessage(strings.Replace(r.with(""), `"token":"env:GCP_TOKEN"`, `"key":"file:key.json"`, 1)), env)
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{Driver: Driver, Config: conf}
	err = col.Collect(t.Context(), window(), rec)
	if err == nil || !strings.Contains(err.Error(), "no key file of a service account") {
		t.Errorf("got %v", err)
	}
	if len(rec.Manifests) != len(Driver.Types) {
		t.Errorf("%d streams were closed; want one of each type", len(rec.Manifests))
	}
	noSecrets(t, rec, "authorized_user")
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no scope", `{"token":"env:T"}`, "scope"},
		{"a scope by name", `{"scope":"organizations/halyard","token":"env:T"}`, "organizations/NUMBER"},
		{"no secret", `{"scope":"projects/halyard"}`, "one of them"},
		{"both", `{"scope":"projects/halyard","token":"env:T","key":"env:K"}`, "one of them"},
		{"the secret itself", `{"scope":"projects/halyard","token":"ya29.x"}`, "never the secret itself"},
		{"an address without a service", `{"scope":"projects/halyard","token":"env:T","endpoint":"https://example.com"}`, "{service}"},
		{"plain http", `{"scope":"projects/halyard","token":"env:T","endpoint":"http://{service}.example.com"}`, "https only"},
		{"a label for nothing", `{"scope":"projects/halyard","token":"env:T","labels":{"color":"c"}}`, "labels"},
		{"a broken glob", `{"scope":"projects/halyard","token":"env:T","privileged":["[a"]}`, "privileged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Driver.Open("google", json.RawMessage(tc.with), r0)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v; want %q", err, tc.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		f.Fatal(err)
	}
	var recorded struct{ Resources, Policies []json.RawMessage }
	if err := json.Unmarshal(b, &recorded); err != nil {
		f.Fatal(err)
	}
	for _, a := range recorded.Resources {
		f.Add(kindResources, []byte(`{"assets":[`+string(a)+`]}`))
		f.Add(kindDatastores, []byte(`{"format":1,"policiesWhole":true,"assets":[`+string(a)+`]}`))
	}
	for _, a := range recorded.Policies {
		f.Add(kindPolicies, []byte(`{"assets":[`+string(a)+`]}`))
	}
	f.Add(kindBackups, []byte(`{"format":1,"instance":{"name":"//x/y","resource":{"data":{"region":"r"}}},"runs":[{"id":"1","status":"FAILED","endTime":"2026-03-30T05:02:00Z"}]}`))
	f.Add(kindBackups, []byte(`null`))
	f.Add(kindResources, []byte(`{"assets":null}`))
	f.Fuzz(func(t *testing.T, kind string, page []byte) {
		items, err := normalize(json.RawMessage(`{"system":"google","scope":"organizations/1","labels":{"owner":"o"}}`), audit.Page{Kind: kind, Body: page, About: audit.At(window().AsOf)})
		for _, it := range items {
			if v := sourcetest.Valid(it); v != nil {
				t.Errorf("%s %s: %v (%v)", it.Type, it.ID, v, err)
			}
		}
	})
}
