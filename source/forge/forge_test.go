package forge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
	"tieout/source/sourcetest"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func hours(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

// TestApproved: of each reviewer the last word up to the merge, and after it.
func TestApproved(t *testing.T) {
	for _, tc := range []struct {
		name          string
		reviews       []Review
		before, later []string
		at            time.Time
	}{
		{"nobody", nil, nil, nil, audit.Never},
		{"at the very instant of the merge", []Review{{"ben", true, noon}}, []string{"ben"}, nil, audit.Never},
		{"the author, in other letters", []Review{{"ANA", true, hours(-1)}}, nil, nil, audit.Never},
		{"yes, then no", []Review{{"ben", true, hours(-2)}, {"ben", false, hours(-1)}}, nil, nil, audit.Never},
		{"no, then yes, told out of order", []Review{{"ben", true, hours(-1)}, {"ben", false, hours(-2)}}, []string{"ben"}, nil, audit.Never},
		{"again after the merge", []Review{{"ben", true, hours(-1)}, {"ben", true, hours(1)}}, []string{"ben"}, nil, audit.Never},
		{"after the merge only, the first counts", []Review{{"cleo", true, hours(3)}, {"ben", true, hours(2)}, {"ben", true, hours(1)}}, nil, []string{"ben", "cleo"}, hours(1)},
		{"after the merge, then taken back", []Review{{"ben", true, hours(1)}, {"ben", false, hours(2)}}, nil, nil, audit.Never},
	} {
		f := source.Fields{}
		Approved(f, tc.reviews, "ana", noon)
		before, later := f["approvals"].([]string), f["approvedLater"].([]string)
		if !slices.Equal(before, tc.before) || !slices.Equal(later, tc.later) || !f["approvedLaterAt"].(time.Time).Equal(tc.at) {
			t.Errorf("%s: %v, later %v at %v; want %v, %v, %v", tc.name, before, later, f["approvedLaterAt"], tc.before, tc.later, tc.at)
		}
	}
}

// TestAsOf: what the checks said at one instant.
func TestAsOf(t *testing.T) {
	ended := func(n int64, name, result string, begun, end int, optional bool) Check {
		return Check{ID: fmt.Sprint(n), Number: n, Commit: "c", Name: name, Result: result, Begun: hours(begun), Ended: hours(end), Optional: optional}
	}
	for _, tc := range []struct {
		name              string
		checks            []Check
		failed, succeeded []string
	}{
		{"none", nil, nil, nil},
		{"succeeded", []Check{ended(1, "unit", "success", -2, -1, false)}, nil, []string{"unit"}},
		{"ended after the merge", []Check{ended(1, "unit", "success", -2, 1, false)}, []string{"unit"}, nil},
		{"begun after the merge", []Check{ended(1, "unit", "failure", 1, 2, false)}, nil, nil},
		{"run again and succeeded", []Check{ended(1, "unit", "failure", -4, -3, false), ended(2, "unit", "success", -2, -1, false)}, nil, []string{"unit"}},
		{"run again at one instant: the later number", []Check{ended(2, "unit", "failure", -2, -1, false), ended(1, "unit", "success", -2, -1, false)}, []string{"unit"}, nil},
		{"never ended", []Check{{ID: "1", Commit: "c", Name: "unit", Begun: hours(-1)}}, []string{"unit"}, nil},
		{"may fail", []Check{ended(1, "style", "failure", -2, -1, true)}, nil, nil},
		{"may fail and succeeded", []Check{ended(1, "style", "success", -2, -1, true)}, nil, []string{"style"}},
		{"skipped and neutral", []Check{ended(1, "a", "skipped", -2, -1, false), ended(2, "b", "neutral", -2, -1, false)}, nil, nil},
		{"canceled", []Check{ended(1, "a", "canceled", -2, -1, false)}, []string{"a"}, nil},
		{"failed on another commit", []Check{ended(1, "unit", "success", -2, -1, false), {ID: "2", Commit: "d", Name: "unit", Result: "failure", Begun: hours(-2), Ended: hours(-1)}}, []string{"unit"}, nil},
	} {
		failed, succeeded := AsOf(tc.checks, noon)
		if !slices.Equal(failed, tc.failed) || !slices.Equal(succeeded, tc.succeeded) {
			t.Errorf("%s: failed %v, succeeded %v; want %v, %v", tc.name, failed, succeeded, tc.failed, tc.succeeded)
		}
	}
}

// TestSays: what a change says of itself.
func TestSays(t *testing.T) {
	for _, tc := range []struct {
		words     Words
		revert    bool
		emergency bool
		tickets   []string
	}{
		{Words{Title: "Add export"}, false, false, nil},
		{Words{Title: "ABC-12: uses UTF-8 and SHA-256", Text: "Closes #3, #4 and group/app#5, see !9", Self: "#4"}, false, false, []string{"#3", "ABC-12", "group/app#5"}},
		{Words{Title: `Revert "Add export"`, Text: "This reverts merge request !12"}, true, false, nil},
		{Words{Title: "x", Ref: "revert-12-x"}, true, false, nil},
		{Words{Title: "hotfix(api): stop the leak"}, false, true, nil},
		{Words{Title: "x", Text: "Emergency change: INC-7"}, false, true, []string{"INC-7"}},
		{Words{Title: "x", Labels: []string{"bug", "emergency"}}, false, true, nil},
		{Words{Title: "Explain what an emergency is"}, false, false, nil},
		{Words{Title: "x", Ref: "feature/OPS-8-y"}, false, false, []string{"OPS-8"}},
	} {
		r, err := WordRules("")
		if err != nil {
			t.Fatal(err)
		}
		f := source.Fields{}
		r.Says(f, tc.words)
		if f["revert"] != tc.revert || f["emergency"] != tc.emergency || !slices.Equal(f["tickets"].([]string), tc.tickets) {
			t.Errorf("%+v: %v", tc.words, f)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		glob, name string
		want       bool
	}{{"api-*", "acme/api-web", true}, {"API-*", "acme/api-web", true}, {"acme/*", "acme/web", true}, {"acme/*", "other/web", false}, {"web", "acme/team/web", true}, {"acme/*", "acme/team/web", false}, {"acme/*/web", "acme/team/web", true}} {
		if got := Matches([]string{tc.glob}, tc.name); got != tc.want {
			t.Errorf("%s on %s: %v; want %v", tc.glob, tc.name, got, tc.want)
		}
	}
}

func TestInstant(t *testing.T) {
	for s, want := range map[string]string{"2026-03-05T08:00:00.123456789-04:00": "2026-03-05T12:00:00.123456Z", "2026-03-05T08:00:00Z": "2026-03-05T08:00:00Z", "0001-01-01T00:00:00Z": "", "2026-03-05": "", "": "", "9999-01-01T00:00:00Z": ""} {
		got, err := Instant(s)
		if (err == nil) != (want != "") || err == nil && audit.FormatTime(got) != want {
			t.Errorf("%q: %v, %v; want %q", s, got, err, want)
		}
	}
}

// TestTrail follows first parents, and says where it cannot.
func TestTrail(t *testing.T) {
	hash := func(s string) string { return strings.Repeat(s, 40) }
	var trail Trail
	for _, tc := range []struct {
		sha, parents string
		on, bad      bool
	}{{"a", "bc", true, false}, {"c", "b", false, false}, {"b", "d", true, false}, {"e", "d", false, false}, {"d", "e", true, true}} {
		var parents []string
		for _, p := range tc.parents {
			parents = append(parents, hash(string(p)))
		}
		on, err := trail.Step(hash(tc.sha), parents)
		if on != tc.on || (err != nil) != tc.bad {
			t.Errorf("%s: on %v, %v; want %v, %v", tc.sha, on, err, tc.on, tc.bad)
		}
	}
	if !trail.Listed(hash("c")) || trail.Listed(hash("f")) || trail.Below() != "" {
		t.Errorf("listed or below is wrong: %q", trail.Below())
	}
}

// asker asks a server that answers with handle.
func asker(t *testing.T, handle http.HandlerFunc) (*Asker, *sourcetest.Recorder) {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{}
	run := &source.Run{Source: "box", Window: audit.Window{Span: audit.Span{From: hours(-9), To: noon}, AsOf: noon}, Sink: rec}
	return &Asker{Run: run, Client: &rest.Client{HTTP: source.Guard(nil, "loopback", base), Base: base, Wait: func(context.Context, time.Duration) error { return nil }}}, rec
}

// TestSealAll: a page of several answers holds them byte for byte.
func TestSealAll(t *testing.T) {
	a, rec := asker(t, func(w http.ResponseWriter, req *http.Request) {
		switch page := req.URL.Query().Get("page"); {
		case req.URL.Path == "/bytes":
			fmt.Fprint(w, "\xff<&>")
		case page == "":
			w.Header().Set("Link", `</list?page=2>; rel="next"`)
			w.Header().Set("X-Total", "3")
			fmt.Fprint(w, `[1, 2]`)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message":"no license"}`)
		}
	})
	one, err := a.Ask(t.Context(), "one", "/bytes")
	if err != nil {
		t.Fatal(err)
	}
	list, err := a.Gather(t.Context(), "list", "/list")
	if err != nil {
		t.Fatal(err)
	}
	s := a.Run.Snapshot("account", "", nil)
	if err := a.SealAll(t.Context(), Sheet{Kind: "k", Facts: map[string]int{"n": 1}}, append([]Answer{Element("e", []byte(`{"x":1}`)), one}, list...), s); err != nil {
		t.Fatal(err)
	}
	e, err := Decode(rec.Pages[0].Body)
	if err != nil || s.Pages != 1 || rec.Pages[0].Query != "GET /bytes" || string(e.Facts) != `{"n":1}` {
		t.Fatalf("%v, %+v", err, e)
	}
	if got := e.Answers[1]; string(got.Bytes()) != "\xff<&>" || !got.OK() {
		t.Errorf("the bytes are %q", got.Bytes())
	}
	parts, whole := e.Part("list")
	bad := Worst(parts)
	if whole || len(parts) != 2 || bad == nil || !bad.Refused() || bad.Fault() != "403 Forbidden: no license" || *parts[0].Total != 3 {
		t.Errorf("whole %v, %+v", whole, parts)
	}
	if got := Short(parts[:1]); got != "2 of 3 listed" {
		t.Errorf("short: %q", got)
	}
	if n, whole, err := All[int](e, "list"); n != nil || whole || err != nil {
		t.Errorf("a list that broke off reads as %v", n)
	}
}

// TestWalk: the sink's error and that of each come back, a fault stays with the stream.
func TestWalk(t *testing.T) {
	a, rec := asker(t, func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Total-Count", "2")
		fmt.Fprint(w, map[bool]string{true: `{"no":"list"}`, false: `[1]`}[req.URL.Path == "/bad"])
	})
	s := a.Run.Snapshot("account", "", nil)
	w, err := a.Walk(t.Context(), rest.List{Kind: "k", Ask: rest.Ask{URI: "/good"}}, Onward, s)
	if err != nil || !w.Whole() || w.Total != 2 || w.Listed != 1 || s.Failed() {
		t.Errorf("%+v, %v", w, err)
	}
	w.Reconcile(s, "elements")
	if !s.Failed() || s.Checks[0].OK {
		t.Error("one of two reconciles")
	}
	boom := errors.New("boom")
	if _, err := a.Walk(t.Context(), rest.List{Kind: "k", Ask: rest.Ask{URI: "/good"}}, func([]json.RawMessage) (bool, error) { return true, boom }, s); !errors.Is(err, boom) {
		t.Errorf("each's error became %v", err)
	}
	if w, err := a.Walk(t.Context(), rest.List{Kind: "k", Ask: rest.Ask{URI: "/bad"}}, Onward, s); err != nil || w.Whole() {
		t.Errorf("no list: %+v, %v", w, err)
	}
	rec.Fail = func(int) error { return boom }
	if _, err := a.Walk(t.Context(), rest.List{Kind: "k", Ask: rest.Ask{URI: "/good"}}, Onward, s); !errors.Is(err, boom) {
		t.Errorf("the sink's error became %v", err)
	}
}

// FuzzDecode: a page that is read is written again as the same answers.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"facts":{"a":1},"answers":[{"part":"p","request":"GET /x","status":200,"body":"[1]"}]}`))
	f.Add([]byte(`{"format":1,"answers":[{"part":"p","status":0,"problem":"it broke off","base64":"/w=="}]}`))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Decode(body)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b)
		if err != nil || len(again.Answers) != len(e.Answers) {
			t.Fatalf("%s became %s: %v", body, b, err)
		}
		for i := range e.Answers {
			if string(e.Answers[i].Bytes()) != string(again.Answers[i].Bytes()) {
				t.Errorf("answer %d changed", i)
			}
		}
	})
}
