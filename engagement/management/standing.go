package management

import (
	"fmt"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

// A signedOn is what an assertion or a letter was signed on.
type signedOn struct {
	terms string // digest
	at    time.Time
	count int // how many of them this party has signed, with this one
}

// standsOn keeps what a party's paper stands on now that it is signed.
func (x *Side) standsOn(kind, party string, e book.Entry) {
	if x.signed == nil {
		x.signed = map[string]signedOn{}
	}
	x.signed[kind+"/"+party] = signedOn{x.Digest, e.At, x.signed[kind+"/"+party].count + 1}
}

// A Stated is what an assertion or a letter says of itself beside its words.
type Stated struct {
	Terms   string // digest of the terms it is made under
	Version int    // which of its party's it is
}

// NextAssertion is what the next assertion of a party states: the terms as they
// are now, and its version.
func (x *Side) NextAssertion(party string) Stated {
	return Stated{x.Digest, x.signed["assertion/"+party].count + 1}
}

// NextLetter is the same of a party's letter of representation.
func (x *Side) NextLetter(party string) Stated {
	return Stated{x.Digest, x.signed["representation/"+party].count + 1}
}

// named refuses a paper of today that does not name its terms and its version.
// Entries of before there were these words are still read.
func (s Stated) named(what string, next Stated) error {
	if s.Terms == "" || s.Version == 0 {
		return fmt.Errorf("%w: terms, version: %s names the digest of the terms it is made under and its version, which are signed with it; now %s and %d", audit.ErrInvalid, what, next.Terms, next.Version)
	}
	return nil
}

// holds refuses a paper that names other terms than those of now, or a version
// that is not the next. One of before there were these words names neither.
func (s Stated) holds(what string, next Stated) error {
	switch {
	case s == Stated{}:
		return nil
	case s.Terms != next.Terms:
		return book.TooEarly("%s names other terms than those in force: read the terms as they are now, and sign under them", what)
	case s.Version != next.Version:
		return book.TooEarly("%s is version %d, and the next is %d: another was signed meanwhile", what, s.Version, next.Version)
	}
	return nil
}

// Ends is the last day that is examined, or the day it is examined as of.
func (x *Side) Ends() string {
	if x.Terms.Type.OverPeriod() {
		return x.Terms.Last
	}
	return x.Terms.AsOf
}

// Ended reports whether the days that are examined have come to their last one, in
// the terms' zone. Terms that do not say which days never end.
func (x *Side) Ended(at time.Time) bool {
	zone, err := time.LoadLocation(x.Terms.Zone)
	end := x.Ends()
	return err == nil && end != "" && at.In(zone).Format(time.DateOnly) >= end
}

// dated refuses a paper of management's that speaks of days that are to come, that
// is dated before they are over, or on a day that is to come itself. Days are those
// of the terms' zone.
func (x *Side) dated(what, dated string, at time.Time) error {
	zone, err := time.LoadLocation(x.Terms.Zone)
	if err != nil {
		return fmt.Errorf("%w: the terms name the zone %q, which is none: the firm mends its terms", audit.ErrInvalid, x.Terms.Zone)
	}
	end, today := x.Ends(), at.In(zone).Format(time.DateOnly)
	switch {
	case end == "":
		return book.TooEarly("the terms do not say which days are examined: the firm mends its terms")
	case !x.Ended(at):
		return book.TooEarly("%s speaks of the days to %s, which are not over", what, end)
	case dated < end:
		return fmt.Errorf("%w: dated: %s is before %s, the last day that %s speaks of", audit.ErrInvalid, dated, end, what)
	case dated > today:
		return fmt.Errorf("%w: dated: %s is to come; %s is dated on a day up to today, %s", audit.ErrInvalid, dated, what, today)
	}
	return nil
}

// AssertionAnew says why a party signs its assertion again: what it stands on has
// changed since. "": it stands, or there is none yet.
func (x *Side) AssertionAnew(party string) string {
	a := x.Assertions[party]
	switch {
	case a == nil || x.Closed():
		return ""
	case x.underOther("assertion", party):
		return "The terms of the examination have changed since it was signed."
	case party == x.Terms.Client.Name && x.Final != nil && x.Final.At.After(x.signed["assertion/"+party].at):
		return fmt.Sprintf("Version %d of the description was finished after it was signed.", x.Final.Version)
	}
	return ""
}

// LetterAnew says the same of a party's letter of representation.
func (x *Side) LetterAnew(party string) string {
	on := x.signed["representation/"+party]
	switch {
	case x.Letters[party] == nil || x.Closed():
		return ""
	case x.underOther("representation", party):
		return "The terms of the examination have changed since it was signed."
	case x.signed["assertion/"+party].at.After(on.at):
		return "The assertion was signed again after it."
	case on.at.Before(x.revised()):
		return "The firm makes a report that takes the issued one's place: its letter is of that report's day."
	}
	return ""
}

// underOther reports whether a paper was signed under terms that are not those of
// now.
func (x *Side) underOther(kind, party string) bool { return x.signed[kind+"/"+party].terms != x.Digest }

// revised is when the firm opened the file of an issued report again; zero where it
// is issued and closed, or not issued.
func (x *Side) revised() (at time.Time) {
	if len(x.Releases) == 0 || x.Closed() {
		return at
	}
	for _, s := range x.Steps {
		if s.What == string(engagement.DraftReview) {
			at = s.At
		}
	}
	return at
}

// outdated refuses a report on papers that were signed under other terms.
func (x *Side) outdated() error {
	for _, p := range x.Parties() {
		if x.underOther("assertion", p) || x.underOther("representation", p) {
			return book.TooEarly("the assertion or the letter of representation of %s was signed under other terms: %s signs both anew", p, p)
		}
	}
	return nil
}
