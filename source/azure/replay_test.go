package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const (
	prod      = "20ff7fc3-e762-44dd-bd96-b71116dcdc23"
	dev       = "30ff7fc3-e762-44dd-bd96-b71116dcdc23"
	theToken  = "eyJ0-made-up-token"
	theSecret = "made-up~client~secret"
)

func window() audit.Window {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	asOf := time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: from, To: asOf.AddDate(0, 0, 1)}, AsOf: asOf, Zone: "Europe/Berlin"}
}

// A replay answers as Resource Manager and Resource Graph do.
type replay struct {
	t        *testing.T
	server   *httptest.Server
	pageSize int

	mu      sync.Mutex
	listed  []string                        // subscriptions of Resource Manager
	graph   []string                        // and of Resource Graph
	rows    map[string][]string             // query, or its table and subscription -> rows
	gets    map[string]string               // path -> answer
	fail    func(what string) (int, string) // of a query or a path; 0: answer as usual
	check   func(request, response []byte)  // of queries
	noToken bool
	headers http.Header // sent with failures
	asked   []string
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	r := &replay{t: t, pageSize: 3, listed: []string{prod, dev}, graph: []string{dev, prod}, rows: map[string][]string{}, gets: map[string]string{}, headers: http.Header{}}
	furnish(t, r)
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	return r
}

func (r *replay) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	if q.URL.Path == "/halyard.onmicrosoft.com/oauth2/v2.0/token" {
		if !strings.Contains(string(body), "scope=") {
			r.t.Errorf("a token without a scope: %s", body)
		}
		if r.noToken {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}`)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":%q}`, theToken)
		return
	}
	if q.Header.Get("Authorization") != "Bearer "+theToken {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"code":"AuthenticationFailed","message":"Authentication failed."}}`)
		return
	}
	what := q.URL.Path
	var query request
	if q.Method == http.MethodPost {
		if err := json.Unmarshal(body, &query); err != nil {
			r.t.Error(err)
		}
		what = strings.Join(query.Subscriptions, "") + " " + query.Query + " " + query.Options.SkipToken
	}
	r.asked = append(r.asked, what)
	if r.fail != nil {
		if status, text := r.fail(what); status != 0 {
			for k, v := range r.headers {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
			return
		}
	}
	answer := r.get(q.URL.Path)
	if q.Method == http.MethodPost {
		answer = r.page(query)
		if r.check != nil {
			r.check(body, []byte(answer))
		}
	}
	fmt.Fprint(w, answer)
}

func (r *replay) get(path string) string {
	if path == "/subscriptions" {
		var rows []string
		for _, id := range r.listed {
			rows = append(rows, fmt.Sprintf(`{"id":"/subscriptions/%s","subscriptionId":%q,"displayName":"x","state":"Enabled"}`, id, id))
		}
		return `{"value":[` + strings.Join(rows, ",") + `]}`
	}
	if a, ok := r.gets[path]; ok {
		return a
	}
	return `{"value":[]}`
}

// page is a page of what a query matches.
func (r *replay) page(q request) string {
	var rows []string
	key := strings.Join(q.Subscriptions, "")
	switch q.Query {
	case containersQuery:
		for _, id := range r.graph {
			rows = append(rows, fmt.Sprintf(`{"id":"/subscriptions/%s","name":"x","type":"microsoft.resources/subscriptions","subscriptionId":%q}`, id, id))
		}
	default:
		name := map[string]string{storesQuery: "stores", sqlQuery: "sql", resourcesQuery: "resources", plansQuery: "plans", networksQuery: "networks",
			assessmentsQuery: "assessments", alertsQuery: "alerts", rolesQuery: "roles"}[q.Query]
		if strings.HasPrefix(q.Query, "recoveryservicesresources") {
			name = "jobs"
		}
		if name == "" {
			r.t.Errorf("nobody answers %s", q.Query)
		}
		rows = r.rows[name+" "+key]
	}
	from, _ := strconv.Atoi(q.Options.SkipToken)
	to := min(from+r.pageSize, len(rows))
	more := ""
	if to < len(rows) {
		more = fmt.Sprintf(`,"$skipToken":"%d"`, to)
	}
	return fmt.Sprintf(`{"totalRecords":%d,"count":%d,"resultTruncated":"false"%s,"facets":[],"data":[%s]}`, len(rows), to-from, more, strings.Join(rows[from:to], ","))
}

func (r *replay) with(more string) string {
	return fmt.Sprintf(`{"tenant":"halyard.onmicrosoft.com","clientId":"11112222-bbbb-3333-cccc-4444dddd5555","clientSecret":"env:AZURE_CLIENT_SECRET","baseURL":%q,"loginURL":%q,"allow":"loopback"%s}`, r.server.URL, r.server.URL, more)
}

func (r *replay) env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref == "env:AZURE_CLIENT_SECRET" {
			return theSecret, nil
		}
		return "", fmt.Errorf("there is no %s", ref)
	}}
}

// collect reads with waits counted instead of slept.
func (r *replay) collect(with string) (rec *sourcetest.Recorder, waits []time.Duration) {
	r.t.Helper()
	col, conf, err := Driver.Open("azure", json.RawMessage(with), r.env())
	if err != nil {
		r.t.Fatal(err)
	}
	col.(*collector).wait = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	rec = &sourcetest.Recorder{Driver: Driver, Config: conf}
	if err := col.Collect(r.t.Context(), window(), rec); err != nil {
		r.t.Fatal(err)
	}
	return rec, waits
}

func one(typ, name, more string) string {
	return fmt.Sprintf(`{"id":"/subscriptions/%s/resourceGroups/RG/providers/%s/%s","name":%q,"type":%q,"location":"westeurope","subscriptionId":%q,%s}`, prod, typ, name, name, strings.ToLower(typ), prod, more)
}

// furnish fills one subscription; the other is empty.
func furnish(t *testing.T, r *replay) {
	t.Helper()
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Alerts, Assessments []json.RawMessage
		Keys, Diagnostics   json.RawMessage
	}
	if err := json.Unmarshal(b, &recorded); err != nil {
		t.Fatal(err)
	}
	text := func(list []json.RawMessage) (out []string) {
		for _, e := range list {
			out = append(out, string(e))
		}
		return out
	}
	r.rows["alerts "+prod], r.rows["assessments "+prod] = text(recorded.Alerts), text(recorded.Assessments)
	const vault = "/subscriptions/" + prod + "/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/kv"
	r.gets[vault+"/keys"] = string(recorded.Keys)
	r.gets[vault+"/secrets"] = `{"value":[{"id":"` + vault + `/secrets/db","name":"db","properties":{"attributes":{"enabled":true,"exp":1772323200,"created":1740787200}}}]}`
	r.gets["/subscriptions/"+prod+"/providers/Microsoft.Insights/diagnosticSettings"] = string(recorded.Diagnostics)
	r.rows["stores "+prod] = []string{
		one("Microsoft.Storage/storageAccounts", "closed", `"sku":{"name":"Standard_ZRS"},"tags":{"Env":"production"},"properties":{"allowBlobPublicAccess":false,"supportsHttpsTrafficOnly":true,"encryption":{"keySource":"Microsoft.Storage","services":{"blob":{"enabled":true}}}}`),
		one("Microsoft.Storage/storageAccounts", "perhaps", `"sku":{"name":"Standard_LRS"},"properties":{"allowBlobPublicAccess":true,"supportsHttpsTrafficOnly":false,"networkAcls":{"defaultAction":"Allow"}}`),
		one("Microsoft.DocumentDB/databaseAccounts", "cosmos", `"properties":{"publicNetworkAccess":"Enabled","minimalTlsVersion":"Tls12","backupPolicy":{"type":"Continuous"},"locations":[{"isZoneRedundant":false},{"isZoneRedundant":false}]}`),
		one("Microsoft.Compute/disks", "os", `"sku":{"name":"Premium_LRS"},"properties":{"diskState":"Attached","networkAccessPolicy":"AllowAll","publicNetworkAccess":"Enabled","encryption":{"type":"EncryptionAtRestWithPlatformKey"}}`),
		one("Microsoft.DBforPostgreSQL/flexibleServers", "pg", `"properties":{"network":{"publicNetworkAccess":"Disabled"},"backup":{"backupRetentionDays":7},"highAvailability":{"mode":"ZoneRedundant"},"dataEncryption":{"type":"SystemManaged"}}`),
		one("Microsoft.Cache/Redis", "cache", `"properties":{"enableNonSslPort":false,"publicNetworkAccess":"Disabled"}`),
	}
	r.rows["sql "+prod] = []string{
		one("Microsoft.Sql/servers/main/databases", "app", `"properties":{"zoneRedundant":true,"earliestRestoreDate":"2026-03-24T00:00:00Z"},"server":{"publicNetworkAccess":"Enabled","minimalTlsVersion":"1.2"}`),
	}
	r.rows["sql "+prod][0] = strings.Replace(r.rows["sql "+prod][0], `"microsoft.sql/servers/main/databases"`, `"microsoft.sql/servers/databases"`, 1)
	r.rows["networks "+prod] = []string{
		one("Microsoft.Network/virtualNetworks", "hub", `"flowLogs":1,"properties":{"virtualNetworkPeerings":[{"properties":{"peeringState":"Connected","remoteVirtualNetwork":{"id":"/subscriptions/X/vnets/Spoke"}}},{"properties":{"peeringState":"Disconnected","remoteVirtualNetwork":{"id":"/gone"}}}]}`),
		one("Microsoft.Network/virtualNetworks", "alone", `"flowLogs":null,"properties":{}`),
	}
	r.rows["plans "+dev] = []string{`{"id":"/subscriptions/` + dev + `/providers/Microsoft.Security/pricings/StorageAccounts","name":"StorageAccounts","type":"microsoft.security/pricings","subscriptionId":"` + dev + `","properties":{"pricingTier":"Free"}}`}
	r.rows["plans "+prod] = []string{`{"id":"/subscriptions/` + prod + `/providers/Microsoft.Security/pricings/StorageAccounts","name":"StorageAccounts","type":"microsoft.security/pricings","subscriptionId":"` + prod + `","properties":{"pricingTier":"Free"}}`}
	rule := func(priority int, access, source, protocol, port string) string {
		return fmt.Sprintf(`{"name":"r%d","properties":{"priority":%d,"direction":"Inbound","access":%q,"protocol":%q,"sourceAddressPrefix":%q,"sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":%q}}`, priority, priority, access, protocol, source, port)
	}
	r.rows["resources "+prod] = []string{
		one("Microsoft.Network/networkSecurityGroups", "web", `"properties":{"subnets":[{}],"securityRules":[`+rule(200, "Allow", "*", "*", "20-25")+`,`+rule(100, "Deny", "Internet", "Tcp", "22")+`,`+rule(300, "Allow", "10.0.0.0/8", "*", "*")+`,`+rule(150, "Deny", "10.1.0.0/16", "*", "*")+`]}`),
		one("Microsoft.Network/networkSecurityGroups", "none", `"properties":{"securityRules":[]}`),
		one("Microsoft.Network/applicationGateways", "gw", `"properties":{"operationalState":"Running","frontendIPConfigurations":[{"properties":{"publicIPAddress":{"id":"/ip"}}}],"frontendPorts":[{"properties":{"port":443}}],"firewallPolicy":{"id":"/waf"}}`),
		one("Microsoft.Compute/virtualMachines", "vm1", `"tags":null,"properties":{"extended":{"instanceView":{"powerState":{"code":"PowerState/running"}}}}`),
		one("Microsoft.KeyVault/vaults", "kv", `"properties":{"publicNetworkAccess":"Enabled","networkAcls":{"defaultAction":"Deny"},"enablePurgeProtection":true}`),
		one("Microsoft.ContainerService/managedClusters", "aks", `"properties":{"fqdn":"aks.example","apiServerAccessProfile":{"authorizedIPRanges":["198.51.100.0/24"]},"powerState":{"code":"Running"}}`),
		one("Microsoft.Insights/activityLogAlerts", "policy-change", `"properties":{"enabled":true}`),
		one("Microsoft.OperationalInsights/workspaces", "logs", `"properties":{"retentionInDays":400}`),
		one("Microsoft.Network/publicIPAddresses", "free", `"properties":{}`),
		one("Microsoft.Network/loadBalancers", "inner", `"properties":{"frontendIPConfigurations":[{"properties":{"privateIPAddress":"10.0.0.4"}}]}`),
		one("Microsoft.RecoveryServices/vaults", "rsv", `"properties":{"securitySettings":{"immutabilitySettings":{"state":"Locked"}}}`),
	}
	role := func(name, principal, scope, role, typ string) string {
		return fmt.Sprintf(`{"id":"%s/providers/Microsoft.Authorization/roleAssignments/%s","name":%q,"type":"microsoft.authorization/roleassignments","properties":{"principalId":%q,"principalType":"User","scope":%q,"createdOn":"2025-05-06T07:08:09.1234567Z"},"roleName":%q,"roleType":%q}`, scope, name, name, principal, scope, role, typ)
	}
	r.rows["roles "] = []string{
		role("a1", "AAAA-1", "/subscriptions/"+prod, "Owner", "BuiltInRole"), role("a2", "bbbb-2", "/subscriptions/"+prod, "Reader", "BuiltInRole"),
		role("a3", "cccc-3", "/", "Deployer", "CustomRole"), role("a4", "dddd-4", "/", "User Access Administrator", "BuiltInRole"),
	}
	job := func(name, provider, properties string) string {
		return fmt.Sprintf(`{"id":"/subscriptions/%s/resourceGroups/RG/providers/%s/v/backupJobs/%s","name":%q,"type":"%s/backupjobs","subscriptionId":%q,"properties":%s}`, prod, provider, name, name, strings.ToLower(provider), prod, properties)
	}
	r.rows["jobs "+prod] = []string{
		job("j1", "Microsoft.RecoveryServices/vaults", `{"operation":"Backup","status":"Completed","startTime":"2026-03-30T02:00:00Z","endTime":"2026-03-30T02:40:00.25Z","containerName":"IaasVMContainer;iaasvmcontainerv2;RG;vm1"}`),
		job("j2", "Microsoft.DataProtection/backupVaults", `{"operation":"Backup","operationCategory":"Backup","status":"Failed","startTime":"2026-03-30T03:00:00Z","endTime":"2026-03-30T03:01:00Z","dataSourceId":"/subscriptions/X/disks/D"}`),
		job("j3", "Microsoft.RecoveryServices/vaults", `{"operation":"Restore","status":"CompletedWithWarnings","startTime":"2026-03-29T02:00:00Z","endTime":"2026-03-29T02:40:00Z"}`),
		job("j4", "Microsoft.RecoveryServices/vaults", `{"operation":"ConfigureBackup","status":"Completed","startTime":"2026-03-29T02:00:00Z","endTime":"2026-03-29T02:40:00Z"}`),
	}
}
