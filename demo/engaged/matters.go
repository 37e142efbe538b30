package engaged

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// A matter is why criteria are not met: controls whose exceptions, taken together,
// are more than single ones, and what follows from them.
type matter struct {
	title    string
	criteria []string
	controls []string
	because  string
}

// matters modify the opinion on operation. Their figures are those of the
// exceptions that stand.
var matters = []matter{
	{"Giving, reviewing and taking away access", []string{"CC6.1", "CC6.2", "CC6.3"}, []string{"IAM-01", "IAM-02", "IAM-03", "IAM-04", "IAM-05"},
		"Rights in production were held without a request or an approval, accounts and keys of people who had left went on working, and the review that should have found both was late or not followed up; no other control for these criteria would have found it in time."},
	{"Answering incidents and weaknesses", []string{"CC7.4"}, []string{"INC-02", "INC-03", "INC-06", "VUL-02"},
		"An incident of the highest severity waited for hours until somebody took it on, during which the commitment of availability was missed; customers were told of another one too late; and a critical vulnerability stayed open for weeks."},
	{"Changing the system", []string{"CC8.1"}, []string{"SDL-01", "SDL-02", "SDL-03", "SDL-04", "SDL-06"},
		"Changes reached production without the approval of another person, without a ticket, and past rules and checks that had been taken off or overruled, and nothing told of it at the time."},
}

// matterOf is the matter for which a criterion is not met; nil where it is met.
func matterOf(criterion string) *matter {
	for i := range matters {
		if slices.Contains(matters[i].criteria, criterion) {
			return &matters[i]
		}
	}
	return nil
}

// standing are the exceptions of a control that stand, by ID.
func standing(f *fieldwork.File, control string) (out []*fieldwork.Finding) {
	for _, y := range book.Sorted(f.Findings) {
		if y.Control == control && y.Stands() {
			out = append(out, y)
		}
	}
	return out
}

// figures are an exception's in words.
func figures(y *fieldwork.Finding) string {
	s := fmt.Sprintf("%s in %s tested", count(len(y.Items), "exception", "exceptions"), count(y.Of, "item", "items"))
	switch {
	case len(y.Items) == 0:
		s = fmt.Sprintf("%s outside the sample, none in %s tested", count(len(y.Known), "exception", "exceptions"), count(y.Of, "item", "items"))
	case len(y.Known) > 0:
		s += fmt.Sprintf(" and %d outside the sample", len(y.Known))
	}
	return s + " (" + y.ID + ")"
}

func titleOf(f *fieldwork.File, control string) string {
	title := control
	for _, c := range f.Controls.Controls {
		if c.ID == control {
			title = c.Title
		}
	}
	return title
}

// basis is why the opinion on operation is qualified: a paragraph a matter, and
// one on evidence that could not be had.
func basis(f *fieldwork.File) (string, error) {
	var out []string
	for _, m := range matters {
		p, err := m.paragraph(f)
		if err != nil {
			return "", err
		}
		out = append(out, p)
	}
	if p := notObtained(f); p != "" {
		out = append(out, p)
	}
	return strings.Join(out, "\n\n"), nil
}

func (x *exam) basis(ctx context.Context) (text string, err error) {
	rerr := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { text, err = basis(f) })
	return text, errors.Join(rerr, err)
}

func (m matter) paragraph(f *fieldwork.File) (string, error) {
	var lines []string
	for _, control := range m.controls {
		if said := exceptionsOf(f, control); said != "" {
			lines = append(lines, fmt.Sprintf("- %s, %s: %s", control, lower(titleOf(f, control)), said))
		}
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("%w: no exception stands for the matter %q of the basis", audit.ErrConflict, m.title)
	}
	word := "criterion "
	if len(m.criteria) > 1 {
		word = "criteria "
	}
	return fmt.Sprintf("**%s.** These controls did not operate as described:\n\n%s\n\n%s Therefore the controls did not operate effectively to meet %s.", m.title, strings.Join(lines, "\n"), m.because, word+and(m.criteria)), nil
}

// exceptionsOf are a control's exceptions that stand, with their figures and facts.
func exceptionsOf(f *fieldwork.File, control string) string {
	var out []string
	for _, y := range standing(f, control) {
		out = append(out, figures(y)+". "+y.Nature)
	}
	return strings.Join(out, " Further, ")
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// notObtained is the paragraph on what could not be tested, by why it could not, ""
// where all could.
func notObtained(f *fieldwork.File) string {
	of, serve := map[string][]string{}, []string{}
	var order []string
	add := func(why, control, what string) {
		if of[why] == nil {
			order = append(order, why)
		}
		of[why] = append(of[why], control+what)
		serve = append(serve, control)
	}
	for _, control := range f.ControlsInScope() {
		if why := untestable[control]; why != "" {
			add(why, control, "")
		}
		for _, t := range operations(f, control) {
			if n, all, why := untested(f, t); n > 0 {
				add(strings.Join(why, " "), control, fmt.Sprintf(" (%d of %s)", n, count(all, "item", "items")))
			}
		}
	}
	if len(order) == 0 {
		return ""
	}
	var lines []string
	for _, why := range order {
		lines = append(lines, "- "+why+" This is so for "+and(of[why])+".")
	}
	return "**Evidence that could not be obtained.** Because exports of Halyard's failed or no record exists, we could not obtain sufficient appropriate evidence of the following by inspection, nor by other work in its place:\n\n" + strings.Join(lines, "\n") +
		"\n\nTherefore we could not determine whether the controls operated in those cases. The possible effects are on " + and(criteriaServed(f, serve)) + "."
}

// criteriaServed are the criteria examined that controls are for, by ID.
func criteriaServed(f *fieldwork.File, controls []string) (out []string) {
	for _, id := range f.Terms.Criteria() {
		for _, c := range controls {
			if serves(f, c, id) && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// operations are a control's tests of operation, by ID.
func operations(f *fieldwork.File, control string) (out []*fieldwork.Test) {
	for _, id := range slices.Sorted(maps.Keys(f.Tests)) {
		if t := f.Tests[id]; t.Control == control && t.Phase == engagement.Operation && t.Dropped == "" {
			out = append(out, t)
		}
	}
	return out
}

// untested are the items of a test that could not be tested, of how many, and why.
func untested(f *fieldwork.File, t *fieldwork.Test) (n, of int, why []string) {
	p := f.Papers[t.ID]
	if p == nil {
		return 0, 0, nil
	}
	for _, row := range p.Rows {
		m := p.Cells[fieldwork.Cell{Item: row, Attribute: "A"}]
		if p.Void[row] != "" || m == nil {
			continue
		}
		of++
		if m.Mark == engagement.UnableToTest {
			n++
			if !slices.Contains(why, m.Note) {
				why = append(why, m.Note)
			}
		}
	}
	return n, of, why
}

// and joins words as a sentence does.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// An opinion is what the partner says of a part.
type opinion struct {
	word        engagement.Opinion
	text, basis string
}

// opinion is the partner's word on a part, in the firm's own sentences.
func (x *exam) opinion(ctx context.Context, part engagement.Part) (opinion, error) {
	why, err := x.basis(ctx)
	if err != nil {
		return opinion{}, err
	}
	during := "throughout the period " + inWords(x.terms.First) + " to " + inWords(x.terms.Last)
	achieved := "Halyard's service commitments and system requirements were achieved by the trust services criteria for " + strings.ToLower(x.categories())
	expected := " the complementary controls that the description says are expected of them"
	switch part {
	case engagement.PartDescription:
		return opinion{engagement.Unmodified, "In our opinion, in all material respects, the description presents Ledger as Halyard designed it and put it in place " + during + ", by the description criteria.", ""}, nil
	case engagement.PartDesign:
		return opinion{engagement.Unmodified, "In our opinion, in all material respects, the controls stated in the description were suitably designed " + during + ": had they operated effectively, and had user entities and the subservice organizations operated" + expected + ", they would have given reasonable assurance that " + achieved + ".", ""}, nil
	case engagement.PartOperation:
		return opinion{engagement.Qualified, "In our opinion, except for the effects and possible effects of the matters described in the basis for the qualified opinion, in all material respects, the controls stated in the description operated effectively " + during + " and gave reasonable assurance that " + achieved + ", provided that user entities and the subservice organizations operated" + expected + " throughout that time.", why}, nil
	}
	return opinion{}, fmt.Errorf("%w: the play has no opinion on %s", audit.ErrInvalid, part)
}

var categoryNames = map[audit.Category]string{audit.Security: "security", audit.Availability: "availability", audit.ProcessingIntegrity: "processing integrity", audit.Confidentiality: "confidentiality", audit.Privacy: "privacy"}

// categories are those that are examined, as a sentence has them.
func (x *exam) categories() string {
	var out []string
	for _, c := range x.terms.Categories {
		if c.In {
			out = append(out, categoryNames[c.Category])
		}
	}
	return and(out)
}

// inWords is a day, "2025-01-01", in words.
func inWords(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("2 January 2006")
}
