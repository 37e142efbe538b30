package web

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/reader/roster"
	"tieout/report"
)

// mostTogether is how many proposals one form confirms.
const mostTogether = 200

// pairOf names a proposal in a form, as it was when the form was made.
func pairOf(p *roster.Proposal) string {
	return url.Values{"of": {p.Of}, "thing": {p.Thing}, "person": {p.Person.ID}, "revision": {strconv.FormatInt(p.Revision, 10)}}.Encode()
}

// sureLines are the proposals that can be confirmed together, and the others. An
// account of one's own is confirmed by itself.
func (q *request) sureLines(asks []roster.Proposal) (sure []askLine, others []roster.Proposal) {
	for _, p := range asks {
		if p.Sure && p.Thing != q.who.Account && len(sure) < mostTogether {
			l := q.askLine(p)
			l.Pair = pairOf(&p)
			sure = append(sure, l)
			continue
		}
		others = append(others, p)
	}
	return sure, others
}

// decideTogether confirms the ticked proposals one after the other, each as its
// own entry, or rejects the one whose button was pressed. What somebody else has
// decided since the form was made is left as it is, and said.
func (q *request) decideTogether() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	sure, _ := q.sureLines(r.Asks)
	find := func(pair string) *askLine {
		if i := slices.IndexFunc(sure, func(l askLine) bool { return l.Pair == pair }); i >= 0 {
			return &sure[i]
		}
		return nil
	}
	if pair := q.field("not"); pair != "" {
		return q.rejectOne(find(pair))
	}
	ticked := q.PostForm["pair"]
	if len(ticked) == 0 || len(ticked) > mostTogether {
		return q.linksAgain(fmt.Errorf("%w: tick 1 to %d of them", audit.ErrInvalid, mostTogether))
	}
	done := 0
	for _, pair := range ticked {
		l := find(pair)
		if l == nil {
			continue
		}
		_, err := q.book.LinkIdentity(q.Context(), q.who, l.Of, l.Thing, l.Person.ID, l.Basis, l.Revision)
		switch {
		case errors.Is(err, audit.ErrConflict):
		case err != nil:
			return err
		default:
			done++
		}
	}
	return q.done("/people/links", sayTogether(done, len(ticked)-done))
}

func (q *request) rejectOne(l *askLine) error {
	if l == nil {
		return q.linksAgain(fmt.Errorf("%w: somebody has decided this since the page was opened", audit.ErrConflict))
	}
	if _, err := q.book.RejectIdentity(q.Context(), q.who, l.Of, l.Thing, l.Person.ID, l.Basis, l.Revision); err != nil {
		return q.linksAgain(err)
	}
	return q.done("/people/links", "Rejected. It is not proposed again.")
}

// linksAgain shows the proposals with what is wrong.
func (q *request) linksAgain(err error) error {
	if err := q.problem(err); err != nil {
		return err
	}
	return q.links()
}

// sayTogether says what came of a form that confirms several.
func sayTogether(done, left int) string {
	s := report.Capital(report.Plural(done, "is", "are")) + " confirmed, each sealed on its own."
	if left > 0 {
		s += " " + report.Capital(report.Plural(left, "was", "were")) + " not: somebody else has decided since the page was opened, or what speaks for it has changed."
	}
	return s
}
