package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"tieout/audit"
)

// A Sealed is a record on its way into the log.
type Sealed struct {
	Record     audit.Record
	Canonical  []byte   // RFC 8785 of Record; kept and given back byte for byte
	Salt       [32]byte // of the commitment
	Commitment [32]byte // what the log's leaf is made of
	Body       []byte   // the raw bytes, if small enough for the row; nil if they are in the blob store
}

// zstd coders are safe for concurrent use through EncodeAll and DecodeAll.
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(true))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxRaw))
)

// maxRaw bounds what one compressed column may unpack to.
const maxRaw = 1 << 30

var recordInsert = insertInto("records",
	"id, inserted, kind, source, collection, about_from, about_to, collected, recorded, digest, size, commitment, salt, canonical",
	" on conflict (id) do nothing")

var bodyInsert = insertInto("bodies", "record, data", " on conflict (record) do nothing")

// InsertRecords keeps recs, unsequenced, all or none, in one transaction. A
// record that is there already under the same ID and commitment is left as it
// is, so calling again is safe; another commitment is audit.ErrConflict.
func (s *Store) InsertRecords(ctx context.Context, recs []Sealed) error {
	return s.InsertRecordsUnder(ctx, Lease{}, recs)
}

// InsertRecordsUnder is InsertRecords for one who may write only while a lock is
// theirs: in the same transaction the lease has to be in force, or the error is
// ErrNotHeld and nothing is kept. The zero Lease asks for none.
func (s *Store) InsertRecordsUnder(ctx context.Context, l Lease, recs []Sealed) error {
	if len(recs) == 0 {
		return nil
	}
	for i := range recs {
		if err := recs[i].check(); err != nil {
			return fmt.Errorf("insert records: %w", err)
		}
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if l != (Lease{}) {
			if err := s.hold(ctx, tx, l); err != nil {
				return err
			}
		}
		return s.insertRecords(ctx, tx, recs)
	})
	if err != nil {
		return fmt.Errorf("insert %d records: %w", len(recs), err)
	}
	return nil
}

func (r *Sealed) check() error {
	if r.Record.ID == "" || len(r.Canonical) == 0 {
		return fmt.Errorf("%w: record %q without an ID or without canonical bytes", audit.ErrInvalid, r.Record.ID)
	}
	return checkTexts("record ID", r.Record.ID, "kind", string(r.Record.Kind), "source", r.Record.Source,
		"collection", r.Record.Collection, "digest", r.Record.Digest)
}

func (s *Store) insertRecords(ctx context.Context, tx *sql.Tx, recs []Sealed) error {
	first, err := next(ctx, tx, "insertion", len(recs))
	if err != nil {
		return err
	}
	n, err := recordInsert.run(ctx, tx, s.dialect, len(recs), func(args []any, i int) []any {
		r := &recs[i].Record
		return append(args, r.ID, first+int64(i), string(r.Kind), r.Source, r.Collection,
			micros(r.About.From), micros(r.About.To), micros(r.Collected), micros(r.Recorded),
			r.Digest, r.Size, recs[i].Commitment[:], recs[i].Salt[:], recs[i].Canonical)
	})
	if err != nil {
		return err
	}
	if n < int64(len(recs)) {
		if recs, err = onlyNew(ctx, tx, recs, first); err != nil {
			return err
		}
	}
	return s.insertBodies(ctx, tx, recs)
}

// onlyNew returns the records that this transaction inserted, and an error if
// one of the others is not the record that was there before.
func onlyNew(ctx context.Context, tx *sql.Tx, recs []Sealed, first int64) ([]Sealed, error) {
	type kept struct {
		inserted   int64
		commitment [32]byte
	}
	have := make(map[string]kept, len(recs))
	err := inList(ids(recs), func(list string, args []any) error {
		rows, err := tx.QueryContext(ctx, `select id, inserted, commitment from records where id in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		return scanAll(rows, func(r *sql.Rows) error {
			var id string
			var k kept
			err := r.Scan(&id, &k.inserted, hash32{&k.commitment})
			have[id] = k
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	var fresh []Sealed
	for i, r := range recs {
		k := have[r.Record.ID]
		if k.commitment != r.Commitment {
			return nil, fmt.Errorf("%w: record %s exists with another commitment", audit.ErrConflict, r.Record.ID)
		}
		if k.inserted == first+int64(i) {
			fresh = append(fresh, r)
		}
	}
	return fresh, nil
}

func ids(recs []Sealed) []string {
	out := make([]string, len(recs))
	for i := range recs {
		out[i] = recs[i].Record.ID
	}
	return out
}

func (s *Store) insertBodies(ctx context.Context, tx *sql.Tx, recs []Sealed) error {
	var with []*Sealed
	for i := range recs {
		if recs[i].Body != nil {
			with = append(with, &recs[i])
		}
	}
	_, err := bodyInsert.run(ctx, tx, s.dialect, len(with), func(args []any, i int) []any {
		return append(args, with[i].Record.ID, packer.EncodeAll(with[i].Body, nil))
	})
	return err
}

const recordColumns = `id, idx, kind, source, collection, about_from, about_to, collected, recorded, digest, size, canonical`

// scanRecord reads recordColumns. The record comes from its canonical bytes,
// and columns that say anything else are audit.ErrAltered: records are found by
// them. Of an erased one only what the columns keep is left, and no digest.
func scanRecord(scan func(...any) error) (audit.Record, error) {
	var r audit.Record
	var idx sql.NullInt64
	var digest sql.NullString
	var from, to, collected, recorded int64
	var canonical []byte
	err := scan(&r.ID, &idx, &r.Kind, &r.Source, &r.Collection, &from, &to, &collected, &recorded, &digest, &r.Size, &canonical)
	if err != nil {
		return r, err
	}
	if canonical == nil {
		r.About = audit.Span{From: instant(from), To: instant(to)}
		r.Collected, r.Recorded, r.Digest = instant(collected), instant(recorded), digest.String
	}
	name := r.ID
	r.Index = audit.Unsequenced
	if idx.Valid {
		r.Index = idx.Int64
		name = r.Ref() + " (" + r.ID + ")"
	}
	if canonical == nil {
		return r, nil
	}
	c := audit.Record{Index: r.Index}
	if err := json.Unmarshal(canonical, &c); err != nil {
		return r, fmt.Errorf("%w: record %s in the store: %w", audit.ErrAltered, name, err)
	}
	same := c.ID == r.ID && c.Kind == r.Kind && c.Source == r.Source && c.Collection == r.Collection &&
		micros(c.About.From) == from && micros(c.About.To) == to && micros(c.Collected) == collected &&
		micros(c.Recorded) == recorded && c.Digest == digest.String && c.Size == r.Size
	if !same {
		return c, fmt.Errorf("%w: record %s in the store: its columns are not what was sealed", audit.ErrAltered, name)
	}
	return c, nil
}

// Record returns the record at a place in the log, or audit.ErrNotFound. Of
// an erased record only ID, kind, source, collection, times and index are
// left; its Digest is "".
func (s *Store) Record(ctx context.Context, index int64) (audit.Record, error) {
	row := s.reader.QueryRowContext(ctx, `select `+recordColumns+` from records where idx = $1`, index)
	r, err := scanRecord(row.Scan)
	return r, found(err, "record %s", audit.EvidenceRef(index))
}

// RecordByID returns a record, sequenced or not, or audit.ErrNotFound.
func (s *Store) RecordByID(ctx context.Context, id string) (audit.Record, error) {
	row := s.reader.QueryRowContext(ctx, `select `+recordColumns+` from records where id = $1`, id)
	r, err := scanRecord(row.Scan)
	return r, found(err, "record %q", id)
}

// Indexes returns the places in the log of the records with these IDs. What is
// missing from the answer is no record, or one that has no place yet.
func (s *Store) Indexes(ctx context.Context, ids []string) (map[string]int64, error) {
	out := make(map[string]int64, len(ids))
	err := inList(ids, func(list string, args []any) error {
		return s.eachRow(ctx, func(r *sql.Rows) error {
			var id string
			var idx int64
			err := r.Scan(&id, &idx)
			out[id] = idx
			return err
		}, `select id, idx from records where idx is not null and id in (`+list+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("indexes of %d records: %w", len(ids), err)
	}
	return out, nil
}

// Newest is the highest log index of the records of these kinds, or
// audit.Unsequenced where there is none.
func (s *Store) Newest(ctx context.Context, kinds ...audit.RecordKind) (int64, error) {
	newest := audit.Unsequenced
	for _, k := range kinds {
		var idx int64
		err := s.reader.QueryRowContext(ctx, `select coalesce(max(idx), -1) from records where kind = $1 and idx is not null`, string(k)).Scan(&idx)
		if err != nil {
			return 0, fmt.Errorf("newest record of kind %s: %w", k, err)
		}
		newest = max(newest, idx)
	}
	return newest, nil
}

// A RecordFilter chooses records. Empty fields choose all.
type RecordFilter struct {
	Kind       audit.RecordKind
	Source     string
	Collection string
	From, To   int64      // log indexes, half-open; To 0 is open
	About      audit.Span // records whose About has an instant in common with it; the empty span is all
}

func (f RecordFilter) where() (string, []any) {
	var conds []string
	var args []any
	and := func(cond string, v any) {
		args = append(args, v)
		conds = append(conds, cond+"$"+strconv.Itoa(len(args)))
	}
	and("idx >= ", f.From)
	if f.To > 0 {
		and("idx < ", f.To)
	}
	if f.Kind != "" {
		and("kind = ", string(f.Kind))
	}
	if f.Source != "" {
		and("source = ", f.Source)
	}
	if f.Collection != "" {
		and("collection = ", f.Collection)
	}
	if !f.About.Empty() {
		and("about_to > ", micros(f.About.From))
		and("about_from < ", micros(f.About.To))
	}
	return strings.Join(conds, " and "), args
}

// recordsPage is how many records Records reads at once. No connection is
// held while yield runs, so yield may call the store.
const recordsPage = 500

// Records calls yield with every sequenced record the filter chooses, in the
// order of the log, and stops at yield's first error. Records that are
// appended meanwhile may or may not come.
func (s *Store) Records(ctx context.Context, f RecordFilter, yield func(audit.Record) error) error {
	for {
		page, err := s.recordsPage(ctx, f)
		if err != nil {
			return fmt.Errorf("list records: %w", err)
		}
		for _, r := range page {
			if err := yield(r); err != nil {
				return err
			}
		}
		if len(page) < recordsPage {
			return nil
		}
		f.From = page[len(page)-1].Index + 1
	}
}

func (s *Store) recordsPage(ctx context.Context, f RecordFilter) (page []audit.Record, err error) {
	where, args := f.where()
	query := `select ` + recordColumns + ` from records where ` + where + ` order by idx limit ` + strconv.Itoa(recordsPage)
	err = s.eachRow(ctx, func(rows *sql.Rows) error {
		r, err := scanRecord(rows.Scan)
		page = append(page, r)
		return err
	}, query, args...)
	return page, err
}

// Canonical returns the bytes and the salt that the leaf at index commits to.
// Of an erased record they are gone: erased is true and both are empty.
func (s *Store) Canonical(ctx context.Context, index int64) (canonical []byte, salt [32]byte, erased bool, err error) {
	var raw []byte
	row := s.reader.QueryRowContext(ctx, `select canonical, salt from records where idx = $1`, index)
	if err := found(row.Scan(&canonical, &raw), "record %s", audit.EvidenceRef(index)); err != nil {
		return nil, salt, false, err
	}
	if canonical == nil {
		return nil, salt, true, nil
	}
	return canonical, salt, false, hash32{&salt}.Scan(raw)
}

// Body returns a record's raw bytes if they are kept in the store;
// audit.ErrNotFound if they are in the blob store or erased.
func (s *Store) Body(ctx context.Context, id string) ([]byte, error) {
	var packed []byte
	err := s.reader.QueryRowContext(ctx, `select data from bodies where record = $1`, id).Scan(&packed)
	if err != nil {
		return nil, found(err, "body of record %q", id)
	}
	body, err := unpacker.DecodeAll(packed, []byte{})
	if err != nil {
		return nil, fmt.Errorf("%w: body of record %q: %w", audit.ErrAltered, id, err)
	}
	return body, nil
}

// CountDigest returns how many records have these raw bytes, wherever they are kept.
func (s *Store) CountDigest(ctx context.Context, digest string) (n int, err error) {
	err = s.reader.QueryRowContext(ctx, `select count(*) from records where digest = $1`, digest).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count records of %s: %w", digest, err)
	}
	return n, nil
}

// Erase takes a sequenced record's content out of the store: its canonical
// bytes, salt, digest and body. Its commitment and index stay, so the log
// stays whole. It returns the digest of the raw bytes, "" if the record was
// erased before. Where no other record has them, DoomedBlobs lists that digest
// from the same transaction on, until the caller has deleted the blob and says
// so by ForgetBlob: a crash between the two loses nothing. The timeline's
// cache may still hold normalized items: drop its streams and rebuild.
func (s *Store) Erase(ctx context.Context, index int64) (digest string, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		digest, err = eraseRecord(ctx, tx, index)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("erase %s: %w", audit.EvidenceRef(index), err)
	}
	if s.dialect.AfterErase == nil {
		return digest, nil
	}
	if err := s.dialect.AfterErase(ctx, s.writer); err != nil {
		return digest, fmt.Errorf("erase %s: it is erased from the store, not yet from its side files; erase it again: %w", audit.EvidenceRef(index), err)
	}
	return digest, nil
}

func eraseRecord(ctx context.Context, tx *sql.Tx, index int64) (string, error) {
	var id string
	var digest sql.NullString
	err := tx.QueryRowContext(ctx, `select id, digest from records where idx = $1`, index).Scan(&id, &digest)
	if err != nil {
		return "", found(err, "record %s", audit.EvidenceRef(index))
	}
	for _, stmt := range []string{
		`update records set canonical = null, salt = null, digest = null, size = 0 where id = $1`,
		`delete from bodies where record = $1`,
	} {
		if _, err := tx.ExecContext(ctx, stmt, id); err != nil {
			return "", err
		}
	}
	if digest.String == "" {
		return "", nil
	}
	_, err = tx.ExecContext(ctx, `insert into doomed_blobs (digest) values ($1) on conflict (digest) do nothing`, digest.String)
	return digest.String, err
}

// DoomedBlobs lists the digests whose blobs are to be deleted: a record with
// them was erased and no record has them any more.
func (s *Store) DoomedBlobs(ctx context.Context) (digests []string, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var d string
		err := r.Scan(&d)
		digests = append(digests, d)
		return err
	}, `select digest from doomed_blobs d where not exists (select 1 from records r where r.digest = d.digest) order by digest`)
	if err != nil {
		return nil, fmt.Errorf("list doomed blobs: %w", err)
	}
	return digests, nil
}

// ForgetBlob says that a doomed blob is deleted. Calling again is safe.
func (s *Store) ForgetBlob(ctx context.Context, digest string) error {
	if _, err := s.writer.ExecContext(ctx, `delete from doomed_blobs where digest = $1`, digest); err != nil {
		return fmt.Errorf("forget blob %s: %w", digest, err)
	}
	return nil
}
