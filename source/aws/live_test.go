package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

const (
	ownAccount    = "123456789012" // the emulator's own
	hiddenAccount = "333333333333" // of no organization
)

var liveRegions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

// A moto is the emulator (moto), asked with this package's own requests.
type moto struct {
	t    *testing.T
	base *url.URL
	own  *session
}

func startMoto(t *testing.T) *moto {
	port := live.Port(t)
	cmd := exec.Command(live.Peer(t, "python/bin/moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	cmd.Env = append(os.Environ(), "TZ=UTC")
	base := &url.URL{Scheme: "http", Host: live.Address(port)}
	live.Start(t, cmd, live.Answers(base.String()+"/moto-api/data.json"))
	c := &collector{name: "aws", base: base, wait: count(new(int))}
	c.s.Allow, c.s.Region, c.s.Role = "loopback", "us-east-1", "TieoutReadOnly"
	own := &session{c: c, account: ownAccount, creds: credentials.NewStaticCredentialsProvider("AKIAMADEUP", "made-up", "")}
	return &moto{t, base, own}
}

// count waits without sleeping.
func count(n *int) waiting {
	return func(ctx context.Context, _ time.Duration) error {
		*n++
		return ctx.Err()
	}
}

// do asks and fails the test where the emulator does not do it.
func (c *moto) do(s *session, svc service, region string, ask rest.Ask) rest.Answer {
	c.t.Helper()
	a, err := s.client(svc, region).Do(c.t.Context(), ask)
	if err != nil || !a.OK() {
		c.t.Fatalf("%s: %v %s\n%s", ask.Query(), err, a.Fault(), a.Body)
	}
	return a
}

// got is the text at a path of a JSON answer.
func (c *moto) got(a rest.Answer, path ...string) string {
	c.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		c.t.Fatal(err)
	}
	for _, name := range path {
		v = v.(map[string]any)[name]
	}
	return fmt.Sprint(v)
}

func (c *moto) put(s *session, uri, body string) {
	c.t.Helper()
	c.do(s, s3, "us-east-1", rest.Ask{Method: "PUT", URI: uri, Body: []byte(body)})
}

func (c *moto) with(settings string) sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "aws", With: settings, Window: window(),
		Env: source.Env{Secret: secretOf}}
}

// window ends now: the emulator's reports state this machine's time.
func window() audit.Window {
	now := time.Now().UTC().Add(late + time.Minute)
	return audit.Window{Span: audit.Span{From: now.AddDate(0, -6, 0), To: now}, AsOf: now, Zone: "UTC"}
}

func record(t *testing.T, c sourcetest.Connection) *sourcetest.Recorder {
	t.Helper()
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	col.(*collector).wait = count(new(int))
	r := &sourcetest.Recorder{Driver: Driver, Config: config}
	if err := col.Collect(t.Context(), c.Window, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMoto(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an emulator; not with -short")
	}
	c := startMoto(t)
	c.do(c.own, organizations, "us-east-1", target(organizations, "CreateOrganization", body{"FeatureSet": "ALL"}))
	member := c.got(c.do(c.own, organizations, "us-east-1", target(organizations, "CreateAccount", body{"AccountName": "prod", "Email": "prod@halyard.example"})), "CreateAccountStatus", "AccountId")
	prod := c.own.enter(member)
	for _, s := range []*session{c.own, prod} {
		c.seedPeople(s)
		c.seedBuckets(s, "halyard-"+s.account)
		for _, region := range liveRegions {
			c.seedRegion(s, region)
		}
		c.seedTrails(s, "halyard-"+s.account+"-closed")
	}
	c.seedNetworks(prod, "eu-west-1")
	if path := os.Getenv("AWS_RECORD"); path != "" {
		c.record(path, member)
	}
	r := record(t, c.with(c.settings(member)))
	for _, err := range r.Errs {
		t.Errorf("normalize: %v", err)
	}
	for _, it := range r.Items {
		if err := sourcetest.Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, number := range []string{ownAccount, member} {
		t.Run("people of "+number, func(t *testing.T) { checkPeople(t, r, number) })
		t.Run("buckets of "+number, func(t *testing.T) { checkBuckets(t, r, number) })
		t.Run("trails and detectors of "+number, func(t *testing.T) { checkWatch(t, r, number) })
		for _, region := range liveRegions {
			t.Run(number+" "+region, func(t *testing.T) { checkRegion(t, r, number, region) })
		}
	}
	t.Run("environment", func(t *testing.T) {
		holds(t, r, "datastore", "arn:aws:rds:eu-west-1:"+member+":db:plain", `"environment":"production"`)
		holds(t, r, "datastore", "arn:aws:rds:eu-west-1:"+ownAccount+":db:plain", `"name":"plain"`)
		lacks(t, r, "datastore", "arn:aws:rds:eu-west-1:"+ownAccount+":db:plain", `"environment"`)
	})
	t.Run("what was complete", func(t *testing.T) { checkStreams(t, r, member) })
	t.Run("no secret", func(t *testing.T) {
		for _, p := range r.Pages {
			for _, secret := range []string{"made-up-secret", "SecretAccessKey", "Made-up-1234"} {
				if strings.Contains(string(p.Body)+p.Query, secret) {
					t.Errorf("page %s %s holds %s", p.Kind, p.Query, secret)
				}
			}
		}
	})
}

func (c *moto) settings(production string) string {
	return `{"endpoint":"` + c.base.String() + `","allow":"loopback","accessKey":"env:K","secretKey":"env:S","role":"TieoutReadOnly","organization":true,` +
		`"accounts":["` + hiddenAccount + `"],"regions":["` + strings.Join(liveRegions, `","`) + `"],"environments":{"production":["` + production + `"]},` +
		`"tags":{"environment":"Environment","classification":"Class","owner":"Team","employeeNumber":"EmployeeNumber"},"person":"hr/{employeeNumber}","privileged":[]}`
}

// found returns the only item of a type whose id begins so.
func found(t *testing.T, r *sourcetest.Recorder, typ, prefix string) audit.Item {
	t.Helper()
	var out []audit.Item
	for _, it := range r.ByType(typ) {
		if strings.HasPrefix(it.ID, prefix) {
			out = append(out, it)
		}
	}
	if len(out) != 1 {
		t.Errorf("%d items of type %s begin with %s; want one", len(out), typ, prefix)
		return audit.Item{}
	}
	return out[0]
}

// holds says that the item's body holds each of the texts.
func holds(t *testing.T, r *sourcetest.Recorder, typ, prefix string, texts ...string) {
	t.Helper()
	it := found(t, r, typ, prefix)
	for _, text := range texts {
		if !strings.Contains(string(it.Body)+string(it.Volatile), text) {
			t.Errorf("%s %s: got %s %s, want %s", typ, prefix, it.Body, it.Volatile, text)
		}
	}
}

func lacks(t *testing.T, r *sourcetest.Recorder, typ, prefix string, texts ...string) {
	t.Helper()
	it := found(t, r, typ, prefix)
	for _, text := range texts {
		if strings.Contains(string(it.Body), text) {
			t.Errorf("%s %s: got %s, want no %s", typ, prefix, it.Body, text)
		}
	}
}

func checkPeople(t *testing.T, r *sourcetest.Recorder, number string) {
	user := "arn:aws:iam::" + number + ":user/"
	holds(t, r, "account", user+"ana", `"kind":"human"`, `"status":"active"`, `"mfa":{"enforced":true,"enrolled":true}`)
	holds(t, r, "account", user+"ben", `"kind":"human"`, `"status":"active"`, `"mfa":{"enforced":false,"enrolled":false}`)
	holds(t, r, "account", user+"deployer", `"kind":"service"`, `"status":"active"`, `"passwordChangedAt":"never"`)
	holds(t, r, "key", user+"deployer/access-key-1", `"kind":"access"`, `"status":"active"`, `"owner":"`+user+`deployer"`, `"lastUsedAt":"never"`)
	holds(t, r, "membership", user+"ana/group/admins", `"privileged":true`)
	holds(t, r, "membership", user+"ben/group/readers", `"privileged":false`)
	holds(t, r, "membership", user+"deployer/policy/arn:aws:iam::"+number+":policy/BreakGlass", `"privileged":true`)
	holds(t, r, "link", user+"ana/link", `"person":"hr/17"`, `"confirmed":true`)
	if number == ownAccount {
		holds(t, r, "authPolicy", "aws/"+number+"/password", `"enabled":false`)
		lacks(t, r, "authPolicy", "aws/"+number+"/password", `"minLength"`)
		return
	}
	holds(t, r, "authPolicy", "aws/"+number+"/password", `"enabled":true`, `"password":{"complexity":true,"history":24,"maxAgeDays":90,"minLength":14}`)
	holds(t, r, "key", "arn:aws:iam::"+number+":server-certificate/old", `"kind":"certificate"`)
}

func checkBuckets(t *testing.T, r *sourcetest.Recorder, number string) {
	holds(t, r, "datastore", "arn:aws:s3:::halyard-"+number+"-open", `"public":true`, `"encrypted":false`, `"versioning":false`, `"tlsRequired":false`, `"retentionDays":0`)
	holds(t, r, "datastore", "arn:aws:s3:::halyard-"+number+"-closed", `"public":false`, `"encrypted":true`, `"key":""`, `"versioning":true`, `"tlsRequired":true`,
		`"retentionDays":365`, `"environment":"production"`, `"classification":"confidential"`, `"owner":""`, `"region":"us-east-1"`)
}

func checkRegion(t *testing.T, r *sourcetest.Recorder, number, region string) {
	at := func(service, rest string) string {
		return "arn:aws:" + service + ":" + region + ":" + number + ":" + rest
	}
	group := named(t, r, at("ec2", "security-group/"), `"name":"open"`)
	if !strings.Contains(string(group.Body), `"openPorts":["22","23","443"]`) {
		t.Errorf("open group: %s", group.Body)
	}
	if d := named(t, r, at("ec2", "security-group/"), `"name":"default"`); !strings.Contains(string(d.Body), `"openPorts":[]`) {
		t.Errorf("default group: %s", d.Body)
	}
	holds(t, r, "resource", at("ec2", "instance/"), `"kind":"instance"`, `"enabled":true`, `"openPorts":["22","23","443"]`)
	holds(t, r, "resource", at("ec2", "ebs-encryption-by-default"), `"enabled":false`)
	if number == ownAccount || region != "eu-west-1" {
		holds(t, r, "network", at("ec2", "vpc/"), `"flowLogs":false`, `"joins":[]`)
	} else {
		checkNetworks(t, r, at)
	}
	holds(t, r, "datastore", at("rds", "db:plain"), `"encrypted":false`, `"public":true`, `"redundant":false`)
	lacks(t, r, "datastore", at("rds", "db:plain"), `"backedUp"`) // AWS Backup did not answer
	holds(t, r, "datastore", at("rds", "db:sealed"), `"encrypted":true`, `"public":false`, `"redundant":true`, `"backedUp":true`)
	holds(t, r, "backup", at("rds", "snapshot:by-hand"), `"datastore":"`+at("rds", "db:sealed")+`"`, `"result":"success"`, `"encrypted":true`)
	holds(t, r, "key", at("secretsmanager", "secret:made-up"), `"kind":"token"`, `"autoRotate":false`, `"status":"active"`)
	holds(t, r, "key", at("acm", "certificate/"), `"kind":"certificate"`, `"expiresAt":"2031-01-01T00:00:00Z"`, `"autoRotate":false`, `"status":"active"`)
	holds(t, r, "resource", "arn:aws:cloudwatch:"+region+":"+number+":alarm:silent", `"enabled":false`)
	holds(t, r, "resource", at("ecr", "repository/web/scan"), `"kind":"image scan"`)
	var rotating, still int
	for _, it := range r.ByType("key") {
		if strings.HasPrefix(it.ID, at("kms", "key/")) && strings.Contains(string(it.Body), `"autoRotate":true`) {
			rotating++
		} else if strings.HasPrefix(it.ID, at("kms", "key/")) && strings.Contains(string(it.Body), `"autoRotate":false`) {
			still++
		}
	}
	if rotating != 1 || still != 1 {
		t.Errorf("%d keys rotate and %d do not; want one each", rotating, still)
	}
	volumes := 0
	for _, it := range r.ByType("datastore") {
		if strings.HasPrefix(it.ID, at("ec2", "volume/")) && strings.Contains(string(it.Body), `"encrypted":false`) {
			volumes++
		}
	}
	if volumes != 2 {
		t.Errorf("%d volumes without encryption, want the instance's and the one made", volumes)
	}
}

// checkNetworks: two networks joined to each other, one of which logs.
func checkNetworks(t *testing.T, r *sourcetest.Recorder, at func(service, rest string) string) {
	t.Helper()
	var inner, outer audit.Item
	for _, it := range r.ByType("network") {
		switch {
		case !strings.HasPrefix(it.ID, at("ec2", "vpc/")):
		case strings.Contains(string(it.Body), `"name":"inner"`):
			inner = it
		default:
			outer = it
		}
	}
	for _, tc := range []struct {
		it   audit.Item
		want []string
	}{
		{inner, []string{`"flowLogs":true`, `"joins":["` + outer.ID + `"]`, `"joinsEnvironments":["production"]`}},
		{outer, []string{`"flowLogs":false`, `"joins":["` + inner.ID + `"]`}},
	} {
		for _, want := range tc.want {
			if !strings.Contains(string(tc.it.Body), want) {
				t.Errorf("network %s: got %s, want %s", tc.it.ID, tc.it.Body, want)
			}
		}
	}
	holds(t, r, "resource", at("elasticloadbalancing", "loadbalancer/app/front"), `"public":true`, `"openPorts":["80"]`, `"encrypted":false`, `"waf":false`, `"logging":false`)
}

func named(t *testing.T, r *sourcetest.Recorder, prefix, text string) audit.Item {
	t.Helper()
	for _, it := range r.ByType("resource") {
		if strings.HasPrefix(it.ID, prefix) && strings.Contains(string(it.Body), text) {
			return it
		}
	}
	t.Errorf("no resource %s with %s", prefix, text)
	return audit.Item{}
}

func checkWatch(t *testing.T, r *sourcetest.Recorder, number string) {
	at := func(region, service, rest string) string {
		return "arn:aws:" + service + ":" + region + ":" + number + ":" + rest
	}
	holds(t, r, "resource", at("eu-west-1", "cloudtrail", "trail/logging"), `"enabled":true`, `"region":""`, `"tampering":true`, `"retentionDays":365`)
	holds(t, r, "resource", at("eu-west-1", "cloudtrail", "trail/silent"), `"enabled":false`, `"region":"eu-west-1"`, `"tampering":false`)
	holds(t, r, "resource", at("eu-west-1", "guardduty", "detector/"), `"enabled":true`)
	holds(t, r, "resource", at("us-east-1", "guardduty", "none"), `"enabled":false`, `"kind":"detector"`)
	holds(t, r, "resource", at("eu-west-1", "config", "configuration-recorder/default"), `"enabled":false`)
	holds(t, r, "resource", at("us-east-1", "config", "none"), `"enabled":false`, `"kind":"recorder"`)
}

// checkStreams: what the emulator answers is complete; what it does not answer
// could not be collected, with the reason, and is never nothing found.
func checkStreams(t *testing.T, r *sourcetest.Recorder, member string) {
	for _, m := range r.Manifests {
		number, _, _ := strings.Cut(m.Scope, "/")
		unanswered := strings.HasSuffix(m.Scope, "/backup") || strings.HasSuffix(m.Scope, "/sign-ins") ||
			m.Type == "alert" && strings.HasSuffix(m.Scope, "/eu-west-1/guardduty") && number != hiddenAccount
		switch {
		case m.Scope == scopeAccounts:
			if want := "not on the list: " + hiddenAccount; m.Complete || !strings.Contains(m.Reason, want) {
				t.Errorf("the accounts: complete %v, %q; want %q", m.Complete, m.Reason, want)
			}
		case unanswered && (m.Complete || !strings.Contains(m.Reason, "404 Not Found") && !strings.Contains(m.Reason, "500 Internal Server Error")):
			t.Errorf("%s %s: complete %v, %q; the emulator does not answer it", m.Type, m.Scope, m.Complete, m.Reason)
		case !unanswered && !m.Complete:
			t.Errorf("%s %s is incomplete: %s", m.Type, m.Scope, m.Reason)
		}
	}
	want := 1
	for _, p := range parts {
		want += 3 * len(p.streams) * len(p.places(liveRegions, "us-east-1"))
	}
	if len(r.Manifests) != want {
		t.Errorf("%d streams closed, want %d: three accounts, each part of each region", len(r.Manifests), want)
	}
	if !slices.ContainsFunc(r.Manifests, func(m audit.Manifest) bool { return m.Scope == member+"/ap-southeast-2/kms" }) {
		t.Error("no stream of the member's third region")
	}
}

// record writes what the emulator answers for two accounts and one region, for
// the tests that replay it.
func (c *moto) record(path, member string) {
	var list []kept
	with := strings.NewReplacer(`"regions":["`+strings.Join(liveRegions, `","`)+`"]`, `"regions":["eu-west-1"]`, `"accounts":["`+hiddenAccount+`"],`, "").Replace(c.settings(member))
	conn := c.with(with)
	conn.Window = replayWindow
	conn.Env.HTTP = &http.Client{Transport: keeping{&list}}
	record(c.t, conn)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, k := range list {
		if err := enc.Encode(k); err != nil {
			c.t.Fatal(err)
		}
	}
	out := strings.ReplaceAll(b.String(), member, memberAccount)
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		c.t.Fatal(err)
	}
}
