package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/internal/natural"
	"tieout/period"
	"tieout/reader/jobs"
	"tieout/report"
)

// examPopulationRoutes are populations frozen for the auditor. Their items are
// evidence, taken out as files.
var examPopulationRoutes = []route{
	{pattern: "GET /examinations/{id}/populations", needs: "request.read", on: examWhole, do: (*request).examPopulations},
	{pattern: "GET /examinations/{id}/populations/new", needs: "evidence.export", on: examWhole, do: (*request).examFreezePage},
	{pattern: "POST /examinations/{id}/populations/new", needs: "evidence.export", on: examWhole, do: (*request).examFreeze},
	{pattern: "GET /examinations/{id}/populations/{pop}", needs: "request.read", on: examWhole, do: (*request).examPopulation},
	{pattern: "GET /examinations/{id}/populations/{pop}/items", needs: "evidence.export", on: examWhole, do: (*request).examItems},
}

// A frozenRow is a frozen population in a list.
type frozenRow struct {
	link
	Title, Round, Items, When, Class, Word, Says string
	Controls                                     []link
	Superseded                                   link
}

// wordOn is the auditor's word on a population: a mark, and the word.
func wordOn(p *management.Frozen) (class, word string) {
	switch {
	case p.Superseded != "":
		return "none", "Superseded"
	case p.Accepted:
		return "ok", "Accepted"
	case p.Question != "":
		return "gap", "Questioned"
	}
	return "due", "Not looked at"
}

func (q *request) frozenRow(id string, p *management.Frozen, at func(int64) string) frozenRow {
	row := frozenRow{link: link{p.ID, q.under("examinations", id, "populations/"+p.ID)}, Title: p.Title, Round: p.Round, Items: report.Number(p.Count), When: at(p.Record), Says: p.Question, Controls: q.controlLinks(p.Controls)}
	row.Class, row.Word = wordOn(p)
	if p.Superseded != "" {
		row.Superseded = link{p.Superseded, q.under("examinations", id, "populations/"+p.Superseded)}
	}
	return row
}

// sealedAt says when a record of this log was sealed.
func (q *request) sealedAt(n int64) string {
	rec, err := q.st.p.Store.Record(q.Context(), n)
	if err != nil {
		return audit.EvidenceRef(n)
	}
	return report.Moment(rec.Recorded, q.zone())
}

// A freezable is a procedure of the newest run over the examination's period whose
// population can be frozen.
type freezable struct {
	link
	Title, Items string
	Controls     []link
	Frozen       bool
}

func (q *request) examPopulations() error {
	id := q.PathValue("id")
	var rows []frozenRow
	var overPeriod, over bool
	known := map[string]bool{}
	words := map[string]int{}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/populations")
		overPeriod, over = x.Terms.Type.OverPeriod(), x.State.Over() || x.Agreed == nil
		for _, p := range book.Sorted(x.Populations) {
			row := q.frozenRow(id, p, q.sealedAt)
			rows = append(rows, row)
			words[row.Word]++
			known[p.Title] = known[p.Title] || p.Superseded == ""
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b frozenRow) int { return natural.Compare(a.Text, b.Text) })
	may := q.may("evidence.export", examAll) && overPeriod && !over
	list, none, err := q.freezables(id, known, may)
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Populations of "+id, "Frozen populations", true
	q.Say = sayFrozen(len(rows), words, overPeriod)
	q.Code = []string{"tieout population frozen", "tieout population freeze PROCEDURE"}
	return q.render("exam-populations.html", struct {
		*page
		ID     string
		Rows   []frozenRow
		May    bool
		Freeze []freezable
		None   string // why nothing can be frozen
	}{&q.page, id, rows, may, list, none})
}

// examClient is the company's end over the period that is looked at.
func (q *request) examClient() *examination.Client {
	return &examination.Client{P: q.st.p, Side: q.exam.Side, Register: q.exam.Register}
}

// freezables are the populations of the newest run over an examination's period,
// whichever period holds today; why says what is missing where there is none.
func (q *request) freezables(id string, known map[string]bool, may bool) (list []freezable, why string, err error) {
	if !may {
		return nil, "", nil
	}
	run, err := q.examClient().RunOf(q.Context(), id)
	for _, kind := range []error{audit.ErrNotFound, audit.ErrConflict} {
		if errors.Is(err, kind) {
			return nil, sentence(reason(err, kind)), nil
		}
	}
	if err != nil {
		return nil, "", err
	}
	for _, t := range run.Tested {
		list = append(list, freezable{link{t.Procedure, q.under("examinations", id, "populations/new", "procedure", t.Procedure)}, t.Title, report.Number(t.Items), q.controlLinks(t.Controls), known[t.Title]})
	}
	slices.SortStableFunc(list, func(a, b freezable) int { return strings.Compare(a.Text, b.Text) })
	return list, "", nil
}

// sayFrozen says how many populations are frozen and what the auditor said.
func sayFrozen(n int, words map[string]int, overPeriod bool) string {
	switch {
	case !overPeriod:
		return "The examination speaks of a date: nothing is frozen or sampled for it."
	case n == 0:
		return "Nothing is frozen yet; an auditor draws only from what was frozen before anybody knew the sample."
	}
	var parts []string
	for _, w := range []string{"Accepted", "Questioned", "Not looked at", "Superseded"} {
		if words[w] > 0 {
			parts = append(parts, report.Number(words[w])+" "+strings.ToLower(w))
		}
	}
	return report.Capital(report.Plural(n, "population is", "populations are")) + " frozen: " + strings.Join(parts, ", ") + "."
}

// A reconciledRow is one line of completeness, with what explains it.
type reconciledRow struct {
	engagement.Reconciled
	Open bool
	N    int
	Why  string // as typed
}

// tested is a procedure of the newest run over the examination's period.
func (q *request) tested(procedure string) (*period.Run, *audit.Tested, error) {
	run, err := q.examClient().RunOf(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(run.Tested, func(t audit.Tested) bool { return t.Procedure == procedure })
	if i < 0 {
		return nil, nil, fmt.Errorf("%w: procedure %q in the newest run over the examination's period", audit.ErrNotFound, procedure)
	}
	return run, &run.Tested[i], nil
}

// byForm reads from the form or the address what the form may change.
func (q *request) byForm(name string) string {
	if q.Method == "POST" {
		return q.field(name)
	}
	return q.URL.Query().Get(name)
}

func (q *request) examFreezePage() error {
	id := q.PathValue("id")
	run, t, err := q.tested(q.byForm("procedure"))
	if err != nil {
		return err
	}
	checks, err := q.st.p.Completeness(q.Context(), run, t.Procedure)
	if err != nil {
		return err
	}
	var rows []reconciledRow
	open := 0
	for i, c := range checks {
		row := reconciledRow{Reconciled: c, Open: c.Open(), N: i, Why: q.PostForm.Get("why-" + strconv.Itoa(i))}
		if row.Open {
			open++
		}
		rows = append(rows, row)
	}
	round, instead := 1, []choice{}
	err = q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/populations")
		for _, p := range book.Sorted(x.Populations) {
			if p.Title != t.Title {
				continue
			}
			if n, err := strconv.Atoi(p.Round); err == nil {
				round = max(round, n+1)
			}
			if p.Superseded == "" {
				instead = append(instead, choice{p.ID, p.ID + ", round " + p.Round, q.byForm("instead") == p.ID})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Freeze "+t.Procedure, "Freeze a population", true
	q.Say = sayFreezing(t.Title, t.Items, len(rows), open)
	q.Way = append(q.Way, link{"Populations", q.under("examinations", id, "populations")}, link{"Freeze", ""})
	return q.render("exam-freeze.html", struct {
		*page
		ID, Procedure, Defined string
		Controls               []link
		Run                    link
		Rows                   []reconciledRow
		Open                   int
		Round                  string
		Instead                []choice
		Waits                  bool
	}{&q.page, id, t.Procedure, t.Population, q.controlLinks(t.Controls), link{audit.EvidenceRef(run.Record), q.at("evidence", audit.EvidenceRef(run.Record))},
		rows, open, cmp.Or(q.PostForm.Get("round"), strconv.Itoa(round)), instead, jobs.Large(run)})
}

// sayFreezing says what would be frozen, and what does not add up.
func sayFreezing(title string, items, lines, open int) string {
	s := report.Capital(report.Plural(items, "item was", "items were")) + " tested as " + title
	switch {
	case lines == 0:
		return s + "; no source gave a number of its own to compare with."
	case open == 0:
		return s + ", and every number agrees with its source's own."
	}
	return s + "; " + report.Plural(open, "line does", "lines do") + " not add up and " + map[bool]string{true: "is", false: "are"}[open == 1] + " explained first."
}

// examFreeze freezes at once, or asks for a job where the run is large.
func (q *request) examFreeze() error {
	id := q.PathValue("id")
	f := jobs.Freezing{Engagement: id, Procedure: q.field("procedure"), Round: q.field("round"), Instead: q.field("instead"), Explain: map[string]string{}}
	if _, _, err := q.tested(f.Procedure); err != nil {
		return err
	}
	what, n := q.PostForm["what"], q.PostForm["n"]
	for i := range min(len(what), len(n)) {
		if why := q.field("why-" + n[i]); why != "" {
			f.Explain[what[i]] = why
		}
	}
	large, err := f.Ready(q.Context(), q.examClient())
	if err == nil && large {
		j, added, err := jobs.Start(q.Context(), q.queue(), q.st.p.Def, jobs.Freeze, jobs.Payload{Freeze: &f}, q.by())
		if err != nil {
			return err
		}
		return q.begun(j, added)
	}
	var p management.Frozen
	if err == nil {
		p, err = q.examClient().FreezeRun(q.Context(), q.who, id, f.Procedure, f.Round, f.Explain, f.Instead)
	}
	if err == nil {
		return q.toFirm(id, q.under("examinations", id, "populations/"+p.ID), p.ID+" is frozen with "+report.Plural(p.Count, "item", "items")+". It goes to the firm.")
	}
	if errors.Is(err, audit.ErrInconclusive) {
		err = fmt.Errorf("%w: %s", audit.ErrInvalid, reason(err, audit.ErrInconclusive))
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examFreezePage()
}

func (q *request) examPopulation() error {
	id := q.PathValue("id")
	data := struct {
		*page
		ID      string
		P       management.Frozen
		Row     frozenRow
		By      string
		Window  string
		Rows    []reconciledRow
		Strata  []fact
		Samples []link
		Run     link
		Entry   link
		Takes   link
		Export  bool
	}{page: &q.page, ID: id, Export: q.may("evidence.export", examAll)}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		p := x.Populations[q.PathValue("pop")]
		if p == nil {
			return fmt.Errorf("%w: population %s", audit.ErrNotFound, q.PathValue("pop"))
		}
		q.examFrame(x, "/populations")
		data.P, data.Row, data.By = *p, q.frozenRow(id, p, q.sealedAt), q.name(p.By)
		for i, c := range p.Checks {
			data.Rows = append(data.Rows, reconciledRow{Reconciled: c, Open: c.Open(), N: i})
		}
		for _, s := range book.Sorted(x.Samples) {
			if s.Population == p.ID {
				data.Samples = append(data.Samples, link{s.ID, q.under("examinations", id, "samples/"+s.ID)})
			}
		}
		for _, o := range book.Sorted(x.Populations) {
			if o.Superseded == p.ID {
				data.Takes = link{o.ID, q.under("examinations", id, "populations/"+o.ID)}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p := &data.P
	data.Window, data.Entry = report.Days(p.Window, q.zone()), link{audit.EvidenceRef(p.Record), q.at("evidence", audit.EvidenceRef(p.Record))}
	if p.Run != audit.Unsequenced {
		data.Run = link{audit.EvidenceRef(p.Run), q.at("evidence", audit.EvidenceRef(p.Run))}
	}
	for _, name := range sortedNames(p.Strata) {
		data.Strata = append(data.Strata, fact{name, report.Number(p.Strata[name])})
	}
	q.Title, q.Heading, q.Ref, q.Wide = p.ID+", "+p.Title, report.Capital(p.Title), p.ID, true
	q.Say = sayPopulation(p)
	q.Way = append(q.Way, link{"Populations", q.under("examinations", id, "populations")}, link{p.ID, ""})
	return q.render("exam-population.html", data)
}

func sortedNames(m map[string]int) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// sayPopulation says what a frozen population holds and what the auditor said.
func sayPopulation(p *management.Frozen) string {
	s := "It holds " + report.Plural(p.Count, "item", "items") + " as they were frozen"
	switch _, word := wordOn(p); word {
	case "Superseded":
		return s + "; " + p.Superseded + " took its place."
	case "Accepted":
		return s + "; the auditor accepted it."
	case "Questioned":
		return s + "; the auditor asks about it, and draws nothing from it meanwhile."
	}
	return s + "; the auditor has not said anything of it yet."
}

// examItems gives out the item lines as they were frozen, as a file to keep.
func (q *request) examItems() error {
	digest, name := "", ""
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		p := x.Populations[q.PathValue("pop")]
		if p == nil {
			return fmt.Errorf("%w: population %s", audit.ErrNotFound, q.PathValue("pop"))
		}
		digest, name = p.Digest, x.Terms.ID+"-"+p.ID+".jsonl"
		return nil
	})
	if err != nil {
		return err
	}
	return q.gridSend(strings.TrimPrefix(digest, "sha256:"), name)
}
