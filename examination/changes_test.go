package examination

import (
	"reflect"
	"testing"

	"tieout/audit"
	"tieout/definition"
)

// TestUndatedChange: a change of a control that the definitions do not date is one
// beside a change that they do date, and is not dropped for it.
func TestUndatedChange(t *testing.T) {
	was := audit.Control{ID: "IAM-06", Title: "Leavers", Description: "Within one week."}
	until := was
	until.Effective.To = "2026-05-31"
	then := was
	then.Description, then.Effective.From = "Within one day.", "2026-06-01"
	owner := until
	owner.Owner = "Somebody else"
	for _, tt := range []struct {
		name   string
		now    []audit.Control
		undone bool // something changed that has no date of its own
	}{
		{"nothing", []audit.Control{was}, false},
		{"a text from a day on", []audit.Control{until, then}, false},
		{"and its owner for the whole time", []audit.Control{owner, then}, true},
		{"its text for the whole time", []audit.Control{{ID: "IAM-06", Title: "Leavers", Description: "Within one day."}}, true},
		{"a text after these days", []audit.Control{until, then, {ID: "IAM-06", Title: "Leavers", Effective: audit.Effective{From: "2027-01-01"}}}, true},
	} {
		old, now := &definition.Workspace{Controls: []audit.Control{was}}, &definition.Workspace{Controls: tt.now}
		same := reflect.DeepEqual(undated(old, "IAM-06", "2026-01-01", "2026-12-31"), undated(now, "IAM-06", "2026-01-01", "2026-12-31"))
		if same == tt.undone {
			t.Errorf("%s: undated change %t, want %t", tt.name, !same, tt.undone)
		}
	}
}

// TestNamesInFlows: readers know parts of a system by their names.
func TestNamesInFlows(t *testing.T) {
	s := definition.System{Name: "Ledger", Flows: []definition.Flow{{From: "merchant", To: "intake", Since: "2026-03-01"}}}
	s.Components = []definition.Component{{ID: "intake", Name: "Intake of payments"}}
	s.Users = []definition.User{{ID: "merchant", Name: "Merchants"}}
	got := dated(&definition.Workspace{Systems: []definition.System{s}}, "2026-01-01", "2026-12-31")
	if len(got) != 1 || got[0].Text != "Data began to go from Merchants to Intake of payments." {
		t.Errorf("got %+v", got)
	}
}
