package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

var gridFindingRoutes = []route{
	{pattern: "GET /engagements/{id}/findings", needs: "workpaper.read", on: theEngagement, do: (*request).gridFindings},
	{pattern: "GET /engagements/{id}/tests/{test}/finding", needs: "test.mark", on: theEngagement, do: (*request).gridNewFinding},
	{pattern: "POST /engagements/{id}/tests/{test}/finding", needs: "test.mark", on: theEngagement, do: (*request).gridSetFinding},
	{pattern: "GET /engagements/{id}/findings/{finding}", needs: "workpaper.read", on: theEngagement, do: (*request).gridFinding},
	{pattern: "POST /engagements/{id}/findings/{finding}/release", needs: "exception.release", on: theEngagement, do: (*request).gridReleaseFinding},
	{pattern: "POST /engagements/{id}/findings/{finding}/dispose", needs: "test.mark", on: theEngagement, do: (*request).gridDisposeFinding},
	{pattern: "POST /engagements/{id}/findings/{finding}/confirm", needs: "workpaper.read", on: theEngagement, do: (*request).gridConfirmFinding},
}

// A gridFindingLine is an exception in the list.
type gridFindingLine struct{ ID, Href, Test, TestHref, Control, Nature, Rate, Class, Word string }

// gridFindingState is where an exception stands.
func gridFindingState(x *fieldwork.Finding) (class, word string) {
	switch {
	case !x.Stands():
		return "none", "Disposed of: " + x.Disposed.As
	case x.Response != nil:
		return "dev", "Answered"
	case !x.Released.IsZero():
		return "dev", "Released"
	}
	return "dev", "Not released"
}

// gridRate is an exception's rate: sampled items only, with what lies outside.
func gridRate(x *fieldwork.Finding) string {
	known := len(x.Finding.Known)
	switch {
	case x.Of == 0 && known == 0:
		return "The test has no items"
	case known > 0:
		return fmt.Sprintf("%d of %s, and %d outside the sample", len(x.Items), report.Plural(x.Of, "item", "items"), known)
	}
	return fmt.Sprintf("%d of %s", len(x.Items), report.Plural(x.Of, "item", "items"))
}

func (q *request) gridFindings() error {
	id := q.PathValue("id")
	var lines []gridFindingLine
	released := 0
	err := q.files.ReadFile(q.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/findings")
		for _, x := range book.Sorted(f.Findings) {
			l := gridFindingLine{ID: x.ID, Href: gridFindingHref(id, x.ID), Test: x.Test, TestHref: gridBase(id, x.Test), Control: x.Control, Nature: x.Nature, Rate: gridRate(x)}
			if l.Class, l.Word = gridFindingState(x); !x.Released.IsZero() {
				released++
			}
			lines = append(lines, l)
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say = "Exceptions", "Exceptions", sayFindings(len(lines), released)
	q.Way = []link{{id, q.at("engagements", id)}, {"Exceptions", ""}}
	return q.render("grid-findings.html", struct {
		*page
		Lines []gridFindingLine
	}{&q.page, lines})
}

// sayFindings says how many exceptions there are, and what the client knows.
func sayFindings(n, released int) string {
	switch {
	case n == 0:
		return "No exception is written."
	case released == n && n == 1:
		return "One exception is written, and the client has it."
	case released == n:
		return fmt.Sprintf("%d exceptions are written, and the client has them all.", n)
	}
	return fmt.Sprintf("%s written; the client has %d.", report.Plural(n, "exception is", "exceptions are"), released)
}

// A gridFindingForm is an exception as it is written.
type gridFindingForm struct {
	*page
	Base, Test, Finding                           string
	Cells                                         []picked // marked Exception
	Known                                         []picked
	Nature, Text, Cause, Extent, Comp, Evaluation string
	Revision                                      int64
}

// gridNewFinding shows the form of an exception of a test's grid; ?finding= one
// that is changed.
func (q *request) gridNewFinding() error {
	id, test := q.PathValue("id"), q.PathValue("test")
	v := gridFindingForm{page: &q.page, Base: gridBase(id, test), Test: test, Finding: q.FormValue("finding")}
	err := q.files.ReadFile(q.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
		t, p := f.Tests[test], f.Papers[test]
		if t == nil || p == nil {
			return fmt.Errorf("%w: test %q of %s has no workpaper", audit.ErrNotFound, test, id)
		}
		q.gridFrame(f, "/findings")
		return v.take(s, f, p, t, q.URL.Query().Get("known"))
	})
	if err != nil {
		return err
	}
	if q.Method == "POST" {
		v.typed(q)
	}
	q.Title, q.Heading, q.Ref, q.Say = "Exception of "+test, "Write an exception", v.Finding, sayNewFinding(len(v.Cells), len(v.Known))
	q.Way = []link{{id, q.at("engagements", id)}, {test, v.Base}, {"Exception", ""}}
	return q.render("grid-findingform.html", v)
}

// sayNewFinding says what an exception can be written of.
func sayNewFinding(cells, known int) string {
	switch {
	case cells+known == 0:
		return "No cell of the grid is marked Exception, and no deviation is open outside the sample."
	case cells == 0:
		return fmt.Sprintf("No cell of the grid is marked Exception; %s open outside the sample. The client knows nothing of an exception before its release.", report.Plural(known, "deviation is", "deviations are"))
	}
	return fmt.Sprintf("%s marked Exception in the grid; each needs its exception before the workpaper is signed off. The client knows nothing of it before its release.", report.Plural(cells, "cell is", "cells are"))
}

// take fills the form; pattern is that of known deviations it is to be about.
func (v *gridFindingForm) take(s *fieldwork.State, f *fieldwork.File, p *fieldwork.Paper, t *fieldwork.Test, pattern string) error {
	x := f.Findings[v.Finding]
	if v.Finding != "" && (x == nil || x.Test != t.ID) {
		return fmt.Errorf("%w: exception %q of %s", audit.ErrNotFound, v.Finding, t.ID)
	}
	covered := map[fieldwork.Cell]bool{}
	for _, o := range f.Findings {
		for _, c := range o.Cells {
			covered[c] = covered[c] || o.Test == t.ID && o.ID != v.Finding
		}
	}
	for _, c := range p.Excepted(t) {
		chosen := x != nil && slices.Contains(x.Cells, c)
		v.Cells = append(v.Cells, picked{strconv.Itoa(slices.Index(p.Rows, c.Item)+1) + "-" + c.Attribute, strings.TrimSpace(c.Item + " " + c.Attribute + ": " + p.Cells[c].Note), chosen || x == nil && !covered[c]})
	}
	for _, k := range f.KnownListed(t.ID) {
		mine := x != nil && slices.Contains(x.Finding.Known, k.Ref)
		if k.Disposed.Settled() && !mine {
			continue // it is in another exception, or is none
		}
		v.Known = append(v.Known, picked{k.Ref, strings.TrimSpace(k.Item + " " + k.Attribute + " " + k.Text), mine || x == nil && patternOf(k) == pattern})
	}
	v.Revision = s.Revision("finding:" + f.Terms.ID + "/" + v.Finding)
	if x != nil {
		v.Nature, v.Text, v.Cause, v.Extent, v.Comp, v.Evaluation = x.Nature, x.Text, x.Cause, x.Extent, strings.Join(x.Compensating, ", "), x.Evaluation
	}
	return nil
}

// typed puts what was typed back into the form.
func (v *gridFindingForm) typed(q *request) {
	v.Nature, v.Text, v.Cause, v.Extent, v.Comp, v.Evaluation = q.field("nature"), q.field("text"), q.field("cause"), q.field("extent"), q.field("compensating"), q.field("evaluation")
	for i := range v.Cells {
		v.Cells[i].Here = slices.Contains(q.PostForm["cell"], v.Cells[i].Value)
	}
	for i := range v.Known {
		v.Known[i].Here = slices.Contains(q.PostForm["known"], v.Known[i].Value)
	}
}

func (q *request) gridSetFinding() error {
	id, test := q.PathValue("id"), q.PathValue("test")
	d := fieldwork.FindingDraft{Test: test, Known: q.PostForm["known"], Nature: q.field("nature"), Text: q.field("text"), Cause: q.field("cause"), Extent: q.field("extent"), Evaluation: q.field("evaluation"),
		Compensating: strings.FieldsFunc(q.field("compensating"), func(r rune) bool { return r == ',' || r == ' ' })}
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	for _, name := range q.PostForm["cell"] {
		n, attribute, _ := strings.Cut(name, "-")
		row, err := strconv.Atoi(n)
		if err != nil || row < 1 || row > len(g.ids) {
			return fmt.Errorf("%w: %.40q is no cell of this workpaper", audit.ErrInvalid, name)
		}
		d.Cells = append(d.Cells, fieldwork.FindingCell{Item: g.ids[row-1], Attribute: attribute})
	}
	base, err := gridBaseOf(q)
	name := ""
	if err == nil {
		name, err = q.files.SetFinding(q.Context(), q.who, id, q.field("finding"), d, base)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridNewFinding()
	}
	return q.done(gridFindingHref(id, name), "Exception "+name+" is written.")
}

// A gridFindingView is the page of an exception.
type gridFindingView struct {
	*page
	Engagement, TestHref, Edit, Rate, Class, Word, By string
	X                                                 fieldwork.Finding
	Cells                                             []link
	Steps                                             []step
	Response                                          *engagement.Response
	Base                                              int64
	MayEdit, MayRelease                               bool
	MayConfirm                                        bool
	Again                                             string // where to sign in again first

	Disposed string
}

func (q *request) gridFinding() error {
	id, name := q.PathValue("id"), q.PathValue("finding")
	v := gridFindingView{page: &q.page, Engagement: id}
	err := q.files.ReadFile(q.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
		x := f.Findings[name]
		if x == nil {
			return fmt.Errorf("%w: exception %q of %s", audit.ErrNotFound, name, id)
		}
		q.gridFrame(f, "/findings")
		v.X, v.Base, v.Response, v.Rate = *x, s.Revision("finding:"+id+"/"+name), x.Response, gridRate(x)
		v.Class, v.Word = gridFindingState(x)
		v.TestHref, v.Edit, v.By, v.Steps = gridBase(id, x.Test), gridBase(id, x.Test)+"/finding?finding="+name, q.name(x.By), q.gridSteps(x.Steps, (&gridLook{terms: f.Terms}).zone())
		if p := f.Papers[x.Test]; p != nil {
			for _, c := range x.Cells {
				v.Cells = append(v.Cells, link{strings.TrimSpace(c.Item + " " + c.Attribute), v.TestHref + "?item=" + strconv.Itoa(slices.Index(p.Rows, c.Item)+1) + "&at=" + c.Attribute})
			}
		}
		if d := x.Disposed; d != nil {
			v.Disposed = fmt.Sprintf("%s says it is a %s: %s", q.name(d.By), d.As, d.Why)
		}
		works := f.MayWork(q.gridEntry()) == nil
		if d := x.Disposed; works && d != nil && !x.Disposed.Settled() {
			v.MayConfirm, v.Again = q.gridSecond([]string{d.By})
		}
		v.MayEdit = works && q.gridMay("test.mark") && !x.Disposed.Settled()
		v.MayRelease = works && q.gridMay("exception.release") && x.Released.IsZero() && x.Stands()
		q.Say = sayFinding(x)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = name, v.X.Nature, name
	q.Way = []link{{id, q.at("engagements", id)}, {"Exceptions", gridList(id, "findings")}, {name, ""}}
	return q.render("grid-finding.html", &v)
}

// sayFinding says where one exception stands.
func sayFinding(x *fieldwork.Finding) string {
	known := len(x.Finding.Known)
	rate := fmt.Sprintf("Found in %d of %s tested.", len(x.Items), report.Plural(x.Of, "item", "items"))
	switch {
	case x.Of == 0 && known == 0:
		rate = "The test has no items."
	case known > 0:
		rate = strings.TrimSuffix(rate, ".") + fmt.Sprintf(", and %d outside the sample.", known)
	}
	switch {
	case !x.Stands():
		return rate + " It was disposed of and does not count."
	case x.Response != nil:
		return rate + " Management has answered."
	case !x.Released.IsZero():
		return rate + " The client has its facts; management has not answered, which keeps nobody from concluding."
	}
	return rate + " The client knows nothing of it yet."
}

// gridFindingAct is an act on an exception, at the revision its form was shown at.
func (q *request) gridFindingAct(act func(base int64) error, words string) error {
	base, err := gridBaseOf(q)
	if err == nil {
		err = act(base)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridFinding()
	}
	return q.released(q.PathValue("id"), gridFindingHref(q.PathValue("id"), q.PathValue("finding")), words)
}

func (q *request) gridReleaseFinding() error {
	return q.gridFindingAct(func(base int64) error {
		_, err := q.files.ReleaseFinding(q.Context(), q.who, q.PathValue("id"), q.PathValue("finding"), base)
		return err
	}, "Released: the client gets its facts, and nothing of what you made of them.")
}

func (q *request) gridDisposeFinding() error {
	return q.gridFindingAct(func(base int64) error {
		return q.files.DisposeFinding(q.Context(), q.who, q.PathValue("id"), q.PathValue("finding"), q.field("as"), q.field("why"), base)
	}, "It counts until a second person confirms that.")
}

func (q *request) gridConfirmFinding() error {
	return q.gridFindingAct(func(base int64) error {
		return q.files.ConfirmFinding(q.Context(), q.who, q.PathValue("id"), q.PathValue("finding"), base)
	}, "Confirmed: it does not count.")
}
