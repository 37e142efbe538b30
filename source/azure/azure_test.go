package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
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
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "azure", With: r.with(`,"labels":{"environment":"env"}`), Env: r.env(), Window: window()}, Driver.Types...)
}

func body(t *testing.T, rec *sourcetest.Recorder, typ, id string) string {
	t.Helper()
	var got []string
	for _, it := range rec.ByType(typ) {
		if it.ID == id {
			got = append(got, string(it.Body))
		}
	}
	if len(got) != 1 {
		t.Fatalf("%s %s: %d items %q", typ, id, len(got), got)
	}
	return got[0]
}

func TestItems(t *testing.T) {
	r := newReplay(t)
	rec, _ := r.collect(r.with(`,"labels":{"environment":"env"},"directory":"entra"`))
	const rg = "/subscriptions/" + prod + "/resourcegroups/rg/providers/"
	const vm = `"/subscriptions/` + prod + `/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm1"`
	for _, tc := range []struct{ name, typ, id, want string }{
		{"storage nobody can open", "datastore", rg + "microsoft.storage/storageaccounts/closed", `{"encrypted":true,"environment":"production","key":"","kind":"bucket","name":"closed","public":false,"redundant":true,"region":"westeurope","tlsRequired":true}`},
		{"storage whose containers may be open", "datastore", rg + "microsoft.storage/storageaccounts/perhaps", `{"kind":"bucket","name":"perhaps","redundant":false,"region":"westeurope","tlsRequired":false}`},
		{"Cosmos DB in two regions", "datastore", rg + "microsoft.documentdb/databaseaccounts/cosmos", `{"backedUp":true,"encrypted":true,"kind":"database","name":"cosmos","public":true,"redundant":true,"region":"westeurope","tlsRequired":true,"versioning":true}`},
		{"a disk", "datastore", rg + "microsoft.compute/disks/os", `{"encrypted":true,"key":"","kind":"volume","name":"os","public":false,"redundant":false,"region":"westeurope"}`},
		{"PostgreSQL", "datastore", rg + "microsoft.dbforpostgresql/flexibleservers/pg", `{"backedUp":true,"encrypted":true,"key":"","kind":"database","name":"pg","public":false,"redundant":true,"region":"westeurope","versioning":true}`},
		{"a SQL database with its server", "datastore", rg + "microsoft.sql/servers/main/databases/app", `{"backedUp":true,"kind":"database","name":"app","public":true,"redundant":true,"region":"westeurope","tlsRequired":true,"versioning":true}`},
		{"a cache", "datastore", rg + "microsoft.cache/redis/cache", `{"kind":"cache","name":"cache","public":false,"region":"westeurope","tlsRequired":true}`},
		{"the first rule that fits decides", "resource", rg + "microsoft.network/networksecuritygroups/web", `{"account":"` + prod + `","enabled":true,"environment":"","kind":"network rule","name":"web","openPorts":["20","20/udp","21","21/udp","22/udp","23","23/udp","24","24/udp","25","25/udp"],"provider":"azure","public":true,"region":"westeurope"}`},
		{"a group without a rule", "resource", rg + "microsoft.network/networksecuritygroups/none", `{"account":"` + prod + `","enabled":false,"environment":"","kind":"network rule","name":"none","openPorts":[],"provider":"azure","public":false,"region":"westeurope"}`},
		{"a gateway behind a firewall", "resource", rg + "microsoft.network/applicationgateways/gw", `{"account":"` + prod + `","enabled":true,"environment":"","kind":"load balancer","name":"gw","openPorts":["443"],"provider":"azure","public":true,"region":"westeurope","waf":true}`},
		{"a machine that runs", "resource", rg + "microsoft.compute/virtualmachines/vm1", `{"account":"` + prod + `","enabled":true,"environment":"","kind":"instance","name":"vm1","provider":"azure","region":"westeurope"}`},
		{"a vault closed by default", "resource", rg + "microsoft.keyvault/vaults/kv", `{"account":"` + prod + `","environment":"","kind":"key vault","name":"kv","openPorts":[],"provider":"azure","public":false,"region":"westeurope","tampering":true}`},
		{"a cluster for some addresses", "resource", rg + "microsoft.containerservice/managedclusters/aks", `{"account":"` + prod + `","enabled":true,"environment":"","kind":"cluster","name":"aks","openPorts":[],"provider":"azure","public":false,"region":"westeurope"}`},
		{"an alarm", "resource", rg + "microsoft.insights/activitylogalerts/policy-change", `{"account":"` + prod + `","enabled":true,"environment":"","kind":"alarm","name":"policy-change","openPorts":[],"provider":"azure","region":"westeurope"}`},
		{"a plan that is off", "resource", "/subscriptions/" + prod + "/providers/microsoft.security/pricings/storageaccounts", `{"account":"` + prod + `","enabled":false,"kind":"detector","name":"Defender for StorageAccounts","openPorts":[],"provider":"azure","region":""}`},
		{"an activity log that is sent on", "resource", "/subscriptions/" + prod + "/providers/azureresourcemanager/diagnosticsettings/ds4", `{"account":"` + prod + `","enabled":true,"kind":"trail","name":"activity log to ds4","openPorts":[],"provider":"azure","region":""}`},
		{"one that is not", "resource", "/subscriptions/" + dev + "/providers/microsoft.insights/activitylog", `{"account":"` + dev + `","enabled":true,"kind":"trail","name":"activity log, sent nowhere","openPorts":[],"provider":"azure","region":"","retentionDays":90}`},
		{"a network and its peer", "network", rg + "microsoft.network/virtualnetworks/hub", `{"account":"` + prod + `","environment":"","flowLogs":true,"joins":["/subscriptions/x/vnets/spoke"],"name":"hub","provider":"azure","region":"westeurope"}`},
		{"a network without logs", "network", rg + "microsoft.network/virtualnetworks/alone", `{"account":"` + prod + `","environment":"","flowLogs":false,"joins":[],"name":"alone","provider":"azure","region":"westeurope"}`},
		{"a key", "key", "/subscriptions/" + prod + "/resourcegroups/sample-group/providers/microsoft.keyvault/vaults/sample-vault-name/keys/sample-key-name-1", `{"expiresAt":"never","kind":"encryption","owner":"","rotatedAt":"2020-08-03T22:29:56Z","status":"active","system":"azure"}`},
		{"a secret that ended", "key", rg + "microsoft.keyvault/vaults/kv/secrets/db", `{"expiresAt":"2026-03-01T00:00:00Z","kind":"token","owner":"","rotatedAt":"2025-03-01T00:00:00Z","status":"expired","system":"azure"}`},
		{"an owner", "membership", "azure/subscriptions/" + prod + "/providers/microsoft.authorization/roleassignments/a1", `{"account":"entra/aaaa-1","grantedAt":"2025-05-06T07:08:09.123456Z","group":"Owner on /subscriptions/` + prod + `","privileged":true,"role":"owner","system":"azure"}`},
		{"a custom role nobody explained", "membership", "azure//providers/microsoft.authorization/roleassignments/a3", `{"account":"entra/cccc-3","grantedAt":"2025-05-06T07:08:09.123456Z","group":"Deployer on /","role":"member","system":"azure"}`},
		{"an assessment", "finding", "/subscriptions/" + prod + "/resourcegroups/myrg/providers/microsoft.compute/virtualmachinescalesets/vmss1/providers/microsoft.security/assessments/21300918-b2e3-0346-785f-c77ff57d243b", `{"account":"` + prod + `","check":"21300918-b2e3-0346-785f-c77ff57d243b","detail":"","status":"met","subject":"/subscriptions/` + prod + `/resourcegroups/myrg/providers/microsoft.compute/virtualmachinescalesets/vmss1","title":"Install endpoint protection solution on virtual machine scale sets","tool":"Microsoft Defender for Cloud","toolVersion":""}`},
		{"an alert", "alert", "/subscriptions/" + prod + "/resourcegroups/myrg1/providers/microsoft.security/locations/westeurope/alerts/2518298467986649999_4d25bfef-2d77-4a08-adc0-3e35715cc92a", `{"acknowledgedAt":"never","closedAt":"never","decision":"","kind":"security","raisedAt":"2020-02-23T13:47:58Z","severity":"high","status":"open","subject":` + strings.Replace(vm, "/rg/", "/myrg1/", 1) + `,"system":"azure","title":"Azure Security Center test alert (not a threat)"}`},
		{"a backup of a machine", "backup", rg + "microsoft.recoveryservices/vaults/v/backupjobs/j1", `{"datastore":` + vm + `,"result":"success"}`},
		{"a backup that failed", "backup", rg + "microsoft.dataprotection/backupvaults/v/backupjobs/j2", `{"datastore":"/subscriptions/x/disks/d","result":"failure"}`},
		{"a restore", "restore", rg + "microsoft.recoveryservices/vaults/v/backupjobs/j3", `{"minutes":40,"result":"partial"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := body(t, rec, tc.typ, tc.id); got != tc.want {
				t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, tc.want)
			}
		})
	}
	if n := len(rec.ByType("backup")) + len(rec.ByType("restore")); n != 3 {
		t.Errorf("%d backups and restores; want 3: configuring is neither", n)
	}
}

// TestCounts: every stream of a subscription is held to the number that the
// answer names.
func TestCounts(t *testing.T) {
	r := newReplay(t)
	rec, _ := r.collect(r.with(""))
	for _, m := range rec.Manifests {
		if m.Type != "key" && len(m.Checks) == 0 {
			t.Errorf("%s %s is held to no number", m.Type, m.Scope)
		}
	}
	r.fail = func(what string) (int, string) {
		if what == prod+" "+storesQuery+" 3" {
			return 200, `{"totalRecords":6,"count":1,"resultTruncated":"false","data":[{"id":"/x","type":"microsoft.cache/redis","properties":{}}]}`
		}
		return 0, ""
	}
	rec, _ = r.collect(r.with(""))
	if m := manifest(rec, "datastore", prod); m.Complete || !strings.Contains(m.Reason, "records the query matches: 4 of 6") {
		t.Errorf("complete %v: %q", m.Complete, m.Reason)
	}
}

func manifest(rec *sourcetest.Recorder, typ, scope string) audit.Manifest {
	i := slices.IndexFunc(rec.Manifests, func(m audit.Manifest) bool { return m.Type == typ && m.Scope == scope })
	if i < 0 {
		return audit.Manifest{}
	}
	return rec.Manifests[i]
}

// TestSubscriptions: each of the three lists shows what the others hide.
func TestSubscriptions(t *testing.T) {
	const other = "40ff7fc3-e762-44dd-bd96-b71116dcdc23"
	for _, tc := range []struct {
		name, more, want string
		change           func(r *replay)
	}{
		{"Resource Graph hides one", "", "Resource Graph does not show this subscription", func(r *replay) { r.listed = append(r.listed, other) }},
		{"Resource Manager hides one", "", "Resource Manager does not list this subscription", func(r *replay) { r.graph = append(r.graph, other) }},
		{"both hide one", `,"subscriptions":["` + other + `"]`, "must be there, and is not shown", func(*replay) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			tc.change(r)
			rec, _ := r.collect(r.with(tc.more))
			for _, typ := range Driver.Types {
				if typ == "membership" {
					continue
				}
				if m := manifest(rec, typ, other); m.Complete || !strings.Contains(m.Reason, tc.want) {
					t.Errorf("%s: complete %v, %q", typ, m.Complete, m.Reason)
				}
				if m := manifest(rec, typ, prod); !m.Complete {
					t.Errorf("%s of another subscription is incomplete too: %s", typ, m.Reason)
				}
			}
		})
	}
}

const denied = `{"error":{"code":"AuthorizationFailed","message":"The client does not have authorization to perform action."}}`

func TestFailures(t *testing.T) {
	is := func(part string, status int, text string) func(string) (int, string) {
		return func(what string) (int, string) {
			if strings.Contains(what, part) {
				return status, text
			}
			return 0, ""
		}
	}
	const nothing = `{"totalRecords":0,"count":0,"resultTruncated":"false","data":[]}`
	all := slices.Clone(Driver.Types)
	for _, tc := range []struct {
		name   string
		fail   func(string) (int, string)
		reason string
		broken []string // types with an incomplete stream
	}{
		{"no list of subscriptions", is("/subscriptions", 403, denied), "the subscriptions could not be listed: 403 Forbidden: The client does not have authorization", all},
		{"Resource Graph shows no subscriptions", is(containersQuery, 500, "{}"), "could not be compared with those of Resource Graph: 500", []string{"alert", "backup", "datastore", "finding", "key", "network", "resource", "restore"}},
		{"page 2 of the resources", is(prod+" "+resourcesQuery+" 3", 502, ""), "page 2: 502 Bad Gateway", []string{"key", "resource"}},
		{"no Defender", is("securityresources", 403, denied), "403 Forbidden", []string{"alert", "finding", "resource"}},
		{"broken JSON", is("recoveryservicesresources", 200, "{"), "not what Resource Graph gives", []string{"backup", "restore"}},
		{"data in another shape", is(rolesQuery, 200, `{"totalRecords":1,"count":1,"resultTruncated":"false","data":{"columns":[],"rows":[]}}`), "not what Resource Graph gives", []string{"membership"}},
		{"cut without a next page", is(alertsQuery, 200, `{"totalRecords":9,"count":0,"resultTruncated":"true","data":[]}`), "names no next page", []string{"alert"}},
		{"a closed vault", is("/secrets", 403, denied), "/vaults/kv/secrets: 403", []string{"key"}},
		{"one resource group only may be read", is("diagnosticSettings", 403, denied), "leaves out what it may not read", []string{"alert", "backup", "datastore", "finding", "key", "network", "resource", "restore"}},
		{"no plan is shown", is(plansQuery, 200, nothing), "shows no plan of Defender", []string{"alert", "finding"}},
		{"no role assignment is shown", is(rolesQuery, 200, nothing), "no role assignment, not even this identity's own", []string{"membership"}},
		{"no diagnostic settings", is("diagnosticSettings", 404, denied), "404 Not Found", []string{"resource"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.fail = tc.fail
			rec, _ := r.collect(r.with(""))
			var broken []string
			for _, m := range rec.Manifests {
				if m.Complete {
					continue
				}
				broken = append(broken, m.Type)
				if !strings.Contains(m.Reason, tc.reason) {
					t.Errorf("%s: %q; want %q", m.Type, m.Reason, tc.reason)
				}
			}
			slices.Sort(broken)
			if broken = slices.Compact(broken); !slices.Equal(broken, tc.broken) {
				t.Errorf("incomplete are %q; want %q", broken, tc.broken)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	r := newReplay(t)
	r.headers.Set("Retry-After", "7")
	times := 0
	r.fail = func(what string) (int, string) {
		if strings.Contains(what, alertsQuery) && times < 2 {
			times++
			return 429, `{"error":{"code":"RateLimiting","message":"Please provide below info when asking for support"}}`
		}
		return 0, ""
	}
	rec, waits := r.collect(r.with(""))
	if !manifest(rec, "alert", prod).Complete || len(waits) != 2 || waits[0] < 7*time.Second || waits[0] > 9*time.Second {
		t.Errorf("waited %v; want twice about 7 s", waits)
	}
}

// TestJobsCoverWhatIsKept: older jobs are gone, and are not said to be covered.
func TestJobsCoverWhatIsKept(t *testing.T) {
	r := newReplay(t)
	rec, _ := r.collect(r.with(""))
	if got, want := manifest(rec, "backup", prod).Covers.From, window().AsOf.AddDate(0, 0, -7); !got.Equal(want) {
		t.Errorf("covers from %s; want %s", got, want)
	}
}

func TestUnknownJobState(t *testing.T) {
	r := newReplay(t)
	r.rows["jobs "+prod] = []string{strings.Replace(r.rows["jobs "+prod][0], `"Completed"`, `"Exploded"`, 1)}
	rec, _ := r.collect(r.with(""))
	if len(rec.Errs) != 1 || !strings.Contains(rec.Errs[0].Error(), `state "Exploded"`) {
		t.Errorf("a job in a state nobody knows gave %v", rec.Errs)
	}
}

func TestSecretsStayOut(t *testing.T) {
	r := newReplay(t)
	rec, _ := r.collect(r.with(""))
	all, err := json.Marshal(rec.Manifests)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all) + string(rec.Config)
	for _, p := range rec.Pages {
		text += p.Query + string(p.Body)
	}
	for _, s := range []string{theToken, theSecret} {
		if strings.Contains(text, s) {
			t.Errorf("a secret is in what was kept")
		}
	}
}

func TestRefusedToken(t *testing.T) {
	r := newReplay(t)
	env := r.env()
	env.Secret = func(context.Context, string) (string, error) { return "", fmt.Errorf("the keyring is locked") }
	col, conf, err := Driver.Open("azure", json.RawMessage(r.with("")), env)
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{Driver: Driver, Config: conf}
	if err := col.Collect(t.Context(), window(), rec); err == nil || !strings.Contains(err.Error(), "the keyring is locked") {
		t.Errorf("got %v", err)
	}
	if len(rec.Manifests) != len(Driver.Types) {
		t.Errorf("%d streams were closed; want one of each type", len(rec.Manifests))
	}
}

// TestWrongSecret: what the token endpoint says is the reason, never what it was
// asked with.
func TestWrongSecret(t *testing.T) {
	r := newReplay(t)
	r.noToken = true
	rec, _ := r.collect(r.with(""))
	for _, typ := range Driver.Types {
		m := rec.Manifest(typ)
		if m.Complete || !strings.Contains(m.Reason, "no token: the token endpoint answers 401 Unauthorized: AADSTS7000215") || strings.Contains(m.Reason, theSecret) {
			t.Errorf("%s: complete %v, %q", typ, m.Complete, m.Reason)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no tenant", `{"token":"env:T"}`, "tenant"},
		{"a path as tenant", `{"tenant":"../x","token":"env:T"}`, "tenant"},
		{"no secret", `{"tenant":"halyard.example"}`, "give clientId"},
		{"an id without a secret", `{"tenant":"halyard.example","clientId":"x"}`, "give clientId"},
		{"both", `{"tenant":"halyard.example","clientId":"x","clientSecret":"env:S","token":"env:T"}`, "give clientId"},
		{"the secret itself", `{"tenant":"halyard.example","clientId":"x","clientSecret":"abc"}`, "never the secret itself"},
		{"a subscription by name", `{"tenant":"halyard.example","token":"env:T","subscriptions":["prod"]}`, "not the id"},
		{"plain http", `{"tenant":"halyard.example","token":"env:T","baseURL":"http://example.com"}`, "https only"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Driver.Open("azure", json.RawMessage(tc.with), source.Env{})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v; want %q", err, tc.want)
			}
		})
	}
}

// A schema of Resource Graph's published description.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Enum       []string           `json:"enum"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Properties map[string]*schema `json:"properties"`
	Minimum    *float64           `json:"minimum"`
	Maximum    *float64           `json:"maximum"`
}

func schemas(t *testing.T) map[string]*schema {
	t.Helper()
	b, err := os.ReadFile("testdata/resourcegraph.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	out := map[string]*schema{}
	for name, e := range raw {
		if name != "path" {
			out[name] = &schema{}
			if err := json.Unmarshal(e, out[name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

func check(all map[string]*schema, at string, s *schema, v any) error {
	if s.Ref != "" {
		s = all[s.Ref]
	}
	is := map[bool]string{}
	switch v := v.(type) {
	case map[string]any:
		is[true] = "object"
		for name, e := range v {
			p := s.Properties[name]
			if p == nil && len(s.Properties) > 0 {
				return fmt.Errorf("%s: there is no field %q", at, name)
			}
			if p != nil {
				if err := check(all, at+"."+name, p, e); err != nil {
					return err
				}
			}
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return fmt.Errorf("%s: %q is missing", at, name)
			}
		}
	case []any:
		is[true] = "array"
	case string:
		is[true] = "string"
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			return fmt.Errorf("%s: %q is not one of %q", at, v, s.Enum)
		}
	case bool:
		is[true] = "boolean"
	case float64:
		is[true] = "integer"
		if s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum {
			return fmt.Errorf("%s: %v is out of range", at, v)
		}
	}
	if s.Type != "any" && s.Type != is[true] {
		return fmt.Errorf("%s: %v is no %s", at, v, s.Type)
	}
	return nil
}

// TestSchema holds every query, and every answer the tests give to it, to the
// published description of Resource Graph.
func TestSchema(t *testing.T) {
	all := schemas(t)
	r := newReplay(t)
	checked := 0
	r.check = func(request, response []byte) {
		for name, b := range map[string][]byte{"QueryRequest": request, "QueryResponse": response} {
			var v any
			if err := json.Unmarshal(b, &v); err != nil {
				t.Error(err)
			}
			if err := check(all, name, all[name], v); err != nil {
				t.Error(err)
			}
		}
		checked++
	}
	r.collect(r.with(""))
	if checked < 20 {
		t.Errorf("%d queries were checked; two subscriptions take more", checked)
	}
	for _, bad := range []string{`{}`, `{"query":1}`, `{"query":"x","options":{"$top":5000}}`, `{"query":"x","options":{"resultFormat":"csv"}}`, `{"query":"x","subscription":[]}`} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		if check(all, "request", all["QueryRequest"], v) == nil {
			t.Errorf("%s was let through", bad)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	r := &replay{rows: map[string][]string{}, gets: map[string]string{}}
	furnish(&testing.T{}, r)
	names := map[string]string{"stores": kindStores, "sql": kindStores, "resources": kindResources, "plans": kindPlans, "networks": kindNetworks, "assessments": kindAssessments, "alerts": kindAlerts, "roles": kindRoles, "jobs": kindJobs}
	for key, rows := range r.rows {
		table, _, _ := strings.Cut(key, " ")
		f.Add(names[table], []byte(`{"data":[`+strings.Join(rows, ",")+`]}`))
	}
	for path, answer := range r.gets {
		kind := kindDiagnostics
		if strings.HasSuffix(path, "/keys") {
			kind = kindKeys
		} else if strings.HasSuffix(path, "/secrets") {
			kind = kindSecrets
		}
		f.Add(kind, []byte(answer))
	}
	f.Add(kindRoles, []byte(`null`))
	f.Fuzz(func(t *testing.T, kind string, page []byte) {
		items, err := normalize(json.RawMessage(`{"system":"azure","directory":"entra","labels":{"owner":"o"}}`), audit.Page{Kind: kind, Body: page, Scope: prod, About: audit.At(window().AsOf)})
		for _, it := range items {
			if v := sourcetest.Valid(it); v != nil {
				t.Errorf("%s %s: %v (%v)", it.Type, it.ID, v, err)
			}
		}
	})
}
