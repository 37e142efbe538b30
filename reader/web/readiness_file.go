package web

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"tieout/audit"
	"tieout/reader/answer"
)

// readinessFile gives readiness as a file for somebody outside: counts, never what
// a gap says, by who may read all that is counted. The page is one to keep and
// print; ?format=csv is the burn-up.
func (q *request) readinessFile() error {
	if !q.readsAllGaps() {
		return fmt.Errorf("%w: the file counts gaps of every kind, and not all of them are yours to read", audit.ErrForbidden)
	}
	r, err := q.readinessOf()
	if err != nil {
		return err
	}
	if r, err = q.heldAgainst(r, q.URL.Query().Get("by")); err != nil {
		return err
	}
	p, err := answer.ProgressOf(q.Context(), q.st.whole().p, r)
	if err != nil {
		return err
	}
	if q.URL.Query().Get("format") == "csv" {
		head, rows := p.BurnRows()
		return q.asCSV("readiness-"+r.AsOf.In(q.zone()).Format(time.DateOnly), head, rows)
	}
	var b bytes.Buffer
	if err := answer.WriteProgress(&b, p); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="readiness-`+r.AsOf.In(q.zone()).Format(time.DateOnly)+`.html"`)
	h.Set("Content-Length", fmt.Sprint(b.Len()))
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(b.Bytes()) // who asked is gone
	return nil
}

// readsAllGaps reports whether no gap is hidden from who is signed in.
func (q *request) readsAllGaps() bool {
	if q.st.whole() != q.st {
		return false
	}
	for _, id := range gapNeeds {
		if !q.reaches(id) {
			return false
		}
	}
	return true
}

// heldAgainst is r held against a day, the period's last where none is named.
func (q *request) heldAgainst(r *answer.Readiness, by string) (*answer.Readiness, error) {
	if by == "" {
		return r, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, by, r.Period.Location())
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not a day such as 2026-03-01", audit.ErrInvalid, by)
	}
	return r.For(day), nil
}
