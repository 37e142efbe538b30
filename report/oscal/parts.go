package oscal

import "strings"

// The parts of OSCAL's models that the documents of a service auditor's report
// are made of as well.
type (
	Property    = property
	Reviewed    = reviewed
	Selection   = selection
	Include     = include
	Observation = observation
	Evidence    = evidence
	Finding     = finding
	Target      = target
	Status      = status
	Related     = related
	Back        = back
	Resource    = resource
	Link        = link
	RLink       = rlink
	Hash        = hash
)

// UUID is the version 5 UUID of names in a row: the same names give the same,
// and other names, or the same split elsewhere, another (RFC 9562, 5.5).
func UUID(names ...string) string { return format(uuid(space, strings.Join(names, "\x1f"))) }

// Line is s on one line, safe where markup is read; "-" for nothing.
func Line(s string) string { return line(s) }

// Plain is s on one line, where markup is not read; "-" for nothing.
func Plain(s string) string { return plain(s) }

// Token is s as OSCAL's identifiers allow: other letters become underscores.
func Token(s string) string { return token(s) }

// Prop is a property of ours.
func Prop(name, value string) Property { return prop(name, value) }
