package program

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A Feed is the secret address of somebody's calendar. The log holds the hash of
// the secret; who reads the log cannot make the address of it.
type Feed struct {
	Account  string
	Hash     string // hex of SHA-256 of the secret; "": there is no address
	Revision int64
}

var feedTakers = map[string]taker{"calendar.set": setFeed}

const feedObject = "calendar"

type feedData struct {
	Hash string `json:"hash"`
}

func setFeed(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d feedData) error {
		sum, err := hex.DecodeString(d.Hash)
		return when(err != nil || len(sum) != 0 && len(sum) != sha256.Size, "the hash of a calendar's secret is 32 bytes as hex")
	})
	if err != nil {
		return book.Change{}, err
	}
	if e.By.Name != e.Of() {
		return book.Change{}, fmt.Errorf("%w: a calendar's address is made and revoked by whose it is", audit.ErrForbidden)
	}
	what := "the calendar's address was made; earlier ones end"
	if d.Hash == "" {
		what = "the calendar's address was revoked"
	}
	return book.Change{What: what, Do: func() { s.Feeds[e.Of()] = &Feed{e.Of(), d.Hash, e.Base + 1} }}, nil
}

// NewFeed makes the secret of one's own calendar; an earlier one ends. It is
// returned once and kept nowhere.
func (b *Book) NewFeed(ctx context.Context, by access.Subject) (secret string, err error) {
	if err := MayLeave(by, by.Account); err != nil {
		return "", err // who can have no tasks has no calendar of them
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, b.setFeed(ctx, by, hashOf(secret))
}

// EndFeed revokes the secret of one's own calendar.
func (b *Book) EndFeed(ctx context.Context, by access.Subject) error { return b.setFeed(ctx, by, "") }

func (b *Book) setFeed(ctx context.Context, by access.Subject, hash string) error {
	if by.Kind != audit.ActorPerson || by.Account == "" || by.Limit != nil || by.Token != "" {
		return fmt.Errorf("%w: only a person makes or revokes the address of their calendar", audit.ErrForbidden)
	}
	f, err := b.Feed(ctx, by.Account)
	if err != nil {
		return err
	}
	_, err = b.write(ctx, by, "calendar.set", feedObject+":"+by.Account, f.Revision, feedData{hash})
	return err
}

// Feed returns an account's feed; without a hash where there is no address.
func (b *Book) Feed(ctx context.Context, account string) (out Feed, err error) {
	out.Account = account
	err = b.Read(ctx, func(s *State) error {
		if f := s.Feeds[account]; f != nil {
			out = *f
		}
		return nil
	})
	return out, err
}

// FeedOf returns the account whose calendar a secret opens, or audit.ErrNotFound.
func (b *Book) FeedOf(ctx context.Context, secret string) (account string, err error) {
	if len(secret) != 43 || strings.ContainsAny(secret, " \n") {
		return "", fmt.Errorf("%w: calendar", audit.ErrNotFound)
	}
	hash := hashOf(secret)
	err = b.Read(ctx, func(s *State) error {
		for _, f := range s.Feeds {
			if f.Hash != "" && subtle.ConstantTimeCompare([]byte(f.Hash), []byte(hash)) == 1 {
				account = f.Account
			}
		}
		return nil
	})
	if err == nil && account == "" {
		err = fmt.Errorf("%w: calendar", audit.ErrNotFound)
	}
	return account, err
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte("tieout calendar\x00" + secret))
	return hex.EncodeToString(sum[:])
}
