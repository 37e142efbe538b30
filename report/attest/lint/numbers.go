package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tieout/report/attest"
)

// ofN are figures such as "2 of 15" and "1,846 of 1,846".
var ofN = regexp.MustCompile(`\b(\d[\d,]*) (?:of|out of)(?: the| all)? (\d[\d,]*)\b`)

const noExceptions = "no exceptions noted"

// numbers holds what tests and results say to what was counted. A control under
// several criteria is read once.
func (l *linter) numbers() {
	seen := map[string]bool{}
	for _, g := range l.r.Groups {
		for _, c := range g.Controls {
			if seen[c.ID] {
				continue
			}
			seen[c.ID] = true
			for _, t := range c.Tests {
				where := fmt.Sprintf("Section IV, %s, %s", c.ID, t.ID)
				items, found := counted(t)
				l.figures(where, t.Text, items)
				l.figures(where, t.Result, append(found, items...))
				l.strata(where, t)
				l.result(where, c, t)
			}
		}
	}
}

// counted are the pairs "n of m" that a test's text and its result may say.
func counted(t attest.Test) (items, found [][2]int) {
	items = [][2]int{{t.Sample, t.Population}, {t.Population, t.Population}}
	found = [][2]int{{t.Exceptions, t.Sample}, {t.Sample - t.Exceptions, t.Sample}, {t.Known, t.Population}, {t.Exceptions + t.Known, t.Population}}
	for _, s := range t.Strata {
		items = append(items, [2]int{s.Sample, s.Population})
		found = append(found, [2]int{s.Exceptions, s.Sample})
	}
	return items, found
}

// strata holds the parts of a stratified sample to its whole.
func (l *linter) strata(where string, t attest.Test) {
	if len(t.Strata) == 0 {
		return
	}
	var sum attest.Stratum
	for _, s := range t.Strata {
		sum.Population, sum.Sample, sum.Exceptions = sum.Population+s.Population, sum.Sample+s.Sample, sum.Exceptions+s.Exceptions
	}
	if sum.Population != t.Population || sum.Sample != t.Sample || sum.Exceptions != t.Exceptions {
		l.add(Error, Numbers, where, "Correct the counts", "its strata add up to %d of %d with %d exceptions; the test has %d of %d with %d",
			sum.Sample, sum.Population, sum.Exceptions, t.Sample, t.Population, t.Exceptions)
	}
}

// figures refuses an "n of m" that none of the counted pairs is.
func (l *linter) figures(where, text string, counted [][2]int) {
	for _, m := range ofN.FindAllStringSubmatch(text, -1) {
		a, errA := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		b, errB := strconv.Atoi(strings.ReplaceAll(m[2], ",", ""))
		if errA != nil || errB != nil || slices.Contains(counted, [2]int{a, b}) {
			continue
		}
		l.add(Error, Numbers, where, "Correct the text, or the workpaper it comes from", "it says %q; the workpaper has %s", m[0], pairs(counted))
	}
}

func pairs(counted [][2]int) string {
	var out []string
	for _, p := range counted {
		if s := fmt.Sprintf("%d of %d", p[0], p[1]); p[1] > 0 && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return "no items"
	}
	return strings.Join(out, ", ")
}

// result holds "no exceptions noted" to what was found.
func (l *linter) result(where string, c attest.Control, t attest.Test) {
	says := strings.Contains(strings.ToLower(t.Result), noExceptions)
	found := t.Exceptions + t.Known + len(t.Findings)
	switch {
	case says && found > 0:
		l.add(Error, Numbers, where, "State the facts of each exception", "it says no exceptions were noted, and the workpaper has %d exceptions and %d known outside the sample", t.Exceptions, t.Known)
	case t.Exceptions > 0 && !hasNumber(t.Result, t.Exceptions):
		l.add(Error, Numbers, where, "Say how many of how many", "%d exceptions were noted, and the result does not say how many", t.Exceptions)
	case t.Exceptions > 0 && len(t.Findings) == 0:
		l.add(Error, Numbers, where, "Name the finding it comes from", "an exception without a finding")
	}
	if says && c.Outcome == unable {
		l.add(Error, Numbers, where, "Say what could not be tested", "no conclusion was reached on %s, and the result reads as if there was", c.ID)
	}
}

var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// hasNumber reports whether text says n, as digits or as a word.
func hasNumber(text string, n int) bool {
	for _, f := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r != ',' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		if v, err := strconv.Atoi(strings.ReplaceAll(strings.Trim(f, ","), ",", "")); err == nil && v == n || n < len(numberWords) && f == numberWords[n] {
			return true
		}
	}
	return false
}
