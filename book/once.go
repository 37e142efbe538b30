package book

import (
	"crypto/sha256"
	"fmt"

	"tieout/access"
	"tieout/audit"
	"tieout/internal/canonical"
)

// Within is by with an idempotency key of its own for one entry of a request
// that may write several: the same entry of the same request keeps it, however
// often the request comes. Without a key by stays as it is.
func Within(by access.Subject, kind, on string, data any) (access.Subject, error) {
	if by.Once == "" {
		return by, nil
	}
	raw, err := canonical.Marshal(data)
	if err != nil {
		return by, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, on, err)
	}
	by.Once = fmt.Sprintf("%s/%s/%s/%x", by.Once, kind, on, sha256.Sum256(raw))
	return by, nil
}
