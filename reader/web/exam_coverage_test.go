package web

import (
	"strings"
	"testing"

	"tieout/engagement/management"
)

func TestSayCovered(t *testing.T) {
	at := func(first, last string, by management.Speaking) management.Stretch {
		return management.Stretch{First: first, Last: last, By: by, Engagement: "EN-1", Letter: "L-1", Signer: "Sam"}
	}
	year := at("2025-01-01", "2025-12-31", management.Examined)
	for _, c := range []struct {
		name  string
		list  []management.Stretch
		say   string
		words []string // of the rows
	}{
		{"every day", []management.Stretch{year}, "A report or a letter speaks of every day from 1 Jan 2025 on.", []string{"Examined"}},
		{"one day of a Type I", []management.Stretch{at("2025-12-31", "2025-12-31", management.AsOfDay)}, "A report or a letter speaks of every day from 31 Dec 2025 on.", []string{"Examined"}},
		{"a hole of one day", []management.Stretch{year, at("2026-01-01", "2026-01-01", management.Nothing)}, "No report and no letter speaks of 1 day since 1 Jan 2025, in 1 stretch.", []string{"Examined", "Nothing"}},
		{"a letter, then monitored, then nothing", []management.Stretch{year, at("2026-01-01", "2026-01-31", management.ByLetter), at("2026-02-01", "2026-02-10", management.Monitored), at("2026-02-11", "2026-02-12", management.Nothing)},
			"No report and no letter speaks of 12 days since 1 Jan 2025, in 2 stretches.", []string{"Examined", "Management's letter", "Monitored, not examined", "Nothing"}},
		{"withdrawn", []management.Stretch{at("2025-01-01", "2025-12-31", management.Withdrawn)}, "No report and no letter speaks of 365 days since 1 Jan 2025, in 1 stretch.", []string{"Nothing"}},
	} {
		covered := &management.Covered{System: "Cloud", Stretches: c.list}
		if got := sayCovered(covered); got != c.say {
			t.Errorf("%s: got %q, want %q", c.name, got, c.say)
		}
		var words []string
		for _, r := range stretchRows(covered) {
			words = append(words, r.Word)
		}
		if strings.Join(words, ", ") != strings.Join(c.words, ", ") {
			t.Errorf("%s: rows %q, want %q", c.name, words, c.words)
		}
		if bar := string(coverBar(covered)); strings.Count(bar, "<rect") != len(c.list) {
			t.Errorf("%s: drawn as %s", c.name, bar)
		}
	}
}
