package examination

import (
	"context"
	"slices"
	"strings"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/management"
	"tieout/internal/unwritten"
)

// A Described is management's description as it stands, beside what the facts say.
type Described struct {
	Sections []DescribedSection // as management.DCs has them
	Controls []string           // ids in scope now, which a description lists
	Alike    int                // percent of the written words that are worded as shipped texts are
	Final    *management.Version
	Later    bool                  // a section was written after Final, or other controls of user entities
	Issued   bool                  // a report is out that nothing here changes
	Expected []engagement.Expected // of user entities, as written
	Defined  []engagement.Expected // the same as the definitions have them

	Type      engagement.Type
	Other     []engagement.Information // for Section V, which nobody examines
	OtherBase int64                    // its revision
}

// Seen are the revisions of what is finished as a version, as this shows them.
func (d Described) Seen() (out []int64) {
	for _, s := range d.Sections {
		n := int64(0)
		if s.Written != nil {
			n = s.Written.Revision
		}
		out = append(out, n)
	}
	if len(d.Other) > 0 {
		out = append(out, d.OtherBase)
	}
	return out
}

// A DescribedSection is one description criterion.
type DescribedSection struct {
	DC, Title string
	Written   *management.Section // nil: nothing is
	Draft     engagement.DCSection
	Missing   []string // what the facts do not hold and a person has to say or decide
	Holds     string   // a placeholder that is still in the text
	Alike     int
}

// Unsourced is how many of the written paragraphs name nothing they rest on.
func (s DescribedSection) Unsourced() (n int) {
	if s.Written == nil {
		return 0
	}
	for _, p := range s.Written.Paragraphs {
		if len(p.Sources) == 0 {
			n++
		}
	}
	return n
}

// Drafted reports whether a written paragraph is word for word what the facts say
// now.
func (s DescribedSection) Drafted(p engagement.Paragraph) bool {
	return slices.ContainsFunc(s.Draft.Paragraphs, func(d engagement.Paragraph) bool {
		return strings.TrimSpace(d.Text) == strings.TrimSpace(p.Text)
	})
}

// Behind are what the facts say now and no written paragraph does, of a section
// that has text.
func (s DescribedSection) Behind() (out []engagement.Paragraph) {
	if s.Written == nil {
		return nil
	}
	for _, d := range s.Draft.Paragraphs {
		if !slices.ContainsFunc(s.Written.Paragraphs, func(p engagement.Paragraph) bool { return strings.TrimSpace(p.Text) == strings.TrimSpace(d.Text) }) {
			out = append(out, d)
		}
	}
	return out
}

// Described puts an engagement's description beside what is drafted from the
// facts held now. It writes nothing.
func (c *Client) Described(ctx context.Context, id string) (d Described, err error) {
	facts, err := c.Facts(ctx, id)
	if err != nil {
		return d, err
	}
	sections, gaps := describe.Draft(facts)
	drafts, missing := map[string]engagement.DCSection{}, map[string][]string{}
	for _, s := range sections {
		drafts[s.DC] = s
	}
	for _, g := range gaps {
		missing[g.DC] = append(missing[g.DC], g.What)
	}
	drafts[oneSection], missing[oneSection] = inOne(sections), inOrder(gaps)
	for _, k := range facts.Controls {
		d.Controls = append(d.Controls, k.ID)
	}
	slices.Sort(d.Controls)
	shipped := Shipped(c.P.Def)
	var all []string
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err != nil {
			return err
		}
		for _, dc := range management.DCs(x.Terms.Type) {
			one := DescribedSection{DC: dc, Title: describe.Titles[dc], Draft: drafts[dc], Missing: missing[dc]}
			if w := x.Description[dc]; w != nil {
				own := *w
				one.Written = &own
				text := textOf(w.DCSection)
				one.Holds, one.Alike = unwritten.Find(text), describe.Alike(text, shipped...)
				all = append(all, text)
				d.Later = d.Later || x.Final != nil && w.At.After(x.Final.At)
			}
			d.Sections = append(d.Sections, one)
		}
		if x.Final != nil {
			v := *x.Final
			d.Final = &v
		}
		d.Issued, d.Expected = x.Closed(), slices.Clone(x.Expected)
		d.Type = x.Terms.Type
		d.Other, d.OtherBase = slices.Clone(x.Other), x.OtherRevision
		d.Later = d.Later || x.Final != nil && (!SameExpected(x.Final.Expected, x.Expected) || !slices.Equal(x.Final.Other, x.Other))
		return nil
	})
	d.Alike = describe.Alike(join(all), shipped...)
	if sys := systemOf(c.P.Def, facts.System); sys != nil {
		for _, e := range UserControls(sys) {
			d.Defined = append(d.Defined, engagement.Expected{ID: e.ID, Text: e.Text, Criteria: e.Criteria})
		}
	}
	return d, err
}

// FinishDescription makes a version of the description for the firm, see
// management.Book.FinishDescription: what changed in the period is looked up here.
func (c *Client) FinishDescription(ctx context.Context, by access.Subject, id string, controls []string, seen []int64) (v management.Version, err error) {
	var terms engagement.Terms
	err = c.Side.Read(ctx, func(s *management.State) error {
		x, err := s.Side(id)
		if err == nil {
			terms = x.Terms
		}
		return err
	})
	var refs []string
	if err == nil && terms.Type.OverPeriod() && terms.Type != engagement.SOC3 {
		var changes []Change
		changes, err = c.Changes(ctx, terms.First, terms.Last)
		for _, x := range changes {
			refs = append(refs, x.Ref)
		}
	}
	if err != nil {
		return v, err
	}
	return c.Side.FinishDescription(ctx, by, id, controls, seen, refs...)
}

// oneSection is the one section of a description that is not written by the description
// criteria of a SOC 2.
const oneSection = "DC"

// inOne is all that the facts say as one section.
func inOne(sections []engagement.DCSection) engagement.DCSection {
	out := engagement.DCSection{DC: oneSection}
	for _, s := range sections {
		out.Paragraphs = append(out.Paragraphs, s.Paragraphs...)
	}
	return out
}

func inOrder(gaps []describe.Gap) (out []string) {
	for _, g := range gaps {
		out = append(out, g.What)
	}
	return out
}

// SameExpected reports whether two lists of controls of others say the same.
func SameExpected(a, b []engagement.Expected) bool {
	return slices.EqualFunc(a, b, func(x, y engagement.Expected) bool {
		return x.ID == y.ID && x.Text == y.Text && slices.Equal(x.Criteria, y.Criteria)
	})
}

func textOf(s engagement.DCSection) string {
	var b strings.Builder
	for _, p := range s.Paragraphs {
		b.WriteString(p.Text + "\n")
	}
	return b.String()
}
