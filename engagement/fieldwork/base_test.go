package fieldwork_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// TestIssuedBeforeTermsWereNamed: a report that was issued on letters of before they
// named their terms stays issued; nobody issues another on them.
func TestIssuedBeforeTermsWereNamed(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	files := []fieldwork.IssuedFile{w.put(t, "report.pdf", "a report"), w.put(t, "report.json", "a value")}
	sig := w.signature(paulaID, reportDigest)
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		f.Assertions["Halyard, Inc."].Terms, f.Representations["Halyard, Inc."].Terms = "", ""
		check(t, fieldwork.TryIssue(s, w.now(), partner, "EN-1", reportDigest, files, "2027-02-20", sig, 0))
		if err := fieldwork.TryIssue(s, w.now(), partner, "EN-1", reportDigest, files, "2027-02-20", sig, fieldwork.Edition); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "signed under unknown terms") {
			t.Errorf("issued on letters that name no terms: %v; want a conflict that says so", err)
		}
	})
}

// general opens a SOC 3 that rests on EN-1 and returns its number.
func (w *world) general(t testing.TB) string {
	t.Helper()
	ctx := t.Context()
	x := terms(engagement.SOC3)
	x.RestsOn = "EN-1"
	id := must[engagement.Terms](t)(w.book.OpenEngagement(ctx, partner, x)).ID
	check(t, w.book.Declare(ctx, partner, id, true, ""))
	check(t, w.book.Assign(ctx, partner, id, paulaID, fieldwork.DutyPartner, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}))
	check(t, w.book.Accept(ctx, partner, id, checks(), letter()))
	return id
}

// opineOn writes an unmodified opinion on a part of another engagement than EN-1.
func (w *world) opineOn(t testing.TB, id string, part engagement.Part) error {
	t.Helper()
	var d string
	check(t, w.book.ReadFile(t.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
		d = s.OpinionDigest(f, part, engagement.Unmodified, "The controls were effective.", "")
		return nil
	}))
	return w.book.Opine(t.Context(), partner, id, part, engagement.Unmodified, "The controls were effective.", "", w.signature(paulaID, d))
}

// TestSOC3RestsOnTheTypeIIsReport: its one opinion rests on the conclusions of the
// engagement it is made from, and on its report: there is none before that one, and
// where it is modified its matters are named.
func TestSOC3RestsOnTheTypeIIsReport(t *testing.T) {
	t.Parallel()
	early := concluded(t)
	refusedWith := func(w *world, id, want string) {
		t.Helper()
		if err := w.opineOn(t, id, engagement.PartOperation); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want a conflict that says %q", err, want)
		}
	}
	refusedWith(early, early.general(t), "EN-1, which it rests on: no opinion, or one on older conclusions, on: description, design, operation")
	w := issuable(t)
	id := w.general(t)
	refusedWith(w, id, "the report of EN-1, which it rests on: it is not issued")
	check(t, w.issue(t, reportDigest, "", ""))
	if err := w.opineOn(t, id, engagement.PartDesign); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("an opinion on a part a SOC 3 has not: %v; want it refused", err)
	}
	check(t, w.opineOn(t, id, engagement.PartOperation))
	missing := func() (out string) {
		check(t, w.book.ReadFile(t.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
			for _, g := range s.Standing(f, "report.issue", "", w.now()) {
				if strings.Contains(g.Needs, "that a SOC 3 rests on") {
					out = g.Missing
				}
			}
			warned := strings.Join(s.Warnings(f), "\n")
			for _, want := range []string{"of EN-1, which this SOC 3 rests on, is modified (operation: Qualified)", "The basis of that opinion: Changes were merged by their authors.", "the opinion of this SOC 3 is Unmodified, on a report that is modified"} {
				if !strings.Contains(warned, want) {
					t.Errorf("warnings %q; want %q among them", warned, want)
				}
			}
			return nil
		}))
		return out
	}
	if m := missing(); m != "" {
		t.Errorf("missing before the report: %q; want nothing of the report it rests on", m)
	}
	check(t, w.book.ReadFile(t.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		f.Opinions[engagement.PartOperation].Base = secondDigest
		return nil
	}))
	if m := missing(); !strings.Contains(m, "was written before the report of EN-1 that is in force") {
		t.Errorf("missing before the report: %q; want the opinion on another report named", m)
	}
	check(t, w.book.Revise(t.Context(), partner, "EN-1", "a count was wrong"))
	if m := missing(); !strings.Contains(m, "the report of EN-1, which it rests on: it is not issued") {
		t.Errorf("missing while that report is revised: %q", m)
	}
	check(t, w.book.Reopen(t.Context(), manager, "EN-1", opTest, "an item was misread"))
	refusedWith(w, id, "to be renewed")
}

// TestAReportSupersedesOnlyItsClients: the latest report in force of the same
// client, by a partner who may sign for that engagement too.
func TestAReportSupersedesOnlyItsClients(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	check(t, w.issue(t, reportDigest, "", ""))
	x := terms(engagement.SOC2TypeII)
	id := must[engagement.Terms](t)(w.book.OpenEngagement(t.Context(), partner, x)).ID
	w.file(func(s *fieldwork.State, old *fieldwork.File) {
		f := s.Files[id]
		missing := func() string {
			for _, g := range s.StandingToIssue(f, "2027-02-20", reportDigest, w.now()) {
				if strings.Contains(g.Needs, "says which it supersedes") {
					return g.Missing
				}
			}
			return "no such gate"
		}
		last := old.Issues[0]
		for _, c := range []struct {
			name    string
			spoil   func() (undo func())
			refused bool
		}{
			{"the report in force of the same client", func() func() { return func() {} }, false},
			{"another client's", func() func() {
				f.Terms.Client.Name = "Brookline, Inc."
				return func() { f.Terms.Client.Name = old.Terms.Client.Name }
			}, true},
			{"that of a client of the same name with another log", func() func() {
				f.Terms.Client.Key = "another"
				return func() { f.Terms.Client.Key = old.Terms.Client.Key }
			}, true},
			{"one that is withdrawn", func() func() {
				last.Withdrawn = &fieldwork.Step{What: "x"}
				return func() { last.Withdrawn = nil }
			}, true},
			{"one that is superseded", func() func() {
				last.Superseded = secondDigest
				return func() { last.Superseded = "" }
			}, true},
			{"one before the latest", func() func() {
				old.Issues = append(old.Issues, &fieldwork.Issuance{Release: engagement.Release{Report: secondDigest}})
				return func() { old.Issues = old.Issues[:1] }
			}, true},
			{"one that is being revised", func() func() {
				old.State = engagement.DraftReview
				return func() { old.State = engagement.Issued }
			}, true},
		} {
			undo := c.spoil()
			if got := missing(); (got != "") != c.refused {
				t.Errorf("superseding %s: %q; want it refused: %t", c.name, got, c.refused)
			}
			undo()
		}
	})
	only := access.Subject{Workspace: access.Firm, Kind: audit.ActorPerson, Account: paulaID, Session: "S", Fresh: true, Grants: []access.Grant{{Role: access.Partner, Scope: access.ScopeEngagement, Object: id}}}
	files := []fieldwork.IssuedFile{w.put(t, "report.json", values[secondDigest])}
	if _, err := w.book.Issue(t.Context(), only, id, secondDigest, files, "2027-02-20", reportDigest, "x", w.signature(paulaID, secondDigest)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("superseded a report by who signs nothing of its engagement: %v; want it forbidden", err)
	}
}
