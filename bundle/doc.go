// Package bundle is one file that proves itself: the definitions, the sealed
// records with their bytes, the log they are in, the items read from them, the
// results and the report of one period.
//
// Verify checks a bundle offline, from the file alone. Reperform reads the raw
// bytes anew, rebuilds the timeline and runs every procedure again, and compares
// both with what the bundle says. Write makes a bundle, in constant memory.
//
// docs/formats/bundle.md is the format.
package bundle

import (
	"fmt"

	"tieout/audit"
)

// altered is the error of something that is not what was sealed; where is the
// member or record that does not match.
func altered(where, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", audit.ErrAltered, where, fmt.Sprintf(format, args...))
}
