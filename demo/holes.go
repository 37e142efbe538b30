package demo

import (
	"time"

	"tieout/audit"
)

// A Hole is what the startup's exports do not hold: which, and its first and last
// day.
type Hole struct {
	What        string
	First, Last time.Time
}

// Holes are those of the year that a complete export would have filled, in order
// of time.
func Holes() []Hole {
	of := func(what string, s audit.Span) Hole { return Hole{what, s.From, addDays(s.To, -1)} }
	return []Hole{
		of("part of the accounts at the code host", cutMembers),
		of("the sandbox cloud account", hiddenSandbox),
		of("the accounts of the identity provider", missingDirectory),
		of("the tickets", missingTickets),
		of("the laptops as device management lists them", badDevices),
	}
}
