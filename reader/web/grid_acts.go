package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

func (q *request) gridHere() string { return gridBase(q.PathValue("id"), q.PathValue("test")) }

// gridAgain shows the workpaper again with what is wrong, or goes back to it.
func (q *request) gridAgain(err error, words string) error {
	if err == nil && words == "" { // the place says it
		http.Redirect(q.w, q.Request, q.gridBack(), http.StatusSeeOther)
		return nil
	}
	if err == nil {
		return q.done(q.gridBack(), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.gridShow(map[string]gridTyped{}, "")
}

// gridBack is the place in the grid a form was sent from.
func (q *request) gridBack() string {
	back := q.gridHere()
	if n, err := strconv.Atoi(q.field("item")); err == nil {
		back += "?item=" + strconv.Itoa(n) + "&at=" + url.QueryEscape(q.field("at"))
	}
	return back
}

func (q *request) gridOpen() error {
	err := q.files.OpenPaper(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("sample"), q.field("empty"))
	return q.gridAgain(err, "The workpaper is open.")
}

func (q *request) gridExtend() error {
	err := q.files.ExtendPaper(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("sample"))
	return q.gridAgain(err, "The rows of "+q.field("sample")+" are there.")
}

func (q *request) gridRetire() error {
	err := q.files.RetireSample(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), q.field("sample"), q.field("why"))
	return q.gridAgain(err, "Sample "+q.field("sample")+" is retired; what was marked of its items stays in the file.")
}

// A gridVerdict is what a form says of one attribute.
type gridVerdict struct {
	cell  fieldwork.Cell
	typed gridTyped
	base  int64
}

// gridSaid reads what a form says of the open item: the attributes whose result,
// note or reason is another than was shown.
func (q *request) gridSaid(g *gridLook, item string) (said []gridVerdict, typed map[string]gridTyped, err error) {
	typed = map[string]gridTyped{}
	for _, a := range g.attributes() {
		was, t := engagement.Mark(q.field("was-"+a.Name)), gridTyped{engagement.Mark(q.field("mark-" + a.Name)), q.field("note-" + a.Name), q.field("why-" + a.Name)}
		typed[a.Name] = t
		switch {
		case t.Mark == was && t.Note == "" && t.Why == "":
			continue
		case t.Mark == "":
			return nil, typed, fmt.Errorf("%w: attribute %s has a note and no result: choose one", audit.ErrInvalid, a.Name)
		}
		base, berr := strconv.ParseInt(q.field("base-"+a.Name), 10, 64)
		if berr != nil {
			return nil, typed, fmt.Errorf("%w: the form does not say what it was made from; load the page again", audit.ErrInvalid)
		}
		said = append(said, gridVerdict{fieldwork.Cell{Item: item, Attribute: a.Name}, t, base})
	}
	if len(said) == 0 {
		return nil, typed, fmt.Errorf("%w: nothing is marked: choose a result", audit.ErrInvalid)
	}
	return said, typed, nil
}

// gridMark marks what a form says of one item, and goes on to the next cell
// without a result. Of several attributes those before the first that is refused
// are kept.
func (q *request) gridMark() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	row, attribute, ok := g.place(q.PostForm)
	if !ok {
		return fmt.Errorf("%w: item %q of this workpaper", audit.ErrNotFound, q.field("item"))
	}
	said, typed, err := q.gridSaid(g, g.rows[row].ID)
	if err != nil {
		return q.gridRefused(g, err, gridVerdict{cell: fieldwork.Cell{Attribute: g.attributes()[attribute].Name}}, typed)
	}
	looked, err := q.gridLooked(g, g.rows[row].ID)
	if err != nil {
		return err
	}
	for _, x := range said {
		v := fieldwork.Verdict{Mark: x.typed.Mark, Note: x.typed.Note, Evidence: looked, Why: x.typed.Why}
		if err := q.files.Mark(q.Context(), q.who, g.terms.ID, g.test.ID, x.cell, v, x.base); err != nil {
			return q.gridRefused(g, err, x, typed)
		}
		g.marks[x.cell] = fieldwork.Marked{Mark: x.typed.Mark}
		delete(typed, x.cell.Attribute)
	}
	to := g.href(row, attribute)
	if r, a, ok := g.next(row, attribute); ok {
		to = g.href(r, a)
	}
	http.Redirect(q.w, q.Request, to, http.StatusSeeOther)
	return nil
}

// gridLooked are the records of the client's log that the open item's evidence
// is, as far as who marks it has opened it.
func (q *request) gridLooked(g *gridLook, item string) ([]int64, error) {
	if _, opened := g.opened[item]; !opened || item == "" {
		return nil, nil
	}
	items, err := q.gridItems(g)
	if err != nil {
		return nil, err
	}
	return g.looked(item, items), nil
}

// looked are the records of an item's evidence, none of one that who is signed in
// did not open.
func (g *gridLook) looked(item string, items map[string]engagement.Item) []int64 {
	if _, opened := g.opened[item]; !opened {
		return nil
	}
	records := items[item].Records
	return records[:min(len(records), 200)]
}

// gridRefused shows the item again with what was typed: what is missing takes the
// focus, and what somebody else marked meanwhile is said.
func (q *request) gridRefused(before *gridLook, err error, x gridVerdict, typed map[string]gridTyped) error {
	q.PostForm.Set("at", x.cell.Attribute)
	focus := "note"
	if now, terr := q.gridTake(); terr == nil && errors.Is(err, audit.ErrConflict) && now.bases[x.cell] != x.base {
		m := now.marks[x.cell]
		err = fmt.Errorf("%w: %s marked %s of this item %q on %s, while you had it open%s. What you typed is still here: keep it with a reason, or leave it", audit.ErrConflict,
			q.name(m.By), x.cell.Attribute, m.Mark, report.Moment(m.At, now.zone()), gridNoteWords(m.Note))
		focus = "why"
	} else if _, marked := before.marks[x.cell]; marked && (gridHas(x.typed.Note) || x.typed.Mark == engagement.NoException || x.typed.Mark == engagement.ToTest) {
		focus = "why"
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.gridShow(typed, focus)
}

func gridNoteWords(note string) string {
	if note == "" {
		return ""
	}
	return fmt.Sprintf(", with the note %q", note)
}

func (q *request) gridReveal() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	var cells []fieldwork.Cell
	if row, _, ok := g.place(q.PostForm); ok {
		for _, a := range g.attributes() {
			if c := (fieldwork.Cell{Item: g.rows[row].ID, Attribute: a.Name}); g.hidden[c] {
				cells = append(cells, c)
			}
		}
	}
	if q.field("item") == "" {
		return q.gridAgain(q.files.Reveal(q.Context(), q.who, g.terms.ID, g.test.ID), "")
	}
	if len(cells) == 0 {
		return q.gridAgain(nil, "") // it was shown already; without cells all would be
	}
	return q.gridAgain(q.files.Reveal(q.Context(), q.who, g.terms.ID, g.test.ID, cells...), "")
}

func (q *request) gridExplain() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	row, attribute, ok := g.place(q.PostForm)
	if !ok {
		return fmt.Errorf("%w: item %q of this workpaper", audit.ErrNotFound, q.field("item"))
	}
	c := fieldwork.Cell{Item: g.rows[row].ID, Attribute: g.attributes()[attribute].Name}
	return q.gridAgain(q.files.Explain(q.Context(), q.who, g.terms.ID, g.test.ID, c, q.field("text")), "")
}

// gridAttach puts a file of the auditor's own into the workpaper.
func (q *request) gridAttach() error {
	up, err := q.upload("file")
	if err != nil {
		return q.gridAgain(err, "")
	}
	if len(up.Data) == 0 {
		return q.gridAgain(fmt.Errorf("%w: choose a file that is not empty", audit.ErrInvalid), "")
	}
	digest, size, err := q.st.p.Seal.Blobs.Put(q.Context(), bytes.NewReader(up.Data))
	if err != nil {
		return err
	}
	a := fieldwork.Attachment{Name: up.Name, Media: cmp.Or(up.Type, "application/octet-stream"), Digest: digest[strings.LastIndexByte(digest, ':')+1:], Size: size}
	return q.gridAgain(q.files.Attach(q.Context(), q.who, q.PathValue("id"), q.PathValue("test"), a), up.Name+" is attached.")
}

// gridFile gives back a file of the auditor's own, to keep and never to run here.
func (q *request) gridFile() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(g.attached, func(a fieldwork.Attachment) bool { return a.Digest == q.PathValue("digest") })
	if i < 0 {
		return fmt.Errorf("%w: no file with the digest %q is attached to %s", audit.ErrNotFound, q.PathValue("digest"), g.test.ID)
	}
	return q.gridSend(g.attached[i].Digest, g.attached[i].Name)
}

// A gridTick is an item that can be marked together with others.
type gridTick struct {
	gridRow
	Left []string // attributes without a result
}

// gridTogether lists the items who is signed in opened and that are not marked yet.
func (q *request) gridTogether() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	items, err := q.gridItems(g)
	if err != nil {
		return err
	}
	g.fill(-1, 0, items)
	var ticks []gridTick
	for _, r := range g.rows {
		if left := g.left(r); r.Opened && len(left) > 0 {
			ticks = append(ticks, gridTick{r, left})
		}
	}
	q.Title, q.Heading, q.Ref = "Mark together", "Mark opened items together", g.test.ID
	q.Say = sayGridTogether(len(ticks), g.closed)
	q.Way = []link{{g.terms.ID, q.at("engagements", g.terms.ID)}, {g.test.ID, q.gridHere()}, {"Together", ""}}
	return q.render("grid-together.html", struct {
		*page
		Base   string
		T      fieldwork.Test
		Ticks  []gridTick
		Closed bool
		Marks  []engagement.Mark
		Bases  map[string]int64
	}{&q.page, q.gridHere(), g.test, ticks, g.closed != "", gridMarks, g.baseNames()})
}

// left are the attributes of an item without a result.
func (g *gridLook) left(r gridRow) (out []string) {
	for _, a := range g.attributes() {
		if r.Void == "" && g.mark(fieldwork.Cell{Item: r.ID, Attribute: a.Name}) == engagement.ToTest {
			out = append(out, a.Name)
		}
	}
	return out
}

// baseNames are the revisions of the cells by the names a form has for them.
func (g *gridLook) baseNames() map[string]int64 {
	out := map[string]int64{}
	for i, r := range g.rows {
		for _, a := range g.attributes() {
			out[fmt.Sprintf("%d-%s", i+1, a.Name)] = g.bases[fieldwork.Cell{Item: r.ID, Attribute: a.Name}]
		}
	}
	return out
}

// sayGridTogether says what marking together does.
func sayGridTogether(n int, closed string) string {
	switch {
	case closed != "":
		return closed
	case n == 0:
		return "No item you opened waits for a result."
	}
	return fmt.Sprintf("You opened %s that %s a result; the ticked ones get the same one, in one entry.", report.Plural(n, "item", "items"), map[bool]string{true: "waits for", false: "wait for"}[n == 1])
}

// gridMarkTogether marks the ticked cells of opened items alike: all or none.
func (q *request) gridMarkTogether() error {
	g, err := q.gridTake()
	if err != nil {
		return err
	}
	items, err := q.gridItems(g)
	if err != nil {
		return err
	}
	var cells []fieldwork.Seen
	for _, name := range q.PostForm["cell"] {
		n, rest, _ := strings.Cut(name, "-")
		attribute, base, _ := strings.Cut(rest, "@")
		row, err := strconv.Atoi(n)
		b, berr := strconv.ParseInt(base, 10, 64)
		if err != nil || berr != nil || row < 1 || row > len(g.rows) {
			return fmt.Errorf("%w: %.40q is no cell of this workpaper", audit.ErrInvalid, name)
		}
		if slices.Contains(q.PostForm["attribute"], attribute) {
			item := g.rows[row-1].ID
			cells = append(cells, fieldwork.Seen{Cell: fieldwork.Cell{Item: item, Attribute: attribute}, Base: b, Evidence: g.looked(item, items)})
		}
	}
	if len(cells) == 0 {
		err = fmt.Errorf("%w: tick at least one item and one attribute", audit.ErrInvalid)
	} else {
		err = q.files.MarkMany(q.Context(), q.who, g.terms.ID, g.test.ID, cells, fieldwork.Verdict{Mark: engagement.Mark(q.field("mark")), Note: q.field("note")})
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.gridTogether()
	}
	return q.done(q.gridHere(), report.Plural(len(cells), "cell is", "cells are")+" marked "+q.field("mark")+".")
}
