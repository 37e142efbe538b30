package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/store"
	"tieout/trust"
)

func TestPublish(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if _, err := w.book.Ask(ctx, "192.0.2.7", asking()); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("asked for before it is published: %v", err)
	}
	for name, tt := range map[string]struct {
		by     access.Subject
		report string
		want   error
	}{
		"a control owner":   {as(access.ControlOwner), value, audit.ErrForbidden},
		"an administrator":  {as(access.Administrator), value, audit.ErrForbidden},
		"the door":          {trust.Outsider("192.0.2.7"), value, audit.ErrForbidden},
		"no digest":         {lead, "abc", audit.ErrInvalid},
		"a token of a lead": {func() access.Subject { x := lead; x.Token = "T"; return x }(), value, audit.ErrForbidden},
	} {
		if err := w.book.Publish(ctx, tt.by, "EN-1", tt.report); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	check(t, w.book.Publish(ctx, as(access.ManagementSigner), "EN-1", value))
	if err := w.book.Publish(ctx, lead, "EN-1", value); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	if _, err := w.book.Ask(ctx, "192.0.2.7", asking()); err != nil {
		t.Errorf("asked for when it is published: %v", err)
	}
	check(t, w.book.Unpublish(ctx, lead, "EN-1"))
	if err := w.book.Unpublish(ctx, lead, "EN-1"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("taken off twice: %v", err)
	}
	if _, err := w.book.Ask(ctx, "192.0.2.7", asking()); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("asked for after it was taken off: %v", err)
	}
}

func TestAsk(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	for name, f := range map[string]func(*trust.Ask){
		"no name":              func(a *trust.Ask) { a.Name = " " },
		"two lines of name":    func(a *trust.Ask) { a.Name = "Ana\nLima" },
		"a long name":          func(a *trust.Ask) { a.Name = strings.Repeat("x", 141) },
		"no organization":      func(a *trust.Ask) { a.Organization = "" },
		"no mail":              func(a *trust.Ask) { a.Mail = "ana" },
		"two mails":            func(a *trust.Ask) { a.Mail = "a@b.example,c@d.example" },
		"a mail with a header": func(a *trust.Ask) { a.Mail = "a@b.example\nBcc: c@d.example" },
		"a class of their own": func(a *trust.Ask) { a.Class = "friend" },
		"no reason":            func(a *trust.Ask) { a.Reason = "please" },
		"a book of a reason":   func(a *trust.Ask) { a.Reason = strings.Repeat("x", 1001) },
		"controls in a reason": func(a *trust.Ask) { a.Reason = "We need it \x1b[31m now." },
		"no report":            func(a *trust.Ask) { a.Report = "" },
	} {
		if _, err := w.book.Ask(ctx, "192.0.2.7", asking(f)); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, f := range map[string]func(*trust.Ask){"another report": func(a *trust.Ask) { a.Report = trust.DigestOf("x") }, "another engagement": func(a *trust.Ask) { a.Engagement = "EN-2" }} {
		if _, err := w.book.Ask(ctx, "192.0.2.7", asking(f)); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range trust.MaxOpen {
		if id, err := w.book.Ask(ctx, "192.0.2.7", asking()); err != nil || id != fmt.Sprintf("AQ-%d", i+1) {
			t.Fatalf("request %d: %s, %v", i, id, err)
		}
	}
	if _, err := w.book.Ask(ctx, "192.0.2.8", asking()); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("one more than can wait: %v", err)
	}
	if err := w.book.Refuse(ctx, lead, "AQ-1", ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("refused without a reason: %v", err)
	}
	check(t, w.book.Refuse(ctx, lead, "AQ-1", "We do not know them."))
	if err := w.book.Refuse(ctx, lead, "AQ-1", "Again."); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("refused twice: %v", err)
	}
	if _, _, err := w.book.Give(ctx, lead, w.giving(func(g *trust.Giving) { g.Request = "AQ-1" })); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("given what was refused: %v", err)
	}
	if _, err := w.book.Ask(ctx, "192.0.2.8", asking()); err != nil {
		t.Errorf("when one was decided: %v", err)
	}
}

// TestClasses holds every class to its grounds: a ground that is none of its own, one
// that is not named, and a SOC 1 to who cannot use it are refused.
func TestClasses(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	for _, c := range trust.Classes {
		if len(c.Bases) == 0 || c.Days < 1 || c.Days > trust.MaxDays || c.Why == "" || c.Title == "" {
			t.Errorf("%s is not whole: %+v", c.ID, c)
		}
		for _, b := range trust.Bases {
			for _, kind := range []string{"soc2-type2", "soc1-type2"} {
				for _, ground := range []string{"", "Master agreement, clause 14"} {
					want := error(nil)
					own := false
					for _, x := range c.Bases {
						own = own || x == b.ID
					}
					if !own || b.ID != trust.ByTerms && ground == "" || kind == "soc1-type2" && !c.SOC1 {
						want = audit.ErrInvalid
					}
					_, _, err := w.book.Give(ctx, lead, w.giving(func(g *trust.Giving) { g.Class, g.Basis, g.Ground, g.Type = c.ID, b.ID, ground, kind }))
					if !errors.Is(err, want) || want == nil && err != nil {
						t.Errorf("%s by %s (%q) a %s: got %v, want %v", c.ID, b.ID, ground, kind, err, want)
					}
				}
			}
		}
	}
	for id, soc1 := range map[trust.ClassID]bool{trust.Customer: true, trust.UserAuditor: true, trust.Prospect: false, trust.Regulator: false, trust.Insurer: false, trust.Investor: false} {
		if c, ok := trust.ClassOf(id); !ok || c.SOC1 != soc1 {
			t.Errorf("a SOC 1 to %s: %v", id, c.SOC1)
		}
	}
	if c, _ := trust.ClassOf(trust.Regulator); len(c.Bases) != 1 || c.Bases[0] != trust.ByLaw {
		t.Errorf("a regulator reads on the ground of %v", c.Bases)
	}
}

func TestGiveRefused(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	for name, tt := range map[string]struct {
		by     access.Subject
		change func(*trust.Giving)
		want   error
	}{
		"a signer":                   {as(access.ManagementSigner), func(*trust.Giving) {}, audit.ErrForbidden},
		"a reader":                   {as(access.Reader), func(*trust.Giving) {}, audit.ErrForbidden},
		"the door":                   {trust.Outsider(""), func(*trust.Giving) {}, audit.ErrForbidden},
		"a token":                    {func() access.Subject { x := lead; x.Token = "T"; return x }(), func(*trust.Giving) {}, audit.ErrForbidden},
		"a repeat":                   {func() access.Subject { x := lead; x.Once = "K"; return x }(), func(*trust.Giving) {}, audit.ErrInvalid},
		"ended already":              {lead, func(g *trust.Giving) { g.Expires = start.Add(-time.Second) }, audit.ErrInvalid},
		"forever":                    {lead, func(g *trust.Giving) { g.Expires = start.AddDate(3, 0, 0) }, audit.ErrInvalid},
		"nobody":                     {lead, func(g *trust.Giving) { g.Name = "" }, audit.ErrInvalid},
		"a request there is none of": {lead, func(g *trust.Giving) { g.Request = "AQ-9" }, audit.ErrNotFound},
	} {
		if _, secret, err := w.book.Give(ctx, tt.by, w.giving(tt.change)); !errors.Is(err, tt.want) || secret != "" {
			t.Errorf("%s: got %q, %v, want %v", name, secret, err, tt.want)
		}
	}
	bare := newWorld(t)
	if _, _, err := bare.book.Give(ctx, lead, bare.giving()); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("on the ground of terms, of which there are none: %v", err)
	}
}

// TestFind: a link opens by its whole secret and by nothing else, and the log does
// not hold it.
func TestFind(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	one, secret := w.given()
	two, other := w.given()
	if one == two || secret == other || len(secret) != 43 {
		t.Fatalf("%s %q, %s %q", one, secret, two, other)
	}
	for s, want := range map[string]string{secret: one, other: two} {
		if g, err := w.book.Find(ctx, s); err != nil || g.ID != want {
			t.Errorf("a link of %s opens %s, %v", want, g.ID, err)
		}
	}
	hash := w.grant(one).Hash
	for _, s := range []string{"", "x", secret[1:], secret + "x", secret[:42] + "!", strings.ToLower(secret), " " + secret[1:], hash, hash[:43], one, strings.Repeat("A", 43), strings.Repeat("x", 1<<16)} {
		if g, err := w.book.Find(ctx, s); !errors.Is(err, audit.ErrNotFound) || g.ID != "" {
			t.Errorf("%.60q opens %s, %v", s, g.ID, err)
		}
	}
	err := w.seal.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		body, err := w.seal.Body(ctx, rec)
		if bytes.Contains(body, []byte(secret)) || bytes.Contains(rec.Detail, []byte(secret)) {
			t.Errorf("%s holds the secret", rec.Ref())
		}
		return err
	})
	check(t, err)
}

// TestUse: nothing is looked at or taken before the terms are agreed to, as they are
// in force, nor after access ended.
func TestUse(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	id, _ := w.given()
	refused := func(when string) {
		t.Helper()
		for what, err := range map[string]error{"a look": w.book.View(ctx, "", id), "a copy": w.book.MayFetch(ctx, "", id), "a copy that was made": w.book.Fetch(ctx, "", id, "CP-1", value)} {
			if !errors.Is(err, audit.ErrForbidden) {
				t.Errorf("%s %s: %v", what, when, err)
			}
		}
	}
	refused("before the terms are agreed to")
	if err := w.book.Agree(ctx, "", id, trust.DigestOf("other"), "Ana Lima", "Head of risk"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("agreed to another text: %v", err)
	}
	if err := w.book.Agree(ctx, "", id, trust.DigestOf(terms), "", "Head of risk"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("agreed to by nobody: %v", err)
	}
	next, err := w.book.SetTerms(ctx, lead, terms+"\n\nAnd you say so when it is over.", 1)
	check(t, err)
	if err := w.book.Agree(ctx, "", id, trust.DigestOf(terms), "Ana Lima", "Head of risk"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("agreed to terms of before: %v", err)
	}
	check(t, w.book.Agree(ctx, "192.0.2.9", id, next.Digest, "Ana Lima", "Head of risk"))
	if err := w.book.Agree(ctx, "", id, next.Digest, "Ana Lima", "Head of risk"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("agreed to twice: %v", err)
	}
	_, err = w.book.SetTerms(ctx, lead, terms, 2)
	check(t, err)
	for range 3 { // one look, and one more after an hour
		check(t, w.book.View(ctx, "", id))
	}
	w.now = w.now.Add(trust.SameView)
	check(t, w.book.View(ctx, "", id))
	for i := range trust.MaxFetches {
		check(t, w.book.MayFetch(ctx, "", id))
		check(t, w.book.Fetch(ctx, "", id, fmt.Sprintf("CP-%d", i+1), value))
	}
	if err := w.book.MayFetch(ctx, "", id); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("more copies than a link gives: %v", err)
	}
	if g := w.grant(id); len(g.Views) != 2 || len(g.Fetches) != trust.MaxFetches || g.Agreed == nil || g.Agreed.Version != 2 || g.Agreed.Title != "Head of risk" {
		t.Errorf("what is kept: %d looks, %d copies, %+v", len(g.Views), len(g.Fetches), g.Agreed)
	}
	check(t, w.book.Revoke(ctx, lead, id, "They bought elsewhere."))
	refused("after it was revoked")
	if err := w.book.Revoke(ctx, lead, id, "Again."); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("revoked twice: %v", err)
	}
	if g := w.grant(id); !g.Ended(w.now).Equal(g.Revoked) {
		t.Errorf("ended at %v, revoked at %v", g.Ended(w.now), g.Revoked)
	}
}

// TestExpiry: access ends at its instant, for whoever agreed and for who did not.
func TestExpiry(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	agreed, _ := w.given(func(g *trust.Giving) { g.Class, g.Basis, g.Ground = trust.Customer, trust.ByContract, "Clause 14" })
	never, _ := w.given()
	check(t, w.book.View(ctx, "", agreed)) // a contract binds them: nothing to agree to
	end := w.grant(agreed).Expires
	w.now = end.Add(-time.Microsecond)
	check(t, w.book.Fetch(ctx, "", agreed, "CP-1", value))
	w.now = end
	if err := w.book.Fetch(ctx, "", agreed, "CP-2", value); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a copy at the end: %v", err)
	}
	if err := w.book.Agree(ctx, "", never, trust.DigestOf(terms), "Ana Lima", "Head of risk"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("agreed to after the end: %v", err)
	}
	if g := w.grant(agreed); !g.Ended(w.now).Equal(end) || !g.Ended(end.Add(-time.Microsecond)).IsZero() {
		t.Errorf("it ends at %v, want %v", g.Ended(w.now), end)
	}
	if err := w.book.Revoke(ctx, lead, agreed, "Over."); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("revoked after the end: %v", err)
	}
}

// forged seals an entry past what the book asks before it writes.
func (w *world) forged(kind, on, data string, by audit.Actor) {
	w.t.Helper()
	id, err := evidence.NewID(w.now)
	check(w.t, err)
	body := fmt.Sprintf(`{"base":-1,"data":%s,"format":"tieout.entry/1","kind":%q,"on":%q}`, data, kind, on)
	_, err = w.seal.SealOnce(w.t.Context(), evidence.Draft{ID: id, Kind: audit.RecordTrust, Media: "application/json", Body: []byte(body), Actor: by})
	check(w.t, err)
}

// TestForged: what is in the log from anybody but who may write it counts for nothing.
func TestForged(t *testing.T) {
	w := published(t)
	id, _ := w.given(func(g *trust.Giving) { g.Class, g.Basis, g.Ground = trust.Customer, trust.ByContract, "Clause 14" })
	person, door := audit.Actor{Kind: audit.ActorPerson, Name: leaID}, audit.Actor{Kind: audit.ActorConnector, Name: trust.Door}
	for _, x := range []struct {
		kind, on, data string
		by             audit.Actor
	}{
		{"access.view", "grant:" + id, `{}`, person},
		{"access.view", "grant:" + id, `{}`, audit.Actor{Kind: audit.ActorConnector, Name: "exchange"}},
		{"access.fetch", "grant:" + id, `{"copy":"CP-1","digest":"` + value + `"}`, person},
		{"access.revoke", "grant:" + id, `{"why":"x"}`, door},
		{"trust.publish", "publication:EN-2", `{"report":"` + value + `"}`, door},
		{"trust.unpublish", "publication:EN-1", `{}`, audit.Actor{Kind: audit.ActorCommand, Name: "tieout"}},
		{"nda.set", "terms:access", `{"text":"` + strings.Repeat("x", 50) + `","version":2}`, door},
		{"access.view", "request:" + id, `{}`, door},
		{"access.view", "grant:G-9", `{}`, door},
		{"access.view", "grant:" + id, `{"more":1}`, door},
		{"access.open", "grant:" + id, `{}`, door},
	} {
		w.forged(x.kind, x.on, x.data, x.by)
	}
	check(t, w.book.Read(t.Context(), func(s *trust.State) error {
		g := s.Grants[id]
		if len(s.Void) != 11 || len(g.Views)+len(g.Fetches) != 0 || !g.Revoked.IsZero() || len(s.Published) != 1 || s.Terms.Version != 1 {
			t.Errorf("%d void; grant %+v, published %v, terms %d", len(s.Void), g, s.Published, s.Terms.Version)
		}
		return nil
	}))
}

// TestAnswered: a grant that answers a request decides it, and says so in its history.
func TestAnswered(t *testing.T) {
	w := published(t)
	ctx := t.Context()
	asked, err := w.book.Ask(ctx, "192.0.2.7", asking())
	check(t, err)
	id, _ := w.given(func(g *trust.Giving) { g.Request = asked })
	r, err := w.book.Request(ctx, asked)
	if err != nil || r.Open() || r.Grant != id || r.By != leaID {
		t.Errorf("the request: %+v, %v", r, err)
	}
	requests, grants, err := w.book.All(ctx)
	if err != nil || len(requests) != 1 || len(grants) != 1 {
		t.Errorf("%d requests, %d grants, %v", len(requests), len(grants), err)
	}
	check(t, w.book.Read(ctx, func(s *trust.State) error {
		if h := s.History("request:" + asked); len(h) != 2 || !strings.Contains(h[1].What, id) {
			t.Errorf("its history: %+v", h)
		}
		return nil
	}))
}
