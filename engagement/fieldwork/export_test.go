package fieldwork

import (
	"context"

	"tieout/engagement"
	"tieout/engagement/redraw"
)

// Redraw picks n items of a population as a draw does, and keeps nothing.
func (b *Book) Redraw(ctx context.Context, p Population, n int) ([]redraw.Picked, error) {
	spread := redraw.NewSpread(p.Population)
	return b.redraw(ctx, p, engagement.Random, []redraw.Selection{{Size: n}}, spread.Add)
}
