package tasks_test

import (
	"errors"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/tasks"
)

// An owner is one of the definitions, an account is one somebody can use.
func TestSetDuty(t *testing.T) {
	w := newWorld(t, nil)
	by := as(leaID, access.ComplianceLead)
	owners := tasks.Owners(w.p)
	if len(owners) == 0 {
		t.Fatal("the definitions name no owner")
	}
	for _, tt := range []struct {
		name string
		duty program.Duty
		want error
	}{
		{"an owner nobody names", program.Duty{Name: "Duke of nowhere"}, audit.ErrInvalid},
		{"an account that is not there", program.Duty{Name: owners[0], Account: "01900000-0000-7000-8000-0000000000ff"}, audit.ErrInvalid},
		{"one that is no ID", program.Duty{Name: owners[0], Account: "ana"}, audit.ErrInvalid},
		{"nobody", program.Duty{Name: owners[0]}, nil},
	} {
		if _, err := tasks.SetDuty(t.Context(), w.p, by, tt.duty); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	l := w.list()
	if err := l.Known("no.such@2026"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("an unknown task: %v", err)
	}
	if len(l.All) == 0 || l.Known(l.All[0].ID()) != nil {
		t.Errorf("a known one of %d is unknown", len(l.All))
	}
}
