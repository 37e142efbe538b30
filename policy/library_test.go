package policy_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tieout/internal/strictyaml"
	"tieout/library"
	"tieout/policy"
)

// A basis is what the library says of one control: the numbers that a policy
// may promise come from it.
type basis struct {
	description string
	quantities  []string
}

// bases reads the library's controls, and the procedures that test them.
func bases(t *testing.T) map[string]*basis {
	t.Helper()
	out := map[string]*basis{}
	each(t, "controls", func(name string, data []byte) {
		var f struct {
			Controls []map[string]any `yaml:"controls"`
		}
		if err := strictyaml.Decode(name, data, &f); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Controls {
			text := fmt.Sprint(c["description"])
			out[fmt.Sprint(c["id"])] = &basis{text, quantities(text)}
		}
	})
	each(t, "procedures", func(name string, data []byte) {
		var p map[string]any
		if err := strictyaml.Decode(name, data, &p); err != nil {
			t.Fatal(err)
		}
		found := procedureQuantities(p)
		for _, id := range p["controls"].([]any) {
			b := out[fmt.Sprint(id)]
			b.quantities = append(b.quantities, found...)
		}
	})
	return out
}

func each(t *testing.T, folder string, do func(name string, data []byte)) {
	t.Helper()
	names, err := fs.Glob(library.Files, folder+"/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(names), err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(library.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		do(name, data)
	}
}

// procedureQuantities are the numbers in a procedure's words and parameters.
func procedureQuantities(p map[string]any) []string {
	out := quantities(fmt.Sprint(p["title"], " ", p["statement"]))
	if event, ok := p["event"].(map[string]any); ok {
		out = append(out, quantities(fmt.Sprint(event["attributes"]))...)
	}
	if cadence, ok := p["cadence"].(map[string]any); ok {
		out = append(out, fmt.Sprintf("every %v", cadence["every"]))
		out = append(out, parameter("due", cadence["due"])...)
	}
	if params, ok := p["parameters"].(map[string]any); ok {
		for name, value := range params {
			out = append(out, parameter(name, value)...)
		}
	}
	return out
}

var (
	duration = regexp.MustCompile(`^([0-9]+)(bd|d|h|m)$`)
	units    = map[string]string{"bd": "business day", "d": "day", "h": "hour", "m": "minute"}
	named    = map[string]string{"days": "day", "hours": "hour", "length": "character", "attempts": "attempt"}
)

// parameter is a parameter's value as a quantity.
func parameter(name string, value any) []string {
	text := fmt.Sprint(value)
	if m := duration.FindStringSubmatch(text); m != nil {
		return []string{m[1] + " " + units[m[2]]}
	}
	switch name {
	case "days", "hours", "length", "attempts":
		return []string{text + " " + named[name]}
	case "minutes", "seconds": // 480 minutes, 900 seconds
		n := map[string]int{"minutes": 60, "seconds": 1}[name] * value.(int)
		if n%3600 == 0 {
			return []string{fmt.Sprintf("%d hour", n/3600)}
		}
		return []string{fmt.Sprintf("%d minute", n/60)}
	}
	return nil
}

var (
	amount  = regexp.MustCompile(`(?i)\b([0-9]+|one|two|three|five|ten|thirty)[ -](business |failed )?(minute|hour|day|week|month|year|character|attempt|approval)s?\b`)
	cadence = regexp.MustCompile(`(?i)\b(?:once a|once in every|once every|each|every|per|a run once a) (?:calendar )?(day|week|month|quarter|half-year|year)\b`)
	figures = map[string]string{"one": "1", "two": "2", "three": "3", "five": "5", "ten": "10", "thirty": "30"}
)

// quantities are the amounts and cadences in a text: "10 business day", "every year".
func quantities(text string) []string {
	text = strings.Join(strings.Fields(text), " ")
	var out []string
	for _, m := range amount.FindAllStringSubmatch(text, -1) {
		n := strings.ToLower(m[1])
		if figures[n] != "" {
			n = figures[n]
		}
		out = append(out, n+" "+strings.Replace(strings.ToLower(m[2]), "failed ", "", 1)+strings.ToLower(m[3]))
	}
	for _, m := range cadence.FindAllStringSubmatch(text, -1) {
		out = append(out, "every "+strings.ToLower(m[1]))
	}
	return out
}

func starters(t *testing.T) []policy.Policy {
	t.Helper()
	list, err := policy.Starters()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestStartersSayWhatControlsDo: every number in a policy is one of the control
// that is named beside it, in its front matter and in its text; one without a
// control beside it is a promise with nothing behind it.
func TestStartersSayWhatControlsDo(t *testing.T) {
	of := bases(t)
	checked := 0
	for _, p := range starters(t) {
		for _, s := range p.States {
			checked += checkQuantities(t, of, p.ID+": states", s.Says, []string{s.Control})
		}
		for _, b := range policy.Diff("", p.Body).Blocks {
			text := b.Parts[0].Text
			checked += checkQuantities(t, of, p.ID, text, refs(text))
		}
	}
	if checked < 250 {
		t.Errorf("%d numbers were compared, want those of all policies", checked)
	}
}

var ref = regexp.MustCompile(`[A-Z]{3}-[0-9]{2}|HR-[0-9]{2}`)

func refs(text string) []string { return ref.FindAllString(text, -1) }

func checkQuantities(t *testing.T, of map[string]*basis, where, text string, controls []string) int {
	t.Helper()
	var known []string
	for _, id := range controls {
		if of[id] != nil {
			known = append(known, of[id].quantities...)
		}
	}
	found := quantities(text)
	for _, q := range found {
		if !slices.Contains(known, q) {
			t.Errorf("%s says %q, and %v say %q:\n%s", where, q, controls, known, text)
		}
	}
	return len(found)
}

// TestQuantities holds the reader of numbers to what it is for.
func TestQuantities(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"within 1 business day of the end", "1 business day"},
		{"in ten business days", "10 business day"},
		{"once a quarter, at the latest 15 days after", "15 day, every quarter"},
		{"again once in every calendar year", "every year"},
		{"after at most 10 failed attempts", "10 attempt"},
		{"at least 12 characters", "12 character"},
		{"TLS 1.2, 4 classes", ""},
	} {
		if got := strings.Join(quantities(c.text), ", "); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// TestStartersCoverTheLibrary: every control that a policy names exists, and
// every control of the library is in at least one policy.
func TestStartersCoverTheLibrary(t *testing.T) {
	of := bases(t)
	covered := map[string]bool{}
	for _, p := range starters(t) {
		told := map[string]bool{}
		for _, s := range p.States {
			told[s.Control] = true
		}
		for _, r := range p.Refs() {
			told[r.Control] = true
		}
		for _, id := range p.Controls {
			if of[id] == nil {
				t.Errorf("%s names control %s, which the library does not hold", p.ID, id)
			}
			if covered[id] = true; !told[id] {
				t.Errorf("%s lists %s and says nothing of it", p.ID, id)
			}
		}
	}
	for id, b := range of {
		if !covered[id] {
			t.Errorf("no policy speaks of %s: %s", id, b.description)
		}
	}
}

// TestStartersAreReadable: minutes to read, placeholders that can be filled,
// somebody who keeps it, a way to ask.
func TestStartersAreReadable(t *testing.T) {
	values := map[string]string{library.Organization: "Halyard", library.System: "Halyard Ledger", library.SecurityContact: "security@halyard.example"}
	list := starters(t)
	if len(list) < 20 {
		t.Errorf("%d starter policies, want about 20", len(list))
	}
	for _, p := range list {
		if n := len(strings.Fields(policy.Text(p.Body))); n < 250 || n > 650 {
			t.Errorf("%s has %d words, want 250 to 650", p.ID, n)
		}
		if p.Owner == "" || !strings.HasSuffix(p.Summary, ".") || strings.Count(p.Summary, ". ") > 0 || len(p.Controls) == 0 || len(p.States) == 0 {
			t.Errorf("%s: owner %q, summary %q, %d controls, %d statements", p.ID, p.Owner, p.Summary, len(p.Controls), len(p.States))
		}
		if !slices.Contains([]string{"all", "engineers", "managers", "personal-data"}, p.Audience) {
			t.Errorf("%s: audience %q", p.ID, p.Audience)
		}
		if filled := library.Fill(p.Body, values); len(library.Placeholders(filled)) > 0 {
			t.Errorf("%s: nothing fills %q", p.ID, library.Placeholders(filled))
		}
		if !strings.HasPrefix(p.Body, "# "+p.Title+"\n") || !strings.Contains(p.Body, "xception") {
			t.Errorf("%s: want the title as its heading, and what is said of exceptions", p.ID)
		}
		if bad := loud.FindString(p.Body); bad != "" {
			t.Errorf("%s says %q", p.ID, bad)
		}
	}
}

// loud is how these texts do not speak.
var loud = regexp.MustCompile(`(?i)!|\b(shall|hereby|thereof|herein|pursuant|compliant|certified|audit-ready|guarantee[sd]?)\b`)

// TestAcknowledged: what the procedures about acknowledgements ask everyone for
// is among the starters, and they ask everyone for it.
func TestAcknowledged(t *testing.T) {
	asked := 0
	list := starters(t)
	each(t, "procedures", func(name string, data []byte) {
		if !strings.HasPrefix(name, "procedures/people.acknowledgement") {
			return
		}
		var p map[string]any
		if err := strictyaml.Decode(name, data, &p); err != nil {
			t.Fatal(err)
		}
		for _, id := range p["parameters"].(map[string]any)["documents"].([]any) {
			asked++
			if !slices.ContainsFunc(list, func(p policy.Policy) bool { return p.ID == id && p.Acknowledge && p.Audience == "all" }) {
				t.Errorf("%s asks for %v, which is no starter policy that everyone agrees to", name, id)
			}
		}
	})
	if asked < 4 {
		t.Errorf("%d documents are asked for, want those of both procedures", asked)
	}
}

// TestCourses: one a topic, with numbers of the library and questions whose
// right answers are not all at one place.
func TestCourses(t *testing.T) {
	list, err := policy.Courses()
	if err != nil {
		t.Fatal(err)
	}
	topics := map[string]bool{}
	var known []string
	for _, b := range bases(t) {
		known = append(known, b.quantities...)
	}
	places := map[int]int{}
	for _, c := range list {
		topics[c.Topic] = true
		if len(c.Questions) < 4 || c.Summary == "" {
			t.Errorf("%s: %d questions, summary %q", c.ID, len(c.Questions), c.Summary)
		}
		if n := len(strings.Fields(policy.Text(c.Body))); n < 200 || n > c.Minutes*200 {
			t.Errorf("%s has %d words for %d minutes", c.ID, n, c.Minutes)
		}
		for _, q := range quantities(c.Body) {
			if !slices.Contains(known, q) {
				t.Errorf("%s says %q, and no control does", c.ID, q)
			}
		}
		for _, q := range c.Questions {
			places[slices.IndexFunc(q.Options, func(o policy.Option) bool { return o.Right })]++
		}
		if bad := loud.FindString(c.Body); bad != "" {
			t.Errorf("%s says %q", c.ID, bad)
		}
	}
	for _, topic := range policy.Topics {
		if !topics[topic] {
			t.Errorf("no course about %s", topic)
		}
	}
	if len(places) < 3 {
		t.Errorf("right answers stand at places %v: nobody has to read", places)
	}
}
