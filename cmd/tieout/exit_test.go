package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"tieout/audit"
)

// TestExitCodes: each of several errors has its own code, and the most serious is
// given; what is no finding is said, whatever it is joined with.
func TestExitCodes(t *testing.T) {
	found, silent := findings{exitFindings, "2 findings."}, findings{exitFindings, ""}
	strange := errors.New("disk on fire")
	kind := func(k error, words string) error { return fmt.Errorf("%w: %s", k, words) }
	for _, tt := range []struct {
		name string
		err  error
		code int
		said []string
	}{
		{"nothing", nil, exitDone, nil},
		{"findings", found, exitFindings, []string{"2 findings."}},
		{"findings that said all", silent, exitFindings, nil},
		{"findings, and the workspace closed well", errors.Join(silent, nil), exitFindings, nil},
		{"of no known kind", strange, exitFailed, []string{"tieout: disk on fire"}},
		{"findings, and an error of no known kind", errors.Join(found, strange), exitFailed, []string{"2 findings.", "tieout: disk on fire"}},
		{"a source that is away, and an error of no known kind", errors.Join(kind(audit.ErrUnavailable, "away"), strange), exitFailed, []string{"tieout: unavailable: away", "tieout: disk on fire"}},
		{"forbidden, and an error of no known kind", errors.Join(kind(audit.ErrForbidden, "not you"), strange), exitFailed, []string{"tieout: not allowed: not you", "tieout: disk on fire"}},
		{"altered, among others", errors.Join(strange, kind(audit.ErrAltered, "a page"), found), exitAltered, []string{"tieout: disk on fire", "tieout: altered: a page", "2 findings."}},
		{"not found beside forbidden", errors.Join(kind(audit.ErrForbidden, "not you"), kind(audit.ErrNotFound, "X-1")), exitFailed, []string{"tieout: not allowed: not you", "tieout: not found: X-1"}},
		{"inconclusive beside findings", errors.Join(found, kind(audit.ErrInconclusive, "one day")), exitInconclusive, []string{"2 findings.", "tieout: not conclusive: one day"}},
		{"a kind with its cause is one error", fmt.Errorf("%w: %w", audit.ErrUnavailable, io.ErrUnexpectedEOF), exitInconclusive, []string{"tieout: unavailable: unexpected EOF"}},
		{"joined, and wrapped", fmt.Errorf("EN-1: %w", errors.Join(kind(audit.ErrUnavailable, "away"), strange)), exitFailed, []string{"tieout: EN-1: unavailable: away\ndisk on fire"}},
		{"joined twice", errors.Join(errors.Join(found, strange), nil), exitFailed, []string{"2 findings.", "tieout: disk on fire"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := exitCode(context.Background(), tt.err); got != tt.code {
				t.Errorf("exit %d, want %d", got, tt.code)
			}
			if tt.err == nil {
				return
			}
			if got := complaints(tt.err); !slices.Equal(got, tt.said) {
				t.Errorf("said %q, want %q", got, tt.said)
			}
		})
	}
}
