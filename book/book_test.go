package book_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/evidence"
)

func TestOneWrite(t *testing.T) {
	d := newDesk(t)
	seal := d.process("one")
	b := d.open(seal)
	e, err := b.Write(t.Context(), by(""), "thing.set", "thing:T-1", 0, thing{"Lamp"})
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != "thing.set" || e.Of() != "T-1" || e.By.Name != "ana" || !e.At.Equal(start) || e.ID == "" {
		t.Errorf("the entry is %+v", e)
	}
	rec, err := seal.Store.Record(t.Context(), e.Record)
	if err != nil {
		t.Fatal(err)
	}
	var facts map[string]string
	if err := json.Unmarshal(rec.Detail, &facts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"kind": "thing.set", "on": "thing:T-1", "session": "S", "address": "192.0.2.7"}, facts); diff != "" {
		t.Errorf("what the log says of it (-want +got):\n%s", diff)
	}
	for name, x := range map[string]*shelf{"the book": b, "one opened later": d.open(seal)} {
		if got, void := names(t, x); got["T-1"] != "Lamp" || len(void) != 0 {
			t.Errorf("%s has %v, %d void", name, got, len(void))
		}
		err := x.Read(t.Context(), func(s *things) error {
			if h := s.History("thing:T-1"); s.Revision("thing:T-1") != 1 || len(h) != 1 || h[0].What != "is called Lamp" {
				t.Errorf("%s: revision %d, history %v", name, s.Revision("thing:T-1"), h)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What cannot count is refused before it is sealed.
func TestRefused(t *testing.T) {
	d := newDesk(t)
	seal := d.process("one")
	b := d.open(seal)
	if _, err := b.Write(t.Context(), by(""), "thing.set", "thing:T-1", 0, thing{"Lamp"}); err != nil {
		t.Fatal(err)
	}
	head, err := seal.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		key  string
		base int64
		data any
		want error
	}{
		{"without a name", "", 1, thing{}, audit.ErrInvalid},
		{"with a key, without a name", "K-0", 1, thing{}, audit.ErrInvalid},
		{"made from an older one", "", 0, thing{"Chair"}, audit.ErrConflict},
		{"with a key, made from an older one", "K-1", 0, thing{"Chair"}, audit.ErrConflict},
		{"made from one that is not there yet", "", 2, thing{"Chair"}, audit.ErrConflict},
		{"too long", "", 1, thing{string(make([]byte, book.MaxData))}, audit.ErrInvalid},
		{"no JSON", "", 1, func() {}, audit.ErrInvalid},
	} {
		if _, err := b.Write(t.Context(), by(tt.key), "thing.set", "thing:T-1", tt.base, tt.data); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if now, err := seal.Store.Head(t.Context()); err != nil || now.Size != head.Size {
		t.Errorf("the log went from %d to %d, %v", head.Size, now.Size, err)
	}
	if _, err := b.Write(t.Context(), by(""), "thing.set", "thing:T-1", book.Anyway, thing{"Chair"}); err != nil {
		t.Errorf("one that takes nothing back: %v", err)
	}
}

// sealed puts an entry into the log as a process does that did not see what was
// there already.
func sealed(t *testing.T, seal *evidence.Sealer, id, on string, base int64, data string) int64 {
	t.Helper()
	body := fmt.Sprintf(`{"base":%d,"data":%s,"format":"tieout.entry/1","kind":"thing.set","on":%q}`, base, data, on)
	if id == "" {
		var err error
		if id, err = evidence.NewID(start); err != nil {
			t.Fatal(err)
		}
	}
	n, err := seal.SealOnce(t.Context(), evidence.Draft{ID: id, Kind: audit.RecordEntry, Media: "application/json", Body: []byte(body), Actor: audit.Actor{Kind: audit.ActorPerson, Name: "ana"}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestVoid(t *testing.T) {
	d := newDesk(t)
	seal := d.process("one")
	b := d.open(seal)
	first := sealed(t, seal, "", "thing:T-1", 0, `{"name":"Lamp"}`)
	for _, x := range []struct {
		on   string
		base int64
		data string
	}{{"thing:T-1", 0, `{"name":"Chair"}`}, {"thing:T-2", 0, `{"name":""}`}, {"thing:T-3", 0, `{"color":"red"}`}, {"nothing", 0, `{"name":"Desk"}`}} {
		sealed(t, seal, "", x.on, x.base, x.data)
	}
	got, void := names(t, b)
	if diff := cmp.Diff(map[string]string{"T-1": "Lamp"}, got); diff != "" {
		t.Error(diff)
	}
	for i, want := range []error{audit.ErrConflict, audit.ErrInvalid, audit.ErrInvalid, audit.ErrInvalid} {
		if len(void) != 4 || !errors.Is(void[i].Why, want) || void[i].Entry.Record != first+1+int64(i) {
			t.Fatalf("void are %v", void)
		}
	}
}

// An erased entry counts for nobody who reads the log from then on, and is
// written again by no repeat of its request.
func TestErased(t *testing.T) {
	d := newDesk(t)
	seal := d.process("one")
	e, err := d.open(seal).Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 0, thing{"Lamp"})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := seal.Store.Record(t.Context(), e.Record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Store.Erase(t.Context(), e.Record); err != nil {
		t.Fatal(err)
	}
	b := d.open(seal)
	got, void := names(t, b)
	if len(got) != 0 || len(void) != 1 || !errors.Is(void[0].Why, audit.ErrNotFound) && !errors.Is(void[0].Why, audit.ErrInvalid) || void[0].Entry.ID != rec.ID {
		t.Fatalf("there are %v, void %v", got, void)
	}
	if _, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 0, thing{"Lamp"}); !errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("the erased request was sent again: %v", err)
	}
	if _, err := b.Write(t.Context(), by(""), "thing.set", "thing:T-1", 0, thing{"Chair"}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestSentAgain(t *testing.T) {
	d := newDesk(t)
	b := d.open(d.process("one"))
	write := func(key, on string, base int64, name string) (book.Entry, error) {
		return b.Write(t.Context(), by(key), "thing.set", "thing:"+on, base, thing{name})
	}
	first, err := write("K-1", "T-1", 0, "Lamp")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := write("K-1", "T-1", 0, "Lamp"); err != nil || again.Record != first.Record {
		t.Errorf("sent again: %v, record %d, first %d", err, again.Record, first.Record)
	}
	if _, err := write("", "T-1", 1, "Chair"); err != nil {
		t.Fatal(err)
	}
	if again, err := write("K-1", "T-1", 0, "Lamp"); err != nil || again.Record != first.Record {
		t.Errorf("sent again after somebody else's: %v, record %d", err, again.Record)
	}
	for name, err := range map[string]error{
		"another name":   second(write("K-1", "T-1", 2, "Desk")),
		"another object": second(write("K-1", "T-2", 0, "Lamp")),
	} {
		if !errors.Is(err, book.ErrKeyUsed) {
			t.Errorf("%s under the same key: %v", name, err)
		}
	}
	other := by("K-1")
	other.Account = "bo"
	if _, err := b.Write(t.Context(), other, "thing.set", "thing:T-2", 0, thing{"Lamp"}); err != nil {
		t.Errorf("the same key of somebody else: %v", err)
	}
}

func second(_ book.Entry, err error) error { return err }

// A request that lost its race counts when it is sent again under its key.
func TestSentAgainAfterItLost(t *testing.T) {
	d := newDesk(t)
	seal := d.process("one")
	b := d.open(seal)
	sealed(t, seal, "", "thing:T-1", 0, `{"name":"Lamp"}`)
	sealed(t, seal, book.OnceID(by("K-1")), "thing:T-1", 0, `{"name":"Chair"}`)
	if _, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 0, thing{"Chair"}); !errors.Is(err, audit.ErrConflict) || errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("made from the same older one: %v", err)
	}
	if _, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 1, thing{"Desk"}); !errors.Is(err, book.ErrKeyUsed) {
		t.Errorf("another request under its key: %v", err)
	}
	e, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 1, thing{"Chair"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Write(t.Context(), by("K-1"), "thing.set", "thing:T-1", 1, thing{"Chair"})
	if err != nil || again.Record != e.Record {
		t.Errorf("and once more: %v, record %d, first %d", err, again.Record, e.Record)
	}
	if got, void := names(t, d.open(seal)); got["T-1"] != "Chair" || len(void) != 1 {
		t.Errorf("there are %v, %d void", got, len(void))
	}

	// Of what is new its number was lost: sent again it gets the next.
	sealed(t, seal, book.OnceID(by("K-2")), "thing:T-1", 0, `{"name":"Shelf"}`)
	for range 2 {
		id, err := b.Numbered(t.Context(), by("K-2"), "thing", "T", func(id string) error {
			_, err := b.Write(t.Context(), by("K-2"), "thing.set", "thing:"+id, 0, thing{"Shelf"})
			return err
		})
		if err != nil || id != "T-2" {
			t.Errorf("got number %q, %v; want T-2", id, err)
		}
	}
}

// Two processes on one store, each with requests of its own and some that both
// send: each request is counted once, under a number of its own.
func TestTwoProcesses(t *testing.T) {
	d := newDesk(t)
	books := []*shelf{d.open(d.process("one")), d.open(d.process("two"))}
	keys := []string{"", "only-%d", "both"}
	const rounds = 3
	ids := make([][]string, len(books))
	errs := make([]error, len(books))
	var wg sync.WaitGroup
	for p, b := range books {
		wg.Go(func() {
			for r := range rounds {
				for k, key := range keys {
					who := by(map[int]string{0: "", 1: fmt.Sprintf("only-%d-%d", p, r), 2: fmt.Sprintf("both-%d", r)}[k])
					name := map[int]string{0: fmt.Sprint("mine ", p, r), 1: fmt.Sprint("keyed ", p, r), 2: fmt.Sprint("both ", r)}[k]
					id, err := b.Numbered(t.Context(), who, "thing", "T", func(id string) error {
						_, err := b.Write(t.Context(), who, "thing.set", "thing:"+id, 0, thing{name})
						return err
					})
					ids[p] = append(ids[p], name+"="+id)
					if err != nil {
						errs[p] = errors.Join(errs[p], fmt.Errorf("%s, key %s: %w", name, key, err))
					}
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	one, _ := names(t, books[0])
	two, void := names(t, books[1])
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("the processes do not agree:\n%s", diff)
	}
	want := map[string]string{}
	for _, list := range ids {
		for _, x := range list {
			var name, id string
			for i := range x {
				if x[i] == '=' {
					name, id = x[:i], x[i+1:]
				}
			}
			want[id] = name
		}
	}
	if diff := cmp.Diff(want, one); diff != "" || len(one) != rounds*5 {
		t.Errorf("%d things, %d void; told and counted (-told +counted):\n%s", len(one), len(void), diff)
	}
}

// Of many who change one object at once one is first; the others are told.
func TestConflict(t *testing.T) {
	d := newDesk(t)
	books := []*shelf{d.open(d.process("one")), d.open(d.process("two"))}
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = books[i%2].Write(t.Context(), by(fmt.Sprint("K-", i)), "thing.set", "thing:T-1", 0, thing{fmt.Sprint("by ", i)})
		})
	}
	wg.Wait()
	won := ""
	for i, err := range errs {
		switch {
		case err == nil && won == "":
			won = fmt.Sprint("by ", i)
		case err == nil:
			t.Errorf("%s and by %d both count", won, i)
		case !errors.Is(err, audit.ErrConflict) || errors.Is(err, book.ErrKeyUsed):
			t.Errorf("by %d: %v", i, err)
		}
	}
	if got, _ := names(t, books[0]); got["T-1"] != won || won == "" {
		t.Errorf("there is %v, and who was told it counts is %q", got, won)
	}
	for i, err := range errs { // each repeats under its key, from what is there now
		var base int64
		if rerr := books[0].Read(t.Context(), func(s *things) error { base = s.Revision("thing:T-1"); return nil }); rerr != nil {
			t.Fatal(rerr)
		}
		if _, again := books[0].Write(t.Context(), by(fmt.Sprint("K-", i)), "thing.set", "thing:T-1", base, thing{fmt.Sprint("by ", i)}); again != nil {
			t.Errorf("by %d (%v) sent again: %v", i, err, again)
		}
	}
}

func TestOnceID(t *testing.T) {
	a, b := by("K"), by("L")
	if book.OnceID(a) != book.OnceID(by("K")) || book.OnceID(a) == book.OnceID(b) || !access.IsAccount(book.OnceID(a)) {
		t.Errorf("%s, %s", book.OnceID(a), book.OnceID(b))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"base":0,"data":{"name":"x"},"format":"tieout.entry/1","kind":"thing.set","on":"thing:T-1"}`, `{}`, `null`, `{"format":"tieout.entry/2"}`, `{"base":-2,"data":1,"format":"tieout.entry/1","kind":"a","on":"b:c"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := book.Parse(body)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("the error is of no kind: %v", err)
			}
			return
		}
		if e.Base < book.Anyway || e.Kind == "" || len(e.Data) == 0 {
			t.Errorf("%s was read as %+v", body, e)
		}
	})
}
