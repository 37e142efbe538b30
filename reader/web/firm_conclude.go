package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// firmConcludeRoutes are what the auditor concludes, and what it rests on. Who
// signed in too long ago keeps what they typed, so these ask for more themselves.
var firmConcludeRoutes = []route{
	{pattern: "GET /engagements/{id}/conclusions", needs: "workpaper.read", on: theEngagement, do: (*request).firmConclusions},
	{pattern: "GET /engagements/{id}/conclusions/{what}", needs: "workpaper.read", on: theEngagement, do: (*request).firmConcludePage, example: "/engagements/EN-1/conclusions/criterion:CC8.1"},
	{pattern: "POST /engagements/{id}/conclusions/{what}", needs: "workpaper.read", on: theEngagement, do: (*request).firmConclude, example: "/engagements/EN-1/conclusions/criterion:CC8.1"},
	{pattern: "GET /engagements/{id}/tests/{test}/known", needs: "workpaper.read", on: theEngagement, do: (*request).firmKnown},
	{pattern: "POST /engagements/{id}/tests/{test}/known/look", needs: "test.mark", on: theEngagement, do: (*request).firmLookForKnown},
	{pattern: "POST /engagements/{id}/tests/{test}/known", needs: "test.mark", on: theEngagement, do: (*request).firmAddKnown},
	{pattern: "POST /engagements/{id}/tests/{test}/known/dispose", needs: "test.mark", on: theEngagement, do: (*request).firmDisposeKnown},
	{pattern: "POST /engagements/{id}/tests/{test}/known/confirm", needs: "workpaper.read", on: theEngagement, do: (*request).firmConfirmKnown},
	{pattern: "GET /engagements/{id}/events", needs: "workpaper.read", on: theEngagement, do: (*request).firmEvents},
	{pattern: "POST /engagements/{id}/events", needs: "workpaper.read", on: theEngagement, do: (*request).firmSetEvent},
	{pattern: "POST /engagements/{id}/inquiries", needs: "workpaper.read", on: theEngagement, do: (*request).firmInquire},
}

// concludeHref is the address of a conclusion, such as that on control:IAM-06.
func concludeHref(id, what string) string {
	return "/engagements/" + url.PathEscape(id) + "/conclusions/" + url.PathEscape(what)
}

// A firmConcludeRow is one thing to conclude on, with its facts in words.
type firmConcludeRow struct {
	link
	Title, Class, Word string
	Facts              []string // of its tests, or of its controls
	Why                string   // why it has to be renewed
	Left               bool     // it has no current conclusion
}

// concludeState is where a control or a description criterion stands.
func concludeState(tests []fieldwork.TestFacts, c *fieldwork.Conclusion, stale string) (class, word string) {
	if c != nil {
		return concludedState(c, stale)
	}
	unopened, untested, unreviewed, open := false, false, false, 0
	for _, t := range tests {
		unopened, untested, unreviewed = unopened || !t.Opened, untested || t.Untested > 0, unreviewed || !t.Reviewed
		open += t.KnownOpen
	}
	switch {
	case len(tests) == 0:
		return "none", "No test"
	case unopened:
		return "due", "To test"
	case untested:
		return "due", "Testing"
	case unreviewed:
		return "due", "In review"
	case open > 0:
		return "late", "Known deviations open"
	}
	return "due", "To conclude"
}

func concludedState(c *fieldwork.Conclusion, stale string) (class, word string) {
	switch {
	case stale != "":
		return "late", "To be renewed"
	case c.Outcome == engagement.NoExceptions:
		return "ok", report.Capital(string(c.Outcome))
	case c.Outcome == engagement.WithExceptions:
		return "dev", report.Capital(string(c.Outcome))
	}
	return "none", report.Capital(string(c.Outcome))
}

// testsInWords are the facts of a control's tests on one line each.
func testsInWords(tests []fieldwork.TestFacts) []string {
	if len(tests) == 0 {
		return nil
	}
	var tested, sampled, exceptions, known, open, reviewed, unable int
	for _, t := range tests {
		tested, sampled, exceptions, known, open, unable = tested+t.Tested, sampled+t.Sampled, exceptions+len(t.Findings), known+t.Known, open+t.KnownOpen, unable+t.Unable
		if t.Reviewed {
			reviewed++
		}
	}
	out := []string{fmt.Sprintf("%d of %s signed off", reviewed, report.Plural(len(tests), "workpaper is", "workpapers are"))}
	if sampled > 0 {
		out = append(out, fmt.Sprintf("%s of %s tested", report.Number(tested), report.Plural(sampled, "sampled item is", "sampled items are")))
	}
	if exceptions > 0 {
		out = append(out, report.Plural(exceptions, "exception stands", "exceptions stand"))
	}
	if unable > 0 {
		out = append(out, report.Plural(unable, "cell is", "cells are")+" marked Unable to test")
	}
	if known > 0 {
		out = append(out, fmt.Sprintf("%s outside the sample, %s open", report.Plural(known, "deviation is known", "deviations are known"), report.Number(open)))
	}
	return out
}

// theControlOf is a control's newest text in the client's set.
func theControlOf(f *fieldwork.File, id string) audit.Control {
	return gridControl(f, &fieldwork.Test{Test: engagement.Test{Control: id}})
}

func firmControlRow(f *fieldwork.File, c fieldwork.ControlFacts) firmConcludeRow {
	row := firmConcludeRow{link: link{c.Control, concludeHref(f.Terms.ID, fieldwork.OnControl+":"+c.Control)}, Title: theControlOf(f, c.Control).Title, Facts: testsInWords(c.Tests), Why: capitalOr(c.Stale), Left: c.Concluded == nil || c.Stale != ""}
	row.Class, row.Word = concludeState(c.Tests, c.Concluded, c.Stale)
	if len(c.Versions) > 1 {
		row.Facts = append(row.Facts, fmt.Sprintf("%d versions were in force", len(c.Versions)))
	}
	if m := f.Plan.Reliance[c.Control]; m != "" {
		row.Facts = append(row.Facts, "Rests on "+string(m))
	}
	return row
}

func firmDCRow(f *fieldwork.File, c fieldwork.ControlFacts) firmConcludeRow {
	row := firmConcludeRow{link: link{c.Control, concludeHref(f.Terms.ID, fieldwork.OnDC+":"+c.Control)}, Title: describe.Titles[c.Control], Facts: testsInWords(c.Tests), Why: capitalOr(c.Stale), Left: c.Concluded == nil || c.Stale != ""}
	row.Class, row.Word = concludeState(c.Tests, c.Concluded, c.Stale)
	return row
}

func firmCriterionRow(f *fieldwork.File, c fieldwork.CriterionFacts) firmConcludeRow {
	_, of, _ := strings.Cut(c.On, ":")
	row := firmConcludeRow{link: link{of, concludeHref(f.Terms.ID, c.On)}, Title: objectiveText(f, of), Why: capitalOr(c.Stale), Left: c.Concluded == nil || c.Stale != "", Class: "due", Word: "To conclude"}
	done := 0
	for _, id := range c.Controls {
		if what := fieldwork.OnControl + ":" + id; f.Concluded[what] != nil && f.Stale(what) == "" {
			done++
		}
	}
	switch {
	case len(c.Controls) == 0:
		row.Facts = []string{"No control meets it"}
	default:
		row.Facts = []string{fmt.Sprintf("%d of %s concluded", done, report.Plural(len(c.Controls), "control is", "controls are"))}
	}
	if c.Exceptions > 0 {
		row.Facts = append(row.Facts, report.Plural(c.Exceptions, "exception stands", "exceptions stand"))
	}
	if c.Concluded != nil {
		row.Class, row.Word = concludedState(c.Concluded, c.Stale)
	} else if done < len(c.Controls) {
		row.Word = "Waits for its controls"
	}
	return row
}

func objectiveText(f *fieldwork.File, id string) string {
	for _, o := range f.Terms.Objectives {
		if o.ID == id {
			return o.Text
		}
	}
	return ""
}

// concludeViews are the parts of the list of conclusions.
var concludeViews = []struct{ of, word string }{{"", "Controls"}, {"criteria", "Criteria"}, {"description", "Description"}, {"deficiencies", "Deficiencies"}}

type firmConclusionsPage struct {
	*page
	ID, Of, Left, RestsOn string
	Kind                  string // what a row is, for the caption
	Filters, Lefts        []stateFilter
	Rows                  []firmConcludeRow
	Pager                 pager
	Deficiencies          []firmDeficiencyGroup
	Next                  link
	Prior                 []engagement.Prior
	Events                string
	Text                  string
}

func (q *request) firmConclusions() error {
	id, v := q.PathValue("id"), q.URL.Query()
	at := q.under("engagements", id, "conclusions")
	data := firmConclusionsPage{page: &q.page, ID: id, Of: v.Get("of"), Left: v.Get("left"), Text: strings.TrimSpace(v.Get("q")), Events: q.under("engagements", id, "events")}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/conclusions")
		if f.Terms.Type == engagement.SOC3 {
			data.RestsOn = f.Terms.RestsOn
			q.Say = "A SOC 3 has no conclusions of its own: its opinion rests on those of " + f.Terms.RestsOn + "."
			return nil
		}
		data.take(q, s, f, at)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Conclusions of "+id, "Conclusions", true
	return q.render("firm-conclusions.html", &data)
}

func (d *firmConclusionsPage) take(q *request, s *fieldwork.State, f *fieldwork.File, at string) {
	r := f.RollUp()
	rows := map[string][]firmConcludeRow{}
	for _, c := range r.Controls {
		rows[""] = append(rows[""], firmControlRow(f, c))
	}
	for _, c := range r.Criteria {
		rows["criteria"] = append(rows["criteria"], firmCriterionRow(f, c))
	}
	for _, c := range r.Description {
		rows["description"] = append(rows["description"], firmDCRow(f, c))
	}
	all, left, stale := 0, 0, 0
	d.Deficiencies = firmDeficiencies(f, r)
	for _, view := range concludeViews {
		n := 0
		for _, row := range rows[view.of] {
			if all++; row.Left {
				n++
			}
			if row.Why != "" {
				stale++
			}
		}
		left += n
		words := report.Number(len(rows[view.of]))
		if view.of == "deficiencies" {
			words = report.Number(standingFindings(f))
		}
		d.Filters = append(d.Filters, stateFilter{"", view.word, words, q.to(at, "of", view.of), view.of == d.Of})
	}
	d.Kind = map[string]string{"": "Controls", "criteria": "Criteria", "description": "Description criteria"}[d.Of]
	d.show(q, rows[d.Of], at)
	if next := q.firmNext(s, f, ""); next != "" {
		_, of, _ := strings.Cut(next, ":")
		d.Next = link{of, concludeHref(f.Terms.ID, next)}
	}
	d.Prior = f.Terms.Prior
	q.Say = sayConclusions(all, left, stale)
}

// show keeps the rows that were asked for, one page of them.
func (d *firmConclusionsPage) show(q *request, rows []firmConcludeRow, at string) {
	var out []firmConcludeRow
	left := 0
	for _, r := range rows {
		if r.Left {
			left++
		}
		if (d.Left == "" || r.Left) && matches(d.Text, r.Text, r.Title) {
			out = append(out, r)
		}
	}
	if d.Of != "deficiencies" {
		d.Lefts = []stateFilter{{"", "All", report.Number(len(rows)), q.to(at, "of", d.Of), d.Left == ""}, {"", "Left", report.Number(left), q.to(at, "of", d.Of, "left", "yes"), d.Left != ""}}
	}
	from := q.from(len(out))
	d.Rows, d.Pager = out[from:min(len(out), from+pageLength)], q.pager(at, from, len(out), "of", d.Of, "left", d.Left, "q", d.Text)
}

// sayConclusions says how much of an engagement is concluded.
func sayConclusions(all, left, stale int) string {
	tail := ""
	if stale > 0 {
		tail = ", " + report.Number(stale) + " of them to be renewed since what they rest on changed"
	}
	switch written := all - left + stale; {
	case all == 0:
		return "Nothing is in scope that is concluded on."
	case left == 0 && all == 1:
		return "The one conclusion is written and rests on what is there now."
	case left == 0:
		return fmt.Sprintf("All %d conclusions are written and rest on what is there now.", all)
	case written == 0:
		return "None of " + report.Plural(all, "conclusion", "conclusions") + " is written."
	default:
		return fmt.Sprintf("%s of %s %s written%s.", report.Number(written), report.Plural(all, "conclusion", "conclusions"), isAre(written), tail)
	}
}

// capitalOr is words as a sentence, and nothing of none.
func capitalOr(s string) string {
	if s == "" {
		return ""
	}
	return sentence(s)
}

// standingFindings is how many exceptions stand in a file.
func standingFindings(f *fieldwork.File) (n int) {
	for _, x := range f.Findings {
		if x.Stands() {
			n++
		}
	}
	return n
}

// firmNext is the next thing after one, in the order of an engagement and going
// round, that has no current conclusion and can be concluded on now; "": there
// is none.
func (q *request) firmNext(s *fieldwork.State, f *fieldwork.File, after string) string {
	list := f.ToConclude()
	at := slices.Index(list, after)
	for i := range list {
		what := list[(at+1+i)%len(list)]
		if what != after && firmCould(f, what) && (f.Concluded[what] == nil || f.Stale(what) != "") && len(firmShut(s, f, what, q.now())) == 0 {
			return what
		}
	}
	return ""
}

// firmCould leaves out, without weighing any gate, what is certainly not concluded
// on yet: a control with a workpaper that is not signed off, and a criterion with
// a control nobody concluded on.
func firmCould(f *fieldwork.File, what string) bool {
	kind, of, _ := strings.Cut(what, ":")
	for _, t := range f.Tests {
		if t.Dropped != "" {
			continue
		}
		p := f.Papers[t.ID]
		switch {
		case concludedBy(*t) == what && (p == nil || p.Reviewed == nil):
			return false
		case (kind == fieldwork.OnCriterion || kind == fieldwork.OnObjective) && (slices.Contains(t.Criteria, of) || slices.Contains(t.Extra, of)) && f.Concluded[concludedBy(*t)] == nil:
			return false
		}
	}
	return true
}

// firmShut is what stands before any conclusion on something, even the one that
// nothing can be concluded.
func firmShut(s *fieldwork.State, f *fieldwork.File, what string, now time.Time) []string {
	c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.DesignUnproved, Prior: make([]string, len(firmPriorOf(f, what)))}
	return firmMissing(s.StandingIf(f, what, c, now))
}

// firmPriorOf are the exceptions of the report before on a control.
func firmPriorOf(f *fieldwork.File, what string) (out []engagement.Prior) {
	for _, p := range f.Terms.Prior {
		if fieldwork.OnControl+":"+p.Control == what {
			out = append(out, p)
		}
	}
	return out
}

// firmMissing is what is missing before an act, in words.
func firmMissing(list []fieldwork.Standing) (out []string) {
	for _, g := range list {
		if g.Missing != "" {
			out = append(out, sentence(g.Missing))
		}
	}
	return out
}

// mustAgain refuses an act that is not theirs who is signed in. Of one that only
// who has just signed in can do it says that it has to be sent once more; what
// was typed stays.
func (q *request) mustAgain(right access.PermissionID) error {
	if q.againFor(right) != "" {
		return fmt.Errorf("%w: you signed in more than %d minutes ago. Sign in again in another window, then send this once more: what you typed is still here", audit.ErrConflict, int(access.FreshFor/time.Minute))
	}
	return access.Require(q.who, right, ofOthers(q.PathValue("id")))
}

// ofOthers is an engagement whose work others did: who did what is asked where
// something is written.
func ofOthers(id string) access.Object {
	o := ofEngagement(id)
	o.Prepared = []string{"others"}
	return o
}

// againFor is where who is signed in shows again who they are, for an act they
// could do then; "": they can do it now, or not at all.
func (q *request) againFor(right access.PermissionID) string {
	o := ofOthers(q.PathValue("id"))
	if q.may(right, o) {
		return ""
	}
	fresh := q.who
	fresh.Fresh = true
	if access.Require(fresh, right, o) != nil {
		return ""
	}
	return toAgain(q.URL.RequestURI())
}
