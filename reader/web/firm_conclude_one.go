package web

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmSaying is something a conclusion can say, and why it cannot yet.
type firmSaying struct {
	Value, Text string
	Key         int
	Chosen      bool
	Why         []string
}

// A firmRadioField is one saying as a field of a form.
type firmRadioField struct {
	Name, ID string
	S        firmSaying
	Keys     bool
}

func firmRadio(name string, s firmSaying, keys bool) firmRadioField {
	return firmRadioField{name, name + "-" + strings.ReplaceAll(s.Value, " ", "-"), s, keys}
}

// A firmPriorRow is an exception of the report before, with what is typed of it.
type firmPriorRow struct{ Name, Text, Became, Typed string }

// A firmVersionRow is a text of a control that was in force in the period.
type firmVersionRow struct{ Name, Span, Text string }

// A firmConcluded is the conclusion there is.
type firmConcluded struct {
	Class, Word, Design, Text, By, At, Stale string
	Implemented                              bool
	Prior                                    []string
	Record                                   link
}

type firmConcludePage struct {
	*page
	ID, What, Kind, Of, Action string
	Text                       string // of the control or the objective
	Versions                   []firmVersionRow
	Reliance                   string
	Tests                      []firmTestFacts
	Controls                   []firmConcludeRow
	Described                  []string // management's words on a description criterion
	Deficiencies               []firmDeficiency
	Have                       *firmConcluded
	Missing                    []string
	Outcomes, Designs          []firmSaying
	DateOnly                   bool // it may be said that it is implemented
	NotSeen                    []string
	Implemented                bool // it was just said
	Prior                      []firmPriorRow
	Revision                   int64
	TypedText                  string
	Form                       bool
	Again, Closed              string
	Before, Next               link
	NextOpen                   link
}

func (q *request) firmConcludePage() error {
	id, what := q.PathValue("id"), q.PathValue("what")
	kind, of, _ := strings.Cut(what, ":")
	data := firmConcludePage{page: &q.page, ID: id, What: what, Kind: kind, Of: of, Action: concludeHref(id, what), Again: q.againFor("conclusion.write")}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		list := f.ToConclude()
		at := slices.Index(list, what)
		if at < 0 || f.Terms.Type == engagement.SOC3 {
			return fmt.Errorf("%w: %q is nothing that %s concludes on", audit.ErrNotFound, what, id)
		}
		q.gridFrame(f, "/conclusions")
		data.facts(q, f)
		data.gates(q, s, f)
		data.ways(q, s, f, list, at)
		q.Say = sayConcluding(data.Have, data.Missing)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Ref, q.Wide = "Conclude "+of, of, true
	q.Way = []link{{id, q.at("engagements", id)}, {"Conclusions", q.under("engagements", id, "conclusions")}, {of, ""}}
	return q.render("firm-conclude.html", &data)
}

// facts fills in what is there for the conclusion, and the one there is.
func (d *firmConcludePage) facts(q *request, f *fieldwork.File) {
	r := f.RollUp()
	var c *fieldwork.Conclusion
	switch d.Kind {
	case fieldwork.OnControl:
		i := slices.IndexFunc(r.Controls, func(x fieldwork.ControlFacts) bool { return x.Control == d.Of })
		c = r.Controls[i].Concluded
		d.ofControl(q, f, r.Controls[i])
	case fieldwork.OnDC:
		i := slices.IndexFunc(r.Description, func(x fieldwork.ControlFacts) bool { return x.Control == d.Of })
		c = r.Description[i].Concluded
		q.Heading, d.Described = describe.Titles[d.Of], describedIn(f, d.Of)
		for _, t := range r.Description[i].Tests {
			d.Tests = append(d.Tests, testFacts(d.ID, t))
		}
		for _, x := range r.Description[i].Deficiencies {
			d.Deficiencies = append(d.Deficiencies, deficiencyFacts(f, x))
		}
	default:
		i := slices.IndexFunc(r.Criteria, func(x fieldwork.CriterionFacts) bool { return x.On == d.What })
		c = r.Criteria[i].Concluded
		d.ofCriterion(q, f, r, r.Criteria[i])
	}
	if q.Heading == "" {
		q.Heading = report.Capital(d.Kind)
	}
	d.have(q, f, c)
}

func (d *firmConcludePage) ofControl(q *request, f *fieldwork.File, c fieldwork.ControlFacts) {
	control := theControlOf(f, d.Of)
	q.Heading, d.Text, d.Reliance, d.Versions = control.Title, control.Description, string(f.Plan.Reliance[d.Of]), firmVersionRows(f, d.Of)
	for _, t := range c.Tests {
		d.Tests = append(d.Tests, testFacts(d.ID, t))
	}
	for i, p := range firmPriorOf(f, d.What) {
		name := fmt.Sprintf("prior%d", i+1)
		d.Prior = append(d.Prior, firmPriorRow{name, p.Text, p.Became, q.PostForm.Get(name)})
	}
}

// firmVersionRows are the texts of a control where more than one was in force.
func firmVersionRows(f *fieldwork.File, control string) (out []firmVersionRow) {
	list := f.Versions(control)
	if len(list) < 2 {
		return nil
	}
	zone := (&gridLook{terms: f.Terms}).zone()
	for _, v := range list {
		row := firmVersionRow{Name: "From the beginning", Span: report.Days(v.Span, zone)}
		if v.From != "" {
			row.Name = "In force from " + firmDay(v.From, f.Terms.Zone)
		}
		for _, c := range f.Controls.Controls {
			if c.ID == control && c.Effective.From == v.From {
				row.Text = c.Description
			}
		}
		out = append(out, row)
	}
	return out
}

func (d *firmConcludePage) ofCriterion(q *request, f *fieldwork.File, r fieldwork.RollUp, c fieldwork.CriterionFacts) {
	d.Text = objectiveText(f, d.Of)
	for _, x := range r.Controls {
		if slices.Contains(c.Controls, x.Control) {
			d.Controls = append(d.Controls, firmControlRow(f, x))
		}
	}
	for _, x := range c.Deficiencies {
		d.Deficiencies = append(d.Deficiencies, deficiencyFacts(f, x))
	}
}

// describedIn is what management's description says on a description criterion.
func describedIn(f *fieldwork.File, dc string) (out []string) {
	if f.Description == nil {
		return nil
	}
	for _, s := range f.Description.Sections {
		for _, p := range s.Paragraphs {
			if s.DC == dc {
				out = append(out, p.Text)
			}
		}
	}
	return out
}

func (d *firmConcludePage) have(q *request, f *fieldwork.File, c *fieldwork.Conclusion) {
	if c == nil {
		return
	}
	d.Have = &firmConcluded{Text: c.Text, Design: c.Design, Implemented: c.Implemented, By: q.name(c.By), At: report.Moment(c.At, (&gridLook{terms: f.Terms}).zone()), Stale: f.Stale(d.What), Prior: c.Prior,
		Record: link{audit.EvidenceRef(c.Record), q.at("evidence", audit.EvidenceRef(c.Record))}}
	d.Have.Class, _ = concludedState(c, "")
	d.Have.Word = report.Capital(string(c.Outcome))
}

// gates fills in what can be said, and what is missing before it. Nothing is
// chosen that was not just typed.
func (d *firmConcludePage) gates(q *request, s *fieldwork.State, f *fieldwork.File) {
	d.Revision = s.Revision("conclusion:" + d.ID + "/" + d.What)
	d.Missing = firmShut(s, f, d.What, q.now())
	if err := f.MayWork(q.gridEntry()); err != nil {
		d.Closed = refusalOf(err)
	} else if d.Again == "" && !q.gridMay("conclusion.write") {
		d.Closed = "Your role reads this and concludes nothing."
	}
	typed := q.Method == "POST"
	d.TypedText, d.Implemented = q.PostForm.Get("text"), q.PostForm.Get("implemented") == "yes"
	d.Form = len(d.Missing) == 0 && d.Closed == "" && (d.Again == "" || typed)
	prior := make([]string, len(firmPriorOf(f, d.What)))
	for i, o := range fieldwork.OutcomesOf(d.Kind) {
		x := firmSaying{Value: string(o), Text: report.Capital(string(o)), Key: i + 1, Chosen: q.PostForm.Get("outcome") == string(o)}
		c := fieldwork.Concluding{Outcome: o, Prior: prior}
		if d.Kind == fieldwork.OnControl {
			c.Design = fieldwork.DesignUnproved
		}
		x.Why = firmMissing(s.StandingIf(f, d.What, c, q.now()))
		d.Outcomes = append(d.Outcomes, x)
	}
	if d.Kind != fieldwork.OnControl {
		return
	}
	for _, w := range fieldwork.DesignWords {
		x := firmSaying{Value: w, Text: report.Capital(w), Chosen: q.PostForm.Get("design") == w}
		x.Why = firmMissing(s.StandingIf(f, d.What, fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: w, Prior: prior}, q.now()))
		d.Designs = append(d.Designs, x)
	}
	if d.DateOnly = !f.Terms.Type.OverPeriod(); d.DateOnly {
		d.NotSeen = firmMissing(s.StandingIf(f, d.What, fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.DesignUnproved, Implemented: true, Prior: prior}, q.now()))
	}
}

// ways are what is concluded on before and after this, and the next that is open.
func (d *firmConcludePage) ways(q *request, s *fieldwork.State, f *fieldwork.File, list []string, at int) {
	to := func(what string) link {
		_, of, _ := strings.Cut(what, ":")
		return link{of, concludeHref(d.ID, what)}
	}
	if at > 0 {
		d.Before = to(list[at-1])
	}
	if at+1 < len(list) {
		d.Next = to(list[at+1])
	}
	if next := q.firmNext(s, f, d.What); next != "" {
		d.NextOpen = to(next)
	}
}

// sayConcluding says where one conclusion stands.
func sayConcluding(have *firmConcluded, missing []string) string {
	switch {
	case have != nil && have.Stale != "" && len(missing) > 0:
		return "What was concluded has to be renewed, and " + report.Plural(len(missing), "thing stands", "things stand") + " before that."
	case have != nil && have.Stale != "":
		return "What was concluded has to be renewed: what it rests on changed."
	case have != nil:
		return "Concluded by " + have.By + " on " + have.At + ": " + strings.ToLower(have.Word) + "."
	case len(missing) > 0:
		return "Nothing can be concluded yet: " + report.Plural(len(missing), "thing stands", "things stand") + " before it."
	}
	return "No conclusion is written; it is yours, in your own words."
}

// firmConclude writes a conclusion and goes on to the next thing that is open.
func (q *request) firmConclude() error {
	id, what := q.PathValue("id"), q.PathValue("what")
	c := fieldwork.Concluding{Outcome: engagement.Outcome(q.field("outcome")), Design: q.field("design"), Implemented: q.field("implemented") == "yes", Text: q.field("text")}
	next := ""
	err := q.mustAgain("conclusion.write")
	if err == nil {
		err = q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
			for i := range firmPriorOf(f, what) {
				c.Prior = append(c.Prior, q.field(fmt.Sprintf("prior%d", i+1)))
			}
			return nil
		})
	}
	if err == nil {
		err = q.files.Conclude(q.Context(), q.who, id, what, c, q.base())
	}
	if err == nil {
		err = q.inFile(func(s *fieldwork.State, f *fieldwork.File) error { next = q.firmNext(s, f, what); return nil })
		if err != nil {
			return err
		}
		to := q.under("engagements", id, "conclusions")
		if next != "" {
			to = concludeHref(id, next)
		}
		_, of, _ := strings.Cut(what, ":")
		return q.done(to, of+" is concluded: "+string(c.Outcome)+".")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmConcludePage()
}
