package examination

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
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
		set := f.P.Def.Catalog.Set(definition.DefaultSet)
		r.Groups = groups(x, w, set)
		r.Imported = w.printed(r.Groups)
		return nil
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
	for _, s := range t.Extra {
		r.Extra = append(r.Extra, attest.CriteriaSet{ID: s.ID, Name: s.Name, Examined: s.Examined})
	}
	for _, s := range t.Subservices {
		r.Subservices = append(r.Subservices, attest.Subservice{Name: s.Name, Service: s.Service, Inclusive: s.Inclusive, Expected: expected(s.Expected), Monitored: s.Monitor})
	}
	text, aerr := w.auditor(&r)
	if aerr != nil {
		return r, aerr
	}
	r.Auditor = attest.Section{Title: "Independent service auditor's report", Text: text}
	if !r.Type.Public() {
		r.Closing = []attest.Section{{Title: "Restricted use", Text: fill(w.Restricted, &r)}}
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

var categoryNames = map[audit.Category]string{audit.Security: "Security", audit.Availability: "Availability",
	audit.ProcessingIntegrity: "Processing Integrity", audit.Confidentiality: "Confidentiality", audit.Privacy: "Privacy"}

func party(p engagement.Party) attest.Party {
	return attest.Party{Name: p.Name, City: p.City, State: p.State, License: p.License, PeerReview: p.PeerReview}
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
			r.Assertions = append(r.Assertions, attest.Statement{By: a.By, Text: a.Text, Except: a.Decision.Except, Dated: a.Dated, Signer: a.Signed.Name + ", " + a.Signed.Title})
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
	for _, x := range []struct{ head, text string }{{"Cause", r.Cause}, {"Effect", r.Effect}, {"What was done", r.Done}, {"Status", r.Status}} {
		if strings.TrimSpace(x.text) != "" {
			parts = append(parts, "**"+x.head+".** "+strings.TrimSpace(x.text))
		}
	}
	return strings.Join(parts, "\n\n")
}

// groups are the rows of Section IV: each criterion or objective with its
// controls and their tests. A report for everybody has none.
func groups(x *fieldwork.File, w Wording, set *definition.CriteriaSet) (out []attest.Group) {
	if x.Terms.Type == engagement.SOC3 {
		return nil
	}
	add := func(id, setID, text string, has func(audit.Control) bool) {
		g := attest.Group{ID: id, Set: setID, Text: text}
		if official := w.official(setID, id); official != "" {
			g.Text, g.Official = official, hexSum([]byte(official))
		}
		for _, c := range inForce(x) {
			if has(c) {
				g.Controls = append(g.Controls, control(x, c))
			}
		}
		out = append(out, g)
	}
	if x.Terms.Type.OfObjectives() {
		for _, o := range x.Terms.Objectives {
			add(o.ID, "objectives", o.Text, func(c audit.Control) bool { return slices.Contains(o.Controls, c.ID) })
		}
		return out
	}
	for _, c := range set.In(inScope(x.Terms)) {
		add(c.ID, "", c.Summary, func(k audit.Control) bool { return slices.Contains(k.Criteria, c.ID) })
	}
	for _, s := range x.Terms.Extra {
		for _, id := range s.Criteria {
			add(id, s.ID, id, func(k audit.Control) bool { return testsExtra(x, k.ID, id) })
		}
	}
	return out
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

// inForce are the client's controls that are described, each with its newest
// revision's text.
func inForce(x *fieldwork.File) (out []audit.Control) {
	if x.Controls == nil {
		return nil
	}
	for _, c := range x.Controls.Controls {
		if x.Description != nil && !slices.Contains(x.Description.Controls, c.ID) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].ID == c.ID {
			out[n-1] = c
			continue
		}
		out = append(out, c)
	}
	return out
}

func control(x *fieldwork.File, c audit.Control) attest.Control {
	out := attest.Control{ID: c.ID, Text: c.Description}
	if k := x.Concluded["control:"+c.ID]; k != nil {
		out.Outcome = string(k.Outcome)
	}
	for _, t := range book.Sorted(x.Tests) {
		if t.Control == c.ID && t.Dropped == "" && printed(x, t) {
			out.Tests = append(out.Tests, test(x, t))
		}
	}
	return out
}

// printed reports whether Section IV lists a test: of operation over a period, of
// design as of a date or where nothing of operation is tested.
func printed(x *fieldwork.File, t *fieldwork.Test) bool {
	if t.Phase == engagement.Operation {
		return true
	}
	if t.Phase != engagement.Design {
		return false
	}
	for _, o := range x.Tests {
		if o.Control == t.Control && o.Dropped == "" && o.Phase == engagement.Operation {
			return false
		}
	}
	return true
}

// test is one row with the figures of its workpaper: its sample, and exceptions
// that stand. Deviations outside the sample are counted apart.
func test(x *fieldwork.File, t *fieldwork.Test) attest.Test {
	out := attest.Test{ID: t.ID, Text: t.Text, Paper: x.PaperDigest(t.ID)}
	excepted := map[string]bool{}
	var texts []string
	for _, y := range book.Sorted(x.Findings) {
		if y.Test != t.ID || !y.Stands() {
			continue
		}
		for _, item := range y.Items {
			excepted[item] = true
		}
		out.Known += len(y.Known)
		out.Findings, texts = append(out.Findings, y.ID), append(texts, strings.TrimSpace(y.Text))
	}
	out.Exceptions = len(excepted)
	if p := x.Papers[t.ID]; p != nil {
		counts(x, p, t, excepted, &out)
	}
	out.Result = result(x, t, texts)
	return out
}

// counts are the sizes of a workpaper's populations and samples, and of a
// stratified sample those of each part.
func counts(x *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test, excepted map[string]bool, out *attest.Test) {
	seen := map[string]bool{}
	for _, id := range p.Samples {
		s := x.Samples[id]
		if s == nil {
			continue
		}
		if pop := x.Populations[s.Population]; pop != nil && !seen[s.Population] {
			out.Population += pop.Count
		}
		seen[s.Population] = true
		if len(s.Draws) > 1 {
			out.Strata = append(out.Strata, strata(s, excepted)...)
		}
	}
	if len(p.Samples) > 0 {
		out.Sample = p.ItemsTested(t)
	}
}

func strata(s *fieldwork.Sample, excepted map[string]bool) (out []attest.Stratum) {
	for _, d := range s.Draws {
		part := attest.Stratum{Name: d.Stratum, Population: d.Count, Sample: d.Size}
		for _, item := range d.Items {
			if excepted[item] {
				part.Exceptions++
			}
		}
		out = append(out, part)
	}
	return out
}

// result is what a test came to, in the auditor's words: the text of each
// exception that stands; without one, that none was noted where everything has a
// result, else what the conclusion says.
func result(x *fieldwork.File, t *fieldwork.Test, texts []string) string {
	if len(texts) > 0 {
		return strings.Join(texts, "\n\n")
	}
	k := x.Concluded["control:"+t.Control]
	switch p := x.Papers[t.ID]; {
	case k != nil && (k.Outcome == engagement.DidNotOccur || k.Outcome == engagement.UnableToConclude) && strings.TrimSpace(k.Text) != "":
		return strings.TrimSpace(k.Text)
	case p == nil || len(p.Untested(t)) > 0:
		return "Not tested yet."
	}
	return "No exceptions noted."
}
