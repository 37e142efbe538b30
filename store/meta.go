package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
)

// SetMeta keeps one small value by name, in place of the one before.
func (s *Store) SetMeta(ctx context.Context, name, value string) error {
	if err := checkText("name", name); err != nil {
		return fmt.Errorf("set meta: %w", err)
	}
	_, err := s.writer.ExecContext(ctx, `insert into meta (name, value) values ($1, $2)
		on conflict (name) do update set value = excluded.value`, name, []byte(value))
	if err != nil {
		return fmt.Errorf("set meta %s: %w", name, err)
	}
	return nil
}

// Meta returns the value of that name, or audit.ErrNotFound.
func (s *Store) Meta(ctx context.Context, name string) (string, error) {
	var value []byte
	err := s.reader.QueryRowContext(ctx, `select value from meta where name = $1`, name).Scan(&value)
	return string(value), found(err, "meta %q", name)
}

// A Lease is a lock that ends by itself.
type Lease struct {
	Name    string
	Holder  string
	Expires time.Time // by the store's clock
	Token   int64     // grows each time the lock changes hands
}

// Lock gives holder the lock of that name for ttl, by the store's clock; a
// holder that has it keeps it that much longer under the same token. While
// another has it the error is audit.ErrConflict and says who and until when.
// Of several processes asking at once, one gets it.
func (s *Store) Lock(ctx context.Context, name, holder string, ttl time.Duration) (Lease, error) {
	if err := checkTexts("lock", name, "holder", holder); err != nil {
		return Lease{}, fmt.Errorf("lock: %w", err)
	}
	var expires, token int64
	err := s.writer.QueryRowContext(ctx, `insert into leases (name, holder, expires, token)
		values ($1, $2, `+s.dialect.Now+` + $3, 1)
		on conflict (name) do update set holder = excluded.holder, expires = excluded.expires,
		token = leases.token + case when leases.holder = excluded.holder and leases.expires > `+s.dialect.Now+` then 0 else 1 end
		where leases.holder = excluded.holder or leases.expires <= `+s.dialect.Now+`
		returning expires, token`, name, holder, ttl.Microseconds()).Scan(&expires, &token)
	if errors.Is(err, sql.ErrNoRows) {
		return Lease{}, s.held(ctx, name)
	}
	if err != nil {
		return Lease{}, fmt.Errorf("lock %s: %w", name, err)
	}
	return Lease{name, holder, instant(expires), token}, nil
}

func (s *Store) held(ctx context.Context, name string) error {
	var holder string
	var expires int64
	err := s.reader.QueryRowContext(ctx, `select holder, expires from leases where name = $1`, name).Scan(&holder, &expires)
	if err != nil {
		return fmt.Errorf("%w: lock %s is held", audit.ErrConflict, name)
	}
	return fmt.Errorf("%w: lock %s is held by %s until %s", audit.ErrConflict, name, holder, audit.FormatTime(instant(expires)))
}

// ErrNotHeld: the lease has ended, or the lock has changed hands.
var ErrNotHeld = fmt.Errorf("%w: the lock is not held any more", audit.ErrConflict)

// hold keeps a lock from changing hands until the transaction ends, if the
// lease is in force.
func (s *Store) hold(ctx context.Context, tx *sql.Tx, l Lease) error {
	res, err := tx.ExecContext(ctx, `update leases set token = token where name = $1 and holder = $2 and token = $3 and expires > `+s.dialect.Now,
		l.Name, l.Holder, l.Token)
	if err != nil {
		return fmt.Errorf("lock %s: %w", l.Name, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return fmt.Errorf("%w: %s", ErrNotHeld, l.Name)
}

// Unlock gives a lock back if the lease is still the one in force; a lease
// that has ended or changed hands is left alone. The token goes on counting.
func (s *Store) Unlock(ctx context.Context, l Lease) error {
	_, err := s.writer.ExecContext(ctx, `update leases set expires = 0 where name = $1 and holder = $2 and token = $3`, l.Name, l.Holder, l.Token)
	if err != nil {
		return fmt.Errorf("unlock %s: %w", l.Name, err)
	}
	return nil
}
