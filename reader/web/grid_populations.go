package web

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

var gridPopRoutes = []route{
	{pattern: "GET /engagements/{id}/populations", needs: "workpaper.read", on: theEngagement, do: (*request).gridPops},
	{pattern: "GET /engagements/{id}/populations/{population}", needs: "workpaper.read", on: theEngagement, do: (*request).gridPop},
	{pattern: "GET /engagements/{id}/populations/{population}/items", needs: "workpaper.read", on: theEngagement, do: (*request).gridPopItems},
	{pattern: "POST /engagements/{id}/populations/{population}/complete", needs: "population.accept", on: theEngagement, do: (*request).gridComplete},
	{pattern: "POST /engagements/{id}/populations/{population}/accept", needs: "population.accept", on: theEngagement, do: (*request).gridAccept},
	{pattern: "POST /engagements/{id}/populations/{population}/question", needs: "population.accept", on: theEngagement, do: (*request).gridQuestion},
	{pattern: "POST /engagements/{id}/commitments", needs: "sample.draw", on: theEngagement, do: (*request).gridCommit},
}

// gridStanding is the auditor's word on a population.
func gridStanding(p *fieldwork.Population) (class, word string) {
	switch {
	case p.Superseded != "":
		return "none", "Superseded by " + p.Superseded
	case p.Accepted:
		return "ok", "Accepted"
	case len(p.Questions) > 0:
		return "late", "Questioned"
	}
	return "due", "To accept"
}

// A gridPopLine is a population in the list.
type gridPopLine struct {
	ID, Title, Href, Items, Window, Frozen, Controls, Class, Word string
}

// A gridCommitLine is a commitment to a nonce.
type gridCommitLine struct{ Control, Round, Stratum, Entry, EntryHref, Hidden, Drawn, DrawnHref string }

func (q *request) gridPops() error { return q.gridPopList("", "", "") }

// gridPopList shows all populations, and the commitments draws are opened with;
// the rest is what was typed of a commitment that was refused.
func (q *request) gridPopList(control, round, stratum string) error {
	id := q.PathValue("id")
	var lines []gridPopLine
	var commits []gridCommitLine
	var controls []picked
	n, accepted, unopened := 0, 0, 0 // of those that no later freeze took the place of
	err := q.files.ReadFile(q.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/populations")
		zone := (&gridLook{terms: f.Terms}).zone()
		for _, p := range book.Sorted(f.Populations) {
			x := gridPopLine{ID: p.ID, Title: p.Title, Href: gridPopHref(id, p.ID), Items: report.Number(p.Count), Window: report.Days(p.Window, zone), Frozen: report.Moment(p.Freeze.At, zone), Controls: strings.Join(p.Controls, ", ")}
			x.Class, x.Word = gridStanding(p)
			lines = append(lines, x)
			if p.Superseded != "" {
				continue
			}
			if n++; p.Accepted {
				accepted++
			}
		}
		commits, unopened = gridCommits(f, id)
		controls = gridControls(f, control)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say = "Populations", "Populations", sayGridPops(n, accepted, unopened)
	q.Way = []link{{id, q.at("engagements", id)}, {"Populations", ""}}
	return q.render("grid-populations.html", struct {
		*page
		Engagement     string
		Lines          []gridPopLine
		Commits        []gridCommitLine
		Controls       []picked
		Round, Stratum string
		MayCommit      bool
	}{&q.page, id, lines, commits, controls, round, stratum, q.gridMay("sample.draw")})
}

func gridCommits(f *fieldwork.File, id string) (out []gridCommitLine, unopened int) {
	list := book.Sorted(f.Commitments)
	slices.SortFunc(list, func(a, b *fieldwork.Commitment) int { return int(a.Record - b.Record) })
	for _, c := range list {
		x := gridCommitLine{Control: c.Control, Round: c.Round, Stratum: c.Stratum, Entry: audit.EvidenceRef(c.Record), EntryHref: "/evidence/" + audit.EvidenceRef(c.Record), Hidden: c.Hidden[:16] + "…"}
		if x.Drawn = c.Drawn; x.Drawn == "" {
			unopened++
		} else {
			x.DrawnHref = gridSampleHref(id, c.Drawn)
		}
		out = append(out, x)
	}
	return out, unopened
}

// gridControls are the controls that tests of items are planned on.
func gridControls(f *fieldwork.File, chosen string) (out []picked) {
	seen := map[string]bool{}
	for _, t := range book.Sorted(f.Tests) {
		if t.Population && t.Dropped == "" && !seen[t.Control] {
			seen[t.Control] = true
			out = append(out, picked{t.Control, t.Control, t.Control == chosen})
		}
	}
	return out
}

// sayGridPops says where the populations of an engagement stand.
func sayGridPops(n, accepted, unopened int) string {
	nonces := ""
	if unopened > 0 {
		nonces = " " + report.Plural(unopened, "commitment to a nonce is", "commitments to nonces are") + " not opened."
	}
	switch {
	case n == 0:
		return "The client has frozen no population yet." + nonces
	case accepted == n && n == 1:
		return "The one frozen population is accepted." + nonces
	case accepted == n:
		return fmt.Sprintf("All %d frozen populations are accepted.%s", n, nonces)
	}
	return fmt.Sprintf("%d of %s accepted.%s", accepted, report.Plural(n, "frozen population is", "frozen populations are"), nonces)
}

// gridCommit commits to a nonce before the client freezes.
func (q *request) gridCommit() error {
	id := q.PathValue("id")
	c, err := q.files.CommitNonce(q.Context(), q.who, id, q.field("control"), q.field("round"), q.field("stratum"))
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridPopList(q.field("control"), q.field("round"), q.field("stratum"))
	}
	return q.done(gridList(id, "populations"), fmt.Sprintf("A nonce is committed for %s, round %s, as %s. Nobody sees it before the draw.", c.Control, c.Round, audit.EvidenceRef(c.Record)))
}

// A gridPopView is the page of one population.
type gridPopView struct {
	*page
	Engagement, ID, Zone string
	P                    fieldwork.Population
	Window               string
	Class, Word          string
	Checks               []engagement.Reconciled
	Strata               [][2]string
	Complete, Typed      string
	Question             string
	Steps                []step
	Commits              []gridCommitLine
	Samples              []link
	Superseded, Takes    link
	Base                 int64
	May                  bool // write, accept, question
	MayAccept, MayAsk    bool
	Facts                [][2]string
	Packet               link
	Withheld             string // why its lines come without computed outcomes; "": they come as they were frozen
}

func (q *request) gridPop() error { return q.gridPopShow("", "") }

func (q *request) gridPopShow(typed, question string) error {
	id, name := q.PathValue("id"), q.PathValue("population")
	v := gridPopView{page: &q.page, Engagement: id, ID: name, Typed: typed, Question: question}
	err := q.files.ReadFile(q.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
		p := f.Populations[name]
		if p == nil {
			return fmt.Errorf("%w: population %q of %s", audit.ErrNotFound, name, id)
		}
		v.P, v.Complete, v.Base = *p, f.Plan.Complete[name], s.Revision("population:"+id+"/"+name)
		q.gridFrame(f, "/populations")
		v.take(q, f)
		return nil
	})
	if err != nil {
		return err
	}
	v.Class, v.Word = gridStanding(&v.P)
	q.Title, q.Heading, q.Ref, q.Say = v.P.ID+" "+v.P.Title, v.P.Title, v.P.ID, sayGridPop(v.P, v.Complete != "", len(v.Samples))
	q.Way = []link{{id, q.at("engagements", id)}, {"Populations", gridList(id, "populations")}, {name, ""}}
	return q.render("grid-population.html", &v)
}

// take copies what stands around a population.
func (v *gridPopView) take(q *request, f *fieldwork.File) {
	p, id := &v.P, v.Engagement
	zone := (&gridLook{terms: f.Terms}).zone()
	v.Window, v.Zone, v.Checks, v.Steps = report.Days(p.Window, zone), p.Zone, slices.Clone(p.Checks), q.gridSteps(p.Questions, zone)
	commits, _ := gridCommits(f, id)
	for _, c := range commits {
		if c.Round == p.Round && slices.Contains(p.Controls, c.Control) {
			v.Commits = append(v.Commits, c)
		}
	}
	for _, s := range book.Sorted(f.Samples) {
		if s.Population == p.ID {
			v.Samples = append(v.Samples, link{s.ID, gridSampleHref(id, s.ID)})
		}
	}
	if p.Superseded != "" {
		v.Superseded = link{p.Superseded, gridPopHref(id, p.Superseded)}
	}
	if p.Supersedes != "" {
		v.Takes = link{p.Supersedes, gridPopHref(id, p.Supersedes)}
	}
	seen := fmt.Sprintf("the first %s of this log", report.Plural(int(p.Heard), "entry", "entries"))
	if p.Heard == 0 {
		seen = "nothing of this log"
	}
	v.Packet = link{audit.EvidenceRef(p.Packet), "/evidence/" + audit.EvidenceRef(p.Packet)}
	v.Facts = [][2]string{{"Items", report.Number(p.Count)}, {"Window", v.Window + ", " + p.Zone}, {"Controls", strings.Join(p.Controls, ", ")}, {"Round", p.Round}, {"Systems of record", strings.Join(p.Source, ", ")},
		{"Collected", report.Moment(p.Collected, zone)}, {"Frozen", report.Moment(p.Freeze.At, zone) + ", entry " + audit.EvidenceRef(p.Freeze.Index) + " of the client's log"},
		{"When it froze", "the client had seen " + seen}, {"Came", report.Moment(p.At, zone)}}
	if p.ToDate != "" {
		v.Facts = append(v.Facts, [2]string{"Interim", "tested to date, to " + p.ToDate})
	}
	if p.Supplement {
		v.Facts = append(v.Facts, [2]string{"Supplement", "rows that came after an interim round"})
	}
	v.Withheld = f.Withheld(f.Populations[p.ID])
	v.Strata = gridStrata(p.Strata)
	works := f.MayWork(q.gridEntry()) == nil
	v.May = works && q.gridMay("population.accept") && p.Superseded == ""
	v.MayAccept = v.May && !p.Accepted && v.Complete != ""
	v.MayAsk = v.May && len(v.Samples) == 0
}

func gridStrata(m map[string]int) (out [][2]string) {
	for name, n := range m {
		out = append(out, [2]string{name, report.Number(n)})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

// sayGridPop says where one population stands.
func sayGridPop(p fieldwork.Population, complete bool, samples int) string {
	items := "holds " + report.Plural(p.Count, "item", "items")
	if p.Count == 0 {
		items = "holds no item"
	}
	switch {
	case p.Superseded != "":
		return fmt.Sprintf("It %s; %s took its place.", items, p.Superseded)
	case p.Accepted && p.Count == 0:
		return "It holds no item and is accepted: that the control did not occur is a result of its own."
	case p.Accepted && samples > 0:
		return fmt.Sprintf("It %s, was frozen by the client and is accepted; %s drawn from it.", items, report.Plural(samples, "sample is", "samples are"))
	case p.Accepted:
		return fmt.Sprintf("It %s, was frozen by the client and is accepted; a sample can be drawn from it.", items)
	case len(p.Questions) > 0:
		return fmt.Sprintf("It %s; a question to the client is open, and nothing is drawn from it.", items)
	case !complete:
		return fmt.Sprintf("It %s and waits for your own work on its completeness and accuracy.", items)
	}
	return fmt.Sprintf("It %s; your own work on its completeness is written, and it waits to be accepted.", items)
}

func gridList(id, kind string) string { return strings.TrimSuffix(gridUnder(id, kind, ""), "/") }

// gridPopItems gives out the item lines as they were frozen, as a file to keep.
// While a tester is still to mark what they say computed outcomes of, it gives
// them out without those.
func (q *request) gridPopItems() error {
	id, name := q.PathValue("id"), q.PathValue("population")
	file, export := id+"-"+name+".jsonl", q.files.ExportItems
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		p := f.Populations[name]
		if p == nil {
			return fmt.Errorf("%w: population %q of %s", audit.ErrNotFound, name, id)
		}
		if f.Withheld(p) != "" {
			file, export = id+"-"+name+"-without-outcomes.jsonl", q.files.ExportPlainItems
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.gridFileOf(file, func(w io.Writer) error { return export(q.Context(), q.who, id, name, w) })
}

// gridPopAct is an act on a population, at the revision its form was shown at.
func (q *request) gridPopAct(act func(base int64) error, words string) error {
	base, err := gridBaseOf(q)
	if err == nil {
		err = act(base)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridPopShow(q.field("text"), q.field("question"))
	}
	return q.released(q.PathValue("id"), gridPopHref(q.PathValue("id"), q.PathValue("population")), words)
}

func (q *request) gridComplete() error {
	return q.gridPopAct(func(base int64) error {
		return q.files.WriteComplete(q.Context(), q.who, q.PathValue("id"), q.PathValue("population"), q.field("text"), base)
	}, "Your work on its completeness is kept.")
}

func (q *request) gridAccept() error {
	return q.gridPopAct(func(base int64) error {
		return q.files.AcceptPopulation(q.Context(), q.who, q.PathValue("id"), q.PathValue("population"), base)
	}, "The population is accepted.")
}

func (q *request) gridQuestion() error {
	return q.gridPopAct(func(base int64) error {
		return q.files.QuestionPopulation(q.Context(), q.who, q.PathValue("id"), q.PathValue("population"), q.field("question"), base)
	}, "The question is asked.")
}
