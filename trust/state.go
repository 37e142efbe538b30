package trust

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/evidence"
)

// Door is who writes what outsiders do: the server itself, after it checked what
// they showed. They have no account.
const Door = "trust-center"

// Outsider is somebody before the door, as who acts in the log: by the server, from
// an address.
func Outsider(address string) access.Subject {
	return access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: Door, Address: address}
}

// A Book keeps who may read reports and who did, at the newest entry of the log. It
// is safe for concurrent use, also by several processes on one store.
type Book struct {
	book *book.Book[*State]
	now  func() time.Time
}

// Open returns the book in the log that seal writes.
func Open(seal *evidence.Sealer, now func() time.Time) *Book {
	return &Book{book.Open(seal, now, audit.RecordTrust, newState()), now}
}

// Read calls f with the state as of the newest entry of the log. f keeps nothing of
// it beyond its return and changes nothing of it.
func (b *Book) Read(ctx context.Context, f func(*State) error) error { return b.book.Read(ctx, f) }

// A State is what the entries up to one place of the log add up to. It is read under
// Book.Read and not kept beyond it.
type State struct {
	book.Counted
	Published map[string]*Publication // by engagement
	Terms     *Terms                  // in force; nil: none were set
	Texts     map[string]*Terms       // all there were, by digest
	Requests  map[string]*Request     // by ID
	Grants    map[string]*Grant       // by ID
}

func newState() *State {
	return &State{Published: map[string]*Publication{}, Texts: map[string]*Terms{}, Requests: map[string]*Request{}, Grants: map[string]*Grant{}}
}

// A Publication is that a report may be spoken of to everybody.
type Publication struct {
	Engagement string
	Report     string // digest of the report's value
	By         string
	At         time.Time
}

type taker func(s *State, e book.Entry) (book.Change, error)

// takers are all kinds of entry: each part has its own table.
var takers = book.Merge(publicTakers, termsTakers, requestTakers, grantTakers, useTakers)

// Weigh says what an entry would do, or why it does not count.
func (s *State) Weigh(e book.Entry) (book.Change, error) {
	f := takers[e.Kind]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: this version knows no entry of kind %q", audit.ErrInvalid, e.Kind)
	}
	return f(s, e)
}

// on is the ID an entry is on: the entry has to be on a kind of object.
func on(e book.Entry, kind string) (string, error) {
	if have, _, _ := strings.Cut(e.On, ":"); have != kind || e.Of() == "" {
		return "", fmt.Errorf("%w: an entry %s is on a %s, not on %s", audit.ErrInvalid, e.Kind, kind, e.On)
	}
	return e.Of(), nil
}

// fromDoor refuses what only the server writes for an outsider from anybody else.
func fromDoor(e book.Entry) error {
	if e.By.Kind != audit.ActorConnector || e.By.Name != Door {
		return fmt.Errorf("%w: %s is written for who stands before the door, by the server", audit.ErrForbidden, e.Kind)
	}
	return nil
}

// byPerson refuses a decision that no person took: nothing reaches an outsider that
// a person did not decide to give.
func byPerson(e book.Entry) error {
	if e.By.Kind != audit.ActorPerson || e.By.Name == "" {
		return fmt.Errorf("%w: %s is a person's to decide", audit.ErrForbidden, e.Kind)
	}
	return nil
}

// named checks a name: short enough that a copy can say it on every page.
func named(field, s string) error {
	return book.First(book.OneLine(field, s, 1), book.When(len(s) > 140, field+" is too long: at most 140 bytes"))
}

// mail checks an address as a person types it: what it is for is read by a person.
func mail(s string) error {
	name, domain, _ := strings.Cut(s, "@")
	return book.First(book.OneLine("mail", s, 3), book.When(name == "" || domain == "" || len(s) > 254 || strings.ContainsAny(domain, "@") || strings.ContainsAny(s, " <>\",;\\()[]"),
		"mail: write one address such as ana@example.com"))
}
