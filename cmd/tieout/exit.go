package main

import (
	"context"
	"errors"
	"slices"
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

// seriousness is the order in which one of several exit codes is given.
var seriousness = []int{exitAltered, exitInterrupted, exitUsage, exitFailed, exitForbidden, exitInconclusive, exitFindings, exitChanges}

// exitCode maps an error to one exit code. Of several joined errors each has its
// own, and the most serious decides, in the order 5, 1, 4, 6, 3, 2.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	var codes []int
	for _, e := range unjoined(err) {
		codes = append(codes, codeOf(ctx, e))
	}
	for _, c := range seriousness {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return exitFailed
}

// codeOf is the exit code of one error; of no known kind it is exitFailed.
func codeOf(ctx context.Context, err error) int {
	var f findings
	switch {
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

// joinedIn are the errors that errors.Join put together, nil of any other: an error
// that wraps its kind beside its cause is one error.
func joinedIn(err error) []error {
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	list := j.Unwrap()
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.Error()
	}
	if strings.Join(texts, "\n") != err.Error() {
		return nil
	}
	return list
}

// unjoined are the errors that err is, each of one kind, also those that were
// wrapped together.
func unjoined(err error) (out []error) {
	if list := joinedIn(err); list != nil {
		for _, e := range list {
			out = append(out, unjoined(e)...)
		}
		return out
	}
	if inner := errors.Unwrap(err); inner != nil {
		if out = unjoined(inner); len(out) > 1 {
			return out
		}
	}
	return []error{err}
}

// complaints are the lines of stderr that tell why a command did not end well: every
// joined error's own, of findings their last line.
func complaints(err error) (out []string) {
	if list := joinedIn(err); list != nil {
		for _, e := range list {
			out = append(out, complaints(e)...)
		}
		return out
	}
	for _, e := range unjoined(err) {
		if !errors.As(e, new(findings)) {
			return []string{"tieout: " + message(err)}
		}
	}
	if err.Error() == "" {
		return nil
	}
	return []string{err.Error()}
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
