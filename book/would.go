package book

import (
	"context"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/internal/canonical"
)

// Would says why an entry would not count if it were written now, nil where
// nothing stands against it. It writes nothing: who has to do something before an
// entry, as sealing what it brings, asks first whether the entry can follow.
// Another's entry may still come in between.
func (b *Book[S]) Would(ctx context.Context, by access.Subject, kind, on string, base int64, data any) error {
	raw, err := canonical.Marshal(data)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", audit.ErrInvalid, on, err)
	}
	e := Entry{Format: format, Kind: kind, On: on, Base: base, Data: raw}
	if _, err := e.encode(); err != nil {
		return err
	}
	by.Once = "" // what was sent before is answered by Write
	_, _, err = b.weighed(ctx, by, e)
	return err
}
