package examination_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report/attest"
	"tieout/report/letter"
)

// TestBridgeLetter: a letter names everything that is on record for its days, or
// it is not signed; signed, it is a file that is checked by itself.
func TestBridgeLetter(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, r := issued(t)
	ctx := t.Context()
	w.now = time.Date(2026, 4, 20, 12, 0, 0, 0, time.UTC)
	incident, err := w.client.P.Registers().ReportIncident(ctx, as(access.Company, leaID, access.ComplianceLead, access.ScopeWorkspace), "Pages were slow for two hours.", time.Date(2026, 4, 10, 9, 0, 0, 0, time.UTC))
	check(t, err)
	g := must[examination.Ground](t)(w.client.BridgeGround(ctx, "EN-1", ""))
	if g.From != "2026-04-01" || g.To != "2026-04-20" || g.Limit != 92 || len(g.Modified) != 3 {
		t.Errorf("the ground: %+v", g)
	}
	refs := g.Refs()
	open := func(prefix string) bool {
		return slices.ContainsFunc(refs, func(s string) bool { return strings.HasPrefix(s, prefix) })
	}
	if !slices.Contains(refs, "incident:"+incident.ID) || !open("deviation:D-") || !open("untested:2026-04-01..2026-04-20") {
		t.Errorf("on record: %v", refs)
	}
	all := []management.Disclosure{}
	for _, k := range slices.Concat(g.Known, g.Modified) {
		all = append(all, management.Disclosure{Ref: k.Ref, Text: "It is so: " + k.What})
	}
	own := examination.Keys{Store: w.client.P.Store}.Own(ctx)
	sign := func(d management.BridgeData) (string, error) {
		d.Signed = w.sign(w.client.P, signer, "Chief Executive Officer", "bridge letter", must[string](t)(d.ToSign()))
		return w.client.SignBridge(ctx, signer, "EN-1", d, own)
	}
	without := func(prefix string) []management.Disclosure {
		return slices.DeleteFunc(slices.Clone(all), func(d management.Disclosure) bool { return strings.HasPrefix(d.Ref, prefix) })
	}
	for _, prefix := range []string{"incident:", "deviation:", "untested:", "opinion:operation"} {
		_, err := sign(g.Bridge("Nothing else.", "2027-06-30", without(prefix)))
		if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "does not disclose "+prefix) {
			t.Errorf("without %s: %v", prefix, err)
		}
	}
	hidden := g.Bridge("Nothing else.", "2027-06-30", without("incident:"))
	hidden.Known = slices.DeleteFunc(hidden.Known, func(s string) bool { return strings.HasPrefix(s, "incident:") })
	if _, err := sign(hidden); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("a list without the incident: %v", err)
	}
	if _, err := w.client.BridgeGround(ctx, "EN-1", "2026-05-01"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("days to come: %v", err)
	}
	id := must[string](t)(sign(g.Bridge("The controls are in place, but for what follows.", "2027-06-30", all)))
	if id != "EN-1/L-1" {
		t.Errorf("letter %s", id)
	}
	l := must[letter.Letter](t)(w.client.Letter(ctx, "EN-1", "L-1"))
	file := must[[]byte](t)(letter.PDF(l))
	checks, err := letter.Verify(file, attest.Trust{Signers: []string{l.Words.Signed.Key}})
	if err != nil || l.Words.Report != must[string](t)(attest.Digest(r)) || l.Dated != dated {
		t.Errorf("%v: %+v", err, checks)
	}
	if _, err := w.client.Letter(ctx, "EN-1", "L-2"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("another letter: %v", err)
	}
}
