package scim

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
	"tieout/timeline"
)

const settings = `,"people":"hr","privileged":["*admins"],"services":["svc-*"],"system":"okta"`

// push writes a journal: two people, a group, a leaver, a change of number.
// The instants are those of the clock, a second apart.
func push(t testing.TB, dir string, c *clock) {
	t.Helper()
	r := receive(t, dir, c)
	call := caller{TB: t, Handler: r}
	a, l := call.must("POST", "/Users", oktaUser), call.must("POST", "/Users", entraUser)
	g := call.must("POST", "/Groups", `{"displayName":"Admins","members":[{"value":"`+a+`"}]}`)
	call.must("PATCH", "/Groups/"+g, patchBody(`{"op":"Add","path":"members","value":[{"value":"`+l+`"}]}`))
	call.must("PATCH", "/Users/"+l, patchBody(`{"op":"Replace","path":"active","value":"False"}`))
	call.must("PATCH", "/Users/"+l, patchBody(`{"op":"Replace","path":"title","value":"gone"}`))
	call.must("PATCH", "/Groups/"+g, patchBody(`{"op":"replace","value":{"displayName":"Old admins"}}`))
	call.must("DELETE", "/Users/"+l, "")
	c.pass(4 * time.Minute)
	r.Beat()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func connect(dir string, asOf time.Time) sourcetest.Connection {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return sourcetest.Connection{Driver: Driver, Name: "idp", With: `{"journal":"` + filepath.Base(dir) + `"` + settings + `}`, Env: source.Env{Dir: filepath.Dir(dir)},
		Window: audit.Window{Span: audit.Span{From: from, To: from.AddDate(1, 0, 0)}, AsOf: asOf, Zone: "UTC"}}
}

func TestConform(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	push(t, dir, c)
	sourcetest.Conform(t, connect(dir, c.now()), "account", "link", "membership")
}

// Every change at its own instant, and what it was about.
func TestChanges(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	push(t, dir, c)
	r := sourcetest.Record(t, connect(dir, c.now()))
	short := map[string]string{}
	var got []string
	for _, it := range r.Items {
		if err := timeline.Check(audit.ModeChanges, it); err != nil {
			t.Error(err)
		}
		id := strings.TrimPrefix(it.ID, "idp/")
		for part := range strings.SplitSeq(id, "/") {
			if short[part] == "" {
				short[part] = string(rune('a' + len(short)))
			}
			id = strings.Replace(id, part, short[part], 1)
		}
		var b map[string]any
		_ = json.Unmarshal(it.Body, &b)
		text := ""
		for _, name := range []string{"login", "status", "disabledAt", "person", "group", "privileged"} {
			if v, ok := b[name]; ok {
				s, _ := json.Marshal(v)
				text += " " + strings.Trim(string(s), `"`)
			}
		}
		if it.Gone {
			text = " gone"
		}
		got = append(got, it.At.Format("05")+" "+it.Type+" "+id+text)
	}
	if len(got) > 10 {
		slices.Sort(got[9:11]) // in order of ids, which are random
	}
	want := []string{
		"account a ana@example.com active never",
		"account b li@example.com active never", "link b hr/E7",
		"membership c/a Admins true",
		"membership c/b Admins true",
		"account b li@example.com disabled @", "link b hr/E7",
		"account b li@example.com disabled @", "link b hr/E7",
		"membership c/a Old admins true", "membership c/b Old admins true",
		"link b gone", "account b gone", "membership c/b gone",
	}
	var disabled string
	for i, g := range got {
		if i >= len(want) {
			t.Fatalf("more items than expected: %v", got[i:])
		}
		_, rest, _ := strings.Cut(g, " ")
		if before, at, ok := strings.Cut(rest, "disabled "); ok {
			if disabled == "" {
				disabled = at
			}
			if at != disabled {
				t.Errorf("disabled at %s and then at %s", disabled, at)
			}
			rest = before + "disabled @"
		}
		if rest != want[i] {
			t.Errorf("item %d is %q, want %q", i, rest, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d items, want %d", len(got), len(want))
	}
	for i := 1; i < len(r.Items); i++ {
		if r.Items[i].At.Before(r.Items[i-1].At) {
			t.Errorf("item %d is earlier than the one before", i)
		}
	}
	m := r.Manifest("account")
	if m.Mode != audit.ModeChanges || !m.Complete || m.Covers.From.Format("15:04:05") != "09:00:01" || !m.Covers.To.After(r.Items[len(r.Items)-1].At.Add(4*time.Minute)) {
		t.Errorf("mode %s, complete %v (%s), covers %v", m.Mode, m.Complete, m.Reason, m.Covers)
	}
}

// streams are the manifests of accounts, in words.
func streams(r *sourcetest.Recorder) []string {
	var out []string
	for _, m := range r.Manifests {
		if m.Type == "account" {
			words := "whole"
			if !m.Complete {
				words = m.Reason
			}
			out = append(out, m.Covers.From.Format("15:04")+"-"+m.Covers.To.Format("15:04")+" "+words)
		}
	}
	return out
}

func TestSilence(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	push(t, dir, c)
	c.pass(10 * time.Minute)
	push2(t, dir, c, "max@example.com") // started again within the gap
	c.pass(2 * time.Hour)
	push2(t, dir, c, "eve@example.com")
	r := sourcetest.Record(t, connect(dir, c.now()))
	got := streams(r)
	want := []string{"09:00-09:14 whole", "09:14-11:14 the receiver was silent from", "11:14-11:14 whole"}
	if len(got) != 3 {
		t.Fatalf("streams %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	if m := r.Manifest("account"); !strings.Contains(strings.Join(m.Cannot, "\n"), "started again 1 times") {
		t.Errorf("the start is not named: %q", m.Cannot)
	}
	for i, it := range r.Items { // each item is on a page that a closed stream takes
		p, taken := r.Pages[r.ItemPages[i]], 0
		for _, m := range r.Manifests {
			if m.Type == it.Type && m.Complete && m.Takes(p.Kind, p.Scope, p.About) {
				taken++
			}
		}
		if taken != 1 {
			t.Errorf("%s %s is taken by %d streams", it.Type, it.ID, taken)
		}
	}
	c.pass(time.Hour)
	if got := streams(sourcetest.Record(t, connect(dir, c.now()))); len(got) != 4 || !strings.Contains(got[3], "has been silent since") {
		t.Errorf("a receiver that ended: %q", got)
	}
}

func push2(t testing.TB, dir string, c *clock, name string) {
	t.Helper()
	r := receive(t, dir, c)
	caller{TB: t, Handler: r}.must("POST", "/Users", `{"userName":"`+name+`"}`)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenJournals(t *testing.T) {
	edit := func(change func(lines []string) []string) func(*testing.T, string, *clock) {
		return func(t *testing.T, dir string, _ *clock) {
			names, err := segments(dir)
			if err != nil || len(names) == 0 {
				t.Fatal(err)
			}
			file := filepath.Join(dir, names[0])
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(change(strings.SplitAfter(string(b), "\n")), "")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cutLast := edit(func(l []string) []string { l[len(l)-2] = l[len(l)-2][:40]; return l })
	for _, c := range []struct {
		name string
		harm func(t *testing.T, dir string, c *clock)
		want string // "" for whole
		note string
	}{
		{"whole", func(*testing.T, string, *clock) {}, "", ""},
		{"a line is missing", edit(func(l []string) []string { return append(l[:3], l[4:]...) }), "000000000001.jsonl:4: entry 5 follows entry 3", ""},
		{"a line was changed", edit(func(l []string) []string { l[1] = strings.Replace(l[1], "Ruiz", "Ruis", 1); return l }), "000000000001.jsonl:3: entry 3 does not follow the line before it", ""},
		{"two lines changed places", edit(func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }), "000000000001.jsonl:3: entry 4 follows entry 2", ""},
		{"a line that is none", edit(func(l []string) []string { l[2] = "{}x\n"; return l }), "000000000001.jsonl:3: it is no entry", ""},
		{"the last line is cut off", cutLast, "000000000001.jsonl:11: the last line is cut off", ""},
		{"the first lines are missing", edit(func(l []string) []string { return l[2:] }), "000000000001.jsonl:1: entry 3 follows entry 0", ""},
		{"a cut line that the next start speaks of", func(t *testing.T, dir string, c *clock) { cutLast(t, dir, c); push2(t, dir, c, "max@example.com") }, "", "a request that was never answered: 000000000001.jsonl:11"},
		{"a cut line that nobody speaks of", func(t *testing.T, dir string, c *clock) {
			push2(t, dir, c, "max@example.com")
			names, _ := segments(dir)
			f, err := os.OpenFile(filepath.Join(dir, names[0]), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString(`{"seq":`)
			f.Close()
		}, "000000000001.jsonl:12 is cut off, and what follows does not speak of it", ""},
		{"a clock that went back", func(t *testing.T, dir string, c *clock) {
			c.pass(-time.Hour)
			push2(t, dir, c, "max@example.com")
			c.pass(time.Hour)
		}, "the receiver's clock went back", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, clk := t.TempDir(), newClock()
			push(t, dir, clk)
			c.harm(t, dir, clk)
			r := sourcetest.Record(t, connect(dir, clk.now()))
			m := r.Manifest("account")
			if m.Complete != (c.want == "") || !strings.Contains(m.Reason, c.want) || !strings.Contains(strings.Join(m.Cannot, "\n"), c.note) {
				t.Errorf("complete %v, reason %q, limits %q; want %q %q", m.Complete, m.Reason, m.Cannot, c.want, c.note)
			}
			for _, m := range r.Manifests[1:] {
				if m.Complete != (c.want == "") {
					t.Errorf("%s: complete %v (%s)", m.Type, m.Complete, m.Reason)
				}
			}
		})
	}
}

func TestNoJournal(t *testing.T) {
	dir := t.TempDir()
	for want, dir := range map[string]string{"the journal is empty": dir, "folder is not there": filepath.Join(dir, "none")} {
		m := sourcetest.Record(t, connect(dir, time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC))).Manifest("account")
		if m.Complete || !strings.Contains(m.Reason, want) {
			t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, want)
		}
	}
	dir, c := t.TempDir(), newClock()
	push(t, dir, c)
	r := sourcetest.Record(t, connect(dir, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)))
	if m := r.Manifest("account"); m.Complete || !strings.Contains(m.Reason, "one of the clocks is wrong") || len(r.Pages) != 0 {
		t.Errorf("a journal of the future: complete %v, reason %q, %d pages", m.Complete, m.Reason, len(r.Pages))
	}
}

// A journal of many files reads as one.
func TestManyFiles(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	r := receive(t, dir, c)
	r.journal.most = 2000
	call := caller{TB: t, Handler: r}
	for _, n := range strings.Split("abcdefghijkl", "") {
		call.must("POST", "/Users", `{"userName":"`+n+`"}`)
	}
	r.Close()
	if names, _ := segments(dir); len(names) < 3 {
		t.Fatalf("%d files", len(names))
	}
	got := sourcetest.Record(t, connect(dir, c.now()))
	if m := got.Manifest("account"); !m.Complete || len(got.ByType("account")) != 12 || m.Checks[0].Got != "14" {
		t.Errorf("complete %v (%s), %d accounts, %+v", m.Complete, m.Reason, len(got.ByType("account")), m.Checks)
	}
	receive(t, dir, c).Close()
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ name, with, want string }{
		{"no journal", `{}`, "journal"},
		{"gap", `{"journal":"x","gap":"soon"}`, "gap"},
		{"no gap", `{"journal":"x","gap":"1s"}`, "gap"},
		{"glob", `{"journal":"x","privileged":["["]}`, "not a glob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := Driver.Open("idp", json.RawMessage(c.with), source.Env{}); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	dir, c := f.TempDir(), newClock()
	push(f, dir, c)
	for line := range strings.SplitAfterSeq(read(f, dir), "\n") {
		f.Add(line)
	}
	conf := json.RawMessage(`{"connection":"idp","system":"okta","people":"hr","privileged":["*admins"]}`)
	f.Fuzz(func(t *testing.T, body string) {
		items, _ := normalize(conf, audit.Page{Kind: kindJournal, Query: "read x lines 1-1", Body: []byte(body)})
		for _, it := range items {
			if it.At.IsZero() {
				t.Errorf("%s %s has no instant", it.Type, it.ID)
			}
			if err := sourcetest.Valid(it); err != nil {
				t.Errorf("%s %s: %v", it.Type, it.ID, err)
			}
		}
	})
}
