package trust

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

var grantTakers = map[string]taker{"access.grant": grant, "access.revoke": revoke}

// MaxDays is the longest that access can be given for at once, in days.
const MaxDays = 400

// A Giving is what access is given: to whom, to which report, on what ground, until
// when.
type Giving struct {
	Request      string    `json:"request"` // that it answers; "": nobody asked through the door
	Engagement   string    `json:"engagement"`
	Report       string    `json:"report"` // digest of the report's value
	Type         string    `json:"type"`   // of the report: "soc2-type2"
	Name         string    `json:"name"`
	Organization string    `json:"organization"`
	Mail         string    `json:"mail"`
	Class        ClassID   `json:"class"`
	Basis        Basis     `json:"basis"`
	Ground       string    `json:"ground"` // the contract, or the law
	Expires      time.Time `json:"expires"`
	Hash         string    `json:"hash"` // of the link's secret, hex
}

// A Grant is access that was given to one person, with what became of it.
type Grant struct {
	Giving
	ID      string
	By      string
	At      time.Time
	Record  int64
	Agreed  *Agreement // nil: not yet, or the ground asks for none
	Views   []time.Time
	Fetches []Fetch
	Revoked time.Time // zero: it was not
	Why     string    // it was revoked
	Revoker string
}

// An Agreement is that an outsider agreed to the terms of access.
type Agreement struct {
	Digest  string // of the text
	Version int
	Name    string // who agreed, as they wrote it
	Title   string // by what authority they bind their organization, as they wrote it
	At      time.Time
	Record  int64
}

// A Fetch is a copy that was handed over.
type Fetch struct {
	Copy   string // "CP-4" of management's side
	Digest string // of its bytes
	At     time.Time
	Record int64
}

// Ended is when access ended, zero while it lasts. A report that is not in force is
// for the caller to know.
func (g *Grant) Ended(now time.Time) time.Time {
	switch {
	case !g.Revoked.IsZero():
		return g.Revoked
	case !now.Before(g.Expires):
		return g.Expires
	}
	return time.Time{}
}

// Agrees reports whether the ground asks for an agreement that is not there yet.
func (g *Grant) Agrees() bool { return g.Basis == ByTerms && g.Agreed == nil }

// Give gives access and returns its number with the secret of its link, which is
// kept nowhere: the log holds its hash. It needs trust.grant. That the report is in
// force the caller looked up.
func (b *Book) Give(ctx context.Context, by access.Subject, g Giving) (id, secret string, err error) {
	if err := access.Require(by, "trust.grant", access.Object{}); err != nil {
		return "", "", err
	}
	if by.Once != "" { // a repeat could not be told the secret that only the first answer held
		return "", "", fmt.Errorf("%w: a link's secret is told once: send this without an idempotency key", audit.ErrInvalid)
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret = base64.RawURLEncoding.EncodeToString(raw)
	g.Hash, g.Expires = hashOf(secret), audit.Instant(g.Expires)
	id, err = b.book.Numbered(ctx, by, "grant", "G", func(id string) error {
		_, err := b.book.Write(ctx, by, "access.grant", "grant:"+id, 0, g)
		return err
	})
	if err != nil {
		return "", "", err
	}
	return id, secret, nil
}

// hashOf is what the log knows a link by.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte("tieout grant\x00" + secret))
	return hex.EncodeToString(sum[:])
}

func (g Giving) check(at time.Time) error {
	c, err := classOf(g.Class)
	return book.First(err, book.OneLine("engagement", g.Engagement, 1), book.Digest("report", g.Report), book.OneLine("type", g.Type, 1), named("name", g.Name), named("organization", g.Organization), mail(g.Mail),
		book.OneLine("ground", g.Ground, 0), c.mayGive(g.Basis, g.Ground, g.Type), book.Digest("hash", g.Hash),
		book.When(!g.Expires.After(at), "expires: access ends on a day that is to come"),
		book.When(g.Expires.After(at.AddDate(0, 0, MaxDays)), fmt.Sprintf("expires: access is given for at most %d days; give it again then", MaxDays)))
}

func grant(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[Giving](e)
	id, oerr := on(e, "grant")
	if err = book.First(err, oerr, byPerson(e)); err == nil {
		err = d.check(e.At)
	}
	if err != nil {
		return book.Change{}, err
	}
	var asked *Request
	if d.Request != "" {
		if asked, err = s.open(d.Request); err != nil {
			return book.Change{}, err
		}
	}
	if d.Basis == ByTerms && s.Terms == nil {
		return book.Change{}, book.TooEarly("no terms of access are set that they could agree to: set them first")
	}
	for _, g := range s.Grants {
		if g.Hash == d.Hash {
			return book.Change{}, book.TooEarly("the link is that of %s", g.ID)
		}
	}
	return book.Change{What: "access until " + audit.FormatTime(d.Expires) + ", as " + string(d.Class), Do: func() {
		s.Grants[id] = &Grant{Giving: d, ID: id, By: e.By.Name, At: e.At, Record: e.Record}
		if asked != nil {
			asked.Grant, asked.By, asked.Decided = id, e.By.Name, e.At
			s.Also("request:"+asked.ID, e, "access was given: "+id)
		}
	}}, nil
}

type revokeData struct {
	Why string `json:"why"`
}

// Revoke ends access at once. It needs trust.grant.
func (b *Book) Revoke(ctx context.Context, by access.Subject, id, why string) error {
	if err := access.Require(by, "trust.grant", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "access.revoke", "grant:"+id, book.Anyway, revokeData{why})
	return err
}

func revoke(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[revokeData](e)
	id, oerr := on(e, "grant")
	if err = book.First(err, oerr, byPerson(e), book.Text("why", d.Why, 1, 1000)); err != nil {
		return book.Change{}, err
	}
	g := s.Grants[id]
	switch {
	case g == nil:
		return book.Change{}, fmt.Errorf("%w: grant %s", audit.ErrNotFound, id)
	case !g.Ended(e.At).IsZero():
		return book.Change{}, book.TooEarly("access %s has ended already", id)
	}
	return book.Change{What: "access was ended: " + d.Why, Do: func() { g.Revoked, g.Why, g.Revoker = e.At, d.Why, e.By.Name }}, nil
}

// Find returns the grant that a link's secret opens, ended or not, as a copy of its
// own; audit.ErrNotFound where there is none. It compares with every grant there is,
// in the same time whatever was shown.
func (b *Book) Find(ctx context.Context, secret string) (out Grant, err error) {
	hash, found := hashOf(secret), false
	if len(secret) != base64.RawURLEncoding.EncodedLen(32) {
		hash = ""
	}
	err = b.Read(ctx, func(s *State) error {
		for _, g := range s.Grants {
			if subtle.ConstantTimeCompare([]byte(g.Hash), []byte(hash)) == 1 {
				out, found = *g, true
			}
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: no such link", audit.ErrNotFound)
	}
	return out, err
}
