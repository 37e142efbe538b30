package answer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/internal/natural"
	"tieout/report"
)

// ExamReach is what of the company's examinations they reach: all of it, or what is
// of their controls. An auditor's guest reaches none of it.
func (s *Sight) ExamReach() access.Object {
	o := s.Reach()
	o.Engagements = nil
	return o
}

// Asked are the auditor's requests that they may read, in order: all, or those that
// were given to them.
func (s *Sight) Asked(x *management.Side) (out []*management.Request) {
	for _, r := range InOrder(x.Requests) {
		if management.MayReadRequest(s.Who, r) {
			out = append(out, r)
		}
	}
	return out
}

// Released are the exceptions that they may read, in order: all, or those of their
// controls. An examination is read by those who read its requests.
func (s *Sight) Released(x *management.Side) (out []*management.Finding) {
	for _, f := range InOrder(x.Findings) {
		if o := s.OfExam(f.Control); s.May("request.read", o) && s.May("deviation.read", o) {
			out = append(out, f)
		}
	}
	return out
}

// MayBring refuses an answer that brings records which they may not read
// themselves. Which of them there are it does not tell.
func (s *Sight) MayBring(ctx context.Context, records []int64) error {
	for _, n := range records {
		rec, err := s.P.Store.Record(ctx, n)
		if err == nil {
			err = s.MayGive(rec)
		}
		if errors.Is(err, audit.ErrNotFound) || errors.Is(err, audit.ErrForbidden) {
			return fmt.Errorf("%w: evidence: there is no %s that you may open", audit.ErrInvalid, audit.EvidenceRef(n))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// InOrder are things in the order people count them: RQ-2 before RQ-10.
func InOrder[T any](m map[string]*T) (out []*T) {
	for _, id := range slices.SortedFunc(maps.Keys(m), natural.Compare) {
		out = append(out, m[id])
	}
	return out
}

// Counted is "3 requests." as a sentence.
func Counted(n int, one, many string) string {
	return report.Capital(report.Plural(n, one, many)) + "."
}

// Unmet is how many gates are not met.
func Unmet(list []fieldwork.Standing) (n int) {
	for _, g := range list {
		if g.Missing != "" {
			n++
		}
	}
	return n
}

// Gates says how many of the gates before an act are not met.
func Gates(act string, list []fieldwork.Standing) string {
	open := Unmet(list)
	if open == 0 {
		return "Nothing is missing before " + act + "."
	}
	return report.Capital(report.Number(open)) + " of " + report.Plural(len(list), "gate", "gates") + " before " + act + " " + map[bool]string{true: "is", false: "are"}[open == 1] + " not met."
}
