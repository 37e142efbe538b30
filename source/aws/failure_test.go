package aws

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// deny is AWS's refusal in XML, denyJSON in JSON.
var (
	deny     = kept{Status: 403, Body: `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>`}
	denyJSON = kept{Status: 400, Type: "application/x-amz-json-1.1", Body: `{"__type":"com.amazon#AccessDeniedException","Message":"not for you"}`}
	broken   = kept{Status: 200, Body: `<DescribeVolumesResponse><volumeSet><item>`}
	portal   = kept{Status: 200, Body: `<html><body>Please sign in</body></html>`}
	internal = kept{Status: 500, Body: `<ErrorResponse><Error><Code>InternalFailure</Code><Message>try again</Message></Error></ErrorResponse>`}
)

// on answers a for the member's questions that hold text.
func on(text string, a kept) func(account, key string, was kept) kept {
	return func(account, key string, was kept) kept {
		if account == memberAccount && strings.Contains(key+" ", text) {
			return a
		}
		return was
	}
}

func TestOnePartFails(t *testing.T) {
	const member = "222222222222/"
	for _, tc := range []struct {
		name       string
		change     func(account, key string, a kept) kept
		typ, scope string
		why        string
	}{
		{"a list is refused", on("TrentService.ListKeys", denyJSON), "key", member + "eu-west-1/kms", "not for you"},
		{"a list is refused in XML", on("Action=DescribeSecurityGroups", deny), "resource", member + "eu-west-1/ec2", "403 Forbidden: AccessDenied: not for you"},
		{"their failure", on("Action=DescribeLoadBalancers&", internal), "resource", member + "eu-west-1/elb", "500 Internal Server Error: InternalFailure"},
		{"a broken answer", on("Action=DescribeVolumes", broken), "datastore", member + "eu-west-1/ebs", "not whole XML"},
		{"a page for people", on("Action=ListServerCertificates", portal), "key", member + "iam-certificates", ""},
		{"the report is refused", on("Action=GetCredentialReport", deny), "account", member + "iam-report", "GetCredentialReport: 403 Forbidden"},
		{"the report is never written", on("Action=GenerateCredentialReport", kept{Status: 200, Body: `<GenerateCredentialReportResponse><GenerateCredentialReportResult><State>INPROGRESS</State>` +
			`</GenerateCredentialReportResult></GenerateCredentialReportResponse>`}), "key", member + "iam-report", "has not written the credential report in time"},
		{"the report has no instant", on("Action=GetCredentialReport", kept{Status: 200, Body: `<GetCredentialReportResponse><GetCredentialReportResult><Content>dXNlcixhcm4=</Content>` +
			`</GetCredentialReportResult></GetCredentialReportResponse>`}), "account", member + "iam-report", "does not say when it was made"},
		{"the password policy is refused", on("Action=GetAccountPasswordPolicy", deny), "authPolicy", member + "iam-password", "AccessDenied"},
		{"buckets are refused", on("GET /?max-buckets", deny), "datastore", member + "s3", "AccessDenied"},
		{"a bucket's setting fails", on("?acl", internal), "datastore", member + "s3", "acl: 500"},
		{"the summary counts more users", on("Action=GetAccountSummary", kept{Status: 200, Body: `<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap><entry><key>Users</key>` +
			`<value>4</value></entry></SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>`}), "membership", member + "iam-users", "users counted by the account's summary: 3 of 4"},
		{"GuardDuty is refused", on("GET /detector?", denyJSON), "alert", member + "eu-west-1/guardduty", "not for you"},
		{"images cannot be listed", on("ContainerRegistry_V20150921.DescribeRepositories", denyJSON), "vulnerability", member + "eu-west-1/ecr", "not for you"},
		{"sign-ins are refused", on("LookupEvents", denyJSON), "signIn", member + "eu-west-1/sign-ins", "not for you"},
		{"a finding that is listed is not told", on("/findings/get", kept{Status: 200, Type: "application/json", Body: `{"findings":[]}`}), "alert", member + "eu-west-1/guardduty", "findings listed and findings told: 0 of 2"},
		{"a detector's findings break off", on(`/findings  {"maxResults":50,"nextToken"`, internal), "alert", member + "eu-west-1/guardduty", "page 2: 500"},
		{"the recorders' status is refused", on("DescribeConfigurationRecorderStatus", denyJSON), "resource", member + "eu-west-1/config", "DescribeConfigurationRecorderStatus: 400"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.change = tc.change
			rec, err := r.collect(r.connection())
			if err != nil {
				t.Fatal(err)
			}
			m := closed(t, rec, tc.typ, tc.scope)
			if tc.why == "" { // what nobody looks into while it is read is found by normalizing
				if len(rec.Errs) == 0 {
					t.Error("no page failed to normalize")
				}
			} else if m.Complete || !strings.Contains(m.Reason, tc.why) {
				t.Errorf("%s %s: complete %v, %q; want %q", tc.typ, tc.scope, m.Complete, m.Reason, tc.why)
			}
			checkOthers(t, rec, tc.scope)
		})
	}
}

// checkOthers: what fails in one scope touches no other.
func checkOthers(t *testing.T, rec *sourcetest.Recorder, scope string) {
	t.Helper()
	for _, m := range rec.Manifests {
		if m.Scope != scope && !m.Complete {
			t.Errorf("%s %s is incomplete too: %s", m.Type, m.Scope, m.Reason)
		}
	}
	if n := len(rec.Manifests); n != 1+2*streamsOfAccount() {
		t.Errorf("%d streams closed, want every stream of both accounts and the accounts", n)
	}
}

func streamsOfAccount() int {
	n := 0
	for _, p := range parts {
		n += len(p.streams)
	}
	return n
}

func TestPageTwoOfThreeFails(t *testing.T) {
	page := func(id, marker string) kept {
		return kept{Status: 200, Body: `<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceArn>arn:aws:rds:eu-west-1:222222222222:db:` + id +
			`</DBInstanceArn><DBInstanceIdentifier>` + id + `</DBInstanceIdentifier></DBInstance></DBInstances><Marker>` + marker + `</Marker></DescribeDBInstancesResult></DescribeDBInstancesResponse>`}
	}
	r := newReplay(t)
	r.change = func(account, key string, a kept) kept {
		switch {
		case account != memberAccount || !strings.Contains(key, "Action=DescribeDBInstances"):
			return a
		case strings.Contains(key, "Marker=two"):
			return kept{Status: 502, Body: "bad gateway"}
		}
		return page("one", "two")
	}
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	m := closed(t, rec, "datastore", "222222222222/eu-west-1/rds")
	if m.Complete || !strings.Contains(m.Reason, "page 2: 502 Bad Gateway") {
		t.Errorf("complete %v, %q", m.Complete, m.Reason)
	}
	holds(t, rec, "datastore", "arn:aws:rds:eu-west-1:222222222222:db:one", `"name":"one"`)
	if r.waits == 0 {
		t.Error("the failure was not tried again")
	}
}

func TestRefusedSettingOfOneBucket(t *testing.T) {
	r := newReplay(t)
	r.change = on("?encryption", deny)
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	m := closed(t, rec, "datastore", "222222222222/s3")
	if want := `the answer "encryption" was refused for at least one item (403 AccessDenied)`; !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), want) {
		t.Errorf("complete %v %q, limits %q; want %q among them", m.Complete, m.Reason, m.Cannot, want)
	}
	lacks(t, rec, "datastore", "arn:aws:s3:::halyard-222222222222-closed", `"encrypted"`)
	holds(t, rec, "datastore", "arn:aws:s3:::halyard-222222222222-closed", `"versioning":true`)
}

func TestTrailInAnotherAccountsBucket(t *testing.T) {
	r := newReplay(t)
	r.change = on("halyard-222222222222-closed?location", deny)
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	m := closed(t, rec, "resource", "222222222222/eu-west-1/cloudtrail")
	if !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), "where its bucket does not answer: 403 Forbidden: AccessDenied") {
		t.Errorf("complete %v %q, limits %q", m.Complete, m.Reason, m.Cannot)
	}
	holds(t, rec, "resource", "arn:aws:cloudtrail:eu-west-1:222222222222:trail/logging", `"enabled":true`)
	lacks(t, rec, "resource", "arn:aws:cloudtrail:eu-west-1:222222222222:trail/logging", `"retentionDays"`)
}

func TestRefusedDetails(t *testing.T) {
	r := newReplay(t)
	r.change = func(account, key string, a kept) kept {
		if account == memberAccount && (strings.Contains(key, "TrentService.DescribeKey") || strings.Contains(key, "CertificateManager.DescribeCertificate")) {
			return denyJSON
		}
		return a
	}
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ scope, id, kind string }{
		{"222222222222/eu-west-1/kms", "arn:aws:kms:eu-west-1:222222222222:key/", "encryption"},
		{"222222222222/eu-west-1/acm", "arn:aws:acm:eu-west-1:222222222222:certificate/", "certificate"},
	} {
		if m := closed(t, rec, "key", tc.scope); !m.Complete || !strings.Contains(strings.Join(m.Cannot, "\n"), "was refused for at least one item (400 AccessDeniedException)") {
			t.Errorf("%s: complete %v %q, limits %q", tc.scope, m.Complete, m.Reason, m.Cannot)
		}
		n := 0
		for _, it := range rec.ByType("key") {
			if strings.HasPrefix(it.ID, tc.id) {
				if n++; string(it.Body) != `{"kind":"`+tc.kind+`","owner":"","system":"aws"}` {
					t.Errorf("%s: got %s; nothing more is known", it.ID, it.Body)
				}
			}
		}
		if n != 2 {
			t.Errorf("%d items %s, want 2: the list names them", n, tc.id)
		}
	}
}

func TestThrottled(t *testing.T) {
	for _, tc := range []struct {
		name string
		a    kept
	}{
		{"EC2", kept{Status: 503, Body: `<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow</Message></Error></Errors></Response>`}},
		{"JSON", kept{Status: 400, Body: `{"__type":"ThrottlingException","message":"Rate exceeded"}`}},
		{"Query", kept{Status: 400, Body: `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, n := newReplay(t), 0
			r.change = func(account, key string, a kept) kept {
				if account == memberAccount && strings.Contains(key, "TrentService.ListKeys") {
					if n++; n <= 2 {
						return tc.a
					}
				}
				return a
			}
			rec, err := r.collect(r.connection())
			if err != nil {
				t.Fatal(err)
			}
			if m := closed(t, rec, "key", "222222222222/eu-west-1/kms"); !m.Complete {
				t.Errorf("incomplete: %s", m.Reason)
			}
			if n != 3 || r.waits < 2 {
				t.Errorf("asked %d times with %d pauses; want 3 and at least 2", n, r.waits)
			}
		})
	}
}

func TestAccountThatCannotBeEntered(t *testing.T) {
	r := newReplay(t)
	r.change = func(_, key string, a kept) kept {
		if strings.Contains(key, "Action=AssumeRole&") {
			return deny
		}
		return a
	}
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	if m := closed(t, rec, "resource", scopeAccounts); m.Complete || !strings.Contains(m.Reason, "not reached: 222222222222") {
		t.Errorf("the accounts: complete %v, %q", m.Complete, m.Reason)
	}
	n := 0
	for _, m := range rec.Manifests {
		if !strings.HasPrefix(m.Scope, memberAccount+"/") {
			continue
		}
		if n++; m.Complete || !strings.Contains(m.Reason, "could not be entered: no credentials: AssumeRole arn:aws:iam::222222222222:role/TieoutReadOnly: 403 Forbidden") {
			t.Errorf("%s %s: complete %v, %q", m.Type, m.Scope, m.Complete, m.Reason)
		}
	}
	if n != streamsOfAccount() {
		t.Errorf("%d streams of the account closed, want %d", n, streamsOfAccount())
	}
	if it := named(t, rec, "arn:aws:organizations::123456789012:account/", `"account":"222222222222"`); !strings.Contains(string(it.Body), `"enabled":true`) {
		t.Errorf("the account is listed as %s", it.Body)
	}
}

func TestOrganizationIsRefused(t *testing.T) {
	r := newReplay(t)
	r.change = func(_, key string, a kept) kept {
		if strings.Contains(key, "ListAccounts") {
			return denyJSON
		}
		return a
	}
	c := r.connection()
	c.With = strings.Replace(c.With, `"organization":true`, `"organization":true,"accounts":["222222222222"]`, 1)
	rec, err := r.collect(c)
	if err != nil {
		t.Fatal(err)
	}
	if m := closed(t, rec, "resource", scopeAccounts); m.Complete || !strings.Contains(m.Reason, "not for you") {
		t.Errorf("the accounts: complete %v, %q", m.Complete, m.Reason)
	}
	if m := closed(t, rec, "datastore", "222222222222/s3"); !m.Complete {
		t.Errorf("the account that is named was not read: %s", m.Reason)
	}
}

func TestRegionsCannotBeListed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answer  kept
		regions int
		why     string
	}{
		{"listed", kept{Status: 200, Body: `<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>`}, 1, ""},
		{"refused", deny, 0, "its regions could not be listed: 403 Forbidden"},
		{"none", kept{Status: 200, Body: `<DescribeRegionsResponse><regionInfo/></DescribeRegionsResponse>`}, 0, "the answer names no region"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.change = func(_, key string, a kept) kept {
				if strings.Contains(key, "Action=DescribeRegions") {
					return tc.answer
				}
				return a
			}
			c := r.connection()
			c.With = strings.Replace(c.With, `"regions":["eu-west-1"],`, "", 1)
			rec, err := r.collect(c)
			if err != nil {
				t.Fatal(err)
			}
			m := closed(t, rec, "resource", scopeAccounts)
			if m.Complete != (tc.why == "") || !strings.Contains(m.Reason, tc.why) {
				t.Errorf("the accounts: complete %v, %q; want %q", m.Complete, m.Reason, tc.why)
			}
			if got := closed(t, rec, "key", "222222222222/"+map[int]string{1: "eu-west-1", 0: "us-east-1"}[tc.regions]+"/kms"); tc.regions == 1 && !got.Complete {
				t.Errorf("the region listed: %s", got.Reason)
			}
		})
	}
}

func TestWithoutCredentials(t *testing.T) {
	for _, tc := range []struct {
		name   string
		secret func(*replay, *sourcetest.Connection)
	}{
		{"refused", func(r *replay, _ *sourcetest.Connection) {
			r.change = func(_, key string, a kept) kept {
				if strings.Contains(key, "Action=GetCallerIdentity") {
					return kept{Status: 403, Body: `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no such key</Message></Error></ErrorResponse>`}
				}
				return a
			}
		}},
		{"no secret", func(_ *replay, c *sourcetest.Connection) { c.Env.Secret = nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			c := r.connection()
			c.With = strings.Replace(c.With, `"organization":true`, `"accounts":["222222222222"]`, 1)
			tc.secret(r, &c)
			rec, err := r.collect(c)
			if err == nil || !strings.HasPrefix(err.Error(), "source aws: ") {
				t.Errorf("collect returned %v", err)
			}
			if len(rec.Manifests) != 1+streamsOfAccount() {
				t.Errorf("%d streams closed, want those of the account named and the accounts", len(rec.Manifests))
			}
			for _, m := range rec.Manifests {
				if m.Complete || m.Reason == "" {
					t.Errorf("%s %s: complete %v, %q", m.Type, m.Scope, m.Complete, m.Reason)
				}
			}
		})
	}
}

func TestDefaultChain(t *testing.T) {
	for _, tc := range []struct {
		name, key, secret string
		complete          bool
	}{
		{"keys in the environment", "AKIAREPLAY", "replay-secret", true},
		{"none", "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			none := t.TempDir() + "/none"
			for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": tc.key, "AWS_SECRET_ACCESS_KEY": tc.secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
				"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true"} {
				t.Setenv(k, v)
			}
			r := newReplay(t)
			c := r.connection()
			c.With = strings.Replace(c.With, `"accessKey":"env:KEY","secretKey":"env:SECRET",`, "", 1)
			rec, err := r.collect(c)
			if tc.complete != (err == nil) {
				t.Errorf("collect returned %v", err)
			}
			if m := closed(t, rec, "resource", scopeAccounts); m.Complete != tc.complete {
				t.Errorf("the accounts: complete %v, %q", m.Complete, m.Reason)
			}
			for _, key := range r.asked {
				if strings.HasSuffix(key, "unsigned") {
					t.Errorf("asked without credentials: %s", key)
				}
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"a key that nobody knows", `{"roles":"x"}`, "roles"},
		{"a secret itself", `{"accessKey":"AKIA123","secretKey":"env:S"}`, "accessKey: write a reference"},
		{"half a key", `{"accessKey":"env:K"}`, "give both"},
		{"a token without a key", `{"sessionToken":"env:T"}`, "sessionToken"},
		{"an organization without a role", `{"organization":true}`, "role: name the role"},
		{"accounts without a role", `{"accounts":["222222222222"]}`, "role: name the role"},
		{"an account's number without its zeros", `{"role":"R","accounts":["22222222222"]}`, "twelve digits"},
		{"a region that leads elsewhere", `{"regions":["eu-west-1.example"]}`, "regions"},
		{"a home region that leads elsewhere", `{"region":"x/y"}`, "region"},
		{"a role that is none", `{"role":"a b"}`, "role"},
		{"an account in two environments", `{"environments":{"production":["222222222222"],"test":["222222222222"]}}`, "more than one"},
		{"a broken glob", `{"privileged":["["]}`, "privileged"},
		{"a person without a name", `{"person":"hr"}`, "person"},
		{"plain http to the world", `{"endpoint":"http://aws.example"}`, "endpoint"},
		{"an address that is not allowed", `{"allow":"all"}`, "allow"},
	} {
		_, _, err := Driver.Open("aws", json.RawMessage(tc.with), source.Env{})
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "source aws: ") {
			t.Errorf("%s: got %v, want audit.ErrInvalid about %q", tc.name, err, tc.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	s := &session{c: &collector{}, account: "222222222222"}
	for _, tc := range []struct {
		svc                  service
		region, host, signed string
	}{
		{ec2, "eu-west-1", "ec2.eu-west-1.amazonaws.com", "eu-west-1"},
		{ecr, "eu-west-1", "api.ecr.eu-west-1.amazonaws.com", "eu-west-1"},
		{iam, "eu-west-1", "iam.amazonaws.com", "us-east-1"},
		{iam, "us-gov-west-1", "iam.us-gov.amazonaws.com", "us-gov-west-1"},
		{iam, "cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{organizations, "eu-west-1", "organizations.us-east-1.amazonaws.com", "us-east-1"},
		{s3control, "eu-west-1", "222222222222.s3-control.eu-west-1.amazonaws.com", "eu-west-1"},
		{kms, "cn-north-1", "kms.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	} {
		base, signed := s.address(tc.svc, tc.region)
		if base.Host != tc.host || base.Scheme != "https" || signed != tc.signed {
			t.Errorf("%s in %s: %s signed for %s; want %s and %s", tc.svc.host, tc.region, base, signed, tc.host, tc.signed)
		}
	}
}
