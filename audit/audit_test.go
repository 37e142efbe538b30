package audit_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tieout/audit"
	"tieout/internal/canonical"
)

// TestResultJSON: the fast form is the canonical form of what encoding/json
// writes, for any result.
func TestResultJSON(t *testing.T) {
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMicro(rapid.Int64Range(-1<<40, 1<<52).Draw(t, "µs")).UTC()
	})
	bound := rapid.Custom(func(t *rapid.T) audit.Bound {
		return audit.Bound{After: instant.Draw(t, "after"), At: instant.Draw(t, "at")}
	})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		r := audit.Result{
			Procedure: text.Draw(t, "procedure"), Hash: text.Draw(t, "hash"), Item: text.Draw(t, "item"), Label: text.Draw(t, "label"),
			Outcome: audit.Outcome(rapid.IntRange(0, audit.NumOutcomes-1).Draw(t, "outcome")),
			Span:    audit.Span{From: instant.Draw(t, "from"), To: instant.Draw(t, "to")},
			Start:   bound.Draw(t, "start"), End: bound.Draw(t, "end"),
			Open: rapid.Bool().Draw(t, "open"), Exact: rapid.Bool().Draw(t, "exact"), InGrace: rapid.Bool().Draw(t, "grace"),
			Observations: rapid.IntRange(0, 3).Draw(t, "observations"), Reason: text.Draw(t, "reason"),
			Attributes: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.AttributeResult {
				return audit.AttributeResult{Name: text.Draw(t, "name"), Text: text.Draw(t, "text"), Reason: text.Draw(t, "why")}
			}), 0, 2).Draw(t, "attributes"),
			Values: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.FieldValue {
				return audit.FieldValue{Path: text.Draw(t, "path"), Value: text.Draw(t, "value")}
			}), 0, 2).Draw(t, "values"),
			Records: rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 0, 2).Draw(t, "records"),
			Stream:  audit.StreamKey{Source: text.Draw(t, "source"), Scope: text.Draw(t, "scope"), Type: text.Draw(t, "type")},
		}
		want, err := canonical.Marshal(&r)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.AppendJSON(nil); !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestNewPeriod(t *testing.T) {
	// Europe/Berlin: clocks change on 29 March and 25 October 2026.
	p, err := audit.NewPeriod("2026-01-01", "2026-12-31", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := audit.FormatTime(p.From), "2025-12-31T23:00:00Z"; got != want {
		t.Errorf("from = %s, want %s", got, want)
	}
	if got, want := p.Days(), 365; got != want {
		t.Errorf("days = %d, want %d", got, want)
	}
	if got, want := p.First()+" "+p.Last(), "2026-01-01 2026-12-31"; got != want {
		t.Errorf("first and last = %s, want %s", got, want)
	}
	summer := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC) // 00:30 on 2 July there
	if got, want := p.Day(summer), 183; got != want {
		t.Errorf("day = %d, want %d", got, want)
	}
	for _, bad := range [][3]string{{"2026-02-01", "2026-01-01", "UTC"}, {"2026-02-30", "2026-03-01", "UTC"}, {"2026-01-01", "2026-01-02", "Mars/Olympus"}, {"2026-01-01", "2026-01-02", ""}} {
		if _, err := audit.NewPeriod(bad[0], bad[1], bad[2]); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("NewPeriod(%v) = %v, want an ErrInvalid", bad, err)
		}
	}
}

func TestTimeText(t *testing.T) {
	tests := []struct {
		name, in string
		ok       bool
	}{
		{"whole second", "2026-01-05T10:00:00Z", true},
		{"microseconds", "2026-01-05T10:00:00.000001Z", true},
		{"never", "never", true},
		{"offset", "2026-01-05T10:00:00+01:00", false},
		{"nanoseconds", "2026-01-05T10:00:00.000000001Z", false},
		{"trailing zero", "2026-01-05T10:00:00.10Z", false},
		{"date only", "2026-01-05", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := audit.ParseTime(tt.in)
			if (err == nil) != tt.ok {
				t.Fatalf("ParseTime(%q) = %v, %v", tt.in, got, err)
			}
			if err == nil && audit.FormatTime(got) != tt.in {
				t.Errorf("FormatTime(ParseTime(%q)) = %q", tt.in, audit.FormatTime(got))
			}
		})
	}
}

func TestManifestTakes(t *testing.T) {
	day := audit.At(time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC))
	month := audit.Span{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}
	tests := []struct {
		name  string
		m     audit.Manifest
		kind  string
		scope string
		about audit.Span
		want  bool
	}{
		{"snapshot of its instant", audit.Manifest{Mode: audit.ModeSnapshot, Covers: day}, "users", "", day, true},
		{"snapshot of another instant", audit.Manifest{Mode: audit.ModeSnapshot, Covers: day}, "users", "", month, false},
		{"events within", audit.Manifest{Mode: audit.ModeEvents, Covers: month}, "merges", "", day, true},
		{"another scope", audit.Manifest{Mode: audit.ModeEvents, Covers: month, Scope: "a"}, "merges", "b", day, false},
		{"a kind it takes", audit.Manifest{Mode: audit.ModeEvents, Covers: month, Kinds: []string{"merges"}}, "merges", "", day, true},
		{"a kind it does not take", audit.Manifest{Mode: audit.ModeEvents, Covers: month, Kinds: []string{"merges"}}, "users", "", day, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.m.Takes(tt.kind, tt.scope, tt.about); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// TestZeroValuesAreCautious: what nobody filled in never reads as good news.
func TestZeroValuesAreCautious(t *testing.T) {
	var r audit.Result
	if got := r.Outcome.String(); got != "no evidence" {
		t.Errorf("zero outcome = %q", got)
	}
	var m audit.Manifest
	if m.Complete {
		t.Error("zero manifest is complete")
	}
	var s audit.Span
	if !s.Empty() || s.Contains(time.Time{}) {
		t.Error("zero span holds an instant")
	}
}

// TestItemTypes: every field says what it is and what its absence means.
func TestItemTypes(t *testing.T) {
	names := map[string]bool{}
	for _, typ := range audit.ItemTypes {
		if names[typ.Name] || typ.Doc == "" {
			t.Errorf("type %s: named twice or without a doc", typ.Name)
		}
		names[typ.Name] = true
		for _, f := range typ.Fields {
			if f.Doc == "" {
				t.Errorf("%s.%s has no doc", typ.Name, f.Name)
			}
			if (f.Kind == audit.Bool || f.Kind == audit.Int) && f.None != "" {
				t.Errorf("%s.%s: a %s cannot be known to be absent", typ.Name, f.Name, f.Kind)
			}
			if f.Kind == audit.Strings && f.None == "" {
				t.Errorf("%s.%s: a list must say what an empty one means", typ.Name, f.Name)
			}
		}
	}
}
