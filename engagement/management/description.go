package management

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/unwritten"
)

var descriptionTakers = map[string]taker{"description.write": writeSection, "description.expect": expectUsers, "description.other": tellOther, "description.final": finishDescription}

// A Section is the text for one description criterion, with who wrote it last.
type Section struct {
	engagement.DCSection
	By       string
	At       time.Time
	Revision int64 // Base of the next change
}

// A Version is a description that was finished: what the firm gets.
type Version struct {
	engagement.Description
	By     string
	At     time.Time
	Record int64
}

// DCs are the sections a description is written in: the description criteria of the
// examination's type, but DC 9 as of a date, which has no period in which something
// could have changed. What a SOC 3 prints of a description is its boundary and its
// commitments; no opinion is on them.
func DCs(t engagement.Type) []string {
	if t == engagement.SOC3 {
		return []string{"DC 1", "DC 2", "DC 3"}
	}
	return slices.DeleteFunc(t.DescriptionCriteria(), func(dc string) bool { return dc == "DC 9" && !t.OverPeriod() })
}

// WriteSection writes the text for one description criterion. It needs
// description.write; base is the section's Revision as it was opened.
func (b *Book) WriteSection(ctx context.Context, by access.Subject, id string, d engagement.DCSection, base int64) error {
	if err := access.Require(by, "description.write", of(id)); err != nil {
		return err
	}
	d.Paragraphs = slices.Clone(book.List(d.Paragraphs))
	for i := range d.Paragraphs {
		d.Paragraphs[i].Sources = book.List(d.Paragraphs[i].Sources)
	}
	_, err := b.book.Write(ctx, by, "description.write", named("description", id, d.DC), base, d)
	return err
}

// source names what a paragraph was drafted from: "boundary", "incident:INC-2".
var source = regexp.MustCompile(`^[a-z]+(:[^\s:;][^\x00-\x1f;]{0,120})?$`)

func writeSection(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.DCSection](e)
	x, rest, xerr := s.on(e, "description")
	if err = book.First(err, xerr, book.When(d.DC != rest, "the entry is on another section"), book.When(len(d.Paragraphs) > 500, "a section has at most 500 paragraphs")); err != nil {
		return book.Change{}, err
	}
	if !slices.Contains(DCs(x.Terms.Type), d.DC) {
		return book.Change{}, fmt.Errorf("%w: a %s is described by %s, not by %s", audit.ErrInvalid, x.Terms.Type, strings.Join(DCs(x.Terms.Type), ", "), d.DC)
	}
	for i, p := range d.Paragraphs {
		err := book.First(book.Text(fmt.Sprintf("paragraph %d", i+1), p.Text, 1, maxText),
			book.When(slices.ContainsFunc(p.Sources, func(s string) bool { return !source.MatchString(s) }), fmt.Sprintf("paragraph %d: a source is written like incident:INC-2", i+1)))
		if err != nil {
			return book.Change{}, err
		}
	}
	if err := book.First(x.open(), x.notIssued()); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%s: %d paragraphs", d.DC, len(d.Paragraphs)), Do: func() {
		x.Description[d.DC] = &Section{d, e.By.Name, e.At, e.Base + 1}
	}}, nil
}

// Closed reports whether a report is out that nothing here changes any more: the
// newest one, until the firm opens its file again for a superseding report.
func (x *Side) Closed() bool { return len(x.Releases) > 0 && x.State != engagement.DraftReview }

// notIssued refuses what would change a report that is out.
func (x *Side) notIssued() error {
	if x.Closed() {
		return book.TooEarly("the report is issued; only a superseding report changes it")
	}
	return nil
}

type expectData struct {
	Expected []engagement.Expected `json:"expected"`
}

// SetExpected says which controls user entities have to operate (CUEC), each with
// the criteria that rest on it. It needs description.write.
func (b *Book) SetExpected(ctx context.Context, by access.Subject, id string, list []engagement.Expected, base int64) error {
	if err := access.Require(by, "description.write", of(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "description.expect", named("expected", id), base, expectData{book.List(list)})
	return err
}

func expectUsers(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[expectData](e)
	x, _, xerr := s.on(e, "expected")
	if err = book.First(err, xerr); err != nil {
		return book.Change{}, err
	}
	seen := map[string]bool{}
	for _, c := range d.Expected {
		err := book.First(book.OneLine("id", c.ID, 1), book.Text(c.ID, c.Text, 1, maxText), book.When(seen[c.ID], c.ID+" is listed twice"),
			book.When(len(c.Criteria) == 0, c.ID+": a control of user entities is needed for a criterion; say which"))
		if err != nil {
			return book.Change{}, err
		}
		seen[c.ID] = true
	}
	if err := book.First(x.open(), x.notIssued()); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%d controls of user entities", len(d.Expected)), Do: func() { x.Expected = d.Expected }}, nil
}

type finishData struct {
	Controls []string `json:"controls"`
	Seen     []int64  `json:"seen"`    // revision of each section that was read, in the order of DCs
	Changes  []string `json:"changes"` // references of what changed in the period, as they were looked up
}

// FinishDescription makes a version of the description as it stands, for the
// firm: controls are all that it says exist. It needs assertion.sign, because
// management owns it; seen are the sections' revisions as they were read, and after
// them that of the other information (Side.OtherRevision) where there is any. changes are
// the references of what changed in the period, which the caller looked up
// (examination.Client.FinishDescription does): of each somebody decided whether
// readers are told.
func (b *Book) FinishDescription(ctx context.Context, by access.Subject, id string, controls []string, seen []int64, changes ...string) (v Version, err error) {
	if err := access.Require(by, "assertion.sign", of(id)); err != nil {
		return Version{}, err
	}
	if _, err := b.book.Write(ctx, by, "description.final", named("final", id), book.Anyway, finishData{book.List(controls), seen, book.List(changes)}); err != nil {
		return Version{}, err
	}
	err = b.Read(ctx, func(s *State) error { v = *s.Sides[id].Final; return nil })
	return v, err
}

func finishDescription(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[finishData](e)
	x, _, xerr := s.on(e, "final")
	if err = book.First(err, xerr); err != nil {
		return book.Change{}, err
	}
	if err := book.First(x.open(), x.agreed(), x.notIssued(), x.whole(d)); err != nil {
		return book.Change{}, err
	}
	v := Version{engagement.Description{Version: 1, Final: true, Controls: d.Controls, Expected: x.Expected, Other: x.Other}, e.By.Name, e.At, e.Record}
	if x.Final != nil {
		v.Version = x.Final.Version + 1
	}
	for _, dc := range DCs(x.Terms.Type) {
		v.Sections = append(v.Sections, x.Description[dc].DCSection)
	}
	return book.Change{What: fmt.Sprintf("version %d is finished", v.Version), Do: func() { x.Final = &v }}, nil
}

// whole says what the description lacks to be finished.
func (x *Side) whole(d finishData) error {
	dcs := DCs(x.Terms.Type)
	if err := x.otherWhole(&d, len(dcs)); err != nil {
		return err
	}
	if len(d.Seen) != len(dcs) {
		return fmt.Errorf("%w: say which revision of each of %d sections was read", audit.ErrInvalid, len(dcs))
	}
	for i, dc := range dcs {
		sec := x.Description[dc]
		if sec == nil || len(sec.Paragraphs) == 0 {
			return book.TooEarly("%s has no text yet; where nothing is to be told, the description says so", dc)
		}
		if sec.Revision != d.Seen[i] {
			return book.TooEarly("%s has changed since you read it", dc)
		}
		for n, p := range sec.Paragraphs {
			if m := unwritten.Find(p.Text); m != "" {
				return book.TooEarly("%s, paragraph %d still holds %q", dc, n+1, m)
			}
		}
	}
	var undecided []string
	for _, ref := range d.Changes {
		if x.Changes[ref] == nil {
			undecided = append(undecided, ref)
		}
	}
	switch {
	case len(undecided) > 0:
		return book.TooEarly("nobody decided whether the description tells of %s: a signer decides on each change of the period", strings.Join(undecided, ", "))
	case len(d.Controls) == 0:
		return book.TooEarly("the description names no control")
	}
	return nil
}
