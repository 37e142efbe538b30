package fieldwork

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/book"
	"tieout/engagement/redraw"
)

// commitmentKey is what commitments are kept by: one a control, round and stratum.
func commitmentKey(control, round, stratum string) string {
	return strings.Join([]string{control, round, stratum}, "\x1f")
}

type commitData struct {
	Control string `json:"control"`
	Round   string `json:"round"`
	Stratum string `json:"stratum,omitempty"`
	Hidden  string `json:"hidden"`
	Nonce   string `json:"nonce"`
	Salt    string `json:"salt"`
}

// CommitNonce makes 32 random bytes for the draw of a control, a round and a
// stratum ("" for a population without strata, redraw.Supplement for late rows)
// and binds the firm to them before the client freezes: the entry is a salted
// commitment in the firm's log, which nobody outside can read. Its place in the
// log has to be within what the client had seen when it froze. One nonce is made
// for each draw, and never another. It needs sample.draw.
func (b *Book) CommitNonce(ctx context.Context, by access.Subject, id, control, round, stratum string) (Commitment, error) {
	if err := access.Require(by, "sample.draw", in(id)); err != nil {
		return Commitment{}, err
	}
	_, known, err := sentBefore(ctx, b, by, "nonce.commit", "nonce:"+id+"/", func(d commitData) bool { return d.Control == control && d.Round == round && d.Stratum == stratum })
	if err != nil || known {
		return b.commitment(ctx, id, commitmentKey(control, round, stratum), err)
	}
	var nonce, salt [32]byte
	rand.Read(nonce[:]) // never fails: crypto/rand ends the program instead
	rand.Read(salt[:])
	d := commitData{control, round, stratum, redraw.Hidden(salt, nonce), hex.EncodeToString(nonce[:]), hex.EncodeToString(salt[:])}
	by.Session, by.Token, by.Address = "", "", "" // the record is shown to anybody who picks the sample again
	_, err = b.book.Numbered(ctx, by, "nonce", id+"/N", func(n string) error {
		_, err := b.book.Write(ctx, by, "nonce.commit", "nonce:"+n, 0, d)
		return err
	})
	return b.commitment(ctx, id, commitmentKey(control, round, stratum), err)
}

// commitment is one by its key, without what it hides; err is that of the act
// before.
func (b *Book) commitment(ctx context.Context, id, key string, err error) (out Commitment, _ error) {
	if err != nil {
		return out, err
	}
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		out = f.Commitments[key].hidden()
		return nil
	})
	return out, err
}

// hidden is a commitment without what it hides.
func (c *Commitment) hidden() Commitment {
	out := *c
	out.Nonce, out.Salt = "", ""
	return out
}

func commitNonce(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[commitData](e)
	f, _, ferr := s.on(e, "nonce")
	if err = first(err, ferr); err == nil {
		err = first(ident("control", d.Control), ident("round", d.Round), line("stratum", d.Stratum, 0), opens(d), byPerson(e), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	key := commitmentKey(d.Control, d.Round, d.Stratum)
	switch {
	case !f.Terms.Type.OverPeriod():
		return book.Change{}, tooEarly("%s is as of a date: nothing is drawn", f.Terms.ID)
	case f.Commitments[key] != nil:
		return book.Change{}, tooEarly("there is a nonce for %s, round %s%s already; another draw is another round, of a re-freeze", d.Control, d.Round, ofStratum(d.Stratum))
	}
	for _, p := range book.Sorted(f.Populations) {
		if p.Round == d.Round && slices.Contains(p.Controls, d.Control) {
			return book.Change{}, tooEarly("population %s of %s, round %s, is frozen: a nonce made now could be chosen. Ask for a re-freeze after this one is made for another round", p.ID, d.Control, d.Round)
		}
	}
	return book.Change{What: "a nonce is committed for " + d.Control + ", round " + d.Round + ofStratum(d.Stratum), Do: func() {
		f.Commitments[key] = &Commitment{Control: d.Control, Round: d.Round, Stratum: d.Stratum, Record: e.Record, Size: e.Record + 1, Hidden: d.Hidden, Nonce: d.Nonce, Salt: d.Salt}
	}}, nil
}

// opens checks that a commitment is to the nonce beside it.
func opens(d commitData) error {
	nonce, err := redraw.Bytes32("nonce", d.Nonce)
	salt, serr := redraw.Bytes32("salt", d.Salt)
	if err = first(err, serr); err != nil {
		return err
	}
	return when(redraw.Hidden(salt, nonce) != d.Hidden, "the commitment is not to this nonce")
}

func ofStratum(stratum string) string {
	if stratum == "" {
		return ""
	}
	return fmt.Sprintf(", stratum %s", stratum)
}

// Unopened are the commitments no sample was drawn with, in the order of the
// log: each is reported, so that nobody can draw often and show one.
func (b *Book) Unopened(ctx context.Context, id string) (out []Commitment, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error { out = f.unopened(); return nil })
	return out, err
}

func (f *File) unopened() (out []Commitment) {
	for _, c := range book.Sorted(f.Commitments) {
		if c.Drawn == "" {
			out = append(out, c.hidden())
		}
	}
	slices.SortFunc(out, func(a, b Commitment) int { return int(a.Record - b.Record) })
	return out
}
