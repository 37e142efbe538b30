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

// What a result says that has none: of operation, and of design.
var noExceptions = []string{"no exceptions noted", strings.ToLower(strings.TrimSuffix(attest.NoExceptionOfDesign, "."))}

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
	items = [][2]int{{t.Drawn, t.Population}, {t.Sample, t.Population}, {t.Population, t.Population}}
	found = [][2]int{{t.Exceptions, t.Sample}, {t.Sample - t.Exceptions, t.Sample}, {t.Known, t.Population}, {t.Exceptions + t.Known, t.Population},
		{t.Sample, t.Drawn}, {t.Unable, t.Drawn}, {t.NotApplicable, t.Drawn}, {t.Partly, t.Sample}}
	for _, s := range t.Strata {
		items = append(items, [2]int{s.Drawn, s.Population}, [2]int{s.Sample, s.Population})
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
		sum.Population, sum.Drawn, sum.Sample, sum.Exceptions = sum.Population+s.Population, sum.Drawn+s.Drawn, sum.Sample+s.Sample, sum.Exceptions+s.Exceptions
	}
	if sum.Population != t.Population || sum.Drawn != t.Drawn || sum.Sample != t.Sample || sum.Exceptions != t.Exceptions {
		l.add(Error, Numbers, where, "Correct the counts", "its strata add up to %d drawn of %d, %d tested, %d with exceptions; the test has %d of %d, %d and %d",
			sum.Drawn, sum.Population, sum.Sample, sum.Exceptions, t.Drawn, t.Population, t.Sample, t.Exceptions)
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

// didNotOccur is what is concluded of a control that had nothing to do.
const didNotOccur = "did not occur in the period"

// result holds "no exceptions noted" to what was found, and to what was tested.
func (l *linter) result(where string, c attest.Control, t attest.Test) {
	lower := strings.ToLower(t.Result)
	says := slices.ContainsFunc(noExceptions, func(s string) bool { return strings.Contains(lower, s) })
	found := t.Exceptions + t.Known + len(t.Findings)
	switch {
	case says && found > 0:
		l.add(Error, Numbers, where, "State the facts of each exception", "it says no exceptions were noted, and the workpaper has %d exceptions and %d known outside the sample", t.Exceptions, t.Known)
	case t.Exceptions > 0 && !hasNumber(t.Result, t.Exceptions):
		l.add(Error, Numbers, where, "Say how many of how many", "%d exceptions were noted, and the result does not say how many", t.Exceptions)
	case t.Exceptions > 0 && len(t.Findings) == 0:
		l.add(Error, Numbers, where, "Name the finding it comes from", "an exception without a finding")
	}
	if strings.Contains(lower, noExceptions[0]) && c.Outcome == unable {
		l.add(Error, Numbers, where, "Say what could not be tested", "no conclusion was reached on %s, and the result reads as if there was", c.ID)
	}
	l.untested(where, c, t)
}

// untested holds what is concluded to items that were drawn and not tested: they do
// not vanish.
func (l *linter) untested(where string, c attest.Control, t attest.Test) {
	if c.Outcome != "" && c.Outcome != unable && c.Outcome != didNotOccur && t.Drawn > 0 && t.Sample == 0 {
		l.add(Error, Numbers, where, "Conclude that there is no conclusion, or test other items", "%d items were drawn and none was tested, and control %s is concluded: %s", t.Drawn, c.ID, c.Outcome)
	}
	if n := t.Drawn - t.Sample - t.Unable - t.NotApplicable; n > 0 && !l.r.Draft {
		l.add(Error, Numbers, where, "Test what is left, or say why not", "of %d items drawn nothing is said of %d", t.Drawn, n)
	}
	for _, x := range []struct {
		n    int
		what string
	}{{t.Unable, "could not be tested"}, {t.Partly, "could be tested in part alone"}} {
		if x.n > 0 && !hasNumber(t.Result, x.n) {
			l.add(Error, Numbers, where, "Say of how many the evidence was not available", "%d items %s, and the result does not say so", x.n, x.what)
		}
	}
	for _, open := range []string{attest.NotTested, attest.NotConcluded} {
		if strings.Contains(t.Result, open) && !l.r.Draft {
			l.add(Error, Numbers, where, "Finish the workpaper and conclude", "its result is open: %s", open)
		}
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
