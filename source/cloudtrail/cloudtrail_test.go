package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const account = "222222222222"

// A trail is a bucket in the making: log files and digests as CloudTrail
// delivers them (CloudTrail record contents; CloudTrail digest file structure).
type trail struct {
	t      testing.TB
	dir    string
	before digestFile
	sum    string // of the digest before
	n      int
}

func newTrail(t testing.TB) *trail { return &trail{t: t, dir: t.TempDir()} }

func at(clock string) time.Time {
	v, err := time.Parse("2006-01-02 15:04", "2026-03-02 "+clock)
	if err != nil {
		panic(err)
	}
	return v
}

// login is the record of a sign-in to the console.
func login(id, when, identity, result, mfa string) string {
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":%s,"eventTime":"%s","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"eu-west-1",`+
		`"responseElements":{"ConsoleLogin":"%s"},"additionalEventData":{"MFAUsed":"%s"},"eventID":"%s","recipientAccountId":"%s"}`,
		identity, at(when).Format(time.RFC3339), result, mfa, id, account)
}

const (
	ana  = `{"type":"IAMUser","arn":"arn:aws:iam::222222222222:user/ana","accountId":"222222222222","userName":"ana"}`
	root = `{"type":"Root","accountId":"222222222222"}`
	sso  = `{"type":"AssumedRole","arn":"arn:aws:sts::222222222222:assumed-role/Admin/ben","accountId":"222222222222"}`
)

// other is a record that is no sign-in.
func other(id, when string) string {
	return fmt.Sprintf(`{"eventTime":"%s","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","requestParameters":null,"responseElements":null,"eventID":"%s","recipientAccountId":"%s"}`,
		at(when).Format(time.RFC3339), id, account)
}

func (c *trail) write(object string, body []byte) string {
	c.t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		c.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		c.t.Fatal(err)
	}
	p := filepath.Join(c.dir, filepath.FromSlash(object))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(p, b.Bytes(), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// log delivers one log file and returns what a digest says of it, and its path.
func (c *trail) log(when string, records ...string) (logFile, string) {
	c.n++
	object := fmt.Sprintf("AWSLogs/%s/CloudTrail/eu-west-1/2026/03/02/%s_CloudTrail_eu-west-1_%s_made%dup.json.gz", account, account, at(when).Format("20060102T1504Z"), c.n)
	body := []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
	sum := sha256.Sum256(body)
	return logFile{Object: object, Sum: hex.EncodeToString(sum[:]), Algorithm: "SHA-256"}, c.write(object, body)
}

// digest delivers the digest of an hour and returns its path.
func (c *trail) digest(from, to string, logs ...logFile) string {
	name := fmt.Sprintf("AWSLogs/%s/CloudTrail-Digest/eu-west-1/2026/03/02/%s_CloudTrail-Digest_eu-west-1_main_eu-west-1_%s.json.gz", account, account, at(to).Format("20060102T150405Z"))
	d := digestFile{Account: account, Start: at(from).Format(time.RFC3339), End: at(to).Format(time.RFC3339), Object: name, Logs: logs}
	if logs == nil {
		d.Logs = []logFile{}
	}
	if c.sum != "" {
		before, sum := c.before.Object, c.sum
		d.Before, d.BeforeSum = &before, &sum
	}
	body, err := json.Marshal(d)
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	c.before, c.sum = d, hex.EncodeToString(sum[:])
	return c.write(name, body)
}

func (c *trail) connection() sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "trail", With: `{"files":["AWSLogs"]}`, Env: source.Env{Dir: c.dir}, Window: audit.Window{
		Span: audit.Span{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		AsOf: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"}}
}

// day is three hours: with two files, with none, with one.
func day(t testing.TB) *trail {
	c := newTrail(t)
	a, _ := c.log("10:20", login("e-1", "10:11", ana, "Success", "Yes"), other("e-2", "10:12"))
	b, _ := c.log("10:20", login("e-3", "10:05", root, "Success", "No"))
	c.digest("10:01", "11:01", a, b)
	c.digest("11:01", "12:01")
	l, _ := c.log("12:50", login("e-4", "12:40", sso, "Failure", "No"))
	c.digest("12:01", "13:01", l)
	return c
}

func TestConform(t *testing.T) { sourcetest.Conform(t, day(t).connection(), "signIn") }

func shown(m audit.Manifest) string {
	return fmt.Sprintf("%s %s-%s complete %v %s", m.Scope, m.Covers.From.Format("15:04"), m.Covers.To.Format("15:04"), m.Complete, m.Reason)
}

func TestChainOfDigests(t *testing.T) {
	const loose = "no unbroken chain of digest files names these files: others of the same time may be missing"
	for _, tc := range []struct {
		name string
		make func(t *testing.T) *trail
		want []string
	}{
		{"unbroken", func(t *testing.T) *trail { return day(t) }, []string{"222222222222/eu-west-1 10:01-12:46 complete true "}},
		{"no digests", func(t *testing.T) *trail {
			c := newTrail(t)
			c.log("10:20", login("e-1", "10:11", ana, "Success", "Yes"), other("e-2", "10:14"))
			return c
		}, []string{"222222222222/eu-west-1 10:11-10:14 complete false " + loose}},
		{"a file is missing", func(t *testing.T) *trail {
			c := newTrail(t)
			a, _ := c.log("10:20", login("e-1", "10:11", ana, "Success", "Yes"))
			b, path := c.log("10:30", login("e-2", "10:21", ana, "Success", "Yes"))
			c.digest("10:01", "11:01", a, b)
			c.digest("11:01", "12:01")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return c
		}, []string{
			"222222222222/eu-west-1 09:46-11:01 complete false 222222222222_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260302T110100Z.json.gz: 1 of the 2 log files it names are missing",
			"222222222222/eu-west-1 11:01-11:46 complete true ",
			"222222222222/eu-west-1 10:11-10:11 complete false " + loose}},
		{"a file was altered", func(t *testing.T) *trail {
			c := newTrail(t)
			a, path := c.log("10:20", login("e-1", "10:11", root, "Success", "No"))
			c.digest("10:01", "11:01", a)
			c.write(strings.TrimPrefix(path, c.dir+"/"), []byte(`{"Records":[]}`))
			return c
		}, []string{
			"222222222222/eu-west-1 09:46-11:01 complete false 222222222222_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260302T110100Z.json.gz: 1 of the 1 log files it names are not as it says they were delivered",
			"222222222222/eu-west-1 10:20-10:20 complete false " + loose}},
		{"a digest is missing", func(t *testing.T) *trail {
			c := newTrail(t)
			c.digest("10:01", "11:01")
			path := c.digest("11:01", "12:01")
			c.digest("12:01", "13:01")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return c
		}, []string{"222222222222/eu-west-1 10:01-10:46 complete true ", "222222222222/eu-west-1 12:01-12:46 complete true "}},
		{"a digest was altered", func(t *testing.T) *trail {
			c := newTrail(t)
			l, _ := c.log("10:20", login("e-1", "10:11", root, "Success", "No"))
			path := c.digest("10:01", "11:01", l)
			c.digest("11:01", "12:01")
			d := digestFile{Account: account, Start: at("10:01").Format(time.RFC3339), End: at("11:01").Format(time.RFC3339), Object: strings.TrimPrefix(path, c.dir+"/"), Logs: []logFile{}}
			body, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			c.write(d.Object, body)
			return c
		}, []string{
			"222222222222/eu-west-1 09:46-11:01 complete false 222222222222_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260302T110100Z.json.gz: it is not as the digest after it says it was delivered",
			"222222222222/eu-west-1 11:01-11:46 complete true ",
			"222222222222/eu-west-1 10:11-10:11 complete false " + loose}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := sourcetest.Record(t, tc.make(t).connection())
			var got []string
			for _, m := range r.Manifests {
				got = append(got, shown(m))
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			for _, err := range r.Errs {
				t.Errorf("normalize: %v", err)
			}
		})
	}
}

func TestSignIns(t *testing.T) {
	r := sourcetest.Record(t, day(t).connection())
	want := map[string]string{
		"e-1": `{"account":"arn:aws:iam::222222222222:user/ana","mfa":true,"result":"success","root":false,"system":"trail"}`,
		"e-3": `{"account":"arn:aws:iam::222222222222:root","mfa":false,"result":"success","root":true,"system":"trail"}`,
		"e-4": `{"account":"arn:aws:sts::222222222222:assumed-role/Admin/ben","result":"failure","root":false,"system":"trail"}`,
	}
	for _, it := range r.Items {
		if string(it.Body) != want[it.ID] {
			t.Errorf("%s: got %s, want %s", it.ID, it.Body, want[it.ID])
		}
		delete(want, it.ID)
	}
	for id := range want {
		t.Errorf("%s is missing", id)
	}
	m := r.Manifest("signIn")
	if len(m.Checks) != 1 || !m.Checks[0].OK || m.Checks[0].Want != "3" {
		t.Errorf("checks: %+v; want three files named and found", m.Checks)
	}
}

func TestRead(t *testing.T) {
	sts := func(name, more string) string {
		return `{"eventID":"e","eventTime":"2026-03-02T10:00:00Z","eventSource":"sts.amazonaws.com","eventName":"` + name + `"` + more + `}`
	}
	for _, tc := range []struct{ name, in, want string }{
		{"root of a member", sts("AssumeRoot", `,"requestParameters":{"targetPrincipal":"333333333333"}`), "arn:aws:iam::333333333333:root success root"},
		{"root of a member, refused", sts("AssumeRoot", `,"errorCode":"AccessDenied","requestParameters":{"targetPrincipal":"333333333333"}`), "arn:aws:iam::333333333333:root failure root"},
		{"from an identity provider", sts("AssumeRoleWithSAML", `,"responseElements":{"assumedRoleUser":{"arn":"arn:aws:sts::1:assumed-role/R/ben"}}`), "arn:aws:sts::1:assumed-role/R/ben success "},
		{"a service taking a role", sts("AssumeRole", ``), "none"},
		{"another service's event of that name", strings.Replace(sts("ConsoleLogin", ``), "sts.", "x.", 1), "none"},
		{"no time", `{"eventID":"e","eventSource":"s","eventName":"n"}`, "error"},
		{"no id", `{"eventTime":"2026-03-02T10:00:00Z","eventSource":"s","eventName":"n"}`, "error"},
		{"not an object", `[]`, "error"},
	} {
		got := "none"
		s, err := Read(json.RawMessage(tc.in))
		if s != nil {
			got = s.Account + " " + s.Result + " " + map[bool]string{true: "root"}[s.Root]
		}
		if err != nil {
			got = "error"
		}
		if got != tc.want {
			t.Errorf("%s: got %q %v, want %q", tc.name, got, err, tc.want)
		}
	}
}

func TestNothingToRead(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(c *trail)
		why  string
	}{
		{"no file", func(*trail) {}, "no file matches AWSLogs"},
		{"outside the window", func(c *trail) {
			c.write("AWSLogs/222222222222_CloudTrail_eu-west-1_20240101T0000Z_x.json.gz", []byte(`{"Records":[]}`))
		}, "none of the 1 files is about a time within the window"},
		{"not a log", func(c *trail) { c.write("AWSLogs/notes.json", []byte(`{"a":1}`)) }, "AWSLogs/notes.json: it is not a log file of CloudTrail"},
		{"a record without a time", func(c *trail) { c.write("AWSLogs/l.json", []byte(`{"Records":[{}]}`)) }, "record 1 does not say when"},
		{"not a digest", func(c *trail) { c.write("AWSLogs/1_CloudTrail-Digest_x.json", []byte(`{}`)) }, "it is not a digest file"},
		{"not gzip", func(c *trail) {
			if err := os.MkdirAll(filepath.Join(c.dir, "AWSLogs"), 0o755); err != nil {
				c.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(c.dir, "AWSLogs", "x.json.gz"), []byte{0x1f, 0x8b, 0}, 0o600); err != nil {
				c.t.Fatal(err)
			}
		}, "AWSLogs/x.json.gz: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newTrail(t)
			tc.make(c)
			r := sourcetest.Record(t, c.connection())
			if len(r.Manifests) != 1 || r.Manifests[0].Complete || !strings.Contains(r.Manifests[0].Reason, tc.why) {
				t.Errorf("got %+v; want one stream, incomplete because %q", r.Manifests, tc.why)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for _, with := range []string{`{}`, `{"files":[]}`, `{"files":["["]}`, `{"dates":"name","files":["x"]}`} {
		if _, _, err := Driver.Open("trail", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v; want audit.ErrInvalid", with, err)
		}
	}
	if _, err := normalize([]byte(`{}`), audit.Page{Kind: "other"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a page of another kind: %v", err)
	}
}

// FuzzNormalize: no file makes normalizing panic or give an item outside the schema.
func FuzzNormalize(f *testing.F) {
	f.Add([]byte(`{"Records":[` + login("e-1", "10:11", ana, "Success", "Yes") + "," + other("e-2", "10:12") + `]}`))
	f.Add([]byte(`{"Records":[{"eventID":"e","eventTime":"2026-03-02T10:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoot"}]}`))
	f.Add([]byte(`{"Records":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, _ := normalize([]byte(`{"system":"trail"}`), audit.Page{Kind: kindRecords, Query: "q", Body: b})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s: %v", it.ID, err)
			}
		}
	})
}

// FuzzDigest: no digest file makes reading it panic, and one that is read says
// which stretch it is of.
func FuzzDigest(f *testing.F) {
	c := day(f)
	paths, err := filepath.Glob(filepath.Join(c.dir, "AWSLogs/*/CloudTrail-Digest/*/*/*/*/*"))
	if err != nil || len(paths) != 3 {
		f.Fatalf("%d digests, %v", len(paths), err)
	}
	for _, p := range paths {
		_, body, err := read(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := digestOf("x", b)
		if err == nil && (!d.start.Before(d.end) || d.scope == "" || d.trail == "") {
			t.Errorf("%+v", d)
		}
	})
}
