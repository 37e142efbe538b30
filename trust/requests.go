package trust

import (
	"context"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

var requestTakers = map[string]taker{"access.ask": ask, "access.refuse": refuse}

// MaxOpen is how many requests can wait for somebody at once: what strangers can
// leave in the log is bounded by it.
const MaxOpen = 200

// An Ask is what somebody says who asks for a report. Nobody has checked it.
type Ask struct {
	Engagement   string  `json:"engagement"`
	Report       string  `json:"report"` // digest, as it was published when they asked
	Name         string  `json:"name"`
	Organization string  `json:"organization"`
	Mail         string  `json:"mail"`
	Class        ClassID `json:"class"`
	Reason       string  `json:"reason"`
}

// A Request is an Ask with what became of it.
type Request struct {
	Ask
	ID      string
	At      time.Time
	Record  int64
	Grant   string // that answered it; "": none
	Refused string // why; "": it was not
	By      string // who decided
	Decided time.Time
}

// Open reports whether nobody has decided it yet.
func (r *Request) Open() bool { return r.Decided.IsZero() }

// Ask keeps that somebody before the door asks for a published report.
func (b *Book) Ask(ctx context.Context, address string, a Ask) (id string, err error) {
	by := Outsider(address)
	return b.book.Numbered(ctx, by, "request", "AQ", func(id string) error {
		_, err := b.book.Write(ctx, by, "access.ask", "request:"+id, 0, a)
		return err
	})
}

func ask(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[Ask](e)
	id, oerr := on(e, "request")
	if err = book.First(err, oerr, fromDoor(e), named("name", d.Name), named("organization", d.Organization), mail(d.Mail), book.Text("reason", d.Reason, 10, 1000), book.Digest("report", d.Report)); err != nil {
		return book.Change{}, err
	}
	if _, err := classOf(d.Class); err != nil {
		return book.Change{}, err
	}
	if p := s.Published[d.Engagement]; p == nil || p.Report != d.Report {
		return book.Change{}, fmt.Errorf("%w: no such report is published", audit.ErrNotFound)
	}
	if s.waiting() >= MaxOpen {
		return book.Change{}, fmt.Errorf("%w: %d requests wait already; none more is taken until somebody has decided some", audit.ErrUnavailable, MaxOpen)
	}
	return book.Change{What: "asked for", Do: func() { s.Requests[id] = &Request{Ask: d, ID: id, At: e.At, Record: e.Record} }}, nil
}

// waiting is how many requests wait for somebody.
func (s *State) waiting() (n int) {
	for _, r := range s.Requests {
		if r.Open() {
			n++
		}
	}
	return n
}

// open is a request that nobody has decided yet.
func (s *State) open(id string) (*Request, error) {
	r := s.Requests[id]
	switch {
	case r == nil:
		return nil, fmt.Errorf("%w: request %s", audit.ErrNotFound, id)
	case !r.Open():
		return nil, book.TooEarly("request %s is decided already", id)
	}
	return r, nil
}

type refuseData struct {
	Why string `json:"why"`
}

// Refuse refuses a request, with the reason for the record. It needs trust.grant.
func (b *Book) Refuse(ctx context.Context, by access.Subject, id, why string) error {
	if err := access.Require(by, "trust.grant", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "access.refuse", "request:"+id, book.Anyway, refuseData{why})
	return err
}

func refuse(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[refuseData](e)
	id, oerr := on(e, "request")
	if err = book.First(err, oerr, byPerson(e), book.Text("why", d.Why, 1, 1000)); err != nil {
		return book.Change{}, err
	}
	r, err := s.open(id)
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "refused: " + d.Why, Do: func() { r.Refused, r.By, r.Decided = d.Why, e.By.Name, e.At }}, nil
}
