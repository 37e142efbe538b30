package program

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/library"
)

// Words are what this workspace puts into the placeholders of starter texts,
// beside what its files say.
type Words struct {
	Values   map[string]string // by the placeholder's name, such as "security contact"
	Revision int64             // Base of the next change
}

// SecurityContact is the placeholder for where people report a security problem.
const SecurityContact = library.SecurityContact

var wordTakers = map[string]taker{"words.set": setWords}

const wordsOn = "words:placeholders"

type fillingData struct {
	Values map[string]string `json:"values"`
}

func (d fillingData) check() error {
	err := within("values", len(d.Values), 0, 20)
	for _, name := range slices.Sorted(maps.Keys(d.Values)) {
		err = allOf(err, text("placeholder", name, 1, 60), text(name, d.Values[name], 1, 200),
			when(strings.ContainsAny(d.Values[name], "\n\r"), name+": one line, please"))
	}
	return err
}

func setWords(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[fillingData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	if e.On != wordsOn {
		return book.Change{}, fmt.Errorf("%w: placeholders are kept under %s", audit.ErrInvalid, wordsOn)
	}
	return book.Change{What: "placeholders of starter texts are set", Do: func() {
		s.Words = Words{d.Values, s.Revision(e.On) + 1}
	}}, nil
}

// SetWords keeps what goes into placeholders. It needs policy.write.
func (b *Book) SetWords(ctx context.Context, by access.Subject, w Words) (Words, error) {
	if err := access.Require(by, "policy.write", access.Object{}); err != nil {
		return Words{}, err
	}
	values := map[string]string{}
	for name, v := range w.Values {
		if v = strings.TrimSpace(v); v != "" {
			values[name] = v
		}
	}
	if _, err := b.write(ctx, by, "words.set", wordsOn, w.Revision, fillingData{values}); err != nil {
		return Words{}, err
	}
	return b.Words(ctx)
}

// Words returns what goes into placeholders here.
func (b *Book) Words(ctx context.Context) (out Words, err error) {
	err = b.Read(ctx, func(s *State) error {
		out = Words{maps.Clone(s.Words.Values), s.Words.Revision}
		return nil
	})
	return out, err
}
