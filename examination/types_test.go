package examination_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report/attest"
	"tieout/report/attest/lint"
	"tieout/report/attest/pdf"
)

// refusedWith wants an error of a kind that says something.
func refusedWith(t *testing.T, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v that says %q", err, kind, says)
	}
}

// inHand wants an issued report to be whole: its value checked, linted without an
// error, in every format its type has, the PDF verified by itself, and in the
// client's hands.
func inHand(t *testing.T, c *course, r attest.Report, files []fieldwork.IssuedFile) {
	t.Helper()
	check(t, attest.Check(r))
	for _, f := range lint.Lint(r, lint.Beside{}) {
		if f.Severity == lint.Error {
			t.Errorf("%s: %s: %s", f.Where, f.Rule, f.Text)
		}
	}
	var ends []string
	for _, f := range files {
		_, end, _ := strings.Cut(f.Name, ".")
		ends = append(ends, "."+end)
		if end == "pdf" {
			in := must[io.ReadCloser](t)(c.firm.P.Blobs.Get(t.Context(), "sha256:"+f.Digest))
			data := must[[]byte](t)(io.ReadAll(in))
			check(t, in.Close())
			checks, err := pdf.Verify(data, "", attest.Trust{})
			check(t, err)
			if len(checks.List) == 0 {
				t.Error("nothing was checked of the PDF")
			}
			if broken := bytes.Replace(data, []byte("%%EOF"), []byte("%%EOG"), 1); !bytes.Equal(broken, data) {
				if _, err := pdf.Verify(broken, "", attest.Trust{}); err == nil {
					t.Error("a PDF with other bytes is verified")
				}
			}
		}
	}
	for _, f := range examination.FormatsOf(r.Type) {
		if !slices.Contains(ends, f.End) {
			t.Errorf("the report was issued as %v, without %s", ends, f.End)
		}
	}
	check(t, c.client.Side.Read(t.Context(), func(s *management.State) error {
		x, err := s.Side(c.id)
		if err == nil && (len(x.Releases) != 1 || x.State.Place() < engagement.Issued.Place()) {
			t.Errorf("the client has %d reports, at %q", len(x.Releases), x.State)
		}
		return err
	}))
}

const run = int64(1) // a record of Acme's log that a tester looked at

// TestTypeI: as of a date design is concluded on, and that a control is
// implemented only where an instance of it was seen. Operation is refused.
func TestTypeI(t *testing.T) {
	c := courseOf(t, func(x *engagement.Terms) {
		x.Type, x.First, x.Last, x.AsOf = engagement.SOC2TypeI, "", "", "2026-03-31"
	})
	ctx := t.Context()
	seen, unseen := c.design("IAM-02", []string{"CC6.2"}), c.design("IAM-06", []string{"CC6.1"})
	refusedWith(t, c.firm.Files.SetTest(ctx, manager, c.id, engagement.Test{ID: "T-X", Control: "IAM-02", Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected.",
		Criteria: []string{"CC6.2"}, Attributes: []engagement.Attribute{{Name: "A", Text: "It operated."}}}, "", 0), audit.ErrInvalid, "as of a date")
	c.fieldwork()
	c.paper(seen, run)
	c.paper(unseen)
	c.step(engagement.Exceptions)
	c.describe()
	c.dcs()
	as := func(o engagement.Outcome, implemented bool) fieldwork.Concluding {
		return fieldwork.Concluding{Outcome: o, Design: fieldwork.Suitable, Implemented: implemented, Text: "Suitable as described."}
	}
	files := c.firm.Files
	refusedWith(t, files.Conclude(ctx, manager, c.id, "control:IAM-02", as(engagement.NoExceptions, false), 0), audit.ErrConflict, "design only")
	refusedWith(t, files.Conclude(ctx, manager, c.id, "control:IAM-06", as(engagement.DesignOnly, true), 0), audit.ErrConflict, "no instance of it was seen")
	c.conclude(map[string]fieldwork.Concluding{"control:IAM-02": as(engagement.DesignOnly, true), "control:IAM-06": as(engagement.DesignOnly, false)})
	c.step(engagement.DescriptionFinal)
	c.opine()
	c.step(engagement.DraftReview)
	c.closed()
	r, list := c.issued()
	if len(r.Opinions) != 2 || r.AsOf != "2026-03-31" || r.Type != attest.Type(engagement.SOC2TypeI) {
		t.Errorf("opinions %+v as of %q on a %s", r.Opinions, r.AsOf, r.Type)
	}
	inHand(t, c, r, list)
}

// TestPlus: criteria of another set that are examined stand in the opinion, in
// Section IV and in the matrix of both sets; those that are only mapped do not.
func TestPlus(t *testing.T) {
	const leaving, mapped = "164.308(a)(3)(ii)(C)", "A.5.18"
	c := courseOf(t, func(x *engagement.Terms) {
		x.Type, x.First, x.Last, x.AsOf = engagement.SOC2TypeI, "", "", "2026-03-31"
		x.Extra = []engagement.CriteriaSet{{ID: "hipaa-security", Name: "HIPAA Security Rule", Examined: true, Criteria: []string{leaving}}, {ID: "iso-27001", Name: "ISO/IEC 27001:2022", Criteria: []string{mapped, "A.99.1"}, Framework: "iso-27001-2022"}}
	})
	test := c.design("IAM-02", []string{"CC6.2"}, leaving)
	c.fieldwork()
	c.paper(test, run)
	c.step(engagement.Exceptions)
	c.describe()
	c.dcs()
	var left []string
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { left = x.ToConclude() })
	if !slices.Contains(left, "criterion:"+leaving) || slices.Contains(left, "criterion:"+mapped) {
		t.Errorf("to conclude on: %v", left)
	}
	c.conclude(map[string]fieldwork.Concluding{
		"control:IAM-02":       {Outcome: engagement.DesignOnly, Design: fieldwork.Suitable, Implemented: true, Text: "Suitable as described."},
		"criterion:" + leaving: {Outcome: engagement.DesignOnly, Text: "Its control is suitably designed and in place."}})
	c.step(engagement.DescriptionFinal)
	c.opine()
	c.step(engagement.DraftReview)
	c.closed()
	r, list := c.issued()
	inHand(t, c, r, list)
	group := slices.IndexFunc(r.Groups, func(g attest.Group) bool { return g.ID == leaving })
	if group < 0 || r.Groups[group].Set != "hipaa-security" || len(r.Groups[group].Controls) != 1 || r.Groups[group].Controls[0].ID != "IAM-02" {
		t.Errorf("Section IV on %s: %+v", leaving, r.Groups)
	}
	c.related(r, mapped, "A.99.1")
	text := words(t, r)
	for _, want := range []string{"Termination procedures (addressable). Access ends when employment ends", "Relation of controls to ISO/IEC 27001:2022", "ISO/IEC 27001:2022, version 1, by Tieout", "By way of", "We also examined whether the controls were suitable to meet the criteria of HIPAA Security Rule", "HIPAA Security Rule, controls, tests and results", leaving} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// related wants a set that is only mapped to lead, by way of criteria that are
// examined, to the control that was tested; a place that no mapping knows to none.
func (c *course) related(r attest.Report, mapped, unknown string) {
	c.t.Helper()
	found := 0
	for _, g := range r.Groups {
		switch {
		case g.Set != "iso-27001":
		case g.ID == unknown:
			found++
			if len(g.Through)+len(g.Controls) != 0 {
				c.t.Errorf("%s, which no mapping knows, is related by way of %v to %v", unknown, g.Through, g.Controls)
			}
		case g.ID == mapped:
			found++
			if len(g.Through) == 0 || len(g.Controls) != 1 || g.Controls[0].ID != "IAM-02" || len(g.Controls[0].Tests) != 0 {
				c.t.Errorf("%s is related by way of %v to %+v; want the one control that was tested, without its tests", mapped, g.Through, g.Controls)
			}
		}
	}
	if found != 2 || r.Extra[1].Mapping == nil || r.Extra[1].Mapping.ID != "iso-27001-2022" || r.Extra[0].Mapping != nil {
		c.t.Errorf("%d places mapped, sets %+v", found, r.Extra)
	}
	_, page, _ := strings.Cut(words(c.t, r), "Relation of controls to")
	_, row, _ := strings.Cut(page, ">"+mapped+"<")
	row, _, _ = strings.Cut(row, "</tr>")
	if !strings.Contains(row, "IAM-02") || !strings.Contains(row, "CC6.2 (high)") {
		c.t.Errorf("the row of %s does not print its control and its ways: %q", mapped, row)
	}
}

// TestIncluded: a control of an included organization that the firm tests stands under
// its criterion with who operates it; one that nobody tests refuses the report.
func TestIncluded(t *testing.T) {
	c := courseOf(t, func(x *engagement.Terms) {
		x.Type, x.First, x.Last, x.AsOf = engagement.SOC2TypeI, "", "", "2026-03-31"
		x.Subservices = []engagement.Subservice{{Name: "Nimbus Hosting", Service: "hosting", Inclusive: true, Expected: []engagement.Expected{{ID: "N-1", Text: "Access to halls is limited.", Criteria: []string{"CC6.4"}}}}}
	})
	tests := []string{c.design("IAM-02", []string{"CC6.2"}), c.design("N-1", []string{"CC6.4"})}
	c.fieldwork()
	for _, id := range tests {
		c.paper(id, run)
	}
	c.step(engagement.Exceptions)
	c.describe()
	included := func() (at []string, faults []string) {
		r, err := c.firm.Report(t.Context(), c.id, examination.ExampleWording(engagement.SOC2TypeI), dated, true)
		check(t, err)
		for _, g := range r.Groups {
			for _, k := range g.Controls {
				if k.By != "" {
					at = append(at, fmt.Sprintf("%s %s of %s, %d test", g.ID, k.ID, k.By, len(k.Tests)))
				}
			}
		}
		for _, f := range lint.Lint(r, lint.Beside{}) {
			if f.Rule == lint.CarveOut && strings.Contains(f.Text, "N-1") || f.Rule == lint.ControlSets && strings.Contains(f.Text, "N-1") {
				faults = append(faults, f.Text)
			}
		}
		if len(at) > 0 && !strings.Contains(words(t, r), "Operated by Nimbus Hosting") {
			t.Error("the report does not print who operates the control")
		}
		return at, faults
	}
	if at, faults := included(); !slices.Equal(at, []string{"CC6.4 N-1 of Nimbus Hosting, 1 test"}) || len(faults) > 0 {
		t.Errorf("included: %v, faults %v", at, faults)
	}
	check(t, c.firm.Files.DropTest(t.Context(), manager, c.id, tests[1], "it is not needed", c.base("test:"+c.id+"/"+tests[1])))
	if at, faults := included(); len(at) > 0 || !slices.Contains(faults, "N-1 of Nimbus Hosting is included and no test of it is reported") {
		t.Errorf("included without a test: %v, faults %v", at, faults)
	}
}

// TestPlusNeedsWords: no report covers criteria that its template says nothing of.
func TestPlusNeedsWords(t *testing.T) {
	c := courseOf(t, func(x *engagement.Terms) {
		x.Extra = []engagement.CriteriaSet{{ID: "hipaa-security", Name: "HIPAA Security Rule", Examined: true, Criteria: []string{"164.308(a)(3)(ii)(C)"}}}
	})
	w := examination.ExampleWording(engagement.SOC2TypeII)
	w.Added = ""
	_, err := c.firm.Report(t.Context(), c.id, w, dated, true)
	refusedWith(t, err, audit.ErrConflict, "has no text for HIPAA Security Rule")
}

// words are all words of a report's document.
func words(t *testing.T, r attest.Report) string {
	t.Helper()
	return string(must[examination.File](t)(examination.Render(r, ".html")).Data)
}

// TestObjectives: a SOC 1 concludes on control objectives, and has no criteria.
func TestObjectives(t *testing.T) {
	c := courseOf(t, func(x *engagement.Terms) {
		x.Type, x.First, x.Last, x.AsOf, x.Categories = engagement.SOC1TypeI, "", "", "2026-03-31", nil
		x.Objectives = []engagement.Objective{{ID: "CO-1", Text: "Accounts that can change ledgers are those of people who work at Acme.", Controls: []string{"IAM-02"}}}
	})
	test := c.design("IAM-02", []string{}, "CO-1")
	c.fieldwork()
	c.paper(test, run)
	c.step(engagement.Exceptions)
	c.describe()
	c.dcs()
	c.conclude(map[string]fieldwork.Concluding{
		"control:IAM-02": {Outcome: engagement.DesignOnly, Design: fieldwork.Suitable, Implemented: true, Text: "Suitable as described."},
		"objective:CO-1": {Outcome: engagement.DesignOnly, Text: "Its control is suitably designed and in place."}})
	c.step(engagement.DescriptionFinal)
	c.opine()
	c.step(engagement.DraftReview)
	c.closed()
	r, list := c.issued()
	inHand(t, c, r, list)
	if len(r.Groups) != 1 || r.Groups[0].ID != "CO-1" || len(r.Groups[0].Controls) != 1 {
		t.Errorf("Section IV: %+v", r.Groups)
	}
}

// TestGeneralUse: a SOC 3 is made from the work of a Type II, prints neither tests
// nor exceptions, and warns where that report is modified.
func TestGeneralUse(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, two := issued(t)
	c := &course{world: w, id: "EN-2", terms: w.terms()}
	c.terms.Type, c.terms.RestsOn = engagement.SOC3, "EN-1"
	c.agreed()
	c.fieldwork()
	c.step(engagement.Exceptions)
	c.describe()
	c.step(engagement.DescriptionFinal)
	c.opine()
	c.step(engagement.DraftReview)
	c.closed()
	r, list := c.issued()
	inHand(t, c, r, list)
	if len(r.Groups) != 0 || len(r.Responses) != 0 || len(r.Opinions) != 1 || !r.Type.Public() {
		t.Errorf("%d groups, %d responses, opinions %+v", len(r.Groups), len(r.Responses), r.Opinions)
	}
	text := words(t, r)
	for _, g := range two.Groups {
		for _, k := range g.Controls {
			for _, x := range k.Tests {
				if len(x.Findings) > 0 && strings.Contains(text, x.Result) {
					t.Errorf("a report for everybody prints the exception of %s", k.ID)
				}
			}
		}
	}
	warned := slices.ContainsFunc(lint.Lint(r, lint.Beside{}), func(f lint.Fault) bool { return f.Rule == lint.Opinions })
	if !warned {
		t.Error("nothing warns that the report it rests on is modified")
	}
}
