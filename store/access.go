package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
)

// An Account is a person's account in the workspace.
type Account struct {
	ID        string
	Email     string // as it is compared: unique in the workspace
	Name      string
	Status    string // "invited", "active" or "suspended"
	Created   time.Time
	Password  string // encoded hash; "" while there is none
	OTP       []byte // encrypted secret of the second factor; empty while there is none
	OTPActive bool   // the second factor was shown to work, and is asked for
	OTPStep   int64  // newest time step whose code was used
	Rights    int64  // grows whenever grants or status change
	Version   int64  // of this row; 0 for a new one
	Grants    []AccountGrant
	Recovery  [][32]byte // hashes of the recovery codes that are left

	Passkeys, Identities int64 // how many there are; read only
}

// An AccountGrant is a role that an account has, as far as its scope reaches.
type AccountGrant struct {
	Role, Scope, Object string
	Via                 string // what gave it, such as a directory's groups; "" for a person
}

// An Activity is what somebody did, as it will be sealed.
type Activity struct {
	Number    int64 // 1, 2, 3 ... in the order things were done; set by the store
	ID        string
	At        time.Time
	Canonical []byte // kept and given back byte for byte
	Record    int64  // log index of its sealed record, or audit.Unsequenced
}

// An AccessChange is one change of who may do what, together with what is said
// about it. Only Activity has to be there.
type AccessChange struct {
	Activity       Activity
	Account        *Account    // inserted when its Version is 0; else it replaces the row of that version
	Invite         *Invitation // in place of all invitations of its account
	UseInvitation  *[32]byte   // has to be there; is gone afterwards
	EndInvitations string      // account whose invitations end
	DropSession    *[32]byte   // has to be there; is gone afterwards
	EndSessions    string      // account whose sessions all end, before a new one begins
	AddSession     *Session
	AddToken       *APIToken
	DropToken      string // ID; has to be there
	EndTokens      string // account whose tokens are all revoked
	Keep           *AccountGrant
	Passkey        *Passkey // inserted when its Version is 0; else it replaces the row of that version
	DropPasskey    *PasskeyRef
	EndPasskeys    string    // account whose passkeys are all removed
	Link           *Identity // must not be linked to any account
	Unlink         *Identity // has to be there
	Directory      *DirectoryUser
	Group          *DirectoryGroup // like Account; its members stay as they are
	Join, Leave    *Membership     // must not be there; has to be there
	DropGroup      string          // ID; has to be there, without members
}

// ChangeAccess makes the change and keeps its activity, all or nothing, and
// returns the activity's number. Changes are made one after the other, also
// those of several processes. audit.ErrConflict: the account has moved on or
// its e-mail address is taken, what has to be there is not, or afterwards no
// active account would have the grant Keep.
func (s *Store) ChangeAccess(ctx context.Context, c AccessChange) (number int64, err error) {
	if c.Activity.ID == "" || len(c.Activity.Canonical) == 0 {
		return 0, fmt.Errorf("change access: %w: no activity says who does what", audit.ErrInvalid)
	}
	if err := errors.Join(c.check(), c.checkIdentity()); err != nil {
		return 0, fmt.Errorf("change access: %w", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		// The counter's row keeps others out until this transaction ends.
		if number, err = next(ctx, tx, "activity", 1); err != nil {
			return err
		}
		for _, step := range []func(context.Context, *sql.Tx) error{c.saveAccount, c.saveInvitation, c.saveSessions, c.saveTokens,
			c.savePasskeys, c.saveIdentities, c.saveDirectory, c.saveGroups, c.keep} {
			if err := step(ctx, tx); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `insert into activities (n, id, at, canonical, record) values ($1, $2, $3, $4, $5)`,
			number, c.Activity.ID, micros(c.Activity.At), c.Activity.Canonical, audit.Unsequenced)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("change access: %w", err)
	}
	return number, nil
}

func (c *AccessChange) check() error {
	texts := []string{"activity", c.Activity.ID}
	if a := c.Account; a != nil {
		texts = append(texts, "account", a.ID, "e-mail address", a.Email, "name", a.Name, "password", a.Password)
		for _, g := range a.Grants {
			texts = append(texts, "role", g.Role, "scope", g.Scope, "object", g.Object, "via", g.Via)
		}
	}
	if x := c.AddSession; x != nil {
		texts = append(texts, "session", x.ID, "method", x.Method, "address", x.Address, "agent", x.Agent)
	}
	if k := c.AddToken; k != nil {
		texts = append(texts, "token", k.ID, "token's name", k.Name, "permissions", k.Permissions)
	}
	return checkTexts(texts...)
}

func (c *AccessChange) saveAccount(ctx context.Context, tx *sql.Tx) error {
	a := c.Account
	if a == nil {
		return nil
	}
	res, err := a.write(ctx, tx)
	if err := changedOne(res, err, "account "+a.ID, "it has changed since it was read, or its e-mail address is taken"); err != nil {
		return err
	}
	for _, stmt := range []string{`delete from account_grants where account = $1`, `delete from recovery_codes where account = $1`} {
		if _, err := tx.ExecContext(ctx, stmt, a.ID); err != nil {
			return err
		}
	}
	for _, g := range a.Grants {
		if _, err := tx.ExecContext(ctx, `insert into account_grants (account, role, scope, object, via) values ($1, $2, $3, $4, $5)`,
			a.ID, g.Role, g.Scope, g.Object, g.Via); err != nil {
			return err
		}
	}
	for _, h := range a.Recovery {
		if _, err := tx.ExecContext(ctx, `insert into recovery_codes (account, hash) values ($1, $2)`, a.ID, h[:]); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) write(ctx context.Context, tx *sql.Tx) (sql.Result, error) {
	otp := append([]byte{}, a.OTP...) // never NULL
	if a.Version == 0 {
		return tx.ExecContext(ctx, `insert into accounts (id, email, name, status, created, password, otp, otp_active, otp_step, rights, version)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) on conflict do nothing`,
			a.ID, a.Email, a.Name, a.Status, micros(a.Created), a.Password, otp, bit(a.OTPActive), a.OTPStep, a.Rights)
	}
	return tx.ExecContext(ctx, `update accounts set email = $1, name = $2, status = $3, password = $4, otp = $5, otp_active = $6,
		otp_step = $7, rights = $8, version = version + 1 where id = $9 and version = $10
		and not exists (select 1 from accounts x where x.email = $1 and x.id <> $9)`,
		a.Email, a.Name, a.Status, a.Password, otp, bit(a.OTPActive), a.OTPStep, a.Rights, a.ID, a.Version)
}

// keep refuses a change after which nobody active has the grant.
func (c *AccessChange) keep(ctx context.Context, tx *sql.Tx) error {
	if c.Keep == nil {
		return nil
	}
	var n int
	err := tx.QueryRowContext(ctx, `select count(*) from account_grants g join accounts a on a.id = g.account
		where a.status = 'active' and g.role = $1 and g.scope = $2 and g.object = $3`, c.Keep.Role, c.Keep.Scope, c.Keep.Object).Scan(&n)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("%w: nobody active would be %s any more; give the role to somebody else first", audit.ErrConflict, c.Keep.Role)
	}
	return nil
}

// Account returns an account by ID, or audit.ErrNotFound.
func (s *Store) Account(ctx context.Context, id string) (Account, error) {
	all, err := s.accounts(ctx, `where id = $1`, id)
	return one(all, err, "account %q", id)
}

// AccountByEmail returns an account by its e-mail address, or audit.ErrNotFound.
func (s *Store) AccountByEmail(ctx context.Context, email string) (Account, error) {
	all, err := s.accounts(ctx, `where email = $1`, email)
	return one(all, err, "account of that e-mail address")
}

// Accounts returns all accounts in the order they were made.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	all, err := s.accounts(ctx, ``)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return all, nil
}

// accounts reads accounts with what belongs to them, as of one instant.
func (s *Store) accounts(ctx context.Context, where string, args ...any) (out []Account, err error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.Snapshot, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	each := func(scan func(*sql.Rows) error, query string) {
		if err != nil {
			return
		}
		var rows *sql.Rows
		if rows, err = tx.QueryContext(ctx, query, args...); err == nil {
			err = scanAll(rows, scan)
		}
	}
	place := map[string]int{}
	each(func(r *sql.Rows) error {
		var a Account
		var created, active int64
		err := r.Scan(&a.ID, &a.Email, &a.Name, &a.Status, &created, &a.Password, &a.OTP, &active, &a.OTPStep, &a.Rights, &a.Version, &a.Passkeys, &a.Identities)
		a.Created, a.OTPActive = instant(created), active == 1
		if len(a.OTP) == 0 {
			a.OTP = nil // the drivers differ
		}
		place[a.ID] = len(out)
		out = append(out, a)
		return err
	}, `select id, email, name, status, created, password, otp, otp_active, otp_step, rights, version,
		(select count(*) from passkeys p where p.account = accounts.id), (select count(*) from identities i where i.account = accounts.id)
		from accounts `+where+` order by created, id`)
	each(func(r *sql.Rows) error {
		var id string
		var g AccountGrant
		err := r.Scan(&id, &g.Role, &g.Scope, &g.Object, &g.Via)
		a := &out[place[id]]
		a.Grants = append(a.Grants, g)
		return err
	}, `select account, role, scope, object, via from account_grants where account in (select id from accounts `+where+`) order by account, role, scope, object`)
	each(func(r *sql.Rows) error {
		var id string
		var h [32]byte
		err := r.Scan(&id, hash32{&h})
		a := &out[place[id]]
		a.Recovery = append(a.Recovery, h)
		return err
	}, `select account, hash from recovery_codes where account in (select id from accounts `+where+`) order by hash`)
	return out, err
}
