package book_test

import (
	"errors"
	"testing"

	"tieout/book"
)

// TestWrote: who computes what they write finds what they wrote under a key, also
// where others wrote since, and nothing where there is nothing.
func TestWrote(t *testing.T) {
	d := newDesk(t)
	b := d.open(d.process("one"))
	first, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 0, thing{"Lamp"})
	if err == nil {
		_, err = b.Write(t.Context(), by(""), "thing.set", "thing:T-1", 1, thing{"Chair"})
	}
	if err != nil {
		t.Fatal(err)
	}
	if e, known, err := b.Wrote(t.Context(), by("K-1"), "thing.set"); err != nil || !known || e.Record != first.Record || string(e.Data) != `{"name":"Lamp"}` {
		t.Errorf("under its key: %+v, %t, %v; want the first entry", e, known, err)
	}
	other := by("K-1")
	other.Account = "bo"
	for name, who := range map[string]bool{"without a key": false, "of somebody else": true} {
		as := by("")
		if who {
			as = other
		}
		if _, known, err := b.Wrote(t.Context(), as, "thing.set"); known || err != nil {
			t.Errorf("%s: %t, %v; want nothing", name, known, err)
		}
	}
	if _, _, err := b.Wrote(t.Context(), by("K-1"), "thing.drop"); !errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("of another kind: %v; want it refused as that", err)
	}
}
