package period

import (
	"context"
	"fmt"

	"tieout/audit"
)

// Reading returns what one closed stream of a collection showed, normalized
// again from its sealed pages: every item with its volatile fields and the page
// it is on. record is the log index of the manifest that closed it, as the
// coverage of a timeline names it.
func (p *Program) Reading(ctx context.Context, key audit.StreamKey, record int64) (audit.Observation, error) {
	rec, err := p.Store.Record(ctx, record)
	if err != nil {
		return audit.Observation{}, err
	}
	m, err := p.manifestAt(ctx, record)
	if err != nil {
		return audit.Observation{}, err
	}
	if m.Type != key.Type || rec.Source != key.Source || m.Scope != key.Scope {
		return audit.Observation{}, fmt.Errorf("%w: %s does not close the stream %s of %s", audit.ErrInvalid, rec.Ref(), key.Type, key.Source)
	}
	obs, err := p.observed(ctx, key, rec.Collection, []sealedManifest{{m, record}})
	if err != nil {
		return audit.Observation{}, err
	}
	return obs[0], nil
}
