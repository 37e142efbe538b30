package program_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

func TestFeed(t *testing.T) {
	w := newWorld(t)
	first := must[string](t)(w.book.NewFeed(t.Context(), employee))
	if got := must[string](t)(w.again().FeedOf(t.Context(), first)); got != evaID {
		t.Errorf("the secret opens the calendar of %q", got)
	}
	second := must[string](t)(w.book.NewFeed(t.Context(), employee))
	for name, secret := range map[string]string{"an earlier one": first, "none": "", "another": strings.Repeat("a", 43), "a long one": strings.Repeat("a", 5000)} {
		if _, err := w.book.FeedOf(t.Context(), secret); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := w.book.Read(t.Context(), func(s *program.State) error {
		for _, line := range s.History("calendar:eva") {
			if strings.Contains(string(line.Data), second) || strings.Contains(string(line.Data), first) {
				t.Error("the log holds a secret")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.book.EndFeed(t.Context(), employee); err != nil {
		t.Fatal(err)
	}
	if _, err := w.book.FeedOf(t.Context(), second); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("after it was revoked: %v", err)
	}
	token := employee
	token.Token, token.Kind = "t", audit.ActorCommand
	for name, by := range map[string]access.Subject{"a token": token, "nobody": {}, "a reader": reader, "an auditor's guest": as("gus", access.AuditorsGuest)} {
		if _, err := w.book.NewFeed(t.Context(), by); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
