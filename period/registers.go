package period

import (
	"context"
	"errors"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/store"
)

// Registers returns the registers of the workspace; the same for every caller.
func (p *Program) Registers() *program.Book {
	p.opening.Do(func() { p.book = program.Open(p.Seal, p.Now) })
	return p.book
}

// facts yields what the registers say, and returns when the log begins.
func (p *Program) facts(ctx context.Context, yield func(audit.Fact) error) (begins time.Time, err error) {
	err = p.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		begins = rec.Recorded
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return begins, err
	}
	var all []audit.Fact
	err = p.Registers().Read(ctx, func(s *program.State) error {
		all = s.FactsAt(p.Now()) // yielding seals pages, which no reader of the registers may wait for
		return nil
	})
	if err != nil {
		return begins, err
	}
	for _, f := range all {
		if err := yield(f); err != nil {
			return begins, err
		}
	}
	return begins, nil
}
