package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
)

// deviationOf is the address of a finding of the tested workspace.
func deviationOf(t *testing.T, v *visitor) string {
	t.Helper()
	for _, l := range linksOf(v.page("/deviations")) {
		if strings.HasPrefix(l, "/deviations/D-") {
			return l
		}
	}
	t.Fatal("no finding is listed")
	return ""
}

var hidden = regexp.MustCompile(`name="(after|revision)" value="([^"]*)"`)

// hiddenOf is what a form says its reader had seen.
func hiddenOf(t *testing.T, page, name string) string {
	t.Helper()
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		if m[1] == name {
			return m[2]
		}
	}
	t.Fatalf("no form says %s:\n%s", name, page)
	return ""
}

func mustHold(t *testing.T, page string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// inert fails where markup of a person's words is markup of the page.
func inert(t *testing.T, page string) {
	t.Helper()
	if strings.Contains(page, evil) || strings.Contains(page, "<script>alert") || strings.Contains(page, `href="javascript:`) {
		t.Error("what a person wrote is markup of the page")
	}
}

func TestRespond(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	lead := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	signer := w.visit(s, "signer", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	at := deviationOf(t, lead)
	seen := hiddenOf(t, lead.page(at), "after")
	mustHold(t, lead.page(at), "The service auditor sees this finding with or without a response; nobody can remove it.")

	if got := reader.post(at+"/answer", "after", seen, "cause", "x"); got.Code != http.StatusForbidden {
		t.Errorf("a reader answers: %d", got.Code)
	}
	if strings.Contains(reader.page(at), "<form class=\"form\"") {
		t.Error("a reader is shown a form")
	}
	if got := lead.post(at+"/answer", "after", seen, "cause", "Cause "+evil, "response", "[x](javascript:alert(1)) **Mended**"); got.Code != http.StatusSeeOther {
		t.Fatalf("answering: %d\n%s", got.Code, got.Body)
	}
	page := lead.page(at)
	inert(t, page)
	mustHold(t, page, "<strong>Mended</strong>", "Management answered", "Lead ")

	// Somebody with the older page loses nothing and is told.
	got := lead.twin().post(at+"/answer", "after", seen, "cause", "My words "+evil, "response", "Other")
	if got.Code != http.StatusConflict {
		t.Fatalf("an older page: %d", got.Code)
	}
	inert(t, got.Body.String())
	mustHold(t, got.Body.String(), "My words", "since you opened it", "This was not kept")
	if strings.Contains(lead.page(at), "My words") {
		t.Error("the second answer counts")
	}

	// Proposed by one, approved by another.
	seen = hiddenOf(t, lead.page(at), "after")
	if got := lead.post(at+"/propose", "after", seen, "why", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a proposal without a reason: %d", got.Code)
	}
	if got := lead.post(at+"/propose", "after", seen, "why", "Wrong list "+evil); got.Code != http.StatusSeeOther {
		t.Fatalf("proposing: %d\n%s", got.Code, got.Body)
	}
	page = signer.page(at)
	inert(t, page)
	mustHold(t, page, "proposed on", "Approve: not a deviation")
	seen = hiddenOf(t, page, "after")
	mustHold(t, lead.page(at), "You cannot approve it: you prepared it; somebody else has to")
	for _, v := range []*visitor{signer, reader} {
		if strings.Contains(v.page(at), "You cannot approve it") {
			t.Errorf("%s is told what they miss nothing of", v.account)
		}
	}
	if got := lead.post(at+"/approve", "after", seen); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "somebody else has to") {
		t.Errorf("the proposer approves: %d\n%s", got.Code, got.Body)
	}
	if got := signer.post(at+"/approve", "after", seen, "why", "I looked at the list."); got.Code != http.StatusSeeOther {
		t.Fatalf("approving: %d\n%s", got.Code, got.Body)
	}
	page = lead.page(at)
	mustHold(t, page, "It was found not to be a deviation by Lead", "approved by Signer", "stays on record")
	seen = hiddenOf(t, page, "after")
	if got := lead.post(at+"/withdraw", "after", seen, "why", "It was right after all."); got.Code != http.StatusSeeOther {
		t.Fatalf("taking back: %d\n%s", got.Code, got.Body)
	}
	seen = hiddenOf(t, lead.page(at), "after")
	if got := lead.post(at+"/confirm", "after", seen); got.Code != http.StatusSeeOther {
		t.Fatalf("confirming: %d\n%s", got.Code, got.Body)
	}
	mustHold(t, lead.page(at), "It is confirmed as a deviation by Lead")
	if got := lead.post(at+"/confirm", "why", "no page"); got.Code != http.StatusConflict {
		t.Errorf("a form that says not what its reader had seen: %d", got.Code)
	}
}

func TestDecisionSentences(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"one record, sealed at once", sayCollected(1, true, ""), "1 record was collected and sealed"},
		{"many, sealed later", sayCollected(13, false, "14 Sep 2026 12:00 UTC"), "13 records were collected and sealed on 14 Sep 2026 12:00 UTC by this server's clock"},
		{"nothing decided", sayDecided(audit.Candidate, "", true), "Nobody has decided yet whether it is a deviation. It stands in the report as it was found."},
		{"not recorded", sayDecided(audit.Candidate, "", false), "No recorded run has found it yet, so nothing can be decided about it. It can be once the tests have run again."},
		{"confirmed", sayDecided(audit.Confirmed, "Ana", true), "It is confirmed as a deviation by Ana."},
		{"confirmed by a rule", sayDecided(audit.Confirmed, "", true), "It is confirmed as a deviation."},
		{"none", sayDecided(audit.NotDeviation, "Ana, approved by Ben", true), "It was found not to be a deviation by Ana, approved by Ben. The finding stays on record."},
		{"proposed", sayProposed("Ana", "14 Sep 2026, 12:00 UTC", audit.Candidate), "Ana proposed on 14 Sep 2026, 12:00 UTC that it is not a deviation. Until somebody else approves that, it counts as before: not decided."},
		{"proposed of a confirmed one", sayProposed("Ana", "14 Sep 2026", audit.Confirmed), "Ana proposed on 14 Sep 2026 that it is not a deviation. Until somebody else approves that, it counts as before: confirmed."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
		})
	}
}
