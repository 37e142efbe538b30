package letter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report/attest"
)

// Build makes the document of a letter that Check finds nothing in.
func Build(l Letter) (*attest.Document, error) {
	if err := Check(l); err != nil {
		return nil, err
	}
	digest, err := l.Words.Digest()
	if err != nil {
		return nil, err
	}
	span := attest.Day(l.Words.From) + " to " + attest.Day(l.Words.To)
	d := &attest.Document{ID: l.ID, Digest: digest, Client: l.Client, Firm: l.Client, System: l.System, Letter: true}
	d.Cover = attest.Cover{Type: "Bridge letter", Client: l.Client, System: l.System, Title: "Management’s own word on the days after a report. Nobody examined it.", Dates: span}
	d.Parts = []attest.Part{{Kind: attest.Other, Label: "Bridge letter", Title: "From " + span, Running: "Not examined", Blocks: l.blocks(digest)}}
	d.Curl()
	return d, nil
}

func (l Letter) blocks(digest string) []attest.Block {
	w := l.Words
	out := []attest.Block{
		say(l.day()),
		say("To users of " + l.System + " and others who hold the report that this letter names"),
		{Kind: attest.Notice, Runs: runs("This letter is the word of " + l.Client + "’s management alone. Nobody examined it: it is no report, it extends none, and " + l.Firm + " gives no assurance by it.")},
		head("The report it continues"),
		say(fmt.Sprintf("%s issued a %s report on %s for the period %s to %s, dated %s.", l.Firm, l.Type, l.System, attest.Day(l.First), attest.Day(l.Last), attest.Day(l.Dated)) + " " + l.opinions()),
		say(fmt.Sprintf("This letter speaks of the %s after that period: %s to %s. The next report is expected on %s.", days(w.From, w.To), attest.Day(w.From), attest.Day(w.To), attest.Day(w.Next))),
		head("What management states"),
	}
	out = append(out, attest.Markdown(w.Text, 2)...)
	out = append(out, head("What a reader has to know of"))
	out = append(out, l.disclosed()...)
	s := w.Signed
	out = append(out, attest.Block{Kind: attest.Signatory, Lines: []string{s.Name, s.Title, l.Client, "Signed on " + l.day()}})
	return append(out, attest.Block{Style: attest.Quiet, Runs: []attest.Run{
		{Text: "The report’s value has the digest "}, {Text: w.Report, Code: true}, {Text: ". The signature is over the digest "}, {Text: digest, Code: true}, {Text: ", by the key "}, {Text: s.Key, Code: true}, {Text: ". Whose key that is has to be known from elsewhere. The PDF of this letter carries its value and is checked with "}, {Text: "tieout verify", Code: true}, {Text: "."},
	}})
}

// day is the day on which it was signed, where the company is.
func (l Letter) day() string {
	zone, err := time.LoadLocation(l.Zone)
	if err != nil {
		zone = time.UTC
	}
	return l.Words.Signed.At.In(zone).Format("2 January 2006")
}

// opinions say what the report's opinion is, a modified one first.
func (l Letter) opinions() string {
	var parts []string
	for _, part := range slices.Sorted(maps.Keys(l.Opinions)) {
		if word := l.Opinions[part]; word != unmodified {
			parts = append(parts, modified(part, word))
		}
	}
	switch {
	case len(l.Opinions) == 0:
		return "Its opinion is in the report."
	case len(parts) == 0:
		return "Its opinion is unmodified."
	}
	return strings.Join(parts, " ")
}

func modified(part, word string) string {
	name := strings.ToLower(attest.PartName(part)) // a part that Check knows
	if word == "Disclaimer" {
		return "It gives no opinion on the " + name + " (a disclaimer)."
	}
	return "Its opinion on the " + name + " is " + strings.ToLower(word) + "."
}

// disclosed is the list of what the letter discloses; without one, what the
// registers did not hold.
func (l Letter) disclosed() []attest.Block {
	if len(l.Words.Disclosed) == 0 {
		return []attest.Block{say("When this letter was signed, " + l.Client + "’s records held no incident, no deviation of a control, no change of the system or its controls and no untested day for the days it speaks of, and the opinion of the report is not modified.")}
	}
	t := &attest.Table{Name: "What the letter discloses, in management’s words", Columns: []attest.Column{{Title: "What", Share: 28}, {Title: "In management’s words", Share: 72, Style: attest.Stated}}}
	for i, d := range l.Words.Disclosed {
		kind, ref := About(d.Ref)
		if i > 0 && d.Text == l.Words.Disclosed[i-1].Text { // said once of several
			if k, _ := About(l.Words.Disclosed[i-1].Ref); k == kind {
				first := &t.Rows[len(t.Rows)-1].Cells[0]
				first.Paras = append(first.Paras, attest.Para{Style: attest.Ref, Runs: runs(ref)})
				continue
			}
		}
		t.Rows = append(t.Rows, attest.Row{Cells: []attest.Cell{
			{Paras: []attest.Para{{Style: attest.Strong, Runs: runs(kind)}, {Style: attest.Ref, Runs: runs(ref)}}},
			{Paras: paras(d.Text)},
		}})
	}
	return []attest.Block{{Kind: attest.Grid, Table: t}}
}

// paras are a text's paragraphs as a cell has them.
func paras(text string) (out []attest.Para) {
	for _, p := range strings.Split(text, "\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, attest.Para{Style: attest.Stated, Runs: runs(p)})
		}
	}
	return out
}

var kinds = map[string]string{"incident": "Incident", "deviation": "Deviation of a control", "change": "Change", "opinion": "Opinion of the report", "untested": "Days without tests"}

// About is what a reference is of, in words, and its name: "Incident", "INC-4".
func About(ref string) (kind, name string) {
	k, rest, _ := strings.Cut(ref, ":")
	if kinds[k] == "" {
		return "Disclosed", ref
	}
	if k == "opinion" {
		rest = attest.PartName(rest)
	}
	if from, to, ok := strings.Cut(rest, ".."); ok && k == "untested" {
		rest = attest.Day(from) + " to " + attest.Day(to)
	}
	return kinds[k], rest
}

// days is how many days there are from one to another, both included.
func days(from, to string) string {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if n := int(b.Sub(a).Hours()/24) + 1; errA == nil && errB == nil && n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "one day"
}

func runs(text string) []attest.Run { return []attest.Run{{Text: text}} }

func say(text string) attest.Block { return attest.Block{Runs: runs(text)} }

func head(text string) attest.Block {
	return attest.Block{Kind: attest.Heading, Level: 1, Runs: runs(text)}
}

// bound is the largest PDF that is read as a letter.
const bound = 64 << 20

func tooLarge(data []byte) error {
	if len(data) > bound {
		return fmt.Errorf("%w: the file has %d bytes; the most is %d", audit.ErrInvalid, len(data), bound)
	}
	return nil
}
