package web

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/internal/natural"
	"tieout/report"
)

// firmPlanRoutes are the planned tests of an engagement and what they rest on.
var firmPlanRoutes = []route{
	{pattern: "GET /engagements/{id}/plan", needs: "workpaper.read", on: theEngagement, do: (*request).firmPlan},
	{pattern: "POST /engagements/{id}/plan", needs: "plan.write", on: theEngagement, do: (*request).firmPlanText},
	{pattern: "POST /engagements/{id}/plan/take", needs: "plan.write", on: theEngagement, do: (*request).firmTake},
	{pattern: "POST /engagements/{id}/plan/reliance", needs: "plan.write", on: theEngagement, do: (*request).firmReliance},
	{pattern: "POST /engagements/{id}/plan/sizes", needs: "plan.write", on: theEngagement, do: (*request).firmSizes},
	{pattern: "POST /engagements/{id}/plan/example", needs: "plan.write", on: theEngagement, do: (*request).firmExample},
	{pattern: "GET /engagements/{id}/plan/new", needs: "plan.write", on: theEngagement, do: (*request).firmTestPage},
	{pattern: "POST /engagements/{id}/plan/new", needs: "plan.write", on: theEngagement, do: (*request).firmSetTest},
	{pattern: "GET /engagements/{id}/plan/{test}", needs: "plan.write", on: theEngagement, do: (*request).firmTestPage},
	{pattern: "POST /engagements/{id}/plan/{test}", needs: "plan.write", on: theEngagement, do: (*request).firmSetTest},
	{pattern: "POST /engagements/{id}/plan/{test}/drop", needs: "plan.write", on: theEngagement, do: (*request).firmDropTest},
}

// A firmTestRow is one test, planned or proposed.
type firmTestRow struct {
	T          engagement.Test
	Href, Edit string
	Dropped    string
	Span, Of   string
}

// A firmRelianceRow is how much rests on what about a control's evidence.
type firmRelianceRow struct {
	Control, Mode string
	Revision      int64
	Drawn         bool
}

type firmPlanPage struct {
	*page
	ID                              string
	Rows, Proposed, Described       []firmTestRow
	Versioned                       []firmVersioned
	ProposedAll                     int
	Pager                           pager
	Reliance                        []firmRelianceRow
	Modes                           []choice
	Sizes                           string
	Example                         bool
	SizesRev, PlanRev               int64
	Materiality, Internal, Specials string
	Risks                           string
	Write                           bool
	Closed                          string
	Text                            string
	Late                            bool
	Control, Why                    string
}

// firmProposed are the tests that the client's controls would need and that are
// not planned.
func (q *request) firmProposed(f *fieldwork.File) (out []engagement.Test) {
	if f.Controls == nil {
		return nil
	}
	for _, t := range fieldwork.ProposeTests(*f.Controls, f.Terms, examination.Ties(q.st.p.Def.Catalog, f.Terms)) {
		if f.Tests[t.ID] == nil {
			out = append(out, t)
		}
	}
	return out
}

func (q *request) firmTestRow(id string, t engagement.Test) firmTestRow {
	row := firmTestRow{T: t, Href: "/engagements/" + id + "/tests/" + t.ID, Edit: q.under("engagements", id, "plan") + "/" + t.ID}
	row.Of = report.Capital(string(t.Phase)) + ", " + string(t.Kind)
	if t.Version != "" {
		row.Span = t.Version + " to " + t.Until
	}
	return row
}

func (q *request) firmPlan() error {
	id := q.PathValue("id")
	at := q.under("engagements", id, "plan")
	data := firmPlanPage{page: &q.page, ID: id, Write: q.may("plan.write", ofEngagement(id)), Text: strings.TrimSpace(q.URL.Query().Get("q")), Why: q.PostForm.Get("why"), Control: q.PostForm.Get("control"), Modes: choices(q.PostForm.Get("mode"), "", relianceWords()...)}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/plan")
		if err := f.MayWork(book.Entry{By: audit.Actor{Kind: audit.ActorPerson, Name: q.me.ID}, At: q.now()}); err != nil {
			data.Closed = sentence(reason(err, kindOf(err)))
		}
		data.Write = data.Write && data.Closed == ""
		data.Late = f.State.Place() >= engagement.Fieldwork.Place()
		performed := data.planned(q, id, f)
		var proposed []engagement.Test
		for _, t := range q.firmProposed(f) {
			if data.ProposedAll++; matches(data.Text, t.ID, t.Control, t.Text) {
				proposed = append(proposed, t)
			}
		}
		from := q.from(len(proposed))
		data.Pager = q.pager(at, from, len(proposed), "q", data.Text)
		for _, t := range proposed[from:min(len(proposed), from+pageLength)] {
			data.Proposed = append(data.Proposed, q.firmTestRow(id, t))
		}
		for _, t := range firmProposedDC(f) {
			data.Described = append(data.Described, q.firmTestRow(id, t))
		}
		data.Versioned = firmVersionedControls(f)
		data.resting(q, s, f)
		controls := 0
		if f.Controls != nil {
			controls = len(f.Controls.Controls)
		}
		q.Say = sayPlan(performed, data.ProposedAll, len(data.Reliance), relianceMissing(data.Reliance), controls, data.Sizes)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Plan of "+id, "Plan", true
	return q.render("firm-plan.html", data)
}

// kindOf is the kind of a refusal, which words leave out.
func kindOf(err error) error {
	if errors.Is(err, audit.ErrConflict) {
		return audit.ErrConflict
	}
	return audit.ErrForbidden
}

// planned fills in the tests there are, and returns how many are performed.
func (d *firmPlanPage) planned(q *request, id string, f *fieldwork.File) (performed int) {
	tests := book.Sorted(f.Tests)
	slices.SortStableFunc(tests, func(a, b *fieldwork.Test) int { return natural.Compare(a.ID, b.ID) })
	for _, t := range tests {
		row := q.firmTestRow(id, t.Test)
		row.Dropped = t.Dropped
		if t.Dropped == "" {
			performed++
		}
		if matches(d.Text, t.ID, t.Control, t.Text) {
			d.Rows = append(d.Rows, row)
		}
	}
	return performed
}

// resting fills in what the tests rest on: reliance, sizes, the texts of the plan.
func (d *firmPlanPage) resting(q *request, s *fieldwork.State, f *fieldwork.File) {
	id, drawn := f.Terms.ID, map[string]bool{}
	for _, x := range f.Samples {
		drawn[x.Control] = true
	}
	for _, t := range book.Sorted(f.Tests) {
		if t.Dropped == "" && t.Population && !slices.ContainsFunc(d.Reliance, func(r firmRelianceRow) bool { return r.Control == t.Control }) {
			d.Reliance = append(d.Reliance, firmRelianceRow{t.Control, string(f.Plan.Reliance[t.Control]), s.Revision("reliance:" + id + "/" + t.Control), drawn[t.Control]})
		}
	}
	d.Sizes, d.Example, d.SizesRev, d.PlanRev = f.Plan.Sizes, f.Plan.Example, s.Revision("sizes:"+id), f.Plan.Revision
	var risks []string
	for _, r := range f.Plan.Risks {
		risks = append(risks, r.Text+" | "+strings.Join(r.Tests, " "))
	}
	d.Materiality, d.Internal, d.Specials = q.typed("materiality", f.Plan.Materiality), q.typed("internal", f.Plan.Internal), q.typed("specialists", f.Plan.Specialists)
	d.Risks = q.typed("risks", strings.Join(risks, "\n"))
}

func relianceMissing(rows []firmRelianceRow) (n int) {
	for _, r := range rows {
		if r.Mode == "" {
			n++
		}
	}
	return n
}

func relianceWords() (out []string) {
	for _, r := range fieldwork.Reliances {
		out = append(out, string(r))
	}
	return out
}

// sayPlan says how many tests are planned, and what is missing before a draw.
func sayPlan(planned, proposed, sampled, open, controls int, sizes string) string {
	var s string
	switch {
	case planned == 0 && controls == 0:
		return "No test is planned, and the client has not sent its controls yet."
	case planned == 0:
		return "No test is planned; " + report.Plural(proposed, "test is", "tests are") + " proposed from the client's controls."
	default:
		s = report.Capital(report.Plural(planned, "test is", "tests are")) + " planned"
	}
	if proposed > 0 {
		s += " and " + report.Plural(proposed, "more is", "more are") + " proposed"
	}
	switch {
	case sampled > 0 && open > 0:
		s += "; reliance is not fixed for " + report.Plural(open, "control", "controls")
	case sampled > 0 && sizes == "":
		s += "; no table of sample sizes is in force"
	}
	return s + "."
}

// onPlan ends an act on the plan.
func (q *request) onPlan(err error, words string) error {
	if err == nil {
		return q.done(q.under("engagements", q.PathValue("id"), "plan"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmPlan()
}

func (q *request) firmTake() error {
	id := q.PathValue("id")
	want := q.PostForm["take"]
	all := slices.Contains(want, "all")
	var take []engagement.Test
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, t := range firmProposedDC(f) {
			if slices.Contains(want, "description") || slices.Contains(want, t.ID) {
				take = append(take, t)
			}
		}
		for _, t := range q.firmProposed(f) {
			if all || slices.Contains(want, t.ID) {
				take = append(take, t)
			}
		}
		return nil
	})
	if err == nil && len(take) == 0 {
		err = fmt.Errorf("%w: choose at least one of the proposed tests", audit.ErrInvalid)
	}
	if err == nil {
		err = q.files.PlanTests(q.Context(), q.who, id, take, q.field("why"))
	}
	return q.onPlan(err, report.Capital(report.Plural(len(take), "test is", "tests are"))+" planned.")
}

func (q *request) firmReliance() error {
	control := q.field("control")
	revision, err := strconv.ParseInt(q.field("rev-"+control), 10, 64)
	if err != nil {
		err = fmt.Errorf("%w: the form does not say which revision it was made from; load the page again", audit.ErrInvalid)
	} else {
		err = q.files.SetReliance(q.Context(), q.who, q.PathValue("id"), control, engagement.Reliance(q.field("mode")), q.field("why"), revision)
	}
	return q.onPlan(err, "Reliance is fixed for "+control+"; it stays once a sample is drawn.")
}

func (q *request) firmSizes() error {
	id := q.PathValue("id")
	up, err := q.upload("file")
	if err != nil {
		return err
	}
	if err := access.Require(q.who, "plan.write", ofEngagement(id)); err != nil {
		return err
	}
	if len(up.Data) == 0 {
		err = fmt.Errorf("%w: choose the file of the table, YAML", audit.ErrInvalid)
	} else {
		err = q.files.SetSizes(q.Context(), q.who, id, up.Name, up.Data, q.base())
	}
	return q.onPlan(err, "The table is in force for draws from now on; samples drawn before keep theirs.")
}

func (q *request) firmPlanText() error {
	p := fieldwork.PlanText{Materiality: q.field("materiality"), Internal: q.field("internal"), Specialists: q.field("specialists")}
	for _, cells := range firmLines(q.field("risks")) {
		r := fieldwork.PlannedRisk{Text: cells[0]}
		if len(cells) > 1 {
			r.Tests = strings.Fields(cells[1])
		}
		p.Risks = append(p.Risks, r)
	}
	return q.onPlan(q.files.SetPlan(q.Context(), q.who, q.PathValue("id"), p, q.base()), "The plan is kept.")
}

// firmTestPage is the form of a test: as it is planned, as it is proposed, or new.
func (q *request) firmTestPage() error {
	id, name := q.PathValue("id"), q.PathValue("test")
	t := engagement.Test{Phase: engagement.Operation, Kind: engagement.Inspection, Population: true}
	var revision int64
	planned, late, dropped := false, false, ""
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/plan")
		late = f.State.Place() >= engagement.Fieldwork.Place()
		if name == "" {
			return nil
		}
		if x := f.Tests[name]; x != nil {
			t, revision, planned, dropped = x.Test, x.Revision, true, x.Dropped
			return nil
		}
		offered := q.firmOffered(f)
		i := slices.IndexFunc(offered, func(x engagement.Test) bool { return x.ID == name })
		if i < 0 {
			return fmt.Errorf("%w: test %s of %s", audit.ErrNotFound, name, id)
		}
		t = offered[i]
		return nil
	})
	if err != nil {
		return err
	}
	v := firmTestFields(t)
	q.Title, q.Heading, q.Ref, q.Say = "Plan a test", "Plan a test", name, sayTestForm(planned, dropped, late)
	q.Way = append(q.Way, link{"Plan", q.under("engagements", id, "plan")})
	action := q.under("engagements", id, "plan") + "/new"
	if name != "" {
		action = q.under("engagements", id, "plan") + "/" + name
	}
	return q.render("firm-testform.html", struct {
		*page
		Action, Back   string
		Revision       int64
		New, Asks      bool
		Drop           bool
		Dropped        string
		V              func(string) string
		Phases, Kinds  []choice
		Reliances      []choice
		Population     bool
		PlannedAlready bool
	}{&q.page, action, q.under("engagements", id, "plan"), revision, name == "", planned || late, planned && dropped == "", dropped, func(n string) string { return q.typed(n, v[n]) },
		choices(q.typed("phase", string(t.Phase)), "", wordsOf(fieldwork.Phases)...), choices(q.typed("kind", string(t.Kind)), "", wordsOf(fieldwork.ProcedureKinds)...),
		choices(q.typed("reliance", string(t.Reliance)), "as fixed for the control", relianceWords()...), len(q.PostForm) == 0 && t.Population || q.PostForm.Get("population") == "yes", planned})
}

// sayTestForm says what keeping the form does.
func sayTestForm(planned bool, dropped string, late bool) string {
	switch {
	case dropped != "":
		return "This test was dropped: " + strings.TrimSuffix(dropped, ".") + ". What was done of it stays in the file."
	case planned:
		return "A planned test that changes says why; what its marks stand under stays once an item is marked."
	case late:
		return "Fieldwork has begun: a test that is added now says why."
	}
	return "Nothing is planned until you keep it; its text is printed in the report as it stands here."
}

func wordsOf[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = string(x)
	}
	return out
}

func firmTestFields(t engagement.Test) map[string]string {
	var attributes []string
	for _, a := range t.Attributes {
		attributes = append(attributes, strings.TrimSuffix(a.Name+" | "+a.Text+" | "+a.Procedure, " | "))
	}
	return map[string]string{"id": t.ID, "control": t.Control, "version": t.Version, "until": t.Until, "text": t.Text, "criteria": strings.Join(t.Criteria, " "),
		"extra": strings.Join(t.Extra, " "), "attributes": strings.Join(attributes, "\n")}
}

func (q *request) firmSetTest() error {
	id, name := q.PathValue("id"), q.PathValue("test")
	t := engagement.Test{ID: name, Control: q.field("control"), Version: q.field("version"), Until: q.field("until"), Phase: engagement.Phase(q.field("phase")), Kind: engagement.ProcedureKind(q.field("kind")),
		Text: q.field("text"), Reliance: engagement.Reliance(q.field("reliance")), Population: q.field("population") == "yes", Criteria: q.list("criteria"), Extra: q.list("extra")}
	if name == "" {
		t.ID = q.field("id")
	}
	var err error
	for _, cells := range firmLines(q.field("attributes")) {
		if len(cells) < 2 || len(cells) > 3 {
			err = fmt.Errorf("%w: attributes: %q is not written as NAME | WHAT IS CONFIRMED | PROCEDURE", audit.ErrInvalid, strings.Join(cells, " | "))
			break
		}
		t.Attributes = append(t.Attributes, engagement.Attribute{Name: cells[0], Text: cells[1], Procedure: strings.Join(cells[2:], "")})
	}
	if err == nil {
		err = q.files.SetTest(q.Context(), q.who, id, t, q.field("why"), q.base())
	}
	if err == nil {
		return q.done(q.under("engagements", id, "plan"), t.ID+" is planned.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmTestPage()
}

// list are identifiers of a field, some of which hold a space, such as DC 4.
func (q *request) list(name string) (out []string) {
	words := q.words(name)
	for i := 0; i < len(words); i++ {
		if words[i] == "DC" && i+1 < len(words) && len(words[i+1]) == 1 {
			out = append(out, "DC "+words[i+1])
			i++
			continue
		}
		out = append(out, words[i])
	}
	return out
}

func (q *request) firmDropTest() error {
	id, name := q.PathValue("id"), q.PathValue("test")
	err := q.files.DropTest(q.Context(), q.who, id, name, q.field("why"), q.base())
	if err == nil {
		return q.done(q.under("engagements", id, "plan"), name+" is dropped; what was done of it stays in the file.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmTestPage()
}
