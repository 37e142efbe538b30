package aws

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const memberAccount = "222222222222" // of the organization, in what was recorded

// replayWindow is read on a day after everything that was recorded.
var replayWindow = audit.Window{
	Span: audit.Span{From: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 12, 15, 8, 0, 0, 0, time.UTC), Zone: "UTC",
}

// A kept is one question and its answer as they went over the wire.
type kept struct {
	Account string `json:"account"`
	Key     string `json:"key"`
	Status  int    `json:"status"`
	Type    string `json:"type"`
	Body    string `json:"body"`
}

var scopeOfKey = regexp.MustCompile(`Credential=([A-Z0-9]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request`)

// keyOf names a question: service, region, method, target and what it asks for.
func keyOf(req *http.Request, body []byte) (credential, key string) {
	m := scopeOfKey.FindStringSubmatch(req.Header.Get("Authorization"))
	if m == nil {
		return "", "unsigned"
	}
	return m[1], strings.Join([]string{m[3], m[2], req.Method, req.URL.RequestURI(), req.Header.Get("X-Amz-Target"), string(body)}, " ")
}

// keeping passes questions on to the emulator and keeps what is said.
type keeping struct{ list *[]kept }

func (k keeping) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	credential, key := keyOf(req, body)
	account := memberAccount
	if credential == "AKIAMADEUP" {
		account = ownAccount
	}
	if !strings.Contains(key, "Action=AssumeRole") {
		*k.list = append(*k.list, kept{account, key, resp.StatusCode, resp.Header.Get("Content-Type"), string(answer)})
	}
	return resp, err
}

// An aws is a server that answers as it was recorded, except where a test says otherwise.
type replay struct {
	t       testing.TB
	answers map[string]kept
	change  func(account, key string, a kept) kept
	asked   []string
	unknown []string
	waits   int
}

func newReplay(t testing.TB) *replay {
	t.Helper()
	r := &replay{t: t, answers: map[string]kept{}}
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<22)
	for sc.Scan() {
		var k kept
		if err := json.Unmarshal(sc.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		r.answers[k.Account+" "+k.Key] = k
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

const roleAnswer = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIA%s</AccessKeyId>` +
	`<SecretAccessKey>assumed-secret</SecretAccessKey><SessionToken>assumed-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`

func (r *replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	credential, key := keyOf(req, body)
	account := ownAccount
	if n, ok := strings.CutPrefix(credential, "ASIA"); ok {
		account = n
	}
	a, known := r.answers[account+" "+key]
	if strings.Contains(key, "Action=AssumeRole&") {
		a, known = kept{Status: 200, Body: fmt.Sprintf(roleAnswer, memberAccount)}, true
	}
	if extra, ok := madeUp(account, key); ok {
		a, known = extra, true
	}
	if r.change != nil {
		changed := r.change(account, key, a)
		known = known || changed.Status != 0
		a = changed
	}
	r.asked = append(r.asked, account+" "+key)
	if !known {
		r.unknown = append(r.unknown, account+" "+key)
		a = kept{Status: 404, Body: "nothing was recorded"}
	}
	w.Header().Set("Content-Type", a.Type)
	w.WriteHeader(a.Status)
	if _, err := io.WriteString(w, a.Body); err != nil {
		r.t.Error(err)
	}
}

const replaySettings = `{"endpoint":"%s","allow":"loopback","accessKey":"env:KEY","secretKey":"env:SECRET","role":"TieoutReadOnly","organization":true,` +
	`"regions":["eu-west-1"],"environments":{"production":["222222222222"]},` +
	`"tags":{"environment":"Environment","classification":"Class","owner":"Team","employeeNumber":"EmployeeNumber"},"person":"hr/{employeeNumber}","privileged":[]}`

// connection starts the server and returns a connection to it.
func (r *replay) connection() sourcetest.Connection {
	srv := httptest.NewServer(r)
	r.t.Cleanup(srv.Close)
	return sourcetest.Connection{Driver: Driver, Name: "aws", With: fmt.Sprintf(replaySettings, srv.URL), Window: replayWindow,
		Env: source.Env{Secret: secretOf}}
}

// collect reads the connection without sleeping.
func (r *replay) collect(c sourcetest.Connection) (*sourcetest.Recorder, error) {
	r.t.Helper()
	col, config, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		r.t.Fatal(err)
	}
	col.(*collector).wait = count(&r.waits)
	rec := &sourcetest.Recorder{Driver: Driver, Config: config}
	return rec, col.Collect(r.t.Context(), c.Window, rec)
}

// closed returns the manifest of a type and scope.
func closed(t testing.TB, r *sourcetest.Recorder, typ, scope string) audit.Manifest {
	t.Helper()
	i := slices.IndexFunc(r.Manifests, func(m audit.Manifest) bool { return m.Type == typ && m.Scope == scope })
	if i < 0 {
		t.Fatalf("no stream %s %s was closed", typ, scope)
	}
	return r.Manifests[i]
}
