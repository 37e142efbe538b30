package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tieout/audit"
)

// A Passkey is one WebAuthn credential that an account signs in with.
type Passkey struct {
	ID         []byte // credential ID, as the authenticator gave it; 1 to 1023 bytes
	Account    string
	Name       string
	Credential []byte // public key, counter and flags, as package access writes them
	Created    time.Time
	Used       time.Time // zero while it was not
	Version    int64     // of this row; 0 for a new one
}

// A Challenge is what a browser has to answer once, and soon.
type Challenge struct {
	Hash    [32]byte // of a secret that the browser or its session holds
	Sealed  []byte   // encrypted
	Expires time.Time
}

// An Identity is who somebody is at an issuer of identities.
type Identity struct {
	Issuer  string
	Subject string
	Account string
	Linked  time.Time
}

// A PasskeyRef names a passkey of an account.
type PasskeyRef struct {
	ID      []byte
	Account string
}

func (c *AccessChange) checkIdentity() error {
	var texts []string
	if k := c.Passkey; k != nil {
		texts = append(texts, "passkey's name", k.Name)
	}
	if i := c.Link; i != nil {
		texts = append(texts, "issuer", i.Issuer, "subject", i.Subject)
	}
	if u := c.Directory; u != nil {
		texts = append(texts, "user name", u.UserName, "external ID", u.ExternalID, "given name", u.Given, "family name", u.Family)
	}
	if g := c.Group; g != nil {
		texts = append(texts, "group", g.ID, "group's name", g.Name, "external ID", g.ExternalID)
	}
	return checkTexts(texts...)
}

func (c *AccessChange) savePasskeys(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `delete from passkeys where account = $1`, c.EndPasskeys); err != nil {
		return err
	}
	if d := c.DropPasskey; d != nil {
		res, err := tx.ExecContext(ctx, `delete from passkeys where id = $1 and account = $2`, d.ID, d.Account)
		if err := changedOne(res, err, "remove passkey", "the account has none of that ID"); err != nil {
			return err
		}
	}
	k := c.Passkey
	if k == nil {
		return nil
	}
	if k.Version == 0 {
		res, err := tx.ExecContext(ctx, `insert into passkeys (id, account, name, credential, created, used, version)
			values ($1, $2, $3, $4, $5, 0, 1) on conflict do nothing`, k.ID, k.Account, k.Name, k.Credential, micros(k.Created))
		return changedOne(res, err, "add passkey", "it is registered already")
	}
	var used int64
	if !k.Used.IsZero() {
		used = micros(k.Used)
	}
	res, err := tx.ExecContext(ctx, `update passkeys set name = $1, credential = $2, used = $3, version = version + 1
		where id = $4 and account = $5 and version = $6`, k.Name, k.Credential, used, k.ID, k.Account, k.Version)
	return changedOne(res, err, "use passkey", "it was removed, or used at the same moment elsewhere")
}

func (c *AccessChange) saveIdentities(ctx context.Context, tx *sql.Tx) error {
	if d := c.Unlink; d != nil {
		res, err := tx.ExecContext(ctx, `delete from identities where issuer = $1 and subject = $2 and account = $3`, d.Issuer, d.Subject, d.Account)
		if err := changedOne(res, err, "unlink identity", "the account is not linked to it"); err != nil {
			return err
		}
	}
	i := c.Link
	if i == nil {
		return nil
	}
	res, err := tx.ExecContext(ctx, `insert into identities (issuer, subject, account, linked) values ($1, $2, $3, $4) on conflict do nothing`,
		i.Issuer, i.Subject, i.Account, micros(i.Linked))
	return changedOne(res, err, "link identity", "an account is linked to it already")
}

// Passkeys returns the passkeys of an account, the oldest first.
func (s *Store) Passkeys(ctx context.Context, account string) ([]Passkey, error) {
	all, err := s.passkeys(ctx, `where account = $1`, account)
	if err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	return all, nil
}

// Passkey returns the passkey of that credential ID, or audit.ErrNotFound.
func (s *Store) Passkey(ctx context.Context, id []byte) (Passkey, error) {
	all, err := s.passkeys(ctx, `where id = $1`, id)
	return one(all, err, "passkey")
}

func (s *Store) passkeys(ctx context.Context, where string, arg any) (out []Passkey, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var k Passkey
		var created, used int64
		err := r.Scan(&k.ID, &k.Account, &k.Name, &k.Credential, &created, &used, &k.Version)
		k.Created = instant(created)
		if used > 0 {
			k.Used = instant(used)
		}
		out = append(out, k)
		return err
	}, `select id, account, name, credential, created, used, version from passkeys `+where+` order by created, id`, arg)
	return out, err
}

// Identity returns to whom an issuer's subject is linked, or audit.ErrNotFound.
func (s *Store) Identity(ctx context.Context, issuer, subject string) (Identity, error) {
	all, err := s.identities(ctx, `where issuer = $1 and subject = $2`, issuer, subject)
	return one(all, err, "identity at %s", issuer)
}

// Identities returns what an account is linked to, in the order of linking.
func (s *Store) Identities(ctx context.Context, account string) ([]Identity, error) {
	all, err := s.identities(ctx, `where account = $1`, account)
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return all, nil
}

func (s *Store) identities(ctx context.Context, where string, args ...any) (out []Identity, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var i Identity
		var linked int64
		err := r.Scan(&i.Issuer, &i.Subject, &i.Account, &linked)
		i.Linked = instant(linked)
		out = append(out, i)
		return err
	}, `select issuer, subject, account, linked from identities `+where+` order by linked, issuer, subject`, args...)
	return out, err
}

// KeepChallenge keeps a challenge in place of one of the same hash, and forgets
// those that had expired at now. It is no change of who may do what.
func (s *Store) KeepChallenge(ctx context.Context, c Challenge, now time.Time) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `delete from challenges where expires <= $1 or hash = $2`, micros(now), c.Hash[:]); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `insert into challenges (hash, sealed, expires) values ($1, $2, $3)`, c.Hash[:], c.Sealed, micros(c.Expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep challenge: %w", err)
	}
	return nil
}

// TakeChallenge returns the challenge of that hash and forgets it: of several
// who ask at once one has it, the others audit.ErrNotFound.
func (s *Store) TakeChallenge(ctx context.Context, hash [32]byte) (Challenge, error) {
	c := Challenge{Hash: hash}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		var expires int64
		err := tx.QueryRowContext(ctx, `delete from challenges where hash = $1 returning sealed, expires`, hash[:]).Scan(&c.Sealed, &expires)
		c.Expires = instant(expires)
		return err
	})
	return c, found(err, "challenge")
}

// A DirectoryUser is what a directory says of an account beyond its address and
// name (RFC 7643, 4.1).
type DirectoryUser struct {
	Account       string
	UserName      string // unique, compared as it is
	ExternalID    string
	Given, Family string
	Changed       time.Time
	Gone          bool // the directory removed it; the account stays
}

// A DirectoryGroup is a group that a directory keeps (RFC 7643, 4.2).
type DirectoryGroup struct {
	ID         string
	Name       string // unique
	ExternalID string
	Created    time.Time
	Changed    time.Time
	Version    int64    // of this row and its members; 0 for a new one
	Members    []string // accounts; read only: AccessChange.Join and Leave change them
}

// A Membership is an account's in a group.
type Membership struct {
	Group, Account string
	At             time.Time // when it changes
	Version        int64     // that the group has to have; 0: any
}

func (c *AccessChange) saveDirectory(ctx context.Context, tx *sql.Tx) error {
	u := c.Directory
	if u == nil {
		return nil
	}
	res, err := tx.ExecContext(ctx, `insert into directory_users (account, user_name, external_id, given, family, changed, gone)
		select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as text), cast($6 as bigint), cast($7 as bigint)
		where not exists (select 1 from directory_users x where x.user_name = $2 and x.account <> $1)
		on conflict (account) do update set user_name = excluded.user_name, external_id = excluded.external_id,
		given = excluded.given, family = excluded.family, changed = excluded.changed, gone = excluded.gone`,
		u.Account, u.UserName, u.ExternalID, u.Given, u.Family, micros(u.Changed), bit(u.Gone))
	return changedOne(res, err, "directory's user", "the user name is taken")
}

func (c *AccessChange) saveGroups(ctx context.Context, tx *sql.Tx) error {
	if g := c.Group; g != nil {
		res, err := g.write(ctx, tx)
		if err := changedOne(res, err, "group", "it has changed since it was read, or its name is taken"); err != nil {
			return err
		}
	}
	if m := c.Join; m != nil {
		if err := m.touch(ctx, tx); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `insert into directory_members (in_group, account) values ($1, $2) on conflict do nothing`, m.Group, m.Account)
		if err := changedOne(res, err, "add member", "the account is a member already"); err != nil {
			return err
		}
	}
	if m := c.Leave; m != nil {
		if err := m.touch(ctx, tx); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `delete from directory_members where in_group = $1 and account = $2`, m.Group, m.Account)
		if err := changedOne(res, err, "remove member", "the account is no member"); err != nil {
			return err
		}
	}
	if c.DropGroup == "" {
		return nil
	}
	res, err := tx.ExecContext(ctx, `delete from directory_groups where id = $1
		and not exists (select 1 from directory_members m where m.in_group = $1)`, c.DropGroup)
	return changedOne(res, err, "remove group", "there is none, or it has members")
}

// touch says that a group changed with its members.
func (m *Membership) touch(ctx context.Context, tx *sql.Tx) error {
	res, err := tx.ExecContext(ctx, `update directory_groups set version = version + 1, changed = $1
		where id = $2 and (cast($3 as bigint) = 0 or version = $3)`, micros(m.At), m.Group, m.Version)
	return changedOne(res, err, "group "+m.Group, "there is none, or it has changed since it was read")
}

func (g *DirectoryGroup) write(ctx context.Context, tx *sql.Tx) (sql.Result, error) {
	if g.Version == 0 {
		return tx.ExecContext(ctx, `insert into directory_groups (id, name, external_id, created, changed, version)
			values ($1, $2, $3, $4, $5, 1) on conflict do nothing`, g.ID, g.Name, g.ExternalID, micros(g.Created), micros(g.Changed))
	}
	return tx.ExecContext(ctx, `update directory_groups set name = $1, external_id = $2, changed = $3, version = version + 1
		where id = $4 and version = $5 and not exists (select 1 from directory_groups x where x.name = $1 and x.id <> $4)`,
		g.Name, g.ExternalID, micros(g.Changed), g.ID, g.Version)
}

// DirectoryUsers returns what directories say of accounts, by account.
func (s *Store) DirectoryUsers(ctx context.Context) (map[string]DirectoryUser, error) {
	out := map[string]DirectoryUser{}
	err := s.eachRow(ctx, func(r *sql.Rows) error {
		var u DirectoryUser
		var changed, gone int64
		err := r.Scan(&u.Account, &u.UserName, &u.ExternalID, &u.Given, &u.Family, &changed, &gone)
		u.Changed, u.Gone = instant(changed), gone == 1
		out[u.Account] = u
		return err
	}, `select account, user_name, external_id, given, family, changed, gone from directory_users`)
	if err != nil {
		return nil, fmt.Errorf("list the directory's users: %w", err)
	}
	return out, nil
}

// DirectoryGroups returns all groups with their members, in the order they were
// made.
func (s *Store) DirectoryGroups(ctx context.Context) (out []DirectoryGroup, err error) {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{Isolation: s.dialect.Snapshot, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, `select id, name, external_id, created, changed, version from directory_groups order by created, id`)
	place := map[string]int{}
	if err == nil {
		err = scanAll(rows, func(r *sql.Rows) error {
			var g DirectoryGroup
			var created, changed int64
			err := r.Scan(&g.ID, &g.Name, &g.ExternalID, &created, &changed, &g.Version)
			g.Created, g.Changed = instant(created), instant(changed)
			place[g.ID] = len(out)
			out = append(out, g)
			return err
		})
	}
	if err == nil {
		rows, err = tx.QueryContext(ctx, `select in_group, account from directory_members order by in_group, account`)
	}
	if err == nil {
		err = scanAll(rows, func(r *sql.Rows) error {
			var id, account string
			err := r.Scan(&id, &account)
			g := &out[place[id]]
			g.Members = append(g.Members, account)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return out, nil
}

// DirectoryGroup returns one group with its members, or audit.ErrNotFound.
func (s *Store) DirectoryGroup(ctx context.Context, id string) (DirectoryGroup, error) {
	all, err := s.DirectoryGroups(ctx)
	if err != nil {
		return DirectoryGroup{}, err
	}
	for _, g := range all {
		if g.ID == id {
			return g, nil
		}
	}
	return DirectoryGroup{}, fmt.Errorf("%w: group %q", audit.ErrNotFound, id)
}
