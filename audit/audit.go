// Package audit holds the words everyone shares: the organization and its
// controls, the evidence, the items a timeline is made of, results, deviations
// and the report. It does no I/O and imports only the standard library.
//
// Instants are time.Time values in UTC, truncated to microseconds; spans are
// half-open. Every enumeration's zero value is its most cautious member, so a
// value nobody filled in can never read as good news.
package audit

import "errors"

// Kinds of error. Wrap them with %w and say the operation and the key; test
// for them with errors.Is. Package cmd/tieout maps each to one exit code.
var (
	// ErrInvalid: the input is wrong; the message says file:line:column and what to do.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the thing exists already or has moved on since it was read.
	ErrConflict = errors.New("conflict")
	// ErrForbidden: the actor is not allowed, or must sign in first.
	ErrForbidden = errors.New("not allowed")
	// ErrUnavailable: a source, store or service did not answer in full.
	ErrUnavailable = errors.New("unavailable")
	// ErrAltered: verification found something that is not what was sealed.
	ErrAltered = errors.New("altered")
	// ErrInconclusive: nothing is known to be wrong, and nothing can be concluded.
	ErrInconclusive = errors.New("not conclusive")
	// ErrUsage: a command was called with words it does not know.
	ErrUsage = errors.New("usage")
)

// ActorKind says what acted.
type ActorKind string

// Actors are people, or the parts of the program that act by themselves.
const (
	ActorPerson    ActorKind = "person"
	ActorCommand   ActorKind = "command"
	ActorConnector ActorKind = "connector"
)

// An Actor is who does something that is recorded.
type Actor struct {
	Kind ActorKind `json:"kind"`
	Name string    `json:"name"`
}
