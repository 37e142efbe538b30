package main

import (
	"context"
	"errors"
	"strings"

	"tieout/audit"
)

// Exit codes, as `tieout help exit-codes` prints them.
const (
	exitDone          = 0   // done, nothing at or above the threshold
	exitFailed        = 1   // could not complete
	exitChanges       = 2   // plan --exit-code: changes pending
	exitFindings      = 3   // findings at or above --fail-on
	exitForbidden     = 4   // sign in, or not allowed
	exitAltered       = 5   // verification failed: something was altered
	exitInconclusive  = 6   // not conclusive: a source did not answer
	exitUsage         = 64  // wrong usage
	exitInterrupted   = 130 // interrupted
	exitCodesHelpText = `Exit codes

    0  done, nothing at or above the threshold
    1  could not complete
    2  plan --exit-code: changes are pending
    3  findings at or above --fail-on (deviation, gap, late, due)
    4  sign in, or not allowed
    5  verification failed: something was altered
    6  not conclusive: a source did not answer, or nothing can be compared
   64  wrong usage
  130  interrupted

Where several apply the first of 5, 1, 4, 6, 3, 2 is given. No data is never 0.
`
)

// findings ends a command that did its work and found something to look at.
type findings struct {
	code int
	text string // a last line for stderr
}

func (f findings) Error() string { return f.text }

// exitCode maps an error to one exit code; of several joined errors the most
// serious decides, in the order 5, 1, 4, 6, 3, 2.
func exitCode(ctx context.Context, err error) int {
	var f findings
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, audit.ErrAltered):
		return exitAltered
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, audit.ErrUsage):
		return exitUsage
	case errors.Is(err, audit.ErrInvalid), errors.Is(err, audit.ErrNotFound), errors.Is(err, audit.ErrConflict):
		return exitFailed
	case errors.Is(err, audit.ErrForbidden):
		return exitForbidden
	case errors.Is(err, audit.ErrInconclusive), errors.Is(err, audit.ErrUnavailable):
		return exitInconclusive
	case errors.As(err, &f):
		return f.code
	}
	return exitFailed
}

// message is err as a person reads it: the kinds' own words are left out where
// the text goes on to say more.
func message(err error) string {
	s := err.Error()
	for _, kind := range []error{audit.ErrInvalid, audit.ErrUsage} {
		s = strings.ReplaceAll(s, kind.Error()+": ", "")
	}
	return s
}
