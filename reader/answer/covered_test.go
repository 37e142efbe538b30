package answer

import (
	"encoding/json"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/program"
)

// guest is an auditor's guest at the examination of the first quarter of 2026.
func guest() *Sight {
	p := &period.Program{Def: &definition.Workspace{}, Name: "2026-Q1", Period: audit.Period{Zone: "UTC", Span: audit.Span{From: on26(1, 1), To: on26(4, 1)}}}
	return &Sight{P: p, Systems: []string{"payments"}, Who: access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "gus",
		Grants: []access.Grant{{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-Q1"}}},
		Rests: []audit.EvidenceLine{{Index: 7}, {Index: 20}}, Findings: []audit.Deviation{{Ref: "D-1a2b3c4d"}}}
}

func on26(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }

// An auditor's guest reads what the examination covers: by the time it is about.
func TestGuestReadsWhatIsCovered(t *testing.T) {
	s := guest()
	review := func(cycle string, asOf time.Time) access.Object {
		return s.OfReview(&program.Review{Cycle: cycle, Parts: []program.ReviewPart{{System: "okta", AsOf: asOf}}}, "")
	}
	for _, tt := range []struct {
		name string
		id   access.PermissionID
		on   access.Object
		want bool
	}{
		{"a control", "period.read", s.OfControls("IAM-02"), true},
		{"a risk of before that is open", "register.read", s.OfRisk(program.Risk{Since: on26(1, 1).AddDate(-1, 0, 0)}), true},
		{"a risk written down in the period", "register.read", s.OfRisk(program.Risk{Since: on26(3, 31)}), true},
		{"a risk closed before", "register.read", s.OfRisk(program.Risk{Since: on26(1, 1).AddDate(-1, 0, 0), Status: "closed", Assessed: on26(1, 1).AddDate(0, 0, -1)}), false},
		{"a risk closed in it", "register.read", s.OfRisk(program.Risk{Since: on26(1, 1).AddDate(-1, 0, 0), Status: "closed", Assessed: on26(2, 1)}), true},
		{"a risk of later", "register.read", s.OfRisk(program.Risk{Since: on26(4, 1)}), false},
		{"a vendor in use", "register.read", s.OfVendor(program.Vendor{Since: on26(1, 5)}), true},
		{"a vendor of later", "register.read", s.OfVendor(program.Vendor{Since: on26(4, 2)}), false},
		{"a vendor of the past", "register.read", s.OfVendor(program.Vendor{Since: on26(1, 1).AddDate(-2, 0, 0), Ended: on26(1, 1).AddDate(0, -1, 0)}), false},
		{"an incident", "incident.read", s.OfIncident(program.Incident{Detected: on26(2, 1)}), true},
		{"an incident noticed later", "incident.read", s.OfIncident(program.Incident{Detected: on26(4, 1)}), false},
		{"an incident closed before", "incident.read", s.OfIncident(program.Incident{Detected: on26(1, 1).AddDate(0, -2, 0), Closed: on26(1, 1).AddDate(0, -1, 0)}), false},
		{"a review of the quarter, made after it", "people.read", review("2026-Q1", on26(4, 20)), true},
		{"a review of the next quarter, frozen in this one", "people.read", review("2026-Q2", on26(3, 30)), true},
		{"a review of the next quarter", "people.read", review("2026-Q2", on26(4, 20)), false},
		{"a review of the year", "people.read", review("2026", on26(11, 1)), true},
	} {
		if got := s.May(tt.id, tt.on); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestGuestOpensWhatIsCovered(t *testing.T) {
	in, later, span := on26(2, 1), on26(5, 1), func(from, to time.Time) audit.Span { return audit.Span{From: from, To: to} }
	detail := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, tt := range []struct {
		name string
		rec  audit.Record
		want bool
	}{
		{"a page of the period", audit.Record{Kind: audit.RecordPage, About: audit.At(in), Recorded: in}, true},
		{"a page collected later about the period", audit.Record{Kind: audit.RecordPage, About: span(on26(1, 1), later), Recorded: later}, true},
		{"a page of later", audit.Record{Kind: audit.RecordPage, About: audit.At(later), Recorded: later, Index: 8}, false},
		{"a page of later that a result rests on", audit.Record{Kind: audit.RecordPage, About: audit.At(later), Recorded: later, Index: 20}, true},
		{"a document about the period, added later", audit.Record{Kind: audit.RecordDocument, About: span(on26(3, 1), on26(3, 2)), Recorded: later}, true},
		{"a document about later", audit.Record{Kind: audit.RecordDocument, About: span(on26(4, 1), on26(4, 2)), Recorded: later}, false},
		{"a run of the period, made later", audit.Record{Kind: audit.RecordRun, About: span(on26(1, 1), on26(4, 1)), Recorded: later}, true},
		{"a run of the next period", audit.Record{Kind: audit.RecordRun, About: span(on26(4, 1), on26(7, 1)), Recorded: later}, false},
		{"a decision made later about a finding of the period", audit.Record{Kind: audit.RecordDecision, Recorded: later, Detail: detail(`{"deviation":"D-1a2b3c4d"}`)}, true},
		{"a decision made later about another", audit.Record{Kind: audit.RecordDecision, Recorded: later, Detail: detail(`{"deviation":"D-ffffffff"}`)}, false},
		{"an entry of the period", audit.Record{Kind: audit.RecordEntry, Recorded: in, Detail: detail(`{"on":"risk:R-1"}`)}, true},
		{"an entry of later", audit.Record{Kind: audit.RecordEntry, Recorded: later, Detail: detail(`{"on":"risk:R-1"}`)}, false},
		{"a task of the period recorded later", audit.Record{Kind: audit.RecordEntry, Recorded: later, Detail: detail(`{"on":"task:board.meeting@2026-Q1"}`)}, true},
		{"a task of the next quarter", audit.Record{Kind: audit.RecordEntry, Recorded: later, Detail: detail(`{"on":"task:board.meeting@2026-Q2"}`)}, false},
		{"what somebody did in the period", audit.Record{Kind: audit.RecordActivity, Recorded: in}, true},
		{"what somebody did later", audit.Record{Kind: audit.RecordActivity, Recorded: later}, false},
		{"definitions applied before", audit.Record{Kind: audit.RecordDefinition, Recorded: on26(1, 1).AddDate(0, -1, 0)}, true},
		{"definitions applied later", audit.Record{Kind: audit.RecordDefinition, Recorded: later}, false},
		{"an erasure of later", audit.Record{Kind: audit.RecordErasure, Recorded: later}, true},
		{"management's entry in an examination", audit.Record{Kind: audit.RecordFieldwork, Recorded: in}, false},
		{"one that a result rests on", audit.Record{Kind: audit.RecordFieldwork, Recorded: in, Index: 20}, false},
		{"a packet of an examination", audit.Record{Kind: audit.RecordPacket, Recorded: in}, false},
	} {
		s := guest()
		if got := s.MayOpen(tt.rec) == nil; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		if got := s.Seeing()(tt.rec); got != tt.want {
			t.Errorf("%s, in a list: got %v, want %v", tt.name, got, tt.want)
		}
		s.Who.Grants = []access.Grant{{Role: access.ComplianceLead, Scope: access.ScopeWorkspace}}
		if err := s.MayOpen(tt.rec); err != nil {
			t.Errorf("%s: refused to a compliance lead: %v", tt.name, err)
		}
		s.Who.Grants = []access.Grant{{Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2025"}}
		if s.MayOpen(tt.rec) == nil {
			t.Errorf("%s: open to the guest of another examination", tt.name)
		}
	}
}

func TestCycleSpan(t *testing.T) {
	for cycle, want := range map[string]audit.Span{
		"2026": {From: on26(1, 1), To: on26(1, 1).AddDate(1, 0, 0)}, "2026-H2": {From: on26(7, 1), To: on26(1, 1).AddDate(1, 0, 0)}, "2026-Q2": {From: on26(4, 1), To: on26(7, 1)},
		"2026-09": {From: on26(9, 1), To: on26(10, 1)}, "2026-09-14": {From: on26(9, 14), To: on26(9, 15)}, "2026-Q5": {}, "": {}, "soon": {},
	} {
		got, ok := CycleSpan(cycle, time.UTC)
		if ok == want.Empty() || ok && (!got.From.Equal(want.From) || !got.To.Equal(want.To)) {
			t.Errorf("%q: got %v, %v; want %v", cycle, got, ok, want)
		}
	}
}
