package management

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var requestTakers = map[string]taker{"request.news": hearRequest, "request.assign": assignRequest, "request.draft": draftAnswer, "request.answer": answerRequest}

// A Request is one of the firm's, with who works on it here and its course.
type Request struct {
	engagement.Request
	Status  engagement.RequestStatus
	Why     string // of the last return or withdrawal
	Owner   string // account that answers; "": nobody yet
	Answers []engagement.Answer
	Draft   *engagement.Answer // an answer that is being written; it stays here
	Steps   []Step
}

// Held is how long each side had the request until now: the client while it is
// open, in progress or returned, the firm while it is submitted.
func (r *Request) Held(now time.Time) (client, firm time.Duration) {
	for i, s := range r.Steps {
		end := now
		if i+1 < len(r.Steps) {
			end = r.Steps[i+1].At
		} else if r.Status == engagement.RequestAccepted || r.Status == engagement.RequestWithdrawn {
			continue
		}
		if s.What == string(engagement.RequestSubmitted) {
			firm += end.Sub(s.At)
		} else {
			client += end.Sub(s.At)
		}
	}
	return client, firm
}

// TakeRequests takes what a firm's packet says of its requests.
func (b *Book) TakeRequests(ctx context.Context, by access.Subject, id string, news []engagement.RequestNews) error {
	for _, n := range news {
		if err := b.take(ctx, by, "request.news", named("request", id, n.Request.ID), id, n); err != nil {
			return err
		}
	}
	return nil
}

func hearRequest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.RequestNews](e)
	x, rest, xerr := s.on(e, "request")
	r := d.Request
	if err = book.First(err, xerr, book.OneLine("title", r.Title, 1), book.Text("asks", r.Asks, 0, maxText), book.Text("why", d.Why, 0, maxText), book.Day("due", r.Due, false),
		book.OneOf("kind", r.Kind, "population", "evidence", "document", "explanation"),
		book.OneOf("status", d.Status, engagement.RequestOpen, engagement.RequestReturned, engagement.RequestAccepted, engagement.RequestWithdrawn),
		book.When(d.Status == engagement.RequestReturned && strings.TrimSpace(d.Why) == "", "a request is returned with a reason"),
		book.When(rest != r.ID || r.ID == "", "the entry is on another request")); err != nil {
		return book.Change{}, err
	}
	if err := x.agreed(); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: strings.TrimSuffix(string(d.Status)+": "+d.Why, ": "), Do: func() {
		have := x.Requests[r.ID]
		if have == nil {
			have = &Request{}
			x.Requests[r.ID] = have
		}
		have.Request, have.Why = r, d.Why
		have.step(e, d.Status)
	}}, nil
}

func (r *Request) step(e book.Entry, to engagement.RequestStatus) {
	if r.Status == to {
		return
	}
	r.Status = to
	r.Steps = append(r.Steps, Step{At: e.At, By: e.By.Name, What: string(to)})
}

type assignData struct {
	Owner string `json:"owner"`
}

// AssignRequest says who answers a request. It needs task.manage.
func (b *Book) AssignRequest(ctx context.Context, by access.Subject, id, request, owner string, base int64) error {
	if err := access.Require(by, "task.manage", of(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "request.assign", named("request", id, request), base, assignData{owner})
	return err
}

func assignRequest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[assignData](e)
	r, rerr := s.request(e)
	if err = book.First(err, rerr, book.OneLine("owner", d.Owner, 0)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "assigned", Do: func() { r.Owner = d.Owner }}, nil
}

func (s *State) request(e book.Entry) (*Request, error) {
	x, id, err := s.on(e, "request")
	if err != nil {
		return nil, err
	}
	r := x.Requests[id]
	if r == nil {
		return nil, fmt.Errorf("%w: request %s", audit.ErrNotFound, id)
	}
	return r, x.open()
}

// Answer answers a request, or says that it is in progress. records are of this
// workspace's log, files were sealed as evidence before. It needs request.answer:
// for the examination as a whole, or, of who the request was given to, for
// anything at all.
func (b *Book) Answer(ctx context.Context, by access.Subject, id string, a engagement.Answer, base int64) error {
	return b.answer(ctx, by, "request.answer", id, a, base)
}

// DraftAnswer keeps an answer that is being written. The firm gets nothing of it.
// It needs what Answer needs; base is the request's revision as it was opened.
func (b *Book) DraftAnswer(ctx context.Context, by access.Subject, id string, a engagement.Answer, base int64) error {
	return b.answer(ctx, by, "request.draft", id, a, base)
}

func (b *Book) answer(ctx context.Context, by access.Subject, kind, id string, a engagement.Answer, base int64) error {
	var owner string
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err == nil && x.Requests[a.Request] != nil {
			owner = x.Requests[a.Request].Owner
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := MayAnswer(by, id, owner); err != nil {
		return err
	}
	if err := b.givable(ctx, a.Records); err != nil {
		return err
	}
	a.Records, a.Files = book.List(a.Records), book.List(a.Files)
	_, err = b.book.Write(ctx, by, kind, named("request", id, a.Request), base, a)
	return err
}

// givable refuses records that are no evidence of the client's: what is not in the
// log, and what goes on between the sides or behind the answer, which stays here.
// Whether who answers may read them, the caller asks (answer.Sight.MayGive).
func (b *Book) givable(ctx context.Context, records []int64) error {
	head, err := b.seal.Store.Head(ctx)
	if err != nil {
		return err
	}
	for _, n := range records {
		if n < 0 || n >= head.Size {
			return fmt.Errorf("%w: %s", audit.ErrInvalid, notThere)
		}
		rec, err := b.seal.Store.Record(ctx, n)
		if err != nil {
			return err
		}
		if err := Givable(rec); err != nil {
			return err
		}
	}
	return nil
}

// Givable refuses a record that no answer brings to the firm: management's own
// entries in the examination and on who reads its report, packets, and what people
// did through a server.
func Givable(rec audit.Record) error {
	switch rec.Kind {
	case audit.RecordFieldwork, audit.RecordPacket, audit.RecordActivity, audit.RecordTrust:
		return fmt.Errorf("%w: %s is no evidence that can be given: it is a record of kind %s; name what was collected or added", audit.ErrInvalid, rec.Ref(), rec.Kind)
	}
	return nil
}

// MayReadRequest reports whether somebody may read a request: who reads the
// examination as a whole, and whom it was given to. It says nothing of whether
// they may answer it.
func MayReadRequest(by access.Subject, r *Request) bool {
	return access.Require(by, "request.read", access.Object{}) == nil ||
		r.Owner != "" && r.Owner == by.Account && ofOwn(by, "request.read", access.Object{Owner: r.Owner}) == nil
}

// MayAnswer refuses who may not answer a request of an engagement that is owner's.
// Who owns a control answers what was given to them, and nothing else.
func MayAnswer(by access.Subject, id, owner string) error {
	o := of(id, owner)
	if owner != by.Account {
		return access.Require(by, "request.answer", o)
	}
	return ofOwn(by, "request.answer", o)
}

// ofOwn refuses who may not do that on something of their own: it is within any
// control or system that is theirs.
func ofOwn(by access.Subject, id access.PermissionID, own access.Object) error {
	err := access.Require(by, id, own)
	if err == nil {
		return nil
	}
	for _, g := range by.Grants {
		o := own
		switch g.Scope {
		case access.ScopeControl:
			o.Controls = []string{g.Object}
		case access.ScopeSystem:
			o.Systems = []string{g.Object}
		default:
			continue
		}
		if access.Require(by, id, o) == nil {
			return nil
		}
	}
	return err
}

const notThere = "a record that is not in the log yet"

// answered is the request an answer is to, and the answer, once both can be.
func (s *State) answered(e book.Entry, statuses ...engagement.RequestStatus) (r *Request, d engagement.Answer, err error) {
	d, err = book.Data[engagement.Answer](e)
	r, rerr := s.request(e)
	if err = book.First(err, rerr, book.Text("text", d.Text, 0, maxText), book.OneOf("status", d.Status, statuses...),
		book.When(len(d.Records)+len(d.Files) > 1000, "at most 1,000 records and files answer one request"),
		book.When(slices.ContainsFunc(d.Records, func(n int64) bool { return n < 0 || e.Record != audit.Unsequenced && n >= e.Record }), notThere)); err != nil {
		return nil, d, err
	}
	if r.Status == engagement.RequestAccepted || r.Status == engagement.RequestWithdrawn {
		return nil, d, book.TooEarly("%s is %s; the firm opens another if it wants more", r.ID, strings.ToLower(string(r.Status)))
	}
	return r, d, nil
}

func draftAnswer(s *State, e book.Entry) (book.Change, error) {
	r, d, err := s.answered(e, "")
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "answer drafted", Do: func() { r.Draft = &d }}, nil
}

func answerRequest(s *State, e book.Entry) (book.Change, error) {
	r, d, err := s.answered(e, engagement.RequestInProgress, engagement.RequestSubmitted)
	if err != nil {
		return book.Change{}, err
	}
	if d.Status == engagement.RequestSubmitted && strings.TrimSpace(d.Text) == "" && len(d.Records)+len(d.Files) == 0 {
		return book.Change{}, fmt.Errorf("%w: an answer says something or brings evidence; that something did not happen is said in words", audit.ErrInvalid)
	}
	return book.Change{What: strings.ToLower(string(d.Status)), Do: func() {
		r.Answers, r.Draft = append(r.Answers, d), nil
		r.step(e, d.Status)
	}}, nil
}
