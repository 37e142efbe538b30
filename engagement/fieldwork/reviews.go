package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

var reviewTakers = map[string]taker{
	"paper.prepare": prepare, "paper.review": review, "paper.reopen": reopen,
	"note.add": addNote, "note.answer": answerNote, "note.clear": clearNote,
}

type signData struct {
	Digest string `json:"digest"` // of the state that is signed off, as its signer saw it
}

// Prepare is a preparer's sign-off of a workpaper: every cell has a result, every
// exception its finding, every difference from what was computed its note. digest
// is File.PaperDigest as it was seen; if a mark came in between, the error wraps
// audit.ErrConflict. It needs test.mark.
func (b *Book) Prepare(ctx context.Context, by access.Subject, id, test, digest string) error {
	return b.act(ctx, by, "test.mark", "paper.prepare", on("paper", id, test), book.Anyway, signData{digest})
}

func prepare(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[signData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, digest("digest", d.Digest)); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, test: f.Tests[p.Test], paper: p}
	if err := first(f.sameState(p.Test, d.Digest), g.hold("paper.prepare")); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "signed off as prepared", Do: func() {
		p.Prepared = &Signed{By: e.By.Name, At: e.At, Digest: d.Digest, Record: e.Record}
	}}, nil
}

// sameState refuses to sign what is not what the signer saw.
func (f *File) sameState(test, digest string) error {
	if f.PaperDigest(test) != digest {
		return tooEarly("the workpaper of %s has changed since you opened it. Look at it again before you sign it off", test)
	}
	return nil
}

// Review is the reviewer's sign-off of a workpaper that was prepared by others:
// all notes are cleared. It freezes the version. It needs workpaper.review, which
// nobody has on what they prepared.
func (b *Book) Review(ctx context.Context, by access.Subject, id, test, digest string) error {
	err := b.second(ctx, by, "workpaper.review", id, func(f *File) []string { return f.Workers(test) })
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "paper.review", on("paper", id, test), book.Anyway, signData{digest})
	return err
}

// second asks for a right that nobody has on what they prepared. preparers are
// those who did; where nobody did there is nothing to be second on.
func (b *Book) second(ctx context.Context, by access.Subject, right access.PermissionID, id string, preparers func(*File) []string) error {
	return b.ReadFile(ctx, id, func(_ *State, f *File) error { return onWork(by, right, id, preparers(f)) })
}

func onWork(by access.Subject, right access.PermissionID, id string, preparers []string) error {
	o := in(id)
	if o.Prepared = preparers; len(preparers) == 0 {
		return tooEarly("nobody has prepared it yet")
	}
	return access.Require(by, right, o)
}

func review(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[signData](e)
	f, p, perr := s.paper(e)
	if err = first(err, perr, digest("digest", d.Digest)); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, test: f.Tests[p.Test], paper: p, signed: d.Digest}
	if err := first(f.sameState(p.Test, d.Digest), g.hold("paper.review")); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("version %d is reviewed and frozen", p.Version+1), Do: func() {
		p.Version++
		p.Reviewed = &Signed{By: e.By.Name, At: e.At, Digest: d.Digest, Record: e.Record}
	}}, nil
}

// Reopen opens a frozen workpaper again, with the reason; the next sign-off makes
// the next version. What was concluded on it rests on an older version from now
// on and has to be renewed. It needs workpaper.review.
func (b *Book) Reopen(ctx context.Context, by access.Subject, id, test, why string) error {
	err := b.second(ctx, by, "workpaper.review", id, func(f *File) []string { return f.Workers(test) })
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "paper.reopen", on("paper", id, test), book.Anyway, whyData{why})
	return err
}

func reopen(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[whyData](e)
	f, test, ferr := s.on(e, "paper")
	if err = first(err, ferr, byPerson(e), text("why", d.Why, 1, 2000)); err == nil {
		err = f.MayWork(e)
	}
	if err != nil {
		return book.Change{}, err
	}
	p := f.Papers[test]
	if p == nil || p.Reviewed == nil {
		return book.Change{}, tooEarly("the workpaper of %s is not signed off, so it is open", test)
	}
	return book.Change{What: fmt.Sprintf("version %d is reopened: %s", p.Version, d.Why), Do: func() {
		p.Reopenings = append(p.Reopenings, Step{e.At, e.By.Name, d.Why})
		p.Prepared, p.Reviewed = nil, nil
	}}, nil
}

type noteData struct {
	Test  string `json:"test"`
	Where string `json:"where"` // a cell or a place, in words; "": the whole
	Text  string `json:"text"`
}

// AddNote writes a review note on a workpaper and returns its ID. It needs
// note.write.
func (b *Book) AddNote(ctx context.Context, by access.Subject, id, test, where, text string) (string, error) {
	if err := access.Require(by, "note.write", in(id)); err != nil {
		return "", err
	}
	return b.numbered(ctx, by, "note", id, "N", func(n string) error {
		_, err := b.book.Write(ctx, by, "note.add", on("note", id, n), 0, noteData{test, where, text})
		return err
	})
}

// numbered writes something new of an engagement under the next free ID.
func (b *Book) numbered(ctx context.Context, by access.Subject, kind, id, prefix string, write func(string) error) (string, error) {
	full, err := b.book.Numbered(ctx, by, kind, id+"/"+prefix, func(full string) error {
		return write(strings.TrimPrefix(full, id+"/"))
	})
	return strings.TrimPrefix(full, id+"/"), err
}

// mayNote refuses notes of somebody who has no part in the engagement: the
// quality reviewer has one, outside the team.
func (f *File) mayNote(e book.Entry) error {
	m := f.Team[e.By.Name]
	if m == nil || !m.Until.IsZero() {
		return fmt.Errorf("%w: you have no duty on %s", audit.ErrForbidden, f.Terms.ID)
	}
	return first(byPerson(e), f.open(), f.independent(e.By.Name))
}

func addNote(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[noteData](e)
	f, id, ferr := s.on(e, "note")
	if err = first(err, ferr, text("text", d.Text, 1, maxText), text("where", d.Where, 0, 1000)); err == nil {
		err = f.mayNote(e)
	}
	if err != nil {
		return book.Change{}, err
	}
	switch p := f.Papers[d.Test]; {
	case p == nil:
		return book.Change{}, fmt.Errorf("%w: test %s has no workpaper yet", audit.ErrNotFound, d.Test)
	case f.Notes[id] != nil:
		return book.Change{}, tooEarly("note %s exists already", id)
	case p.Reviewed != nil:
		return book.Change{}, p.writable()
	}
	return book.Change{What: "review note: " + d.Text, Do: func() {
		f.Notes[id] = &Note{ID: id, Test: d.Test, Where: d.Where, Text: d.Text, By: e.By.Name, At: e.At}
	}}, nil
}

type textData struct {
	Text string `json:"text"`
}

// AnswerNote answers a review note. base is State.Revision of "note:EN-1/N-3". It
// needs note.write.
func (b *Book) AnswerNote(ctx context.Context, by access.Subject, id, note, text string, base int64) error {
	return b.act(ctx, by, "note.write", "note.answer", on("note", id, note), base, textData{text})
}

// noteOf is an open note that an entry is on.
func (s *State) noteOf(e book.Entry) (*File, *Note, error) {
	f, id, err := s.on(e, "note")
	if err != nil {
		return nil, nil, err
	}
	n := f.Notes[id]
	switch {
	case n == nil:
		return f, nil, fmt.Errorf("%w: note %s", audit.ErrNotFound, id)
	case !n.Cleared.IsZero():
		return f, n, tooEarly("note %s is cleared", id)
	}
	return f, n, f.mayNote(e)
}

func answerNote(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[textData](e)
	_, n, nerr := s.noteOf(e)
	if err = first(err, nerr, text("text", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "answered: " + d.Text, Do: func() { n.Answer, n.AnsweredBy = d.Text, e.By.Name }}, nil
}

// ClearNote clears a review note that was answered: who wrote it does, or the
// engagement's partner. It needs note.write.
func (b *Book) ClearNote(ctx context.Context, by access.Subject, id, note string, base int64) error {
	return b.act(ctx, by, "note.write", "note.clear", on("note", id, note), base, struct{}{})
}

func clearNote(s *State, e book.Entry) (book.Change, error) {
	_, err := book.Data[struct{}](e)
	f, n, nerr := s.noteOf(e)
	if err = first(err, nerr); err != nil {
		return book.Change{}, err
	}
	switch {
	case n.By != e.By.Name && f.partnerActs(e) != nil:
		return book.Change{}, fmt.Errorf("%w: a note is cleared by who wrote it, or by the partner", audit.ErrForbidden)
	case n.Answer == "":
		return book.Change{}, tooEarly("note %s has no answer yet", n.ID)
	}
	return book.Change{What: "cleared", Do: func() { n.Cleared, n.ClearedBy = e.At, e.By.Name }}, nil
}

// OpenNotes are the notes on a test's workpaper that are not cleared.
func (f *File) OpenNotes(test string) (out []*Note) {
	for _, n := range book.Sorted(f.Notes) {
		if n.Test == test && n.Cleared.IsZero() {
			out = append(out, n)
		}
	}
	return out
}

// uncovered are the cells marked Exception that no finding names.
func (f *File) uncovered(p *Paper, t *Test) (out []Cell) {
	have := map[Cell]bool{}
	for _, x := range f.Findings {
		for _, c := range x.Cells {
			have[c] = have[c] || x.Test == t.ID
		}
	}
	return slices.DeleteFunc(p.Excepted(t), func(c Cell) bool { return have[c] })
}
