package jobs_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/period"
	"tieout/store"
)

// A told is news as a program gets it.
type told struct {
	Schema, Sentence, Run, Since string
	Found, Gone                  []string
	Incomplete                   []struct{ Source, End string }
}

// newsroom is an office whose hook keeps news alone.
func newsroom(t *testing.T) (*office, *[]told) {
	o := newOffice(t)
	list := &[]told{}
	o.hook.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if n := int(o.answer.Load()); n != http.StatusOK {
			w.WriteHeader(n)
			return
		}
		var v told
		if err := json.Unmarshal(body, &v); err != nil {
			o.Error(err)
		}
		if v.Schema == "tieout.news/1" {
			*list = append(*list, v)
		}
	})
	return o, list
}

func (o *office) test() {
	o.Helper()
	if _, err := o.p.Collect(o.Context(), nil, func(period.Progress) {}); err != nil {
		o.Fatal(err)
	}
	if run, err := o.p.Check(o.Context(), period.CheckOptions{}); err != nil || !run.Recorded {
		o.Fatalf("check: %v", err)
	}
}

// TestNewsOnce: what a run finds is told once, by reference, and again only when
// another run finds more.
func TestNewsOnce(t *testing.T) {
	o, list := newsroom(t)
	o.now = time.Date(2026, 3, 5, 7, 0, 0, 0, time.UTC)
	o.test()
	if o.remind(); len(*list) != 0 {
		t.Fatalf("nothing was found, and told: %+v", *list)
	}
	o.now = time.Date(2026, 8, 12, 7, 0, 0, 0, time.UTC)
	o.test()
	for range 2 {
		if j := o.remind(); j.State != store.JobDone {
			t.Fatalf("%s: %s", j.State, j.Error)
		}
	}
	if len(*list) != 1 {
		t.Fatalf("told %d times, want once: %+v", len(*list), *list)
	}
	v := (*list)[0]
	if len(v.Found) == 0 || !strings.HasPrefix(v.Found[0], "D-") || len(v.Gone) != 0 || v.Run == "" || v.Since == "" || !strings.Contains(v.Sentence, "new since the run of 5 Mar 2026") {
		t.Errorf("told %+v", v)
	}
	if !strings.Contains(o.acts(), "news told run:"+v.Run) {
		t.Errorf("that it was told is not sealed: %s", o.acts())
	}
	o.now = o.now.Add(24 * time.Hour)
	o.test()
	if o.remind(); len(*list) != 1 {
		t.Errorf("another run that finds the same is told: %+v", (*list)[1:])
	}
}

// TestNewsAgain: what could not be sent is news still.
func TestNewsAgain(t *testing.T) {
	o, list := newsroom(t)
	o.now = time.Date(2026, 8, 12, 7, 0, 0, 0, time.UTC)
	o.test()
	o.answer.Store(http.StatusBadGateway)
	j := o.remind()
	if j.State != store.JobWaiting || len(*list) != 0 || strings.Contains(o.acts(), "news told") {
		t.Fatalf("%s, told %d: %s", j.State, len(*list), o.acts())
	}
	o.answer.Store(http.StatusOK)
	o.now = j.After.Add(time.Second)
	if j = o.remind(); j.State != store.JobDone || len(*list) != 1 {
		t.Errorf("%s, told %d times: %s", j.State, len(*list), j.Error)
	}
}

// TestNewsOfSources: a source that is not read in full is told once, until it was.
func TestNewsOfSources(t *testing.T) {
	o, list := newsroom(t)
	o.now = time.Date(2026, 3, 5, 7, 0, 0, 0, time.UTC)
	write := func(name, text string) {
		path := filepath.Join(o.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sources/people.yaml", "kind: files\nwith:\n  streams:\n    - files: hr/people-*.csv\n      format: csv\n      type: person\n      mode: snapshot\n      asOf: { path: \"(\\\\d{4}-\\\\d{2}-\\\\d{2})\" }\n      id: \"hr/{number}\"\n      fields: { name: name }\n")
	write("hr/people-2026-03-04.csv", "number,name\n1,Ana\n,Nobody\n")
	o.p = o.open(false)
	if _, _, err := o.p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = o.p.Collect(t.Context(), []string{"people"}, func(period.Progress) {}) // what is wrong with it is sealed with its end
	for range 2 {
		o.remind()
	}
	if len(*list) != 1 || len((*list)[0].Incomplete) != 1 || (*list)[0].Incomplete[0].Source != "people" || !strings.Contains((*list)[0].Sentence, "1 source was not read in full.") {
		t.Fatalf("told %+v", *list)
	}
	n := strings.TrimPrefix((*list)[0].Incomplete[0].End, "E-")
	if n == "" || n == "-1" {
		t.Errorf("no record of the end: %q", n)
	}
	o.now = o.now.Add(24 * time.Hour)
	_, _ = o.p.Collect(t.Context(), []string{"people"}, func(period.Progress) {})
	if o.remind(); len(*list) != 1 {
		t.Errorf("told every day: %+v", *list)
	}
}
