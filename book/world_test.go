package book_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/book"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

// Things are registers with one kind of entry, which sets a thing's name.
type things struct {
	book.Counted
	names map[string]string
}

type thing struct {
	Name string `json:"name"`
}

func (s *things) Weigh(e book.Entry) (book.Change, error) {
	d, err := book.Data[thing](e)
	if err != nil {
		return book.Change{}, err
	}
	if d.Name == "" {
		return book.Change{}, fmt.Errorf("%w: a thing has a name", audit.ErrInvalid)
	}
	return book.Change{What: "is called " + d.Name, Do: func() { s.names[e.Of()] = d.Name }}, nil
}

type shelf = book.Book[*things]

// A desk is one store with one log's keys, and a clock that tests move.
type desk struct {
	t    *testing.T
	path string
	key  string
	us   atomic.Int64
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, path: t.TempDir()}
	d.us.Store(start.UnixMicro())
	skey, _, err := ledger.GenerateKey("example.com/test")
	if err != nil {
		t.Fatal(err)
	}
	d.key = filepath.Join(d.path, "log.key")
	if err := ledger.SaveKey(d.key, skey); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) now() time.Time { return time.UnixMicro(d.us.Load()).UTC() }

// process is a sealer as another process on the same files has one: with its own
// connection to the store and its own view of the log.
func (d *desk) process(name string) *evidence.Sealer {
	d.t.Helper()
	st, err := sqlite.Open(d.t.Context(), filepath.Join(d.path, "store.db"))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := st.Close(); err != nil {
			d.t.Error(err)
		}
	})
	folder, err := blob.NewFolder(filepath.Join(d.path, "blobs"))
	if err != nil {
		d.t.Fatal(err)
	}
	signer, err := ledger.LoadSigner(d.key)
	if err != nil {
		d.t.Fatal(err)
	}
	log, err := ledger.Open(d.t.Context(), evidence.Backend{Store: st}, signer, ledger.Options{Holder: name, Anchor: ledger.FileAnchor{Path: filepath.Join(d.path, "anchor")}})
	if err != nil {
		d.t.Fatal(err)
	}
	return &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: log, Now: d.now}
}

func (d *desk) open(seal *evidence.Sealer) *shelf {
	return book.Open(seal, d.now, audit.RecordEntry, &things{names: map[string]string{}})
}

// by is a person at a screen, with an idempotency key or without one ("").
func by(key string) access.Subject {
	return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "ana", Session: "S", Address: "192.0.2.7", Once: key}
}

// names are the things by ID as a book has them, with how many entries are void.
func names(t *testing.T, b *shelf) (out map[string]string, void []book.Void) {
	t.Helper()
	err := b.Read(t.Context(), func(s *things) error {
		out = map[string]string{}
		for id, n := range s.names {
			out[id] = n
		}
		void = append(void, s.Void...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, void
}
