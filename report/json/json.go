// Package json writes a report as its canonical JSON (RFC 8785): the bytes
// whose SHA-256 names the report.
package json

import (
	"fmt"
	"io"

	"tieout/audit"
	"tieout/internal/canonical"
)

// Write writes r and nothing after it.
func Write(w io.Writer, r audit.Report) error {
	b, err := canonical.Marshal(r)
	if err != nil {
		return fmt.Errorf("report as JSON: %w", err)
	}
	_, err = w.Write(b)
	return err
}
