package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A Window is what a collection is asked to read.
type Window struct {
	Span                    // the stretch history is wanted for
	AsOf  time.Time         // the instant of a snapshot; the caller's clock, never the source's own
	Zone  string            // IANA name of the organization's time zone, for sources that give dates only
	Since map[string]string // stream -> cursor of an interrupted collection, to go on from
}

// A Page is one answer of a source as it came. Body is sealed before anyone
// parses it.
type Page struct {
	Source    string // connection name, from sources/*.yaml
	Kind      string // what the normalizer must expect, such as "git.commits"
	Scope     string // sub-scope: repository, account, region; "" if there is none
	Query     string // what was asked, secrets removed
	Media     string // media type of Body
	Body      []byte
	About     Span      // the stretch or instant the bytes speak about
	Collected time.Time // when they were read from the source
	Cursor    string    // where the next page starts; for resuming
}

// A Mode says what kind of knowledge a stream gives.
type Mode string

const (
	// ModeSnapshot: the whole set of items, as it was at one instant. An item
	// that is missing from a complete snapshot has disappeared.
	ModeSnapshot Mode = "snapshot"
	// ModeChanges: every change of state within a stretch, at its exact instant.
	ModeChanges Mode = "changes"
	// ModeEvents: everything that happened within a stretch, each at its instant.
	ModeEvents Mode = "events"
)

// A Manifest closes one stream (one item type of one scope) of a collection:
// what was asked, what came, and whether that is all there is. Only a complete
// manifest gives coverage; an incomplete one says why.
type Manifest struct {
	Type     string        `json:"type"`            // item type
	Scope    string        `json:"scope,omitempty"` // sub-scope
	Mode     Mode          `json:"mode"`
	Covers   Span          `json:"covers"` // an instant for snapshots (see At), else a stretch
	Complete bool          `json:"complete"`
	Reason   string        `json:"reason,omitempty"` // why not complete, in words
	Kinds    []string      `json:"kinds,omitempty"`  // kinds of page its items are on; none: every kind
	Queries  []string      `json:"queries"`
	Pages    int           `json:"pages"`
	Items    int           `json:"items"`
	Checks   []Reconciling `json:"checks,omitempty"`
	Cannot   []string      `json:"cannot,omitempty"` // what this completeness cannot show
}

// A Reconciling compares what was read with an independent number or list.
type Reconciling struct {
	Name string `json:"name"` // "count at source", "numbers without a gap", "repositories listed"
	Want string `json:"want"`
	Got  string `json:"got"`
	OK   bool   `json:"ok"`
}

// RecordKind says what a sealed record is.
type RecordKind string

// Kinds of sealed record. Whatever's order matters is one of these.
const (
	RecordPage       RecordKind = "page"       // raw bytes of a source
	RecordCollection RecordKind = "collection" // a collection was opened: source, driver, configuration, window
	RecordManifest   RecordKind = "manifest"   // one stream of a collection was closed: what it covers, and whether it is complete
	RecordEnd        RecordKind = "end"        // a collection ended
	RecordDefinition RecordKind = "definition" // a revision of the workspace's definitions
	RecordRun        RecordKind = "run"        // procedures run, digest of results
	RecordDocument   RecordKind = "document"   // evidence a person added
	RecordRedaction  RecordKind = "redaction"  // a derived copy that names its original
	RecordErasure    RecordKind = "erasure"    // that a record and its salt were erased, and why
	RecordKey        RecordKind = "key"        // hand-over to a new log key, or a new epoch
	RecordClock      RecordKind = "clock"      // this server's clock jumped
	RecordDecision   RecordKind = "decision"   // a person's answer about a deviation or a link
	RecordReport     RecordKind = "report"     // a report exported
	RecordActivity   RecordKind = "activity"   // something asked or done through a server: an Activity
	RecordEntry      RecordKind = "entry"      // an entry in the registers of the running year (package program)
	RecordFieldwork  RecordKind = "fieldwork"  // an entry in the file of an examination (package engagement)
	RecordPacket     RecordKind = "packet"     // what the other side of an examination sent, or was sent (package engagement)
	RecordTrust      RecordKind = "trust"      // an entry on who may read an issued report, and who did (package trust)
)

// An Activity is what somebody asked or did through a server: the Detail of a
// RecordActivity, sealed before the answer is given.
type Activity struct {
	Through   string `json:"through"`             // the way in, such as "mcp"
	Act       string `json:"act"`                 // what was called, as the caller named it
	Arguments string `json:"arguments,omitempty"` // as they were sent; of long ones the beginning
	Digest    string `json:"digest,omitempty"`    // "sha256:" + hex of Arguments that were cut
	Client    string `json:"client,omitempty"`    // what the calling program says it is; nobody checked it
	For       string `json:"for,omitempty"`       // the person under whose account the server runs

	On      string            `json:"on,omitempty"`      // what it was done to: "account:ID", "job:ID"
	Session string            `json:"session,omitempty"` // ID of the session it was done in
	Token   string            `json:"token,omitempty"`   // ID of the API token it was done with
	Address string            `json:"address,omitempty"` // network address it came from
	Facts   map[string]string `json:"facts,omitempty"`   // small facts that belong to it
}

// A Fact is what a register of the workspace itself says of one thing: its
// state from an instant on, or that it happened then. Facts are what the
// "program" source makes pages from.
type Fact struct {
	Record   int64          `json:"record"` // log index of the entry that says so
	Recorded time.Time      `json:"recorded"`
	Type     string         `json:"type"` // item type
	ID       string         `json:"id"`
	At       time.Time      `json:"at"`             // since when it is so, or when it happened
	Gone     bool           `json:"gone,omitempty"` // it ceased to exist
	Fields   map[string]any `json:"fields,omitempty"`
}

// Unsequenced is the Index of a record that has no place in the log yet.
const Unsequenced int64 = -1

// A Record is one sealed piece of evidence, without its bytes. Its canonical
// JSON (RFC 8785) under a salt is the log's leaf. The three dates are separate
// facts: what it is about, when it was read, when this workspace recorded it.
type Record struct {
	ID         string          `json:"id"` // UUIDv7
	Kind       RecordKind      `json:"kind"`
	Source     string          `json:"source,omitempty"`
	Collection string          `json:"collection,omitempty"` // ID of the collection it came in
	PageKind   string          `json:"pageKind,omitempty"`
	Scope      string          `json:"scope,omitempty"`
	Query      string          `json:"query,omitempty"`
	Media      string          `json:"media,omitempty"`
	About      Span            `json:"about"`
	Collected  time.Time       `json:"collected"`
	Recorded   time.Time       `json:"recorded"`
	Digest     string          `json:"digest"` // "sha256:" + hex of the raw bytes
	Size       int64           `json:"size"`   // bytes
	Detail     json.RawMessage `json:"detail,omitempty"`
	Actor      Actor           `json:"actor"`

	Index int64 `json:"-"` // place in the log, or Unsequenced
}

// Ref is how people name a record: "E-" and its log index.
func (r Record) Ref() string { return EvidenceRef(r.Index) }

// EvidenceRef writes a log index as people name it.
func EvidenceRef(index int64) string { return fmt.Sprintf("E-%d", index) }

// A Collection is one run of one source. It is sealed when it is opened (the
// bytes of a RecordCollection), so that every page and manifest can name it;
// each stream's Manifest is sealed as a RecordManifest, and the end, with what
// went wrong, as a RecordEnd.
type Collection struct {
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Driver  string          `json:"driver"`  // "git", "files", "github" ...
	Version int             `json:"version"` // of the driver's normalizer
	Config  json.RawMessage `json:"config"`  // what normalizing needs; secrets removed
	Window  Span            `json:"window"`
	Zone    string          `json:"zone"`
	Started time.Time       `json:"started"`
}

// A CollectionEnd says how a collection ended.
type CollectionEnd struct {
	ID        string    `json:"id"`
	Ended     time.Time `json:"ended"`
	Pages     int       `json:"pages"`
	Manifests int       `json:"manifests"`
	Unchanged int       `json:"unchanged,omitempty"` // streams read again just as they were sealed before
	Complete  bool      `json:"complete"`            // every stream closed complete
	Problems  []string  `json:"problems,omitempty"`  // what went wrong, in words
}

// Takes reports whether the items of m's type on a page of that kind, scope and
// stretch, and of the same collection, count for m: a snapshot takes pages
// about its very instant, a history those about a part of what it covers. The
// order in which pages and manifests were sealed does not matter. A page that
// cannot be read makes every manifest that takes it incomplete.
func (m Manifest) Takes(pageKind, scope string, about Span) bool {
	if m.Scope != scope || len(m.Kinds) > 0 && !slices.Contains(m.Kinds, pageKind) {
		return false
	}
	if m.Mode == ModeSnapshot {
		return m.Covers.From.Equal(about.From) && m.Covers.To.Equal(about.To)
	}
	return !about.From.Before(m.Covers.From) && !about.To.After(m.Covers.To)
}
