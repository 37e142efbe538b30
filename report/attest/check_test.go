package attest_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// variants are reports of every type.
func variants() map[string]attest.Report {
	return map[string]attest.Report{
		"type II": attesttest.TypeII(), "type I": attesttest.TypeI(), "SOC 3": attesttest.SOC3(), "SOC 1": attesttest.SOC1(),
		"draft": attesttest.Draft(), "with annex": attesttest.WithAnnex(attesttest.TypeII()),
	}
}

func TestCheckFindsNothingInWhatIsWhole(t *testing.T) {
	for name, r := range variants() {
		if err := attest.Check(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*attest.Report)
		want  string
	}{
		"id with a slash":           {func(r *attest.Report) { r.ID = "../1" }, "its id has letters"},
		"no client":                 {func(r *attest.Report) { r.Client.Name = " " }, "client: a name"},
		"unknown type":              {func(r *attest.Report) { r.Type = "soc4" }, `unknown type "soc4"`},
		"period backwards":          {func(r *attest.Report) { r.Last = "2025-01-01" }, "before it begins"},
		"no day":                    {func(r *attest.Report) { r.First = "1 Jan" }, `"1 Jan" is no day`},
		"dated inside the period":   {func(r *attest.Report) { r.Dated = "2026-12-30" }, "before the end of what it is on"},
		"unknown section":           {func(r *attest.Report) { r.Template.Order = []string{"preface"} }, `a section "preface"`},
		"a section twice":           {func(r *attest.Report) { r.Template.Order = []string{"tests", "tests"} }, "twice"},
		"an opinion less":           {func(r *attest.Report) { r.Opinions = r.Opinions[:2] }, "it has opinions on"},
		"another word":              {func(r *attest.Report) { r.Opinions[0].Word = "Clean" }, "it is Unmodified"},
		"qualified without basis":   {func(r *attest.Report) { r.Opinions[2].Basis = "" }, "says no basis"},
		"no assertion":              {func(r *attest.Report) { r.Assertions = nil }, "no assertion"},
		"assertion without signer":  {func(r *attest.Report) { r.Assertions[0].Signer = "" }, "signer of the assertion"},
		"no description":            {func(r *attest.Report) { r.Description = nil }, "no description"},
		"DC 1 twice":                {func(r *attest.Report) { r.Description[1].ID = "DC 1" }, "DC 1 twice"},
		"no criteria":               {func(r *attest.Report) { r.Groups = nil }, "no criteria"},
		"criterion twice":           {func(r *attest.Report) { r.Groups[1].ID = r.Groups[0].ID }, "twice in one set"},
		"unknown set":               {func(r *attest.Report) { r.Groups[0].Set = "nist" }, `of the set "nist"`},
		"control twice":             {func(r *attest.Report) { c := r.Groups[0].Controls; c[1].ID = c[0].ID }, "twice under"},
		"more tested than there is": {func(r *attest.Report) { r.Groups[0].Controls[0].Tests[0].Sample = 99 }, "of 2 items drawn 99 are tested"},
		"more exceptions":           {func(r *attest.Report) { r.Groups[0].Controls[0].Tests[0].Exceptions = 3 }, "3 exceptions in 2"},
		"test without result":       {func(r *attest.Report) { r.Groups[0].Controls[0].Tests[0].Result = "" }, "has no text"},
		"two responses":             {func(r *attest.Report) { r.Responses[1].Finding = "X-1" }, "two responses to X-1"},
		"a step of no log":          {func(r *attest.Report) { r.Annex.Steps = []attest.Step{{What: "x", Whose: "bank"}} }, "of no log"},
		"a control in a SOC 3":      {func(r *attest.Report) { g := r.Groups; *r = attesttest.SOC3(); r.Groups = g }, "for general use holds no controls"},
	} {
		t.Run(name, func(t *testing.T) {
			r := attesttest.TypeII()
			c.spoil(&r)
			err := attest.Check(r)
			if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ErrInvalid with %q", err, c.want)
			}
			if _, err := attest.Build(r); err == nil {
				t.Error("a document was made of it")
			}
		})
	}
}
