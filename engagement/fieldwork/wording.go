package fieldwork

import (
	"context"
	"slices"
	"time"

	"tieout/access"
	"tieout/book"
	"tieout/engagement"
)

var wordingTakers = map[string]taker{"wording.load": loadWording}

// wordingOn is what entries on the firm's own texts are on.
const wordingOn = "wording:firm"

// What a text of the firm's is.
const (
	TextWording  = "wording"  // the texts of a report around the opinion
	TextCriteria = "criteria" // official text of criteria that the firm may print
)

// A Text is a file of the firm's own words, or of criteria it imported, that its
// reports are made with. Its bytes lie among the firm's blobs.
type Text struct {
	Kind    string            `json:"kind"`
	File    string            `json:"file"` // its name, as it was loaded
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Example bool              `json:"example"` // of a wording: the shipped one, which no firm has adopted
	Types   []engagement.Type `json:"types"`   // of a wording: the reports it is for; none: all
	Set     string            `json:"set"`     // of criteria: "" the trust services criteria, else a set's ID
	Texts   int               `json:"texts"`   // of criteria: how many it has
	Digest  string            `json:"digest"`  // SHA-256 of its bytes, hex
	Size    int64             `json:"size"`
}

// A Loaded is a Text with who loaded it and when.
type Loaded struct {
	Text
	By     string
	At     time.Time
	Record int64
}

// Wording is the newest wording for a type of report; nil where the firm loaded
// none.
func (s *State) Wording(of engagement.Type) *Loaded {
	for _, x := range slices.Backward(s.Texts) {
		if x.Kind == TextWording && (len(x.Types) == 0 || slices.Contains(x.Types, of)) {
			return x
		}
	}
	return nil
}

// Criteria is the newest import of a set's official text; nil where there is none.
func (s *State) Criteria(set string) *Loaded {
	for _, x := range slices.Backward(s.Texts) {
		if x.Kind == TextCriteria && x.Set == set {
			return x
		}
	}
	return nil
}

// LoadText puts a text in force for all reports that are made from now on; those
// made before keep theirs. The caller has read it and put its bytes among the
// firm's blobs. It needs wording.write.
func (b *Book) LoadText(ctx context.Context, by access.Subject, t Text) error {
	if err := access.Require(by, "wording.write", access.Object{}); err != nil {
		return err
	}
	if err := b.haveBlob(ctx, t.File, t.Digest); err != nil {
		return err
	}
	t.Types = book.List(t.Types)
	_, err := b.book.Write(ctx, by, "wording.load", wordingOn, book.Anyway, t)
	return err
}

func (t Text) check() error {
	err := allOf(book.OneOf("kind", t.Kind, TextWording, TextCriteria), line("file", t.File, 1), line("name", t.Name, 1), line("version", t.Version, 1), line("set", t.Set, 0),
		digest("digest", t.Digest), when(t.Size <= 0, "size: bytes of the file"), within("types", len(t.Types), 0, len(engagement.Types)),
		when(t.Kind == TextCriteria && t.Texts < 1, "texts: an import has the text of at least one criterion"))
	for _, of := range t.Types {
		err = first(err, book.OneOf("type", of, engagement.Types...))
	}
	return err
}

func loadWording(s *State, e book.Entry) (book.Change, error) {
	t, err := book.Data[Text](e)
	if err = first(err, byPerson(e), when(e.On != wordingOn, "the firm's texts are kept under "+wordingOn), t.check()); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: t.Kind + " is loaded: " + t.Name + ", version " + t.Version, Do: func() {
		s.Texts = append(s.Texts, &Loaded{t, e.By.Name, e.At, e.Record})
	}}, nil
}
