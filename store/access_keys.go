package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// An Invitation lets whoever has its secret set an account's password once.
type Invitation struct {
	Hash    [32]byte // of the secret
	Account string
	Expires time.Time
	Factors bool // using it also removes the second factor and the recovery codes
}

// A Session is one browser that is signed in, or half way to it.
type Session struct {
	Hash     [32]byte // of the secret in the cookie
	ID       string   // how people and the log name it; no secret
	Account  string
	Pending  bool // the password was right, the second factor is still asked for
	Method   string
	SignedIn time.Time // when whoever it is last showed who they are
	Created  time.Time
	Used     time.Time
	Expires  time.Time // whatever is done with it
	Rights   int64     // the account's Rights when its secret was made
	Address  string
	Agent    string
}

// An APIToken lets a program act with a part of an account's rights.
type APIToken struct {
	ID          string // how people and the log name it; the visible beginning of the secret
	Hash        [32]byte
	Account     string
	Name        string
	Permissions string // IDs, separated by spaces
	Created     time.Time
	Expires     time.Time
	Used        time.Time // zero while it was not
}

func (c *AccessChange) saveInvitation(ctx context.Context, tx *sql.Tx) error {
	if h := c.UseInvitation; h != nil {
		res, err := tx.ExecContext(ctx, `delete from invitations where hash = $1`, h[:])
		if err := changedOne(res, err, "use invitation", "it was used, or a newer one was made"); err != nil {
			return err
		}
	}
	account := c.EndInvitations
	if c.Invite != nil {
		account = c.Invite.Account
	}
	if _, err := tx.ExecContext(ctx, `delete from invitations where account = $1`, account); err != nil {
		return err
	}
	if c.Invite == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `insert into invitations (hash, account, expires, factors) values ($1, $2, $3, $4)`,
		c.Invite.Hash[:], account, micros(c.Invite.Expires), bit(c.Invite.Factors))
	return err
}

func (c *AccessChange) saveSessions(ctx context.Context, tx *sql.Tx) error {
	if h := c.DropSession; h != nil {
		res, err := tx.ExecContext(ctx, `delete from sessions where hash = $1`, h[:])
		if err := changedOne(res, err, "end session", "it has ended or its secret was replaced"); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `delete from sessions where account = $1`, c.EndSessions); err != nil {
		return err
	}
	x := c.AddSession
	if x == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `insert into sessions (hash, id, account, pending, method, signed_in, created, used, expires, rights, address, agent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, x.Hash[:], x.ID, x.Account, bit(x.Pending), x.Method,
		micros(x.SignedIn), micros(x.Created), micros(x.Used), micros(x.Expires), x.Rights, x.Address, x.Agent)
	return err
}

func (c *AccessChange) saveTokens(ctx context.Context, tx *sql.Tx) error {
	if c.DropToken != "" {
		res, err := tx.ExecContext(ctx, `delete from api_tokens where id = $1`, c.DropToken)
		if err := changedOne(res, err, "revoke token "+c.DropToken, "there is none"); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `delete from api_tokens where account = $1`, c.EndTokens); err != nil {
		return err
	}
	k := c.AddToken
	if k == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, `insert into api_tokens (id, hash, account, name, permissions, created, expires, used)
		values ($1, $2, $3, $4, $5, $6, $7, 0)`, k.ID, k.Hash[:], k.Account, k.Name, k.Permissions, micros(k.Created), micros(k.Expires))
	return err
}

// Invitation returns the invitation of that hash, or audit.ErrNotFound.
func (s *Store) Invitation(ctx context.Context, hash [32]byte) (Invitation, error) {
	i := Invitation{Hash: hash}
	var expires, factors int64
	err := s.reader.QueryRowContext(ctx, `select account, expires, factors from invitations where hash = $1`, hash[:]).
		Scan(&i.Account, &expires, &factors)
	i.Expires, i.Factors = instant(expires), factors == 1
	return i, found(err, "invitation")
}

// Session returns the session of that hash, or audit.ErrNotFound.
func (s *Store) Session(ctx context.Context, hash [32]byte) (Session, error) {
	all, err := s.sessions(ctx, `where hash = $1`, hash[:])
	return one(all, err, "session")
}

// Sessions returns the sessions of an account, the newest first.
func (s *Store) Sessions(ctx context.Context, account string) ([]Session, error) {
	all, err := s.sessions(ctx, `where account = $1`, account)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return all, nil
}

func (s *Store) sessions(ctx context.Context, where string, arg any) (out []Session, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var x Session
		var pending, signedIn, created, used, expires int64
		err := r.Scan(hash32{&x.Hash}, &x.ID, &x.Account, &pending, &x.Method, &signedIn, &created, &used, &expires, &x.Rights, &x.Address, &x.Agent)
		x.Pending, x.SignedIn, x.Created = pending == 1, instant(signedIn), instant(created)
		x.Used, x.Expires = instant(used), instant(expires)
		out = append(out, x)
		return err
	}, `select hash, id, account, pending, method, signed_in, created, used, expires, rights, address, agent from sessions `+where+
		` order by created desc, id`, arg)
	return out, err
}

// TouchSession says that a session was used at that instant; one that has
// ended is left alone.
func (s *Store) TouchSession(ctx context.Context, hash [32]byte, used time.Time) error {
	_, err := s.writer.ExecContext(ctx, `update sessions set used = $1 where hash = $2 and used < $1`, micros(used), hash[:])
	if err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

// APIToken returns the token of that hash, or audit.ErrNotFound.
func (s *Store) APIToken(ctx context.Context, hash [32]byte) (APIToken, error) {
	all, err := s.apiTokens(ctx, `where hash = $1`, hash[:])
	return one(all, err, "API token")
}

// APITokens returns the tokens of an account, "" for all, the newest first.
func (s *Store) APITokens(ctx context.Context, account string) ([]APIToken, error) {
	all, err := s.apiTokens(ctx, `where $1 = '' or account = $1`, account)
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return all, nil
}

func (s *Store) apiTokens(ctx context.Context, where string, arg any) (out []APIToken, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var k APIToken
		var created, expires, used int64
		err := r.Scan(&k.ID, hash32{&k.Hash}, &k.Account, &k.Name, &k.Permissions, &created, &expires, &used)
		k.Created, k.Expires = instant(created), instant(expires)
		if used > 0 {
			k.Used = instant(used)
		}
		out = append(out, k)
		return err
	}, `select id, hash, account, name, permissions, created, expires, used from api_tokens `+where+` order by created desc, id`, arg)
	return out, err
}

// TouchAPIToken says that a token was used at that instant.
func (s *Store) TouchAPIToken(ctx context.Context, id string, used time.Time) error {
	_, err := s.writer.ExecContext(ctx, `update api_tokens set used = $1 where id = $2 and used < $1`, micros(used), id)
	if err != nil {
		return fmt.Errorf("touch API token %s: %w", id, err)
	}
	return nil
}

// Attempts counts what was tried and did not succeed, on one subject.
type Attempts struct {
	Failures int64
	At       time.Time // of the newest
	Blocked  time.Time // until when nothing further is tried
}

// CountAttempts gives f the counts of the subjects and keeps what it makes of
// them. Nobody else counts on any of them in between. An error of f keeps
// everything as it was and is returned as it is. A subject nobody counted on
// has no failures.
func (s *Store) CountAttempts(ctx context.Context, subjects []string, f func(counts map[string]*Attempts) error) error {
	subjects = slices.Sorted(slices.Values(subjects)) // one order of locks for all
	return s.inTx(ctx, func(tx *sql.Tx) error {
		counts := map[string]*Attempts{}
		for _, x := range subjects {
			a := new(Attempts)
			var at, blocked int64
			err := tx.QueryRowContext(ctx, `insert into attempts (subject, failures, at, blocked) values ($1, 0, 0, 0)
				on conflict (subject) do update set failures = attempts.failures returning failures, at, blocked`, x).Scan(&a.Failures, &at, &blocked)
			if err != nil {
				return fmt.Errorf("count attempts: %w", err)
			}
			a.At, a.Blocked = instant(at), instant(blocked)
			counts[x] = a
		}
		if err := f(counts); err != nil {
			return err
		}
		for _, x := range subjects {
			a := counts[x]
			if _, err := tx.ExecContext(ctx, `update attempts set failures = $1, at = $2, blocked = $3 where subject = $4`,
				a.Failures, micros(a.At), micros(a.Blocked), x); err != nil {
				return fmt.Errorf("count attempts: %w", err)
			}
		}
		return nil
	})
}

// Activities returns up to limit activities with a number below before (0: all),
// the newest first.
func (s *Store) Activities(ctx context.Context, before int64, limit int) ([]Activity, error) {
	return s.activities(ctx, `where cast($1 as bigint) = 0 or n < $1 order by n desc limit $2`, before, limit)
}

// UnsealedActivities returns up to limit activities that have no sealed record
// yet, in the order in which things were done.
func (s *Store) UnsealedActivities(ctx context.Context, limit int) ([]Activity, error) {
	return s.activities(ctx, `where record = -1 order by n limit $1`, limit)
}

func (s *Store) activities(ctx context.Context, where string, args ...any) (out []Activity, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var a Activity
		var at int64
		err := r.Scan(&a.Number, &a.ID, &at, &a.Canonical, &a.Record)
		a.At = instant(at)
		out = append(out, a)
		return err
	}, `select n, id, at, canonical, record from activities `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list activities: %w", err)
	}
	return out, nil
}

// ActivitySealed keeps the log index of an activity's record. Calling again
// with the same is safe; another is audit.ErrConflict.
func (s *Store) ActivitySealed(ctx context.Context, id string, record int64) error {
	if record < 0 {
		return fmt.Errorf("activity %s: %w: log index %d", id, audit.ErrInvalid, record)
	}
	res, err := s.writer.ExecContext(ctx, `update activities set record = $1 where id = $2 and (record = -1 or record = $1)`, record, id)
	return changedOne(res, err, "activity "+id, "there is none, or it is sealed under another index")
}

// SweepAccess forgets invitations, sessions, tokens and challenges that had expired at the
// instant ended, and attempts of which nothing was heard since tried.
func (s *Store) SweepAccess(ctx context.Context, ended, tried time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, x := range []struct {
			stmt   string
			before time.Time
		}{
			{`delete from invitations where expires <= $1`, ended},
			{`delete from sessions where expires <= $1`, ended},
			{`delete from api_tokens where expires <= $1`, ended},
			{`delete from challenges where expires <= $1`, ended},
			{`delete from attempts where at <= $1 and blocked <= $1`, tried},
		} {
			if _, err := tx.ExecContext(ctx, x.stmt, micros(x.before)); err != nil {
				return fmt.Errorf("sweep access: %w", err)
			}
		}
		return nil
	})
}
