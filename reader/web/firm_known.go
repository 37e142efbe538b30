package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/natural"
	"tieout/report"
)

// A firmKnownRow is a deviation outside a test's sample.
type firmKnownRow struct {
	N                       int
	Ref, Item               string // how forms name it, and the item
	Label, What, Said       string
	Before                  string // what was known of it before a later look, and what was said of that
	Class, Word             string
	Tick                    bool // something can be said of it, or confirmed
	Record, Finding, InGrid link
}

// A firmPattern are deviations of one attribute with one outcome.
type firmPattern struct {
	Key, Text     string
	N, Open, Said int
}

// patternOf groups deviations: what a procedure computed of one attribute, what
// was marked in a sample that is retired, or what was learned otherwise.
func patternOf(k *fieldwork.Known) string {
	switch {
	case k.Attribute == "":
		return "told"
	case k.Outcome == "":
		return "retired"
	}
	return k.Attribute + " " + k.Outcome
}

// knownState is where one deviation stands.
func knownState(k *fieldwork.Known, open bool) (class, word string) {
	switch {
	case k.Disposed.Settled():
		return "none", report.Capital(k.Disposed.As)
	case !open:
		return "none", "In the grid by a later draw"
	case k.Disposed != nil:
		return "late", "To be confirmed: " + k.Disposed.As
	}
	return "dev", "Open"
}

// knownBefore says what was known of a deviation before a later look found
// something else.
func knownBefore(k fieldwork.Known) string {
	s := "Before: " + k.Outcome + " in " + k.Population
	if k.Disposed.Settled() {
		s += ", " + k.Disposed.As
	}
	return s + "."
}

type firmKnownPage struct {
	*page
	ID, Test, Base    string
	Looks             []string
	CanLook           bool
	Rows              []firmKnownRow
	Filters           []stateFilter
	Pager             pager
	Of                string
	Open, Said        int // of what is shown
	Others            int // of what was said, by others than who looks
	Revision          int64
	Write             bool
	MayConfirm        bool
	Again, Closed     string
	As                []choice
	Why               string
	NewRef, Source, T string // what was typed of one that was learned otherwise
	Exception         string
	list              []*fieldwork.Known
	pops              []fieldwork.Population
}

// firmKnown lists the deviations outside one test's sample.
func (q *request) firmKnown() error {
	id, test := q.PathValue("id"), q.PathValue("test")
	data := firmKnownPage{page: &q.page, ID: id, Test: test, Base: gridBase(id, test) + "/known", Of: cmp.Or(q.URL.Query().Get("of"), q.field("of")), Why: q.PostForm.Get("why"),
		NewRef: q.PostForm.Get("newref"), Source: q.PostForm.Get("source"), T: q.PostForm.Get("text")}
	data.As = []choice{{fieldwork.WrongTest, "The test was wrong, the item is not", q.PostForm.Get("as") == fieldwork.WrongTest}, {fieldwork.WrongPopulation, "The item does not belong to the population", q.PostForm.Get("as") == fieldwork.WrongPopulation}}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		t := f.Tests[test]
		if t == nil {
			return fmt.Errorf("%w: test %q of %s", audit.ErrNotFound, test, id)
		}
		q.gridFrame(f, "/conclusions")
		data.take(q, s, f, t)
		return nil
	})
	if err != nil {
		return err
	}
	if err := data.label(q); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Deviations outside the sample of "+test, "Deviations outside the sample", test, true
	q.Way = []link{{id, q.at("engagements", id)}, {test, gridBase(id, test)}, {"Outside the sample", ""}}
	return q.render("firm-known.html", &data)
}

func (d *firmKnownPage) take(q *request, s *fieldwork.State, f *fieldwork.File, t *fieldwork.Test) {
	zone := (&gridLook{terms: f.Terms}).zone()
	open := map[string]bool{}
	for _, k := range f.OpenKnown(t.ID) {
		open[k.Ref] = true
	}
	for _, l := range f.Looked[t.ID] {
		d.Looks = append(d.Looks, fmt.Sprintf("Attribute %s, by %s over %s: %s among %s outside the sample. %s, %s.", l.Attribute, l.Procedure, l.Population, report.Plural(l.Found, "deviation", "deviations"), report.Plural(l.Of, "item", "items"), q.name(l.By), report.Moment(l.At, zone)))
		if p := f.Populations[l.Population]; p != nil && p.Digest == l.Digest && p.Count <= gridInline && !slices.ContainsFunc(d.pops, func(x fieldwork.Population) bool { return x.ID == p.ID }) {
			d.pops = append(d.pops, *p)
		}
	}
	d.closed(q, f)
	d.CanLook = d.Write && f.Papers[t.ID] != nil && slices.ContainsFunc(t.Attributes, func(a engagement.Attribute) bool { return a.Procedure != "" }) && len(f.Papers[t.ID].Samples)+len(f.Papers[t.ID].Empty) > 0
	d.Revision = s.Revision("known:" + d.ID + "/" + t.ID)
	all := f.KnownListed(t.ID)
	d.patterns(q, all, open)
	var by []string
	said := 0
	for _, k := range d.list {
		if open[k.Ref] && k.Disposed != nil {
			said++
			if k.Disposed.By != q.who.Account { // nobody confirms what they said themselves
				by = append(by, k.Disposed.By)
			}
		}
	}
	if d.Others = len(by); d.Closed == "" {
		d.MayConfirm, d.Again = q.gridSecond(by)
	}
	q.Say = sayKnown(len(all), len(open), said, len(f.Looked[t.ID]) > 0)
	d.rows(q, open)
}

// closed says why nothing can be done here.
func (d *firmKnownPage) closed(q *request, f *fieldwork.File) {
	if err := f.MayWork(q.gridEntry()); err != nil {
		d.Closed = refusalOf(err)
		return
	}
	if d.Write = q.gridMay("test.mark"); !d.Write {
		d.Closed = "Your role reads this file and says nothing of its deviations."
	}
}

// patterns fills in what the list can be narrowed to, and the list.
func (d *firmKnownPage) patterns(q *request, known []*fieldwork.Known, open map[string]bool) {
	by := map[string]*firmPattern{}
	var all []*firmPattern
	d.Exception = gridBase(d.ID, d.Test) + "/finding"
	for _, k := range known {
		key := patternOf(k)
		p := by[key]
		if p == nil {
			p = &firmPattern{Key: key, Text: strings.TrimSpace(k.Attribute + ": " + k.Outcome)}
			switch key {
			case "told":
				p.Text = "Learned otherwise"
			case "retired":
				p.Text = "In a retired sample"
			}
			by[key] = p
			all = append(all, p)
		}
		if p.N++; open[k.Ref] {
			p.Open++
		}
		if d.Of == "" || d.Of == key {
			d.list = append(d.list, k)
		}
	}
	slices.SortFunc(all, func(a, b *firmPattern) int { return strings.Compare(a.Key, b.Key) })
	at := d.Base
	d.Filters = []stateFilter{{"", "All", report.Number(len(known)), at, d.Of == ""}}
	for _, p := range all {
		d.Filters = append(d.Filters, stateFilter{"", p.Text, fmt.Sprintf("%s, %s open", report.Number(p.N), report.Number(p.Open)), q.to(at, "of", p.Key), d.Of == p.Key})
	}
	if d.Of != "" {
		d.Exception = q.to(d.Exception, "known", d.Of)
	}
}

// rows fills in one page of the list: what is open comes first.
func (d *firmKnownPage) rows(q *request, open map[string]bool) {
	slices.SortStableFunc(d.list, func(a, b *fieldwork.Known) int {
		if open[a.Ref] != open[b.Ref] {
			return map[bool]int{true: -1, false: 1}[open[a.Ref]]
		}
		return natural.Compare(a.Ref, b.Ref)
	})
	for _, k := range d.list {
		switch {
		case open[k.Ref] && k.Disposed == nil:
			d.Open++
		case open[k.Ref]:
			d.Said++
		}
	}
	from := q.from(len(d.list))
	d.Pager = q.pager(d.Base, from, len(d.list), "of", d.Of)
	for i, k := range d.list[from:min(len(d.list), from+pageLength)] {
		row := firmKnownRow{N: i + 1, Ref: k.Ref, Item: k.Item, What: k.Text, Tick: open[k.Ref], Record: link{audit.EvidenceRef(k.Record), q.at("evidence", audit.EvidenceRef(k.Record))}}
		switch {
		case k.Attribute != "" && k.Outcome != "":
			row.What = fmt.Sprintf("%s: %s, by %s", k.Attribute, k.Outcome, k.Source)
		case k.Attribute != "":
			row.What = fmt.Sprintf("%s: %s (%s)", k.Attribute, k.Text, k.Source)
		default:
			row.What += " (" + k.Source + ")"
		}
		if n := len(k.Earlier); n > 0 {
			row.Before = knownBefore(k.Earlier[n-1])
		}
		row.Class, row.Word = knownState(k, open[k.Ref])
		if x := k.Disposed; x != nil {
			row.Said = fmt.Sprintf("%s by %s", sentence(x.Why), q.name(x.By))
			if x.Finding != "" {
				row.Finding, row.Said = link{x.Finding, gridFindingHref(d.ID, x.Finding)}, ""
			} else if x.ConfirmedBy != "" {
				row.Said += ", confirmed by " + q.name(x.ConfirmedBy)
			}
		}
		d.Rows = append(d.Rows, row)
	}
	d.list = nil
}

// label adds what the items are, from populations that are quick to read.
func (d *firmKnownPage) label(q *request) error {
	var refs []string
	for _, r := range d.Rows {
		refs = append(refs, r.Item)
	}
	for _, p := range d.pops {
		got, err := q.s.grids.items(q.Context(), q.files, q.who, d.ID, p, refs)
		if err != nil {
			return err
		}
		for i := range d.Rows {
			if it, ok := got[d.Rows[i].Item]; ok {
				d.Rows[i].Label = it.Label
			}
		}
	}
	return nil
}

// sayKnown says what is known outside the sample, and what is open of it.
func sayKnown(n, open, said int, looked bool) string {
	switch {
	case n == 0 && !looked:
		return "Nobody has looked outside the sample yet."
	case n == 0:
		return "The whole population was looked over, and no deviation is known outside the sample."
	case open == 0 && n == 1:
		return "The one deviation known outside the sample is disposed of."
	case open == 0:
		return fmt.Sprintf("All %s deviations known outside the sample are disposed of.", report.Number(n))
	}
	s := fmt.Sprintf("%s of %s known outside the sample %s open; none counts into a rate, and the control is concluded on once none is", report.Number(open), report.Plural(n, "deviation", "deviations"), isAre(open))
	if said > 0 {
		s += fmt.Sprintf(". %s for a second person's word", report.Plural(said, "waits", "wait"))
	}
	return s + "."
}

// onKnown ends an act on deviations outside the sample.
func (q *request) onKnown(err error, words string) error {
	id, test := q.PathValue("id"), q.PathValue("test")
	if err == nil {
		return q.done(q.to(gridBase(id, test)+"/known", "of", q.field("of")), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmKnown()
}

func (q *request) firmLookForKnown() error {
	err := q.files.LookForKnown(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"))
	return q.onKnown(err, "The whole population was looked over; what was found is listed.")
}

func (q *request) firmAddKnown() error {
	ref := q.field("newref")
	err := q.files.AddKnown(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), ref, q.field("source"), q.field("text"))
	return q.onKnown(err, ref+" is listed.")
}

// knownAtOnce is how many deviations one entry is about.
const knownAtOnce = 2000

// knownChosen are the deviations a form is about: those that are ticked, or all
// of the pattern that are open, or that wait for a second person.
func (q *request) knownChosen(waiting bool) ([]string, error) {
	if q.field("all") != "yes" {
		if len(q.PostForm["ref"]) == 0 {
			return nil, fmt.Errorf("%w: tick at least one deviation", audit.ErrInvalid)
		}
		return q.PostForm["ref"], nil
	}
	var out []string
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, k := range f.OpenKnown(q.PathValue("test")) {
			mine := k.Disposed != nil && k.Disposed.By == q.who.Account
			if of := q.field("of"); (of == "" || of == patternOf(k)) && waiting == (k.Disposed != nil) && !mine {
				out = append(out, k.Ref)
			}
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: there is none it could be about", audit.ErrInvalid)
	}
	return out, err
}

// inParts does something to deviations, as many at a time as one entry takes; the
// first part that is refused ends it.
func inParts(refs []string, base int64, do func(refs []string, base int64) error) error {
	for part := range slices.Chunk(refs, knownAtOnce) {
		if err := do(part, base); err != nil {
			return err
		}
		base++
	}
	return nil
}

func (q *request) firmDisposeKnown() error {
	refs, err := q.knownChosen(false)
	if err == nil {
		err = inParts(refs, q.base(), func(part []string, base int64) error {
			return q.files.DisposeKnown(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), part, q.field("as"), q.field("why"), base)
		})
	}
	return q.onKnown(err, report.Capital(report.Plural(len(refs), "deviation waits", "deviations wait"))+" for a second person to confirm that.")
}

func (q *request) firmConfirmKnown() error {
	err := q.mustAgain("workpaper.review")
	var refs []string
	if err == nil {
		refs, err = q.knownChosen(true)
	}
	if err == nil {
		err = inParts(refs, q.base(), func(part []string, base int64) error {
			return q.files.ConfirmKnown(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), part, base)
		})
	}
	return q.onKnown(err, report.Capital(report.Plural(len(refs), "deviation is", "deviations are"))+" disposed of.")
}
