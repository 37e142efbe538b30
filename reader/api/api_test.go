package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/store"
)

// TestReadsAsTheScreens: what programs read is what the screens say.
func TestReadsAsTheScreens(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	st := c.get("/status")
	look, err := w.web.Look(t.Context(), access.Subject{Workspace: access.Company, Kind: audit.ActorCommand, Account: "x", Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer look.Close()
	if got := in(st, "summary", "text"); got != look.Report.Sentence || in(st, "result", "tested") != true {
		t.Errorf("status %v, want %q", st, look.Report.Sentence)
	}
	if n := len(look.Deviations); n == 0 || in(st, "result", "deviations") != float64(n) {
		t.Fatalf("deviations %v, want %d", in(st, "result", "deviations"), n)
	}
	dev := in(c.get("/deviations?control=IAM-02"), "items", 0, "ref")
	one := c.get(fmt.Sprint("/deviations/", dev))
	ref := fmt.Sprint(in(one, "result", "evidence", 0, "record", "digest"))
	if !strings.HasPrefix(ref, "sha256:") || in(one, "summary", "text") == "" {
		t.Errorf("deviation %v", one)
	}
	for path, list := range map[string]int{"/periods": 1, "/controls": 1, "/gaps": 1, "/populations": 1, "/connectors": 2, "/tasks": 0, "/people": 2, "/accounts": 1, "/coverage": 1, "/evidence": 3, "/log/entries": 3, "/activities": 1} {
		got := c.get(path)
		if items, ok := in(got, "items").([]any); !ok || len(items) < list || in(got, "summary", "text") == "" {
			t.Errorf("%s: %d items, want %d or more; %v", path, len(items), list, in(got, "summary"))
		}
	}
	for _, path := range []string{"/readiness", "/system", "/log", "/controls/IAM-02", "/populations/access.leavers.accounts", "/people/hr%2F7"} {
		if got := c.get(path); in(got, "summary", "text") == "" || in(got, "result") == nil {
			t.Errorf("%s: %v", path, got)
		}
	}
	items := c.get("/populations/access.leavers.accounts/items?outcome=deviation")
	if in(items, "items", 0, "outcome") != "deviation" {
		t.Errorf("items %v", items)
	}
}

// TestOnlyTheirs: somebody who is given one control reads of that one only.
func TestOnlyTheirs(t *testing.T) {
	w := newWorld(t)
	theirs := ""
	for _, x := range in(w.lead().get("/controls"), "items").([]any) {
		if procs, _ := in(x, "procedures").([]any); len(procs) == 0 || !slices.Contains(procs, any("access.leavers.accounts")) {
			theirs = fmt.Sprint(in(x, "control", "id"))
		}
	}
	c := w.as("owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: theirs})
	list := c.get("/controls")
	if items, _ := in(list, "items").([]any); len(items) != 1 || in(items, 0, "control", "id") != theirs {
		t.Errorf("controls %v", list)
	}
	if items, _ := in(c.get("/deviations"), "items").([]any); len(items) != 0 {
		t.Errorf("deviations of others: %v", items)
	}
	for _, path := range []string{"/controls/IAM-02", "/populations/access.leavers.accounts", "/log", "/accounts", "/people/hr%2F7"} {
		got := want(t, path, c.send("GET", path, ""), http.StatusForbidden)
		if strings.Contains(fmt.Sprint(got), "Okafor") {
			t.Errorf("%s: the refusal tells what is behind it: %v", path, got)
		}
	}
}

// TestToken: no token, one that ended, one that was made for less.
func TestToken(t *testing.T) {
	w := newWorld(t)
	grant := access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}
	id := w.account("lead", grant)
	none := w.with(id)
	got := none.send("GET", "/status", "")
	want(t, "no token", got, http.StatusUnauthorized)
	if !strings.HasPrefix(got.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("headers %v", got.Header())
	}
	for name, h := range map[string]string{"another scheme": "Basic dGllb3V0", "empty": "Bearer ", "long": "Bearer tieout_" + strings.Repeat("x", 300)} {
		want(t, name, none.send("GET", "/status", "", "Authorization", h), http.StatusUnauthorized)
	}
	small := w.with(id, "period.read")
	small.get("/status")
	want(t, "made for less", small.send("GET", "/evidence/E-3/raw", ""), http.StatusForbidden)
	want(t, "made for less, writing", small.send("POST", "/risks", riskExample), http.StatusForbidden)
	w.at = w.at.AddDate(0, 2, 0)
	want(t, "ended", small.send("GET", "/status", ""), http.StatusUnauthorized)
	if got := none.send("GET", "/openapi.json", ""); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `"openapi":"3.1.0"`) {
		t.Errorf("the document: %d %.200s", got.Code, got.Body)
	}
	want(t, "nothing there", w.lead2(t).send("GET", "/nothing", ""), http.StatusNotFound)
	want(t, "another method", w.lead2(t).send("DELETE", "/status", ""), http.StatusMethodNotAllowed)
}

// lead2 is another compliance lead.
func (w *world) lead2(t testing.TB) *client {
	t.Helper()
	return w.as(fmt.Sprintf("lead%d", w.at.UnixNano()), access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
}

// TestPages: a list read page by page is the list, once, in its order; a cursor
// is of one list.
func TestPages(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	for _, path := range []string{"/controls", "/evidence", "/log/entries", "/activities", "/populations/access.leavers.accounts/items", "/gaps"} {
		var whole, paged []string
		for _, x := range in(c.get(path+"?limit=200"), "items").([]any) {
			whole = append(whole, fmt.Sprint(x))
		}
		for next := Prefix + path + "?limit=7"; next != ""; {
			got := c.send("GET", strings.TrimPrefix(next, Prefix), "")
			v := want(t, next, got, http.StatusOK)
			for _, x := range in(v, "items").([]any) {
				paged = append(paged, fmt.Sprint(x))
			}
			link := got.Header().Get("Link")
			if next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`); (in(v, "page", "next") == nil) != (next == "") {
				t.Fatalf("%s: link %q, page %v", path, link, in(v, "page"))
			}
		}
		if len(whole) == 0 || len(whole) < 200 && !slices.Equal(whole, paged) {
			t.Errorf("%s: %d by pages, %d whole", path, len(paged), len(whole))
		}
	}
	next := fmt.Sprint(in(c.get("/controls?limit=1"), "page", "next"))
	for name, path := range map[string]string{"another list": "/gaps?cursor=" + next, "other filters": "/controls?owner=x&cursor=" + next, "no cursor": "/controls?cursor=!!",
		"a limit too large": "/controls?limit=201", "no limit": "/controls?limit=0", "an unknown question": "/controls?nothing=1"} {
		v := want(t, name, c.send("GET", path, ""), http.StatusUnprocessableEntity)
		if loc := fmt.Sprint(in(v, "errors", 0, "location")); !strings.HasPrefix(loc, "query.") {
			t.Errorf("%s: location %q", name, loc)
		}
	}
}

// TestTagged: what was read before is not sent again; a change needs the tag of
// what it was made from.
func TestTagged(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	got := c.send("GET", "/controls", "")
	tag := got.Header().Get("ETag")
	if again := c.send("GET", "/controls", "", "If-None-Match", tag); tag == "" || again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("%q: %d, %d bytes", tag, again.Code, again.Body.Len())
	}
	made := c.send("POST", "/risks", riskFor(c.account))
	want(t, "a risk", made, http.StatusCreated)
	if made.Header().Get("ETag") != `"1"` || made.Header().Get("Location") != Prefix+"/risks/R-1" {
		t.Errorf("headers %v", made.Header())
	}
	changed := strings.Replace(riskFor(c.account), `"impact":4`, `"impact":5`, 1)
	v := want(t, "without a tag", c.send("PUT", "/risks/R-1", changed), http.StatusPreconditionRequired)
	if in(v, "errors", 0, "location") != "header.If-Match" {
		t.Errorf("%v", v)
	}
	for _, tag := range []string{`"7"`, `"0"`, `W/"1"`, "1", `"x"`} {
		want(t, "tag "+tag, c.send("PUT", "/risks/R-1", changed, "If-Match", tag), http.StatusPreconditionFailed)
	}
	second := c.send("PUT", "/risks/R-1", changed, "If-Match", `"1"`)
	if v := want(t, "the change", second, http.StatusOK); in(v, "result", "impact") != float64(5) || second.Header().Get("ETag") != `"2"` {
		t.Errorf("%v %v", v, second.Header())
	}
	want(t, "the change again", c.send("PUT", "/risks/R-1", changed, "If-Match", `"1"`), http.StatusPreconditionFailed)
	if in(c.get("/risks/R-1"), "result", "impact") != float64(5) {
		t.Error("the change is not there")
	}
}

func riskFor(owner string) string {
	return strings.Replace(riskExample, `"owner":""`, fmt.Sprintf("%q:%q", "owner", owner), 1)
}

// TestOnce: a request that is sent again does nothing more and is answered alike;
// another one under its key is refused.
func TestOnce(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	key := func(k string) []string { return []string{"Idempotency-Key", k} }
	count := func() (n int) {
		if err := w.web.Home().Store.Records(t.Context(), store.RecordFilter{}, func(audit.Record) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	report := `{"detail":"A list went astray","detected":"2026-03-27T10:00:00Z"}`
	doc := map[string]string{"title": "Minutes", "first": "2026-03-02"}
	for name, send := range map[string]struct{ first, other func() (int, string) }{
		"a risk":       {sending(c, "POST", "/risks", riskFor(c.account), key("r")...), sending(c, "POST", "/risks", strings.Replace(riskFor(c.account), "leaks", "is lost", 1), key("r")...)},
		"an incident":  {sending(c, "POST", "/incidents", report, key("i")...), sending(c, "POST", "/incidents", strings.Replace(report, "list", "file", 1), key("i")...)},
		"across kinds": {sending(c, "POST", "/vendors", vendorExample, key("x")...), sending(c, "POST", "/risks", riskFor(c.account), key("x")...)},
		"a job":        {sending(c, "POST", "/jobs", `{"kind":"check"}`, key("j")...), sending(c, "POST", "/jobs", `{"kind":"collect"}`, key("j")...)},
		"a document": {func() (int, string) {
			g := c.upload("m.txt", "we met", doc, key("d")...)
			return g.Code, g.Body.String()
		},
			func() (int, string) {
				g := c.upload("m.txt", "we met not", doc, key("d")...)
				return g.Code, g.Body.String()
			}},
	} {
		status, body := send.first()
		if status != http.StatusCreated && status != http.StatusAccepted {
			t.Fatalf("%s: %d %s", name, status, body)
		}
		before := count()
		if again, same := send.first(); again != status || same != body {
			t.Errorf("%s again: %d %s, want %d %s", name, again, same, status, body)
		}
		if n := count(); n != before {
			t.Errorf("%s again: the log grew by %d", name, n-before)
		}
		if other, text := send.other(); other != http.StatusUnprocessableEntity {
			t.Errorf("%s: another request under the key: %d %s", name, other, text)
		}
		if n := count(); n != before {
			t.Errorf("%s: another request under its key wrote %d records", name, n-before)
		}
	}
	if w.wake != 1 {
		t.Errorf("workers were woken %d times", w.wake)
	}
}

// TestChanges: what stands already is changed from what was read, and only as far
// as it can be.
func TestChanges(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	report := want(t, "report", c.send("POST", "/incidents", `{"detail":"A list went astray","detected":"2026-03-27T10:00:00Z"}`), http.StatusCreated)
	if in(report, "result", "id") != "INC-1" {
		t.Fatalf("%v", report)
	}
	step := `{"step":"acknowledged","text":"Looked at","took":"2026-03-27T11:00:00Z"}`
	want(t, "a step without a tag", c.send("POST", "/incidents/INC-1/steps", step), http.StatusPreconditionRequired)
	want(t, "a step from before", c.send("POST", "/incidents/INC-1/steps", step, "If-Match", `"0"`), http.StatusPreconditionFailed)
	want(t, "a step", c.send("POST", "/incidents/INC-1/steps", step, "If-Match", `"1"`), http.StatusCreated)
	v := want(t, "closing too early", c.send("POST", "/incidents/INC-1/steps", strings.Replace(step, "acknowledged", "closed", 1), "If-Match", `"2"`), http.StatusConflict)
	if !strings.Contains(fmt.Sprint(v["detail"]), "cannot be closed yet") {
		t.Errorf("%v", v)
	}
	want(t, "in the future", c.send("POST", "/incidents/INC-1/steps", strings.Replace(step, "2026-03-27T11", "2030-03-27T11", 1), "If-Match", `"2"`), http.StatusUnprocessableEntity)
	if got := want(t, "writing", c.send("PUT", "/incidents/INC-1", `{"title":"A list went astray","severity":"sev3"}`, "If-Match", `"2"`), http.StatusOK); in(got, "result", "severity") != "sev3" || in(got, "result", "subjects") != float64(-1) {
		t.Errorf("%v", got)
	}
	want(t, "a draft", c.send("PUT", "/policies/remote/draft", `{"title":"Remote work","text":"Lock the screen."}`, "If-Match", `"0"`), http.StatusOK)
	want(t, "a second beginning", c.send("PUT", "/policies/remote/draft", `{"title":"Remote","text":"x"}`, "If-Match", `"0"`), http.StatusPreconditionFailed)
	if got := c.get("/policies/remote"); in(got, "result", "next", "text") != "Lock the screen." || in(got, "result", "inForce") != nil || in(got, "result", "status") != "draft" {
		t.Errorf("%v", got)
	}
}

// TestTwoAtOnce: of two changes made from the same state one counts, and the
// other is told so.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	want(t, "a risk", c.send("POST", "/risks", riskFor(c.account)), http.StatusCreated)
	codes := make(chan int, 8)
	for i := range cap(codes) {
		go func() {
			r := httptest.NewRequest("PUT", Prefix+"/risks/R-1", strings.NewReader(strings.Replace(riskFor(c.account), "leaks", fmt.Sprint("leaks ", i), 1)))
			r.Host = host
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("If-Match", `"1"`)
			got := httptest.NewRecorder()
			w.web.ServeHTTP(got, r)
			codes <- got.Code
		}()
	}
	n := map[int]int{}
	for range cap(codes) {
		n[<-codes]++
	}
	if n[http.StatusOK] != 1 || n[http.StatusPreconditionFailed] != cap(codes)-1 {
		t.Errorf("answers %v, want one 200 and else 412", n)
	}
	if got := in(c.get("/risks/R-1"), "result", "revision"); got != float64(2) {
		t.Errorf("revision %v, want 2", got)
	}
}

// TestJobs: a job is asked for once while it is open, canceled, and asked for
// again.
func TestJobs(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	job := fmt.Sprint(in(want(t, "start", c.send("POST", "/jobs", `{"kind":"collect","sources":["hr"]}`), http.StatusAccepted), "result", "id"))
	if again := want(t, "the same", c.send("POST", "/jobs", `{"kind":"collect","sources":["hr"]}`), http.StatusAccepted); in(again, "result", "id") != job {
		t.Errorf("%v, want job %s", again, job)
	}
	want(t, "retry of an open one", c.send("POST", "/jobs/"+job+"/retry", ""), http.StatusConflict)
	for range 2 {
		if got := want(t, "cancel", c.send("POST", "/jobs/"+job+"/cancel", "", "Idempotency-Key", "end"), http.StatusOK); in(got, "result", "state") != "canceled" {
			t.Errorf("%v", got)
		}
	}
	want(t, "cancel of an ended one", c.send("POST", "/jobs/"+job+"/cancel", ""), http.StatusConflict)
	var ids []any
	for range 2 {
		ids = append(ids, in(want(t, "retry", c.send("POST", "/jobs/"+job+"/retry", "", "Idempotency-Key", "again"), http.StatusAccepted), "result", "id"))
	}
	if ids[0] != ids[1] || ids[0] == job {
		t.Errorf("retried as %v", ids)
	}
	want(t, "a source there is not", c.send("POST", "/jobs", `{"kind":"collect","sources":["nowhere"]}`), http.StatusNotFound)
	want(t, "a job there is not", c.send("GET", "/jobs/nothing", ""), http.StatusNotFound)
	if list := c.get("/jobs"); len(in(list, "items").([]any)) != 2 || in(list, "items", 0, "by") != "Lead" {
		t.Errorf("%v", list)
	}
}

// sending sends a request each time it is called.
func sending(c *client, method, path, body string, pairs ...string) func() (int, string) {
	return func() (int, string) {
		got := c.send(method, path, body, pairs...)
		return got.Code, got.Body.String()
	}
}

// TestStrict: what is not in the document is refused with where it stands, and
// nothing of it is written.
func TestStrict(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	good := riskFor(c.account)
	for name, x := range map[string]struct {
		body, kind string
		status     int
		location   string
	}{
		"an unknown field":        {strings.Replace(good, "{", `{"score":1,`, 1), "", 422, "body.score"},
		"a field of another type": {strings.Replace(good, `"impact":4`, `"impact":"high"`, 1), "", 422, "body.impact"},
		"a number beyond bounds":  {strings.Replace(good, `"impact":4`, `"impact":6`, 1), "", 422, "body.impact"},
		"a word that is none":     {strings.Replace(good, `"technology"`, `"magic"`, 1), "", 422, "body.category"},
		"a field that is missing": {`{"title":"x"}`, "", 422, "body"},
		"no JSON":                 {`{"title":`, "", 400, "body"},
		"two values":              {good + good, "", 400, "body"},
		"another type":            {good, "text/plain", 415, "body"},
		"too long":                {`{"title":"` + strings.Repeat("x", maxBody) + `"}`, "", 413, ""},
		"a title too long":        {strings.Replace(good, "A key leaks", strings.Repeat("x", 201), 1), "", 422, "body.title"},
	} {
		got := c.send("POST", "/risks", x.body, "Content-Type", orElse(x.kind, "application/json"))
		v := want(t, name, got, x.status)
		if loc, _ := in(v, "errors", 0, "location").(string); loc != x.location {
			t.Errorf("%s: location %q, want %q: %v", name, loc, x.location, v)
		}
		if got.Body.Len() > 1000 || strings.Contains(got.Body.String(), `"value"`) {
			t.Errorf("%s: the problem quotes what was sent: %.300s", name, got.Body)
		}
	}
	if items, _ := in(c.get("/risks"), "items").([]any); len(items) != 0 {
		t.Errorf("written all the same: %v", items)
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// TestRate: a token and an address that ask too often are told to wait.
func TestRate(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	still := func(c *client) int { w.at = w.at.Add(-100e6); return c.send("GET", "/periods", "").Code } // time stands
	last := 0
	for range burst + 5 {
		last = still(c)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("after %d requests at one instant: %d", burst+5, last)
	}
	if got := still(w.lead2(t)); got != http.StatusOK {
		t.Errorf("another token: %d", got)
	}
	w.at = w.at.Add(1e9)
	if got := still(c); got != http.StatusOK {
		t.Errorf("a second later: %d", got)
	}
	stranger := &client{world: w, token: "tieout_guess"}
	for range burst + 5 {
		last = still(stranger)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("who guesses: %d", last)
	}
	if got := still(c); got != http.StatusOK {
		t.Errorf("who has a token, beside one who guesses: %d", got)
	}
}

// TestDocument: a document is sealed with its three dates, as its sender, and
// read again byte for byte; an upload that says nothing of its days is refused.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	got := c.upload("minutes\u202e.txt", "we met", map[string]string{"title": "Minutes", "first": "2026-03-02", "last": "2026-03-03", "controls": "IAM-02"})
	v := want(t, "upload", got, http.StatusCreated)
	ref := fmt.Sprint(in(v, "result", "ref"))
	if raw := c.send("GET", "/evidence/"+ref+"/raw", ""); raw.Body.String() != "we met" || raw.Header().Get("Repr-Digest") == "" || !strings.HasPrefix(raw.Header().Get("Content-Type"), "text/plain") {
		t.Errorf("raw: %q %v", raw.Body, raw.Header())
	}
	rec := in(v, "result", "record").(map[string]any)
	if in(rec, "about", "from") != "2026-03-02T00:00:00Z" || in(rec, "actor", "kind") != string(audit.ActorCommand) || in(rec, "actor", "name") != c.account || in(rec, "detail", "file") != "minutes.txt" || in(rec, "detail", "token") == nil {
		t.Errorf("record %v", rec)
	}
	for name, fields := range map[string]map[string]string{"no days": {"title": "x"}, "no title": {"first": "2026-03-02"}, "days in the wrong order": {"title": "x", "first": "2026-03-05", "last": "2026-03-02"},
		"a control there is not": {"title": "x", "first": "2026-03-02", "controls": "XXX-1"},
		"a task there is not":    {"title": "x", "first": "2026-03-02", "task": "no.such@2026"}} {
		want(t, name, c.upload("a.txt", "x", fields), http.StatusUnprocessableEntity)
	}
	owner := w.as("owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-09"})
	want(t, "for another's control", owner.upload("a.txt", "x", map[string]string{"title": "x", "first": "2026-03-02", "controls": "IAM-02"}), http.StatusForbidden)
}

// TestSealed: what a token does is in the log with the token, as no person.
func TestSealed(t *testing.T) {
	w := newWorld(t)
	c := w.lead()
	want(t, "risk", c.send("POST", "/risks", riskFor(c.account)), http.StatusCreated)
	want(t, "job", c.send("POST", "/jobs", `{"kind":"check"}`), http.StatusAccepted)
	n := 0
	err := w.web.Home().Store.Records(t.Context(), store.RecordFilter{}, func(rec audit.Record) error {
		if rec.Actor.Name != c.account || rec.Kind != audit.RecordEntry && rec.Kind != audit.RecordActivity {
			return nil
		}
		if strings.Contains(string(rec.Detail), "account.") || strings.Contains(string(rec.Detail), "password") || strings.Contains(string(rec.Detail), "session") {
			return nil // signing up
		}
		if n++; rec.Actor.Kind != audit.ActorCommand || !strings.Contains(string(rec.Detail), "tieout_") || strings.Contains(string(rec.Detail), c.token) {
			t.Errorf("%s by %+v: %s", rec.Ref(), rec.Actor, rec.Detail)
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Errorf("%d records of the token, want 2: %v", n, err)
	}
}
