package bundle

import (
	"context"
	"io"
	"time"

	"tieout/audit"
	"tieout/source"
)

// About says what a bundle is of, and what its results were made with.
type About struct {
	Organization audit.Organization `json:"organization"`
	Period       audit.Period       `json:"period"`
	AsOf         time.Time          `json:"asOf"`        // the evidence considered
	Holidays     []string           `json:"holidays"`    // of the organization, "2006-01-02"
	Definitions  string             `json:"definitions"` // hash of the applied revision
	Run          int64              `json:"run"`         // log index of the sealed run; audit.Unsequenced: none
	Versions     audit.Versions     `json:"versions"`
}

// Contents is what Write puts into a bundle. Its functions are called more than
// once and must give the same each time.
type Contents struct {
	About       About
	Definitions []byte // the applied revision, canonical: what About.Definitions is the digest of
	Procedures  []Procedure
	Log         Log

	// Records calls yield with records in the order of the log. All records of a
	// collection belong in a bundle together: else it cannot be re-performed.
	Records func(ctx context.Context, yield func(Record) error) error
	// Results of the run, in the order of Procedures.
	Results []Results
	// Report is the report value as canonical JSON; nil: the bundle has none.
	Report []byte
	// Drivers normalize the pages anew; the items are kept beside the raw.
	Drivers source.Registry
}

// A Procedure is a test as it ran: its document, and the parameters in force
// where the workspace gave it others than the document's own.
type Procedure struct {
	ID         string         `json:"id"`
	Hash       string         `json:"hash"`
	File       string         `json:"file"` // as error messages name it
	Document   []byte         `json:"document"`
	Parameters map[string]any `json:"parameters,omitempty"` // those in force: bool, integer, text or list of texts

	// What the workspace makes of the document: the controls it tests there, and
	// the days it tests. Where a bundle leaves them out, the document's own.
	Controls  []string        `json:"controls,omitempty"`
	Effective audit.Effective `json:"effective,omitzero"`
}

// Log is the transparency log at the checkpoint the bundle rests on.
type Log struct {
	Checkpoint []byte // signed note
	Keys       Keys
	Sayings    map[string][]byte // "witness:NAME" or "tsa:NAME" -> cosignature line or token, as ledger keeps them
	Size       int64
	// Commitments returns those with indexes from <= i < to.
	Commitments func(ctx context.Context, from, to int64) ([][32]byte, error)
}

// Keys is the succession of the log's public keys.
type Keys struct {
	First string    `json:"first"` // verifier key in note format
	Steps []KeyStep `json:"steps,omitempty"`
}

// A KeyStep is how the log came to its next key: by a hand-over that both keys
// signed, or without one from an epoch on.
type KeyStep struct {
	Handover string `json:"handover,omitempty"`
	Key      string `json:"key,omitempty"`
	Epoch    int64  `json:"epoch,omitempty"`
}

// A Record is a sealed record as the store has it.
type Record struct {
	Index     int64
	Canonical []byte   // RFC 8785 of the audit.Record; empty if it was erased
	Salt      [32]byte // of its commitment
	Erased    bool     // record, salt and bytes were erased; the commitment stays
	Withheld  bool     // the bytes are left out of the bundle
	// Body opens the raw bytes; not asked for where Erased, Withheld or of no bytes.
	Body func(ctx context.Context) (io.ReadCloser, error)
}

// Results are what one procedure found: canonical JSON lines of audit.Result.
type Results struct {
	Procedure string
	Hash      string
	Open      func(ctx context.Context) (io.ReadCloser, error)
}
