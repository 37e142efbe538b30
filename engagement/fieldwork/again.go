package fieldwork

import (
	"context"
	"fmt"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/redraw"
)

// PickAgain picks a sample's items again, with the seeds it was drawn with, from
// the population as it lies in the firm's store, and reports whether they are the
// same. Items that are not those that were frozen are audit.ErrAltered; of what is
// picked by judgment, or whole, there is no seed: audit.ErrInvalid. It needs
// workpaper.read.
func (b *Book) PickAgain(ctx context.Context, by access.Subject, id, name string) (bool, error) {
	if err := access.Require(by, "workpaper.read", in(id)); err != nil {
		return false, err
	}
	x, p, err := b.sampleAndItems(ctx, id, name)
	if err != nil {
		return false, err
	}
	if !x.Projectable() {
		return false, fmt.Errorf("%w: nothing is drawn in a %s sample", audit.ErrInvalid, x.Method)
	}
	sel, err := redraw.Selections(x.Sample)
	if err != nil {
		return false, err
	}
	picked, err := b.redraw(ctx, p, x.Method, sel, func(redraw.ID) {})
	if err != nil {
		return false, fmt.Errorf("population %s: %w", p.ID, err)
	}
	same := len(picked) == len(x.Draws)
	for i := 0; same && i < len(picked); i++ {
		same = slices.Equal(redraw.IDs(picked[i].Items), x.Draws[i].Items)
	}
	return same, nil
}
