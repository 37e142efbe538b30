package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// typeOne is an examination as of a date, with an exception of the report before
// and one test of design that saw an instance, signed off.
func typeOne(t *testing.T) *gridWorld {
	t.Helper()
	w := &gridWorld{firmWorld: newFirmWorld(t)}
	w.staff = w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	w.manager = w.visit(w.s, "mika", access.Grant{Role: access.Manager, Scope: access.ScopeWorkspace})
	terms := firmTerms()
	terms.Firm = w.s.firm.Party()
	terms.Type, terms.First, terms.Last, terms.AsOf = engagement.SOC2TypeI, "", "", "2026-03-31"
	terms.Prior = []engagement.Prior{{Control: "CHG-01", Text: "Reviews were late " + evil, Became: "A rule blocks it now"}}
	ctx, files, partner := t.Context(), w.s.files, w.by(w.partner, access.Partner)
	_, err := files.OpenEngagement(ctx, partner, terms)
	gridCheck(t, err)
	letter, _, err := w.s.home.Blobs.Put(ctx, strings.NewReader("the engagement letter"))
	gridCheck(t, err)
	var checks []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		checks = append(checks, fieldwork.Checked{Question: q, Answer: "Looked at; nothing against it."})
	}
	x := engagement.Test{ID: gridTest, Control: "CHG-01", Phase: engagement.Design, Kind: engagement.Inspection, Text: "Inspected one change.", Criteria: []string{"CC8.1"}, Attributes: []engagement.Attribute{{Name: "A", Text: "It was reviewed."}}}
	for _, err := range []error{
		files.Declare(ctx, partner, "EN-1", true, ""), files.Assign(ctx, partner, "EN-1", partner.Account, fieldwork.DutyPartner, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}),
		files.Accept(ctx, partner, "EN-1", checks, strings.TrimPrefix(letter, "sha256:")),
	} {
		gridCheck(t, err)
	}
	staff := staffAfter(t, w, w.asManager(), w.asStaff(), partner)
	for _, err := range []error{
		files.SetTest(ctx, w.asManager(), "EN-1", x, "", 0), files.OpenPaper(ctx, staff, "EN-1", gridTest, "", ""),
		files.Mark(ctx, staff, "EN-1", gridTest, fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{3}}, 0),
	} {
		gridCheck(t, err)
	}
	w.signedOff(gridTest)
	return w
}

// TestConcludeAsOfADate: as of a date there is design, and whether it is
// implemented; operation cannot be said. Each exception of the report before is
// looked at.
func TestConcludeAsOfADate(t *testing.T) {
	w := typeOne(t)
	page := w.manager.page(concludeChange)
	holdPage(t, concludeChange, page)
	holds(t, page, "An instance was seen: it is implemented", "The report before: Reviews were late &lt;", "A rule blocks it now", `value="no exceptions noted" required disabled`, "does not conclude on operation", `value="design only" required data-key="4"`)
	holds(t, w.manager.page("/engagements/EN-1/conclusions"), "Exceptions of the report before", "Reviews were late &lt;")
	say := []string{"outcome", "no exceptions noted", "design", "suitably designed", "implemented", "yes", "text", "Reviewed as it says.", "prior1", "One change after the rule was reviewed in time.", "revision", "0"}
	w.manager.refused("operation as of a date", "does not conclude on operation", concludeChange, say...)
	say[1] = "design only"
	without := slices.Clone(say)
	without[9] = ""
	holds(t, w.manager.refused("an exception of before that nobody looked at", "prior", concludeChange, without...), "Reviewed as it says.", `name="implemented" value="yes"`)
	w.manager.went(w.manager.post(concludeChange, say...))
	holds(t, w.manager.page(concludeChange), "Design only", ", implemented", "Of the report before: One change after the rule")
	if page := w.partner.page("/engagements/EN-1/opinion"); strings.Contains(page, "operated effectively") {
		t.Error("an opinion on operation is offered as of a date")
	}
}

// TestConclusionsOfASOC3: it has none of its own, and one part of the opinion.
func TestConclusionsOfASOC3(t *testing.T) {
	w := newFirmWorld(t).opened()
	terms := firmTerms()
	terms.Firm, terms.Type, terms.RestsOn = w.s.firm.Party(), engagement.SOC3, "EN-1"
	_, err := w.s.files.OpenEngagement(t.Context(), w.by(w.partner, access.Partner), terms)
	gridCheck(t, err)
	page := w.partner.page("/engagements/EN-2/conclusions")
	holdPage(t, "/engagements/EN-2/conclusions", page)
	holds(t, page, "its opinion rests on those of EN-1.", `href="/engagements/EN-1/conclusions"`)
	page = w.partner.page("/engagements/EN-2/opinion")
	holds(t, page, "The work of EN-1.", "Whether the controls operated effectively", "No opinion can be written yet")
	if strings.Contains(page, "suitably designed") {
		t.Error("a SOC 3 has more than one part")
	}
	if got := w.partner.get("/engagements/EN-2/conclusions/criterion:CC1.1"); got.Code != 404 {
		t.Errorf("a conclusion of a SOC 3: %d", got.Code)
	}
}

// TestKnownBecomesAnException: deviations outside the sample of one pattern are
// written as an exception of their own, which counts no sampled item.
func TestKnownBecomesAnException(t *testing.T) {
	w := gridOpened(t, 20, 3)
	gridCheck(t, w.s.files.AddKnown(t.Context(), w.asStaff(), "EN-1", gridTest, "INC-7", "the incident register", "Changed by hand "+evil))
	gridCheck(t, w.s.files.AddKnown(t.Context(), w.asStaff(), "EN-1", gridTest, "INC-8", "the incident register", "Changed by hand again"))
	const form = gridAddress + "/finding"
	holds(t, w.staff.page(gridAddress+"/known?of=told"), `href="`+form+`?known=told"`, "Changed by hand &lt;")
	page := w.staff.page(form + "?known=told")
	holds(t, page, "2 deviations are open outside the sample", `value="INC-7" checked`, `value="INC-8" checked`)
	if page = w.staff.page(form); strings.Contains(page, `value="INC-7" checked`) {
		t.Error("a deviation is chosen that nobody chose")
	}
	holds(t, w.staff.went(w.staff.post(form, "base", "0", "known", "INC-7", "nature", "changed by hand", "text", "One change was made by hand.", "evaluation", "weighed")), "INC-7")
	page = w.staff.page(gridAddress + "/known")
	holds(t, page, "1 of 2 deviations known outside the sample is open", "In an exception", `href="/engagements/EN-1/findings/X-1"`)
	if page = w.staff.page(form + "?known=told"); strings.Contains(page, `value="INC-7"`) {
		t.Error("a deviation is offered that is in another exception")
	}
}

// TestOwnWordIsNotConfirmed: who said of some deviations that they are none is
// offered what others said, and not their own.
func TestOwnWordIsNotConfirmed(t *testing.T) {
	w := gridOpened(t, 20, 3)
	for _, ref := range []string{"INC-7", "INC-8"} {
		gridCheck(t, w.s.files.AddKnown(t.Context(), w.asStaff(), "EN-1", gridTest, ref, "the incident register", "Changed by hand"))
	}
	const known = gridAddress + "/known"
	w.staff.went(w.staff.post(known+"/dispose", "ref", "INC-7", "as", "wrong test", "why", "It asked for too much", "revision", "2"))
	w.manager.went(w.manager.post(known+"/dispose", "ref", "INC-8", "as", "wrong test", "why", "It asked for too much", "revision", "3"))
	holds(t, w.manager.page(known), "2 wait for a second person", "Confirm all 1 that wait")
	holds(t, w.manager.went(w.manager.post(known+"/confirm", "all", "yes", "revision", "4")), "1 of 2 deviations known outside the sample is open")
	if got := w.manager.post(known+"/confirm", "ref", "INC-8", "revision", "5"); got.Code != http.StatusForbidden {
		t.Errorf("the manager confirms their own word: %d", got.Code)
	}
}
