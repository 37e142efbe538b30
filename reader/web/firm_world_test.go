package web

import (
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// A firmWorld is the room of an invented audit firm, whose names are markup.
type firmWorld struct {
	*world
	s       *Server
	partner *visitor // leads engagements in the whole workspace
}

// newFirmWorld makes a firm's workspace and serves it to a partner.
func newFirmWorld(t testing.TB) *firmWorld {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	w.write("tieout.yaml", "firm: { name: \"Sandgate "+evil4yaml+"\", zone: America/New_York, city: Boston, state: MA, license: \"MA 1234\", peerReview: \"2025, rating of its own report\" }\n")
	p := w.open("", true)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	f := &firmWorld{world: w, s: w.server()}
	f.partner = w.visit(f.s, "paula", access.Grant{Role: access.Partner, Scope: access.ScopeWorkspace})
	return f
}

// evil4yaml is markup that a YAML string in quotes can hold.
const evil4yaml = "<b>LLP</b>"

// by is a visitor as who acts in the book.
func (w *firmWorld) by(v *visitor, role access.RoleID) access.Subject {
	g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
	if role != access.Partner && role != access.Manager {
		g = access.Grant{Role: role, Scope: access.ScopeEngagement, Object: "EN-1"}
	}
	return access.Subject{Workspace: access.Firm, Kind: audit.ActorPerson, Account: v.account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

// firmTerms are good terms of a SOC 2 Type II over a year.
func firmTerms() engagement.Terms {
	return engagement.Terms{Type: engagement.SOC2TypeII, Client: engagement.Party{Name: "Halyard " + evil}, Firm: engagement.Party{Name: "Sandgate LLP", City: "Boston", State: "MA"},
		System: "Halyard Cloud " + evil, Zone: "America/New_York", First: "2026-01-01", Last: "2026-12-31",
		Categories: []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Availability, In: true, Why: "availability is promised"},
			{Category: audit.ProcessingIntegrity, Why: "no commitment on processing"}, {Category: audit.Confidentiality, Why: "no commitment beyond security"}, {Category: audit.Privacy, Why: "no personal data of consumers"}}}
}

// opened opens engagement EN-1.
func (w *firmWorld) opened() *firmWorld {
	w.t.Helper()
	terms := firmTerms()
	terms.Firm = w.s.firm.Party()
	if _, err := w.s.files.OpenEngagement(w.t.Context(), w.by(w.partner, access.Partner), terms); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// accepted is opened, with the partner independent, on the team, and the
// engagement accepted.
func (w *firmWorld) accepted() *firmWorld {
	w.t.Helper()
	return w.opened().acceptOpened()
}

// acceptOpened accepts EN-1 as it was opened.
func (w *firmWorld) acceptOpened() *firmWorld {
	w.t.Helper()
	by := w.by(w.partner, access.Partner)
	var checks []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		checks = append(checks, fieldwork.Checked{Question: q, Answer: "Looked at; nothing against it."})
	}
	letter, _, err := w.s.home.Blobs.Put(w.t.Context(), strings.NewReader("the engagement letter"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, err := range []error{
		w.s.files.Declare(w.t.Context(), by, "EN-1", true, ""),
		w.s.files.Assign(w.t.Context(), by, "EN-1", w.partner.account, fieldwork.DutyPartner, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}),
		w.s.files.Accept(w.t.Context(), by, "EN-1", checks, strings.TrimPrefix(letter, "sha256:")),
	} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return w
}

// later moves the clock, and signs the partner in anew.
func (w *firmWorld) later(d time.Duration) *visitor {
	w.t.Helper()
	w.at = w.at.Add(d)
	w.partner = w.visit(w.s, "paula")
	return w.partner
}
