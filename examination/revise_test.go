package examination_test

import (
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// TestRevise: where facts come out after the report, the firm opens its file again,
// concludes otherwise on a later day, and both sides write anew what goes into the
// report that takes the first one's place.
func TestRevise(t *testing.T) {
	c := courseOf(t, func(x *engagement.Terms) {
		x.Type, x.First, x.Last, x.AsOf = engagement.SOC2TypeI, "", "", "2026-03-31"
	})
	ctx := t.Context()
	c.tested("IAM-02")
	first, _ := c.issued()
	firstDigest := ""
	c.looks(func(x *management.Side) {
		firstDigest = x.Releases[0].Report
		if !x.Closed() {
			t.Error("the report is issued, and the company's side is open")
		}
	})
	section := engagement.DCSection{DC: "DC 4", Paragraphs: []engagement.Paragraph{{Text: "An incident of March came to be known in April."}}}
	refusedWith(t, c.client.Side.WriteSection(ctx, lead, c.id, section, 1), audit.ErrConflict, "the report is issued")

	c.now, c.day = c.now.Add(24*time.Hour), "2026-04-02"
	check(t, c.firm.Files.Revise(ctx, partner, c.id, "the procedure was not in force in March"))
	c.swap()
	c.looks(func(x *management.Side) {
		if x.Closed() || x.State != engagement.DraftReview || x.LetterAnew("Acme") == "" {
			t.Errorf("closed %v at %q, the letter %q", x.Closed(), x.State, x.LetterAnew("Acme"))
		}
	})
	check(t, c.client.Side.WriteSection(ctx, lead, c.id, section, 1))
	var controls []string
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { controls = x.ControlsInScope() })
	must[management.Version](t)(c.client.FinishDescription(ctx, signer, c.id, controls, []int64{1, 1, 1, 2, 1, 1, 1, 1}))
	c.swap()
	c.conclude(nil) // nothing can be concluded of IAM-02 any more
	c.opine()
	c.closed()
	again := c.issuing()
	again.Why = "The procedure was not in force in March."
	second, _ := c.issuedAs(again)
	if second.Dated != c.day || second.ID == first.ID {
		t.Errorf("the second report is %s, dated %s; the first %s", second.ID, second.Dated, first.ID)
	}
	c.looks(func(x *management.Side) {
		if len(x.Releases) != 2 || x.Releases[1].Supersedes != firstDigest || !x.Closed() || x.Letters["Acme"].Dated != c.day || x.Final.Version != 2 {
			t.Errorf("releases %+v, closed %v, letter %+v, description %d", x.Releases, x.Closed(), x.Letters["Acme"], x.Final.Version)
		}
	})
}

// tested takes a Type I to draft review: one control is tested and suitable.
func (c *course) tested(control string) {
	c.t.Helper()
	paper := c.design(control, []string{"CC6.2"})
	c.fieldwork()
	c.paper(paper, run)
	c.step(engagement.Exceptions)
	c.describe()
	c.dcs()
	c.conclude(map[string]fieldwork.Concluding{"control:" + control: {Outcome: engagement.DesignOnly, Design: fieldwork.Suitable, Implemented: true, Text: "Suitable as described."}})
	c.step(engagement.DescriptionFinal)
	c.opine()
	c.step(engagement.DraftReview)
	c.closed()
}

// looks reads the company's side.
func (c *course) looks(f func(*management.Side)) {
	c.t.Helper()
	check(c.t, c.client.Side.Read(c.t.Context(), func(s *management.State) error {
		x, err := s.Side(c.id)
		if err == nil {
			f(x)
		}
		return err
	}))
}
