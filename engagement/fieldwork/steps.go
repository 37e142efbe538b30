package fieldwork

import (
	"context"
	"fmt"

	"tieout/access"
	"tieout/book"
	"tieout/engagement"
)

// maxClientSteps is how many entries of the client's log one packet brings at most.
const maxClientSteps = 400

type stepsData struct {
	Steps  engagement.ProvedSteps `json:"steps"`
	Packet int64                  `json:"packet"` // record that brought them
}

// TakeSteps keeps the entries of the client's log for the annex of the report, as a
// packet brought them; the newest list takes the place of the one before. The
// caller has checked every proof against the checkpoint that the named packet
// brought.
func (b *Book) TakeSteps(ctx context.Context, by access.Subject, id string, p engagement.ProvedSteps, packet int64) error {
	return b.take(ctx, by, "steps.take", on("steps", id), id, stepsData{p, packet})
}

func takeSteps(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[stepsData](e)
	f, _, ferr := s.on(e, "steps")
	if err = first(err, ferr, packetRecord(d.Packet), within("steps", len(d.Steps.Steps), 1, maxClientSteps), when(d.Steps.Packet < 1, "packet: the number of an earlier packet")); err != nil {
		return book.Change{}, err
	}
	last := int64(-1)
	for _, x := range d.Steps.Steps {
		err = first(err, line("kind", x.Kind, 1), line("on", x.On, 0), digest("leaf", x.Leaf), within("hashes of a proof", len(x.Proof), 0, 64), when(x.Entry <= last, "steps: they come in the order of the log"))
		for _, h := range x.Proof {
			err = first(err, digest("hash of a proof", h))
		}
		last = x.Entry
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%d entries of the client's log, with their proofs", len(d.Steps.Steps)), Do: func() { f.TheirSteps = &d.Steps }}, nil
}
