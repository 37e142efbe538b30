package fieldwork

import (
	"context"
	"fmt"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/signature"
)

type descriptionData struct {
	Description engagement.Description `json:"description"`
	Packet      int64                  `json:"packet"`
}

// TakeDescription keeps management's description, as a packet brought it; a later
// version takes the place of an earlier one.
func (b *Book) TakeDescription(ctx context.Context, by access.Subject, id string, d engagement.Description, packet int64) error {
	return b.take(ctx, by, "description.take", on("description", id), id, descriptionData{d, packet})
}

func takeDescription(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[descriptionData](e)
	f, _, ferr := s.on(e, "description")
	if err = first(err, ferr, packetRecord(d.Packet), within("sections", len(d.Description.Sections), 1, 20), lines("controls", d.Description.Controls, 1000), within("other", len(d.Description.Other), 0, 50)); err != nil {
		return book.Change{}, err
	}
	if err := f.open(); err != nil {
		return book.Change{}, err
	}
	if f.Description != nil && d.Description.Version <= f.Description.Version {
		return book.Change{}, tooEarly("version %d of the description is here already", f.Description.Version)
	}
	return book.Change{What: fmt.Sprintf("management's description, version %d", d.Description.Version), Do: func() { f.Description = &d.Description }}, nil
}

type assertionData struct {
	Assertion engagement.Assertion `json:"assertion"`
	Packet    int64                `json:"packet"`
}

// TakeAssertion keeps the assertion of management, or of an inclusive subservice
// organization, as a packet brought it. Its signature is checked, over the
// letter without it (ToSign).
func (b *Book) TakeAssertion(ctx context.Context, by access.Subject, id string, a engagement.Assertion, packet int64) error {
	return b.take(ctx, by, "assertion.take", on("assertion", id), id, assertionData{a, packet})
}

func takeAssertion(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[assertionData](e)
	f, _, ferr := s.on(e, "assertion")
	a := d.Assertion
	if err = first(err, ferr, packetRecord(d.Packet), text("text", a.Text, 1, 10*maxText), dayText("dated", a.Dated, true), text("except", a.Decision.Except, 0, maxText)); err == nil {
		want, werr := a.ToSign()
		err = first(f.open(), f.party(a.By), carried(a.Signed, want, werr), f.under("the assertion of "+a.By, a.Terms))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "assertion of " + a.By, Do: func() { f.Assertions[a.By] = &a }}, nil
}

// under refuses a statement that names other terms than those in force. One that
// names none was signed before statements did: it is kept, and no report is issued
// on it.
func (f *File) under(what, terms string) error {
	if terms == "" {
		return nil
	}
	now, err := f.Terms.Digest()
	if err == nil && terms != now {
		err = tooEarly("%s is signed under terms that have changed since. Send them the terms as they are now; they agree to them and sign it anew", what)
	}
	return err
}

// Parties are those who assert and represent: the client and each inclusive
// subservice organization.
func (f *File) Parties() []string {
	out := []string{f.Terms.Client.Name}
	for _, s := range f.Terms.Subservices {
		if s.Inclusive {
			out = append(out, s.Name)
		}
	}
	return out
}

func (f *File) party(name string) error {
	if !slices.Contains(f.Parties(), name) {
		return fmt.Errorf("%w: %q is neither the client nor an inclusive subservice organization", audit.ErrInvalid, name)
	}
	return nil
}

// carried refuses a letter that nobody signed, or whose signature is over another.
func carried(sig engagement.Signature, toSign string, err error) error {
	return first(err, line("title of the signer", sig.Title, 1), signature.Verify(sig, toSign))
}

type representationData struct {
	Representation engagement.Representation `json:"representation"`
	Packet         int64                     `json:"packet"`
}

// TakeRepresentation keeps a letter of representation, as a packet brought it.
// Its signature is checked, over the letter without it (ToSign).
func (b *Book) TakeRepresentation(ctx context.Context, by access.Subject, id string, r engagement.Representation, packet int64) error {
	return b.take(ctx, by, "representation.take", on("representation", id), id, representationData{r, packet})
}

func takeRepresentation(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[representationData](e)
	f, _, ferr := s.on(e, "representation")
	r := d.Representation
	if err = first(err, ferr, packetRecord(d.Packet), text("text", r.Text, 1, 10*maxText), dayText("dated", r.Dated, true)); err == nil {
		want, werr := r.ToSign()
		err = first(f.open(), f.party(r.By), carried(r.Signed, want, werr), f.under("the letter of representation of "+r.By, r.Terms))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "representation letter of " + r.By, Do: func() { f.Representations[r.By] = &r }}, nil
}

type draftData struct {
	Draft engagement.Draft `json:"draft"`
}

// GiveDraft records that a draft was given to management for factual review; its
// value is among the firm's files already, and the caller sends it. It needs
// report.sign.
func (b *Book) GiveDraft(ctx context.Context, by access.Subject, id string, d engagement.Draft) error {
	if err := access.Require(by, "report.sign", in(id)); err != nil {
		return err
	}
	if err := b.haveBlob(ctx, "the draft", d.Digest); err != nil {
		return err
	}
	return b.act(ctx, by, "report.sign", "draft.give", on("draft", id), book.Anyway, draftData{d})
}

func giveDraft(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[draftData](e)
	f, _, ferr := s.on(e, "draft")
	if err = first(err, ferr, byPerson(e), digest("digest", d.Draft.Digest), dayText("due", d.Draft.Due, true)); err == nil {
		err = f.MayWork(e)
	}
	g := &ground{s: s, f: f, e: e}
	if err == nil {
		err = g.hold("draft.give")
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "draft is given for factual review, due " + d.Draft.Due, Do: func() { f.Drafts = append(f.Drafts, d.Draft) }}, nil
}

type commentData struct {
	Comment engagement.Comment `json:"comment"`
	Packet  int64              `json:"packet"`
}

// TakeComments keeps management's comments on a draft, as a packet brought them.
func (b *Book) TakeComments(ctx context.Context, by access.Subject, id string, comments []engagement.Comment, packet int64) error {
	for _, c := range comments {
		if err := ident("comment", c.ID); err != nil {
			return err
		}
		if err := b.take(ctx, by, "comment.take", on("comment", id, c.ID), id, commentData{c, packet}); err != nil {
			return err
		}
	}
	return nil
}

func takeComment(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[commentData](e)
	f, id, ferr := s.on(e, "comment")
	c := d.Comment
	if err = first(err, ferr, packetRecord(d.Packet), text("text", c.Text, 1, maxText), line("where", c.Where, 0), when(c.ID != id, "id: another comment's"), when(c.Answer != "", "answer: the firm's, not the client's")); err == nil {
		err = f.open()
	}
	if err != nil {
		return book.Change{}, err
	}
	switch was := f.Comments[id]; {
	case was != nil:
		return book.Change{}, tooEarly("comment %s is here already", id)
	case !slices.ContainsFunc(f.Drafts, func(x engagement.Draft) bool { return x.Digest == c.Draft }):
		return book.Change{}, tooEarly("comment %s is on a draft that was never given", id)
	}
	return book.Change{What: "management comments: " + c.Text, Do: func() { f.Comments[id] = &c }}, nil
}

// AnswerComment answers management's comment on a draft. base is State.Revision
// of "comment:EN-1/C-1". It needs note.write.
func (b *Book) AnswerComment(ctx context.Context, by access.Subject, id, comment, answer string, base int64) error {
	return b.act(ctx, by, "note.write", "comment.answer", on("comment", id, comment), base, textData{answer})
}

func answerComment(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[textData](e)
	f, id, ferr := s.on(e, "comment")
	if err = first(err, ferr, byPerson(e), text("answer", d.Text, 1, maxText)); err == nil {
		err = f.MayWork(e)
	}
	if err != nil {
		return book.Change{}, err
	}
	c := f.Comments[id]
	if c == nil {
		return book.Change{}, fmt.Errorf("%w: comment %s", audit.ErrNotFound, id)
	}
	return book.Change{What: "answered: " + d.Text, Do: func() { c.Answer = d.Text }}, nil
}
