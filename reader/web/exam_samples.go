package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/redraw"
	"tieout/internal/natural"
	"tieout/report"
)

// examSampleRoutes are the samples the auditor released.
var examSampleRoutes = []route{
	{pattern: "GET /examinations/{id}/samples", needs: "request.read", on: examWhole, do: (*request).examSamples},
	{pattern: "GET /examinations/{id}/samples/{sample}", needs: "evidence.read", on: examWhole, do: (*request).examSample},
	{pattern: "POST /examinations/{id}/samples/{sample}/again", needs: "engagement.open", on: examWhole, do: (*request).examDrawAgain},
}

// An examSampleRow is one sample in the list.
type examSampleRow struct {
	link
	Control, Population link
	How, Size, Replaced string
}

func (q *request) examSamples() error {
	id := q.PathValue("id")
	var rows []examSampleRow
	items := 0
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/samples")
		for _, s := range book.Sorted(x.Samples) {
			row := examSampleRow{link: link{s.ID, q.under("examinations", id, "samples/"+s.ID)}, Control: link{s.Control, q.at("controls", s.Control)},
				Population: link{s.Population, q.under("examinations", id, "populations/"+s.Population)}, How: report.Capital(string(s.Method)), Size: sizeOf(s, x.Populations[s.Population])}
			if n := len(s.Replaced); n > 0 {
				row.Replaced = report.Plural(n, "item", "items") + " replaced"
			}
			rows, items = append(rows, row), items+len(s.Items)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b examSampleRow) int { return natural.Compare(a.Text, b.Text) })
	q.Title, q.Heading, q.Wide = "Samples of "+id, "Samples", true
	q.Say = sayExamSamples(len(rows), items)
	return q.render("exam-samples.html", struct {
		*page
		ID   string
		Rows []examSampleRow
	}{&q.page, id, rows})
}

func sizeOf(s *engagement.Sample, p *management.Frozen) string {
	if p == nil || s.Method == engagement.EveryItem && len(s.Items) == 0 {
		return "every item"
	}
	return report.Number(len(s.Items)) + " of " + report.Number(p.Count)
}

// sayExamSamples says how many samples are released.
func sayExamSamples(n, items int) string {
	if n == 0 {
		return "No sample is released; which items are looked at, nobody here knows before."
	}
	return report.Capital(report.Plural(n, "sample is", "samples are")) + " released, with " + report.Plural(items, "item", "items") + " in all."
}

// A drawRow is what one stratum was picked with.
type drawRow struct {
	Stratum, Size, Commitment, Nonce, Seed string
}

// A sampledRow is one picked item, with its evidence.
type sampledRow struct {
	ID, Label, When string
	Records         []link
	Void            string // the item that took its place; "": none
}

type examSamplePage struct {
	*page
	ID         string
	S          engagement.Sample
	P          management.Frozen
	Control    link
	Population link
	Size, How  string
	Draws      []drawRow
	Items      []sampledRow
	Pager      pager
	Missing    int // items that the frozen lines do not hold
	Sent       string
	Root       string
	May        bool
	Projected  bool
}

func (q *request) examSample() error {
	id := q.PathValue("id")
	data := examSamplePage{page: &q.page, ID: id, May: q.may("engagement.open", examAll)}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		s := x.Samples[q.PathValue("sample")]
		if s == nil || x.Populations[s.Population] == nil {
			return fmt.Errorf("%w: sample %s", audit.ErrNotFound, q.PathValue("sample"))
		}
		q.examFrame(x, "/samples")
		data.S, data.P = *s, *x.Populations[s.Population]
		return nil
	})
	if err != nil {
		return err
	}
	s := &data.S
	data.Control, data.Population = link{s.Control, q.at("controls", s.Control)}, link{s.Population, q.under("examinations", id, "populations/"+s.Population)}
	data.Size, data.Projected = sizeOf(s, &data.P), projected(s.Method)
	for _, d := range s.Draws {
		row := drawRow{Stratum: d.Stratum, Size: report.Number(d.Size) + " of " + report.Number(d.Count), Commitment: audit.EvidenceRef(d.Commitment), Nonce: d.Nonce, Seed: d.Seed}
		if d.Start > 0 {
			row.Size += ", from place " + report.Number(d.Start)
		}
		data.Draws = append(data.Draws, row)
	}
	if err := q.sampledItems(&data); err != nil {
		return err
	}
	if data.Sent, err = q.sentEvidence(id, &data.P); err != nil {
		return err
	}
	if rec, err := q.st.p.Store.Record(q.Context(), data.P.Record); err == nil {
		f, err := q.st.p.Freeze(q.Context(), rec)
		if err != nil {
			return err
		}
		data.Root = f.Root
	}
	q.Title, q.Heading, q.Ref, q.Wide = s.ID+", "+s.Control, "Sample for "+s.Control, s.ID, true
	q.Say = sayExamSample(s, &data.P)
	q.Way = append(q.Way, link{"Samples", q.under("examinations", id, "samples")}, link{s.ID, ""})
	q.Code = []string{"tieout sample verify SAMPLE ITEMS --root " + data.Root}
	return q.render("exam-sample.html", data)
}

// projected reports whether a method picks by a seed.
func projected(m engagement.Method) bool {
	return m == engagement.Random || m == engagement.Systematic || m == engagement.Stratified
}

// sayExamSample says what was drawn from what.
func sayExamSample(s *engagement.Sample, p *management.Frozen) string {
	out := "The auditor looks at " + sizeOf(s, p) + " of " + p.ID + ", picked "
	switch {
	case s.Method == engagement.EveryItem:
		out = "The auditor looks at every item of " + p.ID
	case s.Method == engagement.Judgmental:
		out += "by judgment"
	default:
		out += map[engagement.Method]string{engagement.Random: "at random", engagement.Systematic: "at even distances", engagement.Stratified: "at random from each stratum"}[s.Method]
	}
	if n := len(s.Replaced); n > 0 {
		out += "; " + report.Plural(n, "void item was", "void items were") + " replaced"
	}
	return out + "."
}

// sampledItems fills in the page's part of the items, with what the frozen lines
// say of them.
func (q *request) sampledItems(data *examSamplePage) error {
	ids := data.S.Items
	from := q.from(len(ids))
	page := ids[from:min(len(ids), from+pageLength)]
	found, err := q.frozenItems(q.Context(), data.P.Digest, page)
	if err != nil {
		return err
	}
	by := map[string]string{}
	for _, r := range data.S.Replaced {
		by[r.Item] = r.By
	}
	for _, item := range page {
		row := sampledRow{ID: item, Void: by[item]}
		if x, ok := found[item]; ok {
			row.Label, row.When, row.Records = x.Label, q.momentOr(x.At, ""), q.recordLinks(x.Records, item)
		} else {
			data.Missing++
		}
		data.Items = append(data.Items, row)
	}
	data.Pager = q.pager("/examinations/"+data.ID+"/samples/"+data.S.ID, from, len(ids))
	return nil
}

// frozenItems reads the frozen lines of some items. Lines are canonical JSON, in
// which the first "id" is the item's own; only those asked for are decoded.
func (q *request) frozenItems(ctx context.Context, digest string, ids []string) (map[string]engagement.Item, error) {
	out := map[string]engagement.Item{}
	if len(ids) == 0 {
		return out, nil
	}
	want := map[string]bool{}
	for _, id := range ids {
		raw, err := json.Marshal(id)
		if err != nil {
			return nil, err
		}
		want[string(raw)] = true
	}
	r, err := q.st.p.Blobs.Get(ctx, "sha256:"+strings.TrimPrefix(digest, "sha256:"))
	if err != nil {
		return nil, fmt.Errorf("items of the population: %w", err)
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), redraw.MaxLine)
	for lines.Scan() && len(out) < len(want) {
		id := idOf(lines.Bytes())
		if id != nil && !bytes.ContainsRune(id, '\\') && !want[string(id)] {
			continue
		}
		var x engagement.Item
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			return nil, fmt.Errorf("%w: a line of the frozen items: %w", audit.ErrAltered, err)
		}
		if slices.Contains(ids, x.ID) {
			out[x.ID] = x
		}
	}
	return out, lines.Err()
}

// idOf is the ID of an item's line as it is quoted there; nil: look into the line.
func idOf(line []byte) []byte {
	_, rest, ok := bytes.Cut(line, []byte(`"id":"`))
	if !ok {
		return nil
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 || bytes.ContainsRune(rest[:end], '\\') {
		return nil
	}
	return append(append([]byte{'"'}, rest[:end]...), '"')
}

// sentEvidence says whether the firm has the evidence that a population's items
// rest on.
func (q *request) sentEvidence(id string, p *management.Frozen) (string, error) {
	if p.Run <= 0 {
		return "The items come from no run: their evidence goes to the firm with the answers to its requests.", nil
	}
	post, err := q.exam.Kept(q.Context(), id)
	if err != nil {
		return "", err
	}
	f, sent, err := post.SentFor(q.Context(), fmt.Sprintf("bundle:%d", p.Run))
	if err != nil {
		return "", err
	}
	if !sent {
		return "The evidence of these items is not in a packet for the firm yet.", nil
	}
	_, received, err := post.Lanes(q.Context())
	if err != nil {
		return "", err
	}
	if f.Number <= received.Heard {
		return "The firm has the evidence of these items: it confirmed packet " + report.Number(int(f.Number)) + ".", nil
	}
	return "The evidence of these items is in packet " + report.Number(int(f.Number)) + ", which the firm has not confirmed yet.", nil
}

// examDrawAgain picks the sample's items again from the frozen lines, by the seed
// that follows from the freeze and the revealed nonce.
func (q *request) examDrawAgain() error {
	id, name := q.PathValue("id"), q.PathValue("sample")
	var s engagement.Sample
	var p management.Frozen
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		have := x.Samples[name]
		if have == nil || x.Populations[have.Population] == nil {
			return fmt.Errorf("%w: sample %s", audit.ErrNotFound, name)
		}
		s, p = *have, *x.Populations[have.Population]
		return nil
	})
	if err == nil {
		err = q.drawnAgain(id, &s, &p)
	}
	if err == nil {
		return q.done(q.under("examinations", id, "samples/"+name), "Drawn again from the frozen items: the seed and every item are the same.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examSample()
}

func (q *request) drawnAgain(id string, s *engagement.Sample, p *management.Frozen) error {
	if !projected(s.Method) {
		return fmt.Errorf("%w: nothing is drawn in a %s sample", audit.ErrInvalid, s.Method)
	}
	rec, err := q.st.p.Store.Record(q.Context(), p.Record)
	if err != nil {
		return err
	}
	if p.Population.Freeze, err = q.st.p.Freeze(q.Context(), rec); err != nil {
		return err
	}
	differs := func(what string) error {
		return fmt.Errorf("%w: %s is another than the firm says; ask the firm, and rely on nothing drawn by it", audit.ErrConflict, what)
	}
	for _, d := range s.Draws {
		seed, err := redraw.Seed(id, p.Population, s.Control, d.Stratum, d.Nonce)
		if err != nil {
			return fmt.Errorf("%w: the nonce of the draw: %w", audit.ErrConflict, err)
		}
		if hex.EncodeToString(seed[:]) != d.Seed {
			return differs("the seed that follows from this log and the nonce")
		}
	}
	sel, err := redraw.Selections(*s)
	if err != nil {
		return err
	}
	r, err := q.st.p.Blobs.Get(q.Context(), "sha256:"+strings.TrimPrefix(p.Digest, "sha256:"))
	if err != nil {
		return err
	}
	defer r.Close()
	total, picked, err := redraw.PickAgain(r, s.Method, sel, nil)
	if err != nil {
		return err
	}
	if total.Digest != p.Digest {
		return fmt.Errorf("%w: the items of %s are not those that were frozen", audit.ErrAltered, p.ID)
	}
	for i := range s.Draws {
		if i >= len(picked) || !slices.Equal(redraw.IDs(picked[i].Items), s.Draws[i].Items) {
			return differs("what comes out of the draw")
		}
	}
	return nil
}
