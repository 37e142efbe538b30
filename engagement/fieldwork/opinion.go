package fieldwork

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/signature"
)

var opinionTakers = map[string]taker{
	"opinion.write": opine, "quality.sign": signQuality,
	"event.inquire": inquire, "event.set": setEvent,
	"draft.give": giveDraft, "comment.take": takeComment, "comment.answer": answerComment,
	"description.take": takeDescription, "assertion.take": takeAssertion, "representation.take": takeRepresentation, "steps.take": takeSteps,
}

type opineData struct {
	Opinion engagement.Opinion   `json:"opinion"`
	Text    string               `json:"text"`
	Basis   string               `json:"basis"`
	Signed  engagement.Signature `json:"signed"`
	Base    string               `json:"base,omitempty"`    // of a SOC 3: digest of the report in force that it rests on, "none" where there was none; "": of before it was named
	Edition int                  `json:"edition,omitempty"` // of the gates it was written under; 0: the first
}

// OpinionDigest is what a partner signs with an opinion: SHA-256, hex, over the
// part, the opinion, its words and the conclusions it rests on.
func (s *State) OpinionDigest(f *File, part engagement.Part, o engagement.Opinion, text, basis string) string {
	return digestOf(map[string]any{"engagement": f.Terms.ID, "part": part, "opinion": o, "text": text, "basis": basis, "rests": s.conclusionsDigest(f)})
}

// conclusionsDigest is SHA-256 over which conclusions are in force. A SOC 3's are
// those of the engagement it rests on.
func (s *State) conclusionsDigest(f *File) string {
	w := s.worked(f)
	lines := map[string]string{"engagement": w.Terms.ID}
	for _, what := range w.ToConclude() {
		if c := w.Concluded[what]; c != nil {
			lines[what] = strconv.FormatInt(c.Record, 10)
		}
	}
	return digestOf(lines)
}

// OpinionCurrent reports whether the opinion on a part rests on the conclusions in
// force; false where there is none.
func (s *State) OpinionCurrent(f *File, part engagement.Part) bool {
	o := f.Opinions[part]
	return o != nil && o.Rests == s.conclusionsDigest(f)
}

// worked is the file whose work an opinion rests on: a SOC 3 rests on that of a
// SOC 2 Type II.
func (s *State) worked(f *File) *File {
	if w := s.Files[f.Terms.RestsOn]; w != nil && f.Terms.Type == engagement.SOC3 {
		return w
	}
	return f
}

// Opine writes the opinion on one part, in the partner's own words, signed with
// the partner's personal key over OpinionDigest. It needs opinion.write, and a
// session of the last minutes.
func (b *Book) Opine(ctx context.Context, by access.Subject, id string, part engagement.Part, o engagement.Opinion, text, basis string, sig engagement.Signature) error {
	if err := access.Require(by, "opinion.write", in(id)); err != nil {
		return err
	}
	if err := b.ownKey(ctx, by, sig); err != nil {
		return fmt.Errorf("opinion on %s: %w", part, err)
	}
	d := opineData{o, text, basis, sig, "", edition}
	if err := b.ReadFile(ctx, id, func(s *State, f *File) error { d.Base = s.base(f); return nil }); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "opinion.write", on("opinion", id, string(part)), book.Anyway, d)
	return err
}

func opine(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[opineData](e)
	f, part, ferr := s.on(e, "opinion")
	if err = first(err, ferr, byPerson(e)); err != nil {
		return book.Change{}, err
	}
	want := s.OpinionDigest(f, engagement.Part(part), d.Opinion, d.Text, d.Basis)
	modified := d.Opinion != engagement.Unmodified
	if err := first(book.OneOf("part", engagement.Part(part), f.Terms.Type.Parts()...), book.OneOf("opinion", d.Opinion, engagement.Unmodified, engagement.Qualified, engagement.Adverse, engagement.Disclaimer),
		text("text", d.Text, 1, maxText), text("basis", d.Basis, 0, maxText), final("text", d.Text), final("basis", d.Basis),
		when(modified && strings.TrimSpace(d.Basis) == "", "basis: a modified opinion says why it is modified"),
		when(!modified && d.Basis != "", "basis: an unmodified opinion has none"), f.MayWork(e), f.partnerActs(e), ownSignature(e, d.Signed, want)); err != nil {
		return book.Change{}, err
	}
	g := &ground{s: s, f: f, e: e, on: part, opines: d, edition: d.Edition}
	if err := g.hold("opinion.write"); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "opinion on " + part + ": " + string(d.Opinion), Do: func() {
		p := engagement.Part(part)
		f.Opinions[p] = &Opined{Part: p, Opinion: d.Opinion, Text: d.Text, Basis: d.Basis, Rests: s.conclusionsDigest(f), Base: d.Base, Signed: d.Signed, At: e.At, Record: e.Record}
	}}, nil
}

// ownKey refuses a signature by a key that the log does not know as the person's.
func (b *Book) ownKey(ctx context.Context, by access.Subject, sig engagement.Signature) error {
	known, err := signature.AnnouncedKey(ctx, b.seal.Store, sig.Key)
	if err != nil {
		return fmt.Errorf("the key of the signature: %w", err)
	}
	if known.Account != by.Account {
		return fmt.Errorf("%w: the key of the signature is another person's", audit.ErrForbidden)
	}
	return nil
}

// ownSignature refuses a signature that is not the entry's maker's, or not over
// what is signed.
func ownSignature(e book.Entry, sig engagement.Signature, want string) error {
	switch {
	case sig.Signer != e.By.Name:
		return fmt.Errorf("%w: the signature is another person's", audit.ErrForbidden)
	case sig.Digest != want:
		return tooEarly("what you signed is not what is here now. Look at it again and sign it as it is")
	}
	return first(line("title of the signer", sig.Title, 1), signature.Verify(sig, want))
}

// QualityDigest is what an engagement quality review is of: the opinions as they
// stand.
func (f *File) QualityDigest() string {
	lines := map[string]string{}
	for part, o := range f.Opinions {
		lines[string(part)] = strconv.FormatInt(o.Record, 10) + " " + o.Rests
	}
	return digestOf(lines)
}

// SignQuality signs the engagement quality review off. digest is QualityDigest as
// the reviewer saw it. It needs quality.review, which nobody of the team has.
func (b *Book) SignQuality(ctx context.Context, by access.Subject, id, digest, text string) error {
	err := b.ReadFile(ctx, id, func(s *State, f *File) error { return onWork(by, "quality.review", id, s.Hands(f)) })
	if err != nil {
		return err
	}
	_, err = b.book.Write(ctx, by, "quality.sign", on("quality", id), book.Anyway, qualityData{digest, text})
	return err
}

type qualityData struct {
	Digest string `json:"digest"`
	Text   string `json:"text"` // what was looked at and discussed
}

// Hands are the accounts that worked on the file, or on the one whose work a SOC 3
// rests on: none of them reviews its quality.
func (s *State) Hands(f *File) []string {
	who := map[string]bool{}
	for _, x := range []*File{f, s.worked(f)} {
		x.hands(who)
	}
	return slices.Sorted(maps.Keys(who))
}

func (f *File) hands(who map[string]bool) {
	for _, p := range f.Papers {
		for _, a := range f.Workers(p.Test) {
			who[a] = true
		}
		if p.Reviewed != nil {
			who[p.Reviewed.By] = true
		}
	}
	for _, c := range f.Concluded {
		who[c.By] = true
	}
	for _, o := range f.Opinions {
		who[o.Signed.Signer] = true
	}
}

func signQuality(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[qualityData](e)
	f, _, ferr := s.on(e, "quality")
	if err = first(err, ferr, text("text", d.Text, 1, maxText)); err == nil {
		err = first(f.mayNote(e), when(d.Digest != f.QualityDigest(), "digest: the opinions have changed since you looked at them"))
	}
	if err != nil {
		return book.Change{}, err
	}
	if m := f.Team[e.By.Name]; m == nil || m.Duty != DutyQuality {
		return book.Change{}, fmt.Errorf("%w: the quality reviewer of %s does that", audit.ErrForbidden, f.Terms.ID)
	}
	g := &ground{s: s, f: f, e: e}
	if err := g.hold("quality.sign"); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "engagement quality review is signed", Do: func() {
		f.Quality = &Signed{By: e.By.Name, At: e.At, Digest: d.Digest, Record: e.Record}
	}}, nil
}

type inquireData struct {
	Asked  string `json:"asked"`
	Answer string `json:"answer"`
	To     string `json:"to"` // last day it covers
}

// Inquire records an inquiry about events after the period: who was asked and
// what was read, and what came of it. It needs conclusion.write.
func (b *Book) Inquire(ctx context.Context, by access.Subject, id, asked, answer, to string) error {
	return b.act(ctx, by, "conclusion.write", "event.inquire", on("inquiry", id), book.Anyway, inquireData{asked, answer, to})
}

func inquire(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[inquireData](e)
	f, _, ferr := s.on(e, "inquiry")
	if err = first(err, ferr, byPerson(e), text("asked", d.Asked, 1, maxText), text("answer", d.Answer, 1, maxText), dayText("to", d.To, true)); err == nil {
		err = first(f.MayWork(e), when(d.To > f.day(e), "to: an inquiry covers no day that has not come"))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "asked about subsequent events to " + d.To, Do: func() {
		f.Inquiries = append(f.Inquiries, Inquiry{d.Asked, d.Answer, d.To, e.By.Name, e.At, e.Record})
	}}, nil
}

// day is the calendar day of an entry in the engagement's zone.
func (f *File) day(e book.Entry) string { return e.At.In(f.location()).Format("2006-01-02") }

type eventData struct {
	Day    string `json:"day"`
	Title  string `json:"title"`
	Class  string `json:"class"`
	Effect string `json:"effect"`
}

// EventClasses are what an event after the period can mean.
var EventClasses = []string{EventOfPeriod, EventNew, EventNeither}

// SetEvent keeps an event after the period's end with what it means, a new one
// where event is "", and returns its ID. It needs conclusion.write.
func (b *Book) SetEvent(ctx context.Context, by access.Subject, id, event, day, title, class, effect string, base int64) (string, error) {
	if err := access.Require(by, "conclusion.write", in(id)); err != nil {
		return "", err
	}
	write := func(n string) error {
		_, err := b.book.Write(ctx, by, "event.set", on("event", id, n), base, eventData{day, title, class, effect})
		return err
	}
	if event != "" {
		return event, write(event)
	}
	return b.numbered(ctx, by, "event", id, "EV", write)
}

func setEvent(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[eventData](e)
	f, id, ferr := s.on(e, "event")
	if err = first(err, ferr, byPerson(e), ident("event", id), dayText("day", d.Day, true), line("title", d.Title, 1), book.OneOf("class", d.Class, EventClasses...), text("effect", d.Effect, 1, maxText)); err == nil {
		err = first(f.MayWork(e), when(d.Day <= max(f.Terms.Last, f.Terms.AsOf), "day: what happened until the end belongs into the work itself; an event is of a day after it"), when(d.Day > f.day(e), "day: it has not come"))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: d.Title + ": " + d.Class, Do: func() {
		if f.Events == nil {
			f.Events = map[string]*Event{}
		}
		f.Events[id] = &Event{id, d.Day, d.Title, d.Class, d.Effect, e.By.Name, e.At, s.Revision(e.On) + 1}
	}}, nil
}
