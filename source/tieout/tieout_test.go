package tieout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
	"tieout/source/tieout"
)

var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func window() audit.Window {
	return audit.Window{Span: audit.Span{From: at.AddDate(0, 0, -30), To: at}, AsOf: at, Zone: "UTC"}
}

// log is a workspace that collected twice a day for three days and ran once.
func log(_ context.Context, yield func(source.Activity) error) (time.Time, error) {
	begins := at.AddDate(0, 0, -3)
	for i := range 6 {
		a := source.Activity{Index: int64(10 * i), Kind: "collection", At: begins.Add(time.Duration(i) * 12 * time.Hour), By: "git", Source: "code", Driver: "git", Complete: i != 4, Streams: 2}
		if i == 4 {
			a.Problems = []string{"page 3: 502 Bad Gateway"}
		}
		if err := yield(a); err != nil {
			return begins, err
		}
	}
	return begins, yield(source.Activity{Index: 61, Kind: "run", At: at.Add(-time.Hour), By: "ana", Complete: true, Procedures: 90, Deviations: 3, NoEvidence: 7, Revision: 2})
}

func connection() sourcetest.Connection {
	return sourcetest.Connection{Driver: tieout.Driver, Name: "self", With: `{}`, Env: source.Env{Activity: log}, Window: window()}
}

func TestConform(t *testing.T) { sourcetest.Conform(t, connection(), "feed", "controlTest") }

func TestItems(t *testing.T) {
	r := sourcetest.Record(t, connection())
	if got := len(r.ByType("feed")); got != 6 {
		t.Errorf("%d collections, want 6", got)
	}
	var got string
	for _, it := range append(r.ByType("feed")[4:5], r.ByType("controlTest")...) {
		got += fmt.Sprintf("%s %s %s\n", it.ID, it.At.Format(time.RFC3339), it.Body)
	}
	want := `E-40 2026-03-09T12:00:00Z {"driver":"git","problems":["page 3: 502 Bad Gateway"],"result":"incomplete","source":"code","streams":2}
E-61 2026-03-10T11:00:00Z {"by":"ana","definition":2,"deviations":3,"noEvidence":7,"procedures":90}
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if m := r.Manifest("feed"); !m.Covers.From.Equal(at.AddDate(0, 0, -3)) {
		t.Errorf("covers from %v; the log begins three days before", m.Covers.From)
	}
}

// A day that is over is the same page however late it is read.
func TestPastDaysDoNotChange(t *testing.T) {
	c := connection()
	first := sourcetest.Record(t, c).Pages[1]
	c.Window.AsOf, c.Window.To = at.AddDate(0, 0, 2), at.AddDate(0, 0, 2)
	later := sourcetest.Record(t, c).Pages[1]
	if string(first.Body) != string(later.Body) || first.About != later.About || first.Query != later.Query {
		t.Errorf("a day that is over reads differently: %v %v", first, later)
	}
}

func TestLogThatCannotBeRead(t *testing.T) {
	broken := errors.New("the store is closed")
	tests := []struct {
		name string
		env  source.Env
		want error
	}{
		{"no log", source.Env{}, nil},
		{"fails", source.Env{Activity: func(context.Context, func(source.Activity) error) (time.Time, error) { return at, broken }}, broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			col, config, err := tieout.Driver.Open("self", nil, tt.env)
			if err != nil {
				t.Fatal(err)
			}
			r := &sourcetest.Recorder{Driver: tieout.Driver, Config: config}
			if err := col.Collect(t.Context(), window(), r); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			for _, m := range r.Manifests {
				if m.Complete {
					t.Errorf("%s closed complete", m.Type)
				}
			}
		})
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add(`{"index":40,"kind":"collection","at":"2026-03-09T12:00:00Z","by":"git","complete":false,"streams":2,"procedures":0,"deviations":0,"noEvidence":0,"revision":0}`)
	f.Add("{}\n\nx")
	f.Fuzz(func(t *testing.T, body string) {
		for _, kind := range []string{"tieout.feeds", "tieout.runs"} {
			items, _ := tieout.Driver.Normalize([]byte("{}"), audit.Page{Kind: kind, Body: []byte(body)})
			for _, it := range items {
				if err := sourcetest.Valid(it); err != nil {
					t.Errorf("%s: %v", it.ID, err)
				}
			}
		}
	})
}
