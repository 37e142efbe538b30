package githubhooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge/forgetest"
	"tieout/source/github"
	"tieout/source/sourcetest"
	"tieout/timeline"
)

type (
	obj = forgetest.Obj
	arr = forgetest.Arr
)

var (
	at  = forgetest.At
	sha = forgetest.SHA
)

// A journal is a folder of deliveries under construction.
type journal struct {
	t   testing.TB
	dir string
	n   int
}

func newJournal(t testing.TB) *journal {
	return &journal{t: t, dir: filepath.Join(t.TempDir(), "webhooks")}
}

// add appends a delivery that arrived at an instant, and returns its line.
func (j *journal) add(event, arrived string, payload any) string {
	j.n++
	return j.again(fmt.Sprintf("delivery-%d", j.n), event, arrived, payload)
}

func (j *journal) again(id, event, arrived string, payload any) string {
	j.t.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		j.t.Fatal(err)
	}
	line, err := json.Marshal(github.Delivery{ID: id, Event: event, Received: arrived, Signature: "sha256=00", Payload: string(text)})
	if err != nil {
		j.t.Fatal(err)
	}
	j.raw(arrived, string(line)+"\n")
	return string(line)
}

func (j *journal) raw(arrived, text string) {
	j.t.Helper()
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		j.t.Fatal(err)
	}
	when, err := audit.ParseTime(arrived)
	if err != nil {
		j.t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(j.dir, github.JournalName(when)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		j.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		j.t.Fatal(err)
	}
}

func (j *journal) connection(extra string) sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "hooks", With: `{"folder":"webhooks","system":"hub"` + extra + `}`, Env: source.Env{Dir: filepath.Dir(j.dir)}, Window: forgetest.Window()}
}

// collect reads the journal and holds every item to the schema.
func (j *journal) collect(extra string) *sourcetest.Recorder {
	j.t.Helper()
	rec := sourcetest.Record(j.t, j.connection(extra))
	for _, it := range rec.Items {
		mode := audit.ModeChanges
		if it.Type == "change" {
			mode = audit.ModeEvents
		}
		if err := errors.Join(sourcetest.Valid(it), timeline.Check(mode, it)); err != nil {
			j.t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, m := range rec.Manifests {
		if m.Complete || !strings.Contains(m.Reason, "leaves no trace") {
			j.t.Errorf("stream %s is complete, or does not say why not: %q", m.Type, m.Reason)
		}
	}
	return rec
}

func person(login string, id int) obj { return obj{"login": login, "id": id, "type": "User"} }

func repo() obj {
	return obj{"full_name": "octo/api", "default_branch": "main", "pushed_at": forgetest.Start.AddDate(0, 0, 9).Unix()}
}

func review(login string, id int, state, when string) obj {
	return obj{"action": "submitted", "repository": repo(), "pull_request": obj{"number": 5}, "review": obj{"user": person(login, id), "state": state, "submitted_at": when}}
}

func merge(when string) obj {
	return obj{"action": "closed", "repository": repo(), "pull_request": obj{"number": 5, "title": "Add export (OPS-1)", "body": "Fixes #3", "merged_at": when, "created_at": at(1, "08:00"), "merge_commit_sha": sha("m5"),
		"user": person("ana", 11), "merged_by": person("ben", 12), "labels": arr{obj{"name": "hotfix"}}, "head": obj{"ref": "x"}, "base": obj{"ref": "main"}}}
}

func pushed(forced bool, ref string) obj {
	return obj{"ref": ref, "after": sha("p"), "forced": forced, "deleted": false, "sender": person("dan", 14), "repository": repo(),
		"head_commit": obj{"message": "Rewrite\n\nRefs OPS-2", "author": obj{"username": "dan", "email": "dan@acme.test"}}}
}

func rule(action string, more obj) obj {
	r := obj{"name": "main", "updated_at": "2026-03-05T08:00:00.000-04:00", "pull_request_reviews_enforcement_level": "everyone", "dismiss_stale_reviews_on_push": true, "require_code_owner_review": false,
		"signature_requirement_enforcement_level": "off", "allow_force_pushes_enforcement_level": "off", "allow_deletions_enforcement_level": "everyone", "admin_enforced": true}
	for k, v := range more {
		r[k] = v
	}
	return obj{"action": action, "rule": r, "repository": repo()}
}

// full is a journal with one of everything.
func full(t testing.TB) *journal {
	j := newJournal(t)
	j.add("ping", at(1, "00:00"), obj{"zen": "words"})
	j.add("pull_request_review", "2026-02-27T08:00:00Z", review("cleo", 13, "approved", "2026-02-27T08:00:00Z"))
	j.add("organization", at(2, "08:00"), obj{"action": "member_added", "membership": obj{"role": "admin", "user": person("eve", 15)}, "organization": obj{"login": "octo"}})
	j.add("member", at(3, "08:00"), obj{"action": "added", "member": person("fay", 16), "repository": repo(), "changes": obj{"permission": obj{"to": "maintain"}}})
	j.add("branch_protection_rule", at(5, "12:01"), rule("created", nil))
	j.add("branch_protection_rule", at(6, "08:01"), rule("edited", obj{"updated_at": at(6, "08:00"), "admin_enforced": false, "allow_force_pushes_enforcement_level": "everyone"}))
	j.add("branch_protection_rule", at(7, "08:00"), rule("deleted", nil))
	j.add("branch_protection_rule", at(7, "09:00"), rule("created", obj{"name": "release/*"}))
	j.add("pull_request_review", at(8, "08:00"), review("ana", 11, "approved", at(8, "08:00")))
	j.add("pull_request_review", at(8, "09:00"), review("dan", 14, "approved", at(8, "09:00")))
	j.add("pull_request_review", at(8, "10:00"), obj{"action": "dismissed", "repository": repo(), "pull_request": obj{"number": 5}, "review": obj{"user": person("dan", 14), "state": "dismissed", "submitted_at": at(8, "09:00")}})
	j.add("pull_request", at(9, "08:01"), merge(at(9, "08:00")))
	j.add("pull_request_review", at(9, "10:00"), review("ben", 12, "approved", at(9, "10:00")))
	j.add("push", at(10, "00:01"), pushed(true, "refs/heads/main"))
	j.add("push", at(10, "00:02"), pushed(false, "refs/heads/main"))
	j.add("push", at(10, "00:03"), pushed(true, "refs/heads/topic"))
	j.add("member", at(11, "08:00"), obj{"action": "removed", "member": person("fay", 16), "repository": repo()})
	j.add("organization", at(12, "08:00"), obj{"action": "member_removed", "membership": obj{"role": "admin", "user": person("eve", 15)}, "organization": obj{"login": "octo"}})
	j.add("organization", "2026-02-01T08:00:00Z", obj{"action": "member_added", "membership": obj{"role": "member", "user": person("old", 17)}, "organization": obj{"login": "octo"}})
	return j
}

// TestItems holds what deliveries become, and when.
func TestItems(t *testing.T) {
	rec := full(t).collect("")
	var got []string
	for _, it := range rec.Items {
		got = append(got, fmt.Sprintf("%s %s %s %v %s", it.Type, it.ID, audit.FormatTime(it.At), it.Gone, it.Body))
	}
	slices.Sort(got)
	want := []string{
		`change octo/api#5 2026-03-09T08:00:00Z false {"approvals":["cleo"],"approvedLater":["ben"],"approvedLaterAt":"2026-03-09T10:00:00Z","author":"ana","bot":false,"branch":"main","commit":"` + sha("m5") + `","direct":false,"emergency":true,"mergedBy":"ben","number":5,"openedAt":"2026-03-01T08:00:00Z","repository":"octo/api","revert":false,"tickets":["#3","OPS-1"],"title":"Add export (OPS-1)"}`,
		`change octo/api@` + sha("p") + ` 2026-03-10T00:00:00Z false {"approvals":[],"approvedLater":[],"approvedLaterAt":"never","author":"dan","bot":false,"branch":"main","commit":"` + sha("p") + `","direct":true,"emergency":false,"mergedBy":"dan","number":0,"openedAt":"never","repository":"octo/api","revert":false,"tickets":["OPS-2"],"title":"Rewrite"}`,
		`membership hub/octo/api/16 2026-03-03T08:00:00Z false {"account":"hub/16","grantedAt":"2026-03-03T08:00:00Z","group":"octo/api","role":"maintainer","system":"hub"}`,
		`membership hub/octo/api/16 2026-03-11T08:00:00Z true `,
		`membership hub/organization/15 2026-03-02T08:00:00Z false {"account":"hub/15","grantedAt":"2026-03-02T08:00:00Z","group":"octo","privileged":true,"role":"owner","system":"hub"}`,
		`membership hub/organization/15 2026-03-12T08:00:00Z true `,
		`protection octo/api:main 2026-03-05T12:00:00Z false {"branch":"main","dismissStale":true,"enabled":true,"forcePush":false,"repository":"octo/api"}`,
		`protection octo/api:main 2026-03-06T08:00:00Z false {"adminsBound":false,"branch":"main","dismissStale":true,"enabled":true,"repository":"octo/api"}`,
		`protection octo/api:main 2026-03-07T08:00:00Z false {"branch":"main","repository":"octo/api"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(rec.Errs) > 0 {
		t.Errorf("normalize: %v", rec.Errs)
	}
	for _, p := range rec.Pages {
		if p.Source != "hooks" || p.Query == "" || p.Media == "" || strings.Contains(p.Query, filepath.Dir(full(t).dir)) {
			t.Errorf("page %s: query %q", p.Kind, p.Query)
		}
		a, errA := Driver.Normalize(rec.Config, p)
		p.Collected, p.Source, p.Cursor = p.Collected.AddDate(1, 0, 0), "other", "x"
		b, errB := Driver.Normalize(rec.Config, p)
		if fmt.Sprint(a, errA) != fmt.Sprint(b, errB) {
			t.Errorf("page %s normalizes to two results", p.Kind)
		}
	}
}

// TestNoApprovals: that no review came proves nothing.
func TestNoApprovals(t *testing.T) {
	j := newJournal(t)
	j.add("pull_request", at(9, "08:01"), merge(at(9, "08:00")))
	f := forgetest.Fields(t, j.collect(""), "change", "octo/api#5")
	for _, name := range []string{"approvals", "approvedLater", "approvedLaterAt"} {
		if v, there := f[name]; there {
			t.Errorf("%s is %v; want it not collected", name, v)
		}
	}
}

// TestSentAgain: a delivery that GitHub sent twice counts once.
func TestSentAgain(t *testing.T) {
	j := newJournal(t)
	payload := obj{"action": "member_added", "membership": obj{"role": "member", "user": person("eve", 15)}, "organization": obj{"login": "octo"}}
	j.again("one", "organization", at(2, "08:00"), payload)
	j.again("one", "organization", at(4, "08:00"), payload)
	if got := j.collect("").ByType("membership"); len(got) != 1 || audit.FormatTime(got[0].At) != at(2, "08:00") {
		t.Errorf("got %v", got)
	}
}

// TestBroken: what cannot be read is named by file and line, and the rest is read.
func TestBroken(t *testing.T) {
	for _, tc := range []struct{ name, line, want string }{
		{"cut off", `{"delivery":"x`, "deliveries-2026-03-02.jsonl:2: the line is not a delivery, or was cut off"},
		{"another program's", `{"time":1}`, "is not a delivery"},
		{"without an arrival", `{"delivery":"x","event":"push","received":"","signature":"","payload":"{}"}`, "without its id, event or arrival"},
		{"a request of nothing", `{"delivery":"x","event":"pull_request","received":"` + at(2, "08:00") + `","signature":"","payload":"{}"}`, "delivery x: a request without a number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := newJournal(t)
			j.add("organization", at(2, "07:00"), obj{"action": "member_added", "membership": obj{"role": "member", "user": person("eve", 15)}, "organization": obj{"login": "octo"}})
			j.raw(at(2, "08:00"), tc.line+"\n")
			j.add("organization", at(2, "09:00"), obj{"action": "member_removed", "membership": obj{"role": "member", "user": person("eve", 15)}, "organization": obj{"login": "octo"}})
			rec := j.collect("")
			if m := rec.Manifest("change"); !strings.Contains(m.Reason, tc.want) {
				t.Errorf("reason %q; want %q", m.Reason, tc.want)
			}
			if got := len(rec.ByType("membership")); got != 2 {
				t.Errorf("%d memberships; want 2", got)
			}
		})
	}
}

// TestNoJournal: a folder that is not there is no silence.
func TestNoJournal(t *testing.T) {
	j := newJournal(t)
	if m := j.collect("").Manifest("change"); !strings.Contains(m.Reason, "the journal cannot be read: no such file or directory") {
		t.Errorf("reason %q", m.Reason)
	}
}

// TestStops: a sink that fails and a canceled context end the collection.
func TestStops(t *testing.T) {
	c := full(t).connection("")
	boom := errors.New("the disk is full")
	for page := range 2 {
		col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
		if err != nil {
			t.Fatal(err)
		}
		rec := &sourcetest.Recorder{Fail: func(n int) error {
			if n == page {
				return boom
			}
			return nil
		}}
		if err := col.Collect(t.Context(), c.Window, rec); !errors.Is(err, boom) {
			t.Errorf("page %d: %v; want the sink's error", page, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		rec = &sourcetest.Recorder{OnPage: func(n int) {
			if n == page {
				cancel()
			}
		}}
		if err := col.Collect(ctx, c.Window, rec); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled after page %d: %v", page, err)
		}
		cancel()
	}
}

func TestSettings(t *testing.T) {
	for with, want := range map[string]string{
		`{}`:                                "folder: it is needed",
		`{"folder":"x","more":1}`:           "unknown field",
		`{"folder":"x","emergency":"("}`:    "emergency:",
		`{"folder":"x","system":7}`:         "cannot unmarshal",
		`{"folder":"x"} {"folder":"again"}`: "something follows",
	} {
		if _, _, err := Driver.Open("hooks", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", with, err, want)
		}
	}
}

// recordings are example payloads of GitHub's webhooks.
func recordings(t testing.TB) (out []struct {
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
}) {
	t.Helper()
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRecorded reads payloads as GitHub writes them: of all of them only the
// member who joined and the collaborator are of the window, and nothing fails.
func TestRecorded(t *testing.T) {
	j := newJournal(t)
	for i, r := range recordings(t) {
		j.add(r.Event, forgetest.Start.AddDate(0, 0, i).Format(time.RFC3339), r.Payload)
	}
	rec := j.collect("")
	if len(rec.Errs) > 0 {
		t.Errorf("normalize: %v", rec.Errs)
	}
	if got := len(rec.ByType("membership")); got != 2 {
		t.Errorf("%d memberships; want 2", got)
	}
	c := j.connection("")
	c.Window.Span = audit.Span{From: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), To: forgetest.Noon}
	rec = sourcetest.Record(t, c)
	f := forgetest.Fields(t, rec, "protection", rec.ByType("protection")[0].ID)
	if f["enabled"] != true || f["forcePush"] != false || f["dismissStale"] != true || f["adminsBound"] != false {
		t.Errorf("the recorded rule reads as %v", f)
	}
}

// TestReceivedThenRead: what the receiver keeps is what the source reads.
func TestReceivedThenRead(t *testing.T) {
	j := newJournal(t)
	secret := []byte("secret-of-the-hook-in-tests")
	h, err := github.Webhooks(github.WebhookOptions{Secret: secret, Folder: j.dir, Now: func() time.Time { return forgetest.Start.AddDate(0, 0, 1) }})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(obj{"action": "member_added", "membership": obj{"role": "admin", "user": person("eve", 15)}, "organization": obj{"login": "octo"}})
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	req := httptest.NewRequest("POST", "/hooks/github", bytes.NewReader(body))
	for k, v := range map[string]string{"X-GitHub-Delivery": "d-1", "X-GitHub-Event": "organization", "Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + hex.EncodeToString(mac.Sum(nil))} {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, req); w.Code != 202 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	rec := j.collect("")
	if f := forgetest.Fields(t, rec, "membership", "hub/organization/15"); f["role"] != "owner" || f["grantedAt"] != "2026-03-02T00:00:00Z" {
		t.Errorf("got %v", f)
	}
	if !strings.Contains(string(rec.Pages[0].Body), `"signature":"sha256=`) {
		t.Error("the page does not hold the signature")
	}
}

// FuzzNormalize: no page makes normalizing panic, or give what the schema does not know.
func FuzzNormalize(f *testing.F) {
	rec := full(f).collect("")
	for _, p := range rec.Pages {
		f.Add(p.Kind, p.Body)
	}
	for _, r := range recordings(f) {
		line, err := json.Marshal(github.Delivery{ID: "d", Event: r.Event, Received: at(2, "08:00"), Payload: string(r.Payload)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kindDeliveries, line)
		f.Add(kindRequest, line)
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		forgetest.Fuzzed(t, Driver, rec.Config, audit.Page{Source: "hooks", Kind: kind, Media: "application/jsonl", Body: body, About: forgetest.Window().Span})
	})
}
