package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

var (
	eva    = as(evaID, access.Employee)
	lisbon = time.FixedZone("Europe/Lisbon", 0)
)

// A story is one incident, written by the lead step by step.
type story struct {
	*world
	at program.Incident
}

func (w *world) incident() *story {
	w.t.Helper()
	return &story{w, must[program.Incident](w.t)(w.book.ReportIncident(w.t.Context(), eva, "A mail with a list went to the wrong customer.\nI saw it at once.", start.Add(-time.Hour)))}
}

// then continues after an hour, and wants no error.
func (s *story) then(f func(id string, revision int64) (program.Incident, error)) *story {
	s.t.Helper()
	s.pass(time.Hour)
	s.at = must[program.Incident](s.t)(f(s.at.ID, s.at.Revision))
	return s
}

func (s *story) set(change func(*program.Incident)) *story {
	s.t.Helper()
	return s.then(func(string, int64) (program.Incident, error) {
		i := s.at
		change(&i)
		return s.book.SetIncident(s.t.Context(), lead, i)
	})
}

func (s *story) step(what, words string) *story {
	s.t.Helper()
	return s.then(func(id string, n int64) (program.Incident, error) {
		return s.book.StepIncident(s.t.Context(), lead, id, n, program.Step{What: what, Text: words, Took: s.now(), Evidence: []string{"E-3"}})
	})
}

func (s *story) applies(rule string) *story {
	s.t.Helper()
	r := must[program.Rule](s.t)(program.RuleOf(rule))
	return s.then(func(id string, n int64) (program.Incident, error) {
		return s.book.DecideClock(s.t.Context(), lead, id, n, program.Clock{Rule: r, Applies: true, Why: "People in the EU are concerned.", Began: s.at.Detected}, lisbon)
	})
}

func privacy(i *program.Incident) {
	i.Kind, i.Severity, i.Lead, i.Personal, i.Subjects = "privacy", "sev2", leaID, "yes", 40
}

func TestAnIncidentsLife(t *testing.T) {
	w := newWorld(t)
	s := w.incident()
	if i := s.at; i.ID != "INC-1" || i.Title != "A mail with a list went to the wrong customer." || i.Status != "open" || i.ReportedBy != evaID || i.Severity != "" || i.Subjects != program.Unknown {
		t.Fatalf("reported: %+v", i)
	}
	s.set(privacy).step("acknowledged", "").step("contained", "The customer deleted it.").applies("gdpr-authority")
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.RecordTelling(t.Context(), lead, id, n, program.Telling{Clock: "gdpr-authority", Audience: "authority", To: "CNPD", How: "Their form.", Took: w.now()})
	})
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.AssessIncident(t.Context(), lead, id, n, program.Assessment{Recipient: "one customer", Happened: start.Add(-2 * time.Hour), Assessed: w.now(), Text: "Names only.", Decision: "not required"})
	})
	s.step("resolved", "").then(func(id string, n int64) (program.Incident, error) {
		return w.book.CauseIncident(t.Context(), lead, id, n, "Two customers have nearly the same name.")
	}).then(func(id string, n int64) (program.Incident, error) {
		return w.book.LessonsOfIncident(t.Context(), lead, id, n, "Lists are sent through the product.")
	})
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.DiscloseIncident(t.Context(), signer, id, n, "leave out", "No commitment was broken.")
	}).step("closed", "")
	if s.at.Status != "closed" || s.at.Disclosure.Yes || s.at.Disclosure.By != samID || s.at.Clocks[0].ClockState(w.now()) != "told in time" {
		t.Errorf("closed: %+v", s.at)
	}
	if len(s.at.Steps) != 12 || s.at.Revision != 12 {
		t.Errorf("%d lines, revision %d; want 12", len(s.at.Steps), s.at.Revision)
	}
	if diff := cmp.Diff(s.at, must[program.Incident](t)(w.again().Incident(t.Context(), "INC-1"))); diff != "" {
		t.Errorf("another server reads it otherwise (-first +other):\n%s", diff)
	}
	s.facts()
}

// facts are what evidence says of the whole story.
func (s *story) facts() {
	s.t.Helper()
	last, kinds := audit.Fact{}, map[string]audit.Fact{}
	err := s.book.Read(s.t.Context(), func(st *program.State) error {
		for _, f := range st.Facts {
			if kinds[f.Type] = f; f.Type == "incident" {
				last = f
			}
			fitsType(s.t, f)
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	want := map[string]any{"status": "closed", "severity": "sev2", "kind": "privacy", "notificationRequired": true, "customerNotifiedAt": audit.NeverText,
		"detectedAt": "2026-03-02T08:00:00Z", "acknowledgedAt": "2026-03-02T11:00:00Z", "rootCauseAt": "2026-03-02T17:00:00Z", "owner": "account:" + leaID}
	got := map[string]any{}
	for k := range want {
		got[k] = last.Fields[k]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("the incident as evidence (-want +got):\n%s", diff)
	}
	n := kinds["notice"]
	if n.ID != "INC-1/N1" || n.Fields["kind"] != "breach" || n.Fields["audience"] != "authority" || n.Fields["subject"] != "INC-1" || !n.At.Equal(start.Add(5*time.Hour)) {
		s.t.Errorf("the notice as evidence: %+v", n)
	}
	d := kinds["disclosure"]
	if d.ID != "INC-1/D1" || d.Fields["incident"] != "INC-1" || d.Fields["records"] != 40 || d.Fields["notifyDecision"] != "not required" || d.Fields["authorized"] != false {
		s.t.Errorf("the disclosure as evidence: %+v", d)
	}
}

// fitsType fails where a fact says what its item type has no field for.
func fitsType(t *testing.T, f audit.Fact) {
	t.Helper()
	typ := must[*audit.ItemType](t)(audit.TypeByName(f.Type))
	for name, v := range f.Fields {
		n := slices.IndexFunc(typ.Fields, func(x audit.Field) bool { return x.Name == name })
		if n < 0 {
			t.Errorf("%s says %s, which its type has not", f.Type, name)
			continue
		}
		field, ok := typ.Fields[n], false
		switch field.Kind {
		case audit.Bool:
			_, ok = v.(bool)
		case audit.Int:
			_, ok = v.(int)
		case audit.Time:
			text, _ := v.(string)
			_, err := audit.ParseTime(text)
			ok = err == nil || text == audit.NeverText && field.None != ""
		case audit.String:
			text, isText := v.(string)
			ok = isText && (text != "" || field.None != "") && (len(field.Enum) == 0 || text == "" || slices.Contains(field.Enum, text))
		}
		if !ok {
			t.Errorf("%s.%s is %v, which its type does not allow", f.Type, name, v)
		}
	}
}

// What nobody decided yet is not in evidence: unknown, never a no.
func TestNotificationFollowsTheDecisions(t *testing.T) {
	w := newWorld(t)
	s := w.incident()
	says := func(want any) {
		t.Helper()
		_ = w.book.Read(t.Context(), func(st *program.State) error {
			fields := st.Facts[len(st.Facts)-1].Fields
			if got := fields["notificationRequired"]; got != want {
				t.Errorf("notificationRequired is %v, want %v", got, want)
			}
			return nil
		})
	}
	says(nil)
	r := must[program.Rule](t)(program.RuleOf("gdpr-authority"))
	no := program.Clock{Rule: r, Why: "Nobody in the EU is concerned."}
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.DecideClock(t.Context(), lead, id, n, no, lisbon)
	})
	says(nil)
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.SettleIncident(t.Context(), lead, id, n, "Only names of test accounts.")
	})
	says(false)
	s.applies("gdpr-authority")
	says(true)
	if c := s.at.Clocks; len(c) != 1 || !c[0].Due.Equal(start.Add(71*time.Hour)) || c[0].Zone != "Europe/Lisbon" {
		t.Errorf("clocks %+v", c)
	}
	s.then(func(id string, n int64) (program.Incident, error) {
		return w.book.DecideClock(t.Context(), lead, id, n, no, lisbon)
	})
	says(false)
}

func TestDisclosureCanBeDecidedAnew(t *testing.T) {
	w := newWorld(t)
	s := w.incident()
	decide := func(d string) *story {
		return s.then(func(id string, n int64) (program.Incident, error) {
			return w.book.DiscloseIncident(t.Context(), signer, id, n, d, "Because of "+d+".")
		})
	}
	decide("leave out")
	if decide("open"); !s.at.Disclosure.Open {
		t.Errorf("not open: %+v", s.at.Disclosure)
	}
	if decide("disclose"); !s.at.Disclosure.Yes || s.at.Disclosure.Open || s.at.Disclosure.Why != "Because of disclose." {
		t.Errorf("not decided: %+v", s.at.Disclosure)
	}
	if len(s.at.Steps) != 4 || s.at.Steps[1].Text != "Because of leave out." {
		t.Errorf("what was decided before is gone: %+v", s.at.Steps)
	}
}

func TestReopened(t *testing.T) {
	s := newWorld(t).incident()
	s.step("contained", "").step("resolved", "").step("reopened", "It came back.")
	if s.at.Status != "contained" || !s.at.Resolved.IsZero() {
		t.Errorf("got %s, resolved %v", s.at.Status, s.at.Resolved)
	}
}

func TestIncidentRefused(t *testing.T) {
	w := newWorld(t)
	s := w.incident().set(privacy)
	ctx, id, n := t.Context(), s.at.ID, s.at.Revision
	future, before := w.now().Add(time.Minute), s.at.Detected.Add(-time.Minute)
	step := func(by access.Subject, rev int64, st program.Step) func() error {
		return func() error { _, err := w.book.StepIncident(ctx, by, id, rev, st); return err }
	}
	rule := must[program.Rule](t)(program.RuleOf("gdpr-authority"))
	clock := func(c program.Clock) func() error {
		return func() error { _, err := w.book.DecideClock(ctx, lead, id, n, c, lisbon); return err }
	}
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"a reader reports", func() error { _, err := w.book.ReportIncident(ctx, reader, "x", start); return err }, audit.ErrForbidden},
		{"nothing is reported", func() error { _, err := w.book.ReportIncident(ctx, eva, " ", start); return err }, audit.ErrInvalid},
		{"noticed tomorrow", func() error { _, err := w.book.ReportIncident(ctx, eva, "x", future); return err }, audit.ErrInvalid},
		{"noticed at no time", func() error { _, err := w.book.ReportIncident(ctx, eva, "x", time.Time{}); return err }, audit.ErrInvalid},
		{"who reported it runs it", step(eva, n, program.Step{What: "note", Text: "x", Took: start}), audit.ErrForbidden},
		{"an older page", step(lead, n-1, program.Step{What: "note", Text: "x", Took: start}), audit.ErrConflict},
		{"a step nobody knows", step(lead, n, program.Step{What: "solved", Took: start}), audit.ErrInvalid},
		{"a step in the future", step(lead, n, program.Step{What: "contained", Took: future}), audit.ErrInvalid},
		{"contained before it was detected", step(lead, n, program.Step{What: "contained", Took: before}), audit.ErrInvalid},
		{"an empty note", step(lead, n, program.Step{What: "note", Took: start}), audit.ErrInvalid},
		{"opened again though open", step(lead, n, program.Step{What: "reopened", Text: "x", Took: start}), audit.ErrConflict},
		{"closed with nothing done", step(lead, n, program.Step{What: "closed", Took: w.now()}), audit.ErrConflict},
		{"a clock without a reason", clock(program.Clock{Rule: rule, Applies: true, Began: start}), audit.ErrInvalid},
		{"a clock that begins tomorrow", clock(program.Clock{Rule: rule, Applies: true, Why: "x", Began: future}), audit.ErrInvalid},
		{"a clock that begins never", clock(program.Clock{Rule: rule, Applies: true, Why: "x"}), audit.ErrInvalid},
		{"told of a clock nobody decided", func() error {
			_, err := w.book.RecordTelling(ctx, lead, id, n, program.Telling{Clock: "gdpr-authority", Audience: "authority", To: "x", How: "x", Took: start})
			return err
		}, audit.ErrConflict},
		{"the lead discloses", func() error { _, err := w.book.DiscloseIncident(ctx, lead, id, n, "disclose", "x"); return err }, audit.ErrForbidden},
		{"disclosed without a reason", func() error { _, err := w.book.DiscloseIncident(ctx, signer, id, n, "disclose", ""); return err }, audit.ErrInvalid},
		{"an incident that is not there", func() error { _, err := w.book.CauseIncident(ctx, lead, "INC-9", 0, "x"); return err }, audit.ErrNotFound},
		{"people without personal data", func() error {
			i := s.at
			i.Personal = "no"
			_, err := w.book.SetIncident(ctx, lead, i)
			return err
		}, audit.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if got := must[program.Incident](t)(w.book.Incident(ctx, id)); got.Revision != n {
		t.Errorf("a refused entry changed it: revision %d, want %d", got.Revision, n)
	}
}

// What is missing before it can be closed is said one by one.
func TestUnfinished(t *testing.T) {
	due := program.Clock{Rule: program.Rule{Tell: "the authority"}, Applies: true}
	done := program.Incident{Severity: "sev3", Kind: "security", Resolved: start, Cause: "x", Lessons: "x", Settled: &program.Ruling{}}
	tests := []struct {
		name   string
		change func(*program.Incident)
		want   string
	}{
		{"nothing", func(*program.Incident) {}, ""},
		{"severity", func(i *program.Incident) { i.Severity = "" }, "severe"},
		{"resolved", func(i *program.Incident) { i.Resolved = time.Time{} }, "resolved"},
		{"cause", func(i *program.Incident) { i.Cause = "" }, "cause"},
		{"lessons", func(i *program.Incident) { i.Lessons = "" }, "lessons"},
		{"who is told", func(i *program.Incident) { i.Settled = nil }, "outside"},
		{"a telling", func(i *program.Incident) { i.Clocks = []program.Clock{due} }, "the authority"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := done
			tt.change(&i)
			if got := i.Unfinished(); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want it to say %q", got, tt.want)
			}
		})
	}
}

func mailer() program.Vendor {
	return program.Vendor{Name: "Mailer", Tier: "high", Status: "active", Owner: "ops", Personal: true, Started: start.AddDate(0, -1, 0), Reviewed: start.AddDate(0, 0, -2)}
}

func TestVendors(t *testing.T) {
	w := newWorld(t)
	v := must[program.Vendor](t)(w.book.SetVendor(t.Context(), lead, mailer()))
	ended := v
	ended.Status, ended.Ended = "ended", start
	ended = must[program.Vendor](t)(w.book.SetVendor(t.Context(), lead, ended))
	if v.ID != "V-1" || ended.Revision != 2 || ended.ChangedBy != leaID {
		t.Errorf("got %+v, then %+v", v, ended)
	}
	_ = w.again().Read(t.Context(), func(s *program.State) error {
		f := s.Facts[len(s.Facts)-1]
		fitsType(t, f)
		if f.Type != "vendor" || f.Fields["status"] != "ended" || f.Fields["dataProcessing"] != true || f.Fields["reportEnd"] != audit.NeverText {
			t.Errorf("as evidence: %+v", f)
		}
		return nil
	})
	tests := []struct {
		name   string
		by     access.Subject
		change func(*program.Vendor)
		want   error
	}{
		{"a reader", reader, func(*program.Vendor) {}, audit.ErrForbidden},
		{"an older page", lead, func(v *program.Vendor) { v.Revision = 1 }, audit.ErrConflict},
		{"no name", lead, func(v *program.Vendor) { v.Name = "" }, audit.ErrInvalid},
		{"ended on no day", lead, func(v *program.Vendor) { v.Ended = time.Time{} }, audit.ErrInvalid},
		{"reviewed tomorrow", lead, func(v *program.Vendor) { v.Reviewed = w.now().Add(time.Hour) }, audit.ErrInvalid},
		{"active since no day", lead, func(v *program.Vendor) { v.Status, v.Ended, v.Started = "active", time.Time{}, time.Time{} }, audit.ErrInvalid},
		{"nothing wrong", lead, func(*program.Vendor) {}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := ended
			tt.change(&x)
			if _, err := w.book.SetVendor(t.Context(), tt.by, x); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
