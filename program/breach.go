package program

import (
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"tieout/audit"
	"tieout/internal/strictyaml"
	"tieout/library"
)

// A Rule says who has to be told of an incident and by when, as a law or a
// contract does. Its words are Tieout's own, its figures those of Source.
type Rule struct {
	ID       string `yaml:"id" json:"id"`
	Law      string `yaml:"law" json:"law"`
	Source   string `yaml:"source" json:"source"`
	Tell     string `yaml:"tell" json:"tell"`         // who has to be told
	Audience string `yaml:"audience" json:"audience"` // the same as a notice's field says it
	About    string `yaml:"about" json:"about"`       // what the notice is about: "breach" of personal data, or "incident"
	Applies  string `yaml:"applies" json:"applies"`   // when it does, in words
	Starts   string `yaml:"starts" json:"starts"`     // what its time counts from
	Within   int    `yaml:"within" json:"within"`     // how many of Unit; 0: without undue delay, no figure
	Unit     string `yaml:"unit" json:"unit"`
}

// Values of a rule's fields.
var (
	Audiences  = []string{"customers", "authority", "data subjects", "public", "staff"}
	RuleStarts = []string{"awareness", "discovery", "classification", "determination", "notice"}
	RuleUnits  = []string{"hours", "days", "business days", "months", "days after the year"}
	ruleAbout  = []string{"breach", "incident"}
)

func (r Rule) check() error {
	return allOf(
		text("rule", r.ID, 1, 60), text("law or contract", r.Law, 1, 100), text("source", r.Source, 1, 300), text("who has to be told", r.Tell, 1, 200),
		text("when it applies", r.Applies, 0, 1000), oneOf("audience", r.Audience, Audiences...), oneOf("about", r.About, ruleAbout...),
		oneOf("starts", r.Starts, RuleStarts...), within("within", r.Within, 0, 1000),
		when(r.Within == 0 && r.Unit != "", "a rule without a figure has no unit"),
		when(r.Within > 0 && !slices.Contains(RuleUnits, r.Unit), "the unit is one of hours, days, business days, months, days after the year"),
	)
}

// lawsOn are the laws that ask something of a kind of regulated data, as rules name
// them.
var lawsOn = map[string][]string{
	"phi":      {"HIPAA"},
	"personal": {"GDPR", "UK GDPR", "California", "New York", "Texas"},
	"card":     {"Card brands"},
}

// Fits reports whether the rule's law is about a kind of data that an incident
// concerns: phi, personal, card. Health information is personal too. It helps a
// person to look in the right place, and decides nothing.
func (r Rule) Fits(kinds []string) bool {
	for _, k := range kinds {
		if slices.Contains(lawsOn[k], r.Law) || k == "phi" && slices.Contains(lawsOn["personal"], r.Law) {
			return true
		}
	}
	return false
}

// Limit is the rule's time in words: "within 72 hours of awareness".
func (r Rule) Limit() string {
	from := map[string]string{"awareness": "becoming aware", "discovery": "discovery", "classification": "classifying it", "determination": "determining it", "notice": "the notice before it"}[r.Starts]
	switch {
	case r.Within == 0:
		return "without undue delay after " + from
	case r.Unit == "days after the year":
		return fmt.Sprintf("within %d days after the end of the calendar year of %s", r.Within, from)
	case r.Within == 1:
		return fmt.Sprintf("within one %s of %s", r.Unit[:len(r.Unit)-1], from)
	}
	return fmt.Sprintf("within %d %s of %s", r.Within, r.Unit, from)
}

// Due is the last instant at which telling is in time, counted in zone from
// began: hours to the second, everything else to the last second of the last
// day, the day it began not counted. Business days leave out Saturdays and
// Sundays and know no holidays, so that they end rather too early. It is zero
// where the rule has no figure.
func (r Rule) Due(began time.Time, zone *time.Location) time.Time {
	if r.Within == 0 {
		return time.Time{}
	}
	y, m, d := began.In(zone).Date()
	switch r.Unit {
	case "hours":
		return began.Add(time.Duration(r.Within) * time.Hour)
	case "days":
		return endOf(y, m, d+r.Within, zone)
	case "business days":
		return endOf(y, m, d+workingDays(began.In(zone).Weekday(), r.Within), zone)
	case "months":
		last := time.Date(y, m+time.Month(r.Within)+1, 0, 0, 0, 0, 0, zone).Day()
		return endOf(y, m+time.Month(r.Within), min(d, last), zone)
	}
	return endOf(y, time.December, 31+r.Within, zone)
}

func endOf(y int, m time.Month, d int, zone *time.Location) time.Time {
	return audit.Instant(time.Date(y, m, d, 23, 59, 59, 0, zone))
}

// workingDays is how many calendar days n working days after that weekday are.
func workingDays(from time.Weekday, n int) (days int) {
	for n > 0 {
		days++
		if day := (from + time.Weekday(days)) % 7; day != time.Saturday && day != time.Sunday {
			n--
		}
	}
	return days
}

// Rules are the clocks the program ships, in the order of their file. They are
// a list to decide from: none applies before a person says so.
func Rules() []Rule { return slices.Clone(shippedRules()) }

// RuleOf returns a shipped rule, or audit.ErrNotFound.
func RuleOf(id string) (Rule, error) {
	for _, r := range shippedRules() {
		if r.ID == id {
			return r, nil
		}
	}
	return Rule{}, fmt.Errorf("%w: clock %q", audit.ErrNotFound, id)
}

var shippedRules = sync.OnceValue(func() []Rule {
	var out []Rule
	each(library.Breach(), func(name string, b []byte) error {
		var f struct {
			Clocks []Rule `yaml:"clocks"`
		}
		if err := strictyaml.Decode(name, b, &f); err != nil {
			return err
		}
		for _, r := range f.Clocks {
			if err := r.check(); err != nil {
				return fmt.Errorf("%s: %s: %w", name, r.ID, err)
			}
		}
		out = append(out, f.Clocks...)
		return nil
	})
	return out
})

// An Example is a risk to think about. It is in no register.
type Example struct {
	ID         string   `yaml:"id"`
	Title      string   `yaml:"title"`
	Category   string   `yaml:"category"`
	Likelihood int      `yaml:"likelihood"`
	Impact     int      `yaml:"impact"`
	Treatment  string   `yaml:"treatment"`
	Plan       string   `yaml:"plan"`
	Controls   []string `yaml:"controls"`
}

// Risk is the example as the beginning of a risk of one's own.
func (x Example) Risk() Risk {
	return Risk{Title: x.Title, Category: x.Category, Likelihood: x.Likelihood, Impact: x.Impact, Treatment: x.Treatment, Plan: x.Plan,
		Level: "medium", Status: "open", Controls: slices.Clone(x.Controls)}
}

// Examples are the example risks the program ships, in the order of their file.
func Examples() []Example { return slices.Clone(shippedExamples()) }

var shippedExamples = sync.OnceValue(func() []Example {
	var out []Example
	each(library.Risks(), func(name string, b []byte) error {
		var f struct {
			Risks []Example `yaml:"risks"`
		}
		if err := strictyaml.Decode(name, b, &f); err != nil {
			return err
		}
		for _, x := range f.Risks {
			r := x.Risk()
			r.Owner = "nobody yet"
			if err := r.data().check(); err != nil {
				return fmt.Errorf("%s: %s: %w", name, x.ID, err)
			}
		}
		out = append(out, f.Risks...)
		return nil
	})
	return out
})

// each hands over the embedded files of a folder; what is wrong with one is a
// mistake of this program's makers.
func each(folder fs.FS, f func(name string, b []byte) error) {
	names, err := fs.Glob(folder, "*.yaml")
	for _, name := range names {
		var b []byte
		if b, err = fs.ReadFile(folder, name); err == nil {
			err = f(name, b)
		}
		if err != nil {
			break
		}
	}
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("program: embedded files: %v (%d files)", err, len(names)))
	}
}
