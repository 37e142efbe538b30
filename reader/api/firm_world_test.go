package api

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
	"tieout/evidence"
	"tieout/period"
)

// A firmWorld is an audit firm's workspace without an engagement, and the server
// over it.
type firmWorld struct {
	*world
	keys *gatestest.Keys
	firm *gatestest.Firm
	who  map[string]*client // by duty
}

const otherStaff = "second staff"

// newFirmWorld makes a firm's workspace with people of every duty.
func newFirmWorld(t testing.TB) *firmWorld {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), at: day.Add(1e9)}
	if err := os.WriteFile(filepath.Join(w.dir, "tieout.yaml"), []byte("firm: { name: Sandgate LLP, zone: UTC, city: Boston, state: MA }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := period.Open(t.Context(), w.dir, options("", true, w.now))
	if err == nil {
		_, _, err = p.Apply(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	w.serve()
	f := &firmWorld{world: w, keys: &gatestest.Keys{}, who: map[string]*client{}}
	f.firm = &gatestest.Firm{T: t, Files: w.web.Files(), Seal: w.web.Home().Seal, Now: w.now, To: w.to, People: map[string]string{}, Keys: f.keys}
	for duty, role := range map[string]access.RoleID{fieldwork.DutyPartner: access.Partner, fieldwork.DutyManager: access.Manager, fieldwork.DutyStaff: access.Staff, otherStaff: access.Staff, fieldwork.DutyQuality: access.QualityReviewer} {
		g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
		if role != access.Partner && role != access.Manager {
			g = access.Grant{Role: role, Scope: access.ScopeEngagement, Object: gatestest.ID}
		}
		id := f.account(strings.ReplaceAll(duty, " ", "-"), g)
		f.firm.People[duty] = id
		f.who[duty] = f.with(id, able([]access.Grant{g})...)
	}
	f.firm.Tester = f.firm.People[otherStaff]
	return f
}

// signing are the headers that make a request its person's own.
func (c *client) signing(keys *gatestest.Keys, method, path, body string, pairs ...string) []string {
	c.t.Helper()
	return c.signingIn(c.web.Home().Seal, keys, method, path, body, pairs...)
}

// signingIn is signing where a new key is announced by seal; nil: nobody learns of it.
func (c *client) signingIn(seal *evidence.Sealer, keys *gatestest.Keys, method, path, body string, pairs ...string) []string {
	c.t.Helper()
	s := Signing{Workspace: c.web.Home().Log.Keys().Log(), Method: method, Target: Prefix + path, Key: rand.Text(), Body: []byte(body)}
	out := []string{"Idempotency-Key", s.Key}
	for i := 0; i+1 < len(pairs); i += 2 {
		switch pairs[i] {
		case "If-Match":
			s.IfMatch = pairs[i+1]
		case "Idempotency-Key":
			s.Key, out = pairs[i+1], nil
		}
	}
	sig := keys.Sign(c.t, seal, c.now(), c.account, "Person "+c.account[len(c.account)-4:], "", "a request", s.Digest())
	raw, err := json.Marshal(sig)
	if err != nil {
		c.t.Fatal(err)
	}
	return append(out, PersonHeader, base64.RawURLEncoding.EncodeToString(raw))
}

// person is the client of a duty, with a token that has not ended.
func (f *firmWorld) person(duty string) *client { return f.who[duty] }

// ifMatch is the header of a revision.
func ifMatch(revision int64) []string { return []string{"If-Match", tagOf(revision)} }

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func inFile(format string, args ...any) string {
	return fmt.Sprintf("/engagements/"+gatestest.ID+format, args...)
}
