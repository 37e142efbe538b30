package procedure

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
)

// libraryCadences are the library's procedures of the form cadence.
func libraryCadences(t *testing.T) map[string]*Procedure {
	t.Helper()
	files, err := filepath.Glob("../library/procedures/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Procedure{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseTrusted(name, data)
		if err != nil {
			t.Fatal(err)
		}
		if p.Form == audit.Cadence {
			out[p.ID] = p
		}
	}
	if len(out) < 20 {
		t.Fatalf("%d cadences in the library", len(out))
	}
	return out
}

// Every occurrence that is listed as due is one that a run over the whole
// period tests, and none is left out.
func TestWindowsAreTheEngines(t *testing.T) {
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Auckland"} {
		period, err := audit.NewPeriod("2026-01-15", "2027-01-14", zone)
		if err != nil {
			t.Fatal(err)
		}
		for id, p := range libraryCadences(t) {
			if c, err := p.Cadence(); err != nil || c.Each != "" {
				continue
			}
			want := map[string]audit.Span{}
			in := Input{Period: period, AsOf: period.To.AddDate(1, 0, 0), Timeline: func(typ string) (*audit.Timeline, error) { return &audit.Timeline{Type: typ}, nil }}
			if _, err := Run(t.Context(), in, []*Procedure{p}, func(r *audit.Result) error { want[r.Item] = r.Span; return nil }); err != nil {
				t.Fatal(err)
			}
			windows, err := p.Windows(period, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]audit.Span{}
			for _, w := range windows {
				got[w.Name] = w.Span
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s in %s (-run +due):\n%s", id, zone, diff)
			}
		}
	}
}

func TestWindows(t *testing.T) {
	p := libraryCadences(t)["management.review"] // a quarter, 15d, 30d
	period, err := audit.NewPeriod("2026-01-01", "2026-12-31", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Windows(period, nil)
	if err != nil || len(all) != 4 {
		t.Fatalf("%d windows, %v; want 4", len(all), err)
	}
	at := func(s string) time.Time { x, _ := audit.ParseTime(s); return x }
	want := Window{"2026-Q1", audit.Span{From: at("2025-12-31T23:00:00Z"), To: at("2026-03-31T22:00:00Z")}, at("2026-04-15T22:00:00Z"), at("2026-05-15T22:00:00Z")}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	cut := *p
	cut.Effective = audit.Effective{From: "2026-04-01", To: "2026-09-29"}
	if all, err = cut.Windows(period, nil); err != nil || len(all) != 1 || all[0].Name != "2026-Q2" {
		t.Errorf("effective until 29 September: %+v, %v", all, err)
	}
}

func TestCadence(t *testing.T) {
	lib := libraryCadences(t)
	tests := []struct {
		id   string
		want Cadence
	}{
		{"board.meeting", Cadence{Every: "quarter", Item: "revision", Asks: []Asked{{"A", "Minutes were kept."}},
			Equals: map[string]string{"kind": "board meeting"}, Filled: []string{"outcome", "document"}}},
		{"risk.assessment", Cadence{Every: "year", Item: "revision", Asks: []Asked{{"A", "Leadership approved it."}},
			Equals: map[string]string{"kind": "risk assessment"}, Filled: []string{"outcome", "approvedBy"}}},
		{"backup.restore", Cadence{Every: "half-year", Item: "restore", Each: "datastore", Asks: []Asked{{"A", "The restored data were checked."}},
			Equals: map[string]string{"result": "success"}, Unclear: []string{"restore.test"}}},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			got, err := lib[tt.id].Cadence()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for id, p := range lib {
		if c, err := p.Cadence(); err != nil || c.Item == "revision" && (c.Equals["kind"] == "" || len(c.Unclear) > 0) {
			t.Errorf("%s: what performs it is not clear: %+v, %v", id, c, err)
		}
	}
}

// What counts is read only where one value of each field answers it.
func TestCadenceReadsConditions(t *testing.T) {
	tests := []struct {
		name, where, performed string
		equals                 map[string]string
		unclear                bool
	}{
		{"turned round", `"board meeting" == revision.kind`, `revision.outcome != ""`, map[string]string{"kind": "board meeting"}, false},
		{"two fields", `revision.kind == "other" && revision.subject == "key ceremony"`, `revision.outcome != ""`, map[string]string{"kind": "other", "subject": "key ceremony"}, false},
		{"one of several", `revision.kind in ["board meeting", "management review"]`, `revision.outcome != ""`, map[string]string{}, true},
		{"either", `revision.kind == "board meeting" || revision.kind == "management review"`, `revision.outcome != ""`, map[string]string{}, true},
		{"a number", `revision.kind == "board meeting"`, `revision.actions > 0`, map[string]string{"kind": "board meeting"}, true},
		{"against itself", `revision.kind == "board meeting" && revision.kind == "other"`, `revision.outcome != ""`, map[string]string{"kind": "board meeting"}, true},
		{"another item's", `x.kind == "board meeting"`, `revision.outcome != ""`, map[string]string{}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParseTrusted("p.yaml", []byte("id: own.test\ntitle: T\ncontrols: [GOV-02]\npopulation:\n  items: revision\n  where: '"+tt.where+
				"'\n  sentence: All.\ncadence: { every: month, performed: '"+tt.performed+"' }\n"))
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.Cadence()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.equals, c.Equals); diff != "" || len(c.Unclear) > 0 != tt.unclear {
				t.Errorf("unclear %v; equals (-want +got):\n%s", c.Unclear, diff)
			}
		})
	}
}
