package audit_test

import (
	"testing"

	"tieout/audit"
)

func TestStandardsNamed(t *testing.T) {
	for _, c := range []struct {
		text       string
		number     int
		superseded string
		known      bool
	}{
		{"We worked under SSAE No. 47.", 0, "", false},
		{"as SSAE 231 asks", 0, "", false},
		{"as SSAE 0 asks", 0, "", false},
		{"under SSAE-16", 16, "SSAE 18", true},
		{"under SSAE No. 1", 1, "SSAE 10", true},
		{"under ssae 15", 15, "SAS 130", true},
		{"under SSAE\u00a017", 17, "SSAE 18", true},
		{"under SSAE 18", 18, "", true},
		{"under SSAE 21", 21, "", true},
	} {
		got := audit.StandardsNamed(c.text)
		if len(got) != 1 || got[0].Number != c.number || got[0].Superseded != c.superseded || got[0].Known != c.known {
			t.Errorf("%q: got %+v; want number %d, superseded by %q, known %v", c.text, got, c.number, c.superseded, c.known)
		}
	}
	if got := audit.StandardsNamed("The Missouri SSA element of 2026"); len(got) != 0 {
		t.Errorf("got %+v of a text that names none", got)
	}
	for i, s := range audit.Standards {
		if s.Number != i+1 || s.Issued < 1986 || i > 0 && s.Issued < audit.Standards[i-1].Issued {
			t.Errorf("row %d of the table is SSAE %d of %d", i+1, s.Number, s.Issued)
		}
	}
}

func TestSectionsNamed(t *testing.T) {
	for _, c := range []struct {
		text   string
		number int
		of     string
	}{
		{"an examination under AT-C 315", 315, "another"}, {"AT-C section 315", 315, "another"}, {"at-c sec. 205", 205, ""}, {"ATC-320", 320, "SOC 1"}, {"AT-C 999", 0, ""}, {"FAT-C 315", 0, ""},
	} {
		got := audit.SectionsNamed(c.text)
		if c.number == 0 {
			if len(got) != 0 {
				t.Errorf("%q: got %+v; want none", c.text, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Number != c.number || got[0].Of != c.of {
			t.Errorf("%q: got %+v; want section %d of %q", c.text, got, c.number, c.of)
		}
	}
}
