package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A gridBar is a quarter with how much of a population and of a sample lies in it.
type gridBar struct {
	Name                 string
	Items, Picked        int
	X, ItemsY, PickedY   int // where its bars begin, and their heights
	ItemsH, PickedH, Mid int
}

// A gridDrawLine is one draw: of the whole, or of a stratum.
type gridDrawLine struct {
	Stratum, Of, Size, Commitment, CommitmentHref, Nonce, Seed string
	Start                                                      int
}

// A gridSampleView is the page of a sample.
type gridSampleView struct {
	*page
	Engagement, ID       string
	S                    fieldwork.Sample
	How, Drawn, By       string
	Class, Word          string
	Population           link
	Of                   int
	Draws                []gridDrawLine
	Bars                 []gridBar
	Items                []string
	Reasons              [][2]string
	Stages               []string
	Next                 string // the stage that can be drawn, in words
	Limits               []string
	Papers               []link
	Steps                []step
	Base                 int64
	Works                bool
	MayRelease, MayGrow  bool
	MayReplace, MayAgain bool
	Item, Why, Proof     string
}

func (q *request) gridSample() error {
	id, name := q.PathValue("id"), q.PathValue("sample")
	v := gridSampleView{page: &q.page, Engagement: id, ID: name, Item: q.field("item"), Why: q.field("why"), Proof: q.field("proof")}
	err := q.files.ReadFile(q.Context(), id, func(s *fieldwork.State, f *fieldwork.File) error {
		x := f.Samples[name]
		if x == nil {
			return fmt.Errorf("%w: sample %q of %s", audit.ErrNotFound, name, id)
		}
		v.S, v.Base = *x, s.Revision("sample:"+id+"/"+name)
		q.gridFrame(f, "/samples")
		v.take(q, f)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Say = name+" of "+v.S.Control, "Sample of "+v.S.Control, name, sayGridSample(&v.S, v.Of)
	q.Way = []link{{id, q.at("engagements", id)}, {"Samples", gridList(id, "samples")}, {name, ""}}
	q.Code = []string{"tieout sample verify " + id + "-" + name + ".json " + id + "-" + v.S.Population + ".jsonl"}
	return q.render("grid-sample.html", &v)
}

// sayGridSample says how a sample was made and whether the client has it.
func sayGridSample(s *fieldwork.Sample, of int) string {
	has := "The client does not know it."
	if !s.Released.IsZero() {
		has = "The client has the list."
	}
	if s.Method == engagement.EveryItem {
		return fmt.Sprintf("It is all %s of population %s. %s", report.Plural(of, "item", "items"), s.Population, has)
	}
	return fmt.Sprintf("%d of %s, %s from population %s. %s", len(s.Items), report.Plural(of, "item", "items"), gridMethodWords[s.Method], s.Population, has)
}

func (v *gridSampleView) take(q *request, f *fieldwork.File) {
	x, id := &v.S, v.Engagement
	zone := (&gridLook{terms: f.Terms}).zone()
	v.How, v.Drawn, v.By = report.Capital(gridMethodWords[x.Method]), report.Moment(x.At, zone), q.name(x.By)
	v.Class, v.Word = gridReleaseState(x)
	v.Population, v.Items, v.Steps = link{x.Population, gridPopHref(id, x.Population)}, slices.Clone(x.Items), q.gridSteps(x.Steps, zone)
	p := f.Populations[x.Population]
	current := p != nil && p.Superseded == ""
	if p != nil {
		v.Of = p.Count
	}
	for _, d := range x.Draws {
		ref := audit.EvidenceRef(d.Commitment)
		v.Draws = append(v.Draws, gridDrawLine{d.Stratum, report.Number(d.Count), report.Number(d.Size), ref, "/evidence/" + ref, d.Nonce, d.Seed, d.Start})
	}
	for _, it := range x.Items {
		if why := x.Reasons[it]; why != "" {
			v.Reasons = append(v.Reasons, [2]string{it, why})
		}
	}
	v.Bars = gridBars(x)
	v.takeStages(x)
	v.takeWork(f, x)
	v.Works = f.MayWork(q.gridEntry()) == nil
	draws := v.Works && current && q.gridMay("sample.draw")
	v.MayRelease = v.Works && x.Released.IsZero() && q.gridMay("sample.release")
	v.MayGrow, v.MayReplace, v.MayAgain = draws && v.Next != "", draws && x.Projectable(), x.Projectable()
}

// takeStages says in words what extension was planned and where the sample is.
func (v *gridSampleView) takeStages(x *fieldwork.Sample) {
	for i, s := range x.Stages {
		words := fmt.Sprintf("%s in all, nothing added up to %s", report.Plural(s.Items, "item", "items"), report.Plural(s.Accepted, "exception", "exceptions"))
		if i == x.Stage {
			words += " (here now)"
		}
		if i == x.Stage+1 {
			v.Next = report.Plural(s.Items, "item", "items")
		}
		v.Stages = append(v.Stages, words)
	}
}

// takeWork finds the workpapers on a sample, and what its exceptions say in
// numbers about the whole.
func (v *gridSampleView) takeWork(f *fieldwork.File, x *fieldwork.Sample) {
	for name, p := range f.Papers {
		if !slices.Contains(p.Samples, x.ID) {
			continue
		}
		v.Papers = append(v.Papers, link{name, gridBase(v.Engagement, name)})
		facts := f.Facts(name)
		for _, l := range facts.Limits {
			v.Limits = append(v.Limits, fmt.Sprintf("%s: %s in %s. With %s percent confidence at most %s percent of such items, or %s of the %s, have one.", name, report.Plural(facts.Exceptions, "item with an exception", "items with exceptions"),
				report.Plural(facts.Tested, "item", "items"), strconv.FormatFloat(l.Confidence*100, 'f', -1, 64), strconv.FormatFloat(l.Rate*100, 'f', 1, 64), report.Number(l.Count), report.Number(l.Of)))
		}
	}
	slices.SortFunc(v.Papers, func(a, b link) int { return strings.Compare(a.Text, b.Text) })
	slices.Sort(v.Limits)
}

// gridBars are the quarters of a sample's spread, drawn 60 high.
func gridBars(x *fieldwork.Sample) (out []gridBar) {
	items, taken := 1, 1
	for _, s := range x.Spread {
		items, taken = max(items, s.Items), max(taken, s.Picked)
	}
	for i, s := range x.Spread {
		b := gridBar{Name: s.Name, Items: s.Items, Picked: s.Picked, X: i * 84, ItemsH: s.Items * 60 / items, PickedH: s.Picked * 60 / taken, Mid: i*84 + 30}
		b.ItemsY, b.PickedY = 60-b.ItemsH, 60-b.PickedH
		out = append(out, b)
	}
	return out
}
