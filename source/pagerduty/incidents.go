package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source/rest"
)

const (
	stretch      = 90 * 24 * time.Hour // PagerDuty lists no more than six months at once
	leastStretch = time.Minute
	onOnePage    = 50 // incidents that share one page with their logs
)

// A count is what is known of the incidents that were listed.
type count struct {
	stretch        int            // number of the one that is read
	seen           map[string]int // ids, and the last stretch that showed each
	total          int            // as PagerDuty counts them, those on the edge of two stretches once
	told           bool           // every count was told
	broken         bool           // a page of the list did not come
	lowest, latest int            // of the numbers that PagerDuty gives
	refused        bool           // logs are not given: none is asked for any more
}

var errTooMany = errors.New("more than PagerDuty lists")

// readIncidents reads the incidents in stretches of time, oldest first.
func (r *run) readIncidents(ctx context.Context) error {
	from, f, err := r.begin(ctx)
	if err != nil {
		return err
	}
	to := r.Window.AsOf
	if f.Whole() && !from.IsZero() {
		n := &count{seen: map[string]int{}, told: true}
		for ; from.Before(to); from = from.Add(stretch) {
			until := from.Add(stretch)
			if until.After(to) {
				until = to
			}
			if err := r.between(ctx, audit.Span{From: from, To: until}, n); err != nil {
				return err
			}
		}
		r.settle(n)
	}
	return r.Close(ctx, r.handling...)
}

// begin is the instant of the first incident to read, zero where there is none:
// the day that `since` names, else when the account's first was raised.
func (r *run) begin(ctx context.Context) (from time.Time, f rest.Fault, err error) {
	if r.with.Since != "" {
		zone, err := time.LoadLocation(r.Window.Zone)
		if err != nil {
			zone = time.UTC
		}
		from, err := time.ParseInLocation(time.DateOnly, r.with.Since, zone)
		for _, s := range r.handling {
			s.Asked("GET /incidents from " + stamp(from))
		}
		return from, rest.Fault{}, err
	}
	q := url.Values{"date_range": {"all"}, "sort_by": {"created_at:asc"}, "limit": {"1"}}
	l := rest.List{Kind: kindIncidents, Ask: rest.Ask{URI: r.rest.At("/incidents?" + q.Encode())}}
	f, err = r.rest.ReadEach(ctx, r.Run, l, "incidents", func(list []json.RawMessage) error {
		if len(list) == 0 {
			return nil
		}
		var i incident
		if json.Unmarshal(list[0], &i) != nil || i.Created.IsZero() {
			for _, s := range r.handling {
				s.Fail("the first incident does not say when it was raised")
			}
			return nil
		}
		from = i.Created
		return nil
	}, r.handling...)
	return from.Truncate(time.Second), f, err
}

// between reads the incidents of one stretch. One that holds more than
// PagerDuty lists is halved until it does not.
func (r *run) between(ctx context.Context, span audit.Span, n *count) error {
	before := *n
	err := r.page(ctx, span, n)
	if !errors.Is(err, errTooMany) {
		return err
	}
	*n = before
	half := span.To.Sub(span.From).Truncate(2*time.Second) / 2
	if half < leastStretch {
		for _, s := range r.handling {
			s.Fail(fmt.Sprintf("between %s and %s there are more than the %d incidents that PagerDuty lists", stamp(span.From), stamp(span.To), maxListed))
		}
		return nil
	}
	middle := span.From.Add(half)
	if err := r.between(ctx, audit.Span{From: span.From, To: middle}, n); err != nil {
		return err
	}
	return r.between(ctx, audit.Span{From: middle, To: span.To}, n)
}

// page reads the pages of one stretch; the error is errTooMany where PagerDuty
// counts more than it lists, and then none was looked into.
func (r *run) page(ctx context.Context, span audit.Span, n *count) error {
	uri := r.uri("/incidents", url.Values{"since": {stamp(span.From)}, "until": {stamp(span.To)}, "sort_by": {"created_at:asc"}, "time_zone": {"UTC"},
		"total": {"true"}, "statuses[]": {"triggered", "acknowledged", "resolved"}})
	total := -1
	n.stretch++
	l := rest.List{Kind: kindIncidents, Ask: rest.Ask{URI: uri}, Asked: "GET /incidents until " + stamp(r.Window.AsOf) + ", a stretch at a time", Next: next(uri, "incidents", func(p place) {
		if p.Total != nil {
			total = *p.Total
		}
	})}
	f, err := r.rest.ReadEach(ctx, r.Run, l, "incidents", func(list []json.RawMessage) error {
		if total > maxListed {
			return errTooMany
		}
		for some := range slices.Chunk(list, onOnePage) {
			if err := r.some(ctx, some, n); err != nil {
				return err
			}
		}
		r.Progress("alert", len(n.seen), 0)
		return nil
	}, r.handling...)
	n.total, n.told, n.broken = n.total+total, n.told && total >= 0, n.broken || !f.Whole()
	return err
}

// The parts of a page of kind pagerduty.handling, each followed by an id.
const (
	partIncident = "incident/"
	partLog      = "log/"
)

// some seals incidents with the log of each. One that a stretch before showed
// is left out.
func (r *run) some(ctx context.Context, list []json.RawMessage, n *count) error {
	sheet := rest.NewSheet(struct{}{})
	for _, e := range list {
		var i incident
		if json.Unmarshal(e, &i) != nil || i.ID == "" {
			r.fail("an incident that cannot be read is on the list")
			continue
		}
		if !n.first(i) {
			continue
		}
		sheet.AddElement(partIncident+i.ID, e)
		if err := r.log(ctx, sheet, i, n); err != nil {
			return err
		}
	}
	if len(sheet.Answers) == 0 {
		return nil
	}
	return r.Seal(ctx, audit.Page{Kind: kindHandling, Query: "GET /incidents/{id}/log_entries", Body: sheet.Encode()}, r.handling...)
}

// log asks for all that happened to one incident. After a refusal none is
// asked for any more.
func (r *run) log(ctx context.Context, sheet *rest.Sheet, i incident, n *count) error {
	if n.refused {
		return nil
	}
	for _, s := range r.handling {
		s.Asked("GET /incidents/{id}/log_entries")
	}
	uri := r.uri("/incidents/"+url.PathEscape(i.ID)+"/log_entries", url.Values{"time_zone": {"UTC"}})
	why, err := r.all(ctx, sheet, partLog+i.ID, uri, "log_entries", nil)
	if err != nil || why == "" {
		return err
	}
	r.fail(fmt.Sprintf("log of incident %d: %s", i.Number, why))
	last := sheet.Answers[len(sheet.Answers)-1].Status
	n.refused = last == http.StatusUnauthorized || last == http.StatusForbidden
	return nil
}

func (r *run) fail(why string) {
	for _, s := range r.handling {
		s.Fail(why)
	}
}

// first notes an incident and reports whether none showed it before. One that
// comes twice in a stretch is in the place of another, which the count shows.
func (n *count) first(i incident) bool {
	before, was := n.seen[i.ID]
	n.seen[i.ID] = n.stretch
	if was {
		if before != n.stretch {
			n.total--
		}
		return false
	}
	if i.Number <= 0 {
		return true
	}
	if n.lowest == 0 || i.Number < n.lowest {
		n.lowest = i.Number
	}
	n.latest = max(n.latest, i.Number)
	return true
}

// settle holds what was listed to PagerDuty's own counts, and says how many of
// its numbers are on no incident that was listed.
func (r *run) settle(n *count) {
	total := -1
	if n.told {
		total = n.total
	}
	if !n.broken {
		hold(total, len(n.seen), r.handling)
	}
	between := n.latest - n.lowest + 1
	if missing := between - len(n.seen); n.latest > 0 && missing > 0 {
		for _, s := range r.handling {
			s.Note(fmt.Sprintf("%d of the %d numbers that PagerDuty gave: those incidents are hidden from the key's owner, or are no more", missing, between))
		}
	}
}
