package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A SavedCollection is a collection, how it ended, and the log indexes of both.
type SavedCollection struct {
	audit.Collection
	Record    int64                // of its RecordCollection, or audit.Unsequenced
	End       *audit.CollectionEnd // nil while it is unfinished
	EndRecord int64                // of its RecordEnd, or audit.Unsequenced
}

// SaveCollection keeps a collection that was opened. Calling again with the
// same collection is safe and may give a record that was not known before; one
// with another content under the same ID is audit.ErrConflict.
func (s *Store) SaveCollection(ctx context.Context, c audit.Collection, record int64) error {
	if err := checkTexts("collection ID", c.ID, "source", c.Source); err != nil {
		return fmt.Errorf("save collection: %w", err)
	}
	body, err := canonical.Marshal(c)
	if err != nil {
		return fmt.Errorf("save collection %s: %w: %w", c.ID, audit.ErrInvalid, err)
	}
	res, err := s.writer.ExecContext(ctx, `insert into collections (id, source, started, ended, complete, record, end_record, body)
		values ($1, $2, $3, 0, 0, $4, $5, $6) on conflict (id) do update set record = excluded.record
		where collections.body = excluded.body`, c.ID, c.Source, micros(c.Started), record, audit.Unsequenced, body)
	return changedOne(res, err, "save collection "+c.ID, "it exists with another content")
}

// EndCollection keeps how a collection ended and drops its cursors.
// audit.ErrConflict if there is no such collection, or it has ended otherwise.
func (s *Store) EndCollection(ctx context.Context, e audit.CollectionEnd, record int64) error {
	body, err := canonical.Marshal(e)
	if err != nil {
		return fmt.Errorf("end collection %s: %w: %w", e.ID, audit.ErrInvalid, err)
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `update collections set ended = 1, complete = $1, end_record = $2, end_body = $3
			where id = $4 and (end_body is null or end_body = $3)`, bit(e.Complete), record, body, e.ID)
		if err := changedOne(res, err, "end collection "+e.ID, "there is none, or it has ended otherwise"); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `delete from cursors where collection = $1`, e.ID)
		return err
	})
}

// changedOne turns "no row was written" into audit.ErrConflict.
func changedOne(res sql.Result, err error, what, otherwise string) error {
	var n int64
	if err == nil {
		n, err = res.RowsAffected()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if n != 1 {
		return fmt.Errorf("%s: %w: %s", what, audit.ErrConflict, otherwise)
	}
	return nil
}

const collectionQuery = `select record, end_record, body, end_body from collections `

func scanCollection(scan func(...any) error) (c SavedCollection, err error) {
	var body, end []byte
	if err := scan(&c.Record, &c.EndRecord, &body, &end); err != nil {
		return c, err
	}
	err = json.Unmarshal(body, &c.Collection)
	if err == nil && end != nil {
		c.End = new(audit.CollectionEnd)
		err = json.Unmarshal(end, c.End)
	}
	if err != nil {
		return c, fmt.Errorf("%w: collection in the store: %w", audit.ErrAltered, err)
	}
	return c, nil
}

// Collection returns a collection, or audit.ErrNotFound.
func (s *Store) Collection(ctx context.Context, id string) (SavedCollection, error) {
	c, err := scanCollection(s.reader.QueryRowContext(ctx, collectionQuery+`where id = $1`, id).Scan)
	return c, found(err, "collection %q", id)
}

// NewestComplete returns the source's collection that started last of those
// that ended with every stream complete, or audit.ErrNotFound.
func (s *Store) NewestComplete(ctx context.Context, source string) (SavedCollection, error) {
	c, err := scanCollection(s.reader.QueryRowContext(ctx, collectionQuery+`where source = $1 and complete = 1 order by started desc, id desc limit 1`, source).Scan)
	return c, found(err, "complete collection of %q", source)
}

// Collections returns the collections of a source, "" for all, in the order
// they started.
func (s *Store) Collections(ctx context.Context, source string) ([]SavedCollection, error) {
	return s.collections(ctx, `where $1 = '' or source = $1 order by started, id`, source)
}

// Unfinished returns the collections that have not ended, in the order they
// started. After a crash they are what Cursors can resume.
func (s *Store) Unfinished(ctx context.Context, source string) ([]SavedCollection, error) {
	return s.collections(ctx, `where ($1 = '' or source = $1) and ended = 0 order by started, id`, source)
}

func (s *Store) collections(ctx context.Context, where string, args ...any) (out []SavedCollection, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		c, err := scanCollection(r.Scan)
		out = append(out, c)
		return err
	}, collectionQuery+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list collections: %w", err)
	}
	return out, nil
}

// SaveCursor keeps where a stream of an unfinished collection goes on.
func (s *Store) SaveCursor(ctx context.Context, collection, stream, cursor string) error {
	if err := checkTexts("collection ID", collection, "stream", stream); err != nil {
		return fmt.Errorf("save cursor: %w", err)
	}
	_, err := s.writer.ExecContext(ctx, `insert into cursors (collection, stream, resume_at) values ($1, $2, $3)
		on conflict (collection, stream) do update set resume_at = excluded.resume_at`, collection, stream, []byte(cursor))
	if err != nil {
		return fmt.Errorf("save cursor of %s: %w", collection, err)
	}
	return nil
}

// Cursors returns where the streams of an unfinished collection go on, by
// stream; empty if there is nothing to resume. It fits audit.Window.Since.
func (s *Store) Cursors(ctx context.Context, collection string) (map[string]string, error) {
	out := map[string]string{}
	err := s.eachRow(ctx, func(r *sql.Rows) error {
		var stream string
		var cursor []byte
		err := r.Scan(&stream, &cursor)
		out[stream] = string(cursor)
		return err
	}, `select stream, resume_at from cursors where collection = $1`, collection)
	if err != nil {
		return nil, fmt.Errorf("read cursors of %s: %w", collection, err)
	}
	return out, nil
}
