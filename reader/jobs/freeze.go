package jobs

import (
	"context"
	"errors"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// A Freezing is what a job freezes, and why lines of its completeness do not add
// up, by what they are.
type Freezing struct {
	Engagement string            `json:"engagement"`
	Procedure  string            `json:"procedure"`
	Round      string            `json:"round"`
	Instead    string            `json:"instead,omitempty"` // the frozen population whose place it takes
	Explain    map[string]string `json:"explain,omitempty"`
}

// Limits of a freeze's names and texts.
const (
	maxFreezeName = 200
	maxExplain    = 1000
	maxWhy        = 5000
)

func (f *Freezing) check() error {
	if f == nil {
		return nil
	}
	for what, s := range map[string]string{"examination": f.Engagement, "procedure": f.Procedure, "round": f.Round} {
		if s == "" || len(s) > maxFreezeName {
			return fmt.Errorf("%w: payload of the job: the %s is missing or too long", audit.ErrInvalid, what)
		}
	}
	if len(f.Instead) > maxFreezeName || len(f.Explain) > maxExplain {
		return fmt.Errorf("%w: payload of the job: too many lines", audit.ErrInvalid)
	}
	for _, why := range f.Explain {
		if len(why) > maxWhy {
			return fmt.Errorf("%w: an explanation has at most %d characters", audit.ErrInvalid, maxWhy)
		}
	}
	return nil
}

// freeze freezes a population for who asked, as long as they still may: the table
// of rights is asked when it is done, not only when it was asked for. An attempt
// that ended after the freeze was sealed freezes nothing more.
func (w *work) freeze(ctx context.Context) (worker.Result, error) {
	f := w.in.Freeze
	if f == nil {
		return worker.Result{}, worker.Final(fmt.Errorf("%w: the job does not say what to freeze", audit.ErrInvalid))
	}
	w.t.SetParts([]worker.Part{{Name: "Population", State: store.PartReading}})
	people, err := w.p.People(ctx, "")
	if err != nil {
		return worker.Result{}, err
	}
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: w.t.By.Account, Once: "freeze:" + w.t.ID}
	a, err := people.Account(ctx, by, w.t.By.Account)
	if err != nil {
		return worker.Result{}, err
	}
	if by.Grants = a.Grants; a.Status != access.Active {
		by.Grants = nil
	}
	c := &examination.Client{P: w.p, Side: w.p.Management(), Register: packet.NewRegister(w.p.Seal, w.p.Now)}
	p, err := c.FreezeRun(ctx, by, f.Engagement, f.Procedure, f.Round, f.Explain, f.Instead)
	if err != nil {
		for _, kind := range []error{audit.ErrForbidden, audit.ErrInvalid, audit.ErrConflict, audit.ErrInconclusive, audit.ErrNotFound} {
			if errors.Is(err, kind) {
				return worker.Result{}, worker.Final(err) // another try would meet the same
			}
		}
		return worker.Result{}, err
	}
	n := int64(p.Count)
	w.t.Update("Population", "", func(x *worker.Part) { x.State, x.Done, x.Total = store.PartSealed, n, n })
	text := fmt.Sprintf("%s of %s was frozen as %s with %s.", p.Title, f.Engagement, p.ID, report.Plural(p.Count, "item", "items"))
	if err := c.Flush(ctx, f.Engagement); err != nil {
		text += " It is not sent to the firm yet: " + err.Error() + "."
	}
	return worker.Result{Text: text, Value: Outcome{Frozen: p.ID, Entries: n}}, nil
}
