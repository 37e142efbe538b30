package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"tieout/audit"
)

// A table is what a copy of a store has to carry. Only the SQL schema knows
// more about it.
type table struct{ name, columns, order string }

// tables are all tables in an order that their references allow.
var tables = []table{
	{"counters", "name, n", "name"},
	{"records", "id, inserted, idx, kind, source, collection, about_from, about_to, collected, recorded, digest, size, commitment, salt, canonical", "inserted"},
	{"bodies", "record, data", "record"},
	{"doomed_blobs", "digest", "digest"},
	{"log_state", "id, fence, holder, heads, hashes", "id"},
	{"log_heads", "n, epoch, size, root, note", "n"},
	{"log_hashes", "id, hash", "id"},
	{"cosignatures", "size, name, signature", "size, name"},
	{"collections", "id, source, started, ended, complete, record, end_record, body, end_body", "id"},
	{"cursors", "collection, stream, resume_at", "collection, stream"},
	{"streams", "id, source, scope, type, mode, segments", "id"},
	{"coverage", "stream, kind, from_at, to_at, record, reason", "stream, kind, from_at, to_at, record"},
	{"segments", "stream, n, versions, raw_size, data", "stream, n"},
	{"definitions", "hash, canonical", "hash"},
	{"revisions", "n, hash, applied, actor_kind, actor_name, record", "n"},
	{"runs", "id, as_of, started, definition, record", "id"},
	{"run_results", "run, procedure, digest", "run, procedure"},
	{"decisions", "id, ref, disposition, cause, response, why, actor_kind, actor_name, decided, record", "id"},
	{"meta", "name, value", "name"},
	{"leases", "name, holder, expires, token", "name"},
	{"accounts", "id, email, name, status, created, password, otp, otp_active, otp_step, rights, version", "id"},
	{"account_grants", "account, role, scope, object, via", "account, role, scope, object"},
	{"recovery_codes", "account, hash", "account, hash"},
	{"invitations", "hash, account, expires, factors", "hash"},
	{"sessions", "hash, id, account, pending, method, signed_in, created, used, expires, rights, address, agent", "id"},
	{"api_tokens", "id, hash, account, name, permissions, created, expires, used", "id"},
	{"attempts", "subject, failures, at, blocked", "subject"},
	{"passkeys", "id, account, name, credential, created, used, version", "id"},
	{"challenges", "hash, sealed, expires", "hash"},
	{"identities", "issuer, subject, account, linked", "issuer, subject"},
	{"directory_users", "account, user_name, external_id, given, family, changed, gone", "account"},
	{"directory_groups", "id, name, external_id, created, changed, version", "id"},
	{"directory_members", "in_group, account", "in_group, account"},
	{"activities", "n, id, at, canonical, record", "n"},
	{"jobs", "id, kind, unique_key, payload, state, run_after, attempts, max_attempts, holder, expires, token, by_account, by_name, schedule, created, started, begun, ended, cancel, cancel_by, result, outcome, error", "id"},
	{"job_parts", "job, n, name, stream, state, done, total, reason", "job, n"},
	{"schedules", "name, kind, unique_key, payload, max_attempts, every, at, zone, next_run, last_run, last_job", "name"},
}

// Backup writes the whole store, as it is at one instant, to a new file while
// others go on reading and writing. Whatever the engine, the file is a SQLite
// store of the same schema: it can be opened as one, and Restore reads it into
// either engine. The file appears only when it is whole and durable. Blobs are
// not in it. A file that is there already is audit.ErrConflict.
func (s *Store) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backup: %w: %s exists already", audit.ErrConflict, path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".backup-")
	if err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	temp := filepath.Join(dir, "store.db")
	err = s.backupInto(ctx, temp)
	if err == nil {
		err = publish(temp, path)
	}
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return fmt.Errorf("backup to %s: %w", path, err)
	}
	return nil
}

func (s *Store) backupInto(ctx context.Context, path string) error {
	if s.dialect.BackupInto != nil {
		return s.dialect.BackupInto(ctx, path)
	}
	to, err := s.dialect.OpenFile(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(copyAll(ctx, s, to), to.Close())
}

// publish makes a finished file durable under its name.
func publish(temp, path string) error {
	f, err := os.OpenFile(temp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(temp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Restore reads a backup into this store, which has to be empty: all or
// nothing. The backup is not changed; one made under an older schema is
// brought up on the way. The log goes on where the backup ends: if a
// checkpoint beyond that was published, going on would fork the log, so start
// a new epoch then.
func (s *Store) Restore(ctx context.Context, path string) error {
	dir, err := os.MkdirTemp("", "tieout-restore-")
	if err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	err = s.restoreCopy(ctx, path, filepath.Join(dir, "store.db"))
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return fmt.Errorf("restore %s: %w", path, err)
	}
	return nil
}

func (s *Store) restoreCopy(ctx context.Context, path, temp string) (err error) {
	if err := copyFile(path, temp); err != nil {
		return err
	}
	from, err := s.dialect.OpenFile(ctx, temp)
	if err != nil {
		return err
	}
	return errors.Join(copyAll(ctx, from, s), from.Close())
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

// copyAll copies every row of from, as of one instant, into to, in one
// transaction.
func copyAll(ctx context.Context, from, to *Store) error {
	src, err := from.reader.BeginTx(ctx, &sql.TxOptions{Isolation: from.dialect.Snapshot, ReadOnly: true})
	if err != nil {
		return err
	}
	defer src.Rollback()
	return to.inTx(ctx, func(dst *sql.Tx) error {
		if err := refuseFull(ctx, dst); err != nil {
			return err
		}
		for _, t := range tables {
			if err := copyTable(ctx, src, dst, to.dialect, t); err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
		}
		return nil
	})
}

// refuseFull makes sure that nothing has ever been written, and makes room for
// the few rows a new schema has.
func refuseFull(ctx context.Context, tx *sql.Tx) error {
	for _, t := range tables {
		if t.name == "counters" || t.name == "log_state" {
			if _, err := tx.ExecContext(ctx, `delete from `+t.name); err != nil {
				return err
			}
			continue
		}
		var n int
		if err := tx.QueryRowContext(ctx, `select count(*) from (select 1 from `+t.name+` limit 1) x`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: the store is not empty: there are %s", audit.ErrConflict, t.name)
		}
	}
	return nil
}

// nullable are the columns that may be NULL. Elsewhere a nil from a driver is
// an empty value: SQLite's gives nil for a blob of no bytes.
var nullable = map[string]bool{"idx": true, "digest": true, "salt": true, "canonical": true, "end_body": true}

// copyBatch bounds the bytes that are in memory at once.
const copyBatch = 4 << 20

func copyTable(ctx context.Context, src, dst *sql.Tx, d Dialect, t table) error {
	b := insertInto(t.name, t.columns, "")
	cols := strings.Split(t.columns, ", ")
	var batch [][]any
	size := 0
	flush := func() error {
		_, err := b.run(ctx, dst, d, len(batch), func(args []any, i int) []any { return append(args, batch[i]...) })
		batch, size = batch[:0], 0
		return err
	}
	rows, err := src.QueryContext(ctx, `select `+t.columns+` from `+t.name+` order by `+t.order)
	if err != nil {
		return err
	}
	err = scanAll(rows, func(r *sql.Rows) error {
		row, n, err := scanAny(r, cols)
		batch = append(batch, row)
		if size += n; err != nil || size < copyBatch && len(batch) < 5000 {
			return err
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// scanAny reads a row of any types, and how many bytes it has.
func scanAny(r *sql.Rows, cols []string) ([]any, int, error) {
	row := make([]any, len(cols))
	at := make([]any, len(cols))
	for i := range row {
		at[i] = &row[i]
	}
	if err := r.Scan(at...); err != nil {
		return nil, 0, err
	}
	n := 16 * len(cols)
	for i, v := range row {
		switch v := v.(type) {
		case []byte:
			row[i] = append([]byte{}, v...)
			if v == nil && nullable[cols[i]] {
				row[i] = nil
			}
			n += len(v)
		case string:
			n += len(v)
		}
	}
	return row, n, nil
}

// syncDir makes a new name in dir survive a crash. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
