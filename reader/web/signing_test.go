package web

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

func TestSigningKey(t *testing.T) {
	w := newFirmWorld(t)
	v := w.partner
	if page := v.page("/account"); !strings.Contains(page, "You have no key to sign") {
		t.Error("the account's page does not say that there is no key")
	}
	for _, c := range []struct {
		name, phrase, again string
		status              int
		want                string
	}{
		{"two that differ", "four words nobody guesses", "four words nobody guessed", 422, "differ"},
		{"too short", "short", "short", 422, "at least 12"},
		{"good", "four words nobody guesses", "four words nobody guesses", 303, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := v.post("/account/signing", "passphrase", c.phrase, "again", c.again)
			if r.Code != c.status || !strings.Contains(r.Body.String(), c.want) || strings.Contains(r.Body.String(), "nobody guesse") {
				t.Errorf("status %d, want %d: %s", r.Code, c.status, r.Body)
			}
		})
	}
	if page := v.page("/account"); !strings.Contains(page, "You sign with key <code>") {
		t.Error("the account's page does not name the key")
	}
}

// TestGuesses: the fifth wrong passphrase closes the key for a while, a right one
// forgets those before it, and one person's do not touch another's.
func TestGuesses(t *testing.T) {
	var g guesses
	now := time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	for range wrongPassphrases - 1 {
		g.tell("a", true, now)
	}
	g.tell("a", false, now)
	for range wrongPassphrases {
		if err := g.may("a", now); err != nil {
			t.Fatal(err)
		}
		g.tell("a", true, now)
	}
	if err := g.may("a", now); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("after %d wrong ones: %v", wrongPassphrases, err)
	}
	if err := g.may("b", now); err != nil {
		t.Error(err)
	}
	if err := g.may("a", now.Add(passphraseWait)); err != nil {
		t.Error(err)
	}
}
