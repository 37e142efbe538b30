package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tieout/audit"
)

// A Leaf is a record as the log sees it.
type Leaf struct {
	ID         string
	Commitment [32]byte
}

// A Head is a state of the log. The zero Head is the empty log.
type Head struct {
	Epoch int64
	Size  int64 // leaves
	Root  [32]byte
	Note  []byte // signed checkpoint
}

func (h Head) equal(o Head) bool {
	return h.Epoch == o.Epoch && h.Size == o.Size && h.Root == o.Root && string(h.Note) == string(o.Note)
}

// A Batch is one step of the log: leaves that get the indexes from Prev.Size
// on, the tree's new hashes from number FirstHash on, and the new head.
type Batch struct {
	Prev, Head Head
	Leaves     []Leaf
	Hashes     [][32]byte
	FirstHash  int64
}

// fencedError says that another sequencer has taken over.
type fencedError struct{ fence int64 }

func (e fencedError) Error() string {
	return fmt.Sprintf("conflict: fence %d is not the newest; another sequencer has taken over", e.fence)
}
func (fencedError) Fenced() bool  { return true }
func (fencedError) Unwrap() error { return audit.ErrConflict }

// movedError says that the log's head is not the one a batch builds on.
type movedError struct{ want, got int64 }

func (e movedError) Error() string {
	return fmt.Sprintf("conflict: the log's head has size %d, the batch builds on size %d with another root, note or size", e.got, e.want)
}
func (movedError) Moved() bool   { return true }
func (movedError) Unwrap() error { return audit.ErrConflict }

// Fence makes holder the sequencer: the token it returns is higher than every
// earlier one, and Commit refuses all earlier ones from here on.
func (s *Store) Fence(ctx context.Context, holder string) (fence int64, err error) {
	if err := checkText("holder", holder); err != nil {
		return 0, fmt.Errorf("fence: %w", err)
	}
	err = s.writer.QueryRowContext(ctx, `update log_state set fence = fence + 1, holder = $1 where id = 1 returning fence`, holder).Scan(&fence)
	if err != nil {
		return 0, fmt.Errorf("fence: %w", err)
	}
	return fence, nil
}

const headColumns = `select epoch, size, root, note from log_heads `

func scanHead(row *sql.Row) (h Head, err error) {
	err = row.Scan(&h.Epoch, &h.Size, hash32{&h.Root}, &h.Note)
	return h, err
}

// Head returns the newest head; the zero Head while the log is empty.
func (s *Store) Head(ctx context.Context) (Head, error) {
	h, err := newestHead(s.reader.QueryRowContext(ctx, headColumns+`order by n desc limit 1`))
	if err != nil {
		return Head{}, fmt.Errorf("read log head: %w", err)
	}
	return h, nil
}

func newestHead(row *sql.Row) (Head, error) {
	h, err := scanHead(row)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, nil
	}
	return h, err
}

// HeadAt returns the newest head of that size, or audit.ErrNotFound.
func (s *Store) HeadAt(ctx context.Context, size int64) (Head, error) {
	h, err := scanHead(s.reader.QueryRowContext(ctx, headColumns+`where size = $1 order by n desc limit 1`, size))
	return h, found(err, "log head of size %d", size)
}

// Pending returns up to limit records that have no place in the log yet, in
// the order they were inserted.
func (s *Store) Pending(ctx context.Context, limit int) (leaves []Leaf, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var l Leaf
		err := r.Scan(&l.ID, hash32{&l.Commitment})
		leaves = append(leaves, l)
		return err
	}, `select id, commitment from records where idx is null order by inserted limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("read pending records: %w", err)
	}
	return leaves, nil
}

// ReadHashes returns the tree's hashes by number, in the order of ids;
// audit.ErrNotFound if one is not there.
func (s *Store) ReadHashes(ctx context.Context, ids []int64) ([][32]byte, error) {
	have := make(map[int64][32]byte, len(ids))
	err := inList(ids, func(list string, args []any) error {
		return s.eachRow(ctx, func(r *sql.Rows) error {
			var id int64
			var h [32]byte
			err := r.Scan(&id, hash32{&h})
			have[id] = h
			return err
		}, `select id, hash from log_hashes where id in (`+list+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read log hashes: %w", err)
	}
	out := make([][32]byte, len(ids))
	for i, id := range ids {
		h, ok := have[id]
		if !ok {
			return nil, fmt.Errorf("%w: log hash %d", audit.ErrNotFound, id)
		}
		out[i] = h
	}
	return out, nil
}

var (
	hashInsert = insertInto("log_hashes", "id, hash", "")
	indexBulk  = bulk{
		Head:  "with t(id, idx) as (values ",
		Types: "text bigint",
		Cols:  2,
		Tail:  `) update records set idx = t.idx from t where records.id = t.id and records.idx is null`,
	}
)

// Commit gives the batch's leaves their indexes and keeps hashes and head, all
// or none. It fails with an error that has Fenced() bool when a higher fence
// was given out, and Moved() bool when the head is not b.Prev; both are
// audit.ErrConflict too. After any other error the caller has to read Head:
// the batch may have been kept.
func (s *Store) Commit(ctx context.Context, fence int64, b Batch) error {
	if b.Head.Size != b.Prev.Size+int64(len(b.Leaves)) {
		return fmt.Errorf("%w: log batch from size %d to %d has %d leaves", audit.ErrInvalid, b.Prev.Size, b.Head.Size, len(b.Leaves))
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		n, err := holdLog(ctx, tx, fence, b)
		if err != nil {
			return err
		}
		return s.commitBatch(ctx, tx, n, b)
	})
	if err != nil {
		return fmt.Errorf("commit log batch to size %d: %w", b.Head.Size, err)
	}
	return nil
}

// holdLog locks the log's state until the transaction ends, checks that the
// batch may go in and returns the number of its head.
func holdLog(ctx context.Context, tx *sql.Tx, fence int64, b Batch) (n int64, err error) {
	var newest, hashes int64
	err = tx.QueryRowContext(ctx, `update log_state set heads = heads + 1, hashes = hashes + $1 where id = 1 returning fence, heads, hashes`,
		int64(len(b.Hashes))).Scan(&newest, &n, &hashes)
	if err != nil {
		return 0, err
	}
	if newest != fence {
		return 0, fencedError{fence}
	}
	head, err := newestHead(tx.QueryRowContext(ctx, headColumns+`order by n desc limit 1`))
	if err != nil {
		return 0, err
	}
	if !head.equal(b.Prev) {
		return 0, movedError{want: b.Prev.Size, got: head.Size}
	}
	if hashes != b.FirstHash+int64(len(b.Hashes)) {
		return 0, fmt.Errorf("%w: the log has %d hashes, the batch starts at number %d", audit.ErrInvalid, hashes-int64(len(b.Hashes)), b.FirstHash)
	}
	return n, nil
}

func (s *Store) commitBatch(ctx context.Context, tx *sql.Tx, n int64, b Batch) error {
	if err := checkLeaves(ctx, tx, b.Leaves); err != nil {
		return err
	}
	k, err := indexBulk.run(ctx, tx, s.dialect, len(b.Leaves), func(args []any, i int) []any {
		return append(args, b.Leaves[i].ID, b.Prev.Size+int64(i))
	})
	if err != nil {
		return fmt.Errorf("number leaves: %w", err)
	}
	if k != int64(len(b.Leaves)) {
		return fmt.Errorf("%w: %d of %d leaves are not pending records", audit.ErrConflict, int64(len(b.Leaves))-k, len(b.Leaves))
	}
	_, err = hashInsert.run(ctx, tx, s.dialect, len(b.Hashes), func(args []any, i int) []any {
		return append(args, b.FirstHash+int64(i), b.Hashes[i][:])
	})
	if err != nil {
		return fmt.Errorf("keep hashes: %w", err)
	}
	note := b.Head.Note
	if note == nil {
		note = []byte{}
	}
	_, err = tx.ExecContext(ctx, `insert into log_heads (n, epoch, size, root, note) values ($1, $2, $3, $4, $5)`,
		n, b.Head.Epoch, b.Head.Size, b.Head.Root[:], note)
	return err
}

// checkLeaves makes sure that every leaf is a record with that commitment.
func checkLeaves(ctx context.Context, tx *sql.Tx, leaves []Leaf) error {
	names := make([]string, len(leaves))
	for i, l := range leaves {
		names[i] = l.ID
	}
	have := make(map[string][32]byte, len(leaves))
	err := inList(names, func(list string, args []any) error {
		rows, err := tx.QueryContext(ctx, `select id, commitment from records where id in (`+list+`)`, args...)
		if err != nil {
			return err
		}
		return scanAll(rows, func(r *sql.Rows) error {
			var id string
			var c [32]byte
			err := r.Scan(&id, hash32{&c})
			have[id] = c
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, l := range leaves {
		if c, ok := have[l.ID]; !ok || c != l.Commitment {
			return fmt.Errorf("%w: leaf %s is not a record with that commitment", audit.ErrConflict, l.ID)
		}
	}
	return nil
}

// Cosign keeps a witness's signature of the head of that size; a second one
// by the same name takes the first one's place.
func (s *Store) Cosign(ctx context.Context, size int64, name string, sig []byte) error {
	if err := checkText("witness", name); err != nil {
		return fmt.Errorf("cosign: %w", err)
	}
	_, err := s.writer.ExecContext(ctx, `insert into cosignatures (size, name, signature) values ($1, $2, $3)
		on conflict (size, name) do update set signature = excluded.signature`, size, name, sig)
	if err != nil {
		return fmt.Errorf("cosign size %d: %w", size, err)
	}
	return nil
}

// Cosignatures returns the signatures of the head of that size by name.
func (s *Store) Cosignatures(ctx context.Context, size int64) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := s.eachRow(ctx, func(r *sql.Rows) error {
		var name string
		var sig []byte
		err := r.Scan(&name, &sig)
		out[name] = sig
		return err
	}, `select name, signature from cosignatures where size = $1`, size)
	if err != nil {
		return nil, fmt.Errorf("read cosignatures of size %d: %w", size, err)
	}
	return out, nil
}

// LeafRange returns the commitments of the leaves [from, to) in order, of
// erased records too; audit.ErrNotFound if the log is shorter than to.
func (s *Store) LeafRange(ctx context.Context, from, to int64) ([][32]byte, error) {
	out := make([][32]byte, 0, max(0, min(to-from, 1<<20)))
	err := s.eachRow(ctx, func(r *sql.Rows) error {
		var h [32]byte
		err := r.Scan(hash32{&h})
		out = append(out, h)
		return err
	}, `select commitment from records where idx >= $1 and idx < $2 order by idx`, from, to)
	if err != nil {
		return nil, fmt.Errorf("read leaves %d to %d: %w", from, to, err)
	}
	if int64(len(out)) != max(0, to-from) {
		return nil, fmt.Errorf("%w: leaves %d to %d; the store has %d of them", audit.ErrNotFound, from, to, len(out))
	}
	return out, nil
}
