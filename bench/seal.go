package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
	"tieout/blob"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
	"tieout/store/sqlite"
)

const (
	pageSize   = 2 << 10
	sealRounds = 5
)

// sealRows seal pages the way a collection does, each batch durable, numbered
// by the log and published before the next, beside hashing and inserting the
// same bytes in the same batches with the same synchronous setting.
func sealRows(ctx context.Context, b *bench) (out []row, err error) {
	for _, size := range []struct{ batch, batches int }{{64, b.scaled(100, 10)}, {1000, b.scaled(20, 3)}} {
		pages := somePages(size.batch * size.batches)
		var ours, theirs []cost
		for n := range sealRounds { // by turns, so that a busy machine hits both
			dir := filepath.Join(b.dir, fmt.Sprintf("seal-%d-%d", size.batch, n))
			s, t, err := sealOnce(ctx, dir, pages, size.batch)
			if err != nil {
				return nil, err
			}
			ours, theirs = append(ours, s), append(theirs, t)
		}
		seal, plainly := middle(ours), middle(theirs)
		rate := func(c cost) float64 { return float64(len(pages)) / c.wall.Seconds() }
		out = append(out,
			plain(fmt.Sprintf("SHA-256 and a SQLite insert of 2 KiB pages, %s a transaction", thousands(size.batch)), perSecond(rate(plainly), plainly, len(pages)), 1, "x"),
			over(fmt.Sprintf("seal the same: record, salt, log, checkpoint, anchor, %s a batch", thousands(size.batch)), perSecond(rate(seal), seal, len(pages)), rate(seal)/rate(plainly), 0.5, "x the plain insert"))
	}
	return out, nil
}

func perSecond(rate float64, c cost, n int) string {
	return fmt.Sprintf("%s pages/s, %s CPU each", thousands(int(rate)), short(c.cpu/time.Duration(n)))
}

// somePages are answers as systems give them: JSON that differs from page to page.
func somePages(n int) [][]byte {
	r := rand.New(rand.NewPCG(7, 7))
	out := make([][]byte, n)
	for i := range out {
		var b strings.Builder
		b.WriteString(`{"page":[`)
		for b.Len() < pageSize-120 {
			fmt.Fprintf(&b, `{"id":"%016x","login":"user%06d@example.com","status":"ACTIVE","lastUpdated":"2026-%02d-%02dT%02d:%02d:00.000Z"},`,
				r.Uint64(), r.IntN(1e6), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60))
		}
		fmt.Fprintf(&b, `{"pad":"%s"}]}`, strings.Repeat("x", max(0, pageSize-b.Len()-12)))
		out[i] = []byte(b.String())
	}
	return out
}

// sealOnce runs both sides once in fresh folders and asserts that both kept
// every page under its digest.
func sealOnce(ctx context.Context, dir string, pages [][]byte, batch int) (ours, theirs cost, err error) {
	s, err := openSealer(ctx, dir)
	if err != nil {
		return ours, theirs, err
	}
	defer func() { err = errors.Join(err, s.Store.Close()) }()
	db, err := openPlain(filepath.Join(dir, "plain.db"))
	if err != nil {
		return ours, theirs, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if theirs, err = measure(func() error { return batches(pages, batch, func(p [][]byte) error { return insertPlain(db, p) }) }); err != nil {
		return ours, theirs, err
	}
	if ours, err = measure(func() error { return batches(pages, batch, func(p [][]byte) error { return sealPages(ctx, s, p) }) }); err != nil {
		return ours, theirs, err
	}
	return ours, theirs, sameKept(ctx, s, db, pages)
}

func batches(pages [][]byte, batch int, do func([][]byte) error) error {
	for i := 0; i < len(pages); i += batch {
		if err := do(pages[i:min(i+batch, len(pages))]); err != nil {
			return err
		}
	}
	return nil
}

func openSealer(ctx context.Context, dir string) (*evidence.Sealer, error) {
	st, err := sqlite.Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, err
	}
	objects, err := blob.NewFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	secret, _, err := ledger.GenerateKey("example.test/bench")
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	signer, err := ledger.ParseSigner(secret)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	log, err := ledger.Open(ctx, evidence.Backend{Store: st}, signer, ledger.Options{Holder: "bench", Anchor: ledger.FileAnchor{Path: filepath.Join(dir, "anchor")}})
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &evidence.Sealer{Store: st, Blobs: blob.New(objects), Log: log, Now: time.Now}, nil
}

func sealPages(ctx context.Context, s *evidence.Sealer, pages [][]byte) error {
	drafts := make([]evidence.Draft, len(pages))
	for i, p := range pages {
		drafts[i] = evidence.Draft{
			Kind: audit.RecordPage, Source: "okta", Collection: "bench", PageKind: "okta.users", Query: "GET /api/v1/users", Media: "application/json",
			About: audit.At(asked), Body: p, Actor: audit.Actor{Kind: audit.ActorConnector, Name: "bench"},
		}
	}
	_, err := s.Seal(ctx, drafts...)
	return err
}

func openPlain(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`create table pages (id integer primary key, digest blob not null, body blob not null)`)
	return db, err
}

func insertPlain(db *sql.DB, pages [][]byte) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreDone(tx.Rollback())) }()
	stmt, err := tx.Prepare(`insert into pages (digest, body) values ($1, $2)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for _, p := range pages {
		digest := sha256.Sum256(p)
		if _, err := stmt.Exec(digest[:], p); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// sameKept reads everything back from both sides.
func sameKept(ctx context.Context, s *evidence.Sealer, db *sql.DB, pages [][]byte) error {
	if n := s.Log.Checkpoint().Size; n != int64(len(pages)) {
		return fmt.Errorf("the log has %d entries for %d pages", n, len(pages))
	}
	i := 0
	err := s.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		body, err := s.Body(ctx, rec) // which checks the digest
		if err != nil {
			return err
		}
		var digest, theirs []byte
		if err := db.QueryRow(`select digest, body from pages where id = $1`, i+1).Scan(&digest, &theirs); err != nil {
			return err
		}
		if string(body) != string(pages[i]) || string(theirs) != string(pages[i]) || fmt.Sprintf("sha256:%x", digest) != rec.Digest {
			return fmt.Errorf("page %d is not the same on both sides", i)
		}
		i++
		return nil
	})
	if err == nil && i != len(pages) {
		err = fmt.Errorf("%d records of %d", i, len(pages))
	}
	return err
}
