// Stage 1 of 8: a source asks one outside system and normalizes its pages.

// Package source is what every source has in common. A source is a folder with
// one Driver: it collects (talks to the system, hands every answer to the sink
// before looking into it) and normalizes (a pure function from a page to items).
// It keeps no state, opens no store and has no clock of its own.
package source

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// A Sink takes what a collection reads. When Page returns nil the bytes are
// durable and on their way into the log: only then may the source look into
// them. It is safe for use by one goroutine at a time.
type Sink interface {
	// Page seals pages, all or none, and normalizes them in order. Hand over many
	// small pages at once where the source has them. An error of normalizing does
	// not come back here: it makes the streams the page belongs to incomplete.
	Page(ctx context.Context, pages ...audit.Page) error
	// Close closes one stream: what it covers, and whether that is all there is.
	// Every stream a collection touched or should have touched is closed, also
	// those it could not read: with Complete false and the reason.
	Close(ctx context.Context, m audit.Manifest) error
	// Progress tells a person how far a stream is; total is 0 while unknown.
	Progress(stream string, done, total int)
}

// A Collector reads one connection.
type Collector interface {
	// Collect reads the window and hands pages to sink as they come, in constant
	// memory. A part that cannot be read is closed as incomplete and the rest is
	// still read; the error is for what makes going on senseless (canceled, sink
	// failed, wrong configuration). Config is what Normalize will need, without
	// secrets; it is sealed with the collection.
	Collect(ctx context.Context, w audit.Window, sink Sink) error
}

// Env is what the program lends a source: nothing else reaches it.
type Env struct {
	Dir    string                                                // folder that relative paths are in: the workspace's
	HTTP   *http.Client                                          // nil: the default client
	Secret func(ctx context.Context, ref string) (string, error) // resolves "env:NAME", "file:PATH", "keyring:NAME"

	// Activity yields what the workspace itself did, in the order of its log, and
	// the instant its log begins. nil: nobody can tell.
	Activity func(ctx context.Context, yield func(Activity) error) (begins time.Time, err error)

	// Program yields what the workspace's own registers say, in the order of its
	// log, and the instant its log begins. nil: there are none.
	Program func(ctx context.Context, yield func(audit.Fact) error) (begins time.Time, err error)
}

// A Driver is one kind of source.
type Driver struct {
	Name    string   // "git"
	Version int      // of the normalizer; grows when the same page would give other items
	Title   string   // "Any git repository"
	Types   []string // item types it can give
	Scopes  []Scope  // what it must be allowed to read, in words
	Cannot  []string // what it cannot see, in words

	Settings []Setting // keys of `with:`, in the order people write them

	// Open reads the connection's settings (the `with:` node of sources/*.yaml,
	// as canonical JSON) and returns its collector and the configuration that
	// normalizing needs, secrets left out. Errors wrap audit.ErrInvalid.
	Open func(name string, with json.RawMessage, env Env) (Collector, json.RawMessage, error)

	// Normalize turns one sealed page into items. It is pure: the same config
	// and page always give the same items, on any machine. On error the items
	// it could read come back too; err is a BadRows where rows can be named.
	Normalize func(config json.RawMessage, p audit.Page) ([]audit.Item, error)
}

// A Scope is one permission a source needs, and why.
type Scope struct {
	Name string // as the system names it
	Why  string
}

// A BadRow is one row that could not be read.
type BadRow struct {
	Where string // file:line or page:element
	Why   string
}

// BadRows is the error of a page some of whose rows could not be read.
type BadRows []BadRow

func (b BadRows) Error() string {
	if len(b) == 0 {
		return "no bad rows"
	}
	s := fmt.Sprintf("%s: %s", b[0].Where, b[0].Why)
	switch n := len(b) - 1; n {
	case 0:
	case 1:
		s += " (and one more row)"
	default:
		s += fmt.Sprintf(" (and %d more rows)", n)
	}
	return s
}

// A Registry finds drivers by name.
type Registry []*Driver

// Find returns the driver called name.
func (r Registry) Find(name string) (*Driver, error) {
	i := slices.IndexFunc(r, func(d *Driver) bool { return d.Name == name })
	if i < 0 {
		names := make([]string, len(r))
		for i, d := range r {
			names[i] = d.Name
		}
		return nil, fmt.Errorf("%w: source kind %q; there are %s", audit.ErrNotFound, name, strings.Join(names, ", "))
	}
	return r[i], nil
}

// An Activity is one thing this workspace itself did: a collection that ended,
// or a sealed run of its procedures. Source tieout makes evidence of them.
type Activity struct {
	Index    int64     `json:"index"` // log index of the record that says so
	Kind     string    `json:"kind"`  // "collection" or "run"
	At       time.Time `json:"at"`    // when it was recorded
	By       string    `json:"by"`    // who or what did it
	Source   string    `json:"source,omitempty"`
	Driver   string    `json:"driver,omitempty"`
	Complete bool      `json:"complete"`
	Streams  int       `json:"streams"`
	Problems []string  `json:"problems,omitempty"`

	Procedures int `json:"procedures"` // of a run: how many were run
	Deviations int `json:"deviations"` // items or occurrences that deviated or were late
	NoEvidence int `json:"noEvidence"` // those without evidence
	Revision   int `json:"revision"`   // of the definitions it ran under
}

// Giving returns the names of the drivers that give an item type.
func (r Registry) Giving(typ string) []string {
	out := []string{}
	for _, d := range r {
		if slices.Contains(d.Types, typ) {
			out = append(out, d.Name)
		}
	}
	return out
}
