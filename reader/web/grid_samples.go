package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
	"tieout/sample"
)

var gridSampleRoutes = []route{
	{pattern: "GET /engagements/{id}/samples", needs: "workpaper.read", on: theEngagement, do: (*request).gridSamples},
	{pattern: "GET /engagements/{id}/draw", needs: "sample.draw", on: theEngagement, do: (*request).gridDrawPage},
	{pattern: "POST /engagements/{id}/draw", needs: "sample.draw", on: theEngagement, do: (*request).gridDraw},
	{pattern: "GET /engagements/{id}/samples/{sample}", needs: "workpaper.read", on: theEngagement, do: (*request).gridSample},
	{pattern: "GET /engagements/{id}/samples/{sample}/file", needs: "workpaper.read", on: theEngagement, do: (*request).gridSampleFile},
	{pattern: "POST /engagements/{id}/samples/{sample}/again", needs: "workpaper.read", on: theEngagement, do: (*request).gridPickAgain},
	{pattern: "POST /engagements/{id}/samples/{sample}/release", needs: "sample.release", on: theEngagement, do: (*request).gridRelease},
	{pattern: "POST /engagements/{id}/samples/{sample}/extend", needs: "sample.draw", on: theEngagement, do: (*request).gridExtendSample},
	{pattern: "POST /engagements/{id}/samples/{sample}/replace", needs: "sample.draw", on: theEngagement, do: (*request).gridReplace},
}

// A gridSampleLine is a sample in the list.
type gridSampleLine struct {
	ID, Href, Control, Population, PopulationHref, Items, How, Drawn, Class, Word string
}

func gridReleaseState(s *fieldwork.Sample) (class, word string) {
	if s.Released.IsZero() {
		return "due", "Not released"
	}
	return "ok", "Released"
}

func (q *request) gridSamples() error {
	id := q.PathValue("id")
	var lines []gridSampleLine
	released, ready := 0, 0
	err := q.files.ReadFile(q.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/samples")
		zone := (&gridLook{terms: f.Terms}).zone()
		for _, s := range book.Sorted(f.Samples) {
			x := gridSampleLine{ID: s.ID, Href: gridSampleHref(id, s.ID), Control: s.Control, Population: s.Population, PopulationHref: gridPopHref(id, s.Population),
				Items: report.Number(len(s.Items)), How: report.Capital(gridMethodWords[s.Method]), Drawn: report.Moment(s.At, zone)}
			if x.Class, x.Word = gridReleaseState(s); !s.Released.IsZero() {
				released++
			}
			lines = append(lines, x)
		}
		ready = len(gridDrawable(f, "", ""))
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say = "Samples", "Samples", sayGridSamples(len(lines), released)
	q.Way = []link{{id, q.at("engagements", id)}, {"Samples", ""}}
	return q.render("grid-samples.html", struct {
		*page
		Engagement string
		Lines      []gridSampleLine
		MayDraw    bool
	}{&q.page, id, lines, ready > 0 && q.gridMay("sample.draw")})
}

// sayGridSamples says where the samples of an engagement stand.
func sayGridSamples(n, released int) string {
	switch {
	case n == 0:
		return "No sample is drawn yet: a population is frozen by the client and accepted first."
	case released == n && n == 1:
		return "One sample is drawn, and the client has it."
	case released == n:
		return fmt.Sprintf("%d samples are drawn, and the client has them all.", n)
	}
	return fmt.Sprintf("%s drawn; the client has %d.", report.Plural(n, "sample is", "samples are"), released)
}

// gridDrawable are the controls of populations that can be drawn from.
func gridDrawable(f *fieldwork.File, population, control string) (out []picked) {
	for _, p := range book.Sorted(f.Populations) {
		if !p.Accepted || p.Superseded != "" || p.Count == 0 {
			continue
		}
		for _, c := range p.Controls {
			out = append(out, picked{p.ID + " " + c, fmt.Sprintf("%s, from %s (%s, %s)", c, p.ID, p.Title, report.Plural(p.Count, "item", "items")), p.ID == population && c == control})
		}
	}
	return out
}

// gridFrequencies are how often a control of a firm's table operates.
func gridFrequencies(f *fieldwork.File, chosen string) (out []picked) {
	if f.Plan.Table == nil {
		return nil
	}
	table, err := sample.ReadSizes("sizes", f.Plan.Table)
	if err != nil {
		return nil
	}
	for _, x := range table.Frequencies {
		out = append(out, picked{x.Frequency, report.Capital(x.Frequency), x.Frequency == chosen})
	}
	return out
}

// A gridDrawView is the form of a draw, with what was typed.
type gridDrawView struct {
	*page
	Engagement                         string
	Of, Methods, Risks, Frequencies    []picked
	Table                              string
	Example                            bool
	Size, Basis, Why, Stages, Judgment string
}

func (q *request) gridDrawPage() error {
	id := q.PathValue("id")
	population, control, _ := strings.Cut(q.FormValue("of"), " ")
	v := gridDrawView{page: &q.page, Engagement: id, Size: q.field("size"), Basis: q.field("basis"), Why: q.field("why"), Stages: q.field("stages"), Judgment: q.field("judgment")}
	err := q.files.ReadFile(q.Context(), id, func(_ *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/samples")
		v.Of, v.Frequencies, v.Table, v.Example = gridDrawable(f, population, control), gridFrequencies(f, q.field("frequency")), f.Plan.Sizes, f.Plan.Example
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range fieldwork.Methods {
		v.Methods = append(v.Methods, picked{string(m), report.Capital(gridMethodWords[m]), string(m) == q.field("method")})
	}
	for _, r := range []sample.Risk{sample.Low, sample.Moderate, sample.High} {
		v.Risks = append(v.Risks, picked{string(r), report.Capital(string(r)) + " risk", string(r) == q.field("risk")})
	}
	q.Title, q.Heading, q.Say = "Draw a sample", "Draw a sample", sayDraw(len(v.Of))
	q.Way = []link{{id, q.at("engagements", id)}, {"Samples", gridList(id, "samples")}, {"Draw", ""}}
	return q.render("grid-draw.html", v)
}

// sayDraw says what a draw is opened with.
func sayDraw(n int) string {
	if n == 0 {
		return "No accepted population can be drawn from."
	}
	return "The seed follows from the nonce you committed to before the freeze and from the client's log; nobody chooses it, and a freeze is drawn from once."
}

// gridOrder reads what a form asks to draw.
func (q *request) gridOrder() (o fieldwork.Order, err error) {
	o = fieldwork.Order{Method: engagement.Method(q.field("method")), Basis: q.field("basis"), Why: q.field("why")}
	o.Population, o.Control, _ = strings.Cut(q.field("of"), " ")
	if o.Stages, err = gridStages(q.field("stages")); err != nil {
		return o, err // of a method that has none the draw is refused
	}
	if o.Method == engagement.Judgmental || o.Method == engagement.EveryItem {
		if q.field("size") != "" {
			return o, fmt.Errorf("%w: size: what is picked by judgment, or whole, has the size it has", audit.ErrInvalid)
		}
		o.Picked, err = gridJudged(q.field("judgment"))
		return o, err
	}
	if size := q.field("size"); size != "" {
		if o.Size, err = strconv.Atoi(size); err != nil || o.Size < 1 {
			return o, fmt.Errorf("%w: size: %.20q is no number of items", audit.ErrInvalid, size)
		}
		if o.Basis == "" {
			return o, fmt.Errorf("%w: basis: a size that is not by the firm's table says where it comes from", audit.ErrInvalid)
		}
	} else {
		o.Risk, o.Frequency, o.Basis = sample.Risk(q.field("risk")), q.field("frequency"), ""
	}
	return o, nil
}

// gridJudged reads items picked by judgment: one a line, its ID, a tab or " | ",
// and the reason.
func gridJudged(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		id, why, ok := strings.Cut(l, "|")
		if !ok || len(out) >= fieldwork.MaxListed {
			return nil, fmt.Errorf("%w: items: %.80q: write an item's ID, then |, then why it is picked, one a line, at most %d", audit.ErrInvalid, l, fieldwork.MaxListed)
		}
		out[strings.TrimSpace(id)] = strings.TrimSpace(why)
	}
	return out, nil
}

// gridStages reads planned stages: one a line, items in all and the exceptions up
// to which nothing is added, such as "25 0".
func gridStages(text string) (out []fieldwork.Stage, err error) {
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		var s fieldwork.Stage
		if len(f) == 2 && len(out) < 10 {
			s.Items, err = strconv.Atoi(f[0])
			if err == nil {
				s.Accepted, err = strconv.Atoi(f[1])
			}
		}
		if err != nil || s.Items < 1 {
			return nil, fmt.Errorf("%w: stages: %.40q: write the items in all and the exceptions up to which nothing is added, such as 25 0", audit.ErrInvalid, l)
		}
		out = append(out, s)
	}
	return out, nil
}

func (q *request) gridDraw() error {
	id := q.PathValue("id")
	o, err := q.gridOrder()
	var s fieldwork.Sample
	if err == nil {
		s, err = q.files.DrawSample(q.Context(), q.who, id, o)
	}
	if errors.Is(err, audit.ErrNotFound) {
		err = fmt.Errorf("%w: %s", audit.ErrInvalid, refusalOf(err))
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridDrawPage()
	}
	return q.done(gridSampleHref(id, s.ID), fmt.Sprintf("%s is drawn: %s. The client does not know it yet.", s.ID, report.Plural(len(s.Items), "item", "items")))
}

// gridSampleFile gives out what anybody picks a released sample again with.
func (q *request) gridSampleFile() error {
	f, err := q.files.ExportSample(q.Context(), q.who, q.PathValue("id"), q.PathValue("sample"))
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	gridFileHead(q.w.Header(), fmt.Sprintf("%s-%s.json", q.PathValue("id"), q.PathValue("sample")))
	_, err = io.WriteString(q.w, string(data)+"\n")
	return err
}

func (q *request) gridPickAgain() error {
	same, err := q.files.PickAgain(q.Context(), q.who, q.PathValue("id"), q.PathValue("sample"))
	if err != nil {
		return q.gridSampleAgain(err)
	}
	words := "Picked again from the population and its seed: the same items."
	if !same {
		words = "Picked again from the population and its seed, other items come out. Somebody has to look into this before anything rests on the sample."
	}
	return q.done(gridSampleHref(q.PathValue("id"), q.PathValue("sample")), words)
}

func (q *request) gridSampleAgain(err error) error {
	if err := q.problem(err); err != nil {
		return err
	}
	return q.gridSample()
}

func (q *request) gridRelease() error {
	base, err := gridBaseOf(q)
	if err == nil {
		err = q.files.ReleaseSample(q.Context(), q.who, q.PathValue("id"), q.PathValue("sample"), base)
	}
	if err != nil {
		return q.gridSampleAgain(err)
	}
	return q.released(q.PathValue("id"), gridSampleHref(q.PathValue("id"), q.PathValue("sample")), "Released: the client gets the list of items.")
}

func (q *request) gridExtendSample() error {
	base, err := gridBaseOf(q)
	if err == nil {
		_, err = q.files.ExtendSample(q.Context(), q.who, q.PathValue("id"), q.PathValue("sample"), base)
	}
	if err != nil {
		return q.gridSampleAgain(err)
	}
	return q.done(gridSampleHref(q.PathValue("id"), q.PathValue("sample")), "Extended as planned. It is released again for the client to know.")
}

func (q *request) gridReplace() error {
	base, err := gridBaseOf(q)
	var proof []int64
	if err == nil {
		proof, err = gridRefs(q.field("proof"))
	}
	var r engagement.Replacement
	if err == nil {
		r, err = q.files.ReplaceItem(q.Context(), q.who, q.PathValue("id"), q.PathValue("sample"), q.field("item"), q.field("why"), proof, base)
	}
	if err != nil {
		return q.gridSampleAgain(err)
	}
	return q.done(gridSampleHref(q.PathValue("id"), q.PathValue("sample")), fmt.Sprintf("%s is void; %s is next in order and takes its place.", r.Item, r.By))
}

// gridRefs reads references of records, such as "E-12, E-15".
func gridRefs(s string) (out []int64, err error) {
	for _, f := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.ParseInt(strings.TrimPrefix(f, "E-"), 10, 64)
		if err != nil || n < 0 || slices.Contains(out, n) {
			return nil, fmt.Errorf("%w: proof: %.20q is no record such as E-12", audit.ErrInvalid, f)
		}
		out = append(out, n)
	}
	return out, nil
}
