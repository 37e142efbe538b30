package attest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tieout/audit"
)

// Bounds of a value that a renderer takes.
const (
	maxText   = 1 << 20 // bytes of one text
	maxName   = 1000    // bytes of a name or an identifier
	maxGroups = 5000
	maxTests  = 100000
	maxSteps  = 20000
)

// Check reports what makes r no report: each fault on a line, as ErrInvalid. What
// a report says is not its subject (that is lint), nor are signatures. A draft
// may lack opinions and assertions.
func Check(r Report) error {
	c := checker{r: &r}
	c.head()
	c.opinions()
	c.assertions()
	c.description()
	c.groups()
	c.imported()
	c.responses()
	c.annex()
	return errors.Join(c.faults...)
}

type checker struct {
	r      *Report
	faults []error
}

func (c *checker) fault(format string, args ...any) {
	if len(c.faults) < 100 {
		c.faults = append(c.faults, fmt.Errorf("%w: report %s: %s", audit.ErrInvalid, c.r.ID, fmt.Sprintf(format, args...)))
	}
}

var reportID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (c *checker) head() {
	r := c.r
	if r.Schema != Schema {
		c.fault("schema %d; this program knows %d", r.Schema, Schema)
	}
	if !reportID.MatchString(r.ID) {
		c.fault("its id has letters, digits, dot, hyphen and underscore, at most 64")
	}
	if typeNames[r.Type] == "" {
		c.fault("unknown type %q", r.Type)
	}
	c.name("client", r.Client.Name)
	c.name("firm", r.Firm.Name)
	c.name("system", r.System)
	if r.Firm.Reviewed != "" {
		c.day("day of the firm's last peer review", r.Firm.Reviewed)
	}
	c.days()
	c.sections()
	for _, e := range r.Expected {
		c.name("complementary user entity control", e.ID)
		c.text("complementary user entity control "+e.ID, e.Text)
	}
	for _, s := range r.Subservices {
		c.name("subservice organization", s.Name)
		for _, e := range s.Expected {
			c.name("control expected at "+s.Name, e.ID)
			c.text("control expected at "+s.Name, e.Text)
		}
	}
}

func (c *checker) name(what, s string) {
	if strings.TrimSpace(s) == "" || len(s) > maxName || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r") {
		c.fault("%s: a name is one line of at most %d bytes and not empty", what, maxName)
	}
}

func (c *checker) text(what, s string) {
	if strings.TrimSpace(s) == "" {
		c.fault("%s has no text", what)
	}
	if len(s) > maxText || !utf8.ValidString(s) {
		c.fault("%s: a text is UTF-8 of at most %d bytes", what, maxText)
	}
}

func (c *checker) day(what, s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		c.fault("%s: %q is no day such as 2026-01-31", what, s)
	}
	return t
}

// days checks the span, and that the report is not dated before what it is on.
func (c *checker) days() {
	r := c.r
	var end time.Time
	if r.Type.OverPeriod() {
		first := c.day("first day", r.First)
		if end = c.day("last day", r.Last); end.Before(first) {
			c.fault("its period ends on %s, before it begins on %s", r.Last, r.First)
		}
	} else {
		end = c.day("date examined", r.AsOf)
	}
	if dated := c.day("day of the report", r.Dated); dated.Before(end) {
		c.fault("it is dated %s, before the end of what it is on", r.Dated)
	}
}

// stretch checks two days, the second not before the first.
func (c *checker) stretch(what, from, to string) {
	if a, b := c.day(what+", from", from), c.day(what+", to", to); b.Before(a) {
		c.fault("%s: it ends on %s, before it begins on %s", what, to, from)
	}
}

func (c *checker) sections() {
	seen := map[string]bool{}
	for _, kind := range c.r.Template.Order {
		if !slices.Contains(Order, kind) {
			c.fault("its template orders a section %q; there are %s", kind, And(Order))
		}
		if seen[kind] {
			c.fault("its template orders the section %q twice", kind)
		}
		seen[kind] = true
	}
	c.text("the auditor's report", c.r.Auditor.Text)
	for _, s := range append(slices.Clone(c.r.Closing), c.r.Other...) {
		c.text("section "+s.Title, s.Text)
	}
}

// OpinionWords are the four opinions.
var OpinionWords = []string{"Unmodified", "Qualified", "Adverse", "Disclaimer"}

// PartsOf are what the opinion of a type of report is on, in order.
func PartsOf(t Type) []string { return t.parts() }

// parts are what an opinion of each type is on, in order.
func (t Type) parts() []string {
	switch {
	case t.Public():
		return []string{"operation"}
	case t.OverPeriod():
		return []string{"description", "design", "operation"}
	}
	return []string{"description", "design"}
}

func (c *checker) opinions() {
	if c.r.Draft && len(c.r.Opinions) == 0 {
		return
	}
	want := c.r.Type.parts()
	var got []string
	for _, o := range c.r.Opinions {
		got = append(got, o.Part)
		if !slices.Contains(OpinionWords, o.Word) {
			c.fault("the opinion on %s is %q; it is Unmodified, Qualified, Adverse or Disclaimer", o.Part, o.Word)
		}
		c.text("the opinion on "+o.Part, o.Text)
		if o.Word != "Unmodified" && strings.TrimSpace(o.Basis) == "" {
			c.fault("the opinion on %s is %s and says no basis", o.Part, o.Word)
		}
	}
	if !slices.Equal(got, want) {
		c.fault("it has opinions on %q; a %s report has them on %q, in this order", got, c.r.Type, want)
	}
}

func (c *checker) assertions() {
	if len(c.r.Assertions) == 0 && !c.r.Draft {
		c.fault("it has no assertion")
	}
	for _, a := range c.r.Assertions {
		c.name("who asserts", a.By)
		c.text("the assertion of "+a.By, a.Text)
		c.day("day of the assertion of "+a.By, a.Dated)
		c.name("signer of the assertion of "+a.By, a.Signer)
	}
}

func (c *checker) description() {
	if len(c.r.Description) == 0 {
		c.fault("it has no description")
	}
	seen := map[string]bool{}
	for _, dc := range c.r.Description {
		c.name("part of the description", dc.ID)
		if seen[dc.ID] {
			c.fault("its description has %s twice", dc.ID)
		}
		seen[dc.ID] = true
		for _, p := range dc.Paragraphs {
			c.text(dc.ID, p.Text)
		}
	}
}

func (c *checker) groups() {
	if len(c.r.Groups) == 0 && !c.r.Type.Public() {
		c.fault("it has no criteria and no controls")
	}
	if len(c.r.Groups) > 0 && c.r.Type.Public() {
		c.fault("a report for general use holds no controls and no tests")
	}
	if len(c.r.Groups) > maxGroups {
		c.fault("it has %d criteria; the most is %d", len(c.r.Groups), maxGroups)
	}
	sets := map[string]bool{"": true, "objectives": true}
	for _, s := range c.r.Extra {
		c.name("set of criteria", s.Name)
		if s.Mapping != nil {
			c.name("mapping of "+s.Name, s.Mapping.Framework)
		}
		sets[s.ID] = true
	}
	seen, tests := map[string]bool{}, 0
	for _, g := range c.r.Groups {
		if !sets[g.Set] {
			c.fault("%s is of the set %q, which the report does not name", g.ID, g.Set)
		}
		if seen[g.Set+"\x00"+g.ID] {
			c.fault("%s stands twice in one set", g.ID)
		}
		seen[g.Set+"\x00"+g.ID] = true
		tests += c.group(g)
	}
	if tests > maxTests {
		c.fault("it has %d tests; the most is %d", tests, maxTests)
	}
}

func (c *checker) group(g Group) (tests int) {
	c.name("criterion", g.ID)
	c.text(g.ID, g.Text)
	seen := map[string]bool{}
	for _, x := range g.Through {
		c.name("criterion that relates "+g.ID, x.Criterion)
		if c.r.examined(g) {
			c.fault("%s is examined, and stands there by way of %s", g.ID, x.Criterion)
		}
	}
	for _, control := range g.Controls {
		c.name("control under "+g.ID, control.ID)
		if control.By != "" && !c.includes(control.By) {
			c.fault("control %s is operated by %q, which is no inclusive subservice organization of the report", control.ID, control.By)
		}
		c.text("control "+control.ID, control.Text)
		for _, v := range control.Versions {
			c.text("control "+control.ID+" from "+v.From, v.Text)
			c.stretch("control "+control.ID, v.From, v.To)
		}
		if seen[control.ID] {
			c.fault("control %s stands twice under %s", control.ID, g.ID)
		}
		seen[control.ID] = true
		for _, t := range control.Tests {
			c.test(t)
		}
		tests += len(control.Tests)
	}
	return tests
}

func (c *checker) includes(name string) bool {
	return slices.ContainsFunc(c.r.Subservices, func(s Subservice) bool { return s.Inclusive && s.Name == name })
}

func (c *checker) test(t Test) {
	c.text("test "+t.ID, t.Text)
	c.text("result of test "+t.ID, t.Result)
	if slices.Min([]int{t.Population, t.Drawn, t.Sample, t.Partly, t.Unable, t.NotApplicable, t.Exceptions, t.Known}) < 0 {
		c.fault("test %s: a count is below zero", t.ID)
	}
	if t.From != "" || t.To != "" {
		c.stretch("test "+t.ID, t.From, t.To)
	}
	if t.Drawn > t.Population {
		c.fault("test %s: %d drawn of %d items", t.ID, t.Drawn, t.Population)
	}
	if t.Sample+t.Unable+t.NotApplicable > t.Drawn || t.Partly > t.Sample {
		c.fault("test %s: of %d items drawn %d are tested, %d in part, %d could not be tested and to %d it did not apply", t.ID, t.Drawn, t.Sample, t.Partly, t.Unable, t.NotApplicable)
	}
	if t.Population > 0 && t.Exceptions > t.Sample {
		c.fault("test %s: %d exceptions in %d tested items", t.ID, t.Exceptions, t.Sample)
	}
}

func (c *checker) imported() {
	seen := map[string]bool{}
	for _, x := range c.r.Imported {
		c.name("imported criteria", x.Name)
		c.name("version of "+x.Name, x.Version)
		if b, err := hex.DecodeString(x.Digest); err != nil || len(b) != 32 {
			c.fault("imported criteria %s: %q is no SHA-256", x.Name, x.Digest)
		}
		if seen[x.Set] {
			c.fault("criteria of the set %q are imported twice", x.Set)
		}
		seen[x.Set] = true
	}
}

func (c *checker) responses() {
	seen := map[string]bool{}
	for _, r := range c.r.Responses {
		c.name("exception of a response", r.Finding)
		c.text("response to "+r.Finding, r.Text)
		if seen[r.Finding] {
			c.fault("two responses to %s", r.Finding)
		}
		seen[r.Finding] = true
	}
}

func (c *checker) annex() {
	a := c.r.Annex
	if a.Left < 0 {
		c.fault("its annex leaves out %d steps", a.Left)
	}
	if len(a.Steps) > maxSteps {
		c.fault("its annex has %d steps; the most is %d", len(a.Steps), maxSteps)
	}
	logs := map[string]bool{}
	for _, l := range a.Logs {
		if logs[l.Whose] {
			c.fault("its annex has two logs of the %s", l.Whose)
		}
		logs[l.Whose] = true
	}
	for _, s := range a.Steps {
		if s.Entry < 0 || !logs[s.Whose] {
			c.fault("a step of its annex (%s) is of no log the annex names", s.What)
		}
		for _, h := range append([]string{s.Leaf}, s.Proof...) {
			if b, err := hex.DecodeString(h); err != nil || len(b) != 32 {
				c.fault("a step of its annex (%s, entry %d) holds %q, which is no SHA-256", s.What, s.Entry, h)
			}
		}
	}
}
