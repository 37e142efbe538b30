package management

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/evidence"
)

// A Book keeps the client's side of its examinations, at the newest entry of its
// log. It is safe for concurrent use, also by several processes on one store.
type Book struct {
	book *book.Book[*State]
	seal *evidence.Sealer
	now  func() time.Time
}

// Open returns the client's side in the log that seal writes.
func Open(seal *evidence.Sealer, now func() time.Time) *Book {
	return &Book{book.Open(seal, now, audit.RecordFieldwork, newState()), seal, now}
}

// A State is the client's side as the entries up to one place of the log add up
// to. It is read under Book.Read and not kept beyond it.
type State struct {
	book.Counted
	Firms map[string]*Firm // invited, by the origin of their log
	Sides map[string]*Side // by the engagement's ID

	Candidates map[string]*Candidate // firms that were considered
}

// A Firm is an audit firm whose packets are taken: who invited it says that the
// key is the firm's.
type Firm struct {
	Name    string
	Origin  string
	Key     string // verifier key of its log
	Address string // of its server, "" where files are carried by hand
	By      string
	At      time.Time
	Ended   time.Time // zero: its packets are taken still
}

// A Side is the client's side of one engagement.
type Side struct {
	Terms   engagement.Terms // as the firm last offered them
	Letter  string           // digest of the engagement letter
	Digest  string           // of the terms
	Offered time.Time
	Agreed  *engagement.Agreed // nil where the terms changed since
	Why     string             // why the firm changed the terms last, "" where it never did or said nothing
	Earlier []Offered          // terms that were in force before these, the oldest first
	State   engagement.State
	Steps   []Step

	Requests    map[string]*Request
	Populations map[string]*Frozen
	Samples     map[string]*engagement.Sample
	Findings    map[string]*Finding
	Description map[string]*Section // by description criterion
	Expected    []engagement.Expected
	Final       *Version

	Other         []engagement.Information // beside the description, for Section V
	OtherAt       time.Time                // when it was written last
	OtherRevision int64                    // Base of its next change

	Changes    map[string]*Ruling                    // by reference
	Assertions map[string]*engagement.Assertion      // by party
	Letters    map[string]*engagement.Representation // by party
	Drafts     []Draft
	Comments   map[string]*engagement.Comment
	Releases   []Release
	Bridges    []Bridge
	Course     []Turn             // in the order of the log
	Copies     []engagement.Share // of the issued report, for one recipient each

	signed map[string]signedOn // by "assertion/PARTY" and "representation/PARTY"
}

// Offered are terms as the firm offered them, and management's word on them.
type Offered struct {
	Terms  engagement.Terms
	Letter string
	Digest string
	At     time.Time
	Agreed *engagement.Agreed // nil where nobody agreed to them
	Why    string             // why they took the place of those before
}

// A Step is one turn of something, and when.
type Step struct {
	At   time.Time
	By   string
	What string
	Why  string // of a step back, or of an end
}

func newState() *State {
	return &State{Firms: map[string]*Firm{}, Sides: map[string]*Side{}, Candidates: map[string]*Candidate{}}
}

func newSide() *Side {
	return &Side{State: engagement.CriteriaSelected, Requests: map[string]*Request{}, Populations: map[string]*Frozen{}, Samples: map[string]*engagement.Sample{},
		Findings: map[string]*Finding{}, Description: map[string]*Section{}, Assertions: map[string]*engagement.Assertion{},
		Letters: map[string]*engagement.Representation{}, Comments: map[string]*engagement.Comment{}}
}

type taker func(s *State, e book.Entry) (book.Change, error)

// takers are all kinds of entry: each part has its own table.
var takers = book.Merge(firmTakers, candidateTakers, termsTakers, requestTakers, populationTakers, findingTakers, descriptionTakers, changeTakers, letterTakers, draftTakers, copyTakers, bridgeTakers)

// Weigh says what an entry would do, or why it does not count.
func (s *State) Weigh(e book.Entry) (book.Change, error) {
	f := takers[e.Kind]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: this version knows no entry of kind %q", audit.ErrInvalid, e.Kind)
	}
	c, err := f(s, e)
	if err != nil {
		return c, err
	}
	return s.after(e, c), nil
}

// Read calls f with the client's side as of the newest entry of its log. f keeps
// nothing of the state beyond its return and changes nothing of it.
func (b *Book) Read(ctx context.Context, f func(*State) error) error { return b.book.Read(ctx, f) }

// Side is an engagement's; audit.ErrNotFound where no firm has offered it.
func (s *State) Side(id string) (*Side, error) {
	x := s.Sides[id]
	if x == nil {
		return nil, fmt.Errorf("%w: engagement %s", audit.ErrNotFound, id)
	}
	return x, nil
}

// on is the side an entry belongs to and the object's ID in it: RQ-4 of
// "request:EN-1/RQ-4", "" of "terms:EN-1". The entry has to be on a kind of object.
func (s *State) on(e book.Entry, kind string) (*Side, string, error) {
	if have, _, _ := strings.Cut(e.On, ":"); have != kind {
		return nil, "", fmt.Errorf("%w: an entry %s is on a %s, not on %s", audit.ErrInvalid, e.Kind, kind, e.On)
	}
	id, rest, _ := strings.Cut(e.Of(), "/")
	x, err := s.Side(id)
	return x, rest, err
}

// named is the name of an object of an engagement in entries.
func named(kind, id string, rest ...string) string {
	return kind + ":" + strings.Join(append([]string{id}, rest...), "/")
}

// of is what a permission is asked for: something of one engagement.
func of(id string, owner ...string) access.Object {
	o := access.Object{Engagements: []string{id}}
	if len(owner) > 0 {
		o.Owner = owner[0]
	}
	return o
}

// take writes what a packet brought. The server's own receiver, which checked
// the packet's signature, needs no role; who carries files by hand needs
// engagement.open. With an idempotency key (access.Subject.Once), such as the
// packet's digest, the same thing is taken once however often it comes.
func (b *Book) take(ctx context.Context, by access.Subject, kind, on, id string, data any) error {
	if by.Kind != audit.ActorConnector || by.Workspace != access.Company || by.Account == "" || by.Token != "" || by.Limit != nil {
		if err := access.Require(by, "engagement.open", of(id)); err != nil {
			return err
		}
	}
	by, err := book.Within(by, kind, on, data)
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, kind, on, book.Anyway, data)
	return err
}

// open refuses what comes after an engagement ended.
func (x *Side) open() error {
	if x.State.Over() {
		return book.TooEarly("the engagement is %s", x.State)
	}
	return nil
}

// agreed refuses what comes before management agreed to the terms.
func (x *Side) agreed() error {
	if x.Agreed == nil {
		return book.TooEarly("management has not agreed to the terms yet: a signer reads and signs them first")
	}
	return nil
}
