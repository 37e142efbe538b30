package management_test

import (
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement/management"
)

// TestCandidates: what firms said is kept side by side, in no order of merit, and
// inviting asks for none of it.
func TestCandidates(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	good := management.CandidateData{Name: "Brookline Assurance LLP", Answers: []management.Answered{{Question: management.Asks[0], Answer: "Massachusetts"}, {Question: "Whom it examined last", Answer: "Acme"}},
		References: []management.Reference{{Who: "Acme, head of IT", Said: "They came when they said."}}}
	for _, tt := range []struct {
		name   string
		change func(*management.CandidateData)
		says   string
	}{
		{"nobody's", func(d *management.CandidateData) { d.Name = "" }, "name"},
		{"an answer to nothing", func(d *management.CandidateData) { d.Answers[0].Question = "" }, "question"},
		{"a question without an answer", func(d *management.CandidateData) { d.Answers[0].Answer = "" }, "answer to"},
		{"one question twice", func(d *management.CandidateData) { d.Answers[1].Question = d.Answers[0].Question }, "answered twice"},
		{"a reference by nobody", func(d *management.CandidateData) { d.References[0].Who = "" }, "reference 1, who"},
		{"a reference without a word", func(d *management.CandidateData) { d.References[0].Said = "" }, "reference 1, what they said"},
		{"too many", func(d *management.CandidateData) { d.References = make([]management.Reference, 51) }, "at most 50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := good
			d.Answers, d.References = slices.Clone(good.Answers), slices.Clone(good.References)
			tt.change(&d)
			_, err := w.book.SetCandidate(ctx, lead, "", d, 0)
			refused(t, err, audit.ErrInvalid, tt.says)
		})
	}
	_, err := w.book.SetCandidate(ctx, owner, "", good, 0)
	refused(t, err, audit.ErrForbidden, "")
	one, err := w.book.SetCandidate(ctx, lead, "", good, 0)
	check(t, err)
	two, err := w.book.SetCandidate(ctx, signer, "", management.CandidateData{Name: "Ardent CPAs"}, 0)
	check(t, err)
	good.Note = "Taken: it knows ledgers."
	_, err = w.book.SetCandidate(ctx, lead, one, good, 0)
	refused(t, err, audit.ErrConflict, "")
	_, err = w.book.SetCandidate(ctx, lead, one, good, 1)
	check(t, err)
	check(t, w.book.InviteFirm(ctx, lead, "Brookline Assurance LLP", w.firm, ""))
	check(t, w.book.Read(ctx, func(s *management.State) error {
		list := s.Considered()
		if len(list) != 2 || list[0].ID != one || list[1].ID != two || !s.Invited(list[0]) || s.Invited(list[1]) {
			t.Errorf("considered: %+v", list)
		}
		if got := list[0]; got.AnswerTo(management.Asks[0]) != "Massachusetts" || got.AnswerTo(management.Asks[1]) != "" || got.Note != good.Note || got.Revision != 2 {
			t.Errorf("the first: %+v", got)
		}
		if q := management.Questions(list); len(q) != len(management.Asks)+1 || !strings.Contains(q[len(q)-1], "examined last") {
			t.Errorf("questions: %q", q)
		}
		return nil
	}))
}
