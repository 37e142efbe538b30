package api

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/reader/answer"
	"tieout/report"
)

// paperCalls are workpapers: rows, marks, sign-offs, review notes.
func (s *Server) paperCalls() {
	const one, many = "/engagements/{engagement}/papers/{id}", "/engagements/{engagement}/papers"
	addFile(s, operation{id: "list-papers", method: http.MethodGet, path: many, tag: "Workpapers", needs: "workpaper.read", title: "Workpapers, and where each stands"}, listPapers)
	addFile(s, operation{id: "get-paper", method: http.MethodGet, path: one, tag: "Workpapers", needs: "workpaper.read", title: "One workpaper: rows, marks, what was computed and shown",
		detail: "What was computed for a cell is in it once it was shown after the tester's own mark."}, getPaper)
	addFile(s, operation{id: "open-paper", method: http.MethodPost, path: one, tag: "Workpapers", needs: "test.mark", status: http.StatusCreated, sends: `{"sample":"S-1"}`, title: "Open the workpaper of a test, from a sample"}, openPaper)
	addFile(s, operation{id: "extend-paper", method: http.MethodPost, path: one + "/rows", tag: "Workpapers", needs: "test.mark", sends: `{"sample":"S-1"}`, title: "Add the rows that a sample has and the workpaper has not"}, extendPaper)
	addFile(s, operation{id: "open-items", method: http.MethodPost, path: one + "/opened", tag: "Workpapers", needs: "test.mark", sends: `{"items":["CHG-0001"]}`, title: "Say which items were opened"}, openItems)
	addFile(s, operation{id: "mark-cell", method: http.MethodPut, path: one + "/cell", tag: "Workpapers", needs: "test.mark", sends: cellExample, title: "Mark one cell",
		detail: "If-Match is the cell's revision as it was seen; \"0\" of one without a mark."}, markCell)
	addFile(s, operation{id: "mark-cells", method: http.MethodPut, path: one + "/cells", tag: "Workpapers", needs: "test.mark", sends: cellsExample, title: "Mark cells alike, all or none",
		detail: "No exception only on items that the same person opened."}, markCells)
	addFile(s, operation{id: "reveal", method: http.MethodPost, path: one + "/revealed", tag: "Workpapers", needs: "test.mark", sends: `{"cells":[{"item":"CHG-0001","attribute":"A"}]}`,
		title: "Show what was computed, after one's own mark"}, reveal)
	addFile(s, operation{id: "explain", method: http.MethodPost, path: one + "/explanations", tag: "Workpapers", needs: "test.mark", sends: `{"item":"CHG-0001","attribute":"A","text":"The ticket was renamed."}`,
		title: "Put a note on a difference between a mark and what was computed"}, explain)
	addFile(s, operation{id: "prepare-paper", method: http.MethodPost, path: one + "/prepared", tag: "Workpapers", needs: "test.mark", sends: digestExample, title: "Sign a workpaper off as prepared"}, preparePaper)
	addFile(s, operation{id: "review-paper", method: http.MethodPost, path: one + "/reviewed", tag: "Workpapers", needs: "workpaper.review", sends: digestExample, title: "Sign a workpaper off as its reviewer"}, reviewPaper)
	addFile(s, operation{id: "reopen-paper", method: http.MethodPost, path: one + "/reopened", tag: "Workpapers", needs: "workpaper.review", sends: `{"why":"An item was misread."}`, title: "Open a signed-off workpaper again, with the reason"}, reopenPaper)
	addFile(s, operation{id: "list-notes", method: http.MethodGet, path: "/engagements/{engagement}/notes", tag: "Workpapers", needs: "workpaper.read", title: "Review notes"}, listNotes)
	addFile(s, operation{id: "add-note", method: http.MethodPost, path: one + "/notes", tag: "Workpapers", needs: "note.write", status: http.StatusCreated, sends: `{"where":"B","text":"Which rule?"}`, title: "Write a review note on a workpaper"}, addNote)
	addFile(s, operation{id: "answer-note", method: http.MethodPost, path: "/engagements/{engagement}/notes/{id}/answer", tag: "Workpapers", needs: "note.write", sends: `{"text":"That of the main branch."}`, title: "Answer a review note"}, answerNote)
	addFile(s, operation{id: "clear-note", method: http.MethodPost, path: "/engagements/{engagement}/notes/{id}/cleared", tag: "Workpapers", needs: "note.write", title: "Clear a review note that was answered"}, clearNote)
}

const (
	zeros         = "0000000000000000000000000000000000000000000000000000000000000000"
	digestExample = `{"digest":"` + zeros + `"}`
	cellExample   = `{"item":"CHG-0001","attribute":"A","mark":"No exception","evidence":[7]}`
	cellsExample  = `{"cells":[{"item":"CHG-0001","attribute":"A","base":0}],"mark":"No exception","evidence":[7]}`
)

// Paper is a workpaper.
type Paper struct {
	Test     string   `json:"test"`
	Control  string   `json:"control"`
	Version  int      `json:"version" doc:"How often it was signed off by a reviewer"`
	Samples  []string `json:"samples" nullable:"false"`
	Rows     []Row    `json:"rows" nullable:"false"`
	Untested int      `json:"untested" doc:"Cells without a result"`
	Prepared *Signed  `json:"prepared,omitempty"`
	Reviewed *Signed  `json:"reviewed,omitempty"`
	Digest   string   `json:"digest" doc:"What preparer and reviewer sign"`
	Notes    int      `json:"openNotes"`
	Known    []Known  `json:"known" nullable:"false" doc:"Deviations outside the sample"`
	Gates    []Gate   `json:"gates" nullable:"false" doc:"What stands before its next sign-off"`

	KnownRevision int64 `json:"knownRevision" doc:"Of known: what is said of deviations outside the sample is said from it (If-Match)"`
}

// Row is one item of a workpaper.
type Row struct {
	Item   string   `json:"item" doc:"Empty: the test has no items"`
	Void   string   `json:"void,omitempty" doc:"Why it was replaced in the sample"`
	Opened []string `json:"opened" nullable:"false" doc:"Accounts that opened it"`
	Cells  []Cell   `json:"cells" nullable:"false"`
}

// Cell is one attribute of an item, as it is marked.
type Cell struct {
	Attribute string    `json:"attribute"`
	Mark      string    `json:"mark" doc:"To test: nobody marked it"`
	Note      string    `json:"note,omitempty"`
	Evidence  []int64   `json:"evidence" nullable:"false" doc:"Records of the client's log that were looked at"`
	By        string    `json:"by,omitempty" doc:"Account"`
	At        time.Time `json:"at,omitzero"`
	Bulk      bool      `json:"bulk"`
	Computed  *string   `json:"computed,omitempty" doc:"What the client's procedure computed, once it was shown"`
	Explained string    `json:"explained,omitempty"`
	Earlier   int       `json:"earlier" doc:"How often it was marked before"`
	Revision  int64     `json:"revision"`
}

// Signed is a sign-off.
type Signed struct {
	By     string    `json:"by" doc:"Account"`
	At     time.Time `json:"at"`
	Digest string    `json:"digest" doc:"Of what was signed off"`
}

func signedOf(s *fieldwork.Signed) *Signed {
	if s == nil {
		return nil
	}
	return &Signed{s.By, s.At, s.Digest}
}

// PaperState is where a workpaper stands.
type PaperState struct {
	Test     string `json:"test"`
	Control  string `json:"control"`
	Rows     int    `json:"rows"`
	Untested int    `json:"untested"`
	Notes    int    `json:"openNotes"`
	Prepared bool   `json:"prepared"`
	Reviewed bool   `json:"reviewed"`
	Version  int    `json:"version"`
}

func listPapers(d *desk, in *FilePage) (*listOut[PaperState], error) {
	var all []PaperState
	reviewed := 0
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, p := range answer.InOrder(f.Papers) {
			t := f.Tests[p.Test]
			all = append(all, PaperState{p.Test, t.Control, len(p.Rows), len(p.Untested(t)), len(f.OpenNotes(p.Test)), p.Prepared != nil, p.Reviewed != nil, p.Version})
			if p.Reviewed != nil {
				reviewed++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.papers/1", answer.Counted(len(all), "workpaper", "workpapers")+" "+answer.Counted(reviewed, "is signed off by a reviewer", "are signed off by a reviewer"), all, "/engagements/"+in.Engagement+"/papers")
}

func (d *desk) paperOf(s *fieldwork.State, f *fieldwork.File, p *fieldwork.Paper) Paper {
	id, t := f.Terms.ID, f.Tests[p.Test]
	out := Paper{Test: p.Test, Control: t.Control, Version: p.Version, Samples: append([]string{}, p.Samples...), Rows: []Row{}, Untested: len(p.Untested(t)), Prepared: signedOf(p.Prepared), Reviewed: signedOf(p.Reviewed),
		Digest: f.PaperDigest(p.Test), Notes: len(f.OpenNotes(p.Test)), Known: knownOf(f, p.Test)}
	for _, item := range p.Rows {
		row := Row{Item: item, Void: p.Void[item], Opened: []string{}, Cells: []Cell{}}
		for _, account := range slices.Sorted(maps.Keys(p.Opened)) {
			if _, ok := p.Opened[account][item]; ok {
				row.Opened = append(row.Opened, account)
			}
		}
		for _, a := range attributesOf(t) {
			c := fieldwork.Cell{Item: item, Attribute: a}
			row.Cells = append(row.Cells, cellOf(p, c, s.Revision(fieldwork.CellOn(id, p.Test, c))))
		}
		out.Rows = append(out.Rows, row)
	}
	act := "paper.prepare"
	if p.Prepared != nil {
		act = "paper.review"
	}
	out.Gates, out.KnownRevision = gatesOf(act, s.Standing(f, act, p.Test, d.now)), s.Revision("known:"+id+"/"+p.Test)
	return out
}

// attributesOf are a test's: one that names none has one, A.
func attributesOf(t *fieldwork.Test) (out []string) {
	for _, a := range t.Attributes {
		out = append(out, a.Name)
	}
	if len(out) == 0 {
		return []string{"A"}
	}
	return out
}

func cellOf(p *fieldwork.Paper, c fieldwork.Cell, revision int64) Cell {
	out := Cell{Attribute: c.Attribute, Mark: string(engagement.ToTest), Evidence: []int64{}, Revision: revision}
	if m := p.Cells[c]; m != nil {
		out.Mark, out.Note, out.Evidence, out.By, out.At, out.Bulk, out.Earlier = string(m.Mark), m.Note, append(out.Evidence, m.Evidence...), m.By, m.At, m.Bulk, len(m.Earlier)
	}
	if r := p.Revealed[c]; r != nil {
		out.Computed, out.Explained = &r.Outcome, r.Explained
	}
	return out
}

func getPaper(d *desk, in *objectIn) (out *oneOut[Paper], err error) {
	err = d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		p := f.Papers[in.ID]
		if p == nil {
			return unknown("workpaper of test", in.ID, in.Engagement)
		}
		x := d.paperOf(s, f, p)
		out = one("tieout.paper/1", sayPaper(p.Test, len(x.Rows), x.Untested, p.Prepared != nil, p.Reviewed != nil), x) // its tag is of its bytes: marks have revisions of their own
		return nil
	})
	return out, err
}

// sayPaper says where a workpaper stands.
func sayPaper(test string, rows, untested int, prepared, reviewed bool) string {
	out := "The workpaper of " + test + " has " + report.Plural(rows, "row", "rows")
	switch {
	case reviewed:
		return out + ", and is signed off by its reviewer."
	case prepared:
		return out + ", and is signed off as prepared."
	case untested > 0:
		return out + "; " + report.Plural(untested, "cell has", "cells have") + " no result."
	}
	return out + "; every cell has a result."
}

// PaperText says what a workpaper is opened from.
type PaperText struct {
	Sample string `json:"sample,omitempty" maxLength:"100" doc:"Left out: the test has no items, or the population none"`
	Empty  string `json:"empty,omitempty" maxLength:"100" doc:"The population without an item"`
}

// onPaper does something to a workpaper.
func (d *desk) onPaper(o *Object, words string, err error) (*oneOut[Done], error) {
	if err != nil {
		return nil, err
	}
	return d.done(o.Engagement, "paper", o.ID, words)
}

func openPaper(d *desk, in *doesOn[PaperText]) (*oneOut[Done], error) {
	return created(d.onPaper(&in.Object, "The workpaper of "+in.ID+" is open.", d.files.OpenPaper(d, d.Who, in.Engagement, in.ID, in.Body.Sample, in.Body.Empty)))
}

// SampleName names a sample.
type SampleName struct {
	Sample string `json:"sample" minLength:"1" maxLength:"100"`
}

func extendPaper(d *desk, in *doesOn[SampleName]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, "The rows of "+in.Body.Sample+" are in it.", d.files.ExtendPaper(d, d.Who, in.Engagement, in.ID, in.Body.Sample))
}

// ItemNames names items.
type ItemNames struct {
	Items []string `json:"items" minItems:"1" maxItems:"5000"`
}

func openItems(d *desk, in *doesOn[ItemNames]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, answer.Counted(len(in.Body.Items), "item is opened", "items are opened"), d.files.OpenItem(d, d.Who, in.Engagement, in.ID, in.Body.Items...))
}

// VerdictText is a mark with what it rests on.
type VerdictText struct {
	Mark     string  `json:"mark" enum:"To test,No exception,Exception,Not applicable,Unable to test"`
	Note     string  `json:"note,omitempty" maxLength:"20000" doc:"Of an exception, and the reason of Not applicable and Unable to test"`
	Evidence []int64 `json:"evidence,omitempty" maxItems:"100" doc:"Records of the client's log"`
	Why      string  `json:"why,omitempty" maxLength:"5000" doc:"Of a change"`
}

func (v *VerdictText) verdict() fieldwork.Verdict {
	return fieldwork.Verdict{Mark: engagement.Mark(v.Mark), Note: v.Note, Evidence: v.Evidence, Why: v.Why}
}

// CellName names a cell.
type CellName struct {
	Item      string `json:"item" maxLength:"300"`
	Attribute string `json:"attribute" minLength:"1" maxLength:"100"`
}

// MarkText marks one cell.
type MarkText struct {
	CellName
	VerdictText
}

func markCell(d *desk, in *changes[MarkText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	c := fieldwork.Cell(in.Body.CellName)
	if err := d.files.Mark(d, d.Who, in.Engagement, in.ID, c, in.Body.verdict(), base); err != nil {
		return nil, d.since(err, in.Engagement, fieldwork.CellOn(in.Engagement, in.ID, c), base)
	}
	return d.done(in.Engagement, "cell", in.ID+"/"+c.Item+"/"+c.Attribute, "Marked: "+in.Body.Mark+".")
}

// SeenCell is a cell with its revision as it was seen.
type SeenCell struct {
	CellName
	Base int64 `json:"base" minimum:"0"`
}

// MarksText marks cells alike.
type MarksText struct {
	Cells []SeenCell `json:"cells" minItems:"1" maxItems:"5000"`
	VerdictText
}

func markCells(d *desk, in *doesOn[MarksText]) (*oneOut[Done], error) {
	var seen []fieldwork.Seen
	for _, c := range in.Body.Cells {
		seen = append(seen, fieldwork.Seen{Cell: fieldwork.Cell(c.CellName), Base: c.Base})
	}
	return d.onPaper(&in.Object, report.Capital(report.Plural(len(seen), "cell is", "cells are"))+" marked "+in.Body.Mark+".", d.files.MarkMany(d, d.Who, in.Engagement, in.ID, seen, in.Body.verdict()))
}

// CellNames names cells; none: all that are marked.
type CellNames struct {
	Cells []CellName `json:"cells" maxItems:"5000" nullable:"false"`
}

func reveal(d *desk, in *doesOn[CellNames]) (*oneOut[Done], error) {
	var cells []fieldwork.Cell
	for _, c := range in.Body.Cells {
		cells = append(cells, fieldwork.Cell(c))
	}
	return d.onPaper(&in.Object, "What was computed is shown.", d.files.Reveal(d, d.Who, in.Engagement, in.ID, cells...))
}

// CellText is a note on a cell.
type CellText struct {
	CellName
	Words
}

func explain(d *desk, in *doesOn[CellText]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, "The difference is explained.", d.files.Explain(d, d.Who, in.Engagement, in.ID, fieldwork.Cell(in.Body.CellName), in.Body.Text))
}

// DigestText is what a sign-off is over: the workpaper's digest as it was read.
type DigestText struct {
	Digest string `json:"digest" minLength:"64" maxLength:"64"`
}

func preparePaper(d *desk, in *doesOn[DigestText]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, in.ID+" is signed off as prepared.", d.files.Prepare(d, d.Who, in.Engagement, in.ID, in.Body.Digest))
}

func reviewPaper(d *desk, in *doesOn[DigestText]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, in.ID+" is signed off by its reviewer.", d.files.Review(d, d.Who, in.Engagement, in.ID, in.Body.Digest))
}

func reopenPaper(d *desk, in *doesOn[Why]) (*oneOut[Done], error) {
	return d.onPaper(&in.Object, in.ID+" is open again.", d.files.Reopen(d, d.Who, in.Engagement, in.ID, in.Body.Why))
}

// Note is a review note.
type Note struct {
	ID         string     `json:"id"`
	Test       string     `json:"test"`
	Where      string     `json:"where,omitempty"`
	Text       string     `json:"text"`
	By         string     `json:"by"`
	At         time.Time  `json:"at"`
	Answer     string     `json:"answer,omitempty"`
	AnsweredBy string     `json:"answeredBy,omitempty"`
	Cleared    *time.Time `json:"cleared,omitempty"`
	ClearedBy  string     `json:"clearedBy,omitempty"`
	Revision   int64      `json:"revision"`
}

type notesIn struct {
	FilePage
	Test string `query:"test" maxLength:"100"`
	Open bool   `query:"open" doc:"Only those that are not cleared"`
}

func listNotes(d *desk, in *notesIn) (*listOut[Note], error) {
	var all []Note
	open := 0
	err := d.file(in.Engagement, func(s *fieldwork.State, f *fieldwork.File) error {
		for _, n := range answer.InOrder(f.Notes) {
			if in.Test != "" && in.Test != n.Test || in.Open && !n.Cleared.IsZero() {
				continue
			}
			if n.Cleared.IsZero() {
				open++
			}
			all = append(all, Note{n.ID, n.Test, n.Where, n.Text, n.By, n.At, n.Answer, n.AnsweredBy, when(n.Cleared), n.ClearedBy, s.Revision("note:" + in.Engagement + "/" + n.ID)})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	filter := map[bool]string{true: "true"}[in.Open]
	return cut(&in.Paging, "tieout.notes/1", answer.Counted(open, "review note is open", "review notes are open"), all, "/engagements/"+in.Engagement+"/notes", "test", in.Test, "open", filter)
}

// NoteText is a review note.
type NoteText struct {
	Where string `json:"where,omitempty" maxLength:"200" doc:"A cell or a place, in words; left out: the whole"`
	Words
}

func addNote(d *desk, in *doesOn[NoteText]) (*oneOut[Done], error) {
	id, err := d.files.AddNote(d, d.Who, in.Engagement, in.ID, in.Body.Where, in.Body.Text)
	if err != nil {
		return nil, err
	}
	return created(d.done(in.Engagement, "note", id, id+" is open."))
}

// onNote does something to a note, from the revision in If-Match.
func (d *desk) onNote(o *Object, m *Match, words string, do func(base int64) error) (*oneOut[Done], error) {
	base, err := m.revision()
	if err != nil {
		return nil, err
	}
	if err := do(base); err != nil {
		return nil, d.since(err, o.Engagement, "note:"+o.Engagement+"/"+o.ID, base)
	}
	return d.done(o.Engagement, "note", o.ID, words)
}

func answerNote(d *desk, in *changes[Words]) (*oneOut[Done], error) {
	return d.onNote(&in.Object, &in.Match, in.ID+" is answered.", func(base int64) error {
		return d.files.AnswerNote(d, d.Who, in.Engagement, in.ID, in.Body.Text, base)
	})
}

func clearNote(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onNote(&in.Object, &in.Match, in.ID+" is cleared.", func(base int64) error {
		return d.files.ClearNote(d, d.Who, in.Engagement, in.ID, base)
	})
}
