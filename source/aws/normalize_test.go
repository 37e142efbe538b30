package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
	"tieout/source/sourcetest"
)

func readTestdata(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAdministrativePolicies(t *testing.T) {
	var documents map[string]json.RawMessage
	readTestdata(t, "policies.json", &documents)
	want := []string{"AdministratorAccess", "IAMFullAccess", "PowerUserAccess"}
	if len(documents) < 2*len(want) {
		t.Fatalf("%d documents", len(documents))
	}
	for name, d := range documents {
		if got := administrative(string(d)); got != slices.Contains(want, name) {
			t.Errorf("%s: administrative %v", name, got)
		}
	}
	for _, tc := range []struct {
		name, document string
		want           bool
	}{
		{"percent-encoded", "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D", true},
		{"all of IAM in any case", `{"Statement":{"Effect":"Allow","Action":["IAM:*"],"Resource":["*"]}}`, true},
		{"everything on all resources but one", `{"Statement":{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::x"}}`, true},
		{"everything on one bucket", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::x"}}`, false},
		{"a denial of everything", `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, false},
		{"what cannot be read is not harmless", `{"Statement":`, true},
		{"nothing", `{}`, true},
	} {
		if got := administrative(tc.document); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestPrivilegedMemberships(t *testing.T) {
	details := `<GetAccountAuthorizationDetailsResponse><GetAccountAuthorizationDetailsResult><UserDetailList><member><Arn>arn:aws:iam::1:user/ana</Arn>` +
		`<GroupList><member>ops</member></GroupList></member></UserDetailList></GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>`
	for _, tc := range []struct {
		name, config string
		facts        grants
		want         any
	}{
		{"by its policies", `{}`, grants{Known: true, Groups: []string{"ops"}}, true},
		{"by its policies, though not all were read", `{}`, grants{Groups: []string{"ops"}}, true},
		{"by the settings", `{"privileged":["o*"]}`, grants{Known: true}, true},
		{"not, as the settings know", `{"privileged":[]}`, grants{Known: true}, false},
		{"nobody said which others are", `{}`, grants{Known: true}, nil},
		{"not every policy was read", `{"privileged":[]}`, grants{}, nil},
	} {
		s := rest.NewSheet(tc.facts)
		s.Add("list", rest.Answer{Query: "q", Status: 200, Body: []byte(details)})
		items, err := normalize([]byte(tc.config), audit.Page{Kind: kindUsers, Scope: "222222222222/iam-users", Body: s.Encode()})
		if err != nil || len(items) != 1 {
			t.Fatalf("%s: %d items, %v", tc.name, len(items), err)
		}
		if got := fieldsOf(t, items[0])["privileged"]; got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func fieldsOf(t testing.TB, it audit.Item) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(it.Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOpenPorts(t *testing.T) {
	any4, inner := []string{"0.0.0.0/0"}, []string{"10.0.0.0/8"}
	for _, tc := range []struct {
		name string
		in   []permission
		want []string
		has  []string
	}{
		{"none", nil, []string{}, nil},
		{"inside only", []permission{{Protocol: "tcp", From: "22", To: "22", V4: inner}}, []string{}, nil},
		{"one, by both families", []permission{{Protocol: "tcp", From: "22", To: "22", V4: any4, V6: []string{"::/0"}}}, []string{"22"}, nil},
		{"by IPv6 only", []permission{{Protocol: "tcp", From: "22", To: "22", V4: inner, V6: []string{"::/0"}}}, []string{"22"}, nil},
		{"a short range", []permission{{Protocol: "6", From: "8000", To: "8002", V4: any4}}, []string{"8000", "8001", "8002"}, nil},
		{"UDP", []permission{{Protocol: "udp", From: "53", To: "53", V4: any4}}, []string{"53/udp"}, nil},
		{"ping has no ports", []permission{{Protocol: "icmp", From: "-1", To: "-1", V4: any4}}, []string{}, nil},
		{"two rules", []permission{{Protocol: "tcp", From: "443", To: "443", V4: any4}, {Protocol: "tcp", From: "443", To: "443", V4: any4}}, []string{"443"}, nil},
		{"a wide range", []permission{{Protocol: "tcp", From: "1024", To: "65535", V4: any4}}, nil, []string{"1024-65535", "3306", "3389", "5432", "27017"}},
		{"everything", []permission{{Protocol: "-1", V4: any4}}, nil, []string{"0-65535", "0-65535/udp", "22", "23", "1433", "1521", "6379", "9200", "5984", "161/udp"}},
		{"half of all addresses", []permission{{Protocol: "tcp", From: "22", To: "22", V4: []string{"0.0.0.0/1", "128.0.0.0/1"}}}, []string{"22"}, nil},
		{"TCP without ports is all of TCP", []permission{{Protocol: "tcp", V4: any4}}, nil, []string{"0-65535", "22"}},
	} {
		got := securityGroup{Ingress: tc.in}.openPorts()
		if tc.want != nil && !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
		for _, p := range tc.has {
			if !slices.Contains(got, p) {
				t.Errorf("%s: got %v, want %s among them", tc.name, got, p)
			}
		}
	}
}

// TestListenerOfTwoProtocols: a listener for TCP and UDP opens the port of both.
func TestListenerOfTwoProtocols(t *testing.T) {
	f := source.Fields{}
	listenerFields(f, []listener{{Port: "3306", Protocol: "TCP_UDP"}, {Port: "53", Protocol: "UDP"}, {Port: "443", Protocol: "TLS"}}, "internet-facing")
	if got, want := f["openPorts"], []string{"3306", "3306/udp", "443", "53/udp"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestScan: a scan that failed found nothing because it did not look, and a
// weakness of no package is one all the same.
func TestScan(t *testing.T) {
	const frame = `{"repositoryName":"web","imageId":{"imageDigest":"sha256:aa"},"imageScanStatus":{"status":"%s"},"imageScanFindings":{"enhancedFindings":[` +
		`{"severity":"HIGH","status":"ACTIVE","packageVulnerabilityDetails":{"vulnerabilityId":"CVE-2026-0009"}}]}}`
	for status, want := range map[string]int{"ACTIVE": 1, "COMPLETE": 1, "FAILED": 0, "IN_PROGRESS": 0} {
		p := &page{account: "222222222222", region: "eu-west-1"}
		p.Body = fmt.Appendf(nil, frame, status)
		err := normalScan(p)
		if items, bad := p.out.Done(); len(items) != want || (err == nil) != (want == 1) || bad != nil {
			t.Errorf("%s: %d items, %v, %v; want %d", status, len(items), err, bad, want)
		}
	}
}

func lifecycleOf(rules string) asked {
	return asked{known: true, body: []byte("<LifecycleConfiguration>" + rules + "</LifecycleConfiguration>")}
}

func TestBucketRetention(t *testing.T) {
	rule := func(filter, days, earlier string) string {
		return "<Rule><Status>Enabled</Status>" + filter + "<Expiration><Days>" + days + "</Days></Expiration><NoncurrentVersionExpiration><NoncurrentDays>" + earlier + "</NoncurrentDays></NoncurrentVersionExpiration></Rule>"
	}
	for _, tc := range []struct {
		name     string
		in       asked
		versions bool
		prefix   string
		days     int
		known    bool
	}{
		{"not told", asked{}, false, "", 0, false},
		{"none", asked{known: true, none: true}, false, "", 0, true},
		{"the whole bucket", lifecycleOf(rule("<Filter/>", "30", "0")), false, "", 30, true},
		{"earlier versions stay longer", lifecycleOf(rule("<Filter/>", "30", "10")), true, "", 40, true},
		{"earlier versions stay for ever", lifecycleOf(rule("<Filter/>", "30", "0")), true, "", 0, true},
		{"the shortest counts", lifecycleOf(rule("<Filter/>", "30", "0") + rule("<Prefix></Prefix>", "7", "0")), false, "", 7, true},
		{"only some objects", lifecycleOf(rule("<Filter><Prefix>tmp/</Prefix></Filter>", "30", "0")), false, "", 0, true},
		{"the trail's objects", lifecycleOf(rule("<Filter><Prefix>AWSLogs</Prefix></Filter>", "30", "0")), false, "AWSLogs/", 30, true},
		{"objects with a tag", lifecycleOf(rule("<Filter><Tag><Key>a</Key></Tag></Filter>", "30", "0")), false, "", 0, true},
		{"a rule that is off", lifecycleOf("<Rule><Status>Disabled</Status><Filter/><Expiration><Days>1</Days></Expiration></Rule>"), false, "", 0, true},
		{"not XML", asked{known: true, body: []byte("{}")}, false, "", 0, false},
	} {
		days, known := retentionUnder(tc.in, tc.versions, tc.prefix)
		if days != tc.days || known != tc.known {
			t.Errorf("%s: got %d %v, want %d %v", tc.name, days, known, tc.days, tc.known)
		}
	}
}

func TestBucketPublic(t *testing.T) {
	yes := asked{known: true, body: []byte("<PolicyStatus><IsPublic>TRUE</IsPublic></PolicyStatus>")}
	none := asked{known: true, none: true}
	openACL := asked{known: true, body: []byte("<AccessControlPolicy><AccessControlList><Grant><Grantee><URI>" + everyone[0] + "</URI></Grantee></Grant></AccessControlList></AccessControlPolicy>")}
	closedACL := asked{known: true, body: []byte("<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>x</ID></Grantee></Grant></AccessControlList></AccessControlPolicy>")}
	block := func(text string) asked {
		return asked{known: true, body: []byte("<PublicAccessBlockConfiguration>" + text + "</PublicAccessBlockConfiguration>")}
	}
	all := block("<IgnorePublicAcls>true</IgnorePublicAcls><RestrictPublicBuckets>true</RestrictPublicBuckets>")
	told := blockFacts{Known: true}
	for _, tc := range []struct {
		name               string
		block, policy, acl asked
		facts              blockFacts
		want               any
	}{
		{"closed", none, none, closedACL, told, false},
		{"by its policy", none, yes, closedACL, told, true},
		{"by its list", none, none, openACL, told, true},
		{"open, and set aside by the bucket", all, yes, openACL, told, false},
		{"open, and set aside by the account", none, yes, openACL, blockFacts{Known: true, Ignore: true, Narrow: true}, false},
		{"open list, narrowed policy", block("<RestrictPublicBuckets>true</RestrictPublicBuckets>"), yes, openACL, told, true},
		{"closed, though the blocks were not told", asked{}, none, closedACL, blockFacts{}, false},
		{"open, but the account's block was not told", none, yes, closedACL, blockFacts{}, nil},
		{"the list was not told", none, none, asked{}, told, nil},
		{"the policy was not told", none, asked{}, closedACL, told, nil},
	} {
		get := func(part string, _ ...string) asked {
			return map[string]asked{"publicAccessBlock": tc.block, "policyStatus": tc.policy, "acl": tc.acl}[part]
		}
		if got := bucketPublic(get, tc.facts); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestBucketRegion(t *testing.T) {
	for _, tc := range []struct{ name, element, location, want string }{
		{"the list says it", `{"name":"b","region":"ap-south-2"}`, "", "ap-south-2"},
		{"asked for", `{"name":"b"}`, "eu-central-1", "eu-central-1"},
		{"the first region has no name", `{"name":"b"}`, "none", "us-east-1"},
		{"Ireland's old name", `{"name":"b"}`, "EU", "eu-west-1"},
		{"not told", `{"name":"b"}`, "", ""},
	} {
		s := rest.NewSheet(blockFacts{})
		s.AddElement("bucket", json.RawMessage(tc.element))
		if tc.location != "" {
			s.Add("location", rest.Answer{Query: "q", Status: 200, Body: []byte(`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + strings.TrimPrefix(tc.location, "none") + `</LocationConstraint>`)})
		}
		items, err := normalize([]byte(`{}`), audit.Page{Kind: kindBucket, Scope: "222222222222/s3", Body: s.Encode()})
		if err != nil || len(items) != 1 {
			t.Fatalf("%s: %d items, %v", tc.name, len(items), err)
		}
		var want any = tc.want
		if tc.want == "" { // "" would say that it is in no region
			want = nil
		}
		if got := fieldsOf(t, items[0])["region"]; got != want {
			t.Errorf("%s: got %v, want %v", tc.name, got, want)
		}
	}
}

func TestTLSRequired(t *testing.T) {
	policy := func(s string) asked { return asked{known: true, body: []byte(`{"Statement":[` + s + `]}`)} }
	deny := `{"Effect":"Deny","Principal":%s,"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":%s}`
	plain := `{"Bool":{"aws:SecureTransport":"false"}}`
	for _, tc := range []struct {
		name string
		in   asked
		want any
	}{
		{"denied to all", policy(fmt.Sprintf(deny, `"*"`, plain)), true},
		{"denied to all AWS", policy(fmt.Sprintf(deny, `{"AWS":"*"}`, plain)), true},
		{"denied to one", policy(fmt.Sprintf(deny, `{"AWS":"arn:aws:iam::1:root"}`, plain)), false},
		{"denied under one more condition", policy(fmt.Sprintf(deny, `"*"`, `{"Bool":{"aws:SecureTransport":"false"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)), false},
		{"no policy", asked{known: true, none: true}, false},
		{"not told", asked{}, nil},
		{"not a policy", asked{known: true, body: []byte("<x/>")}, nil},
	} {
		if got := tlsRequired(tc.in, "b"); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestElsewhere(t *testing.T) {
	const vault = "arn:aws:backup:eu-west-1:222222222222:backup-vault:v"
	for _, tc := range []struct {
		resource string
		want     bool
	}{
		{"arn:aws:rds:eu-west-1:222222222222:db:x", false},
		{"arn:aws:rds:us-east-1:222222222222:db:x", true},
		{"arn:aws:rds:eu-west-1:333333333333:db:x", true},
		{"arn:aws:s3:::bucket", false},
		{"", false},
	} {
		if got := elsewhere(vault, tc.resource); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.resource, got, tc.want)
		}
	}
}

func TestSnapshots(t *testing.T) {
	one := func(id, of, source, made, status string) string {
		return `<DBSnapshot><DBSnapshotArn>arn:aws:rds:eu-west-1:222222222222:snapshot:` + id + `</DBSnapshotArn><DBInstanceIdentifier>` + of + `</DBInstanceIdentifier><SourceDBSnapshotIdentifier>` + source +
			`</SourceDBSnapshotIdentifier><SnapshotCreateTime>` + made + `</SnapshotCreateTime><Status>` + status + `</Status><Encrypted>true</Encrypted></DBSnapshot>`
	}
	body := `<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><DBSnapshots>` +
		one("rds:orders-1", "orders", "", "2026-12-02T03:00:00Z", "available") +
		one("copy", "orders", "arn:aws:rds:us-east-1:222222222222:snapshot:orders-9", "2026-12-02T04:00:00Z", "available") +
		one("broken", "orders", "", "2026-12-02T05:00:00Z", "failed") +
		one("making", "orders", "", "2026-12-02T06:00:00Z", "creating") +
		one("old", "orders", "", "2026-11-02T06:00:00Z", "available") +
		`</DBSnapshots></DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>`
	about := audit.Span{From: replayWindow.AsOf.AddDate(0, 0, -14), To: replayWindow.AsOf}
	items, err := normalize([]byte(`{}`), audit.Page{Kind: kindSnapshots, Scope: "222222222222/eu-west-1/rds", Body: []byte(body), About: about})
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{Items: items}
	const snapshot = "arn:aws:rds:eu-west-1:222222222222:snapshot:"
	holds(t, r, "backup", snapshot+"rds:orders-1", `"result":"success"`, `"datastore":"arn:aws:rds:eu-west-1:222222222222:db:orders"`, `"encrypted":true`)
	lacks(t, r, "backup", snapshot+"rds:orders-1", `"separate"`)
	holds(t, r, "backup", snapshot+"copy", `"datastore":"arn:aws:rds:us-east-1:222222222222:db:orders"`, `"separate":true`)
	holds(t, r, "backup", snapshot+"broken", `"result":"failure"`)
	if len(items) != 3 {
		t.Errorf("%d backups, want 3: none that is being made or older than the stretch", len(items))
	}
}

func TestImmutable(t *testing.T) {
	for _, tc := range []struct {
		lock, vault string
		want        any
	}{
		{"COMPLIANCE", "", true}, {"UNLOCKED", "BACKUP_VAULT", false}, {"governance", "BACKUP_VAULT", false},
		{"LOCKED", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", true}, {"LOCKED", "BACKUP_VAULT", nil}, {"", "", nil}, {"other", "", nil},
	} {
		if got := immutable(tc.lock, tc.vault); got != tc.want {
			t.Errorf("%q of %q: got %v, want %v", tc.lock, tc.vault, got, tc.want)
		}
	}
}

// TestPlacebo reads replies that cloud-custodian recorded.
func TestPlacebo(t *testing.T) {
	var config struct{ Recorders, Status json.RawMessage }
	var trails struct {
		Trails struct {
			List []json.RawMessage `json:"trailList"`
		}
		Status []json.RawMessage
	}
	readTestdata(t, "config.json", &config)
	readTestdata(t, "trail.json", &trails)
	s := rest.NewSheet(struct{}{})
	s.Add("DescribeConfigurationRecorders", rest.Answer{Query: "q", Status: 200, Body: config.Recorders})
	s.Add("DescribeConfigurationRecorderStatus", rest.Answer{Query: "q", Status: 200, Body: config.Status})
	items, err := normalize([]byte(`{}`), audit.Page{Kind: kindRecorders, Scope: "222222222222/us-east-1/config", Body: s.Encode()})
	if err != nil || len(items) != 1 || fieldsOf(t, items[0])["enabled"] != true || items[0].ID != "arn:aws:config:us-east-1:222222222222:configuration-recorder/default" {
		t.Errorf("recorder: %v %v", items, err)
	}
	s = rest.NewSheet(struct{}{})
	s.AddElement("trail", trails.Trails.List[0])
	s.Add("status", rest.Answer{Query: "q", Status: 200, Body: trails.Status[0]})
	items, err = normalize([]byte(`{}`), audit.Page{Kind: kindTrail, Scope: "644160558196/us-east-1/cloudtrail", Body: s.Encode()})
	if err != nil || len(items) != 1 {
		t.Fatalf("trail: %v %v", items, err)
	}
	want := map[string]any{"account": "644160558196", "enabled": false, "kind": "trail", "name": "S3-DataEvents", "openPorts": []any{}, "provider": "aws", "region": "", "tampering": true}
	if got := fieldsOf(t, items[0]); !reflect.DeepEqual(got, want) {
		t.Errorf("trail: got %v, want %v", got, want)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := normalize([]byte(`{}`), audit.Page{Kind: "aws.other"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := CredentialReport.Normalize([]byte(`{"system":"x","tags":{}}`), audit.Page{Kind: "other"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestEveryKindIsRead(t *testing.T) {
	for _, p := range parts {
		for _, s := range p.streams {
			for _, k := range s.kinds {
				if kinds[k] == nil {
					t.Errorf("%s: pages of kind %s are not read", p.name, k)
				}
			}
		}
	}
}

// FuzzNormalize: no bytes of any kind of page make normalizing panic or give an
// item outside the schema.
func FuzzNormalize(f *testing.F) {
	r := newReplay(f)
	rec, err := r.collect(r.connection())
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range rec.Pages {
		if p.Kind != kindList {
			f.Add(p.Kind, p.Body)
		}
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		p := audit.Page{Kind: kind, Scope: "222222222222/eu-west-1/x", Query: "q", Body: body, About: audit.At(replayWindow.AsOf)}
		items, err := normalize(rec.Config, p)
		if _, known := kinds[kind]; !known && kind != "failed" && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("kind %q: %v", kind, err)
		}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}

func TestQueriesNameNoSecret(t *testing.T) {
	ask := form(sts, "AssumeRole", "RoleArn", "arn", "ExternalId", "e")
	if strings.Contains(ask.Name, "Action=") || !strings.HasPrefix(ask.Name, "sts AssumeRole ") {
		t.Errorf("a query is named %q", ask.Name)
	}
}
