package describe_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/describe"
)

func facts() describe.Facts {
	at := time.Date(2026, 3, 12, 20, 0, 0, 0, time.UTC)
	return describe.Facts{Company: "Halyard, Inc.", System: "Halyard Cloud", Boundary: "A ledger that small firms keep their books in", Over: true, Period: "1 January 2026 to 31 December 2026", Zone: time.UTC,
		Users:        []describe.Named{{ID: "firms", Name: "Small firms", Text: "who keep their books"}},
		Components:   []describe.Component{{ID: "api", Name: "API", Kind: "software"}, {ID: "eu", Name: "EU region", Kind: "infrastructure", Since: "1 May 2026"}, {ID: "ops", Name: "Operations", Kind: "people"}, {ID: "run", Name: "Runbooks", Kind: "procedures"}},
		Data:         []describe.Class{{ID: "books", Name: "Books", Level: "confidential"}},
		Commitments:  []describe.Promise{{ID: "C-1", Text: "Customer data is encrypted at rest.", Where: "Terms of service"}},
		Requirements: []describe.Promise{{ID: "R-1", Text: "Access is given by role"}},
		Incidents:    []describe.Incident{{ID: "INC-2", Title: "Reports of other customers were shown", Effect: "Two customers saw totals", Cause: "A cache key left out the customer", Began: at, Ended: at.Add(5 * time.Hour), Subjects: 14, Decided: true, Disclosed: true}, {ID: "INC-3", Title: "Slow pages", Decided: true}},
		Criteria:     []string{"CC6.1", "CC6.2"}, Controls: []describe.Control{{ID: "IAM-06", Criteria: []string{"CC6.1", "CC6.2"}}},
		Expected:    []describe.Expected{{ID: "U-1", Text: "User entities remove their own people", Criteria: []string{"CC6.2"}}},
		Subservices: []describe.Subservice{{Name: "Amazon Web Services", Service: "Hosting", Expected: []describe.Expected{{ID: "S-1", Text: "Data centers are guarded", Criteria: []string{"CC6.4"}}}, Monitored: []string{"VND-02"}, Report: "30 September 2026"}},
		Changes:     []describe.Change{{Ref: "IAM-06@2026-06-01", Text: "Leavers' access ends within one business day, before it was three", At: at, Decided: true, Disclosed: true}},
	}
}

func text(out []engagement.DCSection, dc string) string {
	i := slices.IndexFunc(out, func(s engagement.DCSection) bool { return s.DC == dc })
	if i < 0 {
		return ""
	}
	var b strings.Builder
	for _, p := range out[i].Paragraphs {
		b.WriteString(p.Text + "\n")
	}
	return b.String()
}

// TestDraft: every criterion is drafted from what is held, and each paragraph
// says from what.
func TestDraft(t *testing.T) {
	out, gaps := describe.Draft(facts())
	if len(gaps) != 0 || len(out) != 9 {
		t.Errorf("%d sections, missing %v", len(out), gaps)
	}
	want := map[string]string{
		"DC 1": "Halyard, Inc. operates Halyard Cloud. A ledger that small firms keep their books in.",
		"DC 2": "- Customer data is encrypted at rest (Terms of service).",
		"DC 3": "- EU region; part of the system since 1 May 2026.",
		"DC 4": "It began on 12 March 2026 and ended on 13 March 2026. It concerned the data of 14 people. Two customers saw totals. A cache key left out the customer.",
		"DC 5": "- CC6.2: IAM-06",
		"DC 6": "- User entities remove their own people (U-1; CC6.2).",
		"DC 7": "**Amazon Web Services** provides hosting.",
		"DC 8": "All criteria of the categories examined apply.",
		"DC 9": "On 12 March 2026: Leavers' access ends within one business day",
	}
	for dc, words := range want {
		if got := text(out, dc); !strings.Contains(got, words) {
			t.Errorf("%s does not say %q:\n%s", dc, words, got)
		}
	}
	if strings.Contains(text(out, "DC 4"), "Slow pages") {
		t.Error("an incident that management decided not to disclose is told")
	}
	for _, s := range out {
		for _, p := range s.Paragraphs {
			if len(p.Sources) == 0 {
				t.Errorf("%s: a drafted paragraph has no source: %s", s.DC, p.Text)
			}
		}
	}
}

// TestMissing: what nobody said or decided is named and not made up.
func TestMissing(t *testing.T) {
	tests := []struct {
		name   string
		change func(*describe.Facts)
		dc     string
		want   string
	}{
		{"no boundary", func(f *describe.Facts) { f.Boundary = "" }, "DC 1", "the boundary of the system has no words yet"},
		{"another legal name than the terms say", func(f *describe.Facts) { f.Legal = "Halyard Holdings, Inc." }, "DC 1", "the terms of the examination say Halyard, Inc., the definitions Halyard Holdings, Inc."},
		{"no commitment", func(f *describe.Facts) { f.Commitments = nil }, "DC 2", "the principal service commitments"},
		{"no people", func(f *describe.Facts) { f.Components = f.Components[:2] }, "DC 3", "the system's people"},
		{"an incident nobody decided on", func(f *describe.Facts) { f.Incidents[0].Decided = false }, "DC 4", "whether incident INC-2"},
		{"no user control registered", func(f *describe.Facts) { f.Expected = nil }, "DC 6", "or that none is"},
		{"no vendor registered", func(f *describe.Facts) { f.Subservices = nil }, "DC 7", "or that it relies on none"},
		{"a criterion without a control", func(f *describe.Facts) { f.Criteria = append(f.Criteria, "CC7.1") }, "DC 5", "a control for CC7.1"},
		{"a criterion that nobody decided on", func(f *describe.Facts) { f.Criteria = append(f.Criteria, "P3.1", "P3.2") }, "DC 8", "whether these criteria apply: P3.1, P3.2;"},
		{"a user control for nothing", func(f *describe.Facts) { f.Expected[0].Criteria = nil }, "DC 6", "the criteria that rest on U-1"},
		{"a vendor nobody watches", func(f *describe.Facts) { f.Subservices[0].Monitored = nil }, "DC 7", "how Amazon Web Services is monitored"},
		{"a change nobody decided on", func(f *describe.Facts) { f.Changes[0].Decided = false }, "DC 9", "whether the change IAM-06@2026-06-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := facts()
			tt.change(&f)
			_, gaps := describe.Draft(f)
			if !slices.ContainsFunc(gaps, func(g describe.Gap) bool { return g.DC == tt.dc && strings.Contains(g.What, tt.want) }) {
				t.Errorf("%v does not name %q", gaps, tt.want)
			}
		})
	}
	f := facts()
	f.Incidents[0].Decided, f.Changes[0].Decided = false, false
	out, _ := describe.Draft(f)
	if strings.Contains(text(out, "DC 4"), "no incident") || strings.Contains(text(out, "DC 9"), "no change") {
		t.Errorf("nothing is said to have happened while one is undecided:\n%s%s", text(out, "DC 4"), text(out, "DC 9"))
	}
	f = facts()
	f.Expected, f.Subservices = nil, nil
	if out, _ = describe.Draft(f); text(out, "DC 6")+text(out, "DC 7") != "" {
		t.Errorf("of empty registers: %q, %q; want a person to say it", text(out, "DC 6"), text(out, "DC 7"))
	}
	f = facts()
	f.Over, f.Incidents = false, nil
	out, _ = describe.Draft(f)
	if len(out) != 8 || !strings.Contains(text(out, "DC 4"), "no incident in the time before") {
		t.Errorf("as of a date: %d sections, %q", len(out), text(out, "DC 4"))
	}
}

func TestAlike(t *testing.T) {
	template := "We take security seriously and protect the data of our customers with care."
	tests := []struct {
		name, text string
		want       int
	}{
		{"the template itself", template, 100},
		{"own words", "Ledger entries are written twice and compared every night by a second region.", 0},
		{"half of it", "We take security seriously and our nightly comparison of ledgers proves it", 41},
		{"too short to say", "We take security", 0},
		{"nothing", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe.Alike(tt.text, template); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestLower: a service is named within a sentence, whatever its first letter.
func TestLower(t *testing.T) {
	for _, tt := range []struct{ service, want string }{
		{"Hosting", "provides hosting."}, {"Überwachung", "provides überwachung."}, {"AWS hosting", "provides AWS hosting."}, {"ÖPNV data", "provides ÖPNV data."}, {"\xffx", "provides \xffx."},
	} {
		f := facts()
		f.Subservices[0].Service = tt.service
		out, _ := describe.Draft(f)
		if got := text(out, "DC 7"); !strings.Contains(got, tt.want) {
			t.Errorf("%q: %s", tt.service, got)
		}
	}
}

// TestTemplates: what nobody wrote is recognized as the product's own sentence.
func TestTemplates(t *testing.T) {
	f := facts()
	f.Incidents, f.Subservices, f.Expected, f.Changes = nil, nil, nil, nil
	out, _ := describe.Draft(f)
	for _, dc := range []string{"DC 4", "DC 8", "DC 9"} {
		if got := describe.Alike(text(out, dc), describe.Templates()...); got < 60 {
			t.Errorf("%s as it is drafted is %d%% like the templates", dc, got)
		}
	}
	if got := describe.Alike("Ledger entries are written twice and compared every night by a second region.", describe.Templates()...); got != 0 {
		t.Errorf("own words are %d%% like the templates", got)
	}
}

// TestLeft: that criteria apply, or that only some do not, is said only where each
// has a control or a reason.
func TestLeft(t *testing.T) {
	why := describe.Reason{What: "P3.2", Why: "We collect nothing that needs consent"}
	for _, tt := range []struct {
		name   string
		change func(*describe.Facts)
		want   string // "": no sentence
	}{
		{"all have a control", func(*describe.Facts) {}, "All criteria of the categories examined apply."},
		{"one is left out", func(f *describe.Facts) { f.Left = append(f.Left, why) }, "These criteria do not apply:\n\n- P3.2: We collect nothing that needs consent."},
		{"one is undecided", func(f *describe.Facts) { f.Criteria = append(f.Criteria, "P3.1") }, ""},
		{"one is left out, another undecided", func(f *describe.Facts) { f.Criteria, f.Left = append(f.Criteria, "P3.1"), append(f.Left, why) }, ""},
		{"control objectives", func(f *describe.Facts) { f.Objectives = true }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := facts()
			tt.change(&f)
			out, _ := describe.Draft(f)
			if got := strings.TrimSpace(text(out, "DC 8")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestServices: what the organization provides is told where the definitions name it.
func TestServices(t *testing.T) {
	f := facts()
	f.Legal, f.Services = f.Company, []string{"A ledger to post to", "Statements, every month"}
	out, gaps := describe.Draft(f)
	if want := "With Halyard Cloud it provides:\n\n- A ledger to post to.\n- Statements, every month."; !strings.Contains(text(out, "DC 1"), want) || len(gaps) > 0 {
		t.Errorf("got %q, missing %v; want %q", text(out, "DC 1"), gaps, want)
	}
}
