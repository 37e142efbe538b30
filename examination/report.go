package examination

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/internal/natural"
	"tieout/report/attest"
)

// Report makes the value of an engagement's report as its file stands: the
// auditor's words and management's as they were given, and the figures that were
// counted. dated is the report's day; a draft says that it is one and has no
// opinion. Whether it may go out is for the gates and lint to say.
func (f *Firm) Report(ctx context.Context, id string, w Wording, dated string, draft bool) (attest.Report, error) {
	return f.report(ctx, id, w, dated, "", draft)
}

// report is Report of one that supersedes another engagement's; "" for none.
func (f *Firm) report(ctx context.Context, id string, w Wording, dated, supersedes string, draft bool) (r attest.Report, err error) {
	err = f.Files.ReadFile(ctx, id, func(_ *fieldwork.State, x *fieldwork.File) error {
		if r, err = newReport(x, w, dated, draft); err != nil {
			return err
		}
		r.Supersedes = superseded(x, supersedes)
		r.Extra, r.Groups = extraSets(x.Terms, f.P.Def.Catalog), groups(x, w, f.P.Def.Catalog)
		r.Imported = w.printed(r.Groups)
		return worded(&r, w)
	})
	if err != nil {
		return r, err
	}
	if r.Annex, err = f.annex(ctx, id); err != nil {
		return r, err
	}
	return r, attest.Check(r)
}

func newReport(x *fieldwork.File, w Wording, dated string, draft bool) (attest.Report, error) {
	t := x.Terms
	digest, err := w.Digest()
	r := attest.Report{
		Schema: attest.Schema, ID: fmt.Sprintf("RPT-%s-%d", t.ID, len(x.Issues)+1), Type: attest.Type(t.Type), Draft: draft,
		Client: party(t.Client), Firm: party(t.Firm), System: t.System, Zone: t.Zone, First: t.First, Last: t.Last, AsOf: t.AsOf, Dated: dated,
		Template: attest.Template{Name: w.Name, Version: w.Version, Example: w.Example, Digest: digest, Order: w.Order},
	}
	for _, c := range t.Categories {
		r.Categories = append(r.Categories, attest.Category{ID: c.Category, Name: categoryNames[c.Category], In: c.In, Why: c.Why})
	}
	for _, s := range t.Subservices {
		r.Subservices = append(r.Subservices, attest.Subservice{Name: s.Name, Service: s.Service, Inclusive: s.Inclusive, Expected: expected(s.Expected), Monitored: s.Monitor})
	}
	theirs(&r, x)
	if !draft {
		for _, p := range t.Type.Parts() {
			if o := x.Opinions[p]; o != nil {
				r.Opinions = append(r.Opinions, attest.Opinion{Part: string(p), Word: string(o.Opinion), Text: o.Text, Basis: o.Basis})
			}
		}
	}
	return r, err
}

// worded puts the firm's wording around the opinion; what it says follows from the
// rest of the report.
func worded(r *attest.Report, w Wording) error {
	text, err := w.auditor(r)
	if err != nil {
		return err
	}
	r.Auditor = attest.Section{Title: "Independent service auditor’s report", Text: text}
	if !r.Type.Public() {
		r.Closing = []attest.Section{{Title: "Restricted use", Text: fill(w.Restricted, r)}}
	}
	return nil
}

var categoryNames = map[audit.Category]string{audit.Security: "Security", audit.Availability: "Availability",
	audit.ProcessingIntegrity: "Processing Integrity", audit.Confidentiality: "Confidentiality", audit.Privacy: "Privacy"}

func party(p engagement.Party) attest.Party {
	return attest.Party{Name: p.Name, City: p.City, State: p.State, License: p.License, PeerReview: p.PeerReview, Reviewed: p.Reviewed, PeerResult: p.PeerResult}
}

func expected(list []engagement.Expected) (out []attest.Expected) {
	for _, x := range list {
		out = append(out, attest.Expected{ID: x.ID, Text: x.Text, Criteria: x.Criteria})
	}
	return out
}

// theirs puts management's words into the report: assertions, description,
// responses.
func theirs(r *attest.Report, x *fieldwork.File) {
	for _, name := range x.Parties() {
		if a := x.Assertions[name]; a != nil {
			r.Assertions = append(r.Assertions, attest.Statement{By: a.By, Text: a.Text, Except: a.Decision.Except, Dated: a.Dated, Signer: a.Signed.Name + ", " + a.Signed.Title, Version: a.Version, Terms: a.Terms})
		}
	}
	if d := x.Description; d != nil {
		r.Described, r.Expected = d.Controls, expected(d.Expected)
		for _, s := range d.Sections {
			if r.Type.Public() && s.DC != "DC 1" && s.DC != "DC 2" && s.DC != "DC 3" {
				continue // a report for everybody tells the boundary and the commitments
			}
			out := attest.DC{ID: s.DC, Title: describe.Titles[s.DC]}
			for _, p := range s.Paragraphs {
				out.Paragraphs = append(out.Paragraphs, attest.Paragraph{Text: p.Text, Sources: p.Sources})
			}
			r.Description = append(r.Description, out)
		}
	}
	if r.Type.Public() {
		return
	}
	if x.Description != nil {
		for _, o := range x.Description.Other {
			r.Other = append(r.Other, attest.Section{Title: o.Title, Text: o.Text})
		}
	}
	for _, y := range book.Sorted(x.Findings) {
		if y.Response != nil && y.Stands() {
			r.Responses = append(r.Responses, attest.Response{Finding: y.ID, Control: y.Control, Text: responseText(*y.Response)})
		}
	}
}

func responseText(r engagement.Response) string {
	agree := "Management agrees."
	if !r.Agrees {
		agree = "Management does not agree."
	}
	parts := []string{agree}
	for _, x := range []struct{ head, text string }{{"Cause", r.Cause}, {"Effect", r.Effect}, {"What was done", r.Done}, {"Status", r.Status}, {"Owner", r.Owner}} {
		if strings.TrimSpace(x.text) != "" {
			parts = append(parts, "**"+x.head+".** "+strings.TrimSpace(x.text))
		}
	}
	return strings.Join(parts, "\n\n")
}

func inScope(t engagement.Terms) (out []audit.Category) {
	for _, c := range t.Categories {
		if c.In {
			out = append(out, c.Category)
		}
	}
	return out
}

// testsExtra reports whether some test of a control is for a criterion of another
// set.
func testsExtra(x *fieldwork.File, control, criterion string) bool {
	for _, t := range x.Tests {
		if t.Control == control && t.Dropped == "" && slices.Contains(t.Extra, criterion) {
			return true
		}
	}
	return false
}

// inForce are the revisions of each of the client's controls that are described,
// as far as the report speaks about a time they were in force in; one that was in
// force at no such time is there as it was last. The order is that of the identifiers.
func inForce(x *fieldwork.File) (out [][]audit.Control) {
	if x.Controls == nil {
		return nil
	}
	first, last := spoken(x.Terms)
	at, all := map[string]int{}, map[string]audit.Control{}
	for _, c := range x.Controls.Controls {
		if x.Description != nil && !slices.Contains(x.Description.Controls, c.ID) {
			continue
		}
		all[c.ID] = c
		if c.Effective.From > last || c.Effective.To != "" && c.Effective.To < first {
			continue
		}
		if i, seen := at[c.ID]; seen {
			out[i] = append(out[i], c)
			continue
		}
		at[c.ID] = len(out)
		out = append(out, []audit.Control{c})
	}
	for id, c := range all {
		if _, in := at[id]; !in {
			out = append(out, []audit.Control{c})
		}
	}
	slices.SortFunc(out, func(a, b []audit.Control) int { return natural.Compare(a[0].ID, b[0].ID) })
	return out
}

// spoken are the first and the last day that a report on these terms speaks about.
func spoken(t engagement.Terms) (first, last string) {
	if t.Type.OverPeriod() {
		return t.First, t.Last
	}
	return t.AsOf, t.AsOf
}

// control is a control with its tests. Where it changed in the time, each text
// stands with its days, and each test says which days' control it is of.
func control(x *fieldwork.File, revisions []audit.Control) attest.Control {
	c := revisions[len(revisions)-1]
	out := attest.Control{ID: c.ID, Text: c.Description}
	if k := x.Concluded["control:"+c.ID]; k != nil {
		out.Outcome = string(k.Outcome)
	}
	first, last := spoken(x.Terms)
	for _, v := range revisions {
		if len(revisions) > 1 {
			from, to := within(first, last, v.Effective.From, v.Effective.To)
			out.Versions = append(out.Versions, attest.Version{From: from, To: to, Text: v.Description})
		}
	}
	for _, t := range book.Sorted(x.Tests) {
		if t.Control != c.ID || t.Dropped != "" || !x.Reported(t) {
			continue
		}
		one := test(x, t)
		if from, to := within(first, last, t.Version, t.Until); len(revisions) > 1 && from <= to {
			one.From, one.To = from, to
		}
		out.Tests = append(out.Tests, one)
	}
	return out
}

// within are the days from one to another, "" for an open end, that lie between
// first and last.
func within(first, last, from, to string) (string, string) {
	return max(first, from), min(last, cmp.Or(to, last))
}

// test is one row with the figures of its workpaper: its sample, and exceptions
// that stand. Deviations outside the sample are counted apart.
func test(x *fieldwork.File, t *fieldwork.Test) attest.Test {
	out := attest.Test{ID: t.ID, Text: t.Text, Paper: x.PaperDigest(t.ID)}
	if t.Phase == engagement.Design && x.Terms.Type.OverPeriod() {
		out.Phase = attest.OfDesign
	}
	excepted := map[string]bool{}
	var findings []*fieldwork.Finding
	for _, y := range book.Sorted(x.Findings) {
		if y.Test != t.ID || !y.Stands() {
			continue
		}
		for _, item := range y.Items {
			excepted[item] = true
		}
		out.Known += len(y.Known)
		out.Findings, findings = append(out.Findings, y.ID), append(findings, y)
	}
	out.Exceptions = len(excepted)
	var rows []row
	if p := x.Papers[t.ID]; p != nil {
		rows = rowsOf(x, p, t)
		if len(p.Samples) > 0 {
			counts(x, p, rows, excepted, &out)
		}
	}
	out.Result = result(x, t, rows, findings, &out)
	return out
}
