package engagement_test

import (
	"errors"
	"testing"

	"tieout/audit"
	"tieout/engagement"
)

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		name, text string
		words      string // of the first
		licensed   bool
		refused    bool
	}{
		{"a CPA", "CPA | Massachusetts | 24817", "CPA, Massachusetts 24817", true, false},
		{"several, and empty lines", "CISA\n\n CPA|Oregon|9 ; CISSP\n", "CISA", true, false},
		{"a specialist", "other | CRISC", "CRISC", false, false},
		{"none", " \n", "", false, false},
		{"a CPA without a number", "CPA | Oregon", "", false, true},
		{"a CPA with an empty number", "CPA | Oregon | ", "", false, true},
		{"another without a name", "other | ", "", false, true},
		{"a word nobody knows", "PhD", "", false, true},
		{"a CISA with a state", "CISA | Oregon", "", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, err := engagement.ParseCredentials(c.text)
			if err == nil {
				err = engagement.CheckCredentials(list)
			}
			if c.refused != errors.Is(err, audit.ErrInvalid) {
				t.Fatalf("got %v, refused %v wanted", err, c.refused)
			}
			if c.refused {
				return
			}
			words := ""
			if len(list) > 0 {
				words = list[0].String()
			}
			if words != c.words || engagement.Licensed(list) != c.licensed {
				t.Errorf("got %q, licensed %v", words, engagement.Licensed(list))
			}
		})
	}
}

func TestPeerReviewOld(t *testing.T) {
	for _, c := range []struct {
		reviewed, day string
		old           bool
	}{
		{"2023-05-12", "2026-11-12", false}, {"2023-05-12", "2026-11-13", true}, {"", "2026-11-13", false}, {"someday", "2026-11-13", false}, {"2027-01-01", "2026-11-13", false},
	} {
		if got := engagement.PeerReviewOld(c.reviewed, c.day); got != c.old {
			t.Errorf("%q on %s: got %v, want %v", c.reviewed, c.day, got, c.old)
		}
	}
	for _, c := range [][3]string{{"2025-05-12", "pass", "report of 2025-05-12, pass"}, {"2025-05-12", "", "report of 2025-05-12"}, {"", "", ""}} {
		if got := engagement.PeerReviewWords(c[0], c[1]); got != c[2] {
			t.Errorf("got %q, want %q", got, c[2])
		}
	}
}
