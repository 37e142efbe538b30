package definition

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
)

func TestWordsOfTheLibrary(t *testing.T) {
	w, err := LibraryWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"soc-1", "soc-2-type-1", "soc-2-type-2", "soc-2-plus", "soc-3"} {
		if !slices.ContainsFunc(w.Reports, func(r ReportType) bool { return r.ID == id }) {
			t.Errorf("no type of report %s", id)
		}
	}
	i := slices.IndexFunc(w.Standards, func(s Standard) bool { return s.ID == "SSAE 16" })
	if i < 0 || w.Standards[i].State != "superseded" || !strings.Contains(w.Standards[i].From, "15 June 2011") {
		t.Error("SSAE 16 is superseded, effective for periods ending from 15 June 2011")
	}
	for _, term := range []string{"WebTrust", "SysTrust", "CA/Browser Forum", "ISO/IEC 17021", "ISA", "CISA"} {
		if !slices.ContainsFunc(w.Glossary, func(x Term) bool { return x.Term == term }) {
			t.Errorf("no term %s", term)
		}
	}
	fine := regexp.MustCompile(`(?i)\bfines?\b|\$|€|penalt(y|ies) of`)
	for _, l := range w.Laws {
		if strings.Contains(l.Name, "17021") {
			t.Error("ISO/IEC 17021 is no framework")
		}
		if s := l.About + l.SOC2 + l.Note; fine.MatchString(s) {
			t.Errorf("%s speaks of a fine: %s", l.ID, s)
		}
	}
}

func TestWordsAreHeldToEachOther(t *testing.T) {
	c, err := Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		in   Words
		want string
	}{
		{"a standard without dates", Words{Standards: []Standard{{ID: "X", Name: "x", For: "y", State: "superseded"}}}, "dates where it is superseded"},
		{"a state of its own", Words{Standards: []Standard{{ID: "X", Name: "x", For: "y", State: "maybe"}}}, "X: a standard has"},
		{"a report under nothing", Words{Reports: []ReportType{{ID: "r", Name: "r", Subject: "s", Yardstick: "y", Basis: "b", Audience: "a", Detail: "d", Distribution: "general", Standards: []string{"SSAE 231"}}}}, "there is no standard SSAE 231"},
		{"a term twice", Words{Glossary: []Term{{"A", "term", "m", "c"}, {"A", "term", "m", "c"}}}, "no name of its own"},
		{"a mapping that is not there", Words{Laws: []Law{{ID: "l", Name: "n", Kind: "law", About: "a", SOC2: "s", Mapping: "nothing"}}}, "a mapping that is there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.in.check(c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestWordsAgreeWithTheStandards: the words of the library and the table that terms
// and reports are held to say the same of every statement both know.
func TestWordsAgreeWithTheStandards(t *testing.T) {
	words, err := LibraryWords()
	if err != nil {
		t.Fatal(err)
	}
	both := 0
	for _, w := range words.Standards {
		named := audit.StandardsNamed(w.ID)
		if len(named) == 0 {
			continue
		}
		both++
		s := named[0]
		if !s.Known || (s.Superseded != "") != (w.State == "superseded") {
			t.Errorf("%s is %s in words; the table has %+v", w.ID, w.State, s)
		}
		if w.Issued != "" && !strings.HasSuffix(w.Issued, fmt.Sprint(s.Issued)) {
			t.Errorf("%s was issued %s in words, %d in the table", w.ID, w.Issued, s.Issued)
		}
	}
	if both < 5 {
		t.Errorf("%d statements stand in both; want the library's five and more", both)
	}
}
