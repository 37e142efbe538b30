package answer

import (
	"errors"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/definition"
)

// applies leaves no criterion out.
func applies(string) string { return "" }

// TestMatrixLeavesOut: a criterion that management says does not apply is no gap; one
// that nobody decided on is named.
func TestMatrixLeavesOut(t *testing.T) {
	criteria := []audit.Criterion{{ID: "CC1.1"}, {ID: "P3.1"}, {ID: "P3.2"}}
	controls := []Met{{control("PRI-01", "", "P3.1"), true}}
	for _, tt := range []struct {
		name, left, sentence, warns string
		none                        int
	}{
		{"nothing is left out", "", "Of three criteria, 2 have no control and 1 has only one.", "Nobody has said whether 2 criteria apply: CC1.1, P3.2.", 2},
		{"one is", "P3.2", "Of two criteria, 1 has no control and 1 has only one. 1 more does not apply, for a written reason.", "Nobody has said whether 1 criterion applies: CC1.1.", 1},
		{"one with a control is said not to apply", "P3.1", "Of three criteria, 2 have no control and 1 has only one.", "CC1.1, P3.2", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := MatrixOf(criteria, controls, func(id string) string {
				if id == tt.left {
					return "We collect no such data."
				}
				return ""
			})
			if none, _ := m.Count(); none != tt.none || m.Sentence() != tt.sentence {
				t.Errorf("got %d without a control, %q; want %d, %q", none, m.Sentence(), tt.none, tt.sentence)
			}
			if got := SayUndecided(m.Undecided()); !strings.Contains(got, tt.warns) {
				t.Errorf("warns %q, want %q", got, tt.warns)
			}
		})
	}
	if got := SayUndecided(nil); got != "" {
		t.Errorf("warns of nothing: %q", got)
	}
}

func TestMatrix(t *testing.T) {
	criteria := []audit.Criterion{{ID: "CC1.1"}, {ID: "CC6.1"}, {ID: "CC6.2"}}
	m := MatrixOf(criteria, []Met{
		{control("IAM-01", "", "CC6.1", "CC6.2"), true}, {control("IAM-02", "", "CC6.1"), false}, {control("HAL-01", "", "CC6.1"), true},
	}, applies)
	if len(m.Groups) != 2 || m.Groups[0].Name != "Access" || m.Groups[1].Name != "Own controls" {
		t.Fatalf("groups: got %v", m.Groups)
	}
	if m.Rows[0].Criterion.ID != "CC1.1" || m.Rows[0].Total != (Cell{}) {
		t.Errorf("first row: got %+v, want the one without a control", m.Rows[0])
	}
	for _, c := range []struct {
		got  Cell
		want string
	}{
		{m.Rows[1].Total, "two of three tested here"}, {m.Rows[1].Cells[0], "one of two tested here"}, {m.Rows[1].Cells[1], "tested here"},
		{m.Rows[2].Total, "tested here"}, {m.Rows[2].Cells[1], "no control"}, {Cell{2, 2}, "all tested here"}, {Cell{2, 0}, "not tested here"},
	} {
		if c.got.Strength() != c.want {
			t.Errorf("%+v: got %q, want %q", c.got, c.got.Strength(), c.want)
		}
	}
	if got, want := m.Sentence(), "Of three criteria, 1 has no control and 1 has only one."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCoverageSentence(t *testing.T) {
	for _, c := range []struct {
		all, none, one int
		want           string
	}{
		{0, 0, 0, "No criterion is in scope."},
		{1, 1, 0, "The one criterion in scope has no control."},
		{1, 0, 1, "The one criterion in scope has one control."},
		{1, 0, 0, "The one criterion in scope has more than one control."},
		{61, 61, 0, "None of 61 criteria has a control."},
		{61, 0, 0, "Each of 61 criteria has more than one control."},
		{61, 0, 1, "Each of 61 criteria has a control, and 1 has only one."},
		{61, 0, 5, "Each of 61 criteria has a control, and 5 have only one."},
		{61, 1, 0, "Of 61 criteria, 1 has no control."},
		{61, 2, 5, "Of 61 criteria, 2 have no control and 5 have only one."},
	} {
		if got := coverageSentence(c.all, c.none, c.one); got != c.want {
			t.Errorf("%d %d %d: got %q, want %q", c.all, c.none, c.one, got, c.want)
		}
	}
}

// Every control of the library has a subject of its own.
func TestEveryLibraryControlHasASubject(t *testing.T) {
	c, err := definition.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range c.Controls {
		if GroupOf(x.ID).ID == "own" {
			t.Errorf("%s has no subject", x.ID)
		}
	}
}

func TestPlaces(t *testing.T) {
	c, err := definition.Library()
	if err != nil {
		t.Fatal(err)
	}
	criteria := c.Set(definition.DefaultSet).Criteria
	var all []Met
	for _, x := range c.Controls {
		all = append(all, Met{x, true})
	}
	for _, f := range Frameworks(c) {
		got, places, err := Places(c, f.ID, criteria, all)
		if err != nil || got != f || len(places) == 0 {
			t.Errorf("%s: got %v, %d places, %v", f.ID, got, len(places), err)
		}
		for _, p := range places {
			if p.Controls == 0 || p.Strength == Untied {
				t.Errorf("%s %s: %d controls, %s", f.ID, p.Ref, p.Controls, p.Strength)
			}
		}
		_, none, _ := Places(c, f.ID, criteria, nil)
		for _, p := range none {
			if p.Strength != Untied || p.Controls != 0 {
				t.Errorf("%s %s without a control: %s", f.ID, p.Ref, p.Strength)
			}
		}
	}
	if f, _, err := Places(c, "hipaa", criteria, all); err != nil || f.Name != "HIPAA (45 CFR 164)" {
		t.Errorf("the beginning of a name: got %q, %v", f.Name, err)
	}
	for _, id := range []string{"", "sox"} {
		if _, _, err := Places(c, id, criteria, all); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("%q: got %v, want not found", id, err)
		}
	}
}

func TestPlacesSentence(t *testing.T) {
	f := Framework{ID: "x", Name: "ISO/IEC 27001:2022"}
	for _, c := range []struct {
		places []Place
		want   string
	}{
		{nil, "The library ties none of the criteria in scope to ISO/IEC 27001:2022."},
		{[]Place{{Strength: Covers}}, "By the library's mapping, of 1 place of ISO/IEC 27001:2022: one covered."},
		{[]Place{{Strength: Covers}, {Strength: Untied}, {Strength: Related}, {Strength: InPart}, {Strength: InPart}},
			"By the library's mapping, of 5 places of ISO/IEC 27001:2022: one covered, two covered in part, one related, and one without a control."},
	} {
		if got := PlacesSentence(f, c.places); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestCompareRefs(t *testing.T) {
	ordered := []string{"5.1", "9.2", "10.1", "A.5.1", "A.5.10", "AC-2", "AC-2(1)", "AC-10"}
	for i := range ordered[1:] {
		if compareRefs(ordered[i], ordered[i+1]) >= 0 || compareRefs(ordered[i+1], ordered[i]) <= 0 {
			t.Errorf("%s does not come before %s", ordered[i], ordered[i+1])
		}
	}
}
