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
	"strconv"
	"strings"

	"tieout/audit"
)

// altered is the error of something that is not what was sealed; where is the
// member or record that does not match.
func altered(where, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", audit.ErrAltered, place(where), fmt.Sprintf(format, args...))
}

// place is a member as a person finds it: one that holds records says which.
func place(where string) string {
	first, ok := strings.CutPrefix(where, "records/")
	if n, err := strconv.ParseInt(first, 10, 64); ok && err == nil {
		return fmt.Sprintf("the pack of records from %s on (%s)", audit.EvidenceRef(n), where)
	}
	return where
}
