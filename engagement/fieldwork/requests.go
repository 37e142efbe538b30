package fieldwork

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
	"tieout/engagement/requestfile"
)

var requestTakers = map[string]taker{
	"request.set": setRequest, "request.import": importRequests, "request.release": releaseRequest, "request.decide": decideRequest, "request.answer": answerRequest,
}

type requestData struct {
	Request engagement.Request `json:"request"`
}

// SetRequest writes a new request (without an ID; base 0) or changes one, and
// returns it as it is then. The client knows nothing of it before its release; a
// change of a released one has to be released again. It needs request.write.
func (b *Book) SetRequest(ctx context.Context, by access.Subject, id string, r engagement.Request, base int64) (Request, error) {
	if err := access.Require(by, "request.write", in(id)); err != nil {
		return Request{}, err
	}
	r.Tests = book.List(r.Tests)
	if r.ID != "" {
		if _, err := b.book.Write(ctx, by, "request.set", on("request", id, r.ID), base, requestData{r}); err != nil {
			return Request{}, err
		}
		return b.Request(ctx, id, r.ID)
	}
	name, err := b.book.Numbered(ctx, by, "request", id+"/RQ", func(name string) error {
		r.ID = name[len(id)+1:]
		_, err := b.book.Write(ctx, by, "request.set", "request:"+name, 0, requestData{r})
		return err
	})
	if err != nil {
		return Request{}, err
	}
	return b.Request(ctx, id, name[len(id)+1:])
}

func checkRequest(r engagement.Request) error {
	err := allOf(ident("request", r.ID), book.OneOf("kind", r.Kind, requestfile.Kinds...), line("title", r.Title, 1), text("asks", r.Asks, 1, maxText), lines("tests", r.Tests, 500), dayText("due", r.Due, false), within("items", len(r.Items), 0, MaxListed))
	for _, it := range r.Items {
		err = first(err, itemID("item", it))
	}
	return err
}

// mayAsk holds a request to the plan, and its items to what the client may know:
// those of a released sample.
func (f *File) mayAsk(r engagement.Request) error {
	for _, t := range r.Tests {
		if x := f.Tests[t]; x == nil || x.Dropped != "" {
			return fmt.Errorf("%w: test %s of request %s is not planned", audit.ErrNotFound, t, r.ID)
		}
	}
	known := map[string]bool{}
	for _, s := range book.Sorted(f.Samples) {
		if !s.Released.IsZero() {
			for _, it := range s.Items {
				known[it] = true
			}
		}
	}
	for _, it := range r.Items {
		if !known[it] {
			return tooEarly("item %s of request %s is in no released sample: asking for it would show the draw", it, r.ID)
		}
	}
	if old := f.Requests[r.ID]; old != nil && old.over() {
		return tooEarly("request %s is %s: write another", r.ID, strings.ToLower(string(old.Status)))
	}
	return nil
}

func (r *Request) over() bool {
	return r.Status == engagement.RequestAccepted || r.Status == engagement.RequestWithdrawn
}

func setRequest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[requestData](e)
	f, id, ferr := s.on(e, "request")
	if err = first(err, ferr); err == nil {
		err = first(checkRequest(d.Request), when(id != d.Request.ID, "the request is another"), f.MayWork(e), f.mayAsk(d.Request))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "asked for: " + d.Request.Title, Do: func() { f.putRequest(d.Request, s.Revision(e.On)+1, e) }}, nil
}

func (f *File) putRequest(q engagement.Request, revision int64, e book.Entry) {
	r := f.Requests[q.ID]
	if r == nil {
		r = &Request{Status: engagement.RequestOpen}
		f.Requests[q.ID] = r
	}
	what := "written"
	if len(r.Steps) > 0 {
		what = stepChanged
	}
	r.Steps = append(r.Steps, Step{e.At, e.By.Name, what})
	r.Request, r.Revision, r.Released = q, revision, false
}

type importData struct {
	Rows []importRow `json:"rows"`
}

type importRow struct {
	Request engagement.Request `json:"request"`
	Base    int64              `json:"base"`
}

// ImportRequests writes the requests of a list that requestfile read, all or none,
// in one entry: those with an ID are changed, those without are new. It returns
// the IDs. It needs request.write.
func (b *Book) ImportRequests(ctx context.Context, by access.Subject, id, name string, rows []requestfile.Row) ([]string, error) {
	if err := access.Require(by, "request.write", in(id)); err != nil {
		return nil, err
	}
	var d importData
	err := b.ReadFile(ctx, id, func(s *State, f *File) (err error) { d, err = f.importOf(s, name, rows); return err })
	if err != nil {
		return nil, err
	}
	if _, err := b.book.Write(ctx, by, "request.import", on("requests", id), book.Anyway, d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	out := make([]string, len(d.Rows))
	for i, r := range d.Rows {
		out[i] = r.Request.ID
	}
	return out, nil
}

// importOf gives new rows their numbers, and names every row that cannot be.
func (f *File) importOf(s *State, name string, rows []requestfile.Row) (importData, error) {
	d := importData{Rows: []importRow{}}
	var wrong []string
	next := 1
	for _, r := range rows {
		q := r.Request
		var err error
		if q.ID != "" && f.Requests[q.ID] == nil {
			err = fmt.Errorf("there is no request %s; leave the id empty for a new one", q.ID)
		}
		for q.ID == "" || f.Requests[q.ID] == nil && s.Revision(on("request", f.Terms.ID, q.ID)) > 0 {
			q.ID = fmt.Sprintf("RQ-%d", next)
			if next++; s.Revision(on("request", f.Terms.ID, q.ID)) > 0 {
				q.ID = ""
			}
		}
		if err = first(err, checkRequest(q), f.mayAsk(q)); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s:%d:1: %s", name, r.Line, strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		d.Rows = append(d.Rows, importRow{q, s.Revision(on("request", f.Terms.ID, q.ID))})
	}
	if len(wrong) > 0 {
		return d, fmt.Errorf("%w: nothing is imported:\n%s", audit.ErrInvalid, strings.Join(wrong[:min(len(wrong), 100)], "\n"))
	}
	return d, nil
}

func importRequests(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[importData](e)
	f, _, ferr := s.on(e, "requests")
	if err = first(err, ferr); err == nil {
		err = first(within("rows", len(d.Rows), 1, requestfile.MaxRows), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	seen := map[string]bool{}
	for _, r := range d.Rows {
		if err := first(checkRequest(r.Request), f.mayAsk(r.Request), when(seen[r.Request.ID], r.Request.ID+" is listed twice")); err != nil {
			return book.Change{}, err
		}
		if have := s.Revision(on("request", f.Terms.ID, r.Request.ID)); have != r.Base {
			return book.Change{}, tooEarly("request %s has changed since the list was read. Import it again", r.Request.ID)
		}
		seen[r.Request.ID] = true
	}
	return book.Change{What: fmt.Sprintf("%d requests imported", len(d.Rows)), Do: func() {
		for _, r := range d.Rows {
			f.putRequest(r.Request, s.Also(on("request", f.Terms.ID, r.Request.ID), e, "imported: "+r.Request.Title), e)
		}
	}}, nil
}

// ReleaseRequests lets the client know requests as they now are; what is sent is
// RequestNewsOf. After an error those before the one it names are released. It needs
// request.write.
func (b *Book) ReleaseRequests(ctx context.Context, by access.Subject, id string, requests ...string) error {
	if err := access.Require(by, "request.write", in(id)); err != nil {
		return err
	}
	for _, r := range requests {
		own, err := book.Within(by, "request.release", on("request", id, r), releaseData{})
		if err == nil {
			_, err = b.book.Write(ctx, own, "request.release", on("request", id, r), book.Anyway, releaseData{})
		}
		if err != nil {
			return fmt.Errorf("request %s: %w", r, err)
		}
	}
	return nil
}

// requestOf is the request an entry is on.
func (s *State) requestOf(e book.Entry) (*File, *Request, error) {
	f, id, err := s.on(e, "request")
	if err != nil {
		return nil, nil, err
	}
	r := f.Requests[id]
	if r == nil {
		return nil, nil, fmt.Errorf("%w: request %s of %s", audit.ErrNotFound, id, f.Terms.ID)
	}
	return f, r, nil
}

func releaseRequest(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[releaseData](e)
	f, r, rerr := s.requestOf(e)
	if err = first(err, rerr); err == nil {
		err = f.MayWork(e)
	}
	switch {
	case err != nil:
		return book.Change{}, err
	case r.over():
		return book.Change{}, tooEarly("request %s is %s", r.ID, strings.ToLower(string(r.Status)))
	case r.Released:
		return book.Change{}, tooEarly("the client has request %s as it is", r.ID)
	}
	return book.Change{What: "released to the client", Do: func() {
		if r.Status == engagement.RequestSubmitted || r.Status == engagement.RequestInProgress {
			r.Status = engagement.RequestOpen // it asks for something else now
		}
		r.Released, r.Given, r.Revision = true, r.Request, s.Revision(e.On)+1
		r.Steps = append(r.Steps, Step{e.At, e.By.Name, "released"})
	}}, nil
}

type decideData struct {
	Status engagement.RequestStatus `json:"status"`
	Why    string                   `json:"why,omitempty"`
}

// DecideRequest returns a request with the reason, accepts what was brought, or
// withdraws it with the reason. Base is its Revision. It needs request.write.
func (b *Book) DecideRequest(ctx context.Context, by access.Subject, id, request string, to engagement.RequestStatus, why string, base int64) error {
	if err := access.Require(by, "request.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "request.decide", on("request", id, request), base, decideData{to, why})
	return err
}

func decideRequest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[decideData](e)
	f, r, rerr := s.requestOf(e)
	if err = first(err, rerr); err == nil {
		err = first(book.OneOf("status", d.Status, engagement.RequestReturned, engagement.RequestAccepted, engagement.RequestWithdrawn), text("why", d.Why, 0, 5000), f.MayWork(e), byPerson(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	switch {
	case r.over():
		return book.Change{}, tooEarly("request %s is %s", r.ID, strings.ToLower(string(r.Status)))
	case d.Status != engagement.RequestWithdrawn && r.Status != engagement.RequestSubmitted:
		return book.Change{}, tooEarly("the client has brought nothing for request %s yet", r.ID)
	case d.Status != engagement.RequestAccepted && strings.TrimSpace(d.Why) == "":
		return book.Change{}, fmt.Errorf("%w: why: the client has to know what is missing, or why it is not needed any more", audit.ErrInvalid)
	}
	return book.Change{What: strings.TrimSuffix(strings.ToLower(string(d.Status))+": "+d.Why, ": "), Do: func() {
		r.Status, r.Why, r.Revision = d.Status, d.Why, s.Revision(e.On)+1
		r.Steps = append(r.Steps, Step{e.At, e.By.Name, strings.ToLower(string(d.Status))})
	}}, nil
}

type answerData struct {
	Answer engagement.Answer `json:"answer"`
	Packet int64             `json:"packet"`
}

// TakeAnswers keeps what the client brought, as a packet did. An answer to a
// request it cannot know, or that is closed, is refused; those before it count.
func (b *Book) TakeAnswers(ctx context.Context, by access.Subject, id string, answers []engagement.Answer, packet int64) error {
	for _, a := range answers {
		if err := b.take(ctx, by, "request.answer", on("request", id, a.Request), id, answerData{a, packet}); err != nil {
			return fmt.Errorf("answer to %s: %w", a.Request, err)
		}
	}
	return nil
}

func answerRequest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[answerData](e)
	f, r, rerr := s.requestOf(e)
	if err = first(err, rerr); err == nil {
		a := d.Answer
		err = first(book.OneOf("status", a.Status, engagement.RequestInProgress, engagement.RequestSubmitted), text("text", a.Text, 0, maxText), within("records", len(a.Records), 0, MaxListed), lines("files", a.Files, 1000), packetRecord(d.Packet), f.open())
	}
	if err != nil {
		return book.Change{}, err
	}
	switch {
	case !r.everReleased():
		return book.Change{}, tooEarly("request %s was never released to the client", r.ID)
	case r.over():
		return book.Change{}, tooEarly("request %s is %s", r.ID, strings.ToLower(string(r.Status)))
	}
	return book.Change{What: "the client: " + strings.ToLower(string(d.Answer.Status)), Do: func() {
		r.Status, r.Revision = d.Answer.Status, s.Revision(e.On)+1
		r.Answers = append(r.Answers, d.Answer)
		r.Steps = append(r.Steps, Step{e.At, f.Terms.Client.Name, strings.ToLower(string(d.Answer.Status))})
	}}, nil
}

func (r *Request) everReleased() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.What == "released" })
}

// Request returns a request with its course.
func (b *Book) Request(ctx context.Context, id, request string) (out Request, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		r := f.Requests[request]
		if r == nil {
			return fmt.Errorf("%w: request %s of %s", audit.ErrNotFound, request, id)
		}
		out = *r
		out.Steps, out.Answers = slices.Clone(r.Steps), slices.Clone(r.Answers)
		return nil
	})
	return out, err
}

// stepChanged is a change of a request that the client does not know yet.
const stepChanged = "changed"

// Turns is how many turns a request has taken that the client is to know of.
func (r *Request) Turns() (n int) {
	for _, s := range r.Steps {
		if s.What != stepChanged {
			n++
		}
	}
	return n
}

// news reports whether the client is to know where a request stands. One that was
// changed and not released again says nothing new, but where it was returned or
// ended after the change.
func (r *Request) news() bool {
	switch {
	case r.Released:
		return r.Status != engagement.RequestInProgress && r.Status != engagement.RequestSubmitted
	case !r.everReleased():
		return false
	}
	last := ""
	if n := len(r.Steps); n > 0 {
		last = r.Steps[n-1].What
	}
	return r.over() || r.Status == engagement.RequestReturned && last != stepChanged
}

// RequestNewsOf is what the client is sent of the released requests whose turn
// the firm has taken: Open, Returned, Accepted, Withdrawn; by number. Each has the
// words it was last released with.
func (b *Book) RequestNewsOf(ctx context.Context, id string) (out []engagement.RequestNews, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		for _, r := range book.Sorted(f.Requests) {
			if r.news() {
				out = append(out, engagement.RequestNews{Request: r.Given, Status: r.Status, Why: r.Why})
			}
		}
		slices.SortFunc(out, func(a, b engagement.RequestNews) int {
			if n := len(a.Request.ID) - len(b.Request.ID); n != 0 {
				return n
			}
			return strings.Compare(a.Request.ID, b.Request.ID)
		})
		return nil
	})
	return out, err
}

// Held is how long each side had a request up to an instant: the firm before its
// release, while a change of it is not released and while what was brought waits
// for it, the client else. The clocks stop when it is accepted or withdrawn.
func (r *Request) Held(now time.Time) (firm, client time.Duration) {
	theirs := false
	for i, s := range r.Steps {
		until := now
		if i+1 < len(r.Steps) {
			until = r.Steps[i+1].At
		}
		switch s.What {
		case "released", "returned", "in progress":
			theirs = true
		case "submitted", stepChanged:
			theirs = false
		case "accepted", "withdrawn":
			return firm, client
		}
		if theirs {
			client += until.Sub(s.At)
		} else {
			firm += until.Sub(s.At)
		}
	}
	return firm, client
}

// RequestRows are the requests as requestfile writes them, by number.
func (f *File) RequestRows() []requestfile.Row {
	out := []requestfile.Row{}
	for _, r := range book.Sorted(f.Requests) {
		out = append(out, requestfile.Row{Request: r.Request, Status: r.Status, Why: r.Why})
	}
	slices.SortStableFunc(out, func(a, b requestfile.Row) int { return len(a.Request.ID) - len(b.Request.ID) })
	return out
}
