package period

import (
	"errors"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/program"
)

var keeper = access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "lead", Grants: []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}}

// TestHoldKeepsARecord: what a hold keeps is not erased, and can be once it is
// lifted.
func TestHoldKeepsARecord(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 3, 4)
	rec := pageOf(t, p, "ana")
	h, err := p.Registers().SetHold(t.Context(), keeper, program.Hold{Title: "Dispute", Reason: "letter", Records: []int64{rec.Index}})
	must(t, err)
	if _, err := p.Erase(t.Context(), rec.Index, "asked by the person"); !errors.Is(err, audit.ErrForbidden) {
		t.Fatalf("erased under a hold: %v", err)
	}
	k, err := p.KeepingOf(t.Context(), rec)
	must(t, err)
	if len(k.Holds) != 1 || k.Class != "evidence" || k.Years != 5 || k.Until.Before(rec.Recorded.AddDate(5, 0, -1)) {
		t.Errorf("got %+v", k)
	}
	other := pageOf(t, p, "ben")
	_, err = p.Erase(t.Context(), other.Index, "asked by the person")
	must(t, err)
	_, err = p.Registers().LiftHold(t.Context(), keeper, h.ID, "settled")
	must(t, err)
	_, err = p.Erase(t.Context(), rec.Index, "asked by the person")
	must(t, err)
	intact(t, p)
}

func TestRetentionIsConfigured(t *testing.T) {
	w := newWorld(t, map[string]string{"systems/main.yaml": "name: Clinic\ndata:\n  - { id: charts, name: Charts, class: restricted, regulated: [phi] }\n"})
	p := w.create(t)
	w.collectDays(t, p, 2)
	k, err := p.KeepingOf(t.Context(), pageOf0(t, p))
	must(t, err)
	if k.Class != "hipaa" || k.Years != 6 {
		t.Errorf("health information: %+v", k)
	}
	if class, years := p.Def.KeptFor(audit.RecordRun); class != "report" || years != 7 {
		t.Errorf("runs: %s, %d", class, years)
	}
}

func pageOf0(t testing.TB, p *Program) audit.Record {
	t.Helper()
	all := records(t, p, audit.RecordPage)
	if len(all) == 0 {
		t.Fatal("no page")
	}
	return all[0]
}

func TestWhatAnExaminationSpeaksOf(t *testing.T) {
	terms := engagement.Terms{Type: engagement.SOC2TypeII, Zone: "UTC", First: "2026-03-01", Last: "2026-03-31"}
	at := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name string
		rec  audit.Record
		want bool
	}{
		{"in it", audit.Record{About: audit.Span{From: at(3, 5), To: at(3, 6)}}, true},
		{"the day after", audit.Record{About: audit.Span{From: at(4, 1), To: at(4, 2)}}, false},
		{"reaches into it", audit.Record{About: audit.Span{From: at(1, 1), To: at(3, 2)}}, true},
		{"about nothing, collected in it", audit.Record{Collected: at(3, 31)}, true},
		{"about nothing, collected after", audit.Record{Collected: at(4, 1)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := speaksOf(terms, tt.rec); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
	for s, want := range map[engagement.State]bool{engagement.Fieldwork: true, engagement.DraftReview: true, engagement.Issued: false, engagement.Monitoring: false, engagement.Withdrawn: false, engagement.Canceled: false} {
		if running(s) != want {
			t.Errorf("%s runs: %t", s, !want)
		}
	}
}

// TestStated: what a person says of a document is sealed beside it, and only that.
func TestStated(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	about := audit.Span{From: p.Now().AddDate(0, 0, -2), To: p.Now().AddDate(0, 0, -1)}
	rows := int64(1846)
	seal := func(s Stated) (audit.Record, error) {
		return p.SealDocument(t.Context(), audit.Actor{Kind: audit.ActorPerson, Name: "eva"}, Document{Title: "Export", File: "x.csv", About: about, Body: []byte("a,b\n"), Stated: s})
	}
	rec, err := seal(Stated{System: "Okta", Query: "every user", Range: "March", Rows: &rows})
	must(t, err)
	if got := StatedOf(rec); got.System != "Okta" || got.Rows == nil || *got.Rows != rows || len(got.Lines()) != 4 {
		t.Errorf("got %+v", got)
	}
	plain, err := seal(Stated{})
	must(t, err)
	if got := StatedOf(plain); !got.empty() {
		t.Errorf("nothing was said, got %+v", got)
	}
	shot, err := seal(Stated{Screenshot: true, Address: "https://admin.example.com", Clock: "3 March, 14:05"})
	must(t, err)
	if !StatedOf(shot).Screenshot {
		t.Error("a screenshot is not told")
	}
	for name, s := range map[string]Stated{
		"a screenshot without its clock": {Screenshot: true, Address: "https://admin.example.com"},
		"a clock without a screenshot":   {Clock: "14:05"},
		"what cannot be shown":           {System: "a\x00b"},
	} {
		if _, err := seal(s); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []string{"many", "-1"} {
		if _, err := StatedRows(s); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("rows %q: %v", s, err)
		}
	}
}
