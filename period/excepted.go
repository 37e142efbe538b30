package period

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// excepted puts beside each finding the exceptions that were approved for its
// item and were in force while it lasted, as the evidence known at asOf tells.
// What was found, and what was decided about it, stays as it is. What cannot be
// read of a ticket is no exception.
func (p *Program) excepted(ctx context.Context, asOf time.Time, ds []audit.Deviation) error {
	if len(ds) == 0 {
		return nil
	}
	streams, err := p.Store.Streams(ctx)
	if err != nil || !slices.ContainsFunc(streams, func(k audit.StreamKey) bool { return k.Type == "ticket" }) {
		return err
	}
	items := map[string]bool{}
	for i := range ds {
		items[ds[i].Item] = true
	}
	tl, err := p.timeline(ctx, "ticket")
	if err != nil {
		return err
	}
	about := map[string][]audit.Excepted{}
	for i := range tl.Histories {
		subject, x := exceptionOf(&tl.Histories[i], asOf)
		if items[subject] {
			about[subject] = append(about[subject], x)
		}
	}
	for i := range ds {
		ds[i].Exceptions = standing(about[ds[i].Item], &ds[i], asOf)
	}
	return nil
}

// exceptionOf reads a ticket as it was known at asOf: what it is about, "" where
// it is no approved exception.
func exceptionOf(h *audit.History, asOf time.Time) (subject string, x audit.Excepted) {
	i := len(h.Versions) - 1
	for i >= 0 && h.Versions[i].From.At.After(asOf) {
		i--
	}
	if i < 0 || h.Versions[i].Gone {
		return "", x
	}
	var t struct {
		Kind, Title, Status, Subject      string
		ApprovedBy, ApprovedAt, ExpiresAt string
	}
	if json.Unmarshal(h.Versions[i].Body, &t) != nil || t.Kind != "exception" || t.Status == "rejected" || t.ApprovedBy == "" || t.ApprovedAt == audit.NeverText || t.ExpiresAt == "" {
		return "", x
	}
	x = audit.Excepted{Ticket: h.ID, Title: t.Title, ApprovedBy: t.ApprovedBy, Record: h.Versions[i].Record}
	var err error
	if t.ExpiresAt != audit.NeverText {
		if x.ExpiresAt, err = audit.ParseTime(t.ExpiresAt); err != nil {
			return "", x
		}
	}
	if t.ApprovedAt != "" {
		if x.ApprovedAt, err = audit.ParseTime(t.ApprovedAt); err != nil {
			return "", x
		}
	}
	return t.Subject, x
}

// standing are the exceptions that were in force at some time of a finding, in
// order of their ids. One whose approval has no instant counts by its end alone.
func standing(list []audit.Excepted, d *audit.Deviation, asOf time.Time) []audit.Excepted {
	end := d.Span.To
	if d.Open || end.After(asOf) {
		end = asOf
	}
	var out []audit.Excepted
	for _, x := range list {
		if (x.ExpiresAt.IsZero() || x.ExpiresAt.After(d.Span.From)) && !x.ApprovedAt.After(end) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b audit.Excepted) int { return strings.Compare(a.Ticket, b.Ticket) })
	return out
}
