package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/period"
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

// Same reports whether two freezes are the same; nil is none.
func (f *Freezing) Same(o *Freezing) bool {
	if f == nil || o == nil {
		return f == o
	}
	return f.Engagement == o.Engagement && f.Procedure == o.Procedure && f.Round == o.Round && f.Instead == o.Instead && maps.Equal(f.Explain, o.Explain)
}

// FreezeAtOnce is how many items a run may have in all for a freeze to be done
// while who asked waits; of a larger run it is a job.
const FreezeAtOnce = 20_000

// Ready refuses what a freeze would be refused for later, once its items were read,
// and reports whether it is one for a job. A procedure that the newest run over the
// engagement's period did not test is audit.ErrNotFound; a line of completeness that does not add up and is not
// explained is audit.ErrInconclusive.
func (f *Freezing) Ready(ctx context.Context, c *examination.Client) (large bool, err error) {
	run, err := c.RunOf(ctx, f.Engagement)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(run.Tested, func(t audit.Tested) bool { return t.Procedure == f.Procedure }) {
		return false, fmt.Errorf("%w: procedure %q in the newest run over the period of %s", audit.ErrNotFound, f.Procedure, f.Engagement)
	}
	if f.Round == "" || len(f.Round) > 20 {
		return false, fmt.Errorf("%w: round: a short number, such as 1", audit.ErrInvalid)
	}
	if err := f.check(); err != nil {
		return false, err
	}
	checks, err := c.P.Completeness(ctx, run, f.Procedure)
	if err != nil {
		return false, err
	}
	for _, c := range checks {
		if c.Open() && f.Explain[c.What] == "" {
			return false, fmt.Errorf("%w: completeness is open: %s: %s here, %s there. Say why, or collect what is missing", audit.ErrInconclusive, c.What, c.Here, c.There)
		}
	}
	return Large(run), nil
}

// Large reports whether a freeze of a run's population is one for a job.
func Large(run *period.Run) bool {
	n := 0
	for _, t := range run.Tested {
		n += t.Items
	}
	return n > FreezeAtOnce
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
